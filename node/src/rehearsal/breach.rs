//! The breach drill: one society's machine is taken, with its files and its keys. Whose records can the thief read?
//!
//! The thief is played by the program's own code over the stolen folder and credentials: everything in the store is
//! opened and searched for other societies' people. Then the custodians suspend the member, and the others go on.

use std::path::Path;
use std::time::{Duration, Instant};

use kinmesh_protocol::base::record::{Record, RowKey, row_key};
use kinmesh_protocol::base::{MemberId, UserId};
use kinmesh_protocol::casework::candidate::{CandidateRecord, DisclosureRecord};
use kinmesh_protocol::casework::case::CaseRecord;
use kinmesh_protocol::engine::{Answer, Command, View};
use kinmesh_protocol::person::PersonRecord;

use crate::daemon::folder::NodeFolder;
use crate::keys::{Keystore, UnlockSecret};
use crate::rehearsal::errors::RehearsalError;
use crate::rehearsal::fleet::file_error;
use crate::rehearsal::network::{COORDINATOR, Network, USER, ask, folder};
use crate::store::{NodeStore, StoreConfig};

/// Rows that the thief reads at once.
const PAGE: usize = 256;
/// How long a suspension may take on one machine.
const REFUSAL: Duration = Duration::from_secs(10);

/// What the thief got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loot {
    /// The society's own registered people.
    pub own_people: usize,
    /// The society's own cases.
    pub own_cases: usize,
    /// People sought by others whose claims met a record here: what their societies had sent for comparison.
    pub foreign_attributes: usize,
    /// Answers that others had disclosed to this society.
    pub disclosures: usize,
    /// Registered people of other societies.
    pub others_people: usize,
}

/// What the drill showed.
pub struct Drill {
    /// The lost member.
    pub member: MemberId,
    /// What the thief got.
    pub loot: Loot,
    /// Seconds from publication until every other node had refused the member.
    pub refused_in: f64,
    /// Nodes that refused it.
    pub refused_by: usize,
}

/// Takes a node: stops it as a thief pulls the plug, and reads everything with its keys.
///
/// # Errors
/// [`RehearsalError`].
pub fn take(network: &mut Network, member: &MemberId, own_file: usize) -> Result<Loot, RehearsalError> {
    let node = folder(member);
    network.fleet.kill(&node);
    let dir = network.fleet.node_dir(&node);
    let service = secret(&network.credential_path(&node, "service"))?;
    let user = secret(&network.credential_path(&node, "user"))?;
    let wrong = || RehearsalError::Request { node: node.clone(), what: "the stolen store does not open".to_owned() };
    let keystore = Keystore::open(&NodeFolder::new(&dir).keystore()).map_err(|_| wrong())?;
    let service = keystore.unlock_service(&service).map_err(|_| wrong())?;
    let user_id = UserId::new(USER).map_err(|_| wrong())?;
    let records = keystore.unlock_records(&user_id, &user).map_err(|_| wrong())?;
    let store = NodeStore::open(&StoreConfig::member(&NodeFolder::new(&dir).store()), &service).map_err(|_| wrong())?;
    store.open_records(records).map_err(|_| wrong())?;
    let view = store.view();
    let people = count::<PersonRecord, _>(&view, 1).map_err(|()| wrong())?;
    Ok(Loot {
        own_people: people.min(own_file),
        others_people: people.saturating_sub(own_file),
        own_cases: count::<CaseRecord, _>(&view, 1).map_err(|()| wrong())?,
        foreign_attributes: count::<CandidateRecord, _>(&view, 1).map_err(|()| wrong())?,
        disclosures: count::<DisclosureRecord, _>(&view, 2).map_err(|()| wrong())?,
    })
}

fn secret(path: &Path) -> Result<UnlockSecret, RehearsalError> {
    let bytes = std::fs::read(path).map_err(|error| file_error(path, &error))?;
    Ok(UnlockSecret::Credential(kinmesh_protocol::base::Sensitive::new(bytes)))
}

/// Reads every record of a kind, as a thief would.
fn count<R: Record, V: View>(view: &V, kind: u8) -> Result<usize, ()> {
    let until = row_key(kind, &()).after_prefix();
    let mut from = row_key(kind, &());
    let mut found = 0;
    loop {
        let page = view.page::<R>(&from, until.as_ref(), PAGE).map_err(|_| ())?;
        found += page.len();
        match page.last() {
            Some((id, _)) if page.len() == PAGE => {
                let RowKey(mut next) = R::key(id);
                next.push(0);
                from = RowKey(next);
            }
            _ => return Ok(found),
        }
    }
}

/// Suspends the member and waits until every other node has refused it, while the thief's node tries to come back.
///
/// # Errors
/// [`RehearsalError`].
pub async fn suspend(network: &mut Network, member: &MemberId, others: &[MemberId]) -> Result<(f64, usize), RehearsalError> {
    let began = Instant::now();
    network.suspend(member)?;
    let mut refused = 0;
    for other in others {
        loop {
            if let Answer::Roster(roster) = network.ask(other, Command::RosterShow).await?
                && roster.members.iter().any(|line| line.member == *member && line.status == "suspended")
            {
                refused += 1;
                break;
            }
            if began.elapsed() > REFUSAL {
                return Err(RehearsalError::Late { what: "the suspension", seconds: REFUSAL.as_secs() });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok((seconds, refused))
}

/// Starts the stolen node again with its own keys and sees who lets it in.
///
/// # Errors
/// [`RehearsalError`].
pub async fn come_back(network: &mut Network, member: &MemberId, others: &[MemberId]) -> Result<usize, RehearsalError> {
    let node = folder(member);
    let credential = network.credential_path(&node, "service");
    network.fleet.run(&node, &credential).await?;
    // Long enough for several attempts of a thief's node that dials everybody at its start.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut let_in = 0;
    for other in others {
        if let Answer::Roster(roster) = network.ask(other, Command::RosterShow).await? {
            let_in += usize::from(roster.members.iter().any(|line| line.member == *member && line.up));
        }
    }
    if let Answer::Roster(roster) = ask(COORDINATOR, &network.coordinator, Command::RosterShow).await? {
        let_in += usize::from(roster.members.iter().any(|line| line.member == *member && line.up));
    }
    network.fleet.kill(&node);
    Ok(let_in)
}
