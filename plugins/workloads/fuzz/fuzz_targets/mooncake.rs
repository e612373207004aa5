//! Fuzzes the reader of traces of the Mooncake kind.
#![no_main]

use workloads::TraceFormat;
use workloads_fuzz::trace;

libfuzzer_sys::fuzz_target!(|data: &[u8]| trace(data, TraceFormat::Mooncake));
