//! `disclosure propose`, `list`, `receive`: what goes back to the seeker's society, and its arrival there.
//!
//! What the receiver will read is shown to the letter before anything is sent; on a terminal, sending takes the
//! candidate's id typed once more.

use clap::{Args, Subcommand, ValueEnum};
use kinmesh_protocol::casework::outcome::OutcomeKind;
use kinmesh_protocol::engine::answer::{Answer, DisclosureLine, DisclosureShown, DisclosureView};
use kinmesh_protocol::engine::command::Command;

use super::context::Context;
use super::errors::{CommandError, Kind};
use super::output::Output;
use super::person::fields_text;
use super::prompt;
use super::table::{Flow, Table, own};

/// Verbs of `disclosure`.
#[derive(Debug, Subcommand)]
pub(super) enum DisclosureVerb {
    /// Shows what the receiver will read; with --send, sends it.
    Propose(DisclosureProposeArgs),
    /// Lists what this node received.
    #[command(after_help = "Example:\n  kinmesh disclosure list")]
    List,
    /// Opens what was received; with --outcome, reports that the enquirer has been told.
    Receive(DisclosureReceiveArgs),
}

/// Arguments of `disclosure propose`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh disclosure propose K-7h3k9q --send")]
pub(super) struct DisclosureProposeArgs {
    /// Id of the candidate, or the beginning of one.
    candidate: String,
    /// Sends it; it cannot be called back.
    #[arg(long)]
    send: bool,
}

/// Arguments of `disclosure receive`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh disclosure receive K-7h3k9q --outcome informed")]
pub(super) struct DisclosureReceiveArgs {
    /// Id of the candidate, or the beginning of one.
    candidate: String,
    /// What came of it; this one word goes back.
    #[arg(long, value_enum)]
    outcome: Option<OutcomeWord>,
}

/// An outcome as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OutcomeWord {
    /// Contact is restored or the family is together.
    Reunited,
    /// The enquirer has been told, or messages were exchanged.
    Informed,
    /// Ended otherwise.
    Closed,
}

impl From<OutcomeWord> for OutcomeKind {
    fn from(word: OutcomeWord) -> Self {
        match word {
            OutcomeWord::Reunited => OutcomeKind::Reunited,
            OutcomeWord::Informed => OutcomeKind::Informed,
            OutcomeWord::Closed => OutcomeKind::Closed,
        }
    }
}

/// Runs a verb.
pub(super) async fn run(context: &Context, verb: DisclosureVerb) -> Result<(), CommandError> {
    match verb {
        DisclosureVerb::Propose(args) => propose(context, args).await,
        DisclosureVerb::List => list(context).await,
        DisclosureVerb::Receive(args) => receive(context, args).await,
    }
}

async fn propose(context: &Context, args: DisclosureProposeArgs) -> Result<(), CommandError> {
    if args.send && context.out.is_interactive() {
        let preview = view(context, args.candidate.clone(), false).await?;
        context.out.before_question(&view_text(&context.out, &preview));
        let short = preview.candidate.short();
        let typed = prompt::line(&format!("Type {short} to send this to {}", preview.seeker), "it cannot be called back")?;
        if typed.expose() != &short && typed.expose() != &preview.candidate.to_string() {
            return Err(Kind::Interrupted.into());
        }
    }
    let shown = view(context, args.candidate, args.send).await?;
    context.out.result("kinmesh/disclosure-propose/1", &shown, |out| view_text(out, &shown))?;
    if !shown.sent {
        context.out.hint(&format!("→ nothing was sent; kinmesh disclosure propose {} --send", shown.candidate.short()));
    }
    Ok(())
}

async fn view(context: &Context, candidate: String, send: bool) -> Result<DisclosureView, CommandError> {
    match context.ask(Command::DisclosurePropose { candidate, send }).await? {
        Answer::Disclosure(view) => Ok(view),
        _ => Err(Kind::OtherAnswer.into()),
    }
}

fn view_text(out: &Output, view: &DisclosureView) -> String {
    let begin = if view.sent { "✓ on its way: the receiver" } else { "The receiver" };
    let mut text = format!("{begin} ({}) sees exactly this, level {}:\n", view.seeker, view.level.word());
    text.push_str(&fields_text(out, &view.fields));
    text.push_str(&body_text(out, view.text.expose()));
    if let Some(relation) = &view.named_as {
        text.push_str(&format!("! the sought person is named by this record as {relation}; only the words above can say so\n"));
    }
    text
}

/// A message or contact line, each of its lines in an isolate of its own.
fn body_text(out: &Output, body: &str) -> String {
    let lines = body.lines().flat_map(|line| super::text::wrap(&super::text::inert(line), 76));
    lines.map(|line| format!("  {}\n", out.foreign(&line))).collect()
}

async fn list(context: &Context) -> Result<(), CommandError> {
    let answer = context.ask(Command::DisclosureList).await?;
    let Answer::Disclosures { disclosures } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/disclosure-list/1", &answer, |out| list_text(out, disclosures))?;
    if let Some(line) = disclosures.iter().find(|line| line.outcome.is_none()) {
        context.out.hint(&format!("→ kinmesh disclosure receive {}", line.candidate.short()));
    }
    Ok(())
}

fn list_text(out: &Output, disclosures: &[DisclosureLine]) -> String {
    if disclosures.is_empty() {
        return "nothing has arrived".to_owned();
    }
    let mut table = Table::new([
        ("Candidate", Flow::Whole),
        ("Case", Flow::Whole),
        ("Subject", Flow::Whole),
        ("Level", Flow::Whole),
        ("Outcome", Flow::Whole),
    ]);
    for line in disclosures {
        table.push([
            own(line.candidate.short()),
            own(line.case.short()),
            own(line.subject.short()),
            own(line.level.word()),
            own(line.outcome.map_or("-", outcome_word)),
        ]);
    }
    out.table(&table)
}

async fn receive(context: &Context, args: DisclosureReceiveArgs) -> Result<(), CommandError> {
    let command = Command::DisclosureReceive { candidate: args.candidate, outcome: args.outcome.map(OutcomeKind::from) };
    let Answer::DisclosureShown(shown) = context.ask(command).await? else {
        return Err(Kind::OtherAnswer.into());
    };
    context.out.result("kinmesh/disclosure-receive/1", &shown, |out| received_text(out, &shown))?;
    if shown.line.outcome.is_none() {
        let candidate = shown.line.candidate.short();
        context
            .out
            .hint(&format!("→ once the enquirer has been told: kinmesh disclosure receive {candidate} --outcome informed"));
    }
    Ok(())
}

fn received_text(out: &Output, shown: &DisclosureShown) -> String {
    let line = &shown.line;
    let outcome = line.outcome.map(|outcome| format!(" · {}", outcome_word(outcome))).unwrap_or_default();
    let mut text = format!(
        "{} · for {} of {} · from {} · level {}{outcome}\n",
        line.candidate.short(),
        line.subject.short(),
        line.case.short(),
        shown.holder,
        line.level.word()
    );
    text.push_str(&fields_text(out, &shown.fields));
    text.push_str(&body_text(out, shown.text.expose()));
    text
}

const fn outcome_word(outcome: OutcomeKind) -> &'static str {
    match outcome {
        OutcomeKind::Reunited => "reunited",
        OutcomeKind::Informed => "informed",
        OutcomeKind::Closed => "closed",
    }
}
