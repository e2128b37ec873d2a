//! What a proposal decides about single members and custodians: who is suspended, readmitted, gone, and whose key is another.
//!
//! `propose` calls it after the societies' enrolments are in. It keeps that a status which is named counts from now even where
//! it stays the same, since that is how a roster answers an emergency suspension.

use std::path::Path;

use kinmesh_protocol::base::{MemberId, Timestamp};
use kinmesh_protocol::roster::{Member, MemberStatus, Roster};

use crate::coordinator::custodians_file::{CUSTODIANS_BYTES, CustodianFile};
use crate::coordinator::plan::{MemberPlan, Plan};
use crate::coordinator::propose::{DAY, ProposeArgs, ProposeError, text};

/// Days that a new society is on probation.
const PROBATION_DAYS: u64 = 14;

/// What the arguments decide about single members.
pub(super) fn decided(args: &ProposeArgs) -> Vec<(MemberId, MemberStatus)> {
    let lists =
        [(&args.active, MemberStatus::Active), (&args.suspend, MemberStatus::Suspended), (&args.left, MemberStatus::Left)];
    lists.into_iter().flat_map(|(members, status)| members.iter().map(move |member| (*member, status))).collect()
}

/// What the custodians decide about single members. A status that is named in the arguments counts from now even where it
/// stays the same: that is how a roster answers an emergency suspension.
pub(super) fn decide_members(
    roster: &mut Roster,
    plan: Option<&Plan>,
    decided: &[(MemberId, MemberStatus)],
    now: Timestamp,
) -> Result<(), ProposeError> {
    for (id, status) in decided {
        let member = roster.members.iter_mut().find(|member| member.id == *id).ok_or(ProposeError::UnknownMember(*id))?;
        (member.status, member.status_since) = (*status, now.seconds().max(member.joined));
    }
    for (id, settings) in plan.into_iter().flat_map(|plan| &plan.members) {
        let member = roster.members.iter_mut().find(|member| member.id == *id).ok_or(ProposeError::UnknownMember(*id))?;
        settle(member, settings, now);
    }
    Ok(())
}

/// Puts another key in a custodian's place.
pub(super) fn replace_custodian(roster: &mut Roster, place: usize, path: &Path) -> Result<(), ProposeError> {
    let file = CustodianFile::parse(&text(path, CUSTODIANS_BYTES)?)
        .map_err(|source| ProposeError::Custodians { path: path.to_owned(), source })?;
    if file.network != roster.network_id {
        return Err(ProposeError::Network { path: path.to_owned() });
    }
    let count = roster.custodians.keys.len();
    let slot = place.checked_sub(1).and_then(|place| roster.custodians.keys.get_mut(place));
    *slot.ok_or(ProposeError::NoCustodian { place, count })? = file.key;
    Ok(())
}

/// Members that have been on probation for as long as it lasts.
pub(super) fn probation_over(roster: &Roster, now: Timestamp) -> Vec<MemberId> {
    let over = |member: &&Member| {
        member.status == MemberStatus::Probation && now.seconds() >= member.status_since.saturating_add(PROBATION_DAYS * DAY)
    };
    roster.members.iter().filter(over).map(|member| member.id).collect()
}

fn settle(member: &mut Member, settings: &MemberPlan, now: Timestamp) {
    let MemberPlan { name, status, people_cap, case_class, ask_class, incident_contact, single_reviewer } = settings;
    if let Some(name) = name {
        member.names = vec![("en".to_owned(), name.clone())];
    }
    if let Some(status) = status.map(MemberStatus::from).filter(|status| *status != member.status) {
        member.status = status;
        member.status_since = now.seconds();
    }
    if let Some(cap) = people_cap {
        member.people_cap = *cap;
    }
    if let Some(class) = case_class {
        member.case_class = (*class).into();
    }
    if let Some(class) = ask_class {
        member.ask_class = (*class).into();
    }
    if let Some(contact) = incident_contact {
        member.incident_contact.clone_from(contact);
    }
    if let Some(single) = single_reviewer {
        member.single_reviewer = *single;
    }
}
