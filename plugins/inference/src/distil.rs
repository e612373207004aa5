//! Makes a static embedding out of a model that embeds: one vector a word, taught by the model.
//!
//! 1. The vocabulary: the teacher's own word pieces, without what no text of today holds, and the
//!    most frequent whole words of the given texts that it would cut into pieces.
//! 2. Each entry goes through the teacher alone; what all vectors share is taken off.
//! 3. Frequent entries count less: smooth inverse frequency, `a / (a + p)`, of Arora, Liang, Ma
//!    (2017). `p` is the entry's share of the texts; without texts it follows from the entry's rank
//!    in the teacher's vocabulary by Zipf's law, for such vocabularies list frequent pieces first.
//! 4. Vectors are turned to the principal components of what the teacher says, and cut off there.
//! 5. With texts, the vectors are moved so that their sums come nearer to the teacher's vectors of
//!    these texts: see `refit`.
//!
//! Steps 2 to 4 follow Tulkens, van Dongen (2024), "`Model2Vec`"; step 5 is a linear form of their
//! "Tokenlearn".

mod principal;
mod quality;
mod refit;
mod words;

use self::{
    principal::Scatter,
    refit::{Bags, refit},
    words::Words,
};
use crate::backends::static_words::{INSIDE, StaticWords, Table, Vocabulary};

pub use self::{
    quality::{Quality, quality},
    words::teacher_vocabulary,
};

/// How a static embedding is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DistilOptions {
    /// The length of its vectors, at most the teacher's.
    pub dimensions: usize,
    /// How many whole words join the teacher's vocabulary at most.
    pub n_words: usize,
    /// How many entries of the teacher's vocabulary stay at most. Those that the texts hold come
    /// first, then those of the lowest rank.
    pub n_pieces: usize,
    /// The `a` of smooth inverse frequency.
    pub smoothing: f64,
    /// The price of moving a vector away from what the teacher says of its word alone.
    pub price: f32,
    /// How far of the way the vectors are moved, 0 to 1. All the way, sums come nearest to what the
    /// teacher says of the texts; half the way, words also keep more of what they mean alone, and
    /// questions find their answers more often.
    pub moved: f32,
    /// How often the search for better vectors goes round; 0 leaves them where they are.
    pub n_rounds: usize,
}

impl Default for DistilOptions {
    fn default() -> Self {
        Self {
            dimensions: 256,
            n_words: 6_000,
            n_pieces: 20_000,
            smoothing: 1e-4,
            price: 0.1,
            moved: 0.5,
            n_rounds: 30,
        }
    }
}

/// A static embedding: its files, and what there is to say of how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Distilled {
    /// The bytes of `model.safetensors`.
    pub table: Vec<u8>,
    /// The bytes of `vocab.txt`.
    pub vocabulary: Vec<u8>,
    /// Entries that the teacher's vocabulary had.
    pub n_pieces: usize,
    /// Whole words that joined.
    pub n_words: usize,
    /// Texts that the vectors were fitted to.
    pub n_texts: usize,
    /// The share of the scatter of the teacher's vectors that the dimensions hold, 0 to 1.
    pub held: f64,
    /// The mean cosine to the teacher's vectors of the texts, before and after the fit; 0 without texts.
    pub cosine: [f64; 2],
}

impl Distilled {
    /// The embedding itself, under a version.
    ///
    /// # Errors
    /// [`DistilError::Write`] if its files cannot be read back.
    pub fn model(&self, version: &str) -> Result<StaticWords, DistilError> {
        let read = || -> Result<StaticWords, String> {
            let vocabulary = Vocabulary::read(&self.vocabulary)?;
            Ok(StaticWords::of(
                version.to_owned(),
                vocabulary,
                Table::read(&self.table)?,
            ))
        };
        read().map_err(DistilError::Write)
    }
}

/// Texts of one kind, such as what is said in meetings.
///
/// What all texts of a set share is taken off, so that sets of other kinds do not pull at each other.
#[derive(Clone, Debug, PartialEq)]
pub struct TextSet {
    /// The texts.
    pub texts: Vec<String>,
    /// How much each of them counts in the fit.
    pub weight: f32,
}

/// Why no static embedding can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DistilError {
    /// The teacher's tokenizer lists no vocabulary.
    #[error("the teacher's tokenizer cannot be used: {0}")]
    Tokenizer(String),
    /// The teacher gives no vector, or one of another length than before.
    #[error("the teacher cannot teach: {0}")]
    Teacher(String),
    /// The result cannot be written down.
    #[error("the embedding cannot be written: {0}")]
    Write(String),
    /// Somebody gave up.
    #[error("cancelled")]
    Cancelled,
}

/// Who is asked for vectors: one for each text, all of one length.
pub type Teach<'a> = dyn FnMut(&[String]) -> Result<Vec<Vec<f32>>, DistilError> + 'a;

