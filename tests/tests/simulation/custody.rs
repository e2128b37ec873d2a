//! Attacks 26 (a stolen key), 27 (a revocation), 28 (a suspended member), 34 (an emergency), and the operator's veto: who is shut out, how fast, and how it ends.

use kinmesh_protocol::audit::{Act, AuditEntry};
use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::engine::answer::{MemberView, NodeStatus, PublicProblem};
use kinmesh_protocol::engine::{AcceptPolicy, Answer, Command, Failure, NoticeCode};
use kinmesh_protocol::envelope::{Item, Refusal};
use kinmesh_protocol::roster::{MemberStatus, ReasonCode};
use kinmesh_tests::simulation::desks::{insist, register, search, work};
use kinmesh_tests::simulation::invariants::audit_holds;
use kinmesh_tests::simulation::{Faults, Setup, people, start};

use crate::{HOUR, LONG, two};

const DAY_MS: u64 = 86_400_000;
const NAMES: [&str; 4] = ["EAST", "NORTH", "SOUTH", "WEST"];

fn id(text: &str) -> MemberId {
    MemberId::new(text).expect("a member id")
}

fn status(setup: &mut Setup, node: usize) -> NodeStatus {
    match insist(setup, node, &Command::Status) {
        Answer::Status(status) => *status,
        other => panic!("{other:?}"),
    }
}

fn member(setup: &mut Setup, node: usize, of: &str) -> MemberView {
    match insist(setup, node, &Command::MemberShow { member: id(of) }) {
        Answer::Member(view) => *view,
        other => panic!("{other:?}"),
    }
}

/// Items that a node's engine took from another since a moment.
fn taken_from(setup: &Setup, to: usize, from: usize, since: usize) -> usize {
    let sender = setup.world.identity(from);
    setup.world.delivered.iter().skip(since).filter(|(receiver, peer, _)| *receiver == to && *peer == sender).count()
}

fn refusals(setup: &Setup, node: usize, code: Refusal) -> usize {
    let is_it = |(at, notice): &&(usize, kinmesh_protocol::engine::Notice)| {
        *at == node && notice.code == NoticeCode::Refused && notice.number == code.code()
    };
    setup.world.notices.iter().filter(is_it).count()
}

fn entries(setup: &Setup, node: usize, act: Act) -> usize {
    let store = &setup.world.nodes[node].store;
    (1..).map_while(|number| store.peek::<AuditEntry>(&number)).filter(|entry| entry.act == act).count()
}

#[test]
fn attack_34_two_custodians_suspend_at_once_and_only_for_fourteen_days() {
    let mut setup = start(34, &NAMES, Faults::NONE);
    let [east, north, south, west] = [0, 1, 2, 3].map(|place| setup.members[place]);
    register(&mut setup, north, people::registered());
    setup.world.run_for(30 * HOUR);
    let one = setup.suspension("NORTH", 1);
    assert_eq!(setup.give(east, one).err(), Some(Failure::Public(PublicProblem::Signatures)), "one custodian suspends nobody");

    let signed = setup.suspension("NORTH", 2);
    assert!(setup.give(east, signed.clone()).is_ok());
    // From one node to all that are connected, without the coordination node.
    setup.world.run_for(2_000);
    for node in [east, south, west] {
        assert_eq!(status(&mut setup, node).suspended, [id("NORTH")]);
        assert_eq!(status(&mut setup, node).peers, 2);
        assert_eq!(entries(&setup, node, Act::SuspendedForNow), 1);
        assert!(member(&mut setup, node, "NORTH").suspended_until.is_some());
    }
    let after = setup.world.delivered.len();
    setup.world.run_for(30 * HOUR);
    for node in [east, south, west] {
        assert_eq!(taken_from(&setup, north, node, after), 0, "nothing is sent to a suspended member");
    }
    assert!(matches!(setup.give(east, signed), Ok(Answer::PublicTaken { known: 1, accepted: 0, .. })));

    // It lapses by itself, and the member takes part again without anybody's hand.
    setup.world.leap(14 * DAY_MS);
    setup.world.run_for(30 * HOUR);
    for node in [east, south, west] {
        assert_eq!(status(&mut setup, node).peers, 3, "the suspension lapsed");
        assert_eq!(entries(&setup, node, Act::Readmitted), 1);
        audit_holds(&setup.world.nodes[node].store);
    }
    search(&mut setup, south, &[]);
    assert!(work(&mut setup, south, north, LONG).is_some(), "a search reaches the member that came back");
    // The same few cannot go on with it on the same roster: that takes a roster.
    let again = setup.suspension("NORTH", 2);
    assert_eq!(setup.give(south, again).err(), Some(Failure::Public(PublicProblem::SuspendedBefore)));
    assert_eq!(status(&mut setup, south).peers, 3);
}

