//! The client's side of the API: one connection a request.
//!
//! The command line and the rehearsal call it. It tells a daemon that is not running from one that refuses, and never
//! keeps or prints what a body held.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use kinmesh_protocol::base::UserId;
use kinmesh_protocol::engine::answer::{Answer, Failure, NodeStatus};
use kinmesh_protocol::engine::command::Command;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::api::{
    Acknowledged, COMMAND_PATH, CommandRequest, LOCK_PATH, REPLY_BYTES, Refused, Reply, STATUS_PATH, STOP_PATH, Session,
    SessionToken, UNLOCK_PATH, UnlockReply, UnlockRequest,
};
use super::socket::{SOCKET_PATH_BYTES, socket_path};
use crate::daemon::desk::{UnlockInput, UnlockProblem};

/// Longer than the server waits for its desk, so that the server's own word arrives.
const WAIT: Duration = Duration::from_secs(180);

/// Why a request was not answered as wanted.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nobody listens on the socket.
    #[error("the daemon is not running")]
    NotRunning,
    /// The operating system lets this user not connect.
    #[error("the socket belongs to another operating-system user")]
    NotOwner,
    /// The folder's path is too long for a socket.
    #[error("the socket's path has {found} bytes, at most {SOCKET_PATH_BYTES}")]
    PathLength {
        /// Bytes that it has.
        found: usize,
    },
    /// The connection could not be made for another reason.
    #[error("no connection to the daemon")]
    Connect(#[source] io::Error),
    /// The connection broke, or what came is not an answer of version 1.
    #[error("the daemon's answer broke off or is not one of version 1")]
    Answer,
    /// The answer is longer than [`REPLY_BYTES`].
    #[error("the answer is longer than {REPLY_BYTES} bytes")]
    TooLong,
    /// No answer in time.
    #[error("no answer in time")]
    NoAnswer,
    /// The API refused.
    #[error(transparent)]
    Refused(Refused),
    /// The engine did not do it.
    #[error(transparent)]
    Failed(Failure),
    /// The records stay locked.
    #[error(transparent)]
    Unlock(UnlockProblem),
}

/// Speaks to the daemon of one folder.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
    session: Option<SessionToken>,
}

impl Client {
    /// A client of the daemon of this folder, without a session.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { socket: socket_path(dir), session: None }
    }

    /// The same, acting for an unlocked user.
    #[must_use]
    pub fn with_session(self, session: Option<SessionToken>) -> Self {
        Self { session, ..self }
    }

    /// Runs a command.
    ///
    /// # Errors
    /// [`ClientError`]; the engine's reason as `Failed`.
    pub async fn command(&self, command: Command) -> Result<Answer, ClientError> {
        answer(self.post(COMMAND_PATH, &CommandRequest { session: self.session.clone(), command }).await?)
    }

    /// How the node is.
    ///
    /// # Errors
    /// [`ClientError`]; `NotRunning` if no daemon is there.
    pub async fn status(&self) -> Result<NodeStatus, ClientError> {
        match answer(self.call(Method::GET, STATUS_PATH, Vec::new()).await?)? {
            Answer::Status(status) => Ok(*status),
            _ => Err(ClientError::Answer),
        }
    }

    /// Opens the records for a user.
    ///
    /// # Errors
    /// [`ClientError`]; `Unlock` says why they stay locked.
    pub async fn unlock(&self, user: UserId, secret: UnlockInput) -> Result<SessionToken, ClientError> {
        match self.post(UNLOCK_PATH, &UnlockRequest { user, secret }).await? {
            UnlockReply::Ok(Session { session }) => Ok(session),
            UnlockReply::Failed(problem) => Err(ClientError::Unlock(problem)),
            UnlockReply::Refused(refused) => Err(ClientError::Refused(refused)),
        }
    }

    /// Locks the records; every session ends.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lock(&self) -> Result<(), ClientError> {
        acknowledged(self.call(Method::POST, LOCK_PATH, Vec::new()).await?)
    }

    /// Asks the daemon to stop; it ends a little later.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn stop(&self) -> Result<(), ClientError> {
        acknowledged(self.call(Method::POST, STOP_PATH, Vec::new()).await?)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        let bytes = serde_json::to_vec(body).map_err(|_| ClientError::Answer)?;
        self.call(Method::POST, path, bytes).await
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: Vec<u8>) -> Result<T, ClientError> {
        timeout(WAIT, self.exchange(method, path, body)).await.map_err(|_| ClientError::NoAnswer)?
    }

    async fn exchange<T: DeserializeOwned>(&self, method: Method, path: &str, body: Vec<u8>) -> Result<T, ClientError> {
        let stream = self.connect().await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|_| ClientError::Answer)?;
        // The connection ends with its one request; what it could report, the request reports too.
        let driver = tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "kinmesh")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| ClientError::Answer)?;
        let response = sender.send_request(request).await.map_err(|_| ClientError::Answer)?;
        let bytes = Limited::new(response.into_body(), REPLY_BYTES)
            .collect()
            .await
            .map_err(|error| if error.is::<LengthLimitError>() { ClientError::TooLong } else { ClientError::Answer })?;
        driver.abort();
        serde_json::from_slice(&bytes.to_bytes()).map_err(|_| ClientError::Answer)
    }

    async fn connect(&self) -> Result<UnixStream, ClientError> {
        let found = self.socket.as_os_str().len();
        if found > SOCKET_PATH_BYTES {
            return Err(ClientError::PathLength { found });
        }
        UnixStream::connect(&self.socket).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NotRunning,
            io::ErrorKind::PermissionDenied => ClientError::NotOwner,
            _ => ClientError::Connect(error),
        })
    }
}

