//! Resolution with ECS's defaults, and validation errors.

use super::*;
use crate::key_casing;
use serde_json::{Value, json};

fn configuration(cloudformation: Value) -> ServiceConnectConfiguration {
    serde_json::from_value(key_casing::to_camel_case(cloudformation)).expect("a Service Connect configuration")
}

fn http_port() -> PortMapping {
    PortMapping {
        name: Some("http".to_owned()),
        container_port: 3000,
        protocol: AppProtocol::Http,
    }
}

fn resolve(services: &[(&str, Value)], ports: &[PortMapping]) -> Result<Namespace, String> {
    let configurations: Vec<_> = services
        .iter()
        .map(|(name, services)| (*name, configuration(json!({"Enabled": true, "Services": services}))))
        .collect();
    let ecs_services: Vec<_> = configurations
        .iter()
        .map(|(service, configuration)| EcsService {
            service,
            path: service,
            configuration,
            ports,
        })
        .collect();
    Namespace::resolve("serviceconnect", &ecs_services).map_err(|diagnostics| diagnostics.to_string())
}

#[test]
fn defaults_are_those_of_ecs() {
    let namespace = resolve(&[("blue", json!([{"PortName": "http"}]))], &[http_port()]).unwrap();
    let service = &namespace.services[0];
    assert_eq!(service.discovery_name, "http");
    assert_eq!(service.dns_name, "http.serviceconnect");
    assert_eq!(service.port, 3000);
    assert_eq!(service.per_request_timeout, Some(Duration::from_secs(15)));
    assert_eq!(service.idle_timeout, Some(Duration::from_secs(300)));
}

#[test]
fn configured_values_replace_the_defaults() {
    let namespace = resolve(
        &[(
            "blue",
            json!([{
                "PortName": "http",
                "DiscoveryName": "blue",
                "ClientAliases": [{"Port": 80, "DnsName": "azure"}],
                "Timeout": {"IdleTimeoutSeconds": 0, "PerRequestTimeoutSeconds": 3}
            }]),
        )],
        &[http_port()],
    )
    .unwrap();
    let service = namespace.service("azure", 80).expect("the alias resolves");
    assert_eq!(service.discovery_name, "blue");
    assert_eq!(service.idle_timeout, None);
    assert_eq!(service.per_request_timeout, Some(Duration::from_secs(3)));
    assert_eq!(namespace.services_of("blue").count(), 1);
}

#[test]
fn tcp_ports_have_an_idle_timeout_of_an_hour_and_no_request_timeout() {
    let tcp = PortMapping {
        protocol: AppProtocol::Tcp,
        ..http_port()
    };
    let namespace = resolve(&[("blue", json!([{"PortName": "http"}]))], std::slice::from_ref(&tcp)).unwrap();
    assert_eq!(namespace.services[0].idle_timeout, Some(Duration::from_secs(3600)));
    assert_eq!(namespace.services[0].per_request_timeout, None);

    let errors = resolve(
        &[(
            "blue",
            json!([{"PortName": "http", "Timeout": {"PerRequestTimeoutSeconds": 3}}]),
        )],
        &[tcp],
    )
    .unwrap_err();
    assert!(
        errors.contains("PerRequestTimeoutSeconds: is 3, but `http` is a TCP port"),
        "{errors}"
    );
}

#[test]
fn disabled_configurations_are_skipped() {
    let configuration = ServiceConnectConfiguration {
        enabled: false,
        ..configuration(json!({"Enabled": true, "Services": [{"PortName": "none"}]}))
    };
    let ecs_service = EcsService {
        service: "blue",
        path: "blue",
        configuration: &configuration,
        ports: &[],
    };
    assert!(
        Namespace::resolve("serviceconnect", &[ecs_service])
            .unwrap()
            .services
            .is_empty()
    );
}

#[test]
fn all_errors_are_reported() {
    let errors = resolve(
        &[
            (
                "green",
                json!([{"PortName": "web", "DiscoveryName": "-Green", "ClientAliases": [{"Port": 80}]}]),
            ),
            (
                "blue",
                json!([{
                    "PortName": "http",
                    "DiscoveryName": "blue",
                    "ClientAliases": [{"Port": 70000, "DnsName": "Blue!", "TestTrafficRules": {}}, {"Port": 1}],
                    "IngressPortOverride": 0,
                    "Tls": {}
                }]),
            ),
        ],
        &[http_port()],
    )
    .unwrap_err();
    let expected = "\
green.Services[0].DiscoveryName: is `-Green`; allowed are 1 to 64 of a-z, 0-9, _ and -, not starting with -
green.Services[0].PortName: `web` is no port of service `green`: its port mappings are named `http`
blue.Services[0].Tls: is not supported yet; remove it
blue.Services[0].ClientAliases: has 2 aliases; ECS allows one
blue.Services[0].ClientAliases[0].TestTrafficRules: is not supported yet; remove it
blue.Services[0].ClientAliases[0].Port: is 70000; allowed is 1 to 65535
blue.Services[0].ClientAliases[0].DnsName: is `Blue!`; allowed are 1 to 127 of a-z, 0-9, _, - and .
blue.Services[0].IngressPortOverride: is 0; allowed is 1 to 65535";
    assert_eq!(errors, expected);
}

#[test]
fn names_are_unique_in_a_namespace() {
    let same_discovery_name = json!([{"PortName": "http", "DiscoveryName": "blue"}]);
    let errors = resolve(
        &[("blue", same_discovery_name.clone()), ("azure", same_discovery_name)],
        &[http_port()],
    )
    .unwrap_err();
    assert_eq!(
        errors,
        "azure.Services[0].DiscoveryName: `blue` is claimed by service `blue` already; a discovery name is unique in its namespace"
    );

    let alias = |name: &str| json!([{"PortName": "http", "DiscoveryName": name, "ClientAliases": [{"Port": 80, "DnsName": "shared"}]}]);
    let errors = resolve(&[("blue", alias("blue")), ("azure", alias("azure"))], &[http_port()]).unwrap_err();
    assert_eq!(
        errors,
        "azure.Services[0].ClientAliases[0]: `shared:80` is claimed by service `blue` already; a name and port are unique in their namespace"
    );
}

#[test]
fn error_for_unnamed_ports() {
    let unnamed = PortMapping {
        name: None,
        ..http_port()
    };
    let errors = resolve(&[("blue", json!([{"PortName": "http"}]))], &[unnamed]).unwrap_err();
    assert_eq!(
        errors,
        "blue.Services[0].PortName: `http` is no port of service `blue`: none of its port mappings has a name"
    );
}
