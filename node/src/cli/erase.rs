//! `erase plan`, `request`, `run`, `withdraw`, `list`: the erasure of a record by two users.
//!
//! The first user asks with a reason out of five; nothing changes. The second one sees what goes and what stays, and types the
//! record's id: there is no `--yes`. Where nobody can be asked, the id has to be given whole. Only ids stand in arguments.

use clap::{Args, Subcommand, ValueEnum};
use kinmesh_protocol::base::{PersonId, SubjectId};
use kinmesh_protocol::casework::erasure::{ErasureBasis, RecordId};
use kinmesh_protocol::engine::answer::{Answer, ErasureLine, ErasureView};
use kinmesh_protocol::engine::command::Command;

use super::context::Context;
use super::errors::{CommandError, Kind, UsageProblem};
use super::output::Output;
use super::prompt;
use super::table::{Flow, Table, own};

/// Verbs of `erase`.
#[derive(Debug, Subcommand)]
pub(super) enum EraseVerb {
    /// Says what the erasure of a record takes with it and what it does not reach; changes nothing.
    #[command(after_help = "Example:\n  kinmesh erase plan P-7h3k9q")]
    Plan {
        /// Id of a registered or sought person's record, or the beginning of one.
        record: String,
    },
    /// Asks for the erasure of a record; nothing changes until a second user runs it.
    Request(EraseRequestArgs),
    /// Erases a record that another user asked to erase; it cannot be taken back.
    #[command(after_help = "Example:\n  kinmesh erase run P-7h3k9q --user boris\n\n\
        The plan is shown and the record's id has to be typed. Without a terminal, give the whole id.")]
    Run {
        /// Id of a registered or sought person's record, or the beginning of one.
        record: String,
    },
    /// Takes a request back that nobody ran.
    #[command(after_help = "Example:\n  kinmesh erase withdraw P-7h3k9q")]
    Withdraw {
        /// Id of a registered or sought person's record, or the beginning of one.
        record: String,
    },
    /// Lists requests that wait for a second user.
    #[command(after_help = "Example:\n  kinmesh erase list")]
    List,
}

/// Arguments of `erase request`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh erase request P-7h3k9q --basis consent-withdrawn")]
pub(super) struct EraseRequestArgs {
    /// Id of a registered or sought person's record, or the beginning of one.
    record: String,
    /// Why.
    #[arg(long, value_enum)]
    basis: BasisWord,
}

/// A reason as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum BasisWord {
    /// The person took the consent back on which the record stood.
    ConsentWithdrawn,
    /// The person objects, and nothing outweighs that.
    Objection,
    /// The record is not needed any more for what it was made for.
    NotNeeded,
    /// It should not have been made: no basis, the wrong person, an invented one.
    Unlawful,
    /// The law demands it.
    LegalDuty,
}

impl From<BasisWord> for ErasureBasis {
    fn from(word: BasisWord) -> Self {
        match word {
            BasisWord::ConsentWithdrawn => ErasureBasis::ConsentWithdrawn,
            BasisWord::Objection => ErasureBasis::Objection,
            BasisWord::NotNeeded => ErasureBasis::NotNeeded,
            BasisWord::Unlawful => ErasureBasis::Unlawful,
            BasisWord::LegalDuty => ErasureBasis::LegalDuty,
        }
    }
}

/// Runs a verb.
pub(super) async fn run(context: &Context, verb: EraseVerb) -> Result<(), CommandError> {
    match verb {
        EraseVerb::Plan { record } => plan(context, record).await,
        EraseVerb::Request(args) => request(context, args).await,
        EraseVerb::Run { record } => erase(context, record).await,
        EraseVerb::Withdraw { record } => withdraw(context, record).await,
        EraseVerb::List => list(context).await,
    }
}

async fn view(context: &Context, command: Command) -> Result<ErasureView, CommandError> {
    match context.ask(command).await? {
        Answer::Erasure(view) => Ok(*view),
        _ => Err(Kind::OtherAnswer.into()),
    }
}

async fn plan(context: &Context, record: String) -> Result<(), CommandError> {
    let view = view(context, Command::ErasePlan { record }).await?;
    context.out.result("kinmesh/erase-plan/1", &view, |_| plan_text(&view))?;
    let verb = if view.asked.is_some() { "run" } else { "request" };
    context.out.hint(&format!("→ kinmesh erase {verb} {}", view.record.short()));
    Ok(())
}

async fn request(context: &Context, args: EraseRequestArgs) -> Result<(), CommandError> {
    let command = Command::EraseRequest { record: args.record, basis: args.basis.into() };
    let view = view(context, command).await?;
    context.out.result("kinmesh/erase-request/1", &view, |_| format!("✓ noted; nothing has changed\n{}", plan_text(&view)))?;
    context.out.hint(&format!("→ as another user: kinmesh erase run {}", view.record.short()));
    Ok(())
}

async fn erase(context: &Context, record: String) -> Result<(), CommandError> {
    if context.out.is_interactive() {
        let plan = view(context, Command::ErasePlan { record: record.clone() }).await?;
        context.out.before_question(&plan_text(&plan));
        let short = plan.record.short();
        let typed = prompt::line(&format!("Type {short} to erase this record"), "it cannot be taken back")?;
        if typed.expose() != &short && typed.expose() != &plan.record.to_string() {
            return Err(Kind::Interrupted.into());
        }
    } else if record.parse::<PersonId>().is_err() && record.parse::<SubjectId>().is_err() {
        return Err(UsageProblem::WholeId.into());
    }
    let done = view(context, Command::EraseRun { record }).await?;
    context.out.result("kinmesh/erase-run/1", &done, |_| done_text(&done))?;
    if let Some(other) = done.same.first() {
        context.out.hint(&format!("→ the same person again: kinmesh erase plan {}", other.short()));
    }
    Ok(())
}

