//! Cuts a meeting into topics where the meaning of what is said shifts.
//!
//! Kernel change-point detection with a linear kernel: the cut that leaves the least scatter of
//! the vectors around the mean of their topic, each topic at a price. Dynamic programming finds
//! the best cut. Arlot, Celisse, Harchaoui (2019), "A kernel multiple change-point algorithm via
//! model selection"; for text, Utiyama and Isahara (2001), "A statistical model for
//! domain-independent text segmentation".

use super::vectors;

/// No more blocks than this are compared; a longer meeting gets larger blocks.
const MAX_BLOCKS: usize = 500;

/// How fine to cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentOptions {
    /// No topic has fewer words, the open one at the end included.
    pub min_words: f32,
    /// A topic is expected to have about this many words.
    pub target_words: f32,
    /// Turns are taken together until they have this many words, so that a short remark does not
    /// look like a topic.
    pub block_words: f32,
    /// The price of a topic, in units of the scatter of one block.
    pub topic_price: f32,
    /// The price of a topic that is `e` times as long or as short as expected, in the same units.
    pub length_price: f32,
}

impl SegmentOptions {
    /// What suits a meeting of `n_words` words in all, or so far: about four topics in five
    /// minutes (750 words), ten in an hour (9000 words).
    pub fn for_meeting(n_words: usize) -> Self {
        let n_words = (n_words as f32).max(1.0);
        let n_topics = (4.0 * (n_words / 750.0).powf(0.37)).max(1.0);
        let target_words = (n_words / n_topics).max(60.0);
        Self {
            min_words: target_words * 0.4,
            target_words,
            block_words: (target_words / 12.0).clamp(15.0, 100.0),
            // As in the Bayesian information criterion, the price grows with the logarithm of the
            // data.
            topic_price: (1.0 + 0.4 * (n_words / 750.0).ln()).clamp(1.0, 3.0),
            length_price: 1.0,
        }
    }
}

/// A few turns in a row, taken together.
struct Block {
    first_turn: usize,
    n_words: f64,
    sum: Vec<f32>,
}

/// The indices of the turns with which a new topic starts, ascending, 0 not among them.
///
/// `vectors` holds a unit vector for each turn, `weights` its words (missing ones count 1; turns
/// of no words join the turn before). Called again with the turns of the topic that was last and
/// those that came since, it goes on where it left off: a boundary always has `min_words` on
/// either side, so that a new topic is only seen once there is enough of it.
pub fn boundaries(vectors: &[Vec<f32>], weights: &[f32], options: &SegmentOptions) -> Vec<usize> {
    let blocks = blocks(vectors, weights, options);
    let n = blocks.len();
    if n < 2 {
        return Vec::new();
    }
    let totals = running_totals(&blocks);
    let scatter = scatter_of_block(&blocks, &totals);
    // best[j]: the largest value of the first j blocks cut into topics; from[j]: where the last
    // of these topics begins.
    let mut best = vec![f64::NEG_INFINITY; n + 1];
    let mut from = vec![0; n + 1];
    best[0] = 0.0;
    for end in 1..=n {
        for start in 0..end {
            let n_words = totals[end].0 - totals[start].0;
            let is_whole = start == 0 && end == n;
            if best[start] == f64::NEG_INFINITY
                || (n_words < f64::from(options.min_words) && !is_whole)
            {
                continue;
            }
            let price = price(n_words, end == n, options) * scatter;
            let value = best[start] + cohesion(&totals[start], &totals[end]) - price;
            if value > best[end] {
                best[end] = value;
                from[end] = start;
            }
        }
    }
    let mut starts = Vec::new();
    let mut at = from[n];
    while at > 0 {
        starts.push(blocks[at].first_turn);
        at = from[at];
    }
    starts.reverse();
    starts
}

/// Takes turns together until a block has its words; what is left at the end joins the last.
fn blocks(vectors: &[Vec<f32>], weights: &[f32], options: &SegmentOptions) -> Vec<Block> {
    let weight = |index: usize| {
        let weight = weights.get(index).copied().unwrap_or(1.0);
        if weight.is_finite() {
            weight.max(0.0)
        } else {
            0.0
        }
    };
    let n_words: f32 = (0..vectors.len()).map(weight).sum();
    let block_words = options.block_words.max(n_words / MAX_BLOCKS as f32);
    let mut blocks: Vec<Block> = Vec::new();
    for (index, vector) in vectors.iter().enumerate() {
        let has_room = blocks
            .last()
            .is_some_and(|block| weight(index) == 0.0 || block.n_words < f64::from(block_words));
        if !has_room {
            blocks.push(Block {
                first_turn: index,
                n_words: 0.0,
                sum: Vec::new(),
            });
        }
        if let Some(block) = blocks.last_mut() {
            vectors::add_scaled(&mut block.sum, vector, weight(index));
            block.n_words += f64::from(weight(index));
        }
    }
    blocks
}

/// For each block, the words and the vector sum of all before it; one more for the end.
fn running_totals(blocks: &[Block]) -> Vec<(f64, Vec<f32>)> {
    let mut totals = vec![(0.0, Vec::new())];
    for block in blocks {
        let (n_words, mut sum) = totals.last().cloned().unwrap_or_default();
        vectors::add_scaled(&mut sum, &block.sum, 1.0);
        totals.push((n_words + block.n_words, sum));
    }
    totals
}

