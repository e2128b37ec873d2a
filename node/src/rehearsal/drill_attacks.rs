//! What the thief tries at every other node, and what became of it.
//!
//! The drill calls it. An attack counts as refused only by what the node itself shows: its receipt, the status in its answer,
//! or its desk's list of candidates. One claim of a visible record is made as well and must succeed: it shows that the thief's
//! tools are good.

use std::collections::BTreeSet;
use std::time::Duration;

use kinmesh_protocol::base::limits::{CASES_A_REQUEST, KEYS_A_RECORD};
use kinmesh_protocol::base::{CaseRef, ClaimId, Epoch, MemberId, Sensitive, cbor};
use kinmesh_protocol::casework::messages::{Claim, ClaimAnswer, ClaimStatus, kind as casework};
use kinmesh_protocol::envelope::{CellKind, sign};
use kinmesh_protocol::linkage::profile_id;
use kinmesh_protocol::private_match::input::{key_input, positions};
use kinmesh_protocol::private_match::oprf::{blind, finalize, pk_hash};
use kinmesh_protocol::private_match::{Element, EvalCase, EvalMode, EvalRequest, EvalResponse, EvalStatus, Family, Tag, tag};
use kinmesh_protocol::roster::{PublicGet, assemble, payload_hash, sign_roster};

use crate::network::SendOutcome;
use crate::rehearsal::drill_people::{HIDDEN, keys_of, person};
use crate::rehearsal::drill_report::Tally;
use crate::rehearsal::drill_thief::Thief;
use crate::rehearsal::errors::RehearsalError;

/// Message types of evaluations.
const EVAL_REQUEST: u64 = 30;
const EVAL_RESPONSE: u64 = 31;
/// Message type of a key announcement.
const ANNOUNCEMENT: u64 = 12;
/// Message type of a question for public messages.
const PUBLIC_GET: u64 = 15;
/// How long an answer to an evaluation may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Requests of the largest size: more than a week's budget of the class together.
const REQUESTS: usize = 2;

/// A victim and what the thief has there.
pub struct Victim {
    /// Which member.
    pub member: MemberId,
    /// Its place among the societies.
    pub place: usize,
    hidden: Option<[Tag; 2]>,
    visible: Option<[Tag; 2]>,
    epoch: Epoch,
    paid: Option<CaseRef>,
    claims: Vec<(ClaimId, Kind)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Random,
    Hidden,
    Visible,
}

impl Victim {
    /// A member that was not attacked yet.
    #[must_use]
    pub fn new(member: MemberId, place: usize) -> Self {
        Self { member, place, hidden: None, visible: None, epoch: Epoch(0), paid: None, claims: Vec::new() }
    }

    /// The claim of a record that the thief may learn of.
    #[must_use]
    pub fn good_claim(&self) -> Option<ClaimId> {
        self.claims.iter().find(|(_, kind)| *kind == Kind::Visible).map(|(claim, _)| *claim)
    }

    /// Claims that must not become candidates.
    pub fn bad_claims(&self) -> impl Iterator<Item = ClaimId> + '_ {
        self.claims.iter().filter(|(_, kind)| *kind != Kind::Visible).map(|(claim, _)| *claim)
    }
}

