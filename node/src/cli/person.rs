//! `person import`, `add`, `list`, `show`: people who may be found. Duplicates have a file of their own.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kinmesh_protocol::base::PersonId;
use kinmesh_protocol::engine::answer::{Answer, PersonAdded, PersonLine, PersonShown, ShownField};
use kinmesh_protocol::engine::command::Command;
use kinmesh_protocol::person::PersonForm;
use serde_json::json;

use super::advice;
use super::context::Context;
use super::duplicates::{self, DuplicatesArgs, MergeArgs, UnmergeArgs};
use super::errors::{CommandError, Kind, UsageProblem};
use super::files;
use super::import::{self, PersonImportArgs};
use super::output::Output;
use super::prompt::{self, Who};
use super::table::{Flow, Table, own, theirs};
use super::text::wrap;
use crate::exchange::{PERSON_TEMPLATE, person_form};

/// Columns of a field's name in a record that is shown in full.
const FIELD_COLUMN: usize = 14;
/// Columns of its value.
const VALUE_COLUMN: usize = 64;

/// Verbs of `person`.
#[derive(Debug, Subcommand)]
pub(super) enum PersonVerb {
    /// Registers the people of a CSV file; bad rows are named, good ones kept.
    Import(PersonImportArgs),
    /// Registers one person, by questions or with a form.
    Add(FormArgs),
    /// Lists registered people, masked.
    List(PersonListArgs),
    /// Lists records that may be one person, masked, with the reasons.
    Duplicates(DuplicatesArgs),
    /// Says that two records are one person; both are kept.
    Merge(MergeArgs),
    /// Says that two records are two people: undoes a merge or a proposal.
    Unmerge(UnmergeArgs),
    /// Shows one person in full; the view is recorded.
    #[command(after_help = "Example:\n  kinmesh person show P-7h3k9q")]
    Show {
        /// Id, or the beginning of one.
        person: String,
    },
}

/// Arguments of `person add`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh person add --template > form.toml\n  kinmesh person add --form form.toml")]
pub(super) struct FormArgs {
    /// Form in TOML, or - for standard input [default: asked on the terminal].
    #[arg(long, value_name = "FILE")]
    form: Option<PathBuf>,
    /// Prints an empty form.
    #[arg(long, conflicts_with = "form")]
    template: bool,
}

/// Arguments of `person list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh person list --limit 20")]
pub(super) struct PersonListArgs {
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Goes on after this one: a whole id.
    #[arg(long, value_name = "ID")]
    after: Option<PersonId>,
    /// Also records that are the same person as another one.
    #[arg(long)]
    all: bool,
}

/// Runs a verb.
pub(super) async fn run(context: &Context, verb: PersonVerb) -> Result<(), CommandError> {
    match verb {
        PersonVerb::Import(args) => import::run(context, &args).await,
        PersonVerb::Add(args) => add(context, &args).await,
        PersonVerb::List(args) => list(context, &args).await,
        PersonVerb::Duplicates(args) => duplicates::list(context, &args).await,
        PersonVerb::Merge(args) => duplicates::merge(context, args).await,
        PersonVerb::Unmerge(args) => duplicates::unmerge(context, args).await,
        PersonVerb::Show { person } => show(context, person).await,
    }
}

async fn add(context: &Context, args: &FormArgs) -> Result<(), CommandError> {
    if args.template {
        return context.out.result("kinmesh/form/1", &json!({ "form": PERSON_TEMPLATE }), |_| PERSON_TEMPLATE.to_owned());
    }
    let form = Box::new(form(context, args)?);
    let Answer::PersonAdded(added) = context.ask(Command::PersonAdd { form }).await? else {
        return Err(Kind::OtherAnswer.into());
    };
    context.out.result("kinmesh/person-add/1", &added, |_| added_text(&added))?;
    if let Some(line) = advice::line(added.keys, added.advice) {
        context.out.hint(&format!("! {line}"));
    }
    Ok(())
}

