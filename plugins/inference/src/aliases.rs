//! Says which version of a model a request means: by alias, with a share for a candidate, or by name.

use std::collections::BTreeMap;

/// The queue that a request waits in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// One replica, whatever its model is.
    Replica(usize),
    /// The stable version of a model.
    Stable(String),
    /// The candidate of a model, or the stable version while there is none.
    Candidate(String),
    /// One version and no other.
    Version(String),
}

/// The versions that the aliases of each model stand for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Aliases(BTreeMap<String, Alias>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Alias {
    stable: Option<String>,
    previous: Option<String>,
    candidate: Option<(String, f64)>,
}

/// The name of a version's model: what stands before the `@`.
pub(crate) fn model_of(version: &str) -> &str {
    version.split('@').next().unwrap_or(version)
}

impl Aliases {
    /// The lane of a request that names a model: its name, an alias of it, or a version.
    ///
    /// Which requests the candidate gets follows from their key alone.
    pub(crate) fn lane(&self, model: &str, key: u64) -> Lane {
        let name = model_of(model).to_owned();
        match model.split_once('@').map(|(_, tag)| tag) {
            Some("stable") => Lane::Stable(name),
            Some("candidate") => Lane::Candidate(name),
            Some(_) => Lane::Version(model.to_owned()),
            None => match self.0.get(&name).and_then(|alias| alias.candidate.as_ref()) {
                Some((_, share)) if fraction(key) < *share => Lane::Candidate(name),
                _ => Lane::Stable(name),
            },
        }
    }

    pub(crate) fn stable(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.stable.as_deref()
    }

    pub(crate) fn candidate(&self, name: &str) -> Option<&str> {
        let (version, _) = self.0.get(name)?.candidate.as_ref()?;
        Some(version)
    }

    pub(crate) fn set_stable(&mut self, version: &str) {
        let alias = self.0.entry(model_of(version).to_owned()).or_default();
        if alias.stable.as_deref() != Some(version) {
            alias.previous = alias.stable.replace(version.to_owned());
        }
    }

    pub(crate) fn set_candidate(&mut self, version: &str, share: f64) {
        let alias = self.0.entry(model_of(version).to_owned()).or_default();
        let share = if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        };
        alias.candidate = Some((version.to_owned(), share));
    }

    /// Makes the candidate the stable version; says which it is.
    pub(crate) fn promote(&mut self, name: &str) -> Option<String> {
        let (version, _) = self.0.get_mut(name)?.candidate.take()?;
        self.set_stable(&version);
        Some(version)
    }

    /// Forgets the candidate and goes back to the stable version before; says which is stable now.
    pub(crate) fn roll_back(&mut self, name: &str) -> Option<String> {
        let alias = self.0.get_mut(name)?;
        alias.candidate = None;
        if let Some(previous) = alias.previous.take() {
            alias.stable = Some(previous);
        }
        alias.stable.clone()
    }
}

/// A number from 0 (included) to 1 (excluded) that follows from the key, evenly spread over keys in a
/// row: the finaliser of `SplitMix64`, Steele, Lea, Flood (2014), "Fast Splittable Pseudorandom Number
/// Generators".
pub(crate) fn fraction(key: u64) -> f64 {
    let mut x = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    (x >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_aliases_and_versions_are_told_apart() {
        let mut aliases = Aliases::default();
        let m = || String::from("m");
        for (model, expected) in [
            ("m", Lane::Stable(m())),
            ("m@stable", Lane::Stable(m())),
            ("m@candidate", Lane::Candidate(m())),
            ("m@12ab", Lane::Version(String::from("m@12ab"))),
        ] {
            assert_eq!(aliases.lane(model, 1), expected);
        }
        aliases.set_candidate("m@2", 1.0);
        assert_eq!(aliases.lane("m", 1), Lane::Candidate(m()));
        aliases.set_candidate("m@2", f64::NAN);
        assert_eq!(aliases.lane("m", 1), Lane::Stable(m()));
    }

    #[test]
    fn the_candidate_gets_its_share_and_always_the_same_requests() {
        let mut aliases = Aliases::default();
        for share in [0.0, 0.05, 0.5, 1.0] {
            aliases.set_candidate("m@2", share);
            let chosen = |key: &u64| aliases.lane("m", *key) == Lane::Candidate(String::from("m"));
            let n = (0..10_000).filter(chosen).count();
            assert!((n as f64 / 1e4 - share).abs() < 0.01, "{n} for {share}");
            assert_eq!((0..10_000).filter(chosen).count(), n);
        }
    }

    #[test]
    fn promotion_and_its_way_back() {
        let mut aliases = Aliases::default();
        aliases.set_stable("m@1");
        aliases.set_candidate("m@2", 0.1);
        assert_eq!(aliases.promote("m").as_deref(), Some("m@2"));
        assert_eq!(
            (aliases.stable("m"), aliases.candidate("m")),
            (Some("m@2"), None)
        );
        aliases.set_candidate("m@3", 0.1);
        assert_eq!(aliases.roll_back("m").as_deref(), Some("m@1"));
        assert_eq!(
            (aliases.stable("m"), aliases.candidate("m")),
            (Some("m@1"), None)
        );
        assert_eq!(
            aliases.roll_back("m").as_deref(),
            Some("m@1"),
            "one step back"
        );
    }
}
