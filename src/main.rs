//! Starts the Diorama command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    diorama::main()
}
