//! The real model, pulled by the real sources into the user's store, says what its publishers say.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::AtomicBool;

use inference::{Ask, Catalog, DeviceChoice, Input, Model, Store, StoreError, StoreOptions};

/// The model, or `None` with a notice where no source answers.
fn minilm() -> Option<Model> {
    let store = Store::new(Catalog::built_in(), StoreOptions::from_env().unwrap());
    match store.load(
        "all-minilm-l6-v2",
        DeviceChoice::Cpu,
        &mut |_| {},
        &AtomicBool::new(false),
    ) {
        Ok(model) => Some(model),
        #[expect(
            clippy::print_stderr,
            reason = "whoever runs the tests must see what was not tested"
        )]
        Err(error @ StoreError::NoSource { .. }) => {
            eprintln!("NOTICE: MiniLM is not tested: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
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

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn it_agrees_with_the_reference_alone_and_in_a_batch() {
    let Some(model) = minilm() else { return };
    assert_eq!(model.version(), "all-minilm-l6-v2@bbd64ada5a32");
    let texts = [
        "That is a happy person",
        "That is a happy dog",
        "That is a very happy person",
        "Today is a sunny day",
    ];
    let together = vectors(&model, &texts);
    // The reference: sentence-transformers on PyTorch.
    for (vector, expected) in together[1..].iter().zip([0.6946, 0.9429, 0.2569]) {
        let got = cosine(&together[0], vector);
        assert!((got - expected).abs() < 1e-3, "{got} instead of {expected}");
    }
    for vector in &together {
        assert_eq!(vector.len(), 384);
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-5);
    }
    let alone = vectors(&model, &texts[..1]).remove(0);
    let mut batch =
        vec!["a much longer sentence that makes every other one of this batch be padded a lot"; 16];
    batch[7] = texts[0];
    assert_eq!(
        vectors(&model, &batch)[7],
        alone,
        "a sentence has the same vector alone and in a batch of 16"
    );
    // Only the first 256 tokens are read, two marks among them.
    let long = "word ".repeat(254);
    assert_eq!(
        vectors(&model, &[&long]),
        vectors(&model, &[&(long.clone() + "never read")])
    );
    let encoder = model.backend().unwrap().encoder();
    let read = encoder(&Ask::Embed, &Input::Text(long + "never read")).unwrap();
    assert_eq!(read.tokens(), 256);
}
