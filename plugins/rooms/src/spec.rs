//! The types of the scene file, as it is written: every field with its unit and its default.
//!
//! Nothing here is checked beyond its type; `Scene::parse` turns a [`SceneSpec`] into a checked scene.
//! Names and numbers are [`At`]s, so that a problem found later can say where it stands.

use schedule::Skill;
use serde::Deserialize;

use crate::{
    agent::Role,
    at::At,
    decomposition::Per,
    hardware::DeviceKind,
    space::Look,
    station::{PropKind, StationKind},
};

/// A whole scene file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "scene")]
pub(crate) struct SceneSpec {
    /// The version of this schema: 1.
    pub(crate) version: At<u32>,
    /// What the scene is called in the picker.
    pub(crate) name: At<String>,
    /// One sentence for the picker; default: none.
    #[serde(default = "no_text")]
    pub(crate) caption: At<String>,
    /// The seed of all chance in a run; default: 0.
    #[serde(default = "zero_seed")]
    pub(crate) seed: At<u64>,
    /// The policy that places subtasks, by name; default: the program's own.
    #[serde(default)]
    pub(crate) policy: Option<At<String>>,
    /// Simulated seconds for each second on the desktop, 0.1 to 1000; default: 1.
    #[serde(default = "one")]
    pub(crate) speed: At<f64>,
    /// Rooms; at least one.
    pub(crate) spaces: Vec<SpaceSpec>,
    /// Places where work happens; default: none.
    #[serde(default)]
    pub(crate) stations: Vec<StationSpec>,
    /// Things that only stand there; default: none.
    #[serde(default)]
    pub(crate) props: Vec<PropSpec>,
    /// Who is in the scene; at least one.
    pub(crate) agents: Vec<AgentSpec>,
    /// Hardware; default: none.
    #[serde(default)]
    pub(crate) devices: Vec<DeviceSpec>,
    /// Models, by the names that the rest of the file uses; default: none.
    #[serde(default)]
    pub(crate) models: Vec<ModelSpec>,
    /// Models loaded on devices; default: none.
    #[serde(default)]
    pub(crate) replicas: Vec<ReplicaSpec>,
    /// Machines and vehicles; default: none.
    #[serde(default)]
    pub(crate) machines: Vec<MachineSpec>,
    /// Where tasks come from; default: none.
    #[serde(default)]
    pub(crate) sources: Vec<SourceSpec>,
    /// How tasks are split into subtasks; default: none.
    #[serde(default)]
    pub(crate) decompositions: Vec<DecompositionSpec>,
    /// Failures to inject; default: none.
    #[serde(default)]
    pub(crate) faults: Vec<FaultSpec>,
    /// Scripted moments; default: none.
    #[serde(default)]
    pub(crate) moments: Vec<MomentSpec>,
    /// Where the camera stands; default: a view over the first space.
    #[serde(default)]
    pub(crate) camera: Option<CameraSpec>,
}

/// The version alone, to tell files of later schemas from broken ones.
#[derive(Debug, Deserialize)]
#[serde(rename = "scene")]
pub(crate) struct VersionSpec {
    /// The version of the schema.
    pub(crate) version: At<u32>,
}

/// A room, hall or shop floor: a rectangle with a height.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "space")]
pub(crate) struct SpaceSpec {
    /// Its name.
    pub(crate) name: At<String>,
    /// The centre of its floor in the world, x and z in metres; default: (0, 0).
    #[serde(default = "origin")]
    pub(crate) at: At<(f64, f64)>,
    /// Width along x and depth along z in metres, up to 1000.
    pub(crate) size: At<(f64, f64)>,
    /// Height in metres, up to 100; default: 3.
    #[serde(default = "room_height")]
    pub(crate) height: At<f64>,
    /// What kind of place it looks like: meeting, factory, classroom, lounge or clinic; default:
    /// meeting.
    #[serde(default = "meeting_look")]
    pub(crate) look: At<Look>,
}

