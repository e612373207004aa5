//! Tries out on the processor what a card computes under a head.

use tokenizers::models::wordlevel::WordLevel;

use super::*;
use crate::backends::packed_bert::tests::{config, tensors, text};

const LABELS: usize = 3;

/// A head that classifies, on drawn weights.
fn head(precision: Precision, card: Option<Device>) -> Shared {
    let mut tensors = tensors();
    let width = config().hidden_size;
    for (name, n_out) in [("pooler.dense", width), ("classifier", LABELS)] {
        let numbers: Vec<f32> = (0..n_out * width)
            .map(|at| ((at * 37 % 101) as f32 - 50.0) / 200.0)
            .collect();
        let weight = Tensor::from_vec(numbers, (n_out, width), &Device::Cpu).unwrap();
        let bias = Tensor::zeros(n_out, DType::F32, &Device::Cpu).unwrap();
        tensors.insert(format!("{name}.weight"), weight);
        tensors.insert(format!("{name}.bias"), bias);
    }
    let file = safetensors::serialize(&tensors, None).unwrap();
    let sizes = (Skill::Classify, LABELS);
    Shared {
        version: String::from("drawn@1"),
        skill: Skill::Classify,
        labels: vec![String::new(); LABELS],
        is_multi_label: false,
        tokenizer: Tokenizer::new(WordLevel::default()),
        n_threads: 1,
        width,
        layers: Layers::load(file, &config(), sizes, precision, card).unwrap(),
    }
}

#[test]
fn a_card_says_nearly_what_the_processor_says() {
    let texts: Vec<_> = [1, 5, 31].map(text).into();
    let all: Vec<_> = texts.iter().map(Vec::as_slice).collect();
    let logits = |head: Shared| head.logits(&Team::alone(), &all).unwrap();
    let here = logits(head(Precision::F32, None));
    for (precision, most) in [
        (Precision::F32, 1e-4),
        (Precision::F16, 0.02),
        (Precision::Bf16, 0.1),
    ] {
        let there = logits(head(precision, Some(Device::Cpu)));
        for (here, there) in here.iter().flatten().zip(there.iter().flatten()) {
            let far = (here - there).abs();
            assert!(far < most, "{precision:?}: {here} and {there}");
        }
    }
}
