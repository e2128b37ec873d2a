//! `member`: who is listed, and this node's own word on each. A veto needs nobody and takes effect at once.

use clap::{Args, Subcommand, ValueEnum};
use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::engine::AcceptPolicy;
use kinmesh_protocol::engine::answer::{Answer, MemberView};
use kinmesh_protocol::engine::command::Command;
use kinmesh_protocol::roster::ReasonCode;

use super::audit::utc;
use super::context::Context;
use super::errors::{CommandError, Kind};
use super::output::Output;
use super::send_now::{self, SendNowArgs};
use super::table::{Flow, Table, own, theirs};

/// Verbs of `member`.
#[derive(Debug, Subcommand)]
pub(super) enum MemberVerb {
    /// Lists the members and what this node decided on them.
    #[command(after_help = "Example:\n  kinmesh member list")]
    List,
    /// Shows one member.
    #[command(after_help = "Example:\n  kinmesh member show KE")]
    Show(MemberArgs),
    /// Refuses a member at this node: nothing is sent to it, nothing of it is answered.
    Deny(MemberDenyArgs),
    /// Takes a refusal back.
    #[command(after_help = "Example:\n  kinmesh member allow KE")]
    Allow(MemberArgs),
    /// Takes in a new member that waits.
    #[command(after_help = "Example:\n  kinmesh member accept KE")]
    Accept(MemberArgs),
    /// Shows or sets what is done about members that a roster lists for the first time.
    Policy(MemberPolicyArgs),
    /// Sends a bag to a member outside the rhythm; two users have to say so.
    SendNow(SendNowArgs),
}

/// One member.
#[derive(Debug, Args)]
pub(super) struct MemberArgs {
    /// Its id.
    #[arg(value_name = "ID")]
    member: MemberId,
}

/// Arguments of `member deny`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh member deny KE --reason broken-into")]
pub(super) struct MemberDenyArgs {
    /// Its id.
    #[arg(value_name = "ID")]
    member: MemberId,
    /// Why.
    #[arg(long, value_enum, default_value_t)]
    reason: Reason,
}

/// Arguments of `member policy`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh member policy ask")]
pub(super) struct MemberPolicyArgs {
    /// What is done; shown as it is if left out.
    #[arg(value_enum, value_name = "POLICY")]
    accept: Option<Accept>,
}

/// Why a member is refused or suspended; a word, so that no text about people travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Reason {
    /// None of the others.
    #[default]
    Other,
    /// The node or its keys are in other hands.
    Stolen,
    /// The node was broken into.
    BrokenInto,
    /// It sends what it should not.
    Misuse,
    /// The society asked for it.
    OwnWish,
    /// A law or an order forbids the exchange.
    Law,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Accept {
    /// Takes them: the custodians' signatures are enough.
    Auto,
    /// Waits for `member accept`.
    Ask,
    /// Refuses them until `member accept` names them.
    Never,
}

impl From<Reason> for ReasonCode {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Other => ReasonCode::Other,
            Reason::Stolen => ReasonCode::Stolen,
            Reason::BrokenInto => ReasonCode::BrokenInto,
            Reason::Misuse => ReasonCode::Misuse,
            Reason::OwnWish => ReasonCode::OwnWish,
            Reason::Law => ReasonCode::Law,
        }
    }
}

impl From<Accept> for AcceptPolicy {
    fn from(accept: Accept) -> Self {
        match accept {
            Accept::Auto => AcceptPolicy::Auto,
            Accept::Ask => AcceptPolicy::Ask,
            Accept::Never => AcceptPolicy::Never,
        }
    }
}

