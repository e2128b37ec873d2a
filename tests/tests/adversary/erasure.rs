//! Attack 32: a record is erased while peers hold its label, its tags, or a claim on it. None of them gets a word that it was
//! there, at once or later, and the label leaves every set within two days.

use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::base::{MemberId, PersonId};
use kinmesh_protocol::casework::candidate::{CandidateRecord, SupplementRecord};
use kinmesh_protocol::casework::case::SaltedPerson;
use kinmesh_protocol::casework::claim::{ClaimIn, ClaimOut, HolderState, SeekerState};
use kinmesh_protocol::casework::claim_pace::RecordClaim;
use kinmesh_protocol::casework::consent::Decision;
use kinmesh_protocol::casework::erasure::{ErasedRow, ErasingRow, ErasureAsked};
use kinmesh_protocol::casework::messages::{ClaimAnswer, ClaimStatus, kind};
use kinmesh_protocol::engine::{Answer, Command, Custody, Failure};
use kinmesh_protocol::person::PersonRecord;
use kinmesh_protocol::private_match::owner::{IndexRow, IndexState, PendingRow, RemovalRow};
use kinmesh_protocol::private_match::querier::SetIn;
use kinmesh_protocol::private_match::{Family, LabelKey, Tag};
use kinmesh_tests::simulation::desks::{add, erase, holder, register, search, seeker};
use kinmesh_tests::simulation::hostile::{Hostile, epoch_of};
use kinmesh_tests::simulation::sets::{held, hits_are_those_of_the_held_set, member};
use kinmesh_tests::simulation::{Faults, Setup, people, start};

use crate::claims::{answers, body, shapes};
use crate::{DAY, HOUR, seeds, two};

fn north() -> MemberId {
    member("NORTH")
}

/// Tags of a person in every epoch of an owner's index.
fn tags_of(setup: &Setup, owner: usize, person: PersonId) -> Vec<Tag> {
    let bearers = setup.world.nodes[owner].store.bearers().into_iter().map(|(_, _, bearer)| bearer);
    bearers.filter(|bearer| bearer.entry.person() == person).map(|bearer| Tag(bearer.tag)).collect()
}

/// Prefixes of tags in the set that a peer holds of NORTH.
fn labels_held(setup: &Setup, peer: usize, tags: &[Tag]) -> usize {
    let store = &setup.world.nodes[peer].store;
    let id = (north(), Family::Registered);
    let head = store.peek::<SetIn>(&id).and_then(|set| set.held).expect("a set").head;
    let me = member(&setup.world.nodes[peer].name);
    let labels = LabelKey::derive(head.salt.expose(), &north(), &me, head.epoch, Family::Registered);
    let prefixes = held(store, id);
    tags.iter().filter(|tag| prefixes.contains(&labels.prefix(tag))).count()
}

fn held_hits(setup: &mut Setup, node: usize) -> usize {
    match setup.world.command(node, Command::SearchHeld) {
        Ok(Answer::Held { hits }) => hits.len(),
        other => panic!("{other:?}"),
    }
}

/// Nothing of a person's record is left at its node, but for the tombstone; tags may wait for their job.
fn is_gone(setup: &Setup, node: usize, person: PersonId) {
    let store = &setup.world.nodes[node].store;
    assert!(store.peek::<ErasedRow>(&person).is_some(), "a tombstone");
    assert!(store.peek::<ErasureAsked>(&person).is_none());
    assert!(store.peek::<PersonRecord>(&person).is_none() && store.peek::<SaltedPerson>(&person).is_none());
    let claims = store.all::<ClaimIn>();
    assert!(claims.iter().all(|(_, claim)| claim.person != Some(person)), "a claim names it");
    assert!(store.all::<RecordClaim>().iter().all(|((met, ..), _)| *met != person), "a count names it");
}

