//! What people carry and type: bundles, rosters and suspensions, fingerprints, ids.

use kinmesh_protocol::base::limits::ITEM_BYTES;
use kinmesh_protocol::base::{CaseId, ClaimId, MemberId, NetworkId, Party, PersonId, ProfileId, Timestamp, UserId, cbor};
use kinmesh_protocol::roster::verify::payload_hash;
use kinmesh_protocol::roster::{
    Anchor, Fingerprint, HeldRoster, Roster, Suspension, fingerprint_text, parse_signed, signed_kind, verify_roster,
    verify_suspension,
};
use kinmesh_protocol::wire::bundle::{self, BundleReader};

/// The time of the committed inputs, Unix seconds.
const NOW: u64 = 1_800_000_000;

/// A file: read whole or piece by piece it gives the same items, and they the same file.
pub fn bundle(input: &[u8]) {
    let whole = bundle::read(input);
    let mut reader = BundleReader::new();
    let mut items = Vec::new();
    let mut pieces = || -> Result<(), bundle::BundleError> {
        for piece in input.chunks(7) {
            reader.push(piece)?;
            while let Some(item) = reader.take_item()? {
                items.push(item);
            }
        }
        Ok(())
    };
    let outcome = pieces().and_then(|()| reader.finish());
    assert_eq!(outcome.map(|()| items), whole);
    if let Ok(items) = whole {
        assert!(items.iter().all(|item| !item.is_empty() && item.len() <= ITEM_BYTES));
        assert_eq!(bundle::write(items.iter().map(Vec::as_slice)).as_deref(), Ok(input));
    }
}

/// A roster or a suspension, judged by a node without one, and by a node that holds what it can of it.
pub fn custodians(input: &[u8]) {
    let now = Timestamp::from_seconds(NOW);
    let _kind = signed_kind(input);
    let Ok((payload, _)) = parse_signed(input) else { return };
    if let Ok(roster) = cbor::decode::<Roster>(&payload) {
        let fingerprint = Fingerprint::of(&roster);
        if let Ok(held) = verify_roster(input, &Anchor::Fingerprint(fingerprint), None, now) {
            assert_eq!(held.hash, payload_hash(&payload));
            assert_eq!(held.roster.payload(), payload);
        }
        let held = HeldRoster { hash: payload_hash(&payload), roster };
        let _second = verify_roster(input, &Anchor::Held(&held), None, now);
        let _suspension = verify_suspension(input, &held, now);
    }
    if let Ok(suspension) = cbor::decode::<Suspension>(&payload) {
        assert_eq!(cbor::encode(&suspension), payload);
    }
}

/// Texts that a person types.
pub fn typed(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok(fingerprint) = text.parse::<Fingerprint>() {
        assert_eq!(fingerprint_text(&fingerprint).parse::<Fingerprint>(), Ok(fingerprint));
    }
    macro_rules! id {
        ($type:ty) => {
            if let Ok(id) = text.parse::<$type>() {
                assert_eq!(id.to_string().parse::<$type>(), Ok(id));
            }
        };
    }
    id!(PersonId);
    id!(CaseId);
    id!(ClaimId);
    assert!(MemberId::new(text).is_err() || text.len() <= 16 && text.is_ascii());
    assert!(NetworkId::new(text).is_err() || text.len() <= 32 && text.is_ascii());
    assert!(ProfileId::new(text).is_err() || text.len() <= 16 && text.is_ascii());
    assert!(UserId::new(text).is_err() || text.is_ascii());
    assert!(Party::parse(text).is_err() || Party::parse(text).is_ok_and(|party| party.as_str() == text));
}
