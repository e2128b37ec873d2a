//! What a querier shows of a sampled reference on its own premises, and what an auditor's program finds in it.
//!
//! The node makes openings of its case files, the auditor's program judges them: it makes the elements again and compares their
//! hash with the owner's, and the keys with those of the one record that is shown. An opening is personal data and stays on the
//! premises; what leaves is [`AuditCounts`]. A node that lies in an opening is found by the hash, which the owner keeps.

use minicbor::{Decode, Encode};

use crate::base::cbor::fixed_secret;
use crate::base::{CaseRef, MemberId, Sensitive, limits};
use crate::casework::describe;
use crate::linkage::{MatchKey, RecordKeys, match_keys, profile_id, record_keys};
use crate::person::PersonRecord;
use crate::private_match::audit::{AuditCounts, AuditRef, sent_hash};
use crate::private_match::input::key_input;

/// What is shown of one reference.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct Opening {
    /// The reference.
    #[n(1)]
    pub case_ref: CaseRef,
    /// What stood behind it.
    #[n(2)]
    pub shown: Shown,
}

/// What stood behind a reference.
#[derive(Clone, Debug, Encode, Decode)]
pub enum Shown {
    /// One person, sought or recorded.
    #[n(1)]
    Person(#[n(0)] Box<ShownPerson>),
    /// A dummy case: every input is a dummy, nobody was asked for.
    #[n(2)]
    Dummy(#[cbor(n(0), with = "fixed_secret")] Sensitive<[u8; 32]>),
    /// It was erased at the querier.
    #[n(3)]
    Erased,
}

/// The person behind a reference.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct ShownPerson {
    /// From which its blinds and dummies derive.
    #[cbor(n(1), with = "fixed_secret")]
    pub secret: Sensitive<[u8; 32]>,
    /// Labels of the keys that were asked, in their order.
    #[n(2)]
    pub keys: Vec<Sensitive<String>>,
    /// The record, without what yields no key; an item of its own, since it nests as deep as an item may.
    #[cbor(n(3), with = "item")]
    pub record: PersonRecord,
    /// Which keys a record like this one yields.
    #[n(4)]
    pub yields: Yields,
}

/// A record as a byte string.
mod item {
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};

    use crate::base::{Sensitive, cbor};
    use crate::person::PersonRecord;

    pub fn encode<C, W: Write>(record: &PersonRecord, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        let bytes = Sensitive::new(cbor::encode(record));
        e.bytes(bytes.expose())?.ok()
    }

    pub fn decode<'b, C>(d: &mut Decoder<'b>, _: &mut C) -> Result<PersonRecord, DecodeError> {
        cbor::decode(d.bytes()?).map_err(|_| DecodeError::message("record"))
    }
}

/// Whose keys count as one person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Yields {
    /// A sought person's.
    #[n(1)]
    Sought,
    /// A recorded person's own: as many as the family members whom the record names leave place for.
    #[n(2)]
    Recorded,
}

/// What a reference turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// One person and dummies, or dummies alone.
    Matched,
    /// Not what was sent, or nothing was shown.
    Mismatched,
    /// Erased.
    Erased,
    /// What was sent, but not of one person.
    NotOnePerson,
}

impl ShownPerson {
    /// What of a record an auditor needs: names, birth, places and identifiers, nothing else.
    #[must_use]
    pub fn reduced(record: &PersonRecord, yields: Yields) -> PersonRecord {
        let family = if yields == Yields::Recorded { record.family.clone() } else { Vec::new() };
        PersonRecord {
            society_ref: Sensitive::default(),
            note: Sensitive::default(),
            held_back: Vec::new(),
            flags: Vec::new(),
            family,
            ..record.clone()
        }
    }

