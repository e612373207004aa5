//! When the resources are free: the end of their last operation, or all their busy intervals.

/// A resource and when it becomes free.
#[derive(Clone, Copy, Debug)]
pub(super) struct Free {
    pub(super) at: f64,
    pub(super) resource: u32,
}

/// Resources that do the same operations in the same times, by when they become free.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// By time; ties: the higher number first.
    free: Vec<Free>,
}

impl Group {
    /// All of `resources` free from 0 on.
    pub(super) fn new(mut resources: Vec<u32>) -> Self {
        resources.sort_unstable_by_key(|resource| std::cmp::Reverse(*resource));
        let free = |resource| Free { at: 0.0, resource };
        Self {
            free: resources.into_iter().map(free).collect(),
        }
    }

    pub(super) fn clear(&mut self) {
        for free in &mut self.free {
            free.at = 0.0;
        }
        self.free
            .sort_unstable_by_key(|free| std::cmp::Reverse(free.resource));
    }

    /// The position of the resource that has been free for the shortest time at `ready`; if none
    /// is free, of the one that becomes free first.
    pub(super) fn pick(&self, ready: f64) -> usize {
        let n_free = self.free.iter().take_while(|free| free.at <= ready).count();
        if n_free > 0 {
            return n_free - 1;
        }
        let first = self.free[0].at;
        let n_equal = self.free.iter().take_while(|free| free.at == first).count();
        n_equal - 1
    }

    pub(super) fn get(&self, position: usize) -> Free {
        self.free[position]
    }

    /// Says that the resource at `position` is busy until `end`, which is later than before.
    pub(super) fn occupy(&mut self, position: usize, end: f64) {
        let resource = self.free[position].resource;
        let mut at = position;
        while let Some(next) = self.free.get(at + 1).copied() {
            if next.at > end || (next.at == end && next.resource < resource) {
                break;
            }
            self.free[at] = next;
            at += 1;
        }
        self.free[at] = Free { at: end, resource };
    }
}

/// The busy intervals of one resource, by time.
#[derive(Clone, Debug, Default)]
pub(super) struct Busy {
    intervals: Vec<(f64, f64)>,
}

impl Busy {
    pub(super) fn clear(&mut self) {
        self.intervals.clear();
    }

    /// When a gap of `length` first begins, at or after `ready`.
    pub(super) fn first_gap(&self, ready: f64, length: f64) -> f64 {
        let Some(&(_, last)) = self.intervals.last() else {
            return ready;
        };
        if last <= ready {
            return ready;
        }
        let from = self.intervals.partition_point(|(_, end)| *end <= ready);
        let mut start = ready;
        for &(begin, end) in &self.intervals[from..] {
            if start + length <= begin {
                break;
            }
            start = start.max(end);
        }
        start
    }

    /// Takes the interval, which must be free.
    pub(super) fn occupy(&mut self, start: f64, end: f64) {
        if self.intervals.last().is_none_or(|(_, last)| *last <= start) {
            self.intervals.push((start, end));
            return;
        }
        let at = self
            .intervals
            .partition_point(|(_, before)| *before <= start);
        self.intervals.insert(at, (start, end));
    }
}
