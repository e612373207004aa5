//! An instance as it looks to those who decide while it runs.
//!
//! Each operation has the modes that the instance says, in its own unit of time as seconds. Data
//! travels as the network of the instance says, once the operation that gets it has its resource.

use plan::{Decoder, Encoding, Fit, Instance, Schedule};
use schedule::{
    Charge, DeviceId, Engine, EngineOptions, FactLevel, Link, Mode, Network, OwnerId, PolicyName,
    ResourceId, ResourceKind, ResourceSpec, Skill, SubtaskId, SubtaskSpec, TaskSpec,
};
use sim::{SimSpan, SimTime, Streams};

/// Data is counted in whole parts of this many for each unit of the instance.
const PARTS: f64 = 1e3;

/// The schedule that comes of an instance under an online policy; valid, and all operations as early
/// as its order and its choice of resources allow.
///
/// # Errors
/// Why the engine refuses the instance, or leaves something undone.
pub fn schedule_online(
    instance: &Instance,
    policy: PolicyName,
    seed: u64,
) -> Result<Schedule, String> {
    let (mut engine, ids) = engine_of(instance, policy, seed, FactLevel::Quiet)?;
    engine.run();
    let mut encoding = Encoding::topological(instance);
    let mut starts = vec![SimTime::ZERO; instance.n_ops()];
    for op in instance.ops() {
        let subtask = engine.subtask(ids[op.index()]);
        let (Some(on), Some(started), Some(_)) =
            (subtask.ran_on(), subtask.started_at(), subtask.ended_at())
        else {
            return Err(format!("operation {} is never done", op.0));
        };
        let mut modes = instance.modes(op).iter();
        let mode = modes.position(|mode| mode.resource.0 == on.0);
        encoding.modes[op.index()] = mode.map_or(Encoding::SOONEST, |mode| mode as u32);
        starts[op.index()] = started;
    }
    // Predecessors stay first where starts are equal.
    encoding.order.sort_by_key(|op| starts[op.index()]);
    let mut decoder = Decoder::new(instance);
    decoder.forward(&encoding, Fit::Append);
    Ok(decoder.schedule())
}

/// An engine with the whole instance handed in, and the subtask of each operation.
///
/// # Errors
/// Why the engine refuses it.
pub(crate) fn engine_of(
    instance: &Instance,
    policy: PolicyName,
    seed: u64,
    facts: FactLevel,
) -> Result<(Engine, Vec<SubtaskId>), String> {
    let resources = (0..).zip(instance.resources()).map(|(n, resource)| {
        let name = if resource.name.is_empty() {
            format!("machine {n}")
        } else {
            resource.name.clone()
        };
        let kind = ResourceKind::Agent { owner: OwnerId(n) };
        ResourceSpec {
            price_per_sec: resource.price,
            watts: resource.watts,
            device: DeviceId(n),
            ..ResourceSpec::new(name, kind, vec![(Skill::Machine, Default::default())])
        }
    });
    let charge = Charge::Modelled { noise: 0.0 };
    let options = EngineOptions {
        facts,
        network: network_of(instance),
        ..EngineOptions::new(policy, charge, Streams::new(seed))
    };
    let mut engine =
        Engine::new(resources.collect(), options).map_err(|error| error.to_string())?;
    let ids = submit(instance, &mut engine)?;
    Ok((engine, ids))
}

/// How data travels between the resources, each of which is a device.
fn network_of(instance: &Instance) -> Network {
    let Some(network) = instance.network() else {
        return Network::default();
    };
    let link = |from, to| Link {
        latency: SimSpan::from_secs_f64(network.latency()),
        bytes_per_sec: Some(network.bandwidth(from, to) * PARTS).filter(|speed| speed.is_finite()),
    };
    let ids = || (0..instance.resources().len() as u32).map(plan::ResourceId);
    let pairs = || ids().flat_map(|from| ids().map(move |to| (from, to)));
    let mut pairs = pairs().filter(|(from, to)| from != to);
    let Some((from, to)) = pairs.next() else {
        return Network::default();
    };
    let usual = link(from, to);
    let links = pairs
        .map(|(from, to)| (DeviceId(from.0), DeviceId(to.0), link(from, to)))
        .filter(|(.., link)| *link != usual);
    Network {
        links: links.collect(),
        usual,
    }
}

/// Hands a whole instance in: tasks are jobs, in order, subtasks by precedence.
fn submit(instance: &Instance, engine: &mut Engine) -> Result<Vec<SubtaskId>, String> {
    // Predecessors of other jobs must be handed in before: all tasks are open while subtasks come.
    let tasks: Vec<_> = (0..)
        .zip(instance.jobs())
        .map(|(n, job)| {
            let name = if job.name.is_empty() {
                format!("job {n}")
            } else {
                job.name.clone()
            };
            let spec = TaskSpec {
                weight: job.weight,
                deadline: job.due.map(SimTime::from_secs_f64),
                release: Some(SimTime::from_secs_f64(job.release)),
                tenant: OwnerId(job.owner),
                ..TaskSpec::new(name, OwnerId(n))
            };
            engine.open_task(SimTime::ZERO, spec)
        })
        .collect();
    let mut ids = vec![SubtaskId(0); instance.n_ops()];
    for &op in instance.topological() {
        let job = instance.job(op);
        let modes = instance.modes(op).iter().map(|mode| Mode {
            resource: ResourceId(mode.resource.0),
            span: SimSpan::from_secs_f64(mode.duration),
        });
        let arcs = instance.preds(op).iter();
        // What is sent at all takes at least the latency.
        let parts = |data: f64| ((data * PARTS).round() as u64).max(1);
        let (after, received) = arcs
            .map(|arc| (ids[arc.op.index()], parts(arc.data)))
            .unzip();
        let spec = SubtaskSpec {
            name: format!("{}.{}", job.0, instance.index_in_job(op)),
            owner: OwnerId(job.0),
            after,
            received: match instance.network() {
                Some(_) => received,
                None => Vec::new(),
            },
            modes: modes.collect(),
            ..SubtaskSpec::new(tasks[job.index()], Skill::Machine)
        };
        ids[op.index()] = engine
            .add_subtask(SimTime::ZERO, spec)
            .map_err(|error| error.to_string())?;
    }
    for task in tasks {
        engine.close_task(SimTime::ZERO, task);
    }
    Ok(ids)
}
