//! Reads container port mappings.

use mesh_infra::cfn::ecs;
use mesh_model::namespace::PortMapping;
use mesh_model::service_connect::AppProtocol;
use sidecar_contract::Diagnostics;

use super::report;
use super::values::known;

/// Whether `Protocol` names a protocol above TCP, as in AWS's App Mesh examples (howto-ingress-gateway, read 2026-11-23).
/// It has no effect.
pub(super) fn has_application_protocol(mapping: &ecs::PortMapping) -> bool {
    let protocol = mapping.protocol.as_ref().and_then(known);
    protocol.is_some_and(|protocol| matches!(protocol.as_str(), "http" | "https" | "http2" | "grpc"))
}

/// Reads a port mapping. The port is 0 if unknown.
pub(super) fn read(mapping: &ecs::PortMapping, path: &str, diagnostics: &mut Diagnostics) -> PortMapping {
    let number = match &mapping.container_port {
        Some(value) => value.known().copied(),
        None => {
            report(diagnostics, format!("{path}.ContainerPort"), "is missing");
            None
        }
    };
    let container_port = number.map(|number| u16::try_from(number).unwrap_or(0));
    if let (Some(number), Some(0)) = (number, container_port) {
        diagnostics.add(
            format!("{path}.ContainerPort"),
            format!("is {number}; allowed is 1 to 65535"),
        );
    }
    let is_tcp = mapping
        .protocol
        .as_ref()
        .and_then(known)
        .is_none_or(|protocol| protocol == "tcp");
    if !is_tcp && !has_application_protocol(mapping) {
        diagnostics.add(format!("{path}.Protocol"), "is not supported locally; allowed is tcp");
    }
    let app_protocol = mapping.app_protocol.as_ref().and_then(known);
    let protocol = protocol(app_protocol.as_deref(), &format!("{path}.AppProtocol"), diagnostics);
    PortMapping {
        name: mapping.name.as_ref().and_then(known),
        container_port: container_port.unwrap_or(0),
        protocol,
    }
}

/// The protocol of an `AppProtocol` value.
fn protocol(text: Option<&str>, path: &str, diagnostics: &mut Diagnostics) -> AppProtocol {
    let Some(text) = text else { return AppProtocol::Tcp };
    AppProtocol::from_app_protocol(text).unwrap_or_else(|| {
        diagnostics.add(path, format!("is `{text}`; allowed are http, http2 and grpc"));
        AppProtocol::Tcp
    })
}
