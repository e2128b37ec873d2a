//! `audit list`: who did what and when, without personal data. The other verbs are in `auditing`.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use kinmesh_protocol::engine::answer::{Answer, AuditLine};
use kinmesh_protocol::engine::command::Command;
use serde_json::{Value, json};

use super::auditing::{self, AuditChallengeArgs, AuditJudgeArgs, AuditKeyArgs, AuditOpenArgs, AuditReportArgs};
use super::context::Context;
use super::errors::{CommandError, Kind};
use super::output::Output;
use super::table::{Flow, Table, own};

/// Verbs of `audit`.
#[derive(Debug, Subcommand)]
pub(super) enum AuditVerb {
    /// Lists audit entries in order, and the head of their chain.
    List(AuditListArgs),
    /// Auditor: makes the key with which audits are demanded.
    Key(AuditKeyArgs),
    /// Auditor: signs a challenge to open what a society asked another one in an epoch.
    Challenge(AuditChallengeArgs),
    /// Owner: lists what the challenged society asked, by references and hashes alone.
    Report(AuditReportArgs),
    /// Challenged society: writes what stood behind the drawn references, for the auditor on the premises.
    Open(AuditOpenArgs),
    /// Auditor: judges what was opened.
    Judge(AuditJudgeArgs),
}

/// Arguments of `audit list`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh audit list --from 100 --limit 20")]
pub(super) struct AuditListArgs {
    /// From this number [default: the last entries].
    #[arg(long, value_name = "N")]
    from: Option<u64>,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
}

/// Runs a verb.
pub(super) async fn run(context: &Context, verb: AuditVerb) -> Result<(), CommandError> {
    match verb {
        AuditVerb::List(args) => list(context, args).await,
        AuditVerb::Key(args) => auditing::key(context, &args),
        AuditVerb::Challenge(args) => auditing::challenge(context, &args),
        AuditVerb::Report(args) => auditing::report(context, &args).await,
        AuditVerb::Open(args) => auditing::open(context, &args).await,
        AuditVerb::Judge(args) => auditing::judge(context, &args),
    }
}

async fn list(context: &Context, args: AuditListArgs) -> Result<(), CommandError> {
    let Answer::AuditHead { entries: count, head } = context.ask(Command::AuditHead).await? else {
        return Err(Kind::OtherAnswer.into());
    };
    let from = args.from.unwrap_or_else(|| (count + 1).saturating_sub(u64::from(args.limit)).max(1));
    let Answer::Audit { entries } = context.ask(Command::AuditList { from, limit: args.limit }).await? else {
        return Err(Kind::OtherAnswer.into());
    };
    let value = json!({ "count": count, "head": head, "entries": entries.iter().map(entry).collect::<Vec<_>>() });
    context.out.result("kinmesh/audit-list/1", &value, |out| text(out, &entries))?;
    context.out.hint(&format!("{count} entries · chain head {head}"));
    Ok(())
}

fn entry(line: &AuditLine) -> Value {
    json!({
        "number": line.number,
        "at": utc(line.at),
        "user": line.user,
        "act": line.act,
        "about": line.about,
        "member": line.member,
    })
}

fn text(out: &Output, entries: &[AuditLine]) -> String {
    if entries.is_empty() {
        return "no entry".to_owned();
    }
    let mut table = Table::new([
        ("No", Flow::Whole),
        ("When", Flow::Whole),
        ("User", Flow::Cut),
        ("Act", Flow::Cut),
        ("About", Flow::Whole),
        ("Member", Flow::Cut),
    ]);
    for line in entries {
        table.push([
            own(line.number),
            own(utc(line.at)),
            own(&line.user),
            own(&line.act),
            own(line.about.as_deref().unwrap_or("-")),
            own(line.member.map_or("-".to_owned(), |member| member.to_string())),
        ]);
    }
    out.table(&table)
}

/// Unix seconds as RFC 3339 in UTC; a number that is no time of our calendar stays a number.
pub(super) fn utc(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(|| seconds.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(u64::MAX), u64::MAX.to_string());
    }
}
