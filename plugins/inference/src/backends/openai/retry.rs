//! When a failed request is sent again: exponential backoff with full jitter, and what servers ask for.
//!
//! The wait before attempt n is drawn evenly between nothing and `base · 2ⁿ`, which spreads the
//! attempts of many clients best: Brooker (2015), "Exponential Backoff And Jitter".

use std::time::{Duration, SystemTime};

use ureq::http::HeaderMap;

use super::settings::Retries;

/// The longest wait that a server's header is believed to mean.
const MOST_ASKED: Duration = Duration::from_secs(24 * 3600);

/// The wait before the `nth` further attempt, counted from 0, of the call with this number.
///
/// The same for the same seed, call and attempt.
pub(crate) fn backoff(retries: &Retries, call: u64, nth: u32) -> Duration {
    let doubled = retries
        .base
        .saturating_mul(1u32.checked_shl(nth).unwrap_or(u32::MAX));
    let longest = doubled.min(retries.most_wait);
    let drawn = mix(retries.seed ^ mix(call ^ mix(u64::from(nth))));
    // The upper 53 bits as a share between 0 and 1.
    longest.mul_f64((drawn >> 11) as f64 / (1u64 << 53) as f64)
}

/// The finalizer of SplitMix64: Steele, Lea, Flood (2014), "Fast Splittable Pseudorandom Number
/// Generators".
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// How long the server asks us to wait: `retry-after-ms`, else `retry-after` in seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let number = |name: &str| -> Option<f64> {
        text(name)?
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite() && *number >= 0.0)
    };
    let secs = number("retry-after-ms")
        .map(|ms| ms / 1000.0)
        .or_else(|| number("retry-after"));
    let wait = match secs {
        Some(secs) => Duration::try_from_secs_f64(secs).unwrap_or(MOST_ASKED),
        None => {
            let date = httpdate::parse_http_date(text("retry-after")?).ok()?;
            // A date in the past means at once.
            date.duration_since(now).unwrap_or_default()
        }
    };
    Some(wait.min(MOST_ASKED))
}

/// How long until the server counts anew, if nothing is left of what it allows.
///
/// `x-ratelimit-remaining-requests` and `-tokens` say what is left, `x-ratelimit-reset-requests`
/// and `-tokens` when that is over.
pub(crate) fn exhausted_for(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: String| Some(headers.get(name)?.to_str().ok()?.trim());
    let wait = |what: &str| -> Option<Duration> {
        let left: f64 = text(format!("x-ratelimit-remaining-{what}"))?
            .parse()
            .ok()?;
        (left < 1.0).then_some(())?;
        parse_duration(text(format!("x-ratelimit-reset-{what}"))?)
    };
    wait("requests")
        .max(wait("tokens"))
        .map(|wait| wait.min(MOST_ASKED))
}

/// Reads `1s`, `6m0s`, `20ms`, `1h2m3.5s` or a bare number of seconds.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut secs = 0.0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        secs += number
            * match &rest[..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" | "" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    (!text.is_empty())
        .then(|| Duration::try_from_secs_f64(secs).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use ureq::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn waits_are_drawn_below_their_doubling_bounds() {
        let retries = Retries {
            most: 9,
            base: Duration::from_millis(100),
            most_wait: Duration::from_secs(1),
            seed: 7,
        };
        for nth in 0..70 {
            let longest = Duration::from_millis(100 * (1 << nth.min(4))).min(retries.most_wait);
            let waits: Vec<_> = (0..1000).map(|call| backoff(&retries, call, nth)).collect();
            assert!(waits.iter().all(|wait| *wait <= longest));
            // Full jitter: even between nothing and the longest.
            let mean = waits.iter().sum::<Duration>() / 1000;
            assert!(
                mean > longest.mul_f64(0.45) && mean < longest.mul_f64(0.55),
                "{mean:?}"
            );
            assert_eq!(backoff(&retries, 5, nth), waits[5]);
        }
        let other = Retries { seed: 8, ..retries };
        assert_ne!(backoff(&retries, 0, 0), backoff(&other, 0, 0));
    }

    #[test]
    fn what_the_server_asks_for_is_read_in_every_form() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (lines, millis) in [
            (&[("retry-after", "3")][..], Some(3000)),
            (&[("retry-after", "0.25")], Some(250)),
            (
                &[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")],
                Some(10_000),
            ),
            (
                &[("retry-after", "Sunday, 06-Nov-94 08:49:38 GMT")],
                Some(1000),
            ),
            (&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], Some(0)),
            (&[("retry-after", "9"), ("retry-after-ms", "12")], Some(12)),
            (&[("retry-after", "99999999999999")], Some(86_400_000)),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "inf")], None),
            (&[], None),
        ] {
            let expected = millis.map(Duration::from_millis);
            assert_eq!(retry_after(&headers(lines), now), expected, "{lines:?}");
        }
    }

    #[test]
    fn nothing_left_means_a_wait_until_the_count_begins_anew() {
        for (lines, millis) in [
            (
                &[
                    ("x-ratelimit-remaining-requests", "1"),
                    ("x-ratelimit-reset-requests", "1s"),
                ][..],
                None,
            ),
            (
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "1s"),
                ],
                Some(1000),
            ),
            (
                &[
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "6m0s"),
                ],
                Some(360_000),
            ),
            (
                &[
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "1h2m3.5s"),
                ],
                Some(3_723_500),
            ),
            (
                &[
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "17ms"),
                ],
                Some(17),
            ),
            (
                &[
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "2"),
                ],
                Some(2000),
            ),
            (
                &[
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "x"),
                ],
                None,
            ),
            (&[("x-ratelimit-remaining-tokens", "0")], None),
        ] {
            let expected = millis.map(Duration::from_millis);
            assert_eq!(exhausted_for(&headers(lines)), expected, "{lines:?}");
        }
    }
}
