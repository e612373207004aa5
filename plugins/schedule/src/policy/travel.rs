//! How long data travels on average, while nobody knows from where to where.

use std::collections::BTreeMap;

use super::View;
use crate::workload::SubtaskId;

/// The mean time that data takes over all pairs of different resources, those on the same device
/// included: linear in the amount. Topcuoglu, Hariri, Wu (2002), "Performance-effective and
/// low-complexity task scheduling for heterogeneous computing".
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MeanTravel {
    /// In nanoseconds; `None`: not known yet.
    per: Option<PerTransfer>,
}

#[derive(Clone, Copy, Debug)]
struct PerTransfer {
    fixed: f64,
    per_byte: f64,
}

impl MeanTravel {
    /// Looks at the network, once.
    pub(super) fn look(&mut self, view: &View<'_>) {
        if self.per.is_none() {
            self.per = Some(mean(view));
        }
    }

    /// How long the data from one subtask to one after it takes on average, in nanoseconds.
    pub(super) fn of(self, view: &View<'_>, from: SubtaskId, to: SubtaskId) -> u64 {
        let bytes = view.received(to, from);
        match self.per {
            Some(per) if bytes > 0 => (per.fixed + per.per_byte * bytes as f64).round() as u64,
            _ => 0,
        }
    }
}

/// Over all links as often as there are pairs of resources that they join.
fn mean(view: &View<'_>) -> PerTransfer {
    let mut n_on = BTreeMap::new();
    for resource in view.resources() {
        *n_on.entry(resource.spec.device).or_insert(0.0) += 1.0;
    }
    let n = view.resources().len() as f64;
    let n_on = |device| n_on.get(&device).copied().unwrap_or(0.0);
    let network = view.network;
    let mut sums = (0.0, 0.0);
    let mut add = |link: &crate::network::Link, n_pairs: f64| {
        sums.0 += n_pairs * link.latency.0 as f64;
        sums.1 += n_pairs * link.bytes_per_sec.map_or(0.0, |speed| 1e9 / speed);
    };
    let within: f64 = view.resources().iter().map(|r| n_on(r.spec.device)).sum();
    let mut n_usual = n * n - within;
    for (at, (from, to, link)) in network.links.iter().enumerate() {
        // The first that is named counts.
        let is_known = |(a, b, _): &(_, _, _)| (a, b) == (from, to);
        if from == to || network.links[..at].iter().any(is_known) {
            continue;
        }
        let n_pairs = n_on(*from) * n_on(*to);
        add(link, n_pairs);
        n_usual -= n_pairs;
    }
    add(&network.usual, n_usual);
    let n_pairs = (n * (n - 1.0)).max(1.0);
    PerTransfer {
        fixed: sums.0 / n_pairs,
        per_byte: sums.1 / n_pairs,
    }
}
