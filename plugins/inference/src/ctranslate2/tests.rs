//! What the reader takes, what it refuses, and that no bytes make it panic or take much memory.

use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use super::{File, Kind};
use bytes::Bytes;

#[path = "../../tests/support/ctranslate2_bytes.rs"]
mod bytes;

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

fn small() -> Bytes {
    let mut file = Bytes::new("WhisperSpec");
    file.add("b/weight", &[2, 3], 0, &floats(&[1., 2., 3., 4., 5., 6.]));
    file.add("a/heads", &[], 2, &[6, 0]);
    file.add("a/half", &[2], 4, &[0x00, 0x3c, 0x00, 0xc0]);
    file.add("a/brain", &[2], 5, &[0x80, 0x3f, 0x00, 0xc0]);
    file.add("q/weight", &[2, 2], 1, &[2, 0xfe, 8, 4]);
    file.add("q/weight_scale", &[2], 0, &floats(&[2., 4.]));
    file.add("n", &[], 3, &(-7i32).to_le_bytes());
    file.alias("tied/weight", "b/weight");
    file
}

#[test]
fn variables_are_found_by_name_and_alias() {
    let bytes = small().finish();
    let file = File::read(&bytes).unwrap();
    assert_eq!(file.spec, "WhisperSpec");
    let expected = [1., 2., 3., 4., 5., 6.];
    assert_eq!(file.floats("b/weight", &[2, 3]).unwrap(), expected);
    assert_eq!(file.floats("tied/weight", &[2, 3]).unwrap(), expected);
    assert_eq!(file.floats("a/half", &[2]).unwrap(), [1., -2.]);
    assert_eq!(file.floats("a/brain", &[2]).unwrap(), [1., -2.]);
    assert_eq!(file.floats("q/weight", &[2, 2]).unwrap(), [1., -1., 2., 1.]);
    assert_eq!(file.integer("a/heads"), Some(6));
    assert_eq!(file.integer("n"), Some(-7));
    assert_eq!(file.integer("b/weight"), None);
    assert_eq!(file.get("a/half").unwrap().kind, Kind::F16);
    assert_eq!(file.get("b/weigh"), None);
    for (name, shape, expected) in [
        ("b/weight", &[3, 2][..], "has the shape [2, 3]"),
        ("c", &[], "it has no variable \"c\""),
    ] {
        let error = file.floats(name, shape).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn broken_files_are_refused_with_the_reason() {
    let good = small().finish();
    let changed = |at: usize, to: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    };
    let with = |shape: &[u32], code, data: &[u8]| {
        let mut file = Bytes::new("S");
        file.add("x", shape, code, data);
        file.finish()
    };
    let mut twice = small();
    twice.add("n", &[], 1, &[0]);
    let mut longer = good.clone();
    longer.push(0);
    let huge = [u32::MAX; 8];
    // The count of variables follows the format, the name with its length and the revision.
    let count = 4 + 2 + 12 + 4;
    for (bytes, expected) in [
        (Vec::new(), "it is cut off"),
        (changed(0, &[3]), "its format is 3"),
        (
            changed(count, &[255, 255, 255, 255]),
            "claims 4294967295 variables",
        ),
        (changed(count, &[1, 0, 1, 0]), "claims 65537 variables"),
        (changed(count, &[8]), ""),
        (good[..good.len() - 1].to_vec(), "it is cut off"),
        (longer, "1 bytes follow its end"),
        (twice.finish(), "variable \"n\" occurs twice"),
        (with(&[1; 9], 1, &[0]), "has 9 dimensions"),
        (with(&huge, 0, &[]), "has the absurd shape"),
        (with(&[1], 6, &[0]), "has the unknown type 6"),
        (
            with(&[2], 0, &[0; 4]),
            "claims 4 bytes where its shape [2] needs 8",
        ),
    ] {
        let error = File::read(&bytes).unwrap_err();
        assert!(
            error.contains(expected),
            "{error:?} does not say {expected:?}"
        );
    }
}

/// Reads it, and everything in it where it can be read.
fn use_up(bytes: &[u8]) {
    let Ok(file) = File::read(bytes) else { return };
    // What is kept is 8 bytes for each entry, and an entry has at least 9; a list may hold twice its entries.
    assert!(8 * (file.variables.capacity() + file.aliases.capacity()) <= 4 * bytes.len().max(64));
    for name in ["b/weight", "a/heads", "q/weight", "tied/weight", ""] {
        if let Some(variable) = file.get(name) {
            let shape = variable.shape.clone();
            assert!(variable.to_f32().len() <= bytes.len());
            file.floats(name, &shape).ok();
        }
        file.integer(name);
    }
}

#[test]
fn no_bytes_make_it_panic_or_take_much_memory() {
    let mut rng = SmallRng::seed_from_u64(7);
    let good = small().finish();
    for length in 0..good.len() {
        use_up(&good[..length]);
    }
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..bytes.len());
            bytes[at] = match rng.random_range(0..3) {
                0 => rng.random(),
                1 => 255,
                _ => 0,
            };
        }
        use_up(&bytes);
    }
    for _ in 0..2_000 {
        let mut bytes: Vec<u8> = (0..rng.random_range(0..200))
            .map(|_| rng.random())
            .collect();
        if let Some(start) = bytes.get_mut(..4) {
            start.copy_from_slice(&[6, 0, 0, 0]);
        }
        use_up(&bytes);
    }
}
