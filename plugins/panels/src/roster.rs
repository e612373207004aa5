//! Sums up the engine for the panels: per agent what it does and waits for, per resource its load.

use bevy::prelude::{DetectChanges as _, Res, ResMut, Resource};
use rooms::CurrentScene;
use schedule::{Engine, ResourceKind, Scheduler, Skill, SubtaskId, SubtaskState, WaitReason};

use crate::words;

/// How many subtasks are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) done: u32,
    pub(crate) running: u32,
    pub(crate) waiting: u32,
    pub(crate) failed: u32,
}

impl Tally {
    /// The counts in words.
    pub(crate) fn text(self) -> String {
        words::counts(self.done, self.running, self.waiting, self.failed)
    }

    fn count(&mut self, state: SubtaskState) {
        match state {
            SubtaskState::Done => self.done += 1,
            SubtaskState::Running { .. } => self.running += 1,
            SubtaskState::Blocked | SubtaskState::Ready | SubtaskState::Backoff { .. } => {
                self.waiting += 1;
            }
            SubtaskState::Failed | SubtaskState::Cancelled => self.failed += 1,
        }
    }
}

/// What an agent does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Doing {
    /// It was given nothing yet.
    #[default]
    Idle,
    /// A subtask of its own runs.
    Works {
        /// What is needed for it.
        skill: Skill,
        /// In words.
        sentence: String,
    },
    /// None runs, some wait.
    Waits {
        /// Why, in words.
        sentence: String,
    },
    /// All ended.
    Done,
}

impl Doing {
    /// In words.
    pub(crate) fn sentence(&self) -> &str {
        match self {
            Self::Idle => "nothing to do yet",
            Self::Works { sentence, .. } | Self::Waits { sentence } => sentence,
            Self::Done => "done",
        }
    }
}

/// An agent in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AgentRow {
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) tally: Tally,
    pub(crate) doing: Doing,
    /// What else waits while something runs, in words; empty if nothing does.
    pub(crate) also_waits: String,
}

/// A resource in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResourceRow {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) up: bool,
    pub(crate) running: u32,
    pub(crate) slots: u32,
    pub(crate) finished: u32,
    /// What it does now.
    pub(crate) skill: Option<Skill>,
}

impl ResourceRow {
    /// Which part of its slots is taken, from 0 to 1.
    pub(crate) fn load(&self) -> f32 {
        self.running as f32 / self.slots.max(1) as f32
    }
}

/// What the panels show of the engine.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roster {
    pub(crate) agents: Vec<AgentRow>,
    pub(crate) resources: Vec<ResourceRow>,
    /// How many subtasks are ready and wait for a resource, by skill.
    pub(crate) queue: Vec<(Skill, u32)>,
}

/// Sums the engine up anew in frames in which it changed.
pub(crate) fn update(
    scene: Option<Res<CurrentScene>>,
    scheduler: Option<Res<Scheduler>>,
    mut roster: ResMut<Roster>,
) {
    let Some(scheduler) = scheduler.filter(|s| s.is_changed() || roster.is_added()) else {
        return;
    };
    let people = scene.iter().flat_map(|scene| scene.agents.iter());
    let agents: Vec<(String, String)> = people
        .map(|agent| (agent.name.clone(), agent.role.name().to_owned()))
        .collect();
    *roster = sum_up(&scheduler, agents);
}

/// What the sum keeps of an agent until all subtasks are seen.
#[derive(Clone, Default)]
struct Seen {
    tally: Tally,
    runs: Option<SubtaskId>,
    waits: Option<SubtaskId>,
}

