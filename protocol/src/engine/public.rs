//! What is public: the roster and the members' key announcements, how they are accepted and passed on.
//!
//! Any peer or file may bring them; the coordination node is a convenience, never an authority (protocol.md 2.12). A
//! node says which roster and how much of the key chains it holds; who holds something else sends all of it.

use crate::audit::Act;
use crate::base::cbor;
use crate::base::record::row_key;
use crate::base::{MemberId, PeerId, limits};
use crate::engine::answer::{Answer, Failure, MemberLine, PublicProblem, RosterView};
use crate::engine::core::{Engine, OpenError};
use crate::engine::due::Due;
use crate::engine::effect::{Action, NoticeCode};
use crate::engine::roots::in_order;
use crate::engine::rows::{AnnouncedRow, ChainRow, HeadRow, OwnAnnouncementRow, SplitViewRow};
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::{Addressee, CosignedKind, Item, Message, Refusal, Unverified};
use crate::linkage;
use crate::roster::key_chain::KEY_ANNOUNCEMENT;
use crate::roster::keys::KeyChange;
use crate::roster::{
    Anchor, Fingerprint, HeldAnnouncement, HeldRoster, LOG_PART, MemberKeys, MemberStatus, PublicKeys, RosterError, TIMESTAMP,
    fingerprint_text, signed_kind, verify_roster,
};

/// Whether a public message changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It did.
    Accepted,
    /// It was known.
    Known,
}

impl Engine {
    /// Reads the roster and the members' keys, at the start of a process and after a rollback.
    pub(super) fn read_public<V: View>(&mut self, step: &Step<'_, V>) -> Result<(), OpenError> {
        let Some(head) = step.get::<HeadRow>(&())? else { return Ok(()) };
        let bytes = step.read_blob(head.blob)?;
        let (payload, _) = crate::roster::parse_signed(&bytes).map_err(|_| OpenError::Roster)?;
        let roster = cbor::decode(&payload).map_err(|_| OpenError::Roster)?;
        self.held = Some(HeldRoster { roster, hash: head.hash });
        self.read_root(step)?;
        // A roster has at most limits::MEMBERS members, one page.
        for (member, row) in step.under::<AnnouncedRow>(&row_key(1, &()), limits::MEMBERS)? {
            self.members.insert(member, row.keys);
        }
        Ok(())
    }

    /// Opens the gate for every member that takes part, and for the coordination node; dials those whose address is known.
    pub(super) fn admit_members<V: View>(&mut self, step: &mut Step<'_, V>) {
        let Some(held) = &self.held else { return };
        if self.own.member.is_some() {
            let peer = PeerId(held.roster.coordinator.key);
            let addresses = held.roster.coordinator.addresses.clone();
            step.act(Action::Admit { peer });
            step.act(Action::Relay { peer, addresses: addresses.clone() });
            dial(step, peer, addresses);
        }
        for member in self.peers() {
            self.admit(step, &member);
        }
    }

    /// Lets a member through the gate and dials it; a node never calls itself.
    pub(super) fn admit<V: View>(&self, step: &mut Step<'_, V>, member: &MemberId) {
        if self.own.member == Some(*member) {
            return;
        }
        let Some(keys) = self.members.get(member) else { return };
        let Some(entry) = self.taking_part(member) else { return };
        let has_relay = self.own.member.is_some();
        for peer in keys.identities(step.wall()) {
            step.act(Action::Admit { peer });
            if has_relay {
                // Without an address there is still the relay.
                step.act(Action::Dial { peer, addresses: entry.addresses.clone() });
            } else {
                dial(step, peer, entry.addresses.clone());
            }
        }
    }

