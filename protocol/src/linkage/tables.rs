//! The constant tables of the profile, embedded and parsed once.
//!
//! Called by the other files of this folder. [`FILES`] is also what the parameters hash covers, so a table that is not
//! listed there cannot be read here. Lines that do not have their table's form are left out; a test counts the rows.

use std::sync::LazyLock;

macro_rules! table {
    ($name:literal) => {
        ($name, include_str!(concat!("tables/", $name)))
    };
}

/// Name and content of every table file, in ascending name.
pub(super) const FILES: [(&str, &str); 12] = [
    table!("abd.txt"),
    table!("abu.txt"),
    table!("characters.tsv"),
    table!("dropped.tsv"),
    table!("name_bits.tsv"),
    table!("particles.txt"),
    table!("place_alias.tsv"),
    table!("rules.tsv"),
    table!("somali.tsv"),
    table!("sun.txt"),
    table!("tail.txt"),
    table!("titles.txt"),
];

/// The parsed tables; parsing them takes under a millisecond and happens once a process.
pub(super) static TABLES: LazyLock<Tables> = LazyLock::new(Tables::parse);

/// All tables of the profile.
pub(super) struct Tables {
    /// Words of `عبد` that join with the name behind them.
    pub(super) abd: Words,
    /// Words of kunyas that join with the name behind them.
    pub(super) abu: Words,
    /// Internal letters of a character.
    pub(super) characters: Map<char, &'static str>,
    /// Characters without a sound.
    pub(super) dropped: Map<char, ()>,
    /// Articles and prepositions between names.
    pub(super) particles: Words,
    /// The article in front of a sun letter.
    pub(super) sun: Words,
    /// Words that belong to the name before them.
    pub(super) tail: Words,
    /// Forms of address.
    pub(super) titles: Words,
    /// Somali spellings whose letters sound otherwise elsewhere.
    pub(super) somali: Map<&'static str, &'static str>,
    /// Codes of places that have several names.
    pub(super) place_alias: Map<&'static str, &'static str>,
    /// Half-bits of a code among all own names.
    pub(super) own_bits: Map<&'static str, i32>,
    /// Half-bits of a code in its role (given name, father's name).
    pub(super) role_bits: Map<&'static str, i32>,
    /// Half-bits of a code among the mother's names.
    pub(super) mother_bits: Map<&'static str, i32>,
    /// Half-bits of a place code.
    pub(super) place_bits: Map<&'static str, i32>,
    rules: Vec<Vec<Rule>>,
}

impl Tables {
    /// The sound rules that begin with this internal letter, in the order of trial.
    pub(super) fn rules(&self, letter: u8) -> &[Rule] {
        self.rules.get(usize::from(letter)).map_or(&[], Vec::as_slice)
    }

    fn parse() -> Self {
        Self {
            abd: Words::parse("abd.txt"),
            abu: Words::parse("abu.txt"),
            characters: Map::collect(rows("characters.tsv").filter_map(|row| match row {
                [_, from, to, ..] => only_char(from).map(|c| (c, to)),
            })),
            dropped: Map::collect(rows("dropped.tsv").filter_map(|[_, from, ..]| only_char(from).map(|c| (c, ())))),
            particles: Words::parse("particles.txt"),
            sun: Words::parse("sun.txt"),
            tail: Words::parse("tail.txt"),
            titles: Words::parse("titles.txt"),
            somali: Map::collect(rows("somali.tsv").map(|[from, to, ..]| (from, to))),
            place_alias: Map::collect(rows("place_alias.tsv").map(|[from, to, ..]| (from, to))),
            own_bits: bits("n"),
            role_bits: bits("r"),
            mother_bits: bits("m"),
            place_bits: bits("p"),
            rules: rules(),
        }
    }
}

/// A set of words.
pub(super) struct Words(Map<&'static str, ()>);

impl Words {
    fn parse(file: &str) -> Self {
        Self(Map::collect(content(file).lines().map(|word| (word, ()))))
    }

    /// Whether this is one of the words.
    pub(super) fn contains(&self, word: &str) -> bool {
        self.0.find(word).is_some()
    }
}

/// A read-only map, kept sorted: these tables are small and one block of memory is faster than a tree.
pub(super) struct Map<K, V>(Vec<(K, V)>);

impl<K: Ord, V: Copy> Map<K, V> {
    fn collect(rows: impl Iterator<Item = (K, V)>) -> Self {
        let mut rows: Vec<(K, V)> = rows.collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        Self(rows)
    }
}

impl<V: Copy> Map<&'static str, V> {
    /// The value of a text, if there is one.
    pub(super) fn find(&self, key: &str) -> Option<V> {
        let at = self.0.binary_search_by(|row| row.0.cmp(key)).ok()?;
        self.0.get(at).map(|row| row.1)
    }
}

