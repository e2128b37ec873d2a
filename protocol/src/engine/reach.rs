//! How each peer is reached, and when it was last: what `status` says of links, without a word about anybody's records.
//!
//! The engine's router and its regular round of public messages call it. "Last seen" is the hour only, so that a row is
//! written once an hour a peer, and so that nobody's working day is kept to the minute. Roads are volatile: a process that
//! starts has none.

use crate::base::{MemberId, Millis, PeerId};
use crate::engine::answer::LinkLine;
use crate::engine::core::Engine;
use crate::engine::input::Path;
use crate::engine::links::Road;
use crate::engine::rows::ReachRow;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};

/// Longest wait between two calls, in multiples of the first: 16 minutes in a real network.
const LONGEST: u32 = 3;

impl Engine {
    /// Notes that a member is connected in this hour.
    pub(super) fn note_seen<V: View>(&self, step: &mut Step<'_, V>, peer: &PeerId) {
        let Some(member) = self.member_of(peer) else { return };
        let hour = step.wall().0 / Millis::hours(1).0;
        // A row that cannot be read is written anew.
        if !matches!(step.get::<ReachRow>(&member), Ok(Some(row)) if row.hour == hour) {
            step.put(&member, &ReachRow { hour });
        }
    }

    /// How each member is reached, one line a member.
    pub(super) fn link_lines<V: View>(&self, step: &Step<'_, V>) -> Result<Vec<LinkLine>, ReadError> {
        self.peers().into_iter().map(|member| self.link_line(step, member)).collect()
    }

    fn link_line<V: View>(&self, step: &Step<'_, V>, member: MemberId) -> Result<LinkLine, ReadError> {
        let road = self.peer_of(&member).and_then(|peer| self.links.road(&peer));
        let seen = step.get::<ReachRow>(&member)?.map(|row| row.hour.saturating_mul(Millis::hours(1).0 / 1_000));
        Ok(LinkLine { member, link: word(road).to_owned(), place: road.is_some_and(|road| road.place), seen })
    }

    /// How long a peer is left alone after the calls that failed in a row: twice as long each time, and drawn, so that nodes
    /// which lost each other do not all come back at one moment. The coordination node is called at the first pace always:
    /// its return opens the way to all who are behind NAT.
    pub(super) fn redial_wait<V: View>(&mut self, step: &mut Step<'_, V>, member: Option<MemberId>) -> Millis {
        let failures = member.map_or(0, |member| self.links.failures(&member)).min(LONGEST);
        let base = Millis(self.redial_after().0.saturating_mul(1 << failures));
        step.draw.between(base, Millis(base.0.saturating_mul(2)))
    }
}

/// The word for a road.
pub(super) const fn word(road: Option<Road>) -> &'static str {
    match road {
        None => "down",
        Some(Road { path: Path::Direct, .. }) => "direct",
        Some(Road { path: Path::Relayed, .. }) => "relayed",
    }
}
