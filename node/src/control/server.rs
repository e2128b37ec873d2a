//! The daemon's side of the API: reads requests, knows sessions, passes each request to the desk.
//!
//! The daemon calls [`serve`] once and owns the desk's receiver. Requests are bounded in size, number and time; a body is
//! wiped once it is read, and a refusal names a place in it, never its content. Nothing is decided here but whether an
//! unlocked user stands behind a command.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use kinmesh_protocol::base::limits::TICKETS;
use kinmesh_protocol::base::{Sensitive, UserId};
use kinmesh_protocol::engine::command::Command;
use serde::de::DeserializeOwned;
use tokio::net::UnixListener;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::api::{
    Acknowledged, COMMAND_PATH, CommandRequest, LOCK_PATH, REQUEST_BYTES, Refused, Reply, STATUS_PATH, STOP_PATH, Session,
    UNLOCK_PATH, UnlockReply, UnlockRequest,
};
use super::sessions::Sessions;
use super::socket::OwnUser;
use crate::daemon::desk::DeskRequest;

/// A body that takes longer is given up: it comes from the same machine.
const BODY_WAIT: Duration = Duration::from_secs(30);
/// An answer that takes longer is given up; the longest honest one is a passphrase's derivation on a busy machine.
const ANSWER_WAIT: Duration = Duration::from_secs(120);

/// Serves the API until `stopped` is ready; open requests are answered first.
///
/// # Errors
/// Those of the listener.
pub async fn serve(
    listener: UnixListener,
    desk: mpsc::Sender<DeskRequest>,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let counter = Arc::new(Counter { desk, sessions: Mutex::default(), open: Semaphore::new(TICKETS) });
    let routes = Router::new()
        .route(COMMAND_PATH, post(command))
        .route(UNLOCK_PATH, post(unlock))
        .route(LOCK_PATH, post(lock))
        .route(STOP_PATH, post(stop))
        .route(STATUS_PATH, get(status))
        .fallback(async || respond(Reply::Refused(Refused::Path)))
        .method_not_allowed_fallback(async || respond(Reply::Refused(Refused::Path)))
        .with_state(counter);
    axum::serve(OwnUser::new(listener), routes).with_graceful_shutdown(stopped).await
}

/// What every request shares.
struct Counter {
    desk: mpsc::Sender<DeskRequest>,
    sessions: Mutex<Sessions>,
    open: Semaphore,
}

