//! The tasks of a workload file, in the engine's terms.

use std::{cmp::Reverse, collections::BinaryHeap};

use rand::{Rng as _, RngCore};
use schedule::{
    Mode, OwnerId, ResourceId, Skill, Spread, SubtaskId, SubtaskSpec, TaskId, TaskSpec,
};
use sim::{SimSpan, SimTime, Streams};

use super::{
    WorkloadTask,
    name::{Name, Table},
    number::SomeSecs,
    pool::Pool,
    spec::{self, RepeatSpec, WorkloadSpec},
};
use crate::{
    error::ReadError,
    instance::Precedence,
    trace::{Request, Requests},
};

/// The most tasks, with all repeats.
const MOST_TASKS: usize = 10_000_000;
/// The most pairs of subtask and resource in modes.
const MOST_MODES: usize = 1 << 22;

/// A task as often as it arrives.
#[derive(Clone, Debug)]
pub(super) struct Template {
    task: TaskSpec,
    /// From release to deadline.
    deadline: Option<SimSpan>,
    /// Numbered from 0, predecessors first.
    subtasks: Vec<SubtaskSpec>,
    first: SimTime,
    repeat: Option<Repeat>,
    pub(super) trace: Option<Traced>,
}

/// The trace that a task follows.
#[derive(Clone, Debug)]
pub(super) struct Traced {
    /// As the file names it.
    pub(super) file: String,
    /// How many times as fast its requests arrive.
    speed: f64,
    /// `None` if it is not given yet.
    pub(super) requests: Option<Requests>,
}

/// How often a task arrives, and how far apart.
#[derive(Clone, Debug)]
struct Repeat {
    count: u32,
    every: SimSpan,
    spread: Spread,
}

impl Template {
    /// A request of a trace: one subtask, which takes all its tokens.
    pub(super) fn request() -> Self {
        let tenant = OwnerId(0);
        let subtask = SubtaskSpec {
            name: "generate".to_owned(),
            items: 1,
            ..SubtaskSpec::new(TaskId(0), Skill::Generate)
        };
        Self {
            task: TaskSpec::new("request", tenant),
            deadline: None,
            subtasks: vec![subtask],
            first: SimTime::ZERO,
            repeat: None,
            trace: Some(Traced {
                file: String::new(),
                speed: 1.0,
                requests: None,
            }),
        }
    }

    /// The task as number `number`, which arrives at `at` for the `time`th time (from 0), when
    /// `n_subtasks` came before its own.
    pub(super) fn task(
        &self,
        number: u32,
        at: SimTime,
        time: u32,
        n_subtasks: u32,
    ) -> WorkloadTask {
        let mut task = TaskSpec {
            release: Some(at),
            deadline: self.deadline.map(|deadline| at + deadline),
            ..self.task.clone()
        };
        if self.repeat.is_some() || self.trace.is_some() {
            task.name = format!("{}/{}", task.name, time + 1);
        }
        let mut subtasks = self.subtasks.clone();
        let requests = self
            .trace
            .as_ref()
            .and_then(|trace| trace.requests.as_ref());
        if let Some(requests) = requests {
            let request = requests.get(time as usize);
            for subtask in subtasks.iter_mut().filter(|subtask| takes_tokens(subtask)) {
                take_tokens(subtask, &request);
            }
        }
        for subtask in &mut subtasks {
            subtask.task = TaskId(number);
            for before in &mut subtask.after {
                before.0 += n_subtasks;
            }
        }
        WorkloadTask { task, subtasks }
    }
}

/// Whether a request has tokens for it.
fn takes_tokens(subtask: &SubtaskSpec) -> bool {
    subtask.skill == Skill::Generate && (subtask.tokens == 0 || subtask.output_tokens == 0)
}

/// Gives a subtask the tokens of a request, where it has none of its own.
fn take_tokens(subtask: &mut SubtaskSpec, request: &Request) {
    if subtask.tokens == 0 {
        subtask.tokens = request.prompt_tokens;
    }
    if subtask.output_tokens == 0 {
        subtask.output_tokens = request.output_tokens;
    }
}

