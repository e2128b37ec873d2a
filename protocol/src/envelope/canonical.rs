//! Checks that bytes are one item of the wire's subset of deterministic CBOR (protocol.md 3.2 and 3.9, "CBOR").
//!
//! `verified` and `cell` call it at step 6, after the signature, and `roster` on what the custodians signed. It keeps that a payload has exactly one form even where
//! its body is decoded later and elsewhere. It walks without recursion and keeps nothing but one counter a level; it
//! does not know the fields of any type.

use minicbor::data::Type;
use minicbor::{Decoder, decode::Error};

use crate::base::limits::CBOR_DEPTH;
use crate::envelope::refusal::Refusal;

/// Whether texts may hold U+000A.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineBreaks {
    /// The text of a disclosure is among them.
    Allowed,
    /// Any other message.
    Refused,
}

/// Checks one item: unsigned integers up to 2^63-1, byte and text strings, arrays, maps with ascending numbers as keys,
/// booleans and null; definite lengths, shortest forms, at most [`CBOR_DEPTH`] levels, nothing behind it.
///
/// # Errors
/// [`Refusal::Encoding`].
// VE-6, EN-1.
pub(super) fn check(bytes: &[u8], breaks: LineBreaks) -> Result<(), Refusal> {
    let mut walk = Walk { decoder: Decoder::new(bytes), open: Vec::new(), breaks };
    loop {
        walk.item()?;
        while walk.open.last().is_some_and(|level| level.left == 0) {
            walk.open.pop();
        }
        if walk.open.is_empty() {
            break;
        }
    }
    if walk.decoder.position() == bytes.len() { Ok(()) } else { Err(Refusal::Encoding) }
}

/// Checks one item of the wire's subset, of a payload without line breaks.
///
/// # Errors
/// [`Refusal::Encoding`].
pub fn check_canonical(bytes: &[u8]) -> Result<(), Refusal> {
    check(bytes, LineBreaks::Refused)
}

/// True for characters that no text on the wire holds: controls, and those that turn the writing direction.
#[must_use]
pub fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One array or map that is not finished.
struct Level {
    left: u64,
    map: Option<Keys>,
}

/// Where a map stands.
struct Keys {
    last: Option<u64>,
    key_is_next: bool,
}

struct Walk<'b> {
    decoder: Decoder<'b>,
    open: Vec<Level>,
    breaks: LineBreaks,
}

impl Walk<'_> {
    fn item(&mut self) -> Result<(), Refusal> {
        let start = self.decoder.position();
        let kind = self.decoder.datatype().map_err(encoding)?;
        let key = self.enter(kind)?;
        let (head, level) = match kind {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
                let number = self.decoder.u64().map_err(encoding)?;
                if number > i64::MAX.unsigned_abs() {
                    return Err(Refusal::Encoding);
                }
                if key {
                    self.ascend(number)?;
                }
                (number, None)
            }
            Type::Bytes => (self.decoder.bytes().map_err(encoding)?.len() as u64, None),
            Type::String => {
                let text = self.decoder.str().map_err(encoding)?;
                if text.chars().any(|c| is_forbidden(c) && !(c == '\n' && self.breaks == LineBreaks::Allowed)) {
                    return Err(Refusal::Encoding);
                }
                (text.len() as u64, None)
            }
            Type::Array => {
                let count = self.decoder.array().map_err(encoding)?.ok_or(Refusal::Encoding)?;
                (count, Some(Level { left: count, map: None }))
            }
            Type::Map => {
                let pairs = self.decoder.map().map_err(encoding)?.ok_or(Refusal::Encoding)?;
                let left = pairs.checked_mul(2).ok_or(Refusal::Encoding)?;
                (pairs, Some(Level { left, map: Some(Keys { last: None, key_is_next: true }) }))
            }
            Type::Bool | Type::Null => {
                self.decoder.skip().map_err(encoding)?;
                return Ok(());
            }
            _ => return Err(Refusal::Encoding),
        };
        self.shortest(start, head)?;
        self.descend(level)
    }

    /// Counts the item in the level around it; true if it is a map's key.
    fn enter(&mut self, kind: Type) -> Result<bool, Refusal> {
        let Some(level) = self.open.last_mut() else { return Ok(false) };
        level.left = level.left.saturating_sub(1);
        let Some(keys) = level.map.as_mut() else { return Ok(false) };
        let key = keys.key_is_next;
        keys.key_is_next = !key;
        if key && !matches!(kind, Type::U8 | Type::U16 | Type::U32 | Type::U64) {
            return Err(Refusal::Encoding);
        }
        Ok(key)
    }

    fn ascend(&mut self, number: u64) -> Result<(), Refusal> {
        let keys = self.open.last_mut().and_then(|level| level.map.as_mut()).ok_or(Refusal::Encoding)?;
        if keys.last.is_some_and(|last| last >= number) {
            return Err(Refusal::Encoding);
        }
        keys.last = Some(number);
        Ok(())
    }

    /// The head that starts at `start` has as few bytes as its number allows.
    fn shortest(&self, start: usize, head: u64) -> Result<(), Refusal> {
        let initial = self.decoder.input().get(start).ok_or(Refusal::Encoding)? & 0x1f;
        let least = match head {
            0..=23 => return if u64::from(initial) == head { Ok(()) } else { Err(Refusal::Encoding) },
            24..=0xff => 24,
            0x100..=0xffff => 25,
            0x1_0000..=0xffff_ffff => 26,
            _ => 27,
        };
        if initial == least { Ok(()) } else { Err(Refusal::Encoding) }
    }

    fn descend(&mut self, level: Option<Level>) -> Result<(), Refusal> {
        let Some(level) = level.filter(|level| level.left > 0) else { return Ok(()) };
        if self.open.len() >= CBOR_DEPTH {
            return Err(Refusal::Encoding);
        }
        self.open.push(level);
        Ok(())
    }
}

