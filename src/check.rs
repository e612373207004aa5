//! `diorama check`: says whether scene files are right and, if not, what is wrong where.

use rooms::Scene;
use serde_json::json;

use crate::{cli::CheckArgs, error::AppError, report};

/// Checks all scenes, whatever is wrong with some.
///
/// # Errors
/// If one of them is wrong.
pub(crate) fn check(args: &CheckArgs) -> Result<(), AppError> {
    let checked: Vec<_> = args
        .scenes
        .iter()
        .map(|path| (path, Scene::read(path)))
        .collect();
    let wrong: Vec<String> = checked
        .iter()
        .filter_map(|(_, scene)| scene.as_ref().err())
        .map(ToString::to_string)
        .collect();
    if args.json {
        let scenes: Vec<_> = checked
            .iter()
            .map(|(path, scene)| match scene {
                Ok(scene) => {
                    json!({ "path": path, "ok": true, "name": scene.name, "hash": scene.text_hash })
                }
                Err(error) => json!({ "path": path, "ok": false, "error": error.to_string() }),
            })
            .collect();
        report::print(&format!("{:#}\n", json!({ "scenes": scenes })));
    } else {
        for (path, scene) in &checked {
            if let Ok(scene) = scene {
                report::print(&format!("{}: ok, {}\n", path.display(), contents(scene)));
            }
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(AppError::Checked(wrong.join("\n")))
    }
}

fn contents(scene: &Scene) -> String {
    let count =
        |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    [
        count(scene.spaces.len(), "space", "spaces"),
        count(scene.agents.len(), "agent", "agents"),
        count(scene.replicas.len(), "replica", "replicas"),
        count(scene.sources.len(), "task source", "task sources"),
    ]
    .join(", ")
}
