//! Who takes part, in one place: the roster's word, emergency suspensions, revoked keys, and this node's own decision.
//!
//! Every handler asks [`Engine::taking_part`] or [`Engine::peers`] before it touches anything of a member; whoever is
//! refused there is sent nothing and answered nothing. It keeps that each change of the answer goes through
//! [`Engine::standings_changed`], which shuts out and lets in within the step that caused it.

use std::collections::BTreeMap;

use crate::audit::Act;
use crate::base::record::row_key;
use crate::base::{MemberId, Millis, PeerId, PersonId, SubjectId, Timestamp, limits};
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::effect::{Action, NoticeCode};
use crate::engine::member_rows::{AcceptPolicy, LocalRow, LocalVerdict, PolicyRow, SuspensionRow, TimestampRow};
use crate::engine::rows::PeerRow;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::private_match::Family;
use crate::roster::{Member, MemberStatus, Standing, Suspension, standing};

/// What counts beside the roster; volatile, read from its rows.
#[derive(Default)]
pub(super) struct Standings {
    /// The latest emergency suspension of each member, in force or lapsed.
    pub suspensions: Vec<Suspension>,
    /// This node's own decisions.
    pub local: BTreeMap<MemberId, LocalRow>,
    /// What is done about members that are listed for the first time.
    pub policy: AcceptPolicy,
    /// When the coordination node last said that the held roster is current.
    pub confirmed: Timestamp,
    /// The time of the step.
    pub wall: Timestamp,
}

impl Engine {
    /// Reads the rows, at the start of a process and after a rollback.
    pub(super) fn read_standings<V: View>(&mut self, step: &Step<'_, V>) -> Result<(), ReadError> {
        let rows = step.under::<SuspensionRow>(&row_key(1, &()), limits::MEMBERS)?;
        let local = step.under::<LocalRow>(&row_key(2, &()), limits::MEMBERS)?;
        self.standings = Standings {
            suspensions: rows.into_iter().map(|(_, row)| row.suspension).collect(),
            local: local.into_iter().collect(),
            policy: step.get::<PolicyRow>(&())?.map(|row| row.accept).unwrap_or_default(),
            confirmed: step.get::<TimestampRow>(&())?.map_or(Timestamp(0), |row| Timestamp::from_seconds(row.signed)),
            wall: step.wall(),
        };
        Ok(())
    }

    /// Where a member stands for the whole network: by roster, emergency suspensions and its own revocation.
    pub(super) fn network_standing(&self, member: &MemberId) -> Standing {
        let Some(held) = &self.held else { return Standing::Unknown };
        match standing(&held.roster, &self.standings.suspensions, member, self.standings.wall) {
            Standing::Active | Standing::Probation if self.is_revoked(member) => Standing::Revoked,
            stands => stands,
        }
    }

    /// The roster's entry of a member that takes part, at this node as well as in the network.
    pub(super) fn taking_part(&self, member: &MemberId) -> Option<&Member> {
        let entry = self.held.as_ref()?.roster.member(member)?;
        let refused = self.own.member != Some(*member) && self.standings.local.contains_key(member);
        (!refused && self.network_standing(member).takes_part()).then_some(entry)
    }

    /// The other members that take part, in ascending order.
    pub(super) fn peers(&self) -> Vec<MemberId> {
        let Some(held) = &self.held else { return Vec::new() };
        let others = held.roster.taking_part().map(|member| member.id).filter(|member| self.own.member != Some(*member));
        others.filter(|member| self.taking_part(member).is_some()).collect()
    }

    /// The budget class that counts for a member when it asks in a family: S while it is on probation, whatever its entry
    /// says.
    pub(super) fn class_of(&self, member: &MemberId, family: Family) -> Option<&crate::roster::CaseClass> {
        let roster = &self.held.as_ref()?.roster;
        let entry = roster.member(member)?;
        let class = match family {
            _ if entry.status == MemberStatus::Probation => crate::roster::ClassId::S,
            Family::Registered => entry.case_class,
            Family::Sought => entry.ask_class,
        };
        // A table without class S has its smallest first.
        roster.class(class).or_else(|| roster.classes.first())
    }

