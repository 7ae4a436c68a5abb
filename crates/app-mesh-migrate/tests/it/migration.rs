//! Migrations of stacks that the CDK does not write: several stacks, parameters, permissions, endpoints.

use std::collections::BTreeMap;

use app_mesh_migrate::{
    Change, ChangeKind, ControlPlaneLocation, Migration, Options, SourceStack, migrate, to_template,
};
use cfn::{StackImport, Template};
use mesh_infra::MeshEncoding;
use mesh_local::{Images, Plan, StackInput};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use sidecar_contract::ValidationErrors;

use crate::meshes::meshes;

fn stack(name: &str, template: &Json) -> SourceStack {
    SourceStack {
        name: name.to_owned(),
        template: Template::from_json(&template.to_string()).expect("a template"),
        parameters: BTreeMap::new(),
    }
}

fn migrated(stacks: &[SourceStack], options: &Options) -> Migration {
    migrate(stacks, options).unwrap_or_else(|errors| panic!("{errors}"))
}

/// A mesh with one virtual node and outputs of its names.
fn mesh_stack() -> Json {
    let export =
        |attribute: &str| json!({"Value": {"Fn::GetAtt": attribute}, "Export": {"Name": attribute.replace('.', "-")}});
    json!({
        "Resources": {
            "Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "demo"}},
            "Blue": {"Type": "AWS::AppMesh::VirtualNode", "Properties": {
                "MeshName": {"Fn::GetAtt": ["Mesh", "MeshName"]}, "VirtualNodeName": "blue",
                "Spec": {"Listeners": [{"PortMapping": {"Port": 8080, "Protocol": "http"}}],
                         "ServiceDiscovery": {"DNS": {"Hostname": "blue.local"}}}}}
        },
        "Outputs": {"MeshName": export("Mesh.MeshName"), "Node": export("Blue.VirtualNodeName"), "Arn": {"Value": {"Ref": "Blue"}},
                    "Uid": {"Value": {"Fn::GetAtt": "Blue.Uid"}}, "Owner": {"Value": {"Fn::GetAtt": "Blue.MeshOwner"}}}
    })
}

/// A service with an Envoy of the node, in the other stack.
fn service_stack(node: Json) -> Json {
    let envoy = json!({"Name": "envoy", "Image": "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.29.12.1-prod", "User": "1337",
        "Environment": [{"Name": "APPMESH_RESOURCE_ARN", "Value": node}, {"Name": "ENVOY_LOG_LEVEL", "Value": "debug"},
                        {"Name": "ENABLE_ENVOY_XRAY_TRACING", "Value": "1"}, {"Name": "OWN", "Value": "x"}]});
    let proxy = json!({"Type": "APPMESH", "ContainerName": "envoy", "ProxyConfigurationProperties": [
        {"Name": "IgnoredUID", "Value": "1000"}, {"Name": "ProxyIngressPort", "Value": "15000"}]});
    let network = json!({"AwsvpcConfiguration": {"Subnets": ["subnet-12345678"],
        "SecurityGroups": [{"Fn::GetAtt": ["Group", "GroupId"]}]}});
    json!({
        "Resources": {
            "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "x", "VpcId": "vpc-12345678",
                "SecurityGroupEgress": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}]}},
            "ExecutionRole": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}},
            "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"NetworkMode": "awsvpc", "Cpu": "256", "Memory": "512",
                "RequiresCompatibilities": ["FARGATE"], "ProxyConfiguration": proxy,
                "ExecutionRoleArn": {"Fn::GetAtt": ["ExecutionRole", "Arn"]},
                "ContainerDefinitions": [{"Name": "app", "Image": "team/blue:1", "PortMappings": [{"ContainerPort": 8080}]}, envoy]}},
            "Service": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": {"Ref": "Task"}, "LaunchType": "FARGATE",
                "NetworkConfiguration": network}}
        }
    })
}

fn imported_node() -> Json {
    let import = |name: &str| json!({"Fn::ImportValue": name});
    json!({"Fn::Join": ["", ["mesh/", import("Mesh-MeshName"), "/virtualNode/", import("Blue-VirtualNodeName")]]})
}

