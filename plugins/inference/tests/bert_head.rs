//! Heads on a small drawn BERT put texts into classes and label words, with the labels of its files.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use std::{collections::HashMap, fs, path::Path, sync::atomic::AtomicBool};

use candle_core::{Device, Tensor};
use inference::{
    Ask, Catalog, DeviceChoice, FileHash, Input, Model, Output, Store, StoreError, StoreOptions,
};
use sha2::{Digest as _, Sha256};

const WIDTH: usize = 64;
const INNER: usize = 128;
const TOKENIZER: &str = r###"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
    "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"}, "decoder": null,
    "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
    "max_input_chars_per_word": 100, "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3,
    "ada": 4, "love": 5, "##lace": 6, "leaks": 7}}}"###;

fn config(labels: &[&str], more: &str) -> String {
    let labels: Vec<String> = labels
        .iter()
        .enumerate()
        .map(|(id, label)| format!("\"{id}\": {label:?}"))
        .collect();
    format!(
        r#"{{"vocab_size": 8, "hidden_size": {WIDTH}, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": {INNER}, "max_position_embeddings": 16, "type_vocab_size": 2,
        "layer_norm_eps": 1e-12, {more} "id2label": {{{}}}}}"#,
        labels.join(", ")
    )
}

/// Drawn tensors of the encoder and the pooler, and a classifier that knows only its bias.
fn tensors(prefix: &str, bias: &[f32]) -> HashMap<String, Tensor> {
    let mut state = 3_u32;
    let mut tensors = HashMap::new();
    let mut add = |name: String, shape: &[usize]| {
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| draw()).collect();
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
        tensors.insert(format!("{prefix}{name}"), tensor);
    };
    for (name, rows) in [("word", 8), ("position", 16), ("token_type", 2)] {
        add(
            format!("embeddings.{name}_embeddings.weight"),
            &[rows, WIDTH],
        );
    }
    let layer = "encoder.layer.0";
    for name in [
        "embeddings",
        "encoder.layer.0.attention.output",
        "encoder.layer.0.output",
    ] {
        add(format!("{name}.LayerNorm.weight"), &[WIDTH]);
        add(format!("{name}.LayerNorm.bias"), &[WIDTH]);
    }
    for (name, rows, columns) in [
        (format!("{layer}.attention.self.query"), WIDTH, WIDTH),
        (format!("{layer}.attention.self.key"), WIDTH, WIDTH),
        (format!("{layer}.attention.self.value"), WIDTH, WIDTH),
        (format!("{layer}.attention.output.dense"), WIDTH, WIDTH),
        (format!("{layer}.intermediate.dense"), INNER, WIDTH),
        (format!("{layer}.output.dense"), WIDTH, INNER),
        (String::from("pooler.dense"), WIDTH, WIDTH),
    ] {
        add(format!("{name}.weight"), &[rows, columns]);
        add(format!("{name}.bias"), &[rows]);
    }
    let weight = Tensor::zeros((bias.len(), WIDTH), candle_core::DType::F32, &Device::Cpu);
    tensors.insert(String::from("classifier.weight"), weight.unwrap());
    let bias = Tensor::from_slice(bias, bias.len(), &Device::Cpu).unwrap();
    tensors.insert(String::from("classifier.bias"), bias);
    tensors
}

fn load(
    (architecture, skill): (&str, &str),
    config: &str,
    tensors: &HashMap<String, Tensor>,
) -> Result<Model, StoreError> {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("headed");
    fs::create_dir(&folder).unwrap();
    candle_core::safetensors::save(tensors, folder.join("model.safetensors")).unwrap();
    fs::write(folder.join("config.json"), config).unwrap();
    fs::write(folder.join("tokenizer.json"), TOKENIZER).unwrap();
    let entry = |name: &str| {
        let bytes = fs::read(Path::new(&folder).join(name)).unwrap();
        let hash = FileHash(Sha256::digest(&bytes).into());
        format!(
            "(name: {name:?}, bytes: {}, sha256: \"{hash}\")",
            bytes.len()
        )
    };
    let files = ["model.safetensors", "config.json", "tokenizer.json"].map(entry);
    let catalog = Catalog::parse(&format!(
        "(models: [(name: \"headed\", skills: [{skill}], architecture: {architecture}, licence: \"MIT\",
          weights: \"model.safetensors\", files: [{}])])",
        files.join(", ")
    ));
    let mut options = StoreOptions::at(place.path().join("store"));
    options.assets = Some(place.path().to_owned());
    Store::new(catalog.unwrap(), options).load(
        "headed",
        DeviceChoice::Cpu,
        &mut |_| {},
        &AtomicBool::new(false),
    )
}

