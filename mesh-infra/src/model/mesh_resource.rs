//! The resources of meshes, in either encoding.

use cfn::evaluate::{contains_expression, scalar_text};
use cfn::{ResourceType, Value, appmesh, intrinsic, is_part_of, ssm};
use mesh_model::app_mesh::resource_path::PARAMETER_PREFIX;
use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath, ResourceSpec};
use serde_json::{Map, Value as Json};
use sidecar_contract::{Diagnostics, ValidationErrors};

use super::input::{InputResource, InputScope};

/// One resource of a mesh: an `AWS::AppMesh::…`, or a parameter that contains one.
#[derive(Debug)]
#[non_exhaustive]
pub struct MeshResource<'t> {
    /// Its logical id.
    pub logical_id: &'t str,
    /// The path of its properties.
    pub properties_path: String,
    /// Its path in the mesh, or the names that leave the path unknown.
    pub path: Result<ResourcePath, Vec<UnknownName>>,
    /// Its kind; `None` for a parameter with an invalid name.
    pub kind: Option<Kind>,
    /// The casing of the keys in its document: `Camel` in a parameter.
    pub spelling: KeyCasing,
    /// Its spec.
    pub spec: SpecReading,
    /// The condition under which it exists; `None` if it certainly exists.
    pub condition: Option<&'t str>,
}

/// The spec of a mesh resource, as far as it is known.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpecReading {
    /// It is known.
    Known(Box<ResourceSpec>),
    /// It is known and invalid.
    Invalid(ValidationErrors),
    /// It is not set.
    Missing,
    /// Part of it is known only after CloudFormation has evaluated it.
    Unresolved {
        /// Errors outside of the unresolved parts. They may follow from these.
        rest: Diagnostics,
    },
    /// The value of the parameter is not JSON, for this reason.
    NotJson(String),
}

/// A name in the path of a mesh resource that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownName {
    /// The property with the name.
    pub property: &'static str,
    /// Why the name is not known.
    pub reason: UnknownReason,
}

/// Why a name is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownReason {
    /// The property is not set.
    Missing,
    /// Its value is unresolved, or follows from an invalid value of another resource.
    Unresolved,
    /// Its value is invalid: what was found and what is allowed.
    Invalid(String),
}

impl UnknownName {
    fn new(property: &'static str, reason: UnknownReason) -> Self {
        Self { property, reason }
    }
}

impl MeshResource<'_> {
    /// The path to its document in the template.
    #[must_use]
    pub fn document_path(&self) -> String {
        document_path(&self.properties_path, self.spelling)
    }

    /// The spec, if it is known and valid.
    #[must_use]
    pub fn known_spec(&self) -> Option<&ResourceSpec> {
        match &self.spec {
            SpecReading::Known(spec) => Some(spec),
            _ => None,
        }
    }
}

/// All mesh resources of the input, in its order.
pub(super) fn read_all<'t>(resources: &[InputResource<'t>], scope: InputScope) -> Vec<MeshResource<'t>> {
    let found = resources.iter().filter_map(|resource| {
        let mut found = match appmesh::kind_of(resource.kind()) {
            Some(kind) => read_app_mesh(resource, kind),
            None if resource.kind() == ssm::Parameter::KIND => read_parameter(resource, scope)?,
            None => return None,
        };
        // The conditions of all stacks are known.
        found.condition = found.condition.filter(|_| scope == InputScope::OneTemplate);
        Some(found)
    });
    found.collect()
}

fn read_app_mesh<'t>(resource: &InputResource<'t>, kind: Kind) -> MeshResource<'t> {
    let spelling = KeyCasing::Pascal;
    let properties_path = resource.properties_path();
    let spec = match resource.properties.get("Spec") {
        Some(spec) => read_spec(kind, spec, spelling, &properties_path),
        // The only kind that needs no spec.
        None if kind == Kind::Mesh => read_spec(kind, &Json::Object(Map::new()), spelling, &properties_path),
        None => SpecReading::Missing,
    };
    let name = |property: &str| Some(known_text(resource.properties.get(property)?));
    MeshResource {
        logical_id: resource.logical_id,
        path: app_mesh_path(kind, &resource.declared.properties, name),
        properties_path,
        kind: Some(kind),
        spelling,
        spec,
        condition: resource.declared.condition.as_deref(),
    }
}

