//! The names, dates and places of the input, and the search for them where none may be.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use kinmesh_protocol::base::Sensitive;
use kinmesh_protocol::person::PersonForm;

/// Shortest text that is searched for, in bytes: shorter ones turn up in random bytes.
const SHORTEST: usize = 6;
/// Bytes read at once.
const WINDOW: usize = 1 << 20;

/// Texts that must not turn up.
#[derive(Default)]
pub struct Plants {
    texts: BTreeSet<Sensitive<String>>,
    longest: usize,
}

impl Plants {
    /// Adds a person's names, places, telephone and full date of birth.
    pub fn add(&mut self, form: &PersonForm) {
        for text in [&form.given, &form.family, &form.father, &form.mother, &form.birth_place, &form.last_place] {
            for word in text.expose().split_whitespace() {
                self.add_text(word);
            }
        }
        self.add_text(form.birth.expose());
        self.add_text(form.phone.expose());
    }

    fn add_text(&mut self, text: &str) {
        if text.len() >= SHORTEST {
            self.longest = self.longest.max(text.len());
            self.texts.insert(text.into());
        }
    }

    /// How many texts are searched for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// True if there is nothing to search for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// How many different texts turn up in some bytes.
    #[must_use]
    pub fn count(&self, bytes: &[u8]) -> usize {
        self.found(bytes).len()
    }

    /// How many different texts turn up in a file or anywhere below a folder. What is removed meanwhile is not there any more.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn count_below(&self, path: &Path) -> std::io::Result<usize> {
        let mut found = BTreeSet::new();
        self.search(path, &mut found)?;
        Ok(found.len())
    }

    fn search(&self, path: &Path, found: &mut BTreeSet<usize>) -> std::io::Result<()> {
        let kind = std::fs::symlink_metadata(path)?.file_type();
        if kind.is_dir() {
            for entry in std::fs::read_dir(path)? {
                match self.search(&entry?.path(), found) {
                    // A node at work removed it between the look at the folder and the look at the file.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    outcome => outcome?,
                }
            }
        } else if kind.is_file() {
            self.search_file(&mut std::fs::File::open(path)?, found)?;
        }
        Ok(())
    }

    fn search_file(&self, file: &mut std::fs::File, found: &mut BTreeSet<usize>) -> std::io::Result<()> {
        let mut window = Vec::new();
        loop {
            let before = window.len();
            let read = file.take(WINDOW as u64).read_to_end(&mut window)?;
            found.extend(self.found(&window));
            if read == 0 {
                return Ok(());
            }
            // A text may lie across two windows: the end of this one begins the next.
            let keep = self.longest.min(before + read);
            window.drain(..before + read - keep);
        }
    }

    fn found(&self, bytes: &[u8]) -> BTreeSet<usize> {
        // One pass: texts by their first two bytes.
        let mut by_start: std::collections::BTreeMap<[u8; 2], Vec<(usize, &[u8])>> = std::collections::BTreeMap::new();
        for (place, text) in self.texts.iter().enumerate() {
            if let [first, second, ..] = text.expose().as_bytes() {
                by_start.entry([*first, *second]).or_default().push((place, text.expose().as_bytes()));
            }
        }
        let mut starts = vec![false; 1 << 16];
        for [first, second] in by_start.keys() {
            if let Some(slot) = starts.get_mut(usize::from(u16::from_be_bytes([*first, *second]))) {
                *slot = true;
            }
        }
        let mut found = BTreeSet::new();
        for (at, pair) in bytes.windows(2).enumerate() {
            let &[first, second] = pair else { continue };
            if !starts.get(usize::from(u16::from_be_bytes([first, second]))).copied().unwrap_or(false) {
                continue;
            }
            for (place, text) in by_start.get(&[first, second]).into_iter().flatten() {
                if bytes.get(at..).is_some_and(|rest| rest.starts_with(text)) {
                    found.insert(*place);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_name_is_found_and_others_are_not() {
        let mut plants = Plants::default();
        plants.add(&PersonForm { given: "Oleksandra".into(), family: "Ковальчук".into(), ..PersonForm::default() });
        assert_eq!(plants.len(), 2);
        assert_eq!(plants.count("x Ковальчук y".as_bytes()), 1);
        assert_eq!(plants.count(b"Oleksandr"), 0);
    }

    #[test]
    fn a_name_across_two_windows_is_found() {
        let mut plants = Plants::default();
        plants.add(&PersonForm { given: "Oleksandra".into(), ..PersonForm::default() });
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = vec![b'.'; WINDOW - 4];
        bytes.extend_from_slice(b"Oleksandra....");
        std::fs::write(dir.path().join("capture"), bytes).unwrap();
        assert_eq!(plants.count_below(dir.path()).unwrap(), 1);
    }

    #[test]
    fn files_that_come_and_go_do_not_stop_the_search() {
        use std::sync::atomic::{AtomicBool, Ordering};
        let mut plants = Plants::default();
        plants.add(&PersonForm { given: "Oleksandra".into(), ..PersonForm::default() });
        let (dir, stop) = (tempfile::tempdir().unwrap(), AtomicBool::new(false));
        std::fs::write(dir.path().join("stays"), "Oleksandra").unwrap();
        std::thread::scope(|threads| {
            threads.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let files: Vec<_> = (0..64).map(|number| dir.path().join(format!("{number}"))).collect();
                    files.iter().for_each(|file| std::fs::write(file, "x").unwrap());
                    files.iter().for_each(|file| std::fs::remove_file(file).unwrap());
                }
            });
            let counts: Vec<_> = (0..200).map(|_| plants.count_below(dir.path())).collect();
            stop.store(true, Ordering::Relaxed);
            assert!(counts.iter().all(|count| matches!(count, Ok(1))), "{counts:?}");
        });
        assert!(plants.count_below(&dir.path().join("never")).is_err());
    }
}
