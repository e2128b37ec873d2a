//! Whether two own records are one person: what the node found, what an operator decided.
//!
//! `engine` writes and reads these rows. They hold ids, a score and who decided, never a value of a record, and lie under
//! the service root, so that a locked node knows which pairs are settled. Both records stay whatever is decided: every
//! decision can be undone.

use minicbor::{Decode, Encode};

use crate::base::{PersonId, Timestamp, UserId};
use crate::linkage::{Band, ComparedField, Comparison, FieldVerdict, Reason};

/// Where a pair stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum LinkState {
    /// The node takes them for one person; nobody has decided.
    #[n(1)]
    Proposed,
    /// An operator says that they are one person.
    #[n(2)]
    Merged {
        /// The record that is shown; the other one is "the same person as" it.
        #[n(0)]
        shown: PersonId,
    },
    /// Two people, says the comparison or an operator.
    #[n(3)]
    Different,
}

impl LinkState {
    /// The word for screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            LinkState::Proposed => "proposed",
            LinkState::Merged { .. } => "merged",
            LinkState::Different => "different",
        }
    }

    /// True if the two count as one person.
    #[must_use]
    pub const fn is_linked(self) -> bool {
        !matches!(self, LinkState::Different)
    }
}

/// What is known of a pair; the smaller id first.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct DuplicateLink {
    /// Where it stands.
    #[n(1)]
    pub state: LinkState,
    /// Score of the comparison, in thousandths of a bit.
    #[n(2)]
    pub score_milli: i64,
    /// When it came to stand there.
    #[n(3)]
    pub at: Timestamp,
    /// Who decided; none for the node.
    #[n(4)]
    pub by: Option<UserId>,
    /// Revision of the first record that was compared.
    #[n(5)]
    pub first_revision: u32,
    /// Revision of the second record that was compared.
    #[n(6)]
    pub second_revision: u32,
}
crate::record!(DuplicateLink, (PersonId, PersonId), Index, 6, Service);

impl DuplicateLink {
    /// True if nothing is to be asked again: an operator merged the pair, or neither record changed since.
    #[must_use]
    pub const fn is_settled(&self, first_revision: u32, second_revision: u32) -> bool {
        matches!(self.state, LinkState::Merged { .. })
            || (self.first_revision == first_revision && self.second_revision == second_revision)
    }
}

/// A record that an operator merged into another.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct MergedRow {
    /// The record that is shown in its place.
    #[n(1)]
    pub shown: PersonId,
}
crate::record!(MergedRow, PersonId, Index, 7, Service);

/// Pairs by where they stand, so that no tree is walked for a screen.
#[derive(Clone, Debug, Default, Encode, Decode)]
#[cbor(map)]
pub struct DuplicateCounts {
    /// Pairs that were not compared yet.
    #[n(1)]
    pub suspects: u64,
    /// Pairs that wait for an operator.
    #[n(2)]
    pub proposed: u64,
}
crate::record!(DuplicateCounts, (), Own, 12, Service);

/// The key of a pair: the smaller id first.
#[must_use]
pub fn pair(a: PersonId, b: PersonId) -> (PersonId, PersonId) {
    if a <= b { (a, b) } else { (b, a) }
}

