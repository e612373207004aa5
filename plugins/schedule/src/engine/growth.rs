//! Lets one more resource join while the engine runs.

use sim::SimTime;

use super::{Engine, state::Resource};
use crate::{hardware::Outages, pool::PoolError, pool::ResourceId, workload::SubtaskState};

impl Engine {
    /// One more resource joins, like another in all but its name; it does not fail by itself. A
    /// built-in policy begins anew, since it may have laid things out for the pool as it was.
    ///
    /// # Errors
    /// [`PoolError::SameName`].
    pub fn add_alike_resource(
        &mut self,
        now: SimTime,
        like: ResourceId,
        name: &str,
    ) -> Result<ResourceId, PoolError> {
        if self.pool.resources.iter().any(|on| on.spec.name == name) {
            return Err(PoolError::SameName {
                name: name.to_owned(),
            });
        }
        let mut spec = self.pool.resources[like.index()].spec.clone();
        name.clone_into(&mut spec.name);
        spec.outages = Outages::Never;
        let id = ResourceId(self.pool.resources.len() as u32);
        let mut resource = Resource::new(id, spec);
        resource.idle_since = now;
        self.pool.join(like, resource);
        self.changed(now);
        self.state(|engine| engine.joined(id));
        self.load_first_model(id);
        self.pool.refresh(id);
        if self.has_named_policy {
            self.policy = self.options.policy.make(self.options.streams);
            self.readiness_changes.clear();
            let ready = |subtask: &&super::Subtask| subtask.state == SubtaskState::Ready;
            let ready = self.subtasks.iter().filter(ready).map(|subtask| subtask.id);
            self.readiness_changes.extend(ready);
        }
        Ok(id)
    }
}
