//! Errors of a mesh have paths of the template, in either encoding; unresolved and external resources are not checked.

use mesh_infra::{
    GrpcGatewayRoute, Mesh, MeshEncoding, Stack, TcpRoute, Template, ValidationErrors, VirtualGateway, VirtualNode,
    VirtualRouter, VirtualService, check,
};
use serde_json::{Value as Json, json};

use crate::app_mesh::mesh_stack;

fn checked(resources: Json) -> Result<(), ValidationErrors> {
    let always = json!({"Fn::Equals": ["", ""]});
    let conditions = json!({"IsOld": {"Fn::Not": [always]}, "IsNew": always});
    let document = json!({"Conditions": conditions, "Resources": resources});
    check(&Template::from_json(&document.to_string()).expect("a template"))
}

fn errors_of(resources: Json) -> String {
    checked(resources).expect_err("errors").to_string()
}

#[test]
fn errors_within_and_between_resources() {
    let mut stack = mesh_stack();
    stack.override_property("BlueVirtualNode", "Spec.Listeners[0].PortMapping.Port", 0);
    stack.override_property("GreenVirtualNode", "Spec.Listner", json!([]));
    let within = "Resources.BlueVirtualNode.Properties.Spec.Listeners[0].PortMapping.Port: is 0; allowed is a whole \
                  number from 1 to 65535\n\
                  Resources.GreenVirtualNode.Properties.Spec.Listner: is not a known field; known are Listeners, \
                  ServiceDiscovery, Backends, BackendDefaults, Logging";
    for form in [MeshEncoding::Parameters, MeshEncoding::AppMesh] {
        assert_eq!(stack.synth_as(form).unwrap_err().to_string(), within);
    }

    let mut stack = mesh_stack();
    let backend = "Spec.Backends[0].VirtualService.VirtualServiceName";
    stack.override_property("BlueVirtualNode", backend, "gren.appmesh");
    stack.override_property("SplitVirtualRouter", "Spec.Listeners[0].PortMapping.Protocol", "tcp");
    stack.override_property("AllRoute", "Spec.HttpRoute.Match.Port", 8080);
    let provider = "Spec.Provider.VirtualRouter.VirtualRouterName";
    stack.override_property("SplitVirtualService", provider, "splitt");
    let between = "Resources.SplitVirtualService.Properties.Spec: refers to the virtual router `splitt`, which does not \
                   exist\n\
                   Resources.BlueVirtualNode.Properties.Spec: has a backend that does not exist: virtual service \
                   `gren.appmesh`\n\
                   Resources.AllRoute.Properties.Spec: its match names port 8080, which the router does not have; it \
                   has 3000";
    for form in [MeshEncoding::Parameters, MeshEncoding::AppMesh] {
        assert_eq!(stack.synth_as(form).unwrap_err().to_string(), between);
    }
}

#[test]
fn unregistered_dns_names_and_missing_resources() {
    let mut stack = mesh_stack();
    stack.override_property("BlueVirtualNode", "Spec.ServiceDiscovery.DNS.Hostname", "blu.appmesh");
    // A name outside the namespaces of the template may be registered elsewhere.
    stack.override_property(
        "GreenVirtualNode",
        "Spec.ServiceDiscovery.DNS.Hostname",
        "green.elsewhere",
    );
    let variable = "ContainerDefinitions[1].Environment[0].Value";
    stack.override_property("BlueTaskDefinition", variable, "mesh/demo/virtualNode/bleu");
    stack.override_property("GreenTaskDefinition", variable, "demo/green");
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        format!(
            "Resources.BlueTaskDefinition.Properties.{variable}: refers to virtual node `bleu`, which does not exist\n\
             Resources.GreenTaskDefinition.Properties.{variable}: is `demo/green`; allowed are a path such as \
             mesh/MESH/virtualNode/NAME, and an ARN that ends in one\n\
             Resources.BlueVirtualNode.Properties.Spec.ServiceDiscovery.DNS.Hostname: is `blu.appmesh`, but no \
             service registers as `blu` in the namespace `appmesh`; did you mean blue.appmesh?"
        )
    );
}

