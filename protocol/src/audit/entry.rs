//! Audit entries and their chain.

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::base::cbor::{self, fixed};
use crate::base::{MemberId, Timestamp, UserId};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Act {
    /// A roster was accepted.
    #[n(1)]
    RosterAccepted,
    /// A person was registered.
    #[n(2)]
    PersonAdded,
    /// A person's record was read in full.
    #[n(3)]
    PersonViewed,
    /// A case was opened.
    #[n(4)]
    CaseOpened,
    /// A case was read in full.
    #[n(5)]
    CaseViewed,
    /// A search was started.
    #[n(6)]
    SearchStarted,
    /// An evaluation was charged to a querier.
    #[n(7)]
    Evaluated,
    /// A claim was sent.
    #[n(8)]
    Claimed,
    /// A claim came and was answered.
    #[n(9)]
    ClaimAnswered,
    /// Attributes of a subject were released to a holder.
    #[n(10)]
    AttributesSent,
    /// A candidate was read side by side.
    #[n(11)]
    CandidateViewed,
    /// A verdict was given.
    #[n(12)]
    Reviewed,
    /// The engine closed a candidate of band `unlikely`.
    #[n(13)]
    ClosedByBand,
    /// A found person's decision was recorded.
    #[n(14)]
    ConsentRecorded,
    /// A disclosure was sent.
    #[n(15)]
    Disclosed,
    /// A disclosure came.
    #[n(16)]
    DisclosureReceived,
    /// A disclosure was read.
    #[n(17)]
    DisclosureViewed,
    /// An outcome was reported or received.
    #[n(18)]
    Outcome,
    /// The records were opened.
    #[n(19)]
    Unlocked,
    /// The records were locked.
    #[n(20)]
    Locked,
    /// A member was suspended by the roster.
    #[n(21)]
    Suspended,
    /// The second person's place: a matter waits for another user.
    #[n(22)]
    SecondAsked,
    /// Two records were said to be one person.
    #[n(23)]
    PersonMerged,
    /// Two records were said to be two people.
    #[n(24)]
    PersonUnmerged,
    /// The key of this owner's next epoch was announced.
    #[n(25)]
    EpochAnnounced,
    /// This owner's epoch rolled.
    #[n(26)]
    EpochRolled,
    /// The key of an epoch that was rolled away from was destroyed.
    #[n(27)]
    EpochDestroyed,
    /// A member showed peers two different announcements of one number.
    #[n(28)]
    SplitView,
    /// The next operational key was made, to be signed by the root key.
    #[n(29)]
    KeyRequested,
    /// A few custodians suspended a member; the id is the last second of it.
    #[n(30)]
    SuspendedForNow,
    /// A member takes part again.
    #[n(31)]
    Readmitted,
    /// A member revoked its own operational key.
    #[n(32)]
    KeyRevoked,
    /// The operator refused a member.
    #[n(33)]
    MemberDenied,
    /// The operator let a member in.
    #[n(34)]
    MemberAllowed,
    /// The operator decided what is done about new members.
    #[n(35)]
    PolicySet,
    /// The list of hits of protected records was read.
    #[n(60)]
    AskHitsViewed,
    /// A protected record got another place among those that wait to be asked about.
    #[n(61)]
    AskPrioritySet,
    /// The enquirer agreed that holders ask about the case's sought people.
    #[n(62)]
    SoughtAllowed,
    /// The enquirer does not agree any more that holders ask.
    #[n(63)]
    SoughtWithdrawn,
    /// The answer to a claim for a protected record came.
    #[n(64)]
    AnswerCame,
    /// What a querier asked in an epoch was listed for an auditor.
    #[n(90)]
    AuditListed,
    /// The papers of an audit came and its sample was drawn.
    #[n(91)]
    AuditTaken,
    /// What an audit's openings showed was signed.
    #[n(92)]
    AuditOpened,
    /// A bundle for a member was made.
    #[n(95)]
    BundleMade,
    /// A bundle was brought.
    #[n(96)]
    BundleTaken,
    /// A subject of a case was closed.
    #[n(70)]
    SubjectClosed,
    /// A closed subject is searched for again.
    #[n(71)]
    SubjectReopened,
    /// A claim was withdrawn, here or at the other side.
    #[n(72)]
    ClaimWithdrawn,
    /// A claim was closed, since its attributes did not come.
    #[n(73)]
    AttributesMissing,
    /// A claim was closed, since its record was erased or is not for the seeker any more.
    #[n(74)]
    ClosedWithRecord,
    /// Automatic claims to a member stopped.
    #[n(75)]
    BreakerOpened,
    /// A supervisor lets more cases hit at a member; the id is their number.
    #[n(76)]
    BreakerRaised,
    /// A supervisor's number, or the flag of a member, was taken back.
    #[n(77)]
    BreakerReset,
    /// A made-up person hit at a member.
    #[n(78)]
    DecoyHit,
    /// The seeker's society was asked for the enquirer.
    #[n(79)]
    EnquirerAsked,
    /// Two users let the name of an enquirer go to a holder.
    #[n(80)]
    EnquirerReleased,
    /// The name of an enquirer was not given.
    #[n(81)]
    EnquirerWithheld,
    /// Two users sent a bag outside the rhythm.
    #[n(82)]
    BagForced,
    /// The coordination node showed two logs.
    #[n(97)]
    LogForked,
    /// A user asked for the erasure of a record.
    #[n(110)]
    ErasureAsked,
    /// The erasure that was asked for was taken back.
    #[n(111)]
    ErasureWithdrawn,
    /// Two users erased a record.
    #[n(112)]
    RecordErased,
}

