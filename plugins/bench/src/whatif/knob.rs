//! What is varied: `replicas=1..8`, `batch[gpu]=1,4,16`, `speed=0.5..2:0.5`.

use std::fmt;

/// Something of a scene or a workload that can be turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knob {
    /// How many members each group of alike resources has.
    Replicas,
    /// How many subtasks each of them can start together.
    Batch,
    /// How many times as fast each of them works; its price stays the same.
    Speed,
}

/// The largest number of replicas, and of subtasks in a batch.
const MOST: f64 = 10_000.0;
/// The fastest and, as its inverse, the slowest.
const MOST_SPEED: f64 = 1e6;
/// The most values of one knob.
const MOST_VALUES: usize = 1000;

/// A knob with the values that are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Vary {
    /// Which.
    pub knob: Knob,
    /// Of whom: a resource, a replica or a model; `None`: of all that serve.
    pub of: Option<String>,
    /// In rising order, each once; at least one.
    pub values: Vec<f64>,
}

/// A knob turned to one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Which.
    pub knob: Knob,
    /// Of whom.
    pub of: Option<String>,
    /// Where it stands.
    pub value: f64,
}

/// Why knobs cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaryError {
    /// There are no values.
    #[error("{text:?} names no values; write for example replicas=1..8 or batch=1,4,16")]
    NoValues {
        /// What was given.
        text: String,
    },
    /// The name is not closed.
    #[error("{text:?} has a name that does not end; write for example replicas[gpu]=1..8")]
    OpenName {
        /// What was given.
        text: String,
    },
    /// No knob has this name.
    #[error("no knob is called {name:?}; there are {}", known())]
    UnknownKnob {
        /// The name.
        name: String,
    },
    /// A value is no number, or one that cannot be.
    #[error("{knob} cannot be {text:?}; give {}", .knob.must())]
    BadValue {
        /// Which knob.
        knob: Knob,
        /// The value.
        text: String,
    },
    /// A range without anything in it.
    #[error("the range {text:?} of {knob} is empty; begin with the smaller value")]
    Empty {
        /// Which knob.
        knob: Knob,
        /// The range.
        text: String,
    },
    /// Too many values to try.
    #[error("{knob} has more than {MOST_VALUES} values; take larger steps, as in 1..10000:500")]
    TooMany {
        /// Which knob.
        knob: Knob,
    },
    /// The same knob is given twice.
    #[error("{name} is varied twice; give all its values at once, with commas")]
    Twice {
        /// The knob and of whom.
        name: String,
    },
    /// Too many combinations.
    #[error("{n} configurations are too many to run; give fewer values, at most {most} in all")]
    TooManyConfigurations {
        /// How many there are.
        n: usize,
        /// How many there may be.
        most: usize,
    },
}

impl Knob {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Replicas, Self::Batch, Self::Speed];

    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Replicas => "replicas",
            Self::Batch => "batch",
            Self::Speed => "speed",
        }
    }

    fn must(self) -> &'static str {
        match self {
            Self::Replicas | Self::Batch => "whole numbers from 1 to 10000",
            Self::Speed => "numbers from 0.000001 to 1000000",
        }
    }

    fn takes(self, value: f64) -> bool {
        match self {
            Self::Replicas | Self::Batch => value.fract() == 0.0 && (1.0..=MOST).contains(&value),
            Self::Speed => (1.0 / MOST_SPEED..=MOST_SPEED).contains(&value),
        }
    }
}

impl fmt::Display for Knob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn known() -> String {
    Knob::ALL.map(Knob::name).join(", ")
}

/// A knob and of whom: `batch[gpu]`.
fn full_name(knob: Knob, of: Option<&str>) -> String {
    of.map_or_else(|| knob.to_string(), |of| format!("{knob}[{of}]"))
}

impl Vary {
    /// Reads a knob, of whom, and its values: numbers and ranges with commas between. A range has both
    /// ends in it and may have a step, as in `1..9:2`.
    ///
    /// # Errors
    /// If there is no such knob or value.
    pub fn parse(text: &str) -> Result<Self, VaryError> {
        let no_values = || VaryError::NoValues {
            text: text.to_owned(),
        };
        // A name may hold anything, so that it ends where its bracket does.
        let (left, of, right) = match text.split_once('[') {
            Some((left, rest)) if !left.contains('=') => {
                let open = || VaryError::OpenName {
                    text: text.to_owned(),
                };
                let (of, rest) = rest.split_once(']').ok_or_else(open)?;
                let right = rest.trim_start().strip_prefix('=').ok_or_else(no_values)?;
                (left, Some(of.trim().to_owned()), right)
            }
            _ => {
                let (left, right) = text.split_once('=').ok_or_else(no_values)?;
                (left, None, right)
            }
        };
        let name = left.trim();
        let knob = Knob::ALL.into_iter().find(|knob| knob.name() == name);
        let knob = knob.ok_or_else(|| VaryError::UnknownKnob {
            name: name.to_owned(),
        })?;
        if right.trim().is_empty() {
            return Err(no_values());
        }
        let mut values = Vec::new();
        for part in right.split(',') {
            knob.read_values(part.trim(), &mut values)?;
        }
        values.sort_by(f64::total_cmp);
        values.dedup();
        Ok(Self { knob, of, values })
    }

    /// The knob and of whom: `batch[gpu]`.
    pub fn name(&self) -> String {
        full_name(self.knob, self.of.as_deref())
    }
}

