//! Evaluations: an owner that answers with another key, elements that are none, renewals that are not, and a querier that
//! asks for all it can.

use kinmesh_protocol::base::record::{Record, Tree, row_key};
use kinmesh_protocol::base::{CaseRef, MsgId, cbor};
use kinmesh_protocol::engine::{Bulk, NoticeCode, Receipt};
use kinmesh_protocol::envelope::Refusal;
use kinmesh_protocol::private_match::oprf::pk_hash;
use kinmesh_protocol::private_match::owner::{BudgetRow, RefRow};
use kinmesh_protocol::private_match::querier::QueryRow;
use kinmesh_protocol::private_match::{
    EpochSecret, EvalCase, EvalMode, EvalRequest, EvalResponse, EvalStatus, EvaluatedCase, Family,
};
use kinmesh_tests::simulation::desks::{register, search};
use kinmesh_tests::simulation::hostile::{Heard, Hostile, case_of, epoch_of};
use kinmesh_tests::simulation::{Faults, Setup, people, start_with};

use crate::{DAY, HOUR, noticed, two};

const REQUEST: u64 = 30;
const RESPONSE: u64 = 31;
const ERROR: u64 = 59;
/// A canonical element encoding has no such bytes: 2^255 - 19 and above are none.
const NOT_CANONICAL: [u8; 32] = [0xff; 32];
/// The field element 1 with an odd sign: decodes to no point.
const OFF_GROUP: [u8; 32] = [1; 32];

fn inputs(count: usize, tag: &str) -> Vec<Vec<u8>> {
    (0..count).map(|number| format!("{tag} {number}").into_bytes()).collect()
}

fn request(setup: &Setup, owner: usize, batch: Vec<EvalCase>) -> EvalRequest {
    let (epoch, key) = epoch_of(setup, owner);
    EvalRequest { epoch, pk_hash: pk_hash(&key.public), batch, family: Family::Registered }
}

fn fresh(hostile: &mut Hostile, tag: &str) -> EvalCase {
    let case_ref = CaseRef(hostile.draw.bytes());
    case_of(&mut hostile.draw, case_ref, EvalMode::New, &inputs(48, tag))
}

/// The responses and errors among what came.
fn answers(heard: &[Heard], to: MsgId) -> (Vec<EvalResponse>, Vec<u64>) {
    let about =
        |kind: u64| heard.iter().filter(move |heard| heard.message.header.kind == kind && heard.message.header.re == Some(to));
    let responses = about(RESPONSE).map(|heard| cbor::decode(&heard.message.body).expect("a response")).collect();
    (responses, about(ERROR).map(|heard| code_of(&heard.message.body)).collect())
}

/// Code of an error's body: the first field of its map.
fn code_of(body: &[u8]) -> u64 {
    let mut decoder = minicbor::Decoder::new(body);
    decoder.map().expect("a map");
    assert_eq!(decoder.u8().expect("a key"), 1);
    decoder.u64().expect("a code")
}

/// What an owner has counted for its querier: elements left, references, and its rows about them.
fn charged(setup: &Setup, owner: usize, querier: &Hostile) -> Option<(u64, u32)> {
    let row = setup.world.nodes[owner].store.peek::<BudgetRow>(&(querier.member, Family::Registered))?;
    Some((row.bucket.elements_milli, row.refs))
}

fn refs(setup: &Setup, owner: usize) -> usize {
    let from = row_key(RefRow::KIND, &());
    setup.world.nodes[owner].store.rows(RefRow::TREE, &from, from.after_prefix().as_ref(), usize::MAX).expect("rows").len()
}

/// The request that an honest querier sent to a puppet.
fn asked(setup: &Setup, owner: &Hostile, since: usize) -> Option<(MsgId, usize, EvalRequest)> {
    let heard = owner.heard(setup, since);
    let found = heard.into_iter().find(|heard| heard.message.header.kind == REQUEST)?;
    Some((found.message.header.msg_id, found.from, cbor::decode(&found.message.body).expect("a request")))
}

