//! Measures the event engine: layered graphs, queues and messages to and fro, with events a second
//! of processor time and peak memory.
#![expect(clippy::print_stdout, reason = "a table is what it is for")]

use clap::Parser;
use rand::Rng as _;
use rand_distr::Exp1;
use rustix::time::{ClockId, clock_gettime};
use schedule::{
    Charge, Engine, EngineOptions, FactLevel, LatencyProfile, OwnerId, PolicyName, ResourceKind,
    ResourceSpec, Skill, Spread, SubtaskId, SubtaskSpec, TaskId, TaskSpec,
};
use sim::{SimSpan, SimTime, Streams};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Runs one kind of workload at several sizes.
#[derive(Parser)]
struct Cli {
    /// Which: `layers` (each subtask needs two of the layer before), `queue` (M/M/c, one task a
    /// customer), `pingpong` (a chain between two resources).
    kind: String,
    /// How many subtasks.
    #[arg(default_values_t = [10_000, 100_000, 1_000_000])]
    sizes: Vec<u32>,
    /// Who decides.
    #[arg(long, default_value = "fifo")]
    policy: PolicyName,
    /// How many resources, for layers and queue.
    #[arg(long, default_value_t = 8)]
    resources: u32,
    /// How many subtasks one starts together, for layers.
    #[arg(long, default_value_t = 1)]
    slots: u32,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    println!(
        "kind      policy    subtasks  build s    run s  events/s  subtasks/s  decisions  peak MiB  end"
    );
    for &n in &cli.sizes {
        let (engine, build) = timed(|| build(&cli, n));
        let mut engine = engine?;
        let (end, run) = timed(|| engine.run());
        assert_eq!(engine.n_unfinished(), 0, "every subtask must be done");
        println!(
            "{:9} {:8} {n:9} {build:8.3} {run:8.3} {:9.0} {:11.0} {:10} {:9}  {end}",
            cli.kind,
            cli.policy.to_string(),
            engine.counts().events() as f64 / run,
            f64::from(n) / (build + run),
            engine.counts().decisions,
            peak_mib(),
        );
    }
    Ok(())
}

/// With the processor time it took, in seconds: the core may be shared with others.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let began = processor_secs();
    let result = work();
    (result, processor_secs() - began)
}

fn processor_secs() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The most memory that the process has had, where the system says so.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

fn build(cli: &Cli, n: u32) -> Result<Engine> {
    match cli.kind.as_str() {
        "layers" => layers(cli, n),
        "queue" => queue(cli, n),
        "pingpong" => pingpong(cli, n),
        other => Err(format!("unknown kind {other:?}").into()),
    }
}

fn options(cli: &Cli) -> EngineOptions {
    let charge = Charge::Modelled { noise: 0.0 };
    EngineOptions {
        facts: FactLevel::Quiet,
        ..EngineOptions::new(cli.policy, charge, Streams::new(1))
    }
}

fn resource(n: u32, skill: Skill, profile: LatencyProfile) -> ResourceSpec {
    let kind = ResourceKind::Replica { model: "m".into() };
    ResourceSpec::new(format!("r{n}"), kind, vec![(skill, profile)])
}

/// One task in layers of a thousand.
fn layers(cli: &Cli, n: u32) -> Result<Engine> {
    let mut rng = Streams::new(1).stream("layers", 0);
    let pool = (0..cli.resources).map(|r| {
        let slowness = u64::from(1 + r % 4);
        let profile = LatencyProfile {
            fixed: SimSpan(2_000_000 * slowness),
            per_item: SimSpan(100_000 * slowness),
            per_token: SimSpan(10_000 * slowness),
        };
        ResourceSpec {
            slots: cli.slots,
            ..resource(r, Skill::Embed, profile)
        }
    });
    let mut engine = Engine::new(pool.collect(), options(cli))?;
    engine.reserve(1, n as usize);
    let now = SimTime::ZERO;
    let task = engine.open_task(now, TaskSpec::new("", OwnerId(0)));
    let width = 1000;
    for id in 0..n {
        let items = rng.random_range(1..8);
        let first = (id / width).saturating_sub(1) * width;
        let after = if id < width {
            Vec::new()
        } else {
            vec![
                SubtaskId(first + rng.random_range(0..width)),
                SubtaskId(first + rng.random_range(0..width)),
            ]
        };
        let spec = SubtaskSpec {
            after,
            items,
            tokens: items * 20,
            ..SubtaskSpec::new(task, Skill::Embed)
        };
        engine.add_subtask(now, spec)?;
    }
    engine.close_task(now, task);
    Ok(engine)
}

/// Customers that arrive by chance at a queue with several servers, 80 % busy.
fn queue(cli: &Cli, n: u32) -> Result<Engine> {
    let mut rng = Streams::new(2).stream("arrivals", 0);
    let mean = 1_000_000.0;
    let pool = (0..cli.resources).map(|r| ResourceSpec {
        spread: Spread::Exponential,
        ..resource(r, Skill::Embed, LatencyProfile::fixed(SimSpan(mean as u64)))
    });
    let mut engine = Engine::new(pool.collect(), options(cli))?;
    engine.reserve(n as usize, n as usize);
    let customer = SubtaskSpec::new(TaskId(0), Skill::Embed);
    let gap = mean / f64::from(cli.resources) / 0.8;
    let mut at = 0.0;
    for _ in 0..n {
        at += gap * rng.sample::<f64, _>(Exp1);
        let spec = TaskSpec {
            release: Some(SimTime(at as u64)),
            ..TaskSpec::new("", OwnerId(0))
        };
        let task = engine.open_task(SimTime::ZERO, spec);
        engine.add_alike(SimTime::ZERO, &customer, task, &[])?;
        engine.close_task(SimTime::ZERO, task);
    }
    Ok(engine)
}

/// Two resources that answer each other: each subtask is one message, on its way for its span.
fn pingpong(cli: &Cli, n: u32) -> Result<Engine> {
    let skills = [Skill::Embed, Skill::Answer];
    let pool = (0..2).map(|r| {
        let profile = LatencyProfile::fixed(SimSpan(100_000_000));
        resource(r, skills[r as usize], profile)
    });
    let mut engine = Engine::new(pool.collect(), options(cli))?;
    engine.reserve(1, n as usize);
    let now = SimTime::ZERO;
    let task = engine.open_task(now, TaskSpec::new("", OwnerId(0)));
    let messages = skills.map(|skill| SubtaskSpec::new(task, skill));
    let mut last = None;
    for id in 0..n {
        let message = &messages[id as usize % 2];
        last = Some(engine.add_alike(now, message, task, last.as_slice())?);
    }
    engine.close_task(now, task);
    Ok(engine)
}
