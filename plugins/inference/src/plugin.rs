//! Hosts the port in a Bevy app: brings its replies into the frame without ever blocking it.

use std::{
    ops::Deref,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bevy::prelude::{
    App, IntoScheduleConfigs as _, Message, MessageWriter, Plugin, PreUpdate, Res, Resource,
    SystemSet, resource_exists,
};

use crate::{port::Port, request::Reply};

/// A reply came in.
#[derive(Message, Clone, Debug, PartialEq)]
pub struct ReplyReceived(pub Reply);

/// When replies come in.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InferenceSystems {
    /// Replies become [`ReplyReceived`] messages. Runs in [`PreUpdate`].
    Receive,
}

/// The port, for whoever sends requests. Dropping the app, or removing this, ends its threads.
#[derive(Resource, Debug)]
pub struct InferencePort(Port);

impl InferencePort {
    /// Makes the port a resource.
    pub fn new(port: Port) -> Self {
        Self(port)
    }
}

impl Deref for InferencePort {
    type Target = Port;

    fn deref(&self) -> &Port {
        &self.0
    }
}

#[derive(Resource, Clone, Copy)]
struct Receiving {
    replies_per_frame: usize,
    wait: Duration,
}

/// Adds [`ReplyReceived`] and, with [`InferencePlugin::serving`], the port.
///
/// Without a port it does nothing until an [`InferencePort`] is inserted.
#[derive(Debug)]
pub struct InferencePlugin {
    /// Replies that one frame takes in; the rest waits for the next.
    pub replies_per_frame: usize,
    /// How long a frame waits for the first reply while some are on their way.
    ///
    /// Zero where frames are drawn; a few milliseconds without a window, so that the main thread
    /// leaves its core to the models instead of spinning.
    pub wait: Duration,
    port: Mutex<Option<Port>>,
}

impl Default for InferencePlugin {
    fn default() -> Self {
        Self {
            replies_per_frame: 256,
            wait: Duration::ZERO,
            port: Mutex::default(),
        }
    }
}

impl InferencePlugin {
    /// The plugin with this port as the app's [`InferencePort`].
    pub fn serving(port: Port) -> Self {
        Self {
            port: Mutex::new(Some(port)),
            ..Self::default()
        }
    }
}

impl Plugin for InferencePlugin {
    fn build(&self, app: &mut App) {
        if let Some(port) = self
            .port
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            app.insert_resource(InferencePort::new(port));
        }
        app.insert_resource(Receiving {
            replies_per_frame: self.replies_per_frame,
            wait: self.wait,
        })
        .add_message::<ReplyReceived>()
        .add_systems(
            PreUpdate,
            receive
                .in_set(InferenceSystems::Receive)
                .run_if(resource_exists::<InferencePort>),
        );
    }
}

fn receive(
    port: Res<InferencePort>,
    options: Res<Receiving>,
    mut received: MessageWriter<ReplyReceived>,
) {
    let mut left = options.replies_per_frame;
    if left > 0
        && !options.wait.is_zero()
        && port.n_on_their_way() > 0
        && let Some(reply) = port.recv_timeout(options.wait)
    {
        received.write(ReplyReceived(reply));
        left -= 1;
    }
    for _ in 0..left {
        let Some(reply) = port.try_recv() else { break };
        received.write(ReplyReceived(reply));
    }
}
