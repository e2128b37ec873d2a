//! `candidate ask`, `questions`, `answer`: the enquirer's name, asked for by the holder after "same" and let go by two
//! people of the seeker's society.

use clap::Args;
use kinmesh_protocol::engine::answer::{Answer, QuestionLine};
use kinmesh_protocol::engine::command::Command;

use super::context::Context;
use super::errors::{CommandError, Kind};
use super::output::Output;
use super::table::{Flow, Table, own};

/// Arguments of `candidate answer`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh candidate answer K-7h3k9q --release")]
pub(super) struct CandidateAnswerArgs {
    /// Id of the candidate, or the beginning of one.
    candidate: String,
    /// The holder's desk learns name and relation of the enquirer; two users have to say so.
    #[arg(long, required_unless_present = "withhold", conflicts_with = "withhold")]
    release: bool,
    /// It is told that the enquirer is not named.
    #[arg(long)]
    withhold: bool,
}

/// Holder: asks who the enquirer is.
pub(super) async fn ask(context: &Context, candidate: String) -> Result<(), CommandError> {
    let answer = context.ask(Command::CandidateAsk { candidate }).await?;
    let Answer::EnquirerAsked { candidate } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/candidate-ask/1", &answer, |_| {
        format!("✓ the question goes with the next bag · candidate show {} has the answer", candidate.short())
    })
}

/// Seeker: questions that wait.
pub(super) async fn questions(context: &Context) -> Result<(), CommandError> {
    let answer = context.ask(Command::QuestionList).await?;
    let Answer::Questions { questions } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/candidate-questions/1", &answer, |out| questions_text(out, questions))?;
    if let Some(question) = questions.first() {
        let word = if question.agreed { "--release" } else { "--withhold" };
        context.out.hint(&format!("→ kinmesh candidate answer {} {word}", question.candidate.short()));
    }
    Ok(())
}

fn questions_text(out: &Output, questions: &[QuestionLine]) -> String {
    if questions.is_empty() {
        return "no question waits".to_owned();
    }
    let mut table = Table::new([
        ("Candidate", Flow::Whole),
        ("Case", Flow::Whole),
        ("Subject", Flow::Whole),
        ("Asked by", Flow::Whole),
        ("Enquirer agreed", Flow::Whole),
        ("Released by", Flow::Cut),
    ]);
    for line in questions {
        table.push([
            own(line.candidate.short()),
            own(line.case.short()),
            own(line.subject.short()),
            own(line.holder),
            own(if line.agreed { "yes" } else { "no" }),
            own(line.first.as_deref().unwrap_or("-")),
        ]);
    }
    out.table(&table)
}

/// Seeker: lets the name go, or does not.
pub(super) async fn answer(context: &Context, args: CandidateAnswerArgs) -> Result<(), CommandError> {
    let CandidateAnswerArgs { candidate, release, .. } = args;
    let command = if release { Command::QuestionRelease { candidate } } else { Command::QuestionRefuse { candidate } };
    let answer = context.ask(command).await?;
    let Answer::Question { candidate, state } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/candidate-answer/1", &answer, |_| match state.as_str() {
        "second_person" => "✓ noted · it goes when another user says so too".to_owned(),
        "sent" => "✓ name and relation of the enquirer go with the next bag".to_owned(),
        _ => "✓ the holder is told that the enquirer is not named".to_owned(),
    })?;
    if state == "second_person" {
        context.out.hint(&format!("→ as another user: kinmesh candidate answer {} --release", candidate.short()));
    }
    Ok(())
}
