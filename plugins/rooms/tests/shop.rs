//! Scenes of machines, of work that only some can do, of texts, and of tasks that come at random.

use std::path::Path;

use rooms::{Per, Scene, SourceKind, Way};
use schedule::{ResourceId, ResourceKind, Skill};
use sim::{SimSpan, SimTime};

const SHOP: &str = r#"(
    version: 1,
    name: "Shop",
    spaces: [(name: "hall", size: (8.0, 6.0), look: factory)],
    stations: [
        (name: "desk", kind: desk, at: (-2.0, 0.0)),
        (name: "mill", kind: machine, at: (2.0, -1.5)),
        (name: "cart", kind: vehicle, at: (2.0, 1.5)),
    ],
    agents: [(name: "Rosa", role: planner, home: "desk", skills: [(skill: approve, fixed_secs: 2.0)])],
    devices: [(name: "cpu", kind: cpu)],
    models: [(name: "minilm", version: "all-minilm-l6-v2")],
    replicas: [(name: "replica", model: "minilm", device: "cpu", skills: [(skill: embed, fixed_secs: 0.1)])],
    machines: [
        (name: "mill", station: "mill", skills: [(skill: machine, fixed_secs: 30.0)], watts: 4000.0, price_per_hour: 36.0),
        (name: "cart", station: "cart", slots: 2, skills: [(skill: carry, fixed_secs: 9.0)]),
    ],
    sources: [
        arrivals(n: 3, every_secs: 60.0, at: 10.0, by: "Rosa", task: "order", deadline_secs: 600.0),
        task(at: 5.0, by: "Rosa", task: "notes", texts: ["The belt squeaks.", "Order oil."]),
    ],
    decompositions: [
        (task: "order", parts: [
            (name: "cut", skill: machine, on: [(who: "mill", secs: 40.0), (who: "Rosa", secs: 90.0)], by: "Rosa", per: task),
            (name: "ship", skill: carry, by: "Rosa", per: task, after: ["cut"]),
        ]),
        (task: "notes", parts: [(name: "read", skill: embed, model: "minilm", by: "Rosa", per: text)]),
    ],
    faults: [(at: 30.0, resource: "cart", secs: 9.0)],
)"#;

fn parse(text: &str) -> Result<Scene, String> {
    Scene::parse(text, Path::new("x.scene.ron")).map_err(|error| error.to_string())
}

#[test]
fn machines_come_after_replicas_and_agents() {
    let scene = parse(SHOP).unwrap();
    let resources = scene.resources();
    let names: Vec<&str> = resources.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["replica", "Rosa", "mill", "cart"]);
    assert_eq!(resources[2].kind, ResourceKind::Machine);
    assert_eq!((resources[2].watts, resources[3].slots), (4000.0, 2));
    assert!((resources[2].price_per_sec - 0.01).abs() < 1e-12);
    assert_eq!(scene.machines[1].station, 2);
    assert_eq!(scene.faults[0].resource, ResourceId(3));
}

#[test]
fn parts_may_say_who_does_them_and_how_long_it_takes_each() {
    let scene = parse(SHOP).unwrap();
    let [cut, ship] = scene.decomposition("order").unwrap().parts.as_slice() else {
        panic!("two parts")
    };
    let way = |who: &str, secs: u64| Way {
        who: who.into(),
        span: SimSpan(secs * 1_000_000_000),
    };
    assert_eq!(
        (cut.skill, &cut.on),
        (Skill::Machine, &vec![way("mill", 40), way("Rosa", 90)])
    );
    assert!(ship.on.is_empty());
    assert_eq!(
        scene.decomposition("notes").unwrap().parts[0].per,
        Per::Text
    );
}

#[test]
fn tasks_come_at_random_or_with_texts() {
    let scene = parse(SHOP).unwrap();
    assert_eq!(
        (scene.sources[0].at, &scene.sources[0].kind),
        (
            SimTime(10_000_000_000),
            &SourceKind::Arrivals {
                n_tasks: 3,
                mean_gap: SimSpan(60_000_000_000)
            }
        )
    );
    let SourceKind::Task { texts } = &scene.sources[1].kind else {
        panic!("a task")
    };
    assert_eq!(texts, &["The belt squeaks.", "Order oil."]);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let mut wrong = Vec::new();
    for (from, to, expect) in REFUSED {
        assert!(SHOP.contains(from), "the shop does not hold {from:?}");
        let found = parse(&SHOP.replacen(from, to, 1)).expect_err(to);
        if found != format!("x.scene.ron:{expect}") {
            wrong.push(format!("after the edit {from:?} -> {to:?}:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

const REFUSED: &[(&str, &str, &str)] = &[
    (
        r#"station: "cart", slots: 2"#,
        r#"station: "kart", slots: 2"#,
        r#"16:33: no station is called "kart"; did you mean "cart"?"#,
    ),
    (
        "skills: [(skill: carry, fixed_secs: 9.0)]",
        "skills: []",
        "16:16: a machine has no skills; list at least one in `skills`",
    ),
    ("slots: 2", "slots: 0", "16:48: slots is 0; give 1 to 1024"),
    (
        r#"(name: "cart", station"#,
        r#"(name: "Rosa", station"#,
        "16:16: a replica, machine or agent with skills in line 10 is called \"Rosa\" too; rename one of the two\n\
         x.scene.ron:29:35: no replica, machine or agent with skills is called \"cart\"; use \"replica\", \"Rosa\" or \"mill\"",
    ),
    ("n: 3", "n: 0", "19:21: n is 0; give 1 to 100000"),
    (
        "every_secs: 60.0",
        "every_secs: -1.0",
        "19:36: every_secs is -1.0; give 0.001 to 100000000 seconds",
    ),
    (
        r#"who: "mill", secs: 40.0"#,
        r#"who: "mil", secs: 40.0"#,
        r#"24:54: no replica, machine or agent with skills is called "mil"; did you mean "mill"?"#,
    ),
    (
        r#"who: "mill", secs: 40.0"#,
        r#"who: "replica", secs: 40.0"#,
        r#"24:54: "replica" is a replica, which does what its model can; name a machine or an agent, or write `model`"#,
    ),
    (
        r#"who: "mill", secs: 40.0"#,
        r#"who: "Rosa", secs: 40.0"#,
        r#"24:81: "Rosa" is listed twice; remove one of the two"#,
    ),
    (
        r#"who: "mill", secs: 40.0"#,
        r#"who: "mill", secs: NaN"#,
        "24:68: secs is NaN; give 0 to 1000000 seconds",
    ),
    (
        "skill: machine, on:",
        r#"skill: machine, model: "minilm", on:"#,
        "24:50: a part is done by a model or by those in `on`, not by both; remove one of the two",
    ),
    (
        r#"texts: ["The belt squeaks.", "Order oil."]"#,
        r#"texts: [" "]"#,
        "20:58: a text is empty; write something",
    ),
    (
        r#", texts: ["The belt squeaks.", "Order oil."]"#,
        "",
        "27:96: this is done once per text, but its task is about nothing to read; use task",
    ),
    (
        r#"by: "Rosa", per: text)"#,
        r#"by: "Rosa", per: turn)"#,
        "27:96: this is done once per turn, but its task is about texts; use task or text",
    ),
];
