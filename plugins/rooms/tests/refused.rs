//! Small edits to a valid scene file, and the exact complaint that each earns.

use std::path::Path;

use rooms::Scene;

const VALID: &str = include_str!("valid.scene.ron");

/// Words of the valid scene, what takes their place, and the complaint without the name of the file.
type Edit = (&'static str, &'static str, &'static str);

fn check(edits: &[Edit]) {
    for (from, to, expect) in edits {
        assert!(
            VALID.contains(from),
            "the valid scene does not hold {from:?}"
        );
        let found = Scene::parse(&VALID.replacen(from, to, 1), Path::new("x.scene.ron"))
            .map(|_| ())
            .expect_err("the edited scene is refused");
        let expect: Vec<String> = expect
            .lines()
            .map(|line| format!("x.scene.ron:{line}"))
            .collect();
        assert_eq!(
            found.to_string(),
            expect.join("\n"),
            "\nafter the edit {from:?} -> {to:?}"
        );
    }
}

#[test]
fn the_valid_scene_is_valid() {
    Scene::parse(VALID, Path::new("x.scene.ron")).unwrap();
}

#[test]
fn syntax() {
    check(SYNTAX);
}

#[test]
fn fields_and_variants() {
    check(FIELDS_AND_VARIANTS);
}

#[test]
fn versions() {
    check(VERSIONS);
}

#[test]
fn numbers() {
    check(NUMBERS);
}

#[test]
fn names() {
    check(NAMES);
}

#[test]
fn places() {
    check(PLACES);
}

#[test]
fn graphs() {
    check(GRAPHS);
}

const SYNTAX: &[Edit] = &[
    (
        "seed: 7,",
        "seed: 7",
        "6:5: expected comma; put a comma between the values, or close a bracket or quote before",
    ),
    (
        "(\n    version",
        "(((((\n    version",
        "1:2: expected identifier; write a word without quotes",
    ),
    (
        r#""hall", size"#,
        r#""hall, size"#,
        "9:17: expected comma; put a comma between the values, or close a bracket or quote before",
    ),
    (
        "to: (0.0, 0.0, 0.0)),\n)",
        "to: (0.0, 0.0, 0.0)),\n",
        "41:58: the file ends too early; close what is open",
    ),
    (
        "to: (0.0, 0.0, 0.0)),\n)",
        "to: (0.0, 0.0, 0.0)),\n) 7",
        "42:2: text follows the end of the value; remove it",
    ),
    (
        "seed: 7",
        "seed: seven",
        "5:11: expected integer; write a number",
    ),
    (
        "seed: 7",
        "seed: -7",
        "5:12: integer is out of bounds; write a whole number that is not negative and not this large",
    ),
    (
        r#"caption: ""#,
        r#"caption: /* ""#,
        "4:14: unclosed block comment; close it with `*/`",
    ),
];

const FIELDS_AND_VARIANTS: &[Edit] = &[
    (
        "speed: 2.0",
        "speeed: 2.0",
        r#"6:5: a scene has no field "speeed"; did you mean "speed"?"#,
    ),
    (
        "watts: 35.0",
        "colour: 3",
        r#"19:81: a device has no field "colour"; use "name", "kind", "bytes_per_sec", "memory_gb", "price_per_hour" or "watts""#,
    ),
    (
        "speed: 2.0",
        r#"policy: "fifoo""#,
        r#"6:13: there is no policy "fifoo"; did you mean "fifo"?"#,
    ),
    (
        r#"home: "seat 2""#,
        r#"home: "seat 2", home: "seat 1""#,
        r#"17:55: an agent has the field "home" twice; remove one of the two"#,
    ),
    (
        r#"name: "Ben", role: recorder, home"#,
        r#"name: "Ben", home"#,
        r#"17:37: an agent lacks the field "role"; add it"#,
    ),
    (
        "role: recorder",
        "role: recoder",
        r#"17:29: there is no role "recoder"; did you mean "recorder"?"#,
    ),
    (
        "kind: rack",
        "kind: fridge",
        r#"12:30: there is no station kind "fridge"; use "table", "seat", "desk", "screen", "rack", "sofa", "board", "shelf" or one of 4 more"#,
    ),
    (
        "height: 3.0)]",
        "height: 3.0, look: clinik)]",
        r#"7:66: there is no look "clinik"; did you mean "clinic"?"#,
    ),
    (
        "height: 3.0)]",
        "height: 3.0, look: \"clinic\")]",
        "7:66: expected identifier; write a word without quotes",
    ),
    (
        "height: 3.0)]",
        "height: 3.0, look: kitchen)]",
        r#"7:66: there is no look "kitchen"; use "meeting", "factory", "classroom", "lounge" or "clinic""#,
    ),
    (
        "kind: cpu",
        r#"kind: "cpu""#,
        "19:35: expected identifier; write a word without quotes",
    ),
    (
        "skill: embed, per_token",
        "skill: embedd, per_token",
        r#"22:103: there is no skill "embedd"; did you mean "embed"?"#,
    ),
    (
        "per: turn",
        "per: word",
        r#"32:76: there is no per "word"; use "task", "text", "meeting", "stretch", "turn", "topic" or "question""#,
    ),
    (
        "question(at",
        "query(at",
        r#"26:9: there is no source "query"; use "meeting", "question", "task" or "arrivals""#,
    ),
    (
        "speed: 2.0",
        r#"speed: "fast""#,
        "6:12: expected float; write a number",
    ),
];

const VERSIONS: &[Edit] = &[
    (
        "version: 1",
        "version: 2",
        "2:14: version 2 of the scene format is unknown; this program reads version 1",
    ),
    (
        "version: 1,\n",
        "version: 2, shiny: true,\n",
        "2:14: version 2 of the scene format is unknown; this program reads version 1",
    ),
    (
        "version: 1,\n",
        "",
        r#"41:1: a scene lacks the field "version"; add it"#,
    ),
];

const NUMBERS: &[Edit] = &[
    (
        "bytes_per_sec: 1e9",
        "memory_gb: -1.0",
        "19:51: memory_gb is -1.0; give 0 to 1000000",
    ),
    (
        "bytes_per_sec: 1e9",
        "memory_gb: 0.05",
        r#"22:52: the model "minilm" takes 0.091335235 GB, the device "cpu" has 0.05 GB; give the device more `memory_gb`, or choose a smaller model"#,
    ),
    (
        r#"version: "all-minilm-l6-v2""#,
        r#"version: "all-minilm-l6-v2", load_secs: -0.5"#,
        "20:71: load_secs is -0.5; give 0 to 1000000 seconds",
    ),
    (
        "speed: 2.0",
        "speed: NaN",
        "6:12: speed is NaN; give 0.1 to 1000",
    ),
    (
        "speed: 2.0",
        "speed: inf",
        "6:12: speed is inf; give 0.1 to 1000",
    ),
    (
        "watts: 35.0",
        "watts: -35.0",
        "19:88: watts is -35.0; give 0 to 1000000 watts",
    ),
    ("slots: 4", "slots: 0", "22:83: slots is 0; give 1 to 1024"),
    (
        "slots: 4",
        "slots: 1025",
        "22:83: slots is 1025; give 1 to 1024",
    ),
    (
        "slots: 4",
        "slots: -1",
        "22:84: integer is out of bounds; write a whole number that is not negative and not this large",
    ),
    (
        "size: (8.0, 6.0)",
        "size: (8000.0, 6.0)",
        "7:35: size is 8000.0; give 0.01 to 1000 metres",
    ),
    (
        "size: (8.0, 6.0)",
        "size: (8.0, NaN)",
        "7:35: size is NaN; give 0.01 to 1000 metres",
    ),
    (
        "deadline_secs: 600.0",
        "deadline_secs: NaN",
        "25:87: deadline_secs is NaN; give 0.001 to 100000000 seconds",
    ),
    (
        "deadline_secs: 600.0",
        "deadline_secs: -1.0",
        "25:87: deadline_secs is -1.0; give 0.001 to 100000000 seconds",
    ),
    (
        "at: 30.0",
        "at: -30.0",
        "26:22: at is -30.0; give 0 to 100000000 seconds",
    ),
    (
        "weight: 2.0",
        "weight: 0",
        "27:57: weight is 0.0; give 0.001 to 1000000",
    ),
    (
        "per_token_secs: 0.001",
        "per_token_secs: -inf",
        "22:126: per_token_secs is -inf; give 0 to 1000000 seconds",
    ),
    (
        "per_token_secs: 0.001",
        "answer_tokens: 3",
        "22:125: answer_tokens has no use without a profile; name a profile, or give seconds alone",
    ),
    (
        "per_token_secs: 0.001",
        "per_token_secs: 0.001, profile: \"calibrated\"",
        "22:142: the skill has both seconds of its own and a profile; remove one of the two",
    ),
    (
        "per_token_secs: 0.001",
        "profile: \"kalibrated\"",
        "22:119: no profile \"kalibrated\" comes with the program; did you mean \"calibrated\"?",
    ),
    (
        "facing: 90.0",
        "facing: 1e300",
        "9:95: facing is 1e300; give -360 to 360 degrees",
    ),
    (
        "from: (0.0, 5.0, 8.0)",
        "from: (0.0, NaN, 8.0)",
        "41:20: from is NaN; give -10000 to 10000 metres",
    ),
    (
        "from: (0.0, 5.0, 8.0)",
        "from: (0.0, 0.0, 0.0)",
        "41:41: the camera looks at where it stands; move `from` or `to`",
    ),
];

const NAMES: &[Edit] = &[
    (
        r#"name: "seat 2""#,
        r#"name: "seat 1""#,
        "11:16: a station in line 10 is called \"seat 1\" too; rename one of the two\n17:45: no station is called \"seat 2\"; did you mean \"seat 1\"?",
    ),
    (
        r#"name: "seat 2""#,
        r#"name: " ""#,
        "11:16: a station has no name; give it one\n17:45: no station is called \"seat 2\"; did you mean \"seat 1\"?",
    ),
    (
        r#"name: "seat 2""#,
        r#"name: "seat\n2""#,
        "11:16: the name \"seat\\n2\" holds a control character; take it out\n17:45: no station is called \"seat 2\"; did you mean \"seat 1\"?",
    ),
    (
        r#"name: "replica""#,
        r#"name: "Ada""#,
        "16:16: a replica, machine or agent with skills in line 22 is called \"Ada\" too; rename one of the two\n39:35: no replica, machine or agent with skills is called \"replica\"; use \"Ada\"",
    ),
    (
        r#"space: "hall""#,
        r#"space: "hal""#,
        r#"9:45: no space is called "hal"; did you mean "hall"?"#,
    ),
    (
        r#"home: "seat 2""#,
        r#"home: "stool""#,
        r#"17:45: no station is called "stool"; use "table", "seat 1", "seat 2" or "rack""#,
    ),
    (
        r#"home: "seat 2""#,
        r#"home: "seat 1""#,
        r#"17:45: "Ada" and "Ben" have the same home; give each their own station"#,
    ),
    (
        r#"home: "seat 2""#,
        r#"home: /* here */ "seat 1""#,
        r#"17:56: "Ada" and "Ben" have the same home; give each their own station"#,
    ),
    (
        r#"model: "minilm", device"#,
        r#"model: "mini-lm", device"#,
        r#"22:34: no model is called "mini-lm"; did you mean "minilm"?"#,
    ),
    (
        r#"device: "cpu""#,
        r#"device: "gpu""#,
        r#"22:52: no device is called "gpu"; did you mean "cpu"?"#,
    ),
    (
        r#"station: "rack""#,
        r#"station: "shelf""#,
        r#"22:68: no station is called "shelf"; use "table", "seat 1", "seat 2" or "rack""#,
    ),
    (
        r#"version: "all-minilm-l6-v2""#,
        r#"version: "all-minilm-l6-v1""#,
        r#"20:40: the model catalog has no version "all-minilm-l6-v1"; did you mean "all-minilm-l6-v2"?"#,
    ),
    (
        r#"task: "minutes", by"#,
        r#"task: "minute", by"#,
        r#"25:41: no task is called "minute"; did you mean "minutes"?"#,
    ),
    (
        r#"by: "Ada", at"#,
        r#"by: "Ad\u{61}a", at"#,
        r#"25:56: no agent is called "Adaa"; did you mean "Ada"?"#,
    ),
    (
        r#"resource: "replica""#,
        r#"resource: "Ben""#,
        r#"39:35: no replica, machine or agent with skills is called "Ben"; use "replica" or "Ada""#,
    ),
    (
        r#"agent: "Ada""#,
        r#"agent: "Eve""#,
        r#"40:35: no agent is called "Eve"; use "Ada" or "Ben""#,
    ),
    (
        r#"text: "When?""#,
        r#"text: """#,
        "26:61: the question is empty; write something",
    ),
    (
        r#"task: "chore", parts"#,
        r#"task: "chore/s", parts"#,
        "27:40: no task is called \"chore\"; use \"minutes\", \"answer\" or \"chore/s\"\n37:16: the name of a task or part holds `/`; it separates task and part in `after`; take it out",
    ),
];

const PLACES: &[Edit] = &[
    (
        "at: (3.0, -2.0)",
        "at: (3.8, -2.0)",
        r#"12:40: station "rack" reaches beyond the floor of "hall" (8 × 6 m); move it or make it smaller"#,
    ),
    (
        "facing: 90.0),\n        (name: \"seat 1\"",
        "facing: 90.0, height: 4.0),\n        (name: \"seat 1\"",
        r#"9:57: station "table" reaches beyond the ceiling of "hall" (3 m); lower it or make it smaller"#,
    ),
    (
        "at: (-3.0, 2.0)",
        "at: (-3.0, -9.0)",
        r#"14:45: prop "fern" reaches beyond the floor of "hall" (8 × 6 m); move it or make it smaller"#,
    ),
    (
        "height: 3.0)]",
        r#"height: 3.0), (name: "yard", size: (5, 5), at: (20, 0))]"#,
        "10:16: nothing says in which space this stands; add `space`\n11:16: nothing says in which space this stands; add `space`\n12:16: nothing says in which space this stands; add `space`\n14:20: nothing says in which space this stands; add `space`",
    ),
];

const GRAPHS: &[Edit] = &[
    (
        r#"after: ["embed"]"#,
        r#"after: ["embde"]"#,
        r#"31:80: no part is called "embde"; did you mean "embed"?"#,
    ),
    (
        r#"after: ["embed"]"#,
        r#"after: ["approve"]"#,
        "31:20: parts wait for each other: approve → approve; take one out of an `after`",
    ),
    (
        "per: turn)",
        r#"per: turn, after: ["approve"])"#,
        "31:20: parts wait for each other: approve → embed → approve; take one out of an `after`",
    ),
    (
        "per: turn)",
        r#"per: turn, after: ["answer/embed"])"#,
        "32:20: parts wait for each other: minutes/embed → answer/embed → minutes/embed; take one out of an `after`",
    ),
    (
        r#"after: ["minutes/embed"]"#,
        r#"after: ["minute/embed"]"#,
        r#"35:77: no task is called "minute"; did you mean "minutes"?"#,
    ),
    (
        r#"after: ["minutes/embed"]"#,
        r#"after: ["minutes/emb"]"#,
        r#"35:77: no part is called "emb"; use "approve" or "embed""#,
    ),
    (
        r#"skill: approve, by: "Ada""#,
        r#"skill: tag, by: "Ada""#,
        r#"31:38: nobody offers the skill "tag"; add it to the skills of a replica, an agent or a machine"#,
    ),
    (
        "skill: embed, model",
        "skill: approve, model",
        r#"32:36: no replica of the model "minilm" offers the skill "approve"; add the skill to a replica of it or choose another model"#,
    ),
    (
        "per: turn",
        "per: question",
        "32:76: this is done once per question, but its task is about a meeting; use meeting, stretch, turn or topic",
    ),
    (
        r#"[(name: "do", skill: approve, by: "Ben", per: task)]"#,
        "[]",
        "37:16: a task has no parts; list at least one in `parts`",
    ),
];
