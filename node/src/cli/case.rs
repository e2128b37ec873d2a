//! `case open`, `list`, `show`: who asks, and who is looked for. Closing stands in `closing`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kinmesh_protocol::engine::answer::{Answer, CaseLine, CaseShown};
use kinmesh_protocol::engine::command::{CaseForm, Command};
use serde_json::json;

use super::advice;
use super::closing::{self, CaseCloseArgs, CaseReopenArgs};
use super::context::Context;
use super::errors::{CommandError, Kind, UsageProblem};
use super::files;
use super::output::Output;
use super::person::fields_text;
use super::prompt;
use super::table::{Flow, Table, own, theirs};
use crate::exchange::{CASE_TEMPLATE, case_form};

/// Verbs of `case`.
#[derive(Debug, Subcommand)]
pub(super) enum CaseVerb {
    /// Opens a case with its sought persons, by questions or with a form.
    Open(CaseOpenArgs),
    /// Lists cases, masked.
    #[command(after_help = "Example:\n  kinmesh case list")]
    List {
        /// At most this many.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Says whether members with protected records may ask about a case's sought people.
    #[command(after_help = "Example:\n  kinmesh case sought C-7h3k9q --allow")]
    Sought(CaseSoughtArgs),
    /// Shows one case in full; the view is recorded.
    #[command(after_help = "Example:\n  kinmesh case show C-7h3k9q")]
    Show {
        /// Id, or the beginning of one.
        case: String,
    },
    /// Ends the search for a case's sought persons: nothing is asked or claimed for them any more.
    Close(CaseCloseArgs),
    /// Takes a closing back: the search begins anew.
    Reopen(CaseReopenArgs),
}

/// Arguments of `case open`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh case open --template > form.toml\n  kinmesh case open --form form.toml")]
pub(super) struct CaseOpenArgs {
    /// Form in TOML, or - for standard input [default: asked on the terminal].
    #[arg(long, value_name = "FILE")]
    form: Option<PathBuf>,
    /// Prints an empty form.
    #[arg(long, conflicts_with = "form")]
    template: bool,
}

/// Arguments of `case sought`.
#[derive(Debug, Args)]
pub(super) struct CaseSoughtArgs {
    /// Id of the case, or the beginning of one.
    case: String,
    /// The enquirer agrees.
    #[arg(long, required_unless_present = "withdraw", conflicts_with = "withdraw")]
    allow: bool,
    /// The enquirer does not agree, or not any more.
    #[arg(long)]
    withdraw: bool,
}

/// Runs a verb.
pub(super) async fn run(context: &Context, verb: CaseVerb) -> Result<(), CommandError> {
    match verb {
        CaseVerb::Open(args) => open(context, &args).await,
        CaseVerb::List { limit } => list(context, limit).await,
        CaseVerb::Sought(args) => sought(context, args).await,
        CaseVerb::Show { case } => show(context, case).await,
        CaseVerb::Close(args) => closing::close(context, args).await,
        CaseVerb::Reopen(args) => closing::reopen(context, args).await,
    }
}

async fn open(context: &Context, args: &CaseOpenArgs) -> Result<(), CommandError> {
    if args.template {
        return context.out.result("kinmesh/form/1", &json!({ "form": CASE_TEMPLATE }), |_| CASE_TEMPLATE.to_owned());
    }
    let form = Box::new(form(context, args)?);
    let answer = context.ask(Command::CaseOpen { form }).await?;
    let Answer::CaseOpened { case, subjects, keys, advice } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/case-open/1", &answer, |_| {
        let mut text = format!("✓ {} opened\n", case.short());
        for (subject, keys) in subjects.iter().zip(keys) {
            text.push_str(&format!("  {} with {keys} match keys\n", subject.short()));
        }
        text
    })?;
    for ((subject, keys), advice) in subjects.iter().zip(keys).zip(advice) {
        if let Some(line) = advice::line(*keys, *advice) {
            context.out.hint(&format!("! {}: {line}", subject.short()));
        }
    }
    context.out.hint(&format!("→ kinmesh search run {}", case.short()));
    Ok(())
}

fn form(context: &Context, args: &CaseOpenArgs) -> Result<CaseForm, CommandError> {
    match &args.form {
        Some(path) => Ok(case_form(files::open(path)?)?),
        None if context.out.is_interactive() => prompt::case(context),
        None => Err(UsageProblem::NoForm.into()),
    }
}

async fn list(context: &Context, limit: u32) -> Result<(), CommandError> {
    let answer = context.ask(Command::CaseList { limit }).await?;
    let Answer::Cases { cases } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/case-list/1", &answer, |out| list_text(out, cases))
}

fn list_text(out: &Output, cases: &[CaseLine]) -> String {
    if cases.is_empty() {
        return "no case is open".to_owned();
    }
    let mut table = Table::new([
        ("Case", Flow::Whole),
        ("File", Flow::Cut),
        ("Subject", Flow::Whole),
        ("Sought", Flow::Cut),
        ("Initials", Flow::Cut),
        ("Born", Flow::Whole),
        ("State", Flow::Cut),
    ]);
    for case in cases {
        let (mut id, mut label) = (case.case.short(), case.label.expose().as_str());
        for subject in &case.subjects {
            let state = subject.outcome.as_ref().unwrap_or(&subject.state);
            table.push([
                own(&id),
                theirs(label),
                own(subject.subject.short()),
                theirs(&subject.relation),
                theirs(subject.initials.expose()),
                theirs(subject.year.expose()),
                own(if case.status == "active" { state } else { &case.status }),
            ]);
            (id, label) = (String::new(), "");
        }
    }
    out.table(&table)
}

async fn sought(context: &Context, args: CaseSoughtArgs) -> Result<(), CommandError> {
    let allow = args.allow && !args.withdraw;
    let answer = context.ask(Command::CaseSought { case: args.case, allow }).await?;
    let Answer::CaseSought { case, holders_may_ask } = &answer else { return Err(Kind::OtherAnswer.into()) };
    let may = if *holders_may_ask { "may" } else { "may not" };
    context.out.result("kinmesh/case-sought/1", &answer, |_| {
        format!("✓ members with protected records {may} ask about the sought people of {}", case.short())
    })
}

async fn show(context: &Context, case: String) -> Result<(), CommandError> {
    let Answer::Case(shown) = context.ask(Command::CaseShow { case }).await? else {
        return Err(Kind::OtherAnswer.into());
    };
    context.out.result("kinmesh/case-show/1", &shown, |out| show_text(out, &shown))
}

fn show_text(out: &Output, shown: &CaseShown) -> String {
    let line = &shown.line;
    let mut text = format!("{} · {} · {}\n", line.case, out.foreign(line.label.expose()), line.status);
    text.push_str("enquirer\n");
    text.push_str(&fields_text(out, &shown.enquirer));
    for (subject, fields) in line.subjects.iter().zip(&shown.subjects) {
        let outcome = subject.outcome.as_ref().map(|outcome| format!(" · {outcome}")).unwrap_or_default();
        text.push_str(&format!("{} · {} · {}{outcome}\n", subject.subject, out.foreign(&subject.relation), subject.state));
        text.push_str(&fields_text(out, fields));
    }
    if let Some(person) = shown.findable {
        text.push_str(&format!("the enquirer may be found, as {}\n", person.short()));
    }
    if shown.holders_may_ask {
        text.push_str("members with protected records may ask about the sought people\n");
    }
    if !shown.claim_never.is_empty() {
        let members: Vec<&str> = shown.claim_never.iter().map(|member| member.as_str()).collect();
        text.push_str(&format!("no claim ever to {}\n", members.join(", ")));
    }
    text
}
