//! Writes down WAV files and says how long each took.
//!
//! `cargo run --release -p diorama_inference --no-default-features --example transcribe -- FILE.wav …`
#![expect(clippy::print_stdout, reason = "it is what the program is for")]

use std::{
    env,
    error::Error,
    fs::File,
    io::BufReader,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use inference::{
    Ask, Backend, Catalog, Input, LoadOptions, Output, Precision, SAMPLE_RATE, Store, StoreOptions,
    TranscribeOptions, read_wav,
};

const USAGE: &str = "usage: transcribe [--model NAME] [--beam N] [--threads N] [--times] [--int8] [--repeat N] [--language CODE] FILE.wav …";

struct Arguments {
    model: String,
    how: LoadOptions,
    repeat: usize,
    options: TranscribeOptions,
    files: Vec<PathBuf>,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut arguments = Arguments {
        model: String::from("whisper-tiny.en"),
        how: LoadOptions {
            n_threads: 2,
            ..LoadOptions::default()
        },
        repeat: 1,
        options: TranscribeOptions {
            beam: 5,
            ..TranscribeOptions::default()
        },
        files: Vec::new(),
    };
    let mut given = env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or(USAGE);
        match argument.as_str() {
            "--model" => arguments.model = value()?,
            "--threads" => arguments.how.n_threads = value()?.parse()?,
            "--repeat" => arguments.repeat = value()?.parse()?,
            "--beam" => arguments.options.beam = value()?.parse()?,
            "--language" => arguments.options.language = Some(value()?),
            "--int8" => arguments.how.precision = Precision::Int8,
            "--times" => arguments.options.timestamps = true,
            file if !file.starts_with('-') => arguments.files.push(PathBuf::from(file)),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(arguments)
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments {
        model,
        how,
        repeat,
        options,
        files,
    } = arguments()?;
    let store = Store::new(Catalog::built_in(), StoreOptions::from_env()?);
    let model = store.load(&model, how, &mut |_| {}, &AtomicBool::new(false))?;
    let mut backend = model.backend()?;
    println!("{}, {how:?}, {options:?}", model.version());
    for file in files {
        let samples = read_wav(BufReader::new(File::open(&file)?))?;
        let secs = samples.len() as f64 / f64::from(SAMPLE_RATE);
        let input = [Input::Audio(Arc::from(samples))];
        println!("{} ({secs:.2} s)", file.display());
        for _ in 0..repeat {
            write_down(&mut *backend, &options, &input, secs)?;
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "it measures wall time")]
fn write_down(
    backend: &mut dyn Backend,
    options: &TranscribeOptions,
    input: &[Input],
    secs: f64,
) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let outputs = backend.answer_inputs(&Ask::Transcribe(options.clone()), input)?;
    let took = start.elapsed().as_secs_f64();
    for output in outputs {
        let Output::Transcript(transcript) = output else {
            continue;
        };
        println!(
            "  {took:.3} s, {:.1} × real time: {}",
            secs / took,
            transcript.text
        );
        for part in transcript.segments {
            println!(
                "    {:6.2} – {:6.2}:{}",
                part.start_secs, part.end_secs, part.text
            );
        }
    }
    Ok(())
}
