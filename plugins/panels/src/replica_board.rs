//! Watches the replicas for the panels: how each is, what it serves, how busy it has been lately.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use agents::{Intervention, ReplicaRequest, Replicas};
use bevy::prelude::{MessageReader, Real, Res, ResMut, Resource, Time};
use inference::{Change, InferencePort, ReplicaChanged, ReplicaState, ReplicaUse, ReplyReceived};
use rooms::CurrentScene;
use schedule::ResourceId;

/// How far back the share of time at work looks.
const WINDOW: Duration = Duration::from_secs(5);
/// How often it looks.
const PERIOD: Duration = Duration::from_millis(250);
/// Replies that the waits are taken of.
const N_WAITS: usize = 200;

/// A model that replicas may load, filled by the app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShelfModel {
    /// Its name, `@` and its version.
    pub version: String,
    /// Bytes of memory that its weights take.
    pub bytes: u64,
}

/// The models that replicas may load, and how replicas run, filled by the app.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelShelf {
    /// What is on this machine and does what the replicas are for.
    pub models: Vec<ShelfModel>,
    /// Threads of a replica that computes on the processor.
    pub threads: usize,
}

/// How a replica is, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Starting,
    Ready,
    Busy,
    Swapping,
    Leaving,
    Killed,
    OutOfOrder(String),
    Removed,
}

impl Condition {
    /// In words.
    pub(crate) fn text(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Busy => "busy",
            Self::Swapping => "swapping",
            Self::Leaving => "leaving",
            Self::Killed => "killed",
            Self::OutOfOrder(_) => "out of order",
            Self::Removed => "removed",
        }
    }

    /// Whether it answers nothing until a model is loaded.
    pub(crate) fn is_down(&self) -> bool {
        matches!(self, Self::Killed | Self::OutOfOrder(_))
    }
}

/// A replica in the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReplicaRow {
    pub(crate) resource: ResourceId,
    pub(crate) name: String,
    pub(crate) condition: Condition,
    /// The version that it serves or served last; empty if none did.
    pub(crate) version: String,
    pub(crate) device: String,
    /// Bytes of its weights, where that is known.
    pub(crate) bytes: Option<u64>,
    pub(crate) threads: usize,
    /// The share of the last seconds that it was at work, from 0 to 1.
    pub(crate) utilisation: f32,
    /// Requests sent to it that have no answer yet.
    pub(crate) n_waiting: usize,
    /// The 99th percentile of how long requests waited for it.
    pub(crate) p99: Option<Duration>,
    pub(crate) restarts: u32,
}

/// What is remembered of a replica.
#[derive(Debug, Default)]
struct Past {
    version: String,
    restarts: u32,
    /// When, since the start of the app, it had been at work for how long.
    busy: VecDeque<(Duration, Duration)>,
    waits: VecDeque<Duration>,
}

impl Past {
    fn note_busy(&mut self, at: Duration, busy: Duration) {
        self.busy.push_back((at, busy));
        while self.busy.len() > 2 && at.saturating_sub(self.busy[1].0) >= WINDOW {
            self.busy.pop_front();
        }
    }

