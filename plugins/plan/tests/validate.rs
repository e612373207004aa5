//! The validator refuses what is broken, whichever way, and the critical path says what holds a
//! schedule together.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod support;

use plan::{
    Assignment, Cause, Instance, InstanceBuilder, Job, ListName, Mode, Network, OpId, ResourceId,
    Schedule, Violation, critical_path, validate,
};
use support::{Shape, instance};

/// Two jobs, released at 0 and 2; the second operation of the first receives data for 3.
fn small() -> Instance {
    let mut builder = InstanceBuilder::new("small", 3);
    let first = builder.job(Job::default());
    let second = builder.job(Job {
        release: 2.0,
        ..Job::default()
    });
    let on = |pairs: &[(u32, f64)]| {
        let modes = pairs.iter().map(|&(resource, duration)| Mode {
            resource: ResourceId(resource),
            duration,
        });
        modes.collect::<Vec<_>>()
    };
    let a = builder.operation(first, on(&[(0, 4.0), (1, 5.0)]));
    let b = builder.operation(first, on(&[(0, 2.0), (1, 3.0)]));
    builder.operation(second, on(&[(0, 1.0), (1, 1.0)]));
    builder.operation(second, on(&[(2, 0.0)]));
    builder.arc(a, b, 6.0);
    builder.network(Network::new(3, 0.0, |_, _| 2.0));
    builder.build().unwrap()
}

fn at(resource: u32, start: f64, end: f64) -> Assignment {
    Assignment {
        resource: ResourceId(resource),
        start,
        end,
    }
}

/// A schedule of [`small`] that is valid and as tight as it can be.
fn good() -> Schedule {
    Schedule {
        assignments: vec![
            at(0, 0.0, 4.0),
            at(1, 7.0, 10.0),
            at(1, 2.0, 3.0),
            at(2, 2.0, 2.0),
        ],
    }
}

/// What is found if one operation of the good schedule is put elsewhere.
fn check(op: u32, put: Assignment, expected: &[Violation]) {
    let mut schedule = good();
    schedule.assignments[op as usize] = put;
    assert_eq!(validate(&small(), &schedule), expected, "{op} at {put:?}");
}

#[test]
fn a_good_schedule_is_good() {
    assert_eq!(validate(&small(), &good()), []);
    // On the sender's own resource data is there at once.
    check(1, at(0, 4.0, 6.0), &[]);
    // What takes no time occupies nothing.
    let mut builder = InstanceBuilder::new("points", 1);
    let job = builder.job(Job::default());
    for duration in [0.0, 2.0, 0.0] {
        let resource = ResourceId(0);
        builder.operation(job, [Mode { resource, duration }]);
    }
    let schedule = Schedule {
        assignments: vec![at(0, 1.0, 1.0), at(0, 0.0, 2.0), at(0, 1.0, 1.0)],
    };
    assert_eq!(validate(&builder.build().unwrap(), &schedule), []);
}

#[test]
fn a_wrong_length_is_refused() {
    for found in [0, 3, 5] {
        let mut schedule = good();
        schedule.assignments.resize(found, at(0, 20.0, 21.0));
        let expected = Violation::WrongLength { expected: 4, found };
        assert_eq!(validate(&small(), &schedule), [expected]);
    }
}

#[test]
fn impossible_times_are_refused() {
    for (start, end) in [
        (-1.0, 3.0),
        (-4.0, -3.0),
        (f64::INFINITY, 3.0),
        (1.0, f64::NEG_INFINITY),
    ] {
        let mut schedule = good();
        schedule.assignments[0] = at(0, start, end);
        let bad = [start, end]
            .into_iter()
            .filter(|time| !(time.is_finite() && *time >= 0.0));
        let expected: Vec<Violation> = bad
            .map(|value| Violation::BadTime { op: OpId(0), value })
            .collect();
        assert_eq!(validate(&small(), &schedule), expected);
    }
    let mut schedule = good();
    schedule.assignments[2].start = f64::NAN;
    let violations = validate(&small(), &schedule);
    assert!(
        matches!(violations[..], [Violation::BadTime { op: OpId(2), value }] if value.is_nan())
    );
}

#[test]
fn resources_that_cannot_are_refused() {
    for resource in [2, 3, u32::MAX] {
        let expected = Violation::CannotDo {
            op: OpId(2),
            resource: ResourceId(resource),
        };
        check(2, at(resource, 2.0, 3.0), &[expected]);
    }
}

