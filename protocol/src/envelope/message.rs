//! Messages: what one party says to another, signed in plaintext as a COSE_Sign1 (RFC 9052; protocol.md 3.2, 3.9).
//!
//! The engine signs with [`sign`]; what it receives comes in through `verified`. It keeps that the recipient, the network
//! and the type are under the signature, so a message cannot be re-addressed, carried to another network or read as
//! another type. The body is bytes here: its fields belong to the module that understands the type. Signatures give no
//! secrecy and no replay protection; cells and the engine's rows do.

use core::fmt;

use coset::{Algorithm, CoseSign1Builder, HeaderBuilder, SignatureContext, TaggedCborSerializable, iana, sig_structure_data};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use minicbor::{Decoder, Encoder};
use sha2::{Digest, Sha256};

use crate::base::cbor;
use crate::base::ids::{Kid, MsgId, NetworkId, Party};
use crate::base::limits::{EVAL_MESSAGE_BYTES, MESSAGE_BYTES, SEGMENT_MESSAGE_BYTES};
use crate::envelope::frame::{encoding, expect_key};
use crate::envelope::refusal::Refusal;

/// Entries of a message's payload.
pub(super) const MESSAGE_FIELDS: u64 = 10;

/// What a message says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Message type (protocol.md 3.3), 11 and up.
    pub kind: u64,
    /// Who signed it.
    pub from: Party,
    /// Whom it is for; none for all.
    pub to: Option<Party>,
    /// Random id, for replay protection and answers.
    pub msg_id: MsgId,
    /// Counter of this direction; shows gaps, decides nothing.
    pub n: u64,
    /// Unix seconds.
    pub created: u64,
    /// Unix seconds; the last second in which it is good.
    pub expires: u64,
    /// The sender's roster, for information.
    pub roster_version: u64,
    /// The message that this one answers.
    pub re: Option<MsgId>,
}

/// A message whose payload was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What it says about itself.
    pub header: Header,
    /// The body's map in deterministic CBOR.
    pub body: Vec<u8>,
    /// SHA-256 of the payload: two messages say the same when it is equal.
    pub hash: [u8; 32],
    /// The key that signed.
    pub kid: Kid,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header.fmt(f)
    }
}

/// Knows which key a sender signs with.
pub trait KeyRing {
    /// Step 3: the key that protocol.md 3.9 names for this sender, kid and type (of a message or cell), if it may sign
    /// now.
    ///
    /// # Errors
    /// [`Refusal::KeyUnknown`], or [`Refusal::Suspended`] for a member that may not speak.
    fn verifying_key(&self, from: Party, kid: Kid, kind: u64) -> Result<VerifyingKey, Refusal>;
}

/// Names a public key: the first 8 bytes of its SHA-256.
#[must_use]
pub fn kid_of(public_key: &[u8]) -> Kid {
    let mut kid = [0; 8];
    for (slot, byte) in kid.iter_mut().zip(Sha256::digest(public_key)) {
        *slot = byte;
    }
    Kid(kid)
}

/// Reads an ed25519 public key: a point in its canonical form, not of small order.
///
/// # Errors
/// [`Refusal::KeyUnknown`].
pub fn public_key(bytes: &[u8; 32]) -> Result<VerifyingKey, Refusal> {
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| Refusal::KeyUnknown)?;
    if is_canonical(&key) && !key.is_weak() { Ok(key) } else { Err(Refusal::KeyUnknown) }
}

/// True for the types that travel unsealed, have no limit of life and are the same for all who read them.
#[must_use]
pub const fn is_public(kind: u64) -> bool {
    matches!(kind, 10..=16 | 60 | 61)
}

/// Most bytes of a whole message of this type.
#[must_use]
pub const fn message_limit(kind: u64) -> usize {
    match kind {
        30 | 31 => EVAL_MESSAGE_BYTES,
        21 => SEGMENT_MESSAGE_BYTES,
        _ => MESSAGE_BYTES,
    }
}

/// Signs a message and returns the whole COSE_Sign1. The same input gives the same bytes.
///
/// `body` is the body's map in deterministic CBOR; a receiver refuses anything else.
#[must_use]
pub fn sign(network: &NetworkId, header: &Header, body: &[u8], key: &SigningKey) -> Vec<u8> {
    let payload = write_payload(header, body);
    sign_payload(context_of(header.kind), network, (header.kind, &header.from, header.to.as_ref()), &payload, key)
}

