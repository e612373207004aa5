//! Where a remote server is, with which key it is asked, and how much patience and how many requests it gets.

use std::{env, fmt, sync::Arc, time::Duration};

use ureq::http::Uri;

use super::error::RemoteError;

/// Where requests go if `OPENAI_BASE_URL` says nothing.
const DEFAULT_BASE_URL: &str = "https://api.openai.com/v1";
/// The host whose newer models want `max_completion_tokens` instead of `max_tokens`.
const OPENAI_HOST: &str = "api.openai.com";

/// A key that no log, error or journal shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Arc<str>);

impl Key {
    /// Keeps a key.
    ///
    /// # Errors
    /// [`RemoteError::Settings`] if it cannot be sent: it is empty or holds other than printable
    /// ASCII.
    pub fn new(key: &str) -> Result<Self, RemoteError> {
        let key = key.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(RemoteError::Settings {
                what: String::from("the key"),
                why: String::from("a key has printable ASCII characters only, and at least one"),
            });
        }
        Ok(Self(key.into()))
    }

    /// The value of the header `Authorization`.
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// A text of the server's, without the key where it repeats it.
    pub(crate) fn hide_in(&self, text: &str) -> String {
        text.replace(&*self.0, "[key]")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([hidden])")
    }
}

/// How long a server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// To be found, connected and agreed with on encryption.
    pub connect: Duration,
    /// To begin its answer.
    pub first_byte: Duration,
    /// To be silent in the middle of its answer.
    pub silence: Duration,
    /// For the whole, further attempts and the waits before them included.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(120),
            silence: Duration::from_secs(30),
            whole: Duration::from_secs(600),
        }
    }
}

/// When a request that failed is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How often at most.
    pub most: u32,
    /// The longest wait before the first further attempt; it doubles with each.
    pub base: Duration,
    /// The longest wait that is drawn. What the server asks for may be longer.
    pub most_wait: Duration,
    /// Draws the waits, each between nothing and its longest.
    pub seed: u64,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            most: 4,
            base: Duration::from_millis(500),
            most_wait: Duration::from_secs(30),
            seed: 0,
        }
    }
}

/// What is sent in a minute at most. Replicas that share the settings do not share the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerMinute {
    /// Requests, further attempts included.
    pub requests: u32,
    /// Tokens of inputs and outputs: estimated before, counted after.
    pub tokens: u64,
}

impl Default for PerMinute {
    fn default() -> Self {
        Self {
            requests: u32::MAX,
            tokens: u64::MAX,
        }
    }
}

/// A server that is compatible with OpenAI's, and how to deal with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSettings {
    base_url: String,
    host: String,
    is_local: bool,
    /// The key, if the server wants one.
    pub key: Option<Key>,
    /// How long it may take.
    pub patience: Patience,
    /// When a request is sent again.
    pub retries: Retries,
    /// What is sent in a minute.
    pub per_minute: PerMinute,
    /// Requests on their way at the same time; at least 1.
    pub connections: usize,
    /// Texts in one request for embeddings; at least 1.
    pub inputs_per_request: usize,
    /// Bytes that an answer may have.
    pub most_answer_bytes: usize,
    /// Bytes that a request may have.
    pub most_request_bytes: usize,
}

impl RemoteSettings {
    /// The server at this address, which mostly ends in `/v1`, without a key.
    ///
    /// # Errors
    /// [`RemoteError::Settings`] if it is not the address of a server.
    pub fn new(base_url: &str) -> Result<Self, RemoteError> {
        let base_url = base_url.trim().trim_end_matches('/');
        let (host, is_local) = check_url(base_url).map_err(|why| RemoteError::Settings {
            what: String::from("the base URL"),
            why,
        })?;
        Ok(Self {
            base_url: base_url.to_owned(),
            host,
            is_local,
            key: None,
            patience: Patience::default(),
            retries: Retries::default(),
            per_minute: PerMinute::default(),
            connections: 8,
            inputs_per_request: 128,
            most_answer_bytes: 64 << 20,
            most_request_bytes: 64 << 20,
        })
    }

