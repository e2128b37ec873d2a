//! Ids: random 128-bit values that are never derived from personal data, and the names of parties.
//!
//! An id is written as a letter of its kind, a dash and 26 characters of Crockford base32 with a check symbol
//! (`K-01hz...`); a unique prefix of at least six characters is accepted wherever a person types one.

use core::fmt;

use crate::base::text::{Alphabet, TextError, short_name};

short_name!(
    /// A society on the roster: `[A-Z0-9][A-Z0-9-]{0,15}`, for instance `KE` (protocol.md 3.9).
    MemberId,
    16,
    Alphabet::Upper
);
short_name!(
    /// A network of societies: 1 to 32 of `[a-z0-9.-]`; a rehearsal's id starts with `drill-`.
    NetworkId,
    32,
    Alphabet::Lower
);
short_name!(
    /// A version of the matching rules: 1 to 16 of `[a-z0-9.-]`.
    ProfileId,
    16,
    Alphabet::Lower
);
short_name!(
    /// A user of one node: 1 to 32 of `[a-z0-9._-]`. Never leaves the node.
    UserId,
    32,
    Alphabet::User
);

short_name!(
    /// Somebody who may demand an audit: `@` and 1 to 15 of `[a-z0-9-]`, for instance `@audit-1` (protocol.md 3.9).
    AuditorName,
    16,
    Alphabet::Auditor
);

impl NetworkId {
    /// True for a rehearsal network, the only kind in which paces below the floors are accepted (protocol.md 2.9).
    #[must_use]
    pub fn is_drill(&self) -> bool {
        self.as_str().starts_with("drill-")
    }
}

/// Who a message is from or to. The text form is the member id, `@coordinator`, `@custodians` or an auditor's name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// A society on the roster.
    Member(MemberId),
    /// The ICRC's coordination node.
    Coordinator,
    /// The holders of the offline root keys, together.
    Custodians,
    /// An auditor of the roster.
    Auditor(AuditorName),
}

impl Party {
    /// The text that is signed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Party::Member(member) => member.as_str(),
            Party::Coordinator => "@coordinator",
            Party::Custodians => "@custodians",
            Party::Auditor(auditor) => auditor.as_str(),
        }
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`TextError`] if it is none of the four forms.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        match text {
            "@coordinator" => Ok(Party::Coordinator),
            "@custodians" => Ok(Party::Custodians),
            // The sign alone names nobody.
            "@" => Err(TextError::Character { position: 0 }),
            auditor if auditor.starts_with('@') => AuditorName::new(auditor).map(Party::Auditor),
            member => MemberId::new(member).map(Party::Member),
        }
    }

    /// The member, if this is one.
    #[must_use]
    pub fn member(&self) -> Option<MemberId> {
        match self {
            Party::Member(member) => Some(*member),
            _ => None,
        }
    }
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<C> minicbor::Encode<C> for Party {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(self.as_str())?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for Party {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Party::parse(d.str()?).map_err(|_| minicbor::decode::Error::message("party"))
    }
}

/// Why a typed id is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not 26 characters of base32 and a check symbol behind the kind's letter.
    #[error("not an id of this kind")]
    Form,
    /// The check symbol does not belong to the rest: a character was mistyped.
    #[error("the check symbol does not fit: a character was mistyped")]
    Check,
}

const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Writes 16 bytes as 26 base32 characters and one check character (sum of bytes modulo 31).
fn write_id(bytes: &[u8; 16]) -> String {
    let number = u128::from_be_bytes(*bytes);
    let mut text = String::with_capacity(27);
    for place in (0..26).rev() {
        let digit = (number >> (place * 5)) & 31;
        push_digit(&mut text, digit);
    }
    push_digit(&mut text, u128::from(check_of(bytes)));
    text
}

fn push_digit(text: &mut String, digit: u128) {
    let symbol = usize::try_from(digit).ok().and_then(|d| CROCKFORD.get(d)).copied().unwrap_or(b'?');
    text.push(char::from(symbol));
}

fn check_of(bytes: &[u8; 16]) -> u32 {
    bytes
        .iter()
        .enumerate()
        .fold(0u32, |sum, (place, byte)| (sum + u32::from(*byte) * (u32::try_from(place).unwrap_or(0) + 1)) % 31)
}

