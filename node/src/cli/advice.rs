//! What a record's match keys say about it, in the caseworker's words.
//!
//! `person`, `case` and `import` print it. Names of fields and numbers only, so a line may stand in a log.

use kinmesh_protocol::linkage::{Advice, STRONG_KEYS};

/// What to tell whoever records a person with so many match keys; nothing if there are enough.
pub(super) fn line(keys: u32, advice: Option<Advice>) -> Option<String> {
    match (keys, advice) {
        (0, advice) => {
            let add = advice.map_or("more names, a place or a date of birth", Advice::text);
            Some(format!("too little to match privately: add {add}"))
        }
        (_, Some(advice)) if is_weak(keys) => Some(format!("few match keys: {} would help most", advice.text())),
        _ => None,
    }
}

/// Whether there are keys, but few.
pub(super) fn is_weak(keys: u32) -> bool {
    keys > 0 && usize::try_from(keys).is_ok_and(|keys| keys < STRONG_KEYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_what_it_lacks_as_long_as_it_is_weak() {
        let none = line(0, Some(Advice::Mother)).unwrap();
        assert_eq!(none, "too little to match privately: add the mother's name");
        assert!(line(0, None).unwrap().starts_with("too little to match privately: add more names"));
        assert_eq!(line(11, Some(Advice::Father)).unwrap(), "few match keys: the father's name would help most");
        assert_eq!(line(11, None), None);
        assert_eq!(line(12, Some(Advice::Father)), None);
    }
}
