//! Diagnosis of ECS services, with the responses of ECS and CloudWatch Logs that MiniStack lacks.

use cfn_deploy::{Environment, Error, ErrorKind, WaitOutcome};
use serde_json::{Value as Json, json};

use super::{environment, events, stack};
use crate::connection::{Calls, Response};
use crate::recording_observer::RecordingObserver;

const TASK: &str = "arn:aws:ecs:us-east-1:1:task/shop/0123456789abcdef";
const DEFINITION: &str = "arn:aws:ecs:us-east-1:1:task-definition/web:1";

fn json_response(body: &Json) -> Response {
    Response::json(200, &body.to_string())
}

fn denied(action: &str) -> Response {
    let message = format!("User: tests is not authorized to perform: {action} on resource: x");
    Response::json(
        400,
        &json!({"__type": "AccessDeniedException", "message": message}).to_string(),
    )
}

fn tasks(ids: &[u32]) -> Response {
    let arns: Vec<_> = ids.iter().map(|id| format!("{TASK}{id}")).collect();
    json_response(&json!({"taskArns": arns}))
}

/// Tasks that exited with 1 after the start of the operation, and one that ECS scaled in.
fn described(ids: &[u32]) -> Response {
    let exited = |id: &u32| {
        json!({
            "taskArn": format!("{TASK}{id}"),
            "taskDefinitionArn": DEFINITION,
            "lastStatus": "STOPPED",
            "createdAt": 1_795_392_001 + id,
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
            "containers": [
                {"name": "envoy", "image": "envoy:1", "exitCode": 143},
                {"name": "app", "image": "shop:1", "exitCode": 1},
            ],
        })
    };
    let mut all: Vec<_> = ids.iter().map(exited).collect();
    all.push(json!({
        "taskArn": format!("{TASK}9"), "lastStatus": "STOPPED", "stopCode": "ServiceSchedulerInitiated",
        "stoppedReason": "Scaling activity initiated by (deployment ecs-svc/1)",
    }));
    json_response(&json!({"tasks": all}))
}

fn definition() -> Response {
    let options = json!({"awslogs-group": "/ecs/web", "awslogs-stream-prefix": "web"});
    let logging = json!({"logDriver": "awslogs", "options": options});
    json_response(&json!({"taskDefinition": {"containerDefinitions": [
        {"name": "envoy", "essential": false},
        {"name": "app", "essential": true, "logConfiguration": logging},
    ]}}))
}

fn service() -> Response {
    json_response(&json!({"services": [{"events": [
        {"createdAt": 1_795_392_100, "message": "(service web) has reached a steady state."},
        {"createdAt": 1_795_392_090, "message": "(service web) is unable to consistently start tasks successfully."},
    ]}]}))
}

const CREATING: &str = "CREATE_IN_PROGRESS Web";
const STARTED: &str = "CREATE_IN_PROGRESS shop";
const FAILED: &str = "CREATE_FAILED Web: ECS Deployment Circuit Breaker was triggered.";
const BACK: &str = "ROLLBACK_IN_PROGRESS shop: The following resource(s) failed to create: [Web].";

