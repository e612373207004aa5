//! What a valid scene file turns into: checked values, resources and entities.

use std::{f32::consts::PI, path::Path, sync::Arc};

use bevy::prelude::*;
use rooms::{
    Agent, CALIBRATED, CurrentScene, Look, MomentKind, Part, PartRef, Per, Place, Prop, Role,
    RoomsPlugin, Scene, SourceKind, Space, Station, StationKind, latency_by,
};
use schedule::{
    DeviceId, DeviceMemory, LatencyProfile, OwnerId, PolicyName, Residence, ResourceId,
    ResourceKind, Skill,
};
use sim::{SimSpan, SimTime};

const VALID: &str = include_str!("valid.scene.ron");

fn valid() -> Scene {
    Scene::parse(VALID, Path::new("scenes/x.scene.ron")).expect("the scene is valid")
}

#[test]
fn names_become_indices_and_units_become_types() {
    let scene = valid();
    let rack = &scene.stations[3];
    assert_eq!(
        (rack.kind, rack.position, rack.size),
        (
            StationKind::Rack,
            Vec3::new(3.0, 0.0, -2.0),
            Vec3::new(0.7, 1.6, 0.9)
        )
    );
    assert!((scene.stations[0].facing - PI / 2.0).abs() < 1e-6);
    assert_eq!(scene.stations[0].size, Vec3::new(2.0, 0.74, 1.0));
    assert_eq!(
        scene.agents[1],
        Agent {
            id: OwnerId(1),
            name: "Ben".into(),
            role: Role::Recorder,
            home: 2,
            skills: vec![]
        }
    );
    assert_eq!(
        (
            scene.agent(OwnerId(0)).unwrap().name.as_str(),
            scene.agent(OwnerId(2))
        ),
        ("Ada", None)
    );
    assert_eq!(scene.agent_named("Ben").unwrap().id, OwnerId(1));
}

#[test]
fn a_space_looks_like_a_meeting_room_unless_it_says_otherwise() {
    assert_eq!(valid().spaces[0].look, Look::Meeting);
    let text = VALID.replacen("height: 3.0)]", "height: 3.0, look: lounge)]", 1);
    let scene = Scene::parse(&text, Path::new("x.scene.ron")).unwrap();
    assert_eq!(scene.spaces[0].look, Look::Lounge);
}

