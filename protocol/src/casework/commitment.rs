//! Commitments to the fields of a record or case: a root goes out first, single fields are opened against it later.
//!
//! Called where a claim is made or answered (roots) and where attributes or a disclosure are sent or checked (openings). A root
//! is over exactly 32 salted leaves in ascending order, the unused ones random, so neither the number nor the place of a closed
//! field shows. Leaves of fields are prepared when the record is written; unused ones are drawn for every root, so that no two
//! roots are equal (protocol.md 2.8). Which fields may be opened is decided elsewhere, and texts are checked where they arrive.
//!
//! What remains: a commitment says that a value was fixed in time, not that it is true.

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::base::cbor::lp;
use crate::base::limits::{CANDIDATES, FIELDS, LEAVES};
use crate::base::{Draw, Sensitive};

/// Bytes of a field's name.
pub const NAME_BYTES: usize = 64;

/// A salted hash of one field, or 32 random bytes that cannot be told from one.
pub type Leaf = [u8; 32];

/// Why fields and leaves do not make, or open, a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommitError {
    /// One leaf is always unused.
    #[error("{found} fields, at most {FIELDS}")]
    Fields {
        /// Fields that are opened or committed to.
        found: usize,
    },
    /// Fields and other leaves are together 32.
    #[error("{found} leaves, expected {LEAVES}")]
    Leaves {
        /// Fields and other leaves.
        found: usize,
    },
    /// The name of a field is empty or too long.
    #[error("the name of field {position} has {found} bytes, expected 1 to {NAME_BYTES}")]
    Name {
        /// Place in the list, from 0.
        position: usize,
        /// Bytes of the name.
        found: usize,
    },
    /// The value of a field is too long.
    #[error("the value of field {position} has {found} bytes, at most {limit}")]
    Value {
        /// Place in the list, from 0.
        position: usize,
        /// Bytes of the value.
        found: usize,
        /// For this kind of message.
        limit: usize,
    },
    /// Leaves are not in ascending order, or one is there twice.
    #[error("leaf {position} is not above the one before it")]
    Order {
        /// Place in the list, from 0.
        position: usize,
    },
    /// The fields are not those that the root was made from.
    #[error("the opening does not give the committed root")]
    Root,
}

/// A field that is opened: what was committed to, and the salt that hid it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OpenedField {
    /// The field's name, 1 to 64 bytes.
    #[n(1)]
    pub name: String,
    /// Its value, as hashed.
    #[n(2)]
    pub value: Sensitive<String>,
    /// 16 random bytes, drawn when the record was written.
    #[n(3)]
    #[cbor(with = "crate::base::cbor::fixed")]
    pub salt: [u8; 16],
}

impl OpenedField {
    /// The leaf that the field was committed to with.
    #[must_use]
    pub fn leaf(&self) -> Leaf {
        leaf(&self.salt, &self.name, self.value.expose())
    }
}

/// Some fields of a root, and the other leaves in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The fields that are shown.
    pub fields: Vec<OpenedField>,
    /// The leaves of those that are not, and the unused ones.
    pub other_hashes: Vec<Leaf>,
}

/// The 32 leaves of one root, kept by the side that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment([Leaf; LEAVES]);

impl Commitment {
    /// Fills up the leaves of the fields with random ones.
    ///
    /// # Errors
    /// [`CommitError`]: more than 31 fields, or two with the same leaf.
    pub fn draw(fields: &[Leaf], draw: &mut Draw) -> Result<Self, CommitError> {
        if fields.len() > FIELDS {
            return Err(CommitError::Fields { found: fields.len() });
        }
        let mut leaves = [[0u8; 32]; LEAVES];
        let mut fields = fields.iter();
        for slot in &mut leaves {
            *slot = fields.next().copied().unwrap_or_else(|| draw.bytes());
        }
        leaves.sort_unstable();
        check_order(&leaves)?;
        Ok(Self(leaves))
    }

    /// The root, 32 bytes.
    ///
    /// # Errors
    /// Never, for leaves that [`Commitment::draw`] gave.
    pub fn root(&self) -> Result<[u8; 32], CommitError> {
        root(&self.0)
    }

    /// The roots of an answer and the place of this one among them; the others are random, so that only who has the leaves can
    /// tell them apart (protocol.md 2.8).
    ///
    /// # Errors
    /// Never, for leaves that [`Commitment::draw`] gave.
    pub fn among_roots(&self, draw: &mut Draw) -> Result<(Vec<[u8; 32]>, u8), CommitError> {
        let mut roots: Vec<[u8; 32]> = (0..CANDIDATES).map(|_| draw.bytes()).collect();
        let place = u8::try_from(draw.below(CANDIDATES as u64)).unwrap_or(0);
        if let Some(root) = roots.get_mut(usize::from(place)) {
            *root = self.root()?;
        }
        Ok((roots, place))
    }

