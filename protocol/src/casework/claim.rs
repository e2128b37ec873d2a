//! A claim at both sides: two persisted life cycles, each a table of states and events.
//!
//! The seeker's side never learns why a claim ended without a disclosure; the holder's side draws every delay before it
//! looks anything up (protocol.md 2.8, 2.9).

use minicbor::{Decode, Encode};

use crate::base::cbor::{fixed, fixed_list};
use crate::base::{CaseId, CaseRef, ClaimId, Epoch, MemberId, PersonId, SubjectId, Timestamp, UserId};
use crate::casework::messages::CLAIM_ROOT;
use crate::casework::outcome::OutcomeKind;
use crate::private_match::label::{Family, Tag};

/// A claim in which this node is the seeker: one that it made, or a holder's that met a subject.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct ClaimOut {
    /// Whose record was hit.
    #[n(1)]
    pub holder: MemberId,
    /// The subject it is for.
    #[n(2)]
    pub subject: SubjectId,
    /// Its case.
    #[n(3)]
    pub case: CaseId,
    /// State.
    #[n(4)]
    pub state: SeekerState,
    /// The 32 leaves of this claim's commitment, ascending: field leaves and drawn ones.
    #[cbor(n(5), with = "fixed_list")]
    pub leaves: Vec<[u8; 32]>,
    /// The holder's three roots, once it answered `candidate`; the root of its claim, where it claimed.
    #[cbor(n(6), with = "fixed_list")]
    pub roots: Vec<[u8; 32]>,
    /// Epoch of its tags.
    #[n(7)]
    pub epoch: Epoch,
    /// Who claimed: this node in `registered`, the holder in `sought`.
    #[n(20)]
    pub family: Family,
    /// Which root the attributes open: 3 for the claim's own, 0 to 2 for one of this node's answer.
    #[n(21)]
    pub root_index: u8,
    /// True once it was signed for a bag; until then it waits for the holder's caps to leave room.
    #[n(16)]
    pub left: bool,
    /// When it was made.
    #[n(17)]
    pub made: Timestamp,
    /// The holder's question for the enquirer, once it came.
    #[n(18)]
    pub question: Option<Question>,
    /// When the holder's `candidate` came.
    #[n(19)]
    pub acknowledged: Option<Timestamp>,
}
crate::record!(ClaimOut, ClaimId, Claims, 1, Service);

/// A holder's question for the enquirer, at the seeker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Question {
    /// When it came.
    #[n(1)]
    pub came: Timestamp,
    /// The first of the two users who let the name go.
    #[n(2)]
    pub first: Option<UserId>,
    /// True once the supplement was put into the outbox.
    #[n(3)]
    pub answered: bool,
}

/// Where a claim stands at the seeker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum SeekerState {
    /// The claim waits for a bag or is under way.
    #[n(1)]
    Claimed,
    /// The holder answered `candidate`; attributes wait for an unlocked node.
    #[n(2)]
    Acknowledged,
    /// Attributes are on their way; people at the holder decide.
    #[n(3)]
    InReview,
    /// A disclosure came and fits its commitment.
    #[n(4)]
    Disclosed,
    /// An outcome was reported.
    #[n(5)]
    Ended,
    /// Nothing came of it.
    #[n(6)]
    Closed,
}

/// What can happen to a claim at the seeker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekerEvent {
    /// Answer `none`.
    AnsweredNone,
    /// Answer `candidate`.
    AnsweredCandidate,
    /// The attributes were put into the outbox.
    AttributesSent,
    /// The holder closed it.
    Closed,
    /// A disclosure that fits its commitment.
    Disclosed,
    /// The desk reported an outcome.
    Reported,
    /// This desk closed the subject, or the holder's withdrew.
    Withdrawn,
}

