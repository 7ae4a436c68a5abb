//! An App Mesh mesh: two services that call each other, a router that splits traffic between them, and a gateway.

use mesh_infra::app_mesh::Protocol;
use mesh_infra::{
    AppProtocol, Cluster, ClusterHandle, Container, HttpGatewayRoute, HttpRoute, Listener, Mesh, MeshEncoding,
    MeshHandle, Network, NetworkHandle, PortMapping, PrivateDnsNamespace, PrivateDnsNamespaceHandle, Service, Stack,
    TaskDefinition, Template, VirtualGateway, VirtualNode, VirtualNodeHandle, VirtualRouter, VirtualService, check,
    diagram,
};
use serde_json::{Value as Json, json};
use testkit::{assert_golden, golden_path};

/// The resources that services share.
struct Fixture {
    mesh: MeshHandle,
    cluster: ClusterHandle,
    network: NetworkHandle,
    namespace: PrivateDnsNamespaceHandle,
}

fn virtual_node(fixture: &Fixture, name: &str, backend: &str) -> VirtualNode {
    VirtualNode::new(&fixture.mesh, name)
        .with_listener(Listener::http(3000))
        .with_dns_endpoints(fixture.namespace.dns_name(name))
        .with_backend(backend)
}

fn service(fixture: &Fixture, name: &str, node: &VirtualNodeHandle) -> Service {
    let container = Container::new("app", "meshwright/demo-service")
        .with_environment("SERVICE_NAME", name)
        .with_port(
            PortMapping::new("http", 3000)
                .with_app_protocol(AppProtocol::Http)
                .with_port_variable("SERVICE_PORT"),
        );
    Service::new(&fixture.cluster, TaskDefinition::new(container))
        .with_name(name)
        .with_network(&fixture.network)
        .with_virtual_node(node)
        .with_service_discovery(&fixture.namespace)
}

pub(crate) fn mesh_stack() -> Stack {
    let mut stack = Stack::new("appmesh").with_description("Green and blue call each other through a mesh");
    let network = stack.add("Network", Network::from_parameters());
    let fixture = Fixture {
        mesh: stack.add("Mesh", Mesh::new("demo")),
        cluster: stack.add("Cluster", Cluster::new()),
        namespace: stack.add("Namespace", PrivateDnsNamespace::new("appmesh", &network)),
        network,
    };
    let blue_node = stack.add("blue", virtual_node(&fixture, "blue", "green.appmesh"));
    let green_node = stack.add("green", virtual_node(&fixture, "green", "blue.appmesh"));
    let split = VirtualRouter::new(&fixture.mesh, "split").with_listener(3000, Protocol::Http);
    let split = stack.add("split", split);
    let all = HttpRoute::new(&split, "all")
        .with_prefix("/")
        .with_target(&blue_node, 50)
        .with_target(&green_node, 50);
    stack.add("all", all);
    let called = |name: &str| VirtualService::new(&fixture.mesh, format!("{name}.appmesh"));
    let blue = stack.add("blue", called("blue").with_provider_node(&blue_node));
    let green = stack.add("green", called("green").with_provider_node(&green_node));
    let split = stack.add("split", called("split").with_provider_router(&split));

    let door = VirtualGateway::new(&fixture.mesh, "door").with_listener(Listener::http(9080));
    let door = stack.add("door", door);
    for (name, target) in [("blue", &blue), ("green", &green), ("split", &split)] {
        let route = HttpGatewayRoute::new(&door, name, target).with_prefix(format!("/{name}"));
        stack.add(name, route);
    }

    stack.add("blue", service(&fixture, "blue", &blue_node));
    stack.add("green", service(&fixture, "green", &green_node));
    let gateway = Service::gateway(&fixture.cluster, &door).with_name("door");
    stack.add("door", gateway.with_network(&fixture.network));
    stack
}

fn parameters() -> Template {
    mesh_stack().synth().unwrap()
}

fn app_mesh() -> Template {
    mesh_stack().synth_as(MeshEncoding::AppMesh).unwrap()
}

/// The spec in a parameter of the mesh `demo`, by the rest of its name.
fn spec(template: &Template, name: &str) -> Json {
    let mut properties = template.resources.values().map(|resource| &resource.properties);
    let parameter = properties.find(|properties| properties["Name"] == format!("/meshwright/demo{name}"));
    let value = parameter.expect("the parameter exists")["Value"]
        .as_str()
        .expect("a string");
    serde_json::from_str(value).expect("JSON")
}

#[test]
fn templates_match_golden_files() {
    assert_golden!("appmesh.parameters.json", &parameters().to_json());
    assert_golden!("appmesh.appmesh.json", &app_mesh().to_json());
}

