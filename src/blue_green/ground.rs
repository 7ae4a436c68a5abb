//! Where an app runs, as a driver sees it: on this machine, or in an AWS account.

use bluegreen_state::{Deployment, FileStore, Store};
use mesh_infra::Template;
use mesh_local::NodeStatistics;
use mesh_model::app_mesh::ResourcePath;

use super::Version;
use super::place::Place;
use crate::control_api::CommandError;
use crate::control_api::client::{Applied, ControlClient};

/// Where an app runs, and where its state is kept.
pub(super) trait Ground {
    /// What keeps the state.
    type Store: Store;

    /// The stored deployment; `None` if nothing was ever deployed.
    async fn open(&self) -> Result<Option<Deployment<Version, Self::Store>>, String>;

    /// Makes what runs what the template says, and waits until it is. Requests are numbered, and one with a lower number
    /// than one before is out of date.
    async fn put_template(&self, request: u64, template: &Template) -> Result<Applied, CommandError>;

    /// Gives a parameter of the template a value, and waits until Envoys have answered to that.
    async fn put_parameter(&self, request: u64, name: &str, value: String) -> Result<Applied, CommandError>;

    /// What Envoys counted of calls to a virtual node.
    async fn statistics(&self, node: &ResourcePath) -> Result<NodeStatistics, CommandError>;
}

/// On this machine: a folder with the state, and a mesh that listens at a socket in it.
pub(super) struct Here<'a> {
    place: &'a Place,
    running: ControlClient,
}

impl<'a> Here<'a> {
    pub(super) fn new(place: &'a Place) -> Result<Self, String> {
        Ok(Self {
            place,
            running: ControlClient::at(&place.socket())?,
        })
    }
}

impl Ground for Here<'_> {
    type Store = FileStore;

    async fn open(&self) -> Result<Option<Deployment<Version, FileStore>>, String> {
        self.place.open().await
    }

    async fn put_template(&self, request: u64, template: &Template) -> Result<Applied, CommandError> {
        self.running.put_template(request, template.to_json()).await
    }

    async fn put_parameter(&self, request: u64, name: &str, value: String) -> Result<Applied, CommandError> {
        self.running.put_parameter(request, name, value).await
    }

    async fn statistics(&self, node: &ResourcePath) -> Result<NodeStatistics, CommandError> {
        self.running.statistics(node).await
    }
}
