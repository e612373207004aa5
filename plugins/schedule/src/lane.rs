//! Lanes: the distinct demands (skill and model) of subtasks, and who can meet each.

use sim::{SimSpan, SimTime};

use crate::{
    engine::Resource,
    pool::{LatencyProfile, ResourceId, ResourceKind, ResourceSpec},
    workload::{Skill, SubtaskSpec, index},
};

index! {
    /// A lane, counted from 0 in the order in which demands first came.
    LaneId
}

/// All subtasks that ask for the same: only they can share a batch.
#[derive(Clone, Debug)]
pub struct Lane {
    /// What they need done.
    pub skill: Skill,
    /// The model that must do it.
    pub model: Option<String>,
    /// Who can do it and how long it takes them, in the order of the pool; never empty.
    pub members: Vec<(ResourceId, LatencyProfile)>,
}

/// How much work there is in a subtask or a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Independent inputs.
    pub items: u64,
    /// Tokens over all inputs.
    pub tokens: u64,
    /// Data to bring to the resource.
    pub bytes: u64,
}

impl Load {
    pub(crate) fn of(spec: &SubtaskSpec) -> Self {
        Self {
            items: spec.items.into(),
            tokens: spec.tokens.into(),
            bytes: spec.bytes,
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            items: self.items.saturating_add(other.items),
            tokens: self.tokens.saturating_add(other.tokens),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// How long `spec` is expected to take for a batch of `load`: transfer and work, at least 1 ns, so
/// that time always moves on.
pub(crate) fn expected_span(spec: &ResourceSpec, profile: LatencyProfile, load: Load) -> SimSpan {
    let transfer = spec.bytes_per_sec.map_or(SimSpan::ZERO, |speed| {
        SimSpan::from_secs_f64(load.bytes as f64 / speed)
    });
    let span = profile.span(load.items, load.tokens) + transfer;
    SimSpan(span.0.max(1))
}

/// Resources and the lanes that were asked for so far.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) resources: Vec<Resource>,
    pub(crate) lanes: Vec<Lane>,
}

impl Pool {
    /// The lane of a demand, made if it is new; `None` if nobody in the pool can ever meet it.
    pub(crate) fn lane_for(&mut self, skill: Skill, model: Option<&str>) -> Option<LaneId> {
        let known = self
            .lanes
            .iter()
            .position(|lane| lane.skill == skill && lane.model.as_deref() == model);
        if let Some(n) = known {
            return Some(LaneId(n as u32));
        }
        let members: Vec<_> = self
            .resources
            .iter()
            .filter(|resource| serves(&resource.spec, model))
            .filter_map(|resource| {
                let (_, profile) = resource.spec.skills.iter().find(|(has, _)| *has == skill)?;
                Some((resource.id, *profile))
            })
            .collect();
        if members.is_empty() {
            return None;
        }
        self.lanes.push(Lane {
            skill,
            model: model.map(str::to_owned),
            members,
        });
        Some(LaneId(self.lanes.len() as u32 - 1))
    }

    /// How long a batch of `load` on `lane` is expected to take `resource`; `None` if it is not a
    /// member of the lane.
    pub(crate) fn span(&self, resource: ResourceId, lane: LaneId, load: Load) -> Option<SimSpan> {
        let members = &self.lanes[lane.index()].members;
        let at = members
            .binary_search_by_key(&resource, |(member, _)| *member)
            .ok()?;
        Some(expected_span(
            &self.resources[resource.index()].spec,
            members[at].1,
            load,
        ))
    }

    /// The mean of the expected spans of `load` alone over the members of `lane`.
    pub(crate) fn mean_span(&self, lane: LaneId, load: Load) -> SimSpan {
        let members = &self.lanes[lane.index()].members;
        let total: u128 = members
            .iter()
            .map(|(resource, profile)| {
                let spec = &self.resources[resource.index()].spec;
                u128::from(expected_span(spec, *profile, load).0)
            })
            .sum();
        SimSpan((total / members.len() as u128) as u64)
    }

    /// When a resource is expected to be free; a batch that is overdue is expected to take as long
    /// again as it is overdue.
    pub(crate) fn free_at(&self, resource: ResourceId, now: SimTime) -> SimTime {
        let Some(end) = self.resources[resource.index()].expected_end else {
            return now;
        };
        if end >= now { end } else { now + (now - end) }
    }
}

/// Whether a resource may do work that asks for `model`.
fn serves(spec: &ResourceSpec, model: Option<&str>) -> bool {
    match (model, &spec.kind) {
        (None, _) => true,
        (Some(wanted), ResourceKind::Replica { model }) => wanted == model,
        (Some(_), ResourceKind::Agent { .. }) => false,
    }
}
