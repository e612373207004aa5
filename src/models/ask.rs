//! `diorama models ask`: sends what it reads, one request a line, and prints what the model answers.

mod lines;
mod tell;

use std::{
    fs::{self, File},
    io::BufReader,
    path::Path,
    sync::{Arc, mpsc::TryRecvError},
    time::Duration,
};

use inference::{
    Ask, ChatMessage, ChatRole, GenerateOptions, Input, JsonShape, PortOptions, REMOTE_PREFIX,
    Request, Skill, Store, TextShape, TranscribeOptions, WavError, read_wav,
};

use self::{
    lines::{Line, Said},
    tell::Teller,
};
use super::single::{Next, Single};
use crate::{
    cli::{AskArgs, GenerateArgs, TranscribeArgs},
    error::AppError,
    report,
};

/// Sounds that are held in memory at once.
const MOST_SOUNDS: usize = 4;
/// An hour: whoever waits for an answer gives up with Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Asks.
///
/// # Errors
/// If the model cannot be had or the input cannot be read, and if a line has no answer.
pub(super) fn ask(store: &Store, args: &AskArgs) -> Result<(), AppError> {
    let skill = skill_of(store, &args.name, args.skill)?;
    check_options(args, skill)?;
    let ask = ask_for(args, skill)?;
    let hears = skill == Skill::Transcribe;
    let single = Single::open_with_candidate(store, &args.name, &args.load, port_options(hears))?;
    let said = lines::read(&args.input, hears)?;
    let mut teller = Teller::new(args.json);
    let is_streamed = skill == Skill::Generate && !args.json;
    let mut unreadable = None;
    let mut next = || match said.try_recv() {
        Ok(Said::Unreadable(cause)) => {
            unreadable = Some(cause);
            Next::Nothing
        }
        Ok(said) => {
            let (line, input) = input(said, skill, &args.generate);
            match input {
                Ok(input) => {
                    let mut request = Request::new(0, ask.clone(), vec![input]);
                    request.stream = is_streamed;
                    Next::Ask(line, request)
                }
                Err(why) => Next::Wrong(line, why),
            }
        }
        Err(TryRecvError::Empty) => Next::Later,
        Err(TryRecvError::Disconnected) => Next::Nothing,
    };
    single.ask_all(&mut next, &mut |heard| teller.take(heard))?;
    if let Some(cause) = unreadable {
        return Err(AppError::Io {
            path: args.input.clone(),
            doing: "read",
            cause,
        });
    }
    if !args.json {
        report::note(&format!("{}: {}", single.model().version(), teller.sum()));
    }
    teller.result()
}

/// What is asked of a model: what somebody wants, else what it is made for.
///
/// # Errors
/// If there is no such model, or it cannot do that.
pub(super) fn skill_of(
    store: &Store,
    name: &str,
    wanted: Option<Skill>,
) -> Result<Skill, AppError> {
    if name.starts_with(REMOTE_PREFIX) {
        return Ok(wanted.unwrap_or(Skill::Generate));
    }
    let skills = store.resolve(name)?.skills;
    let known = skills.iter().map(|skill| skill.name());
    let known = known.collect::<Vec<_>>().join(" and ");
    match wanted.or(skills.first().copied()) {
        Some(skill) if skills.contains(&skill) => Ok(skill),
        Some(skill) if !skills.is_empty() => Err(AppError::Usage(format!(
            "{name:?} cannot {}; it can {known}",
            skill.name()
        ))),
        _ => Err(AppError::Usage(format!(
            "{name:?} answers nothing itself; it serves other models"
        ))),
    }
}

/// Options of one skill say nothing to another.
fn check_options(args: &AskArgs, skill: Skill) -> Result<(), AppError> {
    for (of, is_given) in [
        (Skill::Generate, args.generate != GenerateArgs::default()),
        (
            Skill::Transcribe,
            args.transcribe != TranscribeArgs::default(),
        ),
    ] {
        if is_given && of != skill {
            return Err(AppError::Usage(format!(
                "options of {} are given, and {:?} is asked to {}",
                of.name(),
                args.name,
                skill.name()
            )));
        }
    }
    Ok(())
}

