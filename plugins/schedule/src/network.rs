//! What it takes to bring data from device to device.

use serde::{Deserialize, Serialize};
use sim::SimSpan;

use crate::hardware::DeviceId;

/// The network between devices. Within a device, data is there at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Between any two devices that no link is named for.
    pub usual: Link,
    /// Exceptions, each for one direction.
    pub links: Vec<(DeviceId, DeviceId, Link)>,
}

/// A way for data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Before the first byte arrives.
    pub latency: SimSpan,
    /// How fast bytes follow; `None`: at once.
    pub bytes_per_sec: Option<f64>,
}

impl Network {
    /// Whether nothing ever takes time.
    pub fn is_free(&self) -> bool {
        let free = |link: &Link| *link == Link::default();
        free(&self.usual) && self.links.iter().all(|(_, _, link)| free(link))
    }

    /// How long `bytes` take from one device to another.
    pub fn span(&self, from: DeviceId, to: DeviceId, bytes: u64) -> SimSpan {
        if from == to {
            return SimSpan::ZERO;
        }
        let named = self.links.iter().find(|(a, b, _)| (*a, *b) == (from, to));
        named.map_or(&self.usual, |(_, _, link)| link).span(bytes)
    }

    pub(crate) fn fault(&self) -> Option<(f64, &'static str)> {
        let links = self.links.iter().map(|(_, _, link)| link);
        let speeds = links.chain([&self.usual]).filter_map(|l| l.bytes_per_sec);
        let bad = speeds.into_iter().find(|s| !(s.is_finite() && *s > 0.0))?;
        Some((bad, "positive and finite"))
    }
}

impl Link {
    fn span(&self, bytes: u64) -> SimSpan {
        let flow = self.bytes_per_sec.map_or(SimSpan::ZERO, |speed| {
            SimSpan::from_secs_f64(bytes as f64 / speed)
        });
        self.latency + flow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_links_go_before_the_usual_one() {
        let link = |latency, speed| Link {
            latency: SimSpan(latency),
            bytes_per_sec: speed,
        };
        let (a, b, c) = (DeviceId(0), DeviceId(1), DeviceId(2));
        let network = Network {
            usual: link(5, Some(1e9)),
            links: vec![(a, b, link(1, None))],
        };
        for (from, to, bytes, span) in [(a, a, 9, 0), (a, b, 9, 1), (b, a, 9, 14), (c, b, 0, 5)] {
            assert_eq!(network.span(from, to, bytes), SimSpan(span));
        }
    }
}
