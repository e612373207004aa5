//! The one door to the models: admits requests, hands them to the replicas' threads, brings replies back.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    admission::Size,
    aliases::{Lane, model_of},
    backend::MakeBackend,
    directory::{Entry, OwnRequest, ReplicaState},
    hall::Seat,
    options::PortOptions,
    request::{Refused, Reply, Request, RequestError},
    round::{Event, Job},
    shared::{Shared, now},
    swap,
    sync::{Receiver, Sender, atomic::Ordering, bounded, held, unbounded, wait_for},
    ticket::Ticket,
    tokeniser, watchdog, worker,
};

/// How long a port that is dropped waits for threads that are still at work.
const CLOSING_PATIENCE: Duration = Duration::from_secs(10);

/// A replica to be opened: its name and how its model is made.
pub struct ReplicaSetup {
    /// What people call it; also the name of its thread.
    pub name: String,
    /// Makes the model, on a thread of the port.
    pub make: MakeBackend,
}

impl fmt::Debug for ReplicaSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplicaSetup")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What comes out of a port.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// A request ended.
    Reply(Reply),
    /// A part of a text that is being generated; the reply with all of it comes later.
    Piece(Piece),
    /// Something happened to a replica.
    Change(ReplicaChange),
}

/// A part of a text that is being generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The key of the request.
    pub key: u64,
    /// Which of its inputs it answers.
    pub input: usize,
    /// What comes next.
    pub text: String,
}

/// Something happened to a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaChange {
    /// The replica, counted from 0 in the order of opening.
    pub replica: usize,
    /// What happened.
    pub change: Change,
}

/// What happens to replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its model has been made, and it serves.
    Ready {
        /// The version of the model.
        version: String,
    },
    /// Its model failed and is made anew.
    Restarting {
        /// What the model failed of.
        reason: String,
    },
    /// It is out of order.
    Dead {
        /// What ended it.
        reason: String,
    },
    /// Another model has taken over.
    Swapped {
        /// The version that answered until now; empty if none did.
        from: String,
        /// The version that answers from now on.
        to: String,
    },
    /// The model that was to take over could not be made; the present one goes on.
    SwapFailed {
        /// What went wrong.
        reason: String,
    },
    /// It has served what was its own, and is gone.
    Removed,
}

/// What is on its way through a port, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortLoad {
    /// Requests without a received reply.
    pub requests: usize,
    /// Bytes of their inputs.
    pub bytes: usize,
    /// Tokens of their inputs, guessed where they have not been counted.
    pub tokens: u64,
    /// Those of them that have not been encoded.
    pub encoding: usize,
    /// Those of them that wait for a replica.
    pub waiting: usize,
}

/// The bounded door to all replicas. One OS thread serves each; dropping the port ends them.
pub struct Port {
    pub(crate) shared: Arc<Shared>,
    arrivals: Receiver<Event>,
    /// Dropped, it ends the watchdog.
    stop: Option<Sender<()>>,
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port")
            .field("options", &self.shared.options)
            .field("directory", &self.shared.directory())
            .finish_non_exhaustive()
    }
}

impl Port {
    /// Starts a thread for each replica, the tokenisers and a watchdog. Models are made on their
    /// threads, so this returns at once.
    ///
    /// # Errors
    /// [`std::io::Error`] if the system gives no more threads.
    pub fn open(setups: Vec<ReplicaSetup>, options: PortOptions) -> std::io::Result<Self> {
        let (outbox, arrivals) = unbounded();
        let (stop, stopped) = bounded(0);
        // Built step by step, so that an error on the way ends the threads already started.
        let port = Self {
            shared: Arc::new(Shared::new(options, outbox)),
            arrivals,
            stop: Some(stop),
        };
        watchdog::start(&port.shared, stopped)?;
        for _ in 0..options.tokenisers.max(1) {
            tokeniser::start(&port.shared)?;
        }
        for setup in setups {
            port.add(setup)?;
        }
        Ok(port)
    }

    /// Opens one more replica and says its number.
    ///
    /// # Errors
    /// [`std::io::Error`] if the system gives no more threads.
    pub fn add(&self, setup: ReplicaSetup) -> std::io::Result<usize> {
        let replica = {
            let mut hall = held(&self.shared.hall);
            hall.seats.push(Seat::new(setup.make));
            let entry = Entry::new(setup.name);
            self.shared
                .change_directory(|directory| directory.replicas.push(entry));
            hall.seats.len() - 1
        };
        if let Err(error) = worker::start(&self.shared, replica, 0) {
            let reason = error.to_string();
            worker::bury(&self.shared, &mut held(&self.shared.hall), replica, reason);
            return Err(error);
        }
        Ok(replica)
    }

