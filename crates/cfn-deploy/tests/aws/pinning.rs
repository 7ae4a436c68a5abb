//! Images pinned by digest, with the registry of MiniStack.

use std::collections::BTreeSet;

use cfn_deploy::{ChangeSetOutcome, DeploymentInput, Environment, PinPolicy, PinnedImages};
use serde_json::{Value as Json, json};

use crate::connection::Response;
use crate::fixture::{AccountFixture, deploy};

const REGISTRY: &str = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}";

fn latest() -> PinPolicy {
    PinPolicy::Latest {
        except: BTreeSet::new(),
    }
}

/// Creates the repository `shop`.
async fn create_repository(account: &AccountFixture) {
    let name = json!({"repositoryName": "shop"});
    ecr(account, "CreateRepository", &name).await;
}

async fn ecr(account: &AccountFixture, action: &str, body: &Json) -> Json {
    let target = format!("AmazonEC2ContainerRegistry_V20150921.{action}");
    account.call_json("ecr", &target, body).await
}

/// Pushes a build of `shop` under a tag. Returns its digest.
async fn push(account: &AccountFixture, tag: &str, build: u32) -> String {
    let manifest = json!({"schemaVersion": 2, "annotations": {"build": build.to_string()}}).to_string();
    let image = json!({"repositoryName": "shop", "imageTag": tag, "imageManifest": manifest});
    let pushed = ecr(account, "PutImage", &image).await;
    pushed["image"]["imageId"]["imageDigest"].as_str().unwrap().to_owned()
}

/// Two task definitions with the image `shop`, one of them with a container from elsewhere.
fn input(web_version: u32) -> DeploymentInput {
    let shop = json!({"Name": "app", "Image": {"Fn::Sub": format!("{REGISTRY}/shop:${{Tag}}")}, "Memory": 64});
    let mut web = shop.clone();
    web["Environment"] = json!([{"Name": "VERSION", "Value": web_version.to_string()}]);
    let other = json!({"Name": "proxy", "Image": "nginx:1", "Memory": 64});
    let task = |family: &str, containers: Json| {
        json!({"Type": "AWS::ECS::TaskDefinition",
            "Properties": {"Family": family, "ContainerDefinitions": containers}})
    };
    let template = json!({
        "Parameters": {"Tag": {"Type": "String", "Default": "1"}},
        "Resources": {"Jobs": task("jobs", json!([shop])), "Web": task("web", json!([web, other]))},
    });
    DeploymentInput::new("shop", cfn::Template::from_json(&template.to_string()).unwrap())
}

async fn pin(environment: &Environment, input: DeploymentInput, policy: &PinPolicy) -> PinnedImages {
    environment.pin_images(input, policy).await.unwrap()
}

/// The end of the image of a task definition's first container, after the repository.
fn end_of_image(pinned: &PinnedImages, definition: &str) -> String {
    let properties = &pinned.input.template().resources[definition].properties;
    let image = properties["ContainerDefinitions"][0]["Image"]["Fn::Sub"]
        .as_str()
        .unwrap();
    image.strip_prefix(&format!("{REGISTRY}/shop")).unwrap().to_owned()
}

/// The images of the tasks, as ECS has them.
async fn deployed_image(account: &AccountFixture, family: &str) -> String {
    let target = "AmazonEC2ContainerServiceV20141113.DescribeTaskDefinition";
    let found = account
        .call_json("ecs", target, &json!({"taskDefinition": family}))
        .await;
    let image = found["taskDefinition"]["containerDefinitions"][0]["image"].as_str();
    image.unwrap().to_owned()
}

#[tokio::test]
async fn an_image_that_is_pushed_again_is_a_change() {
    let account = AccountFixture::new();
    let environment = account.environment();
    create_repository(&account).await;
    let first = push(&account, "1", 1).await;
    let pinned = pin(&environment, input(1), &latest()).await;
    assert_eq!(end_of_image(&pinned, "Web"), format!("@{first}"));
    let image = format!("{}.dkr.ecr.us-east-1.amazonaws.com/shop", account.number);
    let changes: Vec<_> = pinned
        .changes
        .iter()
        .map(|change| (change.image.as_str(), change.used_by.as_str(), change.before.as_deref()))
        .collect();
    assert_eq!(
        changes,
        [(format!("{image}:1").as_str(), "Jobs (app), Web (app)", None)]
    );
    assert_eq!(
        pinned.unresolved,
        ["nginx:1 of Web (proxy): not in Amazon ECR of this account and region"]
    );
    deploy(&environment, &pinned.input).await.unwrap();
    assert_eq!(deployed_image(&account, "web").await, format!("{image}@{first}"));

    // The same image.
    let again = pin(&environment, input(1), &latest()).await;
    assert!(again.changes.is_empty(), "{:?}", again.changes);
    assert!(matches!(
        environment.create_change_set(&again.input).await.unwrap(),
        ChangeSetOutcome::NoChanges(_)
    ));

    let second = push(&account, "1", 2).await;
    assert_ne!(second, first);
    let rebuilt = pin(&environment, input(1), &latest()).await;
    let change = &rebuilt.changes[0];
    assert_eq!((change.before.as_ref(), &change.after), (Some(&first), &second));
    let comparison = environment.compare(&rebuilt.input).await.unwrap();
    assert!(
        comparison.diff.to_string().contains(&format!("@{first}\" → ")) && !comparison.is_empty(),
        "{}",
        comparison.diff
    );
    deploy(&environment, &rebuilt.input).await.unwrap();
    assert_eq!(deployed_image(&account, "web").await, format!("{image}@{second}"));
}

