//! Tests that the picture tells what the engine's states say, and nothing else.

use std::{collections::BTreeMap, time::Duration};

use bevy::{
    pbr::StandardMaterial, prelude::*, time::TimeUpdateStrategy, transform::TransformPlugin,
};
use rooms::Scene;
use schedule::{PoolResource, ResourceLoad, SubtaskMirror, SubtaskState};
use sim::{ControlRequest, Pace, RunControl};

use crate::{
    Labels, StagePlugin, StageRoot, Token, clear_stage,
    flight::Leaving,
    layout::{Layout, MOST_TOKENS, Spot, TOKEN_SIZE, Worker},
    rack::{Lamp, LampState, MOST_SIGNALS},
    support::{Load, add_simulation, hall, scene_file},
    token::MOST_LEAVING,
};

const LOAD: Load = Load {
    n_tasks: 6,
    width: 70,
    gap_secs: 0.3,
    fails_once_in: 23,
};

/// An app with the stage, but neither window nor graphics card; each update runs what is asked for
/// and draws a frame of 0.2 seconds.
fn stage_app(scene: Scene, load: Load) -> App {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, AssetPlugin::default(), TransformPlugin))
        .init_asset::<Mesh>()
        .init_asset::<StandardMaterial>()
        .insert_resource(TimeUpdateStrategy::ManualDuration(Duration::from_millis(
            200,
        )));
    add_simulation(&mut app, scene, load, Pace::Paused, 1.0);
    app.add_plugins(StagePlugin);
    app
}

fn step(app: &mut App) {
    app.world_mut().write_message(ControlRequest::Step);
    app.update();
}

fn settle(app: &mut App) {
    for _ in 0..20 {
        app.update();
    }
}

/// What a state says about where its subtask is shown; written apart from the code it checks.
fn is_right(spot: Spot, mirror: &SubtaskMirror, state: SubtaskState) -> bool {
    match (state, spot) {
        (SubtaskState::Blocked, Spot::Shelf(owner))
        | (SubtaskState::Backoff { .. }, Spot::Hover(owner)) => owner == mirror.owner,
        (SubtaskState::Ready, Spot::Tray(_)) => true,
        (SubtaskState::Running { resource, .. }, Spot::Slot(at)) => resource == at,
        _ => false,
    }
}

/// Compares every subtask with its token; gives back how many are drawn.
fn check_tokens(app: &mut App) -> usize {
    let world = app.world_mut();
    let mut tokens: BTreeMap<_, Token> = BTreeMap::new();
    for token in world.query::<&Token>().iter(world) {
        assert!(
            tokens.insert(token.subtask, *token).is_none(),
            "{token:?} is drawn twice"
        );
    }
    let mut wanted: BTreeMap<Spot, (usize, usize)> = BTreeMap::new();
    let mut subtasks = world.query::<(&SubtaskMirror, &SubtaskState)>();
    let layout = world.resource::<Layout>();
    for (mirror, state) in subtasks.iter(world) {
        let token = tokens.remove(&mirror.id);
        if let Some(token) = token {
            assert!(
                is_right(token.spot, mirror, *state),
                "{mirror:?} is {state:?}, shown at {token:?}"
            );
        }
        let spot = match *state {
            SubtaskState::Blocked => Spot::Shelf(mirror.owner),
            SubtaskState::Backoff { .. } => Spot::Hover(mirror.owner),
            SubtaskState::Running { resource, .. } => Spot::Slot(resource),
            SubtaskState::Ready => Spot::Tray(layout.tray_for(mirror.skill, None).unwrap()),
            SubtaskState::Done | SubtaskState::Failed | SubtaskState::Cancelled => continue,
        };
        let (all, drawn) = wanted.entry(spot).or_default();
        *all += 1;
        *drawn += usize::from(token.is_some());
    }
    assert!(tokens.is_empty(), "tokens of nothing: {tokens:?}");
    for (spot, (all, drawn)) in &wanted {
        assert_eq!(
            *drawn,
            *all.min(&layout.cap(*spot)),
            "at {spot:?} with {all}"
        );
    }
    wanted.values().map(|(_, drawn)| drawn).sum()
}

