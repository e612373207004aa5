//! `diorama models distil`: makes a static embedding, one vector a word, out of a model that embeds.

mod taught;

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
use inference::{
    PortOptions, Request, Skill, Store,
    distil::{DistilError, Distilled, Quality, TextSet, distil, quality, teacher_vocabulary},
};
use serde_json::json;

use self::taught::Taught;
use super::{
    ask::skill_of,
    single::{Heard, Next, NoAnswer, Single},
};
use crate::{
    cli::{DistilArgs, LoadArgs},
    error::AppError,
    report,
};

/// Texts of one request to the teacher.
const TEXTS_A_REQUEST: usize = 32;
/// The files that are written.
const FILES: [&str; 2] = ["model.safetensors", "vocab.txt"];

/// Makes the embedding and says how near it comes.
///
/// # Errors
/// If the teacher cannot be had, or a file cannot be read or written.
pub(super) fn command(store: &Store, args: &DistilArgs) -> Result<(), AppError> {
    skill_of(store, &args.teacher, Some(Skill::Embed))?;
    let sets = args.texts.iter().map(|text| read_set(text));
    let sets = sets.collect::<Result<Vec<_>, _>>()?;
    let held = match &args.held {
        Some(path) => read_texts(path)?,
        None => Vec::new(),
    };
    let load = LoadArgs {
        strict_model: true,
        ..args.load
    };
    let single = Single::open(store, &args.teacher, &load, 1, PortOptions::default())?;
    let vocabulary = vocabulary(store, &single, &args.teacher)?;
    let version = single.model().version().to_owned();
    let who = format!("{version} in {}", args.load.precision.name());
    let mut taught = Taught::open(args.taught.as_deref(), who)?;
    let options = args.fit.options();
    let mut failure = None;
    let made = distil(&vocabulary, &sets, &options, &mut |asked| {
        teach(&single, asked, &mut taught).map_err(|error| {
            let why = DistilError::Teacher(error.to_string());
            failure = Some(error);
            why
        })
    });
    if let Some(error) = failure {
        // What has been said so far need not be asked again.
        taught.write()?;
        return Err(error);
    }
    let made = made.map_err(|error| AppError::Checked(format!("{:?}: {error}", args.teacher)))?;
    let reached = measure(&single, &made, &held, &mut taught)?;
    taught.write()?;
    for (name, bytes) in FILES.into_iter().zip([&made.table, &made.vocabulary]) {
        write(&args.out.join(name), bytes)?;
    }
    say(args, &version, &made, reached);
    Ok(())
}

/// The pieces of words that the teacher knows, as its own files list them.
fn vocabulary(store: &Store, single: &Single, name: &str) -> Result<Vec<String>, AppError> {
    let wrong = |why: String| AppError::Usage(format!("{name:?} cannot teach: {why}"));
    let entry = store.resolve(single.model().version())?;
    let tokenizer = entry.tokenizer.as_deref().unwrap_or_default();
    let path = store
        .file(&entry, tokenizer)
        .ok_or_else(|| wrong("it has no tokenizer.json".to_owned()))?;
    let bytes = fs::read(&path).map_err(|cause| io(&path, "read", cause))?;
    teacher_vocabulary(&bytes).map_err(|error| wrong(error.to_string()))
}

fn read_set(text: &str) -> Result<TextSet, AppError> {
    let (path, weight) = match text.rsplit_once('=') {
        Some((path, weight)) => {
            let number = weight.parse::<f32>().ok();
            let number = number.filter(|number| number.is_finite() && *number > 0.0);
            let wrong = || AppError::Usage(format!("{weight:?} is no weight: a number above 0"));
            (path, number.ok_or_else(wrong)?)
        }
        None => (text, 1.0),
    };
    Ok(TextSet {
        texts: read_texts(Path::new(path))?,
        weight,
    })
}

fn read_texts(path: &Path) -> Result<Vec<String>, AppError> {
    let all = fs::read_to_string(path).map_err(|cause| io(path, "read", cause))?;
    let texts = all.lines().filter(|line| !line.trim().is_empty());
    Ok(texts.map(str::to_owned).collect())
}

