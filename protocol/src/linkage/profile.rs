//! The identity of the matching rules: profile `v1` and the hash of its tables.
//!
//! The roster names both, and a node works only with members whose roster names the same: one changed row of one table
//! changes keys without a sign of it. The hash covers the tables; the code is covered by the vectors.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::base::ProfileId;

use super::tables::FILES;

/// The id of the rules in this folder, `v1`.
#[must_use]
pub fn profile_id() -> ProfileId {
    match ProfileId::new("v1") {
        Ok(id) => id,
        Err(_) => unreachable!("`v1` is a well-formed profile id"),
    }
}

/// SHA-256 over `lp(name) || SHA-256(file)` of every table file in ascending name (protocol.md 3.9), 32 bytes.
#[must_use]
pub fn parameters_hash() -> [u8; 32] {
    static HASH: LazyLock<[u8; 32]> = LazyLock::new(hash_tables);
    *HASH
}

fn hash_tables() -> [u8; 32] {
    let mut hash = Sha256::new();
    for (name, content) in FILES {
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        hash.update(length.to_be_bytes());
        hash.update(name.as_bytes());
        hash.update(Sha256::digest(content.as_bytes()));
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_pinned() {
        assert_eq!(profile_id().as_str(), "v1");
        let hex: String = parameters_hash().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "d78ed99d41327e49f3e52fecd715dcbc4d7419b6d99e96265296dec2a13c8ed4");
    }
}
