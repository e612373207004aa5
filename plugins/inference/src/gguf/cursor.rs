//! Takes numbers and strings off the front of a header, and refuses where it ends.

use super::{GgufError, MAX_HEADER_BYTES};

/// A place in the header.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    header: &'a [u8],
    position: usize,
    /// Whether the file goes on after the part of it that may be header.
    is_capped: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(header: &'a [u8], is_capped: bool) -> Self {
        Self {
            header,
            position: 0,
            is_capped,
        }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    fn rest(&self) -> &'a [u8] {
        &self.header[self.position..]
    }

    /// Why `what` cannot be here.
    fn too_long(&self, what: &str) -> GgufError {
        let at = self.position;
        GgufError::new(if self.is_capped {
            format!("its header goes on after {MAX_HEADER_BYTES:?} bytes: {what} from byte {at:?}")
        } else {
            format!("{what} from byte {at:?} on leaves the file: it is cut off")
        })
    }

    pub(super) fn bytes(&mut self, n: usize) -> Result<&'a [u8], GgufError> {
        match self.rest().get(..n) {
            Some(bytes) => {
                self.position += n;
                Ok(bytes)
            }
            None => Err(self.too_long("a number or string")),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        match self.rest().first_chunk() {
            Some(bytes) => {
                self.position += N;
                Ok(*bytes)
            }
            None => Err(self.too_long("a number")),
        }
    }

    pub(super) fn u32(&mut self) -> Result<u32, GgufError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, GgufError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Refuses a count of things of at least `min_bytes` each that the rest of the header cannot hold.
    pub(super) fn check_count(
        &self,
        what: &str,
        n: u64,
        min_bytes: u64,
    ) -> Result<usize, GgufError> {
        let most = self.rest().len() as u64 / min_bytes;
        if n > most {
            return Err(self.too_long(&format!("a list of {n:?} {what}")));
        }
        Ok(n as usize)
    }

    pub(super) fn string(&mut self, what: &str) -> Result<&'a str, GgufError> {
        let length = self.u64()?;
        let length = self.check_count(&format!("bytes of {what}"), length, 1)?;
        let bytes = self.bytes(length)?;
        std::str::from_utf8(bytes).map_err(|_| {
            GgufError::new(format!(
                "{what} before byte {:?} is not UTF-8",
                self.position
            ))
        })
    }
}
