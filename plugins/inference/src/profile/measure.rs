//! Measures a model through a port of its own: batches of all sizes and lengths, again and again.

use std::time::{Duration, Instant};

use super::outliers::{median, outliers};
use crate::{
    ask::{Ask, GenerateOptions, Skill},
    input::Input,
    options::PortOptions,
    output::Output,
    port::{Port, ReplicaSetup},
    request::{Refused, Request, RequestError},
};

/// Words that tokenizers of English keep whole.
const WORDS: [&str; 16] = [
    "time", "people", "work", "city", "water", "house", "world", "school", "music", "family",
    "book", "paper", "light", "night", "power", "story",
];
/// Tokens that mark the start and the end of a text.
const N_MARKS: u32 = 2;
/// Samples of sound that count as one token.
const SAMPLES_A_TOKEN: usize = 320;

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Inputs of a batch.
    pub batches: Vec<u32>,
    /// Tokens of each input.
    pub lengths: Vec<u32>,
    /// Tokens that each input is answered with; one 0 where nothing is generated.
    pub outputs: Vec<u32>,
    /// Batches with more tokens than this are left out.
    pub most_tokens: u32,
    /// How often each batch is measured.
    pub n_times: u32,
    /// How often each is run before.
    pub n_warm_up: u32,
    /// How long one may take.
    pub patience: Duration,
}

impl Grid {
    /// What is measured of a model with this skill if nothing else is said.
    pub fn usual(skill: Skill) -> Self {
        let generates = skill == Skill::Generate;
        Self {
            batches: if generates {
                vec![1, 2, 4, 8]
            } else {
                vec![1, 2, 4, 8, 16, 32]
            },
            lengths: match skill {
                Skill::Transcribe => vec![50, 250, 500, 1500],
                _ if generates => vec![16, 64, 256],
                _ => vec![8, 16, 32, 64, 128],
            },
            outputs: if generates { vec![1, 16, 48] } else { vec![0] },
            most_tokens: 1024,
            n_times: 5,
            n_warm_up: 1,
            patience: Duration::from_secs(120),
        }
    }

    fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for &batch in &self.batches {
            for &length in &self.lengths {
                for &output in &self.outputs {
                    let tokens = u64::from(batch) * u64::from(length.max(output));
                    if batch > 0 && (batch == 1 || tokens <= u64::from(self.most_tokens)) {
                        cells.push(Cell::new(batch, length, output));
                    }
                }
            }
        }
        cells
    }
}

/// One kind of batch and how long it took each time.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cell {
    /// Inputs.
    pub batch: u32,
    /// Tokens that each was to have.
    pub length: u32,
    /// Tokens that each was to be answered with.
    pub output: u32,
    /// Tokens of all inputs as the model counts them.
    pub tokens: u64,
    /// Tokens that were generated for all of them.
    pub output_tokens: u64,
    /// How long it took, in seconds, each time.
    pub secs: Vec<f64>,
    /// Which of these lie too far from the others to count.
    pub outliers: Vec<bool>,
}

impl Cell {
    fn new(batch: u32, length: u32, output: u32) -> Self {
        Self {
            batch,
            length,
            output,
            tokens: 0,
            output_tokens: 0,
            secs: Vec::new(),
            outliers: Vec::new(),
        }
    }

    /// The median of what counts, in seconds.
    pub fn median(&self) -> f64 {
        median(&self.kept())
    }

    /// How long it took, in seconds, without outliers.
    pub fn kept(&self) -> Vec<f64> {
        let all = self.secs.iter().zip(&self.outliers);
        all.filter_map(|(secs, out)| (!out).then_some(*secs))
            .collect()
    }

    /// Tokens that were generated in steps after each other, all inputs side by side.
    pub fn n_steps(&self) -> f64 {
        self.output_tokens as f64 / f64::from(self.batch.max(1))
    }

    fn requests(&self, skill: Skill, round: u32) -> Vec<Request> {
        let inputs = (0..self.batch).map(|n| input(skill, self.length, n + 7 * round));
        if skill == Skill::Generate {
            let ask = Ask::Generate(GenerateOptions {
                max_tokens: self.output,
                ..GenerateOptions::default()
            });
            return inputs
                .enumerate()
                .map(|(n, input)| Request::new(n as u64, ask.clone(), vec![input]))
                .collect();
        }
        let ask = match skill {
            Skill::Classify => Ask::Classify,
            Skill::Tag => Ask::Tag,
            Skill::Transcribe => Ask::Transcribe(crate::ask::TranscribeOptions::default()),
            Skill::Embed | Skill::Generate => Ask::Embed,
        };
        vec![Request::new(0, ask, inputs.collect())]
    }
}

