//! A scene with other replicas than its file says.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use agents::MeetingInput;
use bench::{
    Input,
    whatif::{Configuration, Knob, Setting, VariantError, configuration_name},
};
use rooms::{Replica, Scene};
use schedule::ResourceId;
use sim::SimSpan;

use crate::{error::AppError, profiles, scene_run};

/// A scene that is to be varied, with its own meeting.
pub(super) struct Variable {
    scene: Scene,
    meeting: Arc<MeetingInput>,
}

/// A scene in one configuration.
struct Varied {
    scene: Scene,
    /// Whose faults are left out, since they are not there.
    without: Vec<String>,
}

impl Variable {
    /// Reads a scene.
    ///
    /// # Errors
    /// If it or its meeting is wrong, it has no replicas, or a profile is not there.
    pub(super) fn read(path: &Path, profile: Option<&str>) -> Result<Self, AppError> {
        let mut scene = Scene::read(path)?;
        if scene.replicas.is_empty() {
            let what = format!("{}: the scene has no replicas to vary", path.display());
            return Err(AppError::Usage(what));
        }
        let asked = profiles::Asked {
            profile,
            ..profiles::Asked::default()
        };
        profiles::apply(&mut scene, asked)?;
        let meeting = MeetingInput::read(&scene, None, Vec::new())?;
        Ok(Self {
            meeting: Arc::new(meeting),
            scene,
        })
    }

    /// What the scene is called.
    pub(super) fn name(&self) -> &str {
        &self.scene.name
    }

    /// Whether having a replica costs anything.
    pub(super) fn has_price(&self) -> bool {
        let devices = self.scene.replicas.iter().map(|replica| replica.device);
        devices
            .into_iter()
            .any(|device| self.scene.devices[device].price_per_hour > 0.0)
    }

    /// The scene in one configuration, and whose faults are left out there.
    ///
    /// # Errors
    /// If a knob names nobody.
    pub(super) fn varied(
        &self,
        settings: Vec<Setting>,
    ) -> Result<(Configuration, Input, Vec<String>), VariantError> {
        let Varied { scene, without } = vary(&self.scene, &settings)?;
        let configuration = Configuration {
            n_replicas: scene.replicas.len() as u32,
            settings,
        };
        let name = configuration_name(&configuration.settings);
        let hash = scene_run::hash(&scene, &self.meeting);
        let simulation = scene_run::simulation(Arc::new(scene), Arc::clone(&self.meeting));
        let input = Input::simulation(name, hash, simulation);
        Ok((configuration, input, without))
    }
}

/// A knob without a name is for the replicas of each model; a name is that of a model, or else of a
/// replica. What names somebody counts more than what names nobody.
fn vary(scene: &Scene, settings: &[Setting]) -> Result<Varied, VariantError> {
    let names: Vec<String> = resource_names(scene).collect();
    let mut varied = scene.clone();
    let mut settings: Vec<&Setting> = settings.iter().collect();
    // New replicas are copies, so that those that are copied must be as they are to be.
    settings.sort_by_key(|setting| (setting.knob == Knob::Replicas, setting.of.is_some()));
    for setting in settings {
        for group in meant(&varied, setting)? {
            match setting.knob {
                Knob::Batch => {
                    for n in group {
                        varied.replicas[n].slots = setting.value as u32;
                    }
                }
                Knob::Speed => {
                    for n in group {
                        quicken(&mut varied.replicas[n], setting.value);
                    }
                }
                Knob::Replicas => resize(&mut varied, &group, setting.value as usize),
            }
        }
        varied.replicas.retain(|replica| !replica.name.is_empty());
    }
    let mut without = Vec::new();
    let now: Vec<String> = resource_names(&varied).collect();
    varied.faults.retain_mut(|fault| {
        let name = &names[fault.resource.index()];
        let place = now.iter().position(|other| other == name);
        if place.is_none() {
            without.push(name.clone());
        }
        fault.resource = ResourceId(place.unwrap_or_default() as u32);
        place.is_some()
    });
    Ok(Varied {
        scene: varied,
        without,
    })
}

fn resource_names(scene: &Scene) -> impl Iterator<Item = String> {
    let resources = scene.resources().into_iter();
    resources.map(|resource| resource.name)
}