/// The path of an App Mesh resource. `declared` are its properties in the template. `name` returns the text of a
/// property: `None` if it is not set, and nothing within if it is unresolved.
pub(super) fn app_mesh_path(
    kind: Kind,
    declared: &Json,
    mut name: impl FnMut(&'static str) -> Option<Option<String>>,
) -> Result<ResourcePath, Vec<UnknownName>> {
    /// Limit on the length of names in bytes. App Mesh allows 255 characters.
    const MAX_LENGTH: usize = 1024;
    let (mut names, mut unknown) = (Vec::new(), Vec::new());
    for property in appmesh::name_properties(kind) {
        let is_of_another = || {
            declared
                .get(property)
                .is_some_and(|given| is_attribute(given, property))
        };
        let named = if *property == "MeshName" { Kind::Mesh } else { kind };
        let reason = match name(property).map(|name| name.filter(|name| name.len() <= MAX_LENGTH)) {
            Some(Some(name)) => match named.check_name(&name) {
                Ok(()) => {
                    names.push(name);
                    continue;
                }
                // An invalid name of another resource is reported there.
                Err(_) if is_of_another() => UnknownReason::Unresolved,
                Err(invalid) => UnknownReason::Invalid(invalid.to_string()),
            },
            Some(None) => UnknownReason::Unresolved,
            None => UnknownReason::Missing,
        };
        unknown.push(UnknownName::new(property, reason));
    }
    match names.as_slice() {
        _ if !unknown.is_empty() => Err(unknown),
        [mesh, parent, name] => Ok(ResourcePath::within(mesh, parent, kind, name)),
        [mesh, name] => Ok(ResourcePath::new(mesh, kind, name)),
        names => Ok(ResourcePath::of_mesh(names.first().map_or("", String::as_str))),
    }
}

/// Whether a value is the attribute of this name of a resource.
fn is_attribute(value: &Json, name: &str) -> bool {
    let attribute = Value::<String>::from_json(value);
    attribute.is_ok_and(|value| matches!(value, Value::GetAtt { attribute, .. } if attribute == name))
}

/// `None` for a parameter that does not belong to a mesh.
fn read_parameter<'t>(resource: &InputResource<'t>, scope: InputScope) -> Option<MeshResource<'t>> {
    let unknown = |reason| vec![UnknownName::new("Name", reason)];
    let path = match resource.properties.get("Name")? {
        Json::String(name) if name.starts_with(PARAMETER_PREFIX) => {
            ResourcePath::from_parameter(name).ok_or_else(|| unknown(invalid_parameter_name(name)))
        }
        unresolved if has_our_prefix(unresolved) => Err(unknown(UnknownReason::Unresolved)),
        // It may be the parameter that seems to be missing.
        unresolved if scope == InputScope::AllStacks && intrinsic(unresolved).is_some() => {
            Err(unknown(UnknownReason::Unresolved))
        }
        _ => return None,
    };
    let kind = path.as_ref().ok().map(|path| path.kind);
    let properties_path = resource.properties_path();
    let unresolved = || SpecReading::Unresolved {
        rest: Diagnostics::new(),
    };
    let spec = match resource.properties.get("Value").map(known_text) {
        Some(Some(text)) => match (serde_json::from_str(&text), kind) {
            (Ok(document), Some(kind)) => read_spec(kind, &document, KeyCasing::Camel, &properties_path),
            (Ok(_), None) => unresolved(),
            (Err(error), _) => SpecReading::NotJson(error.to_string()),
        },
        Some(None) => unresolved(),
        None => SpecReading::Missing,
    };
    Some(MeshResource {
        logical_id: resource.logical_id,
        path,
        properties_path,
        kind,
        spelling: KeyCasing::Camel,
        spec,
        condition: resource.declared.condition.as_deref(),
    })
}

/// A property as text. `None` if it is unresolved, or not a scalar, which is an error of the property.
fn known_text(json: &Json) -> Option<String> {
    match json {
        Json::Array(_) | Json::Object(_) => None,
        scalar => Some(scalar_text(scalar)),
    }
}

fn read_spec(kind: Kind, document: &Json, spelling: KeyCasing, properties_path: &str) -> SpecReading {
    let path = document_path(properties_path, spelling);
    let read = ResourceSpec::read(kind, document, spelling, &path);
    // In a parameter, an object that looks like an expression is part of the document.
    if spelling == KeyCasing::Pascal && contains_expression(document) {
        let mut unresolved = Vec::new();
        find_expressions(document, &path, &mut unresolved);
        let errors = read.err().into_iter().flatten();
        let rest = errors.filter(|error| !unresolved.iter().any(|unresolved| is_part_of(&error.path, unresolved)));
        let mut diagnostics = Diagnostics::new();
        diagnostics.extend(rest);
        return SpecReading::Unresolved { rest: diagnostics };
    }
    match read {
        Ok(spec) => SpecReading::Known(Box::new(spec)),
        Err(errors) => SpecReading::Invalid(errors),
    }
}

fn document_path(properties_path: &str, spelling: KeyCasing) -> String {
    let property = match spelling {
        KeyCasing::Camel => "Value",
        KeyCasing::Pascal => "Spec",
    };
    format!("{properties_path}.{property}")
}

/// The paths of the expressions in a document.
fn find_expressions(json: &Json, path: &str, found: &mut Vec<String>) {
    match json {
        _ if intrinsic(json).is_some() => found.push(path.to_owned()),
        Json::Object(object) => {
            for (key, value) in object {
                find_expressions(value, &format!("{path}.{key}"), found);
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_expressions(item, &format!("{path}[{index}]"), found);
            }
        }
        _ => {}
    }
}

fn invalid_parameter_name(name: &str) -> UnknownReason {
    UnknownReason::Invalid(format!(
        "is `{name}`, which is not a mesh resource name; expected {PARAMETER_PREFIX}MESH/virtualNode/NAME"
    ))
}

/// Whether an unresolved name will start with the prefix of mesh parameters.
fn has_our_prefix(name: &Json) -> bool {
    let text = name.get("Fn::Sub").map(|sub| sub.get(0).unwrap_or(sub));
    text.and_then(Json::as_str)
        .is_some_and(|text| text.starts_with(PARAMETER_PREFIX))
}
