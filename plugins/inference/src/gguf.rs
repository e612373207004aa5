//! Reads GGUF files from bytes without trusting them: typed metadata and a checked table of tensors.
//!
//! Versions 2 and 3, little-endian: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
//! A [`Gguf`] borrows the file. Beside it, it holds 16 bytes for each metadata entry and some 80 for
//! each tensor, whose shortest forms in a file take 14 and 33: never four times the file.

mod cursor;
mod quants;
mod value;
mod write;

use self::quants::Q8_BLOCK;
pub(crate) use self::quants::quantise_q8;
pub use self::{
    quants::TensorKind,
    value::{GgufArray, GgufValue},
    write::{GgufWriter, requantise},
};

use self::cursor::Cursor;

/// The largest header, metadata and tensor table together, that is read.
const MAX_HEADER_BYTES: usize = 8 << 20;
/// The most tensors that a file may have.
const MAX_TENSORS: u64 = 65_536;
/// The most dimensions that a tensor may have.
const MAX_RANK: u32 = 4;
/// Bytes to which tensors are aligned where the file does not say.
const DEFAULT_ALIGNMENT: u64 = 32;
/// The largest alignment that makes sense: a page of the largest kind in use for files.
const MAX_ALIGNMENT: u64 = 1 << 16;
const MAGIC: &[u8; 4] = b"GGUF";
const ALIGNMENT_KEY: &str = "general.alignment";
/// Bytes of the shortest metadata entry: length and byte of a key, type, one byte.
const MIN_ENTRY_BYTES: u64 = 14;
/// Bytes of the shortest tensor entry: length and byte of a name, rank, one dimension, type, offset.
const MIN_TENSOR_BYTES: u64 = 33;

/// Why a file is not read. The text says where and what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GgufError(String);

impl GgufError {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// One tensor of the table: its name, shape and place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorInfo<'a> {
    /// Its name, unique in the file.
    pub name: &'a str,
    /// How its numbers are stored.
    pub kind: TensorKind,
    rank: u8,
    dimensions: [u64; MAX_RANK as usize],
    /// From the start of the file.
    start: usize,
    bytes: usize,
}

impl TensorInfo<'_> {
    /// Dimensions, the one whose neighbours lie side by side first: a matrix of `n_out` rows of
    /// `n_in` numbers is `[n_in, n_out]`.
    pub fn dimensions(&self) -> &[u64] {
        &self.dimensions[..usize::from(self.rank)]
    }

    /// How many numbers it holds.
    pub fn n_values(&self) -> usize {
        // Checked against the file's size when it was read.
        self.dimensions().iter().product::<u64>() as usize
    }
}

/// Where a metadata entry lies in the header.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u32,
    key_bytes: u32,
    kind: u32,
    value: u32,
}

/// A file whose header has been read and checked.
#[derive(Clone, Debug)]
pub struct Gguf<'a> {
    file: &'a [u8],
    version: u32,
    /// Sorted by key.
    entries: Vec<Entry>,
    /// Sorted by name.
    tensors: Vec<TensorInfo<'a>>,
    alignment: u64,
}

impl<'a> Gguf<'a> {
    /// Reads and checks the header of a file.
    ///
    /// # Errors
    /// [`GgufError`] for another format or version; a header over 8 MiB; more than
    /// 65,536 tensors; strings, arrays or tensors that leave the file; shapes that overflow or do
    /// not fill blocks; names that occur twice; tensors that overlap; absurd alignments.
    pub fn read(file: &'a [u8]) -> Result<Self, GgufError> {
        let header = &file[..file.len().min(MAX_HEADER_BYTES)];
        let mut cursor = Cursor::new(header, file.len() > header.len());
        if cursor.bytes(4)? != MAGIC {
            return Err(GgufError::new("it does not start with \"GGUF\""));
        }
        let version = cursor.u32()?;
        if !(2..=3).contains(&version) {
            return Err(GgufError(format!(
                "it has version {version:?}; versions 2 and 3 are read"
            )));
        }
        let n_tensors = cursor.u64()?;
        let n_entries = cursor.u64()?;
        if n_tensors > MAX_TENSORS {
            return Err(GgufError(format!(
                "it claims {n_tensors:?} tensors; at most {MAX_TENSORS:?} are read"
            )));
        }
        let mut gguf = Self {
            file,
            version,
            entries: Vec::new(),
            tensors: Vec::new(),
            alignment: DEFAULT_ALIGNMENT,
        };
        gguf.read_entries(&mut cursor, n_entries)?;
        gguf.alignment = gguf.read_alignment()?;
        gguf.read_tensors(&mut cursor, n_tensors)?;
        gguf.place_tensors(cursor.position() as u64)?;
        Ok(gguf)
    }

