//! `diorama models calibrate`: measures a model on this machine and keeps how long it takes.

use std::{
    fs::{self, File},
    io::{BufReader, IsTerminal as _},
    path::Path,
    sync::Arc,
};

use indicatif::{ProgressBar, ProgressStyle};
use inference::{
    CalibrateError, Cell, Grid, LoadOptions, Manifest, Measured, Precision, Profile, REMOTE_PREFIX,
    Skill, Store, Subject, measure, read_wav,
};
use serde_json::json;

use super::single::load;
use crate::{cli::CalibrateArgs, error::AppError, interrupt, report};

/// Measures a model, fits a profile, keeps it in the store and tells how good it is.
///
/// # Errors
/// If the model cannot be had, cannot do what is to be measured, or nothing fits its durations.
pub(super) fn calibrate(store: &Store, args: &CalibrateArgs) -> Result<(), AppError> {
    if args.name.starts_with(REMOTE_PREFIX) {
        return Err(AppError::Usage(format!(
            "{:?} is a model of a server: how long it takes is no matter of this machine",
            args.name
        )));
    }
    let entry = store.resolve(&args.name)?;
    let how = LoadOptions {
        device: args.device,
        n_threads: args.threads.into(),
        precision: args.precision,
    };
    let skill = skill(&entry, args.skill)?;
    let subject = Subject::of(&entry, skill, how, args.replicas);
    if args.precision != Precision::F32 && subject.precision != args.precision.name() {
        return Err(AppError::Usage(format!(
            "{} computes with {} only, so --precision {} has no use",
            entry.full_name(),
            subject.precision,
            args.precision.name()
        )));
    }
    let grid = grid(skill, args)?;
    let measured = measured(store, &entry, how, skill, &grid)?;
    let profile = Profile::of(subject, &grid, &measured).map_err(failed)?;
    let root = &store.options().root;
    let written = |path: &Path| {
        let path = path.to_owned();
        move |cause| AppError::Io {
            path,
            doing: "write the profile to",
            cause,
        }
    };
    let path = profile.keep(root).map_err(written(root))?;
    if let Some(out) = &args.out {
        fs::write(out, profile.to_ron()).map_err(written(out))?;
    }
    if args.json {
        let hash = profile.hash().to_string();
        let value =
            json!({ "profile": profile, "hash": hash, "cells": measured.cells, "path": path });
        report::print(&format!("{value:#}\n"));
    } else {
        report::print(&in_words(&profile, &measured.cells, &path));
    }
    Ok(())
}

/// The skill that was asked for, else the first of the model.
fn skill(entry: &Manifest, asked: Option<Skill>) -> Result<Skill, AppError> {
    let all: Vec<_> = entry.skills.iter().map(|skill| skill.name()).collect();
    let usage = |what: String| AppError::Usage(format!("{} {what}", entry.full_name()));
    match asked.or(entry.main_skill()) {
        Some(skill) if entry.skills.contains(&skill) => Ok(skill),
        Some(skill) if !all.is_empty() => Err(usage(format!(
            "cannot {}; what it can: {}",
            skill.name(),
            all.join(", ")
        ))),
        _ => Err(usage(
            "answers no requests itself, so that there is nothing to measure".to_owned(),
        )),
    }
}

fn grid(skill: Skill, args: &CalibrateArgs) -> Result<Grid, AppError> {
    let grid = match args.quick {
        true => Grid::quick(skill),
        false => Grid::usual(skill),
    };
    let sound = args.sound.as_deref();
    if skill != Skill::Transcribe && sound.is_some() {
        return Err(AppError::Usage(format!(
            "--sound is for `transcribe`, and what is measured is {:?}",
            skill.name()
        )));
    }
    Ok(Grid {
        n_times: args.times.unwrap_or(grid.n_times),
        replicas: args.replicas,
        sound: sound.map(hear).transpose()?,
        ..grid
    })
}

