//! Several stacks with a common cluster and mesh.

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

fn plan_of_stacks(stacks: &[(&str, &str)]) -> Result<Plan, String> {
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
fn stacks_share_exports() {
    for order in [[("base", BASE), ("app", APP)], [("app", APP), ("base", BASE)]] {
        let plan = plan_of_stacks(&order).unwrap();
        let service = &plan.services[0];
        assert_eq!(
            (service.name.as_str(), service.cluster.as_str()),
            ("app-Service", "base-Cluster")
        );
        let Membership::Mesh(node) = &service.membership else {
            panic!("{:?}", service.membership);
        };
        assert_eq!(node.path.to_string(), "mesh/shared/virtualNode/app-Node");
        let registry = service.registry.as_ref().expect("a registry");
        assert_eq!(registry.service.hostname().as_deref(), Some("app-Entry.shared.local"));
        assert_eq!(
            plan.not_simulated,
            [("base/Vpc".to_owned(), "AWS::EC2::VPC".to_owned())]
        );
    }
}

#[test]
fn errors_name_their_stack() {
    let diagnostics = plan_of_stacks(&[("base", BASE), ("app", &APP.replace("demo,", "other,"))])
        .map(drop)
        .unwrap_err();
    assert!(
        diagnostics.starts_with("app/Resources.Task.Properties.ContainerDefinitions[0].Image: is `other`, which"),
        "{diagnostics}"
    );
    // Generated service names contain the stack's name.
    let twice = plan_of_stacks(&[("base", BASE), ("app", APP), ("app2", APP)]).unwrap();
    assert_eq!(twice.services.len(), 2);
    let named = APP.replace(
        "TaskDefinition: !Ref Task",
        "TaskDefinition: !Ref Task\n      ServiceName: x",
    );
    assert_eq!(
        plan_of_stacks(&[("base", BASE), ("a", &named), ("b", &named)])
            .map(drop)
            .unwrap_err(),
        "b/Resources.Service.Properties.ServiceName: `x` is already the name of a/Resources.Service.Properties"
    );
}

#[test]
fn a_single_stack_lacks_its_imports() {
    let diagnostics = plan_of_stacks(&[("app", APP)]).map(drop).unwrap_err();
    let paths: Vec<&str> = diagnostics
        .lines()
        .filter_map(|line| Some(line.split_once(": ")?.0))
        .collect();
    // The namespace and the cluster may be elsewhere; the parts of a mesh need its name.
    assert_eq!(paths, ["Resources.Node.Properties.MeshName"]);
}
