//! `match eval`: recall, strangers and kin a query on labelled data, and the share of spellings that meet.
//!
//! The measure is that of the profile (matching.md 6): a query finds its person if both descriptions have a key in common,
//! and is claimed without a person if they have two. Network, budgets and the second stage take no part.

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

use kinmesh_protocol::linkage::{Entry, Evaluation, OwnerCut, evaluate, profile_id};
use serde::Serialize;

use super::error::{Input, MatchError};
use super::interval;
use super::labelled::{Labelled, Numbers};
use super::source::Source;
use super::spellings::{SpellingsReport, measure};

/// What to evaluate. `-` is standard input, for one file; any file may be gzip.
#[derive(Clone, Debug, Default)]
pub struct EvalArgs {
    /// Registered people, JSON lines or CSV; together with `sought`.
    pub registered: Option<PathBuf>,
    /// Sought people; the true match is the registered one of the same id.
    pub sought: Option<PathBuf>,
    /// Pairs of spellings, a TAB between them.
    pub pairs: Option<PathBuf>,
    /// True to leave in what the owner's cut takes out (matching.md 7).
    pub without_cut: bool,
    /// True for one JSON object in place of text.
    pub json: bool,
}

/// The figures of one evaluation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The profile of the keys.
    pub profile: String,
    /// On people, if files of people were given.
    pub people: Option<PeopleReport>,
    /// On spellings, if a file of pairs was given.
    pub spellings: Option<SpellingsReport>,
}

/// The figures on people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeopleReport {
    /// Sought entries.
    pub queries: u64,
    /// Registered entries.
    pub registered: u64,
    /// True if keys that several households carry were left out.
    pub owner_cut: bool,
    /// With one key in common or more.
    pub one_hit: Figures,
    /// With two keys in common or more: enough for a claim without a person.
    pub two_hits: Figures,
    /// Queries whose person shares keys of two classes or more.
    pub two_classes: Share,
    /// Keys a registered entry, mean.
    pub keys_mean: f64,
    /// Keys of the registered entry that has the most.
    pub keys_most: u64,
    /// Keys a sought entry, mean.
    pub query_keys_mean: f64,
    /// Registered entries without a key.
    pub registered_without_key: Share,
    /// Sought entries without a key.
    pub queries_without_key: Share,
    /// Keys asked for that the owner's cut left out.
    pub keys_cut: u64,
}

/// What a number of hits finds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Queries whose own registered entry is found: the recall.
    pub found: Share,
    /// Entries of strangers, a query.
    pub strangers: Share,
    /// Entries of the person's household, a query.
    pub kin: Share,
}

/// A count over a number of cases, with its 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// The count.
    pub count: u64,
    /// Divided by the number of cases.
    pub share: f64,
    /// Lower bound of the interval.
    pub low: f64,
    /// Upper bound of the interval.
    pub high: f64,
}

impl Share {
    /// A share: each case counts at most once.
    pub(super) fn of(count: u64, cases: u64) -> Self {
        Self::with(count, cases, interval::share(count, cases))
    }

    /// A rate: a case may count several times.
    fn rate(count: u64, cases: u64) -> Self {
        Self::with(count, cases, interval::rate(count, cases))
    }

    fn with(count: u64, cases: u64, (low, high): (f64, f64)) -> Self {
        Self { count, share: mean(count, cases), low, high }
    }
}

/// Evaluates and writes the report to `out`, as text or as one JSON object.
///
/// # Errors
/// [`MatchError`]: a file that cannot be read or judged, or an output that does not take the report.
pub fn eval(args: &EvalArgs, out: &mut dyn Write) -> Result<(), MatchError> {
    let report = Report::of(args)?;
    let text = if args.json {
        serde_json::to_string(&report).map_err(|error| MatchError::Output(error.into()))? + "\n"
    } else {
        report.text()
    };
    out.write_all(text.as_bytes()).map_err(MatchError::Output)
}

