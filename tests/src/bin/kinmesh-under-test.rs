//! The program under test, built with the tests, so that a process test never runs a stale one.

use std::process::ExitCode;

fn main() -> ExitCode {
    kinmesh_node::main()
}
