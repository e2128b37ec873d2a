//! The one loop of a node: one input in, one commit, then the actions.
//!
//! `run` puts it on a thread of its own; everything that can happen to the node comes to it through bounded channels. It keeps
//! the rule on which all else stands: no action is performed before its step's writes are durable. A refused commit is treated
//! as a crash: open requests fail, the engine is dropped and opened again from what is stored. It decides nothing about
//! people, messages or peers; it does not retry, queue or time anything that the engine did not ask for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use kinmesh_protocol::base::{DeliveryId, JobId, PeerId, ReceiptId, Seed, Timestamp, UserId};
use kinmesh_protocol::engine::answer::Failure;
use kinmesh_protocol::engine::job::{Job, JobFailure, JobOutput};
use kinmesh_protocol::engine::{
    Batch, Carrier, Custody, Effects, Input, LinkChange, Now, OpenError, Path, Receipt, SendOutcome as Outcome, View,
};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::daemon::clock::{Clock, NoRandomness, seed};
use crate::daemon::desk::{DeskRequest, UnlockInput, UnlockProblem};
use crate::daemon::jobs::{Finished, Pool};
use crate::daemon::perform::translate_outcome;
use crate::daemon::tickets::Tickets;
use crate::network::{NetworkCommand, NetworkEvent};

/// How often an engine is opened whose first writes are refused, before the node gives up: some 6 s in all.
const REOPENINGS: u32 = 6;
/// The first pause between two openings; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest sleep before the wall clock is looked at again: it may have been set.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// What a sender is asked to wait whose item was not committed.
const RETRY_MS: u32 = 1_000;
/// User names of the operator, who needs no key of a caseworker for what opens nobody.
const OPERATOR: &str = "operator";

/// What the driver needs of a store.
pub trait Store: Send + 'static {
    /// The last committed state.
    type View: View;
    /// What opens the records.
    type RecordsKey: Send + 'static;

    /// The last committed state.
    fn view(&self) -> Self::View;
    /// Commits a batch atomically and durably.
    ///
    /// # Errors
    /// [`CommitRefused`]; nothing of the batch counts then.
    fn commit(&self, batch: Batch) -> Result<(), CommitRefused>;
    /// Opens the records.
    ///
    /// # Errors
    /// The key is not this store's.
    fn open_records(&self, key: Self::RecordsKey) -> Result<(), UnlockProblem>;
    /// Drops the records' key and all that it opened.
    fn lock_records(&self);
    /// Whether the records are open.
    fn records_are_open(&self) -> bool;
}

/// Why a batch was not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommitRefused {
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// More bytes than a batch may have: a bug of the engine.
    #[error("a batch of {found} bytes")]
    TooLarge {
        /// Bytes of the batch.
        found: usize,
    },
    /// The system refused to write.
    #[error("the system refused to write")]
    Failed,
    /// A row that this store does not take: a bug of the engine.
    #[error("a row that this store does not take")]
    Unfit,
    /// A write failed half-way; only a new start knows what is on the disk.
    #[error("a write failed half-way")]
    Broken,
}

/// What decides: the engine, or a table in a test.
pub trait Decide<V: View>: Send + 'static {
    /// One step.
    fn handle(&mut self, now: Now, seed: Seed, input: Input, view: &V) -> Effects;
}

impl<V: View> Decide<V> for kinmesh_protocol::engine::Engine {
    fn handle(&mut self, now: Now, seed: Seed, input: Input, view: &V) -> Effects {
        kinmesh_protocol::engine::Engine::handle(self, now, seed, input, view)
    }
}

/// Opens an engine on the state that is stored; the flag says whether the records are open.
pub type OpenEngine<E, V> = Box<dyn FnMut(Now, Seed, bool, &V) -> Result<(E, Effects), OpenError> + Send>;
/// Derives the records' key from what a user typed; takes up to a second, so it runs on a blocking thread.
pub type FindRecordsKey<K> = Arc<dyn Fn(UserId, UnlockInput) -> Result<K, UnlockProblem> + Send + Sync>;
/// What a job gives.
pub type JobResult = Result<JobOutput, JobFailure>;

