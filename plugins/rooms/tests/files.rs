//! Scene files on disk and under pressure: missing, huge, broken, deep, crowded.

use std::{
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
};

use rooms::{Scene, SceneError, scene_files};
use tempfile::TempDir;

const VALID: &str = include_str!("valid.scene.ron");

fn write(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, bytes).expect("the temporary folder can be written to");
    path
}

fn parse(text: &str) -> Result<Scene, SceneError> {
    Scene::parse(text, Path::new("x.scene.ron"))
}

#[test]
fn a_missing_file_and_a_folder_are_named() {
    let dir = TempDir::new().unwrap();
    for path in [dir.path().join("none.scene.ron"), dir.path().to_owned()] {
        let error = Scene::read(&path).unwrap_err();
        assert!(matches!(error, SceneError::Unreadable { .. }));
        assert!(error.to_string().starts_with(&format!(
            "{}:1:1: the file cannot be read (",
            path.display()
        )));
    }
}

#[test]
fn a_huge_file_is_refused_unread() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("huge.scene.ron");
    // Sparse: 50 MB that take no room on the disk.
    File::create(&path).unwrap().set_len(50_000_000).unwrap();
    let error = Scene::read(&path).unwrap_err();
    assert!(
        matches!(
            error,
            SceneError::TooLarge {
                limit: 8_388_608,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_file_that_is_not_utf8_is_refused_at_its_first_bad_byte() {
    let dir = TempDir::new().unwrap();
    let path = write(
        &dir,
        "latin1.scene.ron",
        b"(\n    name: \"\xc3\xa4 caf\xe9\",\n)",
    );
    assert_eq!(
        Scene::read(&path).unwrap_err().to_string(),
        format!(
            "{}:2:17: the byte 0xe9 is not UTF-8; save the file as UTF-8",
            path.display()
        )
    );
}

#[test]
fn a_missing_transcript_is_refused_where_it_is_named() {
    let dir = TempDir::new().unwrap();
    let path = write(&dir, "a.scene.ron", VALID.as_bytes());
    let error = Scene::read(&path).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{}:25:23: there is no file ", path.display())),
        "{error}"
    );
    write(&dir, "talk.txt", b"Ada: Hello.");
    let scene = Scene::read(&path).unwrap();
    assert_eq!(scene.text_hash, blake3_of(VALID));
}

fn blake3_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    assert_eq!(parse(&format!("\u{feff}{VALID}")).unwrap().name, "Test");
}

#[test]
fn a_folder_lists_its_scenes_and_their_errors_in_order() {
    let dir = TempDir::new().unwrap();
    write(&dir, "b.scene.ron", VALID.as_bytes());
    write(&dir, "a.scene.ron", b"(");
    write(&dir, "talk.txt", b"Ada: Hello.");
    let files = scene_files(dir.path()).unwrap();
    let listed: Vec<_> = files
        .iter()
        .map(|file| {
            (
                file.path.file_name().unwrap().to_str().unwrap(),
                file.scene.as_ref().ok().map(|scene| scene.name.as_str()),
            )
        })
        .collect();
    assert_eq!(
        listed,
        [("a.scene.ron", None), ("b.scene.ron", Some("Test"))]
    );
    assert!(scene_files(&dir.path().join("none")).is_err());
}

#[test]
fn deep_nesting_is_refused_without_a_deep_stack() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("/*", "*/"),
        ("Some(", ")"),
    ] {
        for field in [
            "",
            "(version: 1, name: ",
            "(version: 1, agents: [(name: \"A\", skills: ",
        ] {
            let text = format!("{field}{}{}", open.repeat(100_000), close.repeat(100_000));
            assert!(parse(&text).is_err(), "{open} in {field}");
        }
    }
}

#[test]
fn only_the_first_twenty_problems_are_listed() {
    let mut stations = String::new();
    for n in 0..30 {
        writeln!(
            stations,
            "(name: \"s{n}\", kind: seat, at: (0, {}))",
            100 + n
        )
        .unwrap();
        stations.push(',');
    }
    let error =
        parse(&VALID.replace("stations: [", &format!("stations: [{stations}"))).unwrap_err();
    let text = error.to_string();
    assert_eq!(text.lines().count(), 21);
    assert!(text.ends_with("and 10 more problems like these"), "{text}");
}

#[test]
fn a_crowd_is_refused_at_the_first_who_is_too_many() {
    let mut agents = String::new();
    for n in 0..9_999 {
        writeln!(
            agents,
            "(name: \"a{n}\", role: participant, home: \"seat 2\"),"
        )
        .unwrap();
    }
    let error = parse(&VALID.replace("agents: [\n", &format!("agents: [\n{agents}")))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("x.scene.ron:10016:16: there are 10001 agents; keep to 10000"),
        "{error}"
    );
}

/// Every beginning of a scene, and every scene with one character less, is read or refused: no panic, and
/// each problem lies within the text.
#[test]
fn damage_is_survived() {
    let mut n_refused = 0;
    for (at, letter) in VALID.char_indices() {
        for damaged in [
            VALID[..at].to_owned(),
            format!("{}{}", &VALID[..at], &VALID[at + letter.len_utf8()..]),
        ] {
            let Err(error) = parse(&damaged) else {
                continue;
            };
            let SceneError::Invalid { problems, .. } = error else {
                panic!("{error}")
            };
            assert!(!problems.is_empty());
            for problem in problems {
                let line = damaged
                    .split('\n')
                    .nth(problem.line - 1)
                    .unwrap_or_else(|| panic!("{problem:?}"));
                assert!(
                    (1..=line.chars().count() + 1).contains(&problem.column),
                    "{problem:?} in {line:?}"
                );
            }
            n_refused += 1;
        }
    }
    assert!(n_refused > VALID.len());
}

/// Crowded files are read in time that grows with their size, not with its square.
#[test]
fn a_crowded_file_is_read_or_refused() {
    let many = |station: &dyn Fn(usize) -> String| {
        let stations: String = (0..25_000).map(station).collect();
        parse(&VALID.replace("stations: [\n", &format!("stations: [\n{stations}")))
    };
    let scene = many(&|n| format!("(name: \"s{n}\", kind: seat, at: (0, 0), size: (0.5, 0.5)),\n"))
        .unwrap();
    assert_eq!(scene.stations.len(), 25_004);
    let twins = many(&|_| "(name: \"s\", kind: seat, at: (0, 0)),\n".into())
        .unwrap_err()
        .to_string();
    assert!(
        twins.ends_with("and 24979 more problems like these"),
        "{twins}"
    );
    let lost = many(&|n| format!("(name: \"s{n}\", kind: seat, at: (0, 0), space: \"hell\"),\n"));
    assert!(
        lost.unwrap_err()
            .to_string()
            .contains("did you mean \"hall\"?")
    );
}
