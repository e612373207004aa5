//! Checks the packed encoder against candle's plain one, and texts alone against texts in company.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};

use super::*;
use crate::backends::bert::Bert;

pub(crate) fn config() -> Config {
    Config {
        vocab_size: 50,
        hidden_size: 72,
        num_hidden_layers: 3,
        num_attention_heads: 3,
        intermediate_size: 200,
        max_position_embeddings: 70,
        type_vocab_size: 2,
        layer_norm_eps: 1e-12,
        pad_token_id: 0,
    }
}

pub(crate) fn tensors() -> HashMap<String, Tensor> {
    let mut state = 7u32;
    let mut tensors = HashMap::new();
    let mut add = |name: String, shape: &[usize], least: f32, most: f32| {
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            least + (most - least) * (state >> 8) as f32 / (1 << 24) as f32
        };
        let values: Vec<_> = (0..shape.iter().product::<usize>())
            .map(|_| draw())
            .collect();
        tensors.insert(name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap());
    };
    let config = config();
    let (width, wide) = (config.hidden_size, config.intermediate_size);
    for (name, n) in [("word", 50), ("position", 70), ("token_type", 2)] {
        add(
            format!("embeddings.{name}_embeddings.weight"),
            &[n, width],
            -1.0,
            1.0,
        );
    }
    add("embeddings.LayerNorm.weight".into(), &[width], 0.5, 1.5);
    add("embeddings.LayerNorm.bias".into(), &[width], -0.5, 0.5);
    for nth in 0..config.num_hidden_layers {
        let layer = format!("encoder.layer.{nth}");
        for (name, n_out, n_in) in [
            ("attention.self.query", width, width),
            ("attention.self.key", width, width),
            ("attention.self.value", width, width),
            ("attention.output.dense", width, width),
            ("intermediate.dense", wide, width),
            ("output.dense", width, wide),
        ] {
            add(format!("{layer}.{name}.weight"), &[n_out, n_in], -0.2, 0.2);
            add(format!("{layer}.{name}.bias"), &[n_out], -0.2, 0.2);
        }
        for name in ["attention.output", "output"] {
            add(
                format!("{layer}.{name}.LayerNorm.weight"),
                &[width],
                0.5,
                1.5,
            );
            add(
                format!("{layer}.{name}.LayerNorm.bias"),
                &[width],
                -0.5,
                0.5,
            );
        }
    }
    tensors
}

pub(crate) fn text(length: u32) -> Vec<u32> {
    (0..length).map(|nth| (nth * 17 + length) % 50).collect()
}

#[test]
fn it_says_what_the_plain_one_says() {
    let vb = VarBuilder::from_tensors(tensors(), DType::F32, &Device::Cpu);
    let plain = Bert::load(&vb, &config()).unwrap();
    let packed = PackedBert::load(&vb, &config(), Precision::F32).unwrap();
    let lengths = [1, 5, 31, 32, 33, 70, 2, 64];
    let texts: Vec<_> = lengths.map(text).into();
    let all: Vec<_> = texts.iter().map(Vec::as_slice).collect();
    let together = packed
        .forward(&Team::alone(), &all, <[f32]>::to_vec)
        .unwrap();
    for (ids, packed) in texts.iter().zip(&together) {
        let ids = Tensor::from_slice(ids, (1, ids.len()), &Device::Cpu).unwrap();
        let types = ids.zeros_like().unwrap();
        let mask = ids.ones_like().unwrap();
        let hidden = plain.forward(&ids, &types, &mask).unwrap();
        let hidden: Vec<f32> = hidden.flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(hidden.len(), packed.len());
        for (plain, packed) in hidden.iter().zip(packed) {
            assert!((plain - packed).abs() < 1e-5, "{packed} instead of {plain}");
        }
    }
}

#[test]
fn a_text_has_the_same_bits_in_any_company_and_on_any_threads() {
    let vb = VarBuilder::from_tensors(tensors(), DType::F32, &Device::Cpu);
    for precision in [Precision::F32, Precision::Int8] {
        let packed = PackedBert::load(&vb, &config(), precision).unwrap();
        let texts: Vec<_> = (1..=70).map(text).collect();
        let all: Vec<_> = texts.iter().map(Vec::as_slice).collect();
        let backwards: Vec<_> = all.iter().rev().copied().collect();
        let together = packed
            .forward(&Team::alone(), &all, <[f32]>::to_vec)
            .unwrap();
        for n_threads in [1, 2] {
            let team = Team::new(n_threads);
            let mut other = packed.forward(&team, &backwards, <[f32]>::to_vec).unwrap();
            other.reverse();
            assert!(together == other, "backwards on {n_threads} threads");
            for (text, hidden) in all.iter().zip(&together) {
                let alone = packed.forward(&team, &[text], <[f32]>::to_vec).unwrap();
                assert!(&alone[0] == hidden, "alone on {n_threads} threads");
            }
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    let vb = VarBuilder::from_tensors(tensors(), DType::F32, &Device::Cpu);
    let packed = PackedBert::load(&vb, &config(), Precision::F32).unwrap();
    for text in [vec![], text(71), vec![50]] {
        let answer = packed.forward(&Team::alone(), &[&text], <[f32]>::len);
        assert!(answer.is_err(), "{text:?}");
    }
    let none = packed.forward(&Team::alone(), &[], <[f32]>::len);
    assert_eq!(none, Ok(vec![]));
}
