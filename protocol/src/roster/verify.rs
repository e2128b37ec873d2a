//! Lets a roster or a suspension in, by the steps RO-1 to RO-11 (protocol.md 2.12, 3.9; compare TUF 5.3).
//!
//! `tracker`, `join` and the ceremony call it with bytes from any carrier. It keeps that a roster follows the held one:
//! signed by enough of the held custodians, never older, never a second one of the same version. What remains: whoever
//! controls enough custodians decides who takes part; it cannot do so in secret, since every version is in the key log.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::base::cbor::{self, fixed};
use crate::base::ids::{Kid, MemberId, NetworkId};
use crate::base::limits::{MEMBERS, ROSTER_BYTES, ROSTER_JUMP};
use crate::base::time::{Millis, Timestamp};
use crate::envelope::{Cosigned, CosignedKind, Refusal, check_canonical, kid_of, public_key};
use crate::roster::custodians::Custodians;
use crate::roster::document::Roster;
use crate::roster::fingerprint::Fingerprint;
use crate::roster::messages::Suspension;
use crate::roster::pace::PaceError;
use crate::roster::rules;

/// The protocol version of this code.
pub const PROTOCOL_VERSION: u64 = 1;
/// Longest life of a roster.
const ROSTER_LIFE: Millis = Millis::days(400);
/// Longest life of an emergency suspension.
const SUSPENSION_LIFE: Millis = Millis::days(14);
/// How far ahead of the clock a roster may be issued, whatever its pace says.
const SKEW: Millis = Millis::hours(24);

/// What a roster is checked against.
#[derive(Clone, Copy, Debug)]
pub enum Anchor<'a> {
    /// A fingerprint that an operator typed: the first roster of a node.
    Fingerprint(Fingerprint),
    /// The roster that the node holds.
    Held(&'a HeldRoster),
}

/// A roster that was verified.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HeldRoster {
    /// The roster.
    #[n(1)]
    pub roster: Roster,
    /// SHA-256 of its payload.
    #[n(2)]
    #[cbor(with = "fixed")]
    pub hash: [u8; 32],
}

