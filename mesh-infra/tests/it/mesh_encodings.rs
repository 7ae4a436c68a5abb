//! Conversion of App Mesh resources into parameters, and its errors.

use mesh_infra::app_mesh::matching::{HeaderMatch, HeaderMatchMethod, HttpMethod};
use mesh_infra::app_mesh::route::{self, GrpcRouteMatch, RouteAction, WeightedTarget};
use mesh_infra::app_mesh::tls::{AcmCertificate, ListenerTls, ListenerTlsCertificate, TlsMode};
use mesh_infra::app_mesh::{Protocol, listener};
use mesh_infra::{
    App, GrpcRoute, HttpGatewayRoute, HttpRoute, Listener, Mesh, MeshEncoding, Output, Parameter, Resource, Stack,
    Template, VirtualGateway, VirtualNode, VirtualRouter, VirtualService,
};
use serde_json::json;

/// A mesh with one virtual node, `blue`.
fn small_stack() -> Stack {
    let mut stack = Stack::new("small");
    let mesh = stack.add("Mesh", Mesh::new("demo"));
    let tls = ListenerTls {
        mode: TlsMode::Strict,
        certificate: ListenerTlsCertificate::Acm(AcmCertificate {
            certificate_arn: "arn:aws:acm:eu-west-1:123456789012:certificate/1".to_owned(),
        }),
        validation: None,
    };
    let node = VirtualNode::new(&mesh, "blue")
        .with_listener(Listener::http(3000).with_tls(tls))
        .with_cloud_map_discovery("corp", "blue")
        .with_access_log("/dev/stdout");
    let node = stack.add("blue", node);
    stack.add("Node", Output::new(node.arn()));
    stack
}

const CERTIFICATE: &str = "Spec.Listeners[0].TLS.Certificate.ACM.CertificateArn";

#[test]
fn references_become_names_and_paths() {
    let mut stack = small_stack();
    let properties = json!({
        "Path": {"Ref": "BlueVirtualNode"},
        "Arn": {"Fn::Sub": "${AWS::Region} ${BlueVirtualNode.Arn}"},
        "Names": {"Fn::Join": ["/", [{"Fn::GetAtt": "Mesh.MeshName"}, {"Fn::GetAtt": ["BlueVirtualNode", "VirtualNodeName"]}]]}
    });
    stack.add(
        "Task",
        Resource::new("Custom::Task", properties).with_depends_on(["Mesh"]),
    );
    let template = stack.synth().unwrap();
    let task = &template.resources["Task"];
    assert_eq!(
        task.properties,
        json!({
            "Path": "mesh/demo/virtualNode/blue",
            "Arn": {"Fn::Sub": "${AWS::Region} mesh/demo/virtualNode/blue"},
            "Names": "demo/blue"
        })
    );
    assert_eq!(task.depends_on, ["Mesh", "BlueVirtualNode"]);
    assert_eq!(template.outputs["Node"].value, "mesh/demo/virtualNode/blue");
}

