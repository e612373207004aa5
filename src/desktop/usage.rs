//! Finds out, beside the frames, what models take of the machine and how busy its cards are.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::Duration,
};

use bevy::{
    log::warn,
    prelude::{
        App, Commands, DetectChangesMut as _, IntoScheduleConfigs as _, Res, ResMut, Resource,
        Startup, Update, resource_exists,
    },
};
use inference::{Cards, Models};
use panels::MachineUsage;

use crate::models::RunModels;

/// How often it looks.
const PERIOD: Duration = Duration::from_secs(1);

/// What the thread sees.
#[derive(Resource)]
struct Watch(Mutex<Receiver<MachineUsage>>);

/// Keeps [`MachineUsage`] up to date.
pub(crate) fn plugin(app: &mut App) {
    app.add_systems(Startup, begin.run_if(resource_exists::<RunModels>))
        .add_systems(Update, take.run_if(resource_exists::<Watch>));
}

fn begin(mut commands: Commands, models: Res<RunModels>) {
    let (sender, receiver) = sync_channel(1);
    let models = Arc::clone(&models.0);
    let thread = thread::Builder::new().name("usage".to_owned());
    let started = thread.spawn(move || {
        let cards = Cards::open();
        // Ends when nobody takes what it sees any more.
        while sender.send(seen(&models, &cards)).is_ok() {
            thread::sleep(PERIOD);
        }
    });
    match started {
        Ok(_) => commands.insert_resource(Watch(Mutex::new(receiver))),
        Err(error) => warn!("nobody watches the memory of models: {error}"),
    }
}

/// May wait for a model that is being loaded.
fn seen(models: &Models, cards: &Cards) -> MachineUsage {
    MachineUsage {
        loaded: models.loaded(),
        cards: cards.look(),
    }
}

fn take(watch: Res<Watch>, mut usage: ResMut<MachineUsage>) {
    let receiver = watch.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(seen) = receiver.try_recv() {
        usage.set_if_neq(seen);
    }
}
