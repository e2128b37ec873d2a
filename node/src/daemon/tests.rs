//! The driver over a store in memory and a deciding table: order of commit and actions, refused commits, timers, names.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use kinmesh_protocol::base::record::{Root, Row, RowKey, Stored, Tree};
use kinmesh_protocol::base::{BlobId, DeliveryId, JobId, PeerId, ReceiptId, Seed, Sensitive, Timestamp, UserId};
use kinmesh_protocol::engine::answer::Failure;
use kinmesh_protocol::engine::command::Command;
use kinmesh_protocol::engine::job::{Job, JobClass, JobFailure, SweepSlice};
use kinmesh_protocol::engine::{
    Action, Batch, Custody, Effects, Input, LinkChange, Now, Op, ReadError, Receipt, SendOutcome as Outcome, View,
};
use tokio::sync::{mpsc, oneshot};

use super::clock::wall;
use super::desk::{DeskRequest, UnlockInput, UnlockProblem};
use super::driver::{CommitRefused, Decide, Driver, DriverError, JobResult, Parts, Sources, Store};
use super::jobs::Pool;
use crate::network::{NetworkCommand, NetworkEvent, Receipt as NetworkReceipt, SendOutcome};

/// What happened, in order, as words.
type Log = Arc<Mutex<Vec<String>>>;

struct Memory {
    log: Log,
    refusals: Arc<AtomicU32>,
    open: Mutex<bool>,
}

struct NoView;

impl View for NoView {
    fn read(&self, _: Tree, _: Root, _: &RowKey) -> Result<Option<Stored>, ReadError> {
        Ok(None)
    }
    fn read_page(&self, _: Tree, _: Root, _: &RowKey, _: Option<&RowKey>, _: usize) -> Result<Vec<(RowKey, Stored)>, ReadError> {
        Ok(Vec::new())
    }
    fn read_blob(&self, _: BlobId, _: usize) -> Result<Vec<u8>, ReadError> {
        Err(ReadError::Damaged)
    }
}

impl Store for Memory {
    type View = NoView;
    type RecordsKey = ();
    fn view(&self) -> NoView {
        NoView
    }
    fn commit(&self, _: Batch) -> Result<(), CommitRefused> {
        if self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            self.log.lock().unwrap().push("refused".to_owned());
            return Err(CommitRefused::Full);
        }
        self.log.lock().unwrap().push("commit".to_owned());
        Ok(())
    }
    fn open_records(&self, (): ()) -> Result<(), UnlockProblem> {
        *self.open.lock().unwrap() = true;
        Ok(())
    }
    fn lock_records(&self) {
        *self.open.lock().unwrap() = false;
    }
    fn records_are_open(&self) -> bool {
        *self.open.lock().unwrap()
    }
}

/// Answers inputs by the next effects of its script and logs what it is told.
struct Table {
    log: Log,
    script: Arc<Mutex<VecDeque<Effects>>>,
}

impl Decide<NoView> for Table {
    fn handle(&mut self, _: Now, _: Seed, input: Input, _: &NoView) -> Effects {
        let word = match &input {
            Input::Command { ticket, user, .. } => format!("command {} by {user}", ticket.0),
            Input::Gone { .. } => "gone".to_owned(),
            Input::Cell { .. } => "cell".to_owned(),
            Input::Link { change, .. } => format!("link {change:?}"),
            Input::Sent { delivery, outcome } => format!("sent {} {outcome:?}", delivery.0),
            Input::JobDone { job, result } => format!("job {} {}", job.0, result.is_ok()),
            Input::Custody(custody) => format!("custody {custody:?}"),
            Input::Wake => "wake".to_owned(),
        };
        self.log.lock().unwrap().push(word);
        let mut effects = self.script.lock().unwrap().pop_front().unwrap_or_default();
        for action in &mut effects.actions {
            // The ticket is the driver's to name, so a script names none.
            if let (Action::Reply { ticket, .. }, Input::Command { ticket: asked, .. }) = (action, &input) {
                *ticket = *asked;
            }
        }
        effects
    }
}

struct Node {
    log: Log,
    script: Arc<Mutex<VecDeque<Effects>>>,
    refusals: Arc<AtomicU32>,
    events: mpsc::Sender<NetworkEvent>,
    commands: mpsc::Receiver<NetworkCommand>,
    desk: mpsc::Sender<DeskRequest>,
    /// Closing it would stop the node.
    _stop: oneshot::Sender<()>,
    ended: std::thread::JoinHandle<Result<(), DriverError>>,
}

