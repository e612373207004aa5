//! Reads the binary models of `CTranslate2`: named arrays, one after another, and aliases of their names.
//!
//! The layout, all little-endian, strings with their length first and a NUL at their end:
//! `u32` format, specification's name, `u32` revision, `u32` count, then for each variable its
//! name, `u8` rank, `u32` dimensions, `u8` type, `u32` bytes and data; last `u32` count and pairs of
//! alias and name. Only the formats 4 to 6, which say types, are read.
//! <https://github.com/OpenNMT/CTranslate2/blob/master/python/ctranslate2/specs/model_spec.py>
//!
//! Nothing is copied: a file is indexed by the places of its entries, which takes 16 bytes an entry.

use std::{cmp::Ordering, str};

/// The most variables, and the most aliases, that a file may have.
const MAX_ENTRIES: u32 = 65_536;
/// The most dimensions that a variable has.
const MAX_RANK: u8 = 8;

/// What the numbers of a variable are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    I8,
    I16,
    I32,
    F16,
    Bf16,
}

impl Kind {
    fn read(code: u8) -> Result<Self, String> {
        Ok(match code {
            0 => Self::F32,
            1 => Self::I8,
            2 => Self::I16,
            3 => Self::I32,
            4 => Self::F16,
            5 => Self::Bf16,
            other => return Err(format!("has the unknown type {other:?}")),
        })
    }

    fn bytes(self) -> usize {
        match self {
            Self::I8 => 1,
            Self::I16 | Self::F16 | Self::Bf16 => 2,
            Self::F32 | Self::I32 => 4,
        }
    }
}

/// A variable, still in the file's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable<'a> {
    /// What its numbers are.
    pub(crate) kind: Kind,
    /// Its dimensions; none for a single number.
    pub(crate) shape: Vec<usize>,
    /// Its numbers, little-endian, the last dimension next to each other.
    pub(crate) bytes: &'a [u8],
}

impl Variable<'_> {
    /// All numbers as `f32`. Whole numbers are not scaled.
    pub(crate) fn to_f32(&self) -> Vec<f32> {
        let two = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
        let four = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let of = |width: usize, read: &dyn Fn(&[u8]) -> f32| {
            self.bytes.chunks_exact(width).map(read).collect()
        };
        match self.kind {
            Kind::F32 => of(4, &|bytes| f32::from_bits(four(bytes))),
            Kind::I8 => of(1, &|bytes| f32::from(bytes[0] as i8)),
            Kind::I16 => of(2, &|bytes| f32::from(two(bytes) as i16)),
            Kind::I32 => of(4, &|bytes| four(bytes) as i32 as f32),
            Kind::F16 => of(2, &|bytes| half::f16::from_bits(two(bytes)).to_f32()),
            Kind::Bf16 => of(2, &|bytes| half::bf16::from_bits(two(bytes)).to_f32()),
        }
    }
}

/// A file that holds what it says: every variable is whole and has a name of its own.
#[derive(Debug)]
pub(crate) struct File<'a> {
    /// The specification's name, such as `WhisperSpec`.
    pub(crate) spec: &'a str,
    bytes: &'a [u8],
    /// Where the variables start, by their names.
    variables: Vec<usize>,
    /// Where the aliases start, by their names.
    aliases: Vec<usize>,
}

