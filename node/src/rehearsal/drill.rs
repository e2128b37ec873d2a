//! `kinmesh drill breach`: a network of any size loses one node completely, and goes on.
//!
//! The command line calls it. Its order is that of a bad day: a world that works, a node that is taken with files, keys and
//! memory, a thief that tries what its keys allow, a suspension by two custodians, and everybody else's work afterwards.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kinmesh_protocol::base::{MemberId, Sensitive};
use kinmesh_protocol::engine::{Answer, Command};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::network::{Network as Links, NetworkConfig};
use crate::rehearsal::breach;
use crate::rehearsal::data::Society;
use crate::rehearsal::drill_attacks::{self as attacks, Victim};
use crate::rehearsal::drill_people::{HIDDEN, keys_of, member_at, person};
use crate::rehearsal::drill_report::{DrillReport, Tally};
use crate::rehearsal::drill_thief::Thief;
use crate::rehearsal::drill_usage::{cores, cpu_seconds, evaluation_seconds, median, most, resident_mb};
use crate::rehearsal::drill_world::{Candidates, World, within};
use crate::rehearsal::errors::RehearsalError;
use crate::rehearsal::fleet::Fleet;
use crate::rehearsal::network::{COORDINATOR, Network, Rhythm, Wire, folder};
use crate::rehearsal::screen::Screen;
use crate::rehearsal::work::Sets;

/// Least people of a society: some are looked for, some the thief asks about.
const LEAST: u64 = 10;
/// Societies that look for somebody, at most.
const SEEKERS: usize = 8;
/// An hour of the smallest drill, in milliseconds.
const HOUR_MS: u64 = 80;
/// People for whom an hour is a millisecond longer while the world is built: it is built within a day, or sets would be made of
/// a part of the people and again of all.
const PEOPLE_A_MS: u64 = 5;
/// People for whom the epoch is a second longer: it outlasts the drill, and a round of sets, of which it has 40, does not come
/// while the last one is being exchanged.
const PEOPLE_AN_EPOCH_S: u64 = 48;
/// Until memory is looked at.
const SETTLE: Duration = Duration::from_secs(2);
/// How long a suspension may take before the drill gives up.
const SUSPENSION: Duration = Duration::from_secs(60);
/// How long the thief's links may take, besides what the number of members needs.
const LINKS: Duration = Duration::from_secs(15);
/// People of each society whose keys are counted, for the mean.
const SAMPLE: u64 = 40;
/// Hours until a claim is answered at the latest: a bag, the longest delay, a bag.
const CLAIM_HOURS: u64 = 48 + 3 * 7;
/// The process that shows what the network alone costs.
const BARE: &str = "bare-peer";

/// How to run the drill.
pub struct DrillOptions {
    /// The program whose daemons and commands are run: this one.
    pub program: PathBuf,
    /// Societies.
    pub members: u16,
    /// Registered people at all of them.
    pub people: u64,
    /// Leave stores and logs in this folder.
    pub keep: Option<PathBuf>,
}

/// Runs the drill; Ctrl-C ends it and cleans up. What it found stands in the report, good or bad.
///
/// # Errors
/// [`RehearsalError`]: something did not work.
pub async fn run(options: DrillOptions) -> Result<DrillReport, RehearsalError> {
    // Caught from here on, before anything is started that would have to be cleaned up.
    let caught = |kind| signal(kind).map_err(|error| RehearsalError::Start(error.kind()));
    let (mut interrupt, mut terminate) = (caught(SignalKind::interrupt())?, caught(SignalKind::terminate())?);
    tokio::select! {
        outcome = play(options) => outcome,
        _ = interrupt.recv() => Err(RehearsalError::Interrupted),
        _ = terminate.recv() => Err(RehearsalError::Interrupted),
    }
}

/// The network of a node in a process of its own, with nobody admitted, until it is killed: the least that a node costs.
///
/// # Errors
/// [`RehearsalError::Start`].
pub async fn bare_peer() -> Result<(), RehearsalError> {
    let failed = |_| RehearsalError::Start(std::io::ErrorKind::Other);
    let (events, mut from_links) = mpsc::channel(1);
    let identity = Sensitive::new([7; 32]);
    let config = NetworkConfig { identity, listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()], relay: false, drill: true };
    let links = Links::start(config, events).await.map_err(failed)?;
    while from_links.recv().await.is_some() {}
    links.stop().await;
    Ok(())
}

