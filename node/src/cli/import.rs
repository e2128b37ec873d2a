//! `person import`: a CSV file into the register, sixteen rows a command.
//!
//! Rows that cannot be read are named here, rows that make no record by the engine; the others are kept, each batch
//! durable before the next is read. A file of any size is streamed. Values are never shown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use kinmesh_protocol::base::limits::IMPORT_ROWS;
use kinmesh_protocol::base::{PersonId, Timestamp, UserId};
use kinmesh_protocol::casework::describe;
use kinmesh_protocol::engine::answer::{Answer, RowResult};
use kinmesh_protocol::engine::command::{Command, ImportRow};
use kinmesh_protocol::linkage::{Advice, STRONG_KEYS, strength};
use kinmesh_protocol::person::FormError;
use kinmesh_protocol::person::record::Role;
use serde::Serialize;

use super::advice;
use super::context::Context;
use super::errors::{CommandError, Kind};
use super::files;
use super::progress::Progress;
use super::text::inert;
use crate::exchange::{BadRow, Columns, FileError, PeopleFile, Row};

/// Rejected rows, and rows without match keys, that are named one by one; more are counted.
const NAMED_ROWS: u64 = 1_000;

/// Arguments of `person import`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh person import people.csv --dry-run\n\n\
    Columns: id,given,family,father,mother,sex,birth,birth_place,last_place,phone,legal_basis,match_mode,visible_to,flags,note\n\
    birth is YYYY, YYYY-MM or YYYY-MM-DD, ~ in front for an estimate, or 1369-05-12 solar_hijri, 1390 hijri, 1982 ethiopian.\n\
    Or PFIF 1.4: full_name,given_name,family_name,date_of_birth,home_city,... Several telephones: phone_1,phone_2 or | between them.")]
pub(super) struct PersonImportArgs {
    /// CSV in UTF-8 with a header, or - for standard input.
    file: PathBuf,
    /// Legal basis of rows that name none: consent, vital_interest, public_interest, legitimate_interest, legal_obligation.
    #[arg(long, value_name = "WORD")]
    legal_basis: Option<String>,
    /// Checks every row and keeps none.
    #[arg(long)]
    dry_run: bool,
}

/// What became of a file.
#[derive(Default, Serialize)]
struct Report {
    dry_run: bool,
    rows: u64,
    kept: u64,
    /// Rows whose person was registered before, by the same file number with the same words.
    known: u64,
    rejected: u64,
    /// The first rejected rows, by place.
    rejections: Vec<Rejection>,
    columns_left_out: Vec<String>,
    match_keys: MatchKeys,
}

/// How well the kept rows can be matched.
#[derive(Default, Serialize)]
struct MatchKeys {
    /// Rows with 12 keys or more.
    strong: u64,
    /// Rows with fewer.
    weak: u64,
    /// Rows without one.
    too_little: u64,
    /// The first rows without one, by place.
    too_little_rows: Vec<TooLittle>,
    /// For how many rows each field would help most.
    would_help: BTreeMap<Advice, u64>,
}

#[derive(Serialize)]
struct TooLittle {
    row: u64,
    add: Option<Advice>,
}

/// What became of a row.
struct Checked {
    row: u64,
    /// Number of match keys, and the field that would help.
    outcome: Result<(u32, Option<Advice>), FormError>,
    /// The record, if it was registered before.
    known: Option<PersonId>,
}

#[derive(Serialize)]
struct Rejection {
    row: u64,
    column: Option<String>,
    problem: String,
}

/// Imports a file.
pub(super) async fn run(context: &Context, args: &PersonImportArgs) -> Result<(), CommandError> {
    let mut progress = Progress::new(&context.out, size(&args.file));
    let mut file = PeopleFile::open(progress.count(files::open(&args.file)?))?;
    let mut report = Report { dry_run: args.dry_run, ..Report::default() };
    for unused in file.columns().unused() {
        let name = inert(&unused.name);
        context.out.hint(&format!("! column {} ({name}) is not used", unused.number));
        report.columns_left_out.push(name);
    }
    let columns = file.columns().clone();
    let mut batch: Vec<ImportRow> = Vec::with_capacity(IMPORT_ROWS);
    loop {
        let row = file.read().map_err(FileError::Io)?;
        let is_end = row.is_none();
        match row {
            Some(Row::Bad(bad)) => report.reject(&progress, unreadable(bad)),
            Some(Row::Person(person)) => batch.push(with_basis(*person, args)),
            None => {}
        }
        if batch.len() >= IMPORT_ROWS || (is_end && !batch.is_empty()) {
            let rows = std::mem::take(&mut batch);
            let results = if args.dry_run { Ok(check(rows)) } else { keep(context, rows).await };
            // What was kept stays: whoever imports the rest must know how far it got.
            let results = results.inspect_err(|_| progress.warn(&format!("! {} rows were kept before this", report.kept)))?;
            results.into_iter().for_each(|result| report.add(&progress, &columns, result));
            progress.say(format!("{} rows kept, {} left out", report.kept, report.rejected));
        }
        if is_end {
            break;
        }
    }
    drop(progress);
    finish(context, &report)
}

