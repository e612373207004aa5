//! A workload with other resources than its file says.

use std::{collections::BTreeMap, fs, path::Path};

use workloads::{
    Change, FileError, ReadError, Requests, ResourceGroup, Workload, read_trace_file,
    read_workload_file,
};

use super::{
    knob::{Knob, Setting, configuration_name},
    point::Configuration,
};
use crate::input::{Input, InputKind};

/// Why a configuration of a scene or workload cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VariantError {
    /// Nobody has the name that a knob is for.
    #[error("{setting} is for {name:?}, and nobody is called so; there are {known}")]
    UnknownName {
        /// The knob.
        setting: String,
        /// Whom it names.
        name: String,
        /// Whom it may name.
        known: String,
    },
    /// The file is wrong, or becomes so.
    #[error("with {configuration}: {error}")]
    Read {
        /// In which configuration.
        configuration: String,
        /// Why.
        error: ReadError,
    },
}

/// A workload that is to be varied.
#[derive(Debug)]
pub struct VariableWorkload {
    text: String,
    /// As the file says.
    workload: Workload,
    /// What its tasks follow, by the names in the file.
    traces: Vec<(String, Requests)>,
    /// Of all that it is read from.
    hash: blake3::Hash,
}

impl VariableWorkload {
    /// Reads a workload with the traces that it names, from its folder.
    ///
    /// # Errors
    /// If a file cannot be read, or for the first thing that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        // Whatever is wrong is found here.
        let workload = read_workload_file(path, &[])?;
        let read = |path: &Path| {
            fs::read(path).map_err(|cause| FileError::Unreadable {
                path: path.to_owned(),
                cause,
            })
        };
        let text = String::from_utf8_lossy(&read(path)?).into_owned();
        let mut hasher = blake3::Hasher::new();
        hasher.update(text.as_bytes());
        let bare = Workload::read(&text).map_err(|error| FileError::Invalid {
            path: path.to_owned(),
            error,
        })?;
        let mut traces = Vec::new();
        for file in bare.missing_traces() {
            let beside = path.parent().unwrap_or(Path::new("")).join(file);
            hasher.update(&read(&beside)?);
            traces.push((file.to_owned(), read_trace_file(&beside, None)?));
        }
        Ok(Self {
            text,
            workload,
            traces,
            hash: hasher.finalize(),
        })
    }

    /// A workload that follows no traces.
    ///
    /// # Errors
    /// For the first thing that is wrong with it.
    pub fn of_text(text: &str) -> Result<Self, ReadError> {
        Ok(Self {
            text: text.to_owned(),
            workload: Workload::read(text)?,
            traces: Vec::new(),
            hash: blake3::hash(text.as_bytes()),
        })
    }

    /// As its file says.
    pub fn workload(&self) -> &Workload {
        &self.workload
    }

    /// The workload in the configuration that `settings` say.
    ///
    /// A knob without a name is for the resources that serve a model, or for all if none does; a name
    /// is that of a resource or of a model. What names a resource counts more than what names none.
    ///
    /// # Errors
    /// If a name leads nowhere, or the file is refused with these resources.
    pub fn varied(&self, settings: Vec<Setting>) -> Result<(Configuration, Input), VariantError> {
        let name = configuration_name(&settings);
        let changes = changes(&self.workload.groups, &settings)?;
        let mut workload =
            Workload::read_changed(&self.text, &changes).map_err(|error| VariantError::Read {
                configuration: name.clone(),
                error,
            })?;
        for (file, requests) in &self.traces {
            workload.give_trace(file, requests);
        }
        let serving = serving(&workload.groups);
        let n_replicas: usize = serving.iter().map(|group| group.members.len()).sum();
        let hash = blake3::hash(format!("{changes:?}\n{}", self.hash).as_bytes());
        let input = Input {
            name,
            hash: hash.to_hex().to_string(),
            kind: InputKind::Workload(Box::new(workload)),
        };
        let configuration = Configuration {
            settings,
            n_replicas: n_replicas as u32,
        };
        Ok((configuration, input))
    }
}

