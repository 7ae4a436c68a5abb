//! Combinations of fields that App Mesh rejects.
//!
//! Sources: the admission webhooks of AWS's App Mesh controller for Kubernetes at 7588d122, and the App Mesh user
//! guide (read 2026-11-23). Whether App Mesh itself enforced each of them is not certain. Four rules are ours, because
//! their violations could not be translated to Envoy: a duration's value needs a unit, a prefix rewrite needs a prefix
//! match, timeouts and connection pools must have the listener's protocol, and Envoy must accept regular expressions.

mod gateway_routes;
mod listeners;
mod routes;

use std::collections::BTreeSet;

use super::cursor::Cursor;
use super::virtual_node::Backend;
use super::{Duration, MeshSpec, VirtualGatewaySpec, VirtualNodeSpec, VirtualRouterSpec, VirtualServiceSpec};

pub(super) use gateway_routes::gateway_route;
pub(super) use routes::route;

pub(super) fn mesh(_spec: &MeshSpec, _cursor: &mut Cursor<'_>) {}

pub(super) fn virtual_service(_spec: &VirtualServiceSpec, _cursor: &mut Cursor<'_>) {}

pub(super) fn virtual_node(spec: &VirtualNodeSpec, cursor: &mut Cursor<'_>) {
    if !spec.listeners.is_empty() && spec.service_discovery.is_none() {
        cursor
            .at("serviceDiscovery")
            .diagnostic("is missing; a virtual node with a listener requires it");
    }
    listeners::check(&spec.listeners, cursor);
    let mut seen = BTreeSet::new();
    for (index, Backend::VirtualService(backend)) in spec.backends.iter().enumerate() {
        if !seen.insert(&backend.virtual_service_name) {
            cursor
                .at(&format!("backends[{index}].virtualService.virtualServiceName"))
                .diagnostic(format!("`{}` is already a backend", backend.virtual_service_name));
        }
    }
}

pub(super) fn virtual_gateway(spec: &VirtualGatewaySpec, cursor: &mut Cursor<'_>) {
    listeners::check(&spec.listeners, cursor);
}

pub(super) fn virtual_router(spec: &VirtualRouterSpec, cursor: &mut Cursor<'_>) {
    let ports = spec.listeners.iter().map(|listener| listener.port_mapping.port);
    listeners::reject_duplicate_ports(ports, cursor);
}

/// Rejects a duration without a unit.
fn duration(duration: Option<Duration>, field: &str, cursor: &mut Cursor<'_>) {
    if let Some(Duration {
        value: Some(value),
        unit: None,
    }) = duration
    {
        cursor
            .at(field)
            .diagnostic(format!("is {value} without a unit; allowed are s and ms"));
    }
}

/// Rejects all but exactly one of the named fields.
fn exactly_one(fields: &[(&str, bool)], cursor: &mut Cursor<'_>) {
    let present: Vec<&str> = fields
        .iter()
        .filter(|(_, is_present)| *is_present)
        .map(|(name, _)| *name)
        .collect();
    if present.len() != 1 {
        let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        let found = if present.is_empty() {
            "none".to_owned()
        } else {
            present.join(" and ")
        };
        cursor.diagnostic(format!("has {found}; exactly one of {} is allowed", names.join(", ")));
    }
}
