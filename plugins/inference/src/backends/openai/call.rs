//! One request to a server and its answer: sent, bounded, watched over, and every failure named.

mod streamed;

use std::{
    io::{self, Read as _},
    sync::Arc,
    time::SystemTime,
};

use ureq::{
    Agent, Body, Timeout,
    http::{HeaderValue, Request, Response, header},
};

use self::streamed::read_stream;
use super::{
    audio,
    client::Client,
    error::{RemoteError, Stage},
    retry,
    watch::{Watch, now},
    wire,
};
use crate::{
    ask::{GenerateOptions, TranscribeOptions},
    input::ChatMessage,
    output::Output,
};

/// Bytes taken from the connection at once.
const CHUNK_BYTES: usize = 1 << 14;
/// Bytes of an answer that tells of a failure, of which more is not shown.
const MOST_FAILURE_BYTES: usize = 1 << 16;

/// What a server is asked.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// A vector for each text.
    Embeddings(Vec<String>),
    /// What follows on a talk; piece by piece, if somebody wants the pieces.
    Chat {
        messages: Vec<ChatMessage>,
        options: GenerateOptions,
        stream: bool,
    },
    /// What is said in mono sound of 16,000 samples a second.
    Transcription {
        samples: Arc<[f32]>,
        options: TranscribeOptions,
    },
}

/// What a server answers, with the tokens that it counted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answered {
    pub(crate) outputs: Vec<Output>,
    pub(crate) tokens: Option<u64>,
}

/// What is sent.
struct Sending {
    path: &'static str,
    content_type: String,
    body: Vec<u8>,
}

impl Question {
    /// About how many tokens it costs: a quarter of the bytes, and all that may be generated.
    pub(crate) fn estimated_tokens(&self) -> u64 {
        match self {
            Self::Embeddings(texts) => texts.iter().map(|text| text.len() as u64 / 4 + 1).sum(),
            Self::Chat { options, .. } => {
                self.prompt_bytes() as u64 / 4 + u64::from(options.max_tokens)
            }
            Self::Transcription { .. } => 0,
        }
    }

    fn prompt_bytes(&self) -> usize {
        match self {
            Self::Chat { messages, .. } => {
                messages.iter().map(|message| message.content.len()).sum()
            }
            Self::Embeddings(_) | Self::Transcription { .. } => 0,
        }
    }

    fn sending(&self, client: &Client) -> Sending {
        let (settings, model) = (&client.settings, client.model.as_str());
        let json = |path, body| Sending {
            path,
            content_type: String::from("application/json"),
            body,
        };
        match self {
            Self::Embeddings(texts) => {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                json("/embeddings", wire::embeddings_body(model, &texts))
            }
            Self::Chat {
                messages,
                options,
                stream,
            } => {
                let body = wire::chat_body(settings, model, messages, options, *stream);
                json("/chat/completions", body)
            }
            Self::Transcription { samples, options } => {
                let mut fields = vec![("model", model), ("temperature", "0")];
                if let Some(language) = &options.language {
                    fields.push(("language", language));
                }
                if options.timestamps {
                    fields.push(("response_format", "verbose_json"));
                    fields.push(("timestamp_granularities[]", "segment"));
                } else {
                    fields.push(("response_format", "json"));
                }
                let (body, content_type) = audio::form(&fields, &audio::wav(samples));
                Sending {
                    path: "/audio/transcriptions",
                    content_type,
                    body,
                }
            }
        }
    }

    fn read(&self, client: &Client, bytes: &[u8]) -> Result<Answered, RemoteError> {
        let settings = &client.settings;
        match self {
            Self::Embeddings(texts) => {
                let known = client.dimensions();
                let (vectors, tokens) = wire::read_embeddings(settings, bytes, texts.len(), known)?;
                if let Some(vector) = vectors.first() {
                    client.settle_dimensions(vector.len())?;
                }
                Ok(Answered {
                    outputs: vectors.into_iter().map(Output::Embedding).collect(),
                    tokens,
                })
            }
            Self::Chat { .. } => {
                let mut continuation = wire::Continuation::default();
                continuation.take(settings, bytes)?;
                let text = continuation.finish_whole(self.prompt_bytes())?;
                Ok(Answered::text(text))
            }
            Self::Transcription { options, .. } => {
                let language = options.language.as_deref();
                let transcript = wire::read_transcript(settings, bytes, language)?;
                Ok(Answered {
                    outputs: vec![Output::Transcript(transcript)],
                    tokens: None,
                })
            }
        }
    }
}

