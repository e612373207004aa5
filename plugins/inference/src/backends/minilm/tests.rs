//! Tries out on the processor what a card computes, in each of its numbers.

use tokenizers::{Tokenizer, models::wordlevel::WordLevel};

use super::*;
use crate::backends::packed_bert::tests::{config, tensors, text};

/// Small drawn weights, put where a card would have them.
fn model(precision: Precision) -> MiniLm {
    let weights = Weights(Arc::new(Shared {
        version: String::from("drawn@1"),
        config: config(),
        pieces: WordPieces::new(Tokenizer::new(WordLevel::default())),
        place: Place::put(&tensors(), Device::Cpu, precision).unwrap(),
        n_threads: 1,
    }));
    MiniLm::new(&weights).unwrap()
}

fn embeddings(precision: Precision) -> Vec<Vec<f32>> {
    let texts: Vec<_> = [1, 5, 8, 31, 64].map(text).into();
    let all: Vec<_> = texts.iter().map(Vec::as_slice).collect();
    model(precision).embed(&all).unwrap()
}

#[test]
fn half_precision_says_nearly_what_f32_says() {
    let exact = embeddings(Precision::F32);
    for (precision, least) in [(Precision::F16, 0.999), (Precision::Bf16, 0.99)] {
        for (near, exact) in embeddings(precision).iter().zip(&exact) {
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let length = dot(near, near);
            assert!((length - 1.0).abs() < 1e-5, "{precision:?}: {length}");
            let cosine = dot(near, exact);
            assert!(cosine > least, "{precision:?}: {cosine}");
            assert_ne!(near, exact, "{precision:?}");
        }
    }
}

#[test]
fn a_card_says_what_the_processor_says() {
    let (config, tensors) = (config(), tensors());
    let vb = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    let packed = PackedBert::load(&vb, &config, Precision::F32).unwrap();
    let texts = [text(5), text(31)];
    let all: Vec<_> = texts.iter().map(Vec::as_slice).collect();
    let here = packed.forward(&Team::alone(), &all, |hidden| {
        pool(hidden, config.hidden_size)
    });
    let there = model(Precision::F32).embed(&all).unwrap();
    for (here, there) in here.unwrap().iter().zip(&there) {
        let far = here.iter().zip(there).map(|(a, b)| (a - b).abs());
        let furthest = far.fold(0.0, f32::max);
        assert!(furthest < 1e-4, "{furthest}");
    }
}

#[test]
fn weights_are_kept_in_the_numbers_that_were_asked_for() {
    for precision in [Precision::F32, Precision::F16, Precision::Bf16] {
        let Place::Card { tensors, .. } = Place::put(&tensors(), Device::Cpu, precision).unwrap()
        else {
            panic!("not on a card")
        };
        let expected = precision.on_card();
        assert!(tensors.values().all(|tensor| tensor.dtype() == expected));
    }
}