async fn keep(context: &Context, rows: Vec<ImportRow>) -> Result<Vec<Checked>, CommandError> {
    let mut results = Vec::with_capacity(rows.len());
    // The node takes as many rows as one durable batch holds.
    while let Some(left) = rows.get(results.len()..).filter(|left| !left.is_empty()) {
        match context.ask(Command::PersonImport { rows: left.to_vec() }).await? {
            Answer::Imported { rows } if !rows.is_empty() => results.extend(rows.into_iter().map(Checked::of)),
            _ => return Err(Kind::OtherAnswer.into()),
        }
    }
    Ok(results)
}

/// The engine's own check of a form, without the engine: what it would refuse is found before anything is kept.
fn check(rows: Vec<ImportRow>) -> Vec<Checked> {
    let Ok(nobody) = UserId::new("dry-run") else { return Vec::new() };
    let checked = rows.into_iter().map(|ImportRow { row, form }| {
        let record = form.into_record(Role::Registered, Timestamp(0), nobody);
        let strength = record.map(|record| strength(&describe::of_record(&record)));
        let outcome = strength.map(|found| (u32::try_from(found.keys).unwrap_or(u32::MAX), found.advice));
        Checked { row, outcome, known: None }
    });
    checked.collect()
}

impl Checked {
    fn of(result: RowResult) -> Self {
        let known = result.added.as_ref().filter(|added| added.known).map(|added| added.person);
        let outcome = match (result.added, result.error) {
            (_, Some(error)) => Err(error),
            (added, None) => Ok(added.map_or((0, None), |added| (added.keys, added.advice))),
        };
        Self { row: result.row, outcome, known }
    }
}

fn with_basis(mut person: ImportRow, args: &PersonImportArgs) -> ImportRow {
    if let Some(basis) = args.legal_basis.as_ref().filter(|_| person.form.legal_basis.is_empty()) {
        person.form.legal_basis.clone_from(basis);
    }
    person
}

impl Report {
    fn add(&mut self, progress: &Progress<'_>, columns: &Columns, checked: Checked) {
        let row = checked.row;
        match checked.outcome {
            Err(error) => self.reject(progress, unfit(columns, row, &error)),
            Ok((keys, advice)) => {
                self.rows += 1;
                if let Some(person) = checked.known {
                    self.known += 1;
                    if self.known <= NAMED_ROWS {
                        progress.warn(&format!("· row {row}: already registered as {}", person.short()));
                    }
                    return;
                }
                self.kept += 1;
                self.match_keys.count(progress, row, keys, advice);
            }
        }
    }

    fn reject(&mut self, progress: &Progress<'_>, rejection: Rejection) {
        self.rows += 1;
        self.rejected += 1;
        if self.rejected <= NAMED_ROWS {
            let column = rejection.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
            progress.warn(&format!("✗ row {}{column}: {}", rejection.row, rejection.problem));
            self.rejections.push(rejection);
        }
    }
}

impl MatchKeys {
    fn count(&mut self, progress: &Progress<'_>, row: u64, keys: u32, advice: Option<Advice>) {
        let is_weak = advice::is_weak(keys);
        match keys {
            0 => self.too_little += 1,
            _ if is_weak => self.weak += 1,
            _ => self.strong += 1,
        }
        if let Some(advice) = advice.filter(|_| keys == 0 || is_weak) {
            *self.would_help.entry(advice).or_default() += 1;
        }
        if keys == 0 && self.too_little <= NAMED_ROWS {
            advice::line(keys, advice).iter().for_each(|line| progress.hint(&format!("! row {row}: {line}")));
            self.too_little_rows.push(TooLittle { row, add: advice });
        }
    }

