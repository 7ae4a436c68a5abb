//! Concurrent writers of one parameter, and the lock's guarantees.

use std::sync::Arc;

use bluegreen_state::{Deployment, Effect, Error, Store, StoreError, Timestamp};
use tokio::sync::Barrier;

use super::faulty_client::ConnectionFault;
use super::{NOW, TestParameter, deploy, open, revision};

on_each_server!(
    second_deployment_from_the_same_state_is_a_conflict,
    exactly_one_of_many_concurrent_deployments_wins,
    exactly_one_of_many_takes_over_an_expired_lock,
    locked_parameter_names_the_holder,
    expired_lock_is_taken_over,
    lock_that_is_released_during_a_takeover_is_created_again,
    parameter_that_is_not_a_lock_is_kept,
    writer_that_ignores_the_lock_before_a_save_is_detected,
    writer_that_ignores_the_lock_during_a_save_is_detected,
    writer_that_lost_its_lock_gets_a_conflict,
);

async fn second_deployment_from_the_same_state_is_a_conflict(parameter: TestParameter) {
    Deployment::create(parameter.store("first"), 1).await.unwrap();
    let error = Deployment::create(parameter.store("second"), 2).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    let (mut first, mut second) = (
        open(parameter.store("first")).await,
        open(parameter.store("second")).await,
    );
    first.apply(deploy(2, "first"), NOW).await.unwrap();
    let error = second.apply(deploy(3, "second"), NOW).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(
        error
            .to_string()
            .contains("version 1 was read and now it has version 2"),
        "{error}"
    );
    let effects = open(parameter.store("second"))
        .await
        .apply(deploy(3, "second"), NOW)
        .await
        .unwrap();
    assert!(matches!(effects[..], [Effect::Rejected { .. }]), "{effects:?}");
}

async fn exactly_one_of_many_concurrent_deployments_wins(parameter: TestParameter) {
    contend(&parameter).await;
}

