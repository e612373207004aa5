//! The mapping policies map as their papers say, by plain loops over all pairs.

use rand::Rng as _;
use schedule::{
    Engine, EngineFact, Mode, PolicyName, ResourceId, ResourceSpec, Skill, SubtaskSpec,
};
use sim::{SimSpan, SimTime, Streams};

use crate::support::{Driver, Plan, Succeed, options, profile, replica, task};

const N_MACHINES: usize = 3;

/// A subtask and a chain behind it.
struct Head {
    /// By machine.
    spans: Vec<u64>,
    /// The mean spans of what is behind it, together.
    behind: u64,
}

fn mean(spans: &[u64]) -> u64 {
    spans.iter().sum::<u64>() / spans.len() as u64
}

/// What each machine is given first.
fn map_naively(policy: PolicyName, heads: &[Head]) -> Vec<Option<usize>> {
    let mut free = [0; N_MACHINES];
    let mut first = vec![None; N_MACHINES];
    let mut is_open = vec![true; heads.len()];
    for _ in heads {
        let open = (0..heads.len()).filter(|n| is_open[*n]);
        let (_, next, to) = open
            .map(|n| {
                let Head { spans, behind } = &heads[n];
                let mut ends: Vec<_> = (0..N_MACHINES).map(|m| (free[m] + spans[m], m)).collect();
                ends.sort_unstable();
                let ((least, to), second) = (ends[0], ends[1].0);
                let key = match policy {
                    PolicyName::MinMin => least as i64,
                    PolicyName::MaxMin => -(least as i64),
                    PolicyName::Sufferage => least as i64 - second as i64,
                    _ => {
                        // Static level, less the start, plus how much faster than the mean.
                        let level = |m: usize| {
                            let level = (mean(spans) + behind) as i64;
                            level - free[m] as i64 + mean(spans) as i64 - spans[m] as i64
                        };
                        let levels = (0..N_MACHINES).map(level);
                        -levels.max().unwrap()
                    }
                };
                (key, n, to)
            })
            .min()
            .unwrap();
        is_open[next] = false;
        free[to] += heads[next].spans[to];
        first[to].get_or_insert(next);
    }
    first
}

fn machine(n: usize) -> ResourceSpec {
    replica(&format!("m{n}"), 1, &[(Skill::Embed, profile(0, 1, 0))])
}

/// What each machine starts at once.
fn placed_at_once(engine: Engine) -> Vec<Option<usize>> {
    let mut driver = Driver::new(engine, Succeed);
    driver.run(&Plan::new());
    let mut first = vec![None; N_MACHINES];
    for (at, fact) in &driver.facts {
        if let EngineFact::SubtaskPlaced {
            subtask, resource, ..
        } = fact
            && *at == SimTime::ZERO
        {
            first[resource.index()] = Some(subtask.index());
        }
    }
    first
}

#[test]
fn the_first_on_each_machine_is_that_of_the_paper() {
    for policy in [
        PolicyName::MinMin,
        PolicyName::MaxMin,
        PolicyName::Sufferage,
        PolicyName::Dls,
    ] {
        for seed in 0..60 {
            let mut rng = Streams::new(seed).stream("spans", 0);
            let mut draw = || -> Vec<u64> {
                let spans = (0..N_MACHINES).map(|_| rng.random_range(1..1_000_000));
                spans.collect()
            };
            let pool = (0..N_MACHINES).map(machine).collect();
            let mut engine = Engine::new(pool, options(policy)).unwrap();
            let id = engine.open_task(SimTime::ZERO, task("t"));
            let mut add = |spans: &[u64], after| {
                let modes = spans.iter().zip(0..).map(|(span, n)| Mode {
                    resource: ResourceId(n),
                    span: SimSpan(*span),
                });
                let spec = SubtaskSpec {
                    modes: modes.collect(),
                    after,
                    ..SubtaskSpec::new(id, Skill::Embed)
                };
                engine.add_subtask(SimTime::ZERO, spec).unwrap()
            };
            let mut heads: Vec<_> = (0..12)
                .map(|_| Head {
                    spans: draw(),
                    behind: 0,
                })
                .collect();
            let ids: Vec<_> = heads
                .iter()
                .map(|head| add(&head.spans, Vec::new()))
                .collect();
            for (n, head) in heads.iter_mut().enumerate() {
                let mut last = ids[n];
                for _ in 0..n % 4 {
                    let spans = draw();
                    head.behind += mean(&spans);
                    last = add(&spans, vec![last]);
                }
            }
            engine.close_task(SimTime::ZERO, id);
            let first = placed_at_once(engine);
            assert_eq!(first, map_naively(policy, &heads), "{policy}, seed {seed}");
        }
    }
}
