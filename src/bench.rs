//! `diorama bench`: a matrix of inputs, deciders and seeds, run cell by cell and reported on.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use bench::{
    BestKnown, CellOptions, Input, InputError, Keep, Matrix, Metric, Outcome, Progressed, Record,
    Results, Runner, Serving, Store, StoreError, build_of_this_program, write_report,
};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use serde_json::json;
use workloads::ReadOptions;

use crate::{cli::BenchArgs, error::AppError, interrupt, report, scene_run, threads};

/// How often the progress bar is drawn anew.
const TICK: Duration = Duration::from_millis(200);

/// Runs what is not finished yet, keeps each cell as it ends, and writes the report.
///
/// # Errors
/// If an input or a name is wrong, a file cannot be written, or the bench was interrupted.
pub(crate) fn bench(args: &BenchArgs) -> Result<(), AppError> {
    let matrix = matrix(args)?;
    let best = best_known(args, &matrix)?;
    let mut store = Store::open(&args.out).map_err(|error| refused(error, &args.out))?;
    let cannot_write = |what: &str| {
        let path = args.out.join(what);
        let doing = "write";
        move |cause| AppError::Io { path, doing, cause }
    };
    let mut results = Results::begin(&args.out, &matrix.records(&store))
        .map_err(cannot_write("results.csv and results.parquet"))?;
    let bar = progress_bar(matrix.progressed(&store));
    let mut written = Ok(());
    let tell = |record: &Record, now: Progressed| {
        show(&bar, record, now, args.budget);
        if written.is_ok() {
            written = results.push(record);
        }
    };
    let n_threads = threads::n_cores(args.threads);
    let ran = matrix.run(&mut store, n_threads, interrupt::catch(), tell);
    bar.finish_and_clear();
    let written = written.and_then(|()| results.finish());
    let progressed = ran.map_err(|error| refused(error, &args.out))?;
    written.map_err(cannot_write("results.csv and results.parquet"))?;
    let page = args.out.join("report.html");
    let records = matrix.records(&store);
    let objective = Metric::of_objective(args.objective);
    write_report(&page, "Diorama bench", &records, &best, Some(objective))
        .map_err(cannot_write("report.html"))?;
    let untraceable = matrix.n_untraceable(&store);
    if untraceable > 0 {
        report::note(&format!(
            "{untraceable} cells of planners were finished before traces were asked for and have none: \
             they do not repeat what they did; use another folder to run them again"
        ));
    }
    conclude(args, &matrix, progressed, &records, &page);
    if progressed.finished < progressed.cells && interrupt::caught() {
        let rest = "; the same command goes on where this one ended";
        return Err(AppError::Interrupted(rest.to_owned()));
    }
    Ok(())
}

/// What is run, read and checked.
fn inputs(args: &BenchArgs) -> Result<Vec<Input>, AppError> {
    let options = ReadOptions {
        processors: args.processors,
        ..ReadOptions::default()
    };
    let refused = |error: InputError| AppError::Checked(error.to_string());
    let serving = match &args.pool {
        Some(path) => Serving::read(path).map_err(refused)?,
        None => Serving::standard(args.replicas),
    };
    let read = |path: &PathBuf| match scene_run::is_scene(path) {
        true => scene_run::input(path),
        false => Input::read_served(path, &options, &serving).map_err(refused),
    };
    let inputs = args
        .inputs
        .iter()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(tell_apart(&args.inputs, inputs))
}

/// Leaves out what is there twice, and calls inputs whose files share a name by their whole paths.
fn tell_apart(paths: &[PathBuf], inputs: Vec<Input>) -> Vec<Input> {
    let mut known = BTreeSet::new();
    let mut n_by_name = BTreeMap::<String, usize>::new();
    let inputs = paths.iter().zip(inputs);
    let mut inputs: Vec<_> = inputs
        .filter(|(_, input)| known.insert(input.hash.clone()))
        .collect();
    for (_, input) in &inputs {
        *n_by_name.entry(input.name.clone()).or_default() += 1;
    }
    for (path, input) in &mut inputs {
        if n_by_name.get(&input.name).is_some_and(|n| *n > 1) {
            input.name = path.display().to_string();
        }
    }
    inputs.into_iter().map(|(_, input)| input).collect()
}

