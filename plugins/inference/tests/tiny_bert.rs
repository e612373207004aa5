//! A BERT of one small layer with drawn weights takes the same way as the real one, on any machine.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::HashMap, fs, path::Path, sync::atomic::AtomicBool, time::Duration};

use candle_core::{Device, Tensor};
use inference::{
    Ask, BackendError, Catalog, ChildModels, DeviceChoice, FileHash, Input, LoadOptions, Model,
    Models, Port, PortOptions, Precision, Request, RequestError, Store, StoreError, StoreOptions,
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

const WORDS: [&str; 8] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "pump", "valve", "leaks", "today",
];
// Products of fewer than 257 numbers take another way in the matrix library, with other last bits;
// no real model has any.
const WIDTH: usize = 64;
const INNER: usize = 128;

const CONFIG: &str = r#"{"vocab_size": 8, "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 128, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "max_position_embeddings": 256,
    "type_vocab_size": 2, "initializer_range": 0.02, "layer_norm_eps": 1e-12, "pad_token_id": 0}"#;

fn tokenizer() -> String {
    let vocabulary: Vec<_> = WORDS
        .iter()
        .enumerate()
        .map(|(id, word)| format!("{word:?}: {id}"))
        .collect();
    format!(
        r#"{{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {{"type": "Whitespace"}}, "decoder": null,
        "post_processor": {{"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}},
        "model": {{"type": "WordLevel", "unk_token": "[UNK]", "vocab": {{{}}}}}}}"#,
        vocabulary.join(", ")
    )
}

/// Shapes of all tensors that the configuration asks for.
fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = Vec::new();
    let mut add = |name: &str, shape: &[usize]| shapes.push((name.to_owned(), shape.to_vec()));
    for (name, rows) in [("word", WORDS.len()), ("position", 256), ("token_type", 2)] {
        add(
            &format!("embeddings.{name}_embeddings.weight"),
            &[rows, WIDTH],
        );
    }
    let layer = "encoder.layer.0";
    for norm in [
        "embeddings",
        &format!("{layer}.attention.output"),
        &format!("{layer}.output"),
    ] {
        add(&format!("{norm}.LayerNorm.weight"), &[WIDTH]);
        add(&format!("{norm}.LayerNorm.bias"), &[WIDTH]);
    }
    for (name, rows, columns) in [
        ("attention.self.query", WIDTH, WIDTH),
        ("attention.self.key", WIDTH, WIDTH),
        ("attention.self.value", WIDTH, WIDTH),
        ("attention.output.dense", WIDTH, WIDTH),
        ("intermediate.dense", INNER, WIDTH),
        ("output.dense", WIDTH, INNER),
    ] {
        add(&format!("{layer}.{name}.weight"), &[rows, columns]);
        add(&format!("{layer}.{name}.bias"), &[rows]);
    }
    shapes
}

/// Writes the model into the project's assets, after `change` has had its way.
fn store(change: impl FnOnce(&mut HashMap<String, Tensor>)) -> (TempDir, Store) {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("tiny-bert");
    fs::create_dir(&folder).unwrap();
    let mut state = 3u32;
    let mut tensors: HashMap<String, Tensor> = shapes()
        .into_iter()
        .map(|(name, shape)| {
            let values: Vec<f32> = (0..shape.iter().product())
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 8) as f32 / (1 << 23) as f32 - 1.0
                })
                .collect();
            (name, Tensor::from_vec(values, shape, &Device::Cpu).unwrap())
        })
        .collect();
    change(&mut tensors);
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).unwrap();
    fs::write(folder.join("config.json"), CONFIG).unwrap();
    fs::write(folder.join("tokenizer.json"), tokenizer()).unwrap();
    let mut options = StoreOptions::at(place.path().join("store"));
    options.assets = Some(place.path().to_owned());
    let store = Store::new(catalog(&folder), options);
    (place, store)
}

fn load(change: impl FnOnce(&mut HashMap<String, Tensor>)) -> Result<Model, StoreError> {
    let (_place, store) = store(change);
    store.load(
        "tiny-bert",
        DeviceChoice::Cpu,
        &mut |_| {},
        &AtomicBool::new(false),
    )
}

fn catalog(folder: &Path) -> Catalog {
    let entry = |name: &str| {
        let bytes = fs::read(folder.join(name)).unwrap();
        let hash = FileHash(Sha256::digest(&bytes).into());
        format!(
            "(name: {name:?}, bytes: {}, sha256: \"{hash}\")",
            bytes.len()
        )
    };
    let files = ["model.safetensors", "config.json", "tokenizer.json"]
        .map(entry)
        .join(", ");
    Catalog::parse(&format!(
        "(models: [(name: \"tiny-bert\", skills: [embed], architecture: SentenceBert, licence: \"MIT\",
          limits: (dimensions: 64), weights: \"model.safetensors\", files: [{files}])])"
    ))
    .unwrap()
}

fn vectors(model: &Model, inputs: &[&str]) -> Vec<Vec<f32>> {
    let inputs: Vec<Input> = inputs.iter().map(|&text| text.into()).collect();
    let mut backend = model.backend().unwrap();
    let outputs = backend.answer_inputs(&Ask::Embed, &inputs).unwrap();
    outputs
        .into_iter()
        .map(|output| output.embedding().unwrap())
        .collect()
}

