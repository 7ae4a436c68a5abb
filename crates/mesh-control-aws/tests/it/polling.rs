//! Changes of parameters and Cloud Map instances reach Envoys.

use axum::http::StatusCode;
use mesh_control::SourceStatus;
use mesh_control_aws::{EndpointPolicy, Options};
use serde_json::json;

use super::account::Account;
use super::aws_proxy::AwsProxy;
use super::task_set::{BLUE, Poller, ROUTE, SECOND_BLUE, TestMesh, route};
use crate::harness::eventually;

#[tokio::test]
async fn a_written_weight_shifts_traffic_without_failures() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    let poller = Poller::start(&account.config).await;
    let task_set = test_mesh.task_set(poller.xds()).await;
    task_set.wait_for_response_from("blue").await;
    let load = task_set.load().await;
    account.write(ROUTE, &route(0, 1)).await;
    task_set.wait_for_response_from("green").await;
    account.write(ROUTE, &route(1, 0)).await;
    task_set.wait_for_response_from("blue").await;
    load.stop_without_failures().await;
}

#[tokio::test]
async fn an_instance_gets_requests_from_registration_to_deregistration() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    let poller = Poller::start(&account.config).await;
    let mut task_set = test_mesh.task_set(poller.xds()).await;
    let second = test_mesh.task(poller.xds(), "blue", "second blue", SECOND_BLUE).await;
    task_set.wait_for_response_from("blue").await;
    let load = task_set.load().await;
    test_mesh.blue.register(SECOND_BLUE).await;
    task_set.wait_for_response_from("second blue").await;
    test_mesh.blue.deregister(BLUE).await;
    eventually("the first task gets no requests", async || {
        let before = task_set.tasks[0].application.requests();
        load.wait_for_responses(20).await;
        let after = task_set.tasks[0].application.requests();
        if before == after {
            Ok(())
        } else {
            Err(format!("{} requests", after - before))
        }
    })
    .await;
    // Only then does the task stop.
    drop(task_set.tasks.remove(0));
    load.wait_for_responses(100).await;
    load.stop_without_failures().await;
    assert!(second.application.requests() > 0);
}

#[tokio::test]
async fn an_instance_that_becomes_unhealthy_is_removed_without_a_new_revision() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    test_mesh.blue.register(SECOND_BLUE).await;
    let proxy = AwsProxy::start(account.config.endpoint_url().expect("an endpoint")).await;
    // In Cloud Map, a change of health does not change the revision.
    proxy.respond_with(
        "DiscoverInstancesRevision",
        StatusCode::OK,
        json!({"InstancesRevision": 7}),
    );
    let poller = Poller::start(&account.config_at(&proxy.address)).await;
    let task_set = test_mesh.task_set(poller.xds()).await;
    let second = test_mesh.task(poller.xds(), "blue", "second blue", SECOND_BLUE).await;
    task_set.wait_for_response_from("second blue").await;
    test_mesh.blue.set_unhealthy(SECOND_BLUE).await;
    eventually("the unhealthy task gets no requests", async || {
        let before = second.application.requests();
        for _ in 0..10 {
            task_set.get().await;
        }
        let after = second.application.requests();
        if before == after {
            Ok(())
        } else {
            Err(format!("{} requests", after - before))
        }
    })
    .await;
    test_mesh.blue.set_unhealthy(BLUE).await;
    let cloud_map = poller.source("Cloud Map", |source| !source.notes.is_empty()).await;
    assert_eq!(
        cloud_map.notes,
        ["blue.demo: none of 2 instances is healthy; one was before, so all are used"]
    );
}

#[tokio::test]
async fn a_rolling_replacement_before_cloud_map_reports_health_loses_no_request() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    let poller = Poller::start(&account.config).await;
    let mut task_set = test_mesh.task_set(poller.xds()).await;
    let second = test_mesh.task(poller.xds(), "blue", "second blue", SECOND_BLUE).await;
    task_set.wait_for_response_from("blue").await;
    let load = task_set.load().await;
    test_mesh.blue.register(SECOND_BLUE).await;
    // ECS registers it as unhealthy, and Cloud Map keeps that status for half a minute.
    test_mesh.blue.set_unhealthy(SECOND_BLUE).await;
    eventually("only the old task gets requests", async || {
        let before = second.application.requests();
        load.wait_for_responses(20).await;
        let after = second.application.requests();
        if before == after {
            Ok(())
        } else {
            Err(format!("{} requests", after - before))
        }
    })
    .await;
    let before = second.application.requests();
    // ECS finds it healthy and removes the old one.
    test_mesh.blue.deregister(BLUE).await;
    task_set.wait_for_response_from("second blue").await;
    let first = &task_set.tasks[0].application;
    eventually("the old task gets no requests", async || {
        let before = first.requests();
        load.wait_for_responses(20).await;
        let after = first.requests();
        if before == after {
            Ok(())
        } else {
            Err(format!("{} requests", after - before))
        }
    })
    .await;
    drop(task_set.tasks.remove(0));
    load.wait_for_responses(100).await;
    load.stop_without_failures().await;
    assert!(second.application.requests() > before + 100);
}

