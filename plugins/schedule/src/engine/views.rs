//! What can be asked of an engine without changing it.

use sim::SimTime;

use super::{Batch, Counts, Engine, Resource, Subtask, Task};
use crate::{
    fact::MemoryShare,
    lane::{LaneId, Load},
    options::EngineOptions,
    pool::ResourceId,
    workload::{BatchId, Mode, SubtaskId, TaskId},
};

impl Engine {
    /// How the engine runs.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// How often each kind of thing has happened.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Whether the model of a resource is in the memory of its device; `None` if that has no limit.
    pub fn is_loaded(&self, resource: ResourceId) -> Option<bool> {
        self.pool.is_loaded(resource)
    }

    /// What the model of a resource takes of the memory of its device, where that is limited.
    pub fn memory_share(&self, resource: ResourceId) -> Option<MemoryShare> {
        self.pool.memory_share(resource)
    }

    /// The last instant told to the engine.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// One task.
    pub fn task(&self, id: TaskId) -> &Task {
        &self.tasks[id.index()]
    }

    /// All tasks, by id.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// What people call a task; empty if it was handed in without a name.
    pub fn task_name(&self, id: TaskId) -> &str {
        self.task_names.get(self.task(id).id.0)
    }

    /// The pieces of a task so far, by id.
    pub fn subtasks_of(&self, id: TaskId) -> impl Iterator<Item = SubtaskId> + '_ {
        let task = self.task(id);
        let mut next = task.first;
        std::iter::from_fn(move || {
            let subtask = self.subtasks.get(next as usize)?;
            next = subtask.next_in_task;
            Some(subtask.id)
        })
    }

    /// One subtask.
    pub fn subtask(&self, id: SubtaskId) -> &Subtask {
        &self.subtasks[id.index()]
    }

    /// All subtasks, by id.
    pub fn subtasks(&self) -> &[Subtask] {
        &self.subtasks
    }

    /// What people call a subtask; empty if it was handed in without a name.
    pub fn subtask_name(&self, id: SubtaskId) -> &str {
        self.subtask_names.get(self.subtask(id).id.0)
    }

    /// Those who ask for the same as a subtask.
    #[inline]
    pub(super) fn lane_of(&self, id: SubtaskId) -> LaneId {
        self.demands.get(self.subtask(id).demand).lane
    }

    /// The priority of the task of a subtask: larger goes first.
    #[inline]
    pub(super) fn priority(&self, id: SubtaskId) -> i32 {
        self.task(self.subtask(id).spec.task).spec.priority
    }

    /// How much work is in a subtask.
    pub fn load(&self, id: SubtaskId) -> Load {
        self.demands.get(self.subtask(id).demand).load
    }

    /// Memory that a subtask takes while it runs.
    pub fn memory_bytes(&self, id: SubtaskId) -> u64 {
        self.demands.get(self.subtask(id).demand).memory_bytes
    }

    /// The model that must do a subtask, where one is named.
    pub fn subtask_model(&self, id: SubtaskId) -> Option<&str> {
        let lane = self.lane_of(id);
        self.pool.lanes[lane.index()].model.as_deref()
    }

    /// Who can do a subtask and how long it takes each, where it says so; else empty.
    pub fn subtask_modes(&self, id: SubtaskId) -> &[Mode] {
        &self.pool.lanes[self.lane_of(id).index()].modes
    }

    /// What must be done before a subtask, each named once.
    pub fn predecessors(&self, id: SubtaskId) -> &[SubtaskId] {
        self.graph.before(self.subtask(id))
    }

    /// What waits for a subtask, so far.
    pub fn successors(&self, id: SubtaskId) -> impl Iterator<Item = SubtaskId> + '_ {
        self.graph.after(self.subtask(id))
    }

    /// One resource.
    pub fn resource(&self, id: ResourceId) -> &Resource {
        &self.pool.resources[id.index()]
    }

    /// All resources, by id.
    pub fn resources(&self) -> &[Resource] {
        &self.pool.resources
    }

    /// A batch that runs; `None` if it has ended.
    pub fn batch(&self, id: BatchId) -> Option<Batch> {
        self.running().find(|batch| batch.id == id)
    }

    /// The subtasks that run on a resource now; also those that are cancelled meanwhile, if they
    /// stay in its batch.
    pub fn running_on(&self, id: ResourceId) -> Vec<SubtaskId> {
        let on = self.resource(id);
        match &on.tokens {
            Some(tokens) => tokens.all().map(|(_, subtask)| subtask).collect(),
            None if on.running.is_some() => on.members.clone(),
            None => Vec::new(),
        }
    }

    /// The batches that run now, by resource.
    pub fn running(&self) -> impl Iterator<Item = Batch> + '_ {
        self.pool.resources.iter().flat_map(|on| {
            let whole = on.running.map(|id| Batch {
                id,
                resource: on.id,
                subtasks: on.members.clone(),
                started: on.started,
                ends: on.ends,
            });
            let sequences = on.tokens.iter().flat_map(|tokens| tokens.all());
            let alone = sequences.map(|(id, subtask)| Batch {
                id,
                resource: on.id,
                subtasks: vec![subtask],
                started: self.subtask(subtask).started_at().unwrap_or_default(),
                ends: None,
            });
            whole.into_iter().chain(alone)
        })
    }

    /// How many subtasks are not ended (done, failed or cancelled).
    pub fn n_unfinished(&self) -> usize {
        self.n_unfinished
    }

    /// How many tasks are not ended (done, failed or cancelled).
    pub fn n_unfinished_tasks(&self) -> usize {
        self.n_open_tasks
    }

    /// How many subtasks are ready and wait.
    pub fn n_ready(&self) -> usize {
        self.n_ready
    }
}
