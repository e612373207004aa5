//! Puts the agents' systems into the step and their knowledge into the world.

use std::{fs::File, io, path::Path};

use bevy::prelude::{App, IntoScheduleConfigs as _, Plugin, PreUpdate};
use inference::InferenceSystems;
use rand_distr::{Distribution as _, Exp1};
use rooms::{CurrentScene, MomentKind, Per, Scene, Source, SourceKind};
use schedule::Charge;
use sim::{Agenda, Fact, SimSpan, SimStep, SimSystems, SimTime, Streams};

use crate::{
    decompose::{Planning, TaskPlan, take_on},
    dispatch::{Outputs, Performing, hand_in, receive, send},
    fact::AgentFact,
    faults::{Faults, inject},
    hear::{AskRequest, Errand, Hearing, Intake, Line, hear, take_asks},
    notes::Notes,
    replicas::{ReplicaRequest, Replicas, announce, intervene, leave, state, take_changes},
    report::{introduce, report},
    transcript::{Transcript, TranscriptError},
};

/// The meeting that is held and what is asked about it.
#[derive(Clone, Debug, Default)]
pub struct MeetingInput {
    /// The meeting; `None` where the scene holds none.
    pub transcript: Option<Transcript>,
    /// The BLAKE3 hash of its file, in hex.
    pub hash: String,
    /// Whether the scene's own questions are asked.
    pub scene_questions: bool,
    /// Questions that the person at the keyboard asks when the meeting is over.
    pub questions: Vec<String>,
}

impl MeetingInput {
    /// The scene's own meeting and questions, or the meeting in `file` and the questions that come
    /// with it; `questions` are asked in either case.
    ///
    /// # Errors
    /// If the meeting cannot be read.
    pub fn read(
        scene: &Scene,
        file: Option<&Path>,
        questions: Vec<String>,
    ) -> Result<Self, TranscriptError> {
        let Some((own, words_per_minute)) =
            scene.sources.iter().find_map(|source| match &source.kind {
                SourceKind::Meeting {
                    file,
                    words_per_minute,
                    ..
                } => Some((file, *words_per_minute)),
                _ => None,
            })
        else {
            return Ok(Self {
                transcript: None,
                hash: String::new(),
                scene_questions: true,
                questions,
            });
        };
        let path = file.unwrap_or(own);
        let transcript = Transcript::read(path, words_per_minute)?;
        let hash = hash_of(path).map_err(|source| TranscriptError::Unreadable {
            path: path.display().to_string(),
            source,
        })?;
        // What a scene asks is about its own meeting.
        let scene_questions = file.is_none();
        let questions = transcript
            .questions
            .iter()
            .cloned()
            .chain(questions)
            .collect();
        Ok(Self {
            transcript: Some(transcript),
            hash,
            scene_questions,
            questions,
        })
    }
}