/// About so many tokens of input, which differ from `n` to `n` from the start.
fn input(skill: Skill, length: u32, n: u32) -> Input {
    if skill == Skill::Transcribe {
        // Something like vowels: a tone of 140 Hz with overtones that comes and goes.
        let sound = |at: usize| {
            let secs = at as f32 / 16_000.0;
            let tone = |of: f32| (secs * (140.0 + n as f32) * of * std::f32::consts::TAU).sin();
            0.2 * (secs * 4.0).sin().abs() * (tone(1.0) + 0.5 * tone(3.0) + 0.3 * tone(7.0))
        };
        let samples: Vec<f32> = (0..length as usize * SAMPLES_A_TOKEN).map(sound).collect();
        return Input::Audio(samples.into());
    }
    let words = (0..length.saturating_sub(N_MARKS).max(1)).map(|at| {
        let at = at.wrapping_mul(5).wrapping_add(n) as usize;
        WORDS[at % WORDS.len()]
    });
    Input::Text(words.collect::<Vec<_>>().join(" "))
}

/// Why a model cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// The system gives no more threads.
    #[error("no thread for the model: {0}")]
    Thread(#[from] std::io::Error),
    /// A batch was refused.
    #[error("a batch was refused: {0}")]
    Refused(#[from] Refused),
    /// A batch failed.
    #[error("a batch failed: {0}")]
    Failed(#[from] RequestError),
    /// No reply came.
    #[error("no reply came in {0:?}; the model hangs or is far too slow for this grid")]
    Silent(Duration),
    /// The grid has no batch.
    #[error("there is nothing to measure: the grid has no batch")]
    Nothing,
    /// The measured durations are no sum of terms.
    #[error("the durations of {cells:?} kinds of batches cannot be fitted")]
    NoFit {
        /// How many kinds of batches there were.
        cells: usize,
    },
    /// Somebody gave up.
    #[error("the calibration was interrupted")]
    Interrupted,
}

/// Measures each batch of a grid. The whole grid is gone through again and again, so that what else
/// the machine does for a while is spread over all of it. `goes_on` hears of each round, counted from
/// 0, warm-up included, and of how many there are, and ends it all by `false`.
///
/// # Errors
/// [`CalibrateError`].
pub fn measure(
    setup: ReplicaSetup,
    skill: Skill,
    grid: &Grid,
    mut goes_on: impl FnMut(u32, u32) -> bool,
) -> Result<Vec<Cell>, CalibrateError> {
    let mut cells = grid.cells();
    if cells.is_empty() {
        return Err(CalibrateError::Nothing);
    }
    let options = PortOptions {
        // Each batch is one pass, however large.
        max_batch_tokens: u32::MAX,
        queue_bytes: usize::MAX >> 1,
        ..PortOptions::default()
    };
    let port = Port::open(vec![setup], options)?;
    let n_rounds = grid.n_warm_up + grid.n_times.max(1);
    for round in 0..n_rounds {
        for cell in &mut cells {
            if !goes_on(round, n_rounds) {
                return Err(CalibrateError::Interrupted);
            }
            let took = run(&port, cell, skill, round, grid.patience)?;
            if round >= grid.n_warm_up {
                cell.secs.push(took);
            }
        }
    }
    for cell in &mut cells {
        cell.outliers = outliers(&cell.secs);
    }
    Ok(cells)
}

/// Runs one batch and says how long it took: what the model says of a single pass, and the time on
/// the wall from the first request to the last reply of sequences that are generated side by side.
fn run(
    port: &Port,
    cell: &mut Cell,
    skill: Skill,
    round: u32,
    patience: Duration,
) -> Result<f64, CalibrateError> {
    let requests = cell.requests(skill, round);
    let n_requests = requests.len();
    let began = now();
    for request in requests {
        port.submit(0, request)?;
    }
    let (mut tokens, mut output_tokens, mut took) = (0, 0, Duration::ZERO);
    for _ in 0..n_requests {
        let reply = port
            .recv_timeout(patience)
            .ok_or(CalibrateError::Silent(patience))?;
        took = took.max(reply.took);
        let answer = reply.result?;
        tokens += u64::from(answer.tokens);
        output_tokens += answer.outputs.iter().map(n_generated).sum::<u64>();
    }
    if n_requests > 1 || skill == Skill::Generate {
        took = began.elapsed();
    }
    (cell.tokens, cell.output_tokens) = (tokens, output_tokens);
    Ok(took.as_secs_f64())
}

fn n_generated(output: &Output) -> u64 {
    match output {
        Output::Text(text) => text.n_tokens.into(),
        _ => 0,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a model takes is wall time"
)]
fn now() -> Instant {
    Instant::now()
}
