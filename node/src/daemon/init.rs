//! `init`: makes a node's folder, its keys, its first rows and its enrolment.
//!
//! The command line and the rehearsal call it. It builds in a folder beside the wanted one and renames it as the last act, so
//! that a node is there wholly or not at all; a folder that holds a node, or anything else, is refused. The society's root key
//! is in a file of its own, to be taken off the machine. The node has joined no network then: that needs a roster.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use kinmesh_protocol::base::{MemberId, NetworkId, Sensitive, Timestamp, UserId};
use kinmesh_protocol::engine::{Batch, Seat, setup};
use serde::Serialize;
use thiserror::Error;

use crate::daemon::clock::{NoRandomness, draw, seed};
use crate::daemon::folder::{Config, LogLevel, NodeFolder};
use crate::exchange::enrolment::{self, Enrolment, Part};
use crate::exchange::whole_file::{folder_of, sync_folder};
use crate::exchange::{Kind, WholeFileError, revocation, spoken, write_new};
use crate::keys::small_file::make_folder;
use crate::keys::{
    CreateError, CreateKeyError, KdfCost, KeyFile, KeyUse, Keystore, Protection, ServiceKeys, UnlockError, UnlockSecret,
};
use crate::store::{CommitError, NodeStore, OpenError, StoreConfig};

/// In place of an address to listen on: the node only dials, and is reached through the relay.
const NOWHERE: &str = "none";

/// What is made.
pub struct InitArgs {
    /// The folder; it must not be there, or be empty.
    pub dir: PathBuf,
    /// The network.
    pub network: NetworkId,
    /// What the node is.
    pub role: InitRole,
    /// Where it listens; the usual address of its kind of network if none is given, nowhere if it is [`NOWHERE`] alone.
    pub listen: Vec<String>,
    /// Where others reach it; what of `listen` can be dialled if none is given.
    pub addresses: Vec<String>,
    /// Opens the node's own keys, and the root key.
    pub service: UnlockSecret,
    /// The time.
    pub now: Timestamp,
}

/// What a node is.
pub enum InitRole {
    /// A society's.
    Member {
        /// Its id.
        member: MemberId,
        /// Its name; the id if none is given.
        name: Option<String>,
        /// Its country code; the id if that is one, else XX.
        country: Option<String>,
        /// The first user.
        user: UserId,
        /// Opens that user's key.
        user_secret: UnlockSecret,
    },
    /// The coordination node.
    Coordinator,
}

/// What was made.
#[derive(Clone, Debug, Serialize)]
pub struct InitReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// The network.
    pub network: NetworkId,
    /// The member; none for a coordination node.
    pub member: Option<MemberId>,
    /// The folder.
    pub dir: PathBuf,
    /// What is read out on the call with the coordinator.
    pub fingerprint: String,
    /// The same in words, two groups a line.
    pub spoken: Vec<String>,
    /// The enrolment, for the coordinator.
    pub enrolment: PathBuf,
    /// Addresses in the enrolment.
    pub addresses: Vec<String>,
    /// The society's root key, to be taken away.
    pub root_key: Option<PathBuf>,
    /// The revocation, to be printed.
    pub self_revocation: Option<PathBuf>,
}