#[test]
fn parameters_of_other_tools_are_checked() {
    let parameter = |name: &str, value: &str| json!({"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": value}});
    assert_eq!(
        errors_of(json!({
            "Mesh": parameter("/meshwright/demo", "{}"),
            "Node": parameter("/meshwright/demo/virtualNode/blue", r#"{"listeners": [{"portMapping": {"port": 80}}]}"#),
            "Typo": parameter("/meshwright/demo/virtualNod/blue", "{}"),
            "Text": parameter("/meshwright/demo/virtualNode/green", "blue"),
            "Other": parameter("/other/demo", "blue"),
        })),
        "Resources.Typo.Properties.Name: is `/meshwright/demo/virtualNod/blue`, which is not a mesh resource \
         name; expected /meshwright/MESH/virtualNode/NAME\n\
         Resources.Text.Properties.Value: is not valid JSON: expected value at line 1 column 1\n\
         Resources.Node.Properties.Value.listeners[0].portMapping.protocol: is missing"
    );
}

#[test]
fn unresolved_external_and_conditional_resources_are_not_checked() {
    let resource =
        |kind: &str, properties: Json| json!({"Type": format!("AWS::AppMesh::{kind}"), "Properties": properties});
    let mesh = resource("Mesh", json!({"MeshName": "demo"}));
    let service = |mesh: Json, node: Json| {
        let spec = json!({"Provider": {"VirtualNode": {"VirtualNodeName": node}}});
        resource(
            "VirtualService",
            json!({"MeshName": mesh, "VirtualServiceName": "blue", "Spec": spec}),
        )
    };
    let demo = json!({"Fn::GetAtt": ["Mesh", "MeshName"]});
    let unresolved = json!({"Fn::ImportValue": "name"});
    // A mesh of another stack, which contains its nodes as well.
    assert_eq!(
        checked(json!({"Service": service(json!("shared"), json!("blue"))})),
        Ok(())
    );
    // An unresolved name of the reference, or of a resource that it may refer to.
    assert_eq!(
        checked(json!({"Mesh": mesh, "Service": service(demo.clone(), unresolved.clone())})),
        Ok(())
    );
    let node = resource(
        "VirtualNode",
        json!({"MeshName": demo, "VirtualNodeName": unresolved, "Spec": {}}),
    );
    let with_node = json!({"Mesh": mesh, "Node": node, "Service": service(demo.clone(), json!("blue"))});
    assert_eq!(checked(with_node), Ok(()));
    // Alternatives under conditions.
    let mut old = service(demo.clone(), unresolved);
    old["Properties"]["Spec"] = json!({});
    old["Condition"] = json!("IsOld");
    let mut new = old.clone();
    new["Condition"] = json!("IsNew");
    assert_eq!(checked(json!({"Mesh": mesh, "Old": old, "New": new})), Ok(()));
    // A name that the template determines.
    let lost = service(demo, json!({"Fn::Sub": "${Mesh.MeshName}-blue"}));
    assert_eq!(
        errors_of(json!({"Mesh": mesh, "Service": lost})),
        "Resources.Service.Properties.Spec: refers to the virtual node `demo-blue`, which does not exist"
    );
}

#[test]
fn constructs_report_foreign_handles_and_invalid_names() {
    let mut other = Stack::new("other");
    let foreign = other.add("Mesh", Mesh::new("demo"));
    let foreign_node = other.add("blue", VirtualNode::new(&foreign, "blue"));
    let foreign_service = other.add("blue", VirtualService::new(&foreign, "blue"));

    let mut stack = Stack::new("own");
    let mesh = stack.add("Mesh", Mesh::new("de/mo"));
    let router = stack.add("split", VirtualRouter::new(&mesh, "split"));
    stack.add("all", TcpRoute::new(&router, "all").with_target(&foreign_node, 1));
    let gateway = stack.add("door", VirtualGateway::new(&mesh, "door"));
    stack.add(
        "none",
        GrpcGatewayRoute::new(&gateway, "none", &foreign_service).with_service("p.S"),
    );
    let foreign = |id: &str| {
        format!("refers to `{id}` of stack `other`, which is not in the same app; add both stacks to one App")
    };
    assert_eq!(
        stack.synth_as(MeshEncoding::AppMesh).unwrap_err().to_string(),
        format!(
            "Resources.AllRoute.Properties.Spec: {}\n\
             Resources.NoneGatewayRoute.Properties.Spec: {}\n\
             Resources.Mesh.Properties.MeshName: is \"de/mo\"; a name contains neither / nor control characters",
            foreign("BlueVirtualNode"),
            foreign("BlueVirtualService")
        )
    );
}
