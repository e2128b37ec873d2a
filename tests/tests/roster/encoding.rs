//! Every other form than the one: CBOR that is not deterministic, fields that are unknown, missing or of another type,
//! another COSE frame, too long, too deep. All of it is signed by all custodians: the form alone is what is wrong.

use kinmesh_protocol::base::Kid;
use kinmesh_protocol::base::limits::ROSTER_BYTES;
use minicbor::{Decoder, Encoder};

use crate::case::Expected::{Accepted, Known, Refused};
use crate::case::{Case, Expected};
use crate::fixture::{OLD, next, signatures, signed, signed_payload};

const ENCODING: Expected = Refused("Shape E_ENCODING");
/// The CBOR of -8.
pub const ALG_EDDSA: &[u8] = &[0x27];

// RO-1, RO-3.
pub fn cases() -> Vec<Case> {
    [of_whole_payloads(), of_missing_fields(), of_fields(), of_members(), of_frames(), of_sizes()].concat()
}

/// A map's entries: key and the bytes of the value.
pub fn entries(map: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut decoder = Decoder::new(map);
    let count = decoder.map().expect("a map").expect("a definite one");
    let entry = |_| {
        let key = decoder.u64().expect("a key");
        let start = decoder.position();
        decoder.skip().expect("a value");
        (key, map[start..decoder.position()].to_vec())
    };
    (0..count).map(entry).collect()
}

pub fn map(entries: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(entries.len() as u64).expect("a map");
    for (key, value) in entries {
        encoder.u64(*key).expect("a key");
        encoder.writer_mut().extend_from_slice(value);
    }
    encoder.into_writer()
}

fn array(items: &[Vec<u8>]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.array(items.len() as u64).expect("an array");
    [encoder.into_writer(), items.concat()].concat()
}

fn items(array: &[u8]) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::new(array);
    let count = decoder.array().expect("an array").expect("a definite one");
    let item = |_| {
        let start = decoder.position();
        decoder.skip().expect("an item");
        array[start..decoder.position()].to_vec()
    };
    (0..count).map(item).collect()
}

fn text(value: &str) -> Vec<u8> {
    minicbor::to_vec(value).expect("a text")
}

/// Payload of version 6 with the value of one field replaced.
fn with(key: u64, value: &[u8]) -> Vec<u8> {
    let mut entries = entries(&next().payload());
    entries.iter_mut().find(|(found, _)| *found == key).expect("the field").1 = value.to_vec();
    map(&entries)
}

fn value(key: u64) -> Vec<u8> {
    entries(&next().payload()).into_iter().find(|(found, _)| *found == key).expect("the field").1
}

/// Payload with one field of the first member replaced.
fn with_member(key: u64, value: &[u8]) -> Vec<u8> {
    in_member(|entries| entries.iter_mut().find(|(found, _)| *found == key).expect("the field").1 = value.to_vec())
}

fn in_member(change: impl FnOnce(&mut Vec<(u64, Vec<u8>)>)) -> Vec<u8> {
    let mut members = items(&value(17));
    let mut fields = entries(&members[0]);
    change(&mut fields);
    members[0] = map(&fields);
    with(17, &array(&members))
}

fn refused(name: impl Into<String>, payload: &[u8]) -> Case {
    Case::new(name, ENCODING, signed_payload(payload, &OLD))
}

