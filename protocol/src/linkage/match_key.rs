//! Match keys: minimal conjunctions of parts that tell enough to be shared by few people (matching.md 4.3 to 4.5).
//!
//! `private_match` hashes the labels. Whether a conjunction is a key depends on its own content only, so two nodes that
//! agree on some parts agree on the key. At most 48 a record, in the order of the profile: likeliest to be shared first.
//! A key is strong against coincidence, not against guessing: a member with a guess can test it, which the evaluation
//! budget bounds and nothing here does.

use crate::base::Sensitive;
use crate::base::limits::{KEYS_A_RECORD, MENTION_KEYS};

use super::conjunctions::Conjunctions;
use super::fields::Fields;
use super::identifiers::identifiers;
use super::parts::Parts;

/// One key of a record. Not printed, wiped on drop.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatchKey {
    label: Sensitive<String>,
}

impl MatchKey {
    /// The key's text, for instance `g:alksndr|p:mrbl|d:19840312`: what the private match hashes.
    #[must_use]
    pub fn label(&self) -> &str {
        self.label.expose()
    }

    /// The letters of the labels, for instance `g|p|d`; the twins of a year band are one class (protocol.md 3.9).
    #[must_use]
    pub fn class(&self) -> String {
        let kinds = self.label.expose().split('|').filter_map(|label| label.chars().next());
        kinds.map(String::from).collect::<Vec<_>>().join("|")
    }
}

/// The keys of a description in profile order, 0 to 48. None: it says too little to be matched privately.
#[must_use]
pub fn match_keys(fields: &Fields) -> Vec<MatchKey> {
    let mut keys: Vec<MatchKey> = identifiers(fields).into_iter().map(|label| MatchKey { label }).collect();
    let others = Conjunctions::of(&Parts::of(fields)).ranked(KEYS_A_RECORD - keys.len());
    keys.extend(others.into_iter().map(|label| MatchKey { label: Sensitive::new(label) }));
    keys
}

/// The keys of a registered record, its own and those of the family members whom it names.
#[derive(Clone, Debug, Default)]
pub struct RecordKeys {
    /// At most 48: own keys in profile order, then those of mentions.
    pub keys: Vec<MatchKey>,
    /// For each of the last keys, the member that it describes, by its place among the mentions.
    pub mentions: Vec<u8>,
}

