//! Deployment input and its validation before any call. Pure.

mod limits;

use std::collections::BTreeMap;

use cfn::Template;
use indexmap::IndexMap;
use serde_json::Value as Json;
use sidecar_contract::{Diagnostics, ValidationErrors};

use super::deployed_stack::DeployedStack;

pub(super) use limits::{Body, body, capabilities};

/// The input of a deployment: stack name, template, parameters, tags.
#[derive(Debug, Clone)]
pub struct DeploymentInput {
    pub(super) stack: String,
    pub(super) template: Template,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) url: Option<String>,
    /// Parameters whose values from other stacks do not exist yet, with the reasons.
    pub(super) unavailable: BTreeMap<String, String>,
    /// The key of the tag that says which app owns a stack.
    pub(super) owner_tag: Option<String>,
    pub(super) is_adopted: bool,
    pub(super) is_rollback_disabled: bool,
}

/// The source of a parameter value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ParameterValue {
    /// Sent, and never shown.
    Secret(String),
    /// Sent.
    Given(String),
    /// The deployed value is kept. `None` if it is hidden.
    Kept(Option<String>),
    /// The default of the template.
    Default(String),
}

impl ParameterValue {
    /// The value, unless it is hidden.
    pub(super) fn known(&self) -> Option<&str> {
        match self {
            Self::Given(value) | Self::Default(value) | Self::Kept(Some(value)) => Some(value),
            Self::Secret(_) | Self::Kept(None) => None,
        }
    }
}

impl DeploymentInput {
    /// A template to deploy as the stack of this name.
    #[must_use]
    pub fn new(stack: impl Into<String>, template: Template) -> Self {
        Self {
            stack: stack.into(),
            template,
            parameters: BTreeMap::new(),
            tags: BTreeMap::new(),
            url: None,
            unavailable: BTreeMap::new(),
            owner_tag: None,
            is_adopted: false,
            is_rollback_disabled: false,
        }
    }

    /// Sets the value of a parameter. Default, decided by us: a value that was set explicitly on the deployed stack is kept;
    /// a value that came from the template's default follows the new default.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// Adds a tag of the stack, which CloudFormation propagates to its resources. Default, decided by CloudFormation:
    /// without any tag in the input, a stack keeps its tags.
    #[must_use]
    pub fn with_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Adds a tag that marks the owner of the stack, as [`DeploymentInput::with_tag`] does, and rejects an existing stack
    /// with another value or without the tag: it belongs to another app, or was not created by this tool. Default: every
    /// stack of this name is updated.
    #[must_use]
    pub fn with_owner_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let key = key.into();
        self.owner_tag = Some(key.clone());
        self.with_tag(key, value)
    }

    /// Updates a stack of another owner as well, and gives it the tag of this one. Default: it is rejected.
    #[must_use]
    pub fn adopting(mut self, is_adopted: bool) -> Self {
        self.is_adopted = is_adopted;
        self
    }

    /// Keeps what was created if the operation fails (`DisableRollback` of `ExecuteChangeSet`), so that logs and tasks can
    /// be inspected. Default, decided by CloudFormation: the stack is rolled back.
    #[must_use]
    pub fn with_rollback_disabled(mut self, is_disabled: bool) -> Self {
        self.is_rollback_disabled = is_disabled;
        self
    }

    /// Sets the S3 URL of the uploaded template: `https://BUCKET.s3.REGION.amazonaws.com/KEY`. The object is compared with the
    /// template. Default: the template is sent with the call, or, over 51,200 bytes, uploaded to the bucket of the
    /// [`Environment`](crate::Environment::with_template_bucket).
    #[must_use]
    pub fn with_template_at(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// The stack's name.
    #[must_use]
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// The value that is set for a parameter; `None` if it is kept, or the template's default.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The template.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Validates names, limits and parameters, without any call.
    ///
    /// # Errors
    ///
    /// All diagnostics, each with the path of its subject.
    pub fn check(&self) -> Result<(), ValidationErrors> {
        let mut diagnostics = Diagnostics::new();
        limits::check(self, &mut diagnostics);
        for (name, value) in &self.parameters {
            let Some(parameter) = self.template.parameters.get(name) else {
                let known: Vec<_> = self.template.parameters.keys().map(String::as_str).collect();
                let known = if known.is_empty() {
                    "it has none".to_owned()
                } else {
                    format!("it has {}", known.join(", "))
                };
                diagnostics.add(
                    format!("Parameters.{name}"),
                    format!("the template has no such parameter; {known}"),
                );
                continue;
            };
            let allowed: Vec<String> = parameter.allowed_values.iter().map(text).collect();
            if !allowed.is_empty() && !allowed.contains(value) {
                diagnostics.add(
                    format!("Parameters.{name}"),
                    format!("is `{value}`; allowed are {}", allowed.join(", ")),
                );
            }
        }
        diagnostics.into_result(())
    }

    /// The value of every parameter, given the deployed stack.
    ///
    /// # Errors
    ///
    /// Every parameter that has no value.
    pub(super) fn values(
        &self,
        deployed: Option<(&DeployedStack, &Template)>,
    ) -> Result<IndexMap<String, ParameterValue>, ValidationErrors> {
        let mut diagnostics = Diagnostics::new();
        let mut values = IndexMap::new();
        for (name, parameter) in &self.template.parameters {
            let default = parameter.default.as_ref().map(text);
            let before = deployed.and_then(|(stack, template)| {
                let value = stack.parameters.get(name)?;
                let was_default = template
                    .parameters
                    .get(name)
                    .and_then(|parameter| parameter.default.as_ref());
                Some((value, was_default.map(text).as_ref() == Some(value)))
            });
            let value = match (self.parameters.get(name), before, default) {
                (Some(given), _, _) if parameter.is_secret() => ParameterValue::Secret(given.clone()),
                (Some(given), _, _) => ParameterValue::Given(given.clone()),
                (None, Some((value, false)), _) | (None, Some((value, true)), None) => {
                    ParameterValue::Kept(Some(value.clone()).filter(|value| value != SECRET))
                }
                (None, None, None) if self.unavailable.contains_key(name) => {
                    let reason = self.unavailable.get(name).map_or("", String::as_str);
                    ParameterValue::Given(format!("(not known: {reason})"))
                }
                (None, _, Some(default)) if parameter.is_secret() => ParameterValue::Secret(default),
                (None, _, Some(default)) => ParameterValue::Default(default),
                (None, None, None) => {
                    let what = parameter.description.as_deref().map(|text| format!(" ({text})"));
                    let what = what.unwrap_or_default();
                    diagnostics.add(
                        format!("Parameters.{name}"),
                        format!("has no value{what} and no default; set one"),
                    );
                    continue;
                }
            };
            values.insert(name.clone(), value);
        }
        diagnostics.into_result(values)
    }
}

/// What CloudFormation, and this crate, shows in place of a `NoEcho` value.
pub(super) const SECRET: &str = "****";

/// A parameter value as CloudFormation expects it: always a string.
fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