/// What the teacher says of each text: asked only if it has not been asked before.
fn teach(
    single: &Single,
    asked: &[String],
    taught: &mut Taught,
) -> Result<Vec<Vec<f32>>, AppError> {
    let unknown = taught.unknown(asked);
    let bar = bar(unknown.len());
    let mut groups = unknown.chunks(TEXTS_A_REQUEST);
    let mut failure = None;
    let mut next = || match groups.next() {
        Some(group) => Next::Ask(group.to_vec(), Request::embed(0, group.iter().cloned())),
        None => Next::Nothing,
    };
    single.ask_all(&mut next, &mut |heard| {
        let Heard::End(_, texts, result) = heard else {
            return ControlFlow::Continue(());
        };
        bar.inc(texts.len() as u64);
        match result {
            Ok(replied) => {
                let vectors = replied.answer.outputs.into_iter();
                let vectors = vectors.map(|output| output.embedding().unwrap_or_default());
                taught.learn(texts, vectors);
                ControlFlow::Continue(())
            }
            Err(error) => {
                failure = Some((texts, error));
                ControlFlow::Break(())
            }
        }
    })?;
    bar.finish_and_clear();
    match failure {
        Some((texts, error)) => Err(unanswered(&texts, &error)),
        None => Ok(taught.of(asked)),
    }
}

fn unanswered(texts: &[String], error: &NoAnswer) -> AppError {
    let first = texts.first().map_or("", String::as_str);
    AppError::Unanswered {
        failed: 1,
        asked: 1,
        first: format!("texts from {first:?} on: {error}"),
    }
}

fn bar(n: usize) -> ProgressBar {
    let bar = ProgressBar::hidden();
    if n == 0 {
        return bar;
    }
    bar.set_length(n as u64);
    let style =
        ProgressStyle::with_template("asking the teacher {bar:30} {pos}/{len} texts, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
    } else {
        report::note(&format!("{n} texts to ask the teacher"));
    }
    bar
}

/// How near the embedding comes to its teacher on texts that it was not fitted to.
fn measure(
    single: &Single,
    made: &Distilled,
    held: &[String],
    taught: &mut Taught,
) -> Result<Option<Quality>, AppError> {
    if held.is_empty() {
        return Ok(None);
    }
    let teacher = teach(single, held, taught)?;
    let pupil = made
        .model("distilled")
        .map_err(|error| AppError::Checked(error.to_string()))?;
    let pupil: Vec<Vec<f32>> = held.iter().map(|text| pupil.embed(text)).collect();
    Ok(Some(quality(&pupil, &teacher)))
}

/// Puts a file in its place when it is whole.
fn write(path: &Path, bytes: &[u8]) -> Result<(), AppError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|cause| io(folder, "make the folder", cause))?;
    }
    let half = PathBuf::from(format!("{}.half", path.display()));
    fs::write(&half, bytes)
        .and_then(|()| fs::rename(&half, path))
        .map_err(|cause| io(path, "write", cause))
}

fn io(path: &Path, doing: &'static str, cause: std::io::Error) -> AppError {
    AppError::Io {
        path: path.to_owned(),
        doing,
        cause,
    }
}

fn say(args: &DistilArgs, teacher: &str, made: &Distilled, reached: Option<Quality>) {
    let n_bytes = made.table.len() + made.vocabulary.len();
    let [before, after] = made.cosine;
    if args.json {
        let held_out = reached.map(|reached| {
            json!({
                "texts": reached.n_texts,
                "correlation": reached.correlation,
                "nearest": reached.nearest,
            })
        });
        let value = json!({
            "teacher": teacher,
            "out": args.out,
            "bytes": n_bytes,
            "pieces": made.n_pieces,
            "words": made.n_words,
            "texts": made.n_texts,
            "scatter_held": made.held,
            "cosine_before": before,
            "cosine_after": after,
            "held_out": held_out,
        });
        report::print(&format!("{value:#}\n"));
        return;
    }
    let mut text = format!(
        "{}: {} pieces and {} whole words of {teacher}, {n_bytes} bytes\n\
         the dimensions hold {:.1} % of what {} vary in\n",
        args.out.display(),
        made.n_pieces,
        made.n_words,
        100.0 * made.held,
        if made.n_texts > 0 { "texts" } else { "words" },
    );
    if made.n_texts > 0 {
        text += &format!(
            "{} texts: mean cosine to the teacher {before:.3}, after the fit {after:.3}\n",
            made.n_texts
        );
    }
    if let Some(reached) = reached {
        text += &format!(
            "{} held-out texts: correlation with the teacher {:.3}, {:.1} % of its ten nearest found\n",
            reached.n_texts,
            reached.correlation,
            100.0 * reached.nearest
        );
    }
    report::print(&text);
}
