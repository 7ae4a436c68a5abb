//! Root cause: the first failure of an operation that is not a consequence of another. Pure.

use std::fmt;

use super::event::Event;
use super::status::StackStatus;

/// The first failure of an operation, and the end of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RootCause {
    /// The logical id of the failed resource; the stack's name if no resource failed.
    pub logical_id: String,
    /// Its resource type.
    pub kind: String,
    /// Its status, such as `CREATE_FAILED`.
    pub status: String,
    /// The reason, as reported by CloudFormation.
    pub reason: String,
    /// The first failure of the rollback, in one line.
    pub rollback: Option<String>,
    /// The final status of the stack.
    pub end: StackStatus,
}

/// Whether a reason only refers to another failure.
fn is_consequence(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    reason.contains(" cancelled")
        || reason.contains(" canceled")
        || reason.starts_with("the following resource(s) failed")
}

/// The root cause of a failed operation from its events, oldest first.
pub(super) fn root_cause(stack: &str, events: &[Event], end: &StackStatus, reason: Option<&str>) -> RootCause {
    let turn = events.iter().position(Event::is_rollback);
    let (forward, back) = events.split_at(turn.unwrap_or(events.len()));
    let first = |events: &[Event]| -> Option<Event> {
        let failed = || events.iter().filter(|event| event.is_failure());
        let real = |event: &&Event| !event.reason.as_deref().is_some_and(is_consequence);
        let of_resource = failed().filter(|event| !event.is_of_stack).find(real);
        // A failure without a resource: CloudFormation rejected the stack as a whole.
        let of_stack = || failed().filter(|event| event.is_of_stack).find(real);
        of_resource.or_else(of_stack).or_else(|| failed().next()).cloned()
    };
    let rollback = first(back).map(|event| event.to_string());
    match first(forward) {
        Some(event) => RootCause {
            logical_id: event.logical_id,
            kind: event.kind,
            status: event.status,
            reason: event.reason.unwrap_or_default(),
            rollback,
            end: end.clone(),
        },
        // Nothing failed: the rollback was requested, and the stack has the reason.
        None => {
            let turned = turn.and_then(|turn| events[turn].reason.as_deref());
            RootCause {
                logical_id: stack.to_owned(),
                kind: super::event::STACK.to_owned(),
                status: end.as_str().to_owned(),
                reason: turned.or(reason).unwrap_or_default().to_owned(),
                rollback,
                end: end.clone(),
            }
        }
    }
}

/// One line: "Blue (AWS::ECS::Service) CREATE_FAILED: the reason".
impl fmt::Display for RootCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason.trim().trim_end_matches('.') {
            "" => "CloudFormation gives no reason",
            reason => reason,
        };
        write!(f, "{} ({}) {}: {reason}", self.logical_id, self.kind, self.status)
    }
}

/// The message of a failed operation: root cause, final status and next step.
pub(super) fn message(stack: &str, region: &str, doing: &str, failure: &RootCause) -> String {
    let mut text = format!("{doing} stack `{stack}` failed: {failure}");
    if let Some(rollback) = &failure.rollback {
        text.push_str(&format!(". The rollback failed too: {rollback}"));
    }
    if failure.reason.to_ascii_lowercase().contains("service linked role") {
        // ECS creates it with the first cluster of an account, and uses it before IAM has propagated it
        // (aws-cloudformation/cloudformation-coverage-roadmap issue 818, read 2026-11-23).
        text.push_str(
            ". This happens with the first cluster of an account; the role exists by now, or `aws iam \
             create-service-linked-role --aws-service-name ecs.amazonaws.com` creates it",
        );
    }
    if let Some(remedy) = collision(&failure.reason) {
        text.push_str(&format!(". {remedy}"));
    }
    let end = &failure.end;
    let (then, remedy) = match end.as_str() {
        "UPDATE_ROLLBACK_COMPLETE" => (
            "CloudFormation rolled the stack back to its previous state".to_owned(),
            Some("Fix the cause and deploy again".to_owned()),
        ),
        "CREATE_FAILED" | "UPDATE_FAILED" => (
            "CloudFormation did not roll back".to_owned(),
            Some("Fix the cause and deploy again".to_owned()),
        ),
        _ => ("The stack".to_owned(), None),
    };
    match remedy {
        Some(remedy) => text.push_str(&format!(". {then} ({end}). {remedy}")),
        None => {
            let remedy = end.remedy(stack, region);
            let remedy = remedy.map(|remedy| format!(": {remedy}")).unwrap_or_default();
            text.push_str(&format!(". {then} is in status {end}{remedy}"));
        }
    }
    text
}

