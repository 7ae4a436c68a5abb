//! Stacks before evaluation: parameter values, loops carried out, templates of nested stacks.

use std::collections::BTreeMap;

use cfn::evaluate::{Context, Evaluated, Evaluator, NESTED_STACK, Nesting, scalar_text};
use cfn::{Template, evaluate};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::parameters;
use super::physical::LocalResolver;
use crate::stack_environment::{NestedStackRequest, StackEnvironment};
use crate::stack_input::StackInput;

/// Limit on the number of stacks, nested ones included. Decided here; an account has 2,000.
const MAX_STACKS: usize = 200;

/// Stacks that can be evaluated together.
#[derive(Debug)]
pub(crate) struct PreparedStacks {
    pub(super) stacks: Vec<PreparedStack>,
    pub(super) nesting: Vec<Nesting>,
    /// Resources that macros would add or replace, as (path, what is left out).
    pub(super) left_out: Vec<(String, String)>,
}

#[derive(Debug)]
pub(super) struct PreparedStack {
    pub(super) name: String,
    pub(super) template: Template,
    pub(super) parameters: BTreeMap<String, Json>,
    /// What tells the template of a nested stack from others.
    id: String,
}

/// A nested stack whose template was found.
struct Found {
    logical_id: String,
    name: String,
    template: Template,
    id: String,
    given: Vec<String>,
    path: String,
}

impl PreparedStacks {
    /// Prepares stacks, and finds the templates of those nested in them.
    ///
    /// Reports parameters that do not exist, have no value or a value that is not allowed, macros, loops with an error,
    /// and nested stacks without a template or nested in themselves.
    pub(crate) fn new(
        inputs: &[StackInput<'_>],
        environment: &StackEnvironment,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let is_single = match inputs {
            [only] => !has_nested(only.template),
            _ => false,
        };
        let mut prepared = Self {
            stacks: Vec::new(),
            nesting: Vec::new(),
            left_out: Vec::new(),
        };
        for input in inputs {
            let prefix = if is_single {
                String::new()
            } else {
                format!("{}/", input.name)
            };
            prepared.note_macros(input.template, &prefix, diagnostics);
            let parameters = parameters::values(
                input.template,
                input.parameters,
                &[],
                &environment.values,
                &prefix,
                diagnostics,
            );
            prepared.stacks.push(PreparedStack {
                name: input.name.to_owned(),
                template: input.template.clone(),
                parameters,
                id: input.name.to_owned(),
            });
        }
        // The loops of a stack first: they may make nested stacks.
        let mut index = 0;
        while index < prepared.stacks.len() {
            prepared.expand_loops(index, environment, diagnostics);
            prepared.add_nested(index, environment, diagnostics);
            index += 1;
        }
        prepared
    }

    fn evaluator<'p>(&'p self, environment: &'p StackEnvironment, diagnostics: &mut Diagnostics) -> Evaluator<'p> {
        let resolver = LocalResolver { environment };
        Evaluator::with_nested_stacks(self.inputs(), self.nesting.clone(), resolver, diagnostics)
    }

    pub(super) fn inputs(&self) -> Vec<evaluate::StackInput<'_>> {
        let stacks = self.stacks.iter();
        let inputs = stacks.map(|stack| evaluate::StackInput {
            name: &stack.name,
            template: &stack.template,
            parameters: stack.parameters.clone(),
        });
        inputs.collect()
    }

    fn expand_loops(&mut self, index: usize, environment: &StackEnvironment, diagnostics: &mut Diagnostics) {
        // Exports are reported once all loops are carried out.
        let expanded = {
            let evaluator = self.evaluator(environment, &mut Diagnostics::new());
            let stack = evaluator.stacks().nth(index);
            stack.and_then(|stack| stack.expand_loops(&mut Context::new(diagnostics)))
        };
        if let Some(template) = expanded {
            self.stacks[index].template = template;
        }
    }

    /// Adds the stacks that are nested in a stack.
    fn add_nested(&mut self, parent: usize, environment: &StackEnvironment, diagnostics: &mut Diagnostics) {
        if !has_nested(&self.stacks[parent].template) || environment.nested_templates.is_none() {
            return;
        }
        for found in self.find_nested(parent, environment, diagnostics) {
            if let Some(cycle) = self.cycle(parent, &found.id) {
                let message = format!("is nested in itself: {cycle}");
                diagnostics.add(format!("{}.TemplateURL", found.path), message);
                continue;
            }
            if self.stacks.len() >= MAX_STACKS {
                diagnostics.add(found.path, format!("there are more than {MAX_STACKS} stacks"));
                return;
            }
            let prefix = format!("{}/", found.name);
            self.note_macros(&found.template, &prefix, diagnostics);
            for name in found
                .given
                .iter()
                .filter(|name| !found.template.parameters.contains_key(*name))
            {
                let path = format!("{}.Parameters.{name}", found.path);
                diagnostics.add(path, parameters::no_such_parameter(&found.template, name));
            }
            let parameters = parameters::values(
                &found.template,
                &BTreeMap::new(),
                &found.given,
                &environment.values,
                &prefix,
                diagnostics,
            );
            self.nesting.push(Nesting {
                parent,
                logical_id: found.logical_id,
                child: self.stacks.len(),
            });
            self.stacks.push(PreparedStack {
                name: found.name,
                template: found.template,
                parameters,
                id: found.id,
            });
        }
    }

