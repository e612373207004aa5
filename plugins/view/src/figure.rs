//! Builds the figures of the agents and moves them a little while they live and work.

use bevy::prelude::*;
use rooms::{Agent, CurrentScene, Place};
use schedule::{OwnerId, PoolResource, ResourceKind, ResourceLoad};

use crate::{
    flow::Flow,
    furniture::laptop,
    kit::{Builder, Finish, Shape},
    label::{LabelAnchor, LabelKind},
    layout::Layout,
    palette,
    pile::Pose,
    posture::{Posture, seat_pose},
};

/// The figure of an agent.
#[derive(Component, Clone, Copy, Debug)]
pub(crate) struct Figure {
    owner: OwnerId,
    /// Whether the agent works itself or has subtasks running elsewhere.
    is_active: bool,
}

/// What moves of a figure.
#[derive(Component, Clone, Copy, Debug)]
pub(crate) enum Limb {
    /// Everything above the seat.
    Trunk,
    /// An arm, −1 left and 1 right.
    Arm(f32),
    /// The ring around an active agent.
    Ring,
}

/// Which figure a limb belongs to.
#[derive(Component, Clone, Copy, Debug)]
pub(crate) struct LimbOf(Entity);

/// Builds a figure for every agent that has come.
pub(crate) fn build_figures(
    mut builder: Builder,
    scene: Res<CurrentScene>,
    layout: Res<Layout>,
    added: Query<(&Agent, &Place), Added<Agent>>,
) {
    for (agent, place) in &added {
        let pose = pose(&scene, agent, place);
        let figure = builder.root(agent.name.clone(), pose.transform());
        builder.commands.entity(figure).insert(Figure {
            owner: agent.id,
            is_active: false,
        });
        let home = scene.stations.get(agent.home);
        let posture = home.map_or(Posture::Sits, |home| Posture::at(home.kind));
        trunk(&mut builder, figure, agent.id);
        legs(&mut builder, figure, agent.id, posture);
        let ring = Shape::Torus(0.46, 0.028);
        let at = Transform::from_xyz(0.0, 0.05, 0.0);
        let paint = (palette::agent_rgb(agent.id), Finish::Glowing);
        let ring = builder.part(figure, "ring", ring, at, paint);
        builder
            .commands
            .entity(ring)
            .insert((Limb::Ring, LimbOf(figure), Visibility::Hidden));
        let label = LabelAnchor {
            text: agent.name.as_str().into(),
            kind: LabelKind::Agent(agent.id),
        };
        let at = Transform::from_xyz(0.0, 1.62, 0.0);
        builder
            .commands
            .spawn((Name::new("label"), label, at, ChildOf(figure)));
        let seat = layout
            .seats
            .get(agent.id.index())
            .filter(|seat| seat.has_table);
        if let Some(seat) = seat {
            let local = Quat::from_rotation_y(-pose.facing) * (seat.desk - pose.at);
            laptop(&mut builder, figure, local, palette::agent_rgb(agent.id));
        }
    }
}

fn pose(scene: &CurrentScene, agent: &Agent, place: &Place) -> Pose {
    match scene.stations.get(agent.home) {
        Some(home) => seat_pose(place, home),
        None => Pose {
            at: place.position,
            facing: place.facing,
        },
    }
}

fn trunk(builder: &mut Builder, figure: Entity, owner: OwnerId) {
    let at = Transform::from_xyz;
    let cloth = (palette::agent_rgb(owner), Finish::Matt);
    let skin = (palette::skin_rgb(owner), Finish::Matt);
    let hair = (palette::hair_rgb(owner), Finish::Matt);
    let trunk = (
        Name::new("trunk"),
        Transform::default(),
        Visibility::default(),
    );
    let place = (ChildOf(figure), Limb::Trunk, LimbOf(figure));
    let trunk = builder.commands.spawn((trunk, place)).id();
    let body = Shape::Capsule(0.18, 0.26);
    builder.part(trunk, "body", body, at(0.0, 0.80, 0.02), cloth);
    let neck = Shape::Cylinder(0.06, 0.12);
    builder.part(trunk, "neck", neck, at(0.0, 1.12, 0.0), skin);
    builder.part(
        trunk,
        "head",
        Shape::Sphere(0.155),
        at(0.0, 1.27, 0.0),
        skin,
    );
    builder.part(
        trunk,
        "hair",
        Shape::Sphere(0.165),
        at(0.0, 1.30, 0.03),
        hair,
    );
    for side in [-1.0, 1.0] {
        let (eye, dark) = (Shape::Sphere(0.018), (palette::SCREEN, Finish::Smooth));
        builder.part(trunk, "eye", eye, at(side * 0.055, 1.28, -0.142), dark);
        let arm = Shape::Capsule(0.05, 0.3);
        let arm = builder.part(trunk, "arm", arm, arm_rest(side, 0.0), cloth);
        builder
            .commands
            .entity(arm)
            .insert((Limb::Arm(side), LimbOf(figure)));
    }
}

