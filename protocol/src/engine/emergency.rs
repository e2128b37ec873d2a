//! What stops a member at once: a suspension that a few custodians sign, and the member's own word that its key is lost.
//!
//! Both may come from any peer or file. A suspension lapses by itself unless a roster confirms it; a revoked key stays void,
//! and the member comes back when its offline root key announces another (protocol.md 2.12). What remains: as many custodians
//! as may suspend can keep one member out for 14 days for each version of the roster, and everybody sees that they did.

use crate::audit::Act;
use crate::base::record::row_key;
use crate::base::{MemberId, limits};
use crate::engine::answer::PublicProblem;
use crate::engine::core::Engine;
use crate::engine::due::Due;
use crate::engine::effect::NoticeCode;
use crate::engine::member_rows::{RevocationRow, SuspensionRow};
use crate::engine::public::{Taken, roster_problem};
use crate::engine::step::Step;
use crate::engine::trail;
use crate::engine::view::{ReadError, View};
use crate::envelope::{CosignedKind, Message, Verified};
use crate::roster::{follows_suspension, parse_signed, payload_hash, verify_suspension};

/// Revocations that are passed on: a member revokes one key in 90 days, and 32 are kept of each.
const REVOCATIONS: usize = 4 * limits::MEMBERS;

impl Engine {
    /// A suspension from an operator or a peer.
    pub(super) fn take_suspension<V: View>(&mut self, step: &mut Step<'_, V>, bytes: &[u8]) -> Result<Taken, PublicProblem> {
        let held = self.held.as_ref().ok_or(PublicProblem::FingerprintNeeded)?;
        let suspension = verify_suspension(bytes, held, step.wall()).map_err(roster_problem)?;
        let member = suspension.member;
        let previous = self.standings.suspensions.iter().find(|known| known.member == member);
        if previous == Some(&suspension) {
            return Ok(Taken::Known);
        }
        if !previous.is_none_or(|previous| follows_suspension(previous, &suspension)) {
            return Err(PublicProblem::SuspendedBefore);
        }
        let before = self.peers();
        step.use_ballast();
        let (payload, _) = parse_signed(bytes).map_err(|_| PublicProblem::Form)?;
        self.log_entry(step, CosignedKind::Suspension.kind(), &payload_hash(&payload)).map_err(|_| PublicProblem::Form)?;
        let row = SuspensionRow { document: bytes.to_vec(), suspension };
        step.put(&member, &row);
        self.standings.suspensions.retain(|known| known.member != member);
        self.standings.suspensions.push(suspension);
        self.due(step, crate::base::Timestamp::from_seconds(suspension.until.saturating_add(1)), Due::Lapse(member));
        let outcome = trail::record(step, None, Act::SuspendedForNow, &suspension.until.to_be_bytes(), Some(member))
            .and_then(|()| self.standings_changed(step, &before, suspension.roster_version));
        outcome.map_err(|_| PublicProblem::Form)?;
        self.offer(step, &[bytes.to_vec()]);
        Ok(Taken::Accepted)
    }

    /// A suspension may have come to its end: the member takes part again, unless the roster or another one says otherwise.
    pub(super) fn lapse<V: View>(&mut self, step: &mut Step<'_, V>, member: MemberId) -> Result<(), ReadError> {
        // The time of this step is past the end, so that only this member's standing before it is asked for.
        let before: Vec<MemberId> = self.peers().into_iter().filter(|peer| *peer != member).collect();
        if self.taking_part(&member).is_none() {
            return Ok(());
        }
        trail::record(step, None, Act::Readmitted, &[], Some(member))?;
        step.notify(NoticeCode::Readmitted, Some(member), 0);
        self.standings_changed(step, &before, 0)
    }

    /// A revocation was verified and the member's keys hold it: it is kept, passed on, and the key's links end.
    pub(super) fn revoked<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        member: MemberId,
        kid: crate::base::Kid,
        message: &Verified<Message>,
        bytes: &[u8],
    ) -> Result<(), ReadError> {
        step.use_ballast();
        let expires = message.header.expires;
        step.put(&(member, kid), &RevocationRow { message: bytes.to_vec(), expires });
        trail::record(step, None, Act::KeyRevoked, &kid.0, Some(member))?;
        step.notify(NoticeCode::KeyRevoked, Some(member), 0);
        if self.taking_part(&member).is_none() && self.own.member != Some(member) {
            self.hang_up(step, &member);
        }
        self.offer(step, &[bytes.to_vec()]);
        Ok(())
    }

    /// Suspensions and revocations that others still take, in a fixed order.
    pub(super) fn emergencies<V: View>(&self, step: &Step<'_, V>) -> Result<Vec<Vec<u8>>, ReadError> {
        let now = step.wall().seconds();
        let suspensions = step.under::<SuspensionRow>(&row_key(1, &()), limits::MEMBERS)?;
        let mut items: Vec<Vec<u8>> =
            suspensions.into_iter().filter(|(_, row)| row.suspension.until >= now).map(|(_, row)| row.document).collect();
        let revocations = step.pages::<RevocationRow>(&row_key(3, &()), REVOCATIONS / limits::PAGE_ROWS)?;
        items.extend(revocations.into_iter().filter(|(_, row)| row.expires >= now).map(|(_, row)| row.message));
        Ok(items)
    }
}
