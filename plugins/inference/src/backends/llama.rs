//! Generates text with a model of the Llama family from GGUF, many texts side by side.
//!
//! * Weights are read once, brought to 8 bits, packed, and shared by all replicas.
//! * Every step takes one token of each text that is being written and a share of the prompts that
//!   are still being read, in one pass over the weights.
//! * Prompts that begin alike share what was read of the beginning.
//! * A text has the same tokens alone and among others, and with the same seed every time.
//!
//! Yu et al. (2022), "Orca: A Distributed Serving System for Transformer-Based Generative Models"
//! (continuous batching).

mod cache;
mod chat;
mod config;
mod forward;
mod json;
mod sampling;
mod sequence;
mod tokens;
mod weights;
mod writer;

use std::{fmt, sync::Arc};

use self::{
    cache::Cache,
    chat::Chat,
    config::Config,
    forward::{Forward, Row},
    json::Vocabulary,
    sequence::Sequence,
    tokens::Tokens,
    weights::Weights,
};
use crate::{
    ask::{Ask, GenerateOptions, Skill, TextShape},
    backend::{Backend, BackendError, Encoder, SequenceId, SequenceStep},
    gguf::Gguf,
    input::{Encoded, Input},
    kernels::Team,
    output::{GenerationEnd, Output},
};

/// Tokens of prompts that are read in one step, all sequences together.
const PROMPT_TOKENS: usize = 256;

/// How a replica generates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LlamaOptions {
    /// Threads that compute.
    pub n_threads: usize,
    /// Texts that are written side by side.
    pub n_sequences: usize,
    /// Tokens whose keys and values are held, those of finished texts that may be used again among
    /// them; memory is taken as it is needed.
    pub cache_tokens: usize,
    /// Whether what is multiplied with weights stays in f32: many times slower, for comparisons.
    pub is_exact: bool,
}

impl Default for LlamaOptions {
    fn default() -> Self {
        Self {
            n_threads: 1,
            n_sequences: 8,
            cache_tokens: 16_384,
            is_exact: false,
        }
    }
}

/// A model's weights, vocabulary and chat template. Clones share everything.
#[derive(Clone)]
pub struct LlamaWeights(Arc<Shared>);

struct Shared {
    version: String,
    config: Config,
    tokens: Tokens,
    vocabulary: Vocabulary,
    chat: Option<Chat>,
    weights: Weights,
}

impl fmt::Debug for LlamaWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared {
            version, config, ..
        } = &*self.0;
        f.debug_struct("LlamaWeights")
            .field("version", version)
            .field("config", config)
            .finish_non_exhaustive()
    }
}

impl LlamaWeights {
    /// Reads a GGUF file, whose name is `file`, as version `version` of a model.
    ///
    /// # Errors
    /// [`BackendError::BadFile`] says what is wrong with it.
    pub fn read(version: &str, file: &str, bytes: &[u8]) -> Result<Self, BackendError> {
        let shared = Self::read_parts(version, bytes).map_err(|why| BackendError::BadFile {
            model: version.to_owned(),
            file: file.to_owned(),
            why,
        })?;
        Ok(Self(Arc::new(shared)))
    }

    fn read_parts(version: &str, bytes: &[u8]) -> Result<Shared, String> {
        let gguf = Gguf::read(bytes).map_err(|error| error.to_string())?;
        let tokens = Tokens::read(&gguf)?;
        let config = Config::read(&gguf, tokens.len())?;
        Ok(Shared {
            version: version.to_owned(),
            config,
            vocabulary: Vocabulary::new(&tokens),
            chat: Chat::read(&gguf),
            weights: Weights::read(&gguf, config)?,
            tokens,
        })
    }

    /// The version of the model.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// Makes inputs into tokens.
    pub(crate) fn encoder(&self) -> Encoder {
        let this = self.clone();
        Arc::new(move |ask, input| this.encode(ask, input))
    }