/// The thief has two people of the victim evaluated, whom it knows from elsewhere: one that it may learn of, one not.
///
/// # Errors
/// [`RehearsalError`] if the answer does not come: without it nothing later would show anything.
pub async fn know(thief: &mut Thief, victim: &mut Victim) -> Result<(), RehearsalError> {
    let wrong = |what: &str| RehearsalError::Request { node: victim.member.to_string(), what: what.to_owned() };
    let mut inputs = Vec::new();
    let mut refs = Vec::new();
    for number in [HIDDEN, HIDDEN + 1] {
        let keys = keys_of(person(victim.place, number, None))?;
        let own: Vec<Vec<u8>> =
            keys.iter().map(|key| key_input(&profile_id(), &victim.member, &key.class(), key.label()).expose().clone()).collect();
        let case_ref = CaseRef(thief.draw.bytes());
        refs.push(case_ref);
        inputs.extend(positions(&Sensitive::new(thief.draw.bytes()), &victim.member, &case_ref, &own));
    }
    let blinds: Vec<Sensitive<[u8; 64]>> = inputs.iter().map(|_| Sensitive::new(thief.draw.bytes())).collect();
    let elements: Vec<Element> = inputs.iter().zip(&blinds).filter_map(|(input, bits)| blind(input, bits).ok()).collect();
    let batch = refs
        .iter()
        .zip(elements.chunks(KEYS_A_RECORD))
        .map(|(case_ref, elements)| EvalCase::new(*case_ref, EvalMode::New, elements))
        .collect();
    let Some((epoch, response)) = evaluate(thief, victim, batch).await else { return Err(wrong("no evaluation for the thief")) };
    let evaluated: Vec<Element> = response.batch.iter().flat_map(|case| case.elements()).collect();
    let proof = response.proof().ok_or_else(|| wrong("no proof"))?;
    let outputs = finalize(&response.pk, &inputs, &blinds, &evaluated, &proof).map_err(|_| wrong("a wrong evaluation"))?;
    let two = |from: usize| match outputs.get(from..from + 2) {
        Some([first, second]) => Some([tag(first), tag(second)]),
        _ => None,
    };
    victim.hidden = two(0);
    victim.visible = two(KEYS_A_RECORD);
    victim.epoch = epoch;
    victim.paid = refs.first().copied();
    Ok(())
}

/// Asks for an evaluation and waits for its answer.
async fn evaluate(thief: &mut Thief, victim: &Victim, batch: Vec<EvalCase>) -> Option<(Epoch, EvalResponse)> {
    let voprf = thief.announced(&victim.member)?.voprf;
    let asked: BTreeSet<CaseRef> = batch.iter().map(|case| case.case_ref).collect();
    let request = EvalRequest { epoch: voprf.epoch, pk_hash: pk_hash(&voprf.pk), batch, family: Family::Registered };
    let (from, now) = (thief.member, thief.now().seconds());
    let cell = thief.cell(from, victim.member, (CellKind::Eval, EVAL_REQUEST), &cbor::encode(&request), now)?;
    if thief.send(&victim.member, cell).await != SendOutcome::Committed {
        return None;
    }
    let answer = |thief: &Thief| {
        let own = thief.received.iter().filter(|(from, message)| *from == victim.member && message.header.kind == EVAL_RESPONSE);
        own.filter_map(|(_, message)| cbor::decode::<EvalResponse>(&message.body).ok())
            .find(|response| response.batch.iter().all(|case| asked.contains(&case.case_ref)))
    };
    thief.wait(PATIENCE, |thief| answer(thief).is_some()).await;
    answer(thief).map(|response| (voprf.epoch, response))
}

/// Everything that is tried while the member is still trusted.
pub async fn attack(thief: &mut Thief, victim: &mut Victim, bystander: &MemberId, tally: &mut Tally) {
    renew_with_others(thief, victim, tally).await;
    claims(thief, victim).await;
    relayed(thief, victim, tally).await;
    forged(thief, victim, bystander, tally).await;
    own_roster(thief, victim, tally).await;
    beyond_budget(thief, victim, tally).await;
}

fn random_elements(thief: &mut Thief) -> Vec<Element> {
    (0..KEYS_A_RECORD).filter_map(|_| blind(&thief.draw.bytes::<16>(), &Sensitive::new(thief.draw.bytes())).ok()).collect()
}

/// A renewal is free; one with other elements would be a free guess.
async fn renew_with_others(thief: &mut Thief, victim: &Victim, tally: &mut Tally) {
    let Some(paid) = victim.paid else { return };
    let case = EvalCase::new(paid, EvalMode::Renew, &random_elements(thief));
    let answer = evaluate(thief, victim, vec![case]).await;
    let refused = answer.is_some_and(|(_, response)| response.batch.iter().all(|case| case.status == EvalStatus::RenewMismatch));
    tally.count("renew with other elements", refused);
}

