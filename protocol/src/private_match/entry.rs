//! What stands in an index: a record where others ask for it (`registered`), a subject where holders ask (`sought`).
//!
//! Both go through one machinery, so rows and jobs name an entry by its family and the 16 bytes of its id. Which of the two
//! ids they are is the family's to say; `engine` converts at its edge and never mixes the families.

use minicbor::{Decode, Encode};

use super::label::Family;
use crate::base::cbor::fixed;
use crate::base::record::KeyPart;
use crate::base::{PersonId, SubjectId};

/// The id of a person or of a subject, without its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct EntryId(#[cbor(n(0), with = "fixed")] pub [u8; 16]);

impl EntryId {
    /// The person that an entry of `registered` stands for.
    #[must_use]
    pub const fn person(self) -> PersonId {
        PersonId(self.0)
    }

    /// The subject that an entry of `sought` stands for.
    #[must_use]
    pub const fn subject(self) -> SubjectId {
        SubjectId(self.0)
    }
}

impl From<PersonId> for EntryId {
    fn from(person: PersonId) -> Self {
        Self(person.0)
    }
}

impl From<SubjectId> for EntryId {
    fn from(subject: SubjectId) -> Self {
        Self(subject.0)
    }
}

impl KeyPart for EntryId {
    const LENGTH: usize = 16;
    fn write(&self, key: &mut Vec<u8>) {
        self.0.write(key);
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        <[u8; 16]>::read(bytes).map(Self)
    }
}

/// One byte, the family's number on the wire.
impl KeyPart for Family {
    const LENGTH: usize = 1;
    fn write(&self, key: &mut Vec<u8>) {
        key.push(self.number());
    }
    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [1] => Some(Self::Registered),
            [2] => Some(Self::Sought),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Epoch;
    use crate::base::record::{row_id, row_key};

    #[test]
    fn entries_of_two_families_never_share_a_key() {
        let id = |family| (Epoch(7), family, EntryId([9; 16]));
        let (registered, sought) = (row_key(2, &id(Family::Registered)), row_key(2, &id(Family::Sought)));
        assert_ne!(registered, sought);
        assert_eq!(row_id(2, &sought), Some(id(Family::Sought)));
        assert_eq!(Family::read(&[3]), None);
        assert!(registered.0.starts_with(&row_key(2, &(Epoch(7), Family::Registered)).0));
    }
}
