//! Embeds a text by the sum of one fixed vector for each of its words: no layers, no attention.
//!
//! * A table has a vector for each entry of a vocabulary of words and pieces of words; how much
//!   an entry counts is the length of its vector.
//! * The vectors of a text's entries are added up and the sum is brought to length 1; a text
//!   without any known entry becomes the zero vector.
//! * The table is made from a larger model by [`crate::distil`]; one such table is part of this
//!   crate, so that there is always a model that answers.
//!
//! Tulkens, van Dongen (2024), "`Model2Vec`: Fast State-of-the-Art Static Embeddings"; Arora, Liang,
//! Ma (2017), "A Simple but Tough-to-Beat Baseline for Sentence Embeddings".

mod table;
mod vocabulary;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, LazyLock},
};

pub(crate) use table::Table;
pub(crate) use vocabulary::{INSIDE, UNKNOWN, Vocabulary};

use crate::{
    ask::{Ask, Skill},
    backend::{Backend, BackendError, Encoder},
    catalog::Catalog,
    check::CheckedModel,
    input::{Encoded, Input},
    output::Output,
    place::Place,
};

/// Entries of a text that are read.
const MAX_TOKENS: usize = 512;
/// The file of the table.
pub(crate) const TABLE_FILE: &str = "model.safetensors";
/// The file of the vocabulary, one entry a line, in the order of the table's rows.
pub(crate) const VOCABULARY_FILE: &str = "vocab.txt";
/// The files of the model that is part of this crate.
pub(crate) const EMBEDDED: [(&str, &[u8]); 2] = [
    (
        TABLE_FILE,
        include_bytes!("../../../../assets/models/static-minilm/model.safetensors"),
    ),
    (
        VOCABULARY_FILE,
        include_bytes!("../../../../assets/models/static-minilm/vocab.txt"),
    ),
];
/// The name of the model that is part of this crate.
pub const EMBEDDED_NAME: &str = "static-minilm";

/// An embedding without layers. Clones share the table.
#[derive(Clone)]
pub struct StaticWords(Arc<Shared>);

struct Shared {
    version: String,
    vocabulary: Vocabulary,
    table: Table,
}

impl fmt::Debug for StaticWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticWords")
            .field("version", &self.0.version)
            .field("n_entries", &self.0.table.n_rows())
            .field("dimensions", &self.0.table.width())
            .finish()
    }
}

impl StaticWords {
    /// Reads the table and the vocabulary of checked files.
    ///
    /// # Errors
    /// [`BackendError::BadFile`] names the file and what is wrong with it.
    pub fn read(files: &CheckedModel) -> Result<Self, BackendError> {
        let bad = |file: &str, why: String| BackendError::BadFile {
            model: files.version.clone(),
            file: file.to_owned(),
            why,
        };
        let bytes = |file: &str| {
            files
                .file(file)
                .ok_or_else(|| bad(file, String::from("the model has no such file")))
        };
        let table = Table::read(bytes(TABLE_FILE)?).map_err(|why| bad(TABLE_FILE, why))?;
        let vocabulary =
            Vocabulary::read(bytes(VOCABULARY_FILE)?).map_err(|why| bad(VOCABULARY_FILE, why))?;
        if vocabulary.len() != table.n_rows() {
            let (lines, rows) = (vocabulary.len(), table.n_rows());
            let why = format!("it has {lines} lines and the table has {rows} rows");
            return Err(bad(VOCABULARY_FILE, why));
        }
        Ok(Self::of(files.version.clone(), vocabulary, table))
    }

    pub(crate) fn of(version: String, vocabulary: Vocabulary, table: Table) -> Self {
        Self(Arc::new(Shared {
            version,
            vocabulary,
            table,
        }))
    }

    /// The model that is part of this crate. It is read and checked once.
    ///
    /// # Panics
    /// Never: a test reads it.
    pub fn embedded() -> Self {
        static EMBEDDED_MODEL: LazyLock<StaticWords> = LazyLock::new(|| {
            let catalog = Catalog::built_in();
            let read = || {
                let entry = catalog.get(EMBEDDED_NAME)?;
                // It lies nowhere but in this crate.
                let nowhere = Place::Folder(PathBuf::new());
                let files = CheckedModel::read(entry, &nowhere).ok()?;
                StaticWords::read(&files).ok()
            };
            read().expect("the embedded model can be read. This is a bug")
        });
        EMBEDDED_MODEL.clone()
    }

    /// The version of the model: its name, `@` and the start of its hash.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// The length of its vectors.
    pub fn dimensions(&self) -> usize {
        self.0.table.width()
    }

    /// The embedding of one text.
    pub fn embed(&self, text: &str) -> Vec<f32> {
        self.0.table.embed(&self.entries(text))
    }

    /// The rows of the table that make up a text.
    fn entries(&self, text: &str) -> Vec<u32> {
        let mut ids = self.0.vocabulary.entries(text);
        ids.truncate(MAX_TOKENS);
        ids
    }
}

impl Backend for StaticWords {
    fn version(&self) -> &str {
        &self.0.version
    }

    fn skills(&self) -> &[Skill] {
        &[Skill::Embed]
    }

    fn encoder(&self) -> Encoder {
        let words = self.clone();
        Arc::new(move |ask, input| match input {
            Input::Text(text) => Ok(Encoded::Ids(words.entries(text))),
            _ => Err(BackendError::wrong_input(words.version(), ask)),
        })
    }

    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        let answer = |input: &&Encoded| match input {
            Encoded::Ids(ids) => Ok(Output::Embedding(self.0.table.embed(ids))),
            _ => Err(BackendError::wrong_input(&self.0.version, ask)),
        };
        inputs.iter().map(answer).collect()
    }
}