/// What to do about a physical name that is taken: by a resource of another stack, or of none.
fn collision(reason: &str) -> Option<String> {
    let (_, rest) = reason.split_once(" already exists")?;
    let owner = rest.split_once(" in stack ").map(|(_, arn)| arn.trim());
    let owner = owner.map(|arn| {
        arn.split(|c: char| c.is_whitespace() || c == ',' || c == ')')
            .next()
            .unwrap_or(arn)
    });
    Some(match owner.map(|arn| arn.trim_end_matches('.')) {
        Some(arn) => {
            let name = arn.split('/').nth(1).unwrap_or(arn);
            format!("The name belongs to stack `{name}` ({arn}): give one of the two resources another name")
        }
        None => {
            "The name is taken by a resource outside of this stack: delete it if it is a leftover, give the new one \
                 another name, or import it with a change set of type IMPORT"
                .to_owned()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::*;

    fn found(events: &[&str], end: &str, reason: Option<&str>) -> RootCause {
        let events: Vec<_> = events.iter().map(|text| event(text)).collect();
        root_cause("demo", &events, &StackStatus::new(end), reason)
    }

    #[test]
    fn a_late_service_linked_role_is_explained() {
        let events = ["CREATE_FAILED Cluster: Unable to assume the service linked role. Please verify that it exists"];
        let failure = found(&events, "ROLLBACK_COMPLETE", None);
        let text = message("demo", "eu-west-1", "deploying", &failure);
        assert!(
            text.contains("the first cluster of an account; the role exists by now"),
            "{text}"
        );
        assert!(text.contains("destroy it"), "{text}");
    }

    #[test]
    fn the_root_cause_is_the_first_failure_that_is_no_consequence() {
        let rows: [(&[&str], &str, &str); 7] = [
            (
                &[
                    "CREATE_IN_PROGRESS A",
                    "CREATE_FAILED A: no such image",
                    "ROLLBACK_IN_PROGRESS demo: x",
                ],
                "ROLLBACK_COMPLETE",
                "A (AWS::SSM::Parameter) CREATE_FAILED: no such image",
            ),
            (
                &[
                    "CREATE_FAILED A: Resource creation cancelled",
                    "CREATE_FAILED B: Access denied.",
                    "CREATE_FAILED C: late",
                    "ROLLBACK_IN_PROGRESS demo: The following resource(s) failed to create: [A, B].",
                ],
                "ROLLBACK_COMPLETE",
                "B (AWS::SSM::Parameter) CREATE_FAILED: Access denied",
            ),
            (
                &[
                    "UPDATE_FAILED demo: Template error",
                    "UPDATE_ROLLBACK_IN_PROGRESS demo: x",
                ],
                "UPDATE_ROLLBACK_COMPLETE",
                "demo (AWS::CloudFormation::Stack) UPDATE_FAILED: Template error",
            ),
            (
                &[
                    "UPDATE_IN_PROGRESS demo",
                    "UPDATE_ROLLBACK_IN_PROGRESS demo: User Initiated",
                ],
                "UPDATE_ROLLBACK_COMPLETE",
                "demo (AWS::CloudFormation::Stack) UPDATE_ROLLBACK_COMPLETE: User Initiated",
            ),
            (
                &[
                    "DELETE_FAILED Ns: Namespace has associated services",
                    "DELETE_FAILED demo: The following resource(s) failed to delete: [Ns]. ",
                ],
                "DELETE_FAILED",
                "Ns (AWS::SSM::Parameter) DELETE_FAILED: Namespace has associated services",
            ),
            (
                &["UPDATE_FAILED A: Resource update cancelled"],
                "UPDATE_ROLLBACK_COMPLETE",
                "A (AWS::SSM::Parameter) UPDATE_FAILED: Resource update cancelled",
            ),
            (
                &[],
                "UPDATE_ROLLBACK_FAILED",
                "demo (AWS::CloudFormation::Stack) UPDATE_ROLLBACK_FAILED: as it says",
            ),
        ];
        for (events, end, expected) in rows {
            assert_eq!(
                found(events, end, Some("as it says")).to_string(),
                expected,
                "{events:?}"
            );
        }
    }

    #[test]
    fn a_name_that_is_taken_names_its_stack() {
        let arn = "arn:aws:cloudformation:eu-west-1:1:stack/billing/6f1e";
        let text = collision(&format!("/shop/state already exists in stack {arn}")).unwrap();
        assert!(text.contains("stack `billing`") && text.contains(arn), "{text}");
        let taken = "Resource of type 'AWS::Logs::LogGroup' with identifier '{\"/properties/LogGroupName\":\"/x\"}' already \
                     exists. (Service: null)";
        assert!(collision(taken).unwrap().contains("outside of this stack"));
        assert_eq!(collision("Access denied"), None);
    }

    #[test]
    fn the_message_has_the_final_status_and_the_next_step() {
        let rows = [
            (
                "UPDATE_ROLLBACK_COMPLETE",
                "rolled the stack back to its previous state (UPDATE_ROLLBACK_COMPLETE). Fix the cause",
            ),
            (
                "ROLLBACK_COMPLETE",
                "The stack is in status ROLLBACK_COMPLETE: its creation failed",
            ),
            (
                "UPDATE_ROLLBACK_FAILED",
                "`aws cloudformation continue-update-rollback --stack-name demo --region r`",
            ),
            ("DELETE_FAILED", "destroy it again"),
            ("CREATE_FAILED", "did not roll back (CREATE_FAILED). Fix the cause"),
        ];
        for (end, part) in rows {
            let failure = found(&["CREATE_FAILED A: because"], end, None);
            let message = message("demo", "r", "deploying", &failure);
            assert!(
                message.starts_with("deploying stack `demo` failed: A (AWS::SSM::Parameter) CREATE_FAILED: because. "),
                "{message}"
            );
            assert!(message.contains(part), "{end}: {message}");
        }
        let events = [
            "UPDATE_FAILED A: because",
            "UPDATE_ROLLBACK_IN_PROGRESS demo: x",
            "UPDATE_FAILED B: in use",
        ];
        let failure = found(&events, "UPDATE_ROLLBACK_FAILED", None);
        let message = message("demo", "r", "deploying", &failure);
        assert!(
            message.contains("The rollback failed too: UPDATE_FAILED AWS::SSM::Parameter B: in use"),
            "{message}"
        );
    }
}
