//! The simulated world: one queue of events ordered by time and sequence, nodes with their stores, links with faults.
//!
//! It performs an engine's actions as the node's driver does: commit first, then act; a refused commit drops the engine and
//! opens it again. After every event its invariants are checked: every command has exactly one reply, no batch is over its
//! bounds, no roster version falls.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::{DeliveryId, JobId, PeerId, ReceiptId, Seed, Ticket, Timestamp, UserId};
use kinmesh_protocol::engine::job;
use kinmesh_protocol::engine::{
    Action, Answer, Carrier, Command, Custody, Effects, Engine, Failure, Input, Job, LinkChange, NodeKeys, Now, Receipt, Seat,
    SendOutcome,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

use crate::simulation::store::SimStore;

/// Which faults a run has, and how strong.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// Of 100 items so many are lost, half of them after the receiver handled them.
    pub loss: u64,
    /// Of 100 items so many come twice.
    pub twice: u64,
    /// Longest delay of an item, milliseconds.
    pub delay_ms: u64,
    /// Of 1,000 commits so many are refused.
    pub refused_commits: u64,
}

impl Faults {
    /// A good network.
    pub const NONE: Faults = Faults { loss: 0, twice: 0, delay_ms: 20, refused_commits: 0 };
    /// A bad one.
    pub const BAD: Faults = Faults { loss: 20, twice: 10, delay_ms: 400, refused_commits: 5 };
}

/// One simulated node.
pub struct SimNode {
    /// Its name in the trace.
    pub name: String,
    /// What it is.
    pub seat: Seat,
    /// Its store, which survives crashes.
    pub store: SimStore,
    operational: [u8; 32],
    engine: Option<Engine>,
    /// Counts processes: what an earlier one asked for does not reach a later one.
    process: u64,
    started_ms: u64,
    admitted: BTreeSet<PeerId>,
    links: BTreeSet<usize>,
    wake: Option<u64>,
    open: BTreeMap<Ticket, Option<Result<Answer, Failure>>>,
    waiting: BTreeMap<ReceiptId, (usize, u64, DeliveryId, bool)>,
    next_receipt: u64,
    next_ticket: u64,
    version: u64,
}

enum Event {
    Wake { node: usize, process: u64, at: u64 },
    Job { node: usize, process: u64, job: JobId, work: Box<Job> },
    Connect { from: usize, to: PeerId, process: u64 },
    Item { from: usize, process: u64, to: usize, delivery: DeliveryId, item: Vec<u8>, answered: bool },
    Outcome { node: usize, process: u64, delivery: DeliveryId, outcome: SendOutcome },
    Start { node: usize },
}

/// A whole network in virtual time.
pub struct World {
    /// The nodes.
    pub nodes: Vec<SimNode>,
    /// Faults of this run.
    pub faults: Faults,
    now_ms: u64,
    sequence: u64,
    queue: BTreeMap<(u64, u64), Event>,
    rng: ChaCha20Rng,
    trace: Sha256,
    /// The last items that were delivered, for a replay: receiver, sender's identity, bytes.
    pub delivered: Vec<(usize, PeerId, Vec<u8>)>,
    /// Events so far.
    pub events: u64,
}

impl World {
    /// An empty world at a fixed moment.
    #[must_use]
    pub fn new(seed: u64, faults: Faults) -> Self {
        let mut bytes = [0u8; 32];
        for (slot, byte) in bytes.iter_mut().zip(seed.to_be_bytes()) {
            *slot = byte;
        }
        Self {
            nodes: Vec::new(),
            faults,
            now_ms: 1_800_000_000_000,
            sequence: 0,
            queue: BTreeMap::new(),
            rng: ChaCha20Rng::from_seed(bytes),
            trace: Sha256::new(),
            delivered: Vec::new(),
            events: 0,
        }
    }