fn form(context: &Context, args: &FormArgs) -> Result<PersonForm, CommandError> {
    match &args.form {
        Some(path) => Ok(person_form(files::open(path)?)?),
        None if context.out.is_interactive() => prompt::person(Who::Registered),
        None => Err(UsageProblem::NoForm.into()),
    }
}

fn added_text(added: &PersonAdded) -> String {
    if added.known {
        return format!("✓ already registered as {}", added.person.short());
    }
    format!("✓ {} registered with {} match keys", added.person.short(), added.keys)
}

async fn list(context: &Context, args: &PersonListArgs) -> Result<(), CommandError> {
    let mut people: Vec<PersonLine> = Vec::new();
    let mut after = args.after;
    // The node gives a page at a time, without the records that are shown as another one.
    let next = loop {
        let left = args.limit.saturating_sub(u32::try_from(people.len()).unwrap_or(u32::MAX)).max(1);
        let Answer::People { people: page, next } =
            context.ask(Command::PersonList { after, limit: left, merged: args.all }).await?
        else {
            return Err(Kind::OtherAnswer.into());
        };
        people.extend(page);
        if next.is_none() || people.len() >= usize::try_from(args.limit).unwrap_or(usize::MAX) {
            break next;
        }
        after = next;
    };
    let value = json!({ "people": people, "next": next });
    context.out.result("kinmesh/person-list/1", &value, |out| list_text(out, &people))?;
    if let Some(next) = next {
        context.out.hint(&format!("→ more: kinmesh person list --after {next}"));
    }
    Ok(())
}

fn list_text(out: &Output, people: &[PersonLine]) -> String {
    if people.is_empty() {
        return "nobody is registered".to_owned();
    }
    let mut table = Table::new([
        ("Person", Flow::Whole),
        ("Initials", Flow::Cut),
        ("Born", Flow::Whole),
        ("Last place", Flow::Cut),
        ("Match", Flow::Whole),
    ]);
    for line in people {
        table.push([
            own(line.person.short()),
            theirs(line.initials.expose()),
            theirs(line.year.expose()),
            theirs(line.place.expose()),
            own(matching_word(line)),
        ]);
    }
    out.table(&table)
}

/// How a record takes part, or the record that stands for it.
fn matching_word(line: &PersonLine) -> String {
    line.same_as.map_or_else(|| line.match_mode.clone(), |shown| format!("same as {}", shown.short()))
}

async fn show(context: &Context, person: String) -> Result<(), CommandError> {
    let Answer::Person(shown) = context.ask(Command::PersonShow { person }).await? else {
        return Err(Kind::OtherAnswer.into());
    };
    context.out.result("kinmesh/person-show/1", &shown, |out| show_text(out, &shown))?;
    if let Some(line) = advice::line(shown.keys, shown.advice) {
        context.out.hint(&format!("! {line}"));
    }
    Ok(())
}

fn show_text(out: &Output, shown: &PersonShown) -> String {
    let mut text = format!("{} · revision {}\n", shown.person, shown.revision);
    text.push_str(&fields_text(out, &shown.fields));
    if let Some(same) = shown.same_as {
        text.push_str(&format!("the same person as {}\n", same.short()));
    }
    if !shown.merged.is_empty() {
        let merged: Vec<String> = shown.merged.iter().map(PersonId::short).collect();
        text.push_str(&format!("also registered as {}\n", merged.join(", ")));
    }
    text.push_str(&format!("match mode {} · visible to {} · {} match keys\n", shown.match_mode, shown.visible_to, shown.keys));
    text
}

/// The fields of a record in full, each value wrapped under its name.
pub(super) fn fields_text(out: &Output, fields: &[ShownField]) -> String {
    let mut text = String::new();
    for shown in fields {
        let mut name = shown.field.as_str();
        for part in shown.value.expose().split('\n').flat_map(|line| wrap(&super::text::inert(line), VALUE_COLUMN)) {
            text.push_str(format!("  {name:FIELD_COLUMN$}{}", out.foreign(&part)).trim_end());
            text.push('\n');
            name = "";
        }
    }
    text
}
