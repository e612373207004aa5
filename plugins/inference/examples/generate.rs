//! Writes text with a GGUF file of the Llama family, measures how fast, or brings its matrices to `Q8_0`.
//!
//! ```sh
//! cargo run --release -p diorama_inference --no-default-features --example generate -- requantise IN.gguf OUT.gguf
//! cargo run --release -p diorama_inference --no-default-features --example generate -- greedy FILE.gguf N PROMPT…
//! cargo run --release -p diorama_inference --no-default-features --example generate -- exact FILE.gguf N PROMPT…
//! cargo run --release -p diorama_inference --no-default-features --example generate -- chat FILE.gguf QUESTION…
//! cargo run --release -p diorama_inference --no-default-features --example generate -- json FILE.gguf QUESTION…
//! cargo run --release -p diorama_inference --no-default-features --example generate -- bench FILE.gguf THREADS
//! ```
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for people at a terminal, that measures wall time"
)]

use std::{
    error::Error,
    fs,
    sync::atomic::{AtomicU32, Ordering},
    time::Instant,
};

use inference::{
    Ask, Backend, ChatMessage, ChatRole, Encoded, GenerateOptions, Input, Llama, LlamaOptions,
    LlamaWeights, Output, SequenceId, SequenceStep, TextShape, requantise,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Tokens of the prompt and of the text that are measured.
const PROMPT: usize = 512;
const WRITTEN: u32 = 128;
/// How often each is measured.
const TIMES: usize = 3;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["requantise", from, to] => Ok(fs::write(to, requantise(&fs::read(from)?)?)?),
        [how @ ("greedy" | "exact"), file, n, ref prompt @ ..] => {
            let options = GenerateOptions {
                max_tokens: n.parse()?,
                ..GenerateOptions::default()
            };
            let mut model = model(file, 2, 1, how == "exact")?;
            print_answer(&mut model, options, Input::Text(prompt.join(" ")))
        }
        ["chat", file, ref question @ ..] => {
            let mut model = model(file, 2, 1, false)?;
            print_answer(&mut model, GenerateOptions::default(), talk(question))
        }
        ["json", file, ref question @ ..] => {
            let options = GenerateOptions {
                shape: TextShape::Json,
                max_tokens: 128,
                ..GenerateOptions::default()
            };
            let mut model = model(file, 2, 1, false)?;
            print_answer(&mut model, options, talk(question))
        }
        ["bench", file, threads] => bench(file, threads.parse()?),
        _ => Err("say requantise, greedy, exact, chat, json or bench; see the file's head".into()),
    }
}

fn talk(question: &[&str]) -> Input {
    Input::Chat(vec![ChatMessage {
        role: ChatRole::User,
        content: question.join(" "),
    }])
}

/// Reads a model; an exact one leaves activations in f32.
fn model(file: &str, n_threads: usize, n_sequences: usize, is_exact: bool) -> Result<Llama> {
    let weights = LlamaWeights::read(file, file, &fs::read(file)?)?;
    let options = LlamaOptions {
        n_threads,
        n_sequences,
        is_exact,
        ..LlamaOptions::default()
    };
    Ok(Llama::new(&weights, options))
}

fn print_answer(model: &mut Llama, options: GenerateOptions, input: Input) -> Result<()> {
    let model: &mut dyn Backend = model;
    for output in model.answer_inputs(&Ask::Generate(options), &[input])? {
        if let Output::Text(text) = output {
            println!("{}", text.text);
        }
    }
    Ok(())
}

/// Prints tokens a second of reading prompts and of writing, for one text and for eight.
fn bench(file: &str, n_threads: usize) -> Result<()> {
    let mut model = model(file, n_threads, 8, false)?;
    for n_sequences in [1, 8] {
        for _ in 0..TIMES {
            let (read, written) = measure(&mut model, n_sequences)?;
            println!(
                "{n_sequences} texts, {n_threads} threads: reads {read:7.1} tokens/s ({PROMPT} each), \
                 writes {written:6.1} tokens/s ({WRITTEN} each)"
            );
        }
    }
    Ok(())
}

fn measure(model: &mut Llama, n_sequences: u32) -> Result<(f64, f64)> {
    begin(model, n_sequences, PROMPT, 1)?;
    let start = Instant::now();
    run(model, n_sequences, u32::MAX)?;
    let read = (n_sequences as usize * PROMPT) as f64 / start.elapsed().as_secs_f64();
    begin(model, n_sequences, 2, WRITTEN + 1)?;
    // The prompts are read in the first step.
    run(model, n_sequences, 1)?;
    let start = Instant::now();
    let n_steps = run(model, n_sequences, u32::MAX)?;
    let written = f64::from(n_sequences * n_steps) / start.elapsed().as_secs_f64();
    Ok((read, written))
}

/// Begins texts whose prompts say nothing, each another way, so that nothing is reused.
fn begin(model: &mut Llama, n_sequences: u32, n_prompt: usize, n_tokens: u32) -> Result<()> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for id in 0..n_sequences {
        let start = NEXT.fetch_add(1, Ordering::Relaxed);
        let prompt = (0..n_prompt as u32).map(|nth| 1000 + (start * 7919 + nth * 31) % 40_000);
        let options = GenerateOptions {
            max_tokens: n_tokens,
            ..GenerateOptions::default()
        };
        let input = Encoded::Ids(prompt.collect());
        model.begin(SequenceId(id.into()), &Ask::Generate(options), &input)?;
    }
    Ok(())
}

/// Runs steps until so many texts are done, or so many steps; says how many steps there were.
fn run(model: &mut Llama, n_sequences: u32, most: u32) -> Result<u32> {
    let mut n_done = 0;
    for n_steps in 1..=most {
        let news = model.step()?;
        let is_done = |step: &SequenceStep| matches!(step, SequenceStep::Done(_));
        n_done += news.iter().filter(|(_, step)| is_done(step)).count();
        if n_done == n_sequences as usize {
            return Ok(n_steps);
        }
    }
    Ok(most)
}