    /// This node's own standing; none at the coordination node and before a roster is held.
    pub(super) fn own_standing(&self) -> Option<Standing> {
        let me = self.own.member?;
        self.held.as_ref().map(|_| self.network_standing(&me)).filter(|stands| *stands != Standing::Unknown)
    }

    /// After a change: whoever took part and does not is shut out, whoever takes part and did not is let in.
    pub(super) fn standings_changed<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        before: &[MemberId],
        number: u64,
    ) -> Result<(), ReadError> {
        let after = self.peers();
        for member in before.iter().filter(|member| !after.contains(member)) {
            self.shut_out(step, member, number)?;
        }
        let admitted: Vec<MemberId> = after.into_iter().filter(|member| !before.contains(member)).collect();
        for member in &admitted {
            self.meet(step, member)?;
            self.admit(step, member);
        }
        self.running.look_at_builds = true;
        if !admitted.is_empty() && self.own.member.is_some() {
            self.due(step, step.wall(), Due::SpreadFrom(SubjectId([0; 16])));
            self.due(step, step.wall(), Due::AskFrom(PersonId([0; 16])));
        }
        Ok(())
    }

    /// Whether the latest key of a member, or the key that announced it, is void.
    fn is_revoked(&self, member: &MemberId) -> bool {
        self.members.get(member).is_some_and(|keys| match &keys.latest {
            Some(latest) => keys.is_revoked(&latest.op_kid()) || keys.is_revoked(&latest.signed_by),
            None => !keys.revoked.is_empty(),
        })
    }

    // EP-7.
    /// A member does not take part any more: refused from this commit on, by every reader that asks.
    fn shut_out<V: View>(&mut self, step: &mut Step<'_, V>, member: &MemberId, number: u64) -> Result<(), ReadError> {
        // The operator's own refusal has its entry already, with who said so.
        if !self.standings.local.contains_key(member) {
            trail::record(step, None, Act::Suspended, &number.to_be_bytes(), Some(*member))?;
        }
        step.notify(NoticeCode::Suspended, Some(*member), number);
        self.hang_up(step, member);
        self.sweep_member(step, member);
        self.roll_early(step)
    }

    /// Shuts the gate for every transport identity of a member and forgets what is under way to it.
    pub(super) fn hang_up<V: View>(&mut self, step: &mut Step<'_, V>, member: &MemberId) {
        let Some(keys) = self.members.get(member) else { return };
        let latest = keys.latest.iter().map(crate::roster::HeldAnnouncement::peer_id);
        let all: Vec<PeerId> = latest.chain(keys.older.iter().map(|older| PeerId(older.key))).collect();
        for peer in all {
            step.act(Action::Deny { peer });
            self.links.forget(&peer);
        }
    }

    /// Timers of a peer that takes part for the first time. They go on through a suspension: a second lot would make two
    /// bags where one is the rule.
    fn meet<V: View>(&mut self, step: &mut Step<'_, V>, member: &MemberId) -> Result<(), ReadError> {
        if self.own.member.is_none() || step.get::<PeerRow>(member)?.is_some() {
            return Ok(());
        }
        step.put(member, &PeerRow::default());
        let Some(pace) = self.held.as_ref().map(|held| held.roster.pace) else { return Ok(()) };
        let first = step.draw.between(Millis(0), pace.bag);
        self.due(step, step.wall() + first, Due::Bag(*member));
        let check = step.draw.between(Millis(0), pace.round());
        self.due(step, step.wall() + check, Due::SetCheck(*member));
        Ok(())
    }

    /// Members that a roster lists and this node never met wait for its operator, where the policy says so.
    pub(super) fn hold_back_strangers<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        let verdict = match self.standings.policy {
            AcceptPolicy::Auto => return Ok(()),
            AcceptPolicy::Ask => LocalVerdict::Waiting,
            AcceptPolicy::Never => LocalVerdict::PolicyNever,
        };
        for member in self.peers() {
            if step.get::<PeerRow>(&member)?.is_none() {
                let row = LocalRow { verdict, since: step.wall().seconds(), reason: Default::default() };
                step.put(&member, &row);
                self.standings.local.insert(member, row);
                step.notify(NoticeCode::MemberWaits, Some(member), 0);
            }
        }
        Ok(())
    }
}
