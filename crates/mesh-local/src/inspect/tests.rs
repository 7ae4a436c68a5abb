//! Node names, listener ports, and the contents of configuration files.

use std::collections::BTreeMap;

use mesh_infra::Template;

use super::*;
use crate::image::{Image, Images};
use crate::stack_input::StackInput;

/// Two meshes with a node of the same name, and services in and out of a mesh.
const TEMPLATE: &str = "
Resources:
  Mesh: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: one}}
  Other: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: two}}
  Web:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualNodeName: web
      Spec:
        Listeners:
          - PortMapping: {Port: 8080, Protocol: http}
            TLS: {Mode: STRICT, Certificate: {File: {CertificateChain: /chain.pem, PrivateKey: /key.pem}}}
          - PortMapping: {Port: 9090, Protocol: http}
        ServiceDiscovery: {DNS: {Hostname: web.internal}}
        Backends:
          - VirtualService: {VirtualServiceName: db.one}
          - VirtualService: {VirtualServiceName: cache.one}
        Logging: {AccessLog: {File: {Path: /log, Format: {Json: [{Key: rds, Value: a}, {Key: end, Value: b}]}}}}
  Db:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualNodeName: db
      Spec:
        Listeners: [{PortMapping: {Port: 5432, Protocol: tcp}}]
        ServiceDiscovery: {DNS: {Hostname: db.internal}}
  Cache:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualNodeName: cache
      Spec:
        Listeners: [{PortMapping: {Port: 15001, Protocol: tcp}}]
        ServiceDiscovery: {AWSCloudMap: {NamespaceName: one, ServiceName: cache}}
  DbService:
    Type: AWS::AppMesh::VirtualService
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualServiceName: db.one
      Spec: {Provider: {VirtualNode: {VirtualNodeName: !GetAtt Db.VirtualNodeName}}}
  CacheService:
    Type: AWS::AppMesh::VirtualService
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualServiceName: cache.one
      Spec: {Provider: {VirtualNode: {VirtualNodeName: !GetAtt Cache.VirtualNodeName}}}
  OtherDb:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !GetAtt Other.MeshName
      VirtualNodeName: db
      Spec: {}
  Door:
    Type: AWS::AppMesh::VirtualGateway
    Properties:
      MeshName: !GetAtt Other.MeshName
      VirtualGatewayName: door
      Spec: {Listeners: [{PortMapping: {Port: 80, Protocol: http}}]}
  WebTask:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - {Name: app, Image: app, PortMappings: [{ContainerPort: 8080}, {ContainerPort: 9090}]}
        - {Name: envoy, Image: envoyproxy/envoy, Environment: [{Name: APPMESH_RESOURCE_ARN, Value: mesh/one/virtualNode/web}]}
  WebService: {Type: AWS::ECS::Service, Properties: {TaskDefinition: !Ref WebTask, ServiceName: shop}}
  Namespace: {Type: AWS::ServiceDiscovery::HttpNamespace, Properties: {Name: sc}}
  LedgerTask:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: app
          Image: app
          PortMappings:
            - {Name: a, ContainerPort: 3000, AppProtocol: http}
            - {Name: b, ContainerPort: 3001}
            - {Name: c, ContainerPort: 3002}
  LedgerService:
    Type: AWS::ECS::Service
    Properties:
      TaskDefinition: !Ref LedgerTask
      ServiceName: ledger
      ServiceConnectConfiguration:
        Enabled: true
        Namespace: !GetAtt Namespace.Arn
        Services:
          - {PortName: a, ClientAliases: [{Port: 80}]}
          - {PortName: b, ClientAliases: [{Port: 5432}]}
          - {PortName: c, ClientAliases: [{Port: 5432}]}
  PlainTask: {Type: AWS::ECS::TaskDefinition, Properties: {ContainerDefinitions: [{Name: app, Image: app}]}}
  PlainService: {Type: AWS::ECS::Service, Properties: {TaskDefinition: !Ref PlainTask, ServiceName: plain}}
";

