//! Claims: guessed and borrowed tags, answers that must all look alike, records and attributes that change behind their
//! commitments, and what two claims on one case show.

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::base::{CaseRef, ClaimId, ConsentId, Epoch, MemberId, MsgId, cbor};
use kinmesh_protocol::casework::commitment::{Commitment, OpenedField, Opening};
use kinmesh_protocol::casework::messages::{
    Attributes, CLAIM_ROOT, Claim, ClaimAnswer, ClaimStatus, Disclosure, DisclosureKind, kind,
};
use kinmesh_protocol::engine::{Answer, Command, NoticeCode};
use kinmesh_protocol::envelope::{CellKind, Refusal};
use kinmesh_protocol::person::PersonForm;
use kinmesh_protocol::private_match::{EvalRequest, Family, LabelKey, Tag};
use kinmesh_tests::simulation::desks::{register, search};
use kinmesh_tests::simulation::hostile::{Hostile, epoch_of, member_at};
use kinmesh_tests::simulation::{Faults, Setup, people, start, start_with};

use crate::sets::held;
use crate::{DAY, HOUR, count, noticed, two};

/// The tags of an owner's registered people in its live epoch, those of one person beside each other.
pub fn tags(setup: &Setup, owner: usize) -> Vec<Vec<Tag>> {
    let (epoch, _) = epoch_of(setup, owner);
    let mut people = BTreeMap::<_, Vec<Tag>>::new();
    for (of, family, bearer) in setup.world.nodes[owner].store.bearers() {
        if (of, family) == (epoch, Family::Registered) {
            people.entry(bearer.entry.person()).or_default().push(Tag(bearer.tag));
        }
    }
    people.into_values().collect()
}

pub fn body(hostile: &mut Hostile, epoch: Epoch, tags: Vec<Tag>, attr_root: [u8; 32]) -> Claim {
    let (claim_id, case_ref) = (ClaimId(hostile.draw.bytes()), CaseRef(hostile.draw.bytes()));
    Claim { claim_id, case_ref, epoch, set_seq: 1, family: Family::Registered, tags, attr_root }
}

/// The answers that came to it since a mark, each with the bytes of its body and of its cell.
pub fn answers(hostile: &Hostile, setup: &Setup, since: usize) -> Vec<(ClaimAnswer, usize, usize)> {
    let heard = hostile.heard(setup, since).into_iter().filter(|heard| heard.message.header.kind == kind::CLAIM_ANSWER);
    heard.map(|heard| (cbor::decode(&heard.message.body).expect("an answer"), heard.message.body.len(), heard.bytes)).collect()
}

/// A commit as far as a disk shows it: the trees that it writes to, and the sizes of what concerns claims.
pub type Shape = Vec<(Tree, usize)>;

/// What the commits that concern claims wrote since asked last.
pub fn shapes(setup: &Setup, node: usize) -> Vec<Shape> {
    let commits = setup.world.nodes[node].store.written();
    let about_claims = commits.into_iter().filter(|commit| commit.iter().any(|(tree, _, _)| *tree == Tree::Claims));
    about_claims
        .map(|commit| {
            let size = |tree: Tree, bytes: usize| if tree == Tree::Claims { bytes } else { 0 };
            let mut shape: Shape = commit.into_iter().map(|(tree, _, bytes)| (tree, size(tree, bytes))).collect();
            shape.sort_unstable();
            shape
        })
        .collect()
}

/// Registers the son at NORTH, hidden from some; SOUTH is the test's.
fn seeker_at(seed: u64, visible_to: &str) -> (Setup, usize, Hostile) {
    let (mut setup, north, _) = two(seed);
    register(&mut setup, north, PersonForm { visible_to: visible_to.to_owned(), ..people::registered() });
    setup.world.run_for(3 * DAY);
    let hostile = Hostile::puppet(&mut setup, 1);
    setup.world.run_for(3 * HOUR);
    (setup, north, hostile)
}

