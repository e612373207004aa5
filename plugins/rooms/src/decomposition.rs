//! Decompositions: how a task is split into subtasks, as a checked graph.

use std::collections::BTreeSet;

use bevy::prelude::Reflect;
use schedule::{OwnerId, Skill};
use serde::Deserialize;
use sim::SimSpan;

use crate::{
    agent::Agent,
    bounds::Bounds,
    check::Check,
    explain::{either, quoted},
    hardware::Replica,
    machine::Machine,
    names::Names,
    part_graph::PartGraph,
    source::{Source, SourceKind},
    spec::{DecompositionSpec, PartSpec},
};

/// How a task is split: an acyclic graph of parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decomposition {
    /// The task's name.
    pub task: String,
    /// Its pieces, each after its predecessors.
    pub parts: Vec<Part>,
}

/// A piece of a task, done once for each of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What people call it.
    pub name: String,
    /// What it needs done.
    pub skill: Skill,
    /// The name of the model that must do it; `None`: whoever has the skill.
    pub model: Option<String>,
    /// Who can do it and how long it takes each; empty: whoever has the skill.
    pub on: Vec<Way>,
    /// The agent responsible for it.
    pub by: OwnerId,
    /// What it is done once for.
    pub per: Per,
    /// Positions of its predecessors in the same decomposition, all smaller than its own.
    pub after: Vec<usize>,
    /// Its predecessors in other decompositions.
    pub after_elsewhere: Vec<PartRef>,
}

/// One who can do a part, and how long it takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The name of a machine, or of an agent with skills.
    pub who: String,
    /// How long it takes.
    pub span: SimSpan,
}

/// A part of some decomposition of the scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartRef {
    /// Position in [`Scene::decompositions`](crate::Scene::decompositions).
    pub decomposition: usize,
    /// Position in its [`Decomposition::parts`].
    pub part: usize,
}

/// What a part is done once for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Reflect, Deserialize)]
#[serde(rename = "per", rename_all = "snake_case")]
pub enum Per {
    /// The whole of a task.
    Task,
    /// Each text that a task brings.
    Text,
    /// The whole meeting.
    Meeting,
    /// Each stretch of the meeting.
    Stretch,
    /// Each turn of the meeting.
    Turn,
    /// Each topic that was found.
    Topic,
    /// A question.
    Question,
}

impl Per {
    /// The name used in scene files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Text => "text",
            Self::Meeting => "meeting",
            Self::Stretch => "stretch",
            Self::Turn => "turn",
            Self::Topic => "topic",
            Self::Question => "question",
        }
    }
}

/// Who can do what.
pub(crate) struct Offers {
    /// Each skill that a replica offers, with the position of its model.
    replicas: BTreeSet<(Skill, usize)>,
    /// Each skill that somebody offers.
    anyone: BTreeSet<Skill>,
}

impl Offers {
    pub(crate) fn new(agents: &[Agent], replicas: &[Replica], machines: &[Machine]) -> Self {
        let by_replicas = replicas.iter().flat_map(|replica| {
            replica
                .skills
                .iter()
                .map(|(skill, _)| (*skill, replica.model))
        });
        let replicas: BTreeSet<_> = by_replicas.collect();
        let by_agents = agents
            .iter()
            .flat_map(|agent| agent.skills.iter().map(|(skill, _)| *skill));
        let by_machines = machines
            .iter()
            .flat_map(|machine| machine.skills.iter().map(|(skill, _)| *skill));
        let anyone = by_agents
            .chain(by_machines)
            .chain(replicas.iter().map(|(skill, _)| *skill))
            .collect();
        Self { replicas, anyone }
    }

    /// Whether somebody (with `model`, if that matters) can do `skill`.
    fn hold(&self, skill: Skill, model: Option<usize>) -> bool {
        match model {
            Some(model) => self.replicas.contains(&(skill, model)),
            None => self.anyone.contains(&skill),
        }
    }
}

/// Those that parts refer to.
pub(crate) struct Performers<'a> {
    /// The names of the agents.
    pub(crate) agents: &'a Names,
    /// The names of the models.
    pub(crate) models: &'a Names,
    /// The names of replicas, of agents with skills and of machines, and how many of them are replicas.
    pub(crate) resources: &'a Names,
    pub(crate) n_replicas: usize,
    /// Who can do what, unless that is in doubt since an agent or replica was refused.
    pub(crate) offers: Option<Offers>,
}

/// Turns all decompositions of a scene into checked graphs.
pub(crate) fn checked_decompositions(
    check: &mut Check<'_>,
    specs: &[DecompositionSpec],
    tasks: &Names,
    performers: &Performers<'_>,
) -> Vec<Decomposition> {
    let graph = PartGraph::new(check, specs, tasks);
    let order = graph.order(check, specs);
    let mut decompositions: Vec<Decomposition> = specs
        .iter()
        .map(|spec| Decomposition {
            task: spec.task.value.clone().unwrap_or_default(),
            parts: Vec::new(),
        })
        .collect();
    // Where each part ends up, known for all predecessors of a part by the time that it is placed.
    let mut placed = vec![
        PartRef {
            decomposition: 0,
            part: 0
        };
        graph.before.len()
    ];
    for node in order {
        let (decomposition, part) = graph.at[node];
        let mut checked = Part::checked(check, &specs[decomposition].parts[part], performers);
        for predecessor in graph.before[node].iter().map(|node| placed[*node]) {
            if predecessor.decomposition == decomposition {
                checked.after.push(predecessor.part);
            } else {
                checked.after_elsewhere.push(predecessor);
            }
        }
        checked.after.sort_unstable();
        checked.after_elsewhere.sort_unstable();
        let parts = &mut decompositions[decomposition].parts;
        placed[node] = PartRef {
            decomposition,
            part: parts.len(),
        };
        parts.push(checked);
    }
    decompositions
}

