//! A model that does what it is told, whatever that does to its process.

use std::{
    fs, hint::black_box, io::Write as _, net::TcpStream, process::Command, sync::Arc,
    thread::sleep, time::Duration,
};

use inference::{
    Ask, Backend, BackendError, Encoded, Encoder, HashedWords, Input, Output, Recipe, SequenceId,
    SequenceStep, Skill,
};

/// A model that does what its texts say.
pub(crate) struct Puppet {
    argument: String,
    sequences: Vec<SequenceId>,
}

impl Puppet {
    fn act(&self, text: &str) -> Result<Output, BackendError> {
        let failed = |why: String| BackendError::Failed {
            model: String::from("puppet"),
            why,
        };
        match text {
            "abort" => std::process::abort(),
            "exit" => std::process::exit(0),
            "panic" => panic!("puppets panic, too"),
            #[cfg(target_os = "linux")]
            // The first only takes away the handler that watches for full stacks.
            "segv" => (0..2).for_each(|_| signal(rustix::process::Signal::SEGV)),
            #[cfg(target_os = "linux")]
            "kill" => signal(rustix::process::Signal::KILL),
            "hang" => loop {
                sleep(Duration::from_secs(1));
            },
            "print" => {
                let line = "x".repeat(1000);
                #[expect(clippy::print_stdout, reason = "a model that prints is what is tested")]
                (0..1000).for_each(|_| println!("{line}"));
            }
            "memory" => drop(black_box(vec![1u8; 1 << 30])),
            "write" => fs::write(&self.argument, "x").map_err(|error| failed(error.to_string()))?,
            "append" => {
                let file = fs::OpenOptions::new().append(true).open(&self.argument);
                file.and_then(|mut file| file.write_all(b"x"))
                    .map_err(|error| failed(error.to_string()))?;
            }
            "read" => drop(fs::read(&self.argument).map_err(|error| failed(error.to_string()))?),
            "passwords" => {
                drop(fs::read("/etc/passwd").map_err(|error| failed(error.to_string()))?);
            }
            "connect" => drop(
                TcpStream::connect(&self.argument).map_err(|error| failed(error.to_string()))?,
            ),
            "start" => {
                let started = Command::new("/bin/true").status();
                started.map_err(|error| failed(error.to_string()))?;
            }
            "environment" => {
                let names: Vec<_> = std::env::vars()
                    .map(|(name, _)| name)
                    .filter(|name| name.contains("HOME") || name.contains("KEY"))
                    .collect();
                return if names.is_empty() {
                    Ok(Output::Embedding(vec![1.0]))
                } else {
                    Err(failed(names.join(" ")))
                };
            }
            "too large" => return Ok(Output::Embedding(vec![0.0; 20 << 20])),
            "refuse" => return Err(failed(String::from("I will not"))),
            _ => {}
        }
        Ok(Output::Embedding(vec![text.len() as f32]))
    }
}

#[cfg(target_os = "linux")]
fn signal(signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::getpid(), signal).unwrap();
}

impl Backend for Puppet {
    fn version(&self) -> &str {
        "puppet@1"
    }

    fn skills(&self) -> &[Skill] {
        &[Skill::Embed, Skill::Generate]
    }

    fn encoder(&self) -> Encoder {
        Arc::new(|_, input| match input {
            Input::Text(text) if text == "encode hang" => loop {
                sleep(Duration::from_secs(1));
            },
            Input::Text(text) if text == "encode panic" => panic!("no such token"),
            Input::Text(text) if text == "encode abort" => std::process::abort(),
            input => Ok(Encoded::as_it_is(input)),
        })
    }

    fn answer(&mut self, _: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        inputs
            .iter()
            .map(|input| match input {
                Encoded::Text(text) => self.act(text),
                Encoded::Audio(samples) => Ok(Output::Embedding(samples.to_vec())),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn n_sequences(&self) -> usize {
        2
    }

    fn begin(&mut self, id: SequenceId, _: &Ask, _: &Encoded) -> Result<(), BackendError> {
        self.sequences.push(id);
        Ok(())
    }

    fn step(&mut self) -> Result<Vec<(SequenceId, SequenceStep)>, BackendError> {
        let step = |id: &SequenceId| (*id, SequenceStep::Piece(id.0.to_string()));
        Ok(self.sequences.iter().map(step).collect())
    }

    fn end(&mut self, id: SequenceId) {
        self.sequences.retain(|other| *other != id);
    }
}

pub(crate) fn make(recipe: &Recipe) -> Option<Result<Box<dyn Backend>, BackendError>> {
    match recipe.maker.as_str() {
        "puppet" => {}
        "hashed-words" => return Some(Ok(Box::new(HashedWords))),
        "panics" => panic!("bad weights"),
        "hangs" => sleep(Duration::from_secs(3600)),
        "refuses" => {
            let (model, file) = (String::from("m"), String::from("f"));
            return Some(Err(BackendError::BadFile {
                model,
                file,
                why: String::from("bad"),
            }));
        }
        _ => return None,
    }
    let argument = recipe.argument.clone();
    Some(Ok(Box::new(Puppet {
        argument,
        sequences: Vec::new(),
    })))
}
