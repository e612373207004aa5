//! The rules about tasks, their subtasks, precedence and deadlines.

use sim::{SimSpan, SimTime};

use super::{Check, Stage, SubtaskLog, TaskEnd, TaskLog};
use crate::workload::{Skill, SubtaskId, TaskId};

impl Check {
    pub(super) fn arrived(
        &mut self,
        id: TaskId,
        deadline: Option<SimTime>,
        release: Option<SimTime>,
        priority: i32,
    ) {
        let n_known = self.tasks.len();
        self.require(id.index() == n_known, || {
            format!("{id:?} arrives as number {n_known}")
        });
        let arrived = self.now;
        let log = TaskLog {
            arrived,
            deadline,
            release,
            priority,
            subtasks: Vec::new(),
            end: None,
            missed: false,
        };
        self.tasks.insert(id, log);
    }

    pub(super) fn added(&mut self, id: SubtaskId, task: TaskId, skill: Skill, after: &[SubtaskId]) {
        let n_known = self.subtasks.len();
        self.require(id.index() == n_known, || {
            format!("{id:?} is added as number {n_known}")
        });
        for before in after {
            let stage = self.subtasks.get(before).map(|log| log.stage);
            let can_end = matches!(stage, Some(s) if s == Stage::Finished || !s.is_over());
            self.require(*before < id && can_end, || {
                format!("{id:?} comes after {before:?}, which is {stage:?}")
            });
        }
        match self.tasks.get_mut(&task) {
            Some(log) if log.end.is_none() => log.subtasks.push(id),
            Some(log) => {
                let end = log.end;
                self.object(format!("{id:?} is added to {task:?}, which is {end:?}"));
            }
            None => self.object(format!("{id:?} is added to unknown {task:?}")),
        }
        let log = SubtaskLog {
            task,
            skill,
            after: after.to_vec(),
            memory: 0,
            tokens: 0,
            timeout: None,
            starts: 0,
            ready_at: self.now,
            stage: Stage::Added,
            copy: None,
        };
        self.subtasks.insert(id, log);
    }

    pub(super) fn ready(&mut self, id: SubtaskId) {
        let now = self.now;
        let Some(log) = self.subtasks.get_mut(&id) else {
            return self.object(format!("unknown {id:?} is ready"));
        };
        let stage = log.stage;
        log.stage = Stage::Ready;
        log.ready_at = now;
        let (starts, after, task) = (log.starts, log.after.clone(), log.task);
        let may = match stage {
            Stage::Added => starts == 0,
            Stage::Failed { retry_at: Some(at) } => at <= now,
            Stage::Preempted => true,
            _ => false,
        };
        self.require(may, || format!("{id:?} is ready, but was {stage:?}"));
        let release = self.tasks.get(&task).and_then(|log| log.release);
        self.require(release.is_none_or(|at| at <= now), || {
            format!("{id:?} is ready before the release of {task:?} at {release:?}")
        });
        for before in after {
            let stage = self.subtasks.get(&before).map(|log| log.stage);
            self.require(stage == Some(Stage::Finished), || {
                format!("{id:?} is ready, but its predecessor {before:?} is {stage:?}")
            });
        }
    }

    pub(super) fn cancelled(&mut self, id: SubtaskId) {
        let Some(log) = self.subtasks.get_mut(&id) else {
            return self.object(format!("unknown {id:?} is cancelled"));
        };
        let (task, stage) = (log.task, log.stage);
        log.stage = Stage::Cancelled;
        self.require(!stage.is_over(), || {
            format!("{id:?} is cancelled, but was {stage:?}")
        });
        let end = self.tasks.get(&task).and_then(|log| log.end);
        self.require(end == Some(TaskEnd::Failed), || {
            format!("{id:?} is cancelled, but {task:?} has not failed")
        });
    }

    pub(super) fn task_finished(&mut self, id: TaskId, flow: SimSpan) {
        let now = self.now;
        let Some((before, arrived, subtasks)) = self.end_task(id, TaskEnd::Finished) else {
            return;
        };
        self.require(before.is_none(), || {
            format!("{id:?} is finished, but was {before:?}")
        });
        let release = self.tasks.get(&id).and_then(|log| log.release);
        let took = now - release.map_or(arrived, |at| at.max(arrived));
        self.require(took == flow, || {
            format!("flow of {id:?} is {took:?}, stated as {flow:?}")
        });
        for subtask in subtasks {
            let stage = self.subtasks.get(&subtask).map(|log| log.stage);
            self.require(stage == Some(Stage::Finished), || {
                format!("{id:?} is finished, but its {subtask:?} is {stage:?}")
            });
        }
    }

    pub(super) fn task_failed(&mut self, id: TaskId) {
        let Some((before, _, subtasks)) = self.end_task(id, TaskEnd::Failed) else {
            return;
        };
        self.require(before.is_none(), || {
            format!("{id:?} fails, but was {before:?}")
        });
        let has_cause = subtasks.iter().any(|subtask| self.is_hopeless(*subtask));
        self.require(has_cause, || format!("{id:?} fails without a cause"));
        self.failed_tasks.push(id);
    }

    /// A task was called off or refused.
    pub(super) fn called_off(&mut self, id: TaskId) {
        let Some((before, ..)) = self.end_task(id, TaskEnd::Failed) else {
            return;
        };
        self.require(before.is_none(), || {
            format!("{id:?} is called off, but was {before:?}")
        });
        self.failed_tasks.push(id);
    }

    /// Whether a subtask failed for good or comes after one that will never be done.
    fn is_hopeless(&self, id: SubtaskId) -> bool {
        let Some(log) = self.subtasks.get(&id) else {
            return false;
        };
        let gave_up = |stage| stage == Stage::Failed { retry_at: None };
        gave_up(log.stage)
            || log
                .after
                .iter()
                .filter_map(|before| self.subtasks.get(before))
                .any(|before| gave_up(before.stage) || before.stage == Stage::Cancelled)
    }

    fn end_task(
        &mut self,
        id: TaskId,
        end: TaskEnd,
    ) -> Option<(Option<TaskEnd>, SimTime, Vec<SubtaskId>)> {
        let Some(log) = self.tasks.get_mut(&id) else {
            self.object(format!("unknown {id:?} is {end:?}"));
            return None;
        };
        Some((log.end.replace(end), log.arrived, log.subtasks.clone()))
    }

    /// A failed task leaves nothing that waits or will be tried again.
    pub(super) fn nothing_left(&mut self, id: TaskId) {
        let subtasks = self
            .tasks
            .get(&id)
            .map(|log| log.subtasks.clone())
            .unwrap_or_default();
        for subtask in subtasks {
            let stage = self.subtasks.get(&subtask).map(|log| log.stage);
            self.require(stage.is_some_and(Stage::is_over), || {
                format!("{id:?} failed, but its {subtask:?} is still {stage:?}")
            });
        }
    }

    pub(super) fn missed(&mut self, id: TaskId) {
        let now = self.now;
        let Some(log) = self.tasks.get_mut(&id) else {
            return self.object(format!("unknown {id:?} misses a deadline"));
        };
        let is_late = log.deadline.is_some_and(|deadline| deadline < now);
        let first = !std::mem::replace(&mut log.missed, true);
        let (deadline, end) = (log.deadline, log.end);
        self.require(is_late, || {
            format!("{id:?} misses deadline {deadline:?} too soon")
        });
        self.require(first, || format!("{id:?} misses its deadline twice"));
        self.require(end.is_none(), || {
            format!("{id:?} misses its deadline, but was {end:?}")
        });
    }
}
