//! Serves one replica on its own thread: takes what waits, runs it in passes, survives a failing model.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    backend::{Backend, BackendError},
    directory::{Face, ReplicaState},
    hall::{Asking, Hall, Next},
    port::Change,
    request::RequestError,
    round::Serving,
    sequences::Sequences,
    shared::{Shared, now, panic_message},
    sync::{atomic::Ordering, held},
    ticket::Ticket,
    usage::BusyClock,
    watch::{Who, Work},
};

/// Starts the thread of a replica, which makes its model first.
pub(crate) fn start(shared: &Arc<Shared>, replica: usize, life: u64) -> std::io::Result<()> {
    let entry = shared.directory().replicas[replica].clone();
    let (name, busy) = (format!("model {}", entry.name), entry.busy);
    let of_thread = Arc::clone(shared);
    shared.spawn(&name, move |thread| {
        let worker = Worker {
            shared: of_thread,
            replica,
            life,
            thread,
            model: None,
            sequences: Sequences::default(),
            busy,
        };
        worker.run();
    })
}

/// Puts a replica out of order and ends what only it could have served.
pub(crate) fn bury(shared: &Shared, hall: &mut Hall, replica: usize, reason: String) {
    tracing::warn!("replica {replica} is out of order: {reason}");
    hall.seats[replica].life += 1;
    if hall.seats[replica].incoming.take().is_some() {
        let reason = reason.clone();
        shared.tell(replica, Change::SwapFailed { reason });
    }
    let state = ReplicaState::Dead {
        reason: reason.clone(),
    };
    shared.set_state(replica, state);
    shared.tell(replica, Change::Dead { reason });
    shared.settle_in(hall);
}

/// The thread's state.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) replica: usize,
    pub(crate) life: u64,
    thread: u64,
    pub(crate) model: Option<(Box<dyn Backend>, Face)>,
    pub(crate) sequences: Sequences,
    busy: Arc<BusyClock>,
}

/// The replica is no longer this thread's: the port closes, or another thread has taken over.
#[derive(Debug)]
pub(crate) struct LeftBehind;

/// What came of the model's work, when it began and how long it took.
pub(crate) struct Done<T> {
    pub(crate) result: Result<T, RequestError>,
    pub(crate) began: Instant,
    pub(crate) took: Duration,
}

impl Worker {
    /// Serves until the port closes, the replica leaves, or another thread takes over.
    fn run(mut self) {
        if self.serve_all().is_err() {
            tracing::debug!("a thread of replica {} ends", self.replica);
        }
        for ticket in self.unended(&[]) {
            ticket.end(RequestError::Killed);
        }
        drop_model(self.model.take());
    }

    fn serve_all(&mut self) -> Result<(), LeftBehind> {
        self.first_model()?;
        loop {
            match self.next() {
                Next::Serve(waiting) => self.serve(waiting)?,
                Next::TakeOver(backend, make) => self.take_over(backend, make)?,
                Next::Anew(error) => self.anew(&error.into())?,
                Next::Wait(_) => {}
                Next::End => return Err(LeftBehind),
                Next::Leave => return self.leave(),
            }
            self.step()?;
        }
    }

