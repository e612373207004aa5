//! The makespans of SAGA 2.0.2 on small task graphs with communication, scheduler by scheduler.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use plan::{Instance, InstanceBuilder, Job, ListName, Mode, Network, OpId, ResourceId};

/// The schedulers that both have, in the order of [`Golden::makespans`].
const LISTS: [ListName; 9] = [
    ListName::Heft,
    ListName::Cpop,
    ListName::MinMin,
    ListName::MaxMin,
    ListName::Sufferage,
    ListName::Mct,
    ListName::Met,
    ListName::Mst,
    ListName::Olb,
];

/// A task graph on a network, and what SAGA makes of it.
struct Golden {
    costs: &'static [f64],
    /// Predecessor, successor, size.
    arcs: &'static [(u32, u32, f64)],
    speeds: &'static [f64],
    /// Row by row; SAGA has infinity where a node meets itself.
    links: &'static [f64],
    makespans: &'static [f64],
}

impl Golden {
    fn instance(&self) -> Instance {
        let n_nodes = self.speeds.len();
        let mut builder = InstanceBuilder::new("golden", n_nodes);
        let job = builder.job(Job::default());
        for cost in self.costs {
            let modes = self.speeds.iter().zip(0..).map(|(speed, at)| Mode {
                resource: ResourceId(at),
                duration: cost / speed,
            });
            builder.operation(job, modes);
        }
        for &(from, to, size) in self.arcs {
            builder.arc(OpId(from), OpId(to), size);
        }
        builder.network(Network::new(n_nodes, 0.0, |from, to| {
            self.links[from.index() * n_nodes + to.index()]
        }));
        builder.build().unwrap()
    }
}

#[test]
fn makespans_are_sagas() {
    for (number, golden) in GOLDEN.iter().enumerate() {
        let instance = golden.instance();
        for (list, makespan) in LISTS.iter().zip(golden.makespans) {
            let found = list.schedule(&instance).makespan();
            assert!(
                (found - makespan).abs() <= 1e-9 * makespan,
                "{list} on {number}: {found} instead of {makespan}"
            );
        }
    }
}

