//! Why a remote server gave no answer, each reason with what to do about it.

use std::{fmt, time::Duration};

/// Which patience ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Finding the host, connecting, and agreeing on encryption.
    Connect,
    /// From the end of the request to the first byte of the answer.
    FirstByte,
    /// Between two pieces of the answer.
    Silence,
    /// All of it, waits and further attempts included.
    Whole,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "the connection was not made",
            Self::FirstByte => "no answer began",
            Self::Silence => "no more of the answer came",
            Self::Whole => "the answer was not whole",
        })
    }
}

/// Why there is no answer. No text in it holds the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The settings contradict themselves.
    #[error("{what} cannot be used: {why}")]
    Settings {
        /// Which setting.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers there.
    #[error(
        "nobody answers at {url:?}: {why}; start the server, or set OPENAI_BASE_URL to where it is"
    )]
    Unreachable {
        /// Where the request went.
        url: String,
        /// What the system says.
        why: String,
    },
    /// The server cannot prove who it is, or speaks no TLS.
    #[error(
        "no encrypted connection to {url:?}: {why}; check the server's certificate, or use http:// \
         if it is on this machine"
    )]
    Tls {
        /// Where the request went.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// The server was too slow.
    #[error(
        "{stage} within {limit:?}; the server is overloaded or hangs, or the limit is too short"
    )]
    TimedOut {
        /// Which limit was passed.
        stage: Stage,
        /// How long it was.
        limit: Duration,
    },
    /// The connection broke before the answer was whole.
    #[error("the answer was cut off after {bytes:?} bytes: {why}; ask again")]
    CutOff {
        /// How much of it came.
        bytes: usize,
        /// What broke it.
        why: String,
    },
    /// What came is not HTTP.
    #[error("what answers at {url:?} breaks the rules of HTTP: {why}; check OPENAI_BASE_URL")]
    NotHttp {
        /// Where the request went.
        url: String,
        /// Which rule.
        why: String,
    },
    /// The server wants a key, or another one.
    #[error("the server refuses the key (status {status:?}): {message}; set OPENAI_API_KEY")]
    Key {
        /// The status: 401 or 403.
        status: u16,
        /// What the server says.
        message: String,
    },
    /// There is no such address or model.
    #[error(
        "the server knows no {url:?} or no model {model:?}: {message}; check OPENAI_BASE_URL, which \
         mostly ends in /v1, and the model's name"
    )]
    NotFound {
        /// Where the request went.
        url: String,
        /// The model that was asked for.
        model: String,
        /// What the server says.
        message: String,
    },
    /// The server allows fewer requests or tokens.
    #[error("the server's rate limit is reached: {message}; {}", wait_hint(*.retry_after))]
    RateLimit {
        /// What the server says.
        message: String,
        /// When it will answer again, if it says so.
        retry_after: Option<Duration>,
    },
    /// Nothing is left on the account.
    #[error("the account has no quota left: {message}; waiting does not help")]
    Quota {
        /// What the server says.
        message: String,
    },
    /// The server does not like the request.
    #[error("the server refuses the request (status {status:?}): {message}")]
    Refused {
        /// The status: 4xx.
        status: u16,
        /// What the server says.
        message: String,
    },
    /// The server failed.
    #[error("the server failed (status {status:?}): {message}; try again later")]
    Server {
        /// The status: 5xx.
        status: u16,
        /// What the server says.
        message: String,
    },
    /// The server is elsewhere. The key is not carried there.
    #[error(
        "the server sends us on to {to:?} (status {status:?}); set OPENAI_BASE_URL to the final address"
    )]
    Redirected {
        /// The status: 3xx.
        status: u16,
        /// Where to.
        to: String,
    },
    /// A web page or the like came.
    #[error("the answer is no JSON but starts with {start:?}; OPENAI_BASE_URL mostly ends in /v1")]
    NotJson {
        /// The first characters.
        start: String,
    },
    /// JSON came, but not what was asked for.
    #[error("the answer is malformed: {why}; is the server compatible with OpenAI's?")]
    Malformed {
        /// What is wrong with it.
        why: String,
    },
    /// The answer says well done and holds an error.
    #[error("the server reports an error in its answer: {message}")]
    ErrorBody {
        /// What the server says.
        message: String,
    },
    /// Another number of embeddings came.
    #[error("the server gave {got:?} embeddings for {expected:?} inputs")]
    WrongCount {
        /// Inputs of the request.
        expected: usize,
        /// Embeddings of the answer.
        got: usize,
    },
    /// Embeddings of other lengths came.
    #[error("an embedding has {got:?} numbers instead of {expected:?}; was the model changed?")]
    WrongLength {
        /// As it was before.
        expected: usize,
        /// As it is in this answer.
        got: usize,
    },
    /// An embedding holds what is no number.
    #[error("embedding {index:?} of the answer holds NaN, infinity or no number")]
    NotFinite {
        /// Which one, counted from 0.
        index: usize,
    },
    /// The answer is larger than anybody wants it.
    #[error("the answer has more than {limit:?} bytes; ask for less, or raise the limit")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The input is larger than one request may be.
    #[error("{what} has {got:?} {unit} and a request may have {limit:?}; split it")]
    InputTooLarge {
        /// What is too large.
        what: &'static str,
        /// In what it is counted.
        unit: &'static str,
        /// How much it is.
        got: u64,
        /// How much it may be.
        limit: u64,
    },
    /// Nobody waits for the answer any more.
    #[error("the request was given up")]
    Cancelled,
}

fn wait_hint(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(wait) => format!("it answers again in {wait:?}"),
        None => String::from("send fewer requests a minute"),
    }
}

impl RemoteError {
    /// Whether the same request may well be answered if it is sent again.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::CutOff { .. }
            | Self::RateLimit { .. }
            | Self::TimedOut {
                stage: Stage::Connect | Stage::FirstByte | Stage::Silence,
                ..
            } => true,
            // 501 and 505 say that it will never work.
            Self::Server { status, .. } => !matches!(status, 501 | 505),
            // Too early, conflict of locks, slow request: the server asks for another attempt.
            Self::Refused { status, .. } => matches!(status, 408 | 409 | 425),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_sent_again() {
        let text = String::new;
        let server = |status| RemoteError::Server {
            status,
            message: text(),
        };
        let refused = |status| RemoteError::Refused {
            status,
            message: text(),
        };
        let late = |stage| RemoteError::TimedOut {
            stage,
            limit: Duration::from_secs(1),
        };
        for (error, expected) in [
            (server(500), true),
            (server(503), true),
            (server(501), false),
            (refused(400), false),
            (refused(408), true),
            (refused(413), false),
            (late(Stage::FirstByte), true),
            (late(Stage::Whole), false),
            (RemoteError::Quota { message: text() }, false),
            (RemoteError::NotJson { start: text() }, false),
            (RemoteError::Cancelled, false),
        ] {
            assert_eq!(error.may_pass(), expected, "{error}");
        }
    }
}
