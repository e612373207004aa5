//! The one door to the models: admits requests, hands them to the replicas' threads, brings replies back.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::{
    backend::MakeBackend,
    permits::Permits,
    request::{Refused, Reply, Request},
    round::{Finished, Job},
    worker::Worker,
};

/// A replica to be opened: its name and how its model is made.
pub struct ReplicaSetup {
    /// What people call it; also the name of its thread.
    pub name: String,
    /// Makes the model, on the replica's own thread.
    pub make: MakeBackend,
}

impl fmt::Debug for ReplicaSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplicaSetup")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The limits of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortOptions {
    /// Requests that may be on their way: sent, and their reply not yet received.
    pub queue_len: usize,
    /// Bytes that the inputs of these requests may have together.
    pub queue_bytes: usize,
    /// Tokens, padding included, that a model reads in one pass, and that a worker takes at once.
    /// A single input or request above it goes alone.
    pub max_batch_tokens: u32,
    /// How often in a row a failing model is made anew before its replica is out of order.
    pub max_restarts: u32,
    /// Replicas that may compute at the same time; at least 1.
    pub most_at_once: usize,
}

impl Default for PortOptions {
    fn default() -> Self {
        Self {
            queue_len: 1024,
            queue_bytes: 16 << 20,
            max_batch_tokens: 2048,
            max_restarts: 3,
            most_at_once: usize::MAX,
        }
    }
}

/// How a replica is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplicaState {
    /// Its model is being made, for the first time or anew.
    Starting,
    /// It serves, or waits for something to serve.
    Ready {
        /// The version of its model.
        version: String,
    },
    /// It failed too often in a row and answers nothing any more.
    Dead {
        /// What ended it.
        reason: String,
    },
}

/// The bounded door to all replicas. One OS thread serves each; dropping the port ends them.
#[derive(Debug)]
pub struct Port {
    options: PortOptions,
    replicas: Vec<Replica>,
    replies: Receiver<Finished>,
    on_their_way: Mutex<Load>,
    closing: Arc<AtomicBool>,
    permits: Permits,
}

#[derive(Debug)]
struct Replica {
    name: String,
    // `None` only while the port is dropped: a closed inbox tells the thread to end.
    inbox: Option<Sender<Job>>,
    state: Arc<Mutex<ReplicaState>>,
    thread: Option<JoinHandle<()>>,
}

/// What is on its way through the port.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    requests: usize,
    bytes: usize,
}

impl Port {
    /// Starts a thread for each replica. Models are made there, so this returns at once.
    ///
    /// # Errors
    /// [`std::io::Error`] if the system gives no more threads.
    pub fn open(setups: Vec<ReplicaSetup>, options: PortOptions) -> std::io::Result<Self> {
        let (outbox, replies) = unbounded();
        let closing = Arc::new(AtomicBool::new(false));
        // Built step by step, so that an error on the way ends the threads already started.
        let mut port = Self {
            options,
            replicas: Vec::with_capacity(setups.len()),
            replies,
            on_their_way: Mutex::default(),
            closing,
            permits: Permits::new(options.most_at_once.min(setups.len())),
        };
        for setup in setups {
            let replica = port.start(setup, outbox.clone())?;
            port.replicas.push(replica);
        }
        Ok(port)
    }

    fn start(&self, setup: ReplicaSetup, outbox: Sender<Finished>) -> std::io::Result<Replica> {
        let (inbox, jobs) = unbounded();
        let state = Arc::new(Mutex::new(ReplicaState::Starting));
        let worker = Worker::new(
            setup.make,
            self.options,
            jobs,
            outbox,
            Arc::clone(&state),
            Arc::clone(&self.closing),
            self.permits.clone(),
        );
        let thread = std::thread::Builder::new()
            .name(format!("model {}", setup.name.replace('\0', " ")))
            .spawn(move || worker.run())?;
        Ok(Replica {
            name: setup.name,
            inbox: Some(inbox),
            state,
            thread: Some(thread),
        })
    }

    /// Sends a request to a replica, counted from 0 in the order of opening. Never waits.
    ///
    /// # Errors
    /// [`Refused`] if the request is not admitted; it then gets no reply.
    pub fn submit(&self, replica: usize, request: Request) -> Result<(), Refused> {
        let Some(target) = self.replicas.get(replica) else {
            return Err(Refused::UnknownReplica {
                replica,
                replicas: self.replicas.len(),
            });
        };
        let inbox = target.inbox.as_ref().ok_or(Refused::Closed)?;
        let bytes = request.bytes();
        self.admit(bytes)?;
        inbox.send(Job { request, bytes }).map_err(|_| {
            self.let_go(bytes);
            Refused::Closed
        })
    }

    fn admit(&self, bytes: usize) -> Result<(), Refused> {
        let most = self.options.queue_bytes;
        if bytes > most {
            return Err(Refused::TooLarge { bytes, most });
        }
        let mut load = held(&self.on_their_way);
        if load.requests >= self.options.queue_len || load.bytes + bytes > most {
            return Err(Refused::QueueFull {
                requests: load.requests,
                bytes: load.bytes,
            });
        }
        load.requests += 1;
        load.bytes += bytes;
        Ok(())
    }

    fn let_go(&self, bytes: usize) {
        let mut load = held(&self.on_their_way);
        load.requests = load.requests.saturating_sub(1);
        load.bytes = load.bytes.saturating_sub(bytes);
    }

    /// The next reply, if one is there.
    pub fn try_recv(&self) -> Option<Reply> {
        self.replies
            .try_recv()
            .ok()
            .map(|finished| self.received(finished))
    }

    /// The next reply, if one comes in time.
    pub fn recv_timeout(&self, patience: Duration) -> Option<Reply> {
        self.replies
            .recv_timeout(patience)
            .ok()
            .map(|finished| self.received(finished))
    }

    fn received(&self, finished: Finished) -> Reply {
        self.let_go(finished.bytes);
        finished.reply
    }

    /// Requests whose reply has not been received yet.
    pub fn n_on_their_way(&self) -> usize {
        held(&self.on_their_way).requests
    }

    /// How many replicas there are.
    pub fn n_replicas(&self) -> usize {
        self.replicas.len()
    }

    /// Name and state of each replica, in the order of opening.
    pub fn replicas(&self) -> impl Iterator<Item = (&str, ReplicaState)> {
        self.replicas
            .iter()
            .map(|replica| (replica.name.as_str(), held(&replica.state).clone()))
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        for replica in &mut self.replicas {
            replica.inbox = None;
        }
        for replica in &mut self.replicas {
            if let Some(thread) = replica.thread.take()
                && thread.join().is_err()
            {
                tracing::error!(
                    "the thread of replica {:?} panicked; this is a bug",
                    replica.name
                );
            }
        }
    }
}

/// Locks what is left consistent by whoever panicked while holding it.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
