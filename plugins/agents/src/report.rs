//! States what the agents brought forth in the step before.

use bevy::prelude::{Local, Res, ResMut};
use rooms::CurrentScene;
use sim::FactWriter;

use crate::{
    fact::AgentFact,
    notes::{Notes, Outcome},
    vectors::encode_vectors,
};

/// States who is there, in the first step.
pub(crate) fn introduce(
    mut introduced: Local<bool>,
    scene: Res<CurrentScene>,
    mut facts: FactWriter<AgentFact>,
) {
    if std::mem::replace(&mut *introduced, true) {
        return;
    }
    for agent in &scene.agents {
        facts.write(AgentFact::AgentJoined {
            agent: agent.id,
            name: agent.name.clone(),
            role: agent.role.name().to_owned(),
        });
    }
}

/// States what came of the subtasks that ended in the step before.
pub(crate) fn report(mut notes: ResMut<Notes>, mut facts: FactWriter<AgentFact>) {
    let mut next_topic = notes.topics.len();
    for (subtask, outcome) in &mut notes.outcomes {
        match outcome {
            Outcome::Embedded { version, vectors } => facts.write(AgentFact::OutputGiven {
                subtask: *subtask,
                version: version.clone(),
                vectors: encode_vectors(vectors),
                width: vectors.first().map_or(0, Vec::len) as u32,
            }),
            Outcome::Segmented { topics, .. } => {
                for turns in topics {
                    facts.write(AgentFact::TopicFound {
                        topic: next_topic as u32,
                        first_turn: turns.start as u32,
                        last_turn: turns.end as u32 - 1,
                    });
                    next_topic += 1;
                }
            }
            Outcome::Summarised { topic, sentences } => facts.write(AgentFact::TopicSummarised {
                topic: *topic as u32,
                sentences: std::mem::take(sentences),
            }),
            Outcome::Named { topic, name } => facts.write(AgentFact::TopicNamed {
                topic: *topic as u32,
                name: std::mem::take(name),
            }),
            Outcome::Answered {
                question,
                answer,
                cited,
                score,
            } => {
                facts.write(AgentFact::QuestionAnswered {
                    question: *question as u32,
                    answer: std::mem::take(answer),
                    cited: std::mem::take(cited),
                    score: *score,
                });
            }
            Outcome::Approved { by } => facts.write(AgentFact::MinutesApproved { agent: *by }),
            Outcome::Quiet => {}
        }
    }
}
