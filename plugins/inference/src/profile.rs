//! How long a model takes on a machine: measured here or shipped, and what modelled time is made of.

mod compare;
mod fit;
mod knee;
mod machine;
mod measure;
mod outliers;
mod shipped;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use self::fit::Point;
pub use self::{
    compare::{Compared, compare, compare_quantiles},
    fit::FitErrors,
    knee::token_budget,
    machine::Machine,
    measure::{CalibrateError, Cell, Grid, Measured, Meter, measure},
    outliers::{median, outliers, quantile},
    shipped::{shipped, shipped_named},
};
use crate::{
    ask::Skill,
    file_hash::FileHash,
    load_options::LoadOptions,
    manifest::{Architecture, Latency, Manifest, ron_options},
    precision::Precision,
};

/// The folder of the store that holds what was measured on this machine.
const FOLDER: &str = "profiles";
/// The most replicas that profiles are looked for of.
const MOST_REPLICAS: u32 = 64;

/// How long a version of a model takes for one skill on one machine.
///
/// A batch takes `fixed + per_item × inputs + per_token × tokens`; where text is generated, and
/// sequences go on side by side, also `per_step` for each step and `per_output_token` for each token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What scenes call it.
    pub name: String,
    /// The version of the model: its name, `@` and the start of its hash.
    pub model: String,
    /// What it does.
    pub skill: Skill,
    /// The numbers that it computes with: `f32`, `int8`, `f16` or `bf16`.
    pub precision: String,
    /// Where it was measured.
    pub machine: Machine,
    /// Replicas that shared the machine, busy one by one and at the same time.
    pub replicas: u32,
    /// The day, as `YYYY-MM-DD`.
    pub measured: String,
    /// How: the grid and how often.
    pub how: String,
    /// Seconds for each term.
    pub latency: Latency,
    /// Seconds for each step in which all sequences get one token.
    #[serde(default)]
    pub per_step_secs: f64,
    /// Tokens of a batch from which on larger ones are hardly faster a token.
    pub token_budget: u32,
    /// How far the fit is from the medians that it was made of.
    pub errors: FitErrors,
    /// Of all measurements, the share that was too far off to count.
    pub outlier_share: f64,
}

/// Why a profile that was kept cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the profile {path:?} cannot be used: {why}; remove it or calibrate again")]
pub struct ProfileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// What stays the same whatever is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The version of the model: its name, `@` and the start of its hash.
    pub model: String,
    /// What it does.
    pub skill: Skill,
    /// The numbers that it computes with.
    pub precision: String,
    /// Where it is measured.
    pub machine: Machine,
    /// Replicas that share the machine.
    pub replicas: u32,
}

impl Subject {
    /// A version of a model as it is loaded on this machine.
    pub fn of(entry: &Manifest, skill: Skill, how: LoadOptions, replicas: u32) -> Self {
        let precision = match entry.architecture {
            Architecture::SentenceBert
            | Architecture::BertClassifier
            | Architecture::BertTagger
            | Architecture::Whisper => how.precision.name(),
            Architecture::Llama => "q8_0",
            _ => Precision::F32.name(),
        };
        Self {
            model: entry.full_name(),
            skill,
            precision: precision.to_owned(),
            machine: Machine::of(LoadOptions {
                device: entry.architecture.device(how.device),
                ..how
            }),
            replicas,
        }
    }
}

impl Profile {
    /// The profile that fits what was measured.
    ///
    /// # Errors
    /// [`CalibrateError::NoFit`] if nothing does.
    pub fn of(subject: Subject, grid: &Grid, measured: &Measured) -> Result<Self, CalibrateError> {
        let cells = &measured.cells;
        let points: Vec<Point> = cells.iter().map(point).collect();
        let terms = fit::fit(&points).ok_or(CalibrateError::NoFit { cells: cells.len() })?;
        let [fixed, per_item, per_token, per_step, per_output] = terms;
        let (n, n_out) = cells.iter().fold((0, 0), |(n, out), cell| {
            let far = cell.outliers.iter().filter(|far| **far).count();
            (n + cell.secs.len(), out + far)
        });
        let Subject {
            model,
            skill,
            precision,
            machine,
            replicas,
        } = subject;
        let named = model.split('@').next().unwrap_or_default();
        let beside = match replicas {
            0 | 1 => String::new(),
            n => format!("-{n}r"),
        };
        Ok(Self {
            name: format!("{named}-{precision}-{}{beside}", machine.slug()),
            measured: machine::today(),
            how: grid.in_words(),
            latency: Latency {
                measured_on: machine.to_string(),
                fixed_secs: fixed,
                per_item_secs: per_item,
                per_token_secs: per_token,
                per_output_token_secs: per_output,
            },
            per_step_secs: per_step,
            token_budget: measured.token_budget,
            errors: fit::errors(&terms, &points),
            outlier_share: n_out as f64 / (n.max(1)) as f64,
            model,
            skill,
            precision,
            machine,
            replicas,
        })
    }