impl Part {
    /// Everything but the predecessors.
    fn checked(check: &mut Check<'_>, spec: &PartSpec, performers: &Performers<'_>) -> Self {
        let skill = check.value(&spec.skill);
        let model = spec
            .model
            .as_ref()
            .map(|at| performers.models.find(check, at));
        let on = Way::checked(check, spec, performers);
        if let (Some(skill), Some(offers), []) = (skill, &performers.offers, spec.on.as_slice())
            && model != Some(None)
            && !offers.hold(skill, model.flatten())
        {
            check.refuse(&spec.skill, || unoffered(skill, spec));
        }
        Self {
            name: spec.name.value.clone().unwrap_or_default(),
            skill: skill.unwrap_or(Skill::Embed),
            model: spec.model.as_ref().and_then(|at| at.value.clone().ok()),
            on,
            by: OwnerId(performers.agents.find(check, &spec.by).unwrap_or_default() as u32),
            per: check.value(&spec.per).unwrap_or(Per::Task),
            after: Vec::new(),
            after_elsewhere: Vec::new(),
        }
    }
}

impl Way {
    /// The ways that a part lists: each names a machine or agent, once.
    fn checked(check: &mut Check<'_>, spec: &PartSpec, performers: &Performers<'_>) -> Vec<Self> {
        if let (Some(model), [_, ..]) = (&spec.model, spec.on.as_slice()) {
            check.refuse(model, || {
                (
                    "a part is done by a model or by those in `on`, not by both",
                    "remove one of the two",
                )
            });
        }
        let mut seen = BTreeSet::new();
        let mut ways = Vec::with_capacity(spec.on.len());
        for way in &spec.on {
            let secs = check.number(&way.secs, "secs", &Bounds::LATENCY);
            let Some(place) = performers.resources.find(check, &way.who) else {
                continue;
            };
            let who = check.value(&way.who).unwrap_or_default();
            if place < performers.n_replicas {
                check.refuse(&way.who, || {
                    (
                        format!(
                            "{} is a replica, which does what its model can",
                            quoted(&who)
                        ),
                        "name a machine or an agent, or write `model`",
                    )
                });
            } else if !seen.insert(place) {
                check.refuse(&way.who, || {
                    (
                        format!("{} is listed twice", quoted(&who)),
                        "remove one of the two",
                    )
                });
            }
            let span = SimSpan::from_secs_f64(secs.unwrap_or_default());
            ways.push(Self { who, span });
        }
        ways
    }
}

fn unoffered(skill: Skill, spec: &PartSpec) -> (String, &'static str) {
    let skill = quoted(skill.name());
    match spec.model.as_ref().and_then(|at| at.value.as_deref().ok()) {
        Some(model) => (
            format!(
                "no replica of the model {} offers the skill {skill}",
                quoted(model)
            ),
            "add the skill to a replica of it or choose another model",
        ),
        None => (
            format!("nobody offers the skill {skill}"),
            "add it to the skills of a replica, an agent or a machine",
        ),
    }
}

/// Refuses parts that are done once for something that their task does not have.
pub(crate) fn check_per(check: &mut Check<'_>, specs: &[DecompositionSpec], sources: &[Source]) {
    let mut seen = BTreeSet::new();
    for source in sources {
        let (origin, fitting): (_, &[Per]) = match source.kind {
            SourceKind::Meeting { .. } => (
                "a meeting",
                &[Per::Meeting, Per::Stretch, Per::Turn, Per::Topic],
            ),
            SourceKind::Question { .. } => ("a question", &[Per::Question]),
            SourceKind::Task { ref texts } if !texts.is_empty() => {
                ("texts", &[Per::Task, Per::Text])
            }
            SourceKind::Task { .. } | SourceKind::Arrivals { .. } => {
                ("nothing to read", &[Per::Task])
            }
        };
        let Some(spec) = specs
            .get(source.decomposition)
            .filter(|_| seen.insert((source.decomposition, origin)))
        else {
            continue;
        };
        for part in &spec.parts {
            let misfit = part
                .per
                .value
                .as_ref()
                .ok()
                .filter(|per| !fitting.contains(per));
            if let Some(per) = misfit {
                check.refuse(&part.per, || {
                    let fitting: Vec<String> =
                        fitting.iter().map(|per| per.name().to_owned()).collect();
                    let what = format!(
                        "this is done once per {}, but its task is about {origin}",
                        per.name()
                    );
                    (what, format!("use {}", either(&fitting)))
                });
            }
        }
    }
}
