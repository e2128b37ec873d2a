//! Family members whom a record names: described without a record of their own, each matched as a mention.
//!
//! `form` makes them, `casework` describes them for keys and for the second stage, `person show` prints them. A member is
//! described with what the record says of both: the parents of a brother are the record's own, a child has the person
//! of the record as father or mother, and all were last known where the record was.

use minicbor::{Decode, Encode};

use crate::base::{PersonId, Sensitive};
use crate::person::dates::ApproxDate;
use crate::person::names::{PersonName, Sex};
use crate::person::record::PersonRecord;
use crate::person::share::{Field, attributes};

/// What a family member is to the person of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Relation {
    /// Mother.
    #[n(1)]
    Mother,
    /// Father.
    #[n(2)]
    Father,
    /// Daughter.
    #[n(3)]
    Daughter,
    /// Son.
    #[n(4)]
    Son,
    /// Sister.
    #[n(5)]
    Sister,
    /// Brother.
    #[n(6)]
    Brother,
    /// Grandmother.
    #[n(7)]
    Grandmother,
    /// Grandfather.
    #[n(8)]
    Grandfather,
    /// Grandchild.
    #[n(9)]
    Grandchild,
    /// Aunt.
    #[n(10)]
    Aunt,
    /// Uncle.
    #[n(11)]
    Uncle,
    /// Niece.
    #[n(12)]
    Niece,
    /// Nephew.
    #[n(13)]
    Nephew,
    /// Cousin.
    #[n(14)]
    Cousin,
    /// Wife.
    #[n(15)]
    Wife,
    /// Husband.
    #[n(16)]
    Husband,
    /// Partner.
    #[n(17)]
    Partner,
    /// Relative of the wife, husband or partner.
    #[n(18)]
    InLaw,
    /// Step-parent, step-child, step-sister or step-brother.
    #[n(19)]
    Step,
    /// Who has care of the person.
    #[n(20)]
    Guardian,
    /// Of whom the person has care.
    #[n(21)]
    Ward,
    /// Another member of the family.
    #[n(22)]
    OtherFamily,
    /// Somebody close who is no family.
    #[n(23)]
    Other,
}

impl Relation {
    const WORDS: [(&'static str, Relation); 23] = [
        ("mother", Relation::Mother),
        ("father", Relation::Father),
        ("daughter", Relation::Daughter),
        ("son", Relation::Son),
        ("sister", Relation::Sister),
        ("brother", Relation::Brother),
        ("grandmother", Relation::Grandmother),
        ("grandfather", Relation::Grandfather),
        ("grandchild", Relation::Grandchild),
        ("aunt", Relation::Aunt),
        ("uncle", Relation::Uncle),
        ("niece", Relation::Niece),
        ("nephew", Relation::Nephew),
        ("cousin", Relation::Cousin),
        ("wife", Relation::Wife),
        ("husband", Relation::Husband),
        ("partner", Relation::Partner),
        ("in_law", Relation::InLaw),
        ("step", Relation::Step),
        ("guardian", Relation::Guardian),
        ("ward", Relation::Ward),
        ("other_family", Relation::OtherFamily),
        ("other", Relation::Other),
    ];

    /// Reads a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.trim().to_lowercase().replace([' ', '-'], "_");
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, relation)| *relation)
    }

    /// The word of forms and screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, relation)| *relation == self).map_or("other", |(word, _)| word)
    }

    /// The sex that the word itself tells.
    #[must_use]
    pub const fn sex(self) -> Sex {
        match self {
            Relation::Mother
            | Relation::Daughter
            | Relation::Sister
            | Relation::Grandmother
            | Relation::Aunt
            | Relation::Niece
            | Relation::Wife => Sex::Female,
            Relation::Father
            | Relation::Son
            | Relation::Brother
            | Relation::Grandfather
            | Relation::Uncle
            | Relation::Nephew
            | Relation::Husband => Sex::Male,
            _ => Sex::Unknown,
        }
    }
}

/// What is known of somebody's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Default)]
#[cbor(index_only)]
pub enum Vital {
    /// Nothing was said.
    #[default]
    #[n(1)]
    Unknown,
    /// Alive.
    #[n(2)]
    Alive,
    /// Believed to be alive.
    #[n(3)]
    BelievedAlive,
    /// Believed to be missing.
    #[n(4)]
    BelievedMissing,
    /// Believed to be dead.
    #[n(5)]
    BelievedDead,
    /// Dead.
    #[n(6)]
    Dead,
}

impl Vital {
    const WORDS: [(&'static str, Vital); 6] = [
        ("unknown", Vital::Unknown),
        ("alive", Vital::Alive),
        ("believed_alive", Vital::BelievedAlive),
        ("believed_missing", Vital::BelievedMissing),
        ("believed_dead", Vital::BelievedDead),
        ("dead", Vital::Dead),
    ];

    /// Reads a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.trim().to_lowercase().replace([' ', '-'], "_");
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, vital)| *vital)
    }

    /// The word of forms and screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, vital)| *vital == self).map_or("unknown", |(word, _)| word)
    }
}

/// One family member as the person of the record told of them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FamilyMember {
    /// What the member is to the person of the record.
    #[n(1)]
    pub relation: Relation,
    /// Given name.
    #[n(2)]
    pub given: Sensitive<String>,
    /// Family name with whatever other parts.
    #[n(3)]
    pub family: Sensitive<String>,
    /// Sex, by word or by relation.
    #[n(4)]
    pub sex: Sex,
    /// Birth.
    #[n(5)]
    pub birth: Option<Sensitive<ApproxDate>>,
    /// Whether the member lives, as far as the person knew.
    #[n(6)]
    pub vital: Vital,
    /// Own record of this node about the same person.
    #[n(7)]
    pub person: Option<PersonId>,
}

