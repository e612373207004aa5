//! The parts of all tasks and what they wait for, as one graph.

use crate::{at::At, check::Check, graph, names::Names, spec::DecompositionSpec};

/// Parts of a cycle that a message names.
const MAX_CYCLE_SHOWN: usize = 12;

/// The parts of all decompositions as one graph, since a part may wait for one of another task.
pub(crate) struct PartGraph {
    /// Decomposition and part of each node, as positions in the file.
    pub(crate) at: Vec<(usize, usize)>,
    /// The nodes that must precede each node.
    pub(crate) before: Vec<Vec<usize>>,
}

impl PartGraph {
    pub(crate) fn new(check: &mut Check<'_>, specs: &[DecompositionSpec], tasks: &Names) -> Self {
        let mut at = Vec::new();
        let mut first_node = Vec::with_capacity(specs.len());
        let mut names = Vec::with_capacity(specs.len());
        for (decomposition, spec) in specs.iter().enumerate() {
            refuse_slash(check, &spec.task);
            if spec.parts.is_empty() {
                check.refuse(&spec.task, || {
                    ("a task has no parts", "list at least one in `parts`")
                });
            }
            first_node.push(at.len());
            names.push(Names::new(
                check,
                "part",
                "parts",
                spec.parts.iter().map(|part| &part.name),
            ));
            for (part, spec) in spec.parts.iter().enumerate() {
                refuse_slash(check, &spec.name);
                at.push((decomposition, part));
            }
        }
        let mut before = Vec::with_capacity(at.len());
        for &(decomposition, part) in &at {
            let mut predecessors: Vec<usize> = specs[decomposition].parts[part]
                .after
                .iter()
                .filter_map(|after| {
                    let name = check.value(after)?;
                    let (decomposition, part) = match name.split_once('/') {
                        Some((task, part)) => (tasks.find_name(check, after, task)?, part),
                        None => (decomposition, name.as_str()),
                    };
                    let part = names[decomposition].find_name(check, after, part)?;
                    Some(first_node[decomposition] + part)
                })
                .collect();
            predecessors.sort_unstable();
            predecessors.dedup();
            before.push(predecessors);
        }
        Self { at, before }
    }

    /// The nodes in an order that they can be done in; in that of the file if there is none.
    pub(crate) fn order(&self, check: &mut Check<'_>, specs: &[DecompositionSpec]) -> Vec<usize> {
        let cycle = match graph::order(&self.before) {
            Ok(order) => return order,
            Err(cycle) => cycle,
        };
        let task = self.at[cycle[0]].0;
        let within_one_task = cycle.iter().all(|node| self.at[*node].0 == task);
        let name = |node: usize| {
            let (decomposition, part) = self.at[node];
            let part = specs[decomposition].parts[part]
                .name
                .value
                .as_deref()
                .unwrap_or_default();
            match specs[decomposition].task.value.as_deref() {
                Ok(task) if !within_one_task => format!("{task}/{part}"),
                _ => part.to_owned(),
            }
        };
        let (decomposition, part) = self.at[cycle[0]];
        check.refuse(&specs[decomposition].parts[part].name, || {
            let mut shown: Vec<String> = cycle
                .iter()
                .take(MAX_CYCLE_SHOWN)
                .map(|node| name(*node))
                .collect();
            if cycle.len() > MAX_CYCLE_SHOWN {
                shown.push("…".into());
            }
            shown.push(name(cycle[0]));
            (
                format!("parts wait for each other: {}", shown.join(" → ")),
                "take one out of an `after`",
            )
        });
        (0..self.before.len()).collect()
    }
}

fn refuse_slash(check: &mut Check<'_>, at: &At<String>) {
    if at.value.as_deref().is_ok_and(|name| name.contains('/')) {
        check.refuse(at, || {
            (
                "the name of a task or part holds `/`",
                "it separates task and part in `after`; take it out",
            )
        });
    }
}
