//! The references of a message to other resources, read from the message itself.

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType};
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy;
use envoy_types::pb::google::protobuf::Any;
use prost::{Message, Name};

use super::{Reference, ResourceType};

/// The references of an encoded message. Endpoints have none, and neither has a message that cannot be decoded.
pub(super) fn of_message(kind: ResourceType, message: &[u8]) -> Vec<Reference> {
    match kind {
        ResourceType::Cluster => Cluster::decode(message).map(|message| of_cluster(&message)),
        ResourceType::Endpoint => Ok(Vec::new()),
        ResourceType::Listener => Listener::decode(message).map(|message| of_listener(&message)),
        ResourceType::Route => RouteConfiguration::decode(message).map(|message| of_routes(&message)),
    }
    .unwrap_or_default()
}

fn of_cluster(cluster: &Cluster) -> Vec<Reference> {
    if cluster.cluster_discovery_type != Some(ClusterDiscoveryType::Type(DiscoveryType::Eds.into())) {
        return Vec::new();
    }
    let service_name = cluster
        .eds_cluster_config
        .as_ref()
        .map(|config| config.service_name.as_str())
        .filter(|name| !name.is_empty());
    vec![Reference {
        kind: ResourceType::Endpoint,
        name: service_name.unwrap_or(&cluster.name).to_owned(),
    }]
}

fn of_listener(listener: &Listener) -> Vec<Reference> {
    listener
        .filter_chains
        .iter()
        .flat_map(|chain| &chain.filters)
        .filter_map(|filter| match &filter.config_type {
            Some(ConfigType::TypedConfig(config)) => Some(config),
            _ => None,
        })
        .flat_map(of_network_filter)
        .collect()
}

fn of_network_filter(config: &Any) -> Vec<Reference> {
    if let Some(manager) = decode::<HttpConnectionManager>(config) {
        return match manager.route_specifier {
            Some(RouteSpecifier::Rds(rds)) => vec![Reference {
                kind: ResourceType::Route,
                name: rds.route_config_name,
            }],
            Some(RouteSpecifier::RouteConfig(routes)) => of_routes(&routes),
            _ => Vec::new(),
        };
    }
    match decode::<TcpProxy>(config).and_then(|proxy| proxy.cluster_specifier) {
        Some(tcp_proxy::ClusterSpecifier::Cluster(name)) => vec![cluster(name)],
        Some(tcp_proxy::ClusterSpecifier::WeightedClusters(weighted)) => weighted
            .clusters
            .into_iter()
            .map(|weighted| cluster(weighted.name))
            .collect(),
        None => Vec::new(),
    }
}

fn of_routes(routes: &RouteConfiguration) -> Vec<Reference> {
    routes
        .virtual_hosts
        .iter()
        .flat_map(|host| &host.routes)
        .filter_map(|route| match &route.action {
            Some(Action::Route(action)) => action.cluster_specifier.as_ref(),
            _ => None,
        })
        .flat_map(|specifier| match specifier {
            ClusterSpecifier::Cluster(name) => vec![cluster(name.clone())],
            ClusterSpecifier::WeightedClusters(weighted) => weighted
                .clusters
                .iter()
                .map(|weighted| cluster(weighted.name.clone()))
                .collect(),
            _ => Vec::new(),
        })
        .collect()
}

fn cluster(name: String) -> Reference {
    Reference {
        kind: ResourceType::Cluster,
        name,
    }
}

/// The packed message, if it is of this type. One that cannot be decoded counts as another type.
fn decode<M: Message + Name + Default>(config: &Any) -> Option<M> {
    (config.type_url == M::type_url())
        .then(|| M::decode(config.value.as_slice()).ok())
        .flatten()
}
