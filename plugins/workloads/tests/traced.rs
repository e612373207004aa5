//! Lets tasks of workloads follow traces, out of files and as a pool for any trace.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use std::{fs, path::Path};

use schedule::{Engine, Skill};
use sim::SimTime;
use workloads::{Requests, TraceFormat, Workload, read_trace_file, read_workload_file};

const AZURE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
    2023-11-16 18:17:03.5,100,10\n\
    2023-11-16 18:17:05.5,0,7\n\
    2023-11-16 18:17:05.5,300,5\n";
const MOONCAKE: &str = "{\"timestamp\": 0, \"input_length\": 100, \"output_length\": 10}\n\
    {\"timestamp\": 2000, \"input_length\": 0, \"output_length\": 7}\n\
    {\"timestamp\": 2000, \"input_length\": 300, \"output_length\": 5}\n";
/// A question is looked up before it is answered; the answer has 50 tokens, whatever the trace says.
const TRACED: &str = r#"(version: 1, name: "traced", seed: 3,
    resources: [
        (name: "gpu", slots: 4, skills: {generate: (per_token_secs: 0.001)}),
        (name: "cpu", skills: {embed: (fixed_secs: 0.1)}),
    ],
    tasks: [
        (name: "other", subtasks: [(name: "embed", skill: embed)]),
        (name: "question", release_secs: 1.0, deadline_secs: 9.0,
         trace: (file: "requests.csv", speed: 2.0), subtasks: [
            (name: "answer", skill: generate, output_tokens: 50, after: [(subtask: "look up")]),
            (name: "look up", skill: embed, tokens: 8),
        ]),
    ],
)"#;

fn requests(text: &str, format: TraceFormat) -> Requests {
    Requests::read(text.as_bytes(), format).unwrap()
}

/// Name, release, and the tokens of all subtasks with skill generate, of each task.
fn tasks(workload: &Workload) -> Vec<(String, f64, Vec<(u32, u32)>)> {
    let secs = |at: Option<SimTime>| at.unwrap().as_secs_f64();
    let tasks = workload.tasks().map(|task| {
        let subtasks = task.subtasks.iter();
        let generating = subtasks.filter(|subtask| subtask.skill == Skill::Generate);
        let tokens = generating.map(|subtask| (subtask.tokens, subtask.output_tokens));
        (task.task.name, secs(task.task.release), tokens.collect())
    });
    tasks.collect()
}

fn named(name: &str, release: f64, tokens: &[(u32, u32)]) -> (String, f64, Vec<(u32, u32)>) {
    (name.to_owned(), release, tokens.to_vec())
}

#[test]
fn a_task_follows_its_trace() {
    let mut workload = Workload::read(TRACED).unwrap();
    assert_eq!(workload.missing_traces(), ["requests.csv"]);
    assert_eq!(workload.n_tasks(), 1);
    workload.give_trace("requests.csv", &requests(AZURE, TraceFormat::Azure));
    assert!(workload.missing_traces().is_empty());
    let expected = [
        named("other", 0.0, &[]),
        named("question/1", 1.0, &[(100, 50)]),
        named("question/2", 2.0, &[(0, 50)]),
        named("question/3", 2.0, &[(300, 50)]),
    ];
    assert_eq!(tasks(&workload), expected);
    assert_eq!(tasks(&workload.with_seed(8)), expected);
    let deadlines = workload.tasks().filter_map(|task| task.task.deadline);
    assert_eq!(deadlines.max(), Some(SimTime::from_secs_f64(11.0)));
    let mut engine = Engine::new(workload.resources.clone(), workload.options.clone()).unwrap();
    workload.submit(&mut engine).unwrap();
    engine.run_with(|_, _| {});
    assert_eq!(engine.counts().finished, 7);
}

