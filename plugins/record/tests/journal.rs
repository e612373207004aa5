//! A journal gives back what was written, and nothing else.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    slice,
};

use agents::AgentFact;
use record::{
    AnyFact, How, Journal, JournalSummary, JournalWriter, Live, RecordError, RecordedOutputs,
    verify,
};
use schedule::{EngineFact, SubtaskId};
use sim::{Fact, SimTime};
use tempfile::TempDir;

fn write(path: &Path, facts: &[Fact<AnyFact>]) -> JournalSummary {
    let mut writer = JournalWriter::create(path, &support::run()).unwrap();
    for fact in facts {
        writer.write(fact).unwrap();
    }
    writer
        .finish(How::Finished, &support::fold(facts).totals())
        .unwrap()
}

/// The journal of the small run, to be spoilt.
struct Spoilt {
    folder: TempDir,
    lines: Vec<String>,
}

impl Spoilt {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("whole.jsonl");
        write(&path, &support::facts());
        let text = fs::read_to_string(path).unwrap();
        let lines = text.split_inclusive('\n').map(str::to_owned).collect();
        Self { folder, lines }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("spoilt.jsonl")
    }

    fn verify_bytes(&self, bytes: &[u8]) -> Result<(), RecordError> {
        fs::write(self.path(), bytes).unwrap();
        let verified = verify(&self.path()).map(drop);
        // Writing a new file is much faster than writing over one.
        fs::remove_file(self.path()).unwrap();
        verified
    }

    /// What is found after `spoil` has changed the lines.
    fn error(&self, spoil: impl FnOnce(&mut Vec<String>)) -> RecordError {
        let mut lines = self.lines.clone();
        spoil(&mut lines);
        self.verify_bytes(lines.concat().as_bytes()).unwrap_err()
    }
}

#[test]
fn every_fact_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let facts = support::facts();
    let summary = write(&path, &facts);
    assert_eq!(
        (summary.facts, summary.at),
        (facts.len() as u64, SimTime(8_000_000_000))
    );

    let mut journal = Journal::read(&path).unwrap();
    assert_eq!(journal.run(), &support::run());
    let back: Vec<_> = (&mut journal).map(Result::unwrap).collect();
    assert_eq!(back, facts);
    let end = journal.end().unwrap();
    assert_eq!((end.how, &end.blake3), (How::Finished, &summary.hash));
    assert_eq!(end.totals, support::fold(&facts).totals());
    assert!(journal.next().is_none());
    assert_eq!(verify(&path).unwrap().run, support::run());
}

