//! Lets the replicas of a scene take as long as their models were measured to take.
//!
//! What counts, in this order: the profile that the command line names; the one that the scene names;
//! the seconds that the scene gives. Nothing is taken because it happens to be there, so that a scene
//! means the same on every machine unless it, or who runs it, asks for `calibrated`.

use inference::{
    LoadOptions, Manifest, Profile, REMOTE_PREFIX, Skill, Store, Subject, shipped, shipped_named,
};
use record::ProfileUsed;
use rooms::{ByProfile, CALIBRATED, DeviceKind, Replica, Scene, latency_by};

use crate::{cli::RunOptions, error::AppError, models, report, threads};

/// What the command line says of the profiles of a scene.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    /// The profile of all replicas, instead of what the scene says.
    pub(crate) profile: Option<&'a str>,
    /// The model of all replicas, instead of the scene's own.
    pub(crate) model: Option<&'a str>,
    /// Cores that models may use.
    pub(crate) threads: Option<u16>,
}

impl<'a> Asked<'a> {
    /// What the options of a run say.
    pub(crate) fn of(options: &'a RunOptions) -> Self {
        Self {
            profile: options.profile.as_deref(),
            model: options.model.as_deref(),
            threads: options.threads,
        }
    }
}

/// Fills in the profiles that a scene or the command line asks for, and tells which they are.
///
/// # Errors
/// If a profile is unknown, is of another skill, cannot be read, or was never measured here.
pub(crate) fn apply(scene: &mut Scene, asked: Asked<'_>) -> Result<Vec<ProfileUsed>, AppError> {
    if let Some(name) = asked.profile {
        name_everywhere(scene, name)?;
    }
    let n_busy = n_busy(scene, asked.threads);
    let mut used = Vec::new();
    for n in 0..scene.replicas.len() {
        for by in scene.replicas[n].profiles.clone() {
            let profile = find(scene, &scene.replicas[n], &by, asked.model, n_busy)?;
            let replica = &mut scene.replicas[n];
            for (skill, latency) in &mut replica.skills {
                if *skill == by.skill {
                    *latency = latency_by(&profile, by.answer_tokens);
                }
            }
            used.push(ProfileUsed {
                replica: replica.name.clone(),
                skill: by.skill,
                profile: profile.name.clone(),
                hash: profile.hash().to_string(),
            });
        }
    }
    Ok(used)
}

/// Replicas that compute on this machine at the same time.
pub(crate) fn n_busy(scene: &Scene, n_threads: Option<u16>) -> u32 {
    let is_here = |replica: &&Replica| scene.devices[replica.device].kind == DeviceKind::Cpu;
    let n_here = scene.replicas.iter().filter(is_here).count();
    n_here.min(threads::n_cores(n_threads)).max(1) as u32
}

/// What is measured of a model as a run of this many replicas loads it.
pub(crate) fn subject(entry: &Manifest, skill: Skill, n_busy: u32) -> Subject {
    Subject::of(entry, skill, LoadOptions::default(), n_busy)
}

/// The largest budget of tokens that calibration found for a skill of a model; `None` if nothing was
/// measured on this machine.
pub(crate) fn token_budget(store: &Store, model: &str, n_busy: u32) -> Option<u32> {
    let entry = store.resolve(model).ok()?;
    let budget = |skill: &Skill| {
        let kept = Profile::kept(&store.options().root, &subject(&entry, *skill, n_busy));
        match kept {
            Ok(profile) => Some(profile?.token_budget).filter(|budget| *budget > 0),
            Err(error) => {
                report::note(&format!("note: {error}"));
                None
            }
        }
    };
    entry.skills.iter().filter_map(budget).max()
}

/// Lets every skill of a replica go by a profile that can.
fn name_everywhere(scene: &mut Scene, name: &str) -> Result<(), AppError> {
    let shipped_one = match name {
        CALIBRATED => None,
        name => Some(shipped_named(name).ok_or_else(|| unknown(name))?),
    };
    let mut n_named = 0;
    for replica in &mut scene.replicas {
        let version = &scene.models[replica.model].version;
        let model = version.split('@').next().unwrap_or_default();
        for (skill, _) in &replica.skills {
            let fits = |profile: &Profile| {
                profile.skill == asked_of_model(*skill) && profile.model_name() == model
            };
            if !shipped_one.as_ref().is_none_or(fits) {
                continue;
            }
            n_named += 1;
            let own = replica.profiles.iter().find(|by| by.skill == *skill);
            let answer_tokens = own.map_or(0, |by| by.answer_tokens);
            replica.profiles.retain(|by| by.skill != *skill);
            replica.profiles.push(ByProfile {
                skill: *skill,
                profile: name.to_owned(),
                answer_tokens,
            });
        }
    }
    if n_named == 0 {
        return Err(AppError::Usage(format!(
            "no replica of the scene {:?} has a model and a skill that the profile {name:?} is of",
            scene.name
        )));
    }
    Ok(())
}

fn find(
    scene: &Scene,
    replica: &Replica,
    by: &ByProfile,
    model: Option<&str>,
    n_busy: u32,
) -> Result<Profile, AppError> {
    if by.profile != CALIBRATED {
        return shipped_named(&by.profile).ok_or_else(|| unknown(&by.profile));
    }
    let version = model.unwrap_or(&scene.models[replica.model].version);
    if version.starts_with(REMOTE_PREFIX) || scene.devices[replica.device].kind != DeviceKind::Cpu {
        return Err(AppError::Usage(format!(
            "replica {:?} computes elsewhere than on this processor, so that no profile of it was \
             measured here; name a shipped one or give seconds",
            replica.name
        )));
    }
    let store = models::store()?;
    let entry = store.resolve(version)?;
    let skill = asked_of_model(by.skill);
    let kept = Profile::kept(&store.options().root, &subject(&entry, skill, n_busy));
    kept.map_err(|error| AppError::Usage(error.to_string()))?
        .ok_or_else(|| {
            AppError::Usage(format!(
                "replica {:?} is to go by what was measured of {} ({}), and nothing was measured on \
                 this machine; do it with `diorama models calibrate {} --replicas {n_busy}`",
                replica.name,
                entry.full_name(),
                skill.name(),
                entry.full_name(),
            ))
        })
}

/// What a model is asked for by a subtask of a skill: whatever is no skill of models is written.
fn asked_of_model(skill: schedule::Skill) -> Skill {
    let known = Skill::ALL
        .into_iter()
        .find(|known| known.name() == skill.name());
    known.unwrap_or(Skill::Generate)
}

fn unknown(name: &str) -> AppError {
    let mut names: Vec<String> = shipped().into_iter().map(|profile| profile.name).collect();
    names.push(CALIBRATED.to_owned());
    AppError::Usage(format!(
        "there is no profile {name:?}; use one of {}",
        names.join(", ")
    ))
}
