//! Attack 16: an auditor has what a querier asked opened. An honest node passes, a request of 48 people is found, what was
//! erased is counted apart, and no paper of another audit, another signer or another time counts.

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::record::{Record, row_key};
use kinmesh_protocol::base::{AuditId, AuditorName, CaseRef, Epoch, MemberId, MsgId, Party, Sensitive, SubjectId, cbor, limits};
use kinmesh_protocol::casework::case::SubjectRecord;
use kinmesh_protocol::casework::describe;
use kinmesh_protocol::casework::opening::{Opening, count, find};
use kinmesh_protocol::engine::answer::AuditProblem;
use kinmesh_protocol::engine::{Answer, Batch, Command, Failure, Op, View};
use kinmesh_protocol::envelope::{Header, sign};
use kinmesh_protocol::linkage::match_keys;
use kinmesh_protocol::person::record::Role;
use kinmesh_protocol::person::{FamilyForm, PersonForm};
use kinmesh_protocol::private_match::audit::{AUDIT_CHALLENGE, AUDIT_REPORT, AuditChallenge, AuditCounts, AuditRef, AuditReport};
use kinmesh_protocol::private_match::querier::{AskedRow, SubjectRow};
use kinmesh_protocol::roster::Auditor;
use kinmesh_tests::simulation::desks::{register, search};
use kinmesh_tests::simulation::network::network_id;
use kinmesh_tests::simulation::{Faults, Setup, people, start_with};

use crate::HOUR;

const AUDIT: AuditId = AuditId([0xa0; 16]);

/// NORTH evaluates, SOUTH asks.
struct Audited {
    setup: Setup,
    owner: usize,
    querier: usize,
}

fn auditor_key() -> SigningKey {
    SigningKey::from_bytes(&[0xad; 32])
}

fn member(id: &str) -> MemberId {
    MemberId::new(id).unwrap()
}

fn auditor(name: &str) -> Party {
    Party::Auditor(AuditorName::new(name).unwrap())
}

fn audited() -> Audited {
    let setup = start_with(71, &["NORTH", "SOUTH"], 0, Faults::NONE, |roster| {
        let key = auditor_key().verifying_key().to_bytes();
        roster.auditors = vec![Auditor { id: "@audit-1".to_owned(), key }];
    });
    let (owner, querier) = (setup.members[0], setup.members[1]);
    Audited { setup, owner, querier }
}

impl Audited {
    fn searched() -> Self {
        let mut audited = audited();
        search(&mut audited.setup, audited.querier, &[]);
        audited.setup.world.run_for(30 * HOUR);
        audited
    }

    fn body(&self) -> AuditChallenge {
        let timestamp_hash = [0; 32];
        AuditChallenge { audit_id: AUDIT, querier: member("SOUTH"), owner: member("NORTH"), epoch: Epoch(1), timestamp_hash }
    }

    fn header(&self, kind: u64, from: Party, to: Option<Party>) -> Header {
        let created = self.setup.world.now().seconds();
        Header { kind, from, to, msg_id: MsgId([7; 16]), n: 0, created, expires: created + 500, roster_version: 1, re: None }
    }

    fn challenge(&self) -> Vec<u8> {
        let header = self.header(AUDIT_CHALLENGE, auditor("@audit-1"), None);
        sign(&network_id(), &header, &cbor::encode(&self.body()), &auditor_key())
    }

    fn timestamp(&mut self) -> Vec<u8> {
        self.setup.world.run_for(2_000);
        match self.setup.world.command(self.setup.coordinator, Command::TimestampSign) {
            Ok(Answer::Timestamp { message, .. }) => message,
            other => panic!("{other:?}"),
        }
    }