    /// The 32 leaves in ascending order, to be kept until the claim ends.
    #[must_use]
    pub const fn leaves(&self) -> &[Leaf; LEAVES] {
        &self.0
    }

    /// Takes up leaves that were kept.
    ///
    /// # Errors
    /// [`CommitError::Order`] for leaves that are not ascending and different.
    pub fn from_leaves(leaves: [Leaf; LEAVES]) -> Result<Self, CommitError> {
        check_order(&leaves)?;
        Ok(Self(leaves))
    }

    /// Opens the given fields.
    ///
    /// # Errors
    /// [`CommitError::Root`] where one of them is not among the leaves, or is there twice.
    pub fn open(&self, fields: Vec<OpenedField>) -> Result<Opening, CommitError> {
        let mut other_hashes = self.0.to_vec();
        for field in &fields {
            let place = other_hashes.binary_search(&field.leaf()).map_err(|_| CommitError::Root)?;
            other_hashes.remove(place);
        }
        Ok(Opening { fields, other_hashes })
    }
}

/// The salted hash of one field (protocol.md 2.8).
#[must_use]
pub fn leaf(salt: &[u8; 16], name: &str, value: &str) -> Leaf {
    // CM-1.
    let value = Sensitive::new(lp(value.as_bytes()));
    Sha256::new()
        .chain_update(b"kinmesh/fld/1")
        .chain_update(salt)
        .chain_update(lp(name.as_bytes()))
        .chain_update(value.expose())
        .finalize()
        .into()
}

/// The root of 32 leaves.
///
/// # Errors
/// [`CommitError::Order`] unless they are ascending and different.
pub fn root(leaves: &[Leaf; LEAVES]) -> Result<[u8; 32], CommitError> {
    // CM-2.
    check_order(leaves)?;
    let hash = Sha256::new().chain_update(b"kinmesh/root/1");
    Ok(leaves.iter().fold(hash, |hash, leaf| hash.chain_update(leaf)).finalize().into())
}

/// Checks that the fields were committed to by `root`. `value_bytes` is the limit of a value in this kind of message.
///
/// # Errors
/// [`CommitError`]; the fields must not be shown to anybody then.
pub fn verify_opening(root: &[u8; 32], fields: &[OpenedField], others: &[Leaf], value_bytes: usize) -> Result<(), CommitError> {
    // CM-3.
    if fields.len() > FIELDS {
        return Err(CommitError::Fields { found: fields.len() });
    }
    for (position, field) in fields.iter().enumerate() {
        if field.name.is_empty() || field.name.len() > NAME_BYTES {
            return Err(CommitError::Name { position, found: field.name.len() });
        }
        let found = field.value.expose().len();
        if found > value_bytes {
            return Err(CommitError::Value { position, found, limit: value_bytes });
        }
    }
    check_order(others)?;
    let found = fields.len().saturating_add(others.len());
    let mut leaves: Vec<Leaf> = Vec::with_capacity(LEAVES);
    leaves.extend(fields.iter().map(OpenedField::leaf));
    leaves.extend(others.iter().take(LEAVES));
    leaves.sort_unstable();
    let leaves = <[Leaf; LEAVES]>::try_from(leaves).map_err(|_| CommitError::Leaves { found })?;
    if found != LEAVES {
        return Err(CommitError::Leaves { found });
    }
    if self::root(&leaves)? == *root { Ok(()) } else { Err(CommitError::Root) }
}

