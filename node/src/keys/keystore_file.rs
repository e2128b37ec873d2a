//! The form of the keystore file: what is sealed under what.
//!
//! Only `keystore` reads and writes it. A coordination node's file has no place for users, a records root or an inbox: the
//! type cannot hold them. Everything sealed is bound to the keystore's id, so that no part fits into another keystore.

use kinmesh_protocol::base::{NetworkId, Sensitive, UserId, cbor};
use minicbor::{Decode, Encode};

use crate::keys::aead::Key;
use crate::keys::hybrid::HybridPublic;
use crate::keys::small_file::Kind;
use crate::keys::unlock::{KdfCost, Lock};

/// The file's kind and version.
pub const KIND: Kind = Kind { name: "kinmesh keystore", version: 1 };

/// Users of one keystore, at most.
pub const USERS: usize = 256;

/// The whole file.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct KeystoreFile {
    /// Tells this keystore from every other.
    #[n(0)]
    #[cbor(with = "cbor::fixed")]
    pub id: [u8; 16],
    /// Network that the node is of.
    #[n(1)]
    pub network: NetworkId,
    /// Cost of every passphrase in the file.
    #[n(2)]
    pub cost: KdfCost,
    /// What the service secret opens.
    #[n(3)]
    pub service: SealedService,
    /// What a node of its role has beside that.
    #[n(4)]
    pub role: RolePart,
}

/// [`ServicePart`], sealed under the service secret.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct SealedService {
    /// How the secret becomes the key.
    #[n(0)]
    pub lock: Lock,
    /// `nonce || ciphertext || tag`.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub sealed: Vec<u8>,
}

/// What a node of its role has.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum RolePart {
    /// Opens no person, index or case data, so it has nothing here.
    #[n(0)]
    Coordinator,
    /// A society.
    #[n(1)]
    Member(#[n(0)] MemberPart),
}

/// Users and what they share.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct MemberPart {
    /// Seed of the inbox key, sealed under the records root: `nonce || ciphertext || tag`.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub sealed_inbox: Vec<u8>,
    /// At most [`USERS`].
    #[n(1)]
    pub users: Vec<UserPart>,
}

/// One user.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct UserPart {
    /// Who it is.
    #[n(0)]
    pub user: UserId,
    /// How the user's secret becomes a key.
    #[n(1)]
    pub lock: Lock,
    /// Public half of the user's key pair.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub public: Vec<u8>,
    /// Seed of the private half, sealed under the user's secret: `nonce || ciphertext || tag`.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    pub sealed_secret: Vec<u8>,
    /// The records root, sealed to the public half: `enc || ciphertext || tag`.
    #[n(4)]
    #[cbor(with = "minicbor::bytes")]
    pub sealed_records: Vec<u8>,
}

/// What the service secret opens: `root (32) || operational seed (32) || public half of the inbox (1,216, or none)`.
pub struct ServicePart {
    /// Root of the service.
    pub root: Key,
    /// Seed of the operational key.
    pub operational_seed: Key,
    /// Public half of the records inbox; none on a coordination node.
    pub inbox_public: Option<HybridPublic>,
}

impl ServicePart {
    /// The bytes that are sealed.
    pub fn to_bytes(&self) -> Sensitive<Vec<u8>> {
        let inbox = self.inbox_public.as_ref().map_or(&[][..], HybridPublic::as_bytes);
        Sensitive::new([self.root.expose(), self.operational_seed.expose(), inbox].concat())
    }

    /// Reads [`ServicePart::to_bytes`].
    pub fn from_bytes(bytes: &Sensitive<Vec<u8>>) -> Option<Self> {
        let (root, rest) = bytes.expose().split_first_chunk::<32>()?;
        let (seed, inbox) = rest.split_first_chunk::<32>()?;
        let inbox_public = if inbox.is_empty() { None } else { Some(HybridPublic::from_bytes(inbox)?) };
        Some(Self { root: Key::new(*root), operational_seed: Key::new(*seed), inbox_public })
    }
}

impl KeystoreFile {
    /// The user's part, if there is one.
    pub fn user(&self, user: &UserId) -> Option<&UserPart> {
        self.members().and_then(|member| member.users.iter().find(|part| part.user == *user))
    }

    /// What a member's file has, and a coordinator's has not.
    pub const fn members(&self) -> Option<&MemberPart> {
        match &self.role {
            RolePart::Member(member) => Some(member),
            RolePart::Coordinator => None,
        }
    }
}

/// Binds the service's sealed part to its keystore, network, cost and lock.
pub fn service_place(id: &[u8; 16], network: &NetworkId, cost: KdfCost, lock: &Lock) -> Vec<u8> {
    place(&cbor::encode(&("kinmesh/1/keystore/service", network, cost, lock)), id)
}

/// Binds a user's sealed secret to its keystore, user and lock.
pub fn secret_place(id: &[u8; 16], user: &UserId, lock: &Lock) -> Vec<u8> {
    place(&cbor::encode(&("kinmesh/1/keystore/user", user, lock)), id)
}

/// Binds the records root sealed to a user to its keystore and user.
pub fn records_place(id: &[u8; 16], user: &UserId) -> Vec<u8> {
    place(&cbor::encode(&("kinmesh/1/keystore/records", user)), id)
}

/// Binds the sealed inbox to its keystore.
pub fn inbox_place(id: &[u8; 16]) -> Vec<u8> {
    place(&cbor::encode(&"kinmesh/1/keystore/inbox"), id)
}

/// One CBOR item and 16 bytes: no two places are the same bytes.
fn place(what: &[u8], id: &[u8; 16]) -> Vec<u8> {
    [what, id.as_slice()].concat()
}
