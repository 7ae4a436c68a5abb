//! Creation of stacks.

use cfn::{Output, Template};
use cfn_deploy::{Action, ChangeSetOutcome, DeploymentInput, ErrorKind};
use serde_json::json;

use crate::fixture::{
    AccountFixture, deploy, failing_resource, ready_change_set, ssm_parameter, template, wait_condition,
};
use crate::recording_observer::RecordingObserver;

fn shop() -> Template {
    let document = json!({
        "Parameters": {"Greeting": {"Type": "String"}},
        "Resources": {
            "Namespace": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "shop"}},
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {
                "ServiceConnectDefaults": {"Namespace": {"Fn::GetAtt": ["Namespace", "Arn"]}}}},
            "State": ssm_parameter("/shop/greeting", ""),
            "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "d", "SecurityGroupIngress":
                [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"}]}},
        },
        "Outputs": {"Greeting": {"Value": {"Ref": "Greeting"}, "Description": "the greeting"}},
    });
    let mut template = Template::from_json(&document.to_string()).unwrap();
    template.resources["State"].properties["Value"] = json!({"Ref": "Greeting"});
    template
}

#[tokio::test]
async fn a_creation_reports_its_events_and_outputs() {
    let account = AccountFixture::new();
    let environment = account.environment();
    assert_eq!(environment.deployed("shop").await.unwrap(), None);
    assert_eq!(environment.outputs("shop").await.unwrap(), None);

    let input = DeploymentInput::new("shop", shop())
        .with_parameter("Greeting", "hello")
        .with_tag("Team", "mesh");
    let change_set = ready_change_set(&environment, &input).await;
    assert!(change_set.is_creation());
    let mut ids: Vec<_> = change_set
        .changes()
        .iter()
        .map(|change| change.logical_id.as_str())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, ["Cluster", "Group", "Namespace", "State"]);
    assert!(change_set.changes().iter().all(|change| change.action == Action::Add));
    let security: Vec<_> = change_set.security().iter().map(ToString::to_string).collect();
    assert!(
        security.contains(&"+ security group `Group` lets 0.0.0.0/0 in at TCP port 80".to_owned()),
        "{security:?}"
    );

    let observer = RecordingObserver::new();
    let outputs = change_set.execute(&mut observer.clone()).await.unwrap();
    assert_eq!(outputs["Greeting"].value, "hello");
    assert_eq!(outputs["Greeting"].description.as_deref(), Some("the greeting"));
    let lines = observer.lines();
    assert_eq!(lines.first().map(String::as_str), Some("CREATE_IN_PROGRESS shop"));
    assert_eq!(lines.last().map(String::as_str), Some("CREATE_COMPLETE shop"));
    for id in ids_of(&lines, "CREATE_IN_PROGRESS") {
        assert!(lines.contains(&format!("CREATE_COMPLETE {id}")), "{id}: {lines:?}");
    }
    let mut seen = observer.ids();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), lines.len(), "no duplicate event");
    let progress = observer.last_progress();
    assert_eq!((progress.finished, progress.total), (4, Some(4)));

    let deployed = environment.deployed("shop").await.unwrap().unwrap();
    assert_eq!(deployed.status.as_str(), "CREATE_COMPLETE");
    assert_eq!(deployed.template().unwrap(), shop());
    assert_eq!(deployed.parameters["Greeting"], "hello");
    assert_eq!(deployed.tags["Team"], "mesh");
    assert_eq!(environment.outputs("shop").await.unwrap(), Some(outputs));
    assert_eq!(account.counts().await["parameters"], 1);
}

fn ids_of(lines: &[String], status: &str) -> Vec<String> {
    let ids = lines.iter().filter_map(|line| line.strip_prefix(status));
    ids.map(|id| id.trim().to_owned()).collect()
}

#[tokio::test]
async fn an_unchanged_stack_has_no_changes() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let input = DeploymentInput::new("shop", shop()).with_parameter("Greeting", "hello");
    deploy(&environment, &input).await.unwrap();
    // The given value is kept.
    let again = DeploymentInput::new("shop", shop());
    match environment.create_change_set(&again).await.unwrap() {
        ChangeSetOutcome::NoChanges(outputs) => assert_eq!(outputs["Greeting"].value, "hello"),
        ChangeSetOutcome::Ready(change_set) => panic!("{:?}", change_set.changes()),
    }
    assert_eq!(account.change_sets("shop").await, [""; 0]);
}

#[tokio::test]
async fn a_discarded_change_set_leaves_nothing() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let before = account.counts().await;
    let change_set = ready_change_set(
        &environment,
        &DeploymentInput::new("shop", shop()).with_parameter("Greeting", "x"),
    )
    .await;
    assert_eq!(account.counts().await["stacks"], 1, "under review");
    change_set.discard().await.unwrap();
    assert_eq!(account.counts().await, before);
}

#[tokio::test]
async fn a_stack_in_review_with_another_change_set_is_kept() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let input = DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", "1")})));
    let theirs = ready_change_set(&environment, &input).await;
    let ours = ready_change_set(&environment, &input).await;
    ours.discard().await.unwrap();
    assert_eq!(account.counts().await["stacks"], 1);
    theirs.discard().await.unwrap();
}

