//! What the numbers of a scene file may be.

use std::ops::RangeInclusive;

/// What a number may be.
pub(crate) struct Bounds {
    pub(crate) range: RangeInclusive<f64>,
    pub(crate) unit: &'static str,
}

impl Bounds {
    const fn new(range: RangeInclusive<f64>, unit: &'static str) -> Self {
        Self { range, unit }
    }

    /// Instants and spans; 10⁸ seconds are three years.
    pub(crate) const SECS: Self = Self::new(0.0..=1e8, " seconds");
    /// Spans that must not be empty.
    pub(crate) const SOME_SECS: Self = Self::new(1e-3..=1e8, " seconds");
    /// Latencies.
    pub(crate) const LATENCY: Self = Self::new(0.0..=1e6, " seconds");
    /// Places.
    pub(crate) const COORDINATE: Self = Self::new(-10_000.0..=10_000.0, " metres");
    /// Widths and depths.
    pub(crate) const LENGTH: Self = Self::new(0.01..=1000.0, " metres");
    /// Heights.
    pub(crate) const HEIGHT: Self = Self::new(0.01..=100.0, " metres");
    /// Heights above the floor.
    pub(crate) const RAISE: Self = Self::new(0.0..=100.0, " metres");
    /// Angles.
    pub(crate) const DEGREES: Self = Self::new(-360.0..=360.0, " degrees");
    /// Playback.
    pub(crate) const SPEED: Self = Self::new(0.1..=1000.0, "");
    /// Speech.
    pub(crate) const WORDS_PER_MINUTE: Self = Self::new(1.0..=1000.0, "");
    /// How much a task counts.
    pub(crate) const WEIGHT: Self = Self::new(1e-3..=1e6, "");
    /// Transfer.
    pub(crate) const BYTES_PER_SEC: Self = Self::new(1.0..=1e15, "");
    /// Memory, in units of 10⁹ bytes.
    pub(crate) const MEMORY_GB: Self = Self::new(0.0..=1e6, "");
    /// Money.
    pub(crate) const PRICE: Self = Self::new(0.0..=1e6, "");
    /// Power.
    pub(crate) const WATTS: Self = Self::new(0.0..=1e6, " watts");
}
