//! Reads benchmark instances, traces and workloads, and schedules that other programs wrote.