    fn utilisation(&self) -> f32 {
        let (Some(first), Some(last)) = (self.busy.front(), self.busy.back()) else {
            return 0.0;
        };
        let span = last.0.saturating_sub(first.0).as_secs_f32();
        let busy = last.1.saturating_sub(first.1).as_secs_f32();
        if span > 0.0 {
            (busy / span).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    fn note_wait(&mut self, wait: Duration) {
        if self.waits.len() == N_WAITS {
            self.waits.pop_front();
        }
        self.waits.push_back(wait);
    }

    fn p99(&self) -> Option<Duration> {
        let mut sorted: Vec<_> = self.waits.iter().copied().collect();
        sorted.sort_unstable();
        let rank = (sorted.len() * 99).div_ceil(100);
        sorted.get(rank.checked_sub(1)?).copied()
    }
}

/// What the panel shows of the replicas.
#[derive(Resource, Debug, Default)]
pub(crate) struct ReplicaBoard {
    pub(crate) rows: Vec<ReplicaRow>,
    past: BTreeMap<usize, Past>,
    swapping: BTreeSet<ResourceId>,
    looked: Option<Duration>,
}

impl ReplicaBoard {
    fn hear(&mut self, change: &Change, replica: usize, resource: Option<ResourceId>) {
        let past = self.past.entry(replica).or_default();
        match change {
            Change::Restarting { .. } => past.restarts += 1,
            Change::Ready { version } => past.version.clone_from(version),
            Change::Swapped { to, .. } => past.version.clone_from(to),
            Change::SwapFailed { .. } | Change::Dead { .. } | Change::Removed => {}
        }
        let is_over = matches!(change, Change::Swapped { .. } | Change::SwapFailed { .. });
        if let Some(resource) = resource.filter(|_| is_over) {
            self.swapping.remove(&resource);
        }
    }

    fn condition(&self, resource: ResourceId, of: &ReplicaUse) -> Condition {
        match &of.state {
            ReplicaState::Removed => Condition::Removed,
            _ if self.swapping.contains(&resource) => Condition::Swapping,
            ReplicaState::Dead { reason } if reason == "killed" => Condition::Killed,
            ReplicaState::Dead { reason } => Condition::OutOfOrder(reason.clone()),
            _ if of.is_leaving => Condition::Leaving,
            ReplicaState::Starting => Condition::Starting,
            ReplicaState::Ready { .. } if of.n_own > 0 => Condition::Busy,
            ReplicaState::Ready { .. } => Condition::Ready,
        }
    }
}

/// Looks at the port a few times a second, and whenever something happened to a replica.
pub(crate) fn update(
    mut board: ResMut<ReplicaBoard>,
    (mut requests, mut replies, mut changes): (
        MessageReader<ReplicaRequest>,
        MessageReader<ReplyReceived>,
        MessageReader<ReplicaChanged>,
    ),
    (port, replicas): (Option<Res<InferencePort>>, Option<Res<Replicas>>),
    (scene, shelf): (Option<Res<CurrentScene>>, Res<ModelShelf>),
    time: Res<Time<Real>>,
) {
    let (Some(port), Some(replicas)) = (port, replicas) else {
        return;
    };
    let mut is_due = board.looked.is_none_or(|at| time.elapsed() >= at + PERIOD);
    for request in requests.read() {
        is_due = true;
        if matches!(request.what, Intervention::Load { .. }) {
            board.swapping.insert(request.resource);
        }
    }
    for ReplicaChanged(change) in changes.read() {
        is_due = true;
        let resource = replicas.resource(change.replica);
        board.hear(&change.change, change.replica, resource);
    }
    for ReplyReceived(reply) in replies.read() {
        if let Some(replica) = reply.replica {
            let past = board.past.entry(replica).or_default();
            past.note_wait(reply.timings.queued);
        }
    }
    if is_due {
        board.looked = Some(time.elapsed());
        board.look(&port.usage(), &replicas, scene.as_deref(), &shelf);
    }
}

impl ReplicaBoard {
    fn look(
        &mut self,
        usage: &[ReplicaUse],
        replicas: &Replicas,
        scene: Option<&CurrentScene>,
        shelf: &ModelShelf,
    ) {
        let at = self.looked.unwrap_or_default();
        let mut rows = Vec::new();
        for (replica, of) in usage.iter().enumerate() {
            let Some(resource) = replicas.resource(replica) else {
                continue;
            };
            let condition = self.condition(resource, of);
            let past = self.past.entry(replica).or_default();
            past.note_busy(at, of.busy);
            if let ReplicaState::Ready { version } = &of.state {
                past.version.clone_from(version);
            }
            let origin = replicas.origin(resource);
            let device = scene.and_then(|scene| {
                let replica = scene.replicas.get(origin.index())?;
                Some(scene.devices.get(replica.device)?.name.clone())
            });
            let model = shelf.models.iter().find(|m| m.version == past.version);
            rows.push(ReplicaRow {
                resource,
                name: of.name.clone(),
                condition,
                version: past.version.clone(),
                device: device.unwrap_or_default(),
                bytes: model.map(|model| model.bytes),
                threads: shelf.threads,
                utilisation: past.utilisation(),
                n_waiting: of.n_own,
                p99: past.p99(),
                restarts: past.restarts,
            });
        }
        self.rows = rows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn utilisation_looks_back_over_the_last_seconds_only() {
        let mut past = Past::default();
        assert!(past.utilisation() < 1e-6);
        for n in 0..80 {
            // Busy throughout the first ten seconds, idle after.
            past.note_busy(millis(250 * n), millis(250 * n.min(40)));
            let expected = if n == 0 {
                0.0
            } else {
                1.0 - (n.saturating_sub(40) as f32 / 20.0).min(1.0)
            };
            assert!((past.utilisation() - expected).abs() < 0.06, "{n}");
        }
    }

    #[test]
    fn the_99th_percentile_is_of_the_latest_waits() {
        let mut past = Past::default();
        assert_eq!(past.p99(), None);
        for n in 1..=100 {
            past.note_wait(millis(n));
        }
        assert_eq!(past.p99(), Some(millis(99)));
        for _ in 0..N_WAITS {
            past.note_wait(millis(5));
        }
        assert_eq!(past.p99(), Some(millis(5)));
    }
}
