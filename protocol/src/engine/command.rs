//! What a person or program may ask of a node. The control interface carries these as JSON.
//!
//! A reference to a person, case, subject or candidate is a text: the whole id or a unique prefix of at least six
//! characters behind the letter (`K-7h3k9q`).

use serde::{Deserialize, Serialize};

use crate::base::sensitive::reveal;
use crate::base::{AuditId, MemberId, PersonId, Sensitive};
use crate::casework::consent::{ConsentForm, Decision};
use crate::casework::erasure::ErasureBasis;
use crate::casework::outcome::OutcomeKind;
use crate::casework::review::Verdict;
use crate::engine::bundle_out::BundlePlace;
use crate::engine::member_rows::AcceptPolicy;
use crate::person::PersonForm;
use crate::private_match::audit::AuditCounts;
use crate::roster::ReasonCode;

/// One request of a user.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// How the node is.
    Status,
    /// The roster that counts, and what is known of each member.
    RosterShow,
    /// Takes public messages: a roster, key announcements. The first roster needs the fingerprint that the operator typed.
    PublicTake {
        /// Public messages as they stand in a bundle.
        items: Vec<Vec<u8>>,
        /// Text form of the root fingerprint; needed until a roster is held.
        fingerprint: Option<String>,
    },
    /// The public messages that this node holds, for a bundle: the roster first.
    PublicGive,
    /// The next part of a bundle for a member: what waits for it, sealed. Starts with what is public.
    BundlePart {
        /// For whom.
        to: MemberId,
        /// Where the last part ended; none for the first.
        #[serde(default)]
        place: Option<BundlePlace>,
    },
    /// Takes one item of a bundle.
    BundleTake {
        /// A cell or a public message.
        item: Vec<u8>,
        /// True for the first of a file.
        first: bool,
    },
    /// Makes the next operational key and asks for the root key's signature on its announcement.
    KeysRequest,
    /// Coordination node: confirms its roster at once; it does so by itself every day.
    TimestampSign,
    /// Every member on the roster, and what this node decided on it.
    MemberList,
    /// One member.
    MemberShow {
        /// Which.
        member: MemberId,
    },
    /// Refuses a member at this node.
    MemberDeny {
        /// Which.
        member: MemberId,
        /// Why.
        #[serde(default)]
        reason: ReasonCode,
    },
    /// Takes a refusal back.
    MemberAllow {
        /// Which.
        member: MemberId,
    },
    /// Takes in a member that waits.
    MemberAccept {
        /// Which.
        member: MemberId,
    },
    /// What is done about members that a roster lists for the first time.
    MemberPolicy {
        /// Sets it; none shows it.
        #[serde(default)]
        accept: Option<AcceptPolicy>,
    },
    /// Registers one person.
    PersonAdd {
        /// The person.
        form: Box<PersonForm>,
    },
    /// Registers up to `limits::IMPORT_ROWS` people; each row succeeds or fails by itself.
    PersonImport {
        /// The rows.
        rows: Vec<ImportRow>,
    },
    /// Masked lines of registered people.
    PersonList {
        /// Continue after this one.
        after: Option<PersonId>,
        /// At most this many, and at most a page.
        limit: u32,
        /// Records that are the same person as another one as well.
        #[serde(default)]
        merged: bool,
    },
    /// Pairs of records that are one person, as the node found or an operator decided.
    PersonDuplicates {
        /// Pairs that are two people as well.
        all: bool,
        /// Continue after this pair.
        after: Option<(PersonId, PersonId)>,
        /// At most this many, and at most a page.
        limit: u32,
    },
    /// Two records are one person; both are kept, one is shown.
    PersonMerge {
        /// The record that is shown.
        shown: String,
        /// The other one.
        other: String,
    },
    /// Two records are two people: undoes a merge, or what the node proposed.
    PersonUnmerge {
        /// One of the two.
        one: String,
        /// The other.
        other: String,
    },
    /// One person in full; recorded as a view.
    PersonShow {
        /// Which person.
        person: String,
    },
    /// What the erasure of a record would take with it; changes nothing.
    ErasePlan {
        /// Which record: a person's, or a sought person's.
        record: String,
    },
    /// Asks for the erasure of a record; nothing changes until another user runs it.
    EraseRequest {
        /// Which record.
        record: String,
        /// Why.
        basis: ErasureBasis,
    },
    /// Takes a request for an erasure back.
    EraseWithdraw {
        /// Which record.
        record: String,
    },
    /// Erases a record that another user asked to erase.
    EraseRun {
        /// Which record.
        record: String,
    },
    /// Erasures that wait for a second user.
    EraseList,
    /// Opens a case with its subjects.
    CaseOpen {
        /// The case.
        form: Box<CaseForm>,
    },
    /// Masked lines of cases.
    CaseList {
        /// At most this many, and at most a page.
        limit: u32,
    },
    /// One case in full; recorded as a view.
    CaseShow {
        /// Which case.
        case: String,
    },
    /// The enquirer agrees, or does not agree any more, that holders of protected records ask about the case's sought people.
    CaseSought {
        /// Which case.
        case: String,
        /// False takes the agreement back.
        allow: bool,
    },
    /// Closes a case, or one of its subjects: nothing is asked, tested or claimed for it any more.
    CaseClose {
        /// Which case.
        case: String,
        /// Which of its subjects; all, if none.
        #[serde(default)]
        subject: Option<String>,
        /// What came of it.
        outcome: OutcomeKind,
    },
    /// Takes a closing back: the search begins anew.
    CaseReopen {
        /// Which case.
        case: String,
        /// Which of its subjects; all, if none.
        #[serde(default)]
        subject: Option<String>,
    },
    /// What a search would ask, whom, and what each could learn.
    SearchPlan {
        /// Which case.
        case: String,
    },
    /// Queues the search of every subject of a case at every member.
    SearchRun {
        /// Which case.
        case: String,
        /// The plan it follows; refused when the state moved on.
        plan: Option<String>,
    },
    /// How far searches are.
    SearchStatus {
        /// Which case; all, if none.
        case: Option<String>,
    },
    /// Hits that wait for a person's decision.
    SearchHeld,
    /// Claims a held hit.
    SearchClaim {
        /// Which subject.
        subject: String,
        /// At which member.
        owner: MemberId,
    },
    /// Hits of protected records in the sets of sought people; each look is recorded.
    AskHits,
    /// Asks for a claim for a protected record; another user's same command confirms it.
    AskClaim {
        /// Which record.
        person: String,
        /// The member whose set was hit.
        member: MemberId,
    },
    /// Sets the place of a protected record among those that wait to be asked about.
    AskPriority {
        /// Which record.
        person: String,
        /// 0 first, 9 last.
        rank: u8,
    },
    /// How the breaker stands at each member.
    BreakerList,
    /// Lets more cases hit at a member for a time, before automatic claims to it stop.
    BreakerRaise {
        /// Which member.
        member: MemberId,
        /// Cases in 28 days.
        limit: u32,
        /// For so many days, 1 to 90.
        days: u32,
    },
    /// Takes back what was raised, and the flag of a member at which decoys hit.
    BreakerReset {
        /// Which member.
        member: MemberId,
    },
    /// Sends a bag to a member at once; two different users have to say so within a day.
    BagSend {
        /// Which member.
        member: MemberId,
    },
    /// Candidates at this node as holder.
    CandidateList {
        /// At most this many, and at most a page.
        limit: u32,
    },
    /// One candidate side by side; recorded as a view.
    CandidateShow {
        /// Which candidate.
        candidate: String,
    },
    /// A caseworker's verdict on a candidate.
    CandidateReview {
        /// Which candidate.
        candidate: String,
        /// The verdict.
        verdict: Verdict,
        /// Why, in the caseworker's words; never leaves the node.
        #[serde(with = "reveal", default)]
        note: Sensitive<String>,
    },
    /// Asks the seeker's society who the enquirer is, once, after a verdict `same`.
    CandidateAsk {
        /// Which candidate.
        candidate: String,
    },
    /// Questions of holders for the enquirer that wait at this node as seeker.
    QuestionList,
    /// Lets the enquirer's name go to the holder; two different users have to say so.
    QuestionRelease {
        /// Which candidate.
        candidate: String,
    },
    /// Says that the enquirer is not named.
    QuestionRefuse {
        /// Which candidate.
        candidate: String,
    },
    /// What the found person decided.
    ContactConsent {
        /// Which candidate.
        candidate: String,
        /// The decision.
        decision: Decision,
        /// How it was given.
        form: ConsentForm,
        /// The message or contact line that the person agreed to.
        #[serde(with = "reveal", default)]
        text: Sensitive<String>,
    },
    /// Shows, or with `send` sends, what the receiver will see.
    DisclosurePropose {
        /// Which candidate.
        candidate: String,
        /// False: preview only.
        send: bool,
    },
    /// Disclosures that this node received as seeker.
    DisclosureList,
    /// One disclosure in full; recorded as a view. With an outcome: the enquirer has been told.
    DisclosureReceive {
        /// Which candidate (the claim's id).
        candidate: String,
        /// What came of it.
        outcome: Option<OutcomeKind>,
    },
    /// Owner: a part of what a querier asked in an epoch, for an auditor. Repeated until the list is whole.
    AuditReport {
        /// The auditor's challenge.
        challenge: Vec<u8>,
        /// Which part, from 1.
        part: u32,
    },
    /// Querier: takes papers of an audit: its challenge first, the owner's list, the timestamp that draws.
    AuditTake {
        /// Signed messages, as they stand in bundles.
        papers: Vec<Vec<u8>>,
    },
    /// Querier: what stood behind the references that were drawn; personal data, for the auditor's program on the premises.
    AuditOpen {
        /// Which audit.
        audit: AuditId,
        /// From this one of the sample, from 0.
        from: u32,
    },
    /// Querier: signs what the openings showed.
    AuditSign {
        /// Which audit.
        audit: AuditId,
        /// What was found.
        counts: AuditCounts,
    },
    /// Number of audit entries and the head of their chain.
    AuditHead,
    /// Audit entries in order; never personal data.
    AuditList {
        /// From this number.
        from: u64,
        /// At most this many, and at most a page.
        limit: u32,
    },
}

