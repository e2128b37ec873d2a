//! The societies' work up to the search: import, sets, cases.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kinmesh_protocol::base::{CaseId, MemberId, Sensitive, SubjectId};
use kinmesh_protocol::engine::answer::NodeStatus;
use kinmesh_protocol::engine::command::{CaseForm, SubjectForm};
use kinmesh_protocol::engine::{Answer, Command};

use crate::rehearsal::data::{DemoCase, Society};
use crate::rehearsal::errors::RehearsalError;
use crate::rehearsal::fleet::{file_error, text};
use crate::rehearsal::network::{Network, USER, folder};
use crate::rehearsal::screen::Screen;

/// How often a node is asked how far it is.
const ASK: Duration = Duration::from_millis(60);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A case that was opened.
pub struct OpenCase {
    /// Where.
    pub society: MemberId,
    /// Its file number.
    pub label: String,
    /// Its id.
    pub case: CaseId,
    /// Its subjects, in the form's order.
    pub subjects: Vec<SubjectId>,
}

/// Imports a society's file by the import command, which names bad rows and keeps good ones.
///
/// # Errors
/// [`RehearsalError`]; a file with bad rows is none.
pub async fn import(network: &Network, society: &Society) -> Result<u64, RehearsalError> {
    let path = network.fleet.dir().join(&society.file);
    std::fs::write(&path, &society.people).map_err(|error| file_error(&path, &error))?;
    let node = folder(&society.member);
    let dir = text(&network.fleet.node_dir(&node));
    network.unlock_command(&node)?;
    let said = network.fleet.lenient(&["--dir", &dir, "--user", USER, "person", "import", &text(&path)])?;
    if !said.is_empty() {
        eprint!("{said}");
    }
    std::fs::remove_file(&path).map_err(|error| file_error(&path, &error))?;
    Ok(status(network, &society.member).await?.people)
}

/// How a node is.
///
/// # Errors
/// [`RehearsalError::Request`].
pub async fn status(network: &Network, member: &MemberId) -> Result<NodeStatus, RehearsalError> {
    network
        .desk(member)?
        .status()
        .await
        .map_err(|error| RehearsalError::Request { node: member.to_string(), what: error.to_string() })
}

/// How several nodes are.
///
/// # Errors
/// [`RehearsalError::Request`].
pub async fn states(network: &Network, members: &[MemberId]) -> Result<BTreeMap<MemberId, NodeStatus>, RehearsalError> {
    let mut states = BTreeMap::new();
    for member in members {
        states.insert(*member, status(network, member).await?);
    }
    Ok(states)
}

/// What is exchanged once the world is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// Sets that are held and current.
    pub count: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Sets {
    /// Sets that are held and show all that their owners have.
    #[must_use]
    pub fn held(states: &BTreeMap<MemberId, NodeStatus>) -> Self {
        let mut sets = Self::default();
        for (member, state) in states {
            for line in &state.sets {
                let built = states.get(&line.member).and_then(|owner| owner.sets.iter().find(|set| set.member == *member));
                if built.is_some_and(|set| set.is_held(line)) {
                    sets.count += 1;
                    sets.bytes += line.held_bytes;
                }
            }
        }
        sets
    }
}

/// Waits until every node holds a set of every other that shows all that was imported; gives number and bytes.
///
/// # Errors
/// [`RehearsalError::Late`].
pub async fn sets_exchanged(network: &Network, members: &[MemberId], screen: &Screen) -> Result<Sets, RehearsalError> {
    let began = Instant::now();
    let wanted = members.len() * members.len().saturating_sub(1);
    loop {
        let sets = Sets::held(&states(network, members).await?);
        if sets.count >= wanted {
            return Ok(sets);
        }
        screen.so_far(format!("sets exchanged {} of {wanted}", sets.count));
        patience(began, "the exchange of the sets")?;
        tokio::time::sleep(ASK).await;
    }
}

/// Opens a case at its society.
///
/// # Errors
/// [`RehearsalError`].
pub async fn open_case(network: &Network, case: &DemoCase) -> Result<OpenCase, RehearsalError> {
    let subjects = case
        .subjects
        .iter()
        .map(|(relation, person)| SubjectForm { relation: relation.clone(), person: person.clone() })
        .collect();
    let form = CaseForm {
        label: Sensitive::from(case.label.as_str()),
        enquirer: case.enquirer.clone(),
        subjects,
        safety: "safe".to_owned(),
        claim_never: case.claim_never.clone(),
        ..CaseForm::default()
    };
    match network.ask(&case.society, Command::CaseOpen { form: Box::new(form) }).await? {
        Answer::CaseOpened { case: id, subjects, .. } => {
            Ok(OpenCase { society: case.society, label: case.label.clone(), case: id, subjects })
        }
        _ => Err(RehearsalError::Request { node: case.society.to_string(), what: "another answer".to_owned() }),
    }
}

/// Starts the search of a case.
///
/// # Errors
/// [`RehearsalError`].
pub async fn search(network: &Network, case: &OpenCase) -> Result<u32, RehearsalError> {
    let command = Command::SearchRun { case: case.case.to_string(), plan: None };
    match network.ask(&case.society, command).await? {
        Answer::SearchStarted { queued, .. } => Ok(queued),
        _ => Err(RehearsalError::Request { node: case.society.to_string(), what: "another answer".to_owned() }),
    }
}

/// Waits until every evaluation is answered and tested against every held set.
///
/// # Errors
/// [`RehearsalError::Late`].
pub async fn searched(network: &Network, members: &[MemberId], screen: &Screen) -> Result<u32, RehearsalError> {
    let began = Instant::now();
    loop {
        let (mut asked, mut answered, mut tested) = (0, 0, 0);
        for member in members {
            if let Answer::Searches { subjects, .. } = network.ask(member, Command::SearchStatus { case: None }).await? {
                for line in subjects {
                    asked += line.asked;
                    answered += line.answered;
                    tested += line.tested;
                }
            }
        }
        if asked > 0 && tested == asked {
            return Ok(asked);
        }
        screen.so_far(format!("network search: {answered} of {asked} evaluations, {tested} tested"));
        patience(began, "the search")?;
        tokio::time::sleep(ASK).await;
    }
}

/// An error when something took too long.
///
/// # Errors
/// [`RehearsalError::Late`].
pub fn patience(began: Instant, what: &'static str) -> Result<(), RehearsalError> {
    if began.elapsed() > PATIENCE { Err(RehearsalError::Late { what, seconds: PATIENCE.as_secs() }) } else { Ok(()) }
}
