//! Runs a trace of requests to a language model through replicas that batch continuously: requests a
//! second of this program, latencies of the simulated service, and a hash of all facts.
#![expect(clippy::print_stdout, reason = "a table is what it is for")]

use std::{path::PathBuf, time::Instant};

use clap::Parser;
use schedule::{
    Charge, Engine, EngineFact, EngineOptions, FactLevel, LatencyProfile, Memory, OwnerId,
    PolicyName, ResourceKind, ResourceSpec, Skill, SubtaskSpec, TaskSpec, TokenBatching,
};
use sim::{SimSpan, SimTime, Streams};
use workloads::{Requests, read_trace_file};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Runs a trace of the Azure LLM inference data set, or one of Mooncake.
#[derive(Parser)]
struct Cli {
    /// The trace: CSV with time, context tokens, generated tokens, or JSON lines.
    trace: PathBuf,
    /// Who decides which replica a request goes to.
    #[arg(long, default_value = "fifo")]
    policy: PolicyName,
    /// How many replicas.
    #[arg(long, default_value_t = 4)]
    replicas: u32,
    /// How often the trace is repeated, one after another.
    #[arg(long, default_value_t = 1)]
    repeat: u32,
    /// Whether facts are stated and hashed; without, they are only counted.
    #[arg(long)]
    facts: bool,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let requests = read_trace_file(&cli.trace, None)?;
    let began = now();
    let mut engine = engine(&cli, &requests)?;
    let built = began.elapsed().as_secs_f64();
    let (mut hash, mut n_facts) = (0xcbf2_9ce4_8422_2325, 0_u64);
    let mut first_tokens = Vec::new();
    let end = engine.run_with(|at, fact| {
        n_facts += 1;
        if let EngineFact::SubtaskFinished {
            waited,
            first_token: Some(first),
            ..
        } = &fact
        {
            first_tokens.push((*waited + *first).as_secs_f64());
        }
        hash = serde_json::to_vec(&(at, &fact))
            .unwrap_or_default()
            .iter()
            .fold(hash, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
    });
    let secs = began.elapsed().as_secs_f64();
    let n = engine.subtasks().len();
    println!(
        "requests    {n}, of which {} done",
        engine.counts().finished
    );
    println!(
        "real time   {secs:.3} s ({built:.3} s to hand in), {:.0} requests/s",
        n as f64 / secs
    );
    println!(
        "events      {} ({:.0}/s)",
        engine.counts().events(),
        engine.counts().events() as f64 / secs
    );
    println!(
        "simulated   {end}, {} sequences lost their memory for a while",
        engine.counts().preempted
    );
    let flows = engine
        .tasks()
        .iter()
        .filter_map(|task| Some((task.ended_at()? - task.spec.release()?).as_secs_f64()));
    print_percentiles("latency s", flows.collect());
    if cli.facts {
        print_percentiles("first token s", first_tokens);
        println!("facts       {n_facts}, FNV-1a {hash:016x}");
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "wall time is what is measured")]
fn now() -> Instant {
    Instant::now()
}

fn print_percentiles(what: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * values.len() as f64) as usize;
        values
            .get(place.min(values.len().saturating_sub(1)))
            .copied()
            .unwrap_or(0.0)
    };
    println!(
        "{what:13} p50 {:.3}, p95 {:.3}, p99 {:.3}",
        at(0.5),
        at(0.95),
        at(0.99)
    );
}

/// Replicas of a model of 7 billion parameters on a card with 80 GB, and all requests of the trace.
fn engine(cli: &Cli, requests: &Requests) -> Result<Engine> {
    let profile = LatencyProfile {
        fixed: SimSpan(8_000_000),
        per_item: SimSpan(60_000),
        per_token: SimSpan(35_000),
    };
    let pool = (0..cli.replicas).map(|n| {
        let kind = ResourceKind::Replica {
            model: "llm".into(),
        };
        ResourceSpec {
            slots: 256,
            memory: Some(Memory {
                bytes: 60 << 30,
                models: Vec::new(),
            }),
            continuous: Some(TokenBatching {
                budget: 2048,
                kv_bytes_per_token: 512 << 10,
            }),
            ..ResourceSpec::new(
                format!("replica {n}"),
                kind,
                vec![(Skill::Generate, profile)],
            )
        }
    });
    let options = EngineOptions {
        facts: if cli.facts {
            FactLevel::All
        } else {
            FactLevel::Quiet
        },
        ..EngineOptions::new(cli.policy, Charge::Modelled { noise: 0.0 }, Streams::new(1))
    };
    let mut engine = Engine::new(pool.collect(), options)?;
    let whole = requests.get(requests.len() - 1).arrival - SimTime::ZERO;
    for round in 0..cli.repeat {
        for request in requests.iter() {
            let spec = TaskSpec {
                release: Some(request.arrival + SimSpan(whole.0 * u64::from(round))),
                ..TaskSpec::new("", OwnerId(0))
            };
            let task = engine.open_task(SimTime::ZERO, spec);
            let spec = SubtaskSpec {
                tokens: request.prompt_tokens,
                output_tokens: request.output_tokens,
                ..SubtaskSpec::new(task, Skill::Generate)
            };
            engine.add_subtask(SimTime::ZERO, spec)?;
            engine.close_task(SimTime::ZERO, task);
        }
    }
    Ok(engine)
}