/// Claims, waits for the answer, and tells all that could be told from it: the answer, its sizes, how long it took, what the
/// holder wrote.
pub fn claim(
    setup: &mut Setup,
    north: usize,
    hostile: &mut Hostile,
    tags: Vec<Tag>,
) -> (ClaimStatus, usize, usize, u64, Vec<Shape>) {
    let (epoch, _) = epoch_of(setup, north);
    let root = hostile.draw.bytes();
    let claim = body(hostile, epoch, tags, root);
    let mark = setup.world.delivered.len();
    setup.world.nodes[north].store.watch();
    hostile.say(setup, north, kind::CLAIM, &claim);
    let began = setup.world.now().0;
    for _ in 0..60 {
        setup.world.run_for(HOUR);
        if let Some((answer, bytes, cell)) = answers(hostile, setup, mark).into_iter().next() {
            assert_eq!((answer.claim_id, answer.roots.len()), (claim.claim_id, 3));
            assert_eq!(answer.roots.iter().collect::<BTreeSet<_>>().len(), 3);
            return (answer.status, bytes, cell, setup.world.now().0 - began, shapes(setup, north));
        }
    }
    panic!("no answer")
}

#[test]
fn attack_05_an_entry_of_the_set_cannot_be_claimed_without_its_tag() {
    let (mut setup, north, mut hostile) = seeker_at(5, "all");
    let known: Vec<Tag> = tags(&setup, north).remove(0);
    let set = held(&setup, north, hostile.node).expect("a set").manifest;
    let labels = LabelKey::derive(set.salt.expose(), &member_at(&setup, north), &hostile.member, set.epoch, Family::Registered);
    // The six bytes that stand in the set, with random ones behind them.
    let prefix = labels.label(&known[0]);
    let mut guess: [u8; 16] = hostile.draw.bytes();
    guess[..6].copy_from_slice(&prefix[..6]);
    let (status, ..) = claim(&mut setup, north, &mut hostile, vec![Tag(guess)]);
    assert_eq!(status, ClaimStatus::None);
    assert_eq!(noticed(&setup, north, NoticeCode::ClaimAnomaly), [1], "the anomaly is logged");
    let (status, ..) = claim(&mut setup, north, &mut hostile, known[..2].to_vec());
    assert_eq!(status, ClaimStatus::Candidate, "with its tag it can");
}

// CL-5, BG-3, HI-1: three roots, the same path, an alarm here and nothing there.
#[test]
fn attack_06_a_record_that_is_hidden_answers_like_one_that_is_not_there() {
    // Where SOUTH may see the record, the tags give a candidate.
    let (mut setup, north, mut hostile) = seeker_at(6, "all");
    let seen = tags(&setup, north).remove(0);
    let hit = claim(&mut setup, north, &mut hostile, seen[..2].to_vec());
    assert_eq!(hit.0, ClaimStatus::Candidate);
    let (mut setup, north, mut hostile) = seeker_at(6, "except:SOUTH");
    // As if a member that may see the record had told its tags.
    let borrowed = tags(&setup, north).remove(0);
    let hidden = claim(&mut setup, north, &mut hostile, borrowed[..2].to_vec());
    assert_eq!(noticed(&setup, north, NoticeCode::ClaimAnomaly), [0], "an alarm");
    let random = vec![Tag(hostile.draw.bytes()), Tag(hostile.draw.bytes())];
    let miss = claim(&mut setup, north, &mut hostile, random);
    for other in [&hidden, &miss] {
        assert_eq!(other.0, ClaimStatus::None);
        assert_eq!((other.1, other.2), (hit.1, hit.2), "sizes of the answer and its cell");
        assert_eq!(other.4, hit.4, "what the holder wrote");
        assert!((6 * HOUR..=56 * HOUR).contains(&other.3), "the answer took {} hours", other.3 / HOUR);
    }
}

