//! The other end: a program that changes a mesh which runs elsewhere on this machine.

use std::path::{Path, PathBuf};

use mesh_local::NodeStatistics;
use mesh_model::app_mesh::ResourcePath;

/// A mesh that runs, as seen from another program.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    client: reqwest::Client,
    socket: PathBuf,
}

impl Running {
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
    pub(crate) async fn put_template(&self, template: String) -> Result<(), String> {
        let request = self.client.put("http://meshwright/template").body(template);
        self.send(request).await.map(|_| ())
    }

    /// Gives a parameter a value, and waits until every Envoy has answered to that.
    pub(crate) async fn put_parameter(&self, name: &str, value: String) -> Result<(), String> {
        let request = self.client.put("http://meshwright/parameter").query(&[("name", name)]);
        self.send(request.body(value)).await.map(|_| ())
    }

    /// What Envoys counted of calls to a virtual node.
    pub(crate) async fn statistics(&self, node: &ResourcePath) -> Result<NodeStatistics, String> {
        let request = self
            .client
            .get("http://meshwright/statistics")
            .query(&[("node", node.to_string())]);
        let text = self.send(request).await?;
        serde_json::from_str(&text).map_err(|error| format!("{text} are no statistics: {error}"))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<String, String> {
        let answer = request.send().await.map_err(|error| self.not_there(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| self.not_there(&error))?;
        if status.is_success() { Ok(text) } else { Err(text) }
    }

    fn not_there(&self, error: &reqwest::Error) -> String {
        let socket = self.socket.display();
        if error.is_connect() {
            format!("nothing is running: nobody answers at {socket}; start it in another terminal")
        } else {
            format!("what is running at {socket} did not answer: {error}")
        }
    }
}
