//! Who serves the requests of traces: resources of a workload, by default replicas of a language model.

use std::path::Path;

use workloads::{Change, FileError, Requests, Workload, read_text_file};

use crate::input::InputError;

/// The replicas that serve where no others are named.
const STANDARD: &str = include_str!("../../../assets/workloads/serving.workload.ron");
/// What they are called.
const REPLICA: &str = "replica";

/// The resources that serve the requests of traces, and how a request becomes a task.
#[derive(Clone, Debug)]
pub struct Serving {
    workload: Workload,
    /// What it was read from.
    text: String,
    /// Where that was.
    name: String,
}

impl Serving {
    /// So many replicas that batch continuously, each on a card of its own; at least 1. The file
    /// `assets/workloads/serving.workload.ron` describes them.
    ///
    /// # Panics
    /// If that file were wrong.
    pub fn standard(n_replicas: u32) -> Self {
        let change = Change {
            resource: REPLICA.to_owned(),
            count: Some(n_replicas),
            ..Change::default()
        };
        let workload = Workload::read_changed(STANDARD, &[change]);
        Self {
            workload: workload.expect("the standard replicas can be read. This is a bug."),
            text: format!("{n_replicas} × {STANDARD}"),
            name: "standard".to_owned(),
        }
    }

    /// The resources of a workload file, without its tasks; but if one of them has a trace, requests
    /// become such tasks.
    ///
    /// # Errors
    /// If the file cannot be read, or for the first thing that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        let text = read_text_file(path)?;
        let workload = Workload::read(&text).map_err(|error| FileError::Invalid {
            path: path.into(),
            error,
        })?;
        Ok(Self {
            workload,
            text,
            name: path.display().to_string(),
        })
    }

    /// The workload in which it serves these requests.
    ///
    /// # Errors
    /// If nobody can generate.
    pub(crate) fn serve(&self, requests: &Requests) -> Result<Workload, String> {
        self.workload.serving(requests).ok_or_else(|| {
            format!(
                "nobody in {:?} has the skill \"generate\", so nobody can serve the trace; give it to one",
                self.name
            )
        })
    }

    /// What decides how it serves.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl Default for Serving {
    /// Four replicas.
    fn default() -> Self {
        Self::standard(4)
    }
}
