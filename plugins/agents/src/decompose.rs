//! Takes tasks on and splits them into subtasks after the scene's decompositions.
//!
//! A part that is made `per` stretch, turn, topic, question or text is made once for each of them. It
//! follows every piece of the parts named in its `after` that does not belong to another task,
//! stretch, turn, topic or text than its own.

use std::{collections::BTreeMap, ops::Range};

use bevy::prelude::{Res, ResMut, Resource};
use rooms::{Decomposition, Part, PartRef, Per, Scene};
use schedule::{
    EngineAccess, Mode, OwnerId, ResourceId, Skill, SubtaskId, SubtaskSpec, SubtaskState, TaskId,
    TaskSpec,
};
use sim::SimSpan;

use crate::{
    hear::{Heard, Hearing, Intake},
    notes::{Notes, Outcome, TurnNotes, Work},
    text::{self, clean},
};

/// Tokens of which a model of this kind sees the start only.
const LONGEST_INPUT_TOKENS: u32 = 256;
const BYTES_PER_NUMBER: u64 = 4;
const VECTOR_WIDTH: u64 = 384;

/// A task as the scene wants it handed in.
#[derive(Clone, Debug)]
pub(crate) struct TaskPlan {
    /// Position of its decomposition in the scene.
    pub(crate) decomposition: usize,
    /// Who answers for it.
    pub(crate) owner: OwnerId,
    pub(crate) weight: f64,
    pub(crate) deadline: Option<SimSpan>,
}

/// Which piece of the whole a subtask belongs to; `None` is all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Piece {
    /// The question or other task, where a decomposition serves several.
    task: Option<TaskId>,
    stretch: Option<u32>,
    turn: Option<usize>,
    topic: Option<usize>,
    text: Option<usize>,
}

impl Piece {
    /// Whether work on one has to do with work on the other.
    fn meets(self, other: Self) -> bool {
        fn same<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
            a.zip(b).is_none_or(|(a, b)| a == b)
        }
        same(self.task, other.task)
            && same(self.stretch, other.stretch)
            && same(self.turn, other.turn)
            && same(self.topic, other.topic)
            && same(self.text, other.text)
    }
}

/// What has been made of each part so far.
#[derive(Resource, Debug)]
pub(crate) struct Planning {
    decompositions: Vec<Decomposition>,
    /// How the meeting's minutes are made, if the scene holds a meeting.
    minutes: Option<TaskPlan>,
    /// For each decomposition and part: its subtasks and what they are about.
    made: Vec<Vec<Vec<(SubtaskId, Piece)>>>,
    /// For each decomposition, how many tasks have come that are neither meeting nor question.
    n_tasks: Vec<u32>,
    /// Every resource by name, for parts that say who does them.
    resources: BTreeMap<String, ResourceId>,
    /// The task of each stretch.
    stretches: Vec<TaskId>,
    last_stretch: Option<u32>,
}

impl Planning {
    pub(crate) fn new(scene: &Scene, minutes: Option<TaskPlan>) -> Self {
        let decompositions = scene.decompositions.clone();
        let resources = scene.resources().into_iter().zip(0..);
        let made = decompositions
            .iter()
            .map(|d| vec![Vec::new(); d.parts.len()])
            .collect();
        Self {
            n_tasks: vec![0; decompositions.len()],
            resources: resources
                .map(|(resource, n)| (resource.name, ResourceId(n)))
                .collect(),
            decompositions,
            minutes,
            made,
            stretches: Vec::new(),
            last_stretch: None,
        }
    }
}

/// Takes on what was heard and what was found in the step before.
pub(crate) fn take_on(
    mut intake: ResMut<Intake>,
    mut notes: ResMut<Notes>,
    mut planning: ResMut<Planning>,
    mut engine: EngineAccess,
    hearing: Res<Hearing>,
) {
    let outcomes = std::mem::take(&mut notes.outcomes);
    let mut desk = Desk {
        notes: &mut notes,
        planning: &mut planning,
        engine: &mut engine,
        hearing: &hearing,
    };
    for (_, outcome) in outcomes {
        if let Outcome::Segmented { stretch, topics } = outcome {
            desk.take_on_topics(stretch, topics);
        }
    }
    while let Some(heard) = intake.0.pop_front() {
        match heard {
            Heard::Stretch {
                stretch,
                turns,
                last,
            } => desk.take_on_stretch(stretch, &turns, last),
            Heard::Question { question, plan } => desk.take_on_question(question, &plan),
            Heard::Task { plan, texts } => desk.take_on_task(&plan, texts),
        }
    }
}

/// What decomposition works with.
struct Desk<'d, 'w> {
    notes: &'d mut Notes,
    planning: &'d mut Planning,
    engine: &'d mut EngineAccess<'w>,
    hearing: &'d Hearing,
}

