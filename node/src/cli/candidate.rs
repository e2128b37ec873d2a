//! `candidate list`, `show`, `review`: pairs that a caseworker of the holder decides on.
//!
//! A caseworker sees both records side by side, field by field, and gives a verdict before the score's band is shown, so
//! that the machine's opinion does not become the person's.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::base::limits::RECORD_TEXT_BYTES;
use kinmesh_protocol::casework::review::Verdict;
use kinmesh_protocol::engine::answer::{Answer, CandidateLine, CandidateShown};
use kinmesh_protocol::engine::command::Command;
use kinmesh_protocol::linkage::{Band, FieldVerdict};
use serde_json::json;

use super::context::Context;
use super::enquirer::{self, CandidateAnswerArgs};
use super::errors::{CommandError, Kind, UsageProblem};
use super::files;
use super::output::Output;
use super::person::fields_text;
use super::prompt;
use super::table::{Flow, Table, own, theirs};

/// Verbs of `candidate`.
#[derive(Debug, Subcommand)]
pub(super) enum CandidateVerb {
    /// Lists candidates, masked.
    #[command(after_help = "Example:\n  kinmesh candidate list")]
    List {
        /// At most this many.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
    },
    /// Shows one candidate side by side; the view is recorded.
    #[command(after_help = "Example:\n  kinmesh candidate show K-7h3k9q")]
    Show {
        /// Id, or the beginning of one.
        candidate: String,
    },
    /// Gives a verdict: on a terminal after a look, in a script with --verdict.
    Review(CandidateReviewArgs),
    /// Asks the seeker's society who the enquirer is, once, after a verdict "same".
    #[command(after_help = "Example:\n  kinmesh candidate ask K-7h3k9q")]
    Ask {
        /// Id, or the beginning of one.
        candidate: String,
    },
    /// Lists what holders ask this node: who an enquirer is.
    #[command(after_help = "Example:\n  kinmesh candidate questions")]
    Questions,
    /// Answers such a question.
    Answer(CandidateAnswerArgs),
}

/// Arguments of `candidate review`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh candidate review K-7h3k9q --verdict same --note-file why.txt")]
pub(super) struct CandidateReviewArgs {
    /// Id, or the beginning of one.
    candidate: String,
    /// The verdict [default: asked on the terminal].
    #[arg(long, value_enum)]
    verdict: Option<VerdictWord>,
    /// Why, in a file, or - for standard input; never leaves the node.
    #[arg(long, value_name = "FILE")]
    note_file: Option<PathBuf>,
}

/// A verdict as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum VerdictWord {
    /// The two records are one person.
    Same,
    /// They are not.
    Different,
    /// Not to be told from what is here.
    Unsure,
}

impl From<VerdictWord> for Verdict {
    fn from(word: VerdictWord) -> Self {
        match word {
            VerdictWord::Same => Verdict::Same,
            VerdictWord::Different => Verdict::Different,
            VerdictWord::Unsure => Verdict::Unsure,
        }
    }
}

/// Runs a verb.
pub(super) async fn run(context: &Context, verb: CandidateVerb) -> Result<(), CommandError> {
    match verb {
        CandidateVerb::List { limit } => list(context, limit).await,
        CandidateVerb::Show { candidate } => show(context, candidate).await,
        CandidateVerb::Review(args) => review(context, args).await,
        CandidateVerb::Ask { candidate } => enquirer::ask(context, candidate).await,
        CandidateVerb::Questions => enquirer::questions(context).await,
        CandidateVerb::Answer(args) => enquirer::answer(context, args).await,
    }
}

async fn list(context: &Context, limit: u32) -> Result<(), CommandError> {
    let answer = context.ask(Command::CandidateList { limit }).await?;
    let Answer::Candidates { candidates } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/candidate-list/1", &answer, |out| list_text(out, candidates))?;
    if let Some(next) = candidates.iter().find(|line| line.state == "to_review") {
        context.out.hint(&format!("→ kinmesh candidate review {}", next.candidate.short()));
    }
    Ok(())
}

