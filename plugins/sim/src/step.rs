//! The step: all that happens at one instant, in six phases whose order is said here and nowhere else.

use bevy::{
    ecs::schedule::{LogLevel, ScheduleBuildSettings, ScheduleLabel, SingleThreadedExecutor},
    prelude::{App, IntoScheduleConfigs as _, Mut, Schedule, SystemSet, World},
};

use crate::{
    clock::{Agenda, Clock, Holds},
    time::SimTime,
};

/// The schedule that runs once for each step.
#[derive(ScheduleLabel, Clone, Debug, PartialEq, Eq, Hash)]
pub struct SimStep;

/// The phases of a step, in order.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SimSystems {
    /// Agents take in what has happened since the last step.
    Perceive,
    /// Agents take tasks on and split them into subtasks.
    Decompose,
    /// The engine handles due events, the policy places ready subtasks, batches start.
    Schedule,
    /// Started batches go out to those who perform them.
    Dispatch,
    /// Batches that end now hand in their results.
    Apply,
    /// Facts are written down and entities are brought in line with the engine.
    Record,
}

/// What became of an attempt to run the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A step ran.
    Stepped,
    /// The next step lies after the given limit.
    Waiting,
    /// The next step waits for something that is held for, such as a model's reply.
    Held,
    /// Nothing is left to happen.
    Finished,
}

pub(crate) fn plugin(app: &mut App) {
    let mut schedule = Schedule::new(SimStep);
    schedule
        .set_executor(SingleThreadedExecutor::new())
        .set_build_settings(ScheduleBuildSettings {
            ambiguity_detection: LogLevel::Error,
            ..Default::default()
        })
        .configure_sets(
            (
                SimSystems::Perceive,
                SimSystems::Decompose,
                SimSystems::Schedule,
                SimSystems::Dispatch,
                SimSystems::Apply,
                SimSystems::Record,
            )
                .chain(),
        );
    app.add_schedule(schedule);
}

/// Runs the next step if it lies at or before `until` and nothing holds it back.
pub fn step_once(world: &mut World, until: SimTime) -> Progress {
    let holds = world.resource::<Holds>();
    let Some(next) = world.resource::<Agenda>().next() else {
        return if holds.is_empty() {
            Progress::Finished
        } else {
            Progress::Held
        };
    };
    if next > until {
        return Progress::Waiting;
    }
    if holds.blocks(next) {
        return Progress::Held;
    }
    world.resource_scope(|world, mut clock: Mut<Clock>| {
        world.resource_mut::<Agenda>().take_next();
        clock.now = clock.now.max(next);
        clock.steps += 1;
    });
    world.run_schedule(SimStep);
    Progress::Stepped
}