/// One row of an import.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportRow {
    /// Its number in the file, from 1 (the header is row 1 of a file).
    pub row: u64,
    /// The person.
    pub form: PersonForm,
}

/// A tracing case as typed: one enquirer, one or more sought persons, and the safety assessment that must come first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaseForm {
    /// The society's own file number.
    #[serde(with = "reveal")]
    pub label: Sensitive<String>,
    /// Who asks. Its legal basis is the case's.
    pub enquirer: PersonForm,
    /// Who is looked for.
    pub subjects: Vec<SubjectForm>,
    /// Safety assessment with the enquirer: `safe` lets the search begin.
    pub safety: String,
    /// Notes of the assessment; never leave the node.
    #[serde(with = "reveal")]
    pub safety_notes: Sensitive<String>,
    /// Members that must not learn of the search by a claim.
    pub claim_never: Vec<MemberId>,
    /// True: every hit waits for a person.
    pub claim_ask: bool,
    /// True: the enquirer agreed to be found by others who seek the enquirer. Needs consent as the legal basis.
    pub enquirer_findable: bool,
    /// True: the enquirer agreed that members which hold protected records ask about the sought people. Needs consent as the
    /// legal basis.
    pub holders_may_ask: bool,
    /// True: the enquirer agreed that a holder's desk may learn its name, after people there found the same person.
    pub enquirer_named: bool,
}

/// One sought person of a case.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SubjectForm {
    /// What the sought person is to the enquirer: `son`, `mother`, ...
    pub relation: String,
    /// The sought person; the legal basis may be left out.
    pub person: PersonForm,
}
