//! `protected hits`, `claim`, `priority`: what was found of records that nobody may find, and what two people do about it.
//!
//! A claim tells the seeker's society that this node holds such a record. The first user's `claim` only asks for it and ends
//! with exit code 13; the same command of another user sends it.

use clap::Subcommand;
use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::engine::answer::{Answer, AskHitLine};
use kinmesh_protocol::engine::command::Command;

use super::context::Context;
use super::errors::{CommandError, Kind};
use super::output::Output;
use super::table::{Flow, Table, own};

/// Verbs of `protected`.
#[derive(Debug, Subcommand)]
pub(super) enum ProtectedVerb {
    /// Lists protected records that somebody looks for; the look is recorded.
    #[command(after_help = "Example:\n  kinmesh protected hits")]
    Hits,
    /// Asks for a claim, or confirms the claim that another user asked for.
    #[command(
        after_help = "Example:\n  kinmesh protected claim P-7h3k9q --member KE\n\nThe claim tells the member that this node holds the record. Ask the person, or the guardian, first.\nIt leaves when a second user gives the same command."
    )]
    Claim {
        /// Id of the record, or the beginning of one.
        person: String,
        /// The member whose set was hit.
        #[arg(long, value_name = "ID")]
        member: MemberId,
    },
    /// Sets a record's place where more wait to be asked about than a member's budget allows.
    #[command(after_help = "Example:\n  kinmesh protected priority P-7h3k9q 0")]
    Priority {
        /// Id of the record, or the beginning of one.
        person: String,
        /// 0 is asked about first, 9 last; 5 unless set.
        #[arg(value_parser = clap::value_parser!(u8).range(0..=9))]
        rank: u8,
    },
}

/// Runs a verb.
pub(super) async fn run(context: &Context, verb: ProtectedVerb) -> Result<(), CommandError> {
    match verb {
        ProtectedVerb::Hits => hits(context).await,
        ProtectedVerb::Claim { person, member } => claim(context, person, member).await,
        ProtectedVerb::Priority { person, rank } => priority(context, person, rank).await,
    }
}

async fn hits(context: &Context) -> Result<(), CommandError> {
    let answer = context.ask(Command::AskHits).await?;
    let Answer::AskHits { hits } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/protected-hits/1", &answer, |out| hits_text(out, hits))?;
    if let Some(hit) = hits.iter().find(|hit| hit.candidate.is_none()) {
        context.out.hint(&format!("→ kinmesh protected claim {} --member {}", hit.person.short(), hit.member));
    }
    Ok(())
}

fn hits_text(out: &Output, hits: &[AskHitLine]) -> String {
    if hits.is_empty() {
        return "nobody is known to look for a protected record".to_owned();
    }
    let mut table = Table::new([
        ("Record", Flow::Whole),
        ("Member", Flow::Whole),
        ("Keys hit", Flow::Whole),
        ("State", Flow::Cut),
        ("Asked by", Flow::Cut),
        ("Candidate", Flow::Whole),
    ]);
    for hit in hits {
        table.push([
            own(hit.person.short()),
            own(hit.member),
            own(hit.hits),
            own(&hit.state),
            own(hit.asked_by.map_or_else(String::new, |user| user.to_string())),
            own(hit.candidate.map_or_else(String::new, |claim| claim.short())),
        ]);
    }
    out.table(&table)
}

async fn claim(context: &Context, person: String, member: MemberId) -> Result<(), CommandError> {
    let answer = context.ask(Command::AskClaim { person, member }).await?;
    match &answer {
        Answer::Claimed { claim } => context
            .out
            .result("kinmesh/protected-claim/1", &answer, |_| format!("✓ {} goes to {member} with the next bag", claim.short())),
        Answer::SecondNeeded { .. } => Err(Kind::SecondNeeded.into()),
        _ => Err(Kind::OtherAnswer.into()),
    }
}

async fn priority(context: &Context, person: String, rank: u8) -> Result<(), CommandError> {
    let answer = context.ask(Command::AskPriority { person, rank }).await?;
    let Answer::AskPriority { person, rank } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/protected-priority/1", &answer, |_| format!("✓ {} has place {rank}", person.short()))
}
