//! The critical path of a run: without gaps, and as long as the run.

use schedule::{Engine, HeldBy, PolicyName, Skill, SubtaskId};
use sim::SimTime;

use crate::support::{MS, options, profile, random_case, replica, run_case, subtask, task};

#[test]
fn each_step_starts_when_what_held_it_ends() {
    for seed in 0..60 {
        let engine = run_case(&random_case(seed, false), options(PolicyName::Fifo)).engine;
        let path = engine.critical_path();
        let end = engine
            .subtasks()
            .iter()
            .filter_map(schedule::Subtask::ended_at)
            .max();
        assert_eq!(path.last().map(|step| step.ended), end, "seed {seed}");
        for pair in path.windows(2) {
            assert_eq!(pair[0].ended, pair[1].started, "seed {seed}");
        }
        let Some(first) = path.first() else { continue };
        assert!(
            matches!(first.held_by, HeldBy::Arrival | HeldBy::Other),
            "seed {seed}"
        );
    }
}

#[test]
fn predecessors_and_busy_resources_are_told_apart() {
    let pool = vec![replica("a", 1, &[(Skill::Embed, profile(0, MS, 0))])];
    let mut engine = Engine::new(pool, options(PolicyName::Fifo)).unwrap();
    let now = SimTime::ZERO;
    let id = engine.open_task(now, task("t"));
    let add = |engine: &mut Engine, items, after: &[SubtaskId]| {
        engine
            .add_subtask(now, subtask(id, Skill::Embed, items, after))
            .unwrap()
    };
    let first = add(&mut engine, 2, &[]);
    let second = add(&mut engine, 3, &[]);
    let third = add(&mut engine, 1, &[second]);
    engine.close_task(now, id);
    engine.run();
    let path: Vec<_> = engine
        .critical_path()
        .iter()
        .map(|s| (s.subtask, s.held_by))
        .collect();
    let expected = [
        (first, HeldBy::Arrival),
        (second, HeldBy::Resource { subtask: first }),
        (third, HeldBy::Predecessor { subtask: second }),
    ];
    assert_eq!(path, expected);
}
