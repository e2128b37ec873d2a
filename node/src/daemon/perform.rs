//! Performs what the engine asked for, after the commit: actions become commands, jobs, replies and lines of the log.
//!
//! A part of the driver. Names of jobs and deliveries get the number of the engine's opening in front, so that what an
//! earlier engine started is not taken for something of the present one. A network that takes nothing for a while costs a
//! delivery its turn; for anything else it ends the node, since a peer that was denied must not stay.

use std::time::Duration;

use kinmesh_protocol::base::{DeliveryId, ReceiptId};
use kinmesh_protocol::engine::{Action, Notice, NoticeCode, Receipt, SendOutcome as Outcome};
use tokio::sync::mpsc::error::SendTimeoutError;

use crate::daemon::driver::{Decide, Driver, DriverError, Store};
use crate::network::{NetworkCommand, Receipt as NetworkReceipt, SendOutcome};

/// How long the network may take to accept a command.
const ACCEPTANCE: Duration = Duration::from_secs(5);
/// Bits of a name that are the engine's own.
const NAME_BITS: u32 = 40;

impl<S: Store, E: Decide<S::View>> Driver<S, E> {
    /// Performs a step's actions in their order.
    pub(super) async fn perform(&mut self, actions: Vec<Action>) -> Result<(), DriverError> {
        for action in actions {
            match action {
                Action::Send { delivery, peer, item } => {
                    let named = DeliveryId(self.full_name(delivery.0));
                    match self.command(NetworkCommand::Send { delivery: named, peer, item }).await {
                        Err(DriverError::NetworkStuck) => self.did_not_leave(delivery),
                        other => other?,
                    }
                }
                Action::Receipt { of, answer } => {
                    self.unanswered.remove(&of);
                    self.receipt(of, answer).await?;
                }
                Action::Reply { ticket, answer } => self.tickets.reply(ticket, *answer),
                Action::Admit { peer } => self.command(NetworkCommand::Admit { peer }).await?,
                Action::Deny { peer } => self.command(NetworkCommand::Deny { peer }).await?,
                Action::Dial { peer, addresses } => self.command(NetworkCommand::Dial { peer, addresses }).await?,
                Action::Identify { seed } => self.command(NetworkCommand::Identify { seed }).await?,
                Action::Relay { peer, addresses } => self.command(NetworkCommand::Relay { peer, addresses }).await?,
                Action::Run { job, class, work } => self.parts.pool.put(self.full_name(job.0), class, *work),
                Action::WakeAt(at) => self.wake = Some(at),
                Action::Notify(notice) => log(notice),
            }
        }
        Ok(())
    }

    pub(super) async fn receipt(&self, of: ReceiptId, answer: Receipt) -> Result<(), DriverError> {
        self.command(NetworkCommand::Receipt { of, answer: translate_receipt(answer) }).await
    }

    /// The engine's own part of a name; none if an earlier engine gave it.
    pub(super) fn own_name(&self, name: u64) -> Option<u64> {
        (name >> NAME_BITS == u64::from(self.opening)).then_some(name & ((1 << NAME_BITS) - 1))
    }

    fn full_name(&self, own: u64) -> u64 {
        (u64::from(self.opening) << NAME_BITS) | (own & ((1 << NAME_BITS) - 1))
    }

    async fn command(&self, command: NetworkCommand) -> Result<(), DriverError> {
        self.parts.network.send_timeout(command, ACCEPTANCE).await.map_err(|refused| match refused {
            SendTimeoutError::Timeout(_) => DriverError::NetworkStuck,
            SendTimeoutError::Closed(_) => DriverError::NetworkGone,
        })
    }
}

/// The network's word for what became of a delivery, in the engine's terms.
pub(super) const fn translate_outcome(outcome: SendOutcome) -> Outcome {
    match outcome {
        SendOutcome::Committed => Outcome::Committed,
        SendOutcome::Busy { retry_ms } => Outcome::Busy(retry_ms),
        SendOutcome::Refused { code } => Outcome::Refused(code),
        SendOutcome::Lost => Outcome::Lost,
    }
}

const fn translate_receipt(receipt: Receipt) -> NetworkReceipt {
    match receipt {
        Receipt::Committed => NetworkReceipt::Committed,
        Receipt::Busy(retry_ms) => NetworkReceipt::Busy { retry_ms },
        Receipt::Refused(code) => NetworkReceipt::Refused { code },
    }
}

/// A code and ids; a notice holds nothing else.
fn log(notice: Notice) {
    let Notice { code, member, number } = notice;
    let member = member.map(tracing::field::display);
    match code {
        NoticeCode::RosterAccepted
        | NoticeCode::SetApplied
        | NoticeCode::IndexReady
        | NoticeCode::RosterFresh
        | NoticeCode::RecordErased
        | NoticeCode::EnquirerAsked
        | NoticeCode::Readmitted => {
            tracing::info!(?code, member, number, "notice");
        }
        NoticeCode::Refused
        | NoticeCode::LogForked
        | NoticeCode::Suspended
        | NoticeCode::ProofFailed
        | NoticeCode::SetDiscarded
        | NoticeCode::Damaged
        | NoticeCode::KeysCut
        | NoticeCode::HouseholdFull
        | NoticeCode::SuspectsFull
        | NoticeCode::KeyRevoked
        | NoticeCode::MemberWaits
        | NoticeCode::RosterBehind
        | NoticeCode::KeysDiffer
        | NoticeCode::SplitView
        | NoticeCode::BreakerOpened
        | NoticeCode::DecoyHit
        | NoticeCode::OwnerFlagged
        | NoticeCode::ClaimAnomaly => tracing::warn!(?code, member, number, "notice"),
    }
}
