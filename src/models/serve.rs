//! Loads the models of a scene, each once, and starts its replicas.

use std::{collections::BTreeSet, sync::Arc};

use bevy::prelude::Resource;
use inference::{
    DeviceChoice, EMBEDDED_NAME, InUse, Models, Port, REMOTE_PREFIX, Store, StoreError,
};
use rooms::{DeviceKind, Scene};

use super::{device_choice, download::Download, replicas::on_processor, store, warm};
use crate::{
    cli::{RunOptions, TimeMode},
    error::AppError,
    interrupt, memory, profiles, report,
    session::open_port,
    threads,
};

/// A port that serves the replicas of a scene.
pub(crate) struct Served {
    /// The port: replica n of the scene is replica n of the port.
    pub(crate) port: Port,
    /// Which versions serve, each once.
    pub(crate) versions: Vec<String>,
    /// What `diorama models load` asked for.
    pub(crate) preloaded: Preloaded,
    /// What they were loaded into, and more can be.
    pub(crate) models: Arc<Models>,
}

/// Models that are kept loaded as long as the run lasts.
#[derive(Default, Resource)]
pub(crate) struct Preloaded {
    // Never read: that they are there is all.
    _models: Vec<InUse>,
}

/// Loads the models of a scene, each once, and starts its replicas.
///
/// # Errors
/// If a model cannot be had or used.
pub(crate) fn serve(scene: &Scene, options: &RunOptions) -> Result<Served, AppError> {
    let models = Arc::new(Models::new(
        store()?,
        memory::for_models(options.model_memory),
    ));
    let n_busy = profiles::n_busy(scene, DeviceKind::Cpu, options.threads);
    let (mut setups, mut versions) = (Vec::new(), Vec::new());
    let (mut budgets, mut notes) = (Vec::new(), BTreeSet::new());
    let seed = options.seed.unwrap_or(scene.seed);
    for replica in &scene.replicas {
        let device = &scene.devices[replica.device];
        let choice = device_choice(device.kind);
        let own = &scene.models[replica.model].version;
        let is_remote = device.kind == DeviceKind::Remote;
        if options.model.is_none() && own.starts_with(REMOTE_PREFIX) != is_remote {
            return Err(AppError::Usage(format!(
                "replica {:?} serves model {own:?} on device {:?}: models named {REMOTE_PREFIX}NAME \
                 go on devices of kind `remote`, and no others do",
                replica.name, device.name
            )));
        }
        let name = options.model.as_ref().unwrap_or(own);
        let (name, tried) = picked(models.store(), name, seed)?;
        let (model, note) = load_or_embedded(&models, &name, choice, options.strict_model)?;
        for note in tried.into_iter().chain(note) {
            if notes.insert(note.clone()) {
                report::note(&note);
            }
        }
        versions.push(model.version().to_owned());
        // What was measured here was measured on the processor.
        let is_here = model.device() == Some(DeviceChoice::Cpu);
        let budget =
            is_here.then(|| profiles::token_budget(models.store(), model.version(), n_busy));
        budgets.push(budget.flatten());
        let setup = model.replica(replica.name.clone());
        setups.push(match options.time {
            TimeMode::Measured if !is_remote => warm::warmed(setup),
            _ => setup,
        });
    }
    versions.sort();
    versions.dedup();
    let port = open_port(setups, threads::n_cores(options.threads))?;
    if options.time == TimeMode::Measured {
        warm::wait(&port, interrupt::catch());
    }
    for (replica, budget) in budgets.into_iter().enumerate() {
        if let Some(tokens) = budget {
            port.set_max_batch_tokens(replica, tokens);
        }
    }
    Ok(Served {
        port,
        versions,
        preloaded: preload(&models)?,
        models,
    })
}

/// The version that a name stands for in a run with this seed: the candidate in its share of the runs.
/// All of a run go to one version, since what two models say of its texts cannot be compared. With
/// what people should know of it.
fn picked(store: &Store, name: &str, seed: u64) -> Result<(String, Option<String>), AppError> {
    if name.starts_with(REMOTE_PREFIX) {
        return Ok((name.to_owned(), None));
    }
    let route = store.route(name)?;
    Ok(match &route.candidate {
        Some((candidate, share)) if route.pick(seed) == candidate => {
            let version = candidate.full_name();
            let note = format!(
                "note: {version} answers, the candidate of {name:?} in {} % of the runs",
                share * 100.0
            );
            (version, Some(note))
        }
        _ => (name.to_owned(), None),
    })
}

/// What cannot be loaded is told, and the run goes on without it.
fn preload(models: &Models) -> Result<Preloaded, AppError> {
    let mut preloaded = Vec::new();
    for manifest in models.store().preloaded()? {
        match load(models, &manifest.full_name(), DeviceChoice::Cpu) {
            Ok((model, _)) => preloaded.push(model),
            Err(error) => report::note(&format!("note: not preloaded: {error}")),
        }
    }
    Ok(Preloaded { _models: preloaded })
}

/// The model that is asked for, or the embedded one, which people are told of, where no source of an
/// embedding model can be reached; with what people should know if it is on the processor instead.
fn load_or_embedded(
    models: &Models,
    name: &str,
    device: DeviceChoice,
    is_strict: bool,
) -> Result<(InUse, Option<String>), AppError> {
    match load(models, name, device) {
        Err(AppError::Store(missed @ StoreError::NoSource { .. }))
            if !is_strict && models.store().embeds(name) =>
        {
            let (model, _) = load(models, EMBEDDED_NAME, DeviceChoice::Cpu)?;
            report::note(&format!(
                "note: {} answers instead of {name:?}, which cannot be had (--strict-model refuses \
                 instead): {missed}",
                model.version()
            ));
            Ok((model, None))
        }
        loaded => loaded,
    }
}

fn load(
    models: &Models,
    name: &str,
    device: DeviceChoice,
) -> Result<(InUse, Option<String>), AppError> {
    let bar = Download::new(name);
    let loaded = models.get_or_on_cpu(
        name,
        device,
        &mut |progress| bar.show(progress),
        interrupt::catch(),
    );
    bar.finish();
    let (model, missed) = loaded?;
    let note = missed.map(|missed| format!("note: {}", on_processor(&model, &missed)));
    Ok((model, note))
}
