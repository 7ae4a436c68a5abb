//! Local target: a mesh on this machine, through its control socket.

use bluegreen_state::{FileStore, Request, Rollout};
use cfn::Template;
use mesh_local::NodeStatistics;
use mesh_model::app_mesh::ResourcePath;

use crate::Version;
use crate::application::RouteParameter;
use crate::control_api::{Applied, CommandError, ControlClient};
use crate::deployment_target::DeploymentTarget;
use crate::error::Error;
use crate::local_process;
use crate::local_state_dir::LocalStateDir;
use crate::status::ControllerStatus;

/// A mesh on this machine that listens on the control socket in a state directory.
#[derive(Debug)]
pub struct LocalTarget<'a> {
    state_dir: &'a LocalStateDir,
    client: ControlClient,
    ignored: Vec<String>,
}

impl<'a> LocalTarget<'a> {
    /// The mesh of this state directory. It need not be running yet.
    ///
    /// # Errors
    ///
    /// [`Error::Client`].
    pub fn new(state_dir: &'a LocalStateDir) -> Result<Self, Error> {
        Ok(Self {
            state_dir,
            client: ControlClient::new(&state_dir.socket())?,
            ignored: Vec::new(),
        })
    }

    /// Does not wait for these Envoys to acknowledge a change: node ids or tasks, as messages name them. Default: none.
    #[must_use]
    pub fn ignoring(self, ignored: Vec<String>) -> Self {
        Self { ignored, ..self }
    }
}

impl LocalTarget<'_> {
    /// Fails if no mesh is running: a rollout that is recorded without one would only wait.
    ///
    /// # Errors
    ///
    /// [`Error::MeshNotRunning`].
    pub async fn require_mesh(&self) -> Result<(), Error> {
        let socket = self.state_dir.socket();
        match tokio::net::UnixStream::connect(&socket).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::MeshNotRunning { socket }),
        }
    }

    /// Whether the process of a rollout's controller is running on this machine.
    #[must_use]
    pub fn controller_status(rollout: &Rollout<Version>) -> ControllerStatus {
        local_process::status(rollout.controller())
    }
}

impl DeploymentTarget for LocalTarget<'_> {
    type Store = FileStore;

    fn store(&self) -> FileStore {
        self.state_dir.store()
    }

    async fn apply_template(
        &self,
        request: Request<'_, Version>,
        template: &Template,
    ) -> Result<Applied, CommandError> {
        self.client.put_template(request.number, template.to_json()).await
    }

    async fn set_weights(
        &self,
        request: Request<'_, Version>,
        routes: Vec<RouteParameter>,
    ) -> Result<Applied, CommandError> {
        let mut all = Applied::settled();
        for RouteParameter { name, value } in routes {
            let applied = self.client.put_parameter(request.number, &name, value).await?;
            // The last change waits for all Envoys, also for those that have not acknowledged an earlier one.
            all = applied.ignoring(&self.ignored);
        }
        Ok(all)
    }

    async fn statistics(&self, node: &ResourcePath) -> Result<NodeStatistics, CommandError> {
        self.client.statistics(node).await
    }
}
