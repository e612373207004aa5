//! Replicas that are switched on when others cannot keep up, and off when they have nothing to do.

use sim::SimTime;

use super::{Engine, events::Event};
use crate::{fact::EngineFact, lane::LaneId, options::ScalingRule, pool::ResourceId};

/// What the scaling rules have seen.
#[derive(Debug, Default)]
pub(super) struct Scaling {
    rules: Vec<Watched>,
    /// Whether time alone is a reason to look.
    pub(super) look: bool,
}

#[derive(Debug)]
struct Watched {
    rule: ScalingRule,
    /// Since when too many wait.
    over_since: Option<SimTime>,
    /// The lanes that its members serve, of the first `n_lanes`.
    lanes: Vec<LaneId>,
    n_lanes: usize,
    /// When the next look at idle members is asked for.
    looks_at: SimTime,
}

impl Scaling {
    pub(super) fn new(rules: &[ScalingRule]) -> Self {
        let watched = |rule: &ScalingRule| Watched {
            rule: rule.clone(),
            over_since: None,
            lanes: Vec::new(),
            n_lanes: 0,
            looks_at: SimTime::ZERO,
        };
        Self {
            rules: rules.iter().map(watched).collect(),
            look: false,
        }
    }
}

impl Engine {
    /// Switches off all members of the rules beyond the least number.
    pub(super) fn switch_off_spares(&mut self) {
        let rules = self.scaling.rules.iter().map(|watched| &watched.rule);
        let spares: Vec<_> = rules
            .flat_map(|rule| rule.members.iter().skip(rule.min as usize).copied())
            .collect();
        for resource in spares {
            self.pool.resources[resource.index()].is_off = true;
            self.set_up(SimTime::ZERO, resource, false);
        }
        self.wants_step = false;
    }

    /// Applies the rules to what waits and what is idle now.
    pub(super) fn scale(&mut self, now: SimTime) {
        self.scaling.look = false;
        for n in 0..self.scaling.rules.len() {
            self.scale_up(now, n);
            self.start_who_is_needed(now, n);
            self.scale_down(now, n);
        }
    }

    fn scale_up(&mut self, now: SimTime, n: usize) {
        let n_waiting = self.n_waiting(n);
        let rule = &self.scaling.rules[n].rule;
        let (mut n_on, mut n_coming, mut next) = (0, 0, None);
        for &member in &rule.members {
            let on = &self.pool.resources[member.index()];
            n_on += u32::from(!on.is_off);
            n_coming += u32::from(on.starting_until.is_some());
            if on.is_off && on.starting_until.is_none() {
                next = next.or(Some(member));
            }
        }
        let is_over = f64::from(n_waiting) > rule.up_queue * f64::from(n_on.max(1));
        let Some(next) = next.filter(|_| is_over && n_on + n_coming < rule.max) else {
            self.scaling.rules[n].over_since = None;
            return;
        };
        let (up_after, start_up) = (rule.up_after, rule.start_up);
        let watched = &mut self.scaling.rules[n];
        match watched.over_since {
            Some(since) if now - since < up_after => return,
            None if up_after.0 > 0 => {}
            _ => {
                self.start_up(now + start_up, next);
            }
        }
        self.scaling.rules[n].over_since = Some(now);
        self.events.push(now + up_after, Event::Scale(n as u32));
    }

    fn start_up(&mut self, until: SimTime, resource: ResourceId) {
        self.pool.resources[resource.index()].starting_until = Some(until);
        self.events.push(until, Event::StartedUp(resource));
        self.state(|_| EngineFact::ResourceStarting { resource, until });
    }

    /// Starts a member for each lane on which somebody waits that is served by none who is on or
    /// starting, whatever the rule says: else it would wait for ever.
    fn start_who_is_needed(&mut self, now: SimTime, n: usize) {
        for at in 0..self.scaling.rules[n].lanes.len() {
            let watched = &self.scaling.rules[n];
            let (lane, rule) = (watched.lanes[at], &watched.rule);
            let members = &self.pool.lanes[lane.index()].members;
            let on = |id: ResourceId| &self.pool.resources[id.index()];
            let served =
                |(id, _): &(ResourceId, _)| !on(*id).is_off || on(*id).starting_until.is_some();
            if self.pool.n_ready[lane.index()] == 0 || members.iter().any(served) {
                continue;
            }
            let needed = members
                .iter()
                .map(|(id, _)| *id)
                .find(|id| rule.members.contains(id));
            let until = now + rule.start_up;
            if let Some(needed) = needed {
                self.start_up(until, needed);
            }
        }
    }

    /// How many ready subtasks the members of a rule could do.
    fn n_waiting(&mut self, n: usize) -> u32 {
        let watched = &mut self.scaling.rules[n];
        let lanes = &self.pool.lanes;
        for (at, lane) in lanes.iter().enumerate().skip(watched.n_lanes) {
            let mut members = lane.members.iter();
            if members.any(|(member, _)| watched.rule.members.contains(member)) {
                watched.lanes.push(LaneId(at as u32));
            }
        }
        watched.n_lanes = lanes.len();
        watched
            .lanes
            .iter()
            .map(|lane| self.pool.n_ready[lane.index()])
            .sum()
    }

    fn scale_down(&mut self, now: SimTime, n: usize) {
        let watched = &self.scaling.rules[n];
        let rule = &watched.rule;
        let is_on = |id: &&ResourceId| !self.pool.resources[id.index()].is_off;
        let mut n_on = rule.members.iter().filter(is_on).count() as u32;
        let (mut idle_long, mut look_at) = (Vec::new(), None);
        for member in rule.members.iter().rev() {
            let on = &self.pool.resources[member.index()];
            if n_on <= rule.min || on.is_off || !on.up || on.n_running() > 0 {
                continue;
            }
            let at = on.idle_since + rule.down_after;
            if at <= now {
                idle_long.push(*member);
                n_on -= 1;
            } else {
                look_at = look_at.min(Some(at)).or(Some(at));
            }
        }
        if let Some(at) = look_at
            && (watched.looks_at <= now || at < watched.looks_at)
        {
            self.scaling.rules[n].looks_at = at;
            self.events.push(at, Event::Scale(n as u32));
        }
        for resource in idle_long {
            self.pool.resources[resource.index()].is_off = true;
            self.set_up(now, resource, false);
        }
    }

    /// A resource that was starting can work.
    pub(super) fn started_up(&mut self, now: SimTime, resource: ResourceId) {
        let on = &mut self.pool.resources[resource.index()];
        on.is_off = false;
        on.starting_until = None;
        // An outage may have hit it meanwhile: then it comes up when that is over.
        if on.n_outages.is_multiple_of(2) {
            self.set_up(now, resource, true);
        }
    }
}
