//! A proposed roster on its way from custodian to custodian: one file with the roster, the version it follows, and the
//! announcements of those who join.
//!
//! `propose` writes it, `sign` adds signatures, `publish` takes it apart. It is a bundle: first the roster with the signatures
//! so far, then the held roster if there is one, then announcements. It keeps that what is read is sound: the roster obeys every
//! rule, follows the version in the file, each signature is a custodian's and verifies, each announcement is its member's. It
//! cannot show that the version in the file is the one the network holds: `publish` hands the roster to a node that knows.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::limits::{ITEM_BYTES, ROSTER_BYTES};
use kinmesh_protocol::base::{Kid, MemberId, Party, Timestamp};
use kinmesh_protocol::envelope::{Addressee, Cosigned, CosignedKind, Item, Message, Refusal, Unverified, kid_of, public_key};
use kinmesh_protocol::roster::key_chain::KEY_ANNOUNCEMENT;
use kinmesh_protocol::roster::{
    Anchor, Custodians, Fingerprint, HeldAnnouncement, HeldRoster, PublicKeys, Roster, RosterError, accept_announcement,
    assemble, check_rules, sign_roster, verify_roster,
};
use thiserror::Error;

/// A roster that is being signed.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The roster.
    pub roster: Roster,
    /// Its payload and the signatures so far.
    signed: Cosigned,
    /// The version that it follows, whole and verified.
    before: Option<(Vec<u8>, HeldRoster)>,
    /// Announcements of members on it.
    announcements: BTreeMap<MemberId, Vec<u8>>,
}

/// Why a proposal is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProposalError {
    /// The file holds no roster first.
    #[error("not a proposal: write it with `kinmesh roster propose`")]
    Form,
    /// The roster breaks a rule.
    #[error("the proposed roster: {0}")]
    Roster(RosterError),
    /// The version that it follows is not sound.
    #[error("the roster that it follows: {0}")]
    Before(RosterError),
    /// It is not made from the version in the file.
    #[error("version {found} does not follow version {before}: propose it again from the held roster")]
    Follows {
        /// The version that it should follow; 0 for none.
        before: u64,
        /// The version that it has.
        found: u64,
    },
    /// Signed by a key that is no custodian's.
    #[error("signed by {0:?}, which is no custodian's key")]
    Signer(Kid),
    /// A signature that does not verify: the proposal was changed after it was signed.
    #[error("the signature of {0:?} does not verify: the proposal was changed after it was signed")]
    Signature(Kid),
    /// An announcement that is not its member's.
    #[error("the announcement of {member}: {refusal}")]
    Announcement {
        /// The member.
        member: MemberId,
        /// Why.
        refusal: Refusal,
    },
    /// An item that is no announcement of a member.
    #[error("item {number} of the file is no announcement of a member")]
    Item {
        /// Its number, from 1.
        number: usize,
    },
    /// Two files are not of one proposal.
    #[error("these files are not signatures on one proposal")]
    Different,
}

/// How far the signatures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureCount {
    /// Custodians who signed.
    pub found: u64,
    /// Custodians who must.
    pub needed: u64,
}

impl Proposal {
    /// A proposal without a signature.
    ///
    /// # Errors
    /// [`ProposalError`].
    pub fn new(roster: Roster, before: Option<Vec<u8>>, announcements: Vec<Vec<u8>>) -> Result<Self, ProposalError> {
        let signed = Cosigned { payload: roster.payload(), signatures: Vec::new() };
        let first = signed.to_bytes();
        let items: Vec<Vec<u8>> = [first].into_iter().chain(before).chain(announcements).collect();
        Self::from_items(&items)
    }

