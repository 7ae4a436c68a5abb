//! Stacks in every status: what deploying, comparing and reading outputs report.

use aws_sdk_cloudformation::types::StackStatus;
use cfn_deploy::{Environment, ErrorKind};

use super::{SET, change_set, done, environment, input, stack, stored_template};
use crate::connection::Response;

/// A stack of this status with a failed resource, and an empty change set.
fn in_status(status: &str) -> Environment {
    let resources = "<StackResources><member><LogicalResourceId>Web</LogicalResourceId>\
                     <ResourceType>AWS::ECS::Service</ResourceType><ResourceStatus>UPDATE_FAILED</ResourceStatus>\
                     <ResourceStatusReason>The service is draining.</ResourceStatusReason>\
                     <Timestamp>2026-11-30T00:00:00Z</Timestamp></member><member>\
                     <LogicalResourceId>Vpc</LogicalResourceId><ResourceType>AWS::EC2::VPC</ResourceType>\
                     <ResourceStatus>CREATE_COMPLETE</ResourceStatus><Timestamp>2026-11-30T00:00:00Z</Timestamp></member>\
                     </StackResources>";
    let nothing = "The submitted information didn't contain changes.";
    environment(&[
        ("DescribeStacks", vec![stack(status)]),
        ("GetTemplate", vec![stored_template(input("1").template())]),
        (
            "DescribeStackResources",
            vec![Response::xml("DescribeStackResources", resources)],
        ),
        ("CreateChangeSet", vec![Response::xml("CreateChangeSet", SET)]),
        ("DescribeChangeSet", vec![change_set("FAILED", nothing, "", "")]),
        ("DeleteChangeSet", done("DeleteChangeSet")),
        ("ListChangeSets", done("ListChangeSets")),
        ("DeleteStack", done("DeleteStack")),
    ])
    .0
}

#[tokio::test]
async fn every_status_leads_to_a_result_or_to_one_message_with_the_next_step() {
    for status in StackStatus::values() {
        let environment = in_status(status);
        let deployed = environment.create_change_set(&input("1")).await;
        let is_rejected = status.ends_with("_IN_PROGRESS") && *status != "REVIEW_IN_PROGRESS"
            || matches!(
                *status,
                "ROLLBACK_COMPLETE"
                    | "ROLLBACK_FAILED"
                    | "UPDATE_ROLLBACK_FAILED"
                    | "DELETE_FAILED"
                    | "IMPORT_ROLLBACK_FAILED"
            );
        assert_eq!(deployed.is_err(), is_rejected, "{status}: {deployed:?}");
        let outputs = environment.outputs("shop").await;
        for error in [deployed.err(), outputs.err()].into_iter().flatten() {
            assert!(
                matches!(error.kind(), ErrorKind::Busy | ErrorKind::Blocked),
                "{status}: {error:?}"
            );
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("stack `shop` is in status {status}: "))
                    && text.contains("`aws cloudformation "),
                "{status}: {text}"
            );
            crate::failing::assert_readable(&error);
        }
        // A comparison has the template's differences in any case, and the reason why the rest is unknown.
        let compared = environment.compare(&input("1")).await.unwrap();
        assert_eq!(compared.changes.is_err(), is_rejected, "{status}: {compared:?}");
    }
}

#[tokio::test]
async fn a_rollback_that_is_stuck_names_its_resources_and_how_to_continue() {
    let error = in_status("UPDATE_ROLLBACK_FAILED")
        .create_change_set(&input("2"))
        .await
        .unwrap_err();
    let text = error.to_string();
    for expected in [
        "`aws cloudformation continue-update-rollback --stack-name shop --region us-east-1`",
        "`--resources-to-skip ID…` skips resources",
        "Failed: Web (AWS::ECS::Service) UPDATE_FAILED: The service is draining",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains("Vpc"), "{text}");
}
