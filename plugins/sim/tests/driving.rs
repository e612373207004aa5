//! However time is driven, the same steps run at the same instants.

use std::time::Duration;

use bevy::{
    prelude::{
        App, IntoScheduleConfigs as _, Message, MessageReader, MinimalPlugins, Res, ResMut,
        Resource,
    },
    time::TimeUpdateStrategy,
};
use sim::{
    Agenda, Clock, ControlRequest, Fact, FactWriter, Holds, Pace, Progress, RunControl, SimPlugin,
    SimSpan, SimStep, SimSystems, SimTime, Streams,
};

/// What the ball did at a bounce.
#[derive(Clone, Debug, PartialEq)]
struct Bounced(u32);

/// What was seen, in order.
#[derive(Resource, Default, Debug, PartialEq)]
struct Seen(Vec<(u64, SimTime, u32)>);

#[derive(Resource, Default)]
struct Ball {
    bounces: u32,
}

const BOUNCES: u32 = 40;

/// A ball that bounces at seeded intervals, sometimes twice at one instant.
fn bounce(
    mut ball: ResMut<Ball>,
    mut facts: FactWriter<Bounced>,
    mut agenda: ResMut<Agenda>,
    streams: Res<Streams>,
) {
    use rand::Rng as _;
    facts.write(Bounced(ball.bounces));
    ball.bounces += 1;
    if ball.bounces < BOUNCES {
        let pause = streams
            .stream("bounce", u64::from(ball.bounces))
            .random_range(0..4)
            * 30_000_000;
        let next = facts.now() + SimSpan(pause);
        agenda.wake_at(next);
    }
}

fn see(mut facts: MessageReader<Fact<Bounced>>, mut seen: ResMut<Seen>) {
    seen.0
        .extend(facts.read().map(|fact| (fact.seq, fact.at, fact.what.0)));
}

fn ball_app(pace: Pace, frame: Duration) -> App {
    let mut app = App::new();
    app.add_plugins((
        MinimalPlugins,
        SimPlugin {
            seed: 7,
            pace,
            speed: 3.0,
        },
    ))
    .insert_resource(TimeUpdateStrategy::ManualDuration(frame))
    .init_resource::<Ball>()
    .init_resource::<Seen>()
    .add_message::<Fact<Bounced>>()
    .add_systems(
        SimStep,
        (
            bounce.in_set(SimSystems::Apply),
            see.in_set(SimSystems::Record),
        ),
    );
    app.world_mut()
        .resource_mut::<Agenda>()
        .wake_at(SimTime::ZERO);
    app
}

fn run(mut app: App) -> Seen {
    for _ in 0..100_000 {
        app.update();
        if app.world().resource::<RunControl>().is_finished() {
            return app
                .world_mut()
                .remove_resource::<Seen>()
                .expect("it was there");
        }
    }
    panic!("the run never finished");
}

#[test]
fn frames_do_not_change_what_happens() {
    let expected = run(ball_app(Pace::Jump, Duration::ZERO));
    assert_eq!(expected.0.len(), BOUNCES as usize);
    assert!(
        expected
            .0
            .windows(2)
            .all(|pair| pair[0].0 + 1 == pair[1].0 && pair[0].1 <= pair[1].1)
    );
    for millis in [1, 7, 16, 250, 5000] {
        let seen = run(ball_app(Pace::Follow, Duration::from_millis(millis)));
        assert_eq!(seen, expected, "frames of {millis} ms");
    }
}

#[test]
fn drawn_time_never_runs_back_or_past_the_next_step() {
    let mut app = ball_app(Pace::Follow, Duration::from_millis(9));
    let mut last = SimTime::ZERO;
    for _ in 0..400 {
        app.update();
        let shown = app.world().resource::<RunControl>().shown();
        assert!(shown >= last, "{shown} after {last}");
        if let Some(next) = app.world().resource::<Agenda>().next() {
            assert!(shown <= next, "{shown} is past the step at {next}");
        }
        last = shown;
    }
}

#[test]
fn time_waits_for_what_is_held_for() {
    let mut app = ball_app(Pace::Jump, Duration::ZERO);
    let gate = SimTime(200_000_000);
    app.world_mut().resource_mut::<Holds>().hold(1, gate);
    for _ in 0..10 {
        app.update();
    }
    assert_eq!(
        app.world().resource::<RunControl>().progress(),
        Progress::Held
    );
    assert!(app.world().resource::<Clock>().now() < gate);
    app.world_mut().resource_mut::<Holds>().release(1);
    assert_eq!(run(app), run(ball_app(Pace::Jump, Duration::ZERO)));
}

#[test]
fn requests_pause_step_and_play() {
    fn ask<M: Message>(app: &mut App, message: M) {
        app.world_mut().write_message(message);
        app.update();
    }
    let steps = |app: &App| app.world().resource::<Clock>().steps();
    let mut app = ball_app(Pace::Follow, Duration::from_millis(50));
    ask(&mut app, ControlRequest::Pause);
    let paused_at = steps(&app);
    (0..20).for_each(|_| app.update());
    assert_eq!(steps(&app), paused_at);
    ask(&mut app, ControlRequest::Step);
    assert_eq!(steps(&app), paused_at + 1);
    (0..20).for_each(|_| app.update());
    assert_eq!(steps(&app), paused_at + 1);
    for (asked, speed) in [(20.0, 20.0), (1e9, 1000.0), (0.0, 0.1), (f64::NAN, 0.1)] {
        ask(&mut app, ControlRequest::SetSpeed(asked));
        assert_eq!(app.world().resource::<RunControl>().speed(), speed);
    }
    ask(&mut app, ControlRequest::SetSpeed(3.0));
    ask(&mut app, ControlRequest::Play);
    assert_eq!(run(app), run(ball_app(Pace::Jump, Duration::ZERO)));
}
