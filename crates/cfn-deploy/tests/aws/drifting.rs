//! Drift detection.

use cfn_deploy::DeploymentInput;
use serde_json::json;

use crate::connection::Response;
use crate::fixture::{AccountFixture, deploy, ready_change_set, ssm_parameter, template};

#[tokio::test]
async fn changed_and_deleted_resources_are_found_and_unsupported_ones_named() {
    let account = AccountFixture::new();
    let environment = account.environment();
    assert_eq!(environment.detect_drift("shop").await.unwrap(), None);
    let document = json!({
        "A": ssm_parameter("/a", "1"),
        "B": ssm_parameter("/b", "1"),
        "Gone": ssm_parameter("/gone", "1"),
        "Cluster": {"Type": "AWS::ECS::Cluster"},
    });
    let input = DeploymentInput::new("shop", template(&document));
    deploy(&environment, &input).await.unwrap();
    let same = environment.detect_drift("shop").await.unwrap().unwrap();
    assert!(same.is_empty(), "{same:?}");
    assert_eq!(same.unsupported, ["Cluster (AWS::ECS::Cluster)"]);

    let value = json!({"Name": "/a", "Value": "2", "Overwrite": true});
    account.call_json("ssm", "AmazonSSM.PutParameter", &value).await;
    account
        .call_json("ssm", "AmazonSSM.DeleteParameter", &json!({"Name": "/gone"}))
        .await;
    let drift = environment.detect_drift("shop").await.unwrap().unwrap();
    assert_eq!(
        drift.to_string(),
        "[~] AWS::SSM::Parameter A (/a)\n    [~] Value: 1 → 2\n[-] AWS::SSM::Parameter Gone (/gone)\n"
    );
}

#[tokio::test]
async fn a_stack_in_review_has_no_drift_and_a_partial_detection_has_its_reason() {
    let account = AccountFixture::new();
    let failing = |request: &crate::connection::RecordedRequest| {
        let result = "<StackId>1</StackId><StackDriftDetectionId>1</StackDriftDetectionId>\
                      <DetectionStatus>DETECTION_FAILED</DetectionStatus>\
                      <DetectionStatusReason>Rate exceeded</DetectionStatusReason><Timestamp>2026-11-30T00:00:00Z</Timestamp>";
        let action = "DescribeStackDriftDetectionStatus";
        (request.action == action).then(|| Response::xml(action, result))
    };
    let (environment, _) = account.scripted(failing);
    let input = DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", "1")})));
    let in_review = ready_change_set(&environment, &input).await;
    assert_eq!(environment.detect_drift("shop").await.unwrap(), None);
    in_review.execute(&mut ()).await.unwrap();
    let drift = environment.detect_drift("shop").await.unwrap().unwrap();
    assert_eq!(drift.unknown, ["some resources: Rate exceeded"]);
}
