//! One pass of a Llama model over tokens of many sequences at once.
//!
//! Root mean square norm, turned queries and keys (in neighbouring pairs, as GGUF stores them),
//! grouped-query attention over pages, gated feed-forward. Every token's numbers follow from its own
//! sequence alone, to the bit, whatever else is in the pass.
//!
//! Touvron et al. (2023), "`LLaMA`: Open and Efficient Foundation Language Models"; Su et al. (2021),
//! "`RoFormer`: Enhanced Transformer with Rotary Position Embedding"; Shazeer (2020), "GLU Variants
//! Improve Transformer".

use super::{
    cache::{Cache, PageId},
    config::Config,
    weights::{Layer, Weights},
};
use crate::kernels::{
    Level, Team,
    paged_attention::{MOST_QUERIES, PAGE, Queries, attend},
    q8::{Q8Level, Q8Matrix, Q8Rows},
    rms_norm, silu,
};

/// Rows from which on threads share what is done row by row.
const MANY_ROWS: usize = 16;

/// One token to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) token: u32,
    pub(super) position: usize,
    /// Pages of its sequence.
    pub(super) pages: &'a [PageId],
    /// Which sequence it belongs to; rows of one lie side by side.
    pub(super) sequence: usize,
    /// Whether it is to be known what comes next.
    pub(super) wants_scores: bool,
}

/// What passes are computed with, and the room that they need.
pub(super) struct Forward {
    config: Config,
    team: Team,
    level: Level,
    q8_level: Q8Level,
    /// Whether what is multiplied with weights stays in f32.
    is_exact: bool,
    /// Cosine and sine, position by position, pair by pair.
    turns: Vec<(f32, f32)>,
    room: Room,
}

/// What a pass writes to; kept for the next one.
#[derive(Default)]
struct Room {
    x: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    attended: Vec<f32>,
    gate_up: Vec<f32>,
    inner: Vec<f32>,
    out: Vec<f32>,
    rows: Q8Rows,
    scratch: Vec<f32>,
}

impl Forward {
    pub(super) fn new(config: Config, team: Team, is_exact: bool) -> Self {
        Self {
            config,
            team,
            level: Level::best(),
            q8_level: Q8Level::best(),
            is_exact,
            turns: Vec::new(),
            room: Room::default(),
        }
    }

