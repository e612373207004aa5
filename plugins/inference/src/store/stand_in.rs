//! The model that answers where the one that was asked for cannot be had.

use std::sync::atomic::AtomicBool;

use super::{Progress, Store, StoreError};
use crate::{ask::Skill, load_options::LoadOptions, model::Model};

impl Store {
    /// A model as [`Store::load`] gives it; where no source of an embedding model can be reached, the
    /// [embedded one](Model::embedded) instead, with the reason.
    ///
    /// Whoever takes it should say so: its vectors are others than those that were asked for.
    ///
    /// # Errors
    /// [`StoreError`], as [`Store::load`]; [`StoreError::NoSource`] only for models that do not embed.
    pub fn load_or_embedded(
        &self,
        name: &str,
        how: impl Into<LoadOptions>,
        progress: &mut dyn FnMut(Progress<'_>),
        cancel: &AtomicBool,
    ) -> Result<(Model, Option<StoreError>), StoreError> {
        match self.load(name, how, progress, cancel) {
            Ok(model) => Ok((model, None)),
            Err(error @ StoreError::NoSource { .. }) if self.embeds(name) => {
                let model = Model::embedded();
                let version = model.version();
                tracing::warn!("{version} answers instead of {name:?}: {error}");
                Ok((model, Some(error)))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a name is that of a model that embeds.
    pub fn embeds(&self, name: &str) -> bool {
        self.resolve(name)
            .is_ok_and(|entry| entry.skills.contains(&Skill::Embed))
    }
}