    /// The summary; nothing where no row was kept.
    fn text(&self) -> Option<String> {
        let Self { strong, weak, too_little, .. } = self;
        if strong + weak + too_little == 0 {
            return None;
        }
        let mut text = format!("match keys: {strong} rows strong ({STRONG_KEYS} or more), {weak} weak, {too_little} without any");
        // Among equals the field that is asked for first.
        let most = self.would_help.iter().rev().max_by_key(|(_, rows)| **rows);
        most.iter().for_each(|(advice, rows)| {
            text.push_str(&format!("; most often {} would help ({rows} rows)", advice.text()));
        });
        Some(text)
    }
}

fn unreadable(bad: BadRow) -> Rejection {
    Rejection { row: bad.row, column: bad.column.as_deref().map(inert), problem: bad.problem.to_string() }
}

/// The engine names the form's field; the reader of a file knows the column.
fn unfit(columns: &Columns, row: u64, error: &FormError) -> Rejection {
    let column = columns.name_of(&error.field).unwrap_or(&error.field);
    Rejection { row, column: Some(inert(column)), problem: error.problem.to_string() }
}

fn finish(context: &Context, report: &Report) -> Result<(), CommandError> {
    let done = if report.dry_run { "would be kept" } else { "kept" };
    context.out.result("kinmesh/person-import/1", report, |_| {
        let known = if report.known > 0 { format!(", {} already registered", report.known) } else { String::new() };
        format!("{} of {} rows {done}{known}, {} left out", report.kept, report.rows, report.rejected)
    })?;
    report.match_keys.text().iter().for_each(|line| context.out.hint(line));
    match (report.rejected, report.kept + report.known) {
        (0, _) => Ok(()),
        (_, 0) => Err(Kind::NothingKept.into()),
        (rejected, _) => Err(Kind::Partly { rejected }.into()),
    }
}

/// Bytes of a file, 0 where nobody knows.
fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| if file.is_file() { file.len() } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_names_rows_and_columns_and_no_values() {
        let text = "full_name,dob,legal_basis\nSalim Darwich,12.4.1998,consent\nሰላም,1998,consent\nΝ Α,,perhaps\n";
        let mut file = PeopleFile::open(text.as_bytes()).unwrap();
        let columns = file.columns().clone();
        let mut rows = Vec::new();
        while let Some(Row::Person(person)) = file.read().unwrap() {
            rows.push(*person);
        }
        let (out, _, err) = super::super::output::Output::captured(false);
        let progress = Progress::new(&out, 0);
        let mut report = Report::default();
        check(rows).into_iter().for_each(|result| report.add(&progress, &columns, result));
        drop(progress);
        assert_eq!((report.rows, report.kept, report.rejected), (3, 1, 2));
        assert_eq!((report.match_keys.strong, report.match_keys.weak, report.match_keys.too_little), (0, 0, 1));
        let said = err.text();
        assert!(said.contains("row 2, column dob: is not YYYY") && said.contains("row 4, column legal_basis: "), "{said}");
        assert!(said.contains("! row 3: too little to match privately: add the mother's name"), "{said}");
        assert!(!said.contains("Salim") && !said.contains("1998-") && !said.contains("perhaps"));
    }

    #[test]
    fn a_report_counts_how_well_the_rows_can_be_matched() {
        let (out, _, err) = super::super::output::Output::captured(false);
        let progress = Progress::new(&out, 0);
        let mut keys = MatchKeys::default();
        assert_eq!(keys.text(), None);
        let rows = [
            (48, None),
            (12, Some(Advice::Place)),
            (3, Some(Advice::Birth)),
            (3, Some(Advice::Place)),
            (1, None),
            (0, Some(Advice::Place)),
            (0, Some(Advice::Birth)),
            (0, None),
        ];
        for (row, (count, advice)) in (2..).zip(rows) {
            keys.count(&progress, row, count, advice);
        }
        drop(progress);
        let place = Advice::Place.text();
        assert_eq!(
            keys.text().unwrap(),
            format!("match keys: 2 rows strong (12 or more), 3 weak, 3 without any; most often {place} would help (2 rows)")
        );
        assert_eq!(err.text().lines().count(), 3);
        let json = serde_json::to_value(&keys).unwrap();
        assert_eq!(json["too_little_rows"][0], serde_json::json!({ "row": 7, "add": "place" }));
        assert_eq!(json["would_help"], serde_json::json!({ "place": 2, "birth": 2 }));
    }
}
