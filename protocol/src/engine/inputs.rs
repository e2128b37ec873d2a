//! From the labels of match keys to the inputs of the VOPRF (protocol.md 3.9, "Key input").

use crate::base::{MemberId, ProfileId, Sensitive};
use crate::private_match::input::key_input;

/// The inputs of labels, in their order. The class of a key is the letters of its parts.
#[must_use]
pub fn inputs_of(profile: &ProfileId, owner: &MemberId, labels: &[Sensitive<String>]) -> Vec<Sensitive<Vec<u8>>> {
    labels.iter().map(|label| key_input(profile, owner, &class_of(label.expose()), label.expose())).collect()
}

/// The class of a label: the letters of its parts.
pub(super) fn class_of(label: &str) -> String {
    let letters: Vec<String> = label.split('|').filter_map(|part| part.chars().next()).map(String::from).collect();
    letters.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_the_letters_of_the_parts() {
        assert_eq!(class_of("g:alksndr|p:mrbl|d:19840312"), "g|p|d");
        assert_eq!(class_of("f:amd|g:md|m:hsn|n:al|p:mkds|w0:497"), "f|g|m|n|p|w");
    }
}