    /// Reads the items of a proposal's file and checks all of them.
    ///
    /// # Errors
    /// [`ProposalError`].
    pub fn from_items(items: &[Vec<u8>]) -> Result<Self, ProposalError> {
        let (first, rest) = items.split_first().ok_or(ProposalError::Form)?;
        let signed = Cosigned::parse(first, ROSTER_BYTES).map_err(|_| ProposalError::Form)?;
        let roster: Roster = kinmesh_protocol::base::cbor::decode(&signed.payload).map_err(|_| ProposalError::Form)?;
        check_rules(&roster).map_err(ProposalError::Roster)?;
        let (before, rest) = match rest.split_first() {
            Some((bytes, rest)) if matches!(Item::parse(bytes), Ok(Item::Roster(_))) => {
                (Some((bytes.clone(), verify_before(bytes)?)), rest)
            }
            _ => (None, rest),
        };
        check_follows(&roster, before.as_ref().map(|(_, held)| held))?;
        let mut proposal = Self { roster, signed, before, announcements: BTreeMap::new() };
        proposal.check_signatures()?;
        let first_announcement = items.len() - rest.len();
        for (number, bytes) in (first_announcement + 1..).zip(rest) {
            proposal.add_announcement(bytes).map_err(|error| match error {
                ProposalError::Item { .. } => ProposalError::Item { number },
                other => other,
            })?;
        }
        Ok(proposal)
    }

    /// The items of the proposal's file.
    #[must_use]
    pub fn to_items(&self) -> Vec<Vec<u8>> {
        let before = self.before.as_ref().map(|(bytes, _)| bytes.clone());
        [self.signed_roster()].into_iter().chain(before).chain(self.announcements.values().cloned()).collect()
    }

    /// The roster with its signatures, as it is published.
    #[must_use]
    pub fn signed_roster(&self) -> Vec<u8> {
        assemble(&self.signed.payload, self.signed.signatures.clone())
    }

    /// The announcements of members, by member.
    #[must_use]
    pub const fn announcements(&self) -> &BTreeMap<MemberId, Vec<u8>> {
        &self.announcements
    }

    /// The version that it follows.
    #[must_use]
    pub fn before(&self) -> Option<&HeldRoster> {
        self.before.as_ref().map(|(_, held)| held)
    }