/// How well the blocks between two totals hold together: the squared length of their sum per
/// word. The scatter around the mean is a constant less this.
fn cohesion(before: &(f64, Vec<f32>), after: &(f64, Vec<f32>)) -> f64 {
    let n_words = after.0 - before.0;
    if n_words <= 0.0 {
        return 0.0;
    }
    let mut squared = 0.0_f64;
    for (index, value) in after.1.iter().enumerate() {
        let difference = f64::from(value - before.1.get(index).copied().unwrap_or(0.0));
        squared += difference * difference;
    }
    squared / n_words
}

/// The mean scatter of one block around the mean of all.
fn scatter_of_block(blocks: &[Block], totals: &[(f64, Vec<f32>)]) -> f64 {
    let apart: f64 = totals
        .windows(2)
        .map(|pair| cohesion(&pair[0], &pair[1]))
        .sum();
    let together = match (totals.first(), totals.last()) {
        (Some(first), Some(last)) => cohesion(first, last),
        _ => 0.0,
    };
    (apart - together).max(0.0) / blocks.len().max(1) as f64
}

/// What a topic of `n_words` costs, in units of the scatter of a block. The open topic at the end
/// pays nothing for being short, as it may go on.
fn price(n_words: f64, is_open: bool, options: &SegmentOptions) -> f64 {
    let off = (n_words.max(1.0) / f64::from(options.target_words.max(1.0))).ln();
    let off = if is_open { off.max(0.0) } else { off };
    f64::from(options.topic_price) + f64::from(options.length_price) * off * off
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns of ten words on the given topics, each near the axis of its topic.
    fn turns(topics: &[(usize, usize)]) -> (Vec<Vec<f32>>, Vec<f32>) {
        let mut vectors = Vec::new();
        for (topic, n_turns) in topics {
            for turn in 0..*n_turns {
                let mut vector = vec![0.0; 16];
                vector[*topic] = 1.0;
                // What every turn has of its own.
                vector[8 + (turn * 5 + topic) % 8] = 0.9;
                vectors::normalise(&mut vector);
                vectors.push(vector);
            }
        }
        let weights = vec![10.0; vectors.len()];
        (vectors, weights)
    }

    #[test]
    fn concatenated_topics_come_apart_where_they_were_joined() {
        for (topics, expect) in [
            (vec![(0, 30)], vec![]),
            (vec![(0, 30), (1, 30)], vec![30]),
            (vec![(0, 20), (1, 44), (2, 32), (0, 20)], vec![20, 64, 96]),
            (vec![], vec![]),
            (vec![(3, 1)], vec![]),
        ] {
            let (vectors, weights) = turns(&topics);
            let options = SegmentOptions {
                block_words: 20.0,
                topic_price: 2.5,
                ..SegmentOptions::for_meeting(10 * vectors.len())
            };
            assert_eq!(
                boundaries(&vectors, &weights, &options),
                expect,
                "{topics:?}"
            );
        }
    }

    #[test]
    fn a_topic_is_seen_once_there_is_enough_of_it() {
        let (vectors, weights) = turns(&[(0, 40), (1, 40)]);
        let options = SegmentOptions {
            topic_price: 3.0,
            ..SegmentOptions::for_meeting(800)
        };
        let seen = |n: usize| boundaries(&vectors[..n], &weights[..n], &options);
        // Four turns of ten words are less than the least that a topic needs.
        assert!(!seen(44).contains(&40));
        assert_eq!(seen(60), [40]);
        assert_eq!(seen(80), [40]);
    }

    #[test]
    fn topics_have_their_words_and_odd_input_is_no_trouble() {
        let (vectors, _) = turns(&[(0, 3), (1, 2), (2, 50), (3, 1), (4, 60), (5, 2)]);
        let options = SegmentOptions::for_meeting(1180);
        let weights = vec![10.0; vectors.len()];
        let mut cuts = vec![0];
        cuts.extend(boundaries(&vectors, &weights, &options));
        cuts.push(vectors.len());
        for pair in cuts.windows(2) {
            assert!(
                (pair[1] - pair[0]) as f32 * 10.0 >= options.min_words,
                "{cuts:?}"
            );
        }
        for weight in [0.0, f32::NAN, -1.0] {
            assert!(boundaries(&vectors, &vec![weight; vectors.len()], &options).is_empty());
        }
        assert!(boundaries(&vec![Vec::new(); 50], &[10.0; 50], &options).is_empty());
    }

    #[test]
    fn longer_meetings_have_more_and_longer_topics() {
        let mut before = SegmentOptions::for_meeting(100);
        for n_words in [750, 3000, 9000, 20_000] {
            let options = SegmentOptions::for_meeting(n_words);
            assert!(options.target_words > before.target_words);
            before = options;
        }
        let n_topics =
            |n_words: f32| n_words / SegmentOptions::for_meeting(n_words as usize).target_words;
        assert!((3.0..=5.0).contains(&n_topics(750.0)) && (5.0..=15.0).contains(&n_topics(9000.0)));
    }
}
