//! Family members as typed: fields of a form, or the notation of one cell.
//!
//! `form` checks them and makes [`FamilyMember`]s. The notation of a cell is
//! `mother: Fadumo Xasan (1961) | brother: Maxamed Nuur / Cali (m, ~1990, believed_missing)`: `|` between members, the
//! relation before the colon, the first word (or what stands before `/`) is the given name, details in brackets. What it
//! cannot read is kept in the field that it looks most like, so that the check names it.

use serde::{Deserialize, Serialize};

use crate::base::sensitive::reveal;
use crate::base::{PersonId, Sensitive};
use crate::person::dates::ApproxDate;
use crate::person::family::{FamilyMember, Relation, Vital};
use crate::person::form::{FormError, FormProblem, read_sex, trimmed, wrong};
use crate::person::names::Sex;

/// The fields of one family member as texts; relation and one of the names are needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FamilyForm {
    /// What the member is to the person: `mother`, `brother`, `daughter`, ...
    #[serde(with = "reveal")]
    pub relation: Sensitive<String>,
    /// Given name.
    #[serde(with = "reveal")]
    pub given: Sensitive<String>,
    /// Family name, with whatever other parts.
    #[serde(with = "reveal")]
    pub family: Sensitive<String>,
    /// `f`, `m`, `x` or empty for what the relation says.
    #[serde(with = "reveal")]
    pub sex: Sensitive<String>,
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, `~` in front for an estimate.
    #[serde(with = "reveal")]
    pub birth: Sensitive<String>,
    /// `alive`, `believed_alive`, `believed_missing`, `believed_dead`, `dead`, or empty.
    #[serde(with = "reveal")]
    pub vital: Sensitive<String>,
    /// The whole id of an own record of the same person, or empty.
    #[serde(with = "reveal")]
    pub person: Sensitive<String>,
}

impl FamilyForm {
    /// Reads the notation of one cell. Never fails: what is wrong shows in the check of the form.
    #[must_use]
    pub fn read_list(cell: &str) -> Vec<Self> {
        cell.split('|').map(str::trim).filter(|entry| !entry.is_empty()).map(Self::read).collect()
    }

    fn read(entry: &str) -> Self {
        let (relation, rest) = entry.split_once(':').unwrap_or(("", entry));
        let (names, details) = match rest.split_once('(') {
            Some((names, details)) => (names.trim(), details.trim().trim_end_matches(')')),
            None => (rest.trim(), ""),
        };
        let (given, family) = names.split_once('/').or_else(|| names.split_once(char::is_whitespace)).unwrap_or((names, ""));
        let mut form = Self {
            relation: relation.trim().into(),
            given: given.trim().into(),
            family: family.trim().into(),
            ..Self::default()
        };
        for detail in details.split(',').map(str::trim).filter(|detail| !detail.is_empty()) {
            form.put_detail(detail);
        }
        form
    }

    fn put_detail(&mut self, detail: &str) {
        if read_sex(detail).is_ok() {
            self.sex = detail.into();
        } else if Vital::parse(detail).is_some() {
            self.vital = detail.into();
        } else if detail.starts_with("P-") {
            self.person = detail.into();
        } else {
            // A second date makes the field unreadable, which the check then says.
            self.birth.expose_mut().push_str(detail);
        }
    }

    /// Texts with their names, for the checks that every text of a form goes through.
    pub(super) fn texts(&self) -> [(&'static str, &str); 7] {
        [
            ("relation", self.relation.expose()),
            ("given", self.given.expose()),
            ("family", self.family.expose()),
            ("sex", self.sex.expose()),
            ("birth", self.birth.expose()),
            ("vital", self.vital.expose()),
            ("person", self.person.expose()),
        ]
    }

    /// Checks the fields and makes the member.
    pub(super) fn member(&self) -> Result<FamilyMember, FormError> {
        if self.relation.expose().trim().is_empty() {
            return Err(wrong("relation", FormProblem::Missing));
        }
        let relation = Relation::parse(self.relation.expose()).ok_or_else(|| wrong("relation", FormProblem::Word))?;
        let (given, family) = (trimmed(&self.given), trimmed(&self.family));
        if given.expose().is_empty() && family.expose().is_empty() {
            return Err(wrong("given", FormProblem::Missing));
        }
        let birth = match self.birth.expose().trim() {
            "" => None,
            text => Some(ApproxDate::parse(text).map(Sensitive::new).ok_or_else(|| wrong("birth", FormProblem::Date))?),
        };
        let sex = match read_sex(self.sex.expose())? {
            Sex::Unknown => relation.sex(),
            sex => sex,
        };
        let vital = match self.vital.expose().trim() {
            "" => Vital::Unknown,
            word => Vital::parse(word).ok_or_else(|| wrong("vital", FormProblem::Word))?,
        };
        let person = match self.person.expose().trim() {
            "" => None,
            id => Some(id.parse::<PersonId>().map_err(|_| wrong("person", FormProblem::Record))?),
        };
        Ok(FamilyMember { relation, given, family, sex, birth, vital, person })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_names_several_members() {
        let id = PersonId([3; 16]).to_string();
        let cell =
            format!("mother: Fadumo Xasan (1961) | Brother: Maxamed Nuur / Cali (m, ~1990, believed_missing, {id}) | son: Али");
        let members: Vec<FamilyMember> = FamilyForm::read_list(&cell).iter().map(|form| form.member().unwrap()).collect();
        let [mother, brother, son] = members.as_slice() else { panic!("{}", members.len()) };
        assert_eq!((mother.relation, mother.sex), (Relation::Mother, Sex::Female));
        assert_eq!((mother.given.expose().as_str(), mother.family.expose().as_str()), ("Fadumo", "Xasan"));
        assert_eq!(mother.birth.as_ref().unwrap().expose().year, 1961);
        assert_eq!((brother.given.expose().as_str(), brother.family.expose().as_str()), ("Maxamed Nuur", "Cali"));
        assert_eq!((brother.vital, brother.person), (Vital::BelievedMissing, Some(PersonId([3; 16]))));
        assert_eq!((son.given.expose().as_str(), son.family.expose().as_str()), ("Али", ""));
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_field_and_not_repeated() {
        let problem = |cell: &str| {
            let error = FamilyForm::read_list(cell).first().unwrap().member().unwrap_err();
            assert!(!error.to_string().contains("Xasan"));
            (error.field, error.problem)
        };
        assert_eq!(problem("Fadumo Xasan"), ("relation".to_owned(), FormProblem::Missing));
        assert_eq!(problem("neighbour: Xasan"), ("relation".to_owned(), FormProblem::Word));
        assert_eq!(problem("mother: (1961)"), ("given".to_owned(), FormProblem::Missing));
        assert_eq!(problem("mother: Xasan (1961, 1962)"), ("birth".to_owned(), FormProblem::Date));
        assert_eq!(problem("mother: Xasan (P-abc)"), ("person".to_owned(), FormProblem::Record));
    }
}
