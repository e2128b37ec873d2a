//! `member send-now`: a bag outside the rhythm, decided on by two people who were told what it shows.

use clap::Args;
use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::engine::answer::Answer;
use kinmesh_protocol::engine::command::Command;

use super::context::Context;
use super::errors::{CommandError, Kind, UsageProblem};
use super::prompt;

/// Arguments of `member send-now`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh member send-now KE --yes")]
pub(super) struct SendNowArgs {
    /// Its id.
    #[arg(value_name = "ID")]
    member: MemberId,
    /// Without the question.
    #[arg(long)]
    yes: bool,
}

/// Says what an observer sees, asks, and notes this user's word or sends.
pub(super) async fn run(context: &Context, args: SendNowArgs) -> Result<(), CommandError> {
    let member = args.member;
    if !args.yes {
        if !context.out.is_interactive() {
            return Err(UsageProblem::NoPlan.into());
        }
        context.out.before_question(&shows(member));
        if !prompt::confirm("Send a bag at once?")? {
            return Err(Kind::Interrupted.into());
        }
    }
    let answer = context.ask(Command::BagSend { member }).await?;
    let Answer::Bag { sent, .. } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/member-send-now/1", &answer, |_| {
        if *sent {
            format!("✓ a bag is on its way to {member}")
        } else {
            "✓ noted · it goes when another user says so within a day".to_owned()
        }
    })?;
    if !sent {
        context.out.hint(&format!("→ as another user: kinmesh member send-now {member}"));
    }
    Ok(())
}

fn shows(member: MemberId) -> String {
    format!(
        "Bags leave at times that tell nothing, empty or not. One outside that rhythm shows whoever watches the line\n\
         that at this moment something hurried between this node and {member}: that a match is likely, and between whom.\n\
         Neither content nor kind shows. Two users have to decide on it.\n"
    )
}
