//! Which column of a file fills which field of a form.
//!
//! Headers may use the names of Kinmesh's own forms or those of PFIF 1.4 and common spreadsheets; upper case, blanks and
//! hyphens make no difference. Columns of other names are reported and left out. A header's names are no personal data,
//! but a line counts as a header only if it names a person's name and nothing twice.

use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::base::limits::{RECORD_LIST_BYTES, RECORD_TEXT_BYTES};
use kinmesh_protocol::person::{DocumentForm, FamilyForm, PersonForm};

/// What a column fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The society's file number.
    Id,
    /// Given name.
    Given,
    /// Family name.
    Family,
    /// A whole name: its first word is the given name, the rest the family name; one word alone is kept as family name.
    FullName,
    /// Father's name.
    Father,
    /// Mother's name.
    Mother,
    /// Sex.
    Sex,
    /// Date of birth.
    Birth,
    /// Place of birth or origin.
    BirthPlace,
    /// Last place known; several columns may hold it, the first in this order that is filled counts.
    LastPlace(u8),
    /// Telephone; several columns may.
    Phone,
    /// Identity documents.
    Documents,
    /// Family members.
    FamilyMembers,
    /// Legal basis.
    LegalBasis,
    /// Match mode.
    MatchMode,
    /// Audience.
    VisibleTo,
    /// Protection flags.
    Flags,
    /// Note.
    Note,
}

/// Own names first, then PFIF 1.4, then what spreadsheets of the field use.
const NAMES: [(&str, Target); 48] = [
    ("id", Target::Id),
    ("given", Target::Given),
    ("family", Target::Family),
    ("father", Target::Father),
    ("mother", Target::Mother),
    ("sex", Target::Sex),
    ("birth", Target::Birth),
    ("birth_place", Target::BirthPlace),
    ("last_place", Target::LastPlace(0)),
    ("phone", Target::Phone),
    ("documents", Target::Documents),
    ("family_members", Target::FamilyMembers),
    ("legal_basis", Target::LegalBasis),
    ("match_mode", Target::MatchMode),
    ("visible_to", Target::VisibleTo),
    ("flags", Target::Flags),
    ("note", Target::Note),
    ("person_record_id", Target::Id),
    ("full_name", Target::FullName),
    ("given_name", Target::Given),
    ("family_name", Target::Family),
    ("date_of_birth", Target::Birth),
    ("home_city", Target::LastPlace(1)),
    ("home_neighborhood", Target::LastPlace(2)),
    ("home_state", Target::LastPlace(3)),
    ("home_country", Target::LastPlace(4)),
    ("description", Target::Note),
    ("reference", Target::Id),
    ("name", Target::FullName),
    ("first_name", Target::Given),
    ("last_name", Target::Family),
    ("surname", Target::Family),
    ("father_name", Target::Father),
    ("fathers_name", Target::Father),
    ("name_of_father", Target::Father),
    ("mother_name", Target::Mother),
    ("mothers_name", Target::Mother),
    ("name_of_mother", Target::Mother),
    ("gender", Target::Sex),
    ("dob", Target::Birth),
    ("birth_date", Target::Birth),
    ("birthplace", Target::BirthPlace),
    ("place_of_birth", Target::BirthPlace),
    ("place_of_origin", Target::BirthPlace),
    ("last_known_place", Target::LastPlace(0)),
    ("telephone", Target::Phone),
    ("phone_number", Target::Phone),
    ("notes", Target::Note),
];

/// A column of the header that fills nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unused {
    /// Its place, from 1.
    pub number: usize,
    /// Its name in the header.
    pub name: String,
}

/// The columns of one file.
#[derive(Clone, Debug)]
pub struct Columns {
    found: Vec<(String, Option<Target>)>,
}

impl Columns {
    /// Reads a line as a header; none if it is not one.
    #[must_use]
    pub fn read(cells: &[&str]) -> Option<Self> {
        let mut found: Vec<(String, Option<Target>)> = Vec::with_capacity(cells.len());
        for cell in cells {
            let target = target_of(cell);
            let is_repeated =
                target.is_some_and(|own| own != Target::Phone && found.iter().any(|(_, other)| *other == Some(own)));
            if is_repeated {
                return None;
            }
            found.push(((*cell).trim().to_owned(), target));
        }
        let names_a_name =
            found.iter().any(|(_, target)| matches!(target, Some(Target::Given | Target::Family | Target::FullName)));
        names_a_name.then_some(Self { found })
    }

