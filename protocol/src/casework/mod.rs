//! Level 4: from a hit to a family. Cases and subjects, claims in both directions, review, consent, disclosure, outcome.
//!
//! Attributes flow from seeker to holder and disclosures from holder to seeker, whoever claims (protocol.md 0).

pub mod audit_file;
pub mod candidate;
pub mod case;
pub mod claim;
pub mod claim_pace;
pub mod commitment;
pub mod consent;
pub mod describe;
pub mod duplicate;
pub mod erasure;
pub mod messages;
pub mod opening;
pub mod outcome;
pub mod review;
pub mod sought;