/// The keys of a record and its mentions within one cap. Own keys always have 36 places, mentions always 12; what one side
/// leaves free the other takes. Mentions take turns, so that a long family does not push out the first one named.
#[must_use]
pub fn record_keys(own: &Fields, mentions: &[Fields]) -> RecordKeys {
    let mut keys = match_keys(own);
    let lists: Vec<Vec<MatchKey>> = mentions.iter().take(usize::from(u8::MAX)).map(match_keys).collect();
    let mut mentioned: Vec<(MatchKey, u8)> = Vec::new();
    for turn in 0..KEYS_A_RECORD {
        for (list, member) in lists.iter().zip(0u8..) {
            if let Some(key) =
                list.get(turn).filter(|key| !keys.contains(key) && !mentioned.iter().any(|(other, _)| other == *key))
            {
                mentioned.push((key.clone(), member));
            }
        }
    }
    keys.truncate(KEYS_A_RECORD - mentioned.len().min(MENTION_KEYS));
    mentioned.truncate(KEYS_A_RECORD - keys.len());
    let (of_mentions, mentions): (Vec<MatchKey>, Vec<u8>) = mentioned.into_iter().unzip();
    keys.extend(of_mentions);
    RecordKeys { keys, mentions }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::fields::{BirthDate, PlaceKind, PlaceText};

    fn person(names: [&str; 4], birth: &str, place: &str) -> Fields {
        let [given, family, father, mother] = names.map(Into::into);
        let place = PlaceText { text: place.into(), kind: PlaceKind::Town };
        Fields { given, family, father, mother, birth: BirthDate::parse(birth), places: vec![place], ..Fields::default() }
    }

    fn shared(sought: &Fields, registered: &Fields) -> Vec<String> {
        let registered = match_keys(registered);
        let mut shared: Vec<_> = match_keys(sought).into_iter().filter(|key| registered.contains(key)).collect();
        shared.sort();
        shared.iter().map(|key| key.label().to_owned()).collect()
    }

    // matching.md 4.6
    #[test]
    fn a_year_off_by_one_and_a_mother_spelled_otherwise_still_share_keys() {
        let sought = person(["محمد", "أحمد علي", "أحمد", "فاطمة حسن"], "1990", "مقديشو");
        let registered = person(["Mohamed", "Ahmed Ali", "Ahmed Ali", "Fadumo Xasan"], "1991-01-01", "Mogadishu");
        assert_eq!(
            shared(&sought, &registered),
            ["f:amd|g:md|m:hsn|n:al|p:mkds|w0:497", "f:amd|g:md|m:hsn|n:al|p:mkds|w1:498", "f:amd|m:hsn|n:al|n:md|p:mkds|v0:995"]
        );
    }

    // matching.md 4.6
    #[test]
    fn day_and_month_swapped_are_the_same_date() {
        let sought = person(["Олександр", "Іванович Ковальчук", "", ""], "1984-03-12", "Маріуполь");
        let registered = person(["Oleksandr", "Kovalchuk", "", ""], "1984-12-03", "Mariupol");
        assert_eq!(
            shared(&sought, &registered),
            ["g:alksndr|p:mrbl|d:19840312", "n:alksndr|n:kflsk|p:mrbl|y:1984", "n:alksndr|n:kflsk|x:0312", "n:kflsk|d:19840312"]
        );
    }

    #[test]
    fn a_birth_that_may_be_two_years_shares_keys_with_a_record_of_either() {
        let either = BirthDate::parse("1990").zip(BirthDate::parse("1991")).map(|(first, second)| first.either(second));
        let rare = (["Oleksandr", "Kovalchuk", "", ""], "Mariupol", ["|v0:995", "|y:"]);
        let common = (["Mohamed", "Ahmed Ali", "Ahmed", "Fadumo Xasan"], "Mogadishu", ["|v0:995", "|w0:497"]);
        for (names, place, kinds) in [rare, common] {
            let sought = Fields { birth: either, ..person(names, "", place) };
            let keys = match_keys(&sought);
            assert!(keys.len() <= 48);
            for (at, key) in keys.iter().enumerate() {
                assert!(!keys[..at].contains(key) && !key.label().contains("|d:") && !key.label().contains("|x:"));
            }
            for year in ["1990", "1991-07-20"] {
                let shared = shared(&sought, &person(names, year, place));
                for kind in kinds {
                    assert!(shared.iter().any(|key| key.contains(kind)), "{year} {kind} {shared:?}");
                }
            }
            let far = shared(&sought, &person(names, "1984", place));
            assert!(far.iter().all(|key| !["|v", "|w", "|y"].iter().any(|year| key.contains(year))), "{far:?}");
        }
    }

    #[test]
    fn a_day_that_may_be_its_neighbour_shares_the_keys_of_both() {
        let names = ["Oleksandr", "Kovalchuk", "", ""];
        let either =
            BirthDate::parse("1990-07-24").zip(BirthDate::parse("1990-07-25")).map(|(first, second)| first.either(second));
        let sought = Fields { birth: either, ..person(names, "", "Mariupol") };
        for (day, kinds) in [("1990-07-24", "0724"), ("1990-07-25", "0725")] {
            let shared = shared(&sought, &person(names, day, "Mariupol"));
            assert!(shared.contains(&format!("n:kflsk|d:1990{kinds}")), "{shared:?}");
        }
    }

    #[test]
    fn a_class_is_the_letters_of_the_labels() {
        let class = |label: &str| MatchKey { label: label.into() }.class();
        assert_eq!(class("g:alksndr|p:mrbl|d:19840312"), "g|p|d");
        assert_eq!(class("f:amd|g:md|m:hsn|n:al|p:mkds|w0:497"), "f|g|m|n|p|w");
        assert_eq!(class("f:amd|g:md|m:hsn|n:al|p:mkds|w1:498"), "f|g|m|n|p|w");
    }

    #[test]
    fn a_name_alone_gives_no_key() {
        assert!(match_keys(&person(["Mohamed", "Ahmed", "", ""], "", "")).is_empty());
        assert!(match_keys(&Fields::default()).is_empty());
    }

    #[test]
    fn brothers_share_no_key_by_their_parents_alone() {
        let sought = person(["Yusuf", "Nasser Haddad", "Nasser", "Amina Barakat"], "1990", "Homs");
        let registered = person(["Bilal", "Nasser Haddad", "Nasser", "Amina Barakat"], "1993", "Homs");
        assert_eq!(shared(&sought, &registered), [""; 0]);
    }

    #[test]
    fn identifiers_come_before_all_other_keys_within_the_cap() {
        let mut one = person(["Mohamed", "Ahmed Ali", "Ahmed Ali", "Fadumo Xasan"], "1991-02-03", "Mogadishu");
        let without = match_keys(&one);
        assert_eq!(without.len(), KEYS_A_RECORD);
        one.phones = vec!["0615123456".into()];
        let with = match_keys(&one);
        assert_eq!((with.len(), with[0].label(), with[0].class()), (KEYS_A_RECORD, "t:15123456", "t".to_owned()));
        assert_eq!(with[1..], without[..47]);
    }

    #[test]
    fn the_same_telephone_is_a_shared_key_whatever_the_names() {
        let mut sought = person(["Nimco", "Warsame", "", ""], "1991", "Baydhabo");
        let mut registered = person(["Олена", "Шевчук", "", ""], "1950", "Суми");
        sought.phones = vec!["+252 61 512 34 56".into()];
        registered.phones = vec!["0615123456".into()];
        assert_eq!(shared(&sought, &registered), ["t:15123456"]);
    }

    #[test]
    fn mentions_share_the_cap_and_take_what_is_free() {
        let own = person(["Mohamed", "Ahmed Ali", "Ahmed Ali", "Fadumo Xasan"], "1991-02-03", "Mogadishu");
        let mother = person(["Fadumo", "Xasan Warsame", "", ""], "1961", "Mogadishu");
        let brother = person(["Liban", "Ahmed Ali", "Ahmed Ali", "Fadumo Xasan"], "1995", "Mogadishu");
        let all = record_keys(&own, &[mother.clone(), brother.clone()]);
        assert_eq!((all.keys.len(), all.mentions.len()), (48, 12));
        assert_eq!(all.keys[..36], match_keys(&own)[..36]);
        assert_eq!(all.mentions[..4], [0, 1, 0, 1]);
        assert!(match_keys(&mother).contains(&all.keys[36]));

        let few = person(["Mohamed", "Ahmed", "", ""], "", "");
        let free = record_keys(&few, &[brother]);
        assert_eq!((free.keys.len(), free.mentions.len()), (48, 48));
        assert_eq!(record_keys(&own, &[]).keys, match_keys(&own));
    }

    #[test]
    fn a_key_of_two_descriptions_is_the_records_own() {
        let own = person(["Mohamed", "Ahmed Ali", "Ahmed Ali", "Fadumo Xasan"], "1991-02-03", "Mogadishu");
        let all = record_keys(&own, core::slice::from_ref(&own));
        assert_eq!((all.keys.len(), all.mentions.len()), (48, 0));
    }

    #[test]
    fn a_key_does_not_print() {
        let keys = match_keys(&person(["Oleksandr", "Kovalchuk", "", ""], "1984-12-03", "Mariupol"));
        assert!(!keys.is_empty());
        assert!(!format!("{keys:?}").contains("kflsk"));
    }
}