    fn list(&mut self, challenge: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
        let mut parts = Vec::new();
        loop {
            let part = u32::try_from(parts.len() + 1).unwrap();
            let ask = Command::AuditReport { challenge: challenge.to_vec(), part };
            match self.setup.world.command(self.owner, ask)? {
                Answer::AuditListing { .. } => {}
                Answer::AuditPart { parts: all, message } => {
                    parts.push(message);
                    if part == all {
                        return Ok(parts);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn take(&mut self, papers: Vec<Vec<u8>>) -> Result<Option<u32>, Failure> {
        match self.setup.world.command(self.querier, Command::AuditTake { papers })? {
            Answer::AuditTaken { sample, owner, .. } => {
                assert_eq!(owner, member("NORTH"));
                Ok(sample)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Everything by its own program's judgement, and the querier's signature under it.
    fn judge(&mut self) -> AuditCounts {
        let challenge = self.challenge();
        let list = self.list(&challenge).unwrap();
        let timestamp = self.timestamp();
        let papers: Vec<Vec<u8>> = [challenge].into_iter().chain(list).chain([timestamp]).collect();
        let sampled = self.take(papers).unwrap().unwrap();
        let (mut openings, mut listed, mut from) = (Vec::new(), Vec::new(), Some(0));
        while let Some(start) = from {
            let open = Command::AuditOpen { audit: AUDIT, from: start };
            match self.setup.world.command(self.querier, open) {
                Ok(Answer::AuditOpened { openings: some, next, sample }) => {
                    openings.extend(some.expose().iter().map(|text| read(text)));
                    (from, listed) = (next, sample);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(listed.len(), sampled as usize);
        let mut counts = AuditCounts::default();
        for (case_ref, element_hash) in listed {
            let one = AuditRef { case_ref: CaseRef(bytes(&case_ref)), element_hash: bytes(&element_hash) };
            let opening = openings.iter().find(|opening: &&Opening| opening.case_ref == one.case_ref);
            count(&mut counts, find(&member("NORTH"), &one, opening));
        }
        let signed = self.setup.world.command(self.querier, Command::AuditSign { audit: AUDIT, counts });
        assert!(matches!(signed, Ok(Answer::AuditPart { parts: 1, .. })), "{signed:?}");
        counts
    }

    fn put<R: Record>(&self, node: usize, id: &R::Id, record: &R) {
        let batch = Batch { ops: vec![Op::put(id, record)], ..Batch::default() };
        self.setup.world.nodes[node].store.commit(batch).unwrap();
    }

    fn subject(&self) -> (SubjectId, SubjectRow) {
        let from = row_key(SubjectRow::KIND, &());
        let store = &self.setup.world.nodes[self.querier].store;
        store.page::<SubjectRow>(&from, from.after_prefix().as_ref(), 9).unwrap().remove(0)
    }
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap().try_into().unwrap()
}

fn read(text: &str) -> Opening {
    cbor::decode(&data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()).unwrap()
}

/// One key of each of 48 people.
fn keys_of_48() -> Vec<Sensitive<String>> {
    let key = |number: usize| {
        let desk = kinmesh_protocol::base::UserId::new("desk").unwrap();
        let record = people::other(number * 7).into_record(Role::Sought, kinmesh_protocol::base::Timestamp(0), desk).unwrap();
        let keys = match_keys(&describe::of_record(&record));
        Sensitive::from(keys.last().unwrap().label())
    };
    let mut keys: Vec<_> = (0..).map(key).take(48).collect();
    keys.sort_by(|a, b| a.expose().cmp(b.expose()));
    keys.dedup_by(|a, b| a.expose() == b.expose());
    keys
}

fn audit(problem: AuditProblem) -> Failure {
    Failure::Audit(problem)
}

#[test]
fn attack_16_an_honest_querier_opens_one_person_and_the_dummies_that_pad_its_request() {
    let mut audited = Audited::searched();
    let counts = audited.judge();
    // Class M pads to four cases: one subject and three that ask for nobody.
    assert_eq!(counts, AuditCounts { sampled: 4, matched: 4, ..AuditCounts::default() });
}

#[test]
fn decoys_are_opened_as_the_made_up_people_that_they_are() {
    let mut audited = audited();
    for number in 0..12 {
        register(&mut audited.setup, audited.querier, people::other(number * 5));
    }
    search(&mut audited.setup, audited.querier, &[]);
    audited.setup.world.run_for(60 * HOUR);
    let store = &audited.setup.world.nodes[audited.querier].store;
    let from = row_key(SubjectRow::KIND, &());
    let subjects = store.page::<SubjectRow>(&from, from.after_prefix().as_ref(), 99).unwrap();
    assert!(subjects.iter().any(|(_, row)| row.decoy), "no decoy was made");
    let counts = audited.judge();
    assert_eq!((counts.matched, counts.erased, counts.mismatched), (counts.sampled, 0, 0), "{counts:?}");
}

#[test]
fn a_protected_record_that_its_holder_asked_about_is_opened_as_one_person() {
    let mut audited = audited();
    let form = PersonForm {
        match_mode: "ask_only".to_owned(),
        family_members: FamilyForm::read_list("mother: Mona Haddad (1961) | brother: Karim Darwich (m, ~1990)"),
        ..people::registered()
    };
    register(&mut audited.setup, audited.querier, form);
    audited.setup.world.run_for(30 * HOUR);
    // Class S pads to two: the record and one that asks for nobody.
    assert_eq!(audited.judge(), AuditCounts { sampled: 2, matched: 2, ..AuditCounts::default() });
}

#[test]
fn what_was_renewed_in_a_later_epoch_is_opened_in_both() {
    let mut audited = Audited::searched();
    audited.setup.world.run_for(30 * 24 * HOUR);
    assert_eq!(audited.judge(), AuditCounts { sampled: 4, matched: 4, ..AuditCounts::default() });
}

// AU-2.
#[test]
fn attack_16_a_node_that_asked_for_48_people_is_found() {
    let mut audited = audited();
    let open = Command::CaseOpen { form: Box::new(people::case(&[])) };
    let Ok(Answer::CaseOpened { case, .. }) = audited.setup.world.command(audited.querier, open) else { panic!("a case") };
    let (id, row) = audited.subject();
    let keys = keys_of_48();
    assert!(keys.len() > 20, "{}", keys.len());
    audited.put(audited.querier, &id, &SubjectRow { keys, ..row.clone() });
    let run = Command::SearchRun { case: case.to_string(), plan: None };
    assert!(audited.setup.world.command(audited.querier, run).is_ok());
    audited.setup.world.run_for(30 * HOUR);
    let expected = AuditCounts { sampled: 4, matched: 3, not_one_person: 1, ..AuditCounts::default() };
    assert_eq!(audited.judge(), expected);
    // To show the one person of the case instead does not make the elements that the owner keeps.
    audited.put(audited.querier, &id, &row);
    let expected = AuditCounts { sampled: 4, matched: 3, mismatched: 1, ..AuditCounts::default() };
    let mut again = Audited { setup: audited.setup, ..audited };
    assert_eq!(again.judge_as(AuditId([0xa1; 16])), expected);
}

impl Audited {
    /// Another audit of the same questions.
    fn judge_as(&mut self, audit_id: AuditId) -> AuditCounts {
        let header = self.header(AUDIT_CHALLENGE, auditor("@audit-1"), None);
        let body = AuditChallenge { audit_id, ..self.body() };
        let challenge = sign(&network_id(), &header, &cbor::encode(&body), &auditor_key());
        let list = self.list(&challenge).unwrap();
        let timestamp = self.timestamp();
        let papers: Vec<Vec<u8>> = [challenge].into_iter().chain(list).chain([timestamp]).collect();
        self.take(papers).unwrap();
        let Ok(Answer::AuditOpened { openings, sample, .. }) =
            self.setup.world.command(self.querier, Command::AuditOpen { audit: audit_id, from: 0 })
        else {
            panic!("openings")
        };
        let openings: Vec<Opening> = openings.expose().iter().map(|text| read(text)).collect();
        let mut counts = AuditCounts::default();
        for (case_ref, element_hash) in sample {
            let one = AuditRef { case_ref: CaseRef(bytes(&case_ref)), element_hash: bytes(&element_hash) };
            count(&mut counts, find(&member("NORTH"), &one, openings.iter().find(|opening| opening.case_ref == one.case_ref)));
        }
        counts
    }
}

#[test]
fn attack_16_what_was_erased_and_what_is_not_known_is_counted_apart() {
    let mut audited = Audited::searched();
    let (id, _) = audited.subject();
    let from = row_key(AskedRow::KIND, &member("NORTH"));
    let store = &audited.setup.world.nodes[audited.querier].store;
    let asked = store.page::<AskedRow>(&from, from.after_prefix().as_ref(), 9).unwrap();
    let dummy = asked
        .iter()
        .find(|(_, row)| matches!(row.asked, kinmesh_protocol::private_match::querier::Asked::Dummy(_)))
        .map(|(id, _)| *id)
        .unwrap();
    let gone = vec![
        Op::Remove(SubjectRow::TREE, SubjectRow::key(&id)),
        Op::Remove(SubjectRecord::TREE, SubjectRecord::key(&id)),
        Op::Remove(AskedRow::TREE, AskedRow::key(&dummy)),
    ];
    store.commit(Batch { ops: gone, ..Batch::default() }).unwrap();
    let expected = AuditCounts { sampled: 4, matched: 2, mismatched: 1, erased: 1, ..AuditCounts::default() };
    assert_eq!(audited.judge(), expected);
}

#[test]
fn a_locked_node_opens_nothing() {
    let mut audited = Audited::searched();
    let challenge = audited.challenge();
    let list = audited.list(&challenge).unwrap();
    let timestamp = audited.timestamp();
    audited.setup.custody(audited.querier, kinmesh_protocol::engine::Custody::Locked);
    let papers: Vec<Vec<u8>> = [challenge].into_iter().chain(list).chain([timestamp]).collect();
    assert_eq!(audited.take(papers).unwrap(), Some(4));
    let open = audited.setup.world.command(audited.querier, Command::AuditOpen { audit: AUDIT, from: 0 });
    assert_eq!(open.err(), Some(Failure::Locked));
}

#[test]
fn forged_foreign_and_late_challenges_are_refused() {
    let mut audited = Audited::searched();
    let header = audited.header(AUDIT_CHALLENGE, auditor("@audit-1"), None);
    let body = cbor::encode(&audited.body());
    let other = SigningKey::from_bytes(&[0xae; 32]);
    let north = audited.setup.papers[0].operational.clone();
    let sound = |header: &Header| sign(&network_id(), header, &body, &auditor_key());
    let cases = [
        ("another key", sign(&network_id(), &header, &body, &other), AuditProblem::Refused),
        (
            "a member",
            sign(&network_id(), &Header { from: Party::Member(member("NORTH")), ..header }, &body, &north),
            AuditProblem::Refused,
        ),
        ("an auditor who is not listed", sound(&Header { from: auditor("@audit-2"), ..header }), AuditProblem::Refused),
        (
            "expired",
            sound(&Header { created: header.created - 900, expires: header.created - 1, ..header }),
            AuditProblem::Refused,
        ),
        ("a life without end", sound(&Header { expires: header.created + 400 * 86_400, ..header }), AuditProblem::Refused),
        ("addressed to one", sound(&Header { to: Some(Party::Member(member("NORTH"))), ..header }), AuditProblem::Refused),
    ];
    for (name, paper, problem) in cases {
        assert_eq!(audited.list(&paper).err(), Some(audit(problem)), "{name}");
        assert_eq!(audited.take(vec![paper]).err(), Some(audit(problem)), "{name}");
    }
    let of = |body: AuditChallenge| sign(&network_id(), &header, &cbor::encode(&body), &auditor_key());
    let foreign = of(AuditChallenge { owner: member("EAST"), querier: member("NORTH"), ..audited.body() });
    assert_eq!(audited.list(&foreign).err(), Some(audit(AuditProblem::NotForUs)));
    assert_eq!(audited.take(vec![foreign]).err(), Some(audit(AuditProblem::NotForUs)));
    let of_itself = of(AuditChallenge { querier: member("NORTH"), ..audited.body() });
    assert_eq!(audited.list(&of_itself).err(), Some(audit(AuditProblem::Other)));
    // Over a link nobody demands an audit.
    let before = audited.setup.world.nodes[audited.owner].store.digest();
    let challenge = audited.challenge();
    let taken = audited.setup.give(audited.owner, challenge);
    assert!(taken.is_err());
    assert_eq!(audited.setup.world.nodes[audited.owner].store.digest(), before);
}

// AU-1.
#[test]
fn the_sample_is_drawn_once_and_by_a_later_timestamp() {
    let mut audited = Audited::searched();
    let early = audited.timestamp();
    audited.setup.world.run_for(2_000);
    let challenge = audited.challenge();
    let list = audited.list(&challenge).unwrap();
    assert_eq!(audited.take(vec![list[0].clone()]).err(), Some(audit(AuditProblem::Incomplete)), "before the challenge");
    assert_eq!(audited.take(vec![challenge.clone()]).unwrap(), None);
    assert_eq!(audited.take(vec![early]).err(), Some(audit(AuditProblem::Draw)));
    let (first, second) = (audited.timestamp(), audited.timestamp());
    let papers = |timestamp: &Vec<u8>| [challenge.clone()].into_iter().chain(list.clone()).chain([timestamp.clone()]).collect();
    assert_eq!(audited.take(papers(&first)).unwrap(), Some(4));
    assert_eq!(audited.take(papers(&first)).unwrap(), Some(4), "the same papers again");
    assert_eq!(audited.take(vec![second.clone()]).err(), Some(audit(AuditProblem::Drawn)));
    // Not after a restart either.
    audited.setup.world.restart(audited.querier, 0);
    audited.setup.world.run_for(2_000);
    assert_eq!(audited.take(papers(&second)).err(), Some(audit(AuditProblem::Drawn)));
}

#[test]
fn a_list_that_is_not_the_owners_is_refused() {
    let mut audited = Audited::searched();
    let challenge = audited.challenge();
    let operational = |place: usize| audited.setup.papers[place].operational.clone();
    let (north, south) = (operational(0), operational(1));
    let part = |part, parts, refs: usize| AuditReport {
        audit_id: AUDIT,
        part,
        parts,
        refs: (0..refs)
            .map(|place| AuditRef { case_ref: CaseRef(u128::try_from(place).unwrap().to_be_bytes()), element_hash: [1; 32] })
            .collect(),
        counts: None,
    };
    let header = Header {
        re: Some(MsgId([7; 16])),
        ..audited.header(AUDIT_REPORT, Party::Member(member("NORTH")), Some(auditor("@audit-1")))
    };
    let signed =
        |header: &Header, report: &AuditReport, key: &SigningKey| sign(&network_id(), header, &cbor::encode(report), key);
    let full = limits::AUDIT_REFS;
    let counts = Some(AuditCounts::default());
    let cases = [
        (
            "by the querier",
            signed(&Header { from: Party::Member(member("SOUTH")), ..header }, &part(1, 1, 3), &south),
            AuditProblem::Other,
        ),
        ("with the querier's key", signed(&header, &part(1, 1, 3), &south), AuditProblem::Refused),
        ("to nobody", signed(&Header { to: None, ..header }, &part(1, 1, 3), &north), AuditProblem::Other),
        (
            "of another audit",
            signed(&header, &AuditReport { audit_id: AuditId([1; 16]), ..part(1, 1, 3) }, &north),
            AuditProblem::Other,
        ),
        ("to another challenge", signed(&Header { re: None, ..header }, &part(1, 1, 3), &north), AuditProblem::Other),
        ("part 0", signed(&header, &part(0, 1, 3), &north), AuditProblem::Parts),
        ("part 2 of 1", signed(&header, &part(2, 1, 3), &north), AuditProblem::Parts),
        ("too many parts", signed(&header, &part(1, 65, full), &north), AuditProblem::Parts),
        ("a part that is not full", signed(&header, &part(1, 2, full - 1), &north), AuditProblem::Parts),
        ("a part that is too full", signed(&header, &part(1, 1, full + 1), &north), AuditProblem::Parts),
        ("counts of the owner", signed(&header, &AuditReport { counts, ..part(1, 1, 0) }, &north), AuditProblem::Other),
    ];
    for (name, paper, problem) in cases {
        let found = audited.take(vec![challenge.clone(), paper]).err();
        assert_eq!(found, Some(audit(problem)), "{name}");
    }
    let mut turned = part(1, 1, 3);
    turned.refs.reverse();
    let papers = vec![challenge.clone(), signed(&header, &turned, &north)];
    assert_eq!(audited.take(papers).err(), Some(audit(AuditProblem::Parts)));
    // Two parts of which the second begins within the first.
    let mut second = part(2, 2, 3);
    second.refs.iter_mut().for_each(|one| one.element_hash = [2; 32]);
    let papers =
        vec![challenge, signed(&header, &part(1, 2, full), &north), signed(&header, &second, &north), audited.timestamp()];
    assert_eq!(audited.take(papers).err(), Some(audit(AuditProblem::Parts)));
}
