//! The drill's world: people imported at every society side by side, sets exchanged, searches, and who was found.
//!
//! The drill calls it. It uses the control interface alone. Whoever is looked for is registered at exactly one society, so that
//! a match that is missing is seen; nothing is held in memory but numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kinmesh_protocol::base::limits::IMPORT_ROWS;
use kinmesh_protocol::base::{ClaimId, MemberId};
use kinmesh_protocol::engine::answer::NodeStatus;
use kinmesh_protocol::engine::command::ImportRow;
use kinmesh_protocol::engine::{Answer, Command};
use kinmesh_protocol::person::PersonForm;
use tokio::task::JoinSet;

use crate::control::client::Client;
use crate::rehearsal::data::DemoCase;
use crate::rehearsal::drill_people::{number_of, person, sought};
use crate::rehearsal::errors::RehearsalError;
use crate::rehearsal::network::{Network, ask};
use crate::rehearsal::screen::Screen;
use crate::rehearsal::work::{self, Sets};

/// How often nodes are asked how far they are.
const ASK: Duration = Duration::from_millis(250);
/// Sets that are looked at in one interval; where there are more, nodes are asked more rarely.
const ASKED_AT_ONCE: usize = 240;
/// How long a stage of the smallest drill may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Candidates that are looked at, of each node.
const LIST: u32 = 256;

/// The societies of a drill and the size of each.
pub struct World {
    /// The societies, by place.
    pub members: Vec<MemberId>,
    /// Registered people of each.
    pub people: Vec<u64>,
    /// The society that will be taken.
    pub lost: usize,
}

/// A sought person, registered at one society.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    /// Place of the seeker.
    pub seeker: usize,
    /// Place of the holder.
    pub holder: usize,
    /// The person's number there.
    pub number: u64,
}

impl World {
    /// People spread evenly over the societies.
    #[must_use]
    pub fn spread(members: Vec<MemberId>, people: u64) -> Self {
        let count = members.len() as u64;
        let share = |place: u64| people / count.max(1) + u64::from(place < people % count.max(1));
        Self { people: (0..count).map(share).collect(), lost: 2.min(members.len().saturating_sub(1)), members }
    }