    /// Adds a custodian's signature; a second one of the same key changes nothing.
    ///
    /// # Errors
    /// [`ProposalError::Signer`] for a key that is no custodian's.
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), ProposalError> {
        let kid = kid_of(key.verifying_key().as_bytes());
        self.custodian(&kid)?;
        self.signed.add([sign_roster(&self.roster.network_id, &self.signed.payload, key)]);
        Ok(())
    }

    /// Takes over the signatures on another copy of the same proposal.
    ///
    /// # Errors
    /// [`ProposalError::Different`].
    pub fn join(&mut self, other: Self) -> Result<(), ProposalError> {
        if other.signed.payload != self.signed.payload {
            return Err(ProposalError::Different);
        }
        self.signed.add(other.signed.signatures);
        self.announcements.extend(other.announcements);
        Ok(())
    }

    /// Adds a member's announcement, which its root key must have signed.
    ///
    /// # Errors
    /// [`ProposalError::Announcement`], [`ProposalError::Item`].
    pub fn add_announcement(&mut self, bytes: &[u8]) -> Result<HeldAnnouncement, ProposalError> {
        let held = verify_announcement(&self.roster, bytes)?;
        self.announcements.insert(held.member, bytes.to_vec());
        Ok(held)
    }

    /// How many custodians signed, and how many must: of the side that has fewer, where the custodians change.
    #[must_use]
    pub fn signature_count(&self) -> SignatureCount {
        let after = &self.roster.custodians;
        let Some(before) = self.before().map(|held| &held.roster.custodians).filter(|before| *before != after) else {
            return SignatureCount { found: self.count_of(after), needed: after.threshold };
        };
        let sides = [(before, before.root_threshold), (after, after.root_threshold)];
        let counts = sides.map(|(side, needed)| SignatureCount { found: self.count_of(side), needed });
        let missing = |count: &SignatureCount| count.needed.saturating_sub(count.found);
        let [old, new] = counts;
        if missing(&old) >= missing(&new) { old } else { new }
    }

    /// Who signed, by place among the custodians before (of a first roster, its own), from 1.
    #[must_use]
    pub fn signed_by(&self) -> Vec<usize> {
        let custodians = self.before().map_or(&self.roster.custodians, |held| &held.roster.custodians);
        crate::coordinator::suspension::places(&custodians.keys, &self.signed)
    }

    /// Verifies the roster as a node would that holds the version before.
    ///
    /// # Errors
    /// [`RosterError`] of the first step that fails.
    pub fn verify(&self, now: Timestamp) -> Result<HeldRoster, RosterError> {
        let anchor = match self.before() {
            Some(held) => Anchor::Held(held),
            None => Anchor::Fingerprint(Fingerprint::of(&self.roster)),
        };
        verify_roster(&self.signed_roster(), &anchor, Some(&self.roster.network_id), now)
    }

    fn count_of(&self, custodians: &Custodians) -> u64 {
        let kids: Vec<Kid> = custodians.keys.iter().map(|key| kid_of(key)).collect();
        self.signed.signatures.iter().filter(|(kid, _)| kids.contains(kid)).count() as u64
    }

    fn check_signatures(&self) -> Result<(), ProposalError> {
        for (kid, _) in &self.signed.signatures {
            let key = public_key(&self.custodian(kid)?).map_err(|_| ProposalError::Signer(*kid))?;
            if !self.signed.is_signed_by(CosignedKind::Roster, &self.roster.network_id, &key) {
                return Err(ProposalError::Signature(*kid));
            }
        }
        Ok(())
    }

    /// A custodian of this version or of the one before.
    fn custodian(&self, kid: &Kid) -> Result<[u8; 32], ProposalError> {
        let before = self.before().map(|held| held.roster.custodians.keys.as_slice()).unwrap_or_default();
        let keys = self.roster.custodians.keys.iter().chain(before);
        keys.copied().find(|key| kid_of(key) == *kid).ok_or(ProposalError::Signer(*kid))
    }
}

/// Verifies the version before by itself, at the time when it was issued: it may have ended since.
pub(super) fn verify_before(bytes: &[u8]) -> Result<HeldRoster, ProposalError> {
    let cosigned = Cosigned::parse(bytes, ROSTER_BYTES).map_err(|_| ProposalError::Form)?;
    let roster: Roster = kinmesh_protocol::base::cbor::decode(&cosigned.payload).map_err(|_| ProposalError::Form)?;
    let anchor = Anchor::Fingerprint(Fingerprint::of(&roster));
    verify_roster(bytes, &anchor, None, Timestamp::from_seconds(roster.issued)).map_err(ProposalError::Before)
}

fn check_follows(roster: &Roster, before: Option<&HeldRoster>) -> Result<(), ProposalError> {
    let (version, hash) = before.map_or((0, [0; 32]), |held| (held.roster.version, held.hash));
    let same_network = before.is_none_or(|held| held.roster.network_id == roster.network_id);
    if roster.version == version + 1 && roster.prev_hash == hash && same_network {
        return Ok(());
    }
    Err(ProposalError::Follows { before: version, found: roster.version })
}

/// Verifies that an item is the announcement of a member on the roster, signed by its root key.
///
/// # Errors
/// [`ProposalError::Announcement`], [`ProposalError::Item`].
pub fn verify_announcement(roster: &Roster, bytes: &[u8]) -> Result<HeldAnnouncement, ProposalError> {
    let not_one = ProposalError::Item { number: 0 };
    let message: Unverified<Message> = match Item::parse(bytes) {
        Ok(Item::Message(message)) if message.claimed_kind() == KEY_ANNOUNCEMENT => message,
        _ => return Err(not_one),
    };
    let Party::Member(member) = message.claimed_from() else { return Err(not_one) };
    let no_keys = BTreeMap::new();
    let (skew, life) = (roster.pace.clock_skew, roster.pace.message_life);
    // Judged at the time of the roster: whether it still counts is for the node that takes it.
    let now = Timestamp::from_seconds(roster.issued);
    let ring = PublicKeys { roster, members: &no_keys, suspensions: &[], now };
    message
        .verify(&roster.network_id, Addressee::Public, &ring, now, skew, life)
        .and_then(|verified| accept_announcement(roster, None, &verified))
        .map_err(|refusal| ProposalError::Announcement { member, refusal })
}

