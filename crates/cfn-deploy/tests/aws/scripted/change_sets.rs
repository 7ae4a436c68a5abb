//! Change sets: asynchronous creation, pages, and CloudFormation's status reasons.

use cfn_deploy::{ChangeSetOutcome, ErrorKind};

use super::{SET, change, change_set, done, environment, events, input, no_stack, stack, stored_template, updating};
use crate::connection::Response;
use crate::fixture::ready_change_set;

#[tokio::test]
async fn a_change_set_is_read_page_by_page() {
    let pages = [
        change_set("CREATE_PENDING", "", "", ""),
        change_set("CREATE_IN_PROGRESS", "", "", ""),
        change_set(
            "CREATE_COMPLETE",
            "",
            &change("Add", "A"),
            "<NextToken>more</NextToken>",
        ),
        change_set("CREATE_COMPLETE", "", &change("Dynamic", "B"), ""),
    ];
    let (environment, calls) = updating(&[], vec![], &pages);
    let change_set = ready_change_set(&environment, &input("2")).await;
    let lines: Vec<_> = change_set.changes().iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["[+] AWS::SSM::Parameter A", "[?] AWS::SSM::Parameter B"]);
    assert_eq!(calls.lock().unwrap()["DescribeChangeSet"], 4);
}

#[tokio::test]
async fn empty_change_sets_have_two_reasons_and_are_deleted() {
    for reason in [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ] {
        let (environment, calls) = updating(&[], vec![], &[change_set("FAILED", reason, "", "")]);
        assert!(matches!(
            environment.create_change_set(&input("2")).await.unwrap(),
            ChangeSetOutcome::NoChanges(_)
        ));
        assert_eq!(calls.lock().unwrap()["DeleteChangeSet"], 1);
    }
}