impl Answered {
    fn text(text: crate::output::GeneratedText) -> Self {
        Self {
            tokens: Some(u64::from(text.n_tokens) + u64::from(text.n_prompt_tokens)),
            outputs: vec![Output::Text(text)],
        }
    }
}

/// A failed attempt.
pub(crate) struct Failure {
    pub(crate) error: RemoteError,
    /// Whether another attempt would repeat nothing.
    pub(crate) may_repeat: bool,
}

impl From<RemoteError> for Failure {
    fn from(error: RemoteError) -> Self {
        Self {
            may_repeat: error.may_pass(),
            error,
        }
    }
}

/// Asks once. `tell` gets the pieces of a streamed answer.
pub(crate) fn attempt(
    client: &Client,
    agent: &Agent,
    watch: &Watch,
    question: &Question,
    tell: &mut dyn FnMut(String),
) -> Result<Answered, Failure> {
    watch.begin(agent)?;
    let result = exchange(client, agent, watch, question, tell);
    // What was ended from outside looks like any broken connection to the thread.
    match (watch.end_attempt(), result) {
        (Some(verdict), Err(failure)) => Err(Failure {
            may_repeat: failure.may_repeat && verdict.may_pass(),
            error: verdict,
        }),
        (_, result) => result,
    }
}

fn exchange(
    client: &Client,
    agent: &Agent,
    watch: &Watch,
    question: &Question,
    tell: &mut dyn FnMut(String),
) -> Result<Answered, Failure> {
    let sending = question.sending(client);
    let limit = client.settings.most_request_bytes;
    if sending.body.len() > limit {
        let error = RemoteError::InputTooLarge {
            what: "the request",
            unit: "bytes",
            got: sending.body.len() as u64,
            limit: limit as u64,
        };
        return Err(error.into());
    }
    let url = format!("{}{}", client.settings.base_url(), sending.path);
    let mut response = send(client, agent, &url, sending)?;
    watch.heard()?;
    if let Some(wait) = retry::exhausted_for(response.headers()) {
        client.pause(now() + wait);
    }
    let status = response.status().as_u16();
    if !response.status().is_success() {
        return Err(failure_of(client, watch, &url, status, &mut response)?.into());
    }
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_stream = content_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().starts_with("text/event-stream"));
    let body = response.body_mut();
    if is_stream && matches!(question, Question::Chat { .. }) {
        return read_stream(client, watch, question, body, tell);
    }
    let bytes = read_whole(client, watch, body, client.settings.most_answer_bytes)?;
    let answered = question.read(client, &bytes)?;
    // A server that does not stream has one piece.
    if let (Question::Chat { stream: true, .. }, [Output::Text(text)]) =
        (question, answered.outputs.as_slice())
    {
        tell(text.text.clone());
    }
    Ok(answered)
}

