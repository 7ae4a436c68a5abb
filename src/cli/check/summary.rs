//! Summary of a plan as text, for `check`.

use mesh_local::plan::{Membership, ServicePlan};
use mesh_local::{Network, Plan};
use mesh_model::app_mesh::Topology;
use mesh_model::load_balancer::{ListenerProtocol, LoadBalancer};
use mesh_model::namespace::ServiceConnectService;

/// One line per listener of a load balancer, service, endpoint, virtual service, part that is not simulated in this network, and assumption.
pub(super) fn text(plan: &Plan, network: Network) -> String {
    let load_balancers = plan.load_balancers.values().flat_map(load_balancer);
    let services = plan.services.iter().map(service);
    let endpoints = plan
        .namespaces
        .iter()
        .flat_map(|namespace| &namespace.services)
        .map(endpoint);
    let virtual_services = plan.meshes.values().flat_map(virtual_services);
    let not_simulated = plan.not_simulated_in(network).into_iter();
    let not_simulated = not_simulated.map(|(what, kind)| format!("not simulated: {what} ({kind})\n"));
    let assumed = plan
        .assumed
        .iter()
        .map(|(path, note)| format!("assumed: {path}: {note}\n"));
    let has_mesh = !plan.meshes.is_empty();
    let translate = if has_mesh {
        "; `translate` prints the Envoy configuration of the mesh"
    } else {
        ""
    };
    let nothing = format!("no AWS::ECS::Service: nothing runs{translate}\n");
    let nothing = plan.services.is_empty().then_some(nothing);
    nothing
        .into_iter()
        .chain(load_balancers)
        .chain(services)
        .chain(endpoints)
        .chain(virtual_services)
        .chain(not_simulated)
        .chain(assumed)
        .collect()
}

fn load_balancer(load_balancer: &LoadBalancer) -> Vec<String> {
    let listeners = load_balancer.listeners.iter();
    let lines = listeners.map(|(port, listener)| {
        let protocol = match listener.protocol {
            ListenerProtocol::Http => "http",
            ListenerProtocol::Https => "https",
            ListenerProtocol::Tcp => "tcp",
            ListenerProtocol::Tls => "tls",
        };
        let rules = match listener.rules.len() {
            0 => String::new(),
            1 => ", 1 rule".to_owned(),
            several => format!(", {several} rules"),
        };
        format!(
            "load balancer {}: port {port} ({protocol}){rules}\n",
            load_balancer.name
        )
    });
    lines.collect()
}

fn service(service: &ServicePlan) -> String {
    let containers = service.containers.iter().map(|container| container.name.as_str());
    let containers: Vec<&str> = containers.collect();
    let containers = (!containers.is_empty()).then(|| format!("container {}", containers.join(", ")));
    let envoy = match &service.membership {
        Membership::Mesh(member) => Some(format!("Envoy of {}", member.path)),
        Membership::None | Membership::Namespace(_) | Membership::LoadBalancer(_) => None,
    };
    let parts: Vec<String> = containers.into_iter().chain(envoy).collect();
    format!(
        "service {} × {}: {}\n",
        service.name,
        service.desired_count,
        parts.join(", ")
    )
}

fn endpoint(endpoint: &ServiceConnectService) -> String {
    let ServiceConnectService {
        dns_name,
        port,
        protocol,
        service,
        ..
    } = endpoint;
    format!("endpoint {dns_name}:{port} ({protocol}): service {service}\n")
}

fn virtual_services(mesh: &Topology) -> Vec<String> {
    let services = mesh.virtual_services.keys().map(|name| {
        let ports = mesh.ports_of_service(name);
        let ports: Vec<String> = ports
            .iter()
            .map(|port| format!("{} ({})", port.port, port.protocol))
            .collect();
        match ports.as_slice() {
            [] => format!("virtual service {name} of mesh {}: no provider\n", mesh.name),
            ports => format!(
                "virtual service {name} of mesh {}: port {}\n",
                mesh.name,
                ports.join(", ")
            ),
        }
    });
    services.collect()
}
