//! The embedding that is part of the crate answers at once, and near what its teacher says.

use std::sync::atomic::AtomicBool;

use inference::{
    Ask, Catalog, DeviceChoice, Input, Model, ModelState, Output, StaticWords, Store, StoreError,
    StoreOptions,
    distil::{DistilOptions, TextSet, distil, teacher_vocabulary},
};

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A store that nothing is in, and whose sources cannot be reached.
fn nothing_reachable(root: &std::path::Path) -> Store {
    let mut options = StoreOptions::at(root.join("store"));
    options.hub = String::from("http://127.0.0.1:9");
    options.package_index = Vec::new();
    Store::new(Catalog::built_in(), options)
}

#[test]
fn it_is_as_the_catalog_says_and_tells_meanings_apart() {
    let folder = tempfile::tempdir().unwrap();
    let store = nothing_reachable(folder.path());
    let cancel = AtomicBool::new(false);
    let loaded = store
        .load("static-minilm", DeviceChoice::Cpu, &mut |_| {}, &cancel)
        .unwrap();
    let words = StaticWords::embedded();
    assert_eq!(loaded.version(), words.version());
    assert_eq!(loaded.version(), Model::embedded().version());
    assert_eq!(loaded.found().source, "built in");
    assert!(
        store
            .list()
            .iter()
            .any(|(entry, state)| entry.name == "static-minilm" && *state == ModelState::BuiltIn)
    );
    let entry = store.catalog().get("static-minilm").unwrap();
    assert_eq!(entry.limits.dimensions, Some(words.dimensions() as u32));

    let near = |a: &str, b: &str| cosine(&words.embed(a), &words.embed(b));
    for (text, nearer, farther) in [
        (
            "When does the app launch?",
            "the release date of the program",
            "the budget is small",
        ),
        (
            "It costs eight hundred pounds.",
            "the price is too high",
            "who rings the school?",
        ),
        ("a happy dog", "a cheerful puppy", "a sunny day"),
    ] {
        assert!(near(text, nearer) > near(text, farther) + 0.05, "{text}");
    }
}

#[test]
fn a_text_has_the_same_vector_alone_and_in_any_batch() {
    let mut model = Model::embedded().backend().unwrap();
    let texts = [
        "Don't panic, Bob!",
        "",
        "Ünïcödé größer 漢字",
        "a a a a",
        "!?",
    ];
    let inputs: Vec<Input> = texts.iter().map(|&text| text.into()).collect();
    let together = model.answer_inputs(&Ask::Embed, &inputs).unwrap();
    for (input, output) in inputs.iter().zip(&together) {
        let alone = model
            .answer_inputs(&Ask::Embed, std::slice::from_ref(input))
            .unwrap();
        assert_eq!(&alone[0], output);
        let Output::Embedding(vector) = output else {
            panic!("{output:?}")
        };
        let length = cosine(vector, vector).sqrt();
        assert!(
            length == 0.0 || (length - 1.0).abs() < 1e-5,
            "{input:?} has length {length}"
        );
    }
    assert!(
        model
            .answer_inputs(&Ask::Classify, &[Input::Chat(Vec::new())])
            .is_err()
    );
}

#[test]
fn where_no_source_answers_the_embedded_model_stands_in_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = nothing_reachable(folder.path());
    let cancel = AtomicBool::new(false);
    let (model, instead) = store
        .load_or_embedded("all-minilm-l6-v2", DeviceChoice::Cpu, &mut |_| {}, &cancel)
        .unwrap();
    assert_eq!(model.version(), Model::embedded().version());
    assert!(
        matches!(instead, Some(StoreError::NoSource { .. })),
        "{instead:?}"
    );
    for (name, expected) in [
        ("nobody", "UnknownModel"),
        ("smollm2-135m-instruct", "NoSource"),
    ] {
        let error = store
            .load_or_embedded(name, DeviceChoice::Cpu, &mut |_| {}, &cancel)
            .unwrap_err();
        assert!(
            format!("{error:?}").starts_with(expected),
            "{name}: {error:?}"
        );
    }
    let (model, instead) = store
        .load_or_embedded("hashed-words", DeviceChoice::Cpu, &mut |_| {}, &cancel)
        .unwrap();
    assert_eq!(model.version(), "hashed-words@1");
    assert!(instead.is_none());
}

/// A teacher that knows three things, and whose answers to texts are those of their words.
fn teacher(asked: &[String]) -> Vec<Vec<f32>> {
    let vector = |text: &String| {
        let mut sum = vec![0.01, 0.02, 0.03, 0.5];
        for word in text.split(' ') {
            match word {
                "cat" | "kitten" => sum[0] += 1.0,
                "pump" | "valve" => sum[1] += 1.0,
                "budget" | "money" => sum[2] += 1.0,
                _ => {}
            }
        }
        let length = cosine(&sum, &sum).sqrt();
        sum.iter().map(|x| x / length).collect()
    };
    asked.iter().map(vector).collect()
}

#[test]
fn what_is_distilled_says_what_its_teacher_says() {
    let vocabulary: Vec<String> = "[PAD] [UNK] the a cat kitten pump val ##ve budget money ##s"
        .split(' ')
        .map(str::to_owned)
        .collect();
    let texts = [
        "the valve",
        "a valve",
        "the pump",
        "the cat",
        "a kitten",
        "money",
        "the budget",
    ];
    let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
    let sets = [TextSet {
        texts: [texts.clone(), texts.clone(), texts].concat(),
        weight: 1.0,
    }];
    let options = DistilOptions {
        dimensions: 3,
        price: 0.05,
        moved: 1.0,
        ..DistilOptions::default()
    };
    let made = distil(&vocabulary, &sets, &options, &mut |asked| {
        Ok(teacher(asked))
    })
    .unwrap();
    assert_eq!((made.n_pieces, made.n_words, made.n_texts), (11, 1, 21));
    assert!(made.vocabulary.ends_with(b"valve\n") && made.vocabulary.starts_with(b"[UNK]\n"));
    assert!(made.cosine[1] > 0.95 && made.held > 0.95, "{made:?}");
    assert!(made.cosine[1] >= made.cosine[0]);
    let words = made.model("words@1").unwrap();
    assert_eq!((words.version(), words.dimensions()), ("words@1", 3));
    let near = |a: &str, b: &str| cosine(&words.embed(a), &words.embed(b));
    assert!(near("the valve", "a pump") > near("the valve", "money") + 0.5);
    let alone = distil(&vocabulary, &[], &options, &mut |asked| Ok(teacher(asked))).unwrap();
    assert_eq!((alone.n_words, alone.cosine), (0, [0.0, 0.0]));
}

#[test]
fn a_teacher_that_cannot_teach_is_refused() {
    let vocabulary = vec![String::from("cat")];
    let options = DistilOptions::default();
    let wrong: [fn(&[String]) -> Vec<Vec<f32>>; 3] = [
        |_| Vec::new(),
        |asked| asked.iter().map(|_| vec![f32::NAN]).collect(),
        |asked| {
            asked
                .iter()
                .enumerate()
                .map(|(nth, _)| vec![0.0; nth])
                .collect()
        },
    ];
    for teach in wrong {
        assert!(distil(&vocabulary, &[], &options, &mut |asked| Ok(teach(asked))).is_err());
    }
    let tokenizer = br#"{"model": {"vocab": {"b": 1, "a": 0}}}"#;
    assert_eq!(teacher_vocabulary(tokenizer).unwrap(), ["a", "b"]);
    for bad in [&b"{}"[..], b"", b"[1]"] {
        assert!(teacher_vocabulary(bad).is_err());
    }
}
