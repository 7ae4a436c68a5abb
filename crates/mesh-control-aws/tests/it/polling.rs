//! Changes of parameters and Cloud Map instances reach Envoys.

use axum::http::StatusCode;
use mesh_control::SourceStatus;
use mesh_control_aws::{EndpointPolicy, Options};
use serde_json::json;

use super::account::Account;
use super::aws_proxy::Door;
use super::task_set::{BLUE, Poller, ROUTE, SECOND_BLUE, Shop, to};
use crate::harness::eventually;

#[tokio::test]
async fn a_written_weight_shifts_traffic_without_failures() {
    let account = Account::open().await;
    let shop = Shop::open(&account).await;
    let poller = Poller::start(&account.config).await;
    let staff = shop.staff(poller.xds()).await;
    staff.is_answered_by("blue").await;
    let load = staff.load().await;
    account.write(ROUTE, &to(0, 1)).await;
    staff.is_answered_by("green").await;
    account.write(ROUTE, &to(1, 0)).await;
    staff.is_answered_by("blue").await;
    load.stop_without_failures().await;
}

#[tokio::test]
async fn an_instance_gets_requests_from_registration_to_deregistration() {
    let account = Account::open().await;
    let shop = Shop::open(&account).await;
    let poller = Poller::start(&account.config).await;
    let mut staff = shop.staff(poller.xds()).await;
    let second = shop.task(poller.xds(), "blue", "second blue", SECOND_BLUE).await;
    staff.is_answered_by("blue").await;
    let load = staff.load().await;
    shop.blue.register(SECOND_BLUE).await;
    staff.is_answered_by("second blue").await;
    shop.blue.deregister(BLUE).await;
    eventually("the first is not called any more", async || {
        let before = staff.tasks[0].application.requests();
        load.another(20).await;
        let after = staff.tasks[0].application.requests();
        if before == after {
            Ok(())
        } else {
            Err(format!("{} requests", after - before))
        }
    })
    .await;
    // Then it is deregistered.
    drop(staff.tasks.remove(0));
    load.another(100).await;
    load.stop_without_failures().await;
    assert!(second.application.requests() > 0);
}

#[tokio::test]
async fn an_instance_that_becomes_unhealthy_is_removed_without_a_new_revision() {
    let account = Account::open().await;
    let shop = Shop::open(&account).await;
    shop.blue.register(SECOND_BLUE).await;
    let door = Door::to(account.config.endpoint_url().expect("an endpoint")).await;
    // As in Cloud Map: a change of health is no new revision.
    door.answer(
        "DiscoverInstancesRevision",
        StatusCode::OK,
        json!({"InstancesRevision": 7}),
    );
    let poller = Poller::start(&account.config_at(&door.address)).await;
    let staff = shop.staff(poller.xds()).await;
    let second = shop.task(poller.xds(), "blue", "second blue", SECOND_BLUE).await;
    staff.is_answered_by("second blue").await;
    shop.blue.is_unhealthy(SECOND_BLUE).await;
    eventually("the ill one is not called any more", async || {
        let before = second.application.requests();
        for _ in 0..10 {
            staff.answer().await;
        }
        let after = second.application.requests();
        if before == after {
            Ok(())
        } else {
            Err(format!("{} requests", after - before))
        }
    })
    .await;
    shop.blue.is_unhealthy(BLUE).await;
    let cloud_map = poller.source("Cloud Map", |source| !source.notes.is_empty()).await;
    assert_eq!(
        cloud_map.notes,
        ["blue.demo: none of 2 instances is healthy; one was before, so all are used"]
    );
}

#[tokio::test]
async fn a_rolling_replacement_before_cloud_map_reports_health_loses_no_request() {
    let account = Account::open().await;
    let shop = Shop::open(&account).await;
    let poller = Poller::start(&account.config).await;
    let mut staff = shop.staff(poller.xds()).await;
    let second = shop.task(poller.xds(), "blue", "second blue", SECOND_BLUE).await;
    staff.is_answered_by("blue").await;
    let load = staff.load().await;
    shop.blue.register(SECOND_BLUE).await;
    // As ECS registers it, and Cloud Map keeps it for half a minute.
    shop.blue.is_unhealthy(SECOND_BLUE).await;
    eventually("only the old one is called", async || {
        let before = second.application.requests();
        load.another(20).await;
        let after = second.application.requests();
        if before == after {
            Ok(())
        } else {
            Err(format!("{} requests", after - before))
        }
    })
    .await;
    let before = second.application.requests();
    // It is healthy for ECS, which removes the old one.
    shop.blue.deregister(BLUE).await;
    staff.is_answered_by("second blue").await;
    let first = &staff.tasks[0].application;
    eventually("the old one is not called any more", async || {
        let before = first.requests();
        load.another(20).await;
        let after = first.requests();
        if before == after {
            Ok(())
        } else {
            Err(format!("{} requests", after - before))
        }
    })
    .await;
    drop(staff.tasks.remove(0));
    load.another(100).await;
    load.stop_without_failures().await;
    assert!(second.application.requests() > before + 100);
}