/// A place where work happens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "station")]
pub(crate) struct StationSpec {
    /// Its name.
    pub(crate) name: At<String>,
    /// What it is: table, seat, desk, screen, rack, sofa, board, shelf, machine, conveyor, vehicle or bed.
    pub(crate) kind: At<StationKind>,
    /// The space that it stands in; may be left out where there is only one.
    #[serde(default)]
    pub(crate) space: Option<At<String>>,
    /// Its centre, x and z in metres from the centre of its space.
    pub(crate) at: At<(f64, f64)>,
    /// Height of its lower edge above the floor in metres; default: by kind.
    #[serde(default)]
    pub(crate) raised: Option<At<f64>>,
    /// Width and depth in metres before it is turned; default: by kind.
    #[serde(default)]
    pub(crate) size: Option<At<(f64, f64)>>,
    /// Height in metres; default: by kind.
    #[serde(default)]
    pub(crate) height: Option<At<f64>>,
    /// Where it faces in degrees: 0 is -z, 90 is -x, 180 is +z, 270 is +x; default: 0.
    #[serde(default = "zero")]
    pub(crate) facing: At<f64>,
}

/// A thing that only stands there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "prop")]
pub(crate) struct PropSpec {
    /// Its name.
    pub(crate) name: At<String>,
    /// What it is: plant, whiteboard, lamp, crates, divider or rug.
    pub(crate) kind: At<PropKind>,
    /// The space that it stands in; may be left out where there is only one.
    #[serde(default)]
    pub(crate) space: Option<At<String>>,
    /// Its centre, x and z in metres from the centre of its space.
    pub(crate) at: At<(f64, f64)>,
    /// Where it faces in degrees, as for stations; default: 0.
    #[serde(default = "zero")]
    pub(crate) facing: At<f64>,
}

/// Somebody with a role and maybe skills.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "agent")]
pub(crate) struct AgentSpec {
    /// The agent's name.
    pub(crate) name: At<String>,
    /// What the agent is there for, such as chair, worker, teacher, author or nurse.
    pub(crate) role: At<Role>,
    /// The station where the agent is found; no two agents share one.
    pub(crate) home: At<String>,
    /// What the agent does without a model, one thing at a time; default: nothing.
    #[serde(default)]
    pub(crate) skills: Vec<SkillSpec>,
}

/// A skill and how long it takes: `fixed + per_item × items + per_token × tokens`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "skill")]
pub(crate) struct SkillSpec {
    /// Which.
    pub(crate) skill: At<Skill>,
    /// Seconds for each batch; default: 0.
    #[serde(default = "zero")]
    pub(crate) fixed_secs: At<f64>,
    /// Seconds for each input; default: 0.
    #[serde(default = "zero")]
    pub(crate) per_item_secs: At<f64>,
    /// Seconds for each token; default: 0.
    #[serde(default = "zero")]
    pub(crate) per_token_secs: At<f64>,
    /// Of a replica, instead of seconds: a profile that comes with the program, or `calibrated` for
    /// what was measured on this machine; default: the seconds given here.
    #[serde(default)]
    pub(crate) profile: Option<At<String>>,
    /// Tokens that each input is answered with, for a profile of a model that generates; default: 0.
    #[serde(default)]
    pub(crate) answer_tokens: Option<At<u32>>,
}

/// Hardware that models run on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "device")]
pub(crate) struct DeviceSpec {
    /// Its name.
    pub(crate) name: At<String>,
    /// What it is: cpu, gpu or remote.
    pub(crate) kind: At<DeviceKind>,
    /// How fast data reaches it in bytes per second; default: at once.
    #[serde(default)]
    pub(crate) bytes_per_sec: Option<At<f64>>,
    /// Memory that the models of its replicas share, in units of 10⁹ bytes; default: no limit.
    #[serde(default)]
    pub(crate) memory_gb: Option<At<f64>>,
    /// What an hour of work costs; default: 0.
    #[serde(default = "zero")]
    pub(crate) price_per_hour: At<f64>,
    /// What it draws while it works in watts; default: 0.
    #[serde(default = "zero")]
    pub(crate) watts: At<f64>,
}

