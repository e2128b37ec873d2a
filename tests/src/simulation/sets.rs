//! What stands in the sets of simulated nodes, read from their stores: at the owner, and at the peer that holds one.

use std::collections::BTreeSet;

use kinmesh_protocol::base::record::Record;
use kinmesh_protocol::base::{BlobId, MemberId};
use kinmesh_protocol::engine::{Batch, Bulk, Op};
use kinmesh_protocol::private_match::label::{Family, LabelKey, Tag};
use kinmesh_protocol::private_match::manifest::{SegmentInfo, SegmentKind, SetManifest};
use kinmesh_protocol::private_match::owner::{SetOut, SetPart};
use kinmesh_protocol::private_match::querier::{HeldPart, HitRow, QueryRow, SetIn, queries_at};

use crate::simulation::store::SimStore;

type Id = (MemberId, Family);

/// The member of a name.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn member(name: &str) -> MemberId {
    MemberId::new(name).expect("a member id")
}

/// The chain that an owner offers to a peer.
#[must_use]
pub fn offered(store: &SimStore, id: Id) -> Option<SetOut> {
    store.peek(&id)
}

/// The manifests of the chain that an owner offers to a peer, the base first.
///
/// # Panics
/// When one of them is missing.
#[must_use]
pub fn manifests(store: &SimStore, id: Id) -> Vec<SetManifest> {
    let Some(out) = offered(store, id) else { return Vec::new() };
    (out.base_seq..=out.set_seq).map(|seq| store.peek::<SetPart>(&(id.0, id.1, seq)).expect("each set").manifest).collect()
}

/// The prefixes that a chain gives at an owner: what its peer holds once it has fetched it.
///
/// # Panics
/// When a set is missing or damaged, or a delta does not fit what is before it.
#[must_use]
pub fn shown(store: &SimStore, id: Id) -> BTreeSet<u64> {
    let Some(out) = offered(store, id) else { return BTreeSet::new() };
    let mut prefixes = BTreeSet::new();
    for seq in out.base_seq..=out.set_seq {
        let part: SetPart = store.peek(&(id.0, id.1, seq)).expect("each set");
        follow(store, &mut prefixes, &part.manifest, &part.segments);
    }
    assert_eq!(prefixes.len() as u64, out.backing.count, "the count that the owner keeps");
    prefixes
}

/// The prefixes of the set that a querier holds of an owner.
///
/// # Panics
/// When a set is missing or damaged, or a delta does not fit what is before it.
#[must_use]
pub fn held(store: &SimStore, id: Id) -> BTreeSet<u64> {
    let Some(held) = store.peek::<SetIn>(&id).and_then(|set| set.held) else { return BTreeSet::new() };
    let mut prefixes = BTreeSet::new();
    for seq in held.head.base_seq..=held.head.set_seq {
        let part: HeldPart = store.peek(&(id.0, id.1, seq)).expect("each set");
        follow(store, &mut prefixes, &part.manifest, &part.segments);
    }
    assert_eq!(prefixes.len() as u64, held.head.count, "the count that the querier keeps");
    prefixes
}

fn follow(store: &SimStore, prefixes: &mut BTreeSet<u64>, manifest: &SetManifest, files: &[BlobId]) {
    let (mut adds, mut removes) = (Vec::new(), Vec::new());
    for (info, blob) in manifest.segments.iter().zip(files) {
        let mut bytes = vec![0; usize::try_from(info.len).expect("a length")];
        assert_eq!(Bulk::read_blob(store, *blob, 0, &mut bytes), Ok(bytes.len()));
        let list = if info.kind == SegmentKind::Add { &mut adds } else { &mut removes };
        list.extend(info.reader(&bytes).expect("a sound segment").map(|prefix| prefix.expect("a sound set")));
    }
    assert!(adds.iter().all(|prefix| !prefixes.contains(prefix)), "nothing added is there");
    assert!(removes.iter().all(|prefix| prefixes.remove(prefix)), "everything removed is there");
    prefixes.extend(adds);
}