/// And nothing waits any more.
fn is_swept(setup: &Setup, node: usize, person: PersonId) {
    is_gone(setup, node, person);
    let store = &setup.world.nodes[node].store;
    let id = (Family::Registered, person.into());
    assert_eq!(tags_of(setup, node, person), [], "tags");
    assert!(store.peek::<IndexRow>(&id).is_none() && store.peek::<RemovalRow>(&id).is_none(), "the index");
    assert!(store.peek::<ErasingRow>(&person).is_none(), "what is left is looked for");
    assert!(store.all::<PendingRow>().iter().all(|((_, _, entry), _)| entry.person() != person), "it waits to be indexed");
    for word in ["Darwich", "Haddad", "NO-0003"] {
        assert!(!store.holds(word.as_bytes()), "{word} stands somewhere");
    }
}

/// Says a claim under some tags; gives its place in what is delivered.
fn say(setup: &mut Setup, owner: usize, hostile: &mut Hostile, tags: Vec<Tag>) -> usize {
    let (epoch, _) = epoch_of(setup, owner);
    let root = hostile.draw.bytes();
    let claim = body(hostile, epoch, tags, root);
    let mark = setup.world.delivered.len();
    hostile.say(setup, owner, kind::CLAIM, &claim);
    mark
}

/// The answer to the one claim that is open, with the bytes of its body and of its cell.
fn answer(setup: &mut Setup, hostile: &Hostile, mark: usize) -> (ClaimAnswer, usize, usize) {
    for _ in 0..60 {
        setup.world.run_for(HOUR);
        if let Some(answer) = answers(hostile, setup, mark).into_iter().next() {
            return answer;
        }
    }
    panic!("no answer")
}

// ER-2, ER-4: none at once, for who holds the tags; and the label leaves the honest peer's set within two days.
#[test]
fn attack_32_an_erased_record_answers_none_at_once_and_its_label_is_gone_in_48_hours() {
    let seed = 32;
    println!("seed {seed}");
    let mut setup = start(seed, &["NORTH", "SOUTH", "WEST"], Faults::NONE);
    let (owner, west) = (setup.members[0], setup.members[2]);
    let person = add(&mut setup, owner, people::registered());
    for number in 0..20 {
        register(&mut setup, owner, people::other(number));
    }
    // WEST seeks him, and holds its hit for a person.
    search(&mut setup, west, &[north()]);
    setup.world.run_for(4 * DAY);
    let mut hostile = Hostile::puppet(&mut setup, 1);
    setup.world.run_for(3 * HOUR);
    let known = tags_of(&setup, owner, person);
    let (shown, hits) = (labels_held(&setup, west, &known), held_hits(&mut setup, west));
    assert!(known.len() >= 20 && shown == known.len() && hits == 1, "{shown} of {} labels, {hits} hits", known.len());

    let view = erase(&mut setup, owner, person).expect("an answer");
    assert_eq!((view.state.as_str(), view.claims), ("erased", 0));
    is_gone(&setup, owner, person);
    let erased_at = setup.world.now().0;
    for hours in [0, 24, 48] {
        let after = setup.world.now().0 - erased_at;
        assert!(after <= hours * HOUR, "{} hours", after / HOUR);
        setup.world.run_for(hours * HOUR - after);
        if hours == 48 {
            assert_eq!(labels_held(&setup, west, &known), 0, "labels after 48 hours");
            assert_eq!(held_hits(&mut setup, west), 0, "the standing hit is gone");
            assert_eq!(
                hits_are_those_of_the_held_set(&setup.world.nodes[west].store, member("WEST"), (north(), Family::Registered)),
                0
            );
        }
        // The next claim does not wait for the answer, which takes up to two days.
        say(&mut setup, owner, &mut hostile, known[..2].to_vec());
    }
    setup.world.run_for(60 * HOUR);
    let all = answers(&hostile, &setup, 0);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|(answer, ..)| answer.status == ClaimStatus::None && answer.roots.len() == 3), "{all:?}");
    // As of tags that nobody has.
    let miss: Vec<Tag> = (0..2).map(|_| Tag(hostile.draw.bytes())).collect();
    setup.world.nodes[owner].store.watch();
    let mark = say(&mut setup, owner, &mut hostile, miss);
    let (missed, bytes, cell) = answer(&mut setup, &hostile, mark);
    let of_miss = shapes(&setup, owner);
    setup.world.nodes[owner].store.watch();
    let mark = say(&mut setup, owner, &mut hostile, known[..2].to_vec());
    let (erased, ..) = answer(&mut setup, &hostile, mark);
    assert_eq!((missed.status, erased.status), (ClaimStatus::None, ClaimStatus::None));
    assert!(all.iter().all(|(_, size, of_cell)| (*size, *of_cell) == (bytes, cell)), "sizes of answers and cells");
    assert_eq!(shapes(&setup, owner), of_miss, "what the holder wrote");
    is_swept(&setup, owner, person);
}