    /// Takes a replica away once it has served what was sent to it. It takes nothing new, and its
    /// number is not given again. [`Change::Removed`] says when it is gone.
    pub fn remove(&self, replica: usize) {
        if replica >= self.n_replicas() {
            return;
        }
        self.shared
            .change_directory(|directory| directory.replicas[replica].leaving = true);
        let mut hall = held(&self.shared.hall);
        if !self.is_alive(replica) {
            hall.seats[replica].retire();
            self.shared.set_state(replica, ReplicaState::Removed);
            self.shared.tell(replica, Change::Removed);
        }
        drop(hall);
        self.shared.settle();
    }

    /// Puts a replica out of order at once: what it serves ends as [`RequestError::Killed`], what
    /// waits for it alone as [`RequestError::WorkerDied`]. [`Port::swap`] gives it a model again.
    pub fn kill(&self, replica: usize) {
        let mut hall = held(&self.shared.hall);
        if hall.seats.get(replica).is_none() || !self.is_alive(replica) {
            return;
        }
        worker::bury(&self.shared, &mut hall, replica, String::from("killed"));
        // Before a swap can give the replica a new thread, whose work is none of this.
        let works = held(&self.shared.watch).take_replica(replica);
        drop(hall);
        for work in works {
            watchdog::give_up(&self.shared, work, &RequestError::Killed);
        }
    }

    /// Gives a replica batches of so many tokens at most, instead of
    /// [`PortOptions::max_batch_tokens`]: what calibration found best for its model.
    pub fn set_max_batch_tokens(&self, replica: usize, tokens: u32) {
        if let Some(seat) = held(&self.shared.hall).seats.get_mut(replica) {
            seat.max_batch_tokens = Some(tokens);
        }
    }

    fn is_alive(&self, replica: usize) -> bool {
        let directory = self.shared.directory();
        let state = directory.replicas.get(replica).map(|entry| &entry.state);
        matches!(
            state,
            Some(ReplicaState::Starting | ReplicaState::Ready { .. })
        )
    }

    /// Makes another model for a replica on the side, which takes over between two batches. No
    /// request is lost: what was sent before is answered by one or the other. What makes the model
    /// before is kept for [`Port::roll_back`], with the weights if it holds them.
    /// [`Change::Swapped`] or [`Change::SwapFailed`] says what came of it.
    ///
    /// # Errors
    /// [`std::io::Error`] if there is no such replica or the system gives no more threads.
    pub fn swap(&self, replica: usize, make: MakeBackend) -> std::io::Result<()> {
        if replica >= self.n_replicas() {
            return Err(std::io::Error::new(
                std::io::ErrorKind::NotFound,
                format!("there is no replica {replica}"),
            ));
        }
        swap::start(&self.shared, replica, make)
    }

    /// Makes a version the one that its model's name stands for.
    pub fn set_stable(&self, version: &str) {
        self.shared
            .change_directory(|directory| directory.aliases.set_stable(version));
        self.shared.settle();
    }

    /// Gives a version a share, from 0 to 1, of the requests that name its model. Which requests
    /// these are follows from their keys.
    pub fn set_candidate(&self, version: &str, share: f64) {
        self.shared
            .change_directory(|directory| directory.aliases.set_candidate(version, share));
        self.shared.settle();
    }

    /// Makes the candidate of a model its stable version, and says which that is.
    pub fn promote(&self, model: &str) -> Option<String> {
        let promoted = self
            .shared
            .change_directory(|directory| directory.aliases.promote(model));
        self.shared.settle();
        promoted
    }

    /// Goes back to the stable version before, drops the candidate, and gives the replicas that had
    /// that version their model back. Says which version is stable now, and how many replicas swap.
    ///
    /// # Errors
    /// [`std::io::Error`] if the system gives no more threads.
    pub fn roll_back(&self, model: &str) -> std::io::Result<(Option<String>, usize)> {
        let stable = self
            .shared
            .change_directory(|directory| directory.aliases.roll_back(model));
        let directory = self.shared.directory();
        let back: Vec<(usize, MakeBackend)> = held(&self.shared.hall)
            .seats
            .iter()
            .enumerate()
            .filter_map(|(replica, seat)| {
                let (version, make) = seat.previous.as_ref()?;
                let face = directory.replicas[replica].face.as_ref();
                let is_meant = stable.as_deref().is_none_or(|stable| stable == &**version);
                let differs = face.is_none_or(|face| face.version != *version);
                (model_of(version) == model && is_meant && differs)
                    .then(|| (replica, Arc::clone(make)))
            })
            .collect();
        let n = back.len();
        for (replica, make) in back {
            self.swap(replica, make)?;
        }
        self.shared.settle();
        Ok((stable, n))
    }

