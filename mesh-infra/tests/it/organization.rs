//! Rules of an organization: permission boundary, role paths and names, tags.

use mesh_infra::{Resource, Service, Stack, TaskDefinition, Template};
use serde_json::{Value as Json, json};

use crate::deployable::{app, deployable, fixture, node, service};
use crate::lint::accepted_by_cfn_lint;

const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/Boundary";

fn synth(stack: &Stack) -> Template {
    let template = stack.synth().unwrap_or_else(|errors| panic!("{errors}"));
    accepted_by_cfn_lint(&template);
    template
}

fn of_kind<'t>(template: &'t Template, kind: &'t str) -> impl Iterator<Item = (&'t String, &'t Json)> {
    let resources = template
        .resources
        .iter()
        .filter(move |(_, resource)| resource.kind == kind);
    resources.map(|(id, resource)| (id, &resource.properties))
}

#[test]
fn every_role_has_the_boundary_the_path_and_a_name() {
    let mut stack = deployable()
        .with_permission_boundary(BOUNDARY)
        .with_role_path("/mesh/")
        .with_role_name_prefix("mesh-");
    let own = json!({
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]},
        "Path": "/own/",
        "RoleName": "own"
    });
    stack.add("Own", Resource::new("AWS::IAM::Role", own));
    let template = synth(&stack);
    let roles: Vec<_> = of_kind(&template, "AWS::IAM::Role").collect();
    assert!(roles.len() >= 4, "{}", roles.len());
    for (id, properties) in roles {
        assert_eq!(properties["PermissionsBoundary"], BOUNDARY, "{id}");
        if id == "Own" {
            assert_eq!(
                (&properties["Path"], &properties["RoleName"]),
                (&json!("/own/"), &json!("own"))
            );
            continue;
        }
        assert_eq!(properties["Path"], "/mesh/", "{id}");
        let uuid = json!({"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]});
        let digits = json!({"Fn::Select": [0, {"Fn::Split": ["-", uuid]}]});
        assert_eq!(
            properties["RoleName"],
            json!({"Fn::Join": ["-", [format!("mesh-{id}"), digits]]})
        );
    }
}

#[test]
fn roles_are_unchanged_by_default() {
    for (id, properties) in of_kind(&deployable().synth().unwrap(), "AWS::IAM::Role") {
        for property in ["PermissionsBoundary", "Path", "RoleName", "Tags"] {
            assert_eq!(properties.get(property), None, "{id}.{property}");
        }
    }
}

#[test]
fn an_invalid_boundary_path_or_name_is_reported() {
    let stack = deployable()
        .with_permission_boundary("arn:aws:iam::123456789012:role/Boundary")
        .with_role_path("mesh")
        .with_role_name_prefix("a-much-too-long-prefix-of-roles-in-an-account/");
    let errors = stack.synth().unwrap_err().to_string();
    for expected in [
        "PermissionBoundary: is `arn:aws:iam::123456789012:role/Boundary`; expected the ARN of a managed policy, such as \
         arn:aws:iam::123456789012:policy/NAME",
        "RolePath: is `mesh`; expected 1 to 512 printed ASCII characters without spaces, with / at both ends, such as /mesh/",
        "RoleNamePrefix: is `a-much-too-long-prefix-of-roles-in-an-account/`; allowed are a-z, A-Z, 0-9, _, +, =, ,, ., @ and \
         -, at least one",
        "Resources.BlueExecutionRole.Properties.RoleName: would have a name of 72 characters with the prefix \
         `a-much-too-long-prefix-of-roles-in-an-account/`; IAM allows 64; use a shorter prefix or id",
    ] {
        assert!(errors.contains(expected), "{expected}\nis not in\n{errors}");
    }
}

#[test]
fn every_resource_that_can_be_tagged_has_the_tags() {
    let mut stack = deployable().with_tag("team", "mesh").with_tag("cost-center", "1234");
    stack.add("Topic", Resource::new("AWS::SNS::Topic", json!({})));
    let template = synth(&stack);
    let tags = json!([{"Key": "team", "Value": "mesh"}, {"Key": "cost-center", "Value": "1234"}]);
    let mut untagged: Vec<&str> = Vec::new();
    for (id, resource) in &template.resources {
        let properties = &resource.properties;
        match resource.kind.as_str() {
            "AWS::SSM::Parameter" => {
                assert_eq!(
                    properties["Tags"],
                    json!({"team": "mesh", "cost-center": "1234"}),
                    "{id}"
                );
            }
            // They have names as well.
            kind if properties["Tags"].as_array().is_some_and(|own| own.len() == 3) => {
                assert!(kind.starts_with("AWS::EC2::"), "{id}");
            }
            _ if properties.get("Tags").is_some() => assert_eq!(properties["Tags"], tags, "{id}"),
            kind => untagged.push(kind),
        }
    }
    untagged.sort_unstable();
    untagged.dedup();
    assert_eq!(
        untagged,
        [
            "AWS::EC2::Route",
            "AWS::EC2::SubnetRouteTableAssociation",
            "AWS::EC2::VPCGatewayAttachment",
        ]
    );
    for (id, properties) in of_kind(&template, "AWS::ECS::Service") {
        assert_eq!(properties["PropagateTags"], "SERVICE", "{id}");
        assert_eq!(properties["EnableECSManagedTags"], true, "{id}");
    }
}

#[test]
fn own_tags_and_overrides_stay() {
    let mut stack = Stack::new("mesh").with_tag("team", "mesh");
    let fixture = fixture(&mut stack);
    let blue = stack.add("blue", node(&fixture, "blue", 80));
    stack.add("blue", service(&fixture, "blue", app(80)).with_virtual_node(&blue));
    stack.override_property("BlueService", "PropagateTags", "TASK_DEFINITION");
    stack.override_property("BlueService", "Tags", json!([{"Key": "team", "Value": "blue"}]));
    let template = synth(&stack);
    let blue = &template.resources["BlueService"].properties;
    assert_eq!(blue["PropagateTags"], "TASK_DEFINITION");
    assert_eq!(blue["Tags"], json!([{"Key": "team", "Value": "blue"}]));
}

#[test]
fn tags_that_aws_rejects_are_reported() {
    let stack = (0..50)
        .fold(deployable(), |stack, index| stack.with_tag(format!("key{index}"), ""))
        .with_tag("AWS:owner", "a")
        .with_tag("", "b")
        .with_tag("k".repeat(129), "v".repeat(257))
        .with_tag("team", "a\tb");
    let errors = stack.synth().unwrap_err().to_string();
    let long = "k".repeat(129);
    for expected in [
        "Tags: are 54; a resource has at most 50".to_owned(),
        "Tags.AWS:owner: begins with `aws:`, which is reserved by AWS; use another key".to_owned(),
        "Tags.: has a key of 0 characters; allowed are 1 to 128".to_owned(),
        format!("Tags.{long}: has a key of 129 characters; allowed are 1 to 128"),
        format!("Tags.{long}: has a value of 257 characters; allowed are at most 256"),
        "Tags.team: contains `\t`; allowed are letters, digits, spaces and _ . : / = + - @".to_owned(),
    ] {
        assert!(errors.contains(&expected), "{expected}\nis not in\n{errors}");
    }
}

#[test]
fn a_stack_without_tags_propagates_none() {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack);
    let plain = Service::new(&fixture.cluster, TaskDefinition::new(app(80))).with_network(&fixture.network);
    stack.add("app", plain);
    for (id, properties) in of_kind(&stack.synth().unwrap(), "AWS::ECS::Service") {
        assert_eq!(properties.get("PropagateTags"), None, "{id}");
        assert_eq!(properties.get("EnableECSManagedTags"), None, "{id}");
    }
}
