//! Random workloads and a small driver that takes an engine through them.

use std::collections::BTreeMap;

use rand::Rng as _;
use schedule::{
    Batch, Charge, Engine, EngineFact, EngineOptions, LatencyProfile, OwnerId, PolicyName,
    ResourceId, ResourceKind, ResourceSpec, Skill, SubtaskId, SubtaskSpec, TaskId, TaskSpec,
};
use sim::{SimSpan, SimTime, Streams};

/// One simulated millisecond.
pub(crate) const MS: u64 = 1_000_000;

pub(crate) type Facts = Vec<(SimTime, EngineFact)>;

pub(crate) fn options(policy: PolicyName) -> EngineOptions {
    EngineOptions::new(policy, Charge::Modelled { noise: 0.0 }, Streams::new(7))
}

pub(crate) fn profile(fixed: u64, per_item: u64, per_token: u64) -> LatencyProfile {
    LatencyProfile {
        fixed: SimSpan(fixed),
        per_item: SimSpan(per_item),
        per_token: SimSpan(per_token),
    }
}

pub(crate) fn replica(name: &str, slots: u32, skills: &[(Skill, LatencyProfile)]) -> ResourceSpec {
    let kind = ResourceKind::Replica {
        model: "minilm".to_owned(),
    };
    ResourceSpec {
        slots,
        ..ResourceSpec::new(name, kind, skills.to_vec())
    }
}

pub(crate) fn task(name: &str) -> TaskSpec {
    TaskSpec::new(name, OwnerId(0))
}

pub(crate) fn subtask(task: TaskId, skill: Skill, items: u32, after: &[SubtaskId]) -> SubtaskSpec {
    SubtaskSpec {
        name: format!("{} {items}", skill.name()),
        after: after.to_vec(),
        items,
        ..SubtaskSpec::new(task, skill)
    }
}

/// Something from outside; numbers of tasks and subtasks are those of the plan.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Open(usize, TaskSpec),
    Add {
        task: usize,
        spec: SubtaskSpec,
        after: Vec<usize>,
    },
    Close(usize),
    SetUp(ResourceId, bool),
}

pub(crate) type Plan = Vec<(SimTime, Action)>;

/// A pool and what is asked of it, drawn from a seed.
pub(crate) struct Case {
    pub(crate) resources: Vec<ResourceSpec>,
    pub(crate) plan: Plan,
}

const SKILLS: [Skill; 3] = [Skill::Embed, Skill::Tag, Skill::Answer];

/// Up to six resources, up to six tasks of up to twelve subtasks with edges among all of them, half
/// of the tasks arriving late and growing while they run; with `faults`, resources that fail.
pub(crate) fn random_case(seed: u64, faults: bool) -> Case {
    let mut rng = Streams::new(seed).stream("case", 0);
    let mut resources: Vec<_> = (0..rng.random_range(1..=5))
        .map(|n| {
            let mut skills = Vec::new();
            for skill in SKILLS {
                if rng.random_bool(0.6) {
                    skills.push((skill, random_profile(&mut rng)));
                }
            }
            let skills = if skills.is_empty() {
                vec![(Skill::Embed, profile(MS, 0, 0))]
            } else {
                skills
            };
            let mut spec = replica(&format!("r{n}"), rng.random_range(1..=4), &skills);
            spec.bytes_per_sec = rng.random_bool(0.5).then_some(1e6);
            spec
        })
        .collect();
    // One who can do anything, so that nothing is refused.
    let all: Vec<_> = SKILLS
        .into_iter()
        .map(|skill| (skill, random_profile(&mut rng)))
        .collect();
    resources.push(replica("all", rng.random_range(1..=4), &all));
    let mut plan = random_plan(&mut rng);
    if faults {
        for n in 0..resources.len() as u32 {
            let down = rng.random_range(0..60 * MS);
            let up = down + rng.random_range(0..30 * MS);
            plan.push((SimTime(down), Action::SetUp(ResourceId(n), false)));
            plan.push((SimTime(up), Action::SetUp(ResourceId(n), true)));
        }
    }
    plan.sort_by_key(|(at, _)| *at);
    Case { resources, plan }
}

