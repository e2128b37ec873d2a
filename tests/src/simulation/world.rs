//! The simulated world: one queue of events ordered by time and sequence, nodes with their stores, clocks and faults.
//!
//! It does what the node's driver does: commit first, then act; a refused commit fails the open commands and opens the engine
//! again, with its connections told anew. Every command has exactly one reply, and an engine never calls a sound store
//! damaged; what else must hold is in `invariants` and `links`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::record::Tree;
use kinmesh_protocol::base::{DeliveryId, JobId, MemberId, PeerId, ReceiptId, Seed, Ticket, Timestamp};
use kinmesh_protocol::engine::job;
use kinmesh_protocol::engine::{
    Action, Answer, Custody, Effects, Engine, Failure, Input, Job, LinkChange, NodeKeys, Notice, NoticeCode, Now, Op, Receipt,
    Seat, SendOutcome,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::simulation::faults::Faults;
use crate::simulation::links::{Flight, Observed, Waiting};
use crate::simulation::meter::{Meter, Work};
use crate::simulation::moments::Moments;
use crate::simulation::store::SimStore;
use crate::simulation::trace::Trace;

/// How long a node that crashed by itself stays away, at most.
const LONGEST_PAUSE_MS: u64 = 20_000;
/// A sender whose item was not committed is asked to wait so long.
const RETRY_MS: u32 = 1_000;

/// One simulated node.
pub struct SimNode {
    /// Its name in the trace.
    pub name: String,
    /// What it is.
    pub seat: Seat,
    /// Its store, which survives crashes.
    pub store: SimStore,
    /// Calls that its engine asked for.
    pub dials: usize,
    /// True for a node whose keys a test holds: it has links, and no engine answers.
    pub(super) is_puppet: bool,
    operational: [u8; 32],
    identity: PeerId,
    engine: Option<Engine>,
    /// Counts openings of the engine: what an earlier one asked for does not reach a later one.
    pub(super) process: u64,
    started_ms: u64,
    /// Its clock minus the world's.
    pub(super) ahead_ms: i64,
    pub(super) admitted: BTreeSet<PeerId>,
    pub(super) links: BTreeSet<usize>,
    pub(super) in_flight: BTreeMap<usize, BTreeSet<DeliveryId>>,
    wake: Option<u64>,
    pub(super) open: BTreeMap<Ticket, Option<Result<Answer, Failure>>>,
    pub(super) waiting: BTreeMap<ReceiptId, Waiting>,
    pub(super) next_receipt: u64,
    pub(super) next_ticket: u64,
}

pub(super) enum Event {
    Wake { node: usize, process: u64, at: u64 },
    Job { node: usize, process: u64, job: JobId, work: Box<Job> },
    Connect { from: usize, to: PeerId, process: u64 },
    Item(Box<Flight>),
    Outcome { node: usize, process: u64, delivery: DeliveryId, outcome: SendOutcome },
    Cut { one: usize, other: usize },
    Crash { node: usize, process: u64 },
    Start { node: usize },
}

/// Tree and length of value of each row of a commit, none for a removal.
pub type CommitShape = Vec<(Tree, Option<usize>)>;

/// A whole network in virtual time.
pub struct World {
    /// The nodes.
    pub nodes: Vec<SimNode>,
    /// Faults of this run.
    pub faults: Faults,
    /// The items that were delivered: receiver, sender's identity, bytes.
    pub delivered: Vec<(usize, PeerId, Vec<u8>)>,
    /// What one node uses of the processor, where the run looks at it.
    pub meter: Option<Meter>,
    /// What an observer of the network sees, where the run looks at it.
    pub observed: Option<Vec<Observed>>,
    /// False for a large run that needs no bytes of what was delivered.
    pub keep_delivered: bool,
    /// Commits so far, refused ones not counted.
    pub commits: u64,
    /// The commit with this number is refused.
    pub refuse_at: Option<u64>,
    /// What every engine wanted in the log, with the node.
    pub notices: Vec<(usize, Notice)>,
    /// With it, the shape of every commit is kept in `shapes`.
    pub watch: bool,
    /// The watched commits: node, then tree and length of value of each row, none for a removal, in the batch's order.
    pub shapes: Vec<(usize, CommitShape)>,
    pub(super) apart: BTreeSet<(usize, usize)>,
    /// Whom a roster lets take part, by its hash.
    pub(super) rosters: BTreeMap<[u8; 32], BTreeSet<MemberId>>,
    /// Where randomness hangs on the moment: how often each was drawn for already.
    pub(super) moments: Option<Moments>,
    /// What was answered to an item that a test offered.
    pub(super) offered: Option<Receipt>,
    pub(super) now_ms: u64,
    sequence: u64,
    pub(super) queue: BTreeMap<(u64, u64), Event>,
    backlog: VecDeque<(usize, u64, Input)>,
    is_busy: bool,
    pub(super) rng: ChaCha20Rng,
    trace: Trace,
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
            delivered: Vec::new(),
            meter: None,
            observed: None,
            keep_delivered: true,
            moments: None,
            commits: 0,
            refuse_at: None,
            notices: Vec::new(),
            watch: false,
            shapes: Vec::new(),
            apart: BTreeSet::new(),
            rosters: BTreeMap::new(),
            offered: None,
            now_ms: 1_800_000_000_000,
            sequence: 0,
            queue: BTreeMap::new(),
            backlog: VecDeque::new(),
            is_busy: false,
            rng: ChaCha20Rng::from_seed(bytes),
            trace: Trace::new(seed),
        }
    }

    /// The true time.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        Timestamp(self.now_ms)
    }

    /// Hash of everything that happened: equal for equal seeds.
    #[must_use]
    pub fn trace_hash(&self) -> String {
        self.trace.hash()
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
        let ahead = self.below(2 * self.faults.clock_ms + 1);
        self.nodes.push(SimNode {
            name: name.to_owned(),
            seat,
            store,
            dials: 0,
            is_puppet: false,
            operational,
            identity: PeerId(SigningKey::from_bytes(&operational).verifying_key().to_bytes()),
            engine: None,
            process: 0,
            started_ms: 0,
            ahead_ms: ahead.cast_signed() - self.faults.clock_ms.cast_signed(),
            admitted: BTreeSet::new(),
            links: BTreeSet::new(),
            in_flight: BTreeMap::new(),
            wake: None,
            open: BTreeMap::new(),
            waiting: BTreeMap::new(),
            next_receipt: 0,
            next_ticket: 0,
        });
        self.nodes.len() - 1
    }

    pub(super) fn node(&mut self, node: usize) -> &mut SimNode {
        self.nodes.get_mut(node).expect("a node of this world")
    }

    /// A node's transport identity.
    #[must_use]
    pub fn identity(&self, node: usize) -> PeerId {
        self.nodes[node].identity
    }

    pub(super) fn find(&self, peer: &PeerId) -> Option<usize> {
        self.nodes.iter().position(|node| node.identity == *peer)
    }

    fn note(&mut self, node: usize, line: &str) {
        self.trace.note(self.now_ms, &format!("{}: {line}", self.nodes[node].name));
    }

    pub(super) fn schedule(&mut self, after_ms: u64, event: Event) {
        self.sequence += 1;
        self.queue.insert((self.now_ms + after_ms, self.sequence), event);
    }

    pub(super) fn delay(&mut self) -> u64 {
        1 + self.below(self.faults.delay_ms.max(1))
    }

    fn clock(&self, node: usize) -> Now {
        let node = &self.nodes[node];
        Now { wall: Timestamp(self.now_ms.saturating_add_signed(node.ahead_ms)), steady_ms: self.now_ms - node.started_ms }
    }

    /// Starts a node: opens its engine on its store.
    pub fn start(&mut self, node: usize) {
        self.note(node, "start");
        assert!(!self.runs(node), "it runs already");
        self.node(node).started_ms = self.now_ms;
        self.open_engine(node);
        self.drain();
    }

    fn open_engine(&mut self, node: usize) {
        let (seed, now) = (self.seed(), self.clock(node));
        let this = self.node(node);
        this.process += 1;
        this.wake = None;
        this.in_flight.clear();
        let keys = NodeKeys::new(SigningKey::from_bytes(&this.operational));
        let open = this.store.records_open();
        let (engine, effects) =
            Engine::open(this.seat, keys, now, seed, open, &this.store).expect("the engine opens on what it committed");
        this.engine = Some(engine);
        self.perform(node, effects);
    }

    /// A refused commit: what a crash would do, without the crash. The connections stay and are told to the next engine.
    fn open_again(&mut self, node: usize) {
        self.note(node, "refused");
        let this = self.node(node);
        for reply in this.open.values_mut().filter(|reply| reply.is_none()) {
            *reply = Some(Err(Failure::Store));
        }
        let (waiting, links) = (std::mem::take(&mut this.waiting), this.links.clone());
        for waiting in waiting.into_values() {
            self.outcome_after(1, waiting, SendOutcome::Busy(RETRY_MS));
        }
        self.open_engine(node);
        for other in links {
            let peer = self.identity(other);
            self.input(node, Input::Link { peer, change: LinkChange::Up });
        }
    }

    /// Crashes a node: everything volatile is gone.
    pub fn crash(&mut self, node: usize) {
        self.note(node, "crash");
        let this = self.node(node);
        this.engine = None;
        this.process += 1;
        this.admitted.clear();
        this.wake = None;
        for reply in this.open.values_mut().filter(|reply| reply.is_none()) {
            *reply = Some(Err(Failure::Store));
        }
        let (waiting, links) = (std::mem::take(&mut this.waiting), this.links.clone());
        for waiting in waiting.into_values() {
            self.outcome_after(1, waiting, SendOutcome::Lost);
        }
        for other in links {
            self.cut(node, other);
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
        self.nodes[node].engine.is_some()
    }

    /// Opens or locks a node's records.
    pub fn custody(&mut self, node: usize, custody: Custody) {
        self.node(node).store.set_records_open(matches!(custody, Custody::Opened(_)));
        self.input(node, Input::Custody(custody));
    }

    /// An input, after those that are being worked on. One for an engine that was opened again meanwhile is dropped.
    pub(super) fn input(&mut self, node: usize, input: Input) {
        let process = self.node(node).process;
        self.backlog.push_back((node, process, input));
        self.drain();
    }

    fn drain(&mut self) {
        if std::mem::replace(&mut self.is_busy, true) {
            return;
        }
        while let Some((node, process, input)) = self.backlog.pop_front() {
            if self.node(node).process == process {
                self.handle(node, input);
            }
        }
        self.is_busy = false;
    }

    fn handle(&mut self, node: usize, input: Input) {
        self.moment(node, usize::MAX);
        let (seed, now) = (self.seed(), self.clock(node));
        let (refused, crash) = (self.below(1_000) < self.faults.refused_commits, self.below(2_000));
        let began = Meter::begin(self.meter.as_ref(), node);
        let this = self.node(node);
        let Some(engine) = this.engine.as_mut() else { return };
        let effects = engine.handle(now, seed, input, &this.store);
        Meter::end(self.meter.as_mut(), began, Work::Step);
        if crash < self.faults.crashes {
            // Before the commit: the step never was.
            self.fall(node);
            return;
        }
        if refused || (self.refuse_at == Some(self.commits) && !effects.writes.is_empty()) {
            self.refuse_at = None;
            self.node(node).store.refuse_next();
        }
        if crash < 2 * self.faults.crashes {
            // Between the commit and whatever comes of it.
            let process = self.node(node).process;
            self.schedule(0, Event::Crash { node, process });
        }
        self.perform(node, effects);
    }

    fn fall(&mut self, node: usize) {
        let pause = self.below(LONGEST_PAUSE_MS);
        self.restart(node, pause);
    }

    /// Commits, then acts.
    fn perform(&mut self, node: usize, effects: Effects) {
        let Effects { writes, actions } = effects;
        let size = writes.size();
        if !writes.is_empty() {
            let shape = self.watch.then(|| shape(&writes.ops));
            if self.node(node).store.commit(writes).is_err() {
                self.open_again(node);
                return;
            }
            self.commits += 1;
            self.shapes.extend(shape.map(|shape| (node, shape)));
        }
        self.note(node, &format!("commit {size}"));
        for action in actions {
            self.note(node, &format!("{action:?}"));
            self.act(node, action);
        }
    }

    fn act(&mut self, node: usize, action: Action) {
        let process = self.node(node).process;
        match action {
            Action::Send { delivery, peer, item } => self.send(node, delivery, &peer, item),
            Action::Receipt { of, answer } => self.receipt_given(node, of, answer),
            Action::Reply { ticket, answer } => {
                let slot = self.node(node).open.get_mut(&ticket).expect("a reply to an open ticket");
                assert!(slot.replace(*answer).is_none(), "two replies to one ticket");
            }
            Action::Admit { peer } => self.admit(node, peer),
            Action::Deny { peer } => self.deny(node, peer),
            Action::Dial { peer, .. } => {
                let after = self.delay();
                self.node(node).dials += 1;
                self.schedule(after, Event::Connect { from: node, to: peer, process });
            }
            Action::Identify { seed } => {
                for other in self.nodes[node].links.clone() {
                    self.cut(node, other);
                }
                self.node(node).identity = PeerId(SigningKey::from_bytes(seed.expose()).verifying_key().to_bytes());
            }
            // The simulated network has no addresses, so nobody needs a relay.
            Action::Relay { .. } => {}
            Action::Run { job, work, .. } => self.schedule(3, Event::Job { node, process, job, work }),
            Action::WakeAt(at) => {
                let after = at.0.saturating_sub(self.clock(node).wall.0);
                self.node(node).wake = Some(at.0);
                self.schedule(after, Event::Wake { node, process, at: at.0 });
            }
            Action::Notify(notice) => {
                assert!(notice.code != NoticeCode::Damaged, "a sound store was called damaged at {}", notice.number);
                self.notices.push((node, notice));
            }
        }
    }

    /// One event; false when there is none.
    pub fn step(&mut self) -> bool {
        let Some(((at, _), event)) = self.queue.pop_first() else { return false };
        self.now_ms = self.now_ms.max(at);
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
                    let began = Meter::begin(self.meter.as_ref(), node);
                    let result = job::run(*work, &store);
                    Meter::end(self.meter.as_mut(), began, Work::Job);
                    self.input(node, Input::JobDone { job, result: Box::new(result) });
                }
            }
            Event::Connect { from, to, process } if self.node(from).process == process => self.connect(from, &to),
            Event::Connect { .. } => {}
            Event::Item(flight) => self.arrive(*flight),
            Event::Outcome { node, process, delivery, outcome } => self.outcome(node, process, delivery, outcome),
            Event::Cut { one, other } => self.cut(one, other),
            Event::Crash { node, process } if self.node(node).process == process => self.fall(node),
            Event::Crash { .. } => {}
            Event::Start { node } => {
                if !self.runs(node) {
                    self.start(node);
                }
            }
        }
        true
    }
}

/// Which rows a batch writes, and how long they are.
fn shape(ops: &[Op]) -> Vec<(Tree, Option<usize>)> {
    let length = |op: &Op| match op {
        Op::Put(row) => (row.tree, Some(row.value.expose().len())),
        Op::Remove(tree, _) => (*tree, None),
    };
    ops.iter().map(length).collect()
}