impl Report {
    /// Evaluates the files.
    ///
    /// # Errors
    /// [`MatchError`]: a file that cannot be read or judged.
    pub fn of(args: &EvalArgs) -> Result<Self, MatchError> {
        let files = [&args.registered, &args.sought, &args.pairs];
        if files.iter().filter(|file| file.as_ref().is_some_and(|path| path.as_os_str() == "-")).count() > 1 {
            return Err(MatchError::InputTwice);
        }
        let people = match (&args.registered, &args.sought) {
            (Some(registered), Some(sought)) => {
                let registered = Source::open(Input::Registered, registered)?;
                let sought = Source::open(Input::Sought, sought)?;
                let cut = if args.without_cut { OwnerCut::None } else { OwnerCut::Households };
                Some(PeopleReport::measure(registered, sought, cut)?)
            }
            (None, None) if args.pairs.is_some() => None,
            _ => return Err(MatchError::NothingToDo),
        };
        let pairs = args.pairs.as_ref().map(|pairs| Source::open(Input::Pairs, pairs).and_then(measure));
        Ok(Self { profile: profile_id().as_str().to_owned(), people, spellings: pairs.transpose()? })
    }

    /// The report for a person.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("profile {}; in brackets 95 % intervals\n", self.profile);
        self.people.iter().for_each(|people| people.write(&mut text));
        if let Some(spellings) = &self.spellings {
            let _ = writeln!(text, "\n{} pairs of spellings agree", spellings.pairs);
            let _ = writeln!(text, "  by the first code   {}", shown(&spellings.first_code));
            let _ = writeln!(text, "  by any code         {}", shown(&spellings.any_code));
        }
        text
    }
}

impl PeopleReport {
    fn measure(registered: Source, sought: Source, cut: OwnerCut) -> Result<Self, MatchError> {
        let mut numbers = Numbers::default();
        let mut labelled = Labelled::of(sought)?;
        let mut queries = Vec::new();
        while let Some(entry) = labelled.next(&mut numbers)? {
            queries.push(entry);
        }
        let mut entries = Entries { labelled: Labelled::of(registered)?, numbers, failed: None };
        let counts = evaluate(&queries, &mut entries, cut);
        match entries.failed {
            Some(error) => Err(error),
            None if counts.queries == 0 => Err(MatchError::Empty { input: Input::Sought }),
            None if counts.registered == 0 => Err(MatchError::Empty { input: Input::Registered }),
            None => Ok(Self::of(&counts, cut)),
        }
    }

    fn of(counts: &Evaluation, cut: OwnerCut) -> Self {
        let Evaluation { queries, registered, .. } = *counts;
        let figures = |found, strangers, kin| Figures {
            found: Share::of(found, queries),
            strangers: Share::rate(strangers, queries),
            kin: Share::rate(kin, queries),
        };
        Self {
            queries,
            registered,
            owner_cut: cut == OwnerCut::Households,
            one_hit: figures(counts.found, counts.strangers, counts.kin),
            two_hits: figures(counts.found_twice, counts.strangers_twice, counts.kin_twice),
            two_classes: Share::of(counts.found_two_classes, queries),
            keys_mean: mean(counts.registered_keys, registered),
            keys_most: counts.registered_most_keys,
            query_keys_mean: mean(counts.query_keys, queries),
            registered_without_key: Share::of(counts.registered_without_key, registered),
            queries_without_key: Share::of(counts.queries_without_key, queries),
            keys_cut: counts.keys_cut,
        }
    }

    fn write(&self, text: &mut String) {
        let cut = if self.owner_cut { "with" } else { "without" };
        let _ = writeln!(text, "\n{} queries against {} registered, {cut} the owner's cut", self.queries, self.registered);
        let _ = writeln!(text, "  {:<18}  {:<27}  two hits or more", "a query", "one hit or more");
        let rows = [
            ("finds its person", &self.one_hit.found, &self.two_hits.found),
            ("strangers", &self.one_hit.strangers, &self.two_hits.strangers),
            ("kin", &self.one_hit.kin, &self.two_hits.kin),
        ];
        for (name, one, two) in rows {
            let _ = writeln!(text, "  {name:<18}  {:<27}  {}", shown(one), shown(two));
        }
        let _ = writeln!(text, "  hits of two classes or more: {}", shown(&self.two_classes));
        let _ = writeln!(
            text,
            "  keys a registered entry: {:.1}, at most {}; a sought one: {:.1}",
            self.keys_mean, self.keys_most, self.query_keys_mean
        );
        let _ = writeln!(
            text,
            "  without any key: {} registered, {} sought; keys cut: {}",
            self.registered_without_key.count, self.queries_without_key.count, self.keys_cut
        );
    }
}

