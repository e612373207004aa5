//! Runs list schedulers, and planners if asked to, on task graphs with communication.
//!
//! `dags --planner genetic --planner annealing --seconds 1 FILE` reads what `peers/dags.py` writes
//! and prints one line of CSV for each instance and schedule: instance,by,makespan,seconds.
//! All schedules are validated.

use std::{
    error::Error,
    fs::File,
    io::BufReader,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Parser as _;
use plan::{
    Budget, Instance, InstanceBuilder, Job, ListName, Mode, Network, Objective, OpId, PlannerName,
    ResourceId, Schedule, Search, validate,
};

/// What to run.
#[derive(clap::Parser)]
struct Args {
    /// The list schedulers; all of them if none is named.
    #[arg(long)]
    list: Vec<ListName>,
    /// The planners, beside the list schedulers.
    #[arg(long)]
    planner: Vec<PlannerName>,
    /// Seconds for each planner and instance.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// How many threads may work.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Where chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The instances.
    file: PathBuf,
}

/// A task graph and the network that it runs on.
#[derive(serde::Deserialize)]
struct Graph {
    name: String,
    /// By task.
    costs: Vec<f64>,
    /// Predecessor, successor, size.
    arcs: Vec<(u32, u32, f64)>,
    /// By node: a task takes its cost over the speed.
    speeds: Vec<f64>,
    /// By pair of nodes: data takes its size over the speed of the link; none within a node.
    links: Vec<Vec<f64>>,
}

impl Graph {
    fn instance(&self) -> Result<Instance, Box<dyn Error>> {
        let mut builder = InstanceBuilder::new(&self.name, self.speeds.len());
        let job = builder.job(Job::default());
        for cost in &self.costs {
            let modes = self.speeds.iter().zip(0..).map(|(speed, at)| Mode {
                resource: ResourceId(at),
                duration: cost / speed,
            });
            builder.operation(job, modes);
        }
        for &(from, to, size) in &self.arcs {
            builder.arc(OpId(from), OpId(to), size);
        }
        builder.network(Network::new(self.speeds.len(), 0.0, |from, to| {
            if from == to {
                f64::INFINITY
            } else {
                self.links[from.index()][to.index()]
            }
        }));
        Ok(builder.build()?)
    }
}

#[expect(clippy::print_stdout, reason = "the table is what it is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let graphs: Vec<Graph> = serde_json::from_reader(BufReader::new(File::open(&args.file)?))?;
    let lists = if args.list.is_empty() {
        ListName::ALL
    } else {
        &args.list
    };
    println!("instance,by,makespan,seconds");
    for graph in &graphs {
        let instance = graph.instance()?;
        let lists = lists.iter().map(|list| {
            let (schedule, secs) = timed(|| list.schedule(&instance));
            (list.name(), schedule, secs)
        });
        let planners = args.planner.iter().map(|planner| {
            let (schedule, secs) = timed(|| search(&args, *planner, &instance));
            (planner.name(), schedule, secs)
        });
        for (name, schedule, secs) in lists.chain(planners) {
            if let Some(violation) = validate(&instance, &schedule).first() {
                return Err(format!("{name} on {}: {violation}", graph.name).into());
            }
            // Whole precision: the makespans are compared to a part in 10⁹.
            println!("{},{name},{:?},{secs:?}", graph.name, schedule.makespan());
        }
    }
    Ok(())
}

fn search(args: &Args, planner: PlannerName, instance: &Instance) -> Schedule {
    let budget = Budget::of_time(Duration::from_secs_f64(args.seconds));
    let search = Search::new(instance, Objective::Makespan, budget)
        .with_threads(args.threads)
        .with_seed(args.seed);
    planner.make().run(&search);
    search.best().map_or_else(Schedule::default, |best| best.1)
}

#[expect(clippy::disallowed_methods, reason = "wall time is what is measured")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed().as_secs_f64())
}
