//! Reads `WfFormat` 1.3 to 1.6. Coleman et al. (2022), "`WfCommons`: a framework for enabling scientific
//! workflow research and development".
//!
//! Up to 1.4, `workflow.tasks` hold everything, and tasks name each other by name. From 1.5 on,
//! `workflow.specification` holds tasks and files, `workflow.execution` runtimes and machines, and
//! tasks name each other by id. What is there decides, not the version. Unknown fields are passed over.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    Workflow,
    draft::{Counts, Draft},
};
use crate::{
    error::{Problem, ReadError},
    json,
    spots::Spot,
};

const VERSIONS: [&str; 4] = ["1.3", "1.4", "1.5", "1.6"];

/// A list that may be left out or `null`.
type List<T> = Option<Box<[T]>>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    schema_version: Spot,
    workflow: Flow,
}

#[derive(Debug, Deserialize)]
struct Flow {
    specification: Option<Specification>,
    execution: Option<Execution>,
    tasks: List<FlatTask>,
    machines: List<Machine>,
}

#[derive(Debug, Deserialize)]
struct Specification {
    tasks: Box<[SpecifiedTask]>,
    files: List<SpecifiedFile>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecifiedTask {
    #[serde(rename = "name")]
    _name: IgnoredAny,
    id: Spot,
    parents: Box<[Spot]>,
    children: List<Spot>,
    input_files: List<Spot>,
    output_files: List<Spot>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecifiedFile {
    id: Spot,
    size_in_bytes: f64,
}

#[derive(Debug, Deserialize)]
struct Execution {
    tasks: Box<[ExecutedTask]>,
    machines: List<Machine>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecutedTask {
    id: Spot,
    runtime_in_seconds: f64,
    machines: List<Spot>,
    machine: Option<Spot>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Machine {
    node_name: Spot,
    cpu: Option<Cpu>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cpu {
    #[serde(alias = "count")]
    core_count: Option<u32>,
    #[serde(alias = "speed", rename = "speedInMHz")]
    speed_in_mhz: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlatTask {
    name: Spot,
    id: Option<Spot>,
    #[serde(alias = "runtime")]
    runtime_in_seconds: f64,
    parents: List<Spot>,
    children: List<Spot>,
    files: List<FlatFile>,
    machine: Option<Spot>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlatFile {
    name: Spot,
    link: Link,
    #[serde(alias = "size")]
    size_in_bytes: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Link {
    Input,
    Output,
}

/// The workflow that a `WfFormat` text holds.
///
/// # Errors
/// The first thing that is wrong, with line, column, and what to do.
pub fn read_workflow(text: &str) -> Result<Workflow, ReadError> {
    // First a look that keeps nothing: most bad files are no JSON.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| json::read_error(text, 0, &error))?;
    let file: File =
        serde_json::from_str(text).map_err(|error| json::read_error(text, 0, &error))?;
    let version = file.schema_version.in_text(text);
    if !VERSIONS.contains(&&*version) {
        let message = format!(
            "schema version {version:?} is unknown; convert the file to one of {}",
            VERSIONS.join(", ")
        );
        return Err(file.schema_version.error(text, Problem::Other(message)));
    }
    match file.workflow {
        Flow {
            specification: Some(specification),
            execution: Some(execution),
            ..
        } => specified(text, &specification, &execution),
        Flow {
            tasks: Some(tasks),
            machines,
            ..
        } => flat(text, &tasks, items(&machines)),
        _ => {
            let message = "the workflow has no runtimes; give it `execution` beside \
                           `specification`, or `tasks`";
            Err(ReadError::at(text, 0, Problem::Other(message.to_owned())))
        }
    }
}

/// The layout since 1.5.
fn specified(
    text: &str,
    specification: &Specification,
    execution: &Execution,
) -> Result<Workflow, ReadError> {
    let tasks = &specification.tasks;
    let mut counts = Counts::default();
    for task in tasks {
        counts.arcs += task.parents.len() + items(&task.children).len();
        counts.reads += items(&task.input_files).len();
        counts.writes += items(&task.output_files).len();
    }
    let ids = tasks.iter().map(|task| task.id).collect();
    let mut draft = Draft::new(text, ids, counts)?;
    list_machines(&mut draft, items(&execution.machines));
    for task in &execution.tasks {
        let machine = items(&task.machines).first().copied().or(task.machine);
        draft.ran(task.id, task.runtime_in_seconds, machine)?;
    }
    if let Some(files) = &specification.files {
        let sizes = files.iter().map(|file| (file.id, file.size_in_bytes));
        draft.files(files.iter().map(|file| file.id), sizes)?;
    }
    for (number, task) in tasks.iter().enumerate() {
        draft.follows(number, &task.parents)?;
        draft.precedes(number, items(&task.children))?;
        for file in items(&task.input_files) {
            draft.reads(number, *file)?;
        }
        for file in items(&task.output_files) {
            draft.writes(number, *file)?;
        }
    }
    draft.finish()
}

/// The layout up to 1.4.
fn flat(text: &str, tasks: &[FlatTask], machines: &[Machine]) -> Result<Workflow, ReadError> {
    let mut counts = Counts::default();
    for task in tasks {
        counts.arcs += items(&task.parents).len() + items(&task.children).len();
        counts.reads += items(&task.files).len();
    }
    counts.writes = counts.reads;
    let ids: Option<Vec<_>> = tasks.iter().map(|task| task.id).collect();
    let names = tasks.iter().map(|task| task.name);
    let ids = ids.unwrap_or_else(|| names.clone().collect());
    let mut draft = Draft::new(text, ids.clone(), counts)?;
    draft.also_called(names);
    list_machines(&mut draft, machines);
    for (task, id) in tasks.iter().zip(ids) {
        draft.ran(id, task.runtime_in_seconds, task.machine)?;
    }
    let files: Vec<_> = tasks.iter().flat_map(|task| items(&task.files)).collect();
    let sizes = files.iter().map(|file| (file.name, file.size_in_bytes));
    draft.files(files.iter().map(|file| file.name), sizes)?;
    for (number, task) in tasks.iter().enumerate() {
        draft.follows(number, items(&task.parents))?;
        draft.precedes(number, items(&task.children))?;
        for file in items(&task.files) {
            match file.link {
                Link::Input => draft.reads(number, file.name)?,
                Link::Output => draft.writes(number, file.name)?,
            }
        }
    }
    draft.finish()
}

fn list_machines(draft: &mut Draft<'_>, machines: &[Machine]) {
    let names = machines.iter().map(|machine| machine.node_name);
    let described = machines.iter().map(|machine| {
        let cpu = machine.cpu.as_ref();
        let cores = cpu.and_then(|cpu| cpu.core_count);
        (cores, cpu.and_then(|cpu| cpu.speed_in_mhz))
    });
    draft.machines(names, described);
}

/// What a list holds, if it is there.
fn items<T>(list: &List<T>) -> &[T] {
    list.as_deref().unwrap_or_default()
}
