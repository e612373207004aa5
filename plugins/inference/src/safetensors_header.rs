//! Checks the header of a safetensors file before a reader trusts it.
//!
//! The readers accept headers of 75 MB, keys that occur twice and dimensions near 2⁶⁴. This one
//! accepts what real models have: <https://github.com/huggingface/safetensors#format>.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// The largest header that is read. A model of 100 layers needs some 200 kB.
const MAX_HEADER_BYTES: u64 = 8 << 20;
/// The most tensors of a file.
const MAX_TENSORS: usize = 65_536;
/// The most dimensions that a tensor has.
const MAX_RANK: usize = 8;
/// Nests inside a file, so that no dimension of a real tensor is above it.
const MAX_DIMENSION: u64 = 1 << 32;

/// What is kept of a tensor: no more than what is needed to see whether the file is whole, so that
/// a header takes less memory than it has bytes, twice.
struct TensorInfo {
    bytes: u64,
    data_offsets: (u64, u64),
}

/// Reads the entry of a tensor.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TensorSpec {
    dtype: ItemBytes,
    shape: Items,
    data_offsets: (u64, u64),
}

/// Bytes of an item of a type.
struct ItemBytes(u64);

impl<'de> Deserialize<'de> for ItemBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TypeName;
        impl Visitor<'_> for TypeName {
            type Value = ItemBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a type")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<ItemBytes, E> {
                Ok(ItemBytes(match name {
                    "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" => 1,
                    "U16" | "I16" | "F16" | "BF16" => 2,
                    "U32" | "I32" | "F32" => 4,
                    "U64" | "I64" | "F64" => 8,
                    other => {
                        return Err(E::custom(format_args!(
                            "unknown type {:?}",
                            other.chars().take(20).collect::<String>()
                        )));
                    }
                }))
            }
        }
        deserializer.deserialize_str(TypeName)
    }
}

/// The product of a shape's dimensions.
struct Items(u64);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape;
        impl<'de> Visitor<'de> for Shape {
            type Value = Items;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a shape")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut shape: A) -> Result<Items, A::Error> {
                let (mut product, mut rank) = (1u64, 0);
                while let Some(dimension) = shape.next_element::<u64>()? {
                    rank += 1;
                    let next = product.checked_mul(dimension);
                    product = match next {
                        Some(product) if rank <= MAX_RANK && dimension <= MAX_DIMENSION => product,
                        _ => {
                            return Err(A::Error::custom(format_args!(
                                "absurd shape: dimension {rank:?} is {dimension:?}"
                            )));
                        }
                    };
                }
                Ok(Items(product))
            }
        }
        deserializer.deserialize_seq(Shape)
    }
}

#[derive(Default)]
struct Header {
    tensors: BTreeMap<String, TensorInfo>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from tensor names to their dtype, shape and data_offsets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut header = Header::default();
        let mut has_metadata = false;
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                if std::mem::replace(&mut has_metadata, true) {
                    return Err(A::Error::custom("\"__metadata__\" occurs twice"));
                }
                map.next_value::<Metadata>()?;
                continue;
            }
            let TensorSpec {
                dtype: ItemBytes(item_bytes),
                shape: Items(n_items),
                data_offsets,
            } = map.next_value()?;
            let bytes = n_items.checked_mul(item_bytes).ok_or_else(|| {
                A::Error::custom(format_args!(
                    "absurd shape: tensor {name:?} has too many items"
                ))
            })?;
            let info = TensorInfo {
                bytes,
                data_offsets,
            };
            if header.tensors.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "tensor {name:?} occurs twice"
                )));
            }
            if header.tensors.len() == MAX_TENSORS {
                return Err(A::Error::custom(format_args!(
                    "more than {MAX_TENSORS:?} tensors"
                )));
            }
            header.tensors.insert(name, info);
        }
        Ok(header)
    }
}

/// A map from strings to strings, of which nothing is kept.
struct Metadata;

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Metadata;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from strings to strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
                while map.next_key::<IgnoredAny>()?.is_some() {
                    map.next_value::<String>()?;
                }
                Ok(Metadata)
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// Checks that the header of a file of safetensors is of sane size (at most 8 MiB, 65,536 tensors, no
/// key twice) and that its tensors fill the file exactly, one after another.
///
/// # Errors
/// A sentence about what is wrong.
pub fn check_safetensors(file: &[u8]) -> Result<(), String> {
    let Some((length, rest)) = file.split_first_chunk::<8>() else {
        return Err(no_header(file.len() as u64));
    };
    let length = header_bytes(*length, rest.len() as u64)?;
    let (header, data) = rest.split_at(length as usize);
    check_header(header, data.len() as u64)
}

