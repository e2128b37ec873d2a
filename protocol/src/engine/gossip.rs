//! How public messages spread: every contact compares heads, and each side sends what the other lacks (protocol.md 2.12).
//!
//! Any peer may bring them, so that a network goes on while the coordination node is away. Two announcements of a member
//! with one number are evidence of a split view: they are kept, and the member's keys do not count until its root key
//! begins anew. What is sent is bounded by what the receiver says it lacks; a peer that refuses something is not asked
//! again before the next regular time.

use sha2::{Digest, Sha256};

use crate::base::record::{Record, row_key};
use crate::base::{MemberId, Millis, MsgId, Party, PeerId, cbor, limits};
use crate::engine::answer::{Answer, Failure};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::rows::{ChainRow, HeadRow};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::envelope::{Addressee, Header, Message, Refusal, Unverified, sign};
use crate::roster::messages::ChainHead;
use crate::roster::{HeldAnnouncement, PublicGet};

/// Message type of a request for public messages.
pub const PUBLIC_GET: u64 = 15;

/// Announcements that are kept of a member: two a roll, four regular rolls in the life of an operational key, and as many
/// early ones as the announcement's time allows.
const CHAIN: usize = 64;

impl Engine {
    /// All public messages of this node, the roster first.
    pub(super) fn give_public<V: View>(&self, step: &Step<'_, V>) -> Result<Answer, Failure> {
        let mut items = self.missing(step, None)?.ok_or(Failure::NotJoined)?;
        // Behind the current one, which comes first: whoever takes the file sorts them.
        items.extend(self.roots_after(step, 0)?);
        Ok(Answer::Public { items })
    }

    /// What a peer with these heads lacks, the roster first; everything without heads; none before a roster is held.
    fn missing<V: View>(&self, step: &Step<'_, V>, have: Option<&PublicGet>) -> Result<Option<Vec<Vec<u8>>>, ReadError> {
        let Some(head) = step.get::<HeadRow>(&())? else { return Ok(None) };
        let mut items = Vec::new();
        if let Some(have) = have.filter(|have| have.roster_version < head.version) {
            items.extend(self.roots_after(step, have.roster_version)?);
        }
        if have.is_none_or(|have| have.roster_version < head.version) {
            items.push(step.read_blob(head.blob)?);
        }
        // What stops a member comes before its keys.
        let emergencies = self.emergencies(step)?;
        if have.is_none_or(|have| have.emergencies != sum_of(&emergencies)) {
            items.extend(emergencies);
        }
        if have.is_none_or(|have| have.confirmed < self.standings.confirmed.seconds()) {
            items.extend(self.current_timestamp(step)?);
        }
        for (member, keys) in &self.members {
            let theirs = have.and_then(|have| have.heads.as_ref()?.iter().find(|theirs| theirs.member == *member));
            let Some(latest) = &keys.latest else { continue };
            let is_same = theirs.is_some_and(|theirs| theirs.hash == short(&latest.hash));
            if is_same {
                continue;
            }
            for ((_, incarnation, seq), row) in step.under::<ChainRow>(&row_key(ChainRow::KIND, member), CHAIN)? {
                // One with the same number and another hash is sent as well: it shows a split view.
                if theirs.is_none_or(|theirs| (incarnation, seq) >= (theirs.incarnation, theirs.seq)) {
                    items.push(row.message);
                }
            }
        }
        Ok(Some(items))
    }

    fn heads(&self) -> Vec<ChainHead> {
        self.members
            .iter()
            .filter_map(|(member, keys)| {
                let latest = keys.latest.as_ref()?;
                Some(ChainHead {
                    member: *member,
                    incarnation: latest.keys.incarnation,
                    seq: latest.keys.seq,
                    hash: short(&latest.hash),
                })
            })
            .collect()
    }

    fn digest(&self) -> [u8; 16] {
        let roster = self.held.as_ref().map_or([0; 32], |held| held.hash);
        let hash: [u8; 32] = Sha256::new()
            .chain_update(b"kinmesh/heads/1")
            .chain_update(roster)
            .chain_update(cbor::encode(&self.heads()))
            .finalize()
            .into();
        short(&hash)
    }

    /// Whether a peer's heads show something that this node lacks.
    fn lacks(&self, get: &PublicGet) -> bool {
        let version = self.held.as_ref().map_or(0, |held| held.roster.version);
        get.roster_version > version
            || get.heads.iter().flatten().any(|theirs| {
                let own = self.members.get(&theirs.member).and_then(|keys| keys.latest.as_ref());
                own.is_none_or(|own| (theirs.incarnation, theirs.seq) > (own.keys.incarnation, own.keys.seq))
            })
    }