/// Why a roster or suspension is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RosterError {
    /// No COSE_Sign of the one form, or no roster in it.
    #[error("not a signed roster: {0}")]
    Shape(Refusal),
    /// Of another network.
    #[error("of network {found}, expected {expected}")]
    Network {
        /// The network of this node.
        expected: NetworkId,
        /// The network it names.
        found: NetworkId,
    },
    /// The custodians are not those of the printed letter.
    #[error("its custodians have the fingerprint {found}, expected {expected}")]
    Fingerprint {
        /// What was typed.
        expected: Fingerprint,
        /// That of its custodians.
        found: Fingerprint,
    },
    /// Signed by a key that is no custodian's.
    #[error("signed by {0:?}, which is no custodian's key")]
    Signer(Kid),
    /// A custodian's signature that does not verify.
    #[error("the signature of {0:?} does not verify")]
    Signature(Kid),
    /// Too few custodians signed.
    #[error("{found} custodians signed, {needed} are needed")]
    Threshold {
        /// Signatures that are needed.
        needed: u64,
        /// Signatures that count.
        found: u64,
    },
    /// A change of custodians that too few of the old or of the named ones signed.
    #[error("a change of custodians: {found} of one side signed, {needed} are needed")]
    RootThreshold {
        /// Signatures that are needed.
        needed: u64,
        /// Signatures that count.
        found: u64,
    },
    /// Older than the held one.
    #[error("version {found}, version {held} is held")]
    Rollback {
        /// The version held.
        held: u64,
        /// The version offered.
        found: u64,
    },
    /// So far ahead that later rosters could never follow.
    #[error("version {found} is more than {ROSTER_JUMP} ahead of {held}")]
    FastForward {
        /// The version held.
        held: u64,
        /// The version offered.
        found: u64,
    },
    /// Two rosters of one version: keep both as evidence and ask the custodians.
    #[error("another roster of version {version} is held: somebody shows two views")]
    SplitView {
        /// The version of both.
        version: u64,
    },
    /// The next version, but not made from the held one.
    #[error("version {version} does not name the hash of the version before")]
    Chain {
        /// The version offered.
        version: u64,
    },
    /// Issued ahead of the clock, or before the held one.
    #[error("issued at {issued}, which does not fit the clock or the held roster")]
    Issued {
        /// Unix seconds.
        issued: u64,
    },
    /// Past its last second.
    #[error("expired at {expires}")]
    Expired {
        /// Unix seconds.
        expires: u64,
    },
    /// Good for longer than is allowed, or for no time.
    #[error("good from {issued} to {expires}, longer than allowed or not at all")]
    Life {
        /// Unix seconds.
        issued: u64,
        /// Unix seconds.
        expires: u64,
    },
    /// Speaks other versions of the protocol.
    #[error("protocol {min} to {max}, this is {PROTOCOL_VERSION}")]
    Protocol {
        /// Oldest version.
        min: u64,
        /// Newest version.
        max: u64,
    },
    /// Thresholds that cannot be met, or too many custodians.
    #[error("the custodians' thresholds do not fit their number")]
    Custodians,
    /// A key that is not sound.
    #[error("key {0:?} is not a sound ed25519 key")]
    Key(Kid),
    /// A key that two parties have.
    #[error("key {0:?} stands twice")]
    SharedKey(Kid),
    /// Too many members.
    #[error("{found} members, at most {MEMBERS}")]
    Members {
        /// Members found.
        found: usize,
    },
    /// A member out of order or twice.
    #[error("{0} is not in ascending order or stands twice")]
    MemberOrder(MemberId),
    /// A member's entry with an unsound field.
    #[error("{field} of {member} is not sound")]
    Member {
        /// The member.
        member: MemberId,
        /// The field.
        field: &'static str,
    },
    /// A member that is not on the roster.
    #[error("{0} is not on the roster")]
    UnknownMember(MemberId),
    /// A suspension that names no roster which was current when it was signed.
    #[error("it names roster version {found}, version {held} is held")]
    SuspensionVersion {
        /// The version held.
        held: u64,
        /// The version that it names.
        found: u64,
    },
    /// Another field that is not sound.
    #[error("field {0} is not sound")]
    Field(&'static str),
    /// A pace that is refused.
    #[error("pace: {0}")]
    Pace(PaceError),
}

/// SHA-256 of a payload: what every hash of a public message is.
#[must_use]
pub fn payload_hash(payload: &[u8]) -> [u8; 32] {
    Sha256::digest(payload).into()
}

/// Verifies a signed roster against what is trusted so far.
///
/// `network`, if the caller knows it, must be the roster's. The held roster itself, signed by whomever, is returned again.
///
/// # Errors
/// [`RosterError`] of the first step that fails.
pub fn verify_roster(
    bytes: &[u8],
    anchor: &Anchor<'_>,
    network: Option<&NetworkId>,
    now: Timestamp,
) -> Result<HeldRoster, RosterError> {
    // RO-1: size and shape, before anything is parsed.
    let cosigned = Cosigned::parse(bytes, ROSTER_BYTES).map_err(RosterError::Shape)?;
    let hash = payload_hash(&cosigned.payload);
    let roster = match anchor {
        Anchor::Held(held) if held.hash == hash => held.roster.clone(),
        Anchor::Held(held) => follow(&cosigned, held)?,
        Anchor::Fingerprint(expected) => begin(&cosigned, *expected)?,
    };
    // RO-6: the network that the caller means.
    if let Some(expected) = network {
        check_network(expected, &roster.network_id)?;
    }
    // RO-7: time.
    check_times(roster.issued, roster.expires, ROSTER_LIFE, now)?;
    // RO-8: a protocol that this code speaks.
    if !(roster.protocol_min..=roster.protocol_max).contains(&PROTOCOL_VERSION) {
        return Err(RosterError::Protocol { min: roster.protocol_min, max: roster.protocol_max });
    }
    // RO-9: what every roster keeps to.
    rules::check(&roster)?;
    Ok(HeldRoster { roster, hash })
}