/// A creation in progress that fails and is rolled back, which takes a minute.
fn failing(ecs: &[(&'static str, Vec<Response>)]) -> (Environment, Calls) {
    let working = || events(&[CREATING, STARTED], None);
    let rolled_back = || events(&["DELETE_IN_PROGRESS Web", BACK, FAILED, CREATING, STARTED], None);
    let mut pages = vec![working()];
    pages.extend((0..20).map(|_| working()));
    pages.extend((0..20).map(|_| rolled_back()));
    pages.push(events(
        &[
            "ROLLBACK_COMPLETE shop",
            "DELETE_COMPLETE Web",
            "DELETE_IN_PROGRESS Web",
            BACK,
            FAILED,
            CREATING,
            STARTED,
        ],
        None,
    ));
    let mut statuses: Vec<_> = (0..40).map(|_| stack("CREATE_IN_PROGRESS")).collect();
    statuses.push(stack("ROLLBACK_COMPLETE"));
    let mut responses = vec![("DescribeStacks", statuses), ("DescribeStackEvents", pages)];
    responses.extend_from_slice(ecs);
    environment(&responses)
}

async fn error_of(environment: &Environment, observer: &RecordingObserver) -> Error {
    environment.wait("shop", &mut observer.clone()).await.unwrap_err()
}

#[tokio::test]
async fn reasons_and_logs_of_stopped_tasks_survive_the_rollback() {
    let log = json!({"events": [{"message": "listening\n"}, {"message": "no such table: \u{1b}[31morders"}]});
    let (environment, calls) = failing(&[
        ("ListTasks", vec![tasks(&[]), tasks(&[1]), tasks(&[1, 2, 3])]),
        ("DescribeTasks", vec![described(&[1]), described(&[2, 3])]),
        ("DescribeTaskDefinition", vec![definition()]),
        ("DescribeServices", vec![service()]),
        ("GetLogEvents", vec![json_response(&log)]),
    ]);
    let observer = RecordingObserver::new();
    let error = error_of(&environment, &observer).await;
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.to_string().contains("Circuit Breaker was triggered"), "{error}");
    let [found] = error.services() else {
        panic!("{:?}", error.services())
    };
    assert_eq!(
        found.to_string(),
        "ECS service Web (web): 3 tasks stopped\n  \
         3 × EssentialContainerExited: Essential container in task exited\n    \
         container `app` exited with code 1\n      \
         last log lines of task 0123456789abcdef1 (log group `/ecs/web`, stream `web/app/0123456789abcdef1`):\n      \
         | listening\n      \
         | no such table: \\u{1b}[31morders\n  \
         service events:\n    \
         (service web) is unable to consistently start tasks successfully\n  \
         likely cause: container `app` exited with code 1; its log has the reason"
    );
    assert_eq!(
        observer.notes(),
        [
            "Web: 1 task stopped: container `app` exited with code 1",
            "Web: 3 tasks stopped: container `app` exited with code 1"
        ],
        "while it waits"
    );
    let calls = calls.lock().unwrap();
    assert_eq!(calls["GetLogEvents"], 1, "one log for each reason");
    assert_eq!(calls["DescribeTaskDefinition"], 1);
    // During the rollback ECS stops tasks on purpose. 20 polls before it take about 90 s.
    assert!(calls["ListTasks"] >= 3 && calls["ListTasks"] <= 10, "{calls:?}");
}

#[tokio::test]
async fn a_diagnosis_that_is_denied_does_not_change_the_result() {
    let (environment, calls) = failing(&[("ListTasks", vec![denied("ecs:ListTasks")])]);
    let observer = RecordingObserver::new();
    let error = error_of(&environment, &observer).await;
    assert_eq!(error.root_cause().unwrap().logical_id, "Web");
    let notes = observer.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0]
            .starts_with("reasons of stopped tasks are not shown: ecs:ListTasks for service `web` in cluster `shop`")
            && notes[0].ends_with("a policy of the caller must allow `ecs:ListTasks`"),
        "{notes:?}"
    );
    assert_eq!(calls.lock().unwrap()["ListTasks"], 1);
    assert!(
        error.services()[0].to_string().contains("not read: ecs:ListTasks"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_log_that_is_denied_is_named_beside_the_reason_of_the_task() {
    let (environment, _) = failing(&[
        ("ListTasks", vec![tasks(&[1])]),
        ("DescribeTasks", vec![described(&[1])]),
        ("DescribeTaskDefinition", vec![definition()]),
        ("DescribeServices", vec![service()]),
        ("GetLogEvents", vec![denied("logs:GetLogEvents")]),
    ]);
    let error = error_of(&environment, &RecordingObserver::new()).await;
    let text = error.services()[0].to_string();
    assert!(text.contains("container `app` exited with code 1\n"), "{text}");
    assert!(
        text.contains("its log cannot be read (log group `/ecs/web`")
            && text.contains("must allow `logs:GetLogEvents`"),
        "{text}"
    );
}

#[tokio::test]
async fn a_service_that_becomes_stable_after_stopped_tasks_is_no_failure() {
    let pages = vec![
        events(&[CREATING, STARTED], None),
        events(&[CREATING, STARTED], None),
        events(
            &["CREATE_COMPLETE shop", "CREATE_COMPLETE Web", CREATING, STARTED],
            None,
        ),
    ];
    let statuses = vec![
        stack("CREATE_IN_PROGRESS"),
        stack("CREATE_IN_PROGRESS"),
        stack("CREATE_COMPLETE"),
    ];
    let (environment, _) = environment(&[("DescribeStacks", statuses), ("DescribeStackEvents", pages)]);
    let outcome = environment.wait("shop", &mut ()).await.unwrap();
    assert!(matches!(outcome, WaitOutcome::Deployed(_)), "{outcome:?}");
}
