//! The table of targets.

use super::{bodies, envelopes, papers, raw_record, sets};

/// Something that takes bytes from outside.
pub struct Target {
    /// Name of the target, of its corpus folder and of its program.
    pub name: &'static str,
    /// Panics where the input breaks what must always hold.
    pub run: fn(&[u8]),
    /// Longest input that is worth trying, in bytes.
    pub most_bytes: usize,
    /// Mutated inputs in an ordinary run of the tests: fewer where one takes long.
    pub inputs: u64,
}

const fn target(name: &'static str, run: fn(&[u8]), most_bytes: usize, inputs: u64) -> Target {
    Target { name, run, most_bytes, inputs }
}

/// All targets.
pub const TARGETS: [Target; 10] = [
    target("raw_record", raw_record::run, 8_192, 1_000),
    target("item", envelopes::item, 40_000, 1_000),
    target("signed_body", envelopes::signed, 8_192, 300),
    target("sealed_cell", envelopes::sealed, 20_000, 50),
    target("body", bodies::body, 40_000, 1_500),
    target("canonical", bodies::canonical, 8_192, 2_000),
    target("segment", sets::segment, 40_000, 1_000),
    target("bundle", papers::bundle, 40_000, 1_000),
    target("custodians", papers::custodians, 20_000, 300),
    target("typed", papers::typed, 1_024, 2_000),
];

/// Runs a target by its name.
///
/// # Panics
/// Where the input breaks what must always hold, and where no target has the name.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("no target {name}"));
    (target.run)(input);
}
