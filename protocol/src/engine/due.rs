//! What timers are for: each kind, its number in row keys, and the id that it is about.
//!
//! `rows` has the rows of timers, `core` sets them and calls who is meant when one fires. Numbers are on disk and never change.

use crate::base::{ClaimId, MemberId, MsgId, PersonId, SubjectId, Timestamp};

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Ask a subject at every member.
    Spread(SubjectId),
    /// Build requests for what waits at an owner.
    Gather(MemberId),
    /// The next bag for a peer.
    Bag(MemberId),
    /// Answer a claim.
    Answer(ClaimId),
    /// Let `closed` leave.
    Close(ClaimId),
    /// Ask an owner for its set.
    SetCheck(MemberId),
    /// See which peers' sets have to be built.
    Build,
    /// Send what waits for a peer.
    Pump(MemberId),
    /// Ask for newer public messages.
    PublicSync,
    /// Ask an evaluation again that was not answered.
    Retry(MsgId),
    /// Connect to a peer again; zeros stand for the coordination node.
    Redial(Option<MemberId>),
    /// Go on with what waited for the records.
    Unpark,
    /// Forget messages that ran out.
    Forget,
    /// A bag that fell due while the peer was away.
    OwedBag(MemberId),
    /// Ask every searched subject from this one on at members that were not asked yet.
    SpreadFrom(SubjectId),
    /// What this owner's epochs need.
    Epoch,
    /// Renew at an owner whose epoch rolled.
    Renew(MemberId),
    /// Take the transport identity of the next operational key.
    Identity,
    /// An emergency suspension of a member ends.
    Lapse(MemberId),
    /// The coordination node confirms its roster.
    Timestamp,
    /// Go on with a peer after the roster was confirmed.
    Resume(MemberId),
    /// The pace changed: see which timers from this time on come too late by it.
    Retime(Timestamp),
    /// Go on with the index: entries are queued for the next epoch, or no more people were imported.
    Ahead,
    /// Ask about a protected record at every member.
    Ask(PersonId),
    /// Ask about every protected record from this one on at members that were not asked yet.
    AskFrom(PersonId),
    /// See whether holders may ask about a subject.
    Sought(SubjectId),
    /// After the answer to a holder's claim: let the attributes follow, if any do.
    Open(ClaimId),
    /// Attributes of a claim did not come.
    AttributesWait(ClaimId),
    /// Destroy what is left of an ended subject.
    Destroy(SubjectId),
    /// Forget the secret of an ended subject.
    Forgotten(SubjectId),
    /// Make or end decoys.
    Decoys,
    /// Close references that a querier did not renew.
    Refs(MemberId),
    /// Go on with a record that was erased.
    Erase(PersonId),
}

impl Due {
    /// The row id at a time.
    #[must_use]
    pub fn at(self, at: Timestamp) -> (Timestamp, u8, [u8; 16]) {
        let (kind, id) = match self {
            Due::Spread(subject) => (1, subject.0),
            Due::Gather(member) => (2, member_bytes(&member)),
            Due::Bag(member) => (3, member_bytes(&member)),
            Due::Answer(claim) => (4, claim.0),
            Due::Close(claim) => (5, claim.0),
            Due::SetCheck(member) => (6, member_bytes(&member)),
            Due::Build => (7, [0; 16]),
            Due::Pump(member) => (8, member_bytes(&member)),
            Due::PublicSync => (9, [0; 16]),
            Due::Retry(request) => (10, request.0),
            Due::Redial(member) => (11, member.map_or([0; 16], |member| member_bytes(&member))),
            Due::Unpark => (12, [0; 16]),
            Due::Forget => (13, [0; 16]),
            Due::OwedBag(member) => (14, member_bytes(&member)),
            Due::SpreadFrom(subject) => (15, subject.0),
            Due::Epoch => (16, [0; 16]),
            Due::Renew(member) => (17, member_bytes(&member)),
            Due::Identity => (18, [0; 16]),
            Due::Lapse(member) => (19, member_bytes(&member)),
            Due::Timestamp => (20, [0; 16]),
            Due::Resume(member) => (21, member_bytes(&member)),
            Due::Retime(from) => (22, time_bytes(from)),
            Due::Ahead => (23, [0; 16]),
            Due::Ask(person) => (31, person.0),
            Due::AskFrom(person) => (32, person.0),
            Due::Sought(subject) => (33, subject.0),
            Due::Open(claim) => (34, claim.0),
            Due::AttributesWait(claim) => (40, claim.0),
            Due::Destroy(subject) => (41, subject.0),
            Due::Forgotten(subject) => (42, subject.0),
            Due::Decoys => (43, [0; 16]),
            Due::Refs(member) => (44, member_bytes(&member)),
            Due::Erase(person) => (50, person.0),
        };
        (at, kind, id)
    }