/// Why the driver stopped before it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DriverError {
    /// The system gives no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The engine does not open on what is stored.
    #[error("the node does not open: {0}")]
    Open(#[from] OpenError),
    /// The store goes on refusing.
    #[error(
        "the store refused to write {REOPENINGS} times ({0}): free space or check the disk, then start again; nothing is lost"
    )]
    StoreRefuses(CommitRefused),
    /// A write failed half-way.
    #[error("a write failed half-way: check the disk, then start again; what was answered is kept")]
    StoreBroken,
    /// A job panicked: a bug. The place is in the log.
    #[error("a job failed in a way that must not happen; nothing is lost, start again and report the place in the log")]
    JobPanicked,
    /// The network's task has ended.
    #[error("the network has stopped")]
    NetworkGone,
    /// The network takes no commands.
    #[error("the network takes no commands any more")]
    NetworkStuck,
}

/// Everything that can happen to a node.
pub struct Sources<K> {
    /// From the network.
    pub network: mpsc::Receiver<NetworkEvent>,
    /// From the control server.
    pub desk: mpsc::Receiver<DeskRequest>,
    /// From the job pool.
    pub finished: mpsc::Receiver<Finished<JobResult>>,
    /// Fires when the node is to stop.
    pub stop: oneshot::Receiver<()>,
    /// From unlocking threads.
    pub(super) unlocked: mpsc::Receiver<Unlocked<K>>,
}

/// What an unlocking thread found.
pub(super) struct Unlocked<K> {
    pub(super) user: UserId,
    pub(super) found: Result<K, UnlockProblem>,
    pub(super) reply: oneshot::Sender<Result<(), UnlockProblem>>,
}

enum Event<K> {
    Network(NetworkEvent),
    Desk(DeskRequest),
    Finished(Box<Finished<JobResult>>),
    Unlocked(Unlocked<K>),
    LookAtClock,
    Stop,
}

enum Next {
    GoOn,
    End,
}

/// What a driver is made of.
pub struct Parts<S: Store, E> {
    /// The store.
    pub store: S,
    /// How the engine is opened.
    pub open: OpenEngine<E, S::View>,
    /// How a user's word becomes the records' key.
    pub find_key: FindRecordsKey<S::RecordsKey>,
    /// Takes commands to the network.
    pub network: mpsc::Sender<NetworkCommand>,
    /// Runs jobs.
    pub pool: Pool<Job>,
    /// Told each address at which the node listens.
    pub on_listening: Box<dyn FnMut(&str) + Send>,
}

/// The loop and what it holds between two inputs.
pub struct Driver<S: Store, E> {
    pub(super) clock: Clock,
    pub(super) parts: Parts<S, E>,
    engine: Option<E>,
    pub(super) tickets: Tickets,
    /// Which opening of the engine this is: an engine's names for jobs and deliveries start anew with each.
    pub(super) opening: u32,
    pub(super) wake: Option<Timestamp>,
    /// Items whose sender waits for a receipt.
    pub(super) unanswered: BTreeSet<ReceiptId>,
    /// Peers with a connection, and how it runs, told to an engine that is opened again.
    up: BTreeMap<PeerId, (Path, bool)>,
    /// What the driver itself has to tell the engine.
    pub(super) backlog: VecDeque<Input>,
    unlocking: mpsc::Sender<Unlocked<S::RecordsKey>>,
}

impl<S: Store, E: Decide<S::View>> Driver<S, E> {
    /// A driver, and the receiver of its own unlocking threads for [`Sources`].
    pub(super) fn new(parts: Parts<S, E>) -> (Self, mpsc::Receiver<Unlocked<S::RecordsKey>>) {
        let (unlocking, unlocked) = mpsc::channel(2);
        let driver = Self {
            clock: Clock::start(),
            parts,
            engine: None,
            tickets: Tickets::default(),
            opening: 0,
            wake: None,
            unanswered: BTreeSet::new(),
            up: BTreeMap::new(),
            backlog: VecDeque::new(),
            unlocking,
        };
        (driver, unlocked)
    }

    /// Runs until the node is asked to stop.
    ///
    /// # Errors
    /// [`DriverError`]; what was committed is durable, and the next start goes on from there.
    pub async fn run(mut self, mut sources: Sources<S::RecordsKey>) -> Result<(), DriverError> {
        self.open().await?;
        loop {
            while let Some(input) = self.backlog.pop_front() {
                self.step(input).await?;
            }
            let event = self.next(&mut sources).await?;
            if let Next::End = self.take(event).await? {
                drop(sources);
                self.parts.pool.stop();
                return Ok(());
            }
        }
    }

