//! Names at the ends of what is allowed, and beyond.

use super::*;
use serde_json::json;

fn diagnostics(kind: &str, properties: Json) -> String {
    let mut template = Template::default();
    template
        .resources
        .insert("X".to_owned(), Resource::new(kind, properties));
    let mut diagnostics = Diagnostics::new();
    check(&template, &mut diagnostics);
    diagnostics.to_string()
}

#[test]
fn names_are_judged_by_length_and_letters() {
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
            "Resources.X.Properties.Name: is `internal-x`; names that begin with internal- are AWS's own",
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
             Resources.X.Properties.Policies: have 10241 characters; allowed are 10240 for all policies within a role",
        ),
        (
            "AWS::EC2::SecurityGroup",
            json!({"GroupDescription": "it's", "SecurityGroupIngress": {"Fn::If": ["A", [], []]}}),
            "Resources.X.Properties.GroupDescription: is `it's`; allowed are 1 to 255 of a-z, A-Z, 0-9, spaces and \
             ._-:/()#,@[]+=&;{}!$*",
        ),
        ("AWS::ECS::Service", json!({"ServiceName": {"Ref": "Name"}}), ""),
    ] {
        assert_eq!(diagnostics(kind, properties), expected);
    }
}

#[test]
fn a_task_definition_has_an_end() {
    let containers: Vec<Json> = (0..11)
        .map(|_| json!({"Name": "x", "Command": ["y".repeat(6000)]}))
        .collect();
    let found = diagnostics("AWS::ECS::TaskDefinition", json!({"ContainerDefinitions": containers}));
    let lines: Vec<&str> = found.lines().collect();
    assert!(lines[0].contains("a task definition has at most 65536"), "{found}");
    assert_eq!(
        lines[1],
        "Resources.X.Properties.ContainerDefinitions: are 11; a task has at most 10"
    );
}
