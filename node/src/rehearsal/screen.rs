//! What the demo shows while it works: one line a stage, with its time; a moving bar on a terminal only.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The demo's progress, on standard error; results go to standard output.
pub struct Screen {
    began: Instant,
    stage: Instant,
    bar: Option<ProgressBar>,
}

impl Screen {
    /// Starts the clock.
    #[must_use]
    pub fn start() -> Self {
        let now = Instant::now();
        Self { began: now, stage: now, bar: None }
    }

    /// Says what is being done.
    pub fn doing(&mut self, what: &str) {
        self.stage = Instant::now();
        self.drop_bar();
        if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::default_spinner());
            bar.set_message(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            self.bar = Some(bar);
        }
    }

    /// Says how far it is.
    pub fn so_far(&self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text);
        }
    }

    /// Says that it is done.
    pub fn done(&mut self, text: &str) {
        self.drop_bar();
        let took = self.stage.elapsed().as_secs_f64();
        let mut out = std::io::stderr().lock();
        // A closed standard error is no reason to stop the demo.
        let _closed = writeln!(out, " ✓ {text:<66} {took:>5.1} s");
    }

    /// Seconds since the start.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    fn drop_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