impl Desk<'_, '_> {
    /// The parts of the minutes that are made once for each stretch and turn.
    fn take_on_stretch(&mut self, stretch: u32, turns: &Range<usize>, last: bool) {
        self.notes.turns.resize_with(turns.end, TurnNotes::default);
        let Some(plan) = self.planning.minutes.clone() else {
            return;
        };
        let task = self.open(&plan, &format!(", stretch {}", stretch + 1));
        self.planning.stretches.push(task);
        if last {
            self.planning.last_stretch = Some(stretch);
        }
        let piece = Piece {
            stretch: Some(stretch),
            ..Piece::default()
        };
        let mut segments = false;
        for (part, about) in self.parts(&plan) {
            match about.per {
                Per::Stretch => {
                    segments |= about.skill == Skill::Segment;
                    let work = match about.skill {
                        Skill::Transcribe => Work::Transcribe {
                            turns: turns.clone(),
                        },
                        Skill::Segment => Work::Segment {
                            stretch,
                            turns: turns.clone(),
                            last,
                        },
                        _ => Work::Plain,
                    };
                    self.add(&plan, part, task, piece, self.size_of(turns.clone()), work);
                }
                Per::Turn => {
                    let turns: Vec<_> = turns
                        .clone()
                        .filter(|turn| self.has_content(*turn))
                        .collect();
                    for turn in turns {
                        let piece = Piece {
                            turn: Some(turn),
                            ..piece
                        };
                        let size = self.size_of(turn..turn + 1);
                        let work = match about.skill {
                            Skill::Embed => Work::EmbedTurn { turn },
                            _ => Work::Plain,
                        };
                        self.add(&plan, part, task, piece, size, work);
                    }
                }
                Per::Task | Per::Text | Per::Meeting | Per::Topic | Per::Question => {}
            }
        }
        if !segments {
            // Nobody looks for topics, so the stretch is complete as it is.
            self.end_stretch(&plan, stretch);
        }
    }

    /// The parts that are made once for each topic.
    fn take_on_topics(&mut self, stretch: u32, topics: Vec<Range<usize>>) {
        let Some(plan) = self.planning.minutes.clone() else {
            return;
        };
        let task = self.planning.stretches[stretch as usize];
        for turns in topics {
            let topic = self.notes.topics.len();
            self.notes.topics.push(turns.clone());
            let piece = Piece {
                stretch: Some(stretch),
                topic: Some(topic),
                ..Piece::default()
            };
            for (part, about) in self.parts(&plan) {
                if about.per == Per::Topic {
                    let work = match about.skill {
                        Skill::Summarise => Work::Summarise { topic },
                        Skill::Tag => Work::Tag { topic },
                        _ => Work::Plain,
                    };
                    self.add(&plan, part, task, piece, self.size_of(turns.clone()), work);
                }
            }
        }
        self.end_stretch(&plan, stretch);
    }

    /// Closes the task of a stretch; after the last one, the parts follow that are made once.
    fn end_stretch(&mut self, plan: &TaskPlan, stretch: u32) {
        self.engine
            .close_task(self.planning.stretches[stretch as usize]);
        if self.planning.last_stretch != Some(stretch) {
            return;
        }
        let once: Vec<_> = self
            .parts(plan)
            .into_iter()
            .filter(|(_, about)| matches!(about.per, Per::Meeting | Per::Task))
            .collect();
        if once.is_empty() {
            return;
        }
        let task = self.open(plan, "");
        for (part, about) in once {
            let work = match about.skill {
                Skill::Approve => Work::Approve { by: about.by },
                _ => Work::Plain,
            };
            let size = Size {
                items: self.notes.topics.len() as u32,
                ..Size::default()
            };
            self.add(plan, part, task, Piece::default(), size, work);
        }
        self.engine.close_task(task);
    }

    /// A question: its vector, then the answer.
    fn take_on_question(&mut self, question: usize, plan: &TaskPlan) {
        self.notes.questions.resize(question + 1, None);
        let task = self.open(plan, &format!(", question {}", question + 1));
        for (part, about) in self.parts(plan) {
            let (work, size) = match about.skill {
                Skill::Embed => {
                    let tokens =
                        text::n_tokens(&self.hearing.questions[question]).min(LONGEST_INPUT_TOKENS);
                    let size = Size {
                        items: 1,
                        tokens,
                        bytes: vector_bytes(1),
                    };
                    (Work::EmbedQuestion { question }, size)
                }
                Skill::Answer => {
                    let n_turns = self.notes.turns.len();
                    (Work::Answer { question, n_turns }, self.size_of(0..n_turns))
                }
                _ => (Work::Plain, Size::default()),
            };
            let piece = Piece {
                task: Some(task),
                ..Piece::default()
            };
            self.add(plan, part, task, piece, size, work);
        }
        self.engine.close_task(task);
    }

    /// A task of its own: its parts, and those that are made once for each text it brings.
    fn take_on_task(&mut self, plan: &TaskPlan, texts: Vec<String>) {
        let number = &mut self.planning.n_tasks[plan.decomposition];
        *number += 1;
        let suffix = format!(" {number}");
        let task = self.open(plan, &suffix);
        let first = self.notes.texts.len();
        self.notes.texts.extend(texts);
        let texts = first..self.notes.texts.len();
        for (part, about) in self.parts(plan) {
            let whole = Piece {
                task: Some(task),
                ..Piece::default()
            };
            if about.per != Per::Text {
                let size = Size {
                    items: texts.len() as u32,
                    ..Size::default()
                };
                self.add(plan, part, task, whole, size, Work::Plain);
                continue;
            }
            for text in texts.clone() {
                let piece = Piece {
                    text: Some(text - first),
                    ..whole
                };
                let work = match about.skill {
                    Skill::Embed => Work::EmbedText { text },
                    _ => Work::Plain,
                };
                self.add(plan, part, task, piece, self.size_of_text(text), work);
            }
        }
        self.engine.close_task(task);
    }

