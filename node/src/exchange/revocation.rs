//! `self-revocation.txt`: a society's signed word that its node's key is lost, on paper, as text and as a QR code.
//!
//! `init` writes it, `roster revoke` reads it back: the whole file, or only the line of letters that a QR reader gives. It keeps
//! that nothing is believed here: the node that gets the message checks the society's root key's signature.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use kinmesh_protocol::base::{MemberId, Party};
use kinmesh_protocol::envelope::Item;
use kinmesh_protocol::roster::key_chain::SELF_REVOCATION;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde::Serialize;
use thiserror::Error;

use crate::exchange::{Kind, WholeFileError, read_bounded};

/// Bytes of the file: a QR code of half blocks takes most of it.
pub const REVOCATION_BYTES: u64 = 64 * 1024;
/// Letters of a line.
const LINE: usize = 64;
/// What stands before the letters in the QR code, so that a reader sees what it is.
const PREFIX: &str = "KINMESH-REVOCATION:";

/// A revocation that was read.
pub struct ReadRevocation {
    /// The message.
    pub message: Vec<u8>,
    /// What is said of it.
    pub report: RevocationReport,
}

/// What was handed in.
#[derive(Clone, Debug, Serialize)]
pub struct RevocationReport {
    /// Kind and version of this object.
    pub schema: &'static str,
    /// Whose key.
    pub member: MemberId,
}

/// Why a file is no revocation.
#[derive(Debug, Error)]
pub enum RevocationError {
    /// The file.
    #[error(transparent)]
    File(#[from] WholeFileError),
    /// No letters of a revocation in it.
    #[error("this is no revocation: it is what `init` wrote into self-revocation.txt, or the text of its QR code")]
    Form,
}

impl RevocationError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::File(WholeFileError::Io { .. }) => Kind::Machine,
            Self::File(_) | Self::Form => Kind::Usage,
        }
    }
}

impl RevocationReport {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { member, .. } = self;
        writeln!(out, "✓ the key of {member}'s node is void: this node refuses it and passes the revocation on")?;
        writeln!(out, "{member} comes back with a key that its root key announces, and needs no custodian for it")
    }
}

/// The file's text.
#[must_use]
pub fn to_text(member: MemberId, message: &[u8]) -> String {
    let letters = BASE64.encode(message);
    let mut text = format!(
        "Kinmesh: revocation of the keys of {member}'s node.\n\n\
         Print this and keep it apart from the machine. When the node is stolen, give it to the coordinator or to any other\n\
         society: every node that gets it refuses the stolen keys at once. There they run\n\n    kinmesh roster revoke FILE\n\n\
         with this file, or with the letters below, or with what a QR reader makes of the picture.\n\n"
    );
    for line in letters.as_bytes().chunks(LINE) {
        text.push_str(core::str::from_utf8(line).unwrap_or_default());
        text.push('\n');
    }
    if let Some(picture) = picture(&format!("{PREFIX}{letters}")) {
        text.push('\n');
        text.push_str(&picture);
        text.push('\n');
    }
    text
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// [`RevocationError`].
pub fn read(path: &Path) -> Result<ReadRevocation, RevocationError> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().take(REVOCATION_BYTES).read_to_end(&mut bytes);
        read.map_err(WholeFileError::io(&PathBuf::from("-")))?;
        bytes
    } else {
        read_bounded(path, REVOCATION_BYTES)?
    };
    parse(&String::from_utf8_lossy(&bytes))
}

/// Reads a text: the first block of lines that hold nothing but letters of base64.
///
/// # Errors
/// [`RevocationError::Form`].
pub fn parse(text: &str) -> Result<ReadRevocation, RevocationError> {
    let is_letters = |line: &&str| {
        !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
    };
    let lines = text.lines().map(|line| line.trim().trim_start_matches(PREFIX));
    // A first line of them is long; the last one may be short.
    let block = lines.skip_while(|line| line.len() < LINE || !is_letters(line)).take_while(is_letters);
    let letters: String = block.collect();
    let message = BASE64.decode(letters.as_bytes()).map_err(|_| RevocationError::Form)?;
    let member = match Item::parse(&message) {
        Ok(Item::Message(found)) if found.claimed_kind() == SELF_REVOCATION => found.claimed_from(),
        _ => return Err(RevocationError::Form),
    };
    let Party::Member(member) = member else { return Err(RevocationError::Form) };
    Ok(ReadRevocation { message, report: RevocationReport { schema: "kinmesh/roster-revoke/1", member } })
}

/// The QR code in half blocks, with ink where it is dark and its quiet zone around it; none if the text is too long for one.
fn picture(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).ok()?;
    Some(code.render::<Dense1x2>().quiet_zone(true).build())
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use kinmesh_protocol::base::{Draw, NetworkId, Timestamp};
    use kinmesh_protocol::engine::setup;

    use super::*;

    fn revocation() -> (MemberId, Vec<u8>) {
        let member = MemberId::new("CIR").unwrap();
        let setup = setup::MemberSetup { member, network: NetworkId::new("drill-k").unwrap() };
        let (root, operational) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let now = Timestamp::from_seconds(1_800_000_000);
        let (_, own) = setup::member(&setup, &root, &operational, now, &mut Draw::new([3; 32]));
        (member, own.self_revocation)
    }

    #[test]
    fn the_paper_is_read_back_whole_by_its_letters_and_by_its_picture() {
        let (member, message) = revocation();
        let text = to_text(member, &message);
        let letters = BASE64.encode(&message);
        let windows = text.replace('\n', "\r\n");
        for written in [text.as_str(), &windows, &letters, &format!("{PREFIX}{letters}\n")] {
            let read = parse(written).unwrap();
            assert_eq!((read.message, read.report.member), (message.clone(), member));
        }
    }

    #[test]
    fn the_picture_has_ink_where_it_is_dark_and_room_around_it() {
        let (member, message) = revocation();
        let text = to_text(member, &message);
        let picture: Vec<&str> = text.lines().filter(|line| line.contains('█')).collect();
        // Four free modules at each side, then the corner's square of seven.
        assert!(picture[0].starts_with("    █▀▀▀▀▀█ "), "{}", picture[0]);
        assert!(text.lines().all(|line| line.chars().count() <= 120), "it fits a page and a terminal");
    }

    #[test]
    fn other_texts_are_no_revocation() {
        let (_, mut message) = revocation();
        message.pop();
        for text in ["", "Dear colleagues", &BASE64.encode(&message), &BASE64.encode(b"KINMESH1 and some more letters")] {
            assert!(matches!(parse(text), Err(RevocationError::Form)), "{text}");
        }
    }
}