const _: () = assert!(ROSTER_BYTES <= ITEM_BYTES, "a roster fits an item");

#[cfg(test)]
pub(crate) mod tests {
    use kinmesh_protocol::base::NetworkId;
    use kinmesh_protocol::linkage::{parameters_hash, profile_id};
    use kinmesh_protocol::roster::{CaseClass, ClassId, Coordinator, Limits, Member, MemberStatus, Pace, Profile};

    use super::*;

    pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    pub(crate) fn custodian(number: u8) -> SigningKey {
        SigningKey::from_bytes(&[100 + number; 32])
    }

    fn public(seed: u8) -> [u8; 32] {
        SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes()
    }

    pub(crate) fn member(id: &str, seed: u8) -> Member {
        Member {
            id: MemberId::new(id).unwrap(),
            names: vec![("en".to_owned(), "Cira Red Crescent".to_owned())],
            country: "CI".to_owned(),
            status: MemberStatus::Active,
            root_key: public(seed),
            people_cap: 4_096,
            case_class: ClassId::M,
            addresses: vec!["/ip4/127.0.0.1/tcp/41001".to_owned()],
            incident_contact: String::new(),
            joined: NOW.seconds(),
            status_since: NOW.seconds(),
            single_reviewer: false,
            ask_class: ClassId::S,
        }
    }

    pub(crate) fn roster() -> Roster {
        let keys = (1..=3).map(|number| custodian(number).verifying_key().to_bytes()).collect();
        Roster {
            network_id: NetworkId::new("drill-k").unwrap(),
            version: 1,
            prev_hash: [0; 32],
            issued: NOW.seconds(),
            expires: NOW.seconds() + 86_400,
            protocol_min: 1,
            protocol_max: 1,
            profile: Profile { id: profile_id(), parameters_hash: parameters_hash() },
            keys_a_record: 48,
            prefix_bits: 48,
            classes: CaseClass::standard().to_vec(),
            limits: Limits::standard(),
            pace: Pace::drill(33),
            custodians: Custodians { keys, threshold: 2, root_threshold: 3, emergency_threshold: 2 },
            coordinator: Coordinator { key: public(50), addresses: vec!["/ip4/127.0.0.1/tcp/41000".to_owned()] },
            auditors: Vec::new(),
            members: vec![member("CIR", 1)],
            force_roll: Vec::new(),
            notices: Vec::new(),
        }
    }

    pub(crate) fn signed_roster(custodians: &[u8]) -> Proposal {
        let mut proposal = Proposal::new(roster(), None, Vec::new()).unwrap();
        for number in custodians {
            proposal.sign(&custodian(*number)).unwrap();
        }
        proposal
    }

    #[test]
    fn a_proposal_is_read_back_with_its_signatures() {
        let mut proposal = signed_roster(&[1]);
        assert_eq!(proposal.signature_count(), SignatureCount { found: 1, needed: 2 });
        assert!(proposal.verify(NOW).is_err());
        let copy = Proposal::from_items(&proposal.to_items()).unwrap();
        assert_eq!(copy.to_items(), proposal.to_items());
        let other = signed_roster(&[3, 3]);
        proposal.join(other).unwrap();
        assert_eq!(proposal.signature_count(), SignatureCount { found: 2, needed: 2 });
        assert_eq!(proposal.verify(NOW).unwrap().roster, roster());
    }

