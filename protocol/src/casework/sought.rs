//! Claims of holders at the seeker's node: what came, and what it was answered (protocol.md 2.8, 2.14).

use minicbor::{Decode, Encode};

use crate::base::cbor::{fixed, fixed_list};
use crate::base::{CaseRef, ClaimId, Epoch, MemberId, SubjectId, Timestamp};
use crate::private_match::label::Tag;

/// A claim that a holder made on a sought person of this node. The same row whatever was found: what follows an answer is
/// made of it in a later step.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SoughtClaim {
    /// Who claims.
    #[n(1)]
    pub holder: MemberId,
    /// The holder's pseudonym of its record.
    #[n(2)]
    pub case_ref: CaseRef,
    /// Epoch of the tags.
    #[n(3)]
    pub epoch: Epoch,
    /// The tags, strongest first.
    #[n(4)]
    pub tags: Vec<Tag>,
    /// The holder's commitment to its record: its disclosure opens it.
    #[cbor(n(5), with = "fixed")]
    pub attr_root: [u8; 32],
    /// State.
    #[n(6)]
    pub state: SoughtState,
    /// True if it met a subject.
    #[n(11)]
    pub met: bool,
    /// The subject that it met; drawn where there is none, so that the row has one size.
    #[n(7)]
    pub subject: SubjectId,
    /// Which of the three roots is the subject's.
    #[n(8)]
    pub root_index: u8,
    /// The 32 leaves of that root, ascending; random ones where nothing was met.
    #[cbor(n(9), with = "fixed_list")]
    pub leaves: Vec<[u8; 32]>,
    /// When it came.
    #[n(10)]
    pub received: Timestamp,
    /// True if it came beyond the caps of its pair: it meets nothing.
    #[n(12)]
    pub beyond: bool,
}
crate::record!(SoughtClaim, ClaimId, Claims, 21, Service);

/// Where a holder's claim stands at the seeker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum SoughtState {
    /// Its answer's delay runs; nothing was looked up.
    #[n(1)]
    Delayed,
    /// It was answered; what follows, if anything, is a claim of its own here.
    #[n(2)]
    Answered,
}

/// A holder's claim that met a subject, so that the subject's desk finds it.
#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
pub struct SubjectClaim {}
crate::record!(SubjectClaim, (SubjectId, ClaimId), Claims, 22, Service);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::record::Record;

    #[test]
    fn what_a_claim_met_does_not_show_in_the_size_of_its_row() {
        let row = |met: bool, root_index: u8, byte: u8| SoughtClaim {
            holder: MemberId::new("NORTH").unwrap(),
            case_ref: CaseRef([1; 16]),
            epoch: Epoch(7),
            tags: vec![Tag([2; 16])],
            attr_root: [3; 32],
            state: SoughtState::Answered,
            met,
            subject: SubjectId([byte; 16]),
            root_index,
            leaves: vec![[byte; 32]; 32],
            received: Timestamp(1_800_000_000_000),
            beyond: !met,
        };
        let met = Record::encode(&row(true, 2, 0xff));
        let missed = Record::encode(&row(false, 0, 0));
        assert_eq!(met.expose().len(), missed.expose().len());
        let read = <SoughtClaim as Record>::decode(1, met.expose()).unwrap();
        assert_eq!(read.subject, SubjectId([0xff; 16]));
    }
}
