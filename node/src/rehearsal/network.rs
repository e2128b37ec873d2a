//! Makes the rehearsal's network by the operators' own commands: key ceremony, nodes, roster, joining, unlocking.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kinmesh_protocol::base::{MemberId, UserId};
use kinmesh_protocol::engine::{Answer, Command};
use tokio::net::TcpListener;

use crate::control::UnlockInput;
use crate::control::client::Client;
use crate::rehearsal::data::Society;
use crate::rehearsal::errors::RehearsalError;
use crate::rehearsal::fleet::{Fleet, file_error, text};
use crate::rehearsal::ports::free_port;
use crate::rehearsal::tap::Tap;

/// An hour of the real network, in milliseconds of the demo's.
pub const HOUR_MS: u64 = 33;
/// The demo's network; a rehearsal's id starts with `drill-`.
pub const NETWORK: &str = "drill-demo";
/// The demo's only user at every desk.
pub const USER: &str = "desk";
/// The coordination node's folder.
pub const COORDINATOR: &str = "geneva";

/// How nodes reach each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Through a recorder each, which lives as long as the rehearsal.
    Recorded,
    /// Through a counter each, which keeps no copy.
    Counted,
    /// Directly: they go on when the rehearsal has ended.
    Direct,
}

/// The running network.
pub struct Network {
    /// The processes.
    pub fleet: Fleet,
    /// A client of each society's daemon, acting for its desk.
    pub desks: BTreeMap<MemberId, Client>,
    /// A client of the coordination node's daemon.
    pub coordinator: Client,
    /// Recorders, one a node.
    pub taps: Vec<Tap>,
    /// Ports that the nodes listen on.
    pub ports: BTreeMap<String, u16>,
    /// An hour of the real network, in milliseconds of this one.
    pub hour_ms: u64,
    /// Version of the last roster that was published.
    version: u64,
}

/// How quickly a network's time runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// An hour of the real network, in milliseconds of this one.
    pub hour_ms: u64,
    /// Least seconds of an epoch.
    pub epoch_s: u64,
}

/// The folder of a member's node.
#[must_use]
pub fn folder(member: &MemberId) -> String {
    member.as_str().to_ascii_lowercase()
}

impl Network {
    /// Custodians, nodes, roster v1; every node running, joined and unlocked.
    ///
    /// # Errors
    /// [`RehearsalError`].
    pub async fn start(fleet: Fleet, societies: &[Society], wire: Wire, rhythm: Rhythm) -> Result<Self, RehearsalError> {
        let mut network = Self {
            coordinator: Client::new(&fleet.node_dir(COORDINATOR)),
            fleet,
            desks: BTreeMap::new(),
            taps: Vec::new(),
            ports: BTreeMap::new(),
            hour_ms: rhythm.hour_ms,
            version: 1,
        };
        network.ceremony()?;
        let mut enrolments = Vec::new();
        network.init(COORDINATOR, None, wire).await?;
        for society in societies {
            network.init(&folder(&society.member), Some(society), wire).await?;
            enrolments.push(network.enrolment(&society.member));
        }
        network.first_roster(&enrolments, rhythm)?;
        Ok(network)
    }

    /// Three custodians, of whom two must sign.
    fn ceremony(&self) -> Result<(), RehearsalError> {
        let out = text(&self.fleet.node_dir("custodians"));
        self.fleet.command(&[
            "ceremony",
            "run",
            "--out",
            &out,
            "--custodians",
            "3",
            "--threshold",
            "2",
            "--network",
            NETWORK,
            "--unprotected",
        ])?;
        Ok(())
    }

    /// A node behind its recorder.
    async fn init(&mut self, node: &str, society: Option<&Society>, wire: Wire) -> Result<(), RehearsalError> {
        let dir = text(&self.fleet.node_dir(node));
        let port = free_port()?;
        let reached = match wire {
            Wire::Direct => port,
            Wire::Recorded => self.record(node, port).await?,
            Wire::Counted => self.counted(port).await?,
        };
        self.ports.insert(node.to_owned(), port);
        let (service, user) = (self.credential(node, "service")?, self.credential(node, "user")?);
        let (listen, address) = (format!("/ip4/127.0.0.1/tcp/{port}"), format!("/ip4/127.0.0.1/tcp/{reached}"));
        let mut arguments = vec![
            "--dir",
            &dir,
            "init",
            "--network",
            NETWORK,
            "--listen",
            &listen,
            "--address",
            &address,
            "--credential",
            &service,
        ];
        if let Some(society) = society {
            arguments.extend(["--member", society.member.as_str(), "--society", &society.name, "--country", "XX"]);
            arguments.extend(["--user", USER, "--user-credential", &user]);
        } else {
            arguments.extend(["--role", "coordinator"]);
        }
        self.fleet.command(&arguments)?;
        Ok(())
    }

