//! Sets on the way: an owner answers what its peers ask for, a querier fetches and checks.
//!
//! A set that is not whole and checked never replaces the one that is held (protocol.md 3.4). Every owner is asked every
//! time, never only those that matter (2.9). A delta is checked against the set that it changes by a job, since that streams
//! it; a chain that breaks is begun again from its base once, and the set that is held goes on counting.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::base::MemberId;
use crate::engine::chain_parts::{drop_parts, segments};
use crate::engine::core::{Engine, JobFor};
use crate::engine::due::Due;
use crate::engine::effect::NoticeCode;
use crate::engine::job::{DeltaCheck, Job, JobClass};
use crate::engine::receive::kind;
use crate::engine::rows::{Lane, Outgoing};
use crate::engine::set_lane::WANTED;
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::envelope::Refusal;
use crate::private_match::chain::ChainHead;
use crate::private_match::manifest::{ReceiptStatus, SetGet, SetKind, SetManifest, SetReceipt, SetSegment};
use crate::private_match::owner::{SetOut, SetPart, segments_of};
use crate::private_match::querier::{ComingSet, HeldPart, HeldSet, Repair, SetIn};
use crate::private_match::{Family, padding};

impl Engine {
    /// Asks an owner for its sets, and sets the next time.
    pub(super) fn set_check<V: View>(&mut self, step: &mut Step<'_, V>, owner: MemberId) -> Result<(), ReadError> {
        let Some(pace) = self.held.as_ref().map(|held| held.roster.pace) else { return Ok(()) };
        // The timer goes on for a member that is suspended: it may come back.
        self.due(step, step.wall() + pace.round(), Due::SetCheck(owner));
        if self.taking_part(&owner).is_none() || !self.is_up(&owner) {
            return Ok(());
        }
        for family in Family::ALL {
            let id = (owner, family);
            // A chain that breaks every day is begun again once a day, no more.
            if let Some(mut set) = step.get::<SetIn>(&id)?.filter(|set| set.repair == Repair::Tried) {
                set.repair = Repair::None;
                step.put(&id, &set);
            }
        }
        self.ask_sets(step, &owner)
    }

    /// Asks an owner for its sets, outside the regular times where it returned.
    pub(super) fn ask_sets<V: View>(&mut self, step: &mut Step<'_, V>, owner: &MemberId) -> Result<(), ReadError> {
        Family::ALL.into_iter().try_for_each(|family| self.ask_set(step, owner, family))
    }

    fn ask_set<V: View>(&mut self, step: &mut Step<'_, V>, owner: &MemberId, family: Family) -> Result<(), ReadError> {
        if !self.may_exchange() {
            return Ok(());
        }
        if self.keys_of(owner, step.wall()).is_none() {
            return Ok(());
        }
        self.enqueue_new(step, owner, vec![Outgoing::SetGet(family)])
    }