/// What settings change of which group.
fn changes(groups: &[ResourceGroup], settings: &[Setting]) -> Result<Vec<Change>, VariantError> {
    let mut changes = BTreeMap::<&str, Change>::new();
    let (general, named): (Vec<_>, Vec<_>) = settings.iter().partition(|it| it.of.is_none());
    for setting in general.into_iter().chain(named) {
        for group in meant(groups, setting)? {
            let change = changes.entry(&group.name).or_insert_with(|| Change {
                resource: group.name.clone(),
                ..Change::default()
            });
            match setting.knob {
                Knob::Replicas => change.count = Some(setting.value as u32),
                Knob::Batch => change.slots = Some(setting.value as u32),
                Knob::Speed => change.speed = Some(setting.value),
            }
        }
    }
    Ok(changes.into_values().collect())
}

/// The resources that serve a model; all if none does.
fn serving(groups: &[ResourceGroup]) -> Vec<&ResourceGroup> {
    let serve = groups.iter().filter(|group| group.model.is_some());
    let serve: Vec<_> = serve.collect();
    if serve.is_empty() {
        groups.iter().collect()
    } else {
        serve
    }
}

/// Those that a setting is for.
fn meant<'g>(
    groups: &'g [ResourceGroup],
    setting: &Setting,
) -> Result<Vec<&'g ResourceGroup>, VariantError> {
    let Some(of) = &setting.of else {
        return Ok(serving(groups));
    };
    if let Some(group) = groups.iter().find(|group| group.name == *of) {
        return Ok(vec![group]);
    }
    let of_model = groups.iter().filter(|it| it.model.as_ref() == Some(of));
    let of_model: Vec<_> = of_model.collect();
    if !of_model.is_empty() {
        return Ok(of_model);
    }
    let resources: Vec<_> = groups.iter().map(|group| &group.name).collect();
    let mut models: Vec<_> = groups.iter().filter_map(|it| it.model.as_ref()).collect();
    models.sort();
    models.dedup();
    let known = if models.is_empty() {
        format!("the resources {resources:?}")
    } else {
        format!("the resources {resources:?} and the models {models:?}")
    };
    Err(VariantError::UnknownName {
        setting: setting.name(),
        name: of.clone(),
        known,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whatif::{Vary, combinations};

    const CREW: &str = include_str!("../../../../assets/workloads/crew.workload.ron");

    /// The workload with knobs that have one value each.
    fn varied(knobs: &[&str]) -> Result<(Configuration, Workload), VariantError> {
        let knobs: Vec<_> = knobs
            .iter()
            .map(|text| Vary::parse(text).unwrap())
            .collect();
        let settings = combinations(&knobs, 1).unwrap().remove(0);
        let (configuration, input) = VariableWorkload::of_text(CREW).unwrap().varied(settings)?;
        let InputKind::Workload(workload) = input.kind else {
            panic!("no workload")
        };
        Ok((configuration, *workload))
    }

    #[test]
    fn knobs_turn_those_that_they_are_for() {
        // How many GPUs, embedders and Adas there are, the slots of the first two, and replicas.
        for (knobs, counts, slots, n_replicas) in [
            (&["replicas=3"][..], [3, 3, 1], [16, 8], 6),
            (&["replicas[gpu]=1"], [1, 2, 1], [16, 8], 3),
            (&["replicas[reader]=5"], [4, 5, 1], [16, 8], 9),
            (&["replicas[Ada]=2"], [4, 2, 2], [16, 8], 6),
            (&["batch=4", "replicas[gpu]=2"], [2, 2, 1], [4, 4], 4),
            (&["replicas[gpu]=2", "replicas=7"], [2, 7, 1], [16, 8], 9),
            (&["speed=2"], [4, 2, 1], [16, 8], 6),
        ] {
            let (configuration, workload) = varied(knobs).unwrap();
            let groups: Vec<_> = workload
                .groups
                .iter()
                .map(|it| it.members.clone())
                .collect();
            let found: Vec<_> = groups.iter().map(ExactSizeIterator::len).collect();
            assert_eq!(found, counts, "{knobs:?}");
            let slots_of = |group: usize| workload.resources[groups[group].start].slots;
            assert_eq!([slots_of(0), slots_of(1)], slots, "{knobs:?}");
            assert_eq!(configuration.n_replicas, n_replicas, "{knobs:?}");
        }
    }

    #[test]
    fn names_that_lead_nowhere_are_refused() {
        let error = varied(&["replicas[cpu]=1"]).unwrap_err().to_string();
        for word in [
            "replicas[cpu]",
            "\"cpu\"",
            "\"gpu\"",
            "\"reader\"",
            "\"Ada\"",
        ] {
            assert!(error.contains(word), "{word} is missing in {error}");
        }
    }
}
