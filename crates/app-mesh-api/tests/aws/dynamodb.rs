//! State in DynamoDB, with several replicas: conflicts, lost responses, throttling, outages.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use app_mesh_api::store::dynamodb::DynamoDbStore;
use app_mesh_api::store::{CommitError, Delta};
use app_mesh_api::{Caller, ErrorCode, Operation, Service, Settings, Store};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::json;
use testkit::{Fault, FaultProxy, Server, wait_until, with_timeout};

/// A table of its own for each test, in one emulator.
struct Table {
    name: String,
    emulator: Arc<Server>,
}

impl Table {
    async fn create() -> Self {
        static EMULATOR: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let start = || Server::shared(&EMULATOR, || Server::ministack(testkit::python_tools()));
        let emulator = tokio::task::spawn_blocking(start)
            .await
            .unwrap()
            .expect("MiniStack starts");
        let name = format!("meshes-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let table = Self { name, emulator };
        let attribute = |name: &str| {
            let builder = AttributeDefinition::builder().attribute_name(name);
            builder.attribute_type(ScalarAttributeType::S).build().unwrap()
        };
        let key = |name: &str, kind| {
            KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(kind)
                .build()
                .unwrap()
        };
        table
            .client()
            .create_table()
            .table_name(&table.name)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute("pk"))
            .attribute_definitions(attribute("sk"))
            .key_schema(key("pk", KeyType::Hash))
            .key_schema(key("sk", KeyType::Range))
            .send()
            .await
            .expect("a table");
        table
    }

    fn client(&self) -> Client {
        client_at(self.emulator.address())
    }

    fn store(&self) -> DynamoDbStore {
        DynamoDbStore::new(self.client(), &self.name)
    }

    async fn replica(&self) -> Service {
        Service::open(self.store(), Settings::default())
            .await
            .expect("a replica")
    }
}

fn client_at(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(20)))
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(Duration::from_secs(5))
                .build(),
        );
    Client::from_conf(config.build())
}

fn caller() -> Caller {
    Caller::unrestricted("test")
}

fn create(path: ResourcePath) -> Operation {
    Operation::Create {
        spec: Some(json!({})),
        path,
        tags: Default::default(),
        client_token: None,
    }
}

fn node(name: &str) -> ResourcePath {
    ResourcePath::new("demo", Kind::VirtualNode, name)
}

fn mesh() -> ResourcePath {
    ResourcePath::of_mesh("demo")
}

async fn run(service: &Service, operation: Operation) -> Result<(), ErrorCode> {
    service
        .run(&caller(), operation)
        .await
        .map(drop)
        .map_err(|error| error.code())
}

