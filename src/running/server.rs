//! Server of the API of a running mesh: HTTP over a Unix socket that only its owner can open.
//!
//! | request | result |
//! |---|---|
//! | `GET /mesh` | the description of the mesh |
//! | `GET /edges` | the calls between services |
//! | `GET /proxies` | the status of its Envoys |
//! | `GET /environment?task=T&container=C` | the environment of a container |
//! | `POST /restart?name=N` | replaces the tasks of a service, or a task |
//! | `POST /kill?task=T&container=C` | kills the containers of a task |
//! | `POST /scale?service=S&count=N` | sets the number of tasks |
//! | `POST /weights?route=R`, body: weights by virtual node | sets weights |
//! | `POST /trace`, body: the request | makes a request, and returns its path and timeline |
//! | `POST /settle` | waits for the Envoys |
//!
//! Commands are carried out one after the other, from the moment that the mesh has started. 404 means that something does
//! not exist, 409 that the command is not possible; both with the reason as text.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::command::{Command, CommandError, Request, TraceRequest};
use super::registry::RunningMesh;

/// The open API of a mesh. Dropping it closes the socket; its file ends with the run directory.
#[derive(Debug)]
pub(crate) struct RunningServer {
    requests: mpsc::Receiver<Request>,
    commands: CommandSender,
    serving: AbortHandle,
}

impl RunningServer {
    /// Opens the socket, and announces the mesh. Must be called on a Tokio runtime.
    pub(crate) fn open(mesh: &RunningMesh) -> io::Result<Self> {
        let socket = mesh.socket();
        let listener = UnixListener::bind(&socket)?;
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
        let (sender, requests) = mpsc::channel(1);
        let routes = Router::new()
            .route("/mesh", get(describe))
            .route("/edges", get(edges))
            .route("/proxies", get(proxies))
            .route("/environment", get(environment))
            .route("/restart", post(restart))
            .route("/kill", post(kill))
            .route("/scale", post(scale))
            .route("/weights", post(weights))
            .route("/settle", post(settle))
            .route("/trace", post(trace))
            .with_state(CommandSender(sender.clone()));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(
                    "the API of the running mesh stopped; commands from other terminals will fail: {error}"
                );
            }
        });
        mesh.announce()?;
        Ok(Self {
            requests,
            commands: CommandSender(sender),
            serving: serving.abort_handle(),
        })
    }

    /// Sends commands from this process.
    pub(crate) fn commands(&self) -> CommandSender {
        self.commands.clone()
    }

    /// The next command.
    pub(crate) async fn next(&mut self) -> Request {
        match self.requests.recv().await {
            Some(request) => request,
            // The server has ended; the mesh runs on.
            None => std::future::pending().await,
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The way to the code that carries out commands.
#[derive(Debug, Clone)]
pub(crate) struct CommandSender(mpsc::Sender<Request>);

impl CommandSender {
    /// Has a command carried out. `None` while the mesh stops.
    pub(crate) async fn request(&self, command: Command) -> Option<Result<String, CommandError>> {
        let (reply, response) = oneshot::channel();
        self.0.send((command, reply)).await.ok()?;
        response.await.ok()
    }

    async fn send(&self, command: Command) -> Response {
        let stopping = || (StatusCode::SERVICE_UNAVAILABLE, "the mesh is stopping").into_response();
        match self.request(command).await {
            Some(Ok(document)) => ([(CONTENT_TYPE, "application/json")], document).into_response(),
            Some(Err(error)) => {
                let status = if error.is_unknown {
                    StatusCode::NOT_FOUND
                } else {
                    StatusCode::CONFLICT
                };
                (status, error.message).into_response()
            }
            None => stopping(),
        }
    }
}

async fn describe(State(sender): State<CommandSender>) -> Response {
    sender.send(Command::Describe).await
}

async fn edges(State(sender): State<CommandSender>) -> Response {
    sender.send(Command::Edges).await
}

async fn proxies(State(sender): State<CommandSender>) -> Response {
    sender.send(Command::Proxies).await
}

async fn settle(State(sender): State<CommandSender>) -> Response {
    sender.send(Command::Settle).await
}

#[derive(Debug, Deserialize)]
struct ContainerOfTask {
    task: String,
    container: Option<String>,
}

async fn environment(State(sender): State<CommandSender>, Query(of): Query<ContainerOfTask>) -> Response {
    let ContainerOfTask { task, container } = of;
    sender.send(Command::Environment { task, container }).await
}

async fn kill(State(sender): State<CommandSender>, Query(of): Query<ContainerOfTask>) -> Response {
    let ContainerOfTask { task, container } = of;
    sender.send(Command::Kill { task, container }).await
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

async fn restart(State(sender): State<CommandSender>, Query(Named { name }): Query<Named>) -> Response {
    sender.send(Command::Restart { name }).await
}

#[derive(Debug, Deserialize)]
struct Scaling {
    service: String,
    count: u32,
}

async fn scale(State(sender): State<CommandSender>, Query(Scaling { service, count }): Query<Scaling>) -> Response {
    sender.send(Command::Scale { service, count }).await
}

async fn trace(State(sender): State<CommandSender>, Json(request): Json<TraceRequest>) -> Response {
    sender.send(Command::Trace(request)).await
}

#[derive(Debug, Deserialize)]
struct OfRoute {
    route: String,
}

async fn weights(
    State(sender): State<CommandSender>,
    Query(OfRoute { route }): Query<OfRoute>,
    Json(weights): Json<BTreeMap<String, u32>>,
) -> Response {
    sender.send(Command::SetWeights { route, weights }).await
}
