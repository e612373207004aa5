//! Spaces: rooms, halls and shop floors.

use bevy::prelude::{Component, Reflect, Vec3};
use serde::Deserialize;

use crate::{at::At, bounds::Bounds, check::Check, explain::quoted, spec::SpaceSpec};

/// How far something may reach out of its space, in metres, so that what touches a wall fits.
const TOLERANCE_METRES: f32 = 0.01;

/// A rectangular room, hall or shop floor.
#[derive(Component, Clone, Debug, PartialEq, Reflect)]
pub struct Space {
    /// Position in [`Scene::spaces`](crate::Scene::spaces).
    pub index: usize,
    /// What people call it.
    pub name: String,
    /// The centre of its floor in world metres.
    pub position: Vec3,
    /// Width (x), height (y) and depth (z) in metres.
    pub size: Vec3,
    /// What kind of place it looks like.
    pub look: Look,
}

impl Space {
    pub(crate) fn checked(check: &mut Check<'_>, index: usize, spec: &SpaceSpec) -> Self {
        let (x, z) = check
            .pair(&spec.at, "at", &Bounds::COORDINATE)
            .unwrap_or_default();
        // A space whose size is refused holds everything, so that what is in it is not refused too.
        let (width, depth) = check
            .pair(&spec.size, "size", &Bounds::LENGTH)
            .unwrap_or((f64::INFINITY, f64::INFINITY));
        let height = check
            .number(&spec.height, "height", &Bounds::HEIGHT)
            .unwrap_or(f64::INFINITY);
        Self {
            index,
            name: spec.name.value.clone().unwrap_or_default(),
            position: Vec3::new(x as f32, 0.0, z as f32),
            size: Vec3::new(width as f32, height as f32, depth as f32),
            look: check.value(&spec.look).unwrap_or_default(),
        }
    }

    /// Refuses, at `at`, a box that reaches out of the space. `position` is the middle of its underside.
    pub(crate) fn contain(
        &self,
        check: &mut Check<'_>,
        at: &At<(f64, f64)>,
        what: &str,
        thing: &Footprint,
    ) {
        let (sin, cos) = thing.facing.sin_cos();
        let (width, depth) = (thing.size.x, thing.size.z);
        let half = 0.5
            * Vec3::new(
                (width * cos).abs() + (depth * sin).abs(),
                0.0,
                (width * sin).abs() + (depth * cos).abs(),
            );
        let offset = (thing.position - self.position).abs() + half;
        let room = self.size / 2.0 + TOLERANCE_METRES;
        let top = thing.position.y - self.position.y + thing.size.y;
        if offset.x > room.x || offset.z > room.z {
            check.refuse(at, || {
                let (width, depth) = (self.size.x, self.size.z);
                let floor = format!("the floor of {} ({width} × {depth} m)", quoted(&self.name));
                (
                    format!("{what} reaches beyond {floor}"),
                    "move it or make it smaller",
                )
            });
        } else if top > self.size.y + TOLERANCE_METRES {
            check.refuse(at, || {
                let ceiling = format!("the ceiling of {} ({} m)", quoted(&self.name), self.size.y);
                (
                    format!("{what} reaches beyond {ceiling}"),
                    "lower it or make it smaller",
                )
            });
        }
    }
}

/// What kind of place a space looks like: its floor, walls, accents and light, and nothing else.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Reflect, Deserialize,
)]
#[serde(rename = "look", rename_all = "snake_case")]
pub enum Look {
    /// A meeting room.
    #[default]
    Meeting,
    /// A factory hall.
    Factory,
    /// A classroom.
    Classroom,
    /// A lounge.
    Lounge,
    /// A clinic.
    Clinic,
}

impl Look {
    /// All of them, in the order of declaration.
    pub const ALL: [Self; 5] = [
        Self::Meeting,
        Self::Factory,
        Self::Classroom,
        Self::Lounge,
        Self::Clinic,
    ];
}

/// The box that a station or prop takes up.
pub(crate) struct Footprint {
    /// The middle of its underside in world metres.
    pub(crate) position: Vec3,
    /// Width, height and depth before it is turned.
    pub(crate) size: Vec3,
    /// Turn about y in radians.
    pub(crate) facing: f32,
}
