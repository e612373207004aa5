//! Tells pickles, which run code when they are read, from files of numbers.
//!
//! `PyTorch`'s `.bin`, `.pt`, `.pth` and `.ckpt` files are pickles, bare or in a zip archive:
//! <https://docs.python.org/3/library/pickletools.html>. Nothing of them is ever run or unpacked.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

/// How much of a file's start is looked at.
const HEAD_BYTES: usize = 1 << 16;
/// How much of a file's end is looked at: the directory of a zip archive.
const TAIL_BYTES: usize = 1 << 16;
/// Instructions after which a text that could be a pickle is taken for one.
const ENOUGH_INSTRUCTIONS: usize = 16;

/// Says what kind of pickle a file is, if it is one.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn find_in_file(path: &Path) -> io::Result<Option<&'static str>> {
    let mut file = File::open(path)?;
    let n_bytes = file.seek(SeekFrom::End(0))?;
    let mut read = |from: u64, n: usize| {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.by_ref().take(n as u64).read_to_end(&mut bytes)?;
        io::Result::Ok(bytes)
    };
    let head = read(0, HEAD_BYTES)?;
    let tail = read(n_bytes.saturating_sub(TAIL_BYTES as u64), TAIL_BYTES)?;
    Ok(find_pickle(&head, &tail, n_bytes))
}

/// Says what kind of pickle a file is, if it is one, by its start, its end and how many bytes it has.
pub fn find_pickle(head: &[u8], tail: &[u8], n_bytes: u64) -> Option<&'static str> {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        let is_in = |bytes: &[u8]| {
            let names: [&[u8]; 2] = [b".pkl", b".pickle"];
            names
                .iter()
                .any(|name| bytes.windows(name.len()).any(|window| window == *name))
        };
        return if is_in(head) || is_in(tail) {
            Some("a zip archive with pickles, as PyTorch saves them")
        } else {
            None
        };
    }
    match head {
        // PROTO, and the version of the protocol.
        [0x80, 2..=5, ..] => Some("a pickle"),
        _ if walks(head, n_bytes) => Some("a pickle of an old protocol"),
        _ => None,
    }
}

/// Whether the bytes are instructions of protocols 0 and 1 up to their end, or for a long time.
fn walks(head: &[u8], n_bytes: u64) -> bool {
    let (mut at, mut n_instructions) = (0, 0);
    loop {
        let Some(&code) = head.get(at) else {
            // What was seen is a pickle as far as it goes.
            return n_instructions >= ENOUGH_INSTRUCTIONS && (at as u64) < n_bytes;
        };
        at += 1;
        if code == b'.' {
            return n_instructions > 0 && at as u64 == n_bytes;
        }
        let Some(taken) = arguments(code, &head[at..]) else {
            return false;
        };
        at += taken;
        n_instructions += 1;
    }
}

/// Bytes of an instruction's arguments; `None` if there is no such instruction, or not so.
fn arguments(code: u8, rest: &[u8]) -> Option<usize> {
    let line = |rest: &[u8]| {
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let is_text = rest[..end]
            .iter()
            .all(|&byte| matches!(byte, b' '..=b'~' | b'\t' | 0x80..));
        is_text.then_some(end + 1)
    };
    let sized = |rest: &[u8], width: usize| {
        let mut bytes = [0; 4];
        bytes[..width].copy_from_slice(rest.get(..width)?);
        usize::try_from(u32::from_le_bytes(bytes))
            .ok()?
            .checked_add(width)
    };
    match code {
        // Those without arguments: marks, tuples, lists, dictionaries, calls, memory of the stack.
        b'(' | b')' | b']' | b'}' | b'a' | b'b' | b'd' | b'e' | b'l' | b'o' | b's' | b't'
        | b'u' | b'0' | b'1' | b'2' | b'N' | b'R' | b'Q' => Some(0),
        // Lines: numbers, strings, names, memory.
        b'F' | b'I' | b'L' | b'S' | b'V' | b'P' | b'g' | b'p' => line(rest),
        // Two lines: modules and names of what is called.
        b'c' | b'i' => {
            let first = line(rest)?;
            Some(first + line(&rest[first..])?)
        }
        b'K' | b'h' | b'q' => Some(1),
        b'M' => Some(2),
        b'J' | b'j' | b'r' => Some(4),
        b'G' => Some(8),
        b'U' => sized(rest, 1),
        b'T' | b'X' => sized(rest, 4),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pickles_are_told_from_numbers() {
        let torch = [&[0x80, 2, 0x8a, 10][..], b"l\xfc\x9cF\xf9 j\xa8P\x19."].concat();
        let zip = b"PK\x03\x04..archive/data.pklFB..".to_vec();
        let other_zip = b"PK\x03\x04..word/document.xml".to_vec();
        for (bytes, is_pickle) in [
            (&b"\x80\x04\x95\x00."[..], true),
            (&torch, true),
            (&zip, true),
            (&other_zip, false),
            (b"cos\nsystem\n(S'rm -rf /'\ntR.", true),
            (b"(dp0\nS'a'\np1\nI1\ns.", true),
            (b"]q\x00(K\x01K\x02e.", true),
            (b"", false),
            (b".", false),
            (b"{\"model_type\": \"bert\"}", false),
            (b"GGUF\x03\x00\x00\x00", false),
            (b"\x06\x00\x00\x00\x0c\x00WhisperSpec\x00", false),
            (b"plain text, nothing else.", false),
        ] {
            let found = find_pickle(bytes, bytes, bytes.len() as u64);
            assert_eq!(
                found.is_some(),
                is_pickle,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
