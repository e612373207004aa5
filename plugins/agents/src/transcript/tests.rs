//! Checks every format and every refusal.

use std::path::Path;

use super::*;

fn parse(text: &str, name: &str) -> Result<Transcript, TranscriptError> {
    let path = Path::new(name);
    Transcript::parse(text.as_bytes(), Format::of_path(path), path, 150.0)
}

/// One line a turn: "start-end Name: words", in tenths of a second.
fn shown(transcript: &Transcript) -> Vec<String> {
    let tenths = |time: SimTime| (time.as_secs_f64() * 10.0).round();
    let line = |turn: &Turn| {
        format!(
            "{}-{} {}: {}",
            tenths(turn.start),
            tenths(turn.end),
            turn.speaker,
            turn.text
        )
    };
    transcript.turns.iter().map(line).collect()
}

fn check(text: &str, name: &str, expect: &[&str]) {
    for variant in [
        text.to_owned(),
        text.replace('\n', "\r\n"),
        format!("\u{FEFF}{text}"),
    ] {
        assert_eq!(
            shown(&parse(&variant, name).unwrap()),
            expect,
            "{variant:?}"
        );
    }
}

#[test]
fn plain_text() {
    check(
        "Ada: Hello all.\nBen: Hi\nthere.\n\n  Note: indented.\n",
        "a.txt",
        &["0-8 Ada: Hello all.", "8-24 Ben: Hi there. Note: indented."],
    );
    check(
        "# Title\nAda:\n# aside\nWe need: bread, at 10:30.\nso: yes\nSpeaker 2: {laugh}",
        "a.txt",
        &[
            "0-32 Ada: We need: bread, at 10:30. so: yes",
            "32-36 Speaker 2: {laugh}",
        ],
    );
    check(
        "Will Smith: We all.\nHead of school: The\nThe plan: yes.",
        "a.txt",
        &[
            "0-8 Will Smith: We all.",
            "8-24 Head of school: The The plan: yes.",
        ],
    );
    check(
        "[00:10] Ada: One two.\n[1:00:00] Ben: Three.\n[0:20] Dev: Four.",
        "a.txt",
        &[
            "100-108 Ada: One two.",
            "200-204 Dev: Four.",
            "36000-36004 Ben: Three.",
        ],
    );
}

#[test]
fn webvtt() {
    let text = "WEBVTT - Weekly\nKind: captions\n\nNOTE of\nmany: lines\n\nSTYLE\n::cue {}\n\nfirst\n\
        00:01.000 --> 00:02.500 align:start\n<v Ada>Hello <i>all</i> &amp; you</v>\n\n\
        00:02.500 --> 00:03.000\n<v Ada>and Ben.\n\n1:00:00.000 --> 1:00:04.000\n<v.loud Ben>One</v>\n<v Dev>Two</v>";
    check(
        text,
        "a.vtt",
        &[
            "10-30 Ada: Hello all & you and Ben.",
            "36000-36020 Ben: One",
            "36020-36040 Dev: Two",
        ],
    );
    // Names before the words, no names at all, out of order, overlapping.
    check(
        "WEBVTT\n\n00:05.000 --> 00:06.000\nBen: Late.\n\n00:01.000 --> 00:05.500\nEarly.",
        "a.vtt",
        &["10-55 Unknown: Early.", "50-60 Ben: Late."],
    );
}

#[test]
fn srt() {
    check(
        "1\n00:00:01,000 --> 00:00:02,000\n<i>Ada: Hello</i>\n\n2\n00:00:02,200 --> 00:00:03,000\n{\\an8}and more.\n\n\
         3\n00:00:04,000 --> 00:00:05,000\n- Ben: Yes.\n- Dev: No.\n",
        "a.srt",
        &[
            "10-30 Ada: Hello and more.",
            "40-45 Ben: Yes.",
            "45-50 Dev: No.",
        ],
    );
}

#[test]
fn qmsum_keeps_every_turn_and_its_questions() {
    let text = r#"{"meeting_transcripts": [{"speaker": "A", "content": "One ."}, {"speaker": "B", "content": ""}],
        "general_query_list": null, "specific_query_list": [{"query": "Why ?", "answer": "x"}, {}]}"#;
    check(text, "a.json", &["0-4 A: One .", "4-8 B: "]);
    assert_eq!(parse(text, "a.json").unwrap().questions, ["Why ?"]);
    assert!(
        parse(
            r#"{"meeting_transcripts": [{"speaker": "A", "content": "One"}]}"#,
            "m"
        )
        .is_ok()
    );
}

#[test]
fn titles_come_from_the_file_or_its_name() {
    for (text, name, expect) in [
        ("# Plan\n# More\nAda: Hi", "x/a.txt", "Plan"),
        ("Ada: Hi\n# Late", "x/weekly call.txt", "weekly call"),
        (
            "WEBVTT - Weekly\n\n00:01.000 --> 00:02.000\nHi",
            "a.vtt",
            "Weekly",
        ),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\nHi", "a.b.vtt", "a.b"),
        ("Ada: Hi", "", "Meeting"),
    ] {
        assert_eq!(parse(text, name).unwrap().title, expect);
    }
}

#[test]
fn content_tells_the_format_where_the_name_does_not() {
    for (text, expect) in [
        ("WEBVTT\n", Format::Vtt),
        ("\n\nWEBVTT x\n", Format::Vtt),
        ("1\n00:00:01,000 --> 00:00:02,000\nHi", Format::Srt),
        ("{\n \"meeting_transcripts\": []}", Format::Qmsum),
        ("{ \"a\": 1}", Format::Qmsum),
        ("{pause} Ada: Hi", Format::Plain),
        ("WEBVTTS: Hi", Format::Plain),
        ("", Format::Plain),
    ] {
        assert_eq!(Format::of_content(text), expect, "{text:?}");
    }
}