/// A model under the name that this scene gives it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "model")]
pub(crate) struct ModelSpec {
    /// The name used by replicas and decompositions.
    pub(crate) name: At<String>,
    /// The version in the model catalog, or `openai:NAME` for a model of a server.
    pub(crate) version: At<String>,
    /// What it takes of a device's memory, in units of 10⁹ bytes; default: as its manifest says.
    #[serde(default)]
    pub(crate) memory_gb: Option<At<f64>>,
    /// Seconds that it takes to load it into a device's memory; default: as fast as data reaches the
    /// device.
    #[serde(default)]
    pub(crate) load_secs: Option<At<f64>>,
}

/// A model loaded on a device, able to serve.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "replica")]
pub(crate) struct ReplicaSpec {
    /// Its name.
    pub(crate) name: At<String>,
    /// The model.
    pub(crate) model: At<String>,
    /// The device.
    pub(crate) device: At<String>,
    /// The station where it is shown; default: nowhere.
    #[serde(default)]
    pub(crate) station: Option<At<String>>,
    /// Subtasks that it can start together, 1 to 1024; default: 1.
    #[serde(default = "one_slot")]
    pub(crate) slots: At<u32>,
    /// What it can do; at least one skill.
    pub(crate) skills: Vec<SkillSpec>,
}

/// What works without a model or a person.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "machine")]
pub(crate) struct MachineSpec {
    /// Its name.
    pub(crate) name: At<String>,
    /// The station that it is.
    pub(crate) station: At<String>,
    /// Subtasks that it can start together, 1 to 1024; default: 1.
    #[serde(default = "one_slot")]
    pub(crate) slots: At<u32>,
    /// What it can do; at least one skill.
    pub(crate) skills: Vec<SkillSpec>,
    /// What an hour of its work costs; default: 0.
    #[serde(default = "zero")]
    pub(crate) price_per_hour: At<f64>,
    /// What it draws while it works in watts; default: 0.
    #[serde(default = "zero")]
    pub(crate) watts: At<f64>,
}

/// Where a task comes from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "source", rename_all = "snake_case")]
pub(crate) enum SourceSpec {
    /// A meeting that is read from a transcript and played turn by turn.
    Meeting {
        /// The transcript, relative to the scene file.
        file: At<String>,
        /// The decomposition of the task.
        task: At<String>,
        /// The agent who answers for the task.
        by: At<String>,
        /// When the first turn begins, in seconds; default: 0.
        #[serde(default = "zero")]
        at: At<f64>,
        /// How fast people speak, 1 to 1000; default: 150.
        #[serde(default = "speech_rate")]
        words_per_minute: At<f64>,
        /// How long a stretch of the meeting is in seconds; default: 90.
        #[serde(default = "stretch_secs")]
        stretch_secs: At<f64>,
        /// How much the completion time counts; default: 1.
        #[serde(default = "one")]
        weight: At<f64>,
        /// Seconds after arrival by which the task should be done; default: no deadline.
        #[serde(default)]
        deadline_secs: Option<At<f64>>,
    },
    /// A question about what has been said.
    Question {
        /// When it is asked, in seconds.
        at: At<f64>,
        /// The agent who asks.
        by: At<String>,
        /// The decomposition of the task.
        task: At<String>,
        /// The question.
        text: At<String>,
        /// How much the completion time counts; default: 1.
        #[serde(default = "one")]
        weight: At<f64>,
        /// Seconds after arrival by which the task should be done; default: no deadline.
        #[serde(default)]
        deadline_secs: Option<At<f64>>,
    },
    /// A task, which may bring texts to read.
    Task {
        /// When it arrives, in seconds.
        at: At<f64>,
        /// The agent who answers for it.
        by: At<String>,
        /// The decomposition of the task.
        task: At<String>,
        /// How much the completion time counts; default: 1.
        #[serde(default = "one")]
        weight: At<f64>,
        /// Seconds after arrival by which the task should be done; default: no deadline.
        #[serde(default)]
        deadline_secs: Option<At<f64>>,
        /// What there is to read; default: nothing.
        #[serde(default)]
        texts: Vec<At<String>>,
    },
    /// Tasks that come one after the other at random, independently of each other.
    Arrivals {
        /// How many, 1 to 100,000.
        n: At<u32>,
        /// Seconds from one to the next, on average.
        every_secs: At<f64>,
        /// When the first may arrive, in seconds; default: 0.
        #[serde(default = "zero")]
        at: At<f64>,
        /// The agent who answers for them.
        by: At<String>,
        /// The decomposition of each.
        task: At<String>,
        /// How much the completion time of each counts; default: 1.
        #[serde(default = "one")]
        weight: At<f64>,
        /// Seconds after its arrival by which each should be done; default: no deadline.
        #[serde(default)]
        deadline_secs: Option<At<f64>>,
    },
}

