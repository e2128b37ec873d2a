//! How well the profile does on a labelled population: recall, strangers and kin a query (matching.md 6, "One hit or
//! two").
//!
//! For societies that weigh the profile against their own kind of names, and for the guard that a change of the code
//! does not cost recall. It answers with counts and holds no description; the network, the budgets and the second stage
//! take no part.

use std::collections::{BTreeMap, BTreeSet};

use super::fields::Fields;
use super::match_key::match_keys;

/// A description whose person is known, so that a hit can be judged.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The person: a sought entry is found when a registered entry of the same person shares a key.
    pub person: u64,
    /// The household: hits between members of one household are kin, others are strangers.
    pub household: u64,
    /// The description.
    pub fields: Fields,
}

/// Whether the owner leaves out the keys that several of its households carry (matching.md 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerCut {
    /// Every key stays.
    None,
    /// A key that more than one household carries is left out.
    Households,
}

/// Counts over all queries. Divide by [`Evaluation::queries`] for the figures of matching.md.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// Sought entries.
    pub queries: u64,
    /// Registered entries.
    pub registered: u64,
    /// Queries whose own record shares a key: the recall.
    pub found: u64,
    /// Queries whose own record shares two keys or more.
    pub found_twice: u64,
    /// Queries whose own record shares keys of two classes or more.
    pub found_two_classes: u64,
    /// Records of strangers that share a key, over all queries.
    pub strangers: u64,
    /// Records of strangers that share two keys or more.
    pub strangers_twice: u64,
    /// Records of the person's household that share a key.
    pub kin: u64,
    /// Records of the person's household that share two keys or more.
    pub kin_twice: u64,
    /// Sought entries without a key.
    pub queries_without_key: u64,
    /// Registered entries without a key.
    pub registered_without_key: u64,
    /// Keys of all sought entries together.
    pub query_keys: u64,
    /// Keys of all registered entries together.
    pub registered_keys: u64,
    /// Keys of the registered entry that has the most.
    pub registered_most_keys: u64,
    /// Distinct keys asked for that the owner's cut leaves out.
    pub keys_cut: u64,
}

/// What is known of one key that is asked for.
#[derive(Default)]
struct Asked {
    queries: Vec<usize>,
    class: String,
    carriers: Vec<usize>,
    households: BTreeSet<u64>,
}

/// A registered entry as it is judged: person and household.
type Judged = (u64, u64);

/// Runs every sought entry against all registered ones, one at a time, so that the registered may be many.
pub fn evaluate(sought: &[Entry], registered: impl IntoIterator<Item = Entry>, cut: OwnerCut) -> Evaluation {
    let mut totals = Evaluation::default();
    let mut asked = ask(sought, &mut totals);
    let judged = register(registered, &mut asked, &mut totals);
    let mut hits: Vec<BTreeMap<usize, Vec<&str>>> = sought.iter().map(|_| BTreeMap::new()).collect();
    for key in asked.values() {
        if cut == OwnerCut::Households && key.households.len() > 1 {
            totals.keys_cut += 1;
            continue;
        }
        for query in &key.queries {
            let Some(hits) = hits.get_mut(*query) else { continue };
            for carrier in &key.carriers {
                hits.entry(*carrier).or_default().push(&key.class);
            }
        }
    }
    for (query, hits) in sought.iter().zip(&hits) {
        judge(query, hits, &judged, &mut totals);
    }
    totals
}

fn ask(sought: &[Entry], totals: &mut Evaluation) -> BTreeMap<String, Asked> {
    let mut asked: BTreeMap<String, Asked> = BTreeMap::new();
    for (query, entry) in sought.iter().enumerate() {
        let keys = match_keys(&entry.fields);
        totals.queries += 1;
        totals.queries_without_key += u64::from(keys.is_empty());
        totals.query_keys += keys.len() as u64;
        for key in keys {
            let asked = asked.entry(key.label().to_owned()).or_default();
            asked.class = key.class();
            asked.queries.push(query);
        }
    }
    asked
}

fn register(
    registered: impl IntoIterator<Item = Entry>,
    asked: &mut BTreeMap<String, Asked>,
    totals: &mut Evaluation,
) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (carrier, entry) in registered.into_iter().enumerate() {
        let keys = match_keys(&entry.fields);
        totals.registered += 1;
        totals.registered_without_key += u64::from(keys.is_empty());
        totals.registered_keys += keys.len() as u64;
        totals.registered_most_keys = totals.registered_most_keys.max(keys.len() as u64);
        for key in keys {
            if let Some(asked) = asked.get_mut(key.label()) {
                asked.carriers.push(carrier);
                asked.households.insert(entry.household);
            }
        }
        judged.push((entry.person, entry.household));
    }
    judged
}

fn judge(query: &Entry, hits: &BTreeMap<usize, Vec<&str>>, judged: &[Judged], totals: &mut Evaluation) {
    let (mut most, mut most_classes) = (0, 0);
    for (carrier, classes) in hits {
        let Some((person, household)) = judged.get(*carrier) else { continue };
        let twice = u64::from(classes.len() > 1);
        if *person == query.person {
            most = most.max(classes.len());
            most_classes = most_classes.max(classes.iter().collect::<BTreeSet<_>>().len());
        } else if *household == query.household {
            totals.kin += 1;
            totals.kin_twice += twice;
        } else {
            totals.strangers += 1;
            totals.strangers_twice += twice;
        }
    }
    totals.found += u64::from(most > 0);
    totals.found_twice += u64::from(most > 1);
    totals.found_two_classes += u64::from(most_classes > 1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::fields::{BirthDate, PlaceKind, PlaceText};

    fn entry(person: u64, household: u64, given: &str, family: &str, birth: &str, place: &str) -> Entry {
        let place = PlaceText { text: place.into(), kind: PlaceKind::Town };
        let fields = Fields {
            given: given.into(),
            family: family.into(),
            birth: BirthDate::parse(birth),
            places: vec![place],
            ..Fields::default()
        };
        Entry { person, household, fields }
    }

    #[test]
    fn a_hit_is_judged_by_person_and_household() {
        let sought = [
            entry(1, 1, "Олександр", "Ковальчук", "1984-03-12", "Маріуполь"),
            entry(9, 9, "Bilal", "Nasser", "1990-05-07", "Homs"),
        ];
        let registered = || {
            vec![
                entry(1, 1, "Oleksandr", "Kovalchuk", "1984-12-03", "Mariupol"),
                entry(2, 1, "Olena", "Kovalchuk", "1984-03-12", "Mariupol"),
                entry(3, 3, "Aleksandr", "Kovalchuk", "1984-03-12", "Kyiv"),
            ]
        };
        let all = evaluate(&sought, registered(), OwnerCut::None);
        assert_eq!((all.queries, all.registered, all.found, all.found_twice, all.found_two_classes), (2, 3, 1, 1, 1));
        assert_eq!((all.strangers, all.kin, all.keys_cut), (1, 1, 0));
        let cut = evaluate(&sought, registered(), OwnerCut::Households);
        assert!(cut.keys_cut > 0);
        assert_eq!((cut.found, cut.strangers), (1, 0));
    }
}
