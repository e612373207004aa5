//! Prints how close the lower bounds come to the best known ones, and how long they take.
//!
//! `bounds DIR...`: each `DIR` holds instances and a `best_known.csv`: the name, and in its columns
//! `lower_bound` (or `best_known`) what is known.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "an example prints, a panic names what is missing, and wall time is what is measured"
)]

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use plan::{InstanceBuilder, Job, Mode, Objective, ResourceId, lower_bound};
use workloads::{Format, ReadOptions, read_instance};

fn main() {
    let is_verbose = std::env::args().any(|arg| arg == "--verbose");
    for dir in std::env::args().skip(1).filter(|arg| arg != "--verbose") {
        let known = known(Path::new(&dir));
        let mut files = Vec::new();
        find(Path::new(&dir), &mut files);
        files.sort();
        let (mut n, mut n_met, mut sum, mut slowest) = (0, 0, 0.0, 0.0_f64);
        for file in files {
            let path = Path::new(&file);
            let stem = path.file_stem().unwrap().to_string_lossy().to_lowercase();
            let Some(best) = known.get(&stem) else {
                continue;
            };
            let text = fs::read_to_string(path).unwrap();
            let Some(format) = Format::guess(path, &text) else {
                continue;
            };
            let instance = read_instance(&text, format, &stem, &ReadOptions::default()).unwrap();
            let started = Instant::now();
            let bound = lower_bound(&instance, Objective::Makespan);
            slowest = slowest.max(started.elapsed().as_secs_f64());
            if is_verbose {
                println!("{stem}: {bound} of {best}");
            }
            n += 1;
            n_met += u32::from(bound >= *best);
            sum += bound / best;
        }
        println!(
            "{dir}: {n} instances, {n_met} reach the known bound, mean share {:.2} %, slowest {:.1} ms",
            100.0 * sum / f64::from(n),
            1e3 * slowest
        );
    }
    time_large();
}

fn find(dir: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|extension| extension != "csv") {
            files.push(path.to_string_lossy().into_owned());
        }
    }
}

/// The best known lower bound (or value, where none is given) by name.
fn known(dir: &Path) -> BTreeMap<String, f64> {
    let text = fs::read_to_string(dir.join("best_known.csv")).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|title| *title == name);
    let column = column("lower_bound").or(column("best_known")).unwrap();
    let rows = text.lines().skip(1).filter_map(|line| {
        let parts: Vec<&str> = line.split(',').collect();
        let name = parts[0].trim_end_matches(".txt").to_lowercase();
        Some((name, parts.get(column)?.parse().ok()?))
    });
    rows.collect()
}

/// 10,000 operations on 64 resources, each operation on all or on four of them.
fn time_large() {
    for n_modes in [4, 64] {
        let mut builder = InstanceBuilder::new("large", 64);
        let mut ops = Vec::new();
        for at in 0..10_000_u32 {
            let job = builder.job(Job::default());
            let modes = (0..n_modes).map(|nth| Mode {
                resource: ResourceId((at * 7 + nth * (1 + at % 3)) % 64),
                duration: f64::from(1 + (at * 31 + nth * 17) % 97),
            });
            let mut modes: Vec<Mode> = modes.collect();
            modes.sort_by_key(|mode| mode.resource);
            modes.dedup_by_key(|mode| mode.resource);
            ops.push(builder.operation(job, modes));
            for step in [1, 13, 101] {
                if at % 11 >= 3 && at >= step {
                    builder.arc(ops[(at - step) as usize], ops[at as usize], 1.0);
                }
            }
        }
        let instance = builder.build().unwrap();
        for objective in [Objective::Makespan, Objective::WeightedCompletion] {
            let started = Instant::now();
            let bound = lower_bound(&instance, objective);
            let millis = 1e3 * started.elapsed().as_secs_f64();
            println!(
                "10,000 operations, {n_modes} modes each: {objective} {bound} in {millis:.1} ms"
            );
        }
    }
}
