//! The JSON of OpenAI's protocol: what is asked for, and what answers say.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{error::RemoteError, settings::RemoteSettings};
use crate::{
    ask::{GenerateOptions, TextShape},
    input::ChatMessage,
    output::{GeneratedText, GenerationEnd, Transcript, TranscriptSegment},
};

/// Bytes that count as one token where a server does not count.
const BYTES_A_TOKEN: usize = 4;

/// The body that asks for embeddings.
pub(crate) fn embeddings_body(model: &str, texts: &[&str]) -> Vec<u8> {
    json!({ "model": model, "input": texts, "encoding_format": "float" })
        .to_string()
        .into_bytes()
}

/// The body that asks a talk to be gone on with.
pub(crate) fn chat_body(
    settings: &RemoteSettings,
    model: &str,
    messages: &[ChatMessage],
    options: &GenerateOptions,
    stream: bool,
) -> Vec<u8> {
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("model", json!(model));
    set("messages", json!(messages));
    set(settings.token_limit_field(), json!(options.max_tokens));
    set("temperature", number(options.temperature));
    // Servers read it as a signed number.
    set("seed", json!(options.seed & i64::MAX.unsigned_abs()));
    if options.top_p < 1.0 {
        set("top_p", number(options.top_p));
    }
    if !options.stop.is_empty() {
        set("stop", json!(options.stop));
    }
    if options.shape == TextShape::Json {
        set("response_format", json!({ "type": "json_object" }));
    }
    // Not OpenAI's: sent only where asked for, as vLLM and llama.cpp call them.
    if options.top_k > 0 {
        set("top_k", json!(options.top_k));
    }
    if options.repeat_penalty != 1.0 {
        set("repetition_penalty", number(options.repeat_penalty));
        set("repeat_penalty", number(options.repeat_penalty));
    }
    if stream {
        set("stream", json!(true));
        set("stream_options", json!({ "include_usage": true }));
    }
    Value::Object(body).to_string().into_bytes()
}

/// A number as people write it: 0.7 and not 0.699999988079071.
fn number(value: f32) -> Value {
    let text = value.to_string();
    text.parse::<f64>()
        .map_or(Value::Null, |value| json!(value))
}

/// Reads an answer, or finds the error that it holds instead.
fn parse<T: for<'a> Deserialize<'a>>(
    settings: &RemoteSettings,
    bytes: &[u8],
) -> Result<T, RemoteError> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        let start: String = String::from_utf8_lossy(bytes)
            .trim_start()
            .chars()
            .take(60)
            .collect();
        if error.is_eof() && !bytes.is_empty() {
            RemoteError::CutOff {
                bytes: bytes.len(),
                why: String::from("its JSON has no end"),
            }
        } else if start.starts_with(['{', '[']) {
            RemoteError::Malformed {
                why: error.to_string(),
            }
        } else {
            RemoteError::NotJson {
                start: settings.shown(&start),
            }
        }
    })?;
    if let Some(message) = error_message(settings, &value) {
        return Err(RemoteError::ErrorBody { message });
    }
    serde_json::from_value(value).map_err(|error| RemoteError::Malformed {
        why: error.to_string(),
    })
}

/// What an answer says about an error, if it holds one.
///
/// Servers write `{"error": {"message": ..}}`, `{"error": ".."}`, `{"detail": ..}` or
/// `{"object": "error", "message": ".."}`.
pub(crate) fn error_message(settings: &RemoteSettings, value: &Value) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) => settings.shown(text),
        other => settings.shown(&other.to_string()),
    };
    if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
        return Some(text(error.get("message").unwrap_or(error)));
    }
    if value.get("object").is_some_and(|object| object == "error") {
        return Some(value.get("message").map_or_else(String::new, text));
    }
    let only_detail = value
        .get("detail")
        .filter(|_| value.as_object().is_some_and(|all| all.len() == 1));
    only_detail.map(text)
}

#[derive(Deserialize)]
struct Embeddings {
    data: Vec<EmbeddingItem>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct EmbeddingItem {
    index: Option<usize>,
    embedding: Vec<Option<f64>>,
}

#[derive(Clone, Copy, Default, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// The vectors of an answer, each of length 1, in the order of the inputs; and tokens read.
///
/// `dimensions` is the length that vectors of this model have, if it is known.
pub(crate) fn read_embeddings(
    settings: &RemoteSettings,
    bytes: &[u8],
    expected: usize,
    dimensions: Option<usize>,
) -> Result<(Vec<Vec<f32>>, Option<u64>), RemoteError> {
    let answer: Embeddings = parse(settings, bytes)?;
    if answer.data.len() != expected {
        return Err(RemoteError::WrongCount {
            expected,
            got: answer.data.len(),
        });
    }
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; expected];
    let mut length = dimensions;
    for (place, item) in answer.data.into_iter().enumerate() {
        let index = item.index.unwrap_or(place);
        let slot = vectors.get_mut(index).filter(|slot| slot.is_none());
        let slot = slot.ok_or_else(|| RemoteError::Malformed {
            why: format!("index {index:?} is there twice or too large"),
        })?;
        let vector = unit_vector(&item.embedding).ok_or(RemoteError::NotFinite { index })?;
        let expected = *length.get_or_insert(vector.len());
        if vector.len() != expected || expected == 0 {
            return Err(RemoteError::WrongLength {
                expected,
                got: vector.len(),
            });
        }
        *slot = Some(vector);
    }
    let tokens = answer.usage.map(|usage| usage.prompt_tokens);
    Ok((vectors.into_iter().flatten().collect(), tokens))
}

