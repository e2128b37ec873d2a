//! The thief: everything of the stolen machine, and a libp2p peer of its own that speaks with the stolen operational key.
//!
//! The drill calls it. What it holds came out of the stolen folder with the stolen credentials, and out of the memory of the
//! daemon before it was stopped; it forges with the protocol's own code, as a thief would who can read the sources.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kinmesh_protocol::base::record::{RowKey, row_key};
use kinmesh_protocol::base::{
    CellId, DeliveryId, Draw, Kid, MemberId, MsgId, NetworkId, Party, PeerId, Sensitive, Timestamp, cbor, limits,
};
use kinmesh_protocol::engine::View;
use kinmesh_protocol::envelope::{
    Addressee, Cell, CellHeader, CellKind, Header, Item, Message, SealSecret, SigningKey, Unverified, capacity_class, packed_len,
    seal, sign,
};
use kinmesh_protocol::private_match::owner::SealingKey;
use kinmesh_protocol::roster::{KeyAnnouncement, MemberKeys, PublicKeys, Roster, parse_signed};
use tokio::sync::mpsc;

use crate::daemon::folder::NodeFolder;
use crate::daemon::opened::open_node;
use crate::keys::UnlockSecret;
use crate::network::{Network as Links, NetworkCommand, NetworkConfig, NetworkEvent, Receipt, SendOutcome};
use crate::rehearsal::errors::RehearsalError;
use crate::rehearsal::fleet::file_error;
use crate::rehearsal::network::{Network, folder};

/// Events that wait for the thief.
const EVENTS: usize = 256;
/// How long it waits for a receipt, or for a link.
const PATIENCE: Duration = Duration::from_secs(20);

/// A thief with the keys of a member, connected to the others.
pub struct Thief {
    /// Whose keys it has.
    pub member: MemberId,
    /// The network's roster.
    pub roster: Roster,
    /// Messages that it received and opened, with their senders.
    pub received: Vec<(MemberId, Message)>,
    /// Cells as they came, with their senders.
    pub cells: Vec<(MemberId, Vec<u8>)>,
    /// Items of any kind that came so far.
    pub items: usize,
    /// Randomness.
    pub draw: Draw,
    /// The stolen operational key.
    pub key: SigningKey,
    network: NetworkId,
    seals: BTreeMap<Kid, SealSecret>,
    members: BTreeMap<MemberId, MemberKeys>,
    addresses: BTreeMap<MemberId, Vec<String>>,
    links: Links,
    events: mpsc::Receiver<NetworkEvent>,
    up: BTreeMap<PeerId, bool>,
    outcomes: BTreeMap<DeliveryId, SendOutcome>,
    deliveries: u64,
}

impl Thief {
    /// Takes the keys out of the stolen folder, and connects with them. `public` is what the daemon's memory held of others.
    ///
    /// # Errors
    /// [`RehearsalError`].
    pub async fn start(network: &Network, member: MemberId, public: &[Vec<u8>]) -> Result<Self, RehearsalError> {
        let node = folder(&member);
        let wrong = |what: &str| RehearsalError::Request { node: node.clone(), what: what.to_owned() };
        let path = network.credential_path(&node, "service");
        let secret = std::fs::read(&path).map_err(|error| file_error(&path, &error))?;
        let dir = NodeFolder::new(&network.fleet.node_dir(&node));
        let stolen = open_node(&dir, |_| Some(UnlockSecret::Credential(Sensitive::new(secret))))
            .map_err(|_| wrong("the stolen folder does not open"))?;
        let seals = seals_of(&stolen.store.view()).ok_or_else(|| wrong("the stolen sealing keys do not open"))?;
        let seed = stolen.operational_seed.clone();
        let bytes = public.first().ok_or_else(|| wrong("no roster"))?;
        let (payload, _) = parse_signed(bytes).map_err(|_| wrong("no roster"))?;
        let roster: Roster = cbor::decode(&payload).map_err(|_| wrong("no roster"))?;
        let (events, from_links) = mpsc::channel(EVENTS);
        let config = NetworkConfig { identity: seed.clone(), listen: Vec::new(), relay: false, drill: true };
        let links = Links::start(config, events).await.map_err(|_| wrong("the thief's network does not start"))?;
        let mut random = [0u8; 32];
        getrandom::fill(&mut random).map_err(|_| RehearsalError::Start(std::io::ErrorKind::Other))?;
        let addresses = roster.members.iter().map(|entry| (entry.id, entry.addresses.clone())).collect();
        let mut thief = Self {
            member,
            network: stolen.config.network,
            roster,
            received: Vec::new(),
            cells: Vec::new(),
            items: 0,
            draw: Draw::new(random),
            key: SigningKey::from_bytes(seed.expose()),
            seals,
            members: BTreeMap::new(),
            addresses,
            links,
            events: from_links,
            up: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            deliveries: 0,
        };
        for item in public {
            thief.learn(item);
        }
        Ok(thief)
    }

