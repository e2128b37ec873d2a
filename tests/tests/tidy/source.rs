//! One Rust file as tokens: where its test code lies, its functions, the folders and crates that it names.
//!
//! Working on tokens and not on lines means that text in strings and comments is never taken for code, and that grouped
//! imports, paths in expressions and paths in macro calls are all seen.

use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A token with its line.
#[derive(Clone, Debug)]
struct Token {
    text: String,
    line: usize,
}

/// A function with its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// First line, that of `fn`.
    pub line: usize,
    /// Lines from `fn` to the closing brace.
    pub lines: usize,
}

/// A name with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Line, from 1.
    pub line: usize,
}

/// A Rust file.
pub struct Source {
    /// Path from the root.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Why it could not be lexed.
    pub fault: Option<String>,
    tokens: Vec<Token>,
    tests: Vec<(usize, usize)>,
}

impl Source {
    /// Lexes a file; one that does not lex has no tokens and a fault.
    pub fn lex(path: &str, text: &str) -> Self {
        let (mut tokens, mut fault) = (Vec::new(), None);
        match TokenStream::from_str(text) {
            Ok(stream) => flatten(stream, &mut tokens),
            Err(error) => fault = Some(error.to_string()),
        }
        let tests = if is_test_file(path) { vec![(1, usize::MAX)] } else { test_spans(&tokens) };
        Self { path: path.to_owned(), text: text.to_owned(), fault, tokens, tests }
    }

    /// Whether a line is test code: in an item under `#[cfg(test)]`, or in a file of tests.
    pub fn in_tests(&self, line: usize) -> bool {
        self.tests.iter().any(|(first, last)| (*first..=*last).contains(&line))
    }

    /// Lines outside `#[cfg(test)]`.
    pub fn lines_without_tests(&self) -> usize {
        (1..=self.text.lines().count()).filter(|line| !self.in_tests(*line)).count()
    }

    /// Functions with a body, outside `#[cfg(test)]`.
    pub fn functions(&self) -> Vec<Function> {
        let starts = self.tokens.iter().enumerate().filter(|(_, token)| token.text == "fn" && !self.in_tests(token.line));
        starts.filter_map(|(at, token)| function(&self.tokens, at, token)).collect()
    }

    /// Top-level modules of the own crate that the file names, as `crate::x`, `crate::{x, y}` or by enough `super::`.
    pub fn own_modules(&self) -> Vec<Named> {
        let mut found = Vec::new();
        let mut depth = module_depth(&self.path);
        let mut scopes = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            match token.text.as_str() {
                "{" => {
                    let is_module = at > 1 && self.word(at - 2) == "mod";
                    depth += usize::from(is_module);
                    scopes.push(is_module);
                }
                "}" => depth -= usize::from(scopes.pop().unwrap_or(false)),
                "crate" => found.extend(self.names_after(at)),
                "super" if !self.is_continued(at) => {
                    let last = self.last_super(at);
                    if (last - at) / 3 + 1 >= depth {
                        found.extend(self.names_after(last));
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// Whether the file names a crate: as the first part of a path, or alone in a `use`.
    pub fn names_crate(&self, name: &str) -> Vec<Named> {
        let found = self.tokens.iter().enumerate().filter(|(at, token)| {
            let is_it = token.text == name || token.text.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
            let leads = self.word(at + 1) == ":" && self.word(at + 2) == ":";
            let alone = at.checked_sub(1).is_some_and(|before| self.word(before) == "use");
            is_it && !self.is_continued(*at) && (leads || alone)
        });
        found.map(|(_, token)| Named { name: token.text.clone(), line: token.line }).collect()
    }

    /// Item keywords at the top of the file, outside `#[cfg(test)]`.
    pub fn top_items(&self) -> Vec<Named> {
        let mut depth = 0_usize;
        let mut found = Vec::new();
        for token in &self.tokens {
            match token.text.as_str() {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth = depth.saturating_sub(1),
                "fn" | "struct" | "enum" | "trait" | "impl" | "const" | "static" | "type" | "union" | "macro_rules"
                    if depth == 0 && !self.in_tests(token.line) =>
                {
                    found.push(Named { name: token.text.clone(), line: token.line });
                }
                _ => {}
            }
        }
        found
    }

    /// Comment lines and comments behind code, with their line.
    pub fn comments(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().filter_map(|(index, line)| {
            let start = if line.trim_start().starts_with("//") { line.find("//") } else { line.find(" // ") };
            start.and_then(|start| line.get(start..)).map(|comment| (index + 1, comment))
        })
    }

    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }

    /// Whether the path goes on from something in front: `a::THIS`, but not `::THIS`.
    fn is_continued(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(3) else { return false };
        let joined = self.word(at - 1) == ":" && self.word(at - 2) == ":";
        joined && self.word(before).ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>')
    }

    /// The last `super` of a chain that starts at `at`.
    fn last_super(&self, at: usize) -> usize {
        let mut last = at;
        while self.word(last + 1) == ":" && self.word(last + 2) == ":" && self.word(last + 3) == "super" {
            last += 3;
        }
        last
    }

    /// The name behind `at ::`, or the names of the group there.
    fn names_after(&self, at: usize) -> Vec<Named> {
        if self.word(at + 1) != ":" || self.word(at + 2) != ":" {
            return Vec::new();
        }
        let first = at + 3;
        if self.word(first) != "{" {
            return self
                .tokens
                .get(first)
                .map(|token| Named { name: token.text.clone(), line: token.line })
                .into_iter()
                .collect();
        }
        let inside = self.tokens.get(first..=closing(&self.tokens, first)).unwrap_or_default();
        let mut depth = 0_usize;
        let mut names = Vec::new();
        for (token, next) in inside.iter().zip(inside.iter().skip(1)) {
            match token.text.as_str() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 1 && (token.text == "{" || token.text == ",") && next.text != "}" {
                names.push(Named { name: next.text.clone(), line: next.line });
            }
        }
        names
    }
}

fn is_test_file(path: &str) -> bool {
    let in_sources = path.starts_with("protocol/src/") || path.starts_with("node/src/");
    in_sources && (path.ends_with("/tests.rs") || path.contains("/tests/"))
}

/// Parts of a file's module path: 0 for the crate's root.
fn module_depth(path: &str) -> usize {
    let inside = path.split_once("src/").map_or(path, |(_, inside)| inside);
    let parts = inside.split('/').count();
    let is_index = ["lib.rs", "main.rs", "mod.rs"].iter().any(|name| inside.ends_with(name));
    parts - usize::from(is_index)
}

fn flatten(stream: TokenStream, into: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                into.push(Token { text: open.to_owned(), line });
                let end = group.span_close().end().line;
                flatten(group.stream(), into);
                into.push(Token { text: close.to_owned(), line: end });
            }
            other => into.push(Token { text: other.to_string(), line }),
        }
    }
}

