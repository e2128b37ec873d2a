//! Two societies that never meet on a network: the whole journey by files that somebody carries to and fro.

use kinmesh_protocol::base::MemberId;
use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::casework::consent::Decision;
use kinmesh_protocol::engine::{Answer, BundleOutcome, CarryProblem, Command, Custody, Failure};
use kinmesh_protocol::wire::bundle;
use kinmesh_tests::simulation::bundles::{carry, export, fresh, import, refused};
use kinmesh_tests::simulation::desks::{holder, register, search, seeker};
use kinmesh_tests::simulation::{Faults, Setup, people, start_with};

use super::{HOUR, LONG, desk, seeds};

/// Three members, none of which ever reaches anybody.
fn apart(seed: u64, faults: Faults) -> (Setup, usize, usize, usize) {
    let mut setup = start_with(seed, &["NORTH", "SOUTH", "WEST"], 0, faults, |_| {});
    let nodes: Vec<usize> = setup.members.iter().copied().chain([setup.coordinator]).collect();
    for (place, one) in nodes.iter().enumerate() {
        for other in &nodes[place + 1..] {
            setup.world.part(*one, *other);
        }
    }
    let (north, south, west) = (setup.members[0], setup.members[1], setup.members[2]);
    (setup, south, north, west)
}

fn outbox(setup: &Setup, node: usize) -> usize {
    setup.world.nodes[node].store.count(Tree::Outbox)
}

fn everything(setup: &Setup, node: usize) -> Vec<usize> {
    let trees = [Tree::Claims, Tree::Candidates, Tree::Hits, Tree::Budget, Tree::Queries, Tree::Seen, Tree::Outbox, Tree::SetsIn];
    trees.iter().map(|tree| setup.world.nodes[node].store.count(*tree)).collect()
}

/// Both desks work, and a file goes each way, until a disclosure is read; gives the number of files.
fn journey(setup: &mut Setup, seeking: usize, holding: usize, mut between: impl FnMut(&mut Setup)) -> usize {
    for turn in 0..40 {
        carry(setup, seeking, holding);
        between(setup);
        setup.world.run_for(50 * HOUR);
        holder(setup, holding, Decision::Message);
        carry(setup, holding, seeking);
        between(setup);
        setup.world.run_for(HOUR);
        if !seeker(setup, seeking).is_empty() {
            return 2 * turn + 2;
        }
    }
    panic!("no disclosure came")
}

#[test]
fn files_alone_carry_the_whole_journey() {
    let (mut setup, seeking, holding, _) = apart(1, Faults::NONE);
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[]);
    setup.world.run_for(HOUR);
    let files = journey(&mut setup, seeking, holding, |_| {});
    assert!(files <= 14, "{files} files");
    // The outcome goes back, and with it the word that everything came.
    carry(&mut setup, seeking, holding);
    let Ok(Answer::Candidates { candidates }) = setup.world.command(holding, Command::CandidateList { limit: 9 }) else {
        panic!("no list")
    };
    assert!(candidates.len() == 1 && candidates[0].outcome.is_some(), "{candidates:?}");
    assert!(setup.world.delivered.iter().all(|(to, _, _)| *to != seeking && *to != holding), "nothing went over a connection");
}

#[test]
fn what_was_confirmed_leaves_the_outbox_and_nothing_else_does() {
    let (mut setup, seeking, holding, _) = apart(2, Faults::NONE);
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[]);
    setup.world.run_for(HOUR);
    journey(&mut setup, seeking, holding, |_| {});
    carry(&mut setup, seeking, holding);
    carry(&mut setup, holding, seeking);
    carry(&mut setup, seeking, holding);
    // Requests to the third member, which never answers, still wait.
    let Ok(Answer::Status(status)) = setup.world.command(holding, Command::Status) else { panic!("no status") };
    assert_eq!(status.outbox, 0, "everything of the holder was confirmed");
    let items = export(&mut setup, holding, seeking);
    let bytes: usize = items.iter().map(Vec::len).sum();
    assert!(bytes < 400_000, "{bytes} bytes: the set and the answers are not sent again");
}

