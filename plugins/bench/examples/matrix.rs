//! Runs a matrix of instances and workloads × policies, list schedulers and planners × seeds, and
//! writes what came of it as CSV while it runs, and as one HTML page at the end.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::{
    collections::BTreeMap, fs, io::Write as _, path::PathBuf, sync::atomic::AtomicBool,
    time::Duration,
};

use bench::{
    CellOptions, Input, Matrix, Runner, Store, build_of_this_program, csv_head, csv_line,
    write_report,
};
use clap::Parser;
use plan::Objective;
use workloads::ReadOptions;

/// Runs each cell once; a second go in the same folder goes on where the first ended.
#[derive(Parser)]
struct Cli {
    /// Instances (FJSP, FAJSP, JSP, HFSP, STG, workflows) and workloads (RON).
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// Online policies, with commas between; or `all`.
    #[arg(long, default_value = "")]
    policy: String,
    /// List schedulers, or `all`.
    #[arg(long, default_value = "heft")]
    list: String,
    /// Planners, or `all`.
    #[arg(long, default_value = "portfolio")]
    planner: String,
    /// What planners make small.
    #[arg(long, default_value = "makespan")]
    objective: Objective,
    /// Seeds are 1 to this.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Seconds of each search.
    #[arg(long, default_value_t = 2.0)]
    budget: f64,
    /// Threads in all, and for each search.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Processors, for STG.
    #[arg(long)]
    processors: Option<u32>,
    /// The folder for `cells.jsonl`, `results.csv` and `report.html`.
    #[arg(long, default_value = "diorama-out/bench")]
    out: PathBuf,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cli = Cli::parse();
    let options = ReadOptions {
        processors: cli.processors,
        ..ReadOptions::default()
    };
    let read = cli.inputs.iter().map(|path| Input::read(path, &options));
    let runners = [
        Runner::policies(&cli.policy)?,
        Runner::lists(&cli.list)?,
        Runner::planners(&cli.planner)?,
    ];
    let matrix = Matrix {
        inputs: read.collect::<Result<_, _>>()?,
        runners: runners.concat(),
        seeds: (1..=cli.seeds).collect(),
        options: CellOptions {
            objective: cli.objective,
            budget: Duration::try_from_secs_f64(cli.budget)?,
            threads: cli.threads,
        },
        build: build_of_this_program()?,
    };
    let mut store = Store::open(&cli.out)?;
    let mut csv = fs::File::create(cli.out.join("results.csv"))?;
    csv.write_all(csv_head().as_bytes())?;
    for record in matrix.records(&store) {
        csv.write_all(csv_line(&record).as_bytes())?;
    }
    let mut written = Ok(());
    let stop = AtomicBool::new(false);
    let whole = matrix.run(&mut store, cli.threads, &stop, |record, now| {
        println!(
            "{}/{} {} {}",
            now.finished, now.cells, record.input, record.runner
        );
        if written.is_ok() {
            written = csv.write_all(csv_line(record).as_bytes());
        }
    })?;
    written?;
    let report = cli.out.join("report.html");
    write_report(&report, "Matrix", &matrix.records(&store), &BTreeMap::new())?;
    println!(
        "{} of {} cells in {}",
        whole.finished,
        whole.cells,
        cli.out.display()
    );
    Ok(())
}