    /// The network's id.
    #[must_use]
    pub fn network(&self) -> NetworkId {
        self.network
    }

    /// What a member announced last.
    #[must_use]
    pub fn announced(&self, member: &MemberId) -> Option<&KeyAnnouncement> {
        self.members.get(member)?.latest.as_ref().map(|latest| &latest.keys)
    }

    /// Dials everybody, and waits until the links are up or patience ends; gives how many are.
    pub async fn connect(&mut self, others: &[MemberId], patience: Duration) -> usize {
        for other in others {
            let Some(peer) = self.peer_of(other) else { continue };
            let addresses = self.addresses.get(other).cloned().unwrap_or_default();
            self.tell(NetworkCommand::Admit { peer }).await;
            self.tell(NetworkCommand::Dial { peer, addresses }).await;
        }
        let until = tokio::time::Instant::now() + patience;
        while self.connected(others) < others.len() {
            if tokio::time::timeout_at(until, self.next()).await.is_err() {
                break;
            }
        }
        self.connected(others)
    }

    /// How many of these are connected.
    #[must_use]
    pub fn connected(&self, others: &[MemberId]) -> usize {
        let is_up = |other: &&MemberId| self.peer_of(other).is_some_and(|peer| self.up.get(&peer) == Some(&true));
        others.iter().filter(is_up).count()
    }

