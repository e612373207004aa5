//! Numbers of workload files that cannot be out of range.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Visitor},
};
use sim::SimSpan;

/// Defines a number that is refused outside a range while it is read, so that the parser knows where.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $is_good:expr, $must:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
        pub(super) struct $name(pub(super) f64);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = f64::deserialize(deserializer)?;
                let is_good: fn(f64) -> bool = $is_good;
                if is_good(number) {
                    return Ok(Self(number));
                }
                Err(D::Error::custom(format_args!("{number} is no such number; write {}", $must)))
            }
        }
    };
}

/// The longest span, in seconds: three years.
const MOST_SECS: f64 = 1e8;
/// The largest amount of anything.
const MOST: f64 = 1e15;

number! {
    /// A span that may be empty.
    Secs, |secs| (0.0..=MOST_SECS).contains(&secs), "seconds from 0 to 1e8"
}
number! {
    /// A span that is not empty.
    SomeSecs, |secs| (1e-9..=MOST_SECS).contains(&secs), "seconds from 1e-9 to 1e8"
}
number! {
    /// Not negative.
    Amount, |amount| (0.0..=MOST).contains(&amount), "a number from 0 to 1e15"
}
number! {
    /// Above 0.
    Positive, |number| (1e-9..=MOST).contains(&number), "a number from 1e-9 to 1e15"
}
number! {
    /// A share of all.
    Share, |share| share > 0.0 && share < 1.0, "a number between 0 and 1"
}

impl Secs {
    pub(super) fn span(self) -> SimSpan {
        SimSpan::from_secs_f64(self.0)
    }
}

impl SomeSecs {
    pub(super) fn span(self) -> SimSpan {
        SimSpan::from_secs_f64(self.0)
    }
}

/// How many, at least 1 and at most a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count(pub(super) u32);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const MOST: u32 = 1_000_000;
        let number = u32::deserialize(deserializer)?;
        if (1..=MOST).contains(&number) {
            return Ok(Self(number));
        }
        let message = format_args!("{number} is no such count; write one from 1 to {MOST}");
        Err(D::Error::custom(message))
    }
}

/// Bytes, which may be written as `16e9` too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) u64);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsBytes;

        impl Visitor<'_> for AsBytes {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of bytes from 0 to 1e15")
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Bytes, E> {
                if number as f64 <= MOST {
                    return Ok(Bytes(number));
                }
                let message = format_args!("{number} bytes are too many; write at most 1e15");
                Err(E::custom(message))
            }

            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Bytes, E> {
                if (0.0..=MOST).contains(&number) && number.fract() == 0.0 {
                    return Ok(Bytes(number as u64));
                }
                let must = "write a whole number from 0 to 1e15";
                Err(E::custom(format_args!("{number} are no bytes; {must}")))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Bytes, E> {
                self.visit_f64(number as f64)
            }
        }

        deserializer.deserialize_any(AsBytes)
    }
}
