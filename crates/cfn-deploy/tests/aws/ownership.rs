//! Stacks of the same name that belong to another app, or to another tool.

use cfn_deploy::{ChangeSetOutcome, DeploymentInput, ErrorKind};
use serde_json::json;

use crate::failing::assert_readable;
use crate::fixture::{AccountFixture, deploy, ready_change_set, ssm_parameter, template};

const TAG: &str = "meshwright:app";

fn input(value: &str) -> DeploymentInput {
    DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", value)})))
}

#[tokio::test]
async fn a_stack_of_another_owner_is_not_updated_without_consent() {
    for (first, expected) in [
        (
            input("1"),
            "was not created by this tool: it lacks the tag `meshwright:app`",
        ),
        (
            input("1").with_tag(TAG, "billing"),
            "belongs to app `billing` (tag `meshwright:app`), not to `shop`",
        ),
    ] {
        let account = AccountFixture::new();
        let environment = account.environment();
        deploy(&environment, &first).await.unwrap();
        let ours = input("2").with_owner_tag(TAG, "shop");
        for error in [
            environment.create_change_set(&ours).await.unwrap_err(),
            environment.check_stack_owner("shop", TAG, "shop").await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Foreign);
            assert!(error.to_string().contains(expected), "{error}");
            assert_readable(&error);
        }
        assert_eq!(account.change_sets("shop").await, [""; 0]);

        // With consent it is updated, and is ours from then on.
        let adopting = ours.clone().adopting(true);
        let comparison = environment.compare(&adopting).await.unwrap();
        assert_eq!(comparison.adopted_from.as_deref(), Some(expected));
        let change_set = ready_change_set(&environment, &adopting).await;
        assert_eq!(change_set.adopted_from(), Some(expected));
        change_set.execute(&mut ()).await.unwrap();
        let comparison = environment.compare(&adopting).await.unwrap();
        assert_eq!(comparison.adopted_from, None);
        let again = environment.create_change_set(&ours).await.unwrap();
        assert!(matches!(again, ChangeSetOutcome::NoChanges(_)), "{again:?}");
        environment.check_stack_owner("shop", TAG, "shop").await.unwrap();
    }
}

#[tokio::test]
async fn a_new_stack_and_one_of_the_same_owner_are_deployed() {
    let account = AccountFixture::new();
    let environment = account.environment();
    environment.check_stack_owner("shop", TAG, "shop").await.unwrap();
    for value in ["1", "2"] {
        deploy(&environment, &input(value).with_owner_tag(TAG, "shop"))
            .await
            .unwrap();
    }
}
