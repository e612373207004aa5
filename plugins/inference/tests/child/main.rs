//! Models in child processes: whatever they do, the request ends with a reason and the next is answered.
//!
//! The children are this test started anew, so that it has a `main` of its own.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is what is wanted")]

mod puppet;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, ExitCode, Stdio},
    sync::{Arc, atomic::AtomicBool},
    thread::sleep,
    time::Duration,
};

use inference::{
    Ask, Backend, BackendError, Catalog, ChildModels, ChildOptions, DeviceChoice, Encoded,
    HashedWords, InChild, Input, Model, Output, Port, PortOptions, Recipe, ReplicaSetup, Request,
    SequenceId, SequenceStep, Store, StoreOptions, serve_if_child_with,
};

fn recipe(maker: &str) -> Recipe {
    Recipe {
        maker: maker.to_owned(),
        argument: String::from("none"),
        files: Vec::new(),
    }
}

fn options() -> ChildOptions {
    ChildOptions {
        memory_bytes: 512 << 20,
        start: Duration::from_secs(20),
        encode: Duration::from_millis(400),
        answer: Duration::from_millis(400),
        ..ChildOptions::default()
    }
}

fn patient() -> ChildOptions {
    ChildOptions {
        answer: Duration::from_secs(20),
        encode: Duration::from_secs(20),
        ..options()
    }
}

fn ask(child: &mut InChild, text: &str) -> Result<Vec<Output>, BackendError> {
    (child as &mut dyn Backend).answer_inputs(&Ask::Embed, &[Input::from(text)])
}

/// A model in a child is asked this; the child must be gone, and the reason hold one of these texts.
fn loses(options: &ChildOptions, text: &str, expected: &[&str]) {
    let mut child = InChild::start(&recipe("puppet"), options).unwrap();
    assert_eq!(
        ask(&mut child, "fine"),
        Ok(vec![Output::Embedding(vec![4.0])])
    );
    let error = ask(&mut child, text).unwrap_err();
    assert!(
        matches!(error, BackendError::Lost { .. }),
        "{text}: {error}"
    );
    let said = error.to_string();
    assert!(
        expected.iter().any(|part| said.contains(part)),
        "{text}: {said}"
    );
    assert_eq!(
        ask(&mut child, "fine").unwrap_err(),
        error,
        "it stays lost, for the same reason"
    );
    assert_reaped(child.process_id());
}

/// Neither the process nor its shadow is left.
fn assert_reaped(id: u32) {
    let process = format!("/proc/{id}");
    for _ in 0..500 {
        if !Path::new(&process).exists() {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("process {id} is left behind");
}

fn answers_are_those_of_the_model_itself() {
    let mut child = InChild::start(&recipe("hashed-words"), &patient()).unwrap();
    assert_eq!(child.version(), HashedWords.version());
    assert_eq!(child.skills(), HashedWords.skills());
    let texts: Vec<_> = ["", "naïve 🦀", "many words to embed"]
        .map(Input::from)
        .into();
    let here = (&mut HashedWords as &mut dyn Backend)
        .answer_inputs(&Ask::Embed, &texts)
        .unwrap();
    let there = (&mut child as &mut dyn Backend)
        .answer_inputs(&Ask::Embed, &texts)
        .unwrap();
    assert_eq!(here, there);
    let id = child.process_id();
    let encoder = child.encoder();
    drop(child);
    let error = encoder(&Ask::Embed, &texts[0]).unwrap_err().to_string();
    assert!(error.contains("was let go"), "{error}");
    assert_reaped(id);
}

/// The real model, if it is on this machine: whatever process it is in, the bits are the same.
fn a_model_of_the_store_answers_in_a_child_as_here() {
    let load = |child_models| {
        let mut options = StoreOptions::from_env().unwrap();
        // What is not here is not fetched for this.
        (options.hub, options.package_index) = (String::from("http://127.0.0.1:9"), Vec::new());
        options.child_models = child_models;
        let store = Store::new(Catalog::built_in(), options);
        let name = "all-minilm-l6-v2";
        store.load(
            name,
            DeviceChoice::Cpu,
            &mut |_| {},
            &AtomicBool::new(false),
        )
    };
    let (here, there) = match (load(ChildModels::None), load(ChildModels::All)) {
        (Ok(here), Ok(there)) => (here, there),
        #[expect(
            clippy::print_stderr,
            reason = "whoever runs the tests must see what was not tested"
        )]
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("NOTICE: MiniLM is not tested in a child: {error}");
            return;
        }
    };
    assert_eq!(here.version(), there.version());
    let texts = ["That is a happy person", "word word", ""].map(Input::from);
    let vectors = |model: &Model| {
        let mut backend = model.backend().unwrap();
        backend.answer_inputs(&Ask::Embed, &texts).unwrap()
    };
    assert_eq!(vectors(&here), vectors(&there));
}