/// The names of the resources of a replica.
fn names(service: &Service) -> Vec<String> {
    service
        .registry()
        .records()
        .map(|record| record.path.to_string())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_for_the_next_process() {
    let table = Table::create().await;
    let first = table.replica().await;
    run(&first, create(mesh())).await.unwrap();
    for name in ["blue", "green"] {
        run(&first, create(node(name))).await.unwrap();
    }
    run(&first, Operation::Delete(node("green"))).await.unwrap();
    let next = table.replica().await;
    assert_eq!(names(&next), ["mesh/demo", "mesh/demo/virtualNode/blue"]);
    let records = |service: &Service| service.registry().records().cloned().collect::<Vec<_>>();
    assert_eq!(records(&next), records(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writes_of_two_replicas_are_all_kept() {
    // Together AWS's limit for the tags of a resource.
    const WRITES: usize = 25;
    let table = Table::create().await;
    let replicas = [table.replica().await, table.replica().await];
    run(&replicas[0], create(mesh())).await.unwrap();
    // Each write reads the tags and adds one: an update that overwrites another one loses its tag.
    let mut writers = tokio::task::JoinSet::new();
    for (replica, service) in replicas.iter().enumerate() {
        for write in 0..WRITES {
            let service = service.clone();
            writers.spawn(async move {
                let operation = Operation::Tag {
                    path: mesh(),
                    tags: [(format!("{replica}-{write}"), String::new())].into(),
                };
                // The second replica may not have seen the mesh yet, and reads it.
                assert_eq!(run(&service, operation).await, Ok(()));
            });
            // Some together, some one after another.
            if write % 3 == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    writers.join_all().await;
    let stored = table.replica().await;
    let tags = |service: &Service| service.registry().get(&mesh()).map_or(0, |record| record.tags().len());
    let expected = 2 * WRITES;
    assert_eq!(tags(&stored), expected);
    for replica in &replicas {
        wait_until("the replica has all tags", async || tags(replica) == expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_has_created_is_there_for_a_write_of_another() {
    let table = Table::create().await;
    let (a, b) = (table.replica().await, table.replica().await);
    run(&a, create(mesh())).await.unwrap();
    for round in 0..5 {
        let router = format!("router-{round}");
        run(&a, create(ResourcePath::new("demo", Kind::VirtualRouter, &router)))
            .await
            .unwrap();
        let route = Operation::Create {
            path: ResourcePath::within("demo", &router, Kind::Route, "all"),
            spec: Some(json!({"tcpRoute": {"action": {"weightedTargets": [{"virtualNode": "n", "weight": 1}]}}})),
            tags: Default::default(),
            client_token: None,
        };
        assert_eq!(run(&b, route).await, Ok(()), "{router}");
        run(&b, create(node("blue"))).await.unwrap();
        assert_eq!(run(&a, create(node("blue"))).await, Err(ErrorCode::Conflict));
        run(&b, Operation::Delete(node("blue"))).await.unwrap();
        assert_eq!(run(&a, create(node("blue"))).await, Ok(()));
        run(&a, Operation::Delete(node("blue"))).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_that_create_one_name_one_succeeds() {
    let table = Table::create().await;
    let (first, second) = (table.replica().await, table.replica().await);
    for round in 0..10 {
        let path = ResourcePath::of_mesh(&format!("mesh-{round}"));
        let (a, b) = tokio::join!(run(&first, create(path.clone())), run(&second, create(path)));
        let mut results = [a, b];
        results.sort_by_key(Result::is_err);
        assert_eq!(results, [Ok(()), Err(ErrorCode::Conflict)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_sees_the_changes_of_another_one() {
    let table = Table::create().await;
    let (writer, reader) = (table.replica().await, table.replica().await);
    let mut meshes = reader.subscribe();
    run(&writer, create(mesh())).await.unwrap();
    with_timeout(meshes.changed()).await.unwrap();
    assert!(meshes.borrow_and_update().contains_key("demo"));
    run(&writer, create(node("blue"))).await.unwrap();
    wait_until("the node is there", async || {
        reader.registry().get(&node("blue")).is_some()
    })
    .await;
    run(&writer, Operation::Delete(node("blue"))).await.unwrap();
    wait_until("the node is gone", async || {
        reader.registry().get(&node("blue")).is_none()
    })
    .await;
    // A write of the other replica starts from there.
    run(&reader, Operation::Delete(mesh())).await.unwrap();
    assert_eq!(run(&writer, create(node("green"))).await, Err(ErrorCode::NotFound));
}

/// The change that creates a resource, as another process has made it.
async fn change(path: ResourcePath) -> app_mesh_api::registry::Change {
    let service = Service::open(app_mesh_api::MemoryStore::new(), Settings::default())
        .await
        .unwrap();
    run(&service, create(ResourcePath::of_mesh(&path.mesh))).await.unwrap();
    if path.kind != Kind::Mesh {
        run(&service, create(path.clone())).await.unwrap();
    }
    let after = service.registry().get(&path).cloned();
    app_mesh_api::registry::Change {
        path,
        before: None,
        after,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_with_an_outdated_revision_stores_nothing() {
    let table = Table::create().await;
    let store = table.store();
    assert_eq!(store.load().await.unwrap().revision, 0);
    let mesh_change = change(mesh()).await;
    assert_eq!(store.commit(0, std::slice::from_ref(&mesh_change)).await.unwrap(), 1);
    for outdated in [0, 2, 7] {
        let other = change(ResourcePath::of_mesh("other")).await;
        let result = store.commit(outdated, &[other]).await;
        assert!(matches!(result, Err(CommitError::Conflict)), "{outdated}: {result:?}");
    }
    let loaded = store.load().await.unwrap();
    assert_eq!((loaded.revision, loaded.records.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_read_alone_as_long_as_the_log_has_them() {
    let table = Table::create().await;
    let store = table.store();
    // As many as a commit may have, and more than a response of DynamoDB has.
    let mut changes = vec![change(mesh()).await];
    let padding = "x".repeat(20_000);
    for name in 1..store.max_changes() {
        let mut node = change(node(&format!("node-{name}"))).await;
        let record = node.after.take().unwrap();
        let mut json: serde_json::Value = serde_json::from_slice(&record.encode()).unwrap();
        json["spec"] = json!({ "padding": padding });
        let record = app_mesh_api::registry::Record::decode(node.path.clone(), json.to_string().as_bytes()).unwrap();
        node.after = Some(Arc::new(record));
        changes.push(node);
    }
    assert_eq!(store.commit(0, &changes).await.unwrap(), 1);
    assert_eq!(store.load().await.unwrap().records.len(), store.max_changes());

    let deletion = app_mesh_api::registry::Change {
        path: node("node-1"),
        before: changes[1].after.clone(),
        after: None,
    };
    assert_eq!(store.commit(1, &[deletion]).await.unwrap(), 2);
    let expected = Delta {
        revision: 2,
        records: vec![(node("node-1"), None)],
    };
    assert_eq!(store.changes_since(1).await.unwrap(), Some(expected));
    let all = store.changes_since(0).await.unwrap().expect("the log has them");
    assert_eq!((all.revision, all.records.len()), (2, store.max_changes()));
    let none = store.changes_since(2).await.unwrap().expect("nothing changed");
    assert_eq!((none.revision, none.records.len()), (2, 0));

    // TTL has removed an entry.
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let deleted = table.client().delete_item().table_name(&table.name);
    deleted
        .key("pk", text("log"))
        .key("sk", text("00000000000000000001"))
        .send()
        .await
        .unwrap();
    assert_eq!(store.changes_since(0).await.unwrap(), None);
    assert!(store.changes_since(1).await.unwrap().is_some());
    // The table was restored from an earlier state.
    assert_eq!(store.changes_since(9).await.unwrap(), None);
}

/// A replica behind a proxy with faults.
async fn behind_proxy(table: &Table) -> (FaultProxy, Service) {
    let proxy = FaultProxy::start(table.emulator.address()).await;
    let store = DynamoDbStore::new(client_at(&proxy.url()), &table.name);
    let service = Service::open(store, Settings::default()).await.expect("a replica");
    (proxy, service)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_response_is_lost_is_applied_once() {
    let table = Table::create().await;
    let (proxy, replica) = behind_proxy(&table).await;
    proxy.inject_times(1, &["TransactWriteItems"], Fault::LoseResponse);
    run(&replica, create(mesh())).await.unwrap();
    let stored = table.store().load().await.unwrap();
    assert_eq!((stored.revision, stored.records.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_fail_while_dynamodb_throttles_or_is_away_and_reads_do_not() {
    let table = Table::create().await;
    let (proxy, replica) = behind_proxy(&table).await;
    run(&replica, create(mesh())).await.unwrap();
    for fault in [Fault::Throttle, Fault::Unavailable, Fault::Drop, Fault::Deny] {
        proxy.inject(&["DynamoDB"], fault);
        let error = replica.run(&caller(), create(node("blue"))).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ServiceUnavailable, "{fault:?}: {error}");
        assert!(!error.message().contains(&table.name), "{fault:?}: {error}");
        run(&replica, Operation::Describe(mesh())).await.unwrap();
        proxy.heal();
        // Another replica has written meanwhile.
        let other = table.replica().await;
        run(&other, create(node("green"))).await.unwrap();
        wait_until("writes are accepted again", async || {
            run(&replica, Operation::Delete(node("green"))).await.is_ok()
        })
        .await;
    }
    assert_eq!(names(&table.replica().await), ["mesh/demo"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_is_named_with_its_keys() {
    let table = Table::create().await;
    let store = DynamoDbStore::new(table.client(), "other-table");
    let message = Service::open(store, Settings::default()).await.unwrap_err();
    let message = std::error::Error::source(&message)
        .expect("the store's error")
        .to_string();
    assert!(
        message.contains("other-table") && message.contains("pk (partition)"),
        "{message}"
    );
}
