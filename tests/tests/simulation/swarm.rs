//! Several societies under every fault at once, many seeds: what was found is told, what waits leaves, what must hold holds.

use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::casework::consent::Decision;
use kinmesh_protocol::engine::Custody;
use kinmesh_tests::simulation::desks::{holder, register, search, seeker};
use kinmesh_tests::simulation::invariants::audit_holds;
use kinmesh_tests::simulation::{Faults, people, start};

use crate::{HOUR, desk, seeds};

/// Virtual time in which every journey ends, faults included.
const MONTHS: u64 = 90 * 24;

#[test]
fn every_journey_ends_although_everything_goes_wrong() {
    for seed in seeds(10) {
        let mut setup = start(seed, &["EAST", "NORTH", "SOUTH"], Faults::BAD);
        let (third, holding, seeking) = (setup.members[0], setup.members[1], setup.members[2]);
        register(&mut setup, holding, people::registered());
        register(&mut setup, third, people::other(1));
        search(&mut setup, seeking, &[]);
        let mut told = false;
        for _ in 0..MONTHS / 10 {
            let (one, other) = (setup.world.below(3), setup.world.below(3));
            let (one, other) = (setup.members[one as usize], setup.members[other as usize]);
            if one != other && setup.world.below(4) == 0 {
                setup.world.part(one, other);
            }
            if setup.world.below(4) == 0 {
                setup.custody(one, Custody::Locked);
            }
            setup.world.run_for(10 * HOUR);
            setup.world.heal(one, other);
            if !setup.world.nodes[one].store.records_open() {
                setup.custody(one, Custody::Opened(desk()));
            }
            holder(&mut setup, holding, Decision::Contact);
            told = !seeker(&mut setup, seeking).is_empty();
            if told {
                break;
            }
        }
        assert!(told, "seed {seed}: nothing was disclosed");
        setup.world.faults = Faults::NONE;
        setup.world.run_for(14 * 24 * HOUR);
        for node in &setup.world.nodes {
            audit_holds(&node.store);
            assert_eq!(node.store.count(Tree::Outbox), 0, "seed {seed}: what waits at {} never left", node.name);
        }
        let claims: Vec<usize> = setup.members.iter().map(|node| setup.world.nodes[*node].store.count(Tree::Claims)).collect();
        assert_eq!(claims, [0, 1, 1], "seed {seed}: one claim at its seeker, one at its holder");
    }
}
