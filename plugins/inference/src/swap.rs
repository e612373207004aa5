//! Makes a replica's next model on the side, while the present one goes on answering.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    backend::{Backend, MakeBackend},
    directory::ReplicaState,
    port::Change,
    shared::{Shared, now, panic_message},
    sync::held,
    watch::{Who, Work},
    worker,
};

/// Starts to make the next model of a replica. It takes over between two batches once it is whole.
pub(crate) fn start(
    shared: &Arc<Shared>,
    replica: usize,
    make: MakeBackend,
) -> std::io::Result<()> {
    let name = format!("next {}", shared.directory().replicas[replica].name);
    let of_thread = Arc::clone(shared);
    shared.spawn(&name, move |thread| {
        let work = Work {
            who: Who::Loading(replica),
            thread,
            limit: of_thread.options.load_limit,
            tickets: Vec::new(),
            permit: false,
        };
        let id = held(&of_thread.watch).begin(work, now());
        let made = catch_unwind(AssertUnwindSafe(|| make()));
        if !held(&of_thread.watch).end(id) {
            return;
        }
        let reason = match made {
            Ok(Ok(backend)) => return hand_over(&of_thread, replica, backend, make),
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic_message(panic.as_ref()),
        };
        tracing::warn!("the next model of replica {replica} cannot be made: {reason}");
        of_thread.tell(replica, Change::SwapFailed { reason });
    })
}

fn hand_over(shared: &Arc<Shared>, replica: usize, backend: Box<dyn Backend>, make: MakeBackend) {
    let superseded = {
        let mut hall = held(&shared.hall);
        let seat = &mut hall.seats[replica];
        let superseded = seat.incoming.replace((backend, make));
        let state = shared.directory().replicas[replica].state.clone();
        match state {
            ReplicaState::Dead { .. } if !hall.closing => revive(shared, &mut hall, replica),
            ReplicaState::Removed => hall.seats[replica].incoming = None,
            _ => {}
        }
        shared.changed.notify_all();
        superseded
    };
    if superseded.is_some() {
        let reason = String::from("a later swap came before it");
        shared.tell(replica, Change::SwapFailed { reason });
    }
}

/// Gives a replica that is out of order a thread again, which begins with the model that came in.
fn revive(shared: &Arc<Shared>, hall: &mut crate::hall::Hall, replica: usize) {
    let seat = &mut hall.seats[replica];
    seat.life += 1;
    seat.restarts = 0;
    shared.set_state(replica, ReplicaState::Starting);
    if let Err(error) = worker::start(shared, replica, seat.life) {
        worker::bury(shared, hall, replica, error.to_string());
    }
}
