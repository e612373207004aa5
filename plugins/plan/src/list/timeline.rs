//! The busy times of one resource, and the first gap in them that is long enough.

/// When a resource is busy, by time.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    starts: Vec<f64>,
    ends: Vec<f64>,
}

impl Timeline {
    /// When the last of it ends; 0 if it is never busy.
    pub(super) fn free(&self) -> f64 {
        self.ends.last().copied().unwrap_or(0.0)
    }

    /// When a gap of `length` first begins, at or after `ready`. What would end after `limit` need
    /// not be exact: the answer is then no more than some start that ends after `limit` too.
    pub(super) fn first_gap(&self, ready: f64, length: f64, limit: f64) -> f64 {
        if ready >= self.free() {
            return ready;
        }
        let first = self.ends.partition_point(|end| *end <= ready);
        let mut start = ready;
        for (from, to) in self.starts[first..].iter().zip(&self.ends[first..]) {
            let end = start + length;
            if end <= *from || end > limit {
                return start;
            }
            start = start.max(*to);
        }
        start
    }

    /// Is busy from `start` to `end` too, which must be free. What takes no time occupies nothing.
    pub(super) fn insert(&mut self, start: f64, end: f64) {
        if end <= start {
            return;
        }
        if start >= self.free() {
            self.starts.push(start);
            self.ends.push(end);
            return;
        }
        let at = self.starts.partition_point(|from| *from <= start);
        self.starts.insert(at, start);
        self.ends.insert(at, end);
    }

    /// Takes back the busy time that begins at `start` and ends at `end`.
    pub(super) fn remove(&mut self, start: f64, end: f64) {
        if end <= start {
            return;
        }
        let at = self.starts.partition_point(|from| *from < start);
        self.starts.remove(at);
        self.ends.remove(at);
    }
}

#[cfg(test)]
mod tests {
    use super::Timeline;

    #[test]
    fn the_first_gap_that_is_long_enough_is_found() {
        let mut timeline = Timeline::default();
        for (start, end) in [(10.0, 20.0), (0.0, 5.0), (23.0, 30.0), (5.0, 8.0)] {
            timeline.insert(start, end);
        }
        for (ready, length, start) in [
            (0.0, 2.0, 8.0),
            (0.0, 3.0, 20.0),
            (0.0, 4.0, 30.0),
            (9.0, 1.0, 9.0),
            (21.0, 2.0, 21.0),
            (22.0, 2.0, 30.0),
            (40.0, 2.0, 40.0),
            (8.0, 0.0, 8.0),
        ] {
            assert_eq!(timeline.first_gap(ready, length, f64::INFINITY), start);
        }
        timeline.remove(10.0, 20.0);
        assert_eq!(timeline.first_gap(0.0, 4.0, f64::INFINITY), 8.0);
        assert_eq!(timeline.free(), 30.0);
    }
}
