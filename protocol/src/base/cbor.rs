//! The one encoding: deterministic CBOR (RFC 8949 4.2.1; protocol.md 3.2, 3.9).
//!
//! minicbor writes definite lengths and shortest integers; maps are written in ascending number. A reader decodes, encodes
//! again and compares, so that every value has exactly one accepted form: unknown keys, duplicates, indefinite lengths and
//! long integers all fail at that comparison.

use minicbor::{Decode, Decoder, Encode, Encoder, data::Type};
use thiserror::Error;

use crate::base::limits::CBOR_DEPTH;

/// Why bytes are not the encoding of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CborError {
    /// Not well-formed, of another type, or out of its range.
    #[error("not the expected value")]
    Shape,
    /// Well-formed, but not the one deterministic form, or with something behind it.
    #[error("not the deterministic form")]
    Form,
    /// Nested deeper than the limit.
    #[error("nested deeper than {CBOR_DEPTH}")]
    Depth,
}

/// Encodes a value into its one form.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    // A Vec takes every byte, and the types' own encoders fail for no other reason.
    let _infallible = encoder.encode(value);
    bytes
}

/// Decodes bytes that are exactly the one form of a value.
///
/// # Errors
/// [`CborError`]: wrong shape, not deterministic, or too deep.
pub fn decode<T: Encode<()> + for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Result<T, CborError> {
    check_depth(bytes)?;
    let mut decoder = Decoder::new(bytes);
    let value: T = decoder.decode().map_err(|_| CborError::Shape)?;
    if decoder.position() != bytes.len() || encode(&value) != bytes {
        return Err(CborError::Form);
    }
    Ok(value)
}

/// Walks the items once without keeping any, so that nesting is bounded before a decoder recurses.
fn check_depth(bytes: &[u8]) -> Result<(), CborError> {
    let mut decoder = Decoder::new(bytes);
    // One counter of items left for each open array or map: at most CBOR_DEPTH of them.
    let mut open: Vec<u64> = Vec::new();
    while decoder.position() < bytes.len() {
        let nested = match decoder.datatype().map_err(|_| CborError::Shape)? {
            Type::Array => decoder.array().map_err(|_| CborError::Shape)?.ok_or(CborError::Form)?,
            Type::Map => {
                let pairs = decoder.map().map_err(|_| CborError::Shape)?.ok_or(CborError::Form)?;
                pairs.checked_mul(2).ok_or(CborError::Shape)?
            }
            Type::ArrayIndef | Type::MapIndef | Type::BytesIndef | Type::StringIndef | Type::Break => {
                return Err(CborError::Form);
            }
            Type::F16 | Type::F32 | Type::F64 | Type::Undefined => return Err(CborError::Shape),
            Type::Tag => {
                decoder.tag().map_err(|_| CborError::Shape)?;
                continue;
            }
            _ => {
                decoder.skip().map_err(|_| CborError::Shape)?;
                0
            }
        };
        if let Some(left) = open.last_mut() {
            *left = left.saturating_sub(1);
        }
        if nested > 0 {
            if open.len() >= CBOR_DEPTH {
                return Err(CborError::Depth);
            }
            open.push(nested);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
    }
    Ok(())
}

/// Length-prefixed bytes: `u16(length) || bytes` (protocol.md 3.9). Longer input is cut at 65,535 bytes; callers bound theirs far below.
#[must_use]
pub fn lp(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let mut out = Vec::with_capacity(2 + bytes.len());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes.get(..usize::from(length)).unwrap_or(bytes));
    out
}

/// Byte strings of a fixed length, for `#[cbor(with = "fixed")]`.
pub mod fixed {
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};

    /// Writes a byte string.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<const N: usize, C, W: Write>(
        bytes: &[u8; N],
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.bytes(bytes)?.ok()
    }

    /// Reads a byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// Another type or length.
    pub fn decode<'b, const N: usize, C>(d: &mut Decoder<'b>, _: &mut C) -> Result<[u8; N], DecodeError> {
        <[u8; N]>::try_from(d.bytes()?).map_err(|_| DecodeError::message("length"))
    }
}

/// Lists of byte strings of a fixed length, for `#[cbor(with = "fixed_list")]`.
pub mod fixed_list {
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};

    /// Writes an array of byte strings.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<const N: usize, C, W: Write>(
        list: &[[u8; N]],
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.array(list.len() as u64)?;
        for item in list {
            e.bytes(item)?;
        }
        Ok(())
    }

    /// Reads an array of byte strings of exactly `N` bytes each.
    ///
    /// # Errors
    /// Another type or length.
    pub fn decode<'b, const N: usize, C>(d: &mut Decoder<'b>, _: &mut C) -> Result<Vec<[u8; N]>, DecodeError> {
        let count = d.array()?.ok_or_else(|| DecodeError::message("indefinite"))?;
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(<[u8; N]>::try_from(d.bytes()?).map_err(|_| DecodeError::message("length"))?);
        }
        Ok(list)
    }
}

/// Secrets of a fixed length, for `#[cbor(with = "fixed_secret")]`.
pub mod fixed_secret {
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};

    use crate::base::sensitive::Sensitive;

    /// Writes a byte string.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<const N: usize, C, W: Write>(
        secret: &Sensitive<[u8; N]>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.bytes(secret.expose())?.ok()
    }

    /// Reads a byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// Another type or length.
    pub fn decode<'b, const N: usize, C>(d: &mut Decoder<'b>, _: &mut C) -> Result<Sensitive<[u8; N]>, DecodeError> {
        <[u8; N]>::try_from(d.bytes()?).map(Sensitive::new).map_err(|_| DecodeError::message("length"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Encode, Decode)]
    #[cbor(map)]
    struct Pair {
        #[n(1)]
        first: u64,
        #[n(2)]
        second: Option<u64>,
    }

    #[test]
    fn a_value_has_one_form() {
        let pair = Pair { first: 1, second: None };
        assert_eq!(encode(&pair), [0xa1, 0x01, 0x01]);
        assert_eq!(decode::<Pair>(&[0xa1, 0x01, 0x01]).unwrap(), pair);
    }

    #[test]
    fn other_forms_are_refused() {
        let cases: [(&str, &[u8]); 6] = [
            ("long integer", &[0xa1, 0x01, 0x18, 0x01]),
            ("indefinite map", &[0xbf, 0x01, 0x01, 0xff]),
            ("duplicate key", &[0xa2, 0x01, 0x01, 0x01, 0x01]),
            ("unknown key", &[0xa2, 0x01, 0x01, 0x09, 0x01]),
            ("trailing byte", &[0xa1, 0x01, 0x01, 0x00]),
            ("unsorted keys", &[0xa2, 0x02, 0x01, 0x01, 0x01]),
        ];
        for (what, bytes) in cases {
            assert!(decode::<Pair>(bytes).is_err(), "{what}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_decoding() {
        let bytes = vec![0x81; 10_000];
        assert_eq!(decode::<Pair>(&bytes), Err(CborError::Depth));
    }
}
