//! Empty forms with a comment at every field, for `person add` and `case open`.
//!
//! The command line prints them; filled in, `form` reads them. A test reads them back, so that they cannot fall behind.

/// The form of one person.
pub const PERSON_TEMPLATE: &str = r#"# One registered person. Fill in what is known, leave the rest empty. Then: kinmesh person add --form FILE
# Names as the person writes them, in any script. Nothing of this file is needed afterwards: delete it.

id = ""            # the society's file number
given = ""         # given name; this or the family name is needed
family = ""        # family name, with whatever other parts
father = ""        # father's name
mother = ""        # mother's name; it helps a search most
sex = ""           # f, m, x, or empty
birth = ""         # YYYY, YYYY-MM or YYYY-MM-DD; ~ in front for an estimate, as in ~1984
                   # in another calendar with its name behind: 1369-05-12 solar_hijri, ~1390 hijri, 1982 ethiopian
birth_place = ""   # place of birth or origin
last_place = ""    # last place known
phone = ""         # | between several
documents = ""     # kind, issuer, number; | between several: passport SO A1234567 | camp_card KE 12-345
                   # kinds: passport, national_id, refugee_id, birth_certificate, camp_card, driving_licence, other
family_members = ""  # whom the person names; | between several: mother: Fadumo Xasan (1961) | brother: Liban Nuur / Cali
                   # (m, ~1990, believed_missing); they can be found by these names. Long lists may be tables instead:
                   # [[family_members]] at the end, with relation, given, family, sex, birth, vital, person
                   # (vital: alive, believed_alive, believed_missing, believed_dead, dead; person: the id of an own record)

legal_basis = ""   # needed: consent, vital_interest, public_interest, legitimate_interest or legal_obligation
match_mode = ""    # answer (in the sets that others test), ask_only, off; empty for what the flags say
visible_to = ""    # all, only:KE|UG or except:KE|UG
flags = ""         # protection flags, | between several: minor, unaccompanied, separated, detained, ...
note = ""          # never leaves this node
"#;

/// The form of a case.
pub const CASE_TEMPLATE: &str = r#"# One tracing case: who asks, who is looked for, and whether a search is safe. Then: kinmesh case open --form FILE
# Fill in what is known, leave the rest empty. Nothing of this file is needed afterwards: delete it.

label = ""           # the society's file number of the case
safety = ""          # safe: the assessment with the enquirer says that a search harms nobody; without it no search begins
safety_notes = ""    # notes of the assessment; never leave this node
claim_never = []     # members that must not learn of the search, as in ["KE", "UG"]
claim_ask = false    # true: every hit waits for a person
enquirer_findable = false  # true: the enquirer agreed to be found by others who seek the enquirer; legal_basis is consent then
holders_may_ask = false    # true: the enquirer agreed that members with protected records may ask whether somebody is looked for
enquirer_named = false  # true: the enquirer agreed that a holder's desk may learn the name, once people there found the same person

[enquirer]           # who asks
given = ""           # this or the family name is needed
family = ""
father = ""
mother = ""
sex = ""             # f, m, x, or empty
birth = ""           # YYYY, YYYY-MM or YYYY-MM-DD; ~ in front for an estimate
                     # in another calendar with its name behind: 1369-05-12 solar_hijri, ~1390 hijri, 1982 ethiopian
birth_place = ""
last_place = ""
phone = ""           # | between several
documents = ""       # kind, issuer, number; | between several: passport SO A1234567
family_members = ""  # | between several: mother: Fadumo Xasan (1961)
legal_basis = ""     # needed: consent, vital_interest, public_interest, legitimate_interest or legal_obligation
note = ""            # never leaves this node

[[subjects]]         # who is looked for; repeat this part for each sought person
relation = ""        # what the sought person is to the enquirer: son, mother, ...
[subjects.person]
given = ""           # this or the family name is needed
family = ""
father = ""
mother = ""          # helps a search most
sex = ""
birth = ""
birth_place = ""
last_place = ""
phone = ""           # the last known; | between several
documents = ""       # kind, issuer, number; | between several
note = ""
"#;

#[cfg(test)]
mod tests {
    use kinmesh_protocol::person::PersonForm;

    use super::*;
    use crate::exchange::form::{case_form, person_form};

    #[test]
    fn an_empty_template_is_an_empty_form() {
        assert_eq!(person_form(PERSON_TEMPLATE.as_bytes()).unwrap(), PersonForm::default());
        let case = case_form(CASE_TEMPLATE.as_bytes()).unwrap();
        assert_eq!(case.enquirer, PersonForm::default());
        assert_eq!(case.subjects.len(), 1);
        assert_eq!(case.subjects[0].person, PersonForm::default());
        assert!(!case.claim_ask && case.safety.is_empty());
    }

    #[test]
    fn the_template_of_a_person_has_every_field() {
        let template: toml::Table = PERSON_TEMPLATE.parse().unwrap();
        let form = toml::Table::try_from(PersonForm::default()).unwrap();
        assert!(template.keys().eq(form.keys()));
    }
}