/// More new people than the class allows: some are answered, as they may be, and then no more.
async fn beyond_budget(thief: &mut Thief, victim: &Victim, tally: &mut Tally) {
    let elements = random_elements(thief);
    let mut refused = false;
    for _ in 0..REQUESTS {
        let batch = (0..CASES_A_REQUEST).map(|_| EvalCase::new(CaseRef(thief.draw.bytes()), EvalMode::New, &elements)).collect();
        let Some((_, response)) = evaluate(thief, victim, batch).await else { continue };
        refused |= response.batch.iter().any(|case| case.status == EvalStatus::Budget && case.evaluated.is_empty());
    }
    tally.count("evaluations beyond the budget", refused);
}

/// Claims of random tags, of a hidden record, and of one that it may learn of, the last one twice in the same bytes.
async fn claims(thief: &mut Thief, victim: &mut Victim) {
    let random = [Tag(thief.draw.bytes()), Tag(thief.draw.bytes())];
    let wanted = [(Kind::Random, Some(random)), (Kind::Hidden, victim.hidden), (Kind::Visible, victim.visible)];
    for (kind, tags) in wanted {
        let Some(tags) = tags else { continue };
        let claim = Claim {
            claim_id: ClaimId::draw(&mut thief.draw),
            case_ref: CaseRef(thief.draw.bytes()),
            epoch: victim.epoch,
            set_seq: 1,
            family: Family::Registered,
            tags: tags.to_vec(),
            attr_root: thief.draw.bytes(),
        };
        let (from, now) = (thief.member, thief.now().seconds());
        let Some(cell) = thief.cell(from, victim.member, (CellKind::Bag, casework::CLAIM), &cbor::encode(&claim), now) else {
            continue;
        };
        victim.claims.push((claim.claim_id, kind));
        thief.send(&victim.member, cell.clone()).await;
        if kind == Kind::Visible {
            thief.send(&victim.member, cell).await;
        }
    }
}

/// Waits for the answers to the claims and counts: none for what it must not learn, one for the replayed claim.
///
/// # Errors
/// [`RehearsalError::Request`] if not even the good claim is answered as one: then the others show nothing.
pub async fn answered(
    thief: &mut Thief,
    victims: &[Victim],
    patience: Duration,
    tally: &mut Tally,
) -> Result<(), RehearsalError> {
    let answers = |thief: &Thief, claim: ClaimId| -> Vec<ClaimStatus> {
        let own = thief.received.iter().filter(|(_, message)| message.header.kind == casework::CLAIM_ANSWER);
        let own = own.filter_map(|(_, message)| cbor::decode::<ClaimAnswer>(&message.body).ok());
        own.filter(|answer| answer.claim_id == claim).map(|answer| answer.status).collect()
    };
    let all: Vec<ClaimId> = victims.iter().flat_map(|victim| victim.claims.iter().map(|(claim, _)| *claim)).collect();
    thief.wait(patience, |thief| all.iter().all(|claim| !answers(thief, *claim).is_empty())).await;
    for victim in victims {
        for (claim, kind) in &victim.claims {
            let statuses = answers(thief, *claim);
            let none = statuses == [ClaimStatus::None];
            match kind {
                Kind::Random => tally.count("claim of random tags", none),
                Kind::Hidden => tally.count("claim of a record hidden from it", none),
                Kind::Visible if statuses.first() == Some(&ClaimStatus::Candidate) => {
                    tally.count("replay of its own claim", statuses.len() == 1);
                }
                Kind::Visible => {
                    let what = "the thief's good claim was not answered as one".to_owned();
                    return Err(RehearsalError::Request { node: victim.member.to_string(), what });
                }
            }
        }
    }
    Ok(())
}

fn is_refused(outcome: SendOutcome) -> bool {
    matches!(outcome, SendOutcome::Refused { .. } | SendOutcome::Lost)
}

/// A cell that another member sealed for the lost one, passed on as it is.
async fn relayed(thief: &mut Thief, victim: &Victim, tally: &mut Tally) {
    let foreign = thief.cells.iter().find(|(from, _)| *from != victim.member).map(|(_, cell)| cell.clone());
    let Some(cell) = foreign else { return };
    let outcome = thief.send(&victim.member, cell).await;
    tally.count("another member's cell passed on", matches!(outcome, SendOutcome::Refused { .. }));
}

