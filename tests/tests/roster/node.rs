//! A whole engine, of a coordination node or a society, on a store in memory: what it takes is what counts in a network.

use kinmesh_protocol::base::{Draw, Ticket, Timestamp, UserId};
use kinmesh_protocol::engine::{Action, Answer, Batch, Command, Engine, Failure, Input, NodeKeys, Now, Seat, setup};
use kinmesh_protocol::roster::{Fingerprint, Roster};
use kinmesh_tests::simulation::SimStore;

use crate::fixture::{id, key, network};

pub struct Node {
    engine: Engine,
    store: SimStore,
    fingerprint: Fingerprint,
    now: Timestamp,
}

impl Node {
    /// One that holds nothing and takes its first roster by a fingerprint.
    pub fn without(fingerprint: Fingerprint, now: Timestamp) -> Self {
        Self::new("kin-test", fingerprint, now)
    }

    /// One that took a roster when it was issued.
    pub fn holding(roster: &Roster, signed: &[u8], now: Timestamp) -> Result<Self, Failure> {
        let mut node = Self::new(roster.network_id.as_str(), Fingerprint::of(roster), now);
        node.take(signed, Timestamp::from_seconds(roster.issued))?;
        Ok(node)
    }

    fn new(network_id: &str, fingerprint: Fingerprint, now: Timestamp) -> Self {
        Self::open(Seat::Coordinator, "coordinator", setup::coordinator(network(network_id)), fingerprint, now)
    }

    /// The society BE, which takes the roster now.
    pub fn society(roster: &Roster, signed: &[u8], now: Timestamp) -> Self {
        let made = setup::MemberSetup { member: id("BE"), network: roster.network_id };
        let (batches, _) = setup::member(&made, &key("root BE"), &key("op BE"), now, &mut Draw::new([6; 32]));
        let mut node = Self::open(Seat::Member(id("BE")), "op BE", batches, Fingerprint::of(roster), now);
        node.take(signed, now).expect("the roster");
        node
    }

    fn open(seat: Seat, operational: &str, rows: Vec<Batch>, fingerprint: Fingerprint, now: Timestamp) -> Self {
        let store = SimStore::default();
        store.set_records_open(true);
        for batch in rows {
            store.commit(batch).expect("the first rows");
        }
        let keys = NodeKeys::new(key(operational));
        let (engine, effects) = Engine::open(seat, keys, clock(now), [7; 32], true, &store).expect("the engine opens");
        store.commit(effects.writes).expect("a commit");
        Self { engine, store, fingerprint, now }
    }

    /// Gives it one public item; how many it accepted and how many it knew.
    pub fn take(&mut self, item: &[u8], now: Timestamp) -> Result<(usize, usize), Failure> {
        self.now = now;
        let fingerprint = Some(self.fingerprint.to_string());
        match self.command(Command::PublicTake { items: vec![item.to_vec()], fingerprint })? {
            Answer::PublicTaken { accepted, known, .. } => Ok((accepted as usize, known as usize)),
            other => panic!("{other:?}"),
        }
    }

    /// The version that counts, 0 for none.
    pub fn version(&mut self) -> u64 {
        match self.command(Command::RosterShow) {
            Ok(Answer::Roster(roster)) => roster.version,
            Err(Failure::NotJoined) => 0,
            other => panic!("{other:?}"),
        }
    }

    /// Where a member stands at this node.
    pub fn standing(&mut self, id: &str) -> String {
        match self.command(Command::MemberShow { member: crate::fixture::id(id) }) {
            Ok(Answer::Member(member)) => member.standing,
            other => panic!("{other:?}"),
        }
    }

    /// Sets its clock.
    pub fn wait_until(&mut self, now: Timestamp) {
        self.now = now;
    }

    fn command(&mut self, command: Command) -> Result<Answer, Failure> {
        let user = UserId::new("desk").expect("a user");
        let input = Input::Command { ticket: Ticket(1), user, command: Box::new(command) };
        let effects = self.engine.handle(clock(self.now), [8; 32], input, &self.store);
        self.store.commit(effects.writes).expect("a commit");
        let reply = effects.actions.into_iter().find_map(|action| match action {
            Action::Reply { answer, .. } => Some(*answer),
            _ => None,
        });
        reply.expect("a reply")
    }
}

const fn clock(now: Timestamp) -> Now {
    Now { wall: now, steady_ms: 0 }
}
