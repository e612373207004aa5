//! Fetches files from a model hub over HTTP, at a pinned revision.

use std::io::Read;

use ureq::{Agent, Error};

use super::{Pulling, SourceError};
use crate::manifest::FileEntry;

impl Pulling<'_> {
    /// Fetches the files one after another. Redirects are followed, proxies of the environment used.
    pub(super) fn pull_from_hub(&mut self, repo: &str, revision: &str) -> Result<(), SourceError> {
        let options = self.options;
        // No limit for the whole: a slow line may take its time, a silent one may not.
        let agent: Agent = Agent::config_builder()
            .timeout_resolve(Some(options.connect))
            .timeout_connect(Some(options.connect))
            .timeout_recv_response(Some(options.stall))
            .timeout_per_read(Some(options.stall))
            .timeout_per_write(Some(options.stall))
            .http_status_as_error(false)
            .user_agent(concat!("diorama/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let mut before = 0;
        for file in &self.entry.files {
            let url = format!("{}/{repo}/resolve/{revision}/{}", options.hub, file.name);
            let body = open(&agent, &url, file)?;
            self.save(body, file, Some(before))?;
            before += file.bytes;
        }
        Ok(())
    }
}

fn open(agent: &Agent, url: &str, file: &FileEntry) -> Result<impl Read + use<>, SourceError> {
    let failed = |why: String| SourceError::Failed(format!("{url}: {why}"));
    let response = agent.get(url).call().map_err(|error| match error {
        Error::Timeout(what) => failed(format!("no answer in time ({what})")),
        other => failed(other.to_string()),
    })?;
    let status = response.status();
    if !status.is_success() {
        return Err(failed(format!("the hub answers {status}")));
    }
    let body = response.into_body();
    match body.content_length() {
        Some(length) if length != file.bytes => Err(failed(format!(
            "the hub offers {length:?} bytes instead of {:?}",
            file.bytes
        ))),
        // The saver stops at the size that the catalog says.
        _ => Ok(body.into_with_config().limit(u64::MAX).reader()),
    }
}