/// Signs a finished payload of a message or cell.
pub(super) fn sign_payload(
    context: &str,
    network: &NetworkId,
    (kind, from, to): (u64, &Party, Option<&Party>),
    payload: &[u8],
    key: &SigningKey,
) -> Vec<u8> {
    let kid = kid_of(key.verifying_key().as_bytes());
    let aad = external_aad(context, network, kind, from, to);
    let signature = key.sign(&sign1_structure(&kid, &aad, payload)).to_bytes();
    write_sign1(&kid, payload, &signature)
}

/// The context text of a type.
pub(super) const fn context_of(kind: u64) -> &'static str {
    match kind {
        11 => "kinmesh/1/timestamp",
        _ => "kinmesh/1",
    }
}

/// `[context, network_id, type, from, to]`, what a signature covers besides the payload.
// CO-1.
pub(super) fn external_aad(context: &str, network: &NetworkId, kind: u64, from: &Party, to: Option<&Party>) -> Vec<u8> {
    cbor::encode(&(context, network, kind, from, to))
}

/// The bytes that a COSE_Sign1 signs.
pub(super) fn sign1_structure(kid: &Kid, aad: &[u8], payload: &[u8]) -> Vec<u8> {
    sig_structure_data(SignatureContext::CoseSign1, protected(kid), None, aad, payload)
}

/// The bytes that one signature of a COSE_Sign signs: rosters and suspensions.
pub(super) fn sign_structure(kid: &Kid, aad: &[u8], payload: &[u8]) -> Vec<u8> {
    let outer = coset::ProtectedHeader::default();
    sig_structure_data(SignatureContext::CoseSignature, outer, Some(protected(kid)), aad, payload)
}

/// The whole COSE_Sign1.
pub(super) fn write_sign1(kid: &Kid, payload: &[u8], signature: &[u8; 64]) -> Vec<u8> {
    let sign1 =
        CoseSign1Builder::new().protected(protected(kid).header).payload(payload.to_vec()).signature(signature.to_vec()).build();
    // Without private labels every header can be written; no bytes at all would be refused by every reader.
    sign1.to_tagged_vec().unwrap_or_default()
}

/// The whole COSE_Sign with its signatures in the order given.
pub(super) fn write_sign(payload: &[u8], signatures: &[(Kid, [u8; 64])]) -> Vec<u8> {
    let mut sign = coset::CoseSignBuilder::new().payload(payload.to_vec());
    for (kid, signature) in signatures {
        let one = coset::CoseSignatureBuilder::new().protected(protected(kid).header).signature(signature.to_vec()).build();
        sign = sign.add_signature(one);
    }
    sign.build().to_tagged_vec().unwrap_or_default()
}

/// Whether a key's bytes are the one encoding of its point.
pub(super) fn is_canonical(key: &VerifyingKey) -> bool {
    key.to_edwards().compress().to_bytes() == key.to_bytes()
}

/// Step 6: reads the header and cuts out the body. The payload was found canonical before.
///
/// # Errors
/// [`Refusal::Encoding`].
pub(super) fn read_payload(payload: &[u8], kid: Kid) -> Result<Message, Refusal> {
    let mut decoder = Decoder::new(payload);
    if decoder.map().map_err(encoding)? != Some(MESSAGE_FIELDS) {
        return Err(Refusal::Encoding);
    }
    let header = Header {
        kind: field(&mut decoder, 1)?,
        from: field(&mut decoder, 2)?,
        to: field(&mut decoder, 3)?,
        msg_id: field(&mut decoder, 4)?,
        n: field(&mut decoder, 5)?,
        created: field(&mut decoder, 6)?,
        expires: field(&mut decoder, 7)?,
        roster_version: field(&mut decoder, 8)?,
        re: field(&mut decoder, 9)?,
    };
    expect_key(&mut decoder, 10)?;
    let body = payload.get(decoder.position()..).unwrap_or_default().to_vec();
    decoder.map().map_err(encoding)?.ok_or(Refusal::Encoding)?;
    Ok(Message { header, body, hash: Sha256::digest(payload).into(), kid })
}

