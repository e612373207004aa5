//! Says in words what the engine holds as data: times, speeds, sizes, what somebody does or waits for.

use schedule::{Skill, WaitReason};
use sim::{Pace, Progress, SimSpan, SimTime};

/// The quick choices and the steps of `+` and `-`.
pub(crate) const SPEEDS: [f64; 10] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];

/// Digits of a version that are shown.
const N_DIGITS: usize = 6;

/// An instant as minutes and seconds, and hours where there are any: `0:07`, `1:02:05`.
pub(crate) fn clock(at: SimTime) -> String {
    let secs = at.0 / 1_000_000_000;
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{secs:02}")
    } else {
        format!("{minutes}:{secs:02}")
    }
}

/// A speed with no more digits than it needs: `0.1×`, `2.5×`, `40×`.
pub(crate) fn speed(speed: f64) -> String {
    let digits = if speed >= 9.95 { 0 } else { 1 };
    let text = format!("{speed:.digits$}");
    format!("{}×", text.strip_suffix(".0").unwrap_or(&text))
}

/// The next faster of [`SPEEDS`].
pub(crate) fn faster(speed: f64) -> f64 {
    let next = SPEEDS.into_iter().find(|s| *s > speed * 1.001);
    next.unwrap_or(speed.max(SPEEDS[SPEEDS.len() - 1]))
}

/// The next slower of [`SPEEDS`].
pub(crate) fn slower(speed: f64) -> f64 {
    let next = SPEEDS.into_iter().rev().find(|s| *s < speed * 0.999);
    next.unwrap_or(SPEEDS[0])
}

/// What the run does.
pub(crate) fn run_state(pace: Pace, progress: Progress) -> &'static str {
    match (pace, progress) {
        (_, Progress::Finished) => "finished",
        (Pace::Paused, _) => "paused",
        (_, Progress::Held) => "waiting for a model",
        (Pace::Jump, _) => "running at full speed",
        (Pace::Follow, _) => "running",
    }
}

/// What somebody with this skill does: `embeds`.
pub(crate) fn verb(skill: Skill) -> &'static str {
    match skill {
        Skill::Transcribe => "transcribes",
        Skill::Embed => "embeds",
        Skill::Segment => "segments",
        Skill::Summarise => "summarises",
        Skill::Tag => "tags",
        Skill::Answer => "answers",
        Skill::Classify => "classifies",
        Skill::Generate => "writes",
        Skill::Inspect => "inspects",
        Skill::Machine => "machines",
        Skill::Carry => "carries",
        Skill::Approve => "approves",
    }
}

/// What comes of the skill: `1 embedding`, `12 embeddings`.
fn products(skill: Skill, n: u32) -> String {
    let (one, many) = match skill {
        Skill::Transcribe => ("transcript", "transcripts"),
        Skill::Embed => ("embedding", "embeddings"),
        Skill::Segment => ("split into topics", "splits into topics"),
        Skill::Summarise => ("summary", "summaries"),
        Skill::Tag => ("name", "names"),
        Skill::Answer => ("answer", "answers"),
        Skill::Classify => ("class", "classes"),
        Skill::Generate => ("text", "texts"),
        Skill::Inspect => ("inspection", "inspections"),
        Skill::Machine => ("part", "parts"),
        Skill::Carry => ("delivery", "deliveries"),
        Skill::Approve => ("approval", "approvals"),
    };
    format!("{n} {}", if n == 1 { one } else { many })
}

/// What somebody does with the subtask `name`: `summarises topic 3`.
///
/// Names that begin with their skill (`summarise topic 3`, `embed: turn 4`) are not said twice.
pub(crate) fn doing(skill: Skill, name: &str) -> String {
    let verb = verb(skill);
    let rest = name
        .strip_prefix(verb)
        .or_else(|| name.strip_prefix(skill.name()))
        .unwrap_or(name);
    let rest = rest.trim_start_matches([' ', ':', '-', '_', '/']);
    if rest.is_empty() {
        verb.to_owned()
    } else {
        format!("{verb} {rest}")
    }
}

