//! Questions on a terminal: the forms of a person and a case, a verdict, a consent, a confirmation.
//!
//! The nouns call these only where a person can be asked. Answers go to the engine, which checks them; only a date is
//! checked while it is typed. Leaving a question (Esc, Ctrl-C) sends nothing.

use std::fmt::Display;

use inquire::validator::Validation;
use inquire::{Confirm, InquireError, Select, Text};
use kinmesh_protocol::base::limits::SUBJECTS_A_CASE;
use kinmesh_protocol::base::{MemberId, Sensitive};
use kinmesh_protocol::engine::command::{CaseForm, SubjectForm};
use kinmesh_protocol::person::{ApproxDate, DocumentForm, FamilyForm, PersonForm};

use super::context::Context;
use super::errors::{CommandError, Kind, UsageProblem};

/// Whose form it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Somebody who may be found.
    Registered,
    /// Who asks in a case.
    Enquirer,
    /// Who is looked for.
    Sought,
}

/// A question that was left.
pub(super) fn left(error: InquireError) -> CommandError {
    match error {
        InquireError::NotTTY => UsageProblem::NoForm.into(),
        InquireError::IO(_) => Kind::Output.into(),
        _ => Kind::Interrupted.into(),
    }
}

/// The form of one person.
pub(super) fn person(who: Who) -> Result<PersonForm, CommandError> {
    let mut form = PersonForm::default();
    if who == Who::Registered {
        form.id = line("File number of the society", "")?;
    }
    form.given = line("Given name", "as the person writes it, in any script")?;
    form.family = line("Family name, with whatever other parts", "")?;
    form.father = line("Father's name", "")?;
    form.mother = line("Mother's name", "it helps a search most")?;
    form.sex = line("Sex", "f, m, x, or empty")?;
    form.birth = date("Date of birth")?;
    form.birth_place = line("Place of birth or origin", "")?;
    form.last_place = line("Last place known", "")?;
    if who != Who::Sought {
        form.phone = line("Telephone", "| between several")?;
    } else {
        form.phone = line("Last known telephone", "| between several")?;
    }
    form.documents = DocumentForm::read_list(line("Documents", "passport SO A1234567; | between several")?.expose());
    if who != Who::Sought {
        let help = "whom the person names: mother: Fadumo Xasan (1961) | brother: Liban Nuur / Cali (~1990)";
        form.family_members = FamilyForm::read_list(line("Family members", help)?.expose());
        form.legal_basis = legal_basis()?;
    }
    if who == Who::Registered {
        form.flags = words("Protection flags", "minor, unaccompanied, separated, detained ...; | between several")?;
        form.match_mode = words("Match mode", "answer, ask_only, off; empty for what the flags say")?;
        form.visible_to = words("Visible to", "all, only:KE|UG or except:KE|UG; empty for all")?;
    }
    form.note = line("Note", "never leaves this node")?;
    Ok(form)
}

/// The form of a case.
pub(super) fn case(context: &Context) -> Result<CaseForm, CommandError> {
    let mut case = CaseForm { label: line("File number of the case", "")?, ..CaseForm::default() };
    context.out.before_question("Who asks?");
    case.enquirer = person(Who::Enquirer)?;
    if case.enquirer.legal_basis == "consent" {
        case.enquirer_findable = confirm("Does the enquirer agree to be found by others who seek the enquirer?")?;
        case.holders_may_ask = confirm("May members with protected records ask whether somebody is looked for?")?;
    }
    case.enquirer_named = confirm("May a desk that found the person learn the enquirer's name?")?;
    while case.subjects.len() < SUBJECTS_A_CASE {
        context.out.before_question(&format!("Sought person {}", case.subjects.len() + 1));
        let relation = words("What the sought person is to the enquirer", "son, mother, husband ...")?;
        case.subjects.push(SubjectForm { relation, person: person(Who::Sought)? });
        if !confirm("Another sought person?")? {
            break;
        }
    }
    if confirm("Does the safety assessment with the enquirer say that a search harms nobody?")? {
        case.safety = "safe".to_owned();
    }
    case.safety_notes = line("Notes of the assessment", "never leave this node")?;
    case.claim_never = members("Members that must not learn of the search")?;
    case.claim_ask = confirm("Shall every hit wait for a person?")?;
    Ok(case)
}

/// One of a few things.
pub(super) fn choose<T: Display>(question: &str, options: Vec<T>) -> Result<T, CommandError> {
    Select::new(question, options).prompt().map_err(left)
}

/// Yes or no; no unless said otherwise.
pub fn confirm(question: &str) -> Result<bool, CommandError> {
    Confirm::new(question).with_default(false).prompt().map_err(left)
}

/// One line of personal text.
pub(super) fn line(question: &str, help: &str) -> Result<Sensitive<String>, CommandError> {
    words(question, help).map(Sensitive::new)
}

/// The root fingerprint, from the letter; asked for until it is typed.
///
/// # Errors
/// `NoFingerprint` where there is nobody to ask.
pub fn fingerprint(context: &Context) -> Result<String, CommandError> {
    if !context.out.is_interactive() {
        return Err(UsageProblem::NoFingerprint.into());
    }
    words("Root fingerprint, as printed in the letter (not shown here on purpose)", "")
}

fn words(question: &str, help: &str) -> Result<String, CommandError> {
    let prompt = Text::new(question);
    let prompt = if help.is_empty() { prompt } else { prompt.with_help_message(help) };
    prompt.prompt().map(|text| text.trim().to_owned()).map_err(left)
}

fn date(question: &str) -> Result<Sensitive<String>, CommandError> {
    let check = |text: &str| {
        let text = text.trim();
        Ok(if text.is_empty() || ApproxDate::parse(text).is_some() {
            Validation::Valid
        } else {
            Validation::Invalid("write 1984, 1984-03 or 1984-03-12, ~1984 for an estimate, 1369-05-12 solar_hijri".into())
        })
    };
    let prompt = Text::new(question).with_help_message(ApproxDate::NOTATION);
    prompt.with_validator(check).prompt().map(|text| Sensitive::from(text.trim())).map_err(left)
}

fn legal_basis() -> Result<String, CommandError> {
    let known = ["consent", "vital_interest", "public_interest", "legitimate_interest", "legal_obligation"];
    choose("Legal basis", known.to_vec()).map(str::to_owned)
}

fn members(question: &str) -> Result<Vec<MemberId>, CommandError> {
    let read = |text: &str| -> Option<Vec<MemberId>> {
        let names = text.split([' ', ',', '|']).filter(|name| !name.is_empty());
        names.map(|name| MemberId::new(name).ok()).collect()
    };
    let check = move |text: &str| {
        Ok(if read(text).is_some() { Validation::Valid } else { Validation::Invalid("ids such as KE, UG".into()) })
    };
    let prompt = Text::new(question).with_help_message("their ids, such as KE, UG; empty for none");
    let typed = prompt.with_validator(check).prompt().map_err(left)?;
    Ok(read(&typed).unwrap_or_default())
}