fn plan(template: &str) -> Plan {
    let template = Template::from_text(template).expect("a template");
    let stack = StackInput {
        name: "stack",
        template: &template,
        parameters: &BTreeMap::new(),
    };
    let images = Images::default().with_stub(Image::new(["stub"]), "PORT");
    Plan::new(&[stack], &images).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn found(name: &str) -> String {
    match find(&plan(TEMPLATE), name) {
        Ok(Identity::MeshNode(path)) => path.to_string(),
        Ok(Identity::Service(service)) => service.to_string(),
        Ok(Identity::LoadBalancer(name)) => name,
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_node_is_found_by_all_its_names() {
    for name in [
        "web",
        "virtualNode/web",
        "mesh/one/virtualNode/web",
        "arn:aws:appmesh:eu-west-1:123456789012:mesh/one/virtualNode/web",
        "service/shop",
        "shop",
    ] {
        assert_eq!(found(name), "mesh/one/virtualNode/web", "{name}");
    }
    assert_eq!(found("virtualGateway/door"), "mesh/two/virtualGateway/door");
    for name in [
        "ledger",
        "service/ledger",
        "arn:aws:ecs:r:1:task-set/default/ledger/ecs-svc/7",
    ] {
        assert_eq!(found(name), "default/ledger", "{name}");
    }
}

#[test]
fn unknown_and_ambiguous_names_are_reported_with_alternatives() {
    let all = "mesh/one/virtualNode/cache, mesh/one/virtualNode/db, mesh/one/virtualNode/web, mesh/two/virtualNode/db, \
               mesh/two/virtualGateway/door, service/ledger";
    for name in [
        "plain",
        "virtualNode/door",
        "mesh/one/virtualService/db.one",
        "mesh/three/virtualNode/db",
        "",
    ] {
        assert_eq!(found(name), format!("no node `{name}`; known nodes: {all}"));
    }
    assert_eq!(
        found("virtualNode/db"),
        "`virtualNode/db` is ambiguous: mesh/one/virtualNode/db or mesh/two/virtualNode/db"
    );
    let service = "Resources:
  Task: {Type: AWS::ECS::TaskDefinition, Properties: {ContainerDefinitions: [{Name: app, Image: app}]}}
  Service: {Type: AWS::ECS::Service, Properties: {TaskDefinition: !Ref Task}}";
    assert_eq!(find(&plan(service), "Service"), Err(FindError::None));
}

fn inspected(name: &str, kind: TrafficMode) -> Inspection {
    let plan = plan(TEMPLATE);
    let node = find(&plan, name).unwrap_or_else(|error| panic!("{error}"));
    let inspection = inspect(&plan, &node, kind).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(inspection.notes, Vec::<String>::new());
    let again = inspect(&plan, &node, kind).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(inspection.configuration.to_string(), again.configuration.to_string());
    inspection
}

/// The names of the listeners, each with its address.
fn listeners(inspection: &Inspection) -> Vec<String> {
    let listeners = inspection.configuration["static_resources"]["listeners"].as_array();
    let listeners = listeners.expect("a list").iter().map(|listener| {
        let address = &listener["address"]["socket_address"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        format!(
            "{} {}:{}",
            text(&listener["name"]),
            text(&address["address"]),
            address["port_value"]
        )
    });
    listeners.collect()
}

#[test]
fn listener_ports_are_deterministic_and_unique() {
    let explicit = |name| listeners(&inspected(name, TrafficMode::ExplicitProxy));
    assert_eq!(
        explicit("web"),
        [
            // 15001 is used by a backend.
            "lds_egress_0.0.0.0_15001 127.0.0.1:15002",
            "lds_egress_cache.one_15001 127.0.0.1:15001",
            "lds_egress_db.one_5432 127.0.0.1:5432",
            "lds_ingress_0.0.0.0_8080 127.0.0.1:15003",
            "lds_ingress_0.0.0.0_9090 127.0.0.1:15004",
        ]
    );
    assert_eq!(
        explicit("ledger"),
        [
            "lds_egress 127.0.0.1:15001",
            "lds_egress_b.sc_5432 127.0.0.1:5432",
            "lds_egress_c.sc_5432 127.0.0.1:5433",
            "lds_ingress_http_3000 127.0.0.1:15002",
            "lds_ingress_tcp_3001 127.0.0.1:15003",
            "lds_ingress_tcp_3002 127.0.0.1:15004",
        ]
    );
    assert_eq!(
        listeners(&inspected("web", TrafficMode::TransparentProxy)),
        [
            "lds_egress_0.0.0.0_15001 0.0.0.0:15001",
            "lds_ingress_0.0.0.0_15000 0.0.0.0:15000"
        ]
    );
}

#[test]
fn a_configuration_file_contains_all_resources() {
    let Inspection { configuration, .. } = inspected("web", TrafficMode::ExplicitProxy);
    assert_eq!(configuration["node"]["id"], "mesh/one/virtualNode/web");
    let text = configuration.to_string();
    for expected in [
        // Routes, inline in their listener.
        r#""route_config":{"name":"rds_ingress_http_8080","#,
        // The path of a private key, which Envoy redacts.
        r#""private_key":{"filename":"/key.pem"}"#,
        // Custom access-log fields, whatever their names.
        r#""json_format":{"end":"b","rds":"a"}"#,
        // Endpoint discovery.
        r#""name":"cds_egress_one_db_tcp_5432","type":"LOGICAL_DNS""#,
        r#""name":"cds_egress_one_cache_tcp_15001","type":"EDS""#,
        r#"{"tag_name":"appmesh.virtual_node","fixed_value":"web"}"#,
    ] {
        assert!(text.contains(expected), "no {expected} in {configuration:#}");
    }
    assert!(!text.contains("route_config_name"), "{configuration:#}");
}
