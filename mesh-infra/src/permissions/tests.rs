//! Policies of small templates.

use cfn::Template;
use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::*;

fn stacks(resources: Json) -> IndexMap<String, Template> {
    let template = Template::from_json(&json!({"Resources": resources}).to_string()).expect("a template");
    IndexMap::from([("shop".to_owned(), template)])
}

/// The resources on which a policy allows an action, and the condition.
fn allowed(policy: &Json, action: &str) -> Vec<(Vec<String>, Json)> {
    let statements = policy["Statement"].as_array().expect("statements");
    let with_action = statements.iter().filter(|statement| {
        let mut actions = statement["Action"].as_array().expect("actions").iter();
        actions.any(|allowed| allowed == action)
    });
    with_action
        .map(|statement| {
            let resources = statement["Resource"].as_array().expect("resources");
            let resources = resources.iter().map(|arn| arn.as_str().expect("an ARN").to_owned());
            (resources.collect(), statement["Condition"].clone())
        })
        .collect()
}

fn service_role(stacks: &IndexMap<String, Template>) -> Json {
    let deployment = Deployment::new(stacks)
        .with_account("111122223333")
        .with_region("eu-west-1");
    deployment.service_role_policy().expect("a policy")
}

#[test]
fn resources_with_known_names_are_allowed_by_name() {
    let policy = service_role(&stacks(json!({
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Sub": "/shop/${AWS::StackName}/api"}}},
        "Weight": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/meshwright/demo/virtualNode/blue", "Value": "1"}},
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "Api": {"Type": "AWS::ECS::Service", "Properties": {"ServiceName": "api"}},
    })));
    let region = json!({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}});
    for (action, resources, condition) in [
        (
            "logs:CreateLogGroup",
            &[
                "arn:aws:logs:eu-west-1:111122223333:log-group:/shop/shop/api",
                "arn:aws:logs:eu-west-1:111122223333:log-group:/shop/shop/api:*",
            ][..],
            Json::Null,
        ),
        ("logs:DescribeLogGroups", &["*"], region.clone()),
        (
            "ssm:PutParameter",
            &[
                "arn:aws:ssm:eu-west-1:111122223333:parameter/meshwright/demo",
                "arn:aws:ssm:eu-west-1:111122223333:parameter/meshwright/demo/*",
            ],
            Json::Null,
        ),
        ("ecs:CreateCluster", &["*"], region),
        (
            "ecs:DeleteCluster",
            &["arn:aws:ecs:eu-west-1:111122223333:cluster/shop-*"],
            Json::Null,
        ),
    ] {
        let resources: Vec<String> = resources.iter().map(|arn| (*arn).to_owned()).collect();
        assert_eq!(allowed(&policy, action), [(resources, condition)], "{action}");
    }
    let (services, _) = &allowed(&policy, "ecs:UpdateService")[0];
    assert!(services.contains(&"arn:aws:ecs:eu-west-1:111122223333:service/*/api".to_owned()));
}

