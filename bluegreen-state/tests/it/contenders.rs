//! Two deployers with one state: one wins, the other is told. And what is no state is left as it is.

use std::sync::{Arc, Barrier};
use std::thread;

use bluegreen_state::{
    Deployment, DocumentError, Effect, Error, Event, FileStore, MemoryStore, Revision, Store, StoreError, Timestamp,
    Weights,
};
use pollster::block_on;

const NOW: Timestamp = Timestamp::from_millis(0);

fn deploy(version: u32, driver: &str) -> Event<u32> {
    Event::Deploy {
        version,
        strategy: "canary:10%,30s".parse().unwrap(),
        driver: driver.to_owned(),
    }
}

fn open<S: Store>(store: S) -> Deployment<u32, S> {
    block_on(Deployment::open(store)).unwrap().unwrap()
}

/// Runs a test with every store that needs no server.
fn with_each_store(test: impl Fn(&dyn Fn() -> AnyStore)) {
    let memory = MemoryStore::new();
    test(&|| AnyStore::Memory(memory.clone()));
    let folder = tempfile::tempdir().unwrap();
    test(&|| AnyStore::File(FileStore::new(folder.path().join("state.json"))));
}

/// A store that is chosen when the program runs, as a deploy tool has one.
#[derive(Debug)]
enum AnyStore {
    Memory(MemoryStore),
    File(FileStore),
}

impl Store for AnyStore {
    async fn load(&self) -> Result<Option<bluegreen_state::Stored>, StoreError> {
        match self {
            Self::Memory(store) => store.load().await,
            Self::File(store) => store.load().await,
        }
    }

    async fn save(&self, expected: Option<&Revision>, text: &str) -> Result<Revision, StoreError> {
        match self {
            Self::Memory(store) => store.save(expected, text).await,
            Self::File(store) => store.save(expected, text).await,
        }
    }
}

#[test]
fn of_two_first_deployments_one_is_refused() {
    with_each_store(|store| {
        block_on(Deployment::first(store(), 1)).unwrap();
        let error = block_on(Deployment::first(store(), 2)).unwrap_err();
        assert!(error.is_conflict(), "{error}");
        assert_eq!(*open(store()).state().version(bluegreen_state::Side::Blue), 1);
    });
}

#[test]
fn of_two_who_deploy_from_the_same_state_the_second_is_refused_and_does_nothing() {
    with_each_store(|store| {
        block_on(Deployment::first(store(), 1)).unwrap();
        let (mut first, mut second) = (open(store()), open(store()));
        assert!(!block_on(first.apply(deploy(2, "first"), NOW)).unwrap().is_empty());
        let before = second.state().clone();
        let error = block_on(second.apply(deploy(3, "second"), NOW)).unwrap_err();
        assert!(error.is_conflict(), "{error}");
        assert_eq!(*second.state(), before);

        let mut second = open(store());
        let effects = block_on(second.apply(deploy(3, "second"), NOW)).unwrap();
        let [Effect::Refused { refusal }] = &effects[..] else {
            panic!("{effects:?}");
        };
        assert!(refusal.to_string().contains("driven by first"), "{refusal}");
    });
}

#[test]
fn whoever_is_followed_by_another_driver_finds_out_with_the_next_step() {
    with_each_store(|store| {
        let mut first = block_on(Deployment::first(store(), 1)).unwrap();
        let asked = block_on(first.apply(deploy(2, "same name"), NOW)).unwrap();
        let mut second = open(store());
        let driver = "same name".to_owned();
        let asked_again = block_on(second.apply(Event::Resume { driver }, NOW)).unwrap();
        let weights = |effects: &[Effect<u32>]| match effects {
            [Effect::SetWeights { weights, request }, Effect::Wake { .. }] => (*weights, *request),
            other => panic!("{other:?}"),
        };
        let blue = Weights::all(bluegreen_state::Side::Blue);
        assert_eq!((weights(&asked), weights(&asked_again)), ((blue, 1), (blue, 2)));
        let error = block_on(first.apply(Event::RouterHas { request: 1 }, NOW)).unwrap_err();
        assert!(error.is_conflict(), "{error}");
    });
}