    /// The wall clock.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        Timestamp(self.now_ms)
    }

    /// Hash of everything that happened: equal for equal seeds.
    #[must_use]
    pub fn trace_hash(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.trace.clone().finalize())
    }

    /// Fresh randomness of the run.
    pub fn seed(&mut self) -> Seed {
        let mut seed = [0u8; 32];
        self.rng.fill_bytes(&mut seed);
        seed
    }

    /// A number below a bound, of the run.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.rng.next_u64() % bound }
    }

    /// Adds a node that is not running yet.
    pub fn add(&mut self, name: &str, seat: Seat, operational: [u8; 32], store: SimStore) -> usize {
        self.nodes.push(SimNode {
            name: name.to_owned(),
            seat,
            store,
            operational,
            engine: None,
            process: 0,
            started_ms: 0,
            admitted: BTreeSet::new(),
            links: BTreeSet::new(),
            wake: None,
            open: BTreeMap::new(),
            waiting: BTreeMap::new(),
            next_receipt: 0,
            next_ticket: 0,
            version: 0,
        });
        self.nodes.len() - 1
    }

    fn node(&mut self, node: usize) -> &mut SimNode {
        self.nodes.get_mut(node).expect("a node of this world")
    }

    fn note(&mut self, line: &str) {
        self.trace.update(self.now_ms.to_be_bytes());
        self.trace.update(line.as_bytes());
    }

    fn schedule(&mut self, after_ms: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((self.now_ms + after_ms, self.sequence), event);
    }

    fn delay(&mut self) -> u64 {
        1 + self.below(self.faults.delay_ms.max(1))
    }

    /// Starts a node: opens its engine on its store.
    pub fn start(&mut self, node: usize) {
        let seed = self.seed();
        let now_ms = self.now_ms;
        let name = self.node(node).name.clone();
        self.note(&format!("start {name}"));
        let this = self.node(node);
        assert!(this.engine.is_none(), "{name} runs already");
        this.process += 1;
        this.started_ms = now_ms;
        let keys = NodeKeys { operational: SigningKey::from_bytes(&this.operational) };
        let now = Now { wall: Timestamp(now_ms), steady_ms: 0 };
        let open = this.store.records_open();
        let (engine, effects) =
            Engine::open(this.seat, keys, now, seed, open, &this.store).expect("the engine opens on what it committed");
        this.engine = Some(engine);
        self.perform(node, effects);
    }

    /// Crashes a node: everything volatile is gone.
    pub fn crash(&mut self, node: usize) {
        let name = self.node(node).name.clone();
        self.note(&format!("crash {name}"));
        let this = self.node(node);
        this.engine = None;
        this.process += 1;
        this.admitted.clear();
        this.wake = None;
        this.waiting.clear();
        this.open.clear();
        let links = std::mem::take(&mut this.links);
        for other in links {
            self.unlink(other, node);
        }
    }

    /// Crashes a node and starts it after a while.
    pub fn restart(&mut self, node: usize, after_ms: u64) {
        self.crash(node);
        self.schedule(after_ms, Event::Start { node });
    }

    /// True if the node's process runs.
    #[must_use]
    pub fn runs(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|node| node.engine.is_some())
    }

    /// Opens or locks a node's records.
    pub fn custody(&mut self, node: usize, custody: Custody) {
        self.node(node).store.set_records_open(custody == Custody::Opened);
        self.input(node, Input::Custody(custody));
    }

    /// Gives a command and returns its reply, which the same step gives.
    ///
    /// # Errors
    /// The engine's failure, or `Store` where the run refused the commit.
    pub fn command(&mut self, node: usize, command: Command) -> Result<Answer, Failure> {
        let user = UserId::new("desk").expect("a user");
        let this = self.node(node);
        let ticket = Ticket(this.next_ticket);
        this.next_ticket += 1;
        this.open.insert(ticket, None);
        self.input(node, Input::Command { ticket, user, command: Box::new(command) });
        self.node(node).open.remove(&ticket).flatten().unwrap_or(Err(Failure::Store))
    }

    /// Delivers bytes once more, as a replaying carrier would.
    pub fn replay(&mut self, to: usize, from: PeerId, bytes: Vec<u8>) {
        let receipt = self.receipt(to);
        self.input(to, Input::Cell { receipt, carrier: Carrier::Link(from), bytes });
    }

    fn receipt(&mut self, node: usize) -> ReceiptId {
        let this = self.node(node);
        this.next_receipt += 1;
        ReceiptId(this.next_receipt)
    }

    fn input(&mut self, node: usize, input: Input) {
        let seed = self.seed();
        let refuse = self.faults.refused_commits > 0 && self.below(1_000) < self.faults.refused_commits;
        let now_ms = self.now_ms;
        let this = self.node(node);
        if refuse {
            this.store.refuse_next();
        }
        let now = Now { wall: Timestamp(now_ms), steady_ms: now_ms - this.started_ms };
        let Some(engine) = this.engine.as_mut() else { return };
        let effects = engine.handle(now, seed, input, &this.store);
        self.perform(node, effects);
    }

    /// Commits, then acts; a refused commit is a crash of the engine.
    fn perform(&mut self, node: usize, effects: Effects) {
        let Effects { writes, actions } = effects;
        let size = writes.size();
        if self.node(node).store.commit(writes).is_err() {
            let name = self.node(node).name.clone();
            self.note(&format!("refused {name}"));
            self.crash(node);
            self.start(node);
            return;
        }
        self.note(&format!("commit {node} {size}"));
        for action in actions {
            let text = format!("{action:?}");
            self.note(&text);
            self.act(node, action);
        }
        self.check(node);
    }

    fn act(&mut self, node: usize, action: Action) {
        let process = self.node(node).process;
        match action {
            Action::Send { delivery, peer, item } => self.send(node, process, delivery, &peer, item),
            Action::Receipt { of, answer } => self.receipt_given(node, of, answer),
            Action::Reply { ticket, answer } => {
                let slot = self.node(node).open.get_mut(&ticket).expect("a reply to an open ticket");
                assert!(slot.replace(*answer).is_none(), "two replies to one ticket");
            }
            Action::Admit { peer } => {
                self.node(node).admitted.insert(peer);
            }
            Action::Deny { peer } => {
                self.node(node).admitted.remove(&peer);
                if let Some(other) = self.find(&peer)
                    && self.node(node).links.remove(&other)
                {
                    self.input_later_down(node, peer);
                    self.unlink(other, node);
                }
            }
            Action::Dial { peer, .. } => {
                let after = self.delay();
                self.schedule(after, Event::Connect { from: node, to: peer, process });
            }
            Action::Run { job, work, .. } => self.schedule(3, Event::Job { node, process, job, work }),
            Action::WakeAt(at) => {
                let after = at.0.saturating_sub(self.now_ms);
                self.node(node).wake = Some(at.0);
                self.schedule(after, Event::Wake { node, process, at: at.0 });
            }
            Action::Notify(_) => {}
        }
    }

    fn input_later_down(&mut self, node: usize, peer: PeerId) {
        if self.runs(node) {
            self.input(node, Input::Link { peer, change: LinkChange::Down });
        }
    }

    fn unlink(&mut self, node: usize, other: usize) {
        let peer = self.identity(other);
        if self.node(node).links.remove(&other) && self.runs(node) {
            self.input(node, Input::Link { peer, change: LinkChange::Down });
        }
    }

    /// A node's transport identity.
    #[must_use]
    pub fn identity(&self, node: usize) -> PeerId {
        let seed = self.nodes.get(node).map_or([0; 32], |node| node.operational);
        PeerId(SigningKey::from_bytes(&seed).verifying_key().to_bytes())
    }

    fn find(&self, peer: &PeerId) -> Option<usize> {
        (0..self.nodes.len()).find(|node| self.identity(*node) == *peer)
    }

    fn send(&mut self, from: usize, process: u64, delivery: DeliveryId, peer: &PeerId, item: Vec<u8>) {
        let to = self.find(peer).filter(|to| self.nodes.get(from).is_some_and(|node| node.links.contains(to)));
        let (after, fate, again) = (self.delay(), self.below(100), self.below(100));
        let Some(to) = to else {
            self.schedule(1, Event::Outcome { node: from, process, delivery, outcome: SendOutcome::Lost });
            return;
        };
        if fate < self.faults.loss / 2 {
            self.schedule(after, Event::Outcome { node: from, process, delivery, outcome: SendOutcome::Lost });
            return;
        }
        // Lost after the receiver handled it: the sender hears nothing and sends again.
        let answered = fate >= self.faults.loss;
        if again < self.faults.twice {
            let later = after + self.delay();
            self.schedule(later, Event::Item { from, process, to, delivery, item: item.clone(), answered: false });
        }
        self.schedule(after, Event::Item { from, process, to, delivery, item, answered });
        if !answered {
            let late = after + 30_000;
            self.schedule(late, Event::Outcome { node: from, process, delivery, outcome: SendOutcome::Lost });
        }
    }

    fn receipt_given(&mut self, node: usize, of: ReceiptId, answer: Receipt) {
        let Some((from, process, delivery, answered)) = self.node(node).waiting.remove(&of) else { return };
        if !answered {
            return;
        }
        let outcome = match answer {
            Receipt::Committed => SendOutcome::Committed,
            Receipt::Busy(wait) => SendOutcome::Busy(wait),
            Receipt::Refused(code) => SendOutcome::Refused(code),
        };
        let after = self.delay();
        self.schedule(after, Event::Outcome { node: from, process, delivery, outcome });
    }

    fn check(&mut self, node: usize) {
        let this = self.node(node);
        let version = this
            .engine
            .as_ref()
            .and_then(|_| {
                use kinmesh_protocol::engine::View;
                this.store.get::<kinmesh_protocol::engine::HeadRow>(&()).ok().flatten()
            })
            .map_or(0, |head| head.version);
        assert!(version >= this.version, "a roster version fell");
        this.version = version;
    }

    /// One event; false when there is none.
    pub fn step(&mut self) -> bool {
        let Some(((at, _), event)) = self.queue.pop_first() else { return false };
        self.now_ms = self.now_ms.max(at);
        self.events += 1;
        match event {
            Event::Wake { node, process, at } => {
                if self.node(node).process == process && self.node(node).wake == Some(at) {
                    self.node(node).wake = None;
                    self.input(node, Input::Wake);
                }
            }
            Event::Job { node, process, job, work } => {
                if self.node(node).process == process {
                    let store = self.node(node).store.clone();
                    let result = job::run(*work, &store);
                    self.input(node, Input::JobDone { job, result: Box::new(result) });
                }
            }
            Event::Connect { from, to, process } => self.connect(from, &to, process),
            Event::Item { from, process, to, delivery, item, answered } => {
                self.item(from, process, to, delivery, item, answered);
            }
            Event::Outcome { node, process, delivery, outcome } => {
                if self.node(node).process == process {
                    self.input(node, Input::Sent { delivery, outcome });
                }
            }
            Event::Start { node } => {
                if !self.runs(node) {
                    self.start(node);
                }
            }
        }
        true
    }

    /// A connection needs both sides to run and to admit each other.
    fn connect(&mut self, from: usize, to: &PeerId, process: u64) {
        if self.node(from).process != process {
            return;
        }
        let (mine, theirs) = (self.identity(from), *to);
        let other = self
            .find(to)
            .filter(|other| self.runs(*other) && self.nodes.get(*other).is_some_and(|node| node.admitted.contains(&mine)));
        match other {
            Some(other) if self.node(from).admitted.contains(&theirs) => {
                if self.node(from).links.insert(other) {
                    self.node(other).links.insert(from);
                    self.input(from, Input::Link { peer: theirs, change: LinkChange::Up });
                    if self.runs(other) && self.node(other).links.contains(&from) {
                        self.input(other, Input::Link { peer: mine, change: LinkChange::Up });
                    }
                }
            }
            _ => self.input(from, Input::Link { peer: theirs, change: LinkChange::DialFailed }),
        }
    }

    fn item(&mut self, from: usize, process: u64, to: usize, delivery: DeliveryId, item: Vec<u8>, answered: bool) {
        let linked = self.nodes.get(to).is_some_and(|node| node.links.contains(&from) && node.engine.is_some());
        if !linked {
            self.schedule(1, Event::Outcome { node: from, process, delivery, outcome: SendOutcome::Lost });
            return;
        }
        let receipt = self.receipt(to);
        self.node(to).waiting.insert(receipt, (from, process, delivery, answered));
        let peer = self.identity(from);
        if self.delivered.len() < 4_096 {
            self.delivered.push((to, peer, item.clone()));
        }
        self.input(to, Input::Cell { receipt, carrier: Carrier::Link(peer), bytes: item });
    }

    /// Runs for some virtual time.
    pub fn run_for(&mut self, ms: u64) {
        let until = self.now_ms + ms;
        while self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= until) {
            self.step();
        }
        self.now_ms = until;
    }

    /// Runs until something is so; false if it is not within some virtual time.
    pub fn run_until(&mut self, within_ms: u64, mut so: impl FnMut(&mut Self) -> bool) -> bool {
        let until = self.now_ms + within_ms;
        while self.now_ms < until {
            if so(self) {
                return true;
            }
            self.run_for(250);
        }
        so(self)
    }
}