impl Traced {
    /// When the template of this number, first released at `first`, arrives.
    fn arrivals(
        &self,
        first: SimTime,
        number: u32,
    ) -> impl Iterator<Item = (SimTime, u32, u32)> + '_ {
        let requests = self.requests.iter().flat_map(Requests::iter);
        requests.zip(0..).map(move |(request, time)| {
            let after = request.arrival - SimTime::ZERO;
            let after = match self.speed {
                1.0 => after,
                speed => SimSpan((after.0 as f64 / speed).round() as u64),
            };
            (first + after, number, time)
        })
    }
}

/// When which template arrives, and for the how manieth time; by time, then as in the file.
pub(super) fn arrivals(templates: &[Template], seed: u64) -> Vec<(SimTime, u32, u32)> {
    let streams = Streams::new(seed);
    let mut arrivals = Vec::new();
    for (number, template) in templates.iter().enumerate() {
        let mut at = template.first;
        if let Some(trace) = &template.trace {
            arrivals.extend(trace.arrivals(at, number as u32));
            continue;
        }
        arrivals.push((at, number as u32, 0));
        let Some(repeat) = &template.repeat else {
            continue;
        };
        let mut rng = streams.stream("arrivals", number as u64);
        for time in 1..repeat.count {
            let secs = repeat.every.as_secs_f64() * factor(&repeat.spread, &mut rng);
            at += SimSpan::from_secs_f64(secs);
            arrivals.push((at, number as u32, time));
        }
    }
    arrivals.sort_unstable();
    arrivals
}

/// A draw from a distribution with mean 1, or from what was measured.
fn factor(spread: &Spread, rng: &mut impl RngCore) -> f64 {
    // From (0, 1], so that its logarithm is finite.
    let mut exponential = || -(1.0 - rng.random::<f64>()).ln();
    match spread {
        Spread::Exact => 1.0,
        Spread::Exponential => exponential(),
        Spread::Erlang { k } => (0..*k).map(|_| exponential()).sum::<f64>() / f64::from(*k),
        Spread::LogNormal { sigma } => {
            // Box and Muller (1958), "A note on the generation of random normal deviates".
            let radius = (2.0 * exponential()).sqrt();
            let angle = std::f64::consts::TAU * rng.random::<f64>();
            (sigma * radius * angle.cos() - sigma * sigma / 2.0).exp()
        }
        Spread::Uniform { low, high } => low + (high - low) * rng.random::<f64>(),
        Spread::Empirical { factors } => factors[rng.random_range(0..factors.len())],
    }
}

/// The tasks of a file.
pub(super) fn templates<'a>(
    text: &'a str,
    spec: &WorkloadSpec<'a>,
    pool: &Pool<'a>,
) -> Result<Vec<Template>, ReadError> {
    let mut names = Vec::new();
    let mut n_tasks = 0_usize;
    // First a look that keeps nothing but names.
    for part in spec.tasks.iter() {
        let task: spec::TaskSpec<'a> = part.read(text)?;
        // How many requests a trace has is not known yet.
        let count = task.repeat.as_ref().map_or(1, |repeat| repeat.count.0);
        n_tasks += count as usize;
        if n_tasks > MOST_TASKS {
            let message = format!("there are more than {MOST_TASKS} tasks; lower a count");
            return Err(task.name.error(text, message));
        }
        Reader::new(text, &task, pool)?.check()?;
        names.push(task.name);
    }
    Table::new(text, "task", names.into_iter())?;
    let tasks = spec.tasks.iter();
    tasks
        .map(|part| {
            let task = part.read(text)?;
            Reader::new(text, &task, pool)?.template()
        })
        .collect()
}

/// Reads a task.
struct Reader<'a, 'b> {
    text: &'a str,
    task: &'b spec::TaskSpec<'a>,
    pool: &'b Pool<'a>,
    /// The subtasks.
    names: Table<'a>,
}

