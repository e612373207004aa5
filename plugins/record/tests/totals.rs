//! The totals of a small run are those that can be added up by hand.

mod support;

use record::{
    AnyFact, Live, RecordError, ResourceTotals, Spread, SubtaskCounts, TaskCounts, Totals,
};
use schedule::{EngineFact, SubtaskId, SubtaskState, TaskId, TaskState};
use sim::{Fact, SimSpan, SimTime};
use support::secs;

/// Tasks 0 (weight 2) and 1 (weight 1, due at 4 s) finish at 6 and 8 s, task 2 fails at 7 s.
fn expected() -> Totals {
    Totals {
        tasks: TaskCounts {
            arrived: 3,
            finished: 2,
            failed: 1,
            unfinished: 0,
        },
        subtasks: SubtaskCounts {
            added: 6,
            finished: 4,
            failed: 1,
            cancelled: 1,
            unfinished: 0,
        },
        // 2·6 + 1·8
        weighted_completion_secs: 20.0,
        makespan: secs(8),
        // 1·(8 − 4)
        weighted_tardiness_secs: 4.0,
        // 6 − 0 and 8 − 1
        flow: Spread {
            n: 2,
            mean: SimSpan(6_500_000_000),
            p50: secs(6),
            p95: secs(7),
            p99: secs(7),
        },
        // 0, 0, 1, 0
        wait: Spread {
            n: 4,
            mean: SimSpan(250_000_000),
            p50: secs(0),
            p95: secs(1),
            p99: secs(1),
        },
        // 2, 4, 4, 3
        run: Spread {
            n: 4,
            mean: SimSpan(3_250_000_000),
            p50: secs(3),
            p95: secs(4),
            p99: secs(4),
        },
        // Ada's task took 6 s for a chain of 2 + 4 s, Mara's 7 s for a chain of 3 s:
        // (1 + 7/3)² / (2·(1 + 49/9)) = 100/116
        fairness: Some(
            (1.0 + 7.0 / 3.0) * (1.0 + 7.0 / 3.0) / (2.0 * (1.0 + 7.0 / 3.0 * (7.0 / 3.0))),
        ),
        cost: 4.0,
        energy_joules: 800.0,
        failures: 2,
        retries: 1,
        deadline_misses: 1,
        resources: expected_resources(),
    }
}

fn expected_resources() -> Vec<ResourceTotals> {
    vec![
        // Batches of 1, 2 and 1 subtasks in 2, 4 and 1 s.
        ResourceTotals {
            name: "gpu".into(),
            busy: secs(7),
            utilisation: 7.0 / 8.0,
            batches: 3,
            subtasks: 4,
            mean_batch: 4.0 / 3.0,
            cost: 3.5,
            energy_joules: 700.0,
        },
        // 2 s until it failed, and 3 s.
        ResourceTotals {
            name: "Mara".into(),
            busy: secs(5),
            utilisation: 5.0 / 8.0,
            batches: 2,
            subtasks: 2,
            mean_batch: 1.0,
            cost: 0.5,
            energy_joules: 100.0,
        },
    ]
}

#[test]
fn totals_are_exact() {
    let totals = support::fold(&support::facts()).totals();
    assert_eq!(totals, expected());
    assert!((totals.fairness.unwrap() - 100.0 / 116.0).abs() < 1e-12);
}

#[test]
fn nothing_adds_up_to_nothing() {
    let totals = Live::default().totals();
    assert_eq!(totals, Totals::default());
    let text = serde_json::to_string(&totals).unwrap();
    assert!(!text.contains("-0"), "{text}");
    assert_eq!(serde_json::from_str::<Totals>(&text).unwrap(), totals);
}