/// Makes a static embedding of what `teach` says of the entries of its `vocabulary`, of the frequent
/// words of the texts in `sets`, and of the texts themselves. It is asked once, for all of them.
///
/// # Errors
/// [`DistilError`].
pub fn distil(
    vocabulary: &[String],
    sets: &[TextSet],
    options: &DistilOptions,
    teach: &mut Teach<'_>,
) -> Result<Distilled, DistilError> {
    let words = Words::choose(vocabulary, sets, options)?;
    let n_entries = words.entries.len();
    let mut asked: Vec<String> = words.entries.iter().map(|entry| spoken(entry)).collect();
    asked.extend(sets.iter().flat_map(|set| set.texts.iter().cloned()));
    let mut said = teach(&asked)?;
    let teacher_width = checked_width(&said, asked.len())?;
    let mut taught = said.split_off(n_entries);
    centre(&mut said);
    let mut rest = taught.as_mut_slice();
    for set in sets {
        let (own, others) = rest.split_at_mut(set.texts.len());
        centre(own);
        for vector in own {
            to_length(vector, set.weight.max(0.0).sqrt());
        }
        rest = others;
    }
    // Texts say best what is to be told apart; without them, the words do.
    let spreading = if taught.is_empty() { &said } else { &taught };
    let (axes, held) = axes(spreading, teacher_width, options.dimensions);
    let width = axes.len();
    for (vector, &weight) in said.iter_mut().zip(&words.weights) {
        vector.iter_mut().for_each(|x| *x *= weight);
    }
    let mut table = turned(&said, &axes);
    let targets = turned(&taught, &axes);
    let bags = &words.bags;
    let before = likeness(&table, width, bags, &targets);
    if !taught.is_empty() {
        rescale(&mut table, width, bags, &targets);
        let alone = table.clone();
        let (price, n_rounds) = (options.price, options.n_rounds);
        refit(&mut table, width, bags, &targets, price, n_rounds);
        for (x, alone) in table.iter_mut().zip(alone) {
            *x = alone + options.moved * (*x - alone);
        }
    }
    let after = likeness(&table, width, bags, &targets);
    // What stands for everything unknown means nothing.
    table[..width].fill(0.0);
    let table = Table::quantised(&table, width);
    Ok(Distilled {
        table: table.write().map_err(DistilError::Write)?,
        vocabulary: (words.entries.join("\n") + "\n").into_bytes(),
        n_pieces: words.n_pieces,
        n_words: n_entries - words.n_pieces,
        n_texts: taught.len(),
        held,
        cosine: [before, after],
    })
}

/// What the teacher is asked for an entry: a piece inside a word is asked as a word.
fn spoken(entry: &str) -> String {
    match entry.strip_prefix(INSIDE) {
        Some(piece) if !piece.is_empty() => piece.to_owned(),
        _ => entry.to_owned(),
    }
}

fn checked_width(said: &[Vec<f32>], n_asked: usize) -> Result<usize, DistilError> {
    let wrong = |why: String| Err(DistilError::Teacher(why));
    if said.len() != n_asked {
        return wrong(format!("{} answers to {n_asked} texts", said.len()));
    }
    let width = said.first().map_or(0, Vec::len);
    if width == 0 || said.iter().any(|vector| vector.len() != width) {
        return wrong(String::from("its vectors differ in length"));
    }
    if said.iter().flatten().any(|x| !x.is_finite()) {
        return wrong(String::from("a vector holds NaN or infinity"));
    }
    Ok(width)
}

/// Takes off what all vectors share.
fn centre(vectors: &mut [Vec<f32>]) {
    let Some(width) = vectors.first().map(Vec::len) else {
        return;
    };
    let mut mean = vec![0.0_f64; width];
    for vector in vectors.iter() {
        for (mean, &x) in mean.iter_mut().zip(vector) {
            *mean += f64::from(x) / vectors.len() as f64;
        }
    }
    for vector in vectors {
        for (x, mean) in vector.iter_mut().zip(&mean) {
            *x -= *mean as f32;
        }
    }
}

fn to_length(vector: &mut [f32], wanted: f32) {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x *= wanted / length);
    }
}

/// The first principal axes of vectors, and the share of their scatter that these hold.
fn axes(vectors: &[Vec<f32>], width: usize, n_axes: usize) -> (Vec<Vec<f64>>, f64) {
    let mut scatter = Scatter::new(width);
    vectors.iter().for_each(|vector| scatter.add(vector));
    let (mut axes, spread) = scatter.axes();
    axes.truncate(n_axes.clamp(1, width));
    let all: f64 = spread.iter().sum();
    let held: f64 = spread[..axes.len()].iter().sum();
    (axes, if all > 0.0 { held / all } else { 1.0 })
}

/// Vectors in the coordinates of some axes, one after the other.
fn turned(vectors: &[Vec<f32>], axes: &[Vec<f64>]) -> Vec<f32> {
    let mut rows = Vec::with_capacity(vectors.len() * axes.len());
    for vector in vectors {
        rows.extend(axes.iter().map(|axis| {
            let along: f64 = axis
                .iter()
                .zip(vector)
                .map(|(a, &x)| a * f64::from(x))
                .sum();
            along as f32
        }));
    }
    rows
}

/// Brings a table to the size at which its means come nearest to the targets.
fn rescale(table: &mut [f32], width: usize, bags: &Bags, targets: &[f32]) {
    let mut mean = vec![0.0; width];
    let (mut both, mut own) = (0.0_f64, 0.0_f64);
    for (text, target) in targets.chunks_exact(width).enumerate() {
        bags.mean(text, table, width, &mut mean);
        for (a, b) in mean.iter().zip(target) {
            both += f64::from(a * b);
            own += f64::from(a * a);
        }
    }
    if own > 0.0 {
        table.iter_mut().for_each(|x| *x *= (both / own) as f32);
    }
}

/// The mean cosine of the texts' means and their targets.
fn likeness(table: &[f32], width: usize, bags: &Bags, targets: &[f32]) -> f64 {
    let mut mean = vec![0.0; width];
    let mut sum = 0.0;
    for (text, target) in targets.chunks_exact(width).enumerate() {
        bags.mean(text, table, width, &mut mean);
        to_length(&mut mean, 1.0);
        let length = target.iter().map(|x| x * x).sum::<f32>().sqrt();
        let cosine: f32 = mean.iter().zip(target).map(|(a, b)| a * b).sum();
        sum += f64::from(cosine / length.max(f32::MIN_POSITIVE));
    }
    sum / bags.len().max(1) as f64
}
