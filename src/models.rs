//! `diorama models`, and the models that a run's replicas serve.

use std::{
    collections::BTreeMap,
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
use inference::{
    Catalog, DeviceChoice, Manifest, Model, ModelState, Port, Progress, Store, StoreError,
    StoreOptions,
};
use rooms::{DeviceKind, Scene};
use serde_json::{Value, json};

use crate::{
    cli::{ModelsArgs, ModelsCommand, RunOptions},
    error::AppError,
    interrupt, report,
    session::open_port,
    threads,
};

/// The folder of a project that may hold models of its own.
const ASSETS: &str = "assets/models";
const MEBIBYTE: u64 = 1 << 20;

/// A port that serves the replicas of a scene.
pub(crate) struct Served {
    /// The port: replica n of the scene is replica n of the port.
    pub(crate) port: Port,
    /// Which versions serve, each once.
    pub(crate) versions: Vec<String>,
}

/// The store that the environment asks for, with the models in `./assets/models` before it.
pub(crate) fn store() -> Result<Store, AppError> {
    let mut options = StoreOptions::from_env()?;
    options.assets = Some(PathBuf::from(ASSETS)).filter(|folder| Path::is_dir(folder));
    Ok(Store::new(Catalog::built_in(), options))
}

/// Loads the models of a scene, each once, and starts its replicas.
///
/// # Errors
/// If a model cannot be had or used.
pub(crate) fn serve(scene: &Scene, options: &RunOptions) -> Result<Served, AppError> {
    let store = store()?;
    let mut loaded: BTreeMap<(String, DeviceKind), Model> = BTreeMap::new();
    let mut setups = Vec::new();
    for replica in &scene.replicas {
        let kind = scene.devices[replica.device].kind;
        let name = options
            .model
            .as_ref()
            .unwrap_or(&scene.models[replica.model].version);
        let key = (name.clone(), kind);
        let model = match loaded.get(&key) {
            Some(model) => model.clone(),
            None => {
                let device = match kind {
                    DeviceKind::Cpu => DeviceChoice::Cpu,
                    DeviceKind::Gpu => DeviceChoice::Cuda(0),
                };
                let model = load(&store, name, device)?;
                loaded.insert(key, model.clone());
                model
            }
        };
        setups.push(model.replica(replica.name.clone()));
    }
    let mut versions: Vec<_> = loaded
        .values()
        .map(|model| model.version().to_owned())
        .collect();
    versions.sort();
    versions.dedup();
    Ok(Served {
        port: open_port(setups, threads::n_cores(options.threads))?,
        versions,
    })
}

fn load(store: &Store, name: &str, device: DeviceChoice) -> Result<Model, AppError> {
    let bar = Download::new(name);
    let model = store.load(
        name,
        device,
        &mut |progress| bar.show(progress),
        interrupt::catch(),
    );
    bar.finish();
    Ok(model?)
}

/// `diorama models`.
///
/// # Errors
/// If a model is unknown, damaged or cannot be had.
pub(crate) fn command(args: &ModelsArgs) -> Result<(), AppError> {
    let store = store()?;
    match &args.command {
        ModelsCommand::List { json } => {
            list(&store, *json);
            Ok(())
        }
        ModelsCommand::Pull { name } => pull(&store, name.as_deref()),
        ModelsCommand::Verify { name, json } => verify(&store, name.as_deref(), *json),
    }
}

fn list(store: &Store, json: bool) {
    let models = store.list();
    if json {
        let models: Vec<_> = models
            .iter()
            .map(|(entry, state)| describe(entry, state))
            .collect();
        let value = json!({ "store": store.options().root, "models": models });
        report::print(&format!("{value:#}\n"));
        return;
    }
    let rows = models.iter().map(|(entry, state)| {
        [
            entry.name.clone(),
            skills(entry).join(", "),
            size(entry.bytes()),
            entry.licence.clone(),
            in_words(state),
        ]
    });
    report::print(&report::listing(
        ["model", "skill", "size", "licence", "state"],
        rows,
    ));
    report::print(&format!("store {}\n", store.options().root.display()));
}

fn pull(store: &Store, name: Option<&str>) -> Result<(), AppError> {
    interrupt::catch();
    for name in names(store, name) {
        let bar = Download::new(&name);
        let found = store.pull(
            &name,
            &mut |progress| bar.show(progress),
            interrupt::catch(),
        );
        bar.finish();
        let found = found?;
        let place = found
            .folder
            .map_or_else(String::new, |folder| format!(", {}", folder.display()));
        report::print(&format!("{name}: ready, from {}{place}\n", found.source));
    }
    Ok(())
}

fn verify(store: &Store, name: Option<&str>, json: bool) -> Result<(), AppError> {
    let mut verdicts = Vec::new();
    let mut wrong = None;
    for (entry, state) in store.list() {
        let asked = name.is_none_or(|name| name == entry.name);
        // What is not there is only missed by those who ask for it.
        if !asked || (name.is_none() && state == ModelState::Missing) {
            continue;
        }
        verdicts.push(describe(entry, &state));
        if !json {
            report::print(&format!("{}: {}\n", entry.name, in_words(&state)));
        }
        if matches!(state, ModelState::Missing | ModelState::Damaged { .. }) {
            wrong = wrong.or_else(|| store.verify(&entry.name).err());
        }
    }
    if let Some(name) = name
        && verdicts.is_empty()
    {
        store.verify(name)?;
    }
    if json {
        report::print(&format!("{:#}\n", json!({ "models": verdicts })));
    }
    wrong.map_or(Ok(()), |error: StoreError| Err(error.into()))
}

fn names(store: &Store, name: Option<&str>) -> Vec<String> {
    match name {
        Some(name) => vec![name.to_owned()],
        None => store
            .catalog()
            .models()
            .iter()
            .map(|entry| entry.name.clone())
            .collect(),
    }
}

/// What a model can do.
fn skills(entry: &Manifest) -> Vec<&'static str> {
    entry.skills.iter().map(|skill| skill.name()).collect()
}

