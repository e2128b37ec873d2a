//! What is tried with arbitrary bytes beside `fuzzing`: files that an operator gives to the node.
//!
//! They stand apart because they need the whole node, which is slow to build with a sanitizer; `tests/tests/fuzz.rs` runs
//! them as it runs the others, over corpora in the same folder, and libFuzzer does not.

use std::io::Cursor;

use kinmesh_node::exchange::{self, Enrolment, PeopleFile, key_request, revocation};

use crate::fuzzing::Target;

/// Bad rows that one file may have in a run: a row is at least a byte.
const MOST_ROWS: usize = 100_000;

/// The targets.
pub const TARGETS: [Target; 4] = [
    Target { name: "people_file", run: people, most_bytes: 8_192, inputs: 500 },
    Target { name: "enrolment", run: enrolment, most_bytes: 8_192, inputs: 300 },
    Target { name: "printed_paper", run: printed, most_bytes: 8_192, inputs: 500 },
    Target { name: "form_file", run: forms, most_bytes: 8_192, inputs: 300 },
];

fn people(input: &[u8]) {
    let Ok(mut file) = PeopleFile::open(Cursor::new(input)) else { return };
    let mut rows = 0;
    while let Ok(Some(_)) = file.read() {
        rows += 1;
        assert!(rows <= MOST_ROWS, "the file does not end");
    }
}

fn enrolment(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok(enrolment) = Enrolment::parse(text) {
        let again = Enrolment::parse(&enrolment.to_text());
        assert!(again.is_ok_and(|again| again.fingerprint() == enrolment.fingerprint()));
    }
}

fn printed(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let _revocation = revocation::parse(text);
    let _request = key_request::parse(text);
}

fn forms(input: &[u8]) {
    let _person = exchange::person_form(Cursor::new(input));
    let _case = exchange::case_form(Cursor::new(input));
}
