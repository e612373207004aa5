//! Serves one replica on its own thread: takes what waits, runs it in passes, survives a failing model.

use std::{
    any::Any,
    cmp::Reverse,
    collections::BTreeSet,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender};

use crate::{
    ask::Ask,
    backend::{Backend, BackendError, Encoder, MakeBackend},
    batch::{Item, n_taken, passes},
    input::Encoded,
    output::Output,
    permits::Permits,
    port::{PortOptions, ReplicaState, held},
    request::{Answer, Reply, Request, RequestError},
    round::{Finished, Job, Serving, Waiting},
};

/// The thread's state.
pub(crate) struct Worker {
    make: MakeBackend,
    options: PortOptions,
    inbox: Receiver<Job>,
    outbox: Sender<Finished>,
    state: Arc<Mutex<ReplicaState>>,
    closing: Arc<AtomicBool>,
    permits: Permits,
    backend: Option<Box<dyn Backend>>,
    waiting: Vec<Waiting>,
    // Since the model last answered well.
    restarts: u32,
}

impl Worker {
    pub(crate) fn new(
        make: MakeBackend,
        options: PortOptions,
        inbox: Receiver<Job>,
        outbox: Sender<Finished>,
        state: Arc<Mutex<ReplicaState>>,
        closing: Arc<AtomicBool>,
        permits: Permits,
    ) -> Self {
        Self {
            make,
            options,
            inbox,
            outbox,
            state,
            closing,
            permits,
            backend: None,
            waiting: Vec::new(),
            restarts: 0,
        }
    }

    /// Serves until the port closes.
    pub(crate) fn run(mut self) {
        if let Err(reason) = self.make_backend() {
            self.restart(reason);
        }
        loop {
            if self.waiting.is_empty() {
                let Ok(job) = self.inbox.recv() else { return };
                self.take_in(job);
            }
            while let Ok(job) = self.inbox.try_recv() {
                self.take_in(job);
            }
            if self.is_closing() {
                return;
            }
            self.drop_hopeless();
            let round = self.next_round();
            self.serve(round);
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    fn make_backend(&mut self) -> Result<(), String> {
        let made = catch_unwind(AssertUnwindSafe(|| (self.make)()));
        let backend = match made {
            Ok(Ok(backend)) => backend,
            Ok(Err(error)) => return Err(error.to_string()),
            Err(panic) => return Err(panic_message(panic.as_ref())),
        };
        *held(&self.state) = ReplicaState::Ready {
            version: backend.version().to_owned(),
        };
        self.backend = Some(backend);
        Ok(())
    }

    /// Throws the model away and makes it anew, unless that has been in vain too often.
    fn restart(&mut self, mut reason: String) {
        *held(&self.state) = ReplicaState::Starting;
        let broken = self.backend.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(broken))) {
            tracing::warn!(
                "a broken model panicked while it was dropped: {:?}",
                panic_message(panic.as_ref())
            );
        }
        while self.restarts < self.options.max_restarts && !self.is_closing() {
            self.restarts += 1;
            tracing::warn!("making a model anew, restart {:?}: {reason}", self.restarts);
            match self.make_backend() {
                Ok(()) => return,
                Err(why) => reason = why,
            }
        }
        tracing::error!(
            "a replica is out of order after {:?} restarts: {reason}",
            self.restarts
        );
        *held(&self.state) = ReplicaState::Dead { reason };
    }

    /// Encodes a request's inputs and lets it wait, or turns it away.
    fn take_in(&mut self, job: Job) {
        let Some(backend) = &self.backend else {
            return self.turn_away(&job);
        };
        if let Some(reason) = hopeless(&job.request) {
            return self.reply(&job, Err(reason), Duration::ZERO, 0);
        }
        let skill = job.request.ask.skill();
        if !backend.skills().contains(&skill) {
            let version = backend.version().to_owned();
            let error = RequestError::Unskilled { version, skill };
            return self.reply(&job, Err(error), Duration::ZERO, 0);
        }
        let encoder = backend.encoder();
        match catch_unwind(AssertUnwindSafe(|| encode(&encoder, &job.request))) {
            Ok(Ok(inputs)) => {
                let tokens = inputs.iter().map(Encoded::tokens).collect();
                self.waiting.push(Waiting {
                    job,
                    inputs,
                    tokens,
                });
            }
            Ok(Err(error)) => {
                let lost = matches!(error, BackendError::Lost { .. }).then(|| error.to_string());
                self.reply(&job, Err(error.into()), Duration::ZERO, 0);
                if let Some(reason) = lost {
                    self.restart(reason);
                }
            }
            Err(panic) => {
                let message = panic_message(panic.as_ref());
                let error = RequestError::Panicked { message };
                self.reply(&job, Err(error), Duration::ZERO, 0);
            }
        }
    }

    /// Replies to those for whom nobody waits, and to all when the replica is out of order.
    fn drop_hopeless(&mut self) {
        for waiting in mem::take(&mut self.waiting) {
            if self.backend.is_none() {
                self.turn_away(&waiting.job);
            } else if let Some(reason) = hopeless(&waiting.job.request) {
                self.reply(&waiting.job, Err(reason), Duration::ZERO, 0);
            } else {
                self.waiting.push(waiting);
            }
        }
    }

    fn turn_away(&self, job: &Job) {
        let error = self.worker_died();
        self.reply(job, Err(error), Duration::ZERO, 0);
    }

    fn worker_died(&self) -> RequestError {
        let reason = match &*held(&self.state) {
            ReplicaState::Dead { reason } => reason.clone(),
            ReplicaState::Starting | ReplicaState::Ready { .. } => String::from("it has no model"),
        };
        RequestError::WorkerDied {
            restarts: self.restarts,
            reason,
        }
    }

