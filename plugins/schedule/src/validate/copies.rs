//! The rules about preemption, evicted tokens, second copies and resources that start.

use sim::{SimSpan, SimTime};

use super::{Check, CopyLog, Stage};
use crate::{
    pool::ResourceId,
    workload::{BatchId, SubtaskId},
};

impl Check {
    pub(super) fn preempted(&mut self, id: SubtaskId, resource: ResourceId) {
        self.settle_copies();
        let Some(log) = self.subtasks.get_mut(&id) else {
            return self.object(format!("unknown {id:?} is preempted"));
        };
        let stage = std::mem::replace(&mut log.stage, Stage::Preempted);
        log.starts = log.starts.saturating_sub(1);
        let ran_here = match stage {
            Stage::Running(batch) => self
                .batches
                .get(&batch)
                .is_some_and(|log| log.resource == resource && log.ended == Some(self.now)),
            _ => false,
        };
        self.require(ran_here, || {
            format!("{id:?} is preempted on {resource:?}, but was {stage:?}")
        });
        self.preempted.push((id, resource));
    }

    /// Whoever took the place of `id` has a higher priority.
    pub(super) fn gave_way(&mut self, id: SubtaskId, resource: ResourceId) {
        let running = self.resources.get(&resource).and_then(|log| log.running);
        let heirs = running.and_then(|batch| self.batches.get(&batch));
        let heirs = heirs.map(|log| log.subtasks.clone()).unwrap_or_default();
        let own = self.priority(id);
        let gives_way = heirs.iter().any(|heir| self.priority(*heir) > own);
        self.require(gives_way, || {
            format!("{id:?} is preempted on {resource:?}, but by nobody of higher priority")
        });
    }

    fn priority(&self, id: SubtaskId) -> i32 {
        let task = self
            .subtasks
            .get(&id)
            .and_then(|log| self.tasks.get(&log.task));
        task.map_or(0, |log| log.priority)
    }

    /// What ended at this instant has settled where it runs before anything else happens to it.
    fn settle_copies(&mut self) {
        for batch in self.ended.clone() {
            self.go_on_in_copies(batch);
        }
    }

    pub(super) fn evicted(&mut self, id: SubtaskId, resource: ResourceId) {
        let stage = self.subtasks.get(&id).map(|log| log.stage);
        let runs = self
            .resources
            .get(&resource)
            .is_some_and(|log| log.continuous)
            && matches!(stage, Some(Stage::Running(_)));
        self.require(runs, || {
            format!("{id:?} loses tokens on {resource:?}, but was {stage:?}")
        });
        // How much it keeps once it begins anew, nobody says.
        let batches = &self.batches;
        let is_own = |batch: &BatchId| {
            let log = batches.get(batch);
            log.is_some_and(|log| log.subtasks.contains(&id))
        };
        if let Some(log) = self.resources.get_mut(&resource)
            && let Some((_, kept)) = log.sequences.iter_mut().find(|(batch, _)| is_own(batch))
        {
            *kept = 0;
        }
        self.evicted.insert((id, resource));
    }

    pub(super) fn readmitted(&mut self, id: SubtaskId, resource: ResourceId) {
        let had_lost = self.evicted.remove(&(id, resource));
        self.require(had_lost, || {
            format!("{id:?} goes on with tokens on {resource:?} that it had not lost")
        });
    }

    pub(super) fn hedged(&mut self, id: SubtaskId, resource: ResourceId) {
        self.settle_copies();
        let Some(log) = self.subtasks.get_mut(&id) else {
            return self.object(format!("unknown {id:?} is hedged"));
        };
        let (stage, copy) = (log.stage, log.copy.replace(CopyLog::Wanted(resource)));
        self.require(copy.is_none(), || format!("{id:?} has two copies already"));
        let elsewhere = match stage {
            Stage::Running(batch) => {
                let log = self.batches.get(&batch);
                log.is_some_and(|log| log.resource != resource)
            }
            _ => false,
        };
        self.require(elsewhere, || {
            format!("a copy of {id:?} goes to {resource:?}, but it was {stage:?}")
        });
    }

    /// Subtasks whose first batch was lost go on in their copies; copies in a lost batch are gone.
    pub(super) fn go_on_in_copies(&mut self, ended: BatchId) {
        let members = self.batches.get(&ended).map(|log| log.subtasks.clone());
        for id in members.unwrap_or_default() {
            let Some(log) = self.subtasks.get_mut(&id) else {
                continue;
            };
            match (log.stage, log.copy) {
                (Stage::Running(first), Some(CopyLog::Running(copy))) if first == ended => {
                    log.stage = Stage::Running(copy);
                    log.copy = None;
                }
                (_, Some(CopyLog::Running(copy))) if copy == ended => log.copy = None,
                _ => {}
            }
        }
    }

    pub(super) fn set_up(&mut self, id: BatchId, span: Option<SimSpan>, setup: SimSpan) {
        self.require(span.is_none_or(|span| span >= setup), || {
            format!("{id:?} takes {span:?}, less than its set-up of {setup:?}")
        });
    }

    pub(super) fn first_token(&mut self, id: SubtaskId, first: Option<SimSpan>, ran: SimSpan) {
        self.require(first.is_none_or(|first| first <= ran), || {
            format!("the first token of {id:?} comes after its end")
        });
    }

    pub(super) fn starting(&mut self, id: ResourceId, until: SimTime) {
        let is_down = self.resources.get(&id).is_some_and(|log| !log.up);
        let now = self.now;
        self.require(is_down && until >= now, || {
            format!("{id:?} starts until {until:?}, but is no resource that is down")
        });
    }
}
