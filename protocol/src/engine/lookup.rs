//! From what a person typed to an id: the whole of it, or a unique prefix of at least six characters.

use crate::base::record::{Record, row_key};
use crate::engine::answer::Failure;
use crate::engine::step::Step;
use crate::engine::view::View;

/// Fewest characters of a prefix.
const PREFIX: usize = 6;

/// Finds the record that a text names. `kind` is the record's number in its tree, `letter` the id's.
pub(super) fn find<V: View, R: Record>(step: &Step<'_, V>, text: &str, kind: u8, letter: &str) -> Result<(R::Id, R), Failure> {
    let (low, high) = range(text, letter).ok_or(Failure::NotAnId)?;
    let from = row_key(kind, &low);
    // The key behind the last id of the range; an id of 16 bytes has no key between it and its successor.
    let until = row_key(kind, &high).after_prefix();
    let mut found = step.page::<R>(&from, until.as_ref(), 2)?.into_iter();
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Failure::Ambiguous),
        (None, _) => Err(Failure::Unknown),
    }
}

/// First and last id that begin like the text. Behind 26 characters only the check symbol can stand, which is not looked at
/// for a prefix.
fn range(text: &str, letter: &str) -> Option<([u8; 16], [u8; 16])> {
    let (found, rest) = text.trim().split_once('-')?;
    if !found.eq_ignore_ascii_case(letter) || rest.len() < PREFIX || rest.len() > 27 {
        return None;
    }
    let (mut low, mut high) = (0u128, 0u128);
    let mut digits = rest.bytes();
    for place in 0..26 {
        let (least, most) = match digits.next() {
            Some(byte) => {
                let digit = digit(byte)?;
                (digit, digit)
            }
            None => (0, 31),
        };
        if place == 0 && most > 7 {
            return None;
        }
        low = (low << 5) | least;
        high = (high << 5) | most;
    }
    Some((low.to_be_bytes(), high.to_be_bytes()))
}

fn digit(byte: u8) -> Option<u128> {
    let folded = match byte.to_ascii_lowercase() {
        b'o' => b'0',
        b'i' | b'l' => b'1',
        other => other,
    };
    b"0123456789abcdefghjkmnpqrstvwxyz".iter().position(|symbol| *symbol == folded).map(|place| place as u128)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PersonId;

    #[test]
    fn a_prefix_spans_the_ids_that_begin_with_it() {
        let id = PersonId([0x3c; 16]);
        let (low, high) = range(&id.short(), "P").unwrap();
        assert!(low <= id.0 && id.0 <= high);
        assert_eq!(range(&id.to_string(), "P"), Some((id.0, id.0)));
    }

    #[test]
    fn a_short_or_foreign_prefix_is_no_id() {
        assert_eq!(range("P-7h3k9", "P"), None);
        assert_eq!(range("K-7h3k9q", "P"), None);
        assert_eq!(range("7h3k9q", "P"), None);
        assert_eq!(range("P-7h3k9u", "P"), None);
    }
}
