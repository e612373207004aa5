//! Opens the real window, where there is a display, and looks at the picture it draws.
//!
//! Without `DISPLAY` this says so and passes, unless `DIORAMA_NEEDS_WINDOW` is set.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and tells what it leaves out"
)]
#![cfg(feature = "desktop")]

mod support;

use std::env;

use image::{GenericImageView as _, RgbaImage};
use support::{Desk, Done};

const SIZE: (u32, u32) = (1280, 720);

#[test]
fn the_window_shows_the_run_and_changes_nothing() {
    let Some(display) = env::var_os("DISPLAY").filter(|display| !display.is_empty()) else {
        assert!(
            env::var_os("DIORAMA_NEEDS_WINDOW").is_none(),
            "DISPLAY is not set"
        );
        eprintln!("skipped: there is no display to open a window on");
        return;
    };
    let desk = Desk::new();
    let mut open = desk.diorama();
    open.env("DISPLAY", display)
        .args([
            "open",
            "scenes/meeting.scene.ron",
            "--model",
            "hashed-words",
            "--out",
            "window",
        ])
        .args([
            "--speed",
            "400",
            "--size",
            "1280x720",
            "--screenshot",
            "window.png",
        ]);
    let done = Done::of(open).expect(0);
    let headless = desk.run(&["--json"]).expect(0).hash();
    assert!(
        done.out.contains(&headless),
        "the window's journal differs from {headless}:\n{}",
        done.out
    );

    let picture = image::open(desk.path("window.png")).unwrap();
    assert_eq!(picture.dimensions(), SIZE);
    look(&picture.to_rgba8());
}

/// The middle holds a lit room, the sides hold panels with text.
fn look(picture: &RgbaImage) {
    let (width, height) = SIZE;
    let room = colours(
        picture,
        width * 2 / 5..width * 3 / 5,
        height / 4..height / 2,
    );
    assert!(room > 40, "the 3D picture has {room} colours only");
    for (name, columns) in [("left", 4..width / 6), ("right", width * 5 / 6..width - 4)] {
        let rows = height / 8..height * 7 / 8;
        let background = most_frequent(picture, columns.clone(), rows.clone());
        let area = u64::from(columns.end - columns.start) * u64::from(rows.end - rows.start);
        let share = background.1 as f64 / area as f64;
        assert!(
            (0.25..0.995).contains(&share),
            "the {name} panel is blank or missing: {share:.3} background"
        );
        let text = colours(picture, columns, rows);
        assert!(text > 10, "the {name} panel has {text} colours only");
    }
}

fn counted(
    picture: &RgbaImage,
    columns: std::ops::Range<u32>,
    rows: std::ops::Range<u32>,
) -> std::collections::BTreeMap<[u8; 4], u64> {
    let mut counts = std::collections::BTreeMap::new();
    for y in rows {
        for x in columns.clone() {
            *counts.entry(picture.get_pixel(x, y).0).or_default() += 1;
        }
    }
    counts
}

fn colours(
    picture: &RgbaImage,
    columns: std::ops::Range<u32>,
    rows: std::ops::Range<u32>,
) -> usize {
    counted(picture, columns, rows).len()
}

fn most_frequent(
    picture: &RgbaImage,
    columns: std::ops::Range<u32>,
    rows: std::ops::Range<u32>,
) -> ([u8; 4], u64) {
    counted(picture, columns, rows)
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .unwrap()
}
