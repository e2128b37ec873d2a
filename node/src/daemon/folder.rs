//! A node's folder: what lies where, and its configuration.
//!
//! `init` makes it; `run`, `join` and the command line read it. Everything of a node is in it but the secrets that open it. It
//! keeps that a configuration with an unknown field is refused, since a mistyped one must not be passed over.

use core::fmt::Write as _;
use std::path::{Path, PathBuf};

use kinmesh_protocol::base::{MemberId, NetworkId};
use kinmesh_protocol::engine::Seat;
use serde::Deserialize;
use thiserror::Error;

use crate::exchange::{WholeFileError, read_bounded};

/// Bytes of a configuration.
const CONFIG_BYTES: u64 = 64 * 1024;

/// Where everything of a node lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFolder {
    root: PathBuf,
}

/// What the operator decides about a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The network.
    pub network: NetworkId,
    /// What the node is.
    pub seat: Seat,
    /// Where it listens, as multiaddresses.
    pub listen: Vec<String>,
    /// What it logs.
    pub log: LogLevel,
}

/// What a node logs; never personal data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// What needs a person.
    Warn,
    /// What changed as well.
    #[default]
    Info,
    /// Every step, for finding faults.
    Debug,
}

/// Why a folder holds no node that can be used.
#[derive(Debug, Error)]
pub enum FolderError {
    /// There is no node in it.
    #[error("{0} holds no node: make one with `kinmesh init`")]
    NoNode(PathBuf),
    /// The configuration cannot be read.
    #[error(transparent)]
    File(#[from] WholeFileError),
    /// The configuration is none.
    #[error("{path}, line {line}: a field is missing, unknown or not as it must be")]
    Config {
        /// The file.
        path: PathBuf,
        /// Line, from 1; 0 if none can be named.
        line: usize,
    },
}

impl NodeFolder {
    /// The folder at a path, whether or not there is a node in it.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// The keystore.
    #[must_use]
    pub fn keystore(&self) -> PathBuf {
        self.root.join("keystore")
    }

    /// The store's folder.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// The society's root key, until the operator takes it away.
    #[must_use]
    pub fn root_key(&self) -> PathBuf {
        self.root.join("root.key")
    }

    /// The signed revocation of the operational key, to be printed.
    #[must_use]
    pub fn self_revocation(&self) -> PathBuf {
        self.root.join("self-revocation.txt")
    }

    /// The addresses at which a running node listens, one a line.
    #[must_use]
    pub fn listen(&self) -> PathBuf {
        self.root.join("listen.txt")
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn read_config(&self) -> Result<Config, FolderError> {
        let path = self.config();
        if !path.exists() {
            return Err(FolderError::NoNode(self.root.clone()));
        }
        let text = String::from_utf8_lossy(&read_bounded(&path, CONFIG_BYTES)?).into_owned();
        Config::parse(&text).map_err(|line| FolderError::Config { path, line })
    }
}

impl Config {
    /// The configuration's text, with a comment at each field.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (role, member) = match self.seat {
            Seat::Member(member) => ("member", Some(member)),
            Seat::Coordinator => ("coordinator", None),
        };
        let mut text = String::from("# A Kinmesh node. A change counts from the next start of the daemon.\n\n[node]\n");
        let mut field = |comment: &str, name: &str, value: toml::Value| {
            let _into_string = writeln!(text, "# {comment}\n{name} = {value}");
        };
        field(
            "The network; it and the next two fields are fixed when the node is made.",
            "network",
            self.network.as_str().into(),
        );
        field("\"member\" for a society's node, \"coordinator\" for the coordination node.", "role", role.into());
        if let Some(member) = member {
            field("The society's id on the roster.", "member", member.as_str().into());
        }
        text.push_str("\n[network]\n");
        let listen = toml::Value::from(self.listen.clone());
        let _into_string = writeln!(
            text,
            "# Where the node listens: /ip4/ADDRESS/tcp/PORT; port 0 takes a free one. None: it only dials.\nlisten = {listen}"
        );
        let level = match self.log {
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
        };
        let _into_string = writeln!(
            text,
            "\n[log]\n# \"warn\", \"info\" or \"debug\"; the log goes to the standard error.\nlevel = \"{level}\""
        );
        text
    }

    /// Reads the configuration's text; an error is the line at which it stands, 0 if none can be named.
    fn parse(text: &str) -> Result<Self, usize> {
        let file: ConfigFile = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            before.map_or(0, |before| before.matches('\n').count() + 1)
        })?;
        let seat = match (file.node.role, file.node.member) {
            (ConfigRole::Member, Some(member)) => Seat::Member(MemberId::new(&member).map_err(|_| 0usize)?),
            (ConfigRole::Coordinator, None) => Seat::Coordinator,
            _ => return Err(0),
        };
        let network = NetworkId::new(&file.node.network).map_err(|_| 0usize)?;
        Ok(Self { network, seat, listen: file.network.listen, log: file.log.level })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    node: ConfigNode,
    #[serde(default)]
    network: ConfigNetwork,
    #[serde(default)]
    log: ConfigLog,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigNode {
    network: String,
    role: ConfigRole,
    member: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ConfigRole {
    Member,
    Coordinator,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ConfigNetwork {
    listen: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ConfigLog {
    level: LogLevel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read_back_from_its_text() {
        let listen = vec!["/ip4/127.0.0.1/tcp/0".to_owned()];
        let network = NetworkId::new("drill-k").unwrap();
        let member = Config { network, seat: Seat::Member(MemberId::new("CIR").unwrap()), listen, log: LogLevel::Debug };
        assert_eq!(Config::parse(&member.to_text()), Ok(member.clone()));
        let coordinator = Config { seat: Seat::Coordinator, listen: Vec::new(), ..member };
        assert_eq!(Config::parse(&coordinator.to_text()), Ok(coordinator));
    }

    #[test]
    fn a_mistyped_field_is_not_passed_over() {
        let text = "[node]\nnetwork = \"kin\"\nrole = \"coordinator\"\n[network]\nlisten_on = []\n";
        assert_eq!(Config::parse(text), Err(5));
        assert_eq!(Config::parse("[node]\nnetwork = \"kin\"\nrole = \"member\"\n"), Err(0));
    }
}
