//! Reads small instances of each format, and refuses broken ones with line and column.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

use std::path::Path;

use plan::{Instance, OpId, ResourceId};
use workloads::{Format, ReadOptions, read_instance};

const FJSP: &str = "2\t3\t1.5\r\n 2  1 1 5  2 2 4 3 6 \r\n 1 1 3 7\r\n\r\n";
const FAJSP: &str = "# Number of machines: 2\n3 2 2\n0 2\n1 2\n1 0 4\n2 0 1 1 2\n1 1 3\n";
const JSP: &str = "2 2\n0  3  1 4\n1 2 0  1 \n";
const HFSP: &str = "2\n2\n1\t2\t\n3\t4\t\n5\t6\t\n";
const STG: &str = "  1\n 0 0 0\n 1 7 1 0\n 2 0 1 1\n# Standard Task Graph Set Project\n";

/// A format, a text that is not of it, and what is said.
const BROKEN: &[(Format, &str, &str)] = &[
    (
        Format::Fjsp,
        "",
        "line 1, column 1: the file ends here, the number of jobs is missing; the file may be cut off",
    ),
    (
        Format::Fjsp,
        "2 3 1.75\n1 1 2 5\n",
        "line 3, column 1: the file ends here, the number of operations of a job is missing; the file may be cut off",
    ),
    (
        Format::Fjsp,
        "1 3\n1 1 4 5\n",
        "line 2, column 5: a machine is \"4\"; it must be a whole number from 1 to 3",
    ),
    (
        Format::Fjsp,
        "1 3\n1 1 0 5\n",
        "line 2, column 5: a machine is \"0\"; it must be a whole number from 1 to 3",
    ),
    (
        Format::Fjsp,
        "1 3\n1 2 1 5 1 6\n",
        "line 2, column 9: machine 1 is named twice for one operation; keep one",
    ),
    (
        Format::Fjsp,
        "1 3\n1 1 1 -5\n",
        "line 2, column 7: a duration is \"-5\"; it must be a number from 0 to 9007199254740992",
    ),
    (
        Format::Fjsp,
        "1 3\n1 1 1 nan\n",
        "line 2, column 7: a duration is \"nan\"; it must be a number from 0 to 9007199254740992",
    ),
    (
        Format::Fjsp,
        "1 3\n1 1 1 5\n7\n",
        "line 3, column 1: \"7\" comes after the last job; remove it or correct the counts before it",
    ),
    (
        Format::Fjsp,
        "1000000000 3\n1 1 1 5\n",
        "line 1, column 1: the number of jobs is 1000000000, more than the rest of the file can hold; correct it or complete the file",
    ),
    (
        Format::Fjsp,
        "1 1000000000\n1 1 1 5\n",
        "line 1, column 3: the number of machines is 1000000000, more than the rest of the file can hold; correct it or complete the file",
    ),
    (
        Format::Fajsp,
        "2 2 1\n0 1\n1 0\n1 0 1\n1 0 1\n",
        "line 3, column 3: task 0 comes after itself, by way of its predecessors; break the cycle",
    ),
    (
        Format::Jsp,
        "1 2\n0 3 1\n",
        "line 3, column 1: the file ends here, a duration is missing; the file may be cut off",
    ),
    (
        Format::Hfsp,
        "1\n1\n0\n5\n",
        "line 3, column 1: the number of machines of a stage is \"0\"; it must be a whole number from 1",
    ),
    (
        Format::Hfsp,
        "1\n1\n4000000\n5\n",
        "line 3, column 1: the number of machines of a stage is 4000000, more than the rest of the file can hold; correct it or complete the file",
    ),
    (
        Format::Stg,
        "1\n0 0 0\n2 5 0\n2 0 0\n",
        "line 3, column 1: a task is \"2\"; it must be a whole number from 1 to 1",
    ),
    (
        Format::Stg,
        "1\n0 0 0\n1 5 1 9\n2 0 0\n",
        "line 3, column 7: a predecessor is \"9\"; it must be a whole number from 0 to 2",
    ),
    (
        Format::Stg,
        "1\n0 0 0\n1 5 1 1\n2 0 0\n",
        "line 4, column 5: task 1 comes after itself, by way of its predecessors; break the cycle",
    ),
];

