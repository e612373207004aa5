//! Brings a scene into an app: the scene as a resource, and its contents as entities.

use std::sync::Arc;

use bevy::{
    ecs::component::Component,
    prelude::{App, Commands, Deref, Name, Plugin, Reflect, Resource, Vec3},
};

use crate::{scene::Scene, station::Station};

/// The scene that the app shows and runs.
#[derive(Resource, Clone, Debug, Deref)]
pub struct CurrentScene(pub Arc<Scene>);

/// Where an agent is.
#[derive(Component, Clone, Copy, Debug, Default, PartialEq, Reflect)]
pub struct Place {
    /// The point on the floor below the agent, in world metres.
    pub position: Vec3,
    /// Turn about y in radians; 0 faces -z and positive is counter-clockwise from above.
    pub facing: f32,
}

impl Place {
    /// The place of somebody who is at `station`.
    pub fn at(station: &Station) -> Self {
        Self {
            position: station.position.with_y(station.position.y - station.raised),
            facing: station.facing,
        }
    }
}

/// Inserts [`CurrentScene`] and spawns an entity for each space, station, prop and agent of it.
pub struct RoomsPlugin {
    /// The scene.
    pub scene: Arc<Scene>,
}

impl Plugin for RoomsPlugin {
    fn build(&self, app: &mut App) {
        app.insert_resource(CurrentScene(Arc::clone(&self.scene)));
        spawn_scene(&mut app.world_mut().commands(), &self.scene);
        app.world_mut().flush();
    }
}

/// Spawns an entity with a name for each space, station, prop and agent; agents get a [`Place`] too.
pub fn spawn_scene(commands: &mut Commands, scene: &Scene) {
    for space in &scene.spaces {
        commands.spawn((Name::new(space.name.clone()), space.clone()));
    }
    for station in &scene.stations {
        commands.spawn((Name::new(station.name.clone()), station.clone()));
    }
    for prop in &scene.props {
        commands.spawn((Name::new(prop.name.clone()), prop.clone()));
    }
    for agent in &scene.agents {
        let place = Place::at(&scene.stations[agent.home]);
        commands.spawn((Name::new(agent.name.clone()), agent.clone(), place));
    }
}
