//! Reads workflows in both layouts of `WfFormat`, and refuses broken ones with line and column.

use plan::{OpId, ResourceId};
use workloads::{Format, ReadOptions, Workflow, read_instance, read_workflow};

const SINCE_1_5: &str = r##"{
  "name": "small", "schemaVersion": "1.5", "unknown": [{}],
  "workflow": {
    "specification": {
      "tasks": [
        {"name": "split", "id": "a", "parents": [], "children": ["b", "c"],
         "inputFiles": ["in"], "outputFiles": ["left", "right"]},
        {"name": "work", "id": "b", "parents": ["a"], "children": [],
         "inputFiles": ["left"], "outputFiles": ["out\u0041"]},
        {"name": "work", "id": "c", "parents": ["a", "b"], "children": [],
         "inputFiles": ["left", "right"]}
      ],
      "files": [
        {"id": "in", "sizeInBytes": 1000},
        {"id": "left", "sizeInBytes": 100},
        {"id": "right", "sizeInBytes": 50},
        {"id": "outA", "sizeInBytes": 7}
      ]
    },
    "execution": {
      "makespanInSeconds": 9, "executedAt": "2026-01-01T00:00:00Z",
      "tasks": [
        {"id": "c", "runtimeInSeconds": 2.5, "machines": ["slow"]},
        {"id": "a", "runtimeInSeconds": 4, "machines": ["fast"]},
        {"id": "b", "runtimeInSeconds": 3}
      ],
      "machines": [
        {"nodeName": "fast", "cpu": {"coreCount": 8, "speedInMHz": 2000}},
        {"nodeName": "slow", "cpu": {"coreCount": 4, "speedInMHz": 1000}}
      ]
    }
  }
}
"##;

const UP_TO_1_4: &str = r#"{
  "name": "small", "schemaVersion": "1.3",
  "workflow": {
    "makespan": 9, "executedAt": "2020",
    "machines": [{"nodeName": "fast", "cpu": {"count": 8, "speed": 2000}}],
    "tasks": [
      {"name": "split_1", "id": "a", "type": "compute", "runtime": 4, "parents": [],
       "files": [{"link": "output", "name": "left", "size": 100},
                 {"link": "output", "name": "right", "size": 50}], "machine": "fast"},
      {"name": "work_2", "id": "b", "type": "compute", "runtime": 3, "parents": ["split_1"],
       "files": [{"link": "input", "name": "left", "size": 100}], "machine": "gone"},
      {"name": "work_3", "id": "c", "type": "compute", "runtimeInSeconds": 2.5, "parents": null,
       "files": [{"link": "input", "name": "right", "sizeInBytes": 50}]}
    ]
  }
}
"#;

/// A workflow in short: tasks with runtime and machine, then arcs with bytes.
fn describe(workflow: &Workflow) -> String {
    let tasks = workflow.tasks.iter().map(|task| {
        let machine = task.machine.map_or("?".to_owned(), |n| n.to_string());
        format!("{} {} on {machine}", task.id, task.runtime_secs)
    });
    let arcs = workflow.arcs.iter();
    let arcs = arcs.map(|arc| format!("{}-{}: {}", arc.from, arc.to, arc.bytes));
    tasks.chain(arcs).collect::<Vec<_>>().join("; ")
}

#[test]
fn both_layouts_are_read() {
    assert_eq!(
        describe(&read_workflow(SINCE_1_5).unwrap()),
        "a 4 on 0; b 3 on ?; c 2.5 on 1; 0-1: 100; 0-2: 150; 1-2: 0"
    );
    // A task without parents follows who writes what it reads.
    assert_eq!(
        describe(&read_workflow(UP_TO_1_4).unwrap()),
        "a 4 on 0; b 3 on ?; c 2.5 on ?; 0-1: 100; 0-2: 50"
    );
}

#[test]
fn resources_are_the_machines_or_identical_processors() {
    let read = |options: &ReadOptions| {
        let instance = read_instance(SINCE_1_5, Format::WfFormat, "w", options).unwrap();
        let on = |op, resource| instance.duration(OpId(op), ResourceId(resource));
        let delay = instance.delay(100.0, ResourceId(0), ResourceId(1));
        (instance.resources().len(), on(0, 1), on(2, 0), delay)
    };
    let machines = read(&ReadOptions::default());
    assert_eq!(machines, (2, Some(8.0), Some(1.25), 0.0));
    let processors = read(&ReadOptions {
        processors: Some(3),
        bandwidth: Some(50.0),
        latency: 1.0,
    });
    assert_eq!(processors, (3, Some(4.0), Some(2.5), 3.0));
}

/// What is replaced in the file, by what, and what is said.
const BROKEN: &[(&str, &str, &str)] = &[
    (
        "\"a\", \"b\"], \"children\"",
        "\"a\", \"d\"], \"children\"",
        "line 10, column 54: there is no task \"d\"; correct the name or add the task",
    ),
    (
        "[\"in\"]",
        "[\"input\"]",
        "line 7, column 25: there is no file \"input\"; correct the name or list the file",
    ),
    (
        "\"id\": \"b\", \"parents\"",
        "\"id\": \"a\", \"parents\"",
        "line 8, column 32: task \"a\" is there twice; rename or remove one",
    ),
    (
        "\"parents\": [],",
        "\"parents\": [\"c\"],",
        "line 6, column 33: task \"a\" comes after itself, by way of its parents; break the cycle",
    ),
    (
        "\"schemaVersion\": \"1.5\"",
        "\"schemaVersion\": \"1.2\"",
        "line 2, column 37: schema version \"1.2\" is unknown; convert the file to one of 1.3, 1.4, \
         1.5, 1.6",
    ),
    (
        "\"id\": \"b\", \"runtimeInSeconds\": 3",
        "\"id\": \"c\", \"runtimeInSeconds\": 3",
        "line 25, column 16: task \"c\" ran twice; remove one of its runs",
    ),
    (
        "\"runtimeInSeconds\": 4",
        "\"runtimeInSeconds\": -4",
        "line 24, column 16: the runtime of task \"a\" is -4; it must not be negative",
    ),
    (
        "\"execution\"",
        "\"executions\"",
        "line 1, column 1: the workflow has no runtimes; give it `execution` beside \
         `specification`, or `tasks`",
    ),
    (
        "\"sizeInBytes\": 50",
        "\"sizeInBytes\": \"50\"",
        "line 16, column 43: invalid type: string \"50\", expected f64",
    ),
    (
        "}\n  }\n}\n",
        "}\n  }\n",
        "line 33, column 1: EOF while parsing an object",
    ),
];

#[test]
fn broken_workflows_are_refused_with_line_and_column() {
    for (from, to, expected) in BROKEN {
        assert!(SINCE_1_5.contains(from), "{from}");
        let text = SINCE_1_5.replacen(from, to, 1);
        let error = read_workflow(&text).unwrap_err();
        assert_eq!(error.to_string(), *expected, "{from:?} is {to:?}");
    }
}