fn matrix(args: &BenchArgs) -> Result<Matrix, AppError> {
    let inputs = inputs(args)?;
    let named = |list: &str, of: fn(&str) -> Result<Vec<Runner>, bench::UnknownRunner>| {
        let list = if list == "none" { "" } else { list };
        of(list).map_err(|error| AppError::Usage(error.to_string()))
    };
    let runners = [
        named(&args.policy, Runner::policies)?,
        named(&args.list, Runner::lists)?,
        named(&args.planner, Runner::planners)?,
    ]
    .concat();
    if runners.is_empty() {
        let what = "nobody decides: name a --policy, a --list or a --planner";
        return Err(AppError::Usage(what.to_owned()));
    }
    let idle = inputs
        .iter()
        .find(|input| !runners.iter().any(|runner| input.kind.suits(*runner)));
    if let Some(Input { name, .. }) = idle {
        let what = format!("only instances are planned, and {name:?} is none: name a --policy");
        return Err(AppError::Usage(what));
    }
    let build = build_of_this_program().map_err(|cause| AppError::Io {
        path: "diorama".into(),
        doing: "read the program",
        cause,
    })?;
    Ok(Matrix {
        inputs,
        runners,
        seeds: args.seeds.0.clone(),
        options: CellOptions {
            objective: args.objective,
            budget: args.budget,
            threads: threads::n_cores(args.threads),
            keep: if args.trace {
                Keep::Traces
            } else {
                Keep::Charts
            },
        },
        build,
    })
}

/// The best known values that were named, if any; tells of those that are of no input.
fn best_known(args: &BenchArgs, matrix: &Matrix) -> Result<BestKnown, AppError> {
    const SHOWN: usize = 5;
    let Some(path) = &args.best else {
        return Ok(BestKnown::default());
    };
    let best = BestKnown::read(path).map_err(|error| AppError::Checked(error.to_string()))?;
    let strangers = best.strangers(matrix.inputs.iter().map(|input| input.name.as_str()));
    if !strangers.is_empty() {
        let more = if strangers.len() > SHOWN { ", …" } else { "" };
        let shown = &strangers[..strangers.len().min(SHOWN)];
        report::note(&format!(
            "{}: {} of {} names are of no input: {}{more}",
            path.display(),
            strangers.len(),
            best.len(),
            shown.join(", ")
        ));
    }
    Ok(best)
}

/// Shows nothing where standard error is no terminal.
pub(crate) fn progress_bar(now: Progressed) -> ProgressBar {
    const TEMPLATE: &str = "{bar:24} {pos}/{len} cells, {elapsed}{prefix}  {wide_msg}";
    let style = ProgressStyle::with_template(TEMPLATE);
    let bar = ProgressBar::new(now.cells as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_position(now.finished as u64);
    // What earlier goes finished says nothing of how fast this one is.
    bar.reset_eta();
    bar.enable_steady_tick(TICK);
    bar
}

/// Shows the cell that ended last, and how long the others may take, where a search takes `budget`.
pub(crate) fn show(bar: &ProgressBar, record: &Record, now: Progressed, budget: Duration) {
    bar.set_length(now.cells as u64);
    bar.set_position(now.finished as u64);
    bar.set_message(format!("{} {}", record.input, record.runner));
    // Searches come last and take far longer than what came before them, so that its pace tells nothing.
    let (how, left) = match u32::try_from(now.searches) {
        Ok(0) => ("", bar.eta()),
        searches => (
            "at most ",
            budget.saturating_mul(searches.unwrap_or(u32::MAX)),
        ),
    };
    bar.set_prefix(format!(", {how}{:#} left", HumanDuration(left)));
}

pub(crate) fn refused(error: StoreError, out: &Path) -> AppError {
    match error {
        StoreError::Io { path, doing, cause } => AppError::Io { path, doing, cause },
        error => AppError::Checked(format!("{error}; the folder is {out:?}")),
    }
}

fn conclude(
    args: &BenchArgs,
    matrix: &Matrix,
    progressed: Progressed,
    records: &[Record],
    page: &Path,
) {
    let failed = records
        .iter()
        .filter(|record| matches!(record.outcome, Outcome::Failed(_)))
        .count();
    if args.json {
        let value = json!({
            "cells": progressed.cells,
            "finished": progressed.finished,
            "failed": failed,
            "left_out": matrix.n_left_out(),
            "report": page,
        });
        return report::print(&format!("{value:#}\n"));
    }
    let Progressed {
        finished, cells, ..
    } = progressed;
    report::print(&format!(
        "{finished} of {cells} cells are finished, {failed} of them could not be run; see {}\n",
        page.display()
    ));
    if matrix.n_left_out() > 0 {
        report::print(&format!(
            "{} pairs of an input and a list scheduler or planner were left out: only instances are planned\n",
            matrix.n_left_out()
        ));
    }
}
