//! `completion`: the shell's own file, made from the command tree.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::args::Arguments;
use super::context::Context;
use super::errors::CommandError;

/// Prints the completions for a shell.
pub(super) fn print(context: &Context, shell: Shell) -> Result<(), CommandError> {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), "kinmesh", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let value = serde_json::json!({ "shell": shell.to_string(), "script": script });
    context.out.result("kinmesh/completion/1", &value, |_| script.clone())
}