impl Knob {
    /// Adds a value or a range of them.
    fn read_values(self, text: &str, values: &mut Vec<f64>) -> Result<(), VaryError> {
        let value = |text: &str| {
            let value = text.trim().parse::<f64>().ok();
            let bad = || VaryError::BadValue {
                knob: self,
                text: text.trim().to_owned(),
            };
            value.filter(|value| self.takes(*value)).ok_or_else(bad)
        };
        let Some((from, to)) = text.split_once("..") else {
            values.push(value(text)?);
            return Ok(());
        };
        let (to, step) = match to.split_once(':') {
            Some((to, step)) => (to, value(step)?),
            None => (to, 1.0),
        };
        let (from, to) = (value(from)?, value(to)?);
        if from > to {
            return Err(VaryError::Empty {
                knob: self,
                text: text.to_owned(),
            });
        }
        // A step such as 0.1 must not miss the end by rounding.
        let n = ((to - from) / step + 1e-9).floor() as usize + 1;
        if values.len() + n > MOST_VALUES {
            return Err(VaryError::TooMany { knob: self });
        }
        let round = |value: f64| (value * 1e9).round() / 1e9;
        values.extend((0..n).map(|n| round(from + n as f64 * step)));
        Ok(())
    }
}

impl Setting {
    /// The knob and of whom: `batch[gpu]`.
    pub fn name(&self) -> String {
        full_name(self.knob, self.of.as_deref())
    }
}

/// `replicas 3`, `batch[gpu] 4`.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name(), self.value)
    }
}

/// What a configuration is called: `replicas 3, batch 4`.
pub fn configuration_name(settings: &[Setting]) -> String {
    let texts: Vec<_> = settings.iter().map(Setting::to_string).collect();
    texts.join(", ")
}

/// Every combination of the values of `knobs`, the last knob turning fastest; at most `most`.
///
/// # Errors
/// If a knob is there twice, or there are more.
pub fn combinations(knobs: &[Vary], most: usize) -> Result<Vec<Vec<Setting>>, VaryError> {
    for (n, vary) in knobs.iter().enumerate() {
        if knobs[..n].iter().any(|other| other.name() == vary.name()) {
            return Err(VaryError::Twice { name: vary.name() });
        }
    }
    let sizes = knobs.iter().map(|vary| vary.values.len());
    let n = sizes.fold(1_usize, usize::saturating_mul);
    if n > most {
        return Err(VaryError::TooManyConfigurations { n, most });
    }
    let mut all = vec![Vec::new()];
    for Vary { knob, of, values } in knobs {
        let with = |settings: &Vec<Setting>| {
            let settings = settings.clone();
            values.iter().map(move |value| {
                let setting = Setting {
                    knob: *knob,
                    of: of.clone(),
                    value: *value,
                };
                settings.iter().cloned().chain([setting]).collect()
            })
        };
        all = all.iter().flat_map(with).collect();
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knobs_are_read() {
        for (text, name, values) in [
            ("replicas=1..3", "replicas", &[1.0, 2.0, 3.0][..]),
            ("batch=16, 1,4,4", "batch", &[1.0, 4.0, 16.0]),
            ("replicas[a = b]=2", "replicas[a = b]", &[2.0]),
            ("replicas = 1..9:4,20", "replicas", &[1.0, 5.0, 9.0, 20.0]),
            (
                "speed[gpu]=0.5..0.8:0.1",
                "speed[gpu]",
                &[0.5, 0.6, 0.7, 0.8],
            ),
            ("batch=7..7", "batch", &[7.0]),
        ] {
            let vary = Vary::parse(text).unwrap();
            assert_eq!((vary.name().as_str(), &vary.values[..]), (name, values));
        }
    }

    #[test]
    fn what_is_no_knob_is_refused() {
        for (text, words) in [
            ("replicas", "names no values"),
            ("replicas=", "names no values"),
            ("replicas[gpu]", "names no values"),
            ("replicas[gpu=1", "does not end"),
            (
                "replica=1",
                "no knob is called \"replica\"; there are replicas, batch",
            ),
            (
                "replicas=0",
                "replicas cannot be \"0\"; give whole numbers from 1",
            ),
            ("replicas=0..3", "replicas cannot be \"0\""),
            ("batch=1.5", "batch cannot be \"1.5\""),
            ("batch=1,,2", "batch cannot be \"\""),
            ("speed=0", "speed cannot be \"0\""),
            ("speed=nan", "speed cannot be \"nan\""),
            ("replicas=8..1", "the range \"8..1\" of replicas is empty"),
            ("replicas=1..9999", "more than 1000 values"),
            ("replicas=1..5:0", "replicas cannot be \"0\""),
        ] {
            let error = Vary::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn all_combinations_once() {
        let knobs = ["replicas=1..2", "batch[gpu]=1,4"].map(|text| Vary::parse(text).unwrap());
        let names: Vec<_> = combinations(&knobs, 4)
            .unwrap()
            .iter()
            .map(|settings| configuration_name(settings))
            .collect();
        assert_eq!(
            names,
            [
                "replicas 1, batch[gpu] 1",
                "replicas 1, batch[gpu] 4",
                "replicas 2, batch[gpu] 1",
                "replicas 2, batch[gpu] 4",
            ]
        );
        let error = combinations(&knobs, 3).unwrap_err().to_string();
        assert!(error.contains("4 configurations are too many"), "{error}");
        let twice = [knobs[0].clone(), knobs[0].clone()];
        let error = combinations(&twice, 99).unwrap_err().to_string();
        assert!(error.contains("replicas is varied twice"), "{error}");
    }
}
