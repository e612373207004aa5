//! Lanes: the distinct demands (skill and model) of subtasks, and who can meet each.

use std::collections::BTreeMap;

use sim::{SimSpan, SimTime};

use crate::{
    engine::{Resource, TokenServer, capacity, hosted, iteration_share},
    hardware::BatchCurve,
    pool::{LatencyProfile, ResourceId, ResourceKind, ResourceSpec},
    residence::Shelf,
    workload::{Mode, Skill, SubtaskSpec, index},
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
    /// Who can do it and how long it takes each, where they say so; else empty.
    pub modes: Vec<Mode>,
    /// Who can do it and how long it takes them, in the order of the pool; never empty.
    pub members: Vec<(ResourceId, LatencyProfile)>,
}

/// How much work there is in a subtask or a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Load {
    /// Independent inputs.
    pub items: u64,
    /// Tokens over all inputs.
    pub tokens: u64,
    /// Data to bring to the resource.
    pub bytes: u64,
    /// Work beside inputs and tokens: the span at speed 1.
    pub work: SimSpan,
    /// Tokens to generate.
    pub output_tokens: u64,
    /// How many subtasks.
    pub subtasks: u32,
}

impl Lane {
    /// Whether a subtask asks for the same, as far as memory lets all lanes be told apart by that.
    pub(crate) fn asks_like(&self, spec: &SubtaskSpec) -> bool {
        self.skill == spec.skill && self.model == spec.model && self.modes == spec.modes
    }
}

impl Load {
    pub(crate) fn of(spec: &SubtaskSpec) -> Self {
        Self {
            items: spec.items.into(),
            tokens: spec.tokens.into(),
            bytes: spec.bytes,
            work: spec.work,
            output_tokens: spec.output_tokens.into(),
            subtasks: 1,
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            items: self.items.saturating_add(other.items),
            tokens: self.tokens.saturating_add(other.tokens),
            bytes: self.bytes.saturating_add(other.bytes),
            work: self.work + other.work,
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            subtasks: self.subtasks.saturating_add(other.subtasks),
        }
    }
}

/// How long a resource is expected to take for a batch of `load`: transfer and work, at least 1 ns, so
/// that time always moves on.
#[inline]
fn expected_span(on: &Resource, profile: &LatencyProfile, load: &Load) -> SimSpan {
    if on.is_plain {
        let span = profile.span(load.items, load.tokens) + load.work;
        return SimSpan(span.0.max(1));
    }
    adapted_span(&on.spec, *profile, *load, Sharing::default())
}

/// What a resource that batches continuously has already, and does beside what joins it.
#[derive(Clone, Copy, Debug, Default)]
struct Sharing {
    /// Sequences, each of which makes each iteration longer.
    sequences: u64,
    /// Tokens of their prompts that are taken in first.
    prompt_tokens: u64,
}

impl Sharing {
    fn of(tokens: &TokenServer) -> Self {
        Self {
            sequences: tokens.n_sequences() as u64,
            prompt_tokens: tokens.prompt_tokens(),
        }
    }
}

/// Whether a profile says all of a resource: it has no speed, curve, link or token batching of its
/// own.
pub(crate) fn is_plain(spec: &ResourceSpec) -> bool {
    spec.bytes_per_sec.is_none()
        && spec.speed == 1.0
        && spec.continuous.is_none()
        && matches!(spec.curve, BatchCurve::Profile)
}

/// The same for a resource that is not plain.
fn adapted_span(
    spec: &ResourceSpec,
    profile: LatencyProfile,
    load: Load,
    sharing: Sharing,
) -> SimSpan {
    let transfer = spec.bytes_per_sec.map_or(SimSpan::ZERO, |speed| {
        SimSpan::from_secs_f64(load.bytes as f64 / speed)
    });
    let work = match spec.speed {
        1.0 => load.work,
        speed => SimSpan((load.work.0 as f64 / speed).round() as u64),
    };
    let all =
        profile.span(load.items, load.tokens) + work + generation(spec, profile, load, sharing);
    let own = match spec.curve.factor(load.subtasks) {
        Some(factor) => mean_alone(profile, all, load.subtasks, factor),
        None => all,
    };
    SimSpan((own + transfer).0.max(1))
}

