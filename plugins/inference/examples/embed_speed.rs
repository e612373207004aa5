//! Measures how fast a model of the store embeds sentences, by one replica and by two.
//!
//! `RAYON_NUM_THREADS=1 cargo run -p diorama_inference --no-default-features --example embed_speed [-- MODEL [cuda]]`: one thread a
//! replica, as in the app.
#![expect(clippy::print_stdout, reason = "a command line program")]
#![expect(clippy::disallowed_methods, reason = "it measures wall time")]

use std::{
    error::Error,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use inference::{Catalog, DeviceChoice, Model, Port, PortOptions, Request, Store, StoreOptions};

/// Long enough for the slowest machine.
const PATIENCE: Duration = Duration::from_secs(600);
const N_BATCHES: u64 = 8;
const BATCH: usize = 32;

/// A sentence of so many tokens: each word is one, and two marks are added.
fn sentence(n_tokens: usize, nth: usize) -> String {
    const WORDS: [&str; 8] = ["the", "pump", "in", "hall", "two", "loses", "oil", "again"];
    (0..n_tokens - 2)
        .map(|i| WORDS[(i * 7 + nth) % WORDS.len()])
        .collect::<Vec<_>>()
        .join(" ")
}

/// Sends batches to all replicas in turn and returns the seconds until the last reply.
fn measure(
    port: &Port,
    batch: usize,
    n_tokens: usize,
    n_batches: u64,
) -> Result<f64, Box<dyn Error>> {
    let began = Instant::now();
    for key in 0..n_batches {
        let texts = (0..batch).map(|nth| sentence(n_tokens, nth));
        port.submit(key as usize % port.n_replicas(), Request::embed(key, texts))?;
    }
    for _ in 0..n_batches {
        port.recv_timeout(PATIENCE)
            .ok_or("no reply came in time")?
            .result?;
    }
    Ok(began.elapsed().as_secs_f64())
}

fn row(model: &Model, n_replicas: usize) -> Result<(), Box<dyn Error>> {
    let setups = (0..n_replicas)
        .map(|nth| model.replica(format!("replica {nth}")))
        .collect();
    let options = PortOptions {
        max_batch_tokens: 4096,
        ..PortOptions::default()
    };
    let port = Port::open(setups, options)?;
    measure(&port, 1, 32, n_replicas as u64)?;
    let n_sentences = (N_BATCHES as usize * BATCH) as f64;
    let short = n_sentences / measure(&port, BATCH, 32, N_BATCHES)?;
    let long = n_sentences / measure(&port, BATCH, 128, N_BATCHES)?;
    let mut alone: Vec<f64> = (0..21)
        .map(|_| measure(&port, 1, 32, 1))
        .collect::<Result<_, _>>()?;
    alone.sort_by(f64::total_cmp);
    println!(
        "| {n_replicas} | {short:.0} /s | {long:.0} /s | {:.1} ms |",
        alone[alone.len() / 2] * 1e3
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments
        .next()
        .unwrap_or_else(|| String::from("all-minilm-l6-v2"));
    let device = match arguments.next().as_deref() {
        None | Some("cpu") => DeviceChoice::Cpu,
        Some("cuda") => DeviceChoice::Cuda(0),
        Some(other) => {
            return Err(format!("device {other:?} is neither \"cpu\" nor \"cuda\"").into());
        }
    };
    let store = Store::new(Catalog::built_in(), StoreOptions::from_env()?);
    let began = Instant::now();
    let model = store.load(&name, device, &mut |_| {}, &AtomicBool::new(false))?;
    println!(
        "{} from {}, ready after {:.0?}\n",
        model.version(),
        model.found().source,
        began.elapsed()
    );
    println!(
        "| replicas | 32 × 32 tokens | 32 × 128 tokens | one of 32 tokens |\n|---|---|---|---|"
    );
    row(&model, 1)?;
    row(&model, 2)
}
