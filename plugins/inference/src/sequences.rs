//! Generates side by side: sequences join between two steps, and leave when they are done.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use crate::{
    ask::Ask,
    backend::{Backend, BackendError, SequenceId, SequenceStep},
    input::Encoded,
    output::Output,
    port::Piece,
    request::RequestError,
    round::{Event, Serving, Waiting, hopeless},
    shared::now,
    sync::held,
    worker::{LeftBehind, Worker},
};

/// The sequences of one replica.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    next_request: usize,
    next_sequence: u64,
    servings: BTreeMap<usize, Serving>,
    /// Inputs that have not been begun: request and input.
    pending: VecDeque<(usize, usize)>,
    running: BTreeMap<SequenceId, (usize, usize)>,
}

/// What one step is to do: end some, begin some, and then bring all further.
struct Plan {
    end: Vec<SequenceId>,
    begin: Vec<(SequenceId, Ask, Arc<Encoded>)>,
}

/// What a step did.
struct Stepped {
    refused: Vec<(SequenceId, BackendError)>,
    steps: Vec<(SequenceId, SequenceStep)>,
}

impl Sequences {
    /// How many are under way, or wait for a place.
    pub(crate) fn len(&self) -> usize {
        self.running.len() + self.pending.len()
    }

    pub(crate) fn servings(&self) -> impl Iterator<Item = &Serving> {
        self.servings.values()
    }

    pub(crate) fn add(&mut self, serving: Serving) {
        let request = self.next_request;
        self.next_request += 1;
        let inputs = 0..serving.waiting.inputs.len();
        self.pending.extend(inputs.map(|input| (request, input)));
        self.servings.insert(request, serving);
    }

    /// Fails whatever nobody waits for, and says what the model is to do next.
    fn plan(&mut self, most: usize) -> Plan {
        let now = now();
        for serving in self.servings.values_mut() {
            if serving.failed.is_none() {
                serving.failed = hopeless(serving.request(), now);
            }
        }
        let failed: BTreeSet<usize> = self
            .servings
            .iter()
            .filter(|(_, serving)| serving.failed.is_some())
            .map(|(&request, _)| request)
            .collect();
        self.pending
            .retain(|(request, _)| !failed.contains(request));
        let end: Vec<SequenceId> = self
            .running
            .iter()
            .filter(|(_, (request, _))| {
                failed.contains(request) || !self.servings.contains_key(request)
            })
            .map(|(&id, _)| id)
            .collect();
        for id in &end {
            self.running.remove(id);
        }
        let mut begin = Vec::new();
        while self.running.len() < most
            && let Some((request, input)) = self.pending.pop_front()
            && let Some(serving) = self.servings.get(&request)
        {
            let id = SequenceId(self.next_sequence);
            self.next_sequence += 1;
            self.running.insert(id, (request, input));
            let encoded = Arc::new(serving.waiting.inputs[input].clone());
            begin.push((id, serving.request().ask.clone(), encoded));
        }
        Plan { end, begin }
    }

    fn fail(&mut self, id: SequenceId, error: RequestError) {
        if let Some((request, _)) = self.running.remove(&id)
            && let Some(serving) = self.servings.get_mut(&request)
        {
            serving.failed.get_or_insert(error);
        }
    }

    /// Takes out the requests of which nothing has begun, and fails those that are not yet settled, which
    /// are lost with their model.
    fn give_back(&mut self, error: &RequestError) -> Vec<Waiting> {
        self.fail_running(error);
        let mut unbegun = Vec::new();
        for (request, mut serving) in std::mem::take(&mut self.servings) {
            if !serving.is_settled() {
                if serving.left == serving.waiting.inputs.len() {
                    unbegun.push(serving.waiting);
                    continue;
                }
                serving.failed = Some(error.clone());
            }
            self.servings.insert(request, serving);
        }
        self.pending.clear();
        unbegun
    }

    /// Fails all that are under way; what has not begun goes on waiting.
    fn fail_running(&mut self, error: &RequestError) {
        while let Some((&id, _)) = self.running.first_key_value() {
            self.fail(id, error.clone());
        }
    }

    /// Takes in what is new of a sequence. A piece that is wanted is returned.
    fn take_in(&mut self, id: SequenceId, step: SequenceStep) -> Option<Piece> {
        let &(request, input) = self.running.get(&id)?;
        let serving = self.servings.get_mut(&request)?;
        match step {
            SequenceStep::Piece(text) => serving.request().stream.then(|| Piece {
                key: serving.request().key,
                input,
                text,
            }),
            SequenceStep::Done(output) => {
                self.running.remove(&id);
                settle(serving, input, output);
                None
            }
            SequenceStep::Failed(error) => {
                self.fail(id, error.into());
                None
            }
        }
    }

