//! Inputs, blinds, elements, the proof, tags, labels, dummies, commitments, the fingerprint and the profile's hash.

use kinmesh_protocol::base::{Draw, ProfileId, Sensitive};
use kinmesh_protocol::casework::commitment::{Commitment, OpenedField, leaf};
use kinmesh_protocol::linkage::{parameters_hash, profile_id};
use kinmesh_protocol::private_match::input::{blind_bytes, elements_hash, key_input, positions};
use kinmesh_protocol::private_match::oprf::{blind, pk_hash};
use kinmesh_protocol::private_match::{Element, Family, LabelKey, oprf, tag};
use kinmesh_protocol::roster::{Custodians, Fingerprint, fingerprint_text};
use serde_json::{Value, json};

use crate::fixture::{EPOCH, be, case_ref, case_secret, epoch_secret, half, hex, ke, network, public, seed};

/// The keys of the subject, in profile order; the first is that of protocol.md 3.9.
const KEYS: [(&str, &str); 2] = [("n|d", "n:kflsk|d:19840312"), ("n|p", "n:kflsk|p:halab")];

/// The 48 inputs of the subject at the owner.
pub fn inputs() -> Vec<Vec<u8>> {
    let profile = ProfileId::new("v1").expect("a profile");
    let own: Vec<Vec<u8>> = KEYS.iter().map(|(class, key)| key_input(&profile, &ke(), class, key).expose().clone()).collect();
    positions(&case_secret(), &ke(), &case_ref(), &own)
}

pub fn blinds() -> Vec<Sensitive<[u8; 64]>> {
    (0..).zip(inputs()).map(|(j, input)| blind_bytes(&case_secret(), &ke(), &case_ref(), j, &input)).collect()
}

/// The 48 elements of the subject at the owner.
pub fn elements() -> Vec<Element> {
    inputs().iter().zip(blinds()).map(|(input, one)| blind(input, &one).expect("an element")).collect()
}

/// The owner's answer.
pub fn evaluated() -> (Vec<Element>, [u8; 64]) {
    epoch_secret().blind_evaluate(&elements(), seed("proof")).expect("an answer")
}

/// A commitment to two fields, and the opening of one.
pub fn commitment() -> (Commitment, Vec<OpenedField>) {
    let field =
        |name: &str, value: &str| OpenedField { name: name.to_owned(), value: value.into(), salt: half(&format!("salt {name}")) };
    let fields = vec![field("given", "Salma"), field("family", "إدريس عثمان")];
    let leaves: Vec<[u8; 32]> = fields.iter().map(OpenedField::leaf).collect();
    (Commitment::draw(&leaves, &mut Draw::new(seed("leaves"))).expect("a commitment"), fields)
}

fn keys() -> Vec<Value> {
    let secret = epoch_secret();
    let salt = seed("salt");
    let label_key = LabelKey::derive(&salt, &ke(), &be(), EPOCH, Family::Registered);
    let sought = LabelKey::derive(&salt, &ke(), &be(), EPOCH, Family::Sought);
    inputs()
        .iter()
        .zip(blinds())
        .zip(elements())
        .zip(evaluated().0)
        .enumerate()
        .filter(|(j, _)| *j < 3 || *j == 47)
        .map(|(j, (((input, one), element), answer))| {
            let y = secret.evaluate(input);
            let tag = tag(&y);
            json!({
                "position": j,
                "class": KEYS.get(j).map(|(class, _)| class),
                "key": KEYS.get(j).map(|(_, key)| key),
                "input": hex(input),
                "blind": hex(one.expose()),
                "element": hex(&element),
                "evaluated": hex(&answer),
                "y": hex(y.expose()),
                "tag": hex(&tag.0),
                "label": hex(&label_key.label(&tag)),
                "prefix": format!("{:012x}", label_key.prefix(&tag)),
                "label_sought": hex(&sought.label(&tag)),
            })
        })
        .collect()
}

pub fn vectors() -> Value {
    let (evaluated, proof) = evaluated();
    let outputs = oprf::finalize(&epoch_secret().public(), &inputs(), &blinds(), &evaluated, &proof).expect("the proof holds");
    assert!(inputs().iter().zip(&outputs).all(|(input, y)| epoch_secret().evaluate(input).expose() == y.expose()));
    let (commitment, fields) = commitment();
    let opening = commitment.open(fields[..1].to_vec()).expect("an opening");
    let custodians = Custodians {
        keys: ["custodian 1", "custodian 2", "custodian 3"].map(public).to_vec(),
        threshold: 2,
        root_threshold: 2,
        emergency_threshold: 2,
    };
    let fingerprint = Fingerprint::of_custodians(&network(), &custodians);
    json!({
        "network": network().as_str(), "owner": "KE", "peer": "BE", "epoch": EPOCH.0, "profile": "v1",
        "case_secret": hex(case_secret().expose()), "case_ref": hex(&case_ref().0),
        "voprf_seed": hex(&seed("voprf")), "pk": hex(&epoch_secret().public()), "pk_hash": hex(&pk_hash(&epoch_secret().public())),
        "salt": hex(&seed("salt")),
        "keys": keys(),
        "elements": elements().iter().map(|element| hex(element)).collect::<Vec<_>>(),
        "elements_hash": hex(&elements_hash(&elements())),
        "evaluated": evaluated.iter().map(|element| hex(element)).collect::<Vec<_>>(),
        "proof": hex(&proof),
        "commitment": {
            "fields": fields.iter().map(|field| json!({
                "name": field.name, "value": field.value.expose(), "salt": hex(&field.salt),
                "leaf": hex(&leaf(&field.salt, &field.name, field.value.expose())),
            })).collect::<Vec<_>>(),
            "leaves": commitment.leaves().iter().map(|leaf| hex(leaf)).collect::<Vec<_>>(),
            "root": hex(&commitment.root().expect("a root")),
            "opening_of_first": {
                "name": fields[0].name,
                "other_hashes": opening.other_hashes.iter().map(|leaf| hex(leaf)).collect::<Vec<_>>(),
            },
        },
        "fingerprint": {
            "threshold": 2, "root_threshold": 2, "emergency_threshold": 2,
            "keys": custodians.keys.iter().map(|key| hex(key)).collect::<Vec<_>>(),
            "bytes": hex(&fingerprint.0), "text": fingerprint_text(&fingerprint),
        },
        "profile_parameters": { "id": profile_id().as_str(), "hash": hex(&parameters_hash()) },
    })
}
