//! Security review of pairs of templates.

use serde_json::{Value as Json, json};

use super::*;

fn template(resources: Json) -> Template {
    let document = json!({
        "Parameters": {"Allowed": {"Type": "String"}},
        "Conditions": {"Open": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Allowed"}, ""]}]}},
        "Resources": resources,
    });
    Template::from_json(&document.to_string()).expect("a template")
}

fn statements(resources: Json, allowed: &str) -> Vec<String> {
    let (template, parameters) = (template(resources), allowing(allowed));
    let side = TemplateVersion {
        template: &template,
        parameters: &parameters,
    };
    security_changes(None, side).iter().map(ToString::to_string).collect()
}

fn allowing(allowed: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("Allowed".to_owned(), allowed.to_owned())])
}

fn resource(kind: &str, properties: Json) -> Json {
    json!({"X": {"Type": kind, "Properties": properties}})
}

#[test]
fn resources_are_rendered_as_statements() {
    let rule = json!({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"});
    let inner = json!({"IpProtocol": -1, "SourceSecurityGroupId": {"Fn::GetAtt": ["Web", "GroupId"]}});
    let rows: [(&str, Json, &[&str]); 18] = [
        (
            "AWS::EC2::SecurityGroup",
            json!({"SecurityGroupIngress": [rule, inner]}),
            &[
                "+ security group `X` lets 0.0.0.0/0 in at TCP port 80",
                "+ security group `X` lets security group `Web` in at all ports",
                "+ security group `X` lets out to 0.0.0.0/0 at all ports",
            ],
        ),
        (
            "AWS::EC2::SecurityGroupIngress",
            json!({"GroupId": {"Ref": "Web"}, "IpProtocol": "udp", "FromPort": 1, "ToPort": 9, "CidrIp": {"Ref": "Allowed"}}),
            &["+ security group `Web` lets 203.0.113.7/32 in at UDP ports 1 to 9"],
        ),
        (
            "AWS::EC2::SecurityGroup",
            json!({"SecurityGroupEgress": [{"IpProtocol": "tcp", "CidrIp": "10.0.0.0/8", "FromPort": 0, "ToPort": 65535}]}),
            &["+ security group `X` lets out to 10.0.0.0/8 at all TCP ports"],
        ),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            json!({}),
            &["+ load balancer `X` has a public address"],
        ),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            json!({"Scheme": "internal"}),
            &[],
        ),
        (
            "AWS::ElasticLoadBalancingV2::Listener",
            json!({"LoadBalancerArn": {"Ref": "Lb"}, "Port": 80, "Protocol": "TCP"}),
            &["+ internet-facing load balancer `Lb` listens on TCP port 80"],
        ),
        (
            "AWS::ECS::Service",
            json!({"NetworkConfiguration": {"AwsvpcConfiguration": {
                "AssignPublicIp": "ENABLED", "SecurityGroups": [{"Fn::GetAtt": "Web.GroupId"}]}}}),
            &[
                "+ tasks of service `X` have public addresses",
                "+ service `X` is in security group `Web`",
            ],
        ),
        (
            "AWS::EC2::Subnet",
            json!({"MapPublicIpOnLaunch": true}),
            &["+ instances in subnet `X` get public addresses"],
        ),
        (
            "AWS::EC2::Route",
            json!({"RouteTableId": {"Ref": "T"}, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": {"Ref": "Igw"}}),
            &["+ route table `T` sends 0.0.0.0/0 through `Igw`"],
        ),
        (
            "AWS::IAM::Role",
            json!({
                "AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
                    "Principal": {"Service": "ecs-tasks.amazonaws.com"}}},
                "ManagedPolicyArns": ["arn:aws:iam::aws:policy/P"],
                "Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": [
                    {"Effect": "Allow", "Action": ["ssm:GetParametersByPath"],
                     "Resource": {"Fn::Sub": "arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/m/*"}},
                    {"Effect": "Deny", "Action": "*", "Resource": "*",
                     "Condition": {"StringEquals": {"aws:RequestedRegion": ["a", "b"]}}}]}}],
            }),
            &[
                "+ role `X` may be assumed by ecs-tasks.amazonaws.com",
                "+ role `X` may ssm:GetParametersByPath on arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/m/*",
                "+ role `X` may not do everything on everything, if aws:RequestedRegion StringEquals a or b",
                "+ role `X` has the managed policy arn:aws:iam::aws:policy/P",
            ],
        ),
        (
            "AWS::IAM::Policy",
            json!({"Roles": [{"Ref": "TaskRole"}], "PolicyDocument": {"Statement": [
                {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:x"}]}}),
            &["+ role `TaskRole` may do everything but iam:* on everything but arn:x"],
        ),
        (
            "AWS::S3::BucketPolicy",
            json!({"Bucket": "b", "PolicyDocument": {"Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]}}),
            &["+ any principal may s3:GetObject on b"],
        ),
        (
            "AWS::ECS::TaskDefinition",
            json!({"TaskRoleArn": {"Fn::GetAtt": ["TaskRole", "Arn"]}}),
            &["+ tasks of `X` act as role `TaskRole`"],
        ),
        ("AWS::EC2::EIP", json!({}), &["+ `X` is a public address"]),
        (
            "AWS::ECS::Service",
            json!({"EnableExecuteCommand": true}),
            &["+ principals with ecs:ExecuteCommand get a shell in tasks of service `X`"],
        ),
        (
            "AWS::CloudFormation::Stack",
            json!({}),
            &["+ nested stack `X` may create any resource, including roles"],
        ),
        (
            "AWS::SSM::Parameter",
            json!({"Type": "String", "Value": "0.0.0.0/0"}),
            &[],
        ),
        ("AWS::Logs::LogGroup", json!({"RetentionInDays": 7}), &[]),
    ];
    for (kind, properties, expected) in rows {
        assert_eq!(
            statements(resource(kind, properties), "203.0.113.7/32"),
            expected,
            "{kind}"
        );
    }
}

#[test]
fn rules_disabled_by_a_condition_are_omitted() {
    let rule = json!({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": {"Ref": "Allowed"}});
    let rules = json!([{"Fn::If": ["Open", rule, {"Ref": "AWS::NoValue"}]}]);
    let group = resource("AWS::EC2::SecurityGroup", json!({"SecurityGroupIngress": rules}));
    let out = "+ security group `X` lets out to 0.0.0.0/0 at all ports";
    assert_eq!(statements(group.clone(), ""), [out]);
    let open = "+ security group `X` lets 10.0.0.0/8 in at TCP port 80";
    assert_eq!(statements(group, "10.0.0.0/8"), [open, out]);
    let mut conditional = resource("AWS::EC2::EIP", json!({}));
    conditional["X"]["Condition"] = "Open".into();
    assert_eq!(statements(conditional.clone(), ""), [""; 0]);
    assert_eq!(statements(conditional, "x"), ["+ `X` is a public address"]);
}

#[test]
fn a_parameter_that_opens_a_port_is_a_change() {
    let ingress = json!({"GroupId": {"Ref": "Web"}, "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": {"Ref": "Allowed"}});
    let template = template(resource("AWS::EC2::SecurityGroupIngress", ingress));
    let (old, new) = (allowing("192.0.2.1/32"), allowing("0.0.0.0/0"));
    let side = |parameters| TemplateVersion {
        template: &template,
        parameters,
    };
    let changes = security_changes(Some(side(&old)), side(&new));
    let lines: Vec<_> = changes.iter().map(ToString::to_string).collect();
    let expected = [
        "+ security group `Web` lets 0.0.0.0/0 in at TCP port 80",
        "- security group `Web` lets 192.0.2.1/32 in at TCP port 80",
    ];
    assert_eq!(lines, expected);
    assert!(
        changes
            .iter()
            .all(|change| change.area == Area::Network && change.logical_id == "X")
    );
    assert!(security_changes(Some(side(&old)), side(&old)).is_empty());
}

#[test]
fn values_are_rendered_as_far_as_they_are_known() {
    let (template, parameters) = (template(json!({})), allowing("10.0.0.0/8"));
    let renderer = Renderer::new(TemplateVersion {
        template: &template,
        parameters: &parameters,
    });
    let rows = [
        (json!("as it is"), "as it is"),
        (json!({"Ref": "Allowed"}), "10.0.0.0/8"),
        (json!({"Ref": "AWS::Region"}), "${AWS::Region}"),
        (json!({"Fn::GetAtt": ["Role", "Arn"]}), "${Role.Arn}"),
        (json!({"Fn::GetAtt": "Role.Arn"}), "${Role.Arn}"),
        (
            json!({"Fn::Sub": "${Allowed} and ${AWS::Region}"}),
            "10.0.0.0/8 and ${AWS::Region}",
        ),
        (
            json!({"Fn::Sub": ["${A}-${B}", {"A": "a", "B": {"Ref": "Allowed"}}]}),
            "a-10.0.0.0/8",
        ),
        (
            json!({"Fn::Join": [":", ["arn", {"Ref": "AWS::Partition"}, "ssm"]]}),
            "arn:${AWS::Partition}:ssm",
        ),
        (json!({"Fn::ImportValue": "vpc"}), "the import `vpc`"),
        (json!(["a", {"Ref": "Allowed"}]), "a, 10.0.0.0/8"),
        (json!({"Fn::Select": [0, ["a"]]}), "a"),
        (
            json!({"Fn::Select": [0, {"Ref": "Zones"}]}),
            r#"{"Fn::Select":[0,{"Ref":"Zones"}]}"#,
        ),
    ];
    for (value, expected) in rows {
        assert_eq!(renderer.render(&value), expected, "{value}");
    }
}

#[test]
fn conditions_are_decided_only_by_known_values() {
    let is = |value: &str| json!({"Fn::Equals": [{"Ref": "Allowed"}, value]});
    let unknown = json!({"Fn::Equals": [{"Ref": "AWS::Region"}, "x"]});
    let rows = [
        (is("x"), Some(true)),
        (is("y"), Some(false)),
        (unknown.clone(), None),
        (json!({"Fn::Not": [is("x")]}), Some(false)),
        (json!({"Fn::And": [is("x"), is("x")]}), Some(true)),
        (json!({"Fn::And": [is("x"), is("y")]}), Some(false)),
        (json!({"Fn::And": [is("x"), unknown.clone()]}), None),
        (json!({"Fn::Or": [is("y"), is("x")]}), Some(true)),
        (json!({"Fn::Or": [is("y"), unknown]}), None),
        (json!({"Condition": "Open"}), Some(true)),
        (json!({"Condition": "Round"}), None),
        (json!({"Condition": "Missing"}), None),
    ];
    for (condition, expected) in rows {
        let mut template = template(json!({}));
        template.conditions.insert("Asked".to_owned(), condition.clone());
        template
            .conditions
            .insert("Round".to_owned(), json!({"Condition": "Round"}));
        let parameters = allowing("x");
        let renderer = Renderer::new(TemplateVersion {
            template: &template,
            parameters: &parameters,
        });
        assert_eq!(renderer.condition("Asked"), expected, "{condition}");
    }
}