    /// What to serve now: higher priority first, then who came first, up to the budget.
    fn next_round(&mut self) -> Vec<Serving> {
        // The sort is stable, and requests wait in the order in which they came.
        self.waiting
            .sort_by_key(|waiting| Reverse(waiting.job.request.priority));
        let n = n_taken(
            self.waiting.iter().map(Waiting::n_tokens),
            self.options.max_batch_tokens,
        );
        self.waiting.drain(..n).map(Serving::new).collect()
    }

    fn serve(&mut self, mut round: Vec<Serving>) {
        let Some(backend) = &self.backend else { return };
        let version = backend.version().to_owned();
        // Requests without inputs are settled from the start.
        self.reply_settled(&mut round, &version);
        for (ask, items) in by_ask(&round) {
            for pass in passes(items, self.options.max_batch_tokens) {
                if self.is_closing() {
                    return;
                }
                self.run_pass(&mut round, &ask, pass);
                self.reply_settled(&mut round, &version);
            }
        }
    }

    /// Runs one pass through the model and hands its outputs, or its failure, to the requests.
    fn run_pass(&mut self, round: &mut [Serving], ask: &Ask, mut pass: Vec<Item>) {
        pass.retain(|item| {
            let serving = &mut round[item.request];
            if serving.failed.is_none() && serving.request().cancelled.is_cancelled() {
                serving.failed = Some(RequestError::Cancelled);
            }
            serving.failed.is_none()
        });
        if pass.is_empty() {
            return;
        }
        let inputs: Vec<&Encoded> = pass
            .iter()
            .map(|item| &round[item.request].waiting.inputs[item.input])
            .collect();
        let permits = self.permits.clone();
        let (result, took) = permits.hold(|| {
            let began = now();
            let result = self.answer(ask, &inputs);
            (result, began.elapsed())
        });
        let requests: BTreeSet<usize> = pass.iter().map(|item| item.request).collect();
        for &request in &requests {
            round[request].took += took;
            round[request]
                .mates
                .extend(requests.iter().filter(|&&other| other != request));
        }
        match result {
            Ok(outputs) => {
                self.restarts = 0;
                for (item, output) in pass.iter().zip(outputs) {
                    round[item.request].outputs[item.input] = Some(output);
                    round[item.request].left -= 1;
                }
            }
            Err(error) => {
                for &request in &requests {
                    round[request].failed = Some(error.clone());
                }
                // A refusal leaves the model usable; anything else may have broken it.
                let is_usable = match &error {
                    RequestError::Backend(error) => !matches!(error, BackendError::Lost { .. }),
                    other => matches!(other, RequestError::WorkerDied { .. }),
                };
                if !is_usable {
                    self.restart(error.to_string());
                }
            }
        }
    }

    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, RequestError> {
        let Some(backend) = self.backend.as_mut() else {
            return Err(self.worker_died());
        };
        let outputs =
            catch_unwind(AssertUnwindSafe(|| backend.answer(ask, inputs))).map_err(|panic| {
                RequestError::Panicked {
                    message: panic_message(panic.as_ref()),
                }
            })??;
        if outputs.len() != inputs.len() {
            return Err(RequestError::WrongCount {
                expected: inputs.len(),
                got: outputs.len(),
            });
        }
        match outputs.iter().position(|output| !output.is_finite()) {
            Some(item) => Err(RequestError::Poisoned { item }),
            None => Ok(outputs),
        }
    }

    fn reply_settled(&self, round: &mut [Serving], version: &str) {
        for serving in round
            .iter_mut()
            .filter(|serving| serving.is_settled() && !serving.replied)
        {
            serving.replied = true;
            let result = serving.result(version);
            self.reply(
                &serving.waiting.job,
                result,
                serving.took,
                serving.mates.len(),
            );
        }
    }

    fn reply(
        &self,
        job: &Job,
        result: Result<Answer, RequestError>,
        took: Duration,
        batched_with: usize,
    ) {
        let reply = Reply {
            key: job.request.key,
            result,
            took,
            batched_with,
        };
        if self
            .outbox
            .send(Finished {
                reply,
                bytes: job.bytes,
            })
            .is_err()
        {
            tracing::debug!("nobody receives replies any more");
        }
    }
}

fn encode(encoder: &Encoder, request: &Request) -> Result<Vec<Encoded>, BackendError> {
    let inputs = request.inputs.iter();
    inputs.map(|input| encoder(&request.ask, input)).collect()
}

/// The inputs of a round, together where the same is asked of them.
fn by_ask(round: &[Serving]) -> Vec<(Ask, Vec<Item>)> {
    let mut groups: Vec<(Ask, Vec<Item>)> = Vec::new();
    for (request, serving) in round.iter().enumerate() {
        let ask = &serving.request().ask;
        let tokens = serving.waiting.tokens.iter().enumerate();
        let items = tokens.map(|(input, &tokens)| Item {
            request,
            input,
            tokens,
        });
        match groups.iter_mut().find(|(other, _)| other == ask) {
            Some((_, group)) => group.extend(items),
            None => groups.push((ask.clone(), items.collect())),
        }
    }
    groups
}

/// Why a request need not be served any more.
fn hopeless(request: &Request) -> Option<RequestError> {
    if request.cancelled.is_cancelled() {
        return Some(RequestError::Cancelled);
    }
    let expires = request.expires?;
    (now() >= expires).then_some(RequestError::Expired)
}

#[expect(
    clippy::disallowed_methods,
    reason = "expiry and the measured time of a pass are wall time"
)]
fn now() -> Instant {
    Instant::now()
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        String::from("a panic without words")
    }
}