/// Verifies a roster that follows the trusted one as a step to later rosters: it may have run out, and may ask for another
/// protocol. What it says of members and pace is not to be used; its custodians are (compare TUF 5.3.10).
///
/// # Errors
/// [`RosterError`] of the first step that fails.
pub fn verify_root_step(
    bytes: &[u8],
    trusted: &HeldRoster,
    network: &NetworkId,
    now: Timestamp,
) -> Result<HeldRoster, RosterError> {
    let cosigned = Cosigned::parse(bytes, ROSTER_BYTES).map_err(RosterError::Shape)?;
    let hash = payload_hash(&cosigned.payload);
    if hash == trusted.hash {
        return Ok(trusted.clone());
    }
    let roster = follow(&cosigned, trusted)?;
    check_network(network, &roster.network_id)?;
    // RO-11: as of its last second at the latest, since that it ran out is no reason to refuse it here.
    check_times(roster.issued, roster.expires, ROSTER_LIFE, now.min(Timestamp::from_seconds(roster.expires)))?;
    rules::check(&roster)?;
    Ok(HeldRoster { roster, hash })
}

/// Verifies an emergency suspension against the held roster.
///
/// # Errors
/// [`RosterError`] of the first step that fails.
pub fn verify_suspension(bytes: &[u8], held: &HeldRoster, now: Timestamp) -> Result<Suspension, RosterError> {
    // RO-10.
    let cosigned = Cosigned::parse(bytes, ROSTER_BYTES).map_err(RosterError::Shape)?;
    let HeldRoster { roster, .. } = held;
    let custodians = &roster.custodians;
    check_signers(&cosigned, CosignedKind::Suspension, &roster.network_id, &[custodians])?;
    check_threshold(cosigned.signatures.len() as u64, custodians.emergency_threshold)?;
    let suspension: Suspension = decode(&cosigned.payload)?;
    check_network(&roster.network_id, &suspension.network_id)?;
    check_times(suspension.issued, suspension.until, SUSPENSION_LIFE, now)?;
    rules::check_known(roster, &suspension.member)?;
    check_named_version(roster, &suspension)?;
    Ok(suspension)
}

/// A suspension names the roster that was current when it was signed. A later one may have been on its way to the custodians
/// meanwhile; beyond a suspension's own life it was not.
fn check_named_version(roster: &Roster, suspension: &Suspension) -> Result<(), RosterError> {
    let (held, found) = (roster.version, suspension.roster_version);
    let long_replaced = Timestamp::from_seconds(suspension.issued) > Timestamp::from_seconds(roster.issued) + SUSPENSION_LIFE;
    if found == 0 || found > held || found < held && long_replaced {
        return Err(RosterError::SuspensionVersion { held, found });
    }
    Ok(())
}

/// RO-2 to RO-5 for a roster that follows the held one.
fn follow(cosigned: &Cosigned, held: &HeldRoster) -> Result<Roster, RosterError> {
    let HeldRoster { roster: old, hash } = held;
    // RO-2: enough of the held custodians signed. Their keys are known, so nothing is parsed before.
    let by_old = count_signers(cosigned, &old.network_id, &old.custodians);
    check_threshold(by_old, old.custodians.threshold)?;
    // RO-3: the one form, and no signature that is nobody's or does not verify.
    let roster: Roster = decode(&cosigned.payload)?;
    check_network(&old.network_id, &roster.network_id)?;
    check_signers(cosigned, CosignedKind::Roster, &old.network_id, &[&old.custodians, &roster.custodians])?;
    // RO-4: version and chain.
    check_version(&roster, old, hash)?;
    if roster.issued < old.issued {
        return Err(RosterError::Issued { issued: roster.issued });
    }
    // RO-5: a change of custodians is signed by the old ones and by those it names.
    if roster.custodians != old.custodians {
        let by_new = count_signers(cosigned, &roster.network_id, &roster.custodians);
        for (found, needed) in [(by_old, old.custodians.root_threshold), (by_new, roster.custodians.root_threshold)] {
            if found < needed {
                return Err(RosterError::RootThreshold { needed, found });
            }
        }
    }
    Ok(roster)
}

