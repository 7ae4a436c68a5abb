//! Operations with late events, pages and cancelled resources.

use cfn_deploy::{ErrorKind, WaitOutcome};

use super::{SET, change, change_set, done, environment, events, input, no_stack, stack, stored_template, updating};
use crate::connection::{Calls, Response};
use crate::fixture::ready_change_set;
use crate::recording_observer::RecordingObserver;
use cfn_deploy::Environment;

#[tokio::test]
async fn late_and_paged_events_are_reported_once() {
    let before = [
        "*CREATE_COMPLETE shop",
        "*CREATE_COMPLETE A",
        "*CREATE_IN_PROGRESS shop",
    ];
    let other_operation = || events(&before, None);
    let event_pages = vec![
        // CloudFormation lists events with a delay: none of this operation yet.
        other_operation(),
        events(
            &[
                "UPDATE_IN_PROGRESS A",
                "UPDATE_IN_PROGRESS shop",
                "*CREATE_COMPLETE shop",
            ],
            Some("older"),
        ),
        // B started before A was complete, and is listed after it.
        events(
            &[
                "UPDATE_COMPLETE A",
                "CREATE_IN_PROGRESS B",
                "UPDATE_IN_PROGRESS A",
                "UPDATE_IN_PROGRESS shop",
            ],
            None,
        ),
        events(
            &[
                "DELETE_COMPLETE A",
                "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS shop",
                "CREATE_COMPLETE B",
            ],
            Some("2"),
        ),
        events(&["UPDATE_COMPLETE A", "CREATE_IN_PROGRESS B"], Some("3")),
        events(&["UPDATE_COMPLETE shop", "DELETE_COMPLETE A"], Some("2")),
        // After the end, all events are read back to the start, and one more is found.
        events(
            &["UPDATE_COMPLETE shop", "DELETE_COMPLETE A", "CREATE_COMPLETE C"],
            Some("2"),
        ),
        events(
            &["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS shop", "CREATE_COMPLETE B"],
            Some("3"),
        ),
        events(
            &["UPDATE_COMPLETE A", "UPDATE_IN_PROGRESS A", "UPDATE_IN_PROGRESS shop"],
            Some("4"),
        ),
    ];
    let changes: String = ["A", "B", "C"].iter().map(|id| change("Modify", id)).collect();
    let statuses = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"];
    let (environment, calls) = updating(
        &statuses,
        event_pages,
        &[change_set("CREATE_COMPLETE", "", &changes, "")],
    );
    let observer = RecordingObserver::new();
    ready_change_set(&environment, &input("2"))
        .await
        .execute(&mut observer.clone())
        .await
        .unwrap();
    let expected = [
        "UPDATE_IN_PROGRESS shop",
        "UPDATE_IN_PROGRESS A",
        "CREATE_IN_PROGRESS B",
        "UPDATE_COMPLETE A",
        "CREATE_COMPLETE B",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS shop",
        "DELETE_COMPLETE A",
        "UPDATE_COMPLETE shop",
        "CREATE_COMPLETE C",
    ];
    assert_eq!(observer.lines(), expected);
    assert_eq!(observer.last_progress().finished, 3);
    assert_eq!(
        calls.lock().unwrap()["DescribeStackEvents"],
        9,
        "the page before the start is not read"
    );
}