/// The same for a file on disk, of which only the header is read.
///
/// # Errors
/// A sentence about what is wrong.
pub(crate) fn check_file(path: &Path) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let mut file = File::open(path).map_err(unreadable)?;
    let n_bytes = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let mut length = [0; 8];
    if n_bytes < 8 {
        return Err(no_header(n_bytes));
    }
    file.rewind().map_err(unreadable)?;
    file.read_exact(&mut length).map_err(unreadable)?;
    let length = header_bytes(length, n_bytes - 8)?;
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(unreadable)?;
    check_header(&header, n_bytes - 8 - length)
}

fn no_header(n_bytes: u64) -> String {
    format!("it has {n_bytes:?} bytes and no header: it is cut off")
}

/// Bytes of the header, which are there and not too many.
fn header_bytes(length: [u8; 8], rest: u64) -> Result<u64, String> {
    let header_bytes = u64::from_le_bytes(length);
    if header_bytes > MAX_HEADER_BYTES {
        return Err(format!(
            "its header claims {header_bytes:?} bytes; at most {MAX_HEADER_BYTES:?} are read"
        ));
    }
    if header_bytes > rest {
        return Err(format!(
            "its header claims {header_bytes:?} bytes of {rest:?}: it is cut off"
        ));
    }
    Ok(header_bytes)
}

fn check_header(header: &[u8], data_bytes: u64) -> Result<(), String> {
    let header: Header = serde_json::from_slice(header)
        .map_err(|error| format!("its header cannot be read: {error}"))?;
    let mut tensors: Vec<_> = header.tensors.iter().collect();
    tensors.sort_unstable_by_key(|(name, info)| (info.data_offsets, *name));
    let mut end = 0u64;
    for (name, info) in tensors {
        let TensorInfo {
            bytes,
            data_offsets: (from, to),
        } = *info;
        if (from, to) != (end, end.saturating_add(bytes)) {
            return Err(format!(
                "tensor {name:?} claims bytes {from:?} to {to:?} instead of {bytes:?} from {end:?}"
            ));
        }
        end = to;
    }
    if end != data_bytes {
        return Err(format!(
            "its tensors need {end:?} bytes and it has {data_bytes:?}: it is cut off or padded"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_safetensors as check;

    fn file(header: &str, n_data: usize) -> Vec<u8> {
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.resize(file.len() + n_data, 0);
        file
    }

    #[test]
    fn sound_files_pass() {
        let header = r#"{"__metadata__":{"format":"pt"},
            "b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
            "a":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}"#;
        assert_eq!(check(&file(header, 32)), Ok(()));
        assert_eq!(check(&file("{}", 0)), Ok(()));
    }

    #[test]
    fn broken_files_are_refused_with_the_reason() {
        let one = |shape: &str, offsets: &str| {
            format!(r#"{{"t":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
        };
        let twice = r#"{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
            "t":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#;
        for (bytes, expected) in [
            (vec![1, 2, 3], "it is cut off"),
            (u64::MAX.to_le_bytes().to_vec(), "its header claims"),
            (
                file(&one("[2]", "[0,8]"), 8)[..30].to_vec(),
                "it is cut off",
            ),
            (file(&one("[2]", "[0,8]"), 7), "it is cut off or padded"),
            (file(&one("[2]", "[0,8]"), 9), "it is cut off or padded"),
            (
                file(&one("[3]", "[0,8]"), 8),
                "claims bytes 0 to 8 instead of 12 from 0",
            ),
            (
                file(&one("[2]", "[4,12]"), 12),
                "claims bytes 4 to 12 instead of 8 from 0",
            ),
            (
                file(&one("[18446744073709551615]", "[0,8]"), 8),
                "absurd shape",
            ),
            (
                file(&one("[4294967296,4294967296]", "[0,8]"), 8),
                "absurd shape",
            ),
            (file(&one("[-1]", "[0,8]"), 8), "header cannot be read"),
            (file(twice, 2), "occurs twice"),
            (
                file(&one("[2]", "[0,8]").replace("F32", "Q9"), 8),
                "unknown type \"Q9\"",
            ),
        ] {
            let error = check(&bytes).unwrap_err();
            assert!(
                error.contains(expected),
                "{error:?} does not say {expected:?}"
            );
        }
    }
}