/// RO-2 to RO-4 for the first roster of a node: the typed fingerprint vouches for the custodians, they for the rest.
fn begin(cosigned: &Cosigned, expected: Fingerprint) -> Result<Roster, RosterError> {
    let roster: Roster = decode(&cosigned.payload)?;
    let found = Fingerprint::of(&roster);
    if found != expected {
        return Err(RosterError::Fingerprint { expected, found });
    }
    let custodians = &roster.custodians;
    let count = count_signers(cosigned, &roster.network_id, custodians);
    check_threshold(count, custodians.threshold)?;
    // Where this version changed the custodians, signatures of the old ones stand beside theirs and decide nothing here.
    let keys: Vec<_> = custodians.keys.iter().collect();
    check_signatures(cosigned, CosignedKind::Roster, &roster.network_id, &keys)?;
    if roster.version == 0 || (roster.version == 1) != (roster.prev_hash == [0; 32]) {
        return Err(RosterError::Chain { version: roster.version });
    }
    Ok(roster)
}

fn check_version(roster: &Roster, old: &Roster, old_hash: &[u8; 32]) -> Result<(), RosterError> {
    let (held, found) = (old.version, roster.version);
    if found < held {
        return Err(RosterError::Rollback { held, found });
    }
    if found == held {
        return Err(RosterError::SplitView { version: found });
    }
    match found - held {
        1 if roster.prev_hash != *old_hash => Err(RosterError::Chain { version: found }),
        1..=ROSTER_JUMP => Ok(()),
        _ => Err(RosterError::FastForward { held, found }),
    }
}

fn check_network(expected: &NetworkId, found: &NetworkId) -> Result<(), RosterError> {
    if expected == found { Ok(()) } else { Err(RosterError::Network { expected: *expected, found: *found }) }
}

fn check_times(issued: u64, expires: u64, longest: Millis, now: Timestamp) -> Result<(), RosterError> {
    if Timestamp::from_seconds(issued) > now + SKEW {
        return Err(RosterError::Issued { issued });
    }
    if now > Timestamp::from_seconds(expires) {
        return Err(RosterError::Expired { expires });
    }
    match expires.checked_sub(issued) {
        Some(life) if life <= longest.0.div_ceil(1_000) => Ok(()),
        _ => Err(RosterError::Life { issued, expires }),
    }
}

fn check_threshold(found: u64, needed: u64) -> Result<(), RosterError> {
    if found < needed { Err(RosterError::Threshold { needed, found }) } else { Ok(()) }
}

/// How many of these custodians signed. Each kid stands once, so nobody counts twice.
fn count_signers(cosigned: &Cosigned, network: &NetworkId, custodians: &Custodians) -> u64 {
    let kids: BTreeSet<Kid> = (custodians.keys.iter())
        .filter_map(|key| public_key(key).ok())
        .filter(|key| cosigned.is_signed_by(CosignedKind::Roster, network, key))
        .map(|key| kid_of(key.as_bytes()))
        .collect();
    kids.len() as u64
}

/// Every signature is of one of these custodians and verifies.
fn check_signers(
    cosigned: &Cosigned,
    kind: CosignedKind,
    network: &NetworkId,
    custodians: &[&Custodians],
) -> Result<(), RosterError> {
    let keys: Vec<_> = custodians.iter().flat_map(|custodians| &custodians.keys).collect();
    match cosigned.signatures.iter().find(|(kid, _)| keys.iter().all(|key| kid_of(*key) != *kid)) {
        Some((kid, _)) => Err(RosterError::Signer(*kid)),
        None => check_signatures(cosigned, kind, network, &keys),
    }
}

