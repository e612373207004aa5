//! A small run in which every kind of fact occurs, with numbers that can be added up by hand.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(dead_code, reason = "each test file uses a part of this one")]

use agents::{AgentFact, Quote, encode_vectors};
use record::{AnyFact, FORMAT, Input, Live, OutputMode, Run, TimeMode};
use schedule::{
    BatchId, Candidate, EngineFact, FailureCause, OwnerId, ResourceId, ResourceKind, Skill,
    SubtaskId, TaskId,
};
use sim::{Fact, SimSpan, SimTime};

pub(crate) const ADA: OwnerId = OwnerId(0);
pub(crate) const MARA: OwnerId = OwnerId(1);
const GPU: ResourceId = ResourceId(0);
const DESK: ResourceId = ResourceId(1);

pub(crate) fn run() -> Run {
    Run {
        format: FORMAT,
        diorama: "0.1.0".into(),
        build: "test".into(),
        scene: "meeting".into(),
        scene_hash: "5ce9e".into(),
        input: Some(Input {
            name: "weekly_sync".into(),
            hash: "7a5c".into(),
            turns: 2,
        }),
        seed: u64::MAX,
        policy: "fifo".into(),
        time: TimeMode::Modelled,
        outputs: OutputMode::Real,
        models: vec!["tiny@0123".into()],
        profiles: Vec::new(),
    }
}

pub(crate) fn secs(secs: u64) -> SimSpan {
    SimSpan(secs * 1_000_000_000)
}

/// Numbers facts.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) facts: Vec<Fact<AnyFact>>,
    now: SimTime,
}

impl Log {
    fn at(&mut self, seconds: u64) {
        self.now = SimTime::ZERO + secs(seconds);
    }

    pub(crate) fn push(&mut self, what: AnyFact) {
        let seq = self.facts.len() as u64;
        self.facts.push(Fact {
            seq,
            at: self.now,
            what,
        });
    }

    fn engine(&mut self, what: EngineFact) {
        self.push(AnyFact::Engine(what));
    }

    fn agent(&mut self, what: AgentFact) {
        self.push(AnyFact::Agent(what));
    }

    fn task(&mut self, task: u32, owner: OwnerId, weight: f64, deadline: Option<SimTime>) {
        let name = format!("task {task}");
        self.engine(EngineFact::TaskArrived {
            task: TaskId(task),
            name,
            owner,
            weight,
            deadline,
            release: None,
            priority: 0,
        });
    }

    fn subtask(&mut self, subtask: u32, task: u32, skill: Skill, after: &[u32]) {
        self.engine(EngineFact::SubtaskAdded {
            subtask: SubtaskId(subtask),
            task: TaskId(task),
            name: format!("piece {subtask}"),
            skill,
            owner: ADA,
            after: after.iter().copied().map(SubtaskId).collect(),
            items: 2,
            tokens: 30,
            bytes: 400,
            memory_bytes: 0,
            timeout: None,
        });
    }

    fn ready(&mut self, subtask: u32) {
        self.engine(EngineFact::SubtaskReady {
            subtask: SubtaskId(subtask),
        });
    }

    fn start(&mut self, batch: u32, resource: ResourceId, subtasks: &[u32], span: Option<u64>) {
        let subtasks: Vec<_> = subtasks.iter().copied().map(SubtaskId).collect();
        for subtask in &subtasks {
            let candidates = vec![Candidate {
                resource,
                score: (self.now + secs(span.unwrap_or(9))).0 as i64,
            }];
            self.engine(EngineFact::SubtaskPlaced {
                subtask: *subtask,
                resource,
                rank: -1,
                candidates,
            });
        }
        let (batch, span) = (BatchId(batch), span.map(secs));
        self.engine(EngineFact::BatchStarted {
            batch,
            resource,
            subtasks,
            span,
            setup: SimSpan::ZERO,
        });
    }

    fn finish(&mut self, batch: u32, resource: ResourceId, span: u64) {
        self.engine(EngineFact::BatchFinished {
            batch: BatchId(batch),
            resource,
            span: secs(span),
        });
    }

    fn done(&mut self, subtask: u32, waited: u64, ran: u64) {
        let (waited, ran) = (secs(waited), secs(ran));
        self.engine(EngineFact::SubtaskFinished {
            subtask: SubtaskId(subtask),
            waited,
            ran,
            first_token: None,
        });
    }

    fn task_done(&mut self, task: u32, flow: u64) {
        self.engine(EngineFact::TaskFinished {
            task: TaskId(task),
            flow: secs(flow),
        });
    }

    fn turn(&mut self, turn: u32, speaker: &str, text: &str) {
        let (speaker, text) = (speaker.into(), text.into());
        self.agent(AgentFact::TurnSpoken {
            turn,
            speaker,
            text,
        });
    }
}

fn quote(turn: u32, speaker: &str, text: &str) -> Quote {
    Quote {
        turn,
        speaker: speaker.into(),
        text: text.into(),
        score: 0.1,
    }
}

/// The vectors that the model answers to subtask 0.
pub(crate) fn vectors() -> Vec<Vec<f32>> {
    vec![
        vec![0.1, -2.5e-8, f32::MAX],
        vec![-0.0, 1.0, f32::MIN_POSITIVE],
    ]
}

/// Two resources, three tasks, every kind of fact.
pub(crate) fn facts() -> Vec<Fact<AnyFact>> {
    let mut log = Log::default();
    begin(&mut log);
    middle(&mut log);
    end(&mut log);
    log.facts
}

