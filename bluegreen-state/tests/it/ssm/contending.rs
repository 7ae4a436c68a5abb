//! Two or more with one parameter: one wins, the others are told; and what a lock is worth.

use std::sync::Arc;

use bluegreen_state::{Deployment, Effect, Error, Store, StoreError, Timestamp};
use tokio::sync::Barrier;

use super::client::LocalReply;
use super::{NOW, Place, deploy, open, revision};

on_each_server!(
    of_two_who_deploy_from_the_same_state_the_second_is_refused,
    of_many_at_the_same_moment_exactly_one_wins,
    of_many_who_find_a_lock_that_was_left_exactly_one_wins,
    whoever_finds_a_lock_is_told_who_holds_it,
    a_lock_that_was_left_is_taken_over_when_its_time_is_over,
    a_lock_that_is_released_while_it_is_taken_over_is_made_anew,
    what_is_no_lock_is_left_as_it_is,
    a_writer_that_heeds_no_lock_is_noticed,
    a_writer_that_heeds_no_lock_at_the_very_moment_is_noticed_too,
    a_writer_whose_lock_was_taken_over_meanwhile_is_told,
);

async fn of_two_who_deploy_from_the_same_state_the_second_is_refused(place: Place) {
    Deployment::first(place.store("first"), 1).await.unwrap();
    let error = Deployment::first(place.store("second"), 2).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    let (mut first, mut second) = (open(place.store("first")).await, open(place.store("second")).await);
    first.apply(deploy(2, "first"), NOW).await.unwrap();
    let error = second.apply(deploy(3, "second"), NOW).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(
        error
            .to_string()
            .contains("version 1 was read, and now it has version 2"),
        "{error}"
    );
    let effects = open(place.store("second"))
        .await
        .apply(deploy(3, "second"), NOW)
        .await
        .unwrap();
    assert!(matches!(effects[..], [Effect::Refused { .. }]), "{effects:?}");
}

async fn of_many_at_the_same_moment_exactly_one_wins(place: Place) {
    contend(&place).await;
}

