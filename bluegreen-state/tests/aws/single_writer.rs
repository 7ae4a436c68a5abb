//! A single writer with connection faults and crashes.

use std::sync::atomic::Ordering;

use bluegreen_state::{Deployment, Event, Revision, SsmStore, Store, StoreError};

use super::faulty_client::{ConnectionFault, client};
use super::{NOW, TestParameter, deploy, open, revision};

on_each_server!(
    deployment_is_read_by_the_next_process,
    crash_at_any_request_leaves_the_old_or_the_new_document_and_later_saves_work,
    lost_response_is_not_a_conflict,
    removed_document_is_not_created_again,
    existing_parameter_keeps_its_type,
    too_long_document_is_rejected_before_a_write,
);

async fn deployment_is_read_by_the_next_process(parameter: TestParameter) {
    assert!(
        Deployment::<u32, _>::open(parameter.store("ci"))
            .await
            .unwrap()
            .is_none()
    );
    let mut first = Deployment::create(parameter.store("ci"), 1).await.unwrap();
    first.apply(deploy(2, "ci"), NOW).await.unwrap();
    first.apply(Event::WeightsApplied { request: 1 }, NOW).await.unwrap();
    assert_eq!(open(parameter.store("next")).await.state(), first.state());
    assert_eq!(parameter.lock().await, None, "the lock is released");
}

async fn crash_at_any_request_leaves_the_old_or_the_new_document_and_later_saves_work(parameter: TestParameter) {
    parameter.store("ci").save(None, "0").await.unwrap();
    let (counting, requests) = client(parameter.server.address(), ConnectionFault::None);
    let counting = SsmStore::new(counting, &parameter.name);
    let mut known = counting.save(Some(&revision(1)), "1").await.unwrap();
    let requests = requests.load(Ordering::SeqCst);
    assert_eq!(requests, 4, "lock, read, write, unlock");

    let mut text = "1".to_owned();
    let crashes = (0..requests).flat_map(|at| [ConnectionFault::DeadBefore(at), ConnectionFault::DeadAfter(at)]);
    for (number, crash) in crashes.enumerate() {
        let new = format!("of crash {number}");
        let error = parameter
            .faulty_store("ci", crash.clone())
            .save(Some(&known), &new)
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Failed { .. }), "{crash:?}: {error}");
        let replaced = matches!(
            crash,
            ConnectionFault::DeadAfter(2..) | ConnectionFault::DeadBefore(3..)
        );
        let remaining = parameter.store("next").load().await.unwrap().unwrap();
        assert_eq!(remaining.text, if replaced { &*new } else { &*text }, "{crash:?}");

        // The minute passes: the lock expires.
        if parameter.lock().await.is_some() {
            let error = parameter
                .store("next")
                .save(Some(&remaining.revision), "x")
                .await
                .unwrap_err();
            assert!(error.to_string().contains("is locked by ci, for"), "{crash:?}: {error}");
            parameter.put_lock(r#"{"owner":"ci","number":1,"expires":1000}"#).await;
        }
        text = format!("after crash {number}");
        known = parameter
            .store("next")
            .save(Some(&remaining.revision), &text)
            .await
            .unwrap();
        assert_eq!(parameter.lock().await, None, "{crash:?}");
    }
}

async fn lost_response_is_not_a_conflict(parameter: TestParameter) {
    let mut known: Option<Revision> = None;
    for lost in [0, 1, 2, 3, 0, 1, 2, 3] {
        let text = format!("{known:?} and lost {lost}");
        let saved = parameter
            .faulty_store("ci", ConnectionFault::ResponseLost(lost))
            .save(known.as_ref(), &text)
            .await;
        known = Some(saved.unwrap_or_else(|error| panic!("{lost}: {error}")));
        let stored = parameter.store("reader").load().await.unwrap().unwrap();
        assert_eq!((stored.text, Some(stored.revision)), (text, known.clone()));
        assert_eq!(parameter.lock().await, None);
    }
    // The response to a takeover is lost.
    parameter
        .put_lock(r#"{"owner":"ci run 42","number":1,"expires":1000}"#)
        .await;
    let taking_over = parameter.faulty_store("ci", ConnectionFault::ResponseLost(2));
    taking_over.save(known.as_ref(), "taken over").await.unwrap();
    assert_eq!(parameter.text().await.as_deref(), Some("taken over"));
    assert_eq!(parameter.lock().await, None);
}

async fn removed_document_is_not_created_again(parameter: TestParameter) {
    let store = parameter.store("ci");
    let first = store.save(None, "1").await.unwrap();
    parameter
        .client()
        .delete_parameter()
        .name(&parameter.name)
        .send()
        .await
        .unwrap();
    let error = store.save(Some(&first), "2").await.unwrap_err();
    assert!(
        error.is_conflict() && error.to_string().contains("was removed"),
        "{error}"
    );
    assert_eq!(parameter.text().await, None);
}

async fn existing_parameter_keeps_its_type(parameter: TestParameter) {
    parameter.put(&parameter.name, "made").await;
    let store = parameter.store("ci");
    let found = store.load().await.unwrap().unwrap();
    store.save(Some(&found.revision), "changed").await.unwrap();
    let found = parameter
        .client()
        .get_parameter()
        .name(&parameter.name)
        .send()
        .await
        .unwrap();
    let found = found.parameter.unwrap();
    assert_eq!(found.r#type.unwrap().as_str(), "String");
    assert_eq!(found.value.as_deref(), Some("changed"));
}

async fn too_long_document_is_rejected_before_a_write(parameter: TestParameter) {
    let store = parameter.store("ci");
    store.save(None, &"x".repeat(4096)).await.unwrap();
    let error = store.save(Some(&revision(1)), &"x".repeat(4097)).await.unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::TooLong {
                length: 4097,
                limit: 4096,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(parameter.text().await.unwrap().len(), 4096);
}
