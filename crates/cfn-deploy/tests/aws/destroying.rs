//! Deletion of stacks.

use cfn::{Output, Template};
use cfn_deploy::{DeploymentInput, Destroyed, ErrorKind};
use serde_json::json;

use crate::fixture::{AccountFixture, deploy, ready_change_set, ssm_parameter, template, wait_condition};
use crate::recording_observer::RecordingObserver;

fn everything() -> Template {
    template(&json!({
        "Namespace": {"Type": "AWS::ServiceDiscovery::PrivateDnsNamespace", "Properties": {"Name": "shop.local", "Vpc": "vpc-1"}},
        "Registry": {"Type": "AWS::ServiceDiscovery::Service", "Properties": {
            "Name": "node", "NamespaceId": {"Ref": "Namespace"}, "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 10}]}}},
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}},
        "State": ssm_parameter("/shop/state", "1"),
    }))
}

#[tokio::test]
async fn a_stack_is_deleted() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let before = account.counts().await;
    deploy(&environment, &DeploymentInput::new("shop", everything()))
        .await
        .unwrap();
    let deployed = account.counts().await;
    for (name, count) in &before {
        assert_eq!(deployed[name], count + 1, "{name}");
    }
    let observer = RecordingObserver::new();
    let destroyed = environment.destroy("shop", &mut observer.clone()).await.unwrap();
    assert_eq!(
        destroyed,
        Destroyed {
            existed: true,
            removed: vec![],
            left: vec![]
        }
    );
    assert_eq!(account.counts().await, before);
    let lines = observer.lines();
    assert_eq!(lines.first().map(String::as_str), Some("DELETE_IN_PROGRESS shop"));
    assert_eq!(lines.last().map(String::as_str), Some("DELETE_COMPLETE shop"));
    let progress = observer.last_progress();
    assert_eq!((progress.finished, progress.total), (5, Some(5)));

    let again = environment.destroy("shop", &mut ()).await.unwrap();
    assert_eq!(again, Destroyed::default());
}

#[tokio::test]
async fn deleting_a_missing_stack_succeeds() {
    let account = AccountFixture::new();
    let destroyed = account.environment().destroy("shop", &mut ()).await.unwrap();
    assert_eq!(destroyed, Destroyed::default());
    assert!(!destroyed.existed);
}

#[tokio::test]
async fn a_stack_in_review_is_deleted() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let _left = ready_change_set(&environment, &DeploymentInput::new("shop", everything())).await;
    assert!(environment.destroy("shop", &mut ()).await.unwrap().existed);
    assert_eq!(account.counts().await["stacks"], 0);
}

#[tokio::test]
async fn retained_resources_are_reported_as_left() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let mut kept = ssm_parameter("/kept", "1");
    kept["DeletionPolicy"] = json!("Retain");
    deploy(
        &environment,
        &DeploymentInput::new("shop", template(&json!({"Kept": kept}))),
    )
    .await
    .unwrap();
    let destroyed = environment.destroy("shop", &mut ()).await.unwrap();
    assert_eq!(destroyed.left.len(), 1);
    assert_eq!(destroyed.left[0].what, "AWS::SSM::Parameter Kept (`/kept`)");
    assert_eq!(destroyed.left[0].why, "its deletion policy retains it");
    assert_eq!(account.counts().await["parameters"], 1);
}

#[tokio::test]
async fn protected_and_imported_stacks_are_not_deleted() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let mut exporting = everything();
    let output = Output {
        value: json!("x"),
        export: Some(json!({"Name": "shop-x"})),
        ..Output::default()
    };
    exporting.outputs.insert("X".to_owned(), output);
    deploy(&environment, &DeploymentInput::new("shop", exporting))
        .await
        .unwrap();
    let mut importing = ssm_parameter("/i", "");
    importing["Properties"]["Value"] = json!({"Fn::ImportValue": "shop-x"});
    deploy(
        &environment,
        &DeploymentInput::new("other", template(&json!({"I": importing}))),
    )
    .await
    .unwrap();
    let counts = account.counts().await;

    let error = environment.destroy("shop", &mut ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protected);
    assert!(
        error
            .to_string()
            .contains("while its export `shop-x` is imported: destroy other first"),
        "{error}"
    );
    environment.destroy("other", &mut ()).await.unwrap();

    let protect = account
        .cloudformation()
        .update_termination_protection()
        .stack_name("shop");
    protect.enable_termination_protection(true).send().await.unwrap();
    let error = environment.destroy("shop", &mut ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protected);
    assert!(
        error
            .to_string()
            .contains("--no-enable-termination-protection --stack-name shop"),
        "{error}"
    );
    assert_eq!(account.counts().await["services"], counts["services"]);
}

#[tokio::test]
async fn a_stack_in_update_is_not_deleted() {
    let account = AccountFixture::new();
    let environment = account.environment();
    deploy(
        &environment,
        &DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", "1")}))),
    )
    .await
    .unwrap();
    let next = template(&json!({"A": ssm_parameter("/a", "1"), "Gate": wait_condition()}));
    let observer = RecordingObserver::new();
    let (change_set, mut reporter) = (
        ready_change_set(&environment, &DeploymentInput::new("shop", next)).await,
        observer.clone(),
    );
    let updating = tokio::spawn(async move { change_set.execute(&mut reporter).await });
    observer.wait_for("IN_PROGRESS Gate").await;
    let error = environment.destroy("shop", &mut ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    account.signal("shop", "Gate", true).await;
    updating.await.unwrap().unwrap();
    environment.destroy("shop", &mut ()).await.unwrap();
}