fn list_text(out: &Output, candidates: &[CandidateLine]) -> String {
    if candidates.is_empty() {
        return "no candidate".to_owned();
    }
    let mut table = Table::new([
        ("Candidate", Flow::Whole),
        ("Seeker", Flow::Whole),
        ("Own record", Flow::Whole),
        ("State", Flow::Whole),
        ("Band", Flow::Whole),
        ("Outcome", Flow::Cut),
    ]);
    for line in candidates {
        table.push([
            own(line.candidate.short()),
            own(line.seeker),
            own(record_word(line)),
            own(&line.state),
            own(line.band.map_or("-", band_word)),
            own(line.outcome.as_deref().unwrap_or("-")),
        ]);
    }
    out.table(&table)
}

async fn shown(context: &Context, candidate: String) -> Result<Box<CandidateShown>, CommandError> {
    match context.ask(Command::CandidateShow { candidate }).await? {
        Answer::Candidate(shown) => Ok(shown),
        _ => Err(Kind::OtherAnswer.into()),
    }
}

async fn show(context: &Context, candidate: String) -> Result<(), CommandError> {
    let shown = shown(context, candidate).await?;
    let mut value = serde_json::to_value(&shown).map_err(|_| Kind::Output)?;
    if let Some(object) = value.as_object_mut().filter(|_| is_blind(&shown)) {
        object.insert("band".to_owned(), json!(null));
    }
    context.out.result("kinmesh/candidate-show/1", &value, |out| show_text(out, &shown))
}

async fn review(context: &Context, args: CandidateReviewArgs) -> Result<(), CommandError> {
    let (verdict, note) = match args.verdict {
        Some(word) => (word.into(), Sensitive::default()),
        None if context.out.is_interactive() => ask(context, args.candidate.clone(), args.note_file.is_none()).await?,
        None => return Err(UsageProblem::NoVerdict.into()),
    };
    let note = match &args.note_file {
        Some(path) => files::text(path, RECORD_TEXT_BYTES)?,
        None => note,
    };
    let answer = context.ask(Command::CandidateReview { candidate: args.candidate, verdict, note }).await?;
    let Answer::Reviewed { candidate, state } = &answer else { return Err(Kind::OtherAnswer.into()) };
    context.out.result("kinmesh/candidate-review/1", &answer, |_| format!("✓ {} is {state}", candidate.short()))?;
    if state == "confirmed" {
        context.out.hint(&format!("→ ask the person, then: kinmesh contact consent {}", candidate.short()));
    }
    Ok(())
}

/// Shows the pair and asks for the verdict and its reason.
async fn ask(context: &Context, candidate: String, asks_note: bool) -> Result<(Verdict, Sensitive<String>), CommandError> {
    let shown = shown(context, candidate).await?;
    context.out.before_question(&show_text(&context.out, &shown));
    let verdict = match prompt::choose("Verdict", vec!["same", "different", "unsure"])? {
        "same" => Verdict::Same,
        "different" => Verdict::Different,
        _ => Verdict::Unsure,
    };
    let note = if asks_note { prompt::line("Why", "never leaves this node")? } else { Sensitive::default() };
    Ok((verdict, note))
}

/// Whether the band must stay unseen: nobody has given a verdict, and the engine has not closed it.
fn is_blind(shown: &CandidateShown) -> bool {
    shown.verdicts.is_empty() && shown.line.band.is_none()
}

fn show_text(out: &Output, shown: &CandidateShown) -> String {
    let line = &shown.line;
    let record = line.person.map_or("no record yet".to_owned(), |person| format!("our {}", person.short()));
    let mut text = format!("{} · asked by {} · {record} · {}\n", line.candidate.short(), line.seeker, line.state);
    if let Some(relation) = &line.named_as {
        text.push_str(&format!("named by this record as: {relation}\n"));
    }
    let mut table = Table::new([("", Flow::Wrap), ("sought", Flow::Wrap), ("registered (ours)", Flow::Wrap), ("", Flow::Wrap)]);
    for row in &shown.rows {
        let verdict = match (verdict_word(row.verdict), row.reason.as_str()) {
            (word, "") => word.to_owned(),
            (word, reason) => format!("{word} ({reason})"),
        };
        table.push([own(&row.field), value(row.sought.expose()), value(row.registered.expose()), own(verdict)]);
    }
    text.push_str(&out.table(&table));
    if shown.possible_relative {
        text.push_str("! a parent is shared and the given name is not: this may be a brother or sister\n");
    }
    if !is_blind(shown) {
        let verdicts: Vec<&str> = shown.verdicts.iter().map(|verdict| review_word(*verdict)).collect();
        text.push_str(&format!("band {} · verdicts: {}\n", band_word(shown.band), verdicts.join(", ")));
    }
    if let Some(decision) = shown.decision {
        text.push_str(&format!("the person decided: {}\n", decision.word()));
    }
    match &shown.enquirer {
        Some(fields) if fields.is_empty() => text.push_str("enquirer: not given\n"),
        Some(fields) => text.push_str(&fields_text(out, fields)),
        None if shown.asked => text.push_str("enquirer: asked for, no answer yet\n"),
        None => {}
    }
    text
}

