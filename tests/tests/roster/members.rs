//! Members: order, ids, keys, fields, statuses.

use kinmesh_protocol::roster::{ClassId, Member, MemberStatus};

use crate::case::Expected::{Accepted, Refused};
use crate::case::{Case, Change, Expected, changes};
use crate::fixture::{DAY, OLD, member, next, now, public, signed};

pub fn cases() -> Vec<Case> {
    [changes(&LISTS), changes(&FIELDS), changes(&STATUSES), of_numbers()].concat()
}

const LISTS: [(&str, Expected, Change); 14] = [
    ("a member joins", Accepted, |r| r.members.push(member("SY"))),
    ("a member is gone", Accepted, |r| drop(r.members.pop())),
    ("no members", Accepted, |r| r.members.clear()),
    ("members out of order", Refused("MemberOrder"), |r| r.members.swap(0, 2)),
    ("a member that stands too late", Refused("MemberOrder"), |r| r.members.push(member("AA"))),
    ("a member twice", Refused("MemberOrder"), |r| {
        r.members.insert(1, Member { root_key: public("another"), ..member("BE") });
    }),
    ("a member twice, far apart", Refused("MemberOrder"), |r| {
        r.members.push(Member { root_key: public("another"), ..member("BE") })
    }),
    ("two members with one root key", Refused("SharedKey"), |r| r.members[2].root_key = r.members[0].root_key),
    ("a member with a custodian's key", Refused("SharedKey"), |r| r.members[0].root_key = public(OLD[4])),
    ("a member with the coordinator's key", Refused("SharedKey"), |r| r.members[0].root_key = public("coordinator")),
    ("two members exchange their root keys", Accepted, |r| {
        let first = r.members[0].root_key;
        r.members[0].root_key = r.members[1].root_key;
        r.members[1].root_key = first;
    }),
    ("a member with a fresh root key", Accepted, |r| r.members[0].root_key = public("fresh")),
    ("a member's key is the identity", Refused("Key"), |r| {
        r.members[0].root_key = [0; 32];
        r.members[0].root_key[0] = 1;
    }),
    ("a member's key is no point", Refused("Key"), |r| {
        r.members[0].root_key = [0; 32];
        r.members[0].root_key[0] = 2;
    }),
];

