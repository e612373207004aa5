//! Folds what the agents state into the minutes of a meeting.

use std::collections::BTreeMap;

use agents::{AgentFact, Quote};
use schedule::OwnerId;
use serde::{Deserialize, Serialize};
use sim::{SimSpan, SimTime};

use crate::run::Run;

/// The minutes of a meeting: who spoke, which topics came up, what was asked and answered.
///
/// Serialised they are the file `minutes.json`; there, too, turns, topics and questions are counted
/// from 0 as in the journal, instants and spans are nanoseconds of simulated time, and scores are
/// as the models gave them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Minutes {
    /// What the meeting is called: its transcript's name, or else the scene's.
    pub title: String,
    /// When the first turn was spoken.
    pub began: Option<SimTime>,
    /// When the last turn was spoken.
    pub ended: Option<SimTime>,
    /// How many turns were spoken.
    pub turns: u32,
    /// The agents that took part, in the order in which they joined.
    pub agents: Vec<Attendee>,
    /// Who spoke, in the order of first turns.
    pub speakers: Vec<Speaker>,
    /// What was talked about, by number.
    pub topics: BTreeMap<u32, Topic>,
    /// What was asked, by number.
    pub questions: BTreeMap<u32, Question>,
    /// Who approved the minutes, and when.
    pub approval: Option<Approval>,
    /// The versions of the models that answered, in the order of first answers.
    pub models: Vec<String>,
    /// When each turn was spoken.
    #[serde(skip)]
    spoken: Vec<SimTime>,
}

/// An agent of the scene.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    /// Its number.
    pub agent: OwnerId,
    /// Its name.
    pub name: String,
    /// What it is there for.
    pub role: String,
}

/// Somebody who spoke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speaker {
    /// Who.
    pub name: String,
    /// How often.
    pub turns: u32,
    /// How many words, separated by white space.
    pub words: u64,
}

/// Something that was talked about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Topic {
    /// Its name, once it has one.
    pub name: Option<String>,
    /// Its first turn.
    pub first_turn: u32,
    /// Its last turn.
    pub last_turn: u32,
    /// When its first turn was spoken.
    pub began: Option<SimTime>,
    /// When its last turn was spoken.
    pub ended: Option<SimTime>,
    /// The sentences that carry it, in the order in which they were said.
    pub sentences: Vec<Quote>,
}

/// Something that was asked about the meeting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The agent that asked; `None`: the person at the keyboard.
    pub by: Option<String>,
    /// When.
    pub asked: SimTime,
    /// What.
    pub text: String,
    /// The answer, once there is one.
    pub answer: Option<Answer>,
}

/// What was found out about a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// When.
    pub at: SimTime,
    /// The answer; empty if the meeting does not hold one.
    pub text: String,
    /// What it rests on, best first.
    pub cited: Vec<Quote>,
    /// The similarity of question and best citation, from -1 to 1.
    pub score: f32,
}

/// That somebody approved the minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// When.
    pub at: SimTime,
}

impl Minutes {
    /// The minutes of `run` before anything was said.
    pub fn new(run: &Run) -> Self {
        let title = run.input.as_ref().map_or(&run.scene, |input| &input.name);
        Self {
            title: title.clone(),
            ..Self::default()
        }
    }

    /// From the first turn to the last.
    pub fn length(&self) -> SimSpan {
        self.began
            .zip(self.ended)
            .map_or(SimSpan::ZERO, |(began, ended)| ended - began)
    }

    /// Whether there is nothing to write down: no turn was spoken and nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.turns == 0 && self.questions.is_empty()
    }

    /// Takes in what an agent stated at `at`.
    pub fn apply(&mut self, at: SimTime, fact: &AgentFact) {
        match fact {
            AgentFact::AgentJoined { agent, name, role } => {
                let (name, role) = (name.clone(), role.clone());
                self.agents.push(Attendee {
                    agent: *agent,
                    name,
                    role,
                });
            }
            AgentFact::TurnSpoken { speaker, text, .. } => self.hear(at, speaker, text),
            AgentFact::OutputGiven { version, .. } => {
                if !self.models.contains(version) {
                    self.models.push(version.clone());
                }
            }
            AgentFact::TopicFound { .. }
            | AgentFact::TopicSummarised { .. }
            | AgentFact::TopicNamed { .. } => self.apply_to_topics(fact),
            AgentFact::QuestionAsked { .. } | AgentFact::QuestionAnswered { .. } => {
                self.apply_to_questions(at, fact);
            }
            AgentFact::MinutesApproved { agent } => {
                self.approval = Some(Approval {
                    by: self.name_of(*agent),
                    at,
                });
            }
            AgentFact::StretchClosed { .. }
            | AgentFact::Said { .. }
            | AgentFact::Intervened { .. }
            | AgentFact::ReplicaServes { .. }
            | AgentFact::ReplicaLost { .. }
            | AgentFact::LoadFailed { .. } => {}
        }
    }

    fn apply_to_topics(&mut self, fact: &AgentFact) {
        match fact {
            AgentFact::TopicFound {
                topic,
                first_turn,
                last_turn,
            } => {
                let spoken = |turn: u32| self.spoken.get(turn as usize).copied();
                let (began, ended) = (spoken(*first_turn), spoken(*last_turn));
                let topic = self.topics.entry(*topic).or_default();
                (topic.first_turn, topic.last_turn) = (*first_turn, *last_turn);
                (topic.began, topic.ended) = (began, ended);
            }
            AgentFact::TopicSummarised { topic, sentences } => {
                self.topics
                    .entry(*topic)
                    .or_default()
                    .sentences
                    .clone_from(sentences);
            }
            AgentFact::TopicNamed { topic, name } => {
                self.topics.entry(*topic).or_default().name = Some(name.clone());
            }
            _ => {}
        }
    }

    fn apply_to_questions(&mut self, at: SimTime, fact: &AgentFact) {
        match fact {
            AgentFact::QuestionAsked { question, by, text } => {
                let (by, text) = (by.map(|agent| self.name_of(agent)), text.clone());
                self.questions.insert(
                    *question,
                    Question {
                        by,
                        asked: at,
                        text,
                        answer: None,
                    },
                );
            }
            AgentFact::QuestionAnswered {
                question,
                answer,
                cited,
                score,
            } => {
                if let Some(question) = self.questions.get_mut(question) {
                    let (text, cited) = (answer.clone(), cited.clone());
                    question.answer = Some(Answer {
                        at,
                        text,
                        cited,
                        score: *score,
                    });
                }
            }
            _ => {}
        }
    }

    fn hear(&mut self, at: SimTime, speaker: &str, text: &str) {
        self.began.get_or_insert(at);
        self.ended = Some(at);
        self.turns += 1;
        self.spoken.push(at);
        let words = text.split_whitespace().count() as u64;
        match self.speakers.iter_mut().find(|known| known.name == speaker) {
            Some(known) => {
                known.turns += 1;
                known.words += words;
            }
            None => self.speakers.push(Speaker {
                name: speaker.to_owned(),
                turns: 1,
                words,
            }),
        }
    }

    fn name_of(&self, agent: OwnerId) -> String {
        self.agents
            .iter()
            .find(|attendee| attendee.agent == agent)
            .map_or_else(
                || format!("agent {}", agent.0),
                |attendee| attendee.name.clone(),
            )
    }
}
