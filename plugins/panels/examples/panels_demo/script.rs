//! A meeting of which everything is written down beforehand, and a crew that works on it.

use agents::{AgentFact, AskRequest, Quote};
use bevy::prelude::*;
use schedule::{EngineAccess, OwnerId, Skill, SubtaskId, SubtaskSpec, TaskId, TaskSpec};
use sim::{Agenda, Fact, FactWriter, RunControl, SimSpan, SimStep, SimSystems, SimTime};

/// Seconds between two turns, and turns in a topic.
const TURN_SECS: f64 = 9.0;
const TURNS_PER_TOPIC: usize = 5;

const TURNS: [(&str, &str); 20] = [
    (
        "Ada",
        "Good morning. Two points today: the launch of the reading app, and the visit of the school.",
    ),
    (
        "Chloe",
        "The app is ready but for the sync. On slow networks it loses bookmarks.",
    ),
    (
        "Ben",
        "I can reproduce that. It happens when the phone sleeps in the middle of a transfer.",
    ),
    ("Ada", "How long to repair it?"),
    ("Ben", "Three days, if Chloe tests on her old phone."),
    ("Chloe", "I will. And we should warn testers until then."),
    (
        "Ada",
        "Good. Then we launch on the fourteenth, one week later than planned.",
    ),
    (
        "Dev",
        "The posters say the seventh. I have them printed again; that costs about ninety euros.",
    ),
    ("Ada", "Agreed, we pay that out of the small budget."),
    ("Dev", "And the press release goes out on the tenth."),
    (
        "Ada",
        "Next: the school. Forty children, on a Thursday morning.",
    ),
    ("Dev", "We need two rooms and somebody who reads aloud."),
    ("Chloe", "I would love to read."),
    (
        "Dev",
        "The projector in the small room is broken. I ask for a new lamp.",
    ),
    ("Ada", "Who talks to the school?"),
    (
        "Dev",
        "I will call them tomorrow, and ask about allergies as there will be cake.",
    ),
    ("Ben", "There is always cake."),
    ("Ada", "Of course there is."),
    ("Dev", "I write the plan for the rooms tonight."),
    ("Ada", "Then that is all. Thank you, everybody."),
];

const TOPICS: [(&str, [usize; 2]); 4] = [
    ("sync, bookmarks, networks", [1, 2]),
    ("launch, posters, budget", [6, 7]),
    ("school, rooms, reading", [10, 11]),
    ("call, plan, cake", [15, 18]),
];

/// What is reported when a subtask is done.
#[derive(Clone, Copy)]
enum Work {
    Plain,
    Summarise(usize),
    Tag(usize),
    Answer(u32),
    Approve,
}

#[derive(Resource, Default)]
struct Story {
    n_told: usize,
    /// By the number of the subtask.
    works: Vec<Work>,
    /// What was told and is not taken on yet.
    new_questions: Vec<u32>,
    new_topic: Option<usize>,
    /// What is done and not reported yet.
    done: Vec<Work>,
    embedded: Vec<SubtaskId>,
    n_questions: u32,
}

pub(crate) fn plugin(app: &mut App) {
    app.init_resource::<Story>()
        .add_message::<Fact<AgentFact>>()
        .add_systems(Startup, |mut agenda: ResMut<Agenda>| agenda.wake_at(due(0)))
        .add_systems(Update, wake_to_answer)
        .add_systems(
            SimStep,
            (tell, take_on).chain().in_set(SimSystems::Perceive),
        )
        .add_systems(SimStep, (perform, report).chain().in_set(SimSystems::Apply));
}

/// A question that was typed is taken up in a step of its own.
fn wake_to_answer(
    asked: Res<Messages<AskRequest>>,
    control: Res<RunControl>,
    mut agenda: ResMut<Agenda>,
) {
    if !asked.is_empty() {
        agenda.wake_at(control.shown());
    }
}

fn due(turn: usize) -> SimTime {
    SimTime(1) + SimSpan::from_secs_f64(turn as f64 * TURN_SECS)
}

/// Says the turns that are due, and takes questions.
fn tell(
    mut story: ResMut<Story>,
    mut asked: MessageReader<AskRequest>,
    mut agenda: ResMut<Agenda>,
    mut facts: FactWriter<AgentFact>,
) {
    let typed = asked.read().map(|AskRequest(text)| (None, text.clone()));
    let mut questions: Vec<(Option<OwnerId>, String)> = typed.collect();
    while story.n_told < TURNS.len() && due(story.n_told) <= facts.now() {
        let turn = story.n_told;
        let (speaker, text) = TURNS[turn];
        facts.write(AgentFact::TurnSpoken {
            turn: turn as u32,
            speaker: speaker.into(),
            text: text.into(),
        });
        if turn == 8 {
            questions.push((Some(OwnerId(0)), "When will the app be launched?".into()));
        }
        if turn == 16 {
            questions.push((Some(OwnerId(1)), "Who talks to the school?".into()));
        }
        story.n_told += 1;
        story.new_topic =
            (turn % TURNS_PER_TOPIC == TURNS_PER_TOPIC - 1).then_some(turn / TURNS_PER_TOPIC);
        agenda.wake_at(due(story.n_told.min(TURNS.len() - 1)));
        if story.n_told == TURNS.len() {
            break;
        }
    }
    for (by, text) in questions {
        let question = story.n_questions;
        story.n_questions += 1;
        facts.write(AgentFact::QuestionAsked { question, by, text });
        story.new_questions.push(question);
    }
}