#[tokio::test]
async fn a_rollout_changes_the_image_of_the_changed_task_definition_only() {
    let account = AccountFixture::new();
    let environment = account.environment();
    create_repository(&account).await;
    let first = push(&account, "1", 1).await;
    let pinned = pin(&environment, input(1), &latest()).await;
    deploy(&environment, &pinned.input).await.unwrap();
    let second = push(&account, "1", 2).await;

    let rollout = pin(&environment, input(2), &PinPolicy::KeepUnchanged).await;
    assert_eq!(end_of_image(&rollout, "Jobs"), format!("@{first}"));
    assert_eq!(end_of_image(&rollout, "Web"), format!("@{second}"));
    deploy(&environment, &rollout.input).await.unwrap();

    // All further steps have the image of the first one.
    push(&account, "1", 3).await;
    let step = pin(&environment, input(2), &PinPolicy::KeepUnchanged).await;
    assert_eq!(step.input.template(), rollout.input.template());
    // The deployed template, with digests, is the same input.
    let step = pin(&environment, rollout.input.clone(), &PinPolicy::KeepUnchanged).await;
    assert_eq!(step.input.template(), rollout.input.template());

    let back = pin(&environment, input(1), &PinPolicy::Restore).await;
    assert_eq!(end_of_image(&back, "Web"), format!("@{first}"), "that of the other one");
}

#[tokio::test]
async fn a_deployed_digest_stays_if_the_registry_cannot_be_read() {
    let account = AccountFixture::new();
    let environment = account.environment();
    create_repository(&account).await;
    let first = push(&account, "1", 1).await;
    let denied = json!({"__type": "AccessDeniedException", "message": "You may not."}).to_string();
    let (without, calls) =
        account.scripted(move |request| (request.action == "BatchGetImage").then(|| Response::json(400, &denied)));

    let new = pin(&without, input(1), &latest()).await;
    assert_eq!(end_of_image(&new, "Web"), ":${Tag}");
    assert_eq!(calls.lock().unwrap()["BatchGetImage"], 1);
    assert!(
        new.unresolved.iter().any(|line| line.contains("ecr:BatchGetImage")),
        "{:?}",
        new.unresolved
    );

    let pinned = pin(&environment, input(1), &latest()).await;
    deploy(&environment, &pinned.input).await.unwrap();
    push(&account, "1", 2).await;
    let kept = pin(&without, input(1), &latest()).await;
    assert_eq!(kept.input.template(), pinned.input.template());
    let line = &kept.unresolved[0];
    assert!(line.ends_with(&format!("; keeping {}", &first[..19])), "{line}");

    // Without calls, and with another tag.
    let kept = pin(&without, input(1), &PinPolicy::Deployed).await;
    assert_eq!(kept.input.template(), pinned.input.template());
    let other = pin(&without, input(1).with_parameter("Tag", "2"), &PinPolicy::Deployed).await;
    assert_eq!(end_of_image(&other, "Web"), ":${Tag}");
    assert_eq!(calls.lock().unwrap()["BatchGetImage"], 2);
}

#[tokio::test]
async fn the_tag_is_that_of_the_kept_parameter() {
    let account = AccountFixture::new();
    let environment = account.environment();
    create_repository(&account).await;
    push(&account, "1", 1).await;
    let second = push(&account, "2", 2).await;
    let pinned = pin(&environment, input(1).with_parameter("Tag", "2"), &latest()).await;
    deploy(&environment, &pinned.input).await.unwrap();
    // The stack keeps the value.
    let kept = pin(&environment, input(1), &latest()).await;
    assert_eq!(end_of_image(&kept, "Web"), format!("@{second}"));
    assert!(kept.changes.is_empty(), "{:?}", kept.changes);
}

#[tokio::test]
async fn an_image_that_does_not_exist_keeps_its_tag() {
    let account = AccountFixture::new();
    let missing = pin(&account.environment(), input(1), &latest()).await;
    assert_eq!(missing.input.template(), input(1).template());
    let line = &missing.unresolved[0];
    assert!(
        line.ends_with("of Jobs (app), Web (app): not found in Amazon ECR"),
        "{line}"
    );
}
