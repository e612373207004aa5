//! Draws subtasks as tokens and lets them fly from where they were to where they belong.

use bevy::{light::NotShadowCaster, prelude::*};
use schedule::{OwnerId, ResourceId, Skill, SubtaskId};

use crate::{
    flight::{Ease, Flight, Leaving},
    flow::{Entry, Exit, Flow},
    kit::{Builder, Finish, Shape},
    layout::{Cell, Layout, Spot, TOKEN_SIZE},
    palette,
};

/// Tokens on their way out of the picture at the same time; more than these vanish at once.
pub(crate) const MOST_LEAVING: usize = 256;

/// The picture of a subtask that has not ended.
#[derive(Component, Clone, Copy, Debug, PartialEq)]
#[require(crate::StageRoot)]
pub struct Token {
    /// Which.
    pub subtask: SubtaskId,
    /// Where it is shown, or on its way to.
    pub(crate) spot: Spot,
    /// Its cell there.
    pub(crate) cell: Cell,
}

/// The token of each subtask that has one.
#[derive(Resource, Default, Debug)]
pub(crate) struct Tokens(pub(crate) std::collections::BTreeMap<SubtaskId, Entity>);

/// How a token looks that has failed, and one that is no longer wanted.
const FAILED: ([u8; 3], Finish) = (palette::FAILED, Finish::Glowing);
const CANCELLED: ([u8; 3], Finish) = (palette::CANCELLED, Finish::Matt);

/// How a token looks at a spot.
fn look(skill: Skill, spot: Spot) -> ([u8; 3], Finish) {
    let rgb = palette::skill_rgb(skill);
    match spot {
        Spot::Shelf(_) => (palette::mix(rgb, palette::PAPER, 0.55), Finish::Matt),
        Spot::Tray(_) => (rgb, Finish::Warm),
        Spot::Slot(_) => (palette::mix(rgb, [255; 3], 0.12), Finish::Glowing),
        Spot::Hover(_) => (palette::BACKOFF, Finish::Glowing),
    }
}

/// Mixes all paints beforehand: a thing whose material has only just been made is not drawn for a
/// frame.
pub(crate) fn mix_paints(mut builder: Builder) {
    let owner = OwnerId(0);
    let spots = [
        Spot::Shelf(owner),
        Spot::Tray(0),
        Spot::Slot(ResourceId(0)),
        Spot::Hover(owner),
    ];
    for skill in palette::SKILLS {
        for (rgb, finish) in spots.map(|spot| look(skill, spot)) {
            builder.paint(rgb, finish);
        }
    }
    for (rgb, finish) in [FAILED, CANCELLED] {
        builder.paint(rgb, finish);
    }
}

/// Brings tokens in line with the account: spawns, sends on their way, and lets go.
pub(crate) fn draw_tokens(
    mut builder: Builder,
    mut flow: ResMut<Flow>,
    mut tokens: ResMut<Tokens>,
    layout: Res<Layout>,
    shown: Query<(&Token, &Transform)>,
    leaving: Query<(), With<Leaving>>,
) {
    let touched = flow.take_touched();
    if touched.is_empty() {
        return;
    }
    let mut n_leaving = leaving.iter().count();
    for (order, id) in touched.into_iter().enumerate() {
        let Some(entry) = flow.entry(id) else {
            continue;
        };
        let old = tokens
            .0
            .get(&id)
            .and_then(|entity| Some((*entity, shown.get(*entity).ok()?)));
        let cell = entry
            .spot
            .zip(entry.cell)
            .and_then(|(spot, k)| Some((spot, layout.cell(spot, k)?)));
        match (old, cell) {
            (Some((_, (token, _))), Some((spot, cell)))
                if token.spot == spot && token.cell == cell => {}
            (Some((entity, (_, transform))), Some((spot, cell))) => {
                let token = Token {
                    subtask: id,
                    spot,
                    cell,
                };
                let scale = (transform.scale.x, cell.scale);
                let hop = Flight::hop(transform.translation, cell.at, scale, order);
                let (rgb, finish) = look(entry.skill, spot);
                let material = builder.paint(rgb, finish);
                builder
                    .commands
                    .entity(entity)
                    .insert((token, hop, material));
            }
            (None, Some((spot, cell))) => {
                let token = Token {
                    subtask: id,
                    spot,
                    cell,
                };
                let entity = spawn(&mut builder, entry, token, order);
                tokens.0.insert(id, entity);
            }
            (Some((entity, (_, transform))), None) => {
                tokens.0.remove(&id);
                if n_leaving >= MOST_LEAVING {
                    builder.commands.entity(entity).despawn();
                    continue;
                }
                n_leaving += 1;
                send_off(&mut builder, &layout, entry, entity, transform);
            }
            (None, None) => {}
        }
    }
}

fn spawn(builder: &mut Builder, entry: &Entry, token: Token, order: usize) -> Entity {
    let from = entry.origin.unwrap_or(token.cell.at);
    let (rgb, finish) = look(entry.skill, token.spot);
    let size = Vec3::splat(TOKEN_SIZE);
    let (mesh, material) = (
        builder.mesh(Shape::Rounded(size, 0.028)),
        builder.paint(rgb, finish),
    );
    let hop = Flight::hop(from, token.cell.at, (0.2, token.cell.scale), order);
    let at = Transform::from_translation(from).with_scale(Vec3::splat(0.2));
    let name = Name::new(format!("subtask {}", token.subtask.0));
    builder
        .commands
        .spawn((name, token, mesh, material, at, hop, NotShadowCaster))
        .id()
}

/// Lets a token go the way that its end asks for; one that merely finds no cell sinks into its pile.
fn send_off(
    builder: &mut Builder,
    layout: &Layout,
    entry: &Entry,
    entity: Entity,
    transform: &Transform,
) {
    let (from, scale) = (transform.translation, transform.scale.x);
    let mut flight = Flight::hop(from, from, (scale, 0.05), 0);
    match entry.exit {
        Some(Exit::Done) => {
            let home = layout.heart(entry.owner).unwrap_or(from);
            flight = Flight::hop(from, home, (scale, 0.15), 0);
        }
        Some(Exit::Failed) => {
            flight.to.y = TOKEN_SIZE / 2.0;
            (flight.ease, flight.arc, flight.secs) = (Ease::Fall, 0.0, 1.1);
            flight.scale.1 = 0.6;
            let red = builder.paint(FAILED.0, FAILED.1);
            builder.commands.entity(entity).insert(red);
        }
        Some(Exit::Cancelled) => {
            flight.secs = 0.7;
            let grey = builder.paint(CANCELLED.0, CANCELLED.1);
            builder.commands.entity(entity).insert(grey);
        }
        None => {
            let lid = entry.spot.and_then(|spot| layout.lid(spot));
            flight = Flight::hop(from, lid.unwrap_or(from), (scale, 0.15), 0);
        }
    }
    builder
        .commands
        .entity(entity)
        .remove::<Token>()
        .insert((Leaving, flight));
}
