//! `diorama fidelity`: runs a scene in measured and in modelled time and tells how far they are apart.

mod load;
mod meters;
mod run;
mod tell;

use std::sync::Arc;

use agents::MeetingInput;
use inference::{Compared, compare, compare_quantiles, median};
use record::ProfileUsed;
use rooms::{CALIBRATED, Scene};
use schedule::{Charge, Engine, EngineOptions, PolicyName};
use sim::{SimSpan, Streams};

use self::{
    load::faster,
    meters::Meters,
    run::{Spans, run},
};
use crate::{
    cli::{FRESH, FidelityArgs, Load, OutputMode, RunOptions, TimeMode},
    error::AppError,
    interrupt, models, profiles, report,
    session::{NOISE, Session},
};

/// How far off modelled time may be.
const MOST_ERROR: f64 = 0.05;
/// The profile that stands for what the scene says.
const OF_SCENE: &str = "scene";
/// How much faster than its file says a scene may be to press its replicas.
const FASTEST: f64 = 1e6;

/// How hard replicas are pressed, and what was run at that.
struct Pressed {
    /// What the load is called, if it has a name.
    name: Option<&'static str>,
    /// How many times as fast everything goes on that takes no model.
    times: f64,
    measured: Vec<Spans>,
    modelled: Vec<Spans>,
}

/// What came of one load.
struct Outcome {
    /// What the load is called, if it has a name.
    name: Option<&'static str>,
    /// How many times as fast everything went on that takes no model.
    times: f64,
    /// The share of the time in which replicas were busy, in measured time.
    busy: f64,
    /// Tasks that were done in a measured run, and batches of replicas: the median over repetitions.
    n_tasks: f64,
    n_batches: f64,
    /// Makespan and latency of tasks, which are held to the limit.
    tasks: Vec<Compared>,
    /// How long subtasks and batches took on replicas.
    replicas: Vec<Compared>,
}

/// A scene that is compared, and how.
struct Comparison<'a> {
    args: &'a FidelityArgs,
    options: RunOptions,
    scene: Scene,
    meeting: MeetingInput,
    policy: PolicyName,
    profiles: Vec<ProfileUsed>,
}

/// `diorama fidelity`.
///
/// Both times get the same scene, outputs and policy. Measured time is repeated, modelled time is run
/// as often, with seeds that follow that of the scene.
///
/// # Errors
/// If the scene is wrong or has no replicas, a model cannot be had, or a profile is not there.
pub(crate) fn fidelity(args: &FidelityArgs) -> Result<(), AppError> {
    let options = run_options(args);
    let mut scene = Session::read_scene(&args.scene, &options)?;
    if scene.replicas.is_empty() {
        return Err(AppError::Usage(format!(
            "the scene {:?} has no replicas, so that nothing in it can be measured",
            scene.name
        )));
    }
    let asked = profiles::Asked {
        profile: match args.profile.as_str() {
            OF_SCENE => None,
            FRESH => Some(CALIBRATED),
            name => Some(name),
        },
        model: args.model.as_deref(),
        threads: args.threads,
        measured: &[],
    };
    let mut meters = match args.profile == FRESH {
        true => Meters::open(&mut scene, asked)?,
        false => Meters::default(),
    };
    let mut comparison = Comparison {
        args,
        options,
        policy: args.policy.or(scene.policy).unwrap_or(PolicyName::Fifo),
        profiles: meters.apply(&mut scene, asked)?,
        meeting: MeetingInput::read(&scene, None, Vec::new())?,
        scene,
    };
    let loads = args.loads.iter().map(|load| comparison.pressed(*load));
    let mut loads = loads.collect::<Result<Vec<_>, _>>()?;
    for n in 0..u64::from(args.repetitions) {
        // In turns, so that whatever else the machine does meets all of them.
        for load in &mut loads {
            load.measured.push(comparison.measured(load.times, n)?);
            meters.round()?;
        }
    }
    comparison.profiles = meters.apply(&mut comparison.scene, asked)?;
    for load in &mut loads {
        for n in 0..u64::from(args.repetitions) {
            load.modelled.push(comparison.modelled(load.times, n)?);
        }
    }
    let outcomes: Vec<Outcome> = loads.iter().map(outcome).collect();
    let printed = match args.json {
        true => format!("{:#}\n", tell::in_json(&comparison, &outcomes)),
        false => tell::in_words(&comparison, &outcomes),
    };
    report::print(&printed);
    Ok(())
}

fn run_options(args: &FidelityArgs) -> RunOptions {
    RunOptions {
        input: None,
        ask: Vec::new(),
        policy: args.policy,
        time: TimeMode::Measured,
        outputs: OutputMode::Real,
        from: None,
        seed: None,
        threads: args.threads,
        model_memory: None,
        model: args.model.clone(),
        profile: None,
        // Another model than the one whose profile is judged would be no comparison.
        strict_model: true,
        out: None,
    }
}