#[test]
fn references_become_what_they_evaluated_to() {
    let migration = migrated(&[stack("mesh", &mesh_stack())], &Options::default());
    let outputs = &migration.templates["mesh"].outputs;
    assert_eq!(outputs["MeshName"].value, "demo");
    assert_eq!(outputs["MeshName"].export, Some(json!({"Name": "Mesh-MeshName"})));
    assert_eq!(outputs["Node"].value, "blue");
    let arn = "arn:${AWS::Partition}:appmesh:${AWS::Region}:${AWS::AccountId}:mesh/demo/virtualNode/blue";
    assert_eq!(outputs["Arn"].value, json!({"Fn::Sub": arn}));
    assert_eq!(outputs["Owner"].value, json!({"Ref": "AWS::AccountId"}));
    let uid = outputs["Uid"].value.as_str().expect("a text");
    assert_eq!(uid.len(), 36);
}

#[test]
fn one_control_plane_serves_several_stacks() {
    let direct = json!("mesh/demo/virtualNode/blue");
    let stacks = [
        stack("mesh", &mesh_stack()),
        stack("blue", &service_stack(imported_node())),
        stack("green", &service_stack(direct)),
    ];
    let migration = migrated(&stacks, &Options::default());
    let services = |stack: &str| {
        let resources = migration.templates[stack].resources.values();
        resources
            .filter(|resource| resource.kind == "AWS::ECS::Service")
            .count()
    };
    assert_eq!((services("mesh"), services("blue"), services("green")), (0, 2, 1));
    let green = &migration.templates["green"];
    let import = |name: &str| StackImport {
        parameter: name.to_owned(),
        stack: "blue".to_owned(),
        output: name.to_owned(),
    };
    assert_eq!(
        green.stack_imports(),
        [import("DemoControlPlaneHost"), import("DemoControlPlaneSecurityGroup")]
    );
    let ingress = &green.resources["DemoControlPlaneIngress1"].properties;
    assert_eq!(ingress["GroupId"], json!({"Ref": "DemoControlPlaneSecurityGroup"}));
    let group = &migration.templates["blue"].resources["DemoMeshControlSecurityGroup"].properties;
    assert_eq!(
        group["SecurityGroupIngress"][0]["SourceSecurityGroupId"],
        json!({"Fn::GetAtt": ["Group", "GroupId"]})
    );
    assert_eq!(group["VpcId"], "vpc-12345678");
    // The group of the tasks restricts what they can connect to.
    assert!(
        migration.templates["blue"]
            .resources
            .contains_key("DemoControlPlaneEgress1")
    );
    assert!(green.resources.contains_key("DemoControlPlaneEgress1"));
    assert_eq!(
        migration.templates["blue"].outputs["DemoControlPlaneHost"].value,
        "mesh-control-demo.demo.meshwright.internal"
    );
    assert!(
        migration.templates["blue"].resources["Service"]
            .depends_on
            .contains(&"DemoMeshControlService".to_owned())
    );
}

#[test]
fn envoys_lose_the_variables_of_the_agent_and_keep_others() {
    let options = Options::default();
    let stacks = [
        stack("mesh", &mesh_stack()),
        stack("blue", &service_stack(imported_node())),
    ];
    let migration = migrated(&stacks, &options);
    let task = &migration.templates["blue"].resources["Task"].properties;
    let envoy = &task["ContainerDefinitions"][1];
    assert_eq!(
        envoy["Environment"],
        json!([{"Name": "OWN", "Value": "x"}, {"Name": "APPMESH_RESOURCE_ARN", "Value": "mesh/demo/virtualNode/blue"}])
    );
    let command = envoy["Command"].as_array().expect("a command");
    assert_eq!(command[2..], [json!("--log-level"), json!("debug")]);
    let lost = migration
        .changes
        .iter()
        .find(|change| change.what.contains("ENABLE_ENVOY_XRAY_TRACING"));
    assert!(lost.is_some_and(|change| change.reason.contains("OpenTelemetry")));
    let properties = &task["ProxyConfiguration"]["ProxyConfigurationProperties"];
    for expected in [
        ("IgnoredUID", "1337"),
        ("ProxyIngressPort", "15000"),
        ("ProxyEgressPort", "15001"),
    ] {
        let (name, value) = expected;
        assert!(
            properties
                .as_array()
                .expect("a list")
                .contains(&json!({"Name": name, "Value": value})),
            "{name}"
        );
    }
    let policies = &migration.templates["blue"].resources["ExecutionRole"].properties["Policies"];
    assert!(
        policies.to_string().contains("repository/meshwright/envoy"),
        "{policies}"
    );
}

