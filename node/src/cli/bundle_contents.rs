//! What a bundle holds, counted by what each item shows outside.
//!
//! Read and not verified: whoever made the file could have written anything there. Only kinds, ids, sizes and times are kept.

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_protocol::base::cbor;
use kinmesh_protocol::envelope::{CellKind, Item};
use kinmesh_protocol::roster::{Roster, parse_signed};
use serde_json::{Value, json};

use crate::exchange::bundle_file::BundleFileError;
use crate::exchange::bundle_stream::BundleSource;
use crate::exchange::utc;

/// Items that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) kind: &'static str,
    pub(super) from: String,
    /// None: for everybody.
    pub(super) to: Option<String>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) count: u64,
    pub(super) bytes: u64,
    /// The earliest time at which one was made, Unix seconds.
    pub(super) made: Option<u64>,
    /// The last second in which one is good.
    pub(super) until: Option<u64>,
}

/// A bundle from outside.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) items: u64,
    pub(super) bytes: u64,
    pub(super) cells: u64,
    /// Whom its cells are for.
    pub(super) to: BTreeSet<String>,
    pub(super) groups: BTreeMap<Group, Sums>,
}

impl Contents {
    /// The object for a script.
    pub(super) fn json(&self) -> Value {
        let groups: Vec<Value> = self
            .groups
            .iter()
            .map(|(group, sums)| {
                json!({
                    "kind": group.kind, "from": group.from, "to": group.to, "count": sums.count, "bytes": sums.bytes,
                    "made": sums.made.map(utc), "until": sums.until.map(utc),
                })
            })
            .collect();
        json!({ "items": self.items, "bytes": self.bytes, "cells": self.cells, "groups": groups })
    }

    fn add(&mut self, item: &[u8]) {
        let (group, made, until) = outside(item);
        self.items += 1;
        if let Some(to) = &group.to {
            self.cells += 1;
            self.to.insert(to.clone());
        }
        let sums = self.groups.entry(group).or_default();
        sums.count += 1;
        sums.bytes += item.len() as u64;
        sums.made = [sums.made, made].into_iter().flatten().min();
        sums.until = [sums.until, until].into_iter().flatten().max();
    }
}

/// Reads a bundle to its end.
///
/// # Errors
/// [`BundleFileError`].
pub(super) fn contents(source: &mut BundleSource) -> Result<Contents, BundleFileError> {
    let mut contents = Contents { bytes: source.bytes, ..Contents::default() };
    while let Some(item) = source.next_item()? {
        contents.add(&item);
    }
    Ok(contents)
}

fn outside(item: &[u8]) -> (Group, Option<u64>, Option<u64>) {
    let unknown = || (Group { kind: "unreadable", from: "unknown".to_owned(), to: None }, None, None);
    match Item::parse(item) {
        Ok(Item::Cell(cell)) => match cell.claimed_header() {
            Ok(header) => {
                let kind = match header.kind {
                    CellKind::Bag => "cell bag",
                    CellKind::Eval => "cell eval",
                    CellKind::Set => "cell set",
                };
                let group = Group { kind, from: header.from.to_string(), to: Some(header.to.to_string()) };
                (group, Some(header.created), Some(header.expires))
            }
            Err(_) => unknown(),
        },
        Ok(Item::Message(message)) => match message.claimed_header() {
            Ok(header) => {
                let kind = match header.kind {
                    11 => "timestamp",
                    12 => "key announcement",
                    13 => "self-revocation",
                    _ => "message",
                };
                (Group { kind, from: header.from.to_string(), to: None }, Some(header.created), Some(header.expires))
            }
            Err(_) => unknown(),
        },
        Ok(Item::Roster(bytes)) => {
            let roster = parse_signed(&bytes).ok().and_then(|(payload, _)| cbor::decode::<Roster>(&payload).ok());
            let kind = if roster.is_some() { "roster" } else { "suspension" };
            let (made, until) = roster.map_or((None, None), |roster| (Some(roster.issued), Some(roster.expires)));
            (Group { kind, from: "@custodians".to_owned(), to: None }, made, until)
        }
        Err(_) => unknown(),
    }
}