    fn encode(&self, ask: &Ask, input: &Input) -> Result<Encoded, BackendError> {
        let Shared {
            version,
            config,
            tokens,
            chat,
            ..
        } = &*self.0;
        let ids = match (ask, input) {
            (Ask::Generate(_), Input::Text(text)) => tokens.encode_start(text),
            (Ask::Generate(_), Input::Chat(messages)) => match chat {
                Some(chat) => chat.encode(tokens, messages),
                None => Err(String::from("the model has no chat template")),
            },
            _ => return Err(BackendError::wrong_input(version, ask)),
        };
        let ids = ids.map_err(BackendError::Tokens)?;
        if ids.is_empty() || ids.len() >= config.context {
            return Err(BackendError::Tokens(format!(
                "the prompt has {:?} tokens; the model takes 1 to {:?}",
                ids.len(),
                config.context - 1
            )));
        }
        Ok(Encoded::Ids(ids))
    }
}

/// A replica's model. Shares its weights with the other replicas.
pub struct Llama {
    shared: Arc<Shared>,
    weights: LlamaWeights,
    options: LlamaOptions,
    forward: Forward,
    cache: Cache,
    sequences: Vec<Sequence>,
}

impl fmt::Debug for Llama {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Llama")
            .field("weights", &self.weights)
            .field("options", &self.options)
            .field("n_sequences_under_way", &self.sequences.len())
            .field("cache_bytes", &self.cache.bytes())
            .finish_non_exhaustive()
    }
}

impl Llama {
    /// Makes a model of shared weights: no copy of them is made.
    pub fn new(weights: &LlamaWeights, options: LlamaOptions) -> Self {
        let config = weights.0.config;
        Self {
            shared: Arc::clone(&weights.0),
            weights: weights.clone(),
            options,
            forward: Forward::new(config, Team::new(options.n_threads), options.is_exact),
            cache: Cache::new(config, options.cache_tokens),
            sequences: Vec::new(),
        }
    }

    fn failed(&self, why: impl Into<String>) -> BackendError {
        BackendError::Failed {
            model: self.shared.version.clone(),
            why: why.into(),
        }
    }

    /// The scores of all tokens after each of these, which stand at the start of a text.
    ///
    /// # Errors
    /// [`BackendError::Failed`] if the tokens are unknown or too many, or the cache has no room.
    pub fn scores(&mut self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, BackendError> {
        let config = self.shared.config;
        let mut pages = cache::Pages::default();
        let is_known = tokens
            .iter()
            .all(|&token| (token as usize) < config.n_vocabulary);
        let fits = tokens.len() <= config.context;
        if !is_known || !fits || !self.cache.make_room(&mut pages, tokens.len()) {
            self.cache.release(&mut pages);
            return Err(self.failed("the tokens are unknown or too many"));
        }
        let rows: Vec<_> = tokens
            .iter()
            .enumerate()
            .map(|(position, &token)| Row {
                token,
                position,
                pages: &pages.ids,
                sequence: 0,
                wants_scores: true,
            })
            .collect();
        let (scores, stride) = self
            .forward
            .run(&self.shared.weights, &mut self.cache, &rows);
        self.cache.release(&mut pages);
        let scores = scores.chunks_exact(stride.max(1));
        Ok(scores
            .map(|row| row[..config.n_vocabulary].to_vec())
            .collect())
    }

    /// Chooses how many tokens of each sequence are read in this step; makes room for them.
    /// Sequences for which there is none are finished.
    fn plan(&mut self, news: &mut Vec<(SequenceId, SequenceStep)>) -> Vec<usize> {
        let mut left = PROMPT_TOKENS;
        let mut plan = Vec::new();
        let mut going_on = Vec::new();
        for mut sequence in std::mem::take(&mut self.sequences) {
            let waiting = sequence.tokens.len() - sequence.n_read;
            let n = if waiting == 1 { 1 } else { waiting.min(left) };
            if waiting > 1 {
                left -= n;
            }
            if self
                .cache
                .make_room(&mut sequence.pages, sequence.n_read + n)
            {
                plan.push(n);
                going_on.push(sequence);
            } else {
                self.cache.release(&mut sequence.pages);
                sequence.finish(GenerationEnd::Length, news);
            }
        }
        self.sequences = going_on;
        plan
    }

    /// Reads the planned tokens: the scores for sequences of which all tokens have been read.
    fn read(&mut self, plan: &[usize]) -> (Vec<f32>, usize) {
        let mut rows = Vec::new();
        for (nth, (sequence, &n)) in self.sequences.iter().zip(plan).enumerate() {
            let last = sequence.tokens.len() - 1;
            rows.extend((sequence.n_read..sequence.n_read + n).map(|position| Row {
                token: sequence.tokens[position],
                position,
                pages: &sequence.pages.ids,
                sequence: nth,
                wants_scores: position == last,
            }));
        }
        let scores = self
            .forward
            .run(&self.shared.weights, &mut self.cache, &rows);
        for (sequence, n) in self.sequences.iter_mut().zip(plan) {
            sequence.n_read += n;
            let (pages, tokens) = (&mut sequence.pages, &sequence.tokens);
            self.cache.remember(pages, tokens, sequence.n_read);
        }
        scores
    }

    fn forget_all(&mut self) {
        for mut sequence in std::mem::take(&mut self.sequences) {
            self.cache.release(&mut sequence.pages);
        }
    }

    fn options_of<'a>(&self, ask: &'a Ask) -> Result<&'a GenerateOptions, BackendError> {
        let Ask::Generate(options) = ask else {
            return Err(BackendError::wrong_input(&self.shared.version, ask));
        };
        if let TextShape::Schema(shape) = &options.shape {
            shape
                .check()
                .map_err(|error| self.failed(error.to_string()))?;
        }
        Ok(options)
    }
}

