//! The rules about resources, batches and attempts.

use std::collections::BTreeMap;

use sim::{SimSpan, SimTime};

use super::{BatchLog, Check, CopyLog, ResourceLog, Stage};
use crate::{
    fact::{Candidate, FailureCause},
    pool::ResourceId,
    workload::{BatchId, SubtaskId},
};

impl Check {
    pub(super) fn joined(
        &mut self,
        id: ResourceId,
        slots: u32,
        memory: Option<u64>,
        continuous: bool,
    ) {
        let n_known = self.resources.len();
        self.require(id.index() == n_known, || {
            format!("{id:?} joins as number {n_known}")
        });
        self.require(slots > 0, || format!("{id:?} has no slots"));
        self.resources.insert(
            id,
            ResourceLog {
                slots,
                up: true,
                running: None,
                memory,
                continuous,
                token_capacity: None,
                model: None,
                shares: None,
                sequences: BTreeMap::new(),
            },
        );
    }

    pub(super) fn turned(&mut self, id: ResourceId, up: bool) {
        let Some(log) = self.resources.get_mut(&id) else {
            return self.object(format!("unknown {id:?} goes up or down"));
        };
        let was_up = std::mem::replace(&mut log.up, up);
        self.require(was_up != up, || {
            format!("{id:?} is told twice to be up = {up:?}")
        });
        if !up {
            self.model_lost(id);
            self.downed.push(id);
        }
    }

    pub(super) fn placed(&mut self, id: SubtaskId, resource: ResourceId, candidates: &[Candidate]) {
        self.require(
            candidates
                .iter()
                .any(|candidate| candidate.resource == resource),
            || format!("{id:?} is placed on {resource:?}, which is no candidate"),
        );
        let Some(log) = self.subtasks.get_mut(&id) else {
            return self.object(format!("unknown {id:?} is placed"));
        };
        let stage = std::mem::replace(&mut log.stage, Stage::Placed(resource));
        self.require(stage == Stage::Ready, || {
            format!("{id:?} is placed, but was {stage:?}")
        });
        self.placed.push(id);
    }

    pub(super) fn started(
        &mut self,
        id: BatchId,
        resource: ResourceId,
        subtasks: &[SubtaskId],
        promised: Option<SimSpan>,
    ) {
        let n_known = self.batches.len();
        self.require(id.index() == n_known, || {
            format!("{id:?} starts as number {n_known}")
        });
        self.occupy(id, resource, subtasks);
        for subtask in subtasks {
            self.start_member(*subtask, id, resource);
        }
        let skill = |id: &SubtaskId| self.subtasks.get(id).map(|log| log.skill);
        let is_mixed = subtasks
            .iter()
            .any(|member| skill(member) != skill(&subtasks[0]));
        self.require(!is_mixed, || format!("{id:?} mixes skills"));
        let (subtasks, started) = (subtasks.to_vec(), self.now);
        self.batches.insert(
            id,
            BatchLog {
                resource,
                subtasks,
                started,
                promised,
                ended: None,
            },
        );
    }

    fn occupy(&mut self, id: BatchId, resource: ResourceId, subtasks: &[SubtaskId]) {
        let memory = |id: &SubtaskId| self.subtasks.get(id).map_or(0, |log| log.memory);
        let taken: u64 = subtasks.iter().map(memory).sum();
        let tokens = |id: &SubtaskId| self.subtasks.get(id).map_or(0, |log| log.tokens.max(1) + 1);
        let n_tokens: u64 = subtasks.iter().map(tokens).sum();
        let Some(log) = self.resources.get_mut(&resource) else {
            return self.object(format!("{id:?} starts on unknown {resource:?}"));
        };
        let (slots, up, limit) = (log.slots as usize, log.up, log.memory);
        let (n_subtasks, running) = if log.continuous {
            log.sequences.insert(id, n_tokens);
            self.filled.push(resource);
            (log.sequences.len(), None)
        } else {
            (subtasks.len(), log.running.replace(id))
        };
        self.require(limit.is_none_or(|limit| taken <= limit), || {
            format!("{id:?} takes {taken} bytes of the {limit:?} of {resource:?}")
        });
        self.require(up, || {
            format!("{id:?} starts on {resource:?}, which is down")
        });
        self.require(running.is_none(), || {
            format!("{id:?} starts on {resource:?}, which still runs {running:?}")
        });
        self.require((1..=slots).contains(&n_subtasks), || {
            format!("{id:?} has {n_subtasks} subtasks for the {slots} slots of {resource:?}")
        });
    }

    /// The sequences of a resource keep no more tokens than fit into its memory.
    pub(super) fn holds_its_tokens(&mut self, id: ResourceId) {
        let Some(log) = self.resources.get(&id) else {
            return;
        };
        let (kept, limit) = (log.sequences.values().sum::<u64>(), log.token_capacity);
        self.require(limit.is_none_or(|limit| kept <= limit), || {
            format!("the sequences of {id:?} keep {kept} tokens at least, {limit:?} fit")
        });
    }

