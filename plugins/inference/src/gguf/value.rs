//! Typed metadata values of a GGUF file; arrays stay in the file and are read as they are walked.

use super::{GgufError, cursor::Cursor};

/// A metadata value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GgufValue<'a> {
    /// An unsigned integer of 8 to 64 bits.
    Unsigned(u64),
    /// A signed integer of 8 to 64 bits.
    Signed(i64),
    /// A floating-point number of 32 or 64 bits.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A text.
    Text(&'a str),
    /// Many values of one type.
    Array(GgufArray<'a>),
}

const BOOL: u32 = 7;
const TEXT: u32 = 8;
const ARRAY: u32 = 9;

impl<'a> GgufValue<'a> {
    /// Reads a value of the type that the code stands for.
    pub(super) fn read(cursor: &mut Cursor<'a>, kind: u32) -> Result<Self, GgufError> {
        Ok(match kind {
            0 => Self::Unsigned(u8::from_le_bytes(cursor.array()?).into()),
            1 => Self::Signed(i8::from_le_bytes(cursor.array()?).into()),
            2 => Self::Unsigned(u16::from_le_bytes(cursor.array()?).into()),
            3 => Self::Signed(i16::from_le_bytes(cursor.array()?).into()),
            4 => Self::Unsigned(cursor.u32()?.into()),
            5 => Self::Signed(i32::from_le_bytes(cursor.array()?).into()),
            6 => Self::Float(f32::from_le_bytes(cursor.array()?).into()),
            BOOL => match cursor.array::<1>()?[0] {
                0 => Self::Bool(false),
                1 => Self::Bool(true),
                other => return Err(GgufError::new(format!("a truth value is {other:?}"))),
            },
            TEXT => Self::Text(cursor.string("a text")?),
            ARRAY => Self::Array(GgufArray::read(cursor)?),
            10 => Self::Unsigned(cursor.u64()?),
            11 => Self::Signed(i64::from_le_bytes(cursor.array()?)),
            12 => Self::Float(f64::from_le_bytes(cursor.array()?)),
            other => return Err(GgufError::new(format!("has the unknown type {other:?}"))),
        })
    }

    /// The value as a count or an index.
    pub fn as_u64(self) -> Option<u64> {
        match self {
            Self::Unsigned(n) => Some(n),
            Self::Signed(n) => n.try_into().ok(),
            _ => None,
        }
    }

    /// The value as a number of 32 bits.
    pub fn as_f32(self) -> Option<f32> {
        match self {
            Self::Float(x) => Some(x as f32),
            Self::Unsigned(n) => Some(n as f32),
            Self::Signed(n) => Some(n as f32),
            _ => None,
        }
    }

    /// The value as true or false.
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Self::Bool(yes) => Some(yes),
            _ => None,
        }
    }

    /// The value as a text.
    pub fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value as an array.
    pub fn as_array(self) -> Option<GgufArray<'a>> {
        match self {
            Self::Array(array) => Some(array),
            _ => None,
        }
    }
}

/// An array that lies in the file. It has been walked once, so walking it again does not fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GgufArray<'a> {
    kind: u32,
    len: usize,
    bytes: &'a [u8],
}

impl<'a> GgufArray<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, GgufError> {
        let kind = cursor.u32()?;
        let len = cursor.u64()?;
        let item_bytes = match kind {
            0 | 1 | BOOL => 1,
            2 | 3 => 2,
            4..=6 => 4,
            TEXT | 10..=12 => 8,
            ARRAY => return Err(GgufError::new("has arrays inside an array")),
            other => return Err(GgufError::new(format!("has the unknown type {other:?}"))),
        };
        let len = cursor.check_count("items", len, item_bytes)?;
        let mut rest = cursor.clone();
        if kind == TEXT {
            for _ in 0..len {
                rest.string("a text")?;
            }
        } else {
            rest.bytes(len * item_bytes as usize)?;
        }
        let bytes = cursor.bytes(rest.position() - cursor.position())?;
        let array = Self { kind, len, bytes };
        if kind == BOOL && bytes.iter().any(|&byte| byte > 1) {
            return Err(GgufError::new("has truth values other than 0 and 1"));
        }
        Ok(array)
    }

    /// How many values it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its values in their order.
    pub fn iter(&self) -> impl Iterator<Item = GgufValue<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.bytes, false);
        let kind = self.kind;
        (0..self.len).map_while(move |_| GgufValue::read(&mut cursor, kind).ok())
    }
}
