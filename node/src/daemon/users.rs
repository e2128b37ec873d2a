//! Adding a user to a society's node: the second person for whatever takes two.
//!
//! It works on the keystore's file alone: who can open the records lets another one open them. A daemon that runs has read
//! the file at its start and knows the user from its next start on.

use std::io::{self, Write};

use kinmesh_protocol::base::UserId;
use serde::Serialize;
use thiserror::Error;

use crate::daemon::folder::NodeFolder;
use crate::exchange::Kind;
use crate::keys::{AddUserError, CreateError, Keystore, OpenKeystoreError, UnlockError, UnlockSecret};

/// A user who was added.
#[derive(Debug, Serialize)]
pub struct UserAdded {
    /// The name with which the user acts.
    pub user: UserId,
    /// Who let the user in.
    pub by: UserId,
}

/// Why no user was added; the keystore is as it was.
#[derive(Debug, Error)]
pub enum UserError {
    /// The keystore cannot be read.
    #[error(transparent)]
    Keystore(#[from] OpenKeystoreError),
    /// The acting user's secret is wrong, or the node has no users.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// The user cannot be added.
    #[error(transparent)]
    Add(#[from] AddUserError),
}

impl UserError {
    /// What an operator can do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Keystore(OpenKeystoreError::Absent)
            | Self::Unlock(UnlockError::NoRecords)
            | Self::Add(AddUserError::Known(_) | AddUserError::TooMany | AddUserError::Create(CreateError::Short { .. })) => {
                Kind::Usage
            }
            Self::Unlock(UnlockError::WrongSecret | UnlockError::Kind { .. }) => Kind::Secret,
            Self::Keystore(_) | Self::Unlock(_) | Self::Add(_) => Kind::Machine,
        }
    }
}

impl UserAdded {
    /// The report for people.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "✓ {} can open the records", self.user)
    }
}

/// Lets another user open the records of a node. `by` is one who can.
///
/// # Errors
/// [`UserError`].
pub fn add(
    folder: &NodeFolder,
    (by, secret): (UserId, &UnlockSecret),
    (user, fresh): (UserId, &UnlockSecret),
) -> Result<UserAdded, UserError> {
    let mut keystore = Keystore::open(&folder.keystore())?;
    let records = keystore.unlock_records(&by, secret)?;
    keystore.add_user(&records, user, fresh)?;
    Ok(UserAdded { user, by })
}

#[cfg(test)]
mod tests {
    use kinmesh_protocol::base::{NetworkId, Sensitive};

    use super::*;
    use crate::keys::KdfCost;

    fn credential(byte: u8) -> UnlockSecret {
        UnlockSecret::Credential(Sensitive::new(vec![byte; 32]))
    }

    #[test]
    fn a_user_lets_another_one_in_and_nobody_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let folder = NodeFolder::new(dir.path());
        let (amina, boris) = (UserId::new("amina").unwrap(), UserId::new("boris").unwrap());
        let network = NetworkId::new("drill-users").unwrap();
        Keystore::create_member(&folder.keystore(), &network, &credential(1), (amina, &credential(2)), KdfCost::Drill).unwrap();
        let wrong = add(&folder, (amina, &credential(9)), (boris, &credential(3))).unwrap_err();
        assert_eq!(wrong.kind(), Kind::Secret);
        assert_eq!(add(&folder, (amina, &credential(2)), (boris, &credential(3))).unwrap().user, boris);
        let again = add(&folder, (boris, &credential(3)), (amina, &credential(4))).unwrap_err();
        assert_eq!(again.kind(), Kind::Usage);
        let keystore = Keystore::open(&folder.keystore()).unwrap();
        assert!(keystore.unlock_records(&boris, &credential(3)).is_ok());
        assert!(keystore.unlock_records(&amina, &credential(2)).is_ok());
    }
}