    fn read_entries(&mut self, cursor: &mut Cursor<'a>, n: u64) -> Result<(), GgufError> {
        let room = cursor.check_count("metadata entries", n, MIN_ENTRY_BYTES)?;
        self.entries.reserve_exact(room);
        for _ in 0..n {
            let key = cursor.string("a key")?;
            if key.is_empty() {
                return Err(GgufError::new("a key of its metadata is empty"));
            }
            let key_start = cursor.position() - key.len();
            let kind = cursor.u32()?;
            let value = cursor.position();
            GgufValue::read(cursor, kind).map_err(|error| error.inside(key))?;
            self.entries.push(Entry {
                key: key_start as u32,
                key_bytes: key.len() as u32,
                kind,
                value: value as u32,
            });
        }
        let file = self.file;
        self.entries
            .sort_unstable_by_key(|entry| entry.key_of(file));
        match self
            .entries
            .windows(2)
            .find(|pair| pair[0].key_of(file) == pair[1].key_of(file))
        {
            Some(pair) => Err(GgufError(format!(
                "key {:?} occurs twice",
                String::from_utf8_lossy(pair[0].key_of(file))
            ))),
            None => Ok(()),
        }
    }

    fn read_alignment(&self) -> Result<u64, GgufError> {
        let Some(value) = self.get(ALIGNMENT_KEY) else {
            return Ok(DEFAULT_ALIGNMENT);
        };
        match value.as_u64() {
            Some(n) if n.is_power_of_two() && (8..=MAX_ALIGNMENT).contains(&n) => Ok(n),
            _ => Err(GgufError(format!(
                "its alignment {value:?} is not a power of two from 8 to {MAX_ALIGNMENT:?}"
            ))),
        }
    }

    fn read_tensors(&mut self, cursor: &mut Cursor<'a>, n: u64) -> Result<(), GgufError> {
        let room = cursor.check_count("tensors", n, MIN_TENSOR_BYTES)?;
        self.tensors.reserve_exact(room);
        for _ in 0..n {
            let name = cursor.string("a tensor's name")?;
            if name.is_empty() {
                return Err(GgufError::new("the name of a tensor is empty"));
            }
            let info = read_tensor(cursor, name).map_err(|error| error.inside(name))?;
            self.tensors.push(info);
        }
        Ok(())
    }

    /// Turns the offsets of the table into places in the file, and checks them.
    fn place_tensors(&mut self, header_bytes: u64) -> Result<(), GgufError> {
        let data = header_bytes.next_multiple_of(self.alignment);
        let alignment = self.alignment;
        let end_of_file = self.file.len() as u64;
        for info in &mut self.tensors {
            let offset = info.start as u64;
            if !offset.is_multiple_of(alignment) {
                return Err(GgufError(format!(
                    "tensor {:?} starts at {offset:?}, which is no multiple of {alignment:?}",
                    info.name
                )));
            }
            let end = data
                .checked_add(offset)
                .and_then(|start| start.checked_add(info.bytes as u64))
                .filter(|&end| end <= end_of_file);
            let Some(end) = end else {
                return Err(GgufError(format!(
                    "tensor {:?} claims {:?} bytes from {offset:?} on and leaves the file: it is cut off",
                    info.name, info.bytes
                )));
            };
            info.start = end as usize - info.bytes;
        }
        self.tensors.sort_unstable_by_key(|info| info.start);
        for pair in self.tensors.windows(2) {
            if pair[0].start + pair[0].bytes > pair[1].start {
                return Err(GgufError(format!(
                    "tensors {:?} and {:?} overlap",
                    pair[0].name, pair[1].name
                )));
            }
        }
        self.tensors.sort_unstable_by_key(|info| info.name);
        match self
            .tensors
            .windows(2)
            .find(|pair| pair[0].name == pair[1].name)
        {
            Some(pair) => Err(GgufError(format!("tensor {:?} occurs twice", pair[0].name))),
            None => Ok(()),
        }
    }

