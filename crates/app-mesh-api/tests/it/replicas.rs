//! Several replicas over one store in memory, and stores that fail: what is committed, answered and logged.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use app_mesh_api::claims::{ClaimError, MeshClaims};
use app_mesh_api::registry::Change;
use app_mesh_api::store::{CommitError, Loaded, StoreError};
use app_mesh_api::{AuditLog, ErrorCode, Extensions, MemoryStore, Operation, Service, Settings, Store};
use async_trait::async_trait;
use futures_util::future::join_all;
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::json;

use crate::harness::{caller, create, mesh, node_path, node_spec, update};

/// One store of several services. They do not follow it, so each has what it has read or written itself.
#[derive(Clone, Default)]
struct Shared(Arc<MemoryStore>);

#[async_trait]
impl Store for Shared {
    async fn load(&self) -> Result<Loaded, StoreError> {
        self.0.load().await
    }

    async fn commit(&self, expected: u64, changes: &[Change]) -> Result<u64, CommitError> {
        self.0.commit(expected, changes).await
    }

    async fn is_current(&self, revision: u64) -> Result<bool, StoreError> {
        Ok(self.0.load().await?.revision == revision)
    }
}

async fn open(store: impl Store) -> Service {
    Service::open(store, Settings::default()).await.unwrap()
}

async fn run(service: &Service, operation: Operation) -> Result<(), ErrorCode> {
    let result = service.run(&caller(), operation).await;
    result.map(drop).map_err(|error| error.code())
}

#[tokio::test]
async fn a_write_is_not_rejected_for_what_another_replica_has_changed() {
    let store = Shared::default();
    let (a, b) = (open(store.clone()).await, open(store).await);
    let router = ResourcePath::new("demo", Kind::VirtualRouter, "split");
    let route = ResourcePath::within("demo", "split", Kind::Route, "all");
    let action = json!({"weightedTargets": [{"virtualNode": "blue", "weight": 1}]});
    let route_spec = json!({"tcpRoute": {"action": action}});

    run(&a, create(mesh(), json!({}))).await.unwrap();
    run(&a, create(router, json!({}))).await.unwrap();
    // 404 in what B has read at its start.
    run(&b, create(route.clone(), route_spec.clone())).await.unwrap();
    // 404 and 409 in what A has.
    run(&a, update(route.clone(), route_spec.clone())).await.unwrap();
    run(&b, Operation::Delete(route.clone())).await.unwrap();
    run(&a, create(route.clone(), route_spec)).await.unwrap();
    // No change in what B has: it knows the route without tags, and A's tag.
    let tag = |tags: &[(&str, &str)]| Operation::Tag {
        path: route.clone(),
        tags: tags
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect(),
    };
    run(&b, tag(&[("stage", "one")])).await.unwrap();
    run(&a, tag(&[("stage", "two")])).await.unwrap();
    run(&b, tag(&[("stage", "one")])).await.unwrap();
    run(
        &a,
        Operation::Untag {
            path: route.clone(),
            keys: vec!["other".to_owned()],
        },
    )
    .await
    .unwrap();
    assert_eq!(a.registry().get(&route).unwrap().tags()["stage"], "one");
    // What is wrong in the newest revision, too, stays an error.
    assert_eq!(
        run(&b, create(route, json!({"tcpRoute": {}}))).await,
        Err(ErrorCode::BadRequest)
    );
    assert_eq!(
        run(&b, Operation::Delete(node_path("none"))).await,
        Err(ErrorCode::NotFound)
    );
    assert_eq!(run(&b, create(mesh(), json!({}))).await, Err(ErrorCode::Conflict));
}

/// Commits up to a number of bytes, and nothing with a resource named `poison`.
struct Limited {
    store: MemoryStore,
    max_bytes: usize,
    commits: Arc<AtomicUsize>,
}

impl Limited {
    fn new(max_bytes: usize) -> (Self, Arc<AtomicUsize>) {
        let commits = Arc::new(AtomicUsize::new(0));
        let store = Self {
            store: MemoryStore::new(),
            max_bytes,
            commits: Arc::clone(&commits),
        };
        (store, commits)
    }
}

#[async_trait]
impl Store for Limited {
    async fn load(&self) -> Result<Loaded, StoreError> {
        self.store.load().await
    }