#[test]
fn a_scene_may_name_its_policy() {
    assert_eq!(valid().policy, None);
    let text = include_str!("valid.scene.ron");
    let text = text.replacen("speed: 2.0", r#"policy: "batch-fifo", speed: 2.0"#, 1);
    let scene = Scene::parse(&text, Path::new("x.scene.ron")).unwrap();
    assert_eq!(scene.policy, Some(PolicyName::BatchFifo));
}

#[test]
fn sources_faults_and_moments_are_resolved() {
    let scene = valid();
    let [meeting, question, chore] = scene.sources.as_slice() else {
        panic!("three sources")
    };
    assert_eq!(
        (meeting.at, meeting.by, meeting.decomposition),
        (SimTime(1_500_000_000), OwnerId(0), 0)
    );
    assert_eq!(
        (meeting.weight, meeting.deadline),
        (1.0, Some(SimSpan(600_000_000_000)))
    );
    let SourceKind::Meeting {
        file,
        words_per_minute,
        stretch,
    } = &meeting.kind
    else {
        panic!("a meeting")
    };
    assert_eq!(
        (file.as_path(), *words_per_minute, *stretch),
        (Path::new("scenes/talk.txt"), 150.0, SimSpan(90_000_000_000))
    );
    assert_eq!(
        question.kind,
        SourceKind::Question {
            text: "When?".into()
        }
    );
    assert_eq!(
        (&chore.kind, chore.weight, chore.deadline),
        (&SourceKind::Task { texts: vec![] }, 2.0, None)
    );
    assert_eq!(
        (scene.faults[0].resource, scene.faults[0].span),
        (ResourceId(0), SimSpan(20_000_000_000))
    );
    assert_eq!(
        scene.moments[0].kind,
        MomentKind::Say {
            agent: OwnerId(0),
            text: "Hello".into()
        }
    );
}

#[test]
fn parts_stand_after_their_predecessors() {
    let scene = valid();
    let part = |name: &str, skill, model: Option<&str>, by, per, after, after_elsewhere| Part {
        name: name.into(),
        skill,
        model: model.map(Into::into),
        on: vec![],
        by: OwnerId(by),
        per,
        after,
        after_elsewhere,
    };
    assert_eq!(
        scene.decomposition("minutes").unwrap().parts,
        [
            part(
                "embed",
                Skill::Embed,
                Some("minilm"),
                1,
                Per::Turn,
                vec![],
                vec![]
            ),
            part(
                "approve",
                Skill::Approve,
                None,
                0,
                Per::Meeting,
                vec![0],
                vec![]
            ),
        ]
    );
    let elsewhere = vec![PartRef {
        decomposition: 0,
        part: 0,
    }];
    assert_eq!(
        scene.decomposition("answer").unwrap().parts,
        [part(
            "embed",
            Skill::Embed,
            None,
            1,
            Per::Question,
            vec![],
            elsewhere
        )]
    );
    assert_eq!(scene.decomposition("lunch"), None);
}

#[test]
fn resources_are_the_replicas_and_then_the_agents_with_skills() {
    let resources = valid().resources();
    let [replica, ada] = resources.as_slice() else {
        panic!("two resources")
    };
    assert_eq!(
        replica.kind,
        ResourceKind::Replica {
            model: "minilm".into()
        }
    );
    assert_eq!(
        (replica.slots, replica.bytes_per_sec, replica.watts),
        (4, Some(1e9), 35.0)
    );
    assert!((replica.price_per_sec - 0.001).abs() < 1e-12);
    let profile = LatencyProfile {
        per_token: SimSpan(1_000_000),
        ..Default::default()
    };
    assert_eq!(replica.skills, [(Skill::Embed, profile)]);
    assert_eq!(
        (ada.name.as_str(), &ada.kind, ada.slots),
        ("Ada", &ResourceKind::Agent { owner: OwnerId(0) }, 1)
    );
}

#[test]
fn replicas_take_of_the_memory_of_their_device_what_their_model_says() {
    let edited = |device: &str, model: &str| {
        let text = VALID.replace("price_per_hour: 3.6", device);
        let version = r#"version: "all-minilm-l6-v2""#;
        let text = text.replace(version, &format!("{version}, {model}"));
        let scene = Scene::parse(&text, Path::new("x.scene.ron")).unwrap();
        (scene.device_memory(), scene.resources().remove(0).residence)
    };
    let device = |bytes| {
        let device = DeviceId(0);
        vec![DeviceMemory { device, bytes }]
    };
    let takes = |bytes, load| {
        let load = SimSpan(load);
        Some(Residence { bytes, load })
    };
    // Nothing counts where there is no limit.
    assert_eq!(
        edited("price_per_hour: 0.0", "memory_gb: 2.0"),
        (vec![], None)
    );
    // 91,335,235 bytes, at 10⁹ bytes a second.
    let by_link = takes(91_335_235, 91_335_235);
    assert_eq!(edited("memory_gb: 0.1", ""), (device(100_000_000), by_link));
    assert_eq!(
        edited("memory_gb: 4.0", "memory_gb: 2.0, load_secs: 0.5"),
        (device(4_000_000_000), takes(2_000_000_000, 500_000_000))
    );
}

#[test]
fn the_plugin_spawns_an_entity_for_everything() {
    let mut app = App::new();
    app.add_plugins(MinimalPlugins).add_plugins(RoomsPlugin {
        scene: Arc::new(valid()),
    });
    app.update();
    assert_eq!(app.world().resource::<CurrentScene>().name, "Test");
    fn names<T: Component>(app: &mut App) -> Vec<String> {
        let mut names: Vec<String> = app
            .world_mut()
            .query_filtered::<&Name, With<T>>()
            .iter(app.world())
            .map(ToString::to_string)
            .collect();
        names.sort();
        names
    }
    assert_eq!(names::<Space>(&mut app), ["hall"]);
    assert_eq!(
        names::<Station>(&mut app),
        ["rack", "seat 1", "seat 2", "table"]
    );
    assert_eq!(names::<Prop>(&mut app), ["fern"]);
    assert_eq!(names::<Agent>(&mut app), ["Ada", "Ben"]);
    let mut agents = app.world_mut().query::<(&Agent, &Place)>();
    for (agent, place) in agents.iter(app.world()) {
        let seat = &valid().stations[agent.home];
        assert_eq!((place.position, place.facing), (seat.position, seat.facing));
    }
}

/// The scenes that come with the app.
#[test]
fn shipped_scenes_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenes");
    let files = rooms::scene_files(&folder).unwrap();
    assert!(!files.is_empty());
    for file in files {
        let scene = file.scene.unwrap_or_else(|error| panic!("{error}"));
        assert!(!scene.caption.is_empty(), "{:?} has no caption", file.path);
    }
}

/// The minimal scene in the README.
#[test]
fn the_readme_shows_a_valid_scene() {
    let readme = include_str!("../README.md");
    let (_, example) = readme.split_once("```ron\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let scene =
        Scene::parse(example, Path::new("README.md")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scene.agents.len(), 1);
}

#[test]
fn a_skill_goes_by_the_profile_that_it_names() {
    const SHIPPED: &str = "all-minilm-l6-v2-f32-amd-epyc-1t";
    let with = |words: &str| {
        let text = include_str!("valid.scene.ron").replace("per_token_secs: 0.001", words);
        Scene::parse(&text, Path::new("scenes/x.scene.ron")).unwrap()
    };
    let profile = inference::shipped_named(SHIPPED).unwrap();
    let named = with(&format!("profile: {SHIPPED:?}"));
    let (skill, latency) = named.replicas[0].skills[0];
    assert_eq!((skill, latency), (Skill::Embed, latency_by(&profile, 0)));
    assert!(latency.span(1, 100) > SimSpan(1_000_000));
    assert_eq!(named.replicas[0].profiles[0].profile, SHIPPED);
    // What was measured on this machine is filled in by whoever runs the scene.
    let calibrated = with("profile: \"calibrated\"");
    assert_eq!(calibrated.replicas[0].profiles[0].profile, CALIBRATED);
    assert!(valid().replicas[0].profiles.is_empty());
}
