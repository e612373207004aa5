//! Knows the replicas: their models, how they are, and who of them may serve what.

use std::{fmt, sync::Arc};

use crate::{
    aliases::{Aliases, Lane, model_of},
    ask::Skill,
    backend::{Backend, Encoder},
    request::RequestError,
    sync::atomic::{AtomicUsize, Ordering},
    usage::BusyClock,
};

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
    /// It failed too often in a row, or was killed, and answers nothing any more.
    Dead {
        /// What ended it.
        reason: String,
    },
    /// It was taken away.
    Removed,
}

impl ReplicaState {
    fn is_alive(&self) -> bool {
        matches!(self, Self::Starting | Self::Ready { .. })
    }
}

/// What is known of a model from the outside. Everything in it is shared.
#[derive(Clone)]
pub(crate) struct Face {
    pub(crate) version: Arc<str>,
    pub(crate) skills: Arc<[Skill]>,
    pub(crate) encoder: Encoder,
    /// Whether it waits for a server instead of computing here.
    pub(crate) is_remote: bool,
}

impl Face {
    pub(crate) fn of(backend: &dyn Backend) -> Self {
        Self {
            version: backend.version().into(),
            skills: backend.skills().into(),
            encoder: backend.encoder(),
            is_remote: backend.is_remote(),
        }
    }

    pub(crate) fn check(&self, skill: Skill) -> Result<(), RequestError> {
        if self.skills.contains(&skill) {
            return Ok(());
        }
        let version = self.version.to_string();
        Err(RequestError::Unskilled { version, skill })
    }
}

impl fmt::Debug for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Face")
            .field("version", &self.version)
            .field("skills", &self.skills)
            .finish_non_exhaustive()
    }
}

/// One replica, as others see it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) state: ReplicaState,
    /// Its model, known once it has been ready.
    pub(crate) face: Option<Face>,
    /// Takes nothing new and ends when it has served what is its own.
    pub(crate) leaving: bool,
    /// Requests sent to it alone that have not ended.
    pub(crate) own: Arc<AtomicUsize>,
    /// How long it has been at work.
    pub(crate) busy: Arc<BusyClock>,
}

impl Entry {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            state: ReplicaState::Starting,
            face: None,
            leaving: false,
            own: Arc::default(),
            busy: Arc::new(BusyClock::new()),
        }
    }

    fn version(&self) -> Option<&str> {
        self.face.as_ref().map(|face| &*face.version)
    }
}

/// Counts a request of a replica's own until it is dropped.
#[derive(Debug)]
pub(crate) struct OwnRequest(Arc<AtomicUsize>);

impl OwnRequest {
    pub(crate) fn new(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(counter))
    }
}

impl Drop for OwnRequest {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// All replicas and aliases. Readers take a copy of the pointer and never hold a lock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    pub(crate) replicas: Vec<Entry>,
    pub(crate) aliases: Aliases,
}

impl Directory {
    /// Whether a replica may serve a lane, by the model that it has or had.
    pub(crate) fn serves(&self, replica: usize, lane: &Lane) -> bool {
        let Some(entry) = self.replicas.get(replica) else {
            return false;
        };
        if let Lane::Replica(own) = lane {
            return *own == replica;
        }
        let Some(version) = entry.version() else {
            return false;
        };
        match lane {
            Lane::Replica(_) => false,
            Lane::Version(wanted) => wanted == version,
            Lane::Stable(name) => self.is_meant(name, &[self.aliases.stable(name)], version),
            Lane::Candidate(name) => {
                let meant = [self.aliases.candidate(name), self.aliases.stable(name)];
                self.is_meant(name, &meant, version)
            }
        }
    }

    /// Whether a version is the first of those meant that is open, or any of the model if none is.
    fn is_meant(&self, name: &str, meant: &[Option<&str>], version: &str) -> bool {
        let open = meant.iter().flatten().find(|version| self.is_open(version));
        model_of(version) == name && open.is_none_or(|open| *open == version)
    }

    fn is_open(&self, version: &str) -> bool {
        self.replicas
            .iter()
            .any(|entry| entry.state.is_alive() && entry.version() == Some(version))
    }

    /// Whether somebody serves a lane, or may once its model is ready.
    pub(crate) fn has_server(&self, lane: &Lane) -> bool {
        self.has_server_besides(lane, None)
    }

    /// Whether somebody else serves a lane who does not leave.
    pub(crate) fn has_other_server(&self, lane: &Lane, replica: usize) -> bool {
        self.has_server_besides(lane, Some(replica))
    }

    fn has_server_besides(&self, lane: &Lane, besides: Option<usize>) -> bool {
        self.replicas.iter().enumerate().any(|(replica, entry)| {
            let own = matches!(lane, Lane::Replica(_));
            entry.state.is_alive()
                && Some(replica) != besides
                && (besides.is_none() || !entry.leaving)
                && (self.serves(replica, lane) || (!own && entry.face.is_none()))
        })
    }

    /// The model that a lane's inputs are encoded for, if it is known already, and its replica.
    pub(crate) fn face(&self, lane: &Lane) -> Option<(usize, &Face)> {
        (0..self.replicas.len())
            .filter(|&replica| self.replicas[replica].state.is_alive())
            .find(|&replica| self.serves(replica, lane))
            .and_then(|replica| Some((replica, self.replicas[replica].face.as_ref()?)))
    }

    /// Whether any replica's model has this name, or none is known yet.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.replicas.iter().any(|entry| {
            entry.state.is_alive()
                && !entry.leaving
                && entry
                    .version()
                    .is_none_or(|version| model_of(version) == name)
        })
    }

    /// Why nobody serves a lane.
    pub(crate) fn why_not(&self, lane: &Lane, restarts: impl Fn(usize) -> u32) -> RequestError {
        let model = match lane {
            Lane::Replica(replica) => {
                let state = self.replicas.get(*replica).map(|entry| &entry.state);
                if let Some(ReplicaState::Dead { reason }) = state {
                    return RequestError::WorkerDied {
                        restarts: restarts(*replica),
                        reason: reason.clone(),
                    };
                }
                format!("replica {replica}")
            }
            Lane::Stable(name) | Lane::Candidate(name) | Lane::Version(name) => name.clone(),
        };
        RequestError::NoReplica { model }
    }
}
