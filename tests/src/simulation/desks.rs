//! Caseworkers of the simulated societies: what they register, open, decide and read, by commands alone.

use kinmesh_protocol::base::{CaseId, MemberId, PersonId, SubjectId};
use kinmesh_protocol::casework::consent::{ConsentForm, Decision};
use kinmesh_protocol::casework::erasure::ErasureBasis;
use kinmesh_protocol::casework::outcome::OutcomeKind;
use kinmesh_protocol::casework::review::Verdict;
use kinmesh_protocol::engine::answer::{CandidateLine, DisclosureShown, ErasureProblem, ErasureView};
use kinmesh_protocol::engine::command::{CaseForm, SubjectForm};
use kinmesh_protocol::engine::{Answer, Command, Failure};
use kinmesh_protocol::person::PersonForm;

use crate::simulation::network::Setup;
use crate::simulation::people;

/// Repeats a command whose commit the run refused, or whose node is away, as a caseworker would.
///
/// # Panics
/// When it is refused for another reason, or again and again: that is a failed test.
pub fn insist(setup: &mut Setup, node: usize, command: &Command) -> Answer {
    for _ in 0..1_000 {
        match setup.world.command(node, command.clone()) {
            Ok(answer) => return answer,
            Err(Failure::Store) => setup.world.run_for(100),
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the store refused a thousand times")
}

/// Registers a person.
pub fn register(setup: &mut Setup, node: usize, form: PersonForm) {
    insist(setup, node, &Command::PersonAdd { form: Box::new(form) });
}

/// Registers a person; gives the record's id.
///
/// # Panics
/// When the node answers something else.
pub fn add(setup: &mut Setup, node: usize, form: PersonForm) -> PersonId {
    match insist(setup, node, &Command::PersonAdd { form: Box::new(form) }) {
        Answer::PersonAdded(added) => added.person,
        other => panic!("{other:?}"),
    }
}

/// Two users erase a record, however often the store refuses; gives what the second was told, none where its reply was lost.
///
/// # Panics
/// When the node answers something else.
pub fn erase(setup: &mut Setup, node: usize, record: impl ToString) -> Option<ErasureView> {
    let request = Command::EraseRequest { record: record.to_string(), basis: ErasureBasis::ConsentWithdrawn };
    let run = Command::EraseRun { record: record.to_string() };
    for _ in 0..1_000 {
        match setup.world.command(node, request.clone()) {
            Ok(_) | Err(Failure::Store | Failure::Erasure(ErasureProblem::Asked)) => {}
            Err(Failure::Erasure(ErasureProblem::Erased)) => return None,
            Err(other) => panic!("{other}"),
        }
        match setup.world.command_as(node, "focal-point", run.clone()) {
            Ok(Answer::Erasure(view)) => return Some(*view),
            Err(Failure::Store | Failure::Erasure(ErasureProblem::NotAsked)) => setup.world.run_for(100),
            Err(Failure::Erasure(ErasureProblem::Erased)) => return None,
            other => panic!("{other:?}"),
        }
    }
    panic!("the store refused a thousand times")
}

/// Opens the mother's case and starts its search; gives the case's id.
///
/// # Panics
/// When the node answers something else.
pub fn search(setup: &mut Setup, node: usize, claim_never: &[MemberId]) -> String {
    let open = Command::CaseOpen { form: Box::new(people::case(claim_never)) };
    let Answer::CaseOpened { case, .. } = insist(setup, node, &open) else { panic!("another answer") };
    let case = case.to_string();
    insist(setup, node, &Command::SearchRun { case: case.clone(), plan: None });
    case
}

/// Opens a case of sought persons as the mother's, and starts its search; gives the ids of case and subjects.
///
/// # Panics
/// When the node answers something else.
pub fn search_for(setup: &mut Setup, node: usize, sought: Vec<PersonForm>) -> (CaseId, Vec<SubjectId>) {
    let subjects = sought.into_iter().map(|person| SubjectForm { relation: "son".to_owned(), person }).collect();
    let form = CaseForm { subjects, ..people::case(&[]) };
    let open = Command::CaseOpen { form: Box::new(form) };
    let Answer::CaseOpened { case, subjects, .. } = insist(setup, node, &open) else { panic!("another answer") };
    insist(setup, node, &Command::SearchRun { case: case.to_string(), plan: None });
    (case, subjects)
}

/// Closes all searches of a case without an outcome.
#[must_use]
pub fn close(case: impl ToString) -> Command {
    Command::CaseClose { case: case.to_string(), subject: None, outcome: OutcomeKind::Closed }
}

/// Candidates in the holder's list.
///
/// # Panics
/// When the node answers something else.
pub fn candidates(setup: &mut Setup, node: usize) -> Vec<CandidateLine> {
    match setup.world.command(node, Command::CandidateList { limit: 256 }) {
        Ok(Answer::Candidates { candidates }) => candidates,
        Err(Failure::Store | Failure::Locked) => Vec::new(),
        other => panic!("{other:?}"),
    }
}

/// One look at the holder's list: judges, records the person's decision, discloses.
///
/// # Panics
/// When the node answers something else.
pub fn holder(setup: &mut Setup, node: usize, decision: Decision) {
    for line in candidates(setup, node) {
        let candidate = line.candidate.to_string();
        let command = match line.state.as_str() {
            "to_review" => {
                // A record that was not compared yet (a locked node) cannot be judged.
                let show = Command::CandidateShow { candidate: candidate.clone() };
                if setup.world.command(node, show).is_err() {
                    continue;
                }
                Command::CandidateReview { candidate, verdict: Verdict::Same, note: "".into() }
            }
            "confirmed" => Command::ContactConsent {
                candidate,
                decision,
                form: ConsentForm::Written,
                text: "tell her that I am well".into(),
            },
            "consented" => Command::DisclosurePropose { candidate, send: true },
            _ => continue,
        };
        match setup.world.command(node, command) {
            Ok(_) | Err(Failure::Store | Failure::State { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

/// The seeker's disclosures, each read and reported.
///
/// # Panics
/// When the node answers something else.
pub fn seeker(setup: &mut Setup, node: usize) -> Vec<DisclosureShown> {
    let Ok(Answer::Disclosures { disclosures }) = setup.world.command(node, Command::DisclosureList) else {
        return Vec::new();
    };
    let mut read = Vec::new();
    for line in disclosures {
        let outcome = line.outcome.is_none().then_some(OutcomeKind::Informed);
        let receive = Command::DisclosureReceive { candidate: line.candidate.to_string(), outcome };
        if let Ok(Answer::DisclosureShown(shown)) = setup.world.command(node, receive) {
            read.push(*shown);
        }
    }
    read
}

/// Works at both desks until the seeker has read a disclosure; none if that does not happen in some virtual time.
pub fn work(setup: &mut Setup, seeking: usize, holding: usize, within_ms: u64) -> Option<DisclosureShown> {
    let until = setup.world.now().0 + within_ms;
    while setup.world.now().0 < until {
        setup.world.run_for(1_000);
        if setup.world.runs(holding) {
            holder(setup, holding, Decision::Message);
        }
        if setup.world.runs(seeking)
            && let Some(shown) = seeker(setup, seeking).into_iter().next()
        {
            return Some(shown);
        }
    }
    None
}
