//! Updates of stacks, successful and failed.

use cfn::Template;
use cfn_deploy::{Action, ChangeSetOutcome, DeploymentInput, ErrorKind, Replacement};
use serde_json::{Value as Json, json};

use crate::fixture::{AccountFixture, deploy, failing_resource, ready_change_set, ssm_parameter, template};
use crate::recording_observer::RecordingObserver;

#[tokio::test]
async fn a_change_set_lists_its_changes_and_is_executed() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let one = json!({"A": ssm_parameter("/a", "1"), "B": ssm_parameter("/b", "1"), "C": ssm_parameter("/c", "1")});
    deploy(&environment, &DeploymentInput::new("shop", template(&one)))
        .await
        .unwrap();

    let other =
        json!({"A": ssm_parameter("/a", "2"), "B": ssm_parameter("/other", "1"), "D": ssm_parameter("/d", "1")});
    let change_set = ready_change_set(&environment, &DeploymentInput::new("shop", template(&other))).await;
    assert!(!change_set.is_creation());
    let lines: Vec<_> = change_set.changes().iter().map(ToString::to_string).collect();
    let expected = [
        "[~] AWS::SSM::Parameter A: Value",
        "[~] AWS::SSM::Parameter B: Name; will be replaced because of Name",
        "[-] AWS::SSM::Parameter C",
        "[+] AWS::SSM::Parameter D",
    ];
    assert_eq!(lines, expected);
    let replaced: Vec<_> = change_set.replaced().collect();
    assert_eq!(replaced.len(), 1);
    assert_eq!(
        (replaced[0].replacement, replaced[0].action),
        (Replacement::Always, Action::Modify)
    );
    assert!(
        change_set
            .diff()
            .to_string()
            .contains("Properties.Value: \"1\" → \"2\""),
        "{}",
        change_set.diff()
    );
    assert!(change_set.security().is_empty());

    let observer = RecordingObserver::new();
    change_set.execute(&mut observer.clone()).await.unwrap();
    assert_eq!(
        observer.lines().last().map(String::as_str),
        Some("UPDATE_COMPLETE shop")
    );
    assert_eq!(account.counts().await["parameters"], 3);
    assert_eq!(account.change_sets("shop").await, [""; 0]);
}

#[tokio::test]
async fn a_failed_update_is_rolled_back_and_names_its_root_cause() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let before = template(&json!({"A": ssm_parameter("/a", "1")}));
    deploy(&environment, &DeploymentInput::new("shop", before.clone()))
        .await
        .unwrap();
    let counts = account.counts().await;

    let mut bad = json!({"A": ssm_parameter("/a", "2"), "B": failing_resource(), "C": ssm_parameter("/c", "1")});
    bad["B"]["DependsOn"] = json!(["A", "C"]);
    let observer = RecordingObserver::new();
    let change_set = ready_change_set(&environment, &DeploymentInput::new("shop", template(&bad))).await;
    let error = change_set.execute(&mut observer.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    let text = error.to_string();
    assert!(
        text.starts_with("deploying stack `shop` failed: B (AWS::ServiceDiscovery::Service) "),
        "{text}"
    );
    assert!(text.contains("NamespaceNotFound"), "{text}");
    assert!(
        text.contains("rolled the stack back to its previous state (UPDATE_ROLLBACK_COMPLETE). Fix the cause"),
        "{text}"
    );
    assert!(observer.last_progress().is_rollback);
    assert_eq!(
        observer.lines().last().map(String::as_str),
        Some("UPDATE_ROLLBACK_COMPLETE shop")
    );

    let deployed = environment.deployed("shop").await.unwrap().unwrap();
    assert_eq!(deployed.template().unwrap(), before);
    assert_eq!(account.counts().await, counts);
    // It can be updated immediately.
    let better = DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", "3")})));
    deploy(&environment, &better).await.unwrap();
}

#[tokio::test]
async fn changed_parameters_are_listed_and_explicit_ones_kept() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let document = |default: &str| -> Template {
        let document = json!({
            "Parameters": {"Given": {"Type": "String", "Default": "d"}, "Leftover": {"Type": "String", "Default": default}},
            "Resources": {"A": parameter_of("/a", "Given"), "B": parameter_of("/b", "Leftover")},
        });
        Template::from_json(&document.to_string()).unwrap()
    };
    let first = DeploymentInput::new("shop", document("1")).with_parameter("Given", "mine");
    deploy(&environment, &first).await.unwrap();
    let change_set = ready_change_set(&environment, &DeploymentInput::new("shop", document("2"))).await;
    let changes: Vec<_> = change_set
        .parameters()
        .iter()
        .map(|change| (change.name.as_str(), change.before.as_deref(), change.after.as_deref()))
        .collect();
    assert_eq!(changes, [("Leftover", Some("1"), Some("2"))]);
    change_set.execute(&mut ()).await.unwrap();
    let deployed = environment.deployed("shop").await.unwrap().unwrap();
    assert_eq!(
        (
            deployed.parameters["Given"].as_str(),
            deployed.parameters["Leftover"].as_str()
        ),
        ("mine", "2")
    );
}

