//! How trees and rows lie in sled's one key space.
//!
//! All trees share one sled tree, since only a batch on one tree is atomic. A row's key is its tree's code and its row
//! key, so that a page of a tree is one range. A sealed value longer than [`PART_BYTES`] goes on in parts under a second
//! code: sled writes a leaf of up to 16 values as one piece, and a piece beyond 128 KiB into a file that it never fsyncs.
//! The codes are on disk and never change.

use kinmesh_protocol::base::BlobId;
use kinmesh_protocol::base::record::{RowKey, Tree};

/// Bytes of a sealed value in one sled value; 16 of them and their keys stay below 128 KiB.
pub const PART_BYTES: usize = 4 * 1024;
/// Bytes of a row key, at most: sled's inner nodes hold 256 of them in one piece.
pub const KEY_BYTES: usize = 255;
/// The row with generation and count.
pub const STATE_KEY: [u8; 1] = [0x00];

/// Code of the rows that say which blobs are named by a row.
const BLOBS: u8 = 0x7f;
/// Added to a tree's code for the parts behind the first.
const CONTINUED: u8 = 0x80;

/// The code of a tree.
pub const fn code(tree: Tree) -> u8 {
    match tree {
        Tree::Own => 1,
        Tree::Public => 2,
        Tree::Standing => 3,
        Tree::Due => 4,
        Tree::Outbox => 5,
        Tree::Seen => 6,
        Tree::Peer => 7,
        Tree::Keys => 8,
        Tree::Index => 9,
        Tree::Tags => 10,
        Tree::SetsOut => 11,
        Tree::SetsIn => 12,
        Tree::Budget => 13,
        Tree::Subjects => 14,
        Tree::Queries => 15,
        Tree::Hits => 16,
        Tree::Claims => 17,
        Tree::Audit => 18,
        Tree::People => 19,
        Tree::Cases => 20,
        Tree::Candidates => 21,
        Tree::Imports => 22,
    }
}

/// Where a row's value begins.
pub fn head_key(tree: Tree, key: &RowKey) -> Vec<u8> {
    under(code(tree), &key.0)
}

/// The row key of a head.
pub fn row_key(head: &[u8]) -> RowKey {
    RowKey(head.get(1..).unwrap_or_default().to_vec())
}

/// First key and end of the heads of a tree with `from <= key < until`.
pub fn span(tree: Tree, from: &RowKey, until: Option<&RowKey>) -> (Vec<u8>, Vec<u8>) {
    let end = until.map_or_else(|| vec![code(tree) + 1], |until| head_key(tree, until));
    (head_key(tree, from), end)
}

/// First key and end of all heads of all trees.
pub fn every_head() -> (Vec<u8>, Vec<u8>) {
    (vec![STATE_KEY[0] + 1], vec![BLOBS])
}

/// Where it says that a blob is named by a row.
pub fn blob_key(blob: &BlobId) -> Vec<u8> {
    under(BLOBS, &blob.0)
}

/// The blob of such a key.
pub fn blob_of(key: &[u8]) -> Option<BlobId> {
    key.get(1..)?.try_into().ok().map(BlobId)
}

/// First key and end of the rows of blobs.
pub fn every_blob() -> (Vec<u8>, Vec<u8>) {
    (vec![BLOBS], vec![BLOBS + 1])
}

/// Keys and values that hold a sealed value: the head, which starts with the count of parts, then the parts behind it.
pub fn split(head: &[u8], sealed: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let first = sealed.get(..PART_BYTES).unwrap_or(sealed);
    let rest = sealed.get(PART_BYTES..).unwrap_or_default();
    let behind = rest.chunks(PART_BYTES).zip(part_keys(head, 1)).map(|(part, key)| (key, part.to_vec()));
    let mut pieces: Vec<(Vec<u8>, Vec<u8>)> = std::iter::once((head.to_vec(), Vec::new())).chain(behind).collect();
    // At most 63 KiB, hence at most 16 parts.
    let count = u8::try_from(pieces.len()).unwrap_or(u8::MAX);
    if let Some((_, value)) = pieces.first_mut() {
        value.push(count);
        value.extend_from_slice(first);
    }
    pieces
}

/// Count of parts and first part of a head's value.
pub fn first_part(value: &[u8]) -> Option<(u8, &[u8])> {
    value.split_first().map(|(count, first)| (*count, first))
}

/// Keys of the parts of a head from the given number on; part 0 is in the head.
pub fn part_keys(head: &[u8], from: u8) -> impl Iterator<Item = Vec<u8>> {
    let (code, row) = head.split_first().map_or((0, [].as_slice()), |(code, row)| (*code, row));
    // Keys of two rows are never the same: of equal length they have equal row keys.
    let start = under(code | CONTINUED, row);
    (from..=u8::MAX).map(move |number| [start.as_slice(), &[number]].concat())
}

fn under(code: u8, key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + key.len());
    bytes.push(code);
    bytes.extend_from_slice(key);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tree_has_its_own_code_below_that_of_blobs() {
        let codes: Vec<u8> = Tree::ALL.iter().map(|tree| code(*tree)).collect();
        assert_eq!(codes, (1..=22).collect::<Vec<u8>>());
        assert!(codes.iter().all(|code| *code < BLOBS));
    }

    #[test]
    fn a_value_is_split_and_no_piece_is_longer_than_a_part() {
        let head = head_key(Tree::People, &RowKey(vec![1, 2]));
        for (length, parts) in [(0, 1), (1, 1), (PART_BYTES, 1), (PART_BYTES + 1, 2), (63 * 1024, 16)] {
            let sealed: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let pieces = split(&head, &sealed);
            assert_eq!(pieces.len(), parts, "{length} bytes");
            assert_eq!(first_part(&pieces[0].1).unwrap().0 as usize, parts);
            let joined: Vec<u8> =
                pieces.iter().enumerate().flat_map(|(at, (_, part))| part[usize::from(at == 0)..].to_vec()).collect();
            assert_eq!(joined, sealed);
            let keys: Vec<Vec<u8>> = std::iter::once(head.clone()).chain(part_keys(&head, 1)).take(parts).collect();
            assert!(pieces.iter().map(|(key, _)| key).eq(keys.iter()));
        }
    }

    #[test]
    fn the_span_of_a_tree_holds_its_rows_and_no_other_trees() {
        let (from, until) = span(Tree::People, &RowKey(vec![]), None);
        let inside = head_key(Tree::People, &RowKey(vec![0xff; 255]));
        assert!(from <= inside && inside < until);
        assert!(head_key(Tree::Cases, &RowKey(vec![])) >= until);
        assert!(head_key(Tree::Audit, &RowKey(vec![0xff; 255])) < from);
    }
}
