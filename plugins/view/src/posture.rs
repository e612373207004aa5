//! Says where at a station somebody is, and whether they sit or stand.

use std::f32::consts::{FRAC_PI_2, PI};

use bevy::prelude::Vec3;
use rooms::{Place, Station, StationKind};

use crate::pile::Pose;

/// Where somebody is who is at `home`: on a seat, behind a desk, before a board, or facing a
/// machine.
pub(crate) fn seat_pose(place: &Place, home: &Station) -> Pose {
    let at_station = Pose {
        at: place.position,
        facing: place.facing,
    };
    let half = home.size / 2.0;
    let (local, turn) = match home.kind {
        StationKind::Seat | StationKind::Sofa => (Vec3::ZERO, 0.0),
        // On the edge, with the legs over it.
        StationKind::Bed => (Vec3::X * (half.x - 0.24), -FRAC_PI_2),
        StationKind::Table | StationKind::Desk | StationKind::Screen | StationKind::Rack => {
            (Vec3::Z * (half.z + 0.35), 0.0)
        }
        StationKind::Board => (Vec3::NEG_Z * (half.z + 0.45), 0.0),
        StationKind::Shelf
        | StationKind::Machine
        | StationKind::Conveyor
        | StationKind::Vehicle => (Vec3::NEG_Z * (half.z + 0.4), PI),
    };
    Pose {
        at: at_station.point(local).with_y(0.0),
        facing: place.facing + turn,
    }
}

/// How somebody is at a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Posture {
    Sits,
    Stands,
}

impl Posture {
    pub(crate) fn at(kind: StationKind) -> Self {
        match kind {
            StationKind::Seat
            | StationKind::Sofa
            | StationKind::Bed
            | StationKind::Table
            | StationKind::Desk => Self::Sits,
            StationKind::Screen
            | StationKind::Rack
            | StationKind::Board
            | StationKind::Shelf
            | StationKind::Machine
            | StationKind::Conveyor
            | StationKind::Vehicle => Self::Stands,
        }
    }
}