    fn size_of_text(&self, text: usize) -> Size {
        let tokens = text::n_tokens(&self.notes.texts[text]).min(LONGEST_INPUT_TOKENS);
        Size {
            items: 1,
            tokens,
            bytes: vector_bytes(1),
        }
    }

    fn parts(&self, plan: &TaskPlan) -> Vec<(PartRef, Part)> {
        let decomposition = plan.decomposition;
        let parts = self.planning.decompositions[decomposition]
            .parts
            .iter()
            .cloned()
            .enumerate();
        parts
            .map(|(part, about)| {
                (
                    PartRef {
                        decomposition,
                        part,
                    },
                    about,
                )
            })
            .collect()
    }

    fn open(&mut self, plan: &TaskPlan, suffix: &str) -> TaskId {
        let name = format!(
            "{}{suffix}",
            self.planning.decompositions[plan.decomposition].task
        );
        let deadline = plan.deadline.map(|span| self.engine.now() + span);
        let TaskPlan { owner, weight, .. } = *plan;
        self.engine.open_task(TaskSpec {
            weight,
            deadline,
            ..TaskSpec::new(name, owner)
        })
    }

    /// The subtasks that a piece of `part` follows.
    fn before(&self, part: PartRef, piece: Piece) -> Vec<SubtaskId> {
        let made = &self.planning.made;
        let about = &self.planning.decompositions[part.decomposition].parts[part.part];
        let here = about
            .after
            .iter()
            .map(|earlier| &made[part.decomposition][*earlier]);
        let elsewhere = about
            .after_elsewhere
            .iter()
            .map(|other| &made[other.decomposition][other.part]);
        let mut before: Vec<_> = here
            .chain(elsewhere)
            .flatten()
            .filter(|(_, other)| other.meets(piece))
            .map(|(subtask, _)| *subtask)
            .collect();
        if about.skill == Skill::Segment {
            // The topic that the stretch before left open goes on in this one.
            before.extend(
                made[part.decomposition][part.part]
                    .last()
                    .map(|(subtask, _)| *subtask),
            );
        }
        // What has failed already is done without.
        let dead = |state| matches!(state, SubtaskState::Failed | SubtaskState::Cancelled);
        before.retain(|subtask| !dead(self.engine.subtask(*subtask).state));
        before
    }

    fn add(
        &mut self,
        plan: &TaskPlan,
        part: PartRef,
        task: TaskId,
        piece: Piece,
        size: Size,
        work: Work,
    ) {
        let about = &self.planning.decompositions[plan.decomposition].parts[part.part];
        let name = match piece {
            Piece {
                turn: Some(turn), ..
            } => format!("{} turn {}", about.name, turn + 1),
            Piece {
                topic: Some(topic), ..
            } => format!("{} topic {}", about.name, topic + 1),
            Piece {
                text: Some(text), ..
            } => format!("{} text {}", about.name, text + 1),
            _ => about.name.clone(),
        };
        let modes = about.on.iter().map(|way| Mode {
            resource: self.planning.resources[&way.who],
            span: way.span,
        });
        let spec = SubtaskSpec {
            name,
            model: about.model.clone(),
            owner: about.by,
            after: self.before(part, piece),
            items: size.items,
            tokens: size.tokens,
            bytes: size.bytes,
            modes: modes.collect(),
            ..SubtaskSpec::new(task, about.skill)
        };
        let subtask = self
            .engine
            .add_subtask(spec)
            .expect("the scene was checked: every skill is offered. This is a bug.");
        self.notes.works.resize(subtask.index(), Work::Plain);
        self.notes.works.push(work);
        self.planning.made[part.decomposition][part.part].push((subtask, piece));
    }

    fn has_content(&self, turn: usize) -> bool {
        text::is_content(&clean(&self.hearing.turns[turn].text))
    }

    /// How much work some turns are.
    fn size_of(&self, turns: Range<usize>) -> Size {
        let mut size = Size::default();
        for turn in turns.filter(|turn| self.has_content(*turn)) {
            for sentence in text::sentences(&clean(&self.hearing.turns[turn].text)) {
                size.items += 1;
                size.tokens += text::n_tokens(&sentence).min(LONGEST_INPUT_TOKENS);
                size.bytes += sentence.len() as u64 + vector_bytes(1);
            }
        }
        size
    }
}

/// Data that so many vectors are.
fn vector_bytes(n: u64) -> u64 {
    n * VECTOR_WIDTH * BYTES_PER_NUMBER
}

/// How much work a subtask is.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    items: u32,
    tokens: u32,
    bytes: u64,
}
