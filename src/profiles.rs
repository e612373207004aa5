//! Lets the replicas of a scene take as long as their models were measured to take.
//!
//! What counts, in this order: the profile that the command line names; the one that the scene names;
//! the seconds that the scene gives. Nothing is taken because it happens to be there, so that a scene
//! means the same on every machine unless it, or who runs it, asks for `calibrated`.

use inference::{
    DeviceChoice, LoadOptions, Manifest, Profile, REMOTE_PREFIX, Skill, Store, Subject, shipped,
    shipped_named,
};
use record::ProfileUsed;
use rooms::{ByProfile, CALIBRATED, DeviceKind, Replica, Scene, latency_by};

use crate::{cli::RunOptions, error::AppError, models, report, threads};

/// What is said of the profiles of a scene from outside.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    /// The profile of all replicas, instead of what the scene says.
    pub(crate) profile: Option<&'a str>,
    /// The model of all replicas, instead of the scene's own.
    pub(crate) model: Option<&'a str>,
    /// Cores that models may use.
    pub(crate) threads: Option<u16>,
    /// What was measured on this machine just now, which counts before what was kept.
    pub(crate) measured: &'a [Profile],
}

impl<'a> Asked<'a> {
    /// What the options of a run say.
    pub(crate) fn of(options: &'a RunOptions) -> Self {
        Self {
            profile: options.profile.as_deref(),
            model: options.model.as_deref(),
            threads: options.threads,
            measured: &[],
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
    let mut used = Vec::new();
    for n in 0..scene.replicas.len() {
        for by in scene.replicas[n].profiles.clone() {
            let profile = find(scene, &scene.replicas[n], &by, asked)?;
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

/// A model that is to be measured on this machine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measurable {
    /// The model.
    pub(crate) entry: Manifest,
    /// What it is asked for.
    pub(crate) skill: Skill,
    /// How a run loads it.
    pub(crate) how: LoadOptions,
    /// Replicas that share the processor or card.
    pub(crate) n_replicas: u32,
}

impl Measurable {
    /// What a profile of it is a profile of.
    pub(crate) fn subject(&self) -> Subject {
        Subject::of(&self.entry, self.skill, self.how, self.n_replicas)
    }
}

/// What a scene goes by as it was measured on this machine, each once.
///
/// # Errors
/// If a model is unknown or computes elsewhere.
pub(crate) fn measurable(scene: &Scene, asked: Asked<'_>) -> Result<Vec<Measurable>, AppError> {
    let mut all = Vec::new();
    let store = models::store()?;
    for replica in &scene.replicas {
        for by in &replica.profiles {
            let one = measurable_one(&store, scene, replica, by, asked)?;
            if by.profile == CALIBRATED && !all.contains(&one) {
                all.push(one);
            }
        }
    }
    Ok(all)
}

fn measurable_one(
    store: &Store,
    scene: &Scene,
    replica: &Replica,
    by: &ByProfile,
    asked: Asked<'_>,
) -> Result<Measurable, AppError> {
    let version = asked.model.unwrap_or(&scene.models[replica.model].version);
    let kind = scene.devices[replica.device].kind;
    if version.starts_with(REMOTE_PREFIX) || kind == DeviceKind::Remote {
        return Err(AppError::Usage(format!(
            "replica {:?} computes on a server, so that no profile of it can be measured here; name a \
             shipped one or give seconds",
            replica.name
        )));
    }
    let how = LoadOptions {
        device: models::device_choice(kind),
        ..LoadOptions::default()
    };
    Ok(Measurable {
        entry: store.resolve(version)?,
        skill: asked_of_model(by.skill),
        how,
        n_replicas: n_busy(scene, kind, asked.threads),
    })
}

/// Replicas that compute at the same time on devices of this kind.
pub(crate) fn n_busy(scene: &Scene, kind: DeviceKind, n_threads: Option<u16>) -> u32 {
    let is_there = |replica: &&Replica| scene.devices[replica.device].kind == kind;
    let n = scene.replicas.iter().filter(is_there).count();
    let most = match kind {
        DeviceKind::Cpu => threads::n_cores(n_threads),
        DeviceKind::Gpu | DeviceKind::Remote => usize::MAX,
    };
    n.min(most).max(1) as u32
}

/// The largest budget of tokens that calibration found for a skill of a model; `None` if nothing was
/// measured on this machine.
pub(crate) fn token_budget(store: &Store, model: &str, n_busy: u32) -> Option<u32> {
    let entry = store.resolve(model).ok()?;
    let budget = |skill: &Skill| {
        let subject = Subject::of(&entry, *skill, LoadOptions::default(), n_busy);
        let kept = Profile::kept(&store.options().root, &subject);
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
///
/// # Errors
/// If the profile is unknown or fits nothing.
pub(crate) fn name_everywhere(scene: &mut Scene, name: &str) -> Result<(), AppError> {
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
    asked: Asked<'_>,
) -> Result<Profile, AppError> {
    if by.profile != CALIBRATED {
        return shipped_named(&by.profile).ok_or_else(|| unknown(&by.profile));
    }
    let store = models::store()?;
    let one = measurable_one(&store, scene, replica, by, asked)?;
    let subject = one.subject();
    let is_of_it = |profile: &&Profile| profile.subject() == subject;
    if let Some(profile) = asked.measured.iter().find(is_of_it) {
        return Ok(profile.clone());
    }
    let kept = Profile::kept(&store.options().root, &subject);
    kept.map_err(|error| AppError::Usage(error.to_string()))?
        .ok_or_else(|| AppError::Usage(never_measured(replica, &one)))
}

fn never_measured(replica: &Replica, one: &Measurable) -> String {
    let Measurable {
        entry,
        skill,
        how,
        n_replicas,
    } = one;
    let on = match how.device {
        DeviceChoice::Cpu => String::new(),
        card => format!(" --device {card}"),
    };
    format!(
        "replica {:?} is to go by what was measured of {} ({}), and nothing was measured on this \
         machine; do it with `diorama models calibrate {} --replicas {n_replicas}{on}`",
        replica.name,
        entry.full_name(),
        skill.name(),
        entry.full_name(),
    )
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
