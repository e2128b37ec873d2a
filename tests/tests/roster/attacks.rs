//! The attacks 26 to 28, 33 and 34 among the adversarial tests of the protocol, against whole networks of engines in virtual time.
//!
//! The thief has everything of NORTH: its operational key, its links, what it ever sent. The day of these networks is a real
//! day where a rule counts days of the calendar (freshness, suspensions) and 24 seconds where it counts those of the pace.

use std::collections::BTreeMap;

use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::base::{CellId, Draw, Epoch, MemberId, MsgId, Party, PeerId, cbor};
use kinmesh_protocol::engine::{Answer, Command, Failure};
use kinmesh_protocol::envelope::{
    Addressee, CellHeader, CellKind, Header, Message, SealSecret, SigningKey, Unverified, seal, sign,
};
use kinmesh_protocol::roster::{
    HeldRoster, KeyAnnouncement, MemberStatus, PublicKeys, Roster, TimestampBody, assemble, payload_hash, sign_roster,
};
use kinmesh_tests::simulation::desks::{register, search, work};
use kinmesh_tests::simulation::network::{HOUR_MS as HOUR, network_id};
use kinmesh_tests::simulation::{Faults, Setup, people, start};

/// Real days, in milliseconds and seconds.
const DAY_MS: u64 = 24 * 3_600_000;
const DAY: u64 = 24 * 3_600;

fn member(id: &str) -> MemberId {
    MemberId::new(id).expect("a member id")
}

/// NORTH, whose node is taken, and SOUTH.
fn two(seed: u64) -> (Setup, usize, usize) {
    let setup = start(seed, &["NORTH", "SOUTH"], Faults::NONE);
    let (north, south) = (setup.members[0], setup.members[1]);
    (setup, north, south)
}

/// The keys that a member announced when it joined.
fn announced(setup: &Setup, place: usize) -> KeyAnnouncement {
    let members = BTreeMap::new();
    let now = setup.world.now();
    let mut roster = setup.roster.clone();
    for member in &mut roster.members {
        member.status = MemberStatus::Active;
    }
    let ring = PublicKeys { roster: &roster, members: &members, suspensions: &[], now };
    let message = Unverified::<Message>::parse(&setup.papers[place].announcement, 1 << 16).expect("a message");
    let pace = setup.roster.pace;
    let message = message.verify(&network_id(), Addressee::Public, &ring, now, pace.clock_skew, pace.message_life);
    cbor::decode(&message.expect("the member's own").body).expect("an announcement")
}

/// A good cell of NORTH for SOUTH, made at a time, with a number to tell it from others.
fn cell(setup: &Setup, key: &SigningKey, created: u64, number: u8) -> Vec<u8> {
    let to = announced(setup, setup.papers.len() - 1);
    let (from, south) = (member("NORTH"), member("SOUTH"));
    let header = Header {
        kind: 22,
        from: Party::Member(from),
        to: Some(Party::Member(south)),
        msg_id: MsgId([number; 16]),
        n: 0,
        created,
        expires: created + 600,
        roster_version: 1,
        re: None,
    };
    // What it asks for is nothing that SOUTH has; that it was opened and read shows in the memory of messages.
    let message = sign(&network_id(), &header, &[0xa4, 1, 1, 2, 1, 3, 0, 4, 0x80], key);
    let header = CellHeader {
        kind: CellKind::Set,
        from,
        to: south,
        cell_id: CellId([number; 16]),
        created,
        expires: created + 600,
        recipient_key_id: to.seal_key_id,
    };
    seal(&network_id(), &header, &[message], 64 * 1024, &to.seal_key, key, &mut Draw::new([number; 32])).expect("a cell")
}

fn seen(setup: &Setup, node: usize) -> usize {
    setup.world.nodes[node].store.count(Tree::Seen)
}

/// Brings bytes over NORTH's link; true if they left any trace in SOUTH's store.
fn has_effect(setup: &mut Setup, north: usize, south: usize, bytes: Vec<u8>) -> bool {
    let before = setup.world.nodes[south].store.digest();
    let peer = setup.world.identity(north);
    setup.world.replay(south, peer, bytes);
    setup.world.nodes[south].store.digest() != before
}

fn give(setup: &mut Setup, node: usize, item: &[u8]) -> Result<Answer, Failure> {
    setup.give(node, item.to_vec())
}

fn standing(setup: &mut Setup, node: usize, id: &str) -> String {
    match setup.world.command(node, Command::MemberShow { member: member(id) }) {
        Ok(Answer::Member(member)) => member.standing,
        other => panic!("{other:?}"),
    }
}