/// Both legs, straight under who stands and bent over the edge of what one sits on.
fn legs(builder: &mut Builder, figure: Entity, owner: OwnerId, posture: Posture) {
    let rgb = palette::mix(palette::agent_rgb(owner), palette::METAL, 0.75);
    let paint = (rgb, Finish::Matt);
    for side in [-1.0, 1.0] {
        if posture == Posture::Stands {
            let straight = Transform::from_xyz(side * 0.1, 0.32, 0.02);
            builder.part(figure, "leg", Shape::Capsule(0.07, 0.48), straight, paint);
            continue;
        }
        let ahead = Quat::from_rotation_x(std::f32::consts::FRAC_PI_2);
        let thigh = Transform::from_xyz(side * 0.1, 0.54, -0.18).with_rotation(ahead);
        builder.part(figure, "thigh", Shape::Capsule(0.075, 0.3), thigh, paint);
        let shin = Transform::from_xyz(side * 0.1, 0.27, -0.38);
        builder.part(figure, "shin", Shape::Capsule(0.06, 0.36), shin, paint);
    }
}

/// An arm that reaches ahead, raised by some metres at the hand.
fn arm_rest(side: f32, raised: f32) -> Transform {
    let (shoulder, hand) = (
        Vec3::new(side * 0.21, 0.98, 0.0),
        Vec3::new(side * 0.13, 0.80 + raised, -0.3),
    );
    Transform::from_translation(shoulder.midpoint(hand)).with_rotation(Quat::from_rotation_arc(
        Vec3::Y,
        (shoulder - hand).normalize(),
    ))
}

/// Takes an agent's figure to where the agent is.
pub(crate) fn place_figures(
    scene: Res<CurrentScene>,
    moved: Query<(&Agent, &Place), Changed<Place>>,
    mut figures: Query<(&Figure, &mut Transform)>,
) {
    for (agent, place) in &moved {
        let at = pose(&scene, agent, place).transform();
        for (figure, mut transform) in &mut figures {
            if figure.owner == agent.id {
                transform.set_if_neq(at);
            }
        }
    }
}

/// Finds out who is active: whoever performs a subtask, and whoever answers for one that runs.
pub(crate) fn note_activity(
    flow: Res<Flow>,
    pool: Query<(&PoolResource, &ResourceLoad)>,
    mut figures: Query<&mut Figure>,
) {
    let performers: Vec<OwnerId> = pool
        .iter()
        .filter(|(_, load)| !load.running.is_empty())
        .filter_map(|(resource, _)| match resource.kind {
            ResourceKind::Agent { owner } => Some(owner),
            ResourceKind::Replica { .. } | ResourceKind::Machine => None,
        })
        .collect();
    for mut figure in &mut figures {
        let is_active = flow.n_running(figure.owner) > 0 || performers.contains(&figure.owner);
        if figure.is_active != is_active {
            figure.is_active = is_active;
        }
    }
}

/// Lets figures breathe, active ones type, and rings show.
pub(crate) fn move_limbs(
    time: Res<Time>,
    figures: Query<&Figure>,
    mut limbs: Query<(&Limb, &LimbOf, &mut Transform, &mut Visibility)>,
) {
    let secs = time.elapsed_secs();
    for (limb, of, mut transform, mut visibility) in &mut limbs {
        let Ok(figure) = figures.get(of.0) else {
            continue;
        };
        let phase = figure.owner.0 as f32 * 1.7;
        match limb {
            Limb::Trunk => {
                let breath = (secs * 1.3 + phase).sin();
                let lean = if figure.is_active { -0.05 } else { 0.0 };
                transform.rotation = Quat::from_rotation_x(lean)
                    * Quat::from_rotation_y(0.06 * (secs * 0.31 + phase).sin());
                transform.translation.y = 0.006 * breath;
            }
            Limb::Arm(side) => {
                let beat = (secs * 9.0 + side * 1.6 + phase).sin();
                let raised = if figure.is_active { 0.03 * beat } else { 0.0 };
                transform.set_if_neq(arm_rest(*side, raised));
            }
            Limb::Ring => {
                let wanted = if figure.is_active {
                    Visibility::Inherited
                } else {
                    Visibility::Hidden
                };
                visibility.set_if_neq(wanted);
            }
        }
    }
}
