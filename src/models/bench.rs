//! `diorama models bench`: how fast a model answers through a port, as apps ask it, and in how much memory.

mod drive;
mod figures;
mod inputs;
mod process;

use inference::{GenerateOptions, Machine, PortOptions, Request, Skill, Store};
use serde_json::{Value, json};

use self::{
    drive::{Until, drive, now},
    figures::Figures,
    inputs::Inputs,
    process::Memory,
};
use super::{ask::skill_of, single::Single};
use crate::{cli::BenchModelArgs, error::AppError, report, threads};

/// Requests on their way to each replica for it to have no pause: one that runs, one that waits.
const IN_FLIGHT: usize = 2;
/// Texts at once if not said, where a pass takes many.
const BATCH: u16 = 32;
/// An hour: whoever waits for an answer gives up with Ctrl-C.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3600);

/// Measures.
///
/// # Errors
/// If the model cannot be had or does not answer.
pub(super) fn bench(store: &Store, args: &BenchModelArgs) -> Result<(), AppError> {
    let skill = skill_of(store, &args.name, args.skill)?;
    let n_replicas = usize::from(args.replicas);
    let n_threads = (threads::n_cores(args.load.threads) / n_replicas).max(1);
    let before = Memory::now();
    let began = now();
    let options = PortOptions {
        max_batch_tokens: args.pass_tokens,
        queue_bytes: usize::MAX / 2,
        queue_tokens: u64::MAX / 2,
        pass_limit: PATIENCE,
        ..PortOptions::default()
    };
    let single = Single::open(store, &args.name, &args.load, n_replicas, options)?;
    let inputs = Inputs::new(&single, skill, args)?;
    let first = inputs.first_request(skill);
    drive(&single, 1, Until::Rounds(1), &mut |_| first.clone())?;
    let mut figures = Figures::default();
    figures.set("model", json!(single.model().version()));
    figures.set("skill", json!(skill.name()));
    figures.set("precision", json!(args.load.precision.name()));
    figures.set("batch", json!(batch(args, skill)));
    figures.set("replicas", json!(n_replicas));
    figures.set("machine", json!(Machine::of(args.load.options(n_threads))));
    figures.set(
        "first_answer_secs",
        process::secs_since_start().map_or(Value::Null, |secs| json!(secs)),
    );
    figures.set("loaded_secs", json!(began.elapsed().as_secs_f64()));
    let loaded = Memory::now();
    let bench = Bench {
        single: &single,
        inputs: &inputs,
        n_inputs: usize::from(batch(args, skill)),
        n_replicas,
        args,
    };
    match skill {
        Skill::Generate => bench.generation(&mut figures)?,
        Skill::Transcribe => bench.passes(&mut figures, skill, Some(inputs.mean_secs()))?,
        Skill::Embed | Skill::Classify | Skill::Tag => bench.passes(&mut figures, skill, None)?,
    }
    figures.memory(
        weights_bytes(store, single.model().version()),
        [before, loaded, Memory::now()],
    );
    if args.json {
        report::print(&format!("{:#}\n", figures.json()));
    } else {
        report::print(&figures.text());
    }
    Ok(())
}

fn batch(args: &BenchModelArgs, skill: Skill) -> u16 {
    args.batch.unwrap_or(match skill {
        Skill::Generate | Skill::Transcribe => 1,
        Skill::Embed | Skill::Classify | Skill::Tag => BATCH,
    })
}

/// The bytes of the file of a model's weights, where it has one.
fn weights_bytes(store: &Store, version: &str) -> Option<u64> {
    let entry = store.resolve(version).ok()?;
    let weights = entry.weights.as_deref()?;
    let file = entry.files.iter().find(|file| file.name == weights)?;
    Some(file.bytes)
}

/// What is measured.
struct Bench<'a> {
    single: &'a Single,
    inputs: &'a Inputs,
    n_inputs: usize,
    n_replicas: usize,
    args: &'a BenchModelArgs,
}