#[test]
fn attack_34_a_roster_confirms_or_clears_a_suspension() {
    for confirms in [true, false] {
        let mut setup = start(35, &NAMES, Faults::NONE);
        let (east, south) = (setup.members[0], setup.members[2]);
        setup.world.run_for(10 * HOUR);
        let suspension = setup.suspension("NORTH", 2);
        setup.give(east, suspension).expect("a suspension");
        setup.world.run_for(HOUR);
        let now = setup.world.now().seconds() + 1;
        setup.world.run_for(2_000);
        let next = setup.next(|roster| {
            roster.members[1].status = if confirms { MemberStatus::Suspended } else { MemberStatus::Active };
            roster.members[1].status_since = now;
        });
        setup.give(south, next).expect("a roster");
        setup.world.run_for(HOUR);
        let peers = if confirms { 2 } else { 3 };
        assert_eq!(status(&mut setup, east).peers, peers, "confirms: {confirms}");
        setup.world.leap(15 * DAY_MS);
        setup.world.run_for(HOUR);
        assert_eq!(status(&mut setup, east).peers, peers, "after its end, confirms: {confirms}");
    }
}

#[test]
fn a_suspension_survives_a_restart_and_reaches_who_was_away() {
    let mut setup = start(36, &NAMES, Faults::NONE);
    let [east, north, south, west] = [0, 1, 2, 3].map(|place| setup.members[place]);
    setup.world.run_for(10 * HOUR);
    setup.world.crash(west);
    let suspension = setup.suspension("NORTH", 2);
    setup.give(east, suspension).expect("a suspension");
    setup.world.run_for(HOUR);
    setup.world.restart(east, 100);
    setup.world.restart(west, 200);
    let since = setup.world.delivered.len();
    setup.world.run_for(10 * HOUR);
    for node in [east, south, west] {
        assert_eq!(status(&mut setup, node).suspended, [id("NORTH")]);
    }
    assert_eq!(taken_from(&setup, north, east, since), 0);
}

#[test]
fn attack_28_a_suspended_member_that_asks_claims_fetches_and_relays_gets_nothing() {
    let (mut setup, seeking, holding) = two(28, Faults::NONE);
    register(&mut setup, holding, people::registered());
    setup.world.run_for(60 * HOUR);
    search(&mut setup, seeking, &[]);
    setup.world.run_for(60 * HOUR);
    // Everything that the suspended member ever sent: requests, sets asked for, bags with claims, public messages.
    let sender = setup.world.identity(seeking);
    let sent: Vec<Vec<u8>> = setup
        .world
        .delivered
        .iter()
        .filter(|(receiver, peer, _)| *receiver == holding && *peer == sender)
        .map(|(_, _, bytes)| bytes.clone())
        .collect();
    assert!(sent.len() > 5);
    let suspension = setup.suspension("SOUTH", 2);
    setup.give(holding, suspension).expect("a suspension");
    let answers_before = taken_from(&setup, seeking, holding, 0);
    let claims = setup.world.nodes[holding].store.count(Tree::Claims);
    let refused = refusals(&setup, holding, Refusal::Suspended);
    let roster = setup.next(|roster| roster.notices = vec!["relayed by a suspended member".to_owned()]);
    for bytes in sent.iter().chain([&roster]) {
        setup.world.replay(holding, sender, bytes.clone());
    }
    setup.world.run_for(60 * HOUR);
    assert_eq!(refusals(&setup, holding, Refusal::Suspended) - refused, sent.len() + 1, "every item is refused");
    assert_eq!(taken_from(&setup, seeking, holding, 0), answers_before, "and none is answered");
    assert_eq!(setup.world.nodes[holding].store.count(Tree::Claims), claims);
    assert_eq!(status(&mut setup, holding).roster_version, 1, "not even a good roster is taken from it");
    assert!(setup.give(holding, roster).is_ok(), "the same roster from elsewhere counts");
}

#[test]
fn attack_26_a_message_dated_before_the_suspension_is_refused_like_any_other() {
    let (mut setup, seeking, holding) = two(26, Faults::NONE);
    register(&mut setup, holding, people::registered());
    setup.world.run_for(60 * HOUR);
    search(&mut setup, seeking, &[]);
    // Cells that were really signed before the suspension, and held back by whoever has the key.
    let sender = setup.world.identity(seeking);
    setup.world.part(seeking, holding);
    setup.world.run_for(60 * HOUR);
    setup.world.heal(seeking, holding);
    let since = setup.world.delivered.len();
    setup.world.run_for(30 * HOUR);
    let held_back: Vec<Vec<u8>> = setup
        .world
        .delivered
        .iter()
        .skip(since)
        .filter(|(receiver, peer, bytes)| {
            // What the root key signed, a key announcement, is not the stolen key's word.
            *receiver == holding && *peer == sender && matches!(Item::parse(bytes), Ok(Item::Cell(_)))
        })
        .map(|(_, _, bytes)| bytes.clone())
        .collect();
    assert!(!held_back.is_empty());
    let revocation = setup.revocations[1].clone();
    assert!(setup.give(holding, revocation).is_ok());
    let refused = refusals(&setup, holding, Refusal::Suspended) + refusals(&setup, holding, Refusal::KeyUnknown);
    for bytes in &held_back {
        setup.world.replay(holding, sender, bytes.clone());
    }
    let found = refusals(&setup, holding, Refusal::Suspended) + refusals(&setup, holding, Refusal::KeyUnknown);
    assert_eq!(found - refused, held_back.len());
}