fn answer(reply: Reply) -> Result<Answer, ClientError> {
    match reply {
        Reply::Ok(answer) => Ok(answer),
        Reply::Failed(failure) => Err(ClientError::Failed(failure)),
        Reply::Refused(refused) => Err(ClientError::Refused(refused)),
    }
}

fn acknowledged(reply: Acknowledged) -> Result<(), ClientError> {
    match reply {
        Acknowledged::Ok => Ok(()),
        Acknowledged::Refused(refused) => Err(ClientError::Refused(refused)),
    }
}

#[cfg(test)]
mod tests {
    use kinmesh_protocol::person::PersonForm;
    use tokio::sync::{mpsc, oneshot};

    use super::*;
    use crate::control::{DeskRequest, bind, serve};

    /// A desk that knows one user and one person, and a client of it.
    async fn desk(dir: &Path) -> (Client, oneshot::Sender<()>, tokio::task::JoinHandle<io::Result<()>>) {
        let (sender, mut requests) = mpsc::channel(4);
        let (stop, stopped) = oneshot::channel::<()>();
        let listener = bind(dir).unwrap();
        let server = tokio::spawn(serve(listener, sender, async move { stopped.await.unwrap_or(()) }));
        tokio::spawn(async move {
            while let Some(request) = requests.recv().await {
                match request {
                    DeskRequest::Command { user: None, reply, .. } => drop(reply.send(Err(Failure::NotJoined))),
                    DeskRequest::Command { reply, .. } => drop(reply.send(Ok(Answer::Held { hits: Vec::new() }))),
                    DeskRequest::Unlock { secret: UnlockInput::Passphrase(word), reply, .. } => {
                        let outcome = if word.expose() == "open" { Ok(()) } else { Err(UnlockProblem::Wrong) };
                        reply.send(outcome).unwrap();
                    }
                    DeskRequest::Unlock { reply, .. } => drop(reply),
                    DeskRequest::Lock { reply } | DeskRequest::Stop { reply } => reply.send(()).unwrap(),
                }
            }
        });
        (Client::new(dir), stop, server)
    }

    #[tokio::test]
    async fn a_user_unlocks_works_and_locks() {
        let dir = tempfile::tempdir().unwrap();
        let (client, stop, server) = desk(dir.path()).await;
        let amina = UserId::new("amina").unwrap();

        assert!(matches!(client.status().await, Err(ClientError::Failed(Failure::NotJoined))));
        assert!(matches!(client.command(Command::SearchHeld).await, Err(ClientError::Refused(Refused::Session))));
        let wrong = client.unlock(amina, UnlockInput::Passphrase("shut".into())).await;
        assert!(matches!(wrong, Err(ClientError::Unlock(UnlockProblem::Wrong))));
        let dropped = client.unlock(amina, UnlockInput::Credential(kinmesh_protocol::base::Sensitive::new(vec![0; 32]))).await;
        assert!(matches!(dropped, Err(ClientError::Refused(Refused::Closing))));

        let session = client.unlock(amina, UnlockInput::Passphrase("open".into())).await.unwrap();
        let known = client.clone().with_session(Some(session));
        assert!(matches!(known.command(Command::SearchHeld).await, Ok(Answer::Held { .. })));
        known.lock().await.unwrap();
        assert!(matches!(known.command(Command::SearchHeld).await, Err(ClientError::Refused(Refused::Session))));

        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
        assert!(matches!(client.status().await, Err(ClientError::NotRunning)));
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_and_a_strange_path_too() {
        let dir = tempfile::tempdir().unwrap();
        let (client, _stop, _server) = desk(dir.path()).await;
        let note = "x".repeat(super::super::api::REQUEST_BYTES);
        let form = Box::new(PersonForm { note: note.as_str().into(), ..PersonForm::default() });
        assert!(matches!(client.command(Command::PersonAdd { form }).await, Err(ClientError::Refused(Refused::TooLong))));
        let strange: Result<Reply, _> = client.call(Method::GET, "/v2/status", Vec::new()).await;
        assert!(matches!(strange, Ok(Reply::Refused(Refused::Path))));
        let wrong: Result<Reply, _> = client.call(Method::POST, COMMAND_PATH, b"{\"command\":1}".to_vec()).await;
        assert!(matches!(wrong, Ok(Reply::Refused(Refused::Body { line: 1, .. }))));
    }

    #[tokio::test]
    async fn the_socket_is_its_owners_alone_and_survives_a_dead_daemons_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        drop(bind(dir.path()).unwrap());
        let listener = bind(dir.path()).unwrap();
        let mode = std::fs::metadata(socket_path(dir.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(bind(dir.path()), Err(crate::control::BindError::InUse)));
        drop(listener);
    }
}
