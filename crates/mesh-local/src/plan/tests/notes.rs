//! What a plan takes for given of services and virtual nodes.

use super::*;

/// The notes of a template with the service `web`, its properties, and further resources.
fn notes(service: &str, resources: &str) -> Vec<(String, String)> {
    let text = format!(
        "
Resources:
  Task: {{Type: AWS::ECS::TaskDefinition, Properties: {{ContainerDefinitions: [{{Name: app, Image: demo}}]}}}}
  Web: {{Type: AWS::ECS::Service, Properties: {{ServiceName: web, TaskDefinition: !Ref Task{service}}}}}
{resources}"
    );
    let template = Template::from_yaml(&text).expect("a template");
    read(&template, &images()).expect("a plan").assumed
}

#[test]
fn deployment_controllers_other_than_ecs_are_noted() {
    let path = "Resources.Web.Properties.DeploymentController";
    for (kind, note) in [
        (
            "CODE_DEPLOY",
            "CodeDeploy is not simulated: changes replace the tasks one after another, as ECS's own deployments do",
        ),
        (
            "EXTERNAL",
            "the external controller is not simulated: the tasks run from the service's own task definition",
        ),
    ] {
        let found = notes(&format!(", DeploymentController: {{Type: {kind}}}"), "");
        assert_eq!(found, [(path.to_owned(), note.to_owned())]);
    }
    assert_eq!(notes(", DeploymentController: {Type: ECS}", ""), []);
}

#[test]
fn virtual_nodes_that_no_task_serves_are_noted() {
    let mesh = |discovery: &str, listeners: &str, more: &str| {
        format!(
            "
  Zone: {{Type: AWS::ServiceDiscovery::PrivateDnsNamespace, Properties: {{Name: shop.internal, Vpc: vpc-1}}}}
  Mesh: {{Type: AWS::AppMesh::Mesh, Properties: {{MeshName: shop}}}}
  Cart:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualNodeName: cart
      Spec:
        Listeners: [{listeners}]
        ServiceDiscovery: {discovery}
{more}"
        )
    };
    let own_name = "{DNS: {Hostname: cart.shop.internal}}";
    let listener = "{PortMapping: {Port: 8080, Protocol: http}}";
    let note = "no service of the given templates runs this virtual node: calls to it get 503";
    assert_eq!(
        notes("", &mesh(own_name, listener, "")),
        [("Resources.Cart.Properties.Spec".to_owned(), note.to_owned())]
    );
    let cloud_map = "{AWSCloudMap: {NamespaceName: shop.internal, ServiceName: cart}}";
    assert_eq!(notes("", &mesh(cloud_map, listener, "")).len(), 1);

    // Names of others resolve elsewhere; without a listener, nothing calls it; an instance or a registry serves it.
    assert_eq!(notes("", &mesh("{DNS: {Hostname: api.example.com}}", listener, "")), []);
    assert_eq!(notes("", &mesh(own_name, "", "")), []);
    let registry = "
  CartService:
    Type: AWS::ServiceDiscovery::Service
    Properties: {Name: cart, NamespaceId: !Ref Zone, DnsConfig: {DnsRecords: [{Type: A, TTL: 10}]}}
";
    let registered = ", ServiceRegistries: [{RegistryArn: !GetAtt CartService.Arn}]";
    assert_eq!(notes(registered, &mesh(own_name, listener, registry)), []);
    let instance = format!(
        "{registry}
  Fixed:
    Type: AWS::ServiceDiscovery::Instance
    Properties:
      ServiceId: !Ref CartService
      InstanceAttributes: {{AWS_INSTANCE_IPV4: 10.0.0.7}}
"
    );
    let found = notes("", &mesh(own_name, listener, &instance));
    assert!(found.iter().all(|(_, found)| found != note), "{found:?}");
}
