//! Shows the panels over a small scripted meeting, without models: `cargo run -p panels --example panels_demo`.

use std::{error::Error, path::Path, sync::Arc};

use bevy::{
    prelude::*,
    render::view::window::screenshot::{Screenshot, save_to_disk},
    window::WindowResolution,
};
use clap::Parser as _;
use panels::{
    FreeRect, LabelKind, Loading, Notices, OpenSceneRequest, Overlay, OverlayLabel, PanelsPlugin,
    PickerItem, PickerItems, PickerPlugin, RunInfo,
};
use record::{FORMAT, Live, OutputMode, RecordPlugin, Run, TimeMode};
use rooms::{CurrentScene, Place, RoomsPlugin, Scene};
use schedule::{Charge, EngineOptions, PolicyName, SchedulePlugin};
use sim::{Pace, SimPlugin, Streams};

#[path = "panels_demo/script.rs"]
mod script;

/// Shows the panels over a small scripted meeting.
#[derive(clap::Parser, Resource, Clone, Debug)]
struct Args {
    /// Write a picture of the window to this file and end.
    #[arg(long)]
    screenshot: Option<String>,
    /// Seconds after which the picture is taken.
    #[arg(long, default_value_t = 5.0)]
    after: f32,
    /// Width and height of the window in pixels, as in 1280x720.
    #[arg(long, default_value = "1280x720", value_parser = parse_size)]
    size: (u32, u32),
    /// Simulated seconds for each second.
    #[arg(long, default_value_t = 10.0)]
    speed: f64,
    /// Show the list of scenes instead.
    #[arg(long)]
    picker: bool,
    /// Show a notice and something that loads.
    #[arg(long)]
    problems: bool,
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let size = text
        .split_once('x')
        .and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    size.ok_or_else(|| format!("{text:?} is not WIDTHxHEIGHT"))
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let mut app = App::new();
    let window = Window {
        title: "Panels".into(),
        resolution: WindowResolution::new(args.size.0, args.size.1),
        ..default()
    };
    app.add_plugins(DefaultPlugins.set(WindowPlugin {
        primary_window: Some(window),
        ..default()
    }));
    if args.picker {
        add_picker(&mut app);
    } else {
        add_run(&mut app, &args)?;
    }
    app.insert_resource(args)
        .insert_resource(ClearColor(Color::srgb(0.28, 0.30, 0.33)))
        .add_systems(Startup, spawn_room)
        .add_systems(Update, take_screenshot);
    app.run();
    Ok(())
}

fn add_picker(app: &mut App) {
    let item = |title: &str, caption: &str, path: &str, error: Option<&str>| PickerItem {
        title: title.into(),
        caption: caption.into(),
        path: path.into(),
        error: error.map(Into::into),
    };
    app.add_plugins(PickerPlugin)
        .insert_resource(PickerItems(vec![
            item(
                "Team meeting",
                "Agents take the minutes and answer questions.",
                "scenes/meeting.scene.ron",
                None,
            ),
            item(
                "Factory",
                "Machines, inspectors and carriers share a shop floor.",
                "scenes/factory.scene.ron",
                None,
            ),
            item(
                "broken",
                "",
                "scenes/broken.scene.ron",
                Some("scenes/broken.scene.ron:12:5: unknown field `rol`; did you mean `role`?"),
            ),
        ]))
        .add_systems(Update, |mut requests: MessageReader<OpenSceneRequest>| {
            for OpenSceneRequest(path) in requests.read() {
                info!("open {}", path.display());
            }
        });
}

fn add_run(app: &mut App, args: &Args) -> Result<(), Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes/meeting.scene.ron");
    let scene = Arc::new(Scene::read(&path)?);
    let charge = Charge::Modelled { noise: 0.1 };
    let options = EngineOptions::new(PolicyName::Sjf, charge, Streams::new(scene.seed));
    let run = Run {
        format: FORMAT,
        diorama: "demo".into(),
        build: "demo".into(),
        scene: scene.name.clone(),
        scene_hash: scene.text_hash.clone(),
        input: None,
        seed: scene.seed,
        policy: "sjf".into(),
        time: TimeMode::Modelled,
        outputs: OutputMode::None,
        models: Vec::new(),
        profiles: Vec::new(),
    };
    let line = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    app.insert_resource(RunInfo {
        lines: vec![
            line("scene", &scene.name),
            line("policy", "sjf"),
            line("seed", &scene.seed.to_string()),
            line("time", "modelled"),
            line("model", "all-minilm-l6-v2@bbd64ada5a32"),
        ],
    });
    app.add_plugins((
        SimPlugin {
            seed: scene.seed,
            pace: Pace::Follow,
            speed: args.speed,
        },
        SchedulePlugin {
            resources: scene.resources(),
            options,
        },
        RoomsPlugin { scene },
        RecordPlugin::new(run, None),
        PanelsPlugin,
        script::plugin,
    ))
    .add_systems(Update, (label_agents, keep_room_in_sight));
    if args.problems {
        app.insert_resource(Loading {
            text: "Loading all-minilm-l6-v2".into(),
            fraction: Some(0.42),
        });
        app.world_mut()
            .resource_mut::<Notices>()
            .report("The model \"minilm\" could not be loaded: its hash is \"53aa51\" instead of \"1f0e2c\"; fetch it again with: diorama models pull");
    }
    Ok(())
}

