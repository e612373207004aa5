//! Whisper's tokens: words, and those that say language, task, time and end.

use std::panic::catch_unwind;

use serde::Deserialize;
use tokenizers::Tokenizer;

/// The number of tokens of models that know English only.
const ENGLISH_ONLY: usize = 51_864;
/// Seconds from one timestamp to the next.
pub(super) const SECONDS_A_TIMESTAMP: f64 = 0.02;

/// The vocabulary and the tokens with a meaning of their own.
#[derive(Debug)]
pub(super) struct Tokens {
    tokenizer: Tokenizer,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) transcribe: u32,
    pub(super) previous: u32,
    pub(super) no_speech: u32,
    pub(super) no_timestamps: u32,
    /// Codes and tokens of the languages; empty if the model knows English only.
    pub(super) languages: Vec<(String, u32)>,
    /// Never said: brackets, notes and the like, and what starts a transcript.
    pub(super) suppressed: Vec<u32>,
    /// Never said first: a blank, and the end.
    pub(super) suppressed_first: Vec<u32>,
    n_tokens: usize,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    suppress_ids: Vec<u32>,
    #[serde(default)]
    suppress_ids_begin: Vec<u32>,
}

impl Tokens {
    /// Reads the tokens of `tokenizer.json` and `config.json`, of which `n_tokens` have vectors.
    ///
    /// # Errors
    /// A sentence about what is missing.
    pub(super) fn read(tokenizer: &[u8], config: &[u8], n_tokens: usize) -> Result<Self, String> {
        let config: Config = serde_json::from_slice(config).map_err(|error| error.to_string())?;
        // The reader panics on some malformed files.
        let tokenizer = catch_unwind(|| Tokenizer::from_bytes(tokenizer))
            .map_err(|_| String::from("its reader panicked"))?
            .map_err(|error| error.to_string())?;
        let token = |name: &str| {
            tokenizer
                .token_to_id(&format!("<|{name}|>"))
                .ok_or_else(|| format!("it has no token <|{name}|>"))
        };
        let (start, transcribe) = (token("startoftranscript")?, token("transcribe")?);
        let language = |(id, token): (u32, _)| {
            let token: tokenizers::AddedToken = token;
            let code = token
                .content
                .strip_prefix("<|")?
                .strip_suffix("|>")?
                .to_owned();
            let inside = id > start && id < transcribe && code.len() <= 3;
            inside.then_some((code, id))
        };
        let mut languages: Vec<(String, u32)> = tokenizer
            .get_added_tokens_decoder()
            .into_iter()
            .filter_map(language)
            .collect();
        languages.sort_by_key(|language| language.1);
        if n_tokens == ENGLISH_ONLY {
            languages.clear();
        }
        let no_speech = token("nospeech").or_else(|_| token("nocaptions"))?;
        let previous = token("startofprev")?;
        let mut suppressed = config.suppress_ids;
        suppressed.extend([start, transcribe, previous, no_speech]);
        suppressed.extend(token("translate").ok());
        suppressed.extend(token("startoflm").ok());
        let tokens = Self {
            start,
            end: token("endoftext")?,
            transcribe,
            previous,
            no_speech,
            no_timestamps: token("notimestamps")?,
            languages,
            suppressed,
            suppressed_first: config.suppress_ids_begin,
            n_tokens,
            tokenizer,
        };
        tokens.check().map(|()| tokens)
    }

    fn check(&self) -> Result<(), String> {
        let all = [
            self.start,
            self.end,
            self.transcribe,
            self.previous,
            self.no_speech,
        ];
        let lists = [&self.suppressed, &self.suppressed_first];
        let languages = self.languages.iter().map(|language| language.1);
        let highest = all
            .into_iter()
            .chain(lists.into_iter().flatten().copied())
            .chain(languages)
            .chain([self.no_timestamps])
            .max();
        match highest {
            Some(highest) if highest as usize + 1 < self.n_tokens => Ok(()),
            _ => Err(format!(
                "token {highest:?} or the timestamps have no place among {:?}",
                self.n_tokens
            )),
        }
    }

    /// The token of 0.00 seconds; those of later times follow.
    pub(super) fn first_timestamp(&self) -> u32 {
        self.no_timestamps + 1
    }

    /// Whether a token says a time.
    pub(super) fn is_timestamp(&self, token: u32) -> bool {
        token >= self.first_timestamp()
    }

    /// Which timestamp it is, counted from 0.00 seconds.
    pub(super) fn timestamp(&self, token: u32) -> usize {
        token.saturating_sub(self.first_timestamp()) as usize
    }

    /// The token of a language.
    pub(super) fn language(&self, code: &str) -> Option<u32> {
        self.languages
            .iter()
            .find(|language| language.0 == code)
            .map(|language| language.1)
    }

    /// The text of the words among some tokens.
    ///
    /// # Errors
    /// What the tokenizer says.
    pub(super) fn text(&self, tokens: &[u32]) -> Result<String, String> {
        let words: Vec<u32> = tokens
            .iter()
            .copied()
            .filter(|&token| token < self.end)
            .collect();
        self.tokenizer
            .decode(&words, true)
            .map_err(|error| error.to_string())
    }
}
