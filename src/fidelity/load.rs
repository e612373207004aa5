//! A scene whose replicas are pressed harder than its file says.

use agents::MeetingInput;
use rooms::{Scene, SourceKind};
use schedule::LatencyProfile;
use sim::{SimSpan, SimTime};

/// The scene and its meeting with all that takes no model going on `times` as fast: people speak faster, questions,
/// tasks, faults and lines come sooner, agents and machines do their own work quicker. How long models take stays as it is.
pub(super) fn faster(
    (mut scene, mut meeting): (Scene, MeetingInput),
    times: f64,
) -> (Scene, MeetingInput) {
    let span = |span: SimSpan| SimSpan((span.0 as f64 / times).round() as u64);
    let at = |at: SimTime| SimTime((at.0 as f64 / times).round() as u64);
    for source in &mut scene.sources {
        source.at = at(source.at);
        source.deadline = source.deadline.map(span);
        match &mut source.kind {
            SourceKind::Meeting {
                words_per_minute,
                stretch,
                ..
            } => {
                // The turns below are what counts.
                *words_per_minute *= times;
                *stretch = span(*stretch);
            }
            SourceKind::Arrivals { mean_gap, .. } => *mean_gap = span(*mean_gap),
            SourceKind::Question { .. } | SourceKind::Task { .. } => {}
        }
    }
    for fault in &mut scene.faults {
        fault.at = at(fault.at);
        fault.span = span(fault.span);
    }
    for moment in &mut scene.moments {
        moment.at = at(moment.at);
    }
    let of_agents = scene.agents.iter_mut().flat_map(|agent| &mut agent.skills);
    let machines = scene.machines.iter_mut();
    let of_machines = machines.flat_map(|machine| &mut machine.skills);
    for (_, latency) in of_agents.chain(of_machines) {
        *latency = LatencyProfile {
            fixed: span(latency.fixed),
            per_item: span(latency.per_item),
            per_token: span(latency.per_token),
        };
    }
    let splits = scene.decompositions.iter_mut();
    let parts = splits.flat_map(|split| &mut split.parts);
    for way in parts.flat_map(|part| &mut part.on) {
        way.span = span(way.span);
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

    fn shipped(name: &str) -> (Scene, MeetingInput) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenes");
        let path = format!("{folder}/{name}.scene.ron");
        let scene = Scene::read(Path::new(&path)).unwrap();
        let meeting = MeetingInput::read(&scene, None, Vec::new()).unwrap();
        (scene, meeting)
    }

    /// Everything that takes time or has its time, but for models.
    fn instants(scene: &Scene) -> Vec<u64> {
        let sources = scene.sources.iter().map(|source| source.at.0);
        let gaps = scene.sources.iter().filter_map(|source| match source.kind {
            SourceKind::Arrivals { mean_gap, .. } => Some(mean_gap.0),
            _ => None,
        });
        let faults = scene.faults.iter().map(|fault| (fault.at + fault.span).0);
        let moments = scene.moments.iter().map(|moment| moment.at.0);
        let of_agents = scene.agents.iter().flat_map(|agent| &agent.skills);
        let of_machines = scene.machines.iter().flat_map(|machine| &machine.skills);
        let work = of_agents.chain(of_machines);
        let work = work.map(|(_, latency)| latency.span(0, 0).0);
        let parts = scene.decompositions.iter().flat_map(|split| &split.parts);
        let ways = parts.flat_map(|part| &part.on).map(|way| way.span.0);
        let come = sources.chain(gaps).chain(faults).chain(moments);
        come.chain(work).chain(ways).collect()
    }

    #[test]
    fn all_but_the_models_goes_on_in_proportion() {
        for name in ["meeting", "factory", "classroom", "lounge", "clinic"] {
            let (scene, meeting) = shipped(name);
            let (same, _) = faster((scene.clone(), meeting.clone()), 1.0);
            assert_eq!(same, scene);
            let (fast, sooner) = faster((scene.clone(), meeting.clone()), 2.0);
            let last = |it: &MeetingInput| {
                let turns = it.transcript.iter().flat_map(|it| &it.turns);
                turns.last().map_or(0, |turn| turn.end.0)
            };
            assert!(last(&sooner).abs_diff(last(&meeting) / 2) <= 1);
            for (fast, own) in instants(&fast).iter().zip(instants(&scene)) {
                assert_eq!(fast * 2, own, "{name}");
            }
            assert_eq!(fast.replicas, scene.replicas);
        }
    }
}
