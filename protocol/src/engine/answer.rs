//! What a node answers to a command. The control interface carries these as JSON.
//!
//! Lists hold masked lines (id, initials, year, place, state); whole records only in `show`, `review` and `receive`, each
//! of which is recorded as a view.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::sensitive::reveal;
use crate::base::{CaseId, ClaimId, MemberId, NetworkId, PersonId, ProfileId, Sensitive, SubjectId};
use crate::casework::consent::Decision;
use crate::casework::outcome::OutcomeKind;
use crate::casework::review::Verdict;
use crate::linkage::{Band, FieldVerdict};
use crate::person::FormError;

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
    /// To `CaseOpen`.
    CaseOpened {
        /// The case.
        case: CaseId,
        /// Its subjects, in the form's order.
        subjects: Vec<SubjectId>,
        /// For each subject: number of match keys; 0 means too little to match privately.
        keys: Vec<u32>,
    },
    /// To `CaseList`.
    Cases {
        /// Masked lines.
        cases: Vec<CaseLine>,
    },
    /// To `CaseShow`.
    Case(Box<CaseShown>),
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

/// How a node is. No count of hits, no personal data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Member id, or `@coordinator`.
    pub member: String,
    /// Network.
    pub network: Option<NetworkId>,
    /// True for a rehearsal network.
    pub drill: bool,
    /// `open` or `locked`.
    pub custody: String,
    /// Version of the roster that counts; 0 before joining.
    pub roster_version: u64,
    /// `active`, `probation`, `suspended`, `left`, or `none` before joining.
    pub standing: String,
    /// Members besides this one that the roster lets take part.
    pub peers: u32,
    /// How many of them are connected.
    pub peers_up: u32,
    /// True if the coordination node is connected.
    pub coordinator_up: bool,
    /// Matching profile.
    pub profile: Option<ProfileId>,
    /// Epoch of this node's VOPRF key.
    pub epoch: u32,
    /// People registered here.
    pub people: u64,
    /// People that wait to be indexed.
    pub unindexed: u64,
    /// Sets that are built and current, of one a peer.
    pub sets_out: u32,
    /// Sets of others that are held and current.
    pub sets_in: u32,
    /// Members whose held set already covers everything they had announced; one line a member.
    pub sets: Vec<SetLine>,
    /// Cases open here.
    pub cases: u64,
    /// Evaluations asked for and not answered yet.
    pub evaluations_open: u32,
    /// Evaluations answered.
    pub evaluations_done: u32,
    /// Messages that wait for a carrier.
    pub outbox: u32,
}

/// State of the sets between this node and one peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetLine {
    /// The peer.
    pub member: MemberId,
    /// Connected.
    pub up: bool,
    /// Sequence of our set for it that is built, 0 if none.
    pub built_seq: u64,
    /// Sequence that it has confirmed, 0 if none.
    pub confirmed_seq: u64,
    /// Sequence of its set that we hold and have tested, 0 if none.
    pub held_seq: u64,
    /// Prefixes in the set that we hold, padding included.
    pub held_count: u64,
    /// Bytes of the set that we hold.
    pub held_bytes: u64,
    /// True if nothing changed here since our set for it was built.
    pub current: bool,
}

/// The roster in plain words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RosterView {
    /// Network.
    pub network: NetworkId,
    /// Version.
    pub version: u64,
    /// Fingerprint of the custodians' keys, as read out.
    pub fingerprint: String,
    /// Signatures needed.
    pub threshold: u32,
    /// Custodians.
    pub custodians: u32,
    /// Expiry, Unix seconds.
    pub expires: u64,
    /// Members.
    pub members: Vec<MemberLine>,
}

/// One member in plain words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemberLine {
    /// Member id.
    pub member: MemberId,
    /// Name in the first language given.
    pub name: String,
    /// `active`, `probation`, `suspended` or `left`.
    pub status: String,
    /// True if its key announcement is held.
    pub announced: bool,
    /// Connected.
    pub up: bool,
}

/// A person was registered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PersonAdded {
    /// The record.
    pub person: PersonId,
    /// Number of match keys.
    pub keys: u32,
    /// True if there is too little to match privately: the mother's name, a place or a date would help.
    pub too_little: bool,
}

/// What became of one row of an import.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowResult {
    /// Its number in the file.
    pub row: u64,
    /// The record, if it was kept.
    pub added: Option<PersonAdded>,
    /// What was wrong, if it was not.
    pub error: Option<FormError>,
}

/// A registered person, masked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PersonLine {
    /// The record.
    pub person: PersonId,
    /// First letters of the name.
    #[serde(with = "reveal")]
    pub initials: Sensitive<String>,
    /// Year of birth, `~` in front of an estimate.
    #[serde(with = "reveal")]
    pub year: Sensitive<String>,
    /// Last place.
    #[serde(with = "reveal")]
    pub place: Sensitive<String>,
    /// `answer`, `ask_only` or `off`.
    pub match_mode: String,
}

