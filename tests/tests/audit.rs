//! The auditor's commands on real papers: a key is made, a challenge signed, listed, opened and judged, all by files.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops by failing")]

use std::path::{Path, PathBuf};

use kinmesh_node::coordinator::auditing::{
    AuditingError, ChallengeArgs, JudgeArgs, JudgeReport, OPENINGS_HEAD, challenge, judge, make_key,
};
use kinmesh_node::coordinator::auditor_file::AuditorFile;
use kinmesh_node::exchange::{Replace, read_bundle, write_bundle};
use kinmesh_protocol::base::{AuditorName, Epoch, MemberId};
use kinmesh_protocol::engine::{Answer, Command};
use kinmesh_protocol::private_match::audit::AuditCounts;
use kinmesh_tests::simulation::desks::search;
use kinmesh_tests::simulation::network::network_id;
use kinmesh_tests::simulation::{Faults, Setup, start_with};

const HOUR: u64 = kinmesh_tests::simulation::network::HOUR_MS;

fn member(id: &str) -> MemberId {
    MemberId::new(id).unwrap()
}

/// A network with one auditor, in which SOUTH asked NORTH for one person.
fn searched(folder: &Path) -> Setup {
    let made = make_key(network_id(), AuditorName::new("@audit-1").unwrap(), folder, None).unwrap();
    let file = AuditorFile::parse(&std::fs::read_to_string(made.public).unwrap()).unwrap();
    let mut setup = start_with(5, &["NORTH", "SOUTH"], 0, Faults::NONE, |roster| roster.auditors = vec![file.entry()]);
    let south = setup.members[1];
    search(&mut setup, south, &[]);
    setup.world.run_for(30 * HOUR);
    setup
}

fn bundle(folder: &Path, name: &str, items: &[Vec<u8>]) -> PathBuf {
    let path = folder.join(name);
    write_bundle(&path, items.iter().map(Vec::as_slice), Replace::Never).unwrap();
    path
}

fn public(setup: &mut Setup, node: usize) -> Vec<Vec<u8>> {
    match setup.world.command(node, Command::PublicGive) {
        Ok(Answer::Public { items }) => items,
        other => panic!("{other:?}"),
    }
}

struct Papers {
    files: Vec<PathBuf>,
    openings: PathBuf,
}

fn papers(setup: &mut Setup, folder: &Path) -> Papers {
    let (north, south) = (setup.members[0], setup.members[1]);
    let roster = bundle(folder, "invitation.kmb", &public(setup, south));
    let path = folder.join("challenge.kmb");
    let args = ChallengeArgs {
        roster,
        key: folder.join("audit-1.key"),
        querier: member("SOUTH"),
        owner: member("NORTH"),
        epoch: Epoch(1),
        out: path.clone(),
        now: setup.world.now(),
    };
    challenge(&args, |_| None).unwrap();
    let paper = read_bundle(&path).unwrap().remove(0);
    let list = loop {
        match setup.world.command(north, Command::AuditReport { challenge: paper.clone(), part: 1 }) {
            Ok(Answer::AuditListing { .. }) => {}
            Ok(Answer::AuditPart { parts: 1, message }) => break message,
            other => panic!("{other:?}"),
        }
    };
    let listed: Vec<Vec<u8>> = public(setup, north).into_iter().chain([list.clone()]).collect();
    setup.world.run_for(2_000);
    let Ok(Answer::Timestamp { message: timestamp, .. }) = setup.world.command(setup.coordinator, Command::TimestampSign) else {
        panic!("a timestamp")
    };
    let taken = setup.world.command(south, Command::AuditTake { papers: vec![paper, list, timestamp.clone()] });
    let Ok(Answer::AuditTaken { audit, sample: Some(4), .. }) = taken else { panic!("{taken:?}") };
    let Ok(Answer::AuditOpened { openings, next: None, .. }) = setup.world.command(south, Command::AuditOpen { audit, from: 0 })
    else {
        panic!("openings")
    };
    let text = format!("{OPENINGS_HEAD}{audit}\n{}\n", openings.expose().join("\n"));
    std::fs::write(folder.join("openings.kmo"), text).unwrap();
    let counts = AuditCounts { sampled: 4, matched: 4, ..AuditCounts::default() };
    let Ok(Answer::AuditPart { message, .. }) = setup.world.command(south, Command::AuditSign { audit, counts }) else {
        panic!("a report")
    };
    let files = vec![
        bundle(folder, "report.kmb", &[message]),
        bundle(folder, "timestamp.kmb", &[timestamp]),
        bundle(folder, "list.kmb", &listed),
        path,
    ];
    Papers { files, openings: folder.join("openings.kmo") }
}