fn freshness(setup: &mut Setup, node: usize) -> String {
    match setup.world.command(node, Command::Status) {
        Ok(Answer::Status(status)) => status.freshness,
        other => panic!("{other:?}"),
    }
}

fn version(setup: &mut Setup, node: usize) -> u64 {
    match setup.world.command(node, Command::Status) {
        Ok(Answer::Status(status)) => status.roster_version,
        other => panic!("{other:?}"),
    }
}

/// The next version, good for 400 days.
fn renew(setup: &mut Setup) -> Vec<u8> {
    setup.next(|roster| roster.expires = roster.issued + 400 * DAY)
}

// VE-3: `created` revives no key.
#[test]
fn attack_26_a_stolen_key_cannot_speak_from_before_the_suspension() {
    for how in ["by roster", "by emergency", "by its own revocation"] {
        let (mut setup, north, south) = two(26);
        setup.world.run_for(20 * HOUR);
        let key = setup.papers[0].operational.clone();
        let before = setup.world.now().seconds();
        let good = cell(&setup, &key, before, 1);
        let count = seen(&setup, south);
        assert!(has_effect(&mut setup, north, south, good), "the cell is a good one");
        assert_eq!(seen(&setup, south), count + 1);
        setup.world.run_for(4 * HOUR);
        let stop = match how {
            "by roster" => setup.suspend("NORTH"),
            "by emergency" => setup.suspension("NORTH", 2),
            _ => setup.revocations[0].clone(),
        };
        give(&mut setup, south, &stop).expect("NORTH is stopped");
        let now = setup.world.now().seconds();
        for (number, created) in (2..).zip([before - 60, before, now, now + 1]) {
            let backdated = cell(&setup, &key, created, number);
            assert!(!has_effect(&mut setup, north, south, backdated), "{how}: a cell of {created}, it is {now}");
        }
        // An announcement of a fresh epoch needs no root key, but a key that counts.
        let keys = announced(&setup, 0);
        let mut next = keys.clone();
        next.seq = 2;
        next.voprf.epoch = Epoch(2);
        next.voprf.pk = [7; 32];
        let header = header_of_announcement(&next, before - 60);
        let epoch = sign(&network_id(), &header, &cbor::encode(&next), &key);
        assert!(give(&mut setup, south, &epoch).is_err(), "{how}: an epoch announced by the thief");
    }
}

fn header_of_announcement(keys: &KeyAnnouncement, created: u64) -> Header {
    Header {
        kind: 12,
        from: Party::Member(member("NORTH")),
        to: None,
        msg_id: MsgId([5; 16]),
        n: 0,
        created,
        expires: keys.op_until,
        roster_version: 1,
        re: None,
    }
}

/// NORTH's next operational key, signed by its root alone.
fn rekeyed(setup: &Setup, fresh: &SigningKey) -> Vec<u8> {
    let first = &setup.papers[0].announcement;
    let seal_key = SealSecret::from_bytes([44; 32]).public();
    let op_key = fresh.verifying_key().to_bytes();
    let mut keys = announced(setup, 0);
    keys.seq = 2;
    keys.prev_hash = payload_of(first);
    keys.op_key = op_key;
    keys.peer_id = PeerId(op_key).to_bytes();
    keys.seal_key_id = seal_key.key_id();
    keys.seal_key = seal_key;
    let header = header_of_announcement(&keys, setup.world.now().seconds());
    sign(&network_id(), &header, &cbor::encode(&keys), &setup.papers[0].root)
}

fn payload_of(message: &[u8]) -> [u8; 32] {
    let mut decoder = minicbor::Decoder::new(message);
    decoder.tag().expect("a tag");
    decoder.array().expect("an array");
    decoder.bytes().expect("a header");
    decoder.map().expect("a header");
    payload_hash(decoder.bytes().expect("the payload"))
}

