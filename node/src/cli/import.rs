//! `person import`: a CSV file into the register, sixteen rows a command.
//!
//! Rows that cannot be read are named here, rows that make no record by the engine; the others are kept, each batch
//! durable before the next is read. A file of any size is streamed. Values are never shown.

use std::path::{Path, PathBuf};

use clap::Args;
use kinmesh_protocol::base::limits::IMPORT_ROWS;
use kinmesh_protocol::base::{Timestamp, UserId};
use kinmesh_protocol::engine::answer::{Answer, RowResult};
use kinmesh_protocol::engine::command::{Command, ImportRow};
use kinmesh_protocol::person::FormError;
use kinmesh_protocol::person::record::Role;
use serde::Serialize;

use super::context::Context;
use super::errors::{CommandError, Kind};
use super::files;
use super::progress::Progress;
use super::text::inert;
use crate::exchange::{BadRow, Columns, FileError, PeopleFile, Row};

/// Rejected rows that are named one by one; more are counted.
const NAMED_ROWS: u64 = 1_000;

/// Arguments of `person import`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh person import people.csv --dry-run\n\n\
    Columns: id,given,family,father,mother,sex,birth,birth_place,last_place,phone,legal_basis,match_mode,visible_to,flags,note\n\
    or PFIF 1.4: full_name,given_name,family_name,date_of_birth,home_city,... Several telephones: phone_1,phone_2 or | between them.")]
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
    too_little: u64,
    /// The first rejected rows, by place.
    rejections: Vec<Rejection>,
    columns_left_out: Vec<String>,
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

async fn keep(context: &Context, rows: Vec<ImportRow>) -> Result<Vec<RowResult>, CommandError> {
    let mut results = Vec::with_capacity(rows.len());
    // The node takes as many rows as one durable batch holds.
    while let Some(left) = rows.get(results.len()..).filter(|left| !left.is_empty()) {
        match context.ask(Command::PersonImport { rows: left.to_vec() }).await? {
            Answer::Imported { rows } if !rows.is_empty() => results.extend(rows),
            _ => return Err(Kind::OtherAnswer.into()),
        }
    }
    Ok(results)
}

/// The engine's own check of a form, without the engine: what it would refuse is found before anything is kept.
fn check(rows: Vec<ImportRow>) -> Vec<RowResult> {
    let Ok(nobody) = UserId::new("dry-run") else { return Vec::new() };
    let checked = rows.into_iter().map(|ImportRow { row, form }| {
        let error = form.into_record(Role::Registered, Timestamp(0), nobody).err();
        RowResult { row, added: None, error }
    });
    checked.collect()
}

fn with_basis(mut person: ImportRow, args: &PersonImportArgs) -> ImportRow {
    if let Some(basis) = args.legal_basis.as_ref().filter(|_| person.form.legal_basis.is_empty()) {
        person.form.legal_basis.clone_from(basis);
    }
    person
}

impl Report {
    fn add(&mut self, progress: &Progress<'_>, columns: &Columns, result: RowResult) {
        if let Some(error) = &result.error {
            return self.reject(progress, unfit(columns, result.row, error));
        }
        self.rows += 1;
        if let Some(added) = result.added.as_ref().filter(|added| added.known) {
            self.known += 1;
            if self.known <= NAMED_ROWS {
                progress.warn(&format!("· row {}: already registered as {}", result.row, added.person.short()));
            }
            return;
        }
        self.kept += 1;
        self.too_little += u64::from(result.added.is_some_and(|added| added.too_little));
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
    if report.too_little > 0 {
        let line =
            format!("! {} have too little to be found by: the mother's name, a place or a date would help", report.too_little);
        context.out.hint(&line);
    }
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
        let said = err.text();
        assert!(said.contains("row 2, column dob: is not YYYY") && said.contains("row 4, column legal_basis: "), "{said}");
        assert!(!said.contains("Salim") && !said.contains("1998-") && !said.contains("perhaps"));
    }
}
