//! Calibration against models whose cost is known.

use std::{
    collections::BTreeSet,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use inference::{
    Ask, Backend, BackendError, CalibrateError, Cell, Encoded, Encoder, Grid, Input, Machine,
    Measured, Output, Profile, ReplicaSetup, Skill, Subject, measure, shipped, shipped_named,
};

/// Takes 2 ms, 0.1 ms an input and 20 µs a token, by sleeping.
struct Sleeper;

impl Backend for Sleeper {
    fn version(&self) -> &str {
        "sleeper@1"
    }

    fn skills(&self) -> &[Skill] {
        &[Skill::Embed]
    }

    fn encoder(&self) -> Encoder {
        Arc::new(|_: &Ask, input: &Input| {
            let Input::Text(text) = input else {
                return Ok(Encoded::Text(String::new()));
            };
            Ok(Encoded::Ids(vec![0; text.split(' ').count() + 2]))
        })
    }

    #[expect(clippy::disallowed_methods, reason = "it takes time by the clock")]
    fn answer(&mut self, _: &Ask, inputs: &[&Encoded]) -> Result<Vec<Output>, BackendError> {
        let tokens: u32 = inputs.iter().map(|input| input.tokens()).sum();
        let until = Instant::now()
            + Duration::from_micros(2_000 + 100 * inputs.len() as u64 + 20 * u64::from(tokens));
        while Instant::now() < until {
            thread::sleep(until - Instant::now());
        }
        Ok(vec![Output::Embedding(vec![1.0]); inputs.len()])
    }
}

fn sleeper(name: String) -> ReplicaSetup {
    ReplicaSetup {
        name,
        make: Arc::new(|| Ok(Box::new(Sleeper))),
    }
}

fn grid() -> Grid {
    Grid {
        batches: vec![1, 4, 16],
        lengths: vec![8, 32],
        n_times: 3,
        n_warm_up: 1,
        ..Grid::usual(Skill::Embed)
    }
}

fn subject() -> Subject {
    Subject {
        model: "sleeper@1".to_owned(),
        skill: Skill::Embed,
        precision: "f32".to_owned(),
        machine: Machine::this(1),
        replicas: 1,
    }
}

#[test]
fn every_batch_of_the_grid_is_measured_and_counted_in_the_models_own_tokens() {
    let mut rounds = Vec::new();
    let measured = measure(sleeper, Skill::Embed, &grid(), |round, of| {
        rounds.push((round, of));
        true
    })
    .unwrap();
    let cells = &measured.cells;
    let sizes: Vec<_> = cells.iter().map(|cell| (cell.batch, cell.tokens)).collect();
    assert_eq!(
        sizes,
        [(1, 8), (1, 32), (4, 32), (4, 128), (16, 128), (16, 512)]
    );
    assert!(cells.iter().all(|cell| cell.secs.len() == 3));
    assert!(cells.iter().all(|cell| cell.median() >= 0.002));
    // Once to warm up and three times; then again what is too large for one pass.
    let n_large = cells
        .iter()
        .filter(|cell| cell.tokens > measured.token_budget.into());
    assert_eq!(rounds.len(), 4 * 6 + 3 * n_large.count());
    assert!(rounds.iter().all(|(round, of)| round < of && *of == 7));
    let profile = Profile::of(subject(), &grid(), &measured).unwrap();
    assert_eq!(profile.model, "sleeper@1");
    assert_eq!(Profile::parse(&profile.to_ron()).unwrap(), profile);
}

#[test]
fn a_profile_says_of_batches_what_they_were_made_of() {
    let mut cells = Vec::new();
    for (batch, length) in [(1, 8), (1, 64), (8, 8), (8, 64), (32, 16)] {
        let tokens = u64::from(batch * length);
        let secs = 2e-3 + 1e-4 * f64::from(batch) + 2e-5 * tokens as f64;
        cells.push(Cell {
            batch,
            length,
            output: 0,
            at_once: 1,
            tokens,
            output_tokens: 0,
            secs: vec![secs, secs, secs * 9.0],
            outliers: vec![false, false, true],
        });
    }
    let measured = Measured {
        cells,
        token_budget: 0,
    };
    let profile = Profile::of(subject(), &grid(), &measured).unwrap();
    for cell in &measured.cells {
        let off = profile.predicted_secs(cell) / cell.median() - 1.0;
        assert!(off.abs() < 1e-6, "{off}");
    }
    assert!((profile.latency.per_token_secs - 2e-5).abs() < 1e-10);
    assert!((profile.outlier_share - 1.0 / 3.0).abs() < 1e-9);
}

#[test]
fn a_profile_is_kept_beside_the_model_and_found_again() {
    let store = tempfile::tempdir().unwrap();
    let measured = measure(sleeper, Skill::Embed, &grid(), |_, _| true).unwrap();
    let profile = Profile::of(subject(), &grid(), &measured).unwrap();
    let path = profile.keep(store.path()).unwrap();
    assert!(path.starts_with(store.path()));
    let kept = |skill, threads, replicas| {
        let subject = Subject {
            skill,
            machine: Machine::this(threads),
            replicas,
            ..subject()
        };
        Profile::kept(store.path(), &subject)
    };
    assert_eq!(kept(Skill::Embed, 1, 1), Ok(Some(profile.clone())));
    assert_eq!(kept(Skill::Embed, 2, 1), Ok(None));
    assert_eq!(kept(Skill::Tag, 1, 1), Ok(None));
    // What is measured on a card lies beside it.
    let card = |name: &str| Machine {
        cpu: name.to_owned(),
        instruction_set: "CUDA".to_owned(),
        ..Machine::this(1)
    };
    let on_card = Profile {
        machine: card("Card One"),
        ..profile.clone()
    };
    on_card.keep(store.path()).unwrap();
    for (name, expected) in [("Card One", Some(&on_card)), ("Card Two", None)] {
        let subject = Subject {
            machine: card(name),
            ..subject()
        };
        let kept = Profile::kept(store.path(), &subject).unwrap();
        assert_eq!(kept.as_ref(), expected);
    }
    assert_eq!(kept(Skill::Embed, 1, 1), Ok(Some(profile.clone())));
    let busy = Profile {
        replicas: 4,
        ..profile.clone()
    };
    busy.keep(store.path()).unwrap();
    assert_ne!(busy.hash(), profile.hash());
    for (replicas, closest) in [(1, &profile), (2, &profile), (3, &busy), (9, &busy)] {
        assert_eq!(
            kept(Skill::Embed, 1, replicas).unwrap().as_ref(),
            Some(closest)
        );
    }
    std::fs::write(&path, "(name: 3)").unwrap();
    let error = kept(Skill::Embed, 1, 1).unwrap_err();
    assert_eq!(error.path, path);
}

#[test]
fn replicas_are_measured_one_by_one_and_at_once() {
    let grid = Grid {
        replicas: 3,
        ..grid()
    };
    let measured = measure(sleeper, Skill::Embed, &grid, |_, _| true).unwrap();
    let cells = measured.cells;
    let kinds: Vec<_> = cells[..2]
        .iter()
        .map(|cell| (cell.tokens, cell.at_once))
        .collect();
    assert_eq!(kinds, [(8, 1), (8, 3)]);
    let is_whole = |cell: &Cell| cell.secs.len() == 3 * cell.at_once as usize;
    assert!(cells.iter().all(is_whole));
    assert!(cells.iter().all(|cell| cell.median() >= 0.002));
}

#[test]
fn what_cannot_be_measured_is_told() {
    let none = Grid {
        batches: Vec::new(),
        ..grid()
    };
    let nothing = measure(sleeper, Skill::Embed, &none, |_, _| true);
    assert!(matches!(nothing, Err(CalibrateError::Nothing)));
    let unskilled = measure(sleeper, Skill::Tag, &grid(), |_, _| true);
    assert!(matches!(unskilled, Err(CalibrateError::Failed(_))));
    let given_up = measure(sleeper, Skill::Embed, &grid(), |round, _| round == 0);
    assert!(matches!(given_up, Err(CalibrateError::Interrupted)));
}

#[test]
fn shipped_profiles_say_where_they_were_measured() {
    let mut names = BTreeSet::new();
    for profile in shipped() {
        assert!(names.insert(profile.name.clone()), "{profile:?}");
        assert_eq!(shipped_named(&profile.name).as_ref(), Some(&profile));
        assert!(!profile.machine.instruction_set.is_empty(), "{profile:?}");
        assert!(!profile.machine.cpu.is_empty(), "{profile:?}");
        assert!(profile.machine.threads > 0, "{profile:?}");
        assert_eq!(profile.measured.len(), "2026-01-01".len(), "{profile:?}");
        assert!(profile.how.contains("times"), "{profile:?}");
        assert!(
            profile.latency.per_token_secs + profile.per_step_secs > 0.0,
            "{profile:?}"
        );
    }
}