#[test]
fn a_text_has_the_same_vector_alone_and_in_a_batch() {
    let model = load(|_| {}).unwrap();
    let texts = [
        "pump leaks",
        "",
        "today valve pump leaks today unknown",
        "valve",
        &"pump ".repeat(300),
    ];
    let together = vectors(&model, &texts);
    for (text, vector) in texts.iter().zip(&together) {
        assert_eq!(&vectors(&model, &[text])[0], vector, "{text:?}");
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5, "{text:?} has length {length}");
    }
    assert_ne!(together[0], together[3]);
    let encoder = model.backend().unwrap().encoder();
    let counts = texts.map(|text| encoder(&Ask::Embed, &text.into()).unwrap().tokens());
    assert_eq!(counts, [4, 2, 8, 3, 256]);
    assert!(vectors(&model, &[]).is_empty());
}

#[test]
fn replicas_share_a_model_and_answer_alike() {
    let model = load(|_| {}).unwrap();
    let port = Port::open(
        vec![model.replica("a"), model.replica("b")],
        PortOptions::default(),
    )
    .unwrap();
    for replica in 0..2 {
        port.submit(replica, Request::embed(7, ["pump leaks", "valve"]))
            .unwrap();
    }
    let answers = [0, 1].map(|_| {
        port.recv_timeout(Duration::from_secs(60))
            .unwrap()
            .result
            .unwrap()
    });
    assert_eq!(answers[0], answers[1]);
    assert_eq!(
        (answers[0].version.as_str(), answers[0].tokens),
        (model.version(), 7)
    );
}

#[test]
fn weights_that_do_not_fit_are_refused_with_the_tensor() {
    let name = "encoder.layer.0.intermediate.dense.weight";
    let missing = load(|tensors| drop(tensors.remove(name)))
        .unwrap_err()
        .to_string();
    let turned = load(|tensors| {
        let tensor = tensors[name].t().unwrap().contiguous().unwrap();
        tensors.insert(name.to_owned(), tensor);
    });
    for error in [missing, turned.unwrap_err().to_string()] {
        assert!(
            error.starts_with("file \"model.safetensors\" of model \"tiny-bert@"),
            "{error}"
        );
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn weights_with_nan_poison_the_request_and_not_the_app() {
    let model = load(|tensors| {
        let nan = Tensor::from_vec(vec![f32::NAN; WIDTH], WIDTH, &Device::Cpu).unwrap();
        tensors.insert(String::from("encoder.layer.0.output.LayerNorm.bias"), nan);
    })
    .unwrap();
    let port = Port::open(vec![model.replica("a")], PortOptions::default()).unwrap();
    port.submit(0, Request::embed(1, ["pump"])).unwrap();
    let reply = port.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(reply.result, Err(RequestError::Poisoned { item: 0 }));
}

#[test]
fn a_model_is_on_the_processor_where_there_is_no_such_card() {
    // No machine has so many.
    let (none, never) = (DeviceChoice::Cuda(4096), AtomicBool::new(false));
    let (_place, store) = store(|_| {});
    let error = store.load("tiny-bert", none, &mut |_| {}, &never);
    let error = error.unwrap_err().to_string();
    let expected = "device \"cuda:4096\" cannot be used: ";
    assert!(error.starts_with(expected), "{error}");
    let models = Models::new(store, u64::MAX);
    for _ in 0..2 {
        let (model, missed) = models
            .get_or_on_cpu("tiny-bert", none, &mut |_| {}, &never)
            .unwrap();
        assert_eq!(model.device(), Some(DeviceChoice::Cpu));
        assert_eq!(missed.unwrap().to_string(), error);
        assert_eq!(vectors(&model, &["pump leaks"])[0].len(), WIDTH);
    }
    assert_eq!(models.loaded().len(), 1);
    let (_, missed) = models
        .get_or_on_cpu("tiny-bert", DeviceChoice::Cpu, &mut |_| {}, &never)
        .unwrap();
    assert_eq!(missed, None);
}

#[test]
fn a_model_from_outside_stays_away_from_cards() {
    let (place, known) = store(|_| {});
    let mut options = known.options().clone();
    options.child_models = ChildModels::All;
    let store = Store::new(catalog(&place.path().join("tiny-bert")), options);
    let (model, missed) = Models::new(store, u64::MAX)
        .get_or_on_cpu(
            "tiny-bert",
            DeviceChoice::Cuda(0),
            &mut |_| {},
            &AtomicBool::new(false),
        )
        .unwrap();
    assert_eq!(model.device(), Some(DeviceChoice::Cpu));
    let missed = missed.unwrap().to_string();
    assert!(missed.contains("child process"), "{missed}");
}

#[test]
fn what_a_device_does_not_compute_with_is_refused() {
    let (_place, store) = store(|_| {});
    for (device, precision) in [
        (DeviceChoice::Cpu, Precision::F16),
        (DeviceChoice::Cpu, Precision::Bf16),
        (DeviceChoice::Cuda(0), Precision::Int8),
    ] {
        let how = LoadOptions {
            device,
            precision,
            ..LoadOptions::default()
        };
        let loaded = store.load("tiny-bert", how, &mut |_| {}, &AtomicBool::new(false));
        let is_refused = matches!(
            loaded,
            Err(StoreError::Backend(BackendError::NoPrecision { .. }))
        );
        assert!(is_refused, "{how:?}");
    }
}
