//! What CloudFormation finds wrong before it begins. It says only that there is something, and tells what when asked.
//!
//! Source: CloudFormation user guide, "Validate stack deployments", and API reference, `DescribeEvents` (read
//! 2026-11-23).

use aws_sdk_cloudformation::types::{EventFilter, OperationEvent};

use super::environment::Environment;
use super::error::Error;

/// What was judged.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// A stack, by its id.
    Stack(&'a str),
    /// A change set, by its id.
    ChangeSet(&'a str),
}

impl Environment {
    /// A reason that CloudFormation gave, or in its place all that it stands for.
    pub(super) async fn with_validation_findings(&self, reason: String, stack: &str, subject: Subject<'_>) -> String {
        match self.validation(stack, subject).await {
            Ok(Some(found)) => found,
            Ok(None) => reason,
            // A reason that sends the reader there is not enough.
            Err(error) if reason.contains("DescribeEvents") => format!("{reason} (that cannot be read: {error})"),
            Err(_) => reason,
        }
    }

    /// Everything that was found wrong, in one line.
    async fn validation(&self, stack: &str, subject: Subject<'_>) -> Result<Option<String>, Error> {
        let call = self.cloudformation().describe_events();
        let call = match subject {
            Subject::Stack(id) => call.stack_name(id),
            Subject::ChangeSet(id) => call.change_set_name(id),
        };
        let failed = EventFilter::builder().failed_events(true).build();
        let answer = call.filters(failed).send().await;
        let answer = answer.map_err(|error| self.call_error("DescribeEvents", stack, &error))?;
        let events = answer.operation_events.unwrap_or_default();
        // The newest come first, and an operation before this one may have been judged too.
        let newest = events.first().and_then(|event| event.operation_id.clone());
        let of_this = events.into_iter().filter(|event| event.operation_id == newest);
        let found: Vec<String> = of_this.filter_map(finding).collect();
        Ok((!found.is_empty()).then(|| found.join("; ")))
    }
}

/// "/Resources/State/Properties/Type: the reason".
fn finding(event: OperationEvent) -> Option<String> {
    let reason = event.validation_status_reason.filter(|reason| !reason.is_empty())?;
    let path = event.validation_path.filter(|path| !path.is_empty());
    let place = path.or(event.logical_resource_id).unwrap_or_default();
    Some(format!("{place}: {}", reason.trim_end_matches('.')))
}
