//! Measures what the stage's own systems cost per frame, without a window or a graphics card.
//!
//! `cargo run -p view --example view_cost -- [SCENE]`, where `SCENE` is `hall:N` for a hall with N
//! agents (default: 1000) or a file in the project's `scenes` folder. Some 10,000 subtasks live.

#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::time::{Duration, Instant};

use bevy::{
    pbr::StandardMaterial, prelude::*, time::TimeUpdateStrategy, transform::TransformPlugin,
};
use schedule::SubtaskState;
use sim::{ControlRequest, Pace};
use view::{StagePlugin, Token};

#[path = "../tests/support/mod.rs"]
mod support;

const N_FRAMES: u32 = 200;

fn main() {
    let name = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "hall:1000".into());
    let scene = match name
        .strip_prefix("hall:")
        .and_then(|count| count.parse().ok())
    {
        Some(n_agents) => support::hall(n_agents),
        None => support::scene_file(&name),
    };
    let load = support::Load {
        n_tasks: 1000,
        width: 10,
        gap_secs: 0.0,
        fails_once_in: 50,
    };
    for (what, has_stage) in [("without the stage", false), ("with the stage", true)] {
        let mut app = App::new();
        app.add_plugins((MinimalPlugins, AssetPlugin::default(), TransformPlugin))
            .init_asset::<Mesh>()
            .init_asset::<StandardMaterial>()
            .insert_resource(TimeUpdateStrategy::ManualDuration(Duration::from_millis(
                16,
            )));
        support::add_simulation(&mut app, scene.clone(), load, Pace::Paused, 1.0);
        if has_stage {
            app.add_plugins(StagePlugin);
        }
        let first = step(&mut app);
        let busy = (0..N_FRAMES).map(|_| step(&mut app)).sum::<Duration>() / N_FRAMES;
        let quiet = (0..N_FRAMES).map(|_| update(&mut app)).sum::<Duration>() / N_FRAMES;
        let world = app.world_mut();
        let mut states = world.query::<&SubtaskState>();
        let n_live = states
            .iter(world)
            .filter(|state| **state != SubtaskState::Done)
            .count();
        let n_tokens = world.query::<&Token>().iter(world).count();
        println!("{what}: {n_live} live subtasks, {n_tokens} tokens");
        for (frame, took) in [("first", first), ("with a step", busy), ("quiet", quiet)] {
            println!("  {frame:>12} frame {:8.3} ms", took.as_secs_f64() * 1e3);
        }
    }
}

/// One frame in which the simulation takes a step.
fn step(app: &mut App) -> Duration {
    app.world_mut().write_message(ControlRequest::Step);
    update(app)
}

fn update(app: &mut App) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "a measurement of real time")]
    let began = Instant::now();
    app.update();
    began.elapsed()
}
