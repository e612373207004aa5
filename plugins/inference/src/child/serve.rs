//! The child's side: limits itself, makes its model, answers until its input closes.

use std::{
    env,
    fs::File,
    io::{self, BufReader, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    process::exit,
    sync::{Arc, atomic::Ordering},
    thread,
};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::{
    CAN_SERVE, Errand, Recipe, VARIABLE, limits,
    protocol::{self, HELLO, Hello, Made, Order, Reply},
};
use crate::{
    ask::Ask,
    backend::{Backend, BackendError, Encoder, SequenceId},
    input::Input,
    model::{CHILD_MAKER, Model},
    sync::{Mutex, held},
};

/// Ended as it should: its input closed.
const DONE: i32 = 0;
/// The parent is not one, or speaks another language.
const NO_PARENT: i32 = 3;
/// The model panicked.
const PANICKED: i32 = 4;

/// A model, or why there is none.
type MadeBackend = Result<Box<dyn Backend>, BackendError>;

/// Serves and never returns if this process was started as a child; else returns at once.
///
/// Call it first in `main`: before threads, windows, files and arguments.
pub fn serve_if_child() {
    serve_if_child_with(&|_| None);
}

/// As [`serve_if_child`], for an app with makers of its own: `make` gets the recipes whose maker
/// this crate does not know.
pub fn serve_if_child_with(make: &dyn Fn(&Recipe) -> Option<MadeBackend>) {
    let Some(errand) = env::var_os(VARIABLE) else {
        CAN_SERVE.store(true, Ordering::Release);
        return;
    };
    let errand = errand
        .to_str()
        .and_then(|text| serde_json::from_str(text).ok());
    let Some(errand) = errand else {
        exit(NO_PARENT)
    };
    match serve(&errand, make) {
        Ok(()) => exit(DONE),
        // What the log of the parent shows of it.
        Err(error) => {
            say_on_stderr(&format!("the talk with the parent broke: {error}"));
            exit(NO_PARENT)
        }
    }
}

/// Says something where the parent keeps the last words.
fn say_on_stderr(text: &str) {
    // Nobody may listen any more.
    drop(writeln!(io::stderr(), "{text}"));
}

fn serve(errand: &Errand, make: &dyn Fn(&Recipe) -> Option<MadeBackend>) -> io::Result<()> {
    let replies = Replies::new()?;
    let lacking = limits::set(errand);
    let greeting = HELLO.to_owned();
    replies.send(0, &Reply::Hello(Hello { greeting, lacking }))?;
    let (orders, inbox) = unbounded();
    let (texts, to_encode) = unbounded();
    thread::Builder::new()
        .name(String::from("orders"))
        .spawn(move || listen(&orders, &texts))?;

    let (number, order) = inbox.recv().map_err(io::Error::other)?;
    let Order::Make(recipe) = order else {
        return Err(io::Error::other("the first order is not to make a model"));
    };
    let made = catch_unwind(AssertUnwindSafe(|| {
        if recipe.maker == CHILD_MAKER {
            return Model::make_in_child(&recipe);
        }
        make(&recipe).unwrap_or_else(|| Err(unknown_maker(&recipe)))
    }));
    let mut backend = match made.unwrap_or_else(|_| exit(PANICKED)) {
        Ok(backend) => backend,
        Err(error) => return replies.send(number, &Reply::Made(Err(error))),
    };
    let encoder = backend.encoder();
    let answers = replies.clone();
    thread::Builder::new()
        .name(String::from("encoder"))
        .spawn(move || encode(&encoder, &to_encode, &answers))?;
    let made = Made {
        version: backend.version().to_owned(),
        skills: backend.skills().to_vec(),
        n_sequences: backend.n_sequences(),
    };
    replies.send(number, &Reply::Made(Ok(made)))?;
    for (number, order) in inbox {
        let reply = catch_unwind(AssertUnwindSafe(|| obey(backend.as_mut(), order)));
        // A model that panicked may be broken: the next one is made in a new child.
        replies.send(number, &reply.unwrap_or_else(|_| exit(PANICKED)))?;
    }
    Ok(())
}

fn unknown_maker(recipe: &Recipe) -> BackendError {
    BackendError::Failed {
        model: recipe.argument.clone(),
        why: format!("nobody here is the maker {:?}", recipe.maker),
    }
}

/// Takes orders in as they come, so that the parent never waits to be heard, and ends this process
/// when no more can come, whatever the model is at.
fn listen(orders: &Sender<(u64, Order)>, texts: &Sender<(u64, Ask, Input)>) {
    let mut from = BufReader::new(io::stdin().lock());
    loop {
        let sent = match protocol::read(&mut from) {
            Ok(Some((number, Order::Encode(ask, input)))) => {
                texts.send((number, ask, input)).is_ok()
            }
            Ok(Some(order)) => orders.send(order).is_ok(),
            Ok(None) => exit(DONE),
            Err(error) => {
                say_on_stderr(&format!("an order is garbled: {error}"));
                exit(NO_PARENT)
            }
        };
        if !sent {
            exit(DONE);
        }
    }
}

fn encode(encoder: &Encoder, inbox: &Receiver<(u64, Ask, Input)>, replies: &Replies) {
    while let Ok((number, ask, input)) = inbox.recv() {
        // A tokeniser that panics on a text is as good as before on the next.
        let encoded = catch_unwind(AssertUnwindSafe(|| encoder(&ask, &input)))
            .unwrap_or_else(|_| Err(BackendError::Tokens(String::from("the tokeniser panicked"))));
        if replies.send(number, &Reply::Encoded(encoded)).is_err() {
            exit(NO_PARENT);
        }
    }
}

fn obey(backend: &mut dyn Backend, order: Order) -> Reply {
    match order {
        Order::Answer(ask, inputs) => {
            Reply::Answered(backend.answer(&ask, &inputs.iter().collect::<Vec<_>>()))
        }
        Order::Begin(id, ask, input) => Reply::Begun(backend.begin(SequenceId(id), &ask, &input)),
        Order::Step => {
            let steps = backend.step();
            Reply::Stepped(
                steps.map(|steps| steps.into_iter().map(|(id, step)| (id.0, step)).collect()),
            )
        }
        Order::End(id) => {
            backend.end(SequenceId(id));
            Reply::Ended
        }
        // These never come here; to answer is better than to be waited for.
        Order::Make(_) | Order::Encode(..) => Reply::Ended,
    }
}

/// Where replies go.
#[derive(Clone)]
struct Replies(Arc<Mutex<File>>);

impl Replies {
    /// Takes the standard output for replies alone: what a model prints goes where errors go.
    #[cfg(target_os = "linux")]
    fn new() -> io::Result<Self> {
        use std::os::fd::AsFd as _;
        let own = io::stdout().as_fd().try_clone_to_owned()?;
        rustix::stdio::dup2_stdout(io::stderr().as_fd())?;
        Ok(Self(Arc::new(Mutex::new(own.into()))))
    }

    /// Takes the standard output for replies; nobody else may print.
    #[cfg(all(unix, not(target_os = "linux")))]
    fn new() -> io::Result<Self> {
        use std::os::fd::AsFd as _;
        let own = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self(Arc::new(Mutex::new(own.into()))))
    }

    /// Takes the standard output for replies; nobody else may print.
    #[cfg(windows)]
    fn new() -> io::Result<Self> {
        use std::os::windows::io::AsHandle as _;
        let own = io::stdout().as_handle().try_clone_to_owned()?;
        Ok(Self(Arc::new(Mutex::new(own.into()))))
    }

    fn send(&self, number: u64, reply: &Reply) -> io::Result<()> {
        let block = match protocol::block(number, reply) {
            Ok(block) => block,
            // An answer that is too large ends its request, not the child.
            Err(error) => protocol::block(number, &too_large(reply, &error))?,
        };
        protocol::write(&mut *held(&self.0), &block)
    }
}

fn too_large(reply: &Reply, error: &io::Error) -> Reply {
    let error = BackendError::Failed {
        model: String::from("in a child process"),
        why: format!("its answer cannot be sent: {error}"),
    };
    match reply {
        Reply::Encoded(_) => Reply::Encoded(Err(error)),
        Reply::Stepped(_) => Reply::Stepped(Err(error)),
        _ => Reply::Answered(Err(error)),
    }
}