    fn profile(&self) -> Vec<MatchKey> {
        let own = describe::of_record(&self.record);
        match self.yields {
            Yields::Sought => match_keys(&own),
            Yields::Recorded => {
                let mentions: Vec<_> =
                    self.record.family.iter().map(|member| describe::of_mention(&self.record, member)).collect();
                let RecordKeys { mut keys, mentions } = record_keys(&own, &mentions);
                keys.truncate(keys.len().saturating_sub(mentions.len()));
                keys
            }
        }
    }

    // AU-2.
    fn finding(&self, owner: &MemberId, listed: &AuditRef) -> Finding {
        if self.keys.len() > limits::KEYS_A_RECORD {
            return Finding::Mismatched;
        }
        let inputs: Vec<Vec<u8>> = self.keys.iter().map(|label| input(owner, label)).collect();
        if sent_hash(&self.secret, owner, &listed.case_ref, &inputs).ok() != Some(listed.element_hash) {
            return Finding::Mismatched;
        }
        let profile = self.profile();
        let is_profile = profile.len() == self.keys.len()
            && profile.iter().zip(&self.keys).all(|(expected, asked)| expected.label() == asked.expose());
        if is_profile { Finding::Matched } else { Finding::NotOnePerson }
    }
}

/// Finds what a reference is; an opening of another reference counts as none.
#[must_use]
pub fn find(owner: &MemberId, listed: &AuditRef, opening: Option<&Opening>) -> Finding {
    match opening.filter(|opening| opening.case_ref == listed.case_ref).map(|opening| &opening.shown) {
        None => Finding::Mismatched,
        Some(Shown::Erased) => Finding::Erased,
        Some(Shown::Person(person)) => person.finding(owner, listed),
        Some(Shown::Dummy(secret)) => match sent_hash(secret, owner, &listed.case_ref, &[]) {
            Ok(hash) if hash == listed.element_hash => Finding::Matched,
            _ => Finding::Mismatched,
        },
    }
}

/// Counts one more finding.
pub const fn count(counts: &mut AuditCounts, finding: Finding) {
    counts.sampled += 1;
    match finding {
        Finding::Matched => counts.matched += 1,
        Finding::Mismatched => counts.mismatched += 1,
        Finding::Erased => counts.erased += 1,
        Finding::NotOnePerson => counts.not_one_person += 1,
    }
}

