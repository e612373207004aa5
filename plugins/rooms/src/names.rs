//! Tables of names: each name once, and whoever is looked up in vain learns what was probably meant.

use std::collections::BTreeMap;

use crate::{
    at::At,
    check::{Check, position},
    explain::{one_of, quoted},
};

/// The things of one kind by name, with their positions in the file's list.
pub(crate) struct Names {
    noun: &'static str,
    field: &'static str,
    by_name: BTreeMap<String, Named>,
    in_order: Vec<String>,
}

/// Where a name stands.
struct Named {
    index: usize,
    offset: usize,
}

impl Names {
    /// The table of `names`, which are called a `noun` each and stand in `field`.
    pub(crate) fn new<'a>(
        check: &mut Check<'_>,
        noun: &'static str,
        field: &'static str,
        names: impl IntoIterator<Item = &'a At<String>>,
    ) -> Self {
        let mut table = Self {
            noun,
            field,
            by_name: BTreeMap::new(),
            in_order: Vec::new(),
        };
        for (index, at) in names.into_iter().enumerate() {
            table.add(check, index, at);
        }
        table
    }

    fn add(&mut self, check: &mut Check<'_>, index: usize, at: &At<String>) {
        let name = check.name(at, self.noun);
        let named = Named {
            index,
            offset: check.offset(at),
        };
        if let Some(first) = self.by_name.get(&name) {
            let (text, first) = (check.source(), first.offset);
            check.refuse(at, || {
                let (line, _) = position(text, first);
                let noun = self.noun;
                (
                    format!("a {noun} in line {line} is called {} too", quoted(&name)),
                    "rename one of the two",
                )
            });
        } else {
            self.by_name.insert(name.clone(), named);
            self.in_order.push(name);
        }
    }

    /// The position of the thing that `at` names.
    pub(crate) fn find(&self, check: &mut Check<'_>, at: &At<String>) -> Option<usize> {
        let name = check.value(at)?;
        self.find_name(check, at, &name)
    }

    /// The position of the thing called `name`, which stands at `at`.
    pub(crate) fn find_name(
        &self,
        check: &mut Check<'_>,
        at: &At<String>,
        name: &str,
    ) -> Option<usize> {
        if let Some(named) = self.by_name.get(name) {
            return Some(named.index);
        }
        check.refuse(at, || {
            let what = format!("no {} is called {}", self.noun, quoted(name));
            (what, self.suggestion(name))
        });
        None
    }

    fn suggestion(&self, name: &str) -> String {
        if self.in_order.is_empty() {
            return format!("add it to `{}`", self.field);
        }
        one_of(name, self.in_order.iter().map(String::as_str))
    }
}
