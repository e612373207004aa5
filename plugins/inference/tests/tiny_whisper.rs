//! A Whisper of two small layers with drawn weights takes the same way as the real ones, on any machine.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use std::{fs, path::Path, sync::Arc, sync::atomic::AtomicBool};

use inference::{
    Ask, Catalog, FileHash, Input, LoadOptions, Model, Output, SAMPLE_RATE, Store, StoreError,
    StoreOptions, TranscribeOptions, Transcript,
};
use sha2::{Digest as _, Sha256};

use ctranslate2_bytes::Bytes;

#[path = "support/ctranslate2_bytes.rs"]
mod ctranslate2_bytes;

const WORDS: [&str; 8] = [
    "pump", "valve", "leaks", "today", "we", "heard", "it", "twice",
];
const SPECIAL: [&str; 10] = [
    "endoftext",
    "startoftranscript",
    "en",
    "de",
    "translate",
    "transcribe",
    "startoflm",
    "startofprev",
    "nospeech",
    "notimestamps",
];
const WIDTH: u32 = 16;
const INNER: u32 = 32;
/// Frames of a window: two seconds.
const N_FRAMES: u32 = 100;
const N_TOKENS: u32 = WORDS.len() as u32 + SPECIAL.len() as u32 + N_FRAMES + 1;

fn tokenizer() -> String {
    let words: Vec<_> = WORDS
        .iter()
        .enumerate()
        .map(|(id, word)| format!("{word:?}: {id}"))
        .collect();
    let special: Vec<_> = SPECIAL
        .iter()
        .enumerate()
        .map(|(nth, name)| {
            let id = WORDS.len() + nth;
            format!(
                r#"{{"id": {id}, "content": "<|{name}|>", "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true}}"#
            )
        })
        .collect();
    format!(
        r#"{{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [{}], "normalizer": null,
        "pre_tokenizer": {{"type": "Whitespace"}}, "decoder": null, "post_processor": null,
        "model": {{"type": "WordLevel", "unk_token": "pump", "vocab": {{{}}}}}}}"#,
        special.join(", "),
        words.join(", ")
    )
}

/// Adds a variable of drawn numbers between `-size` and `size`, around `middle`.
fn draw(file: &mut Bytes, name: &str, shape: &[u32], middle: f32, size: f32) {
    let mut state = name
        .bytes()
        .fold(7u32, |state, byte| state.wrapping_mul(31) + u32::from(byte));
    let data: Vec<u8> = (0..shape.iter().product())
        .flat_map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let drawn = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            (middle + size * drawn).to_le_bytes()
        })
        .collect();
    file.add(name, shape, 0, &data);
}

fn add_linear(file: &mut Bytes, name: &str, n_in: u32, n_out: u32) {
    draw(file, &format!("{name}/weight"), &[n_out, n_in], 0.0, 0.5);
    draw(file, &format!("{name}/bias"), &[n_out], 0.0, 0.1);
}

fn add_norm(file: &mut Bytes, name: &str) {
    draw(file, &format!("{name}/gamma"), &[WIDTH], 1.0, 0.2);
    draw(file, &format!("{name}/beta"), &[WIDTH], 0.0, 0.2);
}

fn add_layer(file: &mut Bytes, part: &str, layer: &str) {
    let mut linear = |name: &str, n_in, n_out| {
        add_linear(file, &format!("{layer}/{name}"), n_in, n_out);
    };
    linear("self_attention/linear_0", WIDTH, 3 * WIDTH);
    linear("self_attention/linear_1", WIDTH, WIDTH);
    linear("ffn/linear_0", WIDTH, INNER);
    linear("ffn/linear_1", INNER, WIDTH);
    let mut norms = vec!["self_attention", "ffn"];
    if part == "decoder" {
        linear("attention/linear_0", WIDTH, WIDTH);
        linear("attention/linear_1", WIDTH, 2 * WIDTH);
        linear("attention/linear_2", WIDTH, WIDTH);
        norms.push("attention");
    }
    for norm in norms {
        add_norm(file, &format!("{layer}/{norm}/layer_norm"));
    }
}

fn weights() -> Bytes {
    let mut file = Bytes::new("WhisperSpec");
    for (conv, n_in) in [("conv1", 80), ("conv2", WIDTH)] {
        let name = format!("encoder/{conv}");
        draw(
            &mut file,
            &format!("{name}/weight"),
            &[WIDTH, n_in, 3],
            0.0,
            0.3,
        );
        draw(&mut file, &format!("{name}/bias"), &[WIDTH], 0.0, 0.1);
    }
    for (part, rows) in [("encoder", N_FRAMES), ("decoder", 48)] {
        let name = format!("{part}/position_encodings/encodings");
        draw(&mut file, &name, &[rows, WIDTH], 0.0, 1.0);
        add_norm(&mut file, &format!("{part}/layer_norm"));
        file.add(&format!("{part}/num_heads"), &[], 2, &[2, 0]);
        for layer in ["layer_0", "layer_1"] {
            add_layer(&mut file, part, &format!("{part}/{layer}"));
        }
    }
    draw(
        &mut file,
        "decoder/embeddings/weight",
        &[N_TOKENS, WIDTH],
        0.0,
        1.0,
    );
    file.alias("decoder/projection/weight", "decoder/embeddings/weight");
    file
}

