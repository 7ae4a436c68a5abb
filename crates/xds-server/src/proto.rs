//! Conversion between Envoy's messages and the session's types, for both protocols.

use envoy_types::pb::envoy::config::core::v3::{ControlPlane, Node};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Resource as DeltaResource,
};
use envoy_types::pb::google::rpc;

use crate::protocol::XdsProtocol;
use crate::session::{Ack, DeltaRequest, Nack, Push, Session, SotwRequest};
use crate::snapshot::ResourceType;

/// A request of either protocol.
pub(crate) trait Request: Send + 'static {
    const PROTOCOL: XdsProtocol;
    type Response: Send + 'static;

    fn take_node(&mut self) -> Option<Node>;
    fn type_url(&self) -> &str;
    /// Applies the request to the session.
    fn apply(self, kind: ResourceType, session: &mut Session) -> Option<Nack>;
    fn response(push: Push) -> Self::Response;
}

impl Request for DiscoveryRequest {
    const PROTOCOL: XdsProtocol = XdsProtocol::Sotw;
    type Response = DiscoveryResponse;

    fn take_node(&mut self) -> Option<Node> {
        self.node.take()
    }

    fn type_url(&self) -> &str {
        &self.type_url
    }

    fn apply(self, kind: ResourceType, session: &mut Session) -> Option<Nack> {
        let request = SotwRequest {
            names: self.resource_names,
            ack: ack(self.response_nonce, self.error_detail),
        };
        session.on_sotw_request(kind, &request)
    }

    fn response(push: Push) -> DiscoveryResponse {
        DiscoveryResponse {
            version_info: push.version,
            resources: push.resources.iter().map(|resource| resource.body.clone()).collect(),
            type_url: push.kind.type_url().to_owned(),
            nonce: push.nonce,
            control_plane: Some(control_plane()),
            ..Default::default()
        }
    }
}

impl Request for DeltaDiscoveryRequest {
    const PROTOCOL: XdsProtocol = XdsProtocol::Delta;
    type Response = DeltaDiscoveryResponse;

    fn take_node(&mut self) -> Option<Node> {
        self.node.take()
    }

    fn type_url(&self) -> &str {
        &self.type_url
    }

    fn apply(self, kind: ResourceType, session: &mut Session) -> Option<Nack> {
        let request = DeltaRequest {
            subscribe: self.resource_names_subscribe,
            unsubscribe: self.resource_names_unsubscribe,
            initial_versions: self.initial_resource_versions.into_iter().collect(),
            ack: ack(self.response_nonce, self.error_detail),
        };
        session.on_delta_request(kind, &request)
    }

    fn response(push: Push) -> DeltaDiscoveryResponse {
        DeltaDiscoveryResponse {
            system_version_info: push.version,
            resources: push
                .set
                .iter()
                .map(|resource| DeltaResource {
                    name: resource.name.clone(),
                    version: resource.version.clone(),
                    resource: Some(resource.body.clone()),
                    ..Default::default()
                })
                .collect(),
            type_url: push.kind.type_url().to_owned(),
            removed_resources: push.removed,
            nonce: push.nonce,
            control_plane: Some(control_plane()),
            ..Default::default()
        }
    }
}

fn ack(nonce: String, error: Option<rpc::Status>) -> Option<Ack> {
    (!nonce.is_empty()).then(|| Ack {
        nonce,
        error: error.map(|status| status.message),
    })
}

/// The identifier of this server in Envoy's `config_dump`.
fn control_plane() -> ControlPlane {
    ControlPlane {
        identifier: concat!("meshwright/", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}
