//! Sessions of unlocked users, in the daemon's memory only.
//!
//! The server looks tokens up by their SHA-256, so that the time of a look-up says nothing about a token that is held.
//! A session ends at `lock`, at the end of the daemon, or when the same user opens more than [`SESSIONS_A_USER`].

use std::collections::VecDeque;

use data_encoding::BASE32_NOPAD;
use kinmesh_protocol::base::{Sensitive, UserId};
use sha2::{Digest, Sha256};

use super::api::SessionToken;

/// Open sessions of one user: the oldest gives way. Enough for several terminals and a script.
pub const SESSIONS_A_USER: usize = 8;
/// Open sessions of all users.
pub const SESSIONS: usize = 256;

/// Which user a token stands for.
#[derive(Default)]
pub struct Sessions(VecDeque<([u8; 32], UserId)>);

impl Sessions {
    /// Opens a session; 32 random bytes become its token.
    pub fn open(&mut self, user: UserId, random: Sensitive<[u8; 32]>) -> SessionToken {
        let token = Sensitive::new(BASE32_NOPAD.encode(random.expose()).to_ascii_lowercase());
        while self.0.iter().filter(|(_, owner)| *owner == user).count() >= SESSIONS_A_USER {
            let oldest = self.0.iter().position(|(_, owner)| *owner == user);
            oldest.and_then(|place| self.0.remove(place));
        }
        while self.0.len() >= SESSIONS {
            self.0.pop_front();
        }
        self.0.push_back((digest(&token), user));
        token
    }

    /// The user of a token.
    #[must_use]
    pub fn user(&self, token: &SessionToken) -> Option<UserId> {
        let digest = digest(token);
        self.0.iter().find(|(held, _)| *held == digest).map(|(_, user)| *user)
    }

    /// Ends every session.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

fn digest(token: &SessionToken) -> [u8; 32] {
    Sha256::digest(token.expose().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    #[test]
    fn a_token_stands_for_its_user_until_the_lock() {
        let mut sessions = Sessions::default();
        let token = sessions.open(user("amina"), Sensitive::new([1; 32]));
        assert_eq!(token.expose().len(), 52);
        assert_eq!(sessions.user(&token), Some(user("amina")));
        assert_eq!(sessions.user(&"x".into()), None);
        sessions.clear();
        assert_eq!(sessions.user(&token), None);
    }

    #[test]
    fn the_oldest_session_of_a_user_gives_way_and_no_other_users() {
        let mut sessions = Sessions::default();
        let other = sessions.open(user("jonas"), Sensitive::new([0xff; 32]));
        let tokens: Vec<_> = (0..=8).map(|n| sessions.open(user("amina"), Sensitive::new([n; 32]))).collect();
        assert_eq!(sessions.user(&tokens[0]), None);
        assert_eq!(sessions.user(&tokens[8]), Some(user("amina")));
        assert_eq!(sessions.user(&other), Some(user("jonas")));
    }
}