/// SOUTH seeks the person of NORTH's record; runs until the claim at NORTH is so far, with the desk's help.
fn claimed(seed: u64, state: HolderState) -> (Setup, usize, usize, PersonId) {
    let (mut setup, owner, south) = two(seed);
    let person = add(&mut setup, owner, people::registered());
    search(&mut setup, south, &[]);
    if state == HolderState::AwaitAttributes {
        // A locked seeker claims, and sends no attributes.
        setup.custody(south, Custody::Locked);
    }
    for _ in 0..400 {
        setup.world.run_for(HOUR / 2);
        let states: Vec<_> = setup.world.nodes[owner].store.all::<ClaimIn>().iter().map(|(_, claim)| claim.state).collect();
        if states == [state] {
            return (setup, owner, south, person);
        }
        if state > HolderState::InReview && states.first().is_some_and(|found| *found < state) {
            holder(&mut setup, owner, Decision::Message);
            let store = &setup.world.nodes[owner].store;
            if store.all::<ClaimIn>().iter().any(|(_, claim)| claim.state == state) {
                return (setup, owner, south, person);
            }
        }
    }
    panic!("no claim came so far")
}

// ER-5: what is under way ends as it would with another person.
#[test]
fn attack_32_a_claim_that_is_under_way_closes_like_any_other() {
    use HolderState::{AwaitAttributes, Confirmed, Consented, Delayed, Disclosed, InReview};
    for (seed, state) in (320..).zip([Delayed, AwaitAttributes, InReview, Confirmed, Consented, Disclosed]) {
        let (mut setup, owner, south, person) = claimed(seed, state);
        let view = erase(&mut setup, owner, person).expect("an answer");
        is_gone(&setup, owner, person);
        let open = matches!(state, AwaitAttributes | InReview | Confirmed | Consented);
        assert_eq!((view.claims, view.told.len()), (u32::from(open), usize::from(state == Disclosed)), "{state:?}");
        let store = setup.world.nodes[owner].store.clone();
        assert_eq!((store.all::<CandidateRecord>().len(), store.all::<SupplementRecord>().len()), (0, 0), "{state:?}");
        if state == AwaitAttributes {
            // They come after all, are opened as always, and kept nowhere.
            setup.custody(south, Custody::Opened(kinmesh_protocol::base::UserId::new("desk").expect("a user")));
        }
        let erased_at = setup.world.now().0;
        let (mut closed, mut last) = (None, SeekerState::Claimed);
        for _ in 0..45 * 24 {
            setup.world.run_for(HOUR);
            assert!(store.all::<CandidateRecord>().is_empty(), "{state:?}");
            last = setup.world.nodes[south].store.all::<ClaimOut>()[0].1.state;
            if last == SeekerState::Closed {
                closed = Some((setup.world.now().0 - erased_at) / HOUR);
                break;
            }
            if last == SeekerState::Disclosed && seeker(&mut setup, south).is_empty() {
                break;
            }
        }
        match state {
            // Its answer is drawn as always.
            Delayed => assert!(closed.is_some_and(|hours| hours <= 70), "{closed:?}"),
            // What left before the erasure arrives.
            Disclosed => assert!(matches!(last, SeekerState::Disclosed | SeekerState::Ended), "{last:?}"),
            // At the time that is drawn when the attributes come: not before three days after them.
            AwaitAttributes => assert!(closed.is_some_and(|hours| hours >= 72), "{closed:?}"),
            _ => assert!(closed.is_some(), "{state:?}"),
        }
        is_swept(&setup, owner, person);
    }
}

