//! Lets the screens of a room light up when something is said in a meeting.

use agents::AgentFact;
use bevy::prelude::*;
use sim::Fact;

use crate::{
    furniture::ScreenFace,
    kit::{Builder, Finish},
    palette,
};

/// Levels of light, from dark to lit.
const N_LEVELS: u8 = 8;
/// Seconds of drawn time until a lit screen is dark again.
const FADE_SECS: f32 = 1.4;

/// How bright the screens are.
#[derive(Resource, Default, Debug)]
pub(crate) struct ScreenLight {
    /// From 0, dark, to 1.
    share: f32,
    level: u8,
}

/// Lights up with each turn and fades after it.
pub(crate) fn pulse_screens(
    mut builder: Builder,
    time: Res<Time>,
    mut light: ResMut<ScreenLight>,
    mut facts: MessageReader<Fact<AgentFact>>,
    faces: Query<Entity, With<ScreenFace>>,
) {
    let is_spoken = facts
        .read()
        .any(|fact| matches!(fact.what, AgentFact::TurnSpoken { .. }));
    let faded = light.share - time.delta_secs() / FADE_SECS;
    light.share = if is_spoken { 1.0 } else { faded.max(0.0) };
    let level = (light.share * f32::from(N_LEVELS)).round() as u8;
    if level == light.level {
        return;
    }
    light.level = level;
    let share = 0.3 * f32::from(level) / f32::from(N_LEVELS);
    let rgb = palette::mix(palette::SCREEN, palette::SCREEN_GLOW, share);
    let finish = if level == 0 {
        Finish::Smooth
    } else {
        Finish::Glowing
    };
    for face in &faces {
        let paint = builder.paint(rgb, finish);
        builder.commands.entity(face).insert(paint);
    }
}
