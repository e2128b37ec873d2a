//! The private match at both sides: one sought person, 48 keys, and the owner's index.

use std::hint::black_box;

use kinmesh_protocol::base::limits::KEYS_A_RECORD;
use kinmesh_protocol::base::{CaseRef, Epoch, MemberId, Sensitive};
use kinmesh_protocol::linkage::{Fields, match_keys, profile_id};
use kinmesh_protocol::private_match::input::{blind_bytes, key_input};
use kinmesh_protocol::private_match::oprf::{blind, finalize};
use kinmesh_protocol::private_match::{EpochSecret, Family, LabelKey, tag};

use super::figure::{Figure, Goal};
use super::paired::paired;
use super::raw_voprf::RawVoprf;
use crate::clock;

/// Seed of both sides' keys.
const SEED: [u8; 32] = [7; 32];
/// Nanoseconds a call of 48 keys to microseconds a key.
const PER_KEY: f64 = 1e-3 / KEYS_A_RECORD as f64;
const VOPRF: &str = "voprf";

/// Blind, evaluate, finalize, and all three.
pub fn question(rounds: usize, person: &Fields) -> Vec<Figure> {
    let owner = MemberId::new("KE").unwrap();
    let (secret, case_ref) = (Sensitive::new([3; 32]), CaseRef([5; 16]));
    let inputs = inputs_of(person, &owner);
    let keys = EpochSecret::from_seed(SEED);
    let (mut raw, public) = (RawVoprf::new(SEED), keys.public());
    let blinds = || -> Vec<Sensitive<[u8; 64]>> {
        let numbered = (0u16..).zip(&inputs);
        numbered.map(|(j, input)| blind_bytes(&secret, &owner, &case_ref, j, input)).collect()
    };
    let ask = || -> Vec<[u8; 32]> { inputs.iter().zip(&blinds()).map(|(input, one)| blind(input, one).unwrap()).collect() };
    let end = |evaluated: &[[u8; 32]], proof: &[u8; 64]| finalize(&public, &inputs, &blinds(), evaluated, proof).unwrap();

    let elements = ask();
    let (evaluated, proof) = keys.blind_evaluate(&elements, SEED).unwrap();
    let request = raw.blind(&inputs);
    let answer = raw.blind_evaluate(&request.elements);
    let expected = raw.finalize(&inputs, &request, &answer);
    assert!(end(&evaluated, &proof).iter().zip(&expected).all(|(ours, theirs)| ours.expose() == theirs), "other outputs");

    let asked = paired(clock::cpu, rounds, || drop(black_box(ask())), || drop(black_box(raw.blind(&inputs))));
    let evaluation = paired(
        clock::cpu,
        rounds,
        || drop(black_box(keys.blind_evaluate(&elements, SEED).unwrap())),
        || drop(black_box(raw.blind_evaluate(&elements))),
    );
    let ended = paired(
        clock::cpu,
        rounds,
        || drop(black_box(end(&evaluated, &proof))),
        || drop(black_box(raw.finalize(&inputs, &request, &answer))),
    );
    let whole = paired(
        clock::cpu,
        rounds,
        || {
            let (evaluated, proof) = keys.blind_evaluate(&ask(), SEED).unwrap();
            drop(black_box(end(&evaluated, &proof)));
        },
        || {
            let request = raw.blind(&inputs);
            let answer = raw.blind_evaluate(&request.elements);
            drop(black_box(raw.finalize(&inputs, &request, &answer)));
        },
    );
    vec![
        Figure::paired("querier: blind", "us/key", PER_KEY, VOPRF, asked)
            .goal(Goal::RatioAtMost(1.15))
            .note("with the derivation of the blind from the case's secret"),
        Figure::paired("owner: evaluate and prove", "us/key", PER_KEY, VOPRF, evaluation).goal(Goal::RatioAtMost(1.15)),
        Figure::paired("querier: verify and finalize", "us/key", PER_KEY, VOPRF, ended)
            .note("blinds are derived and inputs blinded again, since no state is kept between question and answer"),
        Figure::paired("one sought person, both sides", "ms", 1e-6, VOPRF, whole).note("48 keys at one owner, without envelopes"),
    ]
}

/// The owner's index: the curve alone, and from the description to the prefix in a peer's set.
pub fn index(rounds: usize, person: &Fields) -> Vec<Figure> {
    let (owner, peer) = (MemberId::new("KE").unwrap(), MemberId::new("BE").unwrap());
    let inputs = inputs_of(person, &owner);
    let (keys, raw) = (EpochSecret::from_seed(SEED), RawVoprf::new(SEED));
    let labels = LabelKey::derive(&SEED, &owner, &peer, Epoch(7), Family::Registered);
    assert_eq!(keys.evaluate(&inputs[0]).expose(), &raw.evaluate(&inputs[0]), "other outputs");
    let raw_index = || {
        for input in &inputs {
            black_box(raw.evaluate(input));
        }
    };
    let curve = paired(
        clock::cpu,
        rounds,
        || {
            for input in &inputs {
                black_box(tag(&keys.evaluate(input)));
            }
        },
        raw_index,
    );
    let whole = paired(
        clock::cpu,
        rounds,
        || {
            for input in inputs_of(person, &owner) {
                black_box(labels.prefix(&tag(&keys.evaluate(&input))));
            }
        },
        raw_index,
    );
    vec![
        Figure::paired("owner: index, curve and tag", "us/key", PER_KEY, VOPRF, curve).goal(Goal::RatioAtMost(1.15)),
        Figure::paired("owner: index, description to prefix", "us/key", PER_KEY, VOPRF, whole)
            .goal(Goal::RatioAtMost(1.2))
            .note("48 match keys of one description, for one peer; the store takes no part"),
    ]
}

/// The 48 inputs of a description that has as many keys.
fn inputs_of(person: &Fields, owner: &MemberId) -> Vec<Vec<u8>> {
    let profile = profile_id();
    let keys = match_keys(person);
    assert_eq!(keys.len(), KEYS_A_RECORD, "a description with 48 keys");
    keys.iter().map(|key| key_input(&profile, owner, &key.class(), key.label()).expose().clone()).collect()
}