/// Every signature that is of one of these keys verifies.
fn check_signatures(cosigned: &Cosigned, kind: CosignedKind, network: &NetworkId, keys: &[&[u8; 32]]) -> Result<(), RosterError> {
    for (kid, _) in &cosigned.signatures {
        let Some(key) = keys.iter().find(|key| kid_of(**key) == *kid) else { continue };
        let key = public_key(key).map_err(|_| RosterError::Key(*kid))?;
        if !cosigned.is_signed_by(kind, network, &key) {
            return Err(RosterError::Signature(*kid));
        }
    }
    Ok(())
}

fn decode<T: Encode<()> + for<'b> Decode<'b, ()>>(payload: &[u8]) -> Result<T, RosterError> {
    check_canonical(payload).map_err(RosterError::Shape)?;
    cbor::decode(payload).map_err(|_| RosterError::Shape(Refusal::Encoding))
}

#[cfg(test)]
pub(super) mod tests {
    use ed25519_dalek::SigningKey;
    use proptest::prelude::*;

    use super::*;
    use crate::base::ids::ProfileId;
    use crate::roster::custodians::{assemble, parse_signed, sign_roster, sign_suspension};
    use crate::roster::document::{CaseClass, Coordinator, Limits, Profile};
    use crate::roster::member::{ClassId, Member, MemberStatus};
    use crate::roster::pace::Pace;

    pub(in crate::roster) const NOW: u64 = 1_800_000_000;
    const DAY: u64 = 86_400;
    const OLD: [&str; 5] = ["custodian 1", "custodian 2", "custodian 3", "custodian 4", "custodian 5"];

    pub(in crate::roster) fn key(name: &str) -> SigningKey {
        SigningKey::from_bytes(&Sha256::digest([b"kinmesh/test/", name.as_bytes()].concat()).into())
    }

    pub(in crate::roster) fn now() -> Timestamp {
        Timestamp::from_seconds(NOW)
    }

    fn public(name: &str) -> [u8; 32] {
        key(name).verifying_key().to_bytes()
    }

    pub(in crate::roster) fn member(id: &str) -> Member {
        Member {
            id: MemberId::new(id).unwrap(),
            names: vec![("en".into(), format!("Red Cross of {id}")), ("am".into(), "ቀይ መስቀል".into())],
            country: "KE".into(),
            status: MemberStatus::Active,
            root_key: public(&format!("root {id}")),
            people_cap: 1 << 14,
            case_class: ClassId::M,
            addresses: vec!["/ip4/127.0.0.1/tcp/4001".into()],
            incident_contact: "incident@example.org".into(),
            joined: NOW - 100 * DAY,
            status_since: NOW - 90 * DAY,
            single_reviewer: false,
            ask_class: ClassId::S,
        }
    }

    /// A roster of network `kin-test` with members BE, FR, KE.
    pub(in crate::roster) fn roster(version: u64) -> Roster {
        Roster {
            network_id: NetworkId::new("kin-test").unwrap(),
            version,
            prev_hash: if version == 1 { [0; 32] } else { [1; 32] },
            issued: NOW,
            expires: NOW + 400 * DAY,
            protocol_min: 1,
            protocol_max: 1,
            profile: Profile { id: ProfileId::new("v1").unwrap(), parameters_hash: [3; 32] },
            keys_a_record: 48,
            prefix_bits: 48,
            classes: CaseClass::standard().to_vec(),
            limits: Limits::standard(),
            pace: Pace::standard(),
            custodians: Custodians { keys: OLD.map(public).to_vec(), threshold: 3, root_threshold: 4, emergency_threshold: 2 },
            coordinator: Coordinator { key: public("coordinator"), addresses: vec![] },
            auditors: vec![],
            members: vec![member("BE"), member("FR"), member("KE")],
            force_roll: vec![],
            notices: vec![],
        }
    }

    pub(in crate::roster) fn signed(roster: &Roster, names: &[&str]) -> Vec<u8> {
        let payload = roster.payload();
        assemble(&payload, names.iter().map(|name| sign_roster(&roster.network_id, &payload, &key(name))).collect())
    }

