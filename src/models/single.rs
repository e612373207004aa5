//! One model behind a port of its own, for the commands that ask it things.

use std::{collections::BTreeMap, mem::ManuallyDrop, ops::ControlFlow, time::Duration};

use inference::{
    Answer, Arrival, LoadOptions, Model, Port, PortOptions, REMOTE_PREFIX, Refused, Reply, Request,
    RequestError, Store, StoreError,
};

use super::{download::Download, warm};
use crate::{cli::LoadArgs, error::AppError, interrupt, report, threads};

/// How long to wait for an answer before looking whether somebody gave up.
const PATIENCE: Duration = Duration::from_millis(50);
/// The same while there may be something new to ask at any time.
const SHORT_PATIENCE: Duration = Duration::from_millis(2);

/// A model with some replicas.
pub(super) struct Single {
    // Dropping it would wait for what is under way; its threads end with the process, as the command
    // that opened it does.
    port: ManuallyDrop<Port>,
    model: Model,
    to: To,
}

/// Who is asked.
enum To {
    /// So many replicas, in turn.
    Replicas(usize),
    /// Whichever version the name of a model stands for, request by request.
    Model(String),
}

/// What is to be asked next.
pub(super) enum Next<T> {
    /// This, with what comes back with its answer.
    Ask(T, Request),
    /// Something that cannot be asked, and why.
    Wrong(T, String),
    /// Nothing yet.
    Later,
    /// Nothing any more.
    Nothing,
}

/// What a model says.
pub(super) enum Heard<T> {
    /// More of a text that is being generated for the request with this number, counted from 0.
    Piece(u64, String),
    /// The end of the request with this number.
    End(u64, T, Result<Replied, NoAnswer>),
}

/// An answer, and how long it took.
pub(super) struct Replied {
    pub(super) answer: Answer,
    /// What the port says of it; its result has been taken out.
    pub(super) reply: Reply,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    #[error("{0}")]
    Wrong(String),
    #[error(transparent)]
    Refused(Refused),
    #[error(transparent)]
    Failed(RequestError),
}

impl Single {
    /// Loads a model, or the embedded one where no source of an embedding model can be reached, and
    /// opens replicas that share its cores.
    ///
    /// # Errors
    /// If it cannot be had or used.
    pub(super) fn open(
        store: &Store,
        name: &str,
        args: &LoadArgs,
        n_replicas: usize,
        options: PortOptions,
    ) -> Result<Self, AppError> {
        let n_threads = (threads::n_cores(args.threads) / n_replicas.max(1)).max(1);
        threads::share(n_threads, 1);
        let model = load(store, name, args.options(n_threads), args.strict_model)?;
        let setups = (1..=n_replicas.max(1))
            .map(|nth| model.replica(format!("{name} {nth}")))
            .collect();
        let port = Port::open(setups, options).map_err(AppError::Thread)?;
        Ok(Self {
            port: ManuallyDrop::new(port),
            model,
            to: To::Replicas(n_replicas.max(1)),
        })
    }

    /// The same with one replica, and one more of the candidate of the model, if that is to answer a
    /// share of the requests.
    ///
    /// # Errors
    /// If one of them cannot be had or used.
    pub(super) fn open_with_candidate(
        store: &Store,
        name: &str,
        args: &LoadArgs,
        options: PortOptions,
    ) -> Result<Self, AppError> {
        let candidate = match name.starts_with(REMOTE_PREFIX) {
            true => None,
            false => store.route(name)?.candidate,
        };
        let mut single = Self::open(store, name, args, 1, options)?;
        let Some((candidate, share)) = candidate else {
            return Ok(single);
        };
        let n_threads = threads::n_cores(args.threads).max(1);
        let how = args.options(n_threads);
        let tried = load(store, &candidate.full_name(), how, true)?;
        report::note(&format!(
            "note: {} answers {} % of the requests, {} the others",
            tried.version(),
            share * 100.0,
            single.model.version()
        ));
        let added = single.port.add(tried.replica(tried.version()));
        added.map_err(AppError::Thread)?;
        // While its model is being made, its share would go to the other.
        warm::wait(&single.port, interrupt::catch());
        single.port.set_stable(single.model.version());
        single.port.set_candidate(tried.version(), share);
        single.to = To::Model(name.to_owned());
        Ok(single)
    }