/// The own record, with the relation where it only names the sought person.
fn record_word(line: &CandidateLine) -> String {
    match (line.person, &line.named_as) {
        (Some(person), Some(relation)) => format!("{} names {relation}", person.short()),
        (Some(person), None) => person.short(),
        (None, _) => "-".to_owned(),
    }
}

fn value(text: &str) -> super::table::Cell {
    if text.is_empty() { own("-") } else { theirs(text) }
}

/// The word of a verdict, in capitals where it speaks against.
pub(super) const fn verdict_word(verdict: FieldVerdict) -> &'static str {
    match verdict {
        FieldVerdict::Match => "match",
        FieldVerdict::Variant => "variant",
        FieldVerdict::Mismatch => "MISMATCH",
        FieldVerdict::Blank => "blank",
        FieldVerdict::Unclear => "unclear",
    }
}

/// The word of a band.
pub(super) const fn band_word(band: Band) -> &'static str {
    match band {
        Band::Unlikely => "unlikely",
        Band::Possible => "possible",
        Band::Likely => "likely",
    }
}

const fn review_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::Different => "different",
        Verdict::Unsure => "unsure",
    }
}

#[cfg(test)]
mod tests {
    use kinmesh_protocol::base::{ClaimId, MemberId, PersonId};
    use kinmesh_protocol::engine::answer::CandidateRow;

    use super::*;
    use crate::cli::text::width;

    fn sample(verdicts: Vec<Verdict>) -> CandidateShown {
        let row = |field: &str, sought: &str, registered: &str, verdict, reason: &str| CandidateRow {
            field: field.to_owned(),
            sought: sought.into(),
            registered: registered.into(),
            verdict,
            reason: reason.to_owned(),
        };
        CandidateShown {
            line: CandidateLine {
                candidate: ClaimId([7; 16]),
                seeker: MemberId::new("SOUTH").unwrap(),
                person: Some(PersonId([9; 16])),
                named_as: None,
                state: "to_review".to_owned(),
                band: None,
                outcome: None,
            },
            rows: vec![
                row("given", "سليم", "Salim Kamal", FieldVerdict::Variant, "the same name in two scripts"),
                row("mother", "سعاد منصور بنت عبد الرحمن الحلاق", "Souad", FieldVerdict::Match, "some of the names agree"),
                row("last_place", "", "Damas", FieldVerdict::Blank, ""),
            ],
            band: Band::Likely,
            possible_relative: false,
            verdicts,
            decision: None,
            asked: false,
            enquirer: None,
        }
    }

    #[test]
    fn a_mention_is_shown_with_its_relation() {
        let (out, ..) = Output::captured(false);
        let mut shown = sample(Vec::new());
        shown.line.named_as = Some("mother".to_owned());
        assert!(show_text(&out, &shown).contains("\nnamed by this record as: mother\n"));
        let list = list_text(&out, &[shown.line]);
        assert!(list.contains(&format!("{} names mother", PersonId([9; 16]).short())), "{list}");
        assert!(list.lines().all(|line| width(line) <= 80), "{list}");
    }

    #[test]
    fn the_band_is_not_shown_before_a_verdict() {
        let (out, ..) = Output::captured(false);
        let before = show_text(&out, &sample(Vec::new()));
        assert!(!before.contains("likely"), "{before}");
        assert!(before.contains("variant") && before.contains("Damas"));
        assert!(before.lines().all(|line| width(line) <= 80), "{before}");
        assert!(show_text(&out, &sample(vec![Verdict::Same])).contains("band likely · verdicts: same"));
    }
}
