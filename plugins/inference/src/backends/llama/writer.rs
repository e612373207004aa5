//! Turns the bytes of tokens into pieces of text: whole characters, and nothing that may yet turn out
//! to be the start of a text that ends it all.

/// What a sequence has written.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    n_given: usize,
    text: String,
    stops: Vec<String>,
}

impl Writer {
    /// Ends before any of these texts; empty ones do not count.
    pub(super) fn new(stops: &[String]) -> Self {
        Self {
            stops: stops
                .iter()
                .filter(|stop| !stop.is_empty())
                .cloned()
                .collect(),
            ..Self::default()
        }
    }

    /// Takes on the bytes of a token: what can be given out now, and whether a stop came.
    pub(super) fn push(&mut self, bytes: &[u8]) -> (String, bool) {
        self.bytes.extend_from_slice(bytes);
        let waiting = &self.bytes[self.n_given..];
        let stop = self
            .stops
            .iter()
            .filter_map(|stop| find(waiting, stop.as_bytes()))
            .min();
        if let Some(at) = stop {
            self.bytes.truncate(self.n_given + at);
            return (self.finish(), true);
        }
        let held = self
            .stops
            .iter()
            .map(|stop| overlap(waiting, stop.as_bytes()))
            .max();
        let ready = &waiting[..waiting.len() - held.unwrap_or(0)];
        let n = whole_characters(ready);
        (self.give(n), false)
    }

    /// Gives out all that waits.
    pub(super) fn finish(&mut self) -> String {
        self.give(self.bytes.len() - self.n_given)
    }

    fn give(&mut self, n: usize) -> String {
        let piece = String::from_utf8_lossy(&self.bytes[self.n_given..self.n_given + n]);
        self.text.push_str(&piece);
        let piece = piece.into_owned();
        self.n_given += n;
        piece
    }

    /// All that was given out.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Length of the longest end of `bytes` that `what` begins with.
fn overlap(bytes: &[u8], what: &[u8]) -> usize {
    let most = bytes.len().min(what.len() - 1);
    (1..=most)
        .rev()
        .find(|&n| bytes.ends_with(&what[..n]))
        .unwrap_or(0)
}

/// Bytes up to the character at the end that is not whole yet.
fn whole_characters(bytes: &[u8]) -> usize {
    // A character that lacks bytes has at most three of them.
    let tail = bytes.len().saturating_sub(3);
    let cut = (tail..bytes.len()).rev().find(|&at| bytes[at] >= 0xc0);
    match cut {
        Some(at)
            if std::str::from_utf8(&bytes[at..])
                .is_err_and(|error| error.error_len().is_none()) =>
        {
            at
        }
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stops: &[&str], tokens: &[&[u8]], expected: &[&str], stopped: bool) {
        let stops: Vec<String> = stops.iter().map(|&stop| stop.to_owned()).collect();
        let mut writer = Writer::new(&stops);
        let mut pieces = Vec::new();
        let mut is_stopped = false;
        for token in tokens {
            let (piece, stop) = writer.push(token);
            pieces.push(piece);
            is_stopped = stop;
            if stop {
                break;
            }
        }
        if !is_stopped {
            pieces.push(writer.finish());
        }
        assert_eq!(pieces, expected);
        assert_eq!(is_stopped, stopped);
        assert_eq!(writer.into_text(), expected.concat());
    }

    #[test]
    fn characters_are_never_split() {
        check(
            &[],
            &[b"a\xe2", b"\x82", b"\xac!"],
            &["a", "", "€!", ""],
            false,
        );
        check(&[], &[b"\xf0\x9f\x98", b"\x80"], &["", "😀", ""], false);
        check(&[], &[b"\xff", b"b"], &["\u{fffd}", "b", ""], false);
        check(&[], &[b"a\xe2"], &["a", "\u{fffd}"], false);
    }

    #[test]
    fn stops_are_left_out_wherever_tokens_cut_them() {
        check(
            &["END"],
            &[b"one E", b"N", b"D two"],
            &["one ", "", ""],
            true,
        );
        check(
            &["END"],
            &[b"one E", b"N", b"E"],
            &["one ", "", "EN", "E"],
            false,
        );
        check(&["\n\n", "b"], &[b"a\n", b"b\n\n"], &["a", "\n"], true);
        check(&[""], &[b"a"], &["a", ""], false);
    }
}