/// What generating tokens adds where it is done in iterations: prompts in chunks, those of `sharing`
/// first, then token by token beside all who decode. Each iteration is as long as the one that the
/// engine charges (Yu and others (2022), "Orca: a distributed serving system for Transformer-based
/// generative models"): `fixed + per_item × sequences`. Sequences stay as many meanwhile, as far as
/// anybody knows.
fn generation(
    spec: &ResourceSpec,
    profile: LatencyProfile,
    load: Load,
    sharing: Sharing,
) -> SimSpan {
    let Some(tokens) = spec.continuous else {
        return SimSpan::ZERO;
    };
    let ahead = sharing.prompt_tokens;
    let n_chunks = (load.tokens + ahead).div_ceil(tokens.budget.into());
    let chunks = profile.fixed.0.saturating_mul(n_chunks.saturating_sub(1));
    let prompts = profile.per_token.0.saturating_mul(ahead);
    let n_subtasks = u64::from(load.subtasks.max(1));
    let iteration = profile.span(sharing.sequences + n_subtasks, 0);
    let n_steps = load.output_tokens.div_ceil(n_subtasks);
    let steps = iteration.0.saturating_mul(n_steps);
    SimSpan(chunks.saturating_add(prompts).saturating_add(steps))
}

/// `factor` times the span of the mean subtask alone, where `all` is the span of `n` together.
fn mean_alone(profile: LatencyProfile, all: SimSpan, n: u32, factor: f64) -> SimSpan {
    let share = (all.0 - profile.fixed.0) as f64 / f64::from(n.max(1));
    SimSpan(((profile.fixed.0 as f64 + share) * factor).round() as u64)
}

/// Resources and the lanes that were asked for so far.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) resources: Vec<Resource>,
    pub(crate) lanes: Vec<Lane>,
    /// Lanes by a hash of what they ask for; the next hash if two share one.
    by_hash: BTreeMap<u64, LaneId>,
    /// Who could start something now, by id.
    pub(crate) free: Vec<ResourceId>,
    /// How many subtasks of each lane are ready.
    pub(crate) n_ready: Vec<u32>,
    /// Limited memories of devices.
    pub(crate) shelves: Vec<Shelf>,
    /// Whether some memory is limited, so that not every resource can hold everything.
    has_limits: bool,
}

impl Pool {
    pub(crate) fn new(resources: Vec<Resource>, shelves: Vec<Shelf>) -> Self {
        Self {
            shelves,
            has_limits: resources.iter().any(|on| on.spec.memory.is_some()),
            resources,
            lanes: Vec::new(),
            free: Vec::new(),
            by_hash: BTreeMap::new(),
            n_ready: Vec::new(),
        }
    }

    /// The lane of a demand, made if it is new; `None` if nobody in the pool can ever meet it.
    pub(crate) fn lane_for(&mut self, spec: &SubtaskSpec) -> Option<LaneId> {
        let mut key = demand_hash(spec);
        let narrowed = self.has_limits.then(|| self.members(spec));
        while let Some(&known) = self.by_hash.get(&key) {
            let lane = &self.lanes[known.index()];
            if lane.asks_like(spec)
                && narrowed
                    .as_ref()
                    .is_none_or(|members| *members == lane.members)
            {
                return Some(known);
            }
            key = key.wrapping_add(1);
        }
        let members = narrowed.unwrap_or_else(|| self.members(spec));
        if members.is_empty() {
            return None;
        }
        let id = LaneId(self.lanes.len() as u32);
        self.lanes.push(Lane {
            skill: spec.skill,
            model: spec.model.clone(),
            modes: spec.modes.clone(),
            members,
        });
        self.by_hash.insert(key, id);
        self.n_ready.push(0);
        Some(id)
    }

    /// One more resource, which does what another does. It has the next id.
    pub(crate) fn join(&mut self, like: ResourceId, resource: Resource) {
        let id = resource.id;
        for lane in self.lanes.iter_mut().filter(|lane| lane.modes.is_empty()) {
            let own = lane.members.iter().find(|(member, _)| *member == like);
            if let Some((_, profile)) = own.copied() {
                lane.members.push((id, profile));
            }
        }
        self.resources.push(resource);
        self.share_memory(like, id);
    }

