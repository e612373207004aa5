//! The parent's hold on a child process: starts it, feeds it, hears it, and never leaves it behind.
//!
//! Three threads that mostly sleep serve each child. The keeper starts it, hears its replies and
//! waits for its end; as the kernel ends the child with the thread that started it, that thread
//! must live as long. The feeder writes orders, so that nobody waits for a child that does not
//! read. The third keeps its last words.

use std::{
    collections::VecDeque,
    env, io,
    io::{BufReader, Read as _},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::{
    ChildOptions, Errand, Recipe, VARIABLE,
    link::Line,
    protocol::{self, Reply},
};
use crate::sync::{Mutex, held};

/// Bytes of what a child says on its standard error that are kept.
const LAST_WORDS_BYTES: usize = 2000;
/// How long the last words are waited for after the end.
const LAST_WORDS_PATIENCE: Duration = Duration::from_millis(200);
/// What children keep of the environment: where libraries are, and how many threads compute.
const KEPT_VARIABLES: [&str; 3] = ["LD_LIBRARY_PATH", "RAYON_NUM_THREADS", "SystemRoot"];

/// A child that has been started.
#[derive(Debug)]
pub(super) struct Process {
    child: Arc<Mutex<Child>>,
    orders: Sender<Vec<u8>>,
}

impl Process {
    /// Starts a child. Its replies, and at last its end, go to `line`.
    pub(super) fn start(
        recipe: &Recipe,
        options: &ChildOptions,
        line: &Arc<Line>,
    ) -> io::Result<Self> {
        let command = command(recipe, options)?;
        let memory_bytes = options.memory_bytes;
        let (started, start) = bounded(1);
        let line = Arc::clone(line);
        thread::Builder::new()
            .name(String::from("model child"))
            .spawn(move || keep(command, memory_bytes, &started, &line))?;
        let (child, stdin) = start.recv().map_err(io::Error::other)??;
        let (orders, inbox) = unbounded();
        thread::Builder::new()
            .name(String::from("model child in"))
            .spawn(move || feed(stdin, &inbox))?;
        Ok(Self { child, orders })
    }

    /// Hands an order over to be written.
    pub(super) fn send(&self, block: Vec<u8>) {
        // A feeder that is gone means a child that is gone: its keeper says so.
        drop(self.orders.send(block));
    }

    /// Ends the child, whatever it is at.
    pub(super) fn kill(&self) {
        // It may have ended by itself; then there is nothing to do.
        drop(held(&self.child).kill());
    }

    /// The number of the process.
    pub(super) fn id(&self) -> u32 {
        held(&self.child).id()
    }
}

fn command(recipe: &Recipe, options: &ChildOptions) -> io::Result<Command> {
    let program = match &options.program {
        Some(program) => program.clone(),
        // The file itself, also when another one has taken its name since.
        None if cfg!(target_os = "linux") => "/proc/self/exe".into(),
        None => env::current_exe()?,
    };
    let errand = Errand {
        parent: std::process::id(),
        memory_bytes: options.memory_bytes,
        open_files: options.open_files,
        cpu_secs: options.cpu_secs,
        files: recipe.files.clone(),
    };
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(
            KEPT_VARIABLES
                .iter()
                .filter_map(|name| Some((name, env::var_os(name)?))),
        )
        .env(VARIABLE, serde_json::to_string(&errand)?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

type Started = io::Result<(Arc<Mutex<Child>>, ChildStdin)>;

/// The keeper: starts the child, hears it out, and waits for its end.
fn keep(mut command: Command, memory_bytes: u64, started: &Sender<Started>, line: &Line) {
    let pipes =
        |mut child: Child| match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => Ok((child, stdin, stdout, stderr)),
            _ => Err(io::Error::other("it has no pipes")),
        };
    let (child, stdin, stdout, stderr) = match command.spawn().and_then(pipes) {
        Ok(parts) => parts,
        Err(error) => return drop(started.send(Err(error))),
    };
    let child = Arc::new(Mutex::new(child));
    let (said, last_words) = bounded(1);
    let listening = thread::Builder::new()
        .name(String::from("model child words"))
        .spawn(move || drop(said.send(hear_out(stderr))));
    drop(started.send(Ok((Arc::clone(&child), stdin))));
    let garbled = hear(stdout, line).err();
    // It is at an end, or of no use any more.
    let end = {
        let mut child = held(&child);
        // By itself, if it is about to.
        let ended = if garbled.is_none() {
            wait_a_little(&mut child)
        } else {
            None
        };
        match ended {
            Some(status) => Ok(status),
            None => child.kill().and_then(|()| child.wait()),
        }
    };
    let words = match listening {
        Ok(_) => last_words
            .recv_timeout(LAST_WORDS_PATIENCE)
            .unwrap_or_default(),
        Err(_) => String::new(),
    };
    line.end(reason(garbled.as_ref(), end, &words, memory_bytes));
}

/// Waits for a child whose output has closed.
fn wait_a_little(child: &mut Child) -> Option<ExitStatus> {
    for _ in 0..100 {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(2));
    }
    None
}

fn hear(stdout: ChildStdout, line: &Line) -> io::Result<()> {
    let mut from = BufReader::new(stdout);
    while let Some((number, reply)) = protocol::read::<Reply>(&mut from)? {
        line.hear(number, reply)?;
    }
    Ok(())
}

fn feed(mut stdin: ChildStdin, orders: &Receiver<Vec<u8>>) {
    // The input closes when nobody can give orders any more, or the child reads none.
    while let Ok(block) = orders.recv() {
        if protocol::write(&mut stdin, &block).is_err() {
            return;
        }
    }
}

/// The end of what a child says where errors go.
fn hear_out(mut stderr: ChildStderr) -> String {
    let mut words = VecDeque::new();
    let mut chunk = [0; 1024];
    loop {
        match stderr.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => {
                words.extend(&chunk[..n]);
                words.drain(..words.len().saturating_sub(LAST_WORDS_BYTES));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(words.make_contiguous())
        .trim()
        .to_owned()
}

/// Why a child is at an end, in words.
fn reason(
    garbled: Option<&io::Error>,
    end: io::Result<ExitStatus>,
    words: &str,
    memory_bytes: u64,
) -> String {
    let mut reason = match (garbled, end) {
        (Some(error), _) => format!("the child process said what is no answer: {error}"),
        (None, Ok(status)) => format!("the child process ended: {status}"),
        (None, Err(error)) => format!("the child process was lost: {error}"),
    };
    if words.contains("memory allocation of") {
        reason.push_str(&format!(
            "; it may have {} MiB of memory",
            memory_bytes >> 20
        ));
    }
    if !words.is_empty() {
        reason.push_str(&format!("; its last words: {words:?}"));
    }
    reason
}
