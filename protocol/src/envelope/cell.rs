//! Cells: many messages sealed to one member and padded to a fixed size (RFC 9180 with X-Wing; protocol.md 2.7, 3.2, 3.9).
//!
//! The engine packs and seals at the moment of sending, and opens what `verified` let through (step 8). It keeps that the
//! sender, the recipient and the cell's id are in HPKE's `info`: a cell whose signature was stripped and made anew by
//! another member does not open. The KEM is a hybrid of ML-KEM-768 and X25519, so what is recorded today stays closed to a
//! later quantum computer. HPKE has no forward secrecy against a stolen sealing key before that key is destroyed; the
//! class shows which of a few sizes was used, nothing else about the length.

use core::fmt;

use ed25519_dalek::SigningKey;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem, XWing};
use hpke::{Deserializable, OpModeR, OpModeS, Serializable};
use minicbor::decode::Error as DecodeError;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::base::cbor;
use crate::base::ids::{CellId, Kid, MemberId, NetworkId, Party};
use crate::base::time::{Millis, Timestamp};
use crate::base::{Draw, Sensitive};
use crate::envelope::canonical::{LineBreaks, check};
use crate::envelope::frame::{Frame, Routing, encoding, expect_key};
use crate::envelope::message::{KeyRing, Message, field, kid_of, sign_payload};
use crate::envelope::refusal::Refusal;
use crate::envelope::verified::{Addressee, Unverified, Verified, check_addressee, check_times};

const CONTEXT: &str = "kinmesh/1/cell";
/// Entries of a cell's payload.
const CELL_FIELDS: u64 = 9;
/// Bytes of an encapsulated key.
const ENC_BYTES: usize = 1_120;
/// Bytes of a sealing public key: ML-KEM-768 and X25519.
const PUBLIC_BYTES: usize = 1_216;
/// Bytes of the AEAD's tag.
const TAG_BYTES: usize = 16;
/// Bytes of everything of a cell but its ciphertext, at most: 1,120 encapsulated, some 100 header, some 100 COSE.
const FRAME_BYTES: usize = 1_536;

const KIB: usize = 1024;
const BAG_CLASSES: [usize; 2] = [16 * KIB, 32 * KIB];
const EVAL_CLASSES: [usize; 2] = [32 * KIB, 128 * KIB];
const SET_CLASSES: [usize; 2] = [64 * KIB, 256 * KIB];

/// What a cell is used for; decides its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum CellKind {
    /// Everything about claims, at a constant rate.
    #[n(1)]
    Bag = 1,
    /// Evaluation requests and responses.
    #[n(2)]
    Eval,
    /// Sets, asked for by the peer.
    #[n(3)]
    Set,
}

/// What a cell shows outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellHeader {
    /// What it is used for.
    pub kind: CellKind,
    /// Who sealed and signed it.
    pub from: MemberId,
    /// Whom it is sealed to.
    pub to: MemberId,
    /// Random id.
    pub cell_id: CellId,
    /// Unix seconds.
    pub created: u64,
    /// Unix seconds; the last second in which it is good.
    pub expires: u64,
    /// The recipient's sealing key.
    pub recipient_key_id: Kid,
}

/// A cell whose payload was read; what it holds is still sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct Cell {
    /// What it shows outside.
    pub header: CellHeader,
    enc: Vec<u8>,
    ct: Vec<u8>,
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header.fmt(f)
    }
}

/// The private half of a sealing key, 32 bytes. Destroyed 35 days after its last use to seal.
#[derive(Clone, Debug)]
pub struct SealSecret(Sensitive<[u8; 32]>);

/// The public half of a sealing key: 1,216 bytes that were found to be one.
#[derive(Clone, PartialEq, Eq)]
pub struct SealPublic(Box<[u8; PUBLIC_BYTES]>);

