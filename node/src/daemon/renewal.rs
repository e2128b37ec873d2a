//! `keys sign`: the holder of a society's root key signs the next operational key of its node.
//!
//! It runs on the machine that holds the root key, without a network or a node. It keeps the order: the request is read and
//! shown, the holder agrees, and only then is the key opened. The revocation of the next key is signed with it, to be printed.

use std::io::{self, Write};
use std::path::PathBuf;

use kinmesh_protocol::base::{MsgId, NetworkId, Party, cbor};
use kinmesh_protocol::envelope::{Header, kid_of, sign};
use kinmesh_protocol::roster::key_chain::{KEY_ANNOUNCEMENT, SELF_REVOCATION};
use serde::Serialize;
use thiserror::Error;

use crate::daemon::clock::{NoRandomness, draw};
use crate::exchange::key_request::{self, KEY_REQUEST_BYTES, KeyRequest, KeyRequestError};
use crate::exchange::{BundleFileError, Kind, Replace, WholeFileError, read_bounded, revocation, write_bundle, write_new};
use crate::keys::{KeyFile, KeyUse, OpenKeyError, SecretKind, UnlockSecret};

/// What is signed, with which key.
pub struct SignKeysArgs {
    /// The node's request.
    pub request: PathBuf,
    /// The root key's file.
    pub root_key: PathBuf,
    /// Where the signed announcement goes.
    pub out: PathBuf,
    /// Where the revocation goes, to be printed.
    pub revocation: PathBuf,
}

/// What is signed.
#[derive(Clone, Debug, Serialize)]
pub struct SignKeysReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// The network.
    pub network: NetworkId,
    /// The member.
    pub member: String,
    /// Name of the key, in hexadecimal digits.
    pub key: String,
    /// Last second of the key, Unix.
    pub until: u64,
    /// Number of the announcement in the member's chain.
    pub number: u64,
}

/// Why nothing was signed.
#[derive(Debug, Error)]
pub enum SignKeysError {
    /// A file.
    #[error(transparent)]
    File(#[from] WholeFileError),
    /// The signed file.
    #[error(transparent)]
    Bundle(#[from] BundleFileError),
    /// The request.
    #[error(transparent)]
    Request(#[from] KeyRequestError),
    /// The key file.
    #[error(transparent)]
    Key(#[from] OpenKeyError),
    /// A key of another network or for another use.
    #[error("the key file is not a society's root key of {expected}")]
    OtherKey {
        /// The request's network.
        expected: NetworkId,
    },
    /// The holder does not agree, or the secret was not given.
    #[error("not signed")]
    Declined,
    /// The system gives no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl SignKeysError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(WholeFileError::Io { .. })
            | Self::Key(OpenKeyError::Io(_) | OpenKeyError::Memory(_))
            | Self::NoRandomness(_) => Kind::Machine,
            Self::Key(OpenKeyError::WrongSecret | OpenKeyError::Kind { .. }) => Kind::Secret,
            _ => Kind::Usage,
        }
    }
}

impl SignKeysReport {
    fn of(request: &KeyRequest) -> Self {
        let kid = kid_of(&request.announcement.op_key);
        Self {
            schema: "kinmesh/keys-sign/1",
            network: request.network,
            member: request.member.to_string(),
            key: kid.0.iter().map(|byte| format!("{byte:02x}")).collect(),
            until: request.announcement.op_until,
            number: request.announcement.seq,
        }
    }

    /// What the holder of the root key reads.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} in {}: operational key {}, announcement {}", self.member, self.network, self.key, self.number)
    }
}

/// Shows a request, asks, and signs it.
///
/// `agree` is shown the report and says whether it is signed; `secret` gives what opens a key of that kind.
///
/// # Errors
/// [`SignKeysError`]; nothing is written then.
pub fn run(
    args: &SignKeysArgs,
    agree: impl FnOnce(&SignKeysReport) -> bool,
    secret: impl FnOnce(SecretKind) -> Option<UnlockSecret>,
) -> Result<SignKeysReport, SignKeysError> {
    let bytes = read_bounded(&args.request, KEY_REQUEST_BYTES)?;
    let request = key_request::parse(std::str::from_utf8(&bytes).map_err(|_| KeyRequestError::Form)?)?;
    let key = KeyFile::open(&args.root_key)?;
    if key.usage() != KeyUse::Root || *key.network() != request.network {
        return Err(SignKeysError::OtherKey { expected: request.network });
    }
    let report = SignKeysReport::of(&request);
    if !agree(&report) {
        return Err(SignKeysError::Declined);
    }
    let root = match key.secret_kind() {
        None => key.unlock(None)?,
        Some(kind) => key.unlock(Some(&secret(kind).ok_or(SignKeysError::Declined)?))?,
    };
    let mut draw = draw()?;
    let mut public = |kind: u64, body: &[u8]| {
        let header = Header {
            kind,
            from: Party::Member(request.member),
            to: None,
            msg_id: MsgId::draw(&mut draw),
            n: 0,
            created: request.created,
            expires: request.announcement.op_until,
            roster_version: request.roster_version,
            re: None,
        };
        sign(&request.network, &header, body, &root)
    };
    let announcement = public(KEY_ANNOUNCEMENT, &cbor::encode(&request.announcement));
    let message = public(SELF_REVOCATION, &cbor::encode(&request.revocation));
    write_new(&args.revocation, revocation::to_text(request.member, &message).as_bytes())?;
    write_bundle(&args.out, [announcement.as_slice()], Replace::Never)?;
    Ok(report)
}
