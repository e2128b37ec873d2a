//! The enrolment file: what a society or the coordination node hands to the custodians to be put on the roster.
//!
//! `init` writes it, `roster propose` reads it; people read it in between, hence text with a fingerprint that both sides read
//! out on a call. It keeps that a file whose key was changed on the way shows another fingerprint. It holds nothing secret, and
//! it proves nothing by itself: the announcement is checked against the root key by whoever takes it.

use core::fmt::Write as _;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use kinmesh_protocol::base::cbor::lp;
use kinmesh_protocol::base::{MemberId, NetworkId};
use kinmesh_protocol::envelope::kid_of;
use kinmesh_protocol::roster::Fingerprint;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Bytes of an enrolment file.
pub const ENROLMENT_BYTES: u64 = 64 * 1024;
/// Addresses that a member's entry holds.
pub const ADDRESSES: usize = 8;
/// Characters of a line of base64.
const LINE: usize = 76;

/// Somebody who wants to be on the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// The network.
    pub network: NetworkId,
    /// What for.
    pub part: Part,
    /// Operational ed25519 key, which is the transport identity too.
    pub operational_key: [u8; 32],
    /// Multiaddresses at which others reach it, at most 8.
    pub addresses: Vec<String>,
}

/// What somebody enrols as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A society.
    Member {
        /// Its id.
        member: MemberId,
        /// Its name.
        name: String,
        /// Country code, 2 or 3 capital letters.
        country: String,
        /// Offline ed25519 key.
        root_key: [u8; 32],
        /// Its first key announcement, signed by the root key.
        announcement: Vec<u8>,
    },
    /// The coordination node.
    Coordinator,
}

/// A text that is no enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EnrolmentError {
    /// No TOML, or a field that is missing, unknown or of another type.
    #[error("not an enrolment file: write it with `kinmesh init` (line {line})")]
    Form {
        /// Line of the file, from 1; 0 if none can be named.
        line: usize,
    },
    /// A field that is not what it must be.
    #[error("{field} is not as it must be")]
    Field {
        /// Name of the field.
        field: &'static str,
    },
    /// The fingerprint is not the one of the keys: the file was changed on the way.
    #[error("the fingerprint is not the one of the keys in the file: it was changed after it was made")]
    Fingerprint,
}

impl Enrolment {
    /// What both sides read out: the first 20 bytes of SHA-256(`"kinmesh/enrol/1" || lp(network) || lp(member or
    /// "@coordinator") || root key, or the coordinator's operational key`).
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let (name, key) = match &self.part {
            Part::Member { member, root_key, .. } => (member.as_str(), root_key),
            Part::Coordinator => ("@coordinator", &self.operational_key),
        };
        let mut hash = Sha256::new_with_prefix(b"kinmesh/enrol/1");
        hash.update(lp(self.network.as_str().as_bytes()));
        hash.update(lp(name.as_bytes()));
        hash.update(key);
        let mut bytes = [0; 20];
        for (slot, byte) in bytes.iter_mut().zip(hash.finalize()) {
            *slot = byte;
        }
        Fingerprint(bytes)
    }

    /// The file's usual name.
    #[must_use]
    pub fn file_name(&self) -> String {
        match &self.part {
            Part::Member { member, .. } => format!("enrol-{member}.toml"),
            Part::Coordinator => "enrol-coordinator.toml".to_owned(),
        }
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::from(
            "# Enrolment in a Kinmesh network. It holds nothing secret: send it to the network's coordinator by any means, then\n\
             # read the fingerprint out on a call, so that both sides know that no key was exchanged on the way.\n\n",
        );
        let mut field = |name: &str, value: &str| {
            let _into_string = writeln!(text, "{name} = {}", toml::Value::from(value));
        };
        field("fingerprint", &self.fingerprint().to_string());
        field("network", self.network.as_str());
        match &self.part {
            Part::Member { member, name, country, root_key, .. } => {
                field("part", "member");
                field("member", member.as_str());
                field("name", name);
                field("country", country);
                field("root_key", &HEXLOWER_PERMISSIVE.encode(root_key));
            }
            Part::Coordinator => field("part", "coordinator"),
        }
        field("operational_key", &HEXLOWER_PERMISSIVE.encode(&self.operational_key));
        let addresses = toml::Value::from(self.addresses.clone());
        let _into_string = writeln!(text, "addresses = {addresses}");
        if let Part::Member { announcement, .. } = &self.part {
            text.push_str("announcement = '''\n");
            for line in BASE64.encode(announcement).as_bytes().chunks(LINE) {
                text.push_str(core::str::from_utf8(line).unwrap_or_default());
                text.push('\n');
            }
            text.push_str("'''\n");
        }
        text
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// [`EnrolmentError`].
    pub fn parse(text: &str) -> Result<Self, EnrolmentError> {
        let file: EnrolmentFile = toml::from_str(text).map_err(|error| form(text, &error))?;
        let part = match file.part.as_str() {
            "member" => Part::Member {
                member: present(&file.member, "member").and_then(|id| MemberId::new(id).map_err(|_| field("member")))?,
                name: present(&file.name, "name")?.to_owned(),
                country: present(&file.country, "country").and_then(country)?,
                root_key: key(present(&file.root_key, "root_key")?, "root_key")?,
                announcement: bytes(present(&file.announcement, "announcement")?)?,
            },
            "coordinator" => Part::Coordinator,
            _ => return Err(field("part")),
        };
        let enrolment = Self {
            network: NetworkId::new(&file.network).map_err(|_| field("network"))?,
            part,
            operational_key: key(&file.operational_key, "operational_key")?,
            addresses: addresses(file.addresses)?,
        };
        match file.fingerprint.parse::<Fingerprint>() {
            Ok(fingerprint) if fingerprint == enrolment.fingerprint() => Ok(enrolment),
            Ok(_) => Err(EnrolmentError::Fingerprint),
            Err(_) => Err(field("fingerprint")),
        }
    }
}

