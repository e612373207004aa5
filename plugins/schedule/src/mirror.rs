//! Entities that mirror tasks, subtasks and resources in the step in which the engine changes them.

use std::collections::BTreeSet;

use bevy::prelude::{
    App, Commands, Component, Entity, IntoScheduleConfigs as _, Name, Reflect, Res, ResMut,
    Resource,
};
use sim::{SimStep, SimSystems};

use crate::{
    access::Scheduler,
    engine::{Engine, Resource as PoolMember},
    fact::EngineFact,
    pool::{ResourceId, ResourceKind},
    workload::{OwnerId, Skill, SubtaskId, TaskId},
};

/// A task; its [`TaskState`](crate::TaskState) is beside it.
#[derive(Component, Clone, Debug, PartialEq, Eq, Reflect)]
pub struct TaskMirror {
    /// Its number.
    pub id: TaskId,
    /// What people call it.
    pub name: String,
    /// Who answers for it.
    pub owner: OwnerId,
}

/// A subtask; its [`SubtaskState`](crate::SubtaskState) is beside it.
#[derive(Component, Clone, Debug, PartialEq, Eq, Reflect)]
pub struct SubtaskMirror {
    /// Its number.
    pub id: SubtaskId,
    /// The task it is a piece of.
    pub task: TaskId,
    /// What people call it.
    pub name: String,
    /// What it needs done.
    pub skill: Skill,
    /// The agent responsible for it.
    pub owner: OwnerId,
}

/// A resource; its [`ResourceLoad`] is beside it.
#[derive(Component, Clone, Debug, PartialEq, Eq, Reflect)]
pub struct PoolResource {
    /// Its number.
    pub id: ResourceId,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: ResourceKind,
    /// Subtasks it can start together.
    pub slots: u32,
}

/// What a resource does.
#[derive(Component, Clone, Debug, PartialEq, Eq, Reflect)]
pub struct ResourceLoad {
    /// Whether it works.
    pub up: bool,
    /// What is in its running batch, be it cancelled meanwhile or not.
    pub running: Vec<SubtaskId>,
    /// How many subtasks it has finished.
    pub finished: u32,
}

/// Which entity mirrors what.
#[derive(Resource, Debug, Default)]
pub struct Mirrors {
    tasks: Vec<Entity>,
    subtasks: Vec<Entity>,
    resources: Vec<Entity>,
}

impl Mirrors {
    /// The entity of a task; `None` before the end of the step in which it arrives.
    pub fn task(&self, id: TaskId) -> Option<Entity> {
        self.tasks.get(id.index()).copied()
    }

    /// The entity of a subtask; `None` before the end of the step in which it is added.
    pub fn subtask(&self, id: SubtaskId) -> Option<Entity> {
        self.subtasks.get(id.index()).copied()
    }

    /// The entity of a resource; `None` before the end of the first step.
    pub fn resource(&self, id: ResourceId) -> Option<Entity> {
        self.resources.get(id.index()).copied()
    }
}

/// What has changed since the mirror was last brought in line.
#[derive(Resource, Debug, Default)]
pub(crate) struct Touched {
    tasks: BTreeSet<TaskId>,
    subtasks: BTreeSet<SubtaskId>,
    resources: BTreeSet<ResourceId>,
}

impl Touched {
    pub(crate) fn task(&mut self, id: TaskId) {
        self.tasks.insert(id);
    }

