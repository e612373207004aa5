//! Schedules as JSON files: written for other programs, and read whoever wrote them.

use std::{
    cell::RefCell,
    fmt::{self, Write as _},
};

use plan::{Assignment, Instance, JobId, Objective, ResourceId, Schedule};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    error::{Problem, ReadError},
    json,
};

/// A schedule together with what its file says about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScheduleFile {
    /// The name of the instance; empty if the file does not say.
    pub instance: String,
    /// The name of the objective, if the file says it. Other programs may have other names.
    pub objective: Option<String>,
    /// Its value, if the file says it.
    pub value: Option<f64>,
    /// A value that no schedule is better than, if the file says one.
    pub lower_bound: Option<f64>,
    /// The schedule itself.
    pub schedule: Schedule,
}

impl ScheduleFile {
    /// A schedule with its value.
    pub fn new(
        instance: &Instance,
        objective: Objective,
        schedule: Schedule,
        lower_bound: f64,
    ) -> Self {
        Self {
            instance: instance.name().to_owned(),
            objective: Some(objective.name().to_owned()),
            // Adding 0 turns -0, the sum of nothing, into 0.
            value: Some(objective.of(instance, &schedule) + 0.0),
            lower_bound: Some(lower_bound),
            schedule,
        }
    }

    /// The text of the file: one line for each operation, by job and operation. Whole numbers have no
    /// decimals; what is not known is left out.
    pub fn to_json(&self, instance: &Instance) -> String {
        let mut text = String::from("{\n");
        let mut field = |name: &str, value: &str| {
            text.push_str(&format!("  \"{name}\": {value},\n"));
        };
        field("instance", &quoted(&self.instance));
        if let Some(objective) = &self.objective {
            field("objective", &quoted(objective));
        }
        if let Some(value) = self.value {
            field("value", &value.to_string());
        }
        if let Some(bound) = self.lower_bound {
            field("lower_bound", &bound.to_string());
        }
        text.push_str("  \"operations\": [");
        let jobs = (0..instance.jobs().len() as u32).map(JobId);
        let mut separator = "\n";
        for op in jobs.flat_map(|job| instance.ops_of(job)) {
            let assignment = self.schedule.of(*op);
            let (job, operation) = (instance.job(*op).0, instance.index_in_job(*op));
            let Assignment {
                resource,
                start,
                end,
            } = assignment;
            // Writing to a string cannot fail.
            let _infallible = write!(
                text,
                "{separator}    {{\"job\": {job}, \"operation\": {operation}, \"resource\": {}, \
                 \"start\": {start}, \"end\": {end}}}",
                resource.0
            );
            separator = ",\n";
        }
        text.push_str("\n  ]\n}\n");
        text
    }

    /// Reads the schedule of an instance. The order of fields and operations does not matter, and
    /// unknown fields are passed over.
    ///
    /// # Errors
    /// What cannot be understood, with line and column: text that is not JSON, operations that the
    /// instance does not have, that come twice or are missing. Whether the schedule keeps the rules is
    /// for [`plan::validate`] to say.
    pub fn read(text: &str, instance: &Instance) -> Result<Self, ReadError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let refused = RefCell::new(None);
        let seed = FileSeed {
            instance,
            text,
            refused: &refused,
        };
        let file = seed.deserialize(&mut json);
        let file = file.and_then(|file| json.end().map(|()| file));
        file.map_err(|error| {
            let at_operation = refused.take();
            at_operation.unwrap_or_else(|| json::read_error(text, 0, &error))
        })
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A whole number that may have been written as `3.0`.
struct Whole(u32);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
            return Ok(Self(number as u32));
        }
        let found = Unexpected::Float(number);
        Err(D::Error::invalid_value(found, &"a whole number from 0"))
    }
}

/// What a file says of an operation.
#[derive(Deserialize)]
struct Entry {
    job: Whole,
    operation: Whole,
    resource: Whole,
    start: f64,
    end: f64,
}

