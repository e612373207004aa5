//! Lays things out in grids and rings, so that nothing lies in anything else.

use std::f32::consts::TAU;

use bevy::prelude::{Quat, Reflect, Transform, Vec3};

/// Where something stands and which way it looks: towards −z of its own frame, as Bevy has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Reflect)]
pub(crate) struct Pose {
    pub(crate) at: Vec3,
    /// Radians about the vertical.
    pub(crate) facing: f32,
}

impl Pose {
    /// The world position of `local`: x to the right, y up, −z ahead.
    pub(crate) fn point(self, local: Vec3) -> Vec3 {
        self.at + Quat::from_rotation_y(self.facing) * local
    }

    pub(crate) fn transform(self) -> Transform {
        Transform::from_translation(self.at).with_rotation(Quat::from_rotation_y(self.facing))
    }
}

/// Cells in rows, columns and layers, centred on x and z and standing on y = 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    pub(crate) layers: usize,
    /// From the middle of a cell to that of the next.
    pub(crate) pitch: f32,
}

impl Grid {
    /// How many cells there are.
    pub(crate) fn n_cells(self) -> usize {
        self.columns * self.rows * self.layers
    }

    /// The middle of cell `k`; cells fill a column after the other and then the next layer, and
    /// what exceeds the grid lies on its top.
    pub(crate) fn cell(self, k: usize) -> Vec3 {
        let centred = |i: usize, n: usize| (i as f32 - (n as f32 - 1.0) / 2.0) * self.pitch;
        let Some(layer) = Some(k / (self.columns * self.rows)).filter(|layer| *layer < self.layers)
        else {
            return self.top();
        };
        let (column, row) = (k % self.columns, k / self.columns % self.rows);
        Vec3::new(
            centred(column, self.columns),
            (layer as f32 + 0.5) * self.pitch,
            centred(row, self.rows),
        )
    }

    /// The middle of the lid: where tokens go that find no cell.
    pub(crate) fn top(self) -> Vec3 {
        Vec3::Y * (self.layers as f32 + 0.5) * self.pitch
    }
}

/// Place `k` of `n` on a circle of `radius` about the vertical.
pub(crate) fn ring(k: usize, n: usize, radius: f32) -> Vec3 {
    let (sin, cos) = (TAU * k as f32 / n.max(1) as f32).sin_cos();
    Vec3::new(sin, 0.0, -cos) * radius
}

/// Cells in an upright face of `width` by `height` metres.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sockets {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
    /// From the middle of a cell to that of the next.
    pub(crate) pitch: f32,
}

impl Sockets {
    /// The largest `n` cells that fit, none wider than `most`.
    pub(crate) fn fit(n: usize, width: f32, height: f32, most: f32) -> Self {
        let n = n.max(1);
        let with_columns = |columns: usize| {
            let rows = n.div_ceil(columns);
            Self {
                columns,
                rows,
                pitch: (width / columns as f32).min(height / rows as f32).min(most),
            }
        };
        (1..=n)
            .map(with_columns)
            .fold(with_columns(1), |best, next| {
                if next.pitch >= best.pitch { next } else { best }
            })
    }

    /// The middle of cell `k`, from the middle of the face: x to the right, y up.
    pub(crate) fn cell(self, k: usize) -> Vec3 {
        let (column, row) = (k % self.columns, k / self.columns);
        let centred = |i: usize, n: usize| (i as f32 - (n as f32 - 1.0) / 2.0) * self.pitch;
        Vec3::new(centred(column, self.columns), -centred(row, self.rows), 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smallest_gap(points: &[Vec3]) -> f32 {
        let mut least = f32::INFINITY;
        for (i, a) in points.iter().enumerate() {
            for b in &points[..i] {
                least = least.min((*a - *b).abs().max_element());
            }
        }
        least
    }

    #[test]
    fn cells_of_a_grid_do_not_overlap() {
        for (columns, rows, layers) in [(1, 1, 1), (4, 3, 5), (8, 3, 4), (5, 1, 7)] {
            let grid = Grid {
                columns,
                rows,
                layers,
                pitch: 0.14,
            };
            let cells: Vec<Vec3> = (0..grid.n_cells()).map(|k| grid.cell(k)).collect();
            assert!(cells.len() < 2 || smallest_gap(&cells) > 0.139);
            let mean = cells.iter().sum::<Vec3>() / cells.len() as f32;
            assert!(
                mean.x.abs() < 1e-5 && mean.z.abs() < 1e-5,
                "off centre by {mean}"
            );
            assert!(
                cells.iter().all(|cell| cell.y >= 0.07 - 1e-6),
                "sinks into the floor"
            );
            assert!(cells.iter().all(|cell| cell.y < grid.top().y));
            assert_eq!(grid.cell(grid.n_cells()), grid.top());
        }
    }

    #[test]
    fn places_on_a_ring_do_not_overlap() {
        let places: Vec<Vec3> = (0..12).map(|k| ring(k, 12, 0.42)).collect();
        assert!(smallest_gap(&places) > 0.11);
    }

    #[test]
    fn sockets_fill_the_face_without_overlap() {
        for n in 1..=64 {
            let sockets = Sockets::fit(n, 0.9, 0.4, 0.16);
            let cells: Vec<Vec3> = (0..n).map(|k| sockets.cell(k)).collect();
            assert!(n == 1 || smallest_gap(&cells) > sockets.pitch * 0.99);
            let half = sockets.pitch / 2.0 - 1e-4;
            assert!(
                cells
                    .iter()
                    .all(|cell| cell.x.abs() + half < 0.45 && cell.y.abs() + half < 0.2)
            );
            assert!(sockets.pitch > 0.05, "{n} sockets of {}", sockets.pitch);
        }
    }

    #[test]
    fn a_pose_looks_ahead() {
        let pose = Pose {
            at: Vec3::new(1.0, 0.0, 2.0),
            facing: std::f32::consts::FRAC_PI_2,
        };
        assert!(pose.point(Vec3::NEG_Z).distance(Vec3::new(0.0, 0.0, 2.0)) < 1e-5);
    }
}
