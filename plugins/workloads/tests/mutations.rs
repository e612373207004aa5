//! Breaks files of each format in a thousand ways: no reader panics, and none takes more memory for a
//! file that it refuses than eight times the file.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]
#![expect(
    unsafe_code,
    reason = "an allocator that counts cannot be written without"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};
use workloads::{
    Format, ReadOptions, ScheduleFile, ToolGraph, Trace, TraceFormat, Workload, read_instance,
    read_workflow,
};

/// How much a reader may take beside eight times the file: machines, messages, tables of names.
const SMALL: usize = 16 << 10;

/// Counts what each thread has allocated.
struct Counting;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn grow(bytes: usize) {
    // A thread that ends has no count any more.
    NOW.try_with(|now| {
        now.set(now.get().wrapping_add(bytes));
        PEAK.try_with(|peak| peak.set(peak.get().max(now.get())))
            .ok();
    })
    .ok();
}

fn shrink(bytes: usize) {
    NOW.try_with(|now| now.set(now.get().saturating_sub(bytes)))
        .ok();
}

// SAFETY: all memory comes from the system's allocator; only numbers are kept beside.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that were taken at once while `work` was done.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.get();
    PEAK.set(before);
    let done = work();
    (done, PEAK.get().saturating_sub(before))
}

/// Reads a text as a kind of file; says whether it was refused.
type Reader = fn(&str) -> bool;

fn instance(text: &str, format: Format) -> bool {
    let options = ReadOptions {
        processors: Some(4),
        ..ReadOptions::default()
    };
    read_instance(text, format, "", &options).is_err()
}

fn trace(text: &str, format: TraceFormat) -> bool {
    // Requests are not kept.
    Trace::new(text.as_bytes(), format).any(|request| request.is_err())
}

fn schedule(text: &str) -> bool {
    let shop = read_instance(FJSP, Format::Fjsp, "", &ReadOptions::default()).unwrap();
    ScheduleFile::read(text, &shop).is_err()
}

const FJSP: &str = "2 3 1.5\n2 1 1 5 2 2 4 3 6\n1 1 3 7\n";
const SCHEDULE: &str = r#"{"instance": "", "objective": "makespan", "value": 11, "operations": [
    {"job": 0, "operation": 0, "resource": 0, "start": 0, "end": 5},
    {"job": 0, "operation": 1, "resource": 1, "start": 5, "end": 9},
    {"job": 1, "operation": 0, "resource": 2, "start": 0, "end": 7}]}"#;
const WORKFLOW: &str = r#"{"name": "w", "schemaVersion": "1.5", "workflow": {
    "specification": {"tasks": [
      {"name": "s", "id": "a", "parents": [], "children": ["b"], "outputFiles": ["f"]},
      {"name": "t", "id": "b", "parents": ["a"], "children": [], "inputFiles": ["f"]}],
      "files": [{"id": "f", "sizeInBytes": 100}]},
    "execution": {"makespanInSeconds": 9, "executedAt": "", "tasks": [
      {"id": "a", "runtimeInSeconds": 4, "machines": ["m"]},
      {"id": "b", "runtimeInSeconds": 3}],
      "machines": [{"nodeName": "m", "cpu": {"coreCount": 8, "speedInMHz": 2000}}]}}}"#;
const OLD_WORKFLOW: &str = r#"{"schemaVersion": "1.3", "workflow": {"tasks": [
    {"name": "s_1", "id": "a", "runtime": 4, "parents": [],
     "files": [{"link": "output", "name": "f", "size": 100}], "machine": "m"},
    {"name": "t_2", "id": "b", "runtime": 3, "parents": ["s_1"],
     "files": [{"link": "input", "name": "f", "size": 100}]}],
    "machines": [{"nodeName": "m", "cpu": {"count": 8, "speed": 2000}}]}}"#;
const TOOLS: &str = r#"{"nodes": [
    {"id": "Translation", "desc": "", "input-type": ["text"], "output-type": ["text"]},
    {"id": "Text-to-Image", "input-type": ["text"], "output-type": ["image"]}],
    "links": [{"source": "Translation", "target": "Text-to-Image", "type": "text"}]}"#;
const CREW: &str = include_str!("../../../assets/workloads/crew.workload.ron");

const SERVING: &str = include_str!("../../../assets/workloads/serving.workload.ron");

/// Each kind of file: a good one and its reader.
const KINDS: &[(&str, Reader)] = &[
    (FJSP, |text| instance(text, Format::Fjsp)),
    ("3 2 2\n0 2\n1 2\n1 0 4\n2 0 1 1 2\n1 1 3\n", |text| {
        instance(text, Format::Fajsp)
    }),
    ("2 2\n0 3 1 4\n1 2 0 1\n", |text| {
        instance(text, Format::Jsp)
    }),
    ("2\n2\n1 2\n3 4\n5 6\n", |text| instance(text, Format::Hfsp)),
    ("2\n0 0 0\n1 7 1 0\n2 5 1 0\n3 0 2 1 2\n", |text| {
        instance(text, Format::Stg)
    }),
    (WORKFLOW, |text| read_workflow(text).is_err()),
    (OLD_WORKFLOW, |text| read_workflow(text).is_err()),
    (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,48,10\n",
        |text| trace(text, TraceFormat::Azure),
    ),
    (
        "{\"timestamp\": 1, \"input_length\": 9, \"output_length\": 5, \"hash_ids\": [1, 2]}\n",
        |text| trace(text, TraceFormat::Mooncake),
    ),
    (SCHEDULE, schedule),
    (TOOLS, |text| ToolGraph::read(text).is_err()),
    (CREW, |text| Workload::read(text).is_err()),
    (SERVING, |text| Workload::read(text).is_err()),
];