    async fn next(&self, sources: &mut Sources<S::RecordsKey>) -> Result<Event<S::RecordsKey>, DriverError> {
        let until = self.wake.map_or(LONGEST_SLEEP, |at| self.clock.until(at).min(LONGEST_SLEEP));
        let event = tokio::select! {
            _ = &mut sources.stop => Event::Stop,
            event = sources.network.recv() => Event::Network(event.ok_or(DriverError::NetworkGone)?),
            // The pool holds a sender as long as the driver lives, and so does the driver for its unlocking threads.
            Some(finished) = sources.finished.recv() => Event::Finished(Box::new(finished)),
            Some(unlocked) = sources.unlocked.recv() => Event::Unlocked(unlocked),
            request = sources.desk.recv() => request.map_or(Event::Stop, Event::Desk),
            () = sleep(until), if self.wake.is_some() => Event::LookAtClock,
        };
        Ok(event)
    }

    async fn take(&mut self, event: Event<S::RecordsKey>) -> Result<Next, DriverError> {
        match event {
            Event::Network(event) => {
                if let Some(input) = self.input_of(event) {
                    self.step(input).await?;
                }
            }
            Event::Desk(DeskRequest::Stop { reply }) => {
                let _caller_left = reply.send(());
                return Ok(Next::End);
            }
            Event::Desk(request) => self.serve(request).await?,
            Event::Finished(finished) => self.finished(*finished).await?,
            Event::Unlocked(unlocked) => self.unlocked(unlocked).await?,
            Event::LookAtClock => {
                if self.wake.is_some_and(|at| at <= self.clock.now().wall) {
                    self.wake = None;
                    self.step(Input::Wake).await?;
                }
            }
            Event::Stop => return Ok(Next::End),
        }
        Ok(Next::GoOn)
    }

    async fn finished(&mut self, finished: Finished<JobResult>) -> Result<(), DriverError> {
        match finished {
            Finished::Panicked { name } => {
                tracing::error!(job = name, "a job panicked");
                Err(DriverError::JobPanicked)
            }
            Finished::Output { name, output } => match self.own_name(name) {
                Some(job) => self.step(Input::JobDone { job: JobId(job), result: Box::new(output) }).await,
                None => Ok(()),
            },
        }
    }

    /// What the engine is told of an event of the network; some are for the driver and the log alone.
    fn input_of(&mut self, event: NetworkEvent) -> Option<Input> {
        match event {
            NetworkEvent::Listening { address } => {
                (self.parts.on_listening)(&address);
                None
            }
            NetworkEvent::Up { peer, .. } => {
                self.up.insert(peer, (Path::Direct, false));
                Some(Input::Link { peer, change: LinkChange::Up })
            }
            NetworkEvent::Down { peer } => {
                self.up.remove(&peer);
                Some(Input::Link { peer, change: LinkChange::Down })
            }
            NetworkEvent::Path { peer, relayed } => {
                let path = if relayed { Path::Relayed } else { Path::Direct };
                self.up.get_mut(&peer)?.0 = path;
                Some(Input::Link { peer, change: LinkChange::Path(path) })
            }
            NetworkEvent::Place { peer, held } => {
                self.up.get_mut(&peer)?.1 = held;
                Some(Input::Link { peer, change: LinkChange::Place(held) })
            }
            NetworkEvent::DialFailed { peer } => Some(Input::Link { peer, change: LinkChange::DialFailed }),
            NetworkEvent::Item { receipt, peer, bytes } => {
                self.unanswered.insert(receipt);
                Some(Input::Cell { receipt, carrier: Carrier::Link(peer), bytes })
            }
            NetworkEvent::Sent { delivery, outcome } => {
                let delivery = DeliveryId(self.own_name(delivery.0)?);
                Some(Input::Sent { delivery, outcome: translate_outcome(outcome) })
            }
            NetworkEvent::StrangerRefused => {
                tracing::warn!("a peer that is not on the roster was turned away");
                None
            }
        }
    }

