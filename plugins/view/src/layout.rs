//! Says where in the room everything is shown that a subtask can be at.

use std::collections::BTreeMap;

use bevy::prelude::{Quat, Resource, Vec3};
use rooms::{Place, Scene, Station, StationKind};
use schedule::{OwnerId, ResourceId, Skill};

use crate::{
    pile::{Grid, Pose, Sockets, ring},
    posture::seat_pose,
    workbench::{Workbench, machine_tray, workbench},
};

/// Edge of a token in metres.
pub(crate) const TOKEN_SIZE: f32 = 0.12;
/// From token to token in a pile.
pub(crate) const PITCH: f32 = 0.14;
/// Tokens drawn of what waits behind one agent.
const SHELF: Grid = Grid {
    columns: 4,
    rows: 3,
    layers: 5,
    pitch: PITCH,
};
/// Tokens drawn of what is ready for the replicas of one model.
const TRAY: Grid = Grid {
    columns: 8,
    rows: 3,
    layers: 4,
    pitch: PITCH,
};
/// Tokens drawn of what is ready for one agent.
const DESK_TRAY: Grid = Grid {
    columns: 2,
    rows: 2,
    layers: 6,
    pitch: PITCH,
};
/// Tokens drawn of what waits for another attempt.
const HOVERING: usize = 12;
/// Slots drawn of one replica.
pub(crate) const MOST_SOCKETS: usize = 64;
/// Height at the top of a unit that its lamp and rim take.
pub(crate) const LAMP_BAND: f32 = 0.06;
/// Tokens drawn in all.
pub(crate) const MOST_TOKENS: usize = 6000;

/// Where a subtask is shown; its state alone decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spot {
    /// Blocked: on the floor behind its owner.
    Shelf(OwnerId),
    /// Ready: in this tray.
    Tray(usize),
    /// Running: with whoever works on it.
    Slot(ResourceId),
    /// After a failure: around the head of its owner.
    Hover(OwnerId),
}

/// A place for one token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) at: Vec3,
    /// Share of the usual size.
    pub(crate) scale: f32,
}

/// Where an agent sits, and how high and far ahead the table is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seat {
    pub(crate) pose: Pose,
    /// The pile on the floor beside the agent: behind, where there is room.
    shelf: Pose,
    /// The place for work ahead of the agent, on the table if there is one.
    pub(crate) desk: Vec3,
    pub(crate) has_table: bool,
}

/// The front of a replica in its rack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Unit {
    /// The middle of its front, looking out of the rack.
    pub(crate) front: Pose,
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) sockets: Sockets,
}

impl Unit {
    /// The middle of socket `k` in the world; who looks at the rack reads them from left to right.
    pub(crate) fn socket(&self, k: usize) -> Vec3 {
        let Vec3 { x, y, z } = self.sockets.cell(k);
        self.front.point(Vec3::new(-x, y - LAMP_BAND / 2.0, z))
    }
}

/// Where subtasks wait that are ready.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tray {
    /// The middle of its bottom.
    pub(crate) pose: Pose,
    pub(crate) grid: Grid,
}

/// How a resource is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Worker {
    /// A replica in a rack.
    Unit(Unit),
    /// A machine.
    Machine(Workbench),
    /// A person.
    Agent(OwnerId),
    /// A replica that the scene puts nowhere.
    Unseen,
}

/// Everything's place, worked out of the scene once.
#[derive(Resource, Default, Debug)]
pub(crate) struct Layout {
    pub(crate) seats: Vec<Seat>,
    pub(crate) trays: Vec<Tray>,
    /// For each resource, how it is shown and which tray is its own.
    resources: Vec<(Worker, Option<usize>)>,
    /// What can be done, by which model, and in which tray it waits; in the order of the pool.
    offers: Vec<(Skill, Option<String>, usize)>,
}

impl Layout {
    /// The places of all that is in `scene`.
    pub(crate) fn of(scene: &Scene) -> Self {
        let mut layout = Self::default();
        for agent in &scene.agents {
            let home = &scene.stations[agent.home];
            layout.seats.push(seat(&Place::at(home), home, scene));
        }
        layout.add_replicas(scene);
        for agent in scene.agents.iter().filter(|agent| !agent.skills.is_empty()) {
            let seat = layout.seats[agent.id.index()];
            let aside = seat.pose.point(Vec3::X * -0.36) - seat.pose.at;
            let pose = Pose {
                at: seat.desk + aside,
                facing: seat.pose.facing,
            };
            let tray = layout.trays.len();
            layout.trays.push(Tray {
                pose,
                grid: DESK_TRAY,
            });
            let worker = Worker::Agent(agent.id);
            layout.resources.push((worker, Some(tray)));
            layout
                .offers
                .extend(agent.skills.iter().map(|(skill, _)| (*skill, None, tray)));
        }
        layout.add_machines(scene);
        layout
    }