#[test]
fn attack_27_a_printed_revocation_through_any_peer_stops_a_key_everywhere() {
    let mut setup = start(27, &["EAST", "NORTH", "SOUTH"], Faults::NONE);
    setup.papers.remove(0);
    let (east, north, south) = (setup.members[0], setup.members[1], setup.members[2]);
    let coordinator = setup.coordinator;
    setup.world.run_for(20 * HOUR);
    let key = setup.papers[0].operational.clone();
    let paper = setup.revocations[1].clone();
    give(&mut setup, east, &paper).expect("EAST takes the paper");
    // Nobody brought it to the others: the links did, at once.
    setup.world.run_for(HOUR);
    for node in [east, south, coordinator] {
        assert_eq!(standing(&mut setup, node, "NORTH"), "revoked", "at node {node}");
    }
    let now = setup.world.now().seconds();
    let late = cell(&setup, &key, now, 3);
    assert!(!has_effect(&mut setup, north, south, late), "the revoked key is refused");
    let mark = setup.world.delivered.len();
    setup.world.run_for(30 * HOUR);
    let thief = setup.world.identity(north);
    let spoke = setup.world.delivered[mark..].iter().any(|(to, from, _)| *to == north || *from == thief);
    assert!(!spoke, "something went to or from the revoked key");
    // The root makes another key, without a custodian; any peer may bring it.
    let fresh = SigningKey::from_bytes(&[99; 32]);
    let announcement = rekeyed(&setup, &fresh);
    give(&mut setup, south, &announcement).expect("the root's word");
    setup.world.run_for(HOUR);
    for node in [east, south, coordinator] {
        assert_eq!(standing(&mut setup, node, "NORTH"), "active", "at node {node}");
        assert_eq!(version(&mut setup, node), 1, "no custodian was needed");
    }
    let now = setup.world.now().seconds();
    let (by_old, by_new) = (cell(&setup, &key, now, 4), cell(&setup, &fresh, now, 5));
    assert!(!has_effect(&mut setup, north, south, by_old), "the old key stays void");
    let count = seen(&setup, south);
    setup.world.replay(south, PeerId(fresh.verifying_key().to_bytes()), by_new);
    assert_eq!(seen(&setup, south), count + 1, "the new key counts");
}

// EP-7: refused whatever it says.
#[test]
fn attack_28_a_suspended_member_is_refused_whatever_it_says() {
    let mut setup = start(28, &["EAST", "NORTH", "SOUTH"], Faults::NONE);
    setup.papers.remove(0);
    let (east, north, south) = (setup.members[0], setup.members[1], setup.members[2]);
    register(&mut setup, south, people::registered());
    search(&mut setup, north, &[]);
    setup.world.run_for(40 * HOUR);
    let key = setup.papers[0].operational.clone();
    let suspended = setup.suspend("NORTH");
    for node in [east, south, setup.coordinator] {
        give(&mut setup, node, &suspended).expect("the roster");
    }
    let mark = setup.world.delivered.len();
    let thief = setup.world.identity(north);
    // It asks, claims, fetches: everything that it ever said, and new things.
    let said: Vec<Vec<u8>> = setup
        .world
        .delivered
        .iter()
        .filter(|(to, from, _)| *to == south && *from == thief)
        .map(|(_, _, bytes)| bytes.clone())
        .collect();
    assert!(said.len() > 10, "{} items of NORTH", said.len());
    for bytes in said {
        assert!(!has_effect(&mut setup, north, south, bytes), "an old item had an effect");
    }
    let now = setup.world.now().seconds();
    let fetch = Header {
        kind: 15,
        from: Party::Member(member("NORTH")),
        to: None,
        msg_id: MsgId([6; 16]),
        n: 0,
        created: now,
        expires: now + 600,
        roster_version: 1,
        re: None,
    };
    let fetch = sign(&network_id(), &fetch, &[0xa4, 1, 0, 2, 0, 3, 0, 4, 0], &key);
    let fresh = cell(&setup, &key, now, 7);
    // It relays a roster, even a good one that sets itself free or concerns others only.
    let freed = setup.reinstate("NORTH");
    for (what, bytes) in [("a request for public messages", fetch), ("a cell", fresh), ("a roster", freed.clone())] {
        assert!(!has_effect(&mut setup, north, south, bytes), "{what} of the suspended member had an effect");
    }
    assert_eq!(version(&mut setup, south), 2);
    setup.world.run_for(100 * HOUR);
    let answered = setup.world.delivered[mark..].iter().filter(|(to, _, _)| *to == north).count();
    assert_eq!(answered, 0, "items reached the suspended member");
    // The same roster by anybody else counts.
    give(&mut setup, south, &freed).expect("the roster");
    assert_eq!((version(&mut setup, south), standing(&mut setup, south, "NORTH")), (3, "active".to_owned()));
}