#[test]
fn unresolved_texts_are_inserted_by_fn_sub() {
    let mut stack = small_stack();
    let certificate = stack.add("Certificate", Parameter::new("String"));
    stack.override_property("BlueVirtualNode", CERTIFICATE, certificate.value::<String>().to_json());
    stack.override_property("BlueVirtualNode", "Spec.Logging.AccessLog.File.Path", "/var/${x}");
    let tags = json!([{"Key": "team", "Value": {"Ref": "AWS::StackName"}}]);
    stack.override_property("BlueVirtualNode", "Tags", tags);
    let template = stack.synth().unwrap();
    let parameter = &template.resources["BlueVirtualNode"].properties;
    let sub = parameter["Value"]["Fn::Sub"]
        .as_array()
        .expect("a text and its variables");
    assert_eq!(sub[1], json!({"Late0": {"Ref": "Certificate"}}));
    let text = sub[0].as_str().expect("a string");
    assert!(text.contains(r#""certificateArn":"${Late0}""#), "{text}");
    assert!(text.contains(r#""path":"/var/${!x}""#), "{text}");
    assert_eq!(parameter["Tags"], json!({"team": {"Ref": "AWS::StackName"}}));
}

#[test]
fn unsupported_values_are_errors_only_in_parameters() {
    let mut stack = small_stack();
    stack.add("Port", Parameter::new("Number"));
    stack.add("Name", Parameter::new("String"));
    let mesh = json!({"Fn::GetAtt": ["Mesh", "MeshName"]});
    let generated = json!({"MeshName": mesh, "MeshOwner": "123456789012", "Spec": {}});
    stack.add("Router", Resource::new("AWS::AppMesh::VirtualRouter", generated));
    let unresolved = json!({"MeshName": mesh, "VirtualServiceName": {"Ref": "Name"}, "Spec": {}});
    stack.add("Service", Resource::new("AWS::AppMesh::VirtualService", unresolved));
    stack.add(
        "Task",
        Resource::new("Custom::Task", json!({"Uid": {"Fn::GetAtt": ["Mesh", "Uid"]}})),
    );
    let odd = json!({"MeshName": mesh, "VirtualNodeName": "light blue", "Spec": {}});
    stack.add("Odd", Resource::new("AWS::AppMesh::VirtualNode", odd));
    let port = "Spec.Listeners[0].PortMapping.Port";
    stack.override_property("BlueVirtualNode", port, json!({"Ref": "Port"}));
    assert!(stack.synth_as(MeshEncoding::AppMesh).is_ok());
    let unnamed = "is not known; the name of the parameter contains it, so set it to a known text";
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        format!(
            "Resources.BlueVirtualNode.Properties.{port}: is known only after CloudFormation has evaluated it; \
             a parameter can contain such values only as texts\n\
             Resources.Router.Properties.VirtualRouterName: {unnamed}\n\
             Resources.Service.Properties.VirtualServiceName: {unnamed}\n\
             Resources.Task.Properties: refers to the attribute `Uid` of `Mesh`, which only App Mesh can provide\n\
             Resources.Odd.Properties.Name: is `/meshwright/demo/virtualNode/light blue`; allowed are at most 1011 of a-z, A-Z, 0-9, ., -, _ and /"
        )
    );
}

#[test]
fn shared_meshes_are_unsupported_in_parameters() {
    let mut stack = small_stack();
    stack.override_property("BlueVirtualNode", "MeshOwner", "123456789012");
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.BlueVirtualNode.Properties.MeshOwner: is not supported in a parameter, and the control plane does \
         not read it"
    );
}

#[test]
fn apps_synthesize_either_encoding() {
    let app = App::from(small_stack());
    for (form, kind) in [
        (MeshEncoding::Parameters, "AWS::SSM::Parameter"),
        (MeshEncoding::AppMesh, "AWS::AppMesh::VirtualNode"),
    ] {
        let templates = app.synth_as(form).unwrap();
        assert_eq!(templates["small"].resources["BlueVirtualNode"].kind, kind);
    }
    assert_eq!(app.synth().unwrap(), app.synth_as(MeshEncoding::Parameters).unwrap());
}

#[test]
fn builders_write_the_fields_of_the_model() {
    let mut stack = Stack::new("builders");
    let mesh = stack.add("Mesh", Mesh::new("demo"));
    let node = |name: &str, listener: Listener| VirtualNode::new(&mesh, name).with_listener(listener);
    let blue = stack.add("blue", node("blue", Listener::http(80)).with_dns_discovery("blue.corp"));
    let green = stack.add(
        "green",
        node("green", Listener::grpc(80)).with_dns_discovery("green.corp"),
    );
    let http = stack.add(
        "http",
        VirtualRouter::new(&mesh, "http").with_listener(80, Protocol::Http),
    );
    let grpc = stack.add(
        "grpc",
        VirtualRouter::new(&mesh, "grpc").with_listener(80, Protocol::Grpc),
    );
    let range = HeaderMatch {
        name: "age".to_owned(),
        invert: Some(true),
        method: Some(HeaderMatchMethod::Prefix("1".to_owned())),
    };
    let route = HttpRoute::new(&http, "first")
        .with_priority(0)
        .with_path_regex("/[ab]")
        .with_method(HttpMethod::Get)
        .with_header("x-user", "me")
        .with_header_match(range)
        .with_query_parameter("q", "1")
        .with_timeout(listener::RequestTimeout::default())
        .with_target_port(&blue, 80, 1);
    stack.add("first", route);
    // References of a given spec are resolved like those of a builder.
    let whole = route::GrpcRoute {
        matching: GrpcRouteMatch::default(),
        action: RouteAction {
            weighted_targets: vec![WeightedTarget {
                virtual_node: "green".to_owned(),
                weight: 1,
                port: None,
            }],
        },
        retry_policy: None,
        timeout: None,
    };
    stack.add("whole", GrpcRoute::from_spec(&grpc, "whole", whole));
    stack.add(
        "part",
        GrpcRoute::new(&grpc, "part")
            .with_service("p.S")
            .with_method("M")
            .with_target(&green, 1),
    );
    let service = stack.add(
        "blue",
        VirtualService::new(&mesh, "blue.corp").with_provider_node(&blue),
    );
    let door = stack.add(
        "door",
        VirtualGateway::new(&mesh, "door").with_listener(Listener::http(80)),
    );
    let route = HttpGatewayRoute::new(&door, "old", &service)
        .with_hostname_suffix("corp")
        .with_prefix("/old/")
        .with_prefix_rewrite("/new/")
        .without_hostname_rewrite();
    stack.add("old", route);
    let template = stack.synth_as(MeshEncoding::AppMesh).unwrap();
    for (kind, spec) in [
        (
            "Route",
            json!({"Priority": 0, "HttpRoute": {
                "Match": {
                    "Path": {"Regex": "/[ab]"},
                    "Method": "GET",
                    "Headers": [
                        {"Name": "x-user", "Match": {"Exact": "me"}},
                        {"Name": "age", "Invert": true, "Match": {"Prefix": "1"}}
                    ],
                    "QueryParameters": [{"Name": "q", "Match": {"Exact": "1"}}]
                },
                "Action": {"WeightedTargets": [{"Weight": 1, "Port": 80}]},
                "Timeout": {}
            }}),
        ),
        (
            "Route",
            json!({"GrpcRoute": {"Match": {}, "Action": {"WeightedTargets": [
                {"VirtualNode": {"Fn::GetAtt": ["GreenVirtualNode", "VirtualNodeName"]}}]}}}),
        ),
        (
            "Route",
            json!({"GrpcRoute": {"Match": {"ServiceName": "p.S", "MethodName": "M"}}}),
        ),
        (
            "GatewayRoute",
            json!({"HttpRoute": {
                "Match": {"Prefix": "/old/", "Hostname": {"Suffix": "corp"}},
                "Action": {"Rewrite": {
                    "Hostname": {"DefaultTargetHostname": "DISABLED"}, "Prefix": {"Value": "/new/"}}}
            }}),
        ),
    ] {
        template
            .has_resource(&format!("AWS::AppMesh::{kind}"), &json!({"Spec": spec}))
            .unwrap();
    }
}

/// The revision marker of the mesh `demo` in a template, and its value.
fn marker(template: &Template) -> (&Resource, String) {
    let name = json!({"Fn::Sub": "/meshwright-revision/demo/${AWS::StackName}"});
    let mut resources = template.resources.values();
    let marker = resources.find(|resource| resource.properties["Name"] == name);
    let marker = marker.expect("a revision marker");
    (marker, marker.properties["Value"].to_string())
}

#[test]
fn a_revision_marker_depends_on_all_parameters_of_the_mesh_and_changes_with_them() {
    let template = small_stack().synth().unwrap();
    let (resource, value) = marker(&template);
    assert_eq!(resource.kind, "AWS::SSM::Parameter");
    // Which depends on the mesh.
    assert_eq!(resource.depends_on, ["BlueVirtualNode"]);
    assert!(
        template.resources["BlueVirtualNode"]
            .depends_on
            .contains(&"Mesh".to_owned())
    );
    assert_eq!(value.len(), 66, "{value}");
    assert_eq!(value, marker(&small_stack().synth().unwrap()).1, "it is reproducible");
    let mut changed = small_stack();
    changed.override_property("BlueVirtualNode", "Spec.Listeners[0].PortMapping.Port", 3001);
    let changed = changed.synth().unwrap();
    assert_ne!(value, marker(&changed).1);
    let other = small_stack().synth_as(MeshEncoding::AppMesh).unwrap();
    let is_marker = |id: &&String| id.contains("MeshRevision");
    assert_eq!(other.resources.keys().find(is_marker), None);
}

#[test]
fn a_revision_marker_follows_a_parameter_that_is_changed_in_the_template() {
    let mut template = small_stack().synth().unwrap();
    let before = marker(&template).1;
    mesh_infra::refresh_revision_markers(&mut template);
    assert_eq!(marker(&template).1, before);
    let node = template.resources.get_mut("BlueVirtualNode").unwrap();
    node.properties["Value"] = json!("{}");
    mesh_infra::refresh_revision_markers(&mut template);
    assert_ne!(marker(&template).1, before);
    // As deployed by an earlier release.
    let complete = template.clone();
    template.resources.retain(|id, _| !id.contains("MeshRevision"));
    mesh_infra::refresh_revision_markers(&mut template);
    assert_eq!(template.to_json(), complete.to_json(), "the marker is added");
}

#[test]
fn a_revision_marker_contains_the_values_that_only_cloudformation_knows() {
    let mut stack = small_stack();
    stack.override_property("BlueVirtualNode", CERTIFICATE, json!({"Ref": "Certificate"}));
    stack.add("Certificate", Parameter::new("String"));
    let template = stack.synth().unwrap();
    let value = &marker(&template).0.properties["Value"];
    let text = value["Fn::Sub"][0].as_str().expect("a text with a variable");
    assert!(text.ends_with(" ${Late0}"), "{text}");
    assert_eq!(value["Fn::Sub"][1], json!({"Late0": {"Ref": "Certificate"}}));
    // More of them than fit into the marker.
    let mut stack = Stack::new("large");
    let mesh = stack.add("Mesh", Mesh::new("demo"));
    for index in 0..11 {
        let id = format!("node{index}");
        stack.add(
            &id,
            VirtualNode::new(&mesh, id.as_str())
                .with_dns_endpoints("x.demo")
                .with_listener(Listener::http(80)),
        );
        let host = "Spec.ServiceDiscovery.DNS.Hostname";
        stack.override_property(
            &format!("Node{index}VirtualNode"),
            host,
            json!({"Ref": format!("Host{index}")}),
        );
        stack.add(&format!("Host{index}"), Parameter::new("String"));
    }
    let template = stack.synth().unwrap();
    assert_eq!(marker(&template).1, "\"unversioned\"");
}