fn random_plan(rng: &mut impl rand::Rng) -> Plan {
    let mut plan = Plan::new();
    for number in 0..rng.random_range(1..=6) {
        let mut at = if rng.random_bool(0.5) {
            0
        } else {
            rng.random_range(0..40 * MS)
        };
        let mut spec = task(&format!("t{number}"));
        spec.deadline = rng
            .random_bool(0.5)
            .then(|| SimTime(at + rng.random_range(0..50 * MS)));
        plan.push((SimTime(at), Action::Open(number, spec)));
        for _ in 0..rng.random_range(0..=12) {
            at += if rng.random_bool(0.2) {
                rng.random_range(0..5 * MS)
            } else {
                0
            };
            let skill = SKILLS[rng.random_range(0..SKILLS.len())];
            let mut spec = subtask(TaskId(0), skill, rng.random_range(1..5), &[]);
            spec.tokens = rng.random_range(0..50);
            spec.bytes = rng.random_range(0..5000);
            spec.model = rng.random_bool(0.2).then(|| "minilm".to_owned());
            plan.push((
                SimTime(at),
                Action::Add {
                    task: number,
                    spec,
                    after: Vec::new(),
                },
            ));
        }
        plan.push((SimTime(at), Action::Close(number)));
    }
    plan.sort_by_key(|(at, _)| *at);
    let adds = plan.iter_mut().filter_map(|(_, action)| match action {
        Action::Add { after, .. } => Some(after),
        _ => None,
    });
    for (n, after) in adds.enumerate() {
        *after = (0..n)
            .filter(|_| rng.random_bool(1.5 / (n as f64 + 2.0)))
            .collect();
    }
    plan
}

fn random_profile(rng: &mut impl rand::Rng) -> LatencyProfile {
    profile(
        rng.random_range(0..5 * MS),
        rng.random_range(0..2 * MS),
        rng.random_range(0..MS / 10),
    )
}

/// Drives engine and plan to their end; `perform` says what becomes of each subtask of a batch that
/// ends, and how long a batch takes that is not charged by the model.
pub(crate) struct Driver<P> {
    pub(crate) engine: Engine,
    pub(crate) facts: Facts,
    pub(crate) perform: P,
    /// By number in the plan; `None`: refused.
    subtasks: Vec<Option<SubtaskId>>,
    tasks: BTreeMap<usize, TaskId>,
}

pub(crate) trait Perform {
    fn result(&mut self, batch: &Batch, subtask: SubtaskId) -> Result<(), String>;
    fn span(&mut self, _batch: &Batch) -> SimSpan {
        SimSpan(MS)
    }
    /// Called between the start of batches and the end of those that are due.
    fn look(&mut self, _engine: &Engine, _now: SimTime) {}
}

/// Everything succeeds.
pub(crate) struct Succeed;

impl Perform for Succeed {
    fn result(&mut self, _: &Batch, _: SubtaskId) -> Result<(), String> {
        Ok(())
    }
}

impl<P: Perform> Driver<P> {
    pub(crate) fn new(engine: Engine, perform: P) -> Self {
        Self {
            engine,
            facts: Vec::new(),
            perform,
            subtasks: Vec::new(),
            tasks: BTreeMap::new(),
        }
    }

    pub(crate) fn run(&mut self, plan: &Plan) {
        let mut plan = plan.iter().cloned().peekable();
        let mut now = SimTime::ZERO;
        for _ in 0..1_000_000 {
            while let Some((_, action)) = plan.next_if(|(at, _)| *at <= now) {
                self.act(now, action);
            }
            self.step(now);
            let next = [self.engine.next_event(), plan.peek().map(|(at, _)| *at)];
            let Some(next) = next.into_iter().flatten().min() else {
                return;
            };
            now = now.max(next);
        }
        panic!("the run does not end");
    }

    pub(crate) fn step(&mut self, now: SimTime) {
        for batch in self.engine.schedule(now) {
            if batch.ends.is_none() {
                let span = self.perform.span(&batch);
                self.engine.set_span(batch.id, span);
            }
        }
        self.perform.look(&self.engine, now);
        for batch in self.engine.due(now) {
            let results: Vec<_> = batch
                .subtasks
                .iter()
                .map(|id| self.perform.result(&batch, *id))
                .collect();
            self.engine.finish(now, batch.id, &results);
        }
        self.facts
            .extend(self.engine.drain_facts().map(|fact| (now, fact)));
    }

    fn act(&mut self, now: SimTime, action: Action) {
        match action {
            Action::Open(number, spec) => {
                self.tasks.insert(number, self.engine.open_task(now, spec));
            }
            Action::Add {
                task,
                mut spec,
                after,
            } => {
                spec.task = self.tasks[&task];
                let after: Option<Vec<_>> = after.iter().map(|n| self.subtasks[*n]).collect();
                let id = after.and_then(|after| {
                    spec.after = after;
                    self.engine.add_subtask(now, spec).ok()
                });
                self.subtasks.push(id);
            }
            Action::Close(task) => self.engine.close_task(now, self.tasks[&task]),
            Action::SetUp(resource, up) => self.engine.set_up(now, resource, up),
        }
        self.facts
            .extend(self.engine.drain_facts().map(|fact| (now, fact)));
    }
}

/// Runs a case in which everything succeeds.
pub(crate) fn run_case(case: &Case, options: EngineOptions) -> Driver<Succeed> {
    let engine = Engine::new(case.resources.clone(), options).unwrap();
    let mut driver = Driver::new(engine, Succeed);
    driver.run(&case.plan);
    driver
}
