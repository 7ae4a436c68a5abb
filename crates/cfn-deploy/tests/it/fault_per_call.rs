//! Fault per call: each call in turn fails; a retry succeeds and nothing is left half done.

use std::sync::atomic::{AtomicUsize, Ordering};

use cfn_deploy::{ChangeSetOutcome, DeploymentInput, Environment, Error};
use serde_json::json;

use crate::connection::Response;
use crate::failing::is_readable;
use crate::fixture::{Place, stored, template};

/// An environment whose call of this number, from 0, is refused with this code.
fn failing(place: &Place, number: usize, code: &'static str) -> Environment {
    let count = AtomicUsize::new(0);
    let script = move |ask: &crate::connection::Ask| {
        let is_it = count.fetch_add(1, Ordering::SeqCst) == number;
        let of_cloudformation = ask.body.contains("Action=");
        let answer = if of_cloudformation {
            Response::error(403, code, "You may not.")
        } else {
            Response::json(400, &json!({"__type": code, "message": "You may not."}).to_string())
        };
        is_it.then_some(answer)
    };
    place.scripted(script).0
}

fn input(value: &str) -> DeploymentInput {
    DeploymentInput::new(
        "shop",
        template(&json!({
            "A": stored("/a", value),
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ServiceConnectDefaults": {"Namespace": "shop"}}},
            "Own": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "own"}},
            "Registry": {"Type": "AWS::ServiceDiscovery::Service", "Properties": {"Name": "node", "NamespaceId": {"Ref": "Own"}}},
        })),
    )
}

async fn deploy(environment: &Environment, input: &DeploymentInput) -> Result<(), Error> {
    if let ChangeSetOutcome::Ready(prepared) = environment.create_change_set(input).await? {
        prepared.execute(&mut ()).await?;
    }
    Ok(())
}

/// Refuses each call of something in turn until nothing is left to refuse, and says how many there were.
async fn in_turn(
    code: &'static str,
    before: impl AsyncFn(&Place),
    doing: impl AsyncFn(&Environment) -> Result<(), Error>,
    after: impl AsyncFn(&Place),
) -> usize {
    for number in 0.. {
        let place = Place::new();
        before(&place).await;
        let result = doing(&failing(&place, number, code)).await;
        let Err(error) = result else { return number };
        is_readable(&error);
        assert!(error.to_string().contains("in us-east-1"), "{number}: {error}");
        // What was begun may have ended meanwhile, or not.
        let environment = place.environment();
        environment.wait("shop", &mut ()).await.unwrap();
        doing(&environment)
            .await
            .unwrap_or_else(|again| panic!("{number}: {error}, and then {again}"));
        after(&place).await;
    }
    unreachable!()
}

#[tokio::test]
async fn a_creation_can_be_retried_whichever_call_fails() {
    let calls = in_turn(
        "AccessDenied",
        async |_| {},
        async |environment| deploy(environment, &input("1")).await,
        async |place| {
            let deployed = place.environment().deployed("shop").await.unwrap().unwrap();
            assert_eq!(deployed.status.as_str(), "CREATE_COMPLETE");
            assert_eq!(place.change_sets("shop").await, [""; 0]);
        },
    )
    .await;
    assert!(
        calls >= 6,
        "describe, create, describe, execute, events, describe: {calls}"
    );
}

#[tokio::test]
async fn an_update_can_be_retried_whichever_call_fails() {
    let calls = in_turn(
        "ExpiredToken",
        async |place| deploy(&place.environment(), &input("1")).await.unwrap(),
        async |environment| deploy(environment, &input("2")).await,
        async |place| {
            let deployed = place.environment().deployed("shop").await.unwrap().unwrap();
            assert_eq!(deployed.template().unwrap(), *input("2").template());
            let value = place.ask("ssm", "AmazonSSM.GetParameter", &json!({"Name": "/a"})).await;
            assert_eq!(value["Parameter"]["Value"], "2");
        },
    )
    .await;
    assert!(calls >= 7, "{calls}");
}

#[tokio::test]
async fn a_comparison_changes_nothing_whichever_call_fails() {
    in_turn(
        "AccessDenied",
        async |place| deploy(&place.environment(), &input("1")).await.unwrap(),
        async |environment| environment.compare(&input("2")).await.map(|_| ()),
        async |place| {
            let deployed = place.environment().deployed("shop").await.unwrap().unwrap();
            assert_eq!(deployed.template().unwrap(), *input("1").template());
            assert_eq!(deployed.status.as_str(), "CREATE_COMPLETE");
        },
    )
    .await;
}

#[tokio::test]
async fn a_deletion_can_be_retried_whichever_call_fails() {
    let calls = in_turn(
        "AccessDeniedException",
        async |place| {
            deploy(&place.environment(), &input("1")).await.unwrap();
            let map = place.cloud_map();
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
        async |place| {
            let counts = place.counts().await;
            assert!(counts.values().all(|count| *count == 0), "{counts:?}");
        },
    )
    .await;
    assert!(calls >= 15, "{calls}");
}