/// Why a subtask waits.
///
/// `missing` is the skill that all missing predecessors share; `resource` the name of the one that
/// the policy waits for.
pub(crate) fn waiting(
    reason: &WaitReason,
    missing: Option<Skill>,
    resource: Option<&str>,
) -> String {
    match (reason, missing, resource) {
        (WaitReason::Predecessors { missing: n }, Some(skill), _) => {
            format!("waits for {}", products(skill, *n))
        }
        (WaitReason::Predecessors { missing: 1 }, None, _) => {
            "waits for another subtask".to_owned()
        }
        (WaitReason::Predecessors { missing }, None, _) => {
            format!("waits for {missing} other subtasks")
        }
        (WaitReason::Release { at }, ..) => format!("may start at {}", clock(*at)),
        (WaitReason::Memory { .. }, _, Some(name)) => format!("waits for memory of {name}"),
        (WaitReason::Memory { .. }, _, None) => "waits for memory".to_owned(),
        (WaitReason::StartingUp { until, .. }, _, name) => format!(
            "waits for {}, which starts until {}",
            name.unwrap_or("a resource"),
            clock(*until)
        ),
        (WaitReason::ResourcesBusy, ..) => "all who could do it are busy".to_owned(),
        (WaitReason::ResourcesDown, ..) => "all who could do it are down".to_owned(),
        (WaitReason::Backoff { until }, ..) => format!("failed, tries again at {}", clock(*until)),
        (WaitReason::BetterResource { .. }, _, Some(name)) => {
            format!("waits for {name}, which ends it sooner")
        }
        (WaitReason::BetterResource { .. }, _, None) => "waits for a faster resource".to_owned(),
        (WaitReason::Queued { .. }, _, Some(name)) => format!("stands in the queue of {name}"),
        (WaitReason::Queued { .. }, _, None) => "stands in a queue".to_owned(),
        (WaitReason::FillingBatch { until }, ..) => {
            format!(
                "waits until {} at most for others to share a batch",
                clock(*until)
            )
        }
        (WaitReason::Planning { until }, ..) => {
            format!("waits for the plan that is there at {}", clock(*until))
        }
        (WaitReason::Planned { .. }, _, Some(name)) => format!("waits for its turn with {name}"),
        (WaitReason::Planned { .. }, _, None) => "waits for its turn in the plan".to_owned(),
    }
}

/// How many subtasks there are in which state; those that there are none of go unmentioned.
pub(crate) fn counts(done: u32, running: u32, waiting: u32, failed: u32) -> String {
    let parts: Vec<String> = [
        (done, "done"),
        (running, "running"),
        (waiting, "waiting"),
        (failed, "failed"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| format!("{n} {word}"))
    .collect();
    parts.join(" · ")
}

/// A span in the unit that fits it, in few letters: `0 s`, `87 ms`, `4.87 s`, `2:58 min`.
pub(crate) fn span(span: SimSpan) -> String {
    match span.as_secs_f64() {
        0.0 => "0 s".to_owned(),
        secs if secs < 0.001 => format!("{:.0} µs", secs * 1e6),
        secs if secs < 1.0 => format!("{:.0} ms", secs * 1e3),
        secs if secs < 60.0 => format!("{secs:.2} s"),
        secs if secs < 3600.0 => format!("{} min", clock(SimTime(span.0))),
        _ => format!("{} h", clock(SimTime(span.0))),
    }
}

/// A fraction as a percentage: `87 %`.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.0} %", fraction * 100.0)
}

/// Bytes, rounded: `91 MB`.
pub(crate) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..100_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{:.0} MB", (bytes as f64 / 1e6).max(1.0)),
    }
}

