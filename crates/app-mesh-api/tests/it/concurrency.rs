//! Concurrent callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use app_mesh_api::operation::{Collection, PageRequest};
use app_mesh_api::response::Output;
use app_mesh_api::store::{CommitError, Loaded, StoreError};
use app_mesh_api::{ErrorCode, FileStore, MemoryStore, Operation, Quotas, Service, Settings, Store};
use async_trait::async_trait;
use mesh_model::app_mesh::Kind;
use serde_json::json;

use crate::harness::{caller, create, mesh, node_path, node_spec, update};

fn unlimited() -> Settings {
    Settings {
        quotas: Quotas::unlimited(),
        ..Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_1000_concurrent_creations_of_a_name_wins() {
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::open(dir.path().join("state")).unwrap();
    let service = Service::open(store, Settings::default()).await.unwrap();
    service.run(&caller(), create(mesh(), json!({}))).await.unwrap();
    let tasks: Vec<_> = (0..1000)
        .map(|number| {
            let service = service.clone();
            let spec = node_spec(&format!("host-{number}"));
            tokio::spawn(async move { service.run(&caller(), create(node_path("one"), spec)).await })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(Output::Resource(record)) => winners.push(record),
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert_eq!(error.code(), ErrorCode::Conflict, "{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(service.registry().get(&node_path("one")), Some(&winners[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_is_lost() {
    let service = Service::open(MemoryStore::new(), Settings::default()).await.unwrap();
    service.run(&caller(), create(mesh(), json!({}))).await.unwrap();
    service
        .run(&caller(), create(node_path("a"), node_spec("0")))
        .await
        .unwrap();
    let tasks: Vec<_> = (1..=500)
        .map(|number| {
            let service = service.clone();
            let operation = update(node_path("a"), node_spec(&number.to_string()));
            tokio::spawn(async move { service.run(&caller(), operation).await })
        })
        .collect();
    let mut versions = Vec::new();
    for task in tasks {
        match task.await.unwrap().unwrap() {
            Output::Resource(record) => versions.push(record.version()),
            other => panic!("{other:?}"),
        }
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..=501).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_neither_repeat_nor_skip_while_others_write() {
    let service = Service::open(MemoryStore::new(), unlimited()).await.unwrap();
    service.run(&caller(), create(mesh(), json!({}))).await.unwrap();
    let stable: Vec<String> = (0..100).map(|number| format!("n{number:03}")).collect();
    for name in &stable {
        service
            .run(&caller(), create(node_path(name), json!({})))
            .await
            .unwrap();
    }
    let is_done = Arc::new(AtomicBool::new(false));
    let writes = Arc::new(AtomicUsize::new(0));
    let churn: Vec<_> = (0..4)
        .map(|task| {
            let (service, is_done, writes) = (service.clone(), Arc::clone(&is_done), Arc::clone(&writes));
            tokio::spawn(async move {
                let mut number = task;
                while !is_done.load(Ordering::Relaxed) {
                    // Between the stable names, different ones in each task.
                    let path = node_path(&format!("n{:03}-{task}", number % 100));
                    service.run(&caller(), create(path.clone(), json!({}))).await.unwrap();
                    service.run(&caller(), Operation::Delete(path)).await.unwrap();
                    number += 7;
                    writes.fetch_add(2, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let collection = Collection {
        kind: Kind::VirtualNode,
        mesh: Some("demo".to_owned()),
        parent: None,
    };
    for round in 0..100 {
        let mut seen: Vec<String> = Vec::new();
        let mut page = PageRequest {
            limit: Some(1 + round % 13),
            next_token: None,
        };
        loop {
            let list = Operation::List {
                collection: collection.clone(),
                page: page.clone(),
            };
            let Output::List(_, part) = service.run(&caller(), list).await.unwrap() else {
                panic!("another output");
            };
            seen.extend(part.items.iter().map(|record| record.path.name.clone()));
            page.next_token = part.next_token;
            if page.next_token.is_none() {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
        seen.retain(|name| !name.contains('-'));
        assert_eq!(seen, stable);
    }
    is_done.store(true, Ordering::Relaxed);
    for task in churn {
        task.await.unwrap();
    }
    assert!(writes.load(Ordering::Relaxed) > 100, "{writes:?} writes");
}

/// A store that two services share, as replicas share a table.
#[derive(Clone)]
struct Shared(Arc<MemoryStore>, Arc<tokio::sync::watch::Sender<u64>>);

#[async_trait]
impl Store for Shared {
    async fn load(&self) -> Result<Loaded, StoreError> {
        self.0.load().await
    }

    async fn commit(&self, expected: u64, changes: &[app_mesh_api::registry::Change]) -> Result<u64, CommitError> {
        // Others get a chance to be faster.
        tokio::task::yield_now().await;
        let revision = self.0.commit(expected, changes).await?;
        self.1.send_replace(revision);
        Ok(revision)
    }

    async fn changed(&self, revision: u64) {
        // The sender is in `self`.
        let mut revisions = self.1.subscribe();
        drop(revisions.wait_for(|newest| *newest != revision).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_lose_no_update_and_follow_each_other() {
    let store = Shared(Arc::default(), Arc::new(tokio::sync::watch::Sender::new(0)));
    let first = Service::open(store.clone(), Settings::default()).await.unwrap();
    first.run(&caller(), create(mesh(), json!({}))).await.unwrap();
    first
        .run(&caller(), create(node_path("a"), node_spec("0")))
        .await
        .unwrap();
    let second = Service::open(store, Settings::default()).await.unwrap();
    let tasks: Vec<_> = [first.clone(), second.clone()]
        .into_iter()
        .map(|service| {
            tokio::spawn(async move {
                for number in 0..50 {
                    let operation = update(node_path("a"), node_spec(&number.to_string()));
                    service.run(&caller(), operation).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for service in [first, second] {
        testkit::wait_until("the replica has all updates", async || {
            service
                .registry()
                .get(&node_path("a"))
                .is_some_and(|record| record.version() == 101)
        })
        .await;
    }
}

/// A store whose commits fail, or succeed without saying so.
struct Unreliable {
    store: MemoryStore,
    commits: AtomicUsize,
}

#[async_trait]
impl Store for Unreliable {
    async fn load(&self) -> Result<Loaded, StoreError> {
        self.store.load().await
    }

    async fn commit(&self, expected: u64, changes: &[app_mesh_api::registry::Change]) -> Result<u64, CommitError> {
        match self.commits.fetch_add(1, Ordering::Relaxed) % 3 {
            1 => Err(StoreError::new("the disk is full").into()),
            2 => {
                self.store.commit(expected, changes).await?;
                Err(StoreError::new("the connection was lost").into())
            }
            _ => self.store.commit(expected, changes).await,
        }
    }
}

#[tokio::test]
async fn failed_commits_are_errors_and_reads_show_what_is_stored() {
    let store = Unreliable {
        store: MemoryStore::new(),
        commits: AtomicUsize::new(0),
    };
    let service = Service::open(store, Settings::default()).await.unwrap();
    service.run(&caller(), create(mesh(), json!({}))).await.unwrap();
    let error = service
        .run(&caller(), create(node_path("a"), json!({})))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (
            ErrorCode::ServiceUnavailable,
            "the storage is not available; try again. The server's log has the reason"
        )
    );
    let error = service
        .run(&caller(), create(node_path("b"), json!({})))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::ServiceUnavailable);
    // The next write waits until the store was read again.
    service.run(&caller(), create(node_path("c"), json!({}))).await.unwrap();
    let registry = service.registry();
    let exists = |name| registry.get(&node_path(name)).is_some();
    assert_eq!((exists("a"), exists("b"), exists("c")), (false, true, true));
}

#[tokio::test]
async fn imports_write_what_differs() {
    let service = Service::open(MemoryStore::new(), Settings::default()).await.unwrap();
    let router = mesh_model::app_mesh::ResourcePath::new("demo", Kind::VirtualRouter, "r");
    let route = mesh_model::app_mesh::ResourcePath::within("demo", "r", Kind::Route, "all");
    let route_spec = json!({"tcpRoute": {"action": {"weightedTargets": [{"virtualNode": "a", "weight": 1}]}}});
    let resources = |hostname: &str| {
        vec![
            (route.clone(), route_spec.clone()),
            (node_path("a"), node_spec(hostname)),
            (router.clone(), json!({"listeners": []})),
            (mesh(), json!({})),
        ]
    };
    let imported = service.import(&caller(), resources("x")).await.unwrap();
    assert_eq!((imported.created, imported.updated, imported.unchanged), (4, 0, 0));
    let imported = service.import(&caller(), resources("y")).await.unwrap();
    assert_eq!((imported.created, imported.updated, imported.unchanged), (0, 1, 3));
    let before = service.registry();
    let error = service
        .import(
            &caller(),
            [(node_path("b"), node_spec("z")), (node_path("c"), json!({"a": 1}))],
        )
        .await
        .unwrap_err();
    assert_eq!(error.path, node_path("c"));
    assert_eq!(service.registry().len(), before.len());
    let mut meshes = service.subscribe();
    testkit::wait_until("the topology has the imported route", async || {
        let meshes = meshes.borrow_and_update();
        let router = meshes.get("demo").and_then(|mesh| mesh.virtual_routers.get("r"));
        router.is_some_and(|router| router.routes.contains_key("all"))
    })
    .await;
}
