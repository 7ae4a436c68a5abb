//! The error of a stack whose status does not allow an operation.

use super::deployed_stack::DeployedStack;
use super::environment::Environment;
use super::error::{Error, ErrorKind};

/// The resources that are named; a large stack may have more.
const MAX_STUCK: usize = 5;

impl Environment {
    /// The error of a stack that is busy or blocked: its status, CloudFormation's reason, the meaning and the next step.
    pub(super) async fn blocked_error(&self, stack: &DeployedStack) -> Error {
        let kind = if stack.status.is_in_progress() {
            ErrorKind::Busy
        } else {
            ErrorKind::Blocked
        };
        let remedy = stack.status.remedy(&stack.name, self.region()).unwrap_or_default();
        let reason = stack.status_reason.as_deref().filter(|reason| !reason.is_empty());
        let reason = reason.map(|reason| format!(" (\"{reason}\")")).unwrap_or_default();
        let message = format!("stack `{}` is in status {}{reason}: {remedy}", stack.name, stack.status);
        let error = Error::new(kind, message);
        if kind == ErrorKind::Busy {
            return error;
        }
        match self.failed_resources(stack).await {
            Ok(stuck) if stuck.is_empty() => error,
            Ok(stuck) => error.with_sentence(&format!("Failed: {}", stuck.join("; "))),
            // The error says without them what to do.
            Err(_) => error,
        }
    }

    /// The resources of a stack that are in a failed status, with the reason: "Web (AWS::ECS::Service) UPDATE_FAILED: the
    /// reason".
    async fn failed_resources(&self, stack: &DeployedStack) -> Result<Vec<String>, Error> {
        let call = self.cloudformation().describe_stack_resources().stack_name(&stack.id);
        let response = call.send().await;
        let response = response.map_err(|error| self.call_error("DescribeStackResources", &stack.name, error))?;
        let resources = response.stack_resources.unwrap_or_default().into_iter();
        let failed = resources.filter_map(|resource| {
            let status = resource.resource_status.as_ref()?.as_str();
            let text = format!(
                "{} ({}) {status}",
                resource.logical_resource_id.unwrap_or_default(),
                resource.resource_type.unwrap_or_default()
            );
            let reason = resource.resource_status_reason.filter(|reason| !reason.is_empty());
            status.ends_with("_FAILED").then(|| match reason {
                Some(reason) => format!("{text}: {}", reason.trim_end_matches('.')),
                None => text,
            })
        });
        Ok(failed.take(MAX_STUCK).collect())
    }
}
