//! `diorama whatif`: which is the smallest set of devices that meets a goal.

mod scene;
mod tell;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::atomic::Ordering,
    time::Duration,
};

use bench::{
    CellOptions, Input, Keep, Matrix, Metric, Progressed, Record, Runner, Store,
    build_of_this_program,
    whatif::{
        Configuration, Effort, Goal, Measure, Question, Setting, Study, VariableWorkload, Vary,
        combinations,
    },
};
use plan::Objective;

use self::scene::Variable;
use crate::{
    bench::{progress_bar, refused, show},
    cli::WhatIfArgs,
    error::AppError,
    interrupt, scene_run, threads,
};

/// The most configurations of a study.
const MOST_CONFIGURATIONS: usize = 10_000;

/// Every configuration, ready to run.
#[derive(Default)]
struct Varied {
    /// What the scene or workload is called.
    name: String,
    configurations: Vec<Configuration>,
    inputs: Vec<Input>,
    /// Whether anything has a price.
    has_price: bool,
    /// What is good to know of it.
    notes: Vec<String>,
}

/// Runs what is not finished yet, keeps each run as it ends, and says what came of it.
///
/// # Errors
/// If an argument or the file is wrong, a file cannot be written, it was interrupted, or the goal is
/// not met.
pub(crate) fn whatif(args: &WhatIfArgs) -> Result<(), AppError> {
    let settings = combinations(&args.vary, MOST_CONFIGURATIONS);
    let settings = settings.map_err(|error| AppError::Usage(error.to_string()))?;
    let mut varied = Varied::read(args, settings)?;
    let mut minimise = args.minimise;
    if !varied.has_price && minimise == Measure::Metric(Metric::HoldingCost) {
        minimise = Measure::Replicas;
        varied.notes.push(
            "Nothing has a price there, so that the number of replicas is made small instead; give \
             devices a price, or choose another --minimise."
                .to_owned(),
        );
    }
    let goals = args.goal.iter().flat_map(|goals| goals.0.iter().copied());
    let (study, title, notes) = study(args, varied, goals.collect(), minimise)?;
    tell::plan(&study);
    let mut store = Store::open(&args.out).map_err(|error| refused(error, &args.out))?;
    let is_whole = run(args, &study, &mut store)?;
    let known = tell::Known {
        title,
        study: &study,
        findings: study.findings(&store),
        records: study.matrix.records(&store),
        notes,
    };
    let met = known.conclude(args, is_whole)?;
    if !is_whole {
        let rest = "; the same command goes on where this one ended";
        return Err(AppError::Interrupted(rest.to_owned()));
    }
    met
}

fn study(
    args: &WhatIfArgs,
    varied: Varied,
    goals: Vec<Goal>,
    minimise: Measure,
) -> Result<(Study, String, Vec<String>), AppError> {
    let runners = Runner::policies(&args.policy);
    let runners = runners.map_err(|error| AppError::Usage(error.to_string()))?;
    if runners.is_empty() {
        let what = "nobody decides: name at least one --policy, or all";
        return Err(AppError::Usage(what.to_owned()));
    }
    let build = build_of_this_program().map_err(|cause| AppError::Io {
        path: "diorama".into(),
        doing: "read the program",
        cause,
    })?;
    let seeds = args.seeds.0.clone();
    let study = Study {
        knobs: args.vary.clone(),
        question: Question {
            goals,
            minimise,
            n_seeds: seeds.len() as u32,
        },
        configurations: varied.configurations,
        matrix: Matrix {
            inputs: varied.inputs,
            runners,
            seeds,
            options: CellOptions {
                objective: Objective::default(),
                budget: Duration::ZERO,
                threads: 1,
                keep: Keep::Numbers,
            },
            build,
        },
        effort: if args.full {
            Effort::Full
        } else {
            Effort::Rounds
        },
    };
    Ok((study, varied.name, varied.notes))
}

