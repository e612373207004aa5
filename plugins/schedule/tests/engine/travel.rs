//! Policies count the time that data takes to come along precedences.

use rand::Rng as _;
use schedule::{
    DeviceId, Engine, EngineFact, EngineOptions, Link, Mode, Network, PolicyName, ResourceId,
    ResourceSpec, Skill, SubtaskId, SubtaskSpec, TaskId,
};
use sim::{SimSpan, SimTime, Streams};

use crate::support::{Driver, MS, Plan, Succeed, options, profile, replica, task};

const SEC: u64 = 1000 * MS;

/// A task graph: spans in seconds by subtask and resource; predecessor, successor, bytes.
struct Graph {
    spans: Vec<Vec<u64>>,
    arcs: Vec<(usize, usize, u64)>,
}

/// The example of Topcuoglu, Hariri, Wu (2002).
fn example() -> Graph {
    let spans = [
        [14, 16, 9],
        [13, 19, 18],
        [11, 13, 19],
        [13, 8, 17],
        [12, 13, 10],
        [13, 16, 9],
        [7, 15, 11],
        [5, 11, 14],
        [18, 12, 20],
        [21, 7, 16],
    ];
    let arcs = [
        (1, 2, 18),
        (1, 3, 12),
        (1, 4, 9),
        (1, 5, 11),
        (1, 6, 14),
        (2, 8, 19),
        (2, 9, 16),
        (3, 7, 23),
        (4, 8, 27),
        (4, 9, 23),
        (5, 9, 13),
        (6, 8, 15),
        (7, 10, 17),
        (8, 10, 11),
        (9, 10, 13),
    ];
    Graph {
        spans: spans.map(|row| row.to_vec()).to_vec(),
        arcs: arcs.map(|(from, to, n)| (from - 1, to - 1, n)).to_vec(),
    }
}

/// Layers of subtasks, each after some of the layer before; data takes longer than work on average.
fn random_graph(seed: u64, n_resources: usize) -> Graph {
    let mut rng = Streams::new(seed).stream("travel", 0);
    let (n_layers, width) = (6, 6);
    let mut graph = Graph {
        spans: Vec::new(),
        arcs: Vec::new(),
    };
    for n in 0..n_layers * width {
        let work = rng.random_range(5..20);
        let spans = (0..n_resources).map(|_| work * rng.random_range(5..15) / 10);
        graph.spans.push(spans.collect());
        let before = (n / width) * width;
        for _ in 0..if before > 0 { 2 } else { 0 } {
            let from = before - 1 - rng.random_range(0..width);
            graph.arcs.push((from, n, rng.random_range(1..40)));
        }
    }
    graph
}

fn machine(n: usize) -> ResourceSpec {
    ResourceSpec {
        device: DeviceId(n as u32),
        ..replica(&format!("m{n}"), 1, &[(Skill::Embed, profile(0, 1, 0))])
    }
}

/// Data flows at a byte a second from resource to resource.
fn run(policy: PolicyName, graph: &Graph) -> Driver<Succeed> {
    let options = EngineOptions {
        network: Network {
            usual: Link {
                latency: SimSpan::ZERO,
                bytes_per_sec: Some(1.0),
            },
            links: Vec::new(),
        },
        ..options(policy)
    };
    let pool = (0..graph.spans[0].len()).map(machine).collect();
    let mut engine = Engine::new(pool, options).unwrap();
    let id = engine.open_task(SimTime::ZERO, task("t"));
    for (n, spans) in graph.spans.iter().enumerate() {
        let arcs = graph.arcs.iter().filter(|(_, to, _)| *to == n);
        let (after, received) = arcs
            .map(|(from, _, n)| (SubtaskId(*from as u32), *n))
            .unzip();
        let modes = spans.iter().zip(0..).map(|(span, n)| Mode {
            resource: ResourceId(n),
            span: SimSpan(span * SEC),
        });
        let spec = SubtaskSpec {
            modes: modes.collect(),
            after,
            received,
            ..SubtaskSpec::new(id, Skill::Embed)
        };
        engine.add_subtask(SimTime::ZERO, spec).unwrap();
    }
    engine.close_task(SimTime::ZERO, TaskId(0));
    let mut driver = Driver::new(engine, Succeed);
    driver.run(&Plan::new());
    driver
}

fn makespan(driver: &Driver<Succeed>) -> f64 {
    let ends = driver
        .engine
        .subtasks()
        .iter()
        .filter_map(schedule::Subtask::ended_at);
    ends.max().unwrap().as_secs_f64()
}

/// Ranks in seconds, by subtask, without their sign.
fn ranks(driver: &Driver<Succeed>) -> Vec<f64> {
    let mut ranks = vec![f64::NAN; driver.engine.subtasks().len()];
    for (_, fact) in &driver.facts {
        if let EngineFact::SubtaskPlaced { subtask, rank, .. } = fact {
            ranks[subtask.index()] = -*rank as f64 / SEC as f64;
        }
    }
    ranks
}

