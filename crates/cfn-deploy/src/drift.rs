//! Drift: resources of a stack that were changed or deleted outside of CloudFormation.
//!
//! Source: CloudFormation user guide, "Detect unmanaged configuration changes to stacks and resources with drift
//! detection" (read 2026-11-30).

use std::fmt;

use aws_sdk_cloudformation::types::{
    DifferenceType, PropertyDifference, StackDriftDetectionStatus, StackResourceDrift, StackResourceDriftStatus,
};

use super::deployed_stack::{DeployedStack, read};
use super::environment::Environment;
use super::error::{Error, ErrorKind};
use super::poll::PollInterval;
use super::status::StackCondition;

/// The statuses in which CloudFormation detects drift.
const DETECTABLE: [&str; 4] = [
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
];

/// The result of [`Environment::detect_drift`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drift {
    /// Resources that differ from the deployed template.
    pub resources: Vec<DriftedResource>,
    /// Resources whose type does not support drift detection: "Web (AWS::ECS::Service)".
    pub unsupported: Vec<String>,
    /// Resources that could not be checked, and why.
    pub unknown: Vec<String>,
}

/// A resource that differs from the deployed template.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriftedResource {
    /// Its logical id.
    pub logical_id: String,
    /// Its type.
    pub kind: String,
    /// Its physical id.
    pub physical_id: String,
    /// Whether it no longer exists.
    pub is_deleted: bool,
    /// The properties that differ: path, expected and actual value as JSON text. Only properties that the template sets
    /// are compared.
    pub properties: Vec<(String, Option<String>, Option<String>)>,
}

impl Drift {
    /// Whether no resource differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }
}

/// As a template difference from the deployed template to the actual resources, with a line break at the end of each line.
impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for resource in &self.resources {
            let sign = if resource.is_deleted { '-' } else { '~' };
            writeln!(
                f,
                "[{sign}] {} {} ({})",
                resource.kind, resource.logical_id, resource.physical_id
            )?;
            for (path, expected, actual) in &resource.properties {
                match (expected, actual) {
                    (Some(expected), Some(actual)) => writeln!(f, "    [~] {path}: {expected} → {actual}")?,
                    (None, Some(actual)) => writeln!(f, "    [+] {path}: {actual}")?,
                    (Some(expected), None) => writeln!(f, "    [-] {path}: {expected}")?,
                    (None, None) => {}
                }
            }
        }
        Ok(())
    }
}

