//! One case at every owner of a network of 60: what the search costs the querier, all of it, beside the curve alone.
//!
//! A simulated network with real engines, jobs and cryptography, in the pace of a drill so slow that hardly a bag falls into a
//! search. Counted is the CPU time of
//! the querier's own steps and jobs from the command that opens the case until every owner has answered and its set has
//! been tested: keys, blinds, requests signed and sealed, answers opened and verified, proofs, tags, tests, rows encoded. Not
//! counted are the store's disk, the network's own cryptography and what owners do. The reference is what the `voprf` crate
//! takes to blind, and to verify and finalize, as many elements in as many batches.

use std::hint::black_box;
use std::time::Duration;

use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::base::limits::KEYS_A_RECORD;
use kinmesh_protocol::engine::command::{CaseForm, SubjectForm};
use kinmesh_protocol::engine::{Answer, Command};
use kinmesh_protocol::person::PersonForm;
use kinmesh_protocol::private_match::padding_unit;
use kinmesh_protocol::roster::Pace;

use super::figure::{Figure, Goal};
use super::paired::{Paired, Spread};
use super::raw_voprf::{RawAnswer, RawRequest, RawVoprf};
use crate::clock;
use crate::simulation::desks::{insist, register};
use crate::simulation::meter::Meter;
use crate::simulation::{Faults, Setup, people, start_with};

/// Members of the network.
const MEMBERS: usize = 60;
/// Records of each owner.
const RECORDS: usize = 8;
/// Cases that the budget of class M lets through at once: 7 days of 10 subjects, 4 a request with the padding.
const CASES: usize = 16;
/// An hour of the drill, in milliseconds; an hour of the real pace would be full of talk between the nodes.
const HOUR: u64 = 2_000;

/// The search and its reference.
pub fn search(rounds: usize) -> Vec<Figure> {
    let mut setup = network();
    let (node, unit) = (setup.members[0], unit(&setup));
    let curve = Curve::new(unit * KEYS_A_RECORD);
    let mut found = Vec::new();
    for number in 0..=rounds.min(CASES - 1) {
        let before = curve.pass();
        let used = one_case(&mut setup, node, number);
        let after = curve.pass();
        // The first one warms up.
        if number > 0 {
            found.push((used, (before + after) / 2));
        }
    }
    vec![figure(&found, unit)]
}

fn figure(found: &[(Meter, Duration)], unit: usize) -> Figure {
    let nanos = |time: Duration| time.as_nanos() as f64;
    let median = |of: fn(&(Meter, Duration)) -> Duration| Spread::of(found.iter().map(|one| nanos(of(one))).collect()).median;
    let ratio = Spread::of(found.iter().map(|(used, curve)| nanos(used.whole()) / nanos(*curve)).collect());
    let paired = Paired { ours_ns: median(|one| one.0.whole()), reference_ns: median(|one| one.1), ratio };
    let steps = median(|one| one.0.engine) * 1e-6;
    let owners = MEMBERS - 1;
    Figure::paired("search: one case at 59 owners", "ms", 1e-6, "voprf", paired).goal(Goal::RatioAtMost(2.0)).note(format!(
        "all of the querier's steps and jobs, {steps:.0} ms of it in steps; {owners} requests of {unit} x {KEYS_A_RECORD} elements with \
         the padding of class M; {} cases",
        found.len()
    ))
}

/// Sixty members with records, whose sets are everywhere.
fn network() -> Setup {
    let ids: Vec<String> = (0..MEMBERS).map(|number| format!("N{number:02}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut setup = start_with(59, &ids, 0, Faults::NONE, |roster| roster.pace = Pace::drill(HOUR));
    setup.world.keep_delivered = false;
    for (place, node) in setup.members.clone().into_iter().enumerate() {
        for number in 0..RECORDS {
            register(&mut setup, node, people::other(place * RECORDS + number));
        }
    }
    // The round of the next day has the records in it.
    setup.world.run_for(27 * HOUR);
    setup
}

fn unit(setup: &Setup) -> usize {
    let class = setup.roster.class(setup.roster.members[0].case_class).expect("a class");
    let new_a_day = u32::try_from(class.new_a_day).expect("a small number");
    usize::try_from(padding_unit(new_a_day)).expect("a small number")
}

/// Opens a case, searches for it, and lets the network run until every owner was asked, has answered and was tested.
fn one_case(setup: &mut Setup, node: usize, number: usize) -> Meter {
    setup.world.meter = Some(Meter::new(node));
    let subject = SubjectForm { relation: "son".to_owned(), person: sought(number) };
    let form = Box::new(CaseForm { subjects: vec![subject], ..people::case(&[]) });
    let Answer::CaseOpened { case, .. } = insist(setup, node, &Command::CaseOpen { form }) else { panic!("a case") };
    let case = case.to_string();
    insist(setup, node, &Command::SearchRun { case: case.clone(), plan: None });
    let within = setup.world.now().0 + HOUR;
    loop {
        setup.world.run_for(100);
        let meter = setup.world.meter.take().expect("the meter");
        let Ok(Answer::Searches { subjects, .. }) = setup.world.command(node, Command::SearchStatus { case: Some(case.clone()) })
        else {
            panic!("a search")
        };
        if subjects.iter().all(|line| line.tested as usize == MEMBERS - 1) {
            return meter;
        }
        assert!(setup.world.now().0 < within, "not everywhere within an hour: {subjects:?}");
        setup.world.meter = Some(meter);
    }
}

/// People with as many match keys as a description may give.
fn sought(number: usize) -> PersonForm {
    let letter = |step: usize| ["ra", "mi", "do", "su", "ke", "la"][(number / step) % 6];
    PersonForm {
        given: format!("Sa{}lim Ka{}mal", letter(1), letter(6)).as_str().into(),
        family: format!("Dar{}wish Ha{}ddad", letter(6), letter(1)).as_str().into(),
        father: format!("Kam{}al Yu{}suf", letter(1), letter(1)).as_str().into(),
        mother: format!("Mo{}na Ba{}rakat", letter(6), letter(1)).as_str().into(),
        ..people::sought()
    }
}

/// The curve's share of one case at all owners, by the `voprf` crate.
struct Curve {
    raw: std::cell::RefCell<RawVoprf>,
    inputs: Vec<Vec<u8>>,
    request: RawRequest,
    answer: RawAnswer,
}

impl Curve {
    fn new(elements: usize) -> Self {
        let owner = MemberId::new("N01").expect("a member id");
        let inputs: Vec<Vec<u8>> = (0..elements).map(|number| format!("{owner} input {number:060}").into_bytes()).collect();
        let mut raw = RawVoprf::new([59; 32]);
        let request = raw.blind(&inputs);
        let answer = raw.blind_evaluate(&request.elements);
        Self { raw: raw.into(), inputs, request, answer }
    }

    fn pass(&self) -> Duration {
        let began = clock::cpu();
        for _ in 1..MEMBERS {
            drop(black_box(self.raw.borrow_mut().blind(&self.inputs)));
            drop(black_box(self.raw.borrow().finalize(&self.inputs, &self.request, &self.answer)));
        }
        clock::cpu() - began
    }
}