#[test]
fn a_lost_file_loses_nothing_and_one_that_comes_again_changes_nothing() {
    let (mut setup, seeking, holding, _) = apart(3, Faults::NONE);
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[]);
    setup.world.run_for(HOUR);
    for turn in 0.. {
        assert!(turn < 20, "no disclosure came");
        // The first file of each way is lost, the second comes; an older one comes again behind it.
        let lost = export(&mut setup, seeking, holding);
        setup.world.run_for(HOUR);
        let second = export(&mut setup, seeking, holding);
        assert!(refused(&import(&mut setup, holding, &second)).is_empty());
        setup.world.run_for(HOUR);
        let before = everything(&setup, holding);
        assert_eq!(fresh(&import(&mut setup, holding, &second)), 0);
        setup.world.run_for(1_000);
        assert_eq!(everything(&setup, holding), before, "the same file again");
        import(&mut setup, holding, &lost);
        setup.world.run_for(50 * HOUR);
        holder(&mut setup, holding, Decision::Message);
        let _lost = export(&mut setup, holding, seeking);
        carry(&mut setup, holding, seeking);
        setup.world.run_for(HOUR);
        if !seeker(&mut setup, seeking).is_empty() {
            break;
        }
    }
    assert_eq!(setup.world.nodes[holding].store.count(Tree::Claims), 1);
}

#[test]
fn an_import_that_is_broken_off_goes_on_and_a_shuffled_file_is_made_good_by_the_next() {
    let (mut setup, seeking, holding, _) = apart(4, Faults::NONE);
    for number in 0..20 {
        register(&mut setup, holding, people::other(number));
    }
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[]);
    setup.world.run_for(30 * HOUR);
    let mut items = export(&mut setup, holding, seeking);
    items.reverse();
    import(&mut setup, seeking, &items);
    let held = |setup: &mut Setup| match setup.world.command(seeking, Command::Status) {
        Ok(Answer::Status(status)) => status.sets.iter().map(|set| set.held_seq).max().unwrap_or(0),
        other => panic!("{other:?}"),
    };
    assert_eq!(held(&mut setup), 0, "the segments came before their manifest");
    let items = export(&mut setup, holding, seeking);
    let half = items.len() - 1;
    import(&mut setup, seeking, &items[..half]);
    setup.world.crash(seeking);
    setup.world.start(seeking);
    import(&mut setup, seeking, &items);
    assert!(held(&mut setup) > 0);
}

#[test]
fn the_journey_survives_restarts_and_refused_commits_while_files_are_made_and_taken() {
    for seed in seeds(3) {
        let faults = Faults { refused_commits: 30, ..Faults::NONE };
        let (mut setup, seeking, holding, _) = apart(seed, faults);
        register(&mut setup, holding, people::registered());
        search(&mut setup, seeking, &[]);
        setup.world.run_for(HOUR);
        let files = journey(&mut setup, seeking, holding, |setup| {
            let victim = if setup.world.below(2) == 0 { seeking } else { holding };
            setup.world.crash(victim);
            setup.world.start(victim);
            setup.custody(victim, Custody::Opened(desk()));
        });
        assert_eq!(setup.world.nodes[holding].store.count(Tree::Claims), 1, "seed {seed}, {files} files");
    }
}

#[test]
fn a_file_for_another_member_and_a_damaged_one_are_refused_and_change_nothing() {
    let (mut setup, seeking, holding, west) = apart(5, Faults::NONE);
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[]);
    setup.world.run_for(HOUR);
    let items = export(&mut setup, seeking, holding);
    let before = everything(&setup, west);
    let outcomes = import(&mut setup, west, &items);
    assert!(refused(&outcomes).iter().all(|code| *code == 6) && refused(&outcomes).len() >= 4, "E_CONTEXT: {outcomes:?}");
    assert_eq!(everything(&setup, west), before);
    let before = everything(&setup, holding);
    let cells = items.iter().filter(|item| item.len() > 16_000);
    let damaged: Vec<Vec<u8>> = cells
        .map(|item| {
            let mut item = item.clone();
            let middle = item.len() / 2;
            item[middle] ^= 1;
            item
        })
        .collect();
    let outcomes = import(&mut setup, holding, &damaged);
    assert!(refused(&outcomes).len() == damaged.len() && refused(&outcomes).iter().all(|code| *code == 5), "E_SIGNATURE");
    assert_eq!(everything(&setup, holding), before);
    // Back to its sender.
    assert!(refused(&import(&mut setup, seeking, &items)).iter().all(|code| *code == 6));
}

