//! Draws every panel without a window, at two sizes, and reads what was painted.

mod examples;

use agents::{Intervention, ReplicaRequest};
use bevy::math::Vec2;
use bevy_egui::egui::{Context, FullOutput, Pos2, RawInput, Rect, Shape, vec2};
use inference::{CardMemory, CardUsage, LoadedModel};
use record::{Live, ResourceTotals, Totals};
use schedule::ResourceId;
use sim::{ControlRequest, Progress, SimSpan};

use self::examples::{control, info, minutes, replica_rows, roster, turns};
use crate::{
    control_bar, crew_panel,
    keys::{self, Toggles},
    layout::{Layout, Shown},
    machine_usage::MachineUsage,
    meeting_panel::{self, Choice, Tab},
    models_panel::{self, Asking, Told},
    notice::{self, Loading},
    overlay::{self, LabelKind, OverlayLabel},
    picker::{self, PickerItem},
    replica_board::{ModelShelf, ShelfModel},
    theme, totals_panel,
};

const SIZES: [(f32, f32); 2] = [(1280.0, 720.0), (900.0, 600.0)];
/// Frames until sizes that depend on each other have settled.
const N_FRAMES: usize = 4;

/// A text that was painted, where, and what of it could be seen.
#[derive(Debug)]
struct Painted {
    text: String,
    rect: Rect,
    clip: Rect,
}

/// Draws some frames at `size` and returns the texts that can be seen in the last.
fn paint(size: (f32, f32), mut draw: impl FnMut(&Context, &Layout)) -> Vec<Painted> {
    let screen = Rect::from_min_size(Pos2::ZERO, vec2(size.0, size.1));
    let layout = Layout::of(
        screen,
        Shown {
            sides: true,
            meeting: true,
            totals: true,
        },
    );
    let ctx = Context::default();
    theme::apply(&ctx);
    let mut output = FullOutput::default();
    for _ in 0..N_FRAMES {
        let input = RawInput {
            screen_rect: Some(screen),
            ..Default::default()
        };
        output = ctx.run_ui(input, |ui| draw(ui.ctx(), &layout));
    }
    let mut painted = Vec::new();
    for clipped in &output.shapes {
        collect(
            &clipped.shape,
            clipped.clip_rect.intersect(screen),
            &mut painted,
        );
    }
    painted
}

fn collect(shape: &Shape, clip: Rect, painted: &mut Vec<Painted>) {
    match shape {
        Shape::Vec(shapes) => shapes
            .iter()
            .for_each(|shape| collect(shape, clip, painted)),
        Shape::Text(text) => {
            let rect = text.visual_bounding_rect();
            if rect.is_positive() && clip.intersects(rect) {
                painted.push(Painted {
                    text: text.galley.text().to_owned(),
                    rect,
                    clip,
                });
            }
        }
        _ => {}
    }
}

/// Asserts that all of `expected` was painted and that no text runs out of its panel sideways.
fn check(panel: &str, expected: &[&str], mut draw: impl FnMut(&Context, &Layout)) {
    for size in SIZES {
        let painted = paint(size, &mut draw);
        for text in expected {
            assert!(
                painted.iter().any(|p| p.text.contains(text)),
                "{panel} {size:?} misses {text:?} in {painted:#?}"
            );
        }
        for p in &painted {
            let fits =
                p.rect.left() >= p.clip.left() - 1.0 && p.rect.right() <= p.clip.right() + 1.0;
            assert!(fits, "{panel} {size:?} cuts off {p:?}");
        }
        no_overlap(panel, size, &painted);
    }
}

/// Asserts that no two texts cover each other.
fn no_overlap(panel: &str, size: (f32, f32), painted: &[Painted]) {
    for (i, a) in painted.iter().enumerate() {
        for b in &painted[i + 1..] {
            let common = a.rect.intersect(a.clip).intersect(b.rect.intersect(b.clip));
            let overlap = common.is_positive() && common.width() > 2.0 && common.height() > 3.0;
            assert!(
                !overlap,
                "{panel} {size:?}: {:?} and {:?} overlap",
                a.text, b.text
            );
        }
    }
}

