//! What the port and its threads have in common.

use std::{any::Any, collections::BTreeMap, sync::Arc, time::Instant};

use crate::{
    admission::Admission,
    directory::{Directory, ReplicaState},
    hall::Hall,
    options::PortOptions,
    permits::Permits,
    port::{Change, ReplicaChange},
    round::{Event, Job},
    sync::{
        Builder, Condvar, JoinHandle, Mutex, Receiver, Sender,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        has_ended, held, unbounded,
    },
    watch::Watch,
};

/// Locks are taken in this order: hall, then any one of the others. The thread of the app takes
/// the directory alone, which is never held for longer than it takes to copy a pointer or to
/// change an entry.
pub(crate) struct Shared {
    pub(crate) options: PortOptions,
    pub(crate) hall: Mutex<Hall>,
    /// Something in the hall or in the directory is new.
    pub(crate) changed: Condvar,
    pub(crate) watch: Mutex<Watch>,
    pub(crate) admission: Admission,
    pub(crate) permits: Permits,
    pub(crate) outbox: Sender<Event>,
    /// Requests to be encoded; `None` ends the tokeniser that takes it.
    pub(crate) to_encode: (Sender<Option<Box<Job>>>, Receiver<Option<Box<Job>>>),
    /// How many requests are there.
    pub(crate) n_encoding: AtomicUsize,
    directory: Mutex<Arc<Directory>>,
    threads: Mutex<BTreeMap<u64, JoinHandle<()>>>,
    next_thread: AtomicU64,
}

impl Shared {
    pub(crate) fn new(options: PortOptions, outbox: Sender<Event>) -> Self {
        Self {
            options,
            hall: Mutex::new(Hall::new(options)),
            changed: Condvar::new(),
            watch: Mutex::default(),
            admission: Admission::default(),
            permits: Permits::new(options.most_at_once.min(MOST_PERMITS)),
            outbox,
            to_encode: unbounded(),
            n_encoding: AtomicUsize::new(0),
            directory: Mutex::default(),
            threads: Mutex::default(),
            next_thread: AtomicU64::new(0),
        }
    }

    /// The replicas and aliases as they are now.
    pub(crate) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&held(&self.directory))
    }

    /// Changes the directory. What follows from it for the hall is for [`Shared::settle`].
    pub(crate) fn change_directory<T>(&self, change: impl FnOnce(&mut Directory) -> T) -> T {
        let mut directory = held(&self.directory);
        let mut new = (**directory).clone();
        let result = change(&mut new);
        *directory = Arc::new(new);
        result
    }

    pub(crate) fn set_state(&self, replica: usize, state: ReplicaState) {
        self.change_directory(|directory| {
            let entry = &mut directory.replicas[replica];
            if matches!(state, ReplicaState::Dead { .. } | ReplicaState::Removed) {
                // Its encoder may hold on to weights.
                entry.face = None;
            }
            entry.state = state;
        });
    }

    /// Nobody encodes for a replica's model any more: it is lost, and made anew.
    pub(crate) fn withdraw(&self, replica: usize) {
        self.change_directory(|directory| {
            let entry = &mut directory.replicas[replica];
            if matches!(entry.state, ReplicaState::Ready { .. }) {
                entry.state = ReplicaState::Starting;
                entry.face = None;
            }
        });
    }

    /// Draws the consequences of a changed directory: ends what nobody serves any more, encodes
    /// what can be encoded by now, wakes everybody.
    pub(crate) fn settle(&self) {
        let mut hall = held(&self.hall);
        self.settle_in(&mut hall);
    }

    pub(crate) fn settle_in(&self, hall: &mut Hall) {
        for job in hall.sweep(&self.directory()) {
            self.encode(job);
        }
        self.changed.notify_all();
    }

    /// Hands a request to the tokenisers.
    pub(crate) fn encode(&self, job: Job) {
        self.n_encoding.fetch_add(1, Ordering::AcqRel);
        self.to_encode
            .0
            .send(Some(Box::new(job)))
            .expect("this holds the other end. This is a bug.");
    }

    pub(crate) fn tell(&self, replica: usize, change: Change) {
        let change = ReplicaChange { replica, change };
        if self.outbox.send(Event::Change(change)).is_err() {
            tracing::debug!("nobody hears of replicas any more");
        }
    }

    /// Starts a thread, which is told its number.
    pub(crate) fn spawn(
        &self,
        name: &str,
        run: impl FnOnce(u64) + Send + 'static,
    ) -> std::io::Result<()> {
        let number = self.next_thread.fetch_add(1, Ordering::AcqRel);
        let handle = Builder::new()
            .name(name.replace('\0', " "))
            .spawn(move || run(number))?;
        let mut threads = held(&self.threads);
        threads.retain(|_, thread| !has_ended(thread));
        threads.insert(number, handle);
        Ok(())
    }

    /// Waits for a thread no more: it hangs, and cannot be stopped.
    pub(crate) fn leave_behind(&self, thread: u64) {
        drop(held(&self.threads).remove(&thread));
    }

    pub(crate) fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut *held(&self.threads))
            .into_values()
            .collect()
    }
}

/// More would not run at once on any machine.
const MOST_PERMITS: usize = 4096;

#[expect(
    clippy::disallowed_methods,
    reason = "expiry, limits and the measured time of a pass are wall time"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        String::from("a panic without words")
    }
}
