//! Does what agents do with their own heads: write down, find topics, choose sentences, name, answer.

use std::ops::Range;

use schedule::SubtaskId;

use crate::{
    fact::Quote,
    hear::Hearing,
    notes::{Notes, Outcome, TurnNotes, Work},
    text::{self, AnswerOptions, SegmentOptions, Sentence, TopicWords, clean},
};

/// Sentences that carry a topic: one for so many words of it, within limits.
const WORDS_PER_SENTENCE: usize = 80;
const SENTENCES: (usize, usize) = (2, 5);

/// Does a subtask. If `silent`, nothing has outputs: each stretch then counts as one topic.
///
/// # Errors
/// What is missing, where something needed before is.
pub(crate) fn perform(
    subtask: SubtaskId,
    notes: &mut Notes,
    hearing: &Hearing,
    silent: bool,
) -> Result<Outcome, String> {
    let work = notes.work(subtask).clone();
    if silent {
        return Ok(match work {
            Work::Segment { stretch, turns, .. } => Outcome::Segmented {
                stretch,
                topics: vec![turns],
            },
            _ => Outcome::Quiet,
        });
    }
    Ok(match work {
        Work::Transcribe { turns } => {
            turns.for_each(|turn| notes.write_down(turn, hearing));
            Outcome::Quiet
        }
        Work::Segment {
            stretch,
            turns,
            last,
        } => {
            let topics = segment(notes, hearing, turns.end, last);
            Outcome::Segmented { stretch, topics }
        }
        Work::Summarise { topic } => Outcome::Summarised {
            topic,
            sentences: summarise(notes, &notes.topics[topic]),
        },
        Work::Tag { topic } => Outcome::Named {
            topic,
            name: name(notes, hearing, topic),
        },
        Work::Answer { question, n_turns } => answer(notes, hearing, question, n_turns)?,
        Work::Approve { by } => Outcome::Approved { by },
        Work::EmbedTurn { .. }
        | Work::EmbedQuestion { .. }
        | Work::EmbedText { .. }
        | Work::Plain => Outcome::Quiet,
    })
}

impl Notes {
    /// Writes the sentences of a turn down, once.
    pub(crate) fn write_down(&mut self, turn: usize, hearing: &Hearing) {
        if !self.turns[turn].sentences.is_empty() {
            return;
        }
        let said = &hearing.turns[turn];
        let cleaned = clean(&said.text);
        if text::is_content(&cleaned) {
            let sentence = |text| Sentence {
                turn: turn as u32,
                speaker: said.speaker.clone(),
                text,
                vector: Vec::new(),
            };
            let sentences = text::sentences(&cleaned)
                .into_iter()
                .map(sentence)
                .collect();
            self.turns[turn] = TurnNotes { sentences };
        }
    }
}

/// The topics that have ended among the turns from the open topic up to `end`.
fn segment(notes: &mut Notes, hearing: &Hearing, end: usize, last: bool) -> Vec<Range<usize>> {
    let first = notes.open_topic;
    let turns = &notes.turns[first..end];
    let weights: Vec<f32> = turns
        .iter()
        .map(|turn| n_words(&turn.sentences) as f32)
        .collect();
    let vectors: Vec<Vec<f32>> = turns.iter().map(turn_vector).collect();
    let planned_words = hearing
        .turns
        .iter()
        .map(|turn| text::n_words(&turn.text))
        .sum();
    let options = SegmentOptions::for_meeting(planned_words);
    let starts = text::boundaries(&vectors, &weights, &options);
    let mut topics = Vec::new();
    for start in starts.into_iter().map(|start| first + start) {
        topics.push(notes.open_topic..start);
        notes.open_topic = start;
    }
    if last {
        topics.push(notes.open_topic..end);
        notes.open_topic = end;
    }
    topics
}

fn turn_vector(turn: &TurnNotes) -> Vec<f32> {
    let sentences: Vec<_> = turn
        .sentences
        .iter()
        .filter(|s| !s.vector.is_empty())
        .collect();
    let vectors: Vec<&[f32]> = sentences.iter().map(|s| s.vector.as_slice()).collect();
    let weights: Vec<f32> = sentences
        .iter()
        .map(|s| text::n_words(&s.text) as f32)
        .collect();
    text::mean_vector(&vectors, &weights)
}

fn n_words(sentences: &[Sentence]) -> usize {
    sentences
        .iter()
        .map(|sentence| text::n_words(&sentence.text))
        .sum()
}

fn summarise(notes: &Notes, turns: &Range<usize>) -> Vec<Quote> {
    let sentences = notes.sentences(turns.clone());
    let vectors: Vec<&[f32]> = sentences.iter().map(|s| s.vector.as_slice()).collect();
    let scores = text::centrality(&vectors);
    let n = (n_words(&sentences) / WORDS_PER_SENTENCE).clamp(SENTENCES.0, SENTENCES.1);
    text::choose(&sentences, &scores, n)
        .into_iter()
        .map(|index| {
            let Sentence {
                turn,
                speaker,
                text,
                ..
            } = sentences[index].clone();
            Quote {
                turn,
                speaker,
                text,
                score: scores[index],
            }
        })
        .collect()
}

fn name(notes: &Notes, hearing: &Hearing, topic: usize) -> String {
    let words = |turns: Range<usize>| {
        let mut words = TopicWords::default();
        notes.turns[turns]
            .iter()
            .flat_map(|turn| &turn.sentences)
            .for_each(|s| words.add(&s.text));
        words
    };
    let mut speakers: Vec<&str> = hearing
        .turns
        .iter()
        .map(|turn| turn.speaker.as_str())
        .collect();
    speakers.sort_unstable();
    speakers.dedup();
    let name = text::name_topic(
        &words(notes.topics[topic].clone()),
        &words(0..notes.turns.len()),
        &speakers,
    );
    if name.is_empty() {
        format!("Topic {}", topic + 1)
    } else {
        name
    }
}

fn answer(
    notes: &Notes,
    hearing: &Hearing,
    question: usize,
    n_turns: usize,
) -> Result<Outcome, String> {
    let vector = notes.questions[question]
        .as_ref()
        .ok_or("the question has no vector")?;
    let sentences = notes.sentences(0..n_turns);
    let asked = &hearing.questions[question];
    let hits = text::retrieve(asked, vector, &sentences);
    let reply = text::answer(asked, &hits, &sentences, &AnswerOptions::default());
    Ok(Outcome::Answered {
        question,
        answer: reply.text,
        cited: reply.cited,
        score: reply.score,
    })
}
