//! `daemon run`: opens a node and runs it until it is told to stop.
//!
//! The command line calls it in the foreground; a service manager keeps it. It puts the parts together: the driver on a thread
//! of its own, the network and the control server on a runtime, signals to the driver's stop. It keeps that the process writes
//! no core file, is not read by a debugger, and that a panic says where, never what. What serves the control socket is passed
//! in, since that folder stands above this one.

use std::error::Error;
use std::fs;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::panic;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use kinmesh_protocol::engine::job;
use kinmesh_protocol::engine::{Engine, Seat};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tracing_subscriber::EnvFilter;

use crate::daemon::desk::DeskRequest;
use crate::daemon::driver::{Driver, DriverError, Parts, Sources};
use crate::daemon::folder::{LogLevel, NodeFolder};
use crate::daemon::jobs::{Pool, thread_count};
use crate::daemon::opened::{OpenNodeError, OpenedNode, open_node};
use crate::exchange::Kind;
use crate::keys::{SecretKind, UnlockSecret, small_file};
use crate::network::{Network, NetworkCommand, NetworkConfig, NetworkError, NetworkEvent};
use crate::store::NodeStore;

/// Events of the network that wait for the driver.
const EVENTS: usize = 256;
/// Requests of the desk that wait for the driver.
const REQUESTS: usize = 64;
/// Outputs of jobs that wait for the driver: one a thread, and one more each.
const OUTPUTS: usize = 4;
/// Commands that wait for the network.
const COMMANDS: usize = 64;
/// Overrides the configuration's level, in the syntax of tracing's filters.
const LOG_VARIABLE: &str = "KINMESH_LOG";

/// Why a node did not run, or stopped by itself.
#[derive(Debug, Error)]
pub enum RunError {
    /// The node does not open.
    #[error(transparent)]
    Open(#[from] OpenNodeError),
    /// The network does not start.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The control socket was not made.
    #[error("the control socket: {0}")]
    Control(#[source] Box<dyn Error + Send + Sync>),
    /// The system gives no threads, signals or limits.
    #[error("the system refused a thread, a signal or a limit: {0}")]
    System(#[from] io::Error),
    /// The driver stopped.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// The driver panicked: a bug. The place is in the log.
    #[error("the node failed in a way that must not happen; nothing is lost, start again and report the place in the log")]
    Panicked,
}

impl RunError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Open(error) => error.kind(),
            Self::Network(_) => Kind::Usage,
            Self::Control(_) | Self::System(_) | Self::Driver(_) | Self::Panicked => Kind::Machine,
        }
    }
}

/// Runs the node of a folder until SIGTERM, SIGINT or the desk stops it.
///
/// `secret` gives what opens a keystore of that kind. `control` makes the control server's future from the folder, the desk
/// and a signal after which no request is taken any more; it is called on the runtime.
///
/// # Errors
/// [`RunError`]; what was committed is durable, and the next start goes on from there.
pub fn run<C>(
    dir: &Path,
    secret: impl FnOnce(SecretKind) -> Option<UnlockSecret>,
    control: impl FnOnce(&Path, mpsc::Sender<DeskRequest>, oneshot::Receiver<()>) -> Result<C, Box<dyn Error + Send + Sync>>,
) -> Result<(), RunError>
where
    C: Future<Output = io::Result<()>> + Send + 'static,
{
    harden()?;
    let folder = NodeFolder::new(dir);
    let node = open_node(&folder, secret)?;
    start_log(node.config.log);
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (events, from_network) = mpsc::channel(EVENTS);
    let network = runtime.block_on(start_network(&node, events.clone()))?;
    let again = Again { config: network_config(&node), events };
    let (desk, from_desk) = mpsc::channel(REQUESTS);
    let (close_control, control_closed) = oneshot::channel();
    let control = {
        let _on_runtime = runtime.enter();
        control(dir, desk, control_closed).map_err(RunError::Control)?
    };
    let control = runtime.spawn(control);
    let (stop, stopped) = oneshot::channel();
    let (commands, queued) = mpsc::channel(COMMANDS);
    let forwarding = runtime.spawn(forward(network, queued, again));
    let (ended, driver_ended) = oneshot::channel();
    let driver = start_driver(&node, &folder, Inputs { from_network, from_desk, stopped, commands }, ended)?;
    tracing::info!(network = %node.config.network, "the node runs");
    runtime.block_on(wait(stop, driver_ended))?;
    let outcome = driver.join().map_err(|_| RunError::Panicked)?;
    let _server_left = close_control.send(());
    finish(&runtime, &folder, control, forwarding);
    tracing::info!("the node has stopped");
    Ok(outcome?)
}

/// What the driver's channels are connected to.
struct Inputs {
    from_network: mpsc::Receiver<NetworkEvent>,
    from_desk: mpsc::Receiver<DeskRequest>,
    stopped: oneshot::Receiver<()>,
    commands: mpsc::Sender<NetworkCommand>,
}

async fn start_network(node: &OpenedNode, events: mpsc::Sender<NetworkEvent>) -> Result<Network, NetworkError> {
    Network::start(network_config(node), events).await
}

