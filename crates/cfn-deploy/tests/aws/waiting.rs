//! Interrupted waits, and operations by other clients.

use std::time::Duration;

use cfn_deploy::{DeploymentInput, ErrorKind, WaitOutcome};
use serde_json::json;

use crate::fixture::{AccountFixture, deploy, ready_change_set, ssm_parameter, template, wait_condition};
use crate::recording_observer::RecordingObserver;

#[tokio::test]
async fn an_interrupted_wait_resumes_with_all_events() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let mut document = json!({"A": ssm_parameter("/a", "1"), "Gate": wait_condition(), "B": ssm_parameter("/b", "1")});
    document["Gate"]["DependsOn"] = json!("A");
    document["B"]["DependsOn"] = json!("Gate");
    let change_set = ready_change_set(&environment, &DeploymentInput::new("shop", template(&document))).await;
    let observer = RecordingObserver::new();
    let mut reporter = observer.clone();
    let waiting = tokio::spawn(async move { change_set.execute(&mut reporter).await });
    observer.wait_for("IN_PROGRESS Gate").await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());

    let observer = RecordingObserver::new();
    let (other, mut reporter) = (environment.clone(), observer.clone());
    let resumed = tokio::spawn(async move { other.wait("shop", &mut reporter).await });
    observer.wait_for("CREATE_COMPLETE A").await;
    account.signal("shop", "Gate", true).await;
    let outcome = resumed.await.unwrap().unwrap();
    assert!(matches!(outcome, WaitOutcome::Deployed(_)), "{outcome:?}");
    let lines = observer.lines();
    assert_eq!(lines.first().map(String::as_str), Some("CREATE_IN_PROGRESS shop"));
    assert_eq!(lines.last().map(String::as_str), Some("CREATE_COMPLETE shop"));

    // No operation is in progress.
    let idle = environment.wait("shop", &mut ()).await.unwrap();
    assert!(
        matches!(&idle, WaitOutcome::Idle(status) if status.as_str() == "CREATE_COMPLETE"),
        "{idle:?}"
    );
    assert_eq!(environment.wait("other", &mut ()).await.unwrap(), WaitOutcome::Absent);
}

#[tokio::test]
async fn only_events_of_the_operation_are_reported() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let input = |value: &str| DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", value)})));
    deploy(&environment, &input("1")).await.unwrap();
    let (_, observer) = deploy(&environment, &input("2")).await.unwrap();
    let lines = observer.lines();
    assert!(lines.iter().all(|line| line.starts_with("UPDATE_")), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.ends_with(" A")).count(), 2, "{lines:?}");
}

#[tokio::test]
async fn a_resumed_wait_reports_the_root_cause_of_a_failed_update() {
    let account = AccountFixture::new();
    let environment = account.environment();
    deploy(
        &environment,
        &DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", "1")}))),
    )
    .await
    .unwrap();
    let next = template(&json!({"A": ssm_parameter("/a", "1"), "Gate": wait_condition()}));
    let change_set = ready_change_set(&environment, &DeploymentInput::new("shop", next)).await;
    let observer = RecordingObserver::new();
    let mut reporter = observer.clone();
    let waiting = tokio::spawn(async move { change_set.execute(&mut reporter).await });
    observer.wait_for("IN_PROGRESS Gate").await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    let observer = RecordingObserver::new();
    let (other, mut reporter) = (environment.clone(), observer.clone());
    let resumed = tokio::spawn(async move { other.wait("shop", &mut reporter).await });
    observer.wait_for("IN_PROGRESS Gate").await;
    account.signal("shop", "Gate", false).await;
    let error = resumed.await.unwrap().unwrap_err();
    assert_eq!(error.root_cause().unwrap().logical_id, "Gate");
}

#[tokio::test]
async fn a_concurrent_deletion_is_reported() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let document = json!({"A": ssm_parameter("/a", "1"), "Gate": wait_condition()});
    let change_set = ready_change_set(&environment, &DeploymentInput::new("shop", template(&document))).await;
    let observer = RecordingObserver::new();
    let mut reporter = observer.clone();
    let waiting = tokio::spawn(async move { change_set.execute(&mut reporter).await });
    observer.wait_for("IN_PROGRESS Gate").await;
    account
        .cloudformation()
        .delete_stack()
        .stack_name("shop")
        .send()
        .await
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .expect("it does not wait for the wait condition");
    let error = ended.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deleted);
    assert!(
        error.to_string().contains("it was deleted during the deployment")
            && error.to_string().contains("stack `shop`"),
        "{error}"
    );
}
