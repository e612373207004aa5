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
};

use serde::{Deserialize, Serialize};

use self::fit::Point;
pub use self::{
    compare::{Compared, compare, compare_quantiles},
    fit::FitErrors,
    knee::token_budget,
    machine::Machine,
    measure::{CalibrateError, Cell, Grid, measure},
    outliers::{median, outliers, quantile},
    shipped::{shipped, shipped_for},
};
use crate::{
    ask::Skill,
    manifest::{Latency, ron_options},
};

/// The folder of the store that holds what was measured on this machine.
const FOLDER: &str = "profiles";

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
    /// The numbers that it computes with: `f32` or `int8`.
    pub precision: String,
    /// Where it was measured.
    pub machine: Machine,
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
}

impl Profile {
    /// The profile that fits what was measured.
    ///
    /// # Errors
    /// [`CalibrateError::NoFit`] if nothing does.
    pub fn of(subject: Subject, grid: &Grid, cells: &[Cell]) -> Result<Self, CalibrateError> {
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
        } = subject;
        let named = model.split('@').next().unwrap_or_default();
        Ok(Self {
            name: format!("{named}-{precision}-{}", machine.slug()),
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
            token_budget: token_budget(cells),
            errors: fit::errors(&terms, &points),
            outlier_share: n_out as f64 / (n.max(1)) as f64,
            model,
            skill,
            precision,
            machine,
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

    /// Whether it was measured on the machine that is called so: by its slug, such as `amd-epyc-2t`.
    pub fn is_of_machine(&self, name: &str) -> bool {
        self.machine.slug() == name
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

    /// Keeps it in the store in this folder, in place of an earlier one of the same model, skill and
    /// threads; says where.
    ///
    /// # Errors
    /// [`io::Error`] if it cannot be written.
    pub fn keep(&self, store: &Path) -> io::Result<PathBuf> {
        let path = kept_at(store, &self.model, self.skill, self.machine.threads);
        let folder = path.parent().unwrap_or(store);
        fs::create_dir_all(folder)?;
        let part = path.with_extension("part");
        fs::write(&part, self.to_ron())?;
        fs::rename(&part, &path)?;
        Ok(path)
    }

    /// What was measured on this machine and kept in the store in this folder; `None` if nothing was
    /// or it is of another processor.
    pub fn kept(store: &Path, model: &str, skill: Skill, threads: usize) -> Option<Self> {
        let path = kept_at(store, model, skill, threads);
        let text = fs::read_to_string(&path).ok()?;
        match Self::parse(&text) {
            Ok(profile) => (profile.machine.cpu == Machine::this(threads).cpu).then_some(profile),
            Err(why) => {
                tracing::warn!("the profile in {path:?} is left aside: {why}");
                None
            }
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
        words
    }
}

fn kept_at(store: &Path, model: &str, skill: Skill, threads: usize) -> PathBuf {
    let file = format!("{}-{threads}-threads.ron", skill.name());
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
