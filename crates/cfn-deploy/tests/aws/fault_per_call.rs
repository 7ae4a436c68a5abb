//! Fault per call: each call fails once; a retry succeeds and nothing is left incomplete.

use std::sync::atomic::{AtomicUsize, Ordering};

use cfn_deploy::{ChangeSetOutcome, DeploymentInput, Environment, Error};
use serde_json::json;

use crate::connection::Response;
use crate::failing::assert_readable;
use crate::fixture::{AccountFixture, ssm_parameter, template};

/// An environment whose call of this number, from 0, fails with this code.
fn failing(account: &AccountFixture, number: usize, code: &'static str) -> Environment {
    let count = AtomicUsize::new(0);
    let script = move |request: &crate::connection::RecordedRequest| {
        let is_selected = count.fetch_add(1, Ordering::SeqCst) == number;
        let of_cloudformation = request.body.contains("Action=");
        let response = if of_cloudformation {
            Response::error(403, code, "You may not.")
        } else {
            Response::json(400, &json!({"__type": code, "message": "You may not."}).to_string())
        };
        is_selected.then_some(response)
    };
    account.scripted(script).0
}

fn input(value: &str) -> DeploymentInput {
    DeploymentInput::new(
        "shop",
        template(&json!({
            "A": ssm_parameter("/a", value),
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ServiceConnectDefaults": {"Namespace": "shop"}}},
            "Own": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "own"}},
            "Registry": {"Type": "AWS::ServiceDiscovery::Service", "Properties": {"Name": "node", "NamespaceId": {"Ref": "Own"}}},
        })),
    )
}

async fn deploy(environment: &Environment, input: &DeploymentInput) -> Result<(), Error> {
    if let ChangeSetOutcome::Ready(change_set) = environment.create_change_set(input).await? {
        change_set.execute(&mut ()).await?;
    }
    Ok(())
}

/// Runs an operation repeatedly; in each run, another one of its calls fails. Returns the number of calls.
async fn fail_each_call(
    code: &'static str,
    before: impl AsyncFn(&AccountFixture),
    operation: impl AsyncFn(&Environment) -> Result<(), Error>,
    after: impl AsyncFn(&AccountFixture),
) -> usize {
    for number in 0.. {
        let account = AccountFixture::new();
        before(&account).await;
        let result = operation(&failing(&account, number, code)).await;
        let Err(error) = result else { return number };
        assert_readable(&error);
        assert!(error.to_string().contains("in us-east-1"), "{number}: {error}");
        // An operation in progress may have ended meanwhile.
        let environment = account.environment();
        environment.wait("shop", &mut ()).await.unwrap();
        operation(&environment)
            .await
            .unwrap_or_else(|again| panic!("{number}: {error}, and then {again}"));
        after(&account).await;
    }
    unreachable!()
}

#[tokio::test]
async fn a_creation_can_be_retried_after_any_failed_call() {
    let calls = fail_each_call(
        "AccessDenied",
        async |_| {},
        async |environment| deploy(environment, &input("1")).await,
        async |account| {
            let deployed = account.environment().deployed("shop").await.unwrap().unwrap();
            assert_eq!(deployed.status.as_str(), "CREATE_COMPLETE");
            assert_eq!(account.change_sets("shop").await, [""; 0]);
        },
    )
    .await;
    assert!(
        calls >= 6,
        "describe, create, describe, execute, events, describe: {calls}"
    );
}

#[tokio::test]
async fn an_update_can_be_retried_after_any_failed_call() {
    let calls = fail_each_call(
        "ExpiredToken",
        async |account| deploy(&account.environment(), &input("1")).await.unwrap(),
        async |environment| deploy(environment, &input("2")).await,
        async |account| {
            let deployed = account.environment().deployed("shop").await.unwrap().unwrap();
            assert_eq!(deployed.template().unwrap(), *input("2").template());
            let value = account
                .call_json("ssm", "AmazonSSM.GetParameter", &json!({"Name": "/a"}))
                .await;
            assert_eq!(value["Parameter"]["Value"], "2");
        },
    )
    .await;
    assert!(calls >= 7, "{calls}");
}

#[tokio::test]
async fn a_comparison_changes_nothing_after_any_failed_call() {
    fail_each_call(
        "AccessDenied",
        async |account| deploy(&account.environment(), &input("1")).await.unwrap(),
        async |environment| environment.compare(&input("2")).await.map(|_| ()),
        async |account| {
            let deployed = account.environment().deployed("shop").await.unwrap().unwrap();
            assert_eq!(deployed.template().unwrap(), *input("1").template());
            assert_eq!(deployed.status.as_str(), "CREATE_COMPLETE");
        },
    )
    .await;
}

#[tokio::test]
async fn a_deletion_can_be_retried_after_any_failed_call() {
    let calls = fail_each_call(
        "AccessDeniedException",
        async |account| {
            deploy(&account.environment(), &input("1")).await.unwrap();
            let map = account.cloud_map();
            let found = map.list_services().send().await.unwrap();
            let registry = found.services()[0].id().unwrap();
            let register = map.register_instance().service_id(registry).instance_id("left");
            register
                .attributes("AWS_INSTANCE_IPV4", "10.0.0.1")
                .send()
                .await
                .unwrap();
            let managed = aws_sdk_servicediscovery::types::Tag::builder()
                .key("AmazonECSManaged")
                .value("true");
            map.create_http_namespace()
                .name("shop")
                .tags(managed.build().unwrap())
                .send()
                .await
                .unwrap();
        },
        async |environment| environment.destroy("shop", &mut ()).await.map(|_| ()),
        async |account| {
            let counts = account.counts().await;
            assert!(counts.values().all(|count| *count == 0), "{counts:?}");
        },
    )
    .await;
    assert!(calls >= 15, "{calls}");
}
