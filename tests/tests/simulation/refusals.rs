//! A commit that is refused loses nothing, wherever in a journey it happens.

use kinmesh_tests::simulation::desks::{register, search, work};
use kinmesh_tests::simulation::{Faults, people};

use crate::{LONG, two};

/// Commits between two that are refused; a prime, so that over a few releases every kind of step has its turn.
const STRIDE: u64 = 23;

#[test]
fn any_one_commit_may_be_refused() {
    let mut last = u64::MAX;
    let mut refused = 0;
    loop {
        let (mut setup, seeking, holding) = two(20, Faults::NONE);
        let first = setup.world.commits;
        let at = first + refused * STRIDE;
        if at > last {
            break;
        }
        setup.world.refuse_at = Some(at);
        register(&mut setup, holding, people::registered());
        search(&mut setup, seeking, &[]);
        assert!(work(&mut setup, seeking, holding, LONG).is_some(), "commit {at} was refused");
        // A journey takes a few commits more or less, as its delays are drawn: this one ended before.
        if setup.world.refuse_at.is_some() {
            break;
        }
        last = setup.world.commits.min(first + 700);
        refused += 1;
    }
    assert!(refused > 10, "{refused} commits were refused");
}
