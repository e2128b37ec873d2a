//! Small files that an argument names, and standard input under the name `-`.
//!
//! Everything read here is bounded and wiped after use: notes, messages, passphrases, credentials, forms.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use kinmesh_protocol::base::Sensitive;

use super::errors::{CommandError, FileProblem};

/// Opens a file, or standard input for `-`.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, CommandError> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| problem(&error))?;
    Ok(Box::new(file))
}

/// Reads at most `limit` bytes of a file.
pub(super) fn bytes(path: &Path, limit: usize) -> Result<Sensitive<Vec<u8>>, CommandError> {
    // The one allocation holds all, so that no copy is left behind by growing.
    let mut bytes = Sensitive::new(Vec::with_capacity(limit + 1));
    let mut input = open(path)?.take(limit as u64 + 1);
    let read = input.read_to_end(bytes.expose_mut()).map_err(|error| problem(&error))?;
    if read > limit {
        return Err(FileProblem::TooLong { limit }.into());
    }
    Ok(bytes)
}

/// Reads a text of at most `limit` bytes, without the line end at its end.
pub(super) fn text(path: &Path, limit: usize) -> Result<Sensitive<String>, CommandError> {
    let bytes = bytes(path, limit)?;
    let text = str::from_utf8(bytes.expose()).map_err(|_| FileProblem::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(Sensitive::from(text.trim_end_matches(['\r', '\n'])))
}

/// The kind of an input or output error; its text could hold a path, which is the user's own.
pub(super) fn problem(error: &io::Error) -> CommandError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => FileProblem::NotThere,
        io::ErrorKind::PermissionDenied => FileProblem::NotAllowed,
        _ => FileProblem::Io,
    };
    CommandError::from(kind)
}
