//! Deployments with rollback disabled, and stacks that they left in a failed status.

use std::sync::{Arc, Mutex};

use cfn_deploy::{ChangeSetOutcome, Environment, ErrorKind};

use super::{SET, change, change_set, done, events, input, no_stack, stack, stored_template};
use crate::connection::{Response, config};
use crate::fixture::ready_change_set;

type Bodies = Arc<Mutex<Vec<(String, String)>>>;

/// A stack whose first status is `before`, and a change set with these changes. Returns the calls with their bodies.
fn deploying(before: Response, set: Response, end: &str) -> (Environment, Bodies) {
    let bodies = Bodies::default();
    let recorded = Arc::clone(&bodies);
    let (after, token) = (stack(end), Mutex::new(String::new()));
    let kind = end.split('_').next().unwrap_or_default().to_owned();
    let pages = events(&[&format!("{end} shop"), &format!("{kind}_IN_PROGRESS shop")], None);
    let script = move |request: &crate::connection::RecordedRequest| {
        recorded
            .lock()
            .unwrap()
            .push((request.action.clone(), request.body.clone()));
        let mut token = token.lock().unwrap();
        let given = request
            .body
            .split('&')
            .find_map(|pair| pair.strip_prefix("ClientRequestToken="));
        if let Some(given) = given {
            given.clone_into(&mut token);
        }
        let started = !token.is_empty();
        let mut response = match request.action.as_str() {
            "DescribeStacks" if started => after.clone(),
            "DescribeStacks" => before.clone(),
            "GetTemplate" => stored_template(input("1").template()),
            "CreateChangeSet" => Response::xml("CreateChangeSet", SET),
            "DescribeChangeSet" => set.clone(),
            "DescribeStackEvents" => pages.clone(),
            "DeleteChangeSet" | "ExecuteChangeSet" | "UpdateStack" => done(&request.action).remove(0),
            other => panic!("{other}"),
        };
        response.body = response.body.replace("{token}", &token);
        Some(response)
    };
    let (config, _) = config("http://127.0.0.1:1", "000000000001", Arc::new(script));
    (Environment::new(&config).unwrap(), bodies)
}

fn body(bodies: &Bodies, action: &str) -> Option<String> {
    let bodies = bodies.lock().unwrap();
    bodies
        .iter()
        .find(|(found, _)| found == action)
        .map(|(_, body)| body.clone())
}

fn one_change() -> Response {
    change_set("CREATE_COMPLETE", "", &change("Modify", "A"), "")
}

fn replacement() -> Response {
    let change = "<member><Type>Resource</Type><ResourceChange><Action>Modify</Action><LogicalResourceId>Task\
                  </LogicalResourceId><ResourceType>AWS::ECS::TaskDefinition</ResourceType><Replacement>True</Replacement>\
                  </ResourceChange></member>";
    change_set("CREATE_COMPLETE", "", change, "")
}

fn empty() -> Response {
    change_set("FAILED", "The submitted information didn't contain changes.", "", "")
}

#[tokio::test]
async fn rollback_is_disabled_on_request_and_for_a_stack_that_was_not_rolled_back() {
    for (before, is_requested, is_disabled) in [
        (no_stack(), true, true),
        (stack("UPDATE_COMPLETE"), false, false),
        (stack("UPDATE_FAILED"), false, true),
        (stack("CREATE_FAILED"), false, true),
    ] {
        let (environment, bodies) = deploying(before, one_change(), "UPDATE_COMPLETE");
        let input = input("2").with_rollback_disabled(is_requested);
        let change_set = ready_change_set(&environment, &input).await;
        assert_eq!(change_set.is_rollback_disabled(), is_disabled);
        change_set.execute(&mut ()).await.unwrap();
        let sent = body(&bodies, "ExecuteChangeSet").unwrap();
        assert_eq!(sent.contains("DisableRollback=true"), is_disabled, "{sent}");
    }
}

#[tokio::test]
async fn a_failure_without_rollback_says_that_deploying_again_continues() {
    let (environment, _) = deploying(no_stack(), one_change(), "CREATE_FAILED");
    let input = input("2").with_rollback_disabled(true);
    let error = ready_change_set(&environment, &input)
        .await
        .execute(&mut ())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(
        error
            .to_string()
            .contains("CloudFormation did not roll back (CREATE_FAILED)"),
        "{error}"
    );
}

#[tokio::test]
async fn failed_resources_are_tried_again_with_the_same_template() {
    let (environment, bodies) = deploying(stack("UPDATE_FAILED"), empty(), "UPDATE_COMPLETE");
    let change_set = ready_change_set(&environment, &input("1")).await;
    assert!(change_set.is_retry() && change_set.changes().is_empty());
    change_set.execute(&mut ()).await.unwrap();
    let sent = body(&bodies, "UpdateStack").expect("an update");
    assert!(
        sent.contains("DisableRollback=true") && sent.contains("UsePreviousTemplate=true"),
        "{sent}"
    );
    assert_eq!(body(&bodies, "ExecuteChangeSet"), None);
    assert!(
        body(&bodies, "DeleteChangeSet").is_some(),
        "the empty change set is deleted"
    );

    let (environment, _) = deploying(stack("UPDATE_COMPLETE"), empty(), "UPDATE_COMPLETE");
    let outcome = environment.create_change_set(&input("1")).await.unwrap();
    assert!(matches!(outcome, ChangeSetOutcome::NoChanges(_)), "{outcome:?}");
}

#[tokio::test]
async fn replacements_with_rollback_disabled_are_rejected_before_the_execution() {
    for (status, remedy) in [
        ("CREATE_FAILED", "destroy the stack and deploy again"),
        (
            "UPDATE_FAILED",
            "`aws cloudformation rollback-stack --stack-name shop --region us-east-1`",
        ),
        ("UPDATE_COMPLETE", "deploy without `--no-rollback`"),
    ] {
        let (environment, bodies) = deploying(stack(status), replacement(), "UPDATE_COMPLETE");
        let input = input("2").with_rollback_disabled(true);
        let error = ready_change_set(&environment, &input)
            .await
            .execute(&mut ())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Blocked);
        let text = error.to_string();
        assert!(
            text.contains("rejects replacements: Task (AWS::ECS::TaskDefinition)") && text.contains(remedy),
            "{text}"
        );
        assert!(text.ends_with("Nothing was changed"), "{text}");
        assert_eq!(body(&bodies, "ExecuteChangeSet"), None);
        assert!(body(&bodies, "DeleteChangeSet").is_some());
    }
}