/// Bytes that are no sealing public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{found} bytes that are no X-Wing public key of {PUBLIC_BYTES} bytes")]
pub struct SealKeyError {
    /// Bytes that were offered.
    pub found: usize,
}

/// Why messages were not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// Packed, they are longer than the class.
    #[error("{found} bytes packed, the class holds {class}")]
    TooLong {
        /// Bytes that the class holds.
        class: usize,
        /// Bytes of the packed messages.
        found: usize,
    },
    /// Cells of this kind have no such size.
    #[error("{class} bytes is no size of a cell of kind {kind:?}")]
    Class {
        /// What the cell is used for.
        kind: CellKind,
        /// The size that was asked for, in bytes.
        class: usize,
    },
    /// The header names another sealing key than the one given.
    #[error("the header names key {expected:?}, the key given is {found:?}")]
    KeyId {
        /// The key that the header names.
        expected: Kid,
        /// The key that was given.
        found: Kid,
    },
    /// The key does not seal.
    #[error("the recipient's key does not seal")]
    Key,
}

impl CellKind {
    /// The sizes of such cells, in bytes of plaintext, ascending.
    #[must_use]
    pub const fn classes(self) -> [usize; 2] {
        match self {
            CellKind::Bag => BAG_CLASSES,
            CellKind::Eval => EVAL_CLASSES,
            CellKind::Set => SET_CLASSES,
        }
    }

    const fn from_code(code: u64) -> Option<Self> {
        match code {
            1 => Some(CellKind::Bag),
            2 => Some(CellKind::Eval),
            3 => Some(CellKind::Set),
            _ => None,
        }
    }

    const fn code(self) -> u64 {
        self as u64
    }
}

impl SealSecret {
    /// Draws a key pair.
    #[must_use]
    pub fn draw(draw: &mut Draw) -> Self {
        Self::from_bytes(draw.bytes())
    }

    /// From its 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Sensitive::new(bytes))
    }

    /// Its 32 bytes, for the keystore.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> SealPublic {
        let mut bytes = Box::new([0; PUBLIC_BYTES]);
        if let Some(secret) = self.key() {
            XWing::sk_to_pk(&secret).write_exact(bytes.as_mut_slice());
        }
        SealPublic(bytes)
    }

    /// Any 32 bytes are a key, so this is never none.
    fn key(&self) -> Option<<XWing as Kem>::PrivateKey> {
        <XWing as Kem>::PrivateKey::from_bytes(self.bytes()).ok()
    }
}

impl SealPublic {
    /// Checks that the bytes are a key: length, and every coefficient below the modulus (FIPS 203, 7.2).
    ///
    /// # Errors
    /// [`SealKeyError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealKeyError> {
        let refused = SealKeyError { found: bytes.len() };
        <XWing as Kem>::PublicKey::from_bytes(bytes).map_err(|_| refused)?;
        <[u8; PUBLIC_BYTES]>::try_from(bytes).map(|bytes| Self(Box::new(bytes))).map_err(|_| refused)
    }

    /// ML-KEM-768's 1,184 bytes, then X25519's 32.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PUBLIC_BYTES] {
        &self.0
    }

    /// The first 8 bytes of its SHA-256.
    #[must_use]
    pub fn key_id(&self) -> Kid {
        kid_of(self.0.as_slice())
    }
}

impl fmt::Debug for SealPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealPublic({:?})", self.key_id())
    }
}

impl<C> Encode<C> for SealPublic {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.bytes(self.0.as_slice())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for SealPublic {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        Self::from_bytes(d.bytes()?).map_err(|_| DecodeError::message("sealing key"))
    }
}

/// The smallest size of a cell of this kind that holds so many packed bytes; a bag has the one size of the network's pace.
#[must_use]
pub fn capacity_class(kind: CellKind, plaintext_len: usize, bag_bytes: usize) -> Option<usize> {
    let fits = |class: &usize| plaintext_len <= *class;
    match kind {
        CellKind::Bag => Some(bag_bytes).filter(fits),
        CellKind::Eval | CellKind::Set => kind.classes().into_iter().find(fits),
    }
}

