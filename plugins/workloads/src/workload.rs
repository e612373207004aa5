//! Workloads of our own format: who can do what, and what there is to do, in the engine's terms.

mod explain;
mod list;
mod name;
mod number;
mod pool;
mod spec;
mod tasks;

use std::ops::Range;

use ron::{Options, extensions::Extensions};
use schedule::{Engine, EngineOptions, ResourceSpec, Skill, SubtaskError, SubtaskSpec, TaskSpec};
use sim::{SimTime, Streams};

use self::{spec::WorkloadSpec, tasks::Template};
use crate::{error::ReadError, trace::Requests};

/// How deep a workload file may nest; the schema itself needs 10 levels of brackets.
const MOST_DEPTH: usize = 64;

/// A workload, checked: every name leads somewhere, nothing waits for itself, all numbers are in range.
#[derive(Clone, Debug)]
pub struct Workload {
    /// What people call it.
    pub name: String,
    /// Where chance comes from.
    pub seed: u64,
    /// Who is served, by [`TaskSpec::tenant`]; at least one.
    pub tenants: Vec<String>,
    /// Who does the work.
    pub resources: Vec<ResourceSpec>,
    /// The resources by their names in the file.
    pub groups: Vec<ResourceGroup>,
    /// How the engine runs.
    pub options: EngineOptions,
    templates: Vec<Template>,
    /// When which template arrives, and for the how manieth time (from 0); by time.
    arrivals: Vec<(SimTime, u32, u32)>,
}

/// Resources that share a name in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceGroup {
    /// That name.
    pub name: String,
    /// The model that they serve, if any.
    pub model: Option<String>,
    /// Their positions in [`Workload::resources`].
    pub members: Range<usize>,
}

/// How the resources of one name are to be other than the file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Their name in the file.
    pub resource: String,
    /// How many there are, instead of `count`; at least 1.
    pub count: Option<u32>,
    /// How many subtasks each can start together, instead of `slots`; at least 1.
    pub slots: Option<u32>,
    /// How many times as fast each works, whatever it does; above 0.
    pub speed: Option<f64>,
}

/// A task of a workload with its pieces, numbered as the engine numbers them if all are handed in
/// in order.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadTask {
    /// The task.
    pub task: TaskSpec,
    /// Its pieces, predecessors first.
    pub subtasks: Vec<SubtaskSpec>,
}

impl Workload {
    /// Reads a workload file: RON, format version 1. The README of this crate describes it.
    ///
    /// # Errors
    /// The first thing that is wrong, with line, column, and what to do.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        Self::read_changed(text, &[])
    }

    /// Reads a workload file with other resources than it names: those of `changes`, of which the
    /// last that names a resource counts. A rule that scales up to all members goes on to do so, any
    /// other switches at most those that there are.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn read_changed(text: &str, changes: &[Change]) -> Result<Self, ReadError> {
        // Some editors put a byte order mark first.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let spec: WorkloadSpec<'_> = options()
            .from_str(text)
            .map_err(|error| explain::refusal(text, text, &error))?;
        let pool = pool::Pool::of(text, &spec, changes)?;
        let templates = tasks::templates(text, &spec, &pool)?;
        Ok(Self {
            name: spec.name.as_str().to_owned(),
            seed: spec.seed,
            arrivals: tasks::arrivals(&templates, spec.seed),
            tenants: pool.tenants(),
            groups: pool.groups(),
            options: pool.options,
            resources: pool.resources,
            templates,
        })
    }

    /// The files of traces that tasks follow and that were not given yet, as the workload names them.
    /// Without its trace, a task does not arrive at all.
    pub fn missing_traces(&self) -> Vec<&str> {
        let traces = self.templates.iter().filter_map(|it| it.trace.as_ref());
        let missing = traces.filter(|trace| trace.requests.is_none());
        let mut files: Vec<_> = missing.map(|trace| trace.file.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Lets the tasks that follow the trace in `file` arrive with its requests.
    pub fn give_trace(&mut self, file: &str, requests: &Requests) {
        let traces = self.templates.iter_mut().filter_map(|it| it.trace.as_mut());
        for trace in traces.filter(|trace| trace.file == file) {
            trace.requests = Some(requests.clone());
        }
        self.arrivals = tasks::arrivals(&self.templates, self.seed);
    }

    /// The same resources with nothing to do but serve `requests`: each is a task as the workload's
    /// task with a trace says, or else one subtask with the skill generate. `None` if nobody has that
    /// skill.
    #[must_use]
    pub fn serving(&self, requests: &Requests) -> Option<Self> {
        let mut serving = self.with_seed(self.seed);
        serving
            .templates
            .retain(|template| template.trace.is_some());
        serving.templates.truncate(1);
        if serving.templates.is_empty() {
            let mut skills = self.resources.iter().flat_map(|it| &it.skills);
            if !skills.any(|(skill, _)| *skill == Skill::Generate) {
                return None;
            }
            serving.templates.push(Template::request());
        }
        for trace in serving
            .templates
            .iter_mut()
            .filter_map(|it| it.trace.as_mut())
        {
            trace.requests = Some(requests.clone());
        }
        serving.arrivals = tasks::arrivals(&serving.templates, serving.seed);
        Some(serving)
    }

    /// The same with another seed: its tasks arrive at other times, where chance says when.
    #[must_use]
    pub fn with_seed(&self, seed: u64) -> Self {
        Self {
            name: self.name.clone(),
            seed,
            tenants: self.tenants.clone(),
            resources: self.resources.clone(),
            groups: self.groups.clone(),
            options: EngineOptions {
                streams: Streams::new(seed),
                ..self.options.clone()
            },
            templates: self.templates.clone(),
            arrivals: tasks::arrivals(&self.templates, seed),
        }
    }

    /// How many tasks arrive.
    pub fn n_tasks(&self) -> usize {
        self.arrivals.len()
    }

    /// The tasks, by release.
    pub fn tasks(&self) -> impl Iterator<Item = WorkloadTask> + '_ {
        let mut n_subtasks = 0;
        self.arrivals
            .iter()
            .enumerate()
            .map(move |(n, (at, template, time))| {
                let template = &self.templates[*template as usize];
                let task = template.task(n as u32, *at, *time, n_subtasks);
                n_subtasks += task.subtasks.len() as u32;
                task
            })
    }

    /// Hands all tasks to an engine that has taken nothing in yet. They are released one by one.
    ///
    /// # Errors
    /// If the engine was made for other resources.
    pub fn submit(&self, engine: &mut Engine) -> Result<(), SubtaskError> {
        for WorkloadTask { task, subtasks } in self.tasks() {
            let id = engine.open_task(SimTime::ZERO, task);
            for subtask in subtasks {
                engine.add_subtask(SimTime::ZERO, subtask)?;
            }
            engine.close_task(SimTime::ZERO, id);
        }
        Ok(())
    }
}

/// How workload files are read: optional values need no `Some(…)`, and nesting is bounded.
fn options() -> Options {
    Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME)
        .with_recursion_limit(MOST_DEPTH)
}