/// Gives each act its word.
macro_rules! words {
    ($($act:ident => $word:literal,)*) => {
        impl Act {
            /// The word for screens.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$act => $word,)*
                }
            }
        }
    };
}

words! {
    RosterAccepted => "roster_accepted",
    PersonAdded => "person_added",
    PersonViewed => "person_viewed",
    CaseOpened => "case_opened",
    CaseViewed => "case_viewed",
    SearchStarted => "search_started",
    Evaluated => "evaluated",
    Claimed => "claimed",
    ClaimAnswered => "claim_answered",
    AttributesSent => "attributes_sent",
    CandidateViewed => "candidate_viewed",
    Reviewed => "reviewed",
    ClosedByBand => "closed_by_band",
    ConsentRecorded => "consent_recorded",
    Disclosed => "disclosed",
    DisclosureReceived => "disclosure_received",
    DisclosureViewed => "disclosure_viewed",
    Outcome => "outcome",
    Unlocked => "unlocked",
    Locked => "locked",
    Suspended => "suspended",
    SecondAsked => "second_asked",
    PersonMerged => "person_merged",
    PersonUnmerged => "person_unmerged",
    EpochAnnounced => "epoch_announced",
    EpochRolled => "epoch_rolled",
    EpochDestroyed => "epoch_destroyed",
    SplitView => "split_view",
    KeyRequested => "key_requested",
    SuspendedForNow => "suspended_for_now",
    Readmitted => "readmitted",
    KeyRevoked => "key_revoked",
    MemberDenied => "member_denied",
    MemberAllowed => "member_allowed",
    BundleMade => "bundle_made",
    BundleTaken => "bundle_taken",
    PolicySet => "policy_set",
    AskHitsViewed => "ask_hits_viewed",
    AskPrioritySet => "ask_priority_set",
    SoughtAllowed => "sought_allowed",
    SoughtWithdrawn => "sought_withdrawn",
    AnswerCame => "answer_came",
    LogForked => "log_forked",
    AuditListed => "audit_listed",
    AuditTaken => "audit_taken",
    AuditOpened => "audit_opened",
    SubjectClosed => "subject_closed",
    SubjectReopened => "subject_reopened",
    ClaimWithdrawn => "claim_withdrawn",
    AttributesMissing => "attributes_missing",
    ClosedWithRecord => "closed_with_record",
    BreakerOpened => "breaker_opened",
    BreakerRaised => "breaker_raised",
    BreakerReset => "breaker_reset",
    DecoyHit => "decoy_hit",
    EnquirerAsked => "enquirer_asked",
    EnquirerReleased => "enquirer_released",
    EnquirerWithheld => "enquirer_withheld",
    BagForced => "bag_forced",
    ErasureAsked => "erasure_asked",
    ErasureWithdrawn => "erasure_withdrawn",
    RecordErased => "record_erased",
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AuditEntry {
    /// When.
    #[n(1)]
    pub at: Timestamp,
    /// Who; none for the node itself.
    #[n(2)]
    pub user: Option<UserId>,
    /// The second person where an act needs two; the two-person rule fills it.
    #[n(3)]
    pub second: Option<UserId>,
    /// What.
    #[n(4)]
    pub act: Act,
    /// The id that it concerns: random bytes, never personal data.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub about: Vec<u8>,
    /// The member that it concerns.
    #[n(6)]
    pub member: Option<MemberId>,
    /// SHA-256 of the chain before this entry; zeros before the first.
    #[cbor(n(7), with = "fixed")]
    pub previous: [u8; 32],
}
crate::record!(AuditEntry, u64, Audit, 1, Service);

/// The end of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AuditHead {
    /// Entries so far.
    #[n(1)]
    pub entries: u64,
    /// Hash of the chain.
    #[cbor(n(2), with = "fixed")]
    pub head: [u8; 32],
}
crate::record!(AuditHead, (), Audit, 2, Service);

impl AuditHead {
    /// The head of an empty chain.
    #[must_use]
    pub const fn empty() -> Self {
        Self { entries: 0, head: [0; 32] }
    }
}

/// Links an entry to the chain: fills its `previous` and gives its number and the head behind it.
pub fn append(head: &AuditHead, entry: &mut AuditEntry) -> (u64, AuditHead) {
    entry.previous = head.head;
    let hash: [u8; 32] = Sha256::new()
        .chain_update(b"kinmesh/audit-log/1")
        .chain_update(head.head)
        .chain_update(cbor::encode(entry))
        .finalize()
        .into();
    let number = head.entries + 1;
    (number, AuditHead { entries: number, head: hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> AuditEntry {
        AuditEntry {
            at: Timestamp(1),
            user: None,
            second: None,
            act: Act::Claimed,
            about: vec![1; 16],
            member: None,
            previous: [0; 32],
        }
    }

    #[test]
    fn a_changed_entry_changes_every_head_behind_it() {
        let (mut first, mut changed, mut second) = (entry(), entry(), entry());
        changed.act = Act::Disclosed;
        let (_, honest) = append(&AuditHead::empty(), &mut first);
        let (_, forged) = append(&AuditHead::empty(), &mut changed);
        assert_ne!(honest.head, forged.head);
        assert_eq!(append(&honest, &mut second).0, 2);
        assert_eq!(second.previous, honest.head);
    }
}