/// A question in another member's name, and one dated so long ago that it has expired.
async fn forged(thief: &mut Thief, victim: &Victim, bystander: &MemberId, tally: &mut Tally) {
    let now = thief.now().seconds();
    let long_ago = now.saturating_sub(2 * thief.roster.pace.message_life.0 / 1_000);
    let own = thief.member;
    for (what, from, created) in [("in another member's name", *bystander, now), ("an old date", own, long_ago)] {
        let Some(cell) = question(thief, victim, from, created) else { continue };
        let outcome = thief.send(&victim.member, cell).await;
        tally.count(what, matches!(outcome, SendOutcome::Refused { .. }));
    }
}

fn question(thief: &mut Thief, victim: &Victim, from: MemberId, created: u64) -> Option<Vec<u8>> {
    let voprf = thief.announced(&victim.member)?.voprf;
    let case = EvalCase::new(CaseRef(thief.draw.bytes()), EvalMode::New, &random_elements(thief));
    let request = EvalRequest { epoch: voprf.epoch, pk_hash: pk_hash(&voprf.pk), batch: vec![case], family: Family::Registered };
    thief.cell(from, victim.member, (CellKind::Eval, EVAL_REQUEST), &cbor::encode(&request), created)
}

/// The next roster, in which the lost member is the only custodian, signed by its own key.
async fn own_roster(thief: &mut Thief, victim: &Victim, tally: &mut Tally) {
    let mut roster = thief.roster.clone();
    roster.prev_hash = payload_hash(&roster.payload());
    roster.version += 1;
    roster.custodians.keys = vec![thief.key.verifying_key().to_bytes()];
    roster.custodians.threshold = 1;
    roster.custodians.root_threshold = 1;
    roster.custodians.emergency_threshold = 1;
    let payload = roster.payload();
    let signature = sign_roster(&thief.network(), &payload, &thief.key);
    let outcome = thief.send(&victim.member, assemble(&payload, vec![signature])).await;
    tally.count("a roster of its own", matches!(outcome, SendOutcome::Refused { .. }));
}

/// Another VOPRF key under the number of the announcement that counts: the node keeps both as evidence and hangs up.
pub async fn split_view(thief: &mut Thief, victim: &Victim, tally: &mut Tally) {
    let own = thief.member;
    let Some(mut keys) = thief.announced(&own).cloned() else { return };
    keys.voprf.pk = [7; 32];
    let now = thief.now().seconds();
    let mut header = thief.header(own, None, ANNOUNCEMENT, now);
    header.expires = keys.op_until;
    let message = sign(&thief.network(), &header, &cbor::encode(&keys), &thief.key);
    thief.send(&victim.member, message).await;
    let one = [victim.member];
    let hung_up = thief.wait(PATIENCE, |thief| thief.connected(&one) == 0).await;
    tally.count("two keys under one number", hung_up);
}

/// What the suspended member tries once a node has the suspension: asks, says what it would like to have said before, and
/// asks for what is public.
pub async fn after(thief: &mut Thief, victim: &Victim, before: u64, tally: &mut Tally) {
    let (own, now) = (thief.member, thief.now().seconds());
    thief.connect(&[victim.member], Duration::from_millis(300)).await;
    for (what, created) in [("a question after the suspension", now), ("a message dated before the suspension", before)] {
        let Some(cell) = question(thief, victim, own, created) else { continue };
        let outcome = thief.send(&victim.member, cell).await;
        tally.count(what, is_refused(outcome));
    }
    let header = thief.header(own, None, PUBLIC_GET, now);
    let get = PublicGet { roster_version: 0, digest: [0; 16], heads: None, confirmed: 0, emergencies: 0, log_len: None };
    let message = sign(&thief.network(), &header, &cbor::encode(&get), &thief.key);
    let outcome = thief.send(&victim.member, message).await;
    tally.count("a question for public messages after it", is_refused(outcome));
}