fn hear(path: &Path) -> Result<Arc<[f32]>, AppError> {
    let file = File::open(path).map_err(|cause| AppError::Io {
        path: path.to_owned(),
        doing: "open the sound",
        cause,
    })?;
    let samples = read_wav(BufReader::new(file))
        .map_err(|error| AppError::Usage(format!("{}: {error}", path.display())))?;
    if samples.is_empty() {
        let what = format!("{}: it holds no sound", path.display());
        return Err(AppError::Usage(what));
    }
    Ok(samples.into())
}

fn measured(
    store: &Store,
    entry: &Manifest,
    how: LoadOptions,
    skill: Skill,
    grid: &Grid,
) -> Result<Measured, AppError> {
    let model = load(store, &entry.full_name(), how, true)?;
    let bar = progress_bar();
    let goes_on = |round: u32, of: u32| {
        bar.set_length(of.into());
        bar.set_position(round.into());
        !interrupt::caught()
    };
    let cells = measure(|name| model.replica(name), skill, grid, goes_on);
    bar.finish_and_clear();
    cells.map_err(failed)
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} round {pos} of {len}, {elapsed}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Why a model was not measured, as the program says it.
pub(crate) fn failed(error: CalibrateError) -> AppError {
    match error {
        CalibrateError::Interrupted => AppError::Interrupted(String::new()),
        CalibrateError::Thread(cause) => AppError::Thread(cause),
        error => AppError::Usage(format!("the model was not calibrated: {error}")),
    }
}

fn in_words(profile: &Profile, cells: &[Cell], path: &Path) -> String {
    let mut words = table(profile, cells);
    let latency = &profile.latency;
    let mut line = |text: String| {
        words += &text;
        words.push('\n');
    };
    line(format!("{}, {}", profile.model, profile.precision));
    line(format!(
        "on {}; {}",
        profile.machine,
        match profile.replicas {
            1 => "one replica, alone".to_owned(),
            n => format!("{n} replicas, one by one and at once"),
        }
    ));
    line(format!(
        "a batch takes {:.3} ms + {:.4} ms an input + {:.5} ms a token",
        latency.fixed_secs * 1e3,
        latency.per_item_secs * 1e3,
        latency.per_token_secs * 1e3,
    ));
    if profile.skill == Skill::Generate {
        line(format!(
            "and {:.3} ms a step + {:.4} ms for each token of an answer",
            profile.per_step_secs * 1e3,
            latency.per_output_token_secs * 1e3,
        ));
    }
    line(format!(
        "off by {:.1} % in the middle, {:.1} % at p95, {:.1} % at most; {:.1} % of the measurements were outliers",
        profile.errors.median * 100.0,
        profile.errors.p95 * 100.0,
        profile.errors.max * 100.0,
        profile.outlier_share * 100.0,
    ));
    line(format!(
        "passes of {} tokens are large enough; runs give no larger ones",
        profile.token_budget
    ));
    line(format!(
        "kept in {}, hash {}",
        path.display(),
        profile.hash().short()
    ));
    words
}

fn table(profile: &Profile, cells: &[Cell]) -> String {
    let rows = cells.iter().map(|cell| {
        let (secs, fitted) = (cell.median(), profile.predicted_secs(cell));
        let n_far = cell.outliers.iter().filter(|far| **far).count();
        [
            cell.batch.to_string(),
            cell.tokens.to_string(),
            cell.at_once.to_string(),
            cell.output_tokens.to_string(),
            format!("{:.3}", secs * 1e3),
            format!("{:.3}", fitted * 1e3),
            format!("{:+.1} %", (fitted / secs - 1.0) * 100.0),
            format!("{n_far} of {}", cell.secs.len()),
        ]
    });
    let head = [
        "inputs",
        "tokens",
        "at once",
        "generated",
        "ms",
        "fitted ms",
        "off",
        "outliers",
    ];
    report::listing(head, rows)
}