    /// Number of columns.
    #[must_use]
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// Number of columns that fill a field.
    #[must_use]
    pub fn used(&self) -> usize {
        self.found.iter().filter(|(_, target)| target.is_some()).count()
    }

    /// Columns that fill nothing.
    #[must_use]
    pub fn unused(&self) -> Vec<Unused> {
        let numbered = (1..).zip(&self.found).filter(|(_, (name, target))| target.is_none() && !name.is_empty());
        numbered.map(|(number, (name, _))| Unused { number, name: name.clone() }).collect()
    }

    /// Bytes that a cell may have, by its place, from 0.
    #[must_use]
    pub fn cell_bytes(&self, index: usize) -> usize {
        match self.found.get(index) {
            Some((_, Some(Target::Documents | Target::FamilyMembers))) => RECORD_LIST_BYTES,
            _ => RECORD_TEXT_BYTES,
        }
    }

    /// Name of a column by its place, from 0.
    #[must_use]
    pub fn name(&self, index: usize) -> Option<&str> {
        self.found.get(index).map(|(name, _)| name.as_str())
    }

    /// The header's name for a field of the form, for errors that name a field.
    #[must_use]
    pub fn name_of(&self, field: &str) -> Option<&str> {
        // An entry of a list is in the list's cell.
        let field = field.split('.').next().unwrap_or(field);
        let named = self.found.iter().find(|(_, target)| target.is_some_and(|target| field_of(target) == field));
        let whole = || self.found.iter().find(|(_, target)| *target == Some(Target::FullName));
        let is_name = matches!(field, "given" | "family");
        named.or_else(|| whole().filter(|_| is_name)).map(|(name, _)| name.as_str())
    }

    /// Puts a row's texts into a form.
    #[must_use]
    pub fn form(&self, cells: &[Sensitive<String>]) -> PersonForm {
        let mut form = PersonForm::default();
        let mut full_name = Sensitive::<String>::default();
        let mut places: Vec<(u8, Sensitive<String>)> = Vec::new();
        for ((_, target), cell) in self.found.iter().zip(cells) {
            let text = Sensitive::from(cell.expose().trim());
            let Some(target) = target else { continue };
            match target {
                Target::Id => form.id = text,
                Target::Given => form.given = text,
                Target::Family => form.family = text,
                Target::FullName => full_name = text,
                Target::Father => form.father = text,
                Target::Mother => form.mother = text,
                Target::Sex => form.sex = Sensitive::new(text.expose().to_lowercase()),
                Target::Birth => form.birth = text,
                Target::BirthPlace => form.birth_place = text,
                Target::LastPlace(rank) => places.push((*rank, text)),
                Target::Phone => join(&mut form.phone, &text),
                Target::Documents => form.documents = DocumentForm::read_list(text.expose()),
                Target::FamilyMembers => form.family_members = FamilyForm::read_list(text.expose()),
                Target::LegalBasis => form.legal_basis = text.into_exposed(),
                Target::MatchMode => form.match_mode = text.into_exposed(),
                Target::VisibleTo => form.visible_to = text.into_exposed(),
                Target::Flags => form.flags = text.into_exposed(),
                Target::Note => form.note = text,
            }
        }
        places.sort_by_key(|(rank, _)| *rank);
        form.last_place = places.into_iter().map(|(_, text)| text).find(|text| !text.expose().is_empty()).unwrap_or_default();
        if form.given.expose().is_empty() && form.family.expose().is_empty() {
            split_name(full_name.expose(), &mut form);
        }
        form
    }
}

/// Names of Kinmesh's own columns, for the error about a missing header.
#[must_use]
pub fn own_names() -> String {
    let own = NAMES.iter().take(17).map(|(name, _)| *name);
    own.collect::<Vec<_>>().join(",")
}

fn target_of(cell: &str) -> Option<Target> {
    let folded: String =
        cell.trim().to_lowercase().chars().map(|c| if c == ' ' || c == '-' { '_' } else { c }).filter(|c| *c != '\'').collect();
    // `phone_1`, `phone_2`: repeats, which only telephones may have.
    let (stem, repeat) = match folded.rsplit_once('_') {
        Some((stem, digits)) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => (stem, Some(digits)),
        _ => (folded.as_str(), None),
    };
    let target = NAMES.iter().find(|(name, _)| *name == stem).map(|(_, target)| *target)?;
    (target == Target::Phone || repeat.is_none_or(|digits| digits == "1")).then_some(target)
}

