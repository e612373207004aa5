//! Says where machines and vehicles work, and where what they are to do waits.

use bevy::prelude::Vec3;
use rooms::{Station, StationKind};

use crate::{
    furniture::{DECK_HEIGHT, WORK_HEIGHT},
    layout::{PITCH, Tray},
    pile::{Grid, Pose},
};

/// Tokens drawn of what is ready for one machine.
const MACHINE_TRAY: Grid = Grid {
    columns: 3,
    rows: 2,
    layers: 5,
    pitch: PITCH,
};
/// From token to token on a machine that works on several, and how many it shows.
const WORK_PITCH: f32 = 0.22;
const MOST_WORKS: usize = 6;

/// Where a machine works.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Workbench {
    /// The middle of where its work lies, turned as the machine is.
    pub(crate) pose: Pose,
    /// Over its middle, where it is named.
    pub(crate) top: Vec3,
    /// How many subtasks it shows side by side.
    pub(crate) n_works: usize,
}

impl Workbench {
    /// The place of work `k`.
    pub(crate) fn work(&self, k: usize) -> Vec3 {
        let aside = WORK_PITCH * (k as f32 - (self.n_works as f32 - 1.0) / 2.0);
        self.pose.point(Vec3::X * aside)
    }
}

/// Where a machine at `station` works: on its table, deck or belt, or over whatever else it is.
pub(crate) fn workbench(station: &Station, slots: u32) -> Workbench {
    let pose = Pose {
        at: station.position,
        facing: station.facing,
    };
    let size = station.size;
    let (x, y, z) = match station.kind {
        StationKind::Machine => (-0.1 * size.x, WORK_HEIGHT * size.y + 0.05, -0.12 * size.z),
        StationKind::Vehicle => (0.0, DECK_HEIGHT * size.y, -0.1),
        StationKind::Bed => (0.0, 0.6 * size.y + 0.4, 0.0),
        _ => (0.0, size.y, 0.0),
    };
    Workbench {
        pose: Pose {
            at: pose.point(Vec3::new(x, y + 0.1, z)),
            facing: pose.facing,
        },
        top: pose.point(Vec3::Y * (size.y + 0.12)),
        n_works: (slots as usize).min(MOST_WORKS),
    }
}

/// The tray at the right of a machine's front, beside who stands there.
pub(crate) fn machine_tray(station: &Station) -> Tray {
    let pose = Pose {
        at: station.position - Vec3::Y * station.raised,
        facing: station.facing,
    };
    let aside = (station.size.x / 2.0 - 0.24).max(0.0);
    let ahead = station.size.z / 2.0 + 0.28;
    Tray {
        pose: Pose {
            at: pose.point(Vec3::new(aside, 0.06, -ahead)),
            facing: station.facing,
        },
        grid: MACHINE_TRAY,
    }
}
