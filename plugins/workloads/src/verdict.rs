//! Judges the schedule of a file: the rules of the instance, and what the file claims.

use plan::{Instance, Objective, OpId, Violation, lower_bound, validate};

use crate::schedule_file::ScheduleFile;

/// What came of judging a schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The objective that the file names; the makespan if it names none that is known.
    pub objective: Objective,
    /// Its value, computed anew.
    pub value: f64,
    /// No schedule has a smaller value, as far as is known here.
    pub lower_bound: f64,
    /// What is wrong: rules that are broken or, if none is, claims that are not so.
    pub faults: Vec<String>,
}

impl Verdict {
    /// Judges a schedule.
    pub fn of(instance: &Instance, file: &ScheduleFile) -> Self {
        let named = file.objective.as_ref().and_then(|name| name.parse().ok());
        let objective = named.unwrap_or(Objective::Makespan);
        let mut faults: Vec<String> = validate(instance, &file.schedule)
            .iter()
            .map(|violation| explain(instance, violation))
            .collect();
        let value = objective.of(instance, &file.schedule) + 0.0;
        let differs = |claimed: f64| (claimed - value).abs() > 1e-9 * value.abs().max(1.0);
        // Claims about a schedule that cannot be mean nothing.
        if faults.is_empty() && (named.is_some() || file.objective.is_none()) {
            if let Some(claimed) = file.value.filter(|claimed| differs(*claimed)) {
                faults.push(format!(
                    "the file says that {objective} is {claimed}, it is {value}"
                ));
            }
            if let Some(bound) = file
                .lower_bound
                .filter(|bound| *bound > value && differs(*bound))
            {
                faults.push(format!(
                    "the file says that {objective} is never below {bound}, it is {value}"
                ));
            }
        }
        Self {
            objective,
            value,
            lower_bound: lower_bound(instance, objective),
            faults,
        }
    }
}

/// A violation in the words of schedule files.
fn explain(instance: &Instance, violation: &Violation) -> String {
    let name = |op: OpId| {
        let (job, operation) = (instance.job(op).0, instance.index_in_job(op));
        format!("operation {operation} of job {job}")
    };
    match violation {
        Violation::WrongLength { .. } => violation.to_string(),
        Violation::BadTime { op, value } => {
            format!("{} has the impossible time {value}", name(*op))
        }
        Violation::CannotDo { op, resource } => {
            format!(
                "{} runs on resource {}, which cannot do it",
                name(*op),
                resource.0
            )
        }
        Violation::WrongDuration {
            op,
            expected,
            found,
        } => format!(
            "{} takes {found} on its resource, must take {expected}",
            name(*op)
        ),
        Violation::BeforeRelease { op, start, release } => format!(
            "{} starts at {start}, its job is released at {release}",
            name(*op)
        ),
        Violation::BeforePredecessor {
            op,
            start,
            before,
            there,
        } => format!(
            "{} starts at {start}, what it needs of {} is there at {there}",
            name(*op),
            name(*before)
        ),
        Violation::Overlap {
            first,
            second,
            resource,
            at,
        } => format!(
            "{} and {} overlap on resource {} at {at}",
            name(*first),
            name(*second),
            resource.0
        ),
    }
}