    /// Replies to requests that are settled and forgets them.
    fn reply_settled(&mut self, version: &str, replica: usize) {
        for serving in self.servings.values_mut() {
            serving.reply_if_settled(version, replica);
        }
        self.servings.retain(|_, serving| !serving.replied);
        // What else a failed request had waits no more; what it has under way ends in the next plan.
        let servings = &self.servings;
        self.pending
            .retain(|(request, _)| servings.contains_key(request));
    }
}

fn settle(serving: &mut Serving, input: usize, output: Output) {
    if output.is_finite() {
        serving.outputs[input] = Some(output);
        serving.left = serving.left.saturating_sub(1);
    } else {
        serving
            .failed
            .get_or_insert(RequestError::Poisoned { item: input });
    }
}

/// Does what was planned. One step is one pass of the model.
fn carry_out(plan: &Plan, backend: &mut dyn Backend) -> Result<Stepped, BackendError> {
    for &id in &plan.end {
        backend.end(id);
    }
    let mut refused = Vec::new();
    for (id, ask, encoded) in &plan.begin {
        if let Err(error) = backend.begin(*id, ask, encoded) {
            refused.push((*id, error));
        }
    }
    let steps = backend.step()?;
    Ok(Stepped { refused, steps })
}

impl Worker {
    /// Brings all sequences one token further, if there are any.
    pub(crate) fn step(&mut self) -> Result<(), LeftBehind> {
        let most = match &self.model {
            Some((backend, _)) => backend.n_sequences(),
            None => return Ok(()),
        };
        if self.sequences.servings.is_empty() && self.sequences.running.is_empty() {
            return Ok(());
        }
        let plan = self.sequences.plan(most);
        if self.sequences.running.is_empty() && plan.end.is_empty() {
            // Requests without inputs, or without hope.
            self.reply_sequences();
            return Ok(());
        }
        let tickets = self.unended(&[]);
        let done = self.compute(&tickets, |backend| carry_out(&plan, backend))?;
        let requests: BTreeSet<usize> = self.sequences.running.values().map(|at| at.0).collect();
        for &request in &requests {
            if let Some(serving) = self.sequences.servings.get_mut(&request) {
                serving.took += done.took;
                serving.began.get_or_insert(done.began);
                let others = requests.iter().filter(|&&other| other != request);
                serving.mates.extend(others);
            }
        }
        match done.result {
            Ok(stepped) => self.stepped(stepped)?,
            Err(error) if error.leaves_model_usable() => self.end_sequences(&error),
            Err(error) => self.anew(&error)?,
        }
        self.reply_sequences();
        Ok(())
    }

    fn stepped(&mut self, stepped: Stepped) -> Result<(), LeftBehind> {
        self.answered_well();
        let mut lost = None;
        for (id, error) in stepped.refused {
            if matches!(error, BackendError::Lost { .. }) {
                lost = Some(error.clone());
            }
            self.sequences.fail(id, error.into());
        }
        for (id, step) in stepped.steps {
            if let Some(piece) = self.sequences.take_in(id, step)
                && self.shared.outbox.send(Event::Piece(piece)).is_err()
            {
                tracing::debug!("nobody receives pieces any more");
            }
        }
        match lost {
            Some(error) => self.anew(&error.into()),
            None => Ok(()),
        }
    }

    /// Makes a model anew that is lost, and all its sequences with it.
    pub(crate) fn anew(&mut self, error: &RequestError) -> Result<(), LeftBehind> {
        self.withdraw();
        self.lose_sequences(error);
        self.restart(error.to_string(), &self.unended(&[]))
    }

    /// Fails the sequences of a lost model. What has not begun waits again for whoever may serve it:
    /// the next model may be another one, with other tokens, or one that generates nothing side by
    /// side.
    pub(crate) fn lose_sequences(&mut self, error: &RequestError) {
        let unbegun = self.sequences.give_back(error);
        self.reply_sequences();
        let mut hall = held(&self.shared.hall);
        for waiting in unbegun {
            match hall.is_current(self.replica, self.life) {
                true => hall.push(waiting, &self.shared.directory()),
                false => waiting.end(RequestError::Killed),
            }
        }
        self.shared.changed.notify_all();
    }

    /// Fails all sequences under way, which did not get through a step.
    fn end_sequences(&mut self, error: &RequestError) {
        self.sequences.fail_running(error);
        self.reply_sequences();
    }

    fn reply_sequences(&mut self) {
        let version = self.version();
        self.sequences.reply_settled(&version, self.replica);
    }
}