impl Comparison<'_> {
    /// A load that nothing was run at yet.
    fn pressed(&self, load: Load) -> Result<Pressed, AppError> {
        let (name, times) = match load {
            Load::Faster(times) => (None, times),
            Load::Busy(share, name) => (Some(name), self.times_until(share)?),
        };
        Ok(Pressed {
            name,
            times,
            measured: Vec::new(),
            modelled: Vec::new(),
        })
    }

    fn measured(&self, times: f64, n: u64) -> Result<Spans, AppError> {
        self.run(times, Charge::Measured, n)
    }

    fn modelled(&self, times: f64, n: u64) -> Result<Spans, AppError> {
        self.run(times, Charge::Modelled { noise: NOISE }, n)
    }

    fn run(&self, times: f64, charge: Charge, n: u64) -> Result<Spans, AppError> {
        let (scene, meeting) = faster((self.scene.clone(), self.meeting.clone()), times);
        let scene = Arc::new(scene);
        let port = models::serve(&scene, &self.options)?.port;
        let options = self.engine(charge, times, n);
        finished(run(&scene, &meeting, options, Some(port)))
    }

    fn engine(&self, charge: Charge, times: f64, n: u64) -> EngineOptions {
        let streams = Streams::new(self.scene.seed.wrapping_add(n));
        let usual = EngineOptions::new(self.policy, charge, streams);
        EngineOptions {
            device_memory: self.scene.device_memory(),
            retry_delay: SimSpan((usual.retry_delay.0 as f64 / times).round() as u64),
            ..usual
        }
    }

    /// How many times as fast the scene must go on to keep its replicas busy for a share of the time,
    /// by modelled time without models; the fastest that is tried, if that is never enough.
    fn times_until(&self, share: f64) -> Result<f64, AppError> {
        let charge = Charge::Modelled { noise: 0.0 };
        Engine::new(self.scene.resources(), self.engine(charge, 1.0, 0))?;
        let (mut low, mut high) = (0.0, FASTEST.log2());
        // Between powers of two, to a hundredth of one.
        while high - low > 0.01 {
            let middle = f64::midpoint(low, high);
            let times = middle.exp2();
            let (scene, meeting) = faster((self.scene.clone(), self.meeting.clone()), times);
            let options = self.engine(charge, times, 0);
            let spans = finished(run(&Arc::new(scene), &meeting, options, None))?;
            match spans.busy < share {
                true => low = middle,
                false => high = middle,
            }
        }
        Ok(high.exp2().round().max(1.0))
    }
}

fn finished(spans: Spans) -> Result<Spans, AppError> {
    if interrupt::caught() {
        return Err(AppError::Interrupted(String::new()));
    }
    if spans.n_failed > 0 {
        report::note(&format!("note: {} tasks failed in a run", spans.n_failed));
    }
    Ok(spans)
}

fn outcome(of: &Pressed) -> Outcome {
    type Part = fn(&Spans) -> &[f64];
    let quantiles = |what, part: Part| {
        let each = |runs: &[Spans]| -> Vec<Vec<f64>> {
            runs.iter().map(|spans| part(spans).to_vec()).collect()
        };
        compare_quantiles(what, &each(&of.measured), &each(&of.modelled))
    };
    let figure = |what, part: fn(&Spans) -> f64| {
        let each = |runs: &[Spans]| -> Vec<f64> { runs.iter().map(part).collect() };
        compare(what, &each(&of.measured), &each(&of.modelled))
    };
    let middle = |part: fn(&Spans) -> f64| {
        let all: Vec<f64> = of.measured.iter().map(part).collect();
        median(&all)
    };
    let mut tasks = vec![figure("makespan", |spans| spans.makespan)];
    tasks.extend(quantiles("task latency", |spans| &spans.tasks));
    let mut replicas = quantiles("subtask on replica", |spans| &spans.subtasks);
    replicas.extend(quantiles("batch", |spans| &spans.batches));
    replicas.push(figure("all batches", |spans| spans.batches.iter().sum()));
    Outcome {
        name: of.name,
        times: of.times,
        busy: middle(|spans| spans.busy),
        n_tasks: middle(|spans| spans.tasks.len() as f64),
        n_batches: middle(|spans| spans.batches.len() as f64),
        tasks,
        replicas,
    }
}

/// The largest error of what is held to the limit.
fn worst(outcomes: &[Outcome]) -> f64 {
    let errors = outcomes.iter().flat_map(|outcome| &outcome.tasks);
    errors.map(|one| one.error().abs()).fold(0.0, f64::max)
}