#[tokio::test]
async fn a_namespace_with_a_reused_name_is_resolved_by_its_id() {
    let account = Account::open().await;
    // Cloud Map changes the name, MiniStack does not.
    let (shop, id) = Shop::open_in(&account, "demo-1a2b3c").await;
    let door = Door::to(account.config.endpoint_url().expect("an endpoint")).await;
    door.refuse("GetNamespace", "AccessDeniedException", "for a test");
    let options = Options {
        namespaces: [("demo".to_owned(), id.clone())].into(),
        // Tasks of the tests are on loopback.
        endpoints: EndpointPolicy::within(["127.0.0.0/8".parse().expect("a network")]),
        ..Options::new(["demo"])
    };
    let poller = Poller::with(&account.config_at(&door.address), options).await;
    let name = format!("namespace demo, {id}");
    let source = poller.source(&name, |source| source.error.is_some()).await;
    let remedy = format!(
        "allow the action servicediscovery:GetNamespace on arn:aws:servicediscovery:*:*:namespace/{id} in the role"
    );
    assert!(source.error.expect("an error").contains(&remedy));
    door.refuse("GetNamespace", "NamespaceNotFound", "for a test");
    let says = async |expected: &str| {
        let says = |source: &SourceStatus| source.error.as_ref().is_some_and(|error| error.ends_with(expected));
        poller.source(&name, says).await;
    };
    says(&format!(
        "no such namespace in this account and region; look at --namespace demo={id}"
    ))
    .await;
    // The id of another namespace is a configuration error.
    door.open();
    says(&format!(
        "it is the namespace `demo-1a2b3c`, not `demo`; look at --namespace demo={id}"
    ))
    .await;
    let namespace = json!({
        "Id": id,
        "Name": "demo",
        "Properties": {"DnsProperties": {"HostedZoneId": "Z1"}, "HttpProperties": {"HttpName": "demo-1a2b3c"}},
    });
    door.answer("GetNamespace", StatusCode::OK, json!({"Namespace": namespace}));
    let source = poller.source(&name, |source| source.error.is_none()).await;
    assert_eq!(source.notes, ["its HTTP name is demo-1a2b3c"]);
    let staff = shop.staff(poller.xds()).await;
    staff.is_answered_by("blue").await;
    account.write(ROUTE, &to(0, 1)).await;
    staff.is_answered_by("green").await;
}

#[tokio::test]
async fn an_invalid_parameter_is_on_the_status_page_and_requests_succeed() {
    let account = Account::open().await;
    let shop = Shop::open(&account).await;
    let poller = Poller::start(&account.config).await;
    let staff = shop.staff(poller.xds()).await;
    staff.is_answered_by("blue").await;
    let load = staff.load().await;
    account.write_text(ROUTE, "{\"httpRoute\": ").await;
    account
        .write("virtualNode/green", &json!({"listeners": [{"port": 1}]}))
        .await;
    let name = "parameters of mesh demo";
    let source = poller.source(name, |source| source.notes.len() >= 2).await;
    assert_eq!(source.error, None);
    let says = |text: &str| {
        source
            .notes
            .iter()
            .any(|note| note.contains(text) && note.ends_with("its last valid value is kept"))
    };
    assert!(
        says("/meshwright/demo/virtualRouter/shop/route/all: is not valid JSON"),
        "{source:#?}"
    );
    assert!(says("/meshwright/demo/virtualNode/green.listeners[0]"), "{source:#?}");
    assert_eq!(staff.answer().await, "blue");
    // The mesh itself is deleted by mistake.
    account.delete("").await;
    let source = poller.source(name, |source| source.error.is_some()).await;
    assert!(
        source
            .error
            .expect("an error")
            .contains("/meshwright/demo does not exist")
    );
    load.another(50).await;
    account.write("", &json!({})).await;
    account.write(ROUTE, &to(0, 1)).await;
    staff.is_answered_by("green").await;
    load.stop_without_failures().await;
}
