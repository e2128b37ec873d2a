//! `search plan`, `run`, `status`, `held`, `claim`: the private search at the other members.
//!
//! A search acts outwards: on a terminal its plan is shown and confirmed, a script names the plan or says `--yes`.

use std::time::Duration;

use clap::{Args, Subcommand};
use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::engine::answer::{Answer, AskingLine, HeldLine, SearchLine, SearchPlan};
use kinmesh_protocol::engine::command::Command;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::breaker::{self, BreakerArgs};
use super::context::Context;
use super::errors::{CommandError, Kind, UsageProblem};
use super::output::Output;
use super::progress::Progress;
use super::prompt;
use super::table::{Flow, Table, own};

/// Between two looks at a search that is waited for.
const POLL: Duration = Duration::from_millis(500);

/// Verbs of `search`.
#[derive(Debug, Subcommand)]
pub(super) enum SearchVerb {
    /// Shows what a search would ask, whom, and what each could learn.
    #[command(after_help = "Example:\n  kinmesh search plan C-7h3k9q")]
    Plan {
        /// Id of the case, or the beginning of one.
        case: String,
    },
    /// Queues the search of every sought person of a case at every member.
    Run(SearchRunArgs),
    /// Shows how far searches are. No news is not shown a member.
    #[command(after_help = "Example:\n  kinmesh search status C-7h3k9q")]
    Status {
        /// Id of the case, or the beginning of one [default: all].
        case: Option<String>,
    },
    /// Lists hits that wait for a person's decision.
    #[command(after_help = "Example:\n  kinmesh search held")]
    Held,
    /// Where too many cases hit for claims to go by themselves; a supervisor's word on it.
    Breaker(BreakerArgs),
    /// Claims a hit that waits.
    #[command(after_help = "Example:\n  kinmesh search claim S-7h3k9q --member KE")]
    Claim {
        /// Id of the sought person, or the beginning of one.
        subject: String,
        /// The member whose set was hit.
        #[arg(long, value_name = "ID")]
        member: MemberId,
    },
}

/// Arguments of `search run`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh search run C-7h3k9q --yes --wait --timeout 600")]
pub(super) struct SearchRunArgs {
    /// Id of the case, or the beginning of one.
    case: String,
    /// The plan that was looked at; refused if the state moved on.
    #[arg(long, value_name = "ID")]
    plan: Option<String>,
    /// Without a plan.
    #[arg(long, conflicts_with = "plan")]
    yes: bool,
    /// Shows the plan and queues nothing.
    #[arg(long, conflicts_with_all = ["plan", "yes", "wait"])]
    dry_run: bool,
    /// Stays until every member has answered.
    #[arg(long)]
    wait: bool,
    /// Waits at most this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, requires = "wait")]
    timeout: u64,
}

/// Runs a verb.
pub(super) async fn run(context: &Context, verb: SearchVerb) -> Result<(), CommandError> {
    match verb {
        SearchVerb::Plan { case } => show_plan(context, case).await,
        SearchVerb::Run(args) if args.dry_run => show_plan(context, args.case).await,
        SearchVerb::Run(args) => start(context, args).await,
        SearchVerb::Status { case } => status(context, case).await,
        SearchVerb::Held => held(context).await,
        SearchVerb::Breaker(args) => breaker::run(context, args).await,
        SearchVerb::Claim { subject, member } => claim(context, subject, member).await,
    }
}

async fn show_plan(context: &Context, case: String) -> Result<(), CommandError> {
    let plan = plan(context, case.clone()).await?;
    context.out.result("kinmesh/search-plan/1", &plan, |_| plan_text(&plan))?;
    context.out.hint(&format!("→ kinmesh search run {case} --plan {}", plan.plan));
    Ok(())
}

async fn plan(context: &Context, case: String) -> Result<SearchPlan, CommandError> {
    match context.ask(Command::SearchPlan { case }).await? {
        Answer::SearchPlan(plan) => Ok(plan),
        _ => Err(Kind::OtherAnswer.into()),
    }
}

fn plan_text(plan: &SearchPlan) -> String {
    let never: Vec<&str> = plan.claim_never.iter().map(|member| member.as_str()).collect();
    let never = if never.is_empty() { String::new() } else { format!(" · claims never to {}", never.join(", ")) };
    format!(
        "plan {}: {} sought · {} elements a member · {} members{never}\n\
         Each member learns that this node asked one padded question. A member that gets a\n\
         claim learns which of its own records the claim concerns, and the node that asks.\n",
        plan.plan, plan.subjects, plan.elements, plan.members
    )
}

