//! Hosts the port in a Bevy app: brings its replies into the frame without ever blocking it.

use std::{
    ops::Deref,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bevy::{
    ecs::system::SystemParam,
    prelude::{
        App, IntoScheduleConfigs as _, Message, MessageWriter, Plugin, PreUpdate, Res, Resource,
        SystemSet, resource_exists,
    },
};

use crate::{
    port::{Arrival, Piece, Port, ReplicaChange},
    request::Reply,
    shared::now,
};

/// A reply came in.
#[derive(Message, Clone, Debug, PartialEq)]
pub struct ReplyReceived(pub Reply);

/// A part of a text that is being generated came in.
#[derive(Message, Clone, Debug, PartialEq)]
pub struct PieceReceived(pub Piece);

/// Something happened to a replica.
#[derive(Message, Clone, Debug, PartialEq)]
pub struct ReplicaChanged(pub ReplicaChange);

/// When replies come in.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InferenceSystems {
    /// What comes out of the port becomes messages: [`ReplyReceived`] and its likes. Runs in [`PreUpdate`].
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
    time_per_frame: Duration,
    wait: Duration,
}

/// Adds [`ReplyReceived`], [`PieceReceived`], [`ReplicaChanged`] and, with [`InferencePlugin::serving`], the port.
///
/// Without a port it does nothing until an [`InferencePort`] is inserted.
#[derive(Debug)]
pub struct InferencePlugin {
    /// Replies, pieces and changes that one frame takes in; the rest waits for the next.
    pub replies_per_frame: usize,
    /// How long one frame goes on taking in; the first is always taken.
    pub time_per_frame: Duration,
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
            time_per_frame: Duration::from_millis(1),
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
            time_per_frame: self.time_per_frame,
            wait: self.wait,
        })
        .add_message::<ReplyReceived>()
        .add_message::<PieceReceived>()
        .add_message::<ReplicaChanged>()
        .add_systems(
            PreUpdate,
            receive
                .in_set(InferenceSystems::Receive)
                .run_if(resource_exists::<InferencePort>),
        );
    }
}

#[derive(SystemParam)]
struct Received<'w> {
    replies: MessageWriter<'w, ReplyReceived>,
    pieces: MessageWriter<'w, PieceReceived>,
    changes: MessageWriter<'w, ReplicaChanged>,
}

impl Received<'_> {
    fn write(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Reply(reply) => {
                self.replies.write(ReplyReceived(reply));
            }
            Arrival::Piece(piece) => {
                self.pieces.write(PieceReceived(piece));
            }
            Arrival::Change(change) => {
                self.changes.write(ReplicaChanged(change));
            }
        }
    }
}

fn receive(port: Res<InferencePort>, options: Res<Receiving>, mut received: Received) {
    let mut left = options.replies_per_frame;
    if left > 0
        && !options.wait.is_zero()
        && port.n_on_their_way() > 0
        && let Some(arrival) = port.next_timeout(options.wait)
    {
        received.write(arrival);
        left -= 1;
    }
    let until = now() + options.time_per_frame;
    for _ in 0..left {
        let Some(arrival) = port.try_next() else {
            break;
        };
        received.write(arrival);
        if now() >= until {
            break;
        }
    }
}