impl Backend for Llama {
    fn version(&self) -> &str {
        &self.shared.version
    }

    fn skills(&self) -> &[Skill] {
        &[Skill::Generate]
    }

    fn encoder(&self) -> Encoder {
        self.weights.encoder()
    }

    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        let mut outputs = vec![None; inputs.len()];
        let mut next = 0;
        self.forget_all();
        loop {
            while next < inputs.len() && self.sequences.len() < self.options.n_sequences.max(1) {
                self.begin(SequenceId(next as u64), ask, inputs[next])?;
                next += 1;
            }
            for (id, news) in self.step()? {
                if let SequenceStep::Done(output) = news {
                    outputs[id.0 as usize] = Some(output);
                }
            }
            if next == inputs.len() && self.sequences.is_empty() {
                return Ok(outputs.into_iter().flatten().collect());
            }
        }
    }

    fn n_sequences(&self) -> usize {
        self.options.n_sequences.max(1)
    }

    fn begin(&mut self, id: SequenceId, ask: &Ask, input: &Encoded) -> Result<(), BackendError> {
        let options = self.options_of(ask)?;
        let config = self.shared.config;
        let Encoded::Ids(prompt) = input else {
            return Err(BackendError::wrong_input(&self.shared.version, ask));
        };
        let is_sound = (1..config.context).contains(&prompt.len())
            && prompt
                .iter()
                .all(|&token| (token as usize) < config.n_vocabulary);
        if !is_sound {
            return Err(self.failed("the prompt is empty, too long or of unknown tokens"));
        }
        let pages = self.cache.take_over(prompt);
        let n_reused = pages.ids.len() * crate::kernels::paged_attention::PAGE;
        let context = config.context;
        let sequence = Sequence::new(id, prompt, pages, n_reused, options, context);
        self.sequences.push(sequence);
        Ok(())
    }

    fn step(&mut self) -> Result<Vec<(SequenceId, SequenceStep)>, BackendError> {
        let mut news = Vec::new();
        let plan = self.plan(&mut news);
        if plan.is_empty() {
            return Ok(news);
        }
        let (mut scores, stride) = self.read(&plan);
        let n_vocabulary = self.shared.config.n_vocabulary;
        let mut rows = scores.chunks_exact_mut(stride);
        let mut going_on = Vec::new();
        for mut sequence in std::mem::take(&mut self.sequences) {
            let end = if sequence.n_read < sequence.tokens.len() {
                Some(None)
            } else {
                let row = rows.next().map(|row| &mut row[..n_vocabulary]);
                row.and_then(|row| sequence.go_on(&self.shared, row, &mut news))
            };
            match end {
                Some(None) => going_on.push(sequence),
                Some(Some(end)) => {
                    self.cache.release(&mut sequence.pages);
                    sequence.finish(end, &mut news);
                }
                None => {
                    self.cache.release(&mut sequence.pages);
                    self.sequences = going_on;
                    self.forget_all();
                    return Err(self.failed("the scores of the next token are not numbers"));
                }
            }
        }
        self.sequences = going_on;
        Ok(news)
    }

    fn end(&mut self, id: SequenceId) {
        let at = self.sequences.iter().position(|sequence| sequence.id == id);
        if let Some(at) = at {
            let mut sequence = self.sequences.remove(at);
            self.cache.release(&mut sequence.pages);
        }
    }
}
