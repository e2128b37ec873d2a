//! A member whose keys the test holds: it signs, seals and sends any bytes as that member, and opens what comes to it.
//!
//! Its node is a puppet: the others connect to it and their items arrive, but no engine answers. Everything is made with the
//! protocol's own code, as a thief or a lying member would who can read the sources.

use kinmesh_protocol::base::record::{Record, Tree, row_key};
use kinmesh_protocol::base::{CaseRef, CellId, Draw, Epoch, MemberId, MsgId, Party, Sensitive, limits};
use kinmesh_protocol::engine::{Bulk, Receipt, Seat};
use kinmesh_protocol::envelope::{
    Addressee, CellHeader, CellKind, Header, Item, KeyRing, Message, Refusal, SealPublic, SealSecret, SigningKey, Unverified,
    VerifyingKey, capacity_class, packed_len, seal, sign,
};
use kinmesh_protocol::private_match::owner::{EpochKey, IndexState, SealingKey};
use kinmesh_protocol::private_match::{Element, EvalCase, EvalMode, oprf};

use crate::simulation::network::{Setup, network_id};
use crate::simulation::world::World;

/// The bags of these networks.
const BAG_BYTES: usize = 32 * 1024;

/// A member in the test's hands.
pub struct Hostile {
    /// Its id.
    pub member: MemberId,
    /// Its place in the world.
    pub node: usize,
    /// Randomness of its own.
    pub draw: Draw,
    /// Its operational key.
    pub key: SigningKey,
    /// Messages that it made.
    made: u64,
}

/// A message that came to it, with the size of its item.
pub struct Heard {
    /// What it says.
    pub message: Message,
    /// Who sent it.
    pub from: usize,
    /// Bytes of the item that brought it.
    pub bytes: usize,
}

impl Hostile {
    /// Takes the keys of a member; its engine ends, and the others go on to meet its links.
    ///
    /// # Panics
    /// When the place is none.
    #[must_use]
    pub fn puppet(setup: &mut Setup, place: usize) -> Self {
        let hostile = Self::beside(setup, place);
        setup.world.puppet(hostile.node);
        hostile
    }

    /// Takes the keys of a member whose node goes on working.
    ///
    /// # Panics
    /// When the place is none.
    #[must_use]
    pub fn beside(setup: &Setup, place: usize) -> Self {
        let node = setup.members[place];
        let Seat::Member(member) = setup.world.nodes[node].seat else { panic!("no member") };
        let mut seed = [0x5a; 32];
        seed[0] = u8::try_from(place).unwrap_or(0);
        Self { member, node, draw: Draw::new(seed), key: setup.papers[place].operational.clone(), made: 0 }
    }

    /// The head of a message, made at the world's time.
    ///
    /// # Panics
    /// When the receiver is no member.
    pub fn header(&mut self, setup: &Setup, to: usize, kind: u64) -> Header {
        let created = setup.world.now().seconds();
        self.made += 1;
        Header {
            kind,
            from: Party::Member(self.member),
            to: Some(Party::Member(member_at(setup, to))),
            msg_id: MsgId::draw(&mut self.draw),
            n: self.made,
            created,
            expires: created + 600,
            roster_version: setup.roster.version,
            re: None,
        }
    }

    /// Signs a body under a head.
    #[must_use]
    pub fn sign<B: minicbor::Encode<()>>(&self, header: &Header, body: &B) -> Vec<u8> {
        sign(&network_id(), header, &kinmesh_protocol::base::cbor::encode(body), &self.key)
    }

    /// A cell of messages for a member.
    ///
    /// # Panics
    /// When they fit no cell.
    pub fn cell(&mut self, setup: &Setup, to: usize, kind: CellKind, messages: &[Vec<u8>]) -> Vec<u8> {
        let header = self.cell_header(setup, to, kind);
        let class = capacity_class(kind, packed_len(messages), BAG_BYTES).expect("messages that fit");
        seal(&network_id(), &header, messages, class, &sealing_key(setup, to), &self.key, &mut self.draw).expect("a cell")
    }

    /// The head of a cell, made at the world's time.
    pub fn cell_header(&mut self, setup: &Setup, to: usize, kind: CellKind) -> CellHeader {
        let created = setup.world.now().seconds();
        CellHeader {
            kind,
            from: self.member,
            to: member_at(setup, to),
            cell_id: CellId::draw(&mut self.draw),
            created,
            expires: created + 600,
            recipient_key_id: sealing_key(setup, to).key_id(),
        }
    }

    /// Says something in a cell of its own; gives the receipt and the message's id.
    pub fn say<B: minicbor::Encode<()>>(&mut self, setup: &mut Setup, to: usize, kind: u64, body: &B) -> (Receipt, MsgId) {
        let header = self.header(setup, to, kind);
        let message = self.sign(&header, body);
        let cell = self.cell(setup, to, cell_of(kind), &[message]);
        (self.offer(setup, to, cell), header.msg_id)
    }

    /// Answers a message.
    pub fn reply<B: minicbor::Encode<()>>(&mut self, setup: &mut Setup, to: usize, kind: u64, re: MsgId, body: &B) -> Receipt {
        let header = Header { re: Some(re), ..self.header(setup, to, kind) };
        let message = self.sign(&header, body);
        let cell = self.cell(setup, to, cell_of(kind), &[message]);
        self.offer(setup, to, cell)
    }

