//! Two services that find each other by ECS Service Connect: `green` calls `blue`, through an Envoy on each side.
//!
//! ```text
//! cargo run --example serviceconnect             start it here, until Ctrl-C
//! cargo run --example serviceconnect -- --once   start it, make the calls below, stop
//! cargo run --example serviceconnect -- synth    print the CloudFormation template
//! cargo run --example serviceconnect -- diagram  print a Mermaid diagram
//! ```

use std::process::ExitCode;

use mesh_infra::{
    AppProtocol, Cluster, ClusterHandle, Container, Endpoint, HealthCheck, HttpNamespace, Network, NetworkHandle,
    PortMapping, Service, ServiceConnect, Stack, TaskDefinition,
};
use meshwright::{Call, DEMO_SERVICE_IMAGE, Program, Walk};

fn main() -> ExitCode {
    Program::new(stack()).with_walk(walk()).run()
}

/// A cluster, an HTTP namespace, and two services in it: two tasks of `blue`, one of `green`.
fn stack() -> Stack {
    let mut stack = Stack::new("serviceconnect");
    let namespace = stack.add("Namespace", HttpNamespace::new("serviceconnect"));
    let cluster = stack.add("Cluster", Cluster::new().with_service_connect_namespace(&namespace));
    let network = stack.add("Network", Network::from_parameters());

    let blue = stack.add("blue", demo_service("blue", &cluster, &network).with_desired_count(2));
    // A task learns only of endpoints that existed when its service was deployed, so blue comes first.
    stack.add("green", demo_service("green", &cluster, &network).with_backend(&blue));
    stack
}

/// The demo service, offered to the namespace under its name, on port 80.
fn demo_service(name: &str, cluster: &ClusterHandle, network: &NetworkHandle) -> Service {
    let http = PortMapping::new("http", 3000)
        .with_app_protocol(AppProtocol::Http)
        .with_port_variable("SERVICE_PORT");
    let container = Container::new("app", DEMO_SERVICE_IMAGE)
        .with_environment("SERVICE_NAME", name)
        .with_port(http)
        .with_health_check(HealthCheck::command(["demo-service", "health"]));
    let endpoint = Endpoint::new("http").with_discovery_name(name).with_client_port(80);
    Service::new(cluster, TaskDefinition::new(container))
        .with_name(name)
        .with_network(network)
        .with_service_connect(ServiceConnect::offering(endpoint))
}

fn walk() -> Walk {
    let blue = r#"{"message":"ok","service":"blue","version":"unknown"}"#;
    let fetched = format!(r#"{{"message":"fetched!","service":"green","response":{blue}}}"#);
    Walk::new()
        .with(Call::get("green", "/").answering(r#"{"message":"ok","service":"green","version":"unknown"}"#))
        .with(Call::get("green", "/downstream/blue.serviceconnect").answering(&fetched))
        .with(
            Call::get("green", "/downstream/blue.serviceconnect")
                .answering(&fetched)
                .reaching_in_turn("blue", 4),
        )
}