/// A field with its value, for a reader.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShownField {
    /// Name of the field.
    pub field: String,
    /// Its value.
    #[serde(with = "reveal")]
    pub value: Sensitive<String>,
}

/// One person in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PersonShown {
    /// The record.
    pub person: PersonId,
    /// Fields that hold something, in a fixed order.
    pub fields: Vec<ShownField>,
    /// `answer`, `ask_only` or `off`.
    pub match_mode: String,
    /// Who may learn that the record exists.
    pub visible_to: String,
    /// Number of match keys.
    pub keys: u32,
    /// What would help most, if there are few.
    pub advice: Option<String>,
    /// Changes so far.
    pub revision: u32,
}

/// A case, masked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseLine {
    /// The case.
    pub case: CaseId,
    /// The society's own file number.
    #[serde(with = "reveal")]
    pub label: Sensitive<String>,
    /// `draft`, `active` or `closed`.
    pub status: String,
    /// Its subjects.
    pub subjects: Vec<SubjectLine>,
}

/// A sought person, masked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubjectLine {
    /// The subject.
    pub subject: SubjectId,
    /// What the sought person is to the enquirer.
    pub relation: String,
    /// First letters of the name.
    #[serde(with = "reveal")]
    pub initials: Sensitive<String>,
    /// Year of birth.
    #[serde(with = "reveal")]
    pub year: Sensitive<String>,
    /// What the desk may know: `not_searched`, `searching`, `in_review`, `answered`.
    pub state: String,
    /// Outcome, once there is one.
    pub outcome: Option<String>,
}

/// One case in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseShown {
    /// The masked line.
    pub line: CaseLine,
    /// The enquirer's fields.
    pub enquirer: Vec<ShownField>,
    /// Each subject's fields, in the order of the line.
    pub subjects: Vec<Vec<ShownField>>,
    /// Members that must not get a claim.
    pub claim_never: Vec<MemberId>,
}

/// What a search would do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchPlan {
    /// Names the plan; `SearchRun` takes it.
    pub plan: String,
    /// Subjects that would be searched.
    pub subjects: u32,
    /// Elements each member evaluates.
    pub elements: u32,
    /// Members that would be asked.
    pub members: u32,
    /// Members that must not get a claim.
    pub claim_never: Vec<MemberId>,
}

/// How far the search of one subject is. No news is not shown a member.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SearchLine {
    /// The subject.
    pub subject: SubjectId,
    /// Its case.
    pub case: CaseId,
    /// Members asked.
    pub asked: u32,
    /// Members that answered the evaluation.
    pub answered: u32,
    /// Members whose current set was tested.
    pub tested: u32,
    /// What the desk may know of it.
    pub state: String,
}

/// A hit that waits for a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HeldLine {
    /// The subject.
    pub subject: SubjectId,
    /// Its case.
    pub case: CaseId,
    /// The member whose set was hit.
    pub owner: MemberId,
    /// Keys that were hit.
    pub hits: u32,
    /// Why it waits: `one_hit`, `policy`.
    pub reason: String,
}

/// A candidate at the holder, masked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CandidateLine {
    /// The candidate.
    pub candidate: ClaimId,
    /// The seeker.
    pub seeker: MemberId,
    /// Own record it concerns; absent while its attributes have not come.
    pub person: Option<PersonId>,
    /// State: `waiting`, `to_review`, `confirmed`, `closed`, `consented`, `disclosed`, `ended`.
    pub state: String,
    /// Score band; shown once a verdict is given, or where the engine closed it.
    pub band: Option<Band>,
    /// Outcome that the seeker reported.
    pub outcome: Option<String>,
}

/// A candidate side by side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CandidateShown {
    /// The masked line.
    pub line: CandidateLine,
    /// Rows of the comparison.
    pub rows: Vec<CandidateRow>,
    /// Score band.
    pub band: Band,
    /// A parent is shared and the given name is not.
    pub possible_relative: bool,
    /// Verdicts given so far.
    pub verdicts: Vec<Verdict>,
    /// What the found person decided, once recorded.
    pub decision: Option<Decision>,
}

/// One row of the side-by-side table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CandidateRow {
    /// Name of the field.
    pub field: String,
    /// What the seeker's society sent.
    #[serde(with = "reveal")]
    pub sought: Sensitive<String>,
    /// What the own record holds.
    #[serde(with = "reveal")]
    pub registered: Sensitive<String>,
    /// How they compare.
    pub verdict: FieldVerdict,
    /// Why, in a caseworker's words.
    pub reason: String,
}