    /// Takes public messages that an operator brings. All or none is not asked for: each stands for itself, and one that is
    /// refused shows in the log, or as the answer where nothing else was accepted.
    pub(super) fn take_public<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        items: &[Vec<u8>],
        fingerprint: Option<&str>,
    ) -> Result<Answer, Failure> {
        let (mut accepted, mut known, mut problem) = (0, 0, None);
        let ordered = in_order(items);
        let newest = ordered.iter().filter_map(|(version, _)| *version).max();
        for (version, bytes) in ordered {
            // A step in front of a later roster of the same file, for others who are behind it.
            let held = self.held.as_ref().map(|held| held.roster.version);
            if version.is_some() && version < newest && version <= held {
                known += 1;
                continue;
            }
            match self.take_item(step, bytes, fingerprint) {
                Ok(Taken::Accepted) => accepted += 1,
                Ok(Taken::Known) => known += 1,
                Err((found, code)) => {
                    step.notify(NoticeCode::Refused, None, code.code());
                    problem = problem.or(Some(found));
                }
            }
        }
        if let Some(problem) = problem.filter(|_| accepted == 0) {
            return Err(problem);
        }
        let roster_version = self.held.as_ref().map_or(0, |held| held.roster.version);
        Ok(Answer::PublicTaken { accepted, known, roster_version })
    }

    pub(super) fn take_item<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        bytes: &[u8],
        fingerprint: Option<&str>,
    ) -> Result<Taken, (Failure, Refusal)> {
        let form = |refusal| (Failure::Public(PublicProblem::Form), refusal);
        match Item::parse(bytes).map_err(form)? {
            Item::Roster(bytes) => {
                self.take_cosigned(step, &bytes, fingerprint).map_err(|problem| (Failure::Public(problem), Refusal::Signature))
            }
            Item::Message(message) => {
                let mark = step.mark();
                self.take_message(step, &message, bytes).map_err(|refusal| {
                    self.roll_back(step, mark);
                    (self.problem_of(refusal), refusal)
                })
            }
            Item::Cell(_) => Err(form(Refusal::Role)),
        }
    }

    /// What the custodians signed: a roster or a suspension.
    pub(super) fn take_cosigned<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        bytes: &[u8],
        fingerprint: Option<&str>,
    ) -> Result<Taken, PublicProblem> {
        let mark = step.mark();
        let taken = match signed_kind(bytes) {
            Some(CosignedKind::Suspension) => self.take_suspension(step, bytes),
            _ => return self.take_roster(step, bytes, fingerprint),
        };
        if taken.is_err() {
            self.roll_back(step, mark);
        }
        taken
    }

    /// A roster from an operator or a peer.
    pub(super) fn take_roster<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        bytes: &[u8],
        fingerprint: Option<&str>,
    ) -> Result<Taken, PublicProblem> {
        let typed = match (&self.held, fingerprint) {
            (Some(_), _) => None,
            (None, None) => return Err(PublicProblem::FingerprintNeeded),
            (None, Some(text)) => Some(text.parse::<Fingerprint>().map_err(|_| PublicProblem::FingerprintForm)?),
        };
        // The held roster itself is checked like any other, also where a step behind it is trusted: it may have run out.
        let trusted = if self.holds(bytes) { self.held.as_ref() } else { self.trusted() };
        let anchor = match (trusted, typed) {
            (Some(trusted), _) => Anchor::Held(trusted),
            (None, Some(fingerprint)) => Anchor::Fingerprint(fingerprint),
            (None, None) => return Err(PublicProblem::FingerprintNeeded),
        };
        let offered = match verify_roster(bytes, &anchor, Some(&self.own.network), step.wall()) {
            Ok(offered) => offered,
            Err(error @ RosterError::Expired { .. }) => return self.take_root_step(step, bytes, roster_problem(error)),
            Err(error) => return Err(roster_problem(error)),
        };
        if self.held.as_ref().is_some_and(|held| held.hash == offered.hash) {
            return Ok(Taken::Known);
        }
        if offered.roster.profile.id != linkage::profile_id()
            || offered.roster.profile.parameters_hash != linkage::parameters_hash()
        {
            return self.take_root_step(step, bytes, PublicProblem::Profile);
        }
        let mark = step.mark();
        if self.hold_roster(step, offered, bytes).is_err() {
            self.roll_back(step, mark);
            return Err(PublicProblem::Form);
        }
        Ok(Taken::Accepted)
    }

    /// Whether these bytes say what the held roster says, whoever signed them.
    fn holds(&self, bytes: &[u8]) -> bool {
        let Some(held) = &self.held else { return false };
        crate::roster::parse_signed(bytes).is_ok_and(|(payload, _)| crate::roster::payload_hash(&payload) == held.hash)
    }

    /// ONE set of effects: the head, the gate, timers of members that are seen for the first time, the audit entry.
    fn hold_roster<V: View>(&mut self, step: &mut Step<'_, V>, offered: HeldRoster, bytes: &[u8]) -> Result<(), ReadError> {
        let before: Vec<MemberId> = self.peers();
        let was = self.freshness();
        let other_pace = self.held.as_ref().is_some_and(|held| held.roster.pace != offered.roster.pace);
        let demanded = |held: &HeldRoster| self.own.member.is_some_and(|me| held.roster.force_roll.contains(&me));
        let is_forced = demanded(&offered) && !self.held.as_ref().is_some_and(demanded);
        let old = step.get::<HeadRow>(&())?;
        let blob = step.add_blob(bytes.to_vec());
        if let Some(old) = &old {
            step.drop_blob(old.blob);
        }
        let version = offered.roster.version;
        self.keep_root(step, &offered, bytes)?;
        self.log_entry(step, CosignedKind::Roster.kind(), &offered.hash)?;
        step.put(&(), &HeadRow { version, hash: offered.hash, blob });
        step.use_ballast();
        self.held = Some(offered);
        self.root_reached();
        trail::record(step, None, Act::RosterAccepted, &version.to_be_bytes(), None)?;
        step.notify(NoticeCode::RosterAccepted, None, version);
        self.take_own_announcement(step)?;
        if is_forced {
            self.roll_forced(step)?;
        }
        self.hold_back_strangers(step)?;
        self.standings_changed(step, &before, version)?;
        self.admit_members(step);
        if old.is_none() {
            self.due_only(step, step.wall(), Due::Epoch)?;
            self.due_only(step, step.wall(), Due::PublicSync)?;
            self.plan_forgetting(step);
        } else {
            self.freshness_changed(step, was)?;
        }
        if other_pace {
            self.due(step, step.wall(), Due::Retime(step.wall()));
        }
        self.sign_daily(step)?;
        self.offer_public(step);
        Ok(())
    }

    /// The own announcement, made at setup, counts once the roster lists this member.
    fn take_own_announcement<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        let Some(me) = self.own.member else { return Ok(()) };
        if self.members.contains_key(&me) {
            return Ok(());
        }
        let Some(own) = step.get::<OwnAnnouncementRow>(&())? else { return Ok(()) };
        if let Ok(message) = Unverified::<Message>::parse(&own.message, limits::MESSAGE_BYTES) {
            // Refused where the roster lists this member with another root key; `status` then says `none`.
            let _listed_otherwise = self.take_message(step, &message, &own.message);
        }
        Ok(())
    }

    /// A key announcement, a revocation or a timestamp.
    pub(super) fn take_message<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        message: &Unverified<Message>,
        bytes: &[u8],
    ) -> Result<Taken, Refusal> {
        let held = self.held.as_ref().ok_or(Refusal::RosterStale)?;
        let pace = held.roster.pace;
        let ring = self.ring(held, step.wall());
        let verified =
            message.verify(&self.own.network, Addressee::Public, &ring, step.wall(), pace.clock_skew, pace.message_life)?;
        match verified.header.kind {
            TIMESTAMP => return self.take_timestamp(step, &verified, bytes),
            LOG_PART => return self.take_log_part(step, &verified, bytes),
            _ => {}
        }
        let member = verified.header.from.member().ok_or(Refusal::Role)?;
        let mut keys = self.members.get(&member).cloned().unwrap_or_default();
        let change = match keys.accept(&held.roster, &verified) {
            Ok(KeyChange::Known) => return Ok(Taken::Known),
            Ok(change) => change,
            Err(Refusal::State) if verified.header.kind == KEY_ANNOUNCEMENT => {
                return self.split_view(step, member, keys, &verified, bytes);
            }
            Err(refusal) => return Err(refusal),
        };
        self.check_own(&member, &keys)?;
        self.check_mine(step, &member, &keys)?;
        self.log_entry(step, verified.header.kind, &verified.hash)?;
        let before = self.peers();
        let old = self.members.get(&member).and_then(|keys| keys.latest.clone());
        if let (KeyChange::Announced, Some(latest)) = (change, &keys.latest) {
            self.keep_link(step, latest, bytes)?;
        }
        step.put(&member, &AnnouncedRow { keys: keys.clone() });
        self.members.insert(member, keys);
        if let KeyChange::Revoked(kid) = change {
            self.revoked(step, member, kid, &verified, bytes)?;
        }
        let version = self.held.as_ref().map_or(0, |held| held.roster.version);
        self.standings_changed(step, &before, version)?;
        self.keys_changed(step, &member, old.as_ref())?;
        if self.own.member == Some(member) {
            self.own_keys_changed(step)?;
        }
        if change == KeyChange::Announced {
            // The coordination node asks nobody: without this it would go on serving the keys before to those who join.
            self.offer(step, &[bytes.to_vec()]);
        }
        Ok(Taken::Accepted)
    }

    /// An announcement that does not follow: if another one of its number was accepted, the member shows peers different
    /// keys. Both are kept as evidence, and the member's keys do not count until a later incarnation.
    fn split_view<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        member: MemberId,
        mut keys: MemberKeys,
        message: &crate::envelope::Verified<Message>,
        bytes: &[u8],
    ) -> Result<Taken, Refusal> {
        let other: crate::roster::KeyAnnouncement = cbor::decode(&message.body).map_err(|_| Refusal::Encoding)?;
        let place = (member, other.incarnation, other.seq);
        let Some(row) = step.get::<ChainRow>(&place)? else { return Err(Refusal::State) };
        let one = Unverified::<Message>::parse(&row.message, limits::MESSAGE_BYTES)?;
        if one.payload_hash() == message.hash {
            return Ok(Taken::Known);
        }
        if keys.split == Some(other.incarnation) {
            return Ok(Taken::Known);
        }
        keys.split = Some(other.incarnation);
        step.put(&member, &SplitViewRow { one: row.message, other: bytes.to_vec(), seen: step.wall() });
        step.put(&member, &AnnouncedRow { keys: keys.clone() });
        self.members.insert(member, keys);
        self.hang_up(step, &member);
        step.notify(NoticeCode::KeysDiffer, Some(member), other.seq);
        trail::record(step, None, Act::SplitView, &other.seq.to_be_bytes(), Some(member))?;
        Ok(Taken::Accepted)
    }

    /// What follows from a member's other keys: the gate, its epoch at this querier, this owner's sets.
    fn keys_changed<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        member: &MemberId,
        before: Option<&HeldAnnouncement>,
    ) -> Result<(), ReadError> {
        self.admit(step, member);
        self.running.look_at_builds = true;
        let Some(now) = self.members.get(member).and_then(|keys| keys.latest.as_ref()).map(|latest| latest.keys.voprf.epoch)
        else {
            return Ok(());
        };
        let rolled = before.is_some_and(|before| before.keys.voprf.epoch != now);
        if rolled && self.own.member.is_some_and(|me| me != *member) {
            self.due(step, step.wall(), Due::Renew(*member));
            if self.is_up(member) {
                self.ask_sets(step, member)?;
            }
        }
        Ok(())
    }

    /// The keys that count at a time, with every suspension that this node knows.
    pub(super) fn ring<'a>(&'a self, held: &'a HeldRoster, now: crate::base::Timestamp) -> PublicKeys<'a> {
        PublicKeys { roster: &held.roster, members: &self.members, suspensions: &self.standings.suspensions, now }
    }

    /// Nobody may announce this node's VOPRF key or transport key as his own, nor may two others share one.
    fn check_own(&self, member: &MemberId, keys: &MemberKeys) -> Result<(), Refusal> {
        let Some(latest) = &keys.latest else { return Ok(()) };
        let others = self.members.iter().filter(|(other, _)| *other != member).filter_map(|(_, keys)| keys.latest.as_ref());
        crate::roster::check_unshared(latest, others)
    }

    fn problem_of(&self, refusal: Refusal) -> Failure {
        Failure::Public(match refusal {
            Refusal::RosterStale if self.held.is_some() => PublicProblem::Behind,
            Refusal::RosterStale => PublicProblem::FingerprintNeeded,
            Refusal::KeyUnknown | Refusal::Signature => PublicProblem::NotListed,
            Refusal::Expired => PublicProblem::Expired,
            Refusal::Context => PublicProblem::Network,
            _ => PublicProblem::Form,
        })
    }

    /// The roster in plain words.
    pub(super) fn roster_view(&self) -> Result<Answer, Failure> {
        let roster = &self.held.as_ref().ok_or(Failure::NotJoined)?.roster;
        let members = roster
            .members
            .iter()
            .map(|member| MemberLine {
                member: member.id,
                name: member.names.first().map_or_else(String::new, |(_, name)| name.clone()),
                status: self.network_standing(&member.id).word().to_owned(),
                announced: self.members.contains_key(&member.id),
                up: self.is_up(&member.id) || self.own.member == Some(member.id),
            })
            .collect();
        Ok(Answer::Roster(Box::new(RosterView {
            network: roster.network_id,
            version: roster.version,
            fingerprint: fingerprint_text(&Fingerprint::of(roster)),
            threshold: u32::try_from(roster.custodians.threshold).unwrap_or(u32::MAX),
            custodians: u32::try_from(roster.custodians.keys.len()).unwrap_or(u32::MAX),
            expires: roster.expires,
            members,
        })))
    }
}

