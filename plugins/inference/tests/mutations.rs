//! Breaks headers, manifests and pickles in hundreds of thousands of ways: nothing panics, and nothing
//! takes more memory than four times the file.
#![expect(
    unsafe_code,
    reason = "an allocator that counts cannot be written without"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    fmt::Write as _,
};

use inference::{Catalog, Manifest, check_safetensors, find_pickle};

/// How much may be taken beside four times the file: messages, one node of a tree, tables of names.
const SMALL: usize = 16 << 10;

/// Counts what each thread has allocated.
struct Counting;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn grow(bytes: usize) {
    // A thread that ends has no count any more.
    NOW.try_with(|now| {
        now.set(now.get().wrapping_add(bytes));
        PEAK.try_with(|peak| peak.set(peak.get().max(now.get())))
            .ok();
    })
    .ok();
}

// SAFETY: all memory comes from the system's allocator; only numbers are kept beside.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        NOW.try_with(|now| now.set(now.get().saturating_sub(layout.size())))
            .ok();
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `work` makes of a file of so many bytes, which takes no more memory than four times that.
#[track_caller]
fn frugal<T>(n_bytes: usize, work: impl FnOnce() -> T) -> T {
    let before = NOW.get();
    PEAK.set(before);
    let done = work();
    let peak = PEAK.get().saturating_sub(before);
    assert!(
        peak <= 4 * n_bytes + SMALL,
        "{peak} bytes for a file of {n_bytes}"
    );
    done
}

/// Draws numbers by Knuth's constants for a 64-bit linear congruential generator.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    /// The bytes with a few things wrong, most likely.
    fn mutate(&mut self, sound: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
        let mut bytes = sound.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            let other = self.below(bytes.len() + 1);
            let (from, to) = (at.min(other), at.max(other).min(at.min(other) + 40));
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] = self.below(256) as u8,
                1 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                2 => bytes.truncate(at),
                3 => drop(bytes.drain(from..to)),
                4 => {
                    let piece = bytes[from..to].to_vec();
                    bytes.splice(from..from, piece);
                }
                _ => {
                    let piece = pieces[self.below(pieces.len())];
                    bytes.splice(at..at, piece.iter().copied());
                }
            }
        }
        bytes
    }
}

/// What promises much in JSON and RON, and what ends their words and lists.
const PIECES: &[&[u8]] = &[
    b"0",
    b"-1",
    b"18446744073709551615",
    b"4294967296",
    b"1e308",
    b"nan",
    b"[",
    b"]",
    b"{",
    b"}",
    b"(",
    b")",
    b"\"",
    b",",
    b":",
    b"\\",
    b"\\u0000",
    b"__metadata__",
    b"[[[[[[[[",
    b"(((((((",
    b"Some(",
    b"\xff",
    b"//",
    b"/*",
    b"\xff\xff\x7f\x00\x00\x00\x00\x00",
];

fn safetensors(header: &str, n_data: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.resize(file.len() + n_data, 7);
    file
}

#[test]
fn mutated_headers_of_safetensors() {
    let header = r#"{"__metadata__":{"format":"pt"},
        "b.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
        "a":{"dtype":"I64","shape":[],"data_offsets":[24,32]},
        "c":{"dtype":"BF16","shape":[4],"data_offsets":[32,40]}}"#;
    let sound = safetensors(header, 40);
    assert_eq!(check_safetensors(&sound), Ok(()));
    let mut draws = Draws(1);
    let mut n_sound = 0;
    for _ in 0..300_000 {
        let mut file = draws.mutate(&sound, PIECES);
        // Half of them with a length that fits again, so that what is inside gets read.
        if file.len() > 48 && draws.below(2) == 0 {
            let length = file.len() as u64 - 48;
            file[..8].copy_from_slice(&length.to_le_bytes());
        }
        n_sound += usize::from(frugal(file.len(), || check_safetensors(&file)).is_ok());
    }
    assert!(n_sound < 30_000, "{n_sound} passed");
}

#[test]
fn headers_that_promise_much_take_little() {
    let mut metadata = String::from("{\"__metadata__\":{");
    let mut tensors = String::from("{");
    let mut names = String::from("{");
    for n in 0..100_000 {
        write!(metadata, "\"{n}\":\"\",").unwrap();
        write!(
            tensors,
            r#""{n}":{{"dtype":"U8","shape":[],"data_offsets":[{n},{}]}},"#,
            n + 1
        )
        .unwrap();
        write!(names, "\"{n}\":[],").unwrap();
    }
    let sound = tensors
        .split_inclusive("},")
        .take(65_536)
        .collect::<String>();
    let sound = format!("{}}}", sound.trim_end_matches(','));
    assert_eq!(check_safetensors(&safetensors(&sound, 65_536)), Ok(()));
    let shape = format!(
        r#"{{"a":{{"dtype":"U8","shape":[{}0],"data_offsets":[0,0]}}}}"#,
        "0,".repeat(1 << 20)
    );
    for header in [
        metadata.clone() + "\"x\":\"\"}}",
        tensors + "}",
        names + "}",
        metadata,
        sound,
        shape,
        "[".repeat(1 << 20),
        "{\"a\":".repeat(1 << 18),
        format!("{{\"__metadata__\":{}", "{\"a\":".repeat(1 << 18)),
        format!("{{\"{}\":1}}", "a".repeat(1 << 20)),
    ] {
        let file = safetensors(&header, 0);
        drop(frugal(file.len(), || check_safetensors(&file)));
    }
    let claims = [&u64::MAX.to_le_bytes()[..], &(8u64 << 20).to_le_bytes()];
    for claim in claims {
        frugal(8, || check_safetensors(claim)).unwrap_err();
    }
}

#[test]
fn mutated_manifests() {
    let catalog = Catalog::built_in();
    let texts: Vec<_> = catalog.models().iter().map(Manifest::to_ron).collect();
    let mut draws = Draws(2);
    for n in 0..60_000 {
        let bytes = draws.mutate(texts[n % texts.len()].as_bytes(), PIECES);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Ok(manifest) = frugal(text.len(), || Manifest::parse(&text)) {
            // What passes leads nowhere out of the store, and is written as it was read.
            assert!(!manifest.name.contains(['/', '\\']) && !manifest.name.starts_with('.'));
            assert!(
                manifest
                    .files
                    .iter()
                    .all(|file| !file.name.contains(['/', '\\']))
            );
            assert_eq!(Manifest::parse(&manifest.to_ron()), Ok(manifest));
        }
    }
    let long = " ".repeat((1 << 20) + 1);
    assert!(
        Manifest::parse(&long)
            .unwrap_err()
            .contains("at most 1048576")
    );
}

#[test]
fn pickles_stay_pickles_whatever_follows() {
    let bare: &[&[u8]] = &[
        b"\x80\x02}q\x00.",
        b"\x80\x05\x95\x00\x00",
        b"PK\x03\x04\x00\x00a/data.pkl",
    ];
    let mut draws = Draws(3);
    for n in 0..300_000 {
        let head = bare[n % bare.len()];
        let mut file = head.to_vec();
        file.extend(draws.mutate(b"cos\nsystem\n(S'x'\ntR.K\x01U\x04abcd", PIECES));
        let found = frugal(file.len(), || find_pickle(&file, &file, file.len() as u64));
        assert!(found.is_some(), "{file:?}");
        // Anything at all: only that it ends is asked for.
        let any = draws.mutate(&file[head.len()..], PIECES);
        frugal(any.len(), || find_pickle(&any, &any, any.len() as u64));
    }
}
