//! Measures the models of a scene between its runs, so that what the machine does meanwhile meets both.

use inference::{Grid, Meter, PortOptions, Profile, Skill};
use record::ProfileUsed;
use rooms::{CALIBRATED, DeviceKind, Scene};

use crate::{
    error::AppError,
    interrupt, models,
    profiles::{self, Asked, Measurable},
};

/// Rounds before the first run, one to warm up among them: how hard a scene is pressed follows from
/// what they say, and no more does.
const N_BEFORE: u32 = 3;

/// Tokens of the largest batch of texts that is measured: a second more for each round would be no
/// better.
const MOST_TOKENS: u32 = 512;

/// One meter for each model and skill of a scene; none if its profile is not measured but named.
#[derive(Debug, Default)]
pub(super) struct Meters(Vec<(Measurable, Grid, Meter)>);

impl Meters {
    /// Lets all replicas of `scene` go by what is measured, and measures it for the first time.
    ///
    /// # Errors
    /// If a model cannot be had or measured.
    pub(super) fn open(scene: &mut Scene, asked: Asked<'_>) -> Result<Self, AppError> {
        profiles::name_everywhere(scene, CALIBRATED)?;
        let store = models::store()?;
        let n_busy = profiles::n_busy(scene, DeviceKind::Cpu, asked.threads);
        let mut meters = Vec::new();
        for one in profiles::measurable(scene, asked)? {
            let grid = grid(one.skill, one.n_replicas);
            let version = one.entry.full_name();
            let model = models::load(&store, &version, one.how, true)?;
            let mut meter = Meter::open(|name| model.replica(name), one.skill, &grid)
                .map_err(models::not_measured)?;
            // As runs do.
            let most = profiles::token_budget(&store, &version, n_busy);
            meter.pass_at_most(most.unwrap_or(PortOptions::default().max_batch_tokens));
            meters.push((one, grid, meter));
        }
        let mut meters = Self(meters);
        for _ in 0..N_BEFORE {
            meters.round()?;
        }
        Ok(meters)
    }

    /// Measures everything once more.
    ///
    /// # Errors
    /// If a model fails, or somebody interrupts.
    pub(super) fn round(&mut self) -> Result<(), AppError> {
        for (_, _, meter) in &mut self.0 {
            let round = meter.round(|| !interrupt::caught());
            round.map_err(models::not_measured)?;
        }
        Ok(())
    }

    /// Lets `scene` go by what was measured so far, or by the profiles that it names.
    ///
    /// # Errors
    /// If nothing fits what was measured, or a profile is not there.
    pub(super) fn apply(
        &self,
        scene: &mut Scene,
        asked: Asked<'_>,
    ) -> Result<Vec<ProfileUsed>, AppError> {
        let profile = |(one, grid, meter): &(Measurable, Grid, Meter)| {
            Profile::of(one.subject(), grid, &meter.measured())
        };
        let measured = self.0.iter().map(profile);
        let measured = measured
            .collect::<Result<Vec<_>, _>>()
            .map_err(models::not_measured)?;
        let asked = Asked {
            measured: &measured,
            ..asked
        };
        profiles::apply(scene, asked)
    }
}

/// Texts come in batches of all sizes, and between the sizes of a small grid a model is not as even as
/// its profile; what takes long is measured at fewer of them.
fn grid(skill: Skill, replicas: u32) -> Grid {
    let grid = match skill {
        Skill::Generate | Skill::Transcribe => Grid::quick(skill),
        Skill::Embed | Skill::Classify | Skill::Tag => Grid {
            most_tokens: MOST_TOKENS,
            ..Grid::usual(skill)
        },
    };
    Grid { replicas, ..grid }
}
