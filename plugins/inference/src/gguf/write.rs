//! Writes GGUF files, and turns the matrices of a file into `Q8_0`, which every engine has fast kernels for.

use super::{
    ALIGNMENT_KEY, DEFAULT_ALIGNMENT, Gguf, GgufError, GgufValue, MAGIC, Q8_BLOCK, TensorInfo,
    TensorKind, cursor::Cursor, quantise_q8,
};

/// What `general.file_type` says of files whose matrices are mostly `Q8_0`.
const MOSTLY_Q8_0: u32 = 7;
const FILE_TYPE_KEY: &str = "general.file_type";

/// Gathers metadata and tensors, then gives the bytes of a file of version 3.
#[derive(Clone, Debug, Default)]
pub struct GgufWriter {
    entries: Vec<u8>,
    n_entries: u64,
    table: Vec<u8>,
    n_tensors: u64,
    data: Vec<u8>,
}

impl GgufWriter {
    /// A file without anything in it.
    pub fn new() -> Self {
        Self::default()
    }

    fn entry(&mut self, key: &str, kind: u32, value: &[u8]) {
        write_text(&mut self.entries, key);
        self.entries.extend(kind.to_le_bytes());
        self.entries.extend(value);
        self.n_entries += 1;
    }

    /// Adds a whole number.
    pub fn unsigned(&mut self, key: &str, value: u32) {
        self.entry(key, 4, &value.to_le_bytes());
    }

    /// Adds a number.
    pub fn float(&mut self, key: &str, value: f32) {
        self.entry(key, 6, &value.to_le_bytes());
    }

    /// Adds a truth value.
    pub fn truth(&mut self, key: &str, value: bool) {
        self.entry(key, 7, &[u8::from(value)]);
    }

    /// Adds a text.
    pub fn text(&mut self, key: &str, value: &str) {
        let mut bytes = Vec::new();
        write_text(&mut bytes, value);
        self.entry(key, 8, &bytes);
    }

    /// Adds an array of texts.
    pub fn texts<T: AsRef<str>>(&mut self, key: &str, values: &[T]) {
        let mut bytes = 8u32.to_le_bytes().to_vec();
        bytes.extend((values.len() as u64).to_le_bytes());
        for value in values {
            write_text(&mut bytes, value.as_ref());
        }
        self.entry(key, 9, &bytes);
    }

    /// Adds an array of whole numbers.
    pub fn integers(&mut self, key: &str, values: &[i32]) {
        let mut bytes = 5u32.to_le_bytes().to_vec();
        bytes.extend((values.len() as u64).to_le_bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self.entry(key, 9, &bytes);
    }

    /// Adds the metadata of another file, unchanged, but for those keys that `keep` refuses.
    fn copy_metadata(&mut self, from: &Gguf<'_>, keep: impl Fn(&str) -> bool) {
        for (entry, (key, _)) in from.entries.iter().zip(from.metadata()) {
            if keep(key) {
                let value = &from.file[entry.value as usize..];
                let mut cursor = Cursor::new(value, false);
                if GgufValue::read(&mut cursor, entry.kind).is_ok() {
                    self.entry(key, entry.kind, &value[..cursor.position()]);
                }
            }
        }
    }

    /// Adds a tensor from its stored bytes; the dimension whose neighbours lie side by side first.
    ///
    /// # Panics
    /// If the bytes do not fit the shape.
    pub fn tensor(&mut self, name: &str, dimensions: &[u64], kind: TensorKind, bytes: &[u8]) {
        let n_values: u64 = dimensions.iter().product();
        let blocks = n_values as usize / kind.block_values();
        assert_eq!(
            bytes.len(),
            blocks * kind.block_bytes(),
            "the bytes of tensor {name:?} fit its shape"
        );
        write_text(&mut self.table, name);
        self.table.extend((dimensions.len() as u32).to_le_bytes());
        for dimension in dimensions {
            self.table.extend(dimension.to_le_bytes());
        }
        self.table.extend(kind.code().to_le_bytes());
        self.table.extend((self.data.len() as u64).to_le_bytes());
        self.data.extend(bytes);
        pad(&mut self.data);
        self.n_tensors += 1;
    }

    /// The bytes of the file.
    pub fn finish(self) -> Vec<u8> {
        let head = 24 + self.entries.len() + self.table.len();
        let mut file = Vec::with_capacity(head + DEFAULT_ALIGNMENT as usize + self.data.len());
        file.extend(MAGIC);
        file.extend(3u32.to_le_bytes());
        file.extend(self.n_tensors.to_le_bytes());
        file.extend(self.n_entries.to_le_bytes());
        file.extend(self.entries);
        file.extend(self.table);
        pad(&mut file);
        file.extend(self.data);
        file
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(DEFAULT_ALIGNMENT as usize), 0);
}

/// The same model with all its matrices in `Q8_0`: what is `Q8_0` already, and what is no matrix,
/// stays as it is.
///
/// # Errors
/// [`GgufError`] if the file cannot be read.
pub fn requantise(file: &[u8]) -> Result<Vec<u8>, GgufError> {
    let gguf = Gguf::read(file)?;
    let mut writer = GgufWriter::new();
    writer.copy_metadata(&gguf, |key| key != ALIGNMENT_KEY && key != FILE_TYPE_KEY);
    writer.unsigned(FILE_TYPE_KEY, MOSTLY_Q8_0);
    let mut in_file_order: Vec<_> = gguf.tensors().iter().collect();
    in_file_order.sort_unstable_by_key(|info| info.start);
    for info in in_file_order {
        if is_to_requantise(info) {
            let mut bytes = Vec::new();
            let n_in = info.dimensions()[0] as usize;
            for row in 0..info.n_values() / n_in {
                quantise_q8(&gguf.rows(info, row, 1), &mut bytes);
            }
            writer.tensor(info.name, info.dimensions(), TensorKind::Q8_0, &bytes);
        } else {
            writer.tensor(info.name, info.dimensions(), info.kind, gguf.bytes(info));
        }
    }
    Ok(writer.finish())
}

fn is_to_requantise(info: &TensorInfo<'_>) -> bool {
    info.kind != TensorKind::Q8_0
        && info.dimensions().len() > 1
        && info.dimensions()[0].is_multiple_of(Q8_BLOCK as u64)
}
