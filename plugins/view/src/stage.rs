//! Puts the stage together: which system builds, follows and moves what, in which order.

use agents::AgentFact;
use bevy::{camera::CameraUpdateSystems, prelude::*, transform::TransformSystems};
use rooms::CurrentScene;
use sim::Fact;

use crate::{
    camera, figure, flight,
    flow::{self, Flow},
    furniture,
    kit::Kit,
    label::{self, Labels},
    layout::Layout,
    light,
    rack::{self, LampBoard},
    screen::{self, ScreenLight},
    space,
    token::{self, Tokens},
};

/// Marks everything on the stage that stands for itself; what belongs to it are its children.
#[derive(Component, Clone, Copy, Debug, Default)]
pub struct StageRoot;

/// What is drawn each frame, in order, after the update in which the simulation steps.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViewSystems {
    /// What has come is built.
    Build,
    /// States are taken in, and tokens and lamps brought in line with them.
    Follow,
    /// Things on their way move on.
    Move,
    /// Labels are projected to the screen, once all things have their place.
    Label,
}

/// Draws the scene in a window: the stage with camera and light.
pub struct ViewPlugin;

impl Plugin for ViewPlugin {
    fn build(&self, app: &mut App) {
        app.add_plugins((StagePlugin, camera::plugin, light::plugin));
    }
}

/// The stage alone: what [`ViewPlugin`] draws, without camera and light.
///
/// Needs assets of meshes and standard materials, but neither a window nor a graphics card.
pub struct StagePlugin;

impl Plugin for StagePlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Kit>()
            .init_resource::<Layout>()
            .init_resource::<Flow>()
            .init_resource::<Tokens>()
            .init_resource::<LampBoard>()
            .init_resource::<ScreenLight>()
            .init_resource::<Labels>()
            .add_message::<Fact<AgentFact>>()
            .configure_sets(
                PostUpdate,
                (
                    ViewSystems::Build,
                    ViewSystems::Follow,
                    ViewSystems::Move,
                    ViewSystems::Label,
                )
                    .chain()
                    .run_if(resource_exists::<CurrentScene>),
            )
            .configure_sets(
                PostUpdate,
                (
                    ViewSystems::Move.before(TransformSystems::Propagate),
                    ViewSystems::Label
                        .after(TransformSystems::Propagate)
                        .after(CameraUpdateSystems),
                ),
            );
        add_systems(app);
    }
}

fn add_systems(app: &mut App) {
    app.add_systems(Startup, token::mix_paints);
    app.add_systems(
        PostUpdate,
        (
            (lay_out, rack::build_trays)
                .chain()
                .run_if(resource_changed::<CurrentScene>),
            space::build_spaces,
            furniture::build_stations,
            furniture::build_props,
            rack::build_racks,
            rack::build_units,
            figure::build_figures,
        )
            .chain()
            .in_set(ViewSystems::Build),
    )
    .add_systems(
        PostUpdate,
        (
            flow::follow_states,
            token::draw_tokens,
            rack::light_lamps,
            figure::note_activity,
            screen::pulse_screens,
        )
            .chain()
            .in_set(ViewSystems::Follow),
    )
    .add_systems(
        PostUpdate,
        (
            figure::place_figures,
            figure::move_limbs,
            flight::fly,
            space::open_walls,
        )
            .chain()
            .in_set(ViewSystems::Move),
    )
    .add_systems(PostUpdate, label::project_labels.in_set(ViewSystems::Label));
}

/// Works out the places of a new scene.
fn lay_out(scene: Res<CurrentScene>, mut layout: ResMut<Layout>) {
    *layout = Layout::of(&scene);
}

/// Takes everything off the stage, so that another scene can be put on it.
///
/// Call it together with the removal of the old scene's own entities; what is added after that is
/// built anew.
pub fn clear_stage(world: &mut World) {
    let mut roots = world.query_filtered::<Entity, With<StageRoot>>();
    let roots: Vec<Entity> = roots.iter(world).collect();
    for root in roots {
        world.despawn(root);
    }
    world.insert_resource(Flow::default());
    world.insert_resource(Tokens::default());
    world.insert_resource(Labels::default());
    world.insert_resource(LampBoard::default());
}
