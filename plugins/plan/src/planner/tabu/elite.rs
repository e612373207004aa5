//! The best schedules of a search, kept apart from each other, and schedules between two of them.

use rand::{Rng as _, rngs::SmallRng};

use crate::shop::{Blueprint, NONE, Shop};

/// Two schedules are alike if fewer than one in so many operations differ in machine or in who goes
/// before them on it.
const ALIKE: usize = 20;

/// A few good schedules.
#[derive(Default)]
pub(super) struct Elite {
    members: Vec<Member>,
}

struct Member {
    makespan: i32,
    blueprint: Blueprint,
    /// By operation: what goes before it on its machine.
    before: Vec<u32>,
}

impl Elite {
    /// How many there is room for.
    pub(super) const SIZE: usize = 8;

    pub(super) fn is_full(&self) -> bool {
        self.members.len() == Self::SIZE
    }

    /// Takes a schedule in: for one that is alike, if better, or else for the worst if there is no
    /// room. Says whether the elite is better for it.
    pub(super) fn admit(&mut self, blueprint: &Blueprint, makespan: i32) -> bool {
        let member = Member {
            makespan,
            blueprint: blueprint.clone(),
            before: neighbours_before(blueprint),
        };
        let most = blueprint.order.len() / ALIKE;
        let mut others = self.members.iter_mut();
        if let Some(other) = others.find(|other| distance(other, &member) <= most) {
            let is_better = makespan < other.makespan;
            if is_better {
                *other = member;
            }
            return is_better;
        }
        if !self.is_full() {
            self.members.push(member);
            return true;
        }
        let worst = self.members.iter_mut().max_by_key(|other| other.makespan);
        match worst {
            Some(worst) if makespan <= worst.makespan => {
                let is_better = makespan < worst.makespan;
                *worst = member;
                is_better
            }
            _ => false,
        }
    }

    /// A schedule between two members: each operation stands between its places in the two, and is
    /// done where one of them does it. What goes before what in both of them does so here.
    pub(super) fn between(&self, shop: &Shop<'_>, rng: &mut SmallRng) -> Blueprint {
        let first = rng.random_range(0..self.members.len());
        let mut second = rng.random_range(0..self.members.len() - 1);
        second += usize::from(second >= first);
        let (first, second) = (
            &self.members[first].blueprint,
            &self.members[second].blueprint,
        );
        let share = rng.random_range(0.3..0.7);
        let mut keys = vec![0.0; shop.n];
        for (blueprint, share) in [(first, 1.0 - share), (second, share)] {
            for (at, op) in blueprint.order.iter().enumerate() {
                keys[*op as usize] += at as f64 * share;
            }
        }
        let machines = first.machine.iter().zip(&second.machine);
        let machine = machines.map(|(a, b)| if rng.random_bool(share) { *b } else { *a });
        Blueprint {
            machine: machine.collect(),
            order: shop.linear_order(&keys),
        }
    }
}

fn neighbours_before(blueprint: &Blueprint) -> Vec<u32> {
    let n_machines = blueprint.machine.iter().max().map_or(0, |last| last + 1);
    let mut last = vec![NONE; n_machines as usize];
    let mut before = vec![NONE; blueprint.order.len()];
    for &op in &blueprint.order {
        let last = &mut last[blueprint.machine[op as usize] as usize];
        before[op as usize] = *last;
        *last = op;
    }
    before
}

/// How many operations differ in machine or in who goes before them on it.
fn distance(a: &Member, b: &Member) -> usize {
    let machines = a.blueprint.machine.iter().zip(&b.blueprint.machine);
    let before = a.before.iter().zip(&b.before);
    machines
        .zip(before)
        .filter(|(machines, before)| machines.0 != machines.1 || before.0 != before.1)
        .count()
}