    /// Who can meet a demand, and how long it takes them.
    fn members(&self, spec: &SubtaskSpec) -> Vec<(ResourceId, LatencyProfile)> {
        let model = spec.model.as_deref();
        if !spec.modes.is_empty() {
            let mut members: Vec<_> = spec
                .modes
                .iter()
                .filter(|mode| {
                    let on = self.resources.get(mode.resource.index());
                    on.is_some_and(|on| can_hold(&on.spec, spec))
                })
                .map(|mode| (mode.resource, LatencyProfile::fixed(mode.span)))
                .collect();
            members.sort_unstable_by_key(|(resource, profile)| (*resource, profile.fixed));
            members.dedup_by_key(|(resource, _)| *resource);
            return members;
        }
        self.resources
            .iter()
            .filter(|resource| serves(&resource.spec, model) && can_hold(&resource.spec, spec))
            .filter_map(|resource| {
                let skills = &resource.spec.skills;
                let (_, profile) = skills.iter().find(|(has, _)| *has == spec.skill)?;
                Some((resource.id, *profile))
            })
            .collect()
    }

    /// Brings the list of those who are free in line with one of them, and with those who share its
    /// memory.
    #[inline]
    pub(crate) fn refresh(&mut self, id: ResourceId) {
        if !self.shelves.is_empty() {
            self.crowd(id);
        }
        self.refresh_one(id);
    }

    /// The same for one of them alone.
    #[inline]
    pub(crate) fn refresh_one(&mut self, id: ResourceId) {
        let on = &mut self.resources[id.index()];
        let is_free = on.is_free();
        if is_free == on.counted_free {
            return;
        }
        on.counted_free = is_free;
        let at = self.free.partition_point(|free| *free < id);
        if is_free {
            self.free.insert(at, id);
        } else {
            self.free.remove(at);
        }
    }

    #[inline]
    pub(crate) fn note_ready(&mut self, lane: LaneId, is_ready: bool) {
        let n = &mut self.n_ready[lane.index()];
        *n = if is_ready { *n + 1 } else { *n - 1 };
    }

    /// Whether a resource can do the subtasks of a lane.
    #[inline]
    pub(crate) fn is_member(&self, resource: ResourceId, lane: LaneId) -> bool {
        self.profile(resource, lane).is_some()
    }

    /// How long the subtasks of a lane take a resource; `None` if it is not a member.
    #[inline]
    fn profile(&self, resource: ResourceId, lane: LaneId) -> Option<&LatencyProfile> {
        let members = &self.lanes[lane.index()].members;
        if members.len() == self.resources.len() {
            // All of them, by id.
            return members.get(resource.index()).map(|(_, profile)| profile);
        }
        let at = members.binary_search_by_key(&resource, |(member, _)| *member);
        Some(&members[at.ok()?].1)
    }

    /// How long a batch of `load` on `lane` is expected to take `resource`, counting the load of a
    /// model that is not there and the sequences that run there; `None` if it is not a member of the
    /// lane.
    #[inline]
    pub(crate) fn span(&self, resource: ResourceId, lane: LaneId, load: &Load) -> Option<SimSpan> {
        let on = &self.resources[resource.index()];
        let work = match &on.tokens {
            None => self.work_span(resource, lane, load)?,
            Some(tokens) => {
                let profile = self.profile(resource, lane)?;
                adapted_span(&on.spec, *profile, *load, Sharing::of(tokens))
            }
        };
        Some(work + self.switch_span(on, lane))
    }

    /// The same, if nothing else ran there.
    #[inline]
    pub(crate) fn span_by_itself(
        &self,
        resource: ResourceId,
        lane: LaneId,
        load: &Load,
    ) -> Option<SimSpan> {
        let work = self.work_span(resource, lane, load)?;
        Some(work + self.switch_span(&self.resources[resource.index()], lane))
    }