    fn add_machines(&mut self, scene: &Scene) {
        for machine in &scene.machines {
            let station = &scene.stations[machine.station];
            let tray = self.trays.len();
            self.trays.push(machine_tray(station));
            let worker = Worker::Machine(workbench(station, machine.slots));
            self.resources.push((worker, Some(tray)));
            self.offers
                .extend(machine.skills.iter().map(|(skill, _)| (*skill, None, tray)));
        }
    }

    fn add_replicas(&mut self, scene: &Scene) {
        // Which models a rack has, in order: each gets a tray in front of it.
        let mut racks: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut tray_of_model: BTreeMap<usize, usize> = BTreeMap::new();
        for (index, replica) in scene.replicas.iter().enumerate() {
            let model = scene.models[replica.model].name.clone();
            let Some(station) = replica.station else {
                self.resources.push((Worker::Unseen, None));
                continue;
            };
            racks.entry(station).or_default().push(index);
            let n_before = racks[&station]
                .iter()
                .filter(|other| scene.replicas[**other].model < replica.model)
                .count();
            let tray = *tray_of_model.entry(replica.model).or_insert_with(|| {
                self.trays
                    .push(rack_tray(&scene.stations[station], n_before));
                self.trays.len() - 1
            });
            let worker = Worker::Unit(unit(scene, index, station));
            self.resources.push((worker, Some(tray)));
            let offers = replica
                .skills
                .iter()
                .map(|(skill, _)| (*skill, Some(model.clone()), tray));
            self.offers.extend(offers);
        }
    }

    /// The tray of the first who can do `skill` (with `model`, where one is asked for).
    pub(crate) fn tray_for(&self, skill: Skill, model: Option<&str>) -> Option<usize> {
        let fits = |offer: &&(Skill, Option<String>, usize)| {
            offer.0 == skill && (model.is_none() || offer.1.as_deref() == model)
        };
        self.offers.iter().find(fits).map(|offer| offer.2)
    }

    /// The tray of `resource`, for what only some can do.
    pub(crate) fn tray_of(&self, resource: ResourceId) -> Option<usize> {
        self.resources.get(resource.index())?.1
    }

    /// How many tokens are drawn at `spot` at most; none where the scene shows it nowhere.
    pub(crate) fn cap(&self, spot: Spot) -> usize {
        if self.lid(spot).is_none() {
            return 0;
        }
        let fair = (MOST_TOKENS / (2 * self.seats.len() + self.trays.len()).max(1)).max(1);
        match spot {
            Spot::Shelf(_) => SHELF.n_cells().min(fair),
            Spot::Tray(tray) => self.trays.get(tray).map_or(0, |tray| tray.grid.n_cells()),
            Spot::Slot(resource) => match self.worker(resource) {
                Worker::Unit(unit) => (unit.sockets.columns * unit.sockets.rows).min(MOST_SOCKETS),
                Worker::Machine(bench) => bench.n_works,
                Worker::Agent(_) | Worker::Unseen => 1,
            },
            Spot::Hover(_) => HOVERING.min(fair),
        }
    }

    /// The place of token `k` at `spot`; `None` if the scene shows it nowhere.
    pub(crate) fn cell(&self, spot: Spot, k: usize) -> Option<Cell> {
        let whole = |at: Vec3| Cell { at, scale: 1.0 };
        match spot {
            Spot::Shelf(owner) => self
                .seat(owner)
                .map(|seat| whole(seat.shelf.point(SHELF.cell(k)))),
            Spot::Tray(tray) => self
                .trays
                .get(tray)
                .map(|tray| whole(tray.pose.point(tray.grid.cell(k)))),
            Spot::Hover(owner) => self
                .seat(owner)
                .map(|seat| whole(seat.pose.point(ring(k, HOVERING, 0.5) + Vec3::Y * 1.35))),
            Spot::Slot(resource) => self.slot(resource, k),
        }
    }

