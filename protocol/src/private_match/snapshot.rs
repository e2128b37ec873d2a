//! What an owner's sets show at one moment, and what changed between two: the beginning of every base and every delta.
//!
//! A snapshot is the list of the tags that are in sets, in ascending order, each with the members that may learn of it. It
//! lies in files of one round of building, since the largest has 24 million entries. Two snapshots are joined as streams;
//! what differs is a short list of changes, from which each peer's delta is made. Nothing here knows labels or dummies.

use minicbor::{Decode, Encode};
use thiserror::Error;

use super::runs::RunSource;
use crate::base::cbor::fixed;
use crate::base::{BlobId, cbor, limits};
use crate::person::Audience;
use crate::private_match::label::Tag;

/// Bytes that a reader holds of a file.
const BUFFER: usize = 16 * 1024;
/// Bytes of an entry without its audience: the tag and the audience's length.
const HEAD: usize = 16 + 2;
/// Most bytes of an audience: every member of the largest network by name.
const AUDIENCE: usize = 8 + limits::MEMBERS * 18;

/// The encoding of the audience that nearly every entry has: a base of 400,000 decodes in half the time.
const EVERYBODY: [u8; 3] = [0x82, 0x01, 0x80];

/// Files of one work, named by a seed and a number: a name says nothing, and a row need not list thousands of them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Files {
    /// From which the names derive.
    #[cbor(n(1), with = "fixed")]
    pub seed: [u8; 32],
    /// How many there are.
    #[n(2)]
    pub count: u64,
}

impl Files {
    /// None yet.
    #[must_use]
    pub const fn new(seed: [u8; 32]) -> Self {
        Self { seed, count: 0 }
    }

    /// The name of one of them.
    #[must_use]
    pub fn name(&self, number: u64) -> BlobId {
        use sha2::{Digest, Sha256};
        let hash: [u8; 32] = Sha256::new()
            .chain_update(b"kinmesh/file/1")
            .chain_update(self.seed)
            .chain_update(number.to_be_bytes())
            .finalize()
            .into();
        let mut id = [0u8; 16];
        for (slot, byte) in id.iter_mut().zip(hash) {
            *slot = byte;
        }
        BlobId(id)
    }

    /// Names the next one.
    pub fn add(&mut self) -> BlobId {
        self.count += 1;
        self.name(self.count - 1)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = BlobId> + '_ {
        (0..self.count).map(|number| self.name(number))
    }
}

/// One tag that is in sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The tag.
    pub tag: Tag,
    /// The members that may learn of one of its records.
    pub audience: Audience,
}

impl Entry {
    /// Appends its bytes to a file.
    pub fn write(&self, file: &mut Vec<u8>) {
        let audience = cbor::encode(&self.audience);
        file.extend_from_slice(&self.tag.0);
        file.extend_from_slice(&u16::try_from(audience.len()).unwrap_or(u16::MAX).to_be_bytes());
        file.extend_from_slice(&audience);
    }
}

/// Why a snapshot cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError<E> {
    /// The source failed.
    #[error("file {file} cannot be read")]
    Read {
        /// Which file.
        file: u64,
        /// Why.
        source: E,
    },
    /// Bytes are no entry, or the tags do not ascend.
    #[error("file {file} is no part of a snapshot")]
    Form {
        /// Which file.
        file: u64,
    },
}

/// Where a reader stands: at the first entry that was not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Place {
    /// The file.
    #[n(1)]
    pub file: u64,
    /// The byte in it.
    #[n(2)]
    pub at: u64,
}

/// Gives the entries of a snapshot from a place on. After an error it ends.
pub struct Entries<'s, S: RunSource> {
    source: &'s S,
    files: u64,
    place: Place,
    buffer: Vec<u8>,
    used: usize,
    last: Option<Tag>,
    next: Option<(Entry, usize)>,
    failed: bool,
}

impl<'s, S: RunSource> Entries<'s, S> {
    /// Starts at a place of a snapshot of so many files.
    pub const fn new(source: &'s S, files: u64, place: Place) -> Self {
        Self { source, files, place, buffer: Vec::new(), used: 0, last: None, next: None, failed: false }
    }

