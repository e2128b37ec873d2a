//! Cells of every kind and class, and a bundle.

use ed25519_dalek::VerifyingKey;
use kinmesh_protocol::base::{CellId, Draw, Kid, Millis, Party, Timestamp, limits::ITEM_BYTES};
use kinmesh_protocol::envelope::{
    Addressee, Cell, CellHeader, CellKind, KeyRing, Refusal, Unverified, capacity_class, kid_of, packed_len, seal,
};
use kinmesh_protocol::wire::bundle as file;
use serde_json::{Value, json};

use crate::fixture::{DAY, NOW, be, half, hex, ke, key, key_seed, network, public, seal_secret, seed};
use crate::messages;

/// Kind, its word, class in KiB.
const CELLS: [(CellKind, &str, usize); 6] = [
    (CellKind::Bag, "bag", 16),
    (CellKind::Bag, "bag", 32),
    (CellKind::Eval, "eval", 32),
    (CellKind::Eval, "eval", 128),
    (CellKind::Set, "set", 64),
    (CellKind::Set, "set", 256),
];

struct BeKey;

impl KeyRing for BeKey {
    fn verifying_key(&self, _: Party, kid: Kid, _: u64) -> Result<VerifyingKey, Refusal> {
        let key = key("op BE").verifying_key();
        (kid == kid_of(key.as_bytes())).then_some(key).ok_or(Refusal::KeyUnknown)
    }
}

fn name_of(word: &str, class: usize) -> String {
    format!("cell-{word}-{class}.bin")
}

/// What BE sends in a cell of a kind; the larger bag is an empty one.
fn messages_of(kind: CellKind, class: usize) -> Vec<Vec<u8>> {
    let wanted: &[u64] = match (kind, class) {
        (CellKind::Bag, 16) => &[40, 42, 45],
        (CellKind::Bag, _) => &[],
        (CellKind::Eval, _) => &[30],
        (CellKind::Set, _) => &[22, 23],
    };
    let all = messages::all();
    let own = all.into_iter().filter(|(kind, _, header, ..)| header.from == Party::Member(be()) && wanted.contains(kind));
    own.map(|(_, _, _, _, bytes)| bytes).collect()
}

fn header_of(kind: CellKind, word: &str, class: usize) -> CellHeader {
    CellHeader {
        kind,
        from: be(),
        to: ke(),
        cell_id: CellId(half(&format!("cell {word} {class}"))),
        created: NOW,
        expires: NOW + 35 * DAY,
        recipient_key_id: seal_secret().public().key_id(),
    }
}

fn cell(kind: CellKind, word: &str, class: usize) -> Vec<u8> {
    let header = header_of(kind, word, class);
    let mut draw = Draw::new(seed(&format!("draw {word} {class}")));
    let messages = messages_of(kind, class);
    let smallest = capacity_class(kind, packed_len(&messages), class * 1_024).expect("a class that fits");
    assert!(smallest <= class * 1_024);
    let key = key("op BE");
    let bytes = seal(&network(), &header, &messages, class * 1_024, &seal_secret().public(), &key, &mut draw).expect("a cell");
    let me = Addressee::Party(Party::Member(ke()));
    let (now, skew, life) = (Timestamp::from_seconds(NOW), Millis::hours(24), Millis::days(35));
    let opened = Unverified::<Cell>::parse(&bytes, ITEM_BYTES)
        .and_then(|cell| cell.verify(&network(), me, &BeKey, now, skew, life))
        .and_then(|cell| cell.open(&network(), &seal_secret()));
    assert_eq!(opened, Ok(messages));
    bytes
}

/// The cells, each a file.
pub fn files() -> Vec<(String, Vec<u8>)> {
    CELLS.iter().map(|(kind, word, class)| (name_of(word, *class), cell(*kind, word, *class))).collect()
}

pub fn vectors() -> Value {
    let cells: Vec<Value> = CELLS
        .iter()
        .map(|(kind, word, class)| {
            let header = header_of(*kind, word, *class);
            json!({
                "kind": *kind as u8, "class": class * 1_024, "file": name_of(word, *class), "from": "BE", "to": "KE",
                "cell_id": hex(&header.cell_id.0), "created": header.created, "expires": header.expires,
                "recipient_key_id": hex(&header.recipient_key_id.0),
                "messages": messages_of(*kind, *class).iter().map(|message| hex(message)).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "network": network().as_str(), "signer": hex(&public("op BE")), "signer_seed": hex(&key_seed("op BE")),
        "seal_secret": hex(seal_secret().bytes()), "seal_public": hex(seal_secret().public().as_bytes()),
        "cells": cells,
    })
}

/// A roster, a timestamp, an announcement and a cell.
pub fn bundle() -> Vec<u8> {
    let (_, roster) = messages::roster();
    let public = messages::all().into_iter().filter(|(kind, ..)| matches!(kind, 11 | 12)).map(|(_, _, _, _, bytes)| bytes);
    let items: Vec<Vec<u8>> = std::iter::once(roster).chain(public).chain([cell(CellKind::Bag, "bag", 16)]).collect();
    let bytes = file::write(items.iter().map(Vec::as_slice)).expect("a bundle");
    assert_eq!(file::read(&bytes).expect("its items"), items);
    bytes
}