/// Bytes of these messages when packed: an array of byte strings.
#[must_use]
pub fn packed_len(messages: &[Vec<u8>]) -> usize {
    let heads: usize = messages.iter().map(|message| head_len(message.len()) + message.len()).sum();
    head_len(messages.len()) + heads
}

// CO-2.
/// Seals messages into a cell of `class` bytes of plaintext, signs it and returns the whole COSE_Sign1.
///
/// # Errors
/// [`SealError`].
pub fn seal(
    network: &NetworkId,
    header: &CellHeader,
    messages: &[Vec<u8>],
    class: usize,
    to_key: &SealPublic,
    key: &SigningKey,
    draw: &mut Draw,
) -> Result<Vec<u8>, SealError> {
    if to_key.key_id() != header.recipient_key_id {
        return Err(SealError::KeyId { expected: header.recipient_key_id, found: to_key.key_id() });
    }
    if !header.kind.classes().contains(&class) {
        return Err(SealError::Class { kind: header.kind, class });
    }
    let mut plaintext = Zeroizing::new(Vec::with_capacity(class));
    pack(messages, &mut plaintext);
    if plaintext.len() > class {
        return Err(SealError::TooLong { class, found: plaintext.len() });
    }
    plaintext.resize(class, 0);
    let (enc, ct) = seal_plaintext(&info(network, header), &plaintext, to_key, draw)?;
    let payload = write_payload(header, &enc, &ct);
    let (from, to) = (Party::Member(header.from), Party::Member(header.to));
    Ok(sign_payload(CONTEXT, network, (header.kind.code(), &from, Some(&to)), &payload, key))
}

impl Unverified<Cell> {
    /// Steps 1 and 2, and of the payload what steps 3 to 5 need. `limit` is the caller's, in bytes of the whole cell; the
    /// largest size of the kind holds besides.
    ///
    /// # Errors
    /// [`Refusal::Size`], [`Refusal::Alg`] or [`Refusal::Encoding`].
    pub fn parse(bytes: &[u8], limit: usize) -> Result<Self, Refusal> {
        if bytes.len() > limit {
            return Err(Refusal::Size);
        }
        let frame = Frame::parse(bytes)?;
        let routing = Routing::read(&frame.payload, CELL_FIELDS)?;
        let kind = CellKind::from_code(routing.kind).ok_or(Refusal::Encoding)?;
        let [_, largest] = kind.classes();
        if bytes.len() > largest + FRAME_BYTES {
            return Err(Refusal::Size);
        }
        Ok(Self::new(frame, routing))
    }

    /// Steps 3 to 7, in that order; see the same of a message.
    ///
    /// # Errors
    /// The [`Refusal`] of the first step that fails.
    pub fn verify(
        &self,
        network: &NetworkId,
        me: Addressee,
        ring: &dyn KeyRing,
        now: Timestamp,
        skew: Millis,
        life: Millis,
    ) -> Result<Verified<Cell>, Refusal> {
        let key = ring.verifying_key(self.routing.from, self.frame.kid, self.routing.kind)?;
        self.frame.check(CONTEXT, network, &self.routing, &key)?;
        check_addressee(&self.routing, me)?;
        check(&self.frame.payload, LineBreaks::Refused)?;
        let cell = read_payload(&self.frame.payload)?;
        check_times(cell.header.created, cell.header.expires, now, skew, Some(life))?;
        Ok(Verified::new(cell))
    }
}