    /// Asks every connected peer for newer public messages, and sets the next time.
    pub(super) fn sync_public<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        let message = self.heads_message(step, None, None);
        for peer in self.links.up() {
            if self.is_coordinator(&peer) {
                self.ask_public(step, &peer);
            } else if let Some(message) = &message {
                self.links.queue_public(&peer, message.clone());
                self.pump(step, &peer);
            }
            self.note_seen(step, &peer);
        }
        self.due_only(step, step.wall() + self.sync_interval(), Due::PublicSync)
    }

    /// A bag's interval over 72: every five minutes in a real network. In a drill, whose hours are short and whose nodes share
    /// a machine, all of them together ask some 128 times a second, however many they are.
    fn sync_interval(&self) -> Millis {
        let peers = self.links.up().len() as u64;
        let least = Millis::seconds((peers * peers).div_ceil(128).max(1));
        let wanted = self.held.as_ref().map_or(300_000, |held| held.roster.pace.bag.0 / 72);
        Millis(wanted.clamp(least.0.min(300_000), 300_000))
    }

    /// Says to one peer what this node holds.
    pub(super) fn ask_public<V: View>(&mut self, step: &mut Step<'_, V>, peer: &PeerId) {
        self.say_heads(step, peer, None);
    }

    fn say_heads<V: View>(&mut self, step: &mut Step<'_, V>, peer: &PeerId, heads: Option<Vec<ChainHead>>) {
        // Only the coordination node has the entries in its order.
        let log_len = if self.is_coordinator(peer) { self.log_wanted(step).unwrap_or_default() } else { None };
        if let Some(message) = self.heads_message(step, heads, log_len) {
            self.links.queue_public(peer, message);
            self.pump(step, peer);
        }
    }

    /// What this node holds, as a message to whoever is told; none before it takes part.
    fn heads_message<V: View>(
        &self,
        step: &mut Step<'_, V>,
        heads: Option<Vec<ChainHead>>,
        log_len: Option<u64>,
    ) -> Option<Vec<u8>> {
        let (held, me) = (self.held.as_ref()?, self.own.member?);
        let emergencies = self.emergencies(step).ok()?;
        let body = PublicGet {
            roster_version: held.roster.version,
            digest: self.digest(),
            heads,
            confirmed: self.standings.confirmed.seconds(),
            emergencies: sum_of(&emergencies),
            log_len,
        };
        let life = held.roster.pace.message_life;
        Some(self.sign_public(step, Party::Member(me), PUBLIC_GET, &cbor::encode(&body), life))
    }

    /// Signs a public message of this node.
    pub(super) fn sign_public<V: View>(
        &self,
        step: &mut Step<'_, V>,
        from: Party,
        kind: u64,
        body: &[u8],
        life: Millis,
    ) -> Vec<u8> {
        let header = Header {
            kind,
            from,
            to: None,
            msg_id: MsgId::draw(&mut step.draw),
            n: 0,
            created: step.wall().seconds(),
            expires: (step.wall() + life).seconds(),
            roster_version: self.held.as_ref().map_or(0, |held| held.roster.version),
            re: None,
        };
        sign(&self.own.network, &header, body, &self.keys.operational)
    }

    /// A peer says what it holds.
    pub(super) fn answer_public<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        peer: &PeerId,
        message: &Unverified<Message>,
    ) -> Result<(), Refusal> {
        let held = self.held.as_ref().ok_or(Refusal::RosterStale)?;
        let pace = held.roster.pace;
        let ring = self.ring(held, step.wall());
        let verified =
            message.verify(&self.own.network, Addressee::Public, &ring, step.wall(), pace.clock_skew, pace.message_life)?;
        let get: PublicGet = cbor::decode(&verified.body).map_err(|_| Refusal::Encoding)?;
        if get.heads.as_ref().is_some_and(|heads| heads.len() > limits::MEMBERS) {
            return Err(Refusal::Size);
        }
        self.send_log(step, peer, &get)?;
        if get.digest == self.digest() {
            // The keys are the same; what stops a member and the latest timestamp change more often.
            return self.send_missing(step, peer, &PublicGet { heads: Some(self.heads()), ..get });
        }
        if get.heads.is_none() && self.own.member.is_some() {
            // The other side answers with what is missing here, and learns what is missing there.
            self.say_all_heads(step, peer);
            return Ok(());
        }
        self.send_missing(step, peer, &get)?;
        if self.lacks(&get) {
            self.say_all_heads(step, peer);
        }
        Ok(())
    }

    /// Sends a peer what its message shows that it lacks. A coordination node has no heads of its own to say: who says none
    /// to it gets everything.
    fn send_missing<V: View>(&mut self, step: &mut Step<'_, V>, peer: &PeerId, get: &PublicGet) -> Result<(), Refusal> {
        for item in self.missing(step, Some(get)).map_err(|_| Refusal::Busy)?.unwrap_or_default() {
            self.links.queue_public(peer, item);
        }
        self.pump(step, peer);
        Ok(())
    }

    /// Says all heads to a peer, at most once in an interval: what one of two refuses would go round for ever.
    fn say_all_heads<V: View>(&mut self, step: &mut Step<'_, V>, peer: &PeerId) {
        let wait = Millis(self.sync_interval().0 / 2);
        if self.links.may_say_heads(peer, step.wall(), wait) {
            self.say_heads(step, peer, Some(self.heads()));
        }
    }

    /// At a change of the roster: sends it to everybody who is connected, with what stops a member, and says what else this
    /// node holds. Who lacks keys asks for them: all keys from everybody to everybody would be the cube of the members. The
    /// coordination node, which has no heads to say, sends everything.
    pub(super) fn offer_public<V: View>(&mut self, step: &mut Step<'_, V>) {
        let heads = self.heads_message(step, None, None);
        let Some(version) = self.held.as_ref().map(|held| held.roster.version) else { return };
        let before = PublicGet {
            roster_version: version.saturating_sub(1),
            digest: [0; 16],
            heads: Some(self.heads()),
            confirmed: 0,
            emergencies: 0,
            log_len: None,
        };
        let Ok(Some(mut items)) = self.missing(step, heads.as_ref().map(|_| &before)) else { return };
        items.extend(heads);
        self.offer(step, &items);
    }

    /// At a contact: while this node's operational keys overlap, its own links come first. A peer that was away does not
    /// know the key that signs everything else.
    pub(super) fn show_own_links<V: View>(&mut self, step: &mut Step<'_, V>, peer: &PeerId) {
        let overlaps = |me: MemberId| self.members.get(&me).filter(|keys| !keys.older.is_empty()).map(|_| me);
        let Some(me) = self.own.member.and_then(overlaps) else { return };
        let Ok(rows) = step.under::<ChainRow>(&row_key(ChainRow::KIND, &me), CHAIN) else { return };
        for (_, row) in rows {
            self.links.queue_public(peer, row.message);
        }
    }

    /// Sends some public messages to everybody who is connected.
    pub(super) fn offer<V: View>(&mut self, step: &mut Step<'_, V>, items: &[Vec<u8>]) {
        for peer in self.links.up() {
            for item in items {
                self.links.queue_public(&peer, item.clone());
            }
            self.pump(step, &peer);
        }
    }

    /// Keeps an announcement as a link of its member's chain, and forgets links that no peer can need: those of an earlier
    /// incarnation, and those whose key ran out.
    pub(super) fn keep_link<V: View>(
        &self,
        step: &mut Step<'_, V>,
        latest: &HeldAnnouncement,
        bytes: &[u8],
    ) -> Result<(), ReadError> {
        let (member, keys) = (latest.member, &latest.keys);
        let now = step.wall().seconds();
        let rows = step.under::<ChainRow>(&row_key(ChainRow::KIND, &member), CHAIN)?;
        let over = (rows.len() + 1).saturating_sub(CHAIN);
        for (place, (id, row)) in rows.into_iter().enumerate() {
            if id.1 != keys.incarnation || row.op_until < now || place < over {
                step.remove::<ChainRow>(&id);
            }
        }
        let row = ChainRow { message: bytes.to_vec(), op_until: keys.op_until };
        step.put(&(member, keys.incarnation, keys.seq), &row);
        Ok(())
    }
}

/// Sum over documents, for [`PublicGet`].
fn sum_of(items: &[Vec<u8>]) -> u64 {
    if items.is_empty() {
        return 0;
    }
    let mut hash = Sha256::new();
    for item in items {
        hash.update(item);
    }
    let (first, _) = hash
        .finalize()
        .iter()
        .copied()
        .fold((0u64, 0), |(sum, place), byte| if place < 8 { (sum << 8 | u64::from(byte), place + 1) } else { (sum, place) });
    // Integers on the wire are below 2^63 (protocol.md 3.9).
    first >> 1
}

fn short(hash: &[u8; 32]) -> [u8; 16] {
    let mut short = [0; 16];
    for (slot, byte) in short.iter_mut().zip(hash) {
        *slot = *byte;
    }
    short
}