#[test]
fn attack_33_rosters_that_go_back_freeze_or_jump_are_refused_and_matching_goes_on() {
    let (mut setup, holding, seeking) = two(33);
    let first = setup.signed();
    let second = renew(&mut setup);
    give(&mut setup, seeking, &second).expect("version 2");
    setup.world.run_for(3 * HOUR);
    let base = setup.roster.clone();
    let hostile = |setup: &Setup, change: fn(&mut Roster), signers: &[usize], network: &str| {
        let mut roster = Roster { version: 3, prev_hash: payload_hash(&base.payload()), ..base.clone() };
        change(&mut roster);
        let payload = roster.payload();
        let network = kinmesh_protocol::base::NetworkId::new(network).expect("a network id");
        let keys: Vec<&SigningKey> = setup.custodians.iter().chain([&setup.coordinator_key]).collect();
        assemble(&payload, signers.iter().map(|place| sign_roster(&network, &payload, keys[*place])).collect())
    };
    let cases: [(&str, Vec<u8>); 11] = [
        ("rollback", first),
        ("fast-forward to 2^63 - 1", hostile(&setup, |r| r.version = (1 << 63) - 1, &[0, 1, 2], "drill-sim")),
        ("fast-forward to 2^63", hostile(&setup, |r| r.version = 1 << 63, &[0, 1, 2], "drill-sim")),
        ("one signature too few", hostile(&setup, |_| (), &[0], "drill-sim")),
        ("the same custodian twice", hostile(&setup, |_| (), &[0, 0], "drill-sim")),
        ("a custodian and the coordinator", hostile(&setup, |_| (), &[0, 3], "drill-sim")),
        ("expired", hostile(&setup, |r| r.expires = r.issued, &[0, 1, 2], "drill-sim")),
        ("signed for another network", hostile(&setup, |_| (), &[0, 1, 2], "drill-other")),
        (
            "of another network",
            hostile(
                &setup,
                |r| r.network_id = kinmesh_protocol::base::NetworkId::new("drill-other").unwrap(),
                &[0, 1, 2],
                "drill-sim",
            ),
        ),
        (
            "mixed root",
            hostile(
                &setup,
                |r| r.custodians.keys[0] = SigningKey::from_bytes(&[77; 32]).verifying_key().to_bytes(),
                &[0, 1],
                "drill-sim",
            ),
        ),
        ("a split view", hostile(&setup, |r| (r.version, r.notices) = (2, vec!["another".to_owned()]), &[0, 1, 2], "drill-sim")),
    ];
    for (what, bytes) in cases {
        assert!(give(&mut setup, seeking, &bytes).is_err(), "{what}");
        assert_eq!(version(&mut setup, seeking), 2, "{what}");
    }
    // The coordinator is off for 30 of the network's days; then a family is found all the same.
    let coordinator = setup.coordinator;
    give(&mut setup, holding, &second).expect("version 2");
    setup.world.crash(coordinator);
    setup.world.run_for(30 * 24 * HOUR);
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[]);
    assert!(work(&mut setup, seeking, holding, 300 * HOUR).is_some(), "matching stopped with the coordinator");
}

#[test]
fn attack_33_a_freeze_degrades_in_steps_and_ends_with_the_next_roster() {
    let (mut setup, holding, seeking) = two(331);
    let members = [holding, seeking];
    let coordinator = setup.coordinator;
    let second = renew(&mut setup);
    for node in members {
        give(&mut setup, node, &second).expect("version 2");
    }
    setup.world.crash(coordinator);
    let begun = setup.world.now().0;
    for (days, word) in [(8, "fresh"), (29, "fresh"), (31, "old"), (89, "old"), (91, "stale")] {
        let wait = begun + days * DAY_MS - setup.world.now().0;
        setup.world.leap(wait);
        setup.world.run_for(HOUR);
        for node in members {
            assert_eq!(freshness(&mut setup, node), word, "after {days} days");
        }
    }
    // The own records are worked on whatever the roster's age.
    register(&mut setup, holding, people::registered());
    let opened = setup.world.command(seeking, Command::CaseOpen { form: Box::new(people::case(&[])) });
    let Ok(Answer::CaseOpened { case, .. }) = opened else { panic!("{opened:?}") };
    let asked = setup.world.command(seeking, Command::SearchRun { case: case.to_string(), plan: None });
    assert!(matches!(asked, Err(Failure::RosterOld)), "{asked:?}");
    // Frozen again: the old timestamp and the held roster say nothing.
    assert!(matches!(give(&mut setup, seeking, &second), Ok(Answer::PublicTaken { known: 1, .. })));
    assert_eq!(freshness(&mut setup, seeking), "stale");
    let third = renew(&mut setup);
    give(&mut setup, seeking, &third).expect("version 3");
    assert_eq!(freshness(&mut setup, seeking), "fresh");
}

/// What a hostile coordination node says in place of the truth.
type Lie = fn(&mut TimestampBody);