#[tokio::test]
async fn a_stack_in_review_can_be_created() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let input = DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", "1")})));
    let _left = ready_change_set(&environment, &input).await;
    let found = environment.deployed("shop").await.unwrap().unwrap();
    assert_eq!(found.status.as_str(), "REVIEW_IN_PROGRESS");
    assert_eq!(environment.outputs("shop").await.unwrap(), None);
    let comparison = environment.compare(&input).await.unwrap();
    assert!(comparison.status.is_none() && !comparison.is_empty());
    deploy(&environment, &input).await.unwrap();
    assert_eq!(account.counts().await["parameters"], 1);
}

#[tokio::test]
async fn a_failed_creation_names_its_root_cause_until_it_is_destroyed() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let before = account.counts().await;
    let bad = DeploymentInput::new(
        "shop",
        template(&json!({"A": ssm_parameter("/a", "1"), "B": failing_resource()})),
    );
    let error = deploy(&environment, &bad).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    let failure = error.root_cause().unwrap();
    assert_eq!(
        (failure.logical_id.as_str(), failure.status.as_str()),
        ("B", "CREATE_FAILED")
    );
    assert!(failure.reason.contains("NamespaceNotFound"), "{failure}");
    let text = error.to_string();
    assert!(
        text.starts_with("deploying stack `shop` failed: B (AWS::ServiceDiscovery::Service) CREATE_FAILED: "),
        "{text}"
    );
    assert!(
        text.contains("is in status ROLLBACK_COMPLETE")
            && text.contains("destroy it (or `aws cloudformation delete-stack"),
        "{text}"
    );

    let good = DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", "1")})));
    for error in [
        environment.create_change_set(&good).await.unwrap_err(),
        environment.outputs("shop").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Blocked);
        assert!(
            error.to_string().contains("--stack-name shop --region us-east-1"),
            "{error}"
        );
    }
    let comparison = environment.compare(&good).await.unwrap();
    assert!(comparison.changes.unwrap_err().contains("ROLLBACK_COMPLETE"));

    assert!(environment.destroy("shop", &mut ()).await.unwrap().existed);
    assert_eq!(account.counts().await, before);
    deploy(&environment, &good).await.unwrap();
}

#[tokio::test]
async fn invalid_input_is_rejected_before_any_call() {
    let account = AccountFixture::new();
    let (environment, calls) = account.scripted(|_| None);
    let mut bad = template(&json!({"A": ssm_parameter("/a", "1")}));
    for number in 0..201 {
        bad.outputs.insert(format!("O{number}"), Output::default());
    }
    let error = environment
        .create_change_set(&DeploymentInput::new("my_shop", bad))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = error.to_string();
    assert!(
        text.contains("StackName: is `my_shop`") && text.contains("Outputs: has 201 entries"),
        "{text}"
    );
    assert!(calls.lock().unwrap().is_empty());

    let error = environment
        .create_change_set(&DeploymentInput::new("shop", shop()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(
        error.to_string().contains("Parameters.Greeting: has no value"),
        "{error}"
    );
    assert_eq!(account.counts().await["stacks"], 0);
}

#[tokio::test]
async fn a_rejected_template_is_reported_and_leaves_nothing() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let unknown = template(&json!({"A": {"Type": "AWS::Nothing::Such"}}));
    let error = environment
        .create_change_set(&DeploymentInput::new("shop", unknown))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let text = error.to_string();
    assert!(
        text.starts_with("cloudformation:CreateChangeSet for stack `shop` in us-east-1 (http://"),
        "{text}"
    );
    assert!(text.contains("AWS::Nothing::Such"), "{text}");
    assert_eq!(account.counts().await["stacks"], 0);
}

#[tokio::test]
async fn roles_are_created_with_their_capability() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let role = |properties: serde_json::Value| {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]});
        let mut role = json!({"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}});
        role["Properties"]
            .as_object_mut()
            .unwrap()
            .extend(properties.as_object().unwrap().clone());
        template(&json!({"Role": role}))
    };
    deploy(&environment, &DeploymentInput::new("roles", role(json!({}))))
        .await
        .unwrap();
    deploy(
        &environment,
        &DeploymentInput::new("named", role(json!({"RoleName": "named"}))),
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn a_stack_in_creation_is_busy_and_has_a_remedy() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let input = DeploymentInput::new("shop", template(&json!({"Gate": wait_condition()})));
    let observer = RecordingObserver::new();
    let (other, mut reporter) = (ready_change_set(&environment, &input).await, observer.clone());
    let creating = tokio::spawn(async move { other.execute(&mut reporter).await });
    observer.wait_for("IN_PROGRESS Gate").await;
    let error = environment.create_change_set(&input).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    let text = error.to_string();
    assert!(
        text.contains("it is being created") && text.contains("wait stack-create-complete"),
        "{text}"
    );
    account.signal("shop", "Gate", true).await;
    creating.await.unwrap().unwrap();
}
