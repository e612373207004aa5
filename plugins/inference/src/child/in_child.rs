//! The backend in front of a child process.

use std::sync::Arc;

use super::{
    ChildOptions, Recipe,
    link::Link,
    protocol::{Made, Order, Reply},
};
use crate::{
    ask::{Ask, Skill},
    backend::{Backend, BackendError, Encoder, SequenceId, SequenceStep},
    input::Encoded,
    output::Output,
};

/// A model that runs in a child process.
///
/// When the child is lost, so is this: every call fails with the reason, as
/// [`BackendError::Lost`], until another one is made.
#[derive(Debug)]
pub struct InChild {
    link: Arc<Link>,
    options: ChildOptions,
    made: Made,
}

impl InChild {
    /// Starts a child that makes its model by this recipe.
    ///
    /// # Errors
    /// [`BackendError`] if no child can be started, if it is lost, or if the model cannot be made.
    pub fn start(recipe: &Recipe, options: &ChildOptions) -> Result<Self, BackendError> {
        let (link, made) = Link::open(recipe, options)?;
        Ok(Self {
            link: Arc::new(link),
            options: options.clone(),
            made,
        })
    }

    /// The number of the child's process.
    pub fn process_id(&self) -> u32 {
        self.link.id()
    }

    fn give(&self, order: &Order) -> Result<Reply, BackendError> {
        self.link
            .give(order, self.options.answer)
            .map_err(|why| self.lost(why))
    }

    fn lost(&self, why: String) -> BackendError {
        BackendError::Lost {
            model: self.made.version.clone(),
            why,
        }
    }

    fn nonsense(&self, reply: &Reply) -> BackendError {
        self.lost(self.link.nonsense(reply))
    }
}

impl Drop for InChild {
    /// Ends the child, also where encoders still know it.
    fn drop(&mut self) {
        self.link.close();
    }
}

impl Backend for InChild {
    fn version(&self) -> &str {
        &self.made.version
    }

    fn skills(&self) -> &[Skill] {
        &self.made.skills
    }

    /// Encodes in the child: the tokeniser is made from a file from outside, too.
    fn encoder(&self) -> Encoder {
        let link = Arc::clone(&self.link);
        let (patience, model) = (self.options.encode, self.made.version.clone());
        Arc::new(move |ask, input| {
            let lost = |why| BackendError::Lost {
                model: model.clone(),
                why,
            };
            let order = Order::Encode(ask.clone(), input.clone());
            match link.give(&order, patience).map_err(lost)? {
                Reply::Encoded(encoded) => encoded,
                other => Err(lost(link.nonsense(&other))),
            }
        })
    }

    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        let inputs = inputs.iter().map(|input| (*input).clone()).collect();
        match self.give(&Order::Answer(ask.clone(), inputs))? {
            Reply::Answered(outputs) => outputs,
            other => Err(self.nonsense(&other)),
        }
    }

    fn n_sequences(&self) -> usize {
        self.made.n_sequences
    }

    fn begin(&mut self, id: SequenceId, ask: &Ask, input: &Encoded) -> Result<(), BackendError> {
        match self.give(&Order::Begin(id.0, ask.clone(), input.clone()))? {
            Reply::Begun(begun) => begun,
            other => Err(self.nonsense(&other)),
        }
    }

    fn step(&mut self) -> Result<Vec<(SequenceId, SequenceStep)>, BackendError> {
        match self.give(&Order::Step)? {
            Reply::Stepped(steps) => Ok(steps?
                .into_iter()
                .map(|(id, step)| (SequenceId(id), step))
                .collect()),
            other => Err(self.nonsense(&other)),
        }
    }

    fn end(&mut self, id: SequenceId) {
        if let Err(error) = self.give(&Order::End(id.0)) {
            tracing::debug!("a sequence ended with its child process: {error}");
        }
    }
}