#[test]
fn attack_33_a_hostile_coordinator_confirms_nothing_but_the_held_roster() {
    let (mut setup, _, seeking) = two(332);
    let coordinator = setup.coordinator;
    setup.world.crash(coordinator);
    setup.world.leap(2 * DAY_MS);
    setup.world.run_for(HOUR);
    let held = HeldRoster { hash: payload_hash(&setup.roster.payload()), roster: setup.roster.clone() };
    let key = setup.coordinator_key.clone();
    let word = |setup: &Setup, change: Lie| {
        let now = setup.world.now().seconds();
        let mut body = TimestampBody { roster_version: 1, roster_hash: held.hash, keylog_head: [0; 32], keylog_len: 0, now };
        change(&mut body);
        let header = Header {
            kind: 11,
            from: Party::Coordinator,
            to: None,
            msg_id: MsgId([8; 16]),
            n: 0,
            created: now,
            expires: now + 7 * DAY,
            roster_version: 1,
            re: None,
        };
        sign(&network_id(), &header, &cbor::encode(&body), &key)
    };
    let lies: [(&str, Lie); 4] = [
        ("another hash", |body| body.roster_hash = [1; 32]),
        ("a version that is not there", |body| body.roster_version = 2),
        ("the version before the first", |body| body.roster_version = 0),
        ("a time of its own", |body| body.now += 3_600),
    ];
    for (what, change) in lies {
        let lie = word(&setup, change);
        assert!(give(&mut setup, seeking, &lie).is_err(), "{what}");
    }
    let truth = word(&setup, |_| ());
    assert!(matches!(give(&mut setup, seeking, &truth), Ok(Answer::PublicTaken { accepted: 1, .. })));
    assert_eq!((version(&mut setup, seeking), standing(&mut setup, seeking, "NORTH")), (1, "active".to_owned()));
}

#[test]
fn attack_34_an_emergency_suspension_lapses_after_14_days_unless_it_is_confirmed() {
    let (mut setup, north, south) = two(34);
    let nodes = [setup.coordinator, north, south];
    let renewed = renew(&mut setup);
    for node in nodes {
        give(&mut setup, node, &renewed).expect("version 2");
    }
    setup.world.run_for(20 * HOUR);
    let issued = setup.world.now();
    let by_one = setup.suspension("NORTH", 1);
    assert!(give(&mut setup, south, &by_one).is_err(), "one custodian suspends nobody");
    let by_two = setup.suspension("NORTH", 2);
    give(&mut setup, south, &by_two).expect("two custodians suspend");
    setup.world.run_for(HOUR);
    assert_eq!(standing(&mut setup, nodes[0], "NORTH"), "suspended", "it is passed on");
    assert_eq!(standing(&mut setup, south, "NORTH"), "suspended");
    let end = issued.seconds() * 1_000 + 14 * DAY_MS;
    let wait = end - 2_000 - setup.world.now().0;
    setup.world.leap(wait);
    setup.world.run_for(10);
    assert_eq!(standing(&mut setup, south, "NORTH"), "suspended", "in its last seconds");
    setup.world.run_for(4_000);
    assert_eq!(standing(&mut setup, south, "NORTH"), "active", "after 14 days");
    assert!(give(&mut setup, south, &by_two).is_err(), "a lapsed suspension does not count again");
    // Confirmed by a roster, it lasts.
    let again = setup.suspend("NORTH");
    give(&mut setup, south, &again).expect("the roster");
    setup.world.leap(20 * DAY_MS);
    setup.world.run_for(HOUR);
    assert_eq!(standing(&mut setup, south, "NORTH"), "suspended");
}

#[test]
fn attack_34_custodians_that_confirm_in_time_keep_the_member_out() {
    let (mut setup, _, south) = two(341);
    let renewed = renew(&mut setup);
    give(&mut setup, south, &renewed).expect("version 2");
    let by_two = setup.suspension("NORTH", 2);
    give(&mut setup, south, &by_two).expect("two custodians suspend");
    setup.world.run_for(10 * HOUR);
    let confirmed = setup.next(|r| {
        let issued = r.issued;
        let north = r.members.iter_mut().find(|member| member.id.as_str() == "NORTH").expect("NORTH");
        (north.status, north.status_since) = (MemberStatus::Suspended, issued);
    });
    give(&mut setup, south, &confirmed).expect("version 3");
    setup.world.leap(15 * DAY_MS);
    setup.world.run_for(HOUR);
    assert_eq!(standing(&mut setup, south, "NORTH"), "suspended");
}
