//! Reads a stream of server-sent events out of bytes that come in pieces of any size.
//!
//! As the HTML standard says (9.2.6, "Interpreting an event stream"): lines end with LF, CR LF or
//! CR, a line that begins with a colon is a comment, an empty line ends an event, and what the end
//! of the stream cuts off is dropped. UTF-8 may be split anywhere, so that lines are decoded whole.

use std::mem;

/// What may be wrong with a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EventFault {
    /// A line or an event has more bytes than the limit.
    TooLarge,
    /// A line is no UTF-8.
    NotText,
}

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its type; empty if the server gives none.
    pub(crate) kind: String,
    /// Its data, lines joined by LF.
    pub(crate) data: String,
}

/// Takes in bytes, gives out events.
#[derive(Debug)]
pub(crate) struct EventReader {
    most_bytes: usize,
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    // A CR ended a line: a LF right after it belongs to it.
    after_cr: bool,
    is_first_line: bool,
}

impl EventReader {
    /// A reader that refuses lines and events above `most_bytes`.
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self {
            most_bytes,
            line: Vec::new(),
            event: Event::default(),
            has_data: false,
            after_cr: false,
            is_first_line: true,
        }
    }

    /// Takes in the next piece, and gives out the events that it ends.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<Vec<Event>, EventFault> {
        let mut events = Vec::new();
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            if mem::take(&mut self.after_cr) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let text = &rest[..end.unwrap_or(rest.len())];
            if self.line.len() + text.len() + self.event.data.len() > self.most_bytes {
                return Err(EventFault::TooLarge);
            }
            self.line.extend_from_slice(text);
            let Some(end) = end else { break };
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            events.extend(self.end_line()?);
        }
        Ok(events)
    }

    /// What a stream that is over left behind: an event whose empty line is missing.
    ///
    /// The standard drops it, but some servers end so after the last mark.
    pub(crate) fn finish(&mut self) -> Result<Option<Event>, EventFault> {
        if let Some(event) = self.end_line()? {
            return Ok(Some(event));
        }
        Ok(self.end_event())
    }

    fn end_line(&mut self) -> Result<Option<Event>, EventFault> {
        let bytes = mem::take(&mut self.line);
        let mut line = str::from_utf8(&bytes).map_err(|_| EventFault::NotText)?;
        if mem::take(&mut self.is_first_line) {
            line = line.trim_start_matches('\u{feff}');
        }
        if line.is_empty() {
            return Ok(self.end_event());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            "event" => value.clone_into(&mut self.event.kind),
            // Comments, `id`, `retry` and whatever comes later mean nothing here.
            _ => {}
        }
        Ok(None)
    }

    fn end_event(&mut self) -> Option<Event> {
        let event = mem::take(&mut self.event);
        mem::take(&mut self.has_data).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, data: &str) -> Event {
        Event {
            kind: kind.to_owned(),
            data: data.to_owned(),
        }
    }

    /// Reads a stream cut into pieces of `n` bytes.
    fn read(stream: &[u8], n: usize) -> Result<Vec<Event>, EventFault> {
        let mut reader = EventReader::new(40);
        let mut events = Vec::new();
        for piece in stream.chunks(n) {
            events.extend(reader.take(piece)?);
        }
        events.extend(reader.finish()?);
        Ok(events)
    }

    #[test]
    fn events_are_the_same_however_the_bytes_come() {
        for (stream, expected) in [
            ("", vec![]),
            (": hello\n\n:\r\n\r\n", vec![]),
            (
                "data: a\n\ndata: b\n\n",
                vec![event("", "a"), event("", "b")],
            ),
            (
                "data:a\r\n\r\ndata:  b\r\r",
                vec![event("", "a"), event("", " b")],
            ),
            ("data: a\r\ndata: b\rdata\n\n", vec![event("", "a\nb\n")]),
            ("\u{feff}data: a\n\n", vec![event("", "a")]),
            (
                "event: error\nid: 7\nretry: 1\ndata: x\n\n",
                vec![event("error", "x")],
            ),
            ("event: ping\n\ndata: x\n\n", vec![event("", "x")]),
            ("data: naïve 🦀 日本\n\n", vec![event("", "naïve 🦀 日本")]),
            (
                "data: a\n\ndata: [DONE]",
                vec![event("", "a"), event("", "[DONE]")],
            ),
            ("data: a\r\n: keep-alive\r\n\n", vec![event("", "a")]),
        ] {
            for n in 1..=stream.len().max(1) {
                assert_eq!(
                    read(stream.as_bytes(), n).as_ref(),
                    Ok(&expected),
                    "{stream:?} by {n}"
                );
            }
        }
    }

    #[test]
    fn what_is_too_large_or_no_text_is_refused() {
        for (stream, expected) in [
            (&b"data: \xff\n\n"[..], EventFault::NotText),
            (
                b"data: 0123456789012345678901234567890123456789\n",
                EventFault::TooLarge,
            ),
            (
                b"data: 01234567890123456789\ndata: 01234567890123456789\n",
                EventFault::TooLarge,
            ),
        ] {
            for n in 1..=stream.len() {
                assert_eq!(read(stream, n), Err(expected.clone()));
            }
        }
    }
}
