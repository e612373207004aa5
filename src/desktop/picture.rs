//! Saves a picture of the window and closes it: how the window is looked at where nobody sits.

use std::path::PathBuf;

use bevy::{
    app::AppExit,
    prelude::{
        App, Commands, Local, MessageWriter, Plugin, Query, Real, Res, Resource, Time, Update, With,
    },
    render::view::window::screenshot::{Screenshot, save_to_disk},
};
use sim::{ControlRequest, RunControl, SimTime};

/// Frames that pass before the picture, so that what has come is drawn.
const SETTLE_FRAMES: u32 = 5;
/// Seconds that pass before the picture at least, since shaders are compiled beside the frames.
const WARM_UP_SECS: f32 = 4.0;

/// Takes the picture `path` at simulated second `at`, or when the run has ended.
#[derive(Resource, Clone)]
pub(super) struct PicturePlugin {
    pub(super) path: PathBuf,
    pub(super) at: Option<f64>,
}

impl Plugin for PicturePlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(self.clone())
            .add_message::<ControlRequest>()
            .add_systems(Update, take_picture);
    }
}

fn take_picture(
    mut commands: Commands,
    picture: Res<PicturePlugin>,
    control: Option<Res<RunControl>>,
    pending: Query<(), With<Screenshot>>,
    time: Res<Time<Real>>,
    mut frames: Local<u32>,
    mut requests: MessageWriter<ControlRequest>,
    mut exit: MessageWriter<AppExit>,
) {
    let warm = time.elapsed_secs() >= WARM_UP_SECS;
    let due = warm
        && control.is_none_or(|control| match picture.at {
            Some(at) => control.shown() >= SimTime::from_secs_f64(at) || control.is_finished(),
            None => control.is_finished(),
        });
    *frames += u32::from(due);
    if *frames == 1 {
        // The moment stands still until it is saved.
        requests.write(ControlRequest::Pause);
    }
    if *frames == SETTLE_FRAMES {
        commands
            .spawn(Screenshot::primary_window())
            .observe(save_to_disk(picture.path.clone()));
    } else if *frames > SETTLE_FRAMES + 1 && pending.is_empty() {
        exit.write(AppExit::Success);
    }
}
