//! Level 2: who takes part, with which keys, at which pace (protocol.md 2.12, 3.9).
//!
//! The roster is signed by k of n custodians offline; the members announce their own operational keys under their root
//! key. Any carrier may bring either: whoever holds one roster can check every later one without the coordinator.

pub mod custodians;
pub mod document;
pub mod fingerprint;
pub mod key_chain;
pub mod keys;
pub mod log;
pub mod member;
pub mod messages;
pub mod pace;
pub mod reason;
mod rules;
pub mod schedule;
pub mod tracker;
pub mod verify;

pub use custodians::{Custodians, Signatures, assemble, parse_signed, sign_roster, sign_suspension, signed_kind};
pub use document::{Auditor, CaseClass, Coordinator, Limits, Profile, Roster};
pub use fingerprint::{Fingerprint, FingerprintError, fingerprint_text};
pub use key_chain::{HeldAnnouncement, accept_announcement, check_unshared};
pub use keys::{AUDIT_CHALLENGE, KeyChange, LOG_PART, MemberKeys, OperationalKey, PublicKeys, TIMESTAMP};
pub use log::LogHead;
pub use member::{ClassId, Member, MemberStatus};
pub use messages::{KeyAnnouncement, LogPart, PublicGet, SelfRevocation, Suspension, TimestampBody, VoprfKey};
pub use pace::{Pace, PaceError};
pub use reason::ReasonCode;
pub use rules::check as check_rules;
pub use tracker::{
    Freshness, RosterChange, Standing, TimestampVerdict, Tracked, check_timestamp, follows_suspension, freshness, standing, track,
};
pub use verify::{Anchor, HeldRoster, RosterError, payload_hash, verify_root_step, verify_roster, verify_suspension};
