//! Level 1: the audit log: what was done, by whom, about which id; never personal data.
//!
//! Each entry is in the same batch as what it records, and holds the hash of the one before it, so that a removed or changed
//! entry shows.

pub mod entry;

pub use entry::{Act, AuditEntry, AuditHead, append};
