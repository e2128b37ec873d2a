//! One answer a command.

use serde::{Deserialize, Serialize};

use crate::base::sensitive::reveal;
use crate::base::{AuditId, CaseId, ClaimId, MemberId, PersonId, Sensitive, SubjectId, UserId};
use crate::casework::outcome::OutcomeKind;
use crate::engine::answer::{
    AskHitLine, AskingLine, AuditLine, BreakerLine, CandidateLine, CandidateShown, CaseLine, CaseShown, DisclosureLine,
    DisclosureShown, DisclosureView, Duplicates, ErasureLine, ErasureView, HeldLine, KeysRequested, MemberView, NodeStatus,
    PersonAdded, PersonLine, PersonShown, QuestionLine, RosterView, RowResult, SearchLine, SearchPlan,
};
use crate::engine::bundle_in::BundleOutcome;
use crate::engine::bundle_out::{BundlePlace, CarryProblem};
use crate::engine::member_rows::AcceptPolicy;
use crate::linkage::Advice;

/// The answer to a command.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Answer {
    /// To `Status`.
    Status(Box<NodeStatus>),
    /// To `RosterShow`.
    Roster(Box<RosterView>),
    /// To `PublicTake`.
    PublicTaken {
        /// Messages that changed something.
        accepted: u32,
        /// Messages that were known already.
        known: u32,
        /// Version of the roster that counts now.
        roster_version: u64,
    },
    /// To `PublicGive`.
    Public {
        /// Public messages, the roster first.
        items: Vec<Vec<u8>>,
    },
    /// To `BundlePart`.
    BundlePart {
        /// Cells and public messages, in the order of the file.
        items: Vec<Vec<u8>>,
        /// Where the next part begins; none after the last.
        next: Option<BundlePlace>,
        /// Milliseconds after which the next part may be there: a request's elements are being made.
        wait_ms: u32,
        /// Why the bundle holds public messages alone.
        only_public: Option<CarryProblem>,
        /// Unix seconds.
        made: u64,
    },
    /// To `BundleTake`.
    BundleTaken {
        /// What became of the item.
        outcome: BundleOutcome,
    },
    /// To `KeysRequest`.
    KeysRequested(Box<KeysRequested>),
    /// To `TimestampSign`.
    Timestamp {
        /// The roster that it confirms.
        roster_version: u64,
        /// Unix seconds.
        signed: u64,
        /// Unix seconds until which it is passed on.
        until: u64,
        /// The message, to be carried by hand where no link is.
        message: Vec<u8>,
    },
    /// To `MemberList`.
    Members {
        /// What is done about members that are listed for the first time.
        policy: AcceptPolicy,
        /// In ascending id.
        members: Vec<MemberView>,
    },
    /// To `MemberShow`, `MemberDeny`, `MemberAllow` and `MemberAccept`.
    Member(Box<MemberView>),
    /// To `MemberPolicy`.
    MemberPolicy {
        /// What counts.
        policy: AcceptPolicy,
    },
    /// To `PersonAdd`.
    PersonAdded(PersonAdded),
    /// To `PersonImport`.
    Imported {
        /// One result a row, in order.
        rows: Vec<RowResult>,
    },
    /// To `PersonList`.
    People {
        /// Masked lines.
        people: Vec<PersonLine>,
        /// Where the next page starts, if there is one.
        next: Option<PersonId>,
    },
    /// To `PersonShow`.
    Person(Box<PersonShown>),
    /// To `PersonDuplicates`.
    Duplicates(Box<Duplicates>),
    /// To `PersonMerge`.
    Merged {
        /// The record that is shown.
        shown: PersonId,
        /// The record that is the same person.
        other: PersonId,
    },
    /// To `PersonUnmerge`.
    Unmerged {
        /// One of the two.
        one: PersonId,
        /// The other.
        other: PersonId,
    },
    /// To `ErasePlan`, `EraseRequest`, `EraseWithdraw` and `EraseRun`.
    Erasure(Box<ErasureView>),
    /// To `EraseList`.
    Erasures {
        /// Those that wait for a second user.
        erasures: Vec<ErasureLine>,
    },
    /// To `CaseOpen`.
    CaseOpened {
        /// The case.
        case: CaseId,
        /// Its subjects, in the form's order.
        subjects: Vec<SubjectId>,
        /// For each subject: number of match keys; 0 means too little to match privately.
        keys: Vec<u32>,
        /// For each subject: the missing field that would help most, if there are few keys.
        advice: Vec<Option<Advice>>,
    },
    /// To `CaseList`.
    Cases {
        /// Masked lines.
        cases: Vec<CaseLine>,
    },
    /// To `CaseShow`.
    Case(Box<CaseShown>),
    /// To `CaseClose`.
    CaseClosed {
        /// The case.
        case: CaseId,
        /// The subjects that ended with it.
        subjects: Vec<SubjectId>,
        /// How.
        outcome: OutcomeKind,
    },
    /// To `CaseReopen`.
    CaseReopened {
        /// The case.
        case: CaseId,
        /// The subjects that are searched for again.
        subjects: Vec<SubjectId>,
    },
    /// To `SearchPlan`.
    SearchPlan(SearchPlan),
    /// To `SearchRun`.
    SearchStarted {
        /// Evaluations queued: subjects times members.
        queued: u32,
        /// Members connected at this moment.
        members_up: u32,
        /// Members that are not; their part goes on by itself.
        members_down: u32,
    },
    /// To `SearchStatus`.
    Searches {
        /// One line a subject.
        subjects: Vec<SearchLine>,
        /// Protected records that are asked about, where all searches are shown.
        asking: Option<AskingLine>,
    },
    /// To `SearchHeld`.
    Held {
        /// Hits that wait.
        hits: Vec<HeldLine>,
    },
    /// To `SearchClaim`.
    Claimed {
        /// The claim that goes out with the next bag.
        claim: ClaimId,
    },
    /// To `CaseSought`.
    CaseSought {
        /// The case.
        case: CaseId,
        /// Whether holders may ask about its sought people.
        holders_may_ask: bool,
    },
    /// To `AskHits`.
    AskHits {
        /// Hits of protected records.
        hits: Vec<AskHitLine>,
    },
    /// To `AskClaim`: a second person has to say so too.
    SecondNeeded {
        /// The record.
        person: PersonId,
        /// The member that would get the claim.
        member: MemberId,
        /// The first of the two.
        asked_by: UserId,
    },
    /// To `AskPriority`.
    AskPriority {
        /// The record.
        person: PersonId,
        /// Its place, 0 first.
        rank: u8,
    },
    /// To `BreakerList`, `BreakerRaise` and `BreakerReset`.
    Breakers {
        /// One line a member.
        breakers: Vec<BreakerLine>,
    },
    /// To `BagSend`.
    Bag {
        /// The member.
        member: MemberId,
        /// False: another user has to agree first.
        sent: bool,
    },
    /// To `CandidateList`.
    Candidates {
        /// Masked lines.
        candidates: Vec<CandidateLine>,
    },
    /// To `CandidateShow`.
    Candidate(Box<CandidateShown>),
    /// To `CandidateReview`.
    Reviewed {
        /// The candidate.
        candidate: ClaimId,
        /// What it is now.
        state: String,
    },
    /// To `CandidateAsk`.
    EnquirerAsked {
        /// The candidate.
        candidate: ClaimId,
    },
    /// To `QuestionList`.
    Questions {
        /// Questions that wait.
        questions: Vec<QuestionLine>,
    },
    /// To `QuestionRelease` and `QuestionRefuse`.
    Question {
        /// The candidate.
        candidate: ClaimId,
        /// `second_person`: another user has to agree. `sent`, or `not_given`.
        state: String,
    },
    /// To `ContactConsent`.
    ConsentRecorded {
        /// The candidate.
        candidate: ClaimId,
        /// What it is now.
        state: String,
    },
    /// To `DisclosurePropose`.
    Disclosure(DisclosureView),
    /// To `DisclosureList`.
    Disclosures {
        /// Masked lines.
        disclosures: Vec<DisclosureLine>,
    },
    /// To `DisclosureReceive`.
    DisclosureShown(Box<DisclosureShown>),
    /// To `AuditReport` while the list is being made: ask again.
    AuditListing {
        /// References so far.
        refs: u32,
    },
    /// To `AuditReport` and `AuditSign`.
    AuditPart {
        /// Parts in all.
        parts: u32,
        /// The signed message.
        message: Vec<u8>,
    },
    /// To `AuditTake`.
    AuditTaken {
        /// The audit.
        audit: AuditId,
        /// Whose list it is.
        owner: MemberId,
        /// Parts of the list that came.
        here: u32,
        /// Parts of the list; 0 before the first.
        parts: u32,
        /// References that are to be opened; none before everything came.
        sample: Option<u32>,
    },
    /// To `AuditOpen`.
    AuditOpened {
        /// Openings in hexadecimal; a reference of which the node knows nothing has none.
        #[serde(with = "reveal")]
        openings: Sensitive<Vec<String>>,
        /// Where the next ones start, if there are more.
        next: Option<u32>,
        /// The whole sample: references and hashes of their elements, in hexadecimal.
        sample: Vec<(String, String)>,
    },
    /// To `AuditHead`.
    AuditHead {
        /// Entries so far.
        entries: u64,
        /// SHA-256 chain head, hex.
        head: String,
    },
    /// To `AuditList`.
    Audit {
        /// Entries in order.
        entries: Vec<AuditLine>,
    },
}
