//! The caseworkers of the demo. They decide by what a caseworker's screen shows, and by nothing else.
//!
//! At the holder: band `likely` and no mismatch in given name or sex is the same person, everything else is not. Then the
//! person is asked (what it answers is in the demo's files), and what it agreed to is disclosed. At the seeker: what comes
//! is read to the enquirer, and the outcome is reported.

use std::time::{Duration, Instant};

use kinmesh_protocol::base::{ClaimId, MemberId};
use kinmesh_protocol::casework::consent::{ConsentForm, Decision};
use kinmesh_protocol::casework::outcome::OutcomeKind;
use kinmesh_protocol::casework::review::Verdict;
use kinmesh_protocol::engine::answer::{CandidateLine, CandidateShown};
use kinmesh_protocol::engine::{Answer, Command};
use kinmesh_protocol::linkage::{Band, FieldVerdict};

use crate::rehearsal::data::DemoConsent;
use crate::rehearsal::errors::RehearsalError;
use crate::rehearsal::ledger::{Candidate, Ledger};
use crate::rehearsal::network::{HOUR_MS, Network};
use crate::rehearsal::screen::Screen;
use crate::rehearsal::work::{patience, status};

/// How often the desks look at their lists.
const LOOK: Duration = Duration::from_millis(80);
/// Hours without anything to do after which the day is over: the longest delay of an answer, and bags both ways.
const QUIET_HOURS: u64 = 48 + 5 * 7;
/// And what a busy machine may take besides.
const SLACK: Duration = Duration::from_millis(1_500);

/// Works at every desk until nothing more comes.
///
/// # Errors
/// [`RehearsalError`].
pub async fn work(
    network: &Network,
    members: &[MemberId],
    consents: &[DemoConsent],
    ledger: &mut Ledger,
    screen: &Screen,
) -> Result<(), RehearsalError> {
    let began = Instant::now();
    let mut last = Instant::now();
    while last.elapsed() < Duration::from_millis(QUIET_HOURS * HOUR_MS) + SLACK {
        let mut busy = false;
        for member in members {
            busy |= holder(network, member, consents, ledger).await?;
            busy |= seeker(network, member, ledger).await?;
            busy |= status(network, member).await?.bags_waiting > 0;
        }
        if busy {
            last = Instant::now();
        }
        screen.so_far(format!("claims, reviews, consents, disclosures: {} disclosed", ledger.disclosed.len()));
        patience(began, "the end of the case work")?;
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// One look at a holder's list.
async fn holder(
    network: &Network,
    member: &MemberId,
    consents: &[DemoConsent],
    ledger: &mut Ledger,
) -> Result<bool, RehearsalError> {
    let Answer::Candidates { candidates } = network.ask(member, Command::CandidateList { limit: 256 }).await? else {
        return Ok(false);
    };
    let mut busy = false;
    for line in candidates {
        ledger.note_state(member, &line);
        match line.state.as_str() {
            "to_review" => {
                review(network, member, &line, ledger).await?;
                busy = true;
            }
            "confirmed" => {
                ask_person(network, member, &line, consents, ledger).await?;
                busy = true;
            }
            "consented" => {
                disclose(network, member, line.candidate).await?;
                busy = true;
            }
            _ => {}
        }
    }
    Ok(busy)
}

async fn review(network: &Network, member: &MemberId, line: &CandidateLine, ledger: &mut Ledger) -> Result<(), RehearsalError> {
    let candidate = line.candidate.to_string();
    let Answer::Candidate(shown) = network.ask(member, Command::CandidateShow { candidate: candidate.clone() }).await? else {
        return Ok(());
    };
    let verdict = judge(&shown);
    ledger.note_candidate(Candidate::new(*member, &shown, verdict));
    let review = Command::CandidateReview { candidate, verdict, note: "read side by side".into() };
    network.ask(member, review).await.map(|_| ())
}

/// What the screen says, and no more.
#[must_use]
pub fn judge(shown: &CandidateShown) -> Verdict {
    let mismatch = |field: &str| shown.rows.iter().any(|row| row.field == field && row.verdict == FieldVerdict::Mismatch);
    if shown.band == Band::Likely && !mismatch("given") && !mismatch("sex") { Verdict::Same } else { Verdict::Different }
}

/// The holder's caseworker speaks with the person whose record it is.
async fn ask_person(
    network: &Network,
    member: &MemberId,
    line: &CandidateLine,
    consents: &[DemoConsent],
    ledger: &mut Ledger,
) -> Result<(), RehearsalError> {
    let Some(person) = line.person else { return Ok(()) };
    let Answer::Person(shown) = network.ask(member, Command::PersonShow { person: person.to_string() }).await? else {
        return Ok(());
    };
    let number = shown
        .fields
        .iter()
        .find(|field| field.field == "society_ref")
        .map_or(String::new(), |field| field.value.expose().clone());
    let said = consents.iter().find(|consent| consent.society == *member && consent.id == number);
    // A visitor's own people cannot be asked: they let the other side know that they are alive.
    let (decision, text) = said.map_or((Decision::AliveOnly, "".into()), |consent| (consent.decision, consent.text.clone()));
    ledger.note_record(line.candidate, number);
    let consent =
        Command::ContactConsent { candidate: line.candidate.to_string(), decision, form: ConsentForm::OralWitnessed, text };
    network.ask(member, consent).await.map(|_| ())
}

async fn disclose(network: &Network, member: &MemberId, candidate: ClaimId) -> Result<(), RehearsalError> {
    let preview = Command::DisclosurePropose { candidate: candidate.to_string(), send: false };
    network.ask(member, preview).await?;
    let send = Command::DisclosurePropose { candidate: candidate.to_string(), send: true };
    network.ask(member, send).await.map(|_| ())
}

/// One look at a seeker's disclosures.
async fn seeker(network: &Network, member: &MemberId, ledger: &mut Ledger) -> Result<bool, RehearsalError> {
    let Answer::Disclosures { disclosures } = network.ask(member, Command::DisclosureList).await? else {
        return Ok(false);
    };
    let mut busy = false;
    for line in disclosures.into_iter().filter(|line| line.outcome.is_none()) {
        let outcome = if line.level == Decision::Contact { OutcomeKind::Reunited } else { OutcomeKind::Informed };
        let receive = Command::DisclosureReceive { candidate: line.candidate.to_string(), outcome: Some(outcome) };
        if let Answer::DisclosureShown(shown) = network.ask(member, receive).await? {
            ledger.note_disclosure(*member, &shown);
            busy = true;
        }
    }
    Ok(busy)
}