fn check_lamps(app: &mut App) {
    let world = app.world_mut();
    let n_lamps = |lamp: Lamp, world: &mut World| {
        world
            .query::<&LampState>()
            .iter(world)
            .filter(|state| state.0 == lamp)
            .count()
    };
    let (on, down) = (n_lamps(Lamp::On, world), n_lamps(Lamp::Down, world));
    let (mut wanted_on, mut wanted_down) = (0, 0);
    let mut resources = world.query::<(&PoolResource, &ResourceLoad)>();
    let layout = world.resource::<Layout>();
    for (resource, load) in resources.iter(world) {
        let n_slots = match layout.worker(resource.id) {
            Worker::Unit(_) => resource.slots as usize,
            Worker::Machine(_) => (resource.slots as usize).min(MOST_SIGNALS),
            Worker::Agent(_) | Worker::Unseen => continue,
        };
        // One lamp for health, and one for each slot.
        match load.up {
            true => wanted_on += 1 + load.running.len().min(n_slots),
            false => wanted_down += 1 + n_slots,
        }
    }
    assert_eq!((on, down), (wanted_on, wanted_down));
}

#[test]
fn the_picture_follows_the_states_until_all_is_done() {
    let files = ["meeting.scene.ron", "factory.scene.ron"].map(scene_file);
    for scene in files.into_iter().chain([hall(30)]) {
        let mut app = stage_app(scene, LOAD);
        let (mut most, mut has_failed, mut has_been_down) = (0, false, false);
        for _ in 0..4000 {
            step(&mut app);
            most = check_tokens(&mut app).max(most);
            check_lamps(&mut app);
            let world = app.world_mut();
            assert!(world.query::<&Leaving>().iter(world).count() <= MOST_LEAVING);
            has_failed |= world
                .query::<&Token>()
                .iter(world)
                .any(|token| matches!(token.spot, Spot::Hover(_)));
            has_been_down |= world
                .query::<&ResourceLoad>()
                .iter(world)
                .any(|load| !load.up);
            if world.resource::<RunControl>().is_finished() {
                break;
            }
        }
        assert!(
            app.world().resource::<RunControl>().is_finished(),
            "too long a run"
        );
        assert!(
            most > 60 && most <= MOST_TOKENS && has_failed && has_been_down,
            "{most} tokens at most"
        );
        settle(&mut app);
        let world = app.world_mut();
        assert_eq!(world.query::<&Token>().iter(world).count(), 0);
        assert_eq!(world.query::<&Leaving>().iter(world).count(), 0);
    }
}

#[test]
fn tokens_come_to_rest_in_their_cells_without_overlap() {
    let mut app = stage_app(scene_file("meeting.scene.ron"), LOAD);
    for _ in 0..12 {
        step(&mut app);
    }
    settle(&mut app);
    assert!(check_tokens(&mut app) > 60);
    let world = app.world_mut();
    let mut shown: Vec<(Vec3, f32)> = Vec::new();
    for (token, transform) in world.query::<(&Token, &Transform)>().iter(world) {
        assert_eq!(
            (transform.translation, transform.scale.x),
            (token.cell.at, token.cell.scale)
        );
        for (at, scale) in &shown {
            let gap = (*at - token.cell.at).length();
            assert!(
                gap > TOKEN_SIZE * scale.min(token.cell.scale),
                "{token:?} lies in another"
            );
        }
        shown.push((token.cell.at, token.cell.scale));
    }
}

#[test]
fn what_is_not_drawn_is_counted() {
    let load = Load {
        n_tasks: 1,
        width: 500,
        ..LOAD
    };
    let mut app = stage_app(scene_file("meeting.scene.ron"), load);
    for _ in 0..4 {
        step(&mut app);
    }
    app.update();
    let drawn = check_tokens(&mut app);
    let world = app.world_mut();
    let live = world
        .query::<&SubtaskState>()
        .iter(world)
        .filter(|state| {
            !matches!(
                state,
                SubtaskState::Done | SubtaskState::Failed | SubtaskState::Cancelled
            )
        })
        .count();
    let counts = world
        .resource::<Labels>()
        .list
        .iter()
        .filter_map(|label| label.text.strip_prefix('+'));
    let counted: usize = counts.map(|count| count.parse::<usize>().unwrap()).sum();
    assert!(counted > 300);
    assert_eq!(drawn + counted, live);
}

#[test]
fn everything_has_a_name_and_can_be_cleared() {
    let mut app = stage_app(hall(12), LOAD);
    for _ in 0..6 {
        step(&mut app);
    }
    let world = app.world_mut();
    let roots = world
        .query_filtered::<Entity, With<StageRoot>>()
        .iter(world)
        .count();
    let nameless = world
        .query_filtered::<Entity, (With<Mesh3d>, Without<Name>)>()
        .iter(world)
        .count();
    assert!(
        roots > 12 && nameless == 0,
        "{roots} roots, {nameless} without name"
    );
    clear_stage(world);
    assert_eq!(world.query::<&Mesh3d>().iter(world).count(), 0);
}