const FIELDS: [(&str, Expected, Change); 34] = [
    ("no name", Refused("Member names"), |r| r.members[0].names.clear()),
    ("17 names", Refused("Member names"), |r| r.members[0].names = vec![("en".to_owned(), "KE".to_owned()); 17]),
    ("an empty name", Refused("Member names"), |r| r.members[0].names[0].1.clear()),
    ("a name of 257 bytes", Refused("Member names"), |r| r.members[0].names[0].1 = "n".repeat(257)),
    ("a name of 256 bytes", Accepted, |r| r.members[0].names[0].1 = "n".repeat(256)),
    ("a name without a language", Refused("Member names"), |r| r.members[0].names[0].0.clear()),
    ("a language of 36 characters", Refused("Member names"), |r| r.members[0].names[0].0 = "a".repeat(36)),
    ("a name that turns the direction of text", Refused("Shape E_ENCODING"), |r| {
        r.members[0].names[0].1 = "\u{202e}EK".to_owned()
    }),
    ("a country of one letter", Refused("Member country"), |r| r.members[0].country = "K".to_owned()),
    ("a country of four letters", Refused("Member country"), |r| r.members[0].country = "KENY".to_owned()),
    ("a country in small letters", Refused("Member country"), |r| r.members[0].country = "ke".to_owned()),
    ("a country with a digit", Refused("Member country"), |r| r.members[0].country = "K1".to_owned()),
    ("a country of three letters", Accepted, |r| r.members[0].country = "KEN".to_owned()),
    ("a cap of nobody", Refused("Member people_cap"), |r| r.members[0].people_cap = 0),
    ("a cap that is no power of two", Refused("Member people_cap"), |r| r.members[0].people_cap = 10_000),
    ("a cap of 2^33", Refused("Member people_cap"), |r| r.members[0].people_cap = 1 << 33),
    ("a cap of 2^62", Refused("Member people_cap"), |r| r.members[0].people_cap = 1 << 62),
    ("a cap of 2^32", Accepted, |r| r.members[0].people_cap = 1 << 32),
    ("a cap of one", Accepted, |r| r.members[0].people_cap = 1),
    ("a case class that the roster has not", Refused("Member class"), |r| {
        r.classes.truncate(3);
        r.members[0].case_class = ClassId::XL;
    }),
    ("an ask class that the roster has not", Refused("Member class"), |r| {
        r.classes.truncate(3);
        r.members[0].ask_class = ClassId::XL;
    }),
    ("a member of the largest class", Accepted, |r| r.members[0].case_class = ClassId::XL),
    ("a member without an address", Accepted, |r| r.members[0].addresses.clear()),
    ("nine addresses", Refused("Member addresses"), |r| r.members[0].addresses = vec!["/ip4/127.0.0.1/tcp/1".to_owned(); 9]),
    ("eight addresses", Accepted, |r| {
        r.members[0].addresses = (1..9).map(|port| format!("/ip6/::1/tcp/{port}")).collect();
    }),
    ("an empty address", Refused("Member addresses"), |r| r.members[0].addresses = vec![String::new()]),
    ("an address of 257 characters", Refused("Member addresses"), |r| {
        r.members[0].addresses = vec![format!("/dns4/{}", "a".repeat(251))]
    }),
    ("a host and a port as address", Refused("Member addresses"), |r| r.members[0].addresses = vec!["127.0.0.1:4001".to_owned()]),
    ("a contact of 257 bytes", Refused("Member incident_contact"), |r| r.members[0].incident_contact = "c".repeat(257)),
    ("no contact", Accepted, |r| r.members[0].incident_contact.clear()),
    ("joined after its status", Refused("Member joined"), |r| r.members[0].joined = r.members[0].status_since + 1),
    ("a status of tomorrow", Refused("Member joined"), |r| r.members[0].status_since = r.issued + DAY),
    ("a status since for ever ahead", Refused("Member joined"), |r| r.members[0].status_since = i64::MAX.unsigned_abs()),
    ("a single reviewer", Accepted, |r| r.members[0].single_reviewer = true),
];

const STATUSES: [(&str, Expected, Change); 7] = [
    ("a member on probation", Accepted, |r| r.members[0].status = MemberStatus::Probation),
    ("a member is suspended", Accepted, |r| {
        (r.members[1].status, r.members[1].status_since) = (MemberStatus::Suspended, now());
    }),
    ("a member has left", Accepted, |r| (r.members[1].status, r.members[1].status_since) = (MemberStatus::Left, now())),
    ("all members are suspended", Accepted, |r| {
        for member in &mut r.members {
            member.status = MemberStatus::Suspended;
        }
    }),
    ("a suspended member keeps to the rules", Refused("Member people_cap"), |r| {
        (r.members[1].status, r.members[1].people_cap) = (MemberStatus::Suspended, 3);
    }),
    ("a member that left shares a key", Refused("SharedKey"), |r| {
        (r.members[1].status, r.members[1].root_key) = (MemberStatus::Left, r.members[0].root_key);
    }),
    ("since the beginning", Accepted, |r| (r.members[0].joined, r.members[0].status_since) = (0, 0)),
];

fn of_numbers() -> Vec<Case> {
    let among = |count: usize| {
        let mut roster = next();
        roster.members = (0..count).map(|number| member(&format!("M{number:03}"))).collect();
        signed(&roster, &OLD)
    };
    vec![
        Case::new("256 members", Accepted, among(256)),
        Case::new("257 members", Refused("Members"), among(257)),
        Case::new("1,000 members", Refused("Members"), among(1_000)),
    ]
}
