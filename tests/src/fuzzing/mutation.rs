//! Mutated inputs for runs without a fuzzer.
//!
//! Far from a fuzzer's search: it keeps what the corpus holds, and what lies a few changes beside it, tried with each run
//! of the tests. Same draw, same inputs.

use kinmesh_protocol::base::Draw;

/// Bytes that mean something to one format or another.
const TELLING: [&[u8]; 14] = [
    b"\0",
    b"\n",
    b" ",
    b"-",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xe2\x80\xae",
    b"\xcc\x81",
    b"\xd8\xb9\xd8\xa8\xd8\xaf ",
    b"abd al ",
    b"0000-00-00",
    b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x9f",
];
/// Most changes to one input.
const CHANGES: u64 = 6;

/// A changed copy of one of the inputs, at most as long as said. Empty inputs are allowed, an empty list is not.
pub fn mutated(inputs: &[Vec<u8>], most_bytes: usize, draw: &mut Draw) -> Vec<u8> {
    let mut bytes = pick(inputs, draw).clone();
    for _ in 0..=draw.below(CHANGES) {
        change(&mut bytes, inputs, draw);
    }
    bytes.truncate(most_bytes);
    bytes
}

fn change(bytes: &mut Vec<u8>, inputs: &[Vec<u8>], draw: &mut Draw) {
    let start = draw.below(bytes.len() as u64 + 1) as usize;
    let end = (start + draw.below(24) as usize).min(bytes.len());
    match draw.below(6) {
        0 => drop(bytes.drain(start..end)),
        1 => drop(bytes.splice(start..start, pick(&TELLING, draw).iter().copied())),
        2 => {
            let piece = bytes[start..end].to_vec();
            let times = draw.below(40) as usize;
            bytes.splice(start..start, piece.repeat(times));
        }
        3 => {
            let other = pick(inputs, draw);
            let from = draw.below(other.len() as u64 + 1) as usize;
            bytes.splice(start..end, other[from..].iter().copied());
        }
        4 => bytes[start..end].reverse(),
        _ => bytes[start..end].iter_mut().for_each(|byte| *byte ^= 1 << draw.below(8)),
    }
}

fn pick<'a, T>(list: &'a [T], draw: &mut Draw) -> &'a T {
    &list[draw.below(list.len() as u64) as usize]
}
