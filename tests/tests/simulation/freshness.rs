//! Attack 33 (rosters that are rolled back or frozen), the part that takes time: the coordination node is off for 8, 31 and 91 days, and comes back
//! hostile. Matching goes on for 30 days, then the steps of protocol.md 2.12, and it all recovers by itself.

use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::engine::answer::{HeldLine, NodeStatus};
use kinmesh_protocol::engine::{Answer, Command, Failure, NoticeCode};
use kinmesh_protocol::envelope::{Item, Refusal};
use kinmesh_protocol::roster::{ClassId, MemberStatus, Pace};
use kinmesh_tests::simulation::desks::{insist, register, search, work};
use kinmesh_tests::simulation::{Faults, Setup, people, start_with};

const DAY_MS: u64 = 86_400_000;
const DAY: u64 = 86_400;

/// Two members, a roster for 400 days in a slow network, and a coordination node that is off from the first day.
fn alone(seed: u64) -> (Setup, usize, usize) {
    let mut setup = start_with(seed, &["NORTH", "SOUTH"], 0, Faults::NONE, |roster| {
        roster.pace = Pace::standard();
        roster.expires = roster.issued + 400 * DAY;
    });
    let coordinator = setup.coordinator;
    setup.world.run_for(3_600_000);
    setup.world.crash(coordinator);
    let (north, south) = (setup.members[0], setup.members[1]);
    (setup, south, north)
}

fn is_sealed(bytes: &[u8]) -> bool {
    matches!(Item::parse(bytes), Ok(Item::Cell(_)))
}

fn status(setup: &mut Setup, node: usize) -> NodeStatus {
    match insist(setup, node, &Command::Status) {
        Answer::Status(status) => *status,
        other => panic!("{other:?}"),
    }
}

fn held(setup: &mut Setup, node: usize) -> Vec<HeldLine> {
    match insist(setup, node, &Command::SearchHeld) {
        Answer::Held { hits } => hits,
        other => panic!("{other:?}"),
    }
}

#[test]
fn attack_33_eight_days_without_the_coordination_node_change_nothing() {
    let (mut setup, seeking, holding) = alone(330);
    register(&mut setup, holding, people::registered());
    setup.world.leap(8 * DAY_MS);
    setup.world.run_for(DAY_MS);
    search(&mut setup, seeking, &[]);
    assert!(work(&mut setup, seeking, holding, 12 * DAY_MS).is_some());
    assert_eq!(status(&mut setup, seeking).freshness, "fresh");
}

// RO-12.
#[test]
fn attack_33_after_31_days_hits_wait_for_a_person_and_after_91_nothing_goes_out() {
    let (mut setup, seeking, holding) = alone(331);
    register(&mut setup, holding, people::registered());
    setup.world.run_for(2 * DAY_MS);
    setup.world.leap(31 * DAY_MS);
    setup.world.run_for(3_600_000);
    assert_eq!(status(&mut setup, seeking).freshness, "old");
    search(&mut setup, seeking, &[]);
    setup.world.run_for(3 * DAY_MS);
    let waits = held(&mut setup, seeking);
    assert_eq!(waits.iter().map(|hit| hit.reason.as_str()).collect::<Vec<_>>(), ["roster_old"]);
    assert_eq!(setup.world.nodes[holding].store.count(Tree::Claims), 0);

    setup.world.leap(58 * DAY_MS);
    setup.world.run_for(3_600_000);
    assert_eq!(status(&mut setup, seeking).freshness, "stale");
    let since = setup.world.delivered.len();
    register(&mut setup, seeking, people::other(7));
    let Answer::Cases { cases } = insist(&mut setup, seeking, &Command::CaseList { limit: 5 }) else { panic!("no cases") };
    let again = Command::SearchRun { case: cases[0].case.to_string(), plan: None };
    assert_eq!(setup.world.command(seeking, again).unwrap_err(), Failure::RosterOld);
    setup.world.run_for(2 * DAY_MS);
    let cells = setup.world.delivered.iter().skip(since).filter(|(_, _, bytes)| is_sealed(bytes)).count();
    assert_eq!(cells, 0, "nothing but public messages passes between two members on a stale roster");
}

#[test]
fn attack_33_it_recovers_by_itself_with_a_timestamp() {
    let (mut setup, seeking, holding) = alone(332);
    register(&mut setup, holding, people::registered());
    setup.world.run_for(2 * DAY_MS);
    setup.world.leap(31 * DAY_MS);
    setup.world.run_for(3_600_000);
    search(&mut setup, seeking, &[]);
    setup.world.run_for(2 * DAY_MS);
    assert_eq!(held(&mut setup, seeking).len(), 1);
    // The coordination node is back: its daily word passes on by itself, and the held hit is claimed without a hand.
    let coordinator = setup.coordinator;
    setup.world.start(coordinator);
    assert!(work(&mut setup, seeking, holding, 12 * DAY_MS).is_some());
    assert_eq!(status(&mut setup, holding).freshness, "fresh");
}

