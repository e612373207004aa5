//! What the models in memory take, and what the cards of the machine do, in lines for people.

use bevy::prelude::Resource;
use inference::{CardUsage, LoadedModel};

use crate::words;

/// What models take of the machine, filled by the app about once a second.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineUsage {
    /// The models that are in memory.
    pub loaded: Vec<LoadedModel>,
    /// The cards of the machine.
    pub cards: Vec<CardUsage>,
}

impl MachineUsage {
    /// One line for the models in memory, and one for each card; of what is not there, none.
    pub(crate) fn lines(&self) -> Vec<String> {
        let cards = self.cards.iter().map(card);
        in_memory(&self.loaded).into_iter().chain(cards).collect()
    }
}

/// `In memory: 100 MB · all-minilm-l6-v2 bbd64a 91 MB · static-minilm 12ab34 9 MB, unused`.
fn in_memory(loaded: &[LoadedModel]) -> Option<String> {
    // Those of servers take nothing here.
    let here: Vec<_> = loaded.iter().filter(|model| model.bytes > 0).collect();
    let total: u64 = here.iter().map(|model| model.bytes).sum();
    let models = here.iter().map(|model| {
        let unused = if model.is_idle { ", unused" } else { "" };
        let (name, size) = (
            words::short_version(&model.version),
            words::megabytes(model.bytes),
        );
        format!("{name} {size}{unused}")
    });
    let parts: Vec<_> = [format!("In memory: {}", words::megabytes(total))]
        .into_iter()
        .chain(models)
        .collect();
    (!here.is_empty()).then(|| parts.join(" · "))
}

/// `NVIDIA H200: 37 % busy, 3.1 of 16.0 GB`.
fn card(card: &CardUsage) -> String {
    let busy = card.busy_percent.map(|share| format!("{share} % busy"));
    let memory = card.memory.map(|memory| {
        let gigabytes = |bytes: u64| bytes as f64 / 1e9;
        let (used, total) = (gigabytes(memory.used_bytes), gigabytes(memory.total_bytes));
        format!("{used:.1} of {total:.1} GB")
    });
    let told: Vec<_> = busy.into_iter().chain(memory).collect();
    match told.is_empty() {
        true => card.name.clone(),
        false => format!("{}: {}", card.name, told.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use inference::CardMemory;

    use super::*;

    #[test]
    fn what_is_not_there_or_not_said_is_not_told() {
        let mut usage = MachineUsage::default();
        assert_eq!(usage.lines(), [] as [&str; 0]);
        usage.loaded.push(LoadedModel {
            version: "openai:gpt-4o-mini".into(),
            bytes: 0,
            is_idle: false,
        });
        usage.cards.push(CardUsage {
            name: "card".into(),
            busy_percent: None,
            memory: None,
        });
        assert_eq!(usage.lines(), ["card"]);
        usage.cards[0].memory = Some(CardMemory {
            used_bytes: 3_100_000_000,
            total_bytes: 16_000_000_000,
        });
        assert_eq!(usage.lines(), ["card: 3.1 of 16.0 GB"]);
    }
}