    async fn serve(&mut self, request: DeskRequest) -> Result<(), DriverError> {
        match request {
            DeskRequest::Command { user, command, reply } => {
                let Some(user) = user.or_else(|| UserId::new(OPERATOR).ok()) else { return Ok(()) };
                self.backlog.extend(self.tickets.take_gone().into_iter().map(|ticket| Input::Gone { ticket }));
                if let Some(ticket) = self.tickets.open(reply) {
                    self.step(Input::Command { ticket, user, command: Box::new(command) }).await?;
                }
            }
            DeskRequest::Unlock { user, secret, reply } => {
                let (find, unlocking) = (Arc::clone(&self.parts.find_key), self.unlocking.clone());
                match unlocking.try_reserve_owned() {
                    Ok(place) => drop(tokio::task::spawn_blocking(move || {
                        place.send(Unlocked { user, found: find(user, secret), reply });
                    })),
                    Err(_) => drop(reply.send(Err(UnlockProblem::Busy))),
                }
            }
            DeskRequest::Lock { reply } => {
                self.parts.store.lock_records();
                self.step(Input::Custody(Custody::Locked)).await?;
                let _caller_left = reply.send(());
            }
            DeskRequest::Stop { reply } => drop(reply.send(())),
        }
        Ok(())
    }

    async fn unlocked(&mut self, Unlocked { user, found, reply }: Unlocked<S::RecordsKey>) -> Result<(), DriverError> {
        let opened = found.and_then(|key| self.parts.store.open_records(key));
        if opened.is_ok() {
            self.step(Input::Custody(Custody::Opened(user))).await?;
        }
        let _caller_left = reply.send(opened);
        Ok(())
    }

    /// One step: decide, commit, perform.
    async fn step(&mut self, input: Input) -> Result<(), DriverError> {
        let view = self.parts.store.view();
        let Some(engine) = &mut self.engine else { return Ok(()) };
        let effects = engine.handle(self.clock.now(), seed()?, input, &view);
        drop(view);
        match self.commit(effects.writes) {
            Ok(()) => self.perform(effects.actions).await,
            Err(refused) => self.open_again(refused).await,
        }
    }

    fn commit(&self, batch: Batch) -> Result<(), CommitRefused> {
        if batch.is_empty() { Ok(()) } else { self.parts.store.commit(batch) }
    }

    /// What a crash would do, without the crash: nothing durable lives only in the engine.
    async fn open_again(&mut self, refused: CommitRefused) -> Result<(), DriverError> {
        tracing::error!(reason = %refused, "a step was not committed; the engine is opened again");
        if refused == CommitRefused::Broken {
            self.tickets.fail_all(&Failure::Store);
            return Err(DriverError::StoreBroken);
        }
        self.engine = None;
        self.tickets.fail_all(&Failure::Store);
        self.parts.pool.clear();
        self.backlog.clear();
        self.wake = None;
        for of in std::mem::take(&mut self.unanswered) {
            self.receipt(of, Receipt::Busy(RETRY_MS)).await?;
        }
        sleep(FIRST_PAUSE).await;
        self.open().await
    }

    async fn open(&mut self) -> Result<(), DriverError> {
        let mut pause = FIRST_PAUSE;
        let mut last = CommitRefused::Failed;
        for _ in 0..REOPENINGS {
            self.opening += 1;
            let view = self.parts.store.view();
            let records = self.parts.store.records_are_open();
            let (engine, effects) = (self.parts.open)(self.clock.now(), seed()?, records, &view)?;
            drop(view);
            match self.commit(effects.writes) {
                Ok(()) => {
                    self.engine = Some(engine);
                    for (peer, (path, place)) in &self.up {
                        let changes = [LinkChange::Up, LinkChange::Path(*path), LinkChange::Place(*place)];
                        self.backlog.extend(changes.map(|change| Input::Link { peer: *peer, change }));
                    }
                    return self.perform(effects.actions).await;
                }
                Err(refused) => last = refused,
            }
            sleep(pause).await;
            pause *= 2;
        }
        Err(DriverError::StoreRefuses(last))
    }

    /// Tells the engine that a delivery did not leave.
    pub(super) fn did_not_leave(&mut self, delivery: DeliveryId) {
        self.backlog.push_back(Input::Sent { delivery, outcome: Outcome::Busy(RETRY_MS) });
    }
}
