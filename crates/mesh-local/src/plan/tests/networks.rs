//! What a plan needs and assumes in each network of the tasks, and what tasks find there.

use super::*;
use crate::network::Network;

/// A service behind a registry, a mesh around it, and a gateway.
const TEMPLATE: &str = r#"
Resources:
  Ns: {Type: AWS::ServiceDiscovery::PrivateDnsNamespace, Properties: {Name: shop.local, Vpc: vpc-1}}
  Empty: {Type: AWS::ServiceDiscovery::PrivateDnsNamespace, Properties: {Name: empty.local, Vpc: vpc-1}}
  Entry:
    Type: AWS::ServiceDiscovery::Service
    Properties: {Name: _app._tcp, NamespaceId: !Ref Ns, DnsConfig: {RoutingPolicy: WEIGHTED, DnsRecords: [{Type: SRV, TTL: 20}]}}
  Fixed:
    Type: AWS::ServiceDiscovery::Instance
    Properties: {ServiceId: !Ref Entry, InstanceId: one, InstanceAttributes: {AWS_INSTANCE_IPV4: 10.1.2.3, AWS_INSTANCE_PORT: 70}}
  Mesh: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: m}}
  Node:
    Type: AWS::AppMesh::VirtualNode
    Properties: {MeshName: m, VirtualNodeName: app, Spec: {Listeners: [{PortMapping: {Port: 8080, Protocol: http}}], ServiceDiscovery: {DNS: {Hostname: vm}}}}
  Gateway:
    Type: AWS::AppMesh::VirtualGateway
    Properties: {MeshName: m, VirtualGatewayName: gw, Spec: {Listeners: [{PortMapping: {Port: 80, Protocol: http}}]}}
  GatewayTask:
    Type: AWS::ECS::TaskDefinition
    Properties: {ContainerDefinitions: [{Name: door, Image: team/own-proxy, Environment: [{Name: APPMESH_RESOURCE_ARN, Value: !Ref Gateway}]}]}
  Door: {Type: AWS::ECS::Service, Properties: {ServiceName: door, TaskDefinition: !Ref GatewayTask}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      NetworkMode: bridge
      ContainerDefinitions:
        - Name: app
          Image: demo
          User: "1337:20"
          PortMappings: [{ContainerPort: 8080}]
          Environment: [{Name: CART_URL, Value: "http://_app._tcp.shop.local:8080/cart"}, {Name: OTHER, Value: "http://example.com"}]
          HealthCheck: {Command: [CMD-SHELL, "curl -f http://localhost:8080/health"]}
        - {Name: proxy, Image: team/own-proxy, Environment: [{Name: APPMESH_VIRTUAL_NODE_NAME, Value: mesh/m/virtualNode/app}]}
  App:
    Type: AWS::ECS::Service
    Properties: {ServiceName: app, TaskDefinition: !Ref Task, ServiceRegistries: [{RegistryArn: !GetAtt Entry.Arn, ContainerName: app, ContainerPort: 8080}]}
"#;

const LABEL: &str = "          DockerLabels: {meshwright.port.8080: PORT}\n";

fn plan_in(network: Network, text: &str) -> Result<Plan, String> {
    let template = Template::from_text(text).expect("a template");
    let parameters = BTreeMap::new();
    let environment = StackEnvironment {
        network,
        hosts: crate::parse_hosts_file("192.0.2.7 vm\n192.0.2.8 unused\n"),
        ..StackEnvironment::default()
    };
    let plan = Plan::in_environment(&[stack(&template, &parameters)], &environment, &images());
    plan.map_err(|errors| errors.to_string())
}

fn with_label(text: &str) -> String {
    let at = "          HealthCheck:";
    assert!(text.contains(at));
    text.replace(at, &format!("{LABEL}{at}"))
}

#[test]
fn an_envoy_is_found_by_its_environment() {
    let plan = plan_in(Network::Namespaces, TEMPLATE).expect("a plan");
    let nodes = plan.services.iter().map(|service| match &service.membership {
        Membership::Mesh(node) => (node.path.to_string(), node.container.clone()),
        other => panic!("{other:?}"),
    });
    let nodes: Vec<(String, String)> = nodes.collect();
    let expected = [
        ("mesh/m/virtualGateway/gw", "door"),
        ("mesh/m/virtualNode/app", "proxy"),
    ];
    assert_eq!(nodes, expected.map(|(path, name)| (path.to_owned(), name.to_owned())));

    // Beside an image of Envoy, such a variable is an application's own.
    let beside = TEMPLATE
        .replace("Image: team/own-proxy", "Image: envoyproxy/envoy")
        .replace(
            "[{Name: CART_URL",
            "[{Name: APPMESH_VIRTUAL_NODE_NAME, Value: mesh/m/virtualNode/app}, {Name: CART_URL",
        );
    assert_eq!(
        plan_in(Network::Namespaces, &beside).map(|plan| plan.services.len()),
        Ok(2)
    );
}

#[test]
fn only_the_shared_network_needs_port_labels() {
    let plan = plan_in(Network::Namespaces, TEMPLATE).expect("a plan");
    let app = &plan.services[1].containers[0];
    assert_eq!(app.ports[0].mapping.container_port, 8080);
    assert!(app.health_check.is_some());
    let errors = plan_in(Network::Shared, TEMPLATE).expect_err("there is no label");
    assert!(errors.contains("DockerLabels: has no label for port 8080"), "{errors}");
    assert!(errors.contains("--network namespaces"), "{errors}");
}

#[test]
fn what_cannot_work_in_the_shared_network_is_listed() {
    let plan = plan_in(Network::Shared, &with_label(TEMPLATE)).expect("a plan");
    let app = &plan.services[1].containers[0];
    assert_eq!((app.user, app.health_check.as_ref()), (None, None));
    let container = "Resources.Task.Properties.ContainerDefinitions[0]";
    let listed = |path: &str| {
        plan.not_simulated
            .iter()
            .find(|(listed, _)| *listed == format!("{container}.{path}"))
    };
    assert!(listed("User").is_some());
    let (_, why) = listed("HealthCheck").expect("it asks another port");
    assert!(
        why.contains("port 8080") && why.contains("--network namespaces"),
        "{why}"
    );
    let assumed: Vec<&(String, String)> = plan.assumed.iter().filter(|(path, _)| path.contains("_URL")).collect();
    let [(path, note)] = assumed.as_slice() else {
        panic!("{assumed:?}");
    };
    assert_eq!(path, "Resources.App.Properties app CART_URL");
    assert!(
        note.starts_with("`_app._tcp.shop.local:8080` is called through mesh-client"),
        "{note}"
    );

    let plan = plan_in(Network::Namespaces, TEMPLATE).expect("a plan");
    assert_eq!(
        plan.services[1].containers[0].user,
        Some(ContainerUser { uid: 1337, gid: 20 })
    );
    assert!(
        !plan.assumed.iter().any(|(path, _)| path.contains("_URL")),
        "{:?}",
        plan.assumed
    );
    assert!(!plan.not_simulated.iter().any(|(path, _)| path.contains("HealthCheck")));
}

#[test]
fn a_health_check_of_another_port_or_host_is_run() {
    for command in [
        "curl http://localhost:80800/",
        "curl http://other:8080/",
        "curl http://localhost:$PORT/",
    ] {
        let text = with_label(TEMPLATE).replace("curl -f http://localhost:8080/health", command);
        let plan = plan_in(Network::Shared, &text).expect("a plan");
        assert!(plan.services[1].containers[0].health_check.is_some(), "{command}");
    }
}

#[test]
fn names_have_the_records_of_the_template() {
    let plan = plan_in(Network::Namespaces, TEMPLATE).expect("a plan");
    assert_eq!(plan.dns_zones, ["shop.local", "empty.local"]);
    let dns = plan.cloud_map[0].dns.expect("it has DNS");
    assert_eq!((dns.is_weighted, dns.a, dns.srv), (true, None, Some(20)));
    let registry = plan.services[1].registry.as_ref().expect("a registry");
    assert_eq!(
        (registry.port, registry.container.as_deref()),
        (Some(8080), Some("app"))
    );
}

#[test]
fn instances_without_tasks_are_found() {
    let plan = plan_in(Network::Namespaces, TEMPLATE).expect("a plan");
    let [fixed] = plan.fixed_instances.as_slice() else {
        panic!("{:?}", plan.fixed_instances);
    };
    assert_eq!(fixed.id, "one");
    assert_eq!(fixed.addresses, [std::net::IpAddr::from([10, 1, 2, 3])]);
    assert_eq!(fixed.attributes["AWS_INSTANCE_PORT"], "70");
    assert_eq!(fixed.at, FixedInstanceName::CloudMap(plan.cloud_map[0].clone()));

    let plan = plan_in(Network::Shared, &with_label(TEMPLATE)).expect("a plan");
    let hosts: Vec<&FixedInstance> = plan
        .fixed_instances
        .iter()
        .filter(|instance| instance.at == FixedInstanceName::Host("vm".to_owned()))
        .collect();
    assert_eq!(hosts.len(), 1, "{:?}", plan.fixed_instances);
    assert_eq!(hosts[0].addresses, [std::net::IpAddr::from([192, 0, 2, 7])]);

    let text = TEMPLATE.replace("AWS_INSTANCE_IPV4: 10.1.2.3", "AWS_INSTANCE_IPV4: ten");
    assert_eq!(
        plan_in(Network::Namespaces, &text).map(drop),
        Err(
            "Resources.Fixed.Properties.InstanceAttributes.AWS_INSTANCE_IPV4: is `ten`; expected an IP address"
                .to_owned()
        )
    );
}

#[test]
fn containers_share_a_port_in_bridge_mode_only() {
    let second = "        - {Name: second, Image: demo, Essential: false, PortMappings: [{ContainerPort: 8080}], DockerLabels: \
                  {meshwright.port.8080: PORT}}\n";
    let text = with_label(TEMPLATE).replace("        - {Name: proxy", &format!("{second}        - {{Name: proxy"));
    for network in [Network::Shared, Network::Namespaces] {
        assert_eq!(
            plan_in(network, &text).map(|plan| plan.services[1].containers.len()),
            Ok(2)
        );
        let awsvpc = plan_in(network, &text.replace("NetworkMode: bridge", "NetworkMode: awsvpc"));
        let path = "Resources.Task.Properties.ContainerDefinitions[1].PortMappings";
        assert_eq!(
            awsvpc.map(drop),
            Err(format!("{path}: 8080 is already a port of container app"))
        );
    }
    let unlabelled = text.replace(
        second,
        &second.replace(", DockerLabels: {meshwright.port.8080: PORT}", ""),
    );
    let errors = plan_in(Network::Namespaces, &unlabelled).expect_err("both would listen on one port");
    assert!(errors.contains("here both share one network"), "{errors}");
}