fn send(
    client: &Client,
    agent: &Agent,
    url: &str,
    sending: Sending,
) -> Result<Response<Body>, RemoteError> {
    let mut request = Request::post(url)
        .header(header::CONTENT_TYPE, sending.content_type)
        .header(header::ACCEPT, "application/json, text/event-stream");
    if let Some(key) = &client.settings.key {
        let mut value = HeaderValue::try_from(key.header()).map_err(|_| RemoteError::Settings {
            what: String::from("the key"),
            why: String::from("it cannot be sent"),
        })?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    let request = request
        .body(sending.body)
        .map_err(|error| RemoteError::Settings {
            what: String::from("the base URL"),
            why: error.to_string(),
        })?;
    agent
        .run(request)
        .map_err(|error| name(client, url, error, 0))
}

/// Names what went wrong below the protocol.
fn name(client: &Client, url: &str, error: ureq::Error, bytes: usize) -> RemoteError {
    use io::ErrorKind as Kind;
    let patience = &client.settings.patience;
    let url = url.to_owned();
    let why = client.settings.shown(&error.to_string());
    match error {
        ureq::Error::Timeout(timeout) => {
            let (stage, limit) = match timeout {
                Timeout::Resolve | Timeout::Connect => (Stage::Connect, patience.connect),
                Timeout::Global | Timeout::PerCall => (Stage::Whole, patience.whole),
                Timeout::RecvBody | Timeout::PerRead => (Stage::Silence, patience.silence),
                _ => (Stage::FirstByte, patience.first_byte),
            };
            RemoteError::TimedOut { stage, limit }
        }
        ureq::Error::Io(error) => match error.kind() {
            Kind::InvalidData if url.starts_with("https") => RemoteError::Tls { url, why },
            Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::BrokenPipe
            | Kind::NotConnected
            | Kind::UnexpectedEof => RemoteError::CutOff { bytes, why },
            _ if bytes > 0 => RemoteError::CutOff { bytes, why },
            _ => RemoteError::Unreachable { url, why },
        },
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => {
            RemoteError::Tls { url, why }
        }
        ureq::Error::Protocol(_)
        | ureq::Error::Http(_)
        | ureq::Error::LargeResponseHeader(..)
        | ureq::Error::BodyStalled => RemoteError::NotHttp { url, why },
        _ => RemoteError::Unreachable { url, why },
    }
}

/// The error that an answer without success stands for.
fn failure_of(
    client: &Client,
    watch: &Watch,
    url: &str,
    status: u16,
    response: &mut Response<Body>,
) -> Result<RemoteError, RemoteError> {
    let settings = &client.settings;
    let retry_after = retry::retry_after(response.headers(), SystemTime::now());
    if (300..400).contains(&status) {
        let to = response.headers().get(header::LOCATION);
        let to = to.map_or("", |to| to.to_str().unwrap_or_default());
        return Ok(RemoteError::Redirected {
            status,
            to: settings.shown(to),
        });
    }
    // A failure whose text does not come is the same failure.
    let bytes = match read_whole(client, watch, response.body_mut(), MOST_FAILURE_BYTES) {
        Ok(bytes) => bytes,
        Err(_) => {
            watch.heard()?;
            Vec::new()
        }
    };
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let code = |name: &str| {
        value
            .pointer(name)
            .is_some_and(|code| code == "insufficient_quota")
    };
    let is_quota = code("/error/code") || code("/error/type");
    let message = wire::error_message(settings, &value)
        .unwrap_or_else(|| settings.shown(&String::from_utf8_lossy(&bytes)));
    let message = match message.trim() {
        "" => String::from("it does not say why"),
        _ => message,
    };
    Ok(match status {
        401 | 403 => RemoteError::Key { status, message },
        404 | 405 => RemoteError::NotFound {
            url: url.to_owned(),
            model: client.model.clone(),
            message,
        },
        429 if is_quota => RemoteError::Quota { message },
        429 => RemoteError::RateLimit {
            message,
            retry_after,
        },
        400..500 => RemoteError::Refused { status, message },
        _ => {
            // An overloaded server may say when to come back, too.
            if let Some(wait) = retry_after {
                client.pause(now() + wait);
            }
            RemoteError::Server { status, message }
        }
    })
}

/// Reads an answer chunk by chunk into `take`, which says whether it has enough.
fn read_chunks(
    client: &Client,
    watch: &Watch,
    body: &mut Body,
    most_bytes: usize,
    take: &mut dyn FnMut(&[u8]) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut reader = body.as_reader();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut n_bytes = 0;
    loop {
        let n = match reader.read(&mut chunk) {
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let error = ureq::Error::from(error);
                let url = client.settings.base_url();
                return Err(match name(client, url, error, n_bytes) {
                    // Bad chunks and missing bytes: the answer is not whole.
                    RemoteError::NotHttp { why, .. } | RemoteError::Unreachable { why, .. } => {
                        RemoteError::CutOff {
                            bytes: n_bytes,
                            why,
                        }
                    }
                    other => other,
                }
                .into());
            }
        };
        watch.heard()?;
        if n == 0 {
            return Ok(());
        }
        n_bytes += n;
        if n_bytes > most_bytes {
            return Err(RemoteError::TooLarge { limit: most_bytes }.into());
        }
        if take(&chunk[..n])? {
            return Ok(());
        }
    }
}

fn read_whole(
    client: &Client,
    watch: &Watch,
    body: &mut Body,
    most_bytes: usize,
) -> Result<Vec<u8>, RemoteError> {
    let mut bytes = Vec::new();
    let mut take = |chunk: &[u8]| {
        bytes.extend_from_slice(chunk);
        Ok(false)
    };
    read_chunks(client, watch, body, most_bytes, &mut take).map_err(|failure| failure.error)?;
    Ok(bytes)
}