/// The registered entries as `evaluate` takes them; the first error ends them and is kept.
struct Entries {
    labelled: Labelled,
    numbers: Numbers,
    failed: Option<MatchError>,
}

impl Iterator for Entries {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        match self.labelled.next(&mut self.numbers) {
            Ok(entry) => entry,
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
    }
}

fn mean(sum: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { sum as f64 / of as f64 }
}

fn shown(share: &Share) -> String {
    format!("{:.4}  [{:.4}, {:.4}]", share.share, share.low, share.high)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const REGISTERED: &str = "id,household,given,family,father,mother,dob,places\n\
        1,1,Oleksandr,Kovalchuk,,,1984-12-03,Mariupol\n\
        2,1,Olena,Kovalchuk,,,1984-03-12,Mariupol\n\
        3,3,Aleksandr,Kovalchuk,,,1984-03-12,Kyiv\n\
        4,4,Unnamed,,,,,\n";
    const SOUGHT: &str = r#"{"id":1,"household":1,"given":"Олександр","family":"Ковальчук","dob":"1984-03-12","places":[["UA","Маріуполь"]]}
{"id":9,"given":"Bilal","family":"Nasser","dob":"1990-05-07","places":["Homs"]}
"#;

    fn files(dir: &Path) -> EvalArgs {
        let file = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::write(&path, text).unwrap();
            Some(path)
        };
        EvalArgs {
            registered: file("registered.csv", REGISTERED),
            sought: file("sought.jsonl", SOUGHT),
            pairs: file("pairs.tsv", "Mohamed\tمحمد\nFatima\tFadumo\n"),
            without_cut: true,
            json: false,
        }
    }

    #[test]
    fn a_report_counts_the_person_strangers_and_kin() {
        let dir = tempfile::tempdir().unwrap();
        let mut args = files(dir.path());
        let people = Report::of(&args).unwrap().people.unwrap();
        assert_eq!((people.queries, people.registered), (2, 4));
        assert_eq!((people.one_hit.found.count, people.one_hit.strangers.count, people.one_hit.kin.count), (1, 1, 1));
        assert_eq!(people.registered_without_key.count, 1);
        assert!(people.one_hit.found.low < 0.5 && people.one_hit.found.high > 0.5);
        args.without_cut = false;
        let people = Report::of(&args).unwrap().people.unwrap();
        assert_eq!((people.one_hit.found.count, people.one_hit.strangers.count), (1, 0));
        assert!(people.keys_cut > 0);
    }

    #[test]
    fn text_and_json_are_written_without_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut args = files(dir.path());
        let mut text = Vec::new();
        eval(&args, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("2 queries against 4 registered, without the owner's cut"), "{text}");
        assert!(text.contains("  by any code         0.5000  ["), "{text}");
        args.json = true;
        let mut json = Vec::new();
        eval(&args, &mut json).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(value["people"]["one_hit"]["found"]["count"], 1);
        assert_eq!(value["spellings"]["pairs"], 2);
        for shown in [text, String::from_utf8(json).unwrap()] {
            assert!(!shown.contains("Kovalchuk") && !shown.contains("kflsk"), "{shown}");
        }
    }

    #[test]
    fn an_error_of_the_registered_ends_the_evaluation() {
        let dir = tempfile::tempdir().unwrap();
        let args = files(dir.path());
        std::fs::write(args.registered.as_ref().unwrap(), "id,given\n1,Amina\n2\n").unwrap();
        assert!(matches!(Report::of(&args), Err(MatchError::Cells { input: Input::Registered, line: 3, .. })));
        std::fs::write(args.registered.as_ref().unwrap(), "id,given\n").unwrap();
        assert!(matches!(Report::of(&args), Err(MatchError::Empty { input: Input::Registered })));
    }

    #[test]
    fn arguments_that_do_not_fit_are_refused() {
        assert!(matches!(Report::of(&EvalArgs::default()), Err(MatchError::NothingToDo)));
        let alone = EvalArgs { sought: Some("a.csv".into()), ..EvalArgs::default() };
        assert!(matches!(Report::of(&alone), Err(MatchError::NothingToDo)));
        let twice = EvalArgs { sought: Some("-".into()), registered: Some("-".into()), ..EvalArgs::default() };
        assert!(matches!(Report::of(&twice), Err(MatchError::InputTwice)));
    }
}
