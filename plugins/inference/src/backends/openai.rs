//! Answers from a server that is compatible with OpenAI's: embeddings, talks, transcripts.
//!
//! * `POST {base}/embeddings`, `/chat/completions` (in one piece, or streamed as server-sent
//!   events) and `/audio/transcriptions` (a WAV file in a multipart form).
//! * A stated number of requests is on its way at once, each on a thread and connection of its own;
//!   outputs keep the order of the inputs.
//! * Time-outs, further attempts, rate limits and bounds: see [`RemoteSettings`].

mod audio;
mod call;
mod client;
mod error;
mod events;
mod limits;
mod lines;
mod retry;
mod settings;
mod watch;
mod wire;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

pub(crate) use self::client::Client;
use self::{
    call::Question,
    lines::{Lines, News, Told},
    watch::Watch,
};
pub use self::{
    error::{RemoteError, Stage},
    settings::{Key, Patience, PerMinute, RemoteSettings, Retries},
};
use crate::{
    ask::{Ask, Skill},
    backend::{Backend, BackendError, Encoder, SequenceId, SequenceStep},
    input::{ChatMessage, ChatRole, Encoded},
    output::Output,
};

/// What the names of models begin with that a server has.
pub const REMOTE_PREFIX: &str = "openai:";
/// How often calls under way are looked after.
const TEND_EVERY: Duration = Duration::from_millis(10);
/// What the servers of this protocol can do; not each of their models can do all of it.
const SKILLS: [Skill; 3] = [Skill::Embed, Skill::Transcribe, Skill::Generate];

/// A model of a remote server.
#[derive(Debug)]
pub struct OpenAi {
    version: String,
    client: Arc<Client>,
    lines: Lines,
    // Sequences under way, by the numbers of their calls.
    sequences: BTreeMap<u64, Sequence>,
    tell: Sender<Told>,
    news: Receiver<Told>,
}

#[derive(Debug)]
struct Sequence {
    id: SequenceId,
    watch: Arc<Watch>,
}

impl OpenAi {
    /// The model of this name on the server. Nothing is sent yet.
    pub fn new(settings: RemoteSettings, model: &str) -> Self {
        Self::sharing(Client::new(settings, model.to_owned()))
    }

    /// One more replica of a model: all that share a client keep to the server's limits together.
    pub(crate) fn sharing(client: Arc<Client>) -> Self {
        let (tell, news) = unbounded();
        Self {
            version: Self::version_of(&client.settings, &client.model),
            lines: Lines::new(Arc::clone(&client)),
            client,
            sequences: BTreeMap::new(),
            tell,
            news,
        }
    }

    /// The version of a model on a server: `openai:`, its name there, `@` and the server.
    pub(crate) fn version_of(settings: &RemoteSettings, model: &str) -> String {
        format!("{REMOTE_PREFIX}{model}@{}", settings.host())
    }

    fn failed(&self, error: impl ToString) -> BackendError {
        BackendError::Failed {
            model: self.version.clone(),
            why: error.to_string(),
        }
    }

    fn questions(&self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Question>, BackendError> {
        let wrong = || BackendError::wrong_input(&self.version, ask);
        if let Ask::Embed = ask {
            let texts = inputs.iter().map(|input| match input {
                Encoded::Text(text) => Ok(text.clone()),
                _ => Err(wrong()),
            });
            let texts = texts.collect::<Result<Vec<_>, _>>()?;
            let each = self.client.settings.inputs_per_request.max(1);
            let chunks = texts.chunks(each);
            return Ok(chunks
                .map(|texts| Question::Embeddings(texts.to_vec()))
                .collect());
        }
        inputs
            .iter()
            .map(|input| question(ask, input, false).ok_or_else(wrong))
            .collect()
    }

    /// Asks all questions at once and gives the answers back in their order.
    ///
    /// The first failure gives the others up.
    fn ask_all(&mut self, questions: Vec<Question>) -> Result<Vec<Output>, BackendError> {
        let (tell, news) = unbounded();
        let mut calls = Calls::default();
        let mut error = None;
        for question in questions {
            match self.lines.ask(question, &tell) {
                Ok((number, watch)) => calls.add(number, watch),
                Err(none) => {
                    error = Some(self.failed(format!("no thread can be started: {none}")));
                    break;
                }
            }
        }
        while error.is_none() && calls.n_open > 0 {
            match news.recv_timeout(TEND_EVERY) {
                Ok(Told {
                    number,
                    news: News::Ended(Ok(answered)),
                }) => {
                    calls.settle(number, answered.outputs);
                }
                Ok(Told {
                    news: News::Ended(Err(why)),
                    ..
                }) => error = Some(self.failed(why)),
                Ok(Told {
                    news: News::Piece(_),
                    ..
                })
                | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    error = Some(self.failed("a line broke. This is a bug"));
                }
            }
            calls.tend();
            self.tend();
        }
        match error {
            None => Ok(calls.into_outputs()),
            Some(error) => {
                calls.cancel();
                Err(error)
            }
        }
    }

