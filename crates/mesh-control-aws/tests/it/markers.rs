//! Revision markers, lists of namespaces, and the end of an outage, with intervals that would never end otherwise.

use std::time::Duration;

use axum::http::StatusCode;
use mesh_control_aws::{EndpointPolicy, Options, PollIntervals};
use serde_json::json;
use testkit::{Fault, FaultProxy};

use super::account::Account;
use super::aws_proxy::AwsProxy;
use super::task_set::{BLUE, Poller, ROUTE, SECOND_BLUE, TEST_INTERVALS, TestMesh, route};
use crate::harness::eventually;

const MARKER: &str = "/meshwright-revision/demo/shop";

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3600);

fn options(intervals: PollIntervals) -> Options {
    Options {
        intervals,
        // Tasks of the tests are on loopback.
        endpoints: EndpointPolicy::within(["127.0.0.0/8".parse().expect("a network")]),
        ..Options::new(["demo"])
    }
}

async fn proxy_of(account: &Account) -> FaultProxy {
    FaultProxy::start(account.config.endpoint_url().expect("an endpoint")).await
}

#[tokio::test]
async fn parameters_are_read_once_the_marker_has_changed() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    account.write_at(MARKER, "1").await;
    let intervals = PollIntervals {
        parameters: NEVER,
        ..TEST_INTERVALS
    };
    let poller = Poller::with(&account.config, options(intervals)).await;
    let task_set = test_mesh.task_set(poller.xds()).await;
    task_set.wait_for_response_from("blue").await;
    account.write(ROUTE, &route(0, 1)).await;
    account.write_at(MARKER, "2").await;
    task_set.wait_for_response_from("green").await;
    // A second stack writes to the mesh.
    account.write(ROUTE, &route(1, 0)).await;
    account.write_at("/meshwright-revision/demo/other", "1").await;
    task_set.wait_for_response_from("blue").await;
}

#[tokio::test]
async fn without_permission_for_markers_all_parameters_are_read_and_the_status_page_has_the_remedy() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    account.write_at(MARKER, "1").await;
    let proxy = proxy_of(&account).await;
    proxy.inject(&["GetParametersByPath", "/meshwright-revision/demo"], Fault::Deny);
    let poller = Poller::start(&account.config_at(&proxy.url())).await;
    let task_set = test_mesh.task_set(poller.xds()).await;
    task_set.wait_for_response_from("blue").await;
    account.write(ROUTE, &route(0, 1)).await;
    task_set.wait_for_response_from("green").await;
    let source = poller
        .source("parameters of mesh demo", |source| !source.notes.is_empty())
        .await;
    assert_eq!(source.error, None);
    let remedy = "allow ssm:GetParametersByPath on /meshwright-revision/demo in the role of this task";
    assert!(source.notes[0].ends_with(remedy), "{source:#?}");
}

#[tokio::test]
async fn the_first_response_after_an_outage_is_followed_by_a_read_of_all_parameters() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    account.write_at(MARKER, "1").await;
    let proxy = proxy_of(&account).await;
    let intervals = PollIntervals {
        parameters: NEVER,
        longest: NEVER,
        ..TEST_INTERVALS
    };
    let poller = Poller::with(&account.config_at(&proxy.url()), options(intervals)).await;
    let task_set = test_mesh.task_set(poller.xds()).await;
    task_set.wait_for_response_from("blue").await;
    // The read that the marker asks for fails, and the next one would be in two hours.
    proxy.inject(&["GetParametersByPath", "\"/meshwright/demo\""], Fault::Unavailable);
    account.write_at(MARKER, "2").await;
    let parameters = "parameters of mesh demo";
    poller.source(parameters, |source| source.error.is_some()).await;
    proxy.inject(&[], Fault::Unavailable);
    poller.source("Cloud Map", |source| source.error.is_some()).await;
    let before = proxy.calls().len();
    eventually("markers are read during the outage", async || {
        let calls = proxy.calls();
        let reads = calls[before..]
            .iter()
            .filter(|call| call.ends_with("GetParametersByPath"));
        if reads.count() > 10 {
            Ok(())
        } else {
            Err(calls.len().to_string())
        }
    })
    .await;
    account.write(ROUTE, &route(0, 1)).await;
    proxy.heal();
    task_set.wait_for_response_from("green").await;
    for name in [parameters, "Cloud Map"] {
        poller.source(name, |source| source.error.is_none()).await;
    }
}

#[tokio::test]
async fn a_read_that_hangs_since_the_outage_is_not_waited_for() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    account.write_at(MARKER, "1").await;
    let proxy = proxy_of(&account).await;
    let intervals = PollIntervals {
        parameters: Duration::from_millis(150),
        unmarked_changes: Duration::from_millis(150),
        ..TEST_INTERVALS
    };
    let poller = Poller::with(&account.config_at(&proxy.url()), options(intervals)).await;
    let task_set = test_mesh.task_set(poller.xds()).await;
    task_set.wait_for_response_from("blue").await;
    let parameters = "parameters of mesh demo";
    proxy.inject(&["AmazonSSM"], Fault::Unavailable);
    poller.source(parameters, |source| source.error.is_some()).await;
    proxy.heal();
    proxy.inject(&["AmazonSSM"], Fault::Hang);
    poller.source(parameters, |source| source.error.is_some()).await;
    account.write(ROUTE, &route(0, 1)).await;
    proxy.heal();
    task_set.wait_for_response_from("green").await;
}

#[tokio::test]
async fn a_list_of_the_namespace_replaces_the_revision_of_each_service() {
    let account = Account::open().await;
    let (test_mesh, id) = TestMesh::open_in(&account, "demo").await;
    // MiniStack returns services without their numbers of instances.
    let lists = AwsProxy::start(account.config.endpoint_url().expect("an endpoint")).await;
    let list = |blue: u32| {
        let services = json!([{"Name": "blue", "InstanceCount": blue}, {"Name": "green", "InstanceCount": 1}]);
        lists.respond_with("ListServices", StatusCode::OK, json!({"Services": services}));
    };
    list(1);
    let proxy = FaultProxy::start(&lists.address).await;
    let intervals = PollIntervals {
        endpoints: Duration::from_secs(3),
        health: NEVER,
        unused: NEVER,
        active_for: Duration::ZERO,
        ..TEST_INTERVALS
    };
    let options = Options {
        namespaces: [("demo".to_owned(), id)].into(),
        ..options(intervals)
    };
    let poller = Poller::with(&account.config_at(&proxy.url()), options).await;
    let task_set = test_mesh.task_set(poller.xds()).await;
    let second = test_mesh.task(poller.xds(), "blue", "second blue", SECOND_BLUE).await;
    task_set.wait_for_response_from("blue").await;
    test_mesh.blue.register(SECOND_BLUE).await;
    list(2);
    task_set.wait_for_response_from("second blue").await;
    test_mesh.blue.deregister(BLUE).await;
    list(1);
    eventually("the first task gets no requests", async || {
        let before = task_set.tasks[0].application.requests();
        for _ in 0..10 {
            task_set.get().await;
        }
        let after = task_set.tasks[0].application.requests();
        if before == after {
            Ok(())
        } else {
            Err(format!("{} requests", after - before))
        }
    })
    .await;
    assert!(second.application.requests() > 0);
    let calls = proxy.calls();
    let count = |operation: &str| calls.iter().filter(|call| call.ends_with(operation)).count();
    assert!(count("ListServices") >= 2, "{calls:?}");
    assert!(count("DiscoverInstancesRevision") == 0, "{calls:?}");
}
