//! Cubes ask questions, and a model beside the frame loop finds the answers: `cargo run -p diorama_inference --example ask`.

use bevy::prelude::*;
use bevy_egui::egui::{Align2, Area, Frame, Id};
use bevy_egui::{EguiContexts, EguiPlugin, EguiPrimaryContextPass};
use inference::{
    Answer, Backend, BackendError, Catalog, DeviceChoice, InferencePlugin, InferencePort, Model,
    Output, Port, PortOptions, ReplyReceived, Request, Store, StoreError, StoreOptions,
};

type Material = MeshMaterial3d<StandardMaterial>;

/// What is known: the sentence that is most like a question answers it.
const BOOK: [&str; 5] = [
    "Under its thick clouds, Venus is the hottest planet.",
    "Rust, which is iron oxide, gives the soil of Mars its red colour.",
    "Jupiter is the largest planet: all others would fit into it.",
    "The rings of Saturn are made of ice and rock.",
    "The moon raises the tides by pulling at the sea.",
];
/// What the cubes ask, one after another.
const QUESTIONS: [&str; 5] = [
    "Why does Mars look red?",
    "Which planet is the biggest?",
    "What are Saturn's rings made of?",
    "Where is it hotter than anywhere else?",
    "What makes high and low tide?",
];

/// A cube: which question it asked, when it asks the next, and what it heard, if it is not waiting.
#[derive(Component)]
struct Asker(usize, f32, Option<String>);

fn main() -> std::io::Result<()> {
    // The embedded model serves from the first frame on; a larger one takes over once it is loaded.
    let embedded = Model::embedded().replica("cubes");
    let port = Port::open(vec![embedded], PortOptions::default())?;
    let larger = || load().map_err(|error| BackendError::Tokens(error.to_string()));
    port.swap(0, std::sync::Arc::new(larger))?;
    let inference = InferencePlugin::serving(port);
    App::new()
        .add_plugins((DefaultPlugins, EguiPlugin::default(), inference))
        .insert_resource(ClearColor(Color::srgb(0.1, 0.12, 0.16)))
        .add_systems(Startup, build)
        .add_systems(Update, ask)
        .add_systems(EguiPrimaryContextPass, show)
        .run();
    Ok(())
}

/// Runs on a thread of the port, and fetches the model if it is not in the store.
fn load() -> Result<Box<dyn Backend>, StoreError> {
    let store = Store::new(Catalog::built_in(), StoreOptions::from_env()?);
    let (name, cpu) = ("all-minilm-l6-v2", DeviceChoice::Cpu);
    let model = store.load(name, cpu, &mut |_| {}, &false.into())?;
    Ok(model.backend()?)
}

fn build(
    mut commands: Commands,
    mut meshes: ResMut<Assets<Mesh>>,
    mut materials: ResMut<Assets<StandardMaterial>>,
) {
    let from = |x, y, z| Transform::from_xyz(x, y, z).looking_at(Vec3::Y, Vec3::Y);
    commands.spawn((Camera3d::default(), from(0.0, 2.4, 7.0)));
    let sun = DirectionalLight {
        shadow_maps_enabled: true,
        ..default()
    };
    commands.spawn((sun, from(3.0, 6.0, 4.0)));
    let floor = Mesh3d(meshes.add(Cylinder::new(6.0, 0.1)));
    let grey = MeshMaterial3d(materials.add(Color::srgb(0.3, 0.32, 0.36)));
    commands.spawn((floor, grey, Transform::from_xyz(0.0, -0.05, 0.0)));
    let cube = meshes.add(Cuboid::from_length(0.9));
    for n in 0..4 {
        let x = 2.5 * (n as f32 - 1.5);
        let color = Color::hsl(90.0 * n as f32, 0.5, 0.4);
        let look = (Mesh3d(cube.clone()), MeshMaterial3d(materials.add(color)));
        let place = Transform::from_xyz(x, 0.45, -0.1 * x * x);
        commands.spawn((Asker(4 - n, n as f32, None), place, look));
    }
}

/// Takes answers in, and sends the next questions, each along with the book.
fn ask(
    mut replies: MessageReader<ReplyReceived>,
    mut cubes: Query<(Entity, &mut Asker)>,
    port: Res<InferencePort>,
    time: Res<Time>,
) -> Result {
    for ReplyReceived(reply) in replies.read() {
        let (_, mut asker) = cubes.get_mut(Entity::from_bits(reply.key))?;
        asker.1 = time.elapsed_secs() + 6.0;
        asker.2 = Some(match &reply.result {
            Ok(answer) => most_alike(answer),
            Err(error) => error.to_string(),
        });
    }
    for (cube, mut asker) in &mut cubes {
        if time.elapsed_secs() > asker.1 {
            *asker = Asker((asker.0 + 1) % QUESTIONS.len(), f32::MAX, None);
            let texts = BOOK.into_iter().chain([QUESTIONS[asker.0]]);
            port.submit(0, Request::embed(cube.to_bits(), texts))?;
        }
    }
    Ok(())
}

/// The sentence of the book that is most like the question, which comes after all of them.
fn most_alike(answer: &Answer) -> String {
    let vectors = || answer.outputs.iter().cloned().filter_map(Output::embedding);
    let question: Vec<f32> = vectors().skip(BOOK.len()).flatten().collect();
    let cosine = |v: Vec<f32>| v.iter().zip(&question).map(|(a, b)| a * b).sum::<f32>();
    let cosines = vectors().map(cosine).zip(BOOK);
    let best = cosines.max_by(|a, b| a.0.total_cmp(&b.0));
    let (cosine, text) = best.unwrap_or_default();
    format!("{text}\ncosine {cosine:.2}\n{}", answer.version)
}

/// Labels the cubes; those that wait are bright, and fade once they have their answer.
fn show(
    mut contexts: EguiContexts,
    mut materials: ResMut<Assets<StandardMaterial>>,
    cubes: Query<(Entity, &Asker, &Transform, &Material)>,
    camera: Single<(&Camera, &GlobalTransform)>,
    time: Res<Time>,
) -> Result {
    for (cube, asker, place, material) in &cubes {
        let above = place.translation + 0.8 * Vec3::Y;
        let at = camera.0.world_to_viewport(camera.1, above)?;
        let area = Area::new(Id::new(cube)).fixed_pos([at.x, at.y]);
        let area = area.pivot(Align2::CENTER_BOTTOM);
        area.show(contexts.ctx_mut()?, |ui| {
            Frame::popup(ui.style()).show(ui, |ui| {
                ui.set_width(200.0);
                ui.strong(QUESTIONS[asker.0]);
                ui.label(asker.2.as_deref().unwrap_or("…"));
            });
        });
        if let Some(mut material) = materials.get_mut(&material.0) {
            material.emissive = match asker.2 {
                None => material.base_color.to_linear() * 8.0,
                Some(_) => material.emissive * (-2.0 * time.delta_secs()).exp(),
            };
        }
    }
    Ok(())
}