    /// What it says of a batch, in seconds.
    pub fn predicted_secs(&self, cell: &Cell) -> f64 {
        let Latency {
            fixed_secs,
            per_item_secs,
            per_token_secs,
            per_output_token_secs,
            ..
        } = self.latency;
        let terms = [
            fixed_secs,
            per_item_secs,
            per_token_secs,
            self.per_step_secs,
            per_output_token_secs,
        ];
        fit::predicted(&terms, &point(cell).terms)
    }

    /// The name of the model, without its version.
    pub fn model_name(&self) -> &str {
        self.model.split('@').next().unwrap_or_default()
    }

    /// The SHA-256 of all that it says, as RON.
    pub fn hash(&self) -> FileHash {
        FileHash(Sha256::digest(self.to_ron()).into())
    }

    /// Reads a profile, written as RON.
    ///
    /// # Errors
    /// Where it is wrong, and how.
    pub fn parse(text: &str) -> Result<Self, String> {
        let profile: Self = ron_options()
            .from_str(text)
            .map_err(|error| error.to_string())?;
        let latency = &profile.latency;
        for (what, value) in [
            ("fixed_secs", latency.fixed_secs),
            ("per_item_secs", latency.per_item_secs),
            ("per_token_secs", latency.per_token_secs),
            ("per_output_token_secs", latency.per_output_token_secs),
            ("per_step_secs", profile.per_step_secs),
        ] {
            if !(value.is_finite() && (0.0..1e6).contains(&value)) {
                return Err(format!("{what} is {value:?}, must be 0 to a million"));
            }
        }
        Ok(profile)
    }

    /// The profile as RON.
    pub fn to_ron(&self) -> String {
        ron::ser::to_string_pretty(self, ron::ser::PrettyConfig::default())
            .expect("a profile can be written. This is a bug")
    }

    /// Keeps it in the store in this folder, in place of an earlier one of the same model, skill,
    /// precision, threads and replicas; says where.
    ///
    /// # Errors
    /// [`io::Error`] if it cannot be written.
    pub fn keep(&self, store: &Path) -> io::Result<PathBuf> {
        let path = kept_at(store, &self.subject());
        let folder = path.parent().unwrap_or(store);
        fs::create_dir_all(folder)?;
        let part = path.with_extension(format!("part-{}", process::id()));
        fs::write(&part, self.to_ron())?;
        fs::rename(&part, &path)?;
        Ok(path)
    }

    /// What was measured of a subject and kept in the store in this folder; `None` if nothing was, or
    /// it is of another processor. If it was not measured with as many replicas busy, that counts
    /// which was measured with the closest number of them.
    ///
    /// # Errors
    /// [`ProfileError`] if it is there and cannot be read.
    pub fn kept(store: &Path, subject: &Subject) -> Result<Option<Self>, ProfileError> {
        let mut numbers: Vec<u32> = (1..=MOST_REPLICAS.max(subject.replicas)).collect();
        numbers.sort_by_key(|n| n.abs_diff(subject.replicas));
        let paths = numbers.into_iter().map(|replicas| {
            let near = Subject {
                replicas,
                ..subject.clone()
            };
            kept_at(store, &near)
        });
        let Some(path) = paths.into_iter().find(|path| path.exists()) else {
            return Ok(None);
        };
        let text = fs::read_to_string(&path).map_err(|error| error.to_string());
        let profile = text.and_then(|text| Self::parse(&text));
        let profile = profile.map_err(|why| ProfileError { path, why })?;
        let (this, kept) = (&subject.machine, &profile.machine);
        let is_here = kept.cpu == this.cpu && kept.instruction_set == this.instruction_set;
        Ok(is_here.then_some(profile))
    }

    /// What it is a profile of.
    pub fn subject(&self) -> Subject {
        Subject {
            model: self.model.clone(),
            skill: self.skill,
            precision: self.precision.clone(),
            machine: self.machine.clone(),
            replicas: self.replicas,
        }
    }
}

impl Grid {
    fn in_words(&self) -> String {
        let listed = |numbers: &[u32]| {
            let words: Vec<String> = numbers.iter().map(u32::to_string).collect();
            words.join(", ")
        };
        let mut words = format!(
            "{} times after {} to warm up, through the port: batches of {} inputs of {} tokens",
            self.n_times,
            self.n_warm_up,
            listed(&self.batches),
            listed(&self.lengths),
        );
        if self.outputs != [0] {
            words += &format!(", answered with {} tokens", listed(&self.outputs));
        }
        if self.replicas > 1 {
            words += &format!(", on 1 replica and on {} at once", self.replicas);
        }
        if self.sound.is_some() {
            words += ", of a recording";
        }
        words
    }
}

fn kept_at(store: &Path, subject: &Subject) -> PathBuf {
    let Subject {
        model,
        skill,
        precision,
        machine,
        replicas,
    } = subject;
    let (skill, threads) = (skill.name(), machine.threads);
    let on = match machine.is_card() {
        true => "card-",
        false => "",
    };
    let file = format!("{on}{skill}-{precision}-{threads}-threads-{replicas}-replicas.ron");
    store.join(FOLDER).join(model).join(file)
}

fn point(cell: &Cell) -> Point {
    Point {
        terms: [
            1.0,
            cell.batch.into(),
            cell.tokens as f64,
            cell.n_steps(),
            cell.output_tokens as f64,
        ],
        secs: cell.median(),
    }
}