/// Reads one entry of a payload's map.
pub(super) fn field<'b, T: minicbor::Decode<'b, ()>>(decoder: &mut Decoder<'b>, key: u64) -> Result<T, Refusal> {
    expect_key(decoder, key)?;
    decoder.decode().map_err(encoding)
}

fn write_payload(header: &Header, body: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::with_capacity(128 + body.len()));
    // A Vec takes every byte, and the fields' own encoders fail for no other reason.
    let _infallible = write_header(&mut encoder, header);
    let mut payload = encoder.into_writer();
    payload.extend_from_slice(body);
    payload
}

type Written = Result<(), minicbor::encode::Error<core::convert::Infallible>>;

fn write_header(encoder: &mut Encoder<Vec<u8>>, header: &Header) -> Written {
    encoder.map(MESSAGE_FIELDS)?.u8(1)?.u64(header.kind)?;
    encoder.u8(2)?.encode(header.from)?;
    encoder.u8(3)?.encode(header.to)?;
    encoder.u8(4)?.encode(header.msg_id)?;
    encoder.u8(5)?.u64(header.n)?;
    encoder.u8(6)?.u64(header.created)?;
    encoder.u8(7)?.u64(header.expires)?;
    encoder.u8(8)?.u64(header.roster_version)?;
    encoder.u8(9)?.encode(header.re)?;
    encoder.u8(10)?.ok()
}