    /// Version of the format, 2 or 3.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// A metadata value.
    pub fn get(&self, key: &str) -> Option<GgufValue<'a>> {
        let nth = self
            .entries
            .binary_search_by_key(&key.as_bytes(), |entry| entry.key_of(self.file))
            .ok()?;
        self.value(self.entries[nth])
    }

    fn value(&self, entry: Entry) -> Option<GgufValue<'a>> {
        let mut cursor = Cursor::new(&self.file[entry.value as usize..], false);
        // Read once before, when the header was checked.
        GgufValue::read(&mut cursor, entry.kind).ok()
    }

    /// All metadata, sorted by key.
    pub fn metadata(&self) -> impl Iterator<Item = (&'a str, GgufValue<'a>)> + '_ {
        self.entries.iter().filter_map(|&entry| {
            let key = std::str::from_utf8(entry.key_of(self.file)).ok()?;
            Some((key, self.value(entry)?))
        })
    }

    /// All tensors, sorted by name.
    pub fn tensors(&self) -> &[TensorInfo<'a>] {
        &self.tensors
    }

    /// The tensor of a name.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo<'a>> {
        let nth = self
            .tensors
            .binary_search_by_key(&name, |info| info.name)
            .ok()?;
        Some(&self.tensors[nth])
    }

    /// The stored bytes of a tensor of this file.
    pub fn bytes(&self, info: &TensorInfo<'_>) -> &'a [u8] {
        &self.file[info.start..info.start + info.bytes]
    }
}

impl Entry {
    fn key_of(self, file: &[u8]) -> &[u8] {
        &file[self.key as usize..(self.key + self.key_bytes) as usize]
    }
}

impl GgufError {
    fn inside(self, name: &str) -> Self {
        Self(format!("{name:?}: {}", self.0))
    }
}

/// The rest of a tensor's entry; `start` is still its offset in the data.
fn read_tensor<'a>(cursor: &mut Cursor<'a>, name: &'a str) -> Result<TensorInfo<'a>, GgufError> {
    let rank = cursor.u32()?;
    if !(1..=MAX_RANK).contains(&rank) {
        return Err(GgufError(format!("has {rank:?} dimensions")));
    }
    let mut dimensions = [1; MAX_RANK as usize];
    for dimension in &mut dimensions[..rank as usize] {
        *dimension = cursor.u64()?;
    }
    let kind = TensorKind::from_code(cursor.u32()?)?;
    let offset = cursor.u64()?;
    let absurd = || GgufError(format!("has the absurd shape {dimensions:?}"));
    let n_values = dimensions
        .iter()
        .try_fold(1u64, |product, &n| product.checked_mul(n))
        .filter(|&n| n > 0)
        .ok_or_else(absurd)?;
    let block = kind.block_values() as u64;
    if !dimensions[0].is_multiple_of(block) {
        return Err(GgufError(format!(
            "has rows of {:?} numbers, which do not fill blocks of {block:?}",
            dimensions[0]
        )));
    }
    let bytes = (n_values / block)
        .checked_mul(kind.block_bytes() as u64)
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(absurd)?;
    Ok(TensorInfo {
        name,
        kind,
        rank: rank as u8,
        dimensions,
        start: usize::try_from(offset).map_err(|_| absurd())?,
        bytes,
    })
}

#[cfg(test)]
mod tests;
