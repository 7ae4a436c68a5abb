//! What resolves, with which defaults, and what is refused with which words.

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
    let members: Vec<_> = configurations
        .iter()
        .map(|(service, configuration)| EcsService {
            service,
            path: service,
            configuration,
            ports,
        })
        .collect();
    Namespace::resolve("serviceconnect", &members).map_err(|diagnostics| diagnostics.to_string())
}

#[test]
fn defaults_are_those_of_ecs() {
    let namespace = resolve(&[("blue", json!([{"PortName": "http"}]))], &[http_port()]).unwrap();
    let endpoint = &namespace.services[0];
    assert_eq!(endpoint.discovery_name, "http");
    assert_eq!(endpoint.dns_name, "http.serviceconnect");
    assert_eq!(endpoint.port, 3000);
    assert_eq!(endpoint.per_request_timeout, Some(Duration::from_secs(15)));
    assert_eq!(endpoint.idle_timeout, Some(Duration::from_secs(300)));
}

#[test]
fn what_is_configured_replaces_the_defaults() {
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
    let endpoint = namespace.service("azure", 80).expect("the alias resolves");
    assert_eq!(endpoint.discovery_name, "blue");
    assert_eq!(endpoint.idle_timeout, None);
    assert_eq!(endpoint.per_request_timeout, Some(Duration::from_secs(3)));
    assert_eq!(namespace.services_of("blue").count(), 1);
}

#[test]
fn a_tcp_port_has_an_hour_and_no_request_timeout() {
    let tcp = PortMapping {
        protocol: AppProtocol::Tcp,
        ..http_port()
    };
    let namespace = resolve(&[("blue", json!([{"PortName": "http"}]))], std::slice::from_ref(&tcp)).unwrap();
    assert_eq!(namespace.services[0].idle_timeout, Some(Duration::from_secs(3600)));
    assert_eq!(namespace.services[0].per_request_timeout, None);

    let refused = resolve(
        &[(
            "blue",
            json!([{"PortName": "http", "Timeout": {"PerRequestTimeoutSeconds": 3}}]),
        )],
        &[tcp],
    )
    .unwrap_err();
    assert!(
        refused.contains("PerRequestTimeoutSeconds: is 3, but `http` is a TCP port"),
        "{refused}"
    );
}

#[test]
fn a_service_that_is_not_enabled_offers_nothing() {
    let configuration = ServiceConnectConfiguration {
        enabled: false,
        ..configuration(json!({"Enabled": true, "Services": [{"PortName": "nowhere"}]}))
    };
    let member = EcsService {
        service: "blue",
        path: "blue",
        configuration: &configuration,
        ports: &[],
    };
    assert!(
        Namespace::resolve("serviceconnect", &[member])
            .unwrap()
            .services
            .is_empty()
    );
}

#[test]
fn all_problems_are_reported_at_once() {
    let refused = resolve(
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
blue.Services[0].ClientAliases: holds 2 aliases; ECS allows one
blue.Services[0].ClientAliases[0].TestTrafficRules: is not supported yet; remove it
blue.Services[0].ClientAliases[0].Port: is 70000; allowed is 1 to 65535
blue.Services[0].ClientAliases[0].DnsName: is `Blue!`; allowed are 1 to 127 of a-z, 0-9, _, - and .
blue.Services[0].IngressPortOverride: is 0; allowed is 1 to 65535";
    assert_eq!(refused, expected);
}

#[test]
fn two_services_cannot_claim_one_name() {
    let same_discovery_name = json!([{"PortName": "http", "DiscoveryName": "blue"}]);
    let refused = resolve(
        &[("blue", same_discovery_name.clone()), ("azure", same_discovery_name)],
        &[http_port()],
    )
    .unwrap_err();
    assert_eq!(
        refused,
        "azure.Services[0].DiscoveryName: `blue` is claimed by service `blue` already; a discovery name is unique in its namespace"
    );

    let alias = |name: &str| json!([{"PortName": "http", "DiscoveryName": name, "ClientAliases": [{"Port": 80, "DnsName": "shared"}]}]);
    let refused = resolve(&[("blue", alias("blue")), ("azure", alias("azure"))], &[http_port()]).unwrap_err();
    assert_eq!(
        refused,
        "azure.Services[0].ClientAliases[0]: `shared:80` is claimed by service `blue` already; a name and port are unique in their namespace"
    );
}

#[test]
fn ports_without_names_are_explained() {
    let unnamed = PortMapping {
        name: None,
        ..http_port()
    };
    let refused = resolve(&[("blue", json!([{"PortName": "http"}]))], &[unnamed]).unwrap_err();
    assert_eq!(
        refused,
        "blue.Services[0].PortName: `http` is no port of service `blue`: none of its port mappings has a name"
    );
}
