//! The real models, where the user's store has them, write down what faster-whisper does, and hear
//! where somebody speaks as Silero's weights say.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use std::{
    fs::File,
    io::BufReader,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use inference::{
    Ask, Catalog, Input, LoadOptions, Model, Output, SpeechOptions, SpeechStream, Store,
    StoreOptions, TranscribeOptions, read_wav, speech,
};

/// Where Debian's package `pocketsphinx-testdata` has its recordings.
const RECORDINGS: &str = "/usr/share/pocketsphinx/test/data/librivox";

/// What `peers/whisper.py` writes down of each recording, with a beam of 5.
const TRANSCRIPTS: [(&str, &str); 5] = [
    (
        "0870",
        "And Mr. John Dashwood had then leisure to consider how much there might be prudently in his power to do for them.",
    ),
    ("0880", "He was not an old-sposed young man."),
    (
        "0890",
        "Unless to be rather cold-hearted and rather selfish is to be ill-disposed.",
    ),
    (
        "0920",
        "Had he married a more amiable woman he might have been made still more respectable than he was.",
    ),
    ("0930", "He might even have been made amiable himself."),
];

#[expect(
    clippy::print_stderr,
    reason = "whoever runs the tests must see what was not tested"
)]
fn skip(why: &str) {
    eprintln!("NOTICE: Whisper is not tested: {why}");
}

/// A model of the user's store, without asking any source.
fn model(name: &str) -> Option<Model> {
    let mut options = StoreOptions::from_env().unwrap();
    options.hub = String::from("http://127.0.0.1:9");
    options.package_index.clear();
    let store = Store::new(Catalog::built_in(), options);
    let model = store.load(
        name,
        LoadOptions {
            n_threads: 2,
            ..LoadOptions::default()
        },
        &mut |_| {},
        &AtomicBool::new(false),
    );
    model.map_err(|error| skip(&error.to_string())).ok()
}

fn recording(name: &str) -> Option<Vec<f32>> {
    let file = format!("sense_and_sensibility_01_austen_64kb-{name}.wav");
    let Ok(file) = File::open(Path::new(RECORDINGS).join(file)) else {
        skip("the package pocketsphinx-testdata is not installed");
        return None;
    };
    Some(read_wav(BufReader::new(file)).unwrap())
}

fn transcribe(model: &Model, options: TranscribeOptions, sounds: &[Input]) -> Vec<String> {
    let mut backend = model.backend().unwrap();
    let outputs = backend
        .answer_inputs(&Ask::Transcribe(options), sounds)
        .unwrap();
    outputs
        .into_iter()
        .map(|output| match output {
            Output::Transcript(transcript) => transcript.text,
            other => panic!("{other:?} is no transcript"),
        })
        .collect()
}

#[test]
fn recordings_are_written_down_as_by_the_reference() {
    let Some(model) = model("whisper-tiny.en") else {
        return;
    };
    let sounds: Option<Vec<Input>> = TRANSCRIPTS
        .iter()
        .map(|(name, _)| recording(name).map(|samples| Input::Audio(Arc::from(samples))))
        .collect();
    let Some(sounds) = sounds else { return };
    let options = TranscribeOptions {
        beam: 5,
        ..TranscribeOptions::default()
    };
    let together = transcribe(&model, options, &sounds);
    for ((_, expected), got) in TRANSCRIPTS.iter().zip(together) {
        assert_eq!(&got, expected);
    }
}

/// What `peers/silero.py` says of some windows of the second recording.
const VOICE: [(usize, f32); 10] = [
    (0, 0.02939),
    (6, 0.01363),
    (8, 0.87407),
    (9, 0.98873),
    (20, 0.99985),
    (33, 0.29373),
    (34, 0.11580),
    (35, 0.25635),
    (88, 0.71028),
    (89, 0.21700),
];

#[test]
fn voices_are_heard_as_by_the_reference_whole_and_bit_by_bit() {
    let (Some(model), Some(samples)) = (model("silero-vad"), recording("0880")) else {
        return;
    };
    let voice = model.voice_activity().unwrap();
    let probabilities = voice.probabilities(&samples);
    for (window, expected) in VOICE {
        let got = probabilities[window];
        assert!(
            (got - expected).abs() < 1e-4,
            "window {window}: {got} instead of {expected}"
        );
    }
    let mut memory = inference::VoiceMemory::default();
    let bit_by_bit: Vec<f32> = samples
        .chunks(3 * 512)
        .flat_map(|samples| voice.go_on(&mut memory, samples))
        .collect();
    assert_eq!(bit_by_bit, probabilities);
    let pieces = speech(&probabilities, samples.len(), &SpeechOptions::default());
    let whole = 0..samples.len();
    assert_eq!(pieces, [whole]);
    let mut stream = SpeechStream::new(voice.clone(), SpeechStream::usual());
    let ended: Vec<_> = samples
        .chunks(1000)
        .flat_map(|samples| stream.push(samples))
        .collect();
    assert_eq!(ended, []);
    let piece = stream.finish().unwrap();
    // Speech begins with window 8; a fifth of a second before it is kept.
    assert!((piece.start_secs - (8.0 * 0.032 - 0.2)).abs() < 1e-6);
    let start = (piece.start_secs * 16_000.0).round() as usize;
    assert_eq!(piece.samples, samples[start..]);
}
