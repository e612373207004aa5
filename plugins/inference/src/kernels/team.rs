//! The threads bound to one replica.

use std::{
    fmt, hint,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rayon::{
    ThreadPool, ThreadPoolBuilder,
    iter::{IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _},
};

/// Threads that share one replica's work. With one thread, all is done by the caller itself.
pub(crate) struct Team {
    pool: Option<ThreadPool>,
    n_threads: usize,
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Team")
            .field("n_threads", &self.n_threads)
            .finish()
    }
}

impl Team {
    /// A team of so many threads, at least one. It is smaller where the system gives no more.
    pub(crate) fn new(n_threads: usize) -> Self {
        if n_threads <= 1 {
            return Self::alone();
        }
        let pool = ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .thread_name(|nth| format!("kernels {nth}"))
            .build();
        match pool {
            Ok(pool) => Self {
                pool: Some(pool),
                n_threads,
            },
            Err(error) => {
                tracing::warn!(%error, "a replica has one thread instead of {n_threads}");
                Self::alone()
            }
        }
    }

    /// A team of the caller alone.
    pub(crate) fn alone() -> Self {
        Self {
            pool: None,
            n_threads: 1,
        }
    }

    /// How many threads it has.
    pub(crate) fn n_threads(&self) -> usize {
        self.n_threads
    }

    /// Does `work` on one of the team's threads and waits for it. Meanwhile the others stay awake, so
    /// that what it asks of the team starts at once: worth while around many small things.
    pub(crate) fn enter<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        let Some(pool) = &self.pool else {
            return work();
        };
        pool.scope(|scope| {
            let over = Over(Arc::default());
            let caller = rayon::current_thread_index();
            for _ in 1..self.n_threads {
                let over = Arc::clone(&over.0);
                scope.spawn(move |_| stay_awake(&over, caller));
            }
            work()
        })
    }

    /// Does `work` with each of the parts, on all threads, and waits until all is done.
    pub(crate) fn share<T: Send>(&self, parts: Vec<T>, work: impl Fn(T) + Sync + Send) {
        match &self.pool {
            Some(pool) if parts.len() > 1 => {
                pool.install(|| parts.into_par_iter().with_max_len(1).for_each(work));
            }
            _ => parts.into_iter().for_each(work),
        }
    }
}

/// Says that some work is over when it is dropped, also by a panic.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Does what the team has to do until all is over. The caller itself has better things to do: waiting
/// here, it would wait for itself.
fn stay_awake(over: &AtomicBool, caller: Option<usize>) {
    if rayon::current_thread_index() == caller {
        return;
    }
    while !over.load(Ordering::Acquire) {
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn every_part_is_done_once() {
        for n_threads in [0, 1, 2, 3] {
            let team = Team::new(n_threads);
            assert_eq!(team.n_threads(), n_threads.max(1));
            let counts: Vec<_> = (0..7).map(|_| AtomicUsize::new(0)).collect();
            team.enter(|| {
                team.share((0..7).collect(), |nth: usize| {
                    counts[nth].fetch_add(1, Ordering::Relaxed);
                });
            });
            let mut numbers = [0; 7];
            team.share(numbers.iter_mut().zip(&counts).collect(), |(to, count)| {
                *to = count.load(Ordering::Relaxed);
            });
            assert_eq!(numbers, [1; 7]);
        }
    }
}
