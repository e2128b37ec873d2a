//! `person duplicates`, `merge`, `unmerge`: records of this node that are one person.
//!
//! The node proposes, a person decides, and every decision can be undone: both records are kept. Lists stay masked.

use clap::Args;
use kinmesh_protocol::base::PersonId;
use kinmesh_protocol::engine::answer::{Answer, DuplicateField, DuplicateLine, Duplicates, PersonLine};
use kinmesh_protocol::engine::command::Command;
use kinmesh_protocol::linkage::{ComparedField, FieldVerdict};
use serde_json::json;

use super::candidate::{band_word, verdict_word};
use super::context::Context;
use super::errors::{CommandError, Kind};
use super::output::Output;
use super::table::{Flow, Table, own, theirs};

/// Columns of a field's name.
const FIELD_COLUMN: usize = 13;
/// Columns of a verdict.
const VERDICT_COLUMN: usize = 8;

/// Arguments of `person duplicates`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh person duplicates\n\n\
    The node proposes pairs that share a match key and score 24 bits or more. Decide with:\n  \
    kinmesh person merge P-7h3k9q P-0n0t6a\n  kinmesh person unmerge P-7h3k9q P-0n0t6a")]
pub(super) struct DuplicatesArgs {
    /// Also pairs that the comparison or a person told apart.
    #[arg(long)]
    all: bool,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// Goes on after this pair: two whole ids.
    #[arg(long, num_args = 2, value_names = ["ID", "ID"])]
    after: Vec<PersonId>,
}

/// Arguments of `person merge`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh person merge P-7h3k9q P-0n0t6a\n\n\
    The first is listed, the second is shown as the same person. Both are kept: person unmerge undoes it.")]
pub(super) struct MergeArgs {
    /// Id of the record that is listed, or the beginning of one.
    shown: String,
    /// Id of the record that is the same person.
    other: String,
}

/// Arguments of `person unmerge`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh person unmerge P-7h3k9q P-0n0t6a\n\n\
    Undoes a merge, or turns down what the node proposed; it is not proposed again unless a record changes.")]
pub(super) struct UnmergeArgs {
    /// Id of one of the two records, or the beginning of one.
    one: String,
    /// Id of the other.
    other: String,
}

/// Lists pairs.
pub(super) async fn list(context: &Context, args: &DuplicatesArgs) -> Result<(), CommandError> {
    let wanted = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let mut after = match args.after.as_slice() {
        [first, second] => Some((*first, *second)),
        _ => None,
    };
    let mut all: Option<Duplicates> = None;
    // The node gives a page at a time, and a page may hold nothing that is asked for.
    let found = loop {
        let left = wanted.saturating_sub(all.as_ref().map_or(0, |found| found.pairs.len())).max(1);
        let limit = u32::try_from(left).unwrap_or(u32::MAX);
        let Answer::Duplicates(page) = context.ask(Command::PersonDuplicates { all: args.all, after, limit }).await? else {
            return Err(Kind::OtherAnswer.into());
        };
        let mut found = all.take().map_or_else(Vec::new, |found| found.pairs);
        found.extend(page.pairs.iter().cloned());
        let page = Duplicates { pairs: found, ..*page };
        if page.next.is_none() || page.pairs.len() >= wanted {
            break page;
        }
        after = page.next;
        all = Some(page);
    };
    context.out.result("kinmesh/person-duplicates/1", &found, |out| list_text(out, &found))?;
    hints(context, &found);
    Ok(())
}

fn hints(context: &Context, found: &Duplicates) {
    if let Some(line) = cut_warning(found.cut_warning, found.keys_cut, found.keys) {
        context.out.hint(&line);
    }
    if found.suspects > 0 {
        context.out.hint(&format!("! {} pairs were not compared yet", found.suspects));
    }
    if let Some(pair) = found.pairs.iter().find(|pair| pair.state == "proposed") {
        let (first, second) = (pair.first.person.short(), pair.second.person.short());
        context
            .out
            .hint(&format!("→ one person: kinmesh person merge {first} {second}; two: kinmesh person unmerge {first} {second}"));
    }
    if let Some((first, second)) = found.next {
        context.out.hint(&format!("→ more: kinmesh person duplicates --after {first} {second}"));
    }
}

/// Says that the cut takes too much, if it does.
pub(super) fn cut_warning(is_over: bool, cut: u64, keys: u64) -> Option<String> {
    is_over.then(|| {
        format!("! {cut} of {keys} match keys are left out of the sets: a population may be missing from the information table")
    })
}

fn list_text(out: &Output, found: &Duplicates) -> String {
    if found.pairs.is_empty() {
        return "no two records are taken for one person".to_owned();
    }
    let mut text = String::new();
    for pair in &found.pairs {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&pair_text(out, pair));
    }
    text
}