#[tokio::test]
async fn the_root_cause_and_the_final_status_are_reported() {
    let event_pages = vec![events(
        &[
            "UPDATE_ROLLBACK_FAILED shop: The following resource(s) failed to update: [A].",
            "UPDATE_FAILED A: Parameter is locked",
            "UPDATE_ROLLBACK_IN_PROGRESS shop: The following resource(s) failed to create: [B, C].",
            "CREATE_FAILED C: Resource creation cancelled",
            "CREATE_FAILED D: came later",
            "CREATE_FAILED B: Parameter name is reserved.",
            "UPDATE_FAILED E: Resource update cancelled",
            "UPDATE_IN_PROGRESS shop: User Initiated",
        ],
        None,
    )];
    let set = change_set("CREATE_COMPLETE", "", &change("Add", "B"), "");
    let (environment, _) = updating(&["UPDATE_ROLLBACK_FAILED"], event_pages, &[set]);
    let error = ready_change_set(&environment, &input("2"))
        .await
        .execute(&mut ())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    let failure = error.root_cause().unwrap();
    assert_eq!(
        (failure.logical_id.as_str(), failure.reason.as_str()),
        ("B", "Parameter name is reserved.")
    );
    let text = error.to_string();
    let expected = "deploying stack `shop` failed: B (AWS::SSM::Parameter) CREATE_FAILED: Parameter name is reserved. \
                    The rollback failed too: UPDATE_FAILED AWS::SSM::Parameter A: Parameter is locked. ";
    assert!(text.starts_with(expected), "{text}");
    assert!(
        text.contains("`aws cloudformation continue-update-rollback --stack-name shop --region us-east-1`"),
        "{text}"
    );
}

#[tokio::test]
async fn a_cancelled_update_ends_with_events_of_another_operation() {
    let event_pages = vec![
        events(
            &["UPDATE_IN_PROGRESS A", "UPDATE_IN_PROGRESS shop: User Initiated"],
            None,
        ),
        events(
            &[
                "*UPDATE_ROLLBACK_COMPLETE shop",
                "*UPDATE_ROLLBACK_IN_PROGRESS shop: User Initiated",
                "UPDATE_IN_PROGRESS A",
            ],
            Some("2"),
        ),
        events(&["UPDATE_IN_PROGRESS shop: User Initiated"], None),
    ];
    let set = change_set("CREATE_COMPLETE", "", &change("Modify", "A"), "");
    let (environment, _) = updating(
        &["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"],
        event_pages,
        &[set],
    );
    let error = ready_change_set(&environment, &input("2"))
        .await
        .execute(&mut ())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(
        error
            .to_string()
            .contains("rolled the stack back to its previous state (UPDATE_ROLLBACK_COMPLETE)"),
        "{error}"
    );
}

#[tokio::test]
async fn waiting_for_a_missing_stack_is_absent() {
    let event_pages = vec![
        events(&["UPDATE_IN_PROGRESS shop"], None),
        Response::error(400, "ValidationError", "Stack [shop] does not exist"),
    ];
    let set = change_set("CREATE_COMPLETE", "", &change("Modify", "A"), "");
    let (environment, _) = environment_with_a_deleted_stack(event_pages, set);
    let error = ready_change_set(&environment, &input("2"))
        .await
        .execute(&mut ())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deleted, "{error}");
    assert!(
        error.to_string().contains("it was deleted during the deployment"),
        "{error}"
    );
}

fn environment_with_a_deleted_stack(event_pages: Vec<Response>, set: Response) -> (Environment, Calls) {
    environment(&[
        ("DescribeStacks", vec![stack("CREATE_COMPLETE"), no_stack()]),
        ("GetTemplate", vec![stored_template(input("1").template())]),
        ("CreateChangeSet", vec![Response::xml("CreateChangeSet", SET)]),
        ("DescribeChangeSet", vec![set]),
        ("ExecuteChangeSet", done("ExecuteChangeSet")),
        ("DescribeStackEvents", event_pages),
    ])
}

