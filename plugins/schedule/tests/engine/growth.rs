//! A resource that joins while the engine runs is used, whatever the policy.

use schedule::{Engine, EngineFact, PolicyName, ResourceId, Skill, SubtaskState};
use sim::SimTime;

use crate::support::{MS, options, profile, replica, subtask, task};

/// Four resources, so that a fifth changes the width of what policies lay out four by four.
const N_BEFORE: usize = 4;
const N_SUBTASKS: usize = 60;

fn engine(policy: PolicyName) -> Engine {
    let skills = [(Skill::Embed, profile(100 * MS, MS, 0))];
    let pool = (0..N_BEFORE)
        .map(|n| replica(&format!("r{n}"), 1, &skills))
        .collect();
    let mut engine = Engine::new(pool, options(policy)).unwrap();
    let work = engine.open_task(SimTime::ZERO, task("work"));
    for _ in 0..N_SUBTASKS {
        let spec = subtask(work, Skill::Embed, 1, &[]);
        engine.add_subtask(SimTime::ZERO, spec).unwrap();
    }
    engine.close_task(SimTime::ZERO, work);
    engine
}

/// Runs to the end; at `grows`, one more joins like the second. Says who did how much.
fn run(policy: PolicyName, grows: Option<SimTime>) -> (Vec<usize>, SimTime) {
    let mut engine = engine(policy);
    let (mut done, mut has_grown, mut now) = (vec![0; N_BEFORE + 1], false, SimTime::ZERO);
    for _ in 0..100_000 {
        for batch in engine.due(now) {
            engine.finish(now, batch.id, &vec![Ok(()); batch.subtasks.len()]);
            done[batch.resource.index()] += batch.subtasks.len();
        }
        if !has_grown && grows.is_some_and(|at| now >= at) {
            has_grown = true;
            let added = engine.add_alike_resource(now, ResourceId(1), "r1+2");
            assert_eq!(added, Ok(ResourceId(N_BEFORE as u32)), "{policy:?}");
            assert!(engine.add_alike_resource(now, ResourceId(1), "r0").is_err());
            // As for a model that is being loaded: down at first, then up.
            engine.set_up(now, ResourceId(N_BEFORE as u32), false);
            engine.set_up(now, ResourceId(N_BEFORE as u32), true);
        }
        engine.schedule(now);
        let Some(next) = engine.next_event() else {
            break;
        };
        now = next;
    }
    let is_done = |subtask: &schedule::Subtask| subtask.state == SubtaskState::Done;
    assert!(engine.subtasks().iter().all(is_done), "{policy:?}");
    let joined = |fact: &EngineFact| matches!(fact, EngineFact::ResourceJoined { .. });
    let n_joined = engine.drain_facts().filter(joined).count();
    assert_eq!(n_joined, N_BEFORE + usize::from(has_grown), "{policy:?}");
    (done, now)
}

#[test]
fn whoever_joins_is_given_work_by_every_policy() {
    for policy in PolicyName::ALL {
        let (alone, without) = run(policy, None);
        let (shared, with) = run(policy, Some(SimTime(250 * MS)));
        assert_eq!(alone.iter().sum::<usize>(), N_SUBTASKS);
        assert_eq!(shared.iter().sum::<usize>(), N_SUBTASKS, "{policy:?}");
        assert_eq!(alone[N_BEFORE], 0);
        assert!(shared[N_BEFORE] > 0, "{policy:?}: {shared:?}");
        assert!(
            with <= without,
            "{policy:?}: {with:?} with one more, {without:?} without"
        );
    }
}
