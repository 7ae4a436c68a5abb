//! Waits for a change set and reads it.

use std::time::Duration;

use aws_sdk_cloudformation::types::{ChangeSetStatus, TemplateStage};
use cfn::{Template, diff};

use super::ChangeSetId;
use crate::deployment_input::DeploymentInput;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::poll::PollInterval;
use crate::resource_change::ResourceChange;
use crate::validation::Subject;

/// The time limit for the creation of a change set, which includes hooks and macros.
const CREATION_TIMEOUT: Duration = Duration::from_secs(30 * 60);

impl Environment {
    /// The changes of a change set once it is ready; `None` if it is empty.
    pub(crate) async fn read_change_set(
        &self,
        input: &DeploymentInput,
        set: &ChangeSetId,
    ) -> Result<Option<Vec<ResourceChange>>, Error> {
        let mut poller = self.poller(PollInterval::CHANGE_SET);
        let mut changes = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let call = self
                .cloudformation()
                .describe_change_set()
                .change_set_name(&set.id)
                .stack_name(&set.stack_id)
                .set_next_token(next.clone());
            let response = match call
                .send()
                .await
                .map_err(|error| self.call_error("DescribeChangeSet", &set.stack, error))
            {
                Ok(response) => response,
                Err(error) if error.is_transient() && poller.waited() < CREATION_TIMEOUT => {
                    poller.wait_backoff().await;
                    continue;
                }
                // An executed change set takes all others of its stack with it.
                Err(error) if error.has_code("ChangeSetNotFound") => return Err(self.overtaken(&set.stack)),
                Err(error) => return Err(error),
            };
            match response.status {
                Some(ChangeSetStatus::CreateComplete) => {}
                Some(ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress) => {
                    if poller.waited() >= CREATION_TIMEOUT {
                        let message = format!(
                            "CloudFormation has not completed the change set of stack `{}` within 30 minutes; it was deleted",
                            set.stack
                        );
                        return Err(Error::new(ErrorKind::Unexpected, message));
                    }
                    poller.wait().await;
                    continue;
                }
                status => {
                    let reason = response.status_reason.unwrap_or_default();
                    if is_empty(&reason) {
                        return Ok(None);
                    }
                    let reason = self
                        .with_validation_findings(reason, &set.stack, Subject::ChangeSet(&set.id))
                        .await;
                    let status = status.map_or_else(String::new, |status| status.as_str().to_owned());
                    let message = format!(
                        "CloudFormation cannot create a change set for stack `{}` ({status}): {}. Nothing was changed",
                        set.stack,
                        reason.trim_end_matches('.')
                    );
                    return Err(Error::new(ErrorKind::Rejected, message));
                }
            }
            changes.extend(
                response
                    .changes
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(ResourceChange::read),
            );
            next = response.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
        if let Some(url) = &input.url {
            self.check_uploaded_template(input, set, url).await?;
        }
        Ok(Some(changes))
    }

    /// Checks that the template in S3 is the template of the input.
    async fn check_uploaded_template(
        &self,
        input: &DeploymentInput,
        set: &ChangeSetId,
        url: &str,
    ) -> Result<(), Error> {
        let call = self
            .cloudformation()
            .get_template()
            .change_set_name(&set.id)
            .stack_name(&set.stack_id)
            .template_stage(TemplateStage::Original);
        let response = call.send().await;
        let response = response.map_err(|error| self.call_error("GetTemplate", &set.stack, error))?;
        let text = response.template_body.unwrap_or_default();
        let difference = match Template::from_text(&text) {
            Ok(found) => diff(&found, input.template()),
            Err(error) => {
                let message = format!("{url} is not a template: {error}");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
        };
        if difference.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{url} is not the template of stack `{}`; upload it again. Differences:\n{difference}",
            set.stack
        );
        Err(Error::new(ErrorKind::Invalid, message))
    }
}

/// Whether a change set failed because it is empty. CloudFormation has no error code for that; templates with a transform
/// have the second text.
fn is_empty(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}