    /// All registered people.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.people.iter().sum()
    }

    /// The member that will be taken.
    ///
    /// # Errors
    /// [`RehearsalError::Data`] in a world without members.
    pub fn lost_member(&self) -> Result<MemberId, RehearsalError> {
        self.member(self.lost)
    }

    /// The member at a place.
    ///
    /// # Errors
    /// [`RehearsalError::Data`].
    pub fn member(&self, place: usize) -> Result<MemberId, RehearsalError> {
        self.members.get(place).copied().ok_or(RehearsalError::Data { file: "a society's place" })
    }

    /// The places of all others.
    pub fn others(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.members.len()).filter(|place| *place != self.lost)
    }

    /// Registers everybody, every society at its own speed.
    ///
    /// # Errors
    /// [`RehearsalError`]; a row that is refused is one.
    pub async fn import(&self, network: &Network, screen: &Screen) -> Result<(), RehearsalError> {
        let hidden_from = self.lost_member()?;
        let mut tasks = JoinSet::new();
        for (place, (member, count)) in self.members.iter().zip(&self.people).enumerate() {
            tasks.spawn(import(network.desk(member)?.clone(), *member, place, *count, hidden_from));
        }
        let mut ready = 0;
        while let Some(done) = tasks.join_next().await {
            done.map_err(|_| RehearsalError::Start(std::io::ErrorKind::Other))??;
            ready += 1;
            screen.so_far(format!("import: {ready} of {} societies", self.members.len()));
        }
        Ok(())
    }

    /// Waits until everybody is indexed.
    ///
    /// # Errors
    /// [`RehearsalError::Late`].
    pub async fn indexed(&self, network: &Network, screen: &Screen) -> Result<(), RehearsalError> {
        self.wait(network, screen, "the index", |states| match unindexed(states) {
            0 => Ok(()),
            waiting => Err(format!("{waiting} people to index")),
        })
        .await
    }

    /// Waits until every node holds every other's set of all of its people.
    ///
    /// # Errors
    /// [`RehearsalError::Late`].
    pub async fn exchanged(&self, network: &Network, screen: &Screen) -> Result<Sets, RehearsalError> {
        let wanted = self.pairs();
        self.wait(network, screen, "the exchange of the sets", |states| {
            let sets = Sets::held(states);
            let is_whole = sets.count >= wanted && unindexed(states) == 0;
            if is_whole { Ok(sets) } else { Err(format!("sets exchanged: {} of {wanted}", sets.count)) }
        })
        .await
    }

    /// Looks at all nodes until `look` finds what is waited for; until then it says how far they are.
    async fn wait<T>(
        &self,
        network: &Network,
        screen: &Screen,
        what: &'static str,
        look: impl Fn(&BTreeMap<MemberId, NodeStatus>) -> Result<T, String>,
    ) -> Result<T, RehearsalError> {
        let began = Instant::now();
        loop {
            match look(&work::states(network, &self.members).await?) {
                Ok(found) => return Ok(found),
                Err(so_far) => screen.so_far(so_far),
            }
            within(began, self.patience(), what)?;
            tokio::time::sleep(self.ask()).await;
        }
    }

    /// Ordered pairs of societies.
    fn pairs(&self) -> usize {
        self.members.len() * self.members.len().saturating_sub(1)
    }

    /// From one look at all nodes to the next. A look at every set of every node costs the nodes work that would count as
    /// theirs.
    fn ask(&self) -> Duration {
        ASK * u32::try_from((self.pairs() / ASKED_AT_ONCE).max(1)).unwrap_or(u32::MAX)
    }

    /// Matches to be found, two at each of some societies; `round` makes them others than before.
    ///
    /// Whoever is looked for is registered at a society that takes part in the round: at any before the loss, at one that is
    /// left after it.
    #[must_use]
    pub fn matches(&self, seekers: usize, round: u64, with_lost: bool) -> Vec<Match> {
        let takes_part: Vec<usize> = (0..self.members.len()).filter(|place| with_lost || *place != self.lost).collect();
        let mut matches = Vec::new();
        for (at, seeker) in takes_part.iter().enumerate().take(seekers) {
            for step in [1, 2] {
                let Some(holder) = takes_part.get((at + step) % takes_part.len()) else { continue };
                let number =
                    2 + (round * 2 + step as u64) % self.people.get(*holder).map_or(1, |people| people.saturating_sub(2).max(1));
                matches.push(Match { seeker: *seeker, holder: *holder, number });
            }
        }
        matches
    }

    /// Opens a case for each seeker and searches it.
    ///
    /// # Errors
    /// [`RehearsalError`].
    pub async fn search(&self, network: &Network, matches: &[Match], round: u64) -> Result<(), RehearsalError> {
        let seekers: BTreeSet<usize> = matches.iter().map(|wanted| wanted.seeker).collect();
        for seeker in seekers {
            let subjects = matches.iter().filter(|wanted| wanted.seeker == seeker);
            let case = DemoCase {
                society: self.member(seeker)?,
                label: format!("C-{round}-{seeker:02}"),
                enquirer: PersonForm { family: "Drill".into(), legal_basis: "consent".to_owned(), ..PersonForm::default() },
                subjects: subjects.map(|wanted| ("other_family".to_owned(), sought(wanted.holder, wanted.number))).collect(),
                claim_never: Vec::new(),
            };
            let open = work::open_case(network, &case).await?;
            work::search(network, &open).await?;
        }
        Ok(())
    }

    /// Waits until each match is a candidate for review at its holder; gives those that are not when patience ends.
    ///
    /// # Errors
    /// [`RehearsalError::Request`].
    pub async fn found(
        &self,
        network: &Network,
        matches: &[Match],
        seen: &mut Candidates,
        screen: &Screen,
    ) -> Result<Vec<Match>, RehearsalError> {
        let (began, patience) = (Instant::now(), self.patience());
        loop {
            let mut missing = Vec::new();
            for wanted in matches {
                let holder = self.member(wanted.holder)?;
                let seeker = self.member(wanted.seeker)?;
                if !seen.has(&holder, &seeker, &number_of(wanted.holder, wanted.number)) {
                    missing.push(*wanted);
                }
            }
            if missing.is_empty() || began.elapsed() > patience {
                return Ok(missing);
            }
            screen.so_far(format!("found {} of {}", matches.len() - missing.len(), matches.len()));
            let holders: BTreeSet<usize> = missing.iter().map(|wanted| wanted.holder).collect();
            for holder in holders {
                seen.look(network, &self.member(holder)?).await?;
            }
            tokio::time::sleep(ASK).await;
        }
    }

    /// How long a stage may take. Two cores index a person in some 4 ms, all nodes together.
    fn patience(&self) -> Duration {
        PATIENCE + Duration::from_millis(self.total() * 10)
    }
}

