//! The list schedulers: valid on all shapes, and as the papers and a peer have them.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod support;

use plan::{
    Instance, InstanceBuilder, Job, ListName, Mode, Network, ResourceId, lower_bound, validate,
};

/// One job on unrelated resources with links of bandwidth 1; arcs are (from, to, data), from 1.
fn dag(durations: &[[f64; 3]], arcs: &[(usize, usize, f64)]) -> Instance {
    let mut builder = InstanceBuilder::new("dag", 3);
    let job = builder.job(Job::default());
    let ops: Vec<_> = durations
        .iter()
        .map(|row| {
            let modes = row.iter().enumerate().map(|(at, duration)| Mode {
                resource: ResourceId(at as u32),
                duration: *duration,
            });
            builder.operation(job, modes)
        })
        .collect();
    for (from, to, data) in arcs {
        builder.arc(ops[from - 1], ops[to - 1], *data);
    }
    builder.network(Network::new(3, 0.0, |_, _| 1.0));
    builder.build().unwrap()
}

/// Figure 2 and Table 1 of Topcuoglu, Hariri, Wu (2002).
fn topcuoglu() -> Instance {
    dag(
        &[
            [14.0, 16.0, 9.0],
            [13.0, 19.0, 18.0],
            [11.0, 13.0, 19.0],
            [13.0, 8.0, 17.0],
            [12.0, 13.0, 10.0],
            [13.0, 16.0, 9.0],
            [7.0, 15.0, 11.0],
            [5.0, 11.0, 14.0],
            [18.0, 12.0, 20.0],
            [21.0, 7.0, 16.0],
        ],
        &[
            (1, 2, 18.0),
            (1, 3, 12.0),
            (1, 4, 9.0),
            (1, 5, 11.0),
            (1, 6, 14.0),
            (2, 8, 19.0),
            (2, 9, 16.0),
            (3, 7, 23.0),
            (4, 8, 27.0),
            (4, 9, 23.0),
            (5, 9, 13.0),
            (6, 8, 15.0),
            (7, 10, 17.0),
            (8, 10, 11.0),
            (9, 10, 13.0),
        ],
    )
}

/// Figure 1 of Arabnejad, Barbosa (2014).
fn arabnejad() -> Instance {
    dag(
        &[
            [22.0, 21.0, 36.0],
            [22.0, 18.0, 18.0],
            [32.0, 27.0, 43.0],
            [7.0, 10.0, 4.0],
            [29.0, 27.0, 35.0],
            [26.0, 17.0, 24.0],
            [14.0, 25.0, 30.0],
            [29.0, 23.0, 36.0],
            [15.0, 21.0, 8.0],
            [13.0, 16.0, 33.0],
        ],
        &[
            (1, 2, 17.0),
            (1, 3, 31.0),
            (1, 4, 29.0),
            (1, 5, 13.0),
            (1, 6, 7.0),
            (2, 8, 3.0),
            (2, 9, 30.0),
            (3, 7, 16.0),
            (4, 8, 11.0),
            (4, 9, 7.0),
            (5, 9, 57.0),
            (6, 8, 5.0),
            (7, 10, 9.0),
            (8, 10, 42.0),
            (9, 10, 7.0),
        ],
    )
}

#[test]
fn the_examples_of_the_papers_come_out() {
    for (list, instance, makespan) in [
        (ListName::Heft2002, topcuoglu(), 80.0),
        (ListName::Cpop2002, topcuoglu(), 86.0),
        (ListName::Heft2002, arabnejad(), 133.0),
        (ListName::Peft, arabnejad(), 122.0),
    ] {
        let found = list.schedule(&instance).makespan();
        assert_eq!(found, makespan, "{list}");
    }
}

#[test]
fn schedules_are_valid_on_all_shapes() {
    for shape in support::Shape::ALL {
        for seed in 0..60 {
            let instance = support::instance(shape, 1 + seed as usize % 8, seed);
            let bound = lower_bound(&instance, plan::Objective::Makespan);
            for list in ListName::ALL {
                let schedule = list.schedule(&instance);
                assert_eq!(
                    validate(&instance, &schedule),
                    [],
                    "{list} on {}",
                    instance.name()
                );
                assert!(schedule.makespan() >= bound);
            }
        }
    }
}

#[test]
fn one_resource_is_never_idle_without_releases_and_travel() {
    let mut builder = InstanceBuilder::new("one", 1);
    let job = builder.job(Job::default());
    let mode = |duration| {
        [Mode {
            resource: ResourceId(0),
            duration,
        }]
    };
    let ops: Vec<_> = (1..20)
        .map(|n| builder.operation(job, mode(f64::from(n))))
        .collect();
    for pair in ops.windows(3) {
        builder.arc(pair[0], pair[2], 5.0);
    }
    builder.network(Network::new(1, 3.0, |_, _| 1.0));
    let instance = builder.build().unwrap();
    for list in ListName::ALL {
        assert_eq!(list.schedule(&instance).makespan(), 190.0, "{list}");
    }
}

#[test]
fn names_are_read_back() {
    for list in ListName::ALL {
        assert_eq!(list.name().parse(), Ok(*list));
    }
    assert!("heft-1999".parse::<ListName>().is_err());
}
