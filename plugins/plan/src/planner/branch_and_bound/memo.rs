//! Remembers partial schedules that cannot be completed, so that none like them is tried again.

/// How many words the ends of running tasks may take in all.
const MOST_ENDS: usize = 24 << 20;

/// Nothing is barred.
pub(super) const FREE: (u64, u32) = (0, u32::MAX);

/// What the future depends on, once the set of started tasks is known.
#[derive(Clone, Copy)]
pub(super) struct State<'a> {
    /// A fingerprint of the set of started tasks. Two sets share one with probability 2⁻¹²⁸.
    pub(super) started: u128,
    pub(super) now: u32,
    /// The running tasks and their ends, latest first.
    pub(super) running: &'a [(u32, u32)],
    /// A fingerprint of the tasks that must not start yet, and when all processors must have been
    /// busy; [`FREE`] if anything may start.
    pub(super) barred: (u64, u32),
}

struct Entry {
    started: u128,
    barred: (u64, u32),
    now: u32,
    from: u32,
    n_running: u32,
    next: u32,
}

const NONE: u32 = u32::MAX;

/// The failed states.
pub(super) struct Memo {
    log2: u32,
    buckets: Vec<u32>,
    entries: Vec<Entry>,
    running: Vec<(u32, u32)>,
}

impl Memo {
    /// Remembers nothing yet; has 2 to the power of `log2` buckets.
    pub(super) fn new(log2: u32) -> Self {
        Self {
            log2,
            buckets: vec![NONE; 1 << log2],
            entries: Vec::new(),
            running: Vec::new(),
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.buckets.fill(NONE);
        self.entries.clear();
        self.running.clear();
    }

    fn bucket(&self, started: u128) -> usize {
        (started >> (128 - self.log2)) as usize
    }

    /// Whether a failed state was at least as good as this one: the same tasks started, none barred,
    /// and processors and tasks free no later; or the very same state, barred for no longer. `end`
    /// tells the end of a started task.
    pub(super) fn knows(&self, state: State<'_>, end: impl Fn(u32) -> u32) -> bool {
        let mut at = self.buckets[self.bucket(state.started)];
        while at != NONE {
            let entry = &self.entries[at as usize];
            if entry.started == state.started && self.is_better(entry, state, &end) {
                return true;
            }
            at = entry.next;
        }
        false
    }

    fn is_better(&self, entry: &Entry, state: State<'_>, end: &impl Fn(u32) -> u32) -> bool {
        if entry.now > state.now {
            return false;
        }
        let from = entry.from as usize;
        let running = &self.running[from..from + entry.n_running as usize];
        if entry.barred != FREE {
            // To start earlier could take away what the bar waits for, so no less than the same
            // state will do.
            return entry.now == state.now
                && entry.barred.0 == state.barred.0
                && entry.barred.1 >= state.barred.1
                && running == state.running;
        }
        running.iter().enumerate().all(|(nth, &(ends, task))| {
            let nth_free = state.running.get(nth).map_or(state.now, |(end, _)| *end);
            ends <= nth_free && (ends <= state.now || ends <= end(task))
        })
    }

    /// Remembers a failed state, while there is room.
    pub(super) fn insert(&mut self, state: State<'_>) {
        if self.running.len() + state.running.len() > MOST_ENDS {
            return;
        }
        let bucket = self.bucket(state.started);
        let bucket = &mut self.buckets[bucket];
        self.entries.push(Entry {
            started: state.started,
            barred: state.barred,
            now: state.now,
            from: self.running.len() as u32,
            n_running: state.running.len() as u32,
            next: *bucket,
        });
        *bucket = self.entries.len() as u32 - 1;
        self.running.extend_from_slice(state.running);
    }
}
