//! Operational keys over months: renewed by the offline root key without a break, also by two members that are apart, and
//! a member that shows peers different announcements.

use kinmesh_protocol::base::{MemberId, MsgId, Party, PeerId, cbor};
use kinmesh_protocol::engine::{Answer, Command, NoticeCode, SplitViewRow};
use kinmesh_protocol::envelope::{Header, sign};
use kinmesh_protocol::roster::KeyAnnouncement;
use kinmesh_protocol::roster::key_chain::KEY_ANNOUNCEMENT;
use kinmesh_tests::simulation::desks::{register, search, work};
use kinmesh_tests::simulation::network::network_id;
use kinmesh_tests::simulation::{Faults, Setup, people, start};

use crate::{HOUR, LONG, two};

/// A real day: operational keys live by the calendar in a drill as well.
const DAY: u64 = 86_400_000;

/// Signs what a node asks for, as the holder of its root key does.
fn signed(setup: &mut Setup, node: usize, change: impl Fn(&mut KeyAnnouncement)) -> Vec<u8> {
    let Ok(Answer::KeysRequested(asked)) = setup.world.command(node, Command::KeysRequest) else { panic!("no request") };
    let mut announcement: KeyAnnouncement = cbor::decode(&asked.announcement).expect("an announcement");
    change(&mut announcement);
    let header = Header {
        kind: KEY_ANNOUNCEMENT,
        from: Party::Member(asked.member),
        to: None,
        msg_id: MsgId([7; 16]),
        n: 0,
        created: asked.created,
        expires: announcement.op_until,
        roster_version: asked.roster_version,
        re: None,
    };
    sign(&network_id(), &header, &cbor::encode(&announcement), setup.root_of(asked.member))
}

fn renew(setup: &mut Setup, node: usize) {
    let item = signed(setup, node, |_| {});
    let taken = setup.world.command(node, Command::PublicTake { items: vec![item], fingerprint: None });
    assert!(matches!(taken, Ok(Answer::PublicTaken { accepted: 1, .. })), "{taken:?}");
}

/// Lets days pass in which nothing but time happens: a drill's hours are a second, keys live by the calendar.
fn days(setup: &mut Setup, days: u64) {
    setup.world.skip(days * DAY);
    setup.world.run_for(HOUR);
    // The coordination node's word, brought by hand: these tests are about keys, not about how old a roster may be.
    let Ok(Answer::Timestamp { message, .. }) = setup.world.command(setup.coordinator, Command::TimestampSign) else {
        panic!("no timestamp")
    };
    for node in setup.members.clone() {
        let take = Command::PublicTake { items: vec![message.clone()], fingerprint: None };
        let taken = setup.world.command(node, take);
        assert!(taken.is_ok(), "{taken:?}");
    }
    setup.world.run_for(30 * HOUR);
}

#[test]
fn a_renewed_key_signs_at_once_and_becomes_the_identity_when_the_older_one_ends() {
    let (mut setup, seeking, holding) = two(41, Faults::NONE);
    days(&mut setup, 60);
    let before = setup.world.identity(holding);
    renew(&mut setup, holding);
    renew(&mut setup, seeking);
    setup.world.run_for(HOUR);
    assert_eq!(setup.world.identity(holding), before, "whoever was away knows the older one");
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[]);
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
    days(&mut setup, 31);
    let after = setup.world.identity(holding);
    assert_ne!(after, before);
    setup.world.run_for(30 * HOUR);
    let Ok(Answer::Status(status)) = setup.world.command(seeking, Command::Status) else { panic!("no status") };
    assert_eq!(status.peers_up, 1, "the other side follows");
}

#[test]
fn two_members_that_both_renewed_while_apart_admit_each_other() {
    let (mut setup, seeking, holding) = two(42, Faults::NONE);
    days(&mut setup, 60);
    setup.world.part(seeking, holding);
    setup.world.part(seeking, setup.coordinator);
    setup.world.part(holding, setup.coordinator);
    for node in [seeking, holding] {
        renew(&mut setup, node);
    }
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[]);
    days(&mut setup, 20);
    // The coordination node stays away from both: nobody else brings the missing links.
    setup.world.heal(seeking, holding);
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
}

#[test]
fn a_restart_goes_on_with_the_renewed_key() {
    let (mut setup, seeking, holding) = two(43, Faults::NONE);
    days(&mut setup, 60);
    renew(&mut setup, holding);
    renew(&mut setup, seeking);
    // The overlap of the keys is there to be heard of in it.
    setup.world.run_for(HOUR);
    days(&mut setup, 31);
    let identity = setup.world.identity(holding);
    setup.world.crash(holding);
    setup.world.start(holding);
    assert_eq!(setup.world.identity(holding), identity);
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[]);
    assert!(work(&mut setup, seeking, holding, LONG).is_some());
}

#[test]
fn an_announcement_of_a_key_that_this_node_does_not_have_is_refused_by_it() {
    let (mut setup, _, holding) = two(44, Faults::NONE);
    let item = signed(&mut setup, holding, |announcement| {
        announcement.op_key = ed25519_dalek::SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes();
        announcement.peer_id = PeerId(announcement.op_key).to_bytes();
    });
    assert!(setup.world.command(holding, Command::PublicTake { items: vec![item], fingerprint: None }).is_err());
}

/// Attack 10 of protocol.md section 4: different keys for two peers.
#[test]
fn attack_10_two_announcements_of_one_number_are_seen_and_refused_by_both() {
    let mut setup = start(45, &["EAST", "NORTH", "SOUTH"], Faults::NONE);
    let (east, north, south) = (setup.members[0], setup.members[1], setup.members[2]);
    let one = signed(&mut setup, north, |_| {});
    let other = signed(&mut setup, north, |_| {});
    setup.world.part(east, south);
    for node in [east, south] {
        setup.world.part(node, north);
        setup.world.part(node, setup.coordinator);
    }
    for (node, item) in [(east, one), (south, other)] {
        let taken = setup.world.command(node, Command::PublicTake { items: vec![item], fingerprint: None });
        assert!(matches!(taken, Ok(Answer::PublicTaken { accepted: 1, .. })), "{taken:?}");
    }
    setup.world.heal(east, south);
    setup.world.run_for(30 * HOUR);
    let seen: Vec<usize> = setup
        .world
        .notices
        .iter()
        .filter(|(_, notice)| notice.code == NoticeCode::KeysDiffer && notice.member == MemberId::new("NORTH").ok())
        .map(|(node, _)| *node)
        .collect();
    assert!(seen.contains(&east) && seen.contains(&south), "{seen:?}");
    let refused = |setup: &Setup, node: usize| {
        setup.world.nodes[node].store.peek::<SplitViewRow>(&MemberId::new("NORTH").expect("a member")).is_some()
    };
    assert!(refused(&setup, east) && refused(&setup, south), "both keep the evidence");
}
