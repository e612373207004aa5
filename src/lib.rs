//! Diorama's command line: puts the plugins together, with a window and without.
//!
//! [`main`] parses the command line and hands over to one module for each command; `session` holds
//! what `open` and `run` share.

mod bench;
mod check;
mod cli;
mod conclude;
#[cfg(feature = "desktop")]
mod desktop;
mod doctor;
mod duration;
mod error;
mod fidelity;
mod headless;
mod interrupt;
mod logging;
mod memory;
mod models;
mod plan;
mod profiles;
mod replay;
mod report;
mod scene_run;
mod session;
mod threads;
mod whatif;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    cli::{Cli, Command},
    error::AppError,
};

/// Does what the command line says; the exit codes are those of `diorama --help`.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&error);
            error.exit_code()
        }
    }
}

fn dispatch(cli: Cli) -> Result<(), AppError> {
    match cli.command {
        None => open(None),
        Some(Command::Open(mut args)) => {
            let usual = threads::beside_a_window;
            args.options.threads.get_or_insert_with(usual);
            open(Some(&args))
        }
        Some(Command::Run(args)) => headless::run(&args),
        Some(Command::Check(args)) => check::check(&args),
        Some(Command::Replay(args)) => replay::replay(&args),
        Some(Command::Plan(args)) => plan::plan(&args),
        Some(Command::CheckPlan(args)) => plan::check_plan(&args),
        Some(Command::Bench(args)) => bench::bench(&args),
        Some(Command::Whatif(args)) => whatif::whatif(&args),
        Some(Command::Models(args)) => models::command(&args),
        Some(Command::Fidelity(args)) => fidelity::fidelity(&args),
        Some(Command::Doctor(args)) => doctor::doctor(&args),
    }
}

#[cfg(feature = "desktop")]
fn open(args: Option<&cli::OpenArgs>) -> Result<(), AppError> {
    desktop::open(args)
}

#[cfg(not(feature = "desktop"))]
fn open(_: Option<&cli::OpenArgs>) -> Result<(), AppError> {
    Err(AppError::NoDesktop)
}
