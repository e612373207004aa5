//! What the agents state: what was said and asked, what they found, answered and approved.

use schedule::{OwnerId, ResourceId, SubtaskId};
use serde::{Deserialize, Serialize};

use crate::replicas::Intervention;

/// One thing that agents perceived or brought forth. Turns, topics, stretches and questions are
/// counted from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AgentFact {
    /// An agent is in the scene; stated once for each at the start.
    AgentJoined {
        /// Its number.
        agent: OwnerId,
        /// Its name.
        name: String,
        /// What it is there for.
        role: String,
    },
    /// Somebody in the meeting said something.
    TurnSpoken {
        /// Its number.
        turn: u32,
        /// Who.
        speaker: String,
        /// What.
        text: String,
    },
    /// A stretch of the meeting is complete and its minutes can be begun.
    StretchClosed {
        /// Its number.
        stretch: u32,
        /// Its first turn.
        first_turn: u32,
        /// Its last turn.
        last_turn: u32,
    },
    /// Somebody asked a question about the meeting.
    QuestionAsked {
        /// Its number.
        question: u32,
        /// Which agent asked; `None`: the person at the keyboard.
        by: Option<OwnerId>,
        /// What.
        text: String,
    },
    /// A scripted line.
    Said {
        /// Which agent.
        agent: OwnerId,
        /// What.
        text: String,
    },
    /// A model answered.
    OutputGiven {
        /// The subtask it was asked for.
        subtask: SubtaskId,
        /// The version of the model, which says exactly which weights.
        version: String,
        /// The vectors, one for each input: little-endian f32 in base64, concatenated.
        vectors: String,
        /// The length of one vector.
        width: u32,
    },
    /// A topic of the meeting was found.
    TopicFound {
        /// Its number.
        topic: u32,
        /// Its first turn.
        first_turn: u32,
        /// Its last turn.
        last_turn: u32,
    },
    /// The sentences that carry a topic, in the order in which they were said.
    TopicSummarised {
        /// Which.
        topic: u32,
        /// The sentences.
        sentences: Vec<Quote>,
    },
    /// A topic got its name.
    TopicNamed {
        /// Which.
        topic: u32,
        /// Its name.
        name: String,
    },
    /// A question was answered out of the meeting.
    QuestionAnswered {
        /// Which.
        question: u32,
        /// The answer; empty if the meeting does not hold one.
        answer: String,
        /// What it rests on, best first.
        cited: Vec<Quote>,
        /// How sure the answer is: the similarity of question and best citation, from -1 to 1.
        score: f32,
    },
    /// The person at the keyboard did something to a replica, so that this run cannot be repeated.
    Intervened {
        /// Which resource it is.
        resource: ResourceId,
        /// What.
        what: Intervention,
    },
    /// A replica serves that did not, or another model has taken over there.
    ReplicaServes {
        /// Which resource it is.
        resource: ResourceId,
        /// The version that answers from now on.
        version: String,
    },
    /// A replica is out of order, and nobody wanted that.
    ReplicaLost {
        /// Which resource it is.
        resource: ResourceId,
        /// What ended it.
        reason: String,
    },
    /// The model that was to take over could not be made; all stays as it was.
    LoadFailed {
        /// Which resource it was for.
        resource: ResourceId,
        /// What went wrong.
        reason: String,
    },
    /// The minutes were approved.
    MinutesApproved {
        /// By which agent.
        agent: OwnerId,
    },
}

/// A sentence out of the meeting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// The turn it belongs to.
    pub turn: u32,
    /// Who said it.
    pub speaker: String,
    /// The sentence.
    pub text: String,
    /// How well it fits what it was chosen for; larger is better.
    pub score: f32,
}