/// Reads a file for an instance.
#[derive(Clone, Copy)]
struct FileSeed<'a> {
    instance: &'a Instance,
    text: &'a str,
    /// What is wrong with an operation, and where: JSON errors only know where reading stopped.
    refused: &'a RefCell<Option<ReadError>>,
}

impl<'de> DeserializeSeed<'de> for FileSeed<'_> {
    type Value = ScheduleFile;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<ScheduleFile, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FileSeed<'_> {
    type Value = ScheduleFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a schedule: an object with a list of operations")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ScheduleFile, A::Error> {
        let mut file = ScheduleFile::default();
        let mut assignments = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "instance" => file.instance = map.next_value()?,
                "objective" => file.objective = map.next_value()?,
                "value" => file.value = map.next_value()?,
                "lower_bound" => file.lower_bound = map.next_value()?,
                "operations" if assignments.is_some() => {
                    return Err(A::Error::duplicate_field("operations"));
                }
                "operations" => {
                    assignments = Some(map.next_value_seed(Operations(self))?);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        file.schedule.assignments =
            assignments.ok_or_else(|| A::Error::missing_field("operations"))?;
        Ok(file)
    }
}

/// Reads the operations of an instance, in any order.
struct Operations<'a>(FileSeed<'a>);

impl<'de> DeserializeSeed<'de> for Operations<'_> {
    type Value = Vec<Assignment>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Operations<'_> {
    type Value = Vec<Assignment>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of operations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let instance = self.0.instance;
        let mut assignments = vec![None; instance.n_ops()];
        while let Some(raw) = list.next_element::<&RawValue>()? {
            let base = json::offset_of(self.0.text, raw);
            if let Err(error) = self.take_in(raw, base, &mut assignments) {
                self.0.refused.replace(Some(error));
                return Err(A::Error::custom("a bad operation"));
            }
        }
        let missing = instance.ops().find(|op| assignments[op.index()].is_none());
        if let Some(op) = missing {
            let (operation, job) = (instance.index_in_job(op), instance.job(op).0);
            let message = format!("operation {operation} of job {job} is missing; add it");
            return Err(A::Error::custom(message));
        }
        Ok(assignments.into_iter().flatten().collect())
    }
}

impl Operations<'_> {
    /// Puts an operation into its place.
    fn take_in(
        &self,
        raw: &RawValue,
        base: usize,
        assignments: &mut [Option<Assignment>],
    ) -> Result<(), ReadError> {
        let text = self.0.text;
        let entry: Entry = serde_json::from_str(raw.get())
            .map_err(|error| json::read_error(text, base, &error))?;
        let refuse = |message| ReadError::at(text, base, Problem::Other(message));
        let (op, assignment) = self.place(&entry).map_err(refuse)?;
        if assignments[op].replace(assignment).is_some() {
            let (operation, job) = (entry.operation.0, entry.job.0);
            let message = format!("operation {operation} of job {job} comes twice; keep one");
            return Err(refuse(message));
        }
        Ok(())
    }

    /// Which operation an entry is about, and what it says.
    fn place(&self, entry: &Entry) -> Result<(usize, Assignment), String> {
        let Entry { start, end, .. } = *entry;
        let (job, operation, resource) = (entry.job.0, entry.operation.0, entry.resource.0);
        let must = |what: &str, number: u32, n: usize| match n {
            n if (number as usize) < n => Ok(()),
            0 => Err(format!("{what} is {number}, but there is none")),
            n => Err(format!(
                "{what} is {number}; it must be from 0 to {}",
                n - 1
            )),
        };
        must("job", job, self.0.instance.jobs().len())?;
        let ops = self.0.instance.ops_of(JobId(job));
        must(&format!("operation of job {job}"), operation, ops.len())?;
        let n_resources = self.0.instance.resources().len();
        must("resource", resource, n_resources)?;
        let assignment = Assignment {
            resource: ResourceId(resource),
            start,
            end,
        };
        Ok((ops[operation as usize].index(), assignment))
    }
}
