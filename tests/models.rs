//! `diorama models` through its command line: versions, aliases and refusals, without a network.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use support::{Desk, Done};

/// A sound file of safetensors with one tensor of so many numbers.
fn safetensors(seed: u8, n: usize) -> Vec<u8> {
    let header = format!(
        r#"{{"w":{{"dtype":"F32","shape":[{n}],"data_offsets":[0,{}]}}}}"#,
        4 * n
    );
    with_header(&header, 4 * n, seed)
}

fn with_header(header: &str, n_data: usize, seed: u8) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.resize(file.len() + n_data, seed);
    file
}

/// A folder that can be imported.
fn model(desk: &Desk, name: &str, seed: u8) -> PathBuf {
    let folder = desk.path(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("model.safetensors"), safetensors(seed, 1000)).unwrap();
    folder
}

fn models(desk: &Desk, args: &[&str]) -> Done {
    let mut command = desk.diorama();
    command.arg("models").args(args);
    Done::of(command)
}

fn import(desk: &Desk, path: &Path, more: &[&str]) -> Done {
    let path = path.to_str().unwrap();
    let mut args = vec!["import", path, "--licence", "MIT", "--architecture", KIND];
    args.extend(more);
    models(desk, &args)
}

/// An architecture that only serves others, which is not loaded by itself: any tensors will do.
const KIND: &str = "SileroVad";

fn version(done: &Done) -> String {
    done.json()["version"].as_str().unwrap().to_owned()
}

/// Every file below a folder, but for locks.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with(".lock") {
            found.push(path);
        }
    }
    found
}

#[test]
fn versions_are_imported_tried_promoted_and_rolled_back() {
    let desk = Desk::new();
    let import = |seed| {
        let folder = model(&desk, "notes", seed);
        let done = import(&desk, &folder, &["--json"]).expect(0);
        (version(&done), done.json()["aliases"].clone())
    };
    let (one, aliases) = import(1);
    assert_eq!(aliases, serde_json::json!(["stable"]));
    let (two, aliases) = import(2);
    assert_eq!(aliases, serde_json::json!(["candidate"]));
    assert_eq!(import(1).0, one, "the same files are the same version");

    let stable = |expected: &str| {
        let shown = models(&desk, &["show", "notes", "--json"]).expect(0);
        assert_eq!(
            format!("notes@{}", shown.json()["version"].as_str().unwrap()),
            expected
        );
    };
    stable(&one);
    let canary = models(&desk, &["canary", "notes", "0.25"]).expect(0);
    assert!(
        canary.out.contains("25 %") && canary.out.contains(&two),
        "{}",
        canary.out
    );
    stable(&one);
    models(&desk, &["promote", "notes"]).expect(0);
    stable(&two);
    let candidate = models(&desk, &["show", "notes@candidate"]).expect(2);
    assert!(candidate.err.contains("is not set"), "{}", candidate.err);
    models(&desk, &["rollback", "notes"]).expect(0);
    stable(&one);
    let nothing = models(&desk, &["rollback", "notes"]).expect(2);
    assert!(
        nothing.err.contains("no version served before"),
        "{}",
        nothing.err
    );
    models(&desk, &["promote", &two]).expect(0);
    stable(&two);

    let kept = models(&desk, &["rm", &two]).expect(2);
    assert!(
        kept.err.contains("stable") && kept.err.contains("--force"),
        "{}",
        kept.err
    );
    models(&desk, &["rm", &one]).expect(0);
    let gone = models(&desk, &["show", &one]).expect(2);
    assert!(gone.err.contains("no such version"), "{}", gone.err);
    let listed = models(&desk, &["list", "--json"]).expect(0).json();
    let names = listed["models"].as_array().unwrap().iter();
    assert_eq!(names.filter(|model| model["name"] == "notes").count(), 1);
    models(&desk, &["rm", "notes", "--force"]).expect(0);
    models(&desk, &["show", "notes"]).expect(2);
    assert_eq!(files(&desk.path("store/blobs")), [""; 0].map(PathBuf::from));
}

