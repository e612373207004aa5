//! Trees and tails against all orders of small graphs.

use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use super::{
    dolls,
    graph::Graph,
    tree::{Outcome, Tree},
};
use crate::instance::{InstanceBuilder, Job, Mode, OpId, ResourceId};

fn graph(seed: u64) -> Option<Graph> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let n_processors = rng.random_range(2..4);
    let n_ops = rng.random_range(4..9);
    let density = rng.random_range(0.0..0.7);
    let mut builder = InstanceBuilder::new("graph", n_processors as usize);
    for to in 0..n_ops {
        let job = builder.job(Job {
            release: f64::from(rng.random_range(0..3_u8)),
            ..Job::default()
        });
        let duration = f64::from(rng.random_range(0..7_u8));
        let modes = (0..n_processors).map(|at| Mode {
            resource: ResourceId(at),
            duration,
        });
        builder.operation(job, modes);
        for from in 0..to {
            if rng.random_bool(density) {
                builder.arc(OpId(from), OpId(to), 0.0);
            }
        }
    }
    Graph::of(&builder.build().unwrap())
}

/// The least value of all orders, each task as early as it can be on the processor free first.
fn shortest(graph: &Graph, ends: &mut [u32], free_at: &[u32]) -> u32 {
    let mut best = u32::MAX;
    for task in 0..graph.n_tasks() {
        let is_ready = |&before: &u32| ends[before as usize] > 0;
        if ends[task] > 0 || !graph.preds[task].iter().all(is_ready) {
            continue;
        }
        let there = graph.preds[task].iter().map(|&at| ends[at as usize]);
        let ready = there.fold(graph.heads[task], u32::max);
        let mut free_at = free_at.to_vec();
        free_at.sort_unstable();
        free_at[0] = free_at[0].max(ready) + graph.durations[task];
        ends[task] = free_at[0];
        let value = ends[task] + graph.tails[task];
        best = best.min(value.max(shortest(graph, ends, &free_at)));
        ends[task] = 0;
    }
    if ends.iter().all(|end| *end > 0) {
        0
    } else {
        best
    }
}

#[test]
fn trees_find_what_is_there_and_no_more() {
    let mut n_gaps = 0;
    for graph in (0..400).filter_map(graph) {
        let free_at = vec![0; graph.n_processors];
        let best = shortest(&graph, &mut vec![0; graph.n_tasks()], &free_at);
        n_gaps += u32::from(graph.longest() < best);
        let mut plain = [graph.clone(), graph.reversed()];
        for is_lengthened in [false, true] {
            for turn in [0, 1] {
                if is_lengthened {
                    dolls::lengthen_tails(&mut plain[turn], 1000, &|_| false);
                    plain[1 - turn].heads = plain[turn].tails.clone();
                    assert!(plain[turn].longest() <= best);
                }
                let is_over = |_| false;
                let mut tree = Tree::new(&plain[turn], best - 1, 8, &is_over);
                assert_eq!(tree.run(1_000_000), Outcome::Impossible);
                tree.aim(best);
                assert_eq!(tree.run(1_000_000), Outcome::Found);
                assert!(plain[turn].value(&tree.starts()) <= best);
            }
        }
    }
    assert!(n_gaps > 50, "only {n_gaps} are not trivial");
}