#[test]
fn attack_27_a_printed_revocation_reaches_everybody_through_any_peer() {
    let mut setup = start(27, &NAMES, Faults::NONE);
    let [east, north, south, west] = [0, 1, 2, 3].map(|place| setup.members[place]);
    setup.world.run_for(10 * HOUR);
    let revocation = setup.revocations[1].clone();
    // Handed in at the society that is farthest from it, by a file.
    assert!(setup.give(west, revocation.clone()).is_ok());
    setup.world.run_for(2_000);
    let since = setup.world.delivered.len();
    for node in [east, south, west, setup.coordinator] {
        assert_eq!(member(&mut setup, node, "NORTH").standing, "revoked");
        assert_eq!(entries(&setup, node, Act::KeyRevoked), 1);
    }
    setup.world.run_for(20 * HOUR);
    for node in [east, south, west] {
        assert_eq!(taken_from(&setup, north, node, since), 0);
        assert_eq!(status(&mut setup, node).peers, 2);
    }
    // A roster that goes on listing the member does not bring the lost key back.
    let next = setup.next(|roster| roster.members[1].status_since = roster.issued);
    setup.give(east, next).expect("a roster");
    setup.world.run_for(HOUR);
    assert_eq!(member(&mut setup, south, "NORTH").standing, "revoked");
    let again = setup.give(east, revocation);
    assert!(matches!(again, Ok(Answer::PublicTaken { known: 1, .. })), "{again:?}");
}

#[test]
fn attack_27_nobody_revokes_in_anothers_name() {
    let mut setup = start(37, &NAMES, Faults::NONE);
    let east = setup.members[0];
    let mut forged = setup.revocations[1].clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(setup.give(east, forged).err(), Some(Failure::Public(PublicProblem::NotListed)));
    assert_eq!(member(&mut setup, east, "NORTH").standing, "active");
}

#[test]
fn a_veto_needs_nobody_and_survives_a_restart() {
    let mut setup = start(38, &NAMES, Faults::NONE);
    let [east, north, south, _] = [0, 1, 2, 3].map(|place| setup.members[place]);
    register(&mut setup, north, people::registered());
    setup.world.run_for(30 * HOUR);
    insist(&mut setup, east, &Command::MemberDeny { member: id("NORTH"), reason: ReasonCode::Misuse });
    let since = setup.world.delivered.len();
    setup.world.restart(east, 100);
    search(&mut setup, south, &[]);
    setup.world.run_for(40 * HOUR);
    search(&mut setup, east, &[]);
    setup.world.run_for(40 * HOUR);
    assert_eq!(taken_from(&setup, north, east, since), 0, "nothing goes to the refused member");
    assert_eq!(taken_from(&setup, east, north, since), 0, "nor is anything taken from it");
    assert_eq!(status(&mut setup, east).denied, [id("NORTH")]);
    assert_eq!(status(&mut setup, south).denied, [], "others are told nothing");
    assert_eq!(entries(&setup, east, Act::MemberDenied), 1);
    let own = setup.world.command(east, Command::MemberDeny { member: id("EAST"), reason: ReasonCode::Other });
    assert_eq!(own.unwrap_err(), Failure::OwnMember);

    insist(&mut setup, east, &Command::MemberAllow { member: id("NORTH") });
    assert!(work(&mut setup, east, north, 2 * LONG).is_some(), "the search goes on where the veto ended");
    assert_eq!(entries(&setup, east, Act::MemberAllowed), 1);
}

#[test]
fn a_new_member_waits_for_the_operator_where_the_policy_asks() {
    let setup = start(40, &NAMES, Faults::NONE);
    let mut asking = start(39, &["EAST", "SOUTH"], Faults::NONE);
    let place = asking.members[0];
    let policy = |accept| Command::MemberPolicy { accept };
    assert_eq!(insist(&mut asking, place, &policy(Some(AcceptPolicy::Ask))).policy(), Some(AcceptPolicy::Ask));
    let newcomer = setup.roster.members[1].clone();
    let next = asking.next(|roster| roster.members.insert(1, newcomer));
    asking.give(place, next).expect("a roster");
    assert_eq!(status(&mut asking, place).waiting, [id("NORTH")]);
    assert_eq!(status(&mut asking, place).peers, 1);
    let other = asking.members[1];
    asking.world.run_for(HOUR);
    assert_eq!(status(&mut asking, other).peers, 2, "auto takes what the custodians signed");
    insist(&mut asking, place, &Command::MemberAccept { member: id("NORTH") });
    assert_eq!(status(&mut asking, place).peers, 2);
    let again = asking.world.command(place, Command::MemberAccept { member: id("NORTH") });
    assert!(matches!(again, Err(Failure::State { .. })));
}

trait Policy {
    fn policy(&self) -> Option<AcceptPolicy>;
}

impl Policy for Answer {
    fn policy(&self) -> Option<AcceptPolicy> {
        if let Answer::MemberPolicy { policy } = self { Some(*policy) } else { None }
    }
}
