//! Lengthens tails: what comes after a task is a problem of its own, and its shortest schedule a
//! better tail than its longest chain. The tasks with least behind them come first, so that each
//! small proof helps the next. Verfaillie, Lemaître, Schiex (1996), "Russian doll search for solving
//! constraint optimization problems".

use super::{
    graph::Graph,
    list::Lister,
    tree::{Outcome, Tree},
};

/// Fewer buckets than for the whole problem: there are many small searches.
const MEMO_LOG2: u32 = 12;

/// What came of a pass over all tasks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pass {
    /// Whether a tail may grow with more effort.
    pub(super) is_partial: bool,
    /// Events of the small searches.
    pub(super) nodes: u64,
}

/// Lengthens the tails of `graph`, with at most `limit` events for each proof.
pub(super) fn lengthen_tails(graph: &mut Graph, limit: u64, is_over: &dyn Fn(u64) -> bool) -> Pass {
    let mut order: Vec<usize> = (0..graph.n_tasks()).collect();
    // Heads grow along precedences, so this is successors first.
    order.sort_by_key(|&task| std::cmp::Reverse(graph.heads[task]));
    let mut pass = Pass::default();
    // The least time that the successors of each task take.
    let mut behind = vec![0; graph.n_tasks()];
    for at in 0..order.len() {
        let task = order[at];
        let chains = graph.succs[task].iter().map(|&after| {
            let after = after as usize;
            graph.durations[after] + graph.tails[after]
        });
        behind[task] = chains.max().unwrap_or(0);
        let mut earlier = order[..at].iter();
        let twin = earlier.find(|&&other| graph.succs[other] == graph.succs[task]);
        if let Some(&twin) = twin {
            behind[task] = behind[twin];
        } else if graph.succs[task].len() > 1 {
            let rest = graph.behind(task);
            behind[task] = shortest(&rest, behind[task], limit, &mut pass, is_over);
        }
        graph.tails[task] = graph.tails[task].max(behind[task]);
        if is_over(pass.nodes) {
            break;
        }
    }
    pass
}

/// A lower bound of the value of a graph, at least `known`.
fn shortest(
    graph: &Graph,
    known: u32,
    limit: u64,
    pass: &mut Pass,
    is_over: &dyn Fn(u64) -> bool,
) -> u32 {
    let mut priorities: Vec<u64> = Vec::new();
    let chains = graph.durations.iter().zip(&graph.tails);
    priorities.extend(chains.map(|(duration, tail)| u64::from(duration + tail)));
    let upper = Lister::new(graph).run(&priorities);
    let total: u64 = graph.durations.iter().map(|n| u64::from(*n)).sum();
    let load = total.div_ceil(graph.n_processors as u64) as u32;
    let mut bound = known.max(load);
    if bound >= upper {
        return bound;
    }
    let mut tree = Tree::new(graph, bound, MEMO_LOG2, is_over);
    while bound < upper {
        tree.aim(bound);
        match tree.run(limit) {
            Outcome::Impossible => bound += 1,
            Outcome::Found => break,
            Outcome::Stopped => {
                pass.is_partial = true;
                break;
            }
        }
    }
    pass.nodes += tree.nodes();
    bound
}
