//! Puts a workflow together out of names, and refuses those that lead nowhere.

use super::{Workflow, WorkflowArc, WorkflowMachine, WorkflowTask};
use crate::{
    error::{Problem, ReadError},
    instance::Precedence,
    spots::{Names, Spot},
};

/// A task reads or writes a file, both by number.
type Use = (u32, u32);

/// A workflow of which more and more is known.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    text: &'a str,
    spots: Vec<Spot>,
    ids: Names<'a>,
    /// What parents and children may call tasks beside their ids.
    other_names: Option<Names<'a>>,
    runs: Vec<Option<(f64, Option<u32>)>>,
    machines: Vec<WorkflowMachine>,
    machine_names: Names<'a>,
    file_names: Option<Names<'a>>,
    sizes: Vec<f64>,
    precedence: Precedence,
    has_parents: Vec<bool>,
    reads: Vec<Use>,
    writes: Vec<Use>,
}

/// How many references of each kind there will be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) arcs: usize,
    pub(super) reads: usize,
    pub(super) writes: usize,
}

impl<'a> Draft<'a> {
    /// Tasks with these ids.
    pub(super) fn new(text: &'a str, ids: Vec<Spot>, counts: Counts) -> Result<Self, ReadError> {
        let names = Names::new(text, ids.iter().copied());
        if let Some(doubled) = names.doubled() {
            let message = format!(
                "task {:?} is there twice; rename or remove one",
                names.get(doubled)
            );
            return Err(ids[doubled as usize].error(text, Problem::Other(message)));
        }
        Ok(Self {
            text,
            ids: names,
            other_names: None,
            runs: vec![None; ids.len()],
            machines: Vec::new(),
            machine_names: Names::new(text, [].into_iter()),
            file_names: None,
            sizes: Vec::new(),
            // Tasks without parents may follow those that write what they read.
            precedence: Precedence::new(ids.len(), counts.arcs + counts.reads),
            has_parents: vec![false; ids.len()],
            reads: Vec::with_capacity(counts.reads),
            writes: Vec::with_capacity(counts.writes),
            spots: ids,
        })
    }

    /// Tasks are called by these names too.
    pub(super) fn also_called(&mut self, spots: impl ExactSizeIterator<Item = Spot>) {
        self.other_names = Some(Names::new(self.text, spots));
    }

    /// The machines, and where their names stand.
    pub(super) fn machines(
        &mut self,
        spots: impl ExactSizeIterator<Item = Spot>,
        machines: impl Iterator<Item = (Option<u32>, Option<f64>)>,
    ) {
        self.machine_names = Names::new(self.text, spots);
        let described = machines.enumerate();
        let machine = described.map(|(number, (cores, speed_mhz))| WorkflowMachine {
            name: self.machine_names.get(number as u32).to_owned(),
            cores,
            speed_mhz: speed_mhz.filter(|speed| *speed > 0.0 && speed.is_finite()),
        });
        self.machines = machine.collect();
    }

    /// The files and their sizes; of a file that comes twice, the first size counts.
    pub(super) fn files(
        &mut self,
        spots: impl ExactSizeIterator<Item = Spot>,
        sizes: impl ExactSizeIterator<Item = (Spot, f64)>,
    ) -> Result<(), ReadError> {
        self.file_names = Some(Names::new(self.text, spots));
        self.sizes.reserve_exact(sizes.len());
        for (spot, size) in sizes {
            self.sizes
                .push(self.amount(spot, "the size of file", size)?);
        }
        Ok(())
    }

    /// A task ran so long, on a machine.
    pub(super) fn ran(
        &mut self,
        task: Spot,
        runtime: f64,
        machine: Option<Spot>,
    ) -> Result<(), ReadError> {
        let number = self.task(task)?;
        let secs = self.amount(task, "the runtime of task", runtime)?;
        // Some files name machines that they do not list.
        let on = machine.and_then(|spot| self.machine_names.find(&spot.in_text(self.text)));
        if self.runs[number as usize].replace((secs, on)).is_some() {
            let id = self.ids.get(number);
            let message = format!("task {id:?} ran twice; remove one of its runs");
            return Err(task.error(self.text, Problem::Other(message)));
        }
        Ok(())
    }

    /// A task comes after others.
    pub(super) fn follows(&mut self, task: usize, parents: &[Spot]) -> Result<(), ReadError> {
        for parent in parents {
            let parent = self.task(*parent)?;
            self.precedence.add(parent as usize, task);
            self.has_parents[task] = true;
        }
        Ok(())
    }

