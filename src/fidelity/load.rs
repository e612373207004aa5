//! A scene whose replicas are pressed harder than its file says.

use agents::MeetingInput;
use rooms::{Scene, SourceKind};
use schedule::LatencyProfile;
use sim::{SimSpan, SimTime};

/// The scene and its meeting with all that takes no model going on `times` as fast: people speak faster, questions,
/// faults and lines come sooner, agents do their own work quicker. How long models take stays as it is.
pub(super) fn faster(
    (mut scene, mut meeting): (Scene, MeetingInput),
    times: f64,
) -> (Scene, MeetingInput) {
    let span = |span: SimSpan| SimSpan((span.0 as f64 / times).round() as u64);
    let at = |at: SimTime| SimTime((at.0 as f64 / times).round() as u64);
    for source in &mut scene.sources {
        source.at = at(source.at);
        source.deadline = source.deadline.map(span);
        if let SourceKind::Meeting {
            words_per_minute,
            stretch,
            ..
        } = &mut source.kind
        {
            // The turns below are what counts.
            *words_per_minute *= times;
            *stretch = span(*stretch);
        }
    }
    for fault in &mut scene.faults {
        fault.at = at(fault.at);
        fault.span = span(fault.span);
    }
    for moment in &mut scene.moments {
        moment.at = at(moment.at);
    }
    let own = scene.agents.iter_mut().flat_map(|agent| &mut agent.skills);
    for (_, latency) in own {
        *latency = LatencyProfile {
            fixed: span(latency.fixed),
            per_item: span(latency.per_item),
            per_token: span(latency.per_token),
        };
    }
    let turns = meeting.transcript.iter_mut().flat_map(|it| &mut it.turns);
    for turn in turns {
        (turn.start, turn.end) = (at(turn.start), at(turn.end));
    }
    (scene, meeting)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn all_but_the_models_goes_on_in_proportion() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenes/meeting.scene.ron");
        let scene = Scene::read(Path::new(path)).unwrap();
        let meeting = MeetingInput::read(&scene, None, Vec::new()).unwrap();
        let (same, _) = faster((scene.clone(), meeting.clone()), 1.0);
        assert_eq!(same, scene);
        let (fast, sooner) = faster((scene.clone(), meeting.clone()), 2.0);
        let last = |it: &MeetingInput| it.transcript.as_ref().unwrap().turns.last().unwrap().end;
        assert!(last(&sooner).0.abs_diff(last(&meeting).0 / 2) <= 1);
        let ends = |scene: &Scene| -> Vec<u64> {
            let sources = scene.sources.iter().map(|source| source.at.0);
            let faults = scene.faults.iter().map(|fault| (fault.at + fault.span).0);
            let moments = scene.moments.iter().map(|moment| moment.at.0);
            let skills = scene.agents.iter().flat_map(|agent| &agent.skills);
            let work = skills.map(|(_, latency)| latency.span(0, 0).0);
            sources.chain(faults).chain(moments).chain(work).collect()
        };
        for (fast, own) in ends(&fast).iter().zip(ends(&scene)) {
            assert_eq!(fast * 2, own);
        }
        assert_eq!(fast.replicas, scene.replicas);
    }
}