fn hash_of(file: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(file)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Whether somebody in the scene answers questions.
pub fn answers_questions(scene: &Scene) -> bool {
    asked_plan(scene).is_some()
}

/// Lets the agents of the [`CurrentScene`] work. Needs the plugins of `sim`, `schedule` and `rooms`
/// before it and, where outputs are real, that of `inference`.
pub struct AgentsPlugin {
    /// What there is to hear.
    pub input: MeetingInput,
    /// Where the models' outputs come from.
    pub outputs: Outputs,
    /// How durations are charged; the same as the engine's.
    pub charge: Charge,
}

impl Plugin for AgentsPlugin {
    fn build(&self, app: &mut App) {
        let scene = app.world().resource::<CurrentScene>().0.clone();
        let faults = Faults::new(&scene.faults);
        let streams = app.world().resource::<Streams>();
        let hearing = hearing(&scene, &self.input, streams);
        let mut agenda = app.world_mut().resource_mut::<Agenda>();
        agenda.wake_at(SimTime::ZERO);
        if let Some(at) = faults.next_event() {
            agenda.wake_at(at);
        }
        let minutes = scene.sources.iter().find_map(|source| match source.kind {
            SourceKind::Meeting { .. } => Some(plan(source)),
            _ => None,
        });
        app.insert_resource(faults)
            .insert_resource(Replicas::new(scene.replicas.len()))
            .insert_resource(hearing)
            .insert_resource(Planning::new(&scene, minutes))
            .insert_resource(Performing::new(self.outputs.clone(), self.charge))
            .init_resource::<Intake>()
            .init_resource::<Notes>()
            .add_message::<Fact<AgentFact>>()
            .add_message::<AskRequest>()
            .add_message::<ReplicaRequest>()
            .add_message::<inference::ReplyReceived>()
            .add_message::<inference::ReplicaChanged>()
            .add_systems(
                PreUpdate,
                (announce, intervene, receive, take_changes, state, take_asks)
                    .chain()
                    .after(InferenceSystems::Receive),
            )
            .add_systems(
                SimStep,
                (
                    (introduce, hear, report)
                        .chain()
                        .in_set(SimSystems::Perceive),
                    (inject, leave, take_on)
                        .chain()
                        .in_set(SimSystems::Decompose),
                    send.in_set(SimSystems::Dispatch),
                    hand_in.in_set(SimSystems::Apply),
                ),
            );
    }
}

fn plan(source: &Source) -> TaskPlan {
    let Source {
        decomposition,
        by,
        weight,
        deadline,
        ..
    } = *source;
    TaskPlan {
        decomposition,
        owner: by,
        weight,
        deadline,
    }
}

fn hearing(scene: &Scene, input: &MeetingInput, streams: &Streams) -> Hearing {
    let (begins, stretch_span) = scene
        .sources
        .iter()
        .find_map(|source| match source.kind {
            SourceKind::Meeting { stretch, .. } => Some((source.at - SimTime::ZERO, stretch)),
            _ => None,
        })
        .unwrap_or((SimSpan::ZERO, SimSpan::ZERO));
    let mut turns = input
        .transcript
        .as_ref()
        .map_or(Vec::new(), |t| t.turns.clone());
    for turn in &mut turns {
        turn.start += begins;
        turn.end += begins;
    }
    let over = turns
        .iter()
        .map(|turn| turn.end)
        .max()
        .unwrap_or(SimTime::ZERO);
    let asked_plan = asked_plan(scene);
    let mut errands = errands(scene, input.scene_questions, streams);
    if let Some(plan) = &asked_plan {
        errands.extend(input.questions.iter().map(|text| Errand {
            at: over,
            plan: plan.clone(),
            question: Some((text.clone(), None)),
            texts: Vec::new(),
        }));
    }
    let lines = scene
        .moments
        .iter()
        .map(|moment| match &moment.kind {
            MomentKind::Say { agent, text } => Line {
                at: moment.at,
                agent: *agent,
                text: text.clone(),
            },
        })
        .collect();
    Hearing::new(turns, stretch_span, errands, asked_plan, lines)
}

/// What comes by itself: questions, if they are asked, and tasks.
fn errands(scene: &Scene, with_questions: bool, streams: &Streams) -> Vec<Errand> {
    let mut errands = Vec::new();
    for (source, number) in scene.sources.iter().zip(0..) {
        let errand = Errand {
            at: source.at,
            plan: plan(source),
            question: None,
            texts: Vec::new(),
        };
        match &source.kind {
            SourceKind::Question { text } if with_questions => errands.push(Errand {
                question: Some((text.clone(), Some(source.by))),
                ..errand
            }),
            SourceKind::Meeting { .. } | SourceKind::Question { .. } => {}
            SourceKind::Task { texts } => errands.push(Errand {
                texts: texts.clone(),
                ..errand
            }),
            SourceKind::Arrivals { n_tasks, mean_gap } => {
                let times = arrivals(source.at, *n_tasks, *mean_gap, streams, number);
                errands.extend(times.map(|at| Errand {
                    at,
                    ..errand.clone()
                }));
            }
        }
    }
    errands
}

/// The times of a Poisson process, drawn for the source of this number.
fn arrivals(
    from: SimTime,
    n_tasks: u32,
    mean_gap: SimSpan,
    streams: &Streams,
    source: u64,
) -> impl Iterator<Item = SimTime> {
    let mut rng = streams.stream("arrivals", source);
    let mut at = from;
    (0..n_tasks).map(move |_| {
        let gap: f64 = Exp1.sample(&mut rng);
        at += SimSpan((mean_gap.0 as f64 * gap).round() as u64);
        at
    })
}

/// How a question from the keyboard is answered: as the scene's first question, or by whatever
/// decomposition is for questions.
fn asked_plan(scene: &Scene) -> Option<TaskPlan> {
    let own = scene
        .sources
        .iter()
        .find(|source| matches!(source.kind, SourceKind::Question { .. }));
    own.map(plan).or_else(|| {
        scene
            .decompositions
            .iter()
            .enumerate()
            .find_map(|(decomposition, about)| {
                let owner = about
                    .parts
                    .iter()
                    .find(|part| part.per == Per::Question)?
                    .by;
                Some(TaskPlan {
                    decomposition,
                    owner,
                    weight: 1.0,
                    deadline: None,
                })
            })
    })
}