#[test]
fn refusals_say_where_and_what_to_do() {
    for (text, name, expect) in [
        (
            String::new(),
            "a.txt",
            "a.txt: nobody says anything in this plain text file",
        ),
        ("Ada:\n\nBen:".to_owned(), "a.txt", "nobody says anything"),
        (
            "WEBVTT\n".to_owned(),
            "a.vtt",
            "nobody says anything in this WebVTT file",
        ),
        (
            r#"{"meeting_transcripts": []}"#.to_owned(),
            "a.json",
            "nobody says anything",
        ),
        (
            "\nhello there".to_owned(),
            "a.txt",
            "a.txt:2: not plain text: nobody says \"hello there\"",
        ),
        (
            "Ada: Hi".to_owned(),
            "a.vtt",
            "a.vtt:1: not WebVTT: the file must begin with WEBVTT",
        ),
        (
            "Ada: Hi".to_owned(),
            "a.srt",
            "a.srt:1: not SRT: found \"Ada: Hi\"",
        ),
        ("Ada: Hi".to_owned(), "a.json", "a.json:1: not QMSum JSON"),
        (
            "{\n\"x\": 1}".to_owned(),
            "a.json",
            "a.json:2: not QMSum JSON: missing field `meeting_transcripts`",
        ),
        ("[".repeat(100_000), "a.json", "not QMSum JSON"),
        (
            "WEBVTT\n\nno times".to_owned(),
            "a.vtt",
            "a.vtt:3: not WebVTT: a cue without times",
        ),
        (
            "[99:99] Ada: Hi".to_owned(),
            "a.txt",
            "a.txt:1: bad time \"99:99\"",
        ),
        (
            "Ada: \0Hi".to_owned(),
            "a.txt",
            "a.txt:1: this is not text but a binary file",
        ),
    ] {
        let error = parse(&text, name).unwrap_err().to_string();
        assert!(error.contains(expect), "{error:?} lacks {expect:?}");
        assert!(!error.ends_with('.'));
    }
}

#[test]
fn times_that_cannot_be_are_refused() {
    for (times, expect) in [
        ("00:02.000 --> 00:01.000", "a.vtt:3: bad time"),
        ("-00:02.000 --> 00:01.000", "before the meeting begins"),
        (
            "NaN:02.000 --> 00:01.000",
            "bad time \"NaN:02.000\": expected",
        ),
        ("00:NaN --> 00:01.000", "expected"),
        ("00:01.000 --> 00:inf", "expected"),
        ("00:01.000 -->", "expected"),
        ("00:61.000 --> 00:62.000", "up to 59"),
        ("00:01.000 --> 1000:00:00.000", "seven days"),
    ] {
        let text = format!("WEBVTT\n\n{times}\nHi");
        let error = parse(&text, "a.vtt").unwrap_err().to_string();
        assert!(
            error.starts_with("a.vtt:3: bad time") && error.contains(expect),
            "{error:?}"
        );
    }
}

#[test]
fn refused_bytes_are_named() {
    for (bytes, expect) in [
        (
            b"Ada: Hi\nBen: \xFFx".as_slice(),
            "a.txt:2: byte 6 of this line (0xff) is not UTF-8",
        ),
        (b"\xFF\xFEA\0", "a.txt:1: this is not text but UTF-16"),
    ] {
        let error = Transcript::parse(bytes, None, Path::new("a.txt"), 150.0).unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
    }
    let huge = vec![b' '; MAX_BYTES as usize + 1];
    let error = Transcript::parse(&huge, None, Path::new("a.txt"), 150.0).unwrap_err();
    assert!(matches!(error, TranscriptError::TooLarge { .. }));
    let error = Transcript::read(Path::new("no/such.txt"), 150.0).unwrap_err();
    assert!(error.to_string().starts_with("no/such.txt: cannot read"));
}

#[test]
fn only_a_possible_pace_is_taken_and_time_never_runs_back() {
    let path = Path::new("a.txt");
    for pace in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
        assert!(matches!(
            Transcript::parse(b"Ada: Hi", None, path, pace),
            Err(TranscriptError::Pace { .. })
        ));
    }
    for pace in [1.0, 150.0, 10_000.0] {
        let text = "Ada: Yes.\nBen: One two three four.\nAda: {cough}\n".repeat(50);
        let transcript = Transcript::parse(text.as_bytes(), None, path, pace).unwrap();
        for pair in transcript.turns.windows(2) {
            assert!(pair[0].start < pair[0].end && pair[0].end == pair[1].start);
        }
        assert_eq!(transcript.n_words(), 250);
        let secs = transcript.end().as_secs_f64();
        assert!((secs - 300.0 * 60.0 / pace).abs() < 1e-3);
    }
}

#[test]
fn our_own_meetings_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/meetings");
    for (name, n_turns, n_speakers) in [("planning.txt", 69, 4), ("standup.vtt", 20, 4)] {
        let transcript = Transcript::read(&folder.join(name), 150.0).unwrap();
        let mut speakers: Vec<&str> = transcript
            .turns
            .iter()
            .map(|t| t.speaker.as_str())
            .collect();
        speakers.sort_unstable();
        speakers.dedup();
        assert_eq!(
            (transcript.turns.len(), speakers.len()),
            (n_turns, n_speakers),
            "{name}"
        );
    }
}
