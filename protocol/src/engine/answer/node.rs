//! How a node, its roster and its audit log look to an operator. Never a count of hits, never personal data.

use serde::{Deserialize, Serialize};

use crate::base::{MemberId, NetworkId, ProfileId};
use crate::roster::ReasonCode;

/// How a node is. No count of hits, no personal data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Member id, or `@coordinator`.
    pub member: String,
    /// Network.
    pub network: Option<NetworkId>,
    /// True for a rehearsal network.
    pub drill: bool,
    /// `open` or `locked`.
    pub custody: String,
    /// Version of the roster that counts; 0 before joining.
    pub roster_version: u64,
    /// `active`, `probation`, `suspended`, `left`, or `none` before joining.
    pub standing: String,
    /// Members besides this one that the roster lets take part.
    pub peers: u32,
    /// How many of them are connected.
    pub peers_up: u32,
    /// True if the coordination node is connected.
    pub coordinator_up: bool,
    /// Matching profile.
    pub profile: Option<ProfileId>,
    /// Epoch of this node's VOPRF key.
    pub epoch: u32,
    /// People registered here.
    pub people: u64,
    /// People that wait to be indexed.
    pub unindexed: u64,
    /// Pairs of own records that wait for an operator: one person, or two?
    pub duplicates: u64,
    /// Different keys that the last sets leave out because two households carry them.
    pub keys_cut: u64,
    /// Different keys of the index, those included.
    pub keys: u64,
    /// True if that is so many that a population may be missing from the information table.
    pub cut_warning: bool,
    /// Sets that are built and current, of one a peer.
    pub sets_out: u32,
    /// Sets of others that are held and current.
    pub sets_in: u32,
    /// Members whose held set already covers everything they had announced; one line a member.
    pub sets: Vec<SetLine>,
    /// The coordination node's log of what it took, as far as this node checked it.
    pub log: LogView,
    /// How sure this node is of its roster: `fresh`, `old` (30 days without word), `stale` (90 days) or `ended`.
    pub freshness: String,
    /// Unix seconds at which the roster was last known to be current, 0 for none.
    pub confirmed: u64,
    /// Unix seconds of the roster's end, 0 for none.
    pub expires: u64,
    /// Members that the operator refuses.
    pub denied: Vec<MemberId>,
    /// Members that wait for the operator's word.
    pub waiting: Vec<MemberId>,
    /// Members to which no claim goes by itself, since too many cases hit there.
    pub held_back: Vec<MemberId>,
    /// Members that are suspended, by roster or in an emergency, or revoked their key.
    pub suspended: Vec<MemberId>,
    /// How each peer is reached; one line a member that the roster lets take part.
    pub links: Vec<LinkLine>,
    /// True if this node holds a place at the coordination node's relay, so that members can reach it there.
    pub relay_place: bool,
    /// Cases open here.
    pub cases: u64,
    /// Evaluations asked for and not answered yet.
    pub evaluations_open: u32,
    /// Evaluations answered.
    pub evaluations_done: u32,
    /// Messages that wait for a carrier.
    pub outbox: u32,
    /// Peers for which something waits for a bag.
    pub bags_waiting: u32,
}

/// How one peer is reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkLine {
    /// The peer.
    pub member: MemberId,
    /// `direct`, `relayed` or `down`.
    pub link: String,
    /// At the coordination node: true if the peer holds a place at the relay.
    pub place: bool,
    /// When it was last connected: Unix seconds, the hour only; none if never.
    pub seen: Option<u64>,
}

/// State of the sets between this node and one peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetLine {
    /// The peer.
    pub member: MemberId,
    /// Connected.
    pub up: bool,
    /// Sequence of our set for it that is built, 0 if none.
    pub built_seq: u64,
    /// Sequence that it has confirmed, 0 if none.
    pub confirmed_seq: u64,
    /// Sequence of its set that we hold and have tested, 0 if none.
    pub held_seq: u64,
    /// Prefixes in the set that we hold, padding included.
    pub held_count: u64,
    /// Bytes of the set that we hold.
    pub held_bytes: u64,
    /// True if nothing changed here since our set for it was built.
    pub current: bool,
    /// Epoch of our set for it, 0 if there is none.
    pub built_epoch: u32,
    /// The first set of that epoch that shows what our set for it shows now, 0 if there is none.
    pub shown_from: u64,
    /// Epoch of its set that we hold, 0 if none.
    pub held_epoch: u32,
}

