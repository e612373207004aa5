//! Resolves a whole scene: tables of names first, then everything that refers to them.

use std::path::Path;

use bevy::prelude::Vec3;
use schedule::{OwnerId, PolicyName};

use crate::{
    agent::{Agent, check_homes},
    at::At,
    bounds::Bounds,
    check::{Check, Outside},
    decomposition::{Offers, Performers, check_per, checked_decompositions},
    explain::{one_of, quoted},
    hardware::{Device, HardwareNames, Model, Replica, check_memory},
    machine::Machine,
    names::Names,
    scene::{Camera, Scene},
    source::{Fault, Moment, Source, SourceNames},
    space::Space,
    spec::{CameraSpec, SceneSpec},
    station::{Prop, SpaceNames, Station},
};

/// The names of everything that can be referred to.
struct Tables {
    spaces: Names,
    stations: Names,
    agents: Names,
    devices: Names,
    models: Names,
    resources: Names,
    tasks: Names,
}

impl Tables {
    fn new(check: &mut Check<'_>, spec: &SceneSpec) -> Self {
        let skilled = spec
            .agents
            .iter()
            .filter(|agent| !agent.skills.is_empty())
            .map(|agent| &agent.name);
        let replicas = spec.replicas.iter().map(|replica| &replica.name);
        let machines = spec.machines.iter().map(|machine| &machine.name);
        Names::new(
            check,
            "prop",
            "props",
            spec.props.iter().map(|prop| &prop.name),
        );
        Self {
            spaces: Names::new(
                check,
                "space",
                "spaces",
                spec.spaces.iter().map(|space| &space.name),
            ),
            stations: Names::new(
                check,
                "station",
                "stations",
                spec.stations.iter().map(|station| &station.name),
            ),
            agents: Names::new(
                check,
                "agent",
                "agents",
                spec.agents.iter().map(|agent| &agent.name),
            ),
            devices: Names::new(
                check,
                "device",
                "devices",
                spec.devices.iter().map(|device| &device.name),
            ),
            models: Names::new(
                check,
                "model",
                "models",
                spec.models.iter().map(|model| &model.name),
            ),
            resources: Names::new(
                check,
                "replica, machine or agent with skills",
                "replicas",
                replicas.chain(skilled).chain(machines),
            ),
            tasks: Names::new(
                check,
                "task",
                "decompositions",
                spec.decompositions.iter().map(|split| &split.task),
            ),
        }
    }
}

/// The scene of `spec`. Where `check` has refused something a stand-in takes its place.
pub(crate) fn resolve(
    check: &mut Check<'_>,
    spec: &SceneSpec,
    path: &Path,
    outside: &Outside<'_>,
) -> Scene {
    let tables = Tables::new(check, spec);
    let Rooms {
        spaces,
        stations,
        props,
    } = rooms(check, spec, &tables);
    let n_problems = check.n_problems();
    let agents = agents(check, spec, &tables);
    let replicas = replicas(check, spec, &tables);
    let devices = each(&spec.devices, |_, spec| Device::checked(check, spec));
    let models = each(&spec.models, |_, spec| Model::checked(check, spec, outside));
    let machines = machines(check, spec, &tables);
    check_memory(check, &spec.replicas, &replicas, &devices, &models);
    let are_known = check.n_problems() == n_problems;
    let performers = Performers {
        agents: &tables.agents,
        models: &tables.models,
        resources: &tables.resources,
        n_replicas: replicas.len(),
        offers: are_known.then(|| Offers::new(&agents, &replicas, &machines)),
    };
    let splits = &spec.decompositions;
    let decompositions = checked_decompositions(check, splits, &tables.tasks, &performers);
    let names = SourceNames {
        agents: &tables.agents,
        tasks: &tables.tasks,
        resources: &tables.resources,
    };
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let sources = each(&spec.sources, |_, spec| {
        Source::checked(check, spec, &names, folder, outside)
    });
    check_per(check, splits, &sources);
    Scene {
        path: path.to_owned(),
        text_hash: String::new(),
        name: check.name(&spec.name, "scene"),
        caption: checked_caption(check, &spec.caption),
        seed: check.value(&spec.seed).unwrap_or_default(),
        policy: checked_policy(check, spec.policy.as_ref()),
        speed: check
            .number(&spec.speed, "speed", &Bounds::SPEED)
            .unwrap_or(1.0),
        camera: checked_camera(check, spec.camera.as_ref(), spaces.first()),
        devices,
        models,
        faults: each(&spec.faults, |_, spec| Fault::checked(check, spec, &names)),
        moments: each(&spec.moments, |_, spec| {
            Moment::checked(check, spec, &names)
        }),
        spaces,
        stations,
        props,
        agents,
        replicas,
        machines,
        decompositions,
        sources,
    }
}