    fn tend(&self) {
        self.sequences
            .values()
            .for_each(|sequence| sequence.watch.tend());
    }
}

fn question(ask: &Ask, input: &Encoded, stream: bool) -> Option<Question> {
    match (ask, input) {
        (Ask::Transcribe(options), Encoded::Audio(samples)) => Some(Question::Transcription {
            samples: Arc::clone(samples),
            options: options.clone(),
        }),
        (Ask::Generate(options), Encoded::Text(text)) => Some(Question::Chat {
            messages: vec![ChatMessage {
                role: ChatRole::User,
                content: text.clone(),
            }],
            options: options.clone(),
            stream,
        }),
        (Ask::Generate(options), Encoded::Chat(messages)) => Some(Question::Chat {
            messages: messages.clone(),
            options: options.clone(),
            stream,
        }),
        _ => None,
    }
}

impl Backend for OpenAi {
    fn version(&self) -> &str {
        &self.version
    }

    fn skills(&self) -> &[Skill] {
        &SKILLS
    }

    fn encoder(&self) -> Encoder {
        Arc::new(|_, input| Ok(Encoded::as_it_is(input)))
    }

    fn answer(&mut self, ask: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        let questions = self.questions(ask, inputs)?;
        self.ask_all(questions)
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn n_sequences(&self) -> usize {
        self.client.settings.connections.max(1)
    }

    fn begin(&mut self, id: SequenceId, ask: &Ask, input: &Encoded) -> Result<(), BackendError> {
        let question = question(ask, input, true)
            .filter(|question| matches!(question, Question::Chat { .. }))
            .ok_or_else(|| BackendError::wrong_input(&self.version, ask))?;
        let asked = self.lines.ask(question, &self.tell);
        let (number, watch) =
            asked.map_err(|error| self.failed(format!("no thread can be started: {error}")))?;
        self.sequences.insert(number, Sequence { id, watch });
        Ok(())
    }

    /// Says what came since; waits a little if nothing did.
    fn step(&mut self) -> Result<Vec<(SequenceId, SequenceStep)>, BackendError> {
        self.tend();
        let mut steps = Vec::new();
        let first = self.news.recv_timeout(TEND_EVERY).into_iter();
        for told in first.chain(self.news.try_iter()).collect::<Vec<_>>() {
            // News of a sequence that was given up are none.
            let Some(sequence) = self.sequences.get(&told.number) else {
                continue;
            };
            let id = sequence.id;
            let step = match told.news {
                News::Piece(text) => SequenceStep::Piece(text),
                News::Ended(result) => {
                    self.sequences.remove(&told.number);
                    match result.map(|answered| answered.outputs.into_iter().next()) {
                        Ok(Some(output)) => SequenceStep::Done(output),
                        Ok(None) => SequenceStep::Failed(self.failed("it gave no text")),
                        Err(error) => SequenceStep::Failed(self.failed(error)),
                    }
                }
            };
            steps.push((id, step));
        }
        Ok(steps)
    }

    fn end(&mut self, id: SequenceId) {
        self.sequences.retain(|_, sequence| {
            if sequence.id == id {
                sequence.watch.cancel();
            }
            sequence.id != id
        });
    }
}

impl Drop for OpenAi {
    fn drop(&mut self) {
        self.sequences
            .values()
            .for_each(|sequence| sequence.watch.cancel());
    }
}

/// The calls of one batch.
#[derive(Default)]
struct Calls {
    n_open: usize,
    calls: BTreeMap<u64, (Arc<Watch>, Option<Vec<Output>>)>,
}

impl Calls {
    fn add(&mut self, number: u64, watch: Arc<Watch>) {
        self.n_open += 1;
        self.calls.insert(number, (watch, None));
    }

    fn settle(&mut self, number: u64, outputs: Vec<Output>) {
        if let Some((_, slot)) = self.calls.get_mut(&number)
            && slot.replace(outputs).is_none()
        {
            self.n_open -= 1;
        }
    }

    fn tend(&self) {
        self.calls.values().for_each(|(watch, _)| watch.tend());
    }

    fn cancel(&self) {
        self.calls.values().for_each(|(watch, _)| watch.cancel());
    }

    fn into_outputs(self) -> Vec<Output> {
        self.calls
            .into_values()
            .filter_map(|(_, outputs)| outputs)
            .flatten()
            .collect()
    }
}
