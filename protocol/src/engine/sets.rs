//! Sets on the way: an owner answers what its peers ask for, a querier fetches, checks and tests.
//!
//! A set that is not whole and checked never replaces the one that is held (protocol.md 3.4). Every owner is asked every
//! time, never only those that matter (2.9).

use crate::base::{MemberId, limits};
use crate::engine::core::{Engine, JobFor};
use crate::engine::effect::NoticeCode;
use crate::engine::job::{Job, JobClass, TestSlice};
use crate::engine::receive::kind;
use crate::engine::rows::{Due, Lane, Outgoing, PeerRow};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::envelope::Refusal;
use crate::private_match::manifest::{ReceiptStatus, SetGet, SetKind, SetManifest, SetReceipt, SetSegment, WantedSegment};
use crate::private_match::owner::{SetOut, segments_of};
use crate::private_match::querier::{ComingSet, HeldSet, SetIn};
use crate::private_match::{Family, padding};

use sha2::{Digest, Sha256};

/// Segments that are asked for at once.
const WANTED: usize = 16;

impl Engine {
    /// Asks an owner for its sets, and sets the next time.
    pub(super) fn set_check<V: View>(&mut self, step: &mut Step<'_, V>, owner: MemberId) -> Result<(), ReadError> {
        let Some(pace) = self.held.as_ref().map(|held| held.roster.pace) else { return Ok(()) };
        // The timer goes on for a member that is suspended: it may come back.
        self.due(step, step.wall() + pace.delta, Due::SetCheck(owner));
        if self.taking_part(&owner).is_some() && self.is_up(&owner) { self.ask_sets(step, &owner) } else { Ok(()) }
    }

    /// Asks an owner for its sets, outside the regular times where it returned.
    pub(super) fn ask_sets<V: View>(&mut self, step: &mut Step<'_, V>, owner: &MemberId) -> Result<(), ReadError> {
        Family::ALL.into_iter().try_for_each(|family| self.ask_set(step, owner, family))
    }

    fn ask_set<V: View>(&mut self, step: &mut Step<'_, V>, owner: &MemberId, family: Family) -> Result<(), ReadError> {
        if !self.may_exchange() {
            return Ok(());
        }
        let Some(epoch) = self.keys_of(owner, step.wall()).map(|keys| keys.keys.voprf.epoch) else { return Ok(()) };
        let id = (*owner, family);
        let mut set = step.get::<SetIn>(&id)?.unwrap_or_default();
        let have_seq = match (&set.coming, &set.held) {
            (Some(coming), _) => coming.manifest.set_seq,
            (None, Some(held)) if held.manifest.epoch == epoch => held.manifest.set_seq,
            _ => 0,
        };
        let want = set.coming.as_ref().map_or_else(Vec::new, wanted);
        if let Some(coming) = &mut set.coming {
            coming.asked = u32::try_from(want.len()).unwrap_or(u32::MAX);
            step.put(&id, &set);
        }
        Self::expect_segments(step, owner)?;
        let body = SetGet { family, epoch, have_seq, want };
        self.post(step, owner, Lane::Set, kind::SET_GET, None, &body)
    }

    /// As many cells with segments of either family may come as were asked for.
    fn expect_segments<V: View>(step: &mut Step<'_, V>, owner: &MemberId) -> Result<(), ReadError> {
        let mut due = 0u32;
        for family in Family::ALL {
            let coming = step.get::<SetIn>(&(*owner, family))?.and_then(|set| set.coming);
            due = due.saturating_add(coming.map_or(0, |coming| coming.asked));
        }
        let mut peer = step.get::<PeerRow>(owner)?.unwrap_or_default();
        peer.segments_due = due;
        step.put(owner, &peer);
        Ok(())
    }

    /// Owner: a peer asks for its own set, never anybody else's.
    pub(super) fn set_get<V: View>(&mut self, step: &mut Step<'_, V>, from: MemberId, get: &SetGet) -> Result<(), Refusal> {
        let Some(out) = step.get::<SetOut>(&(from, get.family))? else { return Ok(()) };
        let Some(manifest) = out.manifest else { return Ok(()) };
        if get.epoch != manifest.epoch {
            return Err(Refusal::Epoch);
        }
        if manifest.set_seq > get.have_seq {
            return self.post(step, &from, Lane::Set, kind::SET_MANIFEST, None, &manifest).map_err(Refusal::from);
        }
        let expires =
            (step.wall() + self.held.as_ref().map_or(crate::base::Millis(0), |held| held.roster.pace.message_life)).seconds();
        for want in get.want.iter().take(WANTED).filter(|want| want.set_seq == manifest.set_seq) {
            let what = Outgoing::Segment { family: get.family, set_seq: want.set_seq, index: want.index };
            self.enqueue(step, &from, Lane::Set, what, expires)?;
        }
        Ok(())
    }

