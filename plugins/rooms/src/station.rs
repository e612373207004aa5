//! Stations, where work happens, and props, which only stand there.

use bevy::prelude::{Component, Reflect, Vec3};
use serde::Deserialize;

use crate::{
    at::At,
    bounds::Bounds,
    check::Check,
    explain::quoted,
    names::Names,
    space::{Footprint, Space},
    spec::{PropSpec, StationSpec},
};

/// A place where work happens.
#[derive(Component, Clone, Debug, PartialEq, Reflect)]
pub struct Station {
    /// Position in [`Scene::stations`](crate::Scene::stations).
    pub index: usize,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: StationKind,
    /// Position of its space in [`Scene::spaces`](crate::Scene::spaces).
    pub space: usize,
    /// The middle of its underside in world metres.
    pub position: Vec3,
    /// Height of its underside above the floor in metres.
    pub raised: f32,
    /// Width (x), height (y) and depth (z) in metres before it is turned.
    pub size: Vec3,
    /// Turn about y in radians; 0 faces -z and positive is counter-clockwise from above.
    pub facing: f32,
}

impl Station {
    pub(crate) fn checked(
        check: &mut Check<'_>,
        index: usize,
        spec: &StationSpec,
        rooms: &SpaceNames<'_>,
    ) -> Self {
        let kind = check.value(&spec.kind).unwrap_or(StationKind::Seat);
        let (x, z) = check
            .pair(&spec.at, "at", &Bounds::COORDINATE)
            .unwrap_or_default();
        let raised = spec
            .raised
            .as_ref()
            .and_then(|at| check.number(at, "raised", &Bounds::RAISE));
        let raised = raised.map_or(kind.usual_raise(), |raised| raised as f32);
        let mut size = kind.usual_size();
        if let Some((width, depth)) = spec
            .size
            .as_ref()
            .and_then(|at| check.pair(at, "size", &Bounds::LENGTH))
        {
            (size.x, size.z) = (width as f32, depth as f32);
        }
        if let Some(height) = spec
            .height
            .as_ref()
            .and_then(|at| check.number(at, "height", &Bounds::HEIGHT))
        {
            size.y = height as f32;
        }
        let facing = check
            .number(&spec.facing, "facing", &Bounds::DEGREES)
            .unwrap_or_default()
            .to_radians() as f32;
        let name = spec.name.value.clone().unwrap_or_default();
        let mut position = Vec3::new(x as f32, raised, z as f32);
        let space = rooms.find(check, spec.space.as_ref(), &spec.name);
        if let Some(space) = space.map(|space| &rooms.spaces[space]) {
            position += space.position;
            let what = format!("station {}", quoted(&name));
            space.contain(
                check,
                &spec.at,
                &what,
                &Footprint {
                    position,
                    size,
                    facing,
                },
            );
        }
        Self {
            index,
            name,
            kind,
            space: space.unwrap_or_default(),
            position,
            raised,
            size,
            facing,
        }
    }
}

/// The spaces of a scene, to find the one that something stands in.
pub(crate) struct SpaceNames<'a> {
    /// Their names.
    pub(crate) names: &'a Names,
    /// The spaces, in the order of the file.
    pub(crate) spaces: &'a [Space],
}

impl SpaceNames<'_> {
    /// The space called `space`; the only one where the file does not say, for the thing called `name`.
    fn find(
        &self,
        check: &mut Check<'_>,
        space: Option<&At<String>>,
        name: &At<String>,
    ) -> Option<usize> {
        match space {
            Some(space) => self.names.find(check, space),
            None if self.spaces.len() == 1 => Some(0),
            None => {
                check.refuse(name, || {
                    ("nothing says in which space this stands", "add `space`")
                });
                None
            }
        }
    }
}

/// What a station is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Reflect, Deserialize)]
#[serde(rename = "station kind", rename_all = "snake_case")]
pub enum StationKind {
    /// A table that several sit around.
    Table,
    /// A chair.
    Seat,
    /// A desk for one.
    Desk,
    /// A screen on a wall or stand.
    Screen,
    /// A cabinet with computers.
    Rack,
    /// A soft seat for two or three.
    Sofa,
    /// A board on a wall, to write on.
    Board,
    /// Boards full of goods, files or books.
    Shelf,
    /// A machine tool or other apparatus, with room for what it works on.
    Machine,
    /// A belt on legs that runs along its width.
    Conveyor,
    /// A flat vehicle that carries things.
    Vehicle,
    /// A bed with its head at the back.
    Bed,
}