/// Sums up all subtasks in one pass; `agents` are names and roles by [`OwnerId`].
pub(crate) fn sum_up(engine: &Engine, agents: Vec<(String, String)>) -> Roster {
    let mut seen = vec![Seen::default(); agents.len()];
    let mut queue = std::collections::BTreeMap::<Skill, u32>::new();
    for subtask in engine.subtasks() {
        if subtask.state == SubtaskState::Ready {
            *queue.entry(subtask.spec.skill).or_default() += 1;
        }
        let Some(of_owner) = seen.get_mut(subtask.spec.owner.index()) else {
            continue;
        };
        of_owner.tally.count(subtask.state);
        match subtask.state {
            SubtaskState::Running { .. } => of_owner.runs = of_owner.runs.or(Some(subtask.id)),
            SubtaskState::Blocked | SubtaskState::Ready | SubtaskState::Backoff { .. } => {
                of_owner.waits = of_owner.waits.or(Some(subtask.id));
            }
            SubtaskState::Done | SubtaskState::Failed | SubtaskState::Cancelled => {}
        }
    }
    let mut agents: Vec<AgentRow> = agents
        .into_iter()
        .zip(seen)
        .map(|((name, role), seen)| agent_row(engine, name, role, &seen))
        .collect();
    // Those with work come first, so that nobody who only takes part pushes them out of sight.
    agents.sort_by_key(|agent| agent.doing == Doing::Idle);
    Roster {
        agents,
        resources: resource_rows(engine),
        queue: queue.into_iter().collect(),
    }
}

fn agent_row(engine: &Engine, name: String, role: String, seen: &Seen) -> AgentRow {
    let waits = seen
        .waits
        .map(|id| wait_sentence(engine, id))
        .unwrap_or_default();
    let tally = seen.tally;
    let (doing, also_waits) = match seen.runs {
        Some(id) => {
            let spec = &engine.subtask(id).spec;
            let mut sentence = words::doing(spec.skill, engine.subtask_name(id));
            if tally.running > 1 {
                sentence.push_str(&format!(" and {} more", tally.running - 1));
            }
            (
                Doing::Works {
                    skill: spec.skill,
                    sentence,
                },
                waits,
            )
        }
        None if seen.waits.is_some() => (Doing::Waits { sentence: waits }, String::new()),
        None if tally == Tally::default() => (Doing::Idle, String::new()),
        None => (Doing::Done, String::new()),
    };
    AgentRow {
        name,
        role,
        tally,
        doing,
        also_waits,
    }
}

fn wait_sentence(engine: &Engine, id: SubtaskId) -> String {
    let Some(reason) = engine.wait_reason(id) else {
        return String::new();
    };
    let resource = match &reason {
        WaitReason::BetterResource { resource }
        | WaitReason::Memory { resource }
        | WaitReason::StartingUp { resource, .. }
        | WaitReason::Queued { resource }
        | WaitReason::Planned { resource } => Some(engine.resource(*resource).spec.name.as_str()),
        _ => None,
    };
    words::waiting(&reason, missing_skill(engine, id), resource)
}

/// The skill that all missing predecessors share, if they do.
fn missing_skill(engine: &Engine, id: SubtaskId) -> Option<Skill> {
    let before = engine
        .predecessors(id)
        .iter()
        .map(|before| engine.subtask(*before));
    let mut skills = before
        .filter(|before| before.state != SubtaskState::Done)
        .map(|before| before.spec.skill);
    let first = skills.next()?;
    skills.all(|skill| skill == first).then_some(first)
}