/// The index of the bracket that closes the one at `open`.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

/// The index at which the item that starts at `at` ends: its closing brace or its semicolon.
fn item_end(tokens: &[Token], at: usize) -> usize {
    let mut at = at;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "{" => return closing(tokens, at),
            ";" => return at,
            "(" | "[" => at = closing(tokens, at),
            _ => {}
        }
        at += 1;
    }
    tokens.len().saturating_sub(1)
}

/// First and last line of every item under `#[cfg(test)]`.
fn test_spans(tokens: &[Token]) -> Vec<(usize, usize)> {
    let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
    let starts =
        tokens.windows(mark.len()).enumerate().filter(|(_, window)| window.iter().map(|token| &token.text).eq(mark.iter()));
    let spans = starts.filter_map(|(at, window)| {
        let end = tokens.get(item_end(tokens, at + mark.len()))?;
        Some((window.first()?.line, end.line))
    });
    spans.collect()
}

fn function(tokens: &[Token], at: usize, token: &Token) -> Option<Function> {
    let name = tokens.get(at + 1).filter(|next| next.text != "(")?;
    let end = tokens.get(item_end(tokens, at)).filter(|end| end.text == "}")?;
    Some(Function { name: name.text.clone(), line: token.line, lines: end.line - token.line + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: Vec<Named>) -> Vec<String> {
        found.into_iter().map(|named| named.name).collect()
    }

    #[test]
    fn own_modules_are_seen_in_every_form_of_path() {
        let text = "use crate::base::Draw;\nuse crate::{person, roster::{verify, Member}};\nfn f() { crate::wire::go(vec![crate::audit::X]); }";
        let source = Source::lex("protocol/src/engine/route.rs", text);
        assert_eq!(names(source.own_modules()), ["base", "person", "roster", "wire", "audit"]);
    }

    #[test]
    fn super_counts_only_where_it_leaves_the_folder() {
        let text = "use super::parts::X;\nuse super::super::wire::Y;\nmod tests { use super::super::local::Z; use super::super::super::base::T; }";
        let source = Source::lex("protocol/src/engine/route.rs", text);
        assert_eq!(names(source.own_modules()), ["wire", "base"]);
    }

    #[test]
    fn a_crate_is_named_by_its_paths_and_not_by_strings_or_own_modules() {
        let text = "use libp2p::swarm;\nuse sled;\nfn f() { let s = \"sled::open\"; crate::sled::open(); libp2p_tls::x(); ::sled::y(); }";
        let source = Source::lex("node/src/network/swarm.rs", text);
        assert_eq!(names(source.names_crate("libp2p")), ["libp2p", "libp2p_tls"]);
        assert_eq!(source.names_crate("sled").iter().map(|named| named.line).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn test_modules_are_left_out_of_lines_and_functions() {
        let text = "//! head\n\nfn one(a: [u8; 3]) -> u8\nwhere\n    u8: Copy,\n{\n    2\n}\n\n#[cfg(test)]\nmod tests {\n    fn two() {}\n}\n";
        let source = Source::lex("protocol/src/base/x.rs", text);
        assert_eq!(source.lines_without_tests(), 9);
        assert_eq!(source.functions(), [Function { name: "one".to_owned(), line: 3, lines: 6 }]);
    }

    #[test]
    fn a_function_type_and_a_bodiless_function_are_no_functions() {
        let source = Source::lex("protocol/src/base/x.rs", "trait T { fn a(&self); }\ntype F = fn(u8) -> u8;");
        assert_eq!(source.functions(), []);
    }

    #[test]
    fn a_file_that_does_not_lex_has_a_fault() {
        assert!(Source::lex("protocol/src/base/x.rs", "fn f( {").fault.is_some());
    }
}
