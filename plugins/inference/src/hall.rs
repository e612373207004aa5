//! Where requests wait and replicas ask what to do next. Plain data: threads and time are outside.

use std::{sync::Arc, time::Instant};

use crate::{
    aliases::Lane,
    ask::Skill,
    backend::{Backend, BackendError, MakeBackend},
    directory::Directory,
    options::PortOptions,
    queue::{Queue, Room},
    request::RequestError,
    round::{Job, Waiting, hopeless},
    sync::atomic::Ordering,
};

/// What a replica takes at least of what others that work may take later: more make a pass hardly
/// faster a token on a processor.
const FEWEST_TOKENS: u64 = 256;

/// What the port keeps of a replica.
pub(crate) struct Seat {
    /// Counts the threads that served it; a thread with a lower number has been left behind.
    pub(crate) life: u64,
    pub(crate) make: MakeBackend,
    /// What made the model before the present one, and that model's version.
    pub(crate) previous: Option<(Arc<str>, MakeBackend)>,
    /// A model that is ready to take over.
    pub(crate) incoming: Option<(Box<dyn Backend>, MakeBackend)>,
    /// Since the model last answered well.
    pub(crate) restarts: u32,
    /// Why its model must be made anew, if somebody else found out.
    pub(crate) broken: Option<BackendError>,
    /// Whether it has nothing to do.
    pub(crate) idle: bool,
    /// Tokens that its model reads in one pass, if other than the port's.
    pub(crate) max_batch_tokens: Option<u32>,
}

impl Seat {
    pub(crate) fn new(make: MakeBackend) -> Self {
        Self {
            life: 0,
            make,
            previous: None,
            incoming: None,
            restarts: 0,
            broken: None,
            idle: false,
            max_batch_tokens: None,
        }
    }
}

impl Seat {
    /// Lets go of what made its models, and so of their weights.
    pub(crate) fn retire(&mut self) {
        self.make = Arc::new(|| {
            Err(BackendError::Failed {
                model: String::from("none"),
                why: String::from("the replica was taken away"),
            })
        });
        self.previous = None;
        self.incoming = None;
    }
}

/// Everything that waits, and the seats of those who serve.
pub(crate) struct Hall {
    pub(crate) options: PortOptions,
    pub(crate) queue: Queue,
    /// Requests that cannot be encoded before a model is ready.
    parked: Vec<Job>,
    pub(crate) seats: Vec<Seat>,
    pub(crate) closing: bool,
}

/// What a replica does next.
pub(crate) enum Next {
    Serve(Vec<Waiting>),
    /// Another model takes over.
    TakeOver(Box<dyn Backend>, MakeBackend),
    /// Make the model anew, which is lost.
    Anew(BackendError),
    /// Wait for a change, or until an instant.
    Wait(Option<Instant>),
    /// The thread ends; the replica is given up or taken over by another thread.
    End,
    /// The replica has served what was its own and is taken away.
    Leave,
}

/// Who asks what to do next.
#[derive(Clone, Copy)]
pub(crate) struct Asking {
    pub(crate) replica: usize,
    pub(crate) life: u64,
    /// Sequences under way in its model.
    pub(crate) busy: usize,
    /// How many its model generates side by side; 0 if none.
    pub(crate) most: usize,
}

impl Hall {
    pub(crate) fn new(options: PortOptions) -> Self {
        Self {
            options,
            queue: Queue::new(options.ageing),
            parked: Vec::new(),
            seats: Vec::new(),
            closing: false,
        }
    }

    /// How many requests wait: for a replica, or to be encoded once a model is ready.
    pub(crate) fn n_waiting(&self) -> usize {
        self.queue.len() + self.parked.len()
    }

    /// Whether this thread still serves the replica.
    pub(crate) fn is_current(&self, replica: usize, life: u64) -> bool {
        !self.closing
            && self
                .seats
                .get(replica)
                .is_some_and(|seat| seat.life == life)
    }

    /// Lets an encoded request wait, or ends it where nobody serves it.
    pub(crate) fn push(&mut self, waiting: Waiting, directory: &Directory) {
        if directory.has_server(&waiting.job.lane) {
            self.queue.push(waiting);
        } else {
            waiting.end(self.why_not(&waiting.job.lane, directory));
        }
    }

    /// Keeps a request until a model is ready. Returns it if one is by now.
    pub(crate) fn park(&mut self, job: Job, directory: &Directory) -> Option<Job> {
        if directory.face(&job.lane).is_some() {
            return Some(job);
        }
        if directory.has_server(&job.lane) {
            self.parked.push(job);
        } else {
            job.ticket.end(self.why_not(&job.lane, directory));
        }
        None
    }

    /// Ends what nobody serves any more, and returns what can be encoded by now.
    pub(crate) fn sweep(&mut self, directory: &Directory) -> Vec<Job> {
        for waiting in self
            .queue
            .take_where(|waiting| !directory.has_server(&waiting.job.lane))
        {
            waiting.end(self.why_not(&waiting.job.lane, directory));
        }
        let parked = std::mem::take(&mut self.parked);
        parked
            .into_iter()
            .filter_map(|job| self.park(job, directory))
            .collect()
    }