fn pair_text(out: &Output, pair: &DuplicateLine) -> String {
    let by = pair.decided_by.map_or_else(String::new, |user| format!(" by {user}"));
    let relative = if pair.possible_relative { " · perhaps a relative" } else { "" };
    let mut text = format!("{}{by} · band {}{relative}\n", pair.state, band_word(pair.band));
    let mut table = Table::new([
        ("Person", Flow::Whole),
        ("Initials", Flow::Cut),
        ("Born", Flow::Whole),
        ("Last place", Flow::Cut),
        ("Match", Flow::Whole),
    ]);
    for line in [&pair.first, &pair.second] {
        table.push(cells(line));
    }
    text.push_str(&out.table(&table));
    for DuplicateField { field, verdict, reason } in &pair.fields {
        if *verdict != FieldVerdict::Blank {
            let (name, word) = (field_name(*field), verdict_word(*verdict));
            text.push_str(&format!("  {name:FIELD_COLUMN$} {word:VERDICT_COLUMN$} {reason}\n"));
        }
    }
    text
}

fn cells(line: &PersonLine) -> [super::table::Cell; 5] {
    [
        own(line.person.short()),
        theirs(line.initials.expose()),
        theirs(line.year.expose()),
        theirs(line.place.expose()),
        own(&line.match_mode),
    ]
}

const fn field_name(field: ComparedField) -> &'static str {
    match field {
        ComparedField::Given => "given name",
        ComparedField::OwnNames => "other names",
        ComparedField::Father => "father",
        ComparedField::Mother => "mother",
        ComparedField::Birth => "birth",
        ComparedField::Place => "places",
        ComparedField::Sex => "sex",
    }
}

/// Says that two records are one person.
pub(super) async fn merge(context: &Context, args: MergeArgs) -> Result<(), CommandError> {
    let answer = context.ask(Command::PersonMerge { shown: args.shown, other: args.other }).await?;
    let Answer::Merged { shown, other } = &answer else { return Err(Kind::OtherAnswer.into()) };
    let value = json!({ "shown": shown, "other": other });
    context.out.result("kinmesh/person-merge/1", &value, |_| {
        format!("✓ {} is the same person as {}; both records are kept", other.short(), shown.short())
    })?;
    context.out.hint(&format!("→ to undo: kinmesh person unmerge {} {}", shown.short(), other.short()));
    Ok(())
}

/// Says that two records are two people.
pub(super) async fn unmerge(context: &Context, args: UnmergeArgs) -> Result<(), CommandError> {
    let answer = context.ask(Command::PersonUnmerge { one: args.one, other: args.other }).await?;
    let Answer::Unmerged { one, other } = &answer else { return Err(Kind::OtherAnswer.into()) };
    let value = json!({ "one": one, "other": other });
    context.out.result("kinmesh/person-unmerge/1", &value, |_| {
        format!("✓ {} and {} are two people; this is not asked again unless a record changes", one.short(), other.short())
    })
}

#[cfg(test)]
mod tests {
    use kinmesh_protocol::linkage::Band;

    use super::*;
    use crate::cli::text::width;

    fn line(id: u8, initials: &str, year: &str, place: &str) -> PersonLine {
        PersonLine {
            person: PersonId([id; 16]),
            initials: initials.into(),
            year: year.into(),
            place: place.into(),
            match_mode: "answer".to_owned(),
            same_as: None,
        }
    }

    #[test]
    fn a_pair_is_shown_masked_with_its_reasons_in_words() {
        let (out, ..) = Output::captured(false);
        let field = |field, verdict, reason: &str| DuplicateField { field, verdict, reason: reason.to_owned() };
        let found = Duplicates {
            pairs: vec![DuplicateLine {
                first: line(1, "م. أ.", "~1990", "مقديشو"),
                second: line(2, "M. A.", "1991", "Muqdisho (Banaadir), Hodan district, near the old fish market"),
                state: "proposed".to_owned(),
                band: Band::Likely,
                possible_relative: false,
                fields: vec![
                    field(ComparedField::Given, FieldVerdict::Match, "another script, the same name"),
                    field(ComparedField::Mother, FieldVerdict::Blank, "not recorded on one side"),
                    field(ComparedField::Birth, FieldVerdict::Variant, "year only, at most two years apart"),
                ],
                decided_by: None,
                shown: None,
            }],
            next: None,
            suspects: 0,
            keys_cut: 0,
            keys: 90,
            cut_warning: false,
        };
        let text = list_text(&out, &found);
        assert!(text.starts_with("proposed · band likely\n"), "{text}");
        assert!(text.contains("  given name    match    another script, the same name\n"), "{text}");
        assert!(!text.contains("mother"), "what a side lacks is no reason: {text}");
        assert!(text.lines().all(|line| width(line) <= 80), "{text}");
    }

    #[test]
    fn the_warning_says_what_it_may_mean() {
        assert_eq!(cut_warning(false, 200, 300), None);
        assert!(cut_warning(true, 200, 300).unwrap().starts_with("! 200 of 300 match keys"));
    }
}
