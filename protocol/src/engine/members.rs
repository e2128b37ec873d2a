//! The operator's own word on members: a veto that needs nobody, and who is taken in when a roster lists somebody new.
//!
//! It changes what this node does and nothing else: the roster stays the custodians', other members are told nothing. It
//! takes effect in the step that records it and survives a restart.

use crate::audit::Act;
use crate::base::{MemberId, UserId};
use crate::engine::answer::{Answer, Failure, LocalDecision, MemberView};
use crate::engine::core::Engine;
use crate::engine::member_rows::{AcceptPolicy, LocalRow, LocalVerdict, PolicyRow};
use crate::engine::public::status_word;
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::View;
use crate::roster::{Freshness, Member, ReasonCode, Suspension};

impl Engine {
    /// `member list`.
    pub(super) fn member_list(&self) -> Result<Answer, Failure> {
        let held = self.held.as_ref().ok_or(Failure::NotJoined)?;
        let members = held.roster.members.iter().map(|member| self.member_view(member)).collect();
        Ok(Answer::Members { policy: self.standings.policy, members })
    }

    /// `member show`.
    pub(super) fn member_show(&self, id: &MemberId) -> Result<Answer, Failure> {
        let held = self.held.as_ref().ok_or(Failure::NotJoined)?;
        let member = held.roster.member(id).ok_or(Failure::Unknown)?;
        Ok(Answer::Member(Box::new(self.member_view(member))))
    }

    /// `member deny`: nothing is sent to the member and nothing of it is answered, from this commit on.
    pub(super) fn member_deny<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        id: MemberId,
        reason: ReasonCode,
    ) -> Result<Answer, Failure> {
        self.known_other(&id)?;
        let before = self.peers();
        let row = LocalRow { verdict: LocalVerdict::Denied, since: step.wall().seconds(), reason };
        step.use_ballast();
        step.put(&id, &row);
        self.standings.local.insert(id, row);
        trail::record(step, Some(user), Act::MemberDenied, &reason.code().to_be_bytes(), Some(id))?;
        self.standings_changed(step, &before, reason.code())?;
        self.member_show(&id)
    }

    /// `member allow`: takes a veto back. A member that never was here is accepted by it as well.
    pub(super) fn member_allow<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        id: MemberId,
    ) -> Result<Answer, Failure> {
        self.known_other(&id)?;
        self.let_in(step, user, id)
    }

    /// `member accept`: takes in a member that waits.
    pub(super) fn member_accept<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        id: MemberId,
    ) -> Result<Answer, Failure> {
        self.known_other(&id)?;
        match self.standings.local.get(&id).map(|row| row.verdict) {
            Some(LocalVerdict::Waiting | LocalVerdict::PolicyNever) => {}
            Some(LocalVerdict::Denied) => return Err(Failure::State { state: "denied".to_owned() }),
            None => return Err(Failure::State { state: "accepted".to_owned() }),
        }
        // Somebody who was shut out meanwhile would be taken in on an old roster (protocol.md 2.12: no onboarding).
        if self.freshness() != Freshness::Full {
            return Err(Failure::RosterOld);
        }
        self.let_in(step, user, id)
    }

    /// `member policy`: shows or sets what is done about members that are listed for the first time.
    pub(super) fn member_policy<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        accept: Option<AcceptPolicy>,
    ) -> Result<Answer, Failure> {
        if let Some(accept) = accept.filter(|accept| *accept != self.standings.policy) {
            step.put(&(), &PolicyRow { accept });
            self.standings.policy = accept;
            trail::record(step, Some(user), Act::PolicySet, &[accept as u8], None)?;
        }
        Ok(Answer::MemberPolicy { policy: self.standings.policy })
    }

    fn let_in<V: View>(&mut self, step: &mut Step<'_, V>, user: UserId, id: MemberId) -> Result<Answer, Failure> {
        if self.standings.local.contains_key(&id) {
            let before = self.peers();
            step.remove::<LocalRow>(&id);
            self.standings.local.remove(&id);
            trail::record(step, Some(user), Act::MemberAllowed, &[], Some(id))?;
            self.standings_changed(step, &before, 0)?;
        }
        self.member_show(&id)
    }

    /// Whether a member is on the roster and is not this one.
    pub(super) fn known_other(&self, id: &MemberId) -> Result<(), Failure> {
        if self.own.member.is_none() {
            return Err(Failure::Role);
        }
        if self.own.member == Some(*id) {
            return Err(Failure::OwnMember);
        }
        self.held.as_ref().ok_or(Failure::NotJoined)?.roster.member(id).map(|_| ()).ok_or(Failure::Unknown)
    }

    fn member_view(&self, member: &Member) -> MemberView {
        let stands = self.network_standing(&member.id);
        let in_force = |suspension: &&Suspension| {
            suspension.member == member.id && stands == crate::roster::Standing::Suspended && member.takes_part()
        };
        let emergency = self.standings.suspensions.iter().find(in_force);
        let local = self.standings.local.get(&member.id).map(|row| LocalDecision {
            decision: match row.verdict {
                LocalVerdict::Denied => "denied",
                LocalVerdict::Waiting => "waiting",
                LocalVerdict::PolicyNever => "policy_never",
            }
            .to_owned(),
            since: row.since,
            reason: row.reason,
        });
        MemberView {
            member: member.id,
            name: member.names.first().map_or_else(String::new, |(_, name)| name.clone()),
            country: member.country.clone(),
            status: status_word(member.status).to_owned(),
            standing: stands.word().to_owned(),
            status_since: member.status_since,
            joined: member.joined,
            people_cap: member.people_cap,
            case_class: format!("{:?}", member.case_class),
            ask_class: format!("{:?}", member.ask_class),
            incident_contact: member.incident_contact.clone(),
            root_key: trail::hex(&crate::envelope::kid_of(&member.root_key).0),
            suspended_until: emergency.map(|suspension| suspension.until),
            suspended_for: emergency.map(|suspension| ReasonCode::from_code(suspension.reason_code)),
            local,
            announced: self.members.get(&member.id).is_some_and(|keys| keys.latest.is_some()),
            up: self.is_up(&member.id) || self.own.member == Some(member.id),
        }
    }
}
