//! The table of targets.

use super::raw_record;

/// Something that takes bytes from outside.
pub struct Target {
    /// Name of the target, of its corpus folder and of its program.
    pub name: &'static str,
    /// Panics where the input breaks what must always hold.
    pub run: fn(&[u8]),
    /// Longest input that is worth trying, in bytes.
    pub most_bytes: usize,
}

/// All targets.
pub const TARGETS: [Target; 1] = [Target { name: "raw_record", run: raw_record::run, most_bytes: 8_192 }];

/// Runs a target by its name.
///
/// # Panics
/// Where the input breaks what must always hold, and where no target has the name.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("no target {name}"));
    (target.run)(input);
}