impl SeekerState {
    // ST-1.
    /// The next state, or none if the event has no place here (`E_STATE`).
    #[must_use]
    pub const fn next(self, event: SeekerEvent) -> Option<SeekerState> {
        match (self, event) {
            (Self::Claimed, SeekerEvent::AnsweredNone) => Some(Self::Closed),
            (Self::Claimed, SeekerEvent::AnsweredCandidate) => Some(Self::Acknowledged),
            (Self::Acknowledged, SeekerEvent::AttributesSent) => Some(Self::InReview),
            (Self::Acknowledged | Self::InReview, SeekerEvent::Closed) => Some(Self::Closed),
            (Self::InReview, SeekerEvent::Disclosed) => Some(Self::Disclosed),
            (Self::Disclosed, SeekerEvent::Reported) => Some(Self::Ended),
            (Self::Claimed | Self::Acknowledged | Self::InReview, SeekerEvent::Withdrawn) => Some(Self::Closed),
            _ => None,
        }
    }
}

/// A claim in which this node is the holder: one that it got, or one that its people made for a protected record.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct ClaimIn {
    /// Who claims.
    #[n(1)]
    pub seeker: MemberId,
    /// The seeker's pseudonym of its subject.
    #[n(2)]
    pub case_ref: CaseRef,
    /// Epoch of the tags.
    #[n(3)]
    pub epoch: Epoch,
    /// The tags, strongest first.
    #[n(4)]
    pub tags: Vec<Tag>,
    /// The claimant's commitment: the seeker's, or this node's own.
    #[cbor(n(5), with = "fixed")]
    pub attr_root: [u8; 32],
    /// State.
    #[n(6)]
    pub state: HolderState,
    /// The own record it concerns. A row of a miss is as long as one of a hit: its size on the disk must not tell them apart.
    #[cbor(n(7), with = "level_person", has_nil)]
    pub person: Option<PersonId>,
    /// The three roots that were sent, or that the seeker sent.
    #[cbor(n(8), with = "fixed_list")]
    pub roots: Vec<[u8; 32]>,
    /// Which root is the record's: one of them, or 3 for the claim's own.
    #[n(9)]
    pub root_index: u8,
    /// The 32 leaves of the record's root, ascending.
    #[cbor(n(10), with = "fixed_list")]
    pub leaves: Vec<[u8; 32]>,
    /// Not before this time may `closed` leave, drawn when the attributes came.
    #[n(11)]
    pub close_not_before: Timestamp,
    /// When the claim came.
    #[n(12)]
    pub received: Timestamp,
    /// What the seeker reported at the end.
    #[n(13)]
    pub outcome: Option<OutcomeKind>,
    /// The family member of the own record whom the claim met, by its place there; none where it met the person itself.
    #[cbor(n(14), with = "level_mention", has_nil)]
    pub mention: Option<u8>,
    /// Who claimed: the seeker in `registered`, this node in `sought`.
    #[n(20)]
    pub family: Family,
    /// True if it came beyond the caps of its pair: it meets nothing.
    #[n(16)]
    pub beyond: bool,
    /// True once the enquirer was asked for.
    #[n(17)]
    pub asked: bool,
    /// True once the supplement came.
    #[n(18)]
    pub supplemented: bool,
    /// Which root the seeker's attributes opened, once they came: a supplement opens the same.
    #[n(19)]
    pub opened: Option<u8>,
}
crate::record!(ClaimIn, ClaimId, Claims, 2, Service);

impl ClaimIn {
    /// The seeker's commitment under an index: its claim's root (3), or one of the three of its answer to a holder's claim
    /// (protocol.md 2.8); none where the index names no root of the seeker's.
    #[must_use]
    pub fn seekers_root(&self, index: u8) -> Option<&[u8; 32]> {
        match self.family {
            Family::Registered => Some(&self.attr_root).filter(|_| index == CLAIM_ROOT),
            Family::Sought => self.roots.get(usize::from(index)),
        }
    }
}

