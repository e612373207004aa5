//! Experiments: runs matrices of workloads, policies, planners and seeds, and reports on them.
