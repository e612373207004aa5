//! Times a model in a child process against the same model in this process, in turns.
//!
//! `cargo run --release -p diorama_inference --no-default-features --example child_speed`

use std::{
    error::Error,
    io::{Write as _, stdout},
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use inference::{
    Ask, Backend, Catalog, ChildModels, DeviceChoice, Encoded, Input, Store, StoreOptions,
    serve_if_child,
};

const MODEL: &str = "all-minilm-l6-v2";
const N_TEXTS: usize = 32;
/// Words that are one token each; with its two marks a text has 32 tokens.
const N_WORDS: usize = 30;
const N_ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    serve_if_child();
    let cancel = AtomicBool::new(false);
    let load = |place| {
        let mut options = StoreOptions::from_env()?;
        options.child_models = place;
        Store::new(Catalog::built_in(), options).load(
            MODEL,
            DeviceChoice::Cpu,
            &mut |_| {},
            &cancel,
        )
    };
    let (here, there) = (load(ChildModels::None)?, load(ChildModels::All)?);
    let (mut here, mut there) = (here.backend()?, there.backend()?);
    let mut rounds = Vec::new();
    for _ in 0..N_ROUNDS {
        rounds.push([time(&mut *here)?, time(&mut *there)?]);
    }
    let median = |of: &dyn Fn(&[Times; 2]) -> Duration| {
        let mut times: Vec<_> = rounds.iter().map(of).collect();
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1e3
    };
    let (encode, answer) = (
        [median(&|r| r[0].0), median(&|r| r[1].0)],
        [median(&|r| r[0].1), median(&|r| r[1].1)],
    );
    writeln!(
        stdout(),
        "{N_TEXTS} texts of 32 tokens, medians of {N_ROUNDS}, in this process and in a child:\n\
         encode {:.2} ms and {:.2} ms, answer {:.2} ms and {:.2} ms, both {:.2} ms and {:.2} ms",
        encode[0],
        encode[1],
        answer[0],
        answer[1],
        encode[0] + answer[0],
        encode[1] + answer[1]
    )?;
    Ok(())
}

/// How long encoding and answering took.
type Times = (Duration, Duration);

#[expect(clippy::disallowed_methods, reason = "wall time is what is measured")]
fn time(backend: &mut dyn Backend) -> Result<Times, Box<dyn Error>> {
    let words = ["house", "water", "light", "green", "music", "paper"];
    let inputs: Vec<Input> = (0..N_TEXTS)
        .map(|nth| {
            let text: Vec<_> = (0..N_WORDS)
                .map(|word| words[(nth * 7 + word) % words.len()])
                .collect();
            Input::from(text.join(" "))
        })
        .collect();
    let encoder = backend.encoder();
    let began = Instant::now();
    let encoded = inputs
        .iter()
        .map(|input| encoder(&Ask::Embed, input))
        .collect::<Result<Vec<Encoded>, _>>()?;
    let encode = began.elapsed();
    let began = Instant::now();
    backend.answer(&Ask::Embed, &encoded.iter().collect::<Vec<_>>())?;
    Ok((encode, began.elapsed()))
}