/// A country code of 2 or 3 capital letters.
///
/// # Errors
/// [`EnrolmentError::Field`].
pub fn country(text: &str) -> Result<String, EnrolmentError> {
    let fits = (2..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase());
    if fits { Ok(text.to_owned()) } else { Err(field("country")) }
}

/// At most [`ADDRESSES`] texts that look like multiaddresses; whether one leads anywhere shows when it is dialled.
///
/// # Errors
/// [`EnrolmentError::Field`].
pub fn addresses(texts: Vec<String>) -> Result<Vec<String>, EnrolmentError> {
    let looks_right = |text: &String| {
        text.starts_with('/') && text.contains("/tcp/") && text.len() <= 256 && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if texts.len() <= ADDRESSES && texts.iter().all(looks_right) { Ok(texts) } else { Err(field("addresses")) }
}

/// A public key's name for people: the first eight bytes of its SHA-256, in hexadecimal.
#[must_use]
pub fn key_name(key: &[u8; 32]) -> String {
    HEXLOWER_PERMISSIVE.encode(&kid_of(key).0)
}

/// The fields as they stand in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnrolmentFile {
    fingerprint: String,
    network: String,
    part: String,
    member: Option<String>,
    name: Option<String>,
    country: Option<String>,
    root_key: Option<String>,
    operational_key: String,
    addresses: Vec<String>,
    announcement: Option<String>,
}

const fn field(field: &'static str) -> EnrolmentError {
    EnrolmentError::Field { field }
}

/// The line at which reading failed; the library's own text could repeat content.
fn form(text: &str, error: &toml::de::Error) -> EnrolmentError {
    let before = error.span().and_then(|span| text.get(..span.start));
    EnrolmentError::Form { line: before.map_or(0, |before| before.matches('\n').count() + 1) }
}

fn present<'a>(value: &'a Option<String>, name: &'static str) -> Result<&'a str, EnrolmentError> {
    value.as_deref().filter(|value| !value.trim().is_empty()).ok_or(field(name))
}

fn key(text: &str, name: &'static str) -> Result<[u8; 32], EnrolmentError> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| field(name))?;
    <[u8; 32]>::try_from(bytes).map_err(|_| field(name))
}

fn bytes(text: &str) -> Result<Vec<u8>, EnrolmentError> {
    let packed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    BASE64.decode(packed.as_bytes()).map_err(|_| field("announcement"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> Enrolment {
        Enrolment {
            network: NetworkId::new("drill-demo").unwrap(),
            part: Part::Member {
                member: MemberId::new("CIR").unwrap(),
                name: "Cira \"Red\" Crescent, ጽ".to_owned(),
                country: "CI".to_owned(),
                root_key: [7; 32],
                announcement: vec![0xd2; 1_600],
            },
            operational_key: [9; 32],
            addresses: vec!["/ip4/127.0.0.1/tcp/41001".to_owned()],
        }
    }

    #[test]
    fn an_enrolment_is_read_back_from_its_text() {
        assert_eq!(Enrolment::parse(&member().to_text()), Ok(member()));
        let coordinator = Enrolment { part: Part::Coordinator, ..member() };
        assert_eq!(Enrolment::parse(&coordinator.to_text()), Ok(coordinator.clone()));
        assert_eq!(coordinator.file_name(), "enrol-coordinator.toml");
    }

    #[test]
    fn a_changed_key_shows_in_the_fingerprint() {
        let text = member().to_text().replace(&"07".repeat(32), &"08".repeat(32));
        assert_eq!(Enrolment::parse(&text), Err(EnrolmentError::Fingerprint));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let text = member().to_text();
        let cases = [
            (text.replace("\"CI\"", "\"ci\""), field("country")),
            (text.replace("/ip4/", "ip4/"), field("addresses")),
            (text.replace("member = \"CIR\"", "member = \"cir\""), field("member")),
            (text.replace("part = \"member\"", "part = \"chief\""), field("part")),
            (text.replace("country", "land"), EnrolmentError::Form { line: 9 }),
        ];
        for (text, expected) in cases {
            assert_eq!(Enrolment::parse(&text), Err(expected), "{text}");
        }
    }
}
