//! Keeps account of where each subtask belongs in the picture; its state alone decides.
//!
//! The account is plain data: [`Flow::note`] takes a state in and moves the subtask from pile to pile,
//! [`Flow::take_touched`] says whose picture has to change.

use std::collections::{BTreeMap, BTreeSet};

use bevy::prelude::{Changed, Query, Res, ResMut, Resource, Vec3};
use schedule::{OwnerId, Scheduler, Skill, SubtaskId, SubtaskMirror, SubtaskState};

use crate::layout::{Layout, Spot};

/// Why a token leaves the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done: home to its owner.
    Done,
    /// Failed for good: down to the floor.
    Failed,
    /// No longer wanted: fades where it is.
    Cancelled,
}

/// What the picture knows of a subtask.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) skill: Skill,
    pub(crate) owner: OwnerId,
    /// Where it belongs; `None` once it has ended, or if the scene shows that nowhere.
    pub(crate) spot: Option<Spot>,
    /// Its cell there; `None` if the pile is higher than what is drawn of it.
    pub(crate) cell: Option<usize>,
    /// How it ended.
    pub(crate) exit: Option<Exit>,
    /// Where its token comes from if it has none yet.
    pub(crate) origin: Option<Vec3>,
    tray: Option<usize>,
}

/// Subtasks at one spot.
#[derive(Clone, Debug, Default)]
struct Pile {
    /// Those that are drawn, by cell.
    cells: Vec<SubtaskId>,
    /// The others.
    hidden: BTreeSet<SubtaskId>,
}

/// Where every subtask belongs.
#[derive(Resource, Debug, Default)]
pub(crate) struct Flow {
    entries: Vec<Option<Entry>>,
    piles: BTreeMap<Spot, Pile>,
    touched: BTreeSet<SubtaskId>,
    /// Running subtasks of each owner.
    running: BTreeMap<OwnerId, usize>,
}

impl Flow {
    /// Takes in that a subtask is in `state`. `describe` is asked once, when it is new.
    pub(crate) fn note(
        &mut self,
        layout: &Layout,
        id: SubtaskId,
        state: SubtaskState,
        describe: impl FnOnce() -> (Skill, OwnerId, Option<usize>),
    ) {
        if self.entries.len() <= id.index() {
            self.entries.resize(id.index() + 1, None);
        }
        let entry = self.entries[id.index()].get_or_insert_with(|| {
            let (skill, owner, tray) = describe();
            let origin = layout.heart(owner);
            Entry {
                skill,
                owner,
                spot: None,
                cell: None,
                exit: None,
                origin,
                tray,
            }
        });
        let (spot, exit) = belongs(entry, state);
        if spot == entry.spot && exit == entry.exit {
            return;
        }
        entry.exit = exit;
        self.leave(layout, id);
        self.enter(layout, id, spot);
        self.touched.insert(id);
    }

    fn leave(&mut self, layout: &Layout, id: SubtaskId) {
        let Some(entry) = self.entry_mut(id) else {
            return;
        };
        let (Some(spot), cell, owner) = (entry.spot.take(), entry.cell.take(), entry.owner) else {
            return;
        };
        entry.origin = layout.lid(spot).or(entry.origin);
        if let (Spot::Slot(_), Some(count)) = (spot, self.running.get_mut(&owner)) {
            *count -= 1;
        }
        let Some(pile) = self.piles.get_mut(&spot) else {
            return;
        };
        let Some(cell) = cell else {
            pile.hidden.remove(&id);
            return;
        };
        // The free cell goes to one that was not drawn, else to the one on top.
        let heir = match pile.hidden.pop_first() {
            Some(hidden) => Some(hidden),
            None => pile.cells.pop().filter(|last| *last != id),
        };
        if let Some(heir) = heir {
            pile.cells[cell] = heir;
            self.touched.insert(heir);
            if let Some(entry) = self.entry_mut(heir) {
                entry.origin = layout.lid(spot);
                entry.cell = Some(cell);
            }
        }
    }

    fn enter(&mut self, layout: &Layout, id: SubtaskId, spot: Option<Spot>) {
        let Some(spot) = spot else { return };
        let pile = self.piles.entry(spot).or_default();
        let cell = (pile.cells.len() < layout.cap(spot)).then_some(pile.cells.len());
        match cell {
            Some(_) => pile.cells.push(id),
            None => {
                pile.hidden.insert(id);
            }
        }
        if let Some(entry) = self.entry_mut(id) {
            (entry.spot, entry.cell) = (Some(spot), cell);
            let owner = entry.owner;
            if matches!(spot, Spot::Slot(_)) {
                *self.running.entry(owner).or_default() += 1;
            }
        }
    }

    fn entry_mut(&mut self, id: SubtaskId) -> Option<&mut Entry> {
        self.entries.get_mut(id.index())?.as_mut()
    }

    /// What is known of a subtask.
    pub(crate) fn entry(&self, id: SubtaskId) -> Option<&Entry> {
        self.entries.get(id.index())?.as_ref()
    }

    /// The subtasks whose picture may be out of date since this was last asked.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<SubtaskId> {
        std::mem::take(&mut self.touched)
    }

    /// How many subtasks of `owner` run now.
    pub(crate) fn n_running(&self, owner: OwnerId) -> usize {
        self.running.get(&owner).copied().unwrap_or(0)
    }

    /// The piles that hold more than is drawn of them, and by how many.
    pub(crate) fn overflows(&self) -> impl Iterator<Item = (Spot, usize)> {
        let hidden = self
            .piles
            .iter()
            .map(|(spot, pile)| (*spot, pile.hidden.len()));
        hidden.filter(|(_, n_hidden)| *n_hidden > 0)
    }
}

/// The one place that says where a state is shown.
fn belongs(entry: &Entry, state: SubtaskState) -> (Option<Spot>, Option<Exit>) {
    match state {
        SubtaskState::Blocked => (Some(Spot::Shelf(entry.owner)), None),
        SubtaskState::Ready => (entry.tray.map(Spot::Tray), None),
        SubtaskState::Backoff { .. } => (Some(Spot::Hover(entry.owner)), None),
        SubtaskState::Running { resource, .. } => (Some(Spot::Slot(resource)), None),
        SubtaskState::Done => (None, Some(Exit::Done)),
        SubtaskState::Failed => (None, Some(Exit::Failed)),
        SubtaskState::Cancelled => (None, Some(Exit::Cancelled)),
    }
}

/// Takes in the states that have changed since the last frame.
pub(crate) fn follow_states(
    mut flow: ResMut<Flow>,
    layout: Res<Layout>,
    scheduler: Option<Res<Scheduler>>,
    changed: Query<(&SubtaskMirror, &SubtaskState), Changed<SubtaskState>>,
) {
    for (mirror, state) in &changed {
        flow.note(&layout, mirror.id, *state, || {
            let known = scheduler
                .as_ref()
                .filter(|engine| mirror.id.index() < engine.subtasks().len());
            let model = known.and_then(|engine| engine.subtask_model(mirror.id));
            let way = known.and_then(|engine| engine.subtask_modes(mirror.id).first());
            let tray = match way {
                Some(way) => layout.tray_of(way.resource),
                None => layout.tray_for(mirror.skill, model),
            };
            (mirror.skill, mirror.owner, tray)
        });
    }
}