    /// Where to go on after the last entry that was taken.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The tag that comes next, without taking it; none at the end.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn peek(&mut self) -> Result<Option<Tag>, SnapshotError<S::Error>> {
        self.look()?;
        Ok(self.next.as_ref().map(|(entry, _)| entry.tag))
    }

    /// Takes the next entry; none at the end.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn take(&mut self) -> Result<Option<Entry>, SnapshotError<S::Error>> {
        self.look()?;
        let Some((entry, length)) = self.next.take() else { return Ok(None) };
        self.used += length;
        self.place.at += length as u64;
        self.last = Some(entry.tag);
        Ok(Some(entry))
    }

    fn look(&mut self) -> Result<(), SnapshotError<S::Error>> {
        if self.next.is_some() || self.failed {
            return Ok(());
        }
        let looked = self.read();
        self.failed = looked.is_err();
        self.next = looked?;
        Ok(())
    }

    fn read(&mut self) -> Result<Option<(Entry, usize)>, SnapshotError<S::Error>> {
        while self.place.file < self.files {
            self.fill(HEAD)?;
            let rest = self.buffer.get(self.used..).unwrap_or(&[]);
            if rest.is_empty() {
                self.place = Place { file: self.place.file + 1, at: 0 };
                (self.buffer, self.used) = (Vec::new(), 0);
                continue;
            }
            let form = || SnapshotError::Form { file: self.place.file };
            let length = rest.get(16..HEAD).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes).ok_or_else(form)?;
            let length = usize::from(length);
            if length > AUDIENCE {
                return Err(form());
            }
            self.fill(HEAD + length)?;
            let form = SnapshotError::Form { file: self.place.file };
            match self.entry(length).filter(|entry| self.last.is_none_or(|last| last < entry.tag)) {
                Some(entry) => return Ok(Some((entry, HEAD + length))),
                None => return Err(form),
            }
        }
        Ok(None)
    }

    fn entry(&self, length: usize) -> Option<Entry> {
        let bytes = self.buffer.get(self.used..self.used + HEAD + length)?;
        let (tag, rest) = bytes.split_first_chunk::<16>()?;
        let audience = match rest.get(2..)? {
            bytes if bytes == EVERYBODY => Audience::All,
            bytes => cbor::decode(bytes).ok()?,
        };
        Some(Entry { tag: Tag(*tag), audience })
    }

    /// Has so many bytes in the buffer, if the file has them.
    fn fill(&mut self, wanted: usize) -> Result<(), SnapshotError<S::Error>> {
        if self.buffer.len() - self.used >= wanted {
            return Ok(());
        }
        self.buffer.drain(..self.used);
        self.used = 0;
        let mut filled = self.buffer.len();
        self.buffer.resize(BUFFER.max(wanted), 0);
        let file = self.place.file;
        while let Some(room) = self.buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            let most = room.len();
            let run = usize::try_from(file).unwrap_or(usize::MAX);
            let read = self
                .source
                .read(run, self.place.at + filled as u64, room)
                .map_err(|source| SnapshotError::Read { file, source })?
                .min(most);
            if read == 0 {
                break;
            }
            filled += read;
        }
        self.buffer.truncate(filled);
        Ok(())
    }
}

/// A tag that is shown to others than before.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Change {
    /// The tag.
    #[n(1)]
    pub tag: Tag,
    /// Who saw it; none if it was in no set.
    #[n(2)]
    pub before: Option<Audience>,
    /// Who sees it; none if it is in no set any more.
    #[n(3)]
    pub after: Option<Audience>,
}

