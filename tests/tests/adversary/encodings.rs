//! Bytes that are no message: other algorithms and shapes, keys and signatures of small order, text that acts on a screen.

use std::time::Instant;

use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::base::{CaseRef, ClaimId, Party};
use kinmesh_protocol::casework::commitment::{Commitment, OpenedField};
use kinmesh_protocol::casework::messages::{Attributes, CLAIM_ROOT, Claim, kind};
use kinmesh_protocol::engine::{Answer, Command, NoticeCode, Receipt};
use kinmesh_protocol::envelope::{CellKind, Refusal, public_key};
use kinmesh_protocol::private_match::{Family, SetGet};
use kinmesh_tests::simulation::Setup;
use kinmesh_tests::simulation::desks::{candidates, register};
use kinmesh_tests::simulation::hostile::{Hostile, epoch_of, member_at};
use kinmesh_tests::simulation::people;

use crate::claims::tags;
use crate::raw::{Sign1, protected};
use crate::{DAY, HOUR, count, noticed, two};

fn hostile_pair(seed: u64) -> (Setup, Hostile, usize) {
    let (mut setup, north, _) = two(seed);
    register(&mut setup, north, people::registered());
    setup.world.run_for(3 * DAY);
    let hostile = Hostile::puppet(&mut setup, 1);
    setup.world.run_for(3 * HOUR);
    (setup, hostile, north)
}

fn get(setup: &Setup, owner: usize) -> SetGet {
    SetGet { family: Family::Registered, epoch: epoch_of(setup, owner).0, have_seq: 1_000, want: Vec::new() }
}

/// A good cell of one good message, which does nothing.
fn good(setup: &Setup, hostile: &mut Hostile, north: usize) -> Vec<u8> {
    let header = hostile.header(setup, north, 22);
    let message = hostile.sign(&header, &get(setup, north));
    hostile.cell(setup, north, CellKind::Set, &[message])
}

/// A message of a set cell whose body is these bytes, signed as it stands.
fn with_body(setup: &Setup, hostile: &mut Hostile, north: usize, body: &[u8]) -> Vec<u8> {
    let header = hostile.header(setup, north, 22);
    let message =
        kinmesh_protocol::envelope::sign(&kinmesh_tests::simulation::network::network_id(), &header, body, &hostile.key);
    hostile.cell(setup, north, CellKind::Set, &[message])
}