fn field_of(target: Target) -> &'static str {
    match target {
        Target::Id => "id",
        Target::Given => "given",
        Target::Family => "family",
        Target::FullName => "full_name",
        Target::Father => "father",
        Target::Mother => "mother",
        Target::Sex => "sex",
        Target::Birth => "birth",
        Target::BirthPlace => "birth_place",
        Target::LastPlace(_) => "last_place",
        Target::Phone => "phone",
        Target::Documents => "documents",
        Target::FamilyMembers => "family_members",
        Target::LegalBasis => "legal_basis",
        Target::MatchMode => "match_mode",
        Target::VisibleTo => "visible_to",
        Target::Flags => "flags",
        Target::Note => "note",
    }
}

fn join(list: &mut Sensitive<String>, text: &Sensitive<String>) {
    if text.expose().is_empty() {
        return;
    }
    if !list.expose().is_empty() {
        list.expose_mut().push('|');
    }
    list.expose_mut().push_str(text.expose());
}

fn split_name(name: &str, form: &mut PersonForm) {
    match name.split_once(char::is_whitespace) {
        Some((given, family)) => {
            form.given = given.into();
            form.family = family.trim().into();
        }
        None => form.family = name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(header: &[&str], row: &[&str]) -> PersonForm {
        let cells: Vec<_> = row.iter().map(|cell| Sensitive::from(*cell)).collect();
        Columns::read(header).unwrap().form(&cells)
    }

    #[test]
    fn own_names_and_those_of_pfif_fill_the_same_fields() {
        let own = form(&["given", "family", "birth", "last_place"], &["سليم", "درويش", "1998", "دمشق"]);
        let pfif = form(&["given_name", "Family Name", "date-of-birth", "home_city"], &["سليم", "درويش", "1998", "دمشق"]);
        assert_eq!(own, pfif);
    }

    #[test]
    fn a_full_name_gives_its_first_word_as_given_name_and_one_word_as_family_name() {
        let two = form(&["full_name"], &["Tirhas Gebre Medhin"]);
        assert_eq!((two.given.expose().as_str(), two.family.expose().as_str()), ("Tirhas", "Gebre Medhin"));
        let one = form(&["full_name"], &["경민"]);
        assert_eq!((one.given.expose().as_str(), one.family.expose().as_str()), ("", "경민"));
        let both = form(&["full_name", "given"], &["Tirhas Gebre", "T"]);
        assert_eq!((both.given.expose().as_str(), both.family.expose().as_str()), ("T", ""));
    }

    #[test]
    fn a_cell_may_name_documents_and_family_members() {
        let form = form(
            &["given", "documents", "family members"],
            &["Nimco", "passport SO A1234567 | camp_card KE 12-345", "mother: Fadumo Xasan (1961) | brother: Liban"],
        );
        assert_eq!((form.documents.len(), form.family_members.len()), (2, 2));
        let columns = Columns::read(&["given", "family_members"]).unwrap();
        assert_eq!(columns.name_of("family_members.2.birth"), Some("family_members"));
        assert_eq!((columns.cell_bytes(0), columns.cell_bytes(1)), (RECORD_TEXT_BYTES, RECORD_LIST_BYTES));
    }

    #[test]
    fn repeated_telephones_are_joined_and_the_nearest_place_counts() {
        let phones = form(&["given", "phone_1", "phone_2", "phone_3"], &["A", "+999 1", "", "+999 2|+999 3"]);
        assert_eq!(phones.phone.expose(), "+999 1|+999 2|+999 3");
        let place = form(&["given", "home_country", "home_city"], &["A", "XX", "Homs"]);
        assert_eq!(place.last_place.expose(), "Homs");
    }

    #[test]
    fn a_line_without_a_name_or_with_a_column_twice_is_no_header() {
        assert!(Columns::read(&["List of the shelter", "", ""]).is_none());
        assert!(Columns::read(&["given", "birth", "dob"]).is_none());
        let columns = Columns::read(&["given", "shoe size", ""]).unwrap();
        assert_eq!(columns.unused(), [Unused { number: 2, name: "shoe size".to_owned() }]);
        assert_eq!(Columns::read(&["name", "dob"]).unwrap().name_of("family"), Some("name"));
    }

    #[test]
    fn every_field_of_the_form_has_its_own_column() {
        let table = toml::Table::try_from(PersonForm::default()).unwrap();
        for field in table.keys() {
            assert!(own_names().split(',').any(|name| name == field), "{field}");
        }
    }
}