#[test]
fn damage_is_found_and_named() {
    let desk = Desk::new();
    let done = import(&desk, &model(&desk, "notes", 1), &["--json"]).expect(0);
    models(&desk, &["verify", "notes"]).expect(0);
    let blob = files(&desk.path("store/blobs")).remove(0);
    let mut bytes = fs::read(&blob).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&blob, bytes).unwrap();
    for args in [
        ["verify", "notes"],
        ["load", "notes"],
        ["promote", "notes@stable"],
    ] {
        let done = models(&desk, &args).expect(4);
        assert!(
            done.err.contains("SHA-256") && done.err.contains("import it again"),
            "{}",
            done.err
        );
    }
    import(&desk, &model(&desk, "notes", 1), &[]).expect(0);
    models(&desk, &["verify", "notes"]).expect(0);
    // A manifest that says something else than its name is not believed.
    let manifest = files(&desk.path("store/versions")).remove(0);
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("SileroVad", "Llama")).unwrap();
    models(&desk, &["show", &version(&done)]).expect(2);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of refusals")]
fn what_is_no_model_is_refused_with_the_reason() {
    let desk = Desk::new();
    let tensor = |n: usize| format!(r#""t{n}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#);
    let many: Vec<_> = (0..65_537).map(tensor).collect();
    let one =
        |shape: &str| format!(r#"{{"t":{{"dtype":"F32","shape":{shape},"data_offsets":[0,8]}}}}"#);
    let twice = format!("{{{},{}}}", tensor(1), tensor(1));
    let mut large = (9u64 << 20).to_le_bytes().to_vec();
    large.resize(9 << 20, b' ');
    for (file, bytes, expected) in [
        ("model.safetensors", large, "at most 8388608"),
        (
            "model.safetensors",
            with_header(&format!("{{{}}}", many.join(",")), 0, 0),
            "more than 65536 tensors",
        ),
        (
            "model.safetensors",
            with_header(&one("[4294967296,4294967296]"), 8, 0),
            "absurd shape",
        ),
        (
            "model.safetensors",
            with_header(&one("[18446744073709551615]"), 8, 0),
            "absurd shape",
        ),
        (
            "model.safetensors",
            with_header(&twice, 0, 0),
            "occurs twice",
        ),
        (
            "model.safetensors",
            safetensors(1, 10)[..60].to_vec(),
            "cut off",
        ),
        (
            "model.safetensors",
            b"\x80\x04\x95.".to_vec(),
            "it is a pickle",
        ),
        (
            "pytorch_model.bin",
            b"PK\x03\x04..archive/data.pkl".to_vec(),
            "it is a zip archive with pickles",
        ),
        ("weights.pt", b"\x80\x02}q\x00.".to_vec(), "it is a pickle"),
        (
            "weights.pkl",
            b"cos\nsystem\n(S'true'\ntR.".to_vec(),
            "it is a pickle of an old protocol",
        ),
        (
            "model.gguf",
            b"GGUF\x03\x00\x00\x00\xff".to_vec(),
            "model.gguf",
        ),
        (
            "readme.txt",
            b"nothing here".to_vec(),
            "it holds no weights",
        ),
    ] {
        let folder = desk.path("bad");
        fs::remove_dir_all(&folder).unwrap_or_default();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(file), bytes).unwrap();
        let done = import(&desk, &folder, &[]).expect(3);
        assert!(done.err.contains(expected), "{file}: {}", done.err);
        assert_eq!(done.err.lines().count(), 1, "{}", done.err);
        assert_eq!(files(&desk.path("store")).len(), 0, "{file}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_what_to_do() {
    let desk = Desk::new();
    let folder = model(&desk, "notes", 1);
    let zeros = "0".repeat(64);
    let wrong = import(&desk, &folder, &["--sha256", &zeros]).expect(3);
    assert!(wrong.err.contains("instead of 0000"), "{}", wrong.err);
    fs::write(
        folder.join("config.json"),
        r#"{"architectures":["GPT2LMHeadModel"]}"#,
    )
    .unwrap();
    let path = folder.to_str().unwrap();
    let unknown = models(&desk, &["import", path]).expect(3);
    for word in ["GPT2LMHeadModel", "SentenceBert", "--architecture"] {
        assert!(unknown.err.contains(word), "{}", unknown.err);
    }
    let named = import(&desk, &folder, &["--name", "../up"]).expect(3);
    assert!(named.err.contains("--name"), "{}", named.err);
    let missing = import(&desk, &desk.path("nowhere"), &[]).expect(3);
    assert!(missing.err.contains("cannot be read"), "{}", missing.err);
    for (args, expected) in [
        (&["show", "nothing"][..], "is not known; there are"),
        (&["show", "NOTES"], "lower case"),
        (&["show", "hashed-words@best"], "after '@' comes"),
        (&["show", "hashed-words@abcd"], "no such version"),
        (&["rm", "hashed-words"], "nothing to remove"),
        (&["promote", "hashed-words"], "is not set"),
        (
            &["canary", "hashed-words@1", "0.5"],
            "stable version already",
        ),
        (&["canary", "hashed-words", "1.5"], "from 0 to 1"),
    ] {
        let done = models(&desk, args).expect(2);
        assert!(done.err.contains(expected), "{args:?}: {}", done.err);
    }
    assert_eq!(files(&desk.path("store")).len(), 0);
}

#[test]
fn a_loaded_model_is_preloaded_until_it_is_unloaded() {
    let desk = Desk::new();
    let loaded = models(&desk, &["load", "hashed-words", "--json"])
        .expect(0)
        .json();
    assert_eq!(loaded["version"], "hashed-words@1");
    assert!(loaded["secs"].as_f64().unwrap() >= 0.0);
    let preloaded = || {
        let shown = models(&desk, &["show", "hashed-words", "--json"]).expect(0);
        shown.json()["preloaded"].clone()
    };
    assert_eq!(preloaded(), true);
    desk.run(&["--json"]).expect(0);
    models(&desk, &["unload", "hashed-words@1"]).expect(0);
    assert_eq!(preloaded(), false);
}

#[test]
fn versions_can_be_named_wherever_models_can() {
    let desk = Desk::new();
    let run = |model: &str| {
        let mut command = desk.diorama();
        command.args([
            "run",
            "scenes/meeting.scene.ron",
            "--json",
            "--model",
            model,
        ]);
        Done::of(command).expect(0)
    };
    let (named, plain) = (run("hashed-words@stable"), run("hashed-words"));
    assert_eq!(named.hash(), plain.hash());
}

fn spawn(desk: &Desk, folder: &Path) -> std::process::Child {
    let mut command: Command = desk.diorama();
    command
        .args([
            "models",
            "import",
            folder.to_str().unwrap(),
            "--name",
            "notes",
        ])
        .args(["--architecture", KIND])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn processes_import_at_the_same_time() {
    let desk = Desk::new();
    let folders: Vec<_> = (0..4)
        .map(|nth| model(&desk, &format!("m{nth}"), nth % 3))
        .collect();
    let children: Vec<_> = folders.iter().map(|folder| spawn(&desk, folder)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let shown = models(&desk, &["show", "notes", "--json"]).expect(0).json();
    assert_eq!(shown["versions"].as_array().unwrap().len(), 3);
    models(&desk, &["verify"]).expect(0);
    assert_eq!(files(&desk.path("store/blobs")).len(), 3);
    assert_eq!(files(&desk.path("store/.tmp")).len(), 0);
}

#[test]
fn a_killed_import_leaves_nothing_half() {
    let desk = Desk::new();
    let folder = desk.path("large");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("model.safetensors"), safetensors(7, 8 << 20)).unwrap();
    for nth in 0..8 {
        let mut child = spawn(&desk, &folder);
        sleep(Duration::from_millis(30 * nth));
        child.kill().unwrap();
        child.wait().unwrap();
        // Either it is all there, or nobody knows of it.
        let done = models(&desk, &["verify", "notes"]);
        assert!(matches!(done.code, Some(0 | 2)), "{}", done.err);
        models(&desk, &["rm", "notes", "--force"]);
    }
    import(&desk, &folder, &["--name", "notes"]).expect(0);
    models(&desk, &["verify", "notes"]).expect(0);
    assert_eq!(
        files(&desk.path("store/.tmp")).len(),
        0,
        "what was killed is cleared away"
    );
    assert_eq!(files(&desk.path("store/blobs")).len(), 1);
}