#[test]
fn the_control_plane_can_be_elsewhere() {
    let stacks = [
        stack("mesh", &mesh_stack()),
        stack("blue", &service_stack(imported_node())),
    ];
    let mut options = Options::default();
    options.control_plane = Some(ControlPlaneLocation::Stack("platform".to_owned()));
    let migration = migrated(&stacks, &options);
    let blue = &migration.templates["blue"];
    assert_eq!(blue.stack_imports().len(), 2);
    assert!(blue.stack_imports().iter().all(|import| import.stack == "platform"));
    let command = &blue.resources["Task"].properties["ContainerDefinitions"][1]["Command"][1]["Fn::Sub"];
    assert!(
        command
            .as_str()
            .expect("a text")
            .contains(r#""address":"${DemoControlPlaneHost}""#)
    );

    options.control_plane = Some(ControlPlaneLocation::Address {
        host: "mesh.example.com".to_owned(),
        port: 443,
    });
    let migration = migrated(&stacks, &options);
    let blue = &migration.templates["blue"];
    assert!(blue.stack_imports().is_empty() && blue.parameters.is_empty());
    let command = &blue.resources["Task"].properties["ContainerDefinitions"][1]["Command"][1];
    assert!(
        command
            .as_str()
            .expect("a text")
            .contains(r#"{"address":"mesh.example.com","port_value":443}"#)
    );
}

#[test]
fn a_gateway_needs_a_description_which_may_be_a_parameter() {
    let gateway = service_stack(json!("mesh/demo/virtualGateway/door"));
    let errors = migrate(&[stack("door", &gateway)], &Options::default()).expect_err("unknown listeners");
    assert!(errors.to_string().contains("whose listeners are not known"), "{errors}");

    let value = json!({"listeners": [{"portMapping": {"port": 9080, "protocol": "http"}}]}).to_string();
    let described = json!({"Resources": {"Door": {"Type": "AWS::SSM::Parameter", "Properties": {
        "Type": "String", "Name": "/meshwright/demo/virtualGateway/door", "Value": value}}}});
    let migration = migrated(
        &[stack("mesh", &described), stack("door", &gateway)],
        &Options::default(),
    );
    let task = &migration.templates["door"].resources["Task"].properties;
    let bootstrap = task["ContainerDefinitions"][1]["Command"][1].as_str().expect("a text");
    assert!(bootstrap.contains(r#""ingress-9080":9080"#), "{bootstrap}");
    assert!(task.get("ProxyConfiguration").is_none());
}

#[test]
fn permissions_and_endpoints_of_app_mesh_are_removed() {
    let mut template = mesh_stack();
    let resources = &mut template["Resources"];
    resources["Policy"] = json!({"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "x", "Roles": ["r"],
        "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "appmesh:StreamAggregatedResources", "Resource": {"Ref": "Blue"}}]}}});
    resources["Mixed"] = json!({"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "x", "Roles": ["r"],
        "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": ["appmesh:*", "s3:GetObject"], "Resource": "*"}]}}});
    resources["Endpoint"] = json!({"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcId": "vpc-12345678",
        "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.appmesh-envoy-management"}}});
    resources["Other"] = json!({"Type": "AWS::EC2::VPCEndpoint", "DependsOn": "Endpoint", "Properties": {
        "VpcId": "vpc-12345678", "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.ssm"}}});
    template["Outputs"]["EndpointId"] = json!({"Value": {"Ref": "Endpoint"}});
    let migration = migrated(&[stack("mesh", &template)], &Options::default());
    let after = &migration.templates["mesh"];
    assert!(!after.resources.contains_key("Policy") && !after.resources.contains_key("Endpoint"));
    assert!(!after.outputs.contains_key("EndpointId"));
    assert!(after.resources["Other"].depends_on.is_empty());
    let statement = &after.resources["Mixed"].properties["PolicyDocument"]["Statement"][0];
    assert_eq!(statement["Action"], json!(["s3:GetObject"]));
}

