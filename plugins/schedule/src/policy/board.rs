//! What each resource would do next while a policy places subtasks: the batch that it runs or forms.

use super::{View, queues::nanos};
use crate::{
    engine::Resource,
    fact::Candidate,
    lane::{LaneId, Load},
    pool::ResourceId,
    workload::SubtaskId,
};

/// The score of a resource that must not be chosen.
pub(super) const NEVER: u64 = u64::MAX;

/// Which resources count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those that are free.
    Free,
    /// Busy ones too: a subtask may wait for one that would end it sooner.
    Busy,
}

/// The batch that a resource would run next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Next {
    /// When it starts, in nanoseconds.
    pub(super) from: u64,
    /// When it ends.
    pub(super) end: u64,
    /// How long the data for it takes to come before it can begin to work, in nanoseconds.
    travel: u64,
    /// Whose subtasks it takes; `None`: nobody's so far.
    pub(super) lane: Option<LaneId>,
    /// How many are in it.
    pub(super) n_subtasks: u32,
    /// What is in it.
    pub(super) load: Load,
    /// Whether it starts now.
    pub(super) starts_now: bool,
    /// Whether the resource is to be had at all.
    is_open: bool,
}

/// What would become of a subtask on one resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// Where.
    pub(super) resource: ResourceId,
    /// Its batch with the subtask in it.
    pub(super) next: Next,
}

/// All resources during one call.
#[derive(Debug, Default)]
pub(super) struct Board {
    nexts: Vec<Next>,
    /// Who starts now and has room left, by id.
    idle: Vec<ResourceId>,
    /// Whether further batches may be planned behind the next.
    reaches_further: bool,
}

impl Board {
    /// Looks at the resources afresh.
    pub(super) fn begin(&mut self, view: &View<'_>, reach: Reach) {
        self.reaches_further = reach == Reach::Busy;
        self.idle.clear();
        self.idle.extend_from_slice(view.free());
        debug_assert!(
            view.resources()
                .iter()
                .filter_map(|on| on.is_free().then_some(&on.id))
                .eq(view.free()),
            "the list of those who are free must be up to date"
        );
        if reach == Reach::Busy {
            let nexts = view.resources().iter().map(|on| empty(view, on));
            self.nexts.clear();
            self.nexts.extend(nexts);
            return;
        }
        // Those who are not free are never looked at.
        let n_resources = view.resources().len();
        self.nexts.resize(n_resources, Next::default());
        for &id in view.free() {
            self.nexts[id.index()] = empty(view, &view.resources()[id.index()]);
        }
    }

    /// From now on, only what starts now counts.
    pub(super) fn close_busy(&mut self) {
        self.reaches_further = false;
        for next in &mut self.nexts {
            next.is_open &= next.starts_now;
        }
    }

    /// The next batch of a resource, if it is to be had.
    pub(super) fn next(&self, resource: ResourceId) -> Option<&Next> {
        Some(&self.nexts[resource.index()]).filter(|next| next.is_open)
    }

    /// Who starts now and has room left.
    pub(super) fn idle(&self) -> &[ResourceId] {
        &self.idle
    }

    /// Whether somebody has room.
    pub(super) fn has_any_room(&self) -> bool {
        !self.idle.is_empty()
    }

    /// Whether a resource could start something now, or is down, so that it binds nobody.
    pub(super) fn may_start(&self, view: &View<'_>, resource: ResourceId) -> bool {
        self.idle.contains(&resource) || !view.resources()[resource.index()].up
    }

    /// Whether some resource could start one more subtask of the lane now.
    #[inline]
    pub(super) fn has_room(&self, view: &View<'_>, lane: LaneId) -> bool {
        self.idle.iter().any(|resource| {
            let taken = self.nexts[resource.index()].lane;
            taken.is_none_or(|taken| taken == lane) && view.is_member(*resource, lane)
        })
    }

    /// Whether the next batch of a resource could take another subtask of its lane.
    pub(super) fn takes_more(&self, view: &View<'_>, resource: ResourceId) -> bool {
        self.nexts[resource.index()].n_subtasks < view.slots(resource)
    }

