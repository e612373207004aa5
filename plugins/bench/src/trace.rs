//! Writes a run as a trace that Perfetto and Chrome open (<https://ui.perfetto.dev>, <chrome://tracing>).
//!
//! The format is the JSON of trace events, as "Trace Event Format" (Google, 2016) describes it; times
//! are microseconds of simulated time, and a unit of an instance counts as a second. There are three
//! processes: resources, agents (or jobs), and the run with its counters and missed deadlines. Work
//! that overlaps on one resource, such as a batch, is shown in several rows of that resource.

mod counters;
mod lanes;

use std::{
    fmt,
    fs::{self, File},
    io::{self, BufWriter, Read as _, Write},
    path::Path,
};

use serde_json::json;

use self::lanes::Lanes;
use crate::run::{Piece, Run, Unit};

/// Beyond so many precedences none is drawn: nobody could tell the arrows apart.
const MAX_ARROWS: usize = 100_000;
/// The head of a trace, in which its key is looked for.
const HEAD: u64 = 1024;

/// The processes of a trace.
const RESOURCES: u32 = 1;
const AGENTS: u32 = 2;
const RUN: u32 = 3;

/// Nanoseconds, printed as microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Time(u64);

impl Time {
    /// Seconds, or units of an instance.
    fn of(time: f64) -> Self {
        // Does not wrap: numbers too large become the largest there is.
        Self((time * 1e9).round() as u64)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// What a trace is of.
#[derive(Clone, Copy, Debug)]
pub struct TraceOf<'a> {
    /// The input.
    pub input: &'a str,
    /// Who decided.
    pub runner: &'a str,
    /// Where chance came from.
    pub seed: u64,
    /// What tells it from traces of the same input, runner and seed; may be empty.
    pub key: &'a str,
}

/// Writes the trace of `run` to the file `path`, which is replaced at once or not at all.
///
/// # Errors
/// If the file cannot be written.
pub fn write_trace(path: &Path, run: &Run, of: TraceOf<'_>) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let mut out = BufWriter::new(File::create(&part)?);
    Writer {
        out: &mut out,
        is_first: true,
    }
    .all(run, of)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?;
    fs::rename(&part, path)
}

/// Whether there is a trace with this key in the file.
pub(crate) fn has_key(path: &Path, key: &str) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    read.is_ok() && String::from_utf8_lossy(&head).contains(&key_text(key))
}

fn key_text(key: &str) -> String {
    format!("\"key\":{}", json!(key))
}

/// Writes one event after the other.
struct Writer<'a, W> {
    out: &'a mut W,
    is_first: bool,
}