impl SourceSpec {
    /// The decomposition of the task.
    pub(crate) fn task(&self) -> &At<String> {
        let (Self::Meeting { task, .. }
        | Self::Question { task, .. }
        | Self::Task { task, .. }
        | Self::Arrivals { task, .. }) = self;
        task
    }
}

/// How a task is split.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "decomposition")]
pub(crate) struct DecompositionSpec {
    /// The task's name.
    pub(crate) task: At<String>,
    /// Its pieces, in any order; at least one.
    pub(crate) parts: Vec<PartSpec>,
}

/// A piece of a task, done once for each of something.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "part")]
pub(crate) struct PartSpec {
    /// Its name, without `/`.
    pub(crate) name: At<String>,
    /// What it needs done.
    pub(crate) skill: At<Skill>,
    /// The model that must do it; default: whoever has the skill.
    #[serde(default)]
    pub(crate) model: Option<At<String>>,
    /// Who can do it and how long it takes each, instead of whoever has the skill; default: nobody
    /// in particular.
    #[serde(default)]
    pub(crate) on: Vec<WaySpec>,
    /// The agent responsible for it.
    pub(crate) by: At<String>,
    /// What it is done once for: task, text, meeting, stretch, turn, topic or question.
    pub(crate) per: At<Per>,
    /// What must be done before: a part of this task, or `task/part` of another; default: nothing.
    #[serde(default)]
    pub(crate) after: Vec<At<String>>,
}

/// One who can do a part, and how long it takes them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "way")]
pub(crate) struct WaySpec {
    /// The machine, or the agent with skills.
    pub(crate) who: At<String>,
    /// How long it takes, in seconds.
    pub(crate) secs: At<f64>,
}

/// A failure to inject.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "fault")]
pub(crate) struct FaultSpec {
    /// When it begins, in seconds.
    pub(crate) at: At<f64>,
    /// The replica, machine or agent with skills that fails.
    pub(crate) resource: At<String>,
    /// How long it lasts, in seconds.
    pub(crate) secs: At<f64>,
}

/// A scripted moment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "moment", rename_all = "snake_case")]
pub(crate) enum MomentSpec {
    /// Somebody says something.
    Say {
        /// When, in seconds.
        at: At<f64>,
        /// Which agent.
        agent: At<String>,
        /// What.
        text: At<String>,
    },
}

/// Where the camera stands and looks, in world metres.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename = "camera")]
pub(crate) struct CameraSpec {
    /// Where it stands.
    pub(crate) from: At<(f64, f64, f64)>,
    /// What it looks at.
    pub(crate) to: At<(f64, f64, f64)>,
}

fn no_text() -> At<String> {
    At::default_of(String::new())
}

fn zero_seed() -> At<u64> {
    At::default_of(0)
}

fn zero() -> At<f64> {
    At::default_of(0.0)
}

fn one() -> At<f64> {
    At::default_of(1.0)
}

fn one_slot() -> At<u32> {
    At::default_of(1)
}

fn origin() -> At<(f64, f64)> {
    At::default_of((0.0, 0.0))
}

fn room_height() -> At<f64> {
    At::default_of(3.0)
}

fn meeting_look() -> At<Look> {
    At::default_of(Look::Meeting)
}

fn speech_rate() -> At<f64> {
    At::default_of(150.0)
}

fn stretch_secs() -> At<f64> {
    At::default_of(90.0)
}