    fn start_member(&mut self, id: SubtaskId, batch: BatchId, resource: ResourceId) {
        let Some(log) = self.subtasks.get_mut(&id) else {
            return self.object(format!("{batch:?} starts with unknown {id:?}"));
        };
        if log.copy == Some(CopyLog::Wanted(resource)) {
            log.copy = Some(CopyLog::Running(batch));
            return;
        }
        log.starts += 1;
        let stage = std::mem::replace(&mut log.stage, Stage::Running(batch));
        let (task, after) = (log.task, log.after.clone());
        self.require(stage == Stage::Placed(resource), || {
            format!("{batch:?} starts on {resource:?} with {id:?}, which was {stage:?}")
        });
        for before in after {
            let stage = self.subtasks.get(&before).map(|log| log.stage);
            self.require(stage == Some(Stage::Finished), || {
                format!("{id:?} starts, but its predecessor {before:?} is {stage:?}")
            });
        }
        let end = self.tasks.get(&task).and_then(|log| log.end);
        self.require(end.is_none(), || {
            format!("{id:?} starts, but {task:?} was {end:?}")
        });
    }

    pub(super) fn batch_finished(&mut self, id: BatchId, resource: ResourceId, span: SimSpan) {
        let now = self.now;
        let Some(log) = self.batches.get_mut(&id) else {
            return self.object(format!("unknown {id:?} ends"));
        };
        let (began_on, took) = (log.resource, now - log.started);
        let earlier = log.ended.replace(now);
        self.require(earlier.is_none(), || format!("{id:?} ends twice"));
        self.require(began_on == resource, || {
            format!("{id:?} ends on {resource:?}, but started on {began_on:?}")
        });
        self.require(took == span, || {
            format!("{id:?} took {took:?}, stated as {span:?}")
        });
        if let Some(log) = self.resources.get_mut(&began_on) {
            if log.running == Some(id) {
                log.running = None;
            }
            log.sequences.remove(&id);
        }
        self.ended.push(id);
    }

    /// The batch whose end at this instant is the end of an attempt of `id`.
    fn end_attempt(&mut self, id: SubtaskId, next: Stage) -> Option<BatchId> {
        let Some(log) = self.subtasks.get_mut(&id) else {
            self.object(format!("unknown {id:?} ends"));
            return None;
        };
        let (stage, copy) = (log.stage, log.copy.take());
        log.stage = next;
        let ends_now = |batch: &BatchId| {
            let log = self.batches.get(batch);
            log.is_some_and(|log| log.ended == Some(self.now))
        };
        let by_copy = match copy {
            Some(CopyLog::Running(batch)) if ends_now(&batch) => Some(batch),
            _ => None,
        };
        let first = match stage {
            Stage::Running(batch) => Some(batch),
            _ => None,
        };
        let Some(batch) = first.filter(ends_now).or(by_copy).or(first) else {
            self.object(format!("{id:?} becomes {next:?}, but was {stage:?}"));
            return None;
        };
        let ended = self.batches.get(&batch).and_then(|log| log.ended);
        let now = self.now;
        self.require(ended == Some(now), || {
            format!("{id:?} becomes {next:?}, but the end of its {batch:?} is {ended:?}")
        });
        Some(batch)
    }

    pub(super) fn subtask_finished(&mut self, id: SubtaskId, waited: SimSpan, ran: SimSpan) {
        let Some(batch) = self.end_attempt(id, Stage::Finished) else {
            return;
        };
        let Some(log) = self.subtasks.get(&id) else {
            return;
        };
        let (ready_at, timeout) = (log.ready_at, log.timeout);
        let started = self.batches.get(&batch).map_or(self.now, |log| log.started);
        let (real_wait, real_run) = (started - ready_at, self.now - started);
        self.require(timeout.is_none_or(|most| real_run <= most), || {
            format!("{id:?} ran {real_run:?}, longer than its timeout of {timeout:?}")
        });
        self.require(real_wait == waited, || {
            format!("{id:?} waited {real_wait:?}, stated as {waited:?}")
        });
        self.require(real_run == ran, || {
            format!("{id:?} ran {real_run:?}, stated as {ran:?}")
        });
        let promised = self.batches.get(&batch).and_then(|log| log.promised);
        self.require(promised.is_none_or(|promised| promised == real_run), || {
            format!("{batch:?} was to take {promised:?}, but {id:?} ran {real_run:?}")
        });
    }

    pub(super) fn subtask_failed(
        &mut self,
        id: SubtaskId,
        attempt: u32,
        cause: &FailureCause,
        retry_at: Option<SimTime>,
    ) {
        let Some(batch) = self.end_attempt(id, Stage::Failed { retry_at }) else {
            return;
        };
        let starts = self.subtasks.get(&id).map_or(0, |log| log.starts);
        self.require(starts == attempt, || {
            format!("{id:?} fails at attempt {attempt:?}, but was started {starts:?} times")
        });
        let now = self.now;
        self.require(retry_at.is_none_or(|at| at >= now), || {
            format!("{id:?} is to be tried again at {retry_at:?}, in the past")
        });
        let is_up = self
            .batches
            .get(&batch)
            .and_then(|log| self.resources.get(&log.resource))
            .is_some_and(|log| log.up);
        self.require(*cause != FailureCause::ResourceDown || !is_up, || {
            format!("{id:?} fails for a resource that is up")
        });
    }
}
