//! Lists of workload files: short ones, and long ones that grow in small steps.

use std::{fmt, marker::PhantomData, ops::Deref};

use ron::value::RawValue;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};

use super::explain::refusal;
use crate::error::ReadError;

/// The most items of a short list.
const FEW: usize = 1000;

/// A list of any length. Memory is taken a quarter at a time, so that a file that turns out to be bad
/// costs little.
#[derive(Clone, Debug)]
pub(super) struct List<T>(Vec<T>);

/// A list of at most a thousand.
#[derive(Clone, Debug)]
pub(super) struct Few<T>(Vec<T>);

/// A part of the file that is read by itself, when its turn comes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Part<'a>(#[serde(borrow)] &'a RawValue);

impl<'a> Part<'a> {
    /// What the part of `text` says.
    pub(super) fn read<T: Deserialize<'a>>(self, text: &'a str) -> Result<T, ReadError> {
        let part = self.0.get_ron();
        super::options()
            .from_str(part)
            .map_err(|error| refusal(text, part, &error))
    }
}

macro_rules! list {
    ($name:ident, $most:expr) => {
        impl<T> Default for $name<T> {
            fn default() -> Self {
                Self(Vec::new())
            }
        }

        impl<T> Deref for $name<T> {
            type Target = [T];

            fn deref(&self) -> &[T] {
                &self.0
            }
        }

        impl<'de, T: Deserialize<'de>> Deserialize<'de> for $name<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let items = deserializer.deserialize_seq(Items {
                    most: $most,
                    kind: PhantomData,
                })?;
                Ok(Self(items))
            }
        }
    };
}

list!(List, usize::MAX);
list!(Few, FEW);

struct Items<T> {
    most: usize,
    kind: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list in square brackets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == self.most {
                let message =
                    format_args!("the list has more than {} items; shorten it", self.most);
                return Err(A::Error::custom(message));
            }
            if items.len() == items.capacity() {
                items.reserve_exact(items.len() / 4 + 1);
            }
            items.push(item);
        }
        Ok(items)
    }
}
