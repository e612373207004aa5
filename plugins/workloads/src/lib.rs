//! Reads benchmark instances, traces and workloads, and schedules that other programs wrote.

mod cursor;
mod error;
mod file;
mod format;
mod instance;
mod json;
mod schedule_file;
mod spots;
mod tool_graph;
mod trace;
mod verdict;
mod workflow;
mod workload;

pub use crate::{
    error::{Problem, ReadError},
    file::{
        FileError, read_instance_file, read_schedule_file, read_text_file, read_trace_file,
        read_workload_file,
    },
    format::{Format, UnknownFormat},
    instance::{ReadOptions, read_instance},
    schedule_file::ScheduleFile,
    tool_graph::{AgentWorkflow, Shape, ToolGraph},
    trace::{Request, Requests, Trace, TraceFormat},
    verdict::Verdict,
    workflow::{Workflow, WorkflowArc, WorkflowMachine, WorkflowTask, read_workflow},
    workload::{Change, ResourceGroup, Workload, WorkloadTask},
};
