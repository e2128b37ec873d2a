//! `search breaker`: where too many cases hit for claims to go by themselves, and a supervisor's word on it.

use clap::Args;
use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::engine::answer::{Answer, BreakerLine};
use kinmesh_protocol::engine::command::Command;

use super::audit::utc;
use super::context::Context;
use super::errors::{CommandError, Kind, UsageProblem};
use super::output::Output;
use super::table::{Flow, Table, own};

/// Arguments of `search breaker`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh search breaker KE --allow 60 --days 28")]
pub(super) struct BreakerArgs {
    /// A member; all are listed if left out.
    #[arg(value_name = "ID")]
    member: Option<MemberId>,
    /// Lets so many cases hit there in 28 days before claims wait for a person.
    #[arg(long, value_name = "N", requires_all = ["member", "days"])]
    allow: Option<u32>,
    /// For so many days, 90 at most.
    #[arg(long, value_name = "N", requires = "allow", value_parser = clap::value_parser!(u32).range(1..=90))]
    days: Option<u32>,
    /// Takes back what was allowed, and the flag of a member at which made-up people hit.
    #[arg(long, requires = "member", conflicts_with = "allow")]
    reset: bool,
}

/// Shows the breakers, or changes one.
pub(super) async fn run(context: &Context, args: BreakerArgs) -> Result<(), CommandError> {
    let command = match (args.member, args.allow, args.days) {
        (Some(member), Some(limit), Some(days)) => Command::BreakerRaise { member, limit, days },
        (Some(member), None, _) if args.reset => Command::BreakerReset { member },
        (_, None, _) => Command::BreakerList,
        _ => return Err(UsageProblem::Arguments.into()),
    };
    let mut answer = context.ask(command).await?;
    let Answer::Breakers { breakers } = &mut answer else { return Err(Kind::OtherAnswer.into()) };
    if let Some(member) = args.member {
        breakers.retain(|line| line.owner == member);
    }
    let lines = breakers.clone();
    context.out.result("kinmesh/search-breaker/1", &answer, |out| text(out, &lines))
}

fn text(out: &Output, lines: &[BreakerLine]) -> String {
    if lines.is_empty() {
        return "no other member takes part".to_owned();
    }
    let mut table = Table::new([
        ("Member", Flow::Whole),
        ("Tested", Flow::Whole),
        ("Hit in 28 days", Flow::Whole),
        ("Let through", Flow::Whole),
        ("Breaker", Flow::Whole),
        ("Raised until", Flow::Cut),
    ]);
    for line in lines {
        let raised = match (line.raised_until, &line.raised_by) {
            (Some(until), Some(by)) => format!("{} by {by}", utc(until)),
            _ => "-".to_owned(),
        };
        table.push([own(line.owner), own(line.tested), own(line.lately), own(line.limit), own(&line.state), own(raised)]);
    }
    out.table(&table)
}