impl Environment {
    /// Compares the resources of a deployed stack with its template. CloudFormation reads each of them, which takes seconds
    /// to minutes and needs its read permissions. `None` if the stack does not exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Busy`] and [`ErrorKind::Blocked`] for a stack whose status does not allow it, and errors of calls.
    pub async fn detect_drift(&self, stack: &str) -> Result<Option<Drift>, Error> {
        let Some(found) = self.describe(stack).await?.map(read) else {
            return Ok(None);
        };
        match found.status.condition() {
            StackCondition::Deleted | StackCondition::ReviewInProgress => return Ok(None),
            _ if DETECTABLE.contains(&found.status.as_str()) => {}
            _ if found.status.remedy(stack, self.region()).is_some() => return Err(self.blocked_error(&found).await),
            _ => {
                let message = format!(
                    "stack `{stack}` is in status {}, in which CloudFormation does not detect drift; deploy it first",
                    found.status
                );
                return Err(Error::new(ErrorKind::Blocked, message));
            }
        }
        let mut drift = Drift::default();
        drift.unknown.extend(self.run_detection(&found).await?);
        let mut pages = self
            .cloudformation()
            .describe_stack_resource_drifts()
            .stack_name(&found.id)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.call_error("DescribeStackResourceDrifts", stack, error))?;
            for resource in page.stack_resource_drifts.unwrap_or_default() {
                drift.add(resource);
            }
        }
        drift.unsupported = self.undetectable(&found).await?;
        Ok(Some(drift))
    }

    /// Starts a detection and waits for its end. Returns why some resources could not be checked: the results of the others
    /// are valid.
    async fn run_detection(&self, stack: &DeployedStack) -> Result<Option<String>, Error> {
        let name = &stack.name;
        let started = self
            .cloudformation()
            .detect_stack_drift()
            .stack_name(&stack.id)
            .send()
            .await;
        let started = started.map_err(|error| self.call_error("DetectStackDrift", name, error))?;
        let id = started.stack_drift_detection_id.unwrap_or_default();
        let mut poller = self.poller(PollInterval::CHANGE_SET);
        loop {
            let call = self.cloudformation().describe_stack_drift_detection_status();
            let response = call.stack_drift_detection_id(&id).send().await;
            let response =
                response.map_err(|error| self.call_error("DescribeStackDriftDetectionStatus", name, error))?;
            match response.detection_status {
                Some(StackDriftDetectionStatus::DetectionInProgress) => poller.wait().await,
                Some(StackDriftDetectionStatus::DetectionComplete) => return Ok(None),
                Some(StackDriftDetectionStatus::DetectionFailed) => {
                    let reason = response.detection_status_reason.unwrap_or_default();
                    return Ok(Some(format!("some resources: {reason}")));
                }
                other => {
                    let message = format!("the drift detection of stack `{name}` has the unknown status {other:?}");
                    return Err(Error::new(ErrorKind::Unexpected, message));
                }
            }
        }
    }

    /// The resources that CloudFormation did not check, because their types do not support it.
    async fn undetectable(&self, stack: &DeployedStack) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        let call = self.cloudformation().list_stack_resources().stack_name(&stack.id);
        let mut pages = call.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.call_error("ListStackResources", &stack.name, error))?;
            for resource in page.stack_resource_summaries.unwrap_or_default() {
                let status = resource.drift_information.as_ref();
                let status = status.and_then(|information| information.stack_resource_drift_status.as_ref());
                let is_checked = status.is_some_and(|status| {
                    !matches!(
                        status,
                        StackResourceDriftStatus::NotChecked | StackResourceDriftStatus::Unsupported
                    )
                });
                if !is_checked {
                    found.push(format!(
                        "{} ({})",
                        resource.logical_resource_id.unwrap_or_default(),
                        resource.resource_type.unwrap_or_default()
                    ));
                }
            }
        }
        Ok(found)
    }
}

impl Drift {
    fn add(&mut self, resource: StackResourceDrift) {
        let logical_id = resource.logical_resource_id.unwrap_or_default();
        let kind = resource.resource_type.unwrap_or_default();
        match resource.stack_resource_drift_status {
            Some(status @ (StackResourceDriftStatus::Modified | StackResourceDriftStatus::Deleted)) => {
                let differences = resource.property_differences.unwrap_or_default();
                self.resources.push(DriftedResource {
                    logical_id,
                    kind,
                    physical_id: resource.physical_resource_id.unwrap_or_default(),
                    is_deleted: status == StackResourceDriftStatus::Deleted,
                    properties: differences.into_iter().map(property).collect(),
                });
            }
            Some(StackResourceDriftStatus::UnknownValue) => {
                let reason = resource.drift_status_reason.unwrap_or_default();
                self.unknown.push(format!("{logical_id} ({kind}): {reason}"));
            }
            _ => {}
        }
    }
}

fn property(difference: PropertyDifference) -> (String, Option<String>, Option<String>) {
    let path = difference.property_path.unwrap_or_default();
    let path = path.trim_start_matches('/').replace('/', ".");
    let (expected, actual) = (difference.expected_value, difference.actual_value);
    match difference.difference_type {
        Some(DifferenceType::Add) => (path, None, actual),
        Some(DifferenceType::Remove) => (path, expected, None),
        _ => (path, expected, actual),
    }
}
