//! One case of the suite: what is held, what is offered, and what must come of it.

use kinmesh_protocol::roster::{Fingerprint, PaceError, Roster, RosterError};

use crate::fixture::{self, OLD, next, signed};

/// What must come of an offered document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It counts from now on.
    Accepted,
    /// It is the one that is held.
    Known,
    /// Refused, with an error of this class (see [`class`]).
    Refused(&'static str),
}

/// What the offered roster is checked against.
#[derive(Clone, Debug)]
pub enum Trust {
    /// A roster that is held, and the names of those who signed it.
    Held(Box<Roster>, Vec<&'static str>),
    /// A fingerprint that an operator typed.
    Typed(Fingerprint),
}

/// A roster case.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    pub trust: Trust,
    pub bytes: Vec<u8>,
    pub expected: Expected,
    /// What a whole node does where that is more than the document shows: its network or profile is another.
    pub node: Option<Expected>,
}

impl Case {
    /// Bytes that are offered to the holder of version 5.
    pub fn new(name: impl Into<String>, expected: Expected, bytes: Vec<u8>) -> Self {
        let trust = Trust::Held(Box::new(fixture::held()), OLD.to_vec());
        Self { name: name.into(), trust, bytes, expected, node: None }
    }

    /// The same offered to the holder of another roster.
    pub fn held(mut self, roster: Roster, signers: &[&'static str]) -> Self {
        self.trust = Trust::Held(Box::new(roster), signers.to_vec());
        self
    }

    /// The same offered to somebody who typed a fingerprint and holds nothing.
    pub fn typed(mut self, fingerprint: Fingerprint) -> Self {
        self.trust = Trust::Typed(fingerprint);
        self
    }

    /// A node says something else.
    pub fn node(mut self, expected: Expected) -> Self {
        self.node = Some(expected);
        self
    }
}

/// One change of version 6, signed by all five.
pub type Change = fn(&mut Roster);

/// Cases that are one change of the roster each.
pub fn changes(rows: &[(&str, Expected, Change)]) -> Vec<Case> {
    let case = |(name, expected, change): &(&str, Expected, Change)| {
        let mut roster = next();
        change(&mut roster);
        Case::new(*name, *expected, signed(&roster, &OLD))
    };
    rows.iter().map(case).collect()
}

/// The class of an error: its variant, with the field where the variant is one for many fields.
pub fn class(error: &RosterError) -> String {
    match error {
        RosterError::Shape(refusal) => format!("Shape {refusal}"),
        RosterError::Member { field, .. } => format!("Member {field}"),
        RosterError::Field(field) => format!("Field {field}"),
        RosterError::Pace(PaceError::Floor { field, .. }) => format!("Floor {field}"),
        RosterError::Pace(PaceError::Order { field }) => format!("Order {field}"),
        RosterError::Pace(PaceError::BagBytes { .. }) => "BagBytes".to_owned(),
        other => format!("{other:?}").split([' ', '(']).next().unwrap_or_default().to_owned(),
    }
}