    /// Puts a recorder before a node, and gives the port at which others reach it.
    async fn record(&mut self, node: &str, port: u16) -> Result<u16, RehearsalError> {
        let outside = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| RehearsalError::Start(error.kind()))?;
        let reached = outside.local_addr().map_err(|error| RehearsalError::Start(error.kind()))?.port();
        let capture = self.fleet.dir().join(format!("{node}.capture"));
        let tap = Tap::start(outside, port, capture.clone()).await.map_err(|error| file_error(&capture, &error))?;
        self.taps.push(tap);
        Ok(reached)
    }

    /// Puts a counter before a node, and gives the port at which others reach it.
    async fn counted(&mut self, port: u16) -> Result<u16, RehearsalError> {
        let outside = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| RehearsalError::Start(error.kind()))?;
        let reached = outside.local_addr().map_err(|error| RehearsalError::Start(error.kind()))?.port();
        self.taps.push(Tap::counting(outside, port));
        Ok(reached)
    }

    /// A credential file of 32 random bytes, 0600.
    fn credential(&self, node: &str, what: &str) -> Result<String, RehearsalError> {
        let path = self.credential_path(node, what);
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(|_| RehearsalError::Start(std::io::ErrorKind::Other))?;
        write_private(&path, &bytes)?;
        Ok(text(&path))
    }

    /// Where a node's credential is.
    #[must_use]
    pub fn credential_path(&self, node: &str, what: &str) -> PathBuf {
        self.fleet.dir().join(format!("{node}.{what}-credential"))
    }

    fn enrolment(&self, member: &MemberId) -> String {
        text(&self.fleet.node_dir(&folder(member)).join(format!("enrol-{member}.toml")))
    }

    fn first_roster(&self, enrolments: &[String], rhythm: Rhythm) -> Result<(), RehearsalError> {
        let dir = self.fleet.dir();
        let parties = format!(
            "custodians = \"{}\"\ncoordinator = \"{}\"\n",
            text(&dir.join("custodians").join("custodians.toml")),
            text(&dir.join(COORDINATOR).join("enrol-coordinator.toml")),
        );
        let (plan, proposal) = (self.plan(1, rhythm, &parties)?, text(&self.roster_file(1)));
        let mut arguments = vec!["roster", "propose", "--from", &plan, "--out", &proposal, "--enrol"];
        arguments.extend(enrolments.iter().map(String::as_str));
        self.fleet.command(&arguments)?;
        self.sign(1)
    }

    /// Writes the plan of a roster; gives its path.
    fn plan(&self, version: u64, rhythm: Rhythm, parties: &str) -> Result<String, RehearsalError> {
        let plan = self.fleet.dir().join(format!("roster-v{version}.toml"));
        let Rhythm { hour_ms, epoch_s } = rhythm;
        let body = format!(
            "network = \"{NETWORK}\"\nexpires_days = 30\npace = {{ drill = {{ hour_ms = {hour_ms}, epoch_s = {epoch_s} }} }}\n{parties}"
        );
        std::fs::write(&plan, body).map_err(|error| file_error(&plan, &error))?;
        Ok(text(&plan))
    }

    /// Gives the network another rhythm, by a roster that the custodians sign, and publishes it. What was set by the last
    /// one, a bag for example, still comes at its time.
    ///
    /// # Errors
    /// [`RehearsalError`].
    pub fn change_rhythm(&mut self, rhythm: Rhythm) -> Result<(), RehearsalError> {
        let (held, next) = (text(&self.roster_file(self.version)), self.version + 1);
        let (plan, file) = (self.plan(next, rhythm, "")?, text(&self.roster_file(next)));
        self.fleet.command(&["roster", "propose", "--from", &plan, "--held", &held, "--out", &file])?;
        self.publish(next)?;
        self.hour_ms = rhythm.hour_ms;
        Ok(())
    }

    /// Has a roster signed, and publishes it.
    fn publish(&mut self, version: u64) -> Result<(), RehearsalError> {
        self.sign(version)?;
        let (file, dir) = (text(&self.roster_file(version)), text(&self.fleet.node_dir(COORDINATOR)));
        self.fleet.command(&["--dir", &dir, "roster", "publish", &file])?;
        self.version = version;
        Ok(())
    }

    fn roster_file(&self, version: u64) -> PathBuf {
        self.fleet.dir().join(format!("roster-v{version}.proposal"))
    }

    fn sign(&self, version: u64) -> Result<(), RehearsalError> {
        let file = text(&self.roster_file(version));
        for custodian in [1, 3] {
            let key = text(&self.fleet.dir().join("custodians").join(format!("custodian-{custodian}.key")));
            self.fleet.command(&["roster", "sign", "--yes", "--key", &key, &file])?;
        }
        Ok(())
    }

    /// Starts the coordination node, publishes the roster, starts the societies' nodes, lets them join, unlocks them.
    ///
    /// # Errors
    /// [`RehearsalError`].
    pub async fn up(&mut self, societies: &[Society], enrolments_of: &[MemberId]) -> Result<(), RehearsalError> {
        let credential = self.credential_path(COORDINATOR, "service");
        self.fleet.run(COORDINATOR, &credential).await?;
        let bundle = text(&self.fleet.dir().join("invitation.kmb"));
        let (dir, file) = (text(&self.fleet.node_dir(COORDINATOR)), text(&self.roster_file(1)));
        let enrolments: Vec<String> = enrolments_of.iter().map(|member| self.enrolment(member)).collect();
        let mut arguments = vec!["--dir", &dir, "roster", "publish", &file, "--bundle", &bundle, "--enrol"];
        arguments.extend(enrolments.iter().map(String::as_str));
        self.fleet.command(&arguments)?;
        let fingerprint = self.fingerprint().await?;
        for society in societies {
            let node = folder(&society.member);
            let credential = self.credential_path(&node, "service");
            self.fleet.run(&node, &credential).await?;
            let dir = text(&self.fleet.node_dir(&node));
            self.fleet.command(&["--dir", &dir, "join", &bundle, "--fingerprint", &fingerprint])?;
            let client = self.unlock(&node).await?;
            self.desks.insert(society.member, client);
        }
        Ok(())
    }

    /// What the custodians read out on the call.
    async fn fingerprint(&self) -> Result<String, RehearsalError> {
        match ask(COORDINATOR, &self.coordinator, Command::RosterShow).await? {
            Answer::Roster(roster) => Ok(roster.fingerprint),
            _ => Err(RehearsalError::Request { node: COORDINATOR.to_owned(), what: "another answer".to_owned() }),
        }
    }

    /// Opens a node's records for its desk.
    ///
    /// # Errors
    /// [`RehearsalError`].
    pub async fn unlock(&self, node: &str) -> Result<Client, RehearsalError> {
        let path = self.credential_path(node, "user");
        let secret = std::fs::read(&path).map_err(|error| file_error(&path, &error))?;
        let client = Client::new(&self.fleet.node_dir(node));
        let user = UserId::new(USER).map_err(|_| RehearsalError::Data { file: "the user's name" })?;
        let session = client
            .unlock(user, UnlockInput::Credential(kinmesh_protocol::base::Sensitive::new(secret)))
            .await
            .map_err(|error| RehearsalError::Request { node: node.to_owned(), what: error.to_string() })?;
        Ok(client.with_session(Some(session)))
    }

    /// Leaves the desk's session where the commands of its user look for it, as `daemon unlock` does.
    ///
    /// # Errors
    /// [`RehearsalError`].
    pub fn unlock_command(&self, node: &str) -> Result<(), RehearsalError> {
        let (dir, credential) = (text(&self.fleet.node_dir(node)), text(&self.credential_path(node, "user")));
        self.fleet.command(&["--dir", &dir, "--user", USER, "daemon", "unlock", "--credential", &credential])?;
        Ok(())
    }

    /// Suspends a member by a roster that the custodians sign, and publishes it.
    ///
    /// # Errors
    /// [`RehearsalError`].
    pub fn suspend(&mut self, member: &MemberId) -> Result<(), RehearsalError> {
        let (held, next) = (text(&self.roster_file(self.version)), self.version + 1);
        let file = text(&self.roster_file(next));
        self.fleet.command(&["roster", "propose", "--held", &held, "--suspend", member.as_str(), "--out", &file])?;
        self.publish(next)
    }

    /// Suspends a member at once, by the few custodians that may: written, signed by two, published at the coordination node.
    ///
    /// # Errors
    /// [`RehearsalError`].
    pub fn suspend_at_once(&self, member: &MemberId) -> Result<std::time::Instant, RehearsalError> {
        let path = self.fleet.dir().join(format!("suspend-{member}.kms"));
        let held = text(&self.roster_file(self.version));
        let (file, dir) = (text(&path), text(&self.fleet.node_dir(COORDINATOR)));
        self.fleet.command(&["roster", "suspend", member.as_str(), "--reason", "stolen", "--held", &held, "--out", &file])?;
        for custodian in [1, 3] {
            let key = text(&self.fleet.dir().join("custodians").join(format!("custodian-{custodian}.key")));
            self.fleet.command(&["roster", "sign", "--yes", "--key", &key, &file])?;
        }
        let began = std::time::Instant::now();
        self.fleet.command(&["--dir", &dir, "roster", "publish", &file])?;
        Ok(began)
    }

    /// The desk of a member.
    ///
    /// # Errors
    /// [`RehearsalError::Member`].
    pub fn desk(&self, member: &MemberId) -> Result<&Client, RehearsalError> {
        self.desks.get(member).ok_or(RehearsalError::Member { member: *member })
    }

    /// Asks a member's desk.
    ///
    /// # Errors
    /// [`RehearsalError`].
    pub async fn ask(&self, member: &MemberId, command: Command) -> Result<Answer, RehearsalError> {
        ask(member.as_str(), self.desk(member)?, command).await
    }
}

/// Asks a node.
///
/// # Errors
/// [`RehearsalError::Request`].
pub async fn ask(node: &str, client: &Client, command: Command) -> Result<Answer, RehearsalError> {
    client.command(command).await.map_err(|error| RehearsalError::Request { node: node.to_owned(), what: error.to_string() })
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<(), RehearsalError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| file_error(path, &error))?;
    file.write_all(bytes).map_err(|error| file_error(path, &error))
}