    fn slot(&self, resource: ResourceId, k: usize) -> Option<Cell> {
        let large = |at: Vec3| Cell { at, scale: 1.4 };
        match self.worker(resource) {
            Worker::Unit(unit) => Some(Cell {
                at: unit.socket(k),
                scale: unit.sockets.pitch * 0.72 / TOKEN_SIZE,
            }),
            Worker::Machine(bench) => Some(large(bench.work(k))),
            Worker::Agent(owner) => {
                let seat = self.seat(owner)?;
                let beside = seat.pose.point(Vec3::X * PITCH * k as f32) - seat.pose.at;
                Some(large(seat.desk + Vec3::Y * 0.42 + beside))
            }
            Worker::Unseen => None,
        }
    }

    /// The middle of the pile's lid: where the label is and where tokens go that find no cell.
    pub(crate) fn lid(&self, spot: Spot) -> Option<Vec3> {
        match spot {
            Spot::Shelf(owner) => self.seat(owner).map(|seat| seat.shelf.point(SHELF.top())),
            Spot::Tray(tray) => self
                .trays
                .get(tray)
                .map(|tray| tray.pose.point(tray.grid.top())),
            Spot::Hover(owner) => self.seat(owner).map(|seat| seat.pose.at + Vec3::Y * 1.7),
            Spot::Slot(resource) => match self.worker(resource) {
                Worker::Unit(unit) => Some(unit.front.at),
                _ => self.slot(resource, 0).map(|cell| cell.at),
            },
        }
    }

    /// Where the count of what a pile does not show is written: beside it, where nothing is named.
    pub(crate) fn tag(&self, spot: Spot) -> Option<Vec3> {
        match spot {
            Spot::Tray(tray) => self.trays.get(tray).map(|tray| {
                let front = tray.grid.rows as f32 / 2.0 * tray.grid.pitch + 0.16;
                tray.pose.point(Vec3::new(0.0, 0.12, -front))
            }),
            Spot::Shelf(_) | Spot::Hover(_) => self.lid(spot).map(|lid| lid + Vec3::Y * 0.12),
            // Slots hold what runs: those that are not drawn have no place to name.
            Spot::Slot(_) => None,
        }
    }

    /// Where subtasks come from and go to when they are done: the heart of their owner.
    pub(crate) fn heart(&self, owner: OwnerId) -> Option<Vec3> {
        self.seat(owner).map(|seat| seat.pose.at + Vec3::Y * 1.0)
    }

    fn seat(&self, owner: OwnerId) -> Option<&Seat> {
        self.seats.get(owner.index())
    }

    /// How a resource is shown.
    pub(crate) fn worker(&self, resource: ResourceId) -> Worker {
        let known = self.resources.get(resource.index());
        known.map_or(Worker::Unseen, |(worker, _)| *worker)
    }
}

/// The first place behind or beside a seat that lies in the room and on no station.
fn shelf(seat: Pose, scene: &Scene) -> Pose {
    let behind = Vec3::Z * 0.72;
    let aside = [Vec3::new(-0.85, 0.0, 0.0), Vec3::new(0.85, 0.0, 0.0)];
    let further = [
        Vec3::new(-0.85, 0.0, 0.6),
        Vec3::new(0.85, 0.0, 0.6),
        Vec3::Z * 1.1,
    ];
    let is_free = |at: &Vec3| {
        let point = seat.point(*at);
        let in_room = scene.spaces.iter().any(|space| {
            let room = space.size / 2.0 - Vec3::splat(0.3);
            let local = (point - space.position).abs();
            local.x < room.x && local.z < room.z
        });
        in_room
            && !scene
                .stations
                .iter()
                .any(|station| covers(station, point, -0.25))
    };
    let places = [behind].into_iter().chain(aside).chain(further);
    Pose {
        at: seat.point(places.into_iter().find(is_free).unwrap_or(behind)),
        facing: seat.facing,
    }
}

fn seat(place: &Place, home: &Station, scene: &Scene) -> Seat {
    let pose = seat_pose(place, home);
    let is_table =
        |station: &&Station| matches!(station.kind, StationKind::Table | StationKind::Desk);
    // The nearest point ahead that lies well on a table.
    let ahead = (4..12).map(|step| pose.point(Vec3::NEG_Z * (0.1 * step as f32 + 0.08)));
    let on_table = ahead.into_iter().find_map(|point| {
        let mut tables = scene.stations.iter().filter(is_table);
        let table = tables.find(|table| covers(table, point, 0.12))?;
        Some(point.with_y(table.position.y + table.size.y))
    });
    let in_the_air = pose.point(Vec3::new(0.0, 0.74, -0.55));
    Seat {
        pose,
        shelf: shelf(pose, scene),
        desk: on_table.unwrap_or(in_the_air),
        has_table: on_table.is_some(),
    }
}

