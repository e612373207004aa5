//! Fuzzes the reader of schedule files.
#![no_main]

use workloads_fuzz::schedule;

libfuzzer_sys::fuzz_target!(|data: &[u8]| schedule(data));
