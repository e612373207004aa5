//! From the text of a scene file to a checked scene, in one pass that finds as many problems as it can.

use std::path::Path;

use ron::error::SpannedError;

use crate::{
    at::{At, ron_options},
    check::{Check, Outside, position},
    error::{Problem, SceneError},
    explain::explain,
    resolve::resolve,
    scene::Scene,
    spec::{MomentSpec, SceneSpec, SourceSpec, VersionSpec},
};

/// The version of the schema that this code reads.
const SCHEMA_VERSION: u32 = 1;
/// The most agents of a scene.
const MAX_AGENTS: usize = 10_000;
/// The most of anything else.
const MAX_ITEMS: usize = 100_000;

/// Checks `text`, which came out of `path`.
pub(crate) fn parse(text: &str, path: &Path, outside: &Outside<'_>) -> Result<Scene, SceneError> {
    let text_hash = blake3::hash(text.as_bytes()).to_hex().to_string();
    // Some editors put a byte order mark first.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let spec = match ron_options().from_str::<SceneSpec>(text) {
        Ok(spec) => spec,
        Err(error) => return Err(refuse_syntax(text, path, &error)),
    };
    let mut check = Check::new(text);
    check_version(&mut check, &spec.version);
    check_counts(&mut check, &spec);
    let scene = resolve(&mut check, &spec, path, outside);
    check.finish(path.to_owned())?;
    Ok(Scene { text_hash, ..scene })
}

/// A file of another version may well be broken by the rules of this one, so its version comes first.
fn refuse_syntax(text: &str, path: &Path, error: &SpannedError) -> SceneError {
    if let Ok(VersionSpec { version }) = ron_options().from_str(text) {
        let mut check = Check::new(text);
        check_version(&mut check, &version);
        if let Err(error) = check.finish(path.to_owned()) {
            return error;
        }
    }
    let (what, help) = explain(&error.code);
    let (line, column) = match error.code {
        // The parser knows only where the file ended.
        ron::Error::UnclosedBlockComment => position(text, text.rfind("/*").unwrap_or_default()),
        _ => (error.span.start.line, error.span.start.col),
    };
    SceneError::Invalid {
        path: path.to_owned(),
        problems: vec![Problem {
            line,
            column,
            what,
            help,
        }],
        n_more: 0,
    }
}

fn check_version(check: &mut Check<'_>, at: &At<u32>) {
    if let Some(version) = check.value(at)
        && version != SCHEMA_VERSION
    {
        check.refuse(at, || {
            let help = format!("this program reads version {SCHEMA_VERSION}");
            (
                format!("version {version} of the scene format is unknown"),
                help,
            )
        });
    }
}

fn check_counts(check: &mut Check<'_>, spec: &SceneSpec) {
    if spec.spaces.is_empty() {
        check.refuse(&spec.name, || {
            ("the scene has no space", "add one to `spaces`")
        });
    }
    if spec.agents.is_empty() {
        check.refuse(&spec.name, || {
            ("the scene has no agent", "add one to `agents`")
        });
    }
    check.at_most(&spec.spaces, MAX_ITEMS, "spaces", |space| &space.name);
    check.at_most(&spec.stations, MAX_ITEMS, "stations", |station| {
        &station.name
    });
    check.at_most(&spec.props, MAX_ITEMS, "props", |prop| &prop.name);
    check.at_most(&spec.agents, MAX_AGENTS, "agents", |agent| &agent.name);
    check.at_most(&spec.devices, MAX_ITEMS, "devices", |device| &device.name);
    check.at_most(&spec.models, MAX_ITEMS, "models", |model| &model.name);
    check.at_most(&spec.replicas, MAX_ITEMS, "replicas", |replica| {
        &replica.name
    });
    check.at_most(&spec.machines, MAX_ITEMS, "machines", |machine| {
        &machine.name
    });
    check.at_most(&spec.decompositions, MAX_ITEMS, "decompositions", |split| {
        &split.task
    });
    for decomposition in &spec.decompositions {
        check.at_most(&decomposition.parts, MAX_ITEMS, "parts", |part| &part.name);
    }
    check.at_most(&spec.faults, MAX_ITEMS, "faults", |fault| &fault.at);
    check.at_most(&spec.sources, MAX_ITEMS, "sources", SourceSpec::task);
    check.at_most(
        &spec.moments,
        MAX_ITEMS,
        "moments",
        |MomentSpec::Say { agent, .. }| agent,
    );
}

/// The error for bytes of which only the first `n_valid` are UTF-8.
pub(crate) fn refuse_bytes(bytes: &[u8], n_valid: usize, path: &Path) -> SceneError {
    let (line, column) = position(&String::from_utf8_lossy(&bytes[..n_valid]), n_valid);
    let byte = bytes.get(n_valid).copied().unwrap_or_default();
    let what = format!("the byte 0x{byte:02x} is not UTF-8");
    let problem = Problem {
        line,
        column,
        what,
        help: "save the file as UTF-8".into(),
    };
    SceneError::Invalid {
        path: path.to_owned(),
        problems: vec![problem],
        n_more: 0,
    }
}