async fn withdraw(context: &Context, record: String) -> Result<(), CommandError> {
    let view = view(context, Command::EraseWithdraw { record }).await?;
    context
        .out
        .result("kinmesh/erase-withdraw/1", &view, |_| format!("✓ {} stays; the request was taken back", view.record.short()))
}

async fn list(context: &Context) -> Result<(), CommandError> {
    let answer = context.ask(Command::EraseList).await?;
    let Answer::Erasures { erasures } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/erase-list/1", &answer, |out| list_text(out, erasures))?;
    if let Some(line) = erasures.first() {
        context.out.hint(&format!("→ as another user: kinmesh erase run {}", line.record.short()));
    }
    Ok(())
}

fn list_text(out: &Output, erasures: &[ErasureLine]) -> String {
    if erasures.is_empty() {
        return "no erasure waits".to_owned();
    }
    let mut table = Table::new([("Record", Flow::Whole), ("Reason", Flow::Whole), ("Asked by", Flow::Cut)]);
    for line in erasures {
        table.push([own(line.record.short()), own(line.basis.word()), own(line.asked_by)]);
    }
    out.table(&table)
}

/// What an erasure takes and what it leaves.
fn plan_text(view: &ErasureView) -> String {
    let mut text = match &view.asked {
        Some(asked) => format!("{} · {} · asked for by {}\n", view.record.short(), asked.basis.word(), asked.asked_by),
        None => format!("{} · nobody has asked for its erasure\n", view.record.short()),
    };
    text.push_str(match view.record {
        RecordId::Person(_) => "goes at once     the record, its file number, what it agreed to; nobody can claim it any more\n",
        RecordId::Subject(_) => {
            "goes at once     the sought person's record and search; claims are withdrawn; what was disclosed\n"
        }
    });
    if view.claims > 0 {
        text.push_str(&format!(
            "closes           {}\n",
            counted(view.claims, "claim of another society", "claims of other societies")
        ));
    }
    text.push_str("within 48 hours  its keys leave the sets of every member that is connected\n");
    text.push_str("within 31 days   a set that a member kept is worth nothing more\n");
    text.push_str(&stays_text(view));
    text
}

fn stays_text(view: &ErasureView) -> String {
    let mut text = String::new();
    if !view.told.is_empty() {
        let members: Vec<&str> = view.told.iter().map(|member| member.as_str()).collect();
        text.push_str(&format!("! not reached: what {} was told; ask there\n", members.join(", ")));
    }
    if !view.same.is_empty() {
        let same: Vec<String> = view.same.iter().map(PersonId::short).collect();
        text.push_str(&format!("! not reached: {}, taken for the same person; erase each\n", same.join(", ")));
    }
    text
}

fn done_text(view: &ErasureView) -> String {
    let closed = match view.claims {
        0 => String::new(),
        claims => format!("; {} closed", counted(claims, "claim is", "claims are")),
    };
    format!("✓ {} is erased{closed}; its keys leave the members' sets within 48 hours\n{}", view.record.short(), stays_text(view))
}

fn counted(number: u32, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

#[cfg(test)]
mod tests {
    use kinmesh_protocol::base::{MemberId, UserId};

    use super::*;
    use crate::cli::text::width;

    fn erasure(claims: u32, told: &[&str], same: &[u8]) -> ErasureView {
        let record = RecordId::Person(PersonId([7; 16]));
        let asked_by = UserId::new("amina").unwrap();
        ErasureView {
            record,
            state: "asked".to_owned(),
            asked: Some(ErasureLine { record, basis: ErasureBasis::Objection, asked_by, asked_at: 1_800_000_000 }),
            claims,
            told: told.iter().map(|id| MemberId::new(id).unwrap()).collect(),
            same: same.iter().map(|byte| PersonId([*byte; 16])).collect(),
        }
    }

    #[test]
    fn the_plan_says_what_goes_and_what_is_not_reached() {
        let text = plan_text(&erasure(2, &["KE", "UG"], &[9]));
        assert!(text.contains("objection · asked for by amina"), "{text}");
        assert!(text.contains("2 claims of other societies") && text.contains("what KE, UG was told"), "{text}");
        assert!(text.contains(&PersonId([9; 16]).short()), "{text}");
        assert!(text.lines().all(|line| width(line) <= 100), "{text}");
        let plain = plan_text(&erasure(0, &[], &[]));
        assert!(!plain.contains("not reached") && !plain.contains("claims"), "{plain}");
    }

    #[test]
    fn the_end_says_how_many_claims_are_closed() {
        assert!(done_text(&erasure(1, &[], &[])).contains("1 claim is closed"));
        assert!(!done_text(&erasure(0, &[], &[])).contains("closed"));
    }

    #[test]
    fn every_word_of_the_command_line_is_the_reason_of_that_name() {
        for word in BasisWord::value_variants() {
            let typed = word.to_possible_value().unwrap().get_name().replace('-', "_");
            assert_eq!(ErasureBasis::from(*word).word(), typed);
        }
    }
}