impl<W: Write> Writer<'_, W> {
    fn all(&mut self, run: &Run, of: TraceOf<'_>) -> io::Result<()> {
        let n_arrows = run.arcs.len();
        let arrows = if n_arrows > MAX_ARROWS {
            &[]
        } else {
            &run.arcs[..]
        };
        let unit = match run.unit {
            Unit::Seconds => "seconds",
            Unit::Own => "a unit of the instance is shown as a second",
        };
        write!(
            self.out,
            "{{\"otherData\":{{{},\"input\":{},\"runner\":{},\"seed\":\"{}\",\"unit\":{},\"arrows left out\":\"{}\"}},\n\
             \"displayTimeUnit\":\"ms\",\n\"traceEvents\":[\n",
            key_text(of.key),
            json!(of.input),
            json!(of.runner),
            of.seed,
            json!(unit),
            n_arrows - arrows.len(),
        )?;
        let title = format!("{}, {}, seed {}", of.input, of.runner, of.seed);
        let resources = Lanes::of(&run.pieces, run.resources.len(), |piece| piece.resource);
        let agents = Lanes::of(&run.pieces, run.agents.len(), |piece| piece.agent);
        let names = run.resources.iter().map(|resource| resource.name.as_str());
        self.process(RESOURCES, "resources")?;
        self.threads(RESOURCES, &resources, &names.collect::<Vec<_>>())?;
        self.process(AGENTS, "agents")?;
        let names = run.agents.iter().map(String::as_str);
        self.threads(AGENTS, &agents, &names.collect::<Vec<_>>())?;
        self.process(RUN, &title)?;
        self.event("\"ph\":\"M\",\"name\":\"thread_name\"", RUN, 1)?;
        write!(self.out, ",\"args\":{{\"name\":\"deadlines\"}}}}")?;
        for (n, piece) in run.pieces.iter().enumerate() {
            self.work(run, piece, RESOURCES, resources.thread(n))?;
            self.work(run, piece, AGENTS, agents.thread(n))?;
        }
        self.arrows(run, arrows, &resources)?;
        self.counters(run)?;
        self.deadlines(run)?;
        self.out.write_all(b"\n]}\n")
    }

    /// Begins an event, with what all events have; `}` is to follow.
    fn event(&mut self, head: &str, process: u32, thread: u32) -> io::Result<()> {
        let comma = if self.is_first { "" } else { ",\n" };
        self.is_first = false;
        write!(
            self.out,
            "{comma}{{{head},\"pid\":{process},\"tid\":{thread}"
        )
    }

    fn process(&mut self, process: u32, name: &str) -> io::Result<()> {
        self.event("\"ph\":\"M\",\"name\":\"process_name\"", process, 0)?;
        write!(self.out, ",\"args\":{{\"name\":{}}}}}", json!(name))?;
        self.event("\"ph\":\"M\",\"name\":\"process_sort_index\"", process, 0)?;
        write!(self.out, ",\"args\":{{\"sort_index\":{process}}}}}")
    }

    /// Names the threads: a row's first as the row, the others with their number.
    fn threads(&mut self, process: u32, lanes: &Lanes, names: &[&str]) -> io::Result<()> {
        for (thread, row, number) in lanes.threads() {
            let name = match number {
                0 => names[row].to_owned(),
                _ => format!("{} ({})", names[row], number + 1),
            };
            self.event("\"ph\":\"M\",\"name\":\"thread_name\"", process, thread)?;
            write!(self.out, ",\"args\":{{\"name\":{}}}}}", json!(name))?;
            self.event(
                "\"ph\":\"M\",\"name\":\"thread_sort_index\"",
                process,
                thread,
            )?;
            write!(self.out, ",\"args\":{{\"sort_index\":{thread}}}}}")?;
        }
        Ok(())
    }

    /// A slice; and a mark at its end if the work did not do what it should.
    fn work(&mut self, run: &Run, piece: &Piece, process: u32, thread: u32) -> io::Result<()> {
        let (start, end) = (Time::of(piece.start), Time::of(piece.end));
        let task = run
            .tasks
            .get(piece.task as usize)
            .map(|task| task.name.as_str());
        let mut args = json!({
            "task": task,
            "subtask": piece.id,
            "resource": run.resources[piece.resource as usize].name,
            "agent": run.agents[piece.agent as usize],
            "waited": piece.start - piece.ready,
            "done": piece.is_done,
        });
        if let Some(decision) = piece.decision {
            args["policy rank"] = decision.rank.into();
            args["policy score"] = decision.score.into();
            args["candidates"] = decision.candidates.into();
        }
        self.event("\"ph\":\"X\",\"cat\":\"work\"", process, thread)?;
        let name = json!(&*piece.name);
        let span = Time(end.0.saturating_sub(start.0));
        write!(
            self.out,
            ",\"name\":{name},\"ts\":{start},\"dur\":{span},\"args\":{args}}}"
        )?;
        if piece.is_done {
            return Ok(());
        }
        self.event(
            "\"ph\":\"i\",\"s\":\"t\",\"cat\":\"failure\"",
            process,
            thread,
        )?;
        let name = json!(format!("{} failed or broken off", piece.name));
        write!(self.out, ",\"name\":{name},\"ts\":{end}}}")
    }

    /// From the end of the work that is needed to the first start of the work that needs it.
    fn arrows(&mut self, run: &Run, arcs: &[(u32, u32)], lanes: &Lanes) -> io::Result<()> {
        let n = run.pieces.iter().map(|piece| piece.id as usize + 1).max();
        let (mut done, mut first) = (vec![None; n.unwrap_or(0)], vec![None; n.unwrap_or(0)]);
        for (n, piece) in run.pieces.iter().enumerate() {
            first[piece.id as usize].get_or_insert(n);
            if piece.is_done {
                done[piece.id as usize] = Some(n);
            }
        }
        let at = |ends: &[Option<usize>], id: u32| ends.get(id as usize).copied().flatten();
        for (id, (from, to)) in arcs.iter().enumerate() {
            let (Some(from), Some(to)) = (at(&done, *from), at(&first, *to)) else {
                continue;
            };
            let (before, after) = (&run.pieces[from], &run.pieces[to]);
            let (end, start) = (Time::of(before.end), Time::of(after.start));
            // An arrow hangs on the slices that cover its ends: an empty one covers nothing.
            if Time::of(before.start) >= end || start >= Time::of(after.end) || end > start {
                continue;
            }
            let name = "\"cat\":\"precedence\",\"name\":\"needed\"";
            self.event(
                &format!("\"ph\":\"s\",{name}"),
                RESOURCES,
                lanes.thread(from),
            )?;
            write!(self.out, ",\"id\":{id},\"ts\":{}}}", Time(end.0 - 1))?;
            let head = format!("\"ph\":\"f\",\"bp\":\"e\",{name}");
            self.event(&head, RESOURCES, lanes.thread(to))?;
            write!(self.out, ",\"id\":{id},\"ts\":{start}}}")?;
        }
        Ok(())
    }

    fn counters(&mut self, run: &Run) -> io::Result<()> {
        let n_resources = run.resources.len().max(1) as f64;
        for (at, depth) in counters::depth(run) {
            self.counter("queue depth", at, f64::from(depth))?;
        }
        for (at, busy) in counters::busy(run) {
            self.counter("utilisation [%]", at, 100.0 * f64::from(busy) / n_resources)?;
        }
        Ok(())
    }

    fn counter(&mut self, name: &str, at: Time, value: f64) -> io::Result<()> {
        self.event("\"ph\":\"C\"", RUN, 0)?;
        let name = json!(name);
        write!(
            self.out,
            ",\"name\":{name},\"ts\":{at},\"args\":{{\"value\":{value}}}}}"
        )
    }

    fn deadlines(&mut self, run: &Run) -> io::Result<()> {
        for task in &run.tasks {
            let Some(due) = task.due.filter(|due| task.end.is_none_or(|end| end > *due)) else {
                continue;
            };
            self.event("\"ph\":\"i\",\"s\":\"p\",\"cat\":\"deadline\"", RUN, 1)?;
            let name = json!(format!("deadline of {} missed", task.name));
            write!(
                self.out,
                ",\"name\":{name},\"ts\":{}}}",
                Time::of(due.max(0.0))
            )?;
        }
        Ok(())
    }
}
