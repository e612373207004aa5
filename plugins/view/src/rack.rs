//! Builds racks with a unit for each replica, and masts on machines, whose lamps show what really runs.

use std::collections::BTreeMap;

use bevy::prelude::*;
use rooms::{Station, StationKind};
use schedule::{PoolResource, ResourceId, ResourceLoad};

use crate::{
    kit::{Builder, Finish, Shape},
    label::{LabelAnchor, LabelKind},
    layout::{LAMP_BAND, Layout, Unit, Worker},
    palette,
    pile::Pose,
    workbench::Workbench,
};

/// Lamps on the mast of one machine.
pub(crate) const MOST_SIGNALS: usize = 6;

/// The lamps of one replica or machine.
#[derive(Clone, Debug)]
struct Lamps {
    /// Whether it works at all.
    health: Entity,
    /// One behind each slot.
    slots: Vec<Entity>,
}

/// The lamps of all replicas and machines that are shown.
#[derive(Resource, Default, Debug)]
pub(crate) struct LampBoard(BTreeMap<ResourceId, Lamps>);

/// How a lamp of a slot shines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lamp {
    Off,
    On,
    Down,
}

impl Lamp {
    /// The lamp of slot `k` of a resource with this load.
    pub(crate) fn of(load: &ResourceLoad, k: usize) -> Self {
        match (load.up, k < load.running.len()) {
            (false, _) => Self::Down,
            (true, true) => Self::On,
            (true, false) => Self::Off,
        }
    }

    fn paint(self) -> ([u8; 3], Finish) {
        match self {
            Self::Off => (palette::SOCKET, Finish::Smooth),
            Self::On => (palette::LAMP_ON, Finish::Glowing),
            Self::Down => (palette::FAILED, Finish::Glowing),
        }
    }
}

/// Builds the cabinet of every rack that has come.
pub(crate) fn build_racks(mut builder: Builder, added: Query<&Station, Added<Station>>) {
    for rack in added
        .iter()
        .filter(|station| station.kind == StationKind::Rack)
    {
        let pose = Pose {
            at: rack.position,
            facing: rack.facing,
        };
        let root = builder.root(rack.name.clone(), pose.transform());
        let metal = (palette::RACK, Finish::Smooth);
        let body = Shape::Rounded(rack.size, 0.03);
        let at = Transform::from_xyz(0.0, rack.size.y / 2.0, 0.0);
        builder.part(root, "cabinet", body, at, metal);
        let foot = Shape::Cuboid(Vec3::new(rack.size.x - 0.1, 0.06, rack.size.z - 0.1));
        builder.part(
            root,
            "foot",
            foot,
            Transform::from_xyz(0.0, 0.03, 0.0),
            metal,
        );
    }
}

/// Builds the unit of every replica that has come and is shown in a rack, and the mast of every machine.
pub(crate) fn build_units(
    mut builder: Builder,
    layout: Res<Layout>,
    mut board: ResMut<LampBoard>,
    added: Query<&PoolResource, Added<PoolResource>>,
) {
    for resource in &added {
        let lamps = match layout.worker(resource.id) {
            Worker::Unit(unit) => build_unit(&mut builder, resource, &unit),
            Worker::Machine(bench) => build_signal(&mut builder, resource, &bench),
            Worker::Agent(_) | Worker::Unseen => continue,
        };
        board.0.insert(resource.id, lamps);
    }
}

fn build_unit(builder: &mut Builder, resource: &PoolResource, unit: &Unit) -> Lamps {
    let root = builder.root(resource.name.clone(), unit.front.transform());
    let face = Shape::Rounded(Vec3::new(unit.width, unit.height, 0.05), 0.015);
    builder.part(
        root,
        "face",
        face,
        Transform::from_xyz(0.0, 0.0, 0.02),
        (palette::UNIT, Finish::Smooth),
    );
    let pitch = unit.sockets.pitch;
    let socket = Shape::Rounded(Vec3::new(pitch * 0.9, pitch * 0.9, 0.02), 0.008);
    let n_slots = (resource.slots as usize).min(unit.sockets.columns * unit.sockets.rows);
    let into_face = Quat::from_rotation_y(-unit.front.facing);
    let slots = (0..n_slots)
        .map(|k| {
            let local = into_face * (unit.socket(k) - unit.front.at);
            builder.part(
                root,
                "slot",
                socket,
                Transform::from_translation(local),
                Lamp::Off.paint(),
            )
        })
        .collect();
    let y = unit.height / 2.0 - LAMP_BAND / 2.0 - 0.012;
    let led = Transform::from_xyz(unit.width / 2.0 - 0.05, y, -0.012);
    let health = builder.part(root, "health", Shape::Sphere(0.018), led, Lamp::On.paint());
    let vent = Shape::Rounded(Vec3::new(unit.width * 0.6, 0.012, 0.01), 0.004);
    let at = Transform::from_xyz(-unit.width * 0.12, y, -0.006);
    builder.part(root, "vent", vent, at, (palette::SOCKET, Finish::Matt));
    let label = LabelAnchor {
        text: resource.name.as_str().into(),
        kind: LabelKind::Replica(resource.id),
    };
    let at = Transform::from_xyz(0.0, unit.height / 2.0 + 0.05, -0.05);
    builder
        .commands
        .spawn((Name::new("label"), label, at, ChildOf(root)));
    Lamps { health, slots }
}

