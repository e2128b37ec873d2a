//! The outer shape of a signed item, read without trusting a byte of it (protocol.md 3.4 steps 2 and 4).
//!
//! `message`, `cell` and `verified` call it. It keeps that the frame has exactly one form: tag 18, the protected header
//! `{1: -8, 4: kid}`, no unprotected header, payload, 64 bytes of signature. The frame is read here by hand and not by
//! coset, whose reader follows nested counter signatures as deep as the sender likes; coset builds the structure that is
//! signed.

use ed25519_dalek::{Signature, VerifyingKey};
use minicbor::decode::Error;
use minicbor::{Decoder, data::Type};

use crate::base::ids::{Kid, NetworkId, Party};
use crate::envelope::message::{self, kid_of};
use crate::envelope::refusal::Refusal;

/// Bytes of the protected header: `a2 01 27 04 48` and the kid.
const PROTECTED_BYTES: usize = 13;

/// A signed item, taken apart.
pub(super) struct Frame {
    pub(super) kid: Kid,
    pub(super) payload: Vec<u8>,
    pub(super) signature: [u8; 64],
}

/// What steps 3 to 5 need of a payload; everything else stays unread until the signature holds.
#[derive(Clone, Copy)]
pub(super) struct Routing {
    pub(super) kind: u64,
    pub(super) from: Party,
    pub(super) to: Option<Party>,
}

impl Frame {
    /// Step 2: COSE shape, protected header, algorithm.
    ///
    /// # Errors
    /// [`Refusal::Alg`] for the right shape with another algorithm, [`Refusal::Encoding`] for any other shape.
    // VE-2.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut decoder = Decoder::new(bytes);
        if decoder.tag().map_err(encoding)?.as_u64() != 18 || decoder.array().map_err(encoding)? != Some(4) {
            return Err(Refusal::Encoding);
        }
        let kid = read_protected(decoder.bytes().map_err(encoding)?)?;
        if decoder.map().map_err(encoding)? != Some(0) {
            return Err(Refusal::Encoding);
        }
        let payload = decoder.bytes().map_err(encoding)?.to_vec();
        let signature = <[u8; 64]>::try_from(decoder.bytes().map_err(encoding)?).map_err(|_| Refusal::Encoding)?;
        let frame = Self { kid, payload, signature };
        // Long lengths and trailing bytes show when the one form is written again.
        if message::write_sign1(&frame.kid, &frame.payload, &frame.signature) == bytes {
            Ok(frame)
        } else {
            Err(Refusal::Encoding)
        }
    }

    /// Step 4: the signature over the payload in the context of its own type, sender and addressee.
    ///
    /// # Errors
    /// [`Refusal::KeyUnknown`] if the key is not the one that the kid names, else [`Refusal::Signature`].
    // VE-4.
    pub(super) fn check(&self, context: &str, network: &NetworkId, routing: &Routing, key: &VerifyingKey) -> Result<(), Refusal> {
        if kid_of(key.as_bytes()) != self.kid {
            return Err(Refusal::KeyUnknown);
        }
        let aad = message::external_aad(context, network, routing.kind, &routing.from, routing.to.as_ref());
        let signed = message::sign1_structure(&self.kid, &aad, &self.payload);
        check_signature(key, &signed, &self.signature)
    }
}

/// Verifies strictly: S below the order, R and the key canonical and not of small order, the equation without cofactor.
///
/// # Errors
/// [`Refusal::Signature`].
pub(super) fn check_signature(key: &VerifyingKey, signed: &[u8], signature: &[u8; 64]) -> Result<(), Refusal> {
    if !message::is_canonical(key) {
        return Err(Refusal::Signature);
    }
    key.verify_strict(signed, &Signature::from_bytes(signature)).map_err(|_| Refusal::Signature)
}

/// Reads the kid out of a protected header of exactly algorithm and kid.
///
/// # Errors
/// As [`Frame::parse`].
pub(super) fn read_protected(bytes: &[u8]) -> Result<Kid, Refusal> {
    let mut decoder = Decoder::new(bytes);
    if decoder.map().map_err(encoding)? != Some(2) || decoder.u64().map_err(encoding)? != 1 {
        return Err(Refusal::Encoding);
    }
    let eddsa = match decoder.datatype().map_err(encoding)? {
        Type::String => {
            decoder.skip().map_err(encoding)?;
            false
        }
        _ => decoder.i64().map_err(encoding)? == -8,
    };
    if decoder.u64().map_err(encoding)? != 4 {
        return Err(Refusal::Encoding);
    }
    let kid: Kid = decoder.decode().map_err(encoding)?;
    if decoder.position() != bytes.len() {
        return Err(Refusal::Encoding);
    }
    match (eddsa, bytes.len() == PROTECTED_BYTES) {
        (false, _) => Err(Refusal::Alg),
        (true, true) => Ok(kid),
        (true, false) => Err(Refusal::Encoding),
    }
}

impl Routing {
    /// Reads payload keys 1 to 3 of a map of `fields` entries.
    ///
    /// # Errors
    /// [`Refusal::Encoding`].
    pub(super) fn read(payload: &[u8], fields: u64) -> Result<Self, Refusal> {
        let mut decoder = Decoder::new(payload);
        if decoder.map().map_err(encoding)? != Some(fields) {
            return Err(Refusal::Encoding);
        }
        expect_key(&mut decoder, 1)?;
        let kind = decoder.u64().map_err(encoding)?;
        expect_key(&mut decoder, 2)?;
        let from = decoder.decode().map_err(encoding)?;
        expect_key(&mut decoder, 3)?;
        let to = decoder.decode().map_err(encoding)?;
        Ok(Self { kind, from, to })
    }
}

/// Reads the next key of a payload's map.
///
/// # Errors
/// [`Refusal::Encoding`] if it is another one.
pub(super) fn expect_key(decoder: &mut Decoder<'_>, key: u64) -> Result<(), Refusal> {
    if decoder.u64().map_err(encoding)? == key { Ok(()) } else { Err(Refusal::Encoding) }
}

pub(super) fn encoding(_: Error) -> Refusal {
    Refusal::Encoding
}