    /// Reads all rows; gives the scores of all tokens for each row that wants them, and how many
    /// numbers apart they lie.
    pub(super) fn run(
        &mut self,
        weights: &Weights,
        cache: &mut Cache,
        rows: &[Row<'_>],
    ) -> (Vec<f32>, usize) {
        let mut room = std::mem::take(&mut self.room);
        self.learn_turns(rows);
        let this = &*self;
        let scores = this
            .team
            .enter(|| this.pass(&mut room, weights, cache, rows));
        self.room = room;
        (scores, weights.head().n_out())
    }

    fn pass(
        &self,
        room: &mut Room,
        weights: &Weights,
        cache: &mut Cache,
        rows: &[Row<'_>],
    ) -> Vec<f32> {
        let width = self.config.width;
        room.x.resize(rows.len() * width, 0.0);
        for (row, x) in rows.iter().zip(room.x.chunks_exact_mut(width)) {
            weights.embedding.row(row.token as usize, x);
        }
        for (nth, layer) in weights.layers.iter().enumerate() {
            self.attention(room, nth, layer, cache, rows);
            self.feed_forward(room, layer);
        }
        self.scores(room, weights, rows)
    }

    fn attention(
        &self,
        room: &mut Room,
        nth: usize,
        layer: &Layer,
        cache: &mut Cache,
        rows: &[Row<'_>],
    ) {
        let config = self.config;
        self.norm(&room.x, &layer.attention_norm, &mut room.normed);
        self.multiply(
            &layer.qkv,
            &room.normed,
            &mut room.qkv,
            &mut room.rows,
            &mut room.scratch,
        );
        let row_numbers = layer.qkv.n_out();
        self.turn(&mut room.qkv, row_numbers, rows);
        for (row, qkv) in rows.iter().zip(room.qkv.chunks_exact(row_numbers)) {
            let (keys, values) =
                qkv[config.queries()..][..2 * config.keys()].split_at(config.keys());
            let page = row.pages[row.position / PAGE];
            cache.write(page, row.position % PAGE, nth, (keys, values));
        }
        self.attend(&room.qkv, row_numbers, nth, cache, rows, &mut room.attended);
        self.multiply(
            &layer.attention_out,
            &room.attended,
            &mut room.out,
            &mut room.rows,
            &mut room.scratch,
        );
        add(&mut room.x, &room.out);
    }

    fn feed_forward(&self, room: &mut Room, layer: &Layer) {
        let inner = self.config.inner;
        self.norm(&room.x, &layer.inner_norm, &mut room.normed);
        self.multiply(
            &layer.gate_up,
            &room.normed,
            &mut room.gate_up,
            &mut room.rows,
            &mut room.scratch,
        );
        room.inner.resize(room.gate_up.len() / 2, 0.0);
        let parts = room
            .gate_up
            .chunks_exact_mut(2 * inner)
            .zip(room.inner.chunks_exact_mut(inner));
        self.each(parts.collect(), |(gate_up, out)| {
            let (gate, up) = gate_up.split_at_mut(inner);
            silu(self.level, gate);
            for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                *out = *gate * *up;
            }
        });
        self.multiply(
            &layer.down,
            &room.inner,
            &mut room.out,
            &mut room.rows,
            &mut room.scratch,
        );
        add(&mut room.x, &room.out);
    }

    fn scores(&self, room: &mut Room, weights: &Weights, rows: &[Row<'_>]) -> Vec<f32> {
        let width = self.config.width;
        let states = rows.iter().zip(room.x.chunks_exact(width));
        let wanted: Vec<f32> = states
            .filter(|(row, _)| row.wants_scores)
            .flat_map(|(_, x)| x)
            .copied()
            .collect();
        let mut scores = Vec::new();
        if !wanted.is_empty() {
            self.norm(&wanted, &weights.out_norm, &mut room.normed);
            let head = weights.head();
            self.multiply(
                head,
                &room.normed,
                &mut scores,
                &mut room.rows,
                &mut room.scratch,
            );
        }
        scores
    }

    /// Does `work` with each part; on all threads if there are many.
    fn each<T: Send>(&self, parts: Vec<T>, work: impl Fn(T) + Sync + Send) {
        if parts.len() < MANY_ROWS {
            parts.into_iter().for_each(work);
        } else {
            self.team.share(parts, work);
        }
    }

    fn norm(&self, x: &[f32], gain: &[f32], out: &mut Vec<f32>) {
        out.clear();
        out.extend_from_slice(x);
        self.each(out.chunks_exact_mut(gain.len()).collect(), |row| {
            rms_norm(self.level, row, gain, self.config.eps);
        });
    }

    fn multiply(
        &self,
        matrix: &Q8Matrix,
        x: &[f32],
        y: &mut Vec<f32>,
        rows: &mut Q8Rows,
        scratch: &mut Vec<f32>,
    ) {
        y.resize(x.len() / matrix.n_in() * matrix.n_out(), 0.0);
        if self.is_exact {
            matrix.forward_exact(&self.team, x, y);
        } else {
            rows.take(&self.team, x, matrix.n_in());
            matrix.forward(self.q8_level, &self.team, rows, y, scratch);
        }
    }

    /// Works out the turns of all positions up to the last one of these.
    fn learn_turns(&mut self, rows: &[Row<'_>]) {
        let n_pairs = self.config.n_turned / 2;
        let needed = rows.iter().map(|row| row.position + 1).max().unwrap_or(0);
        for position in self.turns.len() / n_pairs..needed {
            self.turns.extend((0..n_pairs).map(|pair| {
                let exponent = -2.0 * pair as f64 / self.config.n_turned as f64;
                let angle = position as f64 * f64::from(self.config.rope_base).powf(exponent);
                (angle.cos() as f32, angle.sin() as f32)
            }));
        }
    }

    /// Turns queries and keys by their positions.
    fn turn(&self, qkv: &mut [f32], row_numbers: usize, rows: &[Row<'_>]) {
        let Config { head, n_turned, .. } = self.config;
        let n = self.config.queries() + self.config.keys();
        let parts = rows.iter().zip(qkv.chunks_exact_mut(row_numbers)).collect();
        self.each(parts, |(row, qkv): (&Row<'_>, &mut [f32])| {
            let turns = &self.turns[row.position * n_turned / 2..][..n_turned / 2];
            for head in qkv[..n].chunks_exact_mut(head) {
                for (pair, (cos, sin)) in head.as_chunks_mut::<2>().0.iter_mut().zip(turns) {
                    let [a, b] = *pair;
                    *pair = [a * cos - b * sin, a * sin + b * cos];
                }
            }
        });
    }

    fn attend(
        &self,
        qkv: &[f32],
        row_numbers: usize,
        layer: usize,
        cache: &Cache,
        rows: &[Row<'_>],
        out: &mut Vec<f32>,
    ) {
        let per_row = self.config.queries();
        out.resize(rows.len() * per_row, 0.0);
        // Rows of one sequence that ask together, as many as share a head's pages well.
        let most = (MOST_QUERIES / (self.config.n_heads / self.config.n_kv_heads)).max(1);
        let mut parts = Vec::new();
        let (mut rest, mut first) = (&mut out[..], 0);
        for group in rows.chunk_by(|a, b| a.sequence == b.sequence) {
            for group in group.chunks(most) {
                let part;
                (part, rest) = rest.split_at_mut(group.len() * per_row);
                parts.push((group, &qkv[first * row_numbers..], part));
                first += group.len();
            }
        }
        let n_seen: usize = rows.iter().map(|row| row.position + 1).sum();
        let work = |(group, qkv, out): (&[Row<'_>], &[f32], &mut [f32])| {
            self.attend_group(qkv, row_numbers, layer, cache, group, out);
        };
        // What takes less than asking for help is done alone.
        if n_seen * per_row < 1 << 15 {
            parts.into_iter().for_each(work);
        } else {
            self.team.share(parts, work);
        }
    }

    fn attend_group(
        &self,
        qkv: &[f32],
        row_numbers: usize,
        layer: usize,
        cache: &Cache,
        group: &[Row<'_>],
        out: &mut [f32],
    ) {
        let Config {
            head,
            n_heads,
            n_kv_heads,
            ..
        } = self.config;
        let (sharing, per_row) = (n_heads / n_kv_heads * head, self.config.queries());
        let sees: Vec<usize> = group
            .iter()
            .flat_map(|row| std::iter::repeat_n(row.position + 1, n_heads / n_kv_heads))
            .collect();
        let (mut queries, mut answers) = (Vec::new(), vec![0.0; group.len() * sharing]);
        let mut scores = Vec::new();
        let pages = group[0].pages;
        for kv_head in 0..n_kv_heads {
            queries.clear();
            for qkv in qkv.chunks_exact(row_numbers).take(group.len()) {
                queries.extend_from_slice(&qkv[kv_head * sharing..][..sharing]);
            }
            let asked = Queries {
                queries: &queries,
                width: head,
                sees: &sees,
                scale: 1.0 / (head as f32).sqrt(),
            };
            attend(
                self.level,
                &asked,
                pages.iter().map(|&page| cache.keys(page, layer, kv_head)),
                pages.iter().map(|&page| cache.values(page, layer, kv_head)),
                &mut scores,
                &mut answers,
            );
            for (out, answer) in out
                .chunks_exact_mut(per_row)
                .zip(answers.chunks_exact(sharing))
            {
                out[kv_head * sharing..][..sharing].copy_from_slice(answer);
            }
        }
    }
}

fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}