// CL-1: the policy holds it.
#[test]
fn attack_19_no_word_goes_to_a_society_that_must_not_know() {
    let (mut setup, north, south) = two(19);
    register(&mut setup, north, people::registered());
    let listener = Hostile::beside(&setup, 0);
    search(&mut setup, south, &[MemberId::new("NORTH").expect("an id")]);
    setup.world.run_for(8 * DAY);
    let kinds: BTreeSet<u64> = listener.heard(&setup, 0).iter().map(|heard| heard.message.header.kind).collect();
    assert!(kinds.contains(&30), "it was asked to evaluate, like everybody");
    assert!(kinds.iter().all(|kind| !(40..=46).contains(kind)), "{kinds:?} came to it");
    assert_eq!(count(&setup, north, Tree::Claims), 0);
    let held = setup.world.command(south, Command::SearchHeld);
    assert!(matches!(held, Ok(Answer::Held { hits }) if hits.len() == 1 && hits[0].reason == "policy"));
}

fn field(name: &str, value: &str) -> OpenedField {
    OpenedField { name: name.to_owned(), value: value.into(), salt: [3; 16] }
}

fn commit(hostile: &mut Hostile, fields: &[OpenedField]) -> Commitment {
    let leaves: Vec<_> = fields.iter().map(OpenedField::leaf).collect();
    Commitment::draw(&leaves, &mut hostile.draw).expect("a commitment")
}

// CL-3: a commitment before the attributes.
#[test]
fn attack_20_a_record_that_changes_after_the_attributes_is_not_disclosed() {
    let (mut setup, north, south) = two(20);
    register(&mut setup, north, people::registered());
    search(&mut setup, south, &[]);
    assert!(setup.world.run_until(5 * DAY, |world| world.nodes[south].store.count(Tree::Claims) == 1));
    let mark = setup.world.delivered.len();
    let mut holder = Hostile::puppet(&mut setup, 0);
    let next = |holder: &Hostile, setup: &mut Setup, kind: u64| {
        for _ in 0..400 {
            let found = holder.heard(setup, mark).into_iter().find(|heard| heard.message.header.kind == kind);
            if let Some(found) = found {
                return found.message.body;
            }
            setup.world.run_for(HOUR);
        }
        panic!("no message of type {kind}")
    };
    let claim: Claim = cbor::decode(&next(&holder, &mut setup, kind::CLAIM)).expect("a claim");
    let claim_id = claim.claim_id;
    let honest = [field("given", "Salim"), field("family", "Darwich")];
    let commitment = commit(&mut holder, &honest);
    let roots = vec![[1; 32], commitment.root().expect("a root"), [2; 32]];
    holder.say(&mut setup, south, kind::CLAIM_ANSWER, &ClaimAnswer { claim_id, status: ClaimStatus::Candidate, roots });
    let attributes: Attributes = cbor::decode(&next(&holder, &mut setup, kind::ATTRIBUTES)).expect("attributes");
    assert!(attributes.fields.iter().any(|field| field.name == "given"), "it read whom they look for");
    // It says what fits: with the leaves of the record, with another root of its own, with the claim's, without any.
    let Opening { other_hashes, .. } = commitment.open(honest.to_vec()).expect("an opening");
    let fits = vec![field("given", "سليم"), field("family", "كمال درويش")];
    let adapted = commit(&mut holder, &fits);
    let own = adapted.open(fits.clone()).expect("an opening").other_hashes;
    let disclosure = |root_index: u8, fields: &[OpenedField], other_hashes: &[[u8; 32]]| Disclosure {
        claim_id,
        root_index,
        fields: fields.to_vec(),
        other_hashes: other_hashes.to_vec(),
        kind: DisclosureKind::Contact,
        text: "call me".into(),
        consent_ref: ConsentId([8; 16]),
    };
    for (root, fields, others) in
        [(1, &fits, &other_hashes), (1, &fits, &own), (0, &fits, &own), (3, &fits, &own), (1, &fits, &Vec::new())]
    {
        let said = noticed(&setup, south, NoticeCode::Refused).len();
        holder.say(&mut setup, south, kind::DISCLOSURE, &disclosure(root, fields, others));
        assert_eq!(noticed(&setup, south, NoticeCode::Refused).get(said..), Some(&[Refusal::Commit.code()][..]));
    }
    let Ok(Answer::Disclosures { disclosures }) = setup.world.command(south, Command::DisclosureList) else { panic!("a list") };
    assert!(disclosures.is_empty(), "nothing of it was shown");
    holder.say(&mut setup, south, kind::DISCLOSURE, &disclosure(1, &honest, &other_hashes));
    let Ok(Answer::Disclosures { disclosures }) = setup.world.command(south, Command::DisclosureList) else { panic!("a list") };
    assert_eq!(disclosures.len(), 1, "what was committed to is taken");
}

