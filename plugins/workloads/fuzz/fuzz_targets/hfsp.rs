//! Fuzzes the reader of hybrid flow shops.
#![no_main]

use workloads::Format;
use workloads_fuzz::instance;

libfuzzer_sys::fuzz_target!(|data: &[u8]| instance(data, Format::Hfsp));
