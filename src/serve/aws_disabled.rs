//! The parts of `serve` in an AWS account, in a program without the feature `aws`: an error that tells how to enable it.

use std::convert::Infallible;
use std::sync::Arc;

use app_mesh_api::auth::{KeyLocation, KeySource};
use app_mesh_api::registry::topology::Topologies;
use app_mesh_api::{AuditLog, Service, Settings};
use config_store::{BucketPrefix, Store};
use ipnet::IpNet;
use mesh_control::{ControlPlane, ReadinessSource};
use tokio::sync::watch;

use super::ServeError;

/// An account that cannot be used.
#[derive(Debug)]
pub(super) struct Account(Infallible);

/// Discovery that cannot be used.
#[derive(Debug)]
pub(crate) struct EndpointDiscovery(Infallible);

impl Account {
    pub(super) async fn load(_settings: &Settings) -> Result<Self, ServeError> {
        Err(ServeError::AwsDisabled(crate::cli::aws_disabled::enable_hint()))
    }

    pub(super) async fn open_table(
        &self,
        _table: &str,
        _settings: Settings,
        _audit_log: Option<AuditLog>,
    ) -> Result<Service, ServeError> {
        match self.0 {}
    }

    pub(super) fn open_bucket(&self, _bucket: &BucketPrefix) -> Result<Store, ServeError> {
        match self.0 {}
    }

    pub(super) fn keys(&self, _location: &KeyLocation) -> KeySource {
        match self.0 {}
    }

    pub(super) fn discover(&self, _meshes: watch::Receiver<Arc<Topologies>>, _networks: &[IpNet]) -> EndpointDiscovery {
        match self.0 {}
    }
}

impl EndpointDiscovery {
    pub(super) fn readiness(&self) -> Arc<dyn ReadinessSource> {
        match self.0 {}
    }

    pub(super) fn known(&self) -> std::future::Ready<()> {
        match self.0 {}
    }

    pub(super) async fn run(self, _control: ControlPlane) {
        match self.0 {}
    }
}