fn resource_rows(engine: &Engine) -> Vec<ResourceRow> {
    let row = |resource: &schedule::Resource| {
        let running = engine.running_on(resource.id);
        ResourceRow {
            name: resource.spec.name.clone(),
            kind: match &resource.spec.kind {
                ResourceKind::Replica { model } if engine.is_loaded(resource.id) == Some(false) => {
                    format!("{model}, not in memory")
                }
                ResourceKind::Replica { model } => model.clone(),
                ResourceKind::Agent { .. } => "in person".to_owned(),
                ResourceKind::Machine => "machine".to_owned(),
            },
            up: resource.up,
            running: running.len() as u32,
            slots: resource.spec.slots,
            finished: resource.finished,
            skill: running.first().map(|id| engine.subtask(*id).spec.skill),
        }
    };
    engine.resources().iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use schedule::{
        Charge, EngineOptions, LatencyProfile, OwnerId, PolicyName, ResourceSpec, SubtaskSpec,
        TaskSpec,
    };
    use sim::{SimSpan, SimTime, Streams};

    use super::*;

    fn engine() -> Engine {
        let profile = LatencyProfile {
            fixed: SimSpan(1_000),
            ..LatencyProfile::default()
        };
        let kind = ResourceKind::Replica {
            model: "minilm".into(),
        };
        let skills = vec![(Skill::Embed, profile), (Skill::Summarise, profile)];
        let resource = ResourceSpec {
            slots: 4,
            ..ResourceSpec::new("minilm-1", kind, skills)
        };
        let charge = Charge::Modelled { noise: 0.0 };
        let options = EngineOptions::new(PolicyName::Fifo, charge, Streams::new(1));
        Engine::new(vec![resource], options).unwrap()
    }

    /// Two owners: the first has six texts to embed, the second a summary that needs them all.
    fn handed_in() -> Engine {
        let mut engine = engine();
        let now = SimTime::ZERO;
        let task = engine.open_task(now, TaskSpec::new("minutes", OwnerId(0)));
        let spec = |name: String, skill, owner, after| SubtaskSpec {
            name,
            owner: OwnerId(owner),
            after,
            items: 1,
            tokens: 10,
            ..SubtaskSpec::new(task, skill)
        };
        let texts: Vec<SubtaskId> = (1..=6)
            .map(|i| {
                engine
                    .add_subtask(
                        now,
                        spec(format!("embed turn {i}"), Skill::Embed, 0, vec![]),
                    )
                    .unwrap()
            })
            .collect();
        engine
            .add_subtask(now, spec("topic 1".into(), Skill::Summarise, 1, texts))
            .unwrap();
        engine
    }

    fn people() -> Vec<(String, String)> {
        ["Ada", "Ben", "Cy"]
            .map(|name| (name.to_owned(), "participant".to_owned()))
            .to_vec()
    }

    #[test]
    fn the_roster_says_what_the_engine_does() {
        let mut engine = handed_in();
        engine.schedule(SimTime::ZERO);
        let roster = sum_up(&engine, people());
        let [ada, ben, cy] = &roster.agents[..] else {
            panic!("three agents")
        };
        assert_eq!(ada.doing.sentence(), "embeds turn 1 and 3 more");
        assert_eq!(ada.also_waits, "all who could do it are busy");
        assert_eq!(ada.tally.text(), "4 running · 2 waiting");
        assert_eq!(ben.doing.sentence(), "waits for 6 embeddings");
        assert_eq!(cy.doing, Doing::Idle);
        assert_eq!(roster.queue, [(Skill::Embed, 2)]);
        let [resource] = &roster.resources[..] else {
            panic!("one resource")
        };
        assert_eq!(
            (resource.running, resource.slots, resource.skill),
            (4, 4, Some(Skill::Embed))
        );
    }

    #[test]
    fn counts_add_up_to_the_engine_at_every_event() {
        let mut engine = handed_in();
        let mut now = SimTime::ZERO;
        loop {
            for batch in engine.due(now) {
                engine.finish(now, batch.id, &vec![Ok(()); batch.subtasks.len()]);
            }
            engine.schedule(now);
            let roster = sum_up(&engine, people());
            let sum = |of: fn(&Tally) -> u32| {
                roster
                    .agents
                    .iter()
                    .map(|agent| of(&agent.tally))
                    .sum::<u32>()
            };
            assert_eq!(
                sum(|t| t.done + t.running + t.waiting + t.failed) as usize,
                engine.subtasks().len()
            );
            assert_eq!(
                sum(|t| t.running),
                roster.resources.iter().map(|r| r.running).sum::<u32>()
            );
            assert_eq!(
                sum(|t| t.done),
                roster.resources.iter().map(|r| r.finished).sum::<u32>()
            );
            let Some(next) = engine.next_event() else {
                break;
            };
            now = next;
        }
        assert_eq!(sum_up(&engine, people()).agents[1].doing, Doing::Done);
    }
}
