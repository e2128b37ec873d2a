//! `bundle`: what waits for a member, carried to it as a file where no network leads to it.
//!
//! A file is checked whole before its first item is handed over, so that one that was cut off in copying changes nothing. The
//! daemon is given one item at a time. Nothing here can open a cell: `inspect` shows what any finder of the file can see.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::engine::answer::Answer;
use kinmesh_protocol::engine::command::Command;
use kinmesh_protocol::engine::{BundleOutcome, BundlePlace, CarryProblem};
use kinmesh_protocol::wire::BundleError;
use serde_json::json;

use super::bundle_contents::{Contents, contents};
use super::context::Context;
use super::errors::{BundleProblem, CommandError, Kind};
use super::files;
use super::progress::Progress;
use super::table::{Flow, Table, own};
use crate::exchange::bundle_file::BundleFileError;
use crate::exchange::bundle_stream::{BundleSink, BundleSource};
use crate::exchange::{WholeFileError, utc};

/// A part that is not there after so long will not come: the daemon's jobs stand still.
const PATIENCE: Duration = Duration::from_secs(120);

/// Verbs of `bundle`.
#[derive(Debug, Subcommand)]
pub(super) enum BundleVerb {
    /// Writes all that waits for a member into a file, sealed to it.
    Export(BundleExportArgs),
    /// Takes a file that another member's node wrote for this one.
    Import(BundleFileArgs),
    /// Shows what a file holds, as any finder of it could see: never its content.
    #[command(after_help = "Example:\n  kinmesh bundle inspect to-KE.kmb")]
    Inspect(BundleInspectArgs),
}

/// Arguments of `bundle export`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh bundle export --to KE --out /media/stick/to-KE.kmb")]
pub(super) struct BundleExportArgs {
    /// For whom.
    #[arg(long, value_name = "ID")]
    to: MemberId,
    /// File to write [default: to-ID-TIME.kmb].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `bundle import`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kinmesh bundle import /media/stick/to-KE.kmb")]
pub(super) struct BundleFileArgs {
    /// The file; taking it twice changes nothing.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Arguments of `bundle inspect`.
#[derive(Debug, Args)]
pub(super) struct BundleInspectArgs {
    /// The file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs a verb. None needs an unlocked user: nothing is opened that a person could read.
pub(super) async fn run(context: &Context, verb: BundleVerb) -> Result<(), CommandError> {
    match verb {
        BundleVerb::Export(args) => export(context, &args).await,
        BundleVerb::Import(args) => import(context, &args.file).await,
        BundleVerb::Inspect(args) => inspect(context, &args.file),
    }
}

async fn export(context: &Context, args: &BundleExportArgs) -> Result<(), CommandError> {
    let first = part(context, args.to, None).await?;
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("to-{}-{}.kmb", args.to, stamp(first.made))));
    let mut sink = BundleSink::create(&path).map_err(unusable)?;
    let mut progress = Progress::new(&context.out, 0);
    let only_public = first.only_public;
    let (mut cells, mut since, mut is_full) = (0u64, Instant::now(), false);
    let mut open = Some(first);
    while let Some(part) = open.take() {
        for item in &part.items {
            match sink.push(item) {
                Ok(()) => cells += u64::from(part.is_sealed),
                // The rest goes with the next bundle, when this one was confirmed.
                Err(BundleFileError::Bundle(BundleError::Bundle)) => is_full = true,
                Err(error) => return Err(unusable(error)),
            }
        }
        progress.say(format!("{} items, {} kB", sink.items, sink.bytes / 1_000));
        let Some(place) = part.next.filter(|_| !is_full) else { break };
        if part.wait_ms > 0 {
            if since.elapsed() > PATIENCE {
                return Err(BundleProblem::Stuck.into());
            }
            tokio::time::sleep(Duration::from_millis(part.wait_ms.into())).await;
        } else {
            since = Instant::now();
        }
        open = Some(self::part(context, args.to, Some(place)).await?);
    }
    let (items, bytes) = (sink.items, sink.bytes);
    sink.finish().map_err(unusable)?;
    drop(progress);
    if let Some(problem) = only_public {
        context.out.warn(&format!("only public messages are in it: {problem}"));
    }
    let value = json!({
        "file": path, "to": args.to.to_string(), "items": items, "cells": cells, "bytes": bytes,
        "complete": !is_full, "only_public": only_public,
    });
    context.out.result("kinmesh/bundle-export/1", &value, |_| {
        let full = if is_full { "; it is full, export again once this one was confirmed" } else { "" };
        format!("✓ {} holds {cells} cells for {} and {} public messages{full}", path.display(), args.to, items - cells)
    })?;
    context.out.hint("what it holds goes on waiting here until a bundle from there confirms it");
    Ok(())
}

struct Part {
    items: Vec<Vec<u8>>,
    next: Option<BundlePlace>,
    wait_ms: u32,
    only_public: Option<CarryProblem>,
    made: u64,
    /// Everything but the first part is cells.
    is_sealed: bool,
}

async fn part(context: &Context, to: MemberId, place: Option<BundlePlace>) -> Result<Part, CommandError> {
    match context.ask(Command::BundlePart { to, place }).await? {
        Answer::BundlePart { items, next, wait_ms, only_public, made } => {
            Ok(Part { items, next, wait_ms, only_public, made, is_sealed: place.is_some() })
        }
        _ => Err(Kind::OtherAnswer.into()),
    }
}

/// What became of the items of a file.
#[derive(Default)]
struct Taken {
    messages: u64,
    known: u64,
    public: u64,
    public_known: u64,
    refused: Vec<(u64, u8)>,
}

async fn import(context: &Context, path: &Path) -> Result<(), CommandError> {
    let found = read_contents(path)?;
    let Answer::Status(status) = context.ask(Command::Status).await? else { return Err(Kind::OtherAnswer.into()) };
    if found.cells > 0 && !found.to.iter().any(|to| *to == status.member) {
        return Err(BundleProblem::ForAnother.into());
    }
    let mut source = BundleSource::open(path).map_err(unusable)?;
    let mut progress = Progress::new(&context.out, found.items);
    let (mut taken, mut number) = (Taken::default(), 0u64);
    while let Some(item) = source.next_item().map_err(unusable)? {
        number += 1;
        match hand_over(context, item, number == 1).await? {
            BundleOutcome::Public { changed: true } => taken.public += 1,
            BundleOutcome::Public { changed: false } | BundleOutcome::Older => taken.public_known += 1,
            BundleOutcome::Cell { messages, fresh, .. } => {
                taken.messages += u64::from(fresh);
                taken.known += u64::from(messages - fresh.min(messages));
            }
            BundleOutcome::Refused { code } => taken.refused.push((number, code)),
            BundleOutcome::Busy { .. } => return Err(BundleProblem::Stuck.into()),
        }
        progress.say(format!("{number} of {} items", found.items));
    }
    drop(progress);
    report(context, &taken)
}

/// Gives the daemon one item, again while it is busy with earlier ones.
async fn hand_over(context: &Context, item: Vec<u8>, first: bool) -> Result<BundleOutcome, CommandError> {
    let since = Instant::now();
    let command = Command::BundleTake { item, first };
    loop {
        match context.ask(command.clone()).await? {
            Answer::BundleTaken { outcome: BundleOutcome::Busy { wait_ms } } if since.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(wait_ms.into())).await;
            }
            Answer::BundleTaken { outcome } => return Ok(outcome),
            _ => return Err(Kind::OtherAnswer.into()),
        }
    }
}

