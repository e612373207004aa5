//! Orders to a child and their replies, matched by number, each with its patience.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::{
    ChildOptions, Recipe, can_serve,
    process::Process,
    protocol::{self, HELLO, Hello, Made, Order, Reply},
};
use crate::{
    backend::BackendError,
    sync::{Mutex, held},
};

/// Who waits for what.
#[derive(Debug, Default)]
pub(super) struct Line(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    open: BTreeMap<u64, Sender<Reply>>,
    /// Why there is no child any more.
    lost: Option<String>,
}

impl Line {
    /// A reply came. Fails if nobody waits for it: then the child makes things up.
    pub(super) fn hear(&self, number: u64, reply: Reply) -> io::Result<()> {
        let mut waiting = held(&self.0);
        let Some(open) = waiting.open.remove(&number) else {
            return Err(io::Error::other(format!(
                "a reply to order {number}, which was not given"
            )));
        };
        // Whoever waited may have given up.
        drop(open.send(reply));
        Ok(())
    }

    /// The child is at an end. The first reason counts.
    pub(super) fn end(&self, reason: String) {
        let mut waiting = held(&self.0);
        waiting.lost.get_or_insert(reason);
        waiting.open.clear();
    }

    /// A number for an order, and where its reply will be; or why there is none.
    fn open(&self) -> Result<(u64, Receiver<Reply>), String> {
        let mut waiting = held(&self.0);
        if let Some(lost) = &waiting.lost {
            return Err(lost.clone());
        }
        let (tell, reply) = bounded(1);
        let number = waiting.next;
        waiting.next += 1;
        waiting.open.insert(number, tell);
        Ok((number, reply))
    }

    fn lost(&self) -> String {
        let waiting = held(&self.0);
        waiting
            .lost
            .clone()
            .unwrap_or_else(|| String::from("the child process is gone"))
    }
}

/// A child that listens. Dropping it ends the child.
#[derive(Debug)]
pub(super) struct Link {
    line: Arc<Line>,
    process: Process,
}

impl Link {
    /// Starts a child and has it make its model.
    pub(super) fn open(
        recipe: &Recipe,
        options: &ChildOptions,
    ) -> Result<(Self, Made), BackendError> {
        let failed = |why: String| BackendError::Failed {
            model: recipe.argument.chars().take(100).collect(),
            why,
        };
        if options.program.is_none() && !can_serve() {
            return Err(failed(String::from(
                "it would run in a child process, but main does not call \
                 inference::serve_if_child() first",
            )));
        }
        let line = Arc::new(Line::default());
        // The greeting comes unasked, under the number 0.
        let (_, greeting) = line.open().map_err(failed)?;
        let process = Process::start(recipe, options, &line)
            .map_err(|error| failed(format!("no child process can be started: {error}")))?;
        let link = Self { line, process };
        match link.wait(&greeting, options.start).map_err(failed)? {
            Reply::Hello(Hello { greeting, lacking }) if greeting == HELLO => {
                for limit in lacking {
                    tracing::warn!("a child process that runs a model has fewer limits: {limit}");
                }
            }
            other => return Err(failed(link.nonsense(&other))),
        }
        let order = Order::Make(recipe.clone());
        match link.give(&order, options.start).map_err(failed)? {
            Reply::Made(made) => Ok((link, made?)),
            other => Err(failed(link.nonsense(&other))),
        }
    }

    /// Gives an order and waits for its reply, or says why there is no child any more.
    pub(super) fn give(&self, order: &Order, patience: Duration) -> Result<Reply, String> {
        let (number, reply) = self.line.open()?;
        match protocol::block(number, order) {
            Ok(block) => self.process.send(block),
            Err(error) => {
                held(&self.line.0).open.remove(&number);
                return Ok(refusal(order, &error));
            }
        }
        self.wait(&reply, patience)
    }

    fn wait(&self, reply: &Receiver<Reply>, patience: Duration) -> Result<Reply, String> {
        match reply.recv_timeout(patience) {
            Ok(reply) => Ok(reply),
            Err(RecvTimeoutError::Timeout) => {
                self.line.end(format!(
                    "the child process was silent for {patience:?} and was killed"
                ));
                self.process.kill();
                Err(self.line.lost())
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.line.lost()),
        }
    }

    /// Gives up on a child that answers what was not asked.
    pub(super) fn nonsense(&self, reply: &Reply) -> String {
        let start: String = format!("{reply:?}").chars().take(60).collect();
        self.line.end(format!(
            "the child process answered what was not asked: {start}"
        ));
        self.process.kill();
        self.line.lost()
    }

    /// Ends the child.
    pub(super) fn close(&self) {
        self.line.end(String::from("the child process was let go"));
        self.process.kill();
    }

    /// The number of the child's process.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}

/// What is said of an order that is too large to be given.
fn refusal(order: &Order, error: &io::Error) -> Reply {
    let error = BackendError::Failed {
        model: String::from("in a child process"),
        why: format!("the input cannot be sent: {error}"),
    };
    match order {
        Order::Encode(..) => Reply::Encoded(Err(error)),
        Order::Begin(..) => Reply::Begun(Err(error)),
        _ => Reply::Answered(Err(error)),
    }
}