    /// Sends bytes and waits for the receipt; what comes meanwhile is taken in.
    pub async fn send(&mut self, to: &MemberId, item: Vec<u8>) -> SendOutcome {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.send_once(to, item.clone(), until).await {
                SendOutcome::Busy { .. } if tokio::time::Instant::now() < until => {
                    self.listen(Duration::from_millis(200)).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn send_once(&mut self, to: &MemberId, item: Vec<u8>, until: tokio::time::Instant) -> SendOutcome {
        let Some(peer) = self.peer_of(to) else { return SendOutcome::Lost };
        self.deliveries += 1;
        let delivery = DeliveryId(self.deliveries);
        self.tell(NetworkCommand::Send { delivery, peer, item }).await;
        loop {
            if let Some(outcome) = self.outcomes.remove(&delivery) {
                return outcome;
            }
            if tokio::time::timeout_at(until, self.next()).await.is_err() {
                return SendOutcome::Lost;
            }
        }
    }

    /// Takes in what comes for a while.
    pub async fn listen(&mut self, length: Duration) {
        let until = tokio::time::Instant::now() + length;
        while tokio::time::timeout_at(until, self.next()).await.is_ok() {}
    }

    /// Waits until `so` holds, or patience ends; true if it holds.
    pub async fn wait(&mut self, patience: Duration, mut so: impl FnMut(&Self) -> bool) -> bool {
        let until = tokio::time::Instant::now() + patience;
        while !so(self) {
            if tokio::time::timeout_at(until, self.next()).await.is_err() {
                return so(self);
            }
        }
        true
    }

    /// Stops its network.
    pub async fn stop(self) {
        self.links.stop().await;
    }

    async fn tell(&self, command: NetworkCommand) {
        // A network that has ended shows as a lost delivery.
        let _gone = self.links.command(command).await;
    }

    async fn next(&mut self) {
        match self.events.recv().await {
            Some(NetworkEvent::Up { peer, .. }) => {
                self.up.insert(peer, true);
            }
            Some(NetworkEvent::Down { peer }) => {
                self.up.insert(peer, false);
            }
            Some(NetworkEvent::Sent { delivery, outcome }) => {
                self.outcomes.insert(delivery, outcome);
            }
            Some(NetworkEvent::Item { receipt, bytes, .. }) => {
                self.items += 1;
                self.tell(NetworkCommand::Receipt { of: receipt, answer: Receipt::Committed }).await;
                self.take_in(bytes);
            }
            Some(_) => {}
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }

    fn take_in(&mut self, bytes: Vec<u8>) {
        match Item::parse(&bytes) {
            Ok(Item::Cell(cell)) => {
                if let Some((from, messages)) = self.open(&cell) {
                    self.cells.push((from, bytes));
                    for message in messages {
                        self.received.push((from, message));
                    }
                }
            }
            Ok(_) => self.learn(&bytes),
            Err(_) => {}
        }
    }

    fn open(&self, cell: &Unverified<Cell>) -> Option<(MemberId, Vec<Message>)> {
        let (ring, now, pace, me) = (self.ring(), self.now(), self.roster.pace, Party::Member(self.member));
        let me = Addressee::Party(me);
        let cell = cell.verify(&self.network, me, &ring, now, pace.clock_skew, pace.message_life).ok()?;
        let secret = self.seals.get(&cell.header.recipient_key_id)?;
        let messages = cell.open(&self.network, secret).ok()?;
        let read = |bytes: &Vec<u8>| -> Option<Message> {
            let message = Unverified::<Message>::parse(bytes, limits::ITEM_BYTES).ok()?;
            message
                .verify(&self.network, me, &ring, now, pace.clock_skew, pace.message_life)
                .ok()
                .map(|message| message.into_inner())
        };
        Some((cell.header.from, messages.iter().filter_map(read).collect()))
    }

    /// Takes a member's announcement; whatever else is public is of no use to it.
    fn learn(&mut self, item: &[u8]) {
        let Ok(Item::Message(message)) = Item::parse(item) else { return };
        let pace = self.roster.pace;
        let verified =
            message.verify(&self.network, Addressee::Public, &self.ring(), self.now(), pace.clock_skew, pace.message_life);
        let Ok(verified) = verified else { return };
        let Some(member) = verified.header.from.member() else { return };
        let mut keys = self.members.get(&member).cloned().unwrap_or_default();
        if keys.accept(&self.roster, &verified).is_ok() {
            self.members.insert(member, keys);
        }
    }

    fn ring(&self) -> PublicKeys<'_> {
        PublicKeys { roster: &self.roster, members: &self.members, suspensions: &[], now: self.now() }
    }

    fn peer_of(&self, member: &MemberId) -> Option<PeerId> {
        self.announced(member).map(|keys| PeerId(keys.op_key))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// The head of a message to a member, made at a time.
    pub fn header(&mut self, from: MemberId, to: Option<MemberId>, kind: u64, created: u64) -> Header {
        Header {
            kind,
            from: Party::Member(from),
            to: to.map(Party::Member),
            msg_id: MsgId::draw(&mut self.draw),
            n: 0,
            created,
            expires: created + self.roster.pace.message_life.0 / 1_000,
            roster_version: self.roster.version,
            re: None,
        }
    }

    /// A cell of one message, as `from` would send it, made at a time.
    #[must_use]
    pub fn cell(&mut self, from: MemberId, to: MemberId, place: (CellKind, u64), body: &[u8], created: u64) -> Option<Vec<u8>> {
        let (kind, message_kind) = place;
        let header = self.header(from, Some(to), message_kind, created);
        let messages = [sign(&self.network, &header, body, &self.key)];
        let keys = self.announced(&to)?.clone();
        let bag = usize::try_from(self.roster.pace.bag_bytes).ok()?;
        let class = capacity_class(kind, packed_len(&messages), bag)?;
        let cell_id = CellId::draw(&mut self.draw);
        let (created, expires) = (header.created, header.expires);
        let header = CellHeader { kind, from, to, cell_id, created, expires, recipient_key_id: keys.seal_key_id };
        seal(&self.network, &header, &messages, class, &keys.seal_key, &self.key, &mut self.draw).ok()
    }
}

/// The stolen sealing keys.
fn seals_of<V: View>(view: &V) -> Option<BTreeMap<Kid, SealSecret>> {
    let from: RowKey = row_key(2, &());
    let rows = view.page::<SealingKey>(&from, from.after_prefix().as_ref(), limits::PAGE_ROWS).ok()?;
    Some(rows.into_iter().map(|(id, row)| (id, SealSecret::from_bytes(*row.secret.expose()))).collect())
}
