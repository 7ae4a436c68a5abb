//! References into other stacks of an app: names of mesh resources, or an output there and a parameter here.

use std::collections::BTreeSet;

use cfn::{Output, Parameter, ReferenceSite, StackImport, Template, rewrite_references};
use indexmap::IndexMap;
use mesh_model::key_casing::pascal_case;
use serde_json::{Value as Json, json};
use sidecar_contract::Diagnostics;

use crate::mesh_encoding::MeshEncoding;
use crate::model::{MeshNames, ReferenceValue};
use crate::stack::LogicalId;
use crate::stack::logical_id::SEPARATOR;

/// The stacks of an app whose references are resolved.
pub(super) struct Links<'a> {
    declared: &'a IndexMap<String, Template>,
    /// The names of mesh resources of all stacks, by qualified id.
    names: &'a MeshNames<'a>,
    encoding: MeshEncoding,
    /// Pairs of a stack and one that it uses.
    edges: BTreeSet<(String, String)>,
    /// Outputs for other stacks, each with its stack and id.
    outputs: Vec<(String, String, Output)>,
}

/// What a reference refers to.
#[derive(Clone, Copy)]
struct Target<'r> {
    stack: &'r str,
    id: &'r str,
    attribute: Option<&'r str>,
}

/// The message about a handle of a stack that is not in the app.
pub(super) fn not_in_app(id: &str, stack: &str) -> String {
    format!("refers to `{id}` of stack `{stack}`, which is not in the same app; add both stacks to one App")
}

/// A stack's template with references to its own resources as CloudFormation has them. Reports references to stacks that are
/// not among `known`, unless they were reported, and adds their paths to `unresolved`.
pub(super) fn resolve_own(
    declared: &Template,
    known: &[&str],
    stack: &str,
    unresolved: &mut BTreeSet<String>,
    diagnostics: &mut Diagnostics,
) -> Template {
    let mut template = declared.clone();
    rewrite_references(&mut template, &mut |path, site| {
        let target = target(site)?;
        if target.stack != stack {
            if !known.contains(&target.stack) {
                let message = not_in_app(target.id, target.stack);
                unresolved.insert(path.to_owned());
                if !diagnostics.iter().any(|reported| reported.message == message) {
                    diagnostics.add(path, message);
                }
            }
            return None;
        }
        Some(expression(target))
    });
    let own = format!("{stack}{SEPARATOR}");
    for resource in template.resources.values_mut() {
        for id in &mut resource.depends_on {
            if let Some(unqualified) = id.strip_prefix(&own) {
                *id = unqualified.to_owned();
            }
        }
        // Other stacks are deployed before.
        resource.depends_on.retain(|id| !id.contains(SEPARATOR));
    }
    template
}

impl<'a> Links<'a> {
    pub(super) fn new(
        declared: &'a IndexMap<String, Template>,
        names: &'a MeshNames<'a>,
        encoding: MeshEncoding,
    ) -> Self {
        Self {
            declared,
            names,
            encoding,
            edges: BTreeSet::new(),
            outputs: Vec::new(),
        }
    }

    /// Pairs of a stack and one that it uses.
    pub(super) fn edges(&self) -> &BTreeSet<(String, String)> {
        &self.edges
    }

    /// Adds the handles of other stacks that a stack uses.
    pub(super) fn add_handles(&mut self, stack: &str, handles: &[(LogicalId, String)], diagnostics: &mut Diagnostics) {
        for (handle, path) in handles {
            match self.declared.contains_key(handle.stack()) {
                true => {
                    self.edges.insert((stack.to_owned(), handle.stack().to_owned()));
                }
                false => diagnostics.add(format!("{stack}.{path}"), not_in_app(handle.as_str(), handle.stack())),
            }
        }
    }

