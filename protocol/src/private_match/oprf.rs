//! The verifiable oblivious pseudorandom function between a querier and an owner: RFC 9497, mode VOPRF, ristretto255-SHA512.
//!
//! The querier blinds, the owner evaluates and proves, the querier finalizes; the owner also evaluates its own keys. Called by
//! the jobs of the querier and the owner, a batch at a time. Invariants: every point is decoded and checked before the secret
//! is used once; one proof covers exactly the elements that were sent, in their order; the same arguments give the same bytes,
//! so that a repeated request or an audit can be computed again. It keeps no budget, knows no case and stores nothing.
//!
//! What remains: the group falls to a quantum computer (blinded elements stay hiding even then, sets do not), and whoever may
//! have elements evaluated can test guesses, which budgets slow down and audits reveal.

use core::fmt;

use rand_core_06::{CryptoRng, RngCore};
use sha2::{Digest, Sha256};
use thiserror::Error;
use voprf::{BlindedElement, EvaluationElement, Group, Proof, Ristretto255, VoprfClient, VoprfServer};
use zeroize::Zeroize;

use super::mac::hmac_sha512;
use crate::base::{Draw, Seed, Sensitive};

/// A ristretto255 element in its canonical encoding.
pub type Element = [u8; 32];

/// What the function gives for one input: y of protocol.md 2.2.
pub type Output = Sensitive<[u8; 64]>;

/// Most bytes of an input (RFC 9497, section 1.2).
const INPUT_BYTES: usize = u16::MAX as usize;

/// Why elements were not blinded or evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ElementError {
    /// Not the canonical encoding of an element, or the identity.
    #[error("element {position} is no canonical element, or the identity")]
    NoElement {
        /// Place in the list, from 0.
        position: usize,
    },
    /// One proof covers 1 to 65,535 elements.
    #[error("{found} elements, expected 1 to 65535")]
    Count {
        /// Elements in the list.
        found: usize,
    },
    /// The input is longer than the function takes, or hashes to the identity.
    #[error("an input of {found} bytes, expected at most {INPUT_BYTES}")]
    Input {
        /// Bytes of the input.
        found: usize,
    },
    /// The prepared blind is 0 modulo the group order: draw another case reference.
    #[error("the blind is zero modulo the group order")]
    ZeroBlind,
}

/// Why an answer gives no outputs. Nothing of such an answer may be kept, nor asked again with other blinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FinalizeError {
    /// Inputs, blinds and evaluated elements are not equally many, or there are none.
    #[error("{inputs} inputs, {blinds} blinds and {evaluated} evaluated elements")]
    Count {
        /// Inputs of the request.
        inputs: usize,
        /// Blinds of the request.
        blinds: usize,
        /// Elements of the answer.
        evaluated: usize,
    },
    /// An input cannot have been blinded.
    #[error("input {position} cannot be blinded: {reason}")]
    Blind {
        /// Place in the list, from 0.
        position: usize,
        /// Why not.
        reason: ElementError,
    },
    /// The owner's public key is no element, or the identity.
    #[error("the public key is no canonical element, or the identity")]
    Public,
    /// An element of the answer is not canonical, or the identity.
    #[error("evaluated element {position} is no canonical element, or the identity")]
    Evaluated {
        /// Place in the list, from 0.
        position: usize,
    },
    /// The answer was not made with the secret of this public key from these elements.
    #[error("the proof does not hold for the elements that were sent")]
    Proof,
}

/// An owner's secret of one epoch, from 32 random bytes that are never derived from anything and never in a backup.
#[derive(Clone)]
pub struct EpochSecret {
    seed: Sensitive<[u8; 32]>,
    key: VoprfServer<Ristretto255>,
}

impl EpochSecret {
    /// Draws the secret of an epoch that begins.
    #[must_use]
    pub fn draw(draw: &mut Draw) -> Self {
        Self::from_seed(draw.bytes())
    }