#[test]
fn ranks_are_those_of_the_paper() {
    let upward = [
        108.0, 77.0, 80.0, 80.0, 69.0, 63.333, 42.667, 35.667, 44.333, 14.667,
    ];
    let downward = [
        0.0, 31.0, 25.0, 22.0, 24.0, 27.0, 62.333, 66.667, 63.667, 93.333,
    ];
    let through: Vec<_> = upward.iter().zip(downward).map(|(u, d)| u + d).collect();
    for (policy, expected) in [
        (PolicyName::Heft, &upward[..]),
        (PolicyName::Lookahead, &upward[..]),
        (PolicyName::Cpop, &through[..]),
    ] {
        let found = ranks(&run(policy, &example()));
        for (n, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 0.002, "{policy}, {n}: {found}");
        }
    }
}

/// The optimistic cost of what is behind a subtask on a resource, by the recursion of Arabnejad,
/// Barbosa (2014), equation 3.
fn optimistic(graph: &Graph, from: usize, on: usize) -> f64 {
    let arcs = graph.arcs.iter().filter(|arc| arc.0 == from);
    let behind = arcs.map(|(_, to, bytes)| {
        let costs = graph.spans[*to].iter().enumerate().map(|(at, span)| {
            let travel = if at == on { 0 } else { *bytes };
            optimistic(graph, *to, at) + (span + travel) as f64
        });
        costs.fold(f64::INFINITY, f64::min)
    });
    behind.fold(0.0, f64::max)
}

#[test]
fn peft_ranks_by_the_optimistic_cost_table() {
    let mut small = random_graph(1, 3);
    small.spans.truncate(18);
    small.arcs.retain(|(_, to, _)| *to < 18);
    for graph in [example(), small] {
        for (n, found) in ranks(&run(PolicyName::Peft, &graph)).iter().enumerate() {
            let n_resources = graph.spans[n].len();
            let costs = (0..n_resources).map(|on| optimistic(&graph, n, on));
            let expected = costs.sum::<f64>() / n_resources as f64;
            assert!((found - expected).abs() < 1e-6, "{n}: {found}, {expected}");
        }
    }
}

/// Who looks at when a subtask would end.
const ALL_WHO_LOOK: [PolicyName; 20] = [
    PolicyName::Fifo,
    PolicyName::BatchFifo,
    PolicyName::BatchSjf,
    PolicyName::Lifo,
    PolicyName::Sjf,
    PolicyName::Srpt,
    PolicyName::Edf,
    PolicyName::LeastSlack,
    PolicyName::WeightedFair,
    PolicyName::MinMin,
    PolicyName::MaxMin,
    PolicyName::Sufferage,
    PolicyName::Heft,
    PolicyName::Peft,
    PolicyName::Cpop,
    PolicyName::Dls,
    PolicyName::Lookahead,
    PolicyName::ContractNet,
    PolicyName::Planned,
    PolicyName::PlannedLns,
];

#[test]
fn work_goes_where_its_data_is_unless_another_ends_it_sooner() {
    for policy in ALL_WHO_LOOK {
        // The second could save two seconds elsewhere, where its data comes a second too late.
        for (bytes, place) in [(3, 0), (1, 1)] {
            let graph = Graph {
                spans: vec![vec![1, 9], vec![5, 3]],
                arcs: vec![(0, 1, bytes)],
            };
            let driver = run(policy, &graph);
            let places = driver.engine.subtasks().iter();
            let places: Vec<_> = places.map(|s| s.ran_on().unwrap().0).collect();
            // A critical path stays where it is done soonest as a whole.
            let expected = if policy == PolicyName::Cpop { 0 } else { place };
            assert_eq!(places, [0, expected], "{policy}, {bytes} bytes");
        }
    }
}

#[test]
fn lookahead_sees_where_the_data_must_go_next() {
    // The first ends sooner on 0, but only 1 is quick with the second, and its data takes long.
    let graph = Graph {
        spans: vec![vec![5, 6], vec![40, 10]],
        arcs: vec![(0, 1, 5)],
    };
    for (policy, place, end) in [
        (PolicyName::Heft, 0, 20.0),
        (PolicyName::Lookahead, 1, 16.0),
    ] {
        let driver = run(policy, &graph);
        assert_eq!(
            driver.engine.subtasks()[0].ran_on(),
            Some(ResourceId(place))
        );
        assert_eq!(makespan(&driver), end, "{policy}");
    }
}

#[test]
fn who_counts_travel_is_sooner_done() {
    let mean = |policy| {
        let runs = (0..20).map(|seed| makespan(&run(policy, &random_graph(seed, 4))));
        runs.sum::<f64>() / 20.0
    };
    let by_lot = mean(PolicyName::Random);
    for policy in [
        PolicyName::MinMin,
        PolicyName::MaxMin,
        PolicyName::Sufferage,
        PolicyName::Heft,
        PolicyName::Peft,
        PolicyName::Cpop,
        PolicyName::Dls,
        PolicyName::Lookahead,
        PolicyName::ContractNet,
        PolicyName::Planned,
    ] {
        let own = mean(policy);
        assert!(own < 0.9 * by_lot, "{policy}: {own}, by lot {by_lot}");
    }
}
