//! The window of a bare `diorama`: a choice of scenes. The chosen one opens in a window of its own.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use bevy::{
    app::AppExit,
    prelude::{
        App, Camera2d, ClearColor, Color, Commands, MessageReader, MessageWriter, Msaa, Name, Res,
        Resource, Startup, Update,
    },
};
use panels::{OpenSceneRequest, PickerItem, PickerItems, PickerPlugin};
use rooms::{SceneFile, scene_files};

use super::{run_window, window};
use crate::{cli::OpenArgs, error::AppError, interrupt};

const SIZE: (u32, u32) = (900, 600);
const FOLDER: &str = "scenes";

/// The scene that was chosen, kept where it outlives the app.
#[derive(Resource, Clone, Default)]
struct Chosen(Arc<Mutex<Option<PathBuf>>>);

/// Shows the scenes and opens the one that is chosen.
///
/// # Errors
/// If there are no scenes, or no window.
pub(super) fn open(args: Option<&OpenArgs>) -> Result<(), AppError> {
    interrupt::catch();
    let items = items()?;
    let chosen = Chosen::default();
    let mut app = App::new();
    app.add_plugins(window::plugins("Diorama".to_owned(), SIZE))
        .add_plugins(PickerPlugin)
        .insert_resource(ClearColor(Color::srgb(0.16, 0.17, 0.20)))
        .insert_resource(PickerItems(items))
        .insert_resource(chosen.clone())
        .add_systems(Startup, spawn_backdrop)
        .add_systems(Update, (choose, super::leave_on_interrupt));
    if let Some(OpenArgs {
        screenshot: Some(path),
        ..
    }) = args
    {
        app.add_plugins(super::picture::PicturePlugin {
            path: path.clone(),
            at: Some(0.0),
        });
    }
    run_window(app)?;
    let scene = chosen
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    scene.map_or(Ok(()), |scene| open_anew(&scene))
}

/// The panels draw over what other cameras leave behind: here, nothing but the clear colour.
fn spawn_backdrop(mut commands: Commands) {
    commands.spawn((Name::new("backdrop"), Camera2d, Msaa::Off));
}

fn items() -> Result<Vec<PickerItem>, AppError> {
    let files = scene_files(Path::new(FOLDER)).map_err(|_| {
        AppError::Usage(format!(
            "there is no folder {FOLDER:?} here to choose a scene from; go to the folder that holds it, or \
             name a scene: diorama open SCENE"
        ))
    })?;
    Ok(files
        .into_iter()
        .map(|SceneFile { path, scene }| match scene {
            Ok(scene) => PickerItem {
                title: scene.name,
                caption: scene.caption,
                path,
                error: None,
            },
            Err(error) => {
                let title = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                PickerItem {
                    title,
                    caption: String::new(),
                    path,
                    error: Some(error.to_string()),
                }
            }
        })
        .collect())
}

fn choose(
    mut requests: MessageReader<OpenSceneRequest>,
    chosen: Res<Chosen>,
    mut exit: MessageWriter<AppExit>,
) {
    for OpenSceneRequest(path) in requests.read() {
        *chosen.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(path.clone());
        exit.write(AppExit::Success);
    }
}

/// A process can have one event loop only, so the scene's window belongs to a new one.
fn open_anew(scene: &Path) -> Result<(), AppError> {
    let failed = |cause| AppError::Io {
        path: scene.to_path_buf(),
        doing: "open",
        cause,
    };
    let program = std::env::current_exe().map_err(failed)?;
    let status = Command::new(program)
        .arg("open")
        .arg(scene)
        .status()
        .map_err(failed)?;
    match status.code() {
        Some(0) => Ok(()),
        // It has said why.
        code => std::process::exit(code.unwrap_or(1)),
    }
}
