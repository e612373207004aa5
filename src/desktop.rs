//! `diorama open`: runs a scene in a window, or lets one be chosen first.

mod display;
mod overlay;
mod picker;
mod picture;
mod shelf;
mod usage;
mod window;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use bevy::{
    app::AppExit,
    prelude::{
        App, IntoScheduleConfigs as _, Last, Local, MessageReader, MessageWriter, Plugin, Res,
        ResMut, Resource, Update, World,
    },
};
use panels::{Notices, PanelsPlugin, RunInfo};
use record::{How, Live, Recorder, Run};
use schedule::Scheduler;
use sim::{Pace, RunControl};
use view::ViewPlugin;

use crate::{
    cli::OpenArgs,
    conclude::{Conclusion, conclude},
    error::AppError,
    interrupt, report,
    session::{Results, Session},
};

/// What became of the run, kept where it outlives the app.
#[derive(Resource, Clone, Default)]
struct Outcome(Arc<Mutex<Option<Result<Conclusion, AppError>>>>);

/// Opens the window of a scene; without a scene, that of the picker.
///
/// # Errors
/// If there is no display, or the run cannot begin or write its results.
pub(crate) fn open(args: Option<&OpenArgs>) -> Result<(), AppError> {
    display::check()?;
    match args.and_then(|args| args.scene.as_deref().map(|scene| (args, scene))) {
        Some((args, scene)) => open_scene(args, scene),
        None => picker::open(args),
    }
}

fn open_scene(args: &OpenArgs, scene: &Path) -> Result<(), AppError> {
    let scene = Session::read_scene(scene, &args.options)?;
    let session = Session::prepare(scene, &args.options)?;
    let speed = args.speed.unwrap_or(session.scene.speed);
    let title = format!("{} – Diorama", session.scene.name);
    let info = run_info(args, &session.run);
    let outcome = Outcome::default();
    let mut app = App::new();
    app.add_plugins(window::plugins(title, args.size));
    session.add_to(&mut app, Pace::Follow, speed);
    app.insert_resource(outcome.clone())
        .insert_resource(info)
        .add_plugins((
            ViewPlugin,
            PanelsPlugin,
            overlay::plugin,
            shelf::plugin,
            usage::plugin,
            RunEnd,
        ));
    if let Some(path) = &args.screenshot {
        app.add_plugins(picture::PicturePlugin {
            path: path.clone(),
            at: args.at,
        });
    }
    run_window(app)?;
    let ended = outcome
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let conclusion =
        ended.ok_or_else(|| AppError::NoDisplay("the window never came up".to_owned()))??;
    report::print(&report::text(&conclusion));
    match conclusion.how {
        // Whoever closes the window early has seen what they wanted.
        How::Interrupted if !interrupt::caught() => Ok(()),
        _ => conclusion.into_result(),
    }
}

/// Runs the app; what goes wrong while the window opens becomes an error.
fn run_window(mut app: App) -> Result<(), AppError> {
    let exit = catch_unwind(AssertUnwindSafe(|| app.run()));
    let why = match exit {
        Ok(AppExit::Success) => return Ok(()),
        Ok(AppExit::Error(code)) => format!("the window ended with code {code}"),
        Err(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "the window could not be opened".to_owned()),
    };
    Err(AppError::NoDisplay(why))
}

fn run_info(args: &OpenArgs, run: &Run) -> RunInfo {
    let line = |name: &str, value: String| (name.to_owned(), value);
    RunInfo {
        lines: vec![
            line("scene", run.scene.clone()),
            line("policy", run.policy.clone()),
            line("seed", run.seed.to_string()),
            line("time", args.options.time.name().to_owned()),
            line("outputs", args.options.outputs.name().to_owned()),
            line(
                "model",
                if run.models.is_empty() {
                    "none".to_owned()
                } else {
                    run.models.join(", ")
                },
            ),
        ],
    }
}

/// Ends the run in order when the window closes, and says so when something goes wrong before.
struct RunEnd;

impl Plugin for RunEnd {
    fn build(&self, app: &mut App) {
        app.add_systems(Update, (leave_on_interrupt, show_errors))
            .add_systems(Last, end_run.run_if(leaving));
    }
}

fn leave_on_interrupt(mut exit: MessageWriter<AppExit>) {
    if interrupt::caught() {
        exit.write(AppExit::Success);
    }
}

fn show_errors(recorder: Res<Recorder>, mut notices: ResMut<Notices>, mut shown: Local<bool>) {
    if !*shown && let Some(error) = recorder.error() {
        notices.report(error.to_string());
        *shown = true;
    }
}

fn leaving(mut exits: MessageReader<AppExit>) -> bool {
    exits.read().count() > 0
}

fn end_run(world: &mut World) {
    let results = world.resource::<Results>().clone();
    // Where the last replica was taken away, nothing happens any more and yet not all is done.
    let is_over = world.resource::<RunControl>().is_finished()
        && world.resource::<Scheduler>().n_unfinished() == 0;
    let how = match is_over {
        false => How::Interrupted,
        true if world.resource::<Live>().totals().tasks.failed > 0 => How::Failed,
        true => How::Finished,
    };
    let outcome = world.resource::<Outcome>().clone();
    let mut slot = outcome.0.lock().unwrap_or_else(PoisonError::into_inner);
    if slot.is_none() {
        *slot = Some(conclude(world, how, &results));
    }
}

#[cfg(test)]
mod tests {
    use schedule::Skill;

    #[test]
    fn a_skill_has_one_colour_in_the_room_and_in_the_panels() {
        for skill in Skill::ALL {
            assert_eq!(
                panels::skill_rgb(skill),
                view::skill_rgb(skill),
                "{skill:?}"
            );
        }
    }
}
