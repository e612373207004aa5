//! Fuzzes the reader of traces of the Azure kind.
#![no_main]

use workloads::TraceFormat;
use workloads_fuzz::trace;

libfuzzer_sys::fuzz_target!(|data: &[u8]| trace(data, TraceFormat::Azure));
