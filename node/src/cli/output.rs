//! Where a command writes: its result to standard output, everything else to standard error.
//!
//! One `Output` a command. With `--json` the result is one object with a `schema`; without, it is text. Hints and
//! progress go to standard error and are left out with `--quiet`.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::Value;

use super::errors::{CommandError, Kind};
use super::table::{LINE, Table};
use super::text::{Isolate, foreign};

/// Writes results, hints and errors.
pub struct Output {
    is_json: bool,
    is_quiet: bool,
    is_interactive: bool,
    isolate: Isolate,
    out: RefCell<Box<dyn Write>>,
    err: RefCell<Box<dyn Write>>,
}

impl Output {
    /// The process's own streams.
    #[must_use]
    pub fn standard(is_json: bool, is_quiet: bool) -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self {
            is_json,
            is_quiet,
            is_interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
            isolate: if is_terminal { Isolate::Yes } else { Isolate::No },
            out: RefCell::new(Box::new(io::stdout())),
            err: RefCell::new(Box::new(anstream::stderr())),
        }
    }

    /// True if a person can be asked.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        self.is_interactive
    }

    /// True with `--json`.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// True with `--quiet`.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Writes the result: with `--json` the object under its schema, else the lines of `text`.
    ///
    /// # Errors
    /// `Output` if the stream is closed or full.
    pub fn result<T: Serialize>(
        &self,
        schema: &'static str,
        value: &T,
        text: impl FnOnce(&Self) -> String,
    ) -> Result<(), CommandError> {
        let shown = if self.is_json { object(schema, value).ok_or(Kind::Output)? } else { text(self) };
        let mut out = self.out.borrow_mut();
        let written =
            out.write_all(shown.as_bytes()).and_then(|()| if shown.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
        written.and_then(|()| out.flush()).map_err(|_| Kind::Output.into())
    }

    /// A record's text for a line of the result.
    #[must_use]
    pub fn foreign(&self, text: &str) -> String {
        foreign(text, self.isolate)
    }

    /// The lines of a table.
    pub(super) fn table<const N: usize>(&self, table: &Table<N>) -> String {
        table.render(LINE, self.isolate)
    }

    /// One line of advice or progress on standard error; nothing with `--quiet`.
    pub fn hint(&self, line: &str) {
        if !self.is_quiet {
            self.say(line);
        }
    }

    /// One line on standard error, also with `--quiet`: a row that was left out.
    pub fn warn(&self, line: &str) {
        self.say(line);
    }

    /// A text on standard error before a question.
    pub fn before_question(&self, text: &str) {
        self.say(text.trim_end_matches('\n'));
    }

    /// Writes the error of a command that failed.
    pub fn error(&self, error: &CommandError) {
        if self.is_json {
            self.say(&error.json());
        } else {
            self.say(error.text().trim_end_matches('\n'));
        }
    }

    /// A closed standard error is no reason to stop: the exit code tells.
    fn say(&self, line: &str) {
        let mut err = self.err.borrow_mut();
        let _unheard = writeln!(err, "{line}").and_then(|()| err.flush());
    }
}

/// The object with its schema. The tag that tells answers apart on the socket is the schema's matter here.
fn object<T: Serialize>(schema: &'static str, value: &T) -> Option<String> {
    let mut object = match serde_json::to_value(value).ok()? {
        Value::Object(object) => object,
        other => serde_json::Map::from_iter([("value".to_owned(), other)]),
    };
    object.remove("is");
    object.insert("schema".to_owned(), Value::from(schema));
    serde_json::to_string(&object).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use std::rc::Rc;

    use super::*;

    /// What a command wrote.
    #[derive(Clone, Default)]
    pub(in crate::cli) struct Captured(Rc<RefCell<Vec<u8>>>);

    impl Captured {
        pub(in crate::cli) fn text(&self) -> String {
            String::from_utf8(self.0.borrow().clone()).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Output {
        /// Streams that a test reads.
        pub(in crate::cli) fn captured(is_json: bool) -> (Self, Captured, Captured) {
            let (out, err) = (Captured::default(), Captured::default());
            let output = Self {
                is_json,
                is_quiet: false,
                is_interactive: false,
                isolate: Isolate::No,
                out: RefCell::new(Box::new(out.clone())),
                err: RefCell::new(Box::new(err.clone())),
            };
            (output, out, err)
        }
    }

    #[test]
    fn a_result_is_text_or_one_object_with_a_schema() {
        let value = serde_json::json!({"is": "people", "people": []});
        let (text, out, _) = Output::captured(false);
        text.result("kinmesh/person-list/1", &value, |_| "none".to_owned()).unwrap();
        assert_eq!(out.text(), "none\n");
        let (json, out, _) = Output::captured(true);
        json.result("kinmesh/person-list/1", &value, |_| String::new()).unwrap();
        assert_eq!(out.text(), "{\"people\":[],\"schema\":\"kinmesh/person-list/1\"}\n");
    }
}
