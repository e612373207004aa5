//! What parent and child say to each other: blocks of bounded size, each with the number of its order.
//!
//! A block is its length (4 bytes, little-endian, without these), the number of the order (8 bytes),
//! and the message as postcard writes it. Both sides are the same executable, so that there is one
//! version of it.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Recipe;
use crate::{
    ask::{Ask, Skill},
    backend::{BackendError, SequenceStep},
    input::{Encoded, Input},
    output::Output,
};

/// Bytes that a block may have: 17 minutes of sound.
pub(super) const MOST_BYTES: usize = 64 << 20;
/// Bytes of a block's number.
const NUMBER_BYTES: usize = 8;

/// The first block of a child, under the number 0: it listens.
pub(super) const HELLO: &str = "diorama model child 1";

/// What the parent wants.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// The model; once, and before all else.
    Make(Recipe),
    /// An input made ready.
    Encode(Ask, Input),
    /// Inputs answered.
    Answer(Ask, Vec<Encoded>),
    /// A sequence taken up.
    Begin(u64, Ask, Encoded),
    /// All sequences brought further.
    Step,
    /// A sequence given up.
    End(u64),
}

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// It listens.
    Hello(Hello),
    /// What became of an order.
    Made(Result<Made, BackendError>),
    Encoded(Result<Encoded, BackendError>),
    Answered(Result<Vec<Output>, BackendError>),
    Begun(Result<(), BackendError>),
    Stepped(Result<Vec<(u64, SequenceStep)>, BackendError>),
    Ended,
}

/// How a child introduces itself.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) greeting: String,
    /// The limits that could not be had, in words.
    pub(super) lacking: Vec<String>,
}

/// The model that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) version: String,
    pub(super) skills: Vec<Skill>,
    pub(super) n_sequences: usize,
}

/// A block, ready to be written.
pub(super) fn block(number: u64, message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut start = vec![0; 4 + NUMBER_BYTES];
    start[4..].copy_from_slice(&number.to_le_bytes());
    let mut block = postcard::to_extend(message, start).map_err(io::Error::other)?;
    let n_bytes = block.len() - 4;
    if n_bytes > MOST_BYTES {
        let why = format!(
            "it has {n_bytes} bytes, and {MOST_BYTES} go to or from a model at once; split it"
        );
        return Err(io::Error::other(why));
    }
    // It fits: it is below the bound.
    let length = u32::try_from(n_bytes).map_err(io::Error::other)?;
    block[..4].copy_from_slice(&length.to_le_bytes());
    Ok(block)
}

/// Writes a block whole.
pub(super) fn write(to: &mut impl Write, block: &[u8]) -> io::Result<()> {
    to.write_all(block)?;
    to.flush()
}

/// Reads a block; `None` at the end.
///
/// Memory is taken as bytes come, so that a false length costs nothing.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<(u64, T)>> {
    let mut length = [0; 4];
    let mut n_read = 0;
    while n_read < length.len() {
        match from.read(&mut length[n_read..]) {
            Ok(0) if n_read == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => n_read += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let n_bytes = u32::from_le_bytes(length) as usize;
    if !(NUMBER_BYTES..=MOST_BYTES).contains(&n_bytes) {
        return Err(io::Error::other(format!(
            "a block of {n_bytes} bytes is none"
        )));
    }
    let mut block = Vec::new();
    from.take(n_bytes as u64).read_to_end(&mut block)?;
    if block.len() < n_bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let (number, message) = block.split_at(NUMBER_BYTES);
    let number = u64::from_le_bytes(number.try_into().map_err(io::Error::other)?);
    let (message, rest) = postcard::take_from_bytes(message).map_err(io::Error::other)?;
    if rest.is_empty() {
        Ok(Some((number, message)))
    } else {
        Err(io::Error::other(format!(
            "{} bytes too many in a block",
            rest.len()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_as_they_were_and_nonsense_is_refused() {
        let order = Order::Answer(
            Ask::Embed,
            vec![
                Encoded::Ids(vec![1, 70_000]),
                Encoded::Audio(vec![0.5; 3].into()),
            ],
        );
        let bytes = [block(7, &order).unwrap(), block(8, &Order::Step).unwrap()].concat();
        let mut from = bytes.as_slice();
        let (number, back) = read::<Order>(&mut from).unwrap().unwrap();
        assert_eq!((number, format!("{back:?}")), (7, format!("{order:?}")));
        assert_eq!(read::<Order>(&mut from).unwrap().unwrap().0, 8);
        assert!(read::<Order>(&mut from).unwrap().is_none());
        for n in 1..bytes.len() - 14 {
            let mut from = &bytes[..n];
            assert!(read::<Order>(&mut from).is_err(), "cut after {n}");
        }
        for nonsense in [
            &b"garbage!"[..],
            &[0xff; 40],
            &[0; 40],
            b"y\ny\ny\ny\ny\n",
            &[9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99],
        ] {
            assert!(read::<Order>(&mut &*nonsense).is_err());
        }
        let mut longer = block(1, &Order::Step).unwrap();
        longer.push(0);
        longer[0] += 1;
        assert!(read::<Order>(&mut longer.as_slice()).is_err());
        let huge = Order::Encode(Ask::Embed, Input::Text("x".repeat(MOST_BYTES)));
        assert!(
            block(1, &huge)
                .unwrap_err()
                .to_string()
                .contains("split it")
        );
    }
}