    /// The nested stacks of a stack whose templates are found. Others are reported.
    fn find_nested(&self, parent: usize, environment: &StackEnvironment, diagnostics: &mut Diagnostics) -> Vec<Found> {
        let Some(find) = &environment.nested_templates else {
            return Vec::new();
        };
        let evaluator = self.evaluator(environment, &mut Diagnostics::new());
        let Some(stack) = evaluator.stacks().nth(parent) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        // Errors in conditions are reported with the other resources.
        let resources = stack.resources(&mut Context::new(&mut Diagnostics::new()));
        for (logical_id, resource) in resources {
            if resource.kind != NESTED_STACK {
                continue;
            }
            let path = format!("{}.Properties", stack.resource_path(logical_id));
            let url_path = format!("{path}.TemplateURL");
            let name = format!("{}-{logical_id}", stack.name());
            let mut reported_later = Diagnostics::new();
            let url = resource
                .properties
                .get("TemplateURL")
                .and_then(|url| stack.evaluate(url, &url_path, &mut Context::new(&mut reported_later)));
            let url = url.as_ref().and_then(Evaluated::text);
            let metadata = resource.metadata.as_ref();
            let asset_path = metadata.and_then(|metadata| metadata.get("aws:asset:path")?.as_str());
            let request = NestedStackRequest {
                parent: stack.name(),
                name: &name,
                url: url.as_deref(),
                asset_path,
            };
            match find(&request) {
                Ok(template) => {
                    let given = resource.properties.get("Parameters").and_then(Json::as_object);
                    let given = given.into_iter().flatten().map(|(name, _)| name.clone());
                    found.push(Found {
                        logical_id: logical_id.to_owned(),
                        given: given.collect(),
                        template: template.template,
                        id: template.id,
                        name,
                        path,
                    });
                }
                Err(message) => diagnostics.add(url_path, message),
            }
        }
        found
    }

    /// The templates from the one with this id to the parent, if the id is among them.
    fn cycle(&self, parent: usize, id: &str) -> Option<String> {
        let mut ids = vec![id];
        let mut next = Some(parent);
        while let Some(index) = next {
            ids.push(&self.stacks[index].id);
            if self.stacks[index].id == id {
                ids.reverse();
                return Some(ids.join(" -> "));
            }
            let nesting = self.nesting.iter().find(|nesting| nesting.child == index);
            next = nesting.map(|nesting| nesting.parent);
        }
        None
    }

    /// Reports macros, which rewrite the template, or lists what is left out without them. `AWS::LanguageExtensions` is
    /// carried out.
    fn note_macros(&mut self, template: &Template, prefix: &str, diagnostics: &mut Diagnostics) {
        const SAM: &str = "AWS::Serverless-2016-10-31";
        for name in template.transforms() {
            let path = format!("{prefix}Transform");
            match name {
                "AWS::LanguageExtensions" => {}
                // It replaces resources of its own types and leaves others as they are.
                SAM => {
                    let resources = template.resources.iter();
                    let own = resources.filter(|(_, resource)| resource.kind.starts_with("AWS::Serverless::"));
                    let own: Vec<&str> = own.map(|(id, _)| id.as_str()).collect();
                    let own = if own.is_empty() {
                        "none".to_owned()
                    } else {
                        own.join(", ")
                    };
                    let message =
                        format!("`{SAM}` is a macro, which is not carried out here: its resources are left out: {own}");
                    self.left_out.push((path, message));
                }
                name => {
                    let message = format!("`{name}` is a macro, which cannot be run locally");
                    diagnostics.add(path, message);
                }
            }
        }
        for section in [&template.resource_loops, &template.output_loops] {
            if let Some(call) = section.get("Fn::Transform") {
                let name = call.get("Name").map(scalar_text).unwrap_or_default();
                let message = format!("`{name}` is a macro, which cannot be run locally");
                diagnostics.add(format!("{prefix}Resources.Fn::Transform"), message);
            }
        }
    }
}

fn has_nested(template: &Template) -> bool {
    let mut resources = template.resources.values();
    resources.any(|resource| resource.kind == NESTED_STACK)
}
