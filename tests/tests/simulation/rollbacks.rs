//! What an engine holds in memory is what was committed, also where a part of a step was given back.

use kinmesh_protocol::engine::{Answer, Command, Failure};
use kinmesh_tests::simulation::{Faults, Setup};

use crate::{HOUR, two};

fn version(setup: &mut Setup, node: usize) -> u64 {
    match setup.world.command(node, Command::Status) {
        Ok(Answer::Status(status)) => status.roster_version,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_roster_counts_although_the_rest_of_its_bundle_is_refused() {
    let (mut setup, seeking, _) = two(15, Faults::NONE);
    setup.world.run_for(20 * HOUR);
    let bundle = vec![b"no message".to_vec(), setup.suspend("NORTH"), b"no message".to_vec()];
    let taken = setup.world.command(seeking, Command::PublicTake { items: bundle, fingerprint: None });
    assert!(matches!(taken, Ok(Answer::PublicTaken { accepted: 1, known: 0, roster_version: 2 })), "{taken:?}");
    assert_eq!(version(&mut setup, seeking), 2);
    setup.world.crash(seeking);
    setup.world.start(seeking);
    assert_eq!(version(&mut setup, seeking), 2, "what counts is what was committed");
}

#[test]
fn a_bundle_of_which_nothing_is_accepted_says_why() {
    let (mut setup, seeking, _) = two(18, Faults::NONE);
    let items = vec![setup.signed(), b"no message".to_vec()];
    let taken = setup.world.command(seeking, Command::PublicTake { items, fingerprint: None });
    assert!(matches!(taken, Err(Failure::Public(_))), "{taken:?}");
}

#[test]
fn a_suspension_whose_commit_is_refused_counts_when_it_comes_again() {
    let (mut setup, seeking, _) = two(19, Faults::NONE);
    setup.world.run_for(20 * HOUR);
    let roster = setup.suspend("NORTH");
    setup.world.refuse_at = Some(setup.world.commits);
    assert_eq!(setup.give(seeking, roster.clone()).expect_err("the commit is refused"), Failure::Store);
    assert_eq!(version(&mut setup, seeking), 1);
    setup.give(seeking, roster).expect("the roster");
    assert_eq!(version(&mut setup, seeking), 2);
}