// VE-11, CL-6: a further set of attributes has no place in the state.
#[test]
fn attack_21_attributes_that_open_nothing_are_seen_by_nobody() {
    let (mut setup, north, mut hostile) = seeker_at(21, "all");
    let known = tags(&setup, north).remove(0);
    let told = [field("given", "سليم"), field("family", "كمال درويش"), field("birth", "1994-07-11")];
    let commitment = commit(&mut hostile, &told);
    let (epoch, _) = epoch_of(&setup, north);
    let claim = body(&mut hostile, epoch, known[..2].to_vec(), commitment.root().expect("a root"));
    let claim_id = claim.claim_id;
    let mark = setup.world.delivered.len();
    hostile.say(&mut setup, north, kind::CLAIM, &claim);
    assert!(setup.world.run_until(60 * HOUR, |_| true));
    for _ in 0..60 {
        setup.world.run_for(HOUR);
    }
    assert_eq!(answers(&hostile, &setup, mark)[0].0.status, ClaimStatus::Candidate);
    let opening = commitment.open(told.to_vec()).expect("an opening");
    let attributes = |root_index: u8, fields: &[OpenedField], others: &[[u8; 32]]| Attributes {
        claim_id,
        root_index,
        supplement: 0,
        fields: fields.to_vec(),
        other_hashes: others.to_vec(),
    };
    let mut probe = told.to_vec();
    probe[0] = field("given", "Karim");
    let fewer = &opening.other_hashes[1..];
    for (root, fields, others) in [
        (CLAIM_ROOT, &probe[..], &opening.other_hashes[..]),
        (CLAIM_ROOT, &told[..], fewer),
        (CLAIM_ROOT, &told[..2], &opening.other_hashes[..]),
        (0, &told[..], &opening.other_hashes[..]),
    ] {
        let said = noticed(&setup, north, NoticeCode::Refused).len();
        hostile.say(&mut setup, north, kind::ATTRIBUTES, &attributes(root, fields, others));
        assert_eq!(noticed(&setup, north, NoticeCode::Refused).get(said..), Some(&[Refusal::Commit.code()][..]));
        assert_eq!(count(&setup, north, Tree::Candidates), 0, "the holder keeps nothing of it");
    }
    hostile.say(&mut setup, north, kind::ATTRIBUTES, &attributes(CLAIM_ROOT, &told, &opening.other_hashes));
    assert_eq!(count(&setup, north, Tree::Candidates), 1, "what was committed to is taken");
    // And once: a further set is no probe.
    let said = noticed(&setup, north, NoticeCode::Refused).len();
    hostile.say(&mut setup, north, kind::ATTRIBUTES, &attributes(CLAIM_ROOT, &told[..1], &opening.other_hashes));
    assert_eq!(noticed(&setup, north, NoticeCode::Refused).get(said..), Some(&[Refusal::State.code()][..]));
}