/// The word of a status.
#[must_use]
pub const fn status_word(status: MemberStatus) -> &'static str {
    match status {
        MemberStatus::Active => "active",
        MemberStatus::Probation => "probation",
        MemberStatus::Suspended => "suspended",
        MemberStatus::Left => "left",
    }
}

fn dial<V: View>(step: &mut Step<'_, V>, peer: PeerId, addresses: Vec<String>) {
    if !addresses.is_empty() {
        step.act(Action::Dial { peer, addresses });
    }
}

pub(super) fn roster_problem(error: RosterError) -> PublicProblem {
    match error {
        RosterError::Network { .. } => PublicProblem::Network,
        RosterError::Fingerprint { .. } => PublicProblem::FingerprintWrong,
        RosterError::Threshold { .. } | RosterError::Signature { .. } => PublicProblem::Signatures,
        RosterError::RootThreshold { .. } | RosterError::Signer(_) => PublicProblem::Signatures,
        RosterError::SuspensionVersion { .. } => PublicProblem::SuspensionVersion,
        RosterError::Rollback { .. } => PublicProblem::Rollback,
        RosterError::SplitView { .. } => PublicProblem::SplitView,
        RosterError::Expired { .. } => PublicProblem::Expired,
        _ => PublicProblem::Form,
    }
}
