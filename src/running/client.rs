//! Client of the API of a running mesh.

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_local::description::MeshDescription;
use mesh_local::edges::Edge;
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::command::{Changed, Killed, TraceRequest, Traced, Weights};
use super::registry::RunningMesh;
use crate::console::print_error;

/// A response that takes longer is announced: the mesh starts, or applies a change.
const SLOW_RESPONSE: Duration = Duration::from_secs(2);

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunningError {
    #[error("cannot create an HTTP client")]
    Client(#[source] reqwest::Error),
    /// The mesh has ended, or its program is hung.
    #[error("mesh {mesh} (pid {pid}) does not respond")]
    Unreachable {
        mesh: String,
        pid: u32,
        #[source]
        source: reqwest::Error,
    },
    #[error("{0}")]
    Unknown(String),
    #[error("{0}")]
    Failed(String),
}

/// A client of one mesh.
#[derive(Debug)]
pub(crate) struct RunningClient {
    http: reqwest::Client,
    mesh: RunningMesh,
}

impl RunningClient {
    /// A client of `mesh`. Connects with the first command.
    pub(crate) fn new(mesh: RunningMesh) -> Result<Self, RunningError> {
        let http = reqwest::Client::builder().unix_socket(mesh.socket()).no_proxy().build();
        Ok(Self {
            http: http.map_err(RunningError::Client)?,
            mesh,
        })
    }

    pub(crate) fn mesh(&self) -> &RunningMesh {
        &self.mesh
    }

    pub(crate) async fn describe(&self) -> Result<MeshDescription, RunningError> {
        self.send(self.request(Method::GET, "mesh")).await
    }

    /// Waits until the mesh has started.
    pub(crate) async fn wait_until_it_responds(&self) -> Result<(), RunningError> {
        let _description: MeshDescription = self.receive(self.request(Method::GET, "mesh")).await?;
        Ok(())
    }

    pub(crate) async fn edges(&self) -> Result<Vec<Edge>, RunningError> {
        self.send(self.request(Method::GET, "edges")).await
    }

    pub(crate) async fn proxies(&self) -> Result<Json, RunningError> {
        self.send(self.request(Method::GET, "proxies")).await
    }

    pub(crate) async fn settle(&self) -> Result<Changed, RunningError> {
        self.send(self.request(Method::POST, "settle")).await
    }

    pub(crate) async fn environment(
        &self,
        task: &str,
        container: Option<&str>,
    ) -> Result<BTreeMap<String, String>, RunningError> {
        let request = self.request(Method::GET, "environment");
        self.send(request.query(&[("task", Some(task)), ("container", container)]))
            .await
    }

    pub(crate) async fn restart(&self, name: &str) -> Result<Changed, RunningError> {
        self.send(self.request(Method::POST, "restart").query(&[("name", name)]))
            .await
    }

    pub(crate) async fn kill(&self, task: &str, container: Option<&str>) -> Result<Killed, RunningError> {
        let request = self.request(Method::POST, "kill");
        self.send(request.query(&[("task", Some(task)), ("container", container)]))
            .await
    }

    pub(crate) async fn scale(&self, service: &str, count: u32) -> Result<Changed, RunningError> {
        let request = self.request(Method::POST, "scale");
        self.send(request.query(&[("service", service), ("count", &count.to_string())]))
            .await
    }

    pub(crate) async fn set_weights(
        &self,
        route: &str,
        weights: &BTreeMap<String, u32>,
    ) -> Result<Weights, RunningError> {
        let request = self.request(Method::POST, "weights").query(&[("route", route)]);
        let body = Json::from_iter(weights.iter().map(|(node, weight)| (node.clone(), *weight)));
        let request = request.header("content-type", "application/json");
        self.send(request.body(body.to_string())).await
    }

    pub(crate) async fn trace(&self, request: &TraceRequest) -> Result<Traced, RunningError> {
        let body = serde_json::to_string(request).map_err(|error| RunningError::Failed(error.to_string()))?;
        let call = self
            .request(Method::POST, "trace")
            .header("content-type", "application/json");
        self.send(call.body(body)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://meshwright/{path}"))
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, RunningError> {
        let mut response = std::pin::pin!(self.receive(request));
        match tokio::time::timeout(SLOW_RESPONSE, &mut response).await {
            Ok(response) => response,
            Err(_) => {
                let name = &self.mesh.name;
                print_error(&format!("waiting for mesh {name}, which starts or applies a change"));
                response.await
            }
        }
    }

    async fn receive<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, RunningError> {
        let unreachable = |source| RunningError::Unreachable {
            mesh: self.mesh.name.clone(),
            pid: self.mesh.pid,
            source,
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let text = response.text().await.map_err(unreachable)?;
        if status == reqwest::StatusCode::NOT_FOUND {
            return Err(RunningError::Unknown(text));
        }
        if !status.is_success() {
            return Err(RunningError::Failed(text));
        }
        serde_json::from_str(&text).map_err(|error| {
            RunningError::Failed(format!(
                "the response of mesh {} cannot be read; it may run another version: {error}",
                self.mesh.name
            ))
        })
    }
}