/// Two-sided Kolmogorov-Smirnov test: the probability of a distance as large as that of two samples of one distribution.
fn kolmogorov_smirnov(one: &[u64], other: &[u64]) -> f64 {
    let (mut one, mut other) = (one.to_vec(), other.to_vec());
    one.sort_unstable();
    other.sort_unstable();
    let share = |list: &[u64], value: u64| list.partition_point(|found| *found <= value) as f64 / list.len() as f64;
    let distance = one.iter().chain(&other).map(|value| (share(&one, *value) - share(&other, *value)).abs()).fold(0.0, f64::max);
    let root = ((one.len() * other.len()) as f64 / (one.len() + other.len()) as f64).sqrt();
    let lambda = (root + 0.12 + 0.11 / root) * distance;
    let sum: f64 =
        (1..100).map(|k: i32| if k % 2 == 1 { 2.0 } else { -2.0 } * (-2.0 * f64::from(k * k) * lambda * lambda).exp()).sum();
    sum.clamp(0.0, 1.0)
}

/// So many claims, every second one on a record, with what each will meet; signed messages.
fn many_claims(setup: &Setup, north: usize, hostile: &mut Hostile, count: usize) -> (BTreeMap<ClaimId, bool>, Vec<Vec<u8>>) {
    let known: Vec<Vec<Tag>> = tags(setup, north).into_iter().filter(|tags| tags.len() > 1).collect();
    let (epoch, _) = epoch_of(setup, north);
    let (mut expected, mut messages) = (BTreeMap::new(), Vec::new());
    for number in 0..count {
        let is_hit = number % 2 == 0;
        let guess = vec![Tag(hostile.draw.bytes()), Tag(hostile.draw.bytes())];
        let tags = if is_hit { known[number / 2 % known.len()][..2].to_vec() } else { guess };
        let root = hostile.draw.bytes();
        let claim = body(hostile, epoch, tags, root);
        expected.insert(claim.claim_id, is_hit);
        let header = hostile.header(setup, north, kind::CLAIM);
        messages.push(hostile.sign(&header, &claim));
    }
    (expected, messages)
}

// BG-2, BG-3: hits and misses wait alike.
#[test]
fn attack_22_a_thousand_answers_do_not_tell_hits_from_misses() {
    const CLAIMS: usize = 1_000;
    // Without the caps, which answer `none` themselves.
    let mut setup = start_with(22, &["NORTH", "SOUTH"], 0, Faults::NONE, |roster| {
        roster.limits.claims_a_day = 1_000_000;
        roster.limits.claims_open = 1_000_000;
        roster.limits.claims_a_record = 1_000_000;
    });
    let north = setup.members[0];
    for number in 0..40 {
        register(&mut setup, north, people::other(number));
    }
    setup.world.run_for(3 * DAY);
    let mut hostile = Hostile::puppet(&mut setup, 1);
    setup.world.run_for(3 * HOUR);
    let (expected, messages) = many_claims(&setup, north, &mut hostile, CLAIMS);
    let mark = setup.world.delivered.len();
    setup.world.nodes[north].store.watch();
    for messages in messages.chunks(50) {
        let cell = hostile.cell(&setup, north, CellKind::Bag, messages);
        hostile.offer(&mut setup, north, cell);
    }
    let _received = setup.world.nodes[north].store.written();
    let began = setup.world.now().0;
    let (mut delays, mut sizes, mut seen) = ([Vec::new(), Vec::new()], [BTreeSet::new(), BTreeSet::new()], BTreeSet::new());
    let (mut rows, mut from) = (BTreeSet::new(), mark);
    while setup.world.now().0 < began + 12 * DAY && seen.len() < CLAIMS {
        setup.world.run_for(HOUR);
        let waited = setup.world.now().0 - began;
        for (answer, bytes, cell) in answers(&hostile, &setup, from) {
            let is_hit = expected[&answer.claim_id];
            assert_eq!(answer.status == ClaimStatus::Candidate, is_hit);
            delays[usize::from(is_hit)].push(waited);
            sizes[usize::from(is_hit)].insert((bytes, cell));
            seen.insert(answer.claim_id);
        }
        from = setup.world.delivered.len();
        for commit in setup.world.nodes[north].store.written() {
            let claims: Vec<usize> = commit.iter().filter(|row| row.0 == Tree::Claims).map(|row| row.2).collect();
            // A message in the outbox, an audit entry, a timer gone: so many rows for each claim in the commit.
            let outbox = commit.iter().filter(|row| row.0 == Tree::Outbox && row.2 > 0).count();
            let audited = commit.iter().filter(|row| row.0 == Tree::Audit && row.2 > 64).count();
            rows.extend(claims.iter().copied());
            assert!(claims.is_empty() || (outbox == claims.len() && audited >= claims.len()), "{commit:?}");
        }
    }
    assert_eq!(seen.len(), CLAIMS, "every claim is answered");
    assert_eq!(sizes[0], sizes[1]);
    assert_eq!(rows.len(), 1, "rows of claims of one size: {rows:?}");
    let p = kolmogorov_smirnov(&delays[0], &delays[1]);
    println!("p = {p:.3} that hits and misses wait alike");
    assert!(p > 0.01, "p = {p}");
}

