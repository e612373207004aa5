//! Measures a model of the user's store on this machine and prints its latency profile, as those in
//! `profiles/` were made: `calibrate NAME [SKILL] [THREADS]`.
#![expect(clippy::print_stdout, reason = "a profile is what it is for")]

use std::{env, sync::atomic::AtomicBool};

use inference::{
    Catalog, Grid, LoadOptions, Machine, Profile, Skill, Store, StoreOptions, Subject, measure,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut words = env::args().skip(1);
    let name = words
        .next()
        .unwrap_or_else(|| "all-minilm-l6-v2".to_owned());
    let wanted = words.next().unwrap_or_else(|| "embed".to_owned());
    let skill = Skill::ALL.into_iter().find(|skill| skill.name() == wanted);
    let skill = skill.ok_or("there is no such skill")?;
    let threads: usize = words.next().map_or(Ok(1), |word| word.parse())?;
    let store = Store::new(Catalog::built_in(), StoreOptions::from_env()?);
    let model = store.load(
        &name,
        LoadOptions {
            n_threads: threads,
            ..LoadOptions::default()
        },
        &mut |_| {},
        &AtomicBool::new(false),
    )?;
    let grid = Grid::usual(skill);
    let measured = measure(|name| model.replica(name), skill, &grid, |_, _| true)?;
    let subject = Subject {
        model: model.version().to_owned(),
        skill,
        precision: "f32".to_owned(),
        machine: Machine::this(threads),
        replicas: grid.replicas,
    };
    let profile = Profile::of(subject, &grid, &measured)?;
    for cell in &measured.cells {
        let (secs, said) = (cell.median(), profile.predicted_secs(cell));
        println!(
            "// {:3} × {:4} ({:5} tokens) {:9.3} ms, fitted {:9.3} ms, {:+.1} %",
            cell.batch,
            cell.length,
            cell.tokens,
            secs * 1e3,
            said * 1e3,
            (said / secs - 1.0) * 100.0
        );
    }
    println!("{}", profile.to_ron());
    Ok(())
}