fn parameter_of(name: &str, parameter: &str) -> Json {
    let mut resource = ssm_parameter(name, "");
    resource["Properties"]["Value"] = json!({"Ref": parameter});
    resource
}

#[tokio::test]
async fn a_long_template_is_sent_compact() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let resources: serde_json::Map<String, Json> = (0..300)
        .map(|number| {
            (
                format!("P{number}"),
                ssm_parameter(&format!("/long/{number}"), &"x".repeat(30)),
            )
        })
        .collect();
    let long = template(&Json::Object(resources));
    assert!(long.to_json().len() > 51_200);
    let (_, observer) = deploy(&environment, &DeploymentInput::new("long", long.clone()))
        .await
        .unwrap();
    assert_eq!(observer.lines().len(), 602, "seven pages of events, none lost");
    assert_eq!(
        environment.deployed("long").await.unwrap().unwrap().template().unwrap(),
        long
    );
    assert!(matches!(
        environment
            .create_change_set(&DeploymentInput::new("long", long))
            .await
            .unwrap(),
        ChangeSetOutcome::NoChanges(_)
    ));
}

#[tokio::test]
async fn an_outdated_change_set_is_not_executed() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let input = |value: &str| DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", value)})));
    deploy(&environment, &input("1")).await.unwrap();
    let slow = ready_change_set(&environment, &input("2")).await;
    deploy(&environment, &input("3")).await.unwrap();
    let error = slow.execute(&mut ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert_eq!(
        error.to_string(),
        "another deployment of stack `shop` in us-east-1 came first, and this one has changed nothing; deploy again when that \
         one has ended"
    );
    assert_eq!(account.change_sets("shop").await, [""; 0]);
    let deployed = environment.deployed("shop").await.unwrap().unwrap();
    assert_eq!(deployed.template().unwrap(), *input("3").template());
}

#[tokio::test]
async fn validation_findings_are_the_root_cause() {
    let account = AccountFixture::new();
    let environment = account.environment();
    deploy(
        &environment,
        &DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", "1")}))),
    )
    .await
    .unwrap();
    let profile = json!({"Type": "AWS::Signer::SigningProfile", "Properties": {"PlatformId": "Nonsense"}});
    let bad = template(&json!({"A": ssm_parameter("/a", "2"), "Profile": profile}));
    let error = deploy(&environment, &DeploymentInput::new("shop", bad))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("/Resources/Profile/Properties/PlatformId: Nonsense is not a valid enum value"),
        "{text}"
    );
    assert!(!text.contains("DescribeEvents"), "{text}");
}

#[tokio::test]
async fn a_no_echo_parameter_is_never_shown() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let document = json!({
        "Parameters": {"Password": {"Type": "String", "NoEcho": true}},
        "Resources": {"Rule": {"Type": "AWS::SSM::Parameter", "Properties": {
            "Name": "/rule", "Type": "String", "Value": {"Ref": "Password"}}},
            "Address": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "d", "SecurityGroupIngress":
                [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": {"Ref": "Password"}}]}}},
    });
    let secret = Template::from_json(&document.to_string()).unwrap();
    let input = |value: &str| DeploymentInput::new("shop", secret.clone()).with_parameter("Password", value);
    let first = ready_change_set(&environment, &input("10.0.0.1/32")).await;
    let shown = format!("{:?} {:?} {:?}", first.security(), first.parameters(), first.changes());
    assert!(!shown.contains("10.0.0.1"), "{shown}");
    assert!(shown.contains("lets ${Password} in at TCP port 80"), "{shown}");
    first.execute(&mut ()).await.unwrap();
    let value = account
        .call_json("ssm", "AmazonSSM.GetParameter", &json!({"Name": "/rule"}))
        .await;
    assert_eq!(value["Parameter"]["Value"], "10.0.0.1/32");

    let next = environment.compare(&input("10.0.0.2/32")).await.unwrap();
    let changes: Vec<_> = next
        .parameters
        .iter()
        .map(|change| (change.before.as_deref(), change.after.as_deref()))
        .collect();
    assert_eq!(changes, [(Some("****"), Some("****"))]);
    assert!(next.security.is_empty() && next.changes.is_ok_and(|changes| changes.len() == 2));
    // Without a new value, it is kept.
    let same = environment
        .compare(&DeploymentInput::new("shop", secret.clone()))
        .await
        .unwrap();
    assert!(same.is_empty(), "{same:?}");
}