#[test]
fn the_hash_is_that_of_all_bytes_before_the_last_line() {
    let spoilt = Spoilt::new();
    let (last, before) = spoilt.lines.split_last().unwrap();
    let hash = blake3::hash(before.concat().as_bytes()).to_hex();
    assert!(
        last.starts_with(r#"{"type":"end","how":"finished","facts":"#),
        "{last}"
    );
    assert!(
        last.ends_with(&format!("\"blake3\":\"{hash}\"}}\n")),
        "{last}"
    );
    assert!(spoilt.lines[0].starts_with(r#"{"type":"run","format":1,"diorama":"0.1.0","#));
    assert!(spoilt.lines[1].starts_with(r#"{"seq":0,"at":0,"type":"resource_joined","#));
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    let (one, other) = (Spoilt::new(), Spoilt::new());
    assert_eq!(one.lines, other.lines);
}

#[test]
fn a_cut_is_found_wherever_it_is() {
    let spoilt = Spoilt::new();
    let bytes = spoilt.lines.concat().into_bytes();
    let mut cuts: Vec<_> = (1..bytes.len()).step_by(97).collect();
    let mut boundary = 0;
    for line in &spoilt.lines[..spoilt.lines.len() - 1] {
        boundary += line.len();
        cuts.extend([boundary - 1, boundary, boundary + 1]);
    }
    cuts.push(bytes.len() - 1);
    for cut in cuts {
        let error = spoilt.verify_bytes(&bytes[..cut]).unwrap_err();
        let n_whole = bytes[..cut].iter().filter(|byte| **byte == b'\n').count() as u64;
        match error {
            RecordError::Cut { line, facts, .. } => {
                assert_eq!((line, facts), (n_whole + 1, n_whole.saturating_sub(1)));
            }
            RecordError::NotAJournal { line: 1, .. } => assert!(cut < 13, "{cut}"),
            other => panic!("cut at {cut}: {other}"),
        }
    }
    assert!(matches!(
        spoilt.verify_bytes(b"").unwrap_err(),
        RecordError::NotAJournal { line: 1, .. }
    ));
}

#[test]
fn every_flipped_byte_is_found() {
    let spoilt = Spoilt::new();
    let mut bytes = spoilt.lines.concat().into_bytes();
    let last_line = bytes.len() - spoilt.lines[spoilt.lines.len() - 1].len();
    let places = (0..last_line).step_by(41).chain(last_line..bytes.len());
    for place in places {
        // Flips one of the low bits, and upper and lower case.
        let flip = if place % 2 == 0 { 1 } else { 32 };
        bytes[place] ^= flip;
        assert!(spoilt.verify_bytes(&bytes).is_err(), "byte {place}");
        bytes[place] ^= flip;
    }
    spoilt.verify_bytes(&bytes).unwrap();
}

#[test]
fn a_missing_line_is_named() {
    let spoilt = Spoilt::new();
    let last = spoilt.lines.len() - 1;
    for gone in 0..=last {
        let error = spoilt.error(|lines| drop(lines.remove(gone)));
        let place = gone as u64;
        let is_right = match &error {
            RecordError::NotAJournal { line: 1, .. } => gone == 0,
            RecordError::Miscounted { said, held, .. } => gone == last - 1 && *said == held + 1,
            RecordError::Cut { facts, .. } => gone == last && *facts == place - 1,
            RecordError::OutOfOrder {
                line,
                expected,
                found,
                ..
            } => (*line, *expected, *found) == (place + 1, place - 1, place),
            _ => false,
        };
        assert!(is_right, "line {gone}: {error}");
    }
}

#[test]
fn moved_and_doubled_lines_are_found() {
    let spoilt = Spoilt::new();
    let n_facts = spoilt.lines.len() - 2;
    for first in 1..n_facts {
        let error = spoilt.error(|lines| lines.swap(first, first + 1));
        assert!(matches!(error, RecordError::OutOfOrder { .. }), "{error}");
        let error = spoilt.error(|lines| lines.insert(first, lines[first].clone()));
        assert!(matches!(error, RecordError::OutOfOrder { .. }), "{error}");
    }
    let error = spoilt.error(|lines| lines[1..=n_facts].reverse());
    assert!(
        matches!(error, RecordError::OutOfOrder { line: 2, .. }),
        "{error}"
    );
    let error = spoilt.error(|lines| lines.swap(0, 1));
    assert!(
        matches!(error, RecordError::NotAJournal { line: 1, .. }),
        "{error}"
    );
    let error = spoilt.error(|lines| lines.push("{}\n".to_owned()));
    assert!(
        error.to_string().contains("goes on after its last line"),
        "{error}"
    );
}

/// What is changed in which line, and what the error says then.
const CHANGES: [(Place, &str, &str, &str); 10] = [
    (
        Place::First,
        "\"format\":1",
        "\"format\":2",
        ":1: journal format 2 is unknown",
    ),
    (Place::First, "{\"type\"", "type,", ":1: not a journal"),
    (Place::First, "\"seed\"", "\"sead\"", "missing field `seed`"),
    (
        Place::Turn,
        "turn_spoken",
        "turn_sung",
        ":6: fact type \"turn_sung\" is unknown",
    ),
    (
        Place::Turn,
        "Friday",
        "Monday",
        "was changed after it was written",
    ),
    (
        Place::Turn,
        "\"speaker\"",
        "\"spoken\"",
        ":6: not a journal of Diorama: missing field",
    ),
    (
        Place::LastFact,
        "\"at\":8000000000",
        "\"at\":7999999999",
        "follows one at 00:08.000",
    ),
    (
        Place::End,
        "\"makespan\":8000000000",
        "\"makespan\":8000000001",
        "totals do not follow",
    ),
    (
        Place::End,
        "\"how\":",
        "\"how\": ",
        "last line is not as it was written",
    ),
    (
        Place::End,
        "\"at\":8000000000",
        "\"at\":8000000001",
        "last line is not as it was written",
    ),
];

#[derive(Clone, Copy)]
enum Place {
    First,
    Turn,
    LastFact,
    End,
}

#[test]
fn what_is_wrong_is_said() {
    let spoilt = Spoilt::new();
    let n_lines = spoilt.lines.len();
    for (place, from, to, says) in CHANGES {
        let line = match place {
            Place::First => 0,
            Place::Turn => 5,
            Place::LastFact => n_lines - 2,
            Place::End => n_lines - 1,
        };
        assert!(spoilt.lines[line].contains(from), "{}", spoilt.lines[line]);
        let error = spoilt.error(|lines| lines[line] = lines[line].replacen(from, to, 1));
        assert!(error.to_string().contains(says), "{from} -> {to}: {error}");
    }
}

#[test]
fn a_writer_refuses_what_no_journal_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let facts = support::facts();
    let mut writer = JournalWriter::create(&path, &support::run()).unwrap();
    assert!(matches!(
        writer.write(&facts[1]),
        Err(RecordError::OutOfOrder { .. })
    ));
    writer
        .write(&Fact {
            at: SimTime(5),
            ..facts[0].clone()
        })
        .unwrap();
    assert!(matches!(
        writer.write(&facts[1]),
        Err(RecordError::Backwards { .. })
    ));
    let mut endless = Fact {
        at: SimTime(5),
        ..facts[1].clone()
    };
    if let AnyFact::Engine(EngineFact::ResourceJoined { watts, .. }) = &mut endless.what {
        *watts = f64::INFINITY;
    }
    assert!(matches!(
        writer.write(&endless),
        Err(RecordError::NotFinite { seq: 1 })
    ));
    drop(writer);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "a dropped journal is gone"
    );

    for place in ["missing/run.jsonl", "."] {
        let error = JournalWriter::create(&folder.path().join(place), &support::run()).unwrap_err();
        assert!(matches!(error, RecordError::Io { .. }), "{error}");
    }
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for content in [
        &b"\n"[..],
        b"{}\n",
        b"Ada: hello\n",
        &[0xff; 4096],
        br#"{"type":"fact","format":1}"#,
    ] {
        fs::write(&path, content).unwrap();
        let error = Journal::read(&path).unwrap_err();
        assert!(
            matches!(error, RecordError::NotAJournal { line: 1, .. }),
            "{error}"
        );
    }
    let error = Journal::read(&folder.path().join("none.jsonl"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("none.jsonl"), "{error}");
}

#[test]
fn outputs_come_back_bit_for_bit() {
    let spoilt = Spoilt::new();
    let path = spoilt.folder.path().join("whole.jsonl");
    let outputs = RecordedOutputs::read(&path).unwrap();
    assert_eq!(outputs.len(), 1);
    let outputs = outputs.into_outputs().unwrap();
    let output = &outputs[&SubtaskId(0)];
    let bits = |vectors: &[Vec<f32>]| {
        vectors
            .iter()
            .flatten()
            .map(|x| x.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(bits(&output.vectors), bits(&support::vectors()));
    assert_eq!(output.version, "tiny@0123");
}

#[test]
fn a_fold_stops_at_the_time_asked_for() {
    let spoilt = Spoilt::new();
    let path = spoilt.folder.path().join("whole.jsonl");
    for (until, n_finished) in [
        (0, 0),
        (1_999_999_999, 0),
        (2_000_000_000, 1),
        (6_000_000_000, 3),
        (u64::MAX, 4),
    ] {
        let live = Live::at(&path, SimTime(until)).unwrap();
        assert_eq!(live.totals().subtasks.finished, n_finished, "until {until}");
    }
}

#[test]
fn many_facts_are_read_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.jsonl");
    let mut facts = support::facts();
    for _ in 0..200_000 - facts.len() {
        let last = &facts[facts.len() - 1];
        let what = AnyFact::Agent(AgentFact::Said {
            agent: support::ADA,
            text: "Hm.".into(),
        });
        facts.push(Fact {
            seq: last.seq + 1,
            at: last.at,
            what,
        });
    }
    let mut writer = JournalWriter::create(&path, &support::run()).unwrap();
    let mut live = Live::new(&support::run());
    for fact in &facts {
        live.apply(fact).unwrap();
        writer.write(fact).unwrap();
    }
    writer.finish(How::Interrupted, &live.totals()).unwrap();
    let n_read = Journal::read(&path).unwrap().map(Result::unwrap).count();
    assert_eq!(n_read, 200_000);
    assert_eq!(live.recent.len(), 500);
    assert_eq!(live.recent.back(), facts.last());
    assert_eq!(slice::from_ref(&live.recent[499]), &facts[199_999..]);
}
