//! Best known values of inputs, from a table that somebody keeps.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// The columns that may hold the values; the first that is there counts.
const VALUES: [&str; 3] = ["upper_bound", "best_known", "value"];

/// Best known values, by the name of the input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BestKnown(BTreeMap<String, f64>);

/// Why best known values cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BestError {
    /// The file cannot be read.
    #[error("{path}:1:1: the file cannot be read: {cause}", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// A line is wrong.
    #[error("{path}:{line}:1: {what}", path = .path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

impl BestKnown {
    /// Reads a table with commas: its first line names the columns, of which `instance` holds names
    /// and `upper_bound`, `best_known` or `value` holds values; an empty value is not known.
    ///
    /// # Errors
    /// If the file cannot be read, or for its first bad line.
    pub fn read(path: &Path) -> Result<Self, BestError> {
        let text = fs::read_to_string(path).map_err(|cause| BestError::Io {
            path: path.to_owned(),
            cause,
        })?;
        Self::parse(&text).map_err(|(line, what)| BestError::Line {
            path: path.to_owned(),
            line,
            what,
        })
    }

    /// The table, or the number of a bad line and what is wrong with it.
    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut lines = (1..).zip(text.trim_start_matches('\u{feff}').lines());
        let (_, head) = lines.next().ok_or((1, "the file is empty".to_owned()))?;
        let columns = fields(head).map_err(|what| (1, what))?;
        let find = |name: &str| columns.iter().position(|column| column.trim() == name);
        let instance = find("instance").ok_or_else(|| {
            let what = "no column is called \"instance\"; the first line names the columns";
            (1, what.to_owned())
        })?;
        let value = VALUES.into_iter().find_map(find).ok_or_else(|| {
            let what = format!("none of the columns is called {}", VALUES.join(" or "));
            (1, what)
        })?;
        let mut best = Self::default();
        for (line, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
            let fields = fields(text).map_err(|what| (line, what))?;
            if fields.len() != columns.len() {
                let what = format!("{} fields, not {}", fields.len(), columns.len());
                return Err((line, what));
            }
            best.add(fields[instance].trim(), fields[value].trim())
                .map_err(|what| (line, what))?;
        }
        Ok(best)
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        if name.is_empty() {
            return Err("the name of the instance is empty".to_owned());
        }
        if value.is_empty() {
            return Ok(());
        }
        let number = value.parse::<f64>().ok();
        let number = number
            .filter(|number| number.is_finite() && *number >= 0.0)
            .ok_or_else(|| format!("{value:?} is no value; it must be a number from 0"))?;
        match self.0.insert(name.to_owned(), number) {
            Some(before) if before != number => {
                Err(format!("{name} has the value {before} further up"))
            }
            _ => Ok(()),
        }
    }

    /// The value of the input with this name, which the table may call by the name of its file.
    pub fn of(&self, input: &str) -> Option<f64> {
        let by_file = || {
            let mut rows = self.0.iter();
            rows.find(|(name, _)| stem(name) == input)
                .map(|(_, value)| value)
        };
        self.0.get(input).or_else(by_file).copied()
    }

    /// The names of the table that are none of these inputs'.
    pub fn strangers<'a>(&self, inputs: impl IntoIterator<Item = &'a str>) -> Vec<&str> {
        let inputs: BTreeSet<&str> = inputs.into_iter().collect();
        let is_known = |name: &str| inputs.contains(name) || inputs.contains(stem(name));
        let names = self.0.keys().map(String::as_str);
        names.filter(|name| !is_known(name)).collect()
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no value is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, f64)> for BestKnown {
    fn from_iter<I: IntoIterator<Item = (String, f64)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// `rand0000` of `100/rand0000.stg`.
fn stem(name: &str) -> &str {
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str());
    stem.unwrap_or(name)
}

/// The fields of one line (RFC 4180).
fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut fields = vec![String::new()];
    let mut letters = line.chars().peekable();
    let mut is_quoted = false;
    while let Some(letter) = letters.next() {
        let last = fields.len() - 1;
        match letter {
            '"' if is_quoted && letters.next_if_eq(&'"').is_some() => fields[last].push('"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            letter => fields[last].push(letter),
        }
    }
    if is_quoted {
        return Err("a quote is opened and not closed".to_owned());
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_as_people_keep_them() {
        for text in [
            "instance,value\nmk01,40\nrand0000,94\n",
            "instance,lower_bound,upper_bound\r\nmk01,39,40\r\n100/rand0000.stg,1,94\r\n",
            "\u{feff}best_known,notes,instance\n40,\"a, \"\"b\"\"\",mk01.txt\n94,,rand0000\n\n,,la01\n",
        ] {
            let best = BestKnown::parse(text).unwrap();
            assert_eq!(best.of("mk01"), Some(40.0), "{text}");
            assert_eq!(best.of("rand0000"), Some(94.0), "{text}");
            assert_eq!((best.of("la01"), best.len()), (None, 2), "{text}");
            assert!(best.strangers(["mk01", "rand0000"]).is_empty(), "{text}");
            assert_eq!(best.strangers(["rand0000", "x"]).len(), 1, "{text}");
        }
        // A dot in a name is no ending.
        let best = BestKnown::parse("instance,value\nmk01.v2,41\n").unwrap();
        assert_eq!(best.of("mk01.v2"), Some(41.0));
    }

    #[test]
    fn bad_lines_are_refused() {
        for (text, line, says) in [
            ("", 1, "empty"),
            ("name,value\n", 1, "instance"),
            ("instance,price\n", 1, "best_known"),
            ("instance,value\nmk01\n", 2, "1 fields, not 2"),
            ("instance,value\nmk01,40,41\n", 2, "3 fields"),
            ("instance,value\nmk01,40\nmk02,many\n", 3, "many"),
            ("instance,value\nmk01,-1\n", 2, "from 0"),
            ("instance,value\nmk01,NaN\n", 2, "NaN"),
            ("instance,value\n\nmk01,inf\n", 3, "inf"),
            ("instance,value\n,40\n", 2, "empty"),
            ("instance,value\nmk01,40\nmk01,41\n", 3, "further up"),
            ("instance,value\n\"mk01,40\n", 2, "quote"),
        ] {
            let (at, what) = BestKnown::parse(text).unwrap_err();
            assert_eq!(at, line, "{text:?}: {what}");
            assert!(what.contains(says), "{text:?}: {what}");
        }
    }
}
