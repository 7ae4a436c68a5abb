//! Operations that are followed, with what MiniStack never does: late events, pages, cancelled resources.

use cfn_deploy::{ErrorKind, WaitOutcome};

use super::{SET, change, change_set, done, environment, events, input, no_stack, sent, stack, updating};
use crate::connection::{Answer, Calls};
use crate::fixture::prepared;
use crate::recording_observer::Notes;
use cfn_deploy::Environment;

#[tokio::test]
async fn events_that_come_late_or_by_pages_are_told_once_and_those_of_others_never() {
    let before = [
        "*CREATE_COMPLETE shop",
        "*CREATE_COMPLETE A",
        "*CREATE_IN_PROGRESS shop",
    ];
    let of_others = || events(&before, None);
    let looks = vec![
        // CloudFormation shows an event a moment after it happened: nothing of this operation yet.
        of_others(),
        events(
            &[
                "UPDATE_IN_PROGRESS A",
                "UPDATE_IN_PROGRESS shop",
                "*CREATE_COMPLETE shop",
            ],
            Some("older"),
        ),
        // B began before A was complete, and is shown after it.
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
        // Once it has ended, all is read to its beginning, and one more turns up.
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
    let (environment, calls) = updating(&statuses, looks, &[change_set("CREATE_COMPLETE", "", &changes, "")]);
    let notes = Notes::new();
    prepared(&environment, &input("2"))
        .await
        .execute(&mut notes.clone())
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
    assert_eq!(notes.lines(), expected);
    assert_eq!(notes.last_progress().finished, 3);
    assert_eq!(
        calls.lock().unwrap()["DescribeStackEvents"],
        9,
        "the page before the beginning is not read"
    );
}

#[tokio::test]
async fn the_first_real_cause_is_told_and_what_became_of_the_stack() {
    let looks = vec![events(
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
    let (environment, _) = updating(&["UPDATE_ROLLBACK_FAILED"], looks, &[set]);
    let error = prepared(&environment, &input("2"))
        .await
        .execute(&mut ())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    let failure = error.failure().unwrap();
    assert_eq!(
        (failure.logical_id.as_str(), failure.reason.as_str()),
        ("B", "Parameter name is reserved.")
    );
    let text = error.to_string();
    let expected = "deploying stack `shop` failed: B (AWS::SSM::Parameter) CREATE_FAILED: Parameter name is reserved. \
                    Taking it back failed as well: UPDATE_FAILED AWS::SSM::Parameter A: Parameter is locked. ";
    assert!(text.starts_with(expected), "{text}");
    assert!(
        text.contains("`aws cloudformation continue-update-rollback --stack-name shop --region us-east-1`"),
        "{text}"
    );
}

#[tokio::test]
async fn an_update_that_somebody_cancels_ends_though_its_last_events_are_another_operations() {
    let looks = vec![
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
        looks,
        &[set],
    );
    let error = prepared(&environment, &input("2"))
        .await
        .execute(&mut ())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(
        error
            .to_string()
            .contains("the stack is as it was before (UPDATE_ROLLBACK_COMPLETE)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_stack_that_is_gone_altogether_is_told_so() {
    let looks = vec![
        events(&["UPDATE_IN_PROGRESS shop"], None),
        Answer::refusal(400, "ValidationError", "Stack [shop] does not exist"),
    ];
    let set = change_set("CREATE_COMPLETE", "", &change("Modify", "A"), "");
    let (environment, _) = account_that_loses_its_stack(looks, set);
    let error = prepared(&environment, &input("2"))
        .await
        .execute(&mut ())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deleted, "{error}");
    assert!(error.to_string().contains("somebody deleted it"), "{error}");
}

fn account_that_loses_its_stack(looks: Vec<Answer>, set: Answer) -> (Environment, Calls) {
    environment(&[
        ("DescribeStacks", vec![stack("CREATE_COMPLETE"), no_stack()]),
        ("GetTemplate", vec![sent(input("1").template())]),
        ("CreateChangeSet", vec![Answer::xml("CreateChangeSet", SET)]),
        ("DescribeChangeSet", vec![set]),
        ("ExecuteChangeSet", done("ExecuteChangeSet")),
        ("DescribeStackEvents", looks),
    ])
}

#[tokio::test]
async fn following_a_rollback_tells_the_cause_that_came_before_it() {
    let all = [
        "ROLLBACK_COMPLETE shop",
        "DELETE_COMPLETE A",
        "ROLLBACK_IN_PROGRESS shop: The following resource(s) failed to create: [A].",
        "CREATE_FAILED A: no",
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
    let notes = Notes::new();
    let error = environment.wait("shop", &mut notes.clone()).await.unwrap_err();
    assert_eq!(
        error.failure().unwrap().to_string(),
        "A (AWS::SSM::Parameter) CREATE_FAILED: no"
    );
    assert_eq!(notes.lines().len(), 6);
    assert!(notes.last_progress().is_rollback);
}

#[tokio::test]
async fn a_deletion_that_is_under_way_is_followed() {
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
    assert_eq!(environment.wait("shop", &mut ()).await.unwrap(), WaitOutcome::Destroyed);
}

#[tokio::test]
async fn an_operation_that_begins_late_is_not_taken_for_one_that_has_ended() {
    let looks = [
        vec![events(&["*CREATE_COMPLETE shop"], None); 8],
        vec![events(&["UPDATE_COMPLETE shop", "UPDATE_IN_PROGRESS shop"], None)],
    ]
    .concat();
    let mut statuses = vec!["CREATE_COMPLETE"; 8];
    statuses.push("UPDATE_COMPLETE");
    let set = change_set("CREATE_COMPLETE", "", &change("Modify", "A"), "");
    let (environment, _) = updating(&statuses, looks, &[set]);
    let notes = Notes::new();
    prepared(&environment, &input("2"))
        .await
        .execute(&mut notes.clone())
        .await
        .unwrap();
    assert_eq!(notes.lines(), ["UPDATE_IN_PROGRESS shop", "UPDATE_COMPLETE shop"]);
}

#[tokio::test]
async fn an_operation_that_never_begins_is_given_up() {
    let looks = vec![events(&["*CREATE_COMPLETE shop"], None)];
    let set = change_set("CREATE_COMPLETE", "", &change("Modify", "A"), "");
    let (environment, _) = updating(&["CREATE_COMPLETE"], looks, &[set]);
    let error = prepared(&environment, &input("2"))
        .await
        .execute(&mut ())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    assert!(
        error.to_string().contains("has shown no sign of it for 5 minutes"),
        "{error}"
    );
}

#[tokio::test]
async fn events_of_a_page_are_not_lost_when_the_next_page_cannot_be_had() {
    let throttled = || Answer::refusal(400, "Throttling", "Rate exceeded");
    let first = || events(&["UPDATE_COMPLETE shop", "UPDATE_COMPLETE A"], Some("2"));
    let second = || events(&["UPDATE_IN_PROGRESS A", "UPDATE_IN_PROGRESS shop"], None);
    // The client tries three times.
    let looks = vec![
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
    let (environment, _) = updating(&["UPDATE_COMPLETE"], looks, &[set]);
    let notes = Notes::new();
    prepared(&environment, &input("2"))
        .await
        .execute(&mut notes.clone())
        .await
        .unwrap();
    let expected = [
        "UPDATE_IN_PROGRESS shop",
        "UPDATE_IN_PROGRESS A",
        "UPDATE_COMPLETE A",
        "UPDATE_COMPLETE shop",
    ];
    assert_eq!(notes.lines(), expected);
    assert_eq!(notes.notes().len(), 1);
}