impl StationKind {
    /// Width, height and depth in metres where the scene does not say.
    pub fn usual_size(self) -> Vec3 {
        match self {
            Self::Table => Vec3::new(2.4, 0.74, 1.2),
            Self::Seat => Vec3::new(0.5, 0.9, 0.5),
            Self::Desk => Vec3::new(1.4, 0.74, 0.7),
            Self::Screen => Vec3::new(2.4, 1.35, 0.08),
            Self::Rack => Vec3::new(0.7, 1.6, 0.9),
            Self::Sofa => Vec3::new(1.8, 0.8, 0.9),
            Self::Board => Vec3::new(3.2, 1.3, 0.08),
            Self::Shelf => Vec3::new(1.8, 2.0, 0.45),
            Self::Machine => Vec3::new(1.8, 1.7, 1.3),
            Self::Conveyor => Vec3::new(4.0, 0.75, 0.8),
            Self::Vehicle => Vec3::new(0.9, 1.05, 1.4),
            Self::Bed => Vec3::new(0.95, 0.9, 2.0),
        }
    }

    /// Height of the underside above the floor in metres where the scene does not say.
    pub fn usual_raise(self) -> f32 {
        match self {
            Self::Screen | Self::Board => 0.9,
            _ => 0.0,
        }
    }
}

/// A thing that only stands there.
#[derive(Component, Clone, Debug, PartialEq, Reflect)]
pub struct Prop {
    /// Position in [`Scene::props`](crate::Scene::props).
    pub index: usize,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: PropKind,
    /// Position of its space in [`Scene::spaces`](crate::Scene::spaces).
    pub space: usize,
    /// The middle of its underside in world metres.
    pub position: Vec3,
    /// Turn about y in radians, as for stations.
    pub facing: f32,
}

impl Prop {
    pub(crate) fn checked(
        check: &mut Check<'_>,
        index: usize,
        spec: &PropSpec,
        rooms: &SpaceNames<'_>,
    ) -> Self {
        let kind = check.value(&spec.kind).unwrap_or(PropKind::Plant);
        let (x, z) = check
            .pair(&spec.at, "at", &Bounds::COORDINATE)
            .unwrap_or_default();
        let facing = check
            .number(&spec.facing, "facing", &Bounds::DEGREES)
            .unwrap_or_default()
            .to_radians() as f32;
        let name = spec.name.value.clone().unwrap_or_default();
        let mut position = Vec3::new(x as f32, 0.0, z as f32);
        let space = rooms.find(check, spec.space.as_ref(), &spec.name);
        if let Some(space) = space.map(|space| &rooms.spaces[space]) {
            position += space.position;
            let what = format!("prop {}", quoted(&name));
            space.contain(
                check,
                &spec.at,
                &what,
                &Footprint {
                    position,
                    size: kind.size(),
                    facing,
                },
            );
        }
        Self {
            index,
            name,
            kind,
            space: space.unwrap_or_default(),
            position,
            facing,
        }
    }
}

/// What a prop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Reflect, Deserialize)]
#[serde(rename = "prop kind", rename_all = "snake_case")]
pub enum PropKind {
    /// A plant in a pot.
    Plant,
    /// A whiteboard on feet.
    Whiteboard,
    /// A standing lamp.
    Lamp,
    /// A stack of crates on a pallet.
    Crates,
    /// A folding screen of cloth.
    Divider,
    /// A rug on the floor.
    Rug,
}

impl PropKind {
    /// Width, height and depth in metres.
    pub fn size(self) -> Vec3 {
        match self {
            Self::Plant => Vec3::new(0.6, 1.4, 0.6),
            Self::Whiteboard => Vec3::new(1.8, 1.9, 0.5),
            Self::Lamp => Vec3::new(0.4, 1.7, 0.4),
            Self::Crates => Vec3::new(1.2, 1.2, 1.0),
            Self::Divider => Vec3::new(1.8, 1.75, 0.4),
            Self::Rug => Vec3::new(3.4, 0.02, 2.4),
        }
    }
}
