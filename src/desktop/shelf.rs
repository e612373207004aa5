//! Finds out, beside the frames, which models the replicas of a run may load.

use std::sync::{
    Arc, Mutex, PoisonError,
    mpsc::{Receiver, channel},
};

use bevy::prelude::IntoScheduleConfigs as _;
use bevy::{
    log::warn,
    prelude::{App, Commands, Res, ResMut, Resource, Startup, Update, resource_exists},
};
use inference::{LoadOptions, ModelState, Models, Skill};
use panels::{ModelShelf, ShelfModel};

use crate::models::RunModels;

/// What the thread finds.
#[derive(Resource)]
struct Search(Mutex<Receiver<Vec<ShelfModel>>>);

/// Fills [`ModelShelf`] once all files have been looked at.
pub(crate) fn plugin(app: &mut App) {
    app.add_systems(Startup, begin.run_if(resource_exists::<RunModels>))
        .add_systems(Update, take.run_if(resource_exists::<Search>));
}

fn begin(mut commands: Commands, models: Res<RunModels>) {
    let (sender, receiver) = channel();
    let models = Arc::clone(&models.0);
    let thread = std::thread::Builder::new().name("shelf".to_owned());
    let started = thread.spawn(move || {
        // Whoever closes the window does not wait for the answer.
        drop(sender.send(found(&models)));
    });
    match started {
        Ok(_) => commands.insert_resource(Search(Mutex::new(receiver))),
        Err(error) => warn!("nobody looks for models: {error}"),
    }
}

/// The models that are here and embed, as the replicas of meetings do. Reads and checks their files.
fn found(models: &Models) -> Vec<ShelfModel> {
    let all = models.store().list();
    let here = all.into_iter().filter(|(manifest, state)| {
        let is_here = matches!(state, ModelState::BuiltIn | ModelState::Ready { .. });
        is_here && manifest.skills.contains(&Skill::Embed)
    });
    here.map(|(manifest, _)| ShelfModel {
        version: manifest.full_name(),
        bytes: manifest.memory_bytes(),
    })
    .collect()
}

fn take(mut commands: Commands, search: Res<Search>, mut shelf: ResMut<ModelShelf>) {
    let receiver = search.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(models) = receiver.try_recv() {
        *shelf = ModelShelf {
            models,
            threads: LoadOptions::default().n_threads,
        };
        drop(receiver);
        commands.remove_resource::<Search>();
    }
}
