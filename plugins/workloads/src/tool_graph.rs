//! Samples workflows of agents from `TaskBench` graphs, which say which tool can feed which. Shen et al.
//! (2024), "`TaskBench`: benchmarking large language models for task automation".

use rand::{Rng as _, RngCore};
use schedule::{OwnerId, Skill, SubtaskId, SubtaskSpec, TaskId, TaskSpec};
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    error::{Problem, ReadError},
    json,
    spots::{Names, Spot},
};

/// Tools, and which can feed which.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolGraph {
    tools: Vec<Tool>,
    /// By source and target; each pair once.
    links: Vec<Link>,
}

/// Something that an agent can call.
#[derive(Clone, Debug, PartialEq)]
struct Tool {
    name: String,
    skill: Skill,
}

/// One tool can feed another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    source: u32,
    target: u32,
    /// How much goes from the one to the other, in bytes.
    bytes: u64,
}

/// The shape of a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// One tool.
    Node,
    /// Each tool feeds the next.
    Chain,
    /// A connected graph without cycles.
    Dag,
}

/// What an agent does for one request: tools, and which feeds which. A tool may be called twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentWorkflow {
    /// The tools, predecessors first, as numbers of the graph.
    pub tools: Vec<u32>,
    /// Places in `tools`: who feeds whom, and with how many bytes. By the one who is fed.
    pub arcs: Vec<(u32, u32, u64)>,
}

#[derive(Debug, Deserialize)]
struct File {
    nodes: Box<[Node]>,
    links: Box<[FileLink]>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: Spot,
    #[serde(rename = "desc")]
    _desc: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct FileLink {
    source: Spot,
    target: Spot,
    #[serde(rename = "type")]
    medium: Option<Spot>,
}

impl ToolGraph {
    /// Reads a `graph_desc.json`: `nodes` with an `id` each, `links` with `source`, `target` and the
    /// `type` of what is handed on. Unknown fields are passed over.
    ///
    /// # Errors
    /// The first thing that is wrong, with line, column, and what to do.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let refuse = |error| json::read_error(text, 0, &error);
        // First a look that keeps nothing: most bad files are no JSON.
        serde_json::from_str::<IgnoredAny>(text).map_err(refuse)?;
        let file: File = serde_json::from_str(text).map_err(refuse)?;
        let names = Names::new(text, file.nodes.iter().map(|node| node.id));
        if let Some(doubled) = names.doubled() {
            let name = names.get(doubled);
            let message = format!("tool {name:?} is there twice; rename or remove one");
            return Err(file.nodes[doubled as usize]
                .id
                .error(text, Problem::Other(message)));
        }
        if file.nodes.is_empty() {
            let message = "there are no tools; add some to `nodes`".to_owned();
            return Err(ReadError::at(text, 0, Problem::Other(message)));
        }
        let find = |spot: Spot| {
            let name = spot.in_text(text);
            names.find(&name).ok_or_else(|| {
                let message =
                    format!("there is no tool {name:?}; correct the name or add the tool");
                spot.error(text, Problem::Other(message))
            })
        };
        let mut links = Vec::with_capacity(file.links.len());
        for link in &file.links {
            let medium = link.medium.map(|medium| medium.in_text(text));
            links.push(Link {
                source: find(link.source)?,
                target: find(link.target)?,
                bytes: size_of(medium.as_deref().unwrap_or_default()),
            });
        }
        links.sort_unstable();
        links.dedup_by_key(|link| (link.source, link.target));
        let tools = (0..file.nodes.len() as u32).map(|number| Tool {
            name: names.get(number).to_owned(),
            skill: skill_of(names.get(number)),
        });
        Ok(Self {
            tools: tools.collect(),
            links,
        })
    }

    /// How many tools there are.
    pub fn n_tools(&self) -> usize {
        self.tools.len()
    }

    /// The name of a tool.
    pub fn name(&self, tool: u32) -> &str {
        &self.tools[tool as usize].name
    }

    /// What a tool needs done, guessed from its name.
    pub fn skill(&self, tool: u32) -> Skill {
        self.tools[tool as usize].skill
    }

