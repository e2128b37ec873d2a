//! `status`: the node on one screen.

use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::engine::answer::{LogView, NodeStatus};

use super::audit::utc;
use super::context::Context;
use super::duplicates::cut_warning;
use super::errors::CommandError;
use super::output::Output;
use super::table::{Flow, Table, own};
use crate::control::Client;

/// Shows the node. Needs no unlocked user.
pub(super) async fn run(context: &Context) -> Result<(), CommandError> {
    let status = Client::new(&context.place.dir).status().await?;
    context.out.result("kinmesh/status/1", &status, |out| text(out, &status))?;
    if let Some(next) = next_step(&status) {
        context.out.hint(next);
    }
    Ok(())
}

/// The coordination node's log, once a timestamp named one.
fn log(log: &LogView) -> Option<String> {
    if log.forked {
        return Some(
            "! the coordination node signed two logs of what it took: keep this folder and tell the custodians".to_owned(),
        );
    }
    let LogView { entries, named, missing, .. } = log;
    (*named > 0).then(|| format!("log       {entries} of {named} entries checked, {missing} held here are not in it"))
}

fn text(out: &Output, status: &NodeStatus) -> String {
    let network = status.network.as_ref().map_or("no network yet".to_owned(), |network| format!("network {network}"));
    let drill = if status.drill { " (rehearsal)" } else { "" };
    let coordinator = match (status.coordinator_up, status.relay_place) {
        (true, true) => "up, reachable through its relay",
        (true, false) => "up",
        (false, _) => "down",
    };
    let mut lines = vec![
        format!("{} · {network}{drill} · {}", status.member, status.standing),
        format!("records   {}", status.custody),
        format!(
            "roster    version {} · {} of {} peers up · coordination node {coordinator}",
            status.roster_version, status.peers_up, status.peers
        ),
        format!("people    {} registered, {} wait to be indexed", status.people, status.unindexed),
        format!("pairs     {} may be one person", status.duplicates),
        format!("sets      {} of {} sent, {} of {} held", status.sets_out, status.peers, status.sets_in, status.peers),
        format!(
            "cases     {} open · evaluations {} answered, {} open",
            status.cases, status.evaluations_done, status.evaluations_open
        ),
        format!("outbox    {} messages wait", status.outbox),
    ];
    lines.extend(cut_warning(status.cut_warning, status.keys_cut, status.keys));
    if status.roster_version > 0 {
        lines.push(format!("confirmed {}, roster ends {}", utc(status.confirmed), utc(status.expires)));
    }
    lines.extend(log(&status.log));
    lines.extend(standings(status));
    if let Some(profile) = &status.profile {
        lines.push(format!("matching  profile {profile}, key epoch {}", status.epoch));
    }
    if !status.sets.is_empty() {
        lines.push(String::new());
        lines.push(sets(out, status));
    } else if !status.links.is_empty() {
        lines.push(String::new());
        lines.push(links(out, status));
    }
    lines.join("\n")
}

/// What stands out about the roster and the members, one line each.
fn standings(status: &NodeStatus) -> Vec<String> {
    let mut lines = Vec::new();
    match status.freshness.as_str() {
        "old" => lines.push("! the roster was not confirmed for 30 days: hits wait for a person (search held)".to_owned()),
        "stale" => lines.push("! the roster was not confirmed for 90 days: nothing goes to other members".to_owned()),
        "ended" => lines.push("! the roster has ended: nothing goes to other members".to_owned()),
        _ => {}
    }
    let list =
        |members: &[kinmesh_protocol::base::MemberId]| members.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let named = [
        ("suspended or revoked", &status.suspended),
        ("refused here (member allow takes it back)", &status.denied),
        ("new, wait for member accept", &status.waiting),
        ("too many cases hit there, claims wait (search breaker)", &status.held_back),
    ];
    for (what, members) in named.into_iter().filter(|(_, members)| !members.is_empty()) {
        lines.push(format!("! {what}: {}", list(members)));
    }
    lines
}

fn sets(out: &Output, status: &NodeStatus) -> String {
    let mut table = Table::new([
        ("Peer", Flow::Whole),
        ("Link", Flow::Whole),
        ("Our set", Flow::Whole),
        ("Confirmed", Flow::Whole),
        ("Its set", Flow::Whole),
        ("Labels", Flow::Whole),
        ("KiB", Flow::Whole),
    ]);
    for set in &status.sets {
        let current = if set.current { "" } else { " (old)" };
        table.push([
            own(set.member),
            own(link_of(status, set.member)),
            own(format!("{}{current}", sequence(set.built_seq))),
            own(sequence(set.confirmed_seq)),
            own(sequence(set.held_seq)),
            own(set.held_count),
            own(set.held_bytes.div_ceil(1024)),
        ]);
    }
    out.table(&table)
}

/// At the coordination node, which has no sets: who is there. The hour is all that is kept.
fn links(out: &Output, status: &NodeStatus) -> String {
    let mut table =
        Table::new([("Member", Flow::Whole), ("Link", Flow::Whole), ("Relay place", Flow::Whole), ("Last seen", Flow::Whole)]);
    for line in &status.links {
        table.push([
            own(line.member),
            own(&line.link),
            own(if line.place { "held" } else { "-" }),
            own(line.seen.map_or("never".to_owned(), hour)),
        ]);
    }
    out.table(&table)
}

fn link_of(status: &NodeStatus, member: MemberId) -> String {
    let line = status.links.iter().find(|line| line.member == member);
    line.map_or("down".to_owned(), |line| line.link.clone())
}

/// An hour of UTC, such as 2026-11-24T18Z.
fn hour(seconds: u64) -> String {
    let text = utc(seconds);
    text.split_once(':').map_or(text.clone(), |(hour, _)| format!("{hour}Z"))
}

fn sequence(number: u64) -> String {
    if number == 0 { "-".to_owned() } else { format!("#{number}") }
}

fn next_step(status: &NodeStatus) -> Option<&'static str> {
    match (status.roster_version, status.custody.as_str()) {
        (0, _) => Some("→ kinmesh join BUNDLE"),
        _ if matches!(status.freshness.as_str(), "stale" | "ended") => {
            Some("→ at the coordination node: kinmesh roster timestamp --out FILE; or publish the next roster")
        }
        (_, "locked") if status.member != "@coordinator" => Some("→ kinmesh daemon unlock"),
        _ => None,
    }
}
