//! Names and places as they were spoken or written, in any script.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::base::Sensitive;

/// What a part of a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum NamePart {
    /// Given name.
    #[n(1)]
    Given,
    /// Father's name as part of the person's own.
    #[n(2)]
    Father,
    /// Grandfather's name.
    #[n(3)]
    Grandfather,
    /// Family name.
    #[n(4)]
    Family,
    /// Clan name where it is part of the name.
    #[n(5)]
    Clan,
    /// Nickname.
    #[n(6)]
    Nickname,
    /// Part of unknown kind.
    #[n(7)]
    Unknown,
}

/// One name of a person, in parts; the script is that of the text itself.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct PersonName {
    /// Text and kind of each part, in the order in which they are said.
    #[n(1)]
    pub parts: Vec<(NamePart, Sensitive<String>)>,
}

impl PersonName {
    /// All parts of one kind, joined by spaces.
    #[must_use]
    pub fn part(&self, kind: NamePart) -> Sensitive<String> {
        let mut text = String::new();
        for (_, part) in self.parts.iter().filter(|(found, _)| *found == kind) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(part.expose());
        }
        Sensitive::new(text)
    }

    /// The whole name.
    #[must_use]
    pub fn full(&self) -> Sensitive<String> {
        let parts: Vec<&str> = self.parts.iter().map(|(_, text)| text.expose().as_str()).collect();
        Sensitive::new(parts.join(" "))
    }

    /// First letters with dots, for lists: `م. ح.`
    #[must_use]
    pub fn initials(&self) -> Sensitive<String> {
        let letters: Vec<String> = self
            .parts
            .iter()
            .flat_map(|(_, text)| text.expose().split_whitespace().take(1))
            .filter_map(|word| word.chars().next())
            .take(3)
            .map(|letter| format!("{letter}."))
            .collect();
        Sensitive::new(letters.join(" "))
    }
}

/// A place as written.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct PlaceName {
    /// The text.
    #[n(1)]
    pub text: Sensitive<String>,
}

/// Sex as recorded (PFIF: female, male, other, or not said).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, Default)]
#[cbor(index_only)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// Female.
    #[n(1)]
    Female,
    /// Male.
    #[n(2)]
    Male,
    /// Other.
    #[n(3)]
    Other,
    /// Not recorded.
    #[default]
    #[n(4)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_keep_their_script() {
        let name = PersonName { parts: vec![(NamePart::Given, "محمد".into()), (NamePart::Family, "حسين علي".into())] };
        assert_eq!(name.initials().expose(), "م. ح.");
        assert_eq!(name.part(NamePart::Family).expose(), "حسين علي");
    }
}
