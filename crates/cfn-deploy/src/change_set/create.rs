//! Creates change sets.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{ChangeSetType, Parameter, Tag};
use aws_smithy_runtime_api::client::result::SdkError;
use cfn::{Diff, Template, diff};
use indexmap::IndexMap;

use super::{ChangeSet, ChangeSetId};
use crate::deployed_stack::{DeployedStack, Outputs};
use crate::deployment_input::{Body, DeploymentInput, ParameterValue, SECRET, body, capabilities};
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::ownership::adopted_from;
use crate::security::{SecurityChange, TemplateVersion, security_changes};
use crate::status::StackCondition;

/// The result of [`Environment::create_change_set`].
#[expect(clippy::large_enum_variant, reason = "one value per deployment")]
#[derive(Debug)]
pub enum ChangeSetOutcome {
    /// The stack is up to date and has these outputs. The change set was deleted.
    NoChanges(Outputs),
    /// There are changes.
    Ready(ChangeSet),
}

/// A changed parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParameterChange {
    /// Its name.
    pub name: String,
    /// The value before; `None` for a new parameter, `****` for a `NoEcho` parameter.
    pub before: Option<String>,
    /// The value after; `None` for a removed parameter, `****` for a `NoEcho` parameter, which may be unchanged.
    pub after: Option<String>,
}

/// An input compared with the deployed stack.
pub(crate) struct Assessment {
    pub(crate) deployed: Option<DeployedStack>,
    pub(crate) values: IndexMap<String, ParameterValue>,
    /// Whether the deployed template is the input's, so that it need not be sent.
    pub(crate) has_same_template: bool,
    pub(crate) diff: Diff,
    pub(crate) parameters: Vec<ParameterChange>,
    pub(crate) security: Vec<SecurityChange>,
    pub(crate) adopted_from: Option<String>,
}

impl Environment {
    /// Creates a change set for the input. A new stack is in status `REVIEW_IN_PROGRESS` from then on, without resources;
    /// [`ChangeSet::discard`] deletes both. If the future is dropped, a change set named `meshwright-…` may remain until
    /// the next deployment; it has no effect.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] with all diagnostics of the input, or with the values of other stacks that are missing, before
    /// any call. Then [`ErrorKind::Foreign`] for a stack of another owner, [`ErrorKind::Busy`] and [`ErrorKind::Blocked`]
    /// with the next step, [`ErrorKind::Rejected`] with CloudFormation's reason, and errors of calls. No change set remains.
    pub async fn create_change_set(&self, input: &DeploymentInput) -> Result<ChangeSetOutcome, Error> {
        input.require_imports()?;
        let assessment = self.assess(input).await?;
        if let Some(stack) = &assessment.deployed {
            // First: the remedy for a blocked stack is not for a stack of another owner.
            self.check_owner(stack, input)?;
            if matches!(stack.status.condition(), StackCondition::Busy | StackCondition::Blocked) {
                return Err(self.blocked_error(stack).await);
            }
        }
        self.build_change_set(input, assessment).await
    }

