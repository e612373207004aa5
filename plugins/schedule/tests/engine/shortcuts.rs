//! What the engine and its policies do faster where they can, against what they do where they cannot.

use schedule::{Engine, EngineFact, EngineOptions, FactLevel, PolicyName};
use sim::{SimTime, Streams};

use crate::{
    random_runs::{by_itself, random_run},
    support::{Facts, options, random_case, run_case},
};

const N_SEEDS: u64 = 3_000;

/// Every step is made, also those that do nothing, as a driver from outside makes them.
fn step_by_step(engine: &mut Engine, stop: SimTime, facts: &mut Facts) {
    let before = engine.now();
    facts.extend(engine.drain_facts().map(|fact| (before, fact)));
    while let Some(next) = engine.next_event().filter(|next| *next <= stop) {
        let now = engine.now().max(next);
        engine.schedule(now);
        for batch in engine.due(now) {
            let results = vec![Ok(()); batch.subtasks.len()];
            engine.finish(now, batch.id, &results);
        }
        facts.extend(engine.drain_facts().map(|fact| (now, fact)));
    }
}

fn without_candidates(facts: Facts) -> Facts {
    let plain = facts.into_iter().map(|(at, mut fact)| {
        if let EngineFact::SubtaskPlaced { candidates, .. } = &mut fact {
            candidates.clear();
        }
        (at, fact)
    });
    plain.collect()
}

#[test]
fn a_run_is_the_same_step_by_step() {
    for seed in 0..N_SEEDS {
        let (engine, quick) = random_run(seed, FactLevel::All, by_itself);
        let (_, slow) = random_run(seed, FactLevel::All, step_by_step);
        let policy = engine.options().policy;
        assert_eq!(quick, slow, "seed {seed}, {policy}");
    }
}

/// With candidates, nothing is placed without the queues of all that is ready.
#[test]
fn a_lone_subtask_goes_where_it_would_go_from_a_queue() {
    for seed in 0..N_SEEDS {
        let run = |level| without_candidates(random_run(seed, level, by_itself).1);
        assert_eq!(run(FactLevel::Events), run(FactLevel::All), "seed {seed}");
    }
    for policy in PolicyName::ALL {
        for seed in 0..60 {
            let case = random_case(seed, seed % 2 == 0);
            let run = |facts| {
                let streams = Streams::new(seed);
                let options = EngineOptions {
                    facts,
                    streams,
                    ..options(policy)
                };
                without_candidates(run_case(&case, options).facts)
            };
            let (quick, slow) = (run(FactLevel::Events), run(FactLevel::All));
            assert_eq!(quick, slow, "seed {seed}, {policy}");
        }
    }
}

#[test]
fn random_runs_repeat() {
    for seed in 0..200 {
        let facts = || random_run(seed, FactLevel::All, by_itself).1;
        assert_eq!(facts(), facts(), "seed {seed}");
    }
}
