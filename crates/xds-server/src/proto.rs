//! Conversion between Envoy's messages and the session's types, for both protocols.

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DiscoveryRequest};
use envoy_types::pb::google::rpc;
use prost::Message;

use crate::encode::{Blocks, Segments, delta_response, sotw_response};
use crate::protocol::XdsProtocol;
use crate::session::{Ack, DeltaRequest, Nack, Push, Session, SotwRequest};
use crate::snapshot::ResourceType;

/// A request of either protocol.
pub(crate) trait Request: Message + Default + 'static {
    const PROTOCOL: XdsProtocol;

    fn take_node(&mut self) -> Option<Node>;
    fn type_url(&self) -> &str;
    /// Whether the request is a NACK; `None` if it is no answer to a response.
    fn is_nack(&self) -> Option<bool>;
    /// The number of names that the request adds to the subscription.
    fn names(&self) -> usize;
    /// What the request adds: names, and versions of those that the client has.
    fn each_name(&self) -> impl Iterator<Item = &str>;
    /// Applies the request to the session.
    fn apply(self, kind: ResourceType, session: &mut Session) -> Option<Nack>;
    fn response(push: &Push, blocks: &Blocks) -> Segments;
}

impl Request for DiscoveryRequest {
    const PROTOCOL: XdsProtocol = XdsProtocol::Sotw;

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

    fn is_nack(&self) -> Option<bool> {
        (!self.response_nonce.is_empty()).then_some(self.error_detail.is_some())
    }

    fn names(&self) -> usize {
        self.resource_names.len()
    }

    fn each_name(&self) -> impl Iterator<Item = &str> {
        self.resource_names.iter().map(String::as_str)
    }

    fn response(push: &Push, _: &Blocks) -> Segments {
        sotw_response(push)
    }
}

impl Request for DeltaDiscoveryRequest {
    const PROTOCOL: XdsProtocol = XdsProtocol::Delta;

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

    fn is_nack(&self) -> Option<bool> {
        (!self.response_nonce.is_empty()).then_some(self.error_detail.is_some())
    }

    fn names(&self) -> usize {
        self.resource_names_subscribe.len() + self.initial_resource_versions.len()
    }

    fn each_name(&self) -> impl Iterator<Item = &str> {
        let initial = self.initial_resource_versions.iter();
        let initial = initial.flat_map(|(name, version)| [name, version]);
        self.resource_names_subscribe.iter().chain(initial).map(String::as_str)
    }

    fn response(push: &Push, blocks: &Blocks) -> Segments {
        delta_response(push, blocks)
    }
}

/// Length of an error message that is kept. Envoy names each rejected resource in it, so it may be long.
const MAX_MESSAGE: usize = 16 << 10;

fn ack(nonce: String, error: Option<rpc::Status>) -> Option<Ack> {
    (!nonce.is_empty()).then(|| Ack {
        nonce,
        error: error.map(|status| {
            let mut message = status.message;
            message.truncate(message.floor_char_boundary(MAX_MESSAGE));
            message
        }),
    })
}
