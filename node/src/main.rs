//! The binary `kinmesh`: one program for societies, caseworkers, custodians and the coordination node.

use std::process::ExitCode;

fn main() -> ExitCode {
    kinmesh_node::main()
}
