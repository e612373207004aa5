//! What came of a comparison, for people and for programs.

use std::collections::BTreeSet;

use inference::Compared;
use serde_json::{Value, json};

use super::{Comparison, MOST_ERROR, Outcome, worst};
use crate::report;

/// As a table with the verdict below.
pub(super) fn in_words(of: &Comparison<'_>, outcomes: &[Outcome]) -> String {
    let mut words = String::new();
    let used: BTreeSet<_> = of
        .profiles
        .iter()
        .map(|used| (&used.profile, &used.hash))
        .collect();
    for (profile, hash) in &used {
        words += &format!("modelled time goes by {profile}, hash {}\n", &hash[..12]);
    }
    if used.is_empty() {
        words += "modelled time goes by the scene's own seconds\n";
    }
    for outcome in outcomes {
        words += "\n";
        words += &about(outcome);
        words += &table(outcome);
    }
    let worst = worst(outcomes);
    let verdict = match worst <= MOST_ERROR {
        true => "within",
        false => "beyond",
    };
    words += &format!(
        "\nmakespan and task latency: off by {:.2} % at most, {verdict} {:.0} %\n",
        worst * 100.0,
        MOST_ERROR * 100.0,
    );
    words += &format!(
        "each figure is the median of {} runs; ± is the farthest of the measured ones from it\n",
        of.args.repetitions
    );
    words
}

fn about(outcome: &Outcome) -> String {
    format!(
        "load {}: all that takes no model goes on {} times as fast; replicas busy for {:.0} % of the \
         time, {} tasks, {} batches\n",
        outcome.name.unwrap_or("given"),
        outcome.times,
        outcome.busy * 100.0,
        outcome.n_tasks,
        outcome.n_batches,
    )
}

fn table(outcome: &Outcome) -> String {
    let all = outcome.tasks.iter().chain(&outcome.replicas);
    let rows = all.map(|one| {
        [
            one.what.clone(),
            format!("{:.3}", one.measured * 1e3),
            format!("{:.3}", one.modelled * 1e3),
            format!("{:+.2} %", one.error() * 100.0),
            format!("{:.2} %", one.scatter * 100.0),
        ]
    });
    let head = ["what", "measured ms", "modelled ms", "error", "measured ±"];
    report::listing(head, rows)
}

/// All figures, in seconds.
pub(super) fn in_json(of: &Comparison<'_>, outcomes: &[Outcome]) -> Value {
    let figures = |all: &[Compared]| -> Vec<Value> {
        let figure = |one: &Compared| {
            json!({
                "what": one.what,
                "measured_secs": one.measured,
                "modelled_secs": one.modelled,
                "error": one.error(),
                "measured_scatter": one.scatter,
            })
        };
        all.iter().map(figure).collect()
    };
    let loads: Vec<Value> = outcomes
        .iter()
        .map(|outcome| {
            json!({
                "load": outcome.name,
                "times_as_fast": outcome.times,
                "replicas_busy": outcome.busy,
                "tasks_done": outcome.n_tasks,
                "batches": outcome.n_batches,
                "held_to_limit": figures(&outcome.tasks),
                "replicas": figures(&outcome.replicas),
            })
        })
        .collect();
    let worst = worst(outcomes);
    json!({
        "scene": of.scene.name,
        "policy": of.policy.name(),
        "profiles": of.profiles,
        "repetitions": of.args.repetitions,
        "loads": loads,
        "worst_error": worst,
        "limit": MOST_ERROR,
        "within_limit": worst <= MOST_ERROR,
    })
}