    /// Owner: what became of a set.
    pub(super) fn set_receipt<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        receipt: &SetReceipt,
    ) -> Result<(), Refusal> {
        let id = (from, receipt.family);
        let Some(mut out) = step.get::<SetOut>(&id)? else { return Err(Refusal::State) };
        if receipt.status == ReceiptStatus::Applied && receipt.set_seq <= out.seq() {
            out.confirmed_seq = out.confirmed_seq.max(receipt.set_seq);
            step.put(&id, &out);
        } else if receipt.status != ReceiptStatus::Applied {
            step.notify(NoticeCode::SetDiscarded, Some(from), receipt.set_seq);
        }
        Ok(())
    }

    /// Querier: a manifest. Checked whole before a segment is asked for.
    pub(super) fn set_manifest<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        manifest: &SetManifest,
    ) -> Result<(), Refusal> {
        let keys = self.keys_of(&from, step.wall()).ok_or(Refusal::KeyUnknown)?.keys.voprf;
        if manifest.epoch != keys.epoch || manifest.voprf_pk != keys.pk {
            return Err(Refusal::Epoch);
        }
        if manifest.profile != crate::linkage::profile_id() {
            return Err(Refusal::Profile);
        }
        if manifest.kind != SetKind::Base {
            return Err(Refusal::Role);
        }
        let cap = self.taking_part(&from).ok_or(Refusal::Suspended)?.people_cap;
        manifest.shape(padding::limit(cap)).map_err(|_| Refusal::SetCorrupt)?;
        let id = (from, manifest.family);
        let mut set = step.get::<SetIn>(&id)?.unwrap_or_default();
        let newest = set.coming.as_ref().map(|coming| &coming.manifest).or(set.held.as_ref().map(|held| &held.manifest));
        if let Some(newest) = newest.filter(|newest| newest.epoch == manifest.epoch && newest.set_seq >= manifest.set_seq) {
            // The same manifest again answers a question that was asked twice.
            return if newest.set_seq == manifest.set_seq && newest.hash() != manifest.hash() {
                Err(Refusal::SetChain)
            } else {
                Ok(())
            };
        }
        if let Some(old) = set.coming.take() {
            for blob in old.segments.into_iter().flatten() {
                step.drop_blob(blob);
            }
        }
        let coming = ComingSet {
            manifest_hash: manifest.hash(),
            segments: vec![None; manifest.segments.len()],
            manifest: manifest.clone(),
            asked: 0,
        };
        set.coming = Some(coming);
        step.put(&id, &set);
        // A bundle brings the segments with the manifest; else they are asked for at the next contact.
        if self.is_up(&from) { self.ask_set(step, &from, manifest.family).map_err(Refusal::from) } else { Ok(()) }
    }

    /// Querier: a segment, checked against its manifest to the last bit (at most some 2 ms for the largest).
    pub(super) fn set_segment<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        from: MemberId,
        segment: &SetSegment,
    ) -> Result<(), Refusal> {
        let id = (from, segment.family);
        let mut set = step.get::<SetIn>(&id)?.ok_or(Refusal::State)?;
        // A segment that came twice, or of a set that was replaced on the way, is no fault of the owner.
        let Some(coming) = &mut set.coming else { return Ok(()) };
        if coming.manifest.set_seq != segment.set_seq || coming.manifest.epoch != segment.epoch {
            return Ok(());
        }
        let index = usize::try_from(segment.index).map_err(|_| Refusal::Size)?;
        let info = coming.manifest.segments.get(index).ok_or(Refusal::SetCorrupt)?;
        let hash: [u8; 32] = Sha256::digest(&segment.bytes).into();
        let sound = hash == info.sha256
            && info.reader(&segment.bytes).is_ok_and(|reader| {
                let mut reader = reader;
                reader.all(|prefix| prefix.is_ok())
            });
        if !sound {
            return self.discard(step, &from, set);
        }
        let Some(slot) = coming.segments.get_mut(index) else { return Err(Refusal::SetCorrupt) };
        if slot.is_none() {
            *slot = Some(step.add_blob(segment.bytes.clone()));
            coming.asked = coming.asked.saturating_sub(1);
        }
        if coming.missing(1).is_empty() {
            return self.apply(step, &from, set);
        }
        // The next lot is asked for when the last of this one is here.
        let is_last = coming.asked == 0;
        step.put(&id, &set);
        let more = is_last && self.is_up(&from);
        if more { self.ask_set(step, &from, segment.family).map_err(Refusal::from) } else { Ok(()) }
    }

    /// The set is not what its manifest says: it is thrown away whole, and the one that is held goes on counting.
    fn discard<V: View>(&mut self, step: &mut Step<'_, V>, from: &MemberId, mut set: SetIn) -> Result<(), Refusal> {
        let Some(coming) = set.coming.take() else { return Err(Refusal::State) };
        for blob in coming.segments.iter().flatten() {
            step.drop_blob(*blob);
        }
        step.put(&(*from, coming.manifest.family), &set);
        step.notify(NoticeCode::SetDiscarded, Some(*from), coming.manifest.set_seq);
        self.confirm(step, from, &coming.manifest, coming.manifest_hash, ReceiptStatus::Corrupt)
    }

    fn apply<V: View>(&mut self, step: &mut Step<'_, V>, from: &MemberId, mut set: SetIn) -> Result<(), Refusal> {
        let Some(coming) = set.coming.take() else { return Err(Refusal::State) };
        if let Some(old) = set.held.take() {
            for blob in old.segments {
                step.drop_blob(blob);
            }
        }
        let (manifest, hash) = (coming.manifest, coming.manifest_hash);
        step.notify(NoticeCode::SetApplied, Some(*from), manifest.adds_count);
        set.held = Some(HeldSet {
            manifest: manifest.clone(),
            manifest_hash: hash,
            segments: coming.segments.into_iter().flatten().collect(),
            tested: false,
        });
        step.put(&(*from, manifest.family), &set);
        self.confirm(step, from, &manifest, hash, ReceiptStatus::Applied)?;
        self.test_again(step, *from, manifest.family).map_err(Refusal::from)
    }

    fn confirm<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        to: &MemberId,
        manifest: &SetManifest,
        manifest_hash: [u8; 32],
        status: ReceiptStatus,
    ) -> Result<(), Refusal> {
        let body =
            SetReceipt { family: manifest.family, epoch: manifest.epoch, set_seq: manifest.set_seq, manifest_hash, status };
        self.post(step, to, Lane::Set, kind::SET_RECEIPT, None, &body).map_err(Refusal::from)
    }

    /// Tests every evaluated subject of a family against an owner's held set: after another set, and after other evaluations. No
    /// message leaves for it.
    pub(super) fn test_again<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        owner: MemberId,
        family: Family,
    ) -> Result<(), ReadError> {
        let id = (owner, family);
        if let Some(again) = self.running.tests.get_mut(&id) {
            *again = true;
            return Ok(());
        }
        let Some(mut set) = step.get::<SetIn>(&id)? else { return Ok(()) };
        let Some(held) = &mut set.held else { return Ok(()) };
        let was_tested = std::mem::replace(&mut held.tested, false);
        let slice = TestSlice {
            owner,
            querier: self.me()?,
            family,
            epoch: held.manifest.epoch,
            set_seq: held.manifest.set_seq,
            salt: *held.manifest.salt.expose(),
            segments: segments_of(&held.manifest, &held.segments),
            done: 0,
        };
        // At the start of a process many may be untested: their manifests together do not fit a batch.
        if was_tested {
            step.put(&id, &set);
        }
        self.running.tests.insert(id, false);
        self.running.start(step, JobFor::Test(owner, family), JobClass::Check, Job::Test(slice));
        Ok(())
    }

    /// A slice of a test is there.
    pub(super) fn tested<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        owner: MemberId,
        family: Family,
        set_seq: u64,
        hits: &[(crate::base::SubjectId, u8, crate::private_match::Tag)],
        complete: bool,
    ) -> Result<(), ReadError> {
        let id = (owner, family);
        let takes_part = self.taking_part(&owner).is_some();
        let current = step.get::<SetIn>(&id)?.and_then(|set| set.held).is_some_and(|held| held.manifest.set_seq == set_seq);
        let mut kept = |step: &mut Step<'_, V>| match family {
            Family::Registered => self.hits_found(step, owner, set_seq, hits),
            Family::Sought => self.ask_hits_found(step, owner, set_seq, hits),
        };
        if current && takes_part && !kept(step)? {
            // The rest of the hits is found again by another test.
            self.running.tests.insert(id, true);
        }
        if !complete {
            return Ok(());
        }
        let again = self.running.tests.remove(&id).unwrap_or(false);
        if again || !current {
            return self.test_again(step, owner, family);
        }
        if let Some(mut set) = step.get::<SetIn>(&id)?
            && let Some(held) = &mut set.held
        {
            held.tested = true;
            step.put(&id, &set);
        }
        Ok(())
    }

    /// At the start of a process: tests that a crash cut short.
    pub(super) fn resume_tests<V: View>(&mut self, step: &mut Step<'_, V>) -> Result<(), ReadError> {
        for owner in self.peers() {
            for family in Family::ALL {
                let set = step.get::<SetIn>(&(owner, family))?.unwrap_or_default();
                if set.held.is_some_and(|held| !held.tested) {
                    self.test_again(step, owner, family)?;
                }
            }
        }
        Ok(())
    }
}

fn wanted(coming: &ComingSet) -> Vec<WantedSegment> {
    let set_seq = coming.manifest.set_seq;
    coming.missing(WANTED.min(limits::PAGE_ROWS)).into_iter().map(|index| WantedSegment { set_seq, index }).collect()
}
