//! Says which words belong where on the screen; whoever owns the window's surface writes them.

use std::sync::Arc;

use bevy::prelude::*;
use schedule::{OwnerId, ResourceId};

use crate::{flow::Flow, layout::Layout};

/// What a label names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelKind {
    /// An agent, above the head.
    Agent(OwnerId),
    /// A replica, above its unit.
    Replica(ResourceId),
    /// A machine, above it.
    Machine(ResourceId),
    /// Subtasks that are in a pile but not drawn: `+312`.
    Overflow,
}

/// Words at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The words.
    pub text: Arc<str>,
    /// What they name.
    pub kind: LabelKind,
    /// The place in the world, in metres.
    pub world: Vec3,
    /// The place in logical pixels from the upper left corner of the window; `None`
    /// behind the camera or where there is no window.
    pub screen: Option<Vec2>,
    /// How far the camera is, in metres; infinite without one.
    pub distance: f32,
}

/// Every label of this frame, furthest first, so that nearer ones are written over them.
#[derive(Resource, Clone, Debug, Default)]
pub struct Labels {
    /// The labels.
    pub list: Vec<Label>,
}

/// Has a label at its place.
#[derive(Component, Clone, Debug)]
#[require(Transform)]
pub(crate) struct LabelAnchor {
    pub(crate) text: Arc<str>,
    pub(crate) kind: LabelKind,
}

/// Collects the labels and projects them to the screen.
pub(crate) fn project_labels(
    mut labels: ResMut<Labels>,
    flow: Res<Flow>,
    layout: Res<Layout>,
    anchors: Query<(&LabelAnchor, &GlobalTransform)>,
    camera: Query<(&Camera, &GlobalTransform), With<Camera3d>>,
) {
    labels.list.clear();
    let camera = camera.single().ok();
    let mut add = |text: Arc<str>, kind: LabelKind, world: Vec3| {
        let screen = camera.and_then(|(camera, eye)| camera.world_to_viewport(eye, world).ok());
        let distance = camera.map_or(f32::INFINITY, |(_, eye)| eye.translation().distance(world));
        labels.list.push(Label {
            text,
            kind,
            world,
            screen,
            distance,
        });
    };
    for (anchor, transform) in &anchors {
        add(
            Arc::clone(&anchor.text),
            anchor.kind,
            transform.translation(),
        );
    }
    for (spot, n_hidden) in flow.overflows() {
        if let Some(at) = layout.tag(spot) {
            add(format!("+{n_hidden}").into(), LabelKind::Overflow, at);
        }
    }
    labels
        .list
        .sort_by(|a, b| b.distance.total_cmp(&a.distance));
}