/// Why no node was made.
#[derive(Debug, Error)]
pub enum InitError {
    /// There is a node.
    #[error("{0} holds a node already; it is never overwritten")]
    AlreadyMade(PathBuf),
    /// There is something else.
    #[error("{0} is there and not empty: give a folder that is empty or not there")]
    NotEmpty(PathBuf),
    /// An argument.
    #[error("{field} is not as it must be")]
    Argument {
        /// Which one.
        field: &'static str,
    },
    /// The file system.
    #[error(transparent)]
    File(#[from] WholeFileError),
    /// The keystore.
    #[error(transparent)]
    Keystore(#[from] CreateError),
    /// The keystore, opened again.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// The root key.
    #[error("the root key: {0}")]
    RootKey(#[from] CreateKeyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The first rows.
    #[error("the first rows: {0}")]
    Commit(#[from] CommitError),
    /// The system gives no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl InitError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::AlreadyMade(_)
            | Self::NotEmpty(_)
            | Self::Argument { .. }
            | Self::Keystore(CreateError::Short { .. } | CreateError::Cost { .. }) => Kind::Usage,
            _ => Kind::Machine,
        }
    }
}

impl InitReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.member {
            Some(member) => writeln!(out, "✓ node of {member} in network {}: {}", self.network, self.dir.display())?,
            None => writeln!(out, "✓ coordination node of network {}: {}", self.network, self.dir.display())?,
        }
        writeln!(out, "Read this out on the call with the coordinator:  {}", self.fingerprint)?;
        for line in &self.spoken {
            writeln!(out, "    {line}")?;
        }
        writeln!(out, "Send the coordinator:  {}", self.enrolment.display())?;
        if self.addresses.is_empty() {
            writeln!(out, "! no address at which others could dial this node: it dials them (--address to change that)")?;
        }
        if let Some(key) = &self.root_key {
            writeln!(
                out,
                "! move {} to a stick in a safe: it is needed once in 90 days, and a thief of it is this society",
                key.display()
            )?;
        }
        if let Some(revocation) = &self.self_revocation {
            writeln!(out, "! print {} and keep it apart: anybody may hand it in when the node is stolen", revocation.display())?;
        }
        Ok(())
    }
}

/// Makes the node.
///
/// # Errors
/// [`InitError`]; nothing is left behind then.
pub fn run(args: &InitArgs) -> Result<InitReport, InitError> {
    check_place(&args.dir)?;
    let parent = folder_of(&args.dir);
    make_folder(parent).map_err(WholeFileError::io(parent))?;
    let own = fs::Permissions::from_mode(0o700);
    let making = tempfile::Builder::new().prefix(".kinmesh-init-").permissions(own).tempdir_in(parent);
    let making = making.map_err(WholeFileError::io(parent))?;
    let folder = NodeFolder::new(making.path());
    let config = config(args);
    let addresses = enrolment::addresses(addresses(args, &config)).map_err(|_| InitError::Argument { field: "address" })?;
    let service = make_keystore(args, &folder)?;
    let operational = SigningKey::from_bytes(service.operational_seed.expose());
    let (batches, part) = match &args.role {
        InitRole::Member { member, name, country, .. } => make_member(args, &folder, &operational, *member, (name, country))?,
        InitRole::Coordinator => (setup::coordinator(args.network), Part::Coordinator),
    };
    make_store(args, &folder, &service, batches)?;
    write_new(&folder.config(), config.to_text().as_bytes())?;
    let operational_key = operational.verifying_key().to_bytes();
    let enrolment = Enrolment { network: args.network, part, operational_key, addresses };
    write_new(&folder.root().join(enrolment.file_name()), enrolment.to_text().as_bytes())?;
    sync_folder(folder.root())?;
    fs::rename(making.path(), &args.dir).map_err(WholeFileError::io(&args.dir))?;
    // The folder has its place; there is nothing left to be removed under its old name.
    let _renamed = making.keep();
    sync_folder(parent)?;
    Ok(report(args, enrolment))
}

