//! Encodes requests on threads of its own, so that replicas only compute.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    backend::{BackendError, Encoder},
    directory::Face,
    input::Encoded,
    request::{Request, RequestError},
    round::{Job, Waiting, hopeless},
    shared::{Shared, now, panic_message},
    sync::{atomic::Ordering, held},
    watch::{Who, Work},
};

/// Starts a tokeniser's thread.
pub(crate) fn start(shared: &Arc<Shared>) -> std::io::Result<()> {
    let of_thread = Arc::clone(shared);
    shared.spawn("tokeniser", move |thread| run(&of_thread, thread))
}

fn run(shared: &Shared, thread: u64) {
    while let Ok(Some(job)) = shared.to_encode.1.recv() {
        if serve(shared, thread, *job).is_err() {
            return;
        }
        shared.n_encoding.fetch_sub(1, Ordering::AcqRel);
        shared.changed.notify_all();
    }
}

/// This thread took too long, and another has taken its place.
struct LeftBehind;

fn serve(shared: &Shared, thread: u64, job: Job) -> Result<(), LeftBehind> {
    if let Some(reason) = hopeless(&job.request, now()) {
        job.ticket.end(reason);
        return Ok(());
    }
    let directory = shared.directory();
    let Some((replica, face)) = directory.face(&job.lane) else {
        let ready = held(&shared.hall).park(job, &shared.directory());
        // A model became ready in this moment.
        if let Some(job) = ready {
            shared.encode(job);
        }
        return Ok(());
    };
    if let Err(error) = face.check(job.request.ask.skill()) {
        job.ticket.end(error);
        return Ok(());
    }
    let began = now();
    let work = Work {
        who: Who::Tokeniser,
        thread,
        limit: shared.options.pass_limit,
        tickets: vec![Arc::clone(&job.ticket)],
        permit: false,
    };
    let id = held(&shared.watch).begin(work, began);
    let encoded = encode(&face.encoder, &job.request);
    if !held(&shared.watch).end(id) {
        return Err(LeftBehind);
    }
    match encoded {
        Ok(inputs) => let_wait(shared, face, job, inputs, began),
        Err(error) => {
            if let RequestError::Backend(lost @ BackendError::Lost { .. }) = &error {
                lose(shared, replica, face, lost);
            }
            job.ticket.end(error);
        }
    }
    Ok(())
}

/// A replica's model is lost, unless it has been made anew meanwhile.
fn lose(shared: &Shared, replica: usize, face: &Face, error: &BackendError) {
    let mut hall = held(&shared.hall);
    let directory = shared.directory();
    let present = directory.replicas[replica].face.as_ref();
    if present.is_some_and(|present| Arc::ptr_eq(&present.encoder, &face.encoder)) {
        shared.withdraw(replica);
        hall.seats[replica].broken = Some(error.clone());
    }
}

fn let_wait(
    shared: &Shared,
    face: &Face,
    job: Job,
    inputs: Vec<Encoded>,
    began: std::time::Instant,
) {
    let tokens: Vec<u32> = inputs.iter().map(Encoded::tokens).collect();
    let counted = tokens.iter().copied().map(u64::from).sum();
    shared.admission.correct(job.ticket.tokens(), counted);
    job.ticket.set_tokens(counted);
    let since = now();
    let waiting = Waiting {
        job,
        inputs,
        encoded_for: Arc::clone(&face.version),
        tokens,
        encoding: since.saturating_duration_since(began),
        since,
    };
    held(&shared.hall).push(waiting, &shared.directory());
}

/// Encodes the inputs of a request; a panic of the encoder fails the request alone.
pub(crate) fn encode(encoder: &Encoder, request: &Request) -> Result<Vec<Encoded>, RequestError> {
    let encode = || {
        let inputs = request.inputs.iter();
        let encoded = inputs.map(|input| encoder(&request.ask, input));
        encoded.collect::<Result<Vec<_>, BackendError>>()
    };
    match catch_unwind(AssertUnwindSafe(encode)) {
        Ok(encoded) => Ok(encoded?),
        Err(panic) => Err(RequestError::Panicked {
            message: panic_message(panic.as_ref()),
        }),
    }
}
