//! Fuzzes the reader of workloads of our own format.
#![no_main]

use workloads_fuzz::workload;

libfuzzer_sys::fuzz_target!(|data: &[u8]| workload(data));