    /// Reads a row id.
    #[must_use]
    pub fn read(kind: u8, id: &[u8; 16]) -> Option<Due> {
        use crate::base::record::KeyPart;
        let member = || MemberId::read(id);
        match kind {
            1 => Some(Due::Spread(SubjectId(*id))),
            2 => member().map(Due::Gather),
            3 => member().map(Due::Bag),
            4 => Some(Due::Answer(ClaimId(*id))),
            5 => Some(Due::Close(ClaimId(*id))),
            6 => member().map(Due::SetCheck),
            7 => Some(Due::Build),
            8 => member().map(Due::Pump),
            9 => Some(Due::PublicSync),
            10 => Some(Due::Retry(MsgId(*id))),
            11 => Some(Due::Redial(member())),
            12 => Some(Due::Unpark),
            13 => Some(Due::Forget),
            14 => member().map(Due::OwedBag),
            15 => Some(Due::SpreadFrom(SubjectId(*id))),
            16 => Some(Due::Epoch),
            17 => member().map(Due::Renew),
            18 => Some(Due::Identity),
            19 => member().map(Due::Lapse),
            20 => Some(Due::Timestamp),
            21 => member().map(Due::Resume),
            22 => id.first_chunk::<8>().map(|time| Due::Retime(Timestamp(u64::from_be_bytes(*time)))),
            23 => Some(Due::Ahead),
            31 => Some(Due::Ask(PersonId(*id))),
            32 => Some(Due::AskFrom(PersonId(*id))),
            33 => Some(Due::Sought(SubjectId(*id))),
            34 => Some(Due::Open(ClaimId(*id))),
            40 => Some(Due::AttributesWait(ClaimId(*id))),
            41 => Some(Due::Destroy(SubjectId(*id))),
            42 => Some(Due::Forgotten(SubjectId(*id))),
            43 => Some(Due::Decoys),
            44 => member().map(Due::Refs),
            50 => Some(Due::Erase(PersonId(*id))),
            _ => None,
        }
    }
}

fn time_bytes(time: Timestamp) -> [u8; 16] {
    padded(time.0.to_be_bytes())
}

fn member_bytes(member: &MemberId) -> [u8; 16] {
    padded(member.as_str().bytes())
}

/// An id of a timer: bytes, then zeros.
fn padded(from: impl IntoIterator<Item = u8>) -> [u8; 16] {
    let mut bytes = [0u8; 16];
    for (slot, byte) in bytes.iter_mut().zip(from) {
        *slot = byte;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_gives_back_what_it_is_for() {
        let ke = MemberId::new("KE").unwrap();
        let timers = [
            Due::Spread(SubjectId([1; 16])),
            Due::Gather(ke),
            Due::Bag(ke),
            Due::Answer(ClaimId([2; 16])),
            Due::Close(ClaimId([3; 16])),
            Due::SetCheck(ke),
            Due::Build,
            Due::Pump(ke),
            Due::PublicSync,
            Due::Retry(MsgId([4; 16])),
            Due::Redial(None),
            Due::Redial(Some(ke)),
            Due::Unpark,
            Due::Forget,
            Due::OwedBag(ke),
            Due::SpreadFrom(SubjectId([5; 16])),
            Due::Epoch,
            Due::Renew(ke),
            Due::Identity,
            Due::Lapse(ke),
            Due::Timestamp,
            Due::Ahead,
            Due::Resume(ke),
            Due::Retime(Timestamp(1 << 40)),
            Due::Ask(PersonId([6; 16])),
            Due::AskFrom(PersonId([7; 16])),
            Due::Sought(SubjectId([8; 16])),
            Due::Open(ClaimId([9; 16])),
            Due::AttributesWait(ClaimId([6; 16])),
            Due::Destroy(SubjectId([7; 16])),
            Due::Forgotten(SubjectId([8; 16])),
            Due::Decoys,
            Due::Refs(ke),
            Due::Erase(PersonId([9; 16])),
        ];
        for timer in timers {
            let (at, kind, id) = timer.at(Timestamp(7));
            assert_eq!(at, Timestamp(7));
            assert_eq!(Due::read(kind, &id), Some(timer));
        }
    }
}