/// What the building of the world took.
struct Built {
    sets: Sets,
    indexed: (f64, f64),
    seconds: f64,
    cpu_seconds: f64,
    wire_bytes: u64,
    rss: Vec<f64>,
    rss_bare: f64,
}

/// What the thief achieved until the member was suspended, and after.
struct Breach {
    loot: breach::Loot,
    tally: Tally,
    refused: Vec<f64>,
    after_return: f64,
    answers_after: usize,
    let_in: usize,
}

async fn play(options: DrillOptions) -> Result<DrillReport, RehearsalError> {
    let least = u64::from(options.members) * LEAST;
    if options.people < least {
        return Err(RehearsalError::TooFew { people: options.people, members: options.members, least });
    }
    allow_files();
    let mut screen = Screen::start();
    let members = (0..usize::from(options.members)).map(member_at).collect::<Result<Vec<_>, _>>()?;
    let world = World::spread(members, options.people);
    let (slow, quick) = rhythms(options.members, options.people);
    let evaluation = evaluation_seconds();
    let evaluations = evaluations(&world)?;
    screen.doing("key ceremony, nodes, roster");
    let fleet = Fleet::start(options.program, options.keep.as_deref())?;
    let mut network = start(fleet, &world, slow).await?;
    screen.done(&format!("{} nodes up (an hour = {} ms)", world.members.len() + 1, slow.hour_ms));
    let built = build(&mut network, &world, quick, &mut screen).await?;
    let mut seen = Candidates::default();
    let before = world.matches(SEEKERS, 0, true);
    let lost_before = look(&network, &world, (&before, 0), &mut seen, &mut screen).await?;
    let breach = breach(&mut network, &world, &mut screen).await?;
    let after = world.matches(SEEKERS, 1, false);
    let lost_after = look(&network, &world, (&after, 1), &mut seen, &mut screen).await?;
    Ok(DrillReport {
        members: world.members.len(),
        people: world.total(),
        hour_ms: quick.hour_ms,
        lost: world.lost_member()?,
        exposed_own: breach.loot.own_people as u64,
        exposed_others: breach.loot.others_people as u64,
        tally: breach.tally,
        refused_by: breach.refused.len(),
        refused_max_s: most(&breach.refused),
        refused_median_s: median(&breach.refused),
        refused_after_return_s: breach.after_return,
        answers_after: breach.answers_after,
        let_in: breach.let_in,
        matches_before: before.len(),
        lost_before,
        matches_after: after.len(),
        lost_after,
        restarts: 1,
        ended: network.fleet.died().len(),
        rss_median_mb: median(&built.rss),
        rss_max_mb: most(&built.rss),
        rss_bare_mb: built.rss_bare,
        sets: built.sets.count,
        sets_bytes: built.sets.bytes,
        wire_built_bytes: built.wire_bytes,
        wire_bytes: on_wire(&network),
        indexed_s: built.indexed.0,
        indexed_cpu_s: built.indexed.1,
        build_s: built.seconds,
        build_cpu_s: built.cpu_seconds,
        evaluations,
        evaluation_us: evaluation * 1e6,
        cores: cores(),
        seconds: screen.seconds(),
    })
}

/// A counter has two sockets a connection: as many files as the system lets this process have.
fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    // A drill of a few nodes works without.
    let _as_before = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// Keys of everybody, from the mean of some at each society.
fn evaluations(world: &World) -> Result<u64, RehearsalError> {
    let mut all = 0;
    for (place, people) in world.people.iter().enumerate() {
        let (mut keys, sample) = (0, SAMPLE.min(*people));
        for number in 0..sample {
            keys += keys_of(person(place, number, None))?.len() as u64;
        }
        all += keys * people / sample.max(1);
    }
    Ok(all)
}

/// The rhythm in which the world is built, and the one of everything after it. Each link has its bags whatever there is to do,
/// some milliseconds of processor time each, so that an hour is as long as the links need; while people are imported and
/// indexed there is nothing to say.
fn rhythms(members: u16, people: u64) -> (Rhythm, Rhythm) {
    let members = u64::from(members);
    let epoch_s = people / PEOPLE_AN_EPOCH_S;
    let hour_ms = HOUR_MS.max(members * members.saturating_sub(1));
    let slow_ms = hour_ms.max(people / PEOPLE_A_MS);
    (Rhythm { hour_ms: slow_ms, epoch_s }, Rhythm { hour_ms, epoch_s })
}

