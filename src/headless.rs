//! Runs a scene without a window, as fast as the machine allows.

use std::{io::IsTerminal as _, time::Duration};

use bevy::{app::TaskPoolPlugin, prelude::App, time::TimePlugin};
use indicatif::{ProgressBar, ProgressStyle};
use record::{How, Live, Recorder};
use schedule::Scheduler;
use sim::{Clock, Pace, RunControl};

use crate::{
    cli::RunArgs,
    conclude::{Conclusion, conclude},
    error::AppError,
    interrupt, logging, report,
    session::Session,
};

/// `diorama run`.
///
/// # Errors
/// If the run cannot begin, cannot write its results, has failed tasks, or is interrupted.
pub(crate) fn run(args: &RunArgs) -> Result<(), AppError> {
    let scene = Session::read_scene(&args.scene, &args.options)?;
    let session = Session::prepare(scene, &args.options)?;
    let results = session.results.clone();
    let mut app = App::new();
    app.add_plugins((TaskPoolPlugin::default(), TimePlugin, logging::plugin()));
    session.add_to(&mut app, Pace::Jump, 1.0);
    app.finish();
    app.cleanup();
    let how = drive(&mut app);
    let conclusion = conclude(app.world_mut(), how, &results)?;
    let printed = if args.json {
        report::json(&conclusion)
    } else {
        report::text(&conclusion)
    };
    report::print(&printed);
    conclusion.into_result()
}

/// Updates the app until the run has ended.
fn drive(app: &mut App) -> How {
    let bar = progress_bar();
    let how = loop {
        app.update();
        let world = app.world();
        // The error itself is told when the run is concluded.
        if world.resource::<Recorder>().error().is_some() {
            break How::Failed;
        }
        if interrupt::caught() {
            break How::Interrupted;
        }
        if world.resource::<RunControl>().is_finished() {
            let failed = world.resource::<Live>().totals().tasks.failed > 0;
            break if failed { How::Failed } else { How::Finished };
        }
        show_progress(&bar, world);
    };
    bar.finish_and_clear();
    how
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} subtasks, {msg} simulated");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn show_progress(bar: &ProgressBar, world: &bevy::prelude::World) {
    if bar.is_hidden() {
        return;
    }
    let engine = world.resource::<Scheduler>();
    let all = engine.subtasks().len() as u64;
    bar.set_length(all);
    bar.set_position(all - engine.n_unfinished() as u64);
    bar.set_message(world.resource::<Clock>().now().to_string());
}

impl Conclusion {
    /// The error that the exit code shows, if the run did not go to its end.
    pub(crate) fn into_result(self) -> Result<(), AppError> {
        match self.how {
            How::Finished => Ok(()),
            How::Interrupted => Err(AppError::Interrupted(format!(
                "; what happened until then is in {:?}",
                self.journal.path
            ))),
            How::Failed => Err(AppError::TasksFailed {
                failed: self.totals.tasks.failed as usize,
                tasks: self.totals.tasks.arrived as usize,
                journal: self.journal.path,
                first: self.first_failure.unwrap_or_default(),
            }),
        }
    }
}