    /// DeriveKeyPair of RFC 9497, section 3.2.1, with empty info.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self::derive(seed, &[])
    }

    fn derive(seed: [u8; 32], info: &[u8]) -> Self {
        let seed = Sensitive::new(seed);
        match VoprfServer::new_from_seed(seed.expose(), info) {
            Ok(key) => Self { seed, key },
            // All of 256 hashes would have to be 0 modulo the group order (RFC 9497, section 3.2.1).
            Err(_) => unreachable!("DeriveKeyPair fails for no seed of 32 bytes"),
        }
    }

    /// The 32 bytes to keep, sealed, for the life of the epoch.
    #[must_use]
    pub fn seed(&self) -> &[u8; 32] {
        self.seed.expose()
    }

    /// The public key, 32 bytes, as announced.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        Ristretto255::serialize_elem(self.key.get_public_key()).into()
    }

    /// Evaluates one input of the owner's own index, to the same output that a querier would finalize.
    ///
    /// Input beyond 65,535 bytes is cut; inputs of protocol.md 3.9 are far shorter.
    #[must_use]
    pub fn evaluate(&self, input: &[u8]) -> Output {
        let input = input.get(..INPUT_BYTES).unwrap_or(input);
        match self.key.evaluate(input) {
            Ok(mut output) => {
                let kept = Sensitive::new(output.into());
                output.iter_mut().zeroize();
                kept
            }
            // A hash to the group that is the identity: 1 in 2^252 (RFC 9497, section 3.3.1).
            Err(_) => unreachable!("no input within the length hashes to the identity"),
        }
    }

    /// Evaluates the elements of one request, in their order, and proves all of it with one proof (c || s).
    ///
    /// The proof's nonce comes from `proof_seed`, the secret and the elements together: a repeated request gives the same
    /// bytes, and a seed that is used twice for different elements still gives two nonces.
    ///
    /// # Errors
    /// [`ElementError`]: none or too many elements, or one that is not canonical or the identity; the secret is not used then.
    pub fn blind_evaluate(&self, elements: &[Element], proof_seed: Seed) -> Result<(Vec<Element>, [u8; 64]), ElementError> {
        if elements.is_empty() || elements.len() > usize::from(u16::MAX) {
            return Err(ElementError::Count { found: elements.len() });
        }
        let blinded = elements
            .iter()
            .enumerate()
            .map(|(position, element)| {
                BlindedElement::<Ristretto255>::deserialize(element).map_err(|_| ElementError::NoElement { position })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut nonce = Prepared::new(self.proof_nonce(elements, proof_seed));
        let answer =
            self.key.batch_blind_evaluate(&mut nonce, &blinded).map_err(|_| ElementError::Count { found: elements.len() })?;
        let evaluated = answer.messages.iter().map(|element| element.serialize().into()).collect();
        Ok((evaluated, answer.proof.serialize().into()))
    }

    fn proof_nonce(&self, elements: &[Element], proof_seed: Seed) -> Sensitive<[u8; 64]> {
        let hash: [u8; 32] = elements.iter().fold(Sha256::new(), |hash, element| hash.chain_update(element)).finalize().into();
        Sensitive::new(hmac_sha512(self.seed.expose(), &[b"kinmesh/proof/1", &proof_seed, &hash]))
    }
}

impl fmt::Debug for EpochSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EpochSecret([sensitive])")
    }
}

/// Blinds one input; the 64 bytes are a little-endian number modulo the group order (protocol.md 2.6).
///
/// # Errors
/// [`ElementError`]: the input is too long, or the blind is zero.
pub fn blind(input: &[u8], blind: &Sensitive<[u8; 64]>) -> Result<Element, ElementError> {
    blinded(input, blind).map(|(_, element)| element)
}

