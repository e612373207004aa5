//! Versions, aliases, canaries and the memory of loaded models, without a command line.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path, sync::atomic::AtomicBool, time::Duration};

use inference::{
    Architecture, Catalog, DeviceChoice, ImportOptions, InUse, Models, Store, StoreError,
    StoreOptions,
};
use tempfile::TempDir;

/// A catalog of built-in models that say how much memory they need.
const CATALOG: &str = "(models: [
    (name: \"a\", skills: [embed], architecture: HashedWords, licence: \"MIT\", limits: (memory_bytes: 40)),
    (name: \"b\", skills: [embed], architecture: HashedWords, licence: \"MIT\", limits: (memory_bytes: 40)),
    (name: \"c\", skills: [embed], architecture: HashedWords, licence: \"MIT\", limits: (memory_bytes: 60)),
])";

fn store(folder: &Path) -> Store {
    Store::new(
        Catalog::parse(CATALOG).unwrap(),
        StoreOptions::at(folder.join("store")),
    )
}

/// Imports a file with one tensor of these bytes, and says its version.
fn import(store: &Store, folder: &Path, data: &[u8]) -> String {
    let n = data.len();
    let header = format!(r#"{{"w":{{"dtype":"U8","shape":[{n}],"data_offsets":[0,{n}]}}}}"#);
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(data);
    let path = folder.join("notes.safetensors");
    fs::write(&path, file).unwrap();
    let options = ImportOptions {
        architecture: Some(Architecture::SileroVad),
        licence: Some(String::from("MIT")),
        ..ImportOptions::default()
    };
    let imported = store.import(&path, &options, &AtomicBool::new(false));
    imported.unwrap().manifest.version()
}

#[test]
fn a_canary_answers_its_share_and_the_same_requests_again() {
    let place = TempDir::new().unwrap();
    let store = store(place.path());
    let (one, two) = (
        import(&store, place.path(), b"one"),
        import(&store, place.path(), b"two"),
    );
    let answered = |key: u64| store.route("notes").unwrap().pick(key).version();
    assert_eq!(answered(1), one);
    let keys = 0..2000u64;
    let mut before = Vec::new();
    for share in [0.1, 0.5, 1.0] {
        store.canary("notes", share).unwrap();
        let route = store.route("notes").unwrap();
        let picked: Vec<_> = keys
            .clone()
            .filter(|key| route.pick(*key).version() == two)
            .collect();
        let found = picked.len() as f64 / 2000.0;
        assert!((found - share).abs() < 0.03, "{found} instead of {share}");
        assert!(before.iter().all(|key| picked.contains(key)));
        before = picked;
    }
    store.canary("notes", 0.0).unwrap();
    assert_eq!(answered(1), one);
    // Who names a version gets it.
    store.canary("notes", 1.0).unwrap();
    let route = store.route(&format!("notes@{one}")).unwrap();
    assert_eq!(route.pick(1).version(), one);
}

#[test]
fn every_promotion_can_be_taken_back() {
    let place = TempDir::new().unwrap();
    let store = store(place.path());
    let versions: Vec<_> = (0..4u8)
        .map(|n| import(&store, place.path(), &[n]))
        .collect();
    let stable = || store.resolve("notes").unwrap().version();
    for version in &versions[1..] {
        store.promote(&format!("notes@{version}")).unwrap();
        assert_eq!(&stable(), version);
    }
    for version in versions[..3].iter().rev() {
        store.rollback("notes").unwrap();
        assert_eq!(&stable(), version);
    }
    let error = store.rollback("notes").unwrap_err();
    assert!(matches!(error, StoreError::State { .. }), "{error}");
    let names = store.known_names();
    assert!(names.contains(&format!("notes@{}", versions[3])));
    assert!(!names.contains(&String::from("notes@candidate")));
}

#[test]
fn files_that_versions_share_are_kept_once_and_removed_last() {
    let place = TempDir::new().unwrap();
    let store = store(place.path());
    let path = place.path().join("notes.safetensors");
    import(&store, place.path(), b"shared");
    let options = ImportOptions {
        architecture: Some(Architecture::SileroVad),
        name: Some(String::from("other")),
        ..ImportOptions::default()
    };
    let cancel = AtomicBool::new(false);
    let other = store.import(&path, &options, &cancel).unwrap();
    let removed = store.remove("notes", true).unwrap();
    assert_eq!(removed.freed_bytes, 0);
    store.verify("other").unwrap();
    let removed = store.remove("other", true).unwrap();
    assert_eq!(removed.freed_bytes, other.manifest.bytes());
}

#[test]
fn a_model_that_knows_no_card_is_loaded_once_and_says_so() {
    let place = TempDir::new().unwrap();
    let models = Models::new(store(place.path()), 50);
    let never = AtomicBool::new(false);
    for (device, says_so) in [(DeviceChoice::Cpu, false), (DeviceChoice::Cuda(0), true)] {
        let (model, missed) = models
            .get_or_on_cpu("a", device, &mut |_| {}, &never)
            .unwrap();
        assert_eq!(model.device(), Some(DeviceChoice::Cpu));
        assert_eq!(missed.is_some(), says_so);
        assert_eq!(model.misses(device), missed);
    }
    assert_eq!(models.loaded().len(), 1);
}

#[test]
fn what_was_used_longest_ago_goes_when_memory_is_short() {
    let place = TempDir::new().unwrap();
    let models = Models::new(store(place.path()), 100);
    let get = |name: &str| -> Result<InUse, StoreError> {
        let cancel = AtomicBool::new(false);
        models.get(name, DeviceChoice::Cpu, &mut |_| {}, &cancel)
    };
    let loaded = || -> Vec<String> {
        let loaded = models.loaded().into_iter();
        loaded.map(|one| one.version).collect()
    };
    drop((get("a").unwrap(), get("b").unwrap()));
    let a = get("a").unwrap();
    assert_eq!(
        (a.took, a.evicted.len()),
        (Duration::ZERO, 0),
        "it was loaded"
    );
    assert_eq!(loaded(), ["a@1", "b@1"]);
    // b was used longer ago, and a is in use.
    assert_eq!(get("c").unwrap().evicted, ["b@1"]);
    assert_eq!(loaded(), ["a@1", "c@1"]);
    let replica = a.replica("one");
    drop(a);
    let c = get("c").unwrap();
    let error = get("b").unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::NoMemory {
                needed: 40,
                in_use: 100,
                budget: 100,
                ..
            }
        ),
        "{error}"
    );
    assert!(!models.unload("a@1"), "a replica of it is left");
    drop(replica);
    assert!(models.unload("a@1"));
    drop(c);
    assert_eq!(get("b").unwrap().evicted.len(), 0);
    assert_eq!(loaded(), ["b@1", "c@1"]);
}