    pub(in crate::roster) fn held() -> HeldRoster {
        let first = roster(1);
        let anchor = Anchor::Fingerprint(Fingerprint::of(&first));
        verify_roster(&signed(&first, &OLD[..3]), &anchor, None, now()).unwrap()
    }

    /// Version 2 after [`held`].
    pub(in crate::roster) fn next() -> Roster {
        Roster { prev_hash: held().hash, ..roster(2) }
    }

    fn offer(roster: &Roster, names: &[&str]) -> Result<HeldRoster, RosterError> {
        verify_roster(&signed(roster, names), &Anchor::Held(&held()), None, now())
    }

    fn refused(roster: &Roster) -> RosterError {
        offer(roster, &OLD[..3]).unwrap_err()
    }

    #[test]
    fn a_first_roster_is_trusted_by_its_fingerprint() {
        let held = held();
        assert_eq!((held.roster, held.hash), (roster(1), payload_hash(&roster(1).payload())));
    }

    #[test]
    fn a_first_roster_of_other_custodians_is_refused() {
        let expected = Fingerprint::of(&roster(1));
        let changes: [fn(&mut Roster); 4] = [
            |r| r.custodians.keys[0] = public("thief"),
            |r| r.custodians.threshold = 2,
            |r| r.custodians.emergency_threshold = 1,
            |r| r.network_id = NetworkId::new("other").unwrap(),
        ];
        for change in changes {
            let mut other = roster(1);
            change(&mut other);
            let found = Fingerprint::of(&other);
            let refused = verify_roster(&signed(&other, &OLD), &Anchor::Fingerprint(expected), None, now());
            assert_eq!(refused, Err(RosterError::Fingerprint { expected, found }));
        }
    }

    #[test]
    fn a_later_first_roster_may_carry_signatures_of_the_custodians_before() {
        let later = roster(9);
        let anchor = Anchor::Fingerprint(Fingerprint::of(&later));
        let names = [&OLD[..3], &["custodian of old"]].concat();
        assert!(verify_roster(&signed(&later, &names), &anchor, None, now()).is_ok());
        let few = verify_roster(&signed(&later, &names[1..]), &anchor, None, now());
        assert_eq!(few, Err(RosterError::Threshold { needed: 3, found: 2 }));
    }

    #[test]
    fn the_next_version_is_accepted() {
        assert_eq!(offer(&next(), &OLD[..3]).unwrap().roster, next());
        assert!(offer(&next(), &OLD).is_ok());
    }

    #[test]
    fn the_held_roster_is_returned_again() {
        let again = signed(&roster(1), &OLD[2..]);
        assert_eq!(verify_roster(&again, &Anchor::Held(&held()), None, now()), Ok(held()));
    }

    #[test]
    fn one_signature_too_few_is_refused() {
        assert_eq!(offer(&next(), &OLD[..2]), Err(RosterError::Threshold { needed: 3, found: 2 }));
        assert_eq!(offer(&next(), &[]), Err(RosterError::Threshold { needed: 3, found: 0 }));
    }

    #[test]
    fn the_same_custodian_twice_is_refused() {
        let (payload, mut signatures) = parse_signed(&signed(&next(), &OLD[..2])).unwrap();
        signatures.push(signatures[0]);
        let twice = Cosigned { payload, signatures }.to_bytes();
        let refused = verify_roster(&twice, &Anchor::Held(&held()), None, now());
        assert_eq!(refused, Err(RosterError::Shape(Refusal::Encoding)));
        // Put together properly, the second one is left out and does not count.
        assert_eq!(offer(&next(), &[OLD[0], OLD[1], OLD[1]]), Err(RosterError::Threshold { needed: 3, found: 2 }));
    }

    #[test]
    fn signatures_that_are_nobodys_or_do_not_verify_are_refused() {
        let stranger = [&OLD[..3], &["stranger"]].concat();
        assert_eq!(offer(&next(), &stranger), Err(RosterError::Signer(kid_of(&public("stranger")))));
        let (payload, mut signatures) = parse_signed(&signed(&next(), &OLD[..4])).unwrap();
        signatures[0].1[3] ^= 1;
        let kid = signatures[0].0;
        let refused = verify_roster(&assemble(&payload, signatures), &Anchor::Held(&held()), None, now());
        assert_eq!(refused, Err(RosterError::Signature(kid)));
    }

