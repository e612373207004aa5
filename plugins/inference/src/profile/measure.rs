//! Measures a model through a port of its own: batches of all sizes and lengths, again and again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    knee::token_budget,
    outliers::{median, outliers},
};
use crate::{
    ask::{Ask, GenerateOptions, Skill},
    input::Input,
    options::PortOptions,
    output::Output,
    port::{Port, ReplicaSetup},
    request::{Refused, Request, RequestError},
    wav::SAMPLE_RATE,
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
    /// Replicas that share the machine as those of a run do; at least 1. Each batch is measured on one of
    /// them while the others rest, and on all of them at once.
    pub replicas: u32,
    /// Sound at 16 kHz that is written down, from its start again when it is over; a tone that holds no
    /// words if there is none.
    pub sound: Option<Arc<[f32]>>,
    /// How long one may take.
    pub patience: Duration,
}

impl Grid {
    /// What is measured of a model with this skill if nothing else is said.
    pub fn usual(skill: Skill) -> Self {
        let generates = skill == Skill::Generate;
        Self {
            batches: match skill {
                Skill::Transcribe => vec![1, 2, 4],
                _ if generates => vec![1, 2, 4, 8],
                _ => vec![1, 2, 4, 8, 16, 32],
            },
            lengths: match skill {
                Skill::Transcribe => vec![50, 250, 500, 1500],
                _ if generates => vec![16, 64, 256],
                _ => vec![8, 16, 32, 64, 128],
            },
            outputs: if generates { vec![1, 16, 48] } else { vec![0] },
            most_tokens: 2048,
            n_times: 5,
            n_warm_up: 1,
            replicas: 1,
            sound: None,
            patience: Duration::from_secs(120),
        }
    }

    /// A smaller grid, for a first impression.
    pub fn quick(skill: Skill) -> Self {
        let usual = Self::usual(skill);
        let generates = skill == Skill::Generate;
        Self {
            batches: vec![1, 4, 16],
            lengths: match skill {
                Skill::Transcribe => vec![50, 500],
                _ if generates => vec![16, 64],
                _ => vec![8, 32, 128],
            },
            outputs: if generates { vec![1, 16] } else { vec![0] },
            most_tokens: 512,
            n_times: 3,
            ..usual
        }
    }