/// What the receiver of a disclosure will see, exactly.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DisclosureView {
    /// The candidate.
    pub candidate: ClaimId,
    /// The seeker.
    pub seeker: MemberId,
    /// Level.
    pub level: Decision,
    /// Opened fields of the record.
    pub fields: Vec<ShownField>,
    /// Text.
    #[serde(with = "reveal")]
    pub text: Sensitive<String>,
    /// True if it is on its way.
    pub sent: bool,
}

/// A received disclosure, masked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DisclosureLine {
    /// The candidate.
    pub candidate: ClaimId,
    /// Its case.
    pub case: CaseId,
    /// Its subject.
    pub subject: SubjectId,
    /// Level.
    pub level: Decision,
    /// Outcome that was reported, if any.
    pub outcome: Option<OutcomeKind>,
}

/// A received disclosure in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DisclosureShown {
    /// The masked line.
    pub line: DisclosureLine,
    /// The holder.
    pub holder: MemberId,
    /// Opened fields, checked against the commitment made before any attribute was sent.
    pub fields: Vec<ShownField>,
    /// Text.
    #[serde(with = "reveal")]
    pub text: Sensitive<String>,
}

/// An audit entry for a reader.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditLine {
    /// Number, from 1.
    pub number: u64,
    /// Unix seconds.
    pub at: u64,
    /// User, or `node`.
    pub user: String,
    /// What was done.
    pub act: String,
    /// Short form of the id it concerns, if any.
    pub about: Option<String>,
    /// The member it concerns, if any.
    pub member: Option<MemberId>,
}

/// Why a command was not done. Never holds personal data.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "failed", rename_all = "snake_case")]
pub enum Failure {
    /// The records are locked.
    #[error("the records are locked")]
    Locked,
    /// No roster is held yet.
    #[error("this node has not joined a network yet")]
    NotJoined,
    /// This node's role does not do that.
    #[error("a coordination node holds no people and no cases")]
    Role,
    /// Nothing has that id or prefix.
    #[error("nothing has this id")]
    Unknown,
    /// Several things have that prefix.
    #[error("several ids start like this: type more of it")]
    Ambiguous,
    /// A prefix of fewer than six characters, or another kind's letter.
    #[error("not an id of this kind: a letter, a dash and at least six characters")]
    NotAnId,
    /// A field of a form is wrong.
    #[error("{0}")]
    Form(FormError),
    /// The case lacks something that must come before a search.
    #[error("{0}")]
    Blocked(Block),
    /// The state moved on since the plan or view was made.
    #[error("the state changed meanwhile")]
    Stale,
    /// The thing is not in the state that this needs.
    #[error("not possible in state {state}")]
    State {
        /// State it is in.
        state: String,
    },
    /// A public message was refused.
    #[error("{0}")]
    Public(PublicProblem),
    /// This node is suspended.
    #[error("this member is suspended")]
    Suspended,
    /// A list is longer than its limit.
    #[error("more than {limit} items")]
    TooMany {
        /// The limit.
        limit: u32,
    },
    /// The store did not take the change: it is full or failing. Nothing was changed.
    #[error("the store did not take the change; nothing was changed")]
    Store,
    /// A stored value is damaged.
    #[error("a stored value is damaged")]
    Damaged,
    /// Too many commands are open.
    #[error("too many commands are open")]
    Busy,
}

/// What blocks a search or disclosure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// No safety assessment that says `safe`.
    #[error("the safety assessment does not say that the search is safe")]
    Safety,
    /// No sought person.
    #[error("the case has no sought person")]
    NoSubject,
    /// No consent for this.
    #[error("the person has not agreed to this")]
    NoConsent,
    /// Policy of the case.
    #[error("the case forbids a claim at this member")]
    Policy,
}

/// Why a public message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublicProblem {
    /// The fingerprint was not given, and no roster is held yet.
    #[error("type the root fingerprint that you were given")]
    FingerprintNeeded,
    /// The fingerprint is not one.
    #[error("not a fingerprint: eight groups of four characters")]
    FingerprintForm,
    /// The roster's custodians are not those of the fingerprint.
    #[error("the custodians' keys are not those of this fingerprint")]
    FingerprintWrong,
    /// Not signed by enough custodians.
    #[error("not signed by enough custodians")]
    Signatures,
    /// Older than the roster that is held.
    #[error("older than the roster that is held")]
    Rollback,
    /// Another roster of the same version: a split view.
    #[error("another roster of the same version: keep both files and tell the custodians")]
    SplitView,
    /// Expired.
    #[error("expired")]
    Expired,
    /// Of another network.
    #[error("of another network")]
    Network,
    /// This node's member, root key or profile is not as the roster says.
    #[error("this node is not listed in it with its keys")]
    NotListed,
    /// Another matching profile than this release's.
    #[error("asks for another matching profile than this release has")]
    Profile,
    /// Not well formed.
    #[error("not well formed")]
    Form,
}