// CL-4: nothing is sent twice.
#[test]
fn attack_36_nothing_that_is_sent_shows_that_two_owners_or_two_cases_meet() {
    println!("seed 36");
    let mut setup = start(36, &["EAST", "NORTH", "SOUTH"], Faults::NONE);
    let (east, north, south) = (setup.members[0], setup.members[1], setup.members[2]);
    for owner in [east, north] {
        register(&mut setup, owner, people::registered());
    }
    setup.world.run_for(3 * DAY);
    let mark = setup.world.delivered.len();
    for _ in 0..2 {
        search(&mut setup, south, &[]);
    }
    setup.world.run_for(8 * DAY);
    let mut seen: BTreeSet<Vec<u8>> = BTreeSet::new();
    let (mut elements, mut claims) = (0, 0);
    let mut refs: BTreeSet<(MsgId, [u8; 16])> = BTreeSet::new();
    for place in 0..2 {
        let owner = Hostile::beside(&setup, place);
        let mut requests = BTreeSet::new();
        for heard in owner.heard(&setup, mark) {
            if heard.message.header.kind == 30 && requests.insert(heard.message.header.msg_id) {
                let request: EvalRequest = cbor::decode(&heard.message.body).expect("a request");
                for case in &request.batch {
                    refs.insert((heard.message.header.msg_id, case.case_ref.0));
                    assert!(seen.insert(case.case_ref.0.to_vec()), "a reference twice");
                    for element in case.elements() {
                        elements += 1;
                        assert!(seen.insert(element.to_vec()), "an element twice");
                    }
                }
            }
            if heard.message.header.kind == kind::CLAIM {
                let claim: Claim = cbor::decode(&heard.message.body).expect("a claim");
                claims += 1;
                assert!((1..=2).contains(&claim.tags.len()), "{} tags", claim.tags.len());
                assert!(seen.insert(claim.claim_id.0.to_vec()) && seen.insert(claim.attr_root.to_vec()), "two claims meet");
                assert!(refs.iter().any(|(_, found)| *found == claim.case_ref.0), "a reference of its own evaluation");
            }
            if heard.message.header.kind == kind::ATTRIBUTES {
                let attributes: Attributes = cbor::decode(&heard.message.body).expect("attributes");
                for leaf in attributes.other_hashes {
                    // Leaves of fields that stay closed come again where one subject is claimed at two owners: what is drawn
                    // for each root must not.
                    seen.insert(leaf.to_vec());
                }
            }
        }
    }
    println!("{elements} elements and {claims} claims, no bytes twice");
    assert!(elements >= 4 * 48 && claims == 4, "{elements} elements, {claims} claims");
}