fn tags_of(setup: &Setup, querier: usize) -> usize {
    let from = row_key(1, &());
    let rows =
        setup.world.nodes[querier].store.rows(Tree::Queries, &from, from.after_prefix().as_ref(), usize::MAX).expect("rows");
    rows.iter().map(|(_, row)| QueryRow::decode(row.version, row.value.expose()).expect("a query").tags.len()).sum()
}

/// The honest answer of an owner to a request, made with a key.
fn evaluate(secret: &EpochSecret, public: [u8; 32], request: &EvalRequest) -> EvalResponse {
    let elements: Vec<_> = request.batch.iter().flat_map(EvalCase::elements).collect();
    let (evaluated, proof) = secret.blind_evaluate(&elements, [7; 32]).expect("elements");
    let batch = request.batch.iter().zip(evaluated.chunks(48)).map(|(case, list)| EvaluatedCase::accepted(case.case_ref, list));
    EvalResponse { epoch: request.epoch, pk: public, batch: batch.collect(), proof: proof.to_vec() }
}

// EV-3, EV-4, EP-1: the proof; all is dropped; the same blinds again.
#[test]
fn attack_09_an_answer_with_another_key_is_dropped_whole() {
    let (mut setup, _, south) = two(9);
    setup.world.run_for(2 * HOUR);
    let mut owner = Hostile::puppet(&mut setup, 0);
    setup.world.run_for(2 * HOUR);
    let mark = setup.world.delivered.len();
    search(&mut setup, south, &[]);
    assert!(setup.world.run_until(10 * HOUR, |world| world.delivered.len() > mark));
    setup.world.run_for(HOUR);
    let (id, querier, request) = asked(&setup, &owner, mark).expect("the querier asks");
    assert_eq!(querier, south);
    let (_, key) = epoch_of(&setup, owner.node);
    let other = EpochSecret::from_seed([66; 32]);
    let receipt = owner.reply(&mut setup, south, RESPONSE, id, &evaluate(&other, key.public, &request));
    assert_eq!(receipt, Receipt::Committed);
    setup.world.run_for(HOUR);
    assert_eq!(noticed(&setup, south, NoticeCode::ProofFailed).len(), 1, "an alarm");
    assert_eq!(tags_of(&setup, south), 0, "nothing of it is cached");
    // With its own key named instead of the announced one it is refused before a point is looked at.
    owner.reply(&mut setup, south, RESPONSE, id, &evaluate(&other, other.public(), &request));
    setup.world.run_for(HOUR);
    assert!(noticed(&setup, south, NoticeCode::Refused).contains(&Refusal::Epoch.code()));
    assert_eq!(tags_of(&setup, south), 0);
    // The same elements are asked for again, byte for byte, and never others: no blind was drawn anew.
    let mark = setup.world.delivered.len();
    setup.world.run_for(40 * HOUR);
    let again = asked(&setup, &owner, mark).expect("asked again");
    assert_eq!((again.0, &again.2), (id, &request), "the same request");
    let honest = evaluate(&EpochSecret::from_seed(*key.seed.expose()), key.public, &request);
    owner.reply(&mut setup, south, RESPONSE, id, &honest);
    setup.world.run_for(HOUR);
    assert!(tags_of(&setup, south) > 0, "the honest answer counts: the attack was what was refused");
}

