//! Checks the header of a safetensors file before a reader trusts it.
//!
//! The readers accept headers of 75 MB, keys that occur twice and dimensions near 2⁶⁴. This one
//! accepts what real models have: <https://github.com/huggingface/safetensors#format>.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize,
    de::{Error as _, MapAccess, Visitor},
};

/// The largest header that is read. A model of 100 layers needs some 200 kB.
const MAX_HEADER_BYTES: u64 = 4 << 20;
/// The most dimensions that a tensor has.
const MAX_RANK: usize = 8;
/// Nests inside a file, so that no dimension of a real tensor is above it.
const MAX_DIMENSION: u64 = 1 << 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TensorInfo {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

#[derive(Default)]
struct Header {
    tensors: BTreeMap<String, TensorInfo>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
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
                map.next_value::<BTreeMap<String, String>>()?;
            } else {
                let info = map.next_value()?;
                if header.tensors.contains_key(&name) {
                    return Err(A::Error::custom(format!("tensor {name:?} occurs twice")));
                }
                header.tensors.insert(name, info);
            }
        }
        Ok(header)
    }
}

/// Checks that the header is of sane size and that its tensors fill the file exactly, one after another.
///
/// # Errors
/// A sentence about what is wrong.
pub(crate) fn check(file: &[u8]) -> Result<(), String> {
    let Some((length, rest)) = file.split_first_chunk::<8>() else {
        return Err(format!(
            "it has {:?} bytes and no header: it is cut off",
            file.len()
        ));
    };
    let header_bytes = u64::from_le_bytes(*length);
    if header_bytes > MAX_HEADER_BYTES {
        return Err(format!(
            "its header claims {header_bytes:?} bytes; at most {MAX_HEADER_BYTES:?} are read"
        ));
    }
    let Some((header, data)) = rest.split_at_checked(header_bytes as usize) else {
        return Err(format!(
            "its header claims {header_bytes:?} bytes of {:?}: it is cut off",
            rest.len()
        ));
    };
    let header: Header = serde_json::from_slice(header)
        .map_err(|error| format!("its header cannot be read: {error}"))?;
    let mut tensors: Vec<_> = header.tensors.iter().collect();
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    let mut end = 0;
    for (name, info) in tensors {
        let bytes = tensor_bytes(info).map_err(|why| format!("tensor {name:?} {why}"))?;
        if info.data_offsets != (end, end.saturating_add(bytes)) {
            let (from, to) = info.data_offsets;
            return Err(format!(
                "tensor {name:?} claims bytes {from:?} to {to:?} instead of {bytes:?} from {end:?}"
            ));
        }
        end = info.data_offsets.1;
    }
    if end != data.len() as u64 {
        return Err(format!(
            "its tensors need {end:?} bytes and it has {:?}: it is cut off or padded",
            data.len()
        ));
    }
    Ok(())
}

fn tensor_bytes(info: &TensorInfo) -> Result<u64, String> {
    if info.shape.len() > MAX_RANK
        || info
            .shape
            .iter()
            .any(|&dimension| dimension > MAX_DIMENSION)
    {
        return Err(format!("has the absurd shape {:?}", info.shape));
    }
    let item_bytes = match info.dtype.as_str() {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" => 1,
        "U16" | "I16" | "F16" | "BF16" => 2,
        "U32" | "I32" | "F32" => 4,
        "U64" | "I64" | "F64" => 8,
        other => return Err(format!("has the unknown type {other:?}")),
    };
    let product = info
        .shape
        .iter()
        .try_fold(item_bytes, |product: u64, &n| product.checked_mul(n));
    product.ok_or_else(|| format!("has the absurd shape {:?}", info.shape))
}

#[cfg(test)]
mod tests {
    use super::check;

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
