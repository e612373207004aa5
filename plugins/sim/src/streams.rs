//! Seeded random streams, one for each purpose and id, so that no draw depends on the order of others.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};

/// The source of all chance in a run.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "bevy", derive(bevy::prelude::Resource))]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// Streams that follow from `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed of the run.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The stream for `id` within `purpose`: the same numbers whenever it is asked for.
    pub fn stream(&self, purpose: &str, id: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ fnv1a(purpose));
        rng.set_stream(id);
        rng
    }
}

/// FNV-1a, 64 bits: the same on every machine and in every version of Rust, unlike `DefaultHasher`.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;

    use super::*;

    #[test]
    fn a_stream_depends_on_seed_purpose_and_id_alone() {
        let draw = |seed, purpose, id| Streams::new(seed).stream(purpose, id).random::<u64>();
        assert_eq!(draw(1, "noise", 7), draw(1, "noise", 7));
        assert_ne!(draw(1, "noise", 7), draw(2, "noise", 7));
        assert_ne!(draw(1, "noise", 7), draw(1, "noise", 8));
        assert_ne!(draw(1, "noise", 7), draw(1, "arrivals", 7));
    }
}