    /// Brings bytes over this member's link.
    pub fn offer(&self, setup: &mut Setup, to: usize, item: Vec<u8>) -> Receipt {
        let peer = setup.world.identity(self.node);
        setup.world.offer(to, peer, item)
    }

    /// What came to it since a place in the list of what was delivered.
    #[must_use]
    pub fn heard(&self, setup: &Setup, since: usize) -> Vec<Heard> {
        let mut heard = Vec::new();
        for (to, peer, bytes) in setup.world.delivered.iter().skip(since) {
            if *to != self.node {
                continue;
            }
            let from = setup.world.nodes.iter().position(|node| node.name == name_of(setup, peer)).unwrap_or(usize::MAX);
            for message in self.open(setup, bytes) {
                heard.push(Heard { message, from, bytes: bytes.len() });
            }
        }
        heard
    }

    /// The messages in a cell for this member; none in anything else.
    #[must_use]
    pub fn open(&self, setup: &Setup, bytes: &[u8]) -> Vec<Message> {
        let Ok(Item::Cell(cell)) = Item::parse(bytes) else { return Vec::new() };
        let (ring, now, pace) = (Ring(setup), setup.world.now(), setup.roster.pace);
        let me = Addressee::Party(Party::Member(self.member));
        let long = kinmesh_protocol::base::Millis::days(400);
        let Ok(cell) = cell.verify(&network_id(), me, &ring, now, pace.clock_skew, long) else { return Vec::new() };
        let store = &setup.world.nodes[self.node].store;
        let Some(key) = store.peek::<SealingKey>(&cell.header.recipient_key_id) else { return Vec::new() };
        let messages = cell.open(&network_id(), &SealSecret::from_bytes(*key.secret.expose())).unwrap_or_default();
        let read = |bytes: &Vec<u8>| -> Option<Message> {
            let message = Unverified::<Message>::parse(bytes, limits::ITEM_BYTES).ok()?;
            message.verify(&network_id(), me, &ring, now, pace.clock_skew, long).ok().map(|message| message.into_inner())
        };
        messages.iter().filter_map(read).collect()
    }
}

impl World {
    /// Ends a node's engine for good; its links stay possible, and what comes to it is delivered and committed.
    pub fn puppet(&mut self, node: usize) {
        self.crash(node);
        self.node(node).is_puppet = true;
    }
}

/// A key ring of the first operational keys: whoever signs with another one is not heard.
struct Ring<'a>(&'a Setup);

impl KeyRing for Ring<'_> {
    fn verifying_key(&self, from: Party, kid: kinmesh_protocol::base::Kid, _: u64) -> Result<VerifyingKey, Refusal> {
        let setup = self.0;
        let place = setup.members.iter().position(|node| Party::Member(member_at(setup, *node)) == from);
        let key = place.and_then(|place| setup.papers.get(place)).map(|papers| papers.operational.verifying_key());
        key.filter(|key| kinmesh_protocol::envelope::kid_of(key.as_bytes()) == kid).ok_or(Refusal::KeyUnknown)
    }
}

fn name_of(setup: &Setup, peer: &kinmesh_protocol::base::PeerId) -> String {
    let place = (0..setup.world.nodes.len()).find(|node| setup.world.identity(*node) == *peer);
    place.map_or_else(String::new, |node| setup.world.nodes[node].name.clone())
}

/// The member at a place of the world.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn member_at(setup: &Setup, node: usize) -> MemberId {
    match setup.world.nodes[node].seat {
        Seat::Member(member) => member,
        Seat::Coordinator => panic!("the coordination node is no member"),
    }
}

/// The sealing key that a member announced last.
///
/// # Panics
/// When it has none.
#[must_use]
pub fn sealing_key(setup: &Setup, node: usize) -> SealPublic {
    let store = &setup.world.nodes[node].store;
    let from = row_key(2, &());
    let rows = store.rows(Tree::Keys, &from, from.after_prefix().as_ref(), usize::MAX).expect("rows");
    let latest = rows
        .iter()
        .filter_map(|(_, stored)| SealingKey::decode(stored.version, stored.value.expose()).ok())
        .max_by_key(|key| key.until)
        .expect("a sealing key");
    SealSecret::from_bytes(*latest.secret.expose()).public()
}

/// The epoch that is live at an owner, with its public key.
///
/// # Panics
/// When the node is no owner.
#[must_use]
pub fn epoch_of(setup: &Setup, node: usize) -> (Epoch, EpochKey) {
    let store = &setup.world.nodes[node].store;
    let epoch = store.peek::<IndexState>(&()).expect("an index").epoch;
    (epoch, store.peek::<EpochKey>(&epoch).expect("the epoch's key"))
}

/// A case of 48 elements that stand for keys of anybody.
///
/// # Panics
/// Never: every input can be blinded.
#[must_use]
pub fn case_of(draw: &mut Draw, case_ref: CaseRef, mode: EvalMode, inputs: &[Vec<u8>]) -> EvalCase {
    let elements: Vec<Element> = inputs
        .iter()
        .map(|input| oprf::blind(input, &Sensitive::new(draw.bytes())).expect("an input that can be blinded"))
        .collect();
    EvalCase::new(case_ref, mode, &elements)
}

/// Which kind of cell carries a type.
fn cell_of(kind: u64) -> CellKind {
    match kind {
        20..=23 => CellKind::Set,
        30 | 31 | 59 => CellKind::Eval,
        _ => CellKind::Bag,
    }
}