// VE-15, VO-2: refused whole, by a code.
#[test]
fn attack_12_what_is_no_element_is_evaluated_by_nobody() {
    let (mut setup, north, south) = two(12);
    register(&mut setup, north, people::registered());
    setup.world.run_for(2 * HOUR);
    let mut querier = Hostile::puppet(&mut setup, 1);
    setup.world.run_for(2 * HOUR);
    for (what, bytes) in [("identity", [0; 32]), ("not canonical", NOT_CANONICAL), ("off the group", OFF_GROUP)] {
        for position in [0, 47] {
            let mut case = fresh(&mut querier, what);
            case.elements[32 * position..32 * (position + 1)].copy_from_slice(&bytes);
            let batch = vec![fresh(&mut querier, what), case];
            let mark = setup.world.delivered.len();
            let body = request(&setup, north, batch);
            let (_, id) = querier.say(&mut setup, north, REQUEST, &body);
            setup.world.run_for(2 * HOUR);
            let (responses, errors) = answers(&querier.heard(&setup, mark), id);
            assert!(responses.is_empty(), "{what}: the key was used");
            assert_eq!(errors, [Refusal::Element.code()], "{what} at {position}");
        }
    }
    // 31 bytes: the list is no list of elements, and nothing is charged.
    let before = (charged(&setup, north, &querier), refs(&setup, north));
    let mut short = fresh(&mut querier, "short");
    short.elements.truncate(48 * 32 - 1);
    let body = request(&setup, north, vec![short]);
    let (receipt, _) = querier.say(&mut setup, north, REQUEST, &body);
    assert_eq!(receipt, Receipt::Refused(2), "E_ENCODING");
    assert_eq!((charged(&setup, north, &querier), refs(&setup, north)), before);
    let _ = south;
}

// EV-2: what is no element.
#[test]
fn attack_12_an_answer_of_what_is_no_element_gives_no_tag() {
    let (mut setup, _, south) = two(112);
    setup.world.run_for(2 * HOUR);
    let mut owner = Hostile::puppet(&mut setup, 0);
    setup.world.run_for(2 * HOUR);
    let mark = setup.world.delivered.len();
    search(&mut setup, south, &[]);
    setup.world.run_for(4 * HOUR);
    let (id, _, request) = asked(&setup, &owner, mark).expect("the querier asks");
    let (_, key) = epoch_of(&setup, owner.node);
    let honest = evaluate(&EpochSecret::from_seed(*key.seed.expose()), key.public, &request);
    for (number, bytes) in [[0; 32], NOT_CANONICAL, OFF_GROUP].into_iter().enumerate() {
        let mut answer = honest.clone();
        answer.batch[0].evaluated[..32].copy_from_slice(&bytes);
        owner.reply(&mut setup, south, RESPONSE, id, &answer);
        setup.world.run_for(HOUR);
        assert_eq!(tags_of(&setup, south), 0);
        assert_eq!(noticed(&setup, south, NoticeCode::ProofFailed).len(), number + 1);
    }
    let mut short = honest;
    short.batch[0].evaluated.truncate(48 * 32 - 1);
    owner.reply(&mut setup, south, RESPONSE, id, &short);
    setup.world.run_for(HOUR);
    assert_eq!(tags_of(&setup, south), 0);
}

