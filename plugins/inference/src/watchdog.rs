//! Gives up what hangs: its requests fail with a reason, and another thread takes over.

use std::{sync::Arc, time::Duration};

use crate::{
    directory::ReplicaState,
    port::Change,
    request::RequestError,
    shared::{Shared, now},
    sync::{Receiver, RecvTimeoutError, atomic::Ordering, held},
    tokeniser,
    watch::{Who, Work},
    worker,
};

/// How often it looks, at least and at most; in between, four times within the shortest limit.
const TICKS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

/// Starts the watchdog's thread. It ends when the other end of `stop` is dropped.
pub(crate) fn start(shared: &Arc<Shared>, stop: Receiver<()>) -> std::io::Result<()> {
    let of_thread = Arc::clone(shared);
    shared.spawn("watchdog", move |_| run(&of_thread, &stop))
}

fn run(shared: &Arc<Shared>, stop: &Receiver<()>) {
    let shortest = shared.options.pass_limit.min(shared.options.load_limit);
    let tick = (shortest / 4).clamp(TICKS.0, TICKS.1);
    while stop.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
        let overdue = held(&shared.watch).take_overdue(now());
        for work in overdue {
            let error = RequestError::Hung { limit: work.limit };
            give_up(shared, work, &error);
        }
        // While all replicas are busy, nobody else tells those whose time is over.
        held(&shared.hall).drop_hopeless(now());
    }
}

/// Ends the requests of work that was taken out of the watch, and puts another thread in its place.
pub(crate) fn give_up(shared: &Arc<Shared>, work: Work, error: &RequestError) {
    tracing::warn!("{:?} is given up: {error}", work.who);
    shared.leave_behind(work.thread);
    if work.permit {
        shared.permits.give_back();
    }
    if let Who::Replica(replica) = work.who
        && *error != RequestError::Killed
    {
        shared.withdraw(replica);
    }
    for ticket in &work.tickets {
        ticket.end(error.clone());
    }
    match work.who {
        Who::Tokeniser => {
            shared.n_encoding.fetch_sub(1, Ordering::AcqRel);
            if let Err(error) = tokeniser::start(shared) {
                tracing::error!("no thread for a tokeniser: {error}");
            }
        }
        Who::Loading(replica) => {
            let reason = error.to_string();
            shared.tell(replica, Change::SwapFailed { reason });
        }
        Who::Replica(replica) | Who::Making(replica) if *error != RequestError::Killed => {
            replace(shared, replica, error.to_string());
        }
        Who::Replica(_) | Who::Making(_) => {}
    }
}

/// Puts a new thread in the place of a replica's stuck one, unless that has been in vain too often.
fn replace(shared: &Arc<Shared>, replica: usize, reason: String) {
    let mut hall = held(&shared.hall);
    let seat = &mut hall.seats[replica];
    seat.life += 1;
    if seat.restarts < shared.options.max_restarts || seat.incoming.is_some() {
        seat.restarts += 1;
        shared.set_state(replica, ReplicaState::Starting);
        match worker::start(shared, replica, seat.life) {
            Ok(()) => return shared.tell(replica, Change::Restarting { reason }),
            Err(error) => tracing::error!("no thread for a replica: {error}"),
        }
    }
    worker::bury(shared, &mut hall, replica, reason);
}
