//! The stacks of a migration: their templates, the values of their parameters, and the paths of their mesh resources.

use std::collections::{BTreeMap, BTreeSet};

use cfn::appmesh::{kind_of, name_properties};
use cfn::evaluate::{
    Context, Evaluated, Evaluator, Reference, Resolution, Resolver, StackInput, StackScope, scalar_text,
};
use cfn::{Parameter, ResourceType, Template, intrinsic, servicediscovery};
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

const STACK_NAME: &str = "AWS::StackName";

/// A stack to migrate.
#[derive(Debug, Clone)]
pub struct SourceStack {
    /// The stack's name.
    pub name: String,
    /// Its template, in which meshes are `AWS::AppMesh::*` resources.
    pub template: Template,
    /// The values of its parameters, as far as they differ from the defaults.
    pub parameters: BTreeMap<String, String>,
}

/// The paths of all mesh resources, by the stack's index and the logical id.
pub(crate) type Paths = BTreeMap<(usize, String), ResourcePath>;

/// The given stacks, evaluated twice: with the values of parameters, and without.
///
/// Names in a mesh have to be known, because the names of parameters and the bootstraps of Envoys contain them. Everything
/// else keeps its references to parameters, so that a deployment can still set them.
#[derive(Debug)]
pub(crate) struct Stacks<'s> {
    sources: &'s [SourceStack],
    valued: Evaluator<'s>,
    live: Evaluator<'s>,
    pub(crate) paths: Paths,
}

impl<'s> Stacks<'s> {
    /// Reads the stacks. Reports duplicate names, unknown parameters, and mesh resources whose path is not known.
    pub(crate) fn new(sources: &'s [SourceStack], diagnostics: &mut Diagnostics) -> Self {
        for stack in sources {
            for name in stack.parameters.keys() {
                if !stack.template.parameters.contains_key(name) {
                    diagnostics.add(
                        format!("{}.Parameters.{name}", stack.name),
                        "is not a parameter of the template",
                    );
                }
            }
        }
        let inputs = sources.iter().map(|stack| StackInput {
            name: &stack.name,
            template: &stack.template,
            parameters: parameter_values(stack),
        });
        let valued = Evaluator::with_stacks(inputs, NamesOfProperties, diagnostics);
        let paths = paths(sources, &valued, diagnostics);
        let inputs = sources.iter().map(|stack| StackInput {
            name: &stack.name,
            template: &stack.template,
            parameters: BTreeMap::new(),
        });
        let names: Vec<String> = sources.iter().map(|stack| stack.name.clone()).collect();
        let resolver = KnownPaths {
            names,
            paths: paths.clone(),
        };
        // Duplicate names were reported.
        let live = Evaluator::with_stacks(inputs, resolver, &mut Diagnostics::new());
        Self {
            sources,
            valued,
            live,
            paths,
        }
    }

    pub(crate) fn sources(&self) -> &'s [SourceStack] {
        self.sources
    }

    /// Whether a resource exists, as far as its condition is known.
    pub(crate) fn exists(&self, stack: usize, logical_id: &str) -> bool {
        let condition = self.sources[stack].template.resources.get(logical_id);
        let condition = condition.and_then(|resource| resource.condition.as_deref());
        let scope = self.valued.stacks().nth(stack);
        match (condition, scope) {
            (Some(condition), Some(scope)) => {
                let value = scope.condition(condition, "", &mut Context::new(&mut Diagnostics::new()));
                value.unwrap_or(true)
            }
            _ => true,
        }
    }

    /// A value with the values of parameters. What is unknown remains an expression; `None` for `AWS::NoValue`.
    pub(crate) fn valued(&self, stack: usize, json: &Json) -> Option<Json> {
        evaluate(&self.valued, stack, json)
    }

    /// A value without the values of parameters, which remain expressions.
    pub(crate) fn live(&self, stack: usize, json: &Json) -> Option<Json> {
        evaluate(&self.live, stack, json)
    }

    /// A value as text, if it is known with the values of parameters.
    pub(crate) fn text(&self, stack: usize, json: &Json) -> Option<String> {
        match self.valued(stack, json)? {
            Json::Array(_) | Json::Object(_) | Json::Null => None,
            scalar => Some(scalar_text(&scalar)),
        }
    }

    /// The parameters on which a value depends, by itself or by conditions.
    pub(crate) fn parameters_in(&self, stack: usize, json: &Json) -> BTreeSet<String> {
        let template = &self.sources[stack].template;
        let mut ids = ids_in(template, json);
        ids.retain(|id| template.parameters.contains_key(id));
        ids
    }

    /// Whether a value depends on the name of its stack.
    pub(crate) fn has_stack_name(&self, stack: usize, json: &Json) -> bool {
        ids_in(&self.sources[stack].template, json).contains(STACK_NAME)
    }

    /// The value of a parameter: as given, else its default.
    pub(crate) fn parameter(&self, stack: usize, name: &str) -> Option<String> {
        parameter_text(&self.sources[stack], name)
    }
}

