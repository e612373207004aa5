//! What the system says of this process: its memory, and how long it has been there.

use std::fs;

/// Clock ticks a second in what Linux says of processes.
const TICKS: f64 = 100.0;

/// Memory in bytes, children included; nothing where the system does not tell.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    /// What is in memory now.
    pub(super) resident: Option<u64>,
    /// The most that has been.
    pub(super) peak: Option<u64>,
}

impl Memory {
    pub(super) fn now() -> Self {
        let mut all = vec![fs::read_to_string("/proc/self/status").unwrap_or_default()];
        all.extend(children());
        let sum = |field: &str| all.iter().map(|status| bytes_of(status, field)).sum();
        Self {
            resident: sum("VmRSS:"),
            peak: sum("VmHWM:"),
        }
    }
}

/// What the system says of each child of this process.
fn children() -> Vec<String> {
    let own = format!("PPid:\t{}", std::process::id());
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let states = processes.filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok());
    states
        .filter(|status| status.lines().any(|line| line == own))
        // Those that have ended and wait to be noticed have no memory.
        .filter(|status| status.contains("VmRSS:"))
        .collect()
}

fn bytes_of(status: &str, field: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = value.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Seconds since this process was started, to about 10 ms.
pub(super) fn secs_since_start() -> Option<f64> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let now: f64 = uptime.split(' ').next()?.parse().ok()?;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // Its second field, the name, may hold anything; 19 fields lie between it and the start.
    let rest = stat.rsplit_once(')')?.1;
    let start: f64 = rest.split_whitespace().nth(19)?.parse().ok()?;
    Some((now - start / TICKS).max(0.0))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_its_memory_and_its_age() {
        let before = Memory::now();
        assert!(
            before.peak >= before.resident && before.resident > Some(1 << 20),
            "{before:?}"
        );
        let age = secs_since_start().unwrap();
        assert!((0.0..86_400.0).contains(&age), "{age}");
    }
}