    async fn commit(&self, expected: u64, changes: &[Change]) -> Result<u64, CommitError> {
        let sizes = changes.iter().filter_map(|change| change.after.as_ref());
        let bytes: usize = sizes.map(|record| record.stored_bytes()).sum();
        if bytes > self.max_bytes || changes.iter().any(|change| change.path.name == "poison") {
            return Err(StoreError::new("ValidationException in the table secret-name").into());
        }
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.store.commit(expected, changes).await
    }

    fn max_commit_bytes(&self) -> usize {
        self.max_bytes
    }
}

/// Creates virtual nodes at once: all wait when the first is written.
async fn create_together(service: &Service, names: &[String], spec_bytes: usize) -> Vec<Result<(), ErrorCode>> {
    let host = "h".repeat(spec_bytes);
    let creations = names
        .iter()
        .map(|name| run(service, create(node_path(name), node_spec(&host))));
    join_all(creations).await
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("node-{number}")).collect()
}

#[tokio::test]
async fn a_commit_has_no_more_bytes_than_the_store_takes() {
    let (store, commits) = Limited::new(4000);
    let service = open(store).await;
    run(&service, create(mesh(), json!({}))).await.unwrap();
    let results = create_together(&service, &names(20), 1000).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    // The mesh, and 20 records of some 1,300 bytes: three in a commit.
    let commits = commits.load(Ordering::Relaxed);
    assert!((7..=11).contains(&commits), "{commits} commits");
}

#[tokio::test]
async fn a_write_that_cannot_be_stored_does_not_make_others_fail() {
    let (store, _) = Limited::new(usize::MAX);
    let service = open(store).await;
    run(&service, create(mesh(), json!({}))).await.unwrap();
    let mut all = names(20);
    all.insert(7, "poison".to_owned());
    let results = create_together(&service, &all, 10).await;
    for (name, result) in all.iter().zip(results) {
        let expected = if name == "poison" {
            Err(ErrorCode::ServiceUnavailable)
        } else {
            Ok(())
        };
        assert_eq!(result, expected, "{name}");
    }
    assert_eq!(service.registry().len(), 21);
    // And those after it go together again.
    let results = create_together(&service, &["after".to_owned()], 10).await;
    assert_eq!(results, [Ok(())]);
    // The error of the store is for the log.
    let error = service
        .run(&caller(), create(node_path("poison"), node_spec("h")))
        .await
        .unwrap_err();
    assert!(
        !error.message().contains("secret-name") && error.message().contains("log"),
        "{error}"
    );
}

#[tokio::test]
async fn a_resource_that_no_store_takes_is_a_bad_request() {
    let service = open(MemoryStore::new()).await;
    run(&service, create(mesh(), json!({}))).await.unwrap();
    let path = ResourcePath::new("demo", Kind::VirtualNode, "large");
    // 255 characters for each of 50 backends are not enough: values of headers and matches have no such limit together.
    let service_names = (0..50).map(|number| format!("{number:->255}"));
    let tls = |name: &String| {
        let names: Vec<String> = (0..100).map(|number| format!("{number}.{}", "n".repeat(240))).collect();
        let trust = json!({"file": {"certificateChain": "/chain"}});
        let validation = json!({"trust": trust, "subjectAlternativeNames": {"match": {"exact": names}}});
        json!({"virtualService": {"virtualServiceName": name,
            "clientPolicy": {"tls": {"validation": validation}}}})
    };
    let backends: Vec<_> = service_names.map(|name| tls(&name)).collect();
    let error = service
        .run(&caller(), create(path.clone(), json!({"backends": backends})))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::BadRequest);
    assert!(error.message().contains("allowed are 400000"), "{error}");
    assert_eq!(service.registry().get(&path), None);
}

/// Stores the next commit, reports it as failed, and cannot be read once.
#[derive(Clone, Default)]
struct Lossy {
    store: Shared,
    is_lossy: Arc<AtomicBool>,
    is_unreadable: Arc<AtomicBool>,
}

#[async_trait]
impl Store for Lossy {
    async fn load(&self) -> Result<Loaded, StoreError> {
        if self.is_unreadable.swap(false, Ordering::SeqCst) {
            return Err(StoreError::new("the connection was lost"));
        }
        self.store.load().await
    }