/// The name of a model and the first digits of its version: `all-minilm-l6-v2 bbd64a`.
pub(crate) fn short_version(version: &str) -> String {
    match version.split_once('@') {
        Some((name, digits)) => format!("{name} {}", digits.get(..N_DIGITS).unwrap_or(digits)),
        None => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use schedule::ResourceId;

    use super::*;

    #[test]
    fn instants_read_as_minutes_and_seconds() {
        for (secs, text) in [
            (0.0, "0:00"),
            (31.9, "0:31"),
            (600.0, "10:00"),
            (3725.0, "1:02:05"),
        ] {
            assert_eq!(clock(SimTime::from_secs_f64(secs)), text);
        }
    }

    #[test]
    fn spans_read_in_few_letters() {
        for (secs, text) in [
            (0.0, "0 s"),
            (0.000_004, "4 µs"),
            (0.0867, "87 ms"),
            (4.87, "4.87 s"),
            (178.4, "2:58 min"),
            (3725.0, "1:02:05 h"),
        ] {
            assert_eq!(span(SimSpan::from_secs_f64(secs)), text);
        }
    }

    #[test]
    fn speeds_read_without_needless_digits() {
        for (value, text) in [
            (0.1, "0.1×"),
            (1.0, "1×"),
            (2.53, "2.5×"),
            (9.99, "10×"),
            (100.0, "100×"),
        ] {
            assert_eq!(speed(value), text);
        }
    }

    #[test]
    fn faster_and_slower_walk_the_ladder_and_stop_at_its_ends() {
        for pair in SPEEDS.windows(2) {
            assert_eq!(faster(pair[0]), pair[1]);
            assert_eq!(slower(pair[1]), pair[0]);
        }
        assert_eq!(faster(3.0), 5.0);
        assert_eq!(slower(3.0), 2.0);
        assert_eq!(faster(100.0), 100.0);
        assert_eq!(slower(0.1), 0.1);
        assert_eq!(faster(500.0), 500.0);
        assert_eq!(slower(500.0), 100.0);
    }

    #[test]
    fn the_run_says_what_it_does() {
        for (pace, progress, text) in [
            (Pace::Follow, Progress::Stepped, "running"),
            (Pace::Follow, Progress::Waiting, "running"),
            (Pace::Follow, Progress::Held, "waiting for a model"),
            (Pace::Paused, Progress::Held, "paused"),
            (Pace::Paused, Progress::Finished, "finished"),
            (Pace::Jump, Progress::Stepped, "running at full speed"),
        ] {
            assert_eq!(run_state(pace, progress), text);
        }
    }

    #[test]
    fn nobody_says_the_skill_twice() {
        for (skill, name, text) in [
            (Skill::Summarise, "topic 3", "summarises topic 3"),
            (Skill::Summarise, "summarise topic 3", "summarises topic 3"),
            (Skill::Summarise, "summarises topic 3", "summarises topic 3"),
            (Skill::Embed, "embed: turn 4", "embeds turn 4"),
            (Skill::Approve, "approve", "approves"),
        ] {
            assert_eq!(doing(skill, name), text);
        }
    }

    #[test]
    fn missing_predecessors_are_counted() {
        for (missing, skill, text) in [
            (12, Some(Skill::Embed), "waits for 12 embeddings"),
            (1, Some(Skill::Summarise), "waits for 1 summary"),
            (3, None, "waits for 3 other subtasks"),
            (1, None, "waits for another subtask"),
        ] {
            let reason = WaitReason::Predecessors { missing };
            assert_eq!(waiting(&reason, skill, None), text);
        }
    }

    #[test]
    fn every_reason_for_waiting_is_one_sentence() {
        let until = SimTime::from_secs_f64(31.0);
        let resource = ResourceId(1);
        for (reason, text) in [
            (WaitReason::ResourcesBusy, "all who could do it are busy"),
            (WaitReason::ResourcesDown, "all who could do it are down"),
            (WaitReason::Backoff { until }, "failed, tries again at 0:31"),
            (
                WaitReason::BetterResource { resource },
                "waits for a faster resource",
            ),
            (
                WaitReason::FillingBatch { until },
                "waits until 0:31 at most for others to share a batch",
            ),
            (
                WaitReason::Planning { until },
                "waits for the plan that is there at 0:31",
            ),
        ] {
            assert_eq!(waiting(&reason, None, None), text);
        }
        for (reason, text) in [
            (
                WaitReason::BetterResource { resource },
                "waits for minilm-1, which ends it sooner",
            ),
            (
                WaitReason::Queued { resource },
                "stands in the queue of minilm-1",
            ),
            (
                WaitReason::Planned { resource },
                "waits for its turn with minilm-1",
            ),
        ] {
            assert_eq!(waiting(&reason, None, Some("minilm-1")), text);
        }
    }

    #[test]
    fn counts_leave_out_what_there_is_none_of() {
        assert_eq!(counts(0, 0, 0, 0), "");
        assert_eq!(counts(5, 1, 2, 0), "5 done · 1 running · 2 waiting");
        assert_eq!(counts(0, 0, 2, 1), "2 waiting · 1 failed");
    }
}