    #[test]
    fn a_rollback_is_refused() {
        let newest = HeldRoster { roster: Roster { version: 7, ..roster(2) }, hash: [9; 32] };
        let refused = verify_roster(&signed(&next(), &OLD[..3]), &Anchor::Held(&newest), None, now());
        assert_eq!(refused, Err(RosterError::Rollback { held: 7, found: 2 }));
    }

    #[test]
    fn a_fast_forward_is_refused() {
        let at = |version| offer(&Roster { version, ..next() }, &OLD[..3]).map(|held| held.roster.version);
        assert_eq!(at(1_001), Ok(1_001));
        assert_eq!(at(1_002), Err(RosterError::FastForward { held: 1, found: 1_002 }));
        assert_eq!(at(1 << 62), Err(RosterError::FastForward { held: 1, found: 1 << 62 }));
        assert_eq!(at(1 << 63), Err(RosterError::Shape(Refusal::Encoding)));
    }

    #[test]
    fn a_second_roster_of_one_version_is_a_split_view() {
        let other = Roster { notices: vec!["another view".into()], ..roster(1) };
        assert_eq!(refused(&other), RosterError::SplitView { version: 1 });
    }

    #[test]
    fn the_next_version_names_the_hash_of_the_held_one() {
        assert_eq!(refused(&roster(2)), RosterError::Chain { version: 2 });
        // Versions that were missed cannot be compared.
        assert!(offer(&roster(3), &OLD[..3]).is_ok());
    }

    #[test]
    fn a_roster_of_another_network_is_refused() {
        let other = Roster { network_id: NetworkId::new("drill-1").unwrap(), ..next() };
        assert_eq!(refused(&other), RosterError::Threshold { needed: 3, found: 0 });
        // Signed for this network by mistake, it still names another.
        let payload = other.payload();
        let network = roster(1).network_id;
        let bytes = assemble(&payload, OLD.map(|name| sign_roster(&network, &payload, &key(name))).to_vec());
        let mismatch = |expected, found| Err(RosterError::Network { expected, found });
        assert_eq!(verify_roster(&bytes, &Anchor::Held(&held()), None, now()), mismatch(network, other.network_id));
        let asked = verify_roster(&signed(&next(), &OLD), &Anchor::Held(&held()), Some(&other.network_id), now());
        assert_eq!(asked, mismatch(other.network_id, network));
    }

    #[test]
    fn a_roster_is_good_from_its_issue_to_its_expiry() {
        let at = |seconds| verify_roster(&signed(&next(), &OLD), &Anchor::Held(&held()), None, Timestamp::from_seconds(seconds));
        assert!(at(NOW - DAY).is_ok());
        assert_eq!(at(NOW - DAY - 1), Err(RosterError::Issued { issued: NOW }));
        assert!(at(NOW + 400 * DAY).is_ok());
        assert_eq!(at(NOW + 400 * DAY + 1), Err(RosterError::Expired { expires: NOW + 400 * DAY }));
        let expires = NOW + 400 * DAY + 1;
        assert_eq!(refused(&Roster { expires, ..next() }), RosterError::Life { issued: NOW, expires });
        assert_eq!(refused(&Roster { issued: NOW - 1, ..next() }), RosterError::Issued { issued: NOW - 1 });
    }

    #[test]
    fn another_protocol_is_refused() {
        let later = Roster { protocol_min: 2, protocol_max: 3, ..next() };
        assert_eq!(refused(&later), RosterError::Protocol { min: 2, max: 3 });
    }