#[test]
fn wrong_durations_are_refused() {
    // Too short, too long, backwards, that of another resource, and time where there is none.
    let cases = [
        (2, at(1, 2.0, 2.5), 1.0, 0.5),
        (2, at(1, 2.0, 4.0), 1.0, 2.0),
        (2, at(1, 3.0, 2.0), 1.0, -1.0),
        (1, at(1, 7.0, 9.0), 3.0, 2.0),
        (3, at(2, 2.0, 3.0), 0.0, 1.0),
    ];
    for (op, put, expected, found) in cases {
        let op_id = OpId(op);
        let violation = Violation::WrongDuration {
            op: op_id,
            expected,
            found,
        };
        check(op, put, &[violation]);
    }
}

#[test]
fn starts_before_the_release_are_refused() {
    for (op, put) in [(2, at(1, 1.0, 2.0)), (3, at(2, 1.0, 1.0))] {
        let expected = Violation::BeforeRelease {
            op: OpId(op),
            start: 1.0,
            release: 2.0,
        };
        check(op, put, &[expected]);
    }
}

#[test]
fn starts_before_predecessor_or_data_are_refused() {
    // Before the predecessor starts, while it runs, at its end but before the data, just before it.
    let cases = [
        (at(1, 3.0, 6.0), 7.0),
        (at(1, 4.0, 7.0), 7.0),
        (at(1, 6.5, 9.5), 7.0),
        (at(0, 3.5, 5.5), 4.0),
    ];
    for (put, there) in cases {
        let mut schedule = good();
        schedule.assignments[1] = put;
        let expected = Violation::BeforePredecessor {
            op: OpId(1),
            start: put.start,
            before: OpId(0),
            there,
        };
        let violations = validate(&small(), &schedule);
        assert!(violations.contains(&expected), "{put:?}: {violations:?}");
    }
}

#[test]
fn overlaps_are_refused() {
    // Partly, as a whole, at the same start, and one that holds two others.
    for (put, first, second, from) in [
        (at(0, 3.5, 4.5), 0, 2, 3.5),
        (at(0, 2.0, 3.0), 0, 2, 2.0),
        (at(1, 8.0, 9.0), 1, 2, 8.0),
        (at(1, 7.0, 8.0), 1, 2, 7.0),
    ] {
        let expected = Violation::Overlap {
            first: OpId(first),
            second: OpId(second),
            resource: put.resource,
            at: from,
        };
        check(2, put, &[expected]);
    }
}

#[test]
fn all_that_is_broken_is_said() {
    let schedule = Schedule {
        assignments: vec![
            at(0, 0.0, 3.0),
            at(1, 1.0, 4.0),
            at(1, 1.5, 2.5),
            at(0, 2.0, 2.0),
        ],
    };
    let kinds: Vec<_> = validate(&small(), &schedule)
        .iter()
        .map(std::mem::discriminant)
        .collect();
    assert_eq!(kinds.len(), 5);
}

#[test]
fn the_critical_path_says_why() {
    let path = critical_path(&small(), &good());
    let causes: Vec<_> = path
        .iter()
        .map(|link| (link.op, link.cause, link.idle))
        .collect();
    let data = Cause::Data {
        from: OpId(0),
        travel: 3.0,
    };
    let expected = [(OpId(0), Cause::Release, 0.0), (OpId(1), data, 0.0)];
    assert_eq!(causes, expected);
    let mut late = good();
    late.assignments[2] = at(1, 12.0, 13.0);
    let path = critical_path(&small(), &late);
    let resource = Cause::Resource {
        resource: ResourceId(1),
        after: OpId(1),
    };
    let last = path.last().unwrap();
    assert_eq!((last.op, last.cause, last.idle), (OpId(2), resource, 2.0));
    assert_eq!(
        critical_path(&small(), &late)[..2],
        critical_path(&small(), &good())[..]
    );
}

#[test]
fn no_link_of_a_critical_path_can_start_earlier() {
    for seed in 0..300 {
        for shape in Shape::ALL {
            let instance = instance(shape, 1 + seed as usize % 6, seed);
            let schedule = ListName::Heft.schedule(&instance);
            let path = critical_path(&instance, &schedule);
            let last = path.last().unwrap();
            assert_eq!(last.assignment.end, schedule.makespan());
            assert!(path[0].cause.op().is_none());
            for pair in path.windows(2) {
                assert_eq!(pair[1].cause.op(), Some(pair[0].op));
            }
            for link in path.iter().filter(|link| link.idle == 0.0) {
                let mut moved = schedule.clone();
                let own = &mut moved.assignments[link.op.index()];
                own.start -= 0.5;
                own.end -= 0.5;
                assert_ne!(
                    validate(&instance, &moved),
                    [],
                    "{} {link:?}",
                    instance.name()
                );
            }
        }
    }
}
