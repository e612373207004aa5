//! The gaps between the busy times of one resource, and the first that is long enough.

/// An idle time, from and to.
type Gap = (f64, f64);

/// When a resource is idle.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// By time; the last one never ends.
    gaps: Vec<Gap>,
    /// By gap: no less than the longest from it on, the last one apart.
    longest: Vec<f64>,
    /// What is shorter fits nothing and is forgotten.
    shortest: f64,
}

/// What [`Timeline::insert`] did, to be taken back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inserted {
    at: usize,
    gap: Gap,
    n_left: usize,
}

impl Timeline {
    /// Idle from 0 on. Nothing shorter than `shortest` will ever be inserted.
    pub(super) fn new(shortest: f64) -> Self {
        Self {
            gaps: vec![(0.0, f64::INFINITY)],
            longest: vec![0.0],
            shortest,
        }
    }

    /// When the last busy time ends; 0 if there is none.
    pub(super) fn free(&self) -> f64 {
        self.gaps.last().map_or(0.0, |gap| gap.0)
    }

    /// When a gap of `length` first begins, at or after `ready`. What would end after `limit` need
    /// not be exact: the answer is then no more than some start that ends after `limit` too.
    pub(super) fn first_gap(&self, ready: f64, length: f64, limit: f64) -> f64 {
        // Most look near the end, so the search goes back from there in growing steps.
        let end = ready + length;
        let mut above = self.gaps.len() - 1;
        let mut step = 1;
        while above >= step && self.gaps[above - step].1 >= end {
            above -= step;
            step *= 2;
        }
        let below = (above + 1).saturating_sub(step);
        let first = below + self.gaps[below..above].partition_point(|gap| gap.1 < end);
        if length > self.longest[first] {
            return ready.max(self.free());
        }
        let mut start = ready;
        for &(from, to) in &self.gaps[first..] {
            start = ready.max(from);
            if start + length <= to || start + length > limit {
                break;
            }
        }
        start
    }

    /// Is busy from `start` to `end` too, which must be idle. What takes no time occupies nothing.
    pub(super) fn insert(&mut self, start: f64, end: f64) -> Option<Inserted> {
        if end <= start {
            return None;
        }
        let last = self.gaps.len() - 1;
        let at = if start >= self.gaps[last].0 {
            last
        } else {
            self.gaps.partition_point(|gap| gap.1 < end)
        };
        let gap = self.gaps[at];
        let fits = |(from, to): &Gap| from + self.shortest <= *to;
        let before = Some((gap.0, start)).filter(fits);
        let after = Some((end, gap.1)).filter(fits);
        let n_left = usize::from(before.is_some()) + usize::from(after.is_some());
        match (before, after) {
            (Some(before), Some(after)) => {
                self.gaps[at] = after;
                self.gaps.insert(at, before);
                self.longest.insert(at, 0.0);
            }
            (Some(gap), None) | (None, Some(gap)) => self.gaps[at] = gap,
            (None, None) => {
                self.gaps.remove(at);
                self.longest.remove(at);
            }
        }
        self.find_longest(at + 1);
        Some(Inserted { at, gap, n_left })
    }

    /// Takes back what was inserted last.
    pub(super) fn undo(&mut self, inserted: Option<Inserted>) {
        let Some(Inserted { at, gap, n_left }) = inserted else {
            return;
        };
        if n_left == 0 {
            self.gaps.insert(at, gap);
            self.longest.insert(at, 0.0);
        } else {
            self.gaps[at] = gap;
        }
        if n_left == 2 {
            self.gaps.remove(at + 1);
            self.longest.remove(at + 1);
        }
        self.find_longest(at);
    }

    /// Finds the longest again, after a change at `from` and the gap before it.
    fn find_longest(&mut self, from: usize) {
        let last = self.gaps.len() - 1;
        self.longest[last] = 0.0;
        for at in (0..last.min(from + 1)).rev() {
            let (begin, end) = self.gaps[at];
            // A little more, so that rounding rules nothing out that fits.
            let own = end - begin + 4.0 * f64::EPSILON * end;
            let longest = own.max(self.longest[at + 1]);
            if longest == self.longest[at] && at + 1 < from {
                return;
            }
            self.longest[at] = longest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Timeline;

    #[test]
    fn the_first_gap_that_is_long_enough_is_found() {
        for shortest in [0.0, 1.0, 2.0] {
            let mut timeline = Timeline::new(shortest);
            for (start, end) in [(10.0, 20.0), (0.0, 5.0), (23.0, 30.0), (5.0, 8.0)] {
                timeline.insert(start, end);
            }
            let check = |timeline: &Timeline, expected: &[(f64, f64, f64)]| {
                for (ready, length, start) in expected {
                    let found = timeline.first_gap(*ready, *length, f64::INFINITY);
                    assert_eq!(found, *start, "{ready} {length} {timeline:?}");
                }
            };
            let expected = [
                (0.0, 2.0, 8.0),
                (0.0, 3.0, 20.0),
                (0.0, 4.0, 30.0),
                (21.0, 2.0, 21.0),
                (22.0, 2.0, 30.0),
                (40.0, 2.0, 40.0),
            ];
            check(&timeline, &expected);
            let first = timeline.insert(8.0, 10.0);
            let second = timeline.insert(20.0, 22.0);
            let third = timeline.insert(50.0, 60.0);
            check(&timeline, &[(0.0, 2.0, 30.0), (49.0, 2.0, 60.0)]);
            for inserted in [third, second, first] {
                timeline.undo(inserted);
            }
            check(&timeline, &expected);
            assert_eq!(timeline.free(), 30.0);
        }
    }

    #[test]
    fn what_takes_no_time_fits_between_two_busy_times() {
        let mut timeline = Timeline::new(0.0);
        for (start, end) in [(0.0, 5.0), (5.0, 8.0)] {
            timeline.insert(start, end);
        }
        for (ready, start) in [(0.0, 0.0), (3.0, 5.0), (5.0, 5.0), (6.0, 8.0), (9.0, 9.0)] {
            assert_eq!(timeline.first_gap(ready, 0.0, f64::INFINITY), start);
        }
    }
}
