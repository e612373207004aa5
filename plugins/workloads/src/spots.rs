//! Names as they stand in a JSON text, in few bytes each until they are needed.

use std::{borrow::Cow, num::NonZeroUsize};

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

use crate::error::{Problem, ReadError};

/// Where a string stands in the text that is being read.
///
/// The address is compared with that of the text, never followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot(NonZeroUsize);

impl<'de> Deserialize<'de> for Spot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let address = NonZeroUsize::new(raw.as_ptr().addr());
        address
            .filter(|_| raw.starts_with('"') && raw != "\"\"")
            .map(Self)
            .ok_or_else(|| D::Error::custom("expected a string that is not empty"))
    }
}

impl Spot {
    fn offset_in(self, text: &str) -> usize {
        let offset = self.0.get().wrapping_sub(text.as_ptr().addr());
        if offset <= text.len() { offset } else { 0 }
    }

    /// The string.
    pub(crate) fn in_text(self, text: &str) -> Cow<'_, str> {
        /// Borrows what needs no unescaping.
        #[derive(Deserialize)]
        struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

        let rest = text.get(self.offset_in(text)..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Borrowed<'_>>();
        // It was read once before.
        values
            .next()
            .and_then(Result::ok)
            .map(|name| name.0)
            .unwrap_or_default()
    }

    /// A problem with the string.
    pub(crate) fn error(self, text: &str, problem: Problem) -> ReadError {
        ReadError::at(text, self.offset_in(text), problem)
    }
}

/// Names that can be looked up; each has the number of its place in the list.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    names: Vec<Cow<'a, str>>,
    /// The numbers, by name and then by number.
    sorted: Vec<u32>,
}

impl<'a> Names<'a> {
    /// The names at `spots`.
    pub(crate) fn new(text: &'a str, spots: impl ExactSizeIterator<Item = Spot>) -> Self {
        let mut names = Vec::with_capacity(spots.len());
        names.extend(spots.map(|spot| spot.in_text(text)));
        let mut sorted: Vec<u32> = (0..names.len() as u32).collect();
        sorted.sort_unstable_by_key(|at| (&names[*at as usize], *at));
        Self { names, sorted }
    }

    pub(crate) fn get(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    /// The first number that has this name.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        let at = self
            .sorted
            .partition_point(|number| *self.names[*number as usize] < *name);
        let number = *self.sorted.get(at)?;
        (self.get(number) == name).then_some(number)
    }

    /// A number whose name a smaller one has too.
    pub(crate) fn doubled(&self) -> Option<u32> {
        let pair = self
            .sorted
            .windows(2)
            .find(|pair| self.get(pair[0]) == self.get(pair[1]))?;
        Some(pair[1])
    }
}