/// Runs a verb. Needs no unlocked user: a veto must not wait for one.
pub(super) async fn run(context: &Context, verb: MemberVerb) -> Result<(), CommandError> {
    match verb {
        MemberVerb::List => list(context).await,
        MemberVerb::Show(MemberArgs { member }) => one(context, Command::MemberShow { member }, None).await,
        MemberVerb::Deny(MemberDenyArgs { member, reason }) => {
            let done = format!("✓ {member} is refused at this node; other members are not told\n");
            one(context, Command::MemberDeny { member, reason: reason.into() }, Some(done)).await
        }
        MemberVerb::Allow(MemberArgs { member }) => {
            one(context, Command::MemberAllow { member }, Some(format!("✓ {member} is not refused by this node\n"))).await
        }
        MemberVerb::Accept(MemberArgs { member }) => {
            one(context, Command::MemberAccept { member }, Some(format!("✓ {member} is accepted\n"))).await
        }
        MemberVerb::Policy(MemberPolicyArgs { accept }) => policy(context, accept.map(AcceptPolicy::from)).await,
        MemberVerb::SendNow(args) => send_now::run(context, args).await,
    }
}

async fn list(context: &Context) -> Result<(), CommandError> {
    let answer = context.ask(Command::MemberList).await?;
    let Answer::Members { policy, members } = &answer else { return Err(Kind::OtherAnswer.into()) };
    let value = serde_json::json!({ "policy": policy, "members": members });
    context.out.result("kinmesh/member-list/1", &value, |out| {
        let mut table = Table::new([
            ("Member", Flow::Whole),
            ("Name", Flow::Cut),
            ("Network", Flow::Whole),
            ("Here", Flow::Whole),
            ("Link", Flow::Whole),
        ]);
        for view in members {
            table.push([
                own(view.member),
                theirs(&view.name),
                own(&view.standing),
                own(view.local.as_ref().map_or("-", |local| word_of(&local.decision))),
                own(if view.up { "up" } else { "down" }),
            ]);
        }
        format!("{}\nnew members: {}", out.table(&table), policy_word(*policy))
    })
}

async fn one(context: &Context, command: Command, done: Option<String>) -> Result<(), CommandError> {
    let Answer::Member(view) = context.ask(command).await? else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/member-show/1", &view, |out| format!("{}{}", done.unwrap_or_default(), text(out, &view)))
}

fn text(_: &Output, view: &MemberView) -> String {
    let mut lines = vec![
        format!("{} · {} · {}", view.member, view.name, view.country),
        format!("network   {} since {}, joined {}", view.status, utc(view.status_since), utc(view.joined)),
        budget(view),
        format!("keys      root {}, {}", view.root_key, if view.announced { "announced" } else { "awaited" }),
        format!("link      {}", if view.up { "up" } else { "down" }),
    ];
    if !view.incident_contact.is_empty() {
        lines.push(format!("incidents {}", view.incident_contact));
    }
    if let Some(until) = view.suspended_until {
        let reason = view.suspended_for.unwrap_or_default().word();
        lines.push(format!("! suspended by custodians until {}, reason {reason}", utc(until)));
    }
    if view.standing == "revoked" {
        lines.push("! its key is void by its own word: it comes back when its root key announces another".to_owned());
    }
    if let Some(local) = &view.local {
        lines.push(format!("! here {} since {}, reason {}", word_of(&local.decision), utc(local.since), local.reason.word()));
    }
    lines.join("\n")
}

fn budget(view: &MemberView) -> String {
    let MemberView { case_class, ask_class, people_cap, .. } = view;
    let class = match view.status.as_str() {
        "probation" => format!("S while on probation, then {case_class}"),
        _ => case_class.clone(),
    };
    format!("budget    class {class}, sought {ask_class}, up to {people_cap} people")
}

async fn policy(context: &Context, accept: Option<AcceptPolicy>) -> Result<(), CommandError> {
    let Answer::MemberPolicy { policy } = context.ask(Command::MemberPolicy { accept }).await? else {
        return Err(Kind::OtherAnswer.into());
    };
    let value = serde_json::json!({ "policy": policy });
    context.out.result("kinmesh/member-policy/1", &value, |_| format!("new members: {}", policy_word(policy)))
}

fn word_of(decision: &str) -> &str {
    match decision {
        "waiting" => "waits for member accept",
        "policy_never" => "refused by policy",
        other => other,
    }
}

const fn policy_word(policy: AcceptPolicy) -> &'static str {
    match policy {
        AcceptPolicy::Auto => "auto (the custodians' signatures are enough)",
        AcceptPolicy::Ask => "ask (each waits for member accept)",
        AcceptPolicy::Never => "never (each is refused until member accept)",
    }
}
