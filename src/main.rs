//! Starts the Diorama command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Started anew to run a model from outside, this serves it and never returns.
    inference::serve_if_child();
    diorama::main()
}
