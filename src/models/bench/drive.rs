//! Keeps a model busy and takes the time.

use std::{
    cell::{Cell, RefCell},
    ops::ControlFlow,
    time::Instant,
};

use inference::{Output, Request};

use crate::{
    error::AppError,
    models::single::{Heard, Next, Replied, Single},
};

/// When it is enough.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// After so many requests.
    Rounds(usize),
    /// After so many seconds, and one request at least.
    Secs(f64),
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// From the first request to the last reply.
    pub(super) secs: f64,
    pub(super) inputs: usize,
    pub(super) tokens: u64,
    pub(super) generated: u64,
    /// From a request to its reply, in milliseconds.
    pub(super) latencies: Vec<f64>,
    /// Cutting texts into tokens, of all requests.
    pub(super) encoded_secs: f64,
    /// The passes of all requests.
    pub(super) pass_secs: f64,
}

/// Sends what `make` gives for 0, 1, 2 and so on, `in_flight` at once.
///
/// # Errors
/// The first request that has no answer ends it.
pub(super) fn drive(
    single: &Single,
    in_flight: usize,
    until: Until,
    make: &mut dyn FnMut(usize) -> Request,
) -> Result<Seen, AppError> {
    let began = now();
    let (sent, done) = (Cell::new(0), Cell::new(0));
    let seen = RefCell::new(Seen::default());
    let mut failure = None;
    let mut next = || {
        let is_over = match until {
            Until::Rounds(rounds) => sent.get() >= rounds,
            Until::Secs(secs) => sent.get() > 0 && began.elapsed().as_secs_f64() >= secs,
        };
        if is_over {
            return Next::Nothing;
        }
        if sent.get() - done.get() >= in_flight {
            return Next::Later;
        }
        let request = make(sent.get());
        sent.set(sent.get() + 1);
        Next::Ask(now(), request)
    };
    single.ask_all(&mut next, &mut |heard| {
        let Heard::End(_, began, result) = heard else {
            return ControlFlow::Continue(());
        };
        done.set(done.get() + 1);
        match result {
            Ok(replied) => {
                take_in(&mut seen.borrow_mut(), &replied, began);
                ControlFlow::Continue(())
            }
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(failure) = failure {
        return Err(AppError::Unanswered {
            failed: 1,
            asked: done.get(),
            first: failure.to_string(),
        });
    }
    let mut seen = seen.into_inner();
    seen.secs = began.elapsed().as_secs_f64();
    Ok(seen)
}

fn take_in(seen: &mut Seen, replied: &Replied, began: Instant) {
    seen.latencies.push(began.elapsed().as_secs_f64() * 1e3);
    seen.inputs += replied.answer.outputs.len();
    seen.tokens += u64::from(replied.answer.tokens);
    seen.encoded_secs += replied.reply.timings.encoded.as_secs_f64();
    // Requests that shared a pass each took all of it.
    let n_sharing = replied.reply.batched_with as f64 + 1.0;
    seen.pass_secs += replied.reply.took.as_secs_f64() / n_sharing;
    for output in &replied.answer.outputs {
        if let Output::Text(text) = output {
            seen.generated += u64::from(text.n_tokens);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long the model takes on this machine is what is asked for"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}