fn of_whole_payloads() -> Vec<Case> {
    let payload = next().payload();
    let fields = entries(&payload);
    let body = &payload[1..];
    let reordered = {
        let mut fields = fields.clone();
        fields.swap(3, 4);
        map(&fields)
    };
    let twice = map(&[&fields[..5], &[fields[4].clone()], &fields[5..]].concat());
    let unknown = map(&[fields.clone(), vec![(20, vec![0])]].concat());
    let zeroth = map(&[vec![(0, vec![0])], fields.clone()].concat());
    let long_key = [&payload[..1], &[0x18, 1], &payload[2..]].concat();
    assert_eq!(map(&fields), payload);
    vec![
        Case::new("taken apart and put together", Accepted, signed_payload(&map(&fields), &OLD)),
        refused("a byte behind it", &[&payload[..], &[0]].concat()),
        refused("a second item behind it", &[&payload[..], &[0xa0]].concat()),
        refused("a long map head", &[&[0xb8, 19], body].concat()),
        refused("an indefinite map", &[&[0xbf], body, &[0xff]].concat()),
        refused("a key in long form", &long_key),
        refused("keys out of order", &reordered),
        refused("a key twice", &twice),
        refused("an unknown key 20", &unknown),
        refused("an unknown key 0", &zeroth),
        refused("an unknown key 2^32", &map(&[fields.clone(), vec![(1 << 32, vec![0])]].concat())),
        refused("a text key", &[&[0xb4], body, &[0x61, b'x', 0]].concat()),
        refused("a tag around it", &[&[0xc1], &payload[..]].concat()),
        refused("an array of it", &[&[0x81], &payload[..]].concat()),
        refused("a byte string of it", &minicbor::to_vec(minicbor::bytes::ByteVec::from(payload.clone())).expect("bytes")),
        refused("cut off", &payload[..payload.len() - 1]),
        refused("half of it", &payload[..payload.len() / 2]),
        refused("no bytes", &[]),
        refused("an empty map", &[0xa0]),
        refused("null", &[0xf6]),
        refused("nested 1,000 deep", &vec![0x81; 1_000]),
        refused("a map that announces 2^63 entries", &[0xbb, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    ]
}

fn of_missing_fields() -> Vec<Case> {
    let without = |key: u64| {
        let fields: Vec<_> = entries(&next().payload()).into_iter().filter(|(found, _)| *found != key).collect();
        refused(format!("field {key} is missing"), &map(&fields))
    };
    (1..=19).map(without).collect()
}

fn of_fields() -> Vec<Case> {
    let number = |wide: &[u8]| with(2, wide);
    let custodians = |key: u64, value: &[u8]| {
        let mut fields = entries(&self::value(14));
        fields.iter_mut().find(|(found, _)| *found == key).expect("the field").1 = value.to_vec();
        with(14, &map(&fields))
    };
    let keys = items(&entries(&value(14))[0].1);
    let short_key = [vec![0x58, 31], keys[0][2..33].to_vec()].concat();
    let long_key = [vec![0x58, 33], keys[0][2..].to_vec(), vec![0]].concat();
    let with_key = |key: Vec<u8>| custodians(1, &array(&[vec![key], keys[1..].to_vec()].concat()));
    let notice = |bytes: &[u8]| with(19, &[&[0x81], bytes].concat());
    vec![
        refused("a version in two bytes", &number(&[0x18, 6])),
        refused("a version in nine bytes", &number(&[0x1b, 0, 0, 0, 0, 0, 0, 0, 6])),
        refused("a negative version", &number(&[0x25])),
        refused("a version as a float", &number(&[0xf9, 0x46, 0])),
        refused("a version as text", &number(&text("6"))),
        refused("a version as a bignum", &number(&[0xc2, 0x41, 6])),
        refused("a version that is undefined", &number(&[0xf7])),
        refused("a version that is null", &number(&[0xf6])),
        refused("a version that is true", &number(&[0xf5])),
        refused("a hash of 31 bytes", &with(3, &[&[0x58, 31][..], &[7; 31]].concat())),
        refused("a hash of 33 bytes", &with(3, &[&[0x58, 33][..], &[7; 33]].concat())),
        refused("a hash in pieces", &with(3, &[&[0x5f, 0x58, 32][..], &[7; 32], &[0xff]].concat())),
        refused("a hash with a long length", &with(3, &[&[0x59, 0, 32][..], &[7; 32]].concat())),
        refused("a network id in capitals", &with(1, &text("KIN-TEST"))),
        refused("a network id of 33 characters", &with(1, &text(&"k".repeat(33)))),
        refused("an empty network id", &with(1, &text(""))),
        refused("a network id as bytes", &with(1, b"\x48kin-test")),
        refused("a profile id with a space", &with(8, &profile("v 1"))),
        refused("a profile id of 17 characters", &with(8, &profile(&"v".repeat(17)))),
        refused("a custodian's key of 31 bytes", &with_key(short_key)),
        refused("a custodian's key of 33 bytes", &with_key(long_key)),
        refused("a custodian's key as text", &with_key(text(&"k".repeat(32)))),
        refused("a threshold of -1", &custodians(2, &[0x20])),
        refused("members as a map", &with(17, &[0xa0])),
        refused("an indefinite list of members", &with(17, &[&[0x9f], &value(17)[1..], &[0xff]].concat())),
        refused("notices that are null", &with(19, &[0xf6])),
        refused("a notice that is no UTF-8", &notice(&[0x62, 0xc3, 0x28])),
        refused("a notice with an escape character", &notice(&text("\u{1b}[2J"))),
        refused("a notice that turns the direction of text", &notice(&text("roster\u{202e}gnp"))),
        refused("a notice of two lines", &notice(&text("one\ntwo"))),
        refused("a notice in pieces", &notice(&[0x7f, 0x61, b'a', 0xff])),
        refused("a notice nested too deep", &notice(&[vec![0x81; 9], vec![0]].concat())),
        refused("a class that nobody defined", &with(11, &[&[0x81], &class(5)[..]].concat())),
        refused("a class 0", &with(11, &[&[0x81], &class(0)[..]].concat())),
    ]
}

fn profile(id: &str) -> Vec<u8> {
    let fields = entries(&value(8));
    map(&[(1, text(id)), fields[1].clone()])
}

fn class(id: u8) -> Vec<u8> {
    map(&[(1, vec![id]), (2, vec![2]), (3, vec![4])])
}

fn of_members() -> Vec<Case> {
    vec![
        refused("a member with an unknown field", &in_member(|fields| fields.push((14, vec![0])))),
        refused("a member without an ask class", &in_member(|fields| drop(fields.pop()))),
        refused("a member with a field twice", &in_member(|fields| fields.insert(1, fields[0].clone()))),
        refused("a member's fields out of order", &in_member(|fields| fields.swap(5, 6))),
        refused("a member id in small letters", &with_member(1, &text("be"))),
        refused("a member id of 17 characters", &with_member(1, &text("BBBBBBBBBBBBBBBBB"))),
        refused("an empty member id", &with_member(1, &text(""))),
        refused("a member id that begins with a dash", &with_member(1, &text("-BE"))),
        refused("a member id with a space", &with_member(1, &text("B E"))),
        refused("a member id that looks like another (Cyrillic)", &with_member(1, &text("ВЕ"))),
        refused("a role as member id", &with_member(1, &text("@custodians"))),
        refused("a member id as bytes", &with_member(1, b"\x42BE")),
        refused("a status 0", &with_member(4, &[0])),
        refused("a status 5", &with_member(4, &[5])),
        refused("a status as text", &with_member(4, &text("active"))),
        refused("a root key of 31 bytes", &with_member(5, &[&[0x58, 31][..], &[7; 31]].concat())),
        refused("a people cap of -1", &with_member(6, &[0x20])),
        refused("a case class 5", &with_member(7, &[5])),
        refused("an ask class 0", &with_member(13, &[0])),
        refused("an address as bytes", &with_member(8, b"\x81\x41/")),
        refused("a name of three parts", &with_member(2, b"\x81\x83\x62en\x61a\x61b")),
        refused("a name with a bidi mark", &with_member(2, &[b"\x81\x82\x62en".to_vec(), text("KE\u{200f}")].concat())),
        refused("a single reviewer as a number", &with_member(12, &[1])),
        refused("a joining date as a date", &with_member(10, &[0xc1, 0x1a, 0x6b, 0x49, 0xd2, 0])),
    ]
}

/// A protected header with an algorithm and a kid.
pub fn protected(alg: &[u8], kid: &Kid) -> Vec<u8> {
    [&[0xa2, 1], alg, &[4, 0x48], &kid.0].concat()
}

fn byte_string(bytes: &[u8]) -> Vec<u8> {
    minicbor::to_vec(minicbor::bytes::ByteVec::from(bytes.to_vec())).expect("bytes")
}

fn signature_items(parts: &[(Vec<u8>, Vec<u8>)]) -> Vec<Vec<u8>> {
    parts
        .iter()
        .map(|(header, signature)| [vec![0x83], byte_string(header), vec![0xa0], byte_string(signature)].concat())
        .collect()
}

/// A COSE_Sign with these protected headers and signatures.
pub fn cosign_frame(payload: &[u8], parts: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    frame(&[0xd8, 98], &[0x40], &[0xa0], &byte_string(payload), &array(&signature_items(parts)))
}

fn frame(tag: &[u8], outer: &[u8], unprotected: &[u8], payload: &[u8], signatures: &[u8]) -> Vec<u8> {
    [tag, &[0x84], outer, unprotected, payload, signatures].concat()
}

fn parts(alg: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all = signatures(&next().payload(), &OLD);
    all.sort_unstable();
    all.into_iter().map(|(kid, signature)| (protected(alg, &kid), signature.to_vec())).collect()
}

fn of_frames() -> Vec<Case> {
    let payload = byte_string(&next().payload());
    let list = array(&signature_items(&parts(ALG_EDDSA)));
    let ours = frame(&[0xd8, 98], &[0x40], &[0xa0], &payload, &list);
    let wrong = |name: &str, bytes: Vec<u8>| Case::new(name, ENCODING, bytes);
    let algorithm =
        |name: &str, alg: &[u8]| Case::new(name, Refused("Shape E_ALG"), cosign_frame(&next().payload(), &parts(alg)));
    let headers = |change: fn(Kid) -> Vec<u8>| {
        let mut all = signatures(&next().payload(), &OLD);
        all.sort_unstable();
        let parts: Vec<_> = all.into_iter().map(|(kid, signature)| (change(kid), signature.to_vec())).collect();
        cosign_frame(&next().payload(), &parts)
    };
    let kid_outside = {
        let item = |(header, signature): &(Vec<u8>, Vec<u8>)| {
            [vec![0x83], byte_string(&[0xa1, 1, 0x27]), [&[0xa1, 4, 0x48], &header[5..]].concat(), byte_string(signature)]
                .concat()
        };
        array(&parts(ALG_EDDSA).iter().map(item).collect::<Vec<_>>())
    };
    vec![
        Case::new("a frame written by hand", Accepted, ours.clone()),
        wrong("no tag", frame(&[], &[0x40], &[0xa0], &payload, &list)),
        wrong("the tag of one signature", frame(&[0xd2], &[0x40], &[0xa0], &payload, &list)).node(Refused("by the node")),
        wrong("tag 97", frame(&[0xd8, 97], &[0x40], &[0xa0], &payload, &list)),
        wrong("the tag in long form", frame(&[0xd9, 0, 98], &[0x40], &[0xa0], &payload, &list)),
        wrong("two tags", frame(&[0xd8, 98, 0xd8, 98], &[0x40], &[0xa0], &payload, &list)),
        wrong("an outer protected header", frame(&[0xd8, 98], &[0x41, 0xa0], &[0xa0], &payload, &list)),
        wrong("an outer unprotected header", frame(&[0xd8, 98], &[0x40], &[0xa1, 4, 0x41, 1], &payload, &list)),
        wrong("a payload that is elsewhere", frame(&[0xd8, 98], &[0x40], &[0xa0], &[0xf6], &list)),
        wrong("a payload in pieces", frame(&[0xd8, 98], &[0x40], &[0xa0], &[&[0x5f], &payload[..], &[0xff]].concat(), &list)),
        wrong("an indefinite list of signatures", {
            frame(&[0xd8, 98], &[0x40], &[0xa0], &payload, &[&[0x9f], &list[1..], &[0xff]].concat())
        }),
        wrong("a byte behind the frame", [&ours[..], &[0]].concat()),
        wrong("two frames", [&ours[..], &ours[..]].concat()),
        wrong("a frame without its last byte", ours[..ours.len() - 1].to_vec()),
        wrong("the kid in the unprotected header", frame(&[0xd8, 98], &[0x40], &[0xa0], &payload, &kid_outside)),
        wrong("no kid", headers(|_| vec![0xa1, 1, 0x27])),
        wrong("no algorithm", headers(|kid| [&[0xa1, 4, 0x48], &kid.0[..]].concat())),
        wrong("a kid of 7 bytes", headers(|kid| [&[0xa2, 1, 0x27, 4, 0x47], &kid.0[..7]].concat())),
        wrong("a third header", headers(|kid| [&[0xa3, 1, 0x27, 4, 0x48], &kid.0[..], &[5, 0x41, 0]].concat())),
        wrong("header keys out of order", headers(|kid| [&[0xa2, 4, 0x48], &kid.0[..], &[1, 0x27]].concat())),
        algorithm("algorithm ES256", &[0x26]),
        algorithm("algorithm Ed25519 of its own number", &[0x32]),
        algorithm("algorithm HMAC", &[0x05]),
        algorithm("an algorithm by name", &text("EdDSA")),
        wrong("the payload alone", next().payload()),
        wrong("a JSON object", b"{\"version\": 6}".to_vec()),
        wrong("a single byte", vec![0]),
    ]
}

fn of_sizes() -> Vec<Case> {
    let sized = |bytes: usize| {
        let mut roster = next();
        roster.notices = vec![String::new()];
        let frame = signed(&roster, &OLD).len();
        // Two heads grow: that of the notice and that of the payload, each from one to five bytes or three to five.
        let text = bytes - frame - 4 - 2;
        roster.notices = vec!["n".repeat(text)];
        signed(&roster, &OLD)
    };
    let fits = sized(ROSTER_BYTES);
    let above = sized(ROSTER_BYTES + 1);
    assert_eq!((fits.len(), above.len()), (ROSTER_BYTES, ROSTER_BYTES + 1));
    let mut largest = next();
    largest.notices = vec!["n".repeat(1_024); 16];
    vec![
        Case::new("1 MiB", Refused("Field notices"), fits),
        Case::new("1 MiB and one byte", Refused("Shape E_SIZE"), above),
        Case::new("10 MiB of zeros", Refused("Shape E_SIZE"), vec![0; 10 * ROSTER_BYTES]),
        Case::new("10 MiB of open arrays", Refused("Shape E_SIZE"), vec![0x81; 10 * ROSTER_BYTES]),
        Case::new("100,000 open arrays", ENCODING, vec![0x81; 100_000]),
        Case::new("as many notices as there may be", Accepted, signed(&largest, &OLD)),
        Case::new("as many notices, held", Known, signed(&largest, &OLD)).held(largest, &OLD),
    ]
}
