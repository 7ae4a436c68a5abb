//! Deployed stacks: status, parameters, outputs, template.

use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::types::{Stack as SdkStack, TemplateStage};
use cfn::{Template, TemplateError};
use indexmap::IndexMap;

use super::environment::Environment;
use super::error::{Error, ErrorKind};
use super::status::{StackCondition, StackStatus};

/// A deployed stack.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DeployedStack {
    /// Its name.
    pub name: String,
    /// Its ARN, which is unique even among stacks of the same name.
    pub id: String,
    /// Its status.
    pub status: StackStatus,
    /// The reason of the status, if there is one.
    pub status_reason: Option<String>,
    /// The values of its parameters; `****` for `NoEcho` parameters.
    pub parameters: IndexMap<String, String>,
    /// Its outputs.
    pub outputs: Outputs,
    /// Its tags.
    pub tags: IndexMap<String, String>,
    /// Whether it has termination protection.
    pub is_protected: bool,
    /// When it was created, in seconds since 1970.
    pub(super) created: i64,
    template: String,
}

/// The outputs of a stack, by logical id.
pub type Outputs = IndexMap<String, StackOutput>;

/// An output of a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StackOutput {
    /// Its value.
    pub value: String,
    /// Its description.
    pub description: Option<String>,
    /// Its export name.
    pub export: Option<String>,
}

impl DeployedStack {
    /// The text of its template as it was submitted. Empty for a stack in review.
    #[must_use]
    pub fn template_text(&self) -> &str {
        &self.template
    }

    /// Its template. Empty for a stack in review.
    ///
    /// # Errors
    ///
    /// If the text is not a valid template.
    pub fn template(&self) -> Result<Template, TemplateError> {
        if self.template.is_empty() {
            return Ok(Template::default());
        }
        Template::from_text(&self.template)
    }

    /// Sets the text of the template.
    pub(super) fn with_template(self, template: String) -> Self {
        Self { template, ..self }
    }

    /// As [`DeployedStack::template`], with this crate's error.
    pub(super) fn read_template(&self) -> Result<Template, Error> {
        self.template().map_err(|error| {
            let message = format!(
                "the deployed template of stack `{}` cannot be parsed: {error}",
                self.name
            );
            Error::new(ErrorKind::Unexpected, message).with_source(error)
        })
    }
}

impl Environment {
    /// The stack of this name, or `None` if it does not exist or was deleted. Two calls.
    ///
    /// # Errors
    ///
    /// If a call fails; [`ErrorKind::AccessDenied`] without `cloudformation:DescribeStacks` and
    /// `cloudformation:GetTemplate`.
    pub async fn deployed(&self, stack: &str) -> Result<Option<DeployedStack>, Error> {
        let Some(found) = self.describe(stack).await? else {
            return Ok(None);
        };
        let mut found = read(found);
        if found.status.condition() == StackCondition::Deleted {
            return Ok(None);
        }
        if found.status.condition() == StackCondition::ReviewInProgress {
            return Ok(Some(found));
        }
        let template = self
            .cloudformation()
            .get_template()
            .stack_name(&found.id)
            .template_stage(TemplateStage::Original);
        match template.send().await {
            Ok(response) => found.template = response.template_body.unwrap_or_default(),
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(self.call_error("GetTemplate", stack, error)),
        }
        Ok(Some(found))
    }

    /// The outputs of a stack. `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// As [`Environment::deployed`], and [`ErrorKind::Blocked`] or [`ErrorKind::Busy`] for a stack without valid
    /// outputs, because its creation failed or it is being deleted.
    pub async fn outputs(&self, stack: &str) -> Result<Option<Outputs>, Error> {
        let Some(found) = self.describe(stack).await?.map(read) else {
            return Ok(None);
        };
        match found.status.condition() {
            StackCondition::Deleted | StackCondition::ReviewInProgress => Ok(None),
            _ if found.status.was_never_created() => Err(self.blocked_error(&found).await),
            StackCondition::Busy if found.status.is_deletion() || found.outputs.is_empty() => {
                Err(self.blocked_error(&found).await)
            }
            _ => Ok(Some(found.outputs)),
        }
    }

    /// Describes the stack with this name or id.
    pub(super) async fn describe(&self, stack: &str) -> Result<Option<SdkStack>, Error> {
        match self.cloudformation().describe_stacks().stack_name(stack).send().await {
            Ok(response) => Ok(response.stacks.and_then(|stacks| stacks.into_iter().next())),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.call_error("DescribeStacks", stack, error)),
        }
    }
}

/// Whether the error means that the stack does not exist; CloudFormation has no error code for that.
pub(super) fn is_absent<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    let service_error = error.as_service_error();
    service_error.is_some_and(|error| {
        let message = error.message().unwrap_or_default();
        error.code() == Some("ValidationError") && message.contains("does not exist")
    })
}

/// Everything but the template.
pub(super) fn read(stack: SdkStack) -> DeployedStack {
    let status = stack
        .stack_status()
        .map_or_else(String::new, |status| status.as_str().to_owned());
    DeployedStack {
        name: stack.stack_name.unwrap_or_default(),
        id: stack.stack_id.unwrap_or_default(),
        status: StackStatus::new(status),
        status_reason: stack.stack_status_reason.filter(|reason| !reason.is_empty()),
        parameters: stack
            .parameters
            .unwrap_or_default()
            .into_iter()
            .filter_map(|parameter| Some((parameter.parameter_key?, parameter.parameter_value.unwrap_or_default())))
            .collect(),
        outputs: stack
            .outputs
            .unwrap_or_default()
            .into_iter()
            .filter_map(|output| {
                let value = StackOutput {
                    value: output.output_value.unwrap_or_default(),
                    description: output.description.filter(|text| !text.is_empty()),
                    export: output.export_name,
                };
                Some((output.output_key?, value))
            })
            .collect(),
        tags: stack
            .tags
            .unwrap_or_default()
            .into_iter()
            .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
            .collect(),
        is_protected: stack.enable_termination_protection.unwrap_or_default(),
        created: stack.creation_time.map_or(0, |time| time.secs()),
        template: String::new(),
    }
}
