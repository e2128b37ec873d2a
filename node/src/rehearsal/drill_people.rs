//! The drill's invented people: names put together from syllables of several scripts, the same for the same numbers.
//!
//! The drill's world calls it. A person depends only on its society's place and its own number, so that nothing is kept but
//! the numbers and a drill of any size can be repeated. Nobody in it exists; nothing of it was taken from real records.

use kinmesh_protocol::base::{MemberId, Sensitive, UserId};
use kinmesh_protocol::casework::describe;
use kinmesh_protocol::linkage::{MatchKey, match_keys};
use kinmesh_protocol::person::PersonForm;
use kinmesh_protocol::person::record::Role;

use crate::rehearsal::errors::RehearsalError;
use crate::rehearsal::network::USER;

/// Syllables, endings of family names, and places of one script.
struct Script {
    syllables: [&'static str; 16],
    endings: [&'static str; 4],
    places: [&'static str; 8],
}

const SCRIPTS: [Script; 3] = [
    Script {
        syllables: ["ma", "ri", "lo", "ne", "ka", "to", "sa", "vi", "da", "ju", "pe", "ro", "li", "za", "be", "gu"],
        endings: ["man", "ric", "sen", "tal"],
        places: ["Ortaven", "Belmura", "Kastoria Nova", "Dunevara", "Lomasel", "Rivanta", "Sorempa", "Tavidor"],
    },
    Script {
        syllables: ["ма", "ри", "ло", "не", "ка", "то", "са", "ви", "да", "ну", "пе", "ро", "ли", "за", "бе", "гу"],
        endings: ["енко", "чук", "ский", "ов"],
        places: ["Ортавень", "Бельмура", "Касторово", "Дуневара", "Ломасель", "Риванта", "Сорема", "Тавидор"],
    },
    Script {
        syllables: ["ما", "ري", "لو", "ني", "كا", "تو", "سا", "في", "دا", "جو", "بي", "رو", "لي", "زا", "نا", "حا"],
        endings: ["ان", "ير", "وي", "مي"],
        places: ["أورتافين", "بلمورة", "كستورية", "دونيفارة", "لوماسل", "ريفانتا", "سوريمبا", "تافيدور"],
    },
];

/// Number of the person at each society whose record the lost member may not learn of; the one before it, it may.
pub const HIDDEN: u64 = 1;

/// The place of the society, from 0, as its id.
///
/// # Errors
/// [`RehearsalError::Data`] if ids have another form.
pub fn member_at(place: usize) -> Result<MemberId, RehearsalError> {
    MemberId::new(&format!("S{:02}", place + 1)).map_err(|_| RehearsalError::Data { file: "a member id" })
}

/// The file number of a person.
#[must_use]
pub fn number_of(place: usize, number: u64) -> String {
    format!("{:02}-{number:06}", place + 1)
}

/// The person with a number at a society; `hidden_from` is who may not learn of number [`HIDDEN`].
#[must_use]
pub fn person(place: usize, number: u64, hidden_from: Option<&MemberId>) -> PersonForm {
    let mut dice = Dice(((place as u64) << 40) ^ number ^ 0x6b69_6e6d_6573_6821);
    // A society has people of two scripts.
    let script = (place + usize::from(dice.below(4) == 0)) % SCRIPTS.len();
    let Some(script) = SCRIPTS.get(script) else { return PersonForm::default() };
    let given = dice.name(script, 2);
    let family = dice.family(script);
    let year = 1935 + dice.below(85);
    let (month, day) = (1 + dice.below(12), 1 + dice.below(28));
    let mother = format!("{} {}", dice.name(script, 2), dice.family(script));
    let father = format!("{} {family}", dice.name(script, 2));
    PersonForm {
        id: Sensitive::new(number_of(place, number)),
        given: Sensitive::new(given),
        family: Sensitive::new(family),
        father: Sensitive::new(father),
        mother: Sensitive::new(mother),
        sex: if dice.below(2) == 0 { "female".into() } else { "male".into() },
        birth: Sensitive::new(format!("{year:04}-{month:02}-{day:02}")),
        birth_place: dice.pick(&script.places).into(),
        last_place: dice.pick(&script.places).into(),
        legal_basis: "consent".to_owned(),
        visible_to: match hidden_from {
            Some(member) if number == HIDDEN => format!("except:{member}"),
            _ => String::new(),
        },
        ..PersonForm::default()
    }
}

/// How a relative describes the person: without the file number, the father and the last place.
#[must_use]
pub fn sought(place: usize, number: u64) -> PersonForm {
    let known = person(place, number, None);
    PersonForm { id: "".into(), father: "".into(), last_place: "".into(), legal_basis: String::new(), ..known }
}

/// The match keys that a form yields.
///
/// # Errors
/// [`RehearsalError::Data`] if it is no person.
pub fn keys_of(form: PersonForm) -> Result<Vec<MatchKey>, RehearsalError> {
    let wrong = RehearsalError::Data { file: "an invented person" };
    let user = UserId::new(USER).map_err(|_| RehearsalError::Data { file: "the user's name" })?;
    let record = form.into_record(Role::Registered, kinmesh_protocol::base::Timestamp(0), user).map_err(|_| wrong)?;
    Ok(match_keys(&describe::of_record(&record)))
}

/// SplitMix64: even enough for names.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn pick<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        let place = usize::try_from(self.below(texts.len() as u64)).unwrap_or(0);
        texts.get(place).copied().unwrap_or_default()
    }

    fn name(&mut self, script: &Script, least: u64) -> String {
        let count = least + self.below(2);
        let syllables: String = (0..count).map(|_| self.pick(&script.syllables)).collect();
        let mut letters = syllables.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    fn family(&mut self, script: &Script) -> String {
        let name = self.name(script, 2);
        format!("{name}{}", self.pick(&script.endings))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn people_are_sound_different_and_the_same_again() {
        let mut seen = BTreeSet::new();
        for place in 0..3 {
            for number in 0..400 {
                let form = person(place, number, None);
                let shown = format!("{} {} {}", form.given.expose(), form.family.expose(), form.birth.expose());
                assert_eq!(person(place, number, None).given.expose(), form.given.expose());
                assert!(keys_of(form).unwrap().len() >= 10, "{shown}");
                seen.insert(shown);
            }
        }
        assert!(seen.len() >= 1_195, "{} different", seen.len());
    }

    #[test]
    fn a_relatives_description_shares_keys_with_the_record() {
        for place in 0..6 {
            let theirs: BTreeSet<_> = keys_of(person(place, 7, None)).unwrap().into_iter().collect();
            let mut described = sought(place, 7);
            described.legal_basis = "consent".to_owned();
            let shared = keys_of(described).unwrap().into_iter().filter(|key| theirs.contains(key)).count();
            assert!(shared >= 3, "{shared} at {place}");
        }
    }

    #[test]
    fn one_person_a_society_is_hidden_from_the_lost_member() {
        let lost = member_at(2).unwrap();
        assert_eq!(person(0, HIDDEN, Some(&lost)).visible_to, "except:S03");
        assert_eq!(person(0, HIDDEN + 1, Some(&lost)).visible_to, "");
    }
}