/// The input of a key by its label; its class is the letters of its parts.
fn input(owner: &MemberId, label: &Sensitive<String>) -> Vec<u8> {
    let letters: Vec<String> = label.expose().split('|').filter_map(|part| part.chars().next()).map(String::from).collect();
    key_input(&profile_id(), owner, &letters.join("|"), label.expose()).expose().clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Timestamp, UserId, cbor};
    use crate::person::PersonForm;
    use crate::person::record::Role;

    fn owner() -> MemberId {
        MemberId::new("KE").unwrap()
    }

    fn record(number: u32) -> PersonRecord {
        let form = PersonForm {
            given: format!("Shirin{number}").as_str().into(),
            family: "Barzanji".into(),
            father: "Rostam".into(),
            birth: "1984-03-12".into(),
            birth_place: "Herat".into(),
            note: "a note that no auditor needs".into(),
            legal_basis: "consent".into(),
            ..PersonForm::default()
        };
        form.into_record(Role::Sought, Timestamp(0), UserId::new("amina").unwrap()).unwrap()
    }

    fn labels(record: &PersonRecord) -> Vec<Sensitive<String>> {
        match_keys(&describe::of_record(record)).iter().map(|key| key.label().into()).collect()
    }

    fn asked(secret: [u8; 32], keys: &[Sensitive<String>]) -> AuditRef {
        let case_ref = CaseRef([5; 16]);
        let inputs: Vec<Vec<u8>> = keys.iter().map(|key| input(&owner(), key)).collect();
        let element_hash = sent_hash(&Sensitive::new(secret), &owner(), &case_ref, &inputs).unwrap();
        AuditRef { case_ref, element_hash }
    }

    fn shown(secret: [u8; 32], keys: Vec<Sensitive<String>>, record: &PersonRecord) -> Opening {
        let person = ShownPerson {
            secret: Sensitive::new(secret),
            keys,
            record: ShownPerson::reduced(record, Yields::Sought),
            yields: Yields::Sought,
        };
        Opening { case_ref: CaseRef([5; 16]), shown: Shown::Person(Box::new(person)) }
    }

    #[test]
    fn an_honest_opening_shows_one_person() {
        let record = record(1);
        let listed = asked([3; 32], &labels(&record));
        let opening = shown([3; 32], labels(&record), &record);
        assert_eq!(find(&owner(), &listed, Some(&opening)), Finding::Matched);
        // As it crosses to the auditor's program.
        let read: Opening = cbor::decode(&cbor::encode(&opening)).unwrap();
        assert_eq!(find(&owner(), &listed, Some(&read)), Finding::Matched);
    }

    #[test]
    fn one_key_of_each_of_48_people_is_not_one_person() {
        let keys: Vec<Sensitive<String>> = (0..48).filter_map(|number| labels(&record(number)).into_iter().next()).collect();
        assert_eq!(keys.len(), 48);
        let listed = asked([3; 32], &keys);
        let opening = shown([3; 32], keys, &record(0));
        assert_eq!(find(&owner(), &listed, Some(&opening)), Finding::NotOnePerson);
        // Showing the keys of one of them does not make the elements that were sent.
        let lie = shown([3; 32], labels(&record(0)), &record(0));
        assert_eq!(find(&owner(), &listed, Some(&lie)), Finding::Mismatched);
    }

    #[test]
    fn a_key_left_out_or_turned_is_not_the_profile() {
        let record = record(1);
        for change in [|keys: &mut Vec<_>| drop(keys.pop()), |keys: &mut Vec<_>| keys.swap(0, 1)] {
            let mut keys = labels(&record);
            change(&mut keys);
            let listed = asked([3; 32], &keys);
            assert_eq!(find(&owner(), &listed, Some(&shown([3; 32], keys, &record))), Finding::NotOnePerson);
        }
    }

    #[test]
    fn a_dummy_case_shows_that_nobody_was_asked_for() {
        let listed = asked([7; 32], &[]);
        let dummy = |secret| Opening { case_ref: CaseRef([5; 16]), shown: Shown::Dummy(Sensitive::new(secret)) };
        assert_eq!(find(&owner(), &listed, Some(&dummy([7; 32]))), Finding::Matched);
        assert_eq!(find(&owner(), &listed, Some(&dummy([8; 32]))), Finding::Mismatched);
        // A case with a person in it does not pass as a dummy.
        let real = asked([7; 32], &labels(&record(1)));
        assert_eq!(find(&owner(), &real, Some(&dummy([7; 32]))), Finding::Mismatched);
    }

    #[test]
    fn what_is_not_shown_or_was_erased_is_counted_apart() {
        let listed = asked([7; 32], &[]);
        let erased = Opening { case_ref: CaseRef([5; 16]), shown: Shown::Erased };
        let elsewhere = Opening { case_ref: CaseRef([6; 16]), shown: Shown::Erased };
        let mut counts = AuditCounts::default();
        for (opening, expected) in
            [(None, Finding::Mismatched), (Some(&erased), Finding::Erased), (Some(&elsewhere), Finding::Mismatched)]
        {
            let finding = find(&owner(), &listed, opening);
            assert_eq!(finding, expected);
            count(&mut counts, finding);
        }
        assert_eq!(counts, AuditCounts { sampled: 3, mismatched: 2, erased: 1, ..AuditCounts::default() });
    }

    #[test]
    fn an_opening_holds_nothing_that_yields_no_key() {
        let bytes = cbor::encode(&shown([3; 32], labels(&record(1)), &record(1)));
        assert!(!bytes.windows(6).any(|window| window == b"a note"));
    }
}
