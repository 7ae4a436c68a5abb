//! Waiting for a change set, and reading it.

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

/// How long CloudFormation may take to make a change set: hooks and macros run meanwhile.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

impl Environment {
    /// What a change set says, once it is made; `None` if it has nothing to say.
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
            let answer = match call
                .send()
                .await
                .map_err(|error| self.call_error("DescribeChangeSet", &set.stack, &error))
            {
                Ok(answer) => answer,
                Err(error) if error.is_transient() && poller.waited() < PATIENCE => {
                    poller.wait_backoff().await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            match answer.status {
                Some(ChangeSetStatus::CreateComplete) => {}
                Some(ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress) => {
                    if poller.waited() >= PATIENCE {
                        let message = format!(
                            "CloudFormation has been making the change set of stack `{}` for half an hour; it is given \
                             up and removed",
                            set.stack
                        );
                        return Err(Error::new(ErrorKind::Unexpected, message));
                    }
                    poller.wait().await;
                    continue;
                }
                status => {
                    let reason = answer.status_reason.unwrap_or_default();
                    if is_empty(&reason) {
                        return Ok(None);
                    }
                    let reason = self
                        .with_validation_findings(reason, &set.stack, Subject::ChangeSet(&set.id))
                        .await;
                    let status = status.map_or_else(String::new, |status| status.as_str().to_owned());
                    let message = format!(
                        "CloudFormation cannot make a change set for stack `{}` ({status}): {}. Nothing was changed",
                        set.stack,
                        reason.trim_end_matches('.')
                    );
                    return Err(Error::new(ErrorKind::Rejected, message));
                }
            }
            changes.extend(
                answer
                    .changes
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(ResourceChange::read),
            );
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
        if let Some(url) = &input.url {
            self.is_the_same(input, set, url).await?;
        }
        Ok(Some(changes))
    }

    /// Whether what lies in S3 is the template.
    async fn is_the_same(&self, input: &DeploymentInput, set: &ChangeSetId, url: &str) -> Result<(), Error> {
        let call = self
            .cloudformation()
            .get_template()
            .change_set_name(&set.id)
            .stack_name(&set.stack_id)
            .template_stage(TemplateStage::Original);
        let answer = call.send().await;
        let answer = answer.map_err(|error| self.call_error("GetTemplate", &set.stack, &error))?;
        let text = answer.template_body.unwrap_or_default();
        let difference = match Template::from_text(&text) {
            Ok(found) => diff(&found, input.template()),
            Err(error) => {
                let message = format!("what lies at {url} is no template that can be read: {error}");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
        };
        if difference.is_empty() {
            return Ok(());
        }
        let message = format!(
            "what lies at {url} is not the template of stack `{}`; upload it again. What differs:\n{difference}",
            set.stack
        );
        Err(Error::new(ErrorKind::Invalid, message))
    }
}

/// Whether a change set failed because there is nothing to change. It has no code for that either; the second is what
/// templates with a transform get.
fn is_empty(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}
