//! What is to be deployed, and all that is judged about it before any call. Pure.

mod limits;

use std::collections::BTreeMap;

use cfn::{Parameter, Template};
use indexmap::IndexMap;
use serde_json::Value as Json;
use sidecar_contract::{Diagnostics, ValidationErrors};

use super::deployed_stack::DeployedStack;

pub(super) use limits::{Body, body, capabilities};

/// What is to be deployed: a template under a stack's name.
#[derive(Debug, Clone)]
pub struct DeploymentInput {
    pub(super) stack: String,
    pub(super) template: Template,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) url: Option<String>,
}

/// Where the value of a parameter comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ParameterValue {
    /// It is sent, and must not be shown.
    Secret(String),
    /// It is sent.
    Given(String),
    /// The stack keeps what it has. The value, if it may be known.
    Kept(Option<String>),
    /// The template has one.
    Default(String),
}

impl ParameterValue {
    /// The value, unless it is secret.
    pub(super) fn known(&self) -> Option<&str> {
        match self {
            Self::Given(value) | Self::Default(value) | Self::Kept(Some(value)) => Some(value),
            Self::Secret(_) | Self::Kept(None) => None,
        }
    }
}

impl DeploymentInput {
    /// A template, to be deployed as the stack of this name.
    #[must_use]
    pub fn new(stack: impl Into<String>, template: Template) -> Self {
        Self {
            stack: stack.into(),
            template,
            parameters: BTreeMap::new(),
            tags: BTreeMap::new(),
            url: None,
        }
    }

    /// The same request with a value for a parameter. Default, decided by us: a value that somebody gave the deployed
    /// stack stays; one that came from the default of the template follows that default.
    #[must_use]
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// The same request with a tag of the stack, which CloudFormation passes on to its resources. Default, decided by
    /// CloudFormation: without any tag in the request, a stack keeps those it has.
    #[must_use]
    pub fn with_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// The same request with the place in S3 where its template lies already, for one that is too long to be sent:
    /// `https://BUCKET.s3.REGION.amazonaws.com/KEY`. What lies there has to be the template's JSON or YAML and is
    /// compared with it. Default: it is sent.
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

    /// What is to be deployed.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// What is wrong whatever the account holds: names, limits, parameters that nobody can want.
    ///
    /// # Errors
    ///
    /// Every problem, each with the path to what it is about.
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
                    format!("is no parameter of the template; {known}"),
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

    /// The value of every parameter, given what is deployed.
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
                (Some(given), _, _) if is_secret(parameter) => ParameterValue::Secret(given.clone()),
                (Some(given), _, _) => ParameterValue::Given(given.clone()),
                (None, Some((value, false)), _) | (None, Some((value, true)), None) => {
                    ParameterValue::Kept(Some(value.clone()).filter(|value| value != SECRET))
                }
                (None, _, Some(default)) if is_secret(parameter) => ParameterValue::Secret(default),
                (None, _, Some(default)) => ParameterValue::Default(default),
                (None, None, None) => {
                    let what = parameter.description.as_deref().map(|text| format!(" ({text})"));
                    let what = what.unwrap_or_default();
                    diagnostics.add(
                        format!("Parameters.{name}"),
                        format!("has no value{what}; it has no default, so give one"),
                    );
                    continue;
                }
            };
            values.insert(name.clone(), value);
        }
        diagnostics.into_result(values)
    }
}

/// What CloudFormation shows in place of a value that it keeps to itself, and so do we.
pub(super) const SECRET: &str = "****";

/// Whether a parameter's value is not to be shown: `NoEcho`.
pub(super) fn is_secret(parameter: &Parameter) -> bool {
    matches!(
        parameter.other.get("NoEcho").map(text).as_deref(),
        Some("true" | "True")
    )
}

/// A value as CloudFormation takes it: always a string.
fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
