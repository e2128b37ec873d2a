//! The bench: `cargo run --release -p kinmesh-tests --bin bench`. Prints a table, then one JSON object.

use std::process::ExitCode;

fn main() -> ExitCode {
    kinmesh_tests::bench::main()
}