#[test]
fn names_need_known_values_and_fix_their_parameters() {
    let mut template = mesh_stack();
    template["Parameters"] = json!({"Name": {"Type": "String"}, "Port": {"Type": "Number", "Default": 8080}});
    template["Resources"]["Mesh"]["Properties"]["MeshName"] = json!({"Ref": "Name"});
    template["Resources"]["Blue"]["Properties"]["Spec"]["Listeners"][0]["PortMapping"]["Port"] = json!({"Ref": "Port"});
    let mut source = stack("mesh", &template);
    let errors = migrate(std::slice::from_ref(&source), &Options::default()).expect_err("an unknown name");
    assert!(errors.to_string().contains("--parameter"), "{errors}");
    source.parameters.insert("Name".to_owned(), "shop".to_owned());
    let migration = migrated(&[source], &Options::default());
    let after = &migration.templates["mesh"];
    assert_eq!(after.resources["MeshParameter"].properties["Name"], "/meshwright/shop");
    assert_eq!(after.parameters["Name"].allowed_values, ["shop"]);
    // A number stays a parameter of the stack.
    assert!(after.parameters["Port"].allowed_values.is_empty());
    let value = &after.resources["BlueParameter"].properties["Value"]["Fn::Sub"];
    assert_eq!(value[1], json!({"Late0": {"Ref": "Port"}}));
    assert!(value[0].as_str().expect("a text").contains(r#""port":${Late0}"#));
}

#[test]
fn a_shared_mesh_is_in_one_account_which_is_noted() {
    let plain = migrated(&[stack("mesh", &mesh_stack())], &Options::default());
    let mut shared = mesh_stack();
    shared["Resources"]["Blue"]["Properties"]["MeshOwner"] = json!("123456789012");
    let migration = migrated(&[stack("mesh", &shared)], &Options::default());
    assert_eq!(migration.templates, plain.templates);
    let notes = migration
        .changes
        .iter()
        .filter(|change| change.kind == ChangeKind::Kept);
    let notes: Vec<String> = notes.map(ToString::to_string).collect();
    // Both stacks have no service beside which a control plane could run.
    let notes: Vec<&String> = notes.iter().filter(|note| !note.contains("no control plane")).collect();
    assert_eq!(
        notes,
        [
            "! mesh/Blue (AWS::AppMesh::VirtualNode): in the account of this stack, although the mesh `demo` was shared by the \
             account 123456789012: a control plane reads the parameters of its own account: /meshwright/demo and all \
             resources that this one refers to must be there, too"
        ]
    );
}

#[test]
fn what_cannot_be_migrated_is_an_error_with_its_place() {
    let error_of =
        |stacks: &[SourceStack]| -> ValidationErrors { migrate(stacks, &Options::default()).expect_err("an error") };
    let mut invalid = mesh_stack();
    invalid["Resources"]["Blue"]["Properties"]["Spec"]["Surprise"] = json!(1);
    let errors = error_of(&[stack("mesh", &invalid)]);
    assert!(
        errors
            .to_string()
            .starts_with("mesh.Resources.Blue.Properties.Spec.Surprise: "),
        "{errors}"
    );

    let errors = error_of(&[stack("blue", &service_stack(imported_node()))]);
    assert!(errors.to_string().contains("--template"), "{errors}");

    let mut lost = mesh_stack();
    lost["Outputs"]["Lost"] = json!({"Value": {"Fn::GetAtt": "Blue.Surprise"}});
    let errors = error_of(&[stack("mesh", &lost)]);
    assert!(errors.to_string().contains("`Surprise`"), "{errors}");
}

/// The lines with `!`: what needs the reader's attention.
fn notes(migration: &Migration) -> Vec<String> {
    let notes = migration
        .changes
        .iter()
        .filter(|change| change.kind == ChangeKind::Kept);
    notes.map(Change::to_string).collect()
}

fn assert_note(migration: &Migration, words: &[&str]) {
    let notes = notes(migration);
    let has_all = |note: &&String| words.iter().all(|word| note.contains(word));
    assert_eq!(notes.iter().filter(has_all).count(), 1, "{words:?} in {notes:#?}");
}

/// The migrated stacks, as sources of another migration.
fn again(migration: &Migration) -> Vec<SourceStack> {
    let templates = migration.templates.iter();
    let sources = templates.map(|(name, template)| SourceStack {
        name: name.clone(),
        template: Template::from_json(&template.to_json()).expect("a template"),
        parameters: BTreeMap::new(),
    });
    sources.collect()
}

#[test]
fn migrated_stacks_have_nothing_to_migrate() {
    let stacks = [
        stack("mesh", &mesh_stack()),
        stack("blue", &service_stack(imported_node())),
    ];
    let migration = migrated(&stacks, &Options::default());
    let second = migrated(&again(&migration), &Options::default());
    assert!(second.changes.is_empty(), "{:#?}", second.changes);
    assert_eq!(second.templates, migration.templates);
}

#[test]
fn a_service_beside_migrated_ones_gets_their_control_plane() {
    let first = migrated(
        &[
            stack("mesh", &mesh_stack()),
            stack("blue", &service_stack(imported_node())),
        ],
        &Options::default(),
    );
    let mut stacks = again(&first);
    stacks.push(stack("green", &service_stack(json!("mesh/demo/virtualNode/blue"))));
    let task = stack("blue", &service_stack(imported_node())).template;
    for id in ["Task", "Service"] {
        stacks[1]
            .template
            .resources
            .insert(format!("New{id}"), task.resources[id].clone());
    }
    stacks[1].template.resources["NewService"].properties["TaskDefinition"] = json!({"Ref": "NewTask"});
    let second = migrated(&stacks, &Options::default());
    let resources = second.templates.values().flat_map(|template| &template.resources);
    let is_plane =
        |(id, resource): &(&String, &cfn::Resource)| resource.kind == "AWS::ECS::Service" && id.contains("MeshControl");
    assert_eq!(resources.filter(is_plane).count(), 1);
    let blue = &second.templates["blue"];
    let service = "DemoMeshControlService".to_owned();
    assert!(blue.resources["NewService"].depends_on.contains(&service));
    // The group of the service is that of the first one, which the control plane's allows already.
    let rules = |stack: &str| {
        let resources = second.templates[stack].resources.values();
        resources
            .filter(|resource| resource.kind == "AWS::EC2::SecurityGroupIngress")
            .count()
    };
    assert_eq!((rules("blue"), rules("green")), (0, 1));
    assert_eq!(second.templates["green"].stack_imports().len(), 2);
    for stack in ["blue", "green"] {
        assert_eq!(
            second.templates[stack]
                .resources
                .keys()
                .filter(|id| id.contains("ControlPlaneEgress"))
                .count(),
            1,
            "{stack}"
        );
    }
}

#[test]
fn what_other_stacks_must_have_is_noted() {
    // A virtual node that does not exist, and a route to another.
    let mut mesh = mesh_stack();
    mesh["Resources"]["Router"] = json!({"Type": "AWS::AppMesh::VirtualRouter", "Properties": {"MeshName": "demo",
        "VirtualRouterName": "split", "Spec": {"Listeners": [{"PortMapping": {"Port": 8080, "Protocol": "http"}}]}}});
    mesh["Resources"]["Route"] = json!({"Type": "AWS::AppMesh::Route", "Properties": {"MeshName": "demo",
        "VirtualRouterName": "split", "RouteName": "all", "Spec": {"HttpRoute": {"Match": {"Prefix": "/"},
        "Action": {"WeightedTargets": [{"VirtualNode": "gone", "Weight": 1}]}}}}});
    let typo = service_stack(json!("mesh/demo/virtualNode/bleu"));
    let migration = migrated(&[stack("mesh", &mesh), stack("app", &typo)], &Options::default());
    assert_note(
        &migration,
        &[
            "! app/Task (AWS::ECS::TaskDefinition): ",
            "virtual node `bleu`",
            "did you mean `blue`?",
        ],
    );
    assert_note(
        &migration,
        &[
            "! mesh/Route (AWS::AppMesh::Route): ",
            "virtual node `gone`, which does not exist",
        ],
    );

    // A mesh in another stack.
    let service = stack("app", &service_stack(json!("mesh/demo/virtualNode/blue")));
    let alone = migrated(std::slice::from_ref(&service), &Options::default());
    assert_note(
        &alone,
        &[
            "! app/Task",
            "the mesh `demo`, which no given template describes",
            "--template",
            "--control-plane STACK",
        ],
    );
    // A mesh alone.
    let mesh_only = migrated(&[stack("mesh", &mesh_stack())], &Options::default());
    assert_note(
        &mesh_only,
        &["! mesh/Mesh (AWS::AppMesh::Mesh): no control plane", "--template"],
    );
    let whole = migrated(&[stack("mesh", &mesh_stack()), service], &Options::default());
    assert_eq!(notes(&whole), Vec::<String>::new());

    // The stack of the control plane has none.
    let mut options = Options::default();
    options.control_plane = Some(ControlPlaneLocation::Stack("mesh".to_owned()));
    let stacks = [
        stack("mesh", &mesh_stack()),
        stack("app", &service_stack(imported_node())),
    ];
    let errors = migrate(&stacks, &options).expect_err("no control plane");
    assert!(
        errors
            .to_string()
            .starts_with("--control-plane mesh: has no control plane of the mesh `demo`"),
        "{errors}"
    );
}

#[test]
fn each_change_has_its_own_reason() {
    let mut app = service_stack(imported_node());
    let xray = json!({"Name": "spans", "Image": "public.ecr.aws/xray/aws-xray-daemon:latest"});
    let containers = &mut app["Resources"]["Task"]["Properties"]["ContainerDefinitions"];
    containers.as_array_mut().expect("a list").push(xray);
    let stacks = [stack("mesh", &mesh_stack()), stack("app", &app)];
    let migration = migrated(&stacks, &Options::default());
    assert_note(&migration, &["container `spans`: Envoy sends nothing to xray any more"]);
    let line = |id: &str| {
        let mut changes = migration.changes.iter().filter(|change| change.logical_id == id);
        changes.next().map(Change::to_string).unwrap_or_default()
    };
    for (id, expected) in [
        (
            "DemoMeshControlTaskRole",
            "role of the control plane: it reads the mesh's parameters",
        ),
        (
            "DemoMeshControlSecurityGroup",
            "security group of the control plane: Envoys connect",
        ),
        ("DemoMeshRevision", "revision marker of the mesh"),
        ("DemoControlPlaneHost", "host of the control plane: other stacks"),
        (
            "DemoControlPlaneEgress1",
            "connections from the security group Group to port 18000",
        ),
    ] {
        assert!(line(id).contains(expected), "{id}: {}", line(id));
    }
    let mut options = Options::default();
    options.control_plane = Some(ControlPlaneLocation::Stack("platform".to_owned()));
    let elsewhere = migrated(&stacks, &options);
    for parameter in ["DemoControlPlaneHost", "DemoControlPlaneSecurityGroup"] {
        assert!(
            elsewhere.changes.iter().any(|change| change.logical_id == parameter),
            "{parameter} in {:#?}",
            elsewhere.changes
        );
    }
}

#[test]
fn an_unknown_name_is_reported_once_with_its_parameter() {
    let mut template = mesh_stack();
    template["Parameters"] = json!({"Env": {"Type": "String"}});
    template["Resources"]["Mesh"]["Properties"]["MeshName"] = json!({"Fn::Sub": "shop-${Env}"});
    let errors = migrate(&[stack("mesh", &template)], &Options::default()).expect_err("an unknown name");
    assert_eq!(
        errors.to_string(),
        "mesh.Resources.Mesh.Properties.MeshName: is `shop-${Env}`, which is not known; set --parameter Env=VALUE"
    );
    template["Resources"]["Mesh"]["Properties"]["MeshName"] = json!({"Ref": "AWS::StackName"});
    let migration = migrated(&[stack("mesh", &template)], &Options::default());
    assert_note(
        &migration,
        &["! mesh/Mesh", "named `mesh` by AWS::StackName", "--stack-name"],
    );
}

/// The meshes that a local run of the template has.
fn planned(template: &Template) -> Plan {
    let parameters = BTreeMap::new();
    let input = StackInput {
        name: "demo",
        template,
        parameters: &parameters,
    };
    Plan::new(&[input], &Images::default()).unwrap_or_else(|errors| panic!("{errors}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_mesh_stays_the_same(meshes in meshes()) {
        let given = to_template(&meshes, "demo", MeshEncoding::AppMesh).unwrap_or_else(|errors| panic!("{errors}"));
        let source = SourceStack { name: "demo".to_owned(), template: given.clone(), parameters: BTreeMap::new() };
        let migration = migrated(&[source], &Options::default());
        let after = Template::from_json(&migration.templates["demo"].to_json()).expect("a template");
        prop_assert_eq!(planned(&given).meshes, planned(&after).meshes);
        let specs: Vec<_> = meshes.specs().map(|(path, spec)| (path.clone(), spec.clone())).collect();
        prop_assert_eq!(specs, migration.resources.into_iter().collect::<Vec<_>>());
    }
}

/// Two virtual nodes and an export by loops.
fn looping_stack() -> Json {
    json!({
        "Transform": "AWS::LanguageExtensions",
        "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": "blue,green"}},
        "Resources": {
            "Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "demo"}},
            "Fn::ForEach::Nodes": ["Name", {"Ref": "Names"}, {"Node${Name}": {
                "Type": "AWS::AppMesh::VirtualNode", "Properties": {
                    "MeshName": {"Fn::GetAtt": ["Mesh", "MeshName"]}, "VirtualNodeName": {"Ref": "Name"},
                    "Spec": {"Listeners": [{"PortMapping": {"Port": 8080, "Protocol": "http"}}],
                             "ServiceDiscovery": {"DNS": {"Hostname": {"Fn::Sub": "${Name}.local"}}}}}}}]
        },
        "Outputs": {"Fn::ForEach::Arns": ["Name", {"Ref": "Names"}, {"Arn${Name}": {
            "Value": {"Fn::GetAtt": [{"Fn::Sub": "Node${Name}"}, "VirtualNodeName"]},
            "Export": {"Name": {"Fn::Sub": "${Mesh.MeshName}-${Name}"}}}}]}
    })
}

#[test]
fn resources_in_loops_are_migrated() {
    let migration = migrated(&[stack("mesh", &looping_stack())], &Options::default());
    let names: Vec<&str> = migration.resources.keys().map(|path| path.name.as_str()).collect();
    assert_eq!(
        names.iter().filter(|name| ["blue", "green"].contains(name)).count(),
        2,
        "{names:?}"
    );
    let text = migration.templates["mesh"].to_document().to_string();
    assert!(
        !text.contains("AWS::AppMesh") && !text.contains("Fn::ForEach"),
        "{text}"
    );
    assert!(text.contains("demo-green") && !text.contains("Mesh.MeshName"), "{text}");
    let line = migration
        .changes
        .iter()
        .map(ToString::to_string)
        .find(|line| line.contains("Fn::ForEach"));
    assert!(line.is_some_and(|line| line.starts_with("~ mesh/Resources (Fn::ForEach): carried out")));

    let mut unknown = looping_stack();
    unknown["Parameters"]["Names"]
        .as_object_mut()
        .expect("an object")
        .remove("Default");
    let errors = migrate(&[stack("mesh", &unknown)], &Options::default()).expect_err("an unknown collection");
    assert!(
        errors
            .to_string()
            .contains("the collection of Fn::ForEach must be known here"),
        "{errors}"
    );
}

#[test]
fn a_long_chain_of_conditions_is_followed() {
    let mut template = mesh_stack();
    let conditions = (0..20_000).map(|number| {
        let condition = match number {
            19_999 => json!({"Fn::Equals": [{"Ref": "AWS::StackName"}, "x"]}),
            _ => json!({"Fn::Or": [true, {"Condition": format!("C{}", number + 1)}]}),
        };
        (format!("C{number}"), condition)
    });
    template["Conditions"] = conditions.collect();
    template["Resources"]["Blue"]["Properties"]["Spec"]["Listeners"] = json!({"Fn::If": ["C0", [], []]});
    // It ends, with or without an error: conditions that are nested too deeply are one.
    let _outcome = migrate(&[stack("mesh", &template)], &Options::default());
}