fn answer(model: &Model, ask: &Ask, text: &str) -> Output {
    let mut backend = model.backend().unwrap();
    backend
        .answer_inputs(ask, &[Input::from(text)])
        .unwrap()
        .remove(0)
}

#[test]
fn classes_come_best_first_with_their_probabilities() {
    let bias = [0.0, 2.0, 1.0];
    let labels = ["calm", "urgent", "late"];
    for (more, expected) in [
        ("", [0.665_241, 0.244_728, 0.090_031]),
        (
            r#""problem_type": "multi_label_classification","#,
            [0.880_797, 0.731_059, 0.5],
        ),
    ] {
        for prefix in ["bert.", ""] {
            let kind = ("BertClassifier", "classify");
            let model = load(kind, &config(&labels, more), &tensors(prefix, &bias)).unwrap();
            let Output::Classes(classes) = answer(&model, &Ask::Classify, "Ada leaks") else {
                panic!("no classes");
            };
            let names: Vec<&str> = classes.iter().map(|class| class.label.as_str()).collect();
            assert_eq!(names, ["urgent", "late", "calm"]);
            for (class, expected) in classes.iter().zip(expected) {
                assert!((class.score - expected).abs() < 1e-5, "{class:?}");
            }
        }
    }
}

#[test]
fn tags_cover_whole_words_of_the_text() {
    let kind = ("BertTagger", "tag");
    let labels = ["O", "B-PER", "I-PER"];
    let model = load(
        kind,
        &config(&labels, ""),
        &tensors("bert.", &[0.0, -9.0, 5.0]),
    )
    .unwrap();
    let text = "  Ada  Lovelace";
    let Output::Tags(tags) = answer(&model, &Ask::Tag, text) else {
        panic!("no tags");
    };
    assert_eq!(tags.len(), 1);
    assert_eq!(
        (tags[0].label.as_str(), &text[tags[0].start..tags[0].end]),
        ("PER", "Ada  Lovelace")
    );
    assert!((tags[0].score - 0.993_307).abs() < 1e-4, "{tags:?}");
    assert_eq!(answer(&model, &Ask::Tag, ""), Output::Tags(Vec::new()));
    let mut backend = model.backend().unwrap();
    assert!(backend.answer_inputs(&Ask::Embed, &["x".into()]).is_err());
}

#[test]
fn files_that_contradict_each_other_are_refused() {
    let kind = ("BertTagger", "tag");
    for labels in [vec!["O", "X"], vec![]] {
        let one = tensors("bert.", &[0.0]);
        let error = load(kind, &config(&labels, ""), &one).unwrap_err();
        assert!(matches!(error, StoreError::Backend(_)), "{error:?}");
    }
}

#[test]
fn a_text_has_the_same_answer_alone_and_in_a_batch() {
    let mut tensors = tensors("bert.", &[0.0, 0.1, 0.2]);
    let weights: Vec<f32> = (0..3 * WIDTH).map(|nth| (nth % 7) as f32 / 40.0).collect();
    let weights = Tensor::from_vec(weights, (3, WIDTH), &Device::Cpu).unwrap();
    tensors.insert(String::from("classifier.weight"), weights);
    let labels = ["O", "B-PER", "I-PER"];
    for (kind, ask) in [
        (("BertTagger", "tag"), Ask::Tag),
        (("BertClassifier", "classify"), Ask::Classify),
    ] {
        let model = load(kind, &config(&labels, ""), &tensors).unwrap();
        let texts = ["Ada leaks", "", "love", "Lovelace Ada leaks love", "x y z"];
        let mut backend = model.backend().unwrap();
        let together = backend
            .answer_inputs(&ask, &texts.map(Input::from))
            .unwrap();
        for (text, together) in texts.into_iter().zip(together) {
            assert_eq!(answer(&model, &ask, text), together, "{text:?}");
        }
    }
}