fn network_config(node: &OpenedNode) -> NetworkConfig {
    NetworkConfig {
        identity: node.operational_seed.clone(),
        listen: node.config.listen.clone(),
        relay: node.config.seat == Seat::Coordinator,
        drill: node.config.network.is_drill(),
    }
}

/// What starts the network again under another identity.
struct Again {
    config: NetworkConfig,
    events: mpsc::Sender<NetworkEvent>,
}

/// Puts the driver on its thread; `ended` fires when it has returned, however that was.
fn start_driver(
    node: &OpenedNode,
    folder: &NodeFolder,
    inputs: Inputs,
    ended: oneshot::Sender<()>,
) -> io::Result<JoinHandle<Result<(), DriverError>>> {
    let Inputs { from_network, from_desk, stopped, commands } = inputs;
    let bulk = node.store.bulk();
    let (finish, finished) = mpsc::channel(OUTPUTS);
    let pool = Pool::start(thread_count(), move |work| job::run(work, &*bulk), &finish)?;
    let mut listening = Listening { path: folder.listen(), addresses: Vec::new() };
    let parts: Parts<NodeStore, Engine> = Parts {
        store: node.store.clone(),
        open: node.engine_opener(),
        find_key: node.records_opener(),
        network: commands,
        pool,
        on_listening: Box::new(move |address| listening.add(address)),
    };
    thread::Builder::new().name("driver".to_owned()).spawn(move || {
        let (driver, unlocked) = Driver::new(parts);
        let sources = Sources { network: from_network, desk: from_desk, finished, stop: stopped, unlocked };
        let outcome = match Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime.block_on(driver.run(sources)),
            Err(error) => {
                tracing::error!(%error, "the driver has no runtime");
                Err(DriverError::NetworkStuck)
            }
        };
        let _nobody_waits = ended.send(());
        outcome
    })
}

/// Waits until the driver has ended, and lets a signal stop it.
async fn wait(stop: oneshot::Sender<()>, mut ended: oneshot::Receiver<()>) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        // A dropped sender is a driver that panicked; joining it says so.
        _ = &mut ended => return Ok(()),
        _ = terminate.recv() => tracing::info!("asked to stop by SIGTERM"),
        _ = interrupt.recv() => tracing::info!("asked to stop by SIGINT"),
    }
    let _driver_ended = stop.send(());
    let _ended = ended.await;
    Ok(())
}

/// Passes commands on, waiting where the network has no room; ends, and gives the network back, when the driver has.
///
/// A change of the identity stops the network and starts it again on the same addresses; the connections are made anew.
async fn forward(mut network: Network, mut commands: mpsc::Receiver<NetworkCommand>, mut again: Again) -> Option<Network> {
    while let Some(command) = commands.recv().await {
        if let NetworkCommand::Identify { seed } = command {
            if seed == again.config.identity {
                continue;
            }
            again.config.identity = seed;
            network.stop().await;
            network = match Network::start(again.config.clone(), again.events.clone()).await {
                Ok(network) => network,
                Err(error) => {
                    tracing::error!(%error, "the network does not start again");
                    return None;
                }
            };
            continue;
        }
        if network.command(command).await.is_err() {
            break;
        }
    }
    Some(network)
}

/// Lets open answers and connections come to their end.
fn finish(
    runtime: &Runtime,
    folder: &NodeFolder,
    control: tokio::task::JoinHandle<io::Result<()>>,
    forwarding: tokio::task::JoinHandle<Option<Network>>,
) {
    runtime.block_on(async {
        match forwarding.await {
            Ok(Some(network)) => network.stop().await,
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the network was not stopped in order"),
        }
        match control.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the control server ended early"),
            Err(error) => tracing::error!(%error, "the control server was not stopped in order"),
        }
    });
    match fs::remove_file(folder.listen()) {
        Err(error) if error.kind() != ErrorKind::NotFound => tracing::warn!(%error, "listen.txt was not removed"),
        _ => {}
    }
}

/// The addresses at which the node listens, in a file for the command line and for people.
struct Listening {
    path: PathBuf,
    addresses: Vec<String>,
}

impl Listening {
    fn add(&mut self, address: &str) {
        tracing::info!(address, "listening");
        if self.addresses.iter().any(|known| known == address) {
            return;
        }
        self.addresses.push(address.to_owned());
        let mut text = self.addresses.join("\n");
        text.push('\n');
        if let Err(error) = small_file::replace(&self.path, text.as_bytes()) {
            tracing::error!(%error, "listen.txt was not written");
        }
    }
}

/// Memory of this process goes into no core file and to no debugger of the same account, and a panic prints its place only:
/// its text could hold what it stumbled over.
fn harden() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    panic::set_hook(Box::new(|info| match info.location() {
        Some(place) => tracing::error!(file = place.file(), line = place.line(), "a thread panicked"),
        None => tracing::error!("a thread panicked"),
    }));
    Ok(())
}

/// The log goes to the standard error as text; foreign crates only speak of what needs a person.
fn start_log(level: LogLevel) {
    let own = match level {
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
    };
    let usual = || EnvFilter::new(format!("warn,kinmesh_node={own}"));
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| usual());
    let started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).try_init();
    if started.is_err() {
        // A test or the rehearsal has a log already.
        tracing::debug!("the log was started before");
    }
}