    /// Notes all that changed when `fact` happened.
    pub(crate) fn by(&mut self, fact: &EngineFact) {
        match fact {
            EngineFact::TaskArrived { task, .. }
            | EngineFact::TaskFinished { task, .. }
            | EngineFact::TaskFailed { task }
            | EngineFact::TaskCancelled { task }
            | EngineFact::TaskRefused { task } => {
                self.tasks.insert(*task);
            }
            EngineFact::SubtaskAdded { subtask, .. }
            | EngineFact::SubtaskReady { subtask }
            | EngineFact::SubtaskFinished { subtask, .. }
            | EngineFact::SubtaskFailed { subtask, .. }
            | EngineFact::SubtaskPreempted { subtask, .. }
            | EngineFact::SubtaskCancelled { subtask } => {
                self.subtasks.insert(*subtask);
            }
            EngineFact::BatchStarted {
                resource, subtasks, ..
            } => {
                self.resources.insert(*resource);
                self.subtasks.extend(subtasks);
            }
            EngineFact::ResourceJoined { resource, .. }
            | EngineFact::BatchFinished { resource, .. }
            | EngineFact::ResourceStarting { resource, .. }
            | EngineFact::ResourceDown { resource }
            | EngineFact::ResourceUp { resource } => {
                self.resources.insert(*resource);
            }
            EngineFact::SubtaskPlaced { .. }
            | EngineFact::SubtaskHedged { .. }
            | EngineFact::TokensEvicted { .. }
            | EngineFact::TokensReadmitted { .. }
            | EngineFact::ModelLoaded { .. }
            | EngineFact::DeadlineMissed { .. } => {}
        }
    }
}

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<Mirrors>()
        .init_resource::<Touched>()
        .add_systems(
            SimStep,
            (mirror_resources, mirror_tasks, mirror_subtasks)
                .chain()
                .in_set(SimSystems::Record),
        );
}

fn mirror_tasks(
    engine: Res<Scheduler>,
    mut touched: ResMut<Touched>,
    mut mirrors: ResMut<Mirrors>,
    mut commands: Commands,
) {
    for id in std::mem::take(&mut touched.tasks) {
        let task = engine.task(id);
        if let Some(entity) = mirrors.task(id) {
            commands.entity(entity).insert(task.state);
            continue;
        }
        let (name, owner) = (engine.task_name(id).to_owned(), task.spec.owner);
        let bundle = (
            Name::new(name.clone()),
            TaskMirror { id, name, owner },
            task.state,
        );
        mirrors.tasks.push(commands.spawn(bundle).id());
    }
}

fn mirror_subtasks(
    engine: Res<Scheduler>,
    mut touched: ResMut<Touched>,
    mut mirrors: ResMut<Mirrors>,
    mut commands: Commands,
) {
    for id in std::mem::take(&mut touched.subtasks) {
        let subtask = engine.subtask(id);
        if let Some(entity) = mirrors.subtask(id) {
            commands.entity(entity).insert(subtask.state);
            continue;
        }
        let spec = &subtask.spec;
        let mirror = SubtaskMirror {
            id,
            task: spec.task,
            name: engine.subtask_name(id).to_owned(),
            skill: spec.skill,
            owner: spec.owner,
        };
        let entity = commands
            .spawn((
                Name::new(engine.subtask_name(id).to_owned()),
                mirror,
                subtask.state,
            ))
            .id();
        mirrors.subtasks.push(entity);
    }
}

fn mirror_resources(
    engine: Res<Scheduler>,
    mut touched: ResMut<Touched>,
    mut mirrors: ResMut<Mirrors>,
    mut commands: Commands,
) {
    for id in std::mem::take(&mut touched.resources) {
        let resource = engine.resource(id);
        let load = load_of(&engine, resource);
        if let Some(entity) = mirrors.resource(id) {
            commands.entity(entity).insert(load);
            continue;
        }
        let mirror = PoolResource {
            id,
            name: resource.spec.name.clone(),
            kind: resource.spec.kind.clone(),
            slots: resource.spec.slots,
        };
        let entity = commands
            .spawn((Name::new(resource.spec.name.clone()), mirror, load))
            .id();
        mirrors.resources.push(entity);
    }
}

fn load_of(engine: &Engine, resource: &PoolMember) -> ResourceLoad {
    ResourceLoad {
        up: resource.up,
        running: engine.running_on(resource.id),
        finished: resource.finished,
    }
}
