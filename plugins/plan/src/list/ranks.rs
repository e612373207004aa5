//! Ranks: how much work lies behind an operation, and before it, on average.

use crate::instance::{Instance, Mode, ResourceId};

/// Which average of the times that data travels counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// The mean time over all links, that of each resource to itself (no time) included. So do
    /// SAGA and other libraries.
    All,
    /// The latency, and the mean bandwidth between different resources. So does the paper of
    /// Topcuoglu, Hariri, Wu (2002).
    Between,
}

/// The mean time that data travels: linear in the amount.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Travel {
    fixed: f64,
    per_data: f64,
}

impl Travel {
    /// Over the links of an instance; nothing if data takes no time.
    pub(super) fn mean(instance: &Instance, links: Links) -> Self {
        let Some(network) = instance.network() else {
            return Self::default();
        };
        let n = instance.resources().len();
        if n < 2 {
            return Self::default();
        }
        let ids = || (0..n as u32).map(ResourceId);
        let between = ids()
            .flat_map(|from| ids().map(move |to| (from, to)))
            .filter(|(from, to)| from != to)
            .map(|(from, to)| network.bandwidth(from, to));
        let (n_between, n_all) = ((n * (n - 1)) as f64, (n * (n + 1)) as f64);
        match links {
            Links::All => Self {
                fixed: network.latency() * n_between / n_all,
                per_data: between.map(|bandwidth| 1.0 / bandwidth).sum::<f64>() / n_all,
            },
            Links::Between => Self {
                fixed: network.latency(),
                per_data: n_between / between.sum::<f64>(),
            },
        }
    }

    /// For an amount of data.
    pub(super) fn of(self, data: f64) -> f64 {
        self.fixed + self.per_data * data
    }
}

/// The mean duration of the modes.
pub(super) fn mean_duration(modes: &[Mode]) -> f64 {
    modes.iter().map(|mode| mode.duration).sum::<f64>() / modes.len() as f64
}

/// The harmonic mean of the durations: the work over the mean speed, where speeds are known.
pub(super) fn harmonic_duration(modes: &[Mode]) -> f64 {
    modes.len() as f64 / modes.iter().map(|mode| 1.0 / mode.duration).sum::<f64>()
}

/// The median duration of the modes.
pub(super) fn median_duration(modes: &[Mode]) -> f64 {
    let mut durations: Vec<f64> = modes.iter().map(|mode| mode.duration).collect();
    durations.sort_by(f64::total_cmp);
    let middle = durations.len() / 2;
    if durations.len() % 2 == 1 {
        durations[middle]
    } else {
        f64::midpoint(durations[middle - 1], durations[middle])
    }
}

/// The longest way from an operation to the end, by operation: its own `duration`, then the mean
/// travel and the rank of one that follows. Topcuoglu, Hariri, Wu (2002), equation 8.
pub(super) fn upward(
    instance: &Instance,
    travel: Travel,
    duration: impl Fn(&[Mode]) -> f64,
) -> Vec<f64> {
    let mut ranks = vec![0.0; instance.n_ops()];
    for &op in instance.topological().iter().rev() {
        let behind = instance
            .succs(op)
            .iter()
            .map(|arc| ranks[arc.op.index()] + travel.of(arc.data))
            .fold(0.0, f64::max);
        ranks[op.index()] = duration(instance.modes(op)) + behind;
    }
    ranks
}

/// The longest way from the start to an operation, by operation. Topcuoglu, Hariri, Wu (2002),
/// equation 10.
pub(super) fn downward(instance: &Instance, travel: Travel) -> Vec<f64> {
    let mut ranks = vec![0.0; instance.n_ops()];
    for &op in instance.topological() {
        ranks[op.index()] = instance
            .preds(op)
            .iter()
            .map(|arc| {
                let before = mean_duration(instance.modes(arc.op));
                ranks[arc.op.index()] + before + travel.of(arc.data)
            })
            .fold(0.0, f64::max);
    }
    ranks
}

/// As [`downward`], but as SAGA has it: each step adds the duration of the operation that it leads
/// to, at the mean speed, instead of the mean duration of the one it comes from.
pub(super) fn downward_at_mean_speed(instance: &Instance, travel: Travel) -> Vec<f64> {
    let mut ranks = vec![0.0; instance.n_ops()];
    for &op in instance.topological() {
        let own = harmonic_duration(instance.modes(op));
        ranks[op.index()] = instance
            .preds(op)
            .iter()
            .map(|arc| ranks[arc.op.index()] + travel.of(arc.data) + own)
            .fold(0.0, f64::max);
    }
    ranks
}