impl SetLine {
    /// Whether the peer, by its own line for us, holds all that we have for it; `false` while something is still to be built.
    #[must_use]
    pub fn is_held(&self, by_peer: &Self) -> bool {
        let is_there = self.current && self.shown_from > 0;
        is_there && by_peer.held_epoch == self.built_epoch && by_peer.held_seq >= self.shown_from
    }
}

/// The next operational key of a node, for whoever holds the society's root key. Public.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeysRequested {
    /// The member.
    pub member: MemberId,
    /// The network.
    pub network: NetworkId,
    /// When the node asked, Unix seconds.
    pub created: u64,
    /// Last second of the key, Unix.
    pub until: u64,
    /// Version of the roster that the node holds.
    pub roster_version: u64,
    /// Body of the announcement to be signed.
    pub announcement: Vec<u8>,
    /// Body of the revocation to be signed and printed.
    pub revocation: Vec<u8>,
}

/// The roster in plain words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RosterView {
    /// Network.
    pub network: NetworkId,
    /// Version.
    pub version: u64,
    /// Fingerprint of the custodians' keys, as read out.
    pub fingerprint: String,
    /// Signatures needed.
    pub threshold: u32,
    /// Custodians.
    pub custodians: u32,
    /// Expiry, Unix seconds.
    pub expires: u64,
    /// Members.
    pub members: Vec<MemberLine>,
}

/// One member in plain words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemberLine {
    /// Member id.
    pub member: MemberId,
    /// Name in the first language given.
    pub name: String,
    /// Where it stands now: `active`, `probation`, `suspended`, `revoked` or `left`.
    pub status: String,
    /// True if its key announcement is held.
    pub announced: bool,
    /// Connected.
    pub up: bool,
}

/// One member as this node sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemberView {
    /// Member id.
    pub member: MemberId,
    /// Name in the first language given.
    pub name: String,
    /// Country code.
    pub country: String,
    /// The roster's word: `active`, `probation`, `suspended` or `left`.
    pub status: String,
    /// What counts now: the same, or `suspended` by an emergency, or `revoked` by its own word.
    pub standing: String,
    /// Since when the roster has this status, Unix seconds.
    pub status_since: u64,
    /// When it joined, Unix seconds.
    pub joined: u64,
    /// People that it may hold.
    pub people_cap: u64,
    /// Class of its searches for registered people.
    pub case_class: String,
    /// Class of its searches for sought people.
    pub ask_class: String,
    /// How its incident desk is reached.
    pub incident_contact: String,
    /// Name of its root key.
    pub root_key: String,
    /// The last second of an emergency suspension in force, Unix.
    pub suspended_until: Option<u64>,
    /// Why it is suspended for now.
    pub suspended_for: Option<ReasonCode>,
    /// What this node decided on it.
    pub local: Option<LocalDecision>,
    /// True if its key announcement is held.
    pub announced: bool,
    /// Connected.
    pub up: bool,
}

/// What this node decided on a member.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LocalDecision {
    /// `denied`, `waiting`, or `policy_never`.
    pub decision: String,
    /// Unix seconds.
    pub since: u64,
    /// Why.
    pub reason: ReasonCode,
}

/// An audit entry for a reader.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditLine {
    /// Number, from 1.
    pub number: u64,
    /// Unix seconds.
    pub at: u64,
    /// User, or `node`.
    pub user: String,
    /// What was done.
    pub act: String,
    /// Short form of the id it concerns, if any.
    pub about: Option<String>,
    /// The member it concerns, if any.
    pub member: Option<MemberId>,
}

/// The coordination node's log of rosters, announcements, revocations and suspensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogView {
    /// Entries that this node has; at a member those that it made the head of again.
    pub entries: u64,
    /// Entries of the longest log that a timestamp named.
    pub named: u64,
    /// Of the roster and the members' latest announcements that are held here, how many are not in it.
    pub missing: u32,
    /// True if the coordination node signed two logs.
    pub forked: bool,
}
