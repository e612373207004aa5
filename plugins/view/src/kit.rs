//! Builds things out of parts that share few meshes and materials, so that they draw in few batches.

use std::collections::BTreeMap;

use bevy::{
    asset::RenderAssetUsages,
    ecs::system::SystemParam,
    mesh::{Indices, PrimitiveTopology},
    pbr::{MeshMaterial3d, StandardMaterial},
    prelude::*,
};

use crate::palette::color;

/// How a surface shines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finish {
    /// Cloth, paint, wood.
    Matt,
    /// Metal, glass, polished things.
    Smooth,
    /// Gives a little light of its own.
    Warm,
    /// Gives much light of its own.
    Glowing,
}

/// The form of a part; lengths in metres, standing about their middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Edges of the given lengths.
    Cuboid(Vec3),
    /// A box of the given lengths whose edges are rounded with the radius.
    Rounded(Vec3, f32),
    /// Radius and height.
    Cylinder(f32, f32),
    /// Radius at the top and at the bottom, and height.
    Cone(f32, f32, f32),
    /// Radius, and length without the caps.
    Capsule(f32, f32),
    /// Radius.
    Sphere(f32),
    /// Radius of the ring, and of the rod it is made of.
    Torus(f32, f32),
}

impl Shape {
    /// A key that equals for equal shapes: micrometres.
    fn key(self) -> [i32; 5] {
        let um = |metres: f32| (metres * 1e6) as i32;
        match self {
            Self::Cuboid(size) => [0, um(size.x), um(size.y), um(size.z), 0],
            Self::Rounded(size, radius) => [1, um(size.x), um(size.y), um(size.z), um(radius)],
            Self::Cylinder(radius, height) => [2, um(radius), um(height), 0, 0],
            Self::Cone(top, bottom, height) => [3, um(top), um(bottom), um(height), 0],
            Self::Capsule(radius, length) => [4, um(radius), um(length), 0, 0],
            Self::Sphere(radius) => [5, um(radius), 0, 0, 0],
            Self::Torus(ring, rod) => [6, um(ring), um(rod), 0, 0],
        }
    }

    fn mesh(self) -> Mesh {
        match self {
            Self::Cuboid(size) => Cuboid::from_size(size).into(),
            Self::Rounded(size, radius) => rounded_box(size, radius),
            Self::Cylinder(radius, height) => Cylinder::new(radius, height).into(),
            Self::Cone(top, bottom, height) => ConicalFrustum {
                radius_top: top,
                radius_bottom: bottom,
                height,
            }
            .into(),
            Self::Capsule(radius, length) => Capsule3d::new(radius, length).into(),
            Self::Sphere(radius) => Sphere::new(radius).mesh().uv(24, 14),
            Self::Torus(ring, rod) => Torus {
                minor_radius: rod,
                major_radius: ring,
            }
            .into(),
        }
    }
}

/// A box whose edges are parts of cylinders and whose corners are parts of spheres; the faces
/// between them are flat.
fn rounded_box(size: Vec3, radius: f32) -> Mesh {
    let half = size / 2.0;
    let radius = radius.min(half.min_element());
    let inner = half - Vec3::splat(radius);
    // Distances from the flat part at which the edge has turned by 0, 22.5 and 45 degrees.
    let turns = [0.0, std::f32::consts::FRAC_PI_8.tan(), 1.0].map(|turn| turn * radius);
    let along = |flat: f32| {
        let [a, b, c] = turns;
        [
            -flat - c,
            -flat - b,
            -flat - a,
            flat + a,
            flat + b,
            flat + c,
        ]
    };
    let (mut points, mut normals, mut indices) = (Vec::new(), Vec::new(), Vec::new());
    for axis in 0..3 {
        let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
        for side in [-1.0, 1.0] {
            let first = points.len() as u32;
            for s in along(inner[u]) {
                for t in along(inner[v]) {
                    let mut on_box = Vec3::ZERO;
                    (on_box[axis], on_box[u], on_box[v]) = (side * half[axis], s, t);
                    let flat = on_box.clamp(-inner, inner);
                    let normal = (on_box - flat).normalize_or(Vec3::Y);
                    points.push((flat + normal * radius).to_array());
                    normals.push(normal.to_array());
                }
            }
            for cell in (0..5).flat_map(|i| (0..5).map(move |j| first + i * 6 + j)) {
                let [a, b, c, d] = [cell, cell + 6, cell + 7, cell + 1];
                let quad = if side > 0.0 {
                    [a, b, c, a, c, d]
                } else {
                    [a, c, b, a, d, c]
                };
                indices.extend(quad);
            }
        }
    }
    Mesh::new(
        PrimitiveTopology::TriangleList,
        RenderAssetUsages::default(),
    )
    .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, points)
    .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, normals)
    .with_inserted_indices(Indices::U32(indices))
}

