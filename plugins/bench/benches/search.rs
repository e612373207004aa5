//! How many schedules decoders make, and how many moves tabu search weighs, on a flexible job shop.
//!
//! `cargo bench -p bench --bench search`

use divan::{Bencher, black_box, counter::ItemsCount};
use plan::{
    Budget, Decoder, Encoding, Fit, Instance, InstanceBuilder, Job, Mode, Objective, OpId,
    PlannerName, ResourceId, Search,
};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng, seq::SliceRandom as _};

const N_JOBS: usize = 20;
const N_STEPS: usize = 12;
const N_MACHINES: u32 = 15;
const MOST_MODES: usize = 5;

/// Different ones in turn, since the same again and again is foretold by the processor.
const N_ENCODINGS: usize = 256;
/// Of each thread, in one measured iteration, so that starting threads takes a small part.
const N_DECODES: usize = 4096;

/// Of each thread.
const N_TABU_ITERATIONS: u64 = 20_000;

fn main() {
    divan::main();
}

/// Jobs that are chains of steps, each with one to five machines that can do it.
fn flexible(rng: &mut SmallRng) -> Instance {
    let mut builder = InstanceBuilder::new("flexible", N_MACHINES as usize);
    let mut machines: Vec<u32> = (0..N_MACHINES).collect();
    for _ in 0..N_JOBS {
        let job = builder.job(Job::default());
        let mut before = None;
        for _ in 0..N_STEPS {
            machines.shuffle(rng);
            let n_modes = rng.random_range(1..=MOST_MODES);
            let modes = machines[..n_modes].iter().map(|machine| Mode {
                resource: ResourceId(*machine),
                duration: f64::from(rng.random_range(5..20)),
            });
            let op = builder.operation(job, modes.collect::<Vec<_>>());
            if let Some(before) = before {
                builder.arc(before, op, 0.0);
            }
            before = Some(op);
        }
    }
    builder
        .build()
        .expect("jobs are chains of steps. This is a bug.")
}

/// Jobs in a random order, their steps one after the other.
fn encoding(instance: &Instance, is_given: bool, rng: &mut SmallRng) -> Encoding {
    let mut turns: Vec<usize> = (0..N_JOBS * N_STEPS).map(|turn| turn % N_JOBS).collect();
    turns.shuffle(rng);
    let mut n_done = [0; N_JOBS];
    let order = turns.into_iter().map(|job| {
        let op = job * N_STEPS + n_done[job];
        n_done[job] += 1;
        OpId(op as u32)
    });
    let mode = |op| {
        let n_modes = instance.modes(op).len() as u32;
        if is_given {
            rng.random_range(0..n_modes)
        } else {
            Encoding::SOONEST
        }
    };
    Encoding {
        order: order.collect(),
        modes: instance.ops().map(mode).collect(),
    }
}

/// Full decodes, each operation on the resource that the encoding says.
#[divan::bench(args = [1, 2])]
fn decode_given(bencher: Bencher<'_, '_>, threads: usize) {
    decode(bencher, threads, true);
}

/// Full decodes, each operation on the resource that ends it soonest.
#[divan::bench(args = [1, 2])]
fn decode_soonest(bencher: Bencher<'_, '_>, threads: usize) {
    decode(bencher, threads, false);
}

fn decode(bencher: Bencher<'_, '_>, threads: usize, is_given: bool) {
    let mut rng = SmallRng::seed_from_u64(1);
    let instance = flexible(&mut rng);
    let encodings: Vec<Encoding> = (0..N_ENCODINGS)
        .map(|_| encoding(&instance, is_given, &mut rng))
        .collect();
    let mut decoders: Vec<Decoder<'_>> = (0..threads).map(|_| Decoder::new(&instance)).collect();
    bencher
        .counter(ItemsCount::new(threads * N_DECODES))
        .bench_local(|| {
            std::thread::scope(|scope| {
                for decoder in &mut decoders {
                    scope.spawn(|| {
                        for encoding in encodings.iter().cycle().take(N_DECODES) {
                            black_box(decoder.forward(encoding, Fit::Append));
                        }
                    });
                }
            });
        });
}

/// Tabu search from nothing; items are moves weighed, as many as in a run before.
#[divan::bench(args = [1, 2], sample_count = 10, sample_size = 1)]
fn tabu(bencher: Bencher<'_, '_>, threads: usize) {
    let instance = flexible(&mut SmallRng::seed_from_u64(1));
    let run = || {
        let budget = Budget::of_iterations(N_TABU_ITERATIONS);
        let search = Search::new(&instance, Objective::Makespan, budget).with_threads(threads);
        PlannerName::Tabu.make().run(&search);
        search.moves()
    };
    bencher.counter(ItemsCount::new(run().weighed)).bench(run);
}