    /// Draws a workflow of at most `n` tools; fewer where the graph leads no further.
    pub fn sample(&self, shape: Shape, n: usize, rng: &mut impl RngCore) -> AgentWorkflow {
        let n = if shape == Shape::Node { 1 } else { n.max(1) };
        let mut workflow = AgentWorkflow {
            tools: vec![rng.random_range(0..self.tools.len() as u32)],
            arcs: Vec::new(),
        };
        let mut n_tries = 0;
        while workflow.tools.len() < n && n_tries < 4 * n {
            n_tries += 1;
            let last = workflow.tools.len() - 1;
            let from = match shape {
                Shape::Dag => rng.random_range(0..=last),
                Shape::Node | Shape::Chain => last,
            };
            let links = self.links_of(workflow.tools[from]);
            if links.is_empty() {
                continue;
            }
            let link = links[rng.random_range(0..links.len())];
            let to = workflow.tools.len() as u32;
            workflow.tools.push(link.target);
            workflow.arcs.push((from as u32, to, link.bytes));
            if shape == Shape::Dag {
                self.join(&mut workflow, from, rng);
            }
        }
        workflow
    }

    /// Lets a second tool feed the last one, half of the time, if one can.
    fn join(&self, workflow: &mut AgentWorkflow, fed_by: usize, rng: &mut impl RngCore) {
        let to = workflow.tools.len() - 1;
        let other = rng.random_range(0..to);
        if other == fed_by || rng.random::<bool>() {
            return;
        }
        let links = self.links_of(workflow.tools[other]);
        let target = workflow.tools[to];
        if let Ok(at) = links.binary_search_by_key(&target, |link| link.target) {
            workflow
                .arcs
                .push((other as u32, to as u32, links[at].bytes));
        }
    }

    /// What a tool can feed.
    fn links_of(&self, tool: u32) -> &[Link] {
        let start = self.links.partition_point(|link| link.source < tool);
        let end = self.links.partition_point(|link| link.source <= tool);
        &self.links[start..end]
    }

    /// A workflow as a task of the engine, when `task` and `n_subtasks` are the numbers of tasks and
    /// subtasks before it. Prompts have some 600 tokens, answers some 200, both log-normal.
    pub fn task(
        &self,
        workflow: &AgentWorkflow,
        task: u32,
        n_subtasks: u32,
        rng: &mut impl RngCore,
    ) -> (TaskSpec, Vec<SubtaskSpec>) {
        let subtasks = workflow.tools.iter().enumerate().map(|(place, tool)| {
            let fed = workflow.arcs.iter();
            let fed = fed.filter(|(_, to, _)| *to as usize == place);
            let mut fed: Vec<_> = fed.map(|(from, _, bytes)| (*from, *bytes)).collect();
            fed.sort_unstable();
            SubtaskSpec {
                name: self.name(*tool).to_owned(),
                after: fed
                    .iter()
                    .map(|(from, _)| SubtaskId(n_subtasks + from))
                    .collect(),
                received: fed.iter().map(|(_, bytes)| *bytes).collect(),
                items: 1,
                tokens: tokens(600.0, rng),
                output_tokens: tokens(200.0, rng),
                ..SubtaskSpec::new(TaskId(task), self.skill(*tool))
            }
        });
        let spec = TaskSpec::new(format!("request {task}"), OwnerId(0));
        (spec, subtasks.collect())
    }
}

/// A log-normal number of tokens around a median, with sigma 0.8.
fn tokens(median: f64, rng: &mut impl RngCore) -> u32 {
    // Box and Muller (1958), "A note on the generation of random normal deviates".
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    let normal = radius * (std::f64::consts::TAU * rng.random::<f64>()).cos();
    (median * (0.8 * normal).exp()).clamp(1.0, 32_000.0) as u32
}

/// How many bytes something of a kind usually has.
fn size_of(medium: &str) -> u64 {
    match medium {
        "image" => 500_000,
        "audio" => 2_000_000,
        "video" => 20_000_000,
        "url" => 200,
        _ => 4_000,
    }
}

/// The skill that the name of a tool speaks of.
fn skill_of(name: &str) -> Skill {
    const WORDS: [(&str, Skill); 12] = [
        ("summar", Skill::Summarise),
        ("answer", Skill::Answer),
        ("token class", Skill::Tag),
        ("classif", Skill::Classify),
        ("recognition", Skill::Transcribe),
        ("transcri", Skill::Transcribe),
        ("segment", Skill::Segment),
        ("similarity", Skill::Embed),
        ("search", Skill::Embed),
        ("detect", Skill::Inspect),
        ("check", Skill::Inspect),
        ("download", Skill::Carry),
    ];
    let name = name.to_lowercase().replace('_', " ");
    let found = WORDS.iter().find(|(word, _)| name.contains(word));
    found.map_or(Skill::Generate, |(_, skill)| *skill)
}