fn encoding(_: Error) -> Refusal {
    Refusal::Encoding
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> bool {
        check(bytes, LineBreaks::Refused) == Err(Refusal::Encoding)
    }

    #[test]
    fn the_one_form_passes() {
        let cases: [&[u8]; 8] = [
            &[0x00],
            &[0x18, 24],
            &[0x1b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xa0],
            &[0xa2, 0x01, 0xf6, 0x02, 0x80],
            &[0x83, 0xf4, 0xf5, 0xa1, 0x01, 0x41, 0x00],
            &[0x62, 0xc3, 0xa9],
            &[0x82, 0x80, 0xa0],
        ];
        for bytes in cases {
            assert_eq!(check(bytes, LineBreaks::Refused), Ok(()), "{bytes:02x?}");
        }
    }

    #[test]
    fn every_other_form_is_refused() {
        let cases: [(&str, &[u8]); 18] = [
            ("empty", &[]),
            ("trailing byte", &[0x00, 0x00]),
            ("long integer", &[0x18, 0x17]),
            ("longer integer", &[0x19, 0x00, 0xff]),
            ("long length", &[0x58, 0x01, 0x00]),
            ("above 2^63-1", &[0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            ("negative", &[0x20]),
            ("float", &[0xf9, 0x3c, 0x00]),
            ("undefined", &[0xf7]),
            ("tag", &[0xc0, 0x00]),
            ("simple value", &[0xe0]),
            ("indefinite array", &[0x9f, 0xff]),
            ("indefinite text", &[0x7f, 0x61, 0x61, 0xff]),
            ("duplicate key", &[0xa2, 0x01, 0x00, 0x01, 0x00]),
            ("unsorted keys", &[0xa2, 0x02, 0x00, 0x01, 0x00]),
            ("text as key", &[0xa1, 0x61, 0x61, 0x00]),
            ("truncated", &[0x82, 0x00]),
            ("huge count", &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ];
        for (what, bytes) in cases {
            assert!(refused(bytes), "{what}");
        }
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let nested = |levels: usize| [vec![0x81; levels], vec![0x00]].concat();
        assert_eq!(check(&nested(CBOR_DEPTH), LineBreaks::Refused), Ok(()));
        assert!(refused(&nested(CBOR_DEPTH + 1)));
        assert!(refused(&vec![0x81; 10_000]));
    }

    #[test]
    fn control_and_bidi_characters_are_refused() {
        for text in ["a\u{1b}[2J", "a\0b", "\u{202e}cod", "\u{200f}", "a\nb", "\u{2066}x"] {
            assert!(refused(&crate::base::cbor::encode(&text)), "{text:?}");
        }
        let broken = crate::base::cbor::encode(&"first line\nsecond line");
        assert_eq!(check(&broken, LineBreaks::Allowed), Ok(()));
        // The joiner that Persian names need is neither.
        assert_eq!(check(&crate::base::cbor::encode(&"علی\u{200c}رضا"), LineBreaks::Refused), Ok(()));
    }
}
