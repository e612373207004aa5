//! Asks what-if questions from the command line, and gives it what it cannot take.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use support::{Desk, Done};

const SCENE: &str = "scenes/meeting.scene.ron";
/// Two servers' worth of work arrives; three keep its mean below 1.5 s by the formula of Erlang (1.44
/// s), and two cannot keep up.
const WORK: &str = r#"(
    version: 1, name: "three will do", models: [(name: "small")],
    resources: [
        (
            name: "server", model: "small", skills: { machine: (fixed_secs: 1.0) }, spread: exponential,
            price_per_sec: 0.01,
        ),
        (name: "Ada", skills: { approve: (fixed_secs: 0.001) }),
    ],
    tasks: [(
        name: "job", repeat: (count: 3000, every_secs: 0.5, spread: exponential),
        subtasks: [
            (name: "work", skill: machine),
            (name: "sign", skill: approve, after: [(subtask: "work")]),
        ],
    )],
)"#;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("work.workload.ron", WORK);
    desk.write(
        "free.workload.ron",
        WORK.replace("price_per_sec: 0.01,", ""),
    );
    desk.write("shop.txt", "2 2\n2 1 1 5 1 2 4\n1 1 1 3\n");
    desk
}

fn whatif(desk: &Desk, args: &[&str]) -> Done {
    let mut command = desk.diorama();
    command.arg("whatif").args(args);
    Done::of(command)
}

const QUESTION: [&str; 8] = [
    "work.workload.ron",
    "--vary",
    "replicas=2..5",
    "--policy",
    "fifo,least-loaded",
    "--goal",
    "mean < 1.6s",
    "--json",
];

#[test]
fn the_smallest_set_that_meets_the_goal() {
    let desk = desk();
    let done = whatif(&desk, &QUESTION).expect(0);
    assert!(
        done.err
            .contains("4 configurations under 2 policies: 8 runs"),
        "{}",
        done.err
    );
    let answer = done.json();
    assert_eq!(answer["met"], true);
    assert_eq!(answer["best"]["replicas"], 3, "{answer:#}");
    assert_eq!(answer["best"]["settings"]["replicas"], 3.0);
    assert_eq!(answer["fewer_replicas"]["replicas"], 2);
    assert_eq!(answer["configurations"].as_array().unwrap().len(), 4);
    let sentence = answer["answer"].as_str().unwrap();
    let start = "The cheapest that keeps mean latency below 1.6 s is 3 replicas under `";
    assert!(sentence.starts_with(start), "{sentence}");

    let page = fs::read_to_string(desk.path("diorama-out/whatif/whatif.html")).unwrap();
    assert!(page.contains(start));
    let table = fs::read_to_string(desk.path("diorama-out/whatif/results.csv")).unwrap();
    assert!(table.starts_with("replicas,input,runner,"), "{table}");
    let runs = answer["runs"].as_u64().unwrap() as usize;
    assert_eq!(table.lines().count(), 1 + runs);

    // All is there already, and the text says the same.
    let cells = desk.path("diorama-out/whatif/cells.jsonl");
    let before = fs::read(&cells).unwrap();
    let done = whatif(&desk, &QUESTION[..7]).expect(0);
    assert!(done.out.starts_with(start), "{}", done.out);
    assert!(done.out.contains("replicas 3"), "{}", done.out);
    assert_eq!(fs::read(&cells).unwrap(), before);
}

#[test]
fn a_scene_whose_people_are_what_takes_long() {
    let desk = desk();
    let args = [
        SCENE,
        "--vary",
        "replicas=1..2",
        "--vary",
        "batch[minilm]=1,16",
        "--policy",
        "fifo",
        "--goal",
        "p95 < 2s",
        "--seeds",
        "1,2",
    ];
    let done = whatif(&desk, &args).expect(1);
    for words in [
        "Nothing that was tried keeps p95 latency below 2 s. The nearest is 1 replica",
        "The faults of \"replica 2\" are left out of 2 of 4 configurations",
        "It makes no difference",
    ] {
        assert!(
            done.out.contains(words),
            "{words:?} is missing in {}",
            done.out
        );
    }
    assert!(
        done.err
            .ends_with("diorama: nothing is sure to keep p95 latency below 2 s\n"),
        "{}",
        done.err
    );
    let easy = [&args[..8], &["max < 1min, failed <= 0", "--seeds", "1"]].concat();
    let done = whatif(&desk, &easy).expect(0);
    assert!(done.out.contains("a single run"), "{}", done.out);
}

#[test]
fn without_prices_the_number_of_replicas_is_made_small() {
    let desk = desk();
    let args = [&["free.workload.ron"][..], &QUESTION[1..7]].concat();
    let done = whatif(&desk, &args).expect(0);
    assert!(
        done.out.starts_with("The smallest that keeps"),
        "{}",
        done.out
    );
    assert!(
        done.out.contains("Nothing has a price there"),
        "{}",
        done.out
    );
}

/// What stands in the place of an argument of the question, the exit code, and what is said.
const REFUSED: &[(&str, &str, i32, &[&str])] = &[
    (
        VARY,
        "replica=2..5",
        2,
        &["no knob is called \"replica\"", "replicas, batch, speed"],
    ),
    (
        VARY,
        "replicas=5..2",
        2,
        &["\"5..2\"", "empty", "smaller value"],
    ),
    (
        VARY,
        "replicas=0..5",
        2,
        &["replicas cannot be \"0\"", "from 1"],
    ),
    (
        VARY,
        "batch[gpu]=1",
        2,
        &["batch[gpu]", "\"server\"", "\"Ada\"", "\"small\""],
    ),
    (VARY, "batch", 2, &["names no values", "batch=1,4,16"]),
    (GOAL, "p42 < 2s", 2, &["\"p42\"", "p50, p90, p95"]),
    (GOAL, "p95 = 2s", 2, &["compares nothing", "<="]),
    (GOAL, "p95 < 2kg", 2, &["\"2kg\"", "500ms"]),
    ("fifo,least-loaded", "first", 2, &["\"first\"", "fifo"]),
    ("fifo,least-loaded", "", 2, &["nobody decides"]),
    (
        "work.workload.ron",
        "none.workload.ron",
        3,
        &["none.workload.ron"],
    ),
    (
        "work.workload.ron",
        "shop.txt",
        3,
        &["shop.txt", "*.scene.ron", "*.workload.ron"],
    ),
];
const VARY: &str = "replicas=2..5";
const GOAL: &str = "mean < 1.6s";

#[test]
fn what_it_cannot_take() {
    let desk = desk();
    for (from, to, code, words) in REFUSED {
        assert!(QUESTION.contains(from), "{from}");
        let args = QUESTION.map(|arg| if arg == *from { *to } else { arg });
        let done = whatif(&desk, &args).expect(*code);
        for word in *words {
            assert!(
                done.err.contains(word),
                "{word:?} is missing in {}",
                done.err
            );
        }
        assert_eq!(done.out, "", "{args:?}");
    }
    let twice = [&QUESTION[..], &["--vary", VARY]].concat();
    let done = whatif(&desk, &twice).expect(2);
    assert!(
        done.err.contains("replicas is varied twice"),
        "{}",
        done.err
    );
    let weight = [&QUESTION[..], &["--minimise", "weight"]].concat();
    let done = whatif(&desk, &weight).expect(2);
    assert!(done.err.contains("\"weight\""), "{}", done.err);
    assert!(!desk.path("diorama-out").exists());
}