    /// Sends a request to a replica, counted from 0 in the order of opening. Never waits.
    /// [`Request::model`] is not looked at.
    ///
    /// # Errors
    /// [`Refused`] if the request is not admitted; it then gets no reply.
    pub fn submit(&self, replica: usize, request: Request) -> Result<(), Refused> {
        let directory = self.shared.directory();
        let Some(entry) = directory.replicas.get(replica) else {
            return Err(Refused::UnknownReplica {
                replica,
                replicas: directory.replicas.len(),
            });
        };
        if entry.leaving || entry.state == ReplicaState::Removed {
            return Err(Refused::ReplicaGone { replica });
        }
        let own = Some(OwnRequest::new(&entry.own));
        self.send(Lane::Replica(replica), own, request)
    }

    /// Sends a request to whichever replica of its [`Request::model`] is free first. Never waits.
    ///
    /// The model is a name, which the aliases decide about; `NAME@stable` or `NAME@candidate`; or a
    /// version.
    ///
    /// # Errors
    /// [`Refused`] if the request is not admitted; it then gets no reply.
    pub fn submit_to_model(&self, request: Request) -> Result<(), Refused> {
        let directory = self.shared.directory();
        let lane = directory.aliases.lane(&request.model, request.key);
        let known = match &lane {
            Lane::Version(_) => directory.has_server(&lane),
            _ => directory.knows(model_of(&request.model)),
        };
        if !known {
            return Err(Refused::UnknownModel {
                model: request.model,
            });
        }
        self.send(lane, None, request)
    }

    fn send(&self, lane: Lane, own: Option<OwnRequest>, request: Request) -> Result<(), Refused> {
        let size = Size {
            bytes: request.bytes(),
            tokens: request.estimated_tokens(),
        };
        self.shared.admission.admit(size, &self.shared.options)?;
        let ticket = Arc::new(Ticket::new(request.key, size, self.shared.outbox.clone()));
        self.shared.encode(Job {
            request,
            lane,
            ticket,
            sent: now(),
            _own: own,
        });
        Ok(())
    }

    /// What comes next, if something is there.
    pub fn try_next(&self) -> Option<Arrival> {
        self.arrivals.try_recv().ok().map(|event| self.taken(event))
    }

    /// What comes next, if it comes in time.
    pub fn next_timeout(&self, patience: Duration) -> Option<Arrival> {
        let event = self.arrivals.recv_timeout(patience).ok()?;
        Some(self.taken(event))
    }

    /// The next reply, if one is there. Pieces and changes before it are thrown away.
    pub fn try_recv(&self) -> Option<Reply> {
        loop {
            if let Arrival::Reply(reply) = self.try_next()? {
                return Some(reply);
            }
        }
    }

    /// The next reply, if one comes in time. Pieces and changes before it are thrown away.
    pub fn recv_timeout(&self, patience: Duration) -> Option<Reply> {
        let until = now() + patience;
        loop {
            let left = until.saturating_duration_since(now());
            if let Arrival::Reply(reply) = self.next_timeout(left)? {
                return Some(reply);
            }
        }
    }

    fn taken(&self, event: Event) -> Arrival {
        match event {
            Event::Reply(reply, size) => {
                self.shared.admission.let_go(size);
                Arrival::Reply(reply)
            }
            Event::Piece(piece) => Arrival::Piece(piece),
            Event::Change(change) => Arrival::Change(change),
        }
    }

    /// Requests whose reply has not been received yet.
    pub fn n_on_their_way(&self) -> usize {
        self.shared.admission.n_requests()
    }

    /// What is on its way, and where. Looks into the queue: not for every frame.
    pub fn load(&self) -> PortLoad {
        let waiting = held(&self.shared.hall).n_waiting();
        let admission = &self.shared.admission;
        PortLoad {
            requests: admission.n_requests(),
            bytes: admission.n_bytes(),
            tokens: admission.n_tokens(),
            encoding: self.shared.n_encoding.load(Ordering::Acquire),
            waiting,
        }
    }

    /// How many replicas there are, those taken away included.
    pub fn n_replicas(&self) -> usize {
        self.shared.directory().replicas.len()
    }

    /// Name and state of each replica, in the order of opening.
    pub fn replicas(&self) -> impl Iterator<Item = (String, ReplicaState)> {
        let directory = self.shared.directory();
        let entries: Vec<_> = directory
            .replicas
            .iter()
            .map(|entry| (entry.name.clone(), entry.state.clone()))
            .collect();
        entries.into_iter()
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        {
            let mut hall = held(&self.shared.hall);
            hall.closing = true;
            self.shared.changed.notify_all();
        }
        let threads = self.shared.take_threads();
        for _ in &threads {
            // As many as there are tokenisers at most.
            self.shared.to_encode.0.send(None).unwrap_or_default();
        }
        self.stop = None;
        let until: Instant = now() + CLOSING_PATIENCE;
        for thread in threads {
            if !wait_for(&thread, until) {
                tracing::error!("thread {:?} does not end", thread.thread().name());
            } else if thread.join().is_err() {
                tracing::error!("a thread of the port panicked; this is a bug");
            }
        }
    }
}