#[rustfmt::skip]
const GOLDEN: [Golden; 6] = [
    Golden {
        costs: &[
            14.0, 56.0, 10.0, 39.0, 10.0, 37.0, 33.0, 25.0, 36.0, 11.0, 23.0, 24.0, 40.0, 50.0,
        ],
        arcs: &[
            (0, 1, 9.0), (0, 2, 20.0), (0, 3, 30.0), (0, 5, 3.0), (0, 11, 3.0), (0, 12, 20.0),
            (1, 3, 26.0), (1, 4, 10.0), (1, 6, 19.0), (2, 5, 29.0), (2, 7, 5.0), (2, 8, 14.0),
            (2, 10, 28.0), (3, 6, 29.0), (4, 7, 29.0), (4, 8, 12.0), (4, 11, 24.0), (5, 9, 28.0),
            (6, 8, 4.0), (6, 9, 15.0), (6, 10, 23.0), (6, 13, 30.0), (7, 13, 19.0), (8, 11, 27.0),
            (9, 13, 8.0), (10, 13, 26.0), (11, 12, 16.0), (12, 13, 8.0),
        ],
        speeds: &[0.75, 2.5, 1.75],
        links: &[0.0, 2.5, 1.25, 2.5, 0.0, 2.75, 1.25, 2.75, 0.0],
        makespans: &[
            119.5012987012987, // heft
            128.987012987013, // cpop
            142.35844155844154, // min-min
            134.45714285714286, // max-min
            126.0, // sufferage
            140.8, // mct
            163.20000000000002, // met
            389.33333333333337, // mst
            280.195670995671, // olb
        ],
    },
    Golden {
        costs: &[19.0, 48.0, 53.0, 19.0, 34.0, 23.0, 31.0, 6.0, 58.0],
        arcs: &[
            (0, 1, 4.0), (0, 2, 16.0), (0, 3, 21.0), (0, 5, 24.0), (0, 6, 14.0), (0, 7, 1.0),
            (1, 3, 13.0), (1, 5, 26.0), (1, 6, 24.0), (2, 4, 14.0), (2, 5, 8.0), (2, 6, 1.0),
            (2, 8, 16.0), (3, 7, 1.0), (4, 8, 12.0), (5, 7, 21.0), (6, 8, 8.0), (7, 8, 18.0),
        ],
        speeds: &[2.5, 3.0, 0.75, 1.0],
        links: &[
            0.0, 3.0, 1.5, 1.75, 3.0, 0.0, 0.75, 2.5, 1.5, 0.75, 0.0, 2.0, 1.75, 2.5, 2.0, 0.0,
        ],
        makespans: &[
            76.46666666666665, // heft
            71.39999999999999, // cpop
            74.2, // min-min
            76.2, // max-min
            71.39999999999999, // sufferage
            77.93333333333332, // mct
            97.0, // met
            129.5142857142857, // mst
            186.60000000000002, // olb
        ],
    },
    Golden {
        costs: &[
            36.0, 22.0, 58.0, 36.0, 47.0, 37.0, 34.0, 37.0, 55.0, 34.0, 41.0, 27.0, 27.0, 51.0,
        ],
        arcs: &[
            (0, 1, 12.0), (0, 2, 12.0), (0, 5, 14.0), (1, 3, 9.0), (1, 5, 21.0), (1, 7, 17.0),
            (1, 11, 8.0), (2, 4, 6.0), (2, 10, 12.0), (3, 5, 13.0), (3, 7, 9.0), (3, 8, 14.0),
            (3, 13, 23.0), (4, 6, 17.0), (4, 9, 6.0), (4, 12, 30.0), (5, 7, 29.0), (5, 8, 29.0),
            (6, 9, 29.0), (6, 10, 28.0), (7, 11, 8.0), (8, 11, 1.0), (8, 12, 30.0), (8, 13, 24.0),
            (9, 13, 21.0), (10, 13, 8.0), (11, 13, 15.0), (12, 13, 17.0),
        ],
        speeds: &[2.5, 2.25],
        links: &[0.0, 2.25, 2.25, 0.0],
        makespans: &[
            139.6888888888889, // heft
            146.0, // cpop
            143.2888888888889, // min-min
            143.37777777777777, // max-min
            142.8, // sufferage
            143.2888888888889, // mct
            216.80000000000004, // met
            143.2888888888889, // mst
            150.13333333333333, // olb
        ],
    },
    Golden {
        costs: &[60.0, 22.0, 35.0, 43.0, 29.0, 51.0, 50.0, 55.0, 32.0],
        arcs: &[
            (0, 1, 12.0), (0, 2, 20.0), (0, 3, 7.0), (0, 7, 6.0), (1, 2, 1.0), (1, 3, 23.0),
            (1, 4, 21.0), (1, 5, 21.0), (2, 8, 1.0), (3, 5, 28.0), (4, 7, 25.0), (5, 6, 13.0),
            (5, 8, 25.0), (6, 7, 19.0), (7, 8, 27.0),
        ],
        speeds: &[2.0, 2.75, 2.25, 1.0],
        links: &[
            0.0, 1.75, 0.75, 1.0, 1.75, 0.0, 0.5, 2.25, 0.75, 0.5, 0.0, 1.25, 1.0, 2.25, 1.25,
            0.0,
        ],
        makespans: &[
            113.81818181818183, // heft
            113.81818181818183, // cpop
            124.36363636363637, // min-min
            124.36363636363637, // max-min
            113.81818181818183, // sufferage
            126.54545454545456, // mct
            137.0909090909091, // met
            138.14285714285714, // mst
            264.8756132756133, // olb
        ],
    },
    Golden {
        costs: &[59.0, 28.0, 10.0, 59.0, 47.0, 26.0, 43.0, 29.0, 37.0],
        arcs: &[
            (0, 1, 16.0), (0, 2, 3.0), (0, 4, 27.0), (0, 6, 17.0), (1, 3, 18.0), (1, 4, 21.0),
            (1, 5, 27.0), (2, 5, 4.0), (2, 7, 7.0), (3, 6, 18.0), (4, 7, 6.0), (5, 8, 24.0),
            (6, 8, 28.0), (7, 8, 28.0),
        ],
        speeds: &[1.25, 1.0, 1.25],
        links: &[0.0, 2.25, 1.5, 2.25, 0.0, 0.75, 1.5, 0.75, 0.0],
        makespans: &[
            192.66666666666663, // heft
            192.66666666666663, // cpop
            216.6, // min-min
            192.66666666666663, // max-min
            192.8, // sufferage
            192.66666666666663, // mct
            270.40000000000003, // met
            200.64444444444445, // mst
            255.44444444444446, // olb
        ],
    },
    Golden {
        costs: &[15.0, 23.0, 17.0, 25.0, 17.0, 18.0, 39.0, 49.0, 48.0, 45.0, 16.0, 29.0],
        arcs: &[
            (0, 1, 26.0), (0, 2, 28.0), (0, 3, 25.0), (0, 4, 12.0), (1, 3, 8.0), (1, 4, 16.0),
            (1, 5, 30.0), (2, 11, 28.0), (3, 4, 28.0), (3, 5, 28.0), (3, 10, 26.0), (4, 6, 18.0),
            (4, 11, 25.0), (5, 7, 5.0), (6, 8, 8.0), (7, 11, 6.0), (8, 9, 7.0), (9, 10, 3.0),
            (10, 11, 7.0),
        ],
        speeds: &[1.5, 0.5, 1.75],
        links: &[0.0, 2.0, 1.0, 2.0, 0.0, 1.0, 1.0, 1.0, 0.0],
        makespans: &[
            146.85714285714286, // heft
            146.85714285714286, // cpop
            166.85714285714286, // min-min
            166.85714285714286, // max-min
            166.85714285714286, // sufferage
            166.85714285714286, // mct
            194.85714285714286, // met
            416.33333333333337, // mst
            382.0238095238096, // olb
        ],
    },
];
