//! A fingerprint as it is read out on a call: letters by the spelling alphabet of aviation (ICAO), digits by their names.
//!
//! `init` prints it, since the two at the ends of a bad line have no first language in common. It keeps the order and the groups
//! of the text; nothing is compared by machine.

use kinmesh_protocol::roster::Fingerprint;

/// Groups of four on one line.
const GROUPS_A_LINE: usize = 2;

/// The words of a fingerprint, some groups a line.
#[must_use]
pub fn spoken(fingerprint: &Fingerprint) -> Vec<String> {
    let text = fingerprint.to_string();
    let groups: Vec<String> = text
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|group| !group.is_empty())
        .map(|group| group.chars().map(word).collect::<Vec<_>>().join(" "))
        .collect();
    groups.chunks(GROUPS_A_LINE).map(|line| line.join(", ")).collect()
}

const fn word(letter: char) -> &'static str {
    match letter.to_ascii_uppercase() {
        'A' => "Alfa",
        'B' => "Bravo",
        'C' => "Charlie",
        'D' => "Delta",
        'E' => "Echo",
        'F' => "Foxtrot",
        'G' => "Golf",
        'H' => "Hotel",
        'I' => "India",
        'J' => "Juliett",
        'K' => "Kilo",
        'L' => "Lima",
        'M' => "Mike",
        'N' => "November",
        'O' => "Oscar",
        'P' => "Papa",
        'Q' => "Quebec",
        'R' => "Romeo",
        'S' => "Sierra",
        'T' => "Tango",
        'U' => "Uniform",
        'V' => "Victor",
        'W' => "Whiskey",
        'X' => "X-ray",
        'Y' => "Yankee",
        'Z' => "Zulu",
        '0' => "zero",
        '1' => "one",
        '2' => "two",
        '3' => "three",
        '4' => "four",
        '5' => "five",
        '6' => "six",
        '7' => "seven",
        '8' => "eight",
        '9' => "nine",
        _ => "-",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_a_fingerprint_has_its_word() {
        for byte in 0..=255 {
            let lines = spoken(&Fingerprint([byte; 20]));
            assert_eq!(lines.len(), 4);
            assert!(lines.iter().all(|line| !line.contains('-') || line.contains("X-ray")), "{lines:?}");
        }
        let lines = spoken(&Fingerprint([0; 20]));
        assert_eq!(lines[0].split(' ').count(), 8);
    }
}
