//! Checks that files are read, written and requantised as candle reads them, and that none is trusted.

use candle_core::{
    Device, Tensor,
    quantized::{GgmlDType, QTensor},
};

use super::*;

/// Drawn numbers from -1 to 1.
fn drawn(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// A small file with a value of many a type and three tensors.
fn small() -> Vec<u8> {
    let mut writer = GgufWriter::new();
    writer.text("general.architecture", "llama");
    writer.unsigned("llama.block_count", 2);
    writer.float("llama.rope.freq_base", 1e4);
    writer.truth("tokenizer.ggml.add_bos_token", false);
    writer.texts("tokenizer.ggml.tokens", &["a", "", "Ġb"]);
    writer.integers("tokenizer.ggml.token_type", &[1, 3, -1]);
    writer.tensor("norm", &[3], TensorKind::F32, &bytes_of(&[1.0, 2.0, 3.0]));
    let mut matrix = Vec::new();
    quantise_q8(&drawn(128, 5), &mut matrix);
    writer.tensor("a.weight", &[32, 4], TensorKind::Q8_0, &matrix);
    writer.tensor(
        "b.weight",
        &[32, 2],
        TensorKind::F32,
        &bytes_of(&drawn(64, 7)),
    );
    writer.finish()
}

#[test]
fn what_is_written_is_read() {
    let file = small();
    let gguf = Gguf::read(&file).unwrap();
    assert_eq!(gguf.version(), 3);
    assert_eq!(
        gguf.get("general.architecture")
            .and_then(GgufValue::as_text),
        Some("llama")
    );
    assert_eq!(
        gguf.get("llama.block_count").and_then(GgufValue::as_u64),
        Some(2)
    );
    assert_eq!(
        gguf.get("llama.rope.freq_base").and_then(GgufValue::as_f32),
        Some(1e4)
    );
    assert_eq!(
        gguf.get("tokenizer.ggml.add_bos_token")
            .and_then(GgufValue::as_bool),
        Some(false)
    );
    let array = |key| gguf.get(key).and_then(GgufValue::as_array).unwrap();
    let tokens: Vec<_> = array("tokenizer.ggml.tokens")
        .iter()
        .filter_map(GgufValue::as_text)
        .collect();
    assert_eq!(tokens, ["a", "", "Ġb"]);
    let types: Vec<_> = array("tokenizer.ggml.token_type").iter().collect();
    assert_eq!(types, [1, 3, -1].map(GgufValue::Signed));
    assert_eq!(gguf.get("nothing"), None);
    let names: Vec<_> = gguf.tensors().iter().map(|info| info.name).collect();
    assert_eq!(names, ["a.weight", "b.weight", "norm"]);
    assert_eq!(gguf.values(gguf.tensor("norm").unwrap()), [1.0, 2.0, 3.0]);
    let b = gguf.tensor("b.weight").unwrap();
    assert_eq!(gguf.rows(b, 1, 1), drawn(64, 7)[32..]);
}

#[test]
fn blocks_mean_what_the_reference_says() {
    let values = drawn(1024, 3);
    let tensor = Tensor::from_vec(values, (2, 512), &Device::Cpu).unwrap();
    for (theirs, ours) in [
        (GgmlDType::F32, TensorKind::F32),
        (GgmlDType::F16, TensorKind::F16),
        (GgmlDType::BF16, TensorKind::Bf16),
        (GgmlDType::Q4_0, TensorKind::Q4_0),
        (GgmlDType::Q4_1, TensorKind::Q4_1),
        (GgmlDType::Q5_0, TensorKind::Q5_0),
        (GgmlDType::Q5_1, TensorKind::Q5_1),
        (GgmlDType::Q8_0, TensorKind::Q8_0),
        (GgmlDType::Q4K, TensorKind::Q4K),
        (GgmlDType::Q5K, TensorKind::Q5K),
        (GgmlDType::Q6K, TensorKind::Q6K),
    ] {
        let stored = QTensor::quantize(&tensor, theirs).unwrap();
        let mut writer = GgufWriter::new();
        writer.tensor("t", &[512, 2], ours, &stored.data().unwrap());
        let file = writer.finish();
        let gguf = Gguf::read(&file).unwrap();
        let got = gguf.values(gguf.tensor("t").unwrap());
        let expected = stored.dequantize(&Device::Cpu).unwrap();
        let expected = expected.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (got, expected) in got.iter().zip(&expected) {
            assert!((got - expected).abs() < 1e-6, "{ours:?}: {got} {expected}");
        }
    }
}

#[test]
fn requantising_keeps_all_but_the_matrices_formats() {
    let file = small();
    let again = requantise(&file).unwrap();
    let (before, after) = (Gguf::read(&file).unwrap(), Gguf::read(&again).unwrap());
    for (key, value) in before.metadata() {
        assert_eq!(after.get(key), Some(value), "{key}");
    }
    assert_eq!(after.get("general.file_type"), Some(GgufValue::Unsigned(7)));
    for info in before.tensors() {
        let other = after.tensor(info.name).unwrap();
        let is_matrix = info.dimensions().len() > 1;
        assert_eq!(other.kind == TensorKind::Q8_0, is_matrix, "{}", info.name);
        for (a, b) in before.values(info).iter().zip(after.values(other)) {
            assert!((a - b).abs() <= 0.5 / 127.0 + 1e-3, "{a} {b}");
        }
    }
    assert_eq!(requantise(&again).unwrap(), again);
}

/// The small file after `change` has had its way with it.
fn changed(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut file = small();
    change(&mut file);
    file
}

/// The place of some bytes in the small file.
fn place(of: &[u8]) -> usize {
    let file = small();
    file.windows(of.len())
        .position(|window| window == of)
        .unwrap()
}

#[test]
fn broken_files_are_refused_with_the_reason() {
    for (file, expected) in overwritten().into_iter().chain(ill_made()) {
        let error = Gguf::read(&file).unwrap_err().to_string();
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
    }
}

/// Files of which some bytes were overwritten, with what the refusal says.
fn overwritten() -> Vec<(Vec<u8>, &'static str)> {
    let put =
        |at: usize, bytes: &[u8]| changed(|file| file[at..at + bytes.len()].copy_from_slice(bytes));
    let huge = u64::MAX.to_le_bytes();
    let architecture = place(b"general.architecture");
    let tokens = place(b"tokenizer.ggml.tokens") + 21;
    let shape = place(b"b.weight") + 8 + 4;
    let offset = shape + 16 + 4;
    vec![
        (b"GGU".to_vec(), "cut off"),
        (put(0, b"GGML"), "does not start with"),
        (put(4, &[1]), "has version 1"),
        (put(8, &70_000u64.to_le_bytes()), "at most 65536 are read"),
        (put(16, &huge), "metadata entries"),
        (put(architecture - 8, &huge), "bytes of a key"),
        (put(architecture + 20 + 4, &huge), "bytes of a text"),
        (put(tokens + 8, &huge), "items"),
        (put(tokens + 4, &[9]), "arrays inside an array"),
        (put(tokens, &[77]), "unknown type 77"),
        (put(architecture, &[0xff]), "is not UTF-8"),
        (put(shape, &huge), "absurd shape"),
        (put(shape, &(1u64 << 40).to_le_bytes()), "leaves the file"),
        (put(shape, &0u64.to_le_bytes()), "absurd shape"),
        (put(shape - 4, &[5]), "has 5 dimensions"),
        (put(shape + 16, &[99]), "stored in format 99"),
        (put(shape + 16, &[12]), "do not fill blocks of 256"),
        (put(offset, &huge), "is no multiple"),
        (put(offset, &(1u64 << 40).to_le_bytes()), "leaves the file"),
        (put(offset, &32u64.to_le_bytes()), "overlap"),
        (changed(|file| file.truncate(file.len() - 32)), "cut off"),
    ]
}

/// Files that were written wrong, with what the refusal says.
fn ill_made() -> Vec<(Vec<u8>, &'static str)> {
    let mut aligned = GgufWriter::new();
    aligned.unsigned("general.alignment", 24);
    let mut twice = GgufWriter::new();
    twice.unsigned("a", 1);
    twice.unsigned("a", 1);
    let mut tensors = GgufWriter::new();
    for _ in 0..2 {
        tensors.tensor("t", &[1], TensorKind::F32, &[0; 4]);
    }
    let mut long = GgufWriter::new();
    long.text("long", &"x".repeat(MAX_HEADER_BYTES));
    vec![
        (aligned.finish(), "not a power of two"),
        (twice.finish(), "key \"a\" occurs twice"),
        (tensors.finish(), "tensor \"t\" occurs twice"),
        (long.finish(), "goes on after 8388608 bytes"),
    ]
}

#[test]
fn mutated_files_never_panic_and_hold_little_memory() {
    let sound = small();
    let mut state = 1u64;
    let mut draw = |below: usize| {
        // Knuth's constants for a 64-bit linear congruential generator.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % below
    };
    for _ in 0..20_000 {
        let mut file = sound.clone();
        for _ in 0..=draw(4) {
            let at = draw(file.len());
            match draw(4) {
                0 => file[at] = draw(256) as u8,
                1 => file[at] = [0, 1, 127, 128, 255][draw(5)],
                2 => file.truncate(at.max(1)),
                _ => {
                    let other = draw(file.len());
                    file[at] = file[other];
                }
            }
        }
        if let Ok(gguf) = Gguf::read(&file) {
            let held = gguf.entries.capacity() * size_of::<Entry>()
                + gguf.tensors.capacity() * size_of::<TensorInfo<'_>>();
            assert!(held <= 4 * file.len(), "{held} bytes for {}", file.len());
            for info in gguf.tensors() {
                assert_eq!(gguf.values(info).len(), info.n_values());
            }
            for (_, value) in gguf.metadata() {
                let n_items = value.as_array().map_or(0, |array| array.iter().count());
                assert!(n_items <= file.len());
            }
        }
    }
}
