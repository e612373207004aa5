//! Starts the Diorama command line.
fn main() {}
