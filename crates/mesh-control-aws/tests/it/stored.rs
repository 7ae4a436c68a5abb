//! Stored configurations: a replica that starts while the account does not answer serves them.

use std::path::Path;
use std::time::Duration;

use config_store::{SigningKey, Store};
use mesh_control_aws::{ConfigStore, EndpointPolicy, Options};
use tempfile::TempDir;
use testkit::{Fault, FaultProxy};

use super::account::{Account, port_of, server};
use super::task_set::{Poller, ROUTE, TaskSet, TestMesh, route};
use crate::harness::eventually;

fn options(folder: &Path) -> Options {
    let day = Duration::from_secs(24 * 3600);
    let key = SigningKey::read(&folder.join("key.pem")).expect("the key");
    Options {
        endpoints: EndpointPolicy::within(["127.0.0.0/8".parse().expect("a network")]),
        store: Some(ConfigStore::new(Store::folder(folder.join("store")), key, day)),
        ..Options::new(["demo"])
    }
}

/// A folder with a key pair, and without a store yet.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let (private, public) = (folder.path().join("key.pem"), folder.path().join("public.pem"));
    SigningKey::generate(&private, &public).expect("a key pair");
    folder
}

/// Runs the tasks of a mesh at a replica until the store has the configurations of all of them.
async fn with_stored_configurations(test_mesh: &TestMesh, first: Poller, folder: &Path) -> TaskSet {
    let task_set = test_mesh.task_set(first.xds()).await;
    task_set.wait_for_response_from("blue").await;
    let views = folder.join("store/views");
    eventually("the views of three nodes are stored", async || {
        let count = std::fs::read_dir(&views).map_or(0, Iterator::count);
        if count == 3 {
            Ok(())
        } else {
            Err(format!("{count} views"))
        }
    })
    .await;
    first
        .source("stored configurations", |source| source.error.is_none())
        .await;
    task_set
}

/// Checks that a replica serves a caller that starts from the store, and is healthy.
async fn assert_serves_stored(replica: &Poller, task_set: &mut TaskSet) {
    task_set.restart_caller(replica.xds()).await;
    assert_eq!(task_set.get().await, "blue");
    let status = replica.control.status();
    let caller = status.nodes.iter().find(|node| node.id.ends_with("/caller"));
    let notes = &caller.expect("the caller is connected").notes;
    assert!(notes[0].starts_with("stored configuration, accepted "), "{notes:?}");
    let health = mesh_control_aws::check_health(replica.control.addresses().status).await;
    health.expect("a replica that serves its Envoys is not replaced");
}

#[tokio::test]
async fn a_replica_that_starts_in_an_outage_serves_what_envoys_had_accepted() {
    let folder = folder();
    let running = server(&folder, 0);
    let port = port_of(&running);
    let account = Account::on(&running);
    let test_mesh = TestMesh::open(&account).await;
    let first = Poller::with(&account.config, options(folder.path())).await;
    let mut task_set = with_stored_configurations(&test_mesh, first, folder.path()).await;

    // Both the account and the control plane are gone; a new replica starts, and a new task of the caller.
    running.terminate().expect("MiniStack exits");
    let second = Poller::with(&account.config, options(folder.path())).await;
    assert_serves_stored(&second, &mut task_set).await;

    // The account is back: the Envoy moves to what it says.
    let load = task_set.load().await;
    let running = server(&folder, port);
    account.write(ROUTE, &route(0, 1)).await;
    task_set.wait_for_response_from("green").await;
    load.stop_without_failures().await;
    drop(running);
}

#[tokio::test]
async fn a_replica_that_starts_while_the_account_throttles_serves_what_envoys_had_accepted() {
    let folder = folder();
    let account = Account::open().await;
    let proxy = FaultProxy::start(account.config.endpoint_url().expect("an endpoint")).await;
    let config = account.config_at(&proxy.url());
    let test_mesh = TestMesh::open(&account).await;
    let first = Poller::with(&config, options(folder.path())).await;
    let mut task_set = with_stored_configurations(&test_mesh, first, folder.path()).await;

    // Every call is one too many.
    proxy.inject(&[], Fault::Throttle);
    let second = Poller::with(&config, options(folder.path())).await;
    assert_serves_stored(&second, &mut task_set).await;

    // There are fewer calls: the Envoy moves to what the account says.
    let load = task_set.load().await;
    account.write(ROUTE, &route(0, 1)).await;
    proxy.heal();
    task_set.wait_for_response_from("green").await;
    load.stop_without_failures().await;
}
