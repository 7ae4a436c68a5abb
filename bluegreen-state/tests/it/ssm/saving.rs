//! One deployer alone, whose connection or process may break.

use std::sync::atomic::Ordering;

use bluegreen_state::{Deployment, Event, Revision, SsmStore, Store, StoreError};

use super::client::{LocalReply, client};
use super::{NOW, Place, deploy, open, revision};

on_each_server!(
    a_deployment_is_read_by_whoever_comes_next,
    after_a_crash_at_any_request_there_is_the_old_document_or_the_new_one_and_work_goes_on,
    a_lost_answer_is_no_conflict,
    a_document_that_was_removed_is_not_made_again,
    a_parameter_that_a_template_made_keeps_its_type,
    a_document_that_is_too_long_is_refused_before_anything_is_written,
);

async fn a_deployment_is_read_by_whoever_comes_next(place: Place) {
    assert!(Deployment::<u32, _>::open(place.store("ci")).await.unwrap().is_none());
    let mut first = Deployment::first(place.store("ci"), 1).await.unwrap();
    first.apply(deploy(2, "ci"), NOW).await.unwrap();
    first.apply(Event::RouterHas { request: 1 }, NOW).await.unwrap();
    assert_eq!(open(place.store("next")).await.state(), first.state());
    assert_eq!(place.lock().await, None, "the lock is not left");
}

async fn after_a_crash_at_any_request_there_is_the_old_document_or_the_new_one_and_work_goes_on(place: Place) {
    place.store("ci").save(None, "0").await.unwrap();
    let (counting, requests) = client(place.server.address(), LocalReply::None);
    let counting = SsmStore::new(counting, &place.name);
    let mut known = counting.save(Some(&revision(1)), "1").await.unwrap();
    let requests = requests.load(Ordering::SeqCst);
    assert_eq!(requests, 4, "lock, read, write, unlock");

    let mut text = "1".to_owned();
    let crashes = (0..requests).flat_map(|at| [LocalReply::DeadBefore(at), LocalReply::DeadAfter(at)]);
    for (number, crash) in crashes.enumerate() {
        let new = format!("of crash {number}");
        let error = place
            .failing("ci", crash.clone())
            .save(Some(&known), &new)
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Failed { .. }), "{crash:?}: {error}");
        let replaced = matches!(crash, LocalReply::DeadAfter(2..) | LocalReply::DeadBefore(3..));
        let left = place.store("next").load().await.unwrap().unwrap();
        assert_eq!(left.text, if replaced { &*new } else { &*text }, "{crash:?}");

        // The minute passes: the lock that was left says it is over.
        if place.lock().await.is_some() {
            let error = place.store("next").save(Some(&left.revision), "x").await.unwrap_err();
            assert!(
                error.to_string().contains("is being changed by ci, for"),
                "{crash:?}: {error}"
            );
            place.put_lock(r#"{"owner":"ci","number":1,"expires":1000}"#).await;
        }
        text = format!("after crash {number}");
        known = place.store("next").save(Some(&left.revision), &text).await.unwrap();
        assert_eq!(place.lock().await, None, "{crash:?}");
    }
}

async fn a_lost_answer_is_no_conflict(place: Place) {
    let mut known: Option<Revision> = None;
    for lost in [0, 1, 2, 3, 0, 1, 2, 3] {
        let text = format!("{known:?} and lost {lost}");
        let saved = place
            .failing("ci", LocalReply::AnswerLost(lost))
            .save(known.as_ref(), &text)
            .await;
        known = Some(saved.unwrap_or_else(|error| panic!("{lost}: {error}")));
        let stored = place.store("reader").load().await.unwrap().unwrap();
        assert_eq!((stored.text, Some(stored.revision)), (text, known.clone()));
        assert_eq!(place.lock().await, None);
    }
    // A lock that is taken over, and the answer to that lost.
    place
        .put_lock(r#"{"owner":"ci run 42","number":1,"expires":1000}"#)
        .await;
    let taking_over = place.failing("ci", LocalReply::AnswerLost(2));
    taking_over.save(known.as_ref(), "taken over").await.unwrap();
    assert_eq!(place.text().await.as_deref(), Some("taken over"));
    assert_eq!(place.lock().await, None);
}

async fn a_document_that_was_removed_is_not_made_again(place: Place) {
    let store = place.store("ci");
    let first = store.save(None, "1").await.unwrap();
    place
        .client()
        .delete_parameter()
        .name(&place.name)
        .send()
        .await
        .unwrap();
    let error = store.save(Some(&first), "2").await.unwrap_err();
    assert!(
        error.is_conflict() && error.to_string().contains("was removed"),
        "{error}"
    );
    assert_eq!(place.text().await, None);
}

async fn a_parameter_that_a_template_made_keeps_its_type(place: Place) {
    place.put(&place.name, "made").await;
    let store = place.store("ci");
    let found = store.load().await.unwrap().unwrap();
    store.save(Some(&found.revision), "changed").await.unwrap();
    let parameter = place.client().get_parameter().name(&place.name).send().await.unwrap();
    let parameter = parameter.parameter.unwrap();
    assert_eq!(parameter.r#type.unwrap().as_str(), "String");
    assert_eq!(parameter.value.as_deref(), Some("changed"));
}

async fn a_document_that_is_too_long_is_refused_before_anything_is_written(place: Place) {
    let store = place.store("ci");
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
    assert_eq!(place.text().await.unwrap().len(), 4096);
}
