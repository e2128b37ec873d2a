//! `custodians.toml`: the custodians' public keys and how many of them decide what.
//!
//! The ceremony writes it, `roster propose` reads it; people read it too. It keeps that a changed key or threshold shows in the
//! fingerprint that the ceremony printed. It holds no secret.

use core::fmt::Write as _;

use data_encoding::HEXLOWER_PERMISSIVE;
use kinmesh_protocol::base::NetworkId;
use kinmesh_protocol::roster::{Custodians, Fingerprint};
use serde::Deserialize;
use thiserror::Error;

/// Bytes of the file.
pub const CUSTODIANS_BYTES: u64 = 64 * 1024;

/// A text that names no custodians.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CustodiansError {
    /// No TOML, or a field that is missing, unknown or of another type.
    #[error("not a custodians file: write it with `kinmesh ceremony run`")]
    Form,
    /// A field that is not what it must be.
    #[error("{field} is not as it must be")]
    Field {
        /// Name of the field.
        field: &'static str,
    },
    /// The thresholds do not fit the number of keys.
    #[error("the thresholds do not fit {keys} custodians")]
    Thresholds {
        /// Custodians in the file.
        keys: usize,
    },
    /// The fingerprint is another: the file was changed after the ceremony.
    #[error("the fingerprint is not the one of the keys and thresholds in the file: it was changed after the ceremony")]
    Fingerprint,
}

/// The custodians of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkCustodians {
    /// The network.
    pub network: NetworkId,
    /// The custodians.
    pub custodians: Custodians,
}

impl NetworkCustodians {
    /// What operators type to trust the first roster.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_custodians(&self.network, &self.custodians)
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Custodians { keys, threshold, root_threshold, emergency_threshold } = &self.custodians;
        let mut text = format!(
            "# The custodians of a Kinmesh network: public keys, nothing secret. The fingerprint covers everything below; each\n\
             # society gets it on paper, by another way than this file.\n\n\
             fingerprint = \"{}\"\n\
             network = \"{}\"\n\
             # Signatures on a roster.\n\
             threshold = {threshold}\n\
             # Signatures on a change of custodians, of the old and of the ones it names.\n\
             root_threshold = {root_threshold}\n\
             # Signatures on an emergency suspension.\n\
             emergency_threshold = {emergency_threshold}\n\
             keys = [\n",
            self.fingerprint(),
            self.network,
        );
        for key in keys {
            let _into_string = writeln!(text, "  \"{}\",", HEXLOWER_PERMISSIVE.encode(key));
        }
        text.push_str("]\n");
        text
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// [`CustodiansError`].
    pub fn parse(text: &str) -> Result<Self, CustodiansError> {
        let file: CustodiansFile = toml::from_str(text).map_err(|_| CustodiansError::Form)?;
        let network = NetworkId::new(&file.network).map_err(|_| CustodiansError::Field { field: "network" })?;
        let keys: Option<Vec<[u8; 32]>> = (file.keys.iter())
            .map(|key| HEXLOWER_PERMISSIVE.decode(key.as_bytes()).ok().and_then(|key| key.try_into().ok()))
            .collect();
        let custodians = Custodians {
            keys: keys.ok_or(CustodiansError::Field { field: "keys" })?,
            threshold: file.threshold,
            root_threshold: file.root_threshold,
            emergency_threshold: file.emergency_threshold,
        };
        if !custodians.is_sound() {
            return Err(CustodiansError::Thresholds { keys: custodians.keys.len() });
        }
        let read = Self { network, custodians };
        match file.fingerprint.parse::<Fingerprint>() {
            Ok(fingerprint) if fingerprint == read.fingerprint() => Ok(read),
            Ok(_) => Err(CustodiansError::Fingerprint),
            Err(_) => Err(CustodiansError::Field { field: "fingerprint" }),
        }
    }
}

/// One custodian's public key, on its way to a roster that puts it in another's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustodianFile {
    /// The network.
    pub network: NetworkId,
    /// The public key.
    pub key: [u8; 32],
}

impl CustodianFile {
    /// The file's text. The fingerprint covers network and key; the custodian reads it out on a call.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "# A custodian's public key, nothing secret. The custodian reads the fingerprint out on a call with the others.\n\n\
             fingerprint = \"{}\"\n\
             network = \"{}\"\n\
             key = \"{}\"\n",
            self.fingerprint(),
            self.network,
            HEXLOWER_PERMISSIVE.encode(&self.key),
        )
    }

    /// The fingerprint: that of a set of this one custodian.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let custodians = Custodians { keys: vec![self.key], threshold: 1, root_threshold: 1, emergency_threshold: 1 };
        Fingerprint::of_custodians(&self.network, &custodians)
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// [`CustodiansError`].
    pub fn parse(text: &str) -> Result<Self, CustodiansError> {
        let file: OneCustodian = toml::from_str(text).map_err(|_| CustodiansError::Form)?;
        let network = NetworkId::new(&file.network).map_err(|_| CustodiansError::Field { field: "network" })?;
        let key = HEXLOWER_PERMISSIVE.decode(file.key.as_bytes()).ok().and_then(|key| key.try_into().ok());
        let read = Self { network, key: key.ok_or(CustodiansError::Field { field: "key" })? };
        match file.fingerprint.parse::<Fingerprint>() {
            Ok(fingerprint) if fingerprint == read.fingerprint() => Ok(read),
            Ok(_) => Err(CustodiansError::Fingerprint),
            Err(_) => Err(CustodiansError::Field { field: "fingerprint" }),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneCustodian {
    fingerprint: String,
    network: String,
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustodiansFile {
    fingerprint: String,
    network: String,
    threshold: u64,
    root_threshold: u64,
    emergency_threshold: u64,
    keys: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custodians_are_read_back_and_a_lowered_threshold_is_noticed() {
        let custodians =
            Custodians { keys: vec![[1; 32], [2; 32], [3; 32]], threshold: 2, root_threshold: 3, emergency_threshold: 2 };
        let written = NetworkCustodians { network: NetworkId::new("drill-demo").unwrap(), custodians };
        let text = written.to_text();
        assert_eq!(NetworkCustodians::parse(&text), Ok(written));
        let lowered = text.replace("\nthreshold = 2", "\nthreshold = 1");
        assert_eq!(NetworkCustodians::parse(&lowered), Err(CustodiansError::Fingerprint));
        let unmet = text.replace("root_threshold = 3", "root_threshold = 4");
        assert_eq!(NetworkCustodians::parse(&unmet), Err(CustodiansError::Thresholds { keys: 3 }));
    }
}