fn port_options(hears: bool) -> PortOptions {
    let usual = PortOptions {
        pass_limit: PATIENCE,
        ..PortOptions::default()
    };
    if !hears {
        return usual;
    }
    PortOptions {
        queue_len: MOST_SOUNDS,
        // Six hours of sound, which is the longest that is read, are 1.4 GB.
        queue_bytes: usize::MAX / 2,
        ..usual
    }
}

fn ask_for(args: &AskArgs, skill: Skill) -> Result<Ask, AppError> {
    Ok(match skill {
        Skill::Embed => Ask::Embed,
        Skill::Classify => Ask::Classify,
        Skill::Tag => Ask::Tag,
        Skill::Transcribe => Ask::Transcribe(TranscribeOptions {
            language: args.transcribe.language.clone(),
            timestamps: args.transcribe.timestamps,
            beam: args.transcribe.beam.unwrap_or(1).into(),
        }),
        Skill::Generate => Ask::Generate(generate_options(&args.generate)?),
    })
}

fn generate_options(args: &GenerateArgs) -> Result<GenerateOptions, AppError> {
    let usual = GenerateOptions::default();
    let shape = match &args.schema {
        Some(path) => TextShape::Schema(read_schema(path)?),
        None if args.json_output => TextShape::Json,
        None => TextShape::Free,
    };
    Ok(GenerateOptions {
        max_tokens: args.max_tokens.unwrap_or(usual.max_tokens),
        temperature: args.temperature.unwrap_or(usual.temperature),
        top_k: args.top_k.unwrap_or(usual.top_k),
        top_p: args.top_p.unwrap_or(usual.top_p),
        repeat_penalty: args.repeat_penalty.unwrap_or(usual.repeat_penalty),
        seed: args.seed.unwrap_or(usual.seed),
        stop: args.stop.clone(),
        shape,
    })
}

fn read_schema(path: &Path) -> Result<JsonShape, AppError> {
    let bytes = fs::read(path).map_err(|cause| AppError::Io {
        path: path.to_owned(),
        doing: "read",
        cause,
    })?;
    let wrong = |why: String| AppError::Checked(format!("{}: {why}", path.display()));
    let schema = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    JsonShape::from_schema(&schema).map_err(|error| wrong(error.to_string()))
}

/// What a model is given for what was read.
fn input(said: Said, skill: Skill, args: &GenerateArgs) -> (Line, Result<Input, String>) {
    let heard = |sound: Result<Vec<f32>, WavError>| match sound {
        Ok(samples) => Ok(Input::Audio(Arc::from(samples))),
        Err(error) => Err(error.to_string()),
    };
    match said {
        Said::Line(line) => {
            let input = match skill {
                Skill::Transcribe => match File::open(&line.text) {
                    Ok(file) => heard(read_wav(BufReader::new(file))),
                    Err(error) => Err(format!("cannot read {:?}: {error}", line.text)),
                },
                Skill::Generate if !args.raw => Ok(Input::Chat(talk(&line.text, args))),
                _ => Ok(Input::Text(line.text.clone())),
            };
            (line, input)
        }
        Said::Sound(line, bytes) => (line, heard(read_wav(&bytes[..]))),
        Said::Wrong(line, why) => (line, Err(why)),
        Said::Unreadable(_) => unreachable!("it was looked for before. This is a bug."),
    }
}

fn talk(text: &str, args: &GenerateArgs) -> Vec<ChatMessage> {
    let message = |role, content: &str| ChatMessage {
        role,
        content: content.to_owned(),
    };
    let system = args.system.as_deref();
    system
        .map(|system| message(ChatRole::System, system))
        .into_iter()
        .chain([message(ChatRole::User, text)])
        .collect()
}
