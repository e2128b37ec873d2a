//! Randomness that hangs on the moment, for two worlds that are compared: a step that only one of them takes does not shift
//! what all later ones draw.
//!
//! Part of the world. What is drawn for a node at a millisecond depends on the seed, the node, whom it sends to and how often
//! it drew then, on nothing that happened before.

use std::collections::BTreeMap;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};

use crate::simulation::world::World;

/// How often each (node, other) drew at the last millisecond.
#[derive(Default)]
pub struct Moments {
    seed: [u8; 32],
    at_ms: u64,
    drawn: BTreeMap<(usize, usize), u64>,
}

impl World {
    /// From now on randomness hangs on the moment.
    pub fn by_moment(&mut self) {
        let seed = self.seed();
        self.moments = Some(Moments { seed, ..Moments::default() });
    }

    /// Begins the randomness of a node's step, or of an item to another node.
    pub(super) fn moment(&mut self, node: usize, other: usize) {
        let now = self.now().0;
        let Some(moments) = &mut self.moments else { return };
        if moments.at_ms != now {
            moments.at_ms = now;
            moments.drawn.clear();
        }
        let drawn = moments.drawn.entry((node, other)).or_default();
        *drawn += 1;
        let mut hash = Sha256::new().chain_update(moments.seed).chain_update(now.to_be_bytes());
        for part in [node as u64, other as u64, *drawn] {
            hash.update(part.to_be_bytes());
        }
        self.rng = ChaCha20Rng::from_seed(hash.finalize().into());
    }
}
