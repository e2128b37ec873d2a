//! `contact consent`: what the found person agreed to, as it was said.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::base::limits::DISCLOSURE_TEXT_BYTES;
use kinmesh_protocol::casework::consent::{ConsentForm, Decision};
use kinmesh_protocol::engine::answer::Answer;
use kinmesh_protocol::engine::command::Command;

use super::context::Context;
use super::errors::{CommandError, Kind, UsageProblem};
use super::files;
use super::prompt;

/// Verbs of `contact`.
#[derive(Debug, Subcommand)]
pub(super) enum ContactVerb {
    /// Records the found person's decision; without it nothing is disclosed.
    Consent(ContactConsentArgs),
}

/// Arguments of `contact consent`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh contact consent K-7h3k9q --decision contact --how written --text-file line.txt")]
pub(super) struct ContactConsentArgs {
    /// Id of the candidate, or the beginning of one.
    candidate: String,
    /// What the person decided [default: asked on the terminal].
    #[arg(long, value_enum)]
    decision: Option<DecisionWord>,
    /// How it was given [default: asked on the terminal].
    #[arg(long, value_enum)]
    how: Option<HowWord>,
    /// The message or the contact line that the person agreed to, in a file, or - for standard input.
    #[arg(long, alias = "note-file", value_name = "FILE")]
    text_file: Option<PathBuf>,
}

/// A decision as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum DecisionWord {
    /// Nothing is told.
    Nothing,
    /// That the person is alive, and no more.
    AliveOnly,
    /// A message, without place or contact.
    Message,
    /// How to reach the person.
    Contact,
}

/// How a consent was given, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum HowWord {
    /// On paper.
    Written,
    /// Spoken before a witness.
    OralWitnessed,
    /// Recorded.
    Recorded,
}

impl From<DecisionWord> for Decision {
    fn from(word: DecisionWord) -> Self {
        match word {
            DecisionWord::Nothing => Decision::Nothing,
            DecisionWord::AliveOnly => Decision::AliveOnly,
            DecisionWord::Message => Decision::Message,
            DecisionWord::Contact => Decision::Contact,
        }
    }
}

impl From<HowWord> for ConsentForm {
    fn from(word: HowWord) -> Self {
        match word {
            HowWord::Written => ConsentForm::Written,
            HowWord::OralWitnessed => ConsentForm::OralWitnessed,
            HowWord::Recorded => ConsentForm::Recorded,
        }
    }
}

/// Runs a verb.
pub(super) async fn run(context: &Context, verb: ContactVerb) -> Result<(), CommandError> {
    let ContactVerb::Consent(args) = verb;
    let decision = decision(context, args.decision)?;
    let form = how(context, args.how)?;
    let text = text(context, decision, args.text_file.as_ref())?;
    let command = Command::ContactConsent { candidate: args.candidate, decision, form, text };
    let answer = context.ask(command).await?;
    let Answer::ConsentRecorded { candidate, state } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/contact-consent/1", &answer, |_| format!("✓ {} is {state}", candidate.short()))?;
    if decision != Decision::Nothing {
        context.out.hint(&format!("→ kinmesh disclosure propose {}", candidate.short()));
    }
    Ok(())
}

fn decision(context: &Context, word: Option<DecisionWord>) -> Result<Decision, CommandError> {
    match word {
        Some(word) => Ok(word.into()),
        None if context.out.is_interactive() => {
            let all = [Decision::Nothing, Decision::AliveOnly, Decision::Message, Decision::Contact];
            let word = prompt::choose("What did the person decide?", all.map(Decision::word).to_vec())?;
            Decision::parse(word).ok_or_else(|| UsageProblem::NoDecision.into())
        }
        None => Err(UsageProblem::NoDecision.into()),
    }
}

fn how(context: &Context, word: Option<HowWord>) -> Result<ConsentForm, CommandError> {
    match word {
        Some(word) => Ok(word.into()),
        None if context.out.is_interactive() => {
            Ok(match prompt::choose("How was it given?", vec!["written", "oral, before a witness", "recorded"])? {
                "written" => ConsentForm::Written,
                "recorded" => ConsentForm::Recorded,
                _ => ConsentForm::OralWitnessed,
            })
        }
        None => Err(UsageProblem::NoDecision.into()),
    }
}

fn text(context: &Context, decision: Decision, path: Option<&PathBuf>) -> Result<Sensitive<String>, CommandError> {
    let is_needed = matches!(decision, Decision::Message | Decision::Contact);
    let text = match path {
        Some(path) => files::text(path, DISCLOSURE_TEXT_BYTES)?,
        None if is_needed && context.out.is_interactive() => {
            prompt::line("The exact text that the person agreed to", "the other society's desk will read it word for word")?
        }
        None => Sensitive::default(),
    };
    if is_needed && text.expose().trim().is_empty() { Err(UsageProblem::NoText.into()) } else { Ok(text) }
}