    /// What to do next. Waits for it, unless sequences are under way.
    fn next(&self) -> Next {
        let asking = Asking {
            replica: self.replica,
            life: self.life,
            busy: self.sequences.len(),
            most: self
                .model
                .as_ref()
                .map_or(0, |(backend, _)| backend.n_sequences()),
        };
        let shared = &*self.shared;
        let mut hall = held(&shared.hall);
        loop {
            let n_encoding = shared.n_encoding.load(Ordering::Acquire);
            let next = hall.next(asking, &shared.directory(), n_encoding, now());
            let Next::Wait(until) = next else { return next };
            if asking.busy > 0 {
                return Next::Wait(None);
            }
            let most = until.map_or(IDLE_LOOK, |until| until.saturating_duration_since(now()));
            hall = match shared.changed.wait_timeout(hall, most) {
                Ok((hall, _)) => hall,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    fn leave(&self) -> Result<(), LeftBehind> {
        let mut hall = held(&self.shared.hall);
        if !hall.is_current(self.replica, self.life) {
            return Err(LeftBehind);
        }
        hall.seats[self.replica].retire();
        self.shared.set_state(self.replica, ReplicaState::Removed);
        self.shared.tell(self.replica, Change::Removed);
        self.shared.settle_in(&mut hall);
        Ok(())
    }

    pub(crate) fn version(&self) -> String {
        self.model
            .as_ref()
            .map_or_else(String::new, |(_, face)| face.version.to_string())
    }

    /// Nobody encodes for the model any more: it is lost, and made anew.
    pub(crate) fn withdraw(&self) {
        let hall = held(&self.shared.hall);
        if hall.is_current(self.replica, self.life) {
            self.shared.withdraw(self.replica);
        }
    }

    pub(crate) fn answered_well(&self) {
        let mut hall = held(&self.shared.hall);
        if hall.is_current(self.replica, self.life) {
            hall.seats[self.replica].restarts = 0;
        }
    }

    /// Lets the model compute, under a permit and under the eyes of the watchdog, which ends these
    /// requests if it hangs.
    pub(crate) fn compute<T>(
        &mut self,
        tickets: &[Arc<Ticket>],
        work: impl FnOnce(&mut dyn Backend) -> Result<T, BackendError>,
    ) -> Result<Done<T>, LeftBehind> {
        // A server computes on cores of its own, and minds its time itself.
        let is_remote = self.model.as_ref().is_some_and(|(_, face)| face.is_remote);
        let limit = if is_remote {
            REMOTE_LIMIT
        } else {
            self.shared.permits.take();
            self.shared.options.pass_limit
        };
        let give_back = |shared: &Shared| {
            if !is_remote {
                shared.permits.give_back();
            }
        };
        let who = Who::Replica(self.replica);
        let id = self.begin(Work {
            permit: !is_remote,
            ..self.work(who, limit, tickets)
        })?;
        let began = now();
        let Some((backend, _)) = self.model.as_mut() else {
            self.end(id)?;
            give_back(&self.shared);
            return Err(LeftBehind);
        };
        let mark = self.busy.begin();
        let worked = catch_unwind(AssertUnwindSafe(|| work(&mut **backend)));
        let took = began.elapsed();
        self.busy.end(mark);
        self.end(id)?;
        give_back(&self.shared);
        let result = match worked {
            Ok(result) => result.map_err(RequestError::from),
            Err(panic) => Err(RequestError::Panicked {
                message: panic_message(panic.as_ref()),
            }),
        };
        Ok(Done {
            result,
            began,
            took,
        })
    }

    /// All requests that this thread has not ended.
    pub(crate) fn unended(&self, round: &[Serving]) -> Vec<Arc<Ticket>> {
        round
            .iter()
            .chain(self.sequences.servings())
            .map(Serving::ticket)
            .filter(|ticket| !ticket.is_ended())
            .cloned()
            .collect()
    }

    pub(crate) fn work(&self, who: Who, limit: Duration, tickets: &[Arc<Ticket>]) -> Work {
        Work {
            who,
            thread: self.thread,
            limit,
            tickets: tickets.to_vec(),
            permit: false,
        }
    }

    /// Work begins that the watchdog keeps an eye on, unless the replica is this thread's no more.
    pub(crate) fn begin(&self, work: Work) -> Result<u64, LeftBehind> {
        let (tickets, permit) = (work.tickets.clone(), work.permit);
        let id = held(&self.shared.watch).begin(work, now());
        // After it is in the watch: whoever kills the replica looks there after counting up lives.
        if held(&self.shared.hall).is_current(self.replica, self.life) {
            return Ok(id);
        }
        if self.end(id).is_ok() && permit {
            self.shared.permits.give_back();
        }
        killed(&tickets)
    }

    /// Work ends, unless it has been given up.
    pub(crate) fn end(&self, id: u64) -> Result<(), LeftBehind> {
        match held(&self.shared.watch).end(id) {
            true => Ok(()),
            false => Err(LeftBehind),
        }
    }
}

/// How long a server may take at the very most: its backend has limits of its own.
const REMOTE_LIMIT: Duration = Duration::from_secs(24 * 3600);
/// How often an idle replica looks around even if nobody wakes it.
const IDLE_LOOK: Duration = Duration::from_millis(100);

pub(crate) fn killed(tickets: &[Arc<Ticket>]) -> Result<u64, LeftBehind> {
    for ticket in tickets {
        ticket.end(RequestError::Killed);
    }
    Err(LeftBehind)
}

pub(crate) fn drop_model(model: Option<(Box<dyn Backend>, Face)>) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(model))) {
        tracing::warn!(
            "a model panicked while it was dropped: {:?}",
            panic_message(panic.as_ref())
        );
    }
}
