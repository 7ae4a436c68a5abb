//! Comparisons, which change nothing and leave nothing behind.

use cfn_deploy::{DeploymentInput, Replacement};
use serde_json::json;

use crate::fixture::{AccountFixture, deploy, ssm_parameter, template};

#[tokio::test]
async fn comparing_a_missing_stack_creates_nothing() {
    let account = AccountFixture::new();
    let (environment, calls) = account.scripted(|_| None);
    let input = DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", "1")})));
    let comparison = environment.compare(&input).await.unwrap();
    assert_eq!(comparison.status, None);
    assert!(!comparison.is_empty());
    assert!(
        comparison.diff.to_string().contains("[+] AWS::SSM::Parameter A"),
        "{}",
        comparison.diff
    );
    assert_eq!(comparison.changes, Ok(Vec::new()));
    assert!(!calls.lock().unwrap().contains_key("CreateChangeSet"));
    assert_eq!(account.counts().await["stacks"], 0);
}

#[tokio::test]
async fn a_comparison_lists_replacements_and_deletes_its_change_set() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let before = DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", "1")})));
    deploy(&environment, &before).await.unwrap();
    let same = environment.compare(&before).await.unwrap();
    assert!(same.is_empty(), "{same:?}");

    let after = DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/b", "1")})));
    let comparison = environment.compare(&after).await.unwrap();
    assert!(!comparison.is_empty());
    let changes = comparison.changes.unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].replacement, Replacement::Always);
    assert_eq!(changes[0].replaced_because_of, ["Name"]);
    assert_eq!(account.change_sets("shop").await, [""; 0]);
    let deployed = environment.deployed("shop").await.unwrap().unwrap();
    assert_eq!(deployed.template().unwrap(), *before.template());
}
