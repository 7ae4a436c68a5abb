//! Control API of a running mesh: HTTP over a Unix socket that only its owner can open.
//!
//! | request | effect |
//! |---|---|
//! | `GET /template` | returns the current template |
//! | `PUT /template?request=N`, body: the template | makes the mesh match the template |
//! | `PUT /parameter?request=N&name=NAME`, body: the value | sets a parameter of the template, as Parameter Store would |
//! | `GET /statistics?node=mesh/M/virtualNode/N` | returns the Envoys' statistics of requests to a virtual node |
//!
//! A change responds when it is complete: new tasks are ready and old tasks are gone. `{"settled":true}` means that
//! every Envoy has acknowledged its configuration (ACK) or rejected it (NACK); otherwise `unsettled` has the names of
//! the Envoys that have done neither. Clients number their changes: one with a
//! lower number than an earlier one is out of date. Rejected changes respond 409 with the reason as text; 503 means
//! that the client may retry.

mod client;

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use mesh_local::NodeStatus;
use mesh_model::app_mesh::ResourcePath;
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

pub use self::client::{ClientError, ControlClient};

/// A command of a client.
#[derive(Debug)]
pub enum Command {
    /// Return the current template.
    GetTemplate,
    /// Make the mesh match a template.
    PutTemplate {
        /// Number of the request.
        request: u64,
        /// The template as text.
        text: String,
    },
    /// Set a parameter of the template.
    PutParameter {
        /// Number of the request.
        request: u64,
        /// Name of the parameter.
        name: String,
        /// Its new value.
        value: String,
    },
    /// Return the statistics of requests to a virtual node.
    GetStatistics(ResourcePath),
}

/// A command, and the sender of its response, which is a JSON document.
pub type Request = (Command, oneshot::Sender<Result<String, CommandError>>);

/// The result of a change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// True if every Envoy has acknowledged its configuration or rejected it.
    pub settled: bool,
    /// The Envoys that have done neither, by node id and task. A mesh of an older release does not report them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsettled: Vec<String>,
}

impl Applied {
    /// A change that every Envoy has acknowledged or rejected.
    #[must_use]
    pub fn settled() -> Self {
        Self {
            settled: true,
            unsettled: Vec::new(),
        }
    }

    /// The same result without these Envoys, by node id or task.
    #[must_use]
    pub fn ignoring(self, ignored: &[String]) -> Self {
        let is_ignored = |envoy: &String| ignored.iter().any(|name| NodeStatus::is_named(envoy, name));
        match !self.unsettled.is_empty() && self.unsettled.iter().all(is_ignored) {
            true => Self::settled(),
            false => self,
        }
    }
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The command is impossible or out of date.
    #[error("{0}")]
    Rejected(String),
    /// The command is not possible at the moment.
    #[error("{0}")]
    Retryable(String),
    /// The operator stopped the command. The rollout remains as it is.
    #[error("{0}")]
    Stopped(String),
}

/// An open control socket. Dropping it closes the socket and removes its file.
#[derive(Debug)]
pub struct ControlServer {
    path: PathBuf,
    _lock: File,
    requests: mpsc::Receiver<Request>,
    _serving: AbortOnDropHandle<()>,
}

impl ControlServer {
    /// Opens the socket. Must be called on a Tokio runtime.
    ///
    /// # Errors
    ///
    /// If another process serves the socket, or a system call fails.
    pub async fn open(path: &Path) -> io::Result<Self> {
        // The holder of the lock owns the socket. The kernel releases the lock when its holder ends.
        let lock = File::create(path.with_extension("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = "the application is already running, in another terminal";
                return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // A killed process leaves its socket file.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let (sender, requests) = mpsc::channel(1);
        let routes = Router::new()
            .route("/template", get(get_template).put(put_template))
            .route("/parameter", put(put_parameter))
            .route("/statistics", get(get_statistics))
            .with_state(sender);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::warn!(%error, "control socket server stopped; deploy commands will fail");
            }
        });
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
            requests,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    /// Receives the next request. Cancelling it loses none.
    pub async fn next(&mut self) -> Request {
        match self.requests.recv().await {
            Some(request) => request,
            // The server has stopped.
            None => std::future::pending().await,
        }
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        // The file may have been removed manually.
        let _ = std::fs::remove_file(&self.path);
    }
}

type Sender = State<mpsc::Sender<Request>>;

#[derive(Debug, Deserialize)]
struct TemplateQuery {
    request: u64,
}

#[derive(Debug, Deserialize)]
struct ParameterQuery {
    request: u64,
    name: String,
}

#[derive(Debug, Deserialize)]
struct StatisticsQuery {
    node: String,
}

async fn get_template(sender: Sender) -> Response {
    respond(&sender, Command::GetTemplate).await
}

async fn put_template(
    sender: Sender,
    Query(TemplateQuery { request }): Query<TemplateQuery>,
    text: String,
) -> Response {
    respond(&sender, Command::PutTemplate { request, text }).await
}

async fn put_parameter(sender: Sender, Query(query): Query<ParameterQuery>, value: String) -> Response {
    let ParameterQuery { request, name } = query;
    respond(&sender, Command::PutParameter { request, name, value }).await
}

async fn get_statistics(sender: Sender, Query(StatisticsQuery { node }): Query<StatisticsQuery>) -> Response {
    match ResourcePath::parse(&node) {
        Some(node) => respond(&sender, Command::GetStatistics(node)).await,
        None => (
            StatusCode::BAD_REQUEST,
            format!("invalid virtual node `{node}`: expected mesh/MESH/virtualNode/NAME"),
        )
            .into_response(),
    }
}

async fn respond(State(sender): &Sender, command: Command) -> Response {
    let (reply, response) = oneshot::channel();
    let stopping = || (StatusCode::SERVICE_UNAVAILABLE, "the mesh is stopping".to_owned()).into_response();
    if sender.send((command, reply)).await.is_err() {
        return stopping();
    }
    match response.await {
        Ok(Ok(text)) => text.into_response(),
        Ok(Err(CommandError::Rejected(reason))) => (StatusCode::CONFLICT, reason).into_response(),
        Ok(Err(CommandError::Retryable(reason) | CommandError::Stopped(reason))) => {
            (StatusCode::SERVICE_UNAVAILABLE, reason).into_response()
        }
        Err(_) => stopping(),
    }
}

#[cfg(test)]
mod tests;
