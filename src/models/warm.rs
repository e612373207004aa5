//! Lets models take a run-up before their time is measured.
//!
//! The first pass of a model fills memory that all later ones use: it belongs to loading.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use inference::{
    Ask, Backend, Encoded, Input, Port, ReplicaSetup, ReplicaState, SAMPLE_RATE, Skill,
    TranscribeOptions,
};

/// Inputs of the pass that nobody asked for, more than a thread takes at once, and what each holds.
const N_TEXTS: usize = 48;
const TEXT: &str =
    "People of the city library plan how to show their work to the schools next spring.";
/// How often it is looked whether models are ready.
const LOOK: Duration = Duration::from_millis(1);

/// A replica whose model has answered before anybody asks it.
pub(super) fn warmed(setup: ReplicaSetup) -> ReplicaSetup {
    let make = setup.make;
    ReplicaSetup {
        name: setup.name,
        make: Arc::new(move || {
            let mut backend = make()?;
            run_up(&mut *backend);
            Ok(backend)
        }),
    }
}

/// Waits until every replica is ready or out of order, so that none computes while another loads.
pub(super) fn wait(port: &Port, cancelled: &AtomicBool) {
    let is_starting = |(_, state): (String, ReplicaState)| state == ReplicaState::Starting;
    while port.replicas().any(is_starting) && !cancelled.load(Ordering::Relaxed) {
        thread::sleep(LOOK);
    }
}

/// What goes wrong here goes wrong again when somebody asks, and is told then.
fn run_up(backend: &mut dyn Backend) {
    let (ask, input) = match backend.skills().first() {
        Some(Skill::Embed) => (Ask::Embed, Input::Text(TEXT.to_owned())),
        Some(Skill::Classify) => (Ask::Classify, Input::Text(TEXT.to_owned())),
        Some(Skill::Tag) => (Ask::Tag, Input::Text(TEXT.to_owned())),
        Some(Skill::Transcribe) => {
            let silence = vec![0.0; SAMPLE_RATE as usize];
            let ask = Ask::Transcribe(TranscribeOptions::default());
            (ask, Input::Audio(silence.into()))
        }
        Some(Skill::Generate) | None => return,
    };
    let Ok(encoded) = backend.encoder()(&ask, &input) else {
        return;
    };
    let n_inputs = match input {
        Input::Audio(_) => 1,
        _ => N_TEXTS,
    };
    let inputs: Vec<&Encoded> = vec![&encoded; n_inputs];
    if let Err(error) = backend.answer(&ask, &inputs) {
        bevy::log::debug!("the run-up of {} failed: {error}", backend.version());
    }
}