    #[test]
    fn a_proposal_that_was_changed_after_signing_is_refused() {
        let proposal = signed_roster(&[1, 2]);
        let mut items = proposal.to_items();
        let mut changed = roster();
        changed.members[0].people_cap = 8_192;
        let signatures = proposal.signed.signatures.clone();
        let kid = signatures[0].0;
        items[0] = assemble(&changed.payload(), signatures);
        assert_eq!(Proposal::from_items(&items).unwrap_err(), ProposalError::Signature(kid));
        let stranger = SigningKey::from_bytes(&[9; 32]);
        let mut proposal = signed_roster(&[]);
        let kid = kid_of(stranger.verifying_key().as_bytes());
        assert_eq!(proposal.sign(&stranger), Err(ProposalError::Signer(kid)));
        assert_eq!(Proposal::from_items(&[vec![1, 2, 3]]).unwrap_err(), ProposalError::Form);
    }

    #[test]
    fn a_version_follows_the_one_in_the_file() {
        let first = signed_roster(&[1, 2]);
        let held = first.verify(NOW).unwrap();
        let next = Roster { version: 2, prev_hash: held.hash, notices: vec!["next".to_owned()], ..roster() };
        let mut proposal = Proposal::new(next.clone(), Some(first.signed_roster()), Vec::new()).unwrap();
        proposal.sign(&custodian(2)).unwrap();
        proposal.sign(&custodian(3)).unwrap();
        assert_eq!(proposal.verify(NOW).unwrap().roster.version, 2);
        let unfollowed = Roster { prev_hash: [1; 32], ..next.clone() };
        let follows = Err(ProposalError::Follows { before: 1, found: 2 });
        assert_eq!(Proposal::new(unfollowed, Some(first.signed_roster()), Vec::new()).map(|_| ()), follows);
        assert_eq!(Proposal::new(next, None, Vec::new()).map(|_| ()), Err(ProposalError::Follows { before: 0, found: 2 }));
        let unsigned = Proposal::new(roster(), Some(signed_roster(&[1]).signed_roster()), Vec::new());
        assert!(matches!(unsigned, Err(ProposalError::Before(RosterError::Threshold { needed: 2, found: 1 }))));
    }

    #[test]
    fn a_change_of_custodians_needs_both_sides() {
        let first = signed_roster(&[1, 2]);
        let held = first.verify(NOW).unwrap();
        let mut next = Roster { version: 2, prev_hash: held.hash, ..roster() };
        next.custodians.keys[2] = custodian(4).verifying_key().to_bytes();
        let mut proposal = Proposal::new(next, Some(first.signed_roster()), Vec::new()).unwrap();
        for number in [1, 2, 3] {
            proposal.sign(&custodian(number)).unwrap();
        }
        assert_eq!(proposal.signature_count(), SignatureCount { found: 2, needed: 3 });
        assert!(matches!(proposal.verify(NOW), Err(RosterError::RootThreshold { needed: 3, found: 2 })));
        proposal.sign(&custodian(4)).unwrap();
        assert!(proposal.verify(NOW).is_ok());
    }

    #[test]
    fn a_roster_against_the_rules_is_not_proposed() {
        let twice = Roster { members: vec![member("CIR", 1), member("DOR", 1)], ..roster() };
        assert!(matches!(Proposal::new(twice, None, Vec::new()), Err(ProposalError::Roster(RosterError::SharedKey(_)))));
        let quick = Roster { network_id: NetworkId::new("kin-rcrc").unwrap(), ..roster() };
        assert!(matches!(Proposal::new(quick, None, Vec::new()), Err(ProposalError::Roster(RosterError::Pace(_)))));
    }

    #[test]
    fn what_is_no_announcement_is_refused() {
        let mut proposal = signed_roster(&[1]);
        assert_eq!(proposal.add_announcement(&[1, 2]).unwrap_err(), ProposalError::Item { number: 0 });
        let mut items = proposal.to_items();
        items.push(vec![1, 2]);
        assert_eq!(Proposal::from_items(&items).unwrap_err(), ProposalError::Item { number: 2 });
    }
}
