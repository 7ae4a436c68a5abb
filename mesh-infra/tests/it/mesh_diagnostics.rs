//! What is wrong with a mesh is told by the template's own paths, in either form; what is late or elsewhere is not.

use mesh_infra::{
    GrpcGatewayRoute, Mesh, MeshEncoding, Stack, TcpRoute, Template, ValidationErrors, VirtualGateway, VirtualNode,
    VirtualRouter, VirtualService, check,
};
use serde_json::{Value as Json, json};

use crate::app_mesh::mesh_stack;

fn judged(resources: Json) -> Result<(), ValidationErrors> {
    let always = json!({"Fn::Equals": ["", ""]});
    let conditions = json!({"IsOld": {"Fn::Not": [always]}, "IsNew": always});
    let document = json!({"Conditions": conditions, "Resources": resources});
    check(&Template::from_json(&document.to_string()).expect("a template"))
}

fn told(resources: Json) -> String {
    judged(resources).expect_err("there is something wrong").to_string()
}

#[test]
fn mistakes_within_a_resource_and_between_resources() {
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
fn names_under_which_nothing_is_found() {
    let mut stack = mesh_stack();
    stack.override_property("BlueVirtualNode", "Spec.ServiceDiscovery.DNS.Hostname", "blu.appmesh");
    // What lies in no namespace of the template may well be registered.
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
fn parameters_of_whoever_wrote_them_are_judged() {
    let parameter = |name: &str, value: &str| json!({"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": value}});
    assert_eq!(
        told(json!({
            "Mesh": parameter("/meshwright/demo", "{}"),
            "Node": parameter("/meshwright/demo/virtualNode/blue", r#"{"listeners": [{"portMapping": {"port": 80}}]}"#),
            "Typo": parameter("/meshwright/demo/virtualNod/blue", "{}"),
            "Text": parameter("/meshwright/demo/virtualNode/green", "blue"),
            "Other": parameter("/other/demo", "blue"),
        })),
        "Resources.Typo.Properties.Name: is `/meshwright/demo/virtualNod/blue`, which is not the name of a mesh \
         resource; expected a name like /meshwright/MESH/virtualNode/NAME\n\
         Resources.Text.Properties.Value: is not JSON: expected value at line 1 column 1\n\
         Resources.Node.Properties.Value.listeners[0].portMapping.protocol: is missing"
    );
}

#[test]
fn what_is_late_elsewhere_or_under_conditions_is_not_judged() {
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
    let late = json!({"Fn::ImportValue": "name"});
    // A mesh of another stack: its nodes are there as well.
    assert_eq!(
        judged(json!({"Service": service(json!("shared"), json!("blue"))})),
        Ok(())
    );
    // A name that is late, of what is referred to or of what may be it.
    assert_eq!(
        judged(json!({"Mesh": mesh, "Service": service(demo.clone(), late.clone())})),
        Ok(())
    );
    let node = resource(
        "VirtualNode",
        json!({"MeshName": demo, "VirtualNodeName": late, "Spec": {}}),
    );
    let with_node = json!({"Mesh": mesh, "Node": node, "Service": service(demo.clone(), json!("blue"))});
    assert_eq!(judged(with_node), Ok(()));
    // One of two.
    let mut old = service(demo.clone(), late);
    old["Properties"]["Spec"] = json!({});
    old["Condition"] = json!("IsOld");
    let mut new = old.clone();
    new["Condition"] = json!("IsNew");
    assert_eq!(judged(json!({"Mesh": mesh, "Old": old, "New": new})), Ok(()));
    // A name that the template does tell.
    let lost = service(demo, json!({"Fn::Sub": "${Mesh.MeshName}-blue"}));
    assert_eq!(
        told(json!({"Mesh": mesh, "Service": lost})),
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
    let foreign = |id: &str| format!("refers to `{id}` of stack `other`; a handle is good for its own stack only");
    assert_eq!(
        stack.synth_as(MeshEncoding::AppMesh).unwrap_err().to_string(),
        format!(
            "Resources.AllRoute.Properties.Spec: {}\n\
             Resources.NoneGatewayRoute.Properties.Spec: {}\n\
             Resources.Mesh.Properties.MeshName: is `de/mo`; allowed are 1 to 255 characters without /",
            foreign("BlueVirtualNode"),
            foreign("BlueVirtualService")
        )
    );
}