/// What it is, its bytes, and the codes that may refuse it.
type Bad = (&'static str, Vec<u8>, Vec<u8>);

/// Headers that are none, each under a good signature of its own.
fn bad_headers(setup: &Setup, hostile: &mut Hostile, north: usize) -> Vec<Bad> {
    let (from, to) = (Party::Member(hostile.member), Party::Member(member_at(setup, north)));
    let resigned = |hostile: &mut Hostile, setup: &Setup, change: &dyn Fn(&mut Sign1)| {
        let mut cell = Sign1::read(&good(setup, hostile, north));
        change(&mut cell);
        cell.sign("kinmesh/1/cell", 3, &from, Some(&to), &hostile.key);
        cell.write(18)
    };
    let key = hostile.key.clone();
    let kid = protected(-8, &key)[5..].to_vec();
    let mut hostile_bytes: Vec<Bad> = Vec::new();
    for algorithm in [-7, -19, -35, 0] {
        let bytes = resigned(hostile, setup, &|cell| cell.protected = protected(algorithm, &key));
        hostile_bytes.push(("another algorithm", bytes, vec![3]));
    }
    let headers: [(&str, Vec<u8>); 5] = [
        ("no algorithm", [&[0xa1, 4][..], &kid].concat()),
        ("an algorithm twice", [&[0xa3, 1, 0x27, 1, 0x27, 4][..], &kid].concat()),
        ("no key", vec![0xa1, 1, 0x27]),
        ("an indefinite map", [&[0xbf, 1, 0x27, 4][..], &kid, &[0xff]].concat()),
        ("keys the other way round", [&[0xa2, 4][..], &kid, &[1, 0x27]].concat()),
    ];
    for (what, header) in headers {
        hostile_bytes.push((what, resigned(hostile, setup, &|cell| cell.protected.clone_from(&header)), vec![2, 3]));
    }
    let in_the_open = [&[0xa1, 4][..], &kid].concat();
    let unprotected = resigned(hostile, setup, &|cell| {
        cell.protected = vec![0xa1, 1, 0x27];
        cell.unprotected.clone_from(&in_the_open);
    });
    hostile_bytes.push(("the key in the unprotected header", unprotected, vec![2, 3]));
    hostile_bytes.push(("both headers", resigned(hostile, setup, &|cell| cell.unprotected.clone_from(&in_the_open)), vec![2]));
    hostile_bytes
}

/// Bytes that are not one COSE_Sign1.
fn bad_shapes(setup: &Setup, hostile: &mut Hostile, north: usize) -> Vec<Bad> {
    let mut hostile_bytes: Vec<Bad> = Vec::new();
    for tag in [16, 17, 19, 61, 97, 98] {
        hostile_bytes.push(("another tag", Sign1::read(&good(setup, hostile, north)).write(tag), vec![2, 5]));
    }
    let plain = good(setup, hostile, north);
    hostile_bytes.push(("no tag", plain[1..].to_vec(), vec![2]));
    hostile_bytes.push(("a byte behind it", [&plain[..], &[0]].concat(), vec![2]));
    hostile_bytes.push(("cut short", plain[..plain.len() - 1].to_vec(), vec![2]));
    hostile_bytes.push(("nothing", Vec::new(), vec![2]));
    hostile_bytes.push(("10 MiB", vec![0; 10 << 20], vec![1]));
    hostile_bytes.push(("a string of 2^40 bytes", vec![0xd2, 0x84, 0x5b, 0, 0, 1, 0, 0, 0, 0, 0], vec![2]));
    hostile_bytes.push(("1,000 arrays in each other", vec![0x81; 1_000], vec![2]));
    hostile_bytes.push(("1,000 tags in each other", vec![0xd2; 1_000], vec![2]));
    hostile_bytes.push(("an array without an end", [&[0xd2, 0x9f][..], &plain[2..], &[0xff]].concat(), vec![2]));
    hostile_bytes
}

// VE-1, VE-2: size and shape come first.
#[test]
fn attack_37_other_algorithms_and_shapes_are_refused_before_they_are_read() {
    let (mut setup, mut hostile, north) = hostile_pair(37);
    let hostile_bytes = [bad_headers(&setup, &mut hostile, north), bad_shapes(&setup, &mut hostile, north)].concat();
    for (what, bytes, codes) in hostile_bytes {
        let before = setup.world.nodes[north].store.digest();
        let began = Instant::now();
        let receipt = hostile.offer(&mut setup, north, bytes);
        assert!(matches!(receipt, Receipt::Refused(code) if codes.contains(&code)), "{what}: {receipt:?}");
        assert!(began.elapsed().as_secs_f64() < 1.0, "{what}: {:?}", began.elapsed());
        assert_eq!(setup.world.nodes[north].store.digest(), before, "{what}");
    }
    let cell = good(&setup, &mut hostile, north);
    assert_eq!(hostile.offer(&mut setup, north, cell), Receipt::Committed, "the good one is taken after all of it");
}

// VE-6, EN-1: one form of every value.
#[test]
fn attack_37_a_signed_body_has_one_form() {
    let (mut setup, mut hostile, north) = hostile_pair(137);
    let bodies: [(&str, Vec<u8>); 8] = [
        ("a key twice", vec![0xa2, 1, 1, 1, 1]),
        ("keys the other way round", vec![0xa2, 2, 1, 1, 1]),
        ("a number longer than it must be", vec![0xa1, 1, 0x18, 1]),
        ("an indefinite map", vec![0xbf, 1, 1, 0xff]),
        ("a float", vec![0xa1, 1, 0xf9, 0x3c, 0]),
        ("a tag", vec![0xa1, 1, 0xc0, 1]),
        ("1,000 levels", [&[0xa1, 1][..], &[0x81; 1_000], &[0x80]].concat()),
        ("more than 2^63", vec![0xa1, 1, 0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (what, body) in bodies {
        let cell = with_body(&setup, &mut hostile, north, &body);
        let before = setup.world.nodes[north].store.digest_but(Some(Tree::Peer));
        assert_eq!(hostile.offer(&mut setup, north, cell), Receipt::Refused(2), "{what}");
        assert_eq!(setup.world.nodes[north].store.digest_but(Some(Tree::Peer)), before, "{what}");
    }
}

// EN-2: only a bag carries a claim.
#[test]
fn attack_37_a_claim_outside_a_bag_is_refused() {
    let (mut setup, mut hostile, north) = hostile_pair(237);
    let claim = Claim {
        claim_id: ClaimId([1; 16]),
        case_ref: CaseRef([2; 16]),
        epoch: epoch_of(&setup, north).0,
        set_seq: 1,
        family: Family::Registered,
        tags: tags(&setup, north).remove(0)[..2].to_vec(),
        attr_root: [3; 32],
    };
    let header = hostile.header(&setup, north, kind::CLAIM);
    let message = hostile.sign(&header, &claim);
    for cell in [CellKind::Set, CellKind::Eval] {
        let cell = hostile.cell(&setup, north, cell, std::slice::from_ref(&message));
        assert_eq!(hostile.offer(&mut setup, north, cell), Receipt::Refused(12), "E_ROLE");
        assert_eq!(count(&setup, north, Tree::Claims), 0);
    }
    let cell = hostile.cell(&setup, north, CellKind::Bag, &[message]);
    assert_eq!(hostile.offer(&mut setup, north, cell), Receipt::Committed);
    assert_eq!(count(&setup, north, Tree::Claims), 1);
}

/// The order of the group, little-endian (RFC 8032, 5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0x10,
];

/// Every encoding of a point of small order, the canonical ones and those that are not (as Wycheproof and others list them).
fn small_order() -> Vec<[u8; 32]> {
    let hex = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ];
    hex.iter().map(|text| data_encoding::HEXLOWER.decode(text.as_bytes()).expect("hex").try_into().expect("32 bytes")).collect()
}

// VE-4: strict verification.
#[test]
fn attack_38_keys_and_signatures_of_small_order_or_another_form_are_refused() {
    for key in small_order() {
        assert_eq!(public_key(&key).err(), Some(Refusal::KeyUnknown), "{key:?} as a key");
    }
    let (mut setup, mut hostile, north) = hostile_pair(38);
    let whole = good(&setup, &mut hostile, north);
    let honest = Sign1::read(&whole);
    let mut forged: Vec<(String, Vec<u8>)> = Vec::new();
    // S + L says the same to whoever forgets the bound.
    let mut sum = honest.signature.clone();
    let mut carry = 0_u16;
    for (byte, order) in sum[32..].iter_mut().zip(ORDER) {
        let total = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (total.to_le_bytes()[0], total >> 8);
    }
    forged.push(("S above the order".to_owned(), sum));
    for point in small_order() {
        forged.push((format!("R {point:02x?} with S 0"), [&point[..], &[0; 32]].concat()));
        forged.push((format!("R {point:02x?} with S"), [&point[..], &honest.signature[32..]].concat()));
    }
    forged.push(("zeros".to_owned(), vec![0; 64]));
    forged.push(("the same signature with another sign".to_owned(), {
        let mut signature = honest.signature.clone();
        signature[31] ^= 0x80;
        signature
    }));
    for length in [0, 63, 65, 128] {
        let mut signature = honest.signature.clone();
        signature.resize(length, 0);
        forged.push((format!("{length} bytes"), signature));
    }
    for (what, signature) in forged {
        let cell = Sign1 { signature, ..honest.clone() };
        let before = setup.world.nodes[north].store.digest();
        let receipt = hostile.offer(&mut setup, north, cell.write(18));
        assert!(matches!(receipt, Receipt::Refused(2 | 5)), "{what}: {receipt:?}");
        assert_eq!(setup.world.nodes[north].store.digest(), before, "{what}");
    }
    assert_eq!(hostile.offer(&mut setup, north, whole), Receipt::Committed, "the honest one is taken");
}

fn attributes_of(setup: &mut Setup, hostile: &mut Hostile, north: usize, fields: &[OpenedField]) -> (Receipt, ClaimId) {
    let known = tags(setup, north).remove(0);
    let leaves: Vec<_> = fields.iter().map(OpenedField::leaf).collect();
    let commitment = Commitment::draw(&leaves, &mut hostile.draw).expect("a commitment");
    let claim = Claim {
        claim_id: ClaimId(hostile.draw.bytes()),
        case_ref: CaseRef(hostile.draw.bytes()),
        epoch: epoch_of(setup, north).0,
        set_seq: 1,
        family: Family::Registered,
        tags: known[..2].to_vec(),
        attr_root: commitment.root().expect("a root"),
    };
    hostile.say(setup, north, kind::CLAIM, &claim);
    for _ in 0..56 {
        setup.world.run_for(HOUR);
    }
    let opening = commitment.open(fields.to_vec()).expect("an opening");
    let body = Attributes {
        claim_id: claim.claim_id,
        root_index: CLAIM_ROOT,
        supplement: 0,
        fields: opening.fields,
        other_hashes: opening.other_hashes,
    };
    (hostile.say(setup, north, kind::ATTRIBUTES, &body).0, claim.claim_id)
}

#[test]
fn attack_39_text_that_acts_on_a_screen_does_not_come_in_or_stays_text() {
    let field = |name: &str, value: &str| OpenedField { name: name.to_owned(), value: value.into(), salt: [4; 16] };
    for (what, value) in [
        ("escape", "Salim\u{1b}[2J\u{1b}]0;owned\u{7}"),
        ("bidi override", "Salim\u{202e}hciwraD"),
        ("isolate", "Salim\u{2066}x\u{2069}"),
        ("direction mark", "Salim\u{200f}"),
        ("NUL", "Salim\0"),
        ("C1 control", "Salim\u{9b}31m"),
        ("line break", "Salim\nDarwich"),
    ] {
        for (name, value) in [("given", value), (value, "Salim")] {
            let (mut setup, mut hostile, north) = hostile_pair(39);
            let (receipt, _) = attributes_of(&mut setup, &mut hostile, north, &[field(name, value)]);
            assert_eq!(receipt, Receipt::Refused(2), "{what}: E_ENCODING");
            assert_eq!(count(&setup, north, Tree::Candidates), 0, "{what}");
        }
    }
    let (mut setup, mut hostile, north) = hostile_pair(39);
    // A name of 1 MiB fits no cell; the longest that does is no field.
    assert_eq!(hostile.offer(&mut setup, north, vec![b'a'; (1 << 20) + 4097]), Receipt::Refused(1), "E_SIZE");
    let said = noticed(&setup, north, NoticeCode::Refused).len();
    attributes_of(&mut setup, &mut hostile, north, &[field("given", &"a".repeat(16_000))]);
    assert_eq!(noticed(&setup, north, NoticeCode::Refused).get(said..), Some(&[Refusal::Commit.code()][..]));
    // HTML is a text like others: it is kept, and shown, as the characters that it is.
    let markup = "<script>alert(1)</script>";
    let (receipt, id) = attributes_of(&mut setup, &mut hostile, north, &[field("given", markup), field("family", "&lt;b&gt;")]);
    assert_eq!(receipt, Receipt::Committed);
    setup.world.run_for(HOUR);
    assert!(candidates(&mut setup, north).iter().any(|line| line.candidate == id), "it can be looked at");
    let Ok(Answer::Candidate(shown)) = setup.world.command(north, Command::CandidateShow { candidate: id.to_string() }) else {
        panic!("the candidate")
    };
    let text = serde_json::to_string(&shown).expect("JSON");
    assert!(text.contains(markup), "{text}");
    assert!(!text.chars().any(char::is_control), "nothing in it acts on a terminal");
}