impl<V: Copy> Map<char, V> {
    /// The value of a character, if there is one.
    pub(super) fn find(&self, key: char) -> Option<V> {
        let at = self.0.binary_search_by(|row| row.0.cmp(&key)).ok()?;
        self.0.get(at).map(|row| row.1)
    }
}

/// One sound rule: a pattern of internal letters, where it holds, and the segments it gives.
pub(super) struct Rule {
    /// Internal letters that must stand here.
    pub(super) pattern: &'static str,
    /// Where the rule holds.
    pub(super) condition: Condition,
    /// First segment; `*` is a vowel.
    pub(super) primary: &'static str,
    /// Second segment, the first where the sound is certain.
    pub(super) secondary: &'static str,
}

/// Where a sound rule holds (matching.md 3.4).
#[derive(Clone, Copy)]
pub(super) enum Condition {
    /// Everywhere.
    Always,
    /// In front of e, i or y.
    BeforeFront,
    /// At the end of the token.
    AtEnd,
    /// At the start of the token.
    AtStart,
    /// In a token that is not in an abjad.
    NotAbjad,
    /// In front of a consonant other than h.
    BeforeConsonant,
}

fn content(file: &str) -> &'static str {
    FILES.iter().find(|(name, _)| *name == file).map_or("", |(_, content)| content)
}

fn rows(file: &str) -> impl Iterator<Item = [&'static str; 4]> {
    content(file).lines().map(|line| {
        let mut cells = line.split('\t');
        core::array::from_fn(|_| cells.next().unwrap_or(""))
    })
}

fn only_char(cell: &str) -> Option<char> {
    let mut chars = cell.chars();
    chars.next().filter(|_| chars.next().is_none())
}

fn bits(kind: &'static str) -> Map<&'static str, i32> {
    Map::collect(
        rows("name_bits.tsv")
            .filter(move |row| row.first() == Some(&kind))
            .filter_map(|[_, code, bits, _]| bits.parse().ok().map(|bits| (code, bits))),
    )
}

fn rules() -> Vec<Vec<Rule>> {
    let mut by_letter: Vec<Vec<Rule>> = core::iter::repeat_with(Vec::new).take(128).collect();
    for [pattern, condition, primary, secondary] in rows("rules.tsv") {
        let condition = match condition {
            "-" => Condition::Always,
            "e" => Condition::BeforeFront,
            "$" => Condition::AtEnd,
            "^" => Condition::AtStart,
            "L" => Condition::NotAbjad,
            "c" => Condition::BeforeConsonant,
            _ => continue,
        };
        let secondary = if secondary == "-" { primary } else { secondary };
        let slot = pattern.bytes().next().and_then(|first| by_letter.get_mut(usize::from(first)));
        if let Some(slot) = slot {
            slot.push(Rule { pattern, condition, primary, secondary });
        }
    }
    by_letter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_every_table_is_read() {
        let tables = Tables::parse();
        let lines = |file| content(file).lines().count();
        assert_eq!(tables.characters.0.len(), lines("characters.tsv"));
        assert_eq!(tables.dropped.0.len(), lines("dropped.tsv"));
        assert_eq!(tables.rules.iter().map(Vec::len).sum::<usize>(), lines("rules.tsv"));
        let bits = [&tables.own_bits, &tables.role_bits, &tables.mother_bits, &tables.place_bits];
        assert_eq!(bits.iter().map(|map| map.0.len()).sum::<usize>(), lines("name_bits.tsv"));
        assert_eq!(lines("name_bits.tsv"), 2904);
        for (name, content) in FILES {
            assert!(content.ends_with('\n') && !content.contains('\r'), "{name}");
        }
    }

    #[test]
    fn the_files_stand_in_ascending_name() {
        assert!(FILES.is_sorted_by(|a, b| a.0 < b.0));
    }
}