/// A record's id, or as many zeros: no id is drawn as zeros.
mod level_person {
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};

    use crate::base::PersonId;

    pub(super) fn encode<C, W: Write>(
        person: &Option<PersonId>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.bytes(&person.map_or([0; 16], |person| person.0))?.ok()
    }

    pub(super) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Option<PersonId>, DecodeError> {
        let id = <[u8; 16]>::try_from(d.bytes()?).map_err(|_| DecodeError::message("person"))?;
        Ok(Some(PersonId(id)).filter(|_| id != [0; 16]))
    }

    /// Written out whatever it is.
    pub(super) const fn is_nil(_: &Option<PersonId>) -> bool {
        false
    }

    pub(super) const fn nil() -> Option<Option<PersonId>> {
        None
    }
}

/// A place in a record's list of at most 16 family members, counted from 1; 0 for none.
mod level_mention {
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};

    pub(super) fn encode<C, W: Write>(mention: &Option<u8>, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.u8(mention.map_or(0, |place| place.saturating_add(1)))?.ok()
    }

    pub(super) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Option<u8>, DecodeError> {
        Ok(d.u8()?.checked_sub(1))
    }

    /// Written out whatever it is.
    pub(super) const fn is_nil(_: &Option<u8>) -> bool {
        false
    }

    pub(super) const fn nil() -> Option<Option<u8>> {
        None
    }
}

/// Where a claim stands at the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum HolderState {
    /// Its answer's delay runs; nothing was looked up.
    #[n(1)]
    Delayed,
    /// Answered `none`; kept so that the same claim gets the same answer.
    #[n(2)]
    None,
    /// Answered `candidate`; the attributes have not come.
    #[n(3)]
    AwaitAttributes,
    /// A caseworker has to look at it, or the node has to be unlocked first.
    #[n(4)]
    InReview,
    /// A caseworker found that both are one person.
    #[n(5)]
    Confirmed,
    /// The found person decided what may be told.
    #[n(6)]
    Consented,
    /// The disclosure is on its way.
    #[n(7)]
    Disclosed,
    /// The seeker reported an outcome.
    #[n(8)]
    Ended,
    /// Closed; the word leaves at its drawn time.
    #[n(9)]
    Closed,
    /// This node claimed for a protected record; the seeker has not answered.
    #[n(20)]
    Claimed,
    /// The seeker withdrew it.
    #[n(16)]
    Withdrawn,
}

/// What can happen to a claim at the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolderEvent {
    /// The lookup, here or at the seeker, found nothing that the other side may see.
    FoundNone,
    /// The lookup found something.
    FoundRecord,
    /// Attributes came that open the seeker's commitment.
    Attributes,
    /// The engine or a caseworker says that it is another person, or the person wants nothing told.
    Close,
    /// A caseworker says that both are one person.
    Same,
    /// The person decided what may be told.
    Consent,
    /// The disclosure was put into the outbox.
    Disclose,
    /// The seeker reported an outcome.
    Outcome,
    /// The seeker withdrew it.
    Withdrawn,
}

impl HolderState {
    // ST-2.
    /// The next state, or none if the event has no place here.
    #[must_use]
    pub const fn next(self, event: HolderEvent) -> Option<HolderState> {
        match (self, event) {
            (Self::Delayed | Self::Claimed, HolderEvent::FoundNone) => Some(Self::None),
            (Self::Delayed | Self::Claimed, HolderEvent::FoundRecord) => Some(Self::AwaitAttributes),
            (Self::AwaitAttributes, HolderEvent::Attributes) => Some(Self::InReview),
            (Self::InReview, HolderEvent::Same) => Some(Self::Confirmed),
            (Self::InReview | Self::Confirmed | Self::Consented | Self::AwaitAttributes, HolderEvent::Close) => {
                Some(Self::Closed)
            }
            (Self::Confirmed, HolderEvent::Consent) => Some(Self::Consented),
            (Self::Consented, HolderEvent::Disclose) => Some(Self::Disclosed),
            (Self::Disclosed, HolderEvent::Outcome) => Some(Self::Ended),
            (
                Self::Delayed | Self::AwaitAttributes | Self::InReview | Self::Confirmed | Self::Consented,
                HolderEvent::Withdrawn,
            ) => Some(Self::Withdrawn),
            _ => None,
        }
    }

