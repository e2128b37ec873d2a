//! COSE messages and cells written by hand, part by part, so that each part can be wrong.

use kinmesh_protocol::base::Party;
use kinmesh_protocol::envelope::{SigningKey, kid_of};
use kinmesh_tests::simulation::network::network_id;
use minicbor::Encoder;

/// A COSE_Sign1 in its parts.
#[derive(Clone)]
pub struct Sign1 {
    /// The protected header's bytes.
    pub protected: Vec<u8>,
    /// The unprotected header as it is encoded.
    pub unprotected: Vec<u8>,
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Sign1 {
    /// Takes a good one apart.
    pub fn read(bytes: &[u8]) -> Self {
        let mut decoder = minicbor::Decoder::new(bytes);
        decoder.tag().expect("a tag");
        decoder.array().expect("an array");
        let protected = decoder.bytes().expect("a header").to_vec();
        let from = decoder.position();
        decoder.map().expect("a header");
        let unprotected = bytes[from..decoder.position()].to_vec();
        let payload = decoder.bytes().expect("a payload").to_vec();
        let signature = decoder.bytes().expect("a signature").to_vec();
        Self { protected, unprotected, payload, signature }
    }

    /// Puts it together under a tag.
    pub fn write(&self, tag: u64) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        encoder.tag(minicbor::data::Tag::new(tag)).expect("a vector");
        encoder.array(4).expect("a vector").bytes(&self.protected).expect("a vector");
        encoder.writer_mut().extend_from_slice(&self.unprotected);
        encoder.bytes(&self.payload).expect("a vector").bytes(&self.signature).expect("a vector");
        encoder.into_writer()
    }

    /// Signs what it is, in a context: protected header, external data and payload as RFC 9052 has them.
    pub fn sign(&mut self, context: &str, kind: u64, from: &Party, to: Option<&Party>, key: &SigningKey) {
        let aad = kinmesh_protocol::base::cbor::encode(&(context, network_id(), kind, from, to));
        let mut encoder = Encoder::new(Vec::new());
        encoder.array(4).expect("a vector").str("Signature1").expect("a vector").bytes(&self.protected).expect("a vector");
        encoder.bytes(&aad).expect("a vector").bytes(&self.payload).expect("a vector");
        use ed25519_dalek::Signer;
        self.signature = key.sign(encoder.writer()).to_bytes().to_vec();
    }
}

/// The protected header of a key, with an algorithm.
pub fn protected(algorithm: i64, key: &SigningKey) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(2).expect("a vector").u8(1).expect("a vector").i64(algorithm).expect("a vector");
    encoder.u8(4).expect("a vector").bytes(&kid_of(key.verifying_key().as_bytes()).0).expect("a vector");
    encoder.into_writer()
}

/// A payload with the text of one party in place of another's (both of one length), wherever it stands.
pub fn replaced(payload: &[u8], old: &str, fresh: &str) -> Vec<u8> {
    assert_eq!(old.len(), fresh.len());
    let mut payload = payload.to_vec();
    let place = payload.windows(old.len()).position(|window| window == old.as_bytes()).expect("the party is named");
    payload[place..place + old.len()].copy_from_slice(fresh.as_bytes());
    payload
}