/// The replicas that a setting is for, by number; those of each model apart.
fn meant(scene: &Scene, setting: &Setting) -> Result<Vec<Vec<usize>>, VariantError> {
    let of_model = |model: usize| -> Vec<usize> {
        let replicas = scene.replicas.iter().enumerate();
        let of_model = replicas.filter(|(_, replica)| replica.model == model);
        of_model.map(|(n, _)| n).collect()
    };
    let models: BTreeSet<usize> = scene.replicas.iter().map(|it| it.model).collect();
    let Some(name) = &setting.of else {
        return Ok(models.into_iter().map(of_model).collect());
    };
    let mut found = models.iter().copied();
    if let Some(model) = found.find(|model| scene.models[*model].name == *name) {
        return Ok(vec![of_model(model)]);
    }
    if let Some(n) = scene.replicas.iter().position(|it| it.name == *name) {
        return Ok(vec![vec![n]]);
    }
    let models: Vec<_> = models
        .iter()
        .map(|model| &scene.models[*model].name)
        .collect();
    let replicas: Vec<_> = scene.replicas.iter().map(|replica| &replica.name).collect();
    Err(VariantError::UnknownName {
        setting: setting.name(),
        name: name.clone(),
        known: format!("the models {models:?} and the replicas {replicas:?}"),
    })
}

fn quicken(replica: &mut Replica, factor: f64) {
    let faster = |span: SimSpan| SimSpan((span.0 as f64 / factor).round() as u64);
    for (_, profile) in &mut replica.skills {
        profile.fixed = faster(profile.fixed);
        profile.per_item = faster(profile.per_item);
        profile.per_token = faster(profile.per_token);
    }
}

/// Makes a group `n` strong: the first of it stay, those that come are copies of them in turn. Those
/// that go are left without a name.
fn resize(scene: &mut Scene, group: &[usize], n: usize) {
    for gone in group.iter().skip(n) {
        scene.replicas[*gone].name.clear();
    }
    let copied = group.iter().cycle().take(n.saturating_sub(group.len()));
    for original in copied {
        let mut copy = scene.replicas[*original].clone();
        copy.name = free_name(scene, &copy.name);
        scene.replicas.push(copy);
    }
}

/// `replica 3` where there are `replica 1` and `replica 2`.
fn free_name(scene: &Scene, like: &str) -> String {
    let stem = like.trim_end_matches(|c: char| c.is_ascii_digit());
    let stem = stem.trim_end();
    let stem = if stem.is_empty() { "replica" } else { stem };
    let is_taken = |name: &String| {
        scene.replicas.iter().any(|it| it.name == *name) || scene.agent_named(name).is_some()
    };
    (2..)
        .map(|number| format!("{stem} {number}"))
        .find(|name| !is_taken(name))
        .expect("there are more numbers than replicas. This is a bug.")
}

#[cfg(test)]
mod tests {
    use bench::whatif::{Vary, combinations};

    use super::*;

    /// The shipped scene with knobs that have one value each.
    fn varied(knobs: &[&str]) -> Result<Varied, VariantError> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenes/meeting.scene.ron");
        let scene = Scene::read(Path::new(path)).unwrap();
        let knobs: Vec<_> = knobs.iter().map(|it| Vary::parse(it).unwrap()).collect();
        vary(&scene, &combinations(&knobs, 1).unwrap()[0])
    }

    fn names(scene: &Scene) -> Vec<&str> {
        scene.replicas.iter().map(|it| it.name.as_str()).collect()
    }

    #[test]
    fn replicas_come_and_go_and_faults_keep_to_their_names() {
        let one = varied(&["replicas=1"]).unwrap();
        assert_eq!(names(&one.scene), ["replica 1"]);
        assert_eq!(
            (one.scene.faults.len(), &one.without[..]),
            (0, &["replica 2".to_owned()][..])
        );
        let four = varied(&["replicas[minilm]=4", "batch=3"]).unwrap();
        let expected = ["replica 1", "replica 2", "replica 3", "replica 4"];
        assert_eq!(names(&four.scene), expected);
        assert!(four.scene.replicas.iter().all(|replica| replica.slots == 3));
        assert_eq!(four.scene.faults[0].resource, ResourceId(1));
        assert!(four.without.is_empty());
        let resources = four.scene.resources();
        assert_eq!(resources[4].name, "Ada");
    }

    #[test]
    fn a_name_is_that_of_a_model_or_a_replica() {
        let one = varied(&["speed[replica 2]=2", "replicas[replica 2]=3"])
            .unwrap()
            .scene;
        let expected = ["replica 1", "replica 2", "replica 3", "replica 4"];
        assert_eq!(names(&one), expected);
        let fixed: Vec<_> = one
            .replicas
            .iter()
            .map(|it| it.skills[0].1.fixed.0)
            .collect();
        assert_eq!(fixed, [4_000_000, 2_000_000, 2_000_000, 2_000_000]);
        let error = varied(&["batch[replica 9]=1"]).err().unwrap().to_string();
        for word in ["batch[replica 9]", "\"minilm\"", "\"replica 1\""] {
            assert!(error.contains(word), "{word} is missing in {error}");
        }
    }
}
