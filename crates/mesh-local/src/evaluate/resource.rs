//! A resource of a stack to run, with evaluated properties and physical ids.

use cfn::appmesh::{kind_of, name_properties};
use cfn::evaluate::{Context, Evaluated, StackScope, Unknown};
use cfn::unknown;
use serde_json::{Map, Value as Json};
use sidecar_contract::Diagnostics;

use super::stand_in::{self, Assumption};
use crate::stack_environment::StackEnvironment;
use crate::values::Values;

/// A resource of one of the stacks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resource<'s> {
    pub(super) stack: StackScope<'s>,
    pub(super) environment: &'s StackEnvironment,
    /// Its logical id.
    pub(crate) id: &'s str,
    /// Its type.
    pub(crate) kind: &'s str,
}

impl<'s> Resource<'s> {
    /// Its path: `Resources.Blue`, prefixed with the stack's name if there are several.
    pub(crate) fn path(self) -> String {
        self.stack.resource_path(self.id)
    }

    /// Its logical id, prefixed with the stack's name if there are several.
    pub(crate) fn qualified_id(self) -> String {
        format!("{}{}", self.stack.path_prefix(), self.id)
    }

    /// Its evaluated properties. A value that cannot be evaluated is reported and [`unknown`]; a value that depends on
    /// it is unknown without another report. A value that only AWS knows has a stand-in if `is_read` says of its path,
    /// within the properties, that something here reads it, which is added to `assumptions`; else it is [`unknown`].
    pub(crate) fn properties(
        self,
        is_read: &dyn Fn(&str) -> bool,
        assumptions: &mut Vec<Assumption>,
        diagnostics: &mut Diagnostics,
    ) -> Json {
        let Some(resource) = self.stack.template().resources.get(self.id) else {
            return Json::Null;
        };
        let path = format!("{}.Properties", self.path());
        let properties = self
            .stack
            .evaluate(&resource.properties, &path, &mut Context::new(diagnostics));
        let mut settling = Settling {
            resource: self,
            properties_path: &path,
            is_read,
            assumptions,
            diagnostics,
        };
        properties.map_or_else(
            || Json::Object(Map::new()),
            |properties| settling.settle(properties, &path),
        )
    }

    /// The value of a secret of a container, by its `ValueFrom`: that of the environment, or of a parameter of Systems
    /// Manager that one of the stacks declares.
    pub(crate) fn secret(self, value_from: &str) -> Option<Json> {
        let given = self.environment.values.secret(self.stack.path_prefix(), value_from);
        given.or_else(|| {
            let names = Values::parameter_names(value_from)?;
            names.iter().find_map(|name| self.stack.declared_ssm_parameter(name))
        })
    }

    /// The content of an environment file of a container, by its ARN in S3, if the environment has it: lines, or an object
    /// with the variables.
    pub(crate) fn environment_file(self, arn: &str) -> Option<Json> {
        let values = &self.environment.values;
        let url = arn.split_once(":s3:::").map(|(_, object)| format!("s3://{object}"));
        let names = [Some(arn), url.as_deref()];
        values.get(self.stack.path_prefix(), names.into_iter().flatten())
    }

    /// One of its properties as text, or the stand-in of one that only AWS knows. `None` if it is not set or has an error.
    pub(crate) fn text(self, property: &str, diagnostics: &mut Diagnostics) -> Option<String> {
        let mut context = Context::new(diagnostics);
        let text = self
            .stack
            .property_text(self.id, property, &self.path(), &mut context)?;
        match text {
            Ok(text) => Some(text),
            Err(unknown) => stand_in::reference(&unknown).map(|_| stand_in::text(&unknown)),
        }
    }

    /// Whether it is a nested stack whose resources run.
    pub(crate) fn is_nested_stack(self) -> bool {
        self.stack.nested(self.id).is_some()
    }

