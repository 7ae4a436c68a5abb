//! How another program changes a mesh that runs: HTTP over a Unix socket that only this user can open.
//!
//! | request | does |
//! |---|---|
//! | `GET /template` | the template that the mesh is at the moment |
//! | `PUT /template?request=N`, the template as text | makes the mesh what the template says |
//! | `PUT /parameter?request=N&name=NAME`, the value as text | gives a parameter of the template this value, as Parameter Store would |
//! | `GET /statistics?node=mesh/M/virtualNode/N` | what Envoys counted of calls to a virtual node |
//!
//! An answer comes when the change is made: tasks that were to start are running, and tasks that were to go are gone;
//! `{"settled":true}` says that every Envoy has accepted or refused what it was told. Requests are numbered by who makes
//! them: one with a lower number than one before is out of date. That, and any other change that was not made, is answered
//! 409, with the reason as text; 503 says to ask again.

pub(crate) mod client;

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use mesh_model::app_mesh::ResourcePath;
use serde::Deserialize;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

/// What somebody wants.
#[derive(Debug)]
pub(crate) enum Command {
    /// To know what the mesh is.
    Held,
    /// That the mesh is what this template says.
    Template { request: u64, text: String },
    /// That a parameter has this value.
    Parameter { request: u64, name: String, value: String },
    /// To know what Envoys counted of calls to a virtual node.
    Statistics(ResourcePath),
}

/// A wish, and where its answer goes: a JSON document.
pub(crate) type Request = (Command, oneshot::Sender<Result<String, CommandError>>);

/// Why a wish was not fulfilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CommandError {
    /// It cannot be, or is out of date.
    Rejected(String),
    /// It could not be just now.
    Retryable(String),
}

/// An open socket. Closed, and its file removed, when this is dropped.
#[derive(Debug)]
pub(crate) struct ControlServer {
    path: PathBuf,
    _lock: File,
    asked: mpsc::Receiver<Request>,
    _serving: AbortOnDropHandle<()>,
}

impl ControlServer {
    /// Opens the socket. Must be called on a Tokio runtime.
    ///
    /// # Errors
    ///
    /// If another program answers there, or the machine refuses.
    pub(crate) async fn open(path: &Path) -> io::Result<Self> {
        // Whoever has the lock has the socket. The kernel takes it from a program that is killed.
        let lock = File::create(path.with_extension("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = "it is running already, in another terminal";
                return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // A program that was killed has left its file.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let (ask, asked) = mpsc::channel(1);
        let routes = Router::new()
            .route("/template", get(get_template).put(put_template))
            .route("/parameter", put(put_parameter))
            .route("/statistics", get(get_statistics))
            .with_state(ask);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::warn!(%error, "nobody can change the mesh from outside any more");
            }
        });
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
            asked,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    /// The next wish. Cancelling it loses none.
    pub(crate) async fn next(&mut self) -> Request {
        match self.asked.recv().await {
            Some(asked) => asked,
            // Nobody serves any more.
            None => std::future::pending().await,
        }
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        // It may have been removed by hand.
        let _gone = std::fs::remove_file(&self.path);
    }
}

type Ask = State<mpsc::Sender<Request>>;

#[derive(Debug, Deserialize)]
struct Number {
    request: u64,
}

#[derive(Debug, Deserialize)]
struct ParameterName {
    request: u64,
    name: String,
}

#[derive(Debug, Deserialize)]
struct NodeName {
    node: String,
}

async fn get_template(ask: Ask) -> Response {
    answer(&ask, Command::Held).await
}

async fn put_template(ask: Ask, Query(Number { request }): Query<Number>, text: String) -> Response {
    answer(&ask, Command::Template { request, text }).await
}

async fn put_parameter(ask: Ask, Query(parameter): Query<ParameterName>, value: String) -> Response {
    let ParameterName { request, name } = parameter;
    answer(&ask, Command::Parameter { request, name, value }).await
}

async fn get_statistics(ask: Ask, Query(NodeName { node }): Query<NodeName>) -> Response {
    match ResourcePath::parse(&node) {
        Some(node) => answer(&ask, Command::Statistics(node)).await,
        None => (
            StatusCode::BAD_REQUEST,
            format!("`{node}` is not of the form mesh/MESH/virtualNode/NAME"),
        )
            .into_response(),
    }
}

async fn answer(State(ask): &Ask, wish: Command) -> Response {
    let (reply, replied) = oneshot::channel();
    let stopping = || (StatusCode::SERVICE_UNAVAILABLE, "the mesh is being stopped".to_owned()).into_response();
    if ask.send((wish, reply)).await.is_err() {
        return stopping();
    }
    match replied.await {
        Ok(Ok(text)) => text.into_response(),
        Ok(Err(CommandError::Rejected(reason))) => (StatusCode::CONFLICT, reason).into_response(),
        Ok(Err(CommandError::Retryable(reason))) => (StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
        Err(_) => stopping(),
    }
}

#[cfg(test)]
mod tests;