    /// Compares the input with the deployed stack.
    pub(crate) async fn assess(&self, input: &DeploymentInput) -> Result<Assessment, Error> {
        let what = format!("stack `{}`", input.stack());
        input
            .check()
            .map_err(|diagnostics| Error::invalid(&what, &diagnostics))?;
        let deployed = self.deployed(input.stack()).await?;
        let before = match &deployed {
            Some(stack) => Some((stack, stack.read_template()?)),
            None => None,
        };
        // A stack in review has no template and no parameter values.
        let kept = before
            .as_ref()
            .filter(|(stack, _)| stack.status.condition() != StackCondition::ReviewInProgress);
        let values = input.values(kept.map(|(stack, template)| (*stack, template)));
        let values = values.map_err(|diagnostics| Error::invalid(&what, &diagnostics))?;
        let after: BTreeMap<String, String> = values
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.known()?.to_owned())))
            .collect();
        let empty = Template::default();
        let old = before.as_ref().map_or(&empty, |(_, template)| template);
        let was: BTreeMap<String, String> = deployed.iter().flat_map(|stack| stack.parameters.clone()).collect();
        let shown = was.iter().filter(|(_, value)| *value != SECRET);
        let shown: BTreeMap<_, _> = shown.map(|(name, value)| (name.clone(), value.clone())).collect();
        let side = |template, parameters| TemplateVersion { template, parameters };
        let security = security_changes(Some(side(old, &shown)), side(input.template(), &after));
        let (diff, parameters) = (diff(old, input.template()), parameter_changes(&was, &values));
        // After a failure that was not rolled back, which template CloudFormation has is not documented.
        let is_settled = kept.is_some_and(|(stack, _)| stack.status.as_str().ends_with("_COMPLETE"));
        let has_same_template = is_settled && old == input.template();
        let adopted_from = deployed.as_ref().and_then(|stack| adopted_from(stack, input));
        Ok(Assessment {
            adopted_from,
            deployed,
            values,
            has_same_template,
            diff,
            parameters,
            security,
        })
    }

    /// Creates a change set and waits until it is ready.
    pub(crate) async fn build_change_set(
        &self,
        input: &DeploymentInput,
        assessment: Assessment,
    ) -> Result<ChangeSetOutcome, Error> {
        let stack = input.stack();
        let is_update = assessment
            .deployed
            .as_ref()
            .is_some_and(|stack| stack.status.condition() != StackCondition::ReviewInProgress);
        let token = format!("meshwright-{}", uuid::Uuid::new_v4().simple());
        let mut call = self
            .cloudformation()
            .create_change_set()
            .stack_name(stack)
            .change_set_name(&token)
            .client_token(&token)
            .set_role_arn(self.service_role().map(str::to_owned))
            .change_set_type(if is_update {
                ChangeSetType::Update
            } else {
                ChangeSetType::Create
            })
            .set_capabilities(capabilities(input.template()).map(|capability| vec![capability]))
            .set_parameters(Some(assessment.values.iter().map(parameter).collect()));
        if !input.tags.is_empty() {
            let tags = input
                .tags
                .iter()
                .map(|(key, value)| Tag::builder().key(key).value(value).build());
            call = call.set_tags(Some(tags.collect()));
        }
        let mut uploaded = None;
        call = match body(input) {
            // Parameters may differ.
            Ok(Body::Text(_) | Body::Upload(_)) if assessment.has_same_template => call.use_previous_template(true),
            Ok(Body::Text(text)) => call.template_body(text),
            Ok(Body::Upload(text)) => {
                let url = self.upload_template(&text).await?;
                uploaded = Some(url.clone());
                call.template_url(url)
            }
            Ok(Body::Url(url)) => call.template_url(url),
            Err(too_long) => return Err(Error::new(ErrorKind::Invalid, format!("the template {too_long}"))),
        };
        let made = call.send().await;
        if let Err(error) = &made
            && is_overtaken(error)
        {
            return Err(self.overtaken(stack));
        }
        let made = made.map_err(|error| {
            let error = self.call_error("CreateChangeSet", stack, error);
            match (&uploaded, error.to_string().contains("S3")) {
                // CloudFormation reads the object as the caller.
                (Some(url), true) => error.with_sentence(&format!("The caller needs `s3:GetObject` for {url}")),
                _ => error,
            }
        })?;
        let (Some(id), Some(stack_id)) = (made.id, made.stack_id) else {
            let message = format!("CloudFormation created a change set for stack `{stack}` but did not return its id");
            return Err(Error::new(ErrorKind::Unexpected, message));
        };
        let set = ChangeSetId {
            id,
            stack: stack.to_owned(),
            stack_id,
            token,
            is_update,
        };
        let failed = assessment.deployed.as_ref().filter(|stack| stack.status.is_paused());
        let is_rollback_disabled = input.is_rollback_disabled || failed.is_some();
        match self.read_change_set(input, &set).await {
            // CloudFormation has to try the failed resources again, although the template is the same.
            Ok(None) if failed.is_some() => {
                self.discard(&set).await?;
                Ok(ChangeSetOutcome::Ready(ChangeSet {
                    environment: self.clone(),
                    set,
                    changes: Vec::new(),
                    diff: assessment.diff,
                    parameters: assessment.parameters,
                    security: assessment.security,
                    adopted_from: assessment.adopted_from,
                    is_rollback_disabled,
                    template_url: uploaded,
                    retry: Some(assessment.values.keys().cloned().collect()),
                }))
            }
            Ok(Some(changes)) => Ok(ChangeSetOutcome::Ready(ChangeSet {
                environment: self.clone(),
                set,
                template_url: uploaded,
                changes,
                diff: assessment.diff,
                parameters: assessment.parameters,
                security: assessment.security,
                adopted_from: assessment.adopted_from,
                is_rollback_disabled,
                retry: None,
            })),
            Ok(None) => {
                self.discard(&set).await?;
                Ok(ChangeSetOutcome::NoChanges(
                    assessment.deployed.map(|stack| stack.outputs).unwrap_or_default(),
                ))
            }
            // The change set is gone, and the stack is that of the operation that came first.
            Err(error) if error.kind() == ErrorKind::Busy => Err(error),
            Err(error) => match self.discard(&set).await {
                Ok(()) => Err(error),
                Err(also) => Err(error.with_sentence(&format!("Its change set could not be deleted either: {also}"))),
            },
        }
    }
}

/// Whether another deployment has created the stack since it was found not to exist. CloudFormation has no error code for that:
/// "Stack [NAME] already exists and cannot be created again with the changeSet [SET]", or, while it is created, that it "is in
/// CREATE_IN_PROGRESS state and can not be updated".
fn is_overtaken<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.as_service_error().is_some_and(|error| {
        let message = error.message().unwrap_or_default();
        error.code() == Some("AlreadyExistsException")
            || error.code() == Some("ValidationError")
                && (message.contains("already exists and cannot be created again")
                    || message.contains("_IN_PROGRESS state and can not be updated"))
    })
}

fn parameter((name, value): (&String, &ParameterValue)) -> Parameter {
    let parameter = Parameter::builder().parameter_key(name);
    match value {
        ParameterValue::Secret(value) | ParameterValue::Given(value) | ParameterValue::Default(value) => {
            parameter.parameter_value(value)
        }
        ParameterValue::Kept(_) => parameter.use_previous_value(true),
    }
    .build()
}

fn parameter_changes(
    was: &BTreeMap<String, String>,
    values: &IndexMap<String, ParameterValue>,
) -> Vec<ParameterChange> {
    let change = |name: &String, before: Option<&String>, after: Option<&str>| ParameterChange {
        name: name.clone(),
        before: before.cloned(),
        after: after.map(str::to_owned),
    };
    let changed = values.iter().filter_map(|(name, value)| {
        let before = was.get(name);
        let after = match value {
            ParameterValue::Kept(_) => return None,
            // The previous value is unknown.
            ParameterValue::Secret(_) => return Some(change(name, before, Some(SECRET))),
            value => value.known(),
        };
        (before.map(String::as_str) != after).then(|| change(name, before, after))
    });
    let gone = was.iter().filter(|(name, _)| !values.contains_key(*name));
    let gone = gone.map(|(name, before)| change(name, Some(before), None));
    changed.chain(gone).collect()
}
