//! The threads that talk to a server: a stated number, each with a connection of its own.

use std::{io, sync::Arc, thread};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::{
    call::{Answered, Question},
    client::Client,
    error::RemoteError,
    watch::Watch,
};

/// A question on its way to a line.
pub(crate) struct Asked {
    pub(crate) number: u64,
    pub(crate) question: Question,
    pub(crate) watch: Arc<Watch>,
    pub(crate) tell: Sender<Told>,
}

/// What a line says of a question.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) number: u64,
    pub(crate) news: News,
}

/// More of an answer, or its end.
#[derive(Debug)]
pub(crate) enum News {
    /// More text.
    Piece(String),
    /// The answer is whole, or there is none.
    Ended(Result<Answered, RemoteError>),
}

/// The lines. Each is opened when all others are busy.
///
/// Dropping them ends their threads after what they are at; whoever asked cancels that.
#[derive(Debug)]
pub(crate) struct Lines {
    client: Arc<Client>,
    questions: Sender<Asked>,
    waiting: Receiver<Asked>,
    n_open: usize,
    next: u64,
}

impl Lines {
    pub(crate) fn new(client: Arc<Client>) -> Self {
        let (questions, waiting) = unbounded();
        Self {
            client,
            questions,
            waiting,
            n_open: 0,
            next: 0,
        }
    }

    /// Asks; the answer comes through `tell` under the number that this gives back.
    pub(crate) fn ask(
        &mut self,
        question: Question,
        tell: &Sender<Told>,
    ) -> io::Result<(u64, Arc<Watch>)> {
        if self.n_open < self.client.settings.connections.max(1) {
            self.open()?;
        }
        let number = self.next;
        self.next += 1;
        let watch = Arc::new(Watch::new(self.client.settings.patience));
        let asked = Asked {
            number,
            question,
            watch: Arc::clone(&watch),
            tell: tell.clone(),
        };
        // The lines live as long as this does.
        self.questions
            .send(asked)
            .map_err(|_| io::Error::other("no line is open"))?;
        Ok((number, watch))
    }

    fn open(&mut self) -> io::Result<()> {
        let client = Arc::clone(&self.client);
        let waiting = self.waiting.clone();
        thread::Builder::new()
            .name(format!("remote {}", self.n_open))
            .spawn(move || serve(&client, &waiting))?;
        self.n_open += 1;
        Ok(())
    }
}

fn serve(client: &Client, waiting: &Receiver<Asked>) {
    let mut agent = client.agent();
    while let Ok(asked) = waiting.recv() {
        let Asked {
            number,
            question,
            watch,
            tell,
        } = asked;
        // Nobody may listen any more; then nothing is lost.
        let say = |news| drop(tell.send(Told { number, news }));
        let result = client.ask(&mut agent, &watch, number, &question, &mut |piece| {
            say(News::Piece(piece));
        });
        say(News::Ended(result));
    }
}
