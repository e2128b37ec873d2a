//! What the demo tells at its end: both desks side by side, the answer key, what each party could see.

use std::fmt::Write as _;

use kinmesh_protocol::base::{MemberId, SubjectId};
use kinmesh_protocol::casework::review::Verdict;
use kinmesh_protocol::engine::answer::{CaseLine, SubjectLine};
use kinmesh_protocol::linkage::Band;

use crate::rehearsal::data::{Expected, Play};
use crate::rehearsal::ledger::{Candidate, Ledger};
use crate::rehearsal::work::OpenCase;

/// One sought person with what the two desks saw.
pub struct Line<'a> {
    /// The case.
    pub case: &'a OpenCase,
    /// Its place in the case, from 1.
    pub row: usize,
    /// What the seeker's desk sees.
    pub seeker: SubjectLine,
    /// The candidate that belongs to it, as its holder's desk saw it.
    pub candidate: Option<Candidate>,
}

/// Lays both desks' views beside each other.
#[must_use]
pub fn lines<'a>(play: &Play, cases: &'a [OpenCase], seen: &[(MemberId, Vec<CaseLine>)], ledger: &Ledger) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for (case, planned) in cases.iter().zip(&play.cases) {
        let views = seen.iter().find(|(member, _)| *member == case.society).map(|(_, cases)| cases);
        let Some(view) = views.and_then(|cases| cases.iter().find(|line| line.case == case.case)) else { continue };
        for ((seeker, (_, form)), row) in view.subjects.iter().zip(&planned.subjects).zip(1..) {
            // The seeker never learns which candidate a closed claim was: only the demo, which plays both desks, can lay
            // them together, by what the seeker's society had sent.
            let candidate = ledger
                .candidates
                .values()
                .find(|candidate| {
                    candidate.seeker == case.society
                        && candidate.sought("given") == form.given.expose().trim()
                        && candidate.sought("names").ends_with(form.family.expose().trim())
                        && candidate.sought("mother") == form.mother.expose().trim()
                })
                .cloned();
            lines.push(Line { case, row, seeker: seeker.clone(), candidate });
        }
    }
    lines
}

/// The table of both desks.
#[must_use]
pub fn table(lines: &[Line<'_>]) -> String {
    let mut out = String::from(
        "\n               | seeker's desk sees                  | holder's desk sees\nCase     Seeker | Sought           State     Outcome  | Candidate    Band     Review\n",
    );
    for line in lines {
        let sought = format!("{}, {}", line.seeker.initials.expose(), or_dash(line.seeker.year.expose()));
        let news = match line.seeker.state.as_str() {
            "answered" | "ended" => "disclosed",
            "not_searched" => "no search",
            _ => "no news",
        };
        let outcome = line.seeker.outcome.as_deref().unwrap_or("-");
        let (id, band, review) = match &line.candidate {
            Some(candidate) => (candidate.id.short(), band_word(candidate.band), review_words(candidate)),
            None => ("-".to_owned(), "-", "-".to_owned()),
        };
        // Isolates keep a name of another direction from turning the row round; they take no column.
        let _infallible = writeln!(
            out,
            "{}/{:<2}  {:<7}| \u{2068}{}\u{2069}{} {:<9} {:<9}| {:<12} {:<8} {}",
            line.case.label,
            line.row,
            line.case.society,
            sought,
            " ".repeat(16usize.saturating_sub(sought.chars().count())),
            news,
            outcome,
            id,
            band,
            review
        );
    }
    out
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

const fn band_word(band: Band) -> &'static str {
    match band {
        Band::Likely => "likely",
        Band::Possible => "possible",
        Band::Unlikely => "unlikely",
    }
}

fn review_words(candidate: &Candidate) -> String {
    match (candidate.verdict, candidate.state.as_str()) {
        (Verdict::Same, "closed") => "same; the person said no".to_owned(),
        (Verdict::Same, _) => "same".to_owned(),
        (Verdict::Different, _) if candidate.relative => "different (a relative?)".to_owned(),
        (Verdict::Different, _) => "different".to_owned(),
        (Verdict::Unsure, _) => "unsure".to_owned(),
    }
}

/// The answer key, held against what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Expected to be found, and found where the key says.
    pub found: usize,
    /// Expected to be found.
    pub findable: usize,
    /// Disclosed although not expected, or of another person than the key says.
    pub wrong: usize,
    /// Rightly not found, by reason.
    pub rightly: Vec<(String, usize)>,
    /// Expected to be found and not found: case and row.
    pub missed: Vec<(String, usize)>,
}

/// Opens the answer key. Until here nothing looked at it.
#[must_use]
pub fn mark(answers: &[Expected], cases: &[OpenCase], ledger: &Ledger) -> Marks {
    let mut marks = Marks::default();
    for answer in answers {
        let subject =
            cases.iter().find(|case| case.label == answer.case).and_then(|case| case.subjects.get(answer.row.saturating_sub(1)));
        let right = subject.is_some_and(|subject| is_right(answer, subject, ledger));
        let disclosed = subject.is_some_and(|subject| ledger.disclosed.contains_key(subject));
        if answer.found {
            marks.findable += 1;
            if right {
                marks.found += 1;
            } else if disclosed {
                marks.wrong += 1;
            } else {
                marks.missed.push((answer.case.clone(), answer.row));
            }
        } else if disclosed {
            marks.wrong += 1;
        } else {
            match marks.rightly.iter_mut().find(|(reason, _)| *reason == answer.reason) {
                Some((_, count)) => *count += 1,
                None => marks.rightly.push((answer.reason.clone(), 1)),
            }
        }
    }
    marks
}

fn is_right(answer: &Expected, subject: &SubjectId, ledger: &Ledger) -> bool {
    let Some(disclosed) = ledger.disclosed.get(subject) else { return false };
    let record = ledger.candidates.get(&disclosed.candidate).and_then(|candidate| candidate.record.as_deref());
    answer.society == Some(disclosed.holder) && record == Some(answer.id.as_str())
}

impl Marks {
    /// The line at the end.
    #[must_use]
    pub fn line(&self) -> String {
        let rightly: usize = self.rightly.iter().map(|(_, count)| count).sum();
        let reasons: Vec<String> =
            self.rightly.iter().map(|(reason, count)| format!("{count} {}", reason.replace('_', " "))).collect();
        let mut line = format!(
            "Answer key: {} of {} findable people found, {} wrong, {rightly} rightly not found ({}).",
            self.found,
            self.findable,
            self.wrong,
            reasons.join(", ")
        );
        for (case, row) in &self.missed {
            let _infallible = write!(line, "\n  not found: {case}/{row}");
        }
        line
    }

    /// True if everybody findable was found and nobody else.
    #[must_use]
    pub fn all_right(&self) -> bool {
        self.found == self.findable && self.wrong == 0
    }
}
