//! Fuzzes the reader of graphs of tools.
#![no_main]

use workloads_fuzz::tool_graph;

libfuzzer_sys::fuzz_target!(|data: &[u8]| tool_graph(data));
