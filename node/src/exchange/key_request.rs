//! The file with which a node asks its society's root key for the next operational key's signature.
//!
//! `keys request` writes it, `keys sign` reads it on the machine that holds the root key. Text, so that people see what is
//! asked for. It holds nothing secret, and it proves nothing by itself: what is signed is shown first.

use core::fmt::Write as _;

use data_encoding::BASE64;
use kinmesh_protocol::base::{MemberId, NetworkId, cbor};
use kinmesh_protocol::engine::answer::KeysRequested;
use kinmesh_protocol::roster::{KeyAnnouncement, SelfRevocation};
use serde::Deserialize;
use thiserror::Error;

/// Bytes of such a file.
pub const KEY_REQUEST_BYTES: u64 = 64 * 1024;
/// Characters of a line of base64.
const LINE: usize = 76;

/// A node's request, read and taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    /// The network.
    pub network: NetworkId,
    /// The member.
    pub member: MemberId,
    /// When the node asked, Unix seconds.
    pub created: u64,
    /// Version of the roster that the node held.
    pub roster_version: u64,
    /// The announcement to be signed.
    pub announcement: KeyAnnouncement,
    /// The revocation to be signed and printed.
    pub revocation: SelfRevocation,
}

/// A text that is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyRequestError {
    /// No TOML, or a field that is missing, unknown or of another type.
    #[error("not a key request: write it with `kinmesh keys request`")]
    Form,
    /// A field that is not what it must be.
    #[error("{field} is not as it must be")]
    Field {
        /// Name of the field.
        field: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    network: String,
    member: String,
    created: u64,
    roster_version: u64,
    announcement: String,
    revocation: String,
}

/// The file's text.
#[must_use]
pub fn to_text(asked: &KeysRequested) -> String {
    let mut text = String::from(
        "# A node asks its society's root key to sign the next operational key. It holds nothing secret: take it to the\n\
         # machine with the root key and run `kinmesh keys sign` there.\n\n",
    );
    let _into_string = writeln!(
        text,
        "network = \"{}\"\nmember = \"{}\"\ncreated = {}\nroster_version = {}",
        asked.network, asked.member, asked.created, asked.roster_version
    );
    for (name, bytes) in [("announcement", &asked.announcement), ("revocation", &asked.revocation)] {
        let _into_string = writeln!(text, "{name} = '''");
        for line in BASE64.encode(bytes).as_bytes().chunks(LINE) {
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
/// [`KeyRequestError`]; also where the two bodies are not of one key.
pub fn parse(text: &str) -> Result<KeyRequest, KeyRequestError> {
    let file: File = toml::from_str(text).map_err(|_| KeyRequestError::Form)?;
    let field = |field| KeyRequestError::Field { field };
    let announcement: KeyAnnouncement =
        cbor::decode(&bytes(&file.announcement).ok_or(field("announcement"))?).map_err(|_| field("announcement"))?;
    let revocation: SelfRevocation =
        cbor::decode(&bytes(&file.revocation).ok_or(field("revocation"))?).map_err(|_| field("revocation"))?;
    let is_of_the_key = revocation.op_kid == kinmesh_protocol::envelope::kid_of(&announcement.op_key)
        && revocation.incarnation == announcement.incarnation;
    if !is_of_the_key {
        return Err(field("revocation"));
    }
    Ok(KeyRequest {
        network: NetworkId::new(&file.network).map_err(|_| field("network"))?,
        member: MemberId::new(&file.member).map_err(|_| field("member"))?,
        created: file.created,
        roster_version: file.roster_version,
        announcement,
        revocation,
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let joined: String = text.split_whitespace().collect();
    BASE64.decode(joined.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use kinmesh_protocol::base::{Epoch, PeerId};
    use kinmesh_protocol::envelope::{SealSecret, kid_of};
    use kinmesh_protocol::roster::VoprfKey;

    use super::*;

    fn asked() -> KeysRequested {
        let op_key = SigningKey::from_bytes(&[2; 32]).verifying_key().to_bytes();
        let seal = SealSecret::from_bytes([4; 32]).public();
        let voprf = VoprfKey { epoch: Epoch(1), pk: [5; 32], from: 1_800_000_000, until: 1_802_000_000 };
        let announcement = KeyAnnouncement {
            incarnation: 1,
            seq: 2,
            prev_hash: [6; 32],
            op_key,
            op_until: 1_807_776_000,
            seal_key_id: seal.key_id(),
            seal_key: seal,
            seal_until: 1_802_000_000,
            voprf,
            next_voprf: None,
            peer_id: PeerId(op_key).to_bytes(),
        };
        let revocation = SelfRevocation { op_kid: kid_of(&op_key), incarnation: 1, reason_code: 1 };
        KeysRequested {
            member: MemberId::new("KE").unwrap(),
            network: NetworkId::new("drill-x").unwrap(),
            created: 1_800_000_000,
            until: 1_807_776_000,
            roster_version: 3,
            announcement: cbor::encode(&announcement),
            revocation: cbor::encode(&revocation),
        }
    }

    #[test]
    fn a_request_survives_its_file() {
        let asked = asked();
        let read = parse(&to_text(&asked)).unwrap();
        assert_eq!(
            (read.member, read.network, read.created, read.roster_version),
            (asked.member, asked.network, 1_800_000_000, 3)
        );
        assert_eq!(cbor::encode(&read.announcement), asked.announcement);
    }

    #[test]
    fn a_request_that_is_none_is_refused_by_field() {
        let text = to_text(&asked());
        assert_eq!(parse("x"), Err(KeyRequestError::Form));
        assert_eq!(parse(&text.replace("\"KE\"", "\"ke\"")), Err(KeyRequestError::Field { field: "member" }));
        let start = text.find("revocation = '''\n").unwrap() + 17;
        let broken = format!("{}AAAA{}", &text[..start], &text[start + 4..]);
        assert_eq!(parse(&broken), Err(KeyRequestError::Field { field: "revocation" }));
    }
}
