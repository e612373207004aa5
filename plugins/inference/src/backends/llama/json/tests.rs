//! Checks the machine of JSON: what it allows always parses, and what it forbids never would.

use serde_json::Value;

use super::*;

/// Whether a text is read to its end, and may end there.
fn reads(shape: &JsonShape, text: &str) -> bool {
    let nodes = Nodes::new(shape);
    let mut machine = Machine::new(&nodes);
    text.bytes().all(|byte| machine.read(&nodes, byte)) && machine.may_end()
}

fn record() -> JsonShape {
    JsonShape::Object(vec![
        ("name".into(), JsonShape::Text),
        ("age".into(), JsonShape::Integer),
        (
            "mood".into(),
            JsonShape::OneOf(vec!["glad".into(), "gloomy".into(), "ü\"".into()]),
        ),
        ("tags".into(), JsonShape::List(Box::new(JsonShape::Number))),
        ("sure".into(), JsonShape::Boolean),
    ])
}

#[test]
fn what_is_json_is_read_and_what_is_not_is_not() {
    for text in [
        "0",
        "-1.5e-3",
        "true",
        "null",
        "\"\"",
        "\"a\\n\\\"ü€😀\"",
        "[]",
        "[1, 2,3]",
        "{}",
        "{\"a\": [{\"b\": false}], \"c\":\"d\"}",
        "[[[[[]]]]]",
    ] {
        assert!(reads(&JsonShape::Any, text), "{text}");
        assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
    }
    for text in [
        "",
        "-",
        "01",
        "1.",
        "1e",
        "tru",
        "\"",
        "\"\\u12\"",
        "\"\n\"",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "1 2",
        "[1  , 2]",
        "nul1",
        "1e999",
        "\"\u{7f}\"",
    ] {
        assert!(!reads(&JsonShape::Any, text), "{text}");
    }
    let nodes = Nodes::new(&JsonShape::Any);
    for broken in [
        &b"\"\xff"[..],
        b"\"\xc0\x80",
        b"\"\xed\xa0",
        b"\"\xe2\x82\"",
        b"\"\xf4\x90",
    ] {
        let mut machine = Machine::new(&nodes);
        assert!(
            !broken.iter().all(|&byte| machine.read(&nodes, byte)),
            "{broken:?}"
        );
    }
}

#[test]
fn shapes_are_held_to() {
    let good = r#"{"name": "Ann","age":-7, "mood":"ü\"", "tags":[1.5, -2], "sure": true}"#;
    assert!(reads(&record(), good));
    for (from, to) in [
        ("name", "nome"),
        ("-7", "7.5"),
        ("-7", "\"7\""),
        ("\"ü\\\"\"", "\"sad\""),
        ("1.5", "\"x\""),
        ("true", "null"),
        (", \"sure\": true", ""),
        ("{\"name\": \"Ann\",", "{"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert!(!reads(&record(), &bad), "{bad}");
    }
    assert!(reads(&JsonShape::Object(Vec::new()), "{}"));
}

/// From every state, some byte brings the end nearer by one: so budgets can be kept.
#[test]
fn the_cost_is_that_of_the_shortest_way() {
    let shapes = [
        JsonShape::Any,
        record(),
        JsonShape::List(Box::new(record())),
    ];
    let mut state = 11u64;
    for shape in shapes.iter().cycle().take(60) {
        let nodes = Nodes::new(shape);
        let mut machine = Machine::new(&nodes);
        for _ in 0..40 {
            let bytes: Vec<Machine> = (0..=255)
                .filter_map(|byte| {
                    let mut next = machine.clone();
                    next.read(&nodes, byte).then_some(next)
                })
                .collect();
            let cost = machine.cost(&nodes);
            let least = bytes.iter().map(|next| next.cost(&nodes)).min();
            if cost == 0 {
                assert!(machine.may_end());
            } else {
                assert_eq!(least, Some(cost - 1), "{machine:?}");
            }
            let dearest = bytes
                .iter()
                .map(|next| next.cost(&nodes))
                .max()
                .unwrap_or(0);
            assert!(dearest <= cost + nodes.dearest(), "{machine:?}");
            if bytes.is_empty() {
                break;
            }
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(99);
            machine = bytes[(state >> 33) as usize % bytes.len()].clone();
        }
    }
}
