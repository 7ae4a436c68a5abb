//! Client of the control API.

use std::path::{Path, PathBuf};

use mesh_local::NodeStatistics;
use mesh_model::app_mesh::ResourcePath;
use serde::Deserialize;

use super::{Applied, CommandError};

/// Why a client of the control socket cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("cannot create an HTTP client for the control socket: {0}")]
pub struct ClientError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// A client of the mesh that listens on a control socket.
#[derive(Debug, Clone)]
pub struct ControlClient {
    client: reqwest::Client,
    socket: PathBuf,
}

impl ControlClient {
    /// A client of this socket. Connects with the first command.
    ///
    /// # Errors
    ///
    /// If the HTTP client cannot be created.
    pub fn new(socket: &Path) -> Result<Self, ClientError> {
        let client = reqwest::Client::builder()
            .unix_socket(socket.to_owned())
            .no_proxy()
            .build()
            .map_err(|error| ClientError(error.into()))?;
        Ok(Self {
            client,
            socket: socket.to_owned(),
        })
    }

    /// Makes the mesh match a template, and waits until it does.
    ///
    /// # Errors
    ///
    /// See [`CommandError`].
    pub async fn put_template(&self, request: u64, template: String) -> Result<Applied, CommandError> {
        let put = self.client.put("http://meshwright/template");
        self.send(put.query(&[("request", request)]).body(template)).await
    }

    /// Sets a parameter, and waits until Envoys have acknowledged or rejected it.
    ///
    /// # Errors
    ///
    /// See [`CommandError`].
    pub async fn put_parameter(&self, request: u64, name: &str, value: String) -> Result<Applied, CommandError> {
        let put = self.client.put("http://meshwright/parameter");
        let put = put.query(&[("request", request.to_string().as_str()), ("name", name)]);
        self.send(put.body(value)).await
    }

    /// The statistics of requests to a virtual node.
    ///
    /// # Errors
    ///
    /// See [`CommandError`].
    pub async fn statistics(&self, node: &ResourcePath) -> Result<NodeStatistics, CommandError> {
        let get = self.client.get("http://meshwright/statistics");
        self.send(get.query(&[("node", node.to_string())])).await
    }

    async fn send<T: for<'a> Deserialize<'a>>(&self, request: reqwest::RequestBuilder) -> Result<T, CommandError> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| self.unreachable(&error))?;
        if status.is_server_error() {
            return Err(CommandError::Retryable(text));
        }
        if !status.is_success() {
            return Err(CommandError::Rejected(text));
        }
        serde_json::from_str(&text)
            .map_err(|error| CommandError::Rejected(format!("invalid response of the mesh: {error}: {text}")))
    }

    fn unreachable(&self, error: &reqwest::Error) -> CommandError {
        let socket = self.socket.display();
        CommandError::Retryable(if error.is_connect() {
            format!("no mesh is running at {socket}: start it in another terminal")
        } else {
            format!("the mesh at {socket} did not respond: {error}")
        })
    }
}
