//! Fuzzes the reader of workflows.
#![no_main]

use workloads::Format;
use workloads_fuzz::instance;

libfuzzer_sys::fuzz_target!(|data: &[u8]| instance(data, Format::WfFormat));