fn evaluate(evaluator: &Evaluator<'_>, stack: usize, json: &Json) -> Option<Json> {
    let scope = evaluator.stacks().nth(stack)?;
    let evaluated = scope.evaluate(json, "", &mut Context::new(&mut Diagnostics::new()));
    evaluated.map(Evaluated::into_expression)
}

fn parameter_text(stack: &SourceStack, name: &str) -> Option<String> {
    let default = || stack.template.parameters.get(name)?.default.as_ref().map(scalar_text);
    stack.parameters.get(name).cloned().or_else(default)
}

/// Whether the value of a parameter is in Systems Manager.
fn is_looked_up(parameter: &Parameter) -> bool {
    parameter.kind.starts_with("AWS::SSM::")
}

/// The values of a stack's parameters. One of Systems Manager is left out: its text is a name, not its value.
pub(super) fn parameter_values(stack: &SourceStack) -> BTreeMap<String, Json> {
    let known = stack.template.parameters.iter().filter_map(|(name, parameter)| {
        let text = parameter_text(stack, name)?;
        (!is_looked_up(parameter)).then(|| (name.clone(), parameter.value_from_text(&text)))
    });
    known.collect()
}

/// The logical ids, names of parameters and pseudo parameters on which a value depends, by itself or by conditions.
fn ids_in<'t>(template: &'t Template, json: &'t Json) -> BTreeSet<String> {
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    // Not recursive: a chain of conditions may be as long as the template.
    let mut pending = vec![json];
    while let Some(json) = pending.pop() {
        let condition = match intrinsic(json) {
            Some(("Ref", Json::String(name))) => {
                found.insert(name.clone());
                None
            }
            Some(("Fn::GetAtt", argument)) => {
                let dotted = argument.as_str().and_then(|text| text.split('.').next());
                let id = dotted.or_else(|| argument.get(0)?.as_str());
                found.extend(id.map(ToOwned::to_owned));
                None
            }
            Some(("Fn::Sub", argument)) => {
                let text = argument
                    .as_str()
                    .or_else(|| argument.get(0)?.as_str())
                    .unwrap_or_default();
                let names = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
                let ids = names.filter_map(|(name, _)| name.trim().split('.').next());
                found.extend(ids.map(ToOwned::to_owned));
                None
            }
            Some(("Fn::If", argument)) => argument.get(0).and_then(Json::as_str),
            Some(("Condition", name)) => name.as_str(),
            _ => None,
        };
        if let Some(name) = condition
            && seen.insert(name)
        {
            pending.extend(template.conditions.get(name));
        }
        match json {
            Json::Object(object) => pending.extend(object.values()),
            Json::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    found
}

/// The paths of all mesh resources. Reports names that are not known, at the resource that is the cause.
fn paths(sources: &[SourceStack], valued: &Evaluator<'_>, diagnostics: &mut Diagnostics) -> Paths {
    let mut paths = Paths::new();
    for (index, scope) in valued.stacks().enumerate() {
        let source = &sources[index];
        let mut errors = Vec::new();
        for (id, resource) in &source.template.resources {
            let Some(kind) = kind_of(&resource.kind) else { continue };
            match path_of(scope, id, kind, &mut Context::new(&mut Diagnostics::new())) {
                Ok(path) => drop(paths.insert((index, id.clone()), path)),
                Err((property, error)) => errors.push((id, property, error)),
            }
        }
        let failed: BTreeSet<&str> = errors.iter().map(|(id, ..)| id.as_str()).collect();
        let declared = |id: &str, property: &str| source.template.resources[id].properties.get(property);
        // The names of others follow from these.
        let is_cause = |id: &str, property: &str| {
            let ids = declared(id, property).map(|value| ids_in(&source.template, value));
            !ids.iter()
                .flatten()
                .any(|other| other != id && failed.contains(other.as_str()))
        };
        let has_cause = errors.iter().any(|(id, property, _)| is_cause(id, property));
        for (id, property, error) in errors
            .iter()
            .filter(|(id, property, _)| !has_cause || is_cause(id, property))
        {
            let message = match error {
                NameError::Invalid(message) => message.clone(),
                NameError::Unknown(expression) => {
                    let remedy = remedy(source, declared(id, property));
                    format!("is `{expression}`, which is not known; {remedy}")
                }
            };
            diagnostics.add(
                format!("{}.Resources.{id}.Properties.{property}", scope.name()),
                message,
            );
        }
    }
    paths
}

/// What makes a name known.
fn remedy(source: &SourceStack, declared: Option<&Json>) -> String {
    let ids = declared
        .map(|value| ids_in(&source.template, value))
        .unwrap_or_default();
    let has_no_value = |id: &&String| {
        let parameter = source.template.parameters.get(*id);
        parameter.is_some_and(|parameter| !is_looked_up(parameter)) && parameter_text(source, id).is_none()
    };
    let missing: Vec<String> = ids
        .iter()
        .filter(has_no_value)
        .map(|id| format!("--parameter {id}=VALUE"))
        .collect();
    match missing.as_slice() {
        [] => UNKNOWN_NAME.to_owned(),
        missing => format!("set {}", missing.join(" and ")),
    }
}

/// Why a mesh resource has no path.
#[derive(Debug)]
enum NameError {
    /// An expression that is not known.
    Unknown(String),
    Invalid(String),
}

/// The path of a mesh resource. A name that is not set is that of the logical id: CloudFormation's had a random part.
/// Names of other resources may be ARNs, which `Ref` returns.
fn path_of(
    stack: StackScope<'_>,
    logical_id: &str,
    kind: Kind,
    context: &mut Context<'_>,
) -> Result<ResourcePath, (&'static str, NameError)> {
    let properties = name_properties(kind);
    let mut names = Vec::new();
    for (position, property) in properties.iter().enumerate() {
        let is_own = position + 1 == properties.len();
        let name = match stack.property_text(logical_id, property, "", context) {
            Some(Ok(name)) => match ResourcePath::parse(&name) {
                Some(other) if !is_own => other.name,
                _ => name,
            },
            Some(Err(unknown)) => {
                let expression = cfn::evaluate::render(unknown.expression());
                return Err((property, NameError::Unknown(expression)));
            }
            None if is_own && kind != Kind::VirtualService => format!("{}-{logical_id}", stack.name()),
            None => return Err((property, NameError::Invalid("is missing".to_owned()))),
        };
        let named = if position == 0 { Kind::Mesh } else { kind };
        named
            .check_name(&name)
            .map_err(|invalid| (*property, NameError::Invalid(invalid.to_string())))?;
        names.push(name);
    }
    Ok(match names.as_slice() {
        [mesh, parent, name] => ResourcePath::within(mesh, parent, kind, name),
        [mesh, name] => ResourcePath::new(mesh, kind, name),
        names => ResourcePath::of_mesh(names.first().map_or("", String::as_str)),
    })
}

const UNKNOWN_NAME: &str = "set the parameter with --parameter NAME=VALUE, or give the template of the stack that exports it \
                            with --template";

/// A name that a mesh resource returns for an attribute such as `VirtualNodeName`.
pub(crate) fn name_attribute<'p>(path: &'p ResourcePath, attribute: &str) -> Option<&'p str> {
    let position = name_properties(path.kind).iter().position(|name| *name == attribute)?;
    Some(match (position, &path.parent) {
        (0, _) => &path.mesh,
        (1, Some(parent)) => parent,
        _ => &path.name,
    })
}

