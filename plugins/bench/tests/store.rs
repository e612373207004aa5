//! Tears the store in all the ways a crash can, and opens it again.

use std::fs;

use bench::{Outcome, Record, Store, StoreError};

fn record(n: u64) -> Record {
    Record {
        key: format!("key {n}"),
        input: "in\"put\n".to_owned(),
        runner: "online:fifo".to_owned(),
        options: String::new(),
        seed: n,
        build: "b".to_owned(),
        outcome: Outcome::Failed("no reason".to_owned()),
    }
}

#[test]
fn a_torn_last_line_is_dropped_wherever_it_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let path = Store::path_in(dir.path());
    let mut store = Store::open(dir.path()).unwrap();
    for n in 0..3 {
        store.append(record(n)).unwrap();
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    let starts: Vec<usize> = whole
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at + 1)
        .collect();
    for cut in starts[1]..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let is_whole = cut == whole.len();
        assert_eq!(
            store.records().len(),
            if is_whole { 3 } else { 2 },
            "cut at {cut}"
        );
        assert_eq!(store.holds("key 2"), is_whole);
        store.append(record(7)).unwrap();
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert!(store.holds("key 0") && store.holds("key 7"), "cut at {cut}");
    }
}

#[test]
fn a_line_of_zeros_at_the_end_is_dropped_and_one_in_the_middle_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = Store::path_in(dir.path());
    let mut store = Store::open(dir.path()).unwrap();
    store.append(record(0)).unwrap();
    drop(store);
    let good = fs::read(&path).unwrap();
    let bad = [good.clone(), b"\0\0\0\0\n".to_vec()].concat();
    fs::write(&path, &bad).unwrap();
    assert_eq!(Store::open(dir.path()).unwrap().records().len(), 1);
    fs::write(&path, [bad, good].concat()).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::Corrupt { line: 2, .. }),
        "{error}"
    );
}

#[test]
fn a_whole_line_that_another_version_wrote_is_refused_also_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = Store::path_in(dir.path());
    let mut store = Store::open(dir.path()).unwrap();
    store.append(record(0)).unwrap();
    drop(store);
    let good = fs::read_to_string(&path).unwrap();
    let other = good.replace("\"runner\"", "\"policy\"");
    fs::write(&path, format!("{good}{other}")).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::Corrupt { line: 2, .. }),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{good}{other}"));
}

#[test]
fn two_cannot_write_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Store::open(dir.path()).unwrap();
    assert!(matches!(
        Store::open(dir.path()),
        Err(StoreError::InUse { .. })
    ));
}