/// Joins two snapshots from where they stand, over at most `most` entries of both, and gives what changed. True behind it
/// if both are at their end.
///
/// # Errors
/// [`SnapshotError`], of either.
pub fn changes<S: RunSource, T: RunSource<Error = S::Error>>(
    old: &mut Entries<'_, S>,
    new: &mut Entries<'_, T>,
    most: usize,
) -> Result<(Vec<Change>, bool), SnapshotError<S::Error>> {
    let mut found = Vec::new();
    for _ in 0..most {
        let (before, after) = match (old.peek()?, new.peek()?) {
            (None, None) => return Ok((found, true)),
            (Some(gone), Some(come)) if gone == come => (old.take()?, new.take()?),
            (Some(gone), Some(come)) if gone > come => (None, new.take()?),
            (None, Some(_)) => (None, new.take()?),
            (Some(_), _) => (old.take()?, None),
        };
        let Some(tag) = before.as_ref().or(after.as_ref()).map(|entry| entry.tag) else { continue };
        let (before, after) = (before.map(|entry| entry.audience), after.map(|entry| entry.audience));
        if before != after {
            found.push(Change { tag, before, after });
        }
    }
    Ok((found, old.peek()?.is_none() && new.peek()?.is_none()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn everybody_has_the_encoding_that_is_known() {
        assert_eq!(super::cbor::encode(&super::Audience::All), super::EVERYBODY);
    }

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::base::MemberId;

    #[derive(Debug, PartialEq, Eq, Clone, Copy, Error)]
    #[error("gone")]
    struct Gone;

    /// Files in memory, read a few bytes at a time.
    struct Memory(Vec<Vec<u8>>);

    impl RunSource for Memory {
        type Error = Gone;
        fn read(&self, run: usize, at: u64, into: &mut [u8]) -> Result<usize, Gone> {
            let rest = &self.0.get(run).ok_or(Gone)?[usize::try_from(at).unwrap()..];
            let count = rest.len().min(into.len()).min(700);
            into[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
    }

    fn audience(number: u8) -> Audience {
        let member = |id: &str| MemberId::new(id).unwrap();
        match number % 4 {
            0 => Audience::All,
            1 => Audience::Only(vec![]),
            2 => Audience::Only(vec![member("BE"), member("KE")]),
            _ => Audience::Except(vec![member("SY")]),
        }
    }

    fn files(shown: &BTreeMap<u8, u8>, in_file: usize) -> Memory {
        let entries: Vec<Entry> =
            shown.iter().map(|(tag, who)| Entry { tag: Tag([*tag; 16]), audience: audience(*who) }).collect();
        let mut files = Memory(Vec::new());
        for piece in entries.chunks(in_file) {
            let mut file = Vec::new();
            piece.iter().for_each(|entry| entry.write(&mut file));
            files.0.push(file);
        }
        files
    }

    #[test]
    fn entries_are_read_back_from_every_place() {
        let shown: BTreeMap<u8, u8> = (0..200).map(|number| (number, number)).collect();
        let memory = files(&shown, 37);
        let mut place = Place::default();
        for (tag, who) in &shown {
            let mut entries = Entries::new(&memory, memory.0.len() as u64, place);
            let entry = entries.take().unwrap().unwrap();
            assert_eq!(entry, Entry { tag: Tag([*tag; 16]), audience: audience(*who) });
            place = entries.place();
        }
        assert_eq!(Entries::new(&memory, memory.0.len() as u64, place).take(), Ok(None));
    }

    #[test]
    fn damaged_files_end_the_reading() {
        let shown: BTreeMap<u8, u8> = [(1, 0), (2, 0)].into();
        let whole = files(&shown, 9);
        let mut torn = Memory(vec![whole.0[0][..30].to_vec()]);
        let mut entries = Entries::new(&torn, 1, Place::default());
        assert!(entries.take().unwrap().is_some());
        assert_eq!(entries.take(), Err(SnapshotError::Form { file: 0 }));
        assert_eq!(entries.take(), Ok(None));
        torn.0[0] = [whole.0[0].clone(), whole.0[0].clone()].concat();
        let mut entries = Entries::new(&torn, 1, Place::default());
        assert!(entries.take().unwrap().is_some() && entries.take().unwrap().is_some());
        assert_eq!(entries.take(), Err(SnapshotError::Form { file: 0 }));
        assert_eq!(Entries::new(&torn, 2, Place { file: 1, at: 0 }).take(), Err(SnapshotError::Read { file: 1, source: Gone }));
    }

    proptest! {
        #[test]
        fn what_changed_is_what_differs_in_whatever_slices(
            old in prop::collection::btree_map(any::<u8>(), 0u8..4, 0..60),
            new in prop::collection::btree_map(any::<u8>(), 0u8..4, 0..60),
            (in_file, slice) in (1usize..20, 1usize..40),
        ) {
            let (before, after) = (files(&old, in_file), files(&new, in_file));
            let (mut from, mut to) = (Place::default(), Place::default());
            let mut all = Vec::new();
            loop {
                let mut old = Entries::new(&before, before.0.len() as u64, from);
                let mut new = Entries::new(&after, after.0.len() as u64, to);
                let (found, ended) = changes(&mut old, &mut new, slice).unwrap();
                (from, to) = (old.place(), new.place());
                all.extend(found);
                if ended {
                    break;
                }
            }
            let tags: std::collections::BTreeSet<u8> = old.keys().chain(new.keys()).copied().collect();
            let expected: Vec<Change> = tags
                .into_iter()
                .filter(|tag| old.get(tag) != new.get(tag))
                .map(|tag| Change {
                    tag: Tag([tag; 16]),
                    before: old.get(&tag).map(|who| audience(*who)),
                    after: new.get(&tag).map(|who| audience(*who)),
                })
                .collect();
            prop_assert_eq!(all, expected);
        }
    }
}