async fn start(fleet: Fleet, world: &World, rhythm: Rhythm) -> Result<Network, RehearsalError> {
    let society = |member: &MemberId| Society {
        member: *member,
        name: format!("Society {member}"),
        people: Vec::new(),
        file: String::new(),
    };
    let societies: Vec<Society> = world.members.iter().map(society).collect();
    let mut network = Network::start(fleet, &societies, Wire::Counted, rhythm).await?;
    network.up(&societies, &world.members).await?;
    Ok(network)
}

async fn build(network: &mut Network, world: &World, rhythm: Rhythm, screen: &mut Screen) -> Result<Built, RehearsalError> {
    let cpu = |network: &Network| network.fleet.processes().iter().filter_map(|(_, id)| cpu_seconds(*id)).sum::<f64>();
    let (began, cpu_before) = (Instant::now(), cpu(network));
    let spent = |network: &Network| (began.elapsed().as_secs_f64(), cpu(network) - cpu_before);
    screen.doing("import");
    world.import(network, screen).await?;
    screen.done(&format!("{} people imported", world.total()));
    screen.doing("index");
    world.indexed(network, screen).await?;
    let indexed = spent(network);
    screen.done("everybody indexed");
    screen.doing("sets exchanged");
    if rhythm.hour_ms != network.hour_ms {
        network.change_rhythm(rhythm)?;
    }
    let sets = world.exchanged(network, screen).await?;
    let (seconds, cpu_seconds) = spent(network);
    let wire_bytes = on_wire(network);
    screen.done(&format!("{} sets exchanged (an hour = {} ms)", sets.count, network.hour_ms));
    let nodes = network.fleet.processes();
    let bare = network.fleet.beside(BARE, &["drill", BARE])?;
    tokio::time::sleep(SETTLE).await;
    let gone = |node: &str| RehearsalError::Memory { node: node.to_owned() };
    let rss_bare = resident_mb(bare).ok_or_else(|| gone(BARE))?;
    network.fleet.kill(BARE);
    let members = nodes.iter().filter(|(node, _)| node != COORDINATOR);
    let rss = members.map(|(node, id)| resident_mb(*id).ok_or_else(|| gone(node))).collect::<Result<_, _>>()?;
    Ok(Built { sets, indexed, seconds, cpu_seconds, wire_bytes, rss, rss_bare })
}

fn on_wire(network: &Network) -> u64 {
    network.taps.iter().map(crate::rehearsal::tap::Tap::bytes).sum()
}

/// Searches, and gives how many matches were not found.
async fn look(
    network: &Network,
    world: &World,
    (matches, round): (&[crate::rehearsal::drill_world::Match], u64),
    seen: &mut Candidates,
    screen: &mut Screen,
) -> Result<usize, RehearsalError> {
    screen.doing("searches, claims");
    world.search(network, matches, round).await?;
    let missing = world.found(network, matches, seen, screen).await?;
    screen.done(&format!("{} of {} matches found", matches.len() - missing.len(), matches.len()));
    Ok(missing.len())
}

async fn breach(network: &mut Network, world: &World, screen: &mut Screen) -> Result<Breach, RehearsalError> {
    let lost = world.lost_member()?;
    let own = world.people.get(world.lost).copied().unwrap_or_default();
    let mut victims = Vec::new();
    for place in world.others() {
        victims.push(Victim::new(world.member(place)?, place));
    }
    let others: Vec<MemberId> = victims.iter().map(|victim| victim.member).collect();
    screen.doing("a node is taken");
    let Answer::Public { items } = network.ask(&lost, Command::PublicGive).await? else {
        return Err(RehearsalError::Request { node: lost.to_string(), what: "another answer".to_owned() });
    };
    let loot = breach::take(network, &lost, usize::try_from(own).unwrap_or(usize::MAX))?;
    let mut thief = Thief::start(network, lost, &items).await?;
    let connected = thief
        .connect(&others, LINKS + Duration::from_millis(100) * u32::from(u16::try_from(others.len()).unwrap_or(u16::MAX)))
        .await;
    screen.done(&format!("node {lost} taken; the thief is connected with {connected} of {} others", others.len()));
    screen.doing("attacks");
    let mut tally = Tally::default();
    attacks_before(&mut thief, &mut victims, network.hour_ms, &mut tally, screen).await?;
    screen.done("attacks with the keys of a member that is still trusted");
    screen.doing("suspension");
    let before = thief.now().seconds();
    let Some(away) = victims.pop() else { return Err(RehearsalError::Data { file: "the drill's societies" }) };
    network.fleet.kill(&folder(&away.member));
    let refused = suspend(network, &lost, &victims).await?;
    thief.listen(Duration::from_millis(500)).await;
    let items = thief.items;
    for victim in &victims {
        attacks::after(&mut thief, victim, before, &mut tally).await;
    }
    thief.listen(Duration::from_secs(1) + Duration::from_millis(network.hour_ms * 7)).await;
    let answers_after = thief.items - items;
    thief.stop().await;
    let after_return = comes_back(network, &away.member, &lost).await?;
    let let_in = breach::come_back(network, &lost, &others).await?;
    screen.done(&format!("refused by {} nodes within {:.2} s", refused.len(), most(&refused)));
    Ok(Breach { loot, tally, refused, after_return, answers_after, let_in })
}

