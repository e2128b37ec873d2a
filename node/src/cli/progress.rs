//! How far a long command is: a bar on a terminal, else a line every ten seconds, nothing with `--quiet`.

use std::io::Read;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressBarIter, ProgressDrawTarget, ProgressStyle};

use super::output::Output;

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows progress on standard error.
pub(super) struct Progress<'a> {
    out: &'a Output,
    bar: ProgressBar,
    last_line: Instant,
}

impl<'a> Progress<'a> {
    /// Over `total` steps, 0 if unknown.
    pub(super) fn new(out: &'a Output, total: u64) -> Self {
        let bar = if total == 0 { ProgressBar::no_length() } else { ProgressBar::new(total) };
        let is_shown = out.is_interactive() && !out.is_quiet();
        bar.set_draw_target(if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() });
        let look = if total == 0 { "{spinner} {msg}" } else { "{spinner} {bar:20} {percent:>3} %  {msg}" };
        if let Ok(style) = ProgressStyle::with_template(look) {
            bar.set_style(style);
        }
        Self { out, bar, last_line: Instant::now() }
    }

    /// Counts the bytes that are read as steps.
    pub(super) fn count<R: Read>(&self, input: R) -> ProgressBarIter<R> {
        self.bar.wrap_read(input)
    }

    /// Says what has been done.
    pub(super) fn say(&mut self, message: String) {
        if self.out.is_interactive() {
            self.bar.set_message(message);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            self.out.hint(&message);
        }
    }

    /// Writes a line above the bar, nothing with `--quiet`.
    pub(super) fn hint(&self, line: &str) {
        self.bar.suspend(|| self.out.hint(line));
    }

    /// Writes a line above the bar.
    pub(super) fn warn(&self, line: &str) {
        self.bar.suspend(|| self.out.warn(line));
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