#[tokio::test]
async fn a_namespace_with_a_reused_name_is_resolved_by_its_id() {
    let account = Account::open().await;
    // Cloud Map adds a hash to the HTTP name, MiniStack does not.
    let (test_mesh, id) = TestMesh::open_in(&account, "demo-1a2b3c").await;
    let proxy = AwsProxy::start(account.config.endpoint_url().expect("an endpoint")).await;
    proxy.fail_with("GetNamespace", "AccessDeniedException", "for a test");
    let options = Options {
        namespaces: [("demo".to_owned(), id.clone())].into(),
        // Tasks of the tests are on loopback.
        endpoints: EndpointPolicy::within(["127.0.0.0/8".parse().expect("a network")]),
        ..Options::new(["demo"])
    };
    let poller = Poller::with(&account.config_at(&proxy.address), options).await;
    let name = format!("namespace demo, {id}");
    let source = poller.source(&name, |source| source.error.is_some()).await;
    let remedy = format!(
        "allow the action servicediscovery:GetNamespace on arn:aws:servicediscovery:*:*:namespace/{id} in a policy"
    );
    assert!(source.error.expect("an error").contains(&remedy));
    proxy.fail_with("GetNamespace", "NamespaceNotFound", "for a test");
    let wait_for_error = async |expected: &str| {
        let has_error = |source: &SourceStatus| source.error.as_ref().is_some_and(|error| error.ends_with(expected));
        poller.source(&name, has_error).await;
    };
    wait_for_error(&format!(
        "no such namespace in this account and region; look at --namespace demo={id}"
    ))
    .await;
    // The id of another namespace is a configuration error.
    proxy.reset();
    wait_for_error(&format!(
        "it is the namespace `demo-1a2b3c`, not `demo`; look at --namespace demo={id}"
    ))
    .await;
    let namespace = json!({
        "Id": id,
        "Name": "demo",
        "Properties": {"DnsProperties": {"HostedZoneId": "Z1"}, "HttpProperties": {"HttpName": "demo-1a2b3c"}},
    });
    proxy.respond_with("GetNamespace", StatusCode::OK, json!({"Namespace": namespace}));
    let source = poller.source(&name, |source| source.error.is_none()).await;
    assert_eq!(source.notes, ["its HTTP name is demo-1a2b3c"]);
    let task_set = test_mesh.task_set(poller.xds()).await;
    task_set.wait_for_response_from("blue").await;
    account.write(ROUTE, &route(0, 1)).await;
    task_set.wait_for_response_from("green").await;
}

#[tokio::test]
async fn an_invalid_parameter_is_on_the_status_page_and_requests_succeed() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    let poller = Poller::start(&account.config).await;
    let task_set = test_mesh.task_set(poller.xds()).await;
    task_set.wait_for_response_from("blue").await;
    let load = task_set.load().await;
    account.write_text(ROUTE, "{\"httpRoute\": ").await;
    account
        .write("virtualNode/green", &json!({"listeners": [{"port": 1}]}))
        .await;
    let name = "parameters of mesh demo";
    let source = poller.source(name, |source| source.notes.len() >= 2).await;
    assert_eq!(source.error, None);
    let has_note = |text: &str| {
        source
            .notes
            .iter()
            .any(|note| note.contains(text) && note.ends_with("its last valid value is kept"))
    };
    assert!(
        has_note("/meshwright/demo/virtualRouter/shop/route/all: is not valid JSON"),
        "{source:#?}"
    );
    assert!(
        has_note("/meshwright/demo/virtualNode/green.listeners[0]"),
        "{source:#?}"
    );
    assert_eq!(task_set.get().await, "blue");
    // The mesh itself is deleted by mistake.
    account.delete("").await;
    let source = poller.source(name, |source| source.error.is_some()).await;
    assert!(
        source
            .error
            .expect("an error")
            .contains("/meshwright/demo does not exist")
    );
    load.wait_for_responses(50).await;
    account.write("", &json!({})).await;
    account.write(ROUTE, &route(0, 1)).await;
    task_set.wait_for_response_from("green").await;
    load.stop_without_failures().await;
}