// BU-2, VO-3: only the same elements renew, and one case is refused alone.
#[test]
fn attack_13_a_renewal_with_one_changed_element_is_evaluated_and_charged_by_nothing() {
    let (mut setup, north, _) = two(13);
    setup.world.run_for(2 * HOUR);
    let mut querier = Hostile::puppet(&mut setup, 1);
    setup.world.run_for(2 * HOUR);
    let case = fresh(&mut querier, "person");
    let body = request(&setup, north, vec![case.clone(), fresh(&mut querier, "other")]);
    querier.say(&mut setup, north, REQUEST, &body);
    // The owner rolls; the same elements are free then, others are not.
    let (epoch, _) = epoch_of(&setup, north);
    assert!(setup.world.run_until(60 * DAY, |world| {
        let index = world.nodes[north].store.peek::<kinmesh_protocol::private_match::owner::IndexState>(&()).expect("an index");
        index.epoch > epoch
    }));
    setup.world.run_for(HOUR);
    let mut changed = EvalCase { mode: EvalMode::Renew, ..case.clone() };
    changed.elements[32 * 5..32 * 6].copy_from_slice(&fresh(&mut querier, "swapped in").elements[..32]);
    let before = charged(&setup, north, &querier);
    let mark = setup.world.delivered.len();
    let body = request(&setup, north, vec![changed]);
    let (_, id) = querier.say(&mut setup, north, REQUEST, &body);
    setup.world.run_for(HOUR);
    let (responses, _) = answers(&querier.heard(&setup, mark), id);
    assert_eq!(responses.len(), 1);
    assert_eq!(responses[0].batch[0].status, EvalStatus::RenewMismatch);
    assert!(responses[0].batch[0].evaluated.is_empty() && responses[0].proof.is_empty(), "nothing was evaluated");
    assert_eq!(charged(&setup, north, &querier), before, "nothing was charged");
    // A renewal of what was never asked for is the same.
    let unknown = EvalCase { mode: EvalMode::Renew, ..fresh(&mut querier, "unknown") };
    let mark = setup.world.delivered.len();
    let body = request(&setup, north, vec![unknown, EvalCase { mode: EvalMode::Renew, ..case }]);
    let (_, id) = querier.say(&mut setup, north, REQUEST, &body);
    setup.world.run_for(HOUR);
    let (responses, _) = answers(&querier.heard(&setup, mark), id);
    let statuses: Vec<EvalStatus> = responses[0].batch.iter().map(|case| case.status).collect();
    assert_eq!(statuses, [EvalStatus::RenewMismatch, EvalStatus::Accepted], "the honest renewal beside it counts");
    assert_eq!(charged(&setup, north, &querier), before);
}

// VO-1: the same request, the same proof.
#[test]
fn attack_14_one_renewal_an_epoch_and_one_answer_a_request() {
    let (mut setup, north, _) = two(14);
    setup.world.run_for(2 * HOUR);
    let mut querier = Hostile::puppet(&mut setup, 1);
    setup.world.run_for(2 * HOUR);
    let case = fresh(&mut querier, "person");
    let body = request(&setup, north, vec![case.clone()]);
    let header = querier.header(&setup, north, REQUEST);
    let mut bodies = Vec::new();
    let mark = setup.world.delivered.len();
    for _ in 0..2 {
        let message = querier.sign(&header, &body);
        let cell = querier.cell(&setup, north, kinmesh_protocol::envelope::CellKind::Eval, &[message]);
        assert_eq!(querier.offer(&mut setup, north, cell), Receipt::Committed);
        let before = charged(&setup, north, &querier);
        setup.world.run_for(HOUR);
        bodies.push(before);
    }
    assert_eq!(bodies[0], bodies[1], "the same request is charged once");
    let (responses, _) = answers(&querier.heard(&setup, mark), header.msg_id);
    assert_eq!(responses.len(), 2, "and answered each time");
    assert_eq!(responses[0], responses[1], "with the same bytes");
    // Other content under the same id.
    let other = request(&setup, north, vec![fresh(&mut querier, "somebody else")]);
    let message = querier.sign(&header, &other);
    let cell = querier.cell(&setup, north, kinmesh_protocol::envelope::CellKind::Eval, &[message]);
    let before = charged(&setup, north, &querier);
    assert_eq!(querier.offer(&mut setup, north, cell), Receipt::Refused(13), "E_STATE");
    assert_eq!(charged(&setup, north, &querier), before);
    // Renewed once after a roll, and no second time in that epoch.
    let (epoch, _) = epoch_of(&setup, north);
    setup.world.run_until(60 * DAY, |world| {
        let index = world.nodes[north].store.peek::<kinmesh_protocol::private_match::owner::IndexState>(&()).expect("an index");
        index.epoch > epoch
    });
    setup.world.run_for(HOUR);
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let mark = setup.world.delivered.len();
        let body = request(&setup, north, vec![EvalCase { mode: EvalMode::Renew, ..case.clone() }]);
        let (_, id) = querier.say(&mut setup, north, REQUEST, &body);
        setup.world.run_for(HOUR);
        let (responses, _) = answers(&querier.heard(&setup, mark), id);
        statuses.push(responses[0].batch[0].status);
    }
    assert_eq!(statuses, [EvalStatus::Accepted, EvalStatus::RenewMismatch]);
}