    fn cells(&self) -> Vec<Cell> {
        let mut at_once = vec![1, self.replicas.max(1)];
        at_once.dedup();
        let mut cells = Vec::new();
        for &batch in &self.batches {
            for &length in &self.lengths {
                for &output in &self.outputs {
                    let tokens = u64::from(batch) * u64::from(length.max(output));
                    if batch > 0 && (batch == 1 || tokens <= u64::from(self.most_tokens)) {
                        let cell = |n| Cell::new(batch, length, output, n);
                        cells.extend(at_once.iter().copied().map(cell));
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
    /// Replicas that ran such a batch at the same time.
    pub at_once: u32,
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
    fn new(batch: u32, length: u32, output: u32, at_once: u32) -> Self {
        Self {
            batch,
            length,
            output,
            at_once,
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

    /// The requests of the batch; `first` numbers its inputs, no two of which are ever the same: models
    /// that generate remember how their inputs began.
    fn requests(&self, skill: Skill, grid: &Grid, first: u32) -> Vec<Request> {
        let input = |n| match skill {
            Skill::Transcribe => sound(grid.sound.as_deref(), self.length),
            _ => text(self.length, first + n),
        };
        let inputs = (0..self.batch).map(input);
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

/// About so many tokens of text, which differ from `n` to `n` in the first five words.
fn text(length: u32, n: u32) -> Input {
    let words = (0..length.saturating_sub(N_MARKS).max(1)).map(|at| {
        let at = match at {
            0..5 => n >> (4 * at),
            _ => at.wrapping_mul(5).wrapping_add(n),
        };
        WORDS[at as usize % WORDS.len()]
    });
    Input::Text(words.collect::<Vec<_>>().join(" "))
}

/// As much sound as so many tokens hold. It is always the same, since what a model makes of a sound
/// decides how long it takes.
fn sound(given: Option<&[f32]>, length: u32) -> Input {
    let n_samples = length as usize * SAMPLES_A_TOKEN;
    let samples: Vec<f32> = match given {
        Some(given) => given.iter().copied().cycle().take(n_samples).collect(),
        None => (0..n_samples).map(tone).collect(),
    };
    Input::Audio(samples.into())
}

/// Something like vowels: 140 Hz with overtones, coming and going. Words there are none in it, so that
/// writing them down comes on top.
fn tone(at: usize) -> f32 {
    let secs = at as f32 / SAMPLE_RATE as f32;
    let tone = |of: f32| (secs * 140.0 * of * std::f32::consts::TAU).sin();
    0.2 * (secs * 4.0).sin().abs() * (tone(1.0) + 0.5 * tone(3.0) + 0.3 * tone(7.0))
}

/// What was measured of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Each kind of batch.
    pub cells: Vec<Cell>,
    /// Tokens of a pass from which on larger ones are hardly faster a token. Batches with more were
    /// measured in passes of so many, as runs give them.
    pub token_budget: u32,
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

/// Measures each batch of a grid, of replicas that `make` names and makes: round by round, as many as
/// the grid says, after those to warm up. First each batch is one pass, which tells from what size on
/// larger passes gain nothing; what is larger than that is then measured once more in passes of that
/// size. `goes_on` hears of each round, counted from 0, warm-up included, and of how many there are,
/// and ends it all by `false`.
///
/// # Errors
/// [`CalibrateError`].
pub fn measure(
    make: impl Fn(String) -> ReplicaSetup,
    skill: Skill,
    grid: &Grid,
    mut goes_on: impl FnMut(u32, u32) -> bool,
) -> Result<Measured, CalibrateError> {
    let mut meter = Meter::open(make, skill, grid)?;
    let n_times = grid.n_times.max(1);
    let n_first = grid.n_warm_up + n_times;
    let n_rounds = n_first + n_times;
    for round in 0..n_first {
        meter.round(|| goes_on(round, n_rounds))?;
    }
    // What is generated goes side by side in steps, not in passes.
    if skill != Skill::Generate {
        meter.pass_at_most(meter.measured().token_budget);
    }
    for round in n_first..n_rounds {
        meter.large_ones(|| goes_on(round, n_rounds))?;
    }
    Ok(meter.measured())
}

/// Measures the batches of a grid round by round, so that what else the machine does for a while is
/// spread over all of them, and over whatever else is done between rounds.
#[derive(Debug)]
pub struct Meter {
    port: Port,
    skill: Skill,
    grid: Grid,
    cells: Vec<Cell>,
    /// 0 as long as each batch is one pass.
    token_budget: u32,
    n_rounds: u32,
    n_inputs: u32,
}

impl Meter {
    /// A meter with replicas of its own, which `make` names and makes.
    ///
    /// # Errors
    /// [`CalibrateError::Nothing`] and [`CalibrateError::Thread`].
    pub fn open(
        make: impl Fn(String) -> ReplicaSetup,
        skill: Skill,
        grid: &Grid,
    ) -> Result<Self, CalibrateError> {
        let cells = grid.cells();
        if cells.is_empty() {
            return Err(CalibrateError::Nothing);
        }
        let options = PortOptions {
            // Each batch is one pass, however large.
            max_batch_tokens: u32::MAX,
            queue_bytes: usize::MAX >> 1,
            ..PortOptions::default()
        };
        let replicas = 1..=grid.replicas.max(1);
        let setups = replicas.map(|n| make(format!("calibrate {n}")));
        Ok(Self {
            port: Port::open(setups.collect(), options)?,
            skill,
            grid: grid.clone(),
            cells,
            token_budget: 0,
            n_rounds: 0,
            n_inputs: 0,
        })
    }

    /// Measures each batch once more; the first rounds, as many as the grid says, only warm up.
    /// `goes_on` is asked before each batch.
    ///
    /// # Errors
    /// [`CalibrateError`].
    pub fn round(&mut self, goes_on: impl FnMut() -> bool) -> Result<(), CalibrateError> {
        let counts = self.n_rounds >= self.grid.n_warm_up;
        self.n_rounds += 1;
        self.go(|_| true, counts, goes_on)
    }

    /// From now on, batches with more than so many tokens go in passes of so many, as runs give them, and
    /// what was measured of them before does not count. With 0, nothing changes.
    pub fn pass_at_most(&mut self, tokens: u32) {
        if tokens == 0 {
            return;
        }
        self.token_budget = tokens;
        for replica in 0..self.port.n_replicas() {
            self.port.set_max_batch_tokens(replica, tokens);
        }
        for cell in &mut self.cells {
            if cell.tokens > tokens.into() {
                cell.secs.clear();
            }
        }
    }

    /// Measures once more what goes in more than one pass.
    fn large_ones(&mut self, goes_on: impl FnMut() -> bool) -> Result<(), CalibrateError> {
        let budget = self.token_budget;
        self.go(
            |cell| budget > 0 && cell.tokens > budget.into(),
            true,
            goes_on,
        )
    }

    fn go(
        &mut self,
        is_in: impl Fn(&Cell) -> bool,
        counts: bool,
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<(), CalibrateError> {
        for cell in self.cells.iter_mut().filter(|cell| is_in(cell)) {
            if !goes_on() {
                return Err(CalibrateError::Interrupted);
            }
            let requests = cell.requests(self.skill, &self.grid, self.n_inputs);
            self.n_inputs += cell.batch;
            let took = run(&self.port, cell, &requests, self.grid.patience)?;
            if counts {
                cell.secs.extend(took);
            }
        }
        Ok(())
    }

    /// What was measured so far, outliers marked.
    pub fn measured(&self) -> Measured {
        let mut cells = self.cells.clone();
        for cell in &mut cells {
            cell.outliers = outliers(&cell.secs);
        }
        let token_budget = match self.token_budget {
            0 => token_budget(&cells),
            settled => settled,
        };
        Measured {
            cells,
            token_budget,
        }
    }
}

/// Runs one batch on as many replicas at once as the cell says, and says how long it took each: what
/// the model says of a single pass, and the time on the wall from the first request to the last reply
/// of sequences that are generated side by side.
fn run(
    port: &Port,
    cell: &mut Cell,
    requests: &[Request],
    patience: Duration,
) -> Result<Vec<f64>, CalibrateError> {
    let n_replicas = cell.at_once as usize;
    let generates = |request: &Request| request.ask.skill() == Skill::Generate;
    let is_single = requests.len() == 1 && !requests.iter().any(generates);
    let began = now();
    for replica in 0..n_replicas {
        for request in requests.iter().cloned() {
            let key = replica as u64;
            port.submit(replica, Request { key, ..request })?;
        }
    }
    let (mut tokens, mut output_tokens) = (0, 0);
    let mut took = vec![Duration::ZERO; n_replicas];
    for _ in 0..n_replicas * requests.len() {
        let reply = port
            .recv_timeout(patience)
            .ok_or(CalibrateError::Silent(patience))?;
        // The last reply counts, of each replica.
        took[reply.key as usize] = match is_single {
            true => reply.took,
            false => began.elapsed(),
        };
        let answer = reply.result?;
        tokens += u64::from(answer.tokens);
        output_tokens += answer.outputs.iter().map(n_generated).sum::<u64>();
    }
    (cell.tokens, cell.output_tokens) = (
        tokens / n_replicas as u64,
        output_tokens / n_replicas as u64,
    );
    Ok(took.iter().map(Duration::as_secs_f64).collect())
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