/// Whether `point` lies over `station`, at least `margin` from its edge.
fn covers(station: &Station, point: Vec3, margin: f32) -> bool {
    let local = Quat::from_rotation_y(-station.facing) * (point - station.position);
    local.x.abs() < station.size.x / 2.0 - margin && local.z.abs() < station.size.z / 2.0 - margin
}

/// The front of replica `index` among those at `station`, from the top down.
fn unit(scene: &Scene, index: usize, station: usize) -> Unit {
    let rack = &scene.stations[station];
    let here: Vec<usize> = (0..scene.replicas.len())
        .filter(|other| scene.replicas[*other].station == Some(station))
        .collect();
    let position = here.iter().filter(|other| **other < index).count();
    let (width, band) = (
        rack.size.x - 0.08,
        (rack.size.y - 0.16) / here.len().max(1) as f32,
    );
    let height = (band - 0.04).min(0.62);
    let y = rack.size.y - 0.08 - band * (position as f32 + 0.5);
    let rack_pose = Pose {
        at: rack.position,
        facing: rack.facing,
    };
    let front = rack_pose.point(Vec3::new(0.0, y, -rack.size.z / 2.0 - 0.02));
    let slots = (scene.replicas[index].slots as usize).min(MOST_SOCKETS);
    Unit {
        front: Pose {
            at: front,
            facing: rack.facing,
        },
        width,
        height,
        sockets: Sockets::fit(slots, width - 0.06, height - LAMP_BAND - 0.03, 0.17),
    }
}

/// The tray in front of a rack; further ones lie further out.
fn rack_tray(rack: &Station, n_before: usize) -> Tray {
    let pose = Pose {
        at: rack.position - Vec3::Y * rack.raised,
        facing: rack.facing,
    };
    let ahead = rack.size.z / 2.0 + 0.55 + n_before as f32 * 0.6;
    Tray {
        pose: Pose {
            at: pose.point(Vec3::new(0.0, 0.06, -ahead)),
            facing: rack.facing,
        },
        grid: TRAY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::{hall, scene_file};

    fn spots(scene: &Scene, layout: &Layout) -> Vec<Spot> {
        let owners = scene.agents.iter().map(|agent| agent.id);
        let trays = (0..layout.trays.len()).map(Spot::Tray);
        let slots = (0..layout.resources.len()).map(|i| Spot::Slot(ResourceId(i as u32)));
        owners.map(Spot::Shelf).chain(trays).chain(slots).collect()
    }

    #[test]
    fn piles_lie_in_the_room_and_not_in_each_other() {
        for scene in [scene_file("meeting.scene.ron"), hall(9)] {
            let layout = Layout::of(&scene);
            let mut taken: Vec<(Spot, Cell)> = Vec::new();
            for spot in spots(&scene, &layout) {
                let cells = (0..layout.cap(spot)).map(|k| layout.cell(spot, k).unwrap());
                let cells: Vec<Cell> = cells.collect();
                assert!(!cells.is_empty(), "{spot:?} is shown nowhere");
                for cell in &cells {
                    let size = TOKEN_SIZE * cell.scale;
                    let room = scene.spaces[0].size / 2.0 - Vec3::splat(size / 2.0);
                    assert!(
                        cell.at.x.abs() < room.x && cell.at.z.abs() < room.z,
                        "{spot:?} in a wall"
                    );
                    assert!(cell.at.y > size / 2.0 - 1e-3, "{spot:?} in the floor");
                    for (other, near) in &taken {
                        let gap = (near.at - cell.at).abs().max_element();
                        assert!(gap > size * 0.99, "{spot:?} lies in {other:?}");
                    }
                    taken.push((spot, *cell));
                }
            }
        }
    }

    #[test]
    fn every_skill_of_the_pool_has_a_tray() {
        let scene = scene_file("meeting.scene.ron");
        let layout = Layout::of(&scene);
        for resource in scene.resources() {
            for (skill, _) in resource.skills {
                assert!(layout.tray_for(skill, None).is_some(), "{skill:?} has none");
            }
        }
        assert_eq!(layout.tray_for(Skill::Embed, Some("another")), None);
        assert_eq!(layout.tray_for(Skill::Machine, None), None);
    }

    #[test]
    fn caps_shrink_so_that_all_piles_together_stay_drawable() {
        let layout = Layout::of(&hall(600));
        let owners = (0..600).map(OwnerId);
        let all: usize = owners
            .flat_map(|owner| [Spot::Shelf(owner), Spot::Hover(owner)])
            .map(|spot| layout.cap(spot))
            .sum();
        assert!((600..=MOST_TOKENS).contains(&all), "{all} tokens");
    }
}
