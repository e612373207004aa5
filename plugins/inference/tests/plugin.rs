//! The plugin brings replies into the frame.

use std::time::Duration;

use bevy::prelude::{App, MessageReader, ResMut, Resource, Update};
use inference::{InferencePlugin, InferencePort, Model, Port, PortOptions, ReplyReceived, Request};

#[derive(Resource, Default)]
struct Seen(Vec<u64>);

fn see(mut replies: MessageReader<ReplyReceived>, mut seen: ResMut<Seen>) {
    seen.0.extend(
        replies
            .read()
            .filter(|reply| reply.0.result.is_ok())
            .map(|reply| reply.0.key),
    );
}

#[test]
fn replies_become_messages_a_few_each_frame() {
    let model = Model::hashed_words();
    let port = Port::open(
        vec![model.replica("a"), model.replica("b")],
        PortOptions::default(),
    )
    .unwrap();
    let mut plugin = InferencePlugin::serving(port);
    plugin.replies_per_frame = 2;
    plugin.wait = Duration::from_secs(60);
    let mut app = App::new();
    app.add_plugins(plugin)
        .init_resource::<Seen>()
        .add_systems(Update, see);
    for key in 0..5 {
        let port = app.world().resource::<InferencePort>();
        port.submit(
            key as usize % 2,
            Request::embed(key, [format!("text {key}")]),
        )
        .unwrap();
    }
    let mut n_frames = 0;
    while app.world().resource::<Seen>().0.len() < 5 {
        app.update();
        n_frames += 1;
        assert!(n_frames <= 5, "each frame brings one reply at least");
    }
    assert!(n_frames >= 3, "a frame brings two at most");
    let mut seen = app.world().resource::<Seen>().0.clone();
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    assert_eq!(app.world().resource::<InferencePort>().n_on_their_way(), 0);
}

#[test]
fn without_a_port_it_waits_for_one() {
    let mut app = App::new();
    app.add_plugins(InferencePlugin::default());
    app.update();
}
