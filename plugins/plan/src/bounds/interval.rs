//! What must be done within an interval, wherever each operation is pushed: Fernandez and Bussell
//! (1973), "Bounds on the number of processors and time for multiprocessor optimal schedules"; the
//! same intervals as in the energetic reasoning of Baptiste, Le Pape, Nuijten (1999), "Satisfiability
//! tests and time-bound adjustments for cumulative scheduling problems".

use super::groups::{Group, Task};

/// How many pairs of an interval's begin and an operation are looked at in all.
pub(super) const EFFORT: usize = 400_000;

/// A schedule of `length` gives each task a window. The bound by how much the windows must grow so
/// that the work of each interval fits into it; `length` itself if it fits.
pub(super) fn bound(group: &Group, length: f64, effort: &mut usize) -> f64 {
    let mut begins: Vec<f64> = Vec::new();
    for task in &group.tasks {
        begins.push(task.head);
        begins.push(length - task.tail - task.duration);
    }
    begins.sort_unstable_by(f64::total_cmp);
    begins.dedup();
    let most = *effort / group.tasks.len();
    let every = begins.len().div_ceil(most.max(1)).max(1);
    let mut ramps = Vec::new();
    let mut excess = 0.0_f64;
    for begin in begins.into_iter().step_by(every) {
        if *effort < group.tasks.len() {
            *effort = 0;
            break;
        }
        *effort -= group.tasks.len();
        excess = excess.max(worst_excess(group, length, begin, &mut ramps));
    }
    // Grown by x, all windows and the interval end x later.
    length + excess / group.n_resources as f64
}

/// By how much work exceeds room, for the worst of the intervals from `begin` on.
fn worst_excess(group: &Group, length: f64, begin: f64, ramps: &mut Vec<(f64, f64)>) -> f64 {
    ramps.clear();
    for &Task {
        head,
        duration,
        tail,
    } in &group.tasks
    {
        // As early as it can be, so much of it is left after `begin`.
        let left = duration.min(head + duration - begin);
        if left > 0.0 {
            let latest = length - tail - duration;
            let from = latest.max(begin);
            ramps.push((from, 1.0));
            ramps.push((from + left, -1.0));
        }
    }
    ramps.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut now = begin;
    let mut slope = -(group.n_resources as f64);
    let mut value = 0.0;
    let mut worst = 0.0_f64;
    for &(at, change) in &*ramps {
        value += slope * (at - now);
        worst = worst.max(value);
        slope += change;
        now = at;
    }
    worst
}