    /// The model that answers.
    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    /// Asks what `next` gives, in turn of each replica and as fast as the port takes it, and hands
    /// what the model says to `take`, as it comes, until there is nothing more or `take` breaks off.
    ///
    /// # Errors
    /// [`AppError::Interrupted`] after Ctrl-C.
    pub(super) fn ask_all<T>(
        &self,
        next: &mut dyn FnMut() -> Next<T>,
        take: &mut dyn FnMut(Heard<T>) -> ControlFlow<()>,
    ) -> Result<(), AppError> {
        interrupt::catch();
        let mut asked = Asked {
            n: 0,
            waiting: None,
            tags: BTreeMap::new(),
        };
        loop {
            if interrupt::caught() {
                return Err(AppError::Interrupted(String::new()));
            }
            let patience = match self.send(&mut asked, next, take) {
                Sent::Stopped => return Ok(()),
                Sent::All if asked.tags.is_empty() => return Ok(()),
                Sent::All | Sent::Full => PATIENCE,
                Sent::MoreLater => SHORT_PATIENCE,
            };
            let mut arrival = self.port.next_timeout(patience);
            while let Some(this) = arrival {
                if hand_over(this, &mut asked, take).is_break() {
                    return Ok(());
                }
                arrival = self.port.try_next();
            }
        }
    }

    fn submit(&self, request: Request) -> Result<(), Refused> {
        match &self.to {
            To::Replicas(n) => {
                let replica = (request.key % *n as u64) as usize;
                self.port.submit(replica, request)
            }
            To::Model(name) => self.port.submit_to_model(Request {
                model: name.clone(),
                ..request
            }),
        }
    }

    /// Sends until the port is full or there is nothing to send.
    fn send<T>(
        &self,
        asked: &mut Asked<T>,
        next: &mut dyn FnMut() -> Next<T>,
        take: &mut dyn FnMut(Heard<T>) -> ControlFlow<()>,
    ) -> Sent {
        loop {
            let (tag, mut request) = match asked
                .waiting
                .take()
                .map_or_else(&mut *next, |(tag, request)| Next::Ask(tag, request))
            {
                Next::Ask(tag, request) => (tag, request),
                Next::Wrong(tag, why) => {
                    asked.n += 1;
                    if take(Heard::End(asked.n - 1, tag, Err(NoAnswer::Wrong(why)))).is_break() {
                        return Sent::Stopped;
                    }
                    continue;
                }
                Next::Later => return Sent::MoreLater,
                Next::Nothing => return Sent::All,
            };
            request.key = asked.n;
            match self.submit(request.clone()) {
                Ok(()) => {
                    asked.tags.insert(asked.n, tag);
                    asked.n += 1;
                }
                Err(Refused::QueueFull { .. }) => {
                    asked.waiting = Some((tag, request));
                    return Sent::Full;
                }
                Err(refused) => {
                    asked.n += 1;
                    let end = Heard::End(request.key, tag, Err(NoAnswer::Refused(refused)));
                    if take(end).is_break() {
                        return Sent::Stopped;
                    }
                }
            }
        }
    }
}

/// What has been asked so far.
struct Asked<T> {
    n: u64,
    /// What the port had no room for.
    waiting: Option<(T, Request)>,
    tags: BTreeMap<u64, T>,
}

/// How far sending came.
enum Sent {
    All,
    MoreLater,
    Full,
    Stopped,
}

fn hand_over<T>(
    arrival: Arrival,
    asked: &mut Asked<T>,
    take: &mut dyn FnMut(Heard<T>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match arrival {
        Arrival::Piece(piece) => take(Heard::Piece(piece.key, piece.text)),
        Arrival::Reply(mut reply) => {
            let Some(tag) = asked.tags.remove(&reply.key) else {
                return ControlFlow::Continue(());
            };
            let result = std::mem::replace(&mut reply.result, Err(RequestError::Lost));
            let key = reply.key;
            let result = result
                .map(|answer| Replied { answer, reply })
                .map_err(NoAnswer::Failed);
            take(Heard::End(key, tag, result))
        }
        Arrival::Change(_) => ControlFlow::Continue(()),
    }
}

/// A model, fetched if need be.
///
/// # Errors
/// If it cannot be had, or not on the device that was asked for.
pub(crate) fn load(
    store: &Store,
    name: &str,
    how: LoadOptions,
    is_strict: bool,
) -> Result<Model, AppError> {
    let bar = Download::new(name);
    let mut show = |progress: inference::Progress<'_>| bar.show(progress);
    let cancel = interrupt::catch();
    let loaded = if is_strict {
        store
            .load(name, how, &mut show, cancel)
            .map(|model| (model, None))
    } else {
        store.load_or_embedded(name, how, &mut show, cancel)
    };
    bar.finish();
    let (model, missed) = loaded?;
    if let Some(missed) = missed {
        report::note(&format!(
            "note: {} answers instead of {name:?}, which cannot be had (--strict-model refuses \
             instead): {missed}",
            model.version()
        ));
    }
    match model.misses(how.device) {
        Some(missed) => Err(StoreError::Backend(missed).into()),
        None => Ok(model),
    }
}
