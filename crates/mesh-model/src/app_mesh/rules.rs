//! What goes beyond a single field: combinations that App Mesh refuses.
//!
//! Sources: the admission webhooks of AWS's App Mesh controller for Kubernetes at 7588d122, and the App Mesh user
//! guide (read 2026-11-23). That App Mesh itself enforced each of them is not certain. Four rules are ours: a
//! duration's value needs a unit, a prefix can only be rewritten where a prefix was matched, timeouts and
//! connection pools must be of the kind that the listener speaks, and a regular expression must be one that Envoy
//! takes. What breaks them could not be honoured.

mod gateway_routes;
mod listeners;
mod routes;

use std::collections::BTreeSet;

use super::document::Place;
use super::virtual_node::Backend;
use super::{Duration, MeshSpec, VirtualGatewaySpec, VirtualNodeSpec, VirtualRouterSpec, VirtualServiceSpec};

pub(super) use gateway_routes::gateway_route;
pub(super) use routes::route;

pub(super) fn mesh(_spec: &MeshSpec, _place: &mut Place<'_>) {}

pub(super) fn virtual_service(_spec: &VirtualServiceSpec, _place: &mut Place<'_>) {}

pub(super) fn virtual_node(spec: &VirtualNodeSpec, place: &mut Place<'_>) {
    if !spec.listeners.is_empty() && spec.service_discovery.is_none() {
        place
            .at("serviceDiscovery")
            .diagnostic("is missing; a virtual node with a listener needs it");
    }
    listeners::check(&spec.listeners, place);
    let mut seen = BTreeSet::new();
    for (index, Backend::VirtualService(backend)) in spec.backends.iter().enumerate() {
        if !seen.insert(&backend.virtual_service_name) {
            place
                .at(&format!("backends[{index}].virtualService.virtualServiceName"))
                .diagnostic(format!("`{}` is a backend already", backend.virtual_service_name));
        }
    }
}

pub(super) fn virtual_gateway(spec: &VirtualGatewaySpec, place: &mut Place<'_>) {
    listeners::check(&spec.listeners, place);
}

pub(super) fn virtual_router(spec: &VirtualRouterSpec, place: &mut Place<'_>) {
    let ports = spec.listeners.iter().map(|listener| listener.port_mapping.port);
    listeners::refuse_ports_used_twice(ports, place);
}

/// A duration that says 5 without saying 5 of what.
fn duration(duration: Option<Duration>, field: &str, place: &mut Place<'_>) {
    if let Some(Duration {
        value: Some(value),
        unit: None,
    }) = duration
    {
        place
            .at(field)
            .diagnostic(format!("is {value} without a unit; allowed are s and ms"));
    }
}

/// Notes unless exactly one of the named choices was made.
fn exactly_one(choices: &[(&str, bool)], place: &mut Place<'_>) {
    let made: Vec<&str> = choices
        .iter()
        .filter(|(_, made)| *made)
        .map(|(name, _)| *name)
        .collect();
    if made.len() != 1 {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let found = if made.is_empty() {
            "none".to_owned()
        } else {
            made.join(" and ")
        };
        place.diagnostic(format!("has {found}; exactly one of {} is allowed", names.join(", ")));
    }
}
