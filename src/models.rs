//! `diorama models`, and the models that a run's replicas serve.

mod ask;
mod bench;
mod calibrate;
mod describe;
mod distil;
mod download;
mod import;
mod list;
mod load;
mod promote;
mod pull;
mod remove;
mod replicas;
mod serve;
mod show;
mod single;
mod verify;
mod warm;

use std::path::{Path, PathBuf};

use inference::{Catalog, Store, StoreOptions};

pub(crate) use self::{
    calibrate::failed as not_measured,
    describe::{describe, in_words, size},
    replicas::{RunModels, device_choice, replica_models},
    serve::{Served, serve},
    single::load,
};
use crate::{
    cli::{ModelsArgs, ModelsCommand},
    error::AppError,
};

/// The folder of a project that may hold models of its own.
const ASSETS: &str = "assets/models";

/// The store that the environment asks for, with the models in `./assets/models` before it.
pub(crate) fn store() -> Result<Store, AppError> {
    let mut options = StoreOptions::from_env()?;
    options.assets = Some(PathBuf::from(ASSETS)).filter(|folder| Path::is_dir(folder));
    Ok(Store::new(Catalog::built_in(), options))
}

/// `diorama models`.
///
/// # Errors
/// If a model is unknown, damaged or cannot be had, or its files are refused.
pub(crate) fn command(args: &ModelsArgs) -> Result<(), AppError> {
    let store = store()?;
    match &args.command {
        ModelsCommand::List { json } => list::list(&store, *json),
        ModelsCommand::Show(args) => show::show(&store, args),
        ModelsCommand::Pull(args) => pull::pull(&store, args),
        ModelsCommand::Import(args) => import::import(&store, args),
        ModelsCommand::Verify(args) => verify::verify(&store, args),
        ModelsCommand::Load(args) => load::load(&store, args),
        ModelsCommand::Unload(args) => load::unload(&store, args),
        ModelsCommand::Promote(args) => promote::promote(&store, args),
        ModelsCommand::Canary(args) => promote::canary(&store, args),
        ModelsCommand::Rollback(args) => promote::rollback(&store, args),
        ModelsCommand::Calibrate(args) => calibrate::calibrate(&store, args),
        ModelsCommand::Rm(args) => remove::remove(&store, args),
        ModelsCommand::Ask(args) => ask::ask(&store, args),
        ModelsCommand::Bench(args) => bench::bench(&store, args),
        ModelsCommand::Distil(args) => distil::command(&store, args),
    }
}