#[test]
fn the_bar_tells_time_state_and_run() {
    check(
        "bar",
        &["12:34", "waiting for a model", "Team meeting", "20×", "10×"],
        |ctx, layout| {
            theme::panel(ctx, "bar", layout.bar, |ui| {
                let wanted = control_bar::control_ui(
                    ui,
                    control(Progress::Held),
                    &info(),
                    &mut Toggles::default(),
                );
                assert_eq!(wanted, [] as [ControlRequest; 0]);
            });
        },
    );
}

#[test]
fn the_crew_panel_tells_work_and_reasons() {
    let roster = roster(4);
    let expected = [
        "summarises topic 3",
        "waits for 12 embeddings",
        "1 done · 1 running · 2 waiting",
        "replica 1",
        "5 of 16",
        "down",
        "embed 12",
    ];
    check("crew", &expected, |ctx, layout| {
        theme::panel(ctx, "crew", layout.left.unwrap(), |ui| {
            crew_panel::crew_ui(ui, &roster);
        });
    });
}

#[test]
fn a_long_roster_lays_out_only_what_is_in_sight() {
    let roster = roster(1000);
    let painted = paint(SIZES[0], |ctx, layout| {
        theme::panel(ctx, "crew", layout.left.unwrap(), |ui| {
            crew_panel::crew_ui(ui, &roster);
        });
    });
    let n_agents = painted
        .iter()
        .filter(|p| p.text.starts_with("Agent "))
        .count();
    assert!((5..20).contains(&n_agents), "{n_agents}");
}

#[test]
fn the_meeting_panel_tells_turns_topics_and_answers() {
    let (turns, minutes) = (turns(400), minutes());
    let both = [
        "400 turns",
        "sentence 399",
        "Topics  1",
        "Questions  2 of 3",
        "approved",
    ];
    for (tab, expected) in [
        (
            Tab::Topics,
            &[
                "sync, bookmarks, networks",
                "turns 4 to 12",
                "Ben 5  The sync",
            ][..],
        ),
        (
            Tab::Questions,
            &[
                "When is the launch?",
                "On the fourteenth.",
                "Ben 7 · similarity 0.63",
                "answering …",
                "asked by you at 1:05",
            ][..],
        ),
    ] {
        let expected: Vec<&str> = both.iter().chain(expected).copied().collect();
        check("meeting", &expected, |ctx, layout| {
            let mut choice = Choice {
                tab,
                draft: String::new(),
            };
            theme::panel(ctx, "meeting", layout.right.unwrap(), |ui| {
                assert_eq!(
                    meeting_panel::meeting_ui(ui, &turns, &minutes, &mut choice),
                    None
                );
            });
        });
    }
}

#[test]
fn an_empty_meeting_says_so() {
    let live = Live::default();
    check(
        "meeting",
        &["Nobody has spoken yet", "Topics appear here"],
        |ctx, layout| {
            theme::panel(ctx, "meeting", layout.right.unwrap(), |ui| {
                meeting_panel::meeting_ui(
                    ui,
                    &live.state.turns,
                    &live.minutes,
                    &mut Choice::default(),
                );
            });
        },
    );
}

#[test]
fn the_totals_tell_objectives_and_use_of_resources() {
    let totals = Totals {
        makespan: SimSpan(95_500_000_000),
        weighted_completion_secs: 1234.5,
        resources: vec![ResourceTotals {
            name: "replica 1".into(),
            utilisation: 0.87,
            mean_batch: 7.25,
            ..ResourceTotals::default()
        }],
        ..Totals::default()
    };
    let expected = [
        "1234.5 s",
        "1:35 min",
        "replica 1",
        "87 %",
        "mean batch 7.2",
    ];
    check("totals", &expected, |ctx, layout| {
        theme::panel(ctx, "totals", layout.totals.unwrap(), |ui| {
            totals_panel::totals_ui(ui, &totals);
        });
    });
}

#[test]
fn the_models_panel_tells_replicas_and_asks_before_it_takes_away() {
    let rows = replica_rows();
    let shelf = ModelShelf {
        models: vec![ShelfModel::default()],
        threads: 1,
    };
    let kill = ReplicaRequest {
        resource: ResourceId(0),
        what: Intervention::Kill,
    };
    let both = [
        "replica 1",
        "busy",
        "killed",
        "out of order",
        "all-minilm-l6-v2 bbd64a · cpu · 1 thread · 91 MB",
        "37 % busy · 2 waiting · p99 wait 1234 ms · 3 restarts",
        "Restart",
    ];
    for (asking, expected) in [
        (None, ["Load …", "Add one", "Kill", "Remove"]),
        (Some(kill), ["tried again", "Cancel", "Kill", "Remove"]),
    ] {
        let expected: Vec<&str> = both.iter().chain(&expected).copied().collect();
        check("models", &expected, |ctx, layout| {
            let told = Told {
                rows: &rows,
                shelf: &shelf,
                machine: &[],
            };
            show_models(ctx, layout, told, &mut Asking(asking.clone()));
        });
    }
}

