//! A version that is being tried answers its share: of the lines that are asked, and of the runs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{collections::BTreeMap, fs};

use serde_json::Value;
use support::{Desk, Done};

/// Two versions of an embedding, the second of which has one number changed.
fn with_candidate(share: &str) -> (Desk, [String; 2]) {
    let desk = Desk::new();
    let from = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/models/static-minilm");
    let mut weights = fs::read(format!("{from}/model.safetensors")).unwrap();
    fs::create_dir(desk.path("words")).unwrap();
    fs::copy(format!("{from}/vocab.txt"), desk.path("words/vocab.txt")).unwrap();
    let versions = [0, 1].map(|change| {
        *weights.last_mut().unwrap() ^= change;
        fs::write(desk.path("words/model.safetensors"), &weights).unwrap();
        let imported = models(
            &desk,
            &[
                "import",
                "words",
                "--licence",
                "MIT",
                "--architecture",
                "StaticWords",
                "--json",
            ],
        );
        imported.json()["version"].as_str().unwrap().to_owned()
    });
    models(&desk, &["canary", "words", share]);
    (desk, versions)
}

fn models(desk: &Desk, args: &[&str]) -> Done {
    let mut command = desk.diorama();
    command.arg("models").args(args);
    Done::of(command).expect(0)
}

#[test]
fn lines_go_to_the_candidate_in_its_share_and_always_the_same_ones() {
    let (desk, [stable, candidate]) = with_candidate("0.3");
    let lines: Vec<_> = (0..200).map(|n| format!("line {n}")).collect();
    desk.write("lines", lines.join("\n"));
    let ask = || {
        let done = models(&desk, &["ask", "words", "--json", "--input", "lines"]);
        let values = done.out.lines().map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            value["model"].as_str().unwrap().to_owned()
        });
        values.collect::<Vec<_>>()
    };
    let answered = ask();
    let mut counts = BTreeMap::new();
    for version in &answered {
        *counts.entry(version.clone()).or_insert(0) += 1;
    }
    assert_eq!(counts.values().sum::<u32>(), 200);
    assert_eq!(counts.keys().len(), 2, "{counts:?}");
    assert!((40..80).contains(&counts[&candidate]), "{counts:?}");
    assert!(counts.contains_key(&stable));
    assert!(ask() == answered, "other lines went to the candidate");
}

#[test]
fn a_run_goes_to_one_version_as_its_seed_says() {
    let (desk, [stable, candidate]) = with_candidate("0.5");
    let mut n_tried = 0;
    for seed in 0..8 {
        let mut command = desk.diorama();
        command.args(["run", "scenes/meeting.scene.ron", "--model", "words"]);
        let out = format!("out {seed}");
        command.args(["--seed", &seed.to_string(), "--out", &out]);
        let done = Done::of(command).expect(0);
        let journal = fs::read_to_string(desk.path(&format!("{out}/journal.jsonl"))).unwrap();
        let n_told = done
            .err
            .matches(&format!("note: {candidate} answers"))
            .count();
        assert!(n_told < 2, "{}", done.err);
        let is_tried = n_told == 1;
        let (serves, rests) = match is_tried {
            true => (&candidate, &stable),
            false => (&stable, &candidate),
        };
        assert!(journal.contains(serves.as_str()), "{}", done.err);
        assert!(!journal.contains(rests.as_str()), "{}", done.err);
        n_tried += u32::from(is_tried);
    }
    assert!((1..8).contains(&n_tried), "{n_tried} of 8");
}
