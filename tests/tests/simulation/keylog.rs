//! The coordination node's log: members make its head again, see what they hold in it, and find two logs.

use kinmesh_protocol::base::{MsgId, Party, cbor};
use kinmesh_protocol::engine::answer::LogView;
use kinmesh_protocol::engine::{Answer, Command, NoticeCode};
use kinmesh_protocol::envelope::{Header, sign};
use kinmesh_protocol::roster::{LOG_PART, LogPart, TIMESTAMP, TimestampBody, verify};
use kinmesh_tests::simulation::desks::{register, search, work};
use kinmesh_tests::simulation::network::network_id;
use kinmesh_tests::simulation::{Faults, Setup, people, start};

use crate::{HOUR, LONG};

fn log(setup: &mut Setup, node: usize) -> LogView {
    match setup.world.command(node, Command::Status) {
        Ok(Answer::Status(status)) => status.log,
        other => panic!("{other:?}"),
    }
}

fn confirm(setup: &mut Setup) -> Vec<u8> {
    setup.world.run_for(2_000);
    match setup.world.command(setup.coordinator, Command::TimestampSign) {
        Ok(Answer::Timestamp { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

/// What a coordination node that lies could sign.
fn forged(setup: &Setup, kind: u64, body: &[u8]) -> Vec<u8> {
    let created = setup.world.now().seconds();
    let header = Header {
        kind,
        from: Party::Coordinator,
        to: None,
        msg_id: MsgId([9; 16]),
        n: 0,
        created,
        expires: created + 500,
        roster_version: 1,
        re: None,
    };
    sign(&network_id(), &header, body, &setup.coordinator_key)
}

fn timestamp(setup: &Setup, keylog_len: u64, keylog_head: [u8; 32]) -> Vec<u8> {
    let body = TimestampBody {
        roster_version: setup.roster.version,
        roster_hash: verify::payload_hash(&setup.roster.payload()),
        keylog_head,
        keylog_len,
        now: setup.world.now().seconds(),
    };
    forged(setup, TIMESTAMP, &cbor::encode(&body))
}

#[test]
fn members_make_the_log_again_and_find_what_they_hold_in_it() {
    let mut setup = start(91, &["EAST", "NORTH", "SOUTH"], Faults::NONE);
    let nodes = setup.members.clone();
    setup.world.run_for(5 * HOUR);
    confirm(&mut setup);
    setup.world.run_for(20 * HOUR);
    for node in &nodes {
        let log = log(&mut setup, *node);
        // A roster and three announcements.
        assert_eq!(log, LogView { entries: 4, named: 4, missing: 0, forked: false });
    }
    // What comes later is behind it, in the order in which the coordination node took it.
    let suspended = setup.suspend("EAST");
    setup.give(setup.coordinator, suspended).expect("the roster");
    // Both that are left roll early and announce it: the timestamp comes when that is over.
    setup.world.run_for(11 * 24 * HOUR);
    confirm(&mut setup);
    setup.world.run_for(20 * HOUR);
    let north = log(&mut setup, nodes[1]);
    assert!(north.entries >= 5 && north.entries == north.named && north.missing == 0 && !north.forked, "{north:?}");
}

#[test]
fn what_a_peer_brings_before_the_coordination_node_has_it_is_missing_in_the_log() {
    let mut setup = start(92, &["NORTH", "SOUTH"], Faults::NONE);
    let (north, south) = (setup.members[0], setup.members[1]);
    setup.world.run_for(5 * HOUR);
    confirm(&mut setup);
    setup.world.run_for(20 * HOUR);
    setup.world.crash(setup.coordinator);
    let next = setup.next(|_| {});
    setup.give(south, next).expect("the roster");
    setup.world.run_for(20 * HOUR);
    assert_eq!(log(&mut setup, north), LogView { entries: 3, named: 3, missing: 1, forked: false });
}

// KL-2.
#[test]
fn two_logs_are_found_kept_and_stop_nothing() {
    for (name, len, head) in [("another head", 3, [7; 32]), ("a shorter log", 1, [7; 32]), ("none at all", 0, [0; 32])] {
        let mut setup = start(93, &["NORTH", "SOUTH"], Faults::NONE);
        let (north, south) = (setup.members[0], setup.members[1]);
        setup.world.run_for(5 * HOUR);
        confirm(&mut setup);
        setup.world.run_for(5 * HOUR);
        assert_eq!(log(&mut setup, south).entries, 3);
        let other = timestamp(&setup, len, head);
        setup.give(south, other).expect("its word on the roster counts");
        assert!(log(&mut setup, south).forked, "{name}");
        let told = setup.world.notices.iter().filter(|(node, notice)| *node == south && notice.code == NoticeCode::LogForked);
        assert_eq!(told.count(), 1, "{name}");
        register(&mut setup, north, people::registered());
        search(&mut setup, south, &[]);
        assert!(work(&mut setup, south, north, LONG).is_some(), "{name}: matching goes on");
    }
}

#[test]
fn entries_that_do_not_lead_to_the_named_head_are_two_logs() {
    let mut setup = start(94, &["NORTH", "SOUTH"], Faults::NONE);
    let south = setup.members[1];
    setup.world.run_for(5 * HOUR);
    confirm(&mut setup);
    setup.world.run_for(5 * HOUR);
    setup.world.crash(setup.coordinator);
    let named = timestamp(&setup, 5, [7; 32]);
    setup.give(south, named).expect("a timestamp");
    assert!(!log(&mut setup, south).forked, "what is behind the known entries is not known yet");
    let part = |from: u64, kind: u8, count: usize| {
        let entries = [&[kind][..], &[5; 32]].concat();
        let entries = (0..count).flat_map(|place| {
            let mut entry = entries.clone();
            entry[1] = u8::try_from(place).unwrap();
            entry
        });
        cbor::encode(&LogPart { from, entries: entries.collect() })
    };
    // Not where it goes on, of types that are no entries, or empty: nothing of it counts.
    let give = |setup: &mut Setup, body: Vec<u8>| {
        let message = forged(setup, LOG_PART, &body);
        setup.give(south, message).is_ok()
    };
    assert!(give(&mut setup, part(9, 12, 2)));
    assert!(!give(&mut setup, part(3, 11, 2)));
    assert!(!give(&mut setup, part(3, 12, 0)));
    assert!(!give(&mut setup, part(3, 12, 129)));
    assert_eq!(log(&mut setup, south).entries, 3);
    assert!(give(&mut setup, part(3, 12, 2)));
    let found = log(&mut setup, south);
    assert!(found.entries == 5 && found.forked, "{found:?}");
}