/// People of all nodes that are not indexed yet.
fn unindexed(states: &BTreeMap<MemberId, NodeStatus>) -> u64 {
    states.values().map(|state| state.unindexed).sum()
}

async fn import(client: Client, member: MemberId, place: usize, count: u64, hidden_from: MemberId) -> Result<(), RehearsalError> {
    let wrong = |what: &str| RehearsalError::Request { node: member.to_string(), what: what.to_owned() };
    let mut next = 0;
    while next < count {
        let until = count.min(next + IMPORT_ROWS as u64);
        // The society itself is not one from which it may hide.
        let hidden_from = Some(&hidden_from).filter(|other| **other != member);
        let rows = (next..until).map(|number| ImportRow { row: number + 1, form: person(place, number, hidden_from) }).collect();
        match ask(member.as_str(), &client, Command::PersonImport { rows }).await? {
            // The node takes as many rows as one durable batch holds; the rest is sent again.
            Answer::Imported { rows } if !rows.is_empty() && rows.iter().all(|row| row.error.is_none()) => {
                next += rows.len() as u64;
            }
            _ => return Err(wrong("a row of the import was refused")),
        }
    }
    Ok(())
}

/// What holders' desks see, each candidate looked at once.
#[derive(Default)]
pub struct Candidates {
    known: BTreeMap<(MemberId, ClaimId), (MemberId, String)>,
}

impl Candidates {
    fn has(&self, holder: &MemberId, seeker: &MemberId, number: &str) -> bool {
        self.known.iter().any(|((at, _), (from, reference))| at == holder && from == seeker && reference == number)
    }

    /// Candidates of a seeker at a holder.
    #[must_use]
    pub fn of(&self, holder: &MemberId, seeker: &MemberId) -> Vec<(ClaimId, String)> {
        let own = self.known.iter().filter(|((at, _), (from, _))| at == holder && from == seeker);
        own.map(|((_, claim), (_, number))| (*claim, number.clone())).collect()
    }

    /// Looks at a holder's list.
    ///
    /// # Errors
    /// [`RehearsalError::Request`].
    pub async fn look(&mut self, network: &Network, holder: &MemberId) -> Result<(), RehearsalError> {
        let Answer::Candidates { candidates } = network.ask(holder, Command::CandidateList { limit: LIST }).await? else {
            return Ok(());
        };
        for line in candidates {
            let id = (*holder, line.candidate);
            let Some(person) = line.person.filter(|_| !self.known.contains_key(&id)) else { continue };
            if let Answer::Person(shown) = network.ask(holder, Command::PersonShow { person: person.to_string() }).await? {
                let number = shown.fields.iter().find(|field| field.field == "society_ref");
                self.known.insert(id, (line.seeker, number.map_or(String::new(), |field| field.value.expose().clone())));
            }
        }
        Ok(())
    }
}

/// An error when something took too long.
///
/// # Errors
/// [`RehearsalError::Late`].
pub fn within(began: Instant, patience: Duration, what: &'static str) -> Result<(), RehearsalError> {
    if began.elapsed() > patience { Err(RehearsalError::Late { what, seconds: patience.as_secs() }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::drill_people::member_at;

    fn world(members: usize, people: u64) -> World {
        World::spread((0..members).map(|place| member_at(place).unwrap()).collect(), people)
    }

    #[test]
    fn everybody_is_somewhere() {
        let world = world(7, 100);
        assert_eq!(world.total(), 100);
        assert_eq!(world.people.iter().max(), Some(&15));
    }

    #[test]
    fn after_the_loss_nobody_is_looked_for_at_the_lost_member() {
        let world = world(4, 80);
        assert!(world.matches(4, 0, true).iter().any(|wanted| wanted.holder == world.lost));
        let after = world.matches(4, 1, false);
        assert!(after.len() == 6 && after.iter().all(|wanted| wanted.holder != world.lost && wanted.seeker != world.lost));
        assert!(after.iter().all(|wanted| wanted.holder != wanted.seeker && wanted.number < 20));
    }
}