#[test]
fn parameters_contain_specs_in_the_apis_casing() {
    let template = parameters();
    // With the revision marker.
    assert_eq!(template.resource_count("AWS::SSM::Parameter"), 13);
    assert!(
        template
            .resources
            .values()
            .all(|resource| !resource.kind.starts_with("AWS::AppMesh"))
    );
    for (name, expected) in [
        ("", json!({})),
        (
            "/virtualNode/blue",
            json!({
                "listeners": [{"portMapping": {"port": 3000, "protocol": "http"}}],
                "serviceDiscovery": {"dns": {"hostname": "blue.appmesh", "responseType": "ENDPOINTS"}},
                "backends": [{"virtualService": {"virtualServiceName": "green.appmesh"}}]
            }),
        ),
        (
            "/virtualRouter/split",
            json!({"listeners": [{"portMapping": {"port": 3000, "protocol": "http"}}]}),
        ),
        (
            "/virtualRouter/split/route/all",
            json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": [
                {"virtualNode": "blue", "weight": 50}, {"virtualNode": "green", "weight": 50}]}}}),
        ),
        (
            "/virtualService/split.appmesh",
            json!({"provider": {"virtualRouter": {"virtualRouterName": "split"}}}),
        ),
        (
            "/virtualGateway/door/gatewayRoute/split",
            json!({"httpRoute": {"match": {"prefix": "/split"}, "action": {"target": {
                "virtualService": {"virtualServiceName": "split.appmesh"}}}}}),
        ),
    ] {
        assert_eq!(spec(&template, name), expected, "{name}");
    }
    template
        .has_resource(
            "AWS::SSM::Parameter",
            &json!({"Name": "/meshwright/demo", "Type": "String", "Tier": "Intelligent-Tiering", "Value": "{}"}),
        )
        .unwrap();
    // References became dependencies.
    assert_eq!(
        template.resources["AllRoute"].depends_on,
        ["SplitVirtualRouter", "BlueVirtualNode", "GreenVirtualNode"]
    );
}

#[test]
fn mirrors_are_written_to_parameters_and_rejected_in_app_mesh_resources() {
    let mut stack = Stack::new("shop");
    let mesh = stack.add("Mesh", Mesh::new("shop"));
    let router = stack.add(
        "shop",
        VirtualRouter::new(&mesh, "shop").with_listener(80, Protocol::Http),
    );
    let node = |name: &str| {
        let node = VirtualNode::new(&mesh, name).with_listener(Listener::http(80));
        node.with_dns_endpoints(format!("{name}.shop"))
    };
    let blue = stack.add("blue", node("blue"));
    let green = stack.add("green", node("green"));
    let route = HttpRoute::new(&router, "all").with_prefix("/").with_target(&blue, 1);
    stack.add("all", route.with_mirror(&green, 10).with_mirror(&blue, 0));
    let template = stack.synth().expect("a template");
    let id = "AllRoute";
    let value = template.resources[id].properties["Value"].as_str().expect("a text");
    let route: Json = serde_json::from_str(value).expect("JSON");
    assert_eq!(
        route["httpRoute"]["mirrors"],
        json!([{"virtualNode": "green", "percentage": 10}])
    );
    let depends_on = &template.resources[id].depends_on;
    assert!(depends_on.contains(&"GreenVirtualNode".to_owned()), "{depends_on:?}");

    let error = stack
        .synth_as(MeshEncoding::AppMesh)
        .expect_err("App Mesh has no mirrors")
        .to_string();
    assert!(
        error.contains("Resources.AllRoute.Properties.Spec.HttpRoute.Mirrors: is not part of AWS::AppMesh::Route"),
        "{error}"
    );
}

