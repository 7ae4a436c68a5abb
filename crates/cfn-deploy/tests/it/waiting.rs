//! Waits that are interrupted, and stacks that others work on meanwhile.

use std::time::Duration;

use cfn_deploy::{DeploymentInput, ErrorKind, WaitOutcome};
use serde_json::json;

use crate::fixture::{Place, deploy, gate, prepared, stored, template};
use crate::recording_observer::Notes;

#[tokio::test]
async fn an_interrupted_wait_resumes_with_all_events() {
    let place = Place::new();
    let environment = place.environment();
    let mut document = json!({"A": stored("/a", "1"), "Gate": gate(), "B": stored("/b", "1")});
    document["Gate"]["DependsOn"] = json!("A");
    document["B"]["DependsOn"] = json!("Gate");
    let prepared = prepared(&environment, &DeploymentInput::new("shop", template(&document))).await;
    let notes = Notes::new();
    let mut observer = notes.clone();
    let waiting = tokio::spawn(async move { prepared.execute(&mut observer).await });
    notes.until("IN_PROGRESS Gate").await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());

    let notes = Notes::new();
    let (other, mut observer) = (environment.clone(), notes.clone());
    let following = tokio::spawn(async move { other.wait("shop", &mut observer).await });
    notes.until("CREATE_COMPLETE A").await;
    place.signal("shop", "Gate", true).await;
    let followed = following.await.unwrap().unwrap();
    assert!(matches!(followed, WaitOutcome::Deployed(_)), "{followed:?}");
    let lines = notes.lines();
    assert_eq!(lines.first().map(String::as_str), Some("CREATE_IN_PROGRESS shop"));
    assert_eq!(lines.last().map(String::as_str), Some("CREATE_COMPLETE shop"));

    // Nothing is under way any more.
    let idle = environment.wait("shop", &mut ()).await.unwrap();
    assert!(
        matches!(&idle, WaitOutcome::Idle(status) if status.as_str() == "CREATE_COMPLETE"),
        "{idle:?}"
    );
    assert_eq!(environment.wait("other", &mut ()).await.unwrap(), WaitOutcome::Absent);
}

#[tokio::test]
async fn only_events_of_the_operation_are_reported() {
    let place = Place::new();
    let environment = place.environment();
    let input = |value: &str| DeploymentInput::new("shop", template(&json!({"A": stored("/a", value)})));
    deploy(&environment, &input("1")).await.unwrap();
    let (_, notes) = deploy(&environment, &input("2")).await.unwrap();
    let lines = notes.lines();
    assert!(lines.iter().all(|line| line.starts_with("UPDATE_")), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.ends_with(" A")).count(), 2, "{lines:?}");
}

#[tokio::test]
async fn a_resumed_wait_reports_the_root_cause_of_a_failed_update() {
    let place = Place::new();
    let environment = place.environment();
    deploy(
        &environment,
        &DeploymentInput::new("shop", template(&json!({"A": stored("/a", "1")}))),
    )
    .await
    .unwrap();
    let next = template(&json!({"A": stored("/a", "1"), "Gate": gate()}));
    let prepared = prepared(&environment, &DeploymentInput::new("shop", next)).await;
    let notes = Notes::new();
    let mut observer = notes.clone();
    let waiting = tokio::spawn(async move { prepared.execute(&mut observer).await });
    notes.until("IN_PROGRESS Gate").await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    let notes = Notes::new();
    let (other, mut observer) = (environment.clone(), notes.clone());
    let following = tokio::spawn(async move { other.wait("shop", &mut observer).await });
    notes.until("IN_PROGRESS Gate").await;
    place.signal("shop", "Gate", false).await;
    let error = following.await.unwrap().unwrap_err();
    assert_eq!(error.root_cause().unwrap().logical_id, "Gate");
}

#[tokio::test]
async fn a_concurrent_deletion_is_reported() {
    let place = Place::new();
    let environment = place.environment();
    let document = json!({"A": stored("/a", "1"), "Gate": gate()});
    let prepared = prepared(&environment, &DeploymentInput::new("shop", template(&document))).await;
    let notes = Notes::new();
    let mut observer = notes.clone();
    let waiting = tokio::spawn(async move { prepared.execute(&mut observer).await });
    notes.until("IN_PROGRESS Gate").await;
    place
        .cloudformation()
        .delete_stack()
        .stack_name("shop")
        .send()
        .await
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .expect("it does not wait for the gate");
    let error = ended.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deleted);
    assert!(
        error.to_string().contains("it was deleted during the deployment")
            && error.to_string().contains("stack `shop`"),
        "{error}"
    );
}