#[test]
fn a_namesake_who_takes_over_while_nothing_is_asked_for_is_found_out_too() {
    with_each_store(|store| {
        let mut first = block_on(Deployment::first(store(), 1)).unwrap();
        block_on(first.apply(deploy(2, "same name"), NOW)).unwrap();
        for answer in [
            Event::RouterHas { request: 1 },
            Event::Ready { request: 2 },
            Event::RouterHas { request: 3 },
        ] {
            block_on(first.apply(answer, NOW)).unwrap();
        }
        let driver = "same name".to_owned();
        let asked = block_on(open(store()).apply(Event::Resume { driver }, NOW)).unwrap();
        assert!(matches!(asked[..], [Effect::Wake { .. }]), "{asked:?}");
        let error = block_on(first.apply(Event::Abort, NOW)).unwrap_err();
        assert!(error.is_conflict(), "{error}");
    });
}

#[test]
fn of_many_at_the_same_moment_exactly_one_wins() {
    const CONTENDERS: u32 = 8;
    with_each_store(|store| {
        block_on(Deployment::first(store(), 1)).unwrap();
        let start = Arc::new(Barrier::new(CONTENDERS as usize));
        let threads: Vec<_> = (0..CONTENDERS)
            .map(|number| {
                let mut deployment = open(store());
                let start = Arc::clone(&start);
                thread::spawn(move || {
                    start.wait();
                    let driver = format!("contender {number}");
                    block_on(deployment.apply(deploy(number + 2, &driver), NOW)).map(|_| driver)
                })
            })
            .collect();
        let ended: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let winners: Vec<&String> = ended.iter().filter_map(|end| end.as_ref().ok()).collect();
        assert_eq!(winners.len(), 1, "{ended:?}");
        assert!(
            ended
                .iter()
                .filter_map(|end| end.as_ref().err())
                .all(Error::is_conflict),
            "{ended:?}"
        );
        let stored = open(store());
        assert_eq!(stored.state().rollout().unwrap().driver(), winners[0]);
    });
}

#[test]
fn what_is_no_state_is_an_error_and_stays() {
    for damaged in [
        "",
        "{\"nextUpdate\":",
        "[1]",
        "{\"nextUpdate\":\"green\",\"nextVersion\":2}",
    ] {
        let store = MemoryStore::with_document(damaged);
        let error = block_on(Deployment::<u32, _>::open(&store)).unwrap_err();
        assert!(
            matches!(error, Error::Document(DocumentError::Unknown { .. })),
            "{error}"
        );
        assert!(error.to_string().contains(&format!("`{damaged}`")), "{error}");
        let error = block_on(Deployment::first(&store, 1)).unwrap_err();
        assert!(error.is_conflict(), "{error}");
        assert_eq!(store.document().as_deref(), Some(damaged));
    }
}

#[test]
fn the_older_form_is_left_by_who_only_reads_and_rewritten_by_the_first_step() {
    let older = r#"{"nextUpdate":"green","currentVersion":2,"previousVersion":1}"#;
    let store = MemoryStore::with_document(older);
    let mut deployment = open(&store);
    assert_eq!(store.document().as_deref(), Some(older));
    block_on(deployment.apply(deploy(2, "ci"), NOW)).unwrap();
    let plain = r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1}"#;
    assert_eq!(store.document().as_deref(), Some(plain));
}

#[test]
fn a_step_that_changes_nothing_writes_nothing() {
    let store = MemoryStore::new();
    let mut deployment = block_on(Deployment::first(&store, 1)).unwrap();
    let before = block_on(store.load()).unwrap().unwrap();
    let effects = block_on(deployment.apply(deploy(1, "ci"), NOW)).unwrap();
    assert_eq!(effects, []);
    assert_eq!(block_on(store.load()).unwrap().unwrap(), before);
}
