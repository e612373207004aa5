//! Durations on the command line: `500ms`, `10s`, `2m`, `1h`.

use std::time::Duration;

const UNITS: [(&str, f64); 4] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
const LONGEST_SECS: f64 = 366.0 * 24.0 * 3600.0;

/// Reads a duration; a number without a unit is in seconds.
///
/// # Errors
/// What a duration looks like, if this is none.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let secs_each = match unit {
        "" => Some(1.0),
        unit => UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, secs)| *secs),
    };
    let is_plain = |c: char| c.is_ascii_digit() || c == '.';
    let number = Some(digits)
        .filter(|digits| digits.chars().all(is_plain))
        .and_then(|digits| digits.parse::<f64>().ok());
    number
        .zip(secs_each)
        .map(|(number, secs_each)| number * secs_each)
        .filter(|secs| (0.001..=LONGEST_SECS).contains(secs))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "a duration looks like 500ms, 10s, 2m or 1h, up to a year".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_checked() {
        for (text, millis) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("1.5h", 5_400_000),
            ("3", 3_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in [
            "", "s", "-1s", "0s", "1e3s", "inf", "nan", "ten", "10 s", "9999999h", "1d",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