/// Whether all was run that was to be.
fn run(args: &WhatIfArgs, study: &Study, store: &mut Store) -> Result<bool, AppError> {
    let stop = interrupt::catch();
    let planned = study.planned();
    let bar = progress_bar(Progressed {
        cells: planned.first,
        ..Progressed::default()
    });
    let tell = |record: &Record, now: Progressed| {
        show(&bar, record, now, Duration::ZERO);
    };
    let ran = study.run(store, threads::n_cores(args.threads), stop, tell);
    bar.finish_and_clear();
    let progressed = ran.map_err(|error| refused(error, &args.out))?;
    // A study that was stopped between its rounds has finished what it knew of.
    Ok(progressed.finished == progressed.cells && !stop.load(Ordering::SeqCst))
}

impl Varied {
    fn read(args: &WhatIfArgs, settings: Vec<Vec<Setting>>) -> Result<Self, AppError> {
        let path = &args.scene;
        if scene_run::is_scene(path) {
            Self::of_scene(path, args.profile.as_deref(), settings)
        } else if args.profile.is_some() {
            Err(AppError::Usage(format!(
                "{}: --profile is for scenes; the resources of a workload say how long they take",
                path.display()
            )))
        } else if path.extension().is_some_and(|end| end == "ron") {
            Self::of_workload(path, settings)
        } else {
            Err(AppError::Checked(format!(
                "{}: what-if varies scenes (*.scene.ron) and workloads (*.workload.ron); the machines of \
                 an instance are what they are",
                path.display()
            )))
        }
    }

    fn of_scene(
        path: &Path,
        profile: Option<&str>,
        settings: Vec<Vec<Setting>>,
    ) -> Result<Self, AppError> {
        let scene = Variable::read(path, profile)?;
        let mut varied = Self {
            name: scene.name().to_owned(),
            has_price: scene.has_price(),
            ..Self::default()
        };
        let n = settings.len();
        let mut left_out = BTreeMap::<String, usize>::new();
        for settings in settings {
            let made = scene.varied(settings);
            let (configuration, input, without) =
                made.map_err(|error| AppError::Usage(error.to_string()))?;
            varied.configurations.push(configuration);
            varied.inputs.push(input);
            for name in BTreeSet::from_iter(without) {
                *left_out.entry(name).or_default() += 1;
            }
        }
        varied.notes = left_out
            .into_iter()
            .map(|(name, times)| {
                format!(
                    "The faults of {name:?} are left out of {times} of {n} configurations, which are \
                     without it."
                )
            })
            .collect();
        Ok(varied)
    }

    fn of_workload(path: &Path, settings: Vec<Vec<Setting>>) -> Result<Self, AppError> {
        let workload = VariableWorkload::read(path)?;
        let made = settings
            .into_iter()
            .map(|settings| workload.varied(settings))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| AppError::Usage(error.to_string()))?;
        let (configurations, inputs) = made.into_iter().unzip();
        Ok(Self {
            name: workload.workload().name.clone(),
            has_price: workload
                .workload()
                .resources
                .iter()
                .any(|it| it.price_per_sec > 0.0),
            configurations,
            inputs,
            notes: Vec::new(),
        })
    }
}

/// Reads a knob with its values.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_vary(text: &str) -> Result<Vary, String> {
    Vary::parse(text).map_err(|error| error.to_string())
}

/// Reads goals.
///
/// # Errors
/// What is wrong with the first that is wrong.
pub(crate) fn parse_goals(text: &str) -> Result<Goals, String> {
    Goal::parse_list(text)
        .map(Goals)
        .map_err(|error| error.to_string())
}

/// Reads what is to be small.
///
/// # Errors
/// What there is, if this is not.
pub(crate) fn parse_measure(text: &str) -> Result<Measure, String> {
    Measure::parse(text).map_err(|error| error.to_string())
}

/// Goals with commas between.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Goals(pub(crate) Vec<Goal>);
