//! ECS Service Connect with two services: `green` calls `blue` through an Envoy on each side.
//!
//! ```text
//! cargo run --example serviceconnect             run locally until Ctrl-C
//! cargo run --example serviceconnect -- --once   run the smoke test and stop
//! cargo run --example serviceconnect -- synth    print the CloudFormation template
//! cargo run --example serviceconnect -- diagram  print a Mermaid diagram
//! cargo run --features aws --example serviceconnect -- deploy   to AWS; and diff, outputs, destroy
//! ```

use std::process::ExitCode;

use mesh_infra::{
    AppProtocol, Cluster, ClusterHandle, Container, EcrImage, HealthCheck, HttpNamespace, LoadBalancer, NetworkHandle,
    PortMapping, Service, ServiceConnect, ServiceConnectService, Stack, TaskDefinition, Vpc,
};
use meshwright::{Call, DEMO_SERVICE_IMAGE, IMAGE_TAG, Program, SmokeTest};

fn main() -> ExitCode {
    Program::new(stack()).with_smoke_test(smoke_test()).run()
}

/// A cluster, an HTTP namespace and two services: two tasks of `blue`, one of `green`. On AWS, `green` is reachable from
/// the addresses that the deployment allows.
fn stack() -> Stack {
    let mut stack = Stack::new("serviceconnect");
    let namespace = stack.add("Namespace", HttpNamespace::new("serviceconnect"));
    let cluster = stack.add("Cluster", Cluster::new().with_service_connect_namespace(&namespace));
    let network = stack.add("Vpc", Vpc::new());
    let entrance = stack.add(
        "Entrance",
        LoadBalancer::network(&network, 3000).with_health_check_path("/"),
    );

    let blue = stack.add("blue", demo_service("blue", &cluster, &network).with_desired_count(2));
    // On AWS, a task can call only endpoints that existed when its service was deployed, so blue is deployed first.
    let green = demo_service("green", &cluster, &network).with_backend(&blue);
    stack.add("green", green.with_load_balancer(&entrance));
    stack
}

/// The demo service, which clients in the namespace call by its name on port 80.
fn demo_service(name: &str, cluster: &ClusterHandle, network: &NetworkHandle) -> Service {
    let http = PortMapping::new("http", 3000)
        .with_app_protocol(AppProtocol::Http)
        .with_port_variable("SERVICE_PORT");
    let container = Container::new("app", EcrImage::new(DEMO_SERVICE_IMAGE).with_tag(IMAGE_TAG))
        .with_environment("SERVICE_NAME", name)
        .with_port(http)
        .with_bind_variable("SERVICE_BIND")
        .with_health_check(HealthCheck::command(["demo-service", "health"]).with_interval_seconds(5));
    let endpoint = ServiceConnectService::new("http")
        .with_discovery_name(name)
        .with_client_port(80);
    Service::new(cluster, TaskDefinition::new(container))
        .with_name(name)
        .with_network(network)
        .with_service_connect(ServiceConnect::offering(endpoint))
}

fn smoke_test() -> SmokeTest {
    let blue = r#"{"message":"ok","service":"blue","version":"unknown"}"#;
    let fetched = format!(r#"{{"message":"fetched!","service":"green","response":{blue}}}"#);
    SmokeTest::new()
        .with(Call::get("green", "/").expect_body(r#"{"message":"ok","service":"green","version":"unknown"}"#))
        .with(Call::get("green", "/downstream/blue.serviceconnect").expect_body(&fetched))
        .with(
            Call::get("green", "/downstream/blue.serviceconnect")
                .expect_body(&fetched)
                .expect_round_robin("blue", 4),
        )
}
