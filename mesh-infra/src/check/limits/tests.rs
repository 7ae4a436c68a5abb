//! Names at their limits and beyond.

use cfn::Template;
use serde_json::json;

use super::*;

fn errors_of(kind: &str, properties: Json) -> String {
    let mut template = Template::default();
    template
        .resources
        .insert("X".to_owned(), Resource::new(kind, properties));
    let mut diagnostics = Diagnostics::new();
    check(&template, &mut diagnostics);
    diagnostics.to_string()
}

#[test]
fn names_are_checked_for_length_and_characters() {
    for (kind, properties, expected) in [
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            json!({"Name": "x".repeat(32)}),
            "",
        ),
        (
            "AWS::ElasticLoadBalancingV2::TargetGroup",
            json!({"Name": "blue_green"}),
            "Resources.X.Properties.Name: is `blue_green`; allowed are 1 to 32 of a-z, A-Z, 0-9 and -, with a letter or \
             digit at both ends",
        ),
        (
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            json!({"Name": "internal-x"}),
            "Resources.X.Properties.Name: is `internal-x`; the prefix internal- is reserved by AWS",
        ),
        (
            "AWS::Logs::LogGroup",
            json!({"LogGroupName": {"Fn::Sub": "/a/${AWS::StackName}/b"}}),
            "",
        ),
        (
            "AWS::Logs::LogGroup",
            json!({"LogGroupName": {"Fn::Sub": "/${A}/ü"}, "RetentionInDays": 8}),
            "Resources.X.Properties.LogGroupName: is `/${A}/ü`; allowed are 1 to 512 of a-z, A-Z, 0-9, ., -, _, / and #\n\
             Resources.X.Properties.RetentionInDays: is 8; CloudWatch Logs allows 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, \
             180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653",
        ),
        (
            "AWS::IAM::Role",
            json!({"Policies": [{"PolicyName": "a"}, {"PolicyName": "a/b", "PolicyDocument": "x".repeat(10_239)}]}),
            "Resources.X.Properties.Policies[1].PolicyName: is `a/b`; allowed are 1 to 128 of a-z, A-Z, 0-9, _, +, =, ,, \
             ., @ and -\n\
             Resources.X.Properties.Policies: have 10241 characters; the policies of a role have at most 10240 together",
        ),
        (
            "AWS::EC2::SecurityGroup",
            json!({"GroupDescription": "it's", "SecurityGroupIngress": {"Fn::If": ["A", [], []]}}),
            "Resources.X.Properties.GroupDescription: is `it's`; allowed are 1 to 255 of a-z, A-Z, 0-9, spaces and \
             ._-:/()#,@[]+=&;{}!$*",
        ),
        ("AWS::ECS::Service", json!({"ServiceName": {"Ref": "Name"}}), ""),
    ] {
        assert_eq!(errors_of(kind, properties), expected);
    }
}

#[test]
fn task_definitions_have_a_maximum_size() {
    let containers: Vec<Json> = (0..11)
        .map(|_| json!({"Name": "x", "Command": ["y".repeat(6000)]}))
        .collect();
    let errors = errors_of("AWS::ECS::TaskDefinition", json!({"ContainerDefinitions": containers}));
    let lines: Vec<&str> = errors.lines().collect();
    assert!(lines[0].contains("a task definition has at most 65536"), "{errors}");
    assert_eq!(
        lines[1],
        "Resources.X.Properties.ContainerDefinitions: has 11 containers; a task has at most 10"
    );
}
