//! The reference for the curve: the same work with the `voprf` crate and nothing around it.

use kinmesh_protocol::base::Draw;
use voprf::{
    BlindedElement, EvaluationElement, Group, Proof, Ristretto255, VoprfClient, VoprfServer, VoprfServerBatchEvaluateResult,
};

/// A querier and an owner.
pub struct RawVoprf {
    server: VoprfServer<Ristretto255>,
    rng: CrateRng,
}

/// A request as a querier keeps it.
pub struct RawRequest {
    states: Vec<VoprfClient<Ristretto255>>,
    /// The elements as they are sent.
    pub elements: Vec<[u8; 32]>,
}

/// An answer as an owner sends it.
pub struct RawAnswer {
    evaluated: Vec<[u8; 32]>,
    proof: [u8; 64],
}

impl RawVoprf {
    /// Keys from a seed.
    pub fn new(seed: [u8; 32]) -> Self {
        let server = VoprfServer::new_from_seed(&seed, b"").unwrap();
        Self { server, rng: CrateRng(Draw::new(seed)) }
    }

    /// The owner's own evaluation of one input.
    pub fn evaluate(&self, input: &[u8]) -> [u8; 64] {
        self.server.evaluate(input).unwrap().into()
    }

    /// Blinds and encodes.
    pub fn blind(&mut self, inputs: &[Vec<u8>]) -> RawRequest {
        let (mut states, mut elements) = (Vec::new(), Vec::new());
        for input in inputs {
            let blinded = VoprfClient::<Ristretto255>::blind(input, &mut self.rng).unwrap();
            states.push(blinded.state);
            elements.push(blinded.message.serialize().into());
        }
        RawRequest { states, elements }
    }

    /// Decodes, evaluates, proves and encodes.
    pub fn blind_evaluate(&mut self, elements: &[[u8; 32]]) -> RawAnswer {
        let decoded: Vec<_> = elements.iter().map(|one| BlindedElement::<Ristretto255>::deserialize(one).unwrap()).collect();
        let VoprfServerBatchEvaluateResult { messages, proof } =
            self.server.batch_blind_evaluate(&mut self.rng, &decoded).unwrap();
        let evaluated = messages.iter().map(|one| one.serialize().into()).collect();
        RawAnswer { evaluated, proof: proof.serialize().into() }
    }

    /// Decodes, checks the proof and takes the blinds off.
    pub fn finalize(&self, inputs: &[Vec<u8>], request: &RawRequest, answer: &RawAnswer) -> Vec<[u8; 64]> {
        let decoded: Vec<_> =
            answer.evaluated.iter().map(|one| EvaluationElement::<Ristretto255>::deserialize(one).unwrap()).collect();
        let proof = Proof::<Ristretto255>::deserialize(&answer.proof).unwrap();
        let public = Ristretto255::deserialize_elem(&Ristretto255::serialize_elem(self.server.get_public_key())).unwrap();
        let plain: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let outputs = VoprfClient::batch_finalize(&plain, &request.states, &decoded, &proof, public).unwrap();
        outputs.map(|output| output.unwrap().into()).collect()
    }
}

/// Randomness of the product for a crate that asks in the older form.
struct CrateRng(Draw);

impl rand_core_06::RngCore for CrateRng {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.0.bytes())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.0.bytes())
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.chunks_mut(32).for_each(|chunk| chunk.copy_from_slice(&self.0.bytes::<32>()[..chunk.len()]));
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl rand_core_06::CryptoRng for CrateRng {}
