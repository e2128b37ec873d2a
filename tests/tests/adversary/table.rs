//! Every attack of the threat model has a test of its number, and the page names it.

use std::path::{Path, PathBuf};

/// Attacks of the protocol.
const ATTACKS: u32 = 44;
/// Those that this suite leaves to the tests of rosters, of the store and of case work.
const ELSEWHERE: [u32; 8] = [26, 27, 28, 30, 31, 33, 34, 40];
/// Those whose test is a command of its own, since it takes too long.
const BY_COMMAND: [u32; 1] = [23];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

/// Names of the tests in a folder that begin with `attack_`, with the file each stands in.
fn tests_in(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a file");
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0].trim() == "#[test]") {
            let name = pair[1].trim().strip_prefix("fn ").and_then(|rest| rest.split('(').next()).unwrap_or_default();
            if name.starts_with("attack_") {
                found.push((name.to_owned(), path.file_stem().expect("a name").to_string_lossy().into_owned()));
            }
        }
    }
    found
}

#[test]
fn every_attack_has_its_test_and_stands_in_the_threat_model() {
    let here = tests_in(&root().join("tests/tests/adversary"));
    let roster = tests_in(&root().join("tests/tests/roster"));
    let page = std::fs::read_to_string(root().join("docs/src/threat-model.md")).expect("the page");
    let number = |name: &str| name.get(7..9).and_then(|digits| digits.parse::<u32>().ok());
    for attack in 1..=ATTACKS {
        let row = page.lines().find(|line| line.starts_with(&format!("| {attack} |")));
        let row = row.unwrap_or_else(|| panic!("attack {attack} is not in docs/src/threat-model.md"));
        let named: Vec<&(String, String)> = here.iter().chain(&roster).filter(|(name, _)| number(name) == Some(attack)).collect();
        for (name, _) in &named {
            assert!(row.contains(&format!("`{name}`")), "{name} is not in the row of attack {attack}");
        }
        assert!(
            !BY_COMMAND.contains(&attack) || row.contains("a command of its own"),
            "the row of attack {attack} says when it runs"
        );
        if !ELSEWHERE.contains(&attack) {
            assert!(here.iter().any(|(name, _)| number(name) == Some(attack)), "attack {attack} has no test here");
        }
    }
    // And no row names a test that is not there.
    for row in page.lines().filter(|line| line.starts_with("| ") && line.contains("`attack_")) {
        for name in row.split('`').filter(|part| part.starts_with("attack_")) {
            assert!(here.iter().chain(&roster).any(|(found, _)| found == name), "{name} is no test");
        }
    }
}
