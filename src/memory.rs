//! How much memory this machine has, and how much of it loaded models may take.

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// The share of memory that models may take if nobody says otherwise.
const SHARE: f64 = 0.75;
/// Bytes in a gigabyte.
const BYTES_PER_GB: f64 = 1e9;

/// Bytes of memory of this machine, or of the container that this process is in, whichever is less;
/// `None` where the system does not say.
pub(crate) fn total() -> Option<u64> {
    let what = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(what).ok()?;
    let container = system.cgroup_limits().map(|limits| limits.total_memory);
    let bytes = container.unwrap_or(u64::MAX).min(system.total_memory());
    Some(bytes).filter(|bytes| *bytes > 0)
}

/// Bytes that loaded models may take: those that were asked for, else three quarters of all.
pub(crate) fn for_models(asked: Option<u64>) -> u64 {
    let usual = || total().map_or(u64::MAX, |bytes| (bytes as f64 * SHARE) as u64);
    asked.unwrap_or_else(usual)
}

/// Bytes, as people say them in gigabytes.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let gb = text.parse::<f64>().ok();
    gb.filter(|gb| (1e-3..=1e6).contains(gb))
        .map(|gb| (gb * BYTES_PER_GB) as u64)
        .ok_or_else(|| "give gigabytes, from 0.001 to a million".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_get_what_is_asked_for_or_most_of_the_machine() {
        assert_eq!(parse("0.5"), Ok(500_000_000));
        for bad in ["", "0", "-1", "NaN", "inf", "half"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(for_models(Some(7)), 7);
        let all = total().unwrap();
        assert!((all / 2..all).contains(&for_models(None)), "{all}");
    }
}