    fn why_not(&self, lane: &Lane, directory: &Directory) -> RequestError {
        directory.why_not(lane, |replica| {
            self.seats.get(replica).map_or(0, |seat| seat.restarts)
        })
    }

    /// Ends the requests that need not be served any more.
    pub(crate) fn drop_hopeless(&mut self, now: Instant) {
        for (waiting, reason) in self.queue.take_hopeless(now) {
            waiting.end(reason);
        }
        self.parked.retain(|job| match hopeless(&job.request, now) {
            Some(reason) => {
                job.ticket.end(reason);
                false
            }
            None => true,
        });
    }

    /// What a replica does next. `n_encoding` requests have been sent and are not encoded yet.
    pub(crate) fn next(
        &mut self,
        asking: Asking,
        directory: &Directory,
        n_encoding: usize,
        now: Instant,
    ) -> Next {
        let Asking { replica, .. } = asking;
        if !self.is_current(replica, asking.life) {
            return Next::End;
        }
        self.seats[replica].idle = false;
        if let Some(error) = self.seats[replica].broken.take() {
            return Next::Anew(error);
        }
        if self.seats[replica].incoming.is_some() {
            // What is under way ends with the model that began it; nothing new begins with it.
            if asking.busy > 0 {
                return Next::Wait(None);
            }
            if let Some((backend, make)) = self.seats[replica].incoming.take() {
                return Next::TakeOver(backend, make);
            }
        }
        self.drop_hopeless(now);
        let leaving = directory.replicas[replica].leaving;
        let sequences = (asking.most > 0).then(|| asking.most.saturating_sub(asking.busy));
        let may = |waiting: &Waiting| {
            let generates = waiting.job.request.ask.skill() == Skill::Generate;
            directory.serves(replica, &waiting.job.lane)
                && !(generates && sequences == Some(0))
                && !(leaving && directory.has_other_server(&waiting.job.lane, replica))
        };
        let (tokens, ripe) = self.room(replica, directory, now, may);
        if let Some(until) = ripe {
            self.seats[replica].idle = asking.busy == 0;
            return Next::Wait(Some(until));
        }
        let taken = self.queue.take(now, Room { tokens, sequences }, may);
        if !taken.is_empty() {
            return Next::Serve(taken);
        }
        if leaving && asking.busy == 0 && self.may_leave(replica, directory, n_encoding) {
            return Next::Leave;
        }
        self.seats[replica].idle = asking.busy == 0;
        Next::Wait(None)
    }

    /// Tokens that the model of a replica reads in one pass.
    pub(crate) fn max_batch_tokens(&self, replica: usize) -> u32 {
        let own = self
            .seats
            .get(replica)
            .and_then(|seat| seat.max_batch_tokens);
        own.unwrap_or(self.options.max_batch_tokens)
    }

    /// How many tokens a replica takes now, or until when it waits for more.
    ///
    /// Replicas that are free at the same time share what waits for all of them, in equal parts. Of
    /// what others that work now may take later, a replica takes its part and comes back, so that
    /// all end at much the same time: Polychronopoulos, Kuck (1987), "Guided self-scheduling".
    fn room(
        &self,
        replica: usize,
        directory: &Directory,
        now: Instant,
        may: impl Fn(&Waiting) -> bool,
    ) -> (u64, Option<Instant>) {
        let most = u64::from(self.max_batch_tokens(replica));
        let mine = || self.queue.iter().filter(|waiting| may(waiting));
        let tokens: u64 = mine().map(Waiting::n_tokens).sum();
        let Some(oldest) = mine().map(|waiting| waiting.since).min() else {
            return (most, None);
        };
        let until = oldest + self.options.batch_delay;
        if tokens < most && now < until {
            return (most, Some(until));
        }
        let shared = mine().find(|waiting| !matches!(waiting.job.lane, Lane::Replica(_)));
        let (mut n_free, mut n_serving) = (1, 1);
        if let Some(waiting) = shared {
            let lane = &waiting.job.lane;
            let serves = |&other: &usize| other != replica && directory.serves(other, lane);
            for other in (0..self.seats.len()).filter(serves) {
                n_serving += 1;
                n_free += u64::from(self.seats[other].idle);
            }
        }
        let part = tokens.div_ceil(n_serving).max(FEWEST_TOKENS);
        (most.min(part).min(tokens.div_ceil(n_free)), None)
    }

    /// Whether a replica that leaves has nothing left to serve.
    fn may_leave(&self, replica: usize, directory: &Directory, n_encoding: usize) -> bool {
        let entry = &directory.replicas[replica];
        let own = entry.own.load(Ordering::Acquire);
        let version = entry.face.as_ref().map(|face| face.version.to_string());
        let is_last = version
            .is_some_and(|version| !directory.has_other_server(&Lane::Version(version), replica));
        own == 0 && !(is_last && n_encoding > 0)
    }
}
