//! A whole engine, that of a coordination node, on a store in memory: what it takes is what counts in a network.

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::{Ticket, Timestamp, UserId};
use kinmesh_protocol::engine::{Action, Answer, Command, Engine, Failure, Input, NodeKeys, Now, Seat, setup};
use kinmesh_protocol::roster::{Fingerprint, Roster};
use kinmesh_tests::simulation::SimStore;

use crate::fixture::{key, network};

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

    fn new(id: &str, fingerprint: Fingerprint, now: Timestamp) -> Self {
        let store = SimStore::default();
        for batch in setup::coordinator(network(id)) {
            store.commit(batch).expect("the first rows");
        }
        let keys = NodeKeys { operational: SigningKey::from_bytes(&key("coordinator").to_bytes()) };
        let (engine, effects) =
            Engine::open(Seat::Coordinator, keys, clock(now), [7; 32], true, &store).expect("the engine opens");
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