    /// Owner: a peer asks for its own set, never anybody else's: for segments of what it knows of, else for what follows.
    pub(super) fn set_get<V: View>(&mut self, step: &mut Step<'_, V>, from: MemberId, get: &SetGet) -> Result<(), Refusal> {
        let Some(out) = step.get::<SetOut>(&(from, get.family))? else { return Ok(()) };
        if get.epoch != out.epoch {
            return Err(Refusal::Epoch);
        }
        let segment = |set_seq, index| Outgoing::Segment { family: get.family, set_seq, index };
        let mut lengths: BTreeMap<u64, usize> = BTreeMap::new();
        let mut served = Vec::new();
        for want in get.want.iter().take(WANTED) {
            let length = match lengths.get(&want.set_seq) {
                Some(length) => *length,
                None => step.get::<SetPart>(&(from, get.family, want.set_seq))?.map_or(0, |part| part.segments.len()),
            };
            lengths.insert(want.set_seq, length);
            if usize::try_from(want.index).is_ok_and(|index| index < length) {
                served.push(segment(want.set_seq, want.index));
            }
        }
        // Segments of a set that a base replaced are not there any more: the base is offered.
        if served.is_empty() {
            let Some(next) = out.next_after(get.have_seq) else { return Ok(()) };
            let Some(part) = step.get::<SetPart>(&(from, get.family, next))? else { return Ok(()) };
            served.push(Outgoing::Manifest { family: get.family, set_seq: next });
            if part.manifest.comes_whole() {
                served.extend((0u32..).take(part.segments.len()).map(|index| segment(next, index)));
            }
        }
        self.enqueue_new(step, &from, served).map_err(Refusal::from)
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
        if receipt.status != ReceiptStatus::Applied {
            step.notify(NoticeCode::SetDiscarded, Some(from), receipt.set_seq);
        } else if receipt.epoch == out.epoch && receipt.set_seq <= out.set_seq {
            out.confirmed_seq = out.confirmed_seq.max(receipt.set_seq);
            step.put(&id, &out);
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
        // SE-1.
        let keys = self.keys_of(&from, step.wall()).ok_or(Refusal::KeyUnknown)?.keys.voprf;
        if manifest.epoch != keys.epoch || manifest.voprf_pk != keys.pk {
            return Err(Refusal::Epoch);
        }
        if manifest.profile != crate::linkage::profile_id() {
            return Err(Refusal::Profile);
        }
        let limit = self.set_limit(&from).ok_or(Refusal::Suspended)?;
        manifest.shape(limit).map_err(|_| Refusal::SetCorrupt)?;
        let id = (from, manifest.family);
        let mut set = step.get::<SetIn>(&id)?.unwrap_or_default();
        let is_base = manifest.kind == SetKind::Base;
        if let Some(coming) = set.coming.as_ref().filter(|coming| coming.manifest.epoch == manifest.epoch) {
            if coming.manifest.set_seq == manifest.set_seq {
                // The same manifest again answers a question that was asked twice.
                return if coming.manifest_hash == manifest.hash() { Ok(()) } else { Err(Refusal::SetChain) };
            }
            // A file brings what follows at once: it is given again when this one is checked.
            if !is_base && manifest.set_seq > coming.manifest.set_seq && self.running.checks.contains_key(&id) {
                return Err(Refusal::Busy);
            }
            // What follows is asked for when this one is here; only a later base takes its place.
            if !is_base || manifest.set_seq < coming.manifest.set_seq {
                return Ok(());
            }
        }
        // SE-2.
        match set.held.as_ref().filter(|held| held.head.epoch == manifest.epoch) {
            _ if set.repair == Repair::Wanted && is_base => {}
            Some(held) if manifest.set_seq <= held.head.set_seq => {
                let known = step.get::<HeldPart>(&(id.0, id.1, manifest.set_seq))?;
                return if known.is_none_or(|part| part.manifest == *manifest) { Ok(()) } else { Err(Refusal::SetChain) };
            }
            Some(held) if held.head.after(manifest, limit).is_err() => return self.chain_broken(step, id, set, manifest),
            None if !is_base => return self.chain_broken(step, id, set, manifest),
            _ => {}
        }
        drop_coming(step, &mut set);
        set.coming = Some(ComingSet {
            manifest_hash: manifest.hash(),
            segments: vec![None; manifest.segments.len()],
            manifest: manifest.clone(),
            // A small delta's segments are with it.
            asked: if manifest.comes_whole() { u32::try_from(manifest.segments.len()).unwrap_or(u32::MAX) } else { 0 },
        });
        step.put(&id, &set);
        if manifest.comes_whole() {
            return Ok(());
        }
        // A bundle brings the segments with the manifest; else they are asked for at the next contact.
        if self.is_up(&from) { self.ask_set(step, &from, manifest.family).map_err(Refusal::from) } else { Ok(()) }
    }

    /// Most prefixes of a set of an owner; none if it does not take part.
    fn set_limit(&self, owner: &MemberId) -> Option<u64> {
        self.taking_part(owner).map(|member| padding::limit(member.people_cap))
    }

    /// A delta does not continue what is held: the base is fetched again once, whatever is held, and then a person has to
    /// see to it. What is held goes on counting.
    fn chain_broken<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        id: (MemberId, Family),
        mut set: SetIn,
        manifest: &SetManifest,
    ) -> Result<(), Refusal> {
        // SE-8.
        step.notify(NoticeCode::Refused, Some(id.0), Refusal::SetChain.code());
        self.confirm(step, &id.0, manifest, manifest.hash(), ReceiptStatus::Chain)?;
        if set.repair != Repair::None {
            step.notify(NoticeCode::SetDiscarded, Some(id.0), manifest.set_seq);
            return Ok(());
        }
        set.repair = Repair::Wanted;
        set.broken_seq = set.held.as_ref().map_or(manifest.set_seq, |held| held.head.set_seq.saturating_add(1));
        drop_coming(step, &mut set);
        step.put(&id, &set);
        self.ask_set(step, &id.0, id.1).map_err(Refusal::from)
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
        // SE-3, SE-5.
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
            if coming.manifest.kind == SetKind::Base {
                return self.apply(step, &from, set);
            }
            step.put(&id, &set);
            return self.check_delta(step, id).map_err(Refusal::from);
        }
        // The next lot is asked for when the last of this one is here.
        let is_last = coming.asked == 0;
        step.put(&id, &set);
        let more = is_last && self.is_up(&from);
        if more { self.ask_set(step, &from, segment.family).map_err(Refusal::from) } else { Ok(()) }
    }

    /// Starts the check of a delta that is here whole, if there is one and no check runs.
    pub(super) fn check_delta<V: View>(&mut self, step: &mut Step<'_, V>, id: (MemberId, Family)) -> Result<(), ReadError> {
        let set = step.get::<SetIn>(&id)?.unwrap_or_default();
        let (Some(held), Some(coming)) = (&set.held, &set.coming) else { return Ok(()) };
        let Some(files) = coming.whole().filter(|_| coming.manifest.kind == SetKind::Delta) else { return Ok(()) };
        if self.running.checks.contains_key(&id) {
            return Ok(());
        }
        let check = DeltaCheck {
            owner: id.0,
            family: id.1,
            manifest_hash: coming.manifest_hash,
            delta: segments_of(&coming.manifest, &files),
            held: segments::<HeldPart, V>(step, id, held.head.base_seq..=held.head.set_seq)?,
            done: 0,
            lists: None,
        };
        self.running.checks.insert(id, coming.manifest_hash);
        self.running.start(step, JobFor::Check(id.0, id.1), JobClass::Check, Job::Check(Box::new(check)));
        Ok(())
    }

    /// A delta was checked against the set that it changes.
    pub(super) fn checked<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        id: (MemberId, Family),
        manifest_hash: [u8; 32],
        fits: bool,
    ) -> Result<(), ReadError> {
        self.running.checks.remove(&id);
        let set = step.get::<SetIn>(&id)?.unwrap_or_default();
        if set.coming.as_ref().is_none_or(|coming| coming.manifest_hash != manifest_hash) {
            // Another one came meanwhile.
            return self.check_delta(step, id);
        }
        let outcome = if fits { self.apply(step, &id.0, set) } else { self.discard(step, &id.0, set) };
        outcome.map_err(|_| ReadError::Damaged)
    }

    /// The set is not what its manifest says: it is thrown away whole, and the one that is held goes on counting. After a
    /// delta the base is asked for at the next regular time.
    fn discard<V: View>(&mut self, step: &mut Step<'_, V>, from: &MemberId, mut set: SetIn) -> Result<(), Refusal> {
        // SE-7.
        let Some(coming) = set.coming.clone() else { return Err(Refusal::State) };
        drop_coming(step, &mut set);
        if coming.manifest.kind == SetKind::Delta && set.repair == Repair::None {
            set.repair = Repair::Wanted;
            set.broken_seq = coming.manifest.set_seq;
        }
        step.put(&(*from, coming.manifest.family), &set);
        step.notify(NoticeCode::SetDiscarded, Some(*from), coming.manifest.set_seq);
        self.confirm(step, from, &coming.manifest, coming.manifest_hash, ReceiptStatus::Corrupt)
    }

    /// A whole and checked set counts from now on: a base alone, a delta behind those before it.
    fn apply<V: View>(&mut self, step: &mut Step<'_, V>, from: &MemberId, mut set: SetIn) -> Result<(), Refusal> {
        let Some(coming) = set.coming.take() else { return Err(Refusal::State) };
        let segments = coming.whole().ok_or(Refusal::State)?;
        let (manifest, hash) = (coming.manifest, coming.manifest_hash);
        let id = (*from, manifest.family);
        let mut bytes = manifest.segments.iter().map(|segment| segment.len).sum();
        let old = set.held.take();
        let (head, tested_seq) = match (manifest.kind, old) {
            (SetKind::Base, old) => {
                if let Some(old) = old {
                    drop_parts::<HeldPart, V>(step, id, old.head.base_seq..=old.head.set_seq)?;
                }
                (ChainHead::of_base(&manifest), 0)
            }
            (SetKind::Delta, None) => return Err(Refusal::SetChain),
            (SetKind::Delta, Some(old)) => {
                let limit = self.set_limit(from).unwrap_or(u64::MAX);
                bytes += old.bytes;
                (old.head.after(&manifest, limit).map_err(|_| Refusal::SetChain)?, old.tested_seq)
            }
        };
        set.repair = match (manifest.kind, set.repair) {
            (SetKind::Base, Repair::Wanted) => Repair::Tried,
            (SetKind::Base, repair) => repair,
            (SetKind::Delta, repair) if head.set_seq < set.broken_seq => repair,
            (SetKind::Delta, _) => Repair::None,
        };
        step.notify(NoticeCode::SetApplied, Some(*from), head.count);
        let is_behind = head.next_due < step.wall().seconds();
        set.held = Some(HeldSet { head, bytes, tested_seq });
        step.put(&(id.0, id.1, manifest.set_seq), &HeldPart { manifest: manifest.clone(), segments });
        step.put(&id, &set);
        self.confirm(step, from, &manifest, hash, ReceiptStatus::Applied)?;
        self.test_rest(step, id)?;
        // What was missed is fetched one after the other.
        if is_behind && self.is_up(from) { self.ask_set(step, from, id.1).map_err(Refusal::from) } else { Ok(()) }
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
}

fn drop_coming<V: View>(step: &mut Step<'_, V>, set: &mut SetIn) {
    for blob in set.coming.take().into_iter().flat_map(|coming| coming.segments).flatten() {
        step.drop_blob(blob);
    }
}
