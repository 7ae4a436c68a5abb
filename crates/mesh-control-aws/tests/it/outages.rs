//! Failures of the account: requests succeed, and the status page shows the cause.

use std::net::SocketAddr;

use mesh_control::SourceStatus;
use tokio::net::TcpStream;

use super::account::{Account, port_of, server};
use super::aws_proxy::AwsProxy;
use super::task_set::{Poller, ROUTE, TestMesh, route};
use crate::harness::eventually;

const PARAMETERS: &str = "parameters of mesh demo";

fn is_failing(source: &SourceStatus) -> bool {
    source.error.is_some()
}

fn is_healthy(source: &SourceStatus) -> bool {
    source.error.is_none() && source.last_success_seconds_ago.is_some()
}

#[tokio::test]
async fn an_outage_loses_no_request_and_later_changes_arrive() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = server(&folder, 0);
    let port = port_of(&running);
    let account = Account::on(&running);
    let test_mesh = TestMesh::open(&account).await;
    let poller = Poller::start(&account.config).await;
    let task_set = test_mesh.task_set(poller.xds()).await;
    task_set.wait_for_response_from("blue").await;
    let load = task_set.load().await;

    running.terminate().expect("MiniStack exits");
    for name in [PARAMETERS, "Cloud Map"] {
        let source = poller.source(name, is_failing).await;
        assert!(source.last_success_seconds_ago.is_some(), "{source:#?}");
        assert!(source.failing_for_seconds.is_some(), "{source:#?}");
        let error = source.error.expect("an error");
        assert!(error.contains("got no response: look at the endpoint"), "{error}");
    }
    poller.wait_until_healthy().await;
    // A task that starts meanwhile gets its configuration as well.
    let late = test_mesh
        .task(poller.xds(), "green", "green", super::task_set::SECOND_BLUE)
        .await;
    load.wait_for_responses(200).await;

    let running = server(&folder, port);
    let account_again = account.clone();
    account_again.write(ROUTE, &route(0, 1)).await;
    task_set.wait_for_response_from("green").await;
    for name in [PARAMETERS, "Cloud Map"] {
        poller.source(name, is_healthy).await;
    }
    load.stop_without_failures().await;
    drop((late, running));
}

#[tokio::test]
async fn throttled_and_denied_calls_are_reported_and_requests_succeed() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    let proxy = AwsProxy::start(account.config.endpoint_url().expect("an endpoint")).await;
    let poller = Poller::start(&account.config_at(&proxy.address)).await;
    let task_set = test_mesh.task_set(poller.xds()).await;
    task_set.wait_for_response_from("blue").await;
    let load = task_set.load().await;
    let cases = [
        (
            "GetParametersByPath",
            "ThrottlingException",
            PARAMETERS,
            "ssm:GetParametersByPath on /meshwright/demo is throttled",
        ),
        (
            "GetParameter",
            "AccessDeniedException",
            PARAMETERS,
            "ssm:GetParameter on /meshwright/demo is denied: allow the action ssm:GetParameter on \
             arn:aws:ssm:*:*:parameter/meshwright/demo",
        ),
        (
            "GetParametersByPath",
            "ExpiredTokenException",
            PARAMETERS,
            "has no valid credentials: they are missing or have expired",
        ),
        (
            "DiscoverInstancesRevision",
            "RequestLimitExceeded",
            "Cloud Map",
            "servicediscovery:DiscoverInstancesRevision on blue.demo is throttled",
        ),
        (
            "DiscoverInstances",
            "AccessDeniedException",
            "Cloud Map",
            "allow the action servicediscovery:DiscoverInstances on *",
        ),
    ];
    for (operation, code, source, expected) in cases {
        proxy.fail_with(operation, code, "for a test");
        let has_error = |source: &SourceStatus| source.error.as_ref().is_some_and(|error| error.contains(expected));
        poller.source(source, has_error).await;
        poller.wait_until_healthy().await;
        load.wait_for_responses(10).await;
        proxy.reset();
        poller.source(source, is_healthy).await;
    }
    account.write(ROUTE, &route(0, 1)).await;
    task_set.wait_for_response_from("green").await;
    load.stop_without_failures().await;
}

#[tokio::test]
async fn connections_are_refused_before_all_meshes_are_known() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    let proxy = AwsProxy::start(account.config.endpoint_url().expect("an endpoint")).await;
    proxy.fail_with("DiscoverInstances", "AccessDeniedException", "for a test");
    let poller = Poller::start(&account.config_at(&proxy.address)).await;
    let status = poller.control.addresses().status;
    let reason = eventually("the reason is known", async || {
        match mesh_control_aws::check_health(status).await {
            Err(reason) if reason.contains("is denied") => Ok(reason),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert!(
        reason.contains("mesh demo is not known yet: Cloud Map has not returned its endpoints"),
        "{reason}"
    );
    assert!(!accepts(poller.xds()).await, "a replica without a mesh accepts Envoys");
    proxy.reset();
    poller.wait_until_healthy().await;
    eventually("Envoys are served", async || {
        if accepts(poller.xds()).await {
            Ok(())
        } else {
            Err("refused".to_owned())
        }
    })
    .await;
    // Until querying it is allowed, green is resolved by DNS. Envoy 1.40 gets stuck if a cluster changes from DNS to
    // EDS while it starts and has not resolved the name yet.
    let is_known = |source: &SourceStatus| is_healthy(source) && source.notes.is_empty();
    poller.source("Cloud Map", is_known).await;
    let task_set = test_mesh.task_set(poller.xds()).await;
    task_set.wait_for_response_from("blue").await;
}

async fn accepts(at: SocketAddr) -> bool {
    TcpStream::connect(at).await.is_ok()
}
