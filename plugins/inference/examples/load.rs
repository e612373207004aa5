//! Puts a port under load and prints tables: batching, frames, swaps, and memory over time.
//!
//! `cargo run --release -p diorama_inference --no-default-features --example load -- batching|frame|swap|soak [MODEL [SECONDS [int8]]]`
#![expect(clippy::print_stdout, reason = "a command line program")]
#![expect(clippy::disallowed_methods, reason = "it measures wall time")]

use std::{
    error::Error,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use inference::{
    Arrival, Catalog, Change, LoadOptions, Model, Port, PortOptions, Precision, ReplicaState,
    Reply, Request, Store, StoreOptions,
};

/// Long enough for the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);
const N_AGENTS: u64 = 64;
const N_ROUNDS: usize = 9;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A sentence of 16 to 40 words, another for each number.
fn sentence(nth: u64) -> String {
    const WORDS: [&str; 8] = ["the", "pump", "in", "hall", "two", "loses", "oil", "again"];
    (0..16 + nth * 7 % 25)
        .map(|i| WORDS[((i * 5 + nth) % 8) as usize])
        .collect::<Vec<_>>()
        .join(" ")
}

fn open(model: &Model, n_replicas: usize) -> Outcome<Port> {
    let setups = (0..n_replicas).map(|nth| model.replica(format!("replica {nth}")));
    let options = PortOptions {
        most_at_once: n_replicas,
        ..PortOptions::default()
    };
    let port = Port::open(setups.collect(), options)?;
    while port
        .replicas()
        .any(|(_, state)| state == ReplicaState::Starting)
    {
        std::thread::yield_now();
    }
    Ok(port)
}

fn ask(port: &Port, model: &Model, key: u64) -> Outcome<()> {
    let request = Request {
        model: model.version().to_owned(),
        tenant: (key % N_AGENTS) as u32,
        ..Request::embed(key, [sentence(key)])
    };
    Ok(port.submit_to_model(request)?)
}

fn receive(port: &Port) -> Outcome<Reply> {
    port.recv_timeout(PATIENCE)
        .ok_or_else(|| "no reply came in time".into())
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values
        .get((last as f64 * share).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

fn batching(model: &Model) -> Outcome<()> {
    println!(
        "| replicas | one by one | 64 at once | ratio | queue p50 | queue p99 | tokenising |\n|---|---|---|---|---|---|---|"
    );
    (1..=2).try_for_each(|n_replicas| batching_on(model, n_replicas))
}

fn batching_on(model: &Model, n_replicas: usize) -> Outcome<()> {
    let port = open(model, n_replicas)?;
    let (mut alone, mut together, mut queued) = (vec![], vec![], vec![]);
    let (mut encoded, mut ran) = (0.0, 0.0);
    for round in 0..=N_ROUNDS {
        let began = Instant::now();
        for key in 0..N_AGENTS {
            ask(&port, model, key)?;
            receive(&port)?.result?;
        }
        let one_by_one = began.elapsed().as_secs_f64();
        let began = Instant::now();
        for key in 0..N_AGENTS {
            ask(&port, model, key)?;
        }
        let replies = (0..N_AGENTS)
            .map(|_| receive(&port))
            .collect::<Outcome<Vec<_>>>()?;
        let at_once = began.elapsed().as_secs_f64();
        // The first round warms up.
        if round > 0 {
            alone.push(N_AGENTS as f64 / one_by_one);
            together.push(N_AGENTS as f64 / at_once);
            ran += at_once;
            for reply in replies {
                queued.push(reply.timings.queued.as_secs_f64() * 1e3);
                encoded += reply.timings.encoded.as_secs_f64();
                reply.result?;
            }
        }
    }
    let (alone, together) = (quantile(&mut alone, 0.5), quantile(&mut together, 0.5));
    println!(
        "| {n_replicas} | {alone:.0} /s | {together:.0} /s | {:.1} | {:.1} ms | {:.1} ms | {:.1} % |",
        together / alone,
        quantile(&mut queued, 0.5),
        quantile(&mut queued, 0.99),
        100.0 * encoded / ran
    );
    Ok(())
}

/// Stands for what an app does in a frame: two milliseconds of arithmetic, about.
fn app_work() -> u64 {
    (0..1_500_000u64).fold(1, |sum, i| std::hint::black_box(sum ^ i.wrapping_mul(sum)))
}

/// Milliseconds of the main thread's work in each frame, and of the part that is the port's.
fn frames(port: &Port, model: &Model, n_asked: u64, n: u32) -> Outcome<(Vec<f64>, Vec<f64>)> {
    let (mut all, mut ports, mut key) = (vec![], vec![], 0);
    for _ in 0..n {
        let began = Instant::now();
        std::hint::black_box(app_work());
        let portwards = Instant::now();
        for _ in 0..n_asked {
            // A full port refuses at once, and that is part of the work.
            if port.n_on_their_way() < 256 {
                ask(port, model, key)?;
                key += 1;
            }
        }
        for _ in 0..256 {
            if port.try_next().is_none() {
                break;
            }
        }
        ports.push(portwards.elapsed().as_secs_f64() * 1e3);
        all.push(began.elapsed().as_secs_f64() * 1e3);
        let left = Duration::from_micros(16_667).saturating_sub(began.elapsed());
        std::thread::sleep(left);
    }
    while port.n_on_their_way() > 0 {
        receive(port)?.result?;
    }
    Ok((all, ports))
}

fn frame(model: &Model) -> Outcome<()> {
    let port = open(model, 1)?;
    println!(
        "| inference | frame p50 | frame p99 | port's part p50 | port's part p99 |\n|---|---|---|---|---|"
    );
    for round in 0..3 {
        for (name, n_asked) in [("idle", 0), ("saturated", 16)] {
            let (mut all, mut ports) = frames(&port, model, n_asked, 300)?;
            println!(
                "| {name} {round} | {:.3} ms | {:.3} ms | {:.3} ms | {:.3} ms |",
                quantile(&mut all, 0.5),
                quantile(&mut all, 0.99),
                quantile(&mut ports, 0.5),
                quantile(&mut ports, 0.99)
            );
        }
    }
    Ok(())
}

fn swap(model: &Model) -> Outcome<()> {
    let port = open(model, 2)?;
    let (mut key, mut asked, mut done, mut answered, mut failed) = (0, 0, 0, 0, 0);
    let began = Instant::now();
    while done < 1000 || port.n_on_their_way() > 0 {
        while done < 1000 && port.n_on_their_way() < 64 {
            ask(&port, model, key)?;
            key += 1;
        }
        while asked < 1000 && asked < done + 2 {
            let next = model.replica("next");
            port.swap(asked % 2, next.make)?;
            asked += 1;
        }
        match port.next_timeout(PATIENCE).ok_or("nothing comes")? {
            Arrival::Reply(reply) if reply.result.is_ok() => answered += 1,
            Arrival::Reply(_) => failed += 1,
            Arrival::Change(change) => {
                let ends = matches!(
                    change.change,
                    Change::Swapped { .. } | Change::SwapFailed { .. }
                );
                done += usize::from(ends);
            }
            Arrival::Piece(_) => {}
        }
    }
    println!("| swaps | sent | answered | failed | seconds |\n|---|---|---|---|---|");
    println!(
        "| {done} | {key} | {answered} | {failed} | {:.1} |",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// A line of `/proc/self/status`, in MiB.
fn memory(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|found| found.strip_prefix(line))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse().ok())
        .map_or(f64::NAN, |kib: f64| kib / 1024.0)
}

fn soak(model: &Model, seconds: u64) -> Outcome<()> {
    let port = open(model, 2)?;
    let began = Instant::now();
    let (mut key, mut next) = (0, 0);
    println!("| after | answered | resident | peak |\n|---|---|---|---|");
    while began.elapsed().as_secs() < seconds || port.n_on_their_way() > 0 {
        while began.elapsed().as_secs() < seconds && port.n_on_their_way() < 256 {
            ask(&port, model, key)?;
            key += 1;
        }
        receive(&port)?.result?;
        if began.elapsed().as_secs() >= next {
            println!(
                "| {next} s | {} | {:.1} MiB | {:.1} MiB |",
                key - port.n_on_their_way() as u64,
                memory("VmRSS:"),
                memory("VmHWM:")
            );
            next += (seconds / 10).max(1);
        }
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let name = arguments
        .next()
        .unwrap_or_else(|| String::from("all-minilm-l6-v2"));
    let seconds = arguments.next().map_or(Ok(60), |text| text.parse())?;
    let store = Store::new(Catalog::built_in(), StoreOptions::from_env()?);
    let never = Arc::new(AtomicBool::new(false));
    let how = LoadOptions {
        precision: match arguments.next().as_deref() {
            Some("int8") => Precision::Int8,
            _ => Precision::F32,
        },
        ..LoadOptions::default()
    };
    let model = store.load(&name, how, &mut |_| {}, &never)?;
    println!("{} from {}\n", model.version(), model.found().source);
    match what.as_str() {
        "batching" => batching(&model),
        "frame" => frame(&model),
        "swap" => swap(&model),
        "soak" => soak(&model, seconds),
        _ => Err("say batching, frame, swap or soak".into()),
    }
}
