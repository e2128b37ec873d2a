//! The files of the tree, read once a check.
//!
//! The walk leaves out build output and the version control's folder, follows no links, and keeps text only.

use std::io;
use std::path::{Path, PathBuf};

use crate::source::Source;

/// Folders that are not part of the tree.
const OUTSIDE: [&str; 2] = ["target", ".git"];

/// A text file.
pub struct Text {
    /// Path from the root, with `/`.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// All text files, the Rust files among them lexed.
pub struct Tree {
    /// Every file that is UTF-8, in order of path.
    pub texts: Vec<Text>,
    /// The Rust files.
    pub sources: Vec<Source>,
}

impl Tree {
    /// Reads the tree that this test was built from.
    ///
    /// # Errors
    /// A folder or file that cannot be read.
    pub fn read() -> io::Result<Self> {
        let root = root();
        let mut paths = Vec::new();
        walk(&root, &mut paths)?;
        paths.sort();
        let mut texts = Vec::new();
        for path in paths {
            let Ok(text) = String::from_utf8(std::fs::read(&path)?) else { continue };
            let inside = path.strip_prefix(&root).map_err(io::Error::other)?;
            texts.push(Text { path: inside.to_string_lossy().replace('\\', "/"), text });
        }
        Ok(Self::of(texts))
    }

    /// A tree of the given files.
    pub fn of(texts: Vec<Text>) -> Self {
        let sources = texts.iter().filter(|file| file.path.ends_with(".rs")).map(|file| Source::lex(&file.path, &file.text));
        Self { sources: sources.collect(), texts }
    }

    /// The text at a path, empty if there is none.
    pub fn text(&self, path: &str) -> &str {
        self.texts.iter().find(|file| file.path == path).map_or("", |file| &file.text)
    }
}

/// Names at the top level.
///
/// # Errors
/// The root cannot be read.
pub fn top_level() -> io::Result<Vec<String>> {
    std::fs::read_dir(root())?.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned())).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if OUTSIDE.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), paths)?;
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A tree of `(path, text)` pairs, for the tests of the rules.
    pub fn tree(files: &[(&str, &str)]) -> Tree {
        Tree::of(files.iter().map(|(path, text)| Text { path: (*path).to_owned(), text: (*text).to_owned() }).collect())
    }

    #[test]
    fn this_very_file_is_in_the_tree() {
        let tree = Tree::read().unwrap();
        assert!(tree.text("tests/tests/tidy/tree.rs").starts_with("//! The files of the tree"));
        assert!(tree.texts.iter().all(|file| !file.path.starts_with("target/")));
    }
}
