//! The run that a whole schedule describes.

use plan::{Instance, JobId, Schedule};

use super::{Piece, Run, RunResource, RunTask, Unit};

impl Run {
    /// The run in which everything happens as `schedule`, a valid one, says.
    pub fn of_schedule(instance: &Instance, schedule: &Schedule) -> Self {
        let ends = schedule.completions(instance);
        let ideals = ideals(instance);
        let jobs = instance.jobs().iter().enumerate();
        let tasks: Vec<RunTask> = jobs
            .map(|(n, job)| RunTask {
                name: named(&job.name, "job", n),
                owner: job.owner,
                weight: job.weight,
                release: job.release,
                due: job.due,
                end: Some(ends[n]),
                ideal: ideals[n],
            })
            .collect();
        let resources = instance.resources().iter().enumerate();
        let mut run = Self {
            unit: Unit::Own,
            resources: resources
                .map(|(n, resource)| RunResource {
                    name: named(&resource.name, "machine", n),
                    price: resource.price,
                    watts: resource.watts,
                })
                .collect(),
            agents: tasks.iter().map(|task| task.name.clone()).collect(),
            deadline_misses: tasks.iter().filter(|task| is_late(task)).count() as u32,
            tasks,
            pieces: pieces(instance, schedule),
            arcs: Vec::new(),
            failed: 0,
        };
        for op in instance.ops() {
            let from = instance.preds(op).iter();
            run.arcs.extend(from.map(|arc| (arc.op.0, op.0)));
        }
        run.sort_pieces();
        run
    }
}

fn named(name: &str, kind: &str, n: usize) -> String {
    if name.is_empty() {
        format!("{kind} {n}")
    } else {
        name.to_owned()
    }
}

fn is_late(task: &RunTask) -> bool {
    matches!((task.due, task.end), (Some(due), Some(end)) if end > due)
}

fn pieces(instance: &Instance, schedule: &Schedule) -> Vec<Piece> {
    let piece = |op: plan::OpId| {
        let own = schedule.of(op);
        let job = instance.job(op);
        let ready = instance.preds(op).iter().map(|arc| {
            let before = schedule.of(arc.op);
            before.end + instance.delay(arc.data, before.resource, own.resource)
        });
        let release = instance.jobs()[job.index()].release;
        Piece {
            id: op.0,
            task: job.0,
            agent: job.0,
            resource: own.resource.0,
            // Rounding may put what is needed a trifle after the start.
            ready: ready.fold(release, f64::max).min(own.start),
            start: own.start,
            end: own.end,
            is_done: true,
            name: format!("{}.{}", job.0, instance.index_in_job(op)).into(),
            decision: None,
        }
    };
    instance.ops().map(piece).collect()
}

/// The longest chain of fastest modes within each job, as the objectives of `plan` have it.
fn ideals(instance: &Instance) -> Vec<f64> {
    let mut ends = vec![0.0_f64; instance.n_ops()];
    let mut spans = vec![0.0_f64; instance.jobs().len()];
    for &op in instance.topological() {
        let job: JobId = instance.job(op);
        let before = instance.preds(op).iter();
        let start = before
            .filter(|arc| instance.job(arc.op) == job)
            .map(|arc| ends[arc.op.index()])
            .fold(0.0, f64::max);
        let modes = instance.modes(op).iter().map(|mode| mode.duration);
        ends[op.index()] = start + modes.fold(f64::INFINITY, f64::min);
        spans[job.index()] = spans[job.index()].max(ends[op.index()]);
    }
    spans
}
