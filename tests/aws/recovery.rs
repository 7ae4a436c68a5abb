//! Deployments that fail and go on, stacks of other owners, and drift.

use serde_json::{Value, json};
use testkit::wait_until;

use crate::account::Account;
use crate::run::Run;

/// A mesh of the same name, which blocks the example's.
const BLOCKING: &str = "/meshwright/demo";

fn put_parameter(account: &Account, value: &str) {
    let parameter = json!({"Name": BLOCKING, "Type": "String", "Value": value, "Overwrite": true});
    account.call("ssm", "put_parameter", &parameter);
}

/// Creates a stack without this tool.
pub(crate) async fn create_stack(account: &Account, name: &str, template: &Value) {
    let stack = json!({"StackName": name, "TemplateBody": template.to_string()});
    account.call("cloudformation", "create_stack", &stack);
    wait_until("the stack is created", async || {
        let stacks = account.call("cloudformation", "describe_stacks", &json!({"StackName": name}));
        stacks["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    })
    .await;
}

#[tokio::test]
async fn a_failure_without_rollback_is_continued_by_the_next_deploy() {
    let account = Account::new();
    put_parameter(&account, "{}");
    let failed = account.run("appmesh", &["deploy", "--yes", "--no-rollback"]).await;
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    for expected in [
        "appmesh: a failure will not be rolled back",
        "The name is taken by a resource outside of this stack",
        "CloudFormation did not roll back (CREATE_FAILED). Fix the cause and deploy again",
    ] {
        assert!(failed.stderr.contains(expected), "{expected}: {}", failed.stderr);
    }
    let outputs = account.run("appmesh", &["outputs"]).await;
    assert!(
        outputs.code == Some(1) && outputs.stderr.contains("is in status CREATE_FAILED"),
        "{}",
        outputs.stderr
    );
    account.call("ssm", "delete_parameter", &json!({"Name": BLOCKING}));
    let fixed = account.succeed("appmesh", &["deploy", "--yes"]).await;
    assert!(fixed.stdout.starts_with("appmesh.EntranceUrl = "), "{}", fixed.stdout);
    let same = account.succeed("appmesh", &["diff", "--exit-code"]).await;
    assert_eq!(same.stdout, "Stack appmesh: no changes\n");
    account.succeed("appmesh", &["destroy", "--yes"]).await;
}

#[tokio::test]
async fn drift_is_a_difference() {
    let account = Account::new();
    account.succeed("appmesh", &["deploy", "--yes"]).await;
    put_parameter(&account, "changed");
    let plain = account.succeed("appmesh", &["diff", "--exit-code"]).await;
    assert_eq!(plain.stdout, "Stack appmesh: no changes\n");
    let drift = account.run("appmesh", &["diff", "--drift", "--exit-code"]).await;
    assert_eq!(drift.code, Some(3), "{}", drift.stderr);
    for expected in [
        "Drift of stack appmesh, from the deployed template to the actual resources:\n",
        "[~] AWS::SSM::Parameter Mesh (/meshwright/demo)\n    [~] Value: {} → changed\n",
        "\nRemedy for Mesh: `deploy` does not undo a change that the template does not have; set the resource back ",
        "\nWithout drift detection: AWS::EC2::InternetGateway, ",
    ] {
        assert!(drift.stdout.contains(expected), "{expected}: {}", drift.stdout);
    }
}

#[tokio::test]
async fn a_stack_of_another_tool_is_neither_updated_nor_destroyed() {
    let account = Account::new();
    let template = json!({"Resources": {"A": {"Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/other", "Type": "String", "Value": "1"}}}});
    create_stack(&account, "serviceconnect", &template).await;
    for command in [["deploy", "--yes"], ["destroy", "--yes"]] {
        let rejected = account.run("serviceconnect", &command).await;
        assert_eq!(rejected.code, Some(1), "{}", rejected.stderr);
        assert!(
            rejected
                .stderr
                .contains("was not created by this tool: it lacks the tag `meshwright:app`"),
            "{}",
            rejected.stderr
        );
        let found = account.call("ssm", "get_parameter", &json!({"Name": "/other"}));
        assert_eq!(found["Parameter"]["Value"], Value::from("1"));
    }
    // Taking it over deletes what this app does not have, so it is asked for.
    let asked = account.run("serviceconnect", &["deploy", "--adopt"]).await;
    assert_eq!(asked.code, Some(1), "{}", asked.stderr);
    for expected in [
        "serviceconnect was not created by this tool: it lacks the tag `meshwright:app`. Taking it over deletes: A; replaces, or \
         may replace: none; changes: none\n",
        "This takes over stack serviceconnect of another owner, with the changes above. Continue?",
    ] {
        assert!(asked.stderr.contains(expected), "{expected}: {}", asked.stderr);
    }
    let found = account.call("ssm", "get_parameter", &json!({"Name": "/other"}));
    assert_eq!(found["Parameter"]["Value"], Value::from("1"));
    account.succeed("serviceconnect", &["deploy", "--yes", "--adopt"]).await;
    account.succeed("serviceconnect", &["destroy", "--yes"]).await;
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_named() {
    let account = Account::new();
    let mut command = account.example("serviceconnect", &["outputs", "--profile", "missing"]);
    command.env_remove("AWS_REGION");
    let ended = Run::to_end(&account.workdir, command).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .stderr
            .contains("no AWS region is configured for profile `missing`; check that ~/.aws/config has the profile"),
        "{}",
        ended.stderr
    );
}
