//! The chain of custodians: rosters that changed them, kept so that who was away can follow (compare TUF's root chain).
//!
//! A roster verifies with the custodians of the one that is held. Who missed a change of custodians can verify no later roster
//! until it has seen that change, and each one since, in their order. Every node keeps those rosters and sends what a peer's
//! version says that it lacks, the oldest first. One that has run out since is a step in the chain and nothing more: its
//! members, keys and pace never count here.

use minicbor::{Decode, Encode};

use crate::base::cbor::{self, fixed};
use crate::base::record::{Record, row_key};
use crate::base::{BlobId, limits};
use crate::engine::answer::PublicProblem;
use crate::engine::core::Engine;
use crate::engine::public::{Taken, roster_problem};
use crate::engine::step::Step;
use crate::engine::view::{ReadError, View};
use crate::roster::{HeldRoster, parse_signed, signed_kind, verify_root_step};

/// A roster that changed the custodians, by version.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct RootRow {
    /// SHA-256 of its payload.
    #[cbor(n(1), with = "fixed")]
    pub hash: [u8; 32],
    /// Its file.
    #[n(2)]
    pub blob: BlobId,
}
crate::record!(RootRow, u64, Public, 6, Service);

impl Engine {
    /// What the next roster is verified with: the held one, or a later change of custodians that has run out since.
    pub(super) fn trusted(&self) -> Option<&HeldRoster> {
        self.root.as_ref().or(self.held.as_ref())
    }

    /// Reads the last change of custodians, if it is later than the held roster.
    pub(super) fn read_root<V: View>(&mut self, step: &Step<'_, V>) -> Result<(), ReadError> {
        self.root = None;
        let version = self.held.as_ref().map_or(0, |held| held.roster.version);
        let rows = step.under::<RootRow>(&row_key(RootRow::KIND, &()), limits::ROOT_ROSTERS)?;
        if let Some((_, row)) = rows.last().filter(|(last, _)| *last > version) {
            let bytes = step.read_blob(row.blob)?;
            let (payload, _) = parse_signed(&bytes).map_err(|_| ReadError::Damaged)?;
            let roster = cbor::decode(&payload).map_err(|_| ReadError::Damaged)?;
            self.root = Some(HeldRoster { roster, hash: row.hash });
        }
        Ok(())
    }

    /// A roster that may not be held, since it ran out or asks for other rules than this release has: where it changes the
    /// custodians it is a step to a later one. `refused` is why it may not be held.
    pub(super) fn take_root_step<V: View>(
        &mut self,
        step: &mut Step<'_, V>,
        bytes: &[u8],
        refused: PublicProblem,
    ) -> Result<Taken, PublicProblem> {
        let Some(trusted) = self.trusted() else { return Err(refused) };
        let offered = verify_root_step(bytes, trusted, &self.own.network, step.wall()).map_err(roster_problem)?;
        if offered.hash == trusted.hash {
            // The held roster that has run out is refused again; a step is known.
            return if self.root.is_some() { Ok(Taken::Known) } else { Err(refused) };
        }
        if offered.roster.custodians == trusted.roster.custodians {
            return Err(refused);
        }
        self.keep_root(step, &offered, bytes).map_err(|_| PublicProblem::Form)?;
        self.root = Some(offered);
        Ok(Taken::Accepted)
    }

    /// Keeps a verified roster as a step of the chain, if it changes the custodians; called before it is held.
    pub(super) fn keep_root<V: View>(&self, step: &mut Step<'_, V>, offered: &HeldRoster, bytes: &[u8]) -> Result<(), ReadError> {
        if self.trusted().is_none_or(|trusted| trusted.roster.custodians == offered.roster.custodians) {
            return Ok(());
        }
        let rows = step.under::<RootRow>(&row_key(RootRow::KIND, &()), limits::ROOT_ROSTERS)?;
        let over = (rows.len() + 1).saturating_sub(limits::ROOT_ROSTERS);
        for (version, row) in rows.iter().take(over) {
            step.drop_blob(row.blob);
            step.remove::<RootRow>(version);
        }
        let blob = step.add_blob(bytes.to_vec());
        step.put(&offered.roster.version, &RootRow { hash: offered.hash, blob });
        Ok(())
    }

    /// A roster is held that is later than the step before it.
    pub(super) fn root_reached(&mut self) {
        let version = self.held.as_ref().map_or(0, |held| held.roster.version);
        self.root = self.root.take().filter(|root| root.roster.version > version);
    }

    /// The changes of custodians behind a version, the oldest first, but the held roster itself.
    pub(super) fn roots_after<V: View>(&self, step: &Step<'_, V>, version: u64) -> Result<Vec<Vec<u8>>, ReadError> {
        let held = self.held.as_ref().map_or(0, |held| held.roster.version);
        let rows = step.under::<RootRow>(&row_key(RootRow::KIND, &()), limits::ROOT_ROSTERS)?;
        let lacking = rows.into_iter().filter(|(root, _)| *root > version && *root != held);
        lacking.map(|(_, row)| step.read_blob(row.blob)).collect()
    }
}

/// The order in which a file's items are taken: rosters first, by version, so that each change of custodians comes before what
/// follows it.
pub(super) fn in_order(items: &[Vec<u8>]) -> Vec<(Option<u64>, &Vec<u8>)> {
    let mut ordered: Vec<(Option<u64>, &Vec<u8>)> = items.iter().map(|item| (version_of(item), item)).collect();
    ordered.sort_by_key(|(version, _)| version.unwrap_or(u64::MAX));
    ordered
}

fn version_of(item: &[u8]) -> Option<u64> {
    if signed_kind(item) != Some(crate::envelope::CosignedKind::Roster) {
        return None;
    }
    let (payload, _) = parse_signed(item).ok()?;
    cbor::decode::<crate::roster::Roster>(&payload).ok().map(|roster| roster.version)
}
