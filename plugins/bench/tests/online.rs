//! Instances under online policies: what comes of them is a valid schedule.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use bench::schedule_online;
use plan::{
    Instance, InstanceBuilder, Job, ListName, Mode, Network, Objective, ResourceId, validate,
};
use schedule::PolicyName;

/// Three jobs of four operations each on three resources, with shortcuts, releases and data.
fn instance(network: bool) -> Instance {
    let mut builder = InstanceBuilder::new("small", 3);
    let mut n = 0;
    for job in 0..3_u32 {
        let id = builder.job(Job {
            release: f64::from(job) * 2.5,
            weight: f64::from(job + 1),
            due: Some(20.0),
            ..Job::default()
        });
        let mut last = Vec::new();
        for _ in 0..4 {
            n += 1;
            let modes = (0..3).filter(|on| (n + on) % 4 != 0).map(|on| Mode {
                resource: ResourceId(on),
                duration: 1.0 + f64::from((n * 7 + on * 5) % 6) / 4.0,
            });
            let op = builder.operation(id, modes);
            for before in last.iter().rev().take(2) {
                builder.arc(*before, op, f64::from(n % 3) * 0.7);
            }
            last.push(op);
        }
    }
    if network {
        builder.network(Network::new(3, 0.1, |from, to| {
            if from == to {
                f64::INFINITY
            } else {
                f64::from(from.0 + 2 * to.0 + 1)
            }
        }));
    }
    builder.build().unwrap()
}

#[test]
fn every_policy_comes_to_a_valid_schedule() {
    for instance in [instance(false), instance(true)] {
        for policy in PolicyName::ALL {
            let schedule = schedule_online(&instance, policy, 1).unwrap();
            assert_eq!(validate(&instance, &schedule), [], "{policy}");
        }
    }
}

#[test]
fn a_chain_runs_as_online_policies_see_it() {
    // Alone on one resource, whatever the policy: nothing but the chain itself counts.
    let mut builder = InstanceBuilder::new("chain", 1);
    let job = builder.job(Job::default());
    let ops: Vec<_> = [2.25, 0.5, 3.0]
        .map(|duration| {
            let mode = Mode {
                resource: ResourceId(0),
                duration,
            };
            builder.operation(job, [mode])
        })
        .into();
    for pair in ops.windows(2) {
        builder.arc(pair[0], pair[1], 1.0);
    }
    let instance = builder.build().unwrap();
    for policy in PolicyName::ALL {
        let schedule = schedule_online(&instance, policy, 1).unwrap();
        assert_eq!(schedule.makespan(), 5.75, "{policy}");
    }
}

#[test]
fn min_min_online_is_no_worse_than_by_lot() {
    let value = |policy| {
        let instance = instance(true);
        let schedule = schedule_online(&instance, policy, 1).unwrap();
        Objective::Makespan.of(&instance, &schedule)
    };
    assert!(value(PolicyName::MinMin) <= value(PolicyName::Random));
    let heft = ListName::Heft.schedule(&instance(true)).makespan();
    assert!(value(PolicyName::Heft) <= 1.5 * heft);
}