/// A resolver for the first evaluation, which finds the paths.
#[derive(Debug)]
struct NamesOfProperties;

impl Resolver for NamesOfProperties {
    fn pseudo_parameter(&self, stack: StackScope<'_>, name: &str) -> Option<Json> {
        (name == STACK_NAME).then(|| Json::from(stack.name()))
    }

    fn resource(&self, reference: Reference<'_>, context: &mut Context<'_>) -> Resolution {
        let Some(kind) = kind_of(&reference.resource.kind) else {
            return cloud_map_name(reference, context);
        };
        let path = path_of(reference.stack, reference.logical_id, kind, context);
        path.map_or(Resolution::Unknown, |path| mesh_reference(&path, reference.attribute))
    }
}

/// A resolver for the second evaluation, in which parameters are unknown and paths are not.
#[derive(Debug)]
struct KnownPaths {
    names: Vec<String>,
    paths: Paths,
}

impl Resolver for KnownPaths {
    fn resource(&self, reference: Reference<'_>, context: &mut Context<'_>) -> Resolution {
        let index = self.names.iter().position(|name| name == reference.stack.name());
        let path = index.and_then(|index| self.paths.get(&(index, reference.logical_id.to_owned())));
        match path {
            Some(path) => mesh_reference(path, reference.attribute),
            None => cloud_map_name(reference, context),
        }
    }
}

/// `Ref` and `Arn` are ARNs, of which the path at the end is known.
fn mesh_reference(path: &ResourcePath, attribute: Option<&str>) -> Resolution {
    match attribute {
        None | Some("Arn") => Resolution::Known(Json::from(path.to_string())),
        Some(attribute) => {
            name_attribute(path, attribute).map_or(Resolution::Unknown, |name| Resolution::Known(Json::from(name)))
        }
    }
}

/// The name of a Cloud Map service or namespace is the property, if it is set.
fn cloud_map_name(reference: Reference<'_>, context: &mut Context<'_>) -> Resolution {
    let is_name = reference.resource.kind == servicediscovery::Service::KIND && reference.attribute == Some("Name");
    let name = is_name.then(|| {
        reference
            .stack
            .property_text(reference.logical_id, "Name", reference.path, context)
    });
    match name.flatten() {
        Some(Ok(name)) => Resolution::Known(Json::from(name)),
        _ => Resolution::Unknown,
    }
}
