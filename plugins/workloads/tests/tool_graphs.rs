//! Samples workflows of agents from a small graph of tools.

use rand::{SeedableRng as _, rngs::SmallRng};
use schedule::Skill;
use workloads::{Shape, ToolGraph};

const GRAPH: &str = r#"{
  "nodes": [
    {"id": "Translation", "desc": "To another language", "input-type": ["text"], "output-type": ["text"]},
    {"id": "Summarization", "input-type": ["text"], "output-type": ["text"]},
    {"id": "Text-to-Image", "input-type": ["text"], "output-type": ["image"]}
  ],
  "links": [
    {"source": "Translation", "target": "Summarization", "type": "text"},
    {"source": "Summarization", "target": "Translation", "type": "text"},
    {"source": "Summarization", "target": "Text-to-Image", "type": "text"},
    {"source": "Translation", "target": "Text-to-Image", "type": "text"}
  ]
}"#;

#[test]
fn samples_follow_the_graph_and_have_the_shape() {
    let graph = ToolGraph::read(GRAPH).unwrap();
    assert_eq!(graph.n_tools(), 3);
    assert_eq!(graph.skill(1), Skill::Summarise);
    let mut rng = SmallRng::seed_from_u64(1);
    for (shape, n) in [(Shape::Node, 5), (Shape::Chain, 6), (Shape::Dag, 8)] {
        let mut longest = 0;
        for _ in 0..200 {
            let workflow = graph.sample(shape, n, &mut rng);
            let n_tools = workflow.tools.len();
            longest = longest.max(n_tools);
            assert!(workflow.arcs.len() >= n_tools - 1);
            for &(from, to, bytes) in &workflow.arcs {
                assert!(from < to && bytes == 4000);
                let names = [from, to].map(|at| graph.name(workflow.tools[at as usize]));
                let link = format!("\"source\": \"{}\", \"target\": \"{}\"", names[0], names[1]);
                assert!(GRAPH.contains(&link), "{link}");
            }
            if shape == Shape::Chain {
                assert!(workflow.arcs.iter().all(|(from, to, _)| from + 1 == *to));
            }
            let (task, subtasks) = graph.task(&workflow, 3, 100, &mut rng);
            assert_eq!((task.name.as_str(), subtasks.len()), ("request 3", n_tools));
            for (place, subtask) in subtasks.iter().enumerate() {
                assert!(subtask.after.iter().all(|id| id.index() < 100 + place));
                assert!((1..=32_000).contains(&subtask.tokens));
            }
        }
        assert_eq!(longest, if shape == Shape::Node { 1 } else { n });
    }
}

#[test]
fn the_same_seed_draws_the_same() {
    let graph = ToolGraph::read(GRAPH).unwrap();
    let draw = |seed| {
        let mut rng = SmallRng::seed_from_u64(seed);
        let samples = (0..20).map(|_| graph.sample(Shape::Dag, 9, &mut rng));
        samples.collect::<Vec<_>>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn broken_graphs_are_refused_with_line_and_column() {
    for (from, to, expected) in [
        (
            "\"target\": \"Text-to-Image\"",
            "\"target\": \"Text-to-Video\"",
            "line 10, column 43: there is no tool \"Text-to-Video\"; correct the name or add the tool",
        ),
        (
            "\"id\": \"Summarization\"",
            "\"id\": \"Translation\"",
            "line 4, column 12: tool \"Translation\" is there twice; rename or remove one",
        ),
        (
            "\"links\"",
            "\"edges\"",
            "line 13, column 1: missing field `links`",
        ),
    ] {
        let error = ToolGraph::read(&GRAPH.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
