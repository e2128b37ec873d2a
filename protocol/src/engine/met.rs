//! What a claim met at this holder: the person of a record, or a family member whom it names.
//!
//! `candidates` compares and shows through it. The commitment of a claim's answer is over the record's own fields in both
//! cases: what is disclosed later is about the person who can be asked, and that is never the one who was only named.

use crate::base::Sensitive;
use crate::casework::candidate::CandidateRecord;
use crate::casework::claim::ClaimIn;
use crate::casework::commitment::OpenedField;
use crate::casework::describe;
use crate::engine::answer::CandidateRow;
use crate::linkage::{FieldVerdict, Fields, IdentifiersAgree, identifiers, identifiers_agree};
use crate::person::{FamilyMember, Field, PersonRecord};

/// Characters of an identifier that a screen shows.
const SHOWN: usize = 4;

/// The family member whom the claim met; none where it met the person.
pub(super) fn member<'a>(claim: &ClaimIn, own: &'a PersonRecord) -> Option<&'a FamilyMember> {
    claim.mention.and_then(|place| own.family.get(usize::from(place)))
}

/// The description that a claim's attributes are compared with.
pub(super) fn description(claim: &ClaimIn, own: &PersonRecord) -> Fields {
    match member(claim, own) {
        Some(member) => describe::of_mention(own, member),
        None => describe::of_record(own),
    }
}

/// The fields that stand beside the claim's attributes.
pub(super) fn registered(claim: &ClaimIn, own: &PersonRecord, salted: Vec<OpenedField>) -> Vec<(String, Sensitive<String>)> {
    match member(claim, own) {
        Some(member) => member.described(own).into_iter().map(|(field, value)| (field.name().to_owned(), value)).collect(),
        None => salted.into_iter().map(|field| (field.name, field.value)).collect(),
    }
}

/// The values of some fields, in their order.
pub(super) fn values(fields: &[(String, Sensitive<String>)], names: &[Field]) -> Sensitive<String> {
    let found = names.iter().filter_map(|name| fields.iter().find(|(field, _)| field == name.name()));
    let values: Vec<&str> = found.map(|(_, value)| value.expose().as_str()).collect();
    Sensitive::new(values.join(", "))
}

/// Which telephone or document both sides have.
pub(super) fn agreement(claim: &ClaimIn, record: &CandidateRecord, own: &PersonRecord) -> IdentifiersAgree {
    identifiers_agree(&describe::of_attributes(&record.attributes), &description(claim, own))
}

/// A row for each kind of identifier that agrees, masked: the number itself is on the own record.
pub(super) fn identifier_rows(claim: &ClaimIn, record: &CandidateRecord, own: &PersonRecord) -> Vec<CandidateRow> {
    let agree = agreement(claim, record, own);
    let labels = identifiers(&description(claim, own));
    let sent = identifiers(&describe::of_attributes(&record.attributes));
    let row = |field: &str, kind: &str, reason: &str| {
        let common = sent.iter().find(|label| label.expose().starts_with(kind) && labels.contains(label));
        let masked = common.map_or_else(Sensitive::default, |label| masked(label.expose()));
        CandidateRow {
            field: field.to_owned(),
            sought: masked.clone(),
            registered: masked,
            verdict: FieldVerdict::Match,
            reason: reason.to_owned(),
        }
    };
    let document = agree.document.then(|| row("document", "i:", "the same document"));
    let phone = agree.phone.then(|| row("phone", "t:", "the same telephone"));
    document.into_iter().chain(phone).collect()
}

fn masked(label: &str) -> Sensitive<String> {
    let hidden = label.chars().count().saturating_sub(SHOWN);
    Sensitive::new(format!("…{}", label.chars().skip(hidden).collect::<String>()))
}