async fn exactly_one_of_many_takes_over_an_expired_lock(parameter: TestParameter) {
    parameter
        .put_lock(r#"{"owner":"ci run 42","number":1,"expires":1000}"#)
        .await;
    contend(&parameter).await;
}

async fn contend(parameter: &TestParameter) {
    const CONTENDERS: u32 = 8;
    let text = r#"{"nextUpdate":"blue","nextVersion":1,"currentVersion":1}"#;
    parameter.put(&parameter.name, text).await;
    let start = Arc::new(Barrier::new(CONTENDERS as usize));
    let mut contenders = Vec::new();
    for number in 0..CONTENDERS {
        let controller = format!("contender {number}");
        let mut deployment = open(parameter.store(&controller)).await;
        let start = Arc::clone(&start);
        contenders.push(tokio::spawn(async move {
            start.wait().await;
            deployment
                .apply(deploy(number + 2, &controller), NOW)
                .await
                .map(|_| controller)
        }));
    }
    let mut results = Vec::new();
    for contender in contenders {
        results.push(contender.await.unwrap());
    }
    let winners: Vec<&String> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    assert!(
        results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .all(Error::is_conflict),
        "{results:?}"
    );
    let stored = open(parameter.store("reader")).await;
    assert_eq!(stored.state().rollout().unwrap().controller(), winners[0]);
}

async fn locked_parameter_names_the_holder(parameter: TestParameter) {
    let expires = Timestamp::from(std::time::SystemTime::now()).as_millis() + 3_600_000;
    parameter
        .put_lock(&format!(r#"{{"owner":"ci run 42","number":1,"expires":{expires}}}"#))
        .await;
    let error = parameter.store("other").save(None, "text").await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(
        error.to_string().contains("is locked by ci run 42, for at most 3"),
        "{error}"
    );
    assert_eq!(parameter.text().await, None);
    assert!(
        parameter.lock().await.unwrap().contains("ci run 42"),
        "the lock is kept"
    );
}

async fn expired_lock_is_taken_over(parameter: TestParameter) {
    parameter
        .put_lock(r#"{"owner":"ci run 42","number":1,"expires":1000}"#)
        .await;
    parameter.store("other").save(None, "text").await.unwrap();
    assert_eq!(parameter.text().await.as_deref(), Some("text"));
    assert_eq!(parameter.lock().await, None);
}

async fn lock_that_is_released_during_a_takeover_is_created_again(parameter: TestParameter) {
    parameter
        .put_lock(r#"{"owner":"ci run 42","number":1,"expires":1000}"#)
        .await;
    let barrier = Arc::new(Barrier::new(2));
    let store = parameter.faulty_store("slow", ConnectionFault::WaitsAt(2, Arc::clone(&barrier)));
    let saving = tokio::spawn(async move { store.save(None, "of the slow one").await });
    barrier.wait().await;
    parameter.store("other").save(None, "of the other").await.unwrap();
    assert_eq!(parameter.lock().await, None);
    barrier.wait().await;
    let error = saving.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("now there is one"), "{error}");
    assert_eq!(parameter.text().await.as_deref(), Some("of the other"));
    assert_eq!(parameter.lock().await, None);
}

async fn parameter_that_is_not_a_lock_is_kept(parameter: TestParameter) {
    parameter.put_lock("something else").await;
    let error = parameter.store("other").save(None, "text").await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(
        error
            .to_string()
            .contains("contains `something else`; if that is not a lock, delete it"),
        "{error}"
    );
    assert_eq!(parameter.lock().await.as_deref(), Some("something else"));
    assert_eq!(parameter.text().await, None);
}

async fn writer_that_ignores_the_lock_before_a_save_is_detected(parameter: TestParameter) {
    let store = parameter.store("ci");
    store.save(None, "1").await.unwrap();
    parameter.put(&parameter.name, "manual").await;
    let error = store.save(Some(&revision(1)), "2").await.unwrap_err();
    assert!(matches!(error, StoreError::Changed { .. }), "{error}");
    assert_eq!(parameter.text().await.as_deref(), Some("manual"));
    let expected = store.save(Some(&revision(2)), "3").await.unwrap();
    assert_eq!(expected, revision(3));
}

async fn writer_that_ignores_the_lock_during_a_save_is_detected(parameter: TestParameter) {
    parameter.store("ci").save(None, "1").await.unwrap();
    let barrier = Arc::new(Barrier::new(2));
    let store = parameter.faulty_store("ci", ConnectionFault::WaitsAt(2, Arc::clone(&barrier)));
    let saving = tokio::spawn(async move { store.save(Some(&revision(1)), "3").await });
    barrier.wait().await;
    parameter.put(&parameter.name, "2, manual").await;
    barrier.wait().await;
    let error = saving.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Changed { .. }), "{error}");
    assert!(
        error.to_string().contains("version 3, written here, replaced that"),
        "{error}"
    );
    assert_eq!(
        parameter.text_of(&format!("{}:2", parameter.name)).await.as_deref(),
        Some("2, manual")
    );
    assert_eq!(parameter.lock().await, None);
}

async fn writer_that_lost_its_lock_gets_a_conflict(parameter: TestParameter) {
    parameter.store("ci").save(None, "1").await.unwrap();
    let barrier = Arc::new(Barrier::new(2));
    // Delayed before it reads the document, possibly beyond the lifetime of its lock.
    let store = parameter.faulty_store("slow", ConnectionFault::WaitsAt(1, Arc::clone(&barrier)));
    let saving = tokio::spawn(async move { store.save(Some(&revision(1)), "of the slow one").await });
    barrier.wait().await;
    parameter
        .put_lock(r#"{"owner":"slow","number":1,"expires":1000}"#)
        .await;
    parameter
        .store("other")
        .save(Some(&revision(1)), "of the other")
        .await
        .unwrap();
    barrier.wait().await;
    let error = saving.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Changed { .. }), "{error}");
    assert_eq!(parameter.text().await.as_deref(), Some("of the other"));
}
