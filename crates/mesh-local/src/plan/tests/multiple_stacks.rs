//! Several stacks that share a cluster and a mesh.

use super::*;

const BASE: &str = r#"
Parameters: {Env: {Type: String, Default: shared}}
Resources:
  Cluster: {Type: AWS::ECS::Cluster}
  Vpc: {Type: AWS::EC2::VPC}
  Mesh: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: !Ref Env}}
  Namespace:
    Type: AWS::ServiceDiscovery::PrivateDnsNamespace
    Properties: {Name: !Sub "${Env}.local", Vpc: !Ref Vpc}
Outputs:
  Cluster: {Value: !Ref Cluster, Export: {Name: !Sub "${Env}:Cluster"}}
  Mesh: {Value: !GetAtt Mesh.MeshName, Export: {Name: !Sub "${Env}:Mesh"}}
  Namespace: {Value: !Ref Namespace, Export: {Name: !Sub "${Env}:Namespace"}}
"#;

const APP: &str = r#"
Parameters: {Env: {Type: String, Default: shared}}
Resources:
  Node:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !ImportValue {"Fn::Sub": "${Env}:Mesh"}
      Spec: {Listeners: [{PortMapping: {Port: 80, Protocol: http}}], ServiceDiscovery: {DNS: {Hostname: a.shared.local}}}
  Entry:
    Type: AWS::ServiceDiscovery::Service
    Properties:
      DnsConfig:
        NamespaceId: {"Fn::ImportValue": !Sub "${Env}:Namespace"}
        DnsRecords: [{Type: A, TTL: 60}]
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - {Name: app, Image: demo, PortMappings: [{ContainerPort: 80}], DockerLabels: {meshwright.port.80: PORT}}
        - {Name: envoy, Image: envoyproxy/envoy, Environment: [{Name: APPMESH_RESOURCE_ARN, Value: !Ref Node}]}
  Service:
    Type: AWS::ECS::Service
    Properties:
      Cluster: {"Fn::ImportValue": !Sub "${Env}:Cluster"}
      TaskDefinition: !Ref Task
      ServiceRegistries: [{RegistryArn: !GetAtt Entry.Arn}]
"#;

fn of(stacks: &[(&str, &str)]) -> Result<Plan, String> {
    let parameters = BTreeMap::new();
    let templates: Vec<(&str, Template)> = stacks
        .iter()
        .map(|(name, text)| (*name, Template::from_yaml(text).expect("a template")))
        .collect();
    let stacks: Vec<StackInput<'_>> = templates
        .iter()
        .map(|(name, template)| StackInput {
            name,
            template,
            parameters: &parameters,
        })
        .collect();
    Plan::new(&stacks, &images()).map_err(|diagnostics| diagnostics.to_string())
}

#[test]
fn stacks_share_what_they_export() {
    for order in [[("base", BASE), ("app", APP)], [("app", APP), ("base", BASE)]] {
        let plan = of(&order).unwrap();
        let service = &plan.services[0];
        assert_eq!(
            (service.name.as_str(), service.cluster.as_str()),
            ("app-Service", "base-Cluster")
        );
        let Membership::Mesh(member) = &service.membership else {
            panic!("{:?}", service.membership);
        };
        assert_eq!(member.path.to_string(), "mesh/shared/virtualNode/app-Node");
        let registry = service.registry.as_ref().expect("a registry");
        assert_eq!(registry.service.hostname().as_deref(), Some("app-Entry.shared.local"));
        assert_eq!(
            plan.not_simulated,
            [("base/Vpc".to_owned(), "AWS::EC2::VPC".to_owned())]
        );
    }
}

#[test]
fn problems_say_in_which_stack() {
    let diagnostics = of(&[("base", BASE), ("app", &APP.replace("demo,", "other,"))])
        .map(drop)
        .unwrap_err();
    assert!(
        diagnostics.starts_with("app/Resources.Task.Properties.ContainerDefinitions[0].Image: what `other` runs"),
        "{diagnostics}"
    );
    // Names of services are one stack's own as long as the stack makes them up.
    let twice = of(&[("base", BASE), ("app", APP), ("app2", APP)]).unwrap();
    assert_eq!(twice.services.len(), 2);
    let named = APP.replace(
        "TaskDefinition: !Ref Task",
        "TaskDefinition: !Ref Task\n      ServiceName: x",
    );
    assert_eq!(
        of(&[("base", BASE), ("a", &named), ("b", &named)])
            .map(drop)
            .unwrap_err(),
        "b/Resources.Service.Properties.ServiceName: `x` is the name of a/Resources.Service.Properties already"
    );
}

#[test]
fn a_stack_alone_lacks_what_it_imports() {
    let diagnostics = of(&[("app", APP)]).map(drop).unwrap_err();
    let paths: Vec<&str> = diagnostics
        .lines()
        .filter_map(|line| Some(line.split_once(": ")?.0))
        .collect();
    assert_eq!(
        paths,
        [
            "Resources.Entry.Properties.DnsConfig.NamespaceId",
            "Resources.Node.Properties.MeshName",
            "Resources.Service.Properties.Cluster"
        ]
    );
}
