//! What the panels of the gallery show.

use std::time::Duration;

use agents::{AgentFact, Quote};
use record::{Minutes, TurnRecord};
use schedule::{OwnerId, ResourceId, Skill};
use sim::{Pace, Progress, SimTime};

use crate::{
    control_bar::{Control, RunInfo},
    replica_board::{Condition, ReplicaRow},
    roster::{AgentRow, Doing, ResourceRow, Roster, Tally},
};

pub(super) fn control(progress: Progress) -> Control {
    Control {
        pace: Pace::Follow,
        progress,
        speed: 20.0,
        shown: SimTime::from_secs_f64(754.0),
    }
}

pub(super) fn info() -> RunInfo {
    let lines = [
        ("scene", "Team meeting"),
        ("policy", "heft"),
        ("seed", "1"),
        ("time", "modelled"),
        ("model", "all-minilm-l6-v2@bbd64ada5a32"),
    ];
    RunInfo {
        lines: lines
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .to_vec(),
    }
}

pub(super) fn roster(n_agents: usize) -> Roster {
    let doing = [
        Doing::Works {
            skill: Skill::Summarise,
            sentence: "summarises topic 3".into(),
        },
        Doing::Waits {
            sentence: "waits for 12 embeddings".into(),
        },
        Doing::Idle,
        Doing::Done,
    ];
    let agent = |i: usize| AgentRow {
        name: format!("Agent {i}"),
        role: "summariser".into(),
        tally: Tally {
            done: i as u32,
            running: 1,
            waiting: 2,
            failed: 0,
        },
        doing: doing[i % doing.len()].clone(),
        also_waits: "all who could do it are busy".into(),
    };
    let resource = |i: usize| ResourceRow {
        name: format!("replica {}", i + 1),
        kind: "minilm".into(),
        up: i != 1,
        running: 5,
        slots: 16,
        finished: 120,
        skill: Some(Skill::Embed),
    };
    Roster {
        agents: (0..n_agents).map(agent).collect(),
        resources: (0..3).map(resource).collect(),
        queue: vec![(Skill::Embed, 12), (Skill::Summarise, 2)],
    }
}

pub(super) fn quote(turn: u32) -> Quote {
    Quote {
        turn,
        speaker: "Ben".into(),
        text: "The sync loses bookmarks on slow networks.".into(),
        score: 0.6,
    }
}

pub(super) fn minutes() -> Minutes {
    let mut minutes = Minutes::default();
    let at = SimTime::from_secs_f64(65.0);
    for fact in [
        AgentFact::AgentJoined {
            agent: OwnerId(0),
            name: "Ada".into(),
            role: "chair".into(),
        },
        AgentFact::TopicFound {
            topic: 0,
            first_turn: 3,
            last_turn: 11,
        },
        AgentFact::TopicSummarised {
            topic: 0,
            sentences: vec![quote(4)],
        },
        AgentFact::TopicNamed {
            topic: 0,
            name: "sync, bookmarks, networks".into(),
        },
        AgentFact::QuestionAsked {
            question: 0,
            by: Some(OwnerId(0)),
            text: "When is the launch?".into(),
        },
        AgentFact::QuestionAnswered {
            question: 0,
            answer: "On the fourteenth.".into(),
            cited: vec![quote(6)],
            score: 0.63,
        },
        AgentFact::QuestionAsked {
            question: 1,
            by: None,
            text: "Who pays?".into(),
        },
        AgentFact::QuestionAnswered {
            question: 1,
            answer: String::new(),
            cited: Vec::new(),
            score: 0.1,
        },
        AgentFact::QuestionAsked {
            question: 2,
            by: None,
            text: "And where?".into(),
        },
        AgentFact::MinutesApproved { agent: OwnerId(0) },
    ] {
        minutes.apply(at, &fact);
    }
    minutes
}

pub(super) fn turns(n: usize) -> Vec<TurnRecord> {
    let turn = |i: usize| TurnRecord {
        at: SimTime::ZERO,
        speaker: ["Ada", "Ben"][i % 2].into(),
        text: format!(
            "This is sentence {i} of a long meeting in which much is said about the launch."
        ),
    };
    (0..n).map(turn).collect()
}

pub(super) fn replica_rows() -> Vec<ReplicaRow> {
    let conditions = [
        Condition::Busy,
        Condition::Killed,
        Condition::OutOfOrder("its file is damaged".into()),
        Condition::Removed,
    ];
    let rows = conditions.into_iter().enumerate();
    rows.map(|(n, condition)| ReplicaRow {
        resource: ResourceId(n as u32),
        name: format!("replica {}", n + 1),
        condition,
        version: "all-minilm-l6-v2@bbd64ada5a32".into(),
        device: "cpu".into(),
        bytes: Some(90_868_376),
        threads: 1,
        utilisation: 0.37,
        n_waiting: 2,
        p99: Some(Duration::from_millis(1234)),
        restarts: 3,
    })
    .collect()
}
