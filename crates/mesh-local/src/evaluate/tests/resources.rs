//! Results of `Ref` and `Fn::GetAtt`, by resource type.

use super::*;

const ARN: &str = "arn:aws:appmesh:local:000000000000:mesh/demo-Mesh";

fn evaluated(value: &Json) -> Result<Json, String> {
    let template = json!({
        "Parameters": {
            "BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk-bootstrap/hnb659fds/version"},
            "Zones": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "a,b"}
        },
        "Resources": {
            "Mesh": {"Type": "AWS::AppMesh::Mesh"},
            "Node": {"Type": "AWS::AppMesh::VirtualNode", "Properties": {
                "MeshName": {"Fn::GetAtt": ["Mesh", "MeshName"]}, "VirtualNodeName": "blue"}},
            "ByArn": {"Type": "AWS::AppMesh::Route", "Properties": {
                "MeshName": {"Ref": "Mesh"},
                "VirtualRouterName": {"Fn::Sub": "${Mesh}/virtualRouter/split"}}},
            "Space": {"Type": "AWS::ServiceDiscovery::PrivateDnsNamespace", "Properties": {"Name": "ns"}},
            "Entry": {"Type": "AWS::ServiceDiscovery::Service", "Properties": {"Name": "blue"}},
            "Setting": {"Type": "AWS::SSM::Parameter", "Properties": {
                "Name": "/a/b", "Type": "String", "Value": {"Fn::Sub": "x-${Entry.Name}"}}},
            "Vpc": {"Type": "AWS::EC2::VPC"},
            "Role": {"Type": "AWS::IAM::Role"},
            "Door": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer"},
            "Odd": {"Type": "AWS::ECS::TaskSet"},
            "Own": {"Type": "Custom::Thing"},
            "Record": {"Type": "AWS::Route53::RecordSet", "Properties": {"Name": "db.local"}},
            "Images": {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "shop"}},
            "Subject": {"Type": "AWS::ECS::Service", "Properties": {"Value": value}}
        }
    });
    let (value, diagnostics) = with_stacks(&[("demo", template)], subject);
    if diagnostics.is_empty() {
        Ok(value)
    } else {
        Err(diagnostics)
    }
}

#[test]
fn resources_answer_as_on_aws() {
    for (value, expected) in [
        (json!({"Ref": "Mesh"}), json!(ARN)),
        (json!({"Fn::GetAtt": "Mesh.MeshName"}), json!("demo-Mesh")),
        (json!({"Ref": "Node"}), json!(format!("{ARN}/virtualNode/blue"))),
        (
            json!({"Fn::GetAtt": "Node.Arn"}),
            json!(format!("{ARN}/virtualNode/blue")),
        ),
        (json!({"Fn::GetAtt": "Node.VirtualNodeName"}), json!("blue")),
        (json!({"Fn::GetAtt": "Node.ResourceOwner"}), json!("000000000000")),
        (
            json!({"Ref": "ByArn"}),
            json!(format!("{ARN}/virtualRouter/split/route/demo-ByArn")),
        ),
        (json!({"Fn::GetAtt": "ByArn.MeshName"}), json!("demo-Mesh")),
        (json!({"Fn::GetAtt": "ByArn.VirtualRouterName"}), json!("split")),
        (json!({"Ref": "Space"}), json!("ns-demo-space")),
        (json!({"Fn::GetAtt": "Space.HostedZoneId"}), json!("zone-demo-space")),
        (json!({"Ref": "Entry"}), json!("srv-demo-entry")),
        (
            json!({"Fn::GetAtt": "Entry.Arn"}),
            json!("arn:aws:servicediscovery:local:000000000000:service/srv-demo-entry"),
        ),
        (json!({"Ref": "Setting"}), json!("/a/b")),
        (json!({"Fn::GetAtt": "Setting.Value"}), json!("x-blue")),
        (
            json!({"Ref": "BootstrapVersion"}),
            json!("/cdk-bootstrap/hnb659fds/version"),
        ),
        (json!({"Ref": "Zones"}), json!("a,b")),
        (json!({"Ref": "Record"}), json!("db.local")),
        (
            json!({"Fn::GetAtt": "Images.RepositoryUri"}),
            json!("000000000000.dkr.ecr.local.amazonaws.com/shop"),
        ),
    ] {
        assert_eq!(evaluated(&value), Ok(expected), "{value}");
    }
}

#[test]
fn what_is_not_simulated_answers_with_something_to_go_on_with() {
    for (value, expected) in [
        (json!({"Ref": "Vpc"}), json!("Vpc")),
        (json!({"Fn::GetAtt": "Vpc.CidrBlock"}), json!("Vpc.CidrBlock")),
        (
            json!({"Fn::Select": [5, {"Fn::Split": [":", {"Fn::GetAtt": "Role.Arn"}]}]}),
            json!("role/Role"),
        ),
        (
            json!({"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "Door"}]}]}),
            json!("demo-Door"),
        ),
        (json!({"Fn::GetAtt": "Own.Any.Thing"}), json!("Own.Any.Thing")),
    ] {
        assert_eq!(evaluated(&value), Ok(expected), "{value}");
    }
}

#[test]
fn attributes_that_do_not_exist_are_named() {
    assert_eq!(
        evaluated(&json!({"Fn::GetAtt": "Node.RouteName"})).unwrap_err(),
        "Resources.Subject.Properties.Value: `Node` is an AWS::AppMesh::VirtualNode, which has no attribute `RouteName` \
         here"
    );
    // Another test covers the unsupported type.
    assert_eq!(evaluated(&json!({"Ref": "Odd"})), Ok(unknown()));
}

#[test]
fn types_of_which_a_mesh_is_made_are_never_left_out() {
    for kind in [
        "AWS::ECS::TaskSet",
        "AWS::AppMesh::Thing",
        "AWS::ServiceDiscovery::PublicDnsNamespace",
    ] {
        assert!(is_unsupported(kind) && !is_not_simulated(kind), "{kind}");
    }
    for kind in [
        "AWS::S3::Bucket",
        "AWS::ECS::CapacityProvider",
        "AWS::CDK::Metadata",
        "Custom::X",
    ] {
        assert!(!is_unsupported(kind) && is_not_simulated(kind), "{kind}");
    }
    for kind in SIMULATED {
        assert!(!is_unsupported(kind) && !is_not_simulated(kind), "{kind}");
    }
}