/// What is put into a file: numbers that promise much, and what ends words and lists.
const INSERTED: &[&str] = &[
    "0",
    "-1",
    "9",
    "99",
    "4294967296",
    "18446744073709551616",
    "1e308",
    "nan",
    " ",
    "\n",
    "#",
    "\"",
    "[",
    "]",
    "(",
    "{",
    "}",
    ",",
    ":",
    "\u{feff}",
    "é",
    "null",
    "\\u0000",
    "//",
    "/*",
];

/// The text with one thing wrong, most likely.
fn mutate(text: &str, rng: &mut SmallRng) -> String {
    let mut place = || {
        let mut at = rng.random_range(0..=text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (a, b) = (place(), place());
    let (from, to) = (a.min(b), a.max(b));
    let inserted = INSERTED[rng.random_range(0..INSERTED.len())];
    match rng.random_range(0..6) {
        0 => text[..from].to_owned(),
        1 => format!("{}{}", &text[..from], &text[to..]),
        2 => format!("{}{inserted}{}", &text[..from], &text[from..]),
        3 => format!("{}{}", &text[..to], &text[from..]),
        4 => {
            let end = text[from..]
                .chars()
                .next()
                .map_or(from, |c| from + c.len_utf8());
            format!("{}{inserted}{}", &text[..from], &text[end..])
        }
        // A number becomes another one.
        _ => {
            let digit = |c: char| c.is_ascii_digit();
            let start = text[from..].find(digit).map_or(from, |at| from + at);
            let rest = text[start..].trim_start_matches(digit);
            format!("{}{inserted}{rest}", &text[..start])
        }
    }
}

/// Reads a text and refuses to let the reader take too much for it if it refuses it.
fn check(text: &str, reader: Reader) -> bool {
    let (is_refused, peak) = peak(|| reader(text));
    assert!(
        !is_refused || peak <= 8 * text.len() + SMALL,
        "{peak} bytes for {} of {:?}",
        text.len(),
        &text[..text.floor_char_boundary(400)]
    );
    is_refused
}

#[test]
fn no_mutation_makes_a_reader_panic_or_take_too_much() {
    for (number, (good, reader)) in KINDS.iter().enumerate() {
        assert!(!check(good, *reader), "{good}");
        let mut rng = SmallRng::seed_from_u64(number as u64);
        let rounds = if good.len() > 1000 { 300 } else { 2000 };
        let mut n_refused = 0;
        for _ in 0..rounds {
            let mut text = mutate(good, &mut rng);
            if rng.random_bool(0.3) {
                text = mutate(&text, &mut rng);
            }
            n_refused += u32::from(check(&text, *reader));
        }
        assert!(
            n_refused * 4 > rounds,
            "{n_refused} of {rounds} refused: {good}"
        );
    }
}

/// Large files that turn out to be bad at their very end.
#[test]
fn what_is_bad_at_the_end_costs_little_too() {
    let many = |head: String, row: fn(usize) -> String, end: &str| {
        head + &(0..20_000).map(row).collect::<String>() + end
    };
    let fjsp = many(
        "20001 9\n".to_owned(),
        |_| "1 1 1 5\n".to_owned(),
        "1 1 99 1\n",
    );
    let stg = many(
        "20000\n".to_owned(),
        |n| {
            format!(
                "{n} 5 {}\n",
                if n == 0 {
                    "0".into()
                } else {
                    format!("1 {}", n - 1)
                }
            )
        },
        "20000 0 0\n20001 0 1 99999\n",
    );
    let fajsp = many(
        "2 20000 2\n".to_owned(),
        |_| "0 1\n".to_owned(),
        "1 0 4\n1 5 1\n",
    );
    let refs = many("{\"schemaVersion\": \"1.5\", \"workflow\": {\"specification\": {\"tasks\": [{\"name\": \"\", \"id\": \"a\", \"parents\": [".to_owned(), |_| "\"a\",".to_owned(), "\"b\"]}]}, \"execution\": {\"tasks\": []}}}");
    let tasks = many(
        "{\"schemaVersion\": \"1.6\", \"workflow\": {\"specification\": {\"tasks\": [".to_owned(),
        |n| format!("{{\"name\":\"\",\"id\":\"{n}\",\"parents\":[\"1\"]}},"),
        "{\"name\": \"\", \"id\": \"1\", \"parents\": []}]}, \"execution\": {\"tasks\": []}}}",
    );
    let hashes = many(
        "{\"timestamp\": 1, \"input_length\": 9, \"output_length\": 5, \"hash_ids\": [".to_owned(),
        |_| "1,".to_owned(),
        "x]}",
    );
    let subtasks = many("(version:1,name:\"w\",resources:[(name:\"r\",skills:{tag:()})],tasks:[(name:\"t\",subtasks:[".to_owned(), |n| format!("(name:\"{n}\",skill:tag),"), "(name:\"x\",skill:tag,after:[(subtask:\"y\")])])])");
    let cases: [(&str, Reader); 7] = [
        (&fjsp, |text| instance(text, Format::Fjsp)),
        (&stg, |text| instance(text, Format::Stg)),
        (&fajsp, |text| instance(text, Format::Fajsp)),
        (&refs, |text| read_workflow(text).is_err()),
        (&tasks, |text| read_workflow(text).is_err()),
        (&hashes, |text| trace(text, TraceFormat::Mooncake)),
        (&subtasks, |text| Workload::read(text).is_err()),
    ];
    for (text, reader) in cases {
        assert!(check(text, reader), "{}", &text[..200]);
    }
}
