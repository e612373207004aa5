//! Serves one replica on its own thread: takes what waits, runs it in passes, survives a failing model.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use crate::{
    ask::Ask,
    backend::{Backend, BackendError, MakeBackend},
    batch::{Item, by_ask, passes},
    directory::{Face, ReplicaState},
    hall::{Asking, Hall, Next},
    input::Encoded,
    output::Output,
    port::Change,
    request::RequestError,
    round::{Serving, Waiting, hopeless},
    sequences::Sequences,
    shared::{Shared, held, now, panic_message},
    ticket::Ticket,
    tokeniser,
    watch::{Who, Work},
};

/// Starts the thread of a replica, which makes its model first.
pub(crate) fn start(shared: &Arc<Shared>, replica: usize, life: u64) -> std::io::Result<()> {
    let name = format!("model {}", shared.directory().replicas[replica].name);
    let of_thread = Arc::clone(shared);
    shared.spawn(&name, move |thread| {
        let worker = Worker {
            shared: of_thread,
            replica,
            life,
            thread,
            model: None,
            sequences: Sequences::default(),
        };
        worker.run();
    })
}

/// Puts a replica out of order and ends what only it could have served.
pub(crate) fn bury(shared: &Shared, hall: &mut Hall, replica: usize, reason: String) {
    tracing::warn!("replica {replica} is out of order: {reason}");
    hall.seats[replica].life += 1;
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
    life: u64,
    thread: u64,
    pub(crate) model: Option<(Box<dyn Backend>, Face)>,
    pub(crate) sequences: Sequences,
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
        self.shared.set_state(self.replica, ReplicaState::Removed);
        self.shared.tell(self.replica, Change::Removed);
        self.shared.settle();
        Ok(())
    }

    /// Makes the model for the first time, or anew for a thread that was left behind.
    fn first_model(&mut self) -> Result<(), LeftBehind> {
        if self.take_incoming()? {
            return Ok(());
        }
        let restarts = held(&self.shared.hall).seats[self.replica].restarts;
        self.pause(self.shared.options.pause_before(restarts), &[])?;
        match self.make(&[])? {
            Ok(()) => Ok(()),
            Err(reason) => self.restart(reason, &[]),
        }
    }

    /// Makes the model; while that takes, these requests wait for it.
    fn make(&mut self, tickets: &[Arc<Ticket>]) -> Result<Result<(), String>, LeftBehind> {
        let make = Arc::clone(&held(&self.shared.hall).seats[self.replica].make);
        let limit = self.shared.options.load_limit;
        let id = self.begin(self.work(Who::Making(self.replica), limit, tickets))?;
        let made = catch_unwind(AssertUnwindSafe(|| {
            make().map(|backend| {
                let face = Face::of(&*backend);
                (backend, face)
            })
        }));
        self.end(id)?;
        let (backend, face) = match made {
            Ok(Ok(made)) => made,
            Ok(Err(error)) => return Ok(Err(error.to_string())),
            Err(panic) => return Ok(Err(panic_message(panic.as_ref()))),
        };
        self.announce(&face);
        let version = face.version.to_string();
        self.model = Some((backend, face));
        self.shared.tell(self.replica, Change::Ready { version });
        Ok(Ok(()))
    }

    /// Lets a model that was made on the side take over, if there is one.
    fn take_incoming(&mut self) -> Result<bool, LeftBehind> {
        let incoming = held(&self.shared.hall).seats[self.replica].incoming.take();
        if let Some((backend, make)) = incoming {
            self.take_over(backend, make)?;
        }
        Ok(self.model.is_some())
    }

    fn announce(&self, face: &Face) {
        let version = face.version.to_string();
        self.shared.change_directory(|directory| {
            let entry = &mut directory.replicas[self.replica];
            entry.state = ReplicaState::Ready { version };
            entry.face = Some(face.clone());
        });
        self.shared.settle();
    }

    /// Throws the model away and makes it anew, unless that has been in vain too often.
    pub(crate) fn restart(
        &mut self,
        mut reason: String,
        tickets: &[Arc<Ticket>],
    ) -> Result<(), LeftBehind> {
        drop_model(self.model.take());
        loop {
            if self.take_incoming()? {
                return Ok(());
            }
            let restarts = self.count_restart(&reason, tickets)?;
            tracing::warn!("making a model anew, restart {restarts}: {reason}");
            self.shared.set_state(self.replica, ReplicaState::Starting);
            self.shared
                .tell(self.replica, Change::Restarting { reason });
            self.pause(self.shared.options.pause_before(restarts), tickets)?;
            match self.make(tickets)? {
                Ok(()) => return Ok(()),
                Err(why) => reason = why,
            }
        }
    }

    /// One restart more, or the end of the replica.
    fn count_restart(&self, reason: &str, tickets: &[Arc<Ticket>]) -> Result<u32, LeftBehind> {
        let mut hall = held(&self.shared.hall);
        if !hall.is_current(self.replica, self.life) {
            return killed(tickets).map(|_| 0);
        }
        let restarts = hall.seats[self.replica].restarts;
        if restarts < self.shared.options.max_restarts {
            hall.seats[self.replica].restarts += 1;
            return Ok(restarts + 1);
        }
        for ticket in tickets {
            let reason = reason.to_owned();
            ticket.end(RequestError::WorkerDied { restarts, reason });
        }
        bury(&self.shared, &mut hall, self.replica, reason.to_owned());
        Err(LeftBehind)
    }

    fn pause(&self, pause: Duration, tickets: &[Arc<Ticket>]) -> Result<(), LeftBehind> {
        let until = now() + pause;
        let mut hall = held(&self.shared.hall);
        loop {
            if !hall.is_current(self.replica, self.life) {
                return killed(tickets).map(drop);
            }
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                return Ok(());
            }
            hall = match self.shared.changed.wait_timeout(hall, left) {
                Ok((hall, _)) => hall,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// Another model takes over, between two batches.
    fn take_over(
        &mut self,
        backend: Box<dyn Backend>,
        make: MakeBackend,
    ) -> Result<(), LeftBehind> {
        let face = match catch_unwind(AssertUnwindSafe(|| Face::of(&*backend))) {
            Ok(face) => face,
            Err(panic) => {
                let reason = panic_message(panic.as_ref());
                self.shared
                    .tell(self.replica, Change::SwapFailed { reason });
                return Ok(());
            }
        };
        let to = face.version.to_string();
        let old = self.model.replace((backend, face.clone()));
        let from = old.as_ref().map(|(_, face)| Arc::clone(&face.version));
        {
            let mut hall = held(&self.shared.hall);
            if !hall.is_current(self.replica, self.life) {
                return Err(LeftBehind);
            }
            let seat = &mut hall.seats[self.replica];
            let before = std::mem::replace(&mut seat.make, make);
            seat.previous = from.clone().map(|version| (version, before));
            seat.restarts = 0;
        }
        self.announce(&face);
        let from = from.map_or_else(String::new, |from| from.to_string());
        self.shared.tell(self.replica, Change::Swapped { from, to });
        drop_model(old);
        Ok(())
    }

    /// Serves what was taken: in passes here, or as sequences from the next step on.
    fn serve(&mut self, waiting: Vec<Waiting>) -> Result<(), LeftBehind> {
        let taken = now();
        let mut round = Vec::new();
        for waiting in self.encode_anew(waiting)? {
            let serving = Serving::new(waiting, taken);
            let generates = matches!(serving.request().ask, Ask::Generate(_));
            match &self.model {
                Some((backend, _)) if generates && backend.n_sequences() > 0 => {
                    self.sequences.add(serving);
                }
                _ => round.push(serving),
            }
        }
        self.reply_settled(&mut round);
        for (ask, items) in by_ask(&round) {
            for pass in passes(items, self.shared.options.max_batch_tokens) {
                self.run_within_memory(&mut round, &ask, pass)?;
                self.reply_settled(&mut round);
            }
        }
        Ok(())
    }

    /// Encodes once more what was encoded for another version, which has been swapped out since.
    fn encode_anew(&self, mut waiting: Vec<Waiting>) -> Result<Vec<Waiting>, LeftBehind> {
        let Some((_, face)) = &self.model else {
            return Ok(waiting);
        };
        let stale = |waiting: &Waiting| waiting.encoded_for != face.version;
        if !waiting.iter().any(stale) {
            return Ok(waiting);
        }
        let tickets: Vec<_> = waiting
            .iter()
            .map(|waiting| Arc::clone(&waiting.job.ticket))
            .collect();
        let who = Who::Replica(self.replica);
        let id = self.begin(self.work(who, self.shared.options.pass_limit, &tickets))?;
        let mut results = Vec::new();
        for waiting in waiting.iter().filter(|waiting| stale(waiting)) {
            let request = &waiting.job.request;
            let checked = face.check(request.ask.skill());
            results.push(checked.and_then(|()| tokeniser::encode(&face.encoder, request)));
        }
        self.end(id)?;
        let mut results = results.into_iter();
        waiting.retain_mut(|waiting| {
            if waiting.encoded_for == face.version {
                return true;
            }
            match results.next() {
                Some(Ok(inputs)) => {
                    waiting.tokens = inputs.iter().map(Encoded::tokens).collect();
                    waiting.inputs = inputs;
                    waiting.encoded_for = Arc::clone(&face.version);
                    true
                }
                Some(Err(error)) => {
                    waiting.end(error);
                    false
                }
                None => false,
            }
        });
        Ok(waiting)
    }

    fn reply_settled(&self, round: &mut [Serving]) {
        let version = self.version();
        for serving in round {
            serving.reply_if_settled(&version, self.replica);
        }
    }

    pub(crate) fn version(&self) -> String {
        self.model
            .as_ref()
            .map_or_else(String::new, |(_, face)| face.version.to_string())
    }

    /// Runs a pass, in halves where the whole would need too much memory.
    fn run_within_memory(
        &mut self,
        round: &mut [Serving],
        ask: &Ask,
        pass: Vec<Item>,
    ) -> Result<(), LeftBehind> {
        let most = self.shared.options.pass_bytes;
        let mut parts = vec![pass];
        while let Some(mut part) = parts.pop() {
            let needs = match &self.model {
                Some((backend, _)) if most < u64::MAX => {
                    backend.pass_bytes(ask, &inputs_of(round, &part))
                }
                _ => 0,
            };
            match part.as_slice() {
                [] => {}
                [one] if needs > most => {
                    round[one.request].failed = Some(RequestError::TooMuchMemory { needs, most });
                }
                _ if needs > most => {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                }
                _ => self.run_pass(round, ask, part)?,
            }
        }
        Ok(())
    }

    /// Runs one pass through the model and hands its outputs, or its failure, to the requests.
    fn run_pass(
        &mut self,
        round: &mut [Serving],
        ask: &Ask,
        mut pass: Vec<Item>,
    ) -> Result<(), LeftBehind> {
        let begins = now();
        pass.retain(|item| {
            let serving = &mut round[item.request];
            if serving.failed.is_none() {
                serving.failed = hopeless(serving.request(), begins);
            }
            serving.failed.is_none()
        });
        if pass.is_empty() {
            return Ok(());
        }
        let tickets = self.unended(round);
        let inputs = inputs_of(round, &pass);
        let done = self.compute(&tickets, |backend| backend.answer(ask, &inputs))?;
        let result = done
            .result
            .and_then(|outputs| checked(outputs, inputs.len()));
        let requests: BTreeSet<usize> = pass.iter().map(|item| item.request).collect();
        for &request in &requests {
            let serving = &mut round[request];
            serving.took += done.took;
            serving.began.get_or_insert(done.began);
            let others = requests.iter().filter(|&&other| other != request);
            serving.mates.extend(others);
        }
        match result {
            Ok(outputs) => {
                self.answered_well();
                for (item, output) in pass.iter().zip(outputs) {
                    round[item.request].outputs[item.input] = Some(output);
                    round[item.request].left -= 1;
                }
            }
            Err(error) => {
                for &request in &requests {
                    round[request].failed = Some(error.clone());
                }
                self.reply_settled(round);
                // A refusal leaves the model usable; anything else may have broken it.
                if !matches!(error, RequestError::Backend(_)) {
                    self.end_sequences(&error);
                    self.restart(error.to_string(), &self.unended(round))?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn answered_well(&self) {
        held(&self.shared.hall).seats[self.replica].restarts = 0;
    }

    /// Lets the model compute, under a permit and under the eyes of the watchdog, which ends these
    /// requests if it hangs.
    pub(crate) fn compute<T>(
        &mut self,
        tickets: &[Arc<Ticket>],
        work: impl FnOnce(&mut dyn Backend) -> Result<T, BackendError>,
    ) -> Result<Done<T>, LeftBehind> {
        self.shared.permits.take();
        let who = Who::Replica(self.replica);
        let id = self.begin(Work {
            permit: true,
            ..self.work(who, self.shared.options.pass_limit, tickets)
        })?;
        let began = now();
        let Some((backend, _)) = self.model.as_mut() else {
            self.end(id)?;
            self.shared.permits.give_back();
            return Err(LeftBehind);
        };
        let worked = catch_unwind(AssertUnwindSafe(|| work(&mut **backend)));
        let took = began.elapsed();
        self.end(id)?;
        self.shared.permits.give_back();
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

    fn work(&self, who: Who, limit: Duration, tickets: &[Arc<Ticket>]) -> Work {
        Work {
            who,
            thread: self.thread,
            limit,
            tickets: tickets.to_vec(),
            permit: false,
        }
    }

    /// Work begins that the watchdog keeps an eye on, unless the replica is this thread's no more.
    fn begin(&self, work: Work) -> Result<u64, LeftBehind> {
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
    fn end(&self, id: u64) -> Result<(), LeftBehind> {
        match held(&self.shared.watch).end(id) {
            true => Ok(()),
            false => Err(LeftBehind),
        }
    }
}

/// How often an idle replica looks around even if nobody wakes it.
const IDLE_LOOK: Duration = Duration::from_millis(100);

fn killed(tickets: &[Arc<Ticket>]) -> Result<u64, LeftBehind> {
    for ticket in tickets {
        ticket.end(RequestError::Killed);
    }
    Err(LeftBehind)
}

fn inputs_of<'a>(round: &'a [Serving], pass: &[Item]) -> Vec<&'a Encoded> {
    pass.iter()
        .map(|item| &round[item.request].waiting.inputs[item.input])
        .collect()
}

/// The outputs of a pass, if they are what was asked for.
fn checked(outputs: Vec<Output>, expected: usize) -> Result<Vec<Output>, RequestError> {
    let got = outputs.len();
    if got != expected {
        return Err(RequestError::WrongCount { expected, got });
    }
    match outputs.iter().position(|output| !output.is_finite()) {
        Some(item) => Err(RequestError::Poisoned { item }),
        None => Ok(outputs),
    }
}

fn drop_model(model: Option<(Box<dyn Backend>, Face)>) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(model))) {
        tracing::warn!(
            "a model panicked while it was dropped: {:?}",
            panic_message(panic.as_ref())
        );
    }
}
