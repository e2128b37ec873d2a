//! Passphrases and credentials: from a prompt without echo, from a file, never from an argument or a variable's value.

use std::path::{Path, PathBuf};

use inquire::{Password, PasswordDisplayMode};
use kinmesh_protocol::base::Sensitive;

use super::context::Context;
use super::errors::{CommandError, FileProblem, UsageProblem};
use super::files;
use super::prompt;
use crate::control::UnlockInput;

/// Names a file whose first line is the passphrase.
const PASSPHRASE_FILE: &str = "KINMESH_PASSPHRASE_FILE";
/// Bytes of a passphrase.
const PASSPHRASE_BYTES: usize = 1024;
/// Bytes of a credential file.
const CREDENTIAL_BYTES: usize = 4096;

/// A secret that exists: from the credential file, from the passphrase file, or typed.
///
/// # Errors
/// The file cannot be read, or there is nobody to ask.
pub fn existing_secret(context: &Context, credential: Option<&Path>, what: &str) -> Result<UnlockInput, CommandError> {
    match from_file(credential)? {
        Some(secret) => Ok(secret),
        None => typed(context, what, Typing::Once),
    }
}

/// A secret that is being chosen: as [`existing_secret`], but typed twice.
///
/// # Errors
/// The file cannot be read, or there is nobody to ask.
pub fn fresh_secret(context: &Context, credential: Option<&Path>, what: &str) -> Result<UnlockInput, CommandError> {
    match from_file(credential)? {
        Some(secret) => Ok(secret),
        None => typed(context, what, Typing::Twice),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Typing {
    Once,
    Twice,
}

fn from_file(credential: Option<&Path>) -> Result<Option<UnlockInput>, CommandError> {
    if let Some(path) = credential {
        let bytes = files::bytes(path, CREDENTIAL_BYTES)?;
        return if bytes.expose().is_empty() { Err(FileProblem::Empty.into()) } else { Ok(Some(UnlockInput::Credential(bytes))) };
    }
    match std::env::var_os(PASSPHRASE_FILE).map(PathBuf::from) {
        Some(path) => passphrase(&files::text(&path, PASSPHRASE_BYTES)?).map(Some),
        None => Ok(None),
    }
}

/// The first line: an editor may have put an empty one behind it.
fn passphrase(text: &Sensitive<String>) -> Result<UnlockInput, CommandError> {
    match text.expose().lines().next() {
        Some(line) if !line.is_empty() => Ok(UnlockInput::Passphrase(line.into())),
        _ => Err(FileProblem::Empty.into()),
    }
}

fn typed(context: &Context, what: &str, typing: Typing) -> Result<UnlockInput, CommandError> {
    if !context.out.is_interactive() {
        return Err(UsageProblem::NoSecret.into());
    }
    let prompt = Password::new(what).with_display_mode(PasswordDisplayMode::Hidden);
    let prompt = match typing {
        Typing::Once => prompt.without_confirmation(),
        Typing::Twice => prompt.with_custom_confirmation_message("The same again:"),
    };
    prompt.prompt().map(|text| UnlockInput::Passphrase(Sensitive::new(text))).map_err(prompt::left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_file_gives_its_first_line() {
        let file = |text: &str| passphrase(&text.into());
        assert_eq!(file("four words are enough\n\nx").unwrap(), UnlockInput::Passphrase("four words are enough".into()));
        assert!(file("").is_err());
        assert!(file("\nx").is_err());
    }

    #[test]
    fn a_credential_file_is_taken_whole_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credential");
        std::fs::write(&path, [7; 32]).unwrap();
        assert_eq!(from_file(Some(&path)).unwrap(), Some(UnlockInput::Credential(Sensitive::new(vec![7; 32]))));
        std::fs::write(&path, vec![7; CREDENTIAL_BYTES + 1]).unwrap();
        assert!(from_file(Some(&path)).is_err());
    }
}