impl Bench<'_> {
    /// Half of the time, or as many rounds as were asked for.
    fn until(&self) -> Until {
        match self.args.rounds {
            Some(rounds) => Until::Rounds(rounds as usize),
            None => Until::Secs(self.args.seconds / 2.0),
        }
    }

    /// Models that answer in single passes: one request after the other, then as many as keep all
    /// replicas busy.
    fn passes(
        &self,
        figures: &mut Figures,
        skill: Skill,
        sound_secs: Option<f64>,
    ) -> Result<(), AppError> {
        let mut request = |nth: usize| {
            let from = nth * self.n_inputs;
            let inputs = (from..from + self.n_inputs).map(|at| self.inputs.get(at));
            Request::new(
                0,
                inputs::ask_for(skill, GenerateOptions::default()),
                inputs.collect(),
            )
        };
        let in_flight = IN_FLIGHT * self.n_replicas;
        drive(
            self.single,
            in_flight,
            Until::Rounds(in_flight),
            &mut request,
        )?;
        let alone = drive(self.single, 1, self.until(), &mut request)?;
        let until = match self.until() {
            Until::Rounds(rounds) => Until::Rounds(rounds * self.n_replicas),
            secs @ Until::Secs(_) => secs,
        };
        let busy = drive(self.single, in_flight, until, &mut request)?;
        figures.set(
            "tokens_per_input",
            json!(busy.tokens as f64 / busy.inputs as f64),
        );
        figures.set("inputs_per_sec", json!(busy.inputs as f64 / busy.secs));
        figures.set("tokens_per_sec", json!(busy.tokens as f64 / busy.secs));
        if let Some(sound_secs) = sound_secs {
            figures.set("sound_secs_per_input", json!(sound_secs));
            let heard = sound_secs * busy.inputs as f64;
            figures.set("times_real_time", json!(heard / busy.secs));
        }
        figures.latencies("latency_ms", &alone.latencies);
        figures.set(
            "tokenising_share",
            json!(alone.encoded_secs / alone.pass_secs.max(f64::MIN_POSITIVE)),
        );
        figures.set(
            "tokenising_share_busy",
            json!(busy.encoded_secs / busy.pass_secs.max(f64::MIN_POSITIVE)),
        );
        Ok(())
    }

    /// Models that generate: a run of one token each says how long reading takes, and what a longer
    /// run takes beside is writing. All prompts differ, so that none profits from another.
    fn generation(&self, figures: &mut Figures) -> Result<(), AppError> {
        let n = self.n_inputs * self.n_replicas;
        let run = |max_tokens: u16, from: usize| {
            let prompts: Vec<_> = (from..from + n).map(|nth| self.inputs.get(nth)).collect();
            let options = GenerateOptions {
                max_tokens: max_tokens.into(),
                ..GenerateOptions::default()
            };
            let ask = inputs::ask_for(Skill::Generate, options);
            drive(self.single, n, Until::Rounds(n), &mut |nth| {
                Request::new(0, ask.clone(), vec![prompts[nth].clone()])
            })
        };
        run(2, 0)?;
        let began = now();
        let (mut reading, mut writing) = (Vec::new(), Vec::new());
        let (mut firsts, mut wholes) = (Vec::new(), Vec::new());
        let (mut written, mut prompts) = (0, 0);
        for round in 1.. {
            let read = run(1, 2 * round * n)?;
            let whole = run(self.args.output_tokens, (2 * round + 1) * n)?;
            reading.push(read.tokens as f64 / read.secs);
            let more = whole.generated.saturating_sub(read.generated) as f64;
            writing.push(more / (whole.secs - read.secs).max(f64::MIN_POSITIVE));
            firsts.extend(read.latencies);
            wholes.extend(whole.latencies);
            written += whole.generated;
            prompts += whole.tokens;
            let is_over = match self.args.rounds {
                Some(rounds) => round >= rounds as usize,
                None => began.elapsed().as_secs_f64() >= self.args.seconds,
            };
            if is_over {
                break;
            }
        }
        let n_wholes = wholes.len() as f64;
        figures.set("tokens_per_input", json!(prompts as f64 / n_wholes));
        figures.set("output_tokens_per_input", json!(written as f64 / n_wholes));
        figures.set("prefill_tokens_per_sec", json!(inference::median(&reading)));
        figures.set("decode_tokens_per_sec", json!(inference::median(&writing)));
        figures.latencies("first_token_ms", &firsts);
        figures.latencies("latency_ms", &wholes);
        Ok(())
    }
}
