//! The parts of `serve` in an AWS account: the state in DynamoDB, key pairs in Secrets Manager, endpoints from Cloud Map.

use std::sync::Arc;

use app_mesh_api::auth::{KeyLocation, KeySource};
use app_mesh_api::claims::ParameterClaims;
use app_mesh_api::store::DynamoDbStore;
use app_mesh_api::{AuditLog, Extensions, Service, Settings};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use config_store::{Bucket, BucketPrefix, Store};
use ipnet::IpNet;
use mesh_control_aws::{ApiMeshes, Clients, EndpointPolicy, Options};

pub(crate) use mesh_control_aws::EndpointDiscovery;

use super::ServeError;

/// The AWS account of this process: credentials and endpoints of the SDK's default chain.
#[derive(Debug)]
pub(super) struct Account {
    config: SdkConfig,
}

impl Account {
    /// In the region of the settings.
    pub(super) async fn load(settings: &Settings) -> Result<Self, ServeError> {
        let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(mesh_control_aws::http_client());
        let config = loader.region(Region::new(settings.region.clone())).load().await;
        Ok(Self { config })
    }

    /// The meshes of a table. Their names are claimed in Parameter Store, so that no stack has one of them, too.
    pub(super) async fn open_table(
        &self,
        table: &str,
        settings: Settings,
        audit_log: Option<AuditLog>,
    ) -> Result<Service, ServeError> {
        let store = DynamoDbStore::from_config(&self.config, table);
        let claims = ParameterClaims::from_config(&self.config, store.place());
        let extensions = Extensions {
            audit_log,
            claims: Some(Arc::new(claims)),
        };
        Ok(Service::open_with(store, settings, extensions).await?)
    }

    /// A store of configurations. It must be the only user of this account.
    pub(super) fn open_bucket(&self, bucket: &BucketPrefix) -> Result<Store, ServeError> {
        let opened = Bucket::new(&self.config, bucket.clone());
        opened.map(Into::into).map_err(|source| ServeError::Bucket {
            bucket: bucket.clone(),
            source,
        })
    }

    pub(super) fn keys(&self, location: &KeyLocation) -> KeySource {
        KeySource::at(location, &self.config)
    }

    /// Endpoints of these meshes from Cloud Map, in these networks.
    pub(super) fn discover(&self, meshes: ApiMeshes, networks: &[IpNet]) -> EndpointDiscovery {
        let options = Options {
            endpoints: EndpointPolicy::within(networks.iter().copied()),
            ..Options::new([] as [String; 0])
        };
        EndpointDiscovery::new(Clients::new(&self.config), meshes, options)
    }
}
