//! The parts of xDS messages that a simulated Envoy reads: names, versions, nonces, and the references for which it
//! subscribes.

use bytes::Bytes;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, Struct, Value as Protobuf};
use prost::Message;
use serde_json::{Map, Value};

/// A resource type, in the order in which Envoy subscribes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Type {
    Cluster,
    Endpoint,
    Listener,
    Route,
}

impl Type {
    pub(crate) const ALL: [Self; 4] = [Self::Cluster, Self::Endpoint, Self::Listener, Self::Route];

    pub(crate) fn url(self) -> &'static str {
        match self {
            Self::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            Self::Endpoint => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            Self::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            Self::Route => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        }
    }

    pub(crate) fn from_url(url: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.url() == url)
    }
}

/// Part of `DeltaDiscoveryResponse`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Response {
    #[prost(message, repeated, tag = "2")]
    pub(crate) resources: Vec<ResponseResource>,
    #[prost(string, tag = "4")]
    pub(crate) type_url: String,
    #[prost(string, tag = "5")]
    pub(crate) nonce: String,
    #[prost(string, repeated, tag = "6")]
    pub(crate) removed: Vec<String>,
}

/// Part of `Resource`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ResponseResource {
    #[prost(string, tag = "1")]
    pub(crate) version: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) body: Option<Body>,
    #[prost(string, tag = "3")]
    pub(crate) name: String,
}

/// `google.protobuf.Any`, without a copy of its value.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Body {
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
}

/// Part of `DeltaDiscoveryRequest`, as the reference server reads it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RequestHead {
    #[prost(message, optional, tag = "1")]
    pub(crate) node: Option<NodeHead>,
    #[prost(string, tag = "2")]
    pub(crate) type_url: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) initial_versions: Vec<InitialVersion>,
    #[prost(string, tag = "6")]
    pub(crate) nonce: String,
}

/// Part of `Node`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct NodeHead {
    #[prost(string, tag = "2")]
    pub(crate) cluster: String,
}

/// An entry of `initial_resource_versions`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct InitialVersion {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

/// Part of `Cluster`.
#[derive(Clone, PartialEq, Message)]
struct ClusterHead {
    #[prost(int32, optional, tag = "2")]
    kind: Option<i32>,
}

/// `Cluster.DiscoveryType.EDS`.
const EDS: i32 = 3;

/// Whether a cluster's endpoints come by EDS, under its own name.
pub(crate) fn has_eds(cluster: &Bytes) -> Result<bool, prost::DecodeError> {
    Ok(ClusterHead::decode(cluster.clone())?.kind == Some(EDS))
}

/// The route configurations of a listener.
pub(crate) fn route_names(listener: &Bytes) -> Result<Vec<String>, prost::DecodeError> {
    let listener = Listener::decode(listener.clone())?;
    let chains = listener.filter_chains.iter().chain(&listener.default_filter_chain);
    let mut names = Vec::new();
    for filter in chains.flat_map(|chain| &chain.filters) {
        let Some(ConfigType::TypedConfig(config)) = &filter.config_type else {
            continue;
        };
        if config.type_url.ends_with(".HttpConnectionManager") {
            let manager = HttpConnectionManager::decode(config.value.as_slice())?;
            if let Some(RouteSpecifier::Rds(rds)) = manager.route_specifier {
                names.push(rds.route_config_name);
            }
        }
    }
    Ok(names)
}

/// Node metadata as a message.
pub(crate) fn to_struct(metadata: &Map<String, Value>) -> Struct {
    let fields = metadata.iter().map(|(key, value)| (key.clone(), to_value(value)));
    Struct {
        fields: fields.collect(),
    }
}

fn to_value(value: &Value) -> Protobuf {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(values) => Kind::ListValue(ListValue {
            values: values.iter().map(to_value).collect(),
        }),
        Value::Object(fields) => Kind::StructValue(to_struct(fields)),
    };
    Protobuf { kind: Some(kind) }
}

/// The gRPC frame of a message.
pub(crate) fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = Vec::with_capacity(5 + length);
    frame.push(0);
    frame.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend(message.encode_to_vec());
    frame.into()
}
