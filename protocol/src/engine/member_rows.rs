//! Rows about who takes part, beside the roster: emergency suspensions, revoked keys, the own decision on a member, and
//! when the roster was last confirmed.
//!
//! `standing` reads them into memory at the start of a process; each is written in the step that changes it. They hold no
//! personal data.

use minicbor::{Decode, Encode};

use crate::base::{Kid, MemberId};
use crate::roster::{ReasonCode, Suspension};

/// The latest emergency suspension of a member; kept after its end, since a second one must name a later roster.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SuspensionRow {
    /// The whole cosigned document, to be passed on.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub document: Vec<u8>,
    /// What it says.
    #[n(2)]
    pub suspension: Suspension,
}
crate::record!(SuspensionRow, MemberId, Standing, 1, Service);

/// This node's own decision on a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LocalRow {
    /// The decision.
    #[n(1)]
    pub verdict: LocalVerdict,
    /// Unix seconds.
    #[n(2)]
    pub since: u64,
    /// Why.
    #[n(3)]
    pub reason: ReasonCode,
}
crate::record!(LocalRow, MemberId, Standing, 2, Service);

/// What this node decided on a member that the roster lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum LocalVerdict {
    /// The operator refuses it: nothing is sent to it and nothing of it is answered.
    #[n(1)]
    Denied,
    /// It is new, and the policy asks the operator first.
    #[n(2)]
    Waiting,
    /// It is new, and the policy takes nobody that the operator does not name.
    #[n(3)]
    PolicyNever,
}

/// A revocation that was accepted, to be passed on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RevocationRow {
    /// The whole message.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub message: Vec<u8>,
    /// Unix seconds of its end; nobody takes it afterwards, nor the key that it revokes.
    #[n(2)]
    pub expires: u64,
}
crate::record!(RevocationRow, (MemberId, Kid), Standing, 3, Service);

/// The coordination node's latest word that the held roster is current.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TimestampRow {
    /// The whole message.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub message: Vec<u8>,
    /// Unix seconds at which it was signed.
    #[n(2)]
    pub signed: u64,
    /// Unix seconds of its end: it is not passed on afterwards.
    #[n(3)]
    pub expires: u64,
}
crate::record!(TimestampRow, (), Standing, 4, Service);

/// What this node does about members that a roster lists for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PolicyRow {
    /// The policy.
    #[n(1)]
    pub accept: AcceptPolicy,
}
crate::record!(PolicyRow, (), Standing, 5, Service);

/// What this node does about members that a roster lists for the first time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[cbor(index_only)]
pub enum AcceptPolicy {
    /// Takes them: the custodians' signatures are enough.
    #[default]
    #[n(1)]
    Auto,
    /// Waits for the operator's `member accept`.
    #[n(2)]
    Ask,
    /// Refuses them until the operator names them.
    #[n(3)]
    Never,
}
