//! Edges and names in pools, so that a subtask needs no memory of its own for them.

use super::Subtask;
use crate::workload::SubtaskId;

/// No entry.
pub(crate) const NONE: u32 = u32::MAX;

/// Who comes after whom.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    before: Vec<SubtaskId>,
    /// A successor, and the next link of the same predecessor.
    links: Vec<(SubtaskId, u32)>,
}

impl Graph {
    /// Adds the predecessors of a subtask that is about to be added; gives their place.
    pub(crate) fn add(
        &mut self,
        id: SubtaskId,
        before: &[SubtaskId],
        subtasks: &mut [Subtask],
    ) -> (u32, u32) {
        let first = self.before.len() as u32;
        self.before.extend_from_slice(before);
        for earlier in before {
            let link = self.links.len() as u32;
            self.links.push((id, NONE));
            let (head, tail) = &mut subtasks[earlier.index()].after;
            match *tail {
                NONE => *head = link,
                last => self.links[last as usize].1 = link,
            }
            *tail = link;
        }
        (first, before.len() as u32)
    }

    pub(crate) fn before(&self, subtask: &Subtask) -> &[SubtaskId] {
        let (first, n) = subtask.before;
        &self.before[first as usize..(first + n) as usize]
    }

    /// The successors of a subtask in the order in which they were added.
    pub(crate) fn after(&self, subtask: &Subtask) -> After<'_> {
        After {
            graph: self,
            link: subtask.after.0,
        }
    }

    /// The successor at a link, and the next link.
    pub(crate) fn link(&self, link: u32) -> (SubtaskId, u32) {
        self.links[link as usize]
    }
}

/// Goes through successors.
#[derive(Clone, Debug)]
pub(crate) struct After<'a> {
    graph: &'a Graph,
    link: u32,
}

impl Iterator for After<'_> {
    type Item = SubtaskId;

    fn next(&mut self) -> Option<SubtaskId> {
        if self.link == NONE {
            return None;
        }
        let (id, next) = self.graph.links[self.link as usize];
        self.link = next;
        Some(id)
    }
}

/// What people call things; most have no name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Vec<String>);

impl Names {
    pub(crate) fn add(&mut self, name: String) -> u32 {
        if name.is_empty() {
            return NONE;
        }
        self.0.push(name);
        self.0.len() as u32 - 1
    }

    pub(crate) fn get(&self, place: u32) -> &str {
        self.0.get(place as usize).map_or("", String::as_str)
    }
}