#[test]
fn app_mesh_resources_refer_to_each_other_except_backends() {
    let template = app_mesh();
    let attribute = |id: &str, name: &str| json!({"Fn::GetAtt": [id, name]});
    let mesh = attribute("Mesh", "MeshName");
    for (kind, properties) in [
        (
            "VirtualNode",
            json!({"MeshName": mesh, "VirtualNodeName": "blue",
                "Spec": {"Backends": [{"VirtualService": {"VirtualServiceName": "green.appmesh"}}]}}),
        ),
        (
            "Route",
            json!({
                "MeshName": attribute("SplitVirtualRouter", "MeshName"),
                "VirtualRouterName": attribute("SplitVirtualRouter", "VirtualRouterName"),
                "Spec": {"HttpRoute": {"Action": {"WeightedTargets": [
                    {"VirtualNode": attribute("BlueVirtualNode", "VirtualNodeName"), "Weight": 50},
                    {"VirtualNode": attribute("GreenVirtualNode", "VirtualNodeName"), "Weight": 50}
                ]}}}
            }),
        ),
        (
            "VirtualService",
            json!({"VirtualServiceName": "split.appmesh", "Spec": {"Provider": {"VirtualRouter": {
                "VirtualRouterName": attribute("SplitVirtualRouter", "VirtualRouterName")}}}}),
        ),
        (
            "GatewayRoute",
            json!({
                "VirtualGatewayName": attribute("DoorVirtualGateway", "VirtualGatewayName"),
                "Spec": {"HttpRoute": {"Action": {"Target": {"VirtualService": {
                    "VirtualServiceName": attribute("BlueVirtualService", "VirtualServiceName")}}}}}
            }),
        ),
    ] {
        template
            .has_resource(&format!("AWS::AppMesh::{kind}"), &properties)
            .unwrap();
    }
    assert_eq!(template.resource_count("AWS::SSM::Parameter"), 0);
}

#[test]
fn both_encodings_have_the_same_ids_and_are_valid() {
    let (parameters, app_mesh) = (parameters(), app_mesh());
    let ids = |template: &Template| template.resources.keys().cloned().collect::<Vec<_>>();
    let mut of_parameters = ids(&parameters);
    assert_eq!(of_parameters.pop().as_deref(), Some("DemoMeshRevision"));
    assert_eq!(of_parameters, ids(&app_mesh));
    for template in [parameters, app_mesh] {
        let read = Template::from_json(&template.to_json()).unwrap();
        assert_eq!(read, template);
        assert_eq!(check(&read), Ok(()));
    }
}

#[test]
fn a_task_has_an_envoy_and_is_registered() {
    let template = parameters();
    template
        .has_resource(
            "AWS::ECS::TaskDefinition",
            &json!({"ContainerDefinitions": [
                {"Name": "app", "DependsOn": [{"ContainerName": "envoy", "Condition": "START"}]},
                {
                    "Name": "envoy",
                    "Image": {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/meshwright/envoy:v1.40.0"},
                    "Essential": true,
                    "User": "1337",
                    "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": "mesh/demo/virtualNode/green"}]
                }
            ]}),
        )
        .unwrap();
    template
        .has_resource(
            "AWS::ECS::TaskDefinition",
            &json!({"ContainerDefinitions": [{
                "Name": "envoy",
                "Environment": [{"Value": "mesh/demo/virtualGateway/door"}],
                "PortMappings": [{"Name": "http-9080", "ContainerPort": 9080, "AppProtocol": "http"}]
            }]}),
        )
        .unwrap();
    let registry = json!({"Fn::GetAtt": ["BlueDiscoveryService", "Arn"]});
    template
        .has_resource(
            "AWS::ECS::Service",
            &json!({"ServiceName": "blue", "ServiceRegistries": [{"RegistryArn": registry}]}),
        )
        .unwrap();
    template
        .has_resource(
            "AWS::ServiceDiscovery::Service",
            &json!({
                "Name": "blue",
                "NamespaceId": {"Ref": "Namespace"},
                "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 10}], "RoutingPolicy": "MULTIVALUE"},
                "HealthCheckCustomConfig": {"FailureThreshold": 1}
            }),
        )
        .unwrap();
    assert_eq!(template.resources["BlueService"].depends_on, ["BlueVirtualNode"]);
    template
        .has_resource(
            "AWS::ServiceDiscovery::PrivateDnsNamespace",
            &json!({"Name": "appmesh", "Vpc": {"Ref": "NetworkVpcId"}}),
        )
        .unwrap();
    assert_eq!(template.parameters["NetworkVpcId"].kind, "AWS::EC2::VPC::Id");
}

#[test]
fn diagrams_of_both_encodings_are_equal() {
    let picture = diagram(&parameters());
    assert_golden!("appmesh.mmd", &picture);
    assert_eq!(diagram(&app_mesh()), picture);
}

#[test]
fn cfn_lint_accepts_both_encodings() {
    let tools = testkit::python_tools();
    // The only warning about App Mesh resources is the end of App Mesh.
    let shut_down = ["--ignore-checks", "W3696"];
    // Other tests compare the templates with these files.
    for (file, arguments) in [
        ("appmesh.parameters.json", &[][..]),
        ("appmesh.appmesh.json", &shut_down[..]),
    ] {
        let mut lint = tools.cfn_lint();
        let output = lint
            .args(arguments)
            .arg("--")
            .arg(golden_path!(file))
            .output()
            .expect("cfn-lint starts");
        let output_text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && output_text.is_empty(),
            "{file}: {}: {output_text}",
            output.status
        );
    }
}