    /// A task comes before others.
    pub(super) fn precedes(&mut self, task: usize, children: &[Spot]) -> Result<(), ReadError> {
        for child in children {
            let child = self.task(*child)? as usize;
            self.precedence.add(task, child);
            self.has_parents[child] = true;
        }
        Ok(())
    }

    /// A task reads a file.
    pub(super) fn reads(&mut self, task: usize, file: Spot) -> Result<(), ReadError> {
        if let Some(file) = self.file(file)? {
            self.reads.push((task as u32, file));
        }
        Ok(())
    }

    /// A task writes a file.
    pub(super) fn writes(&mut self, task: usize, file: Spot) -> Result<(), ReadError> {
        if let Some(file) = self.file(file)? {
            self.writes.push((task as u32, file));
        }
        Ok(())
    }

    /// The whole workflow.
    pub(super) fn finish(mut self) -> Result<Workflow, ReadError> {
        if let Some(number) = self.runs.iter().position(Option::is_none) {
            let id = self.ids.get(number as u32);
            let message = format!("task {id:?} has no runtime; add it to the execution");
            return Err(self.spots[number].error(self.text, Problem::Other(message)));
        }
        self.follow_files();
        if let Some(task) = self.precedence.cycle() {
            let id = self.ids.get(task as u32);
            let message =
                format!("task {id:?} comes after itself, by way of its parents; break the cycle");
            return Err(self.spots[task].error(self.text, Problem::Other(message)));
        }
        for uses in [&mut self.reads, &mut self.writes] {
            uses.sort_unstable();
            uses.dedup();
        }
        let runs = self.runs.iter().flatten().enumerate();
        let tasks = runs.map(|(number, (runtime_secs, machine))| WorkflowTask {
            id: self.ids.get(number as u32).to_owned(),
            runtime_secs: *runtime_secs,
            machine: *machine,
        });
        let mut arcs: Vec<WorkflowArc> = Vec::new();
        for &(from, to) in self.precedence.arcs() {
            if arcs
                .last()
                .is_none_or(|last| (last.from, last.to) != (from, to))
            {
                let bytes = self.handed_on(from, to);
                arcs.push(WorkflowArc { from, to, bytes });
            }
        }
        Ok(Workflow {
            tasks: tasks.collect(),
            arcs,
            machines: self.machines,
        })
    }

    /// Lets tasks without parents follow those that write what they read, as `WfCommons` does.
    fn follow_files(&mut self) {
        self.writes
            .sort_unstable_by_key(|(task, file)| (*file, *task));
        for &(task, file) in &self.reads {
            if self.has_parents[task as usize] {
                continue;
            }
            let at = self.writes.partition_point(|(_, written)| *written < file);
            if let Some(&(writer, written)) = self.writes.get(at)
                && written == file
                && writer != task
            {
                self.precedence.add(writer as usize, task as usize);
            }
        }
    }

    /// The sizes of the files that one task writes and another reads.
    fn handed_on(&self, from: u32, to: u32) -> f64 {
        let of = |uses: &'_ [Use], task: u32| {
            let start = uses.partition_point(|(user, _)| *user < task);
            let end = uses.partition_point(|(user, _)| *user <= task);
            start..end
        };
        let written = &self.writes[of(&self.writes, from)];
        let read = &self.reads[of(&self.reads, to)];
        let handed_on = read.iter().map(|(_, file)| *file).filter(|file| {
            written
                .binary_search_by_key(file, |(_, file)| *file)
                .is_ok()
        });
        handed_on.fold(0.0, |sum, file| sum + self.sizes[file as usize])
    }

    fn task(&self, spot: Spot) -> Result<u32, ReadError> {
        let name = spot.in_text(self.text);
        let found = self.ids.find(&name);
        let found = found.or_else(|| self.other_names.as_ref()?.find(&name));
        found.ok_or_else(|| {
            let message = format!("there is no task {name:?}; correct the name or add the task");
            spot.error(self.text, Problem::Other(message))
        })
    }

    /// A file by number; `None` if the text lists no files at all.
    fn file(&self, spot: Spot) -> Result<Option<u32>, ReadError> {
        let Some(names) = &self.file_names else {
            return Ok(None);
        };
        let name = spot.in_text(self.text);
        names.find(&name).map(Some).ok_or_else(|| {
            let message = format!("there is no file {name:?}; correct the name or list the file");
            spot.error(self.text, Problem::Other(message))
        })
    }

    fn amount(&self, spot: Spot, what: &str, value: f64) -> Result<f64, ReadError> {
        if value.is_finite() && value >= 0.0 {
            return Ok(value);
        }
        let name = spot.in_text(self.text);
        let message = format!("{what} {name:?} is {value}; it must not be negative");
        Err(spot.error(self.text, Problem::Other(message)))
    }
}
