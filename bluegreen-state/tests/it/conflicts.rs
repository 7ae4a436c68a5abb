//! Conflicts: of several deployments with one state, one wins and the others get an error. Invalid documents are kept.

use std::sync::{Arc, Barrier};
use std::thread;

use bluegreen_state::{
    Deployment, DocumentError, Effect, Error, Event, FileStore, MemoryStore, Store, Timestamp, Weights,
};
use pollster::block_on;

const NOW: Timestamp = Timestamp::from_millis(0);

fn deploy(version: u32, controller: &str) -> Event<u32> {
    Event::Deploy {
        version,
        strategy: "canary:10%,30s".parse().unwrap(),
        controller: controller.to_owned(),
    }
}

fn open<S: Store>(store: S) -> Deployment<u32, S> {
    block_on(Deployment::open(store)).unwrap().unwrap()
}

/// Runs a test with every store that needs no server.
fn with_each_store(test: impl Fn(&dyn Fn() -> AnyStore)) {
    let memory = MemoryStore::new();
    test(&|| Box::new(memory.clone()));
    let directory = tempfile::tempdir().unwrap();
    test(&|| Box::new(FileStore::new(directory.path().join("state.json"))));
}

/// A store that is selected at runtime, as in a deploy tool.
type AnyStore = Box<dyn Store + Send>;

#[test]
fn second_creation_is_a_conflict() {
    with_each_store(|store| {
        block_on(Deployment::create(store(), 1)).unwrap();
        let error = block_on(Deployment::create(store(), 2)).unwrap_err();
        assert!(error.is_conflict(), "{error}");
        assert_eq!(*open(store()).state().version(bluegreen_state::Side::Blue), 1);
    });
}

#[test]
fn second_deployment_from_the_same_state_is_a_conflict_without_effects() {
    with_each_store(|store| {
        block_on(Deployment::create(store(), 1)).unwrap();
        let (mut first, mut second) = (open(store()), open(store()));
        assert!(!block_on(first.apply(deploy(2, "first"), NOW)).unwrap().is_empty());
        let before = second.state().clone();
        let error = block_on(second.apply(deploy(3, "second"), NOW)).unwrap_err();
        assert!(error.is_conflict(), "{error}");
        assert_eq!(*second.state(), before);

        let mut second = open(store());
        let effects = block_on(second.apply(deploy(3, "second"), NOW)).unwrap();
        let [Effect::Rejected { reason }] = &effects[..] else {
            panic!("{effects:?}");
        };
        assert!(reason.to_string().contains("controller first"), "{reason}");
    });
}

#[test]
fn controller_that_was_taken_over_gets_a_conflict_at_its_next_step() {
    with_each_store(|store| {
        let mut first = block_on(Deployment::create(store(), 1)).unwrap();
        let first_effects = block_on(first.apply(deploy(2, "same name"), NOW)).unwrap();
        let mut second = open(store());
        let controller = "same name".to_owned();
        let second_effects = block_on(second.apply(Event::Resume { controller }, NOW)).unwrap();
        let weights = |effects: &[Effect<u32>]| match effects {
            [Effect::SetWeights { weights, request }, Effect::ScheduleTick { .. }] => (*weights, *request),
            other => panic!("{other:?}"),
        };
        let blue = Weights::all(bluegreen_state::Side::Blue);
        assert_eq!(
            (weights(&first_effects), weights(&second_effects)),
            ((blue, 1), (blue, 2))
        );
        let error = block_on(first.apply(Event::WeightsApplied { request: 1 }, NOW)).unwrap_err();
        assert!(error.is_conflict(), "{error}");
    });
}

#[test]
fn takeover_by_the_same_name_without_a_request_is_a_conflict_too() {
    with_each_store(|store| {
        let mut first = block_on(Deployment::create(store(), 1)).unwrap();
        block_on(first.apply(deploy(2, "same name"), NOW)).unwrap();
        for event in [
            Event::WeightsApplied { request: 1 },
            Event::Ready { request: 2 },
            Event::WeightsApplied { request: 3 },
        ] {
            block_on(first.apply(event, NOW)).unwrap();
        }
        let controller = "same name".to_owned();
        let effects = block_on(open(store()).apply(Event::Resume { controller }, NOW)).unwrap();
        assert!(matches!(effects[..], [Effect::ScheduleTick { .. }]), "{effects:?}");
        let error = block_on(first.apply(Event::Abort, NOW)).unwrap_err();
        assert!(error.is_conflict(), "{error}");
    });
}

#[test]
fn exactly_one_of_many_concurrent_deployments_wins() {
    const CONTENDERS: u32 = 8;
    with_each_store(|store| {
        block_on(Deployment::create(store(), 1)).unwrap();
        let start = Arc::new(Barrier::new(CONTENDERS as usize));
        let threads: Vec<_> = (0..CONTENDERS)
            .map(|number| {
                let mut deployment = open(store());
                let start = Arc::clone(&start);
                thread::spawn(move || {
                    start.wait();
                    let controller = format!("contender {number}");
                    block_on(deployment.apply(deploy(number + 2, &controller), NOW)).map(|_| controller)
                })
            })
            .collect();
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let winners: Vec<&String> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(winners.len(), 1, "{results:?}");
        assert!(
            results
                .iter()
                .filter_map(|result| result.as_ref().err())
                .all(Error::is_conflict),
            "{results:?}"
        );
        let stored = open(store());
        assert_eq!(stored.state().rollout().unwrap().controller(), winners[0]);
    });
}

#[test]
fn invalid_document_is_an_error_and_is_kept() {
    for damaged in [
        "",
        "{\"nextUpdate\":",
        "[1]",
        "{\"nextUpdate\":\"green\",\"nextVersion\":2}",
    ] {
        let store = MemoryStore::with_document(damaged);
        let error = block_on(Deployment::<u32, _>::open(&store)).unwrap_err();
        assert!(
            matches!(error, Error::Document(DocumentError::Invalid { .. })),
            "{error}"
        );
        assert!(error.to_string().contains(&format!("`{damaged}`")), "{error}");
        let error = block_on(Deployment::create(&store, 1)).unwrap_err();
        assert!(error.is_conflict(), "{error}");
        assert_eq!(store.document().as_deref(), Some(damaged));
    }
}

#[test]
fn older_form_is_kept_by_open_and_rewritten_by_the_first_step() {
    let older = r#"{"nextUpdate":"green","currentVersion":2,"previousVersion":1}"#;
    let store = MemoryStore::with_document(older);
    let mut deployment = open(&store);
    assert_eq!(store.document().as_deref(), Some(older));
    // Version 2 has half of the traffic already.
    let stays = Event::Deploy {
        version: 2,
        strategy: "fixed:50%".parse().unwrap(),
        controller: "ci".to_owned(),
    };
    block_on(deployment.apply(stays, NOW)).unwrap();
    let basic = r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1}"#;
    assert_eq!(store.document().as_deref(), Some(basic));
}

#[test]
fn step_without_a_change_writes_nothing() {
    let store = MemoryStore::new();
    let mut deployment = block_on(Deployment::create(&store, 1)).unwrap();
    let before = block_on(store.load()).unwrap().unwrap();
    let effects = block_on(deployment.apply(deploy(1, "ci"), NOW)).unwrap();
    assert_eq!(effects, []);
    assert_eq!(block_on(store.load()).unwrap().unwrap(), before);
}
