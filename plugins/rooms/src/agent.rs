//! Agents: who is in the scene, with their roles, skills and homes.

use std::collections::BTreeMap;

use bevy::prelude::{Component, Reflect};
use schedule::{LatencyProfile, OwnerId, Skill};
use serde::Deserialize;
use sim::SimSpan;

use crate::{
    bounds::Bounds,
    check::Check,
    names::Names,
    profile::refuse_profiles,
    spec::{AgentSpec, SkillSpec},
};

/// Somebody with a role, and maybe skills, who takes on tasks.
#[derive(Component, Clone, Debug, PartialEq, Reflect)]
pub struct Agent {
    /// Position in [`Scene::agents`](crate::Scene::agents).
    pub id: OwnerId,
    /// What people call the agent.
    pub name: String,
    /// What the agent is there for.
    pub role: Role,
    /// Position of the home station in [`Scene::stations`](crate::Scene::stations).
    pub home: usize,
    /// What the agent does without a model, and how long it takes.
    pub skills: Vec<(Skill, LatencyProfile)>,
}

impl Agent {
    pub(crate) fn checked(
        check: &mut Check<'_>,
        id: OwnerId,
        spec: &AgentSpec,
        stations: &Names,
    ) -> Self {
        refuse_profiles(check, &spec.skills);
        Self {
            id,
            name: spec.name.value.clone().unwrap_or_default(),
            role: check.value(&spec.role).unwrap_or(Role::Participant),
            home: stations.find(check, &spec.home).unwrap_or_default(),
            skills: checked_skills(check, &spec.skills),
        }
    }
}

/// Refuses a home that belongs to an agent before.
pub(crate) fn check_homes(check: &mut Check<'_>, specs: &[AgentSpec], agents: &[Agent]) {
    let mut inhabitants: BTreeMap<&str, &Agent> = BTreeMap::new();
    for (spec, agent) in specs.iter().zip(agents) {
        let Ok(home) = &spec.home.value else { continue };
        if let Some(first) = inhabitants.insert(home, agent) {
            check.refuse(&spec.home, || {
                (
                    format!("{:?} and {:?} have the same home", first.name, agent.name),
                    "give each their own station",
                )
            });
        }
    }
}

/// The skills of an agent or replica, each once.
pub(crate) fn checked_skills(
    check: &mut Check<'_>,
    specs: &[SkillSpec],
) -> Vec<(Skill, LatencyProfile)> {
    let mut skills: Vec<(Skill, LatencyProfile)> = Vec::with_capacity(specs.len());
    for spec in specs {
        let mut span = |at, field| {
            SimSpan::from_secs_f64(
                check
                    .number(at, field, &Bounds::LATENCY)
                    .unwrap_or_default(),
            )
        };
        let profile = LatencyProfile {
            fixed: span(&spec.fixed_secs, "fixed_secs"),
            per_item: span(&spec.per_item_secs, "per_item_secs"),
            per_token: span(&spec.per_token_secs, "per_token_secs"),
        };
        let Some(skill) = check.value(&spec.skill) else {
            continue;
        };
        if skills.iter().any(|(known, _)| *known == skill) {
            check.refuse(&spec.skill, || {
                (
                    format!("the skill {:?} is listed twice", skill.name()),
                    "remove one of the two",
                )
            });
        }
        skills.push((skill, profile));
    }
    skills
}

/// What an agent is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Reflect, Deserialize)]
#[serde(rename = "role", rename_all = "snake_case")]
pub enum Role {
    /// Leads the meeting and approves its minutes.
    Chair,
    /// Writes down what is said.
    Recorder,
    /// Finds the topics, sums them up and names them.
    Summariser,
    /// Answers questions out of what was said.
    Librarian,
    /// Takes part.
    Participant,
    /// Takes orders and says what is made when.
    Planner,
    /// Makes things, with tools and machines.
    Worker,
    /// Checks what was made.
    Inspector,
    /// Gives lessons and marks what pupils hand in.
    Teacher,
    /// Learns and hands in.
    Pupil,
    /// Writes what others read.
    Author,
    /// Reads what authors write and puts it in order.
    Moderator,
    /// Examines and treats.
    Doctor,
    /// Receives and cares.
    Nurse,
    /// Is cared for.
    Patient,
}

impl Role {
    /// The name used in scene files and journals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chair => "chair",
            Self::Recorder => "recorder",
            Self::Summariser => "summariser",
            Self::Librarian => "librarian",
            Self::Participant => "participant",
            Self::Planner => "planner",
            Self::Worker => "worker",
            Self::Inspector => "inspector",
            Self::Teacher => "teacher",
            Self::Pupil => "pupil",
            Self::Author => "author",
            Self::Moderator => "moderator",
            Self::Doctor => "doctor",
            Self::Nurse => "nurse",
            Self::Patient => "patient",
        }
    }
}
