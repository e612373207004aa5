//! Reads instants such as `2023-11-16 18:17:03.9799600`, in nanoseconds since 1970.

const NANOS: i64 = 1_000_000_000;

/// Nanoseconds since 1970 of `YYYY-MM-DD hh:mm:ss`, with up to 9 decimals and a time zone if they are
/// there; `T` may stand for the space. `None` if it is not that.
pub(super) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, length: usize| {
        let digits = bytes.get(from..from + length)?;
        digits.iter().try_fold(0_i64, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + i64::from(byte - b'0'))
        })
    };
    let marks = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    let is_marked = marks.iter().all(|(at, mark)| bytes.get(*at) == Some(mark));
    if !is_marked || !matches!(bytes.get(10), Some(b' ' | b'T')) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let is_date = (1970..=2261).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let rest = text.get(19..)?;
    let (decimals, zone) = match rest.strip_prefix('.') {
        None => ("", rest),
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit());
            rest.split_at(end.unwrap_or(rest.len()))
        }
    };
    if decimals.len() > 9 || (rest.starts_with('.') && decimals.is_empty()) {
        return None;
    }
    let fraction = decimals.parse::<i64>().unwrap_or(0) * 10_i64.pow(9 - decimals.len() as u32);
    let minutes =
        days_since_1970(year, month, day) * 1440 + hour * 60 + minute - zone_minutes(zone)?;
    Some((minutes * 60 + second) * NANOS + fraction)
}

/// How many minutes a time zone (`Z`, `+01:00`) is ahead; nothing is no zone.
fn zone_minutes(zone: &str) -> Option<i64> {
    let sign = match zone.bytes().next() {
        None => return Some(0),
        Some(b'Z') if zone.len() == 1 => return Some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let (hours, minutes) = zone[1..].split_once(':').unwrap_or((&zone[1..], "00"));
    let two_digits = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<i64>().ok()).flatten()
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    (hours <= 14 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let leap_days = |year: i64| year / 4 - year / 100 + year / 400;
    let before_year = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    let before_month: i64 = (1..month).map(|month| days_of(year, month)).sum();
    before_year + before_month + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_those_of_the_calendar() {
        for (text, nanos) in [
            ("1970-01-01 00:00:00", 0),
            ("1970-01-01T00:00:01.5", 1_500_000_000),
            ("2023-11-16 18:17:03.9799600", 1_700_158_623_979_960_000),
            (
                "2024-05-10 00:00:00.009930+00:00",
                1_715_299_200_009_930_000,
            ),
            ("2000-02-29 23:59:59Z", 951_868_799_000_000_000),
            ("2000-03-01 01:00:00+01:00", 951_868_800_000_000_000),
            ("2000-02-29 19:30:00-04:30", 951_868_800_000_000_000),
        ] {
            assert_eq!(parse(text), Some(nanos), "{text}");
        }
        for bad in [
            "",
            "2023-11-16",
            "2023-02-29 00:00:00",
            "2023-13-01 00:00:00",
            "2023-11-16 24:00:00",
            "2023-11-16 18:60:00",
            "2023-11-16 18:17:03.",
            "2023-11-16 18:17:03.1234567890",
            "2023-11-16 18:17:03 CET",
            "2023-11-16 18:17:0é",
            "9999-01-01 00:00:00",
            "+023-11-16 18:17:03",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