async fn attacks_before(
    thief: &mut Thief,
    victims: &mut [Victim],
    hour_ms: u64,
    tally: &mut Tally,
    screen: &Screen,
) -> Result<(), RehearsalError> {
    let members: Vec<MemberId> = victims.iter().map(|victim| victim.member).collect();
    let count = victims.len();
    for (at, victim) in victims.iter_mut().enumerate() {
        screen.so_far(format!("attacks: {at} of {count} nodes"));
        attacks::know(thief, victim).await?;
        let Some(bystander) = members.get((at + 1) % count.max(1)).copied() else { continue };
        attacks::attack(thief, victim, &bystander, tally).await;
    }
    let patience = LINKS + Duration::from_millis(hour_ms * CLAIM_HOURS);
    attacks::answered(thief, victims, patience, tally).await?;
    // Shown to one node only: it hangs up, and the others are still connected when the suspension comes.
    if let Some(last) = victims.last() {
        attacks::split_view(thief, last, tally).await;
    }
    Ok(())
}

/// Two custodians suspend; gives for each node the seconds until the member does not count there any more.
async fn suspend(network: &Network, lost: &MemberId, victims: &[Victim]) -> Result<Vec<f64>, RehearsalError> {
    let began = network.suspend_at_once(lost)?;
    let mut refused = vec![None; victims.len()];
    while refused.iter().any(Option::is_none) {
        for (victim, slot) in victims.iter().zip(&mut refused) {
            if slot.is_none() && is_suspended(network, &victim.member, lost).await? {
                *slot = Some(began.elapsed().as_secs_f64());
            }
        }
        within(began, SUSPENSION, "the suspension at every node")?;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(refused.into_iter().flatten().collect())
}

async fn is_suspended(network: &Network, at: &MemberId, lost: &MemberId) -> Result<bool, RehearsalError> {
    match network.ask(at, Command::MemberShow { member: *lost }).await? {
        Answer::Member(shown) => Ok(shown.standing == "suspended"),
        _ => Ok(false),
    }
}

/// A node that was off when the member was suspended starts again; gives the seconds until it knows.
async fn comes_back(network: &mut Network, away: &MemberId, lost: &MemberId) -> Result<f64, RehearsalError> {
    let node = folder(away);
    let credential = network.credential_path(&node, "service");
    network.fleet.run(&node, &credential).await?;
    let began = Instant::now();
    let desk = network.unlock(&node).await?;
    network.desks.insert(*away, desk);
    while !is_suspended(network, away, lost).await? {
        within(began, SUSPENSION, "the suspension at a node that was off")?;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(began.elapsed().as_secs_f64())
}

const _: () = assert!(HIDDEN == 1, "matches are looked for from number 2 on, so that nobody hidden is among them");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_drill_keeps_its_rhythm_and_a_large_one_is_built_slowly() {
        assert_eq!(rhythms(8, 400), (Rhythm { hour_ms: 80, epoch_s: 8 }, Rhythm { hour_ms: 80, epoch_s: 8 }));
        let (slow, quick) = rhythms(60, 515_000);
        assert_eq!((slow.hour_ms, quick.hour_ms, slow.epoch_s), (103_000, 3_540, quick.epoch_s));
    }
}
