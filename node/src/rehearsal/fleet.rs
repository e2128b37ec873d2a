//! The processes of a rehearsal: real `kinmesh` daemons, each with its folder, started and stopped by id.
//!
//! Whatever ends a rehearsal (its end, an error, Ctrl-C) drops the fleet, and dropping it stops every process and removes
//! the folder, unless it is to be kept.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::control::client::Client;
use crate::rehearsal::errors::RehearsalError;

/// How long a node may take to answer, also where dozens of others have work on the same cores.
const START: Duration = Duration::from_secs(60);
/// Attempts to remove a rehearsal's folder.
const REMOVALS: usize = 40;
/// How often a starting node is asked.
const ASK: Duration = Duration::from_millis(25);

/// The folder and the processes of one rehearsal.
pub struct Fleet {
    program: PathBuf,
    dir: PathBuf,
    keep: bool,
    children: Vec<(String, Child)>,
}

impl Fleet {
    /// Makes the folder: a fresh one below the system's temporary folder, or the one to be kept.
    ///
    /// # Errors
    /// [`RehearsalError`] if it cannot be made, or is not empty.
    pub fn start(program: PathBuf, keep: Option<&Path>) -> Result<Self, RehearsalError> {
        let dir = match keep {
            Some(dir) => {
                if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
                    return Err(RehearsalError::NotEmpty { path: dir.to_path_buf() });
                }
                std::fs::create_dir_all(dir).map_err(|error| file_error(dir, &error))?;
                // Sockets and commands need a path that does not depend on where the demo was started.
                dir.canonicalize().map_err(|error| file_error(dir, &error))?
            }
            None => {
                let made = tempfile::Builder::new().prefix("kinmesh-demo-").tempdir();
                made.map_err(|error| file_error(&std::env::temp_dir(), &error))?.keep()
            }
        };
        Ok(Self { program, dir, keep: keep.is_some(), children: Vec::new() })
    }

    /// The rehearsal's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A node's folder.
    #[must_use]
    pub fn node_dir(&self, node: &str) -> PathBuf {
        self.dir.join(node)
    }

    /// Runs a command of the program to its end.
    ///
    /// # Errors
    /// [`RehearsalError::Command`] with what it said on standard error, or [`RehearsalError::Start`].
    pub fn command(&self, arguments: &[&str]) -> Result<Output, RehearsalError> {
        let output = self.bare(arguments).stdin(Stdio::null()).output().map_err(|error| RehearsalError::Start(error.kind()))?;
        if output.status.success() {
            return Ok(output);
        }
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        Err(RehearsalError::Command {
            command: arguments
                .iter()
                .filter(|word| !word.starts_with('-') && !word.contains('/'))
                .take(2)
                .copied()
                .collect::<Vec<_>>()
                .join(" "),
            code: output.status.code().unwrap_or(-1),
        })
    }

    /// Runs a command that may do its work in part (exit code 3), and gives what it said of the rest.
    ///
    /// # Errors
    /// As [`Fleet::command`].
    pub fn lenient(&self, arguments: &[&str]) -> Result<String, RehearsalError> {
        let output = self.bare(arguments).stdin(Stdio::null()).output().map_err(|error| RehearsalError::Start(error.kind()))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => Ok(String::new()),
            Some(3) => Ok(said),
            code => {
                eprintln!("{said}");
                Err(RehearsalError::Command { command: "person import".to_owned(), code: code.unwrap_or(-1) })
            }
        }
    }

    /// A command with an empty environment: nothing of the visitor's shell reaches a node.
    fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().env("NO_COLOR", "1").env("KINMESH_DIR", &self.dir).current_dir(&self.dir);
        command
    }

    /// Starts a node and waits until it answers.
    ///
    /// # Errors
    /// [`RehearsalError::Node`] with its log.
    pub async fn run(&mut self, node: &str, credential: &Path) -> Result<(), RehearsalError> {
        let log = self.log(node);
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).map_err(|error| file_error(&log, &error))?;
        let both = file.try_clone().map_err(|error| file_error(&log, &error))?;
        let dir = self.node_dir(node);
        let (dir_text, credential) = (text(&dir), text(credential));
        let mut command = self.bare(&["--dir", &dir_text, "daemon", "run", "--credential", &credential]);
        // A group of its own: Ctrl-C reaches the demo, which then stops its nodes in order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(both)
            .spawn()
            .map_err(|error| RehearsalError::Start(error.kind()))?;
        self.children.push((node.to_owned(), child));
        let client = Client::new(&dir);
        let began = Instant::now();
        while client.status().await.is_err() {
            let died = self.children.last_mut().is_some_and(|(_, child)| !matches!(child.try_wait(), Ok(None)));
            if died || began.elapsed() > START {
                if let Ok(said) = std::fs::read_to_string(&log) {
                    eprintln!("{said}");
                }
                return Err(RehearsalError::Node { node: node.to_owned(), log });
            }
            tokio::time::sleep(ASK).await;
        }
        Ok(())
    }

    fn log(&self, node: &str) -> PathBuf {
        self.dir.join(format!("{node}.log"))
    }

    /// Kills a node as a power cut would.
    pub fn kill(&mut self, node: &str) {
        if let Some(place) = self.children.iter().position(|(name, _)| name == node) {
            let (_, mut child) = self.children.remove(place);
            end(&mut child);
        }
    }

    /// The processes by node.
    #[must_use]
    pub fn processes(&self) -> Vec<(String, u32)> {
        self.children.iter().map(|(name, child)| (name.clone(), child.id())).collect()
    }

    /// Nodes whose process has ended by itself.
    #[must_use]
    pub fn died(&mut self) -> Vec<String> {
        let ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        self.children.iter_mut().filter_map(|(name, child)| ended(child).then(|| name.clone())).collect()
    }

    /// Starts another process of the program, which lives as long as the rehearsal; gives its id.
    ///
    /// # Errors
    /// [`RehearsalError::Start`].
    pub fn beside(&mut self, name: &str, arguments: &[&str]) -> Result<u32, RehearsalError> {
        let mut command = self.bare(arguments);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| RehearsalError::Start(error.kind()))?;
        let id = child.id();
        self.children.push((name.to_owned(), child));
        Ok(id)
    }

    /// Leaves everything running when this is dropped, and gives the processes' ids.
    #[must_use]
    pub fn leave_running(mut self) -> Vec<(String, u32)> {
        std::mem::take(&mut self.children).into_iter().map(|(name, child)| (name, child.id())).collect()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for (_, child) in &mut self.children {
            end(child);
        }
        if !self.keep {
            remove(&self.dir);
        }
    }
}

/// Removes the folder. A file may still be made in it by what is ending at this moment, hence several attempts; where
/// something stays all the same, it is named.
fn remove(dir: &Path) {
    for _ in 0..REMOVALS {
        if std::fs::remove_dir_all(dir).is_ok() || !dir.exists() {
            return;
        }
        std::thread::sleep(ASK);
    }
    eprintln!("some files stay in {}", dir.display());
}

fn end(child: &mut Child) {
    // Already gone is as good.
    let _gone = child.kill();
    let _reaped = child.wait();
}

/// A path as an argument.
#[must_use]
pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A file error with its path.
#[must_use]
pub fn file_error(path: &Path, error: &std::io::Error) -> RehearsalError {
    RehearsalError::File { path: path.to_path_buf(), kind: error.kind() }
}
