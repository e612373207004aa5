//! How long the list schedulers take on a large task graph with communication.
//!
//! `cargo bench -p bench --bench heft`

use divan::{Bencher, counter::ItemsCount};
use plan::{Instance, InstanceBuilder, Job, ListName, Mode, Network, OpId, ResourceId};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

const N_TASKS: usize = 10_000;
const N_RESOURCES: usize = 64;
const N_LAYERS: usize = 100;
const OUT_DEGREE: usize = 3;

fn main() {
    divan::main();
}

/// Tasks in layers, each with edges to about three tasks of the next few layers; dense unrelated
/// durations; data takes as long as work on average.
fn layered(n_tasks: usize, n_resources: usize, seed: u64) -> Instance {
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut builder = InstanceBuilder::new("layered", n_resources);
    let job = builder.job(Job::default());
    for _ in 0..n_tasks {
        let work = rng.random_range(10.0..100.0);
        let modes: Vec<Mode> = (0..n_resources as u32)
            .map(|at| Mode {
                resource: ResourceId(at),
                duration: work * rng.random_range(0.5..1.5),
            })
            .collect();
        builder.operation(job, modes);
    }
    let per_layer = n_tasks / N_LAYERS;
    for from in 0..n_tasks - per_layer {
        let next_layer = (from / per_layer + 1) * per_layer;
        for _ in 0..OUT_DEGREE {
            let to = rng.random_range(next_layer..(next_layer + 3 * per_layer).min(n_tasks));
            let data = rng.random_range(10.0..100.0);
            builder.arc(OpId(from as u32), OpId(to as u32), data);
        }
    }
    builder.network(Network::new(n_resources, 0.0, |_, _| {
        rng.random_range(0.75..1.5)
    }));
    builder
        .build()
        .expect("the graph is layered. This is a bug.")
}

#[divan::bench]
fn heft(bencher: Bencher<'_, '_>) {
    time(bencher, ListName::Heft);
}

/// All but the one that looks ahead, which takes some hundred times as long.
#[divan::bench(args = [
    ListName::Cpop,
    ListName::Peft,
    ListName::Dls,
    ListName::Etf,
    ListName::MinMin,
    ListName::MaxMin,
    ListName::Sufferage,
    ListName::Mct,
])]
fn others(bencher: Bencher<'_, '_>, list: ListName) {
    time(bencher, list);
}

#[divan::bench(sample_count = 3)]
fn lookahead(bencher: Bencher<'_, '_>) {
    time(bencher, ListName::Lookahead);
}

fn time(bencher: Bencher<'_, '_>, list: ListName) {
    let instance = layered(N_TASKS, N_RESOURCES, 1);
    bencher
        .counter(ItemsCount::new(N_TASKS))
        .bench(|| list.schedule(&instance));
}