fn options() -> ReadOptions {
    ReadOptions {
        processors: Some(2),
        ..ReadOptions::default()
    }
}

fn read(text: &str, format: Format) -> Instance {
    read_instance(text, format, "small", &options()).unwrap()
}

/// An instance in short: for each operation its job, its modes and its predecessors.
fn describe(instance: &Instance) -> String {
    let lines = instance.ops().map(|op: OpId| {
        let modes = instance
            .modes(op)
            .iter()
            .map(|mode| format!("{}:{}", mode.resource.0, mode.duration));
        let preds = instance.preds(op).iter().map(|arc| arc.op.0.to_string());
        format!(
            "{} [{}] ({})",
            instance.job(op).0,
            modes.collect::<Vec<_>>().join(" "),
            preds.collect::<Vec<_>>().join(" ")
        )
    });
    lines.collect::<Vec<_>>().join("; ")
}

#[test]
fn each_format_is_read_in_the_order_of_the_file() {
    for (format, text, expected) in [
        (
            Format::Fjsp,
            FJSP,
            "0 [0:5] (); 0 [1:4 2:6] (0); 1 [2:7] ()",
        ),
        (
            Format::Fajsp,
            FAJSP,
            "0 [0:4] (); 0 [0:1 1:2] (); 0 [1:3] (0 1)",
        ),
        (
            Format::Jsp,
            JSP,
            "0 [0:3] (); 0 [1:4] (0); 1 [1:2] (); 1 [0:1] (2)",
        ),
        (
            Format::Hfsp,
            HFSP,
            "0 [0:3] (); 0 [1:4 2:4] (0); 1 [0:5] (); 1 [1:6 2:6] (2)",
        ),
        (
            Format::Stg,
            STG,
            "0 [0:0 1:0] (); 0 [0:7 1:7] (0); 0 [0:0 1:0] (1)",
        ),
    ] {
        let instance = read(text, format);
        assert_eq!(describe(&instance), expected, "{format}");
        assert_eq!(instance.name(), "small");
        assert!(instance.is_whole(), "{format}");
    }
}

#[test]
fn the_format_is_guessed_from_what_the_file_holds() {
    for (format, text) in [
        (Format::Fjsp, FJSP),
        (Format::Fajsp, FAJSP),
        (Format::Jsp, JSP),
        (Format::Hfsp, HFSP),
        (Format::Stg, STG),
    ] {
        let guessed = Format::guess(Path::new("some/file.txt"), text);
        assert_eq!(guessed, Some(format));
    }
    assert_eq!(Format::guess(Path::new("notes.txt"), "to be done"), None);
    assert_eq!(
        Format::guess(Path::new("x.stg"), "broken"),
        Some(Format::Stg)
    );
}

#[test]
fn machines_that_nobody_names_are_there_all_the_same() {
    let instance = read("1 4\n1 1 2 5\n", Format::Fjsp);
    assert_eq!(instance.resources().len(), 4);
    assert_eq!(instance.duration(OpId(0), ResourceId(1)), Some(5.0));
}

#[test]
fn broken_files_are_refused_with_line_column_and_what_to_do() {
    for (format, text, expected) in BROKEN {
        let error = read_instance(text, *format, "bad", &options()).unwrap_err();
        assert_eq!(error.to_string(), *expected, "{format}: {text:?}");
    }
}

#[test]
fn task_graphs_need_to_be_told_of_processors() {
    for processors in [None, Some(0), Some(1_000_000)] {
        let error = read_instance(
            STG,
            Format::Stg,
            "bad",
            &ReadOptions {
                processors,
                ..ReadOptions::default()
            },
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "line 1, column 1: the format stg does not say how many processors there are; give \
             their number, from 1 to 4096"
        );
    }
}