fn begin(log: &mut Log) {
    join(log);
    log.turn(0, "Ben", "We *ship* on Friday, \"maybe\".");
    log.task(0, ADA, 2.0, None);
    log.subtask(0, 0, Skill::Embed, &[]);
    log.subtask(1, 0, Skill::Embed, &[0]);
    log.ready(0);
    log.start(0, GPU, &[0], Some(2));

    log.at(1);
    log.turn(1, "Ida_K", "Then tests\nmust be green & fast.");
    log.agent(AgentFact::StretchClosed {
        stretch: 0,
        first_turn: 0,
        last_turn: 1,
    });
    log.task(1, MARA, 1.0, Some(SimTime::ZERO + secs(4)));
    log.subtask(2, 1, Skill::Approve, &[]);
    log.task(2, ADA, 3.0, None);
    log.subtask(3, 2, Skill::Embed, &[]);
    log.subtask(4, 2, Skill::Embed, &[3]);
    log.subtask(5, 2, Skill::Tag, &[4]);
    log.ready(2);
    log.ready(3);
    log.start(1, DESK, &[2], None);
}

fn join(log: &mut Log) {
    for (resource, name, kind, slots, price_per_sec, watts) in [
        (
            GPU,
            "gpu",
            ResourceKind::Replica {
                model: "tiny".into(),
            },
            2,
            0.5,
            100.0,
        ),
        (
            DESK,
            "Mara",
            ResourceKind::Agent { owner: MARA },
            1,
            0.1,
            20.0,
        ),
    ] {
        let name = name.into();
        log.engine(EngineFact::ResourceJoined {
            resource,
            name,
            kind,
            slots,
            price_per_sec,
            watts,
            memory_bytes: None,
            continuous: false,
            token_capacity: None,
            shares: None,
        });
    }
    for (agent, name, role) in [(ADA, "Ada", "scribe"), (MARA, "Mara", "chair")] {
        log.agent(AgentFact::AgentJoined {
            agent,
            name: name.into(),
            role: role.into(),
        });
    }
}

fn middle(log: &mut Log) {
    log.at(2);
    log.finish(0, GPU, 2);
    log.done(0, 0, 2);
    log.ready(1);
    let (version, vectors) = ("tiny@0123".into(), encode_vectors(&vectors()));
    log.agent(AgentFact::OutputGiven {
        subtask: SubtaskId(0),
        version,
        vectors,
        width: 3,
    });
    log.start(2, GPU, &[1, 3], Some(4));

    log.at(3);
    log.engine(EngineFact::ResourceDown { resource: DESK });
    log.finish(1, DESK, 2);
    log.engine(EngineFact::SubtaskFailed {
        subtask: SubtaskId(2),
        attempt: 1,
        cause: FailureCause::ResourceDown,
        retry_at: Some(SimTime::ZERO + secs(5)),
    });
    let text = "When do we ship?".into();
    log.agent(AgentFact::QuestionAsked {
        question: 0,
        by: Some(MARA),
        text,
    });
    let text = "Who pays?".into();
    log.agent(AgentFact::QuestionAsked {
        question: 1,
        by: None,
        text,
    });
    log.agent(AgentFact::QuestionAsked {
        question: 2,
        by: None,
        text: "Why?".into(),
    });

    log.at(4);
    log.engine(EngineFact::ResourceUp { resource: DESK });
    log.agent(AgentFact::Said {
        agent: ADA,
        text: "Hm.".into(),
    });
    // A deadline is missed just after it.
    log.now += SimSpan(1);
    log.engine(EngineFact::DeadlineMissed { task: TaskId(1) });

    log.at(5);
    log.ready(2);
    log.start(3, DESK, &[2], Some(3));
}

fn end(log: &mut Log) {
    log.at(6);
    log.finish(2, GPU, 4);
    log.done(1, 0, 4);
    log.task_done(0, 6);
    log.done(3, 1, 4);
    log.ready(4);
    results(log);
    log.start(4, GPU, &[4], Some(1));
    last_ends(log);
}

/// What the agents make of the meeting.
fn results(log: &mut Log) {
    log.agent(AgentFact::TopicFound {
        topic: 0,
        first_turn: 0,
        last_turn: 1,
    });
    let sentences = vec![quote(0, "Ben", "We *ship* on Friday, \"maybe\".")];
    log.agent(AgentFact::TopicSummarised {
        topic: 0,
        sentences,
    });
    log.agent(AgentFact::TopicNamed {
        topic: 0,
        name: "ship <friday>".into(),
    });
    log.agent(AgentFact::TopicFound {
        topic: 1,
        first_turn: 1,
        last_turn: 1,
    });
    let (answer, cited) = (
        "We ship on Friday.".into(),
        vec![quote(0, "Ben", "We ship on Friday.")],
    );
    log.agent(AgentFact::QuestionAnswered {
        question: 0,
        answer,
        cited,
        score: 0.625,
    });
    let (answer, cited) = (String::new(), vec![]);
    log.agent(AgentFact::QuestionAnswered {
        question: 1,
        answer,
        cited,
        score: -0.1,
    });
}

fn last_ends(log: &mut Log) {
    log.at(7);
    log.finish(4, GPU, 1);
    log.engine(EngineFact::SubtaskFailed {
        subtask: SubtaskId(4),
        attempt: 1,
        cause: FailureCause::Performer("poisoned output".into()),
        retry_at: None,
    });
    log.engine(EngineFact::TaskFailed { task: TaskId(2) });
    log.engine(EngineFact::SubtaskCancelled {
        subtask: SubtaskId(5),
    });

    log.at(8);
    log.finish(3, DESK, 3);
    log.done(2, 0, 3);
    log.task_done(1, 7);
    log.agent(AgentFact::MinutesApproved { agent: MARA });
}

/// Folds facts.
pub(crate) fn fold(facts: &[Fact<AnyFact>]) -> Live {
    let mut live = Live::new(&run());
    for fact in facts {
        live.apply(fact).unwrap();
    }
    live
}
