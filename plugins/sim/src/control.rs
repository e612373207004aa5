//! Run control: how simulated time follows wall time, and the requests that change it.

use std::time::{Duration, Instant};

use bevy::prelude::{
    App, IntoScheduleConfigs as _, Message, MessageReader, Plugin, Real, Reflect, ResMut, Resource,
    Time, Update, World,
};

use crate::{
    clock::{Agenda, Clock, Holds},
    fact::FactCounter,
    step::{self, Progress, step_once},
    streams::Streams,
    time::{SimSpan, SimTime},
};

/// How simulated time moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Reflect)]
pub enum Pace {
    /// From event to event, as fast as the machine allows.
    Jump,
    /// Along with wall time, times the speed.
    Follow,
    /// Not at all, until asked.
    Paused,
}

/// The state of run control. Changed by [`ControlRequest`]s only.
#[derive(Resource, Debug)]
pub struct RunControl {
    pace: Pace,
    speed: f64,
    shown: SimTime,
    progress: Progress,
    single_steps: u32,
}

impl RunControl {
    /// How simulated time moves now.
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Simulated seconds for each second of wall time while following.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// The instant to draw: moves smoothly between the steps.
    pub fn shown(&self) -> SimTime {
        self.shown
    }

    /// What became of the last attempt to step.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Whether nothing is left to happen.
    pub fn is_finished(&self) -> bool {
        self.progress == Progress::Finished
    }
}

/// A wish about how the run goes on.
#[derive(Message, Clone, Copy, Debug, PartialEq)]
pub enum ControlRequest {
    /// Let time move.
    Play,
    /// Stop time.
    Pause,
    /// Stop time and run one more step.
    Step,
    /// Follow wall time this many times as fast, from 0.1 to 1000.
    SetSpeed(f64),
}

/// The slowest and fastest speed that can be asked for.
const SPEED_RANGE: (f64, f64) = (0.1, 1000.0);
/// Wall time that steps may take out of one frame while following.
const FRAME_BUDGET: Duration = Duration::from_millis(6);
/// Steps in one update while jumping, so that messages do not pile up without end.
const STEPS_PER_JUMP: usize = 256;

/// Adds the clock, the step schedule and run control.
pub struct SimPlugin {
    /// The seed of all random streams.
    pub seed: u64,
    /// How time moves at first.
    pub pace: Pace,
    /// Simulated seconds for each second of wall time while following.
    pub speed: f64,
}

impl Plugin for SimPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Clock>()
            .init_resource::<Agenda>()
            .init_resource::<Holds>()
            .init_resource::<FactCounter>()
            .insert_resource(Streams::new(self.seed))
            .insert_resource(RunControl {
                pace: self.pace,
                speed: self.speed.clamp(SPEED_RANGE.0, SPEED_RANGE.1),
                shown: SimTime::ZERO,
                progress: Progress::Waiting,
                single_steps: 0,
            })
            .add_message::<ControlRequest>()
            .add_plugins(step::plugin)
            .add_systems(Update, (take_requests, drive).chain());
    }
}

fn take_requests(mut requests: MessageReader<ControlRequest>, mut control: ResMut<RunControl>) {
    for request in requests.read() {
        match *request {
            ControlRequest::Play if control.pace == Pace::Paused => control.pace = Pace::Follow,
            ControlRequest::Pause => control.pace = Pace::Paused,
            ControlRequest::Step => {
                control.pace = Pace::Paused;
                control.single_steps += 1;
            }
            ControlRequest::SetSpeed(speed) if speed.is_finite() => {
                control.speed = speed.clamp(SPEED_RANGE.0, SPEED_RANGE.1);
            }
            // It plays already, or that is no speed.
            ControlRequest::Play | ControlRequest::SetSpeed(_) => {}
        }
    }
}

/// Runs as many steps as the pace allows.
fn drive(world: &mut World) {
    let control = world.resource::<RunControl>();
    match control.pace {
        Pace::Jump => jump(world),
        Pace::Follow => follow(world),
        Pace::Paused => single_steps(world),
    }
}

fn jump(world: &mut World) {
    let mut progress = Progress::Stepped;
    for _ in 0..STEPS_PER_JUMP {
        progress = step_once(world, SimTime::MAX);
        if progress != Progress::Stepped {
            break;
        }
    }
    let now = world.resource::<Clock>().now();
    let mut control = world.resource_mut::<RunControl>();
    control.progress = progress;
    control.shown = now;
}

fn follow(world: &mut World) {
    let frame = world
        .get_resource::<Time<Real>>()
        .map_or(Duration::ZERO, Time::delta);
    let control = world.resource::<RunControl>();
    let target = control.shown + SimSpan::from_secs_f64(frame.as_secs_f64() * control.speed);
    #[expect(
        clippy::disallowed_methods,
        reason = "the budget is wall time; no fact depends on it"
    )]
    let began = Instant::now();
    let progress = loop {
        let progress = step_once(world, target);
        // An instant is never left half-way, for what is drawn is drawn between instants.
        let now = world.resource::<Clock>().now();
        let instant_is_over = world.resource::<Agenda>().next() != Some(now);
        if progress != Progress::Stepped || (instant_is_over && began.elapsed() > FRAME_BUDGET) {
            break progress;
        }
    };
    // Time that is held, or that outruns the frame's budget, waits at the last step.
    let now = world.resource::<Clock>().now();
    let mut control = world.resource_mut::<RunControl>();
    control.progress = progress;
    control.shown = match progress {
        Progress::Waiting => target,
        Progress::Stepped | Progress::Held | Progress::Finished => control.shown.max(now),
    };
}

fn single_steps(world: &mut World) {
    while world.resource::<RunControl>().single_steps > 0 {
        let progress = step_once(world, SimTime::MAX);
        let now = world.resource::<Clock>().now();
        let mut control = world.resource_mut::<RunControl>();
        control.progress = progress;
        control.shown = control.shown.max(now);
        if progress == Progress::Held {
            break;
        }
        control.single_steps -= 1;
    }
}