impl Verified<Cell> {
    /// Step 8: opens the cell and unpacks its messages, each to be parsed and verified by itself (step 9). The caller
    /// counts the decapsulation against the peer's budget first.
    ///
    /// # Errors
    /// [`Refusal::Seal`] if it has no size of its kind, does not open, or is not packed as it must be;
    /// [`Refusal::Context`] if a message in it is from another sender than the cell, and the refusal of a message in it
    /// that has no shape.
    pub fn open(&self, network: &NetworkId, secret: &SealSecret) -> Result<Vec<Vec<u8>>, Refusal> {
        let class = self.ct.len().checked_sub(TAG_BYTES).ok_or(Refusal::Seal)?;
        if !self.header.kind.classes().contains(&class) {
            return Err(Refusal::Seal);
        }
        let enc = <XWing as Kem>::EncappedKey::from_bytes(&self.enc).map_err(|_| Refusal::Seal)?;
        let key = secret.key().ok_or(Refusal::Seal)?;
        let info = info(network, &self.header);
        let plaintext = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, XWing>(&OpModeR::Base, &key, &enc, &info)
            .and_then(|mut context| context.open(&self.ct, b""))
            .map(Zeroizing::new)
            .map_err(|_| Refusal::Seal)?;
        unpack(&plaintext, |message| {
            let inner = Unverified::<Message>::parse(message, class)?;
            let is_its_own = inner.claimed_from() == Party::Member(self.header.from);
            if is_its_own { Ok(()) } else { Err(Refusal::Context) }
        })
    }
}

/// `["kinmesh/1/cell", network_id, kind, from, to, cell_id, recipient_key_id]`.
fn info(network: &NetworkId, header: &CellHeader) -> Vec<u8> {
    let CellHeader { kind, from, to, cell_id, recipient_key_id, .. } = header;
    cbor::encode(&(CONTEXT, network, kind, from, to, cell_id, recipient_key_id))
}

fn seal_plaintext(info: &[u8], plaintext: &[u8], to_key: &SealPublic, draw: &mut Draw) -> Result<(Vec<u8>, Vec<u8>), SealError> {
    let recipient = <XWing as Kem>::PublicKey::from_bytes(to_key.as_bytes()).map_err(|_| SealError::Key)?;
    let (enc, mut context) =
        hpke::setup_sender_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(&OpModeS::Base, &recipient, info, draw.rng())
            .map_err(|_| SealError::Key)?;
    let ct = context.seal(plaintext, b"").map_err(|_| SealError::Key)?;
    Ok((enc.to_bytes().to_vec(), ct))
}

/// Bytes of a CBOR head with this number.
const fn head_len(number: usize) -> usize {
    match number {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    }
}

fn pack(messages: &[Vec<u8>], plaintext: &mut Vec<u8>) {
    let mut encoder = Encoder::new(plaintext);
    // A Vec takes every byte.
    let _infallible = encoder.array(messages.len() as u64).map(drop);
    for message in messages {
        let _infallible = encoder.bytes(message).map(drop);
    }
}

/// Each message is judged before the next is kept: a cell of empty strings would take 24 times its size otherwise.
fn unpack(plaintext: &[u8], judge: impl Fn(&[u8]) -> Result<(), Refusal>) -> Result<Vec<Vec<u8>>, Refusal> {
    let mut decoder = Decoder::new(plaintext);
    let count = decoder.array().map_err(seal_refused)?.ok_or(Refusal::Seal)?;
    let mut messages = Vec::new();
    for _ in 0..count {
        let message = decoder.bytes().map_err(seal_refused)?;
        judge(message)?;
        messages.push(message.to_vec());
    }
    let (packed, padding) = plaintext.split_at_checked(decoder.position()).ok_or(Refusal::Seal)?;
    // Lengths in their shortest form, so that what a class holds is the same for both sides.
    if packed.len() != packed_len(&messages) || padding.iter().any(|byte| *byte != 0) {
        return Err(Refusal::Seal);
    }
    Ok(messages)
}

fn seal_refused(_: DecodeError) -> Refusal {
    Refusal::Seal
}