impl Counter {
    fn admit(&self) -> Result<SemaphorePermit<'_>, Refused> {
        self.open.try_acquire().map_err(|_| Refused::Busy)
    }

    /// Puts one request to the desk and waits for its reply.
    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> DeskRequest) -> Result<T, Refused> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.desk.send(request(reply)).await.map_err(|_| Refused::Closing)?;
            answer.await.map_err(|_| Refused::Closing)
        };
        timeout(ANSWER_WAIT, asked).await.map_err(|_| Refused::NoAnswer)?
    }

    async fn run(&self, user: Option<UserId>, command: Command) -> Reply {
        match self.ask(|reply| DeskRequest::Command { user, command, reply }).await {
            Ok(Ok(answer)) => Reply::Ok(answer),
            Ok(Err(failure)) => Reply::Failed(failure),
            Err(refused) => Reply::Refused(refused),
        }
    }

    /// The sessions; a panic of another request leaves a list that is whole, so its poison is no reason to stop.
    fn sessions(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn command(State(counter): State<Arc<Counter>>, body: Body) -> Response {
    let answered = async {
        let _permit = counter.admit()?;
        let request: CommandRequest = read(body).await?;
        let user = request.session.as_ref().and_then(|token| counter.sessions().user(token));
        if user.is_none() && !needs_no_user(&request.command) {
            return Err(Refused::Session);
        }
        Ok(counter.run(user, request.command).await)
    };
    respond(answered.await.unwrap_or_else(Reply::Refused))
}

async fn status(State(counter): State<Arc<Counter>>) -> Response {
    let answered = async {
        let _permit = counter.admit()?;
        Ok(counter.run(None, Command::Status).await)
    };
    respond(answered.await.unwrap_or_else(Reply::Refused))
}

async fn unlock(State(counter): State<Arc<Counter>>, body: Body) -> Response {
    let answered = async {
        let _permit = counter.admit()?;
        let UnlockRequest { user, secret } = read(body).await?;
        Ok(match counter.ask(|reply| DeskRequest::Unlock { user, secret, reply }).await? {
            Ok(()) => {
                let random = fresh().ok_or(Refused::Closing)?;
                UnlockReply::Ok(Session { session: counter.sessions().open(user, random) })
            }
            Err(problem) => UnlockReply::Failed(problem),
        })
    };
    let reply = answered.await.unwrap_or_else(UnlockReply::Refused);
    let code = if let UnlockReply::Refused(refused) = &reply { status_of(*refused) } else { StatusCode::OK };
    (code, Json(reply)).into_response()
}

async fn lock(State(counter): State<Arc<Counter>>) -> Response {
    // Sessions end before the desk is asked: a lock that is under way must not let one more command through.
    counter.sessions().clear();
    acknowledge(counter.ask(|reply| DeskRequest::Lock { reply }).await)
}

async fn stop(State(counter): State<Arc<Counter>>) -> Response {
    acknowledge(counter.ask(|reply| DeskRequest::Stop { reply }).await)
}

/// Commands that open no person and no case.
fn needs_no_user(command: &Command) -> bool {
    matches!(
        command,
        Command::Status
            | Command::RosterShow
            | Command::PublicGive
            | Command::PublicTake { .. }
            // Cells, which only their receiver opens.
            | Command::BundlePart { .. }
            | Command::BundleTake { .. }
            | Command::TimestampSign
            // A veto needs nobody, least of all a caseworker who is asleep.
            | Command::MemberList
            | Command::MemberShow { .. }
            | Command::MemberDeny { .. }
            | Command::MemberAllow { .. }
            | Command::MemberAccept { .. }
            | Command::MemberPolicy { .. }
    )
}

/// Reads a body within its limits. The bytes may hold personal data or a passphrase: they are wiped.
async fn read<T: DeserializeOwned>(body: Body) -> Result<T, Refused> {
    let bytes = timeout(BODY_WAIT, to_bytes(body, REQUEST_BYTES)).await.map_err(|_| Refused::BrokenOff)?;
    let bytes = bytes.map_err(|error| {
        let is_limit = std::error::Error::source(&error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if is_limit { Refused::TooLong } else { Refused::BrokenOff }
    })?;
    let bytes = Zeroizing::new(Vec::from(bytes));
    serde_json::from_slice(&bytes).map_err(|error| Refused::Body { line: error.line(), column: error.column() })
}

fn fresh() -> Option<Sensitive<[u8; 32]>> {
    let mut random = Sensitive::new([0; 32]);
    getrandom::fill(random.expose_mut()).ok()?;
    Some(random)
}

fn respond(reply: Reply) -> Response {
    let code = if let Reply::Refused(refused) = &reply { status_of(*refused) } else { StatusCode::OK };
    (code, Json(reply)).into_response()
}

fn acknowledge(outcome: Result<(), Refused>) -> Response {
    match outcome {
        Ok(()) => Json(Acknowledged::Ok).into_response(),
        Err(refused) => (status_of(refused), Json(Acknowledged::Refused(refused))).into_response(),
    }
}

fn status_of(refused: Refused) -> StatusCode {
    match refused {
        Refused::Session => StatusCode::UNAUTHORIZED,
        Refused::Body { .. } | Refused::BrokenOff => StatusCode::BAD_REQUEST,
        Refused::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        Refused::Busy | Refused::Closing => StatusCode::SERVICE_UNAVAILABLE,
        Refused::NoAnswer => StatusCode::GATEWAY_TIMEOUT,
        Refused::Path => StatusCode::NOT_FOUND,
    }
}