fn read_id(text: &str) -> Result<[u8; 16], IdError> {
    if text.len() != 27 {
        return Err(IdError::Form);
    }
    let mut number = 0u128;
    let mut check = 0u32;
    for (place, byte) in text.bytes().enumerate() {
        let folded = match byte.to_ascii_lowercase() {
            b'o' => b'0',
            b'i' | b'l' => b'1',
            other => other,
        };
        let digit = CROCKFORD.iter().position(|symbol| *symbol == folded).ok_or(IdError::Form)?;
        if place == 26 {
            check = u32::try_from(digit).map_err(|_| IdError::Form)?;
        } else {
            if place == 0 && digit > 7 {
                return Err(IdError::Form);
            }
            number = (number << 5) | (digit as u128);
        }
    }
    let bytes = number.to_be_bytes();
    if check_of(&bytes) == check { Ok(bytes) } else { Err(IdError::Check) }
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// Letter of the kind, as typed and shown.
            pub const LETTER: &'static str = $letter;

            /// The short form for screens: letter, dash, eight characters.
            #[must_use]
            pub fn short(&self) -> String {
                let text = write_id(&self.0);
                format!("{}-{}", $letter, text.get(..8).unwrap_or(&text))
            }

            /// Draws a fresh id.
            pub fn draw(draw: &mut $crate::base::draw::Draw) -> Self {
                Self(draw.bytes())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}-{}", $letter, write_id(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.short())
            }
        }

        impl core::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let (letter, rest) = text.split_once('-').ok_or(IdError::Form)?;
                if !letter.eq_ignore_ascii_case($letter) {
                    return Err(IdError::Form);
                }
                read_id(rest).map(Self)
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                <[u8; 16]>::try_from(d.bytes()?).map(Self).map_err(|_| minicbor::decode::Error::message("id"))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

random_id!(
    /// One person record of this node.
    PersonId,
    "P"
);
random_id!(
    /// One tracing case: an enquirer and one or more subjects.
    CaseId,
    "C"
);
random_id!(
    /// One sought person of a case at one revision: what the private match calls a case.
    SubjectId,
    "S"
);
random_id!(
    /// One claim, the same at both sides; shown to people as the candidate's id.
    ClaimId,
    "K"
);
random_id!(
    /// One message, for replay protection and replies.
    MsgId,
    "M"
);
random_id!(
    /// One sealed cell.
    CellId,
    "L"
);
random_id!(
    /// One audit of one querier at one owner (protocol.md 2.11).
    AuditId,
    "U"
);
random_id!(
    /// The pseudonym of one subject at one owner (protocol.md 3.9, "Positions").
    CaseRef,
    "R"
);
random_id!(
    /// One immutable file of the node.
    BlobId,
    "B"
);
random_id!(
    /// One consent that a person gave.
    ConsentId,
    "N"
);

/// Names a public key: the first 8 bytes of the SHA-256 of it (protocol.md 3.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kid(pub [u8; 8]);

impl fmt::Debug for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl<C> minicbor::Encode<C> for Kid {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for Kid {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        <[u8; 8]>::try_from(d.bytes()?).map(Self).map_err(|_| minicbor::decode::Error::message("kid"))
    }
}

/// The transport identity of a member: its operational ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub [u8; 32]);

impl PeerId {
    /// The libp2p multihash form: 6 fixed bytes and the key, 38 bytes (protocol.md 3.9, "Key log").
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 38] {
        let mut bytes = [0u8; 38];
        let (head, tail) = bytes.split_at_mut(6);
        head.copy_from_slice(&[0x00, 0x24, 0x08, 0x01, 0x12, 0x20]);
        tail.copy_from_slice(&self.0);
        bytes
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().take(6) {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);
    };
}

counter!(
    /// One open command of the control interface; ends in exactly one reply.
    Ticket
);
counter!(
    /// One running job of this process.
    JobId
);
counter!(
    /// One cell under way to a peer.
    DeliveryId
);
counter!(
    /// One cell that a carrier brought and that waits for its receipt.
    ReceiptId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = PersonId([0x9a; 16]);
        assert_eq!(id.to_string().parse::<PersonId>(), Ok(id));
        assert!(id.to_string().starts_with("P-"));
    }

    #[test]
    fn a_mistyped_id_is_noticed() {
        let text = PersonId([7; 16]).to_string();
        let mistyped = text.replacen('1', "2", 1);
        assert!(mistyped.parse::<PersonId>().is_err());
        assert_eq!("K-abc".parse::<ClaimId>(), Err(IdError::Form));
        assert_eq!(text.replacen("P-", "C-", 1).parse::<PersonId>(), Err(IdError::Form));
    }

    #[test]
    fn parties_have_one_text_form_each() {
        for text in ["KE", "@coordinator", "@custodians"] {
            assert_eq!(Party::parse(text).unwrap().as_str(), text);
        }
        for text in ["@", "@Other", "@a@", "@aaaaaaaaaaaaaaaa"] {
            assert!(Party::parse(text).is_err(), "{text}");
        }
    }
}