// ER-4: whatever a job began before writes nothing that stays.
#[test]
fn attack_32_an_erasure_while_the_index_is_made_leaves_no_tag() {
    for pause in 0..24 {
        let (mut setup, owner, _) = two(32_000 + pause);
        for number in 0..14 {
            register(&mut setup, owner, people::other(number));
        }
        let person = add(&mut setup, owner, people::registered());
        setup.world.run_for(pause);
        erase(&mut setup, owner, person).expect("an answer");
        is_gone(&setup, owner, person);
        setup.world.run_for(HOUR);
        is_swept(&setup, owner, person);
        let state: IndexState = setup.world.nodes[owner].store.peek(&()).expect("an index");
        assert_eq!((state.registered.pending, state.registered.removals, state.registered.entries), (0, 0, 14), "{pause} ms");
    }
}

// ER-3: neither a restart nor the file brings it back.
#[test]
fn attack_32_what_was_erased_stays_erased_after_a_restart_and_an_import() {
    let (mut setup, owner, south) = two(32_100);
    let person = add(&mut setup, owner, people::registered());
    let nameless = kinmesh_protocol::person::PersonForm { id: "".into(), ..people::other(7) };
    let other = add(&mut setup, owner, nameless.clone());
    setup.world.run_for(3 * DAY);
    for gone in [person, other] {
        erase(&mut setup, owner, gone).expect("an answer");
        setup.world.restart(owner, 1);
        setup.world.run_for(HOUR);
        is_gone(&setup, owner, gone);
    }
    let changed = kinmesh_protocol::person::PersonForm { mother: "Muna".into(), ..people::registered() };
    for form in [people::registered(), changed.clone(), nameless.clone()] {
        let refused = setup.world.command(owner, Command::PersonAdd { form: Box::new(form) });
        let Err(Failure::Form(error)) = refused else { panic!("{refused:?}") };
        assert_eq!((error.field.as_str(), error.to_string().as_str()), ("id", "id is of a record that was erased"));
    }
    is_swept(&setup, owner, person);
    // Who wants to be found again is registered anew, and is another record.
    let again = kinmesh_protocol::person::PersonForm { id: "NO-0909".into(), ..people::registered() };
    assert_ne!(add(&mut setup, owner, again), person);
    search(&mut setup, south, &[]);
    assert!(setup.world.run_until(6 * DAY, |world| world.nodes[owner].store.count(Tree::Claims) > 0));
}

// ER-2: whichever commit is refused, and whatever crashes, it is there whole or gone whole.
#[test]
fn attack_32_an_erasure_holds_through_faults_and_refused_commits() {
    for refuse in 0..6 {
        let (mut setup, owner, _, person) = claimed(32_200, HolderState::InReview);
        setup.world.refuse_at = Some(setup.world.commits + refuse);
        erase(&mut setup, owner, person);
        is_gone(&setup, owner, person);
        if refuse % 2 == 0 {
            setup.world.restart(owner, 1);
        }
        setup.world.run_for(2 * HOUR);
        is_swept(&setup, owner, person);
    }
    for seed in seeds(3) {
        println!("seed {seed}");
        let mut setup = start(32_300 + seed, &["NORTH", "SOUTH"], Faults::BAD);
        let (owner, south) = (setup.members[0], setup.members[1]);
        let person = add(&mut setup, owner, people::registered());
        search(&mut setup, south, &[]);
        let hours = setup.world.below(120);
        setup.world.run_for(hours * HOUR);
        erase(&mut setup, owner, person);
        is_gone(&setup, owner, person);
        setup.world.run_for(10 * DAY);
        setup.world.faults = Faults::NONE;
        setup.world.run_for(40 * DAY);
        is_swept(&setup, owner, person);
        let claims = setup.world.nodes[south].store.all::<ClaimOut>();
        assert!(claims.iter().all(|(_, claim)| claim.state == SeekerState::Closed), "after {hours} hours: {claims:?}");
    }
}
