//! An auditor's public key on its way to a roster.
//!
//! `audit key` writes it, a plan of a roster names it. Nothing in it is secret.

use data_encoding::HEXLOWER_PERMISSIVE;
use kinmesh_protocol::base::{AuditorName, NetworkId};
use kinmesh_protocol::roster::Auditor;
use serde::Deserialize;
use thiserror::Error;

/// Bytes of such a file.
pub const AUDITOR_BYTES: u64 = 4 * 1024;

/// An auditor's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditorFile {
    /// The network.
    pub network: NetworkId,
    /// The name.
    pub auditor: AuditorName,
    /// The public key.
    pub key: [u8; 32],
}

/// A text is no such file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an auditor's public key: write it with `kinmesh audit key`")]
pub struct AuditorFileError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    network: String,
    auditor: String,
    key: String,
}

impl AuditorFile {
    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "# An auditor's public key, nothing secret. It counts once a roster lists it.\n\n\
             network = \"{}\"\n\
             auditor = \"{}\"\n\
             key = \"{}\"\n",
            self.network,
            self.auditor,
            HEXLOWER_PERMISSIVE.encode(&self.key),
        )
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// [`AuditorFileError`].
    pub fn parse(text: &str) -> Result<Self, AuditorFileError> {
        let file: File = toml::from_str(text).map_err(|_| AuditorFileError)?;
        let key = HEXLOWER_PERMISSIVE.decode(file.key.as_bytes()).ok().and_then(|key| key.try_into().ok());
        Ok(Self {
            network: NetworkId::new(&file.network).map_err(|_| AuditorFileError)?,
            auditor: AuditorName::new(&file.auditor).map_err(|_| AuditorFileError)?,
            key: key.ok_or(AuditorFileError)?,
        })
    }

    /// As a roster lists it.
    #[must_use]
    pub fn entry(&self) -> Auditor {
        Auditor { id: self.auditor.to_string(), key: self.key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auditors_key_is_read_back() {
        let file = AuditorFile {
            network: NetworkId::new("drill-a").unwrap(),
            auditor: AuditorName::new("@audit-1").unwrap(),
            key: [7; 32],
        };
        assert_eq!(AuditorFile::parse(&file.to_text()), Ok(file));
        for (from, to) in [("@audit-1", "@Audit"), ("0707", "07"), ("network", "net")] {
            assert_eq!(AuditorFile::parse(&file.to_text().replace(from, to)), Err(AuditorFileError), "{to}");
        }
    }
}