impl<'a, 'b> Reader<'a, 'b> {
    fn new(
        text: &'a str,
        task: &'b spec::TaskSpec<'a>,
        pool: &'b Pool<'a>,
    ) -> Result<Self, ReadError> {
        if task.subtasks.is_empty() {
            let message = format!("task {:?} has no subtasks; add one", task.name.as_str());
            return Err(task.name.error(text, message));
        }
        let names = task.subtasks.iter().map(|part| {
            let subtask: spec::SubtaskSpec<'a> = part.read(text)?;
            Ok(subtask.name)
        });
        let names = names.collect::<Result<Vec<_>, ReadError>>()?;
        Ok(Self {
            text,
            task,
            pool,
            names: Table::new(text, "subtask", names.into_iter())?,
        })
    }

    /// Refuses what cannot be, keeping nothing.
    fn check(&self) -> Result<(), ReadError> {
        let n = self.task.subtasks.len();
        let mut precedence = Precedence::new(n, 0);
        for (number, part) in self.task.subtasks.iter().enumerate() {
            let subtask = self.subtask(&part.read(self.text)?)?;
            for before in subtask.after {
                precedence.add(before.index(), number);
            }
        }
        let Some(number) = precedence.cycle() else {
            self.trace()?;
            return self.repeat().map(drop);
        };
        let subtask: spec::SubtaskSpec<'a> = self.task.subtasks[number].read(self.text)?;
        let message = format!(
            "subtask {:?} comes after itself, by way of `after`; break the cycle",
            subtask.name.as_str()
        );
        Err(subtask.name.error(self.text, message))
    }

    fn template(&self) -> Result<Template, ReadError> {
        let subtasks = self.task.subtasks.iter();
        let subtasks = subtasks.map(|part| self.subtask(&part.read(self.text)?));
        let subtasks = subtasks.collect::<Result<Vec<_>, _>>()?;
        let tenant = self.pool.tenant(self.task.tenant.as_ref())?;
        let first = SimTime::from_secs_f64(self.task.release_secs.0);
        Ok(Template {
            task: TaskSpec {
                weight: self.task.weight.map_or(1.0, |weight| weight.0),
                tenant,
                priority: self.task.priority,
                ..TaskSpec::new(self.task.name.as_str(), tenant)
            },
            deadline: self.task.deadline_secs.map(SomeSecs::span),
            subtasks: predecessors_first(subtasks),
            first,
            repeat: self.repeat()?,
            trace: self.trace()?,
        })
    }

    fn trace(&self) -> Result<Option<Traced>, ReadError> {
        let Some(spec::TraceSpec { file, speed }) = &self.task.trace else {
            return Ok(None);
        };
        let refuse = |message: &str| Err(self.refuse("task", &self.task.name, message));
        if file.trim().is_empty() {
            return refuse("its trace has no file; name one");
        }
        if self.task.repeat.is_some() {
            return refuse("it has a `repeat` beside its `trace`; keep one");
        }
        let mut takes_any = false;
        for part in self.task.subtasks.iter() {
            takes_any |= takes_tokens(&self.subtask(&part.read(self.text)?)?);
        }
        if !takes_any {
            return refuse(
                "none of its subtasks takes the tokens of its trace; give it one with the skill \
                 generate and without `tokens` or `output_tokens`",
            );
        }
        Ok(Some(Traced {
            file: file.clone().into_owned(),
            speed: speed.map_or(1.0, |speed| speed.0),
            requests: None,
        }))
    }

    fn repeat(&self) -> Result<Option<Repeat>, ReadError> {
        let Some(RepeatSpec {
            count,
            every_secs,
            spread,
        }) = &self.task.repeat
        else {
            return Ok(None);
        };
        Ok(Some(Repeat {
            count: count.0,
            every: every_secs.span(),
            spread: spread
                .spread()
                .map_err(|message| self.refuse("repeat", &self.task.name, message))?,
        }))
    }

