//! A handwritten App Mesh template in YAML, and errors in meshes.

use mesh_model::app_mesh::{Protocol, ResourcePath};

use super::*;

const TEMPLATE: &str = include_str!("data/appmesh.yaml");

pub(super) fn images() -> Images {
    Images::default()
        .with("team/blue", Image::new(["blue"]))
        .with("team/store", Image::new(["store"]))
}

pub(super) fn plan_of(text: &str) -> Result<Plan, String> {
    read(&Template::from_text(text).expect("a template"), &images())
}

/// The plan of the template with `from` replaced by `to`.
fn changed(from: &str, to: &str) -> Result<Plan, String> {
    assert!(TEMPLATE.contains(from), "{from}");
    plan_of(&TEMPLATE.replace(from, to))
}

pub(super) fn service<'p>(plan: &'p Plan, name: &str) -> &'p ServicePlan {
    let found = plan.services.iter().find(|service| service.name == name);
    found.expect("such a service")
}

fn mesh_node<'p>(plan: &'p Plan, name: &str) -> &'p MeshNode {
    match &service(plan, name).membership {
        Membership::Mesh(node) => node,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn meshes_are_assembled_from_resources() {
    let plan = plan_of(TEMPLATE).unwrap();
    let mesh = &plan.meshes["demo"];
    let nodes: Vec<&str> = mesh.virtual_nodes.keys().map(String::as_str).collect();
    assert_eq!(nodes, ["blue", "demo-StoreNode"]);
    // The router references its mesh by ARN.
    assert!(mesh.virtual_routers["colours"].routes.contains_key("all"));
    assert!(
        mesh.virtual_gateways["door"]
            .gateway_routes
            .contains_key("demo-GatewayRoute")
    );
}

#[test]
fn envoy_variables_select_the_mesh_node() {
    let plan = plan_of(TEMPLATE).unwrap();
    let blue = mesh_node(&plan, "blue");
    assert_eq!(
        Some(&blue.path),
        ResourcePath::parse("mesh/demo/virtualNode/blue").as_ref()
    );
    assert_eq!(blue.listeners, BTreeMap::from([(8080, Protocol::Http)]));
    assert_eq!(blue.tcp_backends, BTreeSet::from([("store".to_owned(), 6379)]));
    // `store` is in no DNS namespace, so it is a suffix of its own.
    assert_eq!(blue.suffixes.as_ref().expect("a node").to_string(), "demo.local,store");
    assert_eq!(blue.sds.as_deref(), Some("/var/run/sds.sock".as_ref()));

    let store = mesh_node(&plan, "store");
    assert_eq!(store.path.to_string(), "mesh/demo/virtualNode/demo-StoreNode");
    assert_eq!(store.container, "proxy");

    let door = mesh_node(&plan, "gateway");
    assert_eq!(door.path.to_string(), "mesh/demo/virtualGateway/door");
    assert_eq!((door.listeners.len(), &door.suffixes), (1, &None));
    assert!(service(&plan, "gateway").containers.is_empty());
    assert_eq!(service(&plan, "batch").membership, Membership::None);
}

#[test]
fn the_envoy_container_and_dependencies_on_it_are_removed() {
    let plan = plan_of(TEMPLATE).unwrap();
    let containers = &service(&plan, "blue").containers;
    let names: Vec<&str> = containers.iter().map(|container| container.name.as_str()).collect();
    assert_eq!(names, ["app"]);
    assert_eq!(containers[0].depends_on, []);
    // The only variable with the number of the only port.
    assert_eq!(containers[0].ports[0].variable.as_deref(), Some("SERVER_PORT"));
}

#[test]
fn ignored_parts_are_listed() {
    let plan = plan_of(TEMPLATE).unwrap();
    let task = "Resources.BlueTask.Properties";
    let listed: Vec<String> = plan
        .not_simulated_in(Network::Shared)
        .iter()
        .map(|(path, what)| format!("{path} ({what})"))
        .collect();
    assert_eq!(
        listed,
        [
            "TaskRole (AWS::IAM::Role)".to_owned(),
            format!("{task}.ContainerDefinitions[1].Environment[1] ENABLE_ENVOY_XRAY_TRACING (variable of Envoy)"),
            format!("{task}.ProxyConfiguration.ProxyConfigurationProperties (property)"),
        ]
    );
    // Applied in network namespaces.
    assert_eq!(plan.not_simulated_in(Network::Namespaces).len(), listed.len() - 1);
}

#[test]
fn parameters_are_equivalent_to_resources() {
    let parameter = |name: &str, value: Json| {
        json!({"Type": "AWS::SSM::Parameter", "Properties": {
            "Name": format!("/meshwright/{name}"), "Type": "String", "Value": value}})
    };
    let mut template = Template::from_text(TEMPLATE).expect("a template");
    let document = json!({"Resources": {
        "Mesh": parameter("demo", json!("{}")),
        "BlueNode": parameter("demo/virtualNode/blue", json!({"Fn::Sub": [
            r#"{"listeners":[{"portMapping":{"port":8080,"protocol":"http"}}],"serviceDiscovery":{"dns":{"hostname":"${H}"}}}"#,
            {"H": "blue.demo.local"}]})),
        "Other": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/team/x", "Type": "String", "Value": "y"}}
    }});
    let parameters = Template::from_json(&document.to_string()).expect("a template");
    template
        .resources
        .retain(|_, resource| !resource.kind.starts_with("AWS::AppMesh::"));
    template.resources.extend(parameters.resources);
    for id in ["StoreService", "GatewayService", "StoreTask", "GatewayTask"] {
        template.resources.shift_remove(id);
    }
    let containers = &mut template.resources["BlueTask"].properties["ContainerDefinitions"];
    containers[1]["Environment"][0]["Value"] = json!("mesh/demo/virtualNode/blue");
    let plan = read(&template, &images()).unwrap();
    assert_eq!(
        mesh_node(&plan, "blue").listeners,
        BTreeMap::from([(8080, Protocol::Http)])
    );
    assert!(
        plan.not_simulated
            .contains(&("Other".to_owned(), "AWS::SSM::Parameter".to_owned()))
    );

    // CloudFormation generates its name, which is not that of a mesh resource.
    template.resources["Other"].properties["Name"] = json!({"Ref": "AWS::NoValue"});
    assert!(read(&template, &images()).is_ok());
    template.resources["Other"].properties["Name"] = json!([]);
    assert_eq!(
        read(&template, &images()).unwrap_err(),
        "Resources.Other.Properties.Name: is not known"
    );
    template.resources["Other"].properties["Name"] = json!("/team/x");

    let value = |template: &mut Template, id: &str, property: &str, value: &str| {
        template.resources[id].properties[property] = json!(value);
    };
    value(&mut template, "BlueNode", "Value", "{\"listeners\": [{}]}");
    assert_eq!(
        read(&template, &images()).unwrap_err(),
        "Resources.BlueNode.Properties.Value.listeners[0].portMapping: is missing"
    );
    value(&mut template, "BlueNode", "Value", "{");
    let diagnostics = read(&template, &images()).unwrap_err();
    assert_eq!(
        diagnostics,
        "Resources.BlueNode.Properties.Value: is not valid JSON: EOF while parsing an object at line 1 column 1"
    );
    value(&mut template, "BlueNode", "Name", "/meshwright/demo/node/blue");
    assert_eq!(
        read(&template, &images()).unwrap_err(),
        "Resources.BlueNode.Properties.Name: is `/meshwright/demo/node/blue`, which is not a mesh resource name; expected \
         /meshwright/MESH/virtualNode/NAME\n\
         Resources.BlueNode.Properties.Value: is not valid JSON: EOF while parsing an object at line 1 column 1"
    );
}

#[test]
fn errors_in_meshes_have_their_paths() {
    for (from, to, expected) in [
        (
            "Port: \"8080\", Protocol: http}}",
            "Port: \"8080\", Protocol: htpp}}",
            "Resources.BlueNode.Properties.Spec.Listeners[0].PortMapping.Protocol: is \"htpp\"; allowed is http, http2, grpc, \
             tcp",
        ),
        (
            "MeshName: !GetAtt Mesh.MeshName",
            "MeshName: other",
            "Resources.BlueNode.Properties.Spec: is in the mesh `other`, which does not exist",
        ),
        (
            "VirtualNode: !GetAtt BlueNode.VirtualNodeName, Weight: 1",
            "VirtualNode: red, Weight: 1",
            "Resources.Route.Properties.Spec: refers to the virtual node `red`, which does not exist",
        ),
        (
            "VirtualServiceName: store\n",
            "VirtualServiceName: !Ref AWS::NoValue\n",
            "Resources.Store.Properties.VirtualServiceName: is missing",
        ),
        (
            "      VirtualGatewayName: door\n",
            "      VirtualGatewayName: !GetAtt Mesh.Arn\n",
            "Resources.Gateway.Properties.VirtualGatewayName: is \"arn:aws:appmesh:local:000000000000:mesh/demo\"; a name contains neither",
        ),
        (
            "VirtualServiceName: store\n",
            "Name: store\n",
            "Resources.Store.Properties.Name: is not a property of AWS::AppMesh::VirtualService",
        ),
        (
            "      VirtualGatewayName: door\n",
            "      VirtualGatewayName: a/b\n",
            "Resources.Gateway.Properties.VirtualGatewayName: is \"a/b\"; a name contains neither / nor control characters",
        ),
        (
            "EgressFilter: {Type: DROP_ALL}",
            "EgressFilter: {Type: !ImportValue x}",
            "Resources.Mesh.Properties.Spec.EgressFilter.Type: `x` is known only on AWS, and nothing can stand in for \
             it here; give it with --value 'x=VALUE' or the template of the stack that exports it",
        ),
    ] {
        let diagnostics = changed(from, to).expect_err(to);
        assert!(
            diagnostics
                .lines()
                .next()
                .is_some_and(|line| line.starts_with(expected)),
            "{to}: {diagnostics}"
        );
    }
}

#[test]
fn an_invalid_name_is_reported_once() {
    let diagnostics = changed(
        "MeshName: !Ref EnvironmentName\n      Spec: {Eg",
        "MeshName: a/b\n      Spec: {Eg",
    )
    .expect_err("an invalid name");
    let invalid: Vec<&str> = diagnostics.lines().filter(|line| line.contains("\"a/b\"")).collect();
    assert_eq!(
        invalid,
        ["Resources.Mesh.Properties.MeshName: is \"a/b\"; a name contains neither / nor control characters"]
    );
}

#[test]
fn an_unknown_name_causes_no_further_errors() {
    let diagnostics = changed(
        "      MeshName: !Ref EnvironmentName\n      Spec: {Eg",
        "      MeshName: !ImportValue x\n      Spec: {Eg",
    )
    .expect_err("an unknown name");
    assert_eq!(diagnostics.lines().count(), 1, "{diagnostics}");
    assert!(
        diagnostics.starts_with("Resources.Mesh.Properties.MeshName: "),
        "{diagnostics}"
    );
}

#[test]
fn errors_within_a_document_are_reported_despite_unknown_names() {
    let route = "        HttpRoute:\n          Match: {Prefix: /}\n          Action: {WeightedTargets";
    assert!(TEMPLATE.contains(route));
    let other_kind =
        "        Http2Route: {Match: {Prefix: /}, Action: {WeightedTargets: [{VirtualNode: blue, Weight: 1}]}}";
    let both_kinds = format!("{other_kind}\n{route}");
    let template = TEMPLATE.replace(route, &both_kinds).replace(
        "MeshName: !Ref EnvironmentName\n      Spec: {Eg",
        "MeshName: !ImportValue x\n      Spec: {Eg",
    );
    let diagnostics = plan_of(&template).expect_err("two errors");
    let route_error = "Resources.Route.Properties.Spec: has httpRoute and http2Route; exactly one of ";
    assert!(
        diagnostics.lines().any(|line| line.starts_with(route_error)),
        "{diagnostics}"
    );
}
