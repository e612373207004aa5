//! What is folded from the facts of a real engine is what the engine itself knows.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod support;

use record::{AnyFact, How, JournalWriter, Live, Totals, verify};
use schedule::{
    Charge, Engine, EngineOptions, LatencyProfile, OwnerId, PolicyName, ResourceId, ResourceKind,
    ResourceSpec, Skill, SubtaskId, SubtaskSpec, TaskSpec, TaskState,
};
use sim::{Fact, SimSpan, SimTime, Streams};

/// Numbers that look like chance; good enough to vary a workload.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % n
    }
}

fn resource(name: &str, slots: u32, speed: u64) -> ResourceSpec {
    let profile = LatencyProfile {
        fixed: SimSpan(1_000_000 * speed),
        per_item: SimSpan(200_000 * speed),
        per_token: SimSpan(1_000),
    };
    let kind = ResourceKind::Replica {
        model: "tiny".into(),
    };
    let skills = vec![(Skill::Embed, profile), (Skill::Tag, profile)];
    ResourceSpec {
        slots,
        bytes_per_sec: Some(1e9),
        price_per_sec: 0.3,
        watts: 70.5,
        ..ResourceSpec::new(name, kind, skills)
    }
}

fn engine(seed: u64, policy: PolicyName) -> Engine {
    let charge = Charge::Modelled { noise: 0.2 };
    let mut options = EngineOptions::new(policy, charge, Streams::new(seed));
    options.retry_delay = SimSpan(5_000_000);
    Engine::new(vec![resource("a", 4, 1), resource("b", 1, 3)], options).unwrap()
}

/// A task whose subtasks follow some of those before them.
fn add_task(engine: &mut Engine, now: SimTime, chance: &mut Chance) {
    let task = engine.open_task(
        now,
        TaskSpec {
            owner: OwnerId(chance.below(3) as u32),
            weight: 0.1 + chance.below(30) as f64 / 7.0,
            deadline: (chance.below(2) == 0).then(|| now + SimSpan(4_000_000)),
            ..TaskSpec::new("task", OwnerId(0))
        },
    );
    let mut pieces: Vec<SubtaskId> = Vec::new();
    for _ in 0..=chance.below(6) {
        let after = pieces
            .iter()
            .copied()
            .filter(|_| chance.below(3) == 0)
            .collect();
        let skill = if chance.below(2) == 0 {
            Skill::Embed
        } else {
            Skill::Tag
        };
        let spec = SubtaskSpec {
            name: "piece".into(),
            after,
            items: 1 + chance.below(4) as u32,
            tokens: chance.below(500) as u32,
            bytes: chance.below(10_000),
            ..SubtaskSpec::new(task, skill)
        };
        pieces.push(engine.add_subtask(now, spec).unwrap());
    }
    engine.close_task(now, task);
}

fn compare(engine: &Engine, live: &Live) {
    for (subtask, record) in engine.subtasks().iter().zip(&live.state.subtasks) {
        assert_eq!(subtask.state, record.state, "{:?}", subtask.id);
        assert_eq!(subtask.ended_at(), record.ended, "{:?}", subtask.id);
    }
    for (task, record) in engine.tasks().iter().zip(&live.state.tasks) {
        let has_ended = matches!(task.state, TaskState::Done | TaskState::Failed);
        assert!(task.state == record.state || !has_ended && record.ended.is_none());
        assert_eq!(
            (
                task.ended_at(),
                engine.subtasks_of(task.id).collect::<Vec<_>>()
            ),
            (record.ended, record.subtasks.clone())
        );
    }
    let running: Vec<_> = engine.running().map(|batch| batch.id).collect();
    let folded: Vec<_> = live
        .state
        .resources
        .iter()
        .flat_map(|record| &record.batch)
        .map(|b| b.batch)
        .collect();
    assert_eq!(running, folded);
    let totals = live.totals();
    assert_eq!(totals.subtasks.unfinished as usize, engine.n_unfinished());
    assert_eq!(
        totals.tasks.unfinished as usize,
        engine.n_unfinished_tasks()
    );
}

/// Runs a varied workload with failures, and compares engine and fold after every step.
fn check(seed: u64, policy: PolicyName) -> Totals {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let mut writer = JournalWriter::create(&path, &support::run()).unwrap();
    let (mut live, mut seq) = (Live::new(&support::run()), 0);
    let (mut engine, mut chance) = (engine(seed, policy), Chance(seed));
    let mut now = SimTime::ZERO;
    for step in 0..400 {
        for batch in engine.due(now) {
            let results: Vec<_> = batch
                .subtasks
                .iter()
                .map(|_| {
                    if chance.below(5) == 0 {
                        Err("no".to_owned())
                    } else {
                        Ok(())
                    }
                })
                .collect();
            engine.finish(now, batch.id, &results);
        }
        if step < 200 && step % 4 == 0 {
            add_task(&mut engine, now, &mut chance);
        }
        if step % 37 < 2 {
            engine.set_up(now, ResourceId(0), step % 37 == 1);
        }
        engine.schedule(now);
        for what in engine.drain_facts() {
            let fact = Fact {
                seq,
                at: now,
                what: AnyFact::Engine(what),
            };
            live.apply(&fact).unwrap();
            writer.write(&fact).unwrap();
            seq += 1;
        }
        compare(&engine, &live);
        now = engine
            .next_event()
            .unwrap_or(now + SimSpan(1_000_000))
            .max(now);
    }
    let totals = live.totals();
    writer.finish(How::Finished, &totals).unwrap();
    assert_eq!(verify(&path).unwrap().end.totals, totals);
    totals
}

#[test]
fn the_fold_agrees_with_the_engine() {
    let seeds = 0..5;
    let runs: Vec<_> = seeds
        .flat_map(|seed| {
            PolicyName::ALL
                .into_iter()
                .map(move |policy| check(seed, policy))
        })
        .collect();
    // Everything that can happen has happened.
    let any = |number: fn(&Totals) -> u32| runs.iter().map(number).sum::<u32>() > 0;
    assert!(any(|t| t.retries) && any(|t| t.deadline_misses) && any(|t| t.subtasks.cancelled));
    assert!(any(|t| t.tasks.finished) && any(|t| t.tasks.failed));
}
