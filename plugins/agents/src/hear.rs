//! Lets the agents hear the meeting as it goes on: turns, complete stretches, questions and scripted lines.

use std::{collections::VecDeque, ops::Range};

use bevy::{
    log::warn,
    prelude::{Message, MessageReader, Res, ResMut, Resource},
};
use schedule::OwnerId;
use sim::{Agenda, Clock, FactWriter, SimSpan, SimTime};

use crate::{decompose::TaskPlan, fact::AgentFact, transcript::Turn};

/// A question that the person at the keyboard asks about the meeting so far.
#[derive(Message, Clone, Debug, PartialEq, Eq)]
pub struct AskRequest(pub String);

/// A task that comes at a given time.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    pub(crate) at: SimTime,
    pub(crate) plan: TaskPlan,
    /// The question, if it is one, and who asks it.
    pub(crate) question: Option<(String, Option<OwnerId>)>,
    /// What there is to read, if it is none.
    pub(crate) texts: Vec<String>,
}

/// A line that an agent says at a given time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) at: SimTime,
    pub(crate) agent: OwnerId,
    pub(crate) text: String,
}

/// What the agents have heard and must take on.
#[derive(Clone, Debug)]
pub(crate) enum Heard {
    /// A stretch of turns is complete.
    Stretch {
        stretch: u32,
        turns: Range<usize>,
        last: bool,
    },
    /// A question was asked.
    Question { question: usize, plan: TaskPlan },
    /// Another task has come, with what there is to read.
    Task { plan: TaskPlan, texts: Vec<String> },
}

/// What has been heard and not yet been taken on.
#[derive(Resource, Debug, Default)]
pub(crate) struct Intake(pub(crate) VecDeque<Heard>);

/// The meeting and how far it has been heard.
#[derive(Resource, Debug)]
pub(crate) struct Hearing {
    pub(crate) turns: Vec<Turn>,
    stretch_span: SimSpan,
    n_spoken: usize,
    n_heard: usize,
    stretch_first: usize,
    n_stretches: u32,
    lines: VecDeque<Line>,
    errands: VecDeque<Errand>,
    /// How a question from the keyboard is answered.
    asked_plan: Option<TaskPlan>,
    pub(crate) questions: Vec<String>,
}

impl Hearing {
    pub(crate) fn new(
        turns: Vec<Turn>,
        stretch_span: SimSpan,
        mut errands: Vec<Errand>,
        asked_plan: Option<TaskPlan>,
        mut lines: Vec<Line>,
    ) -> Self {
        errands.sort_by_key(|errand| errand.at);
        lines.sort_by_key(|line| line.at);
        Self {
            turns,
            stretch_span,
            n_spoken: 0,
            n_heard: 0,
            stretch_first: 0,
            n_stretches: 0,
            lines: lines.into(),
            errands: errands.into(),
            asked_plan,
            questions: Vec::new(),
        }
    }

    /// When there is something new to hear.
    pub(crate) fn next_event(&self) -> Option<SimTime> {
        [
            self.turns.get(self.n_spoken).map(|turn| turn.start),
            self.turns.get(self.n_heard).map(|turn| turn.end),
            self.lines.front().map(|line| line.at),
            self.errands.front().map(|errand| errand.at),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Ends the stretch in progress, if it has turns.
    fn close_stretch(&mut self) -> Option<(Heard, AgentFact)> {
        let turns = self.stretch_first..self.n_heard;
        if turns.is_empty() {
            return None;
        }
        let stretch = self.n_stretches;
        self.n_stretches += 1;
        self.stretch_first = self.n_heard;
        let fact = AgentFact::StretchClosed {
            stretch,
            first_turn: turns.start as u32,
            last_turn: turns.end as u32 - 1,
        };
        let last = self.n_heard == self.turns.len();
        Some((
            Heard::Stretch {
                stretch,
                turns,
                last,
            },
            fact,
        ))
    }

    /// Whether the turn that was heard last completes its stretch.
    fn stretch_is_complete(&self) -> bool {
        let (first, last) = (
            &self.turns[self.stretch_first],
            &self.turns[self.n_heard - 1],
        );
        self.n_heard == self.turns.len() || last.end - first.start >= self.stretch_span
    }
}

/// Hears all that is due now.
pub(crate) fn hear(
    mut hearing: ResMut<Hearing>,
    mut intake: ResMut<Intake>,
    mut facts: FactWriter<AgentFact>,
    mut agenda: ResMut<Agenda>,
) {
    let (hearing, now) = (&mut *hearing, facts.now());
    while let Some(turn) = hearing
        .turns
        .get(hearing.n_spoken)
        .filter(|turn| turn.start <= now)
    {
        facts.write(AgentFact::TurnSpoken {
            turn: hearing.n_spoken as u32,
            speaker: turn.speaker.clone(),
            text: turn.text.clone(),
        });
        hearing.n_spoken += 1;
    }
    while let Some(line) = hearing.lines.pop_front_if(|line| line.at <= now) {
        facts.write(AgentFact::Said {
            agent: line.agent,
            text: line.text,
        });
    }
    while hearing
        .turns
        .get(hearing.n_heard)
        .is_some_and(|turn| turn.end <= now)
    {
        hearing.n_heard += 1;
        if hearing.stretch_is_complete() {
            take_stretch(hearing, &mut intake, &mut facts);
        }
    }
    while let Some(errand) = hearing.errands.pop_front_if(|errand| errand.at <= now) {
        let Errand {
            plan,
            question,
            texts,
            ..
        } = errand;
        let Some((text, by)) = question else {
            intake.0.push_back(Heard::Task { plan, texts });
            continue;
        };
        // The answer shall rest on all that has been said so far.
        take_stretch(hearing, &mut intake, &mut facts);
        let question = hearing.questions.len();
        hearing.questions.push(text.clone());
        facts.write(AgentFact::QuestionAsked {
            question: question as u32,
            by,
            text,
        });
        intake.0.push_back(Heard::Question { question, plan });
    }
    if let Some(next) = hearing.next_event() {
        agenda.wake_at(next);
    }
}

fn take_stretch(hearing: &mut Hearing, intake: &mut Intake, facts: &mut FactWriter<AgentFact>) {
    if let Some((heard, fact)) = hearing.close_stretch() {
        facts.write(fact);
        intake.0.push_back(heard);
    }
}

/// Lets what the person at the keyboard asks be heard in the next step.
pub(crate) fn take_asks(
    mut requests: MessageReader<AskRequest>,
    mut hearing: ResMut<Hearing>,
    mut agenda: ResMut<Agenda>,
    clock: Res<Clock>,
) {
    for AskRequest(text) in requests.read() {
        let Some(plan) = hearing.asked_plan.clone() else {
            warn!("nobody in this scene answers questions, so {text:?} is not asked");
            continue;
        };
        let at = clock.now();
        hearing.errands.push_front(Errand {
            at,
            plan,
            question: Some((text.clone(), None)),
            texts: Vec::new(),
        });
        agenda.wake_at(at);
    }
}