fn write_payload(header: &CellHeader, enc: &[u8], ct: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(FRAME_BYTES + ct.len());
    // A Vec takes every byte, and the fields' own encoders fail for no other reason.
    let _infallible = write_fields(&mut Encoder::new(&mut payload), header, enc, ct);
    payload
}

type Written = Result<(), EncodeError<core::convert::Infallible>>;

fn write_fields(encoder: &mut Encoder<&mut Vec<u8>>, header: &CellHeader, enc: &[u8], ct: &[u8]) -> Written {
    encoder.map(CELL_FIELDS)?.u8(1)?.encode(header.kind)?;
    encoder.u8(2)?.encode(header.from)?;
    encoder.u8(3)?.encode(header.to)?;
    encoder.u8(4)?.encode(header.cell_id)?;
    encoder.u8(5)?.u64(header.created)?;
    encoder.u8(6)?.u64(header.expires)?;
    encoder.u8(7)?.encode(header.recipient_key_id)?;
    encoder.u8(8)?.bytes(enc)?;
    encoder.u8(9)?.bytes(ct)?.ok()
}

pub(super) fn read_payload(payload: &[u8]) -> Result<Cell, Refusal> {
    let mut decoder = Decoder::new(payload);
    decoder.map().map_err(encoding)?;
    let header = CellHeader {
        kind: field(&mut decoder, 1)?,
        from: field(&mut decoder, 2)?,
        to: field(&mut decoder, 3)?,
        cell_id: field(&mut decoder, 4)?,
        created: field(&mut decoder, 5)?,
        expires: field(&mut decoder, 6)?,
        recipient_key_id: field(&mut decoder, 7)?,
    };
    expect_key(&mut decoder, 8)?;
    let enc = decoder.bytes().map_err(encoding)?.to_vec();
    expect_key(&mut decoder, 9)?;
    let ct = decoder.bytes().map_err(encoding)?.to_vec();
    if enc.len() == ENC_BYTES { Ok(Cell { header, enc, ct }) } else { Err(Refusal::Encoding) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::ITEM_BYTES;
    use crate::envelope::message::tests::{Ring, body, header, hex, key, member, network, ring, unhex};
    use crate::envelope::message::{Header, external_aad, sign};

    const NOW: u64 = 1_800_000_000;

    fn secret() -> SealSecret {
        SealSecret::from_bytes([7; 32])
    }

    fn id(text: &str) -> MemberId {
        MemberId::new(text).unwrap()
    }

    fn cell_header() -> CellHeader {
        CellHeader {
            kind: CellKind::Bag,
            from: id("BE"),
            to: id("KE"),
            cell_id: CellId(unhex("169c7ed52df406296320d6a60020b379")),
            created: NOW,
            expires: NOW + 86_400,
            recipient_key_id: secret().public().key_id(),
        }
    }

    fn claim() -> Vec<u8> {
        sign(&network(), &header(), &body(), &key())
    }

    fn sealed(messages: &[Vec<u8>]) -> Vec<u8> {
        seal(&network(), &cell_header(), messages, 16 * KIB, &secret().public(), &key(), &mut Draw::new([1; 32])).unwrap()
    }

    /// Seals a plaintext as it is, as a hostile sender may.
    fn sealed_raw(plaintext: &[u8]) -> Vec<u8> {
        let (enc, ct) =
            seal_plaintext(&info(&network(), &cell_header()), plaintext, &secret().public(), &mut Draw::new([2; 32])).unwrap();
        let payload = write_payload(&cell_header(), &enc, &ct);
        sign_payload(CONTEXT, &network(), (1, &member("BE"), Some(&member("KE"))), &payload, &key())
    }

    fn verify(bytes: &[u8], ring: &Ring) -> Result<Verified<Cell>, Refusal> {
        let now = Timestamp::from_seconds(NOW);
        let me = Addressee::Party(member("KE"));
        Unverified::<Cell>::parse(bytes, ITEM_BYTES)?.verify(&network(), me, ring, now, Millis::hours(24), Millis::days(35))
    }

    fn open(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
        verify(bytes, &ring())?.open(&network(), &secret())
    }

    #[test]
    fn the_contexts_of_the_example_come_out_to_the_byte() {
        let header = CellHeader { recipient_key_id: Kid(unhex("ad599c47e01fe1cd")), ..cell_header() };
        assert_eq!(
            hex(&info(&network(), &header)),
            "876e6b696e6d6573682f312f63656c6c686b696e2d7465737401624245624b4550169c7ed52df406296320d6a60020b37948ad599c47e01fe1cd"
        );
        assert_eq!(
            hex(&external_aad(CONTEXT, &network(), 1, &member("BE"), Some(&member("KE")))),
            "856e6b696e6d6573682f312f63656c6c686b696e2d7465737401624245624b45"
        );
    }

    #[test]
    fn a_cell_brings_its_messages_and_has_one_size() {
        for messages in [vec![], vec![claim()], vec![claim(), claim(), claim()]] {
            let bytes = sealed(&messages);
            assert_eq!(bytes.len(), sealed(&[]).len());
            assert_eq!(open(&bytes), Ok(messages));
        }
    }

    #[test]
    fn the_same_draw_seals_the_same_bytes() {
        assert_eq!(sealed(&[claim()]), sealed(&[claim()]));
    }

    #[test]
    fn a_tampered_cell_is_refused() {
        let mut bytes = sealed(&[claim()]);
        let last = bytes.len() - 100;
        bytes[last] ^= 1;
        assert_eq!(open(&bytes), Err(Refusal::Signature));
    }

    #[test]
    fn a_stripped_and_re_signed_cell_does_not_open() {
        let frame = Frame::parse(&sealed(&[claim()])).unwrap();
        let thief = SigningKey::from_bytes(&[8; 32]);
        let stolen = read_payload(&frame.payload).unwrap();
        let header = CellHeader { from: id("FR"), ..stolen.header };
        let payload = write_payload(&header, &stolen.enc, &stolen.ct);
        let bytes = sign_payload(CONTEXT, &network(), (1, &member("FR"), Some(&member("KE"))), &payload, &thief);
        let cell = verify(&bytes, &Ring(thief.verifying_key(), member("FR"))).unwrap();
        assert_eq!(cell.open(&network(), &secret()), Err(Refusal::Seal));
    }

    #[test]
    fn another_key_or_network_does_not_open() {
        let cell = verify(&sealed(&[claim()]), &ring()).unwrap();
        assert_eq!(cell.open(&network(), &SealSecret::from_bytes([9; 32])), Err(Refusal::Seal));
        assert_eq!(cell.open(&NetworkId::new("other").unwrap(), &secret()), Err(Refusal::Seal));
    }

    #[test]
    fn another_size_is_refused() {
        for size in [0, 1, 100, 16 * KIB - 1, 16 * KIB + 1] {
            assert_eq!(open(&sealed_raw(&vec![0x80; size])), Err(Refusal::Seal), "{size}");
        }
        assert_eq!(Unverified::<Cell>::parse(&sealed_raw(&vec![0; 64 * KIB]), ITEM_BYTES).unwrap_err(), Refusal::Size);
    }

    #[test]
    fn padding_that_is_not_zero_is_refused() {
        let mut plaintext = Vec::new();
        pack(&[claim()], &mut plaintext);
        plaintext.resize(16 * KIB, 0);
        assert_eq!(open(&sealed_raw(&plaintext)), Ok(vec![claim()]));
        for place in [plaintext.len() - 1, packed_len(&[claim()])] {
            let mut other = plaintext.clone();
            other[place] = 1;
            assert_eq!(open(&sealed_raw(&other)), Err(Refusal::Seal));
        }
    }

    #[test]
    fn packing_in_another_form_is_refused() {
        let padded = |packed: &[u8]| [packed, &vec![0; 16 * KIB - packed.len()]].concat();
        assert_eq!(open(&sealed_raw(&padded(&[0x80]))), Ok(vec![]));
        for packed in [&[0x98, 0x00][..], &[0x9f, 0xff], &[0x81, 0x61, 0x61], &[0xa0], &[0x81, 0x5a, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(open(&sealed_raw(&padded(packed))), Err(Refusal::Seal), "{packed:02x?}");
        }
    }

    #[test]
    fn messages_of_another_sender_are_refused() {
        let foreign = sign(&network(), &Header { from: member("FR"), ..header() }, &body(), &key());
        assert_eq!(open(&sealed(&[claim(), foreign])), Err(Refusal::Context));
        assert_eq!(open(&sealed(&[vec![1, 2, 3]])), Err(Refusal::Encoding));
    }

    #[test]
    fn a_cell_for_another_member_is_refused() {
        let header = CellHeader { to: id("FR"), ..cell_header() };
        let bytes = seal(&network(), &header, &[], 16 * KIB, &secret().public(), &key(), &mut Draw::new([1; 32])).unwrap();
        assert_eq!(open(&bytes), Err(Refusal::Context));
    }

    #[test]
    fn sealing_refuses_what_no_receiver_would_open() {
        let mut draw = Draw::new([1; 32]);
        let mut try_seal = |header: &CellHeader, messages: &[Vec<u8>], class| {
            seal(&network(), header, messages, class, &secret().public(), &key(), &mut draw).map(|_| ())
        };
        let long = vec![vec![0; 16 * KIB]];
        assert_eq!(try_seal(&cell_header(), &long, 16 * KIB), Err(SealError::TooLong { class: 16 * KIB, found: 16 * KIB + 4 }));
        assert_eq!(try_seal(&cell_header(), &[], 64 * KIB), Err(SealError::Class { kind: CellKind::Bag, class: 64 * KIB }));
        let header = CellHeader { recipient_key_id: Kid([0; 8]), ..cell_header() };
        assert!(matches!(try_seal(&header, &[], 16 * KIB), Err(SealError::KeyId { .. })));
    }

    #[test]
    fn the_smallest_size_that_fits_is_taken_but_a_bag_has_one() {
        let cases = [
            (CellKind::Bag, 1, Some(32 * KIB)),
            (CellKind::Bag, 32 * KIB + 1, None),
            (CellKind::Eval, 32 * KIB, Some(32 * KIB)),
            (CellKind::Eval, 32 * KIB + 1, Some(128 * KIB)),
            (CellKind::Set, 1, Some(64 * KIB)),
            (CellKind::Set, 256 * KIB, Some(256 * KIB)),
            (CellKind::Set, 256 * KIB + 1, None),
        ];
        for (kind, length, class) in cases {
            assert_eq!(capacity_class(kind, length, 32 * KIB), class, "{kind:?} {length}");
        }
    }

    #[test]
    fn the_packed_length_is_that_of_the_packing() {
        for (count, length) in [(0, 0), (1, 23), (23, 24), (24, 255), (256, 256), (2, 65_535), (2, 65_536)] {
            let messages = vec![vec![1; length]; count];
            let mut packed = Vec::new();
            pack(&messages, &mut packed);
            assert_eq!(packed.len(), packed_len(&messages), "{count} of {length}");
        }
    }

    #[test]
    fn a_sealing_key_is_checked_when_it_is_read() {
        let public = secret().public();
        assert_eq!(cbor::decode::<SealPublic>(&cbor::encode(&public)), Ok(public.clone()));
        assert!(SealPublic::from_bytes(&public.as_bytes()[1..]).is_err());
        // A coefficient at the modulus.
        assert!(SealPublic::from_bytes(&[0xff; PUBLIC_BYTES]).is_err());
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", secret()), "SealSecret([sensitive])");
    }
}