#[test]
fn attack_33_a_timestamp_by_file_and_of_another_roster() {
    let (mut setup, seeking, holding) = alone(333);
    setup.world.leap(95 * DAY_MS);
    setup.world.run_for(3_600_000);
    assert_eq!(status(&mut setup, seeking).freshness, "stale");
    let coordinator = setup.coordinator;
    setup.world.start(coordinator);
    setup.world.part(coordinator, seeking);
    setup.world.part(coordinator, holding);
    let Answer::Timestamp { message, roster_version, .. } = insist(&mut setup, coordinator, &Command::TimestampSign) else {
        panic!("no timestamp")
    };
    assert_eq!(roster_version, 1);
    setup.give(seeking, message.clone()).expect("a timestamp");
    assert_eq!(status(&mut setup, seeking).freshness, "fresh");
    let again = setup.give(seeking, message.clone());
    assert!(matches!(again, Ok(Answer::PublicTaken { known: 1, .. })), "a replay changes nothing: {again:?}");
    let at_member = setup.world.command(seeking, Command::TimestampSign);
    assert_eq!(at_member.unwrap_err(), Failure::CoordinatorOnly);

    // One that names the version before does not make the next roster fresh.
    let next = setup.next(|roster| roster.notices = vec!["next".to_owned()]);
    setup.give(holding, next).expect("a roster");
    assert!(setup.give(holding, message).is_err());
    // It goes no further than a week.
    setup.world.leap(30 * DAY_MS);
    let late = insist(&mut setup, seeking, &Command::PublicGive);
    let Answer::Public { items } = late else { panic!("no items") };
    assert!(
        items.iter().all(|item| { !matches!(Item::parse(item), Ok(Item::Message(message)) if message.claimed_kind() == 11) })
    );
}

#[test]
fn attack_33_after_the_rosters_end_only_a_new_roster_helps() {
    let mut setup = start_with(334, &["NORTH", "SOUTH"], 0, Faults::NONE, |roster| {
        roster.pace = Pace::standard();
        roster.expires = roster.issued + 5 * DAY;
    });
    let (holding, seeking) = (setup.members[0], setup.members[1]);
    setup.world.run_for(4 * DAY_MS);
    setup.world.leap(DAY_MS);
    setup.world.run_for(3_600_000);
    assert_eq!(status(&mut setup, seeking).freshness, "ended");
    register(&mut setup, seeking, people::other(3));
    // A cell that was good yesterday is refused with the code, not silently.
    let sender = setup.world.identity(seeking);
    let is_theirs = |(to, from, bytes): &&(usize, kinmesh_protocol::base::PeerId, Vec<u8>)| {
        *to == holding && *from == sender && is_sealed(bytes)
    };
    let last = setup.world.delivered.iter().rev().find(is_theirs).map(|(_, _, bytes)| bytes.clone()).expect("a cell");
    setup.world.replay(holding, sender, last);
    let is_stale = |(node, notice): &(usize, kinmesh_protocol::engine::Notice)| {
        *node == holding && notice.code == NoticeCode::Refused && notice.number == Refusal::RosterStale.code()
    };
    assert!(setup.world.notices.iter().any(is_stale));
    // The coordination node's word alone does not lengthen a roster's life.
    assert_eq!(status(&mut setup, holding).freshness, "ended");
    let next = setup.next(|roster| roster.expires = roster.issued + 100 * DAY);
    setup.give(holding, next).expect("a roster that follows one that has ended");
    setup.world.run_for(3_600_000);
    assert_eq!(status(&mut setup, seeking).freshness, "fresh", "it passes on by itself");
}

#[test]
fn a_member_on_probation_searches_with_the_budget_of_class_s() {
    let mut setup = start_with(335, &["NORTH", "SOUTH"], 0, Faults::NONE, |roster| {
        roster.pace = Pace::standard();
        for member in &mut roster.members {
            (member.status, member.case_class) = (MemberStatus::Probation, ClassId::XL);
        }
    });
    let (holding, seeking) = (setup.members[0], setup.members[1]);
    register(&mut setup, holding, people::registered());
    setup.world.run_for(DAY_MS);
    search(&mut setup, seeking, &[]);
    assert_eq!(status(&mut setup, seeking).standing, "probation");
    assert!(work(&mut setup, seeking, holding, 12 * DAY_MS).is_some(), "a search within the budget is answered");
    let member = setup.roster.members[0].id;
    let view = insist(&mut setup, seeking, &Command::MemberShow { member });
    assert!(matches!(view, Answer::Member(view) if view.case_class == "XL" && view.standing == "probation"));
}