impl FamilyMember {
    /// The whole name.
    #[must_use]
    pub fn name(&self) -> Sensitive<String> {
        joined(&[self.given.expose(), self.family.expose()])
    }

    /// One line for screens, without the relation.
    #[must_use]
    pub fn line(&self) -> Sensitive<String> {
        let mut line = self.name();
        let born = self.birth.as_ref().map(|date| date.expose().as_written());
        let vital = (self.vital != Vital::Unknown).then(|| self.vital.word().to_owned());
        let record = self.person.map(|person| person.to_string());
        let details: Vec<String> = [born, vital, record].into_iter().flatten().collect();
        if !details.is_empty() {
            line.expose_mut().push_str(&format!(" ({})", details.join(", ")));
        }
        line
    }

    /// The fields of the member as if it were a record, for keys and for the comparison with a claim's attributes.
    #[must_use]
    pub fn described(&self, record: &PersonRecord) -> Vec<(Field, Sensitive<String>)> {
        let own = record.name().map_or_else(Sensitive::default, PersonName::full);
        let (father, mother) = match (self.relation, record.sex) {
            (Relation::Brother | Relation::Sister, _) => (record.father.clone(), record.mother.clone()),
            (Relation::Son | Relation::Daughter, Sex::Male) => (own, Sensitive::default()),
            (Relation::Son | Relation::Daughter, Sex::Female) => (Sensitive::default(), own),
            _ => (Sensitive::default(), Sensitive::default()),
        };
        let sex = match self.sex {
            Sex::Female => "female",
            Sex::Male => "male",
            Sex::Other => "other",
            Sex::Unknown => "",
        };
        let birth = self.birth.as_ref().map_or_else(Sensitive::default, |date| Sensitive::new(date.expose().as_written()));
        let mut fields = vec![
            (Field::Given, self.given.clone()),
            (Field::Family, self.family.clone()),
            (Field::Father, father),
            (Field::Mother, mother),
            (Field::Sex, Sensitive::from(sex)),
            (Field::Birth, birth),
        ];
        let is_place = |(field, _): &(Field, Sensitive<String>)| matches!(field, Field::BirthPlace | Field::LastPlace);
        fields.extend(attributes(record).into_iter().filter(is_place));
        fields.retain(|(_, value)| !value.expose().is_empty());
        fields
    }
}

fn joined(parts: &[&String]) -> Sensitive<String> {
    let parts: Vec<&str> = parts.iter().map(|part| part.as_str()).filter(|part| !part.is_empty()).collect();
    Sensitive::new(parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Timestamp, UserId};
    use crate::person::PersonForm;
    use crate::person::record::Role;

    fn described(sex: &str, family_members: &str) -> Vec<(Field, String)> {
        let form = PersonForm {
            given: "Nimco".into(),
            family: "Cali Warsame".into(),
            father: "Cali Warsame".into(),
            mother: "Fadumo Xasan".into(),
            sex: sex.into(),
            last_place: "Baydhabo".into(),
            family_members: crate::person::FamilyForm::read_list(family_members),
            legal_basis: "consent".to_owned(),
            ..PersonForm::default()
        };
        let record = form.into_record(Role::Registered, Timestamp(0), UserId::new("amina").unwrap()).unwrap();
        let described = record.family.first().unwrap().described(&record);
        described.into_iter().map(|(field, value)| (field, value.into_exposed())).collect()
    }

    #[test]
    fn a_sister_has_the_parents_of_the_record() {
        let sister = described("f", "sister: Sahra (2001)");
        assert!(sister.contains(&(Field::Father, "Cali Warsame".to_owned())));
        assert!(sister.contains(&(Field::Mother, "Fadumo Xasan".to_owned())));
        assert!(sister.contains(&(Field::Sex, "female".to_owned())));
        assert!(sister.contains(&(Field::LastPlace, "Baydhabo".to_owned())));
    }

    #[test]
    fn a_child_has_the_person_as_father_or_mother_by_sex() {
        let own = "Nimco Cali Warsame".to_owned();
        assert!(described("f", "son: Liban Maxamed").contains(&(Field::Mother, own.clone())));
        assert!(described("m", "son: Liban Nimco").contains(&(Field::Father, own.clone())));
        let parents = described("", "son: Liban");
        assert!(!parents.iter().any(|(field, _)| matches!(field, Field::Father | Field::Mother)));
    }

    #[test]
    fn a_mother_has_no_parents_of_the_record() {
        let mother = described("f", "mother: Fadumo Xasan (~1961)");
        assert!(!mother.iter().any(|(field, _)| matches!(field, Field::Father | Field::Mother)));
        assert!(mother.contains(&(Field::Birth, "~1961".to_owned())));
    }

    #[test]
    fn words_lead_back_to_their_meaning() {
        for (word, relation) in Relation::WORDS {
            assert_eq!((Relation::parse(word), relation.word()), (Some(relation), word));
        }
        for (word, vital) in Vital::WORDS {
            assert_eq!((Vital::parse(word), vital.word()), (Some(vital), word));
        }
        assert_eq!(Relation::parse("In-law"), Some(Relation::InLaw));
        assert_eq!(Relation::parse("neighbour"), None);
    }
}