    async fn commit(&self, expected: u64, changes: &[Change]) -> Result<u64, CommitError> {
        let revision = self.store.commit(expected, changes).await?;
        if self.is_lossy.swap(false, Ordering::SeqCst) {
            self.is_unreadable.store(true, Ordering::SeqCst);
            return Err(StoreError::new("the connection was lost").into());
        }
        Ok(revision)
    }
}

fn audited(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .map(|line| line["operation"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_change_that_seemed_to_fail_is_audited_once_it_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("audit");
    let store = Lossy::default();
    let extensions = Extensions {
        audit_log: Some(AuditLog::file(&log).unwrap()),
        claims: None,
    };
    let service = Service::open_with(store.clone(), Settings::default(), extensions)
        .await
        .unwrap();
    store.is_lossy.store(true, Ordering::SeqCst);
    assert_eq!(
        run(&service, create(mesh(), json!({}))).await,
        Err(ErrorCode::ServiceUnavailable)
    );
    assert_eq!(audited(&log), Vec::<String>::new());
    run(&service, create(node_path("a"), node_spec("a"))).await.unwrap();
    assert_eq!(audited(&log), ["CreateMesh", "CreateVirtualNode"]);
}

/// Claims in memory, shared by replicas. A replica creates the mesh while another one releases its claim.
#[derive(Debug, Default)]
struct Claims {
    claimed: Mutex<BTreeSet<String>>,
    taken: Mutex<BTreeSet<String>>,
    creator: OnceLock<Service>,
}

#[async_trait]
impl MeshClaims for Claims {
    async fn claim(&self, mesh: &str) -> Result<(), ClaimError> {
        if self.taken.lock().unwrap().contains(mesh) {
            return Err(ClaimError::Taken(format!("{mesh} is in a stack")));
        }
        self.claimed.lock().unwrap().insert(mesh.to_owned());
        Ok(())
    }

    async fn release(&self, mesh: &str) -> Result<(), ClaimError> {
        if let Some(creator) = self.creator.get() {
            run(creator, create(ResourcePath::of_mesh(mesh), json!({})))
                .await
                .unwrap();
        }
        self.claimed.lock().unwrap().remove(mesh);
        Ok(())
    }
}

async fn replica_with(claims: &Arc<Claims>, store: Shared) -> Service {
    let extensions = Extensions {
        audit_log: None,
        claims: Some(Arc::clone(claims) as Arc<dyn MeshClaims>),
    };
    Service::open_with(store, Settings::default(), extensions)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_mesh_that_is_created_while_its_claim_is_released_has_one() {
    let (store, claims) = (Shared::default(), Arc::new(Claims::default()));
    let a = replica_with(&claims, store.clone()).await;
    let b = replica_with(&claims, store).await;
    run(&a, create(mesh(), json!({}))).await.unwrap();
    claims.creator.set(b).unwrap();
    run(&a, Operation::Delete(mesh())).await.unwrap();
    assert!(claims.claimed.lock().unwrap().contains("demo"));
}

#[tokio::test]
async fn a_failed_import_leaves_no_claim() {
    let claims = Arc::new(Claims::default());
    claims.taken.lock().unwrap().insert("stacked".to_owned());
    let service = replica_with(&claims, Shared::default()).await;
    let meshes = |names: &[&str]| -> Vec<_> {
        names
            .iter()
            .map(|name| (ResourcePath::of_mesh(name), json!({})))
            .collect()
    };
    let error = service
        .import(&caller(), meshes(&["demo", "stacked"]))
        .await
        .unwrap_err();
    assert_eq!(error.path, ResourcePath::of_mesh("stacked"));
    assert!(claims.claimed.lock().unwrap().is_empty());
    // Nor does one whose write fails: a virtual node of a mesh that does not exist.
    let mut resources = meshes(&["demo"]);
    resources.push((ResourcePath::new("other", Kind::VirtualNode, "n"), node_spec("n")));
    service.import(&caller(), resources).await.unwrap_err();
    assert!(claims.claimed.lock().unwrap().is_empty());
    service.import(&caller(), meshes(&["demo"])).await.unwrap();
    assert!(claims.claimed.lock().unwrap().contains("demo"));
}