    /// The templates with all references resolved. Adds the paths of references to other apps to `unresolved`.
    pub(super) fn resolve(
        &mut self,
        unresolved: &mut BTreeSet<String>,
        diagnostics: &mut Diagnostics,
    ) -> IndexMap<String, Template> {
        let known: Vec<&str> = self.declared.keys().map(String::as_str).collect();
        let mut templates = IndexMap::new();
        for (stack, declared) in self.declared {
            let mut own = Diagnostics::new();
            let mut own_unresolved = BTreeSet::new();
            let mut template = resolve_own(declared, &known, stack, &mut own_unresolved, &mut own);
            unresolved.extend(own_unresolved.iter().map(|path| format!("{stack}.{path}")));
            let mut parameters = Vec::new();
            rewrite_references(&mut template, &mut |path, site| {
                let target = target(site).filter(|target| known.contains(&target.stack))?;
                self.edges.insert((stack.clone(), target.stack.to_owned()));
                if let Some(name) = self.mesh_name(target) {
                    return Some(Json::from(name));
                }
                match self.link(target) {
                    Ok(link) => {
                        let reference = json!({"Ref": link.import.parameter});
                        parameters.push(link);
                        Some(reference)
                    }
                    Err(message) => {
                        own.add(path, message);
                        None
                    }
                }
            });
            for Link { import, parameter } in parameters {
                let id = &import.parameter;
                let is_taken = template.resources.contains_key(id)
                    || template.parameters.get(id).is_some_and(|other| *other != parameter);
                if is_taken {
                    let message = format!("is needed for a value from stack `{}`; use another id", import.stack);
                    own.add(format!("Parameters.{id}"), message);
                }
                template.add_stack_import(&import);
                template.parameters.insert(import.parameter, parameter);
            }
            super::add_with_stack(stack, own.iter(), diagnostics);
            templates.insert(stack.clone(), template);
        }
        for (stack, id, output) in std::mem::take(&mut self.outputs) {
            let Some(template) = templates.get_mut(&stack) else {
                continue;
            };
            match template.outputs.get(&id) {
                Some(other) if *other != output => {
                    let message = "is needed for a value that other stacks use; use another id";
                    diagnostics.add(format!("{stack}.Outputs.{id}"), message);
                }
                _ => {
                    template.outputs.insert(id, output);
                }
            }
        }
        templates
    }

    /// The value of a reference to a mesh resource: a name, or its path in a template of parameters.
    fn mesh_name(&self, target: Target<'_>) -> Option<String> {
        let is_name = !matches!(target.attribute, None | Some("Arn"));
        if !is_name && self.encoding == MeshEncoding::AppMesh {
            return None;
        }
        let id = format!("{}{SEPARATOR}{}", target.stack, target.id);
        match self.names.reference(&id, target.attribute) {
            ReferenceValue::Text(text) => Some(text),
            ReferenceValue::Unresolved | ReferenceValue::AppMeshOnly | ReferenceValue::OtherResource => None,
        }
    }

    /// The parameter for a value of another stack, whose output is recorded.
    fn link(&mut self, target: Target<'_>) -> Result<Link, String> {
        let Target { stack, id, attribute } = target;
        let template = self.declared.get(stack).ok_or_else(|| not_in_app(id, stack))?;
        let attribute_name: String = attribute.unwrap_or_default().split('.').map(pascal_case).collect();
        let stack_name: String = stack.split('-').map(pascal_case).collect();
        let mut output = Output {
            value: expression(target),
            description: Some(Output::FOR_OTHER_STACKS.to_owned()),
            ..Output::default()
        };
        let mut parameter = Parameter::new("String");
        match (template.parameters.get(id), template.resources.get(id)) {
            (Some(source), _) if source.is_secret() => {
                return Err(format!(
                    "refers to the NoEcho parameter `{id}` of stack `{stack}`, whose value an output would show; add a \
                     parameter to this stack"
                ));
            }
            (Some(source), _) => {
                parameter = Parameter::new(source.kind.as_str());
                if source.is_list() {
                    output.value = json!({"Fn::Join": [",", output.value]});
                }
            }
            (None, Some(source)) => output.condition.clone_from(&source.condition),
            (None, None) => {
                return Err(format!(
                    "refers to `{id}` of stack `{stack}`, which is neither a resource nor a parameter there"
                ));
            }
        }
        let import = StackImport {
            parameter: format!("{stack_name}{id}{attribute_name}"),
            stack: stack.to_owned(),
            output: format!("Shared{id}{attribute_name}"),
        };
        self.outputs.push((stack.to_owned(), import.output.clone(), output));
        let description = format!("{} of stack {stack}", import.output);
        Ok(Link {
            import,
            parameter: parameter.with_description(description),
        })
    }
}

/// A parameter with a value of another stack.
struct Link {
    import: StackImport,
    parameter: Parameter,
}

/// The target of a qualified reference.
fn target<'r>(site: ReferenceSite<'r>) -> Option<Target<'r>> {
    match site {
        ReferenceSite::Id { logical_id, attribute } => {
            let (stack, id) = logical_id.split_once(SEPARATOR)?;
            Some(Target { stack, id, attribute })
        }
        ReferenceSite::Condition(_) => None,
    }
}

/// The reference within its own stack.
fn expression(target: Target<'_>) -> Json {
    match target.attribute {
        None => json!({"Ref": target.id}),
        Some(attribute) => json!({"Fn::GetAtt": [target.id, attribute]}),
    }
}