/// Checks the owner's proof over exactly the elements that `inputs` and `blinds` give, and takes the blinds off.
///
/// All three lists are in the order of the request; outputs come in the same order, and equal what the owner's
/// [`EpochSecret::evaluate`] gives.
///
/// # Errors
/// [`FinalizeError`]; no output is given then, not even for elements that are well formed.
pub fn finalize(
    public: &[u8; 32],
    inputs: &[Vec<u8>],
    blinds: &[Sensitive<[u8; 64]>],
    evaluated: &[Element],
    proof: &[u8; 64],
) -> Result<Vec<Output>, FinalizeError> {
    if inputs.is_empty() || inputs.len() != blinds.len() || inputs.len() != evaluated.len() {
        return Err(FinalizeError::Count { inputs: inputs.len(), blinds: blinds.len(), evaluated: evaluated.len() });
    }
    // EV-2, EV-3: points first, then the proof over exactly what was sent.
    // What is cheap to refuse comes first.
    let public = Ristretto255::deserialize_elem(public).map_err(|_| FinalizeError::Public)?;
    let proof = Proof::<Ristretto255>::deserialize(proof).map_err(|_| FinalizeError::Proof)?;
    let answers = evaluated
        .iter()
        .enumerate()
        .map(|(position, element)| {
            EvaluationElement::<Ristretto255>::deserialize(element).map_err(|_| FinalizeError::Evaluated { position })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let states = inputs
        .iter()
        .zip(blinds)
        .enumerate()
        .map(|(position, (input, blind))| match blinded(input, blind) {
            Ok((state, _)) => Ok(state),
            Err(reason) => Err(FinalizeError::Blind { position, reason }),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let plain: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let outputs = VoprfClient::batch_finalize(&plain, &states, &answers, &proof, public).map_err(|_| FinalizeError::Proof)?;
    outputs
        .map(|output| match output {
            Ok(output) => Ok(Sensitive::new(output.into())),
            Err(_) => Err(FinalizeError::Proof),
        })
        .collect()
}

/// Names a public key in a request.
#[must_use]
pub fn pk_hash(public: &[u8; 32]) -> [u8; 32] {
    Sha256::digest(public).into()
}

fn blinded(input: &[u8], blind: &Sensitive<[u8; 64]>) -> Result<(VoprfClient<Ristretto255>, Element), ElementError> {
    // The crate looks at the length only when it finalizes, after the elements were paid for.
    if input.len() > INPUT_BYTES {
        return Err(ElementError::Input { found: input.len() });
    }
    let mut prepared = Prepared::new(blind.clone());
    let result =
        VoprfClient::<Ristretto255>::blind(input, &mut prepared).map_err(|_| ElementError::Input { found: input.len() })?;
    if prepared.asked != 1 {
        return Err(ElementError::ZeroBlind);
    }
    Ok((result.state, result.message.serialize().into()))
}

/// Hands the crate 64 prepared bytes, once: voprf 0.5 reads a scalar as 64 bytes and reduces them.
///
/// It asks again only where they are zero modulo the group order; it gets 1 then, so that it ends, and `asked` tells.
struct Prepared {
    bytes: Sensitive<[u8; 64]>,
    asked: u32,
}

impl Prepared {
    fn new(bytes: Sensitive<[u8; 64]>) -> Self {
        Self { bytes, asked: 0 }
    }
}

impl RngCore for Prepared {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0u8; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0u8; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.asked = self.asked.saturating_add(1);
        for (slot, byte) in dest.iter_mut().zip(self.bytes.expose()) {
            *slot = *byte;
        }
        self.bytes.expose_mut().fill(0);
        if let Some(lowest) = self.bytes.expose_mut().first_mut() {
            *lowest = 1;
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

/// The bytes come from HMAC under a secret, so each is as good as random to everybody else.
impl CryptoRng for Prepared {}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;
    use crate::private_match::example;

    fn hex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    fn element(text: &str) -> Element {
        hex(text).try_into().unwrap()
    }

    /// A canonical scalar as the 64 bytes that reduce to it.
    fn wide(scalar: &str) -> Sensitive<[u8; 64]> {
        let mut bytes = [0u8; 64];
        bytes[..32].copy_from_slice(&hex(scalar));
        Sensitive::new(bytes)
    }

    /// RFC 9497, A.1.2: seed, info, then for each vector the inputs, blinds, elements, evaluated, proof, its nonce, outputs.
    struct Vector {
        inputs: &'static [&'static str],
        blinds: &'static [&'static str],
        blinded: &'static [&'static str],
        evaluated: &'static [&'static str],
        proof: &'static str,
        nonce: &'static str,
        outputs: &'static [&'static str],
    }

    const BLIND_0: &str = "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706";
    const BLIND_1: &str = "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e";
    const INPUT_1: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
    const OUTPUT_0: &str = "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7d\
                            a4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c";
    const OUTPUT_1: &str = "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60\
                            356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6";

    const VECTORS: [Vector; 3] = [
        Vector {
            inputs: &["00"],
            blinds: &[BLIND_0],
            blinded: &["863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"],
            evaluated: &["aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e"],
            proof: "ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd06\
                    6d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d",
            nonce: BLIND_1,
            outputs: &[OUTPUT_0],
        },
        Vector {
            inputs: &[INPUT_1],
            blinds: &[BLIND_0],
            blinded: &["cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c"],
            evaluated: &["60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468"],
            proof: "401a0da6264f8cf45bb2f5264bc31e109155600babb3cd4e5af7d181a2c9dc0a\
                    67154fabf031fd936051dec80b0b6ae29c9503493dde7393b722eafdf5a50b02",
            nonce: BLIND_1,
            outputs: &[OUTPUT_1],
        },
        Vector {
            inputs: &["00", INPUT_1],
            blinds: &[BLIND_0, BLIND_1],
            blinded: &[
                "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
                "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654",
            ],
            evaluated: &[
                "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
                "cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a",
            ],
            proof: "cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a\
                    5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
            nonce: "419c4f4f5052c53c45f3da494d2b67b220d02118e0857cdbcf037f9ea84bbe0c",
            outputs: &[OUTPUT_0, OUTPUT_1],
        },
    ];

    #[test]
    fn the_published_vectors_of_rfc_9497_hold() {
        let secret = EpochSecret::derive([0xa3; 32], b"test key");
        assert_eq!(secret.public(), element("c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e"));
        for vector in VECTORS {
            let inputs: Vec<_> = vector.inputs.iter().map(|input| hex(input)).collect();
            let blinds: Vec<_> = vector.blinds.iter().map(|blind| wide(blind)).collect();
            let sent: Vec<_> = inputs.iter().zip(&blinds).map(|(input, b)| blind(input, b).unwrap()).collect();
            assert_eq!(sent, vector.blinded.iter().map(|text| element(text)).collect::<Vec<_>>());
            let points: Vec<_> = sent.iter().map(|bytes| BlindedElement::deserialize(bytes).unwrap()).collect();
            let answer = secret.key.batch_blind_evaluate(&mut Prepared::new(wide(vector.nonce)), &points).unwrap();
            let evaluated: Vec<Element> = answer.messages.iter().map(|message| message.serialize().into()).collect();
            assert_eq!(evaluated, vector.evaluated.iter().map(|text| element(text)).collect::<Vec<_>>());
            let proof: [u8; 64] = answer.proof.serialize().into();
            assert_eq!(proof.to_vec(), hex(vector.proof));
            let outputs = finalize(&secret.public(), &inputs, &blinds, &evaluated, &proof).unwrap();
            for ((output, expected), input) in outputs.iter().zip(vector.outputs).zip(&inputs) {
                assert_eq!(output.expose().to_vec(), hex(expected));
                assert_eq!(secret.evaluate(input).expose(), output.expose());
            }
        }
    }

    #[test]
    fn the_example_of_the_specification_holds() {
        let secret = example::epoch_secret();
        assert_eq!(secret.public(), element("d639841b580d207ccbd4808d4c46b0144931cb7df5246a200a5779a5b5b09474"));
        let (state, sent) = blinded(&example::input(), &example::blind_0()).unwrap();
        assert_eq!(state.serialize()[..32].to_vec(), hex("d3fe1e1c58c51ec9c553cf2cb568a31620fb3605494d93a9c4321f4bb438b00c"));
        assert_eq!(sent, element("caaa67a74c0546d8e5557e8f601834495020a46fe750c56c9b7a466aa897b14a"));
        let y = hex("43802c7b3af807b2683a58c59e3e132eb1a9de26542e193aa854910f33afe867\
             5874f7317cb2bdcf1bd4b80505c02c0bce1a6a5893b018c261925b6a0638172f");
        assert_eq!(secret.evaluate(&example::input()).expose().to_vec(), y);
        let (evaluated, proof) = secret.blind_evaluate(&[sent], [9; 32]).unwrap();
        let outputs = finalize(&secret.public(), &[example::input()], &[example::blind_0()], &evaluated, &proof).unwrap();
        assert_eq!(outputs[0].expose().to_vec(), y);
    }

    /// Three inputs and all that belongs to one honest answer.
    struct Round {
        secret: EpochSecret,
        inputs: Vec<Vec<u8>>,
        blinds: Vec<Sensitive<[u8; 64]>>,
        sent: Vec<Element>,
        evaluated: Vec<Element>,
        proof: [u8; 64],
    }

    impl Round {
        fn play() -> Self {
            let mut draw = Draw::new([5; 32]);
            let secret = EpochSecret::draw(&mut draw);
            let inputs: Vec<_> = (0..3u8).map(|j| vec![j; 20]).collect();
            let blinds: Vec<_> = inputs.iter().map(|_| Sensitive::new(draw.bytes())).collect();
            let sent: Vec<_> = inputs.iter().zip(&blinds).map(|(input, b)| blind(input, b).unwrap()).collect();
            let (evaluated, proof) = secret.blind_evaluate(&sent, [1; 32]).unwrap();
            Self { secret, inputs, blinds, sent, evaluated, proof }
        }

        fn finalize(&self) -> Result<Vec<Output>, FinalizeError> {
            finalize(&self.secret.public(), &self.inputs, &self.blinds, &self.evaluated, &self.proof)
        }
    }

    #[test]
    fn an_answer_with_another_secret_is_refused_whole() {
        let mut round = Round::play();
        assert!(round.finalize().is_ok());
        let other = EpochSecret::from_seed([8; 32]);
        let (evaluated, proof) = other.blind_evaluate(&round.sent, [1; 32]).unwrap();
        let honest = core::mem::replace(&mut round.evaluated[1], evaluated[1]);
        assert_eq!(round.finalize(), Err(FinalizeError::Proof));
        round.evaluated[1] = honest;
        round.evaluated.swap(0, 2);
        assert_eq!(round.finalize(), Err(FinalizeError::Proof));
        round.evaluated = evaluated;
        round.proof = proof;
        assert_eq!(round.finalize(), Err(FinalizeError::Proof));
    }

    #[test]
    fn a_proof_holds_for_the_sent_elements_only() {
        let mut round = Round::play();
        round.inputs[2].push(0);
        assert_eq!(round.finalize(), Err(FinalizeError::Proof));
        let mut round = Round::play();
        round.blinds[0].expose_mut()[0] ^= 1;
        assert_eq!(round.finalize(), Err(FinalizeError::Proof));
        let mut round = Round::play();
        round.evaluated.pop();
        assert_eq!(round.finalize(), Err(FinalizeError::Count { inputs: 3, blinds: 3, evaluated: 2 }));
    }

    #[test]
    fn every_bit_of_a_proof_counts() {
        let mut round = Round::play();
        for bit in (0..512).step_by(7) {
            round.proof[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(round.finalize(), Err(FinalizeError::Proof), "bit {bit}");
            round.proof[bit / 8] ^= 1 << (bit % 8);
        }
    }

    /// The identity, a field element that is not reduced, one that is negative, and one that is on no element (RFC 9496, A.3).
    fn bad_elements() -> [Element; 4] {
        [
            [0; 32],
            element("00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
            element("0100000000000000000000000000000000000000000000000000000000000000"),
            element("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),
        ]
    }

    #[test]
    fn no_secret_is_used_on_bad_elements() {
        let round = Round::play();
        for bad in bad_elements() {
            let elements = [round.sent[0], bad, round.sent[1]];
            assert_eq!(round.secret.blind_evaluate(&elements, [1; 32]), Err(ElementError::NoElement { position: 1 }));
        }
        assert_eq!(round.secret.blind_evaluate(&[], [1; 32]), Err(ElementError::Count { found: 0 }));
        let many = vec![round.sent[0]; 65_536];
        assert_eq!(round.secret.blind_evaluate(&many, [1; 32]), Err(ElementError::Count { found: 65_536 }));
    }

    #[test]
    fn bad_elements_in_an_answer_are_refused() {
        for bad in bad_elements() {
            let mut round = Round::play();
            round.evaluated[2] = bad;
            assert_eq!(round.finalize(), Err(FinalizeError::Evaluated { position: 2 }));
            let round = Round::play();
            let refused = finalize(&bad, &round.inputs, &round.blinds, &round.evaluated, &round.proof);
            assert_eq!(refused, Err(FinalizeError::Public));
        }
    }

    #[test]
    fn a_repeated_request_gets_the_same_bytes_and_no_nonce_is_shared() {
        let round = Round::play();
        let again = round.secret.blind_evaluate(&round.sent, [1; 32]).unwrap();
        assert_eq!(again, (round.evaluated.clone(), round.proof));
        let nonce = |elements: &[Element], seed| round.secret.proof_nonce(elements, seed);
        assert_ne!(nonce(&round.sent, [1; 32]), nonce(&round.sent[..2], [1; 32]));
        assert_ne!(nonce(&round.sent, [1; 32]), nonce(&round.sent, [2; 32]));
    }

    #[test]
    fn a_blind_of_zero_is_noticed() {
        assert_eq!(blind(b"input", &Sensitive::new([0; 64])), Err(ElementError::ZeroBlind));
        // The group order itself, 2^252 + 27742317777372353535851937790883648493, is zero too.
        let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
        assert_eq!(blind(b"input", &wide(order)), Err(ElementError::ZeroBlind));
        assert_eq!(blind(&[0; 70_000], &wide(BLIND_0)), Err(ElementError::Input { found: 70_000 }));
    }

    #[test]
    fn a_secret_does_not_print() {
        let secret = EpochSecret::from_seed([0x41; 32]);
        assert_eq!(format!("{secret:?}"), "EpochSecret([sensitive])");
        assert_eq!(EpochSecret::from_seed(*secret.seed()).public(), secret.public());
    }
}