fn refusals_leave_the_child_as_it_is() {
    let mut child = InChild::start(&recipe("puppet"), &patient()).unwrap();
    let id = child.process_id();
    for (text, expected) in [
        ("refuse", "I will not"),
        ("too large", "its answer cannot be sent"),
        ("encode panic", "the tokeniser panicked"),
    ] {
        let error = ask(&mut child, text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = ask(&mut child, &"x".repeat(65 << 20))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("the input cannot be sent") && error.contains("split it"),
        "{error}"
    );
    let audio: Arc<[f32]> = vec![0.25, f32::NAN, -1.0].into();
    let heard = child
        .answer(&Ask::Embed, &[&Encoded::Audio(audio)])
        .unwrap();
    assert!(matches!(&heard[0], Output::Embedding(v) if v[0] == 0.25 && v[1].is_nan()));
    assert!(
        ask(&mut child, "print").is_ok(),
        "what a model prints is no answer"
    );
    assert!(ask(&mut child, "environment").is_ok());
    assert_eq!(child.process_id(), id);
}

fn sequences_are_streamed() {
    let mut child = InChild::start(&recipe("puppet"), &patient()).unwrap();
    assert_eq!(child.n_sequences(), 2);
    let input = Encoded::Text(String::from("go on"));
    for id in [7, 8] {
        child.begin(SequenceId(id), &Ask::Embed, &input).unwrap();
    }
    let piece = |id: u64| (SequenceId(id), SequenceStep::Piece(id.to_string()));
    assert_eq!(child.step().unwrap(), [piece(7), piece(8)]);
    child.end(SequenceId(7));
    assert_eq!(child.step().unwrap(), [piece(8)]);
}

fn whatever_ends_a_child_is_told() {
    let memory = [
        "memory allocation of 1073741824 bytes failed",
        "512 MiB of memory",
    ];
    loses(&patient(), "abort", &["signal: 6"]);
    loses(&patient(), "exit", &["exit status: 0"]);
    loses(&patient(), "panic", &["puppets panic, too"]);
    loses(&options(), "hang", &["silent for 400ms and was killed"]);
    loses(&patient(), "encode abort", &["signal: 6"]);
    loses(
        &options(),
        "encode hang",
        &["silent for 400ms and was killed"],
    );
    if cfg!(target_os = "linux") {
        loses(&patient(), "memory", &memory);
        loses(&patient(), "segv", &["signal: 11"]);
        loses(&patient(), "kill", &["signal: 9"]);
    }
}

fn a_child_that_cannot_start_says_why() {
    let start = |recipe: &Recipe, options: &ChildOptions| {
        InChild::start(recipe, options)
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    for (maker, expected) in [
        ("nobody", "nobody here is the maker \"nobody\""),
        ("refuses", "file \"f\" of model \"m\" cannot be used: bad"),
        ("panics", "bad weights"),
    ] {
        let error = start(&recipe(maker), &options());
        assert!(error.contains(expected), "{error}");
    }
    let hasty = ChildOptions {
        start: Duration::from_millis(300),
        ..options()
    };
    let error = start(&recipe("hangs"), &hasty);
    assert!(error.contains("silent for 300ms"), "{error}");
    for (program, expected) in [
        ("/usr/bin/yes", "said what is no answer"),
        ("/bin/cat", "silent for 300ms"),
        ("/bin/true", "exit status: 0"),
        ("/nowhere/at/all", "no child process can be started"),
    ] {
        if program != "/nowhere/at/all" && !Path::new(program).exists() {
            continue;
        }
        let other = ChildOptions {
            program: Some(program.into()),
            ..hasty.clone()
        };
        let error = start(&recipe("puppet"), &other);
        assert!(error.contains(expected), "{program}: {error}");
    }
}

/// What a child may not do fails there, as a refusal, and the child goes on.
fn nothing_but_its_files_is_open_to_a_child() {
    let folder = tempfile::tempdir().unwrap();
    let (own, other) = (folder.path().join("own"), folder.path().join("other"));
    fs::write(&own, "own").unwrap();
    fs::write(&other, "other").unwrap();
    let with = |argument: &Path| {
        let argument = argument.to_str().unwrap().to_owned();
        let recipe = Recipe {
            argument,
            files: vec![own.clone()],
            ..recipe("puppet")
        };
        InChild::start(&recipe, &patient()).unwrap()
    };
    assert!(ask(&mut with(&own), "read").is_ok());
    if !has_landlock() {
        return;
    }
    let new = folder.path().join("new");
    for (argument, text) in [
        (other.as_path(), "read"),
        (&own, "write"),
        (&own, "append"),
        (&new, "write"),
        (&own, "passwords"),
        (&own, "start"),
    ] {
        let mut child = with(argument);
        let error = ask(&mut child, text).unwrap_err().to_string();
        assert!(error.contains("denied"), "{text}: {error}");
        assert!(ask(&mut child, "fine").is_ok());
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let error = ask(&mut with(Path::new(&address)), "connect")
        .unwrap_err()
        .to_string();
    assert!(error.contains("denied"), "{error}");
    assert_eq!(fs::read_to_string(&own).unwrap(), "own");
    assert!(!new.exists());
}

/// Whether this kernel can shut off files and TCP.
fn has_landlock() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    let newer = (numbers.next(), numbers.next()) >= (Some(6), Some(7));
    // Without this file it cannot be known; then the child's own note says what is lacking.
    let modules = fs::read_to_string("/sys/kernel/security/lsm");
    newer && modules.map_or(true, |modules| modules.contains("landlock"))
}

fn the_next_request_is_answered_by_a_new_child() {
    let make = || {
        let child = InChild::start(&recipe("puppet"), &options())?;
        Ok(Box::new(child) as Box<dyn Backend>)
    };
    let setup = ReplicaSetup {
        name: String::from("puppet"),
        make: Arc::new(make),
    };
    let port = Port::open(vec![setup], PortOptions::default()).unwrap();
    let patience = Duration::from_secs(60);
    for (key, text) in [
        "abort",
        "fine",
        "hang",
        "fine",
        "exit",
        "fine",
        "encode abort",
        "fine",
    ]
    .into_iter()
    .enumerate()
    {
        port.submit(0, Request::embed(key as u64, [text])).unwrap();
        let reply = port.recv_timeout(patience).unwrap();
        match reply.result {
            Ok(answer) => assert_eq!((text, answer.version.as_str()), ("fine", "puppet@1")),
            Err(error) => assert!(
                text != "fine" && error.to_string().contains("is gone"),
                "{error}"
            ),
        }
    }
}

/// Set where this test plays an app that is killed while its child works.
const DOOMED: &str = "DIORAMA_TEST_DOOMED";

/// The app that is killed: says which process its child is, and waits.
fn play_doomed() {
    let mut child = InChild::start(&recipe("puppet"), &patient()).unwrap();
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", child.process_id()).unwrap();
    stdout.flush().unwrap();
    drop(ask(&mut child, "hang"));
}

fn no_child_outlives_its_parent() {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .env(DOOMED, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(parent.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    let status = format!("/proc/{}/stat", line.trim());
    parent.kill().unwrap();
    parent.wait().unwrap();
    for _ in 0..500 {
        // Whoever inherits it may let its shadow stand.
        let state = fs::read_to_string(&status).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("process {line} is left behind");
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let before = InChild::start(&recipe("puppet"), &options()).map(drop);
    if std::env::var_os("DIORAMA_MODEL_CHILD").is_none() {
        let error = before.unwrap_err().to_string();
        assert!(error.contains("main does not call"), "{error}");
    }
    serve_if_child_with(&puppet::make);
    if std::env::var_os(DOOMED).is_some() {
        play_doomed();
        return ExitCode::FAILURE;
    }
    let tests: [(&str, fn()); 9] = [
        (
            "a model of the store answers in a child as here",
            a_model_of_the_store_answers_in_a_child_as_here,
        ),
        ("no child outlives its parent", no_child_outlives_its_parent),
        (
            "answers are those of the model itself",
            answers_are_those_of_the_model_itself,
        ),
        (
            "refusals leave the child as it is",
            refusals_leave_the_child_as_it_is,
        ),
        ("sequences are streamed", sequences_are_streamed),
        (
            "whatever ends a child is told",
            whatever_ends_a_child_is_told,
        ),
        (
            "a child that cannot start says why",
            a_child_that_cannot_start_says_why,
        ),
        (
            "nothing but its files is open to a child",
            nothing_but_its_files_is_open_to_a_child,
        ),
        (
            "the next request is answered by a new child",
            the_next_request_is_answered_by_a_new_child,
        ),
    ];
    for (name, test) in tests {
        test();
        #[expect(
            clippy::print_stderr,
            reason = "whoever runs the tests sees which passed"
        )]
        {
            eprintln!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}