/// A mast on a machine: a lamp that tells whether it works at all, and under it one for each slot.
fn build_signal(builder: &mut Builder, resource: &PoolResource, bench: &Workbench) -> Lamps {
    let pose = Pose {
        at: bench.top,
        facing: bench.pose.facing,
    };
    let root = builder.root(resource.name.clone(), pose.transform());
    let n_slots = (resource.slots as usize).min(MOST_SIGNALS);
    let step = 0.075;
    let height = step * (n_slots + 1) as f32;
    let mast = Shape::Cylinder(0.02, height + 0.12);
    let at = Transform::from_xyz(0.0, height / 2.0 - 0.06, 0.0);
    builder.part(root, "mast", mast, at, (palette::METAL, Finish::Smooth));
    let lens = Shape::Cylinder(0.05, 0.06);
    let mut lamp = |name, k: usize, lamp: Lamp| {
        let at = Transform::from_xyz(0.0, step * (k as f32 + 0.5), 0.0);
        builder.part(root, name, lens, at, lamp.paint())
    };
    let slots = (0..n_slots).map(|k| lamp("slot", k, Lamp::Off)).collect();
    let health = lamp("health", n_slots, Lamp::On);
    let label = LabelAnchor {
        text: resource.name.as_str().into(),
        kind: LabelKind::Machine(resource.id),
    };
    let at = Transform::from_xyz(0.0, height + 0.1, 0.0);
    let name = Name::new("label");
    builder.commands.spawn((name, label, at, ChildOf(root)));
    Lamps { health, slots }
}

/// Lets the lamps of replicas whose load has changed show it.
pub(crate) fn light_lamps(
    mut builder: Builder,
    board: Res<LampBoard>,
    changed: Query<(&PoolResource, &ResourceLoad), Changed<ResourceLoad>>,
) {
    for (resource, load) in &changed {
        let Some(lamps) = board.0.get(&resource.id) else {
            continue;
        };
        let health = if load.up { Lamp::On } else { Lamp::Down };
        let slots = lamps
            .slots
            .iter()
            .enumerate()
            .map(|(k, lamp)| (*lamp, Lamp::of(load, k)));
        for (entity, lamp) in slots.chain([(lamps.health, health)]) {
            let (rgb, finish) = lamp.paint();
            let paint = builder.paint(rgb, finish);
            builder
                .commands
                .entity(entity)
                .insert((paint, LampState(lamp)));
        }
    }
}

/// What a lamp shows.
#[derive(Component, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LampState(pub(crate) Lamp);

/// Builds the trays in which ready subtasks wait.
pub(crate) fn build_trays(mut builder: Builder, layout: Res<Layout>) {
    for tray in &layout.trays {
        let (width, depth) = (
            tray.grid.columns as f32 * tray.grid.pitch + 0.06,
            tray.grid.rows as f32 * tray.grid.pitch + 0.06,
        );
        let root = builder.root("tray", tray.pose.transform());
        let paint = (palette::TRAY, Finish::Smooth);
        let floor = Shape::Rounded(Vec3::new(width, 0.02, depth), 0.008);
        builder.part(
            root,
            "bottom",
            floor,
            Transform::from_xyz(0.0, -0.008, 0.0),
            paint,
        );
        for side in [-1.0, 1.0] {
            let long = Shape::Rounded(Vec3::new(width, 0.06, 0.02), 0.008);
            let at = Transform::from_xyz(0.0, 0.012, side * depth / 2.0);
            builder.part(root, "rim", long, at, paint);
            let short = Shape::Rounded(Vec3::new(0.02, 0.06, depth), 0.008);
            let at = Transform::from_xyz(side * width / 2.0, 0.012, 0.0);
            builder.part(root, "rim", short, at, paint);
        }
    }
}
