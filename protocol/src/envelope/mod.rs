//! Level 1: how everything between two parties is signed, sealed and addressed (protocol.md 2.7, 3.2, 3.4, 3.9).
//!
//! Bytes from outside become an [`Unverified`] message or cell, and [`Verified`] only by the numbered steps; no other
//! module can make one. Replay is not decided here: it needs the rows of the engine.

mod canonical;
pub mod cell;
pub mod cosigned;
mod frame;
pub mod message;
mod outline;
pub mod refusal;
pub mod verified;

pub use canonical::{check_canonical, is_forbidden};
pub use cell::{Cell, CellHeader, CellKind, SealError, SealPublic, SealSecret, capacity_class, packed_len, seal};
pub use cosigned::{COSIGNATURES, Cosigned, CosignedKind, cosign};
pub use message::{Header, KeyRing, Message, is_public, kid_of, message_limit, public_key, sign};
pub use refusal::Refusal;
pub use verified::{Addressee, Item, Unverified, Verified};

pub use ed25519_dalek::{SigningKey, VerifyingKey};
