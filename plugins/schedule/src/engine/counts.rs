//! How often each kind of thing happened, whether or not it was stated.

/// Counts of what happened in an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tasks handed in.
    pub arrived: u64,
    /// Subtasks handed in.
    pub added: u64,
    /// Times that a subtask became ready.
    pub readied: u64,
    /// Times that a subtask was started.
    pub started: u64,
    /// Batches started; a sequence of a resource that batches continuously counts as one.
    pub batches: u64,
    /// Batches ended.
    pub batches_ended: u64,
    /// Subtasks done.
    pub finished: u64,
    /// Attempts failed.
    pub failed: u64,
    /// Subtasks cancelled.
    pub cancelled: u64,
    /// Times that a running subtask lost its place or its tokens.
    pub preempted: u64,
    /// Second copies started.
    pub hedged: u64,
    /// Times that a resource went down or up.
    pub switched: u64,
    /// Tasks done, failed, cancelled or refused.
    pub tasks_ended: u64,
    /// Timers that went off: releases, backoffs, timeouts, deadlines, phases of token batching.
    pub timers: u64,
    /// Times that the policy was asked.
    pub decisions: u64,
}

impl Counts {
    /// Changes of state while the engine runs: a subtask becomes ready, is started, is done, fails,
    /// is cancelled or preempted; a batch starts or ends; a resource goes down or up; a task ends; a
    /// timer goes off. Handing in is not counted, nor is asking the policy.
    pub fn events(&self) -> u64 {
        self.readied
            + self.started
            + self.batches
            + self.batches_ended
            + self.finished
            + self.failed
            + self.cancelled
            + self.preempted
            + self.hedged
            + self.switched
            + self.tasks_ended
            + self.timers
    }
}