    fn subtask(&self, spec: &spec::SubtaskSpec<'a>) -> Result<SubtaskSpec, ReadError> {
        let model = spec.model.as_ref();
        if let Some(model) = model {
            self.pool.check_model(model)?;
        }
        let modes = self.modes(spec)?;
        let named = model.map(Name::as_str);
        if modes.is_empty() && !self.pool.can(spec.skill, named) {
            let with = named.map_or(String::new(), |model| format!(" with model {model:?}"));
            let message = format!(
                "no resource has skill {:?}{with}; give it to one, or give the subtask `modes`",
                spec.skill.name()
            );
            return Err(spec.name.error(self.text, message));
        }
        let before = spec.after.iter().map(|after| {
            let number = self.names.find(&after.subtask)?;
            Ok((SubtaskId(number as u32), after.bytes.0))
        });
        let mut before = before.collect::<Result<Vec<_>, ReadError>>()?;
        before.sort_unstable();
        if before.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            let message = "its `after` names a subtask twice; keep one";
            return Err(self.refuse("subtask", &spec.name, message));
        }
        let (after, received): (Vec<_>, Vec<_>) = before.into_iter().unzip();
        let spread = spec.spread.spread();
        Ok(SubtaskSpec {
            name: spec.name.as_str().to_owned(),
            model: named.map(str::to_owned),
            owner: OwnerId(0),
            after,
            received,
            items: spec.items.unwrap_or(1),
            tokens: spec.tokens,
            output_tokens: spec.output_tokens,
            bytes: spec.bytes.0,
            work: spec.work_secs.span(),
            modes,
            spread: spread.map_err(|message| self.refuse("subtask", &spec.name, message))?,
            memory_bytes: spec.memory_bytes.0,
            timeout: spec.timeout_secs.map(SomeSecs::span),
            max_attempts: spec.max_attempts.map(|n| n.0),
            ..SubtaskSpec::new(TaskId(0), spec.skill)
        })
    }

    fn modes(&self, spec: &spec::SubtaskSpec<'a>) -> Result<Vec<Mode>, ReadError> {
        let mut modes: Vec<Mode> = Vec::new();
        for mode in spec.modes.iter() {
            let (group, speed) = self.pool.group(&mode.resource)?;
            let span = match speed {
                1.0 => mode.secs.span(),
                speed => SimSpan::from_secs_f64(mode.secs.0 / speed),
            };
            if modes.len() + group.len() > MOST_MODES {
                let message = format!("there are more than {MOST_MODES} modes; lower a count");
                return Err(mode.resource.error(self.text, message));
            }
            modes.extend(group.map(|resource| Mode {
                resource: ResourceId(resource),
                span,
            }));
        }
        modes.sort_unstable();
        let mut pairs = modes.windows(2);
        if pairs.any(|pair| pair[0].resource == pair[1].resource) {
            let message = "its modes name a resource twice; keep one";
            return Err(self.refuse("subtask", &spec.name, message));
        }
        Ok(modes)
    }

    fn refuse(&self, noun: &str, name: &Name<'_>, message: &str) -> ReadError {
        let message = format!("{noun} {:?}: {message}", name.as_str());
        name.error(self.text, message)
    }
}

/// Renumbers subtasks so that predecessors come first; ties as in the file. There must be no cycle.
fn predecessors_first(mut subtasks: Vec<SubtaskSpec>) -> Vec<SubtaskSpec> {
    let mut successors = vec![Vec::new(); subtasks.len()];
    let mut missing = vec![0; subtasks.len()];
    for (number, subtask) in subtasks.iter().enumerate() {
        for before in &subtask.after {
            successors[before.index()].push(number);
            missing[number] += 1;
        }
    }
    let mut free: BinaryHeap<_> = (0..subtasks.len())
        .filter(|number| missing[*number] == 0)
        .map(Reverse)
        .collect();
    let mut places = vec![SubtaskId(0); subtasks.len()];
    let mut n_placed = 0;
    while let Some(Reverse(number)) = free.pop() {
        places[number] = SubtaskId(n_placed);
        n_placed += 1;
        for after in &successors[number] {
            missing[*after] -= 1;
            if missing[*after] == 0 {
                free.push(Reverse(*after));
            }
        }
    }
    for subtask in &mut subtasks {
        let before = subtask.after.iter().map(|before| places[before.index()]);
        let mut before: Vec<_> = before.zip(subtask.received.iter().copied()).collect();
        before.sort_unstable();
        (subtask.after, subtask.received) = before.into_iter().unzip();
    }
    let mut placed: Vec<_> = places.into_iter().zip(subtasks).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, subtask)| subtask).collect()
}
