//! Quotas before a deployment. MiniStack has no Service Quotas, so their responses are scripted.

use cfn_deploy::DeploymentInput;
use serde_json::json;

use crate::connection::{RecordedRequest, Response};
use crate::fixture::{AccountFixture, deploy, template};

fn input() -> DeploymentInput {
    input_of("shop")
}

fn input_of(stack: &str) -> DeploymentInput {
    let vpc = json!({"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}});
    DeploymentInput::new(
        stack,
        template(&json!({"Vpc": vpc, "Cluster": {"Type": "AWS::ECS::Cluster"}})),
    )
}

/// A default quota of 5, of which three are used, on two pages.
fn three_of_five(request: &RecordedRequest) -> Option<Response> {
    let vpcs = |count: usize| vec![json!({"Identifier": "vpc-1", "Properties": "{}"}); count];
    let (status, body) = match request.action.as_str() {
        "GetServiceQuota" => (400, json!({"__type": "NoSuchResourceException", "message": "none"})),
        "GetAWSDefaultServiceQuota" => (200, json!({"Quota": {"Value": 5.0}})),
        "ListResources" if request.body.contains("NextToken") => (200, json!({"ResourceDescriptions": vpcs(1)})),
        "ListResources" => (200, json!({"ResourceDescriptions": vpcs(2), "NextToken": "2"})),
        _ => return None,
    };
    Some(Response::json(status, &body.to_string()))
}

#[tokio::test]
async fn quotas_are_checked_for_what_a_deployment_adds() {
    let account = AccountFixture::new();
    let (environment, calls) = account.scripted(three_of_five);
    let check = environment.check_quotas(&[input()]).await.unwrap();
    assert_eq!((check.problems.len(), check.unchecked.len()), (0, 0), "{check:?}");
    assert_eq!(calls.lock().unwrap()["ListResources"], 2);

    let (full, _) = account.scripted(|request| match request.action.as_str() {
        "GetServiceQuota" => Some(Response::json(200, &json!({"Quota": {"Value": 3.0}}).to_string())),
        _ => three_of_five(request),
    });
    let check = full.check_quotas(&[input()]).await.unwrap();
    assert!(
        check.problems.len() == 1 && check.problems[0].contains("is 3, 3 exist and the deployment adds 1"),
        "{check:?}"
    );

    // Stacks of one deployment share the room: three exist, and two of three may be added.
    let inputs = ["a", "b", "c"].map(input_of);
    let check = environment.check_quotas(&inputs[..2]).await.unwrap();
    assert!(check.problems.is_empty(), "{check:?}");
    let check = environment.check_quotas(&inputs).await.unwrap();
    assert!(
        check.problems.len() == 1 && check.problems[0].contains("is 5, 3 exist and the deployment adds 3"),
        "{check:?}"
    );

    // A deployed stack adds nothing.
    deploy(&account.environment(), &input()).await.unwrap();
    let check = full.check_quotas(&[input()]).await.unwrap();
    assert!(check.problems.is_empty(), "{check:?}");
}

#[tokio::test]
async fn a_quota_that_may_not_be_read_is_unchecked() {
    let account = AccountFixture::new();
    let denied = json!({"__type": "AccessDeniedException", "message": "You may not."}).to_string();
    let (environment, _) =
        account.scripted(move |request| (request.action == "GetServiceQuota").then(|| Response::json(400, &denied)));
    let check = environment.check_quotas(&[input()]).await.unwrap();
    assert!(check.problems.is_empty(), "{check:?}");
    let text = &check.unchecked[0];
    assert!(
        text.starts_with("VPCs per Region (L-F678F1CE): servicequotas:GetServiceQuota for quota `VPCs per Region`")
            && text.ends_with("must allow `servicequotas:GetServiceQuota`"),
        "{text}"
    );
}
