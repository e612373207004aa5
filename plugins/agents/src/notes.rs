//! The notes that the agents share: what was written down of the meeting and what was made of it.

use std::ops::Range;

use bevy::prelude::Resource;
use schedule::{OwnerId, SubtaskId};

use crate::{fact::Quote, text::Sentence};

/// What a subtask is about. Stretches, turns, topics and questions are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Write down the turns of a stretch.
    Transcribe { turns: Range<usize> },
    /// Turn the sentences of a turn into vectors.
    EmbedTurn { turn: usize },
    /// Turn a question into a vector.
    EmbedQuestion { question: usize },
    /// Turn a text that a task brought into a vector.
    EmbedText { text: usize },
    /// Find where topics end, up to the end of a stretch.
    Segment {
        stretch: u32,
        turns: Range<usize>,
        last: bool,
    },
    /// Choose the sentences that carry a topic.
    Summarise { topic: usize },
    /// Name a topic.
    Tag { topic: usize },
    /// Answer a question out of the first so many turns.
    Answer { question: usize, n_turns: usize },
    /// Approve the minutes.
    Approve { by: OwnerId },
    /// Work that takes time and leaves nothing behind.
    Plain,
}

/// What came of a subtask.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// A model answered.
    Embedded {
        version: String,
        vectors: Vec<Vec<f32>>,
    },
    /// The topics that ended in a stretch: their turns.
    Segmented {
        stretch: u32,
        topics: Vec<Range<usize>>,
    },
    /// A topic's sentences.
    Summarised { topic: usize, sentences: Vec<Quote> },
    /// A topic's name.
    Named { topic: usize, name: String },
    /// A question's answer.
    Answered {
        question: usize,
        answer: String,
        cited: Vec<Quote>,
        score: f32,
    },
    /// The minutes are approved.
    Approved { by: OwnerId },
    /// Nothing to tell.
    Quiet,
}

/// One turn as it was written down. A turn without content has no sentences.
#[derive(Clone, Debug, Default)]
pub(crate) struct TurnNotes {
    pub(crate) sentences: Vec<Sentence>,
}

/// All that the agents know of the meeting. Entries are there from the moment their subject is
/// known and are filled as subtasks end.
#[derive(Resource, Debug, Default)]
pub(crate) struct Notes {
    /// What each subtask is about.
    pub(crate) works: Vec<Work>,
    /// What came of subtasks that ended in the step before.
    pub(crate) outcomes: Vec<(SubtaskId, Outcome)>,
    /// Every turn heard.
    pub(crate) turns: Vec<TurnNotes>,
    /// The turns of every topic found.
    pub(crate) topics: Vec<Range<usize>>,
    /// Where the topic that has not ended yet began.
    pub(crate) open_topic: usize,
    /// Every text that a task has brought.
    pub(crate) texts: Vec<String>,
    /// The vector of every question asked.
    pub(crate) questions: Vec<Option<Vec<f32>>>,
}

impl Notes {
    pub(crate) fn work(&self, subtask: SubtaskId) -> &Work {
        &self.works[subtask.index()]
    }

    /// The sentences of some turns that have their vectors.
    pub(crate) fn sentences(&self, turns: Range<usize>) -> Vec<Sentence> {
        self.turns[turns.start.min(self.turns.len())..turns.end.min(self.turns.len())]
            .iter()
            .flat_map(|turn| &turn.sentences)
            .filter(|sentence| !sentence.vector.is_empty())
            .cloned()
            .collect()
    }
}