impl Node {
    fn start(script: Vec<Effects>, refusals: u32) -> Self {
        let log = Log::default();
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        let refusals = Arc::new(AtomicU32::new(refusals));
        let (network, commands) = mpsc::channel(8);
        let (events, from_network) = mpsc::channel(8);
        let (desk, from_desk) = mpsc::channel(8);
        let (finish, finished) = mpsc::channel(8);
        let (stop, stopped) = oneshot::channel();
        let pool = Pool::start(1, |_: Job| -> JobResult { Err(JobFailure::Corrupt) }, &finish).unwrap();
        let (opening_log, opening_script) = (Arc::clone(&log), Arc::clone(&script));
        let parts = Parts {
            store: Memory { log: Arc::clone(&log), refusals: Arc::clone(&refusals), open: Mutex::new(false) },
            open: Box::new(move |_, _, records, _: &NoView| {
                opening_log.lock().unwrap().push(format!("open, records {records}"));
                let effects = Effects::default();
                Ok((Table { log: Arc::clone(&opening_log), script: Arc::clone(&opening_script) }, effects))
            }),
            find_key: Arc::new(|user: UserId, _| if user.as_str() == "amina" { Ok(()) } else { Err(UnlockProblem::Wrong) }),
            network,
            pool,
            on_listening: Box::new(|_| ()),
        };
        let (driver, unlocked) = Driver::new(parts);
        let sources = Sources { network: from_network, desk: from_desk, finished, stop: stopped, unlocked };
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(driver.run(sources))
        });
        Self { log, script, refusals, events, commands, desk, _stop: stop, ended }
    }

    fn words(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    async fn ask(&self) -> Result<kinmesh_protocol::engine::answer::Answer, Failure> {
        let (reply, answer) = oneshot::channel();
        self.desk.send(DeskRequest::Command { user: None, command: Command::Status, reply }).await.unwrap();
        answer.await.unwrap()
    }

    async fn unlock(&self, user: &str) -> Result<(), UnlockProblem> {
        let (reply, answer) = oneshot::channel();
        let secret = UnlockInput::Passphrase("a long passphrase".into());
        self.desk.send(DeskRequest::Unlock { user: UserId::new(user).unwrap(), secret, reply }).await.unwrap();
        answer.await.unwrap()
    }

    async fn stop(self) -> Vec<String> {
        let (reply, answer) = oneshot::channel();
        self.desk.send(DeskRequest::Stop { reply }).await.unwrap();
        answer.await.unwrap();
        self.ended.join().unwrap().unwrap();
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

fn peer() -> PeerId {
    PeerId([4; 32])
}

fn effects(actions: Vec<Action>) -> Effects {
    let row = Row { tree: Tree::Own, root: Root::Service, key: RowKey(vec![1]), version: 1, value: Sensitive::new(vec![1]) };
    Effects { writes: Batch { ops: vec![Op::Put(row)], ..Batch::default() }, actions }
}

fn replies(failure: Failure) -> Action {
    Action::Reply { ticket: kinmesh_protocol::base::Ticket(0), answer: Box::new(Err(failure)) }
}

fn sends(delivery: u64) -> Action {
    Action::Send { delivery: DeliveryId(delivery), peer: peer(), item: vec![1] }
}

#[tokio::test]
async fn a_command_is_committed_before_it_is_answered() {
    let node = Node::start(vec![effects(vec![replies(Failure::Unknown)])], 0);
    assert_eq!(node.ask().await.unwrap_err(), Failure::Unknown);
    assert_eq!(node.words(), ["open, records false", "command 1 by operator", "commit"]);
    assert_eq!(node.stop().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_refused_commit_fails_what_is_open_and_opens_the_engine_again() {
    let mut node = Node::start(Vec::new(), 0);
    node.events.send(NetworkEvent::Up { peer: peer(), address: None }).await.unwrap();
    node.events.send(NetworkEvent::Item { receipt: ReceiptId(5), peer: peer(), bytes: vec![1] }).await.unwrap();
    let Err(Failure::Busy | Failure::Store) = node.ask_until_refused().await else { panic!("answered") };
    // Nothing of the refused step was performed: the sender of the open item is asked to come again, and that is all.
    let receipt = NetworkCommand::Receipt { of: ReceiptId(5), answer: NetworkReceipt::Busy { retry_ms: 1_000 } };
    assert_eq!(node.commands.recv().await, Some(receipt));
    let words = node.stop().await;
    assert_eq!(
        words,
        [
            "open, records false",
            "link Up",
            "cell",
            "command 1 by operator",
            "refused",
            "open, records false",
            // Connections and how they are made are told anew.
            "link Up",
            "link Path(Direct)",
            "link Place(false)",
        ]
    );
}

impl Node {
    /// Asks once more, its step to be refused.
    async fn ask_until_refused(&self) -> Result<kinmesh_protocol::engine::answer::Answer, Failure> {
        // The two events come before the command only if they were taken before it was put in.
        while self.log.lock().unwrap().len() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        self.script.lock().unwrap().push_back(effects(vec![sends(1), replies(Failure::Unknown)]));
        self.refusals.store(1, Ordering::SeqCst);
        self.ask().await
    }
}

#[tokio::test]
async fn names_of_an_earlier_opening_mean_nothing() {
    let mut node = Node::start(vec![effects(vec![sends(3), replies(Failure::Unknown)])], 0);
    assert!(node.ask().await.is_err());
    let Some(NetworkCommand::Send { delivery: named, .. }) = node.commands.recv().await else { panic!("no send") };
    assert_ne!(named, DeliveryId(3));
    node.events.send(NetworkEvent::Sent { delivery: DeliveryId(3), outcome: SendOutcome::Lost }).await.unwrap();
    node.events.send(NetworkEvent::Sent { delivery: named, outcome: SendOutcome::Busy { retry_ms: 7 } }).await.unwrap();
    while !node.log.lock().unwrap().iter().any(|word| word.starts_with("sent")) {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let words = node.stop().await;
    assert_eq!(words.last(), Some(&format!("sent 3 {:?}", Outcome::Busy(7))));
    assert_eq!(words.iter().filter(|word| word.starts_with("sent")).count(), 1);
}

#[tokio::test]
async fn a_job_ends_in_an_input_with_its_own_name() {
    let slice = SweepSlice { tree: Tree::Tags, from: RowKey::default(), until: None, expired: None };
    let run = Action::Run { job: JobId(9), class: JobClass::Build, work: Box::new(Job::Sweep(slice)) };
    let node = Node::start(vec![effects(vec![run, replies(Failure::Unknown)])], 0);
    assert!(node.ask().await.is_err());
    while !node.log.lock().unwrap().iter().any(|word| word == "job 9 false") {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    node.stop().await;
}

#[tokio::test]
async fn a_wake_comes_once_and_a_second_request_replaces_the_first() {
    let far = Action::WakeAt(Timestamp(wall().0 + 3_600_000));
    let near = Action::WakeAt(Timestamp(wall().0 + 20));
    let node = Node::start(vec![effects(vec![far, near, replies(Failure::Unknown)])], 0);
    assert!(node.ask().await.is_err());
    while !node.log.lock().unwrap().iter().any(|word| word == "wake") {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let words = node.stop().await;
    assert_eq!(words.iter().filter(|word| *word == "wake").count(), 1);
}

#[tokio::test]
async fn records_open_for_a_known_user_and_lock_again() {
    let node = Node::start(Vec::new(), 0);
    assert_eq!(node.unlock("boris").await, Err(UnlockProblem::Wrong));
    assert_eq!(node.unlock("amina").await, Ok(()));
    let (reply, locked) = oneshot::channel();
    node.desk.send(DeskRequest::Lock { reply }).await.unwrap();
    locked.await.unwrap();
    let words = node.stop().await;
    assert_eq!(
        words,
        [
            "open, records false".to_owned(),
            format!("custody {:?}", Custody::Opened(UserId::new("amina").unwrap())),
            format!("custody {:?}", Custody::Locked)
        ]
    );
}

#[tokio::test]
async fn peers_that_go_are_not_told_to_the_next_engine() {
    let node = Node::start(Vec::new(), 0);
    node.events.send(NetworkEvent::Up { peer: peer(), address: None }).await.unwrap();
    node.events.send(NetworkEvent::Down { peer: peer() }).await.unwrap();
    assert!(matches!(node.ask_until_refused().await, Err(Failure::Store)));
    let words = node.stop().await;
    assert_eq!(words.last().map(String::as_str), Some("open, records false"));
    assert!(words.contains(&format!("link {:?}", LinkChange::Down)));
}

#[tokio::test]
async fn a_busy_receipt_is_translated_both_ways() {
    let mut node = Node::start(vec![effects(vec![Action::Receipt { of: ReceiptId(8), answer: Receipt::Refused(5) }])], 0);
    node.events.send(NetworkEvent::Item { receipt: ReceiptId(8), peer: peer(), bytes: vec![1] }).await.unwrap();
    let receipt = NetworkCommand::Receipt { of: ReceiptId(8), answer: NetworkReceipt::Refused { code: 5 } };
    assert_eq!(node.commands.recv().await, Some(receipt));
    node.stop().await;
}

#[tokio::test]
async fn the_network_gone_ends_the_node() {
    let node = Node::start(Vec::new(), 0);
    drop(node.events);
    assert_eq!(node.ended.join().unwrap(), Err(DriverError::NetworkGone));
}