    /// What `load` adds to the work of a resource that batches continuously, as
    /// [`TokenServer::work`] counts it; `None` if it batches otherwise or is not a member of the lane.
    pub(crate) fn share(&self, resource: ResourceId, lane: LaneId, load: &Load) -> Option<SimSpan> {
        let spec = &self.resources[resource.index()].spec;
        let profile = self.profile(resource, lane)?;
        spec.continuous?;
        let share = iteration_share(profile, spec.slots).saturating_mul(load.output_tokens);
        Some(profile.span(load.items, load.tokens) + SimSpan(share))
    }

    /// How long it takes to load the model of a lane, if that is not there.
    #[inline]
    fn switch_span(&self, on: &Resource, lane: LaneId) -> SimSpan {
        let load = self.load_span(on);
        if on.spec.memory.is_none() {
            return load;
        }
        let model = self.lanes[lane.index()].model.as_deref();
        let switch = hosted(&on.spec, model).filter(|(at, _)| !on.loaded.contains(at));
        load + switch.map_or(SimSpan::ZERO, |(_, model)| model.load)
    }

    /// How long a batch of `load` on `lane` is expected to take `resource` once its model and all
    /// data of predecessors are there; `None` if it is not a member of the lane.
    #[inline]
    pub(crate) fn work_span(
        &self,
        resource: ResourceId,
        lane: LaneId,
        load: &Load,
    ) -> Option<SimSpan> {
        let profile = self.profile(resource, lane)?;
        let on = &self.resources[resource.index()];
        Some(expected_span(on, profile, load))
    }

    /// The mean of the expected spans of `load` alone over the members of `lane`.
    pub(crate) fn mean_span(&self, lane: LaneId, load: &Load) -> SimSpan {
        let members = &self.lanes[lane.index()].members;
        let total: u128 = members
            .iter()
            .map(|(resource, profile)| {
                let on = &self.resources[resource.index()];
                u128::from(expected_span(on, profile, load).0)
            })
            .sum();
        SimSpan((total / members.len() as u128) as u64)
    }

    /// When a resource is expected to be free; a batch that is overdue is expected to take as long
    /// again as it is overdue.
    pub(crate) fn free_at(&self, resource: ResourceId, now: SimTime) -> SimTime {
        if self.resources[resource.index()].is_crowded_out {
            return self.memory_at(resource, now);
        }
        self.work_ends(resource, now)
    }

    /// When what a resource works on is expected to end.
    pub(crate) fn work_ends(&self, resource: ResourceId, now: SimTime) -> SimTime {
        let Some(end) = self.resources[resource.index()].expected_end else {
            return now;
        };
        if end >= now { end } else { now + (now - end) }
    }
}

/// Whether a resource may do work that asks for `model`.
fn serves(spec: &ResourceSpec, model: Option<&str>) -> bool {
    let Some(wanted) = model else {
        return true;
    };
    let born_with = matches!(&spec.kind, ResourceKind::Replica { model } if wanted == model);
    let mut hosted = spec.memory.iter().flat_map(|memory| &memory.models);
    born_with || hosted.any(|model| model.name == wanted)
}

/// Whether a subtask fits into the memory of a resource at all.
fn can_hold(spec: &ResourceSpec, subtask: &SubtaskSpec) -> bool {
    let Some(memory) = &spec.memory else {
        return true;
    };
    if let Some(batching) = spec.continuous {
        let n_tokens = u64::from(subtask.tokens.max(1)) + u64::from(subtask.output_tokens.max(1));
        return n_tokens < capacity(batching, spec);
    }
    let model = hosted(spec, subtask.model.as_deref()).map_or(0, |(_, model)| model.bytes);
    model.saturating_add(subtask.memory_bytes) <= memory.bytes
}

/// FNV-1a over what a subtask asks for.
fn demand_hash(spec: &SubtaskSpec) -> u64 {
    let model = spec.model.as_deref().unwrap_or("").bytes().map(u64::from);
    let modes = spec
        .modes
        .iter()
        .flat_map(|mode| [u64::from(mode.resource.0), mode.span.0]);
    [spec.skill as u64]
        .into_iter()
        .chain(model)
        .chain(modes)
        .fold(0xcbf2_9ce4_8422_2325, |hash, part| {
            (hash ^ part).wrapping_mul(0x0100_0000_01b3)
        })
}
