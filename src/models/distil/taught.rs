//! What a teacher has said of texts, kept in a folder if one is given.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{io, write};
use crate::error::AppError;

/// Who the teacher is, its texts, one a line, and a vector of little-endian f32 for each.
const FILES: [&str; 3] = ["teacher.txt", "texts.txt", "vectors.f32"];

/// What a teacher has said.
#[derive(Debug)]
pub(super) struct Taught {
    teacher: String,
    folder: Option<PathBuf>,
    known: BTreeMap<String, Vec<f32>>,
    is_new: bool,
}

impl Taught {
    /// Reads what a folder holds, if there is one.
    ///
    /// # Errors
    /// If it cannot be read, or another teacher's words are in it.
    pub(super) fn open(folder: Option<&Path>, teacher: String) -> Result<Self, AppError> {
        let known = match folder {
            Some(folder) => read(folder, &teacher)?,
            None => BTreeMap::new(),
        };
        Ok(Self {
            teacher,
            folder: folder.map(Path::to_owned),
            known,
            is_new: false,
        })
    }

    /// The texts that are to be asked, each once, those of like length together.
    pub(super) fn unknown(&self, asked: &[String]) -> Vec<String> {
        let mut unknown: Vec<&String> = asked
            .iter()
            .filter(|text| !self.known.contains_key(*text))
            .collect();
        unknown.sort_by_key(|text| (text.len(), *text));
        unknown.dedup();
        unknown.into_iter().cloned().collect()
    }

    /// Takes in what the teacher says.
    pub(super) fn learn(&mut self, texts: Vec<String>, vectors: impl Iterator<Item = Vec<f32>>) {
        self.is_new = true;
        self.known.extend(texts.into_iter().zip(vectors));
    }

    /// A vector for each text; empty where none is known.
    pub(super) fn of(&self, asked: &[String]) -> Vec<Vec<f32>> {
        let known = asked.iter().map(|text| self.known.get(text));
        known
            .map(|vector| vector.cloned().unwrap_or_default())
            .collect()
    }

    /// Writes what is new into the folder, if there is one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(&self) -> Result<(), AppError> {
        let Some(folder) = self.folder.as_ref().filter(|_| self.is_new) else {
            return Ok(());
        };
        // A line holds a text only if there is no end of a line in it.
        let lines = || {
            self.known
                .iter()
                .filter(|(text, _)| !text.contains(['\n', '\r']))
        };
        let texts: String = lines().map(|(text, _)| format!("{text}\n")).collect();
        let numbers = lines().flat_map(|(_, vector)| vector);
        let vectors: Vec<u8> = numbers.flat_map(|x| x.to_le_bytes()).collect();
        let teacher = format!("{}\n", self.teacher);
        for (name, bytes) in FILES
            .into_iter()
            .zip([teacher.as_bytes(), texts.as_bytes(), &vectors])
        {
            write(&folder.join(name), bytes)?;
        }
        Ok(())
    }
}

fn read(folder: &Path, teacher: &str) -> Result<BTreeMap<String, Vec<f32>>, AppError> {
    let [who, texts, vectors] = FILES.map(|name| folder.join(name));
    if !who.exists() {
        return Ok(BTreeMap::new());
    }
    let text = |path: &Path| fs::read_to_string(path).map_err(|cause| io(path, "read", cause));
    let said = text(&who)?;
    if said.trim_end() != teacher {
        return Err(AppError::Usage(format!(
            "{} holds what {:?} says, not {teacher:?}",
            folder.display(),
            said.trim_end()
        )));
    }
    let all = text(&texts)?;
    let bytes = fs::read(&vectors).map_err(|cause| io(&vectors, "read", cause))?;
    let lines: Vec<&str> = all.lines().collect();
    let width = bytes.len() / 4 / lines.len().max(1);
    if width == 0 || bytes.len() != width * 4 * lines.len() {
        let (n, n_bytes) = (lines.len(), bytes.len());
        return Err(AppError::Checked(format!(
            "{} has {n_bytes} bytes, which is not a vector for each of {n} texts",
            vectors.display()
        )));
    }
    let numbers = |bytes: &[u8]| -> Vec<f32> {
        let numbers = bytes.as_chunks::<4>().0.iter();
        numbers.map(|four| f32::from_le_bytes(*four)).collect()
    };
    Ok(lines
        .into_iter()
        .zip(bytes.chunks_exact(width * 4))
        .map(|(text, bytes)| (text.to_owned(), numbers(bytes)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_not_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let open = |teacher: &str| Taught::open(Some(folder.path()), teacher.to_owned());
        let asked = ["long text", "b", "a", "b", "two\rlines"].map(str::to_owned);
        let mut taught = open("t@1").unwrap();
        let unknown = taught.unknown(&asked);
        assert_eq!(unknown, ["a", "b", "long text", "two\rlines"]);
        let vectors: Vec<Vec<f32>> = (0..4).map(|n| vec![n as f32, 0.1]).collect();
        taught.learn(unknown, vectors.into_iter());
        taught.write().unwrap();
        let again = open("t@1").unwrap();
        assert_eq!(again.unknown(&asked), ["two\rlines"]);
        assert_eq!(again.of(&asked[..2]), [vec![2.0, 0.1], vec![1.0, 0.1]]);
        assert!(open("t@2").unwrap_err().to_string().contains("t@1"));
        fs::write(folder.path().join(FILES[2]), [0; 9]).unwrap();
        assert!(open("t@1").is_err());
    }
}