    /// The server that `OPENAI_BASE_URL` names, else OpenAI's, with the key in `OPENAI_API_KEY`.
    ///
    /// # Errors
    /// [`RemoteError::Settings`] if one of them cannot be used.
    pub fn from_env() -> Result<Self, RemoteError> {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let base_url = set("OPENAI_BASE_URL");
        let mut settings = Self::new(base_url.as_deref().unwrap_or(DEFAULT_BASE_URL))?;
        settings.key = set("OPENAI_API_KEY")
            .map(|key| Key::new(&key))
            .transpose()?;
        Ok(settings)
    }

    /// The address that requests begin with, without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The host and port, as they are part of the version of its models.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the server is on this machine, so that no proxy leads to it.
    pub(crate) fn is_local(&self) -> bool {
        self.is_local
    }

    /// Whether the key would travel in clear text over a network.
    pub(crate) fn bares_key(&self) -> bool {
        self.key.is_some() && !self.is_local && self.base_url.starts_with("http://")
    }

    /// What the limit of new tokens is called there.
    pub(crate) fn token_limit_field(&self) -> &'static str {
        if self.host == OPENAI_HOST {
            "max_completion_tokens"
        } else {
            "max_tokens"
        }
    }

    /// A text of the server's as it may be shown: without the key, and not longer than a screen.
    pub(crate) fn shown(&self, text: &str) -> String {
        const MOST_CHARS: usize = 500;
        let text = match &self.key {
            Some(key) => key.hide_in(text),
            None => text.to_owned(),
        };
        let text = text.trim();
        match text.char_indices().nth(MOST_CHARS) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text.to_owned(),
        }
    }
}

/// The host with its port, and whether it is this machine.
fn check_url(url: &str) -> Result<(String, bool), String> {
    // The address itself is not repeated where it may hold a password.
    let uri: Uri = url
        .parse()
        .map_err(|_| String::from("it is no address; write it like http://localhost:8080/v1"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(String::from("it does not begin with http:// or https://"));
    }
    if uri.query().is_some() {
        return Err(String::from(
            "it has a question mark: leave out what follows",
        ));
    }
    let authority = uri.authority().ok_or("it names no host")?;
    if authority.as_str().contains('@') {
        return Err(String::from(
            "it holds a name or password: set OPENAI_API_KEY instead",
        ));
    }
    let host = authority.host().trim_matches(['[', ']']);
    let is_local = host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    Ok((authority.as_str().to_owned(), is_local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_or_refused() {
        for (url, host, is_local) in [
            ("https://api.openai.com/v1/", "api.openai.com", false),
            ("http://localhost:8080/v1", "localhost:8080", true),
            ("http://127.0.0.1:1", "127.0.0.1:1", true),
            ("http://[::1]:80/v1", "[::1]:80", true),
            ("http://10.0.0.1/v1", "10.0.0.1", false),
        ] {
            let settings = RemoteSettings::new(url).unwrap();
            assert_eq!((settings.host(), settings.is_local()), (host, is_local));
            assert!(!settings.base_url().ends_with('/'));
        }
        for (url, expected) in [
            ("", "no address"),
            ("localhost:8080", "http://"),
            ("/v1", "http://"),
            ("ftp://x/", "http://"),
            ("http://x/v1?key=1", "question mark"),
            ("https://me:secret@x/v1", "OPENAI_API_KEY"),
        ] {
            let error = RemoteSettings::new(url).unwrap_err().to_string();
            assert!(
                error.contains(expected) && !error.contains("secret"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let mut settings = RemoteSettings::new("http://10.0.0.1/v1").unwrap();
        assert!(!settings.bares_key());
        settings.key = Some(Key::new(" sk-abc123\n").unwrap());
        assert!(settings.bares_key());
        let said = settings.shown("Incorrect API key provided: sk-abc123. ");
        assert_eq!(said, "Incorrect API key provided: [key].");
        assert!(!format!("{settings:?}").contains("abc123"));
        for key in ["", " ", "a b", "a\nb", "schlüssel"] {
            let error = Key::new(key).unwrap_err().to_string();
            assert!(!error.contains("schl"));
        }
        assert_eq!(settings.shown(&"x".repeat(1000)).len(), 503);
    }
}
