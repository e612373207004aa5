//! Edges and names in pools, so that a subtask needs no memory of its own for them.

use super::Subtask;
use crate::workload::SubtaskId;

/// No entry.
pub(crate) const NONE: u32 = u32::MAX;

/// Who comes after whom.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    /// Predecessors, by subtask.
    before: Vec<SubtaskId>,
    /// Where those of a subtask begin, by id, up to the last that has any.
    firsts: Vec<u32>,
    /// A successor, and the next link of the same predecessor.
    links: Vec<(SubtaskId, u32)>,
}

impl Graph {
    /// Adds the predecessors of a subtask that is about to be added.
    pub(crate) fn add(&mut self, id: SubtaskId, before: &[SubtaskId], subtasks: &mut [Subtask]) {
        if before.is_empty() {
            return;
        }
        self.firsts.resize(id.index() + 1, self.before.len() as u32);
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
    }

    pub(crate) fn before(&self, subtask: &Subtask) -> &[SubtaskId] {
        let at = subtask.id.index();
        let Some(first) = self.firsts.get(at) else {
            return &[];
        };
        let rest = &self.before[*first as usize..];
        match self.firsts.get(at + 1) {
            Some(end) => &rest[..(end - first) as usize],
            None => rest,
        }
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

/// What people call things, by number; most have no name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Vec<(u32, String)>);

impl Names {
    /// Names a thing whose number is larger than those named before.
    pub(crate) fn add(&mut self, number: u32, name: String) {
        if !name.is_empty() {
            self.0.push((number, name));
        }
    }

    pub(crate) fn get(&self, number: u32) -> &str {
        let at = self.0.binary_search_by_key(&number, |(named, _)| *named);
        at.map_or("", |at| &self.0[at].1)
    }
}