async fn of_many_who_find_a_lock_that_was_left_exactly_one_wins(place: Place) {
    place
        .put_lock(r#"{"owner":"ci run 42","number":1,"expires":1000}"#)
        .await;
    contend(&place).await;
}

async fn contend(place: &Place) {
    const CONTENDERS: u32 = 8;
    let text = r#"{"nextUpdate":"blue","nextVersion":1,"currentVersion":1}"#;
    place.put(&place.name, text).await;
    let start = Arc::new(Barrier::new(CONTENDERS as usize));
    let mut contenders = Vec::new();
    for number in 0..CONTENDERS {
        let driver = format!("contender {number}");
        let mut deployment = open(place.store(&driver)).await;
        let start = Arc::clone(&start);
        contenders.push(tokio::spawn(async move {
            start.wait().await;
            deployment.apply(deploy(number + 2, &driver), NOW).await.map(|_| driver)
        }));
    }
    let mut ended = Vec::new();
    for contender in contenders {
        ended.push(contender.await.unwrap());
    }
    let winners: Vec<&String> = ended.iter().filter_map(|end| end.as_ref().ok()).collect();
    assert_eq!(winners.len(), 1, "{ended:?}");
    assert!(
        ended
            .iter()
            .filter_map(|end| end.as_ref().err())
            .all(Error::is_conflict),
        "{ended:?}"
    );
    let stored = open(place.store("reader")).await;
    assert_eq!(stored.state().rollout().unwrap().driver(), winners[0]);
}

async fn whoever_finds_a_lock_is_told_who_holds_it(place: Place) {
    let expires = Timestamp::from(std::time::SystemTime::now()).as_millis() + 3_600_000;
    place
        .put_lock(&format!(r#"{{"owner":"ci run 42","number":1,"expires":{expires}}}"#))
        .await;
    let error = place.store("other").save(None, "text").await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(
        error.to_string().contains("is being changed by ci run 42, for 3"),
        "{error}"
    );
    assert_eq!(place.text().await, None);
    assert!(
        place.lock().await.unwrap().contains("ci run 42"),
        "the lock is still there"
    );
}

async fn a_lock_that_was_left_is_taken_over_when_its_time_is_over(place: Place) {
    place
        .put_lock(r#"{"owner":"ci run 42","number":1,"expires":1000}"#)
        .await;
    place.store("other").save(None, "text").await.unwrap();
    assert_eq!(place.text().await.as_deref(), Some("text"));
    assert_eq!(place.lock().await, None);
}

async fn a_lock_that_is_released_while_it_is_taken_over_is_made_anew(place: Place) {
    place
        .put_lock(r#"{"owner":"ci run 42","number":1,"expires":1000}"#)
        .await;
    let barrier = Arc::new(Barrier::new(2));
    let store = place.failing("slow", LocalReply::Waits(2, Arc::clone(&barrier)));
    let saving = tokio::spawn(async move { store.save(None, "of the slow one").await });
    barrier.wait().await;
    place.store("other").save(None, "of the other").await.unwrap();
    assert_eq!(place.lock().await, None);
    barrier.wait().await;
    let error = saving.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("now there is one"), "{error}");
    assert_eq!(place.text().await.as_deref(), Some("of the other"));
    assert_eq!(place.lock().await, None);
}

async fn what_is_no_lock_is_left_as_it_is(place: Place) {
    place.put_lock("something else").await;
    let error = place.store("other").save(None, "text").await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(
        error
            .to_string()
            .contains("reads `something else`; if it is no lock, delete it"),
        "{error}"
    );
    assert_eq!(place.lock().await.as_deref(), Some("something else"));
    assert_eq!(place.text().await, None);
}

async fn a_writer_that_heeds_no_lock_is_noticed(place: Place) {
    let store = place.store("ci");
    store.save(None, "1").await.unwrap();
    place.put(&place.name, "by hand").await;
    let error = store.save(Some(&revision(1)), "2").await.unwrap_err();
    assert!(matches!(error, StoreError::Changed { .. }), "{error}");
    assert_eq!(place.text().await.as_deref(), Some("by hand"));
    let expected = store.save(Some(&revision(2)), "3").await.unwrap();
    assert_eq!(expected, revision(3));
}

async fn a_writer_that_heeds_no_lock_at_the_very_moment_is_noticed_too(place: Place) {
    place.store("ci").save(None, "1").await.unwrap();
    let barrier = Arc::new(Barrier::new(2));
    let store = place.failing("ci", LocalReply::Waits(2, Arc::clone(&barrier)));
    let saving = tokio::spawn(async move { store.save(Some(&revision(1)), "3").await });
    barrier.wait().await;
    place.put(&place.name, "2, by hand").await;
    barrier.wait().await;
    let error = saving.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Changed { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("version 3, written here, took that one's place"),
        "{error}"
    );
    assert_eq!(
        place.text_of(&format!("{}:2", place.name)).await.as_deref(),
        Some("2, by hand")
    );
    assert_eq!(place.lock().await, None);
}

async fn a_writer_whose_lock_was_taken_over_meanwhile_is_told(place: Place) {
    place.store("ci").save(None, "1").await.unwrap();
    let barrier = Arc::new(Barrier::new(2));
    // Held up before it reads the document, for what might be longer than its lock lasts.
    let store = place.failing("slow", LocalReply::Waits(1, Arc::clone(&barrier)));
    let saving = tokio::spawn(async move { store.save(Some(&revision(1)), "of the slow one").await });
    barrier.wait().await;
    place.put_lock(r#"{"owner":"slow","number":1,"expires":1000}"#).await;
    place
        .store("other")
        .save(Some(&revision(1)), "of the other")
        .await
        .unwrap();
    barrier.wait().await;
    let error = saving.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Changed { .. }), "{error}");
    assert_eq!(place.text().await.as_deref(), Some("of the other"));
}
