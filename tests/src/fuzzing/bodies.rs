//! The body of a message of each type: read only in its one form, so that it is written again to the byte.
//!
//! The first byte of an input chooses the type.

use kinmesh_protocol::base::cbor::{self, CborError};
use kinmesh_protocol::casework::messages::{Attributes, Claim, ClaimAnswer, Disclosure, Outcome, ReviewResult, Withdraw};
use kinmesh_protocol::engine::bundle_in::CommittedBody;
use kinmesh_protocol::envelope::check_canonical;
use kinmesh_protocol::private_match::audit::{AuditChallenge, AuditReport};
use kinmesh_protocol::private_match::manifest::{SetGet, SetManifest, SetReceipt, SetSegment};
use kinmesh_protocol::private_match::{EvalRequest, EvalResponse};
use kinmesh_protocol::roster::{KeyAnnouncement, PublicGet, Roster, SelfRevocation, Suspension, TimestampBody};

/// Prefixes of the largest set that a manifest may announce here.
const LIMIT: u64 = 1 << 24;

macro_rules! same {
    ($type:ty, $bytes:expr) => {{
        let read: Result<$type, CborError> = cbor::decode($bytes);
        if let Ok(value) = &read {
            assert_eq!(cbor::encode(value), $bytes, "written again it differs");
        }
        read
    }};
}

/// One body.
pub fn body(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind {
        10 => drop(same!(Roster, bytes)),
        11 => drop(same!(TimestampBody, bytes)),
        12 => drop(same!(KeyAnnouncement, bytes)),
        13 => drop(same!(SelfRevocation, bytes)),
        14 => drop(same!(Suspension, bytes)),
        15 => drop(same!(PublicGet, bytes)),
        20 => {
            if let Ok(manifest) = same!(SetManifest, bytes)
                && manifest.shape(LIMIT).is_ok()
            {
                // What a checked manifest announces is bounded by its own numbers.
                let count: u64 = manifest.segments.iter().map(|info| info.count).sum();
                assert_eq!(count, manifest.adds_count + manifest.removes_count);
                assert!(count <= 2 * LIMIT && manifest.segments.iter().all(|info| info.len <= 256 * 1_024));
            }
        }
        21 => drop(same!(SetSegment, bytes)),
        22 => drop(same!(SetGet, bytes)),
        23 => drop(same!(SetReceipt, bytes)),
        24 => drop(same!(CommittedBody, bytes)),
        30 => {
            if let Ok(request) = same!(EvalRequest, bytes)
                && request.shape().is_ok()
            {
                assert!(request.batch.iter().all(|case| case.elements().len() == 48));
            }
        }
        31 => {
            if let Ok(response) = same!(EvalResponse, bytes) {
                assert!(response.proof().is_none() || response.proof.len() == 64);
            }
        }
        40 => drop(same!(Claim, bytes)),
        41 => drop(same!(ClaimAnswer, bytes)),
        42 => drop(same!(Attributes, bytes)),
        43 => drop(same!(ReviewResult, bytes)),
        44 => drop(same!(Disclosure, bytes)),
        45 => drop(same!(Outcome, bytes)),
        46 => drop(same!(Withdraw, bytes)),
        60 => drop(same!(AuditChallenge, bytes)),
        61 => drop(same!(AuditReport, bytes)),
        _ => {}
    }
}

/// Any bytes as one canonical item: nothing that is cut short or longer is one as well.
pub fn canonical(input: &[u8]) {
    if check_canonical(input).is_ok() {
        for cut in [input.len() - 1, input.len() / 2] {
            assert!(check_canonical(&input[..cut]).is_err(), "the first {cut} bytes are an item, too");
        }
        assert!(check_canonical(&[input, &[0]].concat()).is_err());
    }
}
