//! Serves a round in passes: encodes anew what a swap made stale, keeps to the memory, hands out results.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    ask::Ask,
    batch::{Item, by_ask, passes},
    input::Encoded,
    output::Output,
    request::RequestError,
    round::{Serving, Waiting, hopeless},
    shared::now,
    sync::held,
    tokeniser,
    watch::Who,
    worker::{LeftBehind, Worker},
};

impl Worker {
    /// Serves what was taken: in passes here, or as sequences from the next step on.
    pub(crate) fn serve(&mut self, waiting: Vec<Waiting>) -> Result<(), LeftBehind> {
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
        let most = held(&self.shared.hall).max_batch_tokens(self.replica);
        for (ask, items) in by_ask(&round) {
            for pass in passes(items, most) {
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
                if !error.leaves_model_usable() {
                    // Before the replies: who reads one may send the next request at once.
                    self.withdraw();
                }
                self.reply_settled(round);
                if !error.leaves_model_usable() {
                    self.lose_sequences(&error);
                    self.restart(error.to_string(), &self.unended(round))?;
                }
            }
        }
        Ok(())
    }
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
