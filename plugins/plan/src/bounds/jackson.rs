//! One machine that may interrupt: always the released operation with the longest tail. Jackson's
//! preemptive schedule, as a bound by Carlier and Pinson (1989), "An algorithm for solving the
//! job-shop problem".

use std::collections::BinaryHeap;

use super::groups::Group;

/// The length of the preemptive schedule of a group of one resource.
pub(super) fn bound(group: &Group) -> f64 {
    let tasks = &group.tasks;
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by(|&a, &b| tasks[a].head.total_cmp(&tasks[b].head));
    let mut left: Vec<f64> = tasks.iter().map(|task| task.duration).collect();
    let mut ready: BinaryHeap<(u64, usize)> = BinaryHeap::new();
    let mut now = 0.0_f64;
    let mut bound = 0.0_f64;
    let mut next = 0;
    while next < order.len() || !ready.is_empty() {
        if ready.is_empty() {
            now = now.max(tasks[order[next]].head);
        }
        while next < order.len() && tasks[order[next]].head <= now {
            // Tails are not negative, so their bits are in their order.
            ready.push((tasks[order[next]].tail.to_bits(), order[next]));
            next += 1;
        }
        let until = order
            .get(next)
            .map_or(f64::INFINITY, |&task| tasks[task].head);
        let Some(&(_, task)) = ready.peek() else {
            break;
        };
        if now + left[task] <= until {
            now += left[task];
            ready.pop();
            bound = bound.max(now + tasks[task].tail);
        } else {
            left[task] -= until - now;
            now = until;
        }
    }
    bound
}
