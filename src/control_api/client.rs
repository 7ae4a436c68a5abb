//! The other end: a program that changes a mesh which runs elsewhere on this machine.

use std::path::{Path, PathBuf};

use mesh_local::NodeStatistics;
use mesh_model::app_mesh::ResourcePath;
use serde::Deserialize;

use super::CommandError;

/// A mesh that runs, as seen from another program.
#[derive(Debug, Clone)]
pub(crate) struct ControlClient {
    client: reqwest::Client,
    socket: PathBuf,
}

/// A change that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Applied {
    /// Whether every Envoy has accepted or refused it.
    pub(crate) settled: bool,
}

impl ControlClient {
    /// The one that listens at `socket`. Whether it does is seen when it is asked.
    pub(crate) fn at(socket: &Path) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .unix_socket(socket.to_owned())
            .no_proxy()
            .build();
        Ok(Self {
            client: client.map_err(|error| format!("no HTTP client: {error}"))?,
            socket: socket.to_owned(),
        })
    }

    /// Makes it what a template says, and waits until it is.
    pub(crate) async fn put_template(&self, request: u64, template: String) -> Result<Applied, CommandError> {
        let put = self.client.put("http://meshwright/template");
        self.send(put.query(&[("request", request)]).body(template)).await
    }

    /// Gives a parameter a value, and waits until Envoys have answered to that.
    pub(crate) async fn put_parameter(&self, request: u64, name: &str, value: String) -> Result<Applied, CommandError> {
        let put = self.client.put("http://meshwright/parameter");
        let put = put.query(&[("request", request.to_string().as_str()), ("name", name)]);
        self.send(put.body(value)).await
    }

    /// What Envoys counted of calls to a virtual node.
    pub(crate) async fn statistics(&self, node: &ResourcePath) -> Result<NodeStatistics, CommandError> {
        let get = self.client.get("http://meshwright/statistics");
        self.send(get.query(&[("node", node.to_string())])).await
    }

    async fn send<T: for<'a> Deserialize<'a>>(&self, request: reqwest::RequestBuilder) -> Result<T, CommandError> {
        let answer = request.send().await.map_err(|error| self.not_there(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| self.not_there(&error))?;
        if status.is_server_error() {
            return Err(CommandError::Retryable(text));
        }
        if !status.is_success() {
            return Err(CommandError::Rejected(text));
        }
        serde_json::from_str(&text)
            .map_err(|error| CommandError::Rejected(format!("{text} is not understood: {error}")))
    }

    fn not_there(&self, error: &reqwest::Error) -> CommandError {
        let socket = self.socket.display();
        CommandError::Retryable(if error.is_connect() {
            format!("nothing is running: nobody answers at {socket}; start it in another terminal")
        } else {
            format!("what is running at {socket} did not answer: {error}")
        })
    }
}
