//! Finds the version that a name means, and says which of two versions answers a request.

use std::collections::BTreeSet;

use super::{Store, StoreError, aliases, aliases::Aliases, versions};
use crate::{
    aliases::fraction,
    manifest::Manifest,
    model_name::{ModelName, Pick},
};

/// Which versions answer the requests for a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The version that serves.
    pub stable: Manifest,
    /// The version that is being tried, and its share of the requests, from 0 to 1.
    pub candidate: Option<(Manifest, f64)>,
}

impl Route {
    /// Which version answers the request with this key. The same key always gets the same answer,
    /// and raising the share takes no request away from the candidate.
    pub fn pick(&self, key: u64) -> &Manifest {
        match &self.candidate {
            Some((candidate, share)) if fraction(key) < *share => candidate,
            _ => &self.stable,
        }
    }
}

impl Store {
    /// Every known version: those of the catalog in its order, then those of the store.
    pub fn known(&self) -> Vec<Manifest> {
        let mut known = self.catalog.models().to_vec();
        for name in versions::names(&self.options.root) {
            for stored in self.stored(&name) {
                if !known.iter().any(|there| is_same(there, &stored)) {
                    known.push(stored);
                }
            }
        }
        known
    }

    /// The names that can be given where a model is asked for, with and without a version. Looks at
    /// no files but manifests and aliases.
    pub fn known_names(&self) -> Vec<String> {
        let known = self.known();
        let mut names: BTreeSet<_> = known.iter().map(|known| known.name.clone()).collect();
        for name in names.clone() {
            names.insert(format!("{name}@stable"));
            if self
                .aliases(&name)
                .is_ok_and(|aliases| aliases.candidate.is_some())
            {
                names.insert(format!("{name}@candidate"));
            }
        }
        names.extend(known.iter().map(Manifest::full_name));
        names.into_iter().collect()
    }

    /// The versions of a model that the store holds.
    pub(super) fn stored(&self, name: &str) -> Vec<Manifest> {
        let (manifests, broken) = versions::of(&self.options.root, name);
        for (path, why) in broken {
            tracing::warn!("the manifest {path:?} is left aside: {why}");
        }
        manifests
    }

    /// The versions of a model, the catalog's first.
    ///
    /// # Errors
    /// [`StoreError::UnknownModel`] if there are none.
    pub fn versions(&self, name: &str) -> Result<Vec<Manifest>, StoreError> {
        let mut versions: Vec<_> = self.catalog.get(name).cloned().into_iter().collect();
        for stored in self.stored(name) {
            if !versions.iter().any(|there| is_same(there, &stored)) {
                versions.push(stored);
            }
        }
        if !versions.is_empty() {
            return Ok(versions);
        }
        let known: BTreeSet<_> = self.known().into_iter().map(|known| known.name).collect();
        Err(StoreError::UnknownModel {
            model: name.to_owned(),
            known: known.into_iter().collect(),
        })
    }

    /// What the names of a model's versions stand for, as it was last told.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the file that says so is damaged.
    pub fn aliases(&self, name: &str) -> Result<Aliases, StoreError> {
        aliases::read(&self.options.root, name).map_err(|error| StoreError::Io {
            path: self.options.root.clone(),
            error,
        })
    }

    /// The version that a name means: `NAME`, `NAME@stable`, `NAME@candidate` or `NAME@VERSION`.
    ///
    /// # Errors
    /// [`StoreError::BadName`], [`StoreError::UnknownModel`] or [`StoreError::UnknownVersion`].
    pub fn resolve(&self, text: &str) -> Result<Manifest, StoreError> {
        let name: ModelName = text.parse().map_err(|why| StoreError::BadName {
            text: text.to_owned(),
            why,
        })?;
        let versions = self.versions(&name.name)?;
        let aliases = self.aliases(&name.name)?;
        let wanted = match &name.pick {
            Pick::Stable => match &aliases.stable {
                Some(version) => version.clone(),
                None => return Ok(versions[0].clone()),
            },
            Pick::Candidate => aliases.candidate.unwrap_or_default(),
            Pick::Version(digits) => digits.clone(),
        };
        let mut fitting = versions
            .iter()
            .filter(|manifest| !wanted.is_empty() && manifest.version().starts_with(&wanted));
        match (fitting.next(), fitting.next()) {
            (Some(manifest), None) => Ok(manifest.clone()),
            (first, _) => Err(StoreError::UnknownVersion {
                model: name.to_string(),
                is_ambiguous: first.is_some(),
                known: versions.iter().map(Manifest::version).collect(),
            }),
        }
    }

    /// Which versions answer the requests for a model, by its name alone.
    ///
    /// # Errors
    /// As [`Store::resolve`].
    pub fn route(&self, name: &str) -> Result<Route, StoreError> {
        let stable = self.resolve(name)?;
        let aliases = self.aliases(&stable.name)?;
        let candidate = match (&aliases.candidate, name == stable.name) {
            (Some(version), true) if aliases.canary > 0.0 => {
                let candidate = self.resolve(&format!("{name}@{version}"))?;
                Some((candidate, aliases.canary))
            }
            _ => None,
        };
        Ok(Route { stable, candidate })
    }
}

fn is_same(a: &Manifest, b: &Manifest) -> bool {
    a.name == b.name && a.version() == b.version()
}
