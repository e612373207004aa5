//! Why a subtask does not run, in one named reason.

use super::{Engine, Resource};
use crate::{
    fact::WaitReason,
    lane::Lane,
    workload::{SubtaskId, SubtaskState},
};

impl Engine {
    /// Why a subtask is not running; `None` if it runs or has ended.
    pub fn wait_reason(&self, id: SubtaskId) -> Option<WaitReason> {
        let subtask = self.subtask(id);
        match subtask.state {
            SubtaskState::Blocked if subtask.n_missing > 0 => Some(WaitReason::Predecessors {
                missing: subtask.n_missing,
            }),
            SubtaskState::Blocked => Some(WaitReason::Release {
                at: self
                    .task(subtask.spec.task)
                    .spec
                    .release()
                    .unwrap_or_default(),
            }),
            SubtaskState::Backoff { until } => Some(WaitReason::Backoff { until }),
            SubtaskState::Ready => {
                Some(self.why_ready(id, &self.pool.lanes[self.lane_of(id).index()]))
            }
            SubtaskState::Running { .. }
            | SubtaskState::Done
            | SubtaskState::Failed
            | SubtaskState::Cancelled => None,
        }
    }

    fn why_ready(&self, id: SubtaskId, lane: &Lane) -> WaitReason {
        let mut members = lane
            .members
            .iter()
            .map(|(member, _)| self.resource(*member));
        if members.clone().all(|member| !member.up) {
            let starting = members.filter_map(|on| Some((on.starting_until?, on.id)));
            return match starting.min() {
                Some((until, resource)) => WaitReason::StartingUp { resource, until },
                None => WaitReason::ResourcesDown,
            };
        }
        let full = |on: &&Resource| on.up && on.tokens.as_ref().is_some_and(|t| t.is_full());
        if let Some(on) = members.clone().find(full)
            && !members.clone().any(Resource::is_free)
        {
            return WaitReason::Memory { resource: on.id };
        }
        let crowded_out = |on: &&Resource| on.up && on.running.is_none() && on.is_crowded_out;
        if let Some(on) = members.clone().find(crowded_out)
            && !members.clone().any(Resource::is_free)
        {
            return WaitReason::Memory { resource: on.id };
        }
        match self.policy.why_waits(id) {
            // This wish only explains anything while some other resource is free.
            Some(WaitReason::BetterResource { resource })
                if !self.resource(resource).up || !members.any(Resource::is_free) =>
            {
                WaitReason::ResourcesBusy
            }
            Some(why) => why,
            None => WaitReason::ResourcesBusy,
        }
    }
}