#[test]
fn tables_carry_units() {
    let totals = expected();
    let rows: Vec<_> = totals
        .table_rows()
        .into_iter()
        .map(|row| (row.label, row.value))
        .collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|(label, value)| (*label, value.as_str()))
        .collect();
    assert_eq!(
        rows,
        [
            ("tasks", "3 arrived, 2 finished, 1 failed"),
            ("subtasks", "6 added, 4 finished, 1 failed, 1 cancelled"),
            ("total weighted completion time", "20.000 s"),
            ("makespan", "8.00 s"),
            ("weighted tardiness", "4.000 s"),
            ("task latency, mean", "6.50 s"),
            ("task latency, p50 / p95 / p99", "6.00 s / 7.00 s / 7.00 s"),
            ("queue wait, mean / p95", "250.0 ms / 1.00 s"),
            ("run time, mean / p95", "3.25 s / 4.00 s"),
            ("fairness (Jain index)", "0.862"),
            ("cost", "4.0000"),
            ("energy", "800.0 J"),
            ("failures / retries", "2 / 1"),
            ("deadlines missed", "1"),
        ]
    );
    let gpu = [
        "gpu", "7.00 s", "87.5 %", "3", "4", "1.33", "3.5000", "700.0 J",
    ];
    assert_eq!(totals.resource_rows()[0], gpu);
    assert_eq!(Totals::RESOURCE_HEAD.len(), gpu.len());
    assert_eq!(Totals::default().table_rows()[5].value, "–");
}

#[test]
fn the_state_follows_the_facts() {
    let facts = support::facts();
    let until = |secs: u64| {
        let facts: Vec<_> = facts
            .iter()
            .filter(|fact| fact.at <= SimTime(secs * 1_000_000_000))
            .cloned()
            .collect();
        support::fold(&facts).state
    };
    let state = until(2);
    assert!(matches!(
        state.subtasks[1].state,
        SubtaskState::Running { .. }
    ));
    assert_eq!(
        state.resources[0].batch.as_ref().unwrap().subtasks,
        [SubtaskId(1), SubtaskId(3)]
    );
    let state = until(3);
    assert!(!state.resources[1].is_up && state.resources[1].batch.is_none());
    assert_eq!(
        state.subtasks[2].state,
        SubtaskState::Backoff {
            until: SimTime(5_000_000_000)
        }
    );
    let state = until(8);
    let states: Vec<_> = state.tasks.iter().map(|task| task.state).collect();
    assert_eq!(
        states,
        [TaskState::Done, TaskState::Done, TaskState::Failed]
    );
    assert_eq!(state.tasks[0].longest_chain, secs(6));
    assert_eq!(state.subtasks[5].state, SubtaskState::Cancelled);
    assert_eq!(state.turns.len(), 2);
    assert_eq!(state.lines[0].text, "Hm.");
}

#[test]
fn contradictions_are_refused() {
    let mut task_again = Live::default();
    let finished = |seq, task| Fact {
        seq,
        at: SimTime::ZERO,
        what: AnyFact::Engine(EngineFact::TaskFinished {
            task: TaskId(task),
            flow: SimSpan::ZERO,
        }),
    };
    let error = task_again.apply(&finished(0, 7)).unwrap_err();
    assert!(
        matches!(error, RecordError::Contradiction { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("there is no task 7"), "{error}");

    // What has ended does not end again.
    let facts = support::facts();
    for fact in &facts {
        let mut live = support::fold(&facts);
        let again = live.apply(fact);
        let is_end = matches!(
            fact.what,
            AnyFact::Engine(EngineFact::SubtaskFinished { .. } | EngineFact::TaskFinished { .. })
        );
        assert!(again.is_err() || !is_end, "{fact:?}");
        assert_eq!(live.totals().tasks.unfinished, 0);
    }
    for gone in 0..facts.len() {
        // A journal whose numbers were set right again after a fact was taken out may be wrong, but
        // it must not bring anything down.
        let mut live = Live::new(&support::run());
        let kept = facts.iter().enumerate().filter(|(place, _)| *place != gone);
        let ended = kept.map(|(_, fact)| live.apply(fact)).find(Result::is_err);
        drop((ended, live.totals()));
    }
}
