//! The transcript of a key ceremony: what was made, from which plan, signed by every key that was made.
//!
//! `first_ceremony` writes it, `ceremony_verify` reads it. It keeps that whoever changes a line of it, or exchanges a key, is
//! found out by anybody who has the file: each custodian's key signed everything above the signatures. It holds no secret.

use core::fmt::Write as _;

use data_encoding::HEXLOWER_PERMISSIVE;
use ed25519_dalek::{Signature, Signer, SigningKey};
use kinmesh_protocol::base::NetworkId;
use kinmesh_protocol::envelope::{kid_of, public_key};
use serde::Deserialize;
use thiserror::Error;

use crate::exchange::utc;

/// Bytes of a transcript.
pub const TRANSCRIPT_BYTES: u64 = 64 * 1024;
/// Where the signed part ends.
const SIGNATURES: &str = "# Signatures of the keys named above, over everything above this line.\n";
/// What is signed before the text.
const CONTEXT: &[u8] = b"kinmesh/ceremony/1\n";

/// What a ceremony made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The network.
    pub network: NetworkId,
    /// Unix seconds of the roster.
    pub issued: u64,
    /// SHA-256 of the plan's file.
    pub plan: [u8; 32],
    /// SHA-256 of the first roster's payload.
    pub roster: [u8; 32],
    /// The custodians, in their order.
    pub custodians: Vec<TranscriptCustodian>,
}

/// One custodian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptCustodian {
    /// Its office.
    pub office: String,
    /// Its public key.
    pub key: [u8; 32],
    /// SHA-256 of the key's file.
    pub file: [u8; 32],
}

/// A text that is no transcript, or one that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TranscriptError {
    /// A field that is missing, unknown or not as it must be.
    #[error("not a transcript of a ceremony")]
    Form,
    /// A custodian's key did not sign it, or it was changed afterwards.
    #[error("custodian {place} did not sign this text: it was changed after the ceremony")]
    Signature {
        /// Its place, from 1.
        place: usize,
    },
}

impl Transcript {
    /// The file's text, signed by the custodians' keys.
    #[must_use]
    pub fn to_text(&self, keys: &[SigningKey]) -> String {
        let hex = |bytes: &[u8]| HEXLOWER_PERMISSIVE.encode(bytes);
        let mut text = format!(
            "# Transcript of a Kinmesh key ceremony. Anybody checks it: kinmesh ceremony verify --plan PLAN --transcript THIS ROSTER\n\n\
             network = \"{}\"\n\
             issued = {}  # {}\n\
             plan = \"{}\"\n\
             roster = \"{}\"\n",
            self.network,
            self.issued,
            utc(self.issued),
            hex(&self.plan),
            hex(&self.roster),
        );
        for TranscriptCustodian { office, key, file } in &self.custodians {
            let office = toml::Value::from(office.as_str());
            let _into_string =
                write!(text, "\n[[custodians]]\noffice = {office}\nkey = \"{}\"\nfile = \"{}\"\n", hex(key), hex(file));
        }
        text.push('\n');
        let signed = [CONTEXT, text.as_bytes()].concat();
        text.push_str(SIGNATURES);
        text.push_str("signatures = \"\"\"\n");
        for key in keys {
            let _into_string = writeln!(text, "{}", hex(&key.sign(&signed).to_bytes()));
        }
        text.push_str("\"\"\"\n");
        text
    }

    /// Reads a text and checks every signature.
    ///
    /// # Errors
    /// [`TranscriptError`].
    pub fn parse(text: &str) -> Result<Self, TranscriptError> {
        let (body, rest) = text.split_once(SIGNATURES).ok_or(TranscriptError::Form)?;
        let file: TranscriptFile = toml::from_str(body).map_err(|_| TranscriptError::Form)?;
        let signatures: SignatureLines = toml::from_str(rest).map_err(|_| TranscriptError::Form)?;
        let custodians: Option<Vec<TranscriptCustodian>> = (file.custodians.iter())
            .map(|line| {
                Some(TranscriptCustodian { office: line.office.clone(), key: bytes(&line.key)?, file: bytes(&line.file)? })
            })
            .collect();
        let read = Self {
            network: NetworkId::new(&file.network).map_err(|_| TranscriptError::Form)?,
            issued: file.issued,
            plan: bytes(&file.plan).ok_or(TranscriptError::Form)?,
            roster: bytes(&file.roster).ok_or(TranscriptError::Form)?,
            custodians: custodians.ok_or(TranscriptError::Form)?,
        };
        let lines: Vec<&str> = signatures.signatures.lines().filter(|line| !line.is_empty()).collect();
        if lines.len() != read.custodians.len() || lines.is_empty() {
            return Err(TranscriptError::Form);
        }
        let signed = [CONTEXT, body.as_bytes()].concat();
        for ((place, custodian), line) in (1..).zip(&read.custodians).zip(lines) {
            let key = public_key(&custodian.key).map_err(|_| TranscriptError::Signature { place })?;
            let signature = bytes::<64>(line).ok_or(TranscriptError::Form)?;
            key.verify_strict(&signed, &Signature::from_bytes(&signature)).map_err(|_| TranscriptError::Signature { place })?;
        }
        let kids: std::collections::BTreeSet<_> = read.custodians.iter().map(|custodian| kid_of(&custodian.key)).collect();
        if kids.len() == read.custodians.len() { Ok(read) } else { Err(TranscriptError::Form) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TranscriptFile {
    network: String,
    issued: u64,
    plan: String,
    roster: String,
    custodians: Vec<CustodianLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustodianLine {
    office: String,
    key: String,
    file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureLines {
    signatures: String,
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<SigningKey> {
        (1..=3).map(|seed| SigningKey::from_bytes(&[seed; 32])).collect()
    }

    fn transcript() -> Transcript {
        let custodian = |(office, key): (&str, &SigningKey)| TranscriptCustodian {
            office: office.to_owned(),
            key: key.verifying_key().to_bytes(),
            file: [7; 32],
        };
        Transcript {
            network: NetworkId::new("drill-k").unwrap(),
            issued: 1_800_000_000,
            plan: [1; 32],
            roster: [2; 32],
            custodians: ["Geneva", "Nairobi", "القاهرة"].into_iter().zip(&keys()).map(custodian).collect(),
        }
    }

    #[test]
    fn every_key_signs_and_a_changed_line_is_noticed() {
        let text = transcript().to_text(&keys());
        assert_eq!(Transcript::parse(&text), Ok(transcript()));
        let changed = text.replace("Nairobi", "Nairobj");
        assert_eq!(Transcript::parse(&changed), Err(TranscriptError::Signature { place: 1 }));
        let mut others = keys();
        others[2] = SigningKey::from_bytes(&[9; 32]);
        let forged = transcript().to_text(&others);
        assert_eq!(Transcript::parse(&forged), Err(TranscriptError::Signature { place: 3 }));
        assert_eq!(Transcript::parse("network = \"drill-k\"\n"), Err(TranscriptError::Form));
    }
}