/// Opens a task for a topic that ended and for each question.
fn take_on(mut story: ResMut<Story>, mut engine: EngineAccess) -> Result {
    if let Some(topic) = story.new_topic.take() {
        plan_topic(&mut story, &mut engine, topic)?;
    }
    for question in std::mem::take(&mut story.new_questions) {
        let task = open(&mut engine, format!("answer {}", question + 1), 6);
        let after = story.embedded.clone();
        let part = Part {
            task,
            skill: Skill::Answer,
            owner: 6,
            after,
            work: Work::Answer(question),
        };
        add(
            &mut story,
            &mut engine,
            format!("answer question {}", question + 1),
            part,
        )?;
        engine.close_task(task);
    }
    Ok(())
}

fn plan_topic(story: &mut Story, engine: &mut EngineAccess, topic: usize) -> Result {
    let task = open(engine, format!("minutes {}", topic + 1), 0);
    let name = |what: &str| format!("{what} {}", topic + 1);
    let part = |skill, owner, after, work| Part {
        task,
        skill,
        owner,
        after,
        work,
    };
    let written = part(Skill::Transcribe, 4, Vec::new(), Work::Plain);
    let written = add(story, engine, name("transcribe stretch"), written)?;
    let mut vectors = Vec::new();
    for turn in 0..TURNS_PER_TOPIC {
        let name = format!("embed turn {}", topic * TURNS_PER_TOPIC + turn + 1);
        let vector = part(Skill::Embed, 4, vec![written], Work::Plain);
        vectors.push(add(story, engine, name, vector)?);
    }
    story.embedded.extend(&vectors);
    let split = part(Skill::Segment, 5, vectors, Work::Plain);
    let split = add(story, engine, name("segment stretch"), split)?;
    let summary = part(Skill::Summarise, 5, vec![split], Work::Summarise(topic));
    let summary = add(story, engine, name("summarise topic"), summary)?;
    let tag = part(Skill::Tag, 5, vec![summary], Work::Tag(topic));
    let tag = add(story, engine, name("tag topic"), tag)?;
    if topic == TOPICS.len() - 1 {
        let approval = part(Skill::Approve, 0, vec![tag], Work::Approve);
        add(story, engine, "approve minutes".into(), approval)?;
    }
    engine.close_task(task);
    Ok(())
}

fn open(engine: &mut EngineAccess, name: String, owner: u32) -> TaskId {
    engine.open_task(TaskSpec::new(name, OwnerId(owner)))
}

/// A piece of a task and what is reported when it is done.
struct Part {
    task: TaskId,
    skill: Skill,
    owner: u32,
    after: Vec<SubtaskId>,
    work: Work,
}

fn add(
    story: &mut Story,
    engine: &mut EngineAccess,
    name: String,
    part: Part,
) -> Result<SubtaskId> {
    story.works.push(part.work);
    Ok(engine.add_subtask(SubtaskSpec {
        name,
        owner: OwnerId(part.owner),
        after: part.after,
        items: 3,
        tokens: 400,
        ..SubtaskSpec::new(part.task, part.skill)
    })?)
}

/// All work succeeds.
fn perform(mut story: ResMut<Story>, mut engine: EngineAccess) {
    for batch in engine.due_now() {
        engine.finish(batch.id, &vec![Ok(()); batch.subtasks.len()]);
        let works: Vec<Work> = batch
            .subtasks
            .iter()
            .map(|id| story.works[id.index()])
            .collect();
        story.done.extend(works);
    }
}

fn quote(turn: usize) -> Quote {
    let (speaker, text) = TURNS[turn];
    Quote {
        turn: turn as u32,
        speaker: speaker.into(),
        text: text.into(),
        score: 0.6,
    }
}

fn report(mut story: ResMut<Story>, mut facts: FactWriter<AgentFact>) {
    for work in std::mem::take(&mut story.done) {
        match work {
            Work::Plain => {}
            Work::Summarise(topic) => {
                let first_turn = (topic * TURNS_PER_TOPIC) as u32;
                let last_turn = first_turn + TURNS_PER_TOPIC as u32 - 1;
                facts.write(AgentFact::TopicFound {
                    topic: topic as u32,
                    first_turn,
                    last_turn,
                });
                let sentences = TOPICS[topic].1.map(quote).to_vec();
                facts.write(AgentFact::TopicSummarised {
                    topic: topic as u32,
                    sentences,
                });
            }
            Work::Tag(topic) => {
                facts.write(AgentFact::TopicNamed {
                    topic: topic as u32,
                    name: TOPICS[topic].0.into(),
                });
            }
            Work::Answer(question) => {
                let turn = if question == 0 { 6 } else { 15 };
                let cited = vec![quote(turn)];
                let answer = TURNS[turn].1.into();
                facts.write(AgentFact::QuestionAnswered {
                    question,
                    answer,
                    cited,
                    score: 0.63,
                });
            }
            Work::Approve => facts.write(AgentFact::MinutesApproved { agent: OwnerId(0) }),
        }
    }
}