fn report(context: &Context, taken: &Taken) -> Result<(), CommandError> {
    let refused: Vec<_> = taken.refused.iter().map(|(item, code)| json!({"item": item, "code": code})).collect();
    let value = json!({
        "messages": taken.messages, "known": taken.known,
        "public": taken.public, "public_known": taken.public_known, "refused": refused,
    });
    context.out.result("kinmesh/bundle-import/1", &value, |_| {
        format!(
            "✓ {} messages and {} public ones are new here, {} were known",
            taken.messages,
            taken.public,
            taken.known + taken.public_known
        )
    })?;
    for (item, code) in &taken.refused {
        context.out.warn(&format!("✗ item {item} was refused: {}", reason(*code)));
    }
    let rejected = taken.refused.len() as u64;
    if rejected > 0 {
        return Err(BundleProblem::Refused { items: rejected }.into());
    }
    context.out.hint("carry an answer back: kinmesh bundle export --to ID");
    Ok(())
}

/// A code of protocol.md 3.7 in an operator's words.
fn reason(code: u8) -> String {
    let text = match code {
        2 | 3 | 5 => "it is damaged or not genuine: copy the file again",
        4 => "its sender's key is not known here, or the sender does not take part: take a later roster first",
        6 => "it is for another member or of another network",
        7 => "it was made in the future: set the clock of both machines",
        8 => "it ran out: ask for a later file",
        9 => "it is sealed to a key that is gone: carry a file back first, so that the sender learns the present key",
        23 => "the roster at this node was not confirmed for too long",
        _ => return format!("code {code}"),
    };
    text.to_owned()
}

fn inspect(context: &Context, path: &Path) -> Result<(), CommandError> {
    let found = read_contents(path)?;
    context.out.result("kinmesh/bundle-inspect/1", &found.json(), |out| {
        let mut text = format!("{} items, {} bytes; read, not verified\n", found.items, found.bytes);
        let mut table = Table::new([
            ("Kind", Flow::Whole),
            ("From", Flow::Whole),
            ("To", Flow::Whole),
            ("Count", Flow::Whole),
            ("Bytes", Flow::Whole),
            ("Made", Flow::Whole),
            ("Until", Flow::Whole),
        ]);
        for (group, sums) in &found.groups {
            table.push([
                own(group.kind),
                own(&group.from),
                own(group.to.as_deref().unwrap_or("all")),
                own(sums.count),
                own(sums.bytes),
                own(sums.made.map_or_else(String::new, utc)),
                own(sums.until.map_or_else(String::new, utc)),
            ]);
        }
        text.push_str(&out.table(&table));
        text
    })
}

fn read_contents(path: &Path) -> Result<Contents, CommandError> {
    contents(&mut BundleSource::open(path).map_err(unusable)?).map_err(unusable)
}

fn unusable(error: BundleFileError) -> CommandError {
    match error {
        BundleFileError::File(WholeFileError::Exists { .. }) => BundleProblem::Exists.into(),
        BundleFileError::File(WholeFileError::Io { source, .. }) => files::problem(&source),
        BundleFileError::File(WholeFileError::TooLong { .. }) | BundleFileError::Bundle(BundleError::Bundle) => {
            BundleProblem::TooLong.into()
        }
        BundleFileError::Bundle(BundleError::Magic) => BundleProblem::NotABundle.into(),
        BundleFileError::Bundle(BundleError::Truncated { .. }) => BundleProblem::CutOff.into(),
        BundleFileError::Bundle(BundleError::Item { .. }) => BundleProblem::Damaged.into(),
    }
}

/// A time for a file's name: digits and letters alone.
fn stamp(made: u64) -> String {
    utc(made).chars().filter(char::is_ascii_alphanumeric).collect()
}
