//! How a node is: counters and the state of its peers. No count of hits, no personal data.

use crate::base::record::row_key;
use crate::base::{MemberId, PeerId};
use crate::casework::duplicate::DuplicateCounts;
use crate::engine::answer::{Answer, Failure, NodeStatus, SetLine};
use crate::engine::core::Engine;
use crate::engine::member_rows::LocalVerdict;
use crate::engine::rows::{Counters, Lane, OutRow};
use crate::engine::step::Step;
use crate::engine::view::View;
use crate::private_match::Family;
use crate::private_match::household::CutRow;
use crate::private_match::owner::{IndexState, SetOut};
use crate::private_match::querier::SetIn;
use crate::roster::Standing;

impl Engine {
    pub(super) fn status<V: View>(&self, step: &Step<'_, V>) -> Result<Answer, Failure> {
        let counters = step.get::<Counters>(&())?.unwrap_or_default();
        let index = step.get::<IndexState>(&())?;
        let sets = self.set_lines(step, index.as_ref())?;
        let cut = step.get::<CutRow>(&())?.unwrap_or_default();
        let up = |peer: PeerId| self.links.is_up(&peer);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Answer::Status(Box::new(NodeStatus {
            member: self.own.member.map_or_else(|| "@coordinator".to_owned(), |member| member.to_string()),
            network: Some(self.own.network),
            drill: self.own.network.is_drill(),
            custody: if self.records_open { "open" } else { "locked" }.to_owned(),
            roster_version: self.held.as_ref().map_or(0, |held| held.roster.version),
            standing: self.own_standing().map_or("none", crate::roster::Standing::word).to_owned(),
            freshness: self.held.as_ref().map_or("none", |_| self.freshness().word()).to_owned(),
            confirmed: self.confirmed().seconds(),
            expires: self.held.as_ref().map_or(0, |held| held.roster.expires),
            denied: self.decided(|verdict| verdict == LocalVerdict::Denied),
            waiting: self.decided(|verdict| verdict != LocalVerdict::Denied),
            held_back: self.held_back(step)?,
            suspended: self.shut_out_members(),
            peers: count(self.peers().len()),
            peers_up: count(self.peers().iter().filter(|peer| self.is_up(peer)).count()),
            coordinator_up: self.held.as_ref().is_some_and(|held| up(PeerId(held.roster.coordinator.key))),
            profile: self.held.as_ref().map(|held| held.roster.profile.id),
            epoch: index.as_ref().map_or(0, |state| state.epoch.0),
            people: index.as_ref().map_or(0, |state| state.registered.entries),
            unindexed: index.as_ref().map_or(0, |state| state.registered.pending),
            duplicates: step.get::<DuplicateCounts>(&())?.unwrap_or_default().proposed,
            keys_cut: cut.cut,
            keys: cut.keys,
            cut_warning: cut.over,
            sets_out: count(sets.iter().filter(|line| line.current).count()),
            sets_in: count(sets.iter().filter(|line| line.held_seq > 0).count()),
            sets,
            log: self.log_view(step)?,
            links: self.link_lines(step)?,
            relay_place: self
                .held
                .as_ref()
                .and_then(|held| self.links.road(&PeerId(held.roster.coordinator.key)))
                .is_some_and(|road| road.place),
            cases: counters.cases,
            evaluations_open: number(counters.evaluations_open),
            evaluations_done: number(counters.evaluations_done),
            outbox: number(counters.outbox),
            bags_waiting: self.bags_waiting(step)?,
        })))
    }

    fn decided(&self, which: impl Fn(LocalVerdict) -> bool) -> Vec<MemberId> {
        self.standings.local.iter().filter(|(_, row)| which(row.verdict)).map(|(member, _)| *member).collect()
    }

    fn shut_out_members(&self) -> Vec<MemberId> {
        let members = self.held.iter().flat_map(|held| &held.roster.members).map(|member| member.id);
        members.filter(|id| matches!(self.network_standing(id), Standing::Suspended | Standing::Revoked)).collect()
    }

    fn bags_waiting<V: View>(&self, step: &Step<'_, V>) -> Result<u32, Failure> {
        let mut waiting = 0;
        for member in self.peers() {
            let prefix = row_key(1, &(member, Lane::Bag.number()));
            waiting += u32::from(!step.under::<OutRow>(&prefix, 1)?.is_empty());
        }
        Ok(waiting)
    }

    fn set_lines<V: View>(&self, step: &Step<'_, V>, index: Option<&IndexState>) -> Result<Vec<SetLine>, Failure> {
        if self.own.member.is_none() {
            return Ok(Vec::new());
        }
        let mut lines = Vec::new();
        for member in self.peers() {
            let id = (member, Family::Registered);
            let out = step.get::<SetOut>(&id)?;
            let held = step.get::<SetIn>(&id)?.and_then(|set| set.held);
            let current = index.zip(out.as_ref()).is_some_and(|(index, out)| {
                index.registered.pending == 0 && index.registered.generation == out.generation && index.epoch == out.epoch
            });
            lines.push(SetLine {
                member,
                up: self.is_up(&member),
                built_seq: out.as_ref().map_or(0, |out| out.set_seq),
                confirmed_seq: out.as_ref().map_or(0, |out| out.confirmed_seq),
                held_seq: held.as_ref().map_or(0, |held| held.head.set_seq),
                held_count: held.as_ref().map_or(0, |held| held.head.count),
                held_bytes: held.as_ref().map_or(0, |held| held.bytes),
                current,
                built_epoch: out.as_ref().map_or(0, |out| out.epoch.0),
                shown_from: out.as_ref().map_or(0, |out| out.shown_from),
                held_epoch: held.as_ref().map_or(0, |held| held.head.epoch.0),
            });
        }
        Ok(lines)
    }
}