/// Class M: seven days of ten cases saved up, and 28 more of refill.
const EXPOSURE: usize = 48 * 10 * 35;

// VE-12, BU-1, BU-3: the class and no more.
#[test]
fn attack_15_an_enumerator_gets_its_class_and_no_more() {
    let (mut setup, north, _) = two(15);
    setup.world.run_for(2 * HOUR);
    let mut querier = Hostile::puppet(&mut setup, 1);
    setup.world.run_for(2 * HOUR);
    let (mut evaluated, mut refused) = (0, 0);
    let end = setup.world.now().0 + 28 * DAY;
    let mut turn = 0_u64;
    while setup.world.now().0 < end {
        turn += 1;
        // One key a person: 48 people stand in the place of one.
        let batch: Vec<EvalCase> = (0..2).map(|_| fresh(&mut querier, &format!("person of turn {turn}"))).collect();
        let mark = setup.world.delivered.len();
        let body = request(&setup, north, batch);
        let (receipt, id) = querier.say(&mut setup, north, REQUEST, &body);
        setup.world.run_for(2 * HOUR);
        if receipt == Receipt::Committed {
            for response in answers(&querier.heard(&setup, mark), id).0 {
                for case in &response.batch {
                    match case.status {
                        EvalStatus::Accepted => evaluated += case.elements().len(),
                        EvalStatus::Budget => refused += 1,
                        EvalStatus::RenewMismatch => panic!("nothing was renewed"),
                    }
                }
            }
        }
        // The owner is restarted, and its clock is set forth and back.
        match turn % 12 {
            // In the last days the clock is right: what a clock that is ahead refills is missing later.
            _ if setup.world.now().0 + 2 * DAY > end => setup.world.set_clock(north, 0),
            3 => {
                setup.world.restart(north, HOUR / 2);
                setup.world.run_for(HOUR);
            }
            6 => setup.world.set_clock(north, (12 * HOUR).cast_signed()),
            9 => setup.world.set_clock(north, -(12 * HOUR).cast_signed()),
            11 => setup.world.set_clock(north, 0),
            _ => {}
        }
    }
    println!("{evaluated} elements evaluated, {refused} cases refused in 28 days");
    assert!(refused > 0, "it asked for more than its class");
    assert!(evaluated <= EXPOSURE, "{evaluated} elements, the class has {EXPOSURE}");
    assert!(evaluated > EXPOSURE / 2, "{evaluated}: the attack was no attack");
    assert_eq!(refs(&setup, north) * 48, evaluated, "what was answered is what was charged");
}

// BU-4: references.
#[test]
fn attack_15_open_references_are_as_many_as_the_class_has() {
    println!("seed 115");
    let mut setup = start_with(115, &["NORTH", "SOUTH"], 0, Faults::NONE, |roster| {
        let class = roster.classes.iter_mut().find(|class| class.new_a_day == 10).expect("class M");
        class.open = 12;
    });
    let north = setup.members[0];
    setup.world.run_for(2 * HOUR);
    let mut querier = Hostile::puppet(&mut setup, 1);
    setup.world.run_for(2 * HOUR);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let batch: Vec<EvalCase> = (0..4).map(|_| fresh(&mut querier, "person")).collect();
        let mark = setup.world.delivered.len();
        let body = request(&setup, north, batch);
        let (_, id) = querier.say(&mut setup, north, REQUEST, &body);
        setup.world.run_for(2 * HOUR);
        statuses.extend(answers(&querier.heard(&setup, mark), id).0[0].batch.iter().map(|case| case.status));
    }
    let accepted = statuses.iter().filter(|status| **status == EvalStatus::Accepted).count();
    assert_eq!((accepted, statuses.len()), (12, 16), "the bucket holds 70 cases, the class 12 references");
}
