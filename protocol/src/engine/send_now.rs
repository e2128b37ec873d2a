//! A bag outside the rhythm, for the rare case in which hours count: two different users decide on it.
//!
//! It has the size and form of every other bag; only its time tells that something was in a hurry (protocol.md 2.9). The
//! regular ones go on as they were planned.

use crate::audit::Act;
use crate::base::{MemberId, UserId};
use crate::engine::answer::{Answer, Failure};
use crate::engine::core::Engine;
use crate::engine::rows::{BagAskedRow, Lane};
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::View;

impl Engine {
    /// The first user's word waits for a day for another's; the second one's sends a bag at once.
    pub(super) fn bag_send<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        user: UserId,
        member: MemberId,
    ) -> Result<Answer, Failure> {
        if self.own.member == Some(member) {
            return Err(Failure::OwnMember);
        }
        if self.taking_part(&member).is_none() {
            return Err(Failure::Unknown);
        }
        if !self.may_exchange() {
            return Err(Failure::RosterOld);
        }
        let day = self.held.as_ref().ok_or(Failure::NotJoined)?.roster.pace.day();
        let asked = step.get::<BagAskedRow>(&member)?.filter(|asked| step.wall().since(asked.at) < day);
        match asked {
            Some(asked) if asked.user == user => Err(Failure::SecondPerson),
            Some(asked) => {
                let peer = self.peer_of(&member).filter(|peer| self.links.is_free(peer, Lane::Bag));
                let peer = peer.ok_or_else(|| Failure::State { state: "not_connected".to_owned() })?;
                step.remove::<BagAskedRow>(&member);
                trail::record_two(step, asked.user, user, Act::BagForced, &[], Some(member))?;
                self.send_bag(step, &peer, &member)?;
                Ok(Answer::Bag { member, sent: true })
            }
            None => {
                step.put(&member, &BagAskedRow { user, at: step.wall() });
                trail::record(step, Some(user), Act::SecondAsked, &[], Some(member))?;
                Ok(Answer::Bag { member, sent: false })
            }
        }
    }
}