/// The vector with length 1, unless it holds what is no number.
fn unit_vector(numbers: &[Option<f64>]) -> Option<Vec<f32>> {
    let numbers: Vec<f64> = numbers.iter().copied().collect::<Option<_>>()?;
    let length = numbers.iter().map(|x| x * x).sum::<f64>().sqrt();
    if !length.is_finite() {
        return None;
    }
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    let vector: Vec<f32> = numbers.iter().map(|x| (x * scale) as f32).collect();
    vector.iter().all(|x| x.is_finite()).then_some(vector)
}

#[derive(Deserialize)]
struct ChatAnswer {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, alias = "message")]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
    // Which text ended it, where the server is vLLM.
    #[serde(default)]
    stop_reason: Option<Value>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
}

/// A talk's continuation, as far as it has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Continuation {
    text: String,
    n_pieces: u32,
    usage: Option<(u64, u64)>,
    end: Option<GenerationEnd>,
}

impl Continuation {
    /// Takes in an answer or a part of a streamed one, and gives out what text is new.
    pub(crate) fn take(
        &mut self,
        settings: &RemoteSettings,
        bytes: &[u8],
    ) -> Result<String, RemoteError> {
        let answer: ChatAnswer = parse(settings, bytes)?;
        if let Some(usage) = answer.usage {
            self.usage = Some((usage.prompt_tokens, usage.completion_tokens));
        }
        // A part that holds the usage only has no choices.
        let Some(choice) = answer.choices.into_iter().next() else {
            return Ok(String::new());
        };
        let piece = choice
            .delta
            .and_then(|delta| delta.content)
            .unwrap_or_default();
        if !piece.is_empty() {
            self.n_pieces += 1;
            self.text.push_str(&piece);
        }
        self.end = match choice.finish_reason.as_deref() {
            None | Some("") => self.end,
            Some("length") => Some(GenerationEnd::Length),
            Some("content_filter") => {
                return Err(RemoteError::ErrorBody {
                    message: String::from("its content filter withholds the text"),
                });
            }
            Some(_) if choice.stop_reason.is_some_and(|reason| reason.is_string()) => {
                Some(GenerationEnd::Stop)
            }
            Some(_) => Some(GenerationEnd::EndOfText),
        };
        Ok(piece)
    }

    /// Whether the server said why it ends.
    pub(crate) fn is_at_end(&self) -> bool {
        self.end.is_some()
    }

    /// Whether some text has been given out, so that asking again would say it twice.
    pub(crate) fn has_begun(&self) -> bool {
        self.n_pieces > 0
    }

    /// All of an answer that came in one piece, which may say nothing of its end.
    pub(crate) fn finish_whole(
        mut self,
        n_prompt_bytes: usize,
    ) -> Result<GeneratedText, RemoteError> {
        if self.end.is_none() && !self.has_begun() {
            return Err(RemoteError::Malformed {
                why: String::from("it holds no choice"),
            });
        }
        self.end.get_or_insert(GenerationEnd::EndOfText);
        self.finish(n_prompt_bytes)
    }

    /// All of it, if the server has said that it ends here.
    pub(crate) fn finish(self, n_prompt_bytes: usize) -> Result<GeneratedText, RemoteError> {
        let Some(end) = self.end else {
            return Err(RemoteError::CutOff {
                bytes: self.text.len(),
                why: String::from("the server did not say that it ends there"),
            });
        };
        let tokens = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let guess = |bytes: usize| bytes.div_ceil(BYTES_A_TOKEN) as u64;
        let (n_prompt, n_new) = self.usage.unwrap_or_else(|| {
            let streamed = u64::from(self.n_pieces);
            let n_new = if streamed > 1 {
                streamed
            } else {
                guess(self.text.len())
            };
            (guess(n_prompt_bytes), n_new)
        });
        Ok(GeneratedText {
            text: self.text,
            n_tokens: tokens(n_new),
            n_prompt_tokens: tokens(n_prompt),
            n_reused_tokens: 0,
            end,
        })
    }
}

#[derive(Deserialize)]
struct TranscriptAnswer {
    text: String,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    segments: Vec<SegmentAnswer>,
}

#[derive(Deserialize)]
struct SegmentAnswer {
    start: f32,
    end: f32,
    text: String,
}

/// Reads a transcript.
pub(crate) fn read_transcript(
    settings: &RemoteSettings,
    bytes: &[u8],
    language: Option<&str>,
) -> Result<Transcript, RemoteError> {
    let answer: TranscriptAnswer = parse(settings, bytes)?;
    // Some servers write the name of the language instead of its code.
    let code = answer.language.filter(|language| language.len() == 2);
    Ok(Transcript {
        text: answer.text.trim().to_owned(),
        language: code.or_else(|| language.map(str::to_owned)),
        segments: answer
            .segments
            .into_iter()
            .map(|segment| TranscriptSegment {
                start_secs: segment.start,
                end_secs: segment.end,
                text: segment.text.trim().to_owned(),
            })
            .collect(),
    })
}