fn show_models(ctx: &Context, layout: &Layout, told: Told<'_>, asking: &mut Asking) {
    let area = models_panel::place(layout.free, told.rows.len(), told.machine.len());
    theme::panel(ctx, "models", area, |ui| {
        let wanted = models_panel::models_ui(ui, told, asking, &mut true);
        assert_eq!(wanted, None);
    });
}

#[test]
fn the_models_panel_tells_memory_and_cards() {
    let card = |name: &str, busy, used| CardUsage {
        name: name.into(),
        busy_percent: Some(busy),
        memory: Some(CardMemory {
            used_bytes: used,
            total_bytes: 16_000_000_000,
        }),
    };
    let model = |version: &str, bytes, is_idle| LoadedModel {
        version: version.into(),
        bytes,
        is_idle,
    };
    let usage = MachineUsage {
        loaded: vec![
            model("all-minilm-l6-v2@bbd64ada5a32", 90_868_376, false),
            model("tiny@1", 9_000_000, true),
        ],
        cards: vec![
            card("Card One", 37, 3_100_000_000),
            card("Card Two", 0, 400_000_000),
        ],
    };
    let expected = [
        "In memory: 100 MB · all-minilm-l6-v2 bbd64a 91 MB · tiny 1 9 MB, unused",
        "Card One: 37 % busy, 3.1 of 16.0 GB",
        "Card Two: 0 % busy, 0.4 of 16.0 GB",
        "replica 1",
    ];
    let (rows, machine) = (replica_rows(), usage.lines());
    check("models", &expected, |ctx, layout| {
        let told = Told {
            rows: &rows[..1],
            shelf: &ModelShelf::default(),
            machine: &machine,
        };
        show_models(ctx, layout, told, &mut Asking::default());
    });
}

#[test]
fn notices_loading_keys_and_names_are_readable() {
    let notices = vec!["The journal \"run.jsonl\" cannot be written: disk full".to_owned()];
    let loading = Loading {
        text: "Loading all-minilm-l6-v2".into(),
        fraction: Some(0.5),
    };
    let label = |kind, text: &str| OverlayLabel {
        screen: Vec2::new(400.0, 300.0),
        text: text.into(),
        color: [9, 9, 9],
        kind,
    };
    let labels = [
        label(LabelKind::Name, "Ada"),
        label(LabelKind::Speech, "Shall we begin?"),
    ];
    check(
        "notices",
        &["cannot be written", "Loading all-minilm-l6-v2", "50%"],
        |ctx, layout| {
            assert_eq!(notice::notices_ui(ctx, layout.free, &notices), None);
            notice::loading_ui(ctx, layout.free, &loading);
        },
    );
    check("overlay", &["Ada", "Shall we begin?"], |ctx, layout| {
        overlay::overlay_ui(ctx, layout.free, &labels);
    });
    check("keys", &["Space", "run one step"], |ctx, _| {
        keys::help_ui(
            ctx,
            &mut Toggles {
                help: true,
                ..Toggles::default()
            },
        );
    });
}

#[test]
fn the_picker_tells_titles_captions_and_errors() {
    let item = |title: &str, error: Option<&str>| PickerItem {
        title: title.into(),
        caption: "Agents take the minutes.".into(),
        path: format!("scenes/{title}.scene.ron").into(),
        error: error.map(Into::into),
    };
    let items = [
        item("meeting", None),
        item("broken", Some("12:5: unknown field `rol`")),
    ];
    let expected = [
        "meeting",
        "Agents take the minutes.",
        "scenes/broken.scene.ron",
        "unknown field `rol`",
    ];
    check("picker", &expected, |ctx, _| {
        assert_eq!(picker::picker_ui(ctx, &items, &mut 0), None);
    });
}