#[tokio::test]
async fn waiting_for_a_rollback_reports_the_earlier_root_cause() {
    let all = [
        "ROLLBACK_COMPLETE shop",
        "DELETE_COMPLETE A",
        "ROLLBACK_IN_PROGRESS shop: The following resource(s) failed to create: [A].",
        "CREATE_FAILED A: rejected",
        "CREATE_IN_PROGRESS A",
        "CREATE_IN_PROGRESS shop: User Initiated",
    ];
    let (environment, _) = environment(&[
        (
            "DescribeStacks",
            vec![stack("ROLLBACK_IN_PROGRESS"), stack("ROLLBACK_COMPLETE")],
        ),
        (
            "DescribeStackEvents",
            vec![events(&all[2..], None), events(&all[2..], None), events(&all, None)],
        ),
    ]);
    let observer = RecordingObserver::new();
    let error = environment.wait("shop", &mut observer.clone()).await.unwrap_err();
    assert_eq!(
        error.root_cause().unwrap().to_string(),
        "A (AWS::SSM::Parameter) CREATE_FAILED: rejected"
    );
    assert_eq!(observer.lines().len(), 6);
    assert!(observer.last_progress().is_rollback);
}

#[tokio::test]
async fn a_deletion_in_progress_is_waited_for() {
    let (environment, _) = environment(&[
        (
            "DescribeStacks",
            vec![stack("DELETE_IN_PROGRESS"), stack("DELETE_COMPLETE")],
        ),
        (
            "DescribeStackEvents",
            vec![events(&["DELETE_COMPLETE shop", "DELETE_IN_PROGRESS shop"], None)],
        ),
    ]);
    assert_eq!(environment.wait("shop", &mut ()).await.unwrap(), WaitOutcome::Deleted);
}

#[tokio::test]
async fn a_late_start_is_not_mistaken_for_an_end() {
    let event_pages = [
        vec![events(&["*CREATE_COMPLETE shop"], None); 8],
        vec![events(&["UPDATE_COMPLETE shop", "UPDATE_IN_PROGRESS shop"], None)],
    ]
    .concat();
    let mut statuses = vec!["CREATE_COMPLETE"; 8];
    statuses.push("UPDATE_COMPLETE");
    let set = change_set("CREATE_COMPLETE", "", &change("Modify", "A"), "");
    let (environment, _) = updating(&statuses, event_pages, &[set]);
    let observer = RecordingObserver::new();
    ready_change_set(&environment, &input("2"))
        .await
        .execute(&mut observer.clone())
        .await
        .unwrap();
    assert_eq!(observer.lines(), ["UPDATE_IN_PROGRESS shop", "UPDATE_COMPLETE shop"]);
}

#[tokio::test]
async fn an_operation_that_never_starts_times_out() {
    let event_pages = vec![events(&["*CREATE_COMPLETE shop"], None)];
    let set = change_set("CREATE_COMPLETE", "", &change("Modify", "A"), "");
    let (environment, _) = updating(&["CREATE_COMPLETE"], event_pages, &[set]);
    let error = ready_change_set(&environment, &input("2"))
        .await
        .execute(&mut ())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    assert!(
        error.to_string().contains("has not started it for 5 minutes"),
        "{error}"
    );
}

#[tokio::test]
async fn events_are_not_lost_when_the_next_page_fails() {
    let throttled = || Response::error(400, "Throttling", "Rate exceeded");
    let first = || events(&["UPDATE_COMPLETE shop", "UPDATE_COMPLETE A"], Some("2"));
    let second = || events(&["UPDATE_IN_PROGRESS A", "UPDATE_IN_PROGRESS shop"], None);
    // The client tries three times.
    let event_pages = vec![
        first(),
        throttled(),
        throttled(),
        throttled(),
        first(),
        second(),
        first(),
        second(),
    ];
    let set = change_set("CREATE_COMPLETE", "", &change("Modify", "A"), "");
    let (environment, _) = updating(&["UPDATE_COMPLETE"], event_pages, &[set]);
    let observer = RecordingObserver::new();
    ready_change_set(&environment, &input("2"))
        .await
        .execute(&mut observer.clone())
        .await
        .unwrap();
    let expected = [
        "UPDATE_IN_PROGRESS shop",
        "UPDATE_IN_PROGRESS A",
        "UPDATE_COMPLETE A",
        "UPDATE_COMPLETE shop",
    ];
    assert_eq!(observer.lines(), expected);
    assert_eq!(observer.notes().len(), 1);
}