impl<'a> File<'a> {
    /// Indexes a file.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut cursor = Cursor { bytes, at: 0 };
        let format = cursor.u32()?;
        if !(4..=6).contains(&format) {
            return Err(format!("its format is {format:?}; 4 to 6 are read"));
        }
        let spec = cursor.string()?;
        cursor.u32()?;
        let variables = cursor.entries("variables", |cursor| cursor.variable().map(drop))?;
        let aliases = cursor.entries("aliases", |cursor| {
            cursor.string()?;
            cursor.string().map(drop)
        })?;
        if cursor.at != bytes.len() {
            let rest = bytes.len() - cursor.at;
            return Err(format!("{rest:?} bytes follow its end"));
        }
        let mut file = Self {
            spec,
            bytes,
            variables,
            aliases,
        };
        let by_name = |a: &usize, b: &usize| name_at(bytes, *a).cmp(name_at(bytes, *b));
        file.variables.sort_unstable_by(by_name);
        file.aliases.sort_unstable_by(by_name);
        for entries in [&file.variables, &file.aliases] {
            let twice = |pair: &&[usize]| by_name(&pair[0], &pair[1]) == Ordering::Equal;
            if let Some(pair) = entries.windows(2).find(twice) {
                return Err(format!(
                    "variable {:?} occurs twice",
                    name_at(bytes, pair[0])
                ));
            }
        }
        Ok(file)
    }

    /// A variable by its name or an alias of it.
    pub(crate) fn get(&self, name: &str) -> Option<Variable<'a>> {
        let find = |entries: &[usize], name: &str| {
            entries
                .binary_search_by(|&at| name_at(self.bytes, at).cmp(name))
                .ok()
                .map(|nth| entries[nth])
        };
        let at = find(&self.variables, name).or_else(|| {
            // An alias names a variable, never another alias.
            let at = find(&self.aliases, name)?;
            let mut cursor = Cursor {
                bytes: self.bytes,
                at,
            };
            cursor.string().ok()?;
            find(&self.variables, cursor.string().ok()?)
        })?;
        let bytes = self.bytes;
        Cursor { bytes, at }.variable().ok()
    }

    /// The numbers of a variable of the given shape as `f32`; 8- and 16-bit weights are divided
    /// by the scales that stand beside them.
    ///
    /// # Errors
    /// A sentence that names the variable if it is not there or has another shape.
    pub(crate) fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let variable = self
            .get(name)
            .ok_or_else(|| format!("it has no variable {name:?}"))?;
        if variable.shape != shape {
            return Err(format!(
                "variable {name:?} has the shape {:?} instead of {shape:?}",
                variable.shape
            ));
        }
        let mut numbers = variable.to_f32();
        if matches!(variable.kind, Kind::I8 | Kind::I16) {
            let scale_name = format!("{name}_scale");
            let scales = self
                .get(&scale_name)
                .map(|scales| scales.to_f32())
                .filter(|scales| !scales.is_empty() && numbers.len().is_multiple_of(scales.len()))
                .ok_or_else(|| format!("variable {scale_name:?} does not fit {name:?}"))?;
            let width = numbers.len() / scales.len();
            for (row, scale) in numbers.chunks_mut(width.max(1)).zip(scales) {
                row.iter_mut().for_each(|number| *number /= scale);
            }
        }
        Ok(numbers)
    }

    /// A whole number that is a variable of its own.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        let variable = self.get(name)?;
        let whole = matches!(variable.kind, Kind::I8 | Kind::I16 | Kind::I32);
        let [number] = variable.to_f32()[..] else {
            return None;
        };
        whole.then_some(number as i64)
    }
}

/// The name of the entry at a place that was read before.
fn name_at(bytes: &[u8], at: usize) -> &str {
    Cursor { bytes, at }.string().unwrap_or_default()
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], String> {
        let taken = self.bytes[self.at..].get(..n).ok_or_else(|| {
            format!(
                "it ends at byte {:?} where {n:?} more are due from {:?}: it is cut off",
                self.bytes.len(),
                self.at
            )
        })?;
        self.at += n;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32, String> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn string(&mut self) -> Result<&'a str, String> {
        let at = self.at;
        let length = self.take(2)?;
        let length = u16::from_le_bytes([length[0], length[1]]);
        match self.take(length.into())? {
            [text @ .., 0] => {
                str::from_utf8(text).map_err(|_| format!("the text at byte {at:?} is not in UTF-8"))
            }
            _ => Err(format!("the text at byte {at:?} has no end")),
        }
    }

    fn variable(&mut self) -> Result<Variable<'a>, String> {
        let name = self.string()?;
        let wrong = |why: String| format!("variable {name:?} {why}");
        let rank = self.u8()?;
        if rank > MAX_RANK {
            return Err(wrong(format!("has {rank:?} dimensions")));
        }
        let shape = (0..rank)
            .map(|_| self.u32().map(|n| n as usize))
            .collect::<Result<Vec<_>, _>>()?;
        let kind = Kind::read(self.u8()?).map_err(wrong)?;
        let claimed = self.u32()? as usize;
        let needed = shape
            .iter()
            .try_fold(kind.bytes(), |product, &n| product.checked_mul(n))
            .ok_or_else(|| wrong(format!("has the absurd shape {shape:?}")))?;
        if claimed != needed {
            return Err(wrong(format!(
                "claims {claimed:?} bytes where its shape {shape:?} needs {needed:?}"
            )));
        }
        let bytes = self.take(claimed).map_err(wrong)?;
        Ok(Variable { kind, shape, bytes })
    }

    /// Steps over a count and that many entries; where each of them starts.
    fn entries(
        &mut self,
        what: &str,
        step: impl Fn(&mut Self) -> Result<(), String>,
    ) -> Result<Vec<usize>, String> {
        let count = self.u32()?;
        if count > MAX_ENTRIES {
            return Err(format!(
                "it claims {count:?} {what}; at most {MAX_ENTRIES:?} are read"
            ));
        }
        // Grows with what is there, not with what is claimed.
        let mut starts = Vec::new();
        for _ in 0..count {
            starts.push(self.at);
            step(self)?;
        }
        Ok(starts)
    }
}

#[cfg(test)]
mod tests;