    #[test]
    fn a_change_of_custodians_is_signed_by_old_and_named_ones() {
        let fresh = ["custodian 4", "custodian 5", "custodian 6", "custodian 7", "custodian 8"];
        let mut changed = next();
        changed.custodians.keys = fresh.map(public).to_vec();
        let all = |old: &[&'static str], new: &[&'static str]| [old, new].concat();
        let lacks = RosterError::RootThreshold { needed: 4, found: 3 };
        assert_eq!(offer(&changed, &all(&OLD[1..4], &["custodian 6", "custodian 7", "custodian 8"])), Err(lacks));
        assert_eq!(offer(&changed, &all(&OLD[..4], &["custodian 6", "custodian 7"])), Err(lacks));
        assert!(offer(&changed, &all(&OLD[..4], &["custodian 6", "custodian 7", "custodian 8"])).is_ok());
    }

    #[test]
    fn another_form_is_refused() {
        let payload = next().payload();
        let sign =
            |payload: &[u8]| assemble(payload, OLD.map(|name| sign_roster(&next().network_id, payload, &key(name))).to_vec());
        let mut unknown_key = [&payload[..], &[0x14, 0x00]].concat();
        unknown_key[0] += 1;
        for payload in [[&payload[..], &[0]].concat(), [&[0xb8, 0x13], &payload[1..]].concat(), unknown_key, vec![0xa0], vec![]] {
            let refused = verify_roster(&sign(&payload), &Anchor::Held(&held()), None, now());
            assert_eq!(refused, Err(RosterError::Shape(Refusal::Encoding)));
        }
        let long = verify_roster(&vec![0; ROSTER_BYTES + 1], &Anchor::Held(&held()), None, now());
        assert_eq!(long, Err(RosterError::Shape(Refusal::Size)));
    }

    #[test]
    fn a_roster_survives_its_encoding() {
        assert_eq!(cbor::decode(&roster(1).payload()), Ok(roster(1)));
        assert_eq!(cbor::decode(&cbor::encode(&held())), Ok(held()));
    }

    fn suspension() -> Suspension {
        let network_id = roster(1).network_id;
        let member = MemberId::new("FR").unwrap();
        Suspension { network_id, roster_version: 1, member, issued: NOW, until: NOW + 14 * DAY, reason_code: 1 }
    }

    fn suspend(suspension: &Suspension, names: &[&str]) -> Result<Suspension, RosterError> {
        let payload = cbor::encode(suspension);
        let network = roster(1).network_id;
        let signatures = names.iter().map(|name| sign_suspension(&network, &payload, &key(name))).collect();
        verify_suspension(&assemble(&payload, signatures), &held(), now())
    }

    #[test]
    fn two_custodians_suspend_for_fourteen_days() {
        assert_eq!(suspend(&suspension(), &OLD[..2]), Ok(suspension()));
        assert_eq!(suspend(&suspension(), &OLD[..1]), Err(RosterError::Threshold { needed: 2, found: 1 }));
        let until = NOW + 14 * DAY + 1;
        let longer = suspend(&Suspension { until, ..suspension() }, &OLD[..2]);
        assert_eq!(longer, Err(RosterError::Life { issued: NOW, expires: until }));
        let nobody = MemberId::new("ZZ").unwrap();
        assert_eq!(suspend(&Suspension { member: nobody, ..suspension() }, &OLD[..2]), Err(RosterError::UnknownMember(nobody)));
    }

    #[test]
    fn a_roster_is_no_suspension() {
        let refused = verify_suspension(&signed(&next(), &OLD), &held(), now());
        assert!(matches!(refused, Err(RosterError::Signature(_))));
    }

    proptest! {
        #[test]
        fn a_changed_byte_never_passes_and_never_panics(place in any::<prop::sample::Index>(), value in 1u8..) {
            let mut bytes = signed(&next(), &OLD[..3]);
            let place = place.index(bytes.len());
            bytes[place] ^= value;
            prop_assert!(verify_roster(&bytes, &Anchor::Held(&held()), None, now()).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let anchor = Anchor::Fingerprint(Fingerprint([0; 20]));
            prop_assert!(verify_roster(&bytes, &anchor, None, now()).is_err());
            prop_assert!(cbor::decode::<Roster>(&bytes).is_err());
        }
    }
}
