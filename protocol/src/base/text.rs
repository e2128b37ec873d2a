//! Short ASCII names that are copied freely: member ids, network ids, user names, profile ids.
//!
//! The rule of each kind of name is checked at construction, so that a value that exists is well formed.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// Which characters a name may hold (protocol.md 3.9, "Numbers, text, time").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// `[A-Z0-9][A-Z0-9-]*`: member ids.
    Upper,
    /// `[a-z0-9.-]+`: network ids, profile ids.
    Lower,
    /// `[a-z0-9][a-z0-9._-]*`: user names of one node.
    User,
    /// `@[a-z0-9-]*`: auditors.
    Auditor,
}

impl Alphabet {
    fn admits(self, position: usize, byte: u8) -> bool {
        match self {
            Alphabet::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit() || (position > 0 && byte == b'-'),
            Alphabet::Lower => byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.' || byte == b'-',
            Alphabet::Auditor if position == 0 => byte == b'@',
            Alphabet::Auditor => byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-',
            Alphabet::User => {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || (position > 0 && matches!(byte, b'.' | b'_' | b'-'))
            }
        }
    }
}

/// Why a text is not a name of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// The text is empty or longer than its kind allows.
    #[error("{found} bytes, expected 1 to {limit}")]
    Length {
        /// Most bytes that this kind of name may have.
        limit: usize,
        /// Bytes that the text has.
        found: usize,
    },
    /// A character outside the alphabet stands at this byte position.
    #[error("a character at position {position} is not allowed in this kind of name")]
    Character {
        /// Byte position, from 0.
        position: usize,
    },
}

/// An ASCII text of 1 to `N` bytes, held inline. Ordered as its text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShortText<const N: usize> {
    length: u8,
    bytes: [u8; N],
}

impl<const N: usize> ShortText<N> {
    /// Checks length and alphabet.
    ///
    /// # Errors
    /// [`TextError`] names what is wrong and where.
    pub fn new(text: &str, alphabet: Alphabet) -> Result<Self, TextError> {
        let source = text.as_bytes();
        if source.is_empty() || source.len() > N || N > 255 {
            return Err(TextError::Length { limit: N, found: source.len() });
        }
        let mut bytes = [0u8; N];
        for (position, (slot, byte)) in bytes.iter_mut().zip(source).enumerate() {
            if !alphabet.admits(position, *byte) {
                return Err(TextError::Character { position });
            }
            *slot = *byte;
        }
        Ok(Self { length: u8::try_from(source.len()).unwrap_or(u8::MAX), bytes })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let used = self.bytes.get(..usize::from(self.length)).unwrap_or(&[]);
        core::str::from_utf8(used).unwrap_or("")
    }
}

impl<const N: usize> Ord for ShortText<N> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl<const N: usize> PartialOrd for ShortText<N> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> fmt::Debug for ShortText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> fmt::Display for ShortText<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Makes a newtype over [`ShortText`] with its alphabet, text conversions, CBOR text and serde text.
macro_rules! short_name {
    ($(#[$doc:meta])* $name:ident, $n:literal, $alphabet:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($crate::base::text::ShortText<$n>);

        impl $name {
            /// Checks length and alphabet.
            ///
            /// # Errors
            /// [`TextError`]($crate::base::text::TextError) names what is wrong and where.
            pub fn new(text: &str) -> Result<Self, $crate::base::text::TextError> {
                $crate::base::text::ShortText::new(text, $alphabet).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::base::text::TextError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(self.as_str())?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                Self::new(d.str()?).map_err(|_| minicbor::decode::Error::message("name"))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(d)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use short_name;

impl<const N: usize> FromStr for ShortText<N> {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::new(text, Alphabet::Lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_id_is_upper_case_and_short() {
        assert!(ShortText::<16>::new("KE", Alphabet::Upper).is_ok());
        assert_eq!(ShortText::<16>::new("ke", Alphabet::Upper), Err(TextError::Character { position: 0 }));
        assert_eq!(ShortText::<16>::new("-A", Alphabet::Upper), Err(TextError::Character { position: 0 }));
        assert_eq!(ShortText::<16>::new("", Alphabet::Upper), Err(TextError::Length { limit: 16, found: 0 }));
        assert_eq!(ShortText::<4>::new("ABCDE", Alphabet::Upper), Err(TextError::Length { limit: 4, found: 5 }));
    }

    #[test]
    fn names_are_ordered_as_their_text() {
        let short = ShortText::<16>::new("A", Alphabet::Upper).unwrap();
        let long = ShortText::<16>::new("A-B", Alphabet::Upper).unwrap();
        assert!(short < long);
    }
}