/// The tags of an owner's live index in one family that stand in its set for a peer.
///
/// # Panics
/// When there is no set.
#[must_use]
pub fn tags_shown(store: &SimStore, owner: MemberId, id: Id) -> BTreeSet<[u8; 16]> {
    let out = offered(store, id).expect("a set");
    let labels = LabelKey::derive(out.salt.expose(), &owner, &id.0, out.epoch, id.1);
    let prefixes = shown(store, id);
    let bearers = store.bearers().into_iter().filter(|(epoch, family, _)| (*epoch, *family) == (out.epoch, id.1));
    let tags = bearers.map(|(_, _, bearer)| bearer.tag);
    tags.filter(|tag| prefixes.contains(&labels.prefix(&Tag(*tag)))).collect()
}

/// Changes one set of the chain that an owner offers, behind its engine's back: what a hostile owner would ship.
///
/// # Panics
/// When there is none of that number.
pub fn alter(store: &SimStore, id: Id, seq: u64, change: impl FnOnce(&mut SetManifest)) {
    let key = (id.0, id.1, seq);
    let mut part: SetPart = store.peek(&key).expect("a set");
    change(&mut part.manifest);
    store.commit(Batch { ops: vec![Op::put(&key, &part)], ..Batch::default() }).expect("a commit");
}

/// Ships other prefixes in one set of the chain that an owner offers; each list ascending and as long as the class wants.
///
/// # Panics
/// When there is none of that number, or the lists are not ascending.
pub fn forge(store: &SimStore, id: Id, seq: u64, adds: &[u64], removes: &[u64]) {
    let key = (id.0, id.1, seq);
    let mut part: SetPart = store.peek(&key).expect("a set");
    let mut tiles = SegmentInfo::tile(SegmentKind::Add, adds).expect("adds");
    tiles.extend(SegmentInfo::tile(SegmentKind::Remove, removes).expect("removes"));
    let mut batch = Batch::default();
    (part.manifest.segments, part.segments) = (Vec::new(), Vec::new());
    for (number, (info, bytes)) in (0u8..).zip(tiles) {
        let name = BlobId([number.wrapping_add(0xa0); 16]);
        batch.blobs.push((name, bytes));
        part.manifest.segments.push(info);
        part.segments.push(name);
    }
    (part.manifest.adds_count, part.manifest.removes_count) = (adds.len() as u64, removes.len() as u64);
    batch.ops.push(Op::put(&key, &part));
    store.commit(batch).expect("a commit");
}

/// Checks at a querier that the hits of every subject at an owner are what a test of its tags against the held set gives
/// at this moment, and gives their number. For cases whose policy forbids claims.
///
/// # Panics
/// When they are not.
pub fn hits_are_those_of_the_held_set(store: &SimStore, me: MemberId, owner: Id) -> usize {
    let Some(held_set) = store.peek::<SetIn>(&owner).and_then(|set| set.held) else { return 0 };
    let (head, prefixes) = (held_set.head, held(store, owner));
    let labels = LabelKey::derive(head.salt.expose(), &owner.0, &me, head.epoch, owner.1);
    let range = queries_at(&owner.0, owner.1);
    let mut hits = 0;
    for (key, stored) in store.rows(QueryRow::TREE, &range, range.after_prefix().as_ref(), usize::MAX).expect("rows") {
        let (_, _, subject) = QueryRow::id(&key).expect("a query");
        let query = QueryRow::decode(stored.version, stored.value.expose()).expect("a query");
        if query.epoch != head.epoch {
            continue;
        }
        let in_set = query.tags.iter().zip(0u8..).filter(|(tag, _)| prefixes.contains(&labels.prefix(tag)));
        let expected: Vec<u8> = in_set.map(|(_, position)| position).collect();
        let hit: Option<HitRow> = store.peek(&(subject, owner.0));
        let found: Vec<u8> = hit.map_or_else(Vec::new, |hit| hit.keys.iter().map(|(position, _)| *position).collect());
        assert_eq!(found, expected);
        hits += found.len();
    }
    hits
}
