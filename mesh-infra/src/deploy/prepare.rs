//! What a deployment would change, found out by a change set: CloudFormation's own word on it.

mod reading;

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::{ChangeSetType, Parameter, Tag};
use cfn::{Diff, Template, diff};
use indexmap::IndexMap;

use super::account::Account;
use super::deployed::{DeployedStack, Outputs};
use super::error::{Error, ErrorKind};
use super::prepared::{ChangeSet, Prepared};
use super::request::{Body, ParameterValue, Request, SECRET, body, capabilities};
use super::security::{SecurityChange, Side, security_changes};
use super::status::Standing;

/// What came of preparing.
#[derive(Debug)]
pub enum Preparation {
    /// The stack is as the request wants it, and tells this. Nothing was left behind.
    Nothing(Outputs),
    /// There is something to do.
    Changes(Prepared),
}

/// A parameter that has another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterChange {
    /// Its name.
    pub name: String,
    /// What it was; `None` if it is new, and `****` for a secret.
    pub before: Option<String>,
    /// What it will be; `None` if it is gone, and `****` for a secret, which may be the same as before.
    pub after: Option<String>,
}

/// A request, judged against what is deployed.
pub(super) struct Judged {
    pub(super) deployed: Option<DeployedStack>,
    pub(super) values: IndexMap<String, ParameterValue>,
    pub(super) diff: Diff,
    pub(super) parameters: Vec<ParameterChange>,
    pub(super) security: Vec<SecurityChange>,
}

impl Account {
    /// Finds out what a request would change, by a change set, and keeps that ready to be carried out. A stack that
    /// does not exist yet is there under review from then on, without resources, as CloudFormation wants it; whoever
    /// does not go on calls [`Prepared::discard`], which takes that away again. If the future is dropped half-way, a
    /// change set named `meshwright-…` may be left, which harms nobody and goes with the next deployment.
    ///
    /// # Errors
    ///
    /// Before any call: [`ErrorKind::Invalid`] with everything that is wrong with the request. Then:
    /// [`ErrorKind::Busy`] and [`ErrorKind::Stuck`] with the way out, whatever CloudFormation finds wrong with the
    /// template ([`ErrorKind::Refused`]), and whatever keeps calls from being made. Nothing is left behind then.
    pub async fn prepare(&self, request: &Request) -> Result<Preparation, Error> {
        let judged = self.judged(request).await?;
        if let Some(stack) = &judged.deployed
            && matches!(stack.status.standing(), Standing::Busy | Standing::Stuck)
        {
            return Err(self.cannot_go_on(stack));
        }
        self.change_set(request, judged).await
    }

    /// What is deployed, and how the request compares with it.
    pub(super) async fn judged(&self, request: &Request) -> Result<Judged, Error> {
        let what = format!("stack `{}`", request.stack());
        request
            .check()
            .map_err(|diagnostics| Error::invalid(&what, &diagnostics))?;
        let deployed = self.deployed(request.stack()).await?;
        let before = match &deployed {
            Some(stack) => Some((stack, stack.read_template()?)),
            None => None,
        };
        // A stack under review has no template, and no values to keep.
        let kept = before
            .as_ref()
            .filter(|(stack, _)| stack.status.standing() != Standing::Reviewed);
        let values = request.values(kept.map(|(stack, template)| (*stack, template)));
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
        let side = |template, parameters| Side { template, parameters };
        let security = security_changes(Some(side(old, &shown)), side(request.template(), &after));
        let (diff, parameters) = (diff(old, request.template()), parameter_changes(&was, &values));
        Ok(Judged {
            deployed,
            values,
            diff,
            parameters,
            security,
        })
    }

    /// Makes a change set and waits for it.
    pub(super) async fn change_set(&self, request: &Request, judged: Judged) -> Result<Preparation, Error> {
        let stack = request.stack();
        let is_update = judged
            .deployed
            .as_ref()
            .is_some_and(|stack| stack.status.standing() != Standing::Reviewed);
        let token = format!("meshwright-{}", uuid::Uuid::new_v4().simple());
        let mut call = self
            .cloudformation()
            .create_change_set()
            .stack_name(stack)
            .change_set_name(&token)
            .client_token(&token)
            .change_set_type(if is_update {
                ChangeSetType::Update
            } else {
                ChangeSetType::Create
            })
            .set_capabilities(capabilities(request.template()).map(|capability| vec![capability]))
            .set_parameters(Some(judged.values.iter().map(parameter).collect()));
        if !request.tags.is_empty() {
            let tags = request
                .tags
                .iter()
                .map(|(key, value)| Tag::builder().key(key).value(value).build());
            call = call.set_tags(Some(tags.collect()));
        }
        call = match body(request) {
            Ok(Body::Text(text)) => call.template_body(text),
            Ok(Body::Url(url)) => call.template_url(url),
            Err(too_long) => return Err(Error::new(ErrorKind::Invalid, format!("the template {too_long}"))),
        };
        let made = call.send().await;
        let made = made.map_err(|error| self.refused("CreateChangeSet", stack, &error))?;
        let (Some(id), Some(stack_id)) = (made.id, made.stack_id) else {
            let message = format!("CloudFormation made a change set for stack `{stack}` and does not say which");
            return Err(Error::new(ErrorKind::Unexpected, message));
        };
        let set = ChangeSet {
            id,
            stack: stack.to_owned(),
            stack_id,
            token,
            is_update,
        };
        match self.read_change_set(request, &set).await {
            Ok(Some(changes)) => Ok(Preparation::Changes(Prepared {
                account: self.clone(),
                set,
                changes,
                diff: judged.diff,
                parameters: judged.parameters,
                security: judged.security,
            })),
            Ok(None) => {
                self.discard(&set).await?;
                Ok(Preparation::Nothing(
                    judged.deployed.map(|stack| stack.outputs).unwrap_or_default(),
                ))
            }
            Err(error) => match self.discard(&set).await {
                Ok(()) => Err(error),
                Err(also) => Err(error.and(&format!("Its change set could not be removed either: {also}"))),
            },
        }
    }
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
            // Whether it is another one cannot be known.
            ParameterValue::Secret(_) => return Some(change(name, before, Some(SECRET))),
            value => value.known(),
        };
        (before.map(String::as_str) != after).then(|| change(name, before, after))
    });
    let gone = was.iter().filter(|(name, _)| !values.contains_key(*name));
    let gone = gone.map(|(name, before)| change(name, Some(before), None));
    changed.chain(gone).collect()
}