#[test]
fn a_pool_serves_any_trace() {
    let requests = requests(MOONCAKE, TraceFormat::Mooncake);
    // As its own task with a trace says, at its speed.
    let serving = Workload::read(TRACED).unwrap().serving(&requests).unwrap();
    assert_eq!(tasks(&serving)[1], named("question/2", 2.0, &[(0, 50)]));
    assert_eq!(serving.n_tasks(), 3);
    // Without one, each request is one subtask.
    let tasks_at = TRACED.find("tasks:").unwrap();
    let pool = format!("{} tasks: [])", &TRACED[..tasks_at]);
    let serving = Workload::read(&pool).unwrap().serving(&requests).unwrap();
    let expected = [
        named("request/1", 0.0, &[(100, 10)]),
        named("request/2", 2.0, &[(0, 7)]),
        named("request/3", 2.0, &[(300, 5)]),
    ];
    assert_eq!(tasks(&serving), expected);
    let nobody = pool.replace("generate", "inspect");
    assert!(
        Workload::read(&nobody)
            .unwrap()
            .serving(&requests)
            .is_none()
    );
}

#[test]
fn tasks_that_can_follow_no_trace_are_refused() {
    for (old, new, expected) in [
        (
            "output_tokens: 50",
            "tokens: 9, output_tokens: 50",
            "line 8, column 16: task \"question\": none of its subtasks takes the tokens",
        ),
        (
            "\"requests.csv\"",
            "\" \"",
            "task \"question\": its trace has no file",
        ),
        (
            "release_secs: 1.0",
            "repeat: (count: 2, every_secs: 1.0)",
            "task \"question\": it has a `repeat` beside its `trace`",
        ),
        (
            "speed: 2.0",
            "speed: 0.0",
            "line 9, column 47: 0 is no such number",
        ),
        ("speed:", "sped:", "did you mean \"speed\"?"),
    ] {
        let error = Workload::read(&TRACED.replacen(old, new, 1)).unwrap_err();
        assert!(
            error.to_string().contains(expected),
            "{error} is not {expected}"
        );
    }
}

#[test]
fn formats_are_told_apart() {
    let both = [
        (AZURE, TraceFormat::Azure),
        (MOONCAKE, TraceFormat::Mooncake),
    ];
    for (text, format) in both {
        for name in ["trace", "trace.txt", "trace.json"] {
            assert_eq!(TraceFormat::guess(Path::new(name), text), Some(format));
        }
    }
    for (name, text, expected) in [
        ("a.csv", "", Some(TraceFormat::Azure)),
        ("a.JSONL", "", Some(TraceFormat::Mooncake)),
        ("a.txt", "2 3 1.5\n2 1 1 5 2 2 4 3 6\n", None),
        ("a.json", "{\"workflow\": {}}", None),
        ("a", "", None),
    ] {
        assert_eq!(
            TraceFormat::guess(Path::new(name), text),
            expected,
            "{name}"
        );
    }
}

#[test]
fn files_are_found_beside_the_workload_and_refused_by_their_own_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traced.workload.ron");
    let trace = dir.path().join("requests.csv");
    fs::write(&path, TRACED).unwrap();
    let refusal = || read_workload_file(&path, &[]).unwrap_err().to_string();
    let missing = refusal();
    assert!(
        missing.contains("requests.csv:1:1: the file cannot be read"),
        "{missing}"
    );
    fs::write(&trace, AZURE.replace("300", "x")).unwrap();
    let broken = refusal();
    assert!(
        broken.contains("requests.csv:4:23: ContextTokens must be"),
        "{broken}"
    );
    fs::write(&trace, AZURE).unwrap();
    assert_eq!(read_workload_file(&path, &[]).unwrap().n_tasks(), 4);
    // What looks like nothing is read as CSV, and refused as such.
    let other = dir.path().join("other.txt");
    fs::write(&other, "hello\n").unwrap();
    let error = read_trace_file(&other, None).unwrap_err().to_string();
    assert!(error.contains("names no column TIMESTAMP"), "{error}");
    fs::write(&other, "TIMESTAMP,ContextTokens,GeneratedTokens\n").unwrap();
    let error = read_trace_file(&other, None).unwrap_err().to_string();
    assert!(error.contains("no requests"), "{error}");
}

#[test]
fn the_shipped_workload_serves_its_trace() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../assets/workloads/serving.workload.ron"
    );
    let workload = read_workload_file(Path::new(path), &[]).unwrap();
    assert_eq!(workload.n_tasks(), 60);
    assert!(
        tasks(&workload)
            .iter()
            .all(|(_, _, tokens)| tokens.len() == 1)
    );
}
