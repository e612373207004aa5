//! Tenants share the resources by weight: start-time fair queueing. Goyal, Vin, Cheng (1997),
//! "Start-time fair queueing: a scheduling algorithm for integrated services packet switching
//! networks"; for many servers: Jin, Chase, Kaur (2004), "Interposed proportional sharing for a
//! storage service utility".
//!
//! Each tenant has a virtual time that advances by what it was given over its weight. The smallest
//! goes first. A tenant that had nothing to do starts again at the virtual time of the whole, so
//! that it can neither save up nor be punished for what it got while others did not ask.

use super::{
    Criteria, View,
    board::Choice,
    greedy::{Order, SOONEST},
    queues::{ReadyQueues, nanos},
};
use crate::workload::SubtaskId;

#[derive(Clone, Copy, Debug, Default)]
struct Tenant {
    /// Virtual nanoseconds.
    start: f64,
    /// Subtasks that are ready.
    n_ready: u32,
}

/// Ranks by the virtual time of the tenant.
#[derive(Debug, Default)]
pub(super) struct WeightedFair {
    tenants: Vec<Tenant>,
    /// The largest virtual time at which anything was placed.
    now: f64,
    /// By subtask: whether its tenant counts it as ready.
    is_counted: Vec<bool>,
}

impl Order for WeightedFair {
    const CRITERIA: Criteria = Criteria {
        rank: "the virtual time of the tenant, in ns of work at weight 1",
        score: SOONEST,
    };
    const GROUPED: bool = true;

    fn observe(&mut self, view: &View<'_>, _: &mut ReadyQueues) {
        self.is_counted.resize(view.n_subtasks(), false);
        for &id in view.readiness_changes() {
            let tenant = view.tenant(id) as usize;
            if self.tenants.len() <= tenant {
                self.tenants.resize(tenant + 1, Tenant::default());
            }
            let (tenant, counted) = (&mut self.tenants[tenant], &mut self.is_counted[id.index()]);
            match (view.is_ready(id), *counted) {
                (true, false) => {
                    if tenant.n_ready == 0 {
                        tenant.start = tenant.start.max(self.now);
                    }
                    tenant.n_ready += 1;
                }
                (false, true) => tenant.n_ready -= 1,
                _ => {}
            }
            *counted = view.is_ready(id);
        }
    }

    fn rank(&mut self, view: &View<'_>, id: SubtaskId) -> i64 {
        nanos(view.ready_at(id).0)
    }

    fn group(&self, view: &View<'_>, id: SubtaskId) -> u32 {
        view.tenant(id)
    }

    fn key(&self, group: u32) -> i64 {
        self.tenants[group as usize].start as i64
    }

    fn placed(&mut self, view: &View<'_>, id: SubtaskId, choice: &Choice) {
        let tenant = &mut self.tenants[view.tenant(id) as usize];
        self.now = self.now.max(tenant.start);
        // What it adds to the batch of which it is a part.
        let span = (choice.next.end - choice.next.from) / u64::from(choice.next.n_subtasks);
        tenant.start += span as f64 / view.task_of(id).spec.weight;
    }
}