/// Whether a comparison is enough to take two own records for one person: the band `likely`, and the same given name as far
/// as its sound tells, and neither the date of birth nor the sex speaks against it. Brothers, sisters and twins share
/// everything else, so a given name that is only similar (Jamal and Kamal), stands elsewhere or is missing is not enough,
/// whatever the score; and names of one sound (Muhammad and Mahdi) need the date.
#[must_use]
pub fn is_duplicate(comparison: &Comparison) -> bool {
    comparison.band == Band::Likely
        && !comparison.possible_relative
        && comparison.fields.iter().all(|found| match found.field {
            ComparedField::Given => matches!(found.reason, Reason::Same | Reason::OtherScript | Reason::OtherSpelling),
            ComparedField::Birth | ComparedField::Sex => found.verdict != FieldVerdict::Mismatch,
            ComparedField::OwnNames | ComparedField::Father | ComparedField::Mother | ComparedField::Place => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linkage::{BirthDate, Fields, PlaceKind, PlaceText, Sex, compare};

    fn person(names: [&str; 4], birth: &str, sex: Option<Sex>) -> Fields {
        let [given, family, father, mother] = names.map(Into::into);
        let places = vec![PlaceText { text: "Buthidaung".into(), kind: PlaceKind::Town }];
        Fields { given, family, father, mother, birth: BirthDate::parse(birth), places, sex, ..Fields::default() }
    }

    #[test]
    fn the_same_person_in_two_spellings_is_a_duplicate() {
        let pairs = [
            (["Nur", "Kamal", "Kamal Hossain", "Rahima"], ["Noor", "Kamal", "Kamal Hossain", "Rahima"]),
            (["محمد", "أحمد علي", "أحمد", "فاطمة حسن"], ["Mohamed", "Ahmed Ali", "Ahmed", "Fadumo Xasan"]),
            (["Олена", "Шевчук", "", "Марія"], ["Olena", "Shevchuk", "", "Maria"]),
        ];
        for (one, other) in pairs {
            let (one, other) = (person(one, "1990-05-07", None), person(other, "1990-07-05", None));
            assert!(is_duplicate(&compare(&one, &other)));
        }
    }

    #[test]
    fn brothers_sisters_and_twins_with_other_given_names_never_are() {
        let boy = Some(Sex::Male);
        let one = person(["Rahim", "Ullah", "Kamal Hossain", "Fatema Begum"], "2001-03-12", boy);
        for (given, birth) in
            [("Jamal", "2001-03-12"), ("Kamal", "2001-03-12"), ("Karim", "2001-03-12"), ("Nur", "2003-03-12"), ("Salim", "2001")]
        {
            let other = person([given, "Ullah", "Kamal Hossain", "Fatema Begum"], birth, boy);
            let comparison = compare(&one, &other);
            assert!(!is_duplicate(&comparison), "{given} {birth}: {}", comparison.score_milli);
        }
        let twin = compare(&one, &person(["Karim", "Ullah", "Kamal Hossain", "Fatema Begum"], "2001-03-12", boy));
        assert!(twin.possible_relative && twin.band == Band::Likely, "twins score high enough: only the given name tells");
    }

    #[test]
    fn brothers_whose_names_sound_alike_are_told_apart_by_the_date() {
        let khartoum = || vec![PlaceText { text: "الخرطوم".into(), kind: PlaceKind::Town }];
        let brother = |given, birth| Fields {
            places: khartoum(),
            ..person([given, "طارق غسان", "طارق", ""], birth, Some(Sex::Male))
        };
        let (one, brother) = (brother("محمد", "1957-02-21"), brother("مهدي", "1954-12-20"));
        let comparison = compare(&one, &brother);
        assert!(comparison.band == Band::Likely, "{}", comparison.score_milli);
        assert!(!is_duplicate(&comparison));
    }

    #[test]
    fn a_twin_without_recorded_parents_or_without_a_given_name_is_not_one_either() {
        let one = person(["Rahim", "Hossain Chowdhury", "", ""], "2001-03-12", Some(Sex::Male));
        let twin = person(["Jamal", "Hossain Chowdhury", "", ""], "2001-03-12", Some(Sex::Male));
        let nameless = person(["", "Hossain Chowdhury", "", ""], "2001-03-12", Some(Sex::Male));
        assert!(!is_duplicate(&compare(&one, &twin)));
        assert!(!is_duplicate(&compare(&one, &nameless)));
    }

    #[test]
    fn a_decision_holds_until_a_record_changes() {
        let mut link = DuplicateLink {
            state: LinkState::Different,
            score_milli: 30_000,
            at: Timestamp(0),
            by: None,
            first_revision: 1,
            second_revision: 4,
        };
        assert!(link.is_settled(1, 4) && !link.is_settled(2, 4) && !link.is_settled(1, 5));
        link.state = LinkState::Merged { shown: PersonId([1; 16]) };
        assert!(link.is_settled(2, 5));
    }
}
