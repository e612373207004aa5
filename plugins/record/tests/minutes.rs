//! The minutes of a small meeting, as people and as programs read them.

mod support;

use record::{Minutes, MinutesFile};

const EXPECTED: &str = r#"# Minutes: weekly\_sync

2 turns in 00:01. Agents: Ada (scribe), Mara (chair). Approved by Mara at 00:08.

| Speaker | Turns | Words |
|---|--:|--:|
| Ben | 1 | 5 |
| Ida\_K | 1 | 7 |

## Topics

### 1. ship \<friday\>

*Turns 1–2, from 00:00*

- “We \*ship\* on Friday, "maybe".” — Ben, turn 1

### 2. Untitled

*Turn 2, from 00:01*

## Questions

### When do we ship?

*Asked by Mara at 00:03*

We ship on Friday. (similarity 0.62)

- “We ship on Friday.” — Ben, turn 1

### Who pays?

*Asked by the person at the keyboard at 00:03*

The meeting does not hold an answer.

### Why?

*Asked by the person at the keyboard at 00:03*

Not answered.

## About this run

- Scene: meeting, hash `5ce9e`
- Transcript: weekly\_sync, hash `7a5c`
- Models: `tiny@0123`
- Outputs: from models that ran
- Policy: fifo, seed 18446744073709551615
- Time: modelled, repeatable
- Diorama: 0.1.0, build `test`
- Journal: BLAKE3 `abc`
"#;

fn minutes() -> Minutes {
    support::fold(&support::facts()).minutes
}

#[test]
fn minutes_read_well() {
    let text = minutes().to_markdown(&support::run(), Some("abc"));
    assert_eq!(text, EXPECTED);
}

#[test]
fn minutes_of_nothing_say_so() {
    let minutes = Minutes::new(&support::run());
    assert!(minutes.is_empty());
    let text = minutes.to_markdown(&support::run(), None);
    assert!(text.contains("0 turns in 00:00. Not approved."), "{text}");
    assert!(
        text.contains("No topic was found.") && !text.contains("Journal:"),
        "{text}"
    );
}

#[test]
fn json_holds_the_same() {
    let text = minutes().to_json(&support::run(), Some("abc"));
    let file: MinutesFile = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (file.format, file.journal_blake3.as_deref()),
        (1, Some("abc"))
    );
    assert_eq!(file.run, support::run());
    assert_eq!(file.minutes.topics, minutes().topics);
    assert_eq!(file.minutes.to_markdown(&file.run, Some("abc")), EXPECTED);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        value["minutes"]["questions"]["0"]["answer"]["cited"][0]["turn"],
        0
    );
    assert_eq!(value["minutes"]["speakers"][1]["words"], 7);
}