async fn start(context: &Context, args: SearchRunArgs) -> Result<(), CommandError> {
    let plan = match args.plan {
        Some(plan) => Some(plan),
        None if args.yes => None,
        None if context.out.is_interactive() => {
            let plan = plan(context, args.case.clone()).await?;
            context.out.before_question(&plan_text(&plan));
            if !prompt::confirm("Search?")? {
                return Err(Kind::Interrupted.into());
            }
            Some(plan.plan)
        }
        None => return Err(UsageProblem::NoPlan.into()),
    };
    let answer = context.ask(Command::SearchRun { case: args.case.clone(), plan }).await?;
    let Answer::SearchStarted { queued, members_up, members_down } = &answer else { return Err(Kind::OtherAnswer.into()) };
    let text =
        format!("✓ {queued} evaluations queued · {members_up} members up, {members_down} down (theirs go on by themselves)");
    if args.wait {
        context.out.hint(&text);
        return wait(context, args.case, u64::from(*queued), Duration::from_secs(args.timeout)).await;
    }
    context.out.result("kinmesh/search-run/1", &answer, |_| text)?;
    context.out.hint(&format!("→ kinmesh search status {}", args.case));
    Ok(())
}

/// Waits until every evaluation of the case is answered, the queued ones at least, and shows its state then.
async fn wait(context: &Context, case: String, queued: u64, patience: Duration) -> Result<(), CommandError> {
    let until = Instant::now().checked_add(patience);
    let mut progress = Progress::new(&context.out, 0);
    loop {
        let (lines, _) = searches(context, Some(case.clone())).await?;
        let sum = |count: fn(&SearchLine) -> u32| lines.iter().map(|line| u64::from(count(line))).sum::<u64>();
        let (asked, answered) = (sum(|line| line.asked).max(queued), sum(|line| line.answered.min(line.asked)));
        progress.say(format!("{answered} of {asked} evaluations answered"));
        let is_late = until.is_some_and(|until| Instant::now() >= until);
        if answered >= asked || is_late {
            drop(progress);
            context.out.result("kinmesh/search-status/1", &json!({ "subjects": lines }), |out| status_text(out, &lines))?;
            return if answered >= asked { Ok(()) } else { Err(Kind::StillOpen { open: asked - answered }.into()) };
        }
        sleep(POLL).await;
    }
}

async fn searches(context: &Context, case: Option<String>) -> Result<(Vec<SearchLine>, Option<AskingLine>), CommandError> {
    match context.ask(Command::SearchStatus { case }).await? {
        Answer::Searches { subjects, asking } => Ok((subjects, asking)),
        _ => Err(Kind::OtherAnswer.into()),
    }
}

async fn status(context: &Context, case: Option<String>) -> Result<(), CommandError> {
    let (lines, asking) = searches(context, case).await?;
    context.out.result("kinmesh/search-status/1", &json!({ "subjects": lines, "asking": asking }), |out| {
        let mut text = status_text(out, &lines);
        if let Some(asking) = asking.filter(|asking| asking.records > 0) {
            text.push_str(&asking_text(asking));
        }
        text
    })
}

fn asking_text(asking: AskingLine) -> String {
    format!(
        "\n{} protected records are asked about at {} members; {} wait where most do",
        asking.records, asking.members, asking.waiting
    )
}

fn status_text(out: &Output, lines: &[SearchLine]) -> String {
    if lines.is_empty() {
        return "no search has been run".to_owned();
    }
    let mut table = Table::new([
        ("Case", Flow::Whole),
        ("Subject", Flow::Whole),
        ("Asked", Flow::Whole),
        ("Answered", Flow::Whole),
        ("Sets tested", Flow::Whole),
        ("State", Flow::Cut),
    ]);
    for line in lines {
        table.push([
            own(line.case.short()),
            own(line.subject.short()),
            own(line.asked),
            own(line.answered),
            own(line.tested),
            own(&line.state),
        ]);
    }
    out.table(&table)
}

async fn held(context: &Context) -> Result<(), CommandError> {
    let answer = context.ask(Command::SearchHeld).await?;
    let Answer::Held { hits } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/search-held/1", &answer, |out| held_text(out, hits))?;
    if let Some(hit) = hits.first() {
        context.out.hint(&format!("→ kinmesh search claim {} --member {}", hit.subject.short(), hit.owner));
    }
    Ok(())
}

fn held_text(out: &Output, hits: &[HeldLine]) -> String {
    if hits.is_empty() {
        return "no hit waits for a decision".to_owned();
    }
    let mut table = Table::new([
        ("Case", Flow::Whole),
        ("Subject", Flow::Whole),
        ("Member", Flow::Whole),
        ("Keys hit", Flow::Whole),
        ("Why it waits", Flow::Cut),
    ]);
    for hit in hits {
        table.push([own(hit.case.short()), own(hit.subject.short()), own(hit.owner), own(hit.hits), own(&hit.reason)]);
    }
    out.table(&table)
}

async fn claim(context: &Context, subject: String, owner: MemberId) -> Result<(), CommandError> {
    let answer = context.ask(Command::SearchClaim { subject, owner }).await?;
    let Answer::Claimed { claim } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/search-claim/1", &answer, |_| format!("✓ {} goes to {owner} with the next bag", claim.short()))
}
