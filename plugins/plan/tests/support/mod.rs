//! Random instances of all shapes.

use plan::{Instance, InstanceBuilder, Job, Mode, Network, OpId, ResourceId};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

/// The shapes that [`instance`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Chains on unrelated resources.
    Shop,
    /// Chains through stages of identical resources.
    Flow,
    /// An acyclic graph on identical resources.
    Graph,
    /// An acyclic graph on unrelated resources, data travels.
    Network,
}

impl Shape {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Shop, Self::Flow, Self::Graph, Self::Network];
}

/// A random instance: releases, due times, weights, owners, prices, some operations without length.
pub(crate) fn instance(shape: Shape, n_jobs: usize, seed: u64) -> Instance {
    let mut rng = SmallRng::seed_from_u64(seed);
    let n_resources = rng.random_range(2..7);
    let mut builder = InstanceBuilder::new(format!("{shape:?} {seed}"), n_resources);
    for resource in builder.resources_mut() {
        resource.price = f64::from(rng.random_range(1..5_u8));
        resource.watts = f64::from(rng.random_range(1..5_u8));
    }
    // How many of the resources belong to the first stage of a flow shop.
    let cut = rng.random_range(1..n_resources);
    for _ in 0..n_jobs {
        let job = builder.job(Job {
            release: f64::from(rng.random_range(0..10_u8)),
            weight: f64::from(rng.random_range(1..4_u8)),
            due: rng.random_bool(0.5).then_some(20.0),
            owner: rng.random_range(0..3),
            ..Job::default()
        });
        let n_ops = match shape {
            Shape::Flow => 2,
            _ => rng.random_range(1..6),
        };
        let mut ops = Vec::new();
        for at in 0..n_ops {
            let length = f64::from(rng.random_range(0..12_u8));
            let modes: Vec<Mode> = (0..n_resources)
                .filter_map(|n| {
                    let (can, duration) = match shape {
                        Shape::Flow => ((n < cut) == (at == 0), length),
                        Shape::Graph => (true, length),
                        Shape::Shop | Shape::Network => (
                            rng.random_bool(0.6),
                            length + f64::from(rng.random_range(0..9_u8)),
                        ),
                    };
                    let resource = ResourceId(n as u32);
                    can.then_some(Mode { resource, duration })
                })
                .collect();
            let any = [Mode {
                resource: ResourceId(0),
                duration: 3.0,
            }];
            let modes = if modes.is_empty() { &any[..] } else { &modes };
            ops.push(builder.operation(job, modes.iter().copied()));
        }
        connect(&mut builder, shape, &ops, &mut rng);
    }
    if shape == Shape::Network {
        builder.network(Network::new(n_resources, 0.5, |_, _| {
            rng.random_range(1.0..4.0)
        }));
    }
    builder.build().unwrap()
}

fn connect(builder: &mut InstanceBuilder, shape: Shape, ops: &[OpId], rng: &mut SmallRng) {
    for to in 1..ops.len() {
        match shape {
            Shape::Shop | Shape::Flow => builder.arc(ops[to - 1], ops[to], 0.0),
            Shape::Graph | Shape::Network => {
                for from in 0..to {
                    if rng.random_bool(0.5) {
                        let data = f64::from(rng.random_range(0..20_u8));
                        builder.arc(ops[from], ops[to], data);
                    }
                }
            }
        }
    }
}