/// The meshes and materials made so far.
#[derive(Resource, Default)]
pub(crate) struct Kit {
    meshes: BTreeMap<[i32; 5], Handle<Mesh>>,
    paints: BTreeMap<([u8; 3], Finish), Handle<StandardMaterial>>,
}

impl Kit {
    pub(crate) fn mesh(&mut self, meshes: &mut Assets<Mesh>, shape: Shape) -> Handle<Mesh> {
        self.meshes
            .entry(shape.key())
            .or_insert_with(|| meshes.add(shape.mesh()))
            .clone()
    }

    pub(crate) fn paint(
        &mut self,
        materials: &mut Assets<StandardMaterial>,
        rgb: [u8; 3],
        finish: Finish,
    ) -> Handle<StandardMaterial> {
        self.paints
            .entry((rgb, finish))
            .or_insert_with(|| materials.add(material(rgb, finish)))
            .clone()
    }
}

fn material(rgb: [u8; 3], finish: Finish) -> StandardMaterial {
    let base = color(rgb);
    let (roughness, glow) = match finish {
        Finish::Matt => (0.9, 0.0),
        Finish::Smooth => (0.45, 0.0),
        Finish::Warm => (0.5, 0.22),
        Finish::Glowing => (0.4, 0.9),
    };
    StandardMaterial {
        base_color: base,
        perceptual_roughness: roughness,
        reflectance: 0.35,
        emissive: base.to_linear() * glow,
        ..default()
    }
}

/// What a system needs to build things.
#[derive(SystemParam)]
pub(crate) struct Builder<'w, 's> {
    pub(crate) commands: Commands<'w, 's>,
    kit: ResMut<'w, Kit>,
    meshes: ResMut<'w, Assets<Mesh>>,
    materials: ResMut<'w, Assets<StandardMaterial>>,
}

impl Builder<'_, '_> {
    /// The shared mesh of `shape`.
    pub(crate) fn mesh(&mut self, shape: Shape) -> Mesh3d {
        Mesh3d(self.kit.mesh(&mut self.meshes, shape))
    }

    /// The shared material of a colour and finish.
    pub(crate) fn paint(
        &mut self,
        rgb: [u8; 3],
        finish: Finish,
    ) -> MeshMaterial3d<StandardMaterial> {
        MeshMaterial3d(self.kit.paint(&mut self.materials, rgb, finish))
    }

    /// Starts a thing that stands for itself.
    pub(crate) fn root(&mut self, name: impl Into<String>, at: Transform) -> Entity {
        let name = Name::new(name.into());
        self.commands
            .spawn((name, crate::StageRoot, at, Visibility::default()))
            .id()
    }

    /// Adds a part to `parent`, at a place in its frame.
    pub(crate) fn part(
        &mut self,
        parent: Entity,
        name: &'static str,
        shape: Shape,
        at: Transform,
        paint: ([u8; 3], Finish),
    ) -> Entity {
        let (mesh, material) = (self.mesh(shape), self.paint(paint.0, paint.1));
        self.commands
            .spawn((Name::new(name), mesh, material, at, ChildOf(parent)))
            .id()
    }
}

#[cfg(test)]
mod tests {
    use bevy::mesh::VertexAttributeValues;

    use super::*;

    #[test]
    fn a_rounded_box_fills_its_size_and_faces_outwards() {
        let size = Vec3::new(1.0, 0.2, 0.6);
        let mesh = rounded_box(size, 0.05);
        let Some(VertexAttributeValues::Float32x3(points)) =
            mesh.attribute(Mesh::ATTRIBUTE_POSITION)
        else {
            panic!("no positions");
        };
        let points: Vec<Vec3> = points
            .iter()
            .map(|point| Vec3::from_array(*point))
            .collect();
        let furthest = points
            .iter()
            .fold(Vec3::ZERO, |most, point| most.max(point.abs()));
        assert!(
            furthest.abs_diff_eq(size / 2.0, 1e-5),
            "{furthest} of {}",
            size / 2.0
        );
        let corners: Vec<usize> = mesh.indices().unwrap().iter().collect();
        for triangle in corners.chunks(3) {
            let [a, b, c] = [
                points[triangle[0]],
                points[triangle[1]],
                points[triangle[2]],
            ];
            let outwards = (b - a).cross(c - a).dot((a + b + c) / 3.0);
            assert!(outwards >= 0.0, "the triangle {a} {b} {c} faces inwards");
        }
    }

    #[test]
    fn equal_shapes_share_a_mesh() {
        let (mut kit, mut meshes) = (Kit::default(), Assets::<Mesh>::default());
        let a = kit.mesh(&mut meshes, Shape::Sphere(0.2));
        assert_eq!(a, kit.mesh(&mut meshes, Shape::Sphere(0.2)));
        assert_ne!(a, kit.mesh(&mut meshes, Shape::Sphere(0.3)));
        assert_ne!(a, kit.mesh(&mut meshes, Shape::Cylinder(0.2, 0.0)));
    }
}
