//! Reads what a fuzzer made up, and aborts if a reader takes more than eight times the file for it.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
};

use workloads::{
    Format, ReadOptions, ScheduleFile, ToolGraph, Trace, TraceFormat, Workload, read_instance,
};

/// How much a reader may take beside eight times the file: machines, messages, tables of names.
const SMALL: usize = 16 << 10;

/// Counts what is allocated.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all memory comes from the system's allocator; only numbers are kept beside.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads text; what is no text is for the callers of readers to refuse. `reader` says whether it
/// refused the text.
fn check(data: &[u8], reader: impl FnOnce(&str) -> bool) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let is_refused = reader(text);
    let taken = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    let most = 8 * text.len() + SMALL;
    assert!(
        !is_refused || taken <= most,
        "{taken} bytes taken, at most {most} may be"
    );
}

/// Reads an instance.
pub fn instance(data: &[u8], format: Format) {
    let options = ReadOptions {
        processors: Some(4),
        ..ReadOptions::default()
    };
    check(data, |text| {
        read_instance(text, format, "", &options).is_err()
    });
}

/// Reads a trace to its end; requests are not kept.
pub fn trace(data: &[u8], format: TraceFormat) {
    check(data, |text| {
        Trace::new(text.as_bytes(), format).any(|request| request.is_err())
    });
}

/// Reads a graph of tools.
pub fn tool_graph(data: &[u8]) {
    check(data, |text| ToolGraph::read(text).is_err());
}

/// Reads a workload.
pub fn workload(data: &[u8]) {
    check(data, |text| Workload::read(text).is_err());
}

/// Reads a schedule of a small instance.
pub fn schedule(data: &[u8]) {
    let shop = "2 3 1.5\n2 1 1 5 2 2 4 3 6\n1 1 3 7\n";
    let shop = read_instance(shop, Format::Fjsp, "", &ReadOptions::default());
    let shop = shop.expect("the shop is well-formed");
    check(data, |text| ScheduleFile::read(text, &shop).is_err());
}