/// Writes the model into the project's assets and loads it.
fn load(weights: &[u8], n_threads: usize) -> Result<Model, StoreError> {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("tiny-whisper");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("model.bin"), weights).unwrap();
    fs::write(
        folder.join("config.json"),
        r#"{"suppress_ids": [], "suppress_ids_begin": [8]}"#,
    )
    .unwrap();
    fs::write(folder.join("tokenizer.json"), tokenizer()).unwrap();
    let mut options = StoreOptions::at(place.path().join("store"));
    options.assets = Some(place.path().to_owned());
    Store::new(catalog(&folder), options).load(
        "tiny-whisper",
        LoadOptions {
            n_threads,
            ..LoadOptions::default()
        },
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
    let files = ["model.bin", "config.json", "tokenizer.json"]
        .map(entry)
        .join(", ");
    Catalog::parse(&format!(
        "(models: [(name: \"tiny-whisper\", skills: [transcribe], architecture: Whisper, licence: \"MIT\",
          weights: \"model.bin\", tokenizer: \"tokenizer.json\", files: [{files}])])"
    ))
    .unwrap()
}

/// Drawn sound of so many seconds.
fn sound(seed: u32, secs: f32) -> Input {
    let mut state = seed;
    let samples: Vec<f32> = (0..(secs * SAMPLE_RATE as f32) as usize)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect();
    Input::Audio(Arc::from(samples))
}

fn transcribe(model: &Model, options: &TranscribeOptions, sounds: &[Input]) -> Vec<Transcript> {
    let mut backend = model.backend().unwrap();
    backend
        .answer_inputs(&Ask::Transcribe(options.clone()), sounds)
        .unwrap()
        .into_iter()
        .map(|output| match output {
            Output::Transcript(transcript) => transcript,
            other => panic!("{other:?} is no transcript"),
        })
        .collect()
}

#[test]
fn a_sound_has_the_same_transcript_alone_and_among_others_on_any_threads() {
    let (model, beside) = [1, 2].map(|n| load(&weights().finish(), n).unwrap()).into();
    let sounds = [
        sound(1, 1.0),
        sound(2, 5.3),
        sound(3, 0.0),
        sound(4, 2.0),
        sound(5, 0.004),
    ];
    for (beam, timestamps, language) in [(1, false, Some("de")), (5, true, None)] {
        let language = language.map(str::to_owned);
        let options = TranscribeOptions {
            language,
            timestamps,
            beam,
        };
        let together = transcribe(&beside, &options, &sounds);
        for (sound, expected) in sounds.iter().zip(&together) {
            let alone = transcribe(&model, &options, std::slice::from_ref(sound));
            assert_eq!(&alone[0], expected);
        }
        assert!(
            together
                .iter()
                .any(|transcript| !transcript.text.is_empty())
        );
        assert_eq!(together[2].text, "");
    }
}

#[test]
fn parts_follow_each_other_inside_the_sound() {
    let model = load(&weights().finish(), 1).unwrap();
    let options = TranscribeOptions {
        timestamps: true,
        beam: 2,
        language: Some(String::from("en")),
    };
    for transcript in transcribe(&model, &options, &[sound(6, 7.5), sound(7, 3.0)]) {
        assert_eq!(transcript.language.as_deref(), Some("en"));
        let mut last = 0.0;
        for part in &transcript.segments {
            assert!(
                last <= part.start_secs + 1e-3 && part.start_secs < part.end_secs,
                "{transcript:?}"
            );
            assert!(WORDS.iter().any(|word| part.text.contains(word)));
            last = part.start_secs;
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_with_the_reason() {
    let model = load(&weights().finish(), 1).unwrap();
    let mut backend = model.backend().unwrap();
    let foreign = TranscribeOptions {
        language: Some(String::from("xx")),
        ..TranscribeOptions::default()
    };
    let plain = Ask::Transcribe(TranscribeOptions::default());
    for (ask, input, expected) in [
        (
            Ask::Transcribe(foreign),
            sound(1, 0.1),
            "does not know the language \"xx\"",
        ),
        (
            plain,
            Input::Text(String::from("hello")),
            "cannot transcribe this kind",
        ),
        (Ask::Embed, sound(1, 0.1), "cannot embed this kind"),
    ] {
        let error = backend
            .answer_inputs(&ask, &[input])
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
    let mut narrow = weights();
    draw(
        &mut narrow,
        "decoder/layer_2/self_attention/linear_0/weight",
        &[3, 3],
        0.0,
        1.0,
    );
    let mut other = Bytes::new("TransformerSpec");
    other.add("x", &[], 1, &[0]);
    for (bytes, expected) in [
        (other.finish(), "it is a \"TransformerSpec\""),
        (narrow.finish(), "it has no variable \"decoder/layer_2"),
        (weights().finish()[..4000].to_vec(), "it is cut off"),
        (Vec::from(*b"PK"), "it is cut off"),
    ] {
        let error = load(&bytes, 1).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