fn judged(setup: &Setup, papers: &Papers, fingerprint: Option<String>) -> Result<JudgeReport, AuditingError> {
    let now = setup.world.now();
    judge(&JudgeArgs { files: papers.files.clone(), openings: papers.openings.clone(), fingerprint, now })
}

#[test]
fn an_auditor_judges_an_honest_society() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = searched(folder.path());
    let papers = papers(&mut setup, folder.path());
    let report = judged(&setup, &papers, None).unwrap();
    assert_eq!(report.counts, AuditCounts { sampled: 4, matched: 4, ..AuditCounts::default() });
    assert!(report.sound && report.signed == Some(report.counts) && report.listed == 4);
    let fingerprint = Some(report.fingerprint.clone());
    assert!(judged(&setup, &papers, fingerprint).unwrap().sound);
    let other = Some("0000 0000 0000 0000 0000 0000 0000 0000".to_owned());
    assert!(matches!(judged(&setup, &papers, other), Err(AuditingError::OtherCustodians { .. })));
    // Nothing of the person is in the report: it is counts and ids.
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("سليم") && !text.contains("1994"));
    // The counts that the society signed are not believed: what it opens is.
    let lines = std::fs::read_to_string(&papers.openings).unwrap();
    let fewer: Vec<&str> = lines.lines().take(3).collect();
    std::fs::write(&papers.openings, fewer.join("\n")).unwrap();
    let report = judged(&setup, &papers, None).unwrap();
    assert_eq!(report.counts, AuditCounts { sampled: 4, matched: 2, mismatched: 2, ..AuditCounts::default() });
    assert!(!report.sound);
    // Papers that are missing, and openings of another audit.
    let without = Papers { files: papers.files.iter().skip(2).cloned().collect(), openings: papers.openings.clone() };
    assert!(matches!(judged(&setup, &without, None), Err(AuditingError::Incomplete)));
    std::fs::write(&papers.openings, lines.replacen(OPENINGS_HEAD, "kinmesh/other/1 ", 1)).unwrap();
    assert!(matches!(judged(&setup, &papers, None), Err(AuditingError::Openings { line: 1 })));
}

#[test]
fn a_challenge_needs_a_listed_key_and_members_of_the_roster() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = searched(folder.path());
    let south = setup.members[1];
    let roster = bundle(folder.path(), "invitation.kmb", &public(&mut setup, south));
    make_key(network_id(), AuditorName::new("@audit-2").unwrap(), folder.path(), None).unwrap();
    let args = |key: &str, querier: &str| ChallengeArgs {
        roster: roster.clone(),
        key: folder.path().join(key),
        querier: member(querier),
        owner: member("NORTH"),
        epoch: Epoch(1),
        out: folder.path().join("none.kmb"),
        now: setup.world.now(),
    };
    assert!(matches!(challenge(&args("audit-2.key", "SOUTH"), |_| None), Err(AuditingError::NotListed)));
    assert!(matches!(challenge(&args("audit-1.key", "EAST"), |_| None), Err(AuditingError::Member(_))));
    assert!(!folder.path().join("none.kmb").exists());
    assert!(challenge(&args("audit-1.key", "SOUTH"), |_| None).is_ok());
}
