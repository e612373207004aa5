//! An answer that comes piece by piece, as events of a stream.

use ureq::Body;

use super::{
    super::{
        client::Client,
        error::RemoteError,
        events::{EventFault, EventReader},
        watch::Watch,
        wire::Continuation,
    },
    Answered, Failure, Question, read_chunks,
};

pub(super) fn read_stream(
    client: &Client,
    watch: &Watch,
    question: &Question,
    body: &mut Body,
    tell: &mut dyn FnMut(String),
) -> Result<Answered, Failure> {
    let settings = &client.settings;
    let most_bytes = settings.most_answer_bytes;
    let mut reader = EventReader::new(most_bytes);
    let mut talk = Talk {
        client,
        continuation: Continuation::default(),
        is_done: false,
        tell,
    };
    let mut take = |chunk: &[u8]| {
        let events = reader
            .take(chunk)
            .map_err(|fault| event_error(&fault, most_bytes))?;
        for event in events {
            talk.take(&event.data)?;
        }
        Ok(talk.is_done)
    };
    let read = read_chunks(client, watch, body, most_bytes, &mut take);
    let Talk {
        continuation,
        is_done,
        ..
    } = {
        // What came without its empty line at the very end.
        if read.is_ok() && !talk.is_done {
            let event = reader
                .finish()
                .map_err(|fault| event_error(&fault, most_bytes))?;
            if let Some(event) = event {
                talk.take(&event.data)?;
            }
        }
        talk
    };
    // A server that said why it ends may break the connection without a last mark.
    let has_begun = continuation.has_begun();
    let result = match read {
        Err(failure) if !is_done && !continuation.is_at_end() => Err(failure.error),
        _ => continuation.finish(question.prompt_bytes()),
    };
    match result {
        Ok(text) => Ok(Answered::text(text)),
        Err(error) => Err(Failure {
            // What somebody has read already is not said twice.
            may_repeat: error.may_pass() && !has_begun,
            error,
        }),
    }
}

/// A streamed talk under way.
struct Talk<'a> {
    client: &'a Client,
    continuation: Continuation,
    is_done: bool,
    tell: &'a mut dyn FnMut(String),
}

impl Talk<'_> {
    fn take(&mut self, data: &str) -> Result<(), Failure> {
        let data = data.trim();
        if self.is_done || data.is_empty() {
            return Ok(());
        }
        if data == "[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        let taken = self
            .continuation
            .take(&self.client.settings, data.as_bytes());
        let piece = taken.map_err(|error| Failure {
            may_repeat: false,
            error,
        })?;
        if !piece.is_empty() {
            (self.tell)(piece);
        }
        Ok(())
    }
}

fn event_error(fault: &EventFault, limit: usize) -> RemoteError {
    match fault {
        EventFault::TooLarge => RemoteError::TooLarge { limit },
        EventFault::NotText => RemoteError::Malformed {
            why: String::from("a line of the stream is no UTF-8"),
        },
    }
}