#[test]
fn roles_are_created_with_their_boundary_and_passed_to_tasks_only() {
    let role = |boundary: Json| {
        json!({"Type": "AWS::IAM::Role", "Properties": {
            "AssumeRolePolicyDocument": {}, "Path": "/mesh/", "PermissionsBoundary": boundary
        }})
    };
    let boundary = "arn:aws:iam::111122223333:policy/boundary";
    let roles = vec!["arn:aws:iam::111122223333:role/mesh/shop-*".to_owned()];
    let same = service_role(&stacks(
        json!({"One": role(json!(boundary)), "Two": role(json!(boundary))}),
    ));
    let condition = json!({"ArnLike": {"iam:PermissionsBoundary": boundary}});
    assert_eq!(allowed(&same, "iam:CreateRole"), [(roles.clone(), condition)]);
    let condition = json!({"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}});
    assert_eq!(allowed(&same, "iam:PassRole"), [(roles.clone(), condition)]);
    let different = service_role(&stacks(json!({"One": role(json!(boundary)), "Two": role(Json::Null)})));
    assert_eq!(allowed(&different, "iam:CreateRole"), [(roles, Json::Null)]);
    // A name that is joined with what only CloudFormation knows.
    let mut named = role(Json::Null);
    named["Properties"]["RoleName"] = json!({"Fn::Join": ["-", ["mesh-Task", {"Ref": "AWS::StackId"}]]});
    let (names, _) = &allowed(&service_role(&stacks(json!({"Task": named}))), "iam:GetRole")[0];
    assert_eq!(names, &["arn:aws:iam::111122223333:role/mesh/mesh-Task-*"]);
    named["Properties"]["RoleName"] = json!({"Ref": "Name"});
    let stacks = stacks(json!({"Task": named}));
    let error = Deployment::new(&stacks).service_role_policy().unwrap_err();
    assert_eq!(error, PolicyError::UnknownRoleNames(vec!["Task".to_owned()]));
}

#[test]
fn a_deployer_with_a_service_role_can_pass_it_and_change_nothing_else() {
    let stacks = stacks(json!({
        "Mesh": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/meshwright/demo", "Value": "{}"}},
    }));
    let arn = "arn:aws:iam::111122223333:role/cloudformation";
    let deployment = Deployment::new(&stacks)
        .with_account("111122223333")
        .with_region("eu-west-1");
    let with_role = DeployerRole::WithServiceRole(arn.to_owned());
    let policy = deployment.deployer_policy(&with_role).expect("a policy");
    let condition = json!({"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}});
    assert_eq!(allowed(&policy, "iam:PassRole"), [(vec![arn.to_owned()], condition)]);
    let stack = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/*";
    assert_eq!(
        allowed(&policy, "cloudformation:ExecuteChangeSet"),
        [(vec![stack.to_owned()], Json::Null)]
    );
    let writes = allowed(&policy, "ssm:PutParameter");
    let rollout = "arn:aws:ssm:eu-west-1:111122223333:parameter/meshwright-rollout/shop";
    let state_and_lock = vec![rollout.to_owned(), format!("{rollout}.lock")];
    assert_eq!(writes, [(state_and_lock, Json::Null)]);
    let reads = format!("{:?}", allowed(&policy, "ssm:GetParametersByPath"));
    for prefix in ["meshwright", "meshwright-status", "meshwright-revision"] {
        let path = format!("parameter/{prefix}/demo");
        assert!(
            reads.contains(&format!("{path}\"")) && reads.contains(&format!("{path}/*\"")),
            "{path}: {reads}"
        );
    }

    let without = deployment
        .deployer_policy(&DeployerRole::WithoutServiceRole)
        .expect("a policy");
    assert_eq!(allowed(&without, "ssm:PutParameter").len(), 2);
    assert!(allowed(&without, "iam:PassRole").is_empty());
}

#[test]
fn partitions_follow_the_region() {
    let stacks = stacks(json!({"Cluster": {"Type": "AWS::ECS::Cluster"}}));
    for (region, partition) in [
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-east-1", "aws"),
    ] {
        let policy = Deployment::new(&stacks)
            .with_region(region)
            .service_role_policy()
            .expect("a policy");
        let (clusters, _) = &allowed(&policy, "ecs:DeleteCluster")[0];
        assert_eq!(clusters, &[format!("arn:{partition}:ecs:{region}:*:cluster/shop-*")]);
    }
    let policy = Deployment::new(&stacks).service_role_policy().expect("a policy");
    assert_eq!(
        allowed(&policy, "ecs:CreateCluster"),
        [(vec!["*".to_owned()], Json::Null)]
    );
}

#[test]
fn unknown_types_are_named() {
    let stacks = stacks(json!({"Queue": {"Type": "AWS::SQS::Queue"}, "Stream": {"Type": "AWS::Kinesis::Stream"}}));
    let error = Deployment::new(&stacks).service_role_policy().unwrap_err();
    assert_eq!(
        error.to_string(),
        "no IAM actions are known for AWS::Kinesis::Stream, AWS::SQS::Queue; write these statements yourself, with the \
         actions in the schema of the resource type (`aws cloudformation describe-type --type RESOURCE --type-name \
         AWS::Kinesis::Stream`)"
    );
}