#[test]
fn the_number_of_bags_says_little_about_claims() {
    let count = |found: bool| {
        let (mut setup, seeking, holding, _) = apart(6, Faults::NONE);
        if found {
            register(&mut setup, holding, people::registered());
        } else {
            register(&mut setup, holding, people::other(1));
        }
        search(&mut setup, seeking, &[]);
        let mut shapes = Vec::new();
        for _ in 0..4 {
            setup.world.run_for(50 * HOUR);
            let there = export(&mut setup, seeking, holding);
            import(&mut setup, holding, &there);
            setup.world.run_for(50 * HOUR);
            let back = export(&mut setup, holding, seeking);
            import(&mut setup, seeking, &back);
            shapes.push([there, back].map(|items| items.iter().map(Vec::len).filter(|len| *len > 4_000).collect::<Vec<_>>()));
        }
        shapes
    };
    assert_eq!(count(true), count(false), "sizes of the cells of eight files");
}

#[test]
fn a_node_whose_roster_is_old_gives_what_is_public_alone() {
    let (mut setup, seeking, holding, _) = apart(7, Faults::NONE);
    setup.world.leap(100 * 86_400_000);
    let to = MemberId::new("NORTH").expect("a member");
    match setup.world.command(seeking, Command::BundlePart { to, place: None }) {
        Ok(Answer::BundlePart { next: None, only_public: Some(CarryProblem::RosterOld), items, .. }) => {
            assert!(!items.is_empty());
            let bytes = bundle::write(items.iter().map(Vec::as_slice)).expect("a bundle");
            assert_eq!(bundle::read(&bytes).expect("its items"), items);
        }
        other => panic!("{other:?}"),
    }
    let own = Command::BundlePart { to: MemberId::new("SOUTH").expect("a member"), place: None };
    assert!(matches!(setup.world.command(seeking, own), Err(Failure::OwnMember)));
    let stranger = Command::BundlePart { to: MemberId::new("EAST").expect("a member"), place: None };
    assert!(matches!(setup.world.command(seeking, stranger), Err(Failure::Unknown)));
    assert_eq!(outbox(&setup, holding), 0);
}

#[test]
fn a_suspended_member_gets_no_bundle_and_its_bundle_counts_for_nothing() {
    let (mut setup, seeking, holding, _) = apart(8, Faults::NONE);
    register(&mut setup, holding, people::registered());
    search(&mut setup, seeking, &[]);
    setup.world.run_for(HOUR);
    let items = export(&mut setup, seeking, holding);
    carry(&mut setup, seeking, holding);
    setup.world.run_for(LONG / 50);
    let roster = setup.suspend("SOUTH");
    setup.give(holding, roster).expect("the roster");
    setup.world.run_for(HOUR);
    assert_eq!(outbox(&setup, holding), 0, "answers for it are gone, and their files with them");
    let to = MemberId::new("SOUTH").expect("a member");
    let refusal = setup.world.command(holding, Command::BundlePart { to, place: None });
    assert!(matches!(refusal, Err(Failure::Carry(CarryProblem::NotTakingPart))), "{refusal:?}");
    let outcomes = import(&mut setup, holding, &items);
    assert!(!outcomes.iter().any(|outcome| matches!(outcome, BundleOutcome::Cell { .. })), "{outcomes:?}");
}

#[test]
fn many_requests_come_in_one_file_without_a_budget_of_openings() {
    let (mut setup, seeking, holding, _) = apart(9, Faults::NONE);
    for _ in 0..3 {
        search(&mut setup, seeking, &[]);
        setup.world.run_for(1_000);
    }
    for _ in 0..25 {
        carry(&mut setup, seeking, holding);
    }
    let files = carry(&mut setup, holding, seeking);
    assert!(files.len() > 4);
    setup.world.run_for(10_000);
    let Ok(Answer::Status(status)) = setup.world.command(seeking, Command::Status) else { panic!("no status") };
    assert_eq!(status.evaluations_done, 3, "{status:?}");
}