fn machines(check: &mut Check<'_>, spec: &SceneSpec, tables: &Tables) -> Vec<Machine> {
    each(&spec.machines, |_, spec| {
        Machine::checked(check, spec, &tables.stations)
    })
}

/// The rooms of a scene and what stands in them.
struct Rooms {
    spaces: Vec<Space>,
    stations: Vec<Station>,
    props: Vec<Prop>,
}

fn rooms(check: &mut Check<'_>, spec: &SceneSpec, tables: &Tables) -> Rooms {
    let spaces = each(&spec.spaces, |index, spec| {
        Space::checked(check, index, spec)
    });
    let names = SpaceNames {
        names: &tables.spaces,
        spaces: &spaces,
    };
    let stations = each(&spec.stations, |index, spec| {
        Station::checked(check, index, spec, &names)
    });
    let props = each(&spec.props, |index, spec| {
        Prop::checked(check, index, spec, &names)
    });
    Rooms {
        spaces,
        stations,
        props,
    }
}

fn agents(check: &mut Check<'_>, spec: &SceneSpec, tables: &Tables) -> Vec<Agent> {
    let agents = each(&spec.agents, |index, spec| {
        Agent::checked(check, OwnerId(index as u32), spec, &tables.stations)
    });
    check_homes(check, &spec.agents, &agents);
    agents
}

fn replicas(check: &mut Check<'_>, spec: &SceneSpec, tables: &Tables) -> Vec<Replica> {
    let names = HardwareNames {
        models: &tables.models,
        devices: &tables.devices,
        stations: &tables.stations,
        model_specs: &spec.models,
    };
    each(&spec.replicas, |_, spec| {
        Replica::checked(check, spec, &names)
    })
}

/// Turns each of `specs`, which comes with its position.
fn each<S, T>(specs: &[S], mut turn: impl FnMut(usize, &S) -> T) -> Vec<T> {
    specs
        .iter()
        .enumerate()
        .map(|(index, spec)| turn(index, spec))
        .collect()
}

/// The policy that is named, if there is one of that name.
fn checked_policy(check: &mut Check<'_>, at: Option<&At<String>>) -> Option<PolicyName> {
    let at = at?;
    let name = check.value(at)?;
    let policy = name.parse().ok();
    if policy.is_none() {
        check.refuse(at, || {
            let names = PolicyName::ALL.map(PolicyName::name);
            (
                format!("there is no policy {}", quoted(&name)),
                one_of(&name, names.into_iter()),
            )
        });
    }
    policy
}

fn checked_caption(check: &mut Check<'_>, at: &At<String>) -> String {
    let caption = check.value(at).unwrap_or_default();
    check.short_text(at, caption, "the caption")
}

/// The camera of the file, or one that looks down into the first space over its +z wall.
fn checked_camera(
    check: &mut Check<'_>,
    spec: Option<&CameraSpec>,
    space: Option<&Space>,
) -> Camera {
    if let Some(spec) = spec {
        let before = check.n_problems();
        let from = checked_point(check, &spec.from, "from");
        let to = checked_point(check, &spec.to, "to");
        if from == to && check.n_problems() == before {
            check.refuse(&spec.to, || {
                ("the camera looks at where it stands", "move `from` or `to`")
            });
        }
        return Camera { from, to };
    }
    let (centre, size) = space.map_or((Vec3::ZERO, Vec3::ONE), |space| {
        (space.position, space.size)
    });
    let reach = size.x.max(size.z);
    Camera {
        from: centre + Vec3::new(0.0, reach * 0.8 + size.y, reach),
        to: centre,
    }
}

fn checked_point(check: &mut Check<'_>, at: &At<(f64, f64, f64)>, field: &str) -> Vec3 {
    let (x, y, z) = check.value(at).unwrap_or_default();
    let mut metres = |number| {
        check
            .bounded(at, number, field, &Bounds::COORDINATE)
            .unwrap_or_default() as f32
    };
    Vec3::new(metres(x), metres(y), metres(z))
}