fn check_order(leaves: &[Leaf]) -> Result<(), CommitError> {
    match leaves.iter().zip(leaves.iter().skip(1)).position(|(before, after)| before >= after) {
        Some(place) => Err(CommitError::Order { position: place + 1 }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::cbor;
    use crate::base::limits::FIELD_BYTES;

    fn field(name: &str, value: &str, salt: u8) -> OpenedField {
        OpenedField { name: name.to_owned(), value: value.into(), salt: [salt; 16] }
    }

    fn record() -> Vec<OpenedField> {
        vec![field("name", "Амина Юсупова", 1), field("birth_date", "1984-03-12", 2), field("place", "كسلا", 3)]
    }

    fn committed() -> (Commitment, [u8; 32]) {
        let leaves: Vec<Leaf> = record().iter().map(OpenedField::leaf).collect();
        let commitment = Commitment::draw(&leaves, &mut Draw::new([4; 32])).unwrap();
        let root = commitment.root().unwrap();
        (commitment, root)
    }

    // CM-1.
    #[test]
    fn a_leaf_is_the_hash_of_its_parts_with_their_lengths() {
        let mut bytes = b"kinmesh/fld/1".to_vec();
        bytes.extend([7; 16]);
        bytes.extend([0, 4]);
        bytes.extend(b"name");
        bytes.extend([0, 2]);
        bytes.extend(b"Li");
        let expected: [u8; 32] = Sha256::digest(bytes).into();
        assert_eq!(leaf(&[7; 16], "name", "Li"), expected);
        assert_ne!(leaf(&[7; 16], "nameL", "i"), expected);
    }

    // CM-3.
    #[test]
    fn any_choice_of_fields_opens_the_root() {
        let (commitment, root) = committed();
        for chosen in 0u8..8 {
            let fields: Vec<_> =
                record().into_iter().enumerate().filter(|(place, _)| chosen >> place & 1 == 1).map(|(_, field)| field).collect();
            let opening = commitment.open(fields).unwrap();
            assert_eq!(opening.fields.len() + opening.other_hashes.len(), LEAVES);
            assert_eq!(verify_opening(&root, &opening.fields, &opening.other_hashes, FIELD_BYTES), Ok(()));
        }
    }

    #[test]
    fn an_altered_field_does_not_open_the_root() {
        let (commitment, root) = committed();
        let opening = commitment.open(record()).unwrap();
        for alter in [
            (|field: &mut OpenedField| field.value = "1984-03-13".into()) as fn(&mut OpenedField),
            |field| field.name = "birth_place".to_owned(),
            |field| field.salt[0] ^= 1,
        ] {
            let mut fields = opening.fields.clone();
            alter(&mut fields[1]);
            assert_eq!(verify_opening(&root, &fields, &opening.other_hashes, FIELD_BYTES), Err(CommitError::Root));
            assert_eq!(commitment.open(fields), Err(CommitError::Root));
        }
    }

    #[test]
    fn an_opening_has_exactly_32_different_leaves() {
        let (commitment, root) = committed();
        let Opening { fields, mut other_hashes } = commitment.open(record()).unwrap();
        let dropped = other_hashes.pop().unwrap();
        assert_eq!(verify_opening(&root, &fields, &other_hashes, FIELD_BYTES), Err(CommitError::Leaves { found: 31 }));
        other_hashes.push(dropped);
        other_hashes.push([0xff; 32]);
        assert_eq!(verify_opening(&root, &fields, &other_hashes, FIELD_BYTES), Err(CommitError::Leaves { found: 33 }));
        other_hashes.pop();
        other_hashes.swap(0, 1);
        assert_eq!(verify_opening(&root, &fields, &other_hashes, FIELD_BYTES), Err(CommitError::Order { position: 1 }));
        other_hashes.swap(0, 1);
        let twice = [fields.clone(), fields[..1].to_vec()].concat();
        assert!(matches!(verify_opening(&root, &twice, &other_hashes[1..], FIELD_BYTES), Err(CommitError::Order { .. })));
        assert_eq!(commitment.open(twice), Err(CommitError::Root));
    }

    #[test]
    fn names_values_and_numbers_of_fields_are_bounded() {
        let check = |fields: &[OpenedField], limit| verify_opening(&[0; 32], fields, &[], limit);
        assert_eq!(check(&[field("", "a", 0)], 256), Err(CommitError::Name { position: 0, found: 0 }));
        assert_eq!(check(&[field(&"n".repeat(65), "a", 0)], 256), Err(CommitError::Name { position: 0, found: 65 }));
        let long = [field("text", &"я".repeat(129), 0)];
        assert_eq!(check(&long, 256), Err(CommitError::Value { position: 0, found: 258, limit: 256 }));
        assert_eq!(check(&long, 4_096), Err(CommitError::Leaves { found: 1 }));
        assert_eq!(check(&vec![field("name", "a", 0); 32], 256), Err(CommitError::Fields { found: 32 }));
        let leaves: Vec<Leaf> = (0..32).map(|place| [place; 32]).collect();
        assert_eq!(Commitment::draw(&leaves, &mut Draw::new([0; 32])), Err(CommitError::Fields { found: 32 }));
        assert!(Commitment::draw(&[[1; 32], [1; 32]], &mut Draw::new([0; 32])).is_err());
    }

    // CM-2: unused leaves are drawn anew.
    #[test]
    fn two_roots_of_one_record_share_no_unused_leaf() {
        let leaves: Vec<Leaf> = record().iter().map(OpenedField::leaf).collect();
        let mut draw = Draw::new([4; 32]);
        let (first, second) = (Commitment::draw(&leaves, &mut draw).unwrap(), Commitment::draw(&leaves, &mut draw).unwrap());
        assert_ne!(first.root(), second.root());
        let common = first.leaves().iter().filter(|leaf| second.leaves().contains(leaf)).count();
        assert_eq!(common, leaves.len());
        assert_eq!(Commitment::from_leaves(*first.leaves()), Ok(first));
    }

    #[test]
    fn an_opened_field_travels_as_a_map_and_does_not_print() {
        let field = field("name", "Li", 9);
        let bytes = cbor::encode(&field);
        assert_eq!(bytes[..11], [0xa3, 1, 0x64, b'n', b'a', b'm', b'e', 2, 0x62, b'L', b'i']);
        assert_eq!(cbor::decode::<OpenedField>(&bytes).unwrap(), field);
        assert!(!format!("{field:?}").contains("Li"));
    }
}
