//! Findings of CloudFormation's validation before an operation, from `DescribeEvents`.
//!
//! Source: CloudFormation user guide, "Validate stack deployments", and API reference, `DescribeEvents` (read
//! 2026-11-23).

use aws_sdk_cloudformation::types::{EventFilter, OperationEvent};

use super::environment::Environment;
use super::error::Error;

/// The validated object.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// A stack, by its id.
    Stack(&'a str),
    /// A change set, by its id.
    ChangeSet(&'a str),
}

impl Environment {
    /// A reason from CloudFormation, replaced by the validation findings if there are any.
    pub(super) async fn with_validation_findings(&self, reason: String, stack: &str, subject: Subject<'_>) -> String {
        match self.validation(stack, subject).await {
            Ok(Some(found)) => found,
            Ok(None) => reason,
            // The reason alone only refers to `DescribeEvents`.
            Err(error) if reason.contains("DescribeEvents") => format!("{reason} (DescribeEvents failed: {error})"),
            Err(_) => reason,
        }
    }

    /// All findings, in one line.
    async fn validation(&self, stack: &str, subject: Subject<'_>) -> Result<Option<String>, Error> {
        let call = self.cloudformation().describe_events();
        let call = match subject {
            Subject::Stack(id) => call.stack_name(id),
            Subject::ChangeSet(id) => call.change_set_name(id),
        };
        let failed = EventFilter::builder().failed_events(true).build();
        let response = call.filters(failed).send().await;
        let response = response.map_err(|error| self.call_error("DescribeEvents", stack, error))?;
        let events = response.operation_events.unwrap_or_default();
        // Newest first; earlier operations may have findings too.
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
    let path = path.or(event.logical_resource_id).unwrap_or_default();
    Some(format!("{path}: {}", reason.trim_end_matches('.')))
}