fn protected(kid: &Kid) -> coset::ProtectedHeader {
    let header = HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA).key_id(kid.0.to_vec()).build();
    debug_assert_eq!(header.alg, Some(Algorithm::Assigned(iana::Algorithm::EdDSA)));
    coset::ProtectedHeader { original_data: None, header }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::ids::{ClaimId, MemberId};
    use crate::base::limits::ITEM_BYTES;
    use crate::base::time::{Millis, Timestamp};
    use crate::envelope::verified::{Addressee, Unverified, Verified};

    const NOW: u64 = 1_800_000_000;
    const DAY: u64 = 86_400;

    pub(in crate::envelope) fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(in crate::envelope) fn member(id: &str) -> Party {
        Party::Member(MemberId::new(id).unwrap())
    }

    pub(in crate::envelope) fn network() -> NetworkId {
        NetworkId::new("kin-test").unwrap()
    }

    /// One key and whose it is.
    pub(in crate::envelope) struct Ring(pub VerifyingKey, pub Party);

    impl KeyRing for Ring {
        fn verifying_key(&self, from: Party, kid: Kid, _: u64) -> Result<VerifyingKey, Refusal> {
            let known = from == self.1 && kid == kid_of(self.0.as_bytes());
            known.then_some(self.0).ok_or(Refusal::KeyUnknown)
        }
    }

    pub(in crate::envelope) fn key() -> SigningKey {
        SigningKey::from_bytes(&unhex("5c868d2abe342861116abea43f89d25903fb41653c9b55025716214240f7a317"))
    }

    pub(in crate::envelope) fn ring() -> Ring {
        Ring(key().verifying_key(), member("BE"))
    }

    /// The claim of protocol.md 3.9's example.
    pub(in crate::envelope) fn body() -> Vec<u8> {
        let claim_id = ClaimId(unhex("4328c02314bf971fb6f7cd64c83523c4"));
        let case_ref = MsgId(unhex("a45ec59bf624dc45fe4b259f0f6ecd30"));
        let tag = MsgId(unhex("0acc25196a936c9425972e74489791f2"));
        let second_tag = MsgId(unhex("84193281d445838cd63c1b6015a4a7d5"));
        let root: [u8; 32] = unhex("14ed8f88f727511090cadf201286e54ca3237c0e02cfea403285339d3c06aa62");
        let mut encoder = Encoder::new(Vec::new());
        encoder.map(7).unwrap().u8(1).unwrap().encode(claim_id).unwrap().u8(2).unwrap().encode(case_ref).unwrap();
        encoder.u8(3).unwrap().u8(7).unwrap().u8(4).unwrap().u8(2).unwrap().u8(5).unwrap().u8(1).unwrap();
        encoder
            .u8(6)
            .unwrap()
            .array(2)
            .unwrap()
            .encode(tag)
            .unwrap()
            .encode(second_tag)
            .unwrap()
            .u8(7)
            .unwrap()
            .bytes(&root)
            .unwrap();
        encoder.into_writer()
    }

    pub(in crate::envelope) fn unhex<const N: usize>(text: &str) -> [u8; N] {
        let mut bytes = [0; N];
        for (place, slot) in bytes.iter_mut().enumerate() {
            *slot = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).unwrap();
        }
        bytes
    }

    pub(in crate::envelope) fn header() -> Header {
        Header {
            kind: 40,
            from: member("BE"),
            to: Some(member("KE")),
            msg_id: MsgId(unhex("aab044a6472638218d766124dc4b44bd")),
            n: 12,
            created: NOW,
            expires: NOW + 35 * DAY,
            roster_version: 3,
            re: None,
        }
    }

    fn check(bytes: &[u8]) -> Result<Verified<Message>, Refusal> {
        check_as(bytes, &network(), Addressee::Party(member("KE")), NOW)
    }

    fn check_as(bytes: &[u8], network: &NetworkId, me: Addressee, now: u64) -> Result<Verified<Message>, Refusal> {
        let now = Timestamp::from_seconds(now);
        Unverified::<Message>::parse(bytes, ITEM_BYTES)?.verify(network, me, &ring(), now, Millis::hours(24), Millis::days(35))
    }

    /// Signs whatever payload is given, as a hostile sender may.
    fn sign_raw(payload: &[u8]) -> Vec<u8> {
        sign_payload("kinmesh/1", &network(), (40, &member("BE"), Some(&member("KE"))), payload, &key())
    }

    fn refused(bytes: &[u8]) -> Refusal {
        check(bytes).unwrap_err()
    }

    #[test]
    fn the_example_of_the_specification_comes_out_to_the_byte() {
        assert_eq!(kid_of(key().verifying_key().as_bytes()), Kid(unhex("d95dcf05818aa0f0")));
        let aad = external_aad("kinmesh/1", &network(), 40, &member("BE"), Some(&member("KE")));
        assert_eq!(hex(&aad), "85696b696e6d6573682f31686b696e2d746573741828624245624b45");
        let bytes = sign(&network(), &header(), &body(), &key());
        let expected = "d2844da201270448d95dcf05818aa0f0a058a3aa0118280262424503624b450450aab044a6472638218d766124dc4b44\
            bd050c061a6b49d200071a6b77f680080309f60aa701504328c02314bf971fb6f7cd64c83523c40250a45ec59bf624dc45fe4b259f0f6ecd30\
            0307040205010682500acc25196a936c9425972e74489791f25084193281d445838cd63c1b6015a4a7d507582014ed8f88f727511090cadf20\
            1286e54ca3237c0e02cfea403285339d3c06aa625840a6fd58b65bda76b8cdac7217a1f7fcd8cae4fe672fea21526ff336b2d7ca4cbf5490e9\
            14cf596415fe7dc29a790ce22c1038c9f7c47a007d75a19f7ade289b07";
        assert_eq!(hex(&bytes), expected);
    }

    #[test]
    fn a_message_is_verified_and_read_back() {
        let bytes = sign(&network(), &header(), &body(), &key());
        let message = check(&bytes).unwrap().into_inner();
        assert_eq!((message.header, message.body, message.kid), (header(), body(), kid_of(key().verifying_key().as_bytes())));
        let payload = write_payload(&header(), &body());
        assert_eq!(message.hash, <[u8; 32]>::from(Sha256::digest(&payload)));
        assert_eq!(bytes, sign_raw(&payload));
    }

    #[test]
    fn debug_shows_no_body() {
        let message = check(&sign(&network(), &header(), &body(), &key())).unwrap();
        assert_eq!(format!("{:?}", *message), format!("{:?}", header()));
    }

    #[test]
    fn another_algorithm_is_refused_before_the_signature() {
        let bytes = sign(&network(), &header(), &body(), &key());
        // -7, -19, 0, and a text.
        for alg in [0x26, 0x32, 0x00, 0x60] {
            let mut other = bytes.clone();
            other[5] = alg;
            assert_eq!(refused(&other), Refusal::Alg, "{alg:02x}");
        }
    }

    #[test]
    fn a_kid_outside_the_protected_header_is_refused() {
        let bytes = sign(&network(), &header(), &body(), &key());
        let outside = [&[0xd2, 0x84, 0x43, 0xa1, 0x01, 0x27, 0xa1, 0x04], &bytes[7..16], &bytes[17..]].concat();
        assert_eq!(refused(&outside), Refusal::Encoding);
        let both = [&bytes[..16], &[0xa1, 0x04], &bytes[7..16], &bytes[17..]].concat();
        assert_eq!(refused(&both), Refusal::Encoding);
    }

    #[test]
    fn other_frames_are_refused() {
        let bytes = sign(&network(), &header(), &body(), &key());
        let cases: [(&str, Vec<u8>); 8] = [
            ("trailing byte", [&bytes[..], &[0]].concat()),
            ("untagged", bytes[1..].to_vec()),
            ("tag of a COSE_Sign", [&[0xd8, 98], &bytes[1..]].concat()),
            ("long tag", [&[0xd8, 18], &bytes[1..]].concat()),
            ("indefinite array", [&[0xd2, 0x9f], &bytes[2..], &[0xff]].concat()),
            ("long payload length", [&bytes[..17], &[0x59, 0x00], &bytes[18..]].concat()),
            ("duplicate key in the header", [&bytes[..3], &[0xa3, 0x01, 0x27], &bytes[4..]].concat()),
            ("truncated", bytes[..bytes.len() - 1].to_vec()),
        ];
        for (what, bytes) in cases {
            assert_eq!(refused(&bytes), Refusal::Encoding, "{what}");
        }
    }

    #[test]
    fn a_re_addressed_message_is_refused() {
        let bytes = sign(&network(), &header(), &body(), &key());
        let other = check_as(&bytes, &network(), Addressee::Party(member("BE")), NOW);
        assert_eq!(other.unwrap_err(), Refusal::Context);
        // With another addressee written over the first, the signature does not hold.
        let mut written = bytes;
        let place = written.windows(2).position(|two| two == b"KE").unwrap();
        written[place] = b'T';
        let other = check_as(&written, &network(), Addressee::Party(member("TE")), NOW);
        assert_eq!(other.unwrap_err(), Refusal::Signature);
    }

    #[test]
    fn a_message_to_all_must_be_of_a_public_type() {
        let to_all = Header { to: None, ..header() };
        assert_eq!(refused(&sign(&network(), &to_all, &body(), &key())), Refusal::Context);
        let public = sign(&network(), &Header { kind: 15, ..to_all }, &body(), &key());
        assert!(check(&public).is_ok());
        assert!(check_as(&public, &network(), Addressee::Public, NOW).is_ok());
        let mine = sign(&network(), &Header { kind: 15, ..header() }, &body(), &key());
        assert_eq!(check_as(&mine, &network(), Addressee::Public, NOW).unwrap_err(), Refusal::Context);
    }

    #[test]
    fn a_message_of_another_network_is_refused() {
        let bytes = sign(&NetworkId::new("drill-1").unwrap(), &header(), &body(), &key());
        assert_eq!(refused(&bytes), Refusal::Signature);
    }

    #[test]
    fn a_payload_read_as_another_type_is_refused() {
        let mut bytes = sign(&network(), &header(), &body(), &key());
        let place = bytes.windows(4).position(|four| four == [0xaa, 0x01, 0x18, 40]).unwrap();
        bytes[place + 3] = 41;
        assert_eq!(refused(&bytes), Refusal::Signature);
    }

    #[test]
    fn the_types_of_the_custodians_and_of_cells_are_no_messages() {
        for kind in [1, 9, 10, 14] {
            let bytes = sign(&network(), &Header { kind, ..header() }, &body(), &key());
            assert_eq!(refused(&bytes), Refusal::Encoding, "{kind}");
        }
    }

    #[test]
    fn an_oversized_message_is_refused() {
        let bytes = sign(&network(), &header(), &body(), &key());
        let short = Unverified::<Message>::parse(&bytes, bytes.len() - 1);
        assert_eq!(short.unwrap_err(), Refusal::Size);
        let long_body = cbor::encode(&[vec![0u8; MESSAGE_BYTES]]);
        assert_eq!(refused(&sign(&network(), &header(), &long_body, &key())), Refusal::Size);
    }

    #[test]
    fn unknown_senders_and_keys_are_refused() {
        let from_other = sign(&network(), &Header { from: member("FR"), ..header() }, &body(), &key());
        assert_eq!(refused(&from_other), Refusal::KeyUnknown);
        let by_other = sign(&network(), &header(), &body(), &SigningKey::from_bytes(&[5; 32]));
        assert_eq!(refused(&by_other), Refusal::KeyUnknown);
        // A kid that was written over names a key that the ring knows, but that did not sign.
        let mut posing = by_other;
        posing[8..16].copy_from_slice(&unhex::<8>("d95dcf05818aa0f0"));
        assert_eq!(refused(&posing), Refusal::Signature);
    }

    #[test]
    fn small_order_keys_verify_nothing() {
        // The identity as key and R, and S = 0, satisfy the equation for every text.
        let mut identity = [0u8; 32];
        identity[0] = 1;
        let weak = VerifyingKey::from_bytes(&identity).unwrap();
        assert_eq!(public_key(&identity).unwrap_err(), Refusal::KeyUnknown);
        let mut signature = [0u8; 64];
        signature[0] = 1;
        let bytes = write_sign1(&kid_of(&identity), &write_payload(&header(), &body()), &signature);
        let parsed = Unverified::<Message>::parse(&bytes, ITEM_BYTES).unwrap();
        let me = Addressee::Party(member("KE"));
        let now = Timestamp::from_seconds(NOW);
        let checked = parsed.verify(&network(), me, &Ring(weak, member("BE")), now, Millis::hours(24), Millis::days(35));
        assert_eq!(checked.unwrap_err(), Refusal::Signature);
    }

    #[test]
    fn keys_in_another_encoding_are_refused() {
        // y = p + 1 is the identity written a second way; p + 3 would be y = 3.
        for low in [0xee, 0xf0] {
            let mut bytes = [0xff; 32];
            bytes[0] = low;
            bytes[31] = 0x7f;
            assert_eq!(public_key(&bytes).map(|_| ()), Err(Refusal::KeyUnknown), "{low:02x}");
        }
        assert!(public_key(key().verifying_key().as_bytes()).is_ok());
    }

    #[test]
    fn a_message_is_good_from_the_skew_before_its_creation_to_its_expiry() {
        let bytes = sign(&network(), &header(), &body(), &key());
        let at = |now| check_as(&bytes, &network(), Addressee::Party(member("KE")), now).map(|_| ());
        assert_eq!(at(NOW - DAY), Ok(()));
        assert_eq!(at(NOW - DAY - 1), Err(Refusal::Clock));
        assert_eq!(at(NOW + 35 * DAY), Ok(()));
        assert_eq!(at(NOW + 35 * DAY + 1), Err(Refusal::Expired));
    }

    #[test]
    fn a_life_that_is_too_long_or_none_is_refused() {
        let with_life = |expires| refused(&sign(&network(), &Header { expires, ..header() }, &body(), &key()));
        assert_eq!(with_life(NOW + 35 * DAY + 2), Refusal::Clock);
        let ends_first = Header { created: NOW + 10, expires: NOW + 9, ..header() };
        assert_eq!(refused(&sign(&network(), &ends_first, &body(), &key())), Refusal::Clock);
        let public = Header { kind: 12, to: None, expires: NOW + 400 * DAY, ..header() };
        assert!(check(&sign(&network(), &public, &body(), &key())).is_ok());
    }

    #[test]
    fn a_payload_in_another_form_is_refused_after_its_signature() {
        let payload = write_payload(&header(), &body());
        let head = &payload[..payload.len() - body().len()];
        let cases: [(&str, Vec<u8>); 6] = [
            ("body with a duplicate key", [head, &[0xa2, 0x01, 0x00, 0x01, 0x00]].concat()),
            ("body that is no map", [head, &[0x80]].concat()),
            ("indefinite body", [head, &[0xbf, 0xff]].concat()),
            ("trailing byte", [&payload[..], &[0x00]].concat()),
            ("body nested too deep", [head, &[0xa1, 0x01], &[0x81; 8], &[0x00]].concat()),
            ("control character", [head, &[0xa1, 0x01, 0x61, 0x1b]].concat()),
        ];
        for (what, payload) in cases {
            assert_eq!(refused(&sign_raw(&payload)), Refusal::Encoding, "{what}");
        }
        assert!(check(&sign_raw(&[head, &[0xa0]].concat())).is_ok());
    }
}
