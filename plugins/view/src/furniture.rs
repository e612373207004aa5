//! Builds the furniture out of a small kit: each station and prop in the colours of its space.

mod boards;
mod greenery;
mod machinery;
mod rest;
mod storage;
mod tables;

use bevy::prelude::*;
use rooms::{CurrentScene, Prop, PropKind, Station, StationKind};

use crate::{
    kit::{Builder, Finish, Shape},
    palette::{self, Scheme},
    pile::Pose,
};

pub(crate) use boards::ScreenFace;
pub(crate) use machinery::{DECK_HEIGHT, WORK_HEIGHT};
pub(crate) use tables::laptop;

/// Builds every station that has come, but for racks.
pub(crate) fn build_stations(
    mut builder: Builder,
    scene: Res<CurrentScene>,
    added: Query<&Station, Added<Station>>,
) {
    for station in added
        .iter()
        .filter(|station| station.kind != StationKind::Rack)
    {
        let pose = Pose {
            at: station.position,
            facing: station.facing,
        };
        let mut maker = Maker::new(&mut builder, &station.name, pose, &scene, station.space);
        let size = station.size;
        match station.kind {
            StationKind::Table => tables::table(&mut maker, size),
            StationKind::Desk => tables::desk(&mut maker, size),
            StationKind::Seat => rest::chair(&mut maker, size),
            StationKind::Sofa => rest::sofa(&mut maker, size),
            StationKind::Bed => rest::bed(&mut maker, size),
            StationKind::Screen => boards::screen(&mut maker, size, station.raised),
            StationKind::Board => boards::board(&mut maker, size),
            StationKind::Shelf => storage::shelf(&mut maker, size, station.index),
            StationKind::Machine => machinery::machine(&mut maker, size),
            StationKind::Conveyor => machinery::conveyor(&mut maker, size),
            StationKind::Vehicle => machinery::vehicle(&mut maker, size),
            StationKind::Rack => {}
        }
    }
}

/// Builds every prop that has come.
pub(crate) fn build_props(
    mut builder: Builder,
    scene: Res<CurrentScene>,
    added: Query<&Prop, Added<Prop>>,
) {
    for prop in &added {
        let pose = Pose {
            at: prop.position,
            facing: prop.facing,
        };
        let mut maker = Maker::new(&mut builder, &prop.name, pose, &scene, prop.space);
        match prop.kind {
            PropKind::Plant => greenery::plant(&mut maker, prop.index),
            PropKind::Lamp => greenery::lamp(&mut maker),
            PropKind::Rug => greenery::rug(&mut maker, prop.kind.size()),
            PropKind::Whiteboard => boards::whiteboard(&mut maker),
            PropKind::Divider => boards::divider(&mut maker, prop.kind.size()),
            PropKind::Crates => storage::crates(&mut maker, prop.index),
        }
    }
}

/// A colour and how it shines.
type Paint = ([u8; 3], Finish);

const METAL: Paint = (palette::METAL, Finish::Smooth);

/// Puts one thing together, part by part.
struct Maker<'b, 'w, 's> {
    builder: &'b mut Builder<'w, 's>,
    root: Entity,
    scheme: &'static Scheme,
}

impl<'b, 'w, 's> Maker<'b, 'w, 's> {
    fn new(
        builder: &'b mut Builder<'w, 's>,
        name: &str,
        pose: Pose,
        scene: &CurrentScene,
        space: usize,
    ) -> Self {
        let look = scene.spaces.get(space).map(|space| space.look);
        Self {
            root: builder.root(name, pose.transform()),
            builder,
            scheme: palette::scheme(look.unwrap_or_default()),
        }
    }

    /// Adds a part whose middle is at `at`.
    fn part(&mut self, name: &'static str, shape: Shape, at: Vec3, paint: Paint) -> Entity {
        self.turned(name, shape, Transform::from_translation(at), paint)
    }

    fn turned(&mut self, name: &'static str, shape: Shape, at: Transform, paint: Paint) -> Entity {
        self.builder.part(self.root, name, shape, at, paint)
    }

    /// Adds a box with edges rounded by `radius`.
    fn block(&mut self, name: &'static str, size: Vec3, radius: f32, at: Vec3, paint: Paint) {
        self.part(name, Shape::Rounded(size, radius), at, paint);
    }

    /// Adds something flat that lies on the floor and throws no shadow.
    fn cover(&mut self, size: Vec2, rgb: [u8; 3]) {
        let shape = Shape::Rounded(Vec3::new(size.x, 0.014, size.y), 0.006);
        let at = Vec3::Y * 0.008;
        let cover = self.part("rug", shape, at, (rgb, Finish::Matt));
        let mut cover = self.builder.commands.entity(cover);
        cover.insert(bevy::light::NotShadowCaster);
    }
}

/// A point in the frame of the thing that is built.
fn at(x: f32, y: f32, z: f32) -> Vec3 {
    Vec3::new(x, y, z)
}
