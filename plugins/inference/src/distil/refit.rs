//! Moves the vectors of words so that their sums come as near as can be to what the teacher says of
//! whole texts.
//!
//! Ridge regression around where the vectors are: the sum over all texts of the squared distance
//! between the mean of a text's word vectors and the teacher's vector, plus a price for each
//! vector's distance from where it was. So a word that no text holds stays, and a rare one moves a
//! little. Solved by conjugate gradients, all dimensions side by side, with the diagonal as
//! preconditioner: Golub, Van Loan (2013), "Matrix Computations", 11.5.

/// For each text the entries in it and the share of the text that each is, times the root of the
/// text's weight in the fit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bags {
    ends: Vec<usize>,
    entries: Vec<u32>,
    shares: Vec<f32>,
}

impl Bags {
    /// Takes in a text as its entries, repeats included. Its target is to be as long as the root of
    /// its weight.
    pub(crate) fn push(&mut self, mut entries: Vec<u32>, weight: f32) {
        let share = weight.max(0.0).sqrt() / entries.len().max(1) as f32;
        entries.sort_unstable();
        for group in entries.chunk_by(|a, b| a == b) {
            self.entries.push(group[0]);
            self.shares.push(share * group.len() as f32);
        }
        self.ends.push(self.entries.len());
    }

    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    fn bag(&self, text: usize) -> impl Iterator<Item = (usize, f32)> {
        let from = text.checked_sub(1).map_or(0, |before| self.ends[before]);
        let range = from..self.ends[text];
        self.entries[range.clone()]
            .iter()
            .zip(&self.shares[range])
            .map(|(&entry, &share)| (entry as usize, share))
    }

    /// The mean of a text's vectors, out of a table of `width` numbers a row.
    pub(crate) fn mean(&self, text: usize, table: &[f32], width: usize, mean: &mut [f32]) {
        mean.fill(0.0);
        for (entry, share) in self.bag(text) {
            let row = &table[entry * width..(entry + 1) * width];
            add(mean, row, share);
        }
    }

    /// Adds to each row of a table what the residuals of the texts say: the transposed product.
    fn spread(&self, text: usize, residual: &[f32], table: &mut [f32]) {
        let width = residual.len();
        for (entry, share) in self.bag(text) {
            add(
                &mut table[entry * width..(entry + 1) * width],
                residual,
                share,
            );
        }
    }
}

fn add(sum: &mut [f32], vector: &[f32], weight: f32) {
    for (sum, x) in sum.iter_mut().zip(vector) {
        *sum += weight * x;
    }
}

/// Moves `table`, `width` numbers a row, towards `targets`, `width` numbers a text.
///
/// `price` is that of a row's squared distance from where it was; `n_rounds` is how often the
/// conjugate gradients go round.
pub(crate) fn refit(
    table: &mut [f32],
    width: usize,
    bags: &Bags,
    targets: &[f32],
    price: f32,
    n_rounds: usize,
) {
    let mut diagonal = vec![price; table.len() / width];
    for text in 0..bags.len() {
        for (entry, share) in bags.bag(text) {
            diagonal[entry] += share * share;
        }
    }
    // What is sought is the move; the residual of the normal equations starts at Aᵀ(T − A·table).
    let mut residual = vec![0.0; table.len()];
    let mut mean = vec![0.0; width];
    for (text, target) in targets.chunks_exact(width).enumerate() {
        bags.mean(text, table, width, &mut mean);
        for (mean, target) in mean.iter_mut().zip(target) {
            *mean = target - *mean;
        }
        bags.spread(text, &mean, &mut residual);
    }
    let mut direction = scaled(&residual, &diagonal, width);
    let mut energy = dots(&residual, &direction, width);
    for _ in 0..n_rounds {
        let image = image(bags, &direction, width, price);
        let curvature = dots(&direction, &image, width);
        let step = ratios(&energy, &curvature);
        for_rows(table, &direction, width, |x, d, at| {
            *x += step[at] as f32 * d;
        });
        for_rows(&mut residual, &image, width, |r, q, at| {
            *r -= step[at] as f32 * q;
        });
        let next = scaled(&residual, &diagonal, width);
        let next_energy = dots(&residual, &next, width);
        let keep = ratios(&next_energy, &energy);
        for_rows(&mut direction, &next, width, |d, z, at| {
            *d = z + keep[at] as f32 * *d;
        });
        energy = next_energy;
    }
}

/// The matrix of the normal equations times a direction.
fn image(bags: &Bags, direction: &[f32], width: usize, price: f32) -> Vec<f32> {
    let mut image: Vec<f32> = direction.iter().map(|x| price * x).collect();
    let mut mean = vec![0.0; width];
    for text in 0..bags.len() {
        bags.mean(text, direction, width, &mut mean);
        bags.spread(text, &mean, &mut image);
    }
    image
}

fn scaled(rows: &[f32], diagonal: &[f32], width: usize) -> Vec<f32> {
    rows.chunks_exact(width)
        .zip(diagonal)
        .flat_map(|(row, &scale)| row.iter().map(move |x| x / scale))
        .collect()
}

/// For each dimension the product of two tables.
fn dots(a: &[f32], b: &[f32], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    for (a, b) in a.chunks_exact(width).zip(b.chunks_exact(width)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += f64::from(a * b);
        }
    }
    sums
}

fn ratios(above: &[f64], below: &[f64]) -> Vec<f64> {
    above
        .iter()
        .zip(below)
        .map(|(a, b)| if *b > 0.0 { a / b } else { 0.0 })
        .collect()
}

fn for_rows(a: &mut [f32], b: &[f32], width: usize, change: impl Fn(&mut f32, f32, usize)) {
    for (a, b) in a.chunks_exact_mut(width).zip(b.chunks_exact(width)) {
        for (at, (a, b)) in a.iter_mut().zip(b).enumerate() {
            change(a, *b, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bags(texts: &[&[u32]]) -> Bags {
        let mut bags = Bags::default();
        texts.iter().for_each(|text| bags.push(text.to_vec(), 1.0));
        bags
    }

    #[test]
    fn words_take_the_vectors_that_explain_the_texts_and_others_stay() {
        let bags = bags(&[&[0], &[0, 1], &[1, 1, 0], &[2, 0]]);
        // What the words truly are: 0 is (1, 0), 1 is (0, 1), 2 is (2, 2); word 3 is in no text.
        let targets = [1.0, 0.0, 0.5, 0.5, 1.0 / 3.0, 2.0 / 3.0, 1.5, 1.0];
        let mut table = vec![0.3, 0.3, 0.1, 0.9, 0.0, 0.0, 7.0, -7.0];
        refit(&mut table, 2, &bags, &targets, 1e-4, 20);
        let expected = [1.0, 0.0, 0.0, 1.0, 2.0, 2.0, 7.0, -7.0];
        for (got, expected) in table.iter().zip(expected) {
            assert!((got - expected).abs() < 2e-2, "{table:?}");
        }
    }

    #[test]
    fn a_high_price_keeps_all_where_it_was() {
        let mut table = vec![0.3, 0.7];
        refit(&mut table, 1, &bags(&[&[0, 1], &[]]), &[5.0, 1.0], 1e6, 5);
        assert!((table[0] - 0.3).abs() < 1e-4 && (table[1] - 0.7).abs() < 1e-4);
    }
}
