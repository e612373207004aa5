//! Where no card can be used, runs go on on the processor and say so, and commands that name one refuse.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use support::{Desk, Done};

const SCENE: &str = "scenes/meeting.scene.ron";

/// The shipped scene with its replicas on a card.
fn on_a_card() -> Desk {
    let desk = Desk::new();
    let scene = fs::read_to_string(desk.path(SCENE)).unwrap();
    let on_card = scene.replace("kind: cpu", "kind: gpu");
    assert_ne!(on_card, scene);
    desk.write(SCENE, on_card);
    desk
}

#[test]
fn a_model_that_knows_no_card_computes_on_the_processor_and_says_so_once() {
    let desk = on_a_card();
    let done = desk.run(&["--out", "out"]).expect(0);
    assert_eq!(
        done.err,
        "note: hashed-words@1 computes on the processor: device \"cuda:0\" cannot be used: models of \
         this kind compute on the processor only\n"
    );
    assert!(desk.path("out/minutes.md").exists());
    let plain = Desk::new().run(&["--out", "out"]).expect(0);
    assert_eq!(plain.err, "");
}

fn models(args: &[&str]) -> Done {
    let desk = Desk::new();
    let texts = desk.write("texts.txt", "That is a happy person\n");
    let mut command = desk.diorama();
    command.arg("models").args(args);
    if args.first() == Some(&"ask") {
        command.arg("--input").arg(texts);
    }
    Done::of(command)
}

#[test]
fn a_device_that_is_named_and_cannot_be_used_is_an_error() {
    for command in ["ask", "bench", "calibrate"] {
        let done = models(&[command, "static-minilm", "--device", "cuda:1"]);
        assert_ne!(done.code, Some(0), "{command}: {}", done.out);
        let expected = "device \"cuda:1\" cannot be used: models of this kind compute on the";
        assert!(done.err.contains(expected), "{command}: {}", done.err);
    }
    let done = models(&["ask", "static-minilm", "--device", "gpu"]).expect(2);
    assert!(done.err.contains("cuda:N"), "{}", done.err);
    models(&["ask", "static-minilm", "--device", "cpu"]).expect(0);
}

#[test]
fn half_precision_is_refused_on_the_processor_with_what_to_do() {
    for precision in ["f16", "bf16"] {
        let done = models(&["ask", "all-minilm-l6-v2", "--precision", precision]);
        assert_ne!(done.code, Some(0));
        let expected = format!("cannot compute with {precision}");
        assert!(done.err.contains(&expected), "{}", done.err);
        assert!(done.err.contains("ask for f32 or int8"), "{}", done.err);
    }
}
