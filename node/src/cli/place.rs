//! Which node a command is for, and as which user: the folder, and the session files in it.
//!
//! `daemon unlock` writes the session of a user into `session-USER` (mode 0600, replaced at once or not at all), `daemon
//! lock` removes every one. A session is good for nothing once the daemon has ended or locked.

use std::io::Write;
use std::path::PathBuf;

use kinmesh_protocol::base::UserId;

use super::errors::{CommandError, UsageProblem};
use super::files;
use crate::control::SessionToken;

/// Before the user's name in a session file's name.
const SESSION_PREFIX: &str = "session-";
/// Bytes of a session file.
const SESSION_BYTES: usize = 128;

/// The folder of a node, and the user if one was named.
#[derive(Clone, Debug)]
pub struct Place {
    /// The node's folder.
    pub dir: PathBuf,
    /// The user of `--user` or KINMESH_USER.
    pub user: Option<UserId>,
}

impl Place {
    /// The folder that was named, or the default one of this account.
    pub(super) fn find(dir: Option<PathBuf>, user: Option<UserId>) -> Result<Self, CommandError> {
        let dir = dir.or_else(default_dir).ok_or(UsageProblem::NoDir)?;
        Ok(Self { dir, user })
    }

    /// The user that is to be made or unlocked: the named one, else the account's own name.
    ///
    /// # Errors
    /// `NoUser` if none is named and the account's name is no user name.
    pub fn user_or_account(&self) -> Result<UserId, CommandError> {
        let account = || ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        let own = || account().and_then(|name| UserId::new(&name).ok());
        self.user.or_else(own).ok_or_else(|| UsageProblem::NoUser.into())
    }

    /// The session to act with: that of the named user, or the only one there is.
    pub(super) fn session(&self) -> Result<Option<SessionToken>, CommandError> {
        let user = match self.user {
            Some(user) => user,
            None => match self.users().as_slice() {
                [] => return Ok(None),
                [only] => *only,
                _ => return Err(UsageProblem::NoUser.into()),
            },
        };
        let path = self.session_path(user);
        if !path.exists() {
            return Ok(None);
        }
        files::text(&path, SESSION_BYTES).map(Some)
    }

    /// Keeps a session.
    pub(super) fn keep_session(&self, user: UserId, token: &SessionToken) -> Result<(), CommandError> {
        let kept = || -> std::io::Result<()> {
            // A temporary file has mode 0600 from its first moment.
            let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
            file.write_all(token.expose().as_bytes())?;
            file.persist(self.session_path(user))?;
            Ok(())
        };
        kept().map_err(|error| files::problem(&error))
    }

    /// Removes every session.
    pub(super) fn drop_sessions(&self) -> Result<(), CommandError> {
        for user in self.users() {
            std::fs::remove_file(self.session_path(user)).map_err(|error| files::problem(&error))?;
        }
        Ok(())
    }

    /// Users that have a session file, in order.
    fn users(&self) -> Vec<UserId> {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut users: Vec<UserId> = names.filter_map(|name| UserId::new(name.strip_prefix(SESSION_PREFIX)?).ok()).collect();
        users.sort();
        users
    }

    fn session_path(&self, user: UserId) -> PathBuf {
        self.dir.join(format!("{SESSION_PREFIX}{user}"))
    }
}

/// `$XDG_DATA_HOME/kinmesh`, else `~/.local/share/kinmesh`.
fn default_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
    data.map(|data| data.join("kinmesh"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_session_is_its_owners_alone_and_found_without_a_name_while_it_is_the_only_one() {
        let dir = tempfile::tempdir().unwrap();
        let (amina, jonas) = (UserId::new("amina").unwrap(), UserId::new("jonas").unwrap());
        let place = Place { dir: dir.path().to_owned(), user: None };
        assert_eq!(place.session().unwrap(), None);
        place.keep_session(amina, &"first".into()).unwrap();
        let mode = std::fs::metadata(dir.path().join("session-amina")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(place.session().unwrap(), Some("first".into()));
        place.keep_session(jonas, &"second".into()).unwrap();
        assert!(place.session().is_err());
        let named = Place { user: Some(jonas), ..place.clone() };
        assert_eq!(named.session().unwrap(), Some("second".into()));
        place.drop_sessions().unwrap();
        assert_eq!(named.session().unwrap(), None);
    }
}