#[tokio::test]
async fn a_failed_change_set_is_reported_and_deleted() {
    let failed = change_set("FAILED", "Parameters: [ssm:/image] cannot be found.", "", "");
    let (environment, calls) = updating(&[], vec![], &[failed]);
    let error = environment.create_change_set(&input("2")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let expected = "CloudFormation cannot create a change set for stack `shop` (FAILED): Parameters: [ssm:/image] cannot be \
                    found. Nothing was changed";
    assert_eq!(error.to_string(), expected);
    assert_eq!(calls.lock().unwrap()["DeleteChangeSet"], 1);
}

#[tokio::test]
async fn a_change_of_outputs_only_is_a_change() {
    let event_pages = vec![events(&["UPDATE_COMPLETE shop", "UPDATE_IN_PROGRESS shop"], None)];
    let (environment, _) = updating(
        &["UPDATE_COMPLETE"],
        event_pages,
        &[change_set("CREATE_COMPLETE", "", "", "")],
    );
    let change_set = ready_change_set(&environment, &input("2")).await;
    assert!(change_set.changes().is_empty());
    change_set.execute(&mut ()).await.unwrap();
}

#[tokio::test]
async fn a_template_in_s3_is_compared_with_the_input() {
    let set = change_set("CREATE_COMPLETE", "", &change("Modify", "A"), "");
    for (lying_there, fits) in [("2", true), ("3", false)] {
        let templates = vec![
            stored_template(input("1").template()),
            stored_template(input(lying_there).template()),
        ];
        let (environment, calls) = environment(&[
            ("DescribeStacks", vec![stack("CREATE_COMPLETE")]),
            ("GetTemplate", templates),
            ("CreateChangeSet", vec![Response::xml("CreateChangeSet", SET)]),
            ("DescribeChangeSet", vec![set.clone()]),
            ("DeleteChangeSet", done("DeleteChangeSet")),
        ]);
        let input = input("2").with_template_at("https://b.s3.us-east-1.amazonaws.com/k");
        let found = environment.create_change_set(&input).await;
        assert_eq!(found.is_ok(), fits, "{found:?}");
        if let Err(error) = found {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(
                error
                    .to_string()
                    .contains("is not the template of stack `shop`; upload it again"),
                "{error}"
            );
            assert_eq!(calls.lock().unwrap()["DeleteChangeSet"], 1);
        }
    }
}

#[tokio::test]
async fn all_validation_findings_are_reported() {
    let reason = "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To troubleshoot \
                  Early Validation errors, use the DescribeEvents API for detailed failure information.";
    let finding = |operation: &str, path: &str, reason: &str| {
        format!(
            "<member><OperationId>{operation}</OperationId><LogicalResourceId>A</LogicalResourceId>\
             <ValidationPath>{path}</ValidationPath><ValidationStatusReason>{reason}</ValidationStatusReason></member>"
        )
    };
    let found = [
        finding("2", "/Resources/A/Properties", "Required property [Value] not found."),
        finding("2", "", "Resource already exists"),
        finding("1", "/Resources/B", "of an operation before"),
    ];
    let found = format!("<OperationEvents>{}</OperationEvents>", found.concat());
    let recorded = "/Resources/A/Properties: Required property [Value] not found; A: Resource already exists. Nothing";
    let rows = [
        (Response::xml("DescribeEvents", &found), recorded),
        (
            Response::error(403, "AccessDenied", "no"),
            "must allow `cloudformation:DescribeEvents`)",
        ),
    ];
    for (response, expected) in rows {
        let (environment, calls) = environment(&[
            ("DescribeStacks", vec![stack("CREATE_COMPLETE")]),
            ("GetTemplate", vec![stored_template(input("1").template())]),
            ("CreateChangeSet", vec![Response::xml("CreateChangeSet", SET)]),
            ("DescribeChangeSet", vec![change_set("FAILED", reason, "", "")]),
            ("DescribeEvents", vec![response]),
            ("DeleteChangeSet", done("DeleteChangeSet")),
        ]);
        let error = environment.create_change_set(&input("2")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(calls.lock().unwrap()["DeleteChangeSet"], 1);
    }
}

#[tokio::test]
async fn a_first_deployment_that_another_one_overtakes_is_one_message() {
    let exists = "Stack [shop] already exists and cannot be created again with the changeSet [c].";
    let running = "ExecuteChangeSet cannot be called from current stack status CREATE_IN_PROGRESS";
    let gone = "ChangeSet [c] does not exist";
    let set = || Response::xml("CreateChangeSet", SET);
    let ready = || change_set("CREATE_COMPLETE", "", &change("Add", "A"), "");
    let created = Response::error(400, "ValidationError", exists);
    let described = Response::error(404, "ChangeSetNotFound", gone);
    let executed = [
        Response::error(400, "ValidationError", running),
        Response::error(404, "ChangeSetNotFound", gone),
    ];
    let mut rows = vec![(created, ready(), done("ExecuteChangeSet").remove(0))];
    rows.push((set(), described, done("ExecuteChangeSet").remove(0)));
    rows.extend(executed.map(|executed| (set(), ready(), executed)));
    for (created, described, executed) in rows {
        let (environment, _) = environment(&[
            // The other one may not have begun yet: its stack must not be deleted, which has no response here.
            ("DescribeStacks", vec![no_stack(), stack("REVIEW_IN_PROGRESS")]),
            ("ListChangeSets", done("ListChangeSets")),
            ("CreateChangeSet", vec![created]),
            ("DescribeChangeSet", vec![described]),
            ("ExecuteChangeSet", vec![executed]),
            ("DeleteChangeSet", done("DeleteChangeSet")),
        ]);
        let error = match environment.create_change_set(&input("1")).await {
            Err(error) => error,
            Ok(ChangeSetOutcome::Ready(change_set)) => change_set.execute(&mut ()).await.unwrap_err(),
            Ok(outcome) => panic!("{outcome:?}"),
        };
        assert_eq!(error.kind(), ErrorKind::Busy);
        assert_eq!(
            error.to_string(),
            "another deployment of stack `shop` in us-east-1 came first, and this one has changed nothing; deploy again when \
             that one has ended"
        );
    }
}
