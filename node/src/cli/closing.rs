//! `case close`, `case reopen`: the end of a search, and its beginning anew.

use clap::Args;
use kinmesh_protocol::engine::answer::Answer;
use kinmesh_protocol::engine::command::Command;

use super::context::Context;
use super::disclosure::OutcomeWord;
use super::errors::{CommandError, Kind};

/// Arguments of `case close`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh case close C-7h3k9q --outcome informed")]
pub(super) struct CaseCloseArgs {
    /// Id of the case, or the beginning of one.
    case: String,
    /// Only this sought person, by id.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// What came of it.
    #[arg(long, value_enum)]
    outcome: OutcomeWord,
}

/// Arguments of `case reopen`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh case reopen C-7h3k9q")]
pub(super) struct CaseReopenArgs {
    /// Id of the case, or the beginning of one.
    case: String,
    /// Only this sought person, by id.
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
}

/// Ends the search; what was found at other members is withdrawn.
pub(super) async fn close(context: &Context, args: CaseCloseArgs) -> Result<(), CommandError> {
    let command = Command::CaseClose { case: args.case, subject: args.subject, outcome: args.outcome.into() };
    let answer = context.ask(command).await?;
    let Answer::CaseClosed { case, subjects, .. } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/case-close/1", &answer, |_| {
        let ids: Vec<String> = subjects.iter().map(|subject| subject.short()).collect();
        format!("✓ {}: the search for {} has ended", case.short(), ids.join(", "))
    })?;
    context.out.hint(&format!("→ kinmesh case reopen {} takes it back", case.short()));
    Ok(())
}

/// Begins the search anew.
pub(super) async fn reopen(context: &Context, args: CaseReopenArgs) -> Result<(), CommandError> {
    let answer = context.ask(Command::CaseReopen { case: args.case, subject: args.subject }).await?;
    let Answer::CaseReopened { case, subjects } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/case-reopen/1", &answer, |_| {
        let ids: Vec<String> = subjects.iter().map(|subject| subject.short()).collect();
        format!("✓ {}: {} searched for again", case.short(), ids.join(", "))
    })?;
    context.out.hint(&format!("→ kinmesh search status {}", case.short()));
    Ok(())
}
