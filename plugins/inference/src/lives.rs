//! Gives a replica its model: the first, one anew after a failure, or another that takes over.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use crate::{
    backend::{Backend, MakeBackend},
    directory::{Face, ReplicaState},
    hall::Hall,
    port::Change,
    request::RequestError,
    shared::{now, panic_message},
    sync::held,
    ticket::Ticket,
    watch::Who,
    worker::{LeftBehind, Worker, bury, drop_model, killed},
};

impl Worker {
    /// Makes the model for the first time, or anew for a thread that was left behind.
    pub(crate) fn first_model(&mut self) -> Result<(), LeftBehind> {
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
        let make = {
            let seat = &mut held(&self.shared.hall).seats[self.replica];
            seat.broken = None;
            Arc::clone(&seat.make)
        };
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
        {
            let mut hall = held(&self.shared.hall);
            if !hall.is_current(self.replica, self.life) {
                return killed(tickets).map(|_| Ok(()));
            }
            self.announce(&mut hall, &face);
        }
        let version = face.version.to_string();
        self.model = Some((backend, face));
        self.shared.tell(self.replica, Change::Ready { version });
        Ok(Ok(()))
    }

    /// Lets a model that was made on the side take over, if there is one.
    fn take_incoming(&mut self) -> Result<bool, LeftBehind> {
        let incoming = {
            let mut hall = held(&self.shared.hall);
            if !hall.is_current(self.replica, self.life) {
                return Err(LeftBehind);
            }
            hall.seats[self.replica].incoming.take()
        };
        if let Some((backend, make)) = incoming {
            self.take_over(backend, make)?;
        }
        Ok(self.model.is_some())
    }

    /// Tells everybody of the model, while the hall still says that the replica is this thread's.
    fn announce(&self, hall: &mut Hall, face: &Face) {
        let version = face.version.to_string();
        self.shared.change_directory(|directory| {
            let entry = &mut directory.replicas[self.replica];
            entry.state = ReplicaState::Ready { version };
            entry.face = Some(face.clone());
        });
        self.shared.settle_in(hall);
    }

    /// Throws the model away and makes it anew, unless that has been in vain too often.
    pub(crate) fn restart(
        &mut self,
        mut reason: String,
        tickets: &[Arc<Ticket>],
    ) -> Result<(), LeftBehind> {
        drop_model(self.model.take());
        loop {
            if self
                .take_incoming()
                .or_else(|_| killed(tickets).map(|_| false))?
            {
                return Ok(());
            }
            let Some(restarts) = self.count_restart(&reason, tickets)? else {
                continue;
            };
            tracing::warn!("making a model anew, restart {restarts}: {reason}");
            self.shared
                .tell(self.replica, Change::Restarting { reason });
            self.pause(self.shared.options.pause_before(restarts), tickets)?;
            match self.make(tickets)? {
                Ok(()) => return Ok(()),
                Err(why) => reason = why,
            }
        }
    }

    /// One restart more, or the end of the replica; `None` if another model came in meanwhile.
    fn count_restart(
        &self,
        reason: &str,
        tickets: &[Arc<Ticket>],
    ) -> Result<Option<u32>, LeftBehind> {
        let mut hall = held(&self.shared.hall);
        if !hall.is_current(self.replica, self.life) {
            return killed(tickets).map(|_| None);
        }
        let seat = &mut hall.seats[self.replica];
        if seat.incoming.is_some() {
            return Ok(None);
        }
        let restarts = seat.restarts;
        if restarts < self.shared.options.max_restarts {
            seat.restarts += 1;
            self.shared.set_state(self.replica, ReplicaState::Starting);
            return Ok(Some(restarts + 1));
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
    pub(crate) fn take_over(
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
                let reason = String::from("the replica was killed before it took over");
                self.shared
                    .tell(self.replica, Change::SwapFailed { reason });
                return Err(LeftBehind);
            }
            let seat = &mut hall.seats[self.replica];
            let before = std::mem::replace(&mut seat.make, make);
            seat.previous = from.clone().map(|version| (version, before));
            seat.restarts = 0;
            self.announce(&mut hall, &face);
        }
        let from = from.map_or_else(String::new, |from| from.to_string());
        self.shared.tell(self.replica, Change::Swapped { from, to });
        drop_model(old);
        Ok(())
    }
}
