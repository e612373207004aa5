//! What comes into a scene over time: tasks, faults and scripted moments.

use std::path::{Path, PathBuf};

use schedule::{OwnerId, ResourceId};
use sim::{SimSpan, SimTime};

use crate::{
    at::At,
    bounds::Bounds,
    check::{Check, Outside},
    names::Names,
    spec::{FaultSpec, MomentSpec, SourceSpec},
};

/// Texts of one task.
const MAX_TEXTS: usize = 1000;
/// Tasks that arrive out of one source.
const MAX_ARRIVALS: u32 = 100_000;

/// Where a task comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// When the task arrives.
    pub at: SimTime,
    /// Who answers for the task; for a question, who asks.
    pub by: OwnerId,
    /// Position in [`Scene::decompositions`](crate::Scene::decompositions) of how it is split.
    pub decomposition: usize,
    /// How much its completion time counts.
    pub weight: f64,
    /// How long after its arrival it should be done.
    pub deadline: Option<SimSpan>,
    /// What the task is about.
    pub kind: SourceKind,
}

/// What a task is about.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceKind {
    /// A meeting, played turn by turn out of a transcript.
    Meeting {
        /// The transcript.
        file: PathBuf,
        /// How fast people speak.
        words_per_minute: f64,
        /// How long a stretch of the meeting is.
        stretch: SimSpan,
    },
    /// A question about what has been said.
    Question {
        /// The question.
        text: String,
    },
    /// Whatever its parts say.
    Task {
        /// What there is to read.
        texts: Vec<String>,
    },
    /// Many tasks with nothing to read, one after the other at random times: a Poisson process.
    Arrivals {
        /// How many.
        n_tasks: u32,
        /// The mean time from one to the next.
        mean_gap: SimSpan,
    },
}

/// A failure to inject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it begins.
    pub at: SimTime,
    /// What fails: position in [`Scene::resources`](crate::Scene::resources).
    pub resource: ResourceId,
    /// How long it lasts.
    pub span: SimSpan,
}

/// A scripted moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When it comes.
    pub at: SimTime,
    /// What happens.
    pub kind: MomentKind,
}

/// What happens in a scripted moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MomentKind {
    /// Somebody says something.
    Say {
        /// Which agent.
        agent: OwnerId,
        /// What.
        text: String,
    },
}

/// The names that sources, faults and moments use.
pub(crate) struct SourceNames<'a> {
    /// Of agents.
    pub(crate) agents: &'a Names,
    /// Of tasks that have a decomposition.
    pub(crate) tasks: &'a Names,
    /// Of replicas, of agents with skills and of machines.
    pub(crate) resources: &'a Names,
}

impl SourceNames<'_> {
    fn agent(&self, check: &mut Check<'_>, at: &At<String>) -> OwnerId {
        OwnerId(self.agents.find(check, at).unwrap_or_default() as u32)
    }
}

impl Source {
    /// `folder` is where the scene file stands.
    pub(crate) fn checked(
        check: &mut Check<'_>,
        spec: &SourceSpec,
        names: &SourceNames<'_>,
        folder: &Path,
        outside: &Outside<'_>,
    ) -> Self {
        let (SourceSpec::Meeting {
            at,
            by,
            task,
            weight,
            deadline_secs,
            ..
        }
        | SourceSpec::Question {
            at,
            by,
            task,
            weight,
            deadline_secs,
            ..
        }
        | SourceSpec::Task {
            at,
            by,
            task,
            weight,
            deadline_secs,
            ..
        }
        | SourceSpec::Arrivals {
            at,
            by,
            task,
            weight,
            deadline_secs,
            ..
        }) = spec;
        Self {
            at: time(check, at),
            by: names.agent(check, by),
            // Refused if unknown; then no decomposition stands in, so that its parts are not refused too.
            decomposition: names.tasks.find(check, task).unwrap_or(usize::MAX),
            weight: number(check, weight, "weight", &Bounds::WEIGHT),
            deadline: deadline_secs
                .as_ref()
                .map(|deadline| span(check, deadline, "deadline_secs", &Bounds::SOME_SECS)),
            kind: SourceKind::checked(check, spec, folder, outside),
        }
    }
}

impl SourceKind {
    fn checked(
        check: &mut Check<'_>,
        spec: &SourceSpec,
        folder: &Path,
        outside: &Outside<'_>,
    ) -> Self {
        match spec {
            SourceSpec::Meeting {
                file,
                words_per_minute,
                stretch_secs,
                ..
            } => Self::Meeting {
                file: checked_file(check, file, folder, outside),
                words_per_minute: number(
                    check,
                    words_per_minute,
                    "words_per_minute",
                    &Bounds::WORDS_PER_MINUTE,
                ),
                stretch: span(check, stretch_secs, "stretch_secs", &Bounds::SOME_SECS),
            },
            SourceSpec::Question { text, .. } => Self::Question {
                text: check.text(text, "the question"),
            },
            SourceSpec::Task { texts, .. } => {
                check.at_most(texts, MAX_TEXTS, "texts", |text| text);
                let texts = texts.iter().take(MAX_TEXTS);
                Self::Task {
                    texts: texts.map(|at| check.text(at, "a text")).collect(),
                }
            }
            SourceSpec::Arrivals { n, every_secs, .. } => {
                let n_tasks = check.count(n, "n", 1..=MAX_ARRIVALS);
                let mean_gap = span(check, every_secs, "every_secs", &Bounds::SOME_SECS);
                Self::Arrivals { n_tasks, mean_gap }
            }
        }
    }
}

impl Fault {
    pub(crate) fn checked(
        check: &mut Check<'_>,
        spec: &FaultSpec,
        names: &SourceNames<'_>,
    ) -> Self {
        Self {
            at: time(check, &spec.at),
            resource: ResourceId(
                names
                    .resources
                    .find(check, &spec.resource)
                    .unwrap_or_default() as u32,
            ),
            span: span(check, &spec.secs, "secs", &Bounds::SOME_SECS),
        }
    }
}

impl Moment {
    pub(crate) fn checked(
        check: &mut Check<'_>,
        spec: &MomentSpec,
        names: &SourceNames<'_>,
    ) -> Self {
        let MomentSpec::Say { at, agent, text } = spec;
        let kind = MomentKind::Say {
            agent: names.agent(check, agent),
            text: check.text(text, "what is said"),
        };
        Self {
            at: time(check, at),
            kind,
        }
    }
}

fn number(check: &mut Check<'_>, at: &At<f64>, field: &str, bounds: &Bounds) -> f64 {
    check.number(at, field, bounds).unwrap_or(1.0)
}

fn time(check: &mut Check<'_>, at: &At<f64>) -> SimTime {
    SimTime::from_secs_f64(number(check, at, "at", &Bounds::SECS))
}

fn span(check: &mut Check<'_>, at: &At<f64>, field: &str, bounds: &Bounds) -> SimSpan {
    SimSpan::from_secs_f64(number(check, at, field, bounds))
}

fn checked_file(
    check: &mut Check<'_>,
    at: &At<String>,
    folder: &Path,
    outside: &Outside<'_>,
) -> PathBuf {
    let file = folder.join(check.text(at, "file"));
    if at.value.is_ok() && !(outside.is_file)(&file) {
        check.refuse(at, || {
            let what = format!("there is no file {:?}", file.display().to_string());
            (
                what,
                "check the path, which starts at the folder of the scene file",
            )
        });
    }
    file
}
