//! The socket in the node's folder: made by the daemon, for its own user only.
//!
//! The file has mode 0600 from its first moment (it is bound inside a folder of mode 0700 and then moved to its place),
//! and each connection's peer must have the daemon's uid. A file that an ended daemon left behind is replaced; two live
//! daemons on one folder are told apart by the store's lock before this is called.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use axum::serve::Listener;
use thiserror::Error;
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};

/// Name of the socket in the node's folder.
pub const SOCKET_NAME: &str = "control.sock";
/// Bytes that a socket's path may have (`sun_path` of Linux, without its end mark).
pub const SOCKET_PATH_BYTES: usize = 107;
/// What stands behind the name while the socket is made.
const MAKING: &str = "control.making";

/// Why the socket was not made.
#[derive(Debug, Error)]
pub enum BindError {
    /// The folder's path is too long for a socket.
    #[error("the socket's path has {found} bytes, at most {SOCKET_PATH_BYTES}")]
    PathLength {
        /// Bytes that it has.
        found: usize,
    },
    /// Somebody answers on the socket already.
    #[error("another daemon answers on the socket")]
    InUse,
    /// The operating system refused.
    #[error("the socket was not made")]
    Io(#[source] io::Error),
}

/// Where a node's socket is.
#[must_use]
pub fn socket_path(dir: &Path) -> PathBuf {
    dir.join(SOCKET_NAME)
}

/// Makes the socket of a node's folder.
///
/// # Errors
/// [`BindError`]: the path is too long, a daemon answers there, or the operating system refused.
pub fn bind(dir: &Path) -> Result<UnixListener, BindError> {
    let path = socket_path(dir);
    let folder = dir.join(MAKING);
    let inner = folder.join("s");
    let found = path.as_os_str().len().max(inner.as_os_str().len());
    if found > SOCKET_PATH_BYTES {
        return Err(BindError::PathLength { found });
    }
    if std::os::unix::net::UnixStream::connect(&path).is_ok() {
        return Err(BindError::InUse);
    }
    let made = bind_in(&folder, &inner, &path);
    let _best_effort = std::fs::remove_dir_all(&folder);
    made.map_err(BindError::Io)
}

fn bind_in(folder: &Path, inner: &Path, path: &Path) -> io::Result<UnixListener> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir(folder)?;
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o700))?;
    let listener = UnixListener::bind(inner)?;
    std::fs::set_permissions(inner, PermissionsExt::from_mode(0o600))?;
    std::fs::rename(inner, path)?;
    Ok(listener)
}

/// Accepts connections of the daemon's own user; others are closed without a byte.
pub(super) struct OwnUser {
    listener: UnixListener,
    uid: u32,
}

impl OwnUser {
    pub(super) fn new(listener: UnixListener) -> Self {
        Self { listener, uid: rustix::process::geteuid().as_raw() }
    }
}

impl Listener for OwnUser {
    type Io = UnixStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (UnixStream, SocketAddr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == self.uid => return (stream, address),
                _ => tracing::warn!("a connection of another operating-system user was closed"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
