//! Which machine this is, as far as it decides how fast models are.

use std::{fmt, fs, thread, time::SystemTime};

use serde::{Deserialize, Serialize};

use crate::{device::DeviceChoice, load_options::LoadOptions};

const SECS_A_DAY: u64 = 86_400;
/// The instruction set of cards.
const CUDA: &str = "CUDA";

/// A processor and how much of it a model gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The model of the processor, or of the graphics card.
    pub cpu: String,
    /// What its kernels compute with, as far as models use it.
    pub instruction_set: String,
    /// Its cores that this program may use.
    pub cores: usize,
    /// Threads of one replica.
    pub threads: usize,
}

impl Machine {
    /// This one, with so many threads for a replica.
    pub fn this(threads: usize) -> Self {
        Self {
            cpu: cpu(),
            instruction_set: instruction_set().to_owned(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            threads,
        }
    }

    /// Where a model computes that is loaded so: this one, or a card in it.
    pub fn of(how: LoadOptions) -> Self {
        let this = Self::this(how.n_threads);
        match how.device {
            DeviceChoice::Cpu => this,
            card => Self {
                cpu: card.card_name().unwrap_or_else(|| card.to_string()),
                instruction_set: CUDA.to_owned(),
                ..this
            },
        }
    }

    /// Whether it is a card.
    pub(super) fn is_card(&self) -> bool {
        self.instruction_set == CUDA
    }

    /// Its processor and threads in the letters of file names.
    pub fn slug(&self) -> String {
        let name = self.cpu.split(" (family").next().unwrap_or_default();
        let name = name.replace("(R)", "").replace("(TM)", "");
        let letters = name.chars().map(|letter| match letter {
            letter if letter.is_ascii_alphanumeric() => letter.to_ascii_lowercase(),
            _ => ' ',
        });
        let words: String = letters.collect();
        let words = words.split_whitespace();
        let mut words: Vec<&str> = words.filter(|word| *word != "processor").take(4).collect();
        let threads = format!("{}t", self.threads);
        words.push(&threads);
        words.join("-")
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cpu,
            instruction_set,
            cores,
            threads,
        } = self;
        write!(f, "{cpu}, {instruction_set}, {threads} of {cores} cores")
    }
}

/// What the processor calls itself. Names may be shared by generations, which family and model tell
/// apart.
fn cpu() -> String {
    let known = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |wanted: &str| {
        let fields = known.lines().filter_map(|line| line.split_once(':'));
        let mut found = fields.filter(|(name, _)| name.trim() == wanted);
        found.next().map(|(_, value)| value.trim())
    };
    match (field("model name"), field("cpu family"), field("model")) {
        (Some(name), Some(family), Some(model)) => {
            format!("{name} (family {family}, model {model})")
        }
        (Some(name), ..) => name.to_owned(),
        _ => format!("{} processor", std::env::consts::ARCH),
    }
}

/// The widest instructions that the kernels know and the processor has.
fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        let has_512 = is_x86_feature_detected!("avx512f");
        if has_512 && is_x86_feature_detected!("avx512vnni") {
            return "AVX-512 with VNNI";
        }
        if has_512 {
            return "AVX-512";
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return "AVX2";
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        return "NEON";
    }
    #[cfg(not(target_arch = "aarch64"))]
    "none of its own"
}

/// Today's date at Greenwich, as `YYYY-MM-DD`.
pub(super) fn today() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    date(since.map_or(0, |since| since.as_secs() / SECS_A_DAY))
}

/// The date so many days after the start of 1970. Hinnant (2013), "chrono-compatible low-level date
/// algorithms".
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_781, "2026-11-24"),
        ] {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn a_slug_is_a_file_name() {
        let machine = Machine {
            cpu: "Some(R) CPU @ 2.50GHz / x (family 6, model 1)".to_owned(),
            instruction_set: "AVX2".to_owned(),
            cores: 2,
            threads: 1,
        };
        assert_eq!(machine.slug(), "some-cpu-2-50ghz-1t");
        assert_eq!(
            machine.to_string(),
            "Some(R) CPU @ 2.50GHz / x (family 6, model 1), AVX2, 1 of 2 cores"
        );
    }
}