    /// The resource as the template declares it.
    pub(crate) fn declared(self) -> &'s cfn::Resource {
        &self.stack.template().resources[self.id]
    }

    /// The logical ids of its template.
    pub(crate) fn siblings(self) -> impl Iterator<Item = &'s str> + Clone {
        self.stack.template().resources.keys().map(String::as_str)
    }

    /// True if this property is set to a value that has an error, or is no text.
    pub(crate) fn is_unknown(self, property: &str, diagnostics: &mut Diagnostics) -> bool {
        let mut context = Context::new(diagnostics);
        let text = self.stack.property_text(self.id, property, &self.path(), &mut context);
        text.is_some_and(|text| text.is_err_and(|unknown| stand_in::reference(&unknown).is_none()))
    }

    /// What it returns for `Ref`.
    pub(crate) fn physical_id(self, diagnostics: &mut Diagnostics) -> Json {
        let mut context = Context::new(diagnostics);
        with_unknown(self.stack.reference(self.id, &self.path(), &mut context))
    }

    /// What it returns for `Fn::GetAtt`.
    pub(crate) fn attribute(self, attribute: &str, diagnostics: &mut Diagnostics) -> Json {
        let mut context = Context::new(diagnostics);
        with_unknown(self.stack.attribute(self.id, attribute, &self.path(), &mut context))
    }
}

/// Replaces what is not known in evaluated properties.
struct Settling<'a, 's> {
    resource: Resource<'s>,
    properties_path: &'a str,
    is_read: &'a dyn Fn(&str) -> bool,
    assumptions: &'a mut Vec<Assumption>,
    diagnostics: &'a mut Diagnostics,
}

impl Settling<'_, '_> {
    fn settle(&mut self, evaluated: Evaluated, path: &str) -> Json {
        match evaluated {
            Evaluated::Known(json) => json,
            Evaluated::List(items) => items
                .into_iter()
                .enumerate()
                .map(|(index, item)| self.settle(item, &format!("{path}[{index}]")))
                .collect(),
            Evaluated::Object(entries) => Json::Object(
                entries
                    .into_iter()
                    .map(|(key, value)| {
                        let value = self.settle(value, &format!("{path}.{key}"));
                        (key, value)
                    })
                    .collect(),
            ),
            Evaluated::Unknown(value) => self.stand_in(&value, path),
        }
    }

    fn stand_in(&mut self, value: &Unknown, path: &str) -> Json {
        let stack = self.resource.stack;
        let prefix = stack.path_prefix();
        let within = path.strip_prefix(prefix).unwrap_or(path);
        if let Some(given) = self.resource.environment.values.get(prefix, [within]) {
            return given;
        }
        let Some(reference) = stand_in::reference(value) else {
            return unknown();
        };
        let property = path
            .strip_prefix(self.properties_path)
            .unwrap_or_default()
            .trim_start_matches('.');
        if !(self.is_read)(property) {
            return unknown();
        }
        let remedy = if stack.template().parameters.contains_key(reference) {
            let stack = prefix.replace('/', ".");
            format!("give it with --parameter '{stack}{reference}=VALUE'")
        } else {
            let hint = self
                .resource
                .environment
                .values
                .import_hint(reference)
                .unwrap_or_default();
            format!("give it with --value '{reference}=VALUE'{hint}")
        };
        let is_count = self.resource.kind == "AWS::ECS::Service" && property == "DesiredCount";
        let text = stand_in::text(value);
        let assumption = Assumption {
            path: path.to_owned(),
            reference: reference.to_owned(),
            remedy,
            stand_in: if is_count {
                "1 task is assumed".to_owned()
            } else {
                format!("`{text}` stands in")
            },
        };
        // The name of a part of a mesh or of a task is what others refer to: a made-up one would cause other errors.
        let names = kind_of(self.resource.kind).map(name_properties);
        let is_mesh_name = names.is_some_and(|names| names.contains(&property));
        let part = property.rsplit('.').next().unwrap_or_default();
        let is_name_in_task = self.resource.kind == "AWS::ECS::TaskDefinition"
            && matches!(part, "Name" | "ContainerName")
            && part != property;
        if is_mesh_name || is_name_in_task {
            self.diagnostics.add(path, assumption.error());
            return unknown();
        }
        self.assumptions.push(assumption);
        if is_count { Json::from(1) } else { Json::from(text) }
    }
}

fn with_unknown(evaluated: Evaluated) -> Json {
    evaluated.into_json(&|value| match stand_in::reference(&value) {
        Some(_) => stand_in::json(&value),
        None => unknown(),
    })
}
