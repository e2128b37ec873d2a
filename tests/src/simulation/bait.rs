//! What bait needs: many people who are told apart, and an owner that files keys of its own choice.

use std::collections::BTreeSet;

use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::base::record::{Record, Row};
use kinmesh_protocol::engine::{Batch, Op};
use kinmesh_protocol::person::PersonForm;
use kinmesh_protocol::private_match::owner::IndexRow;

use crate::simulation::desks::register;
use crate::simulation::network::Setup;

/// Somebody who shares no key with anybody of another number below a hundred.
#[must_use]
pub fn somebody(number: usize) -> PersonForm {
    const HEAD: [&str; 10] = ["Ka", "Mu", "Te", "Ri", "Shu", "Bo", "Le", "Fa", "Gi", "No"];
    const TAIL: [&str; 10] = ["lemba", "rindo", "sawe", "tumo", "pika", "zuri", "hanu", "dobe", "goma", "vusi"];
    let pick = |list: &[&'static str; 10], place: usize| list.get(place % 10).copied().unwrap_or("X");
    let name = |one: usize, other: usize| format!("{}{}", pick(&HEAD, one), pick(&TAIL, other));
    PersonForm {
        given: name(number, number / 10).as_str().into(),
        family: name(number * 7 + 3, number * 3 + number / 10).as_str().into(),
        father: name(number / 10, number + 5).as_str().into(),
        sex: if number.is_multiple_of(2) { "f" } else { "m" }.into(),
        birth: format!("19{:02}-{:02}-{:02}", 50 + number % 47, 1 + number % 12, 1 + number % 28).as_str().into(),
        last_place: name(number + 4, number / 10 + 2).as_str().into(),
        ..PersonForm::default()
    }
}

/// The same person as a society records it.
#[must_use]
pub fn recorded(number: usize) -> PersonForm {
    PersonForm { id: format!("NO-{number:04}").as_str().into(), legal_basis: "consent".to_owned(), ..somebody(number) }
}

/// A hostile owner: it registers a person and files keys that it guessed as those of the record.
///
/// # Panics
/// When the store refuses: that is a failed test.
pub fn guess(setup: &mut Setup, owner: usize, number: usize, keys: Vec<Sensitive<String>>) {
    let store = setup.world.nodes.get(owner).expect("a node of this world").store.clone();
    let before: BTreeSet<_> = store.all::<IndexRow>().into_iter().map(|(id, _)| id).collect();
    register(setup, owner, recorded(number));
    let (id, mut row) = store.all::<IndexRow>().into_iter().find(|(id, _)| !before.contains(id)).expect("the record");
    (row.keys, row.mentions) = (keys, Vec::new());
    let row = Row {
        tree: IndexRow::TREE,
        root: IndexRow::ROOT,
        key: IndexRow::key(&id),
        version: IndexRow::VERSION,
        value: row.encode(),
    };
    store.commit(Batch { ops: vec![Op::Put(row)], ..Batch::default() }).expect("a commit");
}