    /// When a free resource would end a batch of nothing but one subtask, in nanoseconds; `None` if
    /// it cannot do it.
    #[inline]
    pub(super) fn end_alone(view: &View<'_>, resource: ResourceId, id: SubtaskId) -> Option<u64> {
        let span = view.span_alone(resource, id)?;
        Some(view.free_at(resource).0 + view.transfer(id, resource).0 + span.0)
    }

    /// That batch, which ends at `end`.
    #[inline]
    pub(super) fn alone(view: &View<'_>, resource: ResourceId, id: SubtaskId, end: u64) -> Choice {
        let next = Next {
            end,
            travel: view.transfer(id, resource).0,
            lane: Some(view.lane(id)),
            n_subtasks: 1,
            load: view.load(id),
            ..empty(view, &view.resources()[resource.index()])
        };
        Choice { resource, next }
    }

    /// The batch of `resource` with a subtask added; a further one after it if that is full.
    pub(super) fn with(
        &self,
        view: &View<'_>,
        resource: ResourceId,
        id: SubtaskId,
    ) -> Option<Next> {
        let mut next = self.nexts[resource.index()];
        if !next.is_open {
            return None;
        }
        let (lane, load) = (view.lane(id), view.load(id));
        let travel = view.transfer(id, resource).0;
        if takes(view, resource, &next, lane) {
            next.load = next.load.plus(load);
            next.n_subtasks += 1;
            next.travel = next.travel.max(travel);
        } else if self.reaches_further {
            next.from = next.end;
            next.load = load;
            next.n_subtasks = 1;
            next.travel = travel;
            next.starts_now = false;
        } else {
            return None;
        }
        next.lane = Some(lane);
        next.end = next.from + next.travel + view.pool.span(resource, lane, &next.load)?.0;
        Some(next)
    }

    /// The smallest score (with what settles ties), then a start now, then a batch that is begun, then the smallest id.
    pub(super) fn choose(
        &self,
        view: &View<'_>,
        id: SubtaskId,
        candidates: &mut Vec<Candidate>,
        score: impl FnMut(ResourceId, &Next) -> (u64, u64),
    ) -> Option<Choice> {
        let with = |on: ResourceId| Some((on, self.with(view, on, id)?));
        if self.reaches_further {
            let members = view.members(view.lane(id)).iter();
            let nexts = members.filter_map(|(on, _)| with(*on));
            return choose_among(view, nexts, candidates, score);
        }
        // Nobody else takes anything more.
        let nexts = self.idle.iter().filter_map(|on| with(*on));
        choose_among(view, nexts, candidates, score)
    }

    /// Gives a subtask to the resource of a choice.
    pub(super) fn put(&mut self, view: &View<'_>, choice: &Choice) {
        self.nexts[choice.resource.index()] = choice.next;
        if choice.next.starts_now && !self.takes_more(view, choice.resource) {
            self.idle.retain(|idle| *idle != choice.resource);
        }
    }
}

/// As [`Board::choose`], among batches with the subtask in them, by resource.
pub(super) fn choose_among(
    view: &View<'_>,
    nexts: impl Iterator<Item = (ResourceId, Next)>,
    candidates: &mut Vec<Candidate>,
    mut score: impl FnMut(ResourceId, &Next) -> (u64, u64),
) -> Option<Choice> {
    let mut best: Option<((u64, u64), Choice)> = None;
    let key = |score: (u64, u64), next: &Next| (score, !next.starts_now, next.n_subtasks == 1);
    for (resource, next) in nexts {
        let score = score(resource, &next);
        if score.0 == NEVER {
            continue;
        }
        if view.explains() {
            candidates.push(Candidate {
                resource,
                score: nanos(score.0),
            });
        }
        if best
            .as_ref()
            .is_none_or(|(least, best)| key(score, &next) < key(*least, &best.next))
        {
            best = Some((score, Choice { resource, next }));
        }
    }
    best.map(|(_, choice)| choice)
}

/// What a resource would run next if nothing were placed.
fn empty(view: &View<'_>, on: &Resource) -> Next {
    let starts_now = !on.is_busy();
    let from = view.free_at(on.id).0;
    Next {
        from,
        end: from,
        starts_now,
        is_open: on.up,
        ..Next::default()
    }
}

fn takes(view: &View<'_>, resource: ResourceId, next: &Next, lane: LaneId) -> bool {
    next.lane.is_none_or(|taken| taken == lane) && next.n_subtasks < view.slots(resource)
}
