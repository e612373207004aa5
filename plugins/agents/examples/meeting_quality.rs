//! Measures how well topics are found and questions answered on meetings with known answers.
//!
//! `cargo run --release -p agents --example meeting_quality -- FOLDER [MODEL] [odd]` reads every JSON
//! file of `QMSum` in the folder (<https://github.com/Yale-LILY/QMSum>), or every second one from the
//! second on, and prints means over all of them, with the vectors of a model of the store;
//! `static-minilm` if none is named.

use std::{
    error::Error,
    fs,
    io::{Write, stdout},
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use agents::{
    Transcript,
    text::{self, AnswerOptions, SegmentOptions, Sentence},
};
use inference::{Ask, Backend, Catalog, DeviceChoice, Input, Output, Store, StoreOptions};
use serde::Deserialize;

/// The words that a minute has in a transcript without times.
const WORDS_PER_MINUTE: f64 = 150.0;
/// How many sentences a meeting says between two looks for topics, when it is cut as it goes on.
const STRETCH_TURNS: usize = 40;
/// Texts of one pass through the model.
const TEXTS_A_PASS: usize = 32;

/// The part of a `QMSum` file that says what is right.
#[derive(Deserialize)]
struct GoldSpec {
    topic_list: Vec<SpanSpec>,
    specific_query_list: Vec<SpanSpec>,
}

#[derive(Deserialize)]
struct SpanSpec {
    #[serde(default)]
    query: String,
    relevant_text_span: Vec<(String, String)>,
}

impl SpanSpec {
    /// First and last turn of each span.
    fn spans(&self) -> Vec<(usize, usize)> {
        let turn = |text: &str| text.trim().parse::<usize>().ok();
        self.relevant_text_span
            .iter()
            .filter_map(|(a, b)| Some((turn(a)?, turn(b)?)))
            .collect()
    }
}

/// A meeting, its vectors and what is right about it.
struct Meeting {
    n_turns: usize,
    sentences: Vec<Sentence>,
    turn_vectors: Vec<Vec<f32>>,
    turn_words: Vec<f32>,
    gold: GoldSpec,
    /// The vectors of its questions.
    asked: Vec<Vec<f32>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    // Models from outside run in children of this program.
    inference::serve_if_child();
    let mut args = std::env::args().skip(1).peekable();
    let folder = args.next().ok_or("give a folder of QMSum JSON files")?;
    let model = args
        .next_if(|arg| arg != "odd")
        .unwrap_or_else(|| "static-minilm".to_owned());
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    if args.next().is_some() {
        paths = paths.into_iter().skip(1).step_by(2).collect();
    }
    let mut model = load(&model)?;
    let meetings = paths
        .iter()
        .map(|path| read(path, &mut *model))
        .collect::<Result<Vec<_>, _>>()?;
    let n_sentences: usize = meetings.iter().map(|meeting| meeting.sentences.len()).sum();
    let mut out = stdout().lock();
    writeln!(
        out,
        "{} meetings, {n_sentences} sentences, vectors: {}",
        meetings.len(),
        model.version()
    )?;
    measure_topics(&meetings, &mut out)?;
    measure_answers(&meetings, &mut out)?;
    measure_vectors(&meetings, &mut out)?;
    Ok(())
}

fn load(name: &str) -> Result<Box<dyn Backend>, Box<dyn Error>> {
    let store = Store::new(Catalog::built_in(), StoreOptions::from_env()?);
    let never = AtomicBool::new(false);
    let model = store.load(name, DeviceChoice::Cpu, &mut |_| {}, &never)?;
    Ok(model.backend()?)
}

fn embed(texts: &[String], model: &mut dyn Backend) -> Result<Vec<Vec<f32>>, Box<dyn Error>> {
    let mut vectors = Vec::with_capacity(texts.len());
    for texts in texts.chunks(TEXTS_A_PASS) {
        let inputs: Vec<Input> = texts.iter().map(|text| text.as_str().into()).collect();
        let outputs = model.answer_inputs(&Ask::Embed, &inputs)?;
        vectors.extend(outputs.into_iter().filter_map(Output::embedding));
    }
    Ok(vectors)
}

fn read(path: &Path, model: &mut dyn Backend) -> Result<Meeting, Box<dyn Error>> {
    let transcript = Transcript::read(path, WORDS_PER_MINUTE)?;
    let gold: GoldSpec = serde_json::from_slice(&fs::read(path)?)?;
    let mut sentences = Vec::new();
    let mut turn_vectors = Vec::new();
    let mut turn_words = Vec::new();
    for (turn, said) in transcript.turns.iter().enumerate() {
        let first = sentences.len();
        let texts = text::sentences(&text::clean(&said.text));
        let vectors = embed(&texts, model)?;
        for (text, vector) in texts.into_iter().zip(vectors) {
            sentences.push(Sentence {
                turn: turn as u32,
                speaker: said.speaker.clone(),
                text,
                vector,
            });
        }
        let own = &sentences[first..];
        let vectors: Vec<&[f32]> = own
            .iter()
            .map(|sentence| sentence.vector.as_slice())
            .collect();
        let weights: Vec<f32> = own.iter().map(|s| text::n_words(&s.text) as f32).collect();
        turn_vectors.push(text::mean_vector(&vectors, &weights));
        turn_words.push(weights.iter().sum());
    }
    let questions: Vec<String> = gold
        .specific_query_list
        .iter()
        .map(|asked| asked.query.clone())
        .collect();
    Ok(Meeting {
        n_turns: transcript.turns.len(),
        asked: embed(&questions, model)?,
        sentences,
        turn_vectors,
        turn_words,
        gold,
    })
}

/// Compares boundaries with those of the people who read the meetings, and both with an even cut.
fn measure_topics(meetings: &[Meeting], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let names = [
        "ours",
        "ours, as it goes on",
        "even, our number",
        "ours, right number",
        "even, right number",
        "no boundary",
    ];
    let mut rows = names.map(|name| (name, 0.0, 0.0, 0));
    for meeting in meetings {
        let gold = gold_boundaries(meeting);
        let n_words = meeting.turn_words.iter().sum::<f32>() as usize;
        let options = SegmentOptions::for_meeting(n_words);
        let right_number = cut_into(meeting, gold.len() + 1);
        let ours = text::boundaries(&meeting.turn_vectors, &meeting.turn_words, &options);
        let going_on = boundaries_as_it_goes_on(meeting);
        let even = |n: usize| {
            (1..=n)
                .map(|i| i * meeting.n_turns / (n + 1))
                .collect::<Vec<_>>()
        };
        let cuts = [
            ours.clone(),
            going_on,
            even(ours.len()),
            right_number,
            even(gold.len()),
            Vec::new(),
        ];
        for (row, cut) in rows.iter_mut().zip(&cuts) {
            let (pk, window_diff) = segmentation_errors(cut, &gold, meeting.n_turns);
            row.1 += pk / meetings.len() as f64;
            row.2 += window_diff / meetings.len() as f64;
            row.3 += cut.len() + 1;
        }
    }
    writeln!(
        out,
        "topics                Pk     WindowDiff  topics per meeting"
    )?;
    for (name, pk, window_diff, n_topics) in rows {
        let n_topics = n_topics as f64 / meetings.len() as f64;
        writeln!(
            out,
            "{name:<20}  {pk:.3}  {window_diff:.3}       {n_topics:.1}"
        )?;
    }
    Ok(())
}

/// Where topics start or end by the file, less those within two turns of the one before.
fn gold_boundaries(meeting: &Meeting) -> Vec<usize> {
    let mut cuts: Vec<usize> = Vec::new();
    for (first, last) in meeting.gold.topic_list.iter().flat_map(SpanSpec::spans) {
        cuts.extend([first, last + 1]);
    }
    cuts.sort_unstable();
    let mut kept: Vec<usize> = Vec::new();
    for cut in cuts {
        let is_apart = kept.last().is_none_or(|before| cut > before + 2);
        if is_apart && cut > 2 && cut + 2 < meeting.n_turns {
            kept.push(cut);
        }
    }
    kept
}

/// Our boundaries when the number of topics is given: the price of a topic that comes nearest to it.
fn cut_into(meeting: &Meeting, n_topics: usize) -> Vec<usize> {
    let n_words = meeting.turn_words.iter().sum::<f32>();
    let mut options = SegmentOptions::for_meeting(n_words as usize);
    options.target_words = n_words / n_topics as f32;
    options.min_words = options.target_words * 0.2;
    let mut nearest = Vec::new();
    for step in 0..24 {
        options.topic_price = 0.25 * 1.3_f32.powi(step);
        let cuts = text::boundaries(&meeting.turn_vectors, &meeting.turn_words, &options);
        if (cuts.len() + 1).abs_diff(n_topics) <= (nearest.len() + 1_usize).abs_diff(n_topics) {
            nearest = cuts;
        }
    }
    nearest
}

/// Cuts the open topic and each new stretch, as the agents do while people speak.
fn boundaries_as_it_goes_on(meeting: &Meeting) -> Vec<usize> {
    let n_words = meeting.turn_words.iter().sum::<f32>() as usize;
    let options = SegmentOptions::for_meeting(n_words);
    let mut cuts = Vec::new();
    let mut open = 0;
    let mut end = 0;
    while end < meeting.n_turns {
        end = (end + STRETCH_TURNS).min(meeting.n_turns);
        let found = text::boundaries(
            &meeting.turn_vectors[open..end],
            &meeting.turn_words[open..end],
            &options,
        );
        cuts.extend(found.iter().map(|at| open + at));
        open = cuts.last().copied().unwrap_or(0);
    }
    cuts
}

/// Pk of Beeferman, Berger, Lafferty (1999) and `WindowDiff` of Pevzner and Hearst (2002): the share
/// of windows, half a right topic wide, whose ends are wrongly together or apart, or which hold
/// a wrong number of boundaries.
fn segmentation_errors(cut: &[usize], gold: &[usize], n_turns: usize) -> (f64, f64) {
    let width = (n_turns / (2 * (gold.len() + 1))).max(2);
    let count = |cuts: &[usize], from: usize| {
        cuts.iter()
            .filter(|&&at| at > from && at <= from + width)
            .count()
    };
    let n_windows = n_turns.saturating_sub(width).max(1);
    let (mut n_pk, mut n_diff) = (0, 0);
    for from in 0..n_windows {
        let (ours, right) = (count(cut, from), count(gold, from));
        n_pk += usize::from((ours == 0) != (right == 0));
        n_diff += usize::from(ours != right);
    }
    (
        n_pk as f64 / n_windows as f64,
        n_diff as f64 / n_windows as f64,
    )
}

/// Counts how often the right turns are found for a question, and how often a question about
/// another meeting gets no answer.
fn measure_answers(meetings: &[Meeting], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (mut n_asked, mut first, mut five, mut by_chance, mut answered) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let (mut n_foreign, mut refused) = (0.0, 0.0);
    let options = AnswerOptions::default();
    for (index, meeting) in meetings.iter().enumerate() {
        for (gold, vector) in meeting.gold.specific_query_list.iter().zip(&meeting.asked) {
            let spans = gold.spans();
            let is_right = |turn: u32| {
                spans
                    .iter()
                    .any(|(a, b)| (*a..=*b).contains(&(turn as usize)))
            };
            let hits = text::retrieve(&gold.query, vector, &meeting.sentences);
            let mut turns: Vec<u32> = Vec::new();
            for hit in &hits {
                let turn = meeting.sentences[hit.sentence].turn;
                if !turns.contains(&turn) && turns.len() < 5 {
                    turns.push(turn);
                }
            }
            n_asked += 1.0;
            first += f64::from(u8::from(turns.first().is_some_and(|turn| is_right(*turn))));
            five += f64::from(u8::from(turns.iter().any(|turn| is_right(*turn))));
            by_chance += (0..meeting.n_turns as u32)
                .filter(|turn| is_right(*turn))
                .count() as f64
                / meeting.n_turns as f64;
            let reply = text::answer(&gold.query, &hits, &meeting.sentences, &options);
            answered += f64::from(u8::from(!reply.text.is_empty()));
            // Half way round the list lies a meeting of another kind.
            let other = &meetings[(index + meetings.len() / 2) % meetings.len()];
            let hits = text::retrieve(&gold.query, vector, &other.sentences);
            let reply = text::answer(&gold.query, &hits, &other.sentences, &options);
            n_foreign += 1.0;
            refused += f64::from(u8::from(reply.text.is_empty()));
        }
    }
    let percent = |n: f64, of: f64| 100.0 * n / of;
    writeln!(out, "questions: {n_asked}")?;
    writeln!(
        out,
        "best turn is right    {:.1} %",
        percent(first, n_asked)
    )?;
    writeln!(out, "one of five is right  {:.1} %", percent(five, n_asked))?;
    writeln!(
        out,
        "a random turn         {:.1} %",
        percent(by_chance, n_asked)
    )?;
    writeln!(
        out,
        "answered              {:.1} %",
        percent(answered, n_asked)
    )?;
    writeln!(
        out,
        "foreign refused       {:.1} %",
        percent(refused, n_foreign)
    )?;
    Ok(())
}

/// Counts how often the sentences whose vectors alone are nearest to that of a question lie in the
/// turns that answer it.
fn measure_vectors(meetings: &[Meeting], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    const N_NEAREST: usize = 3;
    let (mut n_asked, mut first, mut one) = (0_u32, 0, 0);
    for meeting in meetings {
        let questions = meeting.gold.specific_query_list.iter();
        for (gold, asked) in questions.zip(&meeting.asked) {
            let spans = gold.spans();
            let cosine = |sentence: &Sentence| -> f32 {
                let products = sentence.vector.iter().zip(asked).map(|(a, b)| a * b);
                products.sum()
            };
            let mut order: Vec<(f32, u32)> = meeting
                .sentences
                .iter()
                .map(|sentence| (cosine(sentence), sentence.turn))
                .collect();
            order.sort_by(|a, b| b.0.total_cmp(&a.0));
            let is_right = |(_, turn): &(f32, u32)| {
                let turn = *turn as usize;
                spans.iter().any(|(a, b)| (*a..=*b).contains(&turn))
            };
            n_asked += 1;
            first += usize::from(order.iter().take(1).any(is_right));
            one += usize::from(order.iter().take(N_NEAREST).any(is_right));
        }
    }
    let percent = |n: usize| 100.0 * n as f64 / f64::from(n_asked.max(1));
    writeln!(out, "by vectors alone, of {n_asked} questions")?;
    writeln!(out, "nearest sentence      {:.1} %", percent(first))?;
    writeln!(out, "one of three nearest  {:.1} %", percent(one))?;
    Ok(())
}