fn check_place(dir: &Path) -> Result<(), InitError> {
    let folder = NodeFolder::new(dir);
    if folder.config().exists() || folder.keystore().exists() {
        return Err(InitError::AlreadyMade(dir.to_owned()));
    }
    match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(InitError::NotEmpty(dir.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(InitError::NotEmpty(dir.to_owned())),
        Err(error) => Err(WholeFileError::io(dir)(error).into()),
    }
}

fn config(args: &InitArgs) -> Config {
    let usual = if args.network.is_drill() { "/ip4/127.0.0.1/tcp/0" } else { "/ip4/0.0.0.0/tcp/4001" };
    let listen = match args.listen.as_slice() {
        [] => vec![usual.to_owned()],
        [none] if none == NOWHERE => Vec::new(),
        given => given.to_vec(),
    };
    let seat = match args.role {
        InitRole::Member { member, .. } => Seat::Member(member),
        InitRole::Coordinator => Seat::Coordinator,
    };
    Config { network: args.network, seat, listen, log: LogLevel::default() }
}

/// What is given, else what of the listening addresses names one host and one port.
fn addresses(args: &InitArgs, config: &Config) -> Vec<String> {
    let can_be_dialled =
        |address: &&String| !address.ends_with("/tcp/0") && !address.contains("/0.0.0.0/") && !address.contains("/ip6/::/");
    if args.addresses.is_empty() {
        config.listen.iter().filter(can_be_dialled).cloned().collect()
    } else {
        args.addresses.clone()
    }
}

fn cost(network: &NetworkId) -> KdfCost {
    if network.is_drill() { KdfCost::Drill } else { KdfCost::Standard }
}

fn make_keystore(args: &InitArgs, folder: &NodeFolder) -> Result<ServiceKeys, InitError> {
    let (path, network) = (folder.keystore(), &args.network);
    let cost = cost(network);
    let keystore = match &args.role {
        InitRole::Member { user, user_secret, .. } => {
            Keystore::create_member(&path, network, &args.service, (*user, user_secret), cost)?
        }
        InitRole::Coordinator => Keystore::create_coordinator(&path, network, &args.service, cost)?,
    };
    Ok(keystore.unlock_service(&args.service)?)
}

/// The root key's file, the revocation, and what goes into the enrolment.
fn make_member(
    args: &InitArgs,
    folder: &NodeFolder,
    operational: &SigningKey,
    member: MemberId,
    (name, country): (&Option<String>, &Option<String>),
) -> Result<(Vec<Batch>, Part), InitError> {
    let country = match country {
        Some(code) => enrolment::country(code).map_err(|_| InitError::Argument { field: "--country" })?,
        // An id that is no country code says nothing of the country: ISO 3166 keeps XX for such use.
        None => enrolment::country(member.as_str()).unwrap_or_else(|_| "XX".to_owned()),
    };
    let name = name.clone().unwrap_or_else(|| member.to_string());
    let is_name = !name.trim().is_empty() && name.len() <= 256 && !name.chars().any(kinmesh_protocol::envelope::is_forbidden);
    if !is_name {
        return Err(InitError::Argument { field: "name" });
    }
    let root_seed = Sensitive::new(seed()?);
    let root = SigningKey::from_bytes(root_seed.expose());
    let protection = Protection::Secret(&args.service);
    KeyFile::create(&folder.root_key(), &args.network, KeyUse::Root, &root, protection, cost(&args.network))?;
    let setup = setup::MemberSetup { member, network: args.network };
    let (batches, own) = setup::member(&setup, &root, operational, args.now, &mut draw()?);
    write_new(&folder.self_revocation(), revocation::to_text(member, &own.self_revocation).as_bytes())?;
    let root_key = root.verifying_key().to_bytes();
    Ok((batches, Part::Member { member, name, country, root_key, announcement: own.announcement }))
}

fn make_store(args: &InitArgs, folder: &NodeFolder, service: &ServiceKeys, batches: Vec<Batch>) -> Result<(), InitError> {
    let config = match args.role {
        InitRole::Member { .. } => StoreConfig::member(&folder.store()),
        InitRole::Coordinator => StoreConfig::coordinator(&folder.store()),
    };
    let store = NodeStore::open(&config, service)?;
    for batch in batches {
        store.commit(batch)?;
    }
    Ok(())
}

fn report(args: &InitArgs, enrolment: Enrolment) -> InitReport {
    let folder = NodeFolder::new(&args.dir);
    let (member, root_key, self_revocation) = match enrolment.part {
        Part::Member { member, .. } => (Some(member), Some(folder.root_key()), Some(folder.self_revocation())),
        Part::Coordinator => (None, None, None),
    };
    InitReport {
        schema: "kinmesh/init/1",
        network: args.network,
        member,
        dir: args.dir.clone(),
        fingerprint: enrolment.fingerprint().to_string(),
        spoken: spoken(&enrolment.fingerprint()),
        enrolment: args.dir.join(enrolment.file_name()),
        addresses: enrolment.addresses,
        root_key,
        self_revocation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::opened::open_node;
    use crate::exchange::read_bounded;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn credential(byte: u8) -> UnlockSecret {
        UnlockSecret::Credential(Sensitive::new(vec![byte; 32]))
    }

    fn args(dir: PathBuf) -> InitArgs {
        InitArgs {
            dir,
            network: NetworkId::new("drill-k").unwrap(),
            role: InitRole::Member {
                member: MemberId::new("CIR").unwrap(),
                name: None,
                country: None,
                user: UserId::new("amina").unwrap(),
                user_secret: credential(2),
            },
            listen: vec!["/ip4/127.0.0.1/tcp/41001".to_owned()],
            addresses: Vec::new(),
            service: credential(1),
            now: NOW,
        }
    }

    #[test]
    fn a_node_is_made_once_and_opens() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("cir");
        let report = run(&args(dir.clone())).unwrap();
        assert_eq!(report.addresses, ["/ip4/127.0.0.1/tcp/41001"]);
        assert!(matches!(run(&args(dir.clone())), Err(InitError::AlreadyMade(_))));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1, "nothing half-made is left");
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);

        let text = String::from_utf8(read_bounded(&report.enrolment, 10_000).unwrap()).unwrap();
        let enrolment = Enrolment::parse(&text).unwrap();
        assert_eq!(enrolment.fingerprint().to_string(), report.fingerprint);
        let root = KeyFile::open(&report.root_key.unwrap()).unwrap();
        let Part::Member { root_key, country, .. } = enrolment.part else { panic!("no member") };
        assert_eq!((&root_key, country.as_str()), (root.public(), "CIR"));

        let folder = NodeFolder::new(&dir);
        assert!(open_node(&folder, |_| Some(credential(9))).is_err());
        let node = open_node(&folder, |_| Some(credential(1))).unwrap();
        let again = open_node(&folder, |_| Some(credential(1))).map(|_| ()).unwrap_err();
        assert_eq!(again.kind(), Kind::InUse);
        let operational = SigningKey::from_bytes(node.operational_seed.expose());
        assert_eq!(operational.verifying_key().to_bytes(), enrolment.operational_key);
    }

    #[test]
    fn a_folder_that_holds_something_else_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("letter.txt"), b"dear").unwrap();
        assert!(matches!(run(&args(parent.path().to_owned())), Err(InitError::NotEmpty(_))));
        assert!(matches!(run(&args(parent.path().join("letter.txt"))), Err(InitError::NotEmpty(_))));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_init_that_fails_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("cir");
        let short = InitArgs { service: UnlockSecret::Credential(Sensitive::new(vec![1; 8])), ..args(dir.clone()) };
        assert_eq!(run(&short).unwrap_err().kind(), Kind::Usage);
        let far = InitArgs { addresses: vec!["no address".to_owned()], ..args(dir) };
        assert!(matches!(run(&far), Err(InitError::Argument { field: "address" })));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_coordination_node_has_no_root_key_and_no_user() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("coordinator");
        let report = run(&InitArgs { role: InitRole::Coordinator, ..args(dir.clone()) }).unwrap();
        assert_eq!((report.member, report.root_key), (None, None));
        assert!(open_node(&NodeFolder::new(&dir), |_| Some(credential(1))).is_ok());
    }
}