/// A model and its state for programs.
pub(crate) fn describe(entry: &Manifest, state: &ModelState) -> Value {
    let (state, detail) = match state {
        ModelState::BuiltIn => ("built_in", Value::Null),
        ModelState::Ready { folder } => ("ready", json!(folder)),
        ModelState::Missing => ("missing", Value::Null),
        ModelState::Damaged { fault } => ("damaged", json!(fault.to_string())),
    };
    json!({
        "name": entry.name,
        "skills": skills(entry),
        "version": entry.version(),
        "licence": entry.licence,
        "bytes": entry.bytes(),
        "state": state,
        "detail": detail,
    })
}

/// A model's state for people.
pub(crate) fn in_words(state: &ModelState) -> String {
    match state {
        ModelState::BuiltIn => "built in".to_owned(),
        ModelState::Ready { .. } => "ready".to_owned(),
        ModelState::Missing => "not fetched".to_owned(),
        ModelState::Damaged { fault } => format!("damaged: {fault}"),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0 => "-".to_owned(),
        bytes => format!("{} MiB", bytes.div_ceil(MEBIBYTE)),
    }
}

/// The bar that shows a download, once there is one.
struct Download {
    name: String,
    bar: ProgressBar,
}

impl Download {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            bar: ProgressBar::hidden(),
        }
    }

    fn show(&self, progress: Progress<'_>) {
        let bar = &self.bar;
        if bar.length() != Some(progress.total) {
            bar.set_length(progress.total);
            let style = ProgressStyle::with_template(
                "{msg} {bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left",
            );
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            if std::io::stderr().is_terminal() {
                bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            }
        }
        bar.set_message(format!("{} from {}", self.name, progress.source));
        bar.set_position(progress.done);
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