/// A floor and an upright shape for each agent: enough to see what the panels leave free.
fn spawn_room(
    mut commands: Commands,
    scene: Option<Res<CurrentScene>>,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
) {
    let floor = meshes.add(Plane3d::default().mesh().size(9.0, 7.0));
    commands.spawn((
        Mesh3d(floor),
        MeshMaterial3d(materials.add(Color::srgb(0.72, 0.66, 0.58))),
    ));
    let person = meshes.add(Capsule3d::new(0.22, 0.9));
    let cloth = materials.add(Color::srgb(0.35, 0.45, 0.6));
    let scene = scene.as_deref();
    for (scene, agent) in scene
        .iter()
        .flat_map(|scene| scene.agents.iter().map(move |agent| (scene, agent)))
    {
        let home = Place::at(&scene.stations[agent.home]).position;
        let at = Transform::from_translation(home + Vec3::Y * 0.7);
        commands.spawn((Mesh3d(person.clone()), MeshMaterial3d(cloth.clone()), at));
    }
    commands.spawn((
        DirectionalLight::default(),
        Transform::from_xyz(2.0, 6.0, 3.0).looking_at(Vec3::ZERO, Vec3::Y),
    ));
    commands.spawn((
        Camera3d::default(),
        Transform::from_xyz(0.0, 6.2, 8.4).looking_at(Vec3::Y * 0.6, Vec3::Y),
    ));
}

/// Keeps the 3D view between the panels.
fn keep_room_in_sight(
    free: Res<FreeRect>,
    window: Single<&Window>,
    mut camera: Single<&mut Camera, With<Camera3d>>,
) {
    let scale = window.scale_factor();
    let (min, size) = (free.0.min * scale, free.0.size() * scale);
    if size.min_element() >= 1.0 {
        camera.viewport = Some(bevy::camera::Viewport {
            physical_position: min.as_uvec2(),
            physical_size: size.as_uvec2().min(window.physical_size() - min.as_uvec2()),
            ..default()
        });
    }
}

fn label_agents(
    camera: Single<(&Camera, &GlobalTransform), With<Camera3d>>,
    agents: Query<(&rooms::Agent, &Place)>,
    live: Res<Live>,
    mut overlay: ResMut<Overlay>,
) {
    let (camera, transform) = *camera;
    let last = live.state.turns.last();
    overlay.0.clear();
    for (agent, place) in agents
        .iter()
        .sort_by_key::<(&rooms::Agent, &Place), _>(|(agent, _)| agent.id)
    {
        let Ok(screen) = camera.world_to_viewport(transform, place.position + Vec3::Y * 1.6) else {
            continue;
        };
        let label = |text: &str, kind| OverlayLabel {
            screen,
            text: text.into(),
            color: [86, 180, 233],
            kind,
        };
        overlay.0.push(label(&agent.name, LabelKind::Name));
        if let Some(turn) = last.filter(|turn| turn.speaker == agent.name) {
            overlay.0.push(label(&turn.text, LabelKind::Speech));
        }
    }
}

fn take_screenshot(
    mut commands: Commands,
    args: Res<Args>,
    time: Res<Time<Real>>,
    mut n_frames_after: Local<u32>,
    mut exit: MessageWriter<AppExit>,
) {
    let Some(path) = &args.screenshot else { return };
    if time.elapsed_secs() < args.after {
        return;
    }
    if *n_frames_after == 0 {
        commands
            .spawn(Screenshot::primary_window())
            .observe(save_to_disk(path.clone()));
    }
    // The picture is read back a few frames later.
    *n_frames_after += 1;
    if *n_frames_after > 8 {
        exit.write(AppExit::Success);
    }
}
