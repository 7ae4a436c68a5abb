//! Stacks that a failed operation left as they were, because its rollback was disabled.
//!
//! CloudFormation updates such a stack only with rollback disabled again, and rejects replacements then: "Replacement type
//! updates not supported on stack with disable-rollback" (CloudFormation user guide, "Choose how to handle failures when
//! provisioning resources"; aws/aws-cdk issue 30546; read 2026-11-30).

use aws_sdk_cloudformation::types::{Capability, Parameter};

use super::{ChangeSet, ChangeSetId};
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::resource_change::Replacement;

impl ChangeSet {
    /// Rejects replacements with rollback disabled, before CloudFormation does so in the middle of the operation.
    pub(super) async fn check_replacements(&self) -> Result<(), Error> {
        let replaced: Vec<_> = self
            .changes
            .iter()
            .filter(|change| change.replacement == Replacement::Always)
            .map(|change| format!("{} ({})", change.logical_id, change.kind))
            .collect();
        if !self.is_rollback_disabled || replaced.is_empty() {
            return Ok(());
        }
        let stack = &self.set.stack;
        let remedy = match &*self.deployed_status().await? {
            "CREATE_FAILED" => "destroy the stack and deploy again".to_owned(),
            "UPDATE_FAILED" => format!(
                "roll it back with `aws cloudformation rollback-stack --stack-name {stack} --region {}`, wait for its end, \
                 and deploy again",
                self.environment.region()
            ),
            _ => "deploy without `--no-rollback`".to_owned(),
        };
        let message = format!(
            "stack `{stack}` cannot be updated with rollback disabled, because CloudFormation then rejects replacements: {}; \
             {remedy}",
            replaced.join(", ")
        );
        let error = Error::new(ErrorKind::Blocked, message);
        Err(match self.environment.discard(&self.set).await {
            Ok(()) => error.with_sentence("Nothing was changed"),
            Err(also) => error.with_sentence(&format!("Nothing was changed, but the change set remains: {also}")),
        })
    }

    async fn deployed_status(&self) -> Result<String, Error> {
        let found = self.environment.describe(&self.set.stack_id).await?;
        Ok(found.map_or_else(String::new, |stack| {
            stack
                .stack_status
                .map_or_else(String::new, |status| status.as_str().to_owned())
        }))
    }
}

impl Environment {
    /// Starts an update with the deployed template and parameters, which tries the failed resources again.
    pub(super) async fn retry_failed(&self, set: &ChangeSetId, parameters: &[String]) -> Result<(), Error> {
        let kept = parameters.iter().map(|name| {
            Parameter::builder()
                .parameter_key(name)
                .use_previous_value(true)
                .build()
        });
        let call = self
            .cloudformation()
            .update_stack()
            .stack_name(&set.stack_id)
            .use_previous_template(true)
            .disable_rollback(true)
            .client_request_token(&set.token)
            .set_role_arn(self.service_role().map(str::to_owned))
            // The template had them when it was deployed.
            .capabilities(Capability::CapabilityNamedIam)
            .capabilities(Capability::CapabilityAutoExpand)
            .set_parameters(Some(kept.collect()));
        let started = call.send().await;
        started.map_err(|error| self.call_error("UpdateStack", &set.stack, error))?;
        Ok(())
    }
}