    /// The word for screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delayed | Self::None | Self::AwaitAttributes | Self::Claimed => "waiting",
            Self::InReview => "to_review",
            Self::Confirmed => "confirmed",
            Self::Consented => "consented",
            Self::Disclosed => "disclosed",
            Self::Ended => "ended",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEKER_STATES: [SeekerState; 6] = [
        SeekerState::Claimed,
        SeekerState::Acknowledged,
        SeekerState::InReview,
        SeekerState::Disclosed,
        SeekerState::Ended,
        SeekerState::Closed,
    ];
    const SEEKER_EVENTS: [SeekerEvent; 7] = [
        SeekerEvent::AnsweredNone,
        SeekerEvent::AnsweredCandidate,
        SeekerEvent::AttributesSent,
        SeekerEvent::Closed,
        SeekerEvent::Disclosed,
        SeekerEvent::Reported,
        SeekerEvent::Withdrawn,
    ];
    const HOLDER_STATES: [HolderState; 11] = [
        HolderState::Delayed,
        HolderState::None,
        HolderState::AwaitAttributes,
        HolderState::InReview,
        HolderState::Confirmed,
        HolderState::Consented,
        HolderState::Disclosed,
        HolderState::Ended,
        HolderState::Closed,
        HolderState::Claimed,
        HolderState::Withdrawn,
    ];
    const HOLDER_EVENTS: [HolderEvent; 9] = [
        HolderEvent::FoundNone,
        HolderEvent::FoundRecord,
        HolderEvent::Attributes,
        HolderEvent::Close,
        HolderEvent::Same,
        HolderEvent::Consent,
        HolderEvent::Disclose,
        HolderEvent::Outcome,
        HolderEvent::Withdrawn,
    ];

    // ST-1.
    #[test]
    fn the_seekers_table_has_exactly_these_edges() {
        let edges: Vec<String> = SEEKER_STATES
            .iter()
            .flat_map(|state| SEEKER_EVENTS.iter().map(move |event| (state, event)))
            .filter_map(|(state, event)| state.next(*event).map(|next| format!("{state:?} {event:?} {next:?}")))
            .collect();
        assert_eq!(
            edges,
            [
                "Claimed AnsweredNone Closed",
                "Claimed AnsweredCandidate Acknowledged",
                "Claimed Withdrawn Closed",
                "Acknowledged AttributesSent InReview",
                "Acknowledged Closed Closed",
                "Acknowledged Withdrawn Closed",
                "InReview Closed Closed",
                "InReview Disclosed Disclosed",
                "InReview Withdrawn Closed",
                "Disclosed Reported Ended",
            ]
        );
    }

    // ST-2.
    #[test]
    fn the_holders_table_has_exactly_these_edges() {
        let edges: Vec<String> = HOLDER_STATES
            .iter()
            .flat_map(|state| HOLDER_EVENTS.iter().map(move |event| (state, event)))
            .filter_map(|(state, event)| state.next(*event).map(|next| format!("{state:?} {event:?} {next:?}")))
            .collect();
        assert_eq!(
            edges,
            [
                "Delayed FoundNone None",
                "Delayed FoundRecord AwaitAttributes",
                "Delayed Withdrawn Withdrawn",
                "AwaitAttributes Attributes InReview",
                "AwaitAttributes Close Closed",
                "AwaitAttributes Withdrawn Withdrawn",
                "InReview Close Closed",
                "InReview Same Confirmed",
                "InReview Withdrawn Withdrawn",
                "Confirmed Close Closed",
                "Confirmed Consent Consented",
                "Confirmed Withdrawn Withdrawn",
                "Consented Close Closed",
                "Consented Disclose Disclosed",
                "Consented Withdrawn Withdrawn",
                "Disclosed Outcome Ended",
                "Claimed FoundNone None",
                "Claimed FoundRecord AwaitAttributes",
            ]
        );
    }
}
