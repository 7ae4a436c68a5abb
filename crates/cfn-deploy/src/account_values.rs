//! Values of a template in an account and region, as far as they are known before a deployment. Pure.

use std::collections::BTreeMap;

use cfn::Template;
use cfn::evaluate::{Evaluator, Resolver, StackInput, StackScope};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::json_api::domain;

/// The pseudo parameters of an account and region.
#[derive(Debug)]
struct Account<'a> {
    account: &'a str,
    region: &'a str,
}

impl Resolver for Account<'_> {
    fn pseudo_parameter(&self, _: StackScope<'_>, name: &str) -> Option<Json> {
        let text = match name {
            "AWS::AccountId" => self.account,
            "AWS::Region" => self.region,
            "AWS::URLSuffix" => domain(self.region, false),
            _ => return None,
        };
        Some(text.into())
    }
}

/// An evaluator of a template with these parameter values, or the template's defaults.
pub(super) fn evaluator<'t>(
    template: &'t Template,
    parameters: &BTreeMap<String, String>,
    account: &'t str,
    region: &'t str,
) -> Evaluator<'t> {
    let mut values = BTreeMap::new();
    for (name, parameter) in &template.parameters {
        let given = parameters.get(name).map(|value| Json::from(value.as_str()));
        if let Some(value) = given.or_else(|| parameter.default.clone()) {
            values.insert(name.clone(), value);
        }
    }
    let stack = StackInput {
        name: "",
        template,
        parameters: values,
    };
    Evaluator::with_stacks([stack], Account { account, region }, &mut Diagnostics::new())
}
